//! Incidents: one coordinated response, with one room on each chat and one timeline.
//!
//! What holds: everything here is a fold of the journal; nothing is guessed from
//! differences. Statuses move by the commands that name them, and may be reopened.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chat::{Actor, Captured};
use crate::ids::{ChannelId, GroupId, IncidentId, MessageRef, Platform};
use crate::text::Outside;
use crate::timeline::Entry;

/// How bad it is. `Sev1` is the worst, and sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Critical: most users, or data or money at risk.
    #[serde(rename = "SEV1")]
    Sev1,
    /// Major: many users, or a main function.
    #[serde(rename = "SEV2")]
    Sev2,
    /// Minor: some users, a way around exists.
    #[serde(rename = "SEV3")]
    Sev3,
    /// Cosmetic or internal.
    #[serde(rename = "SEV4")]
    Sev4,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Severity; 4] = [Severity::Sev1, Severity::Sev2, Severity::Sev3, Severity::Sev4];

    /// As it is written everywhere: `SEV2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Sev1 => "SEV1",
            Severity::Sev2 => "SEV2",
            Severity::Sev3 => "SEV3",
            Severity::Sev4 => "SEV4",
        }
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Severity::Sev1 => "critical: most users, or data or money at risk",
            Severity::Sev2 => "major: many users, or a main function",
            Severity::Sev3 => "minor: some users, a way around exists",
            Severity::Sev4 => "cosmetic or internal",
        }
    }

    /// The severity that an alert's label stands for; [`Severity::Sev3`] where it says nothing known.
    #[must_use]
    pub fn from_label(label: &str) -> Severity {
        if let Ok(severity) = label.parse() {
            return severity;
        }
        match label.trim().to_ascii_lowercase().as_str() {
            "critical" | "page" | "emergency" | "disaster" | "fatal" => Severity::Sev1,
            "high" | "error" | "major" => Severity::Sev2,
            "info" | "informational" | "none" | "low" | "debug" => Severity::Sev4,
            _ => Severity::Sev3,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not one of SEV1 to SEV4.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a severity: SEV1, SEV2, SEV3 or SEV4")]
pub struct NotASeverity;

impl FromStr for Severity {
    type Err = NotASeverity;

    /// Takes `SEV2`, `sev-2`, `s2`, `p2` and `2`.
    fn from_str(text: &str) -> Result<Severity, NotASeverity> {
        let lower = text.trim().to_ascii_lowercase();
        let number = lower.trim_start_matches("sev").trim_start_matches(['s', 'p']).trim_start_matches('-');
        match number {
            "1" => Ok(Severity::Sev1),
            "2" => Ok(Severity::Sev2),
            "3" => Ok(Severity::Sev3),
            "4" => Ok(Severity::Sev4),
            _ => Err(NotASeverity),
        }
    }
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Somebody looks into it.
    Investigating,
    /// It no longer hurts; the cause may still be there.
    Mitigated,
    /// It is over.
    Resolved,
}

impl Status {
    /// As people read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Investigating => "investigating",
            Status::Mitigated => "mitigated",
            Status::Resolved => "resolved",
        }
    }
}

/// What somebody takes care of during an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides. Exactly one.
    Commander,
    /// Speaks to everybody else.
    Communications,
    /// Writes down.
    Scribe,
}

impl Role {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Role; 3] = [Role::Commander, Role::Communications, Role::Scribe];

    /// As it is typed.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Role::Commander => "commander",
            Role::Communications => "communications",
            Role::Scribe => "scribe",
        }
    }

    /// As it is read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Role::Commander => "Commander",
            Role::Communications => "Communications",
            Role::Scribe => "Scribe",
        }
    }
}

/// Not a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role: commander, communications or scribe")]
pub struct NotARole;

impl FromStr for Role {
    type Err = NotARole;

    /// Takes the names that people use: `commander`, `ic`, `lead`, `comms`, `scribe`…
    fn from_str(text: &str) -> Result<Role, NotARole> {
        match text.trim().to_ascii_lowercase().as_str() {
            "commander" | "ic" | "lead" | "incident-commander" => Ok(Role::Commander),
            "communications" | "comms" | "communication" | "liaison" => Ok(Role::Communications),
            "scribe" | "notes" => Ok(Role::Scribe),
            _ => Err(NotARole),
        }
    }
}

/// An incident's room on one chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The channel.
    pub channel: ChannelId,
    /// Its name there.
    pub name: Outside,
}

/// Something to be done afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionItem {
    /// What.
    pub text: Outside,
    /// Who said so.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// A message that somebody pinned or marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The message as it was.
    pub captured: Captured,
    /// Who marked it.
    pub by: Actor,
    /// How it was marked.
    pub how: Mark,
}

/// How a message was marked for the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// By pinning it.
    Pin,
    /// By reacting with 📌.
    Reaction,
}

/// A page that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Where it can be read.
    pub url: String,
    /// When it was last written.
    pub at: Timestamp,
}

/// One coordinated response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// What is wrong, in somebody's words.
    pub title: Outside,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: Status,
    /// Who declared it.
    pub declared_by: Actor,
    /// When.
    pub declared_at: Timestamp,
    /// When it was mitigated, if it is.
    pub mitigated_at: Option<Timestamp>,
    /// When it was resolved, if it is.
    pub resolved_at: Option<Timestamp>,
    /// Who has which role.
    pub roles: BTreeMap<Role, Actor>,
    /// Everybody who did something, with when they first did.
    pub responders: Vec<(Actor, Timestamp)>,
    /// The alert groups that belong to it.
    pub groups: Vec<GroupId>,
    /// Its rooms.
    pub rooms: BTreeMap<Platform, Room>,
    /// The last update and when it was given.
    pub update: Option<(Outside, Timestamp)>,
    /// When the next update is due.
    pub update_due: Option<Timestamp>,
    /// What happened, by the time at which it happened.
    pub timeline: Vec<Entry>,
    /// Messages that were marked, by message.
    pub kept: Vec<Kept>,
    /// What is to be done afterwards.
    pub actions: Vec<ActionItem>,
    /// Side effects that were given up, by what they were, and why.
    pub failed: BTreeMap<String, String>,
    /// The postmortem, once written.
    pub postmortem: Option<Published>,
}

impl Incident {
    /// Whether it is not over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status != Status::Resolved
    }

    /// Whether a message was marked already.
    #[must_use]
    pub fn has_kept(&self, message: &MessageRef) -> bool {
        self.kept.iter().any(|kept| &kept.captured.message == message)
    }
}
