//! The REST API: every call goes through [`answer`].
//!
//! In this order: an ordered fault, the user agent, what is accepted, the version, the token, the limit, the route, the
//! work. What holds: a refused call does no work; every call is logged without its token.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::faults::{Fault, Limit};
use super::refusal::Answer;
use super::routes::{NoRoute, Route};
use super::state::{HOURLY, State as Known};
use super::{Shared, calls};

/// The largest body that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Versions of the API (docs.github.com, "API Versions").
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// A call with everything that its work needs.
pub(super) struct Call {
    pub(super) route: Route,
    /// The path as it was sent, for addresses of further pages.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Value,
    pub(super) version: String,
}

impl Call {
    /// A value of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What came, taken apart.
struct Came {
    verb: String,
    path: String,
    query: String,
    headers: HeaderMap,
    bytes: bytes::Bytes,
}

/// Answers a call of the API.
pub(super) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let came = Came {
        verb: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        bytes: to_bytes(body, LARGEST).await.unwrap_or_default(),
    };
    let prefix = shared.with(|state| state.prefix.clone());
    let below = came.path.strip_prefix(&prefix).filter(|rest| rest.starts_with('/')).unwrap_or("").to_owned();
    let route = Route::of(&came.verb, &below);
    let is_log = came.path.starts_with("/_logs/");
    let name = match &route {
        _ if is_log => "GET /_logs/{job_id}".to_owned(),
        Ok(route) => route.name.clone(),
        Err(_) => format!("{} {}", came.verb, came.path),
    };
    let fault = shared.faults.take(&name, &came.bytes);
    if let Some(Fault::Stall { seconds }) = &fault {
        stall(&shared, *seconds).await;
    }
    let answer = match &fault {
        Some(Fault::Reset) => None,
        Some(Fault::Status { status }) => Some(page(*status)),
        Some(Fault::Html) => Some(page(200)),
        Some(Fault::Limit(limit)) => Some(shared.with(|state| limited(state, limit))),
        _ if is_log => Some(shared.with(|state| {
            let range = came.headers.get(header::RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            respond(state, calls::log_file(state, &came.path, &came.query, range), None)
        })),
        _ => Some(shared.with(|state| work(state, &came, route, fault.as_ref()))),
    };
    let answer = match &fault {
        Some(Fault::DropAfterWork) => None,
        Some(Fault::StatusAfterWork { status }) => Some(page(*status)),
        Some(Fault::StallAfterWork { seconds }) => {
            stall(&shared, *seconds).await;
            answer
        }
        _ => answer,
    };
    shared.with(|state| {
        let request = super::Request {
            at: state.now,
            route: name,
            path: came.path.clone(),
            query: came.query.clone(),
            body: serde_json::from_slice(&came.bytes).unwrap_or(Value::Null),
            authorized: came.headers.contains_key(header::AUTHORIZATION),
            status: answer.as_ref().map_or(0, |response| response.status().as_u16()),
        };
        state.log(request);
    });
    shared.version.send_modify(|version| *version += 1);
    answer.unwrap_or_else(|| broken(b""))
}

/// Waits so long on the sandbox's clock, but not longer than the server lives.
async fn stall(shared: &Shared, seconds: u32) {
    let until = shared.time.now() + SignedDuration::from_secs(i64::from(seconds));
    let mut ended = shared.ended.subscribe();
    tokio::select! {
        () = shared.time.sleep_until(until) => {}
        _ = ended.wait_for(|ended| *ended) => {}
    }
}

/// Judges a call and does its work.
fn work(state: &mut Known, came: &Came, route: Result<Route, NoRoute>, fault: Option<&Fault>) -> Response {
    let answer = match judge(state, came, route) {
        Ok(call) => match calls::call(state, &call) {
            Ok(answer) | Err(answer) => answer,
        },
        Err(refusal) => refusal,
    };
    if answer.malformed {
        state.unexpected.push(format!("{} {}: {} {}", came.verb, came.path, answer.status, answer.body));
    }
    respond(state, answer, fault)
}

/// What a call asks for, or why it is refused before anything is looked at.
fn judge(state: &mut Known, came: &Came, route: Result<Route, NoRoute>) -> Result<Call, Answer> {
    let text = |name: HeaderName| came.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text(header::USER_AGENT).is_empty() {
        let words = "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.\r\n";
        return Err(Answer { malformed: true, ..Answer::text(403, words.to_owned()) });
    }
    let accept = text(header::ACCEPT);
    if accept.is_empty() || accept == "*/*" {
        state.unexpected.push(format!("{} {}: no Accept header", came.verb, came.path));
    } else if !["application/vnd.github+json", "application/vnd.github.v3+json", "application/json"].contains(&accept) {
        let words = format!("Unsupported 'Accept' header: '{accept}'. Must accept 'application/json'.");
        return Err(Answer::malformed(415, &words));
    }
    let version = text(HeaderName::from_static("x-github-api-version"));
    if version.is_empty() {
        state.unexpected.push(format!("{} {}: no X-GitHub-Api-Version header", came.verb, came.path));
    } else if !VERSIONS.contains(&version) {
        return Err(Answer::malformed(400, &format!("Unsupported API version: {version}")));
    }
    let given = text(header::AUTHORIZATION);
    let token = given.strip_prefix("Bearer ").or_else(|| given.strip_prefix("token "));
    match token {
        Some(token) if token == state.token => {}
        Some(_) => return Err(Answer::refusal(401, "Bad credentials")),
        None => return Err(Answer::malformed(401, "Requires authentication")),
    }
    if state.rate.used >= HOURLY {
        let answer = Answer::refusal(403, "API rate limit exceeded for user ID 1.");
        return Err(answer);
    }
    state.rate.used += 1;
    let route = match route {
        Ok(route) => route,
        Err(NoRoute::Path | NoRoute::Verb) => return Err(Answer { malformed: true, ..Answer::not_found() }),
    };
    let body = if came.bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&came.bytes).map_err(|_| Answer::malformed(400, "Problems parsing JSON"))?
    };
    if !body.is_null() && !body.is_object() {
        return Err(Answer::malformed(400, "Body should be a JSON object"));
    }
    if came.verb == "GET" && !body.is_null() {
        state.unexpected.push(format!("{} {}: a body", came.verb, came.path));
    }
    let version = if version.is_empty() { VERSIONS[0] } else { version };
    Ok(Call { route, path: came.path.clone(), query: pairs(&came.query), body, version: version.to_owned() })
}

/// An answer with the headers that every answer has.
fn respond(state: &Known, answer: Answer, fault: Option<&Fault>) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match (answer.text, answer.body) {
        (Some(text), _) => (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        (None, Value::Null) => status.into_response(),
        (None, body) => {
            let mut bytes = body.to_string().into_bytes();
            if fault == Some(&Fault::CutAfterWork) {
                bytes.truncate(bytes.len() / 2);
            }
            (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], bytes).into_response()
        }
    };
    let left = HOURLY.saturating_sub(state.rate.used);
    let mut headers = vec![
        ("x-ratelimit-limit", HOURLY.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-used", state.rate.used.to_string()),
        ("x-ratelimit-reset", state.rate.resets.as_second().to_string()),
        ("x-ratelimit-resource", "core".to_owned()),
        ("x-github-media-type", "github.v3; format=json".to_owned()),
    ];
    headers.extend(answer.headers);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A limit that was ordered.
fn limited(state: &Known, limit: &Limit) -> Response {
    let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    match limit {
        Limit::Primary { status, resets_in } => {
            let resets = state.now.as_second() + resets_in;
            let answer = Answer::refusal(*status, "API rate limit exceeded for user ID 1.")
                .header("x-ratelimit-remaining", "0".to_owned())
                .header("x-ratelimit-reset", resets.to_string());
            respond(state, answer, None)
        }
        Limit::Secondary { status, retry_after } => {
            let mut answer = Answer::refusal(*status, secondary);
            if let Some(seconds) = retry_after {
                answer = answer.header("retry-after", seconds.to_string());
            }
            respond(state, answer, None)
        }
    }
}

/// A page of HTML, as GitHub's front answers when what is behind it does not.
fn page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, [(header::CONTENT_TYPE, "text/html")], "<html><body>Unicorn!</body></html>").into_response()
}

/// A response whose body breaks off, and the connection with it.
fn broken(start: &'static [u8]) -> Response {
    let parts = [Ok(bytes::Bytes::from_static(start)), Err(std::io::Error::other("dropped on order"))];
    Response::new(Body::from_stream(futures_util::stream::iter(parts)))
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}
