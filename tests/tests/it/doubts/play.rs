//! The scenes in which every call is made, and what people see in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use commands::answers::AGAIN;
use operations::ids::Platform;
use sandbox::control::transcript;
use sandbox::faults::CallFault;
use serde_json::{Value, json};
use tests::{Setup, World};

use super::{Trial, alone, before};

/// What people see, without what differs from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What everybody sees, and how often: messages, channels, topics, pins, forms.
    pub(super) public: BTreeMap<String, usize>,
    /// What one person alone was told.
    pub(super) told: BTreeMap<String, Told>,
    /// How often each call was made.
    pub(super) calls: BTreeMap<String, usize>,
    /// Calls that came before a told wait was over.
    pub(super) early: usize,
    /// Faults that did not happen.
    pub(super) left: usize,
    /// Calls that were wrong.
    pub(super) unexpected: Vec<String>,
}

/// How often somebody was told something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) plain: usize,
    /// With the words that say that it may have been seen.
    pub(super) marked: usize,
}

/// Faults of the sandbox go by the path that Slack has for it.
pub(super) fn in_the_sandbox(call: &'static str) -> &'static str {
    if call == "(response URL)" { "response_url" } else { call }
}

/// Plays all scenes, with calls that fail: one on each chat at most.
pub(super) async fn play(trials: &[Trial]) -> Seen {
    let mut faults = Vec::new();
    for trial in trials {
        let (on, name) = (trial.call.platform, in_the_sandbox(trial.call.name));
        faults.extend(before(&trial.call).into_iter().map(|(call, fault)| (on, call, fault)));
        faults.extend((0..trial.after).map(|_| (on, name, CallFault::Pass)));
        faults.push((on, name, trial.fault.clone()));
    }
    let mut world = World::start_with(Setup { faults, ..Setup::default() }).await;
    scenes(&world).await;
    world.advance(Duration::from_secs(40)).await;
    // What the bot itself never calls in these scenes, as its outbox would.
    world.stop().await;
    alone::scenes(&world).await;
    see(&world)
}

async fn scenes(world: &World) {
    world.settle().await;
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    world.alerts("Disk", &[("db-1", true), ("db-2", true)]).await;
    world.settle().await;
    declares(world).await;
    world.advance(Duration::from_secs(3)).await;
    let [slack, discord] = world.chats();
    discord.user("bob").types("inc-1-…", "/incident sev SEV1").await;
    slack.user("ann").types("inc-1-…", "/incident role commander me").await;
    for (chat, said) in [(slack, "the disk fills up"), (discord, "the disk is full")] {
        match chat.platform {
            Platform::Slack => in_a_thread(world, said).await,
            Platform::Discord => chat.user("bob").types("inc-1-…", said).await,
        }
        let message = chat.channel("inc-1-…").message(said);
        chat.user("bob").pins(&message).await;
        chat.user("cleo").types("general", &format!("@muster note INC-1 {said} indeed")).await;
        world.settle().await;
    }
    discord.user("cleo").types("general", "/incident declare").await;
    world.settle().await;
}

/// Ann asks, and Bob answers her in a thread.
async fn in_a_thread(world: &World, said: &str) {
    world.slack().user("ann").types("inc-1-…", "what do you see?").await;
    let asked = world.slack().channel("inc-1-…").message("what do you see?");
    let bob = world.sandbox.slack.joins("bob", &asked.channel);
    world.while_working(bob).await.expect("he may come in");
    let says = world.sandbox.slack.types("bob", &asked.channel, said, Some(&asked.id));
    world.while_working(says).await.expect("he may say that");
    world.settle().await;
}

/// Ann declares with a form, or as she is told to where it does not open.
async fn declares(world: &World) {
    let ann = world.slack().user("ann");
    ann.types("general", "/incident declare").await;
    if world.slack().view()["forms"].as_array().is_some_and(|forms| !forms.is_empty()) {
        ann.submits(&[("title", "Disks fill up"), ("severity", "SEV2")]).await;
    } else {
        ann.types("general", "/incident declare Disks fill up sev:SEV2").await;
    }
    world.settle().await;
}

fn see(world: &World) -> Seen {
    let mut seen = Seen::default();
    for chat in world.chats() {
        let view = chat.view();
        let on = chat.platform.key();
        for channel in view["channels"].as_array().into_iter().flatten() {
            look_at(on, &view, channel, &mut seen);
        }
        let forms = view["forms"].as_array().map_or(0, Vec::len);
        seen.public.insert(format!("{on}: an open form"), forms);
        seen.unexpected.extend(chat.unexpected());
    }
    let sandbox = &world.sandbox;
    let on_slack = sandbox.slack.requests().into_iter().map(|request| request.method);
    let on_discord = sandbox.discord.requests().into_iter().map(|request| request.route);
    for call in on_slack.chain(on_discord) {
        *seen.calls.entry(call).or_default() += 1;
    }
    seen.early = sandbox.slack.early_requests() + sandbox.discord.early_requests();
    seen.left = sandbox.slack.faults_left() + sandbox.discord.faults_left();
    seen
}

fn look_at(on: &str, view: &Value, channel: &Value, seen: &mut Seen) {
    let count = |what: &str| channel[what].as_array().map_or(0, Vec::len);
    let is_direct = !channel["im"].is_null() || !channel["dm"].is_null();
    let name = channel["name"].as_str().unwrap_or_default();
    if !is_direct {
        let (topic, archived) = (channel["topic"].as_str().unwrap_or_default(), &channel["archived"]);
        let (pins, members) = (count("pins"), count("members"));
        let what =
            format!("{on} #{name}: {pins} pins, {members} members, archived {archived}, topic {}", steady(topic));
        *seen.public.entry(what).or_default() += 1;
    }
    let alone = json!({ "people": view["people"], "bot": view["bot"], "channels": [channel] });
    for message in messages(&transcript(&alone)) {
        let text = steady(&message);
        // Slack's own word that a command was not answered in time.
        if text.contains("failed with the error") {
            continue;
        }
        if is_direct || text.contains("sees this)") {
            let (_, words) = text.split_once(": ").unwrap_or_default();
            let words = words.replace(&format!(" · {AGAIN}"), "").replace(AGAIN, "");
            let told = seen.told.entry(format!("{on}: {}", words.trim())).or_default();
            if text.contains(AGAIN) { told.marked += 1 } else { told.plain += 1 }
        } else {
            *seen.public.entry(format!("{on} #{name}: {text}")).or_default() += 1;
        }
    }
}

/// The messages of one channel's transcript: each begins with two blanks, and goes on with six.
fn messages(transcript: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in transcript.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        match line.strip_prefix("      ").and_then(|more| Some((more, messages.last_mut()?))) {
            Some((more, last)) => last.push_str(&format!("\n{more}")),
            None => messages.push(line.trim().to_owned()),
        }
    }
    messages
}

/// The text without times of day, ids, and the mark that it was changed.
fn steady(text: &str) -> String {
    let mut out: Vec<char> = Vec::new();
    let chars: Vec<char> = text.replace(" [edited]", "").chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let is_time = chars[at..].len() >= 5
            && chars[at + 2] == ':'
            && [0, 1, 3, 4].iter().all(|place| chars[at + place].is_ascii_digit());
        let id = chars[at..].iter().take_while(|c| c.is_ascii_digit() || c.is_ascii_uppercase()).count();
        if id >= 10 {
            out.push('…');
            at += id;
        } else if is_time {
            out.extend("00:00".chars());
            at += 5;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out.into_iter().collect()
}

/// Every platform's own name for itself in what is seen.
#[test]
fn times_of_day_are_taken_out() {
    assert_eq!(steady("since 14:05 [edited], SEV2 in #C0C00000014"), "since 00:00, SEV2 in #…");
    assert_eq!(Platform::ALL.map(Platform::key), ["slack", "discord"]);
}
