//! What each peer holds in memory with the same live alerts.

use std::time::{Duration, Instant};

use integrations::clock::{Clock, SystemClock};

use super::Kind;
use super::alerts::{Request, Shape};
use super::client::Load;
use super::peer::{Peer, Setup};
use crate::process::{self, Memory};

/// Over so many connections alerts are told: enough that a disk that is slow to sync does not make it long.
const CONNECTIONS: usize = 64;
/// So many alerts are posted to Alertmanager at once, however they are grouped.
const POSTED: u64 = 50;

/// Tells each peer of `live` alerts in groups of `group`, waits until both have come to rest, and prints what they hold.
pub(super) async fn memory(
    kinds: &[Kind],
    setup: Setup,
    (live, group): (u64, u64),
    rest: Duration,
    http: &reqwest::Client,
) {
    println!("\nmemory with {live} live alerts in {} groups of {group}:", live.div_ceil(group));
    let mut peers = Vec::new();
    for kind in kinds {
        let peer = Peer::start(*kind, setup, http).await;
        let idle = process::memory(peer.process);
        tell(&peer, live, group).await;
        let told = process::memory(peer.process);
        println!("  {}: idle {}; just told {}", kind.name(), shown(idle), shown(told));
        peers.push(peer);
    }
    crate::pause(rest).await;
    let mut at_rest = Vec::new();
    for peer in peers {
        let quiet = quiet(peer.process).await;
        let open = peer.open(http).await;
        let memory = process::memory(peer.process);
        println!(
            "  {}: at rest {}{}{}",
            peer.kind.name(),
            shown(memory),
            if open == 0 { String::new() } else { format!(", with {open} effects still open") },
            if quiet { "" } else { ", but it is still busy" },
        );
        at_rest.push(memory.resident as f64);
        peer.stop().await;
    }
    if let [muster, other] = at_rest[..] {
        println!("  {}/{} at rest: {:.2}", kinds[0].name(), kinds[1].name(), muster / other);
    }
}

async fn tell(peer: &Peer, live: u64, group: u64) {
    let batch = match peer.kind {
        Kind::Muster => group,
        Kind::Alertmanager => POSTED,
    };
    let request = Request::alerts(peer.kind, Shape { batch, group }, SystemClock.now());
    let load = Load {
        address: peer.address,
        connections: CONNECTIONS,
        request,
        time: Duration::from_secs(3600),
        most: live.div_ceil(batch),
    };
    let outcome = load.run().await;
    let taken = outcome.taken * batch;
    println!(
        "  {}: {taken} alerts taken in {:.1} s{}",
        peer.kind.name(),
        outcome.took.as_secs_f64(),
        if outcome.taken == live.div_ceil(batch) { "" } else { ", WHICH IS NOT ALL" }
    );
}

/// Waits until a process needs next to nothing for three seconds, a minute at most; whether it came to that.
async fn quiet(process: u32) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let before = process::seconds(process);
        crate::pause(Duration::from_secs(3)).await;
        if process::seconds(process) - before < 0.1 {
            return true;
        }
    }
    false
}

fn shown(memory: Memory) -> String {
    let mib = |kib: u64| kib as f64 / 1024.0;
    format!("{:.1} MiB resident, {:.1} MiB at its peak", mib(memory.resident), mib(memory.peak))
}
