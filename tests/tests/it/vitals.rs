//! Muster notices itself, and tells of it where it can be heard.

use std::time::Duration;

use sandbox::faults::{CallFault, SocketFault};
use tests::World;

async fn minutes(world: &World, count: u32) {
    for _ in 0..count * 4 {
        world.advance(Duration::from_secs(15)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_is_away_is_told_of_on_the_other_and_so_is_its_return() {
    let world = World::start().await;
    world.sandbox.slack.fault("*", 10_000, CallFault::Status { status: 503 });
    world.sandbox.slack.socket_fault(SocketFault::Drop).await;
    minutes(&world, 3).await;
    let said = world.discord().channel("incidents");
    assert_eq!(said.count("Slack can't be reached"), 1, "{}", said.text());
    // Everything else goes on.
    world.discord().user("bob").types("general", "/muster status").await;
    let told = world.discord().user("bob").was_told("general");
    for words in ["Something is wrong", "Slack away since", "Discord connected"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    world.sandbox.slack.clear_faults();
    minutes(&world, 8).await;
    let said = world.discord().channel("incidents");
    assert_eq!(said.count("Slack can be reached again"), 1, "{}", said.text());
    world.slack().user("ann").types("general", "/muster status").await;
    let told = world.slack().user("ann").was_told("general");
    assert!(told.contains("All is well") && told.contains("Nothing waits"), "{told}");
    assert_eq!(world.slack().channel("incidents").count("can't be reached"), 0, "it is not told where it is about");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_and_the_disk_are_in_the_figures() {
    let world = World::start().await;
    world.sandbox.discord.fault("*", 1_000, CallFault::Status { status: 503 });
    world.alerts("Disk", &[("db-1", true)]).await;
    minutes(&world, 1).await;
    let figures = world.bot().metrics.text();
    for words in
        ["muster_outbox_lane_depth{lane=\"", "/discord\"} 1", "muster_disk_free_bytes ", "muster_engine_lag_seconds "]
    {
        assert!(figures.contains(words), "{words}: {figures}");
    }
    world.sandbox.discord.clear_faults();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_calls_and_the_sessions_that_are_left_are_in_the_figures() {
    let world = World::start().await;
    world.sandbox.discord.fault("POST /channels/{channel.id}/messages", 3, CallFault::Status { status: 403 });
    world.alerts("Disk", &[("db-1", true)]).await;
    minutes(&world, 1).await;
    let figures = world.bot().metrics.text();
    for words in
        ["muster_chat_refused_lately{platform=\"discord\"} 3", "muster_chat_sessions_left{platform=\"discord\"} 1000"]
    {
        assert!(figures.contains(words), "{words}: {figures}");
    }
    assert!(!figures.contains("muster_chat_refused_lately{platform=\"slack\"}"), "Slack counts none");
}
