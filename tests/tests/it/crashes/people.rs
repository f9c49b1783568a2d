//! People and monitors who do something again where nothing came of it, and what they see in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bot::crash::Crash;
use bot::demo::story::Does;
use tests::{Setup, World, alerts_body};

use super::workflows::{Act, Deed, Seen, Workflow};

/// What came of a workflow.
pub(super) struct Played {
    /// What people see, as counts: order between channels does not matter.
    pub(super) seen: BTreeMap<String, usize>,
    /// Whether the bot died.
    pub(super) died: bool,
}

impl Played {
    /// Where this is not what was expected, in lines.
    pub(super) fn differs(&self, expected: &Played) -> Vec<String> {
        let lines: BTreeSet<&String> = self.seen.keys().chain(expected.seen.keys()).collect();
        let count = |played: &Played, line| played.seen.get(line).copied().unwrap_or_default();
        let differing = lines.into_iter().map(|line| (count(self, line), count(expected, line), line));
        let differing = differing.filter(|(found, expected, _)| found != expected);
        differing.map(|(found, expected, line)| format!("{found} instead of {expected}: {line}")).collect()
    }
}

/// Plays a workflow; starts the bot again whenever it has died.
pub(super) async fn play(workflow: &Workflow, crash: &Crash) -> Played {
    let setup = Setup { crash: Some(crash.clone()), muster: workflow.muster.to_owned(), ..Setup::default() };
    let mut world = World::start_with(setup).await;
    for (number, deed) in workflow.deeds.iter().enumerate() {
        for wait in [20, 75, 320, 0] {
            assert!(wait > 0, "{}: {deed:?}: never seen: {:?}", workflow.name, missing(&world, deed));
            let before = number.checked_sub(1).map(|before| &workflow.deeds[before]);
            let acted = act(&mut world, deed, before).await;
            for _ in 0..2 {
                revive(&mut world).await;
                world.settle().await;
            }
            // What a person sees has not happened, a person does again; what has, not.
            if missing(&world, deed).is_none() && (acted.is_ok() || !deed.seen.is_empty()) {
                break;
            }
            // A card may have been changed while the bot was away: time goes on and it is brought up to date. What
            // Slack could not deliver, it delivers again after a minute, and after five more.
            world.advance(Duration::from_secs(wait)).await;
            revive(&mut world).await;
            if missing(&world, deed).is_none() && !deed.seen.is_empty() {
                break;
            }
        }
    }
    world.advance(Duration::from_secs(30)).await;
    revive(&mut world).await;
    world.settle().await;
    for chat in world.chats() {
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
    let played = Played { seen: seen(&world), died: crash.lives().is_err() };
    // Nothing of this world calls at ports that the next one may have.
    world.kill().await;
    played
}

/// Starts the bot again if it has died.
async fn revive(world: &mut World) {
    if world.app.is_none() || world.crash.lives().is_err() {
        world.kill().await;
        world.run(None).await;
    }
}

/// What must be seen after a deed and is not.
fn missing(world: &World, deed: &Deed) -> Option<String> {
    let player = world.player();
    deed.seen.iter().find_map(|seen| match seen {
        Seen::Chat(only, place, words) => world.chats().into_iter().find_map(|chat| {
            let looks = only.is_none_or(|only| only == chat.platform);
            let there = !looks || player.message(chat.platform, *place, words).is_some();
            (!there).then(|| format!("\"{words}\" in #{}… on {}", place.name(), chat.platform.title()))
        }),
        Seen::Page(words) => {
            let there = page(world).is_some_and(|(_, text)| text.contains(words));
            (!there).then(|| format!("\"{words}\" in the page"))
        }
    })
}

async fn act(world: &mut World, deed: &Deed, before: Option<&Deed>) -> Result<(), String> {
    match &deed.act {
        Act::Does(does) => {
            // The form may have to be opened again by the click of the deed before.
            if let (Does::Submits(on, ..), Some(Deed { act: Act::Does(click), .. })) = (does, before)
                && world.chat(*on).view()["forms"].as_array().is_none_or(Vec::is_empty)
            {
                world.while_working(world.player().act(click)).await?;
                world.settle().await;
            }
            world.while_working(world.player().act(does)).await
        }
        Act::Alerts(names) => {
            for name in *names {
                let body = alerts_body(name, &[("host-1", true)], "2026-03-02T13:59:00Z".parse().expect("a time"));
                // As Alertmanager does: again until it is taken.
                while world.hook(body.to_string()).await != 200 {
                    revive(world).await;
                }
            }
            Ok(())
        }
        Act::Edits(words) => {
            let (path, text) = page(world).ok_or("there is no page")?;
            if !text.contains(words) {
                std::fs::write(path, format!("{text}\n{words}\n")).map_err(|error| error.to_string())?;
            }
            Ok(())
        }
        Act::Stops => {
            let crash = world.crash.clone();
            world.stop().await;
            world.run(crash.lives().is_ok().then_some(crash)).await;
            Ok(())
        }
    }
}

/// The first incident's page: where it is, and what it says.
fn page(world: &World) -> Option<(std::path::PathBuf, String)> {
    let mut files = std::fs::read_dir(world.data().join("wiki/postmortems")).ok()?.flatten().map(|file| file.path());
    let path = files.find(|path| path.to_string_lossy().contains("inc-1-"))?;
    let text = std::fs::read_to_string(&path).ok()?;
    Some((path, text))
}

/// Everything that the bot says in public, and the page, without what differs from one run to the next.
fn seen(world: &World) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for chat in world.chats() {
        for channel in ["alerts", "incidents", "inc-1-…"] {
            let Some(channel) = chat.try_channel(channel) else { continue };
            // Slack's own lines about purpose and topic are no messages of the bot's.
            let own = |text: &str| !text.contains("set the channel");
            for message in channel.messages.iter().filter(|message| message.by_bot && own(&message.text)) {
                let line = format!("{} #{}: {}", chat.platform.title(), channel.name, gist(&message.text));
                *seen.entry(line).or_default() += 1;
            }
        }
        *seen.entry(format!("{}: rooms", chat.platform.title())).or_default() += chat.channels("inc-");
    }
    for line in page(world).iter().flat_map(|(_, text)| text.lines()) {
        // How long something took, and the check sum of a part that says it.
        let differs = ["| Time to ", "<!-- muster:begin "].iter().any(|begins| line.starts_with(begins));
        let line: String = if differs { line.split_inclusive(' ').take(3).collect() } else { gist(line) };
        *seen.entry(format!("page: {line}")).or_default() += 1;
    }
    seen
}

/// A message without ids, times and links: the first of what is known that it says, and all states that it shows.
/// That it was mitigated shows only if that took any time.
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
        "Alert storm since",
        "Probe1",
        "Probe2",
        "Probe3",
        "Probe4",
        "Probe5",
        "Probe6",
        "Probe7",
        "Probe8",
        "SlowSearch",
        "EmptyCarts",
        "Carts are empty",
        "The cache is cold",
        "It began after the deploy",
        "The first thing",
        "One more thing",
        "Search is slow",
    ];
    let states = [
        "resolved after",
        "Bob (Discord)",
        "noted",
        "held back",
        "INC-1",
        "INC-2",
        "SEV1",
        "SEV2",
        "SEV3",
        "resolved",
        "Postmortem",
        "Acknowledge",
    ];
    match known.iter().find(|known| text.contains(**known)) {
        Some(known) => {
            let states: Vec<&str> = states.into_iter().filter(|state| text.contains(state)).collect();
            format!("{known} ({})", states.join(", "))
        }
        None => text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect(),
    }
}
