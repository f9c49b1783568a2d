//! Reading: a message with its author, and the names of people.
//!
//! What holds: a name is asked for at most once an hour; a message is the one with exactly
//! that `ts`, or it is gone.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use operations::chat::{Actor, Captured};
use operations::ids::{MessageRef, Platform, UserRef};
use operations::text::Outside;
use serde_json::{Value, json};

use super::Client;
use super::limits::{HISTORY, PERMALINK, REPLIES, USERS_INFO};
use super::unmark::unmark;
use crate::chat::{Called, Failure, Refused};
use crate::clock::after;

/// How long a name is believed.
const NAME_KEPT: Duration = Duration::from_secs(3600);
/// How many names are kept at most.
const NAMES_KEPT: usize = 5_000;

/// So many mentions in one message are looked up.
const MOST_NAMES: usize = 10;

impl Client {
    pub(in crate::chat) async fn fetch(&self, message: &MessageRef) -> Called<Captured> {
        let bot = self.identity().await?;
        let found = self.look_up(message).await?;
        let field = |pointer: &str| found.pointer(pointer).and_then(Value::as_str).filter(|value| !value.is_empty());
        let user = field("/user").unwrap_or_default();
        let name = match field("/bot_profile/name").or_else(|| field("/username")) {
            Some(name) => name.to_owned(),
            None if user.is_empty() => String::new(),
            None => self.name_of(user).await?,
        };
        let link = json!({ "channel": message.channel.0, "message_ts": message.message.0 });
        let link = self.call(&PERMALINK, &link).await?;
        Ok(Captured {
            message: message.clone(),
            author: Actor {
                user: UserRef {
                    platform: Platform::Slack,
                    workspace: bot.team,
                    user: field("/user").or_else(|| field("/bot_id")).unwrap_or_default().to_owned(),
                },
                name: Outside::new(&name),
            },
            at: moment(&message.message.0)?,
            text: Outside::new(&self.readable(&unmark(field("/text").unwrap_or_default())).await),
            link: link.get("permalink").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }

    /// The text with the names of the people whom it mentions. Who can't be looked up stays an id: a name is not
    /// worth losing the message for.
    async fn readable(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for (number, part) in text.split("<@").enumerate() {
            let mention = if number == 0 { None } else { part.split_once('>') };
            let Some((inner, rest)) = mention else {
                out.push_str(if number == 0 { "" } else { "<@" });
                out.push_str(part);
                continue;
            };
            let (user, label) = inner.split_once('|').map_or((inner, None), |(user, label)| (user, Some(label)));
            let name = if number > MOST_NAMES { None } else { self.name_of(user).await.ok() };
            let name = name.or_else(|| label.map(str::to_owned)).unwrap_or_else(|| user.to_owned());
            out.push_str(&format!("@{name}{rest}"));
        }
        out
    }

    async fn look_up(&self, message: &MessageRef) -> Called<Value> {
        let ts = &message.message.0;
        let channel = &message.channel.0;
        let page = json!({ "channel": channel, "latest": ts, "inclusive": true, "limit": 1 });
        if let Some(found) = exact(&self.call(&HISTORY, &page).await?, ts) {
            return Ok(found);
        }
        // A reply stands in its thread alone, not in the channel's history. The thread's first message always comes with it.
        let page = json!({ "channel": channel, "ts": ts, "oldest": ts, "latest": ts, "inclusive": true, "limit": 10 });
        exact(&self.call(&REPLIES, &page).await?, ts).ok_or_else(|| Failure::Permanent {
            why: "conversations.replies: message_not_found".to_owned(),
            kind: Refused::Gone,
        })
    }

    pub(in crate::chat) async fn name_of(&self, user: &str) -> Called<String> {
        let now = self.caller.clock.now();
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned();
        if let Some((until, name)) = known
            && until > now
        {
            return Ok(name);
        }
        let answer = self.call(&USERS_INFO, &json!({ "user": user })).await?;
        let field =
            |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        let name = field("/user/profile/display_name")
            .or_else(|| field("/user/real_name"))
            .or_else(|| field("/user/profile/real_name"))
            .or_else(|| field("/user/name"))
            .unwrap_or(user)
            .to_owned();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES_KEPT {
            names.retain(|_, (until, _)| *until > now);
        }
        if names.len() < NAMES_KEPT {
            names.insert(user.to_owned(), (after(now, NAME_KEPT), name.clone()));
        }
        Ok(name)
    }
}

fn exact(page: &Value, ts: &str) -> Option<Value> {
    let messages = page.get("messages").and_then(Value::as_array)?;
    messages.iter().find(|message| message.get("ts").and_then(Value::as_str) == Some(ts)).cloned()
}

/// A `ts` is the second and microsecond at which a message was written.
fn moment(ts: &str) -> Called<Timestamp> {
    let parts = ts.split_once('.').unwrap_or((ts, "0"));
    let parsed = parts.0.parse::<i64>().ok().zip(parts.1.get(..6).unwrap_or(parts.1).parse::<i32>().ok());
    parsed
        .and_then(|(seconds, micros)| Timestamp::new(seconds, micros.checked_mul(1000)?).ok())
        .ok_or_else(|| Failure::Permanent { why: "a message's ts is not a time".to_owned(), kind: Refused::Malformed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ts_is_a_time() {
        assert_eq!(moment("1700000000.000100").map(|at| at.as_microsecond()), Ok(1_700_000_000_000_100));
        assert!(moment("yesterday").is_err());
    }
}
