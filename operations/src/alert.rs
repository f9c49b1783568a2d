//! Alerts: what a monitor told, and the group that a card stands for.
//!
//! An [`Alert`] is one firing condition, known by its fingerprint. A [`Group`] is the
//! alerts that are handled as one: one card, one acknowledgement. What holds: a group is
//! resolved only when every member that is known is resolved and none was left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chat::Actor;
use crate::ids::{GroupId, IncidentId, MissedId, Platform, StormId};
use crate::incident::Severity;
use crate::labels::Labels;
use crate::members::Members;
use crate::text::Outside;
use crate::triage::Verdict;

/// One webhook's worth of alerts, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The source it came from, by its name in the configuration.
    pub source: Arc<str>,
    /// The source's own key of the group.
    pub key: Arc<str>,
    /// The labels that all members share by definition.
    pub group_labels: Labels,
    /// The members that were told.
    pub alerts: Vec<Told>,
    /// How many members were left out by the source. They are not resolved; they are not known.
    pub truncated: u32,
    /// Where the source can be looked at.
    pub source_url: Option<Arc<str>>,
}

/// One alert as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The alert.
    pub alert: Alert,
    /// Whether it fires or is resolved.
    pub firing: bool,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Stable identity, from its labels.
    pub fingerprint: Arc<str>,
    /// What it is about.
    pub labels: Labels,
    /// What is said of it.
    pub annotations: Labels,
    /// Since when it fires.
    pub starts_at: Timestamp,
    /// When it ended, once it has.
    pub ends_at: Option<Timestamp>,
    /// Where its rule can be looked at.
    pub source_url: Option<Arc<str>>,
}

/// An alert that ended before anybody told here that it fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unheard {
    /// Its identity.
    pub fingerprint: Arc<str>,
    /// Since when it fired.
    pub starts_at: Timestamp,
    /// When it ended.
    pub ends_at: Timestamp,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// As it was last told.
    pub alert: Alert,
    /// Whether it fires.
    pub firing: bool,
    /// When Muster first heard of it.
    pub first_seen: Timestamp,
    /// When Muster last heard of it.
    pub last_seen: Timestamp,
    /// Why it was taken as it was, the last time.
    pub verdict: Verdict,
}

/// Who took care of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
    /// When Muster asks again if it still fires.
    pub asks_again: Option<Timestamp>,
    /// Whether it has asked again.
    pub asked: bool,
}

/// Alerts handled as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// The source's name.
    pub source: Arc<str>,
    /// The source's key of it.
    pub key: Arc<str>,
    /// What it is called: the alert's name.
    pub title: Outside,
    /// The service that it is about, by name.
    pub service: Option<Outside>,
    /// Its severity.
    pub severity: Severity,
    /// Where the source can be looked at.
    pub source_url: Option<Arc<str>>,
    /// When Muster first heard of it.
    pub opened_at: Timestamp,
    /// Its members by fingerprint.
    pub members: Members,
    /// Members that the source left out, by its last word.
    pub truncated: u32,
    /// Who takes care of it.
    pub acknowledged: Option<Acknowledgement>,
    /// Who took the last acknowledgement back, and whose it was; until the next one.
    #[serde(default)]
    pub taken_back: Option<(Actor, Actor)>,
    /// How long after opening it was first acknowledged.
    pub first_acknowledged_at: Option<Timestamp>,
    /// When its last member was resolved.
    pub resolved_at: Option<Timestamp>,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
    /// The service whose channel it is shown in; none for the channel of all alerts.
    #[serde(default)]
    pub channel: Option<Outside>,
    /// The storm in which it opened and is held back.
    #[serde(default)]
    pub storm: Option<StormId>,
    /// The boards that stand for its card, by chat, where it could not be shown in time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missed: BTreeMap<Platform, MissedId>,
}

impl Group {
    /// Whether it has no card: it opened in a storm, and nobody has done anything about it.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.storm.is_some() && self.first_acknowledged_at.is_none() && self.incident.is_none()
    }

    /// Whether it has no card on this chat: it could not be shown in time, and nobody has done anything about it.
    #[must_use]
    pub fn is_missed_on(&self, platform: Platform) -> bool {
        self.missed.contains_key(&platform) && self.first_acknowledged_at.is_none() && self.incident.is_none()
    }

    /// How many members fire.
    #[must_use]
    pub fn firing(&self) -> usize {
        self.members.firing()
    }

    /// Since when the oldest member that fires does; when it opened where none does.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        let firing = self.members.values().filter(|member| member.firing);
        firing.map(|member| member.alert.starts_at).min().unwrap_or(self.opened_at)
    }

    /// When its oldest member began to fire, by the source's word.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.members.values().map(|member| member.alert.starts_at).min().unwrap_or(self.opened_at)
    }

    /// The first value of an annotation among the members, those that fire first.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&Outside> {
        let of = |firing: bool| {
            let mut members = self.members.values().filter(move |member| member.firing == firing);
            members.find_map(|member| member.alert.annotations.get(name))
        };
        of(true).or_else(|| of(false)).filter(|text| !text.is_empty())
    }

    /// The value of a label where all members agree on it.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&Outside> {
        let mut values = self.members.values().map(|member| member.alert.labels.get(name));
        let first = values.next().flatten()?;
        values.all(|value| value == Some(first)).then_some(first)
    }
}
