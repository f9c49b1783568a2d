//! Telling PagerDuty and Grafana of a deploy, against strict ones on this machine.

#[path = "../common/mod.rs"]
mod common;

mod grafana;
mod pagerduty;
mod server;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use integrations::changes::{Change, Failure, Kind, Outcome};
use integrations::clock::{Clock, ManualClock, SharedClock};
use integrations::http::CALL_LIMIT;
use jiff::Timestamp;

/// A deploy that ended well.
pub(crate) fn change() -> Change {
    let at = |seconds: i64, millis: i64| Timestamp::from_millisecond(seconds * 1000 + millis).expect("a time");
    Change {
        id: "muster-d7-4f0c9a1e".into(),
        summary: "shop v2.4.1 is on production".into(),
        service: "shop".into(),
        environment: "production".into(),
        version: "v2.4.1".into(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        by: "Ann".into(),
        kind: Kind::Deploy,
        outcome: Outcome::Succeeded,
        began: at(1_790_000_000, 250),
        ended: at(1_790_000_184, 500),
        url: Some("https://ci.example.com/runs/12?tab=a&b=c".into()),
    }
}

/// What adapters are built with, on a clock that stands still.
pub(crate) fn parts(clock: &ManualClock) -> (reqwest::Client, SharedClock) {
    (integrations::http::http_client().expect("a client"), Arc::new(clock.clone()))
}

/// Does the work. Time passes only where a pause between two tries is waited for, never while an answer is; once it is
/// `stalled`, as long as a call may take passes at once.
pub(crate) async fn passing<T>(clock: &ManualClock, stalled: impl Fn() -> bool, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = common::settle() => {}
        }
        let left = clock.next_wake().map(|wake| wake.duration_since(clock.now()));
        let left = left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default();
        if left < CALL_LIMIT / 2 || stalled() {
            clock.advance(left);
        }
    }
}

/// What everything says of a failure.
pub(crate) fn words(failure: &Failure) -> String {
    format!("{failure} {failure:?}")
}
