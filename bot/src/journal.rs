//! `muster journal export|import|verify`: the journal as JSON Lines.
//!
//! A line holds a record exactly as it was hashed, and the hash after it. Open effects
//! follow, without answers that wait for somebody: their addresses are credentials, and
//! are over by the time an export is read. What holds: what was exported and imported
//! gives the same state and the same hashes; a line that was changed, dropped, added or
//! moved is named. What was written anew with hashes that fit, or cut at its end, shows by
//! [checkpoints](crate::checkpoints).

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use operations::effect::Effect;
use operations::journal::{FORMAT, Hash, Record};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::checkpoints::check::{Against, Fitting, Follower};
use crate::store::ballast;
use crate::store::files::{self, Files, ReadOnly};
use crate::store::{Batch, Change, Row, Store, StoreError};

/// What went wrong with an export, import or check.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store can't be used.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A file can't be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A record is not what was written.
    #[error("record {seq} ({whence}) is wrong: {what}")]
    Bad {
        /// The number of the first record that is wrong.
        seq: u64,
        /// The file that it stands in.
        whence: String,
        /// What is wrong with it.
        what: String,
    },
    /// A checkpoint does not fit the journal, or is none.
    #[error("{whence}: {what}")]
    Checkpoint {
        /// Where it stands, and which one it is.
        whence: String,
        /// What is wrong.
        what: String,
    },
    /// There are checkpoints, and no key to check them with.
    #[error(
        "there is no key to check the checkpoints with. Name it with --key: `muster journal key` shows it on the machine where they were made, and so does Muster's log at each start"
    )]
    NoKey,
    /// An export without its last line, or without its first.
    #[error(
        "this is no whole export: {0}. It ends after record {1}. Export again, or look for a copy that was not cut off"
    )]
    Cut(&'static str, u64),
    /// The directory holds a journal already.
    #[error("{0} holds a journal already; import into an empty directory")]
    NotEmpty(String),
}

/// What was exported, imported or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The number of events.
    pub events: u64,
    /// The hash of the last one.
    pub hash: Hash,
    /// The number of open effects.
    pub effects: u64,
}

/// A line of an export.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    /// The first one.
    Format(u32),
    /// A record and the hash after it.
    #[serde(borrow)]
    Record(Box<Exported<'a>>),
    /// An open effect.
    Effect(Arc<Row>),
    /// The last one: so an export that was cut off is told from a whole one.
    End {
        /// How many records stand before it.
        events: u64,
        /// The hash after the last record.
        hash: String,
        /// How many effects stand before it.
        effects: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct Exported<'a> {
    hash: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// Writes the journal in `data` as JSON Lines.
///
/// # Errors
/// What can't be read or written, and the first record that is wrong.
pub fn export(data: &Path, to: &mut dyn Write) -> Result<Summary, JournalError> {
    let mut store = ReadOnly::open(data)?;
    write_line(to, &Line::Format(FORMAT))?;
    let mut summary = walk(&mut store, &mut |_, line, hash| {
        let record: &RawValue = serde_json::from_str(line).map_err(std::io::Error::from)?;
        Ok(write_line(to, &Line::Record(Box::new(Exported { hash: hash.to_string(), record })))?)
    })?;
    for row in store.found().rows.iter().filter(|row| !matches!(row.effect, Effect::Reply { .. })) {
        summary.effects += 1;
        write_line(to, &Line::Effect(row.clone()))?;
    }
    let Summary { events, hash, effects } = summary;
    write_line(to, &Line::End { events, hash: hash.to_string(), effects })?;
    Ok(summary)
}

/// Reads an export into an empty directory.
///
/// # Errors
/// What can't be read or written, the first record that is wrong, and a directory that is not empty.
pub fn import(from: &mut dyn BufRead, data: &Path) -> Result<Summary, JournalError> {
    if data.join(files::DIRECTORY).exists() {
        return Err(JournalError::NotEmpty(data.display().to_string()));
    }
    let imported = import_into(from, data);
    if imported.is_err() {
        // What was begun is no journal; the directory is as it was, so that a better export can be tried.
        for made in [files::DIRECTORY, ballast::NAME] {
            let made = data.join(made);
            let removed = if made.is_dir() { std::fs::remove_dir_all(&made) } else { std::fs::remove_file(&made) };
            if let Err(error) = removed {
                tracing::warn!(%error, path = %made.display(), "What was begun could not be removed");
            }
        }
    }
    imported
}

fn import_into(from: &mut dyn BufRead, data: &Path) -> Result<Summary, JournalError> {
    let mut store = Files::open(data)?;
    let mut batch = Batch::new(1);
    let summary = read_export(from, &mut |read| {
        match read {
            Read::Record { seq, line, hash } => {
                if batch.ends.len() >= 1000 {
                    store.commit(&std::mem::replace(&mut batch, Batch::new(seq)))?;
                }
                batch.push(line.as_bytes(), hash);
            }
            Read::Effect(row) => batch.changes.push(Change::Put(row)),
        }
        Ok(())
    })?;
    if !batch.is_empty() {
        store.commit(&batch)?;
    }
    Ok(summary)
}

/// Reads the whole journal in `data` and checks every hash and every checkpoint of the directory.
///
/// # Errors
/// The first record that is wrong, the first checkpoint that does not fit, and what can't be read.
pub fn verify(data: &Path) -> Result<Summary, JournalError> {
    verify_against(data, &Against::default()).map(|(summary, _)| summary)
}

/// The same, with checkpoints and keys from elsewhere.
///
/// # Errors
/// Those of [`verify`].
pub fn verify_against(data: &Path, against: &Against) -> Result<(Summary, Fitting), JournalError> {
    let follower = Follower::of(data, against)?;
    follow(&mut ReadOnly::open(data)?, follower)
}

/// Goes through a journal with checkpoints whose signatures were checked.
pub(crate) fn follow(store: &mut ReadOnly, mut follower: Follower) -> Result<(Summary, Fitting), JournalError> {
    let mut summary = walk(store, &mut |seq, _, hash| follower.record(seq, hash))?;
    summary.effects = store.found().rows.len() as u64;
    Ok((summary, follower.end(summary.events)?))
}

/// Reads an export and checks every hash.
///
/// # Errors
/// The first record that is wrong, and what can't be read.
pub fn verify_export(from: &mut dyn BufRead) -> Result<Summary, JournalError> {
    verify_export_against(from, &Against::default()).map(|(summary, _)| summary)
}

/// The same, with checkpoints and keys from elsewhere: an export holds none.
///
/// # Errors
/// Those of [`verify_export`], and the first checkpoint that does not fit.
pub fn verify_export_against(from: &mut dyn BufRead, against: &Against) -> Result<(Summary, Fitting), JournalError> {
    let mut follower = Follower::new(&[], None, against)?;
    let summary = read_export(from, &mut |read| match read {
        Read::Record { seq, hash, .. } => follower.record(seq, hash),
        Read::Effect(_) => Ok(()),
    })?;
    Ok((summary, follower.end(summary.events)?))
}

/// What stands in an export, checked.
enum Read<'a> {
    Record { seq: u64, line: &'a str, hash: Hash },
    Effect(Arc<Row>),
}

fn read_export(
    from: &mut dyn BufRead,
    take: &mut dyn FnMut(Read<'_>) -> Result<(), JournalError>,
) -> Result<Summary, JournalError> {
    let mut summary = Summary { events: 0, hash: Hash::GENESIS, effects: 0 };
    let (mut begun, mut ended) = (false, false);
    let mut text = String::new();
    while from.read_line(&mut text)? > 0 {
        let next = summary.events + 1;
        let bad = |what: String| JournalError::Bad { seq: next, whence: "the export".to_owned(), what };
        let unreadable =
            |error: serde_json::Error| bad(format!("its line can't be read, from column {} on", error.column()));
        if ended {
            return Err(bad("it stands behind the export's last line".to_owned()));
        }
        match serde_json::from_str::<Line<'_>>(text.trim_end()).map_err(unreadable)? {
            Line::Format(found) if found > FORMAT => return Err(StoreError::Newer { found, known: FORMAT }.into()),
            Line::Format(_) => begun = true,
            _ if !begun => return Err(JournalError::Cut("its first line is missing", summary.events)),
            Line::Record(exported) => {
                let line = exported.record.get();
                summary.hash = summary.hash.then(line.as_bytes());
                summary.events = next;
                if summary.hash.to_string() != exported.hash {
                    return Err(bad("its hash does not fit what stands before it".to_owned()));
                }
                check(line, next, "the export")?;
                take(Read::Record { seq: next, line, hash: summary.hash })?;
            }
            Line::Effect(row) => {
                summary.effects += 1;
                take(Read::Effect(row))?;
            }
            Line::End { events, hash, effects } => {
                ended = true;
                if (events, hash.as_str(), effects) != (summary.events, &*summary.hash.to_string(), summary.effects) {
                    return Err(JournalError::Cut("its last line does not fit the others", summary.events));
                }
            }
        }
        text.clear();
    }
    if ended { Ok(summary) } else { Err(JournalError::Cut("its last line is missing", summary.events)) }
}

/// Goes through every record in order; `take` gets its line and the hash after it.
fn walk(
    store: &mut ReadOnly,
    take: &mut dyn FnMut(u64, &str, Hash) -> Result<(), JournalError>,
) -> Result<Summary, JournalError> {
    let mut summary = Summary { events: 0, hash: Hash::GENESIS, effects: 0 };
    let mut wrong = None;
    let mut one = |line: crate::store::Line<'_>| -> Result<(), JournalError> {
        let bad = |what: &str| JournalError::Bad { seq: line.seq, whence: line.file.to_owned(), what: what.to_owned() };
        let text = std::str::from_utf8(line.bytes).map_err(|_| bad("it is not text"))?;
        summary.events = line.seq;
        summary.hash = summary.hash.then(line.bytes);
        if summary.hash != line.hash {
            return Err(bad("its hash does not fit what stands before it"));
        }
        check(text, line.seq, line.file)?;
        take(line.seq, text, summary.hash)
    };
    store
        .read(&mut |line| {
            one(line).map_err(|error| {
                let said = error.to_string();
                wrong = Some(error);
                StoreError::Damaged(said)
            })
        })
        .map_err(|error| wrong.take().unwrap_or(JournalError::Store(error)))?;
    Ok(summary)
}

/// Whether a record whose hash fits can be used.
fn check(line: &str, seq: u64, whence: &str) -> Result<(), JournalError> {
    let record: Record =
        serde_json::from_str(line).map_err(|error| StoreError::unknown(&format!("record {seq}"), &error))?;
    if record.seq == seq {
        return Ok(());
    }
    let what = format!("it says that it is record {}", record.seq);
    Err(JournalError::Bad { seq, whence: whence.to_owned(), what })
}

fn write_line(to: &mut dyn Write, line: &Line<'_>) -> std::io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}
