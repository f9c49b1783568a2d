//! Webhooks: what is told to whom, and how it is signed.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A webhook that was delivered or tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// `X-GitHub-Delivery`; the same where it was delivered twice.
    pub id: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The body.
    pub body: String,
    /// `X-Hub-Signature-256`.
    pub signature: String,
    /// HTTP status of the answer; 0 where there was none.
    pub status: u16,
}

/// Where webhooks go, and those that are to go.
#[derive(Default)]
pub(super) struct Hooks {
    url: String,
    secret: String,
    pub(super) waiting: VecDeque<Delivery>,
    pub(super) delivered: Vec<Delivery>,
    /// The next so many are delivered twice.
    pub(super) twice: usize,
    held: Option<Vec<Delivery>>,
}

impl Hooks {
    pub(super) fn set(&mut self, url: &str, secret: &str) {
        url.clone_into(&mut self.url);
        secret.clone_into(&mut self.secret);
    }

    /// Where the next one goes.
    pub(super) fn next(&mut self) -> Option<(String, Delivery)> {
        self.waiting.pop_front().map(|delivery| (self.url.clone(), delivery))
    }

    pub(super) fn tell(&mut self, id: u64, event: &str, body: &Value) {
        if self.url.is_empty() {
            return;
        }
        let body = body.to_string();
        let signature = sign(&self.secret, body.as_bytes());
        let id = format!("72d3162e-cc78-11e3-81ab-{id:012x}");
        let delivery = Delivery { id, event: event.to_owned(), body, signature, status: 0 };
        let times = if self.twice > 0 { 2 } else { 1 };
        self.twice = self.twice.saturating_sub(1);
        for _ in 0..times {
            match &mut self.held {
                Some(held) => held.push(delivery.clone()),
                None => self.waiting.push_back(delivery.clone()),
            }
        }
    }

    pub(super) fn hold(&mut self, hold: bool) {
        match (hold, self.held.take()) {
            (true, held) => self.held = Some(held.unwrap_or_default()),
            (false, held) => self.waiting.extend(held.unwrap_or_default().into_iter().rev()),
        }
    }
}

/// `X-Hub-Signature-256` of a body (docs.github.com, "Validating webhook deliveries"): HMAC with SHA-256, RFC 2104.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut key = [0_u8; 64];
    if secret.len() > key.len() {
        key[..32].copy_from_slice(&Sha256::digest(secret.as_bytes()));
    } else {
        key[..secret.len()].copy_from_slice(secret.as_bytes());
    }
    let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36)).chain_update(body).finalize();
    let outer = Sha256::new().chain_update(key.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    let hex: String = outer.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}
