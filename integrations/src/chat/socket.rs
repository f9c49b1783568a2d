//! What a socket hands over, and what it shows of its health.
//!
//! The sockets of both platforms speak to the bot through these types only. What holds:
//! what arrived is handed over in order as the raw text of the frame; it is acknowledged
//! once [`Arrival::kept`] says that it is on disk.

use std::time::Duration;

use jiff::Timestamp;
use operations::ids::Platform;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

/// Something that arrived on a socket, as it arrived.
#[derive(Debug)]
pub struct Arrival {
    /// From where.
    pub platform: Platform,
    /// The payload as JSON text: Slack's whole envelope, Discord's whole dispatch.
    pub raw: String,
    /// Discord: where to resume once this is kept. Stored in the same commit.
    pub session: Option<Session>,
    /// Resolved when the input is on disk. Dropped when it could not be kept: then nothing is acknowledged.
    pub kept: oneshot::Sender<()>,
}

/// Where a Discord session can be resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The session's id. A credential: kept in the store's own corner, never in the journal.
    pub id: String,
    /// The sequence number of the last dispatch that was kept.
    pub seq: u64,
    /// The address to resume at.
    pub resume_url: String,
    /// When that dispatch came: nothing that was said before then is missing.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// Where arrivals go. Bounded: a full inbox makes the socket wait, and the platform with it.
pub type Inbox = mpsc::Sender<Arrival>;

/// How a socket does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// What it is doing.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// When the other side last gave a sign of life.
    pub last_sign: Option<Timestamp>,
    /// Connections made in all.
    pub connects: u64,
    /// Discord: sessions begun anew (identifies) in all.
    pub identifies: u64,
    /// Discord: sessions that may still be begun today, as it told when it was last asked.
    pub sessions_left: Option<u64>,
    /// Discord: sessions resumed in all.
    pub resumes: u64,
    /// The newest sequence number (Discord) or count of envelopes (Slack) that was handed over and kept.
    pub kept: u64,
}

/// What a socket is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Connecting, or waiting to; why the last attempt failed.
    Connecting(Option<String>),
    /// Connected and greeted.
    Connected,
    /// The token is refused; it is tried again every few minutes. What the platform said.
    Refused(String),
    /// Given up until the configuration changes; why (a missing intent).
    Stopped(String),
}

impl Health {
    /// A socket that has not connected yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Health {
        Health {
            state: State::Connecting(None),
            since: now,
            last_sign: None,
            connects: 0,
            identifies: 0,
            sessions_left: None,
            resumes: 0,
            kept: 0,
        }
    }
}

/// A socket that runs in its own task.
pub struct Socket {
    /// How it does.
    pub health: watch::Receiver<Health>,
    /// Tells it to close and end.
    pub stop: watch::Sender<bool>,
    /// Ends when the socket has closed cleanly.
    pub task: tokio::task::JoinHandle<()>,
}

impl Socket {
    /// Asks it to close, and waits for at most `limit` of real time.
    pub async fn close(self, limit: Duration) {
        // The task may have ended by itself.
        let _ = self.stop.send(true);
        let mut task = self.task;
        if tokio::time::timeout(limit, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// How long to wait before attempt number `attempt` (from 0): full jitter over a doubling that ends at `cap`.
#[must_use]
pub fn backoff(attempt: u32, first: Duration, cap: Duration) -> Duration {
    let most = first.saturating_mul(2_u32.saturating_pow(attempt.min(16))).min(cap);
    // At least half of it, so that a crowd spreads but nobody hammers.
    most.mul_f64(0.5 + fastrand::f64() / 2.0)
}
