//! Frames of both sockets, before anything is made of what they say.

use std::time::Duration;

use integrations::chat::discord::frame::{Dispatch, Frame, marked, understand};
use integrations::chat::discord::gateway::address;
use integrations::chat::slack::frame as slack;
use serde_json::Value;

pub(super) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let value: Option<Value> = serde_json::from_str(text).ok();
    of_slack(text, value.as_ref());
    of_discord(text, value.as_ref());
    if let Some(url) = address(text) {
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        assert!(url.scheme() == "wss" || (url.scheme() == "ws" && loopback), "{url}");
        assert_eq!((url.query(), url.fragment()), (Some("v=10&encoding=json"), None));
    }
}

fn of_slack(text: &str, value: Option<&Value>) {
    let says = |name: &str| value.and_then(|value| value.get(name)).and_then(Value::as_str);
    match slack::understand(text) {
        slack::Frame::Hello => assert_eq!(says("type"), Some("hello")),
        slack::Frame::Disconnect(why) => assert!(says("type") == Some("disconnect") && why.chars().count() <= 60),
        slack::Frame::Envelope(id) => assert_eq!(says("envelope_id"), Some(id.as_str())),
        slack::Frame::Other => assert_eq!(says("envelope_id"), None),
    }
}

fn of_discord(text: &str, value: Option<&Value>) {
    let Some(frame) = understand(text) else { return assert_eq!(value, None) };
    let value = value.expect("what is understood is JSON");
    match frame {
        Frame::Dispatch(dispatch) => {
            let without = Dispatch { session: None, resume_url: None, ..dispatch.clone() };
            assert_eq!(format!("{dispatch:?}"), format!("{without:?}"), "a log says nothing of the session");
            if !dispatch.kind.is_empty() {
                is_marked(text, value);
            }
        }
        Frame::Hello(Some(interval)) => {
            assert!((Duration::from_millis(100)..=Duration::from_secs(600)).contains(&interval));
        }
        Frame::Hello(None)
        | Frame::Heartbeat
        | Frame::Reconnect
        | Frame::Invalid { .. }
        | Frame::Answered
        | Frame::Other => {}
    }
}

/// What is handed over says what was said, and of which session it is.
fn is_marked(text: &str, value: &Value) {
    let marked = marked(text, "0a1b2c3d").expect("a dispatch is an object");
    let mut read: Value = serde_json::from_str(&marked).expect("what is handed over is JSON");
    assert_eq!(read["session"], "0a1b2c3d", "{marked}");
    let mut value = value.clone();
    for value in [&mut read, &mut value] {
        value.as_object_mut().expect("an object").remove("session");
    }
    assert_eq!(read, value);
}
