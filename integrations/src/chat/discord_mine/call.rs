//! One call of Discord's REST API, and what its answer means.
//!
//! Discord refuses with a status and a code in JSON; [`CODES`] is what the codes mean. What
//! holds: the bucket is waited for, and shut as long as the answer's headers say; a call
//! that may have been done is never said to have failed, unless doing it twice is the same.

use std::time::Duration;

use operations::text::cut;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use super::limits::{GLOBAL, Route};
use crate::chat::http::{Answered, Broken, exchange, retry_after};
use crate::chat::pace::Pace;
use crate::chat::{Called, Failure, Refused};
use crate::clock::{SharedClock, timeout};
use crate::secret::Secret;

/// The longest that a call waits for room in its bucket before it is put back.
const PACE_LIMIT: Duration = Duration::from_secs(60);

/// Discord wants to know who calls (reference, "User Agent").
const USER_AGENT: &str =
    concat!("DiscordBot (https://github.com/muster-chatops/muster, ", env!("CARGO_PKG_VERSION"), ")");

/// What Discord's JSON error codes mean (its documentation, "JSON Error Codes"). Any other means that the call was wrong.
const CODES: &[(u64, Refused)] = &[
    (10003, Refused::Gone),      // Unknown channel.
    (10004, Refused::Forbidden), // Unknown guild: the bot was thrown out.
    (10007, Refused::Gone),      // Unknown member.
    (10008, Refused::Gone),      // Unknown message.
    (10013, Refused::Gone),      // Unknown user.
    (10015, Refused::TooLate),   // Unknown webhook: the interaction's 15 minutes are over.
    (10062, Refused::TooLate),   // Unknown interaction: its three seconds are over.
    (30003, Refused::Forbidden), // Too many pins.
    (30013, Refused::Forbidden), // Too many channels.
    (40060, Refused::Already),   // The interaction was answered already.
    (50001, Refused::Forbidden), // Missing access.
    (50005, Refused::Forbidden), // Somebody else's message.
    (50007, Refused::Forbidden), // This person takes no direct messages.
    (50013, Refused::Forbidden), // Missing permissions.
    (50027, Refused::TooLate),   // The interaction's token is over.
    (50083, Refused::Gone),      // The thread is archived.
];

/// Makes calls.
pub(super) struct Caller {
    /// Without a slash at its end: `https://discord.com/api/v10`.
    pub(super) api_url: String,
    pub(super) token: Secret,
    pub(super) http: reqwest::Client,
    pub(super) clock: SharedClock,
    pub(super) pace: Pace,
}

impl Caller {
    /// Calls a route with its parameters. A body of a GET goes into the query.
    pub(super) async fn call(&self, route: &Route, parameters: &[&str], body: Option<&Value>) -> Called<Value> {
        let bucket = format!("{} {} {}", route.verb, route.path, parameters.first().unwrap_or(&""));
        self.wait(route, &bucket).await?;
        let mut request = self.http.request(route.verb.clone(), format!("{}/{}", self.api_url, path(route, parameters)));
        request = request.header(reqwest::header::USER_AGENT, USER_AGENT);
        if route.is_bot {
            request = request.header(reqwest::header::AUTHORIZATION, format!("Bot {}", self.token.expose()));
        }
        request = match body {
            Some(query) if route.verb == Method::GET => request.query(&pairs(query)),
            Some(body) => request.json(body),
            None => request,
        };
        let answered = match exchange(self.clock.as_ref(), request).await {
            Ok(answered) => answered,
            Err(Broken::NotSent(why)) => return Err(Failure::Transient { why: named(route, &why), retry_after: None }),
            Err(Broken::Lost(why)) => return Err(perhaps(route, &why)),
        };
        self.heed(&bucket, &answered);
        judge(route, &answered)
    }

    async fn wait(&self, route: &Route, bucket: &str) -> Called<()> {
        let both = async {
            self.pace.wait(bucket, route.limit).await;
            if route.is_bot {
                self.pace.wait("global", GLOBAL).await;
            }
        };
        timeout(self.clock.as_ref(), PACE_LIMIT, both)
            .await
            .map_err(|_| Failure::Transient { why: named(route, "Discord's rate limit left no room"), retry_after: None })
    }

    /// Shuts the bucket as long as the answer says: after a 429, and when the last place was taken.
    fn heed(&self, bucket: &str, answered: &Answered) {
        let header = |name: &str| answered.headers.get(name).and_then(|value| value.to_str().ok());
        if answered.status == 429 {
            let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
            let global = body["global"].as_bool() == Some(true) || header("x-ratelimit-global").is_some();
            let wait = wait_of(answered);
            tracing::warn!(bucket, global, seconds = wait.as_secs_f64(), "Discord asked to wait before the next call");
            self.pace.shut(if global { "global" } else { bucket }, wait);
            return;
        }
        let left = header("x-ratelimit-remaining").and_then(|left| left.parse::<u64>().ok());
        let reset = header("x-ratelimit-reset-after").and_then(|reset| reset.parse::<f64>().ok());
        if let (Some(0), Some(reset)) = (left, reset.filter(|reset| (0.0..3600.0).contains(reset))) {
            self.pace.shut(bucket, Duration::from_secs_f64(reset));
        }
    }
}

/// How long a 429 asks to wait: the body's figure is the finest, the header is in whole seconds.
fn wait_of(answered: &Answered) -> Duration {
    let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    let told = body["retry_after"].as_f64().filter(|seconds| seconds.is_finite() && (0.0..=3600.0).contains(seconds));
    let header = answered.headers.contains_key(reqwest::header::RETRY_AFTER);
    match told {
        Some(seconds) if header => Duration::from_secs_f64(seconds).max(Duration::from_millis(50)),
        Some(seconds) => Duration::from_secs_f64(seconds).max(Duration::from_secs(1)),
        None => retry_after(&answered.headers),
    }
}

/// The path with its parameters put in, each encoded.
fn path(route: &Route, parameters: &[&str]) -> String {
    let mut parts = route.path.split("{}");
    let mut path = parts.next().unwrap_or_default().to_owned();
    for (part, parameter) in parts.zip(parameters) {
        path.extend(utf8_percent_encode(parameter, NON_ALPHANUMERIC));
        path.push_str(part);
    }
    path
}

fn pairs(query: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    query.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn named(route: &Route, why: &str) -> String {
    format!("{} {}: {why}", route.verb, route.path)
}

/// It may have been done; where that makes no difference, it can be asked for again.
fn perhaps(route: &Route, why: &str) -> Failure {
    let why = named(route, why);
    if route.repeatable { Failure::Transient { why, retry_after: None } } else { Failure::Unknown { why } }
}

fn judge(route: &Route, answered: &Answered) -> Called<Value> {
    let status = answered.status;
    match status {
        204 => return Ok(Value::Null),
        200..=299 => {
            return serde_json::from_slice(&answered.body).map_err(|_| perhaps(route, "the answer is not JSON"));
        }
        429 => {
            let retry_after = Some(wait_of(answered));
            return Err(Failure::Transient { why: named(route, "rate limited"), retry_after });
        }
        408 => return Err(Failure::Transient { why: named(route, "status 408"), retry_after: None }),
        500.. => return Err(perhaps(route, &format!("status {status}"))),
        _ => {}
    }
    let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    let code = body["code"].as_u64().unwrap_or_default();
    let kind = CODES.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind);
    let kind = match (kind, status) {
        (Some(kind), _) => kind,
        (None, 401) => Refused::Token,
        (None, 403) => Refused::Forbidden,
        (None, 404) => Refused::Gone,
        (None, _) => Refused::Malformed,
    };
    let message = cut(body["message"].as_str().unwrap_or("no reason given"), 120);
    let details = match &body["errors"] {
        Value::Null => String::new(),
        errors => format!(" {}", cut(&errors.to_string(), 300)),
    };
    Err(Failure::Permanent { why: named(route, &format!("{status} {code} {message}{details}")), kind })
}

#[cfg(test)]
mod tests {
    use super::super::limits::{CALLBACK, EDIT_MESSAGE};
    use super::*;

    #[test]
    fn parameters_can_not_leave_their_place() {
        assert_eq!(path(&EDIT_MESSAGE, &["1", "../../x?y"]), "channels/1/messages/%2E%2E%2F%2E%2E%2Fx%3Fy");
        assert_eq!(path(&CALLBACK, &["1", "t/k"]), "interactions/1/t%2Fk/callback");
    }
}
