//! How Slack says no, and the arguments that it reads.

use serde_json::{Map, Value, json};

/// What a call of the Web API gives: the fields beside `ok`, or why not.
pub(super) type Answer = Result<Value, Refusal>;

/// A call that Slack refuses, with its own error word.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// Slack's word.
    pub(super) error: String,
    /// What stands in `response_metadata.messages`.
    pub(super) messages: Vec<String>,
    /// Another field of the answer. Boxed: it is much larger than the rest, and rare.
    pub(super) more: Option<Box<(&'static str, Value)>>,
}

impl From<&str> for Refusal {
    fn from(error: &str) -> Refusal {
        Refusal { error: error.to_owned(), ..Refusal::default() }
    }
}

impl Refusal {
    /// The answer's body.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "ok": false, "error": self.error });
        if !self.messages.is_empty() {
            body["errors"] = self.messages.iter().map(|text| text.trim_start_matches("[ERROR] ")).collect();
            body["response_metadata"] = json!({ "messages": self.messages });
        }
        if let Some((key, value)) = self.more.as_deref() {
            body[*key] = value.clone();
        }
        body
    }
}

/// The arguments of a call, from JSON, a form or the query.
#[derive(Default)]
pub(super) struct Args(pub(super) Map<String, Value>);

impl Args {
    /// An argument as text. Slack takes numbers and truth values for it as well.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// An argument as text; empty where there is none.
    pub(super) fn word(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// Whether a truth value is set.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.word(name).as_str(), "true" | "1")
    }

    /// A structured argument: itself, or the JSON that a form carries it as.
    pub(super) fn json(&self, name: &str, error: &str) -> Result<Option<Value>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| error.into()),
            Some(value) => Ok(Some(value.clone())),
        }
    }

    /// How many items a page shall have.
    pub(super) fn limit(&self, otherwise: usize, most: usize) -> Result<usize, Refusal> {
        match self.text("limit") {
            None => Ok(otherwise),
            Some(text) => match text.parse() {
                Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
                _ => Err("invalid_limit".into()),
            },
        }
    }
}

/// Cuts a page out of a list, by a cursor that holds the place it begins at.
pub(super) fn page<T>(mut items: Vec<T>, args: &Args, limit: usize) -> Result<(Vec<T>, String), Refusal> {
    let start = match args.text("cursor").filter(|cursor| !cursor.is_empty()) {
        None => 0,
        Some(cursor) => {
            let place = cursor.strip_prefix("next:").and_then(|place| place.trim_end_matches('=').parse().ok());
            place.filter(|place| *place <= items.len()).ok_or_else(|| Refusal::from("invalid_cursor"))?
        }
    };
    let mut rest = items.split_off(start);
    let next = if rest.len() > limit { format!("next:{}=", start + limit) } else { String::new() };
    rest.truncate(limit);
    Ok((rest, next))
}
