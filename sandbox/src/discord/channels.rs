//! Channels, threads and direct channels by the bot.

use serde_json::{Value, json};

use super::form::{FormErrors, join};
use super::permissions::{CREATE_PUBLIC_THREADS, MANAGE_CHANNELS, MANAGE_ROLES, MANAGE_THREADS, VIEW_CHANNEL, need};
use super::refusal::{Answer, Refusal};
use super::rest::{Call, in_guild};
use super::state::{CATEGORY, Channel, State, TEXT};
use super::{payload, permissions};

/// The most channels of a server.
const CHANNELS: usize = 500;
/// The most channels of a category.
const IN_CATEGORY: usize = 50;
/// What can be changed of a channel.
const CHANNEL: [&str; 5] = ["name", "topic", "position", "parent_id", "permission_overwrites"];
/// What can be changed of a thread.
const THREAD: [&str; 4] = ["name", "archived", "locked", "auto_archive_duration"];

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
        "DELETE /channels/{channel.id}" => delete(state, call),
        "PUT /channels/{channel.id}/permissions/{overwrite.id}"
        | "DELETE /channels/{channel.id}/permissions/{overwrite.id}" => overwrite(state, call),
        "POST /channels/{channel.id}/threads" => thread(state, call, call.id(0), None),
        _ => Err(Refusal::no_route()),
    }
}

fn found<'s>(state: &'s State, call: &Call) -> Result<&'s Channel, Refusal> {
    state.channel(call.id(0)).ok_or_else(|| Refusal::code(10003))
}

/// The name as Discord writes it: those of text channels in lower case and with hyphens.
fn written(kind: u8, name: &str) -> String {
    if kind == TEXT { name.to_lowercase().replace(char::is_whitespace, "-") } else { name.to_owned() }
}

fn create(state: &mut State, call: &Call) -> Answer {
    in_guild(state, call.id(0))?;
    if permissions::of_bot() & !state.forbidden & MANAGE_CHANNELS == 0 {
        return Err(Refusal::code(50013));
    }
    let mut errors = FormErrors::default();
    let known =
        ["name", "type", "topic", "parent_id", "position", "permission_overwrites", "nsfw", "rate_limit_per_user"];
    errors.known(&call.body, "", &known);
    errors.text(&call.body["name"], "name", 1, 100);
    checked(state, &mut errors, &call.body, None);
    let unknown = errors.done()?;
    state.unexpected.extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
    let kind = match call.body["type"].as_u64() {
        None | Some(0) => TEXT,
        Some(4) => CATEGORY,
        Some(_) => return Err(Refusal::code(50024)),
    };
    let has = permissions::of_bot() & !state.forbidden;
    let overwrites = overwrites(&call.body["permission_overwrites"], has)?;
    if state.channels.iter().filter(|it| it.dm.is_none() && !it.is_thread()).count() >= CHANNELS {
        return Err(Refusal::code(30013));
    }
    let id = state.next_id();
    let mut channel = state.new_channel(id, kind, &written(kind, call.body["name"].as_str().unwrap_or_default()));
    channel.topic = call.body["topic"].as_str().map(str::to_owned);
    channel.overwrites = overwrites;
    place(&mut channel, &call.body);
    state.channels.push(channel);
    Ok((201, tell(state, id, "CREATE")))
}

/// Checks what is the same for a new channel and a change of one, which is `own`.
fn checked(state: &State, errors: &mut FormErrors, body: &Value, own: Option<u64>) {
    errors.text(&body["topic"], "topic", 0, 1024);
    errors.number(&body["position"], "position", 0, i64::from(i32::MAX));
    archiving(errors, body);
    for (path, overwrite) in errors.objects(&body["permission_overwrites"], "permission_overwrites", 0, 500) {
        errors.text(&overwrite["id"], &join(&path, "id"), 1, 20);
        if overwrite["type"].is_null() {
            errors.required(&join(&path, "type"));
        }
        errors.number(&overwrite["type"], &join(&path, "type"), 0, 1);
    }
    if let Some(parent) = body["parent_id"].as_str() {
        let parent = parent.parse().unwrap_or(0);
        if state.channel(parent).is_none_or(|it| it.kind != CATEGORY) {
            errors.add("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist");
        }
        if state.channels.iter().filter(|it| it.parent == Some(parent) && Some(it.id) != own).count() >= IN_CATEGORY {
            errors.add(
                "parent_id",
                "CHANNEL_PARENT_MAX_CHANNELS",
                "Maximum number of channels in category reached (50)",
            );
        }
    }
}

/// Checks after how many minutes a thread is put away.
fn archiving(errors: &mut FormErrors, body: &Value) {
    let minutes = &body["auto_archive_duration"];
    if !minutes.is_null() && !matches!(minutes.as_u64(), Some(60 | 1440 | 4320 | 10080)) {
        let message = "Value must be one of (60, 1440, 4320, 10080).";
        errors.add("auto_archive_duration", "BASE_TYPE_CHOICES", message);
    }
}

/// Overwrites as a channel keeps them. What the bot may not do itself it can neither allow nor deny.
fn overwrites(list: &Value, has: u64) -> Result<Vec<Value>, Refusal> {
    let kept = |it: &Value| {
        let (allow, deny) = (permissions::bits(&it["allow"]), permissions::bits(&it["deny"]));
        if (allow | deny) & !has != 0 {
            return Err(Refusal::code(50013));
        }
        Ok(json!({"id": it["id"], "type": it["type"], "allow": allow.to_string(), "deny": deny.to_string()}))
    };
    list.as_array().into_iter().flatten().map(kept).collect()
}

/// Puts a channel where a body says.
fn place(channel: &mut Channel, body: &Value) {
    if let Some(position) = body["position"].as_u64() {
        channel.position = usize::try_from(position).unwrap_or(channel.position);
    }
    if channel.kind == TEXT
        && let Some(parent) = body.get("parent_id")
    {
        channel.parent = parent.as_str().and_then(|id| id.parse().ok());
    }
}

/// Tells the gateway what has happened to a channel or thread: `CREATE`, `UPDATE` or `DELETE`. Gives the channel.
pub(super) fn tell(state: &mut State, id: u64, what: &str) -> Value {
    let Some(channel) = state.channel(id) else { return Value::Null };
    let data = payload::channel(state, channel);
    let kind = if channel.is_thread() { "THREAD" } else { "CHANNEL" };
    if channel.is_thread() && what == "DELETE" {
        let gone = json!({"id": data["id"], "guild_id": data["guild_id"], "parent_id": data["parent_id"], "type": data["type"]});
        state.dispatch("THREAD_DELETE", false, &gone);
    } else {
        state.dispatch(&format!("{kind}_{what}"), false, &data);
    }
    state.changed(id);
    data
}

fn edit(state: &mut State, call: &Call) -> Answer {
    let place = found(state, call)?;
    let (id, kind, has) = (place.id, place.kind, permissions::of(state, state.me, place));
    if place.dm.is_some() {
        return Err(Refusal::code(50003));
    }
    let own_thread = place.is_thread() && place.owner == state.me && call.body["locked"].is_null();
    need(state, place, if own_thread { VIEW_CHANNEL } else { manage(place) })?;
    if !call.body["permission_overwrites"].is_null() {
        need(state, place, MANAGE_ROLES)?;
    }
    let mut errors = FormErrors::default();
    let known = if place.is_thread() { &THREAD[..] } else { &CHANNEL[..] };
    errors.known(&call.body, "", known);
    if !call.body["name"].is_null() {
        errors.text(&call.body["name"], "name", 1, 100);
    }
    checked(state, &mut errors, &call.body, Some(id));
    let unknown = errors.done()?;
    let overwrites = match &call.body["permission_overwrites"] {
        Value::Null => None,
        list => Some(self::overwrites(list, has)?),
    };
    state.unexpected.extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
    if let Some(place) = state.channel_mut(id) {
        if let Some(name) = call.body["name"].as_str() {
            place.name = written(kind, name);
        }
        if let Some(topic) = call.body.get("topic") {
            place.topic = topic.as_str().map(str::to_owned);
        }
        if let Some(overwrites) = overwrites {
            place.overwrites = overwrites;
        }
        self::place(place, &call.body);
        place.archived = call.body["archived"].as_bool().unwrap_or(place.archived);
        place.locked = call.body["locked"].as_bool().unwrap_or(place.locked);
        place.auto_archive = call.body["auto_archive_duration"].as_u64().unwrap_or(place.auto_archive);
    }
    Ok((200, tell(state, id, "UPDATE")))
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let place = found(state, call)?;
    need(state, place, manage(place))?;
    let id = place.id;
    let gone = tell(state, id, "DELETE");
    // Threads go with their channel; what was in a category stays without it.
    state.channels.retain(|it| it.id != id && !(it.is_thread() && it.parent == Some(id)));
    state.channels.iter_mut().filter(|it| it.parent == Some(id)).for_each(|it| it.parent = None);
    state.changed(id);
    Ok((200, gone))
}

/// What it takes to change a channel or thread.
fn manage(place: &Channel) -> u64 {
    if place.is_thread() { MANAGE_THREADS } else { MANAGE_CHANNELS }
}

fn overwrite(state: &mut State, call: &Call) -> Answer {
    let place = found(state, call)?;
    need(state, place, MANAGE_ROLES)?;
    let (id, target) = (place.id, call.place(1).to_owned());
    let put = call.route.name.starts_with("PUT");
    let wanted =
        json!([{"id": target, "type": call.body["type"], "allow": call.body["allow"], "deny": call.body["deny"]}]);
    let wanted = overwrites(&wanted, permissions::of(state, state.me, place))?;
    if let Some(place) = state.channel_mut(id) {
        place.overwrites.retain(|it| it["id"].as_str() != Some(&target));
        if put {
            place.overwrites.extend(wanted);
        }
    }
    tell(state, id, "UPDATE");
    Ok((204, Value::Null))
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
    if place.kind != TEXT {
        return Err(Refusal::code(50024));
    }
    need(state, place, CREATE_PUBLIC_THREADS)?;
    let mut errors = FormErrors::default();
    errors.text(&call.body["name"], "name", 1, 100);
    archiving(&mut errors, &call.body);
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
    thread.auto_archive = call.body["auto_archive_duration"].as_u64().unwrap_or(thread.auto_archive);
    state.channels.push(thread);
    if let Some(message) = message.and_then(|message| state.message_mut(channel, message)) {
        message.thread = Some(id);
    }
    Ok((201, tell(state, id, "CREATE")))
}
