//! The gateway: one WebSocket, from hello to close.
//!
//! Opcodes and close codes are those of Discord's reference (Gateway; Opcodes and Status
//! Codes). What holds: a socket without an identified session is given nothing but hello
//! and heartbeat acknowledgements; a breach of the protocol closes the socket with
//! Discord's code and is kept in `unexpected`.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Discord;
use super::session::{Order, Socket};

/// How long a socket may stay without a session.
const IDENTIFY_WITHIN: SignedDuration = SignedDuration::from_secs(45);
/// The longest payload that Discord takes, in bytes.
const LONGEST: usize = 4096;
/// Payloads allowed in a minute.
const FRAMES: usize = 120;

/// Why a socket ends.
enum End {
    /// With this close code.
    Close(u16, &'static str),
    /// The client has gone.
    Gone { by_close: Option<u16> },
    /// With this code, or none, on order.
    Ordered(Option<u16>),
    /// Without a close frame, on order.
    Drop,
}

/// `GET /gateway?v=10&encoding=json`.
pub(super) async fn open(
    State(discord): State<Arc<Discord>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let (hang, refuse) = {
        let mut state = discord.lock();
        let gateway = &mut state.gateway;
        let hang = gateway.hang_handshakes > 0;
        gateway.hang_handshakes = gateway.hang_handshakes.saturating_sub(1);
        let refuse = (!hang && gateway.refuse_handshakes.0 > 0).then_some(gateway.refuse_handshakes.1);
        if refuse.is_some() {
            gateway.refuse_handshakes.0 -= 1;
        }
        (hang, refuse)
    };
    if hang {
        std::future::pending::<()>().await;
    }
    if let Some(status) = refuse {
        return StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE).into_response();
    }
    upgrade.on_upgrade(move |socket| serve(discord, socket, query))
}

async fn serve(discord: Arc<Discord>, mut socket: WebSocket, query: HashMap<String, String>) {
    let version = query.get("v").map(String::as_str);
    if version != Some("10") || query.get("encoding").map(String::as_str) != Some("json") {
        let code = if version == Some("10") { 4002 } else { 4012 };
        discord.lock().unexpected.push(format!("gateway: opened without v=10&encoding=json, closed with {code}"));
        close(&mut socket, Some((code, "Invalid API version or encoding."))).await;
        return;
    }
    let (orders, mut inbox) = mpsc::unbounded_channel();
    let (id, hello, quit) = {
        let mut state = discord.lock();
        let gateway = &mut state.gateway;
        let id = gateway.next_socket;
        gateway.next_socket += 1;
        gateway.sockets.insert(id, Socket { orders, session: None, frozen: false });
        let silent = gateway.no_hello > 0;
        gateway.no_hello = gateway.no_hello.saturating_sub(1);
        let quit = (gateway.close_after_hello.0 > 0).then_some(gateway.close_after_hello.1);
        gateway.close_after_hello.0 = gateway.close_after_hello.0.saturating_sub(1);
        let hello =
            json!({"op": 10, "d": {"heartbeat_interval": gateway.heartbeat_ms, "_trace": []}, "s": null, "t": null});
        (id, (!silent).then(|| hello.to_string()), quit)
    };
    let mut link = Link::new(&discord, id);
    let end = match hello {
        Some(hello) if socket.send(Message::Text(hello.clone().into())).await.is_err() => End::Gone { by_close: None },
        Some(_) | None => match quit {
            Some(code) => End::Ordered(code),
            None => link.run(&mut socket, &mut inbox).await,
        },
    };
    link.finish(&end);
    match end {
        End::Close(code, reason) => close(&mut socket, Some((code, reason))).await,
        End::Ordered(code) => close(&mut socket, code.map(|code| (code, ""))).await,
        End::Gone { .. } | End::Drop => {}
    }
}

/// Sends a close frame, and waits until the client has seen it or gone.
async fn close(socket: &mut WebSocket, frame: Option<(u16, &'static str)>) {
    let frame = frame.map(|(code, reason)| CloseFrame { code, reason: reason.into() });
    if socket.send(Message::Close(frame)).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

/// One socket's side of the protocol.
pub(super) struct Link<'d> {
    pub(super) discord: &'d Discord,
    pub(super) id: u64,
    opened: Timestamp,
    /// When the next heartbeat is overdue, and whether one was missed already.
    deadline: Timestamp,
    missed: bool,
    frames: VecDeque<Timestamp>,
}

impl<'d> Link<'d> {
    fn new(discord: &'d Discord, id: u64) -> Link<'d> {
        let now = discord.time.now();
        let mut link = Link { discord, id, opened: now, deadline: now, missed: false, frames: VecDeque::new() };
        link.beat(now);
        link
    }

    async fn run(&mut self, socket: &mut WebSocket, inbox: &mut mpsc::UnboundedReceiver<Order>) -> End {
        loop {
            let frozen = self.is_frozen();
            while let Some((seq, text)) = self.due() {
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return End::Gone { by_close: None };
                }
                self.written(seq);
            }
            let wake = if self.has_session() { self.deadline } else { self.deadline.min(self.identify_by()) };
            tokio::select! {
                order = inbox.recv() => match order {
                    None | Some(Order::Drop) => return End::Drop,
                    Some(Order::Look) => {}
                    Some(Order::Text(_)) if frozen => {}
                    Some(Order::Text(text)) => {
                        if socket.send(Message::Text(text.into())).await.is_err() {
                            return End::Gone { by_close: None };
                        }
                    }
                    Some(Order::Close(code)) => return End::Ordered(code),
                },
                frame = socket.recv(), if !frozen => match frame {
                    None | Some(Err(_)) => return End::Gone { by_close: None },
                    Some(Ok(Message::Close(frame))) => {
                        return End::Gone { by_close: frame.map(|frame| frame.code) };
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_))) => return End::Close(4002, "Error while decoding payload."),
                    Some(Ok(Message::Text(text))) => match self.receive(&text) {
                        Ok(answers) => {
                            for answer in answers {
                                if socket.send(Message::Text(answer.to_string().into())).await.is_err() {
                                    return End::Gone { by_close: None };
                                }
                            }
                        }
                        Err((code, reason)) => return End::Close(code, reason),
                    },
                },
                () = self.discord.time.sleep_until(wake), if !frozen => {
                    if let Some(end) = self.overdue() {
                        return end;
                    }
                }
            }
        }
    }

    /// A heartbeat is due within one interval; it is missed for good half an interval after that.
    /// The two steps leave a client whose clock jumps the time to send what it owes.
    fn beat(&mut self, now: Timestamp) {
        self.missed = false;
        self.deadline = self.after(now, 1.0);
    }

    fn after(&self, now: Timestamp, intervals: f64) -> Timestamp {
        #[allow(clippy::cast_precision_loss)]
        let ms = self.discord.lock().gateway.heartbeat_ms as f64 * intervals;
        now.checked_add(SignedDuration::from_secs_f64(ms / 1000.0)).unwrap_or(Timestamp::MAX)
    }

    fn identify_by(&self) -> Timestamp {
        self.opened.checked_add(IDENTIFY_WITHIN).unwrap_or(Timestamp::MAX)
    }

    fn overdue(&mut self) -> Option<End> {
        let now = self.discord.time.now();
        if !self.has_session() && now >= self.identify_by() {
            self.blame("no identify in time");
            return Some(End::Close(4009, "Session timed out."));
        }
        if now < self.deadline {
            return None;
        }
        if self.missed {
            self.blame("no heartbeat in time");
            return Some(End::Close(4000, "Heartbeats are missing."));
        }
        self.missed = true;
        self.deadline = self.after(now, 0.5);
        None
    }

    fn blame(&self, what: &str) {
        self.discord.lock().unexpected.push(format!("gateway: {what}"));
    }

    fn is_frozen(&self) -> bool {
        self.discord.lock().gateway.sockets.get(&self.id).is_none_or(|socket| socket.frozen)
    }

    pub(super) fn has_session(&self) -> bool {
        self.discord.lock().gateway.sockets.get(&self.id).is_some_and(|socket| socket.session.is_some())
    }

    fn due(&self) -> Option<(u64, String)> {
        let state = self.discord.lock();
        let socket = state.gateway.sockets.get(&self.id)?;
        if socket.frozen {
            return None;
        }
        let id = socket.session.as_deref()?;
        state.gateway.sessions.iter().find(|session| session.id == id)?.due()
    }

    fn written(&self, seq: u64) {
        let mut state = self.discord.lock();
        let id = self.id;
        if let Some(session) = state.gateway.sessions.iter_mut().find(|session| session.socket == Some(id)) {
            session.written = seq;
        }
        self.discord.version.send_modify(|version| *version += 1);
    }

    /// What follows from a frame: answers to be written before any dispatch, or a close code.
    fn receive(&mut self, text: &str) -> Result<Vec<Value>, (u16, &'static str)> {
        let now = self.discord.time.now();
        let done = self.handle(text, now);
        if let Err((code, reason)) = &done {
            self.blame(&format!("{code} {reason}"));
        }
        done
    }

    fn handle(&mut self, text: &str, now: Timestamp) -> Result<Vec<Value>, (u16, &'static str)> {
        const UNDECODABLE: (u16, &str) = (4002, "Error while decoding payload.");
        if text.len() > LONGEST {
            return Err(UNDECODABLE);
        }
        self.frames.retain(|at| now.duration_since(*at) < SignedDuration::from_secs(60));
        self.frames.push_back(now);
        if self.frames.len() > FRAMES {
            return Err((4008, "You are being rate limited."));
        }
        let frame: Value = serde_json::from_str(text).map_err(|_| UNDECODABLE)?;
        let op = frame["op"].as_u64().ok_or(UNDECODABLE)?;
        let data = &frame["d"];
        match op {
            1 => {
                if !(data.is_null() || data.is_u64()) {
                    return Err(UNDECODABLE);
                }
                self.beat(now);
                let ignore = self.discord.lock().gateway.ignore_heartbeats;
                Ok(if ignore { Vec::new() } else { vec![json!({"op": 11})] })
            }
            2 => self.identify(data),
            6 => self.resume(data),
            3 | 4 | 8 | 31 | 43 if self.has_session() => Ok(Vec::new()),
            3 | 4 | 8 | 31 | 43 => Err((4003, "Not authenticated.")),
            _ => Err((4001, "Unknown opcode.")),
        }
    }

    /// Parts socket and session, and ends the session where Discord would.
    fn finish(&self, end: &End) {
        let mut state = self.discord.lock();
        let now = state.now;
        let Some(socket) = state.gateway.sockets.remove(&self.id) else { return };
        let Some(session) = socket.session else { return };
        let over = match end {
            End::Close(code, _) => is_final(*code),
            End::Ordered(code) => code.is_some_and(is_final),
            End::Gone { by_close } => matches!(by_close, Some(1000 | 1001)),
            End::Drop => false,
        };
        if over {
            state.gateway.end(&session);
        } else if let Some(session) = state.gateway.session_mut(&session)
            && session.socket == Some(self.id)
        {
            session.socket = None;
            session.left = now;
        }
        state.changed(0);
    }
}

/// Whether a session is over when Discord closes its socket with this code.
fn is_final(code: u16) -> bool {
    matches!(code, 4003 | 4004 | 4007 | 4009..=4014)
}
