//! One call of Slack's Web API, and what its answer means.
//!
//! Slack says most refusals with status 200 and an error word; [`WORDS`] is what they mean.
//! What holds: the bucket is waited for and shut on a 429; a call that may have been done is
//! never said to have failed, unless doing it twice is the same as once; no failure repeats a
//! secret, even where Slack's answer does.

use std::time::Duration;

use operations::text::cut;
use serde_json::Value;

use super::limits::{Method, Verb};
use crate::chat::pace::{NoRoom, Pace};
use crate::chat::{Called, Failure, Refused};
use crate::clock::SharedClock;
use crate::http::{Answered, Broken, exchange, retry_after};
use crate::redact;
use crate::secret::Secret;

/// The longest that a call waits for room in its bucket before it is put back.
const PACE_LIMIT: Duration = Duration::from_secs(60);

/// Makes calls.
pub(super) struct Caller {
    /// Without a slash at its end: `https://slack.com/api`.
    pub(super) api_url: String,
    pub(super) http: reqwest::Client,
    pub(super) clock: SharedClock,
    pub(super) pace: Pace,
}

/// What an error word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// Not done, and may be later.
    Later,
    /// Some of it may have been done.
    Perhaps,
    /// Not done, and won't be.
    Never(Refused),
}

/// Slack's error words (from each method's page on docs.slack.dev). Any other word means that the call was wrong.
const WORDS: &[(&str, Means)] = &[
    ("ratelimited", Means::Later),
    ("rate_limited", Means::Later),
    ("service_unavailable", Means::Later),
    ("request_timeout", Means::Later),
    ("team_added_to_org", Means::Later),
    ("accesslimited", Means::Later),
    ("internal_error", Means::Perhaps),
    ("fatal_error", Means::Perhaps),
    ("invalid_auth", Means::Never(Refused::Token)),
    ("not_authed", Means::Never(Refused::Token)),
    ("account_inactive", Means::Never(Refused::Token)),
    ("token_revoked", Means::Never(Refused::Token)),
    ("token_expired", Means::Never(Refused::Token)),
    ("not_allowed_token_type", Means::Never(Refused::Token)),
    ("org_login_required", Means::Never(Refused::Token)),
    ("missing_scope", Means::Never(Refused::Forbidden)),
    ("no_permission", Means::Never(Refused::Forbidden)),
    ("access_denied", Means::Never(Refused::Forbidden)),
    ("not_in_channel", Means::Never(Refused::Forbidden)),
    ("user_not_in_channel", Means::Never(Refused::Forbidden)),
    ("restricted_action", Means::Never(Refused::Forbidden)),
    ("restricted_action_read_only_channel", Means::Never(Refused::Forbidden)),
    ("restricted_action_thread_only_channel", Means::Never(Refused::Forbidden)),
    ("restricted_action_non_threadable_channel", Means::Never(Refused::Forbidden)),
    ("not_authorized", Means::Never(Refused::Forbidden)),
    ("cant_update_message", Means::Never(Refused::Forbidden)),
    ("cannot_dm_bot", Means::Never(Refused::Forbidden)),
    ("cant_archive_general", Means::Never(Refused::Forbidden)),
    ("user_disabled", Means::Never(Refused::Forbidden)),
    ("user_is_restricted", Means::Never(Refused::Forbidden)),
    ("channel_not_found", Means::Never(Refused::Gone)),
    ("is_archived", Means::Never(Refused::Gone)),
    ("is_inactive", Means::Never(Refused::Gone)),
    ("message_not_found", Means::Never(Refused::Gone)),
    ("thread_not_found", Means::Never(Refused::Gone)),
    ("user_not_found", Means::Never(Refused::Gone)),
    ("edit_window_closed", Means::Never(Refused::Gone)),
    ("expired_trigger_id", Means::Never(Refused::TooLate)),
    ("trigger_exchanged", Means::Never(Refused::Already)),
    ("exchanged_trigger_id", Means::Never(Refused::Already)),
    ("trigger_expired", Means::Never(Refused::TooLate)),
    ("expired_url", Means::Never(Refused::TooLate)),
    ("used_url", Means::Never(Refused::TooLate)),
    ("already_pinned", Means::Never(Refused::Already)),
    ("already_in_channel", Means::Never(Refused::Already)),
    ("already_archived", Means::Never(Refused::Already)),
    ("cant_invite_self", Means::Never(Refused::Already)),
    ("name_taken", Means::Never(Refused::Already)),
];

impl Caller {
    /// Calls `method`. `channel` picks the bucket where the method is limited by channel.
    pub(super) async fn call(
        &self,
        token: &Secret,
        method: &Method,
        channel: Option<&str>,
        arguments: &Value,
    ) -> Called<Value> {
        self.wait(method, channel).await?;
        let url = format!("{}/{}", self.api_url, method.name);
        let request = match method.verb {
            Verb::Get => self.http.get(url).query(&query(arguments)),
            Verb::Post => self
                .http
                .post(url)
                .header(reqwest::header::CONTENT_TYPE, "application/json; charset=utf-8")
                .body(arguments.to_string()),
        };
        let answered = match exchange(self.clock.as_ref(), request.bearer_auth(token.expose())).await {
            Ok(answered) => answered,
            Err(broken) => return Err(from_broken(method, broken)),
        };
        let trigger = arguments.get("trigger_id").and_then(Value::as_str).unwrap_or_default();
        let outcome = judge(method, &answered).map_err(|failure| failure.without(&[token.expose(), trigger]));
        if let Err(Failure::Transient { retry_after: Some(wait), .. }) = &outcome {
            tracing::warn!(
                method = method.name,
                seconds = wait.as_secs_f64(),
                "Slack asked to wait before the next call"
            );
            self.pace.shut(method.name, *wait);
        }
        outcome
    }

    async fn wait(&self, method: &Method, channel: Option<&str>) -> Called<()> {
        let no_room = |NoRoom(wait)| Failure::Transient {
            why: format!("{}: Slack's rate limit leaves no room", method.name),
            retry_after: Some(wait),
        };
        if let (Some(limit), Some(channel)) = (method.channel, channel) {
            self.pace.wait(&format!("{} {channel}", method.name), limit.kept, PACE_LIMIT).await.map_err(no_room)?;
        }
        // Last, because it is this one that a 429 shuts.
        self.pace.wait(method.name, method.figure.kept, PACE_LIMIT).await.map_err(no_room)
    }
}

/// Arguments as a query; nested ones as JSON.
fn query(arguments: &Value) -> Vec<(&str, String)> {
    let Some(arguments) = arguments.as_object() else { return Vec::new() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    arguments.iter().map(|(name, value)| (name.as_str(), text(value))).collect()
}

/// What a broken exchange means for `method`.
pub(super) fn from_broken(method: &Method, broken: Broken) -> Failure {
    match broken {
        Broken::NotSent(why) => Failure::Transient { why: format!("{}: {why}", method.name), retry_after: None },
        Broken::Lost(why) | Broken::TooLong(why) => perhaps(method, &why),
    }
}

/// It may have been done; where that makes no difference, it can be asked for again.
fn perhaps(method: &Method, why: &str) -> Failure {
    let why = format!("{}: {why}", method.name);
    if method.twice.is_harmless() { Failure::Transient { why, retry_after: None } } else { Failure::Unknown { why } }
}

/// What an answer means for `method`.
pub(super) fn judge(method: &Method, answered: &Answered) -> Called<Value> {
    let why = |what: &str| format!("{}: {what}", method.name);
    match answered.status {
        200..=299 => {}
        429 => {
            let wait = retry_after(&answered.headers);
            return Err(Failure::Transient { why: why("ratelimited"), retry_after: Some(wait) });
        }
        408 => return Err(Failure::Transient { why: why("status 408"), retry_after: None }),
        status @ (401 | 403) => {
            return Err(Failure::Permanent { why: why(&format!("status {status}")), kind: Refused::Token });
        }
        status @ 500.. => return Err(perhaps(method, &format!("status {status}"))),
        status => return Err(Failure::Permanent { why: why(&format!("status {status}")), kind: Refused::Malformed }),
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answered.body) else {
        return Err(perhaps(method, "the answer is not JSON"));
    };
    if body.get("ok") == Some(&Value::Bool(true)) {
        return Ok(body);
    }
    let Some(word) = body.get("error").and_then(Value::as_str) else {
        return Err(perhaps(method, "the answer is neither yes nor an error"));
    };
    Err(refusal(method, word, &body, answered))
}

fn refusal(method: &Method, word: &str, body: &Value, answered: &Answered) -> Failure {
    let word = word_of(word);
    let why = format!("{}: {word}{}", method.name, details(body));
    match meaning(word) {
        Means::Later => {
            let wait = word.contains("limited").then(|| retry_after(&answered.headers));
            Failure::Transient { why, retry_after: wait }
        }
        Means::Perhaps => perhaps(method, word),
        Means::Never(kind) => Failure::Permanent { why, kind },
    }
}

/// An error word or a reason, where it is one: whatever else may stand there is not repeated.
pub(super) fn word_of(told: &str) -> &str {
    let is_word = (1..=60).contains(&told.len()) && told.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word { told } else { "something that is no error word" }
}

fn meaning(word: &str) -> Means {
    WORDS.iter().find(|(known, _)| *known == word).map_or(Means::Never(Refused::Malformed), |(_, means)| *means)
}

/// Slack's own hints, such as the place in the blocks that it does not like.
fn details(body: &Value) -> String {
    let hints: Vec<&str> = body
        .pointer("/response_metadata/messages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .take(3)
        .collect();
    if hints.is_empty() { String::new() } else { format!(" ({})", cut(&redact::text(&hints.join("; ")), 300)) }
}

/// Whether a failure is this refusal.
pub(super) fn refused(failure: &Failure, kinds: &[Refused]) -> bool {
    matches!(failure, Failure::Permanent { kind, .. } if kinds.contains(kind))
}

/// Whether a failure carries this error word of Slack's.
pub(super) fn says(failure: &Failure, word: &str) -> bool {
    match failure {
        Failure::Permanent { why, .. } => why.split([' ', ';', '(']).any(|part| part == word),
        Failure::Transient { .. } | Failure::Unknown { .. } | Failure::Channel { .. } => false,
    }
}

/// That it is done already counts as done.
pub(super) fn already_is_done(outcome: Called<Value>) -> Called<()> {
    match outcome {
        Ok(_) => Ok(()),
        Err(failure) if refused(&failure, &[Refused::Already]) => Ok(()),
        Err(failure) => Err(failure),
    }
}
