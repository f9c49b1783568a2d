//! Channels that can't be used: what belongs there is shown elsewhere, people are told what to do, and it ends by itself.

use std::time::Duration;

use operations::ids::Platform;
use tests::{Setup, World};

/// One way in which the channel for alerts is closed to Muster, and opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Archived,
    ThrownOut,
    ReadOnly,
    ByRule,
    Hidden,
    Muted,
    WithoutCards,
}

const ALL: [(Platform, How); 7] = [
    (Platform::Slack, How::Archived),
    (Platform::Slack, How::ThrownOut),
    (Platform::Slack, How::ReadOnly),
    (Platform::Slack, How::ByRule),
    (Platform::Discord, How::Hidden),
    (Platform::Discord, How::Muted),
    (Platform::Discord, How::WithoutCards),
];

/// Closes a channel to Muster, or opens it again.
fn close(world: &World, how: How, channel: &str, closed: bool) {
    let (slack, discord) = (&world.sandbox.slack, &world.sandbox.discord);
    let done = match how {
        How::Archived => slack.archives("ann", channel, closed),
        How::ThrownOut if closed => slack.removes_bot("ann", channel, true),
        How::ThrownOut => slack.invites_bot("ann", channel),
        How::ReadOnly => {
            slack.restricts(channel, closed);
            Ok(())
        }
        How::Hidden => {
            discord.denies(channel, "VIEW_CHANNEL", closed);
            Ok(())
        }
        How::Muted => {
            discord.denies(channel, "SEND_MESSAGES", closed);
            Ok(())
        }
        How::WithoutCards => {
            discord.denies(channel, "EMBED_LINKS", closed);
            Ok(())
        }
        // A preference of the workspace, of which conversations.info says nothing.
        How::ByRule => {
            slack.forbids_posting(channel, closed);
            Ok(())
        }
    };
    done.expect("somebody can do that");
}

async fn minutes(world: &World, count: u32) {
    for _ in 0..count * 2 {
        world.advance(Duration::from_secs(30)).await;
    }
}

/// How many calls were refused on a chat.
fn refused(world: &World, platform: Platform) -> usize {
    match platform {
        Platform::Slack => world.sandbox.slack.requests().iter().filter(|call| !call.ok).count(),
        Platform::Discord => world.sandbox.discord.requests().iter().filter(|call| call.status >= 400).count(),
    }
}

async fn failed(world: &World) -> Vec<String> {
    let read = world
        .bot()
        .engine
        .read(|state| state.incidents.values().flat_map(|it| it.failed.values().cloned()).collect::<Vec<_>>());
    read.await.expect("the bot runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_into_a_closed_channel_is_shown_in_another_until_it_is_open_again() {
    for (platform, how) in ALL {
        let world = World::start().await;
        let chat = world.chat(platform);
        world.alerts("Disk", &[("db-1", true)]).await;
        world.settle().await;
        assert_eq!(chat.channel("alerts").count("Disk"), 1);
        let before = refused(&world, platform);
        close(&world, how, "alerts", true);
        world.alerts("Memory", &[("db-1", true)]).await;
        world.alerts("Load", &[("db-1", true)]).await;
        world.settle().await;
        let told =
            |world: &World| world.chats().iter().all(|chat| chat.channel("incidents").count("for alerts on") > 0);
        world.soon(told).await;
        let other = chat.channel("incidents");
        for alert in ["Memory", "Load"] {
            assert_eq!(other.count(alert), 1, "{how:?}: {alert} is not lost:\n{}", other.text());
        }
        for chat in world.chats() {
            let told = chat.channel("incidents");
            assert_eq!(told.count("The channel for alerts on"), 1, "{how:?}: {}", told.text());
        }
        assert!(other.message("The channel for alerts").text.contains("nvite Muster again"), "what to do next");
        // What is there already is where people can see it, once it changes.
        let card = chat.channel("incidents").message("Memory");
        chat.user("bob").clicks(&card, "Acknowledge").await;
        assert!(
            chat.channel("incidents").message("Memory").text.contains("Bob"),
            "{how:?}: the card is kept up to date"
        );
        minutes(&world, 25).await;
        let hammered = refused(&world, platform) - before;
        assert!(hammered <= 4, "{how:?}: {hammered} calls were refused in 25 minutes");
        close(&world, how, "alerts", false);
        minutes(&world, 11).await;
        world.soon(|world| world.chat(platform).channel("incidents").count("can be used again") > 0).await;
        let told = chat.channel("incidents");
        assert_eq!(told.count("can be used again"), 1, "{how:?}: {}", told.text());
        world.alerts("Swap", &[("db-1", true)]).await;
        world.settle().await;
        assert_eq!(chat.channel("alerts").count("Swap"), 1, "{how:?}: new things go there again");
        assert_eq!(chat.channel("incidents").count("Swap"), 0, "{how:?}");
        assert_eq!(chat.unexpected(), [] as [String; 0], "{how:?}");
        assert_eq!(refused(&world, platform) - before, hammered, "{how:?}: nothing was refused since");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_in_a_closed_channel_is_shown_anew_elsewhere_when_it_changes() {
    let world = World::start().await;
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    close(&world, How::Archived, "alerts", true);
    close(&world, How::Hidden, "alerts", true);
    world.alerts("Disk", &[("db-1", true), ("db-2", true)]).await;
    world.settle().await;
    for chat in world.chats() {
        let other = chat.channel("incidents");
        assert_eq!(other.count("Disk"), 1, "{}", other.text());
        let card = other.message("Disk");
        assert!(card.text.contains("db-2"), "{}", card.text);
        assert!(chat.channel("alerts").message("Disk").text.contains("Acknowledge"));
    }
    // Nobody shall act upon the old one when the channel is open again.
    close(&world, How::Archived, "alerts", false);
    close(&world, How::Hidden, "alerts", false);
    minutes(&world, 11).await;
    for chat in world.chats() {
        let old = chat.channel("alerts");
        assert_eq!(old.count("This card went on in another channel"), 1, "{}", old.text());
        assert_eq!((old.count("Disk"), old.count("Acknowledge")), (0, 0), "{}", old.text());
        assert_eq!(chat.channel("incidents").count("Disk"), 1, "the card itself stays where it is");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_channel_that_was_named_for_it_comes_first_and_it_holds_after_a_restart() {
    let mut world = World::start().await;
    let id = |platform: Platform| world.chat(platform).channel("general").id;
    let fallback = format!("{{ slack = \"{}\", discord = \"{}\" }}", id(Platform::Slack), id(Platform::Discord));
    world.stop().await;
    let path = world.directory().join("muster.toml");
    let muster = std::fs::read_to_string(&path).expect("the configuration");
    let muster = muster.replace("\n[hooks.", &format!("fallback = {fallback}\n\n[hooks."));
    std::fs::write(&path, muster).expect("it can be written");
    world.config = bot::demo::add_to_config(world.directory(), &world.sandbox, "").expect("it holds");
    world.run(None).await;
    for channel in ["alerts", "incidents"] {
        close(&world, How::Archived, channel, true);
        world.sandbox.discord.deletes_channel(channel);
    }
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    world.kill().await;
    world.run(None).await;
    world.alerts("Memory", &[("db-1", true)]).await;
    world.settle().await;
    let told = |world: &World| world.chats().iter().all(|chat| chat.channel("general").count("The channel for") >= 4);
    world.soon(told).await;
    for chat in world.chats() {
        let other = chat.channel("general");
        assert_eq!((other.count("Disk"), other.count("Memory")), (1, 1), "{}", other.text());
        assert_eq!(other.count("The channel for alerts on Slack"), 1, "{}", other.text());
        assert_eq!(other.count("The channel for alerts on Discord"), 1, "{}", other.text());
    }
    let ready = reqwest::get(format!("http://{}/readyz", world.bot().address)).await.expect("it answers");
    let ready = ready.text().await.expect("text");
    assert!(ready.contains("trouble: The channel for alerts on Discord"), "{ready}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_where_no_channel_is_left() {
    let world = World::start_with(Setup::default()).await;
    for channel in ["alerts", "incidents"] {
        close(&world, How::Archived, channel, true);
    }
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    minutes(&world, 15).await;
    let before = refused(&world, Platform::Slack);
    assert!(before <= 8, "{before} calls were refused");
    world.soon(|world| world.discord().channel("incidents").count("can't be used") >= 2).await;
    assert_eq!(world.discord().channel("alerts").count("Disk"), 1, "the other chat goes on");
    assert_eq!(world.discord().channel("incidents").count("can't be used"), 2, "and is told");
    for channel in ["alerts", "incidents"] {
        close(&world, How::Archived, channel, false);
    }
    minutes(&world, 22).await;
    assert_eq!(world.slack().channel("alerts").count("Disk") + world.slack().channel("incidents").count("Disk"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_room_of_an_open_incident_is_told_once_and_spoken_for_where_incidents_are_announced() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    let room = world.slack().channel("inc-1-…").name;
    close(&world, How::Archived, &room, true);
    for note in ["the index is old", "the cache is cold"] {
        world.discord().user("bob").types("inc-1-…", &format!("/incident note {note}")).await;
    }
    world.discord().user("bob").types("inc-1-…", "/incident sev SEV1").await;
    minutes(&world, 5).await;
    for chat in world.chats() {
        assert_eq!(chat.channel("incidents").count("The room of INC-1 on Slack can't be used"), 1);
    }
    let said = world.slack().channel("incidents");
    for words in ["the index is old", "the cache is cold", "from SEV3 to SEV1"] {
        assert_eq!(said.count(words), 1, "{words}: {}", said.text());
    }
    assert!(said.message("the index is old").text.contains("INC-1 (its room can't be used): "));
    let entries = world.bot().engine.read(|state| {
        let timeline = state.incidents.values().flat_map(|it| it.timeline.iter());
        timeline.filter(|entry| format!("{:?}", entry.words).contains("The room on Slack can't be used")).count()
    });
    assert_eq!(entries.await, Ok(1), "it stands in the timeline once");
    let before = refused(&world, Platform::Slack);
    assert!(before <= 4, "{before} calls were refused");
    assert_eq!(failed(&world).await, [] as [String; 0]);
    // It is unarchived.
    close(&world, How::Archived, &room, false);
    minutes(&world, 11).await;
    assert_eq!(world.slack().channel("inc-1-…").count("INC-1 has this room again"), 1);
    assert!(world.slack().channel("inc-1-…").message("Search is slow").text.contains("SEV1"), "the headline is right");
    world.discord().user("bob").types("inc-1-…", "/incident note it is fast again").await;
    assert_eq!(world.slack().channel("inc-1-…").count("it is fast again"), 1);
    assert_eq!(world.slack().channel("incidents").count("it is fast again"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_archived_when_the_incident_is_over_is_no_trouble_at_all() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world.slack().user("ann").types("inc-1-…", "/incident resolve").await;
    let room = world.slack().channel("inc-1-…").name;
    close(&world, How::Archived, &room, true);
    world.discord().user("bob").types("inc-1-…", "/incident note for the record").await;
    minutes(&world, 25).await;
    for chat in world.chats() {
        let said = chat.channel("incidents");
        assert_eq!(said.count("can't be used"), 0, "{}", said.text());
        assert_eq!(said.count("for the record"), 0, "{}", said.text());
    }
    let looked = world.sandbox.slack.requests().iter().filter(|call| call.method == "conversations.info").count();
    assert_eq!((looked, failed(&world).await), (0, Vec::new()), "nobody waits for it");
    // Until it is reopened.
    world.discord().user("bob").types("inc-1-…", "/incident reopen it is back").await;
    assert_eq!(world.slack().channel("incidents").count("INC-1 (its room can't be used): "), 1);
    close(&world, How::Archived, &room, false);
    minutes(&world, 11).await;
    assert_eq!(world.slack().channel("inc-1-…").count("INC-1 has this room again"), 1);
}
