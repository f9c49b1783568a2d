//! What arrived from Slack, as one closed enum.
//!
//! Payloads are read as plain JSON, field by field: a typed model loses whole messages when
//! one field has a new shape. What holds: a payload that can't be read is an error with a
//! clear sentence, never a panic; what the bot itself, another bot or another workspace
//! did is [`Parsed::Ignored`]; a mention makes one act although Slack sends it twice.

use std::collections::BTreeMap;

use operations::accounts::Standing;
use operations::chat::{Act, Actor, Inbound, Line, ReplyTo};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform, UserRef};
use operations::text::Outside;
use serde_json::Value;

use super::accounts;
use super::render::{MENU, Opened};
use super::unmark::{emoji, unmark};

/// Who the bot is, as `auth.test` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The workspace: `T…`.
    pub team: String,
    /// The bot's account: `U…`.
    pub user_id: String,
    /// The bot as an author of messages: `B…`.
    pub bot_id: String,
    /// The workspace's address.
    pub url: String,
    /// The bot's name.
    pub name: String,
}

/// What a payload says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A person did something.
    Act(Box<Inbound>),
    /// An account is new: how it stands, none for a full member's.
    Account(UserRef, Option<Standing>),
    /// Nothing to act upon; why.
    Ignored(&'static str),
}

/// Reads a Socket Mode envelope.
///
/// # Errors
/// What is missing or wrong in it.
pub fn parse(envelope: &Value, bot: &Identity) -> Result<Parsed, String> {
    let payload = || envelope.get("payload").filter(|it| it.is_object()).ok_or("the envelope has no payload");
    let delivery = || text(envelope, "/envelope_id");
    match envelope.get("type").and_then(Value::as_str) {
        Some("slash_commands") => command(payload()?, delivery()?, bot),
        Some("interactive") => interaction(payload()?, delivery()?, bot),
        Some("events_api") => event(payload()?, bot),
        Some("hello" | "disconnect") => Ok(Parsed::Ignored("about the connection itself")),
        Some(_) => Ok(Parsed::Ignored("an envelope of a type that is not needed")),
        None => Err("the envelope has no type".to_owned()),
    }
}

/// Reads the payload of a slash command.
pub(super) fn command(payload: &Value, delivery: &str, bot: &Identity) -> Result<Parsed, String> {
    if text(payload, "/team_id")? != bot.team {
        return Ok(STRANGER);
    }
    let user = text(payload, "/user_id")?;
    let channel = ChannelId::from(text(payload, "/channel_id")?);
    let reply = ReplyTo::Slack {
        response_url: optional(payload, "/response_url"),
        trigger: optional(payload, "/trigger_id"),
        channel: channel.clone(),
        user: user.to_owned(),
        thread: optional(payload, "/thread_ts").map(MessageId::from),
    };
    let name = text(payload, "/command")?.trim_start_matches('/').to_owned();
    let line = Line::Text(unmark(payload.get("text").and_then(Value::as_str).unwrap_or_default()).trim().to_owned());
    let what = Act::Command { name, line, reply };
    Ok(act(delivery, actor(bot, user, payload.pointer("/user_name")), channel, what))
}

/// Reads the payload of a click, a choice or a form.
pub(super) fn interaction(payload: &Value, delivery: &str, bot: &Identity) -> Result<Parsed, String> {
    // A person of another workspace in a shared channel has that workspace's team in `user`.
    let team = payload.pointer("/user/team_id").or_else(|| payload.pointer("/team/id")).and_then(Value::as_str);
    if team.is_some_and(|team| team != bot.team) {
        return Ok(STRANGER);
    }
    match text(payload, "/type")? {
        "block_actions" => click(payload, delivery, bot),
        "view_submission" => submit(payload, delivery, bot),
        _ => Ok(Parsed::Ignored("an interaction of a type that is not needed")),
    }
}

fn click(payload: &Value, delivery: &str, bot: &Identity) -> Result<Parsed, String> {
    let action = payload.pointer("/actions/0").ok_or("the click has no action")?;
    let (click, chosen) = match text(action, "/type")? {
        "button" => match optional(action, "/value") {
            Some(value) => (value, None),
            None => return Ok(Parsed::Ignored("a button that only opens a page")),
        },
        "static_select" => {
            let id = text(action, "/action_id")?;
            let Some(click) = id.strip_prefix(MENU) else { return Ok(Parsed::Ignored("a menu that is not Muster's")) };
            (click.to_owned(), Some(text(action, "/selected_option/value")?.to_owned()))
        }
        _ => return Ok(Parsed::Ignored("an element of a type that is not needed")),
    };
    if payload.pointer("/container/type").and_then(Value::as_str) == Some("view") {
        return Ok(Parsed::Ignored("a click inside a form"));
    }
    let user = text(payload, "/user/id")?;
    let channel = ChannelId::from(either(payload, "/channel/id", "/container/channel_id")?);
    let message = reference(&channel, either(payload, "/container/message_ts", "/message/ts")?);
    let thread = optional(payload, "/container/thread_ts").or_else(|| optional(payload, "/message/thread_ts"));
    let reply = ReplyTo::Slack {
        response_url: optional(payload, "/response_url"),
        trigger: optional(payload, "/trigger_id"),
        channel: channel.clone(),
        user: user.to_owned(),
        thread: thread.map(MessageId::from),
    };
    let by = actor(bot, user, payload.pointer("/user/name").or_else(|| payload.pointer("/user/username")));
    Ok(act(delivery, by, channel, Act::Click { click, chosen, message, reply }))
}

fn submit(payload: &Value, delivery: &str, bot: &Identity) -> Result<Parsed, String> {
    let opened: Opened = serde_json::from_str(text(payload, "/view/private_metadata")?)
        .map_err(|_| "the form does not say which command it belongs to")?;
    let user = text(payload, "/user/id")?;
    let mut values = BTreeMap::new();
    let blocks = payload.pointer("/view/state/values").and_then(Value::as_object);
    for (key, state) in blocks.into_iter().flat_map(|blocks| blocks.values()).filter_map(Value::as_object).flatten() {
        let value = state.pointer("/selected_option/value").or_else(|| state.get("value")).and_then(Value::as_str);
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            values.insert(key.clone(), value.to_owned());
        }
    }
    let channel = ChannelId::from(opened.channel);
    let reply = ReplyTo::Slack {
        response_url: None,
        trigger: optional(payload, "/trigger_id"),
        channel: channel.clone(),
        user: user.to_owned(),
        thread: opened.thread.map(MessageId::from),
    };
    let by = actor(bot, user, payload.pointer("/user/name").or_else(|| payload.pointer("/user/username")));
    Ok(act(delivery, by, channel, Act::Submit { click: opened.click, values, reply }))
}

/// Reads an Events API callback.
pub(super) fn event(payload: &Value, bot: &Identity) -> Result<Parsed, String> {
    let delivery = text(payload, "/event_id")?;
    let event = payload.get("event").ok_or("the callback has no event")?;
    for team in ["/user_team", "/source_team"] {
        if event.pointer(team).and_then(Value::as_str).is_some_and(|team| team != bot.team) {
            return Ok(STRANGER);
        }
    }
    let kind = text(event, "/type")?;
    if kind == "team_join" {
        let user = event.get("user").ok_or("the event has no user")?;
        let account = accounts::account(user, &bot.team).ok_or("the user has no id")?;
        return Ok(Parsed::Account(account, accounts::standing(user)));
    }
    if !matches!(kind, "message" | "app_mention" | "reaction_added" | "reaction_removed" | "pin_added" | "pin_removed")
    {
        return Ok(Parsed::Ignored("an event of a type that is not needed"));
    }
    if event.get("bot_id").is_some_and(|id| !id.is_null()) {
        return Ok(Parsed::Ignored("written by a bot"));
    }
    match event.get("user").and_then(Value::as_str) {
        Some(user) if user == bot.user_id => return Ok(Parsed::Ignored("done by Muster itself")),
        Some("USLACKBOT") => return Ok(Parsed::Ignored("done by Slackbot")),
        Some(_) | None => {}
    }
    match kind {
        "message" => message(event, delivery, bot),
        "app_mention" => mention(event, delivery, bot),
        "reaction_added" => reaction(event, delivery, bot, true),
        "reaction_removed" => reaction(event, delivery, bot, false),
        "pin_added" => pin(event, delivery, bot, true),
        _ => pin(event, delivery, bot, false),
    }
}

fn message(event: &Value, delivery: &str, bot: &Identity) -> Result<Parsed, String> {
    match event.get("subtype").and_then(Value::as_str) {
        None | Some("file_share" | "thread_broadcast") => {}
        Some(_) => return Ok(Parsed::Ignored("a message of a kind that is not needed")),
    }
    let raw = event.get("text").and_then(Value::as_str).unwrap_or_default();
    if event.get("channel_type").and_then(Value::as_str) == Some("im") {
        // In a direct message every word is for the bot, and no `app_mention` follows.
        return addressed(event, delivery, bot, after_mention(raw, bot).unwrap_or(raw));
    }
    if after_mention(raw, bot).is_some() {
        return Ok(Parsed::Ignored("begins with a mention, which arrives by itself"));
    }
    let user = text(event, "/user")?;
    let channel = ChannelId::from(text(event, "/channel")?);
    let what = Act::Message { text: Outside::new(&unmark(raw)), message: reference(&channel, text(event, "/ts")?) };
    Ok(act(delivery, actor(bot, user, None), channel, what))
}

fn mention(event: &Value, delivery: &str, bot: &Identity) -> Result<Parsed, String> {
    if event.get("edited").is_some_and(|edited| !edited.is_null()) {
        return Ok(Parsed::Ignored("an edited message is not a new command"));
    }
    let raw = event.get("text").and_then(Value::as_str).unwrap_or_default();
    match after_mention(raw, bot) {
        Some(rest) => addressed(event, delivery, bot, rest),
        None => Ok(Parsed::Ignored("mentions Muster in passing; arrives as a message too")),
    }
}

fn addressed(event: &Value, delivery: &str, bot: &Identity, words: &str) -> Result<Parsed, String> {
    let user = text(event, "/user")?;
    let channel = ChannelId::from(text(event, "/channel")?);
    let ts = text(event, "/ts")?;
    let reply = ReplyTo::Slack {
        response_url: None,
        trigger: None,
        channel: channel.clone(),
        user: user.to_owned(),
        thread: Some(MessageId::from(optional(event, "/thread_ts").unwrap_or_else(|| ts.to_owned()))),
    };
    let what = Act::Mention { text: unmark(words).trim().to_owned(), message: reference(&channel, ts), reply };
    Ok(act(delivery, actor(bot, user, None), channel, what))
}

/// What stands after the bot's mention, where the text begins with it.
fn after_mention<'a>(raw: &'a str, bot: &Identity) -> Option<&'a str> {
    let rest = raw.trim_start().strip_prefix("<@")?.strip_prefix(bot.user_id.as_str())?;
    match rest.strip_prefix('>') {
        Some(rest) => Some(rest),
        None => rest.strip_prefix('|')?.split_once('>').map(|(_, rest)| rest),
    }
}

fn reaction(event: &Value, delivery: &str, bot: &Identity, added: bool) -> Result<Parsed, String> {
    if event.pointer("/item/type").and_then(Value::as_str) != Some("message") {
        return Ok(Parsed::Ignored("a reaction on something that is not a message"));
    }
    let channel = ChannelId::from(text(event, "/item/channel")?);
    let on = reference(&channel, text(event, "/item/ts")?);
    let what = Act::Reaction { emoji: emoji(text(event, "/reaction")?), on, added };
    Ok(act(delivery, actor(bot, text(event, "/user")?, None), channel, what))
}

fn pin(event: &Value, delivery: &str, bot: &Identity, added: bool) -> Result<Parsed, String> {
    let Some(ts) = optional(event, "/item/message/ts").or_else(|| optional(event, "/item/ts")) else {
        return Ok(Parsed::Ignored("a pin of something that is not a message"));
    };
    let channel = ChannelId::from(either(event, "/channel_id", "/item/channel")?);
    let what = Act::Pin { on: reference(&channel, &ts), added };
    Ok(act(delivery, actor(bot, text(event, "/user")?, None), channel, what))
}

const STRANGER: Parsed = Parsed::Ignored("done by somebody of another workspace");

fn act(delivery: &str, by: Actor, channel: ChannelId, what: Act) -> Parsed {
    Parsed::Act(Box::new(Inbound { delivery: delivery.to_owned(), by, channel, what }))
}

fn actor(bot: &Identity, user: &str, name: Option<&Value>) -> Actor {
    let name = Outside::new(name.and_then(Value::as_str).unwrap_or_default());
    Actor { user: UserRef { platform: Platform::Slack, workspace: bot.team.clone(), user: user.to_owned() }, name }
}

fn reference(channel: &ChannelId, ts: &str) -> MessageRef {
    MessageRef { platform: Platform::Slack, channel: channel.clone(), message: MessageId::from(ts) }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, String> {
    let found = value.pointer(pointer).and_then(Value::as_str).filter(|found| !found.is_empty());
    found.ok_or_else(|| format!("the payload has no {pointer}"))
}

fn either<'a>(value: &'a Value, first: &str, second: &str) -> Result<&'a str, String> {
    text(value, first).or_else(|_| text(value, second))
}

fn optional(value: &Value, pointer: &str) -> Option<String> {
    text(value, pointer).ok().map(str::to_owned)
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
