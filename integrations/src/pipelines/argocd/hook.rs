//! What Argo CD's notifications send: that something happened to an application.
//!
//! The body is whatever the operator's template says, so it is believed no further than this: which application to
//! look at. What holds: nothing of it is read before the token was compared, in constant time.
//!
//! As set up (argo-cd.readthedocs.io, "Notifications", "Webhook"):
//!
//! ```yaml
//! service.webhook.muster: |
//!   url: https://muster.example.com/pipelines/argo
//!   headers:
//!   - name: Authorization
//!     value: Bearer $muster-token
//! template.muster: |
//!   webhook:
//!     muster:
//!       method: POST
//!       body: '{"application": {{toJson .app.metadata.name}}}'
//! ```

use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::wire::is_name;
use crate::secret::Secret;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It carries no token, or another one. Answer 401.
    #[error("the request carries no token that is known")]
    Token,
    /// It can't be read. Answer 400.
    #[error("{0}")]
    Malformed(String),
}

#[derive(Deserialize)]
struct Body {
    application: String,
}

/// The name of the application that a request is about. Any of `tokens` is taken, so that they can be changed without
/// a gap; an empty one never is.
///
/// # Errors
/// See [`Rejected`].
pub fn hook(tokens: &[Secret], headers: &HeaderMap, body: &[u8]) -> Result<String, Rejected> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (sent.next(), sent.next()) else { return Err(Rejected::Token) };
    let (scheme, token) = only.to_str().ok().and_then(|it| it.split_once(' ')).ok_or(Rejected::Token)?;
    let token = token.trim().as_bytes();
    let mut known = false;
    for secret in tokens.iter().filter(|secret| !secret.expose().is_empty()) {
        known |= bool::from(secret.expose().as_bytes().ct_eq(token));
    }
    if !known || !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rejected::Token);
    }
    let read: Result<Body, serde_json::Error> = serde_json::from_slice(body);
    let Ok(Body { application }) = read else {
        return Err(Rejected::Malformed("the body must be JSON with the text `application`".to_owned()));
    };
    if !is_name(&application) {
        return Err(Rejected::Malformed("`application` is no name of an application".to_owned()));
    }
    Ok(application)
}
