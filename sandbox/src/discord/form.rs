//! Discord's nested form errors, and the checks that most forms share.
//!
//! A path is written with dots: `embeds.0.fields.1.name`.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// What is wrong with a body, and which of its fields Discord does not know.
#[derive(Default)]
pub(super) struct FormErrors {
    root: Map<String, Value>,
    /// Where the whole form stands: `data` for an answer to an interaction.
    base: &'static str,
    /// Discord ignores unknown fields; a correct bot sends none.
    pub(super) unknown: Vec<String>,
}

impl FormErrors {
    /// Of a form that stands at `base` within the body.
    pub(super) fn below(base: &'static str) -> FormErrors {
        FormErrors { base, ..FormErrors::default() }
    }

    /// Adds an error at `path`.
    pub(super) fn add(&mut self, path: &str, code: &str, message: &str) {
        let mut at = &mut self.root;
        for part in self.base.split('.').chain(path.split('.')).filter(|part| !part.is_empty()) {
            let next = at.entry(part.to_owned()).or_insert_with(|| json!({}));
            at = match next {
                Value::Object(map) => map,
                // Every node is made above as an object.
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return,
            };
        }
        let list = at.entry("_errors").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!({"code": code, "message": message}));
        }
    }

    pub(super) fn required(&mut self, path: &str) {
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// Refuses if there is any error; otherwise gives the unknown fields.
    pub(super) fn done(self) -> Result<Vec<String>, Refusal> {
        if self.root.is_empty() { Ok(self.unknown) } else { Err(Refusal::form(self)) }
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.root)
    }

    /// Notes the fields of `object` that are not in `known`.
    pub(super) fn known(&mut self, object: &Value, path: &str, known: &[&str]) {
        for key in object.as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(&key.as_str()) {
                self.unknown.push(join(self.base, join(path, key)));
            }
        }
    }

    /// Checks a text of `min..=max` characters. Absent and null are errors only where `min` is not 0.
    pub(super) fn text(&mut self, value: &Value, path: &str, min: usize, max: usize) {
        match value {
            Value::Null if min == 0 => {}
            Value::Null => self.required(path),
            Value::String(text) => {
                let length = text.chars().count();
                if length < min && length == 0 {
                    self.required(path);
                } else if length > max && min == 0 {
                    self.add(path, "BASE_TYPE_MAX_LENGTH", &format!("Must be {max} or fewer in length."));
                } else if length > max || length < min {
                    self.add(path, "BASE_TYPE_BAD_LENGTH", &format!("Must be between {min} and {max} in length."));
                }
            }
            other => self.add(path, "STRING_TYPE_CONVERT", &format!("Could not interpret \"{other}\" as string.")),
        }
    }

    /// Checks an optional whole number within bounds.
    pub(super) fn number(&mut self, value: &Value, path: &str, min: i64, max: i64) {
        match (value, value.as_i64()) {
            (Value::Null, _) => {}
            (_, Some(number)) if number < min => {
                self.add(path, "NUMBER_TYPE_MIN", &format!("int value should be greater than or equal to {min}."));
            }
            (_, Some(number)) if number > max => {
                self.add(path, "NUMBER_TYPE_MAX", &format!("int value should be less than or equal to {max}."));
            }
            (_, Some(_)) => {}
            (_, None) => self.add(path, "NUMBER_TYPE_COERCE", &format!("Value \"{value}\" is not int.")),
        }
    }

    /// Checks an optional boolean.
    pub(super) fn boolean(&mut self, value: &Value, path: &str) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                self.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
            }
        }
    }

    /// Checks an optional address: http or https, at most `max` characters.
    pub(super) fn url(&mut self, value: &Value, path: &str, max: usize) {
        let Some(text) = value.as_str() else {
            self.text(value, path, 0, max);
            return;
        };
        self.text(value, path, 0, max);
        match url::Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {}
            Ok(url) => {
                let message =
                    format!("Scheme \"{}\" is not supported. Scheme must be one of ('http', 'https').", url.scheme());
                self.add(path, "URL_TYPE_INVALID_SCHEME", &message);
            }
            Err(_) => self.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL."),
        }
    }

    /// Checks that it is an object; gives whether it is. Absent and null are no error.
    pub(super) fn object(&mut self, value: &Value, path: &str) -> bool {
        if !value.is_object() && !value.is_null() {
            self.add(path, NO_OBJECT.0, NO_OBJECT.1);
        }
        value.is_object()
    }

    /// Gives the objects of an optional list with their paths; whatever else is in it is an error.
    pub(super) fn objects<'v>(
        &mut self,
        value: &'v Value,
        path: &str,
        min: usize,
        max: usize,
    ) -> Vec<(String, &'v Value)> {
        let mut objects = Vec::new();
        for (index, item) in self.list(value, path, min, max).iter().enumerate() {
            let path = join(path, index);
            if item.is_null() {
                self.required(&path);
            } else if self.object(item, &path) {
                objects.push((path, item));
            }
        }
        objects
    }

    /// Gives an optional list of at most `max`; anything else is an error.
    pub(super) fn list<'v>(&mut self, value: &'v Value, path: &str, min: usize, max: usize) -> &'v [Value] {
        match value {
            Value::Null if min == 0 => &[],
            Value::Null => {
                self.required(path);
                &[]
            }
            Value::Array(list) => {
                if list.len() < min || list.len() > max {
                    let message = match min {
                        0 => format!("Must be {max} or fewer in length."),
                        _ => format!("Must be between {min} and {max} in length."),
                    };
                    self.add(path, if min == 0 { "BASE_TYPE_MAX_LENGTH" } else { "BASE_TYPE_BAD_LENGTH" }, &message);
                }
                list
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
                &[]
            }
        }
    }
}

/// The error of what should be an object and is not.
pub(super) const NO_OBJECT: (&str, &str) = ("DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType");

/// A path one step further.
pub(super) fn join(path: &str, part: impl std::fmt::Display) -> String {
    let part = part.to_string();
    if path.is_empty() || part.is_empty() { format!("{path}{part}") } else { format!("{path}.{part}") }
}
