//! Channels, threads and direct channels by the bot.

use serde_json::{Value, json};

use super::form::FormErrors;
use super::payload;
use super::permissions::{CREATE_PUBLIC_THREADS, MANAGE_CHANNELS, MANAGE_ROLES, VIEW_CHANNEL, need};
use super::refusal::{Answer, Refusal};
use super::rest::{Call, in_guild};
use super::state::{Channel, State};

/// The most channels of a server.
const CHANNELS: usize = 500;

/// Everything about channels that isn't about their messages.
pub(super) fn call(state: &mut State, call: &Call) -> Answer {
    match call.route.name {
        "GET /guilds/{guild.id}/channels" => {
            in_guild(state, call.id(0))?;
            let shown = state.channels.iter().filter(|it| !it.is_thread() && it.dm.is_none());
            Ok((200, shown.map(|it| payload::channel(state, it)).collect()))
        }
        "POST /guilds/{guild.id}/channels" => create(state, call),
        "POST /users/@me/channels" => direct(state, call),
        "GET /channels/{channel.id}" => {
            let place = found(state, call)?;
            need(state, place, VIEW_CHANNEL)?;
            Ok((200, payload::channel(state, place)))
        }
        "PATCH /channels/{channel.id}" => edit(state, call),
        "DELETE /channels/{channel.id}" => {
            let place = found(state, call)?;
            need(state, place, MANAGE_CHANNELS)?;
            let gone = payload::channel(state, place);
            let id = place.id;
            state.channels.retain(|it| it.id != id);
            state.dispatch("CHANNEL_DELETE", false, &gone);
            state.changed(id);
            Ok((200, gone))
        }
        "PUT /channels/{channel.id}/permissions/{overwrite.id}"
        | "DELETE /channels/{channel.id}/permissions/{overwrite.id}" => overwrite(state, call),
        "POST /channels/{channel.id}/threads" => thread(state, call, call.id(0), None),
        _ => Err(Refusal::no_route()),
    }
}

fn found<'s>(state: &'s State, call: &Call) -> Result<&'s Channel, Refusal> {
    state.channel(call.id(0)).ok_or_else(|| Refusal::code(10003))
}

fn create(state: &mut State, call: &Call) -> Answer {
    in_guild(state, call.id(0))?;
    if super::permissions::of_bot() & !state.forbidden & MANAGE_CHANNELS == 0 {
        return Err(Refusal::code(50013));
    }
    let mut errors = FormErrors::default();
    let known =
        ["name", "type", "topic", "parent_id", "position", "permission_overwrites", "nsfw", "rate_limit_per_user"];
    errors.known(&call.body, "", &known);
    errors.text(&call.body["name"], "name", 1, 100);
    errors.text(&call.body["topic"], "topic", 0, 1024);
    let unknown = errors.done()?;
    state.unexpected.extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
    if !matches!(call.body["type"].as_u64(), None | Some(0)) {
        return Err(Refusal::code(50024));
    }
    if state.channels.iter().filter(|it| it.dm.is_none() && !it.is_thread()).count() >= CHANNELS {
        return Err(Refusal::code(30013));
    }
    // Discord writes the names of text channels in lower case and with hyphens.
    let name = call.body["name"].as_str().unwrap_or_default().to_lowercase().replace(char::is_whitespace, "-");
    let id = state.next_id();
    let mut channel = state.new_channel(id, 0, &name);
    channel.topic = call.body["topic"].as_str().map(str::to_owned);
    state.channels.push(channel);
    tell(state, id, "CHANNEL_CREATE", 201)
}

fn tell(state: &mut State, id: u64, event: &str, status: u16) -> Answer {
    let channel = state.channel(id).ok_or_else(|| Refusal::code(10003))?;
    let data = payload::channel(state, channel);
    state.dispatch(event, false, &data);
    state.changed(id);
    Ok((status, data))
}

fn edit(state: &mut State, call: &Call) -> Answer {
    let place = found(state, call)?;
    need(state, place, MANAGE_CHANNELS)?;
    let id = place.id;
    let mut errors = FormErrors::default();
    errors.known(
        &call.body,
        "",
        &[
            "name",
            "topic",
            "position",
            "parent_id",
            "permission_overwrites",
            "archived",
            "locked",
            "auto_archive_duration",
        ],
    );
    if !call.body["name"].is_null() {
        errors.text(&call.body["name"], "name", 1, 100);
    }
    errors.text(&call.body["topic"], "topic", 0, 1024);
    let unknown = errors.done()?;
    state.unexpected.extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
    if let Some(place) = state.channel_mut(id) {
        if let Some(name) = call.body["name"].as_str() {
            name.clone_into(&mut place.name);
        }
        if let Some(topic) = call.body["topic"].as_str() {
            place.topic = Some(topic.to_owned());
        }
        place.archived = call.body["archived"].as_bool().unwrap_or(place.archived);
        place.locked = call.body["locked"].as_bool().unwrap_or(place.locked);
    }
    tell(state, id, "CHANNEL_UPDATE", 200)
}

fn overwrite(state: &mut State, call: &Call) -> Answer {
    let place = found(state, call)?;
    need(state, place, MANAGE_ROLES)?;
    let (id, target) = (place.id, call.place(1).to_owned());
    if let Some(place) = state.channel_mut(id) {
        place.overwrites.retain(|it| it["id"].as_str() != Some(&target));
        if call.route.name.starts_with("PUT") {
            let bits = |name: &str| super::permissions::bits(&call.body[name]).to_string();
            place
                .overwrites
                .push(json!({"id": target, "type": call.body["type"], "allow": bits("allow"), "deny": bits("deny")}));
        }
    }
    tell(state, id, "CHANNEL_UPDATE", 204).map(|_| (204, Value::Null))
}

fn direct(state: &mut State, call: &Call) -> Answer {
    let user = call.body["recipient_id"].as_str().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
    let with = state.user(user).filter(|user| !user.bot).map(|user| (user.id, user.name.clone()));
    let Some((user, name)) = with else { return Err(Refusal::code(50033)) };
    let id = direct_channel(state, user, &name);
    let channel = state.channel(id).ok_or_else(|| Refusal::code(10003))?;
    Ok((200, payload::channel(state, channel)))
}

/// The direct channel with somebody; made where there is none.
pub(super) fn direct_channel(state: &mut State, user: u64, name: &str) -> u64 {
    if let Some(channel) = state.channels.iter().find(|it| it.dm == Some(user)) {
        return channel.id;
    }
    let id = state.next_id();
    let mut channel = state.new_channel(id, 1, name);
    channel.dm = Some(user);
    state.channels.push(channel);
    id
}

/// Starts a thread, from a message or without one.
pub(super) fn thread(state: &mut State, call: &Call, channel: u64, message: Option<u64>) -> Answer {
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    need(state, place, CREATE_PUBLIC_THREADS)?;
    let mut errors = FormErrors::default();
    errors.text(&call.body["name"], "name", 1, 100);
    errors.done()?;
    let id = match message {
        Some(message) if state.channel(message).is_some() => return Err(Refusal::code(160_004)),
        Some(message) => {
            state.message(channel, message).ok_or_else(|| Refusal::code(10008))?;
            message
        }
        None => state.next_id(),
    };
    let mut thread = state.new_channel(id, 11, call.body["name"].as_str().unwrap_or_default());
    thread.parent = Some(channel);
    state.channels.push(thread);
    if let Some(message) = message.and_then(|message| state.message_mut(channel, message)) {
        message.thread = Some(id);
    }
    tell(state, id, "THREAD_CREATE", 201)
}
