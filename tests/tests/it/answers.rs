//! Answers that only the asker sees: never lost, and said again only with words that say so.

use std::time::Duration;

use bot::crash::{Crash, Dies, Point};
use commands::answers::AGAIN;
use operations::ids::Platform;
use sandbox::faults::CallFault;
use tests::{Setup, World};

async fn asks(world: &World, on: Platform) -> bool {
    let sandbox = &world.sandbox;
    let asked = async {
        let id = world.chat(on).channel("general").id;
        match on {
            Platform::Slack => {
                let typed = sandbox.slack.types("ann", &id, "/muster status", None).await;
                format!("{typed:?}").contains("Acked")
            }
            Platform::Discord => {
                let typed = sandbox.discord.types("ann", &id, "/muster status").await;
                format!("{typed:?}").contains("Answered")
            }
        }
    };
    world.while_working(asked).await
}

/// What Muster told Ann. Slack itself says where a command failed.
fn told(world: &World, on: Platform) -> Vec<String> {
    let mut told = world.chat(on).user("ann").all_told("general");
    told.retain(|words| !words.contains("failed with the error"));
    told
}

/// How often Ann was told, when the bot stopped there while she asked and was started again.
async fn told_although_halted(on: Platform, halt: (Point, u64)) -> (bool, Vec<String>) {
    let mut world =
        World::start_with(Setup { crash: Some(Crash::at(halt.0, halt.1, Dies::Bot)), ..Setup::default() }).await;
    let taken = asks(&world, on).await;
    world.settle().await;
    world.kill().await;
    world.run(None).await;
    world.settle().await;
    world.advance(Duration::from_secs(20)).await;
    let told = told(&world, on);
    world.kill().await;
    (taken, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_an_answer_is_marked_only_where_it_was_given_before() {
    for on in Platform::ALL {
        let mut twice = 0;
        let mut late = 0;
        for number in 1..=8 {
            for halt in [(Point::JournalAppendBefore, number), (Point::JournalSyncAfter, number)] {
                let (taken, told) = told_although_halted(on, halt).await;
                assert!(!taken || !told.is_empty(), "{halt:?}: taken, and not answered");
                for (place, words) in told.iter().enumerate() {
                    assert_eq!(words.contains(AGAIN), place > 0, "{halt:?}: {told:#?}");
                }
                twice += usize::from(told.len() > 1);
                late += usize::from(!taken && told.len() == 1);
            }
        }
        // Slack is not asked what it has; Discord is.
        assert_eq!(twice > 0, on == Platform::Slack, "{on:?}: {twice}");
        assert!(late > 0 || on == Platform::Discord, "an answer that waited for the next start");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_only_turned_away_before_a_kill_is_not_marked() {
    let mut world = World::start().await;
    world.sandbox.slack.fault("response_url", 1, CallFault::RateLimited { retry_after: 60, global: false });
    assert!(asks(&world, Platform::Slack).await);
    world.settle().await;
    assert_eq!(told(&world, Platform::Slack), [] as [String; 0]);
    world.kill().await;
    world.advance(Duration::from_secs(61)).await;
    world.run(None).await;
    world.settle().await;
    let told = told(&world, Platform::Slack);
    assert!(told.len() == 1 && !told[0].contains(AGAIN), "{told:?}");
}
