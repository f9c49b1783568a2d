//! A line as it was typed, read from both ends.
//!
//! ```text
//! line   = word*
//! option = name:value | name=value | --name value ; value = word | "two words" | “two words”
//! ```
//! Each command lifts out the options that it knows; all else stays as it was typed, with its
//! own case, spaces and quotation marks. Options that were chosen or filled in win over typed ones.

use std::collections::BTreeMap;

use operations::chat::Line;

/// The quotation marks that may stand around a value. Phones and Macs write the curved ones.
const QUOTES: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];

/// What is left of a line, and its options by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    rest: String,
    options: BTreeMap<String, String>,
}

impl Words {
    /// A line as it was typed.
    #[must_use]
    pub fn typed(text: &str) -> Words {
        Words { rest: text.trim().to_owned(), options: BTreeMap::new() }
    }

    /// A line from either platform.
    #[must_use]
    pub fn of(line: &Line) -> Words {
        match line {
            Line::Text(text) => Words::typed(text),
            Line::Options { path, options } => Words { rest: path.join(" "), options: options.clone() },
        }
    }

    /// Sets an option, as a form does.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Words {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same options with another line.
    #[must_use]
    pub(crate) fn again(mut self, rest: &str) -> Words {
        self.rest = rest.trim().to_owned();
        self
    }

    /// The first word as it is.
    #[must_use]
    pub fn peek(&self) -> Option<&str> {
        self.rest.split_whitespace().next()
    }

    /// Takes the first word, in lower case.
    pub fn word(&mut self) -> Option<String> {
        let word = self.peek()?.to_owned();
        self.rest = self.rest.trim_start()[word.len()..].trim_start().to_owned();
        Some(word.to_lowercase())
    }

    /// The last word as it is.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.rest.split_whitespace().next_back()
    }

    /// Takes the last word away.
    pub fn drop_last(&mut self) {
        let end = self.last().map_or(0, |last| self.rest.trim_end().len() - last.len());
        self.rest = self.rest[..end].trim_end().to_owned();
    }

    /// Takes an option; an empty one counts as not given.
    pub fn option(&mut self, name: &str) -> Option<String> {
        self.options.remove(name).filter(|value| !value.trim().is_empty())
    }

    /// Lifts the first option of any of these names out of the line, under the first of them, where its value fits.
    pub fn lift(&mut self, names: &[&str], fits: impl Fn(&str) -> bool) {
        let Some(name) = names.first() else { return };
        if self.options.contains_key(*name) {
            return;
        }
        let mut at = 0;
        while at < self.rest.len() {
            let left = &self.rest[at..];
            if let Some((value, length)) = option(left, names).filter(|(value, _)| fits(value)) {
                self.options.insert((*name).to_owned(), value);
                let after = self.rest[at + length..].trim_start().to_owned();
                self.rest.truncate(at);
                self.rest.push_str(&after);
                self.rest.truncate(self.rest.trim_end().len());
                return;
            }
            let word = left.find(char::is_whitespace).unwrap_or(left.len());
            at += left[word..].find(|c: char| !c.is_whitespace()).map_or(left.len(), |spaces| word + spaces);
        }
    }

    /// What is left, as it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        self.rest.trim()
    }
}

/// The option at the beginning of `text`: its value, and how long it is in bytes.
fn option(text: &str, names: &[&str]) -> Option<(String, usize)> {
    let dashed = text.strip_prefix("--");
    let body = dashed.unwrap_or(text);
    let name_end = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))?;
    if !names.iter().any(|name| name.eq_ignore_ascii_case(&body[..name_end])) {
        return None;
    }
    let after = &body[name_end..];
    let value = match after.strip_prefix([':', '=']) {
        Some(value) => value,
        None if dashed.is_some() => after,
        None => return None,
    };
    let value = value.trim_start();
    let quoted = value.strip_prefix(QUOTES).and_then(|quoted| {
        let end = quoted.find(QUOTES)?;
        Some((&quoted[..end], quoted[end..].chars().next().map_or(0, char::len_utf8) + end))
    });
    let (said, rest) = match quoted {
        Some((said, length)) => {
            let opening = value.chars().next().map_or(0, char::len_utf8);
            (said, &value[opening + length..])
        }
        None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
    };
    if said.is_empty() { None } else { Some((said.to_owned(), text.len() - rest.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_lifted_and_all_else_stays_as_it_was_typed() {
        let any = |_: &str| true;
        for (typed, value, rest) in [
            ("Checkout  is: *down* sev:SEV2", Some("SEV2"), "Checkout  is: *down*"),
            ("sev:2 Checkout “is” down", Some("2"), "Checkout “is” down"),
            ("a --sev 2  b", Some("2"), "a b"),
            ("a severity=SEV1", Some("SEV1"), "a"),
            ("a SEV: 3 b", Some("3"), "a b"),
            ("a sev:\u{201c}SEV 2\u{201d} b", Some("SEV 2"), "a b"),
            ("a sev:\"open b", Some("\"open"), "a b"),
            ("the severity is high", None, "the severity is high"),
            ("é sev:1 ü", Some("1"), "é ü"),
            ("sev:", None, "sev:"),
            ("--sev", None, "--sev"),
            ("a\nb  sev:1\nc", Some("1"), "a\nb  c"),
        ] {
            let mut words = Words::typed(typed);
            words.lift(&["sev", "severity"], any);
            assert_eq!(words.option("sev").as_deref(), value, "{typed}");
            assert_eq!(words.text(), rest, "{typed}");
        }
    }

    #[test]
    fn what_does_not_fit_stays_text_and_what_was_chosen_wins() {
        let mut words = Words::typed("note the alert:disk was noisy");
        words.lift(&["alert"], |value| value.starts_with("A-"));
        assert_eq!((words.option("alert"), words.text()), (None, "note the alert:disk was noisy"));
        let mut chosen = Words::typed("title sev:1").with("sev", "SEV4");
        chosen.lift(&["sev"], |_| true);
        assert_eq!((chosen.option("sev").as_deref(), chosen.text()), (Some("SEV4"), "title sev:1"));
    }

    #[test]
    fn words_are_taken_from_both_ends() {
        let mut words = Words::typed("  Note the  cache INC-4 ");
        assert_eq!(words.word().as_deref(), Some("note"));
        assert_eq!(words.last(), Some("INC-4"));
        words.drop_last();
        assert_eq!(words.text(), "the  cache");
        let mut empty = Words::typed("  ");
        empty.drop_last();
        assert_eq!((empty.word(), empty.last(), empty.text()), (None, None, ""));
    }
}
