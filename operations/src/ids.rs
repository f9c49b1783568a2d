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

/// Not an id of that kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

macro_rules! numbered_id {
    ($(#[$doc:meta])* $name:ident($number:ty) = $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}-{}", $prefix, self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// Takes the prefix in any case, with and without its hyphen, and the number alone.
            fn from_str(text: &str) -> Result<$name, NotAnId> {
                let text = text.trim().to_ascii_uppercase();
                let digits = text.strip_prefix($prefix).map_or(text.as_str(), |rest| rest.trim_start_matches('-'));
                digits.parse().map($name).map_err(|_| NotAnId)
            }
        }
    };
}

numbered_id!(
    /// An incident's number: `INC-42`.
    IncidentId(u32) = "INC"
);
numbered_id!(
    /// An alert group's number: `A-311`.
    GroupId(u64) = "A"
);
numbered_id!(
    /// An alert storm's number: `STORM-3`.
    StormId(u32) = "STORM"
);
numbered_id!(
    /// A deploy's number: `D-7`.
    DeployId(u32) = "D"
);
numbered_id!(
    /// A lock's number: `LOCK-3`.
    LockId(u32) = "LOCK"
);
numbered_id!(
    /// A freeze's number: `FREEZE-3`.
    FreezeId(u32) = "FREEZE"
);
numbered_id!(
    /// The number of a board that tells of alerts that were not shown in time: `MISSED-3`.
    MissedId(u32) = "MISSED"
);

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
