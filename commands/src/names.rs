//! How people, alerts and spans of time are written everywhere.

use jiff::{SignedDuration, Timestamp};
use operations::alert::Group;
use operations::chat::Actor;
use operations::incident::Incident;
use operations::state::State;
use operations::text::{Outside, Span, Text};

/// The longest part of somebody else's words within a line, in characters.
const SHORT: usize = 80;

/// A person by name, with the side they are on: `Ann (Slack)`. Nobody is notified by it.
#[must_use]
pub fn person(state: &State, who: &Actor) -> Span {
    Span::Person(state.settings.name_of(who), who.user.platform)
}

/// An alert group as plain words: `HighErrorRate on checkout`. For forms and completions; cards take the parts.
#[must_use]
pub fn alert(group: &Group) -> String {
    let title = group.title.short(SHORT);
    match &group.service {
        Some(service) => format!("{} on {}", title.as_str(), service.short(SHORT).as_str()),
        None => title.as_str().to_owned(),
    }
}

/// An incident with its number: `INC-4 Checkout is failing`.
#[must_use]
pub fn incident(it: &Incident) -> Text {
    Text::new().bold(it.id.to_string()).plain(" ").outside(&it.title.short(SHORT))
}

/// The rooms that are open, on the chats that are connected: `#inc-4 (Slack)`.
#[must_use]
pub fn rooms(state: &State, it: &Incident) -> Vec<Text> {
    let connected = it.rooms.iter().filter(|(platform, _)| state.settings.chats.contains_key(platform));
    connected
        .map(|(platform, room)| {
            Text::new()
                .span(Span::Channel(*platform, room.channel.clone(), room.name.clone()))
                .plain(format!(" ({})", platform.title()))
        })
        .collect()
}

/// What somebody typed, to be repeated to them: one line, cleaned and short.
#[must_use]
pub fn echo(said: &str) -> Outside {
    Outside::new(said.trim()).short(40)
}

/// The time between two moments in words: `11 min`.
#[must_use]
pub fn lasted(from: Timestamp, to: Timestamp) -> String {
    in_words(to.duration_since(from))
}

/// A span of time in words: `under a minute`, `11 min`, `2 h 5 min`, `3 days`. Negative ones count as none.
#[must_use]
pub fn in_words(span: SignedDuration) -> String {
    let minutes = span.as_mins().max(0);
    match minutes {
        0 => "under a minute".to_owned(),
        1..60 => format!("{minutes} min"),
        60..2880 if minutes % 60 == 0 => format!("{} h", minutes / 60),
        60..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 1440),
    }
}

/// The parts with `between` between them.
#[must_use]
pub fn joined(parts: Vec<Text>, between: &str) -> Text {
    let mut all = Text::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            all = all.plain(between);
        }
        all = all.text(part);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_words() {
        for (minutes, words) in [
            (-3, "under a minute"),
            (0, "under a minute"),
            (11, "11 min"),
            (60, "1 h"),
            (125, "2 h 5 min"),
            (2879, "47 h 59 min"),
            (5000, "3 days"),
        ] {
            assert_eq!(in_words(SignedDuration::from_mins(minutes)), words);
        }
    }
}
