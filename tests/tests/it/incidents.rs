//! Incidents: rooms, headlines, roles, severity, status, on both chats.

use std::time::Duration;

use tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declaring_opens_a_room_with_a_pinned_headline_on_both_chats() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Checkout is failing sev:SEV2").await;
    for chat in world.chats() {
        let room = chat.channel("inc-1-…");
        assert_eq!(room.name, "inc-1-checkout-is-failing");
        let headline = room.message("Checkout is failing");
        assert!(headline.text.contains("SEV2") && headline.text.contains("investigating"), "{}", headline.text);
        assert_eq!(
            room.pins,
            std::slice::from_ref(&headline.id),
            "the headline is pinned on {}",
            chat.platform.title()
        );
        assert_eq!(chat.channel("incidents").count("Checkout is failing"), 1);
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
    let told = world.slack().user("ann").was_told("general");
    assert!(told.contains("INC-1"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_declares_too() {
    for discord in [false, true] {
        let world = World::start().await;
        let chat = if discord { world.discord() } else { world.slack() };
        world.alerts("HighErrorRate", &[("checkout-1", true)]).await;
        world.settle().await;
        let card = chat.channel("alerts").message("HighErrorRate");
        chat.user("ann").clicks(&card, "Declare incident").await;
        chat.user("ann").submits(&[("title", "Carts are empty"), ("severity", "SEV1")]).await;
        for chat in world.chats() {
            assert!(chat.channel("inc-1-…").message("Carts are empty").text.contains("SEV1"));
            assert!(chat.channel("alerts").message("HighErrorRate").text.contains("INC-1"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_side_does_the_other_side_sees() {
    let world = World::start().await;
    world.discord().user("bob").types("general", "/incident declare Search is slow").await;
    world.slack().user("ann").types("inc-1-…", "/incident role commander me").await;
    world.discord().user("bob").types("inc-1-…", "/incident sev SEV1").await;
    world.slack().user("ann").types("inc-1-…", "/incident update Restarting the *index*").await;
    world.discord().user("cleo").types("inc-1-…", "/incident note Only <b>old</b> shards").await;
    for chat in world.chats() {
        let room = chat.channel("inc-1-…");
        for words in [
            "is now Commander",
            "from SEV3 to SEV1",
            "posted an update",
            "Restarting the *index*",
            "Only <b>old</b> shards",
        ] {
            assert_eq!(room.count(words), if words.contains("index") { 2 } else { 1 }, "{words}:\n{}", room.text());
        }
        let headline = room.message("Search is slow");
        for words in ["Ann", "SEV1", "Restarting the"] {
            assert!(headline.text.contains(words), "{words}: {}", headline.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_mitigated_resolved_and_reopened() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world.discord().user("bob").types("inc-1-…", "/incident mitigate more replicas").await;
    assert!(world.slack().channel("incidents").message("Search is slow").text.contains("mitigated"));
    world.slack().user("ann").types("inc-1-…", "/incident resolve").await;
    assert!(world.discord().channel("incidents").message("Search is slow").text.contains("resolved"));
    world.slack().user("ann").types("inc-1-…", "/incident resolve").await;
    let told = world.slack().user("ann").was_told("inc-1-…");
    assert!(told.contains("already"), "{told}");
    world.discord().user("bob").types("inc-1-…", "/incident reopen it is back").await;
    for chat in world.chats() {
        assert!(chat.channel("incidents").message("Search is slow").text.contains("investigating"));
        assert_eq!(chat.channel("incidents").count("Search is slow"), 1, "one headline for the whole life");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_is_asked_for_when_it_is_due() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is down sev:1").await;
    world.advance(Duration::from_secs(31 * 60)).await;
    for chat in world.chats() {
        assert_eq!(chat.channel("inc-1-…").count("An update is due"), 1, "{}", chat.channel("inc-1-…").text());
    }
    world.slack().user("ann").types("inc-1-…", "/incident resolve").await;
    world.advance(Duration::from_secs(120 * 60)).await;
    assert_eq!(world.slack().channel("inc-1-…").count("An update is due"), 1, "nobody is asked once it is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn declaring_works_while_everything_outside_is_broken() {
    let world = World::start().await;
    world.sandbox.slack.fault("conversations.create", 3, sandbox::faults::CallFault::Status { status: 500 });
    world.sandbox.discord.fault(
        "POST /guilds/{guild.id}/channels",
        3,
        sandbox::faults::CallFault::Status { status: 500 },
    );
    world.slack().user("ann").types("general", "/incident declare Search is down").await;
    let told = world.slack().user("ann").was_told("general");
    assert!(told.contains("INC-1"), "{told}");
    world.advance(Duration::from_secs(60)).await;
    for chat in world.chats() {
        assert_eq!(chat.channels("inc-1-"), 1, "one room on {}, in the end", chat.platform.title());
        assert!(chat.channel("inc-1-…").message("Search is down").by_bot);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mention_works_in_a_slack_thread_where_commands_do_not() {
    let world = World::start().await;
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    let card = world.slack().channel("alerts").message("Disk");
    let act = world.sandbox.slack.types("ann", &card.channel, "@muster ack A-1", Some(&card.id));
    world.while_working(act).await.expect("she can write there");
    world.settle().await;
    assert!(world.discord().channel("alerts").message("Disk").text.contains("Ann (Slack)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_channels_in_somebodys_words_are_named_on_both_chats() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world.slack().user("ann").types("inc-1-…", "/incident update Waiting for @cleo in #general").await;
    world.slack().user("ann").types("inc-1-…", "@cleo please look at the index").await;
    let said = world.slack().channel("inc-1-…").message("please look at the index");
    world.slack().user("ann").marks(&said).await;
    for chat in world.chats() {
        let room = chat.channel("inc-1-…");
        assert_eq!(room.count("Waiting for @Cleo in #general"), 2, "the update and the headline: {}", room.text());
        assert!(room.count("@cleo please look at the index") + room.count("@Cleo please look at the index") > 0);
        assert_eq!(chat.notifications(), 0, "nobody is called by what the bot repeats");
    }
}
