//! Why not, in words: what was understood, why not, who can, and what to type next.

use operations::card::{Card, Style};
use operations::chat::Answer;
use operations::command::AlertAsk;
use operations::ids::{GroupId, IncidentId};
use operations::incident::Status;
use operations::refusal::Refusal;
use operations::state::State;
use operations::text::{Text, TimeStyle};

use crate::cards::person;
use crate::click;

/// So many are offered as buttons.
const OFFERED: usize = 5;

/// The words for a refusal, for the asker alone.
#[must_use]
pub fn answer(state: &State, refusal: &Refusal) -> Answer {
    Answer::Private(card(state, refusal))
}

fn card(state: &State, refusal: &Refusal) -> Card {
    let plain = |words: String| Text::new().plain(words);
    match refusal {
        Refusal::WhichIncident { open, ask } => which_incident(state, open, ask),
        Refusal::NoSuchIncident(id) => {
            let newest = state.incidents.keys().next_back().map(|newest| format!(" The newest is {newest}.")).unwrap_or_default();
            Card::line(plain(format!("There is no {id}.{newest} To see them: ")).code("/incident list all"))
        }
        Refusal::WhichAlert { firing, ask } => which_alert(state, firing, *ask),
        Refusal::NoSuchAlert(id) => {
            Card::line(plain(format!("There is no {id}, or it was resolved long ago. What fires now: ")).code("/alert list"))
        }
        Refusal::AlreadyAcknowledged { group, by, at } => Card::line(
            plain(format!("{group} is with "))
                .span(person(state, by))
                .plain(" since ")
                .time(*at, TimeStyle::Clock)
                .plain(" already. To take it over: ")
                .code(format!("/alert takeover {group}")),
        ),
        Refusal::NotAcknowledged(group) => {
            Card::line(plain(format!("Nobody has acknowledged {group}. To do so: ")).code(format!("/ack {group}")))
        }
        Refusal::AlertResolved(group) => Card::line(plain(format!("{group} is resolved: there is nothing to take care of any more."))),
        Refusal::AlreadyDeclared(group, id) => {
            let card = Card::line(plain(format!("{group} belongs to {id} already. To see it: ")).code(format!("/incident show {id}")));
            card.button("Show it", format!("incident show {id}"), Style::Primary)
        }
        Refusal::AlreadyIs(id, Status::Resolved) => {
            let card = Card::line(plain(format!("{id} is resolved already. If it is back: ")).code("/incident reopen"));
            card.button("Reopen", format!("incident reopen {id}"), Style::Plain)
        }
        Refusal::AlreadyIs(id, status) => {
            Card::line(plain(format!("{id} is {} already. When it is over: ", status.name())).code("/incident resolve"))
        }
        Refusal::IsResolved(id) => {
            let card = Card::line(plain(format!("{id} is resolved, so this can't be changed any more. If it is back: ")).code("/incident reopen"));
            card.button("Reopen", format!("incident reopen {id}"), Style::Plain)
        }
        Refusal::NotResolved(id) => Card::line(plain(format!("{id} is open, so it can't be reopened. To see it: ")).code("/incident show")),
        Refusal::AlreadySeverity(id, severity) => Card::line(plain(format!("{id} is {severity} already. To change it: ")).code("/incident sev SEV1")),
        Refusal::AlreadyRole(id, role, Some(who)) => {
            Card::line(plain(format!("{} of {id} is ", role.title())).span(person(state, who)).plain(" already."))
        }
        Refusal::AlreadyRole(id, role, None) => {
            Card::line(plain(format!("{} of {id} is with nobody. To take it: ", role.title())).code(format!("/incident role {} me", role.key())))
        }
        Refusal::Empty(what) => {
            let example = match *what {
                "title" => "/incident declare Checkout is failing",
                "note" => "/incident note The cache was cold",
                "update" => "/incident update The rollback runs",
                _ => "/incident action Alert earlier on cart errors",
            };
            Card::line(plain(format!("The {what} was empty. Try ")).code(example))
        }
    }
}

fn which_incident(state: &State, open: &[IncidentId], ask: &operations::command::Ask) -> Card {
    if open.is_empty() {
        return Card::line(Text::new().plain("No incident is open. To declare one: ").code("/incident declare"));
    }
    let mut card = Card::line(Text::new().bold("Which incident?").plain(" This channel is no incident's room."));
    for id in open.iter().take(OFFERED) {
        let Some(it) = state.incidents.get(id) else { continue };
        let line = Text::new().bold(id.to_string()).plain(" ").outside(&it.title.short(80)).plain(format!(" · {}", it.severity));
        card = card.with(line).button(&id.to_string(), click::line(ask, *id), Style::Plain);
    }
    if open.len() > OFFERED {
        let words = format!("and {} more. Name one: ", open.len() - OFFERED);
        card = card.with(Text::new().plain(words).code("/incident show INC-1"));
    }
    card
}

fn which_alert(state: &State, firing: &[GroupId], ask: AlertAsk) -> Card {
    if firing.is_empty() {
        let words = match ask {
            AlertAsk::Acknowledge => "No alert waits to be acknowledged here. What fires: ",
            AlertAsk::TakeOver | AlertAsk::Unacknowledge => "No alert is acknowledged here. What fires: ",
            AlertAsk::Show => "No alert is firing here. To see what does elsewhere: ",
        };
        return Card::line(Text::new().plain(words).code("/alert list"));
    }
    let mut card = Card::line(Text::new().bold("Which alert?"));
    for id in firing.iter().take(OFFERED) {
        let Some(group) = state.groups.get(id) else { continue };
        let line = Text::new().bold(id.to_string()).plain(" ").outside(&group.title.short(80)).plain(format!(" · {}", group.severity));
        card = card.with(line).button(&id.to_string(), click::alert_line(ask, *id), Style::Plain);
    }
    if firing.len() > OFFERED {
        card = card.with(Text::new().plain(format!("and {} more: ", firing.len() - OFFERED)).code("/alert list"));
    }
    card
}
