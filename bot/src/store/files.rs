//! The embedded store: an append-only log, snapshots beside it, and events that were put by.
//!
//! One batch is one frame: one write and one sync. What holds: a frame is
//! on disk whole before [`Store::commit`] returns; the last frame of the last log may be
//! torn by a kill or a power cut, and is cut off at the next start, since nobody was told
//! that it was kept; anything else that does not fit is damage, and is never replaced by
//! something shorter or empty. A start reads the newest snapshot and the log after it,
//! however long the journal is.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use operations::journal::Hash;
use operations::state::State;

use super::archive::{Archiver, Job};
use super::ballast::{Ballast, is_full};
use super::disk::{Disk, DiskFile, RealDisk};
use super::history::History;
use super::lock::{self, Lock};
use super::scan::{self, Scan};
use super::snapshot::{self, Snapshot};
use super::witness::{self, Witness};
use super::{Batch, Found, Store, StoreError, Take, frame, names};
use crate::crash::{Crash, Point};

/// Where a data directory keeps its journal.
pub const DIRECTORY: &str = "journal";

/// A journal and an outbox in a directory.
pub struct Files {
    disk: Arc<dyn Disk>,
    scan: Scan,
    log: Box<dyn DiskFile>,
    /// Where the log ends.
    end: u64,
    /// One frame as it is written.
    buffer: Vec<u8>,
    witness: Witness,
    archiver: Archiver,
    ballast: Option<Ballast>,
    /// Set when the disk was found full.
    full: Arc<AtomicBool>,
    crash: Crash,
    _lock: Option<Lock>,
}

impl Files {
    /// Opens the store in a data directory, or makes one there.
    ///
    /// # Errors
    /// That somebody else uses it, that it was written by a newer Muster, that it is damaged, and what the disk refuses.
    pub fn open(data: &Path) -> Result<Files, StoreError> {
        let directory = data.join(DIRECTORY);
        private_directory(data)?;
        let lock = lock::lock(data)?;
        if data.join("store").exists() {
            return Err(StoreError::Older(data.display().to_string()));
        }
        private_directory(&directory)?;
        let disk = Arc::new(RealDisk::new(&directory));
        let mut files = Files::on(disk).map_err(|error| explained(data, error))?;
        files._lock = Some(lock);
        Ok(files.with_ballast(Arc::new(RealDisk::new(data))))
    }

    /// Opens the store on a disk of its own, or makes one there.
    ///
    /// # Errors
    /// That it was written by a newer Muster, that it is damaged, and what the disk refuses.
    pub fn on(disk: Arc<dyn Disk>) -> Result<Files, StoreError> {
        let refused = |error| StoreError::io("opening the journal")(error);
        let scan = scan::scan(disk.as_ref())?;
        let name = names::log(scan.log);
        let mut log = disk.write(&name).map_err(refused)?;
        let mut end = scan.end;
        // What a kill left unsynced, and a torn end.
        log.cut(end).map_err(refused)?;
        if end == 0 {
            let title = names::title("log");
            log.write_at(0, title.as_bytes()).map_err(refused)?;
            end = title.len() as u64;
        }
        log.sync().map_err(refused)?;
        let witness = Witness::open(disk.as_ref()).map_err(refused)?;
        disk.sync_names().map_err(refused)?;
        let archiver = Archiver::start(disk.clone()).map_err(refused)?;
        Ok(Files {
            disk,
            scan,
            log,
            end,
            buffer: Vec::new(),
            witness,
            archiver,
            ballast: None,
            full: Arc::default(),
            crash: Crash::default(),
            _lock: None,
        })
    }

    /// The same with a ballast in a directory.
    #[must_use]
    pub fn with_ballast(mut self, directory: Arc<dyn Disk>) -> Files {
        self.ballast = Some(Ballast::on(directory));
        self
    }

    /// The same, telling at once that the disk is full.
    #[must_use]
    pub fn telling(mut self, full: Arc<AtomicBool>) -> Files {
        self.full = full;
        self
    }

    /// The same, dying where it is planned.
    #[must_use]
    pub fn with_crash(mut self, crash: Crash) -> Files {
        self.crash = crash;
        self
    }

    /// Begins the next log, and has the snapshot of this one's end written.
    fn turn(&mut self, snapshot: Snapshot) -> Result<(), StoreError> {
        let refused = |error| StoreError::io("beginning a log")(error);
        self.passes(Point::JournalTurnBefore)?;
        let title = names::title("log");
        let mut log = self.disk.write(&names::log(self.scan.log + 1)).map_err(refused)?;
        let begun = log.cut(0).and_then(|()| log.write_at(0, title.as_bytes()));
        if let Err(error) = begun {
            if !is_full(&error) {
                return Err(refused(error));
            }
            // This log goes on without a snapshot, so it must be the last one, also after a power cut.
            tracing::warn!("No snapshot was begun: the disk is full");
            let remove = self.disk.remove(&names::log(self.scan.log + 1));
            return remove.and_then(|()| self.disk.sync_names()).map_err(refused);
        }
        log.sync().map_err(refused)?;
        self.disk.sync_names().map_err(refused)?;
        self.passes(Point::JournalTurnAfter)?;
        let crash = self.crash.clone();
        self.archiver.begin(Job { log: self.scan.log, batch: self.scan.batch, snapshot, crash });
        self.scan.log += 1;
        self.log = log;
        self.end = title.len() as u64;
        Ok(())
    }

    /// Gives the ballast free where it is there and `refused` says that the disk is full. Whether there is room now.
    fn makes_room(&mut self, refused: &std::io::Error) -> bool {
        if !is_full(refused) {
            return false;
        }
        self.full.store(true, Ordering::Relaxed);
        let given = self.ballast.as_mut().is_some_and(Ballast::give);
        if given {
            tracing::error!(
                "The disk is full: the ballast is given free, and nothing new is taken until there is room"
            );
        }
        given
    }

    fn passes(&self, point: Point) -> Result<(), StoreError> {
        self.crash.pass(point).map_err(|crashed| StoreError::io(point.name())(crashed.into()))
    }
}

impl Store for Files {
    fn found(&mut self) -> Result<Found, StoreError> {
        let mut found = std::mem::take(&mut self.scan.found);
        if let Some(number) = self.scan.snapshot {
            found.state = snapshot::read_state(self.disk.as_ref(), number)?;
        }
        Ok(found)
    }

    fn read(&self, from: u64, take: &mut Take<'_>) -> Result<(), StoreError> {
        History::open(self.disk.as_ref(), from)?.read(take)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let refused = |what: &str| StoreError::io(what.to_owned());
        frame::encode(&mut self.buffer, self.scan.batch + 1, batch).map_err(refused("writing a batch down"))?;
        self.passes(Point::JournalAppendBefore)?;
        let mut written = self.log.write_at(self.end, &self.buffer);
        if let Err(error) = &written {
            // The log is as it was before; if that fails too, the next start cuts it.
            let cut = self.log.cut(self.end);
            // Nothing of it was synced, so it can be written once more.
            if cut.is_ok() && self.makes_room(error) {
                written = self.log.write_at(self.end, &self.buffer);
                if written.is_err() {
                    let _ = self.log.cut(self.end);
                }
            }
        }
        written.map_err(refused("writing to the journal"))?;
        self.passes(Point::JournalAppendAfter)?;
        self.passes(Point::JournalSyncBefore)?;
        self.log.sync().map_err(refused("syncing the journal to disk"))?;
        self.passes(Point::JournalSyncAfter)?;
        self.end += self.buffer.len() as u64;
        self.scan.batch += 1;
        // One large batch must not hold its memory for ever.
        self.buffer.shrink_to(1024 * 1024);
        if let Some(ballast) = &mut self.ballast {
            ballast.restore();
        }
        self.witness.note(self.scan.batch).map_err(refused("writing the journal's witness"))
    }

    fn snapshot(&mut self, snapshot: Snapshot, wait: bool) -> Result<(), StoreError> {
        if self.ballast.as_ref().is_some_and(Ballast::is_spent) {
            // The room that is left is for what is open. The next start reads the log instead.
            return Ok(());
        }
        if self.archiver.is_busy() {
            if !wait {
                return Ok(());
            }
            self.archiver = Archiver::start(self.disk.clone()).map_err(StoreError::io("writing a snapshot"))?;
        }
        self.turn(snapshot)
    }

    fn size(&self) -> u64 {
        self.end
    }
}

/// A store that is read and not changed, also while a bot writes to it.
pub struct ReadOnly {
    disk: Arc<dyn Disk>,
    snapshot: Option<u64>,
    history: History,
    found: Found,
}

impl ReadOnly {
    /// Looks at the store in a data directory as it is now.
    ///
    /// # Errors
    /// [`StoreError::Missing`], and those of [`Files::open`].
    pub fn open(data: &Path) -> Result<ReadOnly, StoreError> {
        let directory = data.join(DIRECTORY);
        if !directory.exists() {
            let older = data.join("store").exists();
            let data = data.display().to_string();
            return Err(if older { StoreError::Older(data) } else { StoreError::Missing(data) });
        }
        ReadOnly::on(Arc::new(RealDisk::new(&directory))).map_err(|error| explained(data, error))
    }

    /// The same on a disk of its own.
    ///
    /// # Errors
    /// That it was written by a newer Muster, that it is damaged, and what the disk refuses.
    pub fn on(disk: Arc<dyn Disk>) -> Result<ReadOnly, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match ReadOnly::look(disk.clone()) {
                // A log went to its events while it was looked for.
                Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound && tries < 100 => {}
                opened => return opened,
            }
        }
    }

    fn look(disk: Arc<dyn Disk>) -> Result<ReadOnly, StoreError> {
        let Scan { snapshot, seq, found, .. } = scan::scan(disk.as_ref())?;
        let mut history = History::open(disk.as_ref(), 1)?;
        history.until(seq);
        Ok(ReadOnly { disk, snapshot, history, found })
    }

    /// The open effects and deliveries as they were then.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// The state as it was then, the hash after its last event, and how many events were read for it. To be asked once.
    ///
    /// # Errors
    /// What can't be read, and a chain of hashes that does not fit.
    pub fn bring_back(&mut self) -> Result<(State, Hash, u64), StoreError> {
        let snapshot = match self.snapshot {
            Some(number) => snapshot::read_state(self.disk.as_ref(), number)?,
            None => None,
        };
        crate::engine::bring_back(snapshot, &mut |from, take| {
            self.history.read(&mut |line| if line.seq < from { Ok(()) } else { take(line) })
        })
    }

    /// Reads every event up to then.
    ///
    /// # Errors
    /// What can't be read, or what `take` refuses.
    pub fn read(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        self.history.read(take)
    }
}

/// Opens a log behind its title.
pub(super) fn open_log(disk: &dyn Disk, number: u64) -> Result<Box<dyn Read + Send>, StoreError> {
    scan::open_titled(disk, &names::log(number), "log")
}

/// Makes a directory that its owner alone can look into.
fn private_directory(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(StoreError::io(format!("making {}", path.display())))
}

/// Says what to do about a damaged store.
fn explained(data: &Path, error: StoreError) -> StoreError {
    let StoreError::Damaged(what) = error else { return error };
    let data_shown = data.display();
    let mut words = format!(
        "{what}. Nothing in {data_shown} was changed. Copy it away, then put back a backup of it, or import an export into an \
         empty directory (`muster journal import`)"
    );
    // Where anything else is damaged, this would help nothing, or begin an empty journal.
    if what.starts_with(scan::CUT) {
        let witness = data.join(DIRECTORY).join(witness::NAME);
        words += &format!(". If what is missing at its end may be lost, remove {}", witness.display());
    }
    StoreError::Damaged(words)
}
