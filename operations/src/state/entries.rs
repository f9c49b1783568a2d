//! What stands in an incident's timeline of events that change something else as well: of deploys, alerts and rooms.

use std::sync::Arc;

use super::State;
use crate::chat::Actor;
use crate::deploy::Deploy;
use crate::deploy::event::DeployEvent;
use crate::deploy::releases::environment_of;
use crate::ids::{ChannelId, DeployId, GroupId, IncidentId, Platform};
use crate::incident::Incident;
use crate::journal::Record;
use crate::text::{Outside, Text};
use crate::timeline::{self, Entry, Kind};

/// What a deploy changes stands in the timeline of the incident that it is about.
pub(super) fn deploy_entry(state: &mut State, id: DeployId, what: &DeployEvent, record: &Record) {
    let Some(it) = state.deploys.get(&id) else { return };
    let Some(incident) = it.incident.filter(|_| it.began_at.is_some()) else { return };
    let (kind, target, name) = (it.wanted.kind.name(), it.wanted.target.clone(), it.release_name());
    let (by, words, quote) = match what {
        DeployEvent::Began => {
            let words = Text::new().plain(format!("began the {kind} {id} of {target} to ")).outside(&name);
            (Some(it.by.clone()), words, Some(it.wanted.reason.clone()).filter(|reason| !reason.is_empty()))
        }
        DeployEvent::Ended { how, why, by } => {
            let words = Text::new().plain(format!("The {kind} {id} of {target}: {}", how.words()));
            (by.clone(), words, Some(why.clone()).filter(|why| !why.is_empty()))
        }
        _ => return,
    };
    change(state, incident, record, by.as_ref(), Kind::Deploy, |_| (words, quote));
}

/// What was deployed shortly before an alert opened stands in the timeline at its own time.
pub(super) fn deploys_before(state: &State, incident: IncidentId, group: GroupId, record: &Record) -> Vec<Entry> {
    let Some(group) = state.groups.get(&group) else { return Vec::new() };
    let Some(service) = &group.service else { return Vec::new() };
    let environment = environment_of(group).map(Outside::as_str);
    let before = state.deploys_before(service.as_str(), environment, group.since());
    let entry = |it: &Deploy| {
        let words = Text::new().plain(format!("began the {} {} of ", it.wanted.kind.name(), it.id));
        let words = words.plain(format!("{} to ", it.wanted.target)).outside(&it.release_name());
        let mut entry = entry(record, Some(&it.by), Kind::Deploy, words, None);
        entry.at = it.began_at?;
        Some(entry)
    };
    before.filter(|it| it.incident != Some(incident)).filter_map(entry).collect()
}

/// Changes an incident and puts what happened into its timeline.
pub(super) fn change(
    state: &mut State,
    incident: IncidentId,
    record: &Record,
    by: Option<&Actor>,
    kind: Kind,
    how: impl FnOnce(&mut Incident) -> (Text, Option<Outside>),
) {
    let Some(it) = state.incidents.get_mut(&incident).map(Arc::make_mut) else { return };
    let (words, quote) = how(it);
    timeline::insert(&mut it.timeline, entry(record, by, kind, words, quote.as_ref()));
}

/// Puts something about a channel into the timeline of the incident whose room it is. Once that is over, rooms are closed
/// on purpose.
pub(super) fn room_entry(state: &mut State, platform: Platform, channel: &ChannelId, record: &Record, words: String) {
    let Some(incident) = state.incident_of(platform, channel) else { return };
    if state.incidents.get(&incident).is_some_and(|it| it.is_open()) {
        change(state, incident, record, None, Kind::Status, |_| (Text::new().plain(words), None));
    }
}

/// Puts something about an alert group into the timeline of its incident, if it has one.
pub(super) fn alert_entry(state: &mut State, group: GroupId, record: &Record, by: Option<&Actor>, words: Text) {
    let Some(incident) = state.groups.get(&group).and_then(|group| group.incident) else { return };
    change(state, incident, record, by, Kind::Alert, |_| (words, None));
}

pub(super) fn entry(record: &Record, by: Option<&Actor>, kind: Kind, words: Text, quote: Option<&Outside>) -> Entry {
    Entry {
        seq: record.seq,
        at: record.at,
        by: by.cloned(),
        kind,
        words,
        quote: quote.cloned(),
        link: None,
        message: None,
    }
}
