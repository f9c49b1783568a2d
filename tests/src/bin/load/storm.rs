//! A storm: tens of thousands of alerts within a minute, into ten channels on both chats, with their rate limits on.
//!
//! Meanwhile people ask things on both chats, and what they wait for is measured. In the end
//! it is counted: every alert that was accepted has a card or stands on a storm's page.

use std::time::{Duration, Instant};

use integrations::clock::{Clock, SystemClock};
use sandbox::Sandbox;
use sandbox::discord::{Outcome, Typed};
use serde_json::Value;

use crate::bot_process::Bot;
use crate::{pause, sandbox_with, share};

/// So many services, each with a channel of its own.
const CHANNELS: u64 = 10;
/// So often somebody asks something: on Discord, and on Slack, whose address for answers is paced.
const ASKED_EVERY: (Duration, Duration) = (Duration::from_millis(80), Duration::from_millis(600));
/// For so long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Requests that were refused are counted over so long.
const COUNTED_OVER: Duration = Duration::from_secs(600);

/// Prints the figures.
pub(crate) async fn storm(alerts: u64, seconds: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let names: Vec<String> = (0..CHANNELS).map(|number| format!("svc-{number}")).collect();
    let channels: Vec<&str> = ["people"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let sandbox = sandbox_with(&channels, true).await;
    let http = integrations::http::http_client().expect("a client");
    let bot = Bot::start_with(directory.path(), &sandbox, &http, &services(&sandbox, &names)).await;
    pause(Duration::from_secs(2)).await;
    let begun = Instant::now();
    println!("{alerts} alerts in {seconds} s into {CHANNELS} channels on both chats:");
    let load = load(&bot, &http, alerts, seconds);
    let asking = async { tokio::join!(asks_on_discord(&sandbox, seconds), asks_on_slack(&sandbox, seconds)) };
    let ((accepted, refused, took), ((discord, failed), (slack, unanswered))) = tokio::join!(load, asking);
    println!("  accepted {accepted}, refused {refused}, in {:.1} s", took.as_secs_f64());
    println!("  commands on Discord: {} ({failed} failed or put off)", worst(discord));
    println!("  commands on Slack: {} ({unanswered} not answered)", worst(slack));
    let over = || names.iter().all(|name| both(&sandbox, name, "The alert storm is over ·") > 0);
    while !over() && begun.elapsed() < COUNTED_OVER {
        pause(Duration::from_secs(1)).await;
    }
    println!(
        "  the storm was said to be over in every channel {:.0} s after its beginning",
        begun.elapsed().as_secs_f64()
    );
    while begun.elapsed() < COUNTED_OVER {
        pause(Duration::from_secs(1)).await;
    }
    let held = held(&bot, &http).await;
    let cards: usize = names.iter().map(|name| cards(&sandbox.slack.view(), name)).sum();
    let boards: usize = names.iter().map(|name| both(&sandbox, name, "The alert storm is over ·")).sum();
    println!(
        "  held back on the pages of storms {held}; cards on Slack {cards}, of which ten a storm were held back before"
    );
    println!("  boards {boards}, on both chats together; still open in the outbox {:?}", bot.open(&http).await);
    println!(
        "  requests before a Retry-After had run out: Slack {}, Discord {}; refused by Discord in {} s: {}",
        sandbox.slack.early_requests(),
        sandbox.discord.early_requests(),
        COUNTED_OVER.as_secs(),
        sandbox.discord.invalid_requests(),
    );
    println!("  resident memory of the bot: {} MiB, at most {} MiB", bot.resident(), bot.peak());
    bot.stop().await;
}

/// The services, each with its channels.
fn services(sandbox: &Sandbox, names: &[String]) -> String {
    let one = |name: &String| {
        let slack = sandbox.slack.channel_id(name).expect("the channel is there");
        let discord = sandbox.discord.channel_id(name).expect("the channel is there");
        format!(
            "[{name}]\nmatch = {{ service = \"{name}\" }}\nalerts = {{ slack = \"{slack}\", discord = \"{discord}\" }}\n\n"
        )
    };
    names.iter().map(one).collect()
}

/// Sends the alerts evenly, each as a group of its own; how many were accepted and refused, and how long it took.
async fn load(bot: &Bot, http: &reqwest::Client, alerts: u64, seconds: u64) -> (u64, u64, Duration) {
    let url = format!("{}/hooks/alertmanager", bot.address);
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let mut sent = tokio::task::JoinSet::new();
    let mut number = 0;
    while number < alerts {
        ticks.tick().await;
        let due = (alerts as f64 * begun.elapsed().as_secs_f64() / seconds as f64) as u64;
        while number < due.min(alerts) {
            let mut body = tests::alerts_body(&format!("Storm{number:05}"), &[("host-1", true)], SystemClock.now());
            body["alerts"][0]["labels"]["service"] = format!("svc-{}", number % CHANNELS).into();
            let request = http.post(&url).bearer_auth(bot::demo::HOOK_TOKEN).body(body.to_string());
            sent.spawn(async move { request.send().await.is_ok_and(|answer| answer.status().is_success()) });
            number += 1;
        }
    }
    let (mut accepted, mut refused) = (0, 0);
    while let Some(taken) = sent.join_next().await {
        if taken.unwrap_or(false) { accepted += 1 } else { refused += 1 }
    }
    (accepted, refused, begun.elapsed())
}

/// Asks, and takes alerts, all the time: how long each answer took, and how many failed.
async fn asks_on_discord(sandbox: &Sandbox, seconds: u64) -> (Vec<Duration>, u32) {
    let (mut times, mut failed) = (Vec::new(), 0);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut ticks = tokio::time::interval(ASKED_EVERY.0);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut number = 0;
    while Instant::now() < until {
        ticks.tick().await;
        number += 1;
        let line = match number % 3 {
            0 => "/muster status".to_owned(),
            1 => format!("/alert show alert:A-{number}"),
            _ => format!("/alert ack alert:A-{}", number * 2),
        };
        let begun = Instant::now();
        match sandbox.discord.types(["bob", "cleo"][number % 2], "people", &line).await {
            Ok(Typed::Command { outcome: Outcome::Answered, .. }) => times.push(begun.elapsed()),
            // One that is put off is no answer yet.
            Ok(_) | Err(_) => failed += 1,
        }
    }
    (times, failed)
}

/// The same on Slack, where an answer is a message that only who asked can see.
async fn asks_on_slack(sandbox: &Sandbox, seconds: u64) -> (Vec<Duration>, u32) {
    let (mut times, mut unanswered) = (Vec::new(), 0);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut ticks = tokio::time::interval(ASKED_EVERY.1);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let answers = || find(&sandbox.slack.view(), "people").map_or(0, |channel| count(&channel));
    while Instant::now() < until {
        ticks.tick().await;
        let before = answers();
        let begun = Instant::now();
        sandbox.slack.types("ann", "people", "/muster status", None).await.expect("she can type");
        let mut changes = sandbox.changes();
        while answers() == before && begun.elapsed() < PATIENCE {
            let _ = tokio::time::timeout(Duration::from_millis(50), changes.recv()).await;
        }
        if answers() > before { times.push(begun.elapsed()) } else { unanswered += 1 }
    }
    (times, unanswered)
}

/// How many alerts the pages of the storms list.
async fn held(bot: &Bot, http: &reqwest::Client) -> u64 {
    let mut held = 0;
    for storm in 1.. {
        let page = http.get(format!("{}/storms/STORM-{storm}", bot.address)).send().await.expect("it answers");
        if !page.status().is_success() {
            break;
        }
        let page = page.text().await.expect("a page");
        let words = page.split_once(" alerts were held back").expect("it says how many").0;
        held += words.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok()).expect("a number");
    }
    held
}

fn find(view: &Value, name: &str) -> Option<Value> {
    view["channels"].as_array()?.iter().find(|channel| channel["name"] == name).cloned()
}

fn count(channel: &Value) -> usize {
    channel["messages"].as_array().map_or(0, Vec::len)
}

fn says(channel: &Value, words: &str) -> usize {
    channel["messages"].as_array().into_iter().flatten().filter(|it| it.to_string().contains(words)).count()
}

/// In how many messages of a channel that is on both chats something stands.
fn both(sandbox: &Sandbox, channel: &str, words: &str) -> usize {
    let views = [sandbox.slack.view(), sandbox.discord.view()];
    views.iter().filter_map(|view| find(view, channel)).map(|channel| says(&channel, words)).sum()
}

/// Cards of single alerts in a channel.
fn cards(view: &Value, name: &str) -> usize {
    find(view, name).map_or(0, |channel| says(&channel, "Storm"))
}

fn worst(mut times: Vec<Duration>) -> String {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let place = (times.len() * 999).div_ceil(1000).max(1) - 1;
    let p999 = times.get(place).copied().unwrap_or_default();
    let (median, p99) = (share(&times, 50), share(&times, 99));
    let most = times.last().copied().unwrap_or_default();
    format!(
        "median {:.0} ms, p99 {:.0} ms, p99.9 {:.0} ms, at most {:.0} ms, of {}",
        ms(median),
        ms(p99),
        ms(p999),
        ms(most),
        times.len()
    )
}
