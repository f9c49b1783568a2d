//! Figures under load: `cargo run --release -p tests --bin load -- [all|latency|start|verify|ingest|cost|storm|
//! bombs|policy|runbooks]`.
//!
//! The sandbox runs in this process with its rate limits off, the bot in one of its own
//! with the machine's clock and its own pacing. Prints medians and 99th percentiles;
//! asserts nothing.

#![expect(clippy::print_stdout, reason = "this is a program that prints figures")]

mod bombs;
mod bot_process;
mod ingest;
mod latency;
mod policy;
mod process;
mod runbooks;
mod start;
mod storm;
mod verify;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use sandbox::Sandbox;

/// Figures under load.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

/// What to measure.
#[derive(Subcommand)]
enum What {
    /// Latency and starts, of Muster alone (also without a word).
    All,
    /// Webhooks, cards, clicks and memory.
    Latency {
        /// Alerts a second.
        #[arg(long, default_value_t = 100)]
        rate: u32,
        /// For how many seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Starts on a long journal.
    Start {
        /// Events in the journal.
        #[arg(long, default_value_t = 100_000)]
        events: u64,
    },
    /// The intake of alerts beside that of Debian's prometheus-alertmanager.
    Ingest(ingest::Args),
    /// What an alert costs with a short journal and with a long one.
    Cost {
        /// Events in the short one.
        #[arg(long, default_value_t = 10_000)]
        few: u64,
        /// Events in the long one. Ten million take about 5 GB.
        #[arg(long, default_value_t = 10_000_000)]
        many: u64,
        /// Rounds for each.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// How long a round is, in seconds.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// A storm of alerts with the chats' rate limits on. Takes ten minutes.
    Storm {
        /// How many alerts.
        #[arg(long, default_value_t = 50_000)]
        alerts: u64,
        /// In how many seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Checks a long journal.
    Verify {
        /// Events in the journal.
        #[arg(long, default_value_t = 1_000_000)]
        events: u64,
        /// A checkpoint for every so many.
        #[arg(long, default_value_t = 1_000)]
        checkpoint_every: u64,
    },
    /// Memory under hostile bodies, and others' answers under slow ones.
    Bombs {
        /// How many at once.
        #[arg(long, default_value_t = 1_000)]
        clients: usize,
        /// Bytes of each body.
        #[arg(long, default_value_t = 1_048_576)]
        size: usize,
    },
    /// What the rules take to answer in a big house.
    Policy,
    /// Reading and checking runbooks.
    Runbooks,
    /// The bot on a configuration, until standard input ends. The driver starts it itself.
    #[command(hide = true)]
    Bot {
        /// The directory with `muster.toml`.
        directory: PathBuf,
    },
}

fn main() {
    integrations::tls::install();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match Args::parse().what.unwrap_or(What::All) {
            What::All => {
                latency::latency(100, 60).await;
                start::cold_start(100_000).await;
                verify::verify(1_000_000, 1_000);
                bombs::bombs(1_000, 1_048_576).await;
            }
            What::Latency { rate, seconds } => latency::latency(rate, seconds).await,
            What::Ingest(args) => ingest::ingest(args).await,
            What::Cost { few, many, rounds, seconds } => {
                ingest::cost::cost(few, many, rounds, Duration::from_secs(seconds)).await;
            }
            What::Storm { alerts, seconds } => storm::storm(alerts, seconds).await,
            What::Bombs { clients, size } => bombs::bombs(clients, size).await,
            What::Start { events } => start::cold_start(events).await,
            What::Verify { events, checkpoint_every } => verify::verify(events, checkpoint_every),
            What::Policy => policy::policy(),
            What::Runbooks => runbooks::runbooks(),
            What::Bot { directory } => bot_process::run(&directory).await,
        }
    });
}

async fn sandbox() -> Sandbox {
    sandbox_with(&[], false).await
}

/// A sandbox with more channels, and with or without its rate limits.
async fn sandbox_with(channels: &[&str], rate_limits: bool) -> Sandbox {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Sandbox::start(sandbox::Config {
        slack: any,
        discord: any,
        control: any,
        time: Arc::new(sandbox::time::SystemTime),
        people: vec!["ann".to_owned(), "bob".to_owned(), "cleo".to_owned()],
        channels: bot::demo::CHANNELS.iter().chain(channels).map(|&name| name.to_owned()).collect(),
        buttons: Vec::new(),
        presses: None,
        rate_limits,
    })
    .await
    .expect("loopback ports are free")
}

/// Waits for so long.
async fn pause(wait: Duration) {
    integrations::clock::sleep(&integrations::clock::SystemClock, wait).await;
}

/// The median and the 99th percentile.
fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let at = |percent| share(times, percent).as_secs_f64() * 1e3;
    format!("median {:.1} ms, p99 {:.1} ms, of {}", at(50), at(99), times.len())
}

/// Of the smallest number of sorted times that are at least this share of all, in percent, the last.
fn share(times: &[Duration], percent: usize) -> Duration {
    let place = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(place).copied().unwrap_or_default()
}
