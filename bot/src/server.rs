//! The HTTP side: webhooks in, the wiki's pages, health and figures out.
//!
//! What holds: connections, heads and bodies are capped before they are read, a sender is
//! checked before its body is parsed, and 2xx is answered only after what it said is on
//! disk. No answer repeats a secret.

mod body;
pub mod health;
mod held;
pub mod hooks;
pub mod listen;
pub mod pipelines;
pub mod room;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::wiki_pages;

/// What the routes work with.
pub struct Shared {
    /// Takes webhooks.
    pub hooks: hooks::Hooks,
    /// Takes webhooks of pipelines.
    pub pipelines: pipelines::Webhooks,
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
        .route("/pipelines/{name}", post(pipelines::receive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/storms/{storm}", get(held::storm))
        .route("/missed/{missed}", get(held::missed))
        .with_state(shared)
        .merge(pages)
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing at this address.\n") })
        .method_not_allowed_fallback(|| async {
            (StatusCode::METHOD_NOT_ALLOWED, "This address does not take that method.\n")
        })
}
