//! GitHub's webhooks: which run one is about, if it is GitHub's at all.
//!
//! docs.github.com, "Validating webhook deliveries": `X-Hub-Signature-256` is an HMAC of the raw body. What holds: nothing of
//! a body is looked at before its signature was checked; the check takes the same time whatever is wrong; without a secret
//! nothing is believed. GitHub may deliver twice, late, in any order, or never: a webhook says *look now*, never how a run
//! stands.

use reqwest::header::HeaderMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// No secret is configured, so anybody could have written it.
    #[error("no secret is configured for GitHub's webhooks")]
    NoSecret,
    /// It carries no signature that can be read.
    #[error("the webhook is not signed with X-Hub-Signature-256")]
    Unsigned,
    /// The signature is another's, or the body was changed.
    #[error("the webhook's signature is wrong")]
    WrongSignature,
    /// It is signed, but is not what GitHub writes.
    #[error("the webhook's body can't be read")]
    Unreadable,
}

#[derive(Deserialize)]
struct OfRun {
    workflow_run: Numbered,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

#[derive(Deserialize)]
struct OfJob {
    workflow_job: Job,
}

#[derive(Deserialize)]
struct Job {
    run_id: u64,
}

/// The id of the run that a `workflow_run` or `workflow_job` is about; none where it is about something else.
///
/// # Errors
/// It must not be acted upon; see [`NotBelieved`].
pub fn told(headers: &HeaderMap, body: &[u8], secret: &Secret) -> Result<Option<String>, NotBelieved> {
    check(headers, body, secret)?;
    let event = headers.get("x-github-event").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let run = match event {
        "workflow_run" => serde_json::from_slice::<OfRun>(body).map(|it| it.workflow_run.id),
        "workflow_job" => serde_json::from_slice::<OfJob>(body).map(|it| it.workflow_job.run_id),
        _ => return Ok(None),
    };
    run.map(|id| Some(id.to_string())).map_err(|_| NotBelieved::Unreadable)
}

fn check(headers: &HeaderMap, body: &[u8], secret: &Secret) -> Result<(), NotBelieved> {
    if secret.expose().is_empty() {
        return Err(NotBelieved::NoSecret);
    }
    let mut given = headers.get_all("x-hub-signature-256").iter();
    let (Some(signature), None) = (given.next(), given.next()) else { return Err(NotBelieved::Unsigned) };
    let signature = signature.to_str().ok().and_then(|it| it.strip_prefix("sha256=")).ok_or(NotBelieved::Unsigned)?;
    let signature = bytes(signature).ok_or(NotBelieved::Unsigned)?;
    let own = hmac(secret.expose().as_bytes(), body);
    if bool::from(own.ct_eq(&signature)) { Ok(()) } else { Err(NotBelieved::WrongSignature) }
}

/// Thirty-two bytes from their hexadecimal digits.
fn bytes(hex: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> = hex.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::try_from(pair[0] * 16 + pair[1]).ok()?;
    }
    Some(bytes)
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(secret: &[u8], body: &[u8]) -> [u8; 32] {
    let mut key = [0_u8; 64];
    if secret.len() > key.len() {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36)).chain_update(body).finalize();
    let outer = Sha256::new().chain_update(key.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    outer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of docs.github.com, "Testing the webhook payload validation".
    #[test]
    fn the_signature_is_that_of_githubs_own_example() {
        let mut headers = HeaderMap::new();
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        headers.insert("x-hub-signature-256", signature.parse().expect("a header"));
        let secret = Secret::new("It's a Secret to Everybody");
        assert_eq!(told(&headers, b"Hello, World!", &secret), Ok(None));
        assert_eq!(told(&headers, b"Hello, World?", &secret), Err(NotBelieved::WrongSignature));
    }
}
