//! Alerts: one card per group on both chats, one acknowledgement.

use std::time::Duration;

use tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_becomes_one_card_on_both_chats() {
    let world = World::start().await;
    world.alerts("HighErrorRate", &[("checkout-1", true), ("checkout-2", true)]).await;
    world.settle().await;
    for chat in world.chats() {
        let channel = chat.channel("alerts");
        assert_eq!(channel.count("HighErrorRate"), 1, "{}", channel.text());
        let card = channel.message("HighErrorRate");
        for words in ["checkout", "SEV2", "Acknowledge", "Declare incident", "Runbook"] {
            assert!(card.text.contains(words), "{words} is missing on {}: {}", chat.platform.title(), card.text);
        }
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_in_one_chat_shows_in_the_other() {
    let world = World::start().await;
    world.alerts("HighErrorRate", &[("checkout-1", true)]).await;
    world.settle().await;
    let card = world.discord().channel("alerts").message("HighErrorRate");
    world.discord().user("bob").clicks(&card, "Acknowledge").await;
    for chat in world.chats() {
        let channel = chat.channel("alerts");
        assert_eq!(channel.count("HighErrorRate"), 1, "the card is edited, not posted again");
        let card = channel.message("HighErrorRate");
        assert!(card.text.contains("Bob (Discord)"), "{}", card.text);
        assert!(card.text.contains("Take over") && card.text.contains("Undo"), "{}", card.text);
    }
    // The second one is told who was first.
    world.slack().user("ann").types("alerts", "/ack A-1").await;
    let told = world.slack().user("ann").was_told("alerts");
    assert!(told.contains("Bob"), "{told}");
    // Taking over and undoing show on both sides too.
    let card = world.slack().channel("alerts").message("HighErrorRate");
    world.slack().user("ann").clicks(&card, "Take over").await;
    assert!(world.discord().channel("alerts").message("HighErrorRate").text.contains("Ann (Slack)"));
    let card = world.slack().channel("alerts").message("HighErrorRate");
    world.slack().user("ann").clicks(&card, "Undo").await;
    assert!(world.discord().channel("alerts").message("HighErrorRate").text.contains("Acknowledge"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_resolved_when_its_last_member_is() {
    let world = World::start().await;
    world.alerts("Disk", &[("db-1", true), ("db-2", true)]).await;
    world.settle().await;
    world.advance(Duration::from_secs(600)).await;
    world.alerts("Disk", &[("db-1", false), ("db-2", true)]).await;
    world.settle().await;
    let card = world.slack().channel("alerts").message("Disk");
    assert!(card.text.contains("Acknowledge"), "one of them still fires: {}", card.text);
    world.alerts("Disk", &[("db-1", false), ("db-2", false)]).await;
    world.settle().await;
    for chat in world.chats() {
        let channel = chat.channel("alerts");
        assert_eq!(channel.count("Disk"), 1, "{}", channel.text());
        let card = channel.message("Disk");
        assert!(card.text.contains("resolved after"), "{}", card.text);
        assert!(!card.text.contains("Acknowledge"), "{}", card.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_changes_nothing_that_people_see() {
    let world = World::start().await;
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    let posts = world.sandbox.slack.requests().len();
    for _ in 0..5 {
        world.alerts("Disk", &[("db-1", true)]).await;
    }
    world.settle().await;
    let after = world.sandbox.slack.requests();
    assert_eq!(after.len(), posts, "{:?}", after.last());
    assert_eq!(world.slack().channel("alerts").count("Disk"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_were_left_out_are_shown_and_not_taken_for_resolved() {
    let world = World::start().await;
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    let mut body = tests::alerts_body("Disk", &[("db-1", false)], "2026-03-02T14:01:00Z".parse().expect("a time"));
    body["truncatedAlerts"] = 7.into();
    assert_eq!(world.hook(body.to_string()).await, 200);
    world.settle().await;
    let card = world.discord().channel("alerts").message("Disk");
    assert!(card.text.contains('7') && !card.text.contains("resolved after"), "{}", card.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_alert_that_still_fires_is_asked_about_again() {
    let world = World::start().await;
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    let card = world.slack().channel("alerts").message("Disk");
    world.slack().user("ann").clicks(&card, "Acknowledge").await;
    world.advance(Duration::from_secs(31 * 60)).await;
    for chat in world.chats() {
        assert_eq!(
            chat.channel("alerts").count("do you still take care of it"),
            1,
            "{}",
            chat.channel("alerts").text()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_back_somebody_elses_acknowledgement_is_named() {
    let world = World::start().await;
    world.alerts("HighErrorRate", &[("web-1", true)]).await;
    world.settle().await;
    world.slack().user("bob").types("general", "/ack A-1").await;
    world.discord().user("ann").types("general", "/alert unack alert:A-1").await;
    for chat in world.chats() {
        let card = chat.channel("alerts").message("HighErrorRate");
        assert!(card.text.contains("took back the acknowledgement of Bob (Slack)"), "{}", card.text);
    }
    world.slack().user("bob").types("general", "/ack A-1").await;
    world.discord().user("bob").types("general", "/alert unack alert:A-1").await;
    for chat in world.chats() {
        let card = chat.channel("alerts").message("HighErrorRate");
        assert!(!card.text.contains("took back"), "one's own is no news: {}", card.text);
    }
}
