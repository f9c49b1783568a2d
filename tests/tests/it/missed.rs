//! What was said on Discord while the session was lost is read afterwards; where it was not lost, it is not.

use std::time::Duration;

use operations::incident::Kept;
use sandbox::faults::SocketFault;
use tests::World;

const PAGES: &str = "GET /channels/{channel.id}/messages";

async fn incident() -> World {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world
}

/// Somebody does something on Discord while the bot may not be there to hear it.
async fn says(world: &World, who: &str, text: &str) -> String {
    let room = world.discord().channel("inc-1-…").id;
    match world.sandbox.discord.types(who, &room, text).await.expect("they can write there") {
        sandbox::discord::Typed::Message { id } => id,
        sandbox::discord::Typed::Command { .. } => panic!("a message"),
    }
}

async fn kept(world: &World) -> Vec<Kept> {
    let kept = world.bot().engine.read(|state| state.incidents.values().flat_map(|it| it.kept.clone()).collect());
    kept.await.expect("the bot runs")
}

async fn responders(world: &World) -> Vec<String> {
    let names = world.bot().engine.read(|state| {
        let all = state.incidents.values().flat_map(|it| it.responders.iter());
        let mut names: Vec<String> = all.map(|(who, _)| state.settings.name_of(who).as_str().to_owned()).collect();
        names.sort();
        names
    });
    names.await.expect("the bot runs")
}

/// So many messages were read by REST.
fn pages(world: &World) -> usize {
    let reads = |call: &&sandbox::discord::Request| call.route == PAGES && call.query.contains("after=");
    world.sandbox.discord.requests().iter().filter(reads).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_after_the_session_is_over_reads_what_was_said_meanwhile() {
    let mut world = incident().await;
    let room = world.discord().channel("inc-1-…").id;
    let before = says(&world, "ann", "the index was rebuilt last night").await;
    let marked = says(&world, "ann", "look at shard 7").await;
    says(&world, "ann", "@muster note heard once").await;
    world.settle().await;
    world.kill().await;
    says(&world, "bob", "the cache is cold").await;
    let pinned = says(&world, "bob", "it began at 13:50").await;
    let discord = &world.sandbox.discord;
    discord.pins("bob", &room, &pinned).await.expect("he can pin");
    discord.pins("bob", &room, &before).await.expect("he can pin");
    discord.reacts("cleo", &room, &marked, "📌").await.expect("she can mark");
    says(&world, "cleo", "@muster note too old to be carried out").await;
    world.advance(Duration::from_secs(15 * 60)).await;
    says(&world, "bob", "@muster note young enough").await;
    world.run(None).await;
    world.advance(Duration::from_secs(30)).await;
    assert_eq!((world.sandbox.discord.identifies(), world.sandbox.discord.resumes()), (2, 0), "it was not resumed");
    let mut said: Vec<String> =
        kept(&world).await.into_iter().map(|kept| kept.captured.text.as_str().to_owned()).collect();
    said.sort();
    assert_eq!(said, ["it began at 13:50", "look at shard 7", "the index was rebuilt last night"]);
    assert_eq!(responders(&world).await, ["Ann", "Bob", "Cleo"]);
    let seen = world.discord().channel("inc-1-…");
    let noted = |words: &str| seen.messages.iter().filter(|it| it.by_bot && it.text.contains(words)).count();
    assert_eq!(noted("young enough"), 1, "{}", seen.text());
    assert_eq!(noted("too old to be carried out"), 0, "{}", seen.text());
    assert_eq!(noted("heard once"), 1, "what was heard before is not done again: {}", seen.text());
    assert_eq!(world.discord().unexpected(), [] as [String; 0]);
    // Once more, and nothing is doubled.
    world.sandbox.discord.socket_fault(SocketFault::InvalidSession { resumable: false }).await;
    world.advance(Duration::from_secs(60)).await;
    assert_eq!(kept(&world).await.len(), 3);
    assert_eq!(responders(&world).await.len(), 3);
    let seen = world.discord().channel("inc-1-…");
    assert_eq!(seen.messages.iter().filter(|it| it.by_bot && it.text.contains("young enough")).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_discord_calls_invalid_is_a_gap_and_one_that_is_resumed_is_none() {
    let world = incident().await;
    world.sandbox.discord.socket_fault(SocketFault::Drop).await;
    says(&world, "bob", "said while it was away").await;
    world.until(|world| world.sandbox.discord.resumes() == 1).await;
    world.advance(Duration::from_secs(60)).await;
    assert_eq!((world.sandbox.discord.resumes(), pages(&world)), (1, 0), "what was resumed needs no reading");
    assert_eq!(responders(&world).await, ["Ann", "Bob"]);
    world.sandbox.discord.socket_fault(SocketFault::InvalidSession { resumable: false }).await;
    says(&world, "cleo", "said while there was no session").await;
    world.until(|world| pages(world) >= 1).await;
    world.advance(Duration::from_secs(60)).await;
    assert_eq!(responders(&world).await, ["Ann", "Bob", "Cleo"]);
    assert!(pages(&world) >= 1);
    // A room of an incident that is long over is left alone.
    world.slack().user("ann").types("inc-1-…", "/incident resolve").await;
    world.advance(Duration::from_secs(8 * 24 * 3600)).await;
    // A session does not outlive such leaps: what follows from the last of them comes first.
    world.connected().await;
    world.advance(Duration::from_secs(60)).await;
    let before = pages(&world);
    world.sandbox.discord.socket_fault(SocketFault::InvalidSession { resumable: false }).await;
    world.advance(Duration::from_secs(60)).await;
    assert_eq!(pages(&world), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_thousand_messages_are_cut_and_that_is_said() {
    let mut world = incident().await;
    world.settle().await;
    world.kill().await;
    world.clock.advance(Duration::from_secs(15 * 60));
    for number in 0..1_001 {
        says(&world, if number < 1_000 { "bob" } else { "cleo" }, &format!("message {number}")).await;
    }
    world.run(None).await;
    world.until(|world| pages(world) >= 11).await;
    world.advance(Duration::from_secs(60)).await;
    let sessions = (world.sandbox.discord.identifies(), world.sandbox.discord.resumes());
    assert_eq!(pages(&world), 11, "ten pages of a hundred, and a look for more: {sessions:?}");
    assert_eq!(responders(&world).await, ["Ann", "Bob"]);
    let room = world.discord().channel("inc-1-…");
    assert_eq!(room.count("More was said here than is read afterwards"), 1, "{}", room.text());
    let entries = world.bot().engine.read(|state| {
        let timeline = state.incidents.values().flat_map(|it| it.timeline.iter());
        timeline
            .filter(|entry| format!("{:?}", entry.words).contains("Not everything that was said on Discord"))
            .count()
    });
    assert_eq!(entries.await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_while_it_is_read_loses_nothing_and_doubles_nothing() {
    let mut world = incident().await;
    world.settle().await;
    world.kill().await;
    world.clock.advance(Duration::from_secs(15 * 60));
    for (who, text) in [("bob", "one"), ("cleo", "two"), ("bob", "@muster note three")] {
        says(&world, who, text).await;
    }
    // The first page is answered with nothing, again and again, and then the bot is killed.
    world.sandbox.discord.fault(PAGES, 3, sandbox::faults::CallFault::Status { status: 503 });
    world.run(None).await;
    world.kill().await;
    world.sandbox.discord.clear_faults();
    world.run(None).await;
    world.advance(Duration::from_secs(60)).await;
    assert_eq!(responders(&world).await, ["Ann", "Bob", "Cleo"]);
    let room = world.discord().channel("inc-1-…");
    assert_eq!(room.messages.iter().filter(|it| it.by_bot && it.text.contains("three")).count(), 1, "{}", room.text());
}
