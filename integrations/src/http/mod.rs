//! One HTTP exchange: sent once, read whole, bounded in time and size.
//!
//! Every call goes through [`exchange`]: those of the chats by their own callers, those of all other
//! services by [`api`]. [`public`] reads addresses that came in an answer. What holds: a failure says
//! whether anything can have reached the other side; no error holds an address, a token or a body.

pub mod api;
pub mod public;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::clock::{Clock, timeout};

/// How long one call may take from start to end.
pub const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The longest wait that a `Retry-After` is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What came back.
#[derive(Clone, Debug)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body: at most [`BODY_LIMIT`].
    pub body: Bytes,
}

/// Nothing whole came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No connection came about: the other side has seen nothing.
    NotSent(String),
    /// It may have been received and done.
    Lost(String),
    /// It was received, and the answer is longer than [`BODY_LIMIT`].
    TooLong(String),
}

/// Builds the client that every call goes through. It follows no redirects (a token must not
/// travel), asks for no compression and gives up connecting after 5 s.
///
/// # Errors
/// TLS could not be set up; [`crate::tls::install`] comes first.
#[expect(clippy::disallowed_methods, reason = "this is the one place where clients are built")]
pub fn http_client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .user_agent(concat!("Muster/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| format!("the HTTP client can't be built: {}", error.without_url()))
}

/// Builds a client like [`http_client`] that trusts the certificates of `ca_pem` and no others: for a service that has
/// its own certificate authority, as the API of a Kubernetes cluster has.
///
/// # Errors
/// `ca_pem` holds no certificate, or TLS could not be set up. The words are for the operator.
#[expect(clippy::disallowed_methods, reason = "the same client as above but for what it trusts")]
pub fn http_client_trusting(ca_pem: &[u8]) -> Result<reqwest::Client, String> {
    let certificates = reqwest::Certificate::from_pem_bundle(ca_pem)
        .map_err(|error| format!("the CA's certificates can't be read: {}", error.without_url()))?;
    if certificates.is_empty() {
        return Err("the CA's file holds no certificate (it must be PEM)".to_owned());
    }
    reqwest::Client::builder()
        .user_agent(concat!("Muster/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .tls_certs_only(certificates)
        .build()
        .map_err(|error| format!("the HTTP client can't be built: {}", error.without_url()))
}

/// Sends `request` and reads the whole answer within [`CALL_LIMIT`].
///
/// # Errors
/// See [`Broken`].
pub async fn exchange(clock: &dyn Clock, request: reqwest::RequestBuilder) -> Result<Answered, Broken> {
    match timeout(clock, CALL_LIMIT, read(request)).await {
        Ok(done) => done,
        Err(late) => Err(Broken::Lost(late.to_string())),
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<Answered, Broken> {
    let mut response = request.send().await.map_err(broken)?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(Broken::TooLong(format!("the answer is longer than {BODY_LIMIT} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answered { status, headers, body: body.freeze() })
}

fn broken(error: reqwest::Error) -> Broken {
    let connect = error.is_connect();
    let builder = error.is_builder();
    let error = error.without_url();
    // The innermost cause says most ("Connection refused"); the outer ones say "error sending request".
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if connect {
        Broken::NotSent(format!("no connection: {cause}"))
    } else if builder {
        Broken::NotSent(format!("the request can't be built: {cause}"))
    } else {
        Broken::Lost(format!("the connection broke: {cause}"))
    }
}

/// How long a 429 asks to wait: `Retry-After` in whole or broken seconds. Without a usable one it is
/// a second; never less than a second, never more than an hour.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Duration {
    let told = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite())
        .unwrap_or(1.0);
    Duration::from_secs_f64(told.clamp(1.0, LONGEST_WAIT.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_every_form() {
        let cases = [
            (Some("30"), 30.0),
            (Some("2.5"), 2.5),
            (Some("0"), 1.0),
            (Some("-4"), 1.0),
            (Some("NaN"), 1.0),
            (Some("Wed, 21 Oct 2026 07:28:00 GMT"), 1.0),
            (Some("86400"), 3600.0),
            (None, 1.0),
        ];
        for (value, seconds) in cases {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(RETRY_AFTER, value.parse().expect("a header value"));
            }
            assert_eq!(retry_after(&headers), Duration::from_secs_f64(seconds), "{value:?}");
        }
    }
}
