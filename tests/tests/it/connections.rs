//! Sockets that break while people work: nothing is lost, nothing is done twice.

use sandbox::faults::{CallFault, SocketFault};
use tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_to_a_post_does_not_double_the_card() {
    for fault in [CallFault::DropAfterWork, CallFault::StatusAfterWork { status: 500 }, CallFault::CutBodyAfterWork] {
        let world = World::start().await;
        world.sandbox.slack.fault("chat.postMessage", 1, fault.clone());
        world.sandbox.discord.fault("POST /channels/{channel.id}/messages", 1, fault.clone());
        world.alerts("Disk", &[("db-1", true)]).await;
        world.settle().await;
        for chat in world.chats() {
            assert_eq!(chat.channel("alerts").count("Disk"), 1, "{fault:?} on {}", chat.platform.title());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_close_are_opened_again_and_what_was_said_meanwhile_is_heard() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world.sandbox.slack.socket_fault(SocketFault::Drop).await;
    world.sandbox.discord.socket_fault(SocketFault::Close { code: Some(4000) }).await;
    for chat in world.chats() {
        chat.user("bob").types("inc-1-…", "said in between").await;
        let message = chat.channel("inc-1-…").message("said in between");
        chat.user("bob").pins(&message).await;
    }
    world.advance(std::time::Duration::from_secs(120)).await;
    let kept = world.bot().engine.read(|state| state.incidents.values().map(|it| it.kept.len()).sum::<usize>()).await;
    assert_eq!(kept, Ok(2), "both messages are in the timeline");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_answered_while_the_sockets_are_renewed() {
    let world = World::start().await;
    for round in 0..3 {
        world.sandbox.slack.socket_fault(SocketFault::AskReconnect { reason: String::new() }).await;
        world.sandbox.discord.socket_fault(SocketFault::AskReconnect { reason: String::new() }).await;
        // Nothing is waited for: Slack's other connection is there, and Discord's session is resumed.
        for chat in world.chats() {
            chat.user("ann").at_once().types("general", &format!("/incident declare Search is slow {round}")).await;
        }
        world.advance(std::time::Duration::from_secs(45)).await;
    }
    for chat in world.chats() {
        assert_eq!(chat.channels("inc-"), 6, "on {}", chat.platform.title());
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
    assert_eq!((world.sandbox.discord.identifies(), world.sandbox.discord.resumes()), (1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_chat_that_is_down_does_not_hold_up_the_other() {
    let world = World::start().await;
    world.sandbox.discord.fault("*", 200, CallFault::Status { status: 503 });
    world.alerts("Disk", &[("db-1", true)]).await;
    let card = loop {
        if let Some(card) = world.slack().channel("alerts").try_message("Disk") {
            break card;
        }
        world.settle().await;
    };
    world.slack().user("ann").clicks(&card, "Acknowledge").await;
    assert!(world.slack().channel("alerts").message("Disk").text.contains("Ann (Slack)"));
    world.sandbox.discord.clear_faults();
    world.advance(std::time::Duration::from_secs(600)).await;
    let card = world.discord().channel("alerts").message("Disk");
    assert!(card.text.contains("Ann (Slack)"), "the newest state, once it is back: {}", card.text);
    assert_eq!(world.discord().channel("alerts").count("Disk"), 1);
}
