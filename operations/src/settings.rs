//! What the configuration says, as far as decisions and cards need it.
//!
//! Not journaled: replaying a journal never reads it.

mod found;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::chat::Actor;
use crate::deploy::Target;
use crate::ids::{ChannelId, Platform, UserRef};
use crate::incident::Severity;
use crate::labels::Labels;
use crate::pipeline::Capabilities;
use crate::policy::Keeper;
use crate::text::Outside;

pub use self::found::{People, Services, Teams};

/// The configuration's part in decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The chats that are connected.
    pub chats: BTreeMap<Platform, Seat>,
    /// The people who are known.
    pub people: People,
    /// The teams by name, as the keys of their people.
    pub teams: Teams,
    /// The roles by name.
    pub roles: BTreeMap<String, Holders>,
    /// Who may do what.
    pub gate: Keeper,
    /// Where the hours and weekdays of rules are told; UTC where it isn't said.
    pub time_zone: Option<TimeZone>,
    /// The services that are known.
    pub services: Services,
    /// Where people's browsers reach Muster; no slash at its end.
    pub public_url: String,
    /// After how long an acknowledged alert that still fires is asked about again.
    pub ask_again_after: Option<Duration>,
    /// How often an update is due, by severity. None where none is.
    pub update_every: BTreeMap<Severity, Duration>,
    /// Hosts that links from alerts may point to; every host where it is empty.
    pub link_hosts: Vec<String>,
    /// After how long without a word from a source people are told.
    pub silent_after: BTreeMap<String, Duration>,
    /// How many new alert groups in a channel and minute make a storm. None where nothing does.
    pub storm_at: Option<u64>,
    /// Who is told outside when a deploy ended: the names of what is configured.
    pub told_of_deploys: Vec<String>,
}

/// What the channel for checkpoints is for, in words.
pub const CHECKPOINTS: &str = "checkpoints of the journal";

/// Where Muster sits on one chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Slack's team or Discord's guild.
    pub workspace: String,
    /// The channel for alerts.
    pub alerts: ChannelId,
    /// The channel where incidents are announced.
    pub incidents: ChannelId,
    /// The operators' channel.
    pub operators: Option<ChannelId>,
    /// What takes the place of a channel that can't be used, where one is named.
    pub fallback: Option<ChannelId>,
    /// The channel for checkpoints of the journal. Nothing takes its place.
    pub checkpoints: Option<ChannelId>,
    /// Channels for the alerts of single services, by the service's name.
    pub services: BTreeMap<String, ChannelId>,
    /// The channel for deploys.
    pub deploys: Option<ChannelId>,
}

/// A person with accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their key in the configuration.
    pub key: String,
    /// Their name.
    pub name: Outside,
    /// Their accounts.
    pub accounts: Vec<UserRef>,
    /// Whether they have not left.
    pub active: bool,
}

/// Who has a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// The keys of people.
    pub people: BTreeSet<String>,
    /// The names of teams, all of whose people have it.
    pub teams: BTreeSet<String>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub owner: Option<String>,
    /// The labels of the alerts that are about it: all must match.
    pub matches: BTreeMap<String, String>,
    /// Where it can be looked at.
    pub dashboard: Option<String>,
    /// Where it runs, in the order in which releases go through.
    pub environments: Vec<Environment>,
}

/// A place where a service runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Whether it counts as production: never implied, and frozen with it.
    pub production: bool,
    /// How many other people approve a deploy there.
    pub approvals: u32,
    /// The environment that a release does well in first.
    pub order_after: Option<String>,
    /// What can deploy there; none where nothing can.
    pub pipeline: Option<Capabilities>,
    /// Which parameters a deploy takes, each with the values that it may have; any plain word where there are none.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// How it is seen whether a deploy does well.
    pub verify: Option<Verify>,
    /// What follows when an alert of the service opens soon after a deploy.
    pub on_alert: Option<OnAlert>,
}

/// How it is seen whether a deploy does well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verify {
    /// An address that answers with 2xx when it does.
    pub http: Option<String>,
    /// An alert that must not fire: its name, or `*` for any of the service's.
    pub alert: Option<String>,
    /// How long it is looked at.
    pub within: Duration,
}

/// What follows when an alert of the service opens soon after a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnAlert {
    /// How soon.
    pub within: Duration,
    /// Whether it is gone back by itself; else that is proposed.
    pub roll_back: bool,
}

impl Settings {
    /// A service by its name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.named(name)
    }

    /// An environment of a service.
    #[must_use]
    pub fn environment(&self, target: &Target) -> Option<&Environment> {
        self.service(&target.service)?.environments.iter().find(|it| it.name == target.environment)
    }

    /// The channel for the deploys of a service on a chat: the one for deploys, else the service's own, else the one where
    /// incidents are announced.
    #[must_use]
    pub fn deploys_channel(&self, platform: Platform, service: &str) -> Option<&ChannelId> {
        let seat = self.chats.get(&platform)?;
        Some(seat.deploys.as_ref().or_else(|| seat.services.get(service)).unwrap_or(&seat.incidents))
    }

    /// The person behind an account, where it is linked.
    #[must_use]
    pub fn person(&self, user: &UserRef) -> Option<&Person> {
        self.people.with_account(user)
    }

    /// Whether two accounts are one person's.
    #[must_use]
    pub fn same_person(&self, one: &UserRef, other: &UserRef) -> bool {
        one == other || self.person(one).is_some_and(|person| person.accounts.contains(other))
    }

    /// The people who have a role, themselves or with a team of theirs.
    pub fn with_role<'a>(&'a self, role: &str) -> impl Iterator<Item = &'a Person> {
        let holders = self.roles.get(role);
        let is_one = move |person: &&Person| {
            holders.is_some_and(|it| {
                it.people.contains(&person.key) || it.teams.iter().any(|team| self.is_in(person, team))
            })
        };
        self.people.iter().filter(is_one)
    }

    /// Whether a person is in a team.
    #[must_use]
    pub fn is_in(&self, person: &Person, team: &str) -> bool {
        self.teams.get(team).is_some_and(|members| members.contains(&person.key))
    }

    /// The name to show for somebody: the configured one, else the platform's, else the account's id.
    #[must_use]
    pub fn name_of(&self, actor: &Actor) -> Outside {
        if let Some(person) = self.person(&actor.user) {
            return person.name.clone();
        }
        if actor.name.is_empty() { Outside::new(&actor.user.user) } else { actor.name.short(80) }
    }

    /// The service in whose channel the alerts of `service` stand: itself where it has one, else none.
    #[must_use]
    pub fn channel_owner(&self, service: Option<&Outside>) -> Option<Outside> {
        let has_one = |service: &&Outside| self.chats.values().any(|seat| seat.services.contains_key(service.as_str()));
        service.filter(has_one).cloned()
    }

    /// The channel for the alerts of a service on a chat; the one for all alerts where it has none there.
    #[must_use]
    pub fn alerts_channel(&self, platform: Platform, service: Option<&Outside>) -> Option<&ChannelId> {
        let seat = self.chats.get(&platform)?;
        Some(service.and_then(|service| seat.services.get(service.as_str())).unwrap_or(&seat.alerts))
    }

    /// What takes the place of a channel that can't be used, the first choice first.
    pub fn fallbacks<'a>(&'a self, platform: Platform) -> impl Iterator<Item = &'a ChannelId> {
        let of = |seat: &'a Seat| {
            [seat.fallback.as_ref(), seat.operators.as_ref(), Some(&seat.alerts), Some(&seat.incidents)]
        };
        self.chats.get(&platform).into_iter().flat_map(of).flatten()
    }

    /// What a channel is for, where the configuration names it.
    #[must_use]
    pub fn purpose_of(&self, platform: Platform, channel: &ChannelId) -> Option<String> {
        let seat = self.chats.get(&platform)?;
        if channel == &seat.alerts {
            return Some("alerts".to_owned());
        }
        if channel == &seat.incidents {
            return Some("incidents".to_owned());
        }
        if Some(channel) == seat.operators.as_ref() {
            return Some("operators".to_owned());
        }
        if Some(channel) == seat.fallback.as_ref() {
            return Some("what has no other place".to_owned());
        }
        if Some(channel) == seat.checkpoints.as_ref() {
            return Some(CHECKPOINTS.to_owned());
        }
        if Some(channel) == seat.deploys.as_ref() {
            return Some("deploys".to_owned());
        }
        let service = seat.services.iter().find(|(_, own)| *own == channel);
        service.map(|(service, _)| format!("alerts of {service}"))
    }

    /// Where a storm's alerts are listed.
    #[must_use]
    pub fn storm_url(&self, storm: crate::ids::StormId) -> String {
        format!("{}/storms/{storm}", self.public_url)
    }

    /// Where alerts that were not shown in time are listed.
    #[must_use]
    pub fn missed_url(&self, missed: crate::ids::MissedId) -> String {
        format!("{}/missed/{missed}", self.public_url)
    }

    /// The service that labels are about: by the configured matchers, else by their `service` label.
    #[must_use]
    pub fn service_of(&self, labels: &Labels) -> Option<Outside> {
        let matched = self.services.iter().find(|service| {
            !service.matches.is_empty()
                && service
                    .matches
                    .iter()
                    .all(|(name, value)| labels.get(name).is_some_and(|label| label.as_str() == value))
        });
        match matched {
            Some(service) => Some(Outside::new(&service.name)),
            None => labels.get("service").filter(|label| !label.is_empty()).map(|label| label.short(80)),
        }
    }
}
