//! Where the journal and the outbox live on disk.
//!
//! [`Store`] is small: open, commit one atomic batch, read the journal. It blocks, and the
//! engine calls it from a thread of its own. What holds: when [`Store::commit`] returns,
//! the batch is on disk whole; if it fails, nothing more is committed.

mod archive;
pub mod ballast;
mod batch;
pub mod disk;
pub mod files;
mod frame;
mod history;
pub mod lock;
mod names;
mod scan;
#[cfg(test)]
pub(crate) mod sim;
pub mod snapshot;
#[cfg(test)]
mod tests;
pub mod witness;

use std::sync::Arc;

use integrations::chat::socket::Session;
use jiff::Timestamp;
use operations::journal::Hash;
use operations::state::State;

pub use self::batch::{Batch, Change, Row};
use self::files::open_log;
pub use self::snapshot::Snapshot;

/// Why the store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else uses the directory.
    #[error("{0}")]
    Held(lock::Held),
    /// There is no journal to be read.
    #[error(
        "there is no journal in {0}. Name the directory that `data_dir` in muster.toml names, with --data or --config"
    )]
    Missing(String),
    /// The disk or the file system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was written before the journal had its present form.
    #[error(
        "{0} was written by a Muster from before version 0.1. Export it with that one, and import it into an empty directory"
    )]
    Older(String),
    /// What was read is not what was written.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    /// The key for checkpoints is none.
    #[error(
        "{0} is no Ed25519 key in PKCS#8. Put back a copy of it, or move it away: then Muster makes a new one, which \
         `muster journal verify` is to be told with --key"
    )]
    Key(String),
    /// It is as it was written, but there is something in it that this Muster does not know.
    #[error(
        "{0}, though it is as it was written. Probably a newer Muster wrote it: use the one that did, or a newer one"
    )]
    Unknown(String),
    /// It was written by a newer Muster.
    #[error(
        "this journal has format {found}; this Muster reads up to {known}. Use the Muster that wrote it, or a newer one"
    )]
    Newer {
        /// What was found.
        found: u32,
        /// What is known here.
        known: u32,
    },
}

impl StoreError {
    /// What is just as it was written can't be read.
    pub(crate) fn unknown(what: &str, error: &serde_json::Error) -> StoreError {
        let error = error.to_string();
        // All the kinds that are known would follow.
        let why = error.split(", expected").next().unwrap_or(&error);
        StoreError::Unknown(format!("{what} can't be read by this Muster ({why})"))
    }

    /// Names what was tried when the system refused.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> StoreError {
        let what = what.into();
        move |source| StoreError::Io { what, source }
    }
}

/// What was found when the store was opened.
#[derive(Debug, Default)]
pub struct Found {
    /// The open effects, in the order in which they were asked for.
    pub rows: Vec<Arc<Row>>,
    /// Deliveries that were taken, and when, the oldest first.
    pub deliveries: Vec<(Arc<str>, Timestamp)>,
    /// Where the Discord session can be resumed.
    pub session: Option<Session>,
    /// The state at the newest snapshot, and the hash after its last event.
    pub state: Option<(State, Hash)>,
}

/// An event as it stands in the journal.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its number.
    pub seq: u64,
    /// The bytes that were hashed.
    pub bytes: &'a [u8],
    /// The hash after it, as it was written.
    pub hash: Hash,
    /// The file that it stands in.
    pub file: &'a str,
}

/// Takes events, one after another.
pub type Take<'a> = dyn FnMut(Line<'_>) -> Result<(), StoreError> + 'a;

/// A journal and an outbox on disk.
pub trait Store: Send {
    /// Gives everything but the journal, once.
    ///
    /// # Errors
    /// What can't be read.
    fn found(&mut self) -> Result<Found, StoreError>;

    /// Reads the events from `from` on, in order.
    ///
    /// # Errors
    /// What can't be read, or what `take` refuses.
    fn read(&self, from: u64, take: &mut Take<'_>) -> Result<(), StoreError>;

    /// Puts a batch on disk, whole or not at all.
    ///
    /// # Errors
    /// What the disk refused. The store must not be used any more then.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Keeps what everything committed so far comes to, so that the next start is quick; beside what is committed from
    /// now on. Where one is still being kept, this one is left out, unless it is to `wait`.
    ///
    /// # Errors
    /// What the disk refused. The store must not be used any more then.
    fn snapshot(&mut self, snapshot: Snapshot, wait: bool) -> Result<(), StoreError>;

    /// Bytes that are read at the next start beside the newest snapshot.
    fn size(&self) -> u64;
}
