//! Starting the engine: the state is brought back from disk.

use std::sync::Arc;

use integrations::chat::socket::Session;
use integrations::clock::SharedClock;
use operations::journal::{Hash, Record};
use operations::settings::Settings;
use operations::state::State;
use tokio::sync::{mpsc, watch};

use super::commit::Committer;
use super::{Change, Core, Engine, QUEUE, SNAPSHOT_EVERY};
use crate::crash::Crash;
use crate::metrics::Metrics;
use crate::store::{Row, Store, StoreError, Take};

/// What the engine is started with.
pub struct Start {
    /// The journal and outbox.
    pub store: Box<dyn Store>,
    /// The time.
    pub clock: SharedClock,
    /// The configuration's part in decisions.
    pub settings: Settings,
    /// Where figures are counted.
    pub metrics: Metrics,
    /// Where to die; only for tests.
    pub crash: Crash,
}

/// An engine that runs.
pub struct Started {
    /// The way to it. It stops when all of these are dropped.
    pub engine: Engine,
    /// Effects that were open when it started.
    pub rows: Vec<Arc<Row>>,
    /// Changes to the outbox from then on.
    pub changes: mpsc::UnboundedReceiver<Vec<Change>>,
    /// Where the Discord session can be resumed.
    pub session: Option<Session>,
    /// The last event on disk and the hash after it, now and from then on. Ends with the thread.
    pub committed: watch::Receiver<(u64, Hash)>,
    /// How many events were read to bring the state back.
    pub replayed: u64,
    /// Ends when the last batch is on disk and the store is closed.
    pub thread: std::thread::JoinHandle<()>,
}

impl Start {
    /// Brings the state back and starts deciding.
    ///
    /// # Errors
    /// What can't be read.
    pub fn start(self) -> Result<Started, StoreError> {
        let mut store = self.store;
        let found = store.found()?;
        let (mut state, hash, replayed) = bring_back(found.state, &mut |from, take| store.read(from, take))?;
        state.settings = self.settings;
        let core = Core {
            news: 0,
            snapshot_at: SNAPSHOT_EVERY,
            generation: found.rows.iter().map(|row| row.generation).max().unwrap_or_default(),
            open: found.rows.iter().map(|row| (row.key.clone(), row.clone())).collect(),
            deliveries: found.deliveries.iter().cloned().collect(),
            taken: found.deliveries.into_iter().map(|(delivery, at)| (at, delivery)).collect(),
            session: found.session.clone(),
            state,
            hash,
            clock: self.clock,
        };
        let (asks, asked) = mpsc::channel(QUEUE);
        // Room for one: while one batch is put on disk the next one is decided, and no more.
        let (works, worked) = mpsc::channel(1);
        let (outbox, changes) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(None);
        let (commit, committed) = watch::channel((core.state.seq, core.hash));
        let committer =
            Committer { store, outbox, stopped: stop, crash: self.crash, metrics: self.metrics, committed: commit };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || committer.run(worked))
            .map_err(StoreError::io("starting the journal's thread"))?;
        crate::tasks::spawn("engine", core.run(asked, works));
        let engine = Engine { asks, stopped };
        Ok(Started { engine, rows: found.rows, changes, session: found.session, committed, replayed, thread })
    }
}

/// Folds the journal into a state, from the snapshot's where there is one. `read` gives the events from a number on.
///
/// # Errors
/// What can't be read, and a chain of hashes that does not fit.
pub fn bring_back(
    snapshot: Option<(State, Hash)>,
    read: &mut dyn FnMut(u64, &mut Take<'_>) -> Result<(), StoreError>,
) -> Result<(State, Hash, u64), StoreError> {
    let (mut state, mut hash) = snapshot.unwrap_or((State::default(), Hash::GENESIS));
    let mut replayed = 0;
    read(state.seq + 1, &mut |line| {
        let seq = line.seq;
        hash = hash.then(line.bytes);
        if hash != line.hash {
            let file = line.file;
            return Err(StoreError::Damaged(format!(
                "the hash of record {seq} ({file}) does not fit what stands before it"
            )));
        }
        let record: Record = serde_json::from_slice(line.bytes)
            .map_err(|error| StoreError::unknown(&format!("record {seq}"), &error))?;
        state.apply(&record);
        replayed += 1;
        Ok(())
    })?;
    Ok((state, hash, replayed))
}
