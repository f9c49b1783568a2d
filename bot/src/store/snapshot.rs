//! Snapshots: what the logs up to some point come to, so that a start reads only what came after.
//!
//! A snapshot is two files. `outbox-N` holds the open effects and the deliveries, which
//! stand nowhere else once their log is gone; it is kept until the next but one is on disk,
//! and the log with it. `state-N` is a cache: one that is missing, damaged or of another
//! version costs time, never data. Each is written under another name, synced, renamed, and
//! ends with a check sum.

use std::io::{self, Read, Write};
use std::sync::Arc;

use integrations::chat::socket::Session;
use jiff::Timestamp;
use operations::journal::Hash;
use operations::state::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk::{Disk, DiskFile};
use super::{Row, StoreError, names};

/// The version of the state's form.
const STATE_FORM: u32 = 1;

/// What is written.
#[derive(Debug)]
pub struct Snapshot {
    /// The state.
    pub state: State,
    /// The hash after its last event.
    pub hash: Hash,
    /// The open effects.
    pub rows: Vec<Arc<Row>>,
    /// Deliveries that were taken, and when, the oldest first.
    pub deliveries: Vec<(Arc<str>, Timestamp)>,
    /// Where the Discord session can be resumed.
    pub session: Option<Session>,
}

/// What stands nowhere else.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Outbox {
    /// The number of the last batch that is in it.
    pub(super) batch: u64,
    /// The number of the last event then.
    pub(super) seq: u64,
    pub(super) rows: Vec<Arc<Row>>,
    pub(super) deliveries: Vec<(Arc<str>, Timestamp)>,
    pub(super) session: Option<Session>,
}

#[derive(Serialize)]
struct OutboxOf<'a> {
    batch: u64,
    seq: u64,
    rows: &'a [Arc<Row>],
    deliveries: &'a [(Arc<str>, Timestamp)],
    session: Option<&'a Session>,
}

#[derive(Deserialize)]
struct Folded {
    form: u32,
    hash: String,
    state: State,
}

#[derive(Serialize)]
struct FoldedOf<'a> {
    form: u32,
    hash: String,
    state: &'a State,
}

/// Writes a snapshot of what is after `batch`, at the end of log `number`.
pub(super) fn write(disk: &dyn Disk, number: u64, batch: u64, it: &Snapshot) -> io::Result<()> {
    let Snapshot { state, hash, rows, deliveries, session } = it;
    let outbox = OutboxOf { batch, seq: state.seq, rows, deliveries, session: session.as_ref() };
    put(disk, &names::state(number), "state", &FoldedOf { form: STATE_FORM, hash: hash.to_string(), state })?;
    put(disk, &names::outbox(number), "outbox", &outbox)?;
    disk.sync_names()
}

/// Reads the effects and deliveries of a snapshot. Nothing where they are not as they were written.
pub(super) fn read_outbox(disk: &dyn Disk, number: u64) -> Result<Option<Outbox>, StoreError> {
    let Some(bytes) = get(disk, &names::outbox(number), "outbox")? else { return Ok(None) };
    let name = names::outbox(number);
    serde_json::from_slice(&bytes).map(Some).map_err(|error| StoreError::unknown(&name, &error))
}

/// Reads the state of a snapshot, if it can be used.
pub(super) fn read_state(disk: &dyn Disk, number: u64) -> Result<Option<(State, Hash)>, StoreError> {
    let Some(bytes) = get(disk, &names::state(number), "state")? else { return Ok(None) };
    let Ok(Folded { form: STATE_FORM, hash, mut state }) = serde_json::from_slice(&bytes) else { return Ok(None) };
    state.derive();
    Ok(Hash::from_hex(&hash).map(|hash| (state, hash)))
}

fn put(disk: &dyn Disk, name: &str, kind: &str, what: &impl Serialize) -> io::Result<()> {
    let temporary = format!("{name}.new");
    let mut to = Checked { file: disk.write(&temporary)?, buffer: Vec::new(), at: 0, sum: Sha256::new() };
    to.file.cut(0)?;
    to.write_all(names::title(kind).as_bytes())?;
    serde_json::to_writer(&mut to, what)?;
    to.finish()?;
    disk.rename(&temporary, name)
}

/// What stands in a file between its title and its check sum.
fn get(disk: &dyn Disk, name: &str, kind: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let refused = |error| StoreError::io(format!("reading {name}"))(error);
    let mut bytes = Vec::new();
    match disk.read(name) {
        Ok(mut file) => file.read_to_end(&mut bytes).map_err(refused)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    let title = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if !names::is_titled(&bytes[..title], kind)? {
        return Ok(None);
    }
    let Some(end) = bytes.len().checked_sub(32).filter(|end| *end >= title) else { return Ok(None) };
    if Sha256::digest(&bytes[..end])[..] != bytes[end..] {
        return Ok(None);
    }
    bytes.truncate(end);
    bytes.drain(..title);
    Ok(Some(bytes))
}

/// Writes through a buffer, and ends with the check sum of all that was written.
struct Checked {
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    at: u64,
    sum: Sha256,
}

impl Checked {
    fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        let sum = std::mem::take(&mut self.sum).finalize();
        self.file.write_at(self.at, &sum)?;
        self.file.sync()
    }
}

impl Write for Checked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= 256 * 1024 {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sum.update(&self.buffer);
        self.file.write_at(self.at, &self.buffer)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
