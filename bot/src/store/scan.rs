//! Looking at what is there when a store is opened; changes nothing.

use std::collections::{HashMap, VecDeque};
use std::io::{BufReader, Read};
use std::sync::Arc;

use super::disk::Disk;
use super::frame::{self, Next};
use super::snapshot::{self, Outbox};
use super::{Change, Found, Row, StoreError, names, witness};

/// What was found.
pub(super) struct Scan {
    /// The snapshot that was begun with.
    pub(super) snapshot: Option<u64>,
    /// The number of the last log.
    pub(super) log: u64,
    /// Where its last whole frame ends; zero where even its title is not whole.
    pub(super) end: u64,
    /// The number of the last batch.
    pub(super) batch: u64,
    /// The number of the last event.
    pub(super) seq: u64,
    pub(super) found: Found,
}

/// What is said where the end is missing begins so.
pub(super) const CUT: &str = "it ends";

/// Looks at a store.
pub(super) fn scan(disk: &dyn Disk) -> Result<Scan, StoreError> {
    let refused = |error| StoreError::io("reading the journal's directory")(error);
    // Before anything else: whoever writes it is never ahead of the log that is read after it.
    let seen = witness::read(disk).map_err(refused)?.unwrap_or_default();
    let found = disk.names().map_err(refused)?;
    let logs = names::numbers(&found, "log");
    let (snapshot, outbox) = newest(disk, &found, &logs)?;
    let mut scan = Scan {
        snapshot,
        log: snapshot.unwrap_or(0) + 1,
        end: 0,
        batch: outbox.batch,
        seq: outbox.seq,
        found: Found::default(),
    };
    let mut kept = Kept::new(outbox);
    let begins_anew = snapshot.is_none() && seen == 0 && names::runs(&found).is_empty();
    let last = logs.last().copied().unwrap_or_default();
    if last < scan.log && !(begins_anew && logs.is_empty()) {
        return Err(StoreError::Damaged(format!("{} is missing", names::log(scan.log))));
    }
    for number in scan.log..=last {
        scan.log = number;
        scan.end = 0;
        read_log(disk, &mut scan, &mut kept, number == last)?;
    }
    if scan.batch < seen {
        let Scan { batch, seq, .. } = scan;
        return Err(StoreError::Damaged(format!(
            "{CUT} with batch {batch} and record {seq}, and batch {seen} was written"
        )));
    }
    scan.found = kept.found();
    Ok(scan)
}

/// The newest snapshot whose effects can be read; none where there never was one.
fn newest(disk: &dyn Disk, found: &[String], logs: &[u64]) -> Result<(Option<u64>, Outbox), StoreError> {
    let snapshots = names::numbers(found, "outbox");
    for number in snapshots.iter().rev() {
        if let Some(outbox) = snapshot::read_outbox(disk, *number)? {
            return Ok((Some(*number), outbox));
        }
        tracing::error!(number, "A snapshot is damaged; the one before it is read, and the log after that");
    }
    // Without a snapshot, only a journal that still has its first log is whole.
    if snapshots.is_empty() || logs.first() == Some(&1) {
        Ok((None, Outbox::default()))
    } else {
        Err(StoreError::Damaged("no snapshot can be read".to_owned()))
    }
}

/// Reads a log from its beginning; `last` says that its end may be torn.
fn read_log(disk: &dyn Disk, scan: &mut Scan, kept: &mut Kept, last: bool) -> Result<(), StoreError> {
    let name = names::log(scan.log);
    let refused = |error| StoreError::io(format!("reading {name}"))(error);
    let file = disk.read(&name).map_err(refused)?;
    let mut from = BufReader::with_capacity(256 * 1024, file);
    let title = names::title("log");
    let mut begins = vec![0; title.len()];
    let torn_title = from.read_exact(&mut begins).is_err();
    if torn_title || !names::is_titled(&begins, "log")? {
        // A log is begun by its title, synced: one that has none was never written to.
        let mut rest = begins;
        from.read_to_end(&mut rest).map_err(refused)?;
        return if last && !frame::any_later(&rest) { Ok(()) } else { Err(damaged_at(&name, 0, scan.seq + 1)) };
    }
    scan.end = title.len() as u64;
    loop {
        let mut tee = Tee { from: &mut from, read: Vec::new() };
        match frame::read(&mut tee).map_err(refused)? {
            Next::End => return Ok(()),
            Next::Torn => {
                let mut rest = tee.read;
                from.read_to_end(&mut rest).map_err(refused)?;
                let torn = last && !frame::any_later(rest.get(1..).unwrap_or_default());
                return if torn { Ok(()) } else { Err(damaged_at(&name, scan.end, scan.seq + 1)) };
            }
            Next::Frame(frame) => {
                if frame.batch != scan.batch + 1 || frame.first != scan.seq + 1 {
                    return Err(damaged_at(&name, scan.end, scan.seq + 1));
                }
                scan.end += frame.len();
                scan.batch = frame.batch;
                scan.seq += frame.ends.len() as u64;
                kept.change(frame.rest()?);
            }
        }
    }
}

fn damaged(name: &str, at: u64) -> StoreError {
    StoreError::Damaged(format!("{name} is not what was written, from byte {at} on"))
}

/// The same, where record `seq` should be: that one, or one that was committed with it or soon after.
fn damaged_at(name: &str, at: u64, seq: u64) -> StoreError {
    StoreError::Damaged(format!("{name} is not what was written, from byte {at} on, where record {seq} should follow"))
}

/// Opens a file behind its title.
pub(super) fn open_titled(disk: &dyn Disk, name: &str, kind: &str) -> Result<Box<dyn Read + Send>, StoreError> {
    let refused = |error| StoreError::io(format!("reading {name}"))(error);
    let mut from = BufReader::with_capacity(256 * 1024, disk.read(name).map_err(refused)?);
    let mut begins = vec![0; names::title(kind).len()];
    let whole = from.read_exact(&mut begins).is_ok();
    if whole && names::is_titled(&begins, kind)? { Ok(Box::new(from)) } else { Err(damaged(name, 0)) }
}

/// Effects and deliveries while they are brought back.
struct Kept {
    rows: HashMap<Arc<str>, Arc<Row>>,
    deliveries: VecDeque<(Arc<str>, jiff::Timestamp)>,
    session: Option<integrations::chat::socket::Session>,
}

impl Kept {
    fn new(outbox: Outbox) -> Kept {
        let rows = outbox.rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        Kept { rows, deliveries: outbox.deliveries.into(), session: outbox.session }
    }

    fn change(&mut self, rest: frame::Rest) {
        for change in rest.changes {
            match change {
                Change::Put(row) => {
                    self.rows.insert(row.key.clone(), row);
                }
                Change::Done(key) => {
                    self.rows.remove(&key);
                }
                Change::Recorded(_) => {}
            }
        }
        for forgotten in rest.forgotten {
            // They are forgotten in the order in which they came.
            if self.deliveries.front().is_some_and(|(first, _)| *first == forgotten) {
                self.deliveries.pop_front();
            } else {
                self.deliveries.retain(|(delivery, _)| *delivery != forgotten);
            }
        }
        self.deliveries.extend(rest.deliveries);
        self.session = rest.session.or(self.session.take());
    }

    fn found(self) -> Found {
        let mut rows: Vec<Arc<Row>> = self.rows.into_values().collect();
        rows.sort_by_key(|row| row.generation);
        Found { rows, deliveries: self.deliveries.into(), session: self.session, state: None }
    }
}

/// Remembers what is read through it.
struct Tee<'a> {
    from: &'a mut dyn Read,
    read: Vec<u8>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.read.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}
