//! What was accepted: noted outside the bot, at the moment when it was.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use operations::ids::Platform;
use tokio::sync::Notify;

/// What was accepted so far.
#[derive(Default)]
pub(crate) struct Ledger {
    alerts: Mutex<BTreeSet<u32>>,
    deeds: Mutex<Vec<Deed>>,
    /// Something was accepted this moment.
    pub(crate) accepted: Notify,
    /// Webhooks that were sent and never answered.
    pub(crate) cut_off: AtomicU64,
    /// Webhooks that were answered with something other than 2xx.
    pub(crate) turned_away: AtomicU64,
}

/// What somebody did, once it is over.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// On which chat.
    pub(crate) on: Platform,
    /// Who: nobody does two deeds, so answers can be told apart.
    pub(crate) who: String,
    /// What.
    pub(crate) what: What,
    /// How often it was tried.
    pub(crate) tries: u32,
    /// How many of these tries the platform called taken.
    pub(crate) taken: u32,
}

/// What somebody did.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Declared an incident with these words as its title.
    Declared(String),
    /// Noted these words.
    Noted(String),
    /// Noted them by mentioning the bot. That somebody wrote a message says nothing of whether the bot has it: Slack
    /// repeats it three times and Discord keeps it for a while, and then it is lost for all to see.
    Mentioned(String),
    /// Typed that they take care of this group.
    Typed(u32),
    /// Clicked it.
    Clicked(u32),
}

impl Ledger {
    /// An alert was answered with 2xx.
    pub(crate) fn accept(&self, alert: u32) {
        lock(&self.alerts).insert(alert);
        self.accepted.notify_waiters();
    }

    /// Alerts that were answered with 2xx.
    pub(crate) fn alerts(&self) -> BTreeSet<u32> {
        lock(&self.alerts).clone()
    }

    /// A deed is over.
    pub(crate) fn done(&self, deed: Deed) {
        lock(&self.deeds).push(deed);
        self.accepted.notify_waiters();
    }

    /// All deeds that are over.
    pub(crate) fn deeds(&self) -> Vec<Deed> {
        lock(&self.deeds).clone()
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
