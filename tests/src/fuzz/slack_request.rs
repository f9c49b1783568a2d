//! Requests that Slack sends: taken as Slack signs them, and never when anything of them was changed.
//!
//! The signatures are made here, by the definitions of HMAC (RFC 2104) and of Slack's base string.

use integrations::chat::slack::http_mode::{Heard, Rejected, receive};
use integrations::chat::slack::inbound::Parsed;
use integrations::secret::Secret;
use jiff::Timestamp;
use operations::ids::Platform;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::bytes::Bytes;
use super::scene::user;
use super::slack_inbound::identity;
use super::taken;

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const NOW: i64 = 1_772_460_000;
const KINDS: [&str; 4] = ["application/json", "application/x-www-form-urlencoded", "text/plain", ""];

/// Two bytes for what is changed, one for the kind of body and one for the age; then the body.
pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    let change = script.number();
    let kind = script.pick(&KINDS);
    let age = script.pick(&[0_i64, 299, 300, -300, 301, -301, i64::MAX, i64::MIN]);
    let body = script.rest();
    let at = NOW.wrapping_sub(age);
    let signed = Signed { body: body.to_vec(), timestamp: at.to_string(), signature: sign(at, body) };
    let fresh = (-300..=300).contains(&age) && std::str::from_utf8(body).is_ok();
    match receive(&Secret::new(SECRET), &signed.headers(kind), &signed.body, now(), &identity()) {
        Err(Rejected::Signature) => assert!(!fresh, "a request as Slack signs it is taken"),
        Err(Rejected::Malformed(why)) => assert!(fresh && !why.is_empty()),
        Ok(Heard::Challenge(_)) => assert!(fresh),
        Ok(Heard::Parsed(Parsed::Act(inbound))) => {
            assert!(fresh);
            taken::is_from(&inbound, Platform::Slack, &user(Platform::Slack, "").workspace);
        }
        Ok(Heard::Parsed(Parsed::Account(..) | Parsed::Ignored(_))) => assert!(fresh),
    }
    let changed = signed.changed(change);
    if changed != signed {
        let heard = receive(&Secret::new(SECRET), &changed.headers(kind), &changed.body, now(), &identity());
        assert_eq!(heard, Err(Rejected::Signature), "{changed:?} is not what was signed: {signed:?}");
    }
    let other = receive(&Secret::new("another"), &signed.headers(kind), &signed.body, now(), &identity());
    assert_eq!(other, Err(Rejected::Signature));
    let unsigned = receive(&Secret::new(SECRET), &HeaderMap::new(), &signed.body, now(), &identity());
    assert_eq!(unsigned, Err(Rejected::Signature));
}

#[derive(Clone, Debug, PartialEq)]
struct Signed {
    body: Vec<u8>,
    timestamp: String,
    signature: String,
}

impl Signed {
    fn headers(&self, kind: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = |text: &str| HeaderValue::from_str(text).expect("a header's value");
        headers.insert(HeaderName::from_static("x-slack-request-timestamp"), value(&self.timestamp));
        headers.insert(HeaderName::from_static("x-slack-signature"), value(&self.signature));
        headers.insert(CONTENT_TYPE, value(kind));
        headers
    }

    /// The request with one thing changed.
    fn changed(&self, how: usize) -> Signed {
        let mut changed = self.clone();
        let at = how >> 3;
        match how & 7 {
            0 => flip(&mut changed.body, at, 1),
            1 => flip(&mut changed.body, at, 0x20),
            2 => changed.body.push(b' '),
            3 => changed.body.truncate(at.checked_rem(self.body.len()).unwrap_or_default()),
            4 => changed.timestamp = (NOW - 1 - i64::try_from(at % 290).unwrap_or_default()).to_string(),
            5 => changed.timestamp.insert(0, '+'),
            6 => {
                let mut digits = changed.signature.into_bytes();
                flip(&mut digits, at, 1);
                changed.signature = String::from_utf8_lossy(&digits).into_owned();
            }
            _ => changed.signature.truncate(at % self.signature.len()),
        }
        changed
    }
}

fn flip(bytes: &mut [u8], at: usize, bit: u8) {
    let at = at.checked_rem(bytes.len()).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= bit;
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a time")
}

fn sign(at: i64, body: &[u8]) -> String {
    let mut key = [0; 64];
    key[..SECRET.len()].copy_from_slice(SECRET.as_bytes());
    let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36)).chain_update(format!("v0:{at}:"));
    let inner = inner.chain_update(body).finalize();
    let outer = Sha256::new().chain_update(key.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    let digits: String = outer.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v0={digits}")
}
