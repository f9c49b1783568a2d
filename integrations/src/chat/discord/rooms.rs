//! Channels: opened at most once for a key, found again, named, closed.
//!
//! What holds: a channel carries its key in its topic from the moment it is made, ` · ref …`;
//! closing one changes nothing about who can see it.

use operations::ids::ChannelId;
use operations::text::CUT_MARK;
use serde_json::{Value, json};

use super::limits::{CHANGE_CHANNEL, CHANNEL, CHANNELS, CREATE_CHANNEL, NAME_CHANNEL};
use super::words::{Writer, units};
use super::{Client, access, digest};
use crate::chat::{Called, Failure, Opened, Refused};

/// The longest name of a channel that Discord takes.
const LONGEST_NAME: usize = 100;
/// The longest topic that Discord takes.
const LONGEST_TOPIC: usize = 1024;
/// What nobody may do any more in a closed channel (Discord's reference, "Permissions"): `SEND_MESSAGES` and
/// `SEND_MESSAGES_IN_THREADS`.
const CLOSED: u64 = 1 << 11 | 1 << 38;

impl Client {
    pub(in crate::chat) async fn open_channel(
        &self,
        name: &str,
        topic: &str,
        key: &str,
        look_first: bool,
    ) -> Called<Opened> {
        if look_first && let Some(found) = self.find_room(key).await? {
            return Ok(found);
        }
        let mut body = json!({ "name": fitting(name), "type": 0, "topic": with_ref(topic, key) });
        if let Some(category) = &self.category {
            body["parent_id"] = json!(category);
        }
        let made = match self.call(&CREATE_CHANNEL, &[&self.guild], Some(&body)).await {
            // The category is full or gone: a room elsewhere is better than none.
            Err(problem) if problem.is(Refused::Malformed) && problem.failure.to_string().contains("parent_id") => {
                tracing::warn!(why = %problem.failure, "A channel could not be opened in its category and is opened outside of it");
                if let Some(map) = body.as_object_mut() {
                    map.remove("parent_id");
                }
                self.call(&CREATE_CHANNEL, &[&self.guild], Some(&body)).await?
            }
            other => other?,
        };
        opened(&made).ok_or_else(|| Failure::Unknown {
            why: "POST /guilds/{guild.id}/channels: the answer has no channel".to_owned(),
        })
    }

    /// Looks for the channel that was opened with `key`.
    async fn find_room(&self, key: &str) -> Called<Option<Opened>> {
        let channels = self.call(&CHANNELS, &[&self.guild], None).await?;
        let wanted = reference(key);
        let is_it = |channel: &&Value| {
            channel.get("topic").and_then(Value::as_str).is_some_and(|topic| topic.ends_with(&wanted))
        };
        Ok(channels.as_array().into_iter().flatten().find(is_it).and_then(opened))
    }

    pub(in crate::chat) async fn set_topic(&self, channel: &ChannelId, topic: &str, key: &str) -> Called<()> {
        let body = json!({ "topic": with_ref(topic, key) });
        let named = self.call(&NAME_CHANNEL, &[&channel.0], Some(&body)).await;
        named.map(|_| ()).map_err(|problem| access::of_channel(channel, problem, false))
    }

    /// Closes a channel to new messages of everybody but the bot. Discord has no archive for channels.
    pub(in crate::chat) async fn archive(&self, channel: &ChannelId) -> Called<()> {
        let me = self.identity().await?;
        let found = self.call(&CHANNEL, &[&channel.0], None).await?;
        let overwrites = closed(found.get("permission_overwrites"), &self.guild, &me.user_id);
        let body = json!({ "permission_overwrites": overwrites });
        self.call(&CHANGE_CHANNEL, &[&channel.0], Some(&body)).await?;
        Ok(())
    }
}

/// The overwrites of a channel, changed so that nobody but the bot can write. What is no overwrite is left out.
fn closed(overwrites: Option<&Value>, everybody: &str, me: &str) -> Vec<Value> {
    let mut overwrites = overwrites.and_then(Value::as_array).cloned().unwrap_or_default();
    overwrites.retain(Value::is_object);
    // Those who were allowed to by name are not any more.
    for overwrite in &mut overwrites {
        change(overwrite, "allow", |bits| bits & !CLOSED);
    }
    change(entry(&mut overwrites, everybody, 0), "deny", |bits| bits | CLOSED);
    let mine = entry(&mut overwrites, me, 1);
    change(mine, "deny", |bits| bits & !CLOSED);
    change(mine, "allow", |bits| bits | CLOSED);
    overwrites
}

/// The overwrite of a role (kind 0) or member (kind 1), made where there is none.
fn entry<'a>(overwrites: &'a mut Vec<Value>, id: &str, kind: u8) -> &'a mut Value {
    let at = overwrites.iter().position(|it| it.get("id").and_then(Value::as_str) == Some(id));
    let at = at.unwrap_or_else(|| {
        overwrites.push(json!({ "id": id, "type": kind, "allow": "0", "deny": "0" }));
        overwrites.len() - 1
    });
    &mut overwrites[at]
}

/// Changes a set of permissions, which Discord writes as a number in a string.
fn change(overwrite: &mut Value, which: &str, to: impl Fn(u64) -> u64) {
    let bits = overwrite.get(which).and_then(Value::as_str).and_then(|bits| bits.parse().ok()).unwrap_or_default();
    overwrite[which] = json!(to(bits).to_string());
}

fn opened(channel: &Value) -> Option<Opened> {
    let field = |name: &str| channel.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    Some(Opened { channel: ChannelId::from(field("id")?), name: field("name")?.to_owned() })
}

fn reference(key: &str) -> String {
    let mut short = digest(key);
    short.truncate(10);
    format!(" · ref {short}")
}

/// A topic, in which Discord reads markup, with the channel's key at its end.
fn with_ref(topic: &str, key: &str) -> String {
    let reference = reference(key);
    let mut writer = Writer::new(LONGEST_TOPIC - units(&reference) - units(CUT_MARK));
    writer.words(topic);
    format!("{}{reference}", writer.finish())
}

/// The name as Discord makes it itself: lower case, `-` for what is neither a letter nor a digit.
fn fitting(name: &str) -> String {
    let mut fitting = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_alphanumeric() || c == '_' {
            fitting.push(c);
        } else if !fitting.is_empty() && !fitting.ends_with('-') {
            fitting.push('-');
        }
    }
    let fitting: String = fitting.chars().take(LONGEST_NAME).collect();
    let fitting = fitting.trim_matches('-');
    if fitting.is_empty() { "incident".to_owned() } else { fitting.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_to_fit() {
        assert_eq!(fitting("INC-42 Checkout: is failing!"), "inc-42-checkout-is-failing");
        assert_eq!(fitting("@everyone"), "everyone");
        assert_eq!(fitting("!!!"), "incident");
        assert_eq!(fitting(&"x".repeat(200)).len(), LONGEST_NAME);
    }

    #[test]
    fn a_channel_is_closed_whatever_stands_among_its_overwrites() {
        let odd = json!([5, null, { "id": "11", "allow": "2048", "deny": 7 }]);
        let [ann, everybody, me] = closed(Some(&odd), "1", "2").try_into().expect("three overwrites");
        assert_eq!((&ann["id"], &ann["allow"]), (&json!("11"), &json!("0")));
        assert_eq!((&everybody["id"], &everybody["deny"]), (&json!("1"), &json!(CLOSED.to_string())));
        assert_eq!((&me["id"], &me["allow"]), (&json!("2"), &json!(CLOSED.to_string())));
    }

    #[test]
    fn a_topic_ends_with_its_key_however_long_it_is() {
        let topic = with_ref(&"*".repeat(3000), "E1");
        assert!(units(&topic) <= LONGEST_TOPIC && topic.ends_with(&reference("E1")) && topic.contains(CUT_MARK));
        assert_ne!(reference("E1"), reference("E2"));
    }
}
