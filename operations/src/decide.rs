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

use crate::accounts;
use crate::chat::Actor;
use crate::command::{AlertAsk, Ask, Command, FormKind};
use crate::effect::Effect;
use crate::event::Event;
use crate::ids::{ChannelId, GroupId, IncidentId, Platform};
use crate::input::Input;
use crate::policy::{self, Asking, On, Verb};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::state::State;
use crate::text::Outside;
use crate::vitals::Trouble;

/// So many resolved incidents are offered where it wasn't said which one.
const OFFERED: usize = 25;

/// What was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What the one who asked is told.
    pub reply: Option<Reply>,
}

impl Decision {
    pub(crate) fn events(events: Vec<Event>) -> Decision {
        Decision { events, reply: None }
    }

    pub(crate) fn reply(reply: Reply) -> Decision {
        Decision { events: Vec::new(), reply: Some(reply) }
    }

    pub(crate) fn new(events: Vec<Event>, reply: Reply) -> Decision {
        Decision { events, reply: Some(reply) }
    }
}

/// Decides about one input.
///
/// # Errors
/// A [`Refusal`]: why a command isn't carried out. Only commands are refused.
pub fn decide(state: &State, input: &Input, now: Timestamp) -> Result<Decision, Refusal> {
    match input {
        Input::Started { version } => {
            let mut events = vec![Event::Started { version: version.clone() }];
            let gate = &state.settings.gate;
            if gate.version() != state.policies {
                let (from, version) = (state.policies.clone(), gate.version().to_owned());
                events.push(Event::PoliciesChanged { from, version, rules: gate.count() });
            }
            Ok(Decision::events(events))
        }
        Input::Alerts(received) => {
            let mut events = alerts::received(state, received, now);
            let follows = alerts::opened(&events).map(|it| crate::deploy::deploy_on_alert(state, &it, now));
            events.extend(follows.unwrap_or_default());
            Ok(Decision::events(events))
        }
        Input::Command { by, channel, command } => {
            by_command(Asking { state, by, channel: channel.as_ref(), now }, command)
        }
        Input::Marked { by, message, how, added } => {
            let works = works_in(state, by, message.platform, &message.channel, now);
            Ok(Decision::events(if works { marks::marked(state, by, message, *how, *added) } else { Vec::new() }))
        }
        Input::Wrote { by, channel } => {
            let joins = marks::wrote(state, by, channel);
            let works = !joins.is_empty() && works_in(state, by, by.user.platform, channel, now);
            Ok(Decision::events(if works { joins } else { Vec::new() }))
        }
        Input::Misunderstood => Ok(Decision::default()),
        Input::Unreadable { platform, raw, why } => Ok(Decision::events(vec![Event::UnreadableReceived {
            platform: *platform,
            raw: Outside::new(raw),
            why: why.clone(),
        }])),
        Input::Done { effect: Effect::Deploy { deploy, what }, outcome } => {
            Ok(Decision::events(crate::deploy::done(state, *deploy, what, outcome, now)))
        }
        Input::Done { effect, outcome } => Ok(Decision::events(done::done(state, effect, outcome))),
        Input::Account { user, standing } => Ok(Decision::events(accounts::told(state, user, *standing))),
        Input::Accounts { platform, found } => Ok(Decision::events(accounts::told_all(state, *platform, found))),
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

/// Whether somebody may work the incident whose room a channel is.
fn works_in(state: &State, by: &Actor, platform: Platform, channel: &ChannelId, now: Timestamp) -> bool {
    let Some(incident) = state.incident_of(platform, channel) else { return false };
    let asking = Asking { state, by, channel: Some(channel), now };
    asking.may(Verb::Work, &policy::on_incident(state, incident)).is_ok()
}

fn by_command(asking: Asking<'_>, command: &Command) -> Result<Decision, Refusal> {
    let Asking { state, by, channel, now } = asking;
    let here = channel.and_then(|channel| state.incident_of(by.user.platform, channel));
    let full = || if state.troubles.contains_key(&Trouble::DiskFull) { Err(Refusal::DiskFull) } else { Ok(()) };
    match command {
        Command::Declare { title, severity, alert } => {
            asking.may(Verb::Declare, &alert.map_or(On::Workspace, |group| policy::on_alert(state, group)))?;
            full()?;
            incidents::declare(state, by, title, *severity, *alert, now)
        }
        Command::Open(form) => {
            let decision = open_form(asking, form, here)?;
            full().map(|()| decision)
        }
        Command::ListIncidents { all } => {
            asking.may(Verb::View, &On::Workspace)?;
            let chosen = state.incidents.values().rev().filter(|it| *all || it.is_open()).map(|it| it.id);
            let shown = asking.seen_incidents(chosen, usize::MAX);
            Ok(Decision::reply(Reply::Incidents { all: *all, shown }))
        }
        Command::Incident { incident, ask } => {
            let incident = which_incident(asking, incident.or(here), ask)?;
            let verb = if ask.changes() { Verb::Work } else { Verb::View };
            asking.may(verb, &policy::on_incident(state, incident))?;
            if ask.changes() {
                full()?;
            }
            incidents::asked(state, by, incident, ask, now)
        }
        Command::ListAlerts => {
            asking.may(Verb::View, &On::Workspace)?;
            let shown = asking.seen_alerts(state.firing().map(|group| group.id), usize::MAX);
            Ok(Decision::reply(Reply::Alerts { shown }))
        }
        Command::Alert { group, ask } => {
            let group = which_group(asking, *group, here, *ask)?;
            let verb = if ask.changes() { Verb::Acknowledge } else { Verb::View };
            asking.may(verb, &policy::on_alert(state, group))?;
            if ask.changes() {
                full()?;
            }
            alerts::asked(asking, group, *ask)
        }
        Command::Deploy(command) => crate::deploy::asked(asking, command, full),
        Command::Status => asking.may(Verb::View, &On::Workspace).map(|()| Decision::reply(Reply::Status)),
        Command::Help(topic) => {
            asking.may(Verb::View, &On::Workspace)?;
            Ok(Decision::reply(Reply::Help(*topic, here)))
        }
    }
}

/// A form is shown only where what it fills in has a place to go.
fn open_form(asking: Asking<'_>, form: &FormKind, here: Option<IncidentId>) -> Result<Decision, Refusal> {
    let state = asking.state;
    let form = match form {
        FormKind::Declare(None) => {
            asking.may(Verb::Declare, &On::Workspace)?;
            form.clone()
        }
        FormKind::Declare(Some(group)) => {
            asking.may(Verb::Declare, &policy::on_alert(state, *group))?;
            let found = state.groups.get(group).ok_or(Refusal::NoSuchAlert(*group))?;
            if let Some(incident) = found.incident {
                return Err(Refusal::AlreadyDeclared(*group, incident));
            }
            form.clone()
        }
        FormKind::Update(incident) => {
            let ask = Ask::PostUpdate(Outside::default());
            FormKind::Update(Some(work_on(asking, incident.or(here), &ask)?))
        }
        FormKind::Note(incident) => {
            let ask = Ask::AddNote(Outside::default());
            FormKind::Note(Some(work_on(asking, incident.or(here), &ask)?))
        }
    };
    Ok(Decision::reply(Reply::Form(form)))
}

/// The incident that is meant, where it may be worked.
fn work_on(asking: Asking<'_>, said: Option<IncidentId>, ask: &Ask) -> Result<IncidentId, Refusal> {
    let incident = which_incident(asking, said, ask)?;
    asking.may(Verb::Work, &policy::on_incident(asking.state, incident)).map(|()| incident)
}

/// The incident that is meant: the one that was said, or the only one that is open.
fn which_incident(asking: Asking<'_>, said: Option<IncidentId>, ask: &Ask) -> Result<IncidentId, Refusal> {
    let state = asking.state;
    if let Some(incident) = said {
        return if state.incidents.contains_key(&incident) {
            Ok(incident)
        } else {
            Err(Refusal::NoSuchIncident(incident))
        };
    }
    let open = asking.seen_incidents(state.open_incidents().map(|incident| incident.id), usize::MAX);
    let resolved = state.incidents.values().rev().filter(|it| !it.is_open()).map(|it| it.id);
    let resolved = asking.seen_incidents(resolved, OFFERED);
    Err(Refusal::WhichIncident { open, resolved, ask: ask.clone() })
}

/// The alert group that is meant: the one that was said; in a room, the incident's only one;
/// elsewhere the only one that the question can be about.
fn which_group(
    asking: Asking<'_>,
    said: Option<GroupId>,
    here: Option<IncidentId>,
    ask: AlertAsk,
) -> Result<GroupId, Refusal> {
    let state = asking.state;
    if let Some(group) = said {
        return if state.groups.contains_key(&group) { Ok(group) } else { Err(Refusal::NoSuchAlert(group)) };
    }
    let candidates = state
        .firing()
        .filter(|group| here.is_none() || group.incident == here)
        .filter(|group| match ask {
            AlertAsk::Acknowledge => group.acknowledged.is_none(),
            AlertAsk::TakeOver | AlertAsk::Unacknowledge => group.acknowledged.is_some(),
            AlertAsk::Show => true,
        })
        .map(|group| group.id);
    let candidates = asking.seen_alerts(candidates, usize::MAX);
    match candidates.as_slice() {
        [only] => Ok(*only),
        _ => Err(Refusal::WhichAlert { firing: candidates, ask }),
    }
}
