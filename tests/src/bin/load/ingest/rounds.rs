//! Rounds of one load, the peers in turns.

use std::time::Duration;

use integrations::clock::{Clock, SystemClock};

use super::Kind;
use super::alerts::{Request, Shape};
use super::client::{Load, Outcome};
use super::peer::{Peer, Setup};
use crate::process;

/// A load, and how often it is put on each peer.
#[derive(Clone, Copy)]
pub(super) struct Rounds {
    pub(super) shape: Shape,
    pub(super) connections: usize,
    pub(super) time: Duration,
    pub(super) rounds: usize,
}

/// What one peer reached in each round.
struct Reached {
    kind: Kind,
    /// Alerts a second.
    rates: Vec<f64>,
    /// Medians in milliseconds.
    medians: Vec<f64>,
    /// 99th percentiles in milliseconds.
    p99s: Vec<f64>,
    refused: u64,
    broken: usize,
}

impl Rounds {
    /// Runs them and prints the figures.
    pub(super) async fn run(self, kinds: &[Kind], setup: Setup, http: &reqwest::Client) {
        let size = |kind: &Kind| {
            let request = Request::alerts(*kind, self.shape, SystemClock.now());
            format!("{} bytes to {}", request.size(), kind.name())
        };
        println!(
            "\n{} a request ({}), {} connections, {} s a round:",
            if self.shape.batch == 1 { "one alert".to_owned() } else { format!("{} alerts", self.shape.batch) },
            kinds.iter().map(size).collect::<Vec<_>>().join(", "),
            self.connections,
            self.time.as_secs(),
        );
        let mut all: Vec<Reached> = kinds.iter().map(|kind| Reached::new(*kind)).collect();
        for round in 0..self.rounds {
            // Whoever comes second finds the machine warmer: so they take turns in that as well.
            for place in 0..kinds.len() {
                let reached = &mut all[(round + place) % kinds.len()];
                let peer = Peer::start(reached.kind, setup, http).await;
                print!("  round {}, {}: ", round + 1, reached.kind.name());
                reached.add(self.one(&peer).await);
                peer.stop().await;
            }
        }
        summary("alerts a second", &all, |reached| &reached.rates, 0);
        summary("median, ms", &all, |reached| &reached.medians, 2);
        summary("p99, ms", &all, |reached| &reached.p99s, 2);
        for Reached { kind, refused, broken, .. } in &all {
            println!("  {}: {refused} answers other than 2xx, {broken} connections broken off", kind.name());
        }
    }

    async fn one(&self, peer: &Peer) -> (f64, Outcome) {
        let request = Request::alerts(peer.kind, self.shape, SystemClock.now());
        let count = request.count();
        let load =
            Load { address: peer.address, connections: self.connections, request, time: self.time, most: u64::MAX };
        let (before, all_before) = (process::seconds(peer.process), process::seconds_of_all());
        let mut outcome = load.run().await;
        let (peers, all) = (process::seconds(peer.process) - before, process::seconds_of_all() - all_before);
        outcome.times.sort_unstable();
        let rate = (outcome.taken * count) as f64 / outcome.took.as_secs_f64();
        println!(
            "{rate:.0} alerts/s, {}; processor: client {:.2} s, peer {peers:.2} s, all else {:.2} s{}{}",
            crate::spread(&mut outcome.times),
            outcome.processor,
            (all - peers - outcome.processor).max(0.0),
            if outcome.refused.is_empty() { String::new() } else { format!("; refused: {:?}", outcome.refused) },
            outcome.broken.last().map(|why| format!("; broken off: {why}")).unwrap_or_default(),
        );
        (rate, outcome)
    }
}

impl Reached {
    fn new(kind: Kind) -> Reached {
        Reached { kind, rates: Vec::new(), medians: Vec::new(), p99s: Vec::new(), refused: 0, broken: 0 }
    }

    /// Adds a round; its times are sorted.
    fn add(&mut self, (rate, outcome): (f64, Outcome)) {
        self.rates.push(rate);
        self.medians.push(crate::share(&outcome.times, 50).as_secs_f64() * 1e3);
        self.p99s.push(crate::share(&outcome.times, 99).as_secs_f64() * 1e3);
        self.refused += outcome.refused.values().sum::<u64>();
        self.broken += outcome.broken.len();
    }
}

/// Prints each round's value, their median, and how Muster's is to Alertmanager's.
fn summary(what: &str, all: &[Reached], values: fn(&Reached) -> &Vec<f64>, digits: usize) {
    println!("  {what}:");
    for reached in all {
        let each: Vec<String> = values(reached).iter().map(|value| format!("{value:.digits$}")).collect();
        println!("    {}: {}; median {:.digits$}", reached.kind.name(), each.join(", "), median(values(reached)));
    }
    if let [muster, other] = all {
        println!(
            "    {}/{}: {:.2}",
            muster.kind.name(),
            other.kind.name(),
            median(values(muster)) / median(values(other))
        );
    }
}

/// The one in the middle; of an even number the mean of the two.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    f64::midpoint(lower, upper)
}
