//! A mapping while it is read: keys are taken out one by one, and what is left is told.

use std::collections::BTreeMap;

use crate::places::{Findings, Place, near};
use crate::yaml::{Entry, Node, Value};

/// A mapping.
pub(crate) struct Map {
    /// Where it begins.
    pub(crate) at: Place,
    /// What it is, for people.
    name: String,
    left: Vec<Entry>,
    known: Vec<&'static str>,
}

impl Map {
    /// What a node holds, where it is a mapping; else that is told.
    pub(crate) fn of(node: Node, name: &str, found: &mut Findings<'_>) -> Option<Map> {
        let (at, kind) = (node.at, node.kind());
        match node.value {
            Value::Map(left) => Some(Map { at, name: name.to_owned(), left, known: Vec::new() }),
            Value::Text { .. } | Value::List(_) => {
                found.tell(at, format!("{name} is a mapping (`key: value`), and this is {kind}"), None);
                None
            }
        }
    }

    /// Takes a value; none where it isn't there or is nothing.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        let at = self.left.iter().position(|it| it.key == key)?;
        Some(self.left.remove(at).node).filter(|node| !node.is_nothing())
    }

    /// Takes everything that is left, with its keys.
    pub(crate) fn rest(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.left)
    }

    /// Takes a text.
    pub(crate) fn text(&mut self, key: &'static str, found: &mut Findings<'_>) -> Option<(Place, String)> {
        let node = self.take(key)?;
        text(node, key, found)
    }

    /// Takes a text that has to be there.
    pub(crate) fn needed(&mut self, key: &'static str, found: &mut Findings<'_>) -> Option<(Place, String)> {
        if !self.left.iter().any(|it| it.key == key && !it.node.is_nothing()) {
            found.tell(self.at, format!("{} lacks `{key}`", self.name), None);
        }
        self.text(key, found)
    }

    /// Takes a list of texts; a text by itself is a list of one.
    pub(crate) fn texts(&mut self, key: &'static str, found: &mut Findings<'_>) -> Vec<(Place, String)> {
        let Some(node) = self.take(key) else { return Vec::new() };
        match node.value {
            Value::List(nodes) => nodes.into_iter().filter_map(|node| text(node, key, found)).collect(),
            Value::Text { .. } | Value::Map(_) => text(node, key, found).into_iter().collect(),
        }
    }

    /// Takes `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &'static str, found: &mut Findings<'_>) -> Option<bool> {
        let (at, said) = self.text(key, found)?;
        match said.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                found.tell(at, format!("{key} is true or false"), None);
                None
            }
        }
    }

    /// Takes a mapping.
    pub(crate) fn map(&mut self, key: &'static str, found: &mut Findings<'_>) -> Option<Map> {
        let node = self.take(key)?;
        Map::of(node, key, found)
    }

    /// Tells what is left, which nothing reads.
    pub(crate) fn finish(self, found: &mut Findings<'_>) {
        for entry in &self.left {
            let hint = near(&entry.key, self.known.iter().copied());
            found.tell(entry.at, format!("{} has no key {}", self.name, entry.key.escape_debug()), hint);
        }
    }
}

/// A node's text; else that is told.
pub(crate) fn text(node: Node, key: &str, found: &mut Findings<'_>) -> Option<(Place, String)> {
    let kind = node.kind();
    match node.value {
        Value::Text { text, .. } => Some((node.at, text)),
        Value::List(_) | Value::Map(_) => {
            let hint = "one with {{ … }} stands within quotes".to_owned();
            found.tell(node.at, format!("{} is a text, and this is {kind}", key.escape_debug()), Some(hint));
            None
        }
    }
}

/// The texts of a mapping, whatever its keys are.
pub(crate) fn pairs_of(map: Option<Map>, found: &mut Findings<'_>) -> BTreeMap<String, (Place, String)> {
    let Some(mut map) = map else { return BTreeMap::new() };
    let entries = map.rest();
    let pair = |entry: Entry| Some((entry.key.clone(), text(entry.node, &entry.key, found)?));
    entries.into_iter().filter_map(pair).collect()
}
