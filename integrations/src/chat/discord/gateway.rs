//! The gateway: one connection at a time, resumed wherever Discord allows it.
//!
//! [`start`] keeps a connection in a task of its own; `session` is one connection
//! from hello to close. What holds: every wait has an end; new sessions are begun at most
//! five times in ten minutes, because Discord resets the token of a bot that begins a
//! thousand a day; a refusal that only a person can lift ends it with a sentence about what to do,
//! but that of a token, which may work again, is tried every five minutes.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::Config;
use super::call::{Caller, Problem};
use super::limits;
use super::session::{self, End};
use crate::chat::socket::{Health, Inbox, Session, Socket, State, backoff};
use crate::chat::{Failure, Refused};
use crate::clock::{SharedClock, after, sleep, timeout};
use crate::secret::Secret;

/// Name, TCP, TLS and WebSocket together.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// The longest message that is read, in bytes: what a large server sends when a session begins.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A connection that lived so long shows that all is well: the next failure begins with short waits.
const LONG_LIFE: SignedDuration = SignedDuration::from_secs(30);
/// How often a token that does not work is tried again.
const TOKEN_WAIT: Duration = Duration::from_secs(300);
/// New sessions: at most so many…
const IDENTIFIES: usize = limits::IDENTIFIES.calls as usize;
/// …in this time…
const IDENTIFIES_IN: SignedDuration = SignedDuration::from_secs(limits::IDENTIFIES.per.as_secs().cast_signed());
/// …and no two closer than this.
const IDENTIFIES_APART: SignedDuration = SignedDuration::from_secs(limits::IDENTIFIES_APART.as_secs().cast_signed());
/// The longest that an exhausted day's limit is waited for.
const LONGEST_RESET: u64 = 24 * 3600 * 1000;

/// An open WebSocket.
pub(super) type Stream = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// What outlives a connection.
pub(super) struct Gateway {
    caller: Caller,
    pub(super) token: Secret,
    pub(super) clock: SharedClock,
    pub(super) inbox: Inbox,
    pub(super) stop: watch::Receiver<bool>,
    health: watch::Sender<Health>,
    /// Where to resume: after the last dispatch that was kept.
    pub(super) session: Option<Session>,
    /// Since when what was said is missing, because a session was lost; until that is kept.
    pub(super) missing: Option<Timestamp>,
    /// The address that Discord tells everybody.
    pub(super) main: String,
    /// The session's own address could not be reached.
    avoid_own: bool,
    identifies: VecDeque<Timestamp>,
}

/// Why there is no connection.
struct NoConnection {
    why: String,
    wait: Option<Duration>,
    /// The token does not work.
    hopeless: bool,
}

/// Connects and stays connected in a task of its own, until it is stopped, the inbox is gone, or Discord
/// refuses for good. `resume` is where an earlier process was.
pub fn start(
    config: &Config,
    http: reqwest::Client,
    clock: SharedClock,
    resume: Option<Session>,
    inbox: Inbox,
) -> Socket {
    start_with(Caller::new(&config.api_url, config.bot_token.clone(), http, clock), resume, inbox)
}

/// The same with the limits and the refusals of another's calls.
#[expect(clippy::disallowed_methods, reason = "the caller holds the task, and a panic in it shows as the task's end")]
pub(super) fn start_with(caller: Caller, resume: Option<Session>, inbox: Inbox) -> Socket {
    let clock = caller.clock.clone();
    let (health_sender, health) = watch::channel(Health::new(clock.now()));
    let (stop, stop_receiver) = watch::channel(false);
    let gateway = Gateway {
        token: caller.token.clone(),
        caller,
        clock,
        inbox,
        stop: stop_receiver,
        health: health_sender,
        session: resume,
        missing: None,
        main: String::new(),
        avoid_own: false,
        identifies: VecDeque::new(),
    };
    Socket { health, stop, task: tokio::spawn(gateway.run()) }
}

impl Gateway {
    async fn run(mut self) {
        let mut attempt = 0;
        let mut wait = Duration::ZERO;
        loop {
            let stop = self.stop.clone();
            if self.inbox.is_closed() {
                break;
            }
            let rested = sleep(self.clock.as_ref(), wait);
            let opened = tokio::select! {
                biased;
                () = stopped(stop) => break,
                opened = async { rested.await; self.open().await } => opened,
            };
            let stream = match opened {
                Ok(stream) => stream,
                Err(none) => {
                    wait = self.failed(&none, attempt);
                    attempt += 1;
                    continue;
                }
            };
            let since = self.clock.now();
            let (why, told) = match session::live(&mut self, stream).await {
                End::Stopped => break,
                End::Fatal(why) => {
                    tracing::error!("Discord's gateway is given up: {why}");
                    self.become_state(State::Stopped(why));
                    return;
                }
                End::Refused(why) => {
                    tracing::error!("Discord's gateway refuses the bot: {why}");
                    self.become_state(State::Refused(why));
                    (attempt, wait) = (0, TOKEN_WAIT);
                    continue;
                }
                End::Again { why, forget, wait } => {
                    if forget && let Some(lost) = self.session.take() {
                        self.missing = self.missing.or(lost.at);
                    }
                    (why, wait)
                }
            };
            let resumes = self.session.is_some();
            tracing::warn!(%why, resumes, "A connection to Discord's gateway ended");
            self.become_state(State::Connecting(Some(why)));
            wait = if self.clock.now().duration_since(since) >= LONG_LIFE {
                attempt = 0;
                Duration::ZERO
            } else if attempt == 0 {
                // The first short life may be chance; after that the waits grow.
                attempt = 1;
                Duration::ZERO
            } else {
                attempt += 1;
                backoff(attempt - 2, FIRST_WAIT, LONGEST_WAIT)
            };
            wait = wait.max(told.unwrap_or_default());
        }
        tracing::info!("The connection to Discord's gateway is closed");
    }

    async fn open(&mut self) -> Result<Stream, NoConnection> {
        let own = self.session.as_ref().filter(|_| !self.avoid_own).and_then(|it| address(&it.resume_url));
        let is_own = own.is_some();
        let url = match own {
            Some(url) => url,
            None => self.ask().await?,
        };
        let dialled = dial(&self.clock, &url).await;
        // Next time the other address: the one that everybody is told, or the session's own again.
        self.avoid_own = dialled.is_err() && is_own;
        dialled.map_err(|why| NoConnection { why, wait: None, hopeless: false })
    }

    /// Asks where the gateway is and, before a new session, whether one may be begun.
    async fn ask(&mut self) -> Result<Url, NoConnection> {
        if self.session.is_none() {
            self.may_identify()?;
        }
        let told = self.caller.call(&limits::GATEWAY, &[], &[], None).await.map_err(refused)?;
        let url = told.get("url").and_then(Value::as_str).unwrap_or_default();
        let address = address(url).ok_or_else(|| NoConnection {
            why: "GET /gateway/bot: the address is not wss://".to_owned(),
            wait: None,
            hopeless: false,
        })?;
        url.clone_into(&mut self.main);
        // Only Discord knows what other processes with this token have begun.
        let limit = |name: &str| told.pointer(&format!("/session_start_limit/{name}")).and_then(Value::as_u64);
        if let Some(left) = limit("remaining") {
            self.health.send_modify(|health| health.sessions_left = Some(left));
        }
        if self.session.is_none() && limit("remaining") == Some(0) {
            let wait = Duration::from_millis(limit("reset_after").unwrap_or(60_000).clamp(1_000, LONGEST_RESET));
            let why = format!("no session may be begun any more today; Discord says to wait {} s", wait.as_secs());
            return Err(NoConnection { why, wait: Some(wait), hopeless: false });
        }
        Ok(address)
    }

    /// Whether a new session is within our own limits.
    fn may_identify(&mut self) -> Result<(), NoConnection> {
        let now = self.clock.now();
        self.identifies.retain(|at| now.duration_since(*at) < IDENTIFIES_IN);
        let full = self.identifies.front().filter(|_| self.identifies.len() >= IDENTIFIES);
        let full = full.map(|at| IDENTIFIES_IN.saturating_sub(now.duration_since(*at)));
        let close = self.identifies.back().map(|at| IDENTIFIES_APART.saturating_sub(now.duration_since(*at)));
        let wait = full.into_iter().chain(close).max().unwrap_or_default();
        match Duration::try_from(wait) {
            Ok(wait) if !wait.is_zero() => {
                let why =
                    if full.is_some() { "too many sessions were begun lately" } else { "a session was begun just now" };
                Err(NoConnection { why: why.to_owned(), wait: Some(wait), hopeless: false })
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Notes a failed attempt; how long to wait before the next.
    fn failed(&self, none: &NoConnection, attempt: u32) -> Duration {
        let wait = backoff(attempt, FIRST_WAIT, LONGEST_WAIT).max(none.wait.unwrap_or_default());
        tracing::warn!(why = %none.why, attempt, seconds = wait.as_secs_f64(), "No connection to Discord's gateway");
        let state =
            if none.hopeless { State::Refused(none.why.clone()) } else { State::Connecting(Some(none.why.clone())) };
        self.become_state(state);
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

    /// Notes that an identify is about to be sent.
    pub(super) fn identifying(&mut self) {
        self.identifies.push_back(self.clock.now());
    }

    /// Notes that a session is live: begun anew, or resumed.
    pub(super) fn connected(&self, resumed: bool) {
        self.health.send_modify(|health| {
            health.connects += 1;
            if resumed { health.resumes += 1 } else { health.identifies += 1 }
        });
        self.become_state(State::Connected);
        tracing::info!(resumed, "Connected to Discord's gateway");
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

    /// Notes that everything up to here is kept, perhaps (`told`) with what is missing before it.
    pub(super) fn kept(&mut self, session: Session, told: bool) {
        if told {
            self.missing = None;
        }
        self.health.send_modify(|health| health.kept = session.seq);
        self.session = Some(session);
    }
}

/// Done once a stop was asked for.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that whoever could ask is gone, which is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn dial(clock: &SharedClock, url: &Url) -> Result<Stream, String> {
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT)).max_frame_size(Some(MESSAGE_LIMIT));
    let connecting = connect_async_with_config(url.as_str(), Some(config), true);
    match timeout(clock.as_ref(), HANDSHAKE_LIMIT, connecting).await {
        Ok(Ok((stream, _response))) => Ok(stream),
        Ok(Err(error)) => Err(format!("the WebSocket handshake failed: {}", describe(&error))),
        Err(late) => Err(format!("the WebSocket handshake got {late}")),
    }
}

fn refused(problem: Problem) -> NoConnection {
    let why = problem.failure.to_string();
    match problem.failure {
        Failure::Transient { retry_after, .. } => NoConnection { why, wait: retry_after, hopeless: false },
        Failure::Permanent { kind: Refused::Token, .. } => NoConnection { why, wait: Some(TOKEN_WAIT), hopeless: true },
        Failure::Permanent { .. } | Failure::Unknown { .. } | Failure::Channel { .. } => {
            NoConnection { why, wait: None, hopeless: false }
        }
    }
}

/// Where to connect to: `wss://`, or `ws://` on this machine (a sandbox), with version and encoding.
#[must_use]
pub fn address(url: &str) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let may = url.has_host() && (url.scheme() == "wss" || (url.scheme() == "ws" && loopback));
    url.set_query(Some("v=10&encoding=json"));
    url.set_fragment(None);
    may.then_some(url)
}

/// What went wrong, without the address.
pub(super) fn describe(error: &WsError) -> String {
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
            ("wss://gateway.discord.gg", true),
            ("wss://gateway.discord.gg/?x=1#y", true),
            ("ws://127.0.0.1:4020/gateway", true),
            ("ws://[::1]:4020/gateway", true),
            ("ws://gateway.discord.gg", false),
            ("ws://127.0.0.1.evil.example/", false),
            ("https://discord.com", false),
            ("not an address", false),
            ("", false),
        ] {
            assert_eq!(address(url).is_some(), may, "{url}");
        }
        let full = address("wss://gateway.discord.gg").map(String::from);
        assert_eq!(full.as_deref(), Some("wss://gateway.discord.gg/?v=10&encoding=json"));
    }

    #[tokio::test]
    async fn a_secure_address_is_never_spoken_to_in_plain_text() {
        use tokio::io::AsyncReadExt;

        crate::tls::install();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = address(&format!("wss://127.0.0.1:{port}/")).expect("an address");
        let clock: SharedClock = std::sync::Arc::new(crate::clock::ManualClock::new(Timestamp::UNIX_EPOCH));
        let server = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream.read_u8().await.expect("a byte")
        };
        let (dialled, first) = tokio::join!(dial(&clock, &url), server);
        // 22 is how a TLS handshake begins; the server hangs up after it.
        assert_eq!((dialled.is_err(), first), (true, 22));
    }
}
