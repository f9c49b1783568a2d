//! Everything that people see, for the page.

use serde_json::{Value, json};

use super::state::{Channel, Message, State};

/// The server as people see it.
pub(super) fn view(state: &State) -> Value {
    let person =
        |user: &super::state::User| json!({"id": user.id.to_string(), "name": user.name, "display": user.display});
    let people: Vec<Value> = state.users.iter().filter(|user| !user.bot).map(person).collect();
    let bot = state.user(state.me).map(|user| json!({"id": user.id.to_string(), "name": user.display}));
    let commands: Vec<Value> =
        state.commands.iter().map(|it| json!({"name": it["name"], "description": it["description"]})).collect();
    let forms: Vec<Value> =
        state.forms.iter().map(|form| json!({"user": form.user.to_string(), "modal": form.modal})).collect();
    json!({
        "platform": "discord", "name": "Discord sandbox", "bot": bot, "people": people, "commands": commands, "forms": forms,
        "channels": state.channels.iter().map(|it| channel(state, it)).collect::<Vec<_>>(),
    })
}

fn channel(state: &State, it: &Channel) -> Value {
    json!({
        "id": it.id.to_string(), "name": it.name, "topic": it.topic, "type": it.kind, "archived": it.archived,
        "parent_id": it.parent.map(|id| id.to_string()), "dm": it.dm.map(|id| id.to_string()),
        "pins": it.pins.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>(),
        "messages": it.messages.iter().map(|message| self::message(state, message)).collect::<Vec<_>>(),
    })
}

fn message(state: &State, it: &Message) -> Value {
    let author = state.user(it.author);
    let reactions: Vec<Value> = it
        .reactions
        .iter()
        .map(|(emoji, users)| json!({"emoji": emoji, "users": users.iter().map(u64::to_string).collect::<Vec<_>>()}))
        .collect();
    let content = match it.kind {
        6 => format!("{} pinned a message to this channel.", author.map_or("Somebody", |user| user.display.as_str())),
        _ => it.content.clone(),
    };
    json!({
        "id": it.id.to_string(), "content": content, "embeds": it.embeds, "components": it.components, "type": it.kind,
        "author": author.map(|user| json!({"id": user.id.to_string(), "name": user.display, "bot": user.bot})),
        "edited": it.edited.is_some(), "reactions": reactions, "ephemeral_to": it.ephemeral_to.map(|id| id.to_string()),
        "link": format!("https://discord.com/channels/{}/{}/{}", state.guild, it.channel, it.id),
        "reference": it.reference.map(|id| id.to_string()), "thread": it.thread.map(|id| id.to_string()),
    })
}
