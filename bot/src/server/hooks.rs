//! Webhooks: `POST /hooks/{source}`.
//!
//! In this order: is there such a source, is it the right one who sends (over the header,
//! in constant time), is the body small enough, can it be read, is there room. Each answer
//! is one sentence that says what to mend, and each is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use futures_util::StreamExt;
use integrations::alerting::alertmanager;
use integrations::secret::Secret;
use operations::input::Input;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Shared;
use crate::engine::{Engine, NotTaken, Request};
use crate::metrics::Metrics;

/// How long a sender may take for its body, in real time: what is slow is not the engine but the peer.
const SLOWEST: Duration = Duration::from_secs(10);

/// How much more than the largest body is read before the connection is given up, in bytes.
const THROWN_AWAY: usize = 8 * 1024 * 1024;

/// Takes webhooks.
pub struct Hooks {
    /// The sources by name.
    pub sources: BTreeMap<String, Source>,
    /// Where what they say goes.
    pub engine: Engine,
    /// Where they are counted.
    pub metrics: Metrics,
    /// Whether the disk is full, so that nothing is taken.
    pub full: Arc<AtomicBool>,
}

/// A source of webhooks.
pub struct Source {
    /// Any of these lets it in: two, while one is being replaced.
    pub bearer: Vec<Secret>,
    /// The largest body in bytes.
    pub max_body: usize,
}

/// Why a webhook was not taken.
enum Refused {
    Unknown,
    Unauthorised,
    TooLarge(usize),
    Slow,
    Bad(String),
    Full,
    DiskFull,
    Stopping,
}

impl Refused {
    fn answer(self) -> (StatusCode, String) {
        match self {
            Refused::Unknown => (
                StatusCode::NOT_FOUND,
                "There is no such source. Sources are the [hooks.…] sections of muster.toml.".to_owned(),
            ),
            Refused::Unauthorised => (
                StatusCode::UNAUTHORIZED,
                "The bearer token is missing or wrong. Send \"Authorization: Bearer …\" with this source's token."
                    .to_owned(),
            ),
            Refused::TooLarge(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The body is larger than {limit} bytes. Send fewer alerts at once (Alertmanager: max_alerts)."),
            ),
            Refused::Slow => (StatusCode::REQUEST_TIMEOUT, "The body took longer than 10 seconds.".to_owned()),
            Refused::Bad(why) => (StatusCode::BAD_REQUEST, why),
            Refused::Full => {
                // Never 429: Alertmanager does not send again after it.
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Too much is waiting. Nothing of this was kept; send it again.".to_owned(),
                )
            }
            Refused::DiskFull => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Muster's disk is full. Nothing of this was kept; send it again later.".to_owned(),
            ),
            Refused::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Muster is stopping. Nothing of this is promised; send it again.".to_owned(),
            ),
        }
    }
}

/// `POST /hooks/{source}`.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response<String> {
    let hooks = &shared.hooks;
    let known = hooks.sources.contains_key(&source);
    let (status, words) = match hooks.take(&source, &headers, body).await {
        Ok(()) => (StatusCode::OK, "kept".to_owned()),
        Err(refused) => refused.answer(),
    };
    // A name that anybody can make up is no label of a figure.
    let label = if known { source.as_str() } else { "unknown" };
    hooks.metrics.hook(label, status.as_u16());
    if !status.is_success() {
        tracing::info!(source = label, status = status.as_u16(), "A webhook was not taken: {words}");
    }
    let mut response = Response::new(format!("{words}\n"));
    *response.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

impl Hooks {
    async fn take(&self, name: &str, headers: &HeaderMap, body: Body) -> Result<(), Refused> {
        let source = self.sources.get(name).ok_or(Refused::Unknown)?;
        if !authorised(headers, &source.bearer) {
            return Err(Refused::Unauthorised);
        }
        if self.full.load(Ordering::Relaxed) {
            return Err(Refused::DiskFull);
        }
        let body = read(body, headers, source.max_body).await?;
        let received = alertmanager::parse(name, &body).map_err(|bad| Refused::Bad(bad.to_string()))?;
        match self.engine.ask_now(Request::new(Input::Alerts(received))).await {
            Ok(_) => Ok(()),
            Err(NotTaken::Full) => Err(Refused::Full),
            Err(NotTaken::Stopped) => Err(Refused::Stopping),
        }
    }
}

/// Whether the request carries one of the tokens. Digests are compared, so that neither content nor length shows in the time.
fn authorised(headers: &HeaderMap, tokens: &[Secret]) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some(given) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return false };
    if !given.0.eq_ignore_ascii_case("bearer") {
        return false;
    }
    let given = Sha256::digest(given.1.trim().as_bytes());
    let matches = tokens.iter().fold(subtle::Choice::from(0), |found, token| {
        found | given.as_slice().ct_eq(Sha256::digest(token.expose().as_bytes()).as_slice())
    });
    matches.into()
}

async fn read(body: Body, headers: &HeaderMap, limit: usize) -> Result<Vec<u8>, Refused> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Refused::Bad("The body is compressed. Send it as it is.".to_owned()));
    }
    let told = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let collect = async {
        let mut bytes = Vec::with_capacity(told.unwrap_or(4096).min(limit));
        let mut size = 0;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refused::Bad("The body broke off.".to_owned()))?;
            size += chunk.len();
            // A sender that is still writing would not see the answer, so a little more than fits is read and thrown away.
            if size > limit.saturating_add(THROWN_AWAY) {
                return Err(Refused::TooLarge(limit));
            }
            if size <= limit {
                bytes.extend_from_slice(&chunk);
            }
        }
        if size > limit { Err(Refused::TooLarge(limit)) } else { Ok(bytes) }
    };
    tokio::time::timeout(SLOWEST, collect).await.unwrap_or(Err(Refused::Slow))
}
