//! What the text of a gateway frame is.
//!
//! What holds: a frame that can't be read is none, and no reason to end; an interval is one
//! that can be kept.

use std::time::Duration;

use serde_json::Value;

/// A frame (Discord's reference, "Gateway Opcodes").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Something happened.
    Dispatch(Dispatch),
    /// Discord asks for a heartbeat at once.
    Heartbeat,
    /// Discord asks for a new connection.
    Reconnect,
    /// The session can't go on.
    Invalid {
        /// Whether it can be resumed in a new connection.
        resumable: bool,
    },
    /// The greeting: how often a heartbeat is to be sent, where it says so.
    Hello(Option<Duration>),
    /// A heartbeat was received.
    Answered,
    /// Nothing to act upon.
    Other,
}

/// A dispatch, as far as the connection needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// What it is about: `MESSAGE_CREATE`; empty where it doesn't say.
    pub kind: String,
    /// Its number within the session.
    pub seq: Option<u64>,
    /// The id of the session that begins. A credential.
    pub session: Option<String>,
    /// Where that session can be resumed.
    pub resume_url: Option<String>,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dispatch({} {:?})", self.kind, self.seq)
    }
}

/// Reads a frame; none where it is no JSON.
#[must_use]
pub fn understand(text: &str) -> Option<Frame> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let field = |name: &str| {
        let value = frame.pointer(name).and_then(Value::as_str).filter(|value| !value.is_empty());
        value.map(str::to_owned)
    };
    Some(match frame.get("op").and_then(Value::as_u64) {
        Some(0) => Frame::Dispatch(Dispatch {
            kind: field("/t").unwrap_or_default(),
            seq: frame.get("s").and_then(Value::as_u64),
            session: field("/d/session_id"),
            resume_url: field("/d/resume_gateway_url"),
        }),
        Some(1) => Frame::Heartbeat,
        Some(7) => Frame::Reconnect,
        Some(9) => Frame::Invalid { resumable: frame.get("d") == Some(&Value::Bool(true)) },
        Some(10) => {
            let interval = frame.pointer("/d/heartbeat_interval").and_then(Value::as_u64).filter(|ms| *ms > 0);
            Frame::Hello(interval.map(|ms| Duration::from_millis(ms.clamp(100, 600_000))))
        }
        Some(11) => Frame::Answered,
        Some(_) | None => Frame::Other,
    })
}

/// A dispatch with a mark of its session beside what it says; none where it is no object. The mark holds letters and
/// digits only. It stands last, because of a key that stands twice the last one counts.
#[must_use]
pub fn marked(text: &str, mark: &str) -> Option<String> {
    let rest = text.trim_end().strip_suffix('}')?;
    Some(format!("{rest},\"session\":\"{mark}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_the_session_is_ours() {
        let marked =
            marked("{\"op\":0,\"t\":\"MESSAGE_CREATE\",\"session\":\"theirs\"} \n", "0a1b").expect("an object");
        let read: Value = serde_json::from_str(&marked).expect("JSON");
        assert_eq!((read["session"].as_str(), read["op"].as_u64()), (Some("0a1b"), Some(0)));
    }
}
