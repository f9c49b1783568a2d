//! How fast a long journal is checked.

use std::time::Instant;

use bot::checkpoints::book::Book;
use bot::checkpoints::key::Key;
use bot::store::files::{Files, ReadOnly};
use bot::store::{Snapshot, Store};
use integrations::clock::{Clock, SystemClock};

/// Checks a journal of so many events with a checkpoint for every so many: as it is written to the log, and put by.
pub(crate) fn verify(events: u64, checkpoint_every: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path();
    crate::start::write_journal(data, events);
    write_checkpoints(data, checkpoint_every.max(1));
    check(data, "in the log");
    let mut reader = ReadOnly::open(data).expect("the journal opens");
    let (state, hash, _) = reader.bring_back().expect("it can be read");
    let mut store = Files::open(data).expect("the store opens");
    let snapshot = Snapshot { state, hash, rows: Vec::new(), deliveries: Vec::new(), session: None };
    store.snapshot(snapshot, true).expect("it is kept");
    drop(store);
    check(data, "put by");
}

fn write_checkpoints(data: &std::path::Path, every: u64) {
    let key = Key::open_or_make(data).expect("a key");
    let mut lines = String::new();
    let mut reader = ReadOnly::open(data).expect("the journal opens");
    let mut last = None;
    let read = reader.read(&mut |line| {
        last = Some((line.seq, line.hash));
        if line.seq % every == 0 {
            lines.push_str(&key.sign(line.seq, line.hash, SystemClock.now()).line());
            lines.push('\n');
        }
        Ok(())
    });
    read.expect("it can be read");
    std::fs::write(data.join(bot::checkpoints::book::NAME), lines).expect("they are written");
    let (seq, hash) = last.expect("there are events");
    Book::open(data).expect("it opens").add(&key.sign(seq, hash, SystemClock.now())).expect("it is added");
}

fn check(data: &std::path::Path, what: &str) {
    let begun = Instant::now();
    let (summary, fitting) = bot::journal::verify_against(data, &Default::default()).expect("everything fits");
    let took = begun.elapsed().as_secs_f64();
    println!(
        "verify {} events and {} checkpoints, {what}: {:.2} s, {:.0} events/s",
        summary.events,
        fitting.own,
        took,
        summary.events as f64 / took
    );
}
