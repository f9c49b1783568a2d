//! What the workspace tells about itself and about what people did.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// Somebody in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// `U…`.
    pub id: String,
    /// The name that others type after an `@`.
    pub name: String,
    /// The name in full.
    pub real_name: String,
    /// How they belong to the workspace.
    pub membership: Membership,
}

/// How somebody belongs to the workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// Like most.
    #[default]
    Member,
    /// In some channels alone ("multi-channel guest").
    Guest,
    /// Not any more.
    Deactivated,
}

/// What became of something that somebody typed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Typed {
    /// A message that everybody in the channel sees.
    Message {
        /// Its id.
        ts: String,
    },
    /// A slash command.
    Command {
        /// What became of it.
        outcome: Outcome,
    },
}

/// What became of a slash command.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// The app acknowledged it in time.
    Acked {
        /// The message that it answered with.
        payload: Option<Value>,
    },
    /// The person was told that it did not work.
    Refused {
        /// `operation_timeout`, `dispatch_failed` (the app is not connected), `not_a_command`,
        /// `not_in_threads`, or the error word for an answer that Slack could not show.
        error: String,
    },
}

/// What became of a form that somebody sent off.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Submitted {
    /// It closed.
    Closed,
    /// It stays open and shows what is wrong, by the block's id.
    Errors {
        /// By the block's id.
        errors: BTreeMap<String, String>,
    },
    /// It shows something else now.
    Updated {
        /// What it shows.
        view: Value,
    },
    /// Another form opened on top.
    Pushed {
        /// That form.
        view: Value,
    },
}

/// A call that the app made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// `chat.postMessage`; `response_url` for a response URL.
    pub method: String,
    /// When it came.
    pub at: Timestamp,
    /// The HTTP status of the answer; 0 where there was none.
    pub status: u16,
    /// What the answer says of itself.
    pub ok: bool,
    /// Slack's error word.
    pub error: Option<String>,
    /// The arguments. The token is not among them.
    pub body: Value,
}

/// Somebody was mentioned by the app so that Slack notifies them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// Where.
    pub channel: String,
    /// In which message.
    pub ts: String,
    /// `<!channel>`, `<@U1>` and the like.
    pub mention: String,
    /// The method by which the message was written.
    pub method: String,
}
