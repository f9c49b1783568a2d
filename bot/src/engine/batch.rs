//! A batch while it is being put together.

use std::sync::Arc;

use integrations::chat::socket::Session;
use jiff::Timestamp;
use operations::journal::{Hash, Record};

use super::commit::Work;
use super::{Change, Release};
use crate::store::Batch;

/// What the inputs taken together have led to so far.
pub(super) struct Building {
    batch: Batch,
    releases: Vec<Release>,
}

impl Building {
    pub(super) fn new(first: u64) -> Building {
        Building { batch: Batch::new(first), releases: Vec::new() }
    }

    /// Adds a record's line; gives back the hash that the chain has then.
    pub(super) fn record(&mut self, record: &Record, before: Hash) -> Hash {
        let start = self.batch.lines.len();
        // A record is made of strings, numbers and maps with string keys: it can always be written as JSON,
        // and a vector takes whatever is written to it.
        let written = serde_json::to_writer(&mut self.batch.lines, record);
        debug_assert!(written.is_ok(), "a record can always be written");
        let hash = before.then(&self.batch.lines[start..]);
        self.batch.lines.push(b'\n');
        self.batch.ends.push((self.batch.lines.len(), hash));
        hash
    }

    pub(super) fn change(&mut self, change: Change) {
        self.batch.changes.push(change);
    }

    pub(super) fn delivery(&mut self, delivery: Arc<str>, at: Timestamp) {
        self.batch.deliveries.push((delivery, at));
    }

    pub(super) fn forget(&mut self, delivery: Arc<str>) {
        self.batch.forgotten.push(delivery);
    }

    pub(super) fn session(&mut self, session: Option<Session>) {
        self.batch.session = session;
    }

    pub(super) fn release(&mut self, release: Release) {
        self.releases.push(release);
    }

    pub(super) fn done(self) -> Work {
        Work { batch: self.batch, releases: self.releases, snapshot: None }
    }
}
