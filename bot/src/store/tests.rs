//! What the store promises, on a disk that forgets, fails, fills up and is damaged.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use operations::effect::{Effect, Place};
use operations::event::Event;
use operations::ids::{IncidentId, Platform};
use operations::journal::{Hash, Record};
use operations::state::State;

use super::disk::Disk;
use super::files::{Files, ReadOnly};
use super::sim::{Plan, SimDisk};
use super::{Batch, Change, Line, Row, Snapshot, Store, StoreError, ballast, names};

/// A journal while it is being written, and what should be found of it.
struct Writer {
    store: Files,
    state: State,
    hash: Hash,
    open: Vec<Arc<Row>>,
    /// What everything would come to after the batch that was tried last.
    tried: (u64, Hash, Vec<Arc<Row>>),
}

impl Writer {
    fn on(disk: &SimDisk) -> Result<Writer, StoreError> {
        let mut store = Files::on(Arc::new(disk.clone()))?;
        let found = store.found()?;
        let (state, hash, _) = crate::engine::bring_back(found.state, &mut |from, take| store.read(from, take))?;
        let tried = (state.seq, hash, found.rows.clone());
        Ok(Writer { store, state, hash, open: found.rows, tried })
    }

    /// Commits a batch of so many events; the first effect that is open ends, and another is asked for.
    fn commit(&mut self, events: u64) -> Result<(), StoreError> {
        let mut batch = Batch::new(self.state.seq + 1);
        let (mut state, mut hash) = (self.state.clone(), self.hash);
        for _ in 0..events {
            let version = format!("{}{}", state.seq + 1, "x".repeat((state.seq % 7 * 300) as usize));
            let at = Timestamp::UNIX_EPOCH;
            let record = Record { seq: state.seq + 1, at, event: Event::Started { version } };
            let line = serde_json::to_vec(&record).expect("a record is JSON");
            hash = hash.then(&line);
            batch.push(&line, hash);
            state.apply(&record);
        }
        let mut open = self.open.clone();
        if open.len() > 3 {
            batch.changes.push(Change::Done(open.remove(0).key.clone()));
        }
        let place = Place::Room(Platform::Slack, IncidentId(1));
        let effect = Effect::Say { seq: state.seq, place, card: Box::default() };
        let key = effect.key().into();
        let row =
            Row { key, generation: state.seq, queued_at: Timestamp::UNIX_EPOCH, ahead: false, channel: None, effect };
        // Where nothing happened since, it takes the place of the one before.
        open.retain(|before| before.key != row.key);
        batch.changes.push(Change::Put(Arc::new(row)));
        open.push(Arc::new(match batch.changes.last() {
            Some(Change::Put(row)) => row.as_ref().clone(),
            _ => return Ok(()),
        }));
        self.tried = (state.seq, hash, open.clone());
        self.store.commit(&batch)?;
        (self.state, self.hash, self.open) = (state, hash, open);
        Ok(())
    }

    fn snapshot(&mut self) -> Result<(), StoreError> {
        let (state, hash, rows) = (self.state.clone(), self.hash, self.open.clone());
        self.store.snapshot(Snapshot { state, hash, rows, deliveries: Vec::new(), session: None }, true)
    }

    /// What everything comes to.
    fn sum(&self) -> (u64, Hash, Vec<Arc<Row>>) {
        (self.state.seq, self.hash, self.open.clone())
    }
}

/// A journal with some batches and snapshots.
fn written(disk: &SimDisk) -> (u64, Hash, Vec<Arc<Row>>) {
    let mut writer = Writer::on(disk).expect("it opens");
    for number in 1..=30 {
        writer.commit(number % 4 + 1).expect("it is committed");
        if number % 9 == 0 {
            writer.snapshot().expect("it is kept");
        }
    }
    writer.sum()
}

#[test]
fn after_200_power_cuts_everything_that_was_committed_is_there() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut cut_in_the_middle = 0;
    for number in 0..200 {
        let mut disk = SimDisk::default();
        let mut kept = (0, Hash::GENESIS, Vec::new());
        // The power is cut again and again on what the last cut left.
        for _ in 0..4 {
            disk.plan(Plan { cut_at: Some(random.u64(1..150)), ..Plan::default() });
            let mut tried = kept.clone();
            if let Ok(mut writer) = Writer::on(&disk) {
                assert_eq!(writer.sum(), kept, "cut {number}: found at the start");
                for batch in 0..200 {
                    // One that fails may be there or not: nobody was told that it is.
                    let committed = writer.commit(random.u64(0..4));
                    tried = writer.tried.clone();
                    if committed.is_err() {
                        break;
                    }
                    kept = writer.sum();
                    if batch % 7 == 6 && writer.snapshot().is_err() {
                        break;
                    }
                }
            }
            cut_in_the_middle += u32::from(disk.is_off());
            disk = disk.after_power_cut(&mut random);
            let found = Writer::on(&disk).unwrap_or_else(|error| panic!("cut {number}: {error}")).sum();
            let keys = |(seq, _, rows): &(u64, Hash, Vec<Arc<Row>>)| {
                (*seq, rows.iter().map(|row| row.key.to_string()).collect::<BTreeSet<_>>())
            };
            let is_one_of_them = [&kept, &tried].into_iter().any(|it| found.1 == it.1 && keys(&found) == keys(it));
            assert!(is_one_of_them, "cut {number}: {:?} of {:?} or {:?}", keys(&found), keys(&kept), keys(&tried));
            kept = found;
        }
    }
    assert!(cut_in_the_middle > 600, "{cut_in_the_middle} of 800 hit something");
}

#[test]
fn a_sync_that_fails_is_never_followed_by_another_commit_that_says_it_worked() {
    for sync in 4..12 {
        let disk = SimDisk::default();
        disk.plan(Plan { fail_sync: Some(sync), ..Plan::default() });
        let mut writer = Writer::on(&disk).expect("it opens");
        let mut committed = 0;
        let failed = loop {
            match writer.commit(1) {
                Ok(()) => committed = writer.state.seq,
                Err(error) => break error.to_string(),
            }
        };
        assert!(failed.contains("syncing the journal"), "{failed}");
        drop(writer);
        let found = Writer::on(&disk.after_power_cut(&mut fastrand::Rng::with_seed(sync))).expect("it opens");
        assert!(found.state.seq >= committed);
    }
}

#[test]
fn on_a_full_disk_nothing_that_was_kept_is_lost_and_with_room_it_goes_on() {
    for room in (3_000..20_000).step_by(611) {
        let disk = SimDisk::default();
        disk.plan(Plan { room: Some(room), ..Plan::default() });
        let Ok(mut writer) = Writer::on(&disk) else { continue };
        let refused = loop {
            if let Err(error) = writer.commit(2) {
                break error;
            }
        };
        assert!(matches!(&refused, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull));
        let kept = writer.sum();
        drop(writer);
        // It opens while the disk is full, and goes on with room.
        assert_eq!(Writer::on(&disk).expect("it opens on a full disk").sum(), kept);
        disk.plan(Plan::default());
        let mut writer = Writer::on(&disk).expect("it opens");
        writer.commit(2).expect("there is room");
        let kept = writer.sum();
        drop(writer);
        assert_eq!(Writer::on(&disk.after_kill()).expect("it opens").sum(), kept);
    }
}

const MEBIBYTE: usize = 1024 * 1024;

/// Leaves so much room on a disk.
fn leave(disk: &SimDisk, room: usize) {
    disk.plan(Plan { room: Some(usize::MAX), ..Plan::default() });
    let used = usize::MAX - disk.free().expect("it works").expect("it is known") as usize;
    disk.plan(Plan { room: Some(used + room), ..Plan::default() });
}

#[test]
fn a_full_disk_has_the_ballasts_room_for_what_is_open_and_the_ballast_comes_back() {
    let disk = SimDisk::default();
    leave(&disk, 100 * MEBIBYTE);
    let full = Arc::new(AtomicBool::new(false));
    let on = |disk: &SimDisk| {
        let mut writer = Writer::on(disk).expect("it opens");
        writer.store = writer.store.with_ballast(Arc::new(disk.clone())).telling(full.clone());
        writer
    };
    let ballast = |disk: &SimDisk| disk.size(ballast::NAME).expect("it works");
    let mut writer = on(&disk);
    writer.commit(2).expect("there is room");
    assert_eq!(ballast(&disk), Some(ballast::SIZE));
    assert!(!full.load(Ordering::Relaxed));
    leave(&disk, 100);
    writer.commit(2).expect("the ballast gives its room");
    assert_eq!(ballast(&disk), None);
    assert!(full.load(Ordering::Relaxed), "it is told at once");
    for _ in 0..200 {
        writer.commit(2).expect("there is room for what is open");
    }
    writer.snapshot().expect("a snapshot that is left out is no failure");
    assert!(!disk.names().expect("names").iter().any(|name| name.starts_with("state")), "its room is for what is open");
    // There is room again.
    leave(&disk, 100 * MEBIBYTE);
    writer.commit(2).expect("there is room");
    assert_eq!(ballast(&disk), Some(ballast::SIZE));
    writer.snapshot().expect("there is room");
    writer.commit(2).expect("there is room");
    let kept = writer.sum();
    drop(writer);
    // Started on a full disk, it has its ballast; and with that used up, it stops and has lost nothing.
    leave(&disk, 0);
    let mut writer = on(&disk);
    assert_eq!(writer.sum(), kept);
    writer.commit(2).expect("the ballast gives its room");
    leave(&disk, 0);
    let refused = writer.commit(2).expect_err("there is no room left").to_string();
    assert!(refused.contains("writing to the journal"), "{refused}");
    let kept = writer.sum();
    drop(writer);
    let disk = disk.after_kill();
    leave(&disk, 20 * MEBIBYTE);
    let mut writer = on(&disk);
    assert_eq!(writer.sum(), kept);
    assert_eq!(ballast(&disk), None, "it takes no room that is not there");
    leave(&disk, 100 * MEBIBYTE);
    writer.commit(2).expect("there is room");
    assert_eq!(ballast(&disk), Some(ballast::SIZE), "it is made as soon as there is");
}

#[test]
fn a_log_that_can_not_be_begun_on_a_full_disk_leaves_the_one_before_as_the_last() {
    for room in [0, 3, 8] {
        let disk = SimDisk::default();
        let mut writer = Writer::on(&disk).expect("it opens");
        writer.commit(2).expect("there is room");
        leave(&disk, room);
        writer.snapshot().expect("a snapshot that is left out is no failure");
        leave(&disk, MEBIBYTE);
        writer.commit(2).expect("there is room");
        let kept = writer.sum();
        // Also where the power is cut then.
        for seed in 0..20 {
            let mut random = fastrand::Rng::with_seed(seed);
            let found = Writer::on(&disk.after_power_cut(&mut random)).expect("it opens");
            assert!(found.sum() == kept, "room {room}, seed {seed}");
        }
        writer.snapshot().expect("there is room");
        writer.commit(1).expect("there is room");
        let kept = writer.sum();
        drop(writer);
        assert_eq!(Writer::on(&disk).expect("it opens").sum(), kept);
    }
}

#[test]
fn a_changed_byte_anywhere_is_found_or_does_no_harm() {
    let disk = SimDisk::default();
    let kept = written(&disk);
    let all = disk.names().expect("names");
    let (mut found, mut harmless) = (0, 0);
    for name in all {
        let mut length = 0;
        disk.damage(&name, |bytes| length = bytes.len());
        for at in (0..length).step_by(length / 150 + 1) {
            let damaged = disk.after_kill();
            damaged.damage(&name, |bytes| bytes[at] ^= 1 << (at % 8));
            let opened = Writer::on(&damaged).and_then(|writer| {
                let sum = writer.sum();
                // What stands in files that a start does not read is looked at by a check of the whole journal.
                let mut whole = ReadOnly::on(Arc::new(damaged.clone()))?;
                let mut hash = Hash::GENESIS;
                let mut last = 0;
                whole.read(&mut |line| {
                    hash = hash.then(line.bytes);
                    last = line.seq;
                    if hash == line.hash { Ok(()) } else { Err(StoreError::Damaged(String::new())) }
                })?;
                Ok((sum, last, hash))
            });
            match opened {
                Ok((sum, last, hash)) => {
                    assert_eq!((&sum, last, hash), (&kept, kept.0, kept.1), "{name} at {at}");
                    harmless += 1;
                }
                Err(_) => found += 1,
            }
        }
    }
    assert!(found > 100 && harmless > 20, "found {found}, harmless {harmless}");
}

#[test]
fn a_file_that_is_missing_or_cut_is_found_or_does_no_harm() {
    let disk = SimDisk::default();
    let kept = written(&disk);
    for name in disk.names().expect("names") {
        for cut in [true, false] {
            let damaged = disk.after_kill();
            if cut {
                damaged.damage(&name, |bytes| bytes.truncate(bytes.len() / 2));
            } else {
                damaged.remove(&name).expect("it is there");
            }
            if let Ok(writer) = Writer::on(&damaged) {
                let mut last = 0;
                let read = ReadOnly::on(Arc::new(damaged.clone())).and_then(|mut whole| {
                    whole.read(&mut |line| {
                        last = line.seq;
                        Ok(())
                    })
                });
                if read.is_ok() {
                    assert_eq!((writer.sum(), last), (kept.clone(), kept.0), "{name}, cut: {cut}");
                }
            }
        }
    }
}

#[test]
fn logs_go_and_their_events_stay() {
    let disk = SimDisk::default();
    let kept = written(&disk);
    let names = disk.names().expect("names");
    assert!(names::numbers(&names, "log").len() <= 2, "{names:?}");
    assert!(names::numbers(&names, "outbox").len() <= 2, "{names:?}");
    assert_eq!(names::runs(&names).last().map(|(_, last)| *last >= kept.0 - 12), Some(true), "{names:?}");
    let mut seqs = Vec::new();
    let mut whole = ReadOnly::on(Arc::new(disk)).expect("it opens");
    let mut take = |line: Line<'_>| {
        seqs.push(line.seq);
        Ok(())
    };
    whole.read(&mut take).expect("it can be read");
    assert_eq!(seqs, (1..=kept.0).collect::<Vec<_>>());
}

#[test]
fn a_journal_is_read_while_it_is_written() {
    let disk = SimDisk::default();
    let mut writer = Writer::on(&disk).expect("it opens");
    for number in 0..40 {
        writer.commit(3).expect("it is committed");
        if number % 5 == 4 {
            writer.snapshot().expect("it is kept");
        }
        let mut last = 0;
        let mut reader = ReadOnly::on(Arc::new(disk.clone())).expect("it can be looked at");
        assert_eq!(reader.found().rows.len(), writer.open.len());
        writer.commit(1).expect("it is committed");
        let mut take = |line: Line<'_>| {
            last = line.seq;
            Ok(())
        };
        reader.read(&mut take).expect("it can be read");
        assert_eq!(last, writer.state.seq - 1, "as it was when it was looked at");
    }
}
