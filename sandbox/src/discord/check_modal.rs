//! What Discord takes as a modal, and what it refuses (its reference: Component Reference).

use serde_json::Value;

use super::check_components::{custom_id, select};
use super::form::{FormErrors, join};
use super::refusal::Refusal;

/// Checks a modal, which is the `data` of an answer.
pub(super) fn modal(data: &Value) -> Result<Vec<String>, Refusal> {
    let mut errors = FormErrors::below("data");
    errors.object(data, "");
    errors.known(data, "", &["custom_id", "title", "components"]);
    errors.text(&data["custom_id"], "custom_id", 1, 100);
    errors.text(&data["title"], "title", 1, 45);
    let mut ids = Vec::new();
    for (path, part) in errors.objects(&data["components"], "components", 1, 5) {
        match part["type"].as_u64() {
            Some(18) => {
                errors.known(part, &path, &["type", "label", "description", "component", "id"]);
                errors.text(&part["label"], &join(&path, "label"), 1, 45);
                errors.text(&part["description"], &join(&path, "description"), 0, 100);
                field(&mut errors, &part["component"], &join(&path, "component"), &mut ids, false);
            }
            Some(1) => {
                for (path, it) in errors.objects(&part["components"], &join(&path, "components"), 1, 1) {
                    field(&mut errors, it, &path, &mut ids, true);
                }
            }
            _ => errors.add(
                &join(&path, "type"),
                "UNION_TYPE_CHOICES",
                "Value of field \"type\" must be one of (1, 10, 18).",
            ),
        }
    }
    errors.done()
}

fn field(errors: &mut FormErrors, it: &Value, path: &str, ids: &mut Vec<String>, labelled: bool) {
    match it["type"].as_u64() {
        Some(4) => {
            let known = [
                "type",
                "custom_id",
                "style",
                "label",
                "min_length",
                "max_length",
                "required",
                "value",
                "placeholder",
                "id",
            ];
            errors.known(it, path, &known);
            custom_id(errors, it, path, ids);
            errors.number(&it["style"], &join(path, "style"), 1, 2);
            errors.number(&it["max_length"], &join(path, "max_length"), 1, 4000);
            errors.text(&it["placeholder"], &join(path, "placeholder"), 0, 100);
            errors.text(&it["value"], &join(path, "value"), 0, 4000);
            if labelled {
                errors.text(&it["label"], &join(path, "label"), 1, 45);
            } else if !it["label"].is_null() {
                errors.add(&join(path, "label"), "BASE_TYPE_BAD", "A text input in a label has no label of its own");
            }
        }
        Some(3) if !labelled => select(errors, it, path, ids),
        _ => errors.add(&join(path, "type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (3, 4)."),
    }
}
