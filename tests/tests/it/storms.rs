//! Storms: one board instead of a card for each alert, and nothing lost.

use std::time::Duration;

use tests::World;

/// So many new alerts, one after another within seconds.
async fn fire(world: &World, from: u32, to: u32) {
    for number in from..to {
        world.alerts(&format!("Probe{number:03}"), &[("host-1", true)]).await;
    }
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_has_one_board_and_says_when_it_is_over() {
    let world = World::start().await;
    fire(&world, 0, 100).await;
    world.advance(Duration::from_secs(31)).await;
    for chat in world.chats() {
        let channel = chat.channel("alerts");
        let cards = channel.count(" on host-1");
        assert_eq!(cards, 30, "what opened before it has cards: {}", channel.text());
        assert_eq!(channel.count("Alert storm since"), 1, "{}", channel.text());
        let board = channel.message("Alert storm since").text;
        for words in ["70 new alerts", "70 are held back", "checkout 70", "All of them", "Declare incident"] {
            assert!(board.contains(words), "{words}: {board}");
        }
    }
    // One that is held back gets its card as soon as somebody takes it.
    world.discord().user("bob").types("alerts", "/alert ack A-77").await;
    world.settle().await;
    for chat in world.chats() {
        assert_eq!(chat.channel("alerts").count("Probe076"), 1, "{}", chat.channel("alerts").text());
    }
    // All of them are on a page.
    let url = format!("http://{}/storms/STORM-1", world.bot().address);
    let page = reqwest::get(&url).await.expect("it answers").text().await.expect("a page");
    assert_eq!(page.matches("<td>Probe0").count(), 70, "{page}");
    // It is quiet for a while.
    for _ in 0..10 {
        world.advance(Duration::from_secs(20)).await;
        world.settle().await;
    }
    for chat in world.chats() {
        let channel = chat.channel("alerts");
        assert_eq!(
            channel.count("The alert storm is over. 70 alerts were held back; 70 of them"),
            1,
            "{}",
            channel.text()
        );
        assert_eq!(channel.count("The alert storm is over · 70 new alerts"), 1, "{}", channel.text());
        assert_eq!(channel.count("Alert storm since"), 0, "the board is the same message: {}", channel.text());
        assert_eq!(channel.count(" on host-1"), 41, "the gravest that nobody took have cards now: {}", channel.text());
    }
    // New alerts have cards again.
    fire(&world, 500, 501).await;
    for chat in world.chats() {
        assert_eq!(chat.channel("alerts").count("Probe500"), 1);
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_goes_on_after_a_restart() {
    let mut world = World::start().await;
    fire(&world, 0, 40).await;
    world.kill().await;
    world.run(None).await;
    fire(&world, 40, 60).await;
    world.advance(Duration::from_secs(300)).await;
    world.settle().await;
    for chat in world.chats() {
        let channel = chat.channel("alerts");
        assert_eq!(channel.count("The alert storm is over. 30 alerts were held back"), 1, "{}", channel.text());
        assert_eq!(channel.count("The alert storm is over ·"), 1, "{}", channel.text());
    }
}
