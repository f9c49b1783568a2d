//! What people see, as one JSON value for the page and for tests.

use serde_json::{Value, json};

use super::model::{Channel, Message, State};
use super::{BOT_NAME, BOT_USER, Slack};

impl Slack {
    /// Everything that people see: channels with their messages in order, ephemeral ones marked
    /// by `ephemeral_to`, direct conversations marked by `im`, and open forms.
    pub fn view(&self) -> Value {
        let state = &*self.lock();
        let people: Vec<Value> = state
            .people
            .iter()
            .map(|person| json!({ "id": person.id, "name": person.name, "real_name": person.real_name }))
            .collect();
        let channels: Vec<Value> = state.channels.iter().map(|channel| self.channel_view(state, channel)).collect();
        let form = |form: &super::forms::Form| json!({ "user": form.user, "view": form.view, "errors": form.errors });
        json!({
            "platform": "slack", "name": "Slack sandbox", "bot": { "id": BOT_USER, "name": BOT_NAME }, "people": people,
            "channels": channels, "forms": state.forms.iter().map(form).collect::<Vec<_>>(),
            "commands": state.commands, "sockets": state.wire.open.len(),
        })
    }

    fn channel_view(&self, state: &State, channel: &Channel) -> Value {
        let messages: Vec<Value> =
            channel.messages.values().map(|message| self.message_view(state, channel, message)).collect();
        let name = match &channel.im {
            Some(user) => format!("@{}", state.user_name(user)),
            None => channel.name.clone(),
        };
        json!({
            "id": channel.id, "name": name, "topic": channel.topic, "purpose": channel.purpose,
            "archived": channel.archived, "private": channel.private, "im": channel.im, "members": channel.members,
            "pins": channel.pins.iter().map(|pin| &pin.ts).collect::<Vec<_>>(), "bookmarks": channel.bookmarks,
            "messages": messages,
        })
    }

    fn message_view(&self, state: &State, channel: &Channel, message: &Message) -> Value {
        let reaction = |(name, users): &(String, Vec<String>)| json!({ "name": name, "users": users });
        json!({
            "ts": message.ts, "user": message.user,
            "username": message.username.clone().unwrap_or_else(|| state.user_name(&message.user)),
            "subtype": message.subtype, "text": message.text, "blocks": message.blocks, "attachments": message.attachments,
            "edited": message.edited.is_some(), "thread_ts": message.thread_ts, "broadcast": message.broadcast,
            "reply_count": message.replies.len(), "reactions": message.reactions.iter().map(reaction).collect::<Vec<_>>(),
            "ephemeral_to": message.ephemeral_to, "permalink": self.permalink(&channel.id, &message.ts),
            "deleted": message.deleted,
        })
    }
}
