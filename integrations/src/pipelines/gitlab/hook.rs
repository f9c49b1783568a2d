//! GitLab's webhooks: who sent one, and which pipeline it is about.
//!
//! Two schemes: the secret token, sent as it is in `X-Gitlab-Token` (docs.gitlab.com/user/project/integrations/webhooks),
//! and the signing token (merge requests 230944 and 231325 of gitlab-org/gitlab), by Standard Webhooks:
//! `webhook-signature: v1,<base64 of HMAC-SHA256>` over `{webhook-id}.{webhook-timestamp}.{body}`, the key being what
//! stands behind `whsec_` in base64. What holds: what is signed must be signed rightly and lately and is never let in
//! by the other scheme; tokens are compared in constant time; nothing is read before the sender is known. A hook is a
//! hint to look: what it says about how a pipeline stands is not believed.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base64;
use crate::secret::Secret;

/// A signature is good for so many seconds before and after its time.
const SKEW: i64 = 300;

/// The length of a signing token's key, in bytes.
const KEY: usize = 32;

/// Knows GitLab's webhooks.
#[derive(Clone, Debug)]
pub struct Hook {
    tokens: Vec<Secret>,
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// What a webhook is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The same for each attempt to deliver it, for dropping those that came before.
    pub delivery: Option<String>,
    /// The project's number.
    pub project: Option<u64>,
    /// What it is about.
    pub about: About,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A pipeline: the id of its run.
    Pipeline(u64),
    /// A job whose pipeline is not said (a Deployment Hook): see [`super::GitLab::run_of_job`].
    Job(u64),
    /// Something else, or a deployment that no job makes.
    Other,
}

/// Why a webhook was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is not from GitLab, or too old: answer 401.
    #[error("it is not signed by GitLab, or not lately")]
    Unknown,
    /// It is from GitLab but can't be read: answer 400.
    #[error("it can't be read")]
    Unreadable,
}

impl Hook {
    /// Knows these secret tokens and signing tokens (`whsec_…`); two of a kind while one replaces the other.
    ///
    /// # Errors
    /// There is none at all, or a signing token is not one. The words are for the operator.
    pub fn new(tokens: Vec<Secret>, signing_tokens: &[Secret]) -> Result<Hook, String> {
        let mut keys = Vec::new();
        for token in signing_tokens {
            let key = token.expose().strip_prefix("whsec_").and_then(base64::decode);
            let key = key.filter(|key| key.len() == KEY);
            keys.push(Key(key.ok_or("a signing token must be as GitLab shows it: `whsec_` and 44 characters")?));
        }
        if tokens.iter().any(|token| token.expose().is_empty()) {
            return Err("a secret token is empty; write what stands in the webhook's settings".to_owned());
        }
        if tokens.is_empty() && keys.is_empty() {
            return Err("a webhook needs a signing token or a secret token".to_owned());
        }
        Ok(Hook { tokens, keys })
    }

    /// Checks who sent it and reads what it is about.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn read(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Told, Denied> {
        if !self.is_known(headers, body, now) {
            return Err(Denied::Unknown);
        }
        let payload: Payload = serde_json::from_slice(body).map_err(|_| Denied::Unreadable)?;
        let delivery = ["webhook-id", "idempotency-key", "x-gitlab-event-uuid"];
        let delivery = delivery.iter().find_map(|name| text(headers, name)).map(str::to_owned);
        let project = payload.project.as_ref().and_then(|project| project.id).or(payload.project_id);
        Ok(Told { delivery, project, about: payload.about() })
    }

    fn is_known(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
        // One that is signed is judged by that alone where it can be judged.
        if !self.keys.is_empty() && headers.contains_key("webhook-signature") {
            return self.is_signed(headers, body, now).unwrap_or(false);
        }
        let Some(token) = headers.get("x-gitlab-token") else { return false };
        let mut is_known = subtle::Choice::from(0);
        for known in &self.tokens {
            // Hashes are of one length, so that the time says nothing about the token's.
            is_known |= Sha256::digest(known.expose()).as_slice().ct_eq(Sha256::digest(token.as_bytes()).as_slice());
        }
        is_known.into()
    }

    fn is_signed(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<bool> {
        let (id, at) = (text(headers, "webhook-id")?, text(headers, "webhook-timestamp")?);
        let seconds: i64 = at.parse().ok()?;
        if now.as_second().checked_sub(seconds)?.checked_abs()? > SKEW {
            return None;
        }
        let mut is_signed = subtle::Choice::from(0);
        for key in &self.keys {
            let right = hmac_sha256(&key.0, &[id.as_bytes(), b".", at.as_bytes(), b".", body]);
            for signature in text(headers, "webhook-signature")?.split(' ').take(8) {
                let given = signature.strip_prefix("v1,").and_then(base64::decode).unwrap_or_default();
                is_signed |= right.as_slice().ct_eq(&given);
            }
        }
        Some(is_signed.into())
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// HMAC (RFC 2104) with SHA-256.
fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut inner = Sha256::new();
    inner.update(block.map(|byte| byte ^ 0x36));
    for part in parts {
        inner.update(part);
    }
    let mut outer = Sha256::new();
    outer.update(block.map(|byte| byte ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    object_kind: String,
    #[serde(default)]
    object_attributes: Option<Numbered>,
    #[serde(default)]
    project: Option<Numbered>,
    #[serde(default)]
    project_id: Option<u64>,
    #[serde(default)]
    pipeline_id: Option<u64>,
    #[serde(default)]
    deployable_id: Option<u64>,
}

#[derive(Deserialize)]
struct Numbered {
    #[serde(default)]
    id: Option<u64>,
}

impl Payload {
    /// The kinds are those of docs.gitlab.com/user/project/integrations/webhook_events; a Job Hook calls itself `build`.
    fn about(&self) -> About {
        let about = match self.object_kind.as_str() {
            "pipeline" => self.object_attributes.as_ref().and_then(|pipeline| pipeline.id).map(About::Pipeline),
            "build" => self.pipeline_id.map(About::Pipeline),
            "deployment" => self.deployable_id.map(About::Job),
            _ => None,
        };
        about.unwrap_or(About::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1, 2 and 6.
    #[test]
    fn the_vectors_of_the_standard_hold() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(hmac_sha256(&[0x0b; 20], &[b"Hi ", b"There"])),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(hmac_sha256(b"Jefe", &[b"what do ya want for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(hmac_sha256(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"])),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
