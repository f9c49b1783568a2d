//! What is done in one place: how many kills, alerts and deeds, and what they are called.
//!
//! Alerts come in groups, as from Alertmanager, because a group has one card and chats take
//! about one new message a second: many alerts on few cards are what a bot on the machine's
//! own clock can show. Four groups fire beside one another; names have leading zeros, so
//! that none is a part of another.

use std::time::Duration;

use operations::ids::Platform;

/// So many groups fire beside one another.
const BESIDE: u32 = 4;

/// About so many groups hold all alerts, and each at least so many.
const GROUPS: u32 = 150;
const MEMBERS: u32 = 25;

/// One deed in so many declares an incident.
const DECLARES: u32 = 25;

/// Of the others, one in so many is a mention.
const MENTIONS: u32 = 3;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often the bot is killed.
    pub(crate) kills: u32,
    /// How many alerts are told.
    pub(crate) alerts: u32,
    /// How many commands people type, beside acknowledging every group.
    pub(crate) deeds: u32,
    /// A bot that became ready is killed within this time.
    pub(crate) steady: Duration,
}

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `/incident declare`
    Declare,
    /// `/incident note`
    Note,
    /// `@muster note`
    Mention,
}

impl Plan {
    /// The group that an alert belongs to.
    pub(crate) fn group_of(self, alert: u32) -> u32 {
        let block = BESIDE * (self.alerts / GROUPS).max(MEMBERS);
        alert / block * BESIDE + alert % BESIDE
    }

    /// How many groups there are.
    pub(crate) fn groups(self) -> u32 {
        (0..self.alerts).map(|alert| self.group_of(alert) + 1).max().unwrap_or_default()
    }

    /// How many of `all` may be begun after so many kills: a little more than their share.
    pub(crate) fn share(self, all: u32, kills: u32) -> u32 {
        let share = u64::from(all) * (u64::from(kills) + 1) / u64::from(self.kills.max(1));
        u32::try_from(share).unwrap_or(u32::MAX).saturating_add(2)
    }

    /// How long all steady times last in all, as four in ten kills have one that is half of the longest on average.
    pub(crate) fn uptime(self) -> Duration {
        self.steady * self.kills / 5
    }

    /// What the deed with this number is.
    pub(crate) fn kind(deed: u32) -> Kind {
        match (deed % DECLARES, deed % MENTIONS) {
            (0, _) => Kind::Declare,
            (_, 0) => Kind::Mention,
            _ => Kind::Note,
        }
    }

    /// Whoever there is: the three of the configuration, one for each deed, one for each group.
    pub(crate) fn people(self) -> Vec<String> {
        let named = ["ann", "bob", "cleo"].map(str::to_owned);
        named.into_iter().chain((0..self.deeds + self.groups()).map(person)).collect()
    }
}

/// Somebody.
pub(crate) fn person(number: u32) -> String {
    format!("p{number:05}")
}

/// A group's name.
pub(crate) fn title(group: u32) -> String {
    format!("Group{group:04}")
}

/// What tells an alert from all others.
pub(crate) fn member(alert: u32) -> String {
    format!("m{alert:06}")
}

/// What tells a deed's words from all others.
pub(crate) fn word(deed: u32) -> String {
    format!("word-{deed:05}")
}

/// The chat that a group is acknowledged in, and whether by a click.
pub(crate) fn acknowledged_in(group: u32) -> (Platform, bool) {
    (if group.is_multiple_of(2) { Platform::Slack } else { Platform::Discord }, group / 2 % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_few_and_fire_four_at_a_time() {
        let plan = Plan { kills: 1000, alerts: 10_000, deeds: 500, steady: Duration::from_millis(1500) };
        assert_eq!(plan.groups(), 152);
        let first: Vec<u32> = (0..6).map(|alert| plan.group_of(alert)).collect();
        assert_eq!(first, [0, 1, 2, 3, 0, 1]);
        assert_eq!(plan.group_of(4 * 66), 4);
        assert_eq!(plan.uptime(), Duration::from_secs(300));
        assert_eq!((plan.share(10_000, 0), plan.share(10_000, 999)), (12, 10_002));
    }
}
