//! Collects what is wrong with a piece of Block Kit, in Slack's words.
//!
//! What holds: every complaint names its place by a JSON pointer, as Slack's do; lengths are
//! counted in UTF-16 units, the strictest way of counting that Slack could mean.

use serde_json::{Map, Value};

/// Which kinds of text object a place takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `plain_text` alone.
    Plain,
    /// `plain_text` or `mrkdwn`.
    Any,
}

/// What has been found wrong so far.
#[derive(Default)]
pub(super) struct Checker {
    messages: Vec<String>,
}

impl Checker {
    /// Everything that is wrong.
    pub(super) fn into_messages(self) -> Vec<String> {
        self.messages
    }

    /// Notes that something is wrong at a place.
    pub(super) fn wrong(&mut self, what: &str, at: &str) {
        // Slack gives a handful, and a hostile message must not become a log of its own.
        if self.messages.len() < 50 {
            self.messages.push(format!("[ERROR] {what} [json-pointer:{at}]"));
        }
    }

    /// Checks that all of `required` and none but those and `allowed` are there.
    pub(super) fn keys(&mut self, object: &Map<String, Value>, at: &str, required: &[&str], allowed: &[&str]) {
        for key in required {
            if object.get(*key).is_none_or(Value::is_null) {
                self.wrong(&format!("missing required field: {key}"), at);
            }
        }
        for key in object.keys() {
            if key != "type" && !required.contains(&key.as_str()) && !allowed.contains(&key.as_str()) {
                self.wrong(&format!("invalid additional property: {key}"), at);
            }
        }
    }

    /// Checks a string of 1 to `most` characters, if it is there; gives it back.
    pub(super) fn string<'a>(
        &mut self,
        object: &'a Map<String, Value>,
        key: &str,
        at: &str,
        most: usize,
    ) -> Option<&'a str> {
        let value = object.get(key)?;
        let at = format!("{at}/{key}");
        let Some(text) = value.as_str() else {
            self.wrong("must provide a string", &at);
            return None;
        };
        self.length(text, &at, 1, most);
        Some(text)
    }

    /// Checks how long a text is.
    pub(super) fn length(&mut self, text: &str, at: &str, least: usize, most: usize) {
        let length = units(text);
        if length < least {
            self.wrong(&format!("must be more than {} characters", least - 1), at);
        } else if length > most {
            self.wrong(&format!("must be less than {} characters", most + 1), at);
        }
    }

    /// Checks a text object, if it is there.
    pub(super) fn text(&mut self, object: &Map<String, Value>, key: &str, at: &str, most: usize, kind: Kind) {
        if let Some(value) = object.get(key) {
            self.text_object(value, &format!("{at}/{key}"), most, kind);
        }
    }

    /// Checks a text object.
    pub(super) fn text_object(&mut self, value: &Value, at: &str, most: usize, kind: Kind) {
        let Some(text) = value.as_object() else {
            self.wrong("must provide an object", at);
            return;
        };
        match text.get("type").and_then(Value::as_str) {
            Some("plain_text") => {
                self.keys(text, at, &["text"], &["emoji"]);
                self.flag(text, "emoji", at);
            }
            Some("mrkdwn") if kind == Kind::Any => {
                self.keys(text, at, &["text"], &["verbatim"]);
                self.flag(text, "verbatim", at);
            }
            Some(other) => self.wrong(&format!("unsupported type: {other}"), &format!("{at}/type")),
            None => self.wrong("missing required field: type", at),
        }
        self.string(text, "text", at, most);
    }

    /// Checks a truth value, if it is there.
    pub(super) fn flag(&mut self, object: &Map<String, Value>, key: &str, at: &str) {
        if object.get(key).is_some_and(|value| !value.is_boolean()) {
            self.wrong("must provide a boolean", &format!("{at}/{key}"));
        }
    }

    /// Checks a whole number between two bounds, if it is there.
    pub(super) fn number(&mut self, object: &Map<String, Value>, key: &str, at: &str, least: i64, most: i64) {
        let Some(value) = object.get(key) else { return };
        let at = format!("{at}/{key}");
        match value.as_i64() {
            None => self.wrong("must provide a number", &at),
            Some(number) if number < least || number > most => {
                self.wrong(&format!("must be between {least} and {most}"), &at);
            }
            Some(_) => {}
        }
    }

    /// Checks a word out of a few, if it is there.
    pub(super) fn one_of(&mut self, object: &Map<String, Value>, key: &str, at: &str, words: &[&str]) {
        let Some(value) = object.get(key) else { return };
        if !value.as_str().is_some_and(|word| words.contains(&word)) {
            self.wrong("must be a valid enum value", &format!("{at}/{key}"));
        }
    }

    /// Checks a web address, if it is there.
    pub(super) fn url(&mut self, object: &Map<String, Value>, key: &str, at: &str) {
        if let Some(text) = self.string(object, key, at, 3000) {
            // What has no scheme is refused by Slack as well.
            if url::Url::parse(text).is_err() {
                self.wrong("must be a valid URL", &format!("{at}/{key}"));
            }
        }
    }

    /// Checks how many items a list has; gives them back, empty where there is no list.
    pub(super) fn list<'a>(
        &mut self,
        object: &'a Map<String, Value>,
        key: &str,
        at: &str,
        least: usize,
        most: usize,
    ) -> &'a [Value] {
        let Some(value) = object.get(key) else { return &[] };
        let at = format!("{at}/{key}");
        let Some(items) = value.as_array() else {
            self.wrong("must provide an array", &at);
            return &[];
        };
        if items.len() < least {
            self.wrong(&format!("no fewer than {least} items required"), &at);
        } else if items.len() > most {
            self.wrong(&format!("no more than {most} items allowed"), &at);
        }
        items
    }
}

/// How long a text is, in UTF-16 units.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
