//! The board of alerts that could not be shown in time: what came meanwhile, and what of it still matters.

use operations::card::{Card, Colour};
use operations::ids::MissedId;
use operations::missed::Missed;
use operations::state::State;
use operations::text::{Text, TimeStyle};

/// So many of those that fire are named.
const NAMED: usize = 5;

/// The board; none where it is forgotten.
#[must_use]
pub fn missed(state: &State, id: MissedId) -> Option<Card> {
    let missed = state.missed.get(&id)?;
    let firing = missed.firing(state);
    let count = missed.held.len();
    let title = Text::new()
        .plain(format!("📬 {count} alerts came while nothing could be shown here, since "))
        .time(missed.began_at, TimeStyle::Clock);
    let colour = if firing.is_empty() { Colour::Resolved } else { Colour::Firing };
    let mut card = Card::coloured(colour, title).with(Text::new().plain(stand(missed, firing.len())));
    for group in firing.iter().take(NAMED) {
        let mut line = Text::new().code(group.id.to_string()).plain(" ").outside(&group.title.short(80));
        line = line.plain(format!(" · {}", group.severity));
        if let Some(service) = &group.service {
            line = line.plain(" · ").outside(&service.short(40));
        }
        card = card.with(line);
    }
    let more = firing.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("… and {more} more. ") } else { String::new() };
    if !firing.is_empty() {
        card = card.with(Text::new().plain(more).code("/alert ack A-…").plain(" takes one, and it gets a card."));
    }
    card.footer = Some(Text::new().link("All of them", state.settings.missed_url(id)).plain(format!(" · {id}")));
    Some(card)
}

fn stand(missed: &Missed, firing: usize) -> String {
    let cards = "So that this channel stays readable they have no cards of their own";
    match (missed.resolved, firing) {
        (_, 0) => "All of them are resolved. Nothing is lost: they are listed below.".to_owned(),
        (0, _) => format!("{firing} of them fire. {cards}; the gravest follow."),
        (resolved, _) => format!("{resolved} of them are resolved, {firing} fire. {cards}; the gravest follow."),
    }
}
