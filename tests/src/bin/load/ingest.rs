//! Muster's intake of alerts beside that of Debian's Alertmanager.
//!
//! Both get the same alerts from the same client on the same machine, in turns, each time
//! as a fresh process on a fresh directory. Every alert is new to whoever gets it. Muster
//! gets them as Alertmanager's webhooks, Alertmanager as Prometheus posts them. It has to
//! be said that they promise different things: Muster answers once it is on disk.

mod against_wrk;
mod alerts;
mod client;
pub(crate) mod cost;
mod memory;
mod peer;
mod rounds;

use std::process::Stdio;
use std::time::Duration;

use self::alerts::Shape;
use self::peer::Setup;
use self::rounds::Rounds;

/// What to measure, and for how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long a round is, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Rounds for each peer.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only this.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Live alerts while memory is measured; a multiple of 50.
    #[arg(long, default_value_t = 50_000)]
    live: u64,
    /// How long peers rest before their memory is measured, in seconds. Go gives memory back after two minutes.
    #[arg(long, default_value_t = 180)]
    rest: u64,
    /// Muster with both chats of a sandbox, and not alone.
    #[arg(long)]
    chats: bool,
    /// Alertmanager with all alerts in one group, which is the least work for it, and not grouped as for Muster.
    #[arg(long)]
    one_group: bool,
    /// Instead of all this: whether the driver is as light as wrk.
    #[arg(long)]
    against_wrk: bool,
}

/// A part of the figures.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Batches,
    Singles,
    Memory,
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Muster,
    Alertmanager,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Muster => "Muster",
            Kind::Alertmanager => "Alertmanager",
        }
    }
}

/// Prints the figures.
pub(crate) async fn ingest(args: Args) {
    let http = integrations::http::http_client().expect("a client");
    let setup = Setup { chats: args.chats, one_group: args.one_group };
    let time = Duration::from_secs(args.seconds);
    println!("Muster runs {}", if setup.chats { "with both chats of a sandbox" } else { "without chats" });
    if args.against_wrk {
        return against_wrk::against_wrk(setup, time, args.rounds, &http).await;
    }
    let kinds: &[Kind] = match version() {
        Some(version) => {
            println!("{version}{}", if setup.one_group { ", all alerts in one group" } else { "" });
            &[Kind::Muster, Kind::Alertmanager]
        }
        None => {
            println!("{0} is not installed (Debian: apt-get install {0}): Muster alone", peer::ALERTMANAGER);
            &[Kind::Muster]
        }
    };
    let wanted = |part| args.only.is_none_or(|only| only == part);
    if wanted(Part::Batches) {
        let shape = Shape { batch: 50, group: 50 };
        Rounds { shape, connections: 8, time, rounds: args.rounds }.run(kinds, setup, &http).await;
    }
    if wanted(Part::Singles) {
        let shape = Shape { batch: 1, group: 1 };
        Rounds { shape, connections: 256, time, rounds: args.rounds }.run(kinds, setup, &http).await;
    }
    if wanted(Part::Memory) {
        let rest = Duration::from_secs(args.rest);
        for group in [50, 1] {
            memory::memory(kinds, setup, (args.live, group), rest, &http).await;
        }
    }
}

/// What Alertmanager says that it is.
fn version() -> Option<String> {
    let said = std::process::Command::new(peer::ALERTMANAGER).arg("--version").stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&said.stdout).lines().next()?.to_owned())
}
