//! Checkpoints: signed, kept beside the journal, and put where nobody on this machine can take them back.
//!
//! A task of its own hears of each commit after it is on disk. What holds: a commit never
//! waits for a checkpoint; a minute after an event, or a thousand events after the last
//! checkpoint, there is one that covers it; where nothing happens, none is made.

pub mod book;
pub mod check;
pub mod key;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use integrations::clock::{SharedClock, after};
use jiff::Timestamp;
use operations::card::Card;
use operations::checkpoint::{Checkpoint, Ledger};
use operations::effect::Effect;
use operations::journal::Hash;
use operations::text::Text;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::book::Book;
use self::check::Against;
use self::key::Key;
use crate::crash::{Crash, Point};
use crate::engine::Engine;

/// An event is covered after so long at the latest.
const EVERY: Duration = Duration::from_secs(60);

/// So many events are covered at once, without waiting.
const EVENTS: u64 = 1_000;

/// At most one is posted elsewhere in so long, beside those at the start and at the end.
const POSTED_EVERY: Duration = Duration::from_secs(10 * 60);

/// What checkpoints are made with.
pub struct Start {
    /// Signs them.
    pub key: Key,
    /// Keeps them.
    pub book: Book,
    /// The last event on disk, and the hash after it.
    pub committed: watch::Receiver<(u64, Hash)>,
    /// The time.
    pub clock: SharedClock,
    /// Carries them elsewhere.
    pub engine: Engine,
    /// Where that is.
    pub ledgers: Vec<Ledger>,
    /// Where to die, if anywhere.
    pub crash: Crash,
}

/// The task that makes checkpoints.
pub struct Checkpoints {
    /// The newest that is on disk.
    pub newest: watch::Receiver<Option<Checkpoint>>,
    asks: mpsc::Sender<Ask>,
    book: SharedBook,
    task: JoinHandle<()>,
}

/// What the task is asked for, with what to answer by.
enum Ask {
    /// To make one now, and to post it.
    Now(oneshot::Sender<()>),
    /// To say when none is due.
    Rest(oneshot::Sender<()>),
}

/// Taken out when the bot ends as if killed: then nothing more is written.
type SharedBook = Arc<Mutex<Option<Book>>>;

struct Keeper {
    key: Key,
    book: SharedBook,
    committed: watch::Receiver<(u64, Hash)>,
    clock: SharedClock,
    engine: Engine,
    ledgers: Vec<Ledger>,
    /// The last event that was there when one was last made, be it in vain.
    tried: u64,
    newest: watch::Sender<Option<Checkpoint>>,
    /// The record of the last one that was posted elsewhere, and when that was.
    posted: (u64, Timestamp),
    crash: Crash,
}

impl Start {
    /// Makes the first one, and the others as events are committed. Ends by itself, with a last one, when the engine's
    /// thread does.
    #[must_use]
    pub fn start(self) -> Checkpoints {
        let Start { key, book, committed, clock, engine, ledgers, crash } = self;
        let (asks, asked) = mpsc::channel(1);
        let (tell, newest) = watch::channel(book.newest().cloned());
        let book = Arc::new(Mutex::new(Some(book)));
        let (kept, posted) = (book.clone(), (0, Timestamp::MIN));
        let keeper =
            Keeper { key, book: kept, committed, clock, engine, ledgers, tried: 0, newest: tell, posted, crash };
        Checkpoints { newest, asks, book, task: crate::tasks::spawn("checkpoints", keeper.run(asked)) }
    }
}

impl Checkpoints {
    /// Makes one of all that is committed now and has it posted elsewhere; gives back when that is asked for.
    pub async fn now(&self) {
        self.ask(Ask::Now).await;
    }

    /// Resolves when none is due: what was due is on disk, and what is to be posted is on disk as an effect.
    pub async fn at_rest(&self) {
        self.ask(Ask::Rest).await;
    }

    async fn ask(&self, what: fn(oneshot::Sender<()>) -> Ask) {
        let (done, waits) = oneshot::channel();
        // Where the task has ended, the engine has stopped, and there is nothing more to be covered.
        if self.asks.send(what(done)).await.is_ok() {
            let _ = waits.await;
        }
    }

    /// Resolves when the last one is on disk, after the engine's thread has ended.
    pub async fn ended(self) {
        let _ = self.task.await;
    }

    /// Ends at once, as if the process had been killed.
    pub async fn abort(self) {
        self.task.abort();
        let _ = self.task.await;
        // One that is being written is waited for.
        let take = move || self.book.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = tokio::task::spawn_blocking(take).await;
    }
}

impl Keeper {
    async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        self.make().await;
        self.post().await;
        let mut since = None;
        let mut resting: Vec<oneshot::Sender<()>> = Vec::new();
        loop {
            let (seq, _) = *self.committed.borrow_and_update();
            let now = self.clock.now();
            since = if self.covers(seq) { None } else { since.or(Some(now)) };
            let due = since.map(|since| after(since, EVERY));
            if seq >= self.tried + EVENTS || due.is_some_and(|due| due <= now) {
                self.make().await;
                since = None;
                continue;
            }
            let post_due = self.post_due();
            if post_due.is_some_and(|due| due <= now) {
                self.post().await;
                continue;
            }
            for rests in resting.drain(..) {
                // Whoever asked may have gone away.
                let _ = rests.send(());
            }
            tokio::select! {
                biased;
                changed = self.committed.changed() => if changed.is_err() {
                    // The last batch is on disk. Nothing can be posted any more; the start's one will say it too.
                    self.make().await;
                    return;
                },
                Some(ask) = asks.recv() => match ask {
                    Ask::Now(made) => {
                        self.make().await;
                        self.post().await;
                        let _ = made.send(());
                    }
                    // Told once all that is due by now was looked at.
                    Ask::Rest(rests) => resting.push(rests),
                },
                () = wait(&self.clock, due.into_iter().chain(post_due).min()) => {}
            }
        }
    }

    fn covers(&self, seq: u64) -> bool {
        self.newest.borrow().as_ref().is_some_and(|newest| newest.seq == seq)
    }

    /// Makes one of all that is committed now, unless there is one.
    async fn make(&mut self) {
        let (seq, hash) = *self.committed.borrow_and_update();
        self.tried = seq;
        if seq == 0 || self.covers(seq) {
            return;
        }
        let checkpoint = self.key.sign(seq, hash, self.clock.now());
        let (book, line, crash) = (self.book.clone(), checkpoint.clone(), self.crash.clone());
        let add = move || match book.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(book) => {
                crash.pass(Point::CheckpointWriteBefore)?;
                book.add(&line)?;
                crash.pass(Point::CheckpointWriteAfter).map_err(std::io::Error::from)
            }
            None => Ok(()),
        };
        match tokio::task::spawn_blocking(add).await {
            Ok(Ok(())) => {
                self.newest.send_replace(Some(checkpoint));
            }
            Ok(Err(error)) => tracing::error!(%error, seq, "No checkpoint could be kept; it is tried again"),
            Err(error) => tracing::error!(%error, seq, "Keeping a checkpoint broke off; it is tried again"),
        }
    }

    /// When the newest may be posted elsewhere; never where it was, or where there is no such place.
    fn post_due(&self) -> Option<Timestamp> {
        let (posted, at) = self.posted;
        let is_new = self.newest.borrow().as_ref().is_some_and(|newest| newest.seq != posted);
        (is_new && !self.ledgers.is_empty()).then(|| after(at, POSTED_EVERY))
    }

    /// Has the newest posted elsewhere, unless it was.
    async fn post(&mut self) {
        let Some(newest) = self.newest.borrow().clone().filter(|_| self.post_due().is_some()) else { return };
        self.posted = (newest.seq, self.clock.now());
        let effect =
            |ledger: &Ledger| Effect::Checkpoint { ledger: ledger.clone(), checkpoint: Box::new(newest.clone()) };
        // If it can't be kept, the engine has stopped, and says so itself.
        let _ = self.engine.open(self.ledgers.iter().map(effect).collect()).await;
    }
}

/// Says which key signs, and whether the journal that was found can be the one that the newest checkpoint is of.
/// Muster starts all the same: an incident can't wait for that to be cleared up.
#[must_use]
pub fn look(key: &Key, book: &Book, (seq, hash): (u64, Hash)) -> bool {
    tracing::info!(key = %key.public(), id = key.public().id(), "Checkpoints of the journal are signed with this public key");
    let Some(newest) = book.newest() else { return true };
    let fits = newest.seq < seq || (newest.seq == seq && newest.hash == hash);
    if !fits {
        tracing::error!(
            ends = seq,
            checkpoint = newest.seq,
            "The journal is not the one that the newest checkpoint is of, or its end is missing; `muster journal verify` tells more"
        );
    }
    if newest.key != key.public().id() {
        tracing::warn!(before = newest.key, "Earlier checkpoints were signed with another key");
    }
    fits
}

/// Finds out, while everything else goes on, whether a journal that was found not to be its checkpoints' is sound by now:
/// somebody put the right backup back, or moved away what is accounted for. Then `unlike` is taken back.
pub fn clear_up(data: PathBuf, unlike: Arc<AtomicBool>) {
    tokio::task::spawn_blocking(move || match crate::journal::verify_against(&data, &Against::default()) {
        Ok(_) => unlike.store(false, Ordering::Relaxed),
        Err(error) => tracing::error!(%error, "The journal is still not the one that its checkpoints are of"),
    });
}

/// What is posted in a chat.
#[must_use]
pub fn card(checkpoint: &Checkpoint) -> Card {
    let title = Text::new().plain(format!("Checkpoint of the journal at record {}: ", checkpoint.seq));
    Card::line(title.code(checkpoint.posted()))
}

async fn wait(clock: &SharedClock, until: Option<Timestamp>) {
    match until {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
