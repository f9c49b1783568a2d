//! Signed requests, and those that only look like it.

use operations::chat::{Act, Line};
use sha2::{Digest, Sha256};

use super::*;

const NOW: i64 = 1_700_000_000;

/// HMAC-SHA256 written out, so that the verifier is not tested against itself.
fn sign(secret: &str, timestamp: &str, body: &str) -> String {
    let mut key = [0_u8; 64];
    key[..secret.len()].copy_from_slice(secret.as_bytes());
    let inner: Vec<u8> =
        key.iter().map(|byte| byte ^ 0x36).chain(format!("v0:{timestamp}:{body}").into_bytes()).collect();
    let outer: Vec<u8> = key.iter().map(|byte| byte ^ 0x5c).chain(Sha256::digest(&inner).iter().copied()).collect();
    let digest: String = Sha256::digest(&outer).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v0={digest}")
}

fn headers(kind: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, kind.parse().expect("a header"));
    headers.insert("x-slack-request-timestamp", timestamp.parse().expect("a header"));
    headers.insert("x-slack-signature", signature.parse().expect("a header"));
    headers
}

fn bot() -> Identity {
    Identity {
        team: "T1".into(),
        user_id: "UBOT".into(),
        bot_id: "BBOT".into(),
        url: String::new(),
        name: "muster".into(),
    }
}

fn hear(kind: &str, body: &str) -> Result<Heard, Rejected> {
    let timestamp = NOW.to_string();
    let headers = headers(kind, &timestamp, &sign("shh", &timestamp, body));
    receive(&Secret::new("shh"), &headers, body.as_bytes(), at(NOW), &bot())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn a_command_and_an_interaction_are_read_from_forms() {
    let body =
        "team_id=T1&user_id=U1&user_name=ann&channel_id=C1&command=%2Fincident&text=declare+it+burns&trigger_id=t.1";
    let Ok(Heard::Parsed(Parsed::Act(inbound))) = hear(FORM, body) else { panic!("a command") };
    assert_eq!(inbound.delivery, "t.1");
    assert!(matches!(inbound.what, Act::Command { line: Line::Text(text), .. } if text == "declare it burns"));

    let payload = r#"{"type":"block_actions","trigger_id":"t.2","user":{"id":"U1"},"channel":{"id":"C1"},"container":{"message_ts":"1.1"},"actions":[{"type":"button","value":"x"}]}"#;
    let body: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", payload).finish();
    let Ok(Heard::Parsed(Parsed::Act(inbound))) = hear(FORM, &body) else { panic!("a click") };
    assert_eq!(inbound.delivery, "t.2");
}

#[test]
fn a_challenge_is_answered_only_when_it_is_signed() {
    let body = r#"{"type":"url_verification","challenge":"abc"}"#;
    assert_eq!(hear("application/json", body), Ok(Heard::Challenge("abc".to_owned())));
    let forged = headers("application/json", &NOW.to_string(), "v0=00");
    assert_eq!(receive(&Secret::new("shh"), &forged, body.as_bytes(), at(NOW), &bot()), Err(Rejected::Signature));
}

#[test]
fn old_future_unsigned_and_changed_requests_are_refused() {
    let body = "team_id=T1";
    let timestamp = NOW.to_string();
    let good = sign("shh", &timestamp, body);
    let check = |headers: &HeaderMap, body: &str, now: i64| {
        receive(&Secret::new("shh"), headers, body.as_bytes(), at(now), &bot())
    };
    let signed = headers(FORM, &timestamp, &good);
    assert_ne!(check(&signed, body, NOW + 300), Err(Rejected::Signature));
    for (headers, body, now) in [
        (&signed, body, NOW + 301),
        (&signed, body, NOW - 301),
        (&signed, "team_id=T2", NOW),
        (&headers(FORM, "1", &good), body, NOW),
        (&headers(FORM, &timestamp, &sign("other", &timestamp, body)), body, NOW),
        (&headers(FORM, "-9223372036854775808", &sign("shh", "-9223372036854775808", body)), body, NOW),
        (&headers(FORM, "soon", &sign("shh", "soon", body)), body, NOW),
        (&HeaderMap::new(), body, NOW),
    ] {
        assert_eq!(check(headers, body, now), Err(Rejected::Signature));
    }
    let unset = headers(FORM, &timestamp, &sign("", &timestamp, body));
    assert_eq!(receive(&Secret::new(""), &unset, body.as_bytes(), at(NOW), &bot()), Err(Rejected::Signature));
}

#[test]
fn signed_garbage_is_malformed() {
    for (kind, body) in [
        ("application/json", "{"),
        ("application/json", "{}"),
        ("text/plain", "x"),
        (FORM, "payload=%7B"),
        (FORM, "command=%2Fx"),
        // Two of them would be taken for one delivery.
        (FORM, "team_id=T1&user_id=U1&channel_id=C1&command=%2Fincident&trigger_id="),
    ] {
        assert!(matches!(hear(kind, body), Err(Rejected::Malformed(_))), "{body}");
    }
}
