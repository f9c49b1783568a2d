//! What becomes of alerts that were told, and of what people ask about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Decision;
use crate::alert::{Group, Received, Told, Unheard};
use crate::chat::Actor;
use crate::command::AlertAsk;
use crate::deploy::Opened;
use crate::deploy::releases::environment_in;
use crate::event::Event;
use crate::ids::GroupId;
use crate::incident::Severity;
use crate::policy::{self, Asking, Verb};
use crate::refusal::Refusal;
use crate::reply::{Did, Reply};
use crate::state::State;
use crate::text::Outside;
use crate::triage::{LATE, Verdict, triage};

/// What follows from one webhook: at most one group is touched, because one webhook is one group.
pub(super) fn received(state: &State, received: &Received, now: Timestamp) -> Vec<Event> {
    let open = state.open_group(&received.source, &received.key);
    let mut webhook = Webhook {
        state,
        received,
        now,
        open,
        id: open.map_or(GroupId(state.last_group + 1), |group| group.id),
        is_open: open.is_some(),
        events: Vec::new(),
        repeated: Vec::new(),
        unheard: Vec::new(),
        firing: BTreeMap::new(),
    };
    received.alerts.iter().for_each(|told| webhook.take(told));
    webhook.end()
}

/// One webhook while its alerts are looked at, one after another.
struct Webhook<'a> {
    state: &'a State,
    received: &'a Received,
    now: Timestamp,
    /// The open group of its key, as it was before.
    open: Option<&'a Group>,
    /// The number of that group, or of the one that opens.
    id: GroupId,
    /// Whether the group is open by now.
    is_open: bool,
    events: Vec<Event>,
    repeated: Vec<Arc<str>>,
    unheard: Vec<Unheard>,
    /// Which of the members that were told fire after this webhook; the others are as they were.
    firing: BTreeMap<&'a str, bool>,
}

impl<'a> Webhook<'a> {
    fn take(&mut self, told: &'a Told) {
        let Received { source, key, .. } = self.received;
        let fingerprint = &told.alert.fingerprint;
        let ended = || self.state.ended_member(source, key, fingerprint);
        match triage(told, self.open, ended, self.now) {
            Verdict::Duplicate => self.repeated.push(fingerprint.clone()),
            Verdict::Outdated => {}
            Verdict::NeverFired => self.unheard.extend(unheard_end(self.state, self.received, told)),
            // A second copy within one webhook is looked at as a member of a group that just opened.
            Verdict::Opens if self.is_open => self.fires(told, Verdict::Joins),
            verdict @ (Verdict::Opens | Verdict::Joins | Verdict::Updates) => self.fires(told, verdict),
            Verdict::Resolves => {
                self.firing.insert(fingerprint, false);
                let ends_at = told.alert.ends_at.unwrap_or(told.alert.starts_at);
                self.events.push(Event::AlertResolved { group: self.id, fingerprint: fingerprint.clone(), ends_at });
            }
        }
    }

    fn fires(&mut self, told: &'a Told, verdict: Verdict) {
        let ends_at = end_heard_before(self.state, self.received, told, self.now);
        if !self.is_open {
            // What is over already opens no group beside the one that it was part of.
            if let Some(ends_at) = ends_at
                && let Some(ended) = self.just_ended_with(told)
            {
                self.events.extend(fired_and_resolved(ended, told, verdict, ends_at));
                return;
            }
            self.is_open = true;
            let service = self.state.settings.service_of(&told.alert.labels);
            self.events.extend(crate::storm::begins(self.state, service.as_ref(), self.now));
            self.events.push(opening(self.state, self.id, self.received, told, service));
        }
        self.firing.insert(&told.alert.fingerprint, ends_at.is_none());
        match ends_at {
            Some(ends_at) => self.events.extend(fired_and_resolved(self.id, told, verdict, ends_at)),
            None => self.events.push(Event::AlertFired { group: self.id, alert: told.alert.clone(), verdict }),
        }
    }

    /// The group that ended just before and that an alert fired with.
    fn just_ended_with(&self, told: &Told) -> Option<GroupId> {
        let mut ended = self.state.just_ended(&self.received.source, &self.received.key, self.now);
        ended.find(|group| fired_with(group, told)).map(|group| group.id)
    }

    fn end(self) -> Vec<Event> {
        let Webhook { received, open, id, mut events, .. } = self;
        if !self.repeated.is_empty() {
            events.push(Event::AlertsRepeated { group: id, fingerprints: self.repeated });
        }
        if !self.unheard.is_empty() {
            let (source, key) = (received.source.clone(), received.key.clone());
            events.push(Event::UnheardResolved { source, key, alerts: self.unheard });
        }
        if self.is_open && received.truncated != open.map_or(0, |group| group.truncated) {
            events.push(Event::GroupTruncated { group: id, hidden: received.truncated });
        }
        let resolves =
            events.iter().any(|event| matches!(event, Event::AlertResolved { .. } | Event::GroupTruncated { .. }));
        // Members that were left out are not known to be resolved, so the group isn't either.
        if self.is_open && resolves && received.truncated == 0 && nothing_fires(open, &self.firing) {
            events.push(Event::GroupResolved { group: id });
        }
        events
    }
}

/// The group that opens, as far as deploys are concerned.
pub(super) fn opened(events: &[Event]) -> Option<Opened<'_>> {
    let opened = events.iter().find_map(|event| match event {
        Event::GroupOpened { group, title, service, .. } => Some((*group, title, service.as_ref()?)),
        _ => None,
    });
    let (group, title, service) = opened?;
    let labels = events.iter().find_map(|event| match event {
        Event::AlertFired { group: of, alert, .. } if *of == group => Some(&alert.labels),
        _ => None,
    });
    let environment = labels.and_then(environment_in);
    Some(Opened { group, title, service, environment })
}

/// The end of an alert that has never fired here, unless it is known.
fn unheard_end(state: &State, received: &Received, told: &Told) -> Option<Unheard> {
    let fingerprint = told.alert.fingerprint.clone();
    let ends_at = told.alert.ends_at.unwrap_or(told.alert.starts_at);
    let end = Unheard { fingerprint: fingerprint.clone(), starts_at: told.alert.starts_at, ends_at };
    let known = state.unheard.get(&(received.source.clone(), received.key.clone(), fingerprint));
    known.is_none_or(|(_, known)| known.starts_at < end.starts_at).then_some(end)
}

/// When a firing that comes late was over, where that was heard before it.
fn end_heard_before(state: &State, received: &Received, told: &Told, now: Timestamp) -> Option<Timestamp> {
    let key = (received.source.clone(), received.key.clone(), told.alert.fingerprint.clone());
    let (at, end) = state.unheard.get(&key)?;
    let meant = told.alert.starts_at <= end.starts_at && now.duration_since(*at) <= LATE;
    meant.then_some(end.ends_at)
}

/// Whether an alert began to fire before the last one of a group that is resolved had ended.
fn fired_with(group: &Group, told: &Told) -> bool {
    group.members.values().any(|member| member.alert.ends_at.is_some_and(|ends_at| told.alert.starts_at < ends_at))
}

fn fired_and_resolved(group: GroupId, told: &Told, verdict: Verdict, ends_at: Timestamp) -> [Event; 2] {
    let fingerprint = told.alert.fingerprint.clone();
    [
        Event::AlertFired { group, alert: told.alert.clone(), verdict },
        Event::AlertResolved { group, fingerprint, ends_at },
    ]
}

/// Whether no member fires any more, once those that were told are as they were told.
fn nothing_fires(open: Option<&Group>, told: &BTreeMap<&str, bool>) -> bool {
    let member = |fingerprint: &str| open.and_then(|group| group.members.get(fingerprint));
    let were = told.keys().filter(|fingerprint| member(fingerprint).is_some_and(|member| member.firing)).count();
    let are = told.values().filter(|firing| **firing).count();
    open.map_or(0, Group::firing) + are == were
}

fn opening(state: &State, group: GroupId, received: &Received, told: &Told, service: Option<Outside>) -> Event {
    let labels = &told.alert.labels;
    let name = received.group_labels.get("alertname").or_else(|| labels.get("alertname"));
    let title =
        name.filter(|name| !name.is_empty()).map_or_else(|| Outside::new("Unnamed alert"), |name| name.short(120));
    let severity =
        received.alerts.iter().filter(|told| told.firing).filter_map(|told| told.alert.labels.get("severity"));
    Event::GroupOpened {
        group,
        source: received.source.clone(),
        key: received.key.clone(),
        title,
        channel: state.settings.channel_owner(service.as_ref()),
        service,
        severity: severity.map(|label| Severity::from_label(label.as_str())).min().unwrap_or(Severity::Sev3),
        source_url: received.source_url.clone(),
    }
}

/// What follows from a question about a group that exists.
pub(super) fn asked(asking: Asking<'_>, id: GroupId, ask: AlertAsk) -> Result<Decision, Refusal> {
    let Asking { state, by, .. } = asking;
    let group = state.groups.get(&id).ok_or(Refusal::NoSuchAlert(id))?;
    if ask == AlertAsk::Show {
        return Ok(Decision::reply(Reply::Alert(id)));
    }
    if group.resolved_at.is_some() {
        return Err(Refusal::AlertResolved(id));
    }
    match (ask, &group.acknowledged) {
        (AlertAsk::Acknowledge, Some(first)) => {
            Err(Refusal::AlreadyAcknowledged { group: id, by: first.by.clone(), at: first.at })
        }
        (AlertAsk::Acknowledge, None) => Ok(acknowledge(asking, group, None)),
        (AlertAsk::TakeOver, Some(first)) if state.settings.same_person(&first.by.user, &by.user) => {
            Err(Refusal::AlreadyAcknowledged { group: id, by: first.by.clone(), at: first.at })
        }
        (AlertAsk::TakeOver, first) => Ok(acknowledge(asking, group, first.as_ref().map(|first| &first.by))),
        (AlertAsk::Unacknowledge, None) => Err(Refusal::NotAcknowledged(id)),
        (AlertAsk::Unacknowledge, Some(_)) => Ok(Decision::new(
            vec![Event::AlertUnacknowledged { group: id, by: by.clone() }],
            Reply::Shown(Did::Unacknowledged(id)),
        )),
        (AlertAsk::Show, _) => Ok(Decision::reply(Reply::Alert(id))),
    }
}

fn acknowledge(asking: Asking<'_>, group: &Group, from: Option<&Actor>) -> Decision {
    let Asking { state, by, now, .. } = asking;
    let asks_again = state.settings.ask_again_after.and_then(|wait| super::ticks::later(now, wait));
    let event = Event::AlertAcknowledged { group: group.id, by: by.clone(), taken_from: from.cloned(), asks_again };
    let did = match from {
        Some(from) => Did::TookOver(group.id, from.clone()),
        None => Did::Acknowledged(group.id),
    };
    let mut events = vec![event];
    // Whoever takes care of its alert takes part in an incident, if they may.
    if let Some(incident) = group.incident
        && asking.may(Verb::Work, &policy::on_incident(state, incident)).is_ok()
    {
        super::marks::join(state, by, incident, &mut events);
    }
    Decision::new(events, Reply::Shown(did))
}
