//! When checkpoints are made, and when none is.

use std::path::Path;

use integrations::clock::{Clock, ManualClock};
use operations::input::Input;

use super::*;

use crate::engine::{Request, Start as StartEngine, Started};
use crate::store::files::Files;

/// An engine and its checkpoints on a directory.
struct Bench {
    clock: ManualClock,
    engine: Engine,
    checkpoints: Checkpoints,
    thread: std::thread::JoinHandle<()>,
}

impl Bench {
    /// Starts, with a first event and the checkpoint of the start.
    async fn start(data: &Path) -> Bench {
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().expect("a time"));
        let store = Box::new(Files::open(data).expect("the store opens"));
        let shared = Arc::new(clock.clone());
        let (settings, metrics) = Default::default();
        let start = StartEngine { store, clock: shared.clone(), settings, metrics, crash: Crash::default() };
        let Started { engine, committed, thread, .. } = start.start().expect("the engine starts");
        engine.ask(event()).await.expect("it is taken");
        let (key, book) = (Key::open_or_make(data).expect("a key"), Book::open(data).expect("a book"));
        let start = Start {
            key,
            book,
            committed,
            clock: shared,
            engine: engine.clone(),
            ledgers: Vec::new(),
            crash: Crash::default(),
        };
        let mut bench = Bench { clock, engine, checkpoints: start.start(), thread };
        let seq = bench.seq().await;
        bench.covered(seq).await;
        bench
    }

    async fn seq(&self) -> u64 {
        self.engine.read(|state| state.seq).await.expect("it runs")
    }

    /// Waits for the checkpoint of this record.
    async fn covered(&mut self, seq: u64) {
        let is_it = |newest: &Option<Checkpoint>| newest.as_ref().is_some_and(|newest| newest.seq == seq);
        self.checkpoints.newest.wait_for(is_it).await.expect("the task runs");
    }

    /// Waits until a checkpoint is due at this moment.
    async fn due(&self, at: Timestamp) {
        while self.clock.next_wake() != Some(at) {
            tokio::task::yield_now().await;
        }
    }

    async fn stop(self) {
        self.engine.end(true).await;
        tokio::task::spawn_blocking(move || self.thread.join()).await.expect("it ends").expect("it ends well");
        self.checkpoints.ended().await;
    }
}

fn event() -> Request {
    Request::new(Input::Started { version: "x".to_owned() })
}

/// The records that a directory has checkpoints of.
fn kept(data: &Path) -> Vec<u64> {
    let found = book::checkpoints(&book::read(data).expect("it can be read")).expect("every line is whole");
    found.into_iter().map(|(_, it)| it.seq).collect()
}

#[tokio::test]
async fn an_event_is_covered_after_a_minute_and_nothing_is_made_where_nothing_happens() {
    let data = tempfile::tempdir().expect("a directory");
    let mut bench = Bench::start(data.path()).await;
    bench.clock.advance(Duration::from_secs(3600));
    for _ in 0..3 {
        bench.engine.ask(event()).await.expect("it is taken");
    }
    bench.due(after(bench.clock.now(), EVERY)).await;
    bench.clock.advance(EVERY - Duration::from_secs(1));
    assert_eq!(kept(data.path()), [1], "not before its time");
    bench.clock.advance(Duration::from_secs(1));
    bench.covered(4).await;
    bench.clock.advance(Duration::from_secs(3600));
    bench.engine.ask(event()).await.expect("it is taken");
    bench.due(after(bench.clock.now(), EVERY)).await;
    bench.clock.advance(EVERY);
    bench.covered(5).await;
    bench.stop().await;
    assert_eq!(kept(data.path()), [1, 4, 5]);
    crate::journal::verify(data.path()).expect("all of them fit");
}

#[tokio::test]
async fn a_thousand_events_are_covered_without_waiting() {
    let data = tempfile::tempdir().expect("a directory");
    let mut bench = Bench::start(data.path()).await;
    let mut last = None;
    for _ in 0..EVENTS {
        last = Some(bench.engine.send(event()).await.expect("it is taken"));
    }
    last.expect("one was sent").await.expect("it is kept");
    bench.covered(1 + EVENTS).await;
    bench.checkpoints.abort().await;
    assert_eq!(kept(data.path()), [1, 1 + EVENTS]);
}

#[tokio::test]
async fn the_last_event_is_covered_at_a_clean_stop_and_a_start_without_news_makes_none() {
    let data = tempfile::tempdir().expect("a directory");
    let bench = Bench::start(data.path()).await;
    bench.engine.ask(event()).await.expect("it is taken");
    bench.stop().await;
    assert_eq!(kept(data.path()), [1, 2]);
    Bench::start(data.path()).await.stop().await;
    assert_eq!(kept(data.path()), [1, 2, 3], "one of the start's own event");
}

#[tokio::test]
async fn one_that_could_not_be_kept_is_made_up_for() {
    let data = tempfile::tempdir().expect("a directory");
    let mut bench = Bench::start(data.path()).await;
    // A file that can't be written to, as on a disk that has become read-only.
    let read_only = Book::read_only(data.path());
    let good = bench.checkpoints.book.lock().expect("nobody panicked").replace(read_only);
    bench.engine.ask(event()).await.expect("it is taken");
    bench.checkpoints.now().await;
    assert_eq!(kept(data.path()), [1]);
    *bench.checkpoints.book.lock().expect("nobody panicked") = good;
    bench.due(after(bench.clock.now(), EVERY)).await;
    bench.clock.advance(EVERY);
    bench.covered(2).await;
    assert_eq!(kept(data.path()), [1, 2]);
}

#[tokio::test]
async fn a_bot_that_was_killed_writes_no_more() {
    let data = tempfile::tempdir().expect("a directory");
    let bench = Bench::start(data.path()).await;
    bench.engine.ask(event()).await.expect("it is taken");
    bench.checkpoints.abort().await;
    bench.engine.end(true).await;
    tokio::task::spawn_blocking(move || bench.thread.join()).await.expect("it ends").expect("it ends well");
    assert_eq!(kept(data.path()), [1]);
}
