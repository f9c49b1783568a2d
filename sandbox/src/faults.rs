//! What can be made to go wrong, on order.
//!
//! A fault is ordered for the next N calls of a method, or for a platform's socket.
//! The platforms look here before and after they do the work of a call.

use std::collections::HashMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// What happens to a call instead of, or after, its work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum CallFault {
    /// Answers this status without doing the work.
    Status {
        /// HTTP status.
        status: u16,
    },
    /// Answers 429 without doing the work, in the platform's own form.
    RateLimited {
        /// Seconds in `Retry-After`.
        retry_after: u64,
        /// Discord: whether it is the global limit.
        #[serde(default)]
        global: bool,
    },
    /// Answers a platform error (Slack: `ok:false` and this error; Discord: this JSON code with status 400).
    Refuse {
        /// Slack's error word, or Discord's JSON error code in digits.
        error: String,
    },
    /// Nothing goes wrong: lets a call pass before the next fault.
    Pass,
    /// Drops the connection without an answer; does not do the work.
    Drop,
    /// Never answers; does not do the work.
    Hang,
    /// Does the work, then never answers.
    HangAfterWork,
    /// Does the work, then drops the connection without an answer.
    DropAfterWork,
    /// Does the work, then answers this status.
    StatusAfterWork {
        /// HTTP status.
        status: u16,
    },
    /// Answers 200 with a page of HTML; does not do the work.
    Html,
    /// Slack: answers `{"ok":false}` with no error word.
    BareNotOk,
    /// Answers 200 with a JSON body cut in the middle, after the work.
    CutBodyAfterWork,
}

/// What happens to a platform's socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum SocketFault {
    /// Closes every open socket now; without a code where none is given.
    Close {
        /// WebSocket close code.
        code: Option<u16>,
    },
    /// Drops the TCP connection of every open socket now, without a close frame.
    Drop,
    /// The next N socket handshakes are accepted by TCP and never answered.
    HangHandshake {
        /// How many.
        times: u32,
    },
    /// The next N socket handshakes answer this HTTP status.
    RefuseHandshake {
        /// How many.
        times: u32,
        /// HTTP status.
        status: u16,
    },
    /// The next N sockets are opened and say no hello.
    NoHello {
        /// How many.
        times: u32,
    },
    /// The next N sockets are closed with this code right after hello.
    CloseAfterHello {
        /// How many.
        times: u32,
        /// WebSocket close code; none for a close frame without one.
        code: Option<u16>,
    },
    /// Asks the bot to reconnect (Slack `disconnect` with this reason, Discord op 7).
    AskReconnect {
        /// Slack: `refresh_requested`, `warning`, `link_disabled`…
        #[serde(default)]
        reason: String,
    },
    /// Discord: the next N resumes are refused (op 9, `d: false`).
    RefuseResume {
        /// How many.
        times: u32,
    },
    /// Discord: sends op 9 with this `d` on every open socket now.
    InvalidSession {
        /// Whether the session may be resumed.
        resumable: bool,
    },
    /// Discord: stops acknowledging heartbeats (true) or starts again (false).
    IgnoreHeartbeats {
        /// On or off.
        on: bool,
    },
    /// Stops reading from and writing to open sockets (true); a half-open peer. Slack: pings stop too.
    Freeze {
        /// On or off.
        on: bool,
    },
    /// Sends this text as a frame on every open socket, whatever it is.
    Frame {
        /// The frame's text.
        text: String,
    },
    /// Slack: the next N envelopes are each sent twice, under the same id.
    Twice {
        /// How many.
        times: u32,
    },
    /// Discord: READY carries this `resume_gateway_url` from now on; empty for the true one.
    ResumeUrl {
        /// The address.
        url: String,
    },
}

/// Faults ordered for calls, by method.
///
/// A method is Slack's name (`chat.postMessage`) or Discord's verb and route
/// (`POST /channels/{channel.id}/messages`). `*` stands for every method.
#[derive(Default)]
pub struct CallFaults {
    ordered: Mutex<HashMap<String, Vec<CallFault>>>,
}

impl CallFaults {
    /// Orders a fault for the next `times` calls of `method`, after those already ordered.
    pub fn order(&self, method: &str, times: usize, fault: &CallFault) {
        let mut ordered = self.ordered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        ordered.entry(method.to_owned()).or_default().extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// Takes the fault for this call, if one was ordered.
    pub fn take(&self, method: &str) -> Option<CallFault> {
        let mut ordered = self.ordered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for key in [method, "*"] {
            if let Some(faults) = ordered.get_mut(key)
                && !faults.is_empty()
            {
                return Some(faults.remove(0));
            }
        }
        None
    }

    /// How many were ordered and have not happened.
    pub fn left(&self) -> usize {
        self.ordered.lock().unwrap_or_else(std::sync::PoisonError::into_inner).values().map(Vec::len).sum()
    }

    /// Takes back everything that was ordered and has not happened.
    pub fn clear(&self) {
        self.ordered.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }
}
