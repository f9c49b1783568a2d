//! What the text of a Socket Mode frame is.
//!
//! What holds: anything unreadable is nothing to act upon, and no reason to end.

use serde_json::Value;

use super::call::word_of;

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The greeting.
    Hello,
    /// Slack announces the end; why.
    Disconnect(String),
    /// Something to hand over, by its envelope's id.
    Envelope(String),
    /// Nothing to act upon.
    Other,
}

/// Reads a frame.
#[must_use]
pub fn understand(text: &str) -> Frame {
    let Ok(envelope) = serde_json::from_str::<Value>(text) else {
        tracing::warn!(bytes = text.len(), "A frame from Slack is not JSON and is left aside");
        return Frame::Other;
    };
    let kind = envelope.get("type").and_then(Value::as_str);
    match (kind, envelope.get("envelope_id").and_then(Value::as_str)) {
        (Some("hello"), _) => Frame::Hello,
        (Some("disconnect"), _) => {
            let reason = envelope.get("reason").and_then(Value::as_str).unwrap_or("no_reason");
            Frame::Disconnect(word_of(reason).to_owned())
        }
        (_, Some(id)) => Frame::Envelope(id.to_owned()),
        (_, None) => {
            tracing::warn!(bytes = text.len(), "A frame from Slack has no envelope id and is left aside");
            Frame::Other
        }
    }
}
