//! One atomic write: events, effects, outcomes, deliveries.

use integrations::chat::socket::Session;
use jiff::Timestamp;
use operations::journal::Hash;

use super::Row;

/// What is committed together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The number of the first event.
    pub first: u64,
    /// The events as lines of JSON, each ended by a line feed.
    pub lines: Vec<u8>,
    /// Where each line ends in `lines`.
    pub ends: Vec<(usize, Hash)>,
    /// Effects that were asked for, by key. A later one replaces an earlier one.
    pub put: Vec<(String, Row)>,
    /// Effects that ended, by key. Taken away before `put` is added.
    pub done: Vec<String>,
    /// Deliveries that were taken.
    pub deliveries: Vec<(String, Timestamp)>,
    /// Deliveries that need not be remembered any longer.
    pub forgotten: Vec<String>,
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
            put: Vec::new(),
            done: Vec::new(),
            deliveries: Vec::new(),
            forgotten: Vec::new(),
            session: None,
        }
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
            && self.put.is_empty()
            && self.done.is_empty()
            && self.deliveries.is_empty()
            && self.forgotten.is_empty()
            && self.session.is_none()
    }
}
