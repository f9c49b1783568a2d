//! What Discord takes as a message or modal, and what it refuses (its reference: Message,
//! Embed Limits, Component Reference).

use serde_json::{Value, json};

use super::form::{FormErrors, join};
use super::refusal::Refusal;
use super::state::COMPONENTS_V2;

/// The fields of a message that is created or edited.
const MESSAGE: [&str; 12] = [
    "content",
    "nonce",
    "tts",
    "embeds",
    "allowed_mentions",
    "message_reference",
    "components",
    "sticker_ids",
    "attachments",
    "flags",
    "enforce_nonce",
    "poll",
];
const EMBED: [&str; 12] = [
    "title",
    "type",
    "description",
    "url",
    "timestamp",
    "color",
    "footer",
    "image",
    "thumbnail",
    "author",
    "fields",
    "provider",
];

/// Checks a message's body; gives the fields that Discord does not know.
pub(super) fn message(body: &Value) -> Result<Vec<String>, Refusal> {
    let mut errors = FormErrors::default();
    errors.known(body, "", &MESSAGE);
    errors.text(&body["content"], "content", 0, 2000);
    errors.boolean(&body["tts"], "tts");
    errors.boolean(&body["enforce_nonce"], "enforce_nonce");
    if body["nonce"].is_string() {
        errors.text(&body["nonce"], "nonce", 0, 25);
    }
    let mut total = 0;
    for (index, embed) in errors.list(&body["embeds"], "embeds", 0, 10).to_vec().iter().enumerate() {
        total += self::embed(&mut errors, embed, &format!("embeds.{index}"));
    }
    if total > 6000 {
        errors.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
    let v2 = body["flags"].as_u64().unwrap_or_default() & COMPONENTS_V2 != 0;
    let mut ids = Vec::new();
    for (index, row) in
        errors.list(&body["components"], "components", 0, if v2 { 40 } else { 5 }).to_vec().iter().enumerate()
    {
        self::row(&mut errors, row, &format!("components.{index}"), &mut ids, v2);
    }
    errors.done()
}

/// Checks an embed; gives how many characters count against the limit of all.
fn embed(errors: &mut FormErrors, embed: &Value, path: &str) -> usize {
    errors.known(embed, path, &EMBED);
    let mut total = 0;
    let mut text = |errors: &mut FormErrors, value: &Value, path: String, min: usize, max: usize| {
        errors.text(value, &path, min, max);
        total += value.as_str().map_or(0, |text| text.chars().count());
    };
    text(errors, &embed["title"], join(path, "title"), 0, 256);
    text(errors, &embed["description"], join(path, "description"), 0, 4096);
    text(errors, &embed["footer"]["text"], join(path, "footer.text"), 0, 2048);
    text(errors, &embed["author"]["name"], join(path, "author.name"), 0, 256);
    for (index, field) in errors.list(&embed["fields"], &join(path, "fields"), 0, 25).to_vec().iter().enumerate() {
        let path = format!("{path}.fields.{index}");
        errors.known(field, &path, &["name", "value", "inline"]);
        text(errors, &field["name"], join(&path, "name"), 1, 256);
        text(errors, &field["value"], join(&path, "value"), 1, 1024);
    }
    if !embed["url"].is_null() {
        errors.url(&embed["url"], &join(path, "url"), 2048);
    }
    errors.number(&embed["color"], &join(path, "color"), 0, 0x00ff_ffff);
    total
}

fn row(errors: &mut FormErrors, row: &Value, path: &str, ids: &mut Vec<String>, v2: bool) {
    if row["type"].as_u64() != Some(1) {
        if !v2 {
            errors.add(&join(path, "type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).");
        }
        return;
    }
    errors.known(row, path, &["type", "components", "id"]);
    let list = errors.list(&row["components"], &join(path, "components"), 1, 5).to_vec();
    let selects = list.iter().filter(|it| matches!(it["type"].as_u64(), Some(3 | 5..=8))).count();
    if selects > 0 && list.len() > 1 {
        errors.add(
            &join(path, "components"),
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
            "The specified component exceeds the maximum width",
        );
    }
    for (index, component) in list.iter().enumerate() {
        let path = format!("{path}.components.{index}");
        match component["type"].as_u64() {
            Some(2) => button(errors, component, &path, ids),
            Some(3) => select(errors, component, &path, ids),
            Some(5..=8) => custom_id(errors, component, &path, ids),
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
    if button["label"].is_null() && button["emoji"].is_null() {
        errors.add(path, "BUTTON_COMPONENT_INVALID_LABEL", "A button needs a label or an emoji");
    }
}

fn custom_id(errors: &mut FormErrors, component: &Value, path: &str, ids: &mut Vec<String>) {
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

fn select(errors: &mut FormErrors, select: &Value, path: &str, ids: &mut Vec<String>) {
    let known =
        ["type", "custom_id", "options", "placeholder", "min_values", "max_values", "disabled", "required", "id"];
    errors.known(select, path, &known);
    custom_id(errors, select, path, ids);
    errors.text(&select["placeholder"], &join(path, "placeholder"), 0, 150);
    let mut values = Vec::new();
    for (index, option) in errors.list(&select["options"], &join(path, "options"), 1, 25).to_vec().iter().enumerate() {
        let path = format!("{path}.options.{index}");
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

/// Checks a modal.
pub(super) fn modal(data: &Value) -> Result<Vec<String>, Refusal> {
    let mut errors = FormErrors::default();
    errors.known(data, "data", &["custom_id", "title", "components"]);
    errors.text(&data["custom_id"], "data.custom_id", 1, 100);
    errors.text(&data["title"], "data.title", 1, 45);
    let mut ids = Vec::new();
    for (index, part) in errors.list(&data["components"], "data.components", 1, 5).to_vec().iter().enumerate() {
        let path = format!("data.components.{index}");
        match part["type"].as_u64() {
            Some(18) => {
                errors.known(part, &path, &["type", "label", "description", "component", "id"]);
                errors.text(&part["label"], &join(&path, "label"), 1, 45);
                errors.text(&part["description"], &join(&path, "description"), 0, 100);
                field(&mut errors, &part["component"], &join(&path, "component"), &mut ids, false);
            }
            Some(1) => {
                for (index, it) in
                    errors.list(&part["components"], &join(&path, "components"), 1, 1).to_vec().iter().enumerate()
                {
                    field(&mut errors, it, &format!("{path}.components.{index}"), &mut ids, true);
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

/// Whether a message with this body would show nothing.
pub(super) fn is_empty(body: &Value) -> bool {
    let some = |name: &str| body[name].as_array().is_some_and(|list| !list.is_empty());
    let content = body["content"].as_str().is_some_and(|text| !text.trim().is_empty());
    !content && !some("embeds") && !some("components") && !some("sticker_ids") && body["poll"].is_null()
}

/// `allowed_mentions` with its defaults: users, roles and everyone where it is left out.
pub(super) fn allowed(body: &Value) -> Value {
    match &body["allowed_mentions"] {
        Value::Null => json!({"parse": ["users", "roles", "everyone"]}),
        told => told.clone(),
    }
}
