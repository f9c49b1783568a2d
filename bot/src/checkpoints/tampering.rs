//! Ten thousand journals that were tampered with, and every one is found; one that was not is let be.
//!
//! Whoever does it here can write every file of the data directory and knows its form: what
//! is changed is written down anew with hashes, check sums and numbers that fit. What they
//! have not is the key, and what was copied elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use operations::event::Event;
use operations::journal::{Hash, Record};

use super::check::{Against, Follower};
use super::key::Key;
use super::*;
use crate::journal::{JournalError, follow};
use crate::store::disk::Disk;
use crate::store::files::{Files, ReadOnly};
use crate::store::sim::SimDisk;
use crate::store::{Batch, Snapshot, Store};

/// How many events a journal has, and of how many there is a checkpoint.
const EVENTS: usize = 200;
const EVERY: usize = 40;

/// A record and the hash that is written down after it.
type Lines = Vec<(Vec<u8>, Hash)>;

/// What people wrote, with the hashes that follow.
fn journal(words: &str) -> Lines {
    let line = |seq| (line(seq, &format!("{words} {seq}")), Hash::GENESIS);
    let mut lines: Lines = (1..=EVENTS as u64).map(line).collect();
    chain(&mut lines, 0);
    lines
}

fn line(seq: u64, version: &str) -> Vec<u8> {
    let event = Event::Started { version: version.to_owned() };
    serde_json::to_vec(&Record { seq, at: Timestamp::UNIX_EPOCH, event }).expect("a record is JSON")
}

/// The same record with the number that it should have.
fn numbered(line: &mut Vec<u8>, seq: u64) {
    let rest = line.iter().position(|byte| *byte == b',').expect("there is more than a number");
    line.splice(..rest, format!("{{\"seq\":{seq}").into_bytes());
}

/// Writes the hashes that fit, from the record in this place on.
fn chain(lines: &mut Lines, from: usize) {
    let mut hash = from.checked_sub(1).map_or(Hash::GENESIS, |before| lines[before].1);
    for (line, written) in &mut lines[from..] {
        hash = hash.then(line);
        *written = hash;
    }
}

/// Lines written down as a store has them, with check sums that fit. With `snapshots` some are put by.
fn stored(lines: &Lines, snapshots: bool) -> SimDisk {
    let disk = SimDisk::default();
    let mut store = Files::on(Arc::new(disk.clone())).expect("it opens");
    let mut batch = Batch::new(1);
    for (seq, (line, hash)) in (1..).zip(lines) {
        batch.push(line, *hash);
        // Batches of many sizes.
        if seq % 7 == 0 || seq % 10 == 0 || seq == lines.len() as u64 {
            store.commit(&std::mem::replace(&mut batch, Batch::new(seq + 1))).expect("it is committed");
        }
        if snapshots && (seq == 70 || seq == 140) {
            let mut state = operations::state::State::default();
            state.seq = seq;
            let snapshot = Snapshot { state, hash: *hash, rows: Vec::new(), deliveries: Vec::new(), session: None };
            store.snapshot(snapshot, true).expect("it is kept");
        }
    }
    drop(store);
    disk
}

/// The checkpoints of a journal.
fn checkpoints(lines: &Lines, key: &Key) -> Vec<Checkpoint> {
    let sign = |seq: usize| key.sign(seq as u64, lines[seq - 1].1, Timestamp::UNIX_EPOCH);
    (EVERY..=lines.len()).step_by(EVERY).map(sign).collect()
}

fn book_of(checkpoints: &[Checkpoint]) -> String {
    checkpoints.iter().map(|it| it.line() + "\n").collect()
}

/// What `muster journal verify` says about a journal, given what the checkpoints are.
fn verify(disk: &SimDisk, follower: Result<Follower, JournalError>) -> Result<u64, JournalError> {
    let (summary, _) = follow(&mut ReadOnly::on(Arc::new(disk.clone()))?, follower?)?;
    Ok(summary.events)
}

/// What there is before anybody tampers with it.
struct Before {
    lines: Lines,
    /// A journal of another bot.
    other: Lines,
    checkpoints: Vec<Checkpoint>,
    book: String,
    disk: SimDisk,
    key: Key,
    thief: Key,
    /// The directory's own checkpoints, as many as the place in this list says, with their signatures checked, which takes
    /// longer than all the rest; alone, and with a copy of the newest.
    own: Vec<Follower>,
    copied: Vec<Follower>,
}

impl Before {
    fn new() -> Before {
        let (key, thief) = (Key::make().expect("a key").0, Key::make().expect("a key").0);
        let (lines, other) = (journal("ours"), journal("theirs"));
        let checkpoints = checkpoints(&lines, &key);
        let disk = stored(&lines, true);
        let book = book_of(&checkpoints);
        let mut before =
            Before { lines, other, checkpoints, book, disk, key, thief, own: Vec::new(), copied: Vec::new() };
        for age in 0..=before.checkpoints.len() {
            let book = book_of(&before.checkpoints[..age]);
            before.own.push(before.follower(&book, &Against::default()).expect("they are sound"));
            before.copied.push(before.follower(&book, &before.copy()).expect("they are sound"));
        }
        before
    }

    fn follower(&self, book: &str, against: &Against) -> Result<Follower, JournalError> {
        Follower::new(book.as_bytes(), Some(self.key.public()), against)
    }

    /// All of the directory's own.
    fn all(&self) -> Follower {
        self.own[self.checkpoints.len()].clone()
    }

    /// The newest checkpoint, as it was copied elsewhere.
    fn copy(&self) -> Against {
        let newest = self.checkpoints.last().expect("there are some").clone();
        Against { copies: vec![("chat".to_owned(), newest)], keys: vec![self.key.public()] }
    }
}

/// A directory that was tampered with, what its checkpoints are, and what must be said about it.
struct Tampered {
    how: String,
    disk: SimDisk,
    follower: Result<Follower, JournalError>,
    said: Vec<String>,
}

/// A bit is flipped in a file of records or checkpoints.
fn bit_flipped(before: &Before, random: &mut fastrand::Rng) -> Tampered {
    let disk = before.disk.after_kill();
    let names = disk.names().expect("names");
    let records = names.into_iter().filter(|name| name.starts_with("log-") || name.starts_with("events-"));
    let files: Vec<Option<String>> = records.map(Some).chain([None]).collect();
    let file = files[random.usize(..files.len())].clone();
    let mut book = before.book.clone().into_bytes();
    let mut flipped = 0;
    let mut flip = |bytes: &mut Vec<u8>| {
        flipped = random.usize(..bytes.len() * 8);
        bytes[flipped / 8] ^= 1 << (flipped % 8);
    };
    let follower = match &file {
        Some(name) => {
            disk.damage(name, &mut flip);
            Ok(before.all())
        }
        None => {
            flip(&mut book);
            Follower::new(&book, Some(before.key.public()), &Against::default())
        }
    };
    Tampered { how: format!("bit {flipped} of {file:?}"), disk, follower, said: Vec::new() }
}

/// Records are deleted, moved, put in, replaced or taken from another journal; then the rest is left as it was, or
/// everything after it is written anew with numbers and hashes that fit.
fn records_changed(before: &Before, random: &mut fastrand::Rng) -> Tampered {
    let at = random.usize(..EVENTS);
    let mut lines = before.lines.clone();
    let kind = ["deleted", "moved", "inserted", "replaced", "swapped"][random.usize(..5)];
    let mut first = at;
    match kind {
        "deleted" => drop(lines.remove(at)),
        "moved" => {
            let to = (at + random.usize(1..EVENTS)) % EVENTS;
            lines.swap(at, to);
            first = at.min(to);
        }
        "inserted" => {
            let forged = line(at as u64 + 1, "forged");
            let hash = lines[at].1;
            lines.insert(at, (forged, hash));
        }
        "replaced" => lines[at].0 = line(at as u64 + 1, "forged"),
        _ => {
            lines[at] = before.other[at].clone();
            // The first record of another journal fits as it is: then it is the second one that does not.
            first = at.max(1);
        }
    }
    let written_anew = random.bool();
    let first = if kind == "swapped" && (written_anew || at > 0) { at + 1 } else { first + 1 };
    let mut said = Vec::new();
    if written_anew {
        (1..).zip(&mut lines).skip(first - 1).for_each(|(seq, (line, _))| numbered(line, seq));
        chain(&mut lines, first - 1);
        // It is known only that it is one of those that the next checkpoint covers; of a journal that is shorter now, the
        // last may be missing.
        let covered = first.div_ceil(EVERY) * EVERY;
        said.push(if lines.len() < covered { "ends at record 199".to_owned() } else { format!("{covered}") });
    } else if at + 1 == EVENTS && kind == "deleted" {
        said.push("ends at record 199".to_owned());
    } else {
        said.push(format!("record {first} "));
    }
    let how = format!("record {first} {kind}, written anew: {written_anew}");
    Tampered { how, disk: stored(&lines, false), follower: Ok(before.all()), said }
}

/// The end is cut: alone, or with the checkpoints that speak of it.
fn tail_cut(before: &Before, random: &mut fastrand::Rng) -> Tampered {
    let left = random.usize(1..EVENTS);
    let disk = stored(&before.lines[..left].to_vec(), false);
    let with_checkpoints = random.bool();
    let follower = if with_checkpoints { before.copied[left / EVERY].clone() } else { before.all() };
    let said = vec![format!("ends at record {left}"), format!("record {EVENTS} was written")];
    let how = format!("cut after {left}, with checkpoints: {with_checkpoints}");
    Tampered { how, disk, follower: Ok(follower), said }
}

/// An old copy of the whole directory is put in its place.
fn old_copy(before: &Before, random: &mut fastrand::Rng) -> Tampered {
    let age = random.usize(1..before.checkpoints.len());
    let left = age * EVERY;
    let disk = stored(&before.lines[..left].to_vec(), true);
    let said = vec![format!("ends at record {left}")];
    Tampered { how: format!("a copy from record {left}"), disk, follower: Ok(before.copied[age].clone()), said }
}

/// A record is changed, and everything is written and signed anew with another key.
fn signed_anew(before: &Before, random: &mut fastrand::Rng) -> Tampered {
    let at = random.usize(..EVENTS);
    let mut lines = before.lines.clone();
    lines[at].0 = line(at as u64 + 1, "forged");
    chain(&mut lines, at);
    let (own_key, disk) = (Some(before.thief.public()), stored(&lines, false));
    let book = book_of(&checkpoints(&lines, &before.thief));
    if at.is_multiple_of(20) {
        let alone = verify(&disk, Follower::new(book.as_bytes(), own_key, &Against::default()));
        assert!(alone.is_ok(), "nobody who believes the directory alone can tell: {alone:?}");
    }
    let pinned = random.bool();
    let mut against = before.copy();
    if pinned {
        against.copies.clear();
    } else {
        // Whoever has a copy of a checkpoint finds it without knowing the key.
        against.keys.clear();
    }
    let follower = Follower::new(book.as_bytes(), own_key, &against);
    let said = vec!["is signed with the key".to_owned()];
    Tampered { how: format!("record {at} signed anew, key named: {pinned}"), disk, follower, said }
}

/// A way to tamper.
type How = fn(&Before, &mut fastrand::Rng) -> Tampered;

#[test]
fn ten_thousand_journals_that_were_tampered_with_are_all_found() {
    let before = Before::new();
    for follower in before.own.iter().chain(&before.copied) {
        let untouched = verify(&before.disk, Ok(follower.clone()));
        assert!(matches!(untouched, Ok(events) if events == EVENTS as u64), "no alarm: {untouched:?}");
        let again = verify(&stored(&before.lines, false), Ok(follower.clone()));
        assert!(again.is_ok(), "whether events were put by or not: {again:?}");
    }
    let kinds: [(How, usize); 5] =
        [(bit_flipped, 3_000), (records_changed, 5_000), (tail_cut, 1_000), (old_copy, 500), (signed_anew, 500)];
    let all: Vec<How> = kinds.iter().flat_map(|(how, times)| std::iter::repeat_n(*how, *times)).collect();
    let next = AtomicUsize::new(0);
    let one = |number: usize, how: How| {
        let tampered = how(&before, &mut fastrand::Rng::with_seed(number as u64));
        match verify(&tampered.disk, tampered.follower) {
            Ok(events) => panic!("number {number} was not found, {events} events: {}", tampered.how),
            Err(error) => {
                let error = error.to_string();
                let all = tampered.said.iter().all(|words| error.contains(words.as_str()));
                assert!(all, "number {number}: {}: {error}, and not {:?}", tampered.how, tampered.said);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(how) = all.get(number) else { break };
                    one(number, *how);
                }
            });
        }
    });
    assert_eq!(all.len(), 10_000);
}

/// Where a flipped bit could pass for another way to write the same: titles, hashes, what stands between.
#[test]
fn a_flipped_bit_at_the_beginning_of_any_file_is_found() {
    let before = Before::new();
    for name in before.disk.names().expect("names") {
        if !name.starts_with("log-") && !name.starts_with("events-") {
            continue;
        }
        for bit in 0..200 * 8 {
            let disk = before.disk.after_kill();
            let mut is_there = true;
            disk.damage(&name, |bytes| match bytes.get_mut(bit / 8) {
                Some(byte) => *byte ^= 1 << (bit % 8),
                None => is_there = false,
            });
            let found = verify(&disk, Ok(before.all())).is_err();
            assert!(found || !is_there, "bit {bit} of {name}");
        }
    }
}

/// What can't be told apart from a bot that went on writing: said in docs/journal.md.
#[test]
fn what_was_added_after_the_newest_checkpoint_is_not_told() {
    let before = Before::new();
    let mut lines = before.lines.clone();
    lines.push((line(EVENTS as u64 + 1, "forged"), Hash::GENESIS));
    chain(&mut lines, EVENTS);
    let copied = before.copied.last().expect("there are some").clone();
    assert!(verify(&stored(&lines, false), Ok(copied)).is_ok());
}
