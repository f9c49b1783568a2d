//! Who may send webhooks: whoever sends one of the tokens, once, and nobody else.

use std::time::Duration;

use bot::server::hooks::Source;
use integrations::secret::Secret;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::bytes::Bytes;

/// Headers, each ended by 0xFF; `TOKEN` in them stands for a token that is right.
pub(super) fn check(data: &[u8]) {
    const TOKENS: [&str; 2] = ["right-token-1", "another.token~2"];
    let source = |tokens: &[Secret]| Source::new(tokens, 1024, Duration::from_secs(1));
    let tokens = TOKENS.map(Secret::new);
    let mut script = Bytes::new(data);
    let mut headers = HeaderMap::new();
    let mut sent = Vec::new();
    while !script.is_empty() && sent.len() < 4 {
        let value = script.text().replace("TOKEN", TOKENS[0]);
        if let Ok(header) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(AUTHORIZATION, header);
            sent.push(value);
        }
    }
    let expected = match sent.as_slice() {
        [only] => only.split_once(' ').is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && only.is_ascii() && TOKENS.contains(&token.trim())
        }),
        _ => false,
    };
    assert_eq!(source(&tokens).lets_in(&headers), expected, "{sent:?}");
    assert!(!source(&[]).lets_in(&headers), "nobody is let in where there is no token");
}
