//! Messages by the bot: read, created, changed and deleted.

use serde_json::{Value, json};

use super::Notification;
use super::check;
use super::payload;
use super::permissions::{
    EMBED_LINKS, MANAGE_MESSAGES, MENTION_EVERYONE, READ_MESSAGE_HISTORY, SEND_MESSAGES, SEND_MESSAGES_IN_THREADS,
    VIEW_CHANNEL, need,
};
use super::refusal::{Answer, Refusal};
use super::rest::Call;
use super::state::{CATEGORY, COMPONENTS_V2, LOADING, Mentions, Message, State};
use super::{channels, pins, reactions};

/// How long a nonce is remembered: "the past few minutes".
const NONCE_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_mins(3);

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
        name if name.contains("/pins") => pins::call(state, call, channel, message),
        name if name.contains("/reactions/") => reactions::call(state, call, channel, message),
        name if name.ends_with("/threads") => channels::thread(state, call, channel, Some(message)),
        _ => Err(Refusal::no_route()),
    }
}

/// A message that REST shows: ephemeral ones are not among them.
pub(super) fn visible(state: &State, channel: u64, message: u64) -> Result<&Message, Refusal> {
    let found = state.message(channel, message).filter(|message| message.ephemeral_to.is_none());
    found.ok_or_else(|| Refusal::code(10008))
}

fn list(state: &State, call: &Call, channel: u64) -> Answer {
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    need(state, place, VIEW_CHANNEL)?;
    // Whoever may not look back is not refused, but sees nothing ("Get Channel Messages").
    if need(state, place, READ_MESSAGE_HISTORY).is_err() {
        return Ok((200, Value::Array(Vec::new())));
    }
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
    let unknown = check::message(&call.body, "")?;
    note(state, call, unknown);
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    if place.kind == CATEGORY {
        return Err(Refusal::code(50008));
    }
    need(state, place, if place.is_thread() { SEND_MESSAGES_IN_THREADS } else { SEND_MESSAGES })?;
    // Where there are words beside it, an embed is dropped without a word (discord/discord-api-docs#2601); here that is
    // refused, too, for nobody would see that it is missing.
    if call.body["embeds"].as_array().is_some_and(|embeds| !embeds.is_empty()) {
        need(state, place, EMBED_LINKS)?;
    }
    if place.dm.is_some_and(|with| state.closed_to_messages.contains(&with)) {
        return Err(Refusal::code(50007));
    }
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
            return Ok((200, payload::created(state, earlier)));
        }
    }
    let replied = replied_to(state, call, channel)?;
    let me = state.me;
    let mut message = state.new_message(channel, me);
    fill(&mut message, &call.body);
    message.nonce = Some(nonce).filter(|nonce| !nonce.is_null());
    if replied.is_some() {
        message.kind = 19;
        message.reference = replied;
    }
    message.mentions = mentions(state, &message.content, &check::allowed(&call.body), channel);
    let id = add(state, message, true);
    let message = state.message(channel, id).ok_or_else(|| Refusal::code(10008))?;
    Ok((200, payload::created(state, message)))
}

/// The message that a new one replies to. One that has gone is refused, unless the bot does not mind.
fn replied_to(state: &State, call: &Call, channel: u64) -> Result<Option<u64>, Refusal> {
    let reference = &call.body["message_reference"];
    if reference.is_null() {
        return Ok(None);
    }
    let id = reference["message_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(0);
    if visible(state, channel, id).is_ok() {
        if let Some(place) = state.channel(channel) {
            need(state, place, READ_MESSAGE_HISTORY)?;
        }
        return Ok(Some(id));
    }
    if reference["fail_if_not_exists"].as_bool() == Some(false) {
        return Ok(None);
    }
    let mut refusal = Refusal::field("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
    // It may have been deleted since the bot saw it.
    refusal.malformed = false;
    Err(refusal)
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
    let mut was_archived = false;
    if let Some(place) = state.channel_mut(channel) {
        place.messages.push(message);
        was_archived = std::mem::take(&mut place.archived);
    }
    if was_archived {
        channels::tell(state, channel, "UPDATE");
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

/// Keeps whom a message of the bot's notifies.
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
    let may = state
        .channel(channel)
        .is_some_and(|place| super::permissions::of(state, state.me, place) & MENTION_EVERYONE != 0);
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
                // The only role besides that of everyone, and no one may mention it who may not mention all.
                "roles" if meant && may && number == state.bot_role && !found.roles.contains(&number) => {
                    found.roles.push(number)
                }
                _ => {}
            }
            rest = after;
        }
    }
    found.everyone = may && parses("everyone") && content.contains("@everyone");
    found.here = may && parses("everyone") && content.contains("@here");
    found
}

fn edit(state: &mut State, call: &Call, channel: u64, id: u64) -> Answer {
    let found = visible(state, channel, id);
    let unknown = check::edit(&call.body, "", found.as_ref().map_or(0, |message| message.flags))?;
    if found?.author != state.me {
        return Err(Refusal::code(50005));
    }
    note(state, call, unknown);
    let mut body = call.body.clone();
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    // Dropped without a word (discord/discord-api-docs#2601).
    if body.get("embeds").is_some() && need(state, place, EMBED_LINKS).is_err() {
        body["embeds"] = json!([]);
    }
    change(state, channel, id, &body)?;
    let message = visible(state, channel, id)?;
    Ok((200, payload::message(state, message)))
}

/// Changes a message as an edit's body says. An edit notifies nobody anew, but for the first of a deferred answer:
/// before that there was nothing to read.
pub(super) fn change(state: &mut State, channel: u64, id: u64, body: &Value) -> Result<(), Refusal> {
    let mut changed = state.message(channel, id).ok_or_else(|| Refusal::code(10008))?.clone();
    fill(&mut changed, body);
    if changed.content.trim().is_empty() && changed.embeds.is_empty() && changed.components.is_empty() {
        return Err(Refusal::code(50006));
    }
    if changed.flags & LOADING == 0 {
        changed.edited = Some(state.now);
    } else {
        changed.flags &= !LOADING;
        changed.mentions = mentions(state, &changed.content, &check::allowed(body), channel);
        if changed.ephemeral_to.is_none() {
            notify(state, &changed);
        }
    }
    if let Some(message) = state.message_mut(channel, id) {
        *message = changed;
    }
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
    let mut data = json!({"id": id.to_string(), "channel_id": channel.to_string()});
    if !dm {
        data["guild_id"] = json!(state.guild.to_string());
    }
    state.dispatch("MESSAGE_DELETE", dm, &data);
    state.changed(channel);
}

/// Notes unknown fields, and that it isn't said whom a message may notify.
pub(super) fn note(state: &mut State, call: &Call, unknown: Vec<String>) {
    state.unexpected.extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
    if call.body["allowed_mentions"].is_null() {
        state.missing_allowed_mentions.push(call.route.name.to_owned());
    }
}
