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
