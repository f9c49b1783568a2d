//! Webhooks, cards and clicks while alerts come in steadily.
//!
//! The load: alerts of twenty groups, one webhook each, in turns firing and resolved. Every
//! few seconds a new group is told of: from its webhook to its card on both chats is one
//! figure, from the click on *Acknowledge* in Discord to the changed card in Slack another.

use std::time::{Duration, Instant};

use integrations::clock::{Clock, SystemClock};
use sandbox::Sandbox;
use serde_json::Value;

use crate::bot_process::Bot;
use crate::{pause, sandbox, spread};

/// How many groups the load is about.
const GROUPS: u32 = 20;
/// How far apart new groups are.
const APART: Duration = Duration::from_secs(2);
/// How long is waited for a card or a change of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints the figures.
pub(crate) async fn latency(rate: u32, seconds: u32) {
    let directory = tempfile::tempdir().expect("a directory");
    let sandbox = sandbox().await;
    let http = integrations::http::http_client().expect("a client");
    let bot = Bot::start(directory.path(), &sandbox, &http).await;
    pause(Duration::from_secs(2)).await;
    println!("resident memory of the bot, idle: {} MiB", bot.resident());

    // The groups of the load have their cards before anything is measured.
    load(&bot, &http, GROUPS, 1).await;
    rest(&bot, &http).await;
    println!("{rate} alerts a second for {seconds} s, new groups beside it:");
    let ((mut answered, refused), (mut cards, mut clicks, late)) =
        tokio::join!(load(&bot, &http, rate, seconds), probes(&sandbox, &bot, &http, seconds));
    println!("  webhook to durable 2xx: {} ({refused} refused)", spread(&mut answered));
    println!(
        "  webhook to card on both chats: {} ({late} not seen within {} s)",
        spread(&mut cards),
        PATIENCE.as_secs()
    );
    println!("  click in Discord to changed card in Slack: {}", spread(&mut clicks));

    let (took, open) = rest(&bot, &http).await;
    println!("outbox empty {:.1} s after the load ({open} open)", took.as_secs_f64());
    println!("resident memory of the bot, after: {} MiB", bot.resident());
    bot.stop().await;

    let sandbox = self::sandbox().await;
    let directory = tempfile::tempdir().expect("a directory");
    let bot = Bot::start(directory.path(), &sandbox, &http).await;
    let (mut cards, mut clicks, late) = probes(&sandbox, &bot, &http, 60).await;
    println!("without load:");
    println!("  webhook to card on both chats: {} ({late} not seen)", spread(&mut cards));
    println!("  click in Discord to changed card in Slack: {}", spread(&mut clicks));
    bot.stop().await;
}

/// Waits until the outbox is empty, five minutes at most; how long that took, and what is still open.
async fn rest(bot: &Bot, http: &reqwest::Client) -> (Duration, u64) {
    let begun = Instant::now();
    loop {
        let open = bot.open(http).await.unwrap_or(u64::MAX);
        if open == 0 || begun.elapsed() > Duration::from_secs(300) {
            return (begun.elapsed(), open);
        }
        pause(Duration::from_millis(100)).await;
    }
}

/// Sends the load; how long each answer took, and how many were refused.
async fn load(bot: &Bot, http: &reqwest::Client, rate: u32, seconds: u32) -> (Vec<Duration>, u32) {
    let url = format!("{}/hooks/alertmanager", bot.address);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut sent = tokio::task::JoinSet::new();
    for number in 0..rate * seconds {
        ticks.tick().await;
        let name = format!("Load{:02}", number % GROUPS);
        let member = format!("host-{}", number / GROUPS % 10);
        let firing = number / GROUPS % 3 != 2;
        let body = tests::alerts_body(&name, &[(&member, firing), ("host-x", true)], SystemClock.now()).to_string();
        let request = http.post(&url).bearer_auth(bot::demo::HOOK_TOKEN).body(body);
        sent.spawn(async move {
            let begun = Instant::now();
            let answer = request.send().await;
            (begun.elapsed(), answer.is_ok_and(|answer| answer.status().is_success()))
        });
    }
    let (mut answered, mut refused) = (Vec::new(), 0);
    while let Some(Ok((took, taken))) = sent.join_next().await {
        if taken { answered.push(took) } else { refused += 1 }
    }
    (answered, refused)
}

/// Tells of new groups, and acknowledges them in Discord.
async fn probes(
    sandbox: &Sandbox,
    bot: &Bot,
    http: &reqwest::Client,
    seconds: u32,
) -> (Vec<Duration>, Vec<Duration>, u32) {
    let url = format!("{}/hooks/alertmanager", bot.address);
    let until_end = Instant::now() + Duration::from_secs(u64::from(seconds));
    let (mut cards, mut clicks, mut late) = (Vec::new(), Vec::new(), 0);
    let mut ticks = tokio::time::interval(APART);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while Instant::now() < until_end {
        ticks.tick().await;
        let name = format!("Probe{:03}", cards.len() + late as usize);
        let body = tests::alerts_body(&name, &[("host-1", true)], SystemClock.now()).to_string();
        let begun = Instant::now();
        let sent = http.post(&url).bearer_auth(bot::demo::HOOK_TOKEN).body(body).send().await;
        assert!(sent.is_ok_and(|answer| answer.status().is_success()), "the webhook is taken");
        let shown = || card(&sandbox.slack.view(), &name).is_some() && card(&sandbox.discord.view(), &name).is_some();
        if !seen(sandbox, shown).await {
            late += 1;
            continue;
        }
        cards.push(begun.elapsed());
        let Some((channel, message, _)) = card(&sandbox.discord.view(), &name) else { continue };
        let begun = Instant::now();
        sandbox.discord.clicks("bob", &channel, &message, "Acknowledge").await.expect("he can click");
        let changed = || card(&sandbox.slack.view(), &name).is_some_and(|(_, _, text)| text.contains("Bob"));
        if seen(sandbox, changed).await {
            clicks.push(begun.elapsed());
        }
    }
    (cards, clicks, late)
}

/// Waits until it is seen, looking whenever something changes in the sandbox.
async fn seen(sandbox: &Sandbox, mut done: impl FnMut() -> bool) -> bool {
    let mut changes = sandbox.changes();
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if done() {
            return true;
        }
        // That changes were missed is no harm: everything is looked at anew.
        let _ = tokio::time::timeout(Duration::from_millis(50), changes.recv()).await;
    }
    false
}

/// The card in `#alerts` that names an alert: its channel, its id, and all that it says.
fn card(view: &Value, name: &str) -> Option<(String, String, String)> {
    let channel = view["channels"].as_array()?.iter().find(|it| it["name"] == "alerts")?;
    let messages = channel["messages"].as_array()?;
    let (message, text) = messages.iter().rev().map(|it| (it, it.to_string())).find(|(_, text)| text.contains(name))?;
    let id = message["ts"].as_str().or(message["id"].as_str())?;
    Some((channel["id"].as_str()?.to_owned(), id.to_owned(), text))
}
