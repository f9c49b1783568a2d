//! How people, alerts and spans of time are written everywhere.

use jiff::{SignedDuration, Timestamp};
use operations::alert::Group;
use operations::chat::Actor;
use operations::ids::UserRef;
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

/// What somebody typed, with the names of the people and channels that it mentions: a platform's own ids say nothing
/// to people, least of all on the other platform. An id that nobody knows stays.
#[must_use]
pub fn readable(state: &State, by: &Actor, typed: &str) -> String {
    let mut out = String::with_capacity(typed.len());
    let mut rest = typed;
    while let Some(at) = rest.find("<@").into_iter().chain(rest.find("<#")).min() {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.find('>') else { break };
        let (token, after) = rest.split_at(end + 1);
        match named(state, by, &token[1..end]) {
            Some(name) => out.push_str(&name),
            None => out.push_str(token),
        }
        rest = after;
    }
    out + rest
}

/// The name behind `@U1`, `@!1`, `@U1|ann` or `#C1|general`.
fn named(state: &State, by: &Actor, inner: &str) -> Option<String> {
    let (target, label) = inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
    let label = label.filter(|label| !label.is_empty());
    if target.starts_with('#') {
        return label.map(|label| format!("#{label}"));
    }
    let user = target.trim_start_matches('@').trim_start_matches('!').to_owned();
    let user = UserRef { user, ..by.user.clone() };
    let known = state.settings.person(&user).map(|person| person.name.as_str().to_owned());
    known.or_else(|| label.map(str::to_owned)).map(|name| format!("@{name}"))
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
