//! Gateway sessions: what is dispatched, to whom, and what can be replayed.
//!
//! What holds: a session's dispatches are numbered without gaps and kept in order; a
//! socket writes them in that order; what was not written before a socket was lost is
//! written after the resume.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::permissions::{self, VIEW_CHANNEL};
use super::state::State;

/// How long a session without a socket can be resumed ("a few minutes" in Discord's reference).
const RESUMABLE: SignedDuration = SignedDuration::from_mins(5);

/// How many dispatches a session keeps for a resume.
const KEPT: usize = 20_000;

/// Identifies allowed in 24 hours.
pub(super) const IDENTIFIES: usize = 1000;

pub(super) const GUILDS: u64 = 1;
pub(super) const MESSAGE_CONTENT: u64 = 1 << 15;

pub(super) struct Gateway {
    pub(super) sessions: Vec<Session>,
    pub(super) sockets: HashMap<u64, Socket>,
    pub(super) next_socket: u64,
    pub(super) heartbeat_ms: u64,
    /// Privileged intents that are switched off in the developer portal.
    pub(super) disallowed: u64,
    /// Whether only one identify in five seconds is let through.
    pub(super) paced: bool,
    pub(super) identifies: Vec<Timestamp>,
    pub(super) identified: usize,
    pub(super) resumes: usize,
    pub(super) ignore_heartbeats: bool,
    pub(super) hang_handshakes: u32,
    pub(super) refuse_handshakes: (u32, u16),
    pub(super) no_hello: u32,
    pub(super) close_after_hello: (u32, Option<u16>),
    pub(super) refuse_resumes: u32,
    pub(super) resume_url: String,
    /// Whether the bot's token has ended, because it was used too often to identify.
    pub(super) is_token_reset: bool,
}

/// A socket that is open.
pub(super) struct Socket {
    pub(super) orders: mpsc::UnboundedSender<Order>,
    pub(super) session: Option<String>,
    /// Neither read nor written.
    pub(super) frozen: bool,
}

/// What a socket is told to do.
pub(super) enum Order {
    /// Look for dispatches to write, or whether it is frozen.
    Look,
    /// Write this text.
    Text(String),
    /// Close, with this code or none.
    Close(Option<u16>),
    /// Drop the TCP connection.
    Drop,
}

pub(super) struct Session {
    pub(super) id: String,
    pub(super) intents: u64,
    pub(super) seq: u64,
    /// The newest that was written to a socket.
    pub(super) written: u64,
    pub(super) log: VecDeque<(u64, String)>,
    pub(super) socket: Option<u64>,
    /// When it lost its socket.
    pub(super) left: Timestamp,
}

impl Gateway {
    pub(super) fn new(paced: bool) -> Gateway {
        Gateway {
            sessions: Vec::new(),
            sockets: HashMap::new(),
            next_socket: 1,
            heartbeat_ms: 41_250,
            disallowed: 0,
            paced,
            identifies: Vec::new(),
            identified: 0,
            resumes: 0,
            ignore_heartbeats: false,
            hang_handshakes: 0,
            refuse_handshakes: (0, 503),
            no_hello: 0,
            close_after_hello: (0, None),
            refuse_resumes: 0,
            resume_url: String::new(),
            is_token_reset: false,
        }
    }

    pub(super) fn session_mut(&mut self, id: &str) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    /// Whether any session has a socket.
    pub(super) fn is_live(&self) -> bool {
        self.sessions.iter().any(|session| session.socket.is_some())
    }

    /// Ends a session for good.
    pub(super) fn end(&mut self, id: &str) {
        self.sessions.retain(|session| session.id != id);
        for socket in self.sockets.values_mut() {
            if socket.session.as_deref() == Some(id) {
                socket.session = None;
            }
        }
    }

    /// Whether everything was written that can be.
    pub(super) fn is_written(&self) -> bool {
        self.sessions.iter().all(|session| session.socket.is_none() || session.written == session.seq)
    }

    pub(super) fn order_all(&self, order: impl Fn() -> Order) {
        for socket in self.sockets.values() {
            // A socket that is just going away no longer takes orders.
            let _ = socket.orders.send(order());
        }
    }
}

impl Session {
    fn push(&mut self, event: &str, data: &Value) {
        self.seq += 1;
        let text = json!({"op": 0, "t": event, "s": self.seq, "d": data}).to_string();
        if self.log.len() == KEPT {
            self.log.pop_front();
        }
        self.log.push_back((self.seq, text));
    }

    /// The next dispatch to write.
    pub(super) fn due(&self) -> Option<(u64, String)> {
        if self.written >= self.seq {
            return None;
        }
        let first = self.log.front().map_or(0, |(seq, _)| *seq);
        let index = usize::try_from((self.written + 1).saturating_sub(first)).ok()?;
        self.log.get(index).cloned()
    }

    /// Whether everything after `seq` is still kept.
    pub(super) fn can_replay(&self, seq: u64) -> bool {
        seq + 1 >= self.log.front().map_or(1, |(first, _)| *first)
    }
}

impl State {
    /// Dispatches to one session, whatever its intents.
    pub(super) fn dispatch_to(&mut self, id: &str, event: &str, data: &Value) {
        let Some(session) = self.gateway.session_mut(id) else { return };
        session.push(event, data);
        if let Some(socket) = session.socket.and_then(|socket| self.gateway.sockets.get(&socket)) {
            let _ = socket.orders.send(Order::Look);
        }
    }

    /// Dispatches to every session that asked for this kind of event. `dm` says whether it is of a direct channel.
    pub(super) fn dispatch(&mut self, event: &str, dm: bool, data: &Value) {
        if event.starts_with("MESSAGE_") && !self.is_seen(data) {
            return;
        }
        let needed = intent(event, dm);
        let mut to = Vec::new();
        for session in &self.gateway.sessions {
            if self.is_resumable(session) && (needed == 0 || session.intents & needed != 0) {
                to.push((session.id.clone(), session.intents));
            }
        }
        for (id, intents) in to {
            let hidden = intents & MESSAGE_CONTENT == 0 && !dm && self.hides_content(event, data);
            if hidden {
                let mut data = data.clone();
                data["content"] = json!("");
                for list in ["embeds", "components", "attachments"] {
                    data[list] = json!([]);
                }
                self.dispatch_to(&id, event, &data);
            } else {
                self.dispatch_to(&id, event, data);
            }
        }
    }

    /// Whether the bot sees the channel that an event is of.
    fn is_seen(&self, data: &Value) -> bool {
        let channel = data["channel_id"].as_str().and_then(|id| id.parse().ok()).and_then(|id| self.channel(id));
        channel.is_none_or(|place| place.dm.is_some() || permissions::of(self, self.me, place) & VIEW_CHANNEL != 0)
    }

    /// Whether a message's content is kept from a bot without the intent for it.
    fn hides_content(&self, event: &str, data: &Value) -> bool {
        let me = self.me.to_string();
        let mentioned = data["mentions"].as_array().into_iter().flatten().any(|user| user["id"].as_str() == Some(&me));
        event.starts_with("MESSAGE_")
            && data.get("content").is_some()
            && data["author"]["id"].as_str() != Some(&me)
            && !mentioned
    }

    /// Whether there is a session that hears of what happens, now or when it is resumed.
    pub(super) fn has_session(&self) -> bool {
        self.gateway.sessions.iter().any(|session| self.is_resumable(session))
    }

    /// Whether a session can still be resumed.
    pub(super) fn is_resumable(&self, session: &Session) -> bool {
        session.socket.is_some() || self.now.duration_since(session.left) <= RESUMABLE
    }
}

/// The intent that an event needs; 0 where it is always sent.
fn intent(event: &str, dm: bool) -> u64 {
    match event {
        "CHANNEL_PINS_UPDATE" if dm => 1 << 12,
        "MESSAGE_CREATE" | "MESSAGE_UPDATE" | "MESSAGE_DELETE" => {
            if dm {
                1 << 12
            } else {
                1 << 9
            }
        }
        "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE" => {
            if dm {
                1 << 13
            } else {
                1 << 10
            }
        }
        "INTERACTION_CREATE" => 0,
        _ => GUILDS,
    }
}
