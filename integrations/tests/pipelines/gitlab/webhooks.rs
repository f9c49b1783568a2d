//! What GitLab pushes, and whether it was GitLab.

use super::*;

/// A signing token and a signature made with `openssl dgst -sha256 -hmac`, over the body below.
const SIGNING: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const BODY: &str = r#"{"object_kind":"pipeline","object_attributes":{"id":61,"status":"success"},"project":{"id":7}}"#;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<reqwest::header::HeaderName>().expect("a name"), value.parse().expect("a value"))
    };
    pairs.iter().map(pair).collect()
}

#[test]
fn a_signed_webhook_is_known_by_its_signature_alone() {
    let hook = Hook::new(vec![Secret::new("plain-token-1234")], &[Secret::new(SIGNING)]).expect("a hook");
    let right = "v1,POQYyqy6dq566KNMNhqLF2hS19AJ1Mh+GnhViW1MVXc=";
    let good = [("webhook-id", "msg_1"), ("webhook-timestamp", "1790000000"), ("webhook-signature", right)];
    let told = hook.read(&headers(&good), BODY.as_bytes(), now()).expect("known");
    assert_eq!((told.about, told.project), (About::Pipeline(61), Some(7)));
    assert_eq!(told.delivery.as_deref(), Some("msg_1"));
    let both = format!("v1,AAAA v1a,zzz {right}");
    let rotated = [good[0], good[1], ("webhook-signature", both.as_str())];
    assert!(hook.read(&headers(&rotated), BODY.as_bytes(), now()).is_ok(), "one of several");
    let wrong = [
        vec![("webhook-id", "msg_2"), good[1], good[2]],
        vec![good[0], ("webhook-timestamp", "1790000001"), good[2]],
        vec![good[0], good[1], ("webhook-signature", "v1,"), ("x-gitlab-token", "plain-token-1234")],
        vec![good[1], good[2], ("x-gitlab-token", "plain-token-1234")],
        vec![good[0], good[1]],
        vec![],
    ];
    for pairs in wrong {
        let read = hook.read(&headers(&pairs), BODY.as_bytes(), now());
        assert_eq!(read, Err(Denied::Unknown), "{pairs:?}");
    }
    assert_eq!(hook.read(&headers(&good), b"{}", now()), Err(Denied::Unknown), "another body");
    for seconds in [-301, 301] {
        let then = now().checked_add(jiff::SignedDuration::from_secs(seconds)).expect("a time");
        assert_eq!(hook.read(&headers(&good), BODY.as_bytes(), then), Err(Denied::Unknown), "{seconds}");
    }
    let then = now().checked_add(jiff::SignedDuration::from_secs(300)).expect("a time");
    assert!(hook.read(&headers(&good), BODY.as_bytes(), then).is_ok());
}

#[test]
fn a_webhook_with_the_older_token_is_known_and_what_it_is_about_is_read() {
    let hook = Hook::new(vec![Secret::new("old-token"), Secret::new("new-token")], &[]).expect("a hook");
    let read = |token: &str, body: &str| hook.read(&headers(&[("x-gitlab-token", token)]), body.as_bytes(), now());
    for token in ["old-token", "new-token"] {
        assert!(read(token, BODY).is_ok());
    }
    for token in ["", "old-toke", "old-token1", "OLD-TOKEN"] {
        assert_eq!(read(token, BODY), Err(Denied::Unknown), "{token}");
    }
    let cases = [
        (r#"{"object_kind":"build","build_id":9,"pipeline_id":61,"project_id":7}"#, About::Pipeline(61)),
        (r#"{"object_kind":"deployment","deployment_id":5,"deployable_id":796}"#, About::Job(796)),
        (r#"{"object_kind":"deployment","deployment_id":5}"#, About::Other),
        (r#"{"object_kind":"push"}"#, About::Other),
        ("{}", About::Other),
    ];
    for (body, about) in cases {
        assert_eq!(read("old-token", body).map(|told| told.about), Ok(about), "{body}");
    }
    for body in ["", "not json", r#"{"object_kind":7}"#] {
        assert_eq!(read("old-token", body), Err(Denied::Unreadable), "{body}");
    }
    assert!(Hook::new(Vec::new(), &[]).is_err());
    for token in ["whsec_", "whsec_AAAA", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="] {
        assert!(Hook::new(Vec::new(), &[Secret::new(token)]).is_err(), "{token}");
    }
    assert!(!format!("{:?}", Hook::new(vec![Secret::new("old-token")], &[Secret::new(SIGNING)])).contains("old-token"));
}

#[tokio::test]
async fn a_deployment_s_job_leads_to_its_pipeline() {
    let world = world().await;
    let run = world.started().await;
    let job = world.job(&run, "deploy", "running");
    assert_eq!(world.gitlab.run_of_job(job).await.expect("a run").id, run.id);
}
