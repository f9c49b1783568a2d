//! Text from outside, and text as people will read it.
//!
//! [`Outside`] holds what somebody else wrote: alert labels, names, titles, messages.
//! It is cleaned when it is made (no control, bidirectional or zero-width characters)
//! and can reach a chat, a wiki or a page only as a [`Span`] that a renderer escapes.
//! What holds: no markup, mention or link ever comes out of a string; they exist only
//! as kinds of span.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ChannelId, Platform, UserRef};

/// The longest piece of outside text that is kept, in characters. Longer text is cut with [`CUT_MARK`].
pub const LONGEST: usize = 4000;

/// What stands where text was cut.
pub const CUT_MARK: &str = "… (cut)";

/// Text that somebody else wrote. Never markup.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Outside(Arc<str>);

impl Outside {
    /// Cleans `text` and cuts it to [`LONGEST`] characters.
    #[must_use]
    pub fn new(text: &str) -> Outside {
        // Nearly all text is this: short, and nothing in it to be removed.
        if text.len() <= LONGEST && text.bytes().all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
            return Outside(text.into());
        }
        Outside(cut(&clean(text), LONGEST).into())
    }

    /// The cleaned text, for renderers and comparisons. Escape it before it goes anywhere.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first line that is not empty, cut to `longest` characters.
    #[must_use]
    pub fn short(&self, longest: usize) -> Outside {
        let line = self.0.lines().map(str::trim).find(|line| !line.is_empty());
        let line = line.unwrap_or_default();
        if line.len() == self.0.len() && line.len() <= longest {
            return self.clone();
        }
        Outside(cut(line, longest).into())
    }

    /// The same text, with the one string that is kept of its like.
    #[must_use]
    pub fn shared(&self, strings: &mut crate::labels::Strings) -> Outside {
        Outside(strings.share(&self.0))
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl<'de> Deserialize<'de> for Outside {
    /// Cleans on the way in, so that an edited export can't bring in what `new` keeps out.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Outside, D::Error> {
        Cow::<'de, str>::deserialize(deserializer).map(|text| Outside::new(&text))
    }
}

impl From<&str> for Outside {
    fn from(text: &str) -> Outside {
        Outside::new(text)
    }
}

/// Shortens to `longest` characters, ending in [`CUT_MARK`] where something was cut.
#[must_use]
pub fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let keep = longest.saturating_sub(CUT_MARK.chars().count());
    text.chars().take(keep).chain(CUT_MARK.chars()).take(longest).collect()
}

/// Removes what can't be seen or reorders what can: controls other than line feed and
/// tab, bidirectional controls, zero-width characters, tags and variation fillers.
#[must_use]
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|&c| !is_hidden(c)).collect()
}

fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => c.is_control(),
    }
}

/// A run of text of one kind. Every string in it is escaped by every renderer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Span {
    /// Muster's own words.
    Plain(String),
    /// Muster's own words, in bold.
    Bold(String),
    /// Something to type, in a fixed width.
    Code(String),
    /// Somebody else's words.
    Outside(Outside),
    /// A moment, shown in the reader's own time zone.
    Time(Timestamp, TimeStyle),
    /// A person: a name in text, never a notification.
    Person(Outside, Platform),
    /// A person who is to be notified on the platform where they live, and named on others.
    Notify(UserRef, Outside),
    /// A channel, as a link on its own platform and as a name elsewhere.
    Channel(Platform, ChannelId, Outside),
    /// A link with Muster's own words. Only `http` and `https` addresses are rendered as links.
    Link(String, String),
}

/// How a moment is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeStyle {
    /// `14:02`.
    Clock,
    /// `21 November 2026 14:02`.
    Full,
    /// `3 minutes ago`, kept current by the platform where it can.
    Ago,
}

/// A line of spans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text(pub Vec<Span>);

impl Text {
    /// An empty line to add spans to.
    #[must_use]
    pub fn new() -> Text {
        Text::default()
    }

    /// Adds Muster's own words.
    #[must_use]
    pub fn plain(self, words: impl Into<String>) -> Text {
        self.span(Span::Plain(words.into()))
    }

    /// Adds Muster's own words in bold.
    #[must_use]
    pub fn bold(self, words: impl Into<String>) -> Text {
        self.span(Span::Bold(words.into()))
    }

    /// Adds something to type.
    #[must_use]
    pub fn code(self, words: impl Into<String>) -> Text {
        self.span(Span::Code(words.into()))
    }

    /// Adds somebody else's words.
    #[must_use]
    pub fn outside(self, words: &Outside) -> Text {
        self.span(Span::Outside(words.clone()))
    }

    /// Adds a moment.
    #[must_use]
    pub fn time(self, at: Timestamp, style: TimeStyle) -> Text {
        self.span(Span::Time(at, style))
    }

    /// Adds a link with Muster's own words.
    #[must_use]
    pub fn link(self, words: impl Into<String>, url: impl Into<String>) -> Text {
        self.span(Span::Link(words.into(), url.into()))
    }

    /// Adds any span.
    #[must_use]
    pub fn span(mut self, span: Span) -> Text {
        self.0.push(span);
        self
    }

    /// Adds all spans of another text.
    #[must_use]
    pub fn text(mut self, other: Text) -> Text {
        self.0.extend(other.0);
        self
    }

    /// The words alone, for logs, transcripts and notification previews. Not escaped.
    #[must_use]
    pub fn words(&self) -> String {
        self.0.iter().map(Span::words).collect()
    }
}

impl Span {
    fn words(&self) -> String {
        match self {
            Span::Plain(words) | Span::Bold(words) | Span::Code(words) | Span::Link(words, _) => words.clone(),
            Span::Outside(words) | Span::Notify(_, words) => words.as_str().to_owned(),
            Span::Time(at, TimeStyle::Full) => at.strftime("%-d %B %Y %H:%M UTC").to_string(),
            Span::Time(at, TimeStyle::Clock | TimeStyle::Ago) => at.strftime("%H:%M UTC").to_string(),
            Span::Person(name, platform) => format!("{} ({})", name.as_str(), platform.title()),
            Span::Channel(_, _, name) => format!("#{}", name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_removed_and_lines_kept() {
        let text = Outside::new("a\u{202e}b\u{200b}c\r\nd\u{7}\u{feff}");
        assert_eq!(text.as_str(), "abc\nd");
    }

    #[test]
    fn long_text_is_cut_with_a_visible_mark() {
        let text = Outside::new(&"x".repeat(40_000));
        assert_eq!(text.as_str().chars().count(), LONGEST);
        assert!(text.as_str().ends_with(CUT_MARK));
    }

    #[test]
    fn an_edited_export_is_cleaned_too() {
        let text: Outside = serde_json::from_str("\"a\\u202eb\"").expect("a JSON string");
        assert_eq!(text.as_str(), "ab");
    }
}
