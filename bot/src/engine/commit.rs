//! The thread that puts batches on disk and lets go what waited for them.

use operations::journal::Hash;
use tokio::sync::{mpsc, watch};

use super::{Change, Release};
use crate::crash::Crash;
use crate::store::{Batch, Snapshot, Store};

/// A batch and what waits for it.
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) releases: Vec<Release>,
    /// A snapshot to be kept after the batch, and whether to wait for room for it.
    pub(super) snapshot: Option<(Snapshot, bool)>,
}

/// What the thread works with.
pub(super) struct Committer {
    pub(super) store: Box<dyn Store>,
    pub(super) outbox: mpsc::UnboundedSender<Vec<Change>>,
    pub(super) stopped: watch::Sender<Option<String>>,
    pub(super) crash: Crash,
    pub(super) metrics: crate::metrics::Metrics,
    /// The last event on disk, and the hash after it.
    pub(super) committed: watch::Sender<(u64, Hash)>,
}

impl Committer {
    /// Commits until nobody sends any more, or until a commit fails.
    pub(super) fn run(mut self, mut works: mpsc::Receiver<Work>) {
        if let Err(why) = self.commit_all(&mut works) {
            self.stopped.send_replace(Some(why));
        }
        // What was sent while this ended would stay in the channel with all that waits for it: it is taken out and
        // dropped, so that whoever waits learns at once that it was not kept.
        works.close();
        while works.blocking_recv().is_some() {}
    }

    fn commit_all(&mut self, works: &mut mpsc::Receiver<Work>) -> Result<(), String> {
        while let Some(work) = works.blocking_recv() {
            // The dead show nothing either, be it on disk or not.
            self.crash.lives().map_err(|crashed| crashed.to_string())?;
            if !work.batch.is_empty() {
                let begun = std::time::Instant::now();
                if let Err(error) = self.store.commit(&work.batch) {
                    tracing::error!(%error, "The journal can't be written: Muster stops, and nothing more is accepted");
                    return Err(error.to_string());
                }
                self.metrics.committed(work.batch.ends.len(), begun.elapsed());
                if let Some((_, hash)) = work.batch.ends.last() {
                    self.committed.send_replace((work.batch.last(), *hash));
                }
            }
            if !work.batch.changes.is_empty() {
                self.metrics.handed();
                // The outbox may have stopped: what is open is found again at the next start.
                let _ = self.outbox.send(work.batch.changes);
            }
            work.releases.into_iter().for_each(|release| release());
            if let Some((snapshot, wait)) = work.snapshot {
                self.store.snapshot(snapshot, wait).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}
