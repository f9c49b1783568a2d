//! Channels: opened at most once for a key, found again, named, filled, closed.
//!
//! What holds: a channel carries its key in its purpose, `[key]`; one that was made by
//! the bot within a day and has no purpose yet is taken for ours where its name fits, since
//! the bot may have died between making it and writing the purpose.

use operations::ids::ChannelId;
use serde_json::{Value, json};

use super::call::{already_is_done, says};
use super::inbound::Identity;
use super::limits::{ARCHIVE, CREATE, INVITE, LIST, SET_PURPOSE, SET_TOPIC};
use super::render::escape_to;
use super::{Client, cursor};
use crate::chat::{Called, Failure, Opened, Refused};

/// The longest name of a channel that Slack takes.
const LONGEST_NAME: usize = 80;
/// The longest topic and purpose that Slack takes.
const LONGEST_TOPIC: usize = 250;
/// How many names are tried: `inc-1`, `inc-1-2` … `inc-1-20`.
const NAMES: usize = 20;
/// How many pages of channels are looked through, at 200 each.
const PAGES: usize = 25;
/// How long a channel without a purpose counts as just made, in seconds.
const FRESH: i64 = 24 * 3600;

impl Client {
    pub(in crate::chat) async fn open_channel(
        &self,
        name: &str,
        topic: &str,
        key: &str,
        look_first: bool,
    ) -> Called<Opened> {
        let name = fitting(name);
        let mut looked = false;
        if look_first {
            looked = true;
            if let Some(found) = self.find_room(&name, key).await? {
                return self.furnish(found, topic, key).await;
            }
        }
        for number in 1..=NAMES {
            let attempt = numbered(&name, number);
            match self.call(&CREATE, &json!({ "name": attempt, "is_private": false })).await {
                Ok(answer) => {
                    let Some(made) = opened(answer.get("channel").unwrap_or(&Value::Null)) else {
                        return Err(Failure::Unknown {
                            why: "conversations.create: the answer has no channel".to_owned(),
                        });
                    };
                    return self.furnish(made, topic, key).await;
                }
                Err(failure) if says(&failure, "name_taken") => {
                    // Perhaps it is ours, from before a crash.
                    if !looked {
                        looked = true;
                        if let Some(found) = self.find_room(&name, key).await? {
                            return self.furnish(found, topic, key).await;
                        }
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::Permanent {
            why: format!("conversations.create: {NAMES} names like {name} are taken"),
            kind: Refused::Already,
        })
    }

    /// Writes key and topic. That somebody forbade the bot to is no reason to have no room.
    async fn furnish(&self, room: Opened, topic: &str, key: &str) -> Called<Opened> {
        let purpose = format!("Incident room kept by Muster [{key}]");
        let purposed =
            self.call(&SET_PURPOSE, &json!({ "channel": room.channel.0, "purpose": purpose })).await.map(|_| ());
        unless_forbidden(purposed)?;
        if !topic.is_empty() {
            unless_forbidden(self.set_topic(&room.channel, topic).await)?;
        }
        Ok(room)
    }

    /// Looks for the channel that was opened with `key`.
    async fn find_room(&self, name: &str, key: &str) -> Called<Option<Opened>> {
        let bot = self.identity().await?;
        let mark = format!("[{key}]");
        let mut fresh = None;
        let mut arguments = json!({ "types": "public_channel", "limit": 200, "exclude_archived": false });
        for _ in 0..PAGES {
            let page = self.call(&LIST, &arguments).await?;
            for channel in page.get("channels").and_then(Value::as_array).into_iter().flatten() {
                let purpose = channel.pointer("/purpose/value").and_then(Value::as_str).unwrap_or_default();
                if purpose.contains(&mark) {
                    return Ok(opened(channel));
                }
                if fresh.is_none() && purpose.is_empty() && self.is_just_made(channel, name, &bot) {
                    fresh = opened(channel);
                }
            }
            match cursor(&page) {
                Some(cursor) => arguments["cursor"] = json!(cursor),
                None => break,
            }
        }
        Ok(fresh)
    }

    fn is_just_made(&self, channel: &Value, name: &str, bot: &Identity) -> bool {
        let now = self.caller.clock.now().as_second();
        let created = channel.get("created").and_then(Value::as_i64).unwrap_or_default();
        let creator = channel.get("creator").and_then(Value::as_str);
        let named = channel.get("name").and_then(Value::as_str).unwrap_or_default();
        let fits = (1..=NAMES).any(|number| named == numbered(name, number));
        fits && creator == Some(bot.user_id.as_str()) && is_fresh(created, now)
    }

    pub(in crate::chat) async fn set_topic(&self, channel: &ChannelId, topic: &str) -> Called<()> {
        let arguments = json!({ "channel": channel.0, "topic": escape_to(topic, LONGEST_TOPIC) });
        self.call_in(&SET_TOPIC, channel, &arguments).await.map(|_| ())
    }

    pub(in crate::chat) async fn invite(&self, channel: &ChannelId, user: &str) -> Called<()> {
        already_is_done(self.call_in(&INVITE, channel, &json!({ "channel": channel.0, "users": user })).await)
    }

    pub(in crate::chat) async fn archive(&self, channel: &ChannelId) -> Called<()> {
        already_is_done(self.call(&ARCHIVE, &json!({ "channel": channel.0 })).await)
    }
}

/// Whether a channel of that second counts as just made. Whatever number the answer has is taken for a second.
fn is_fresh(created: i64, now: i64) -> bool {
    now.saturating_sub(created) < FRESH
}

fn unless_forbidden(outcome: Called<()>) -> Called<()> {
    match outcome {
        Err(Failure::Permanent { why, kind: Refused::Forbidden } | Failure::Channel { said: why, .. }) => {
            tracing::warn!(%why, "A new channel could not be given its purpose or topic");
            Ok(())
        }
        other => other,
    }
}

fn opened(channel: &Value) -> Option<Opened> {
    let field = |name: &str| channel.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    Some(Opened { channel: ChannelId::from(field("id")?), name: field("name")?.to_owned() })
}

/// The name as Slack takes it: lower case letters, digits, `-` and `_`.
fn fitting(name: &str) -> String {
    let mut fitting = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
            fitting.push(c);
        } else if !fitting.is_empty() && !fitting.ends_with('-') {
            fitting.push('-');
        }
    }
    fitting.truncate(LONGEST_NAME);
    let fitting = fitting.trim_matches('-');
    if fitting.is_empty() { "incident".to_owned() } else { fitting.to_owned() }
}

fn numbered(name: &str, number: usize) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let suffix = format!("-{number}");
    let kept: String = name.chars().take(LONGEST_NAME - suffix.len()).collect();
    format!("{kept}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_within_a_day_is_fresh() {
        assert!(is_fresh(1_000_000, 1_000_000) && is_fresh(i64::MAX, 0));
        assert!(!is_fresh(0, FRESH) && !is_fresh(i64::MIN, FRESH));
    }

    #[test]
    fn names_are_made_to_fit() {
        assert_eq!(fitting("INC-42 Checkout: is failing!"), "inc-42-checkout-is-failing");
        assert_eq!(fitting("@everyone"), "everyone");
        assert_eq!(fitting("äöü"), "incident");
        assert_eq!(fitting(&"x".repeat(200)).len(), 80);
        assert_eq!(numbered("inc-1", 1), "inc-1");
        assert_eq!(numbered(&"x".repeat(80), 12).len(), 80);
    }
}
