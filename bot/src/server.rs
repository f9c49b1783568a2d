//! The HTTP side: webhooks in, the wiki's pages, health and figures out.
//!
//! What holds: a body is capped before it is read, its sender is checked before it is
//! parsed, and 2xx is answered only after what it said is on disk. No answer repeats a secret.

pub mod health;
pub mod hooks;
mod storms;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::wiki_pages;

/// What the routes work with.
pub struct Shared {
    /// Takes webhooks.
    pub hooks: hooks::Hooks,
    /// Tells how Muster does.
    pub health: health::Health,
    /// The wiki.
    pub wiki: Arc<integrations::wiki::git::Wiki>,
}

/// All routes.
pub fn router(shared: Arc<Shared>) -> Router {
    let pages = wiki_pages::router(shared.wiki.clone());
    Router::new()
        .route("/hooks/{source}", post(hooks::receive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/storms/{storm}", get(storms::storm))
        .with_state(shared)
        .merge(pages)
}
