//! What is done: how often the bot is killed, which deploys are asked for, by whom, and what becomes of them.
//!
//! What holds: everything about a deed follows from its number and the seed; each has a word of its own, which goes
//! along as a parameter to the CI's inputs, so a deploy that was taken up twice is found as well as one that was
//! dispatched twice.

use std::time::Duration;

use fastrand::Rng;
use operations::ids::Platform;

/// People who may deploy and approve.
const DEPLOYERS: u32 = 8;

/// The services, and the environments of each.
pub(crate) const SERVICES: u32 = 10;
/// The service whose workflow fails, and the one whose deploys are looked at for a while after.
pub(crate) const FAILS: u32 = SERVICES - 1;
pub(crate) const VERIFIES: u32 = SERVICES - 2;

/// What can be deployed.
pub(crate) const TAGS: [&str; 3] = ["v141", "v142", "v143"];

/// Somebody whom the rules let deploy nothing.
pub(crate) const STRANGER: &str = "sly";

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often the bot is killed.
    pub(crate) kills: u32,
    /// How many deploys are asked for.
    pub(crate) deploys: u32,
    /// A bot that became ready is killed within this time.
    pub(crate) steady: Duration,
    /// What decides who asks for what.
    pub(crate) seed: u64,
    /// Whether people answer at once where nobody knows whether something ran, without waiting for the looks.
    pub(crate) hurry: bool,
}

/// What becomes of a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Nobody needs to approve it.
    Straight,
    /// Somebody else approves it on the other chat.
    Approved,
    /// Somebody else denies it.
    Denied,
    /// Whoever asked tries to approve it, in vain, and cancels it.
    Own,
    /// Whoever asked may not.
    Stranger,
    /// It is cancelled at some moment by whoever asked.
    Cancelled,
}

/// A deploy that somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// What it is found by everywhere.
    pub(crate) word: String,
    /// Who asks.
    pub(crate) who: String,
    /// On which chat.
    pub(crate) on: Platform,
    /// Who approves or denies it, on the other chat.
    pub(crate) other: String,
    /// Which service.
    pub(crate) service: u32,
    /// To production, which takes an approval.
    pub(crate) production: bool,
    /// A tag.
    pub(crate) tag: &'static str,
    /// What becomes of it.
    pub(crate) style: Style,
}

impl Deed {
    /// The chat that it is not asked for on.
    pub(crate) fn elsewhere(&self) -> Platform {
        match self.on {
            Platform::Slack => Platform::Discord,
            Platform::Discord => Platform::Slack,
        }
    }

    /// What is typed.
    pub(crate) fn line(&self) -> String {
        let Deed { word, service, tag, .. } = self;
        let (group, environment) = if self.production { ("p", "production") } else { ("s", "staging") };
        match self.on {
            Platform::Slack => format!("/deploy {group}{service}@{tag} to {environment} word={word}"),
            Platform::Discord => {
                let to = format!("service:{group}{service} environment:{environment}");
                format!("/deploy start {to} ref:{tag} parameters:word={word}")
            }
        }
    }
}

impl Plan {
    /// The deed with this number.
    pub(crate) fn deed(self, number: u32) -> Deed {
        let mut rng = Rng::with_seed(self.seed ^ (u64::from(number) << 20) ^ 0x6d75_7374_6572);
        let style = match rng.u8(..100) {
            0..44 => Style::Straight,
            44..82 => Style::Approved,
            82..87 => Style::Denied,
            87..90 => Style::Own,
            90..93 => Style::Stranger,
            _ => Style::Cancelled,
        };
        let first = rng.u32(..DEPLOYERS);
        let second = (first + rng.u32(1..DEPLOYERS)) % DEPLOYERS;
        let production = match style {
            Style::Straight | Style::Stranger => false,
            Style::Approved | Style::Denied | Style::Own => true,
            Style::Cancelled => rng.bool(),
        };
        Deed {
            word: format!("w{number:05}"),
            who: if style == Style::Stranger { STRANGER.to_owned() } else { person(first) },
            on: Platform::ALL[rng.usize(..Platform::ALL.len())],
            other: person(second),
            service: rng.u32(..SERVICES),
            production,
            tag: TAGS[rng.usize(..TAGS.len())],
            style,
        }
    }

    /// How many of the deploys may be asked for after so many kills: a little more than their share.
    pub(crate) fn share(self, kills: u32) -> u32 {
        let share = u64::from(self.deploys) * (u64::from(kills) + 1) / u64::from(self.kills.max(1));
        u32::try_from(share).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// Everybody: the three of the sandbox's configuration, whoever deploys, and the stranger.
pub(crate) fn people() -> Vec<String> {
    let named = ["ann", "bob", "cleo", STRANGER].map(str::to_owned);
    named.into_iter().chain((0..DEPLOYERS).map(person)).collect()
}

/// Those who may deploy and approve.
pub(crate) fn deployers() -> Vec<String> {
    (0..DEPLOYERS).map(person).collect()
}

fn person(number: u32) -> String {
    format!("d{number:02}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn deeds_are_of_every_style_and_the_same_each_time() {
        let plan = Plan { kills: 10, deploys: 300, steady: Duration::from_millis(1), seed: 7, hurry: true };
        let mut styles = BTreeSet::new();
        for number in 0..plan.deploys {
            let (one, other) = (plan.deed(number), plan.deed(number));
            assert_eq!(one.line(), other.line());
            assert_ne!(one.who, one.other);
            assert_eq!(one.production, plan.deed(number).production);
            styles.insert(format!("{:?}", one.style));
        }
        assert_eq!(styles.len(), 6, "{styles:?}");
        assert_eq!((plan.share(0), plan.share(9)), (31, 301));
    }
}
