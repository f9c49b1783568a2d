//! Webhooks as they come over the wire.

use std::sync::{Arc, Mutex};

use integrations::pipelines::github::hook::{NotBelieved, told};
use integrations::secret::Secret;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::World;
use crate::common::until;

const SECRET: &str = "a secret of the webhook";

type Came = Arc<Mutex<Vec<(HeaderMap, Vec<u8>)>>>;

/// Takes every webhook and keeps it; gives back where it listens.
async fn catcher() -> (String, Came) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/hooks/github", listener.local_addr().expect("an address"));
    let came = Came::default();
    let kept = came.clone();
    #[expect(clippy::disallowed_methods, reason = "a part of the test, which ends with it")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut heard = Vec::new();
            let mut piece = [0; 4096];
            let (head, length) = loop {
                let read = stream.read(&mut piece).await.unwrap_or(0);
                heard.extend_from_slice(&piece[..read]);
                let end = heard.windows(4).position(|window| window == b"\r\n\r\n");
                let Some(end) = end else { continue };
                let head = String::from_utf8_lossy(&heard[..end]).into_owned();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                break (head, end + 4 + length.unwrap_or(0_usize));
            };
            while heard.len() < length {
                let read = stream.read(&mut piece).await.unwrap_or(0);
                heard.extend_from_slice(&piece[..read]);
            }
            let mut headers = HeaderMap::new();
            for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
                let name: HeaderName = name.parse().expect("a header");
                headers.insert(name, HeaderValue::from_str(value).expect("a value"));
            }
            let body = heard[head.len() + 4..].to_vec();
            kept.lock().expect("a list").push((headers, body));
            let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
    });
    (address, came)
}

#[tokio::test]
async fn each_change_of_a_run_is_told_and_believed_by_its_signature_alone() {
    let world = World::new().await;
    let (address, came) = catcher().await;
    world.ci.set_webhook(&address, SECRET);
    let run = world.started().await;
    let handle = world.ci.run(run.id.parse().expect("a number"));
    handle.begin();
    handle.finish("success");
    // Requested, the first job and the run begin, both jobs end, the run ends.
    until("all webhooks came", || world.ci.deliveries().len() == 6).await;
    assert!(world.ci.deliveries().iter().all(|it| it.status == 202));
    let secret = Secret::new(SECRET);
    for (headers, body) in came.lock().expect("a list").iter() {
        assert_eq!(told(headers, body, &secret), Ok(Some(run.id.clone())));
        let mut changed = body.clone();
        changed.push(b' ');
        assert_eq!(told(headers, &changed, &secret), Err(NotBelieved::WrongSignature));
        assert_eq!(told(headers, body, &Secret::new("another")), Err(NotBelieved::WrongSignature));
        assert_eq!(told(headers, body, &Secret::new("")), Err(NotBelieved::NoSecret));
        let mut bare = headers.clone();
        bare.remove("x-hub-signature-256");
        assert_eq!(told(&bare, body, &secret), Err(NotBelieved::Unsigned));
        for wrong in ["sha1=abc", "sha256=", "sha256=zz", &format!("sha256={}", "é".repeat(32))] {
            let value = HeaderValue::from_bytes(wrong.as_bytes()).expect("a value");
            bare.insert("x-hub-signature-256", value);
            assert_eq!(told(&bare, body, &secret), Err(NotBelieved::Unsigned), "{wrong}");
        }
    }
}

#[tokio::test]
async fn webhooks_come_twice_and_the_newest_first() {
    let world = World::new().await;
    let (address, came) = catcher().await;
    world.ci.set_webhook(&address, SECRET);
    world.ci.duplicate_webhooks(1);
    world.ci.hold_webhooks(true);
    let run = world.started().await;
    world.ci.run(run.id.parse().expect("a number")).finish("cancelled");
    world.ci.hold_webhooks(false);
    until("all webhooks came", || world.ci.deliveries().len() == 5).await;
    let deliveries = world.ci.deliveries();
    assert!(deliveries[0].body.contains("\"completed\"") && deliveries[4].body.contains("\"requested\""));
    assert_eq!(deliveries[3].id, deliveries[4].id);
    let secret = Secret::new(SECRET);
    let came = came.lock().expect("a list");
    assert!(came.iter().all(|(headers, body)| told(headers, body, &secret) == Ok(Some(run.id.clone()))));
}

#[test]
fn what_is_about_something_else_or_unreadable_is_told_apart() {
    let secret = Secret::new(SECRET);
    let signed = |event: &'static str, body: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-github-event", HeaderValue::from_static(event));
        let signature = sandbox::ci::sign(SECRET, body.as_bytes());
        headers.insert("x-hub-signature-256", signature.parse().expect("a value"));
        told(&headers, body.as_bytes(), &secret)
    };
    assert_eq!(signed("ping", "{}"), Ok(None));
    assert_eq!(signed("push", "not json"), Ok(None));
    assert_eq!(signed("workflow_job", r#"{"workflow_job":{"id":1,"run_id":42}}"#), Ok(Some("42".to_owned())));
    assert_eq!(signed("workflow_run", r#"{"workflow_run":{"id":"../x"}}"#), Err(NotBelieved::Unreadable));
    assert_eq!(signed("workflow_run", "{"), Err(NotBelieved::Unreadable));
    // A signature that stands twice is none.
    let mut headers = HeaderMap::new();
    let signature: HeaderValue = sandbox::ci::sign(SECRET, b"{}").parse().expect("a value");
    headers.append("x-hub-signature-256", signature.clone());
    headers.append("x-hub-signature-256", signature);
    assert_eq!(told(&headers, b"{}", &secret), Err(NotBelieved::Unsigned));
}
