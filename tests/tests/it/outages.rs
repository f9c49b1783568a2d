//! A chat that is away for long: nothing is lost, and nobody has to read a thousand old cards.

use std::time::Duration;

use tests::{World, outage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_day_without_slack_one_board_tells_what_was_missed_and_the_rest_is_as_ever() {
    let world = World::start().await;
    let it = outage::outage(&world, 24, 400, 10, |_| ()).await;
    assert_eq!((it.accepted, it.elsewhere), (400, 400), "the other chat has shown them all: {it:?}");
    assert_eq!(it.cards + it.on_boards, 400, "nothing is lost: {it:?}");
    assert!(it.seconds.is_some_and(|seconds| seconds <= 300), "{it:?}");
    assert!(it.posted <= 31, "the board, ten cards, and what was asked for before it was known: {it:?}");
    let channel = world.slack().channel("alerts");
    let board = channel.message("came while nothing could be shown here").text;
    for words in ["alerts came", "fire", "the gravest follow", "Probe", "/alert ack A-", "All of them", "MISSED-1"] {
        assert!(board.contains(words), "{words}: {board}");
    }
    let at = |words: &str| channel.messages.iter().position(|message| message.text.contains(words));
    assert_eq!(at("came while nothing"), Some(0), "it is the first thing that is seen: {}", channel.text());
    // They are listed on a page.
    let url = format!("http://{}/missed/MISSED-1", world.bot().address);
    let page = reqwest::get(&url).await.expect("it answers").text().await.expect("a page");
    assert!(page.matches("<td>Probe").count() > 300, "{page}");
    // One of them is taken on the other chat: it gets its card here, too.
    let missed = world.read(|state| state.missed.values().next().expect("a board").held[300].to_string()).await;
    world.discord().user("bob").types("alerts", &format!("/alert ack {missed}")).await;
    world.settle().await;
    assert_eq!(world.slack().channel("alerts").count("Bob"), 1, "{}", world.slack().channel("alerts").text());
    // What comes now has its card.
    world.alerts("Fresh", &[("host-1", true)]).await;
    world.settle().await;
    assert_eq!(world.slack().channel("alerts").count("Fresh"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_cards_are_shown_late_and_a_kill_in_the_outage_changes_nothing() {
    let mut world = World::start().await;
    let it = outage::outage(&world, 1, 20, 5, |_| ()).await;
    assert_eq!((it.cards, it.on_boards), (20, 0), "few enough to be read: {it:?}");
    // Away again, with many; and the bot is killed in between.
    world.sandbox.slack.fault("*", 1_000_000, sandbox::faults::CallFault::Status { status: 503 });
    for number in 0..60 {
        world.alerts(&format!("Late{number}"), &[("host-1", true)]).await;
        world.clock.advance(Duration::from_secs(5));
        world.settle().await;
    }
    world.kill().await;
    world.sandbox.slack.clear_faults();
    world.run(None).await;
    for _ in 0..200 {
        world.clock.advance(Duration::from_secs(1));
        world.settle().await;
    }
    let channel = world.slack().channel("alerts");
    assert_eq!(channel.count("came while nothing could be shown here"), 1, "{}", channel.text());
    let cards = channel.messages.iter().filter(|message| message.text.contains("Late") && message.text.contains("SEV"));
    let (cards, held) =
        (cards.count(), world.read(|state| state.missed.values().map(|it| it.held.len()).sum::<usize>()).await);
    assert!(held > 30 && cards >= 10, "{held} {cards}");
}
