//! What things are called: platforms, people on them, channels, messages, incidents, alert groups.
//!
//! What holds: an id is never made from a name, and names and channels never grant anything.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A chat platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Slack.
    Slack,
    /// Discord.
    Discord,
}

impl Platform {
    /// Both, in the order in which they are shown.
    pub const ALL: [Platform; 2] = [Platform::Slack, Platform::Discord];

    /// As people write it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Platform::Slack => "Slack",
            Platform::Discord => "Discord",
        }
    }

    /// As it stands in keys and metrics.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Platform::Slack => "slack",
            Platform::Discord => "discord",
        }
    }
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// The id as the platform writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> $name {
                $name(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> $name {
                $name(id.into())
            }
        }
    };
}

string_id!(
    /// A channel (or a thread that is one) on a platform.
    ChannelId
);
string_id!(
    /// A message within its channel: Slack's `ts`, Discord's snowflake.
    MessageId
);

/// A person's account: what rights and links are attached to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserRef {
    /// Where the account is.
    pub platform: Platform,
    /// Slack's team or Discord's guild.
    pub workspace: String,
    /// The account's id there.
    pub user: String,
}

/// A message anywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    /// Where.
    pub platform: Platform,
    /// In which channel.
    pub channel: ChannelId,
    /// Which one.
    pub message: MessageId,
}

/// An incident's number: `INC-42`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub u32);

/// An alert storm's number: `STORM-3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StormId(pub u32);

impl fmt::Display for StormId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "STORM-{}", self.0)
    }
}

impl FromStr for StormId {
    type Err = NotAnId;

    /// Takes `STORM-3` and `3`.
    fn from_str(text: &str) -> Result<StormId, NotAnId> {
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.strip_prefix("storm").map_or(lower.as_str(), |rest| rest.trim_start_matches('-'));
        digits.parse().map(StormId).map_err(|_| NotAnId)
    }
}

/// The number of a board that tells of alerts that were not shown in time: `MISSED-3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MissedId(pub u32);

impl fmt::Display for MissedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MISSED-{}", self.0)
    }
}

impl FromStr for MissedId {
    type Err = NotAnId;

    /// Takes `MISSED-3` and `3`.
    fn from_str(text: &str) -> Result<MissedId, NotAnId> {
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.strip_prefix("missed").map_or(lower.as_str(), |rest| rest.trim_start_matches('-'));
        digits.parse().map(MissedId).map_err(|_| NotAnId)
    }
}

/// An alert group's number: `A-311`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub u64);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}", self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A-{}", self.0)
    }
}

/// Not an id of that kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

impl FromStr for IncidentId {
    type Err = NotAnId;

    /// Takes `INC-42`, `inc42` and `42`.
    fn from_str(text: &str) -> Result<IncidentId, NotAnId> {
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.strip_prefix("inc").map_or(lower.as_str(), |rest| rest.trim_start_matches('-'));
        digits.parse().map(IncidentId).map_err(|_| NotAnId)
    }
}

impl FromStr for GroupId {
    type Err = NotAnId;

    /// Takes `A-311`, `a311` and `311`.
    fn from_str(text: &str) -> Result<GroupId, NotAnId> {
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.strip_prefix('a').map_or(lower.as_str(), |rest| rest.trim_start_matches('-'));
        digits.parse().map(GroupId).map_err(|_| NotAnId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_people_type_them() {
        for text in ["INC-7", "inc-7", "inc7", "7"] {
            assert_eq!(text.parse(), Ok(IncidentId(7)), "{text}");
        }
        for text in ["A-7", "a7", "7"] {
            assert_eq!(text.parse(), Ok(GroupId(7)), "{text}");
        }
        assert_eq!("INC-x".parse::<IncidentId>(), Err(NotAnId));
        assert_eq!("".parse::<GroupId>(), Err(NotAnId));
    }
}
