//! Backing up and moving: an export that was taken while the bot works is a whole one, and a bot that goes on from it
//! goes on in the same chats.

use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bot::checkpoints::check::Against;
use bot::checkpoints::key::Key;
use bot::journal::{Summary, export, import, verify, verify_against};
use bot::store::files::ReadOnly;
use operations::journal::Record;
use operations::state::State;
use sandbox::faults::CallFault;
use tests::{Setup, World};

/// The state in JSON.
fn json(state: &State) -> String {
    serde_json::to_string(state).expect("a state is JSON")
}

/// Folds the records of an export, one after another.
fn replayed(export: &[u8]) -> String {
    let mut state = State::default();
    for line in std::str::from_utf8(export).expect("text").lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if let Some(record) = line.get("record") {
            let record: Record = serde_json::from_value(record["record"].clone()).expect("a record");
            state.apply(&record);
        }
    }
    json(&state)
}

fn state_in(data: &Path) -> String {
    json(&ReadOnly::open(data).and_then(|mut store| store.bring_back()).expect("it can be read").0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_while_alerts_flow_is_whole_wherever_it_falls() {
    let world = World::start_with(Setup { unlimited: true, ..Setup::default() }).await;
    let exported = AtomicBool::new(false);
    let flow = async {
        for number in 0..5_000 {
            let members = [("web-1", number % 3 != 2), ("web-2", true)];
            world.alerts(&format!("Alert{}", number % 20), &members).await;
            if exported.load(Ordering::Relaxed) {
                return;
            }
        }
        panic!("the exports don't come to an end");
    };
    let seq = async || world.bot().engine.read(|state| state.seq).await.expect("the bot runs");
    let exporting = async {
        let mut exports: Vec<(Summary, Vec<u8>)> = Vec::new();
        while exports.len() < 6 {
            let before = exports.last().map_or(0, |(summary, _)| summary.events);
            if seq().await < before + 5 {
                continue;
            }
            let data = world.data();
            let taken = tokio::task::spawn_blocking(move || {
                let mut to = Vec::new();
                export(&data, &mut to).map(|summary| (summary, to))
            });
            exports.push(taken.await.expect("it ends").expect("it can be exported"));
        }
        exported.store(true, Ordering::Relaxed);
        exports
    };
    let ((), exports) = tokio::join!(flow, exporting);
    world.settle().await;
    // Each is the journal as it was at one moment.
    let mut hashes = Vec::new();
    let mut store = ReadOnly::open(&world.data()).expect("it can be looked at");
    let mut take = |line: bot::store::Line<'_>| {
        hashes.push(line.hash);
        Ok(())
    };
    store.read(&mut take).expect("it can be read");
    for (summary, export) in &exports {
        let data = tempfile::tempdir().expect("a directory");
        let imported = import(&mut BufReader::new(export.as_slice()), data.path()).expect("it is whole");
        assert_eq!(imported, *summary);
        assert_eq!(verify(data.path()).expect("it holds"), *summary);
        assert_eq!(
            summary.hash,
            hashes[usize::try_from(summary.events).expect("few") - 1],
            "a part of the same journal"
        );
        assert_eq!(state_in(data.path()), replayed(export));
    }
    assert!(exports.is_sorted_by_key(|(summary, _)| summary.events));
    // And where nothing happens it is all that the bot knows.
    let mut last = Vec::new();
    export(&world.data(), &mut last).expect("it can be exported");
    assert_eq!(world.bot().engine.read(json).await.expect("the bot runs"), replayed(&last));
    // Verifying needs no pause either.
    assert_eq!(verify(&world.data()).expect("it holds").events as usize, hashes.len());
}

/// Stops the bot, takes an export, and goes on from it in another directory.
async fn move_to(world: &mut World, data: &Path) {
    let mut export = Vec::new();
    bot::journal::export(&world.data(), &mut export).expect("it can be exported");
    assert!(!String::from_utf8_lossy(&export).contains("/response/"), "no answer's address leaves the machine");
    import(&mut BufReader::new(export.as_slice()), data).expect("it can be imported");
    world.config.data_dir = data.to_owned();
    world.run(None).await;
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_on_an_import_goes_on_in_the_same_chats() {
    let mut world = World::start().await;
    world.alerts("HighErrorRate", &[("web-1", true)]).await;
    world.settle().await;
    world.slack().user("ann").types("general", "/ack A-1").await;
    world.slack().user("ann").types("general", "/incident declare A-1 Checkout fails").await;
    world.discord().user("bob").types("inc-1-…", "/incident note the cache is cold").await;
    world.stop().await;
    let elsewhere = tempfile::tempdir().expect("a directory");
    move_to(&mut world, &elsewhere.path().join("data")).await;
    world.discord().user("bob").types("inc-1-…", "/incident sev SEV1").await;
    world.alerts("HighErrorRate", &[("web-1", false)]).await;
    world.settle().await;
    for chat in world.chats() {
        let alerts = chat.channel("alerts");
        assert_eq!(alerts.count("HighErrorRate"), 1, "the card is edited where it was: {}", alerts.text());
        assert!(alerts.message("HighErrorRate").text.contains("resolved after"), "{}", alerts.text());
        assert_eq!(chat.channels("inc-1-"), 1, "the room is the one that there was");
        assert_eq!(chat.channel("incidents").count("Checkout fails"), 1);
        assert!(chat.channel("incidents").message("Checkout fails").text.contains("SEV1"));
        assert_eq!(chat.channel("inc-1-…").count("the cache is cold"), 1, "nothing is said twice");
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_open_when_it_was_exported_is_done_once() {
    let mut world = World::start().await;
    // Slack shows the card, and the bot never hears of it; Discord does not take it at all.
    world.sandbox.slack.fault("chat.postMessage", 1, CallFault::HangAfterWork);
    world.sandbox.discord.fault("POST /channels/{channel.id}/messages", 100, CallFault::Status { status: 503 });
    let mut changes = world.sandbox.changes();
    world.alerts("Disk", &[("db-1", true)]).await;
    while world.slack().channel("alerts").count("Disk") == 0 {
        changes.recv().await.expect("the sandbox runs");
    }
    world.kill().await;
    world.sandbox.discord.clear_faults();
    let elsewhere = tempfile::tempdir().expect("a directory");
    move_to(&mut world, &elsewhere.path().join("data")).await;
    world.alerts("Disk", &[("db-1", false)]).await;
    world.settle().await;
    for chat in world.chats() {
        let alerts = chat.channel("alerts");
        assert_eq!(alerts.count("Disk"), 1, "on {}: {}", chat.platform.title(), alerts.text());
        assert!(alerts.message("Disk").text.contains("resolved after"), "{}", alerts.text());
    }
}

/// As `docs/journal.md` says it is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_move_with_the_key_the_old_checkpoints_and_the_new_ones_fit_one_journal() {
    let mut world = World::start().await;
    world.alerts("HighErrorRate", &[("web-1", true)]).await;
    world.stop().await;
    let before = (state_in(&world.data()), verify(&world.data()).expect("it holds"));
    let (old, elsewhere) = (world.data(), tempfile::tempdir().expect("a directory"));
    let mut export = Vec::new();
    bot::journal::export(&old, &mut export).expect("it can be exported");
    import(&mut BufReader::new(export.as_slice()), elsewhere.path()).expect("it can be imported");
    let imported = verify(elsewhere.path()).expect("it holds");
    assert_eq!(
        (state_in(elsewhere.path()), imported.events, imported.hash),
        (before.0, before.1.events, before.1.hash)
    );
    for name in ["checkpoints.jsonl", "checkpoint.key"] {
        std::fs::copy(old.join(name), elsewhere.path().join(name)).expect("it is copied");
    }
    world.config.data_dir = elsewhere.path().to_owned();
    world.run(None).await;
    world.alerts("HighErrorRate", &[("web-1", false)]).await;
    world.stop().await;
    let key = Key::open(&old).expect("it can be read").expect("there is one").public();
    let against = Against { keys: vec![key], ..Against::default() };
    let (summary, fitting) = verify_against(elsewhere.path(), &against).expect("everything fits");
    assert!(summary.events > before.1.events && fitting.own > 2, "{fitting:?}");
    assert_eq!(fitting.newest.map(|(seq, _)| seq), Some(summary.events), "{fitting:?}");
}
