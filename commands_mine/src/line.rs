//! A line as it was typed, read word by word.
//!
//! ```text
//! line   = word* ; a word may be an option: name:value, --name value, name="two words"
//! ```
//! Only the options that a command knows are taken out; everything else stays text, with its
//! own spaces and case.

use std::collections::BTreeMap;

use operations::chat::Line;

/// Words to take from the front, the text that is left, and options by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    rest: String,
    options: BTreeMap<String, String>,
}

impl Words {
    /// A line as it was typed. `known` are the options that may stand in it.
    #[must_use]
    pub fn typed(text: &str, known: &[&str]) -> Words {
        let text = text.replace(['\u{201c}', '\u{201d}', '\u{201e}'], "\"");
        let mut options = BTreeMap::new();
        let mut rest = String::new();
        let mut left = text.trim();
        while !left.is_empty() {
            if let Some((name, value, after)) = option(left, known) {
                options.insert(name, value);
                left = after.trim_start();
                continue;
            }
            // A word and the space behind it go over as they are.
            let end = left.find(char::is_whitespace).unwrap_or(left.len());
            let next = left[end..].find(|c: char| !c.is_whitespace()).map_or(left.len(), |spaces| end + spaces);
            rest.push_str(&left[..next]);
            left = &left[next..];
        }
        Words { rest: rest.trim().to_owned(), options }
    }

    /// A line from either platform.
    #[must_use]
    pub fn of(line: &Line, known: &[&str]) -> Words {
        match line {
            Line::Text(text) => Words::typed(text, known),
            Line::Options { path, options } => Words { rest: path.join(" "), options: options.clone() },
        }
    }

    /// Takes the first word, in lower case.
    pub fn word(&mut self) -> Option<String> {
        let word = self.peek()?.to_owned();
        self.rest = self.rest[word.len()..].trim_start().to_owned();
        Some(word.to_lowercase())
    }

    /// The first word as it is.
    #[must_use]
    pub fn peek(&self) -> Option<&str> {
        self.rest.split_whitespace().next()
    }

    /// Takes an option.
    pub fn option(&mut self, name: &str) -> Option<String> {
        self.options.remove(name).filter(|value| !value.trim().is_empty())
    }

    /// Sets an option, as a form does.
    pub fn set(&mut self, name: &str, value: &str) {
        self.options.insert(name.to_owned(), value.to_owned());
    }

    /// What is left, as it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        self.rest.trim()
    }

    /// Takes the first or the last word where `read` makes something of it; the first wins.
    pub fn edge<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        if let Some(found) = self.peek().and_then(&read) {
            self.word();
            return Some(found);
        }
        let last = self.rest.split_whitespace().next_back()?;
        let found = read(last)?;
        self.rest = self.rest[..self.rest.len() - last.len()].trim_end().to_owned();
        Some(found)
    }
}

/// An option at the beginning of `text`: its name, its value, and what stands behind it.
fn option<'a>(text: &'a str, known: &[&str]) -> Option<(String, String, &'a str)> {
    let dashed = text.strip_prefix("--");
    let body = dashed.unwrap_or(text);
    let name_end = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))?;
    let name = body[..name_end].to_lowercase();
    if !known.contains(&name.as_str()) {
        return None;
    }
    let after = &body[name_end..];
    let value = match after.strip_prefix([':', '=']) {
        Some(value) => value,
        None if dashed.is_some() => after.trim_start(),
        None => return None,
    };
    match value.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        Some((value, after)) => Some((name, value.to_owned(), after)),
        None => {
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            if end == 0 { None } else { Some((name, value[..end].to_owned(), &value[end..])) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_out_and_text_is_left_as_it_is() {
        let mut words = Words::typed("declare Checkout  is: *down* sev:SEV2 --alert A-3", &["sev", "alert"]);
        assert_eq!(words.word().as_deref(), Some("declare"));
        assert_eq!(words.text(), "Checkout  is: *down*");
        assert_eq!((words.option("sev").as_deref(), words.option("alert").as_deref()), (Some("SEV2"), Some("A-3")));
        let mut quoted = Words::typed("note text:\u{201c}two words\u{201d} more", &["text"]);
        assert_eq!(quoted.option("text").as_deref(), Some("two words"));
        assert_eq!(quoted.text(), "note more");
    }

    #[test]
    fn an_id_may_stand_first_or_last() {
        let id = |word: &str| word.strip_prefix("INC-").map(str::to_owned);
        let mut first = Words::typed("INC-4 it is over", &[]);
        assert_eq!((first.edge(id).as_deref(), first.text()), (Some("4"), "it is over"));
        let mut last = Words::typed("it is over INC-4", &[]);
        assert_eq!((last.edge(id).as_deref(), last.text()), (Some("4"), "it is over"));
        let mut none = Words::typed("it is over", &[]);
        assert_eq!(none.edge(id), None);
    }
}
