//! The methods of the Web API that exist here, and how often each may be called.
//!
//! A tier of N allows N calls in every 60 seconds (docs.slack.dev, "Rate limits").
//! What holds: a call beyond the limit is refused with 429 and `Retry-After`, and so is every
//! call of that method until the time is over; those are counted as early.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// How often a method may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    /// One a minute in the long run. Ten at once are let through, because an app may hold ten sockets.
    One,
    /// 20 a minute.
    Two,
    /// 50 a minute.
    Three,
    /// 100 a minute.
    Four,
    /// "Hundreds" a minute.
    Special,
    /// One a second in each channel; four more at once are the burst that Slack tolerates.
    Posting,
}

/// A method of the Web API.
pub(super) struct Method {
    /// Its name.
    pub(super) name: &'static str,
    /// How often.
    pub(super) tier: Tier,
    /// Whether it reads only, so that GET is usual.
    pub(super) reads: bool,
    /// Whether it reads a JSON body. Methods that don't see none of its arguments.
    pub(super) takes_json: bool,
    /// Arguments that must be there.
    pub(super) required: &'static [&'static str],
    /// Arguments that may be there.
    pub(super) optional: &'static [&'static str],
}

const fn write(
    name: &'static str,
    tier: Tier,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Method {
    Method { name, tier, reads: false, takes_json: true, required, optional }
}

const fn read(
    name: &'static str,
    tier: Tier,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Method {
    Method { name, tier, reads: true, takes_json: false, required, optional }
}

const MESSAGE: &[&str] = &[
    "text",
    "blocks",
    "attachments",
    "metadata",
    "thread_ts",
    "reply_broadcast",
    "parse",
    "link_names",
    "unfurl_links",
    "unfurl_media",
    "username",
    "icon_emoji",
    "icon_url",
    "mrkdwn",
];

/// Every method that exists here (tiers and arguments: each method's page on docs.slack.dev).
pub(super) const METHODS: &[Method] = &[
    write("apps.connections.open", Tier::One, &[], &[]),
    write("auth.test", Tier::Special, &[], &[]),
    write("chat.postMessage", Tier::Posting, &["channel"], MESSAGE),
    write(
        "chat.update",
        Tier::Three,
        &["channel", "ts"],
        &["text", "blocks", "attachments", "metadata", "parse", "link_names", "reply_broadcast"],
    ),
    write("chat.delete", Tier::Three, &["channel", "ts"], &[]),
    write(
        "chat.postEphemeral",
        Tier::Four,
        &["channel", "user"],
        &["text", "blocks", "attachments", "thread_ts", "parse", "link_names", "username", "icon_emoji", "icon_url"],
    ),
    read("chat.getPermalink", Tier::Special, &["channel", "message_ts"], &[]),
    write("views.open", Tier::Four, &["view"], &["trigger_id", "interactivity_pointer"]),
    write("views.push", Tier::Four, &["view"], &["trigger_id", "interactivity_pointer"]),
    write("views.update", Tier::Four, &["view"], &["view_id", "external_id", "hash"]),
    write("conversations.create", Tier::Two, &["name"], &["is_private", "team_id"]),
    write("conversations.invite", Tier::Three, &["channel", "users"], &["force"]),
    write("conversations.join", Tier::Three, &["channel"], &[]),
    write("conversations.archive", Tier::Two, &["channel"], &[]),
    write("conversations.unarchive", Tier::Two, &["channel"], &[]),
    write("conversations.rename", Tier::Two, &["channel", "name"], &[]),
    write("conversations.setTopic", Tier::Two, &["channel", "topic"], &[]),
    write("conversations.setPurpose", Tier::Two, &["channel", "purpose"], &[]),
    write("conversations.open", Tier::Three, &[], &["channel", "users", "return_im", "prevent_creation"]),
    read("conversations.list", Tier::Two, &[], &["cursor", "exclude_archived", "limit", "team_id", "types"]),
    read("conversations.info", Tier::Three, &["channel"], &["include_locale", "include_num_members"]),
    Method {
        takes_json: true,
        ..read(
            "conversations.history",
            Tier::Three,
            &["channel"],
            &["cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
        )
    },
    read(
        "conversations.replies",
        Tier::Three,
        &["channel", "ts"],
        &["cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
    ),
    read("conversations.members", Tier::Four, &["channel"], &["cursor", "limit"]),
    write("pins.add", Tier::Two, &["channel"], &["timestamp"]),
    write("pins.remove", Tier::Two, &["channel"], &["timestamp"]),
    read("pins.list", Tier::Two, &["channel"], &[]),
    write("reactions.add", Tier::Three, &["channel", "name", "timestamp"], &[]),
    write("reactions.remove", Tier::Two, &["name"], &["channel", "timestamp"]),
    read("reactions.get", Tier::Three, &[], &["channel", "timestamp", "full"]),
    read("users.info", Tier::Four, &["user"], &["include_locale"]),
    read("users.list", Tier::Two, &[], &["cursor", "include_locale", "limit", "team_id"]),
    write("bookmarks.add", Tier::Two, &["channel_id", "title", "type"], &["emoji", "entity_id", "link", "parent_id"]),
    Method { reads: true, ..write("bookmarks.list", Tier::Three, &["channel_id"], &[]) },
    write("bookmarks.edit", Tier::Two, &["bookmark_id", "channel_id"], &["emoji", "link", "title"]),
];

/// A call too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    /// Whole seconds to wait.
    pub(super) retry_after: u64,
}

/// Counts the calls.
#[derive(Default)]
pub(super) struct Limiter {
    calls: HashMap<String, VecDeque<Timestamp>>,
    /// Until when nothing more is let through, and since when.
    shut: HashMap<String, (Timestamp, Timestamp)>,
    early: usize,
}

impl Limiter {
    /// How many calls came before a `Retry-After` was over.
    pub(super) fn early(&self) -> usize {
        self.early
    }

    /// Whether an earlier 429 still holds. Counts the call as early if so.
    pub(super) fn is_shut(&mut self, key: &str, now: Timestamp) -> Option<TooMany> {
        let (since, until) = self.shut.get(key).copied()?;
        if now >= until {
            self.shut.remove(key);
            return None;
        }
        // Calls that were under way when the 429 was given could not know of it.
        if now.duration_since(since) > SignedDuration::from_millis(250) {
            self.early += 1;
        }
        Some(TooMany { retry_after: seconds(until.duration_since(now)) })
    }

    /// Refuses calls of `key` for a while.
    pub(super) fn shut(&mut self, key: &str, retry_after: u64, now: Timestamp) {
        let wait = SignedDuration::from_secs(i64::try_from(retry_after).unwrap_or(i64::MAX));
        let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        self.shut.insert(key.to_owned(), (now, until));
    }

    /// Counts a call, or says that it is one too many.
    pub(super) fn count(&mut self, key: &str, tier: Tier, now: Timestamp) -> Result<(), TooMany> {
        let wait = match tier {
            Tier::One => self.spaced(key, 60, 9, now),
            Tier::Posting => self.spaced(key, 1, 4, now),
            Tier::Two => self.window(key, 20, now),
            Tier::Three => self.window(key, 50, now),
            Tier::Four => self.window(key, 100, now),
            Tier::Special => self.window(key, 300, now),
        };
        match wait {
            None => Ok(()),
            Some(wait) => {
                let retry_after = seconds(wait);
                self.shut(key, retry_after, now);
                Err(TooMany { retry_after })
            }
        }
    }

    /// At most `most` in any 60 seconds.
    fn window(&mut self, key: &str, most: usize, now: Timestamp) -> Option<SignedDuration> {
        let minute = SignedDuration::from_secs(60);
        let calls = self.calls.entry(key.to_owned()).or_default();
        while calls.front().is_some_and(|first| now.duration_since(*first) >= minute) {
            calls.pop_front();
        }
        if calls.len() < most {
            calls.push_back(now);
            return None;
        }
        calls.front().map(|first| minute - now.duration_since(*first))
    }

    /// One every `gap` seconds, with `burst` more at once.
    fn spaced(&mut self, key: &str, gap: i64, burst: i64, now: Timestamp) -> Option<SignedDuration> {
        let calls = self.calls.entry(key.to_owned()).or_default();
        let gap_time = SignedDuration::from_secs(gap);
        // The one entry is the moment at which everything let through so far would have been due.
        let due = calls.pop_front().unwrap_or(now).max(now);
        let ahead = due.duration_since(now);
        let allowed = SignedDuration::from_secs(gap * burst);
        if ahead > allowed {
            calls.push_back(due);
            return Some(ahead - allowed);
        }
        calls.push_back(due.checked_add(gap_time).unwrap_or(Timestamp::MAX));
        None
    }
}

fn seconds(wait: SignedDuration) -> u64 {
    let up = if wait.subsec_nanos() > 0 { 1 } else { 0 };
    u64::try_from(wait.as_secs()).unwrap_or(0).saturating_add(up).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).expect("a time")
    }

    #[test]
    fn a_tier_holds_in_every_minute() {
        let mut limiter = Limiter::default();
        assert!((0..20).all(|_| limiter.count("m", Tier::Two, at(0)).is_ok()));
        assert_eq!(limiter.count("m", Tier::Two, at(10)), Err(TooMany { retry_after: 50 }));
        assert_eq!(limiter.is_shut("m", at(11)), Some(TooMany { retry_after: 49 }));
        assert_eq!(limiter.early(), 1);
        assert_eq!(limiter.is_shut("m", at(60)), None);
        assert!(limiter.count("m", Tier::Two, at(60)).is_ok());
    }

    #[test]
    fn posting_is_one_a_second_with_a_burst() {
        let mut limiter = Limiter::default();
        assert!((0..5).all(|_| limiter.count("c", Tier::Posting, at(0)).is_ok()));
        assert_eq!(limiter.count("c", Tier::Posting, at(0)), Err(TooMany { retry_after: 1 }));
        assert!(limiter.count("c", Tier::Posting, at(1)).is_ok());
    }
}
