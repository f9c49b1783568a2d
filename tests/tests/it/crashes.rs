//! The story with the bot killed at every commit, before and after it: what people see in
//! the end is what they see without, nothing missing and nothing doubled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bot::demo::story::{self, Does, Player, Step};
use bot::engine::Halt;
use operations::ids::Platform;
use tests::{Setup, World};

/// Everything that the bot says in public, as counts: order between channels does not matter.
fn said(world: &World) -> BTreeMap<String, usize> {
    let mut said = BTreeMap::new();
    for chat in world.chats() {
        for channel in ["alerts", "incidents", "inc-1-…"] {
            let Some(channel) = chat.try_channel(channel) else { continue };
            // Slack's own lines about purpose and topic are no messages of the bot's.
            let own = |text: &str| !text.contains("set the channel");
            for message in channel.messages.iter().filter(|message| message.by_bot && own(&message.text)) {
                let line = format!("{} #{}: {}", chat.platform.title(), channel.name, gist(&message.text));
                *said.entry(line).or_default() += 1;
            }
        }
    }
    said
}

/// A message without what differs from one run to the next: ids, numbers and links.
fn gist(text: &str) -> String {
    let known = [
        "HighErrorRate",
        "is now Commander",
        "changed the severity",
        "pinned a message",
        "added to the timeline",
        "posted an update",
        "14 tickets",
        "action item",
        "mitigated the incident",
        "resolved the incident",
        "The postmortem is written",
        "Checkout is failing for some customers",
    ];
    known.iter().find(|known| text.contains(**known)).map_or_else(|| text.to_owned(), |known| (*known).to_owned())
}

/// Plays the story; starts the bot again whenever it has halted.
async fn play(halt: Option<Halt>) -> (BTreeMap<String, usize>, u64) {
    let mut world = World::start_with(Setup { halt, ..Setup::default() }).await;
    for step in story::steps() {
        for wait in [20, 75, 320, 0] {
            assert!(wait > 0, "{}: never seen: {:?}", step.title, missing(&world, &step));
            let acted = act(&world, &step).await;
            revive(&mut world).await;
            world.settle().await;
            revive(&mut world).await;
            world.settle().await;
            // What a person sees has not happened, a person does again; what has, not.
            if missing(&world, &step).is_none() && (acted.is_ok() || !step.seen.is_empty()) {
                break;
            }
            // A card may have been changed while the bot was away: time goes on and it is brought up to date. What
            // Slack could not deliver, it delivers again after a minute, and after five more.
            world.advance(Duration::from_secs(wait)).await;
            revive(&mut world).await;
            if missing(&world, &step).is_none() && !step.seen.is_empty() {
                break;
            }
        }
    }
    world.advance(Duration::from_secs(30)).await;
    let commits = world.bot().metrics.commits();
    for chat in world.chats() {
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
    let said = said(&world);
    // Nothing of this world calls at ports that the next one may have.
    world.kill().await;
    (said, commits)
}

fn player(world: &World) -> Player<'_> {
    let address = world.app.as_ref().map(|app| app.address.to_string()).unwrap_or_default();
    let began = "2026-03-02T13:56:00Z".parse().expect("a time");
    Player { sandbox: &world.sandbox, hooks: format!("http://{address}"), http: world.http.clone(), began }
}

fn missing(world: &World, step: &Step) -> Option<String> {
    player(world).missing(step)
}

async fn act(world: &World, step: &Step) -> Result<(), String> {
    // The form may have to be opened again by the click of the step before.
    if let Does::Submits(on, who, _) = &step.does
        && world.chat(*on).view()["forms"].as_array().is_none_or(Vec::is_empty)
    {
        let click = Does::Clicks(*on, who, story::In::Alerts, "Declare incident");
        world.while_working(player(world).act(&click)).await?;
        world.settle().await;
    }
    world.while_working(player(world).act(&step.does)).await
}

/// Starts the bot again if it has halted.
async fn revive(world: &mut World) {
    let halted = match &world.app {
        Some(app) => app.engine.read(|_| ()).await.is_err(),
        None => true,
    };
    if halted {
        world.kill().await;
        world.run(None).await;
    }
}

/// So many worlds at once: each mostly waits for its disk.
const AT_ONCE: usize = 6;

fn in_a_world_of_its_own(halt: Option<Halt>) -> (BTreeMap<String, usize>, u64) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(play(halt))
}

#[test]
fn the_story_ends_the_same_wherever_the_bot_is_killed() {
    let (expected, commits) = in_a_world_of_its_own(None);
    assert!(expected.len() > 20, "{expected:#?}");
    assert!(expected.keys().any(|line| line.starts_with(Platform::Slack.title())), "{expected:#?}");
    assert!(commits > 20, "the story takes many commits: {commits}");
    let halts: Vec<Halt> = (1..=commits).flat_map(|number| [Halt::Before(number), Halt::After(number)]).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(halt) = halts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (found, _) = in_a_world_of_its_own(Some(*halt));
                    assert_eq!(found, expected, "{halt:?}");
                }
            });
        }
    });
}
