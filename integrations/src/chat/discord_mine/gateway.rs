//! The gateway: one connection, resumed where it can be, for as long as the bot runs.
//!
//! [`start`] connects again and again; [`connection`] is one connection from its greeting to
//! its end. What holds: every wait has an end; dispatches are handed over in order, and the
//! place to resume from moves on only with what was kept; a session is begun anew at most
//! five times in ten minutes, because Discord resets the token of a bot that does it a
//! thousand times a day; what can't get better by waiting is not tried again.

mod connection;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::call::Caller;
use super::limits::GATEWAY;
use super::{Config, caller};
use crate::chat::socket::{Health, Inbox, Session, Socket, State, backoff};
use crate::chat::{Failure, Refused};
use crate::clock::{SharedClock, after, sleep, timeout};
use crate::secret::Secret;

/// Name, TCP, TLS and WebSocket together.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// The longest message that is read, in bytes: a large server's GUILD_CREATE takes megabytes.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A connection that lived so long shows that all is well: the next failure begins with short waits.
const LONG_LIFE: Duration = Duration::from_secs(30);
/// Sessions begun anew: so many in this time.
const IDENTIFIES: (usize, Duration) = (5, Duration::from_secs(600));
/// Discord wants five seconds between two identifies.
const BETWEEN_IDENTIFIES: Duration = Duration::from_secs(5);

type Stream = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// How a connection ended.
enum End {
    /// A stop was asked for, or nobody takes what arrives.
    Stopped,
    /// It can't get better by waiting.
    Fatal(String),
    /// It is to be made again.
    Again {
        why: String,
        /// Not sooner than this.
        wait: Duration,
    },
}

/// The task that stays connected.
struct Gateway {
    caller: Caller,
    token: Secret,
    clock: SharedClock,
    inbox: Inbox,
    stop: watch::Receiver<bool>,
    health: watch::Sender<Health>,
    session: Option<Session>,
    /// Whether the session's own address was tried in vain.
    avoid_resume_url: bool,
    identified: VecDeque<Timestamp>,
}

/// Connects and stays connected in a task of its own, until it is stopped or the inbox is gone.
#[expect(clippy::disallowed_methods, reason = "the caller holds the task")]
pub fn start(config: &Config, http: reqwest::Client, clock: SharedClock, resume: Option<Session>, inbox: Inbox) -> Socket {
    let (health_sender, health) = watch::channel(Health::new(clock.now()));
    let (stop, stop_receiver) = watch::channel(false);
    let gateway = Gateway {
        caller: caller(config, http, clock.clone()),
        token: config.bot_token.clone(),
        clock,
        inbox,
        stop: stop_receiver,
        health: health_sender,
        session: resume,
        avoid_resume_url: false,
        identified: VecDeque::new(),
    };
    Socket { health, stop, task: tokio::spawn(gateway.run()) }
}

impl Gateway {
    async fn run(mut self) {
        let mut attempt: u32 = 0;
        loop {
            let begun = self.clock.now();
            let end = match self.open().await {
                Ok(stream) => self.live(stream).await,
                Err(end) => end,
            };
            let (why, wait) = match end {
                End::Stopped => break,
                End::Fatal(why) => {
                    tracing::error!(why, "The Discord gateway is given up until Muster is started again");
                    self.become_state(State::Stopped(why));
                    stopped(&self.stop).await;
                    break;
                }
                End::Again { why, wait } => (why, wait),
            };
            if self.clock.now() >= after(begun, LONG_LIFE) {
                attempt = 0;
            }
            // The first failure may be chance; after that the waits grow.
            let pause = if attempt == 0 { Duration::ZERO } else { backoff(attempt - 1, FIRST_WAIT, LONGEST_WAIT) };
            let wait = wait.max(pause);
            attempt += 1;
            tracing::warn!(why, attempt, seconds = wait.as_secs_f64(), "The Discord gateway is to be connected again");
            self.become_state(State::Connecting(Some(why)));
            let stopped = tokio::select! {
                () = stopped(&self.stop) => true,
                () = sleep(self.clock.as_ref(), wait) => false,
            };
            if stopped || self.inbox.is_closed() {
                break;
            }
        }
        tracing::info!("The Discord gateway is closed");
    }

    /// Opens a connection at the session's own address, or at Discord's.
    async fn open(&mut self) -> Result<Stream, End> {
        let again = |why: String| End::Again { why, wait: Duration::ZERO };
        let stop = self.stop.clone();
        let address = tokio::select! {
            address = self.address() => address?,
            () = stopped(&stop) => return Err(End::Stopped),
        };
        let Some(url) = dialled(&address) else {
            // Only a session's own address can be that odd: Discord's is used then.
            self.avoid_resume_url = true;
            return Err(again("the gateway's address is not wss://".to_owned()));
        };
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_LIMIT)).max_frame_size(Some(MESSAGE_LIMIT));
        let connecting = connect_async_with_config(url, Some(config), true);
        let connected = tokio::select! {
            connected = timeout(self.clock.as_ref(), HANDSHAKE_LIMIT, connecting) => connected,
            () = stopped(&self.stop) => return Err(End::Stopped),
        };
        match connected {
            Ok(Ok((stream, _response))) => Ok(stream),
            Ok(Err(error)) => {
                self.avoid_resume_url = true;
                Err(again(format!("the WebSocket handshake failed: {}", crate::chat::slack::socket::describe(&error))))
            }
            Err(late) => {
                self.avoid_resume_url = true;
                Err(again(format!("the WebSocket handshake got {late}")))
            }
        }
    }

    async fn address(&mut self) -> Result<String, End> {
        if let Some(session) = self.session.as_ref().filter(|_| !self.avoid_resume_url) {
            return Ok(session.resume_url.clone());
        }
        let answer = self.caller.call(&GATEWAY, &[], None).await.map_err(|failure| match failure {
            Failure::Permanent { kind: Refused::Token, why } => End::Fatal(format!(
                "Discord does not take the bot's token ({why}). Put a valid one into the place that [discord] bot_token names, and start Muster again"
            )),
            Failure::Transient { why, retry_after } => End::Again { why, wait: retry_after.unwrap_or_default() },
            Failure::Permanent { why, .. } | Failure::Unknown { why } => End::Again { why, wait: Duration::ZERO },
        })?;
        let starts = &answer["session_start_limit"];
        if self.session.is_none() && starts["remaining"].as_u64() == Some(0) {
            let wait = Duration::from_millis(starts["reset_after"].as_u64().unwrap_or(3_600_000));
            return Err(End::Again { why: "Discord allows no more sessions today".to_owned(), wait });
        }
        let url = answer["url"].as_str();
        url.map(str::to_owned).ok_or_else(|| End::Again { why: "Discord names no gateway".to_owned(), wait: Duration::ZERO })
    }

    /// How long to wait before a session may be begun anew; the place is taken where it is now.
    fn identify_wait(&mut self) -> Duration {
        let now = self.clock.now();
        while self.identified.front().is_some_and(|at| after(*at, IDENTIFIES.1) <= now) {
            self.identified.pop_front();
        }
        let spaced = self.identified.back().map(|at| after(*at, BETWEEN_IDENTIFIES));
        let capped = (self.identified.len() >= IDENTIFIES.0).then(|| self.identified.front()).flatten();
        let until = spaced.max(capped.map(|at| after(*at, IDENTIFIES.1)));
        match until.filter(|until| *until > now) {
            Some(until) => Duration::try_from(until.duration_since(now)).unwrap_or_default(),
            None => {
                self.identified.push_back(now);
                Duration::ZERO
            }
        }
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
}

/// Done once a stop was asked for.
async fn stopped(stop: &watch::Receiver<bool>) {
    // An error means that whoever could ask is gone, which is a stop too.
    let _ = stop.clone().wait_for(|stop| *stop).await;
}

/// The address to dial: `wss://`, or `ws://` on this machine (a sandbox).
fn dialled(address: &str) -> Option<String> {
    let mut url = url::Url::parse(address).ok()?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() != "wss" && !(url.scheme() == "ws" && local) {
        return None;
    }
    url.set_query(Some("v=10&encoding=json"));
    Some(url.into())
}

/// What a close code means for the next attempt (reference, "Gateway Close Event Codes").
fn closed(code: Option<u16>) -> (bool, Option<&'static str>) {
    match code {
        Some(4004) => (true, Some("Discord does not take the bot's token. Put a valid one where [discord] bot_token points, and start Muster again")),
        Some(4010 | 4011 | 4012) => (true, Some("Discord does not take this kind of connection any more: a newer Muster is needed")),
        Some(4013) => (true, Some("Discord does not know an intent that Muster asks for: a newer Muster is needed")),
        Some(4014) => (true, Some("Discord refuses an intent. Switch on \"Message Content Intent\" for the bot in Discord's developer portal, and start Muster again")),
        // The session can't go on; a new one can.
        Some(4007 | 4009) => (true, None),
        _ => (false, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_sockets_are_for_this_machine_only() {
        assert_eq!(dialled("wss://gateway.discord.gg").as_deref(), Some("wss://gateway.discord.gg/?v=10&encoding=json"));
        assert_eq!(dialled("ws://127.0.0.1:1/gateway").as_deref(), Some("ws://127.0.0.1:1/gateway?v=10&encoding=json"));
        for address in ["ws://gateway.discord.gg", "https://discord.com", "ws://127.0.0.1.evil.example", "x", ""] {
            assert_eq!(dialled(address), None, "{address}");
        }
    }
}
