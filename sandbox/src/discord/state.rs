//! Everything that is on the server, and how it is found and changed.
//!
//! What holds: ids are snowflakes of the model's time, unique and increasing; every change
//! is told to [`State::changed`], so that pages and waiting callers look again.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

use super::interactions::Interaction;
use super::rates::Rates;
use super::session::Gateway;
use super::{Notification, Request};
use crate::{Change, Config};

/// Snowflakes count milliseconds from the first of January 2015.
const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;
/// When the server was made: 2025-01-01 UTC.
const BEGINNING: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// How many calls are remembered.
const REQUESTS: usize = 20_000;

pub(super) struct State {
    pub(super) now: Timestamp,
    /// The bot's user id, and its application's.
    pub(super) me: u64,
    /// The server's id, and its `@everyone` role's.
    pub(super) guild: u64,
    /// The role that came with the bot.
    pub(super) bot_role: u64,
    pub(super) users: Vec<User>,
    pub(super) channels: Vec<Channel>,
    pub(super) commands: Vec<Value>,
    /// When commands were created, for the limit of 200 a day.
    pub(super) command_creations: Vec<Timestamp>,
    pub(super) interactions: HashMap<u64, Interaction>,
    /// Those without an answer that have not failed yet.
    pub(super) waiting: Vec<u64>,
    pub(super) forms: Vec<OpenForm>,
    pub(super) forbidden: u64,
    pub(super) closed_to_messages: Vec<u64>,
    pub(super) gateway: Gateway,
    /// How many times the bot's token was reset and renewed.
    pub(super) renewed: u32,
    pub(super) rates: Rates,
    pub(super) requests: VecDeque<Request>,
    pub(super) unexpected: Vec<String>,
    pub(super) notifications: Vec<Notification>,
    pub(super) missing_allowed_mentions: Vec<String>,
    last_id: u64,
    changes: broadcast::Sender<Change>,
    version: watch::Sender<u64>,
}

pub(super) struct User {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) display: String,
    pub(super) bot: bool,
}

/// A text channel (type 0), direct channel (1), category (4) or public thread (11).
pub(super) struct Channel {
    pub(super) id: u64,
    pub(super) kind: u8,
    pub(super) name: String,
    pub(super) topic: Option<String>,
    pub(super) parent: Option<u64>,
    pub(super) position: usize,
    pub(super) overwrites: Vec<Value>,
    /// Threads only.
    pub(super) archived: bool,
    /// Threads only: nobody but moderators may write or unarchive.
    pub(super) locked: bool,
    /// Threads only: minutes.
    pub(super) auto_archive: u64,
    pub(super) owner: u64,
    /// With whom, for a direct channel.
    pub(super) dm: Option<u64>,
    /// Pinned messages with the time, the newest pin first.
    pub(super) pins: Vec<(u64, Timestamp)>,
    pub(super) messages: Vec<Message>,
}

#[derive(Clone)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) channel: u64,
    pub(super) author: u64,
    /// 0 plain, 6 pin, 18 thread made, 19 reply, 20 answer to a command, 21 thread starter, 23 answer to a menu command.
    pub(super) kind: u8,
    pub(super) content: String,
    pub(super) embeds: Vec<Value>,
    pub(super) components: Vec<Value>,
    pub(super) flags: u64,
    pub(super) at: Timestamp,
    pub(super) edited: Option<Timestamp>,
    pub(super) reactions: Vec<(String, Vec<u64>)>,
    pub(super) mentions: Mentions,
    /// The message that it replies to or tells of.
    pub(super) reference: Option<u64>,
    pub(super) nonce: Option<Value>,
    pub(super) ephemeral_to: Option<u64>,
    /// The interaction that it answers.
    pub(super) interaction: Option<u64>,
    pub(super) thread: Option<u64>,
}

/// Whom a message mentions with effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    pub(super) users: Vec<u64>,
    pub(super) roles: Vec<u64>,
    pub(super) everyone: bool,
    pub(super) here: bool,
}

/// A form that a person has before them.
pub(super) struct OpenForm {
    pub(super) user: u64,
    pub(super) channel: u64,
    /// The message whose button opened it.
    pub(super) message: Option<u64>,
    pub(super) modal: Value,
}

/// Kinds of channels: those with text, and those that hold others.
pub(super) const TEXT: u8 = 0;
pub(super) const CATEGORY: u8 = 4;

/// Loading state of a deferred answer.
pub(super) const LOADING: u64 = 1 << 7;
/// Only the person of the interaction sees it.
pub(super) const EPHEMERAL: u64 = 1 << 6;
/// Components V2.
pub(super) const COMPONENTS_V2: u64 = 1 << 15;

impl Channel {
    pub(super) fn is_thread(&self) -> bool {
        self.kind == 11
    }

    pub(super) fn message(&self, id: u64) -> Option<&Message> {
        self.messages.iter().find(|message| message.id == id)
    }

    pub(super) fn message_mut(&mut self, id: u64) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.id == id)
    }
}

impl State {
    pub(super) fn new(
        now: Timestamp,
        config: &Config,
        changes: broadcast::Sender<Change>,
        version: watch::Sender<u64>,
    ) -> State {
        let mut state = State {
            now,
            me: 0,
            guild: 0,
            bot_role: 0,
            users: Vec::new(),
            channels: Vec::new(),
            commands: Vec::new(),
            command_creations: Vec::new(),
            interactions: HashMap::new(),
            waiting: Vec::new(),
            forms: Vec::new(),
            forbidden: 0,
            closed_to_messages: Vec::new(),
            gateway: Gateway::new(config.rate_limits),
            renewed: 0,
            rates: Rates::new(config.rate_limits),
            requests: VecDeque::new(),
            unexpected: Vec::new(),
            notifications: Vec::new(),
            missing_allowed_mentions: Vec::new(),
            last_id: 0,
            changes,
            version,
        };
        // What is there from the start has the same ids at every start, so that a configuration stays good.
        state.now = BEGINNING;
        state.guild = state.next_id();
        state.me = state.next_id();
        state.bot_role = state.next_id();
        let bot = User { id: state.me, name: "muster".to_owned(), display: "Muster".to_owned(), bot: true };
        state.users.push(bot);
        for person in &config.people {
            let name = person.to_lowercase();
            let mut letters = name.chars();
            let display = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            let id = state.next_id();
            state.users.push(User { id, name, display, bot: false });
        }
        for name in &config.channels {
            let id = state.next_id();
            let channel = state.new_channel(id, 0, name);
            state.channels.push(channel);
        }
        state.now = now;
        state
    }

    /// Moves the model's time on and lets what is overdue fail.
    pub(super) fn at(&mut self, now: Timestamp) {
        self.now = now;
        self.fail_overdue();
    }

    /// A snowflake of now.
    pub(super) fn next_id(&mut self) -> u64 {
        let ms = u64::try_from(self.now.as_millisecond() - DISCORD_EPOCH_MS).unwrap_or(0);
        self.last_id = (ms << 22).max(self.last_id + 1);
        self.last_id
    }

    /// A channel with nothing in it, not on the server yet.
    pub(super) fn new_channel(&self, id: u64, kind: u8, name: &str) -> Channel {
        Channel {
            id,
            kind,
            name: name.to_owned(),
            topic: None,
            parent: None,
            position: self.channels.len(),
            overwrites: Vec::new(),
            archived: false,
            locked: false,
            auto_archive: 4320,
            owner: self.me,
            dm: None,
            pins: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// A message with nothing in it, not in its channel yet.
    pub(super) fn new_message(&mut self, channel: u64, author: u64) -> Message {
        Message {
            id: self.next_id(),
            channel,
            author,
            kind: 0,
            content: String::new(),
            embeds: Vec::new(),
            components: Vec::new(),
            flags: 0,
            at: self.now,
            edited: None,
            reactions: Vec::new(),
            mentions: Mentions::default(),
            reference: None,
            nonce: None,
            ephemeral_to: None,
            interaction: None,
            thread: None,
        }
    }

    /// Tells everybody who looks that something in a channel has changed.
    pub(super) fn changed(&self, channel: u64) {
        let channel = if channel == 0 { String::new() } else { channel.to_string() };
        let _ = self.changes.send(Change { platform: "discord", channel });
        self.version.send_modify(|version| *version += 1);
    }

    pub(super) fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// By user name or id.
    pub(super) fn find_user(&self, name: &str) -> Option<&User> {
        let lower = name.to_lowercase();
        self.users.iter().find(|user| user.name == lower || user.id.to_string() == name)
    }

    pub(super) fn channel(&self, id: u64) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    pub(super) fn channel_mut(&mut self, id: u64) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    /// By name or id. Names are not unique on Discord; the oldest is meant.
    pub(super) fn find_channel(&self, name: &str) -> Option<&Channel> {
        let name = name.strip_prefix('#').unwrap_or(name);
        let id = self.channels.iter().find(|channel| channel.id.to_string() == name);
        id.or_else(|| self.channels.iter().find(|channel| channel.name == name && channel.dm.is_none()))
    }

    pub(super) fn message(&self, channel: u64, id: u64) -> Option<&Message> {
        self.channel(channel)?.message(id)
    }

    pub(super) fn message_mut(&mut self, channel: u64, id: u64) -> Option<&mut Message> {
        self.channel_mut(channel)?.message_mut(id)
    }

    /// Keeps a call for [`super::Discord::requests`].
    pub(super) fn log(&mut self, request: Request) {
        if self.requests.len() == REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }
}
