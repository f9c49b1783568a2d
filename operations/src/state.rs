//! The state: a fold of the journal.
//!
//! What holds: [`State::apply`] never fails, never looks at the configuration, and is the
//! only thing that changes what is remembered. Groups that were resolved more than a day
//! before and belong to no incident are forgotten; incidents are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::alert::{Group, Member, Unheard};
use crate::channels::Unusable;
use crate::deploy::{Deploy, Release, Target};
use crate::effect::{CardId, Place};
use crate::ids::{
    ChannelId, DeployId, FreezeId, GroupId, IncidentId, LockId, MessageId, MessageRef, MissedId, Platform, StormId,
};
use crate::incident::Incident;
use crate::journal::Record;
use crate::labels::Strings;
use crate::locks::{Freeze, Lock};
use crate::missed::Missed;
use crate::settings::Settings;
use crate::storm::{Openings, Storm};
use crate::text::Outside;
use crate::timer::Timer;
use crate::triage::LATE;
use crate::vitals::{Trouble, Vitals};

mod entries;
mod fold;

/// For how long a resolved group is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// So many ends of alerts that had never fired here are remembered.
const UNHEARD: usize = 1_000;

/// An alert is looked for in so many resolved groups of its key.
const RECENT: usize = 100;

/// So many storms are remembered.
const STORMS: usize = 1_000;

/// What an alert is found by: its source, its group's key there, and its fingerprint.
pub type AlertKey = (Arc<str>, Arc<str>, Arc<str>);

/// Everything that is remembered, and the configuration that decisions are made by.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// The configuration. Not part of a snapshot.
    #[serde(skip)]
    pub settings: Settings,
    /// The number of the last event that was folded.
    pub seq: u64,
    /// Incidents by number.
    pub incidents: BTreeMap<IncidentId, Arc<Incident>>,
    /// Alert groups by number.
    pub groups: BTreeMap<GroupId, Arc<Group>>,
    /// The number of the newest alert group.
    pub last_group: u64,
    /// Where each card was posted.
    #[serde(with = "crate::pairs")]
    pub cards: BTreeMap<(CardId, Place), Posted>,
    /// When alert groups opened, by the service whose channel they are shown in.
    #[serde(with = "crate::pairs", default)]
    pub openings: BTreeMap<Option<Outside>, Openings>,
    /// Alert storms by number.
    #[serde(default)]
    pub storms: BTreeMap<StormId, Arc<Storm>>,
    /// The number of the newest storm.
    #[serde(default)]
    pub last_storm: u32,
    /// Boards of alerts that were not shown in time, by number.
    #[serde(default)]
    pub missed: BTreeMap<MissedId, Arc<Missed>>,
    /// The number of the newest of them.
    #[serde(default)]
    pub last_missed: u32,
    /// Those that are not posted yet, by chat and by the service whose channel it is.
    #[serde(with = "crate::pairs", default)]
    pub missing: BTreeMap<(Platform, Option<Outside>), MissedId>,
    /// What is wrong with Muster itself, and since when.
    #[serde(with = "crate::pairs", default)]
    pub troubles: BTreeMap<Trouble, Timestamp>,
    /// Channels that can't be used, and why.
    #[serde(with = "crate::pairs", default)]
    pub unusable: BTreeMap<(Platform, ChannelId), Unusable>,
    /// Cards that stayed behind in channels that can't be used, because they were posted anew elsewhere.
    #[serde(default)]
    pub left: Vec<MessageRef>,
    /// When each source told something last.
    #[serde(default)]
    pub sources: BTreeMap<Arc<str>, Timestamp>,
    /// Ends of alerts that had never fired here, and when they were heard.
    #[serde(with = "crate::pairs", default)]
    pub unheard: BTreeMap<AlertKey, (Timestamp, Unheard)>,
    /// When Muster was started.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// Which rules say who may do what.
    #[serde(default)]
    pub policies: String,
    /// Who is a guest on a chat, and who was deactivated.
    #[serde(default)]
    pub accounts: Accounts,
    /// What Muster sees of itself. Not part of a snapshot.
    #[serde(skip)]
    pub vitals: Vitals,
    /// What is due when.
    pub due: BTreeSet<(Timestamp, Timer)>,
    /// Deploys by number.
    #[serde(default)]
    pub deploys: BTreeMap<DeployId, Arc<Deploy>>,
    /// What runs where, as far as Muster brought it there.
    #[serde(with = "crate::pairs", default)]
    pub running: BTreeMap<Target, Release>,
    /// Locks by number.
    #[serde(default)]
    pub locks: BTreeMap<LockId, Arc<Lock>>,
    /// The number of the newest lock.
    #[serde(default)]
    pub last_lock: u32,
    /// Freezes by number.
    #[serde(default)]
    pub freezes: BTreeMap<FreezeId, Arc<Freeze>>,
    /// The number of the newest freeze.
    #[serde(default)]
    pub last_freeze: u32,
    /// Messages whose mark waits for them to be looked up, or that are in a timeline.
    #[serde(with = "crate::pairs")]
    pub marked: BTreeMap<MessageRef, IncidentId>,
    /// Open groups by source and key. Derived.
    #[serde(skip)]
    open: HashMap<Arc<str>, HashMap<Arc<str>, GroupId>>,
    /// Resolved groups by source and key, the oldest first. Derived.
    #[serde(skip)]
    ended: HashMap<Arc<str>, HashMap<Arc<str>, Vec<GroupId>>>,
    /// Rooms by channel. Derived.
    #[serde(skip)]
    rooms: HashMap<(Platform, ChannelId), IncidentId>,
    /// The strings of alerts. Derived.
    #[serde(skip)]
    strings: Strings,
    /// Resolved groups that belong to no incident, the oldest first. Derived.
    #[serde(skip)]
    fading: BTreeSet<(Timestamp, GroupId)>,
}

/// A card that was posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// In which channel.
    pub channel: ChannelId,
    /// As which message.
    pub message: MessageId,
}

impl Posted {
    /// The message, on the chat that it is on.
    #[must_use]
    pub fn on(&self, platform: Platform) -> MessageRef {
        MessageRef { platform, channel: self.channel.clone(), message: self.message.clone() }
    }
}

impl State {
    /// Folds an event.
    pub fn apply(&mut self, record: &Record) {
        self.seq = record.seq;
        fold::apply(self, record);
    }

    /// A copy without what [`State::derive`] brings back. Groups and incidents are shared with this one, not copied.
    #[must_use]
    pub fn stored(&self) -> State {
        // All of them by name, so that none is forgotten.
        let State {
            settings: _,
            seq,
            incidents,
            groups,
            last_group,
            cards,
            openings,
            storms,
            last_storm,
            missed,
            last_missed,
            missing,
            troubles,
            unusable,
            left,
            sources,
            unheard,
            started_at,
            policies,
            accounts,
            vitals: _,
            due,
            deploys,
            running,
            locks,
            last_lock,
            freezes,
            last_freeze,
            marked,
            open: _,
            ended: _,
            rooms: _,
            strings: _,
            fading: _,
        } = self;
        State {
            seq: *seq,
            incidents: incidents.clone(),
            groups: groups.clone(),
            last_group: *last_group,
            cards: cards.clone(),
            openings: openings.clone(),
            storms: storms.clone(),
            last_storm: *last_storm,
            missed: missed.clone(),
            last_missed: *last_missed,
            missing: missing.clone(),
            troubles: troubles.clone(),
            unusable: unusable.clone(),
            left: left.clone(),
            sources: sources.clone(),
            unheard: unheard.clone(),
            started_at: *started_at,
            policies: policies.clone(),
            accounts: accounts.clone(),
            due: due.clone(),
            deploys: deploys.clone(),
            running: running.clone(),
            locks: locks.clone(),
            last_lock: *last_lock,
            freezes: freezes.clone(),
            last_freeze: *last_freeze,
            marked: marked.clone(),
            ..State::default()
        }
    }

    /// Brings back what a snapshot leaves out.
    pub fn derive(&mut self) {
        for group in self.groups.values_mut() {
            share(Arc::make_mut(group), &mut self.strings);
            if group.resolved_at.is_none() {
                self.open.entry(group.source.clone()).or_default().insert(group.key.clone(), group.id);
            } else {
                // One of a key opens when the one before is resolved: their numbers are in order.
                let keys = self.ended.entry(group.source.clone()).or_default();
                keys.entry(group.key.clone()).or_default().push(group.id);
            }
        }
        self.rooms = self
            .incidents
            .values()
            .flat_map(|incident| {
                incident.rooms.iter().map(|(platform, room)| ((*platform, room.channel.clone()), incident.id))
            })
            .collect();
        self.fading = self
            .groups
            .values()
            .filter(|group| group.incident.is_none())
            .filter_map(|group| group.resolved_at.map(|at| (at, group.id)))
            .collect();
    }

    /// The open group of a source's key.
    #[must_use]
    pub fn open_group(&self, source: &str, key: &str) -> Option<&Group> {
        self.open.get(source)?.get(key).and_then(|id| self.groups.get(id)).map(Arc::as_ref)
    }

    /// The groups of a source's key that were resolved so little before `now` that what comes late may be about them,
    /// the newest first.
    pub fn just_ended(&self, source: &str, key: &str, now: Timestamp) -> impl Iterator<Item = &Group> {
        let ended = self.ended.get(source).and_then(|keys| keys.get(key)).into_iter().flatten().rev();
        let groups = ended.filter_map(|id| self.groups.get(id)).map(Arc::as_ref);
        groups.take_while(move |group| group.resolved_at.is_some_and(|at| now.duration_since(at) <= LATE))
    }

    /// How an alert stood in the last group of a source's key that was resolved and had it.
    #[must_use]
    pub fn ended_member(&self, source: &str, key: &str, fingerprint: &str) -> Option<&Member> {
        let ended = self.ended.get(source).and_then(|keys| keys.get(key)).into_iter().flatten().rev().take(RECENT);
        ended.filter_map(|id| self.groups.get(id)).find_map(|group| group.members.get(fingerprint))
    }

    /// The groups that fire, the newest first.
    pub fn firing(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().rev().map(Arc::as_ref).filter(|group| group.resolved_at.is_none())
    }

    /// The incidents that are not over, the newest first.
    pub fn open_incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values().rev().map(Arc::as_ref).filter(|incident| incident.is_open())
    }

    /// The storm that rages in the channel of a service, or of all alerts.
    #[must_use]
    pub fn storm_in(&self, channel: Option<&Outside>) -> Option<&Storm> {
        let raging = self.openings.get(&channel.cloned())?.raging?;
        self.storms.get(&raging).map(Arc::as_ref)
    }

    /// The incident whose room a channel is.
    #[must_use]
    pub fn incident_of(&self, platform: Platform, channel: &ChannelId) -> Option<IncidentId> {
        self.rooms.get(&(platform, channel.clone())).copied()
    }

    /// Where a place is: the channel, once there is one. Where it can't be used, what takes its place; but a room is
    /// where it is ([`State::heard_in`]).
    #[must_use]
    pub fn channel_of(&self, place: Place) -> Option<&ChannelId> {
        let platform = place.platform();
        let seat = self.settings.chats.get(&platform);
        let channel = match place {
            Place::Alerts(_) => self.settings.alerts_channel(platform, None),
            Place::Beside(_, group) => {
                if let Some(posted) = self.posted_at(CardId::Alert(group), Place::Alerts(platform)) {
                    return Some(&posted.channel);
                }
                self.settings.alerts_channel(platform, self.groups.get(&group)?.channel.as_ref())
            }
            Place::Storm(_, storm) => self.settings.alerts_channel(platform, self.storms.get(&storm)?.channel.as_ref()),
            Place::Announcements(_) => seat.map(|seat| &seat.incidents),
            Place::Operators(_) => seat.and_then(|seat| seat.operators.as_ref()),
            Place::Room(_, incident) => {
                let room = self.incidents.get(&incident).and_then(|incident| incident.rooms.get(&platform));
                return room.map(|room| &room.channel);
            }
            Place::Missed(_, missed) => {
                self.settings.alerts_channel(platform, self.missed.get(&missed)?.channel.as_ref())
            }
            Place::Deploy(_, deploy) => {
                self.settings.deploys_channel(platform, &self.deploys.get(&deploy)?.wanted.target.service)
            }
            Place::DeployThread(_, deploy) => {
                let card = (CardId::Deploy(deploy), Place::Deploy(platform, deploy));
                return self.channel_of_card(card.0, card.1);
            }
            Place::Deploys(_) => seat.map(|seat| seat.deploys.as_ref().unwrap_or(&seat.incidents)),
        };
        channel.map(|channel| self.instead_of(platform, channel))
    }

    /// The channel that a card is in, or goes to, once there is one.
    #[must_use]
    pub fn channel_of_card(&self, card: CardId, place: Place) -> Option<&ChannelId> {
        if let Some(posted) = self.posted_at(card, place) {
            // A card stays where it was posted, even if the configuration names another channel now.
            return Some(&posted.channel);
        }
        match (card, place) {
            (CardId::Alert(group), Place::Alerts(platform)) => self.channel_of(Place::Beside(platform, group)),
            _ => self.channel_of(place),
        }
    }

    /// Where a card was posted. One in a channel that can't be used is out of reach, as if it had not been.
    #[must_use]
    pub fn posted(&self, card: CardId, place: Place) -> Option<MessageRef> {
        self.posted_at(card, place).map(|posted| posted.on(place.platform()))
    }

    fn posted_at(&self, card: CardId, place: Place) -> Option<&Posted> {
        let posted = self.cards.get(&(card, place))?;
        self.unusable(place.platform(), &posted.channel).is_none().then_some(posted)
    }

    /// When something is due next.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Drops what was due up to `now`: it was looked at. Not an event; after a replay it is looked at once more.
    pub fn looked_at(&mut self, now: Timestamp) {
        self.due.retain(|(at, _)| *at > now);
    }

    /// Forgets what storms and boards that were over long before `now` held back, and the oldest of them.
    fn forget_boards(&mut self, now: Timestamp) {
        for missed in self.missed.values_mut().filter(|missed| !missed.held.is_empty()) {
            if is_forgotten(missed.ended_at, now) {
                Arc::make_mut(missed).held = Vec::new();
            }
        }
        while self.missed.len() > STORMS && self.missed.first_key_value().is_some_and(|(_, it)| it.ended_at.is_some()) {
            self.missed.pop_first();
        }
        for storm in self.storms.values_mut().filter(|storm| !storm.held.is_empty()) {
            if is_forgotten(storm.ended_at, now) {
                Arc::make_mut(storm).held = Vec::new();
            }
        }
        while self.storms.len() > STORMS && self.storms.first_key_value().is_some_and(|(_, it)| it.ended_at.is_some()) {
            self.storms.pop_first();
        }
    }

    /// Remembers the end of an alert that had never fired here, in the place of the oldest where there are too many.
    fn remember_unheard(&mut self, source: &Arc<str>, key: &Arc<str>, alert: &Unheard, at: Timestamp) {
        if self.unheard.len() >= UNHEARD
            && let Some(oldest) = self.unheard.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| key.clone())
        {
            self.unheard.remove(&oldest);
        }
        self.unheard.insert((source.clone(), key.clone(), alert.fingerprint.clone()), (at, alert.clone()));
    }

    /// Forgets groups that were resolved long before `now`.
    fn forget(&mut self, now: Timestamp) {
        while let Some(&(at, group)) = self.fading.first() {
            if now.duration_since(at) < REMEMBERED {
                break;
            }
            self.fading.pop_first();
            if let Some(gone) = self.groups.remove(&group)
                && let Some(keys) = self.ended.get_mut(&gone.source)
                && let Some(ended) = keys.get_mut(&gone.key)
            {
                ended.retain(|id| *id != group);
                if ended.is_empty() {
                    keys.remove(&gone.key);
                }
            }
            for platform in Platform::ALL {
                self.cards.remove(&(CardId::Alert(group), Place::Alerts(platform)));
            }
        }
    }
}

/// Whether something ended so long before `now` that it is forgotten.
fn is_forgotten(ended: Option<Timestamp>, now: Timestamp) -> bool {
    ended.is_some_and(|ended| now.duration_since(ended) >= REMEMBERED)
}

/// Has a group that came from a snapshot share its strings with the others.
fn share(group: &mut Group, strings: &mut Strings) {
    group.source = strings.share(&group.source);
    group.title = group.title.shared(strings);
    group.service = group.service.take().map(|service| service.shared(strings));
    group.source_url = group.source_url.take().map(|url| strings.share(&url));
    group.members.share(strings);
}
