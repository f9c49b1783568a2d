//! An incident's headline: pinned in its rooms, announced, edited in place for its whole life.

use operations::card::{Card, Colour, Quote, Style};
use operations::effect::Place;
use operations::ids::{IncidentId, Platform};
use operations::incident::{Incident, Role, Status};
use operations::state::State;
use operations::text::{Span, Text, TimeStyle};

use super::{joined, lasted, person};

/// The longest name of a room: both platforms take more, but nobody reads it.
const LONGEST_NAME: usize = 60;

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
        .outside(&it.title)
        .plain(format!(" · {} · {}", it.severity, it.status.name()));
    let mut card = Card::coloured(colour, title).with(times(state, it)).with(roles(state, it));
    if let Some(due) = it.update_due {
        card = card.with(Text::new().plain("Next update due at ").time(due, TimeStyle::Clock));
    }
    if let Some(rooms) = rooms(state, it, place) {
        card = card.with(rooms);
    }
    if !it.groups.is_empty() {
        card = card.with(alerts(state, it));
    }
    for why in it.failed.values().take(2) {
        card = card.with(Text::new().plain("⚠ Could not ").outside(&why.as_str().into()));
    }
    if let Some(postmortem) = &it.postmortem {
        card = card.with(Text::new().link("Postmortem", &postmortem.url));
    }
    if let Some((words, _)) = &it.update {
        card.quotes.push(Quote { label: "Latest update".to_owned(), words: words.clone() });
    }
    Some(buttons(card, it))
}

fn times(state: &State, it: &Incident) -> Text {
    let text = Text::new()
        .plain("Declared by ")
        .span(person(state, &it.declared_by))
        .plain(" at ")
        .time(it.declared_at, TimeStyle::Clock);
    match (it.resolved_at, it.mitigated_at) {
        (Some(at), _) => text.plain(format!(" · resolved after {}", lasted(it.declared_at, at))),
        (None, Some(at)) => text.plain(format!(" · mitigated after {}", lasted(it.declared_at, at))),
        (None, None) => text,
    }
}

fn roles(state: &State, it: &Incident) -> Text {
    let role = |role: Role| {
        let text = Text::new().plain(format!("{}: ", role.title()));
        match it.roles.get(&role) {
            Some(who) => text.span(person(state, who)),
            None => text.plain("nobody yet"),
        }
    };
    joined(Role::ALL.into_iter().map(role).collect(), " · ")
}

/// Where its rooms are, as far as the reader is elsewhere; and that one is still to be opened.
fn rooms(state: &State, it: &Incident, place: Place) -> Option<Text> {
    let room = |platform: Platform| {
        let text = Text::new();
        match it.rooms.get(&platform) {
            Some(room) => text.span(Span::Channel(platform, room.channel.clone(), room.name.clone())).plain(format!(" ({})", platform.title())),
            None if it.failed.keys().any(|key| *key == format!("room/{}/{}", it.id, platform.key())) => {
                text.plain(format!("no room on {}", platform.title()))
            }
            None => text.plain(format!("on {} it is being opened", platform.title())),
        }
    };
    let here = match place {
        Place::Room(platform, _) => Some(platform),
        Place::Alerts(_) | Place::Announcements(_) | Place::Operators(_) => None,
    };
    let rooms: Vec<Text> = state.settings.chats.keys().filter(|platform| Some(**platform) != here).map(|it| room(*it)).collect();
    if rooms.is_empty() { None } else { Some(Text::new().plain("Room: ").text(joined(rooms, " ⇄ "))) }
}

fn alerts(state: &State, it: &Incident) -> Text {
    let alert = |id: &operations::ids::GroupId| {
        let text = Text::new().plain(format!("{id} "));
        match state.groups.get(id) {
            Some(group) if group.resolved_at.is_some() => text.outside(&group.title.short(60)).plain(" (resolved)"),
            Some(group) => text.outside(&group.title.short(60)).plain(" (firing)"),
            None => text.plain("(long over)"),
        }
    };
    let mut parts: Vec<Text> = it.groups.iter().take(3).map(alert).collect();
    if it.groups.len() > 3 {
        parts.push(Text::new().plain(format!("{} more", it.groups.len() - 3)));
    }
    Text::new().plain("Alerts: ").text(joined(parts, ", "))
}

/// The likely next step first, at most five.
fn buttons(card: Card, it: &Incident) -> Card {
    let id = it.id;
    match it.status {
        Status::Resolved => {
            let card = card.button("Write postmortem", format!("incident postmortem {id}"), Style::Primary);
            card.button("Reopen", format!("incident reopen {id}"), Style::Plain)
        }
        Status::Investigating | Status::Mitigated => {
            let mut card = card.button("Update", format!("incident update {id}"), Style::Primary);
            if !it.roles.contains_key(&Role::Commander) {
                card = card.button("I'll command", format!("incident role {id} commander me"), Style::Plain);
            }
            card = card
                .button("Roles", format!("incident role {id}"), Style::Plain)
                .button("Severity", format!("incident sev {id}"), Style::Plain);
            if it.status == Status::Mitigated {
                card.button("Resolved", format!("incident resolve {id}"), Style::Plain)
            } else {
                card.button("Mitigated", format!("incident mitigate {id}"), Style::Plain)
            }
        }
    }
}

/// What an incident's room is called: `inc-1-checkout-is-failing`. Only what every platform takes.
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

/// A room's topic, in plain words.
#[must_use]
pub fn topic(state: &State, id: IncidentId) -> String {
    let Some(it) = state.incidents.get(&id) else { return String::new() };
    format!("{id} {} · {} · {}", it.title.short(100).as_str(), it.severity, it.status.name())
}
