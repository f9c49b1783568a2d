//! Figures under load: `cargo run --release -p tests --bin load -- [all|latency|start]`.
//!
//! Everything runs on this machine: the sandbox with its rate limits off, and the bot with
//! the machine's own clock. Prints medians and 99th percentiles; asserts nothing.

#![expect(clippy::print_stdout, reason = "this is a program that prints figures")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bot::app::{App, Options};
use bot::store::embedded::Embedded;
use bot::store::{Batch, Store};
use clap::Parser;
use integrations::clock::SystemClock;
use operations::event::Event;
use operations::journal::{Hash, Record};
use sandbox::Sandbox;

/// Figures under load.
#[derive(Parser)]
struct Args {
    /// What to measure.
    #[arg(default_value = "all")]
    what: String,
    /// Alerts a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// For how many seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Events in the journal for a cold start.
    #[arg(long, default_value_t = 100_000)]
    events: u64,
}

fn main() {
    let args = Args::parse();
    integrations::tls::install();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if matches!(args.what.as_str(), "all" | "latency") {
        runtime.block_on(latency(&args));
    }
    if matches!(args.what.as_str(), "all" | "start") {
        runtime.block_on(cold_start(args.events));
    }
}

async fn sandbox() -> Sandbox {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Sandbox::start(sandbox::Config {
        slack: any,
        discord: any,
        control: any,
        time: Arc::new(sandbox::time::SystemTime),
        people: vec!["ann".to_owned(), "bob".to_owned(), "cleo".to_owned()],
        channels: vec!["general".to_owned(), "alerts".to_owned(), "incidents".to_owned()],
        buttons: Vec::new(),
        presses: None,
        rate_limits: false,
    })
    .await
    .expect("loopback ports are free")
}

async fn start(directory: &Path, sandbox: &Sandbox) -> App {
    let config = bot::demo::write_config(directory, sandbox, 0).expect("the configuration holds");
    App::start(&config, Options { clock: Arc::new(SystemClock), halt: None }).await.expect("the bot starts")
}

/// Waits until `done`, looking whenever something changes in the sandbox.
async fn until(sandbox: &Sandbox, mut done: impl FnMut() -> bool) {
    let mut changes = sandbox.changes();
    while !done() {
        // That changes were missed is no harm: everything is looked at anew.
        let _ = tokio::time::timeout(Duration::from_millis(100), changes.recv()).await;
    }
}

async fn latency(args: &Args) {
    let directory = tempfile::tempdir().expect("a directory");
    let sandbox = sandbox().await;
    let app = start(directory.path(), &sandbox).await;
    until(&sandbox, || app.sockets.values().all(|health| health.borrow().connects > 0)).await;
    println!("resident memory idle: {} MiB (bot and sandbox in one process)", resident());

    let http = integrations::chat::http_client().expect("a client");
    let url = format!("http://{}/hooks/alertmanager", app.address);
    let total = args.rate * args.seconds;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / args.rate);
    let mut sent = tokio::task::JoinSet::new();
    for number in 0..total {
        ticks.tick().await;
        let name = format!("Load{number}");
        let body = tests::alerts_body(&name, &[("host-1", true)], jiff_now()).to_string();
        let request = http.post(&url).bearer_auth(bot::demo::HOOK_TOKEN).body(body);
        sent.spawn(async move {
            let begun = Instant::now();
            let answer = request.send().await;
            (begun.elapsed(), answer.is_ok_and(|answer| answer.status().is_success()))
        });
    }
    let mut answered = Vec::new();
    let mut refused = 0;
    while let Some(Ok((took, taken))) = sent.join_next().await {
        if taken { answered.push(took) } else { refused += 1 }
    }
    println!(
        "webhook to durable 2xx, {} a second for {} s: {} ({refused} refused)",
        args.rate,
        args.seconds,
        spread(&mut answered)
    );

    let mut standing = app.standing.clone();
    let begun = Instant::now();
    let drained = standing.wait_for(|standing| standing.open == 0);
    let drained = tokio::time::timeout(Duration::from_secs(180), drained).await.is_ok_and(|found| found.is_ok());
    let open = app.standing.borrow().open;
    println!("outbox after the load: drained {drained} in {:.1} s, {open} open", begun.elapsed().as_secs_f64());
    println!("resident memory after: {} MiB (bot and sandbox in one process)", resident());
    drop(sandbox);
    app.stop().await;

    // Cards and clicks are measured on an empty outbox with the chats' own pacing of one post a second.
    let directory = tempfile::tempdir().expect("a directory");
    let sandbox = self::sandbox().await;
    let app = start(directory.path(), &sandbox).await;
    until(&sandbox, || app.sockets.values().all(|health| health.borrow().connects > 0)).await;
    cards_and_clicks(&sandbox, &app, &http).await;
    app.stop().await;
}

async fn cards_and_clicks(sandbox: &Sandbox, app: &App, http: &reqwest::Client) {
    let url = format!("http://{}/hooks/alertmanager", app.address);
    let (mut cards, mut clicks) = (Vec::new(), Vec::new());
    for number in 0..30 {
        let name = format!("Card{number:03}");
        let body = tests::alerts_body(&name, &[("host-1", true)], jiff_now()).to_string();
        let begun = Instant::now();
        let sent = http.post(&url).bearer_auth(bot::demo::HOOK_TOKEN).body(body).send().await;
        assert!(sent.is_ok_and(|answer| answer.status().is_success()), "the webhook is taken");
        let shown =
            || sandbox.slack.view().to_string().contains(&name) && sandbox.discord.view().to_string().contains(&name);
        until(sandbox, shown).await;
        cards.push(begun.elapsed());
        let view = sandbox.discord.view();
        let alerts =
            view["channels"].as_array().and_then(|channels| channels.iter().find(|it| it["name"] == "alerts").cloned());
        let alerts = alerts.expect("the channel");
        let found =
            alerts["messages"].as_array().and_then(|all| all.iter().find(|it| it.to_string().contains(&name)).cloned());
        let card = found.expect("the card");
        let (channel, message) = (alerts["id"].as_str().unwrap_or_default(), card["id"].as_str().unwrap_or_default());
        let begun = Instant::now();
        sandbox.discord.clicks("bob", channel, message, "Acknowledge").await.expect("he can click");
        let wanted = format!("A-{}", number + 1);
        let changed = || {
            let view = sandbox.slack.view();
            let channel =
                view["channels"].as_array().and_then(|all| all.iter().find(|it| it["name"] == "alerts").cloned());
            let messages = channel.and_then(|channel| channel["messages"].as_array().cloned()).unwrap_or_default();
            messages
                .iter()
                .map(ToString::to_string)
                .any(|card| card.contains(&wanted) && card.contains(&name) && card.contains("Bob"))
        };
        until(sandbox, changed).await;
        clicks.push(begun.elapsed());
        // Slack asks for one post a second and channel: this measures the way, not the queue for it.
        tokio::time::interval(Duration::from_millis(1_300)).tick().await;
        let mut pause = tokio::time::interval_at(
            tokio::time::Instant::now() + Duration::from_millis(1_300),
            Duration::from_secs(1),
        );
        pause.tick().await;
    }
    println!("webhook to card on both chats, one every 1.3 s: {}", spread(&mut cards));
    println!("click in Discord to changed card in Slack: {}", spread(&mut clicks));
}

async fn cold_start(events: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let sandbox = sandbox().await;
    let config = bot::demo::write_config(directory.path(), &sandbox, 0).expect("the configuration holds");
    write_journal(&config.data_dir, events);
    for what in ["without a snapshot", "with one"] {
        let begun = Instant::now();
        let app =
            App::start(&config, Options { clock: Arc::new(SystemClock), halt: None }).await.expect("the bot starts");
        println!(
            "cold start with {events} events, {what}: {:.0} ms ({} events read)",
            begun.elapsed().as_secs_f64() * 1e3,
            app.replayed
        );
        app.stop().await;
    }
}

/// A journal as a bot that lived for a while would have: groups that open and are resolved.
fn write_journal(data: &Path, events: u64) {
    let mut store = Embedded::open(data).expect("the store opens");
    let mut hash = Hash::GENESIS;
    let mut batch = Batch::new(1);
    let began = jiff_now() - jiff::SignedDuration::from_hours(24 * 30);
    for seq in 1..=events {
        let group = operations::ids::GroupId(seq.div_ceil(4));
        let at = began + jiff::SignedDuration::from_secs(i64::try_from(seq).unwrap_or_default() * 20);
        let fingerprint = format!("{:016x}", group.0);
        let event = match (seq - 1) % 4 {
            0 => Event::GroupOpened {
                group,
                source: "alertmanager".to_owned(),
                key: format!("key-{}", group.0),
                title: "HighErrorRate".into(),
                service: Some("checkout".into()),
                severity: operations::incident::Severity::Sev2,
                source_url: None,
            },
            1 => Event::AlertFired {
                group,
                alert: operations::alert::Alert {
                    fingerprint,
                    labels: [
                        ("alertname", "HighErrorRate"),
                        ("service", "checkout"),
                        ("severity", "high"),
                        ("instance", "checkout-1"),
                    ]
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect(),
                    annotations: [("summary".to_owned(), "Error rate 20% on checkout".into())].into(),
                    starts_at: at,
                    ends_at: None,
                    source_url: None,
                },
                verdict: operations::triage::Verdict::Opens,
            },
            2 => Event::AlertResolved { group, fingerprint, ends_at: at },
            _ => Event::GroupResolved { group },
        };
        let line = serde_json::to_vec(&Record { seq, at, event }).expect("a record is JSON");
        hash = hash.then(&line);
        batch.lines.extend_from_slice(&line);
        batch.lines.push(b'\n');
        batch.ends.push((batch.lines.len(), hash));
        if batch.ends.len() == 1000 {
            store.commit(&batch).expect("it is committed");
            batch = Batch::new(seq + 1);
        }
    }
    store.commit(&batch).expect("it is committed");
}

fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| times.get((times.len().saturating_sub(1)) * share / 100).copied().unwrap_or_default();
    format!("median {:.1} ms, p99 {:.1} ms, of {}", at(50).as_secs_f64() * 1e3, at(99).as_secs_f64() * 1e3, times.len())
}

/// Resident memory of this process in MiB (Linux: `/proc/self/statm`, pages of 4 KiB).
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * 4 / 1024
}

fn jiff_now() -> jiff::Timestamp {
    use integrations::clock::Clock;
    SystemClock.now()
}
