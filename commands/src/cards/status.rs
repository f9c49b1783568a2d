//! How Muster itself does: `/muster status`.

use operations::card::{Card, Colour};
use operations::state::State;
use operations::text::{Text, TimeStyle};
use operations::vitals::Vitals;

use crate::names::joined;

/// So many lanes are shown.
const SHOWN: usize = 4;

/// What Muster sees of itself, for people.
#[must_use]
pub fn status(state: &State) -> Card {
    let Vitals { chats, lanes, open, disk_free, at, .. } = &state.vitals;
    let away = chats.iter().find(|(_, link)| !link.up);
    let storms = state.storms.values().any(|storm| storm.ended_at.is_none());
    let (colour, title) = match (state.troubles.len(), away) {
        (0, Some((chat, _))) => {
            (Colour::Acknowledged, format!("{} is away; it is tried again all the time", chat.title()))
        }
        (0, None) if storms => (Colour::Acknowledged, "Muster is well, but an alert storm rages".to_owned()),
        (0, None) => (Colour::Resolved, "All is well".to_owned()),
        (1, _) => (Colour::Firing, "Something is wrong".to_owned()),
        (count, _) => (Colour::Firing, format!("{count} things are wrong")),
    };
    let mut card = Card::coloured(colour, Text::new().plain(format!("{} {title}", colour.emoji())));
    for (trouble, since) in state.troubles.iter().take(3) {
        let text = Text::new().plain(format!("⚠️ {} (since ", trouble.began())).time(*since, TimeStyle::Ago);
        card = card.with(text.plain(")"));
    }
    let links = chats.iter().map(|(platform, link)| {
        let how = if link.up { "connected" } else { "away" };
        Text::new().plain(format!("{} {how} since ", platform.title())).time(link.since, TimeStyle::Ago)
    });
    if !chats.is_empty() {
        card = card.with(Text::new().plain("Chats: ").text(joined(links.collect(), " · ")));
    }
    let waits = lanes.iter().take(SHOWN).map(|lane| {
        Text::new().plain(format!("{} {} (oldest ", lane.name, lane.depth)).time(lane.oldest, TimeStyle::Ago).plain(")")
    });
    let waits: Vec<Text> = waits.collect();
    card = card.with(match open {
        0 => Text::new().plain("Nothing waits to be delivered."),
        open => Text::new().plain(format!("{open} wait to be delivered: ")).text(joined(waits, " · ")),
    });
    if !state.sources.is_empty() {
        let sources = state
            .sources
            .iter()
            .take(SHOWN)
            .map(|(source, last)| Text::new().outside(&(&**source).into()).plain(" ").time(*last, TimeStyle::Ago));
        card = card.with(Text::new().plain("Last word of each source: ").text(joined(sources.collect(), " · ")));
    }
    if let Some(free) = disk_free {
        card = card.with(Text::new().plain(format!("Disk: {} free", bytes(*free))));
    }
    card.footer = Some(Text::new().plain("As of ").time(*at, TimeStyle::Ago).plain(" · more figures: /metrics"));
    card
}

fn bytes(count: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if count >= 10 * 1024 * MIB { format!("{} GiB", count / (1024 * MIB)) } else { format!("{} MiB", count / MIB) }
}
