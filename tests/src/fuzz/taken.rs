//! What holds of everything that a person did, whatever the platform.

use operations::chat::{Act, Inbound, ReplyTo};
use operations::ids::Platform;

use super::bytes::is_visible;

/// It is of this workspace, has an id of its own, and its words are clean.
pub(super) fn is_from(inbound: &Inbound, platform: Platform, workspace: &str) {
    let user = &inbound.by.user;
    assert_eq!((user.platform, user.workspace.as_str()), (platform, workspace));
    assert!(!inbound.delivery.is_empty() && !user.user.is_empty());
    assert!(is_visible(inbound.by.name.as_str()));
    let of = |on: Platform| assert_eq!(on, platform);
    match &inbound.what {
        Act::Command { reply, .. } => leads(reply, platform),
        Act::Mention { message, reply, .. } | Act::Click { message, reply, .. } => {
            of(message.platform);
            leads(reply, platform);
        }
        Act::Submit { reply, values, .. } => {
            leads(reply, platform);
            assert!(values.values().all(|value| !value.trim().is_empty()), "empty fields are left out");
        }
        Act::Reaction { on, .. } | Act::Pin { on, .. } => of(on.platform),
        Act::Message { message, text } => {
            of(message.platform);
            assert!(is_visible(text.as_str()));
        }
    }
}

/// The answer goes to the platform that it came from, and a log does not say how.
fn leads(reply: &ReplyTo, platform: Platform) {
    assert_eq!(reply.platform(), platform);
    let mut without = reply.clone();
    match &mut without {
        ReplyTo::Slack { response_url, trigger, .. } => (*response_url, *trigger) = (None, None),
        ReplyTo::Discord { token, .. } => token.clear(),
        ReplyTo::Message { .. } => {}
    }
    assert_eq!(format!("{reply:?}"), format!("{without:?}"));
}
