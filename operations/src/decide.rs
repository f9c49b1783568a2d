//! Decides what happens: the one place where an input becomes events.
//!
//! Read [`decide`] first. It is pure: the same state, input and time give the same
//! decision. What holds: a refusal changes nothing; a decision's events are folded in
//! order, and every later decision sees them.

mod alerts;
mod done;
mod incidents;
mod marks;
mod ticks;

use jiff::Timestamp;

use crate::chat::Actor;
use crate::command::{AlertAsk, Ask, Command, FormKind};
use crate::event::Event;
use crate::ids::{ChannelId, GroupId, IncidentId};
use crate::input::Input;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::state::State;
use crate::text::Outside;

/// What was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What the one who asked is told.
    pub reply: Option<Reply>,
}

impl Decision {
    fn events(events: Vec<Event>) -> Decision {
        Decision { events, reply: None }
    }

    fn reply(reply: Reply) -> Decision {
        Decision { events: Vec::new(), reply: Some(reply) }
    }

    fn new(events: Vec<Event>, reply: Reply) -> Decision {
        Decision { events, reply: Some(reply) }
    }
}

/// Decides about one input.
///
/// # Errors
/// A [`Refusal`]: why a command isn't carried out. Only commands are refused.
pub fn decide(state: &State, input: &Input, now: Timestamp) -> Result<Decision, Refusal> {
    match input {
        Input::Started { version } => Ok(Decision::events(vec![Event::Started { version: version.clone() }])),
        Input::Alerts(received) => Ok(Decision::events(alerts::received(state, received, now))),
        Input::Command { by, channel, command } => by_command(state, by, channel.as_ref(), command, now),
        Input::Marked { by, message, how, added } => {
            Ok(Decision::events(marks::marked(state, by, message, *how, *added)))
        }
        Input::Wrote { by, channel } => Ok(Decision::events(marks::wrote(state, by, channel))),
        Input::Misunderstood => Ok(Decision::default()),
        Input::Unreadable { platform, raw, why } => Ok(Decision::events(vec![Event::UnreadableReceived {
            platform: *platform,
            raw: Outside::new(raw),
            why: why.clone(),
        }])),
        Input::Done { effect, outcome } => Ok(Decision::events(done::done(state, effect, outcome))),
        Input::Missed { platform, since } => {
            Ok(Decision::events(vec![Event::MessagesMissed { platform: *platform, since: *since }]))
        }
        Input::ChannelRefused { platform, channel, why, said } => {
            let known = state.unusable(*platform, channel).is_some();
            let said = Outside::new(said);
            let (platform, channel, why) = (*platform, channel.clone(), *why);
            let event = (!known).then_some(Event::ChannelUnusable { platform, channel, why, said });
            Ok(Decision::events(event.into_iter().collect()))
        }
        Input::Vitals(vitals) => {
            let mut events = crate::vitals::looked_at(state, vitals);
            events.extend(crate::missed::looked_at(state, vitals));
            Ok(Decision::events(events))
        }
        Input::Tick => Ok(Decision::events(ticks::tick(state, now))),
    }
}

fn by_command(
    state: &State,
    by: &Actor,
    channel: Option<&ChannelId>,
    command: &Command,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    if command.changes() && state.troubles.contains_key(&crate::vitals::Trouble::DiskFull) {
        return Err(Refusal::DiskFull);
    }
    let here = channel.and_then(|channel| state.incident_of(by.user.platform, channel));
    match command {
        Command::Declare { title, severity, alert } => incidents::declare(state, by, title, *severity, *alert, now),
        Command::Open(form) => open_form(state, form, here),
        Command::ListIncidents { all } => Ok(Decision::reply(Reply::Incidents { all: *all })),
        Command::Incident { incident, ask } => {
            let incident = which_incident(state, incident.or(here), ask)?;
            incidents::asked(state, by, incident, ask, now)
        }
        Command::ListAlerts => Ok(Decision::reply(Reply::Alerts)),
        Command::Alert { group, ask } => {
            let group = which_group(state, *group, here, *ask)?;
            alerts::asked(state, by, group, *ask, now)
        }
        Command::Status => Ok(Decision::reply(Reply::Status)),
        Command::Help(topic) => Ok(Decision::reply(Reply::Help(*topic, here))),
    }
}

/// A form is shown only where what it fills in has a place to go.
fn open_form(state: &State, form: &FormKind, here: Option<IncidentId>) -> Result<Decision, Refusal> {
    let form = match form {
        FormKind::Declare(None) => form.clone(),
        FormKind::Declare(Some(group)) => {
            let found = state.groups.get(group).ok_or(Refusal::NoSuchAlert(*group))?;
            if let Some(incident) = found.incident {
                return Err(Refusal::AlreadyDeclared(*group, incident));
            }
            form.clone()
        }
        FormKind::Update(incident) => {
            let ask = Ask::PostUpdate(Outside::default());
            FormKind::Update(Some(which_incident(state, incident.or(here), &ask)?))
        }
        FormKind::Note(incident) => {
            let ask = Ask::AddNote(Outside::default());
            FormKind::Note(Some(which_incident(state, incident.or(here), &ask)?))
        }
    };
    Ok(Decision::reply(Reply::Form(form)))
}

/// The incident that is meant: the one that was said, or the only one that is open.
fn which_incident(state: &State, said: Option<IncidentId>, ask: &Ask) -> Result<IncidentId, Refusal> {
    if let Some(incident) = said {
        return if state.incidents.contains_key(&incident) {
            Ok(incident)
        } else {
            Err(Refusal::NoSuchIncident(incident))
        };
    }
    let open = state.open_incidents().map(|incident| incident.id).collect();
    Err(Refusal::WhichIncident { open, ask: ask.clone() })
}

/// The alert group that is meant: the one that was said; in a room, the incident's only one;
/// elsewhere the only one that the question can be about.
fn which_group(
    state: &State,
    said: Option<GroupId>,
    here: Option<IncidentId>,
    ask: AlertAsk,
) -> Result<GroupId, Refusal> {
    if let Some(group) = said {
        return if state.groups.contains_key(&group) { Ok(group) } else { Err(Refusal::NoSuchAlert(group)) };
    }
    let candidates: Vec<GroupId> = state
        .firing()
        .filter(|group| here.is_none() || group.incident == here)
        .filter(|group| match ask {
            AlertAsk::Acknowledge => group.acknowledged.is_none(),
            AlertAsk::TakeOver | AlertAsk::Unacknowledge => group.acknowledged.is_some(),
            AlertAsk::Show => true,
        })
        .map(|group| group.id)
        .collect();
    match candidates.as_slice() {
        [only] => Ok(*only),
        _ => Err(Refusal::WhichAlert { firing: candidates, ask }),
    }
}
