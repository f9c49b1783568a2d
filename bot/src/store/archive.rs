//! The thread beside the store: writes snapshots, and puts events by.
//!
//! After a snapshot at the end of a log, the events of that log are written to a file of
//! their own, and older logs go: with them the addresses of answers that were given long
//! ago. What holds: a log is removed only when its events stand elsewhere on disk and two
//! snapshots came after it; whatever fails is tried again with the next snapshot.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use super::disk::Disk;
use super::frame::{self, Next};
use super::snapshot::{self, Snapshot};
use super::{StoreError, names};
use crate::crash::{Crash, Point};

/// A snapshot to be written: of the end of log `log`, whose last batch is `batch`.
pub(super) struct Job {
    pub(super) log: u64,
    pub(super) batch: u64,
    pub(super) snapshot: Snapshot,
    pub(super) crash: Crash,
}

/// The thread.
pub(super) struct Archiver {
    jobs: Option<mpsc::Sender<Job>>,
    busy: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Archiver {
    pub(super) fn start(disk: Arc<dyn Disk>) -> io::Result<Archiver> {
        let (jobs, todo) = mpsc::channel::<Job>();
        let busy = Arc::new(AtomicBool::new(false));
        let working = busy.clone();
        let work = move || {
            for job in todo {
                if let Err(error) = carry_out(disk.as_ref(), &job) {
                    tracing::warn!(%error, "No snapshot was written, or events were not put by: the next start takes longer");
                    if job.crash.lives().is_ok() {
                        remove_unfinished(disk.as_ref());
                    }
                }
                drop(job);
                working.store(false, Ordering::Release);
            }
        };
        let thread = std::thread::Builder::new().name("archive".to_owned()).spawn(work)?;
        Ok(Archiver { jobs: Some(jobs), busy, thread: Some(thread) })
    }

    /// Whether one is being written.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    pub(super) fn begin(&self, job: Job) {
        self.busy.store(true, Ordering::Release);
        if let Some(jobs) = &self.jobs {
            // The thread ends only when this is dropped.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Archiver {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, that was logged, and what it did not do is done later.
            let _ = thread.join();
        }
    }
}

/// Removes what was being made: on a full disk its room is needed.
fn remove_unfinished(disk: &dyn Disk) {
    let names = disk.names().unwrap_or_default();
    for name in names.iter().filter(|name| name.ends_with(".new")) {
        // What stays is written over the next time.
        let _ = disk.remove(name);
    }
}

fn carry_out(disk: &dyn Disk, job: &Job) -> Result<(), StoreError> {
    let refused = |error| StoreError::io("writing a snapshot")(error);
    let passes = |point| job.crash.pass(point).map_err(|crashed| refused(crashed.into()));
    passes(Point::SnapshotWriteBefore)?;
    snapshot::write(disk, job.log, job.batch, &job.snapshot).map_err(refused)?;
    passes(Point::SnapshotWriteAfter)?;
    let found = disk.names().map_err(refused)?;
    let mut put_by = names::runs(&found).last().map_or(0, |(_, last)| *last);
    for number in names::numbers(&found, "log").into_iter().filter(|number| *number <= job.log) {
        put_by = events(disk, number, put_by)?;
    }
    // The one before is kept with its log, for the case that this one can't be read some day.
    for number in names::numbers(&found, "log").into_iter().filter(|number| *number < job.log) {
        passes(Point::LogRemoveBefore)?;
        disk.remove(&names::log(number)).map_err(refused)?;
    }
    for kind in ["outbox", "state"] {
        for number in names::numbers(&found, kind).into_iter().filter(|number| number + 1 < job.log) {
            disk.remove(&format!("{kind}-{number:012}")).map_err(refused)?;
        }
    }
    disk.sync_names().map_err(refused)?;
    passes(Point::LogRemoveAfter)
}

/// Writes the events of a log after `put_by` to a file of their own; gives back the last one that is put by then.
fn events(disk: &dyn Disk, number: u64, put_by: u64) -> Result<u64, StoreError> {
    const TEMPORARY: &str = "events.new";
    let refused = |error| StoreError::io("putting events by")(error);
    let mut from = super::open_log(disk, number)?;
    let mut file = disk.write(TEMPORARY).map_err(refused)?;
    file.cut(0).map_err(refused)?;
    let mut buffer = names::title("events").into_bytes();
    let (mut at, mut first, mut last) = (0, None, put_by);
    loop {
        let frame = match frame::read(&mut from).map_err(refused)? {
            Next::Frame(frame) => frame,
            Next::End => break,
            Next::Torn => {
                return Err(StoreError::Damaged(format!("{} has a part that fits nowhere", names::log(number))));
            }
        };
        for (seq, line, hash) in frame.events().filter(|(seq, _, _)| *seq > put_by) {
            if seq != last + 1 {
                return Err(StoreError::Damaged(format!("after event {last} comes event {seq}")));
            }
            first.get_or_insert(seq);
            last = seq;
            write!(buffer, "{hash} ").map_err(refused)?;
            buffer.extend_from_slice(line);
            buffer.push(b'\n');
        }
        if buffer.len() >= 1024 * 1024 {
            file.write_at(at, &buffer).map_err(refused)?;
            at += buffer.len() as u64;
            buffer.clear();
        }
    }
    let Some(first) = first else { return Ok(put_by) };
    file.write_at(at, &buffer).and_then(|()| file.sync()).map_err(refused)?;
    disk.rename(TEMPORARY, &names::events(first, last)).map_err(refused)?;
    disk.sync_names().map_err(refused)?;
    Ok(last)
}
