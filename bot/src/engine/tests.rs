//! What the engine promises, on a real store in a directory of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use integrations::clock::ManualClock;
use operations::alert::{Alert, Received, Told};
use operations::chat::Actor;
use operations::command::{AlertAsk, Command};
use operations::ids::{ChannelId, GroupId, Platform, UserRef};
use operations::input::Input;
use operations::labels::Labels;
use operations::settings::{Seat, Settings};

use super::*;
use crate::crash::{Crash, Dies, Point};
use crate::metrics::Metrics;
use crate::store::disk::Disk;
use crate::store::files::Files;
use crate::store::sim::{Plan, SimDisk};
use crate::store::{Store, ballast};

fn start(directory: &Path, crash: Option<(Point, u64)>) -> Started {
    let crash = crash.map(|(point, pass)| Crash::at(point, pass, Dies::Bot)).unwrap_or_default();
    let store = Files::open(directory).expect("the store opens").with_crash(crash.clone());
    let seat = Seat {
        workspace: "T1".to_owned(),
        alerts: ChannelId::from("C1"),
        incidents: ChannelId::from("C2"),
        operators: None,
        fallback: None,
        checkpoints: None,
        deploys: None,
        services: Default::default(),
    };
    let settings = Settings { chats: [(Platform::Slack, seat)].into(), ..Settings::default() };
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().expect("a time")));
    Start { store: Box::new(store), clock, settings, metrics: Metrics::default(), crash }
        .start()
        .expect("the engine starts")
}

async fn stop(started: Started) {
    drop(started.engine);
    tokio::task::spawn_blocking(move || started.thread.join()).await.expect("it ends").expect("it ends well");
}

fn alert(name: &str) -> Request {
    let alert = Alert {
        fingerprint: name.into(),
        labels: Labels::from([("alertname", name.into())]),
        annotations: Labels::default(),
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: None,
        source_url: None,
    };
    Request::new(Input::Alerts(Received {
        source: "am".into(),
        key: name.into(),
        group_labels: Labels::default(),
        alerts: vec![Told { alert, firing: true }],
        truncated: 0,
        source_url: None,
    }))
}

fn acknowledge(group: u64, delivery: &str) -> Request {
    let user = UserRef { platform: Platform::Slack, workspace: "T1".to_owned(), user: "U1".to_owned() };
    let command = Command::Alert { group: Some(GroupId(group)), ask: AlertAsk::Acknowledge };
    let by = Actor { user, name: "ann".into() };
    let delivery = Some(delivery.to_owned());
    Request { delivery, ..Request::new(Input::Command { by, channel: None, command }) }
}

async fn state(engine: &Engine) -> String {
    engine.read(|state| serde_json::to_string(state).expect("a state is JSON")).await.expect("the engine runs")
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart_and_the_state_is_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let started = start(directory.path(), None);
    for number in 0..50 {
        started.engine.ask(alert(&format!("a{number}"))).await.expect("it is taken");
    }
    started.engine.ask(acknowledge(7, "d1")).await.expect("it is taken");
    let before = state(&started.engine).await;
    stop(started).await;
    // Once from the snapshot, once from the journal alone.
    for snapshot in [true, false] {
        if !snapshot {
            for entry in std::fs::read_dir(directory.path().join("journal")).expect("the journal").flatten() {
                if entry.file_name().to_string_lossy().starts_with("state-") {
                    std::fs::remove_file(entry.path()).expect("it is removed");
                }
            }
        }
        let started = start(directory.path(), None);
        assert_eq!(started.replayed == 0, snapshot);
        assert_eq!(state(&started.engine).await, before);
        assert_eq!(started.rows.len(), 50, "the cards are still to be shown");
        stop(started).await;
    }
}

#[tokio::test]
async fn a_delivery_counts_once_even_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let started = start(directory.path(), None);
    started.engine.ask(alert("a")).await.expect("it is taken");
    assert!(!started.engine.ask(acknowledge(1, "d1")).await.expect("it is taken").repeated);
    assert!(started.engine.ask(acknowledge(1, "d1")).await.expect("it is taken").repeated);
    stop(started).await;
    let started = start(directory.path(), None);
    assert!(started.engine.ask(acknowledge(1, "d1")).await.expect("it is taken").repeated);
    stop(started).await;
}

#[tokio::test]
async fn a_halt_before_a_commit_answers_nothing_and_keeps_nothing() {
    for (halt, kept) in [((Point::JournalAppendBefore, 2), 1), ((Point::JournalSyncAfter, 2), 2)] {
        let directory = tempfile::tempdir().expect("a directory");
        let started = start(directory.path(), Some(halt));
        started.engine.ask(alert("a")).await.expect("the first one is taken");
        assert_eq!(started.engine.ask(alert("b")).await, Err(NotTaken::Stopped), "{halt:?}");
        stop(started).await;
        let started = start(directory.path(), None);
        let groups = started.engine.read(|state| state.groups.len()).await;
        assert_eq!(groups, Ok(kept), "{halt:?}");
        stop(started).await;
    }
}

/// Nothing new is taken, what is asked is answered, and with room everything goes on by itself.
#[tokio::test]
async fn on_a_full_disk_commands_are_told_so_and_what_only_reads_works() {
    let disk = SimDisk::default();
    let room = |bytes| disk.plan(Plan { room: Some(bytes), ..Plan::default() });
    room(100 * 1024 * 1024);
    let full = Arc::new(AtomicBool::new(false));
    let files = Files::on(Arc::new(disk.clone())).expect("it opens");
    let store = Box::new(files.with_ballast(Arc::new(disk.clone())).telling(full.clone()));
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().expect("a time")));
    let settings = Settings::default();
    let started = Start { store, clock, settings, metrics: Metrics::default(), crash: Crash::default() }
        .start()
        .expect("the engine starts");
    started.engine.ask(alert("a")).await.expect("it is taken");
    // The disk fills up at once, before anybody has looked.
    let free = disk.free().expect("it works").expect("it is known");
    room(100 * 1024 * 1024 - usize::try_from(free).expect("a size"));
    started.engine.ask(alert("b")).await.expect("what was asked for has the ballast's room");
    assert!(full.load(Ordering::Relaxed), "webhooks are refused from now on");
    let seen = async |free: u64| {
        let vitals = operations::vitals::Vitals { disk_free: Some(free), ..Default::default() };
        started.engine.ask(Request::new(Input::Vitals(Box::new(vitals)))).await.expect("it goes on")
    };
    seen(disk.free().expect("it works").expect("it is known")).await;
    let told = async |delivery: &str, command| {
        let user = UserRef { platform: Platform::Slack, workspace: "T1".to_owned(), user: "U1".to_owned() };
        let by = Actor { user, name: "ann".into() };
        let delivery = Some(delivery.to_owned());
        let request = Request { delivery, ..Request::new(Input::Command { by, channel: None, command }) };
        format!("{:?}", started.engine.ask(request).await.expect("it is answered").answer)
    };
    let acknowledges = || Command::Alert { group: Some(GroupId(1)), ask: AlertAsk::Acknowledge };
    let refused = told("d1", acknowledges()).await;
    assert!(refused.contains("disk is full"), "{refused}");
    assert!(told("d2", Command::Status).await.contains("disk"), "the status says it");
    assert!(told("d3", Command::ListAlerts).await.contains("A-1"), "what only reads works");
    room(300 * 1024 * 1024);
    seen(200 * 1024 * 1024).await;
    let done = told("d4", acknowledges()).await;
    assert!(!done.contains("disk is full"), "{done}");
    assert_eq!(disk.size(ballast::NAME).expect("it works"), Some(16 * 1024 * 1024), "the ballast is there again");
    stop(started).await;
}

#[tokio::test]
async fn an_effect_that_was_asked_for_again_is_not_closed_by_an_older_outcome() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut started = start(directory.path(), None);
    started.engine.ask(alert("a")).await.expect("it is taken");
    let Some(Change::Put(first)) = started.changes.recv().await.and_then(|changes| changes.into_iter().next()) else {
        panic!("the card is to be shown");
    };
    started.engine.ask(acknowledge(1, "d1")).await.expect("it is taken");
    let finished = Some((first.key.clone(), first.generation));
    let outcome = operations::effect::Outcome::Done;
    let request = Request { finished, ..Request::new(Input::Done { effect: first.effect.clone(), outcome }) };
    started.engine.ask(request).await.expect("it is taken");
    stop(started).await;
    let started = start(directory.path(), None);
    assert_eq!(started.rows.len(), 1, "the newer one is still open");
    stop(started).await;
}

#[tokio::test]
async fn a_journal_of_a_newer_format_is_refused_in_words() {
    let directory = tempfile::tempdir().expect("a directory");
    stop(start(directory.path(), None)).await;
    for entry in std::fs::read_dir(directory.path().join("journal")).expect("the journal").flatten() {
        let mut bytes = std::fs::read(entry.path()).expect("a file");
        if let Some(at) = bytes.iter().position(|byte| *byte == b'\n').filter(|_| bytes.starts_with(b"muster ")) {
            bytes[at - 1] = b'9';
            std::fs::write(entry.path(), bytes).expect("it is written");
        }
    }
    let refused = Files::open(directory.path()).err().expect("it is refused").to_string();
    assert!(refused.contains("format 9"), "{refused}");
}

/// A newer Muster may add kinds of events without another format: an older one must not go on as if they were none.
#[tokio::test]
async fn a_record_of_a_kind_that_is_not_known_is_named_and_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let started = start(directory.path(), None);
    started.engine.ask(alert("a")).await.expect("it is taken");
    let seq = started.engine.read(|state| state.seq).await.expect("it runs");
    stop(started).await;
    let mut store = Files::open(directory.path()).expect("the store opens");
    let (_, hash) = store.found().expect("it can be read").state.expect("there is a snapshot");
    let line = format!(r#"{{"seq":{},"at":"2026-01-01T00:00:00Z","event":{{"Levitated":{{"how":"high"}}}}}}"#, seq + 1);
    let mut batch = crate::store::Batch::new(seq + 1);
    batch.push(line.as_bytes(), hash.then(line.as_bytes()));
    store.commit(&batch).expect("it is committed");
    drop(store);
    let settings = Settings::default();
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let store = Box::new(Files::open(directory.path()).expect("the store opens"));
    let refused = Start { store, clock, settings, metrics: Metrics::default(), crash: Crash::default() }.start().err();
    let by_start = refused.expect("it does not start").to_string();
    let by_verify = crate::journal::verify(directory.path()).expect_err("it is refused").to_string();
    for said in [by_start, by_verify] {
        assert!(said.contains(&format!("record {}", seq + 1)) && said.contains("`Levitated`"), "{said}");
        assert!(said.contains("newer Muster") && said.len() < 250, "{said}");
    }
}

#[test]
fn a_data_directory_from_before_the_first_version_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("store")).expect("it is made");
    let refused = Files::open(directory.path()).err().expect("it is refused").to_string();
    assert!(refused.contains("Export it"), "{refused}");
}
