//! What becomes of what people ask about incidents.

use jiff::Timestamp;

use super::Decision;
use super::ticks::later;
use crate::chat::Actor;
use crate::command::{Ask, Holder};
use crate::event::Event;
use crate::ids::{GroupId, IncidentId, UserRef};
use crate::incident::{Incident, Role, Severity, Status};
use crate::refusal::Refusal;
use crate::reply::{Did, Reply};
use crate::state::State;
use crate::text::Outside;

/// The longest title that is kept, in characters.
const LONGEST_TITLE: usize = 150;

/// Declares an incident. It needs no integration: rooms and cards follow by themselves.
pub(super) fn declare(
    state: &State,
    by: &Actor,
    title: &Outside,
    severity: Option<Severity>,
    alert: Option<GroupId>,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let group = match alert {
        Some(id) => Some(state.groups.get(&id).ok_or(Refusal::NoSuchAlert(id))?),
        None => None,
    };
    if let Some((group, incident)) = group.and_then(|group| group.incident.map(|incident| (group.id, incident))) {
        return Err(Refusal::AlreadyDeclared(group, incident));
    }
    let title = title.short(LONGEST_TITLE);
    if title.is_empty() {
        return Err(Refusal::Empty("title"));
    }
    let incident = IncidentId(state.incidents.last_key_value().map_or(1, |(last, _)| last.0 + 1));
    let severity = severity.or(group.map(|group| group.severity)).unwrap_or(Severity::Sev3);
    let update_due = next_update(state, severity, now);
    let mut events = vec![Event::IncidentDeclared { incident, title, severity, by: by.clone(), update_due }];
    if let Some(group) = group {
        events.push(Event::AlertAttached { incident, group: group.id });
    }
    events.push(Event::ResponderJoined { incident, who: by.clone() });
    Ok(Decision::new(events, Reply::Declared(incident)))
}

/// What follows from a question about an incident that exists.
pub(super) fn asked(state: &State, by: &Actor, id: IncidentId, ask: &Ask, now: Timestamp) -> Result<Decision, Refusal> {
    let it = state.incidents.get(&id).ok_or(Refusal::NoSuchIncident(id))?;
    let (event, reply) = match ask {
        Ask::Show => return Ok(Decision::reply(Reply::Incident(id))),
        Ask::ShowTimeline => return Ok(Decision::reply(Reply::Timeline(id))),
        Ask::ChooseSeverity => return open(it).map(|()| Decision::reply(Reply::Severities(id))),
        Ask::ChooseRole => return open(it).map(|()| Decision::reply(Reply::Roles(id))),
        Ask::SetSeverity(severity) => (set_severity(state, by, it, *severity, now)?, Did::SeveritySet(id, *severity)),
        Ask::SetRole(role, holder) => (set_role(state, by, it, *role, holder)?, Did::RoleSet(id)),
        Ask::AddNote(text) => {
            (Event::NoteAdded { incident: id, text: filled(text, "note")?, by: by.clone() }, Did::NoteAdded(id))
        }
        Ask::AddAction(text) => (
            Event::ActionItemAdded { incident: id, text: filled(text, "action item")?, by: by.clone() },
            Did::ActionAdded(id),
        ),
        Ask::PostUpdate(text) => {
            open(it)?;
            let update_due = next_update(state, it.severity, now);
            let text = filled(text, "update")?;
            (Event::UpdatePosted { incident: id, text, by: by.clone(), update_due }, Did::UpdatePosted(id))
        }
        Ask::Mitigate(text) => {
            open(it)?;
            if it.status == Status::Mitigated {
                return Err(Refusal::AlreadyIs(id, Status::Mitigated));
            }
            (Event::IncidentMitigated { incident: id, text: said(text), by: by.clone() }, Did::Mitigated(id))
        }
        Ask::Resolve(text) => {
            if it.status == Status::Resolved {
                return Err(Refusal::AlreadyIs(id, Status::Resolved));
            }
            (Event::IncidentResolved { incident: id, text: said(text), by: by.clone() }, Did::Resolved(id))
        }
        Ask::Reopen(text) => {
            if it.is_open() {
                return Err(Refusal::NotResolved(id));
            }
            let update_due = next_update(state, it.severity, now);
            (Event::IncidentReopened { incident: id, text: said(text), by: by.clone(), update_due }, Did::Reopened(id))
        }
        Ask::WritePostmortem => {
            let event = Event::PostmortemAsked { incident: id, by: by.clone() };
            return Ok(Decision::new(vec![event], Reply::PostmortemAsked(id)));
        }
    };
    let mut events = vec![event];
    super::marks::join(state, by, id, &mut events);
    Ok(Decision::new(events, Reply::Shown(reply)))
}

/// When the next update is due, if one is for that severity.
pub(super) fn next_update(state: &State, severity: Severity, now: Timestamp) -> Option<Timestamp> {
    state.settings.update_every.get(&severity).and_then(|wait| later(now, *wait))
}

fn open(it: &Incident) -> Result<(), Refusal> {
    if it.is_open() { Ok(()) } else { Err(Refusal::IsResolved(it.id)) }
}

fn filled(text: &Outside, what: &'static str) -> Result<Outside, Refusal> {
    if text.is_empty() { Err(Refusal::Empty(what)) } else { Ok(text.clone()) }
}

fn said(text: &Option<Outside>) -> Option<Outside> {
    text.clone().filter(|text| !text.is_empty())
}

fn set_severity(state: &State, by: &Actor, it: &Incident, to: Severity, now: Timestamp) -> Result<Event, Refusal> {
    open(it)?;
    if it.severity == to {
        return Err(Refusal::AlreadySeverity(it.id, to));
    }
    let update_due = next_update(state, to, now);
    Ok(Event::SeverityChanged { incident: it.id, from: it.severity, to, by: by.clone(), update_due })
}

fn set_role(state: &State, by: &Actor, it: &Incident, role: Role, holder: &Holder) -> Result<Event, Refusal> {
    open(it)?;
    let has = it.roles.get(&role);
    let to = match holder {
        Holder::Me => Some(by.clone()),
        Holder::User(user) => Some(actor(state, it, by, user)),
        Holder::Nobody => None,
    };
    let same = match (has, &to) {
        (Some(has), Some(to)) => state.settings.same_person(&has.user, &to.user),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if same {
        return Err(Refusal::AlreadyRole(it.id, role, has.cloned()));
    }
    Ok(Event::RoleChanged { incident: it.id, role, to, by: by.clone() })
}

/// Somebody who was named by account: with the name that is known, if one is.
fn actor(state: &State, it: &Incident, by: &Actor, user: &UserRef) -> Actor {
    if &by.user == user {
        return by.clone();
    }
    let responder = it.responders.iter().map(|(who, _)| who).find(|who| &who.user == user);
    let name = state.settings.person(user).map(|person| person.name.clone());
    Actor { user: user.clone(), name: name.or(responder.map(|who| who.name.clone())).unwrap_or_default() }
}
