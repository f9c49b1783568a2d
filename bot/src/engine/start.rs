//! Starting the engine: the state is brought back from disk.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use integrations::chat::socket::Session;
use integrations::clock::SharedClock;
use operations::journal::{Hash, Record};
use operations::settings::Settings;
use operations::state::State;
use tokio::sync::{mpsc, watch};

use super::commit::Committer;
use super::{Change, Core, Engine, Halt, QUEUE, SNAPSHOT_EVERY};
use crate::metrics::Metrics;
use crate::store::{Row, Store, StoreError, snapshot};

/// What the engine is started with.
pub struct Start {
    /// The journal and outbox.
    pub store: Box<dyn Store>,
    /// Where snapshots are kept.
    pub directory: PathBuf,
    /// The time.
    pub clock: SharedClock,
    /// The configuration's part in decisions.
    pub settings: Settings,
    /// Where figures are counted.
    pub metrics: Metrics,
    /// Where to stop as if killed; only for tests.
    pub halt: Option<Halt>,
}

/// An engine that runs.
pub struct Started {
    /// The way to it. It stops when all of these are dropped.
    pub engine: Engine,
    /// Effects that were open when it started.
    pub rows: Vec<Row>,
    /// Changes to the outbox from then on.
    pub changes: mpsc::UnboundedReceiver<Vec<Change>>,
    /// Where the Discord session can be resumed.
    pub session: Option<Session>,
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
        let found = self.store.find()?;
        let (mut state, hash, replayed) = bring_back(self.store.as_ref(), &self.directory)?;
        state.settings = self.settings;
        let mut taken: VecDeque<_> =
            found.deliveries.into_iter().map(|(delivery, at)| (at, Arc::<str>::from(delivery))).collect();
        taken.make_contiguous().sort();
        let core = Core {
            snapshot_at: state.seq + SNAPSHOT_EVERY,
            generation: found.rows.iter().map(|row| row.generation).max().unwrap_or_default(),
            open: found.rows.iter().map(|row| (row.effect.key(), row.generation)).collect::<HashMap<_, _>>(),
            deliveries: taken.iter().map(|(at, delivery)| (delivery.clone(), *at)).collect(),
            taken,
            state,
            hash,
            clock: self.clock,
        };
        let (asks, asked) = mpsc::channel(QUEUE);
        // Room for one: while one batch is put on disk the next one is decided, and no more.
        let (works, worked) = mpsc::channel(1);
        let (outbox, changes) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(None);
        let committer = Committer {
            store: self.store,
            directory: self.directory,
            outbox,
            stopped: stop,
            halt: self.halt,
            metrics: self.metrics,
        };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || committer.run(worked))
            .map_err(StoreError::io("starting the journal's thread"))?;
        crate::tasks::spawn("engine", core.run(asked, works));
        let engine = Engine { asks, stopped };
        Ok(Started { engine, rows: found.rows, changes, session: found.session, replayed, thread })
    }
}

/// Folds the journal into a state, from the snapshot where there is a good one.
///
/// # Errors
/// What can't be read, and a chain of hashes that does not fit.
pub fn bring_back(store: &dyn Store, directory: &std::path::Path) -> Result<(State, Hash, u64), StoreError> {
    let (state, hash) = snapshot::read(directory).unwrap_or((State::default(), Hash::GENESIS));
    match fold(store, state, hash) {
        Err(StoreError::Damaged(why)) if directory.join("snapshot.json").exists() => {
            tracing::warn!(why, "The snapshot does not fit the journal, so the whole journal is read instead");
            snapshot::remove(directory);
            fold(store, State::default(), Hash::GENESIS)
        }
        folded => folded,
    }
}

fn fold(store: &dyn Store, mut state: State, mut hash: Hash) -> Result<(State, Hash, u64), StoreError> {
    let snapshot_seq = state.seq;
    let mut replayed = 0;
    store.read(snapshot_seq + 1, &mut |run| {
        let mut seq = run.first;
        for line in run.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // The run that holds the first event after the snapshot may begin before it.
            if seq > snapshot_seq {
                if seq != state.seq + 1 {
                    return Err(StoreError::Damaged(format!("after event {} comes event {seq}", state.seq)));
                }
                hash = hash.then(line);
                let record: Record = serde_json::from_slice(line)
                    .map_err(|error| StoreError::Damaged(format!("event {seq} can't be read: {error}")))?;
                state.apply(&record);
                replayed += 1;
            }
            seq += 1;
        }
        let ends_here = seq == state.seq + 1;
        if ends_here && run.end != hash {
            return Err(StoreError::Damaged(format!("the hash of event {} does not fit", state.seq)));
        }
        Ok(())
    })?;
    Ok((state, hash, replayed))
}
