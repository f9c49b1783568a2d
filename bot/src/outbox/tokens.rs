//! Tokens that don't work: the whole chat pauses, and one look asks whether they work again.
//!
//! What holds: while a token is refused nothing else is sent to its chat, and nothing is given
//! up; the looks become rarer up to every five minutes, and stay so until something was
//! delivered, so that a token that works for the look alone is no reason to hammer.

use std::collections::BTreeMap;
use std::time::Duration;

use integrations::chat::socket::backoff;
use integrations::clock::after;
use jiff::Timestamp;
use operations::ids::Platform;

/// The first wait before a token is looked at, and the longest.
const LOOKS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// What is known of the tokens that were refused.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<Platform, Refused>);

struct Refused {
    why: String,
    /// Looks since something was delivered.
    looks: u32,
    stage: Stage,
}

/// Where a token that was refused is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is looked at then.
    Waits(Timestamp),
    /// It is being looked at.
    Looked,
    /// It worked when it was looked at.
    Works,
}

impl Tokens {
    /// A token was refused.
    pub(super) fn refused(&mut self, platform: Platform, why: &str, now: Timestamp) {
        let it = self.0.entry(platform).or_insert(Refused { why: String::new(), looks: 0, stage: Stage::Works });
        it.why = why.to_owned();
        // What was under way beside it hears the same, and changes nothing.
        if let Stage::Works = it.stage {
            it.wait(now);
        }
    }

    /// The tokens to be looked at now; they are being looked at from then on.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Platform> {
        let mut due = Vec::new();
        for (platform, it) in &mut self.0 {
            if let Stage::Waits(at) = it.stage
                && at <= now
            {
                it.stage = Stage::Looked;
                due.push(*platform);
            }
        }
        due
    }

    /// A token was looked at; why it can't be used yet, if it can't.
    pub(super) fn looked(&mut self, platform: Platform, why: Option<String>, now: Timestamp) {
        let Some(it) = self.0.get_mut(&platform) else { return };
        match why {
            Some(why) => {
                it.why = why;
                it.wait(now);
            }
            None => it.stage = Stage::Works,
        }
    }

    /// Something was delivered.
    pub(super) fn delivered(&mut self, platform: Platform) {
        if self.0.get(&platform).is_some_and(|it| it.stage == Stage::Works) {
            self.0.remove(&platform);
        }
    }

    /// When the next one is looked at.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let at = |it: &Refused| match it.stage {
            Stage::Waits(at) => Some(at),
            Stage::Looked | Stage::Works => None,
        };
        self.0.values().filter_map(at).min()
    }

    /// The chats that pause, and why.
    pub(super) fn paused(&self) -> BTreeMap<Platform, String> {
        let paused = self.0.iter().filter(|(_, it)| it.stage != Stage::Works);
        paused.map(|(platform, it)| (*platform, it.why.clone())).collect()
    }
}

impl Refused {
    fn wait(&mut self, now: Timestamp) {
        self.stage = Stage::Waits(after(now, backoff(self.looks, LOOKS.0, LOOKS.1)));
        self.looks = self.looks.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn looks_become_rarer_until_something_was_delivered() {
        let (mut tokens, mut now, mut waits) = (Tokens::default(), NOW, Vec::new());
        for _ in 0..12 {
            tokens.refused(Platform::Slack, "revoked", now);
            tokens.refused(Platform::Slack, "revoked", now);
            let next = tokens.next().expect("it waits");
            waits.push(next.duration_since(now).as_secs());
            now = next;
            assert_eq!(tokens.due(now), [Platform::Slack]);
            assert_eq!(tokens.due(now), [] as [Platform; 0], "one look at a time");
            // It works for the look, and for nothing else.
            tokens.looked(Platform::Slack, None, now);
        }
        assert!(waits[0] <= 5 && waits[11] >= 150 && waits.iter().all(|wait| *wait <= 300), "{waits:?}");
        tokens.delivered(Platform::Slack);
        tokens.refused(Platform::Slack, "revoked", now);
        assert!(tokens.next().expect("it waits").duration_since(now).as_secs() <= 5);
        assert_eq!(tokens.paused().len(), 1);
    }
}
