//! Temporary.
use std::sync::Arc;
use serde_json::Value;
use tokio::sync::broadcast;
/// Temporary.
pub fn router(_: &Arc<crate::slack::Slack>, _: &Arc<crate::discord::Discord>, _: broadcast::Sender<crate::Change>, _: &crate::Config) -> axum::Router {
    axum::Router::new()
}
/// Temporary.
pub fn transcript(view: &Value) -> String {
    view.to_string()
}
