//! One atomic write: events, changes to the outbox, deliveries.

use std::sync::Arc;

use integrations::chat::socket::Session;
use jiff::Timestamp;
use operations::effect::Effect;
use operations::ids::ChannelId;
use operations::journal::Hash;
use serde::{Deserialize, Serialize};

/// An open effect, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The effect's identity, decided once.
    pub key: Arc<str>,
    /// Rises whenever the effect is asked for again: an outcome of an older one does not close it.
    pub generation: u64,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// Whether it goes before its like: it shows a card that nobody has seen yet, or what a person has just done.
    pub ahead: bool,
    /// The channel that it goes to, where that was known: what goes to one channel goes in order.
    #[serde(default)]
    pub channel: Option<ChannelId>,
    /// What is to be done.
    pub effect: Effect,
}

/// A change to the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// An effect is open. A later one with the same key replaces it.
    Put(Arc<Row>),
    /// The effect with this key ended.
    Done(Arc<str>),
    /// The outcome of an earlier attempt is recorded; the effect was asked for again meanwhile and is still open.
    Recorded(Arc<str>),
}

/// What is committed together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The number of the first event.
    pub first: u64,
    /// The events as lines of JSON, each ended by a line feed.
    pub lines: Vec<u8>,
    /// Where each line ends in `lines`, and the hash after it.
    pub ends: Vec<(usize, Hash)>,
    /// What becomes of effects, in order.
    pub changes: Vec<Change>,
    /// Deliveries that were taken.
    pub deliveries: Vec<(Arc<str>, Timestamp)>,
    /// Deliveries that need not be remembered any longer.
    pub forgotten: Vec<Arc<str>>,
    /// Where the Discord session can be resumed from now on.
    pub session: Option<Session>,
}

impl Batch {
    /// Nothing yet; the next event has this number.
    #[must_use]
    pub fn new(first: u64) -> Batch {
        Batch {
            first,
            lines: Vec::new(),
            ends: Vec::new(),
            changes: Vec::new(),
            deliveries: Vec::new(),
            forgotten: Vec::new(),
            session: None,
        }
    }

    /// Adds an event's line, without a line feed, and the hash after it.
    pub fn push(&mut self, line: &[u8], hash: Hash) {
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        self.ends.push((self.lines.len(), hash));
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
            && self.changes.is_empty()
            && self.deliveries.is_empty()
            && self.forgotten.is_empty()
            && self.session.is_none()
    }

    /// The number of the last event so far.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first + self.ends.len() as u64 - 1
    }
}
