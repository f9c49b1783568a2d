//! What an alert costs with a long journal behind it, and with a short one.

use std::path::Path;
use std::time::{Duration, Instant};

use integrations::clock::{Clock, SystemClock};

use super::Kind;
use super::alerts::{Request, Shape};
use super::client::Load;
use super::rounds::median;
use crate::bot_process::Bot;
use crate::{process, start};

/// Single alerts over so many connections.
const CONNECTIONS: usize = 256;

/// What one journal's rounds came to: alerts a second, p99 in milliseconds, processor time an alert in microseconds.
#[derive(Default)]
struct Reached {
    rates: Vec<f64>,
    p99s: Vec<f64>,
    costs: Vec<f64>,
}

/// Puts the same load on a bot with each of two journals, in turns, and prints how they compare.
pub(crate) async fn cost(few: u64, many: u64, rounds: usize, time: Duration) {
    let http = integrations::http::http_client().expect("a client");
    let journals: Vec<(u64, tempfile::TempDir)> = [few, many]
        .into_iter()
        .map(|events| {
            let directory = tempfile::tempdir().expect("a directory");
            let begun = Instant::now();
            start::write_journal(&directory.path().join("data"), events);
            println!("a journal of {events} events, written in {:.0} s", begun.elapsed().as_secs_f64());
            (events, directory)
        })
        .collect();
    // The first start reads all of it, and leaves a snapshot.
    for (_, directory) in &journals {
        Bot::without_chats(directory.path(), &http).await.stop().await;
    }
    let mut all = [Reached::default(), Reached::default()];
    for round in 0..rounds {
        for place in 0..2 {
            let which = (round + place) % 2;
            let (events, directory) = &journals[which];
            print!("  round {}, {events} events: ", round + 1);
            all[which].add(directory.path(), time, &http).await;
        }
    }
    let compare = |what: &str, values: fn(&Reached) -> &Vec<f64>| {
        let [few, many] = [median(values(&all[0])), median(values(&all[1]))];
        println!("  {what}: {few:.2} and {many:.2}, {:.2} times", many / few);
    };
    compare("alerts a second", |reached| &reached.rates);
    compare("p99, ms", |reached| &reached.p99s);
    compare("processor time an alert, µs", |reached| &reached.costs);
}

impl Reached {
    async fn add(&mut self, directory: &Path, time: Duration, http: &reqwest::Client) {
        let bot = Bot::without_chats(directory, http).await;
        let address = bot.address.trim_start_matches("http://").parse().expect("an address");
        let request = Request::alerts(Kind::Muster, Shape { batch: 1, group: 1 }, SystemClock.now());
        let before = process::seconds(bot.process());
        let mut outcome = Load { address, connections: CONNECTIONS, request, time, most: u64::MAX }.run().await;
        let seconds = process::seconds(bot.process()) - before;
        outcome.times.sort_unstable();
        let rate = outcome.taken as f64 / outcome.took.as_secs_f64();
        println!("{rate:.0} alerts/s, {}; processor {seconds:.2} s", crate::spread(&mut outcome.times));
        self.rates.push(rate);
        self.p99s.push(crate::share(&outcome.times, 99).as_secs_f64() * 1e3);
        self.costs.push(seconds * 1e6 / outcome.taken as f64);
        bot.stop().await;
    }
}
