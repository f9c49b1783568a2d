//! What each event changes: one `match`, one arm an event.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::entries::{alert_entry, change, deploy_entry, deploys_before, entry, room_entry};
use super::{Posted, State};
use crate::alert::{Acknowledgement, Alert, Group, Member};
use crate::chat::Actor;
use crate::effect::{CardId, Place};
use crate::event::Event;
use crate::ids::{GroupId, IncidentId, MissedId, Platform, StormId};
use crate::incident::{ActionItem, Incident, Kept, Published, Room, Status};
use crate::journal::Record;
use crate::members::Members;
use crate::missed::Missed;
use crate::storm::{Openings, Storm, Tally};
use crate::text::{Outside, Text};
use crate::timeline::{self, Kind};
use crate::timer::Timer;

/// So many cards that stayed behind are remembered.
const LEFT: usize = 200;

pub(super) fn apply(state: &mut State, record: &Record) {
    let at = record.at;
    match &record.event {
        Event::Started { .. } => {
            state.started_at = Some(at);
            state.forget(at);
        }
        Event::PoliciesChanged { version, .. } => state.policies.clone_from(version),
        Event::AccountChanged { user, standing } => state.accounts.note(user, *standing),
        Event::UnreadableReceived { .. } => state.forget(at),
        Event::TroubleBegan { trouble, .. } => {
            state.troubles.insert(trouble.clone(), at);
        }
        Event::TroubleEnded { trouble } => {
            state.troubles.remove(trouble);
        }
        Event::ChannelUnusable { platform, channel, why, .. } => {
            state.unusable.insert((*platform, channel.clone()), *why);
            let words = format!("The room on {} can't be used: {}", platform.title(), why.words());
            room_entry(state, *platform, channel, record, words);
        }
        Event::ChannelUsable { platform, channel, .. } => {
            state.left.retain(|card| card.platform != *platform || card.channel != *channel);
            state.unusable.remove(&(*platform, channel.clone()));
            let words = format!("The room on {} can be used again", platform.title());
            room_entry(state, *platform, channel, record, words);
        }
        Event::MessagesMissed { .. } => {}
        Event::MissedCut { incident, platform } => {
            let words =
                format!("Not everything that was said on {} while it could not be heard was read", platform.title());
            change(state, *incident, record, None, Kind::Status, |_| (Text::new().plain(words), None));
        }
        Event::GroupOpened { group, source, key, title, service, severity, source_url, channel } => {
            state.forget(at);
            state.last_group = group.0;
            state.openings.entry(channel.clone()).or_default().add(at);
            let storm = opened_in_storm(state, *group, service.as_ref(), channel.as_ref(), at);
            let missed = if storm.is_none() { opened_unseen(state, *group, channel.as_ref()) } else { BTreeMap::new() };
            let strings = &mut state.strings;
            let source = strings.share(source);
            state.sources.insert(source.clone(), at);
            state.open.entry(source.clone()).or_default().insert(key.clone(), *group);
            state.groups.insert(
                *group,
                Arc::new(Group {
                    id: *group,
                    source,
                    key: key.clone(),
                    title: title.shared(strings),
                    service: service.as_ref().map(|service| service.shared(strings)),
                    severity: *severity,
                    source_url: source_url.as_ref().map(|url| strings.share(url)),
                    opened_at: at,
                    members: Members::default(),
                    truncated: 0,
                    acknowledged: None,
                    taken_back: None,
                    first_acknowledged_at: None,
                    resolved_at: None,
                    incident: None,
                    channel: channel.as_ref().map(|channel| channel.shared(strings)),
                    storm,
                    missed,
                }),
            );
        }
        Event::AlertFired { group, alert, verdict } => {
            let strings = &mut state.strings;
            let Some(group) = state.groups.get_mut(group).map(Arc::make_mut) else { return };
            told(&mut state.sources, &group.source, at);
            let first_seen = group.members.get(&alert.fingerprint).map_or(at, |member| member.first_seen);
            let alert = Alert {
                fingerprint: alert.fingerprint.clone(),
                labels: strings.share_all(&alert.labels),
                annotations: strings.share_all(&alert.annotations),
                starts_at: alert.starts_at,
                ends_at: alert.ends_at,
                source_url: alert.source_url.as_ref().map(|url| strings.share(url)),
            };
            group.members.insert(Member { alert, firing: true, first_seen, last_seen: at, verdict: *verdict });
        }
        Event::AlertsRepeated { group, fingerprints } => {
            let Some(group) = state.groups.get_mut(group).map(Arc::make_mut) else { return };
            told(&mut state.sources, &group.source, at);
            for fingerprint in fingerprints {
                group.members.change(fingerprint, |member| member.last_seen = at);
            }
        }
        Event::AlertResolved { group, fingerprint, ends_at } => {
            let Some(group) = state.groups.get_mut(group).map(Arc::make_mut) else { return };
            told(&mut state.sources, &group.source, at);
            group.members.change(fingerprint, |member| {
                member.firing = false;
                member.last_seen = at;
                member.alert.ends_at = Some(*ends_at);
                member.verdict = crate::triage::Verdict::Resolves;
            });
        }
        Event::UnheardResolved { source, key, alerts } => {
            let source = state.strings.share(source);
            state.sources.insert(source.clone(), at);
            alerts.iter().for_each(|alert| state.remember_unheard(&source, key, alert, at));
        }
        Event::GroupTruncated { group, hidden } => {
            if let Some(group) = state.groups.get_mut(group).map(Arc::make_mut) {
                group.truncated = *hidden;
            }
        }
        Event::StormBegan { storm, channel, check } => {
            state.forget_boards(at);
            state.last_storm = storm.0;
            let openings = state.openings.entry(channel.clone()).or_default();
            openings.raging = Some(*storm);
            state.due.insert((*check, Timer::LookAtStorm(*storm)));
            let begun = Storm {
                id: *storm,
                channel: channel.clone(),
                began_at: at,
                ended_at: None,
                held: Vec::new(),
                services: BTreeMap::new(),
                peak: openings.a_minute(),
                resolved: 0,
            };
            state.storms.insert(*storm, Arc::new(begun));
        }
        Event::StormWatched { storm, check } => {
            state.due.retain(|(due, timer)| *timer != Timer::LookAtStorm(*storm) || *due > at);
            state.due.insert((*check, Timer::LookAtStorm(*storm)));
        }
        Event::StormEnded { storm, released } => {
            state.due.retain(|(_, timer)| *timer != Timer::LookAtStorm(*storm));
            if let Some(storm) = state.storms.get_mut(storm).map(Arc::make_mut) {
                storm.ended_at = Some(at);
                if let Some(openings) = state.openings.get_mut(&storm.channel) {
                    openings.raging = None;
                }
            }
            for group in released {
                if let Some(group) = state.groups.get_mut(group).map(Arc::make_mut) {
                    group.storm = None;
                }
            }
        }
        Event::MissedBegan { missed, platform, channel, groups } => {
            state.forget_boards(at);
            missed_began(state, *missed, *platform, channel, groups)
        }
        Event::MissedEnded { missed, released } => {
            let Some(missed) = state.missed.get_mut(missed).map(Arc::make_mut) else { return };
            missed.ended_at = Some(at);
            state.missing.remove(&(missed.platform, missed.channel.clone()));
            for group in released {
                if let Some(group) = state.groups.get_mut(group).map(Arc::make_mut) {
                    group.missed.remove(&missed.platform);
                }
            }
        }
        Event::GroupResolved { group } => group_resolved(state, *group, record),
        Event::AlertAcknowledged { group, by, taken_from, asks_again } => {
            let Some(found) = state.groups.get_mut(group).map(Arc::make_mut) else { return };
            found.first_acknowledged_at.get_or_insert(at);
            found.taken_back = None;
            found.acknowledged = Some(Acknowledgement { by: by.clone(), at, asks_again: *asks_again, asked: false });
            let words = match taken_from {
                Some(before) => Text::new().plain(format!("took over alert {group} from ")).outside(&before.name),
                None => Text::new().plain(format!("acknowledged alert {group}")),
            };
            state.due.extend(asks_again.map(|due| (due, Timer::AskAgain(*group))));
            alert_entry(state, *group, record, Some(by), words);
        }
        Event::AlertUnacknowledged { group, by } => {
            let Some(found) = state.groups.get_mut(group).map(Arc::make_mut) else { return };
            found.taken_back = found.acknowledged.take().map(|before| (by.clone(), before.by));
            alert_entry(
                state,
                *group,
                record,
                Some(by),
                Text::new().plain(format!("took back the acknowledgement of alert {group}")),
            );
        }
        Event::AcknowledgementAsked { group } => {
            state.due.retain(|(due, timer)| *timer != Timer::AskAgain(*group) || *due > at);
            let group = state.groups.get_mut(group).map(Arc::make_mut);
            if let Some(acknowledged) = group.and_then(|group| group.acknowledged.as_mut()) {
                acknowledged.asked = true;
            }
        }
        Event::IncidentDeclared { incident, title, severity, by, update_due } => {
            state.due.extend(update_due.map(|due| (due, Timer::AskForUpdate(*incident))));
            let words = Text::new().plain(format!("declared {incident} as {severity}"));
            let mut declared = declared(*incident, title, *severity, by, at);
            declared.update_due = *update_due;
            timeline::insert(&mut declared.timeline, entry(record, Some(by), Kind::Status, words, Some(title)));
            state.incidents.insert(*incident, Arc::new(declared));
        }
        Event::AlertAttached { incident, group } => alert_attached(state, *incident, *group, record),
        Event::SeverityChanged { incident, from, to, by, update_due } => {
            change(state, *incident, record, Some(by), Kind::Severity, |it| {
                it.severity = *to;
                it.update_due = *update_due;
                (Text::new().plain(format!("changed the severity from {from} to {to}")), None)
            });
            state.due.extend(update_due.map(|due| (due, Timer::AskForUpdate(*incident))));
        }
        Event::RoleChanged { incident, role, to, by } => {
            change(state, *incident, record, Some(by), Kind::Role, |it| {
                let title = role.title();
                match to {
                    Some(who) => {
                        it.roles.insert(*role, who.clone());
                        if who.user == by.user {
                            (Text::new().plain(format!("took the role {title}")), None)
                        } else {
                            (Text::new().plain(format!("gave the role {title} to ")).outside(&who.name), None)
                        }
                    }
                    None => {
                        it.roles.remove(role);
                        (Text::new().plain(format!("freed the role {title}")), None)
                    }
                }
            });
        }
        Event::ResponderJoined { incident, who } => {
            if let Some(it) = state.incidents.get_mut(incident).map(Arc::make_mut) {
                it.responders.push((who.clone(), at));
            }
        }
        Event::NoteAdded { incident, text, by } => {
            change(state, *incident, record, Some(by), Kind::Note, |_| {
                (Text::new().plain("noted"), Some(text.clone()))
            });
        }
        Event::UpdatePosted { incident, text, by, update_due } => {
            change(state, *incident, record, Some(by), Kind::Update, |it| {
                it.update = Some((text.clone(), at));
                it.update_due = *update_due;
                (Text::new().plain("posted an update"), Some(text.clone()))
            });
            state.due.extend(update_due.map(|due| (due, Timer::AskForUpdate(*incident))));
        }
        Event::UpdateAsked { incident, update_due } => {
            state.due.retain(|(due, timer)| *timer != Timer::AskForUpdate(*incident) || *due > at);
            if let Some(it) = state.incidents.get_mut(incident).map(Arc::make_mut) {
                it.update_due = *update_due;
            }
            state.due.extend(update_due.map(|due| (due, Timer::AskForUpdate(*incident))));
        }
        Event::ActionItemAdded { incident, text, by } => {
            change(state, *incident, record, Some(by), Kind::Action, |it| {
                it.actions.push(ActionItem { text: text.clone(), by: by.clone(), at });
                (Text::new().plain("added an action item"), Some(text.clone()))
            });
        }
        Event::IncidentMitigated { incident, text, by } => {
            change(state, *incident, record, Some(by), Kind::Status, |it| {
                it.status = Status::Mitigated;
                it.mitigated_at = Some(at);
                (Text::new().plain("mitigated the incident"), text.clone())
            });
        }
        Event::IncidentResolved { incident, text, by } => {
            change(state, *incident, record, Some(by), Kind::Status, |it| {
                it.status = Status::Resolved;
                it.mitigated_at.get_or_insert(at);
                it.resolved_at = Some(at);
                it.update_due = None;
                (Text::new().plain("resolved the incident"), text.clone())
            });
        }
        Event::IncidentReopened { incident, text, by, update_due } => {
            change(state, *incident, record, Some(by), Kind::Status, |it| {
                it.status = Status::Investigating;
                it.mitigated_at = None;
                it.resolved_at = None;
                it.update_due = *update_due;
                (Text::new().plain("reopened the incident"), text.clone())
            });
            state.due.extend(update_due.map(|due| (due, Timer::AskForUpdate(*incident))));
        }
        Event::MessageMarked { incident, message, .. } => {
            state.marked.insert(message.clone(), *incident);
        }
        Event::MessageCaptured { incident, captured, by, how } => {
            let Some(it) = state.incidents.get_mut(incident).map(Arc::make_mut) else { return };
            it.kept.push(Kept { captured: captured.clone(), by: by.clone(), how: *how });
            let mut entry =
                entry(record, Some(&captured.author), Kind::Message, Text::new().plain("wrote"), Some(&captured.text));
            entry.at = captured.at;
            entry.link = Some(captured.link.clone());
            entry.message = Some(captured.message.clone());
            timeline::insert(&mut it.timeline, entry);
        }
        Event::MarkWithdrawn { incident, message, .. } => {
            state.marked.remove(message);
            if let Some(it) = state.incidents.get_mut(incident).map(Arc::make_mut) {
                it.kept.retain(|kept| &kept.captured.message != message);
                it.timeline.retain(|entry| entry.message.as_ref() != Some(message));
            }
        }
        Event::PostmortemAsked { .. } => {}
        Event::PostmortemPublished { incident, url, .. } => {
            if let Some(it) = state.incidents.get_mut(incident).map(Arc::make_mut) {
                it.postmortem = Some(Published { url: url.clone(), at });
                it.failed.retain(|key, _| !key.starts_with("publish/"));
            }
        }
        Event::RoomOpened { incident, platform, channel, name } => {
            state.rooms.insert((*platform, channel.clone()), *incident);
            if let Some(it) = state.incidents.get_mut(incident).map(Arc::make_mut) {
                it.rooms.insert(*platform, Room { channel: channel.clone(), name: name.clone() });
            }
        }
        Event::CardPosted { card, place, channel, message, left } => {
            // One that can be reached is changed at once.
            if let Some(left) = left.as_ref().filter(|it| state.unusable(it.platform, &it.channel).is_some()) {
                state.left.push(left.clone());
                let most = state.left.len().saturating_sub(LEFT);
                state.left.drain(..most);
            }
            state.cards.insert((*card, *place), Posted { channel: channel.clone(), message: message.clone() });
            // One that was on its way when it was held back has its card after all.
            if let (CardId::Alert(group), Place::Alerts(platform)) = (card, place)
                && let Some(group) = state.groups.get_mut(group).filter(|group| !group.missed.is_empty())
            {
                Arc::make_mut(group).missed.remove(platform);
            }
        }
        Event::CardLost { card, place } => {
            state.cards.remove(&(*card, *place));
        }
        Event::Deploy { deploy, what } => {
            crate::deploy::folded(state, *deploy, what, record);
            deploy_entry(state, *deploy, what, record);
        }
        Event::Hold(what) => crate::deploy::held(state, what, record),
        Event::EffectGivenUp { effect, about, incident, why } => {
            let Some(it) = incident.and_then(|incident| state.incidents.get_mut(&incident)).map(Arc::make_mut) else {
                return;
            };
            it.failed.insert(effect.clone(), format!("{about}: {}", why.as_str()));
        }
    }
}

/// A source told something.
fn told(sources: &mut BTreeMap<Arc<str>, Timestamp>, source: &Arc<str>, at: Timestamp) {
    match sources.get_mut(source) {
        Some(last) => *last = at,
        None => {
            sources.insert(source.clone(), at);
        }
    }
}

/// Counts a group that opens, where a storm rages; the storm that holds it back.
fn opened_in_storm(
    state: &mut State,
    group: GroupId,
    service: Option<&Outside>,
    channel: Option<&Outside>,
    at: Timestamp,
) -> Option<StormId> {
    let id = state.storm_in(channel)?.id;
    let a_minute = state.openings.get(&channel.cloned()).map_or(0, Openings::a_minute);
    let storm = state.storms.get_mut(&id).map(Arc::make_mut)?;
    storm.held.push(group);
    storm.peak = storm.peak.max(a_minute);
    storm.services.entry(service.cloned()).or_insert(Tally { opened: 0, first_seen: at }).opened += 1;
    Some(id)
}

/// The boards that will stand for the cards of a group that opens, where its chats can't show it now.
fn opened_unseen(state: &mut State, group: GroupId, channel: Option<&Outside>) -> BTreeMap<Platform, MissedId> {
    let mut unseen = BTreeMap::new();
    if state.missing.is_empty() {
        return unseen;
    }
    for platform in Platform::ALL {
        let Some(id) = state.missing.get(&(platform, channel.cloned())) else { continue };
        if let Some(missed) = state.missed.get_mut(id).map(Arc::make_mut) {
            missed.held.push(group);
            unseen.insert(platform, *id);
        }
    }
    unseen
}

fn missed_began(state: &mut State, id: MissedId, platform: Platform, channel: &Option<Outside>, groups: &[GroupId]) {
    let mut missed = Missed {
        id,
        platform,
        channel: channel.clone(),
        began_at: Timestamp::MAX,
        ended_at: None,
        held: groups.to_vec(),
        resolved: 0,
    };
    for group in groups {
        let Some(group) = state.groups.get_mut(group).map(Arc::make_mut) else { continue };
        group.missed.insert(platform, id);
        missed.began_at = missed.began_at.min(group.opened_at);
        missed.resolved += u64::from(group.resolved_at.is_some());
    }
    state.last_missed = id.0;
    state.missing.insert((platform, channel.clone()), id);
    state.missed.insert(id, Arc::new(missed));
}

fn declared(
    id: IncidentId,
    title: &Outside,
    severity: crate::incident::Severity,
    by: &Actor,
    at: Timestamp,
) -> Incident {
    Incident {
        id,
        title: title.clone(),
        severity,
        status: Status::Investigating,
        declared_by: by.clone(),
        declared_at: at,
        mitigated_at: None,
        resolved_at: None,
        roles: BTreeMap::new(),
        responders: Vec::new(),
        groups: Vec::new(),
        rooms: BTreeMap::new(),
        update: None,
        update_due: None,
        timeline: Vec::new(),
        kept: Vec::new(),
        actions: Vec::new(),
        failed: BTreeMap::new(),
        postmortem: None,
    }
}

fn group_resolved(state: &mut State, id: GroupId, record: &Record) {
    let Some(group) = state.groups.get_mut(&id).map(Arc::make_mut) else { return };
    group.resolved_at = Some(record.at);
    if let Some(open) = state.open.get_mut(&group.source) {
        open.remove(&group.key);
    }
    for missed in group.missed.values() {
        if let Some(missed) = state.missed.get_mut(missed).map(Arc::make_mut) {
            missed.resolved += 1;
        }
    }
    let keys = state.ended.entry(group.source.clone()).or_default();
    keys.entry(group.key.clone()).or_default().push(id);
    if let Some(storm) = group.storm.and_then(|storm| state.storms.get_mut(&storm)).map(Arc::make_mut) {
        storm.resolved += 1;
    }
    let words = Text::new().plain(format!("Alert {id} ")).outside(&group.title).plain(" was resolved");
    if group.incident.is_none() {
        state.fading.insert((record.at, id));
    }
    alert_entry(state, id, record, None, words);
}

/// An alert joins the timeline with its own beginning, which is often before the incident was declared.
fn alert_attached(state: &mut State, incident: IncidentId, id: GroupId, record: &Record) {
    let deploys = deploys_before(state, incident, id, record);
    let Some(group) = state.groups.get_mut(&id).map(Arc::make_mut) else { return };
    let Some(it) = state.incidents.get_mut(&incident).map(Arc::make_mut) else { return };
    group.incident = Some(incident);
    it.groups.push(id);
    if let Some(resolved_at) = group.resolved_at {
        state.fading.remove(&(resolved_at, id));
    }
    for entry in deploys {
        // Of two alerts of one service each brings the same.
        if !it.timeline.iter().any(|there| there.words == entry.words) {
            timeline::insert(&mut it.timeline, entry);
        }
    }
    let mut fired = entry(
        record,
        None,
        Kind::Alert,
        Text::new().plain(format!("Alert {id} ")).outside(&group.title).plain(" fired"),
        group.annotation("summary"),
    );
    fired.at = group.since();
    timeline::insert(&mut it.timeline, fired);
    if let Some(acknowledged) = &group.acknowledged {
        let words = Text::new().plain(format!("acknowledged alert {id}"));
        let mut taken = entry(record, Some(&acknowledged.by), Kind::Alert, words, None);
        taken.at = acknowledged.at;
        timeline::insert(&mut it.timeline, taken);
    }
}
