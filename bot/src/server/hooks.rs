//! Webhooks: `POST /hooks/{source}`.
//!
//! In this order: is there such a source, is it the right one who sends (over the header,
//! in constant time), is the body small enough and is there room for it, does it come in
//! time, can it be read, is there room in the engine. Each answer is one sentence that says
//! what to mend, and each is counted. What holds: a sender that gives a delivery an
//! `Idempotency-Key` can send it again as often as it likes, for seven days.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use integrations::alerting::alertmanager;
use integrations::secret::Secret;
use operations::input::Input;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::Shared;
use super::body::{self, Unread};
use super::room::Room;
use crate::crash::{Crash, Point};
use crate::engine::{Engine, NotTaken, Request};
use crate::metrics::Metrics;

/// The header by which a sender names a delivery (draft-ietf-httpapi-idempotency-key-header).
const DELIVERY: &str = "idempotency-key";

/// The longest name of a delivery, in characters.
const LONGEST_DELIVERY: usize = 128;

/// A body from this size on is read while no other such is: what a parser makes of one can be many times its size.
const LARGE: usize = 64 * 1024;

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
    /// Room for bodies, shared by all sources.
    pub room: Room,
    /// Whose turn it is to have a large body parsed: one at a time.
    pub turn: Semaphore,
    /// Where to die, if anywhere.
    pub crash: Crash,
}

/// A source of webhooks.
pub struct Source {
    /// The digests of the tokens. Any of them lets it in: two, while one is being replaced.
    tokens: Vec<[u8; 32]>,
    max_body: usize,
    body_timeout: Duration,
}

impl Source {
    /// A source that these tokens let in, with bodies of at most `max_body` bytes that come within `body_timeout` of
    /// real time: what is slow is not the engine but the peer.
    #[must_use]
    pub fn new(bearer: &[Secret], max_body: usize, body_timeout: Duration) -> Source {
        let tokens = bearer.iter().map(|token| Sha256::digest(token.expose().as_bytes()).into()).collect();
        Source { tokens, max_body, body_timeout }
    }

    /// Whether the request carries one of the tokens.
    #[must_use]
    pub fn lets_in(&self, headers: &HeaderMap) -> bool {
        authorised(headers, &self.tokens)
    }
}

/// Marks the answer that says that a webhook is kept.
#[derive(Clone, Copy)]
pub(super) struct Kept;

/// Why a webhook was not taken.
enum Refused {
    Unknown,
    Unauthorised,
    Unread(Unread, usize, Duration),
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
            Refused::Unread(Unread::TooLarge, limit, _) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The body is larger than {limit} bytes. Send fewer alerts at once (Alertmanager: max_alerts)."),
            ),
            Refused::Unread(Unread::Slow, _, limit) => {
                (StatusCode::REQUEST_TIMEOUT, format!("The body took longer than {} seconds.", limit.as_secs()))
            }
            Refused::DiskFull => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Muster's disk is full. Nothing of this was kept; send it again later.".to_owned(),
            ),
            Refused::Unread(Unread::Compressed, ..) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is compressed. Send it as it is.".to_owned())
            }
            Refused::Unread(Unread::BrokeOff, ..) => (StatusCode::BAD_REQUEST, "The body broke off.".to_owned()),
            Refused::Bad(why) => (StatusCode::BAD_REQUEST, why),
            // Never 429: Alertmanager does not send again after it.
            Refused::Unread(Unread::NoRoom, ..) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too much is being sent at once. Nothing of this was kept; send it again.".to_owned(),
            ),
            Refused::Full => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too much is waiting. Nothing of this was kept; send it again.".to_owned(),
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
        Ok(words) => (StatusCode::OK, words.to_owned()),
        Err(refused) => refused.answer(),
    };
    // A name that anybody can make up is no label of a figure.
    let label = if known { source.as_str() } else { "unknown" };
    hooks.metrics.hook(label, status.as_u16());
    if !status.is_success() {
        tracing::info!(source = label, status = status.as_u16(), "A webhook was not taken: {words}");
    }
    let mut response = Response::new(format!("{words}\n"));
    if status.is_success() {
        response.extensions_mut().insert(Kept);
    }
    *response.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    let more = match status {
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        _ => None,
    };
    response.headers_mut().extend(more.map(|(name, value)| (name, header::HeaderValue::from_static(value))));
    response
}

impl Hooks {
    /// Takes a webhook; what to say once it is kept.
    async fn take(&self, name: &str, headers: &HeaderMap, body: Body) -> Result<&'static str, Refused> {
        let source = self.sources.get(name).ok_or(Refused::Unknown)?;
        if !source.lets_in(headers) {
            return Err(Refused::Unauthorised);
        }
        if self.full.load(Ordering::Relaxed) {
            return Err(Refused::DiskFull);
        }
        let key = delivery(headers)?;
        // Held until it is kept: what waits for the engine takes room as well.
        let mut place = self.room.place();
        let body = body::read(body, headers, source.max_body, source.body_timeout, &mut place);
        let body = body.await.map_err(|unread| Refused::Unread(unread, source.max_body, source.body_timeout))?;
        let turn = match body.size() {
            LARGE.. => self.turn.acquire().await.ok(),
            _ => None,
        };
        let body = body.join();
        let delivery = key.map(|key| format!("hook/{name}/{key}/{}", mark(&body)));
        let received = alertmanager::parse(name, &body).map_err(|bad| Refused::Bad(bad.to_string()))?;
        drop((turn, body));
        let request = Request { delivery, ..Request::new(Input::Alerts(received)) };
        let kept = self.engine.ask_now(request).await;
        if kept.is_ok() {
            self.crash.pass_or_stay(Point::HookReplyBefore).await;
        }
        match kept {
            Ok(kept) if kept.repeated => Ok("kept before"),
            Ok(_) => Ok("kept"),
            Err(NotTaken::Full) => Err(Refused::Full),
            Err(NotTaken::Stopped) => Err(Refused::Stopping),
        }
    }
}

/// Whether the request carries one of the tokens. Digests are compared, so that neither content nor length shows in the time.
fn authorised(headers: &HeaderMap, tokens: &[[u8; 32]]) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some(given) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return false };
    if !given.0.eq_ignore_ascii_case("bearer") {
        return false;
    }
    let given = Sha256::digest(given.1.trim().as_bytes());
    let matches =
        tokens.iter().fold(subtle::Choice::from(0), |found, token| found | given.as_slice().ct_eq(token.as_slice()));
    matches.into()
}

/// The name that the sender gave this delivery. The draft wants it in quotes; most senders leave them out.
fn delivery(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let mut values = headers.get_all(DELIVERY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let is_name = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',');
    let is_sound = (1..=LONGEST_DELIVERY).contains(&key.len()) && key.bytes().all(is_name);
    if !is_sound || values.next().is_some() {
        return Err(Refused::Bad(format!(
            "The header Idempotency-Key is no name of a delivery. Send one, of 1 to {LONGEST_DELIVERY} letters, digits and signs, such as a UUID."
        )));
    }
    Ok(Some(key))
}

/// A mark of the body: a key that was used for another body before, by a sender that makes no new ones, loses no alert.
fn mark(body: &[u8]) -> String {
    Sha256::digest(body).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
