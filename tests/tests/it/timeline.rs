//! The timeline: what people pin and mark, with the message's own author, time and link.

use tests::World;

async fn incident() -> World {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pins_and_reactions_on_both_chats_land_in_the_timeline_once() {
    let world = incident().await;
    for (chat, words) in [(world.slack(), "the index was rebuilt"), (world.discord(), "the cache is cold")] {
        chat.user("bob").types("inc-1-…", words).await;
        let message = chat.channel("inc-1-…").message(words);
        chat.user("ann").pins(&message).await;
        chat.user("ann").marks(&message).await;
    }
    let (slack, discord) = world
        .bot()
        .engine
        .read(|state| {
            let kept = state.incidents.values().next().map(|it| it.kept.clone()).unwrap_or_default();
            let by = |platform| kept.iter().find(|kept| kept.captured.message.platform == platform).cloned();
            assert_eq!(kept.len(), 2, "each message once, however often it is marked");
            (by(operations::ids::Platform::Slack), by(operations::ids::Platform::Discord))
        })
        .await
        .expect("the bot runs");
    for (kept, words) in [(slack, "the index was rebuilt"), (discord, "the cache is cold")] {
        let kept = kept.expect("it is kept");
        assert_eq!(kept.captured.text.as_str(), words);
        assert!(kept.captured.link.starts_with("https://"), "{}", kept.captured.link);
        assert!(!kept.captured.author.name.is_empty(), "the author has a name");
        assert!(
            kept.captured.at.to_string().starts_with("2026-03-02T14:"),
            "the message's own time: {}",
            kept.captured.at
        );
    }
    for chat in world.chats() {
        let room = chat.channel("inc-1-…");
        assert!(
            room.text().contains("the index was rebuilt") && room.text().contains("the cache is cold"),
            "{}",
            room.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_that_is_taken_away_takes_the_entry_away_on_record() {
    let world = incident().await;
    for (turn, chat) in world.chats().into_iter().enumerate() {
        chat.user("bob").types("inc-1-…", "never mind this").await;
        let message = chat.channel("inc-1-…").message("never mind this");
        chat.user("ann").marks(&message).await;
        chat.user("ann").unmarks(&message).await;
        // Both rooms are told of what was taken out on either side.
        assert_eq!(
            chat.channel("inc-1-…").count("out of the timeline again"),
            turn + 1,
            "{}",
            chat.channel("inc-1-…").text()
        );
        world.slack().user("ann").types("inc-1-…", "/incident note next chat").await;
    }
    let kept = world.bot().engine.read(|state| state.incidents.values().map(|it| it.kept.len()).sum::<usize>()).await;
    assert_eq!(kept, Ok(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timeline_is_shown_to_the_one_who_asks() {
    let world = incident().await;
    world.discord().user("bob").types("inc-1-…", "/incident note the cache is cold").await;
    for chat in world.chats() {
        chat.user("ann").types("inc-1-…", "/incident timeline").await;
        let told = chat.user("ann").was_told("inc-1-…");
        assert!(told.contains("declared INC-1") && told.contains("the cache is cold"), "{told}");
    }
}
