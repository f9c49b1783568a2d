//! What arrives on Slack's socket: read or refused in a sentence, never acted upon for strangers, never kept with
//! what gives rights.

use bot::inbox::redacted;
use integrations::chat::slack::inbound::{Identity, Parsed, parse};
use operations::chat::Act;
use operations::ids::Platform;
use serde_json::Value;

use super::bytes::is_visible;
use super::json::Json;
use super::scene::{Scene, user};
use super::taken;

/// Who the bot is.
pub(super) fn identity() -> Identity {
    Identity {
        team: user(Platform::Slack, "").workspace,
        user_id: "U0MUSTER".to_owned(),
        bot_id: "B0MUSTER".to_owned(),
        url: "https://team.slack.com/".to_owned(),
        name: "muster".to_owned(),
    }
}

pub(super) fn check(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else { return };
    is_redacted(raw);
    let Ok(envelope) = serde_json::from_str::<Value>(raw) else { return };
    let me = identity();
    let parsed = parse(&envelope, &me);
    assert_eq!(parsed, parse(&envelope, &me), "the same envelope is read the same way");
    match parsed {
        Ok(Parsed::Act(inbound)) => {
            taken::is_from(&inbound, Platform::Slack, &me.team);
            let team = envelope.pointer("/payload/team_id").and_then(Value::as_str);
            assert!(!matches!(inbound.what, Act::Command { .. }) || team == Some(&me.team), "a stranger's command");
            let of_event = envelope.get("type").and_then(Value::as_str) == Some("events_api");
            assert!(!(of_event && inbound.by.user.user == me.user_id), "Muster's own doing");
            Scene::lively().act(&inbound);
        }
        Ok(Parsed::Account(user, _)) => assert!(user.workspace == me.team && !user.user.is_empty()),
        Ok(Parsed::Ignored(why)) => assert!(!why.is_empty()),
        Err(why) => assert!(!why.is_empty() && why.chars().count() < 200 && is_visible(&why), "{why:?}"),
    }
}

/// What is kept of a payload that can't be read holds nothing that gives rights.
pub(super) fn is_redacted(raw: &str) {
    const RIGHTS: [&str; 6] = ["token", "response_url", "response_urls", "trigger_id", "authorization", "ticket"];
    let kept = redacted(raw);
    match serde_json::from_str::<Json>(&kept) {
        Ok(kept) => kept.each(&mut |key, value| {
            assert!(!RIGHTS.contains(&key) || *value == Json::Text("***".to_owned()), "{key} is kept as {value:?}");
        }),
        Err(_) => assert_eq!(kept, format!("({} bytes that are not JSON)", raw.len())),
    }
}
