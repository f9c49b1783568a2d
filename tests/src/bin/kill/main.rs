//! Kills: `cargo run --release -p tests --bin kill -- [--kills 1000] [--alerts 10000] [--seed N]`.
//!
//! A sandbox runs in this process with its rate limits off; the real bot (`muster run`) runs
//! in one of its own, on a directory that stays. It is killed (SIGKILL) at random moments,
//! six in ten of them within 60 ms of its start, and started again, while alerts come in
//! from outside, and people type and click on both chats. Of the other kills, half wait for
//! a moment at which something was just accepted or seen, or is on its way. One in ten kills,
//! fifty at most, falls into the first starts on empty directories. At the end the bot comes
//! to rest, and what was accepted is compared with the journal and with what people see:
//!
//! - each alert that was answered with 2xx is in the journal once, and each group has one card
//!   on each chat that counts and names what fires. Alerts come in groups, as Alertmanager
//!   sends them: the bot keeps to the chats' limits (Slack: one new message a second in a
//!   channel), so ten thousand cards of their own would take hours and say no more;
//! - each command and click that the platform was acknowledged for is in the journal once,
//!   shown once where it is to be shown, and whoever typed was answered once;
//! - every hash fits; no start ended by itself; nothing was given up.
//!
//! The seed decides which kills come when; what the bot is doing at that moment is up to the
//! machine. Any breach ends with exit code 1, the seed, and the directory left as it is.

#![expect(clippy::print_stdout, reason = "this is a program that prints figures")]

mod alerts;
mod check;
mod journal;
mod ledger;
mod people;
mod plan;
mod seen;
mod site;
mod totals;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fastrand::Rng;

use crate::check::Findings;
use crate::plan::Plan;
use crate::totals::Totals;

/// Kills the bot at random moments, and looks whether anything was lost or doubled.
#[derive(Parser)]
struct Args {
    /// How often it is killed.
    #[arg(long, default_value_t = 1_000)]
    kills: u32,
    /// How many alerts come in meanwhile.
    #[arg(long, default_value_t = 10_000)]
    alerts: u32,
    /// What decides when it is killed; another one each time where it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// A bot that became ready is killed within so many milliseconds.
    #[arg(long, default_value_t = 1_500)]
    steady: u64,
}

/// At most so many kills are of bots that began on an empty directory a moment ago.
const FRESH: u32 = 50;

/// So many findings are printed.
const PRINTED: usize = 40;

fn main() -> ExitCode {
    if let Some(ended) = tests::child::bot_if_asked() {
        return ended;
    }
    integrations::tls::install();
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let directory = tempfile::Builder::new().prefix("muster-kill-").tempdir().expect("a directory");
    println!("seed {seed}, directory {}", directory.path().display());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut totals = Totals::new(args.kills);
    let ended = runtime.block_on(run(&args, directory.path(), &mut Rng::with_seed(seed), &mut totals));
    let findings = ended.unwrap_or_else(|why| {
        totals.failed += 1;
        Findings { wrong: vec![why], ..Findings::default() }
    });
    println!("\n{}", totals.table());
    if findings.none() {
        return ExitCode::SUCCESS;
    }
    for (what, found) in [("LOST", findings.lost), ("DOUBLED", findings.doubled), ("WRONG", findings.wrong)] {
        found.iter().take(PRINTED).for_each(|it| println!("{what}: {it}"));
        if found.len() > PRINTED {
            println!("{what}: {} more", found.len() - PRINTED);
        }
    }
    println!(
        "\nFAILED. Again: --kills {} --alerts {} --seed {seed}. Left: {}",
        args.kills,
        args.alerts,
        directory.keep().display()
    );
    ExitCode::FAILURE
}

/// First the first starts, each with little going on; then one place for all the rest.
async fn run(args: &Args, directory: &Path, rng: &mut Rng, totals: &mut Totals) -> Result<Findings, String> {
    let steady = Duration::from_millis(args.steady);
    let fresh = (args.kills / 10).min(FRESH);
    while totals.kills < fresh {
        let kills = rng.u32(1..=3).min(fresh - totals.kills);
        let plan = Plan { kills, alerts: 4 * kills, deeds: 3, steady };
        let place = directory.join(format!("fresh-{:02}", totals.kills));
        let findings = site::besiege(plan, &place, rng, totals).await?;
        if !findings.none() {
            return Ok(findings);
        }
    }
    let alerts = args.alerts.saturating_sub(totals.alerts());
    let kills = args.kills - totals.kills;
    let plan = Plan { kills, alerts, deeds: kills / 2, steady };
    site::besiege(plan, &directory.join("long"), rng, totals).await
}
