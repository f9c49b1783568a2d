//! Whether the driver is as light as `wrk`: both ask the same peer for the same.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Kind;
use super::alerts::Request;
use super::client::Load;
use super::peer::{Peer, Setup};
use super::rounds::median;
use crate::process;

const CONNECTIONS: usize = 256;
const PATH: &str = "/healthz";

/// Runs both in turns, one thread each, and prints what they reach.
pub(super) async fn against_wrk(setup: Setup, time: Duration, rounds: usize, http: &reqwest::Client) {
    println!("GET {PATH} of Muster, {CONNECTIONS} connections, one thread, {} s a round:", time.as_secs());
    let peer = Peer::start(Kind::Muster, setup, http).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let (rate, seconds) = driver(peer.address, time).await;
        println!("  round {round}, the driver: {rate:.0} requests/s; processor: client {}", cost(rate, seconds, time));
        ours.push(rate);
        let Some((rate, seconds)) = wrk(peer.address, time).await else {
            println!("wrk is not on the PATH (Debian: apt-get install wrk)");
            break;
        };
        println!("  round {round}, wrk:        {rate:.0} requests/s; processor: client {}", cost(rate, seconds, time));
        theirs.push(rate);
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    println!("  the driver/wrk: {ours:.0}/{theirs:.0} = {:.2}", ours / theirs);
    peer.stop().await;
}

fn cost(rate: f64, seconds: f64, time: Duration) -> String {
    format!("{seconds:.2} s, {:.1} µs a request", seconds * 1e6 / (rate * time.as_secs_f64()))
}

/// Requests a second, and the processor time that they took.
async fn driver(address: SocketAddr, time: Duration) -> (f64, f64) {
    let load = Load { address, connections: CONNECTIONS, request: Request::get(PATH), time, most: u64::MAX };
    let outcome = load.run().await;
    (outcome.taken as f64 / outcome.took.as_secs_f64(), outcome.processor)
}

async fn wrk(address: SocketAddr, time: Duration) -> Option<(f64, f64)> {
    let before = process::seconds_of_ended_children();
    let ended = Command::new("wrk")
        .args(["--threads", "1", "--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs()), &format!("http://{address}{PATH}")])
        .stdin(Stdio::null())
        .output()
        .await
        .ok()?;
    let said = String::from_utf8_lossy(&ended.stdout);
    let rate = said.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok())?;
    Some((rate, process::seconds_of_ended_children() - before))
}
