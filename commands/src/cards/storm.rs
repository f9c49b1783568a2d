//! A storm's board: what to know when there are too many alerts to read.

use std::collections::BTreeMap;

use operations::card::{Card, Colour, Style};
use operations::ids::StormId;
use operations::incident::Severity;
use operations::state::State;
use operations::storm::{Storm, Tally};
use operations::text::{Outside, Text, TimeStyle};

use crate::names::{joined, lasted};

/// So many services are named; the others are counted.
const NAMED: usize = 5;

/// A storm's board; none where it is forgotten.
#[must_use]
pub fn storm(state: &State, id: StormId) -> Option<Card> {
    let storm = state.storms.get(&id)?;
    let mut card = match storm.ended_at {
        None => raging(state, storm),
        Some(ended_at) => over(storm, ended_at),
    };
    if !storm.services.is_empty() {
        card = card.with(services(storm));
    }
    if let Some(gravest) = gravest(state, storm) {
        card = card.with(gravest);
    }
    let all = Text::new().link("All of them", state.settings.storm_url(id)).plain(format!(" · {id}"));
    card.footer = Some(all);
    Some(card)
}

fn raging(state: &State, storm: &Storm) -> Card {
    let title = Text::new().plain("🔴 Alert storm since ").time(storm.began_at, TimeStyle::Ago).plain(format!(
        " · {} new alerts, {} a minute",
        storm.opened(),
        state.openings.get(&storm.channel).map_or(0, operations::storm::Openings::a_minute)
    ));
    let held = storm.opened().saturating_sub(storm.resolved);
    let resolved = match storm.resolved {
        0 => String::new(),
        resolved => format!(", {resolved} of them are resolved already"),
    };
    let words = format!(
        "So that this channel stays readable, new alerts have no cards of their own for now. Nothing is lost: {} are held \
         back{resolved}.",
        storm.opened(),
    );
    let next = format!("{held} fire. Look for what they have in common; take one with ");
    Card::coloured(Colour::Firing, title)
        .with(Text::new().plain(words))
        .with(Text::new().plain(next).code("/alert ack A-…").plain(" and it gets a card."))
        .button("Declare incident", "incident declare".to_owned(), Style::Primary)
}

fn over(storm: &Storm, ended_at: jiff::Timestamp) -> Card {
    let title = Text::new().plain(format!(
        "🟢 The alert storm is over · {} new alerts in {}, at most {} a minute",
        storm.opened(),
        lasted(storm.began_at, ended_at),
        storm.peak
    ));
    let firing = storm.opened().saturating_sub(storm.resolved);
    let words = format!("{} of them are resolved, {firing} were not when this was written.", storm.resolved);
    Card::coloured(Colour::Resolved, title).with(Text::new().plain(words))
}

/// How many of those that fire are how grave, and the gravest by name.
fn gravest(state: &State, storm: &Storm) -> Option<Text> {
    let firing = storm.firing(state);
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    firing.iter().for_each(|group| *counts.entry(group.severity).or_default() += 1);
    let counts: Vec<String> = counts.iter().map(|(severity, count)| format!("{severity} {count}")).collect();
    let named = firing
        .iter()
        .take(NAMED)
        .map(|group| Text::new().code(group.id.to_string()).plain(" ").outside(&group.title.short(60)));
    let named: Vec<Text> = named.collect();
    if named.is_empty() {
        return None;
    }
    Some(Text::new().plain(format!("Firing: {}. The gravest: ", counts.join(" · "))).text(joined(named, " · ")))
}

/// The services that most alerts are about, and since when.
fn services(storm: &Storm) -> Text {
    let mut services: Vec<(&Option<Outside>, &Tally)> = storm.services.iter().collect();
    services.sort_by_key(|(_, tally)| (std::cmp::Reverse(tally.opened), tally.first_seen));
    let more = services.len().saturating_sub(NAMED);
    let named = services.into_iter().take(NAMED).map(|(service, tally)| {
        let name = match service {
            Some(service) => Text::new().outside(&service.short(40)),
            None => Text::new().plain("no service"),
        };
        name.plain(format!(" {} (first ", tally.opened)).time(tally.first_seen, TimeStyle::Clock).plain(")")
    });
    let text = Text::new().plain("By service: ").text(joined(named.collect(), " · "));
    if more > 0 { text.plain(format!(" · and {more} more")) } else { text }
}
