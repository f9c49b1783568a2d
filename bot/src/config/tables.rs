//! Reading a TOML table key by key, so that every problem has its line and no key is ignored.
//!
//! What holds: [`Table::finish`] notes every key that nobody asked for, so the keys that exist
//! are those that the code reads. Where a file is no TOML at all, only that is told of it:
//! what follows from it would lead astray.

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
    pub(super) found: &'a mut Findings,
    /// Whether it is no TOML, which was told.
    broken: bool,
}

/// What comes up while files are read.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    /// Every key that was asked for, with its file, and `*` for each part that operators make up.
    pub(super) keys: BTreeSet<(&'static str, String)>,
    /// The [pipelines.NAME] that something is wrong with. What uses one is not a second problem.
    pub(super) broken: BTreeSet<String>,
}

/// A value with where it stands.
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
    pub(super) key: String,
}

/// A table while it is read.
pub(super) struct Table<'t, 'i> {
    table: Cow<'t, DeTable<'i>>,
    path: String,
    /// The path with `*` for what operators make up.
    pattern: String,
    span: Range<usize>,
    asked: BTreeSet<String>,
    /// Whether its keys are names that operators make up.
    is_open: bool,
}

impl<'a> File<'a> {
    pub(super) fn new(name: &'static str, text: &'a str, found: &'a mut Findings) -> File<'a> {
        File { name, text, found, broken: false }
    }

    /// Notes a problem where `span` is.
    pub(super) fn problem(&mut self, span: &Range<usize>, key: &str, what: impl Into<String>) {
        self.note(span, key, what.into(), false);
    }

    /// Notes something that only looks odd.
    pub(super) fn warning(&mut self, span: &Range<usize>, key: &str, what: impl Into<String>) {
        self.note(span, key, what.into(), true);
    }

    fn note(&mut self, span: &Range<usize>, key: &str, what: String, is_warning: bool) {
        if self.broken {
            return;
        }
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let problem = Problem { file: self.name.to_owned(), line, column, key: key.to_owned(), what, is_warning };
        // What stands at a service is read again for each of its environments.
        if !self.found.problems.contains(&problem) {
            self.found.problems.push(problem);
        }
    }

    /// The whole file as a table.
    pub(super) fn root(&mut self) -> Table<'a, 'a> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            self.problem(&span, "", format!("this is not TOML: {}", error.message()));
        }
        self.broken = !errors.is_empty();
        Table {
            table: Cow::Owned(table.into_inner()),
            path: String::new(),
            pattern: String::new(),
            span: 0..0,
            asked: BTreeSet::new(),
            is_open: false,
        }
    }
}

impl<'i> Table<'_, 'i> {
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A key of this table with its whole path.
    pub(super) fn key(&self, name: &str) -> String {
        joined(&self.path, name)
    }

    /// A value, whatever it is.
    pub(super) fn get(&mut self, name: &str) -> Option<&Spanned<DeValue<'i>>> {
        self.asked.insert(name.to_owned());
        self.table.iter().find(|(key, _)| key.get_ref().as_ref() == name).map(|(_, value)| value)
    }

    /// All keys, for a table whose keys are names that operators make up.
    pub(super) fn names(&mut self) -> Vec<(String, Range<usize>)> {
        self.is_open = true;
        self.keys()
    }

    fn keys(&self) -> Vec<(String, Range<usize>)> {
        let mut keys: Vec<_> = self.table.iter().map(|(key, _)| (key.get_ref().to_string(), key.span())).collect();
        keys.sort_by_key(|(_, span)| span.start);
        keys
    }

    /// A table below this one.
    pub(super) fn table(&mut self, file: &mut File<'_>, name: &str) -> Option<Table<'_, 'i>> {
        let path = self.key(name);
        let pattern = joined(&self.pattern, if self.is_open { "*" } else { name });
        let found = self.get(name)?;
        let span = found.span();
        match found.get_ref() {
            DeValue::Table(table) => {
                let table = Cow::Borrowed(table);
                Some(Table { table, path, pattern, span, asked: BTreeSet::new(), is_open: false })
            }
            other => {
                file.problem(&span, &path, format!("a table is wanted here, not {}", kind(other)));
                None
            }
        }
    }

    /// A string. An empty one is a problem: leaving a key out is the way to say nothing.
    pub(super) fn string(&mut self, file: &mut File<'_>, name: &str) -> Option<Found<String>> {
        let key = self.key(name);
        let found = self.get(name)?;
        let span = found.span();
        match found.get_ref() {
            DeValue::String(value) if value.trim().is_empty() => {
                file.problem(&span, &key, "it is empty. Leave the key out instead");
                None
            }
            DeValue::String(value) => Some(Found { value: value.to_string(), span, key }),
            other => {
                file.problem(&span, &key, format!("a string is wanted here, not {}", kind(other)));
                None
            }
        }
    }

    /// A string that can't be left out; `hint` says where to get it.
    pub(super) fn required(&mut self, file: &mut File<'_>, name: &str, hint: &str) -> Option<Found<String>> {
        if self.get(name).is_none() {
            file.problem(&self.span, &self.key(name), format!("it is missing: {hint}"));
        }
        self.string(file, name)
    }

    /// A list of strings.
    pub(super) fn strings(&mut self, file: &mut File<'_>, name: &str) -> Vec<Found<String>> {
        let key = self.key(name);
        let Some(found) = self.get(name) else { return Vec::new() };
        let DeValue::Array(values) = found.get_ref() else {
            let what = format!("a list of strings is wanted here, not {}", kind(found.get_ref()));
            file.problem(&found.span(), &key, what);
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

    /// A whole number, not below zero.
    pub(super) fn number(&mut self, file: &mut File<'_>, name: &str) -> Option<Found<u64>> {
        let key = self.key(name);
        let found = self.get(name)?;
        let span = found.span();
        let number = match found.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            let found = match found.get_ref() {
                DeValue::Integer(number) if number.as_str().starts_with('-') => "one below 0",
                DeValue::Integer(_) => "one as large as that",
                other => kind(other),
            };
            file.problem(&span, &key, format!("a whole number is wanted here, not {found}"));
        }
        Some(Found { value: number?, span, key })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, file: &mut File<'_>, name: &str) -> Option<Found<bool>> {
        let key = self.key(name);
        let found = self.get(name)?;
        let span = found.span();
        match found.get_ref() {
            DeValue::Boolean(value) => Some(Found { value: *value, span, key }),
            other => {
                file.problem(&span, &key, format!("true or false is wanted here, not {}", kind(other)));
                None
            }
        }
    }

    /// Everything in it as JSON, for what reads its own keys.
    pub(super) fn json(&mut self, file: &mut File<'_>) -> serde_json::Map<String, serde_json::Value> {
        self.is_open = true;
        let mut keys = serde_json::Map::new();
        for (name, value) in self.table.iter() {
            match json(value.get_ref()) {
                Some(json) => drop(keys.insert(name.get_ref().to_string(), json)),
                None => {
                    let what = format!("this is not understood here: {}", kind(value.get_ref()));
                    file.problem(&value.span(), &joined(&self.path, name.get_ref()), what);
                }
            }
        }
        self.asked.extend(keys.keys().cloned());
        keys
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self, file: &mut File<'_>) {
        if self.is_open {
            file.found.keys.insert((file.name, joined(&self.pattern, "*")));
        } else {
            file.found.keys.extend(self.asked.iter().map(|name| (file.name, joined(&self.pattern, name))));
        }
        for (name, span) in self.keys() {
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

fn json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    Some(match value {
        DeValue::String(text) => text.to_string().into(),
        DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()?.into(),
        DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok()?.into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Datetime(_) => return None,
        DeValue::Array(values) => {
            serde_json::Value::Array(values.iter().map(|value| json(value.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let entries = table.iter().map(|(name, value)| Some((name.get_ref().to_string(), json(value.get_ref())?)));
            serde_json::Value::Object(entries.collect::<Option<_>>()?)
        }
    })
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// What a value is, for people.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "this number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// How many letters differ (Levenshtein). Long names are not compared: nobody mistypes a key into a book.
fn distance(one: &str, other: &str) -> usize {
    if one.len() > 64 {
        return usize::MAX;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
