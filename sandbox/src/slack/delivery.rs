//! Envelopes: sent to one open socket, acknowledged within three seconds or not at all.
//!
//! What holds: an event that is not acknowledged comes again at once, after a minute and
//! after five more, under the same `event_id`; commands and interactions never come again.
//! Where no socket is open, an event waits for its next attempt.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Weak};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::model::State;
use super::{APP, BOT_USER, Slack, TEAM};
use crate::faults::SocketFault;
use crate::time::Time;

/// How long Slack waits for an acknowledgement.
const ACK: SignedDuration = SignedDuration::from_secs(3);
/// When an event comes again, counted from the attempt before.
const AGAIN: [SignedDuration; 3] = [ACK, SignedDuration::from_secs(60), SignedDuration::from_secs(300)];
/// How long a socket lives after it was asked to reconnect.
const GRACE: SignedDuration = SignedDuration::from_secs(10);
/// How many acknowledged or expired envelopes are remembered.
const SETTLED: usize = 10_000;

/// Sockets, what is under way on them, and what shall happen to the next ones.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) open: Vec<Open>,
    pub(super) tickets: HashSet<String>,
    /// The next handshakes that are never answered.
    pub(super) hang: u32,
    /// The next handshakes that answer this status.
    pub(super) refuse: VecDeque<u16>,
    /// The next sockets that say no hello.
    pub(super) no_hello: u32,
    /// The next sockets that are closed right after hello.
    pub(super) close_after_hello: VecDeque<Option<u16>>,
    /// The next envelopes that are sent twice.
    pub(super) twice: u32,
    next: usize,
    pending: HashMap<String, Pending>,
    live: usize,
    settled: VecDeque<String>,
}

/// An open socket.
pub(super) struct Open {
    pub(super) id: u64,
    pub(super) frames: mpsc::UnboundedSender<String>,
    pub(super) orders: mpsc::UnboundedSender<Order>,
    /// It said hello, so envelopes may go there.
    pub(super) greeted: bool,
    /// It was asked to reconnect, so envelopes go there only if there is no other.
    pub(super) retiring: bool,
}

/// What an open socket is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Close with this code.
    Close(Option<u16>),
    /// Close at this moment.
    CloseAt(Timestamp),
    /// Drop the connection without a word.
    Drop,
    /// Neither read nor write, or do it again.
    Freeze(bool),
}

struct Pending {
    /// None once the socket it went to is gone.
    socket: Option<u64>,
    answer: oneshot::Sender<Option<Value>>,
    takes_payload: bool,
}

/// An envelope that is under way.
pub(super) struct Sent {
    id: String,
    at: Timestamp,
    answer: oneshot::Receiver<Option<Value>>,
}

/// Nobody acknowledged it in time.
pub(super) struct NotAcked;

impl Slack {
    /// Sends an envelope to one open socket; none where no socket is open.
    pub(super) fn send(
        &self,
        state: &mut State,
        kind: &str,
        payload: &Value,
        takes_payload: bool,
        retry: u32,
    ) -> Option<Sent> {
        let at = self.now();
        let id = uuid();
        let mut envelope = json!({
            "envelope_id": id, "type": kind, "accepts_response_payload": takes_payload, "payload": payload,
        });
        if kind == "events_api" {
            envelope["retry_attempt"] = json!(retry);
            envelope["retry_reason"] = json!(if retry == 0 { "" } else { "timeout" });
        }
        let wire = &mut state.wire;
        let socket = wire.pick()?;
        let (answer, answered) = oneshot::channel();
        wire.pending.insert(id.clone(), Pending { socket: Some(socket), answer, takes_payload });
        wire.live += 1;
        let times = if wire.twice > 0 { 2 } else { 1 };
        wire.twice = wire.twice.saturating_sub(1);
        if let Some(open) = wire.open.iter().find(|open| open.id == socket) {
            for _ in 0..times {
                // The socket's task ends only after it has left the list.
                let _ = open.frames.send(envelope.to_string());
            }
        }
        self.unacked.send_replace(wire.live);
        Some(Sent { id, at, answer: answered })
    }

    /// Waits for an acknowledgement; gives back its payload.
    pub(super) async fn acked(&self, sent: Sent) -> Result<Option<Value>, NotAcked> {
        let answer = answered(&self.time, sent.answer, after(sent.at, ACK)).await;
        if answer.is_err() {
            self.expire(&sent.id);
        }
        answer
    }

    /// Tells the app of an event, as often as Slack would.
    pub(super) fn emit(&self, state: &mut State, event: Value) {
        let number = state.next_id();
        let payload = json!({
            "token": "", "team_id": TEAM, "context_team_id": TEAM, "context_enterprise_id": null, "api_app_id": APP,
            "event": event, "type": "event_callback", "event_id": format!("Ev0{number:08}"),
            "event_time": self.now().as_second(), "is_ext_shared_channel": false,
            "authorizations": [{ "enterprise_id": null, "team_id": TEAM, "user_id": BOT_USER, "is_bot": true, "is_enterprise_install": false }],
            "event_context": format!("4-{number}"),
        });
        let sent = self.send(state, "events_api", &payload, false, 0);
        self.spawn(redeliver(self.me.clone(), self.time.clone(), payload, sent, self.now()));
    }

    /// Tells the app of an event in a channel, if the bot is in it.
    pub(super) fn emit_in(&self, state: &mut State, channel: &str, event: Value) {
        if state.channel(channel).is_some_and(|channel| channel.has(BOT_USER)) {
            self.emit(state, event);
        }
    }

    /// Reads what the app sent over a socket.
    pub(super) fn heard(&self, socket: u64, text: &str) {
        let state = &mut *self.lock();
        let said: Option<Value> = serde_json::from_str(text).ok();
        let Some(id) = said.as_ref().and_then(|said| said.get("envelope_id")?.as_str()) else {
            state.unexpected.push("socket: a frame that is no acknowledgement".to_owned());
            return;
        };
        let wire = &mut state.wire;
        if wire.pending.get(id).is_none_or(|pending| pending.socket != Some(socket)) {
            if wire.settled.iter().any(|settled| settled == id) || wire.pending.contains_key(id) {
                tracing::warn!(envelope = id, "Acknowledged too late, twice, or on another socket");
            } else {
                state.unexpected.push("socket: an acknowledgement of an unknown envelope".to_owned());
            }
            return;
        }
        let payload = said.as_ref().and_then(|said| said.get("payload")).filter(|payload| !payload.is_null()).cloned();
        let Some(pending) = wire.settle(id) else { return };
        self.unacked.send_replace(wire.live);
        if payload.is_some() && !pending.takes_payload {
            state.unexpected.push("socket: a payload in an acknowledgement that takes none".to_owned());
        }
        // Whoever asked may have given up.
        let _ = pending.answer.send(payload.filter(|_| pending.takes_payload));
    }

    /// Notes that a socket is gone; what was under way on it can't be acknowledged any more.
    pub(super) fn gone(&self, socket: u64) {
        let wire = &mut self.lock().wire;
        wire.open.retain(|open| open.id != socket);
        for pending in wire.pending.values_mut().filter(|pending| pending.socket == Some(socket)) {
            pending.socket = None;
            wire.live -= 1;
        }
        self.unacked.send_replace(wire.live);
        self.changed("");
    }

    fn expire(&self, id: &str) {
        let wire = &mut self.lock().wire;
        wire.settle(id);
        self.unacked.send_replace(wire.live);
    }

    /// Carries out a fault of the sockets.
    pub(super) fn upset(&self, fault: SocketFault) {
        let now = self.now();
        let wire = &mut self.lock().wire;
        match fault {
            SocketFault::Close { code } => wire.order(Order::Close(code)),
            SocketFault::Drop => wire.order(Order::Drop),
            SocketFault::Freeze { on } => wire.order(Order::Freeze(on)),
            SocketFault::HangHandshake { times } => wire.hang = wire.hang.saturating_add(times),
            SocketFault::RefuseHandshake { times, status } => wire.refuse.extend((0..times).map(|_| status)),
            SocketFault::NoHello { times } => wire.no_hello = wire.no_hello.saturating_add(times),
            SocketFault::CloseAfterHello { times, code } => wire.close_after_hello.extend((0..times).map(|_| code)),
            SocketFault::Frame { text } => wire.tell(&text),
            SocketFault::Twice { times } => wire.twice = wire.twice.saturating_add(times),
            SocketFault::AskReconnect { reason } => {
                let reason = if reason.is_empty() { "refresh_requested" } else { &reason };
                wire.tell(&disconnect(reason));
                let until = if reason == "link_disabled" { now } else { after(now, GRACE) };
                wire.order(Order::CloseAt(until));
                // A warning comes ten seconds before; until then the socket does its work.
                wire.open.iter_mut().for_each(|open| open.retiring |= reason != "warning");
            }
            SocketFault::RefuseResume { .. }
            | SocketFault::InvalidSession { .. }
            | SocketFault::IgnoreHeartbeats { .. }
            | SocketFault::ResumeUrl { .. } => {}
        }
    }
}

impl Wire {
    /// The socket that the next envelope goes to: one after the other.
    fn pick(&mut self) -> Option<u64> {
        let greeted = || self.open.iter().filter(|open| open.greeted);
        let fresh: Vec<u64> = greeted().filter(|open| !open.retiring).map(|open| open.id).collect();
        let from = if fresh.is_empty() { greeted().map(|open| open.id).collect() } else { fresh };
        let picked = *from.get(self.next % from.len().max(1))?;
        self.next = self.next.wrapping_add(1);
        Some(picked)
    }

    fn settle(&mut self, id: &str) -> Option<Pending> {
        let pending = self.pending.remove(id)?;
        if pending.socket.is_some() {
            self.live -= 1;
        }
        self.settled.push_back(id.to_owned());
        if self.settled.len() > SETTLED {
            self.settled.pop_front();
        }
        Some(pending)
    }

    fn order(&mut self, order: Order) {
        for open in &mut self.open {
            if matches!(order, Order::Close(_) | Order::Drop) {
                // Nothing new goes where the end is near.
                open.greeted = false;
            }
            // A socket that has just ended needs no order.
            let _ = open.orders.send(order);
        }
    }

    fn tell(&self, text: &str) {
        for open in &self.open {
            let _ = open.frames.send(text.to_owned());
        }
    }
}

/// The frame by which Slack asks for another connection.
pub(super) fn disconnect(reason: &str) -> String {
    json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "applink-sandbox" } }).to_string()
}

async fn redeliver(me: Weak<Slack>, time: Arc<dyn Time>, payload: Value, mut sent: Option<Sent>, mut at: Timestamp) {
    let mut again = AGAIN.iter().zip(1..);
    loop {
        if let Some(sent) = sent {
            if answered(&time, sent.answer, after(at, ACK)).await.is_ok() {
                return;
            }
            let Some(slack) = me.upgrade() else { return };
            slack.expire(&sent.id);
        }
        let Some((wait, attempt)) = again.next() else {
            tracing::warn!("An event was never acknowledged");
            return;
        };
        time.sleep_until(after(at, *wait)).await;
        let Some(slack) = me.upgrade() else { return };
        at = slack.now();
        sent = slack.send(&mut slack.lock(), "events_api", &payload, false, attempt);
    }
}

async fn answered(
    time: &Arc<dyn Time>,
    answer: oneshot::Receiver<Option<Value>>,
    until: Timestamp,
) -> Result<Option<Value>, NotAcked> {
    let late = time.sleep_until(until);
    tokio::select! {
        biased;
        answer = answer => answer.map_err(|_| NotAcked),
        () = late => Err(NotAcked),
    }
}

/// The moment `wait` after `at`.
pub(super) fn after(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// A random id in the form of a UUID.
pub(super) fn uuid() -> String {
    let hex = format!("{:032x}", fastrand::u128(..));
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
