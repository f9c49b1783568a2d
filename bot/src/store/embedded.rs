//! The embedded store: sled 0.34, hardened.
//!
//! Everything stands in one tree, so that one batch is one atomic write. Journal lines are
//! kept a run at a time, keyed by the number of the run's first event.
//!
//! What sled 0.34.7 needs from outside, each measured: an unfinished `snap.*.generating`
//! left by a kill makes it refuse to open, so it is removed first; `flush` does not reach
//! the disk on Linux (`sync_file_range`), so the file of its log is synced after it; its
//! first files are not written atomically, so the store is made under another name and
//! renamed; it ends its log at the first record that does not fit and overwrites the rest,
//! so a copy is kept until the store was found to reach as far as its [`witness`] says. A
//! damaged store is never replaced by an empty or a shorter one.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use integrations::chat::socket::Session;
use jiff::Timestamp;
use operations::journal::{FORMAT, Hash};

use super::lock::{self, Lock};
use super::snapshot::sync_directory;
use super::witness::{self, Seen, Witness};
use super::{Batch, Found, Lines, Row, Store, StoreError, aside};

/// A run of journal lines is cut into values of about this size: far below what sled puts into files of its own.
const RUN: usize = 96 * 1024;

/// Room that is kept free for shutting down on a full disk, in bytes.
const BALLAST: usize = 4 * 1024 * 1024;

const JOURNAL: u8 = b'j';
const OUTBOX: u8 = b'o';
const DELIVERY: u8 = b'd';
const SESSION: &[u8] = b"s/discord";
const FORMAT_KEY: &[u8] = b"f";

/// A journal and an outbox in a directory.
pub struct Embedded {
    directory: PathBuf,
    db: sled::Db,
    /// sled's log, to be synced.
    log: File,
    witness: Witness,
    _lock: Lock,
}

impl Embedded {
    /// Opens the store in a directory, or makes one there.
    ///
    /// # Errors
    /// That somebody else uses it, that it was written by a newer Muster, and what the disk refuses.
    pub fn open(directory: &Path) -> Result<Embedded, StoreError> {
        fs::create_dir_all(directory).map_err(StoreError::io(format!("making {}", directory.display())))?;
        let lock = lock::lock(directory)?;
        let path = directory.join("store");
        aside::put_back(directory, &path)?;
        if !path.exists() {
            create(directory, &path)?;
        }
        // sled changes what it opens, and a damaged log for the worse: until all is found well, a copy is kept.
        aside::keep(directory, &path)?;
        match open_checked(directory, &path) {
            Ok(db) => {
                aside::drop_copy(directory)?;
                let log = File::open(path.join("db")).map_err(StoreError::io("opening the store's log"))?;
                let witness = Witness::open(directory)?;
                Ok(Embedded { directory: directory.to_owned(), db, log, witness, _lock: lock })
            }
            Err(error) => {
                aside::put_back(directory, &path)?;
                Err(error)
            }
        }
    }

    /// Opens the store of a directory that must have one already: for reading, where an empty journal would be a
    /// mistake that nobody notices.
    ///
    /// # Errors
    /// [`StoreError::Missing`], and those of [`Embedded::open`].
    pub fn open_existing(directory: &Path) -> Result<Embedded, StoreError> {
        if directory.join("store").exists() {
            Embedded::open(directory)
        } else {
            Err(StoreError::Missing(directory.display().to_string()))
        }
    }

    /// The directory that it is in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush()?;
        self.log.sync_data().map_err(StoreError::io("syncing the journal to disk"))
    }
}

impl Store for Embedded {
    fn find(&self) -> Result<Found, StoreError> {
        let mut found = Found::default();
        for pair in self.db.scan_prefix([OUTBOX]) {
            let (_, value) = pair?;
            found.rows.push(decode::<Row>(&value, "an effect")?);
        }
        for pair in self.db.scan_prefix([DELIVERY]) {
            let (key, value) = pair?;
            let delivery = String::from_utf8_lossy(&key[1..]).into_owned();
            found.deliveries.push((delivery, decode::<Timestamp>(&value, "a delivery")?));
        }
        if let Some(value) = self.db.get(SESSION)? {
            found.session = Some(decode::<Session>(&value, "the Discord session")?);
        }
        Ok(found)
    }

    fn read(&self, from: u64, take: &mut dyn FnMut(Lines) -> Result<(), StoreError>) -> Result<(), StoreError> {
        // The run that holds `from` may begin before it.
        let start = match self.db.get_lt(journal_key(from.saturating_add(1)))? {
            Some((key, _)) if key.first() == Some(&JOURNAL) => key.to_vec(),
            _ => journal_key(0).to_vec(),
        };
        for pair in self.db.range(start..vec![JOURNAL + 1]) {
            let (key, value) = pair?;
            take(lines(&key, &value)?)?;
        }
        Ok(())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut write = sled::Batch::default();
        let mut first = batch.first;
        let mut start = 0;
        for (index, &(end, hash)) in batch.ends.iter().enumerate() {
            let last = index + 1 == batch.ends.len();
            if last || end - start >= RUN {
                let mut value = Vec::with_capacity(32 + end - start);
                value.extend_from_slice(&hash.0);
                value.extend_from_slice(&batch.lines[start..end]);
                write.insert(&journal_key(first), value);
                first = batch.first + index as u64 + 1;
                start = end;
            }
        }
        for key in &batch.done {
            write.remove(prefixed(OUTBOX, key));
        }
        for (key, row) in &batch.put {
            write.insert(prefixed(OUTBOX, key), encode(row)?);
        }
        for delivery in &batch.forgotten {
            write.remove(prefixed(DELIVERY, delivery));
        }
        for (delivery, at) in &batch.deliveries {
            write.insert(prefixed(DELIVERY, delivery), encode(at)?);
        }
        if let Some(session) = &batch.session {
            write.insert(SESSION, encode(session)?);
        }
        self.db.apply_batch(write)?;
        self.sync()?;
        match batch.ends.last() {
            Some((_, hash)) => self.witness.note(Seen { seq: batch.first + batch.ends.len() as u64 - 1, hash: *hash }),
            None => Ok(()),
        }
    }

    fn size(&self) -> u64 {
        self.db.size_on_disk().unwrap_or_default()
    }
}

/// Opens the store and looks whether it reaches as far as its witness says.
fn open_checked(directory: &Path, path: &Path) -> Result<sled::Db, StoreError> {
    remove_unfinished_snapshots(path)?;
    // sled panics where it does not understand what it reads.
    let opened = std::panic::catch_unwind(|| match open(path) {
        Err(error @ sled::Error::Corruption { .. }) => repair(path, &error),
        opened => Ok(opened?),
    });
    let db = opened.unwrap_or_else(|_| Err(StoreError::Damaged("its file can't be read".to_owned())));
    let db = db.map_err(|error| explained(directory, error))?;
    check_format(&db).map_err(|error| explained(directory, error))?;
    let Some(seen) = witness::read(directory)? else { return Ok(db) };
    let (last, hash) = last(&db).map_err(|error| explained(directory, error))?;
    let wrong = match last.cmp(&seen.seq) {
        Ordering::Less => Some(format!("it ends with record {last}, and record {} was written", seen.seq)),
        Ordering::Equal if hash != seen.hash => Some(format!("record {last} is not the one that was written")),
        Ordering::Equal | Ordering::Greater => None,
    };
    match wrong {
        Some(what) => Err(explained(directory, StoreError::Damaged(what))),
        None => Ok(db),
    }
}

/// Says what to do about a damaged store.
fn explained(directory: &Path, error: StoreError) -> StoreError {
    let (StoreError::Damaged(_) | StoreError::Sled(_)) = error else { return error };
    let what = match error {
        StoreError::Damaged(what) => what,
        other => other.to_string(),
    };
    StoreError::Damaged(format!(
        "{what}. Nothing in {} was changed. Copy it away, then put back a backup of it, or import an export into an empty \
         directory (`muster journal import`). To go on with what can still be read, remove the file {}",
        directory.display(),
        witness::path(directory).display()
    ))
}

/// The number of the last record and the hash after it; zero where there is none.
fn last(db: &sled::Db) -> Result<(u64, Hash), StoreError> {
    let Some(pair) = db.range(journal_key(0).to_vec()..vec![JOURNAL + 1]).next_back() else {
        return Ok((0, Hash::GENESIS));
    };
    let (key, value) = pair?;
    let run = lines(&key, &value)?;
    let count = run.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
    Ok((run.first + count - 1, run.end))
}

fn config(path: &Path) -> sled::Config {
    // Flushing is done by hand after each batch; a cache larger than this would only hold what is never read again.
    sled::Config::new().path(path).cache_capacity(16 * 1024 * 1024).flush_every_ms(None)
}

fn open(path: &Path) -> Result<sled::Db, sled::Error> {
    config(path).open()
}

/// Makes an empty store under another name, so that a kill in the middle leaves nothing half-made under the right one.
fn create(directory: &Path, path: &Path) -> Result<(), StoreError> {
    let making = directory.join("store.new");
    if making.exists() {
        fs::remove_dir_all(&making).map_err(StoreError::io("removing an unfinished store"))?;
    }
    let db = open(&making)?;
    db.insert(FORMAT_KEY, &FORMAT.to_be_bytes())?;
    db.flush()?;
    drop(db);
    for file in fs::read_dir(&making).map_err(StoreError::io("reading the new store"))? {
        let file = file.and_then(|entry| File::open(entry.path())).map_err(StoreError::io("reading the new store"))?;
        file.sync_all().map_err(StoreError::io("syncing the new store"))?;
    }
    sync_directory(&making)?;
    // Written, not only sized: a hole takes no room and so would free none.
    fs::write(directory.join("ballast"), vec![0; BALLAST]).map_err(StoreError::io("making the ballast file"))?;
    fs::rename(&making, path).map_err(StoreError::io("putting the new store in place"))?;
    sync_directory(directory)
}

fn remove_unfinished_snapshots(path: &Path) -> Result<(), StoreError> {
    for snap in snapshots(path)? {
        if snap.extension().is_some_and(|extension| extension == "generating") {
            tracing::info!("An unfinished snapshot of the embedded store was removed");
            fs::remove_file(&snap).map_err(StoreError::io("removing an unfinished snapshot"))?;
        }
    }
    Ok(())
}

/// sled's own snapshots are a cache of its log: without them it reads the whole log.
fn repair(path: &Path, error: &sled::Error) -> Result<sled::Db, StoreError> {
    tracing::error!(%error, "The embedded store did not open; it is read from its log");
    for snap in snapshots(path)? {
        fs::remove_file(&snap).map_err(StoreError::io("removing a damaged snapshot"))?;
    }
    Ok(open(path)?)
}

fn snapshots(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(path).map_err(StoreError::io("reading the store's directory"))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap."))).collect())
}

fn check_format(db: &sled::Db) -> Result<(), StoreError> {
    let stored = db.get(FORMAT_KEY)?.and_then(|value| <[u8; 4]>::try_from(value.as_ref()).ok());
    let found = u32::from_be_bytes(stored.ok_or_else(|| StoreError::Damaged("it does not say its format".to_owned()))?);
    if found > FORMAT { Err(StoreError::Newer { found, known: FORMAT }) } else { Ok(()) }
}

fn lines(key: &[u8], value: &[u8]) -> Result<Lines, StoreError> {
    let damaged = || StoreError::Damaged("a run of records has an impossible form".to_owned());
    let first = key.get(1..9).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).ok_or_else(damaged)?;
    let (hash, bytes) = value.split_at_checked(32).ok_or_else(damaged)?;
    let end = Hash(<[u8; 32]>::try_from(hash).map_err(|_| damaged())?);
    Ok(Lines { first: u64::from_be_bytes(first), end, bytes: bytes.to_vec() })
}

fn journal_key(first: u64) -> [u8; 9] {
    let mut key = [JOURNAL; 9];
    key[1..].copy_from_slice(&first.to_be_bytes());
    key
}

fn prefixed(prefix: u8, key: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 1);
    bytes.push(prefix);
    bytes.extend_from_slice(key.as_bytes());
    bytes
}

fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Damaged(format!("a value can't be written: {error}")))
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Damaged(format!("{what} can't be read: {error}")))
}
