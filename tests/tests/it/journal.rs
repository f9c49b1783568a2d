//! The journal: exported, imported, checked.

use std::io::BufReader;

use tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_can_be_checked_and_imported_and_a_changed_one_is_found() {
    let mut world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world.discord().user("bob").types("inc-1-…", "/incident note the cache is cold").await;
    world.stop().await;
    let checked = bot::journal::verify(&world.data()).expect("the journal holds");
    let mut export = Vec::new();
    let exported = bot::journal::export(&world.data(), &mut export).expect("it can be exported");
    assert_eq!((exported.events, exported.hash), (checked.events, checked.hash));
    let elsewhere = tempfile::tempdir().expect("a directory");
    let imported =
        bot::journal::import(&mut BufReader::new(export.as_slice()), elsewhere.path()).expect("it can be imported");
    assert_eq!((imported.events, imported.hash), (exported.events, exported.hash));
    assert_eq!(bot::journal::verify(elsewhere.path()).expect("it holds").hash, exported.hash);
    // The tokens that answers need are in nothing that is exported.
    let text = String::from_utf8(export.clone()).expect("text");
    assert!(!text.contains("/response/") && !text.contains(world.sandbox.slack.bot_token()));
    // A changed, dropped or moved line is found.
    let lines: Vec<&str> = text.lines().collect();
    let check = |lines: Vec<&str>| bot::journal::verify_export(&mut BufReader::new(lines.join("\n").as_bytes()));
    assert!(check(lines.clone()).is_ok());
    let changed = text.replace("the cache is cold", "the cache is warm");
    assert!(check(changed.lines().collect()).is_err());
    let mut dropped = lines.clone();
    dropped.remove(2);
    assert!(check(dropped).is_err());
    let mut moved = lines.clone();
    moved.swap(1, 2);
    assert!(check(moved).is_err());
    // So is one that was cut off, wherever.
    for end in 0..lines.len() {
        let said = check(lines[..end].to_vec()).expect_err("it is not whole").to_string();
        assert!(said.contains("no whole export"), "{end}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_data_is_refused_with_who_holds_it() {
    let world = World::start().await;
    let options = bot::app::Options { clock: std::sync::Arc::new(world.clock.clone()), crash: Default::default() };
    let refused = bot::app::App::start(&world.config, options).await.err().expect("it is refused").to_string();
    assert!(refused.contains("process"), "{refused}");
}

#[test]
fn a_journal_that_is_not_there_is_not_taken_for_an_empty_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let refused = bot::journal::verify(directory.path()).expect_err("there is nothing to verify").to_string();
    assert!(refused.contains("there is no journal in"), "{refused}");
    assert_eq!(std::fs::read_dir(directory.path()).expect("it can be read").count(), 0, "nothing was made there");
}

/// Damage anywhere in the journal's files is found or does no harm; nothing that was found is made worse.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_journal_is_never_taken_for_a_shorter_one() {
    let mut world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    for number in 0..10 {
        world.discord().user("bob").types("inc-1-…", &format!("/incident note the cache is cold {number}")).await;
    }
    world.kill().await;
    let whole = bot::journal::verify(&world.data()).expect("the journal holds");
    let log = world.data().join("journal/log-000000000001");
    let good = std::fs::read(&log).expect("the log");
    let (mut found, mut harmless) = (0, 0);
    for at in (0..good.len()).step_by(good.len() / 60 + 1) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        std::fs::write(&log, &bad).expect("it can be written");
        match bot::journal::verify(&world.data()) {
            Ok(summary) => {
                assert_eq!((summary.events, summary.hash), (whole.events, whole.hash), "byte {at}");
                harmless += 1;
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("damaged") || said.contains("record"), "byte {at}: {said}");
                let left = std::fs::read(&log).expect("the log");
                assert!(left == bad, "byte {at}: the evidence is left as it was found");
                found += 1;
            }
        }
    }
    assert!(found > 50, "found {found}, harmless {harmless}");
    std::fs::write(&log, &good).expect("it can be written");
    assert_eq!(bot::journal::verify(&world.data()).expect("mended").hash, whole.hash);
}

#[test]
fn an_import_that_fails_leaves_the_directory_empty() {
    let directory = tempfile::tempdir().expect("a directory");
    let import = || bot::journal::import(&mut BufReader::new(&b"{\"format\":1}\n"[..]), directory.path());
    assert!(import().is_err_and(|error| error.to_string().contains("no whole export")));
    assert!(import().is_err_and(|error| error.to_string().contains("no whole export")), "and can be tried again");
}

#[test]
fn an_export_that_a_newer_muster_wrote_is_refused_in_words() {
    let newer_format = b"{\"format\":2}\n".to_vec();
    let line = r#"{"seq":1,"at":"2026-01-01T00:00:00Z","event":{"Levitated":{"how":"high"}}}"#;
    let hash = operations::journal::Hash::GENESIS.then(line.as_bytes());
    let newer_kind = format!(
        "{{\"format\":1}}\n{{\"record\":{{\"hash\":\"{hash}\",\"record\":{line}}}}}\n{{\"end\":{{\"events\":1,\"hash\":\"{hash}\",\"effects\":0}}}}\n"
    );
    for (export, names) in [(newer_format, "format 2"), (newer_kind.into_bytes(), "record 1")] {
        let directory = tempfile::tempdir().expect("a directory");
        let checked = bot::journal::verify_export(&mut BufReader::new(export.as_slice())).map(|_| ());
        let imported = bot::journal::import(&mut BufReader::new(export.as_slice()), directory.path()).map(|_| ());
        for refused in [checked, imported] {
            let said = refused.expect_err("it is refused").to_string();
            assert!(said.contains(names) && said.contains("newer"), "{said}");
        }
    }
}

/// Whoever has a checkpoint and the key can check a backup by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_checked_against_a_checkpoint_that_was_kept() {
    let mut world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world.stop().await;
    let copy = std::fs::read_to_string(world.data().join("checkpoints.jsonl")).expect("there are some");
    let found = operations::checkpoint::find(&copy).expect("they are whole");
    let copies = found.into_iter().map(|(line, it)| (format!("copy, line {line}"), it)).collect();
    let key = bot::checkpoints::key::Key::open(&world.data()).expect("it can be read").expect("there is one");
    let against = bot::checkpoints::check::Against { copies, keys: vec![key.public()] };
    let check = |export: &[u8], against| bot::journal::verify_export_against(&mut BufReader::new(export), against);
    let export = |data: &std::path::Path| {
        let mut export = Vec::new();
        bot::journal::export(data, &mut export).expect("it can be exported");
        export
    };
    check(&export(&world.data()), &against).expect("it fits");
    let no_key = bot::checkpoints::check::Against { keys: Vec::new(), ..against.clone() };
    let said = check(&export(&world.data()), &no_key).expect_err("there is no key").to_string();
    assert!(said.contains("--key"), "{said}");
    // A journal of another time with the same words has other hashes.
    let other = World::start().await;
    other.advance(std::time::Duration::from_secs(5)).await;
    other.slack().user("ann").types("general", "/incident declare Search is slow").await;
    let said = check(&export(&other.data()), &against).expect_err("it is another journal").to_string();
    assert!(said.contains("copy, line") && said.contains("is not"), "{said}");
}
