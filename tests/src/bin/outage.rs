//! Slack is away for a day: `cargo run --release -p tests --bin outage -- [--hours 24] [--alerts 10000]`.
//!
//! The whole bot against the sandbox with its rate limits, with a clock that is moved by
//! minutes. Prints what was to be seen on Slack when it was back, and after how long.

#![expect(clippy::print_stdout, reason = "this is a program that prints figures")]

use clap::Parser;
use tests::{World, outage};

/// Slack is away, and alerts come.
#[derive(Parser)]
struct Args {
    /// For how many hours.
    #[arg(long, default_value_t = 24)]
    hours: u64,
    /// How many alerts come meanwhile.
    #[arg(long, default_value_t = 10_000)]
    alerts: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Args { hours, alerts } = Args::parse();
    let began = std::time::Instant::now();
    let world = World::start().await;
    let progress = |minute| {
        if minute % 60 == 0 {
            println!("{} of {hours} hours, after {} s", minute / 60, began.elapsed().as_secs());
        }
    };
    let it = outage::outage(&world, hours, alerts, 1, progress).await;
    let within = it.seconds.map_or_else(|| "never".to_owned(), |seconds| format!("{seconds} s after its return"));
    println!("{} alerts accepted in {hours} simulated hours without Slack", it.accepted);
    println!("99 in 100 to be seen on Slack: {within}");
    println!(
        "  with cards: {}, on boards: {}, lost: {}",
        it.cards,
        it.on_boards,
        it.accepted as usize - it.cards - it.on_boards
    );
    println!("  messages posted in its alerts channel in five minutes: {}", it.posted);
    println!("cards on Discord: {}", it.elsewhere);
    for chat in world.chats() {
        println!("{}: requests that it did not expect: {}", chat.platform.title(), chat.unexpected().len());
    }
}
