//! The model as JSON, in the shapes of Discord's reference.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::permissions;
use super::state::{Channel, Message, State, User};

/// Discord's form of a time.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}

pub(super) fn user(user: &User) -> Value {
    let mut value = json!({
        "id": user.id.to_string(), "username": user.name, "discriminator": "0", "global_name": user.display,
        "avatar": null, "public_flags": 0, "avatar_decoration_data": null, "collectibles": null,
        "primary_guild": null, "clan": null,
    });
    if user.bot {
        value["bot"] = json!(true);
        value["global_name"] = Value::Null;
    }
    value
}

pub(super) fn user_by_id(state: &State, id: u64) -> Value {
    state.user(id).map_or(Value::Null, user)
}

/// A member without its user, as messages carry it.
pub(super) fn partial_member(state: &State, id: u64) -> Value {
    let roles = if id == state.me { vec![state.bot_role.to_string()] } else { Vec::new() };
    json!({
        "nick": null, "avatar": null, "banner": null, "roles": roles, "joined_at": "2024-01-01T00:00:00.000000+00:00",
        "premium_since": null, "deaf": false, "mute": false, "flags": 0, "pending": false,
        "communication_disabled_until": null,
    })
}

pub(super) fn member(state: &State, id: u64) -> Value {
    let mut value = partial_member(state, id);
    value["user"] = user_by_id(state, id);
    value
}

/// A member as interactions carry it: with permissions in the channel.
pub(super) fn invoking_member(state: &State, id: u64, channel: &Channel) -> Value {
    let mut value = member(state, id);
    value["permissions"] = json!(permissions::of(state, id, channel).to_string());
    value["unusual_dm_activity_until"] = Value::Null;
    value
}

pub(super) fn roles(state: &State) -> Value {
    let role = |id: u64, name: &str, permissions: u64, managed: bool| {
        json!({
            "id": id.to_string(), "name": name, "color": 0, "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            "hoist": false, "icon": null, "unicode_emoji": null, "position": u8::from(managed),
            "permissions": permissions.to_string(), "managed": managed, "mentionable": false, "flags": 0,
        })
    };
    json!([
        role(state.guild, "@everyone", permissions::of_everyone(), false),
        role(state.bot_role, "Muster", permissions::of_bot() & !state.forbidden, true),
    ])
}

pub(super) fn guild(state: &State) -> Value {
    json!({
        "id": state.guild.to_string(), "name": "Sandbox", "icon": null, "splash": null, "discovery_splash": null,
        "owner_id": state.users.get(1).map_or(state.me, |user| user.id).to_string(), "afk_channel_id": null,
        "afk_timeout": 300, "verification_level": 0, "default_message_notifications": 1, "explicit_content_filter": 0,
        "roles": roles(state), "emojis": [], "features": [], "mfa_level": 0, "application_id": null,
        "system_channel_id": null, "system_channel_flags": 0, "rules_channel_id": null, "max_members": 500_000,
        "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0,
        "premium_subscription_count": 0, "preferred_locale": "en-US", "public_updates_channel_id": null,
        "nsfw_level": 0, "stickers": [], "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null,
    })
}

/// What `GUILD_CREATE` carries.
pub(super) fn whole_guild(state: &State) -> Value {
    let mut value = guild(state);
    let channels: Vec<Value> =
        state.channels.iter().filter(|c| !c.is_thread() && c.dm.is_none()).map(|c| channel(state, c)).collect();
    let threads: Vec<Value> =
        state.channels.iter().filter(|c| c.is_thread() && !c.archived).map(|c| channel(state, c)).collect();
    // Without the members' intent only the bot itself is listed.
    let more = json!({
        "joined_at": "2024-01-01T00:00:00.000000+00:00", "large": false, "unavailable": false,
        "member_count": state.users.len(), "voice_states": [], "members": [member(state, state.me)],
        "channels": channels, "threads": threads, "presences": [], "stage_instances": [],
        "guild_scheduled_events": [], "soundboard_sounds": [],
    });
    merge(&mut value, more);
    value
}

pub(super) fn channel(state: &State, channel: &Channel) -> Value {
    let last = channel.messages.iter().rev().find(|message| message.ephemeral_to.is_none());
    let last = last.map(|message| message.id.to_string());
    if let Some(user) = channel.dm {
        return json!({
            "id": channel.id.to_string(), "type": 1, "last_message_id": last, "flags": 0,
            "recipients": [user_by_id(state, user)],
        });
    }
    let mut value = json!({
        "id": channel.id.to_string(), "type": channel.kind, "guild_id": state.guild.to_string(), "name": channel.name,
        "last_message_id": last, "rate_limit_per_user": 0, "flags": 0, "parent_id": channel.parent.map(|id| id.to_string()),
        "last_pin_timestamp": channel.pins.first().map(|(_, at)| time(*at)),
    });
    let more = if channel.is_thread() {
        let count = channel.messages.len();
        json!({
            "owner_id": channel.owner.to_string(), "message_count": count, "member_count": 1, "total_message_sent": count,
            "thread_metadata": {
                "archived": channel.archived, "auto_archive_duration": channel.auto_archive, "locked": channel.locked,
                "archive_timestamp": time(state.now), "create_timestamp": time(state.now),
            },
        })
    } else {
        json!({
            "position": channel.position, "permission_overwrites": channel.overwrites, "topic": channel.topic, "nsfw": false,
        })
    };
    merge(&mut value, more);
    value
}

/// A message as REST gives it.
pub(super) fn message(state: &State, message: &Message) -> Value {
    let mentions: Vec<Value> = message.mentions.users.iter().map(|id| user_by_id(state, *id)).collect();
    let roles: Vec<String> = message.mentions.roles.iter().map(u64::to_string).collect();
    let place = state.channel(message.channel);
    let pinned = place.is_some_and(|channel| channel.pins.iter().any(|(id, _)| *id == message.id));
    let mut value = json!({
        "id": message.id.to_string(), "channel_id": message.channel.to_string(),
        "author": user_by_id(state, message.author), "content": message.content, "timestamp": time(message.at),
        "edited_timestamp": message.edited.map(time), "tts": false,
        "mention_everyone": message.mentions.everyone || message.mentions.here, "mentions": mentions, "mention_roles": roles,
        "attachments": [], "embeds": message.embeds, "components": message.components, "pinned": pinned,
        "type": message.kind, "flags": message.flags,
    });
    if !message.reactions.is_empty() {
        let reactions = message.reactions.iter().map(|(emoji, users)| {
            json!({
                "emoji": {"id": null, "name": emoji}, "count": users.len(), "me": users.contains(&state.me), "me_burst": false,
                "burst_colors": [], "count_details": {"burst": 0, "normal": users.len()},
            })
        });
        value["reactions"] = reactions.collect();
    }
    if let Some(reference) = message.reference {
        let source = if message.kind == 21 { place.and_then(|channel| channel.parent) } else { None };
        let source = source.unwrap_or(message.channel);
        let mut of = json!({"type": 0, "channel_id": source.to_string(), "message_id": reference.to_string()});
        if place.is_some_and(|channel| channel.dm.is_none()) {
            of["guild_id"] = json!(state.guild.to_string());
        }
        value["message_reference"] = of;
        if message.kind == 19 {
            let referenced = state.message(source, reference);
            value["referenced_message"] = referenced.map_or(Value::Null, |referenced| {
                // One level only, as Discord does.
                let mut referenced = referenced.clone();
                referenced.reference = None;
                self::message(state, &referenced)
            });
        }
    }
    if message.author == state.me && message.interaction.is_some() {
        value["application_id"] = json!(state.me.to_string());
        value["webhook_id"] = json!(state.me.to_string());
    }
    if let Some(interaction) = message.interaction.and_then(|id| state.interactions.get(&id)) {
        let by = user_by_id(state, interaction.user);
        value["interaction_metadata"] = json!({
            "id": interaction.id.to_string(), "type": interaction.kind, "user": by,
            "authorizing_integration_owners": {"0": state.guild.to_string()},
        });
        if interaction.kind == 2 {
            value["interaction"] = json!({
                "id": interaction.id.to_string(), "type": 2, "name": interaction.name, "user": by,
            });
        }
    }
    if let Some(thread) = message.thread.and_then(|id| state.channel(id)) {
        value["thread"] = channel(state, thread);
    }
    value
}

/// A message as the gateway gives it.
pub(super) fn dispatched(state: &State, message: &Message) -> Value {
    let mut value = created(state, message);
    if state.channel(message.channel).is_some_and(|channel| channel.dm.is_none()) {
        value["guild_id"] = json!(state.guild.to_string());
        if message.interaction.is_none() {
            value["member"] = partial_member(state, message.author);
        }
    }
    value
}

/// A message as the answer to its own creation gives it: only there is the nonce.
pub(super) fn created(state: &State, message: &Message) -> Value {
    let mut value = self::message(state, message);
    if let Some(nonce) = &message.nonce {
        value["nonce"] = nonce.clone();
    }
    value
}

/// Adds the fields of one object to another.
pub(super) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
