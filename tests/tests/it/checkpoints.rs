//! Checkpoints: made while the bot works, copied to chats and the wiki, and what they tell.

use std::path::Path;
use std::time::Duration;

use bot::checkpoints::check::Against;
use bot::checkpoints::key::Key;
use bot::journal::verify_against;
use operations::checkpoint::{Checkpoint, find};
use operations::vitals::Trouble;
use sandbox::faults::CallFault;
use tests::{Chat, World, copy_directory};

/// A world whose checkpoints are copied to both chats' `#general` and to the wiki.
async fn world() -> World {
    let mut world = World::start().await;
    world.stop().await;
    let (slack, discord) = (world.sandbox.slack.channel_id("general"), world.sandbox.discord.channel_id("general"));
    let lines = format!(
        "\n[journal]\ncheckpoint_to = {{ slack = {:?}, discord = {:?} }}\ncheckpoint_wiki = true\n",
        slack.expect("there is one"),
        discord.expect("there is one")
    );
    world.config = bot::demo::add_to_config(world.directory(), &world.sandbox, &lines).expect("the additions hold");
    world.run(None).await;
    world.settle().await;
    world
}

/// The checkpoints that people see.
fn posted(chat: Chat<'_>) -> Vec<Checkpoint> {
    let text: Vec<String> = chat.channel("general").messages.into_iter().map(|message| message.text).collect();
    let found = find(&text.join("\n")).expect("what is posted can be read back");
    let mut found: Vec<Checkpoint> = found.into_iter().map(|(_, it)| it).collect();
    // Slack shows a message's words in its notification, too.
    found.dedup();
    found
}

fn in_the_wiki(world: &World) -> Vec<Checkpoint> {
    let text = std::fs::read_to_string(world.data().join("wiki/checkpoints.jsonl")).expect("the wiki has them");
    find(&text).expect("they are whole").into_iter().map(|(_, it)| it).collect()
}

/// Stops the bot while time goes on: what is posted last may have to wait for a chat's limits.
async fn stop(world: &mut World) {
    let app = world.app.take().expect("the bot runs");
    world.while_working(app.stop()).await;
}

/// The last event on disk and the records of all local checkpoints.
fn local(data: &Path) -> (u64, Vec<u64>) {
    let (summary, _) = verify_against(data, &Against::default()).expect("everything fits");
    let text = std::fs::read_to_string(data.join("checkpoints.jsonl")).expect("they are there");
    let found = find(&text).expect("they are whole");
    (summary.events, found.into_iter().map(|(_, it)| it.seq).collect())
}

fn against(copies: &[Checkpoint]) -> Against {
    Against { copies: copies.iter().map(|it| ("chat".to_owned(), it.clone())).collect(), ..Against::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_covered_after_a_minute_and_at_a_clean_stop() {
    let mut world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world.advance(Duration::from_secs(61)).await;
    let newest = world.bot().newest_checkpoint();
    let last = world.bot().engine.read(|state| state.seq).await.expect("the bot runs");
    assert_eq!(newest.as_ref().map(|it| it.seq), Some(last));
    let (events, made) = local(&world.data());
    assert_eq!(made.last(), Some(&events), "also while the bot runs");
    world.discord().user("bob").types("inc-1-…", "/incident note the cache is cold").await;
    world.stop().await;
    let (events, made) = local(&world.data());
    assert!(events > last);
    assert_eq!(made.last(), Some(&events));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_stand_in_both_chats_and_the_wiki_without_noise() {
    let mut world = world().await;
    let data = world.data();
    let at_start = posted(world.slack());
    assert_eq!(at_start.len(), 1, "one of the start: {at_start:?}");
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world.advance(Duration::from_secs(300)).await;
    assert_eq!(posted(world.slack()), at_start, "not another so soon");
    // Slack shows the next one, and the bot does not hear of it at first.
    world.sandbox.slack.fault("chat.postMessage", 1, CallFault::DropAfterWork);
    world.advance(Duration::from_secs(400)).await;
    assert_eq!(posted(world.slack()).len(), 2);
    assert_eq!(world.slack().channel("general").count("Checkpoint of the journal"), 2, "nothing is posted twice");
    // Then nothing happens: nothing is posted any more, and the journal does not grow by what was.
    let before = world.bot().engine.read(|state| state.seq).await.expect("the bot runs");
    world.slack().user("ann").types("general", "/incident resolve INC-1").await;
    for _ in 0..30 {
        // In small steps, so that no socket is given up.
        world.advance(Duration::from_secs(100)).await;
    }
    let quiet = posted(world.slack());
    let seq = world.bot().engine.read(|state| state.seq).await.expect("the bot runs");
    assert!(seq > before && quiet.len() == 3 && quiet.last().is_some_and(|it| it.seq == seq), "{seq}: {quiet:?}");
    world.slack().user("ann").types("general", "/incident reopen INC-1").await;
    stop(&mut world).await;
    assert_eq!(posted(world.slack()).len(), 4, "and one at the stop");
    for copies in [posted(world.slack()), posted(world.discord()), in_the_wiki(&world)] {
        assert_eq!(copies, posted(world.slack()));
        let (_, fitting) = verify_against(&data, &against(&copies)).expect("every copy fits");
        assert_eq!(fitting.copies, 4);
    }
    for chat in world.chats() {
        assert_eq!(chat.notifications(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_chat_is_down_only_the_newest_waits_for_it() {
    let world = world().await;
    let before = posted(world.slack());
    world.sandbox.slack.fault("chat.postMessage", 1_000, CallFault::Status { status: 503 });
    for number in 0..3 {
        world.discord().user("bob").types("general", &format!("/incident declare Search is slow {number}")).await;
        world.advance(Duration::from_secs(700)).await;
    }
    assert_eq!(posted(world.slack()), before);
    let meanwhile = posted(world.discord()).split_off(before.len());
    let (newest, older) = meanwhile.split_last().expect("Discord has them");
    assert!(older.len() > 1, "{meanwhile:?}");
    world.sandbox.slack.clear_faults();
    world.advance(Duration::from_secs(600)).await;
    let after = posted(world.slack()).split_off(before.len());
    assert!(after.first().is_some_and(|first| first.seq >= newest.seq), "{after:?}, and none of {older:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_copy_of_the_whole_directory_is_found_by_what_stands_in_the_chat() {
    let mut world = world().await;
    stop(&mut world).await;
    let (data, old) = (world.data(), tempfile::tempdir().expect("a directory"));
    copy_directory(&data, old.path());
    world.run(None).await;
    world.slack().user("ann").types("general", "/incident declare Nobody is to know of this").await;
    stop(&mut world).await;
    for chat in world.chats() {
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
    let copies = posted(world.discord());
    verify_against(&data, &against(&copies)).expect("nothing is wrong yet");
    verify_against(old.path(), &Against::default()).expect("an old copy is whole in itself");
    let refused = verify_against(old.path(), &against(&copies)).expect_err("it is found").to_string();
    assert!(refused.contains("the end is missing") && refused.contains("chat"), "{refused}");
    // Of another bot's journal it says so as well.
    let other = World::start().await;
    let keys = vec![Key::open(&data).expect("it can be read").expect("there is a key").public()];
    let refused = verify_against(&other.data(), &Against { keys, copies: Vec::new() }).expect_err("it is found");
    assert!(refused.to_string().contains("signed with the key"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_is_not_its_checkpoints_is_told_of_until_that_is_cleared_up() {
    let mut world = World::start().await;
    world.stop().await;
    let book = world.data().join("checkpoints.jsonl");
    let sound = std::fs::read_to_string(&book).expect("there are some");
    // The end of the journal is gone: there is a checkpoint of what it said there.
    let key = Key::open(&world.data()).expect("it can be read").expect("there is one");
    let ahead = find(&sound).expect("they are whole").pop().map(|(_, it)| key.sign(it.seq + 1_000, it.hash, it.at));
    let ahead = ahead.expect("there is one").line();
    std::fs::write(&book, format!("{sound}{ahead}\n")).expect("it is written");
    let stands = |state: &operations::state::State| state.troubles.contains_key(&Trouble::JournalUnlike);
    for start in ["the first start", "the next start, whose newest checkpoint fits"] {
        world.run(None).await;
        for _ in 0..12 {
            world.advance(Duration::from_secs(10)).await;
        }
        assert!(world.read(stands).await, "{start}");
        let told = world.slack().channel("incidents");
        assert_eq!(told.count("is not the one that its checkpoints are of"), 1, "{start}: {}", told.text());
        world.stop().await;
    }
    // Somebody has accounted for it.
    let text = std::fs::read_to_string(&book).expect("it is there").replace(&format!("{ahead}\n"), "");
    std::fs::write(&book, text).expect("it is written");
    world.run(None).await;
    world.soon(|world| world.slack().channel("incidents").count("The journal fits its checkpoints") == 1).await;
    assert!(!world.read(stands).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_wait_for_a_channel_that_is_closed_and_people_are_told() {
    let world = world().await;
    world.sandbox.slack.archives("ann", "general", true).expect("she can archive it");
    world.alerts("Disk", &[("db-1", true)]).await;
    world.advance(Duration::from_secs(15 * 60)).await;
    let told = world.discord().channel("incidents");
    assert_eq!(told.count("The channel for checkpoints of the journal on Slack"), 1, "{}", told.text());
    assert!(told.message("The channel for checkpoints").text.contains("what belongs there waits"));
    let before = posted(world.slack()).len();
    world.sandbox.slack.archives("ann", "general", false).expect("she can open it again");
    world.advance(Duration::from_secs(22 * 60)).await;
    let copies = posted(world.slack());
    assert!(copies.len() > before, "the newest is there: {copies:?}");
    let fits = verify_against(&world.data(), &against(&copies)).expect("everything fits");
    assert_eq!(fits.1.copies, copies.len());
    assert_eq!(world.slack().unexpected(), [] as [String; 0]);
}
