//! Deploys and kills: `cargo run --release -p tests --bin deploys -- [--kills 1000] [--deploys 330] [--seed N]`.
//!
//! A sandbox runs in this process with its rate limits off: a Slack, a Discord, and a CI that counts what it is made
//! to do. The real bot (`muster run`) runs in a process of its own, on a directory that stays. It is killed (SIGKILL) at
//! random moments and started again, while people on both chats ask for deploys, approve those of others from the
//! other chat (by a click, by two at the same time, by typing, by an envelope that comes twice), deny some, cancel
//! some. Most kills wait for a moment around a dispatch. Beside that, the dispatch meets faults: its reply is dropped
//! after the effect, or is 500, or breaks off, or comes a minute later, or says nothing of the run; or the connection is
//! reset before. After every kill the journal and the CI are compared:
//!
//! - no deploy is dispatched twice, and none that nobody allowed or whose approval was not another person's;
//! - what the platform was acknowledged for is in the journal once;
//! - what the journal says of a deploy is true at the CI; whether it ran is *unknown* only with words about why.
//!
//! At the end everything comes to rest with nobody answering: no deploy hangs on its way, each unknown is parked with
//! its evidence and its buttons. Then people answer, truly, and everything ends as it was at the CI. The cards on both
//! chats say what the journal says.
//!
//! The seed decides who asks for what and which kills come when; what the bot is doing at that moment is up to the
//! machine. Any breach ends with exit code 1, the seed, and the directory left as it is.

#![expect(clippy::print_stdout, reason = "this is a program that prints figures")]

mod check;
mod faults;
mod journal;
mod ledger;
mod people;
mod plan;
mod seen;
mod site;
mod totals;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fastrand::Rng;

use crate::check::Findings;
use crate::plan::Plan;
use crate::totals::Totals;

/// Kills the bot while people deploy, and looks whether anything was started twice.
#[derive(Parser)]
struct Args {
    /// How often it is killed.
    #[arg(long, default_value_t = 1_000)]
    kills: u32,
    /// How many deploys are asked for; a third of the kills where it is not given.
    #[arg(long)]
    deploys: Option<u32>,
    /// What decides who asks for what and when it is killed; another one each time where it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// A bot that became ready is killed within about so many milliseconds.
    #[arg(long, default_value_t = 1_200)]
    steady: u64,
    /// People answer at once where nobody knows whether something ran, and don't wait for the looks.
    #[arg(long)]
    hurry: bool,
}

/// So many findings are printed.
const PRINTED: usize = 40;

fn main() -> ExitCode {
    if let Some(ended) = tests::child::bot_if_asked() {
        return ended;
    }
    integrations::tls::install();
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let directory = tempfile::Builder::new().prefix("muster-deploys-").tempdir().expect("a directory");
    println!("seed {seed}, directory {}", directory.path().display());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut totals = Totals::new(args.kills);
    let plan = Plan {
        kills: args.kills,
        deploys: args.deploys.unwrap_or((args.kills / 3).max(1)),
        steady: Duration::from_millis(args.steady),
        seed,
        hurry: args.hurry,
    };
    let mut rng = Rng::with_seed(seed);
    let ended = runtime.block_on(site::besiege(plan, directory.path(), &mut rng, &mut totals));
    let findings = ended.unwrap_or_else(|why| {
        totals.failed += 1;
        Findings { wrong: vec![why], ..Findings::default() }
    });
    println!("\n{}", totals.table());
    if findings.none() {
        return ExitCode::SUCCESS;
    }
    for (what, found) in [("DOUBLED", findings.doubled), ("LOST", findings.lost), ("WRONG", findings.wrong)] {
        found.iter().take(PRINTED).for_each(|it| println!("{what}: {it}"));
        if found.len() > PRINTED {
            println!("{what}: {} more", found.len() - PRINTED);
        }
    }
    println!("\nFAILED. Again: --kills {} --seed {seed}. Left: {}", args.kills, directory.keep().display());
    ExitCode::FAILURE
}
