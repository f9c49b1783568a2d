//! The events from some number on, wherever they stand.
//!
//! All files are opened before the first is read: what is put by meanwhile is still read.

use std::io::{BufRead, BufReader, Read};

use operations::journal::Hash;

use super::disk::Disk;
use super::frame::{self, Next};
use super::{Line, StoreError, Take, names, open_log, scan};

/// Events that can be read, in order.
pub(super) struct History {
    from: u64,
    until: u64,
    runs: Vec<(String, Box<dyn Read + Send>)>,
    logs: Vec<(String, Box<dyn Read + Send>)>,
}

impl History {
    /// The events from `from` on.
    pub(super) fn open(disk: &dyn Disk, from: u64) -> Result<History, StoreError> {
        let found = disk.names().map_err(StoreError::io("reading the journal's directory"))?;
        let mut runs = Vec::new();
        for (first, last) in names::runs(&found).into_iter().filter(|(_, last)| *last >= from) {
            let name = names::events(first, last);
            let file = scan::open_titled(disk, &name, "events")?;
            runs.push((name, file));
        }
        let mut logs = Vec::new();
        let numbers = names::numbers(&found, "log");
        for (index, number) in numbers.iter().enumerate() {
            let opened = match open_log(disk, *number) {
                // The last one may have been begun and not been titled.
                Err(StoreError::Damaged(_)) if index + 1 == numbers.len() => continue,
                opened => opened?,
            };
            logs.push((names::log(*number), opened));
        }
        Ok(History { from, until: u64::MAX, runs, logs })
    }

    /// Ends with this event.
    pub(super) fn until(&mut self, last: u64) {
        self.until = last;
    }

    /// Reads them, once.
    pub(super) fn read(&mut self, take: &mut Take<'_>) -> Result<(), StoreError> {
        let mut next = self.from;
        let until = self.until;
        let mut give = |file: &str, seq: u64, bytes: &[u8], hash: Hash, next: &mut u64| {
            if seq < *next || seq > until {
                return Ok(());
            }
            if seq != *next {
                return Err(StoreError::Damaged(format!("record {} is missing: {file} goes on with {seq}", *next)));
            }
            *next += 1;
            take(Line { seq, bytes, hash, file })
        };
        for (name, file) in self.runs.drain(..) {
            let refused = |error| StoreError::io(format!("reading {name}"))(error);
            let mut from = BufReader::new(file);
            let mut seq = first_of(&name);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).map_err(refused)? > 0 {
                let Some((hash, bytes)) = split(&line) else {
                    return Err(StoreError::Damaged(format!("record {seq} ({name}) is not what was written")));
                };
                give(&name, seq, bytes, hash, &mut next)?;
                seq += 1;
                line.clear();
            }
        }
        let last = self.logs.len();
        for (index, (name, mut from)) in self.logs.drain(..).enumerate() {
            loop {
                let frame = match frame::read(&mut from).map_err(StoreError::io(format!("reading {name}")))? {
                    Next::Frame(frame) => frame,
                    Next::End => break,
                    // The last one's end may be torn, which was looked at when the store was opened, or be just written.
                    Next::Torn if index + 1 == last => break,
                    Next::Torn => {
                        return Err(StoreError::Damaged(format!(
                            "record {next} or one after it ({name}) is not what was written"
                        )));
                    }
                };
                for (seq, bytes, hash) in frame.events() {
                    give(&name, seq, bytes, hash, &mut next)?;
                }
            }
        }
        if until != u64::MAX && next <= until {
            return Err(StoreError::Damaged(format!("record {next} is missing")));
        }
        Ok(())
    }
}

/// Splits a line `HASH JSON` of events that were put by.
fn split(line: &[u8]) -> Option<(Hash, &[u8])> {
    let (hash, bytes) = line.strip_suffix(b"\n")?.split_at_checked(65)?;
    let hash = hash.strip_suffix(b" ").and_then(|hash| std::str::from_utf8(hash).ok())?;
    Some((Hash::from_hex(hash)?, bytes))
}

fn first_of(name: &str) -> u64 {
    names::runs(&[name.to_owned()]).first().map_or(0, |(first, _)| *first)
}
