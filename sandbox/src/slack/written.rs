//! What the app writes: read from arguments, checked, and put into a channel.
//!
//! What holds: everything the app shows passes through here, so its mentions are counted
//! and its blocks checked wherever it came from.

use serde_json::{Value, json};

use super::blocks;
use super::mentions;
use super::model::{Message, State};
use super::refusal::{Args, Refusal};
use super::{BOT_USER, Notification, SLACKBOT, Slack};

/// Text beyond this is cut off by Slack (docs.slack.dev, "Truncating really long messages").
pub(super) const LONGEST_TEXT: usize = 40_000;
/// The largest metadata, in bytes of JSON.
const METADATA: usize = 16_384;

/// What a message of the app says.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) text: Option<String>,
    pub(super) blocks: Option<Vec<Value>>,
    pub(super) attachments: Option<Vec<Value>>,
    pub(super) metadata: Option<Value>,
    /// Words that `parse` or `link_names` makes mentions of.
    linked: Vec<String>,
}

impl Content {
    /// Reads it from arguments.
    pub(super) fn read(args: &Args, state: &State) -> Result<Content, Refusal> {
        let blocks = match args.json("blocks", "invalid_blocks_format")? {
            Some(blocks) => Some(blocks::message(&blocks)?),
            None => None,
        };
        let attachments = match args.json("attachments", "invalid_attachments")? {
            Some(attachments) => Some(blocks::attachments(&attachments)?),
            None => None,
        };
        let metadata = args.json("metadata", "invalid_metadata_format")?;
        if let Some(metadata) = &metadata {
            check_metadata(metadata)?;
        }
        let text = args.text("text");
        let links = args.word("parse") == "full" || args.flag("link_names");
        let linked = match &text {
            Some(text) if links => {
                let names: Vec<String> = state.people.iter().map(|person| person.name.clone()).collect();
                mentions::linked(text, &names)
            }
            Some(_) | None => Vec::new(),
        };
        Ok(Content { text, blocks, attachments, metadata, linked })
    }

    /// Whether it says nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        let none = |list: &Option<Vec<Value>>| list.as_ref().is_none_or(Vec::is_empty);
        self.text.as_deref().is_none_or(str::is_empty) && none(&self.blocks) && none(&self.attachments)
    }

    /// A message of the app that says it.
    pub(super) fn into_message(self) -> Message {
        let mut text = self.text.unwrap_or_default();
        if let Some((place, _)) = text.char_indices().nth(LONGEST_TEXT) {
            text.truncate(place);
        }
        Message {
            user: BOT_USER.to_owned(),
            text,
            blocks: self.blocks.unwrap_or_default(),
            attachments: self.attachments.unwrap_or_default(),
            metadata: self.metadata,
            ..Message::default()
        }
    }
}

fn check_metadata(metadata: &Value) -> Result<(), Refusal> {
    let Some(object) = metadata.as_object() else { return Err("invalid_metadata_format".into()) };
    let typed = object.get("event_type").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty());
    let only = object.keys().all(|key| matches!(key.as_str(), "event_type" | "event_payload"));
    if !typed || !only || !object.get("event_payload").is_some_and(Value::is_object) {
        return Err("invalid_metadata_format".into());
    }
    if metadata.to_string().len() > METADATA { Err("metadata_too_large".into()) } else { Ok(()) }
}

impl Slack {
    /// Puts a message into a channel, tells the app, and gives back its `ts`.
    pub(super) fn say(&self, state: &mut State, channel: &str, mut message: Message) -> String {
        let ts = state.next_ts(self.now());
        message.ts.clone_from(&ts);
        let in_thread = message.thread_ts.clone().filter(|_| message.ephemeral_to.is_none());
        let seen_by_all = message.ephemeral_to.is_none();
        if let Some(found) = state.channel_mut(channel) {
            found.messages.insert(ts.clone(), message);
            if let Some(parent) = in_thread.and_then(|thread| found.messages.get_mut(&thread)) {
                parent.replies.push(ts.clone());
            }
        }
        if seen_by_all {
            self.tell_of(state, channel, &ts);
        }
        self.changed(channel);
        ts
    }

    /// Writes as the app, and counts whom that notifies.
    pub(super) fn write(
        &self,
        state: &mut State,
        channel: &str,
        content: Content,
        method: &str,
        shape: impl FnOnce(&mut Message),
    ) -> String {
        let linked = content.linked.clone();
        let mut message = content.into_message();
        shape(&mut message);
        let mut mentions = mentions::find(&message.text, &message.blocks, &message.attachments);
        mentions.extend(linked);
        let ts = self.say(state, channel, message);
        notified(state, channel, &ts, method, mentions);
        ts
    }

    /// Changes a message of the app.
    pub(super) fn rewrite(&self, state: &mut State, channel: &str, ts: &str, content: Content, method: &str) {
        let now = state.next_ts(self.now());
        let before = self.as_event(state, channel, ts);
        let linked = content.linked.clone();
        let Some(found) = state.channel_mut(channel) else { return };
        let Some(message) = found.messages.get_mut(ts) else { return };
        // Without new blocks the old ones go if there is a new text; they stay if there is none.
        match (content.blocks, &content.text) {
            (Some(blocks), _) => message.blocks = blocks,
            (None, Some(_)) => message.blocks.clear(),
            (None, None) => {}
        }
        if let Some(text) = content.text {
            message.text = text;
        }
        if let Some(attachments) = content.attachments {
            message.attachments = attachments;
        }
        if let Some(metadata) = content.metadata {
            message.metadata = Some(metadata);
        }
        if message.blocks.is_empty() {
            // A message of blocks shows no mark of having been edited.
            message.edited = Some((BOT_USER.to_owned(), now.clone()));
        }
        let mut mentions = mentions::find(&message.text, &message.blocks, &message.attachments);
        mentions.extend(linked);
        let seen_by_all = message.ephemeral_to.is_none();
        notified(state, channel, ts, method, mentions);
        if seen_by_all {
            self.tell_of_change(state, channel, ts, &before, &now);
        }
        self.changed(channel);
    }

    /// Shows one person a line of Slackbot's.
    pub(super) fn slackbot(&self, state: &mut State, channel: &str, user: &str, text: &str) {
        let message = Message {
            user: SLACKBOT.to_owned(),
            text: text.to_owned(),
            ephemeral_to: Some(user.to_owned()),
            ..Message::default()
        };
        self.say(state, channel, message);
    }

    /// Says what somebody did to the channel, as Slack does in it.
    pub(super) fn announce(&self, state: &mut State, channel: &str, user: &str, subtype: &str, text: &str) {
        let message = Message {
            user: user.to_owned(),
            subtype: Some(subtype.to_owned()),
            text: text.to_owned(),
            ..Message::default()
        };
        self.say(state, channel, message);
    }

    /// Takes a message away.
    pub(super) fn remove(&self, state: &mut State, channel: &str, ts: &str) {
        let now = state.next_ts(self.now());
        let before = self.as_event(state, channel, ts);
        let Some(found) = state.channel_mut(channel) else { return };
        let kind = found.kind();
        let Some(message) = found.messages.get_mut(ts) else { return };
        message.deleted = true;
        let seen_by_all = message.ephemeral_to.is_none();
        found.pins.retain(|pin| pin.ts != ts);
        let event = json!({
            "type": "message", "subtype": "message_deleted", "hidden": true, "channel": channel, "channel_type": kind,
            "ts": now, "event_ts": now, "deleted_ts": ts, "previous_message": before,
        });
        if seen_by_all {
            self.emit_in(state, channel, event);
        }
        self.changed(channel);
    }

    /// A message as an event's part.
    pub(super) fn as_event(&self, state: &State, channel: &str, ts: &str) -> Value {
        let Some(found) = state.channel(channel) else { return Value::Null };
        let Some(message) = found.messages.get(ts) else { return Value::Null };
        let mut json = message.json(found);
        if !message.is_bots() && message.subtype.is_none() && message.blocks.is_empty() {
            json["client_msg_id"] =
                json!(format!("00000000-0000-4000-a000-{:0>12}", ts.replace('.', "").get(4..).unwrap_or("0")));
            json["blocks"] = json!([{
                "type": "rich_text", "block_id": "typed",
                "elements": [{ "type": "rich_text_section", "elements": [{ "type": "text", "text": message.text }] }],
            }]);
        }
        if message.metadata.is_some() {
            json["metadata"] = json!(message.metadata);
        }
        json
    }

    fn tell_of(&self, state: &mut State, channel: &str, ts: &str) {
        let mut event = self.as_event(state, channel, ts);
        let Some(found) = state.channel(channel) else { return };
        event["channel"] = json!(channel);
        event["channel_type"] = json!(found.kind());
        event["event_ts"] = json!(ts);
        let mention = format!("<@{BOT_USER}>");
        let typed = found.messages.get(ts).is_some_and(|message| !message.is_bots() && message.subtype.is_none());
        let calls = typed && found.im.is_none() && super::word(&event, "/text").contains(&mention);
        self.emit_in(state, channel, event.clone());
        if calls {
            event["type"] = json!("app_mention");
            if let Some(event) = event.as_object_mut() {
                event.remove("channel_type");
            }
            self.emit_in(state, channel, event);
        }
    }

    /// Tells the app that a message is not what it was.
    pub(super) fn tell_of_change(&self, state: &mut State, channel: &str, ts: &str, before: &Value, now: &str) {
        let message = self.as_event(state, channel, ts);
        let kind = state.channel(channel).map_or("channel", |channel| channel.kind());
        let event = json!({
            "type": "message", "subtype": "message_changed", "hidden": true, "channel": channel, "channel_type": kind,
            "ts": now, "event_ts": now, "message": message, "previous_message": before,
        });
        self.emit_in(state, channel, event);
    }
}

fn notified(state: &mut State, channel: &str, ts: &str, method: &str, mentions: Vec<String>) {
    let all = mentions.into_iter().map(|mention| Notification {
        channel: channel.to_owned(),
        ts: ts.to_owned(),
        mention,
        method: method.to_owned(),
    });
    state.notifications.extend(all);
}
