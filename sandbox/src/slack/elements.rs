//! The checks of interactive elements (limits: Slack's own SDK types and docs.slack.dev).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::checker::{Checker, Kind};

/// Where an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the elements of an `actions` block.
    Actions,
    /// Beside a `section`.
    Accessory,
    /// In an `input` block.
    Input,
}

const SELECTS: &[&str] =
    &["static_select", "external_select", "users_select", "conversations_select", "channels_select"];
const MULTI_SELECTS: &[&str] = &[
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
];
const PICKERS: &[&str] = &["datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons"];
const TYPED: &[&str] = &["plain_text_input", "email_text_input", "url_text_input", "number_input"];

/// Checks an element; `action_ids` are those already seen in its block.
pub(super) fn element(check: &mut Checker, element: &Value, at: &str, place: Place, action_ids: &mut HashSet<String>) {
    let Some(element) = element.as_object() else {
        check.wrong("must provide an object", at);
        return;
    };
    let Some(kind) = element.get("type").and_then(Value::as_str) else {
        check.wrong("missing required field: type", at);
        return;
    };
    if !fits(kind, place) {
        check.wrong(&format!("unsupported type: {kind}"), &format!("{at}/type"));
        return;
    }
    if kind == "image" {
        image(check, element, at);
        return;
    }
    if let Some(id) = check.string(element, "action_id", at, 255)
        && !action_ids.insert(id.to_owned())
    {
        check.wrong(&format!("`action_id` \"{id}\" already exists in this block"), &format!("{at}/action_id"));
    }
    if let Some(confirm) = element.get("confirm") {
        confirmation(check, confirm, &format!("{at}/confirm"));
    }
    check.flag(element, "focus_on_load", at);
    check.text(element, "placeholder", at, 150, Kind::Plain);
    match kind {
        "button" => button(check, element, at),
        "overflow" => {
            check.keys(element, at, &["options"], &["action_id", "confirm"]);
            options(check, element, "options", at, 5, Kind::Plain, true);
        }
        "checkboxes" | "radio_buttons" => {
            check.keys(
                element,
                at,
                &["options"],
                &["action_id", "confirm", "focus_on_load", "initial_options", "initial_option"],
            );
            options(check, element, "options", at, 10, Kind::Any, false);
            initial(check, element, at);
        }
        "datepicker" => {
            check.keys(element, at, &[], &["action_id", "confirm", "focus_on_load", "initial_date", "placeholder"]);
        }
        "timepicker" => {
            let allowed = &["action_id", "confirm", "focus_on_load", "initial_time", "placeholder", "timezone"];
            check.keys(element, at, &[], allowed);
        }
        "datetimepicker" => {
            check.keys(element, at, &[], &["action_id", "confirm", "focus_on_load", "initial_date_time"]);
            check.number(element, "initial_date_time", at, 1_000_000_000, 9_999_999_999);
        }
        _ if TYPED.contains(&kind) => typed(check, element, kind, at),
        _ => select(check, element, kind, at),
    }
}

fn fits(kind: &str, place: Place) -> bool {
    let chosen = SELECTS.contains(&kind) || PICKERS.contains(&kind);
    match place {
        Place::Actions => chosen || matches!(kind, "button" | "overflow"),
        Place::Accessory => chosen || MULTI_SELECTS.contains(&kind) || matches!(kind, "button" | "overflow" | "image"),
        Place::Input => chosen || MULTI_SELECTS.contains(&kind) || TYPED.contains(&kind),
    }
}

/// Checks an image, which is an element of a context as well.
pub(super) fn image(check: &mut Checker, image: &Map<String, Value>, at: &str) {
    check.keys(image, at, &["alt_text"], &["image_url", "slack_file"]);
    check.url(image, "image_url", at);
    check.string(image, "alt_text", at, 2000);
    if image.contains_key("image_url") == image.contains_key("slack_file") {
        check.wrong("must define exactly one of `image_url` or `slack_file`", at);
    }
}

fn button(check: &mut Checker, button: &Map<String, Value>, at: &str) {
    let allowed = &["action_id", "url", "value", "style", "confirm", "accessibility_label"];
    check.keys(button, at, &["text"], allowed);
    check.text(button, "text", at, 75, Kind::Plain);
    check.string(button, "value", at, 2000);
    check.url(button, "url", at);
    check.one_of(button, "style", at, &["primary", "danger"]);
    check.string(button, "accessibility_label", at, 75);
}

fn typed(check: &mut Checker, element: &Map<String, Value>, kind: &str, at: &str) {
    let common = ["action_id", "focus_on_load", "placeholder", "initial_value", "dispatch_action_config"];
    let mut allowed = common.to_vec();
    match kind {
        "plain_text_input" => {
            allowed.extend(["multiline", "min_length", "max_length"]);
            check.keys(element, at, &[], &allowed);
            check.flag(element, "multiline", at);
            check.number(element, "min_length", at, 0, 3000);
            check.number(element, "max_length", at, 1, 3000);
            if let Some(text) = check.string(element, "initial_value", at, 3000) {
                let most =
                    element.get("max_length").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok());
                check.length(text, &format!("{at}/initial_value"), 1, most.unwrap_or(3000));
            }
        }
        "number_input" => {
            allowed.extend(["min_value", "max_value"]);
            check.keys(element, at, &["is_decimal_allowed"], &allowed);
            check.flag(element, "is_decimal_allowed", at);
            for key in ["initial_value", "min_value", "max_value"] {
                check.string(element, key, at, 255);
            }
        }
        _ => {
            check.keys(element, at, &[], &allowed);
            check.string(element, "initial_value", at, 3000);
        }
    }
}

fn select(check: &mut Checker, element: &Map<String, Value>, kind: &str, at: &str) {
    let mut allowed = vec!["action_id", "confirm", "focus_on_load", "placeholder"];
    if kind.starts_with("multi_") {
        allowed.push("max_selected_items");
        check.number(element, "max_selected_items", at, 1, i64::MAX);
    } else if !kind.contains("static") && !kind.contains("external") && !kind.contains("users") {
        allowed.push("response_url_enabled");
    }
    match kind.trim_start_matches("multi_") {
        "static_select" => {
            allowed.extend(["options", "option_groups", "initial_option", "initial_options"]);
            if element.contains_key("options") == element.contains_key("option_groups") {
                check.wrong("must define exactly one of `options` or `option_groups`", at);
            }
            options(check, element, "options", at, 100, Kind::Plain, false);
            groups(check, element, at);
            initial(check, element, at);
        }
        "external_select" => {
            allowed.extend(["min_query_length", "initial_option", "initial_options"]);
            check.number(element, "min_query_length", at, 0, 255);
        }
        "users_select" => allowed.extend(["initial_user", "initial_users"]),
        "conversations_select" => {
            let more = ["initial_conversation", "initial_conversations", "default_to_current_conversation", "filter"];
            allowed.extend(more);
        }
        _ => allowed.extend(["initial_channel", "initial_channels"]),
    }
    check.keys(element, at, &[], &allowed);
}

/// Checks the choices of something.
pub(super) fn options(
    check: &mut Checker,
    element: &Map<String, Value>,
    key: &str,
    at: &str,
    most: usize,
    kind: Kind,
    may_link: bool,
) {
    for (index, option) in check.list(element, key, at, 1, most).iter().enumerate() {
        let at = format!("{at}/{key}/{index}");
        let Some(option) = option.as_object() else {
            check.wrong("must provide an object", &at);
            continue;
        };
        let allowed: &[&str] = if may_link { &["description", "url"] } else { &["description"] };
        check.keys(option, &at, &["text", "value"], allowed);
        check.text(option, "text", &at, 75, kind);
        check.string(option, "value", &at, 150);
        check.text(option, "description", &at, 75, kind);
        check.url(option, "url", &at);
    }
}

fn groups(check: &mut Checker, element: &Map<String, Value>, at: &str) {
    for (index, group) in check.list(element, "option_groups", at, 1, 100).iter().enumerate() {
        let at = format!("{at}/option_groups/{index}");
        match group.as_object() {
            Some(group) => {
                check.keys(group, &at, &["label", "options"], &[]);
                check.text(group, "label", &at, 75, Kind::Plain);
                options(check, group, "options", &at, 100, Kind::Plain, false);
            }
            None => check.wrong("must provide an object", &at),
        }
    }
}

/// What is chosen from the start must be among the choices, exactly as it stands there.
fn initial(check: &mut Checker, element: &Map<String, Value>, at: &str) {
    let among = |option: &Value| {
        let groups = element.get("option_groups").and_then(Value::as_array).into_iter().flatten();
        let lists = groups.filter_map(|group| group.get("options")).chain(element.get("options"));
        lists.filter_map(Value::as_array).flatten().any(|choice| choice == option)
    };
    if let Some(option) = element.get("initial_option")
        && !among(option)
    {
        check.wrong("`initial_option` must exactly match one of the options", at);
    }
    for option in element.get("initial_options").and_then(Value::as_array).into_iter().flatten() {
        if !among(option) {
            check.wrong("`initial_options` must exactly match options", at);
        }
    }
}

fn confirmation(check: &mut Checker, confirm: &Value, at: &str) {
    let Some(confirm) = confirm.as_object() else {
        check.wrong("must provide an object", at);
        return;
    };
    check.keys(confirm, at, &["title", "text", "confirm", "deny"], &["style"]);
    check.text(confirm, "title", at, 100, Kind::Plain);
    check.text(confirm, "text", at, 300, Kind::Any);
    check.text(confirm, "confirm", at, 30, Kind::Plain);
    check.text(confirm, "deny", at, 30, Kind::Plain);
    check.one_of(confirm, "style", at, &["primary", "danger"]);
}
