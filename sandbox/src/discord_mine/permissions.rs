//! Who may do what where: Discord's permission bits and overwrites.
//!
//! Names and bits are those of Discord's reference (Topics, Permissions).

use serde_json::Value;

use super::refusal::Refusal;
use super::state::{Channel, State};

pub(super) const ADD_REACTIONS: u64 = 1 << 6;
pub(super) const MANAGE_CHANNELS: u64 = 1 << 4;
pub(super) const VIEW_CHANNEL: u64 = 1 << 10;
pub(super) const SEND_MESSAGES: u64 = 1 << 11;
pub(super) const MANAGE_MESSAGES: u64 = 1 << 13;
pub(super) const EMBED_LINKS: u64 = 1 << 14;
pub(super) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub(super) const MENTION_EVERYONE: u64 = 1 << 17;
pub(super) const MANAGE_ROLES: u64 = 1 << 28;
pub(super) const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
pub(super) const MANAGE_THREADS: u64 = 1 << 34;
pub(super) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub(super) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
/// Split from `MANAGE_MESSAGES` in 2025/26; the latter no longer allows pins.
pub(super) const PIN_MESSAGES: u64 = 1 << 51;

const NAMED: [(&str, u64); 16] = [
    ("ADD_REACTIONS", ADD_REACTIONS),
    ("MANAGE_CHANNELS", MANAGE_CHANNELS),
    ("VIEW_CHANNEL", VIEW_CHANNEL),
    ("SEND_MESSAGES", SEND_MESSAGES),
    ("MANAGE_MESSAGES", MANAGE_MESSAGES),
    ("EMBED_LINKS", EMBED_LINKS),
    ("ATTACH_FILES", 1 << 15),
    ("READ_MESSAGE_HISTORY", READ_MESSAGE_HISTORY),
    ("MENTION_EVERYONE", MENTION_EVERYONE),
    ("USE_EXTERNAL_EMOJIS", 1 << 18),
    ("MANAGE_ROLES", MANAGE_ROLES),
    ("USE_APPLICATION_COMMANDS", USE_APPLICATION_COMMANDS),
    ("MANAGE_THREADS", MANAGE_THREADS),
    ("CREATE_PUBLIC_THREADS", CREATE_PUBLIC_THREADS),
    ("SEND_MESSAGES_IN_THREADS", SEND_MESSAGES_IN_THREADS),
    ("PIN_MESSAGES", PIN_MESSAGES),
];

/// What the bot's role has: everything above.
pub(super) fn of_bot() -> u64 {
    NAMED.iter().fold(0, |all, (_, bit)| all | bit)
}

/// What `@everyone` has on this server: to take part, and to pin.
pub(super) fn of_everyone() -> u64 {
    VIEW_CHANNEL
        | SEND_MESSAGES
        | SEND_MESSAGES_IN_THREADS
        | CREATE_PUBLIC_THREADS
        | EMBED_LINKS
        | READ_MESSAGE_HISTORY
        | ADD_REACTIONS
        | USE_APPLICATION_COMMANDS
        | PIN_MESSAGES
}

/// The bit of a permission.
pub(super) fn bit(name: &str) -> Option<u64> {
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, bit)| *bit)
}

/// What a user may do in a channel: the base, then the overwrites of `@everyone`, the role, the member.
pub(super) fn of(state: &State, user: u64, channel: &Channel) -> u64 {
    let bot = user == state.me;
    let base = if bot { of_bot() & !state.forbidden } else { of_everyone() };
    let place = channel.parent.filter(|_| channel.is_thread()).and_then(|parent| state.channel(parent));
    let overwrites = &place.unwrap_or(channel).overwrites;
    let mut allowed = base;
    let role = if bot { Some(state.bot_role) } else { None };
    for target in [Some(state.guild), role, Some(user)].into_iter().flatten() {
        let id = target.to_string();
        for overwrite in overwrites.iter().filter(|overwrite| overwrite["id"].as_str() == Some(&id)) {
            allowed = (allowed & !bits(&overwrite["deny"])) | bits(&overwrite["allow"]);
        }
    }
    if bot { allowed & !state.forbidden } else { allowed }
}

/// Refuses a call of the bot for want of a permission.
pub(super) fn need(state: &State, channel: &Channel, permission: u64) -> Result<(), Refusal> {
    if channel.dm.is_some() {
        return Ok(());
    }
    let has = of(state, state.me, channel);
    if has & VIEW_CHANNEL == 0 {
        return Err(Refusal::code(50001));
    }
    if has & permission != permission {
        return Err(Refusal::code(50013));
    }
    Ok(())
}

/// A permission set, which Discord writes as a number in a string.
pub(super) fn bits(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).or_else(|| value.as_u64()).unwrap_or(0)
}
