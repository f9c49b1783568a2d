//! Socket Mode: several connections, each replaced before it ends.
//!
//! A *lane* keeps one connection alive; [`start`] runs as many as [`Config::sockets`] says.
//! When Slack announces the end of a connection its lane opens the next one first, while
//! the old one is read on. What holds: every wait has an end; a lane never gives up; a
//! wrong token is tried again only every five minutes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::call::Caller;
use super::connection::{self, News};
use super::limits::CONNECTIONS_OPEN;
use super::{Config, caller};
use crate::chat::socket::{Health, Inbox, Socket, State, backoff};
use crate::chat::{Failure, Refused};
use crate::clock::{SharedClock, after, sleep, timeout};
use crate::secret::Secret;

/// Name, TCP, TLS and WebSocket together.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// The longest message that is read, in bytes.
const MESSAGE_LIMIT: usize = 1024 * 1024;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A connection that lived so long shows that all is well: the next failure begins with short waits.
const LONG_LIFE: Duration = Duration::from_secs(30);
/// How often a token that does not work is tried again.
const TOKEN_WAIT: Duration = Duration::from_secs(300);
/// How long the second lane lets the first one go ahead.
const STAGGER: Duration = Duration::from_secs(5);

/// An open WebSocket.
pub(super) type Stream = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// What all lanes share.
pub(super) struct Shared {
    caller: Caller,
    token: Secret,
    pub(super) clock: SharedClock,
    pub(super) inbox: Inbox,
    pub(super) stop: watch::Receiver<bool>,
    health: watch::Sender<Health>,
    /// Connections that have been greeted and not ended.
    live: Mutex<usize>,
}

/// Why a lane has no connection.
struct NoConnection {
    why: String,
    wait: Option<Duration>,
    /// The token does not work.
    hopeless: bool,
}

/// Connects and stays connected in a task of its own, until it is stopped or the inbox is gone.
#[expect(clippy::disallowed_methods, reason = "the caller holds the task, and a lane that breaks down is logged by it")]
pub fn start(config: &Config, http: reqwest::Client, clock: SharedClock, inbox: Inbox) -> Socket {
    let (health_sender, health) = watch::channel(Health::new(clock.now()));
    let (stop, stop_receiver) = watch::channel(false);
    let Some(token) = config.app_token.clone() else {
        let why = "no app token is configured, which Socket Mode needs".to_owned();
        tracing::error!("The Slack socket is off: {why}");
        health_sender.send_modify(|health| health.state = State::Stopped(why));
        return Socket { health, stop, task: tokio::spawn(async {}) };
    };
    let shared = Arc::new(Shared {
        caller: caller(config, http, clock.clone()),
        token,
        clock,
        inbox,
        stop: stop_receiver,
        health: health_sender,
        live: Mutex::new(0),
    });
    // Dropped with the task, and every lane and connection with it.
    let mut lanes = JoinSet::new();
    for number in 0..config.sockets.clamp(1, 10) {
        lanes.spawn(lane(shared.clone(), number));
    }
    let task = tokio::spawn(async move {
        while let Some(done) = lanes.join_next().await {
            if let Err(broken) = done {
                tracing::error!(%broken, "A part of the Slack socket broke down");
            }
        }
        tracing::info!("The Slack socket is closed");
    });
    Socket { health, stop, task }
}

/// Keeps one connection alive.
async fn lane(shared: Arc<Shared>, number: usize) {
    let mut connections: JoinSet<()> = JoinSet::new();
    let (news, mut heard) = mpsc::unbounded_channel();
    let mut attempt = 0;
    let mut wait = STAGGER * u32::try_from(number).unwrap_or_default();
    let mut current: u64 = 0;
    while shared.rest(wait, number).await {
        let opened = tokio::select! {
            opened = shared.open() => opened,
            () = shared.stopped() => break,
        };
        let stream = match opened {
            Ok(stream) => stream,
            Err(none) => {
                wait = shared.failed(&none, attempt);
                attempt += 1;
                continue;
            }
        };
        current += 1;
        let task = connections.spawn(connection::run(shared.clone(), stream, current, news.clone())).id();
        wait = match follow(&shared, &mut connections, &mut heard, (current, task)).await {
            Some(lived) if lived >= LONG_LIFE => {
                attempt = 0;
                Duration::ZERO
            }
            // The first short life may be chance; after that the waits grow.
            Some(_) if attempt == 0 => {
                attempt = 1;
                Duration::ZERO
            }
            Some(_) => {
                attempt += 1;
                backoff(attempt - 1, FIRST_WAIT, LONGEST_WAIT)
            }
            None => break,
        };
    }
    // On a stop every connection closes by itself.
    while connections.join_next().await.is_some() {}
}

/// Waits until connection `current` needs a successor; how long it had lived. None on a stop.
async fn follow(
    shared: &Shared,
    connections: &mut JoinSet<()>,
    heard: &mut mpsc::UnboundedReceiver<(u64, News)>,
    (current, task): (u64, tokio::task::Id),
) -> Option<Duration> {
    let since = shared.clock.now();
    let lived = || Duration::try_from(shared.clock.now().duration_since(since)).unwrap_or_default();
    loop {
        tokio::select! {
            () = shared.stopped() => return None,
            Some((from, news)) = heard.recv() => match news {
                // An older connection that drains has nothing more to say.
                _ if from != current => {}
                // On a stop the connection's end is no news.
                News::Ended(_) if *shared.stop.borrow() => return None,
                News::Ended(why) => {
                    tracing::warn!(%why, "A Slack connection ended");
                    shared.no_longer(&why);
                    return Some(lived());
                }
                News::Replace(why) => {
                    tracing::info!(%why, "Slack asks for a new connection");
                    return Some(lived());
                }
            },
            Some(done) = connections.join_next(), if !connections.is_empty() => {
                // A connection's last word is `Ended`; a task that broke down has none.
                if let Err(broken) = done && broken.id() == task {
                    tracing::error!(%broken, "The task of a Slack connection broke down");
                    shared.no_longer("its task broke down");
                    return Some(lived());
                }
            }
        }
    }
}

impl Shared {
    /// Waits; false when there is nothing to go on for.
    async fn rest(&self, wait: Duration, number: usize) -> bool {
        if self.inbox.is_closed() {
            return false;
        }
        let go_ahead = async {
            // The other lanes wait for the first connection only as long as they must.
            let mut health = self.health.subscribe();
            let _ = health.wait_for(|health| health.connects > 0).await;
        };
        tokio::select! {
            biased;
            () = self.stopped() => false,
            () = sleep(self.clock.as_ref(), wait) => true,
            () = go_ahead, if number > 0 && self.health.borrow().connects == 0 => true,
        }
    }

    /// Done once a stop was asked for.
    pub(super) async fn stopped(&self) {
        // An error means that whoever could ask is gone, which is a stop too.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    async fn open(&self) -> Result<Stream, NoConnection> {
        let answer = self.caller.call(&self.token, &CONNECTIONS_OPEN, None, &json!({})).await.map_err(|failure| {
            let (wait, hopeless) = match &failure {
                Failure::Transient { retry_after, .. } => (*retry_after, false),
                Failure::Permanent { kind: Refused::Token | Refused::Forbidden, .. } => (Some(TOKEN_WAIT), true),
                Failure::Permanent { .. } | Failure::Unknown { .. } | Failure::Channel { .. } => (None, false),
            };
            NoConnection { why: failure.to_string(), wait, hopeless }
        })?;
        let url = answer.get("url").and_then(Value::as_str).unwrap_or_default();
        let none = |why: &str| NoConnection { why: why.to_owned(), wait: None, hopeless: false };
        if !may_connect(url) {
            return Err(none("apps.connections.open: the address is not wss://"));
        }
        let config =
            WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT)).max_frame_size(Some(MESSAGE_LIMIT));
        match timeout(self.clock.as_ref(), HANDSHAKE_LIMIT, connect_async_with_config(url, Some(config), true)).await {
            Ok(Ok((stream, _response))) => Ok(stream),
            Ok(Err(error)) => Err(none(&format!("the WebSocket handshake failed: {}", describe(&error)))),
            Err(late) => Err(none(&format!("the WebSocket handshake got {late}"))),
        }
    }

    /// Notes a failed attempt; how long to wait before the next.
    fn failed(&self, none: &NoConnection, attempt: u32) -> Duration {
        let wait = backoff(attempt, FIRST_WAIT, LONGEST_WAIT).max(none.wait.unwrap_or_default());
        tracing::warn!(why = %none.why, attempt, seconds = wait.as_secs_f64(), "No Slack connection");
        let live = *self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live == 0 {
            let state = if none.hopeless {
                State::Refused(none.why.clone())
            } else {
                State::Connecting(Some(none.why.clone()))
            };
            self.become_state(state);
        }
        wait
    }

    fn become_state(&self, state: State) {
        let now = self.clock.now();
        self.health.send_if_modified(|health| {
            let changed = health.state != state;
            if changed {
                health.state = state;
                health.since = now;
            }
            changed
        });
    }

    /// Notes that a connection was greeted.
    pub(super) fn greeted(&self) {
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.become_state(State::Connected);
        self.health.send_modify(|health| health.connects += 1);
        self.alive(self.clock.now());
    }

    /// Notes that a greeted connection is no more.
    pub(super) fn parted(&self) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        *live = live.saturating_sub(1);
    }

    /// Says why nothing is connected, where nothing is.
    fn no_longer(&self, why: &str) {
        if *self.live.lock().unwrap_or_else(PoisonError::into_inner) == 0 {
            self.become_state(State::Connecting(Some(why.to_owned())));
        }
    }

    /// Notes a sign of life.
    pub(super) fn alive(&self, now: Timestamp) {
        // Each second would be too often for whoever watches; whoever looks sees it.
        self.health.send_if_modified(|health| {
            let old = health.last_sign;
            health.last_sign = Some(now);
            old.is_none_or(|old| now > after(old, Duration::from_secs(5)))
        });
    }

    /// Notes that an envelope was kept and acknowledged.
    pub(super) fn kept(&self) {
        self.health.send_modify(|health| health.kept += 1);
    }
}

/// Whether the address may be connected to: `wss://`, or `ws://` on this machine (a sandbox).
fn may_connect(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| url.scheme() == "wss" || (url.scheme() == "ws" && is_loopback(&url)))
}

/// Whether an address leads to this machine itself.
pub(super) fn is_loopback(url: &url::Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// What went wrong, without the address, because a ticket stands in it.
pub(in crate::chat) fn describe(error: &WsError) -> String {
    match error {
        WsError::Io(error) => error.kind().to_string(),
        WsError::Http(response) => format!("status {}", response.status().as_u16()),
        WsError::Protocol(error) => error.to_string(),
        WsError::Capacity(error) => error.to_string(),
        WsError::Tls(_) => "TLS failed".to_owned(),
        WsError::ConnectionClosed | WsError::AlreadyClosed => "closed".to_owned(),
        WsError::Url(_) | WsError::HttpFormat(_) => "no server at the address".to_owned(),
        WsError::Utf8(_) => "text that is not UTF-8".to_owned(),
        WsError::WriteBufferFull(_) => "too much waits to be sent".to_owned(),
        WsError::AttackAttempt => "an attack was detected".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_sockets_are_for_this_machine_only() {
        for (url, may) in [
            ("wss://wss-primary.slack.com/link/?ticket=1", true),
            ("ws://127.0.0.1:4010/link", true),
            ("ws://localhost:4010/link", true),
            ("ws://[::1]:4010/link", true),
            ("ws://wss-primary.slack.com/link", false),
            ("ws://127.0.0.1.evil.example/", false),
            ("https://slack.com", false),
            ("", false),
        ] {
            assert_eq!(may_connect(url), may, "{url}");
        }
    }
}
