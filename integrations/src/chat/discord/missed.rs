//! Reading what was said while nobody listened.
//!
//! After a gap in which the session could not be resumed, a channel's messages are read by
//! REST and understood as if they had come over the gateway. What holds: they come in the
//! order in which they were written; a message has the delivery id that it would have had, so
//! one that was heard already is known; what is left out for its number is said to be.

use jiff::{SignedDuration, Timestamp};
use operations::chat::{Actor, Inbound};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform, UserRef};
use operations::text::Outside;
use serde_json::{Value, json};

use super::Client;
use super::inbound::{Parsed, parse};
use super::limits::{MESSAGES_OF, REACTED};
use super::words::is_snowflake;
use crate::chat::{Called, Failure};

/// How many messages a page has, and how many pages are read of a channel.
const PAGE: usize = 100;
const PAGES: usize = 10;
/// Discord's clock and ours may differ by so much.
const APART: SignedDuration = SignedDuration::from_mins(1);
/// Snowflakes count milliseconds from the first of January 2015 (Discord's reference, "Snowflakes").
const EPOCH_MS: i64 = 1_420_070_400_000;

/// What was found in a channel.
#[derive(Clone, Debug, Default)]
pub struct Missed {
    /// The messages, the oldest first.
    pub messages: Vec<Heard>,
    /// Whether there were more than are read.
    pub cut: bool,
}

/// A message that was found.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Which one.
    pub message: MessageRef,
    /// When it was written.
    pub at: Timestamp,
    /// What it would have meant on the gateway; none where that is nothing, or where it was written before the gap.
    pub inbound: Option<Inbound>,
    /// The emoji that stand on it, as Discord's routes name them.
    pub reactions: Vec<String>,
}

impl Client {
    /// Reads what was said in a channel from a moment on, and of the page before that what may have been marked since.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn missed(&self, channel: &ChannelId, since: Timestamp) -> Called<Missed> {
        let mut after = snowflake(since.checked_sub(APART).unwrap_or(since));
        let earlier = self.page(channel, "before", after).await?;
        let mut missed = Missed::default();
        for message in earlier.iter().rev() {
            missed.messages.extend(self.heard(channel, message, false).await?);
        }
        for _ in 0..PAGES {
            let page = self.page(channel, "after", after).await?;
            // Discord gives the newest first, whichever way it is asked.
            for message in page.iter().rev() {
                missed.messages.extend(self.heard(channel, message, true).await?);
            }
            let newest = page.iter().filter_map(id_of).max();
            match newest {
                Some(newest) if newest > after => after = newest,
                Some(_) | None => return Ok(missed),
            }
            if page.len() < PAGE {
                return Ok(missed);
            }
        }
        missed.cut = !self.page(channel, "after", after).await?.is_empty();
        Ok(missed)
    }

    /// The first person who put this emoji on a message, if one did.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn reacted(&self, message: &MessageRef, emoji: &str) -> Called<Option<Actor>> {
        let users = self.call(&REACTED, &[&message.channel.0, &message.message.0, emoji], None).await?;
        let is_person = |user: &&Value| user.get("bot") != Some(&Value::Bool(true));
        let person = users.as_array().into_iter().flatten().find(is_person);
        Ok(person.and_then(|person| self.actor(person)))
    }

    async fn page(&self, channel: &ChannelId, which: &str, id: u64) -> Called<Vec<Value>> {
        let (id, limit) = (id.to_string(), PAGE.to_string());
        let query = [(which, id.as_str()), ("limit", limit.as_str())];
        let page = self.caller.call(&MESSAGES_OF, &[&channel.0], &query, None).await?;
        match page {
            Value::Array(page) if page.is_empty() => self.may_look_back(channel).await.map(|()| page),
            Value::Array(mut page) => {
                // By their ids, whatever order they come in: the newest first.
                page.sort_by_key(|message| std::cmp::Reverse(id_of(message)));
                Ok(page)
            }
            _ => Err(Failure::Transient {
                why: format!("{}: the answer is no list", MESSAGES_OF.name),
                retry_after: None,
            }),
        }
    }

    /// What a message is. `is_new` says that it was written in the gap. One that can't be read is left out.
    async fn heard(&self, channel: &ChannelId, message: &Value, is_new: bool) -> Called<Option<Heard>> {
        let me = self.identity().await?;
        let Some(id) = id_of(message) else { return Ok(None) };
        let inbound = if is_new {
            // REST names neither the server nor the member, whose name here may be another.
            let mut data = message.clone();
            data["guild_id"] = json!(self.guild);
            match parse(&json!({ "t": "MESSAGE_CREATE", "d": data }), &me) {
                Ok(Parsed::Act(inbound)) => Some(*inbound),
                Ok(_) => None,
                Err(why) => {
                    tracing::warn!(why, "A message that was missed can't be read and is left out");
                    None
                }
            }
        } else {
            None
        };
        let reactions = message.get("reactions").and_then(Value::as_array).into_iter().flatten();
        let message = MessageId::from(id.to_string().as_str());
        Ok(Some(Heard {
            message: MessageRef { platform: Platform::Discord, channel: channel.clone(), message },
            at: time(id),
            inbound,
            reactions: reactions.filter_map(emoji).collect(),
        }))
    }

    fn actor(&self, user: &Value) -> Option<Actor> {
        let field = |name: &str| user.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
        let id = field("id").filter(|id| is_snowflake(id))?;
        let name = field("global_name").or_else(|| field("username")).unwrap_or_default();
        let user = UserRef { platform: Platform::Discord, workspace: self.guild.clone(), user: id.to_owned() };
        Some(Actor { user, name: Outside::new(name) })
    }
}

fn id_of(message: &Value) -> Option<u64> {
    message.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok())
}

/// An emoji as the route of its reactions names it: itself, or name and id of one that the server made.
fn emoji(reaction: &Value) -> Option<String> {
    let name = reaction.pointer("/emoji/name").and_then(Value::as_str).filter(|name| !name.is_empty())?;
    Some(match reaction.pointer("/emoji/id").and_then(Value::as_str) {
        Some(id) => format!("{name}:{id}"),
        None => name.to_owned(),
    })
}

/// The smallest id that something of that moment can have.
fn snowflake(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond().saturating_sub(EPOCH_MS)).unwrap_or_default() << 22
}

/// When something with this id was made.
fn time(id: u64) -> Timestamp {
    let ms = i64::try_from(id >> 22).unwrap_or_default().saturating_add(EPOCH_MS);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_time() {
        // The example of Discord's reference.
        assert_eq!(time(175_928_847_299_117_063).to_string(), "2016-04-30T11:18:25.796Z");
        let at: Timestamp = "2026-03-02T14:00:00Z".parse().expect("a time");
        assert_eq!(time(snowflake(at)), at);
        assert_eq!(snowflake(Timestamp::UNIX_EPOCH), 0);
    }

    #[test]
    fn an_emoji_is_named_as_its_route_names_it() {
        assert_eq!(emoji(&json!({ "emoji": { "id": null, "name": "📌" } })).as_deref(), Some("📌"));
        assert_eq!(emoji(&json!({ "emoji": { "id": "7", "name": "party" } })).as_deref(), Some("party:7"));
        assert_eq!(emoji(&json!({ "emoji": { "id": "7", "name": null } })), None);
    }
}
