//! What arrives on Discord's gateway: read or refused in a sentence, and never acted upon for strangers.

use integrations::chat::discord::inbound::{Completion, Identity, Parsed, parse};
use operations::ids::Platform;
use serde_json::Value;

use super::bytes::is_visible;
use super::scene::{Scene, user};
use super::slack_inbound::is_redacted;
use super::taken;

/// Who the bot is.
pub(super) fn identity() -> Identity {
    Identity {
        guild: user(Platform::Discord, "").workspace,
        user_id: "100000000000000002".to_owned(),
        application: "100000000000000002".to_owned(),
        name: "muster".to_owned(),
    }
}

pub(super) fn check(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else { return };
    is_redacted(raw);
    let Ok(dispatch) = serde_json::from_str::<Value>(raw) else { return };
    let me = identity();
    let parsed = parse(&dispatch, &me);
    assert_eq!(parsed, parse(&dispatch, &me), "the same dispatch is read the same way");
    match parsed {
        Ok(Parsed::Act(inbound)) => {
            taken::is_from(&inbound, Platform::Discord, &me.guild);
            is_ours(&dispatch, &me);
            let interaction = dispatch.get("t").and_then(Value::as_str) == Some("INTERACTION_CREATE");
            assert!(interaction || inbound.by.user.user != me.user_id, "Muster's own doing");
            Scene::lively().act(&inbound);
        }
        Ok(Parsed::Complete(completion)) => {
            is_ours(&dispatch, &me);
            assert!(!completion.interaction.is_empty() && !completion.token.is_empty());
            let shown = format!("{completion:?}");
            let without = Completion { token: String::new(), ..*completion };
            assert_eq!(shown, format!("{without:?}"), "a log says nothing of the token");
        }
        Ok(Parsed::Foreign(reply)) => assert_eq!(reply.platform(), Platform::Discord),
        Ok(Parsed::Missed(_)) => assert_eq!(dispatch.get("t").and_then(Value::as_str), Some("READY")),
        Ok(Parsed::Ignored(why)) => assert!(!why.is_empty()),
        Err(why) => assert!(!why.is_empty() && why.chars().count() < 200 && is_visible(&why), "{why:?}"),
    }
}

/// Whether it was done in our server, or in a direct message with the bot.
fn is_ours(dispatch: &Value, me: &Identity) {
    match dispatch.pointer("/d/guild_id") {
        Some(Value::String(guild)) => assert_eq!(*guild, me.guild, "a stranger's doing"),
        Some(Value::Null) | None => {
            let kind = dispatch.pointer("/d/type").and_then(Value::as_u64);
            assert!(matches!(kind, Some(3 | 5)), "only buttons and forms are answered outside of the server");
        }
        Some(other) => panic!("{other} is no server"),
    }
}
