//! Messages, pins and reactions by the bot.

use serde_json::{Value, json};

use super::Notification;
use super::check;
use super::payload;
use super::permissions::{
    ADD_REACTIONS, MANAGE_MESSAGES, MENTION_EVERYONE, PIN_MESSAGES, READ_MESSAGE_HISTORY, SEND_MESSAGES, VIEW_CHANNEL,
    need,
};
use super::refusal::{Answer, Refusal};
use super::rest::Call;
use super::state::{COMPONENTS_V2, Mentions, Message, State};

/// How long a nonce is remembered: "the past few minutes".
const NONCE_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_mins(3);
/// The most pins of a channel.
const PINS: usize = 250;

/// Everything below `/channels/{channel.id}/messages` and `/pins`.
pub(super) fn call(state: &mut State, call: &Call) -> Answer {
    let channel = call.id(0);
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    need(state, place, VIEW_CHANNEL)?;
    let message = call.id(1);
    match call.route.name {
        "GET /channels/{channel.id}/messages" => list(state, call, channel),
        "POST /channels/{channel.id}/messages" => create(state, call, channel),
        "GET /channels/{channel.id}/messages/{message.id}" => {
            need(state, place, READ_MESSAGE_HISTORY)?;
            let found = visible(state, channel, message)?;
            Ok((200, payload::message(state, found)))
        }
        "PATCH /channels/{channel.id}/messages/{message.id}" => edit(state, call, channel, message),
        "DELETE /channels/{channel.id}/messages/{message.id}" => {
            let author = visible(state, channel, message)?.author;
            if author != state.me {
                need(state, place, MANAGE_MESSAGES)?;
            }
            delete(state, channel, message);
            Ok((204, Value::Null))
        }
        "POST /channels/{channel.id}/typing" => Ok((204, Value::Null)),
        "GET /channels/{channel.id}/messages/pins" | "GET /channels/{channel.id}/pins" => {
            Ok((200, pins(state, call, channel)))
        }
        name if name.contains("/pins/") => {
            need(state, place, PIN_MESSAGES)?;
            visible(state, channel, message)?;
            if name.starts_with("PUT") {
                let me = state.me;
                pin(state, channel, message, me)?;
            } else {
                unpin(state, channel, message);
            }
            Ok((204, Value::Null))
        }
        name if name.contains("/reactions/") => reaction(state, call, channel, message),
        name if name.ends_with("/threads") => super::channels::thread(state, call, channel, Some(message)),
        _ => Err(Refusal::no_route()),
    }
}

/// A message that REST shows: ephemeral ones are not among them.
fn visible(state: &State, channel: u64, message: u64) -> Result<&Message, Refusal> {
    let found = state.message(channel, message).filter(|message| message.ephemeral_to.is_none());
    found.ok_or_else(|| Refusal::code(10008))
}

fn list(state: &State, call: &Call, channel: u64) -> Answer {
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    need(state, place, READ_MESSAGE_HISTORY)?;
    let number = |name: &str| call.query(name).and_then(|value| value.parse::<u64>().ok());
    let limit = number("limit").unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(Refusal::field("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100."));
    }
    let limit = usize::try_from(limit).unwrap_or(50);
    let all = place.messages.iter().filter(|message| message.ephemeral_to.is_none());
    let mut found: Vec<&Message> = match (number("after"), number("before")) {
        (Some(after), _) => all.filter(|message| message.id > after).take(limit).collect(),
        (None, before) => {
            let older: Vec<&Message> = all.filter(|message| before.is_none_or(|before| message.id < before)).collect();
            older.into_iter().rev().take(limit).rev().collect()
        }
    };
    found.reverse();
    Ok((200, found.into_iter().map(|message| payload::message(state, message)).collect()))
}

fn create(state: &mut State, call: &Call, channel: u64) -> Answer {
    let unknown = check::message(&call.body)?;
    note(state, call, unknown);
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    need(state, place, SEND_MESSAGES)?;
    if place.archived && place.locked {
        return Err(Refusal::code(50083));
    }
    if check::is_empty(&call.body) {
        return Err(Refusal::code(50006));
    }
    let nonce = call.body["nonce"].clone();
    if call.body["enforce_nonce"].as_bool() == Some(true) && !nonce.is_null() {
        let recent = |message: &&Message| {
            message.author == state.me
                && message.nonce.as_ref() == Some(&nonce)
                && state.now.duration_since(message.at) < NONCE_KEPT
        };
        if let Some(earlier) = place.messages.iter().find(recent) {
            return Ok((200, payload::message(state, earlier)));
        }
    }
    let me = state.me;
    let mut message = state.new_message(channel, me);
    fill(&mut message, &call.body);
    message.nonce = Some(nonce).filter(|nonce| !nonce.is_null());
    if let Some(of) = call.body["message_reference"]["message_id"].as_str().and_then(|id| id.parse().ok()) {
        message.kind = 19;
        message.reference = Some(of);
    }
    message.mentions = mentions(state, &message.content, &check::allowed(&call.body), channel);
    let id = add(state, message, true);
    let message = state.message(channel, id).ok_or_else(|| Refusal::code(10008))?;
    Ok((200, payload::message(state, message)))
}

/// Puts what a body says into a message.
pub(super) fn fill(message: &mut Message, body: &Value) {
    let list = |name: &str| body[name].as_array().cloned();
    if let Some(content) = body["content"].as_str() {
        message.content = content.to_owned();
    }
    if let Some(embeds) = list("embeds") {
        message.embeds = embeds
            .into_iter()
            .map(|mut embed| {
                embed["type"] = json!("rich");
                embed
            })
            .collect();
    }
    if let Some(components) = list("components") {
        message.components = components;
    }
    message.flags |= body["flags"].as_u64().unwrap_or_default() & (COMPONENTS_V2 | 1 << 2 | 1 << 12);
}

/// Puts a message into its channel and tells the gateway; the notifications of the bot's own are kept.
pub(super) fn add(state: &mut State, message: Message, dispatch: bool) -> u64 {
    let (id, channel) = (message.id, message.channel);
    if message.author == state.me && message.ephemeral_to.is_none() {
        notify(state, &message);
    }
    let dm = state.channel(channel).is_some_and(|place| place.dm.is_some());
    let ephemeral = message.ephemeral_to.is_some();
    if let Some(place) = state.channel_mut(channel) {
        place.messages.push(message);
        place.archived = false;
    }
    if dispatch
        && !ephemeral
        && let Some(message) = state.message(channel, id)
    {
        let data = payload::dispatched(state, message);
        state.dispatch("MESSAGE_CREATE", dm, &data);
    }
    state.changed(channel);
    id
}

fn notify(state: &mut State, message: &Message) {
    let mut targets: Vec<String> = message.mentions.users.iter().map(|id| format!("<@{id}>")).collect();
    targets.extend(message.mentions.roles.iter().map(|id| format!("<@&{id}>")));
    if message.mentions.everyone {
        targets.push("@everyone".to_owned());
    }
    if message.mentions.here {
        targets.push("@here".to_owned());
    }
    let (id, channel) = (message.id.to_string(), message.channel.to_string());
    let notification = |target| Notification { message: id.clone(), channel: channel.clone(), target };
    state.notifications.extend(targets.into_iter().map(notification));
}

/// Whom the content mentions with effect, by what is allowed. Embeds never notify.
pub(super) fn mentions(state: &State, content: &str, allowed: &Value, channel: u64) -> Mentions {
    let parses =
        |kind: &str| allowed["parse"].as_array().is_some_and(|list| list.iter().any(|it| it.as_str() == Some(kind)));
    let lists = |kind: &str, id: &str| {
        allowed[kind].as_array().is_some_and(|list| list.iter().any(|it| it.as_str() == Some(id)))
    };
    let mut found = Mentions::default();
    let mut rest = content;
    while let Some(at) = rest.find("<@") {
        rest = &rest[at + 2..];
        let Some((inner, after)) = rest.split_once('>') else { break };
        let (kind, id) = inner.strip_prefix('&').map_or(("users", inner.trim_start_matches('!')), |id| ("roles", id));
        if let Ok(number) = id.parse::<u64>() {
            let meant = parses(kind) || lists(kind, id);
            match kind {
                "users" if meant && state.user(number).is_some() && !found.users.contains(&number) => {
                    found.users.push(number)
                }
                "roles" if meant => found.roles.push(number),
                _ => {}
            }
            rest = after;
        }
    }
    let may = state
        .channel(channel)
        .is_some_and(|place| super::permissions::of(state, state.me, place) & MENTION_EVERYONE != 0);
    found.everyone = may && parses("everyone") && content.contains("@everyone");
    found.here = may && parses("everyone") && content.contains("@here");
    found
}

fn edit(state: &mut State, call: &Call, channel: u64, id: u64) -> Answer {
    let unknown = check::message(&call.body)?;
    note(state, call, unknown);
    if visible(state, channel, id)?.author != state.me {
        return Err(Refusal::code(50005));
    }
    change(state, channel, id, &call.body)?;
    let message = visible(state, channel, id)?;
    Ok((200, payload::message(state, message)))
}

/// Changes a message as an edit's body says. An edit notifies nobody anew.
pub(super) fn change(state: &mut State, channel: u64, id: u64, body: &Value) -> Result<(), Refusal> {
    let now = state.now;
    let message = state.message_mut(channel, id).ok_or_else(|| Refusal::code(10008))?;
    let mut changed = message.clone();
    fill(&mut changed, body);
    if changed.content.trim().is_empty() && changed.embeds.is_empty() && changed.components.is_empty() {
        return Err(Refusal::code(50006));
    }
    changed.edited = Some(now);
    *message = changed;
    let dm = state.channel(channel).is_some_and(|place| place.dm.is_some());
    if let Some(message) = state.message(channel, id).filter(|message| message.ephemeral_to.is_none()) {
        let data = payload::dispatched(state, message);
        state.dispatch("MESSAGE_UPDATE", dm, &data);
    }
    state.changed(channel);
    Ok(())
}

/// Takes a message away.
pub(super) fn delete(state: &mut State, channel: u64, id: u64) {
    let dm = state.channel(channel).is_some_and(|place| place.dm.is_some());
    if let Some(place) = state.channel_mut(channel) {
        place.messages.retain(|message| message.id != id);
        place.pins.retain(|(pinned, _)| *pinned != id);
    }
    let data = json!({"id": id.to_string(), "channel_id": channel.to_string(), "guild_id": state.guild.to_string()});
    state.dispatch("MESSAGE_DELETE", dm, &data);
    state.changed(channel);
}

fn pins(state: &State, call: &Call, channel: u64) -> Value {
    let Some(place) = state.channel(channel) else { return Value::Null };
    let found = place.pins.iter().filter_map(|(id, at)| Some((place.message(*id)?, *at)));
    if call.route.name.contains("/messages/pins") {
        let item = |(message, at): (&Message, jiff::Timestamp)| json!({"pinned_at": payload::time(at), "message": payload::message(state, message)});
        return json!({"items": found.map(item).collect::<Vec<_>>(), "has_more": false});
    }
    found.map(|(message, _)| payload::message(state, message)).collect()
}

/// Pins a message and says so in the channel, as Discord does.
pub(super) fn pin(state: &mut State, channel: u64, message: u64, by: u64) -> Result<(), Refusal> {
    let now = state.now;
    let place = state.channel_mut(channel).ok_or_else(|| Refusal::code(10003))?;
    if place.pins.iter().any(|(pinned, _)| *pinned == message) {
        return Ok(());
    }
    if place.pins.len() >= PINS {
        return Err(Refusal::code(30003));
    }
    place.pins.insert(0, (message, now));
    told_of_pins(state, channel);
    let mut line = state.new_message(channel, by);
    line.kind = 6;
    line.reference = Some(message);
    add(state, line, true);
    Ok(())
}

/// Takes a pin out.
pub(super) fn unpin(state: &mut State, channel: u64, message: u64) {
    if let Some(place) = state.channel_mut(channel) {
        place.pins.retain(|(pinned, _)| *pinned != message);
    }
    told_of_pins(state, channel);
    state.changed(channel);
}

fn told_of_pins(state: &mut State, channel: u64) {
    let last = state.channel(channel).and_then(|place| place.pins.first()).map(|(_, at)| payload::time(*at));
    let data =
        json!({"guild_id": state.guild.to_string(), "channel_id": channel.to_string(), "last_pin_timestamp": last});
    state.dispatch("CHANNEL_PINS_UPDATE", false, &data);
}

fn reaction(state: &mut State, call: &Call, channel: u64, message: u64) -> Answer {
    let emoji = call.place(2).to_owned();
    let found = visible(state, channel, message)?;
    if call.route.name.starts_with("GET") {
        let users =
            found.reactions.iter().find(|(name, _)| *name == emoji).map(|(_, users)| users.clone()).unwrap_or_default();
        return Ok((200, users.iter().map(|id| payload::user_by_id(state, *id)).collect()));
    }
    if emoji.is_ascii() && !emoji.contains(':') {
        return Err(Refusal::code(10014));
    }
    let me = state.me;
    if call.route.name.starts_with("PUT") {
        let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
        need(state, place, ADD_REACTIONS)?;
        react(state, channel, message, me, &emoji, true);
    } else {
        react(state, channel, message, me, &emoji, false);
    }
    Ok((204, Value::Null))
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
        "guild_id": state.guild.to_string(), "emoji": {"id": null, "name": emoji}, "burst": false, "type": 0,
    });
    if added {
        data["member"] = payload::member(state, user);
        data["message_author_id"] = json!(author.to_string());
        data["burst_colors"] = json!([]);
    }
    state.dispatch(if added { "MESSAGE_REACTION_ADD" } else { "MESSAGE_REACTION_REMOVE" }, false, &data);
    state.changed(channel);
    true
}

/// Notes unknown fields, and that it isn't said whom a message may notify.
pub(super) fn note(state: &mut State, call: &Call, unknown: Vec<String>) {
    state.unexpected.extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
    if call.body["allowed_mentions"].is_null() {
        state.missing_allowed_mentions.push(call.route.name.to_owned());
    }
}
