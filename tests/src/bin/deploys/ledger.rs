//! What people did and were told, noted outside the bot at the moment when it was.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is known of one deed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    /// Whether it was asked for.
    pub(crate) asked: bool,
    /// Whether the platform called the question taken.
    pub(crate) taken: bool,
    /// Whether the question went out twice under the same id.
    pub(crate) twice: bool,
    /// How often somebody tried to approve it, and how many of these clicks and commands were taken.
    pub(crate) approves: u32,
    pub(crate) approved: u32,
    /// Whether two clicks went out at the same time.
    pub(crate) double: bool,
    /// The CI had nothing when somebody said that it did not run.
    pub(crate) said_not: bool,
    /// Somebody said that it ran.
    pub(crate) said_ran: bool,
    /// Somebody had it looked for again.
    pub(crate) looked: u32,
}

/// All that people did.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<u32, Done>>);

impl Ledger {
    /// Notes something about a deed.
    pub(crate) fn note(&self, deed: u32, change: impl FnOnce(&mut Done)) {
        change(self.lock().entry(deed).or_default());
    }

    /// All of it.
    pub(crate) fn all(&self) -> BTreeMap<u32, Done> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Done>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
