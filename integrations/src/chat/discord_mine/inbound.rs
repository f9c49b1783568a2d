//! What people do on Discord, read from the gateway's dispatches.
//!
//! Read as JSON, field by field: an odd field elsewhere in a payload loses nothing. What
//! holds: bots, webhooks, other servers and Muster itself are not listened to.

use std::collections::BTreeMap;

use operations::chat::{Act, Actor, Inbound, Line, ReplyTo};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform, UserRef};
use operations::text::Outside;
use serde_json::Value;

/// Who the bot is, and where it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its user id.
    pub user_id: String,
    /// Its application id.
    pub application_id: String,
    /// The server.
    pub guild: String,
}

/// What a dispatch means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Somebody did something.
    Act(Box<Inbound>),
    /// Somebody types and wants to see what there is.
    Complete(Box<Completion>),
    /// Somebody from elsewhere asked for something, and is to be told that it is not for them.
    Foreign(ReplyTo),
    /// Nothing for Muster, and why.
    Ignored(&'static str),
}

/// Somebody types an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Interaction id.
    pub interaction: String,
    /// Interaction token.
    pub token: String,
    /// The command's name.
    pub name: String,
    /// Its subcommands.
    pub path: Vec<String>,
    /// The option that is being typed.
    pub option: String,
    /// What was typed of it.
    pub partial: String,
}

/// The dispatches that [`parse`] makes something of.
pub const WANTED: [&str; 4] =
    ["INTERACTION_CREATE", "MESSAGE_CREATE", "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE"];

/// Reads a dispatch.
///
/// # Errors
/// What is missing in it.
pub fn parse(dispatch: &Value, me: &Identity) -> Result<Parsed, String> {
    let data = &dispatch["d"];
    match dispatch["t"].as_str().unwrap_or_default() {
        "INTERACTION_CREATE" => interaction(data, me),
        "MESSAGE_CREATE" => message(data, me),
        "MESSAGE_REACTION_ADD" => reaction(dispatch, me, true),
        "MESSAGE_REACTION_REMOVE" => reaction(dispatch, me, false),
        _ => Ok(Parsed::Ignored("not an event that is listened to")),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    value[field].as_str().ok_or_else(|| format!("{field} is missing"))
}

/// The name that a user shows where no server is known.
pub(super) fn display_name(user: &Value) -> String {
    let name = user["global_name"].as_str().or(user["username"].as_str());
    name.unwrap_or_default().to_owned()
}

/// The name that a member shows in the server.
pub(super) fn member_name(member: &Value) -> String {
    member["nick"].as_str().map_or_else(|| display_name(&member["user"]), str::to_owned)
}

fn actor(me: &Identity, user: &str, name: &str) -> Actor {
    let user = UserRef { platform: Platform::Discord, workspace: me.guild.clone(), user: user.to_owned() };
    Actor { user, name: Outside::new(name) }
}

fn act(delivery: String, by: Actor, channel: &str, what: Act) -> Parsed {
    Parsed::Act(Box::new(Inbound { delivery, by, channel: ChannelId::from(channel), what }))
}

fn interaction(data: &Value, me: &Identity) -> Result<Parsed, String> {
    let (id, token, channel) = (text(data, "id")?, text(data, "token")?, text(data, "channel_id")?);
    let member = &data["member"];
    let user = member["user"]["id"].as_str().or(data["user"]["id"].as_str()).ok_or("user is missing")?;
    let reply = ReplyTo::Discord {
        interaction: id.to_owned(),
        token: token.to_owned(),
        channel: ChannelId::from(channel),
        user: user.to_owned(),
    };
    // Names and channels elsewhere mean nothing here; nor does an app that somebody took along.
    if data["guild_id"].as_str() != Some(&me.guild) || member["user"].is_null() {
        return Ok(Parsed::Foreign(reply));
    }
    let by = actor(me, user, &member_name(member));
    let delivery = format!("discord:{id}");
    let inner = &data["data"];
    let what = match data["type"].as_u64() {
        Some(2) => {
            if inner["type"].as_u64().unwrap_or(1) != 1 {
                return Ok(Parsed::Ignored("a command on a message or person"));
            }
            let (path, options) = options(&inner["options"]);
            let options = options.into_iter().map(|(name, value, _)| (name, value)).collect();
            Act::Command { name: text(inner, "name")?.to_owned(), line: Line::Options { path, options }, reply }
        }
        Some(3) => {
            let (_, click) = text(inner, "custom_id")?.split_once('|').ok_or("custom_id is not one of Muster's")?;
            let message = MessageRef {
                platform: Platform::Discord,
                channel: ChannelId::from(channel),
                message: MessageId::from(text(&data["message"], "id")?),
            };
            let chosen = inner["values"][0].as_str().map(str::to_owned);
            Act::Click { click: click.to_owned(), chosen, message, reply }
        }
        Some(4) => return complete(id, token, inner),
        Some(5) => {
            let mut values = BTreeMap::new();
            submitted(&inner["components"], &mut values);
            Act::Submit { click: text(inner, "custom_id")?.to_owned(), values, reply }
        }
        _ => return Ok(Parsed::Ignored("not an interaction that is listened to")),
    };
    Ok(act(delivery, by, channel, what))
}

/// The path of subcommands, and the options below it: name, value, and whether it is being typed.
fn options(value: &Value) -> (Vec<String>, Vec<(String, String, bool)>) {
    let mut path = Vec::new();
    let mut level = value;
    // Types 1 and 2 are a subcommand and a group of them.
    while let Some(first) = level.get(0).filter(|first| matches!(first["type"].as_u64(), Some(1 | 2))) {
        path.push(first["name"].as_str().unwrap_or_default().to_owned());
        level = &first["options"];
    }
    let option = |option: &Value| {
        let value = match (&option["value"], option["type"].as_u64()) {
            (Value::String(user), Some(6)) => format!("<@{user}>"),
            (Value::String(value), _) => value.clone(),
            (value, _) => value.to_string(),
        };
        (option["name"].as_str().unwrap_or_default().to_owned(), value, option["focused"].as_bool() == Some(true))
    };
    (path, level.as_array().into_iter().flatten().map(option).collect())
}

fn complete(id: &str, token: &str, inner: &Value) -> Result<Parsed, String> {
    let (path, options) = options(&inner["options"]);
    let (option, partial, _) = options.into_iter().find(|(_, _, focused)| *focused).ok_or("no option is being typed")?;
    Ok(Parsed::Complete(Box::new(Completion {
        interaction: id.to_owned(),
        token: token.to_owned(),
        name: text(inner, "name")?.to_owned(),
        path,
        option,
        partial,
    })))
}

/// What was filled into a modal: in rows (old form) and in labels (new form).
fn submitted(components: &Value, values: &mut BTreeMap<String, String>) {
    for component in components.as_array().into_iter().flatten() {
        submitted(&component["components"], values);
        for field in [component, &component["component"]] {
            let value = field["value"].as_str().or(field["values"][0].as_str());
            if let (Some(key), Some(value)) = (field["custom_id"].as_str(), value)
                && !value.trim().is_empty()
            {
                values.insert(key.to_owned(), value.to_owned());
            }
        }
    }
}

fn message(data: &Value, me: &Identity) -> Result<Parsed, String> {
    let (id, channel) = (text(data, "id")?, text(data, "channel_id")?);
    let author = &data["author"];
    let user = text(author, "id")?;
    if user == me.user_id || author["bot"].as_bool() == Some(true) || !data["webhook_id"].is_null() {
        return Ok(Parsed::Ignored("written by a bot"));
    }
    if data["guild_id"].as_str() != Some(&me.guild) {
        return Ok(Parsed::Ignored("from elsewhere"));
    }
    let name = data["member"]["nick"].as_str().map_or_else(|| display_name(author), str::to_owned);
    let by = actor(me, user, &name);
    let delivery = format!("discord:{id}");
    let at = |channel: &str, message: &str| MessageRef {
        platform: Platform::Discord,
        channel: ChannelId::from(channel),
        message: MessageId::from(message),
    };
    // The event about pins does not say which message it was; Discord's own line in the channel does.
    if data["type"].as_u64() == Some(6) {
        let pinned = &data["message_reference"];
        let on = at(pinned["channel_id"].as_str().unwrap_or(channel), text(pinned, "message_id")?);
        return Ok(act(delivery, by, channel, Act::Pin { on, added: true }));
    }
    // Plain messages and replies; everything else is Discord's own.
    if !matches!(data["type"].as_u64(), Some(0 | 19)) {
        return Ok(Parsed::Ignored("one of Discord's own lines"));
    }
    let content = data["content"].as_str().unwrap_or_default();
    let mention = [format!("<@{}>", me.user_id), format!("<@!{}>", me.user_id)];
    let rest = mention.iter().find_map(|mention| content.trim_start().strip_prefix(mention.as_str()));
    let message = at(channel, id);
    let what = match rest {
        Some(rest) => Act::Mention {
            text: rest.trim().to_owned(),
            reply: ReplyTo::Message { message: message.clone() },
            message,
        },
        None => Act::Message { text: Outside::new(content), message },
    };
    Ok(act(delivery, by, channel, what))
}

fn reaction(dispatch: &Value, me: &Identity, added: bool) -> Result<Parsed, String> {
    let data = &dispatch["d"];
    let (channel, message, user) = (text(data, "channel_id")?, text(data, "message_id")?, text(data, "user_id")?);
    if user == me.user_id || data["member"]["user"]["bot"].as_bool() == Some(true) {
        return Ok(Parsed::Ignored("a bot's reaction"));
    }
    if data["guild_id"].as_str() != Some(&me.guild) {
        return Ok(Parsed::Ignored("from elsewhere"));
    }
    let emoji = text(&data["emoji"], "name")?;
    // A reaction has no id of its own; that of its dispatch makes a second one different from a repeat of the first.
    let turn = dispatch["s"].as_u64().unwrap_or_default();
    let delivery = format!("discord:{message}:{user}:{emoji}:{added}:{turn}");
    let by = actor(me, user, &member_name(&data["member"]));
    let on = MessageRef {
        platform: Platform::Discord,
        channel: ChannelId::from(channel),
        message: MessageId::from(message),
    };
    Ok(act(delivery, by, channel, Act::Reaction { emoji: emoji.to_owned(), on, added }))
}
