//! Reading a TOML table key by key, so that every problem has its line and nothing is read
//! that nobody asked for.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::Problem;

/// A file while it is read.
pub(super) struct File<'a> {
    pub(super) name: &'static str,
    pub(super) text: &'a str,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl File<'_> {
    /// Notes a problem where `span` is.
    pub(super) fn problem(&mut self, span: &Range<usize>, key: &str, what: impl Into<String>) {
        self.note(span, key, what.into(), false);
    }

    /// Notes something that only looks odd.
    pub(super) fn warning(&mut self, span: &Range<usize>, key: &str, what: impl Into<String>) {
        self.note(span, key, what.into(), true);
    }

    fn note(&mut self, span: &Range<usize>, key: &str, what: String, is_warning: bool) {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let problem = Problem { file: self.name.to_owned(), line, column, key: key.to_owned(), what, is_warning };
        self.problems.push(problem);
    }
}

/// A value with where it stands.
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
    pub(super) key: String,
}

/// A table while it is read. Keys that nobody asked for are problems.
pub(super) struct Table<'t, 'i> {
    table: Cow<'t, DeTable<'i>>,
    path: String,
    span: Range<usize>,
    asked: BTreeSet<String>,
}

/// Reads a whole file. Where it is no TOML, that is noted, and what could be read is read.
pub(super) fn root<'i>(file: &mut File<'i>) -> Table<'i, 'i> {
    let (table, errors) = DeTable::parse_recoverable(file.text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        file.problem(&span, "", format!("this is not TOML: {}", error.message()));
    }
    Table { table: Cow::Owned(table.into_inner()), path: String::new(), span: 0..0, asked: BTreeSet::new() }
}

impl<'t, 'i> Table<'t, 'i> {
    pub(super) fn span(&self) -> &Range<usize> {
        &self.span
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A key of this table with its whole path.
    pub(super) fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn get(&mut self, name: &str) -> Option<&Spanned<DeValue<'i>>> {
        self.asked.insert(name.to_owned());
        self.table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(_, value)| value)
    }

    /// All keys with their values, for tables whose keys are names that operators make up.
    pub(super) fn names(&self) -> Vec<(String, Range<usize>)> {
        self.table.iter().map(|(key, _)| (key.get_ref().to_string(), key.span())).collect()
    }

    /// A table below this one.
    pub(super) fn table(&mut self, file: &mut File<'_>, name: &str) -> Option<Table<'_, 'i>> {
        let path = self.key(name);
        let found = self.get(name)?;
        let span = found.span();
        match found.get_ref() {
            DeValue::Table(table) => Some(Table { table: Cow::Borrowed(table), path, span, asked: BTreeSet::new() }),
            other => {
                file.problem(&span, &path, format!("a table is wanted here, not {}", kind(other)));
                None
            }
        }
    }

    /// A string.
    pub(super) fn string(&mut self, file: &mut File<'_>, name: &str) -> Option<Found<String>> {
        let key = self.key(name);
        let found = self.get(name)?;
        let span = found.span();
        match found.get_ref() {
            DeValue::String(value) => Some(Found { value: value.to_string(), span, key }),
            other => {
                file.problem(&span, &key, format!("a string is wanted here, not {}", kind(other)));
                None
            }
        }
    }

    /// A list of strings.
    pub(super) fn strings(&mut self, file: &mut File<'_>, name: &str) -> Vec<Found<String>> {
        let key = self.key(name);
        let Some(found) = self.get(name) else { return Vec::new() };
        let span = found.span();
        let DeValue::Array(values) = found.get_ref() else {
            let what = format!("a list of strings is wanted here, not {}", kind(found.get_ref()));
            file.problem(&span, &key, what);
            return Vec::new();
        };
        let mut strings = Vec::new();
        for value in values.iter() {
            match value.get_ref() {
                DeValue::String(words) => {
                    strings.push(Found { value: words.to_string(), span: value.span(), key: key.clone() });
                }
                other => file.problem(&value.span(), &key, format!("a string is wanted here, not {}", kind(other))),
            }
        }
        strings
    }

    /// A positive whole number.
    pub(super) fn number(&mut self, file: &mut File<'_>, name: &str) -> Option<u64> {
        let key = self.key(name);
        let found = self.get(name)?;
        let span = found.span();
        let number = match found.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            file.problem(&span, &key, "a whole number is wanted here");
        }
        number
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self, file: &mut File<'_>) {
        for (name, span) in self.names() {
            if self.asked.contains(&name) {
                continue;
            }
            let near = self.asked.iter().map(|known| (distance(&name, known), known)).min();
            let hint = match near {
                Some((distance, known)) if distance <= 2 => format!("Did you mean {known}?"),
                _ => format!("There are: {}.", self.asked.iter().cloned().collect::<Vec<_>>().join(", ")),
            };
            file.problem(&span, &self.key(&name), format!("there is no such key. {hint}"));
        }
    }
}

/// What a value is, for people.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// How many letters differ (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(before + 1);
        }
    }
    row[other.len()]
}
