//! What people put into fields and choose from menus.
//!
//! What holds: only what the element offers can be chosen, and only what fits can be typed.

use serde_json::{Map, Value, json};

use super::model::State;
use super::word;

/// What an element holds, as the fields that Slack sends.
pub(super) struct Filled(Map<String, Value>);

impl Filled {
    /// The fields.
    pub(super) fn json(self) -> Value {
        Value::Object(self.0)
    }

    /// Whether an element with these fields holds nothing.
    pub(super) fn is_empty(fields: &Value) -> bool {
        let nothing = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        };
        fields.as_object().is_none_or(|fields| fields.iter().all(|(key, value)| key == "type" || nothing(value)))
    }
}

/// What an element holds before anybody touches it.
pub(super) fn initial(element: &Value) -> Value {
    let kind = word(element, "/type");
    let key = holds(kind);
    let from = match kind {
        "checkboxes" => "initial_options".to_owned(),
        _ => format!("initial_{}", key.trim_start_matches("selected_")),
    };
    let nothing = if key.ends_with('s') { json!([]) } else { Value::Null };
    json!({ "type": kind, key: element.get(&from).cloned().unwrap_or(nothing) })
}

/// The field that an element's value stands in.
fn holds(kind: &str) -> &'static str {
    match kind {
        "static_select" | "external_select" | "radio_buttons" | "overflow" => "selected_option",
        "multi_static_select" | "multi_external_select" | "checkboxes" => "selected_options",
        "users_select" => "selected_user",
        "multi_users_select" => "selected_users",
        "conversations_select" => "selected_conversation",
        "multi_conversations_select" => "selected_conversations",
        "channels_select" => "selected_channel",
        "multi_channels_select" => "selected_channels",
        "datepicker" => "selected_date",
        "timepicker" => "selected_time",
        "datetimepicker" => "selected_date_time",
        _ => "value",
    }
}

/// What an element holds once somebody put `given` into it. Several choices are separated by commas.
pub(super) fn fill(state: &State, element: &Value, given: &str) -> Result<Filled, String> {
    let kind = word(element, "/type");
    let key = holds(kind);
    let each = || given.split(',').map(str::trim).filter(|one| !one.is_empty());
    let value = match key {
        "selected_option" if given.is_empty() => Value::Null,
        "selected_option" => option(element, given)?,
        "selected_options" => json!(each().map(|one| option(element, one)).collect::<Result<Vec<_>, _>>()?),
        "selected_user" => json!(user(state, given)?),
        "selected_users" => json!(each().map(|one| user(state, one)).collect::<Result<Vec<_>, _>>()?),
        "selected_channel" | "selected_conversation" => json!(channel(state, given)?),
        "selected_channels" | "selected_conversations" => {
            json!(each().map(|one| channel(state, one)).collect::<Result<Vec<_>, _>>()?)
        }
        "selected_date" => {
            let date = given.parse::<jiff::civil::Date>().map_err(|_| "a date is written 2026-12-31")?;
            json!(date.to_string())
        }
        "selected_time" if given.parse::<jiff::civil::Time>().is_err() => {
            return Err("a time is written 23:59".to_owned());
        }
        "selected_date_time" => json!(given.parse::<i64>().map_err(|_| "a moment is given in Unix seconds")?),
        "selected_time" => json!(given),
        _ => typed(element, kind, given)?,
    };
    let mut fields = Map::new();
    fields.insert("type".to_owned(), json!(kind));
    fields.insert(key.to_owned(), value);
    Ok(Filled(fields))
}

fn typed(element: &Value, kind: &str, given: &str) -> Result<Value, String> {
    if given.is_empty() {
        return Ok(Value::Null);
    }
    let length = u64::try_from(given.chars().count()).unwrap_or(u64::MAX);
    let bound = |name: &str| element.get(name).and_then(Value::as_u64);
    if kind == "plain_text_input" {
        let most = bound("max_length").unwrap_or(3000);
        if length > most {
            return Err(format!("more than {most} characters don't fit in"));
        }
        if bound("min_length").is_some_and(|least| length < least) {
            return Err("that is too short".to_owned());
        }
        if element["multiline"] != true && given.contains('\n') {
            return Err("the field has one line".to_owned());
        }
    }
    match kind {
        "number_input" if given.parse::<f64>().is_err() => Err("that is not a number".to_owned()),
        "email_text_input" if !given.contains('@') => Err("that is not an email address".to_owned()),
        "url_text_input" if url::Url::parse(given).is_err() => Err("that is not a URL".to_owned()),
        _ => Ok(json!(given)),
    }
}

/// A choice by what it says, or by its value.
pub(super) fn option(element: &Value, given: &str) -> Result<Value, String> {
    let groups = element["option_groups"].as_array().into_iter().flatten().map(|group| &group["options"]);
    let all: Vec<&Value> = groups.chain([&element["options"]]).filter_map(Value::as_array).flatten().collect();
    let says = |pointer: &str| all.iter().find(|option| word(option, pointer) == given).map(|option| (*option).clone());
    says("/text/text").or_else(|| says("/value")).ok_or_else(|| format!("there is no choice {given}"))
}

fn user(state: &State, given: &str) -> Result<String, String> {
    state.person(given).map(|person| person.id.clone()).ok_or_else(|| format!("there is no {given}"))
}

fn channel(state: &State, given: &str) -> Result<String, String> {
    state.channel_id(given).ok_or_else(|| format!("there is no channel {given}"))
}
