//! An older Muster on what a newer one wrote: it says so, and leaves every file as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bot::app::{App, Options};
use bot::crash::Crash;
use bot::store::files::Files;
use bot::store::{Batch, Store};
use sandbox::faults::CallFault;
use sha2::{Digest, Sha256};
use tests::{World, copy_directory};

/// What is newer, how it is made so, and what is said of it.
type Newer = (&'static str, fn(&Path), &'static str);

/// Every file below a directory, but the note of who runs there.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("it can be read").flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.file_name() != "muster.lock" {
            found.insert(entry.path(), fs::read(entry.path()).expect("it can be read"));
        }
    }
    found
}

/// The newest file of a kind.
fn newest(data: &Path, kind: &str) -> PathBuf {
    let names = fs::read_dir(data.join("journal")).expect("it can be read").flatten().map(|entry| entry.path());
    let is_one = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(kind));
    names.filter(is_one).max().unwrap_or_else(|| panic!("there is no {kind}"))
}

/// Says in its first line that it has format 9.
fn of_format_9(path: &Path) {
    let mut bytes = fs::read(path).expect("it can be read");
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("it has a title");
    bytes[end - 1] = b'9';
    fs::write(path, bytes).expect("it can be written");
}

/// Puts another effect in the place of one, with a check sum that fits.
fn with_an_unknown_effect(data: &Path) {
    let path = newest(data, "outbox-");
    let bytes = fs::read(&path).expect("it can be read");
    let text = String::from_utf8(bytes[..bytes.len() - 32].to_vec()).expect("JSON");
    assert!(text.contains("\"ShowCard\""), "a card is still to be shown: {text}");
    let mut changed = text.replace("\"ShowCard\"", "\"SingCard\"").into_bytes();
    changed.extend(Sha256::digest(&changed));
    fs::write(path, changed).expect("it can be written");
}

/// Adds a record of a kind that is not known, with a hash that fits.
fn with_an_unknown_event(data: &Path) {
    let mut store = Files::open(data).expect("it opens");
    let (state, hash) = store.found().expect("it can be read").state.expect("there is a snapshot");
    let seq = state.seq + 1;
    let line = format!(r#"{{"seq":{seq},"at":"2026-01-01T00:00:00Z","event":{{"Levitated":{{"how":"high"}}}}}}"#);
    let mut batch = Batch::new(seq);
    batch.push(line.as_bytes(), hash.then(line.as_bytes()));
    store.commit(&batch).expect("it is committed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_journal_is_refused_in_words_and_every_file_stays_as_it_is() {
    let mut world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    // Twice, so that there are events that were put by.
    for _ in 0..2 {
        world.stop().await;
        world.run(None).await;
    }
    world.sandbox.discord.fault("POST /channels/{channel.id}/messages", 100, CallFault::Status { status: 503 });
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    world.stop().await;
    let newer: [Newer; 6] = [
        ("a log", |data| of_format_9(&newest(data, "log-")), "format 9"),
        ("a snapshot's effects", |data| of_format_9(&newest(data, "outbox-")), "format 9"),
        ("a snapshot's state", |data| of_format_9(&newest(data, "state-")), "format 9"),
        ("events that were put by", |data| of_format_9(&newest(data, "events-")), "format 9"),
        ("an effect", with_an_unknown_effect, "newer Muster"),
        ("an event", with_an_unknown_event, "newer Muster"),
    ];
    for (what, make, says) in newer {
        let directory = tempfile::tempdir().expect("a directory");
        let mut config = world.config.clone();
        config.data_dir = directory.path().to_owned();
        copy_directory(&world.data(), directory.path());
        make(directory.path());
        let before = files(directory.path());
        let options = Options { clock: Arc::new(world.clock.clone()), crash: Crash::default() };
        match App::start(&config, options).await {
            Err(refused) => assert!(refused.to_string().contains(says), "{what}: {refused}"),
            // What is not read at a start is read by whoever wants the whole journal.
            Ok(app) => {
                assert_eq!(what, "events that were put by");
                app.kill().await;
            }
        }
        // A snapshot's state is a cache, which an export and a check do not look at.
        if what != "a snapshot's state" {
            for said in [
                bot::journal::verify(directory.path()).map(|_| ()),
                bot::journal::export(directory.path(), &mut Vec::new()).map(|_| ()),
            ] {
                let said = said.expect_err(what).to_string();
                assert!(said.contains(says), "{what}: {said}");
            }
        }
        if what != "events that were put by" {
            assert!(files(directory.path()) == before, "{what}: a file was changed");
        }
    }
}
