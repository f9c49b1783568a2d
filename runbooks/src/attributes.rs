//! What stands behind a fence's first word, or in a step's comment: `id=look timeout=20s expect="a == b" aside`.
//!
//! What holds: every attribute is known or told; each stands once; a value in quotes is taken as it is, with `\"` and `\\`
//! for what would end it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::places::{Findings, Place, near};

/// A value with where it stands; none behind a word that stands by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) at: Place,
    pub(crate) value: Option<String>,
}

/// The attributes of a step, taken out one by one.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    /// Where they begin.
    pub(crate) at: Place,
    all: BTreeMap<String, Said>,
    known: Vec<&'static str>,
}

impl Attributes {
    /// Reads a line that stands at a place.
    pub(crate) fn read(line: &str, at: Place, found: &mut Findings<'_>) -> Attributes {
        let mut all = BTreeMap::new();
        let chars: Vec<char> = line.chars().collect();
        let mut i = 0;
        while i < chars.len() {
            if chars[i].is_whitespace() {
                i += 1;
                continue;
            }
            let here = Place { line: at.line, column: at.column + i };
            let begun = i;
            while i < chars.len() && !chars[i].is_whitespace() && chars[i] != '=' {
                i += 1;
            }
            let name: String = chars[begun..i].iter().collect();
            let mut value = None;
            if chars.get(i) == Some(&'=') {
                let (read, next) = value_at(&chars, i + 1);
                if read.is_none() {
                    found.tell(here, format!("the quotes behind {}= have no end", name.escape_debug()), None);
                }
                value = Some(read.unwrap_or_default());
                i = next;
            }
            if name.is_empty() {
                found.tell(here, "there is an = without a name before it", None);
            } else if all.insert(name.clone(), Said { at: here, value }).is_some() {
                found.tell(here, format!("{} stands twice here", name.escape_debug()), None);
            }
        }
        Attributes { at, all, known: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes one.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Said> {
        self.known.push(name);
        self.all.remove(name)
    }

    /// Takes one that has a value.
    pub(crate) fn value(&mut self, name: &'static str, found: &mut Findings<'_>) -> Option<(Place, String)> {
        let said = self.take(name)?;
        match said.value.filter(|value| !value.trim().is_empty()) {
            Some(value) => Some((said.at, value)),
            None => {
                found.tell(said.at, format!("{name} has no value"), Some(format!("{name}=…")));
                None
            }
        }
    }

    /// Takes a word that stands by itself.
    pub(crate) fn flag(&mut self, name: &'static str, found: &mut Findings<'_>) -> bool {
        match self.take(name) {
            None => false,
            Some(Said { value: None, .. }) => true,
            Some(said) => {
                found.tell(said.at, format!("{name} stands by itself, without a value"), None);
                true
            }
        }
    }

    /// Takes one of some words.
    pub(crate) fn one_of<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
        found: &mut Findings<'_>,
    ) -> Option<T> {
        let (at, said) = self.value(name, found)?;
        let known = words.iter().map(|(word, _)| *word);
        let it = words.iter().find(|(word, _)| *word == said).map(|(_, it)| *it);
        if it.is_none() {
            let all: Vec<&str> = known.clone().collect();
            let hint = near(&said, known).unwrap_or_else(|| format!("it is one of {}", all.join(", ")));
            found.tell(at, format!("{name} can't be {}", said.escape_debug()), Some(hint));
        }
        it
    }

    /// Takes a span of time.
    pub(crate) fn duration(&mut self, name: &'static str, found: &mut Findings<'_>) -> Option<Duration> {
        let (at, said) = self.value(name, found)?;
        let span = duration(&said);
        if span.is_none() {
            found.tell(at, format!("{} is no span of time", said.escape_debug()), Some("30s, 5m, 2h, 1d".to_owned()));
        }
        span
    }

    /// Takes a number.
    pub(crate) fn number(&mut self, name: &'static str, most: u32, found: &mut Findings<'_>) -> Option<u32> {
        let (at, said) = self.value(name, found)?;
        let number = said.parse().ok().filter(|number| (1..=most).contains(number));
        if number.is_none() {
            found.tell(at, format!("{name} is a number from 1 to {most}"), None);
        }
        number
    }

    /// Tells what is left, which nothing reads.
    pub(crate) fn finish(self, kind: &str, found: &mut Findings<'_>) {
        for (name, said) in &self.all {
            let hint = near(name, self.known.iter().copied());
            found.tell(said.at, format!("a step of kind {kind} has no attribute {}", name.escape_debug()), hint);
        }
    }
}

/// The value that begins at a character, and where it ends; none where its quotes don't.
fn value_at(chars: &[char], from: usize) -> (Option<String>, usize) {
    let Some(quote) = chars.get(from).copied().filter(|c| matches!(c, '"' | '\'')) else {
        let length = chars[from..].iter().take_while(|c| !c.is_whitespace()).count();
        return (Some(chars[from..from + length].iter().collect()), from + length);
    };
    let mut value = String::new();
    let mut i = from + 1;
    while let Some(c) = chars.get(i).copied() {
        match c {
            '\\' if matches!(chars.get(i + 1), Some('"' | '\'' | '\\')) => {
                value.extend(chars.get(i + 1));
                i += 2;
            }
            c if c == quote => return (Some(value), i + 1),
            c => {
                value.push(c);
                i += 1;
            }
        }
    }
    (None, chars.len())
}

/// A span of time as it is written here: `30s`, `5m`, `2h`, `1d`; from a second to a week.
pub(crate) fn duration(said: &str) -> Option<Duration> {
    let digits = said.len() - said.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = said.split_at_checked(digits)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    let seconds = number.checked_mul(seconds).filter(|seconds| (1..=604_800).contains(seconds))?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_with_and_without_quotes() {
        let mut found = Findings::new("x.md");
        let line = r#"id=look expect="output.status == 200 and \"x\" in y" aside when='a'"#;
        let mut read = Attributes::read(line, Place { line: 3, column: 8 }, &mut found);
        assert_eq!(read.value("id", &mut found), Some((Place { line: 3, column: 8 }, "look".to_owned())));
        let (at, expect) = read.value("expect", &mut found).expect("it stands there");
        assert_eq!((at.column, expect.as_str()), (16, "output.status == 200 and \"x\" in y"));
        assert!(read.flag("aside", &mut found) && read.value("when", &mut found).is_some_and(|(_, it)| it == "a"));
        read.finish("http", &mut found);
        assert!(found.problems.is_empty(), "{:?}", found.problems);
    }

    #[test]
    fn what_is_not_known_or_stands_twice_is_told() {
        let mut found = Findings::new("x.md");
        let mut read = Attributes::read("timout=3s id=a id=b =x when=\"open", Place::START, &mut found);
        let _ = (read.take("timeout"), read.take("id"), read.take("when"));
        read.finish("http", &mut found);
        let told: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        for part in
            ["id stands twice", "= without a name", "have no end", "no attribute timout (did you mean timeout?)"]
        {
            assert!(told.iter().any(|it| it.contains(part)), "{part}: {told:?}");
        }
    }

    #[test]
    fn spans_of_time_have_a_unit_and_bounds() {
        assert_eq!(duration("90s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Some(Duration::from_secs(604_800)));
        for wrong in ["", "5", "s", "0s", "8d", "-1s", "5 m", "99999999999999999999h", "5mm", "１s"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
