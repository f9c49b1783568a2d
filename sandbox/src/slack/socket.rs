//! Socket Mode's connections: handshake with a ticket, hello, pings, and whatever fault was ordered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::mpsc;

use super::delivery::{Open, Order, after, disconnect, uuid};
use super::refusal::Answer;
use super::{APP, Slack};

/// The most sockets that an app may hold.
const SOCKETS: usize = 10;
/// How often Slack pings.
const PING: SignedDuration = SignedDuration::from_secs(5);
/// How long a socket that was closed is read to its end, in real time.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a socket's task ends.
enum End {
    /// The connection is over, or shall be dropped without a word.
    Over,
    /// A close frame shall be sent.
    Close(Option<u16>),
}

impl Slack {
    /// `apps.connections.open`: an address that works once.
    pub(super) fn open_connection(&self) -> Answer {
        let ticket = uuid();
        self.lock().wire.tickets.insert(ticket.clone());
        Ok(json!({ "url": format!("ws://{}/link/?ticket={ticket}&app_id={APP}", self.addr) }))
    }
}

/// Answers a handshake.
pub(super) async fn link(
    State(slack): State<Arc<Slack>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let fault = {
        let wire = &mut slack.lock().wire;
        if wire.hang > 0 {
            wire.hang -= 1;
            Some(None)
        } else {
            wire.refuse.pop_front().map(Some)
        }
    };
    match fault {
        Some(None) => return std::future::pending().await,
        Some(Some(status)) => return StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY).into_response(),
        None => {}
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let ticket = query.get("ticket").map(String::as_str).unwrap_or_default();
    let known = slack.lock().wire.tickets.remove(ticket);
    if !known || *slack.cut.borrow() {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade.on_upgrade(move |socket| serve(slack, socket))
}

async fn serve(slack: Arc<Slack>, mut socket: WebSocket) {
    let (frames, mut to_send) = mpsc::unbounded_channel();
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let Some((id, hello)) = join(&slack, frames, orders) else {
        // The peer may be gone already; then nobody needs to be told.
        let _ = socket.send(Message::Text(disconnect("too_many_websockets").into())).await;
        farewell(&mut socket, None).await;
        return;
    };
    let greeted = match hello {
        Some(hello) => socket.send(Message::Text(hello.into())).await.is_ok(),
        None => true,
    };
    let end = if greeted { run(&slack, &mut socket, id, &mut to_send, &mut ordered).await } else { End::Over };
    slack.gone(id);
    if let End::Close(code) = end {
        farewell(&mut socket, code).await;
    }
}

/// Adds a socket; gives back its number and its hello. None where there are too many.
fn join(
    slack: &Slack,
    frames: mpsc::UnboundedSender<String>,
    orders: mpsc::UnboundedSender<Order>,
) -> Option<(u64, Option<String>)> {
    let state = &mut *slack.lock();
    if state.wire.open.len() >= SOCKETS {
        return None;
    }
    let id = state.next_id();
    let wire = &mut state.wire;
    let greeted = wire.no_hello == 0;
    let number = wire.open.len() + 1;
    let hello = greeted.then(|| {
        json!({
            "type": "hello", "num_connections": number, "connection_info": { "app_id": APP },
            "debug_info": { "host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18_060 },
        })
        .to_string()
    });
    if !greeted {
        wire.no_hello -= 1;
    } else if let Some(code) = wire.close_after_hello.pop_front() {
        // The caller holds the receiver.
        let _ = orders.send(Order::Close(code));
    }
    wire.open.push(Open { id, frames, orders, greeted, retiring: false });
    slack.changed("");
    Some((id, hello))
}

async fn run(
    slack: &Slack,
    socket: &mut WebSocket,
    id: u64,
    frames: &mut mpsc::UnboundedReceiver<String>,
    orders: &mut mpsc::UnboundedReceiver<Order>,
) -> End {
    let mut frozen = false;
    let mut ping = slack.time.sleep_until(after(slack.now(), PING));
    let mut end = slack.time.sleep_until(jiff::Timestamp::MAX);
    loop {
        tokio::select! {
            // In this order, so that an order stands above everything that waits to be sent.
            biased;
            () = slack.is_cut() => return End::Over,
            Some(order) = orders.recv() => match order {
                Order::Close(code) => return End::Close(code),
                Order::CloseAt(at) => end = slack.time.sleep_until(at),
                Order::Drop => return End::Over,
                Order::Freeze(on) => frozen = on,
            },
            Some(text) = frames.recv(), if !frozen => {
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return End::Over;
                }
            }
            () = &mut end => return End::Close(Some(1000)),
            () = &mut ping, if !frozen => {
                let words = format!("Ping from applink-sandbox-{id}");
                if socket.send(Message::Ping(words.into())).await.is_err() {
                    return End::Over;
                }
                ping = slack.time.sleep_until(after(slack.now(), PING));
            }
            received = socket.recv(), if !frozen => match received {
                Some(Ok(Message::Text(text))) => slack.heard(id, &text),
                Some(Ok(Message::Binary(_))) => {
                    slack.lock().unexpected.push("socket: a binary frame".to_owned());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Over,
            },
        }
    }
}

/// Sends a close frame and reads until the peer has closed too.
async fn farewell(socket: &mut WebSocket, code: Option<u16>) {
    let frame = code.map(|code| CloseFrame { code, reason: "".into() });
    if socket.send(Message::Close(frame)).await.is_err() {
        return;
    }
    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
    // A peer that does not answer is left alone.
    let _ = tokio::time::timeout(FAREWELL, rest).await;
}
