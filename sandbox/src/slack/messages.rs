//! `chat.*`, and reading messages.

use serde_json::{Value, json};

use super::model::{Channel, Message, State};
use super::refusal::{Answer, Args, Refusal, page};
use super::written::{Content, LONGEST_TEXT};
use super::{BOT_USER, Slack};

impl Slack {
    pub(super) fn post_message(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let channel = self.target(state, &args.word("channel"))?;
        let content = Content::read(args, state)?;
        if content.is_empty() {
            return Err("no_text".into());
        }
        let place = writable(state, &channel)?;
        if place.restricted {
            return Err("restricted_action_read_only_channel".into());
        }
        if place.forbidden {
            return Err("restricted_action".into());
        }
        let thread_ts = thread(state, &channel, args)?;
        let icon = |name: &str, key: &str| args.text(name).map(|value| json!({ key: value }));
        let ts = self.write(state, &channel, content, "chat.postMessage", |message| {
            message.broadcast = thread_ts.is_some() && args.flag("reply_broadcast");
            message.thread_ts = thread_ts;
            message.username = args.text("username").filter(|name| !name.is_empty());
            message.icons = icon("icon_emoji", "emoji").or_else(|| icon("icon_url", "image_48"));
        });
        let message = self.as_event(state, &channel, &ts);
        Ok(json!({ "channel": channel, "ts": ts, "message": message }))
    }

    pub(super) fn update(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let (channel, ts) = (args.word("channel"), args.word("ts"));
        let content = Content::read(args, state)?;
        readable(state, &channel)?;
        let found = state.message(&channel, &ts).ok_or("message_not_found")?;
        if !found.is_bots() {
            return Err("cant_update_message".into());
        }
        if state.channel(&channel).is_some_and(|channel| channel.archived) {
            return Err("is_archived".into());
        }
        if content.text.as_deref().is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
            return Err("msg_too_long".into());
        }
        if content.text.is_none() && content.blocks.is_none() && content.attachments.is_none() {
            return Err("no_text".into());
        }
        self.rewrite(state, &channel, &ts, content, "chat.update");
        let message = self.as_event(state, &channel, &ts);
        let text = message["text"].clone();
        Ok(json!({ "channel": channel, "ts": ts, "text": text, "message": message }))
    }

    pub(super) fn delete(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let (channel, ts) = (args.word("channel"), args.word("ts"));
        readable(state, &channel)?;
        let message = state.message(&channel, &ts).ok_or("message_not_found")?;
        if !message.is_bots() {
            return Err("cant_delete_message".into());
        }
        self.remove(state, &channel, &ts);
        Ok(json!({ "channel": channel, "ts": ts }))
    }

    pub(super) fn post_ephemeral(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let (channel, user) = (args.word("channel"), args.word("user"));
        let content = Content::read(args, state)?;
        if content.is_empty() {
            return Err("no_text".into());
        }
        writable(state, &channel)?;
        if !state.channel(&channel).is_some_and(|channel| channel.has(&user)) {
            return Err("user_not_in_channel".into());
        }
        let thread_ts = thread(state, &channel, args)?;
        let ts = self.write(state, &channel, content, "chat.postEphemeral", |message| {
            message.thread_ts = thread_ts;
            message.ephemeral_to = Some(user);
            message.username = args.text("username").filter(|name| !name.is_empty());
        });
        Ok(json!({ "message_ts": ts }))
    }

    pub(super) fn get_permalink(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let (channel, ts) = (args.word("channel"), args.word("message_ts"));
        visible(state, &channel)?;
        state.message(&channel, &ts).ok_or("message_not_found")?;
        Ok(json!({ "channel": channel, "permalink": self.permalink(&channel, &ts) }))
    }

    pub(super) fn history(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let channel = readable(state, &args.word("channel"))?;
        let limit = args.limit(100, 999)?;
        let range = Range::read(args)?;
        let shown = |message: &&Message| {
            let there = !message.deleted || !message.replies.is_empty();
            there && message.in_channel() && message.ephemeral_to.is_none() && range.holds(&message.ts)
        };
        let found: Vec<&Message> = channel.messages.values().rev().filter(shown).collect();
        let (found, next) = page(found, args, limit)?;
        let messages: Vec<Value> = found.into_iter().map(|message| with_metadata(message, channel, args)).collect();
        let mut answer = json!({
            "messages": messages, "has_more": !next.is_empty(), "pin_count": channel.pins.len(),
            "channel_actions_ts": null, "channel_actions_count": 0,
        });
        if !next.is_empty() {
            answer["response_metadata"] = json!({ "next_cursor": next });
        }
        Ok(answer)
    }

    pub(super) fn replies(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let channel = readable(state, &args.word("channel"))?;
        let limit = args.limit(1000, 1000)?;
        let range = Range::read(args)?;
        let asked = channel.messages.get(&args.word("ts")).filter(|message| message.ephemeral_to.is_none());
        let asked = asked.ok_or("thread_not_found")?;
        let root = asked.thread_ts.as_ref().and_then(|thread| channel.messages.get(thread)).unwrap_or(asked);
        if root.deleted && root.replies.is_empty() {
            return Err("thread_not_found".into());
        }
        let replies = root.replies.iter().filter_map(|ts| channel.messages.get(ts));
        let replies = replies.filter(|message| !message.deleted && range.holds(&message.ts));
        // The first message comes with every page, whatever the range.
        let (found, next) = page(replies.collect(), args, limit)?;
        let all = std::iter::once(root).chain(found);
        let messages: Vec<Value> = all.map(|message| with_metadata(message, channel, args)).collect();
        let mut answer = json!({ "messages": messages, "has_more": !next.is_empty() });
        if !next.is_empty() {
            answer["response_metadata"] = json!({ "next_cursor": next });
        }
        Ok(answer)
    }

    /// Where a message shall go: a channel's id or name, or a person for the direct conversation.
    fn target(&self, state: &mut State, which: &str) -> Result<String, Refusal> {
        if which.starts_with('U') && state.people.iter().any(|person| person.id == which) {
            return Ok(state.direct(which, self.now()));
        }
        let id = state.channel_id(which).ok_or("channel_not_found")?;
        visible(state, &id)?;
        Ok(id)
    }
}

/// The channel, unless the bot can't know of it.
pub(super) fn visible<'a>(state: &'a State, id: &str) -> Result<&'a Channel, Refusal> {
    let channel = state.channel(id).ok_or("channel_not_found")?;
    let hidden = (channel.private || channel.im.is_some()) && !channel.has(BOT_USER);
    if hidden { Err("channel_not_found".into()) } else { Ok(channel) }
}

/// The channel, if the bot is in it.
pub(super) fn readable<'a>(state: &'a State, id: &str) -> Result<&'a Channel, Refusal> {
    let channel = visible(state, id)?;
    if channel.has(BOT_USER) { Ok(channel) } else { Err("not_in_channel".into()) }
}

/// The channel, if the bot can write to it.
pub(super) fn writable<'a>(state: &'a State, id: &str) -> Result<&'a Channel, Refusal> {
    if visible(state, id)?.archived {
        return Err("is_archived".into());
    }
    readable(state, id)
}

fn thread(state: &State, channel: &str, args: &Args) -> Result<Option<String>, Refusal> {
    let Some(ts) = args.text("thread_ts").filter(|ts| !ts.is_empty()) else { return Ok(None) };
    let root = state.channel(channel).and_then(|channel| channel.messages.get(&ts));
    match root {
        None => Err("thread_not_found".into()),
        Some(root) if root.ephemeral_to.is_some() || (root.deleted && root.replies.is_empty()) => {
            Err("thread_not_found".into())
        }
        Some(root) if root.thread_ts.is_some() || root.subtype.is_some() => Err("cannot_reply_to_message".into()),
        Some(_) => Ok(Some(ts)),
    }
}

fn with_metadata(message: &Message, channel: &Channel, args: &Args) -> Value {
    let mut json = message.json(channel);
    if args.flag("include_all_metadata") && message.metadata.is_some() && !message.deleted {
        json["metadata"] = json!(message.metadata);
    }
    json
}

/// Which messages are asked for.
struct Range {
    oldest: String,
    latest: Option<String>,
    inclusive: bool,
}

impl Range {
    fn read(args: &Args) -> Result<Range, Refusal> {
        let ts = |name: &str, error: &str| match args.text(name).filter(|ts| !ts.is_empty()) {
            None => Ok(None),
            Some(ts) => match ts.parse::<f64>() {
                // Padded as every `ts` is, so that they compare as text.
                Ok(_) => {
                    let (seconds, micros) = ts.split_once('.').unwrap_or((&ts, ""));
                    Ok(Some(format!("{seconds:0>10}.{micros:0<6}")))
                }
                Err(_) => Err(Refusal::from(error)),
            },
        };
        Ok(Range {
            oldest: ts("oldest", "invalid_ts_oldest")?.unwrap_or_default(),
            latest: ts("latest", "invalid_ts_latest")?,
            inclusive: args.flag("inclusive"),
        })
    }

    fn holds(&self, ts: &str) -> bool {
        let latest = self.latest.as_deref();
        let edge = self.oldest == ts || latest == Some(ts);
        let inside = ts > self.oldest.as_str() && latest.is_none_or(|latest| ts < latest);
        let within = ts >= self.oldest.as_str() && latest.is_none_or(|latest| ts <= latest);
        if edge { self.inclusive && within } else { inside }
    }
}
