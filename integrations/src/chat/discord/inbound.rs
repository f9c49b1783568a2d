//! What arrived from Discord, as one closed enum.
//!
//! Dispatches are read as plain JSON, field by field: a typed model loses what it does not
//! know. What holds: a dispatch that can't be read is an error with a clear sentence, never
//! a panic; what the bot itself, another bot or another server did is never an act.
//!
//! Discord does not say which message was unpinned, so only pins are read: from the message
//! that Discord writes about them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use operations::chat::{Act, Actor, Inbound, Line, ReplyTo};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform, UserRef};
use operations::text::Outside;
use serde_json::Value;

use super::render;
use super::unmark::unmark;

/// Who the bot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The server that Muster works in. Everything from elsewhere is turned away.
    pub guild: String,
    /// The bot's account.
    pub user_id: String,
    /// The application that the commands belong to.
    pub application: String,
    /// The bot's name.
    pub name: String,
}

/// What a dispatch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A person did something.
    Act(Box<Inbound>),
    /// A person types a command and wants to see what there is.
    Complete(Box<Completion>),
    /// Somebody of another server, or outside of any, asked for something and waits for an answer.
    Foreign(ReplyTo),
    /// A session has begun, and what was said from this moment on was not heard.
    Missed(Timestamp),
    /// Nothing to act upon; why.
    Ignored(&'static str),
}

/// What a person has typed of an option so far.
#[derive(Clone, PartialEq, Eq)]
pub struct Completion {
    /// Interaction id.
    pub interaction: String,
    /// Interaction token: a credential.
    pub token: String,
    /// Who types.
    pub user: Actor,
    /// Where.
    pub channel: ChannelId,
    /// The command.
    pub name: String,
    /// Its subcommands.
    pub path: Vec<String>,
    /// The option being typed.
    pub option: String,
    /// What stands there so far.
    pub partial: String,
}

impl std::fmt::Debug for Completion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Completion({} {:?} {})", self.name, self.path, self.option)
    }
}

/// The dispatches that [`parse`] can make something of; no others are handed over.
pub(super) const NEEDED: [&str; 4] =
    ["INTERACTION_CREATE", "MESSAGE_CREATE", "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE"];

/// Reads a dispatch: `{op, t, s, d}`, with `session` beside it as the gateway marks it.
///
/// # Errors
/// What is missing or wrong in it.
pub fn parse(dispatch: &Value, me: &Identity) -> Result<Parsed, String> {
    let data = || dispatch.get("d").filter(|it| it.is_object()).ok_or("the dispatch has no data");
    match dispatch.get("t").and_then(Value::as_str) {
        Some("INTERACTION_CREATE") => interaction(data()?, me),
        Some("MESSAGE_CREATE") => message(data()?, me),
        Some("MESSAGE_REACTION_ADD") => reaction(dispatch, data()?, me, true),
        Some("MESSAGE_REACTION_REMOVE") => reaction(dispatch, data()?, me, false),
        Some("READY") => Ok(match optional(data()?, "/missing_since").and_then(|at| at.parse().ok()) {
            Some(since) => Parsed::Missed(since),
            None => Parsed::Ignored("a session has begun, and nothing is missing"),
        }),
        Some(_) => Ok(Parsed::Ignored("a dispatch of a type that is not needed")),
        None => Err("the dispatch has no type".to_owned()),
    }
}

fn interaction(data: &Value, me: &Identity) -> Result<Parsed, String> {
    let id = text(data, "/id")?;
    let channel =
        ChannelId::from(optional(data, "/channel_id").or_else(|| optional(data, "/channel/id")).unwrap_or_default());
    let account = data.pointer("/member/user").or_else(|| data.get("user")).ok_or("the interaction has no user")?;
    let user = text(account, "/id")?;
    let reply = ReplyTo::Discord {
        interaction: id.to_owned(),
        token: text(data, "/token")?.to_owned(),
        channel: channel.clone(),
        user: user.to_owned(),
    };
    let kind = data.get("type").and_then(Value::as_u64).ok_or("the interaction has no type")?;
    if !is_from_here(data, me) && !is_our_direct(data, kind) {
        // What is typed needs no answer: the list stays empty.
        return Ok(if kind == 4 { ELSEWHERE } else { Parsed::Foreign(reply) });
    }
    let by = actor(me, user, data.get("member"), account);
    let what = match kind {
        2 => match data.pointer("/data/type").and_then(Value::as_u64) {
            None | Some(1) => {
                let (path, options) = path_and_options(data);
                let mut values = BTreeMap::new();
                for option in options {
                    values.insert(text(option, "/name")?.to_owned(), option_text(option)?);
                }
                let line = Line::Options { path, options: values };
                Act::Command { name: text(data, "/data/name")?.to_owned(), line, reply }
            }
            Some(_) => return Ok(Parsed::Ignored("a command of a kind that Muster does not have")),
        },
        3 => {
            let message = reference(&channel, text(data, "/message/id")?);
            let click = render::click(text(data, "/data/custom_id")?).to_owned();
            Act::Click { click, chosen: optional(data, "/data/values/0"), message, reply }
        }
        4 => return completion(data, by, channel),
        5 => {
            let click = render::click(text(data, "/data/custom_id")?).to_owned();
            Act::Submit { click, values: filled_in(data), reply }
        }
        _ => return Ok(Parsed::Ignored("an interaction of a type that is not needed")),
    };
    Ok(act(format!("discord:{id}"), by, channel, what))
}

/// Whether it was done in the server that Muster works in, with the bot as installed there.
fn is_from_here(data: &Value, me: &Identity) -> bool {
    let guild = data.get("guild_id").and_then(Value::as_str);
    // Key 0 is a server's installation. A person may have installed the application for themselves alone (key 1).
    let owners = data.get("authorizing_integration_owners").and_then(Value::as_object).filter(|it| !it.is_empty());
    let installed = owners.is_none_or(|it| it.get("0").and_then(Value::as_str) == Some(me.guild.as_str()));
    let member = data.get("member").filter(|it| it.is_object());
    guild == Some(me.guild.as_str()) && member.is_some_and(|member| !is_guest(member)) && installed
}

/// Whether somebody may not be here like others: let into a voice channel alone (the flag `IS_GUEST`), or not through
/// the server's screening yet (Discord's reference, "Guild Member Object" and "Guild Member Flags").
fn is_guest(member: &Value) -> bool {
    let flags = member.get("flags").and_then(Value::as_u64).unwrap_or_default();
    flags & (1 << 4) != 0 || member.get("pending") == Some(&Value::Bool(true))
}

/// Whether it is a click or a form in a direct message with the bot, which only somebody who was written to can do:
/// what is done there counts as done in the server. Discord then names server `0` as the owner of the installation
/// (its reference, "Authorizing Integration Owners Object").
fn is_our_direct(data: &Value, kind: u64) -> bool {
    let is_answer = matches!(kind, 3 | 5);
    let owner = data.pointer("/authorizing_integration_owners/0").and_then(Value::as_str);
    is_answer && data.get("guild_id").is_none_or(Value::is_null) && owner == Some("0")
}

/// Subcommand group and subcommand, and the options below them.
fn path_and_options(data: &Value) -> (Vec<String>, Vec<&Value>) {
    let mut path = Vec::new();
    let mut options: Vec<&Value> = list(data, "/data/options");
    while let [only] = options.as_slice() {
        let (1 | 2) = only.get("type").and_then(Value::as_u64).unwrap_or_default() else { break };
        path.push(only.get("name").and_then(Value::as_str).unwrap_or_default().to_owned());
        options = list(only, "/options");
    }
    (path, options)
}

/// An option's value as text: people, channels and roles as they are mentioned.
fn option_text(option: &Value) -> Result<String, String> {
    let value = option.get("value").ok_or("an option has no value")?;
    let words = match value {
        Value::String(words) => words.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return Err("an option's value is not a text".to_owned()),
    };
    Ok(match option.get("type").and_then(Value::as_u64) {
        Some(6) => format!("<@{words}>"),
        Some(7) => format!("<#{words}>"),
        Some(8) => format!("<@&{words}>"),
        Some(_) | None => words,
    })
}

fn completion(data: &Value, user: Actor, channel: ChannelId) -> Result<Parsed, String> {
    let (path, options) = path_and_options(data);
    let focused = options.into_iter().find(|it| it.get("focused") == Some(&Value::Bool(true)));
    let focused = focused.ok_or("nothing is being typed")?;
    Ok(Parsed::Complete(Box::new(Completion {
        interaction: text(data, "/id")?.to_owned(),
        token: text(data, "/token")?.to_owned(),
        user,
        channel,
        name: text(data, "/data/name")?.to_owned(),
        path,
        option: text(focused, "/name")?.to_owned(),
        partial: option_text(focused).unwrap_or_default(),
    })))
}

/// What was filled into a form: fields in labels (type 18), or in rows (type 1) as older clients may send them.
fn filled_in(data: &Value) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for row in list(data, "/data/components") {
        let inner = row.get("component").into_iter().chain(list(row, "/components"));
        for component in inner {
            let value = component.pointer("/values/0").or_else(|| component.get("value")).and_then(Value::as_str);
            if let Some(key) = optional(component, "/custom_id")
                && let Some(value) = value.filter(|value| !value.trim().is_empty())
            {
                values.insert(key, value.to_owned());
            }
        }
    }
    values
}

fn message(data: &Value, me: &Identity) -> Result<Parsed, String> {
    if data.get("guild_id").and_then(Value::as_str) != Some(me.guild.as_str()) {
        return Ok(ELSEWHERE);
    }
    let user = text(data, "/author/id")?;
    if user == me.user_id {
        return Ok(Parsed::Ignored("done by Muster itself"));
    }
    let by_bot = data.pointer("/author/bot") == Some(&Value::Bool(true));
    if by_bot || data.get("webhook_id").is_some_and(|id| !id.is_null()) {
        return Ok(Parsed::Ignored("written by a bot"));
    }
    if data.get("member").is_some_and(is_guest) {
        return Ok(GUEST);
    }
    let id = text(data, "/id")?;
    let delivery = format!("discord:{id}");
    let channel = ChannelId::from(text(data, "/channel_id")?);
    let by = actor(me, user, data.get("member"), data.get("author").unwrap_or(&Value::Null));
    match data.get("type").and_then(Value::as_u64).unwrap_or_default() {
        // A message, or a reply to one.
        0 | 19 => {}
        // Discord's own message that somebody pinned another.
        6 => {
            let Some(on) = optional(data, "/message_reference/message_id") else {
                return Ok(Parsed::Ignored("a pin of something that is not named"));
            };
            let place =
                optional(data, "/message_reference/channel_id").map_or_else(|| channel.clone(), ChannelId::from);
            return Ok(act(delivery, by, channel, Act::Pin { on: reference(&place, &on), added: true }));
        }
        _ => return Ok(Parsed::Ignored("a message of a kind that is not needed")),
    }
    let raw = data.get("content").and_then(Value::as_str).unwrap_or_default();
    let message = reference(&channel, id);
    if let Some(rest) = after_mention(raw, me) {
        let reply = ReplyTo::Message { message: message.clone() };
        let what = Act::Mention { text: rest.trim().to_owned(), message, reply };
        return Ok(act(delivery, by, channel, what));
    }
    if raw.trim().is_empty() {
        return Ok(Parsed::Ignored("a message without words"));
    }
    let words = unmark(raw, &names(data));
    Ok(act(delivery, by, channel, Act::Message { text: Outside::new(&words), message }))
}

/// The names of the people whom a message mentions, by id.
pub(super) fn names(message: &Value) -> BTreeMap<String, String> {
    let named = |user: &Value| {
        let name = optional(user, "/member/nick").or_else(|| optional(user, "/global_name"));
        Some((optional(user, "/id")?, name.or_else(|| optional(user, "/username"))?))
    };
    list(message, "/mentions").into_iter().filter_map(named).collect()
}

/// What stands after the bot's mention, where the text begins with it.
fn after_mention<'a>(raw: &'a str, me: &Identity) -> Option<&'a str> {
    let rest = raw.trim_start().strip_prefix("<@")?;
    rest.strip_prefix('!').unwrap_or(rest).strip_prefix(me.user_id.as_str())?.strip_prefix('>')
}

fn reaction(dispatch: &Value, data: &Value, me: &Identity, added: bool) -> Result<Parsed, String> {
    if data.get("guild_id").and_then(Value::as_str) != Some(me.guild.as_str()) {
        return Ok(ELSEWHERE);
    }
    let user = text(data, "/user_id")?;
    if user == me.user_id {
        return Ok(Parsed::Ignored("done by Muster itself"));
    }
    if data.pointer("/member/user/bot") == Some(&Value::Bool(true)) {
        return Ok(Parsed::Ignored("done by a bot"));
    }
    if data.get("member").is_some_and(is_guest) {
        return Ok(GUEST);
    }
    let channel = ChannelId::from(text(data, "/channel_id")?);
    let on = reference(&channel, text(data, "/message_id")?);
    let emoji = text(data, "/emoji/name")?.to_owned();
    // A reaction has no id of its own; where it stands in its session is the same when it is delivered again.
    let seq = dispatch.get("s").and_then(Value::as_u64).ok_or("the dispatch has no sequence number")?;
    let session = dispatch.get("session").and_then(Value::as_str).unwrap_or_default();
    let sign = if added { '+' } else { '-' };
    let delivery = format!("discord:{}{sign}{user}:{emoji}:{session}:{seq}", on.message.0);
    let account = data.pointer("/member/user").unwrap_or(&Value::Null);
    let by = actor(me, user, data.get("member"), account);
    Ok(act(delivery, by, channel, Act::Reaction { emoji, on, added }))
}

const GUEST: Parsed = Parsed::Ignored("done by a guest");

const ELSEWHERE: Parsed = Parsed::Ignored("done in another server, or outside of any");

fn act(delivery: String, by: Actor, channel: ChannelId, what: Act) -> Parsed {
    Parsed::Act(Box::new(Inbound { delivery, by, channel, what }))
}

fn actor(me: &Identity, user: &str, member: Option<&Value>, account: &Value) -> Actor {
    let nick = member.and_then(|member| optional(member, "/nick"));
    let name = nick.or_else(|| optional(account, "/global_name")).or_else(|| optional(account, "/username"));
    let user = UserRef { platform: Platform::Discord, workspace: me.guild.clone(), user: user.to_owned() };
    Actor { user, name: Outside::new(&name.unwrap_or_default()) }
}

fn reference(channel: &ChannelId, message: &str) -> MessageRef {
    MessageRef { platform: Platform::Discord, channel: channel.clone(), message: MessageId::from(message) }
}

fn list<'a>(value: &'a Value, pointer: &str) -> Vec<&'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().collect()
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, String> {
    let found = value.pointer(pointer).and_then(Value::as_str).filter(|found| !found.is_empty());
    found.ok_or_else(|| format!("the payload has no {pointer}"))
}

fn optional(value: &Value, pointer: &str) -> Option<String> {
    text(value, pointer).ok().map(str::to_owned)
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
