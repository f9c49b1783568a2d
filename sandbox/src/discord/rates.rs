//! Rate limits, by the model's time.
//!
//! Discord publishes few numbers; clients are to follow the headers. Those marked † are
//! what the community has observed. Interaction callbacks and webhooks are exempt from the
//! global limit (Discord's reference, Rate Limits).

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::routes::Route;

/// Calls per second of one bot, all routes together.
const GLOBAL: (u32, i64) = (50, 1000);
/// Changes of a channel's name or topic†. Headers do not tell of it.
const RENAMES: (u32, i64) = (2, 600_000);

pub(super) struct Rates {
    on: bool,
    windows: HashMap<String, Window>,
    /// Until when a bucket was told to wait.
    waits: HashMap<String, Timestamp>,
    pub(super) early: usize,
    pub(super) invalid: usize,
}

struct Window {
    used: u32,
    reset: i64,
}

/// Headers that tell of a bucket.
#[derive(Clone, Default)]
pub(super) struct Told {
    pub(super) headers: Vec<(&'static str, String)>,
}

/// A call that came too fast.
pub(super) struct Limited {
    pub(super) wait_ms: i64,
    pub(super) global: bool,
}

impl Limited {
    /// Discord's body.
    pub(super) fn body(&self) -> Value {
        #[allow(clippy::cast_precision_loss)]
        let seconds = self.wait_ms as f64 / 1000.0;
        json!({"message": "You are being rate limited.", "retry_after": seconds, "global": self.global})
    }

    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let whole = (self.wait_ms + 999) / 1000;
        let scope = if self.global { "global" } else { "user" };
        let mut headers = vec![("retry-after", whole.to_string()), ("x-ratelimit-scope", scope.to_owned())];
        if self.global {
            headers.push(("x-ratelimit-global", "true".to_owned()));
        }
        headers
    }
}

impl Rates {
    pub(super) fn new(on: bool) -> Rates {
        Rates { on, windows: HashMap::new(), waits: HashMap::new(), early: 0, invalid: 0 }
    }

    /// Counts a call against its buckets.
    pub(super) fn count(&mut self, route: &Route, body: &Value, now: Timestamp) -> Result<Told, (Limited, Told)> {
        let now = now.as_millisecond();
        let key = key(route);
        let exempt = route.name.contains("{interaction.token}");
        let waiting = [Some(&key), Some(&"global".to_owned()).filter(|_| !exempt)]
            .into_iter()
            .flatten()
            .any(|key| self.waits.get(key).is_some_and(|until| now < until.as_millisecond()));
        if waiting {
            self.early += 1;
        }
        if !self.on {
            return Ok(Told::default());
        }
        if !exempt && let Some(wait_ms) = self.take("global", GLOBAL, now) {
            self.wait("global", now + wait_ms);
            return Err((Limited { wait_ms, global: true }, Told::default()));
        }
        let Some(limit) = limit(route.name) else { return Ok(Told::default()) };
        if let Some(wait_ms) = self.take(&key, limit, now) {
            self.wait(&key, now + wait_ms);
            return Err((Limited { wait_ms, global: false }, self.tell(&key, route, limit, now)));
        }
        let renames =
            route.name == "PATCH /channels/{channel.id}" && (body.get("name").is_some() || body.get("topic").is_some());
        if renames && let Some(wait_ms) = self.take(&format!("{key} name"), RENAMES, now) {
            self.wait(&key, now + wait_ms);
            return Err((Limited { wait_ms, global: false }, self.tell(&key, route, limit, now)));
        }
        Ok(self.tell(&key, route, limit, now))
    }

    /// Keeps that the caller was told to wait, by an ordered fault.
    pub(super) fn ordered(&mut self, route: &Route, limited: &Limited, now: Timestamp) {
        let until = now.as_millisecond() + limited.wait_ms;
        self.wait(if limited.global { "global".to_owned() } else { key(route) }.as_str(), until);
    }

    fn wait(&mut self, key: &str, until_ms: i64) {
        let until = Timestamp::from_millisecond(until_ms).unwrap_or(Timestamp::MAX);
        self.waits.insert(key.to_owned(), until);
    }

    /// Takes one from a bucket; gives the wait in milliseconds if it is empty.
    fn take(&mut self, key: &str, (limit, window_ms): (u32, i64), now: i64) -> Option<i64> {
        let window = self.windows.entry(key.to_owned()).or_insert(Window { used: 0, reset: now + window_ms });
        if now >= window.reset {
            *window = Window { used: 0, reset: now + window_ms };
        }
        if window.used >= limit {
            return Some((window.reset - now).max(1));
        }
        window.used += 1;
        None
    }

    fn tell(&self, key: &str, route: &Route, (limit, _): (u32, i64), now: i64) -> Told {
        let Some(window) = self.windows.get(key) else { return Told::default() };
        let left = limit.saturating_sub(window.used);
        let name = route
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
        Told {
            headers: vec![
                ("x-ratelimit-limit", limit.to_string()),
                ("x-ratelimit-remaining", left.to_string()),
                ("x-ratelimit-reset", seconds(window.reset)),
                ("x-ratelimit-reset-after", seconds((window.reset - now).max(0))),
                ("x-ratelimit-bucket", format!("{name:016x}")),
            ],
        }
    }
}

/// A bucket is a route and its main resource: channel, server, or webhook with token.
fn key(route: &Route) -> String {
    let shared = if route.name.contains("/reactions/") { "reactions" } else { route.name };
    let main = match route.name.contains("{interaction.token}") {
        true => route.places.get(1),
        false => route.places.first(),
    };
    format!("{shared} {}", main.map_or("", String::as_str))
}

/// Calls per window in milliseconds.
fn limit(route: &str) -> Option<(u32, i64)> {
    match route {
        "POST /channels/{channel.id}/messages" => Some((5, 5000)),
        "PATCH /channels/{channel.id}/messages/{message.id}" => Some((5, 5000)),
        "DELETE /channels/{channel.id}/messages/{message.id}" => Some((5, 1000)),
        "PUT /channels/{channel.id}/messages/{message.id}/reactions/{emoji.id}/@me" => Some((1, 250)),
        "DELETE /channels/{channel.id}/messages/{message.id}/reactions/{emoji.id}/{user.id}" => Some((1, 250)),
        "PATCH /channels/{channel.id}" => Some((5, 5000)),
        "PUT /channels/{channel.id}/messages/pins/{message.id}" | "PUT /channels/{channel.id}/pins/{message.id}" => {
            Some((5, 5000))
        }
        "POST /webhooks/{application.id}/{interaction.token}" => Some((5, 2000)),
        "PATCH /webhooks/{application.id}/{interaction.token}/messages/{message.id}" => Some((5, 5000)),
        _ => None,
    }
}
