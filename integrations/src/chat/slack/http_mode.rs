//! Requests that Slack sends, where Socket Mode is not used.
//!
//! What holds: nothing of a request is read before its signature was checked, not even a
//! challenge; a request older than five minutes is refused, so it can't be played again.

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value};
use slack_morphism::SlackSigningSecret;
use slack_morphism::signature_verifier::{SlackEventSignatureVerifier, SlackEventSignatureVerifierError};

use super::inbound::{Identity, Parsed, command, event, interaction};
use crate::secret::Secret;

/// How far the time of a request may be from now, in seconds.
const TOLERANCE: i64 = 300;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It was not signed with the signing secret, or too long ago. Answer 401.
    #[error("the request is not signed as Slack signs")]
    Signature,
    /// It was signed, but can't be read. Answer 400.
    #[error("{0}")]
    Malformed(String),
}

/// What a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Slack checks the address: answer with this text.
    Challenge(String),
    /// Something that people did, or nothing to act upon.
    Parsed(Parsed),
}

/// Checks and reads a request of any of the three kinds: command, interaction, event.
///
/// # Errors
/// See [`Rejected`].
pub fn receive(
    secret: &Secret,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
    bot: &Identity,
) -> Result<Heard, Rejected> {
    let body = verified(secret, headers, body, now)?;
    read(headers, body, bot).map_err(Rejected::Malformed)
}

fn verified<'a>(secret: &Secret, headers: &HeaderMap, body: &'a [u8], now: Timestamp) -> Result<&'a str, Rejected> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Rejected::Signature);
    let signature = header(SlackEventSignatureVerifier::SLACK_SIGNED_HASH_HEADER)?;
    let timestamp = header(SlackEventSignatureVerifier::SLACK_SIGNED_TIMESTAMP)?;
    let body = std::str::from_utf8(body).map_err(|_| Rejected::Signature)?;
    // Before the verifier sees it, because that one reckons without care for overflow.
    let signed: i64 = timestamp.parse().map_err(|_| Rejected::Signature)?;
    let distance = now.as_second().checked_sub(signed).and_then(i64::checked_abs).ok_or(Rejected::Signature)?;
    if distance > TOLERANCE {
        return Err(Rejected::Signature);
    }
    let verifier = SlackEventSignatureVerifier::new(&SlackSigningSecret(secret.expose().to_owned()));
    match verifier.verify(signature, body, timestamp) {
        // The verifier checks the signature first, then the age by the machine's clock; by ours it is young enough.
        Ok(()) | Err(SlackEventSignatureVerifierError::IncorrectOrExpiredTimestampError(_)) => Ok(body),
        Err(_) => Err(Rejected::Signature),
    }
}

fn read(headers: &HeaderMap, body: &str, bot: &Identity) -> Result<Heard, String> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let callback: Value = serde_json::from_str(body).map_err(|_| "the body is not JSON")?;
        return match callback.get("type").and_then(Value::as_str) {
            Some("url_verification") => {
                let challenge = callback.get("challenge").and_then(Value::as_str).ok_or("no challenge to answer")?;
                Ok(Heard::Challenge(challenge.to_owned()))
            }
            Some("event_callback") => event(&callback, bot).map(Heard::Parsed),
            Some(_) => Ok(Heard::Parsed(Parsed::Ignored("a callback of a type that is not needed"))),
            None => Err("the callback has no type".to_owned()),
        };
    }
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err("the body is neither JSON nor a form".to_owned());
    }
    let form: Map<String, Value> = url::form_urlencoded::parse(body.as_bytes())
        .map(|(name, value)| (name.into_owned(), Value::from(value)))
        .collect();
    if form.get("ssl_check").is_some() {
        return Ok(Heard::Parsed(Parsed::Ignored("a check of the certificate")));
    }
    let payload = match form.get("payload").and_then(Value::as_str) {
        Some(payload) => serde_json::from_str(payload).map_err(|_| "the payload is not JSON")?,
        None => Value::Object(form),
    };
    // A trigger is made for one click or command, so it is the same again only if that is delivered again.
    let delivery = payload.get("trigger_id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let delivery = delivery.ok_or("the payload has no trigger_id")?;
    let parsed = if payload.get("command").is_some() {
        command(&payload, delivery, bot)
    } else {
        interaction(&payload, delivery, bot)
    };
    parsed.map(Heard::Parsed)
}

#[cfg(test)]
#[path = "http_mode_tests.rs"]
mod tests;
