//! Reactions: by the bot and by people.

use serde_json::{Value, json};

use super::messages::visible;
use super::payload;
use super::permissions::{ADD_REACTIONS, MANAGE_MESSAGES, need};
use super::refusal::{Answer, Refusal};
use super::rest::Call;
use super::state::{Message, State};

/// The most different reactions on a message.
const REACTIONS: usize = 20;

/// Everything below `/channels/{channel.id}/messages/{message.id}/reactions`.
pub(super) fn call(state: &mut State, call: &Call, channel: u64, message: u64) -> Answer {
    let emoji = call.place(2).to_owned();
    let found = visible(state, channel, message)?;
    if call.route.name.starts_with("GET") {
        let users = found.reactions.iter().find(|(name, _)| *name == emoji).map(|(_, users)| users.clone());
        return Ok((200, users.iter().flatten().map(|id| payload::user_by_id(state, *id)).collect()));
    }
    if is_no_emoji(&emoji) {
        return Err(Refusal::code(10014));
    }
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    let me = state.me;
    if call.route.name.starts_with("PUT") {
        need(state, place, ADD_REACTIONS)?;
        if is_full(found, &emoji) {
            return Err(Refusal::code(30010));
        }
        react(state, channel, message, me, &emoji, true);
        return Ok((204, Value::Null));
    }
    let whose = if call.place(3) == "@me" { me } else { call.id(3) };
    if whose != me {
        state.user(whose).ok_or_else(|| Refusal::code(10013))?;
        if place.dm.is_some() {
            return Err(Refusal::code(50003));
        }
        need(state, place, MANAGE_MESSAGES)?;
    }
    react(state, channel, message, whose, &emoji, false);
    Ok((204, Value::Null))
}

/// Whether this emoji would be one too many.
pub(super) fn is_full(message: &Message, emoji: &str) -> bool {
    message.reactions.len() >= REACTIONS && message.reactions.iter().all(|(name, _)| name != emoji)
}

/// Puts a reaction on a message or takes it away; whether that changed anything.
pub(super) fn react(state: &mut State, channel: u64, message: u64, user: u64, emoji: &str, added: bool) -> bool {
    let Some(found) = state.message_mut(channel, message) else { return false };
    let at = found.reactions.iter().position(|(name, _)| name == emoji);
    match (at, added) {
        (Some(at), true) if found.reactions[at].1.contains(&user) => return false,
        (Some(at), true) => found.reactions[at].1.push(user),
        (None, true) => found.reactions.push((emoji.to_owned(), vec![user])),
        (Some(at), false) => {
            let before = found.reactions[at].1.len();
            found.reactions[at].1.retain(|other| *other != user);
            if found.reactions[at].1.len() == before {
                return false;
            }
            found.reactions.retain(|(_, users)| !users.is_empty());
        }
        (None, false) => return false,
    }
    let author = found.author;
    let mut data = json!({
        "user_id": user.to_string(), "channel_id": channel.to_string(), "message_id": message.to_string(),
        "emoji": {"id": null, "name": emoji}, "burst": false, "type": 0,
    });
    let dm = state.channel(channel).is_some_and(|place| place.dm.is_some());
    if !dm {
        data["guild_id"] = json!(state.guild.to_string());
    }
    if added {
        if !dm {
            data["member"] = payload::member(state, user);
        }
        data["message_author_id"] = json!(author.to_string());
        data["burst_colors"] = json!([]);
    }
    state.dispatch(if added { "MESSAGE_REACTION_ADD" } else { "MESSAGE_REACTION_REMOVE" }, dm, &data);
    state.changed(channel);
    true
}

/// Whether it can't be an emoji: neither a character beyond ASCII nor `name:id` of one that a server made.
pub(super) fn is_no_emoji(emoji: &str) -> bool {
    emoji.is_ascii() && !emoji.contains(':')
}
