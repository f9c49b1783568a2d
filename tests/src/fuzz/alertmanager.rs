//! Alertmanager's webhook: a body is taken whole and clean, or refused in one sentence.

use integrations::alerting::alertmanager::{BadBody, depth_ok, parse};
use operations::alert::{Received, Told};
use operations::text::{LONGEST, Outside};

use super::bytes::is_visible;
use super::json::Json;

/// The deepest nesting that is taken.
const DEEPEST: usize = 64;

/// What stands elsewhere decides nothing, and may be doubled.
const DECIDES: [&str; 14] = [
    "version",
    "groupKey",
    "receiver",
    "truncatedAlerts",
    "groupLabels",
    "externalURL",
    "alerts",
    "status",
    "labels",
    "annotations",
    "startsAt",
    "endsAt",
    "generatorURL",
    "fingerprint",
];

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
            assert!(whole.depth() <= DEEPEST && !has_twins(&whole));
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

/// Whether a key that decides something stands twice, or anything below one does.
fn has_twins(whole: &Json) -> bool {
    match whole {
        Json::Other | Json::Text(_) => false,
        Json::List(items) => items.iter().any(has_twins),
        Json::Object(entries) => {
            let decides = |key: &str| DECIDES.contains(&key);
            let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).filter(|key| decides(key)).collect();
            keys.sort_unstable();
            let below = |(key, value): &(String, Json)| match key.as_str() {
                "alerts" => has_twins(value),
                key if decides(key) => value.has_twins(),
                _ => false,
            };
            keys.windows(2).any(|pair| pair[0] == pair[1]) || entries.iter().any(below)
        }
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
