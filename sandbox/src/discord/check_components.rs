//! What Discord takes as the components of a message, and what it refuses (its reference:
//! Component Reference).

use serde_json::Value;

use super::form::{FormErrors, join};

/// The most components of a Components V2 message, nested ones included.
const V2_TOTAL: usize = 40;

/// Checks the components of a message.
pub(super) fn list(errors: &mut FormErrors, value: &Value, v2: bool) {
    let mut ids = Vec::new();
    if v2 && count(value) > V2_TOTAL {
        errors.add("components", "BASE_TYPE_MAX_LENGTH", &format!("Must be {V2_TOTAL} or fewer in length."));
    }
    for (path, part) in errors.objects(value, "components", 0, if v2 { usize::MAX } else { 5 }) {
        if v2 {
            self::part(errors, part, &path, &mut ids, false);
        } else {
            row(errors, part, &path, &mut ids);
        }
    }
}

/// Components in a list, with those within them.
fn count(list: &Value) -> usize {
    let list = list.as_array().into_iter().flatten();
    list.map(|it| 1 + count(&it["components"]) + usize::from(it["accessory"].is_object())).sum()
}

/// Checks what stands for itself in a Components V2 message, or in one of its containers.
fn part(errors: &mut FormErrors, part: &Value, path: &str, ids: &mut Vec<String>, inside: bool) {
    match part["type"].as_u64() {
        Some(1) => row(errors, part, path, ids),
        Some(9) => {
            for (path, text) in errors.objects(&part["components"], &join(path, "components"), 1, 3) {
                display(errors, text, &path);
            }
            match part["accessory"]["type"].as_u64() {
                Some(2) => button(errors, &part["accessory"], &join(path, "accessory"), ids),
                Some(11) => {}
                _ => errors.required(&join(path, "accessory")),
            }
        }
        Some(10) => display(errors, part, path),
        Some(12..=14) => {}
        Some(17) if !inside => {
            for (path, inner) in errors.objects(&part["components"], &join(path, "components"), 1, usize::MAX) {
                self::part(errors, inner, &path, ids, true);
            }
        }
        _ => errors.add(
            &join(path, "type"),
            "UNION_TYPE_CHOICES",
            "Value of field \"type\" must be one of (1, 9, 10, 12, 13, 14, 17).",
        ),
    }
}

fn display(errors: &mut FormErrors, text: &Value, path: &str) {
    if text["type"].as_u64() == Some(10) {
        errors.text(&text["content"], &join(path, "content"), 1, 4000);
    } else {
        errors.add(&join(path, "type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (10,).");
    }
}

fn row(errors: &mut FormErrors, row: &Value, path: &str, ids: &mut Vec<String>) {
    if row["type"].as_u64() != Some(1) {
        errors.add(&join(path, "type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).");
        return;
    }
    errors.known(row, path, &["type", "components", "id"]);
    let list = errors.objects(&row["components"], &join(path, "components"), 1, 5);
    let selects = list.iter().filter(|(_, it)| matches!(it["type"].as_u64(), Some(3 | 5..=8))).count();
    if selects > 0 && list.len() > 1 {
        errors.add(
            &join(path, "components"),
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
            "The specified component exceeds the maximum width",
        );
    }
    for (path, component) in list {
        match component["type"].as_u64() {
            Some(2) => button(errors, component, &path, ids),
            Some(3) => select(errors, component, &path, ids),
            Some(5..=8) => {
                custom_id(errors, component, &path, ids);
                bounds(errors, component, &path);
            }
            _ => errors.add(
                &join(&path, "type"),
                "UNION_TYPE_CHOICES",
                "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).",
            ),
        }
    }
}

fn button(errors: &mut FormErrors, button: &Value, path: &str, ids: &mut Vec<String>) {
    errors.known(button, path, &["type", "style", "label", "emoji", "custom_id", "url", "disabled", "sku_id", "id"]);
    errors.text(&button["label"], &join(path, "label"), 0, 80);
    match button["style"].as_u64() {
        Some(1..=4) => custom_id(errors, button, path, ids),
        Some(5) => errors.url(&button["url"], &join(path, "url"), 512),
        _ => errors.add(&join(path, "style"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}."),
    }
    if !button["custom_id"].is_null() && !button["url"].is_null() {
        errors.add(
            path,
            "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
            "A custom id and url cannot both be specified",
        );
    }
    if button["label"].is_null() && button["emoji"].is_null() {
        errors.add(path, "BUTTON_COMPONENT_INVALID_LABEL", "A button needs a label or an emoji");
    }
}

pub(super) fn custom_id(errors: &mut FormErrors, component: &Value, path: &str, ids: &mut Vec<String>) {
    errors.text(&component["custom_id"], &join(path, "custom_id"), 1, 100);
    let id = component["custom_id"].as_str().unwrap_or_default().to_owned();
    if ids.contains(&id) {
        errors.add(
            &join(path, "custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        );
    }
    ids.push(id);
}

pub(super) fn select(errors: &mut FormErrors, select: &Value, path: &str, ids: &mut Vec<String>) {
    let known =
        ["type", "custom_id", "options", "placeholder", "min_values", "max_values", "disabled", "required", "id"];
    errors.known(select, path, &known);
    custom_id(errors, select, path, ids);
    errors.text(&select["placeholder"], &join(path, "placeholder"), 0, 150);
    bounds(errors, select, path);
    let mut values = Vec::new();
    for (path, option) in errors.objects(&select["options"], &join(path, "options"), 1, 25) {
        errors.known(option, &path, &["label", "value", "description", "emoji", "default"]);
        errors.text(&option["label"], &join(&path, "label"), 1, 100);
        errors.text(&option["value"], &join(&path, "value"), 1, 100);
        errors.text(&option["description"], &join(&path, "description"), 0, 100);
        if values.contains(&option["value"]) {
            errors.add(
                &join(&path, "value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            );
        }
        values.push(option["value"].clone());
    }
}

/// How many can be chosen from a menu.
fn bounds(errors: &mut FormErrors, select: &Value, path: &str) {
    for name in ["min_values", "max_values"] {
        errors.number(&select[name], &join(path, name), 0, 25);
    }
    let of = |name: &str| select[name].as_u64().unwrap_or(1);
    if of("min_values") > of("max_values") {
        errors.add(&join(path, "min_values"), "BASE_TYPE_BAD", "min_values must not be greater than max_values");
    }
}
