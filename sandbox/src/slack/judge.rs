//! What Slack makes of a message or a view, without a workspace around it.
//!
//! The same checks that the methods of the Web API make, for whoever wants to know beforehand.

use serde_json::Value;

use super::refusal::Refusal;
use super::{blocks, mentions, word};

/// Checks `text`, `blocks` and `attachments` as `chat.postMessage` does; gives the mentions that would notify somebody.
///
/// # Errors
/// Slack's error word, and its hints.
pub fn message(message: &Value) -> Result<Vec<String>, String> {
    let list = |name: &str| message.get(name).cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    let blocks = blocks::message(&list("blocks")).map_err(told)?;
    let attachments = blocks::attachments(&list("attachments")).map_err(told)?;
    Ok(mentions::find(word(message, "/text"), &blocks, &attachments))
}

/// Checks a view as `views.open` does.
///
/// # Errors
/// Slack's error word, and its hints.
pub fn view(view: &Value) -> Result<(), String> {
    blocks::view(view).map(|_| ()).map_err(told)
}

fn told(refusal: Refusal) -> String {
    format!("{} {}", refusal.error, refusal.messages.join("; "))
}
