//! What came back, and what it means.
//!
//! What holds: what a service says about a refusal is told without secrets and in few characters; a wait that it names is
//! between a second and an hour.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, LINK, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::{Called, Failure, Refused, perhaps};
use crate::redact;
use crate::secret::Secret;

/// Whether an answer says nothing about what was asked, but about the service itself.
pub(super) fn is_trouble(reply: &Reply) -> bool {
    matches!(reply.status, 408 | 429 | 500..) || is_limit(reply)
}

/// GitHub's limits come as a 403 (docs.github.com, "Rate limits for the REST API").
fn is_limit(reply: &Reply) -> bool {
    reply.status == 403
        && (reply.headers.contains_key(RETRY_AFTER) || reply.header("x-ratelimit-remaining") == Some("0"))
}

/// So many characters of what the other side says about a refusal are told.
const SAID: usize = 200;

/// So many errors of a list, or fields that are wrong, are told.
const LISTED: usize = 3;

/// The longest wait for a limit to be lifted that is believed.
const LONGEST_WAIT: f64 = 3600.0;

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) service: &'static str,
    /// HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    pub(super) harmless: bool,
    pub(super) secrets: Vec<Secret>,
    pub(super) now: Timestamp,
    /// What is waited where a limit names no time.
    pub(super) usual_wait: Duration,
}

impl Reply {
    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON of this shape.
    ///
    /// # Errors
    /// It is something else. A call that does something may have done it all the same.
    pub fn json<T: DeserializeOwned>(&self) -> Called<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let at = format!("line {}, column {}", error.line(), error.column());
            perhaps(self.service, self.harmless, &format!("the answer (status {}) can't be read: {at}", self.status))
        })
    }

    /// What a status other than 2xx means.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let service = self.service;
        let why = format!("{service} answered {}{}", self.status, self.said());
        match self.status {
            429 => Failure::Transient { why, retry_after: Some(self.wait()) },
            // RFC 9110, section 10.2.3: a service that is not available may say until when.
            503 if self.harmless && self.headers.contains_key(RETRY_AFTER) => {
                Failure::Transient { why, retry_after: Some(self.wait()) }
            }
            403 if is_limit(self) => Failure::Transient { why, retry_after: Some(self.wait()) },
            408 | 500.. => perhaps(service, self.harmless, &format!("status {}{}", self.status, self.said())),
            401 => Failure::refused(Refused::Token, why),
            403 => Failure::refused(Refused::Forbidden, why),
            404 | 410 => Failure::refused(Refused::NotFound, why),
            409 | 412 => Failure::refused(Refused::Conflict, why),
            300..=399 => {
                let why = format!("{service} answered with a redirect ({}); none is followed", self.status);
                Failure::refused(Refused::Malformed, why)
            }
            _ => Failure::refused(Refused::Malformed, why),
        }
    }

    /// How long a limit asks to wait: `Retry-After` (seconds, or a moment as HTTP writes it: RFC 9110, section 10.2.3),
    /// else until `X-RateLimit-Reset` or `RateLimit-Reset`, which are seconds since 1970 at GitHub and GitLab. A reset is
    /// about its own limit alone: where that one has calls left, it was another (GitHub's secondary ones), which names no
    /// time, and the service's usual wait is waited.
    fn wait(&self) -> Duration {
        let within = |seconds: f64| Duration::from_secs_f64(seconds.clamp(1.0, LONGEST_WAIT));
        if let Some(told) = self.header(RETRY_AFTER.as_str()).map(str::trim) {
            if let Some(seconds) = told.parse::<f64>().ok().filter(|seconds| seconds.is_finite()) {
                return within(seconds);
            }
            let until = jiff::fmt::rfc2822::parse(told).ok().map(|at| at.timestamp().duration_since(self.now));
            return until.map_or(self.usual_wait, |wait| within(wait.as_secs_f64()));
        }
        for (remaining, reset) in
            [("x-ratelimit-remaining", "x-ratelimit-reset"), ("ratelimit-remaining", "ratelimit-reset")]
        {
            let number = |name: &str| self.header(name).and_then(|value| value.trim().parse::<f64>().ok());
            let reset = number(reset).filter(|reset| reset.is_finite());
            let has_calls_left = number(remaining).is_some_and(|remaining| remaining > 0.0);
            let Some(reset) = reset.filter(|_| !has_calls_left) else { continue };
            let now = self.now.as_duration().as_secs_f64();
            // A small number is a number of seconds (RFC draft "RateLimit header fields").
            return within(if reset < 1_000_000_000.0 { reset } else { reset - now });
        }
        self.usual_wait
    }

    /// A limit that a service tells by its words alone.
    #[must_use]
    pub fn limited(&self) -> Failure {
        let why = format!("{} answered {}{}", self.service, self.status, self.said());
        Failure::Transient { why, retry_after: Some(self.wait()) }
    }

    /// The other side's own words about a refusal, without secrets, as an ending of a sentence; empty if there are none.
    #[must_use]
    pub fn said(&self) -> String {
        let Ok(body) = serde_json::from_slice::<Value>(&self.body) else { return String::new() };
        let said = told(&body).join("; ");
        let secrets: Vec<&str> = self.secrets.iter().map(Secret::expose).collect();
        let said = redact::words(&said, &secrets);
        let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SAID).collect();
        if said.is_empty() { said } else { format!(": {said}") }
    }

    /// The address of the next page, where there is one (RFC 8288, `Link: <…>; rel="next"`).
    #[must_use]
    pub fn next_page(&self) -> Option<String> {
        for value in self.headers.get_all(LINK) {
            for link in value.to_str().unwrap_or_default().split(',') {
                let Some((address, parameters)) = link.trim().strip_prefix('<').and_then(|link| link.split_once('>'))
                else {
                    continue;
                };
                let is_next = |parameter: &str| {
                    let parameter = parameter.trim();
                    parameter.eq_ignore_ascii_case("rel=\"next\"") || parameter.eq_ignore_ascii_case("rel=next")
                };
                if parameters.split(';').any(is_next) {
                    return Some(address.to_owned());
                }
            }
        }
        None
    }
}

/// What services say is wrong, wherever they say it: a text, an object of fields with one text or several each
/// (`{"message":{"ref":["is missing"]}}`: GitLab, Buildbot), and besides it a list of errors (`{"errors":[…]}`: GitHub).
fn told(body: &Value) -> Vec<String> {
    let places = ["/message", "/Message", "/error/message", "/error_description", "/error", "/detail"];
    let whole = places.iter().filter_map(|place| body.pointer(place)).map(words).find(|words| !words.is_empty());
    let mut told: Vec<String> = whole.into_iter().collect();
    let errors = match body.get("errors") {
        Some(Value::Array(errors)) => errors.iter().map(words).filter(|words| !words.is_empty()).take(LISTED).collect(),
        Some(errors) => vec![words(errors)],
        None => Vec::new(),
    };
    for error in errors {
        if !error.is_empty() && !told.contains(&error) {
            told.push(error);
        }
    }
    told
}

/// The words of a text, of an error's object, or of an object of fields that are wrong.
fn words(value: &Value) -> String {
    match value {
        Value::String(words) => words.trim().to_owned(),
        Value::Object(fields) => {
            if let Some(said) = ["message", "detail", "title"].iter().find_map(|name| fields.get(*name)?.as_str()) {
                return said.trim().to_owned();
            }
            let field = |(field, words): (&String, &Value)| {
                let words: Vec<&str> = match words {
                    Value::Array(words) => words.iter().filter_map(Value::as_str).take(LISTED).collect(),
                    words => words.as_str().into_iter().collect(),
                };
                let words = words.join(", ");
                // `base` is Rails's word for the whole.
                let words = if field == "base" { words } else { format!("{field}: {words}") };
                Some(words).filter(|words| !words.is_empty() && !words.ends_with(": "))
            };
            fields.iter().filter_map(field).take(LISTED).collect::<Vec<_>>().join("; ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => String::new(),
    }
}
