//! Channels that Slack lets nothing be written into: which refusals mean that, and when it is over.
//!
//! What holds: only what is said about a message or a room as such is a channel's fault; a
//! missing scope is not.

use operations::channels::Unusable;
use operations::ids::ChannelId;
use serde_json::{Value, json};

use super::Client;
use super::call::says;
use super::limits::INFO;
use crate::chat::{Called, Failure};

/// Error words of `chat.postMessage`, `chat.update` and the like that mean the channel. `is_inactive` is what
/// `chat.update` says of one that is frozen or archived.
const WORDS: &[(&str, Unusable)] = &[
    ("is_archived", Unusable::Archived),
    ("is_inactive", Unusable::Archived),
    ("not_in_channel", Unusable::NotIn),
    ("channel_not_found", Unusable::Gone),
    ("restricted_action", Unusable::Forbidden),
    ("restricted_action_read_only_channel", Unusable::Forbidden),
    ("restricted_action_thread_only_channel", Unusable::Forbidden),
];

/// A failure as the channel's, where it is its fault. That a right is missing is, where the call only writes (`writes`).
pub(super) fn of_channel(channel: &ChannelId, failure: Failure, writes: bool) -> Failure {
    let meant = WORDS.iter().filter(|(_, why)| writes || *why != Unusable::Forbidden);
    match meant.into_iter().find(|(word, _)| says(&failure, word)) {
        Some((_, why)) => Failure::Channel { channel: channel.clone(), why: *why, said: failure.to_string() },
        None => failure,
    }
}

impl Client {
    pub(in crate::chat) async fn look_at(&self, channel: &ChannelId, why: Unusable) -> Called<Option<Unusable>> {
        let answer = match self.call(&INFO, &json!({ "channel": channel.0 })).await {
            Ok(answer) => answer,
            Err(failure) => {
                return match of_channel(channel, failure, true) {
                    Failure::Channel { why, .. } => Ok(Some(why)),
                    other => Err(other),
                };
            }
        };
        Ok(still(answer.get("channel").unwrap_or(&Value::Null), why))
    }
}

/// What is wrong with a channel as `conversations.info` tells of it, given what was wrong before.
fn still(channel: &Value, why: Unusable) -> Option<Unusable> {
    let is = |field: &str| channel.get(field) == Some(&Value::Bool(true));
    if is("is_archived") || is("is_frozen") {
        return Some(Unusable::Archived);
    }
    // A public channel is entered with the next message, unless that is what did not work.
    if !is("is_member") && (is("is_private") || why == Unusable::NotIn) {
        return Some(Unusable::NotIn);
    }
    let restricted = channel.pointer("/properties/posting_restricted_to").is_some_and(|to| !to.is_null());
    (restricted && why == Unusable::Forbidden).then_some(Unusable::Forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_right_when_the_bot_can_write_again() {
        let there = json!({ "is_archived": false, "is_member": true, "is_private": false });
        assert_eq!(still(&there, Unusable::Archived), None);
        let left = json!({ "is_archived": false, "is_member": false, "is_private": false });
        assert_eq!(still(&left, Unusable::Archived), None, "it is entered with the next message");
        assert_eq!(still(&left, Unusable::NotIn), Some(Unusable::NotIn), "that did not work before");
        let closed = json!({ "is_member": true, "properties": { "posting_restricted_to": { "type": ["admin"] } } });
        assert_eq!(still(&closed, Unusable::Forbidden), Some(Unusable::Forbidden));
        assert_eq!(still(&json!({ "is_member": true, "is_archived": true }), Unusable::Gone), Some(Unusable::Archived));
    }
}
