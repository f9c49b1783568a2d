//! The entrance of the Web API: tokens, arguments, rate limits, ordered faults, and the log.
//!
//! What holds: every answer has status 200 and JSON unless a limit or a fault says otherwise;
//! every call is logged, without its token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method as Verb, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::limits::{METHODS, Method, Tier, TooMany};
use super::refusal::{Answer, Args, Refusal};
use super::{REQUESTS, Request, Slack};
use crate::faults::CallFault;

/// Error words that mean that the app made a mistake, as they begin.
const MALFORMED: &[&str] = &[
    "unknown_method",
    "invalid_",
    "not_authed",
    "not_allowed_token_type",
    "no_text",
    "msg_",
    "too_long",
    "too_many_",
    "metadata_",
    "view_too_large",
    "json_not_object",
    "missing_",
];

/// How an answer leaves.
enum Out {
    Json(u16, Value, Option<u64>),
    Html,
    Cut(Value),
    Status(u16),
    Dropped,
    Never,
}

/// Answers a call.
pub(super) async fn call(
    State(slack): State<Arc<Slack>>,
    verb: Verb,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let read = read(&verb, query.as_deref(), &headers, &body);
    let out = slack.answer(&name, &verb, read, &headers);
    out.into_response(&slack).await
}

impl Slack {
    fn answer(&self, name: &str, verb: &Verb, read: Result<(Args, bool), Refusal>, headers: &HeaderMap) -> Out {
        let (args, is_json, trouble) = match read {
            Ok((args, is_json)) => (args, is_json, None),
            Err(refusal) => (Args::default(), false, Some(refusal)),
        };
        let logged = Value::Object(args.0.clone());
        let method = METHODS.iter().find(|method| method.name == name);
        let key = key(name, &args);
        let now = self.now();
        let shut = self.lock().limiter.is_shut(&key, now);
        if let Some(too_many) = shut {
            return self.log(name, logged, limited(too_many));
        }
        let fault = self.faults.take(name);
        if let Some(out) = fault.as_ref().and_then(|fault| self.before(&key, fault)) {
            return self.log(name, logged, out);
        }
        let answer = match (trouble, method) {
            (Some(refusal), _) => Err(refusal),
            (None, None) => {
                Err(Refusal { more: Some(Box::new(("req_method", json!(name)))), ..Refusal::from("unknown_method") })
            }
            (None, Some(method)) => match self.allowed(method, &key, headers) {
                Ok(()) => self.work(method, verb, args, is_json),
                Err(Stop::Refused(refusal)) => Err(refusal),
                Err(Stop::TooMany(too_many)) => return self.log(name, logged, limited(too_many)),
            },
        };
        let body = match answer {
            Ok(mut body) => {
                body["ok"] = json!(true);
                body
            }
            Err(refusal) => {
                self.note(name, &refusal);
                refusal.body()
            }
        };
        let out = match fault {
            Some(CallFault::HangAfterWork) => Out::Never,
            Some(CallFault::DropAfterWork) => Out::Dropped,
            Some(CallFault::StatusAfterWork { status }) => Out::Status(status),
            Some(CallFault::CutBodyAfterWork) => Out::Cut(body),
            Some(_) | None => Out::Json(200, body, None),
        };
        self.log(name, logged, out)
    }

    /// What a fault does instead of the work.
    fn before(&self, key: &str, fault: &CallFault) -> Option<Out> {
        match fault {
            CallFault::Status { status } => Some(Out::Status(*status)),
            CallFault::RateLimited { retry_after, global: _ } => {
                self.lock().limiter.shut(key, *retry_after, self.now());
                Some(limited(TooMany { retry_after: *retry_after }))
            }
            CallFault::Refuse { error } => Some(Out::Json(200, json!({ "ok": false, "error": error }), None)),
            CallFault::Hang => Some(Out::Never),
            CallFault::Html => Some(Out::Html),
            CallFault::BareNotOk => Some(Out::Json(200, json!({ "ok": false }), None)),
            CallFault::Drop => Some(Out::Dropped),
            CallFault::Pass
            | CallFault::HangAfterWork
            | CallFault::DropAfterWork
            | CallFault::StatusAfterWork { .. }
            | CallFault::CutBodyAfterWork => None,
        }
    }

    fn allowed(&self, method: &Method, key: &str, headers: &HeaderMap) -> Result<(), Stop> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
        let (renewed, is_revoked) = {
            let state = self.lock();
            (state.renewed, state.is_token_revoked)
        };
        let bot_token = if renewed == 0 { self.bot_token.clone() } else { format!("{}{renewed}", self.bot_token) };
        let opens = method.name == "apps.connections.open";
        let word = match token {
            "" => Some("not_authed"),
            token if token == bot_token && is_revoked => Some("token_revoked"),
            token if token == bot_token => opens.then_some("not_allowed_token_type"),
            token if token == self.app_token => (!opens).then_some("not_allowed_token_type"),
            _ => Some("invalid_auth"),
        };
        if let Some(word) = word {
            return Err(Stop::Refused(word.into()));
        }
        if self.rate_limits {
            self.lock().limiter.count(key, method.tier, self.now()).map_err(Stop::TooMany)?;
        }
        Ok(())
    }

    fn work(&self, method: &Method, verb: &Verb, args: Args, is_json: bool) -> Answer {
        let name = method.name;
        if *verb == Verb::GET && !method.reads {
            self.lock().unexpected.push(format!("{name}: called by GET"));
        }
        let known = |key: &str| method.required.contains(&key) || method.optional.contains(&key);
        for key in args.0.keys().filter(|key| !known(key)) {
            self.lock().unexpected.push(format!("{name}: unknown argument {key}"));
        }
        // A method that reads no JSON sees none of what stands in it.
        let args = if is_json && !method.takes_json { Args::default() } else { args };
        let missing = |key: &&&str| args.0.get(**key).is_none_or(|value| value.is_null() || value == "");
        // A topic may be emptied; all else that is required must say something.
        let missing: Vec<String> = method
            .required
            .iter()
            .filter(missing)
            .filter(|key| !(matches!(**key, "topic" | "purpose") && args.0.contains_key(**key)))
            .map(|key| format!("[ERROR] missing required field: {key}"))
            .collect();
        if !missing.is_empty() {
            return Err(Refusal { messages: missing, ..Refusal::from("invalid_arguments") });
        }
        self.run(name, &args)
    }

    /// Notes a refusal that is the app's mistake.
    pub(super) fn note(&self, name: &str, refusal: &Refusal) {
        if MALFORMED.iter().any(|begin| refusal.error.starts_with(begin)) {
            let details = refusal.messages.join("; ");
            self.lock().unexpected.push(format!("{name}: {} {details}", refusal.error).trim_end().to_owned());
        }
    }

    fn log(&self, name: &str, body: Value, out: Out) -> Out {
        let (status, answer) = match &out {
            Out::Json(status, body, _) => (*status, Some(body)),
            Out::Cut(body) => (200, Some(body)),
            Out::Html => (200, None),
            Out::Status(status) => (*status, None),
            Out::Dropped | Out::Never => (0, None),
        };
        let ok = status == 200 && answer.is_some_and(|body| body["ok"] == true);
        let error = answer.and_then(|body| body["error"].as_str()).map(str::to_owned);
        self.remember(Request { method: name.to_owned(), at: self.now(), status, ok, error, body });
        out
    }

    /// Logs a call.
    pub(super) fn remember(&self, request: Request) {
        let requests = &mut self.lock().requests;
        requests.push_back(request);
        if requests.len() > REQUESTS {
            requests.pop_front();
        }
    }

    /// What a fault does to a response URL: the answer instead of the work, or what to do after it.
    pub(super) async fn upset_response(&self, fault: &CallFault) -> Option<Response> {
        match self.before("response_url", fault) {
            Some(out) => Some(out.into_response(self).await),
            None => None,
        }
    }

    /// What is answered after the work that a fault lets happen.
    pub(super) async fn upset_after(&self, fault: &CallFault) -> Option<Response> {
        let out = match fault {
            CallFault::HangAfterWork => Out::Never,
            CallFault::DropAfterWork => Out::Dropped,
            CallFault::StatusAfterWork { status } => Out::Status(*status),
            // What is answered to a response URL is `ok`.
            CallFault::CutBodyAfterWork => return Some(plain(200, "text/html", "o".to_owned())),
            _ => return None,
        };
        Some(out.into_response(self).await)
    }
}

/// Why a call is not worked on.
enum Stop {
    Refused(Refusal),
    TooMany(TooMany),
}

impl Out {
    async fn into_response(self, slack: &Slack) -> Response {
        if *slack.cut.borrow() {
            return dropped();
        }
        match self {
            Out::Json(status, body, retry_after) => {
                let mut response = plain(status, "application/json; charset=utf-8", body.to_string());
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                response
            }
            Out::Html => plain(200, "text/html; charset=utf-8", "<!DOCTYPE html><title>Slack</title>".to_owned()),
            Out::Cut(body) => {
                let body = body.to_string();
                let half = (0..=body.len() / 2).rev().find(|place| body.is_char_boundary(*place)).unwrap_or(0);
                plain(200, "application/json; charset=utf-8", body[..half].to_owned())
            }
            Out::Status(status) => plain(status, "text/plain", String::new()),
            Out::Dropped => dropped(),
            Out::Never => {
                // Ends when the client goes away, or with everything else.
                slack.is_cut().await;
                dropped()
            }
        }
    }
}

/// A body that breaks at once, which makes the server drop the connection before it has sent anything.
pub(super) fn dropped() -> Response {
    let broken = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("dropped on order")) });
    Response::new(Body::from_stream(broken))
}

/// An answer of one piece.
pub(super) fn plain(status: u16, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

fn limited(too_many: TooMany) -> Out {
    Out::Json(429, json!({ "ok": false, "error": "ratelimited" }), Some(too_many.retry_after))
}

/// What a call's limit is counted by.
fn key(name: &str, args: &Args) -> String {
    let posting = METHODS.iter().any(|method| method.name == name && method.tier == Tier::Posting);
    if posting { format!("{name} {}", args.word("channel")) } else { name.to_owned() }
}

/// Reads the arguments; true where they came as JSON.
fn read(verb: &Verb, query: Option<&str>, headers: &HeaderMap, body: &Bytes) -> Result<(Args, bool), Refusal> {
    let mut all = Map::new();
    pairs(query.unwrap_or_default().as_bytes(), &mut all);
    if *verb != Verb::POST || body.is_empty() {
        return Ok((Args(all), false));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" => {
            let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::from("invalid_json"))?;
            let Value::Object(body) = body else { return Err("json_not_object".into()) };
            all.extend(body);
            Ok((Args(all), true))
        }
        "application/x-www-form-urlencoded" => {
            pairs(body, &mut all);
            Ok((Args(all), false))
        }
        "" => Err("missing_post_type".into()),
        _ => Err("invalid_post_type".into()),
    }
}

fn pairs(text: &[u8], all: &mut Map<String, Value>) {
    for (key, value) in url::form_urlencoded::parse(text) {
        if key != "token" {
            all.insert(key.into_owned(), Value::String(value.into_owned()));
        }
    }
}
