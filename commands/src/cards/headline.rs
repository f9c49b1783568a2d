//! An incident's headline: pinned in its rooms, announced, edited in place for its whole life.

use operations::card::{Card, Colour, Quote, Style};
use operations::command::{Ask, Holder};
use operations::effect::{Effect, Place};
use operations::ids::{GroupId, IncidentId, Platform};
use operations::incident::{Incident, Role, Status};
use operations::state::State;
use operations::text::{Outside, Span, Text, TimeStyle};

use crate::click;
use crate::names::{joined, lasted, person};

/// The longest name of a room, in characters. Both platforms take more, but nobody reads it.
const LONGEST_NAME: usize = 60;

/// So many side effects that failed are shown.
const FAILURES: usize = 2;

/// So many alert groups are named.
const ALERTS: usize = 3;

/// An incident's headline; none where there is no such incident.
#[must_use]
pub fn headline(state: &State, id: IncidentId, place: Place) -> Option<Card> {
    let it = state.incidents.get(&id)?;
    let colour = match it.status {
        Status::Investigating => Colour::Firing,
        Status::Mitigated => Colour::Acknowledged,
        Status::Resolved => Colour::Resolved,
    };
    let title = Text::new()
        .plain(format!("{} {} ", colour.emoji(), it.id))
        .outside(&it.title.short(150))
        .plain(format!(" · {} · {}", it.severity, it.status.name()));
    let mut card = Card::coloured(colour, title).with(times(state, it)).with(roles(state, it));
    if let Some(due) = it.update_due {
        card = card.with(Text::new().plain("Next update due ").time(due, TimeStyle::Ago));
    }
    card.lines.extend(rooms(state, it, place));
    if !it.groups.is_empty() {
        card = card.with(alerts(state, it));
    }
    for why in it.failed.values().take(FAILURES) {
        card = card.with(Text::new().plain("⚠ failed: ").outside(&Outside::new(why).short(200)));
    }
    if let Some(postmortem) = &it.postmortem {
        card = card.with(
            Text::new().link("Postmortem", &postmortem.url).plain(" written ").time(postmortem.at, TimeStyle::Ago),
        );
    }
    if let Some((words, _)) = &it.update {
        card.quotes.push(Quote { label: "Latest update".to_owned(), words: words.clone() });
    }
    card.footer =
        it.failed.len().checked_sub(FAILURES + 1).map(|more| Text::new().plain(format!("{} more failed", more + 1)));
    Some(buttons(card, it))
}

/// Who has which role: `Commander: Ann (Slack) · Communications: nobody yet · …`.
pub(crate) fn roles(state: &State, it: &Incident) -> Text {
    let role = |role: Role| {
        let text = Text::new().plain(format!("{}: ", role.title()));
        match it.roles.get(&role) {
            Some(who) => text.span(person(state, who)),
            None => text.plain("nobody yet"),
        }
    };
    joined(Role::ALL.into_iter().map(role).collect(), " · ")
}

/// What an incident's room is called: `inc-1-checkout-is-failing`. Lower-case ASCII letters, digits and single hyphens.
#[must_use]
pub fn room_name(it: &Incident) -> String {
    let mut name = format!("inc-{}", it.id.0);
    for word in it.title.as_str().split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if name.len() + 1 + word.len() > LONGEST_NAME {
            break;
        }
        name.push('-');
        name.push_str(&word.to_ascii_lowercase());
    }
    name
}

/// A room's topic, in plain words on one line. The platform's escapes are the adapter's to make.
#[must_use]
pub fn topic(state: &State, id: IncidentId) -> String {
    let Some(it) = state.incidents.get(&id) else { return String::new() };
    format!("{id} {} · {} · {}", it.title.short(100).as_str().replace('\t', " "), it.severity, it.status.name())
}

/// Since when, and who said so. What is over is told in words.
fn times(state: &State, it: &Incident) -> Text {
    let text = Text::new().plain("Declared by ").span(person(state, &it.declared_by)).plain(" ");
    let text = text.time(it.declared_at, if it.is_open() { TimeStyle::Ago } else { TimeStyle::Full });
    match (it.resolved_at, it.mitigated_at) {
        (Some(at), Some(mitigated)) if mitigated < at => text.plain(format!(
            " · mitigated after {}, resolved after {}",
            lasted(it.declared_at, mitigated),
            lasted(it.declared_at, at)
        )),
        (Some(at), _) => text.plain(format!(" · resolved after {}", lasted(it.declared_at, at))),
        (None, Some(at)) => text.plain(format!(" · mitigated after {}", lasted(it.declared_at, at))),
        (None, None) => text,
    }
}

/// Where its rooms are: those that the reader is not in, and what became of the others.
fn rooms(state: &State, it: &Incident, place: Place) -> Option<Text> {
    let here = match place {
        Place::Room(platform, _) => Some(platform),
        Place::Alerts(_)
        | Place::Announcements(_)
        | Place::Operators(_)
        | Place::Beside(..)
        | Place::Storm(..)
        | Place::Deploy(..)
        | Place::DeployThread(..)
        | Place::Deploys(_)
        | Place::Missed(..) => None,
    };
    let room = |platform: Platform| match it.rooms.get(&platform) {
        Some(room) => Text::new()
            .span(Span::Channel(platform, room.channel.clone(), room.name.clone()))
            .plain(format!(" ({})", platform.title())),
        None if it.failed.contains_key(&Effect::OpenRoom { incident: it.id, platform }.key()) => {
            Text::new().plain(format!("Room on {}: failed", platform.title()))
        }
        None => Text::new().plain(format!("Room on {}: waiting", platform.title())),
    };
    let shown = state.settings.chats.keys().filter(|platform| Some(**platform) != here);
    let rooms: Vec<Text> = shown.map(|platform| room(*platform)).collect();
    if rooms.is_empty() { None } else { Some(joined(rooms, " ⇄ ")) }
}

fn alerts(state: &State, it: &Incident) -> Text {
    let alert = |id: &GroupId| {
        let text = Text::new().plain(format!("{id} "));
        match state.groups.get(id) {
            Some(group) if group.resolved_at.is_some() => text.outside(&group.title.short(60)).plain(" (resolved)"),
            Some(group) => text.outside(&group.title.short(60)).plain(" (firing)"),
            None => text.plain("(long over)"),
        }
    };
    let mut parts: Vec<Text> = it.groups.iter().take(ALERTS).map(alert).collect();
    if it.groups.len() > ALERTS {
        parts.push(Text::new().plain(format!("{} more", it.groups.len() - ALERTS)));
    }
    Text::new().plain("Alerts: ").text(joined(parts, ", "))
}

/// The likely next step first, at most five.
fn buttons(card: Card, it: &Incident) -> Card {
    let line = |ask: Ask| click::line(&ask, it.id);
    let update = line(Ask::PostUpdate("".into()));
    match it.status {
        Status::Resolved => {
            let words = if it.postmortem.is_some() { "Refresh postmortem" } else { "Write postmortem" };
            card.button(words, line(Ask::WritePostmortem), Style::Primary).button(
                "Reopen",
                line(Ask::Reopen(None)),
                Style::Plain,
            )
        }
        Status::Investigating | Status::Mitigated => {
            let mut card = card.button("Update", update, Style::Primary);
            if !it.roles.contains_key(&Role::Commander) {
                card = card.button("I'll command", line(Ask::SetRole(Role::Commander, Holder::Me)), Style::Plain);
            }
            card = card.button("Roles", line(Ask::ChooseRole), Style::Plain).button(
                "Severity",
                line(Ask::ChooseSeverity),
                Style::Plain,
            );
            if it.status == Status::Mitigated {
                card.button("Resolve", line(Ask::Resolve(None)), Style::Plain)
            } else {
                card.button("Mitigated", line(Ask::Mitigate(None)), Style::Plain)
            }
        }
    }
}
