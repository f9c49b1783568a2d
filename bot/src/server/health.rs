//! Whether Muster lives, whether it can work, and its figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use integrations::chat::socket;
use operations::ids::Platform;
use operations::vitals::Trouble;
use tokio::sync::watch;

use super::Shared;
use crate::engine::Engine;
use crate::metrics::Metrics;
use crate::outbox::Standing;

/// What health is told from.
pub struct Health {
    /// Whether it takes inputs.
    pub engine: Engine,
    /// How the outbox stands.
    pub standing: watch::Receiver<Standing>,
    /// How the sockets do.
    pub sockets: BTreeMap<Platform, watch::Receiver<socket::Health>>,
    /// The figures.
    pub metrics: Metrics,
}

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the journal takes inputs, and every chat that is configured is connected.
///
/// Alerts are taken and kept even when a chat is not connected; that is said, not refused.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let health = &shared.health;
    let journal = health.engine.read(|state| (state.seq, state.troubles.keys().cloned().collect::<Vec<_>>())).await;
    let mut words = match &journal {
        Ok((seq, _)) => format!("journal: ready at event {seq}\n"),
        Err(_) => "journal: stopped\n".to_owned(),
    };
    let mut ready = journal.is_ok();
    for (platform, socket) in &health.sockets {
        let (up, state) = match &socket.borrow().state {
            socket::State::Connected => (true, "connected".to_owned()),
            socket::State::Connecting(None) => (false, "connecting".to_owned()),
            socket::State::Connecting(Some(why)) => (false, format!("connecting: {why}")),
            socket::State::Refused(why) => (false, format!("token refused: {why}")),
            socket::State::Stopped(why) => (false, format!("stopped: {why}")),
        };
        ready &= up;
        words.push_str(&format!("{}: {state}\n", platform.key()));
    }
    for trouble in journal.iter().flat_map(|(_, troubles)| troubles) {
        ready &= !matches!(trouble, Trouble::DiskFull | Trouble::TokenRefused(_));
        words.push_str(&format!("trouble: {}\n", trouble.began()));
    }
    let standing = health.standing.borrow().clone();
    words.push_str(&format!("outbox: {} open\n", standing.open));
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, words)
}

/// `GET /metrics` in Prometheus' text format.
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let health = &shared.health;
    health.metrics.room(health.engine.room());
    health.metrics.bodies(shared.hooks.room.held());
    for (platform, socket) in &health.sockets {
        health.metrics.connected(platform.key(), socket.borrow().state == socket::State::Connected);
    }
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, form)], health.metrics.text())
}
