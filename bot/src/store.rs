//! Where the journal and the outbox live on disk.
//!
//! [`Store`] is small: open, commit one atomic batch, read the journal. It blocks, and the
//! engine calls it from a thread of its own. What holds: when [`Store::commit`] returns,
//! the batch is on disk whole; if it fails, nothing more is committed.

mod aside;
pub mod batch;
pub mod embedded;
pub mod lock;
pub mod snapshot;
pub mod witness;

use integrations::chat::socket::Session;
use jiff::Timestamp;
use operations::effect::Effect;
use operations::journal::Hash;
use serde::{Deserialize, Serialize};

pub use self::batch::Batch;

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
    /// The embedded store refused.
    #[error("the embedded store: {0}")]
    Sled(#[from] sled::Error),
    /// What was read is not what was written.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
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
    /// Names what was tried when the system refused.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> StoreError {
        let what = what.into();
        move |source| StoreError::Io { what, source }
    }
}

/// An open effect, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Rises whenever the effect is asked for again: an outcome of an older one does not close it.
    pub generation: u64,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// Whether it goes before its like: it shows a card that nobody has seen yet, or what a person has just done.
    pub ahead: bool,
    /// What is to be done.
    pub effect: Effect,
}

/// What was found when the store was opened.
#[derive(Debug, Default)]
pub struct Found {
    /// The open effects.
    pub rows: Vec<Row>,
    /// Deliveries that were taken, and when.
    pub deliveries: Vec<(String, Timestamp)>,
    /// Where the Discord session can be resumed.
    pub session: Option<Session>,
}

/// A run of journal lines that were committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The number of the first one.
    pub first: u64,
    /// The hash of the last one, as it was stored.
    pub end: Hash,
    /// The lines, each ended by a line feed.
    pub bytes: Vec<u8>,
}

/// A journal and an outbox on disk.
pub trait Store: Send {
    /// Reads everything but the journal.
    ///
    /// # Errors
    /// What can't be read.
    fn find(&self) -> Result<Found, StoreError>;

    /// Reads the journal from the run that holds `from`, in order, giving each to `take`.
    ///
    /// # Errors
    /// What can't be read, or what `take` refuses.
    fn read(&self, from: u64, take: &mut dyn FnMut(Lines) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// Puts a batch on disk, whole or not at all.
    ///
    /// # Errors
    /// What the disk refused. The store must not be used any more then.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Bytes that the store takes on disk.
    fn size(&self) -> u64;
}
