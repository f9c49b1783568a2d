//! One connection: greeting, resume or identify, heartbeats, dispatches, end.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use operations::ids::Platform;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::super::inbound::WANTED;
use super::{End, Gateway, Stream, closed, stopped};
use crate::chat::socket::{Arrival, Session, State};
use crate::clock::{Sleep, after, sleep, timeout};

/// How long the greeting, and the answer to it, may take.
const HELLO_LIMIT: Duration = Duration::from_secs(15);
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long one frame may take to be written.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// How long a clean close may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// How many dispatches wait for the inbox or for being kept before nothing more is read.
const WAITING: usize = 256;
/// Closing with this code keeps the session (1000 and 1001 would end it).
const KEEP_SESSION: u16 = 4000;

/// GUILDS, GUILD_MESSAGES, GUILD_MESSAGE_REACTIONS, MESSAGE_CONTENT (reference, "Gateway Intents").
const INTENTS: u64 = (1 << 0) | (1 << 9) | (1 << 10) | (1 << 15);

/// A dispatch that was handed over, or needs not to be.
struct Handed {
    seq: u64,
    /// Resolves when it is kept; none where nothing is to be kept.
    kept: Option<oneshot::Receiver<()>>,
}

/// What is known of a connection while it lives.
struct Connection {
    stream: Stream,
    /// The newest sequence number that was read.
    seq: Option<u64>,
    /// The session that dispatches belong to, as READY named it: id and address to resume at.
    session: Option<(String, String)>,
    heartbeat: Option<Duration>,
    beat: Option<Sleep>,
    acknowledged: bool,
    is_ready: bool,
    waiting: VecDeque<Arrival>,
    handed: VecDeque<Handed>,
}

impl Gateway {
    /// Everything until the end of a connection.
    pub(super) async fn live(&mut self, stream: Stream) -> End {
        let session = self.session.clone();
        let mut it = Connection {
            stream,
            seq: session.as_ref().map(|session| session.seq),
            session: session.map(|session| (session.id, session.resume_url)),
            heartbeat: None,
            beat: None,
            acknowledged: true,
            is_ready: false,
            waiting: VecDeque::new(),
            handed: VecDeque::new(),
        };
        let (inbox, stop) = (self.inbox.clone(), self.stop.clone());
        let mut limit = sleep(self.clock.as_ref(), HELLO_LIMIT);
        let end = loop {
            let step = tokio::select! {
                () = stopped(&stop) => Err(End::Stopped),
                () = &mut limit, if !it.is_ready => {
                    Err(again(if it.heartbeat.is_none() { "no greeting came" } else { "the greeting was not answered" }))
                }
                () = wait_for(&mut it.beat) => self.beat(&mut it).await,
                kept = next_kept(&mut it.handed), if !it.handed.is_empty() => match kept {
                    Some(seq) => {
                        self.went_on(&it, seq);
                        Ok(())
                    }
                    // What could not be kept is read again: resumed from the last that was.
                    None => Err(again("what arrived could not be kept")),
                },
                permit = inbox.reserve(), if !it.waiting.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(arrival) = it.waiting.pop_front() {
                            permit.send(arrival);
                        }
                        Ok(())
                    }
                    Err(_) => Err(End::Stopped),
                },
                frame = it.stream.next(), if it.handed.len() < WAITING => {
                    let was_greeted = it.heartbeat.is_some();
                    let read = self.read(&mut it, frame).await;
                    if !was_greeted && it.heartbeat.is_some() {
                        limit = sleep(self.clock.as_ref(), READY_LIMIT);
                    }
                    read
                }
            };
            if let Err(end) = step {
                break end;
            }
        };
        self.close(&mut it).await;
        end
    }

    /// Reads one frame.
    async fn read(
        &mut self,
        it: &mut Connection,
        frame: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), End> {
        let now = self.clock.now();
        self.alive(now);
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return Err(self.was_closed(frame.map(|frame| u16::from(frame.code)))),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => return Ok(()),
            Some(Err(error)) => return Err(again(crate::chat::slack::socket::describe(&error))),
            None => return Err(again("the connection was dropped")),
        };
        let Ok(payload) = serde_json::from_str::<Value>(&text) else {
            tracing::warn!(bytes = text.len(), "A frame from Discord is not JSON and is left aside");
            return Ok(());
        };
        match payload["op"].as_u64() {
            Some(0) => self.dispatch(it, &payload, text.as_str().to_owned()),
            Some(1) => self.heartbeat(it).await,
            Some(7) => Err(again("Discord asks to connect again")),
            Some(9) => Err(self.session_is_invalid(payload["d"].as_bool() == Some(true))),
            Some(10) => self.greet(it, &payload).await,
            Some(11) => {
                it.acknowledged = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The greeting: heartbeats begin, and the session is resumed or begun.
    async fn greet(&mut self, it: &mut Connection, payload: &Value) -> Result<(), End> {
        let interval = payload["d"]["heartbeat_interval"].as_u64().filter(|interval| *interval >= 100).unwrap_or(41_250);
        let interval = Duration::from_millis(interval);
        it.heartbeat = Some(interval);
        // The first one at a random time, so that a crowd of bots spreads (reference, "Sending Heartbeats").
        it.beat = Some(sleep(self.clock.as_ref(), interval.mul_f64(fastrand::f64())));
        match &self.session {
            Some(session) => {
                let data = json!({ "token": self.token.expose(), "session_id": session.id, "seq": session.seq });
                self.send(it, &json!({ "op": 6, "d": data })).await
            }
            None => {
                let wait = self.identify_wait();
                if !wait.is_zero() {
                    return Err(End::Again { why: "a new session has to wait its turn".to_owned(), wait });
                }
                let properties = json!({ "os": std::env::consts::OS, "browser": "muster", "device": "muster" });
                let data = json!({ "token": self.token.expose(), "intents": INTENTS, "properties": properties, "compress": false });
                self.send(it, &json!({ "op": 2, "d": data })).await?;
                self.health.send_modify(|health| health.identifies += 1);
                Ok(())
            }
        }
    }

    fn dispatch(&mut self, it: &mut Connection, payload: &Value, raw: String) -> Result<(), End> {
        let Some(seq) = payload["s"].as_u64() else { return Ok(()) };
        it.seq = Some(seq);
        let kind = payload["t"].as_str().unwrap_or_default();
        match kind {
            "READY" => {
                let data = &payload["d"];
                let (Some(id), Some(url)) = (data["session_id"].as_str(), data["resume_gateway_url"].as_str()) else {
                    self.session = None;
                    return Err(again("the session has no id"));
                };
                it.session = Some((id.to_owned(), url.to_owned()));
                self.session = Some(Session { id: id.to_owned(), seq, resume_url: url.to_owned() });
                self.is_up(it);
            }
            "RESUMED" => {
                self.health.send_modify(|health| health.resumes += 1);
                self.is_up(it);
            }
            _ => {}
        }
        let kept = match &it.session {
            Some((id, url)) if WANTED.contains(&kind) => {
                let (kept, resolved) = oneshot::channel();
                let session = Some(Session { id: id.clone(), seq, resume_url: url.clone() });
                it.waiting.push_back(Arrival { platform: Platform::Discord, raw, session, kept });
                Some(resolved)
            }
            Some(_) | None => None,
        };
        it.handed.push_back(Handed { seq, kept });
        Ok(())
    }

    fn is_up(&mut self, it: &mut Connection) {
        it.is_ready = true;
        self.avoid_resume_url = false;
        self.become_state(State::Connected);
        self.health.send_modify(|health| health.connects += 1);
    }

    /// Everything up to `seq` is kept: from here a session can be resumed.
    fn went_on(&mut self, it: &Connection, seq: u64) {
        if let (Some(session), Some((id, _))) = (&mut self.session, &it.session)
            && session.id == *id
        {
            session.seq = seq;
        }
        self.health.send_modify(|health| health.kept = seq);
    }

    async fn beat(&mut self, it: &mut Connection) -> Result<(), End> {
        let Some(interval) = it.heartbeat else { return Ok(()) };
        if !it.acknowledged {
            return Err(again("a heartbeat was not answered"));
        }
        it.acknowledged = false;
        it.beat = Some(sleep(self.clock.as_ref(), interval));
        self.heartbeat(it).await
    }

    async fn heartbeat(&mut self, it: &mut Connection) -> Result<(), End> {
        let seq = it.seq;
        self.send(it, &json!({ "op": 1, "d": seq })).await
    }

    async fn send(&self, it: &mut Connection, payload: &Value) -> Result<(), End> {
        match timeout(self.clock.as_ref(), SEND_LIMIT, it.stream.send(Message::text(payload.to_string()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(again(crate::chat::slack::socket::describe(&error))),
            Err(late) => Err(again(format!("sending got {late}"))),
        }
    }

    fn was_closed(&mut self, code: Option<u16>) -> End {
        let named = code.map_or_else(|| "no code".to_owned(), |code| format!("code {code}"));
        match closed(code) {
            (_, Some(why)) => End::Fatal(format!("{why} (Discord closed with {named})")),
            (session_is_over, None) => {
                if session_is_over {
                    self.session = None;
                }
                again(format!("Discord closed with {named}"))
            }
        }
    }

    /// Op 9. A session that is over is begun anew after one to five seconds, as Discord asks.
    fn session_is_invalid(&mut self, resumable: bool) -> End {
        if resumable {
            return again("Discord wants the session resumed");
        }
        self.session = None;
        let wait = Duration::from_secs_f64(1.0 + 4.0 * fastrand::f64());
        End::Again { why: "the session is over".to_owned(), wait }
    }

    fn alive(&self, now: Timestamp) {
        // Each frame would be too often for whoever watches; whoever looks sees it.
        self.health.send_if_modified(|health| {
            let old = health.last_sign;
            health.last_sign = Some(now);
            old.is_none_or(|old| now > after(old, Duration::from_secs(5)))
        });
    }

    /// Says goodbye so that the session can be resumed, be it by the next process.
    async fn close(&self, it: &mut Connection) {
        it.waiting.clear();
        let goodbye = async {
            let frame = CloseFrame { code: CloseCode::from(KEEP_SESSION), reason: "".into() };
            if it.stream.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = it.stream.next().await {}
            }
        };
        // Whatever goes wrong, the connection ends: the session can be resumed all the same.
        let _ = timeout(self.clock.as_ref(), CLOSE_LIMIT, goodbye).await;
    }
}

fn again(why: impl Into<String>) -> End {
    End::Again { why: why.into(), wait: Duration::ZERO }
}

async fn wait_for(sleep: &mut Option<Sleep>) {
    match sleep {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}

/// The next dispatch that is kept, in order; none where it could not be. Can be dropped and called again.
async fn next_kept(handed: &mut VecDeque<Handed>) -> Option<u64> {
    let front = handed.front_mut()?;
    let seq = front.seq;
    let kept = match &mut front.kept {
        Some(kept) => kept.await.is_ok(),
        None => true,
    };
    if !kept {
        return None;
    }
    handed.pop_front();
    Some(seq)
}
