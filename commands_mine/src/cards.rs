//! The cards that are kept up to date, and the names that rooms get.
//!
//! A card is a function of the state alone, so it looks the same on both chats and after a
//! restart. What holds: the most important thing stands first; at most eight lines.

mod alert;
mod headline;

pub use alert::alert;
pub use headline::{headline, room_name, topic};

use jiff::{SignedDuration, Timestamp};
use operations::chat::Actor;
use operations::state::State;
use operations::text::{Span, Text};

/// A person by name, with the side they are on: `Ann (Slack)`.
#[must_use]
pub fn person(state: &State, who: &Actor) -> Span {
    Span::Person(state.settings.name_of(who), who.user.platform)
}

/// The time between two moments in words: `under a minute`, `11 min`, `2 h 5 min`, `3 days`.
#[must_use]
pub fn lasted(from: Timestamp, to: Timestamp) -> String {
    in_words(to.duration_since(from))
}

/// A span of time in words.
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

/// `"; "` between parts, nothing around them.
fn joined(parts: Vec<Text>, between: &str) -> Text {
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
        let minutes = |minutes| in_words(SignedDuration::from_mins(minutes));
        assert_eq!(
            [minutes(-3), minutes(0), minutes(11), minutes(60), minutes(125), minutes(5000)],
            ["under a minute", "under a minute", "11 min", "1 h", "2 h 5 min", "3 days"]
        );
    }
}
