//! Alertmanager's webhook: a body is taken whole and clean, or refused in one sentence.

use integrations::alerting::alertmanager::{BadBody, depth_ok, parse};
use operations::alert::{Received, Told};
use operations::text::{LONGEST, Outside};

use super::bytes::is_visible;
use super::json::Json;

/// The deepest nesting that is taken.
const DEEPEST: usize = 64;

pub(super) fn check(data: &[u8]) {
    let read = parse("am", data);
    assert_eq!(read, parse("am", data), "the same body is read the same way");
    let whole: Option<Json> = serde_json::from_slice(data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data)).ok();
    if let Some(whole) = &whole {
        assert_eq!(depth_ok(data, DEEPEST), whole.depth() <= DEEPEST, "nesting is measured as it is");
    }
    match &read {
        Ok(received) => {
            let whole = whole.expect("what is taken is JSON");
            assert!(whole.depth() <= DEEPEST && !whole.has_twins());
            clean(received);
        }
        Err(bad) => {
            let words = bad.to_string();
            assert!(words.ends_with('.') && !words.contains('\n') && is_visible(&words), "{words:?}");
            assert!(words.chars().count() <= 400, "{words:?}");
            if !depth_ok(data, DEEPEST) && std::str::from_utf8(data).is_ok() && !data.trim_ascii().is_empty() {
                assert_eq!(*bad, BadBody::TooDeep);
            }
        }
    }
    if !data.starts_with(b"\xef\xbb\xbf") {
        let marked = [b"\xef\xbb\xbf", data].concat();
        assert_eq!(parse("am", &marked), read, "a byte order mark changes nothing");
    }
}

fn clean(received: &Received) {
    assert!(received.alerts.len() <= 10_000 && received.key.len() <= 1_000);
    assert!(received.source_url.as_deref().is_none_or(is_address), "{:?}", received.source_url);
    received.group_labels.iter().for_each(named);
    for Told { alert, firing } in &received.alerts {
        assert!((1..=64).contains(&alert.fingerprint.len()));
        assert!(alert.fingerprint.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(alert.labels.len() <= 200 && alert.annotations.len() <= 200);
        alert.labels.iter().chain(alert.annotations.iter()).for_each(named);
        assert!(!(*firing && alert.ends_at.is_some()), "what fires has no end");
        assert!(alert.source_url.as_deref().is_none_or(is_address), "{:?}", alert.source_url);
    }
}

fn named((name, value): (&str, &Outside)) {
    assert!(is_visible(name) && name.chars().count() <= 200 && !name.contains('\n'), "{name:?}");
    assert!(is_visible(value.as_str()) && value.as_str().chars().count() <= LONGEST, "{value:?}");
}

fn is_address(address: &str) -> bool {
    let web = address.starts_with("https://") || address.starts_with("http://");
    web && address.len() <= 2_000 && address.bytes().all(|byte| byte.is_ascii_graphic())
}
