//! One call of Discord's REST API, and what its answer means.
//!
//! [`CODES`] is what Discord's JSON error codes mean. What holds: nothing is sent to a bucket
//! before it has room; a 429 shuts the bucket it names, or all of them where it is global; a
//! call that may have been done is never said to have failed, unless twice is the same as once;
//! no failure repeats a secret, even where Discord's answer does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use operations::text::cut;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, USER_AGENT};
use serde_json::Value;

use super::limits::{CAREFUL, GLOBAL, Route, Verb, is_apart};
use super::refusals::{Pass, Refusals};
use crate::chat::pace::{NoRoom, Pace};
use crate::chat::{Failure, Refused};
use crate::clock::SharedClock;
use crate::http::{Answered, Broken, exchange, retry_after};
use crate::redact;
use crate::secret::Secret;

/// The longest that a call waits for room in its bucket before it is put back.
const PACE_LIMIT: Duration = Duration::from_secs(60);
/// The longest wait that an answer is believed.
const LONGEST_WAIT: f64 = 3600.0;
/// The form that Discord asks for; others may be turned away by what stands before it.
const AGENT: &str = concat!("DiscordBot (", env!("CARGO_PKG_REPOSITORY"), ", ", env!("CARGO_PKG_VERSION"), ")");
/// What stands unchanged in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// How many routes' buckets are remembered.
const BUCKETS: usize = 200;

/// Makes calls. Clones share their limits and what was refused.
#[derive(Clone)]
pub(super) struct Caller {
    /// Without a slash at its end: `https://discord.com/api/v10`.
    api_url: String,
    pub(super) token: Secret,
    http: reqwest::Client,
    pub(super) clock: SharedClock,
    pace: Arc<Pace>,
    pub(super) refusals: Arc<Refusals>,
    /// The bucket of each route, as the headers named it.
    buckets: Arc<Mutex<HashMap<&'static str, String>>>,
}

/// A call that did not bring what was asked for, with Discord's own code where it gave one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: Option<i64>,
    pub(super) failure: Failure,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        problem.failure
    }
}

impl Problem {
    /// Whether it is a refusal of this kind.
    pub(super) fn is(&self, wanted: Refused) -> bool {
        matches!(&self.failure, Failure::Permanent { kind, .. } if *kind == wanted)
    }
}

/// What an error code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// Not done, and may be later.
    Later,
    /// Not done, and won't be.
    Never(Refused),
}

/// Discord's JSON error codes (reference, "Opcodes and Status Codes"). Any other is judged by its status.
const CODES: &[(i64, Means)] = &[
    (10003, Means::Never(Refused::Gone)),
    (10004, Means::Never(Refused::Forbidden)),
    (10007, Means::Never(Refused::Gone)),
    (10008, Means::Never(Refused::Gone)),
    (10013, Means::Never(Refused::Gone)),
    (10015, Means::Never(Refused::TooLate)),
    (10062, Means::Never(Refused::TooLate)),
    (20016, Means::Later),
    (20028, Means::Later),
    (20029, Means::Later),
    (30003, Means::Never(Refused::Forbidden)),
    (30013, Means::Never(Refused::Forbidden)),
    (30034, Means::Never(Refused::Forbidden)),
    (40001, Means::Never(Refused::Token)),
    (40002, Means::Never(Refused::Token)),
    (40060, Means::Never(Refused::Already)),
    (40062, Means::Later),
    (40333, Means::Never(Refused::Malformed)),
    (50001, Means::Never(Refused::Forbidden)),
    (50003, Means::Never(Refused::Forbidden)),
    (50005, Means::Never(Refused::Forbidden)),
    (50007, Means::Never(Refused::Forbidden)),
    (50013, Means::Never(Refused::Forbidden)),
    (50014, Means::Never(Refused::Token)),
    (50021, Means::Never(Refused::Forbidden)),
    (50027, Means::Never(Refused::TooLate)),
    (50083, Means::Never(Refused::Gone)),
    (50278, Means::Never(Refused::Forbidden)),
    (130_000, Means::Later),
    (160_005, Means::Never(Refused::Forbidden)),
    (200_000, Means::Never(Refused::Forbidden)),
    (240_000, Means::Never(Refused::Forbidden)),
];

impl Caller {
    pub(super) fn new(api_url: &str, token: Secret, http: reqwest::Client, clock: SharedClock) -> Caller {
        Caller {
            api_url: api_url.trim_end_matches('/').to_owned(),
            token,
            http,
            pace: Arc::new(Pace::new(clock.clone())),
            refusals: Arc::default(),
            clock,
            buckets: Arc::default(),
        }
    }

    /// Calls `route` with `ids` in its places.
    pub(super) async fn call(
        &self,
        route: &Route,
        ids: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Problem> {
        let major = ids.get(..route.major()).unwrap_or_default().join(" ");
        let bucket = self.bucket(route, &major);
        self.wait(route, &bucket).await?;
        let url = format!("{}{}", self.api_url, fill(route.path, ids));
        let mut request = match route.verb {
            Verb::Get => self.http.get(url),
            Verb::Post => self.http.post(url),
            Verb::Put => self.http.put(url),
            Verb::Patch => self.http.patch(url),
        };
        request = request.header(USER_AGENT, AGENT);
        if route.as_bot {
            request = request.header(AUTHORIZATION, format!("Bot {}", self.token.expose()));
        }
        if !query.is_empty() {
            request = request.query(query);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        } else if matches!(route.verb, Verb::Put | Verb::Post) {
            request = request.header(reqwest::header::CONTENT_LENGTH, "0");
        }
        let answered = exchange(self.clock.as_ref(), request).await.map_err(|broken| from_broken(route, broken))?;
        self.heed(route, &major, &bucket, &answered);
        // An interaction's token stands in the path like an id; ids themselves are digits.
        let is_secret = |id: &&&str| !id.bytes().all(|byte| byte.is_ascii_digit());
        let secrets: Vec<&str> = ids.iter().filter(is_secret).copied().chain([self.token.expose()]).collect();
        judge(route, &answered).map_err(|problem| Problem { failure: problem.failure.without(&secrets), ..problem })
    }

    /// The name of the bucket: Discord's own where it has told one.
    fn bucket(&self, route: &Route, major: &str) -> String {
        if is_apart(route) {
            return format!("{} apart {major}", route.name);
        }
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = buckets.get(route.name);
        format!("{} {major}", known.map_or(route.name, String::as_str))
    }

    async fn wait(&self, route: &Route, bucket: &str) -> Result<(), Problem> {
        let no_room = |NoRoom(wait)| {
            let why = format!("{}: Discord's rate limit leaves no room", route.name);
            Problem { code: None, failure: Failure::Transient { why, retry_after: Some(wait) } }
        };
        self.pace.wait(bucket, route.figure.kept, PACE_LIMIT).await.map_err(no_room)?;
        // A person waits for an answer, and each can be given once: those go out in any case.
        if !route.as_bot {
            return Ok(());
        }
        self.pace.wait("global", GLOBAL, PACE_LIMIT).await.map_err(no_room)?;
        match self.refusals.pass(self.clock.now()) {
            Pass::Freely => Ok(()),
            Pass::Carefully => self.pace.wait("careful", CAREFUL.1, PACE_LIMIT).await.map_err(no_room),
            Pass::NotFor(wait) => {
                let why = format!("{}: held back, because Discord has refused too many calls", route.name);
                Err(Problem { code: None, failure: Failure::Transient { why, retry_after: Some(wait) } })
            }
        }
    }

    /// Learns from an answer's headers how the bucket stands.
    fn heed(&self, route: &Route, major: &str, bucket: &str, answered: &Answered) {
        if Refusals::is_one(answered.status, text(&answered.headers, "x-ratelimit-scope")) {
            self.refusals.note(self.clock.now());
        }
        let mut bucket = bucket.to_owned();
        if let Some(name) = text(&answered.headers, "x-ratelimit-bucket").filter(|name| name.len() < 100) {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            if buckets.len() < BUCKETS && !is_apart(route) {
                buckets.insert(route.name, name.to_owned());
                bucket = format!("{name} {major}");
            }
        }
        if answered.status == 429 {
            let (wait, global) = told_wait(answered);
            tracing::warn!(
                route = route.name,
                seconds = wait.as_secs_f64(),
                global,
                "Discord asked to wait before the next call"
            );
            self.pace.shut(if global { "global" } else { &bucket }, wait);
        } else if text(&answered.headers, "x-ratelimit-remaining") == Some("0")
            && let Some(wait) = text(&answered.headers, "x-ratelimit-reset-after").and_then(seconds)
        {
            self.pace.shut(&bucket, wait);
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite())?;
    Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_WAIT)))
}

/// How long a 429 asks to wait, and whether for all calls. The longer of header and body is obeyed.
fn told_wait(answered: &Answered) -> (Duration, bool) {
    let body: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    let in_body = body.get("retry_after").and_then(Value::as_f64).unwrap_or_default();
    let in_body = Duration::from_secs_f64(in_body.clamp(0.0, LONGEST_WAIT));
    let marked = text(&answered.headers, "x-ratelimit-global").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let scoped = text(&answered.headers, "x-ratelimit-scope") == Some("global");
    // One that is not Discord's own JSON comes from what stands before it and is about the address as a whole.
    let global = marked || scoped || body.get("global") == Some(&Value::Bool(true)) || !body.is_object();
    (retry_after(&answered.headers).max(in_body), global)
}

/// The path with each `{}` replaced by an id. Ids can come from outside, so nothing in them can lead elsewhere.
fn fill(path: &str, ids: &[&str]) -> String {
    let mut filled = String::with_capacity(path.len() + 40);
    let mut ids = ids.iter();
    let mut parts = path.split("{}");
    filled.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let id = ids.next().copied().unwrap_or_default();
        // A dot alone would be taken for a folder; no id is one.
        let id = if id.chars().all(|c| c == '.') { "0" } else { id };
        filled.extend(utf8_percent_encode(id, PATH));
        filled.push_str(part);
    }
    filled
}

fn from_broken(route: &Route, broken: Broken) -> Problem {
    match broken {
        Broken::NotSent(why) => {
            let failure = Failure::Transient { why: format!("{}: {why}", route.name), retry_after: None };
            Problem { code: None, failure }
        }
        Broken::Lost(why) | Broken::TooLong(why) => perhaps(route, &why),
    }
}

/// It may have been done; where that makes no difference, it can be asked for again.
fn perhaps(route: &Route, why: &str) -> Problem {
    let why = format!("{}: {why}", route.name);
    let failure = if route.twice.is_harmless() {
        Failure::Transient { why, retry_after: None }
    } else {
        Failure::Unknown { why }
    };
    Problem { code: None, failure }
}

/// What an answer means for `route`. Null where Discord answers with nothing (204).
fn judge(route: &Route, answered: &Answered) -> Result<Value, Problem> {
    let status = answered.status;
    let body = serde_json::from_slice::<Value>(&answered.body).ok();
    match status {
        204 => return Ok(Value::Null),
        200..=299 => {
            return body
                .filter(|body| body.is_object() || body.is_array())
                .ok_or_else(|| perhaps(route, "the answer is not JSON"));
        }
        429 => {
            let (wait, _) = told_wait(answered);
            let why = format!("{}: rate limited", route.name);
            return Err(Problem { code: None, failure: Failure::Transient { why, retry_after: Some(wait) } });
        }
        408 | 500.. => return Err(perhaps(route, &format!("status {status}"))),
        _ => {}
    }
    let Some(body) = body.filter(Value::is_object) else {
        let why = format!("{}: status {status} without a reason", route.name);
        // Not from Discord itself but from what stands before it.
        let failure = match status {
            401 if route.as_bot => Failure::Permanent { why, kind: Refused::Token },
            403 | 401 => Failure::Transient { why, retry_after: None },
            _ => Failure::Permanent { why, kind: Refused::Malformed },
        };
        return Err(Problem { code: None, failure });
    };
    let code = body.get("code").and_then(Value::as_i64).unwrap_or_default();
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
    let why = format!("{}: {code} {}{}", route.name, cut(&redact::text(message), 120), details(&body));
    let means = CODES.iter().find(|(known, _)| *known == code).map(|(_, means)| *means);
    let failure = match (means, status) {
        (Some(Means::Later), _) => Failure::Transient { why, retry_after: None },
        (Some(Means::Never(kind)), _) => Failure::Permanent { why, kind },
        (None, 401) => Failure::Permanent { why, kind: if route.as_bot { Refused::Token } else { Refused::TooLate } },
        (None, 403) => Failure::Permanent { why, kind: Refused::Forbidden },
        (None, _) => Failure::Permanent { why, kind: Refused::Malformed },
    };
    Err(Problem { code: Some(code), failure })
}

/// Discord's own hints, such as the field that it does not like and why.
fn details(body: &Value) -> String {
    let mut hints = Vec::new();
    if let Some(errors) = body.get("errors") {
        collect(errors, "", 0, &mut hints);
    }
    if hints.is_empty() { String::new() } else { format!(" ({})", cut(&hints.join("; "), 300)) }
}

fn collect(errors: &Value, path: &str, depth: usize, hints: &mut Vec<String>) {
    let Some(map) = errors.as_object().filter(|_| depth < 10) else { return };
    for (key, value) in map {
        if hints.len() >= 3 {
            return;
        }
        if key == "_errors" {
            let code = value.pointer("/0/code").and_then(Value::as_str).unwrap_or("?");
            hints.push(format!("{path}: {code}"));
        } else {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            collect(value, &inner, depth + 1, hints);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::discord::limits::{EDIT, FOLLOW_UP, POST};

    fn answered(status: u16, body: &str) -> Answered {
        Answered { status, headers: HeaderMap::new(), body: bytes::Bytes::copy_from_slice(body.as_bytes()) }
    }

    #[tokio::test]
    async fn routes_that_the_headers_put_into_one_bucket_share_it_for_each_channel() {
        crate::tls::install();
        let clock = crate::clock::ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        let http = crate::http::http_client().expect("a client");
        let caller = Caller::new("http://127.0.0.1:1", Secret::new("t"), http, Arc::new(clock.clone()));
        let told = |left: &str| {
            let mut told = answered(200, "{}");
            for (name, value) in [("bucket", "b1"), ("remaining", left), ("reset-after", "4.5")] {
                let name: reqwest::header::HeaderName = format!("x-ratelimit-{name}").parse().expect("a name");
                told.headers.insert(name, value.parse().expect("a value"));
            }
            told
        };
        caller.heed(&EDIT, "7", &caller.bucket(&EDIT, "7"), &told("3"));
        caller.heed(&POST, "7", &caller.bucket(&POST, "7"), &told("0"));
        let at = |route: &Route, channel: &str| {
            let bucket = caller.bucket(route, channel);
            caller.pace.take(&bucket, route.figure.kept, jiff::Timestamp::MAX).expect("there is no hurry")
        };
        let reset = Some(crate::clock::after(jiff::Timestamp::UNIX_EPOCH, Duration::from_secs_f64(4.5)));
        assert_eq!((at(&POST, "7"), at(&EDIT, "7")), (reset, reset), "the last place of both was taken");
        assert_eq!((at(&POST, "8"), at(&EDIT, "8")), (None, None), "another channel has its own");
    }

    #[test]
    fn an_id_from_outside_cannot_lead_elsewhere() {
        assert_eq!(
            fill("/channels/{}/messages/{}", &["../../users", "1?x=1#"]),
            "/channels/..%2F..%2Fusers/messages/1%3Fx%3D1%23"
        );
        assert_eq!(fill("/channels/{}", &[".."]), "/channels/0");
    }

    #[test]
    fn what_may_have_been_done_is_not_said_to_have_failed() {
        for (status, body) in [(500, ""), (502, "<html>"), (200, "<html>"), (200, "{\"id\":"), (200, "\"ok\"")] {
            let of = |route| judge(route, &answered(status, body)).expect_err("a failure").failure;
            assert!(matches!(of(&POST), Failure::Unknown { .. }), "{status} {body}");
            assert!(matches!(of(&EDIT), Failure::Transient { .. }), "{status} {body}");
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let cases = [
            (401, json!({"message": "401: Unauthorized", "code": 0}), Refused::Token),
            (404, json!({"message": "Unknown Message", "code": 10008}), Refused::Gone),
            (403, json!({"message": "Missing Permissions", "code": 50013}), Refused::Forbidden),
            (404, json!({"message": "Unknown interaction", "code": 10062}), Refused::TooLate),
            (400, json!({"message": "Interaction has already been acknowledged.", "code": 40060}), Refused::Already),
            (400, json!({"message": "new", "code": 999_999}), Refused::Malformed),
        ];
        for (status, body, kind) in cases {
            assert!(judge(&POST, &answered(status, &body.to_string())).expect_err("refused").is(kind), "{body}");
        }
        let expired = json!({"message": "401: Unauthorized", "code": 0}).to_string();
        assert!(judge(&FOLLOW_UP, &answered(401, &expired)).expect_err("refused").is(Refused::TooLate));
    }

    #[test]
    fn a_wrong_field_is_named() {
        let body = json!({"message": "Invalid Form Body", "code": 50035,
            "errors": {"embeds": {"0": {"description": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "…"}]}}}}});
        let problem = judge(&POST, &answered(400, &body.to_string())).expect_err("refused");
        assert!(problem.failure.to_string().ends_with("(embeds.0.description: BASE_TYPE_MAX_LENGTH)"));
    }

    #[test]
    fn the_longer_wait_is_obeyed() {
        let mut told = answered(429, r#"{"retry_after": 64.57, "global": false}"#);
        told.headers.insert("retry-after", "2".parse().expect("a header"));
        assert_eq!(told_wait(&told), (Duration::from_secs_f64(64.57), false));
        assert_eq!(told_wait(&answered(429, "")), (Duration::from_secs(1), true));
        assert!(told_wait(&answered(429, r#"{"retry_after": 1, "global": true}"#)).1);
    }
}
