//! What Discord takes as a message, and what it refuses (its reference: Message, Embed Limits,
//! Allowed Mentions Object).

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::check_components;
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

/// What a Components V2 message does without.
const LEGACY: [&str; 4] = ["content", "embeds", "poll", "sticker_ids"];

/// Checks a message's body, which stands at `base`; gives the fields that Discord does not know.
pub(super) fn message(body: &Value, base: &'static str) -> Result<Vec<String>, Refusal> {
    edit(body, base, 0)
}

/// Checks the body of an edit of a message with these flags.
pub(super) fn edit(body: &Value, base: &'static str, flags: u64) -> Result<Vec<String>, Refusal> {
    let mut errors = FormErrors::below(base);
    if !errors.object(body, "") {
        return errors.done();
    }
    errors.known(body, "", &MESSAGE);
    errors.text(&body["content"], "content", 0, 2000);
    errors.boolean(&body["tts"], "tts");
    errors.boolean(&body["enforce_nonce"], "enforce_nonce");
    if body["nonce"].is_string() {
        errors.text(&body["nonce"], "nonce", 0, 25);
    }
    let mut total = 0;
    for (path, embed) in errors.objects(&body["embeds"], "embeds", 0, 10) {
        total += self::embed(&mut errors, embed, &path);
    }
    if total > 6000 {
        errors.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
    let v2 = (flags | body["flags"].as_u64().unwrap_or_default()) & COMPONENTS_V2 != 0;
    for name in LEGACY.into_iter().filter(|name| v2 && !is_nothing(&body[*name])) {
        let message = format!("The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2");
        errors.add(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", &message);
    }
    check_components::list(&mut errors, &body["components"], v2);
    mentions(&mut errors, &body["allowed_mentions"]);
    errors.object(&body["message_reference"], "message_reference");
    errors.done()
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// Checks `allowed_mentions`: a kind is allowed altogether or by a list, not both.
fn mentions(errors: &mut FormErrors, allowed: &Value) {
    if !errors.object(allowed, "allowed_mentions") {
        return;
    }
    errors.known(allowed, "allowed_mentions", &["parse", "users", "roles", "replied_user"]);
    errors.boolean(&allowed["replied_user"], "allowed_mentions.replied_user");
    let parse = errors.list(&allowed["parse"], "allowed_mentions.parse", 0, 3);
    for (index, kind) in parse.iter().enumerate() {
        if !matches!(kind.as_str(), Some("users" | "roles" | "everyone")) {
            let path = format!("allowed_mentions.parse.{index}");
            errors.add(&path, "BASE_TYPE_CHOICES", "Value must be one of ('users', 'everyone', 'roles').");
        }
    }
    for kind in ["users", "roles"] {
        let listed = errors.list(&allowed[kind], &join("allowed_mentions", kind), 0, 100);
        if !listed.is_empty() && parse.iter().any(|it| it.as_str() == Some(kind)) {
            let message = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            errors.add("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", &message);
        }
    }
}

/// Checks an embed; gives how many characters count against the limit of all.
fn embed(errors: &mut FormErrors, embed: &Value, path: &str) -> usize {
    errors.known(embed, path, &EMBED);
    for name in ["footer", "author", "image", "thumbnail"] {
        errors.object(&embed[name], &join(path, name));
    }
    if EMBED
        .iter()
        .filter(|name| !matches!(**name, "type" | "url" | "timestamp" | "color"))
        .all(|name| is_nothing(&embed[*name]) || embed[*name].as_str().is_some_and(|text| text.trim().is_empty()))
    {
        // What Discord says of an embed that shows nothing.
        errors.required(&join(path, "description"));
    }
    let mut total = 0;
    let mut text = |errors: &mut FormErrors, value: &Value, path: String, min: usize, max: usize| {
        errors.text(value, &path, min, max);
        total += value.as_str().map_or(0, |text| text.chars().count());
    };
    text(errors, &embed["title"], join(path, "title"), 0, 256);
    text(errors, &embed["description"], join(path, "description"), 0, 4096);
    text(errors, &embed["footer"]["text"], join(path, "footer.text"), 0, 2048);
    text(errors, &embed["author"]["name"], join(path, "author.name"), 0, 256);
    for (path, field) in errors.objects(&embed["fields"], &join(path, "fields"), 0, 25) {
        errors.known(field, &path, &["name", "value", "inline"]);
        text(errors, &field["name"], join(&path, "name"), 1, 256);
        text(errors, &field["value"], join(&path, "value"), 1, 1024);
    }
    if !embed["url"].is_null() {
        errors.url(&embed["url"], &join(path, "url"), 2048);
    }
    errors.number(&embed["color"], &join(path, "color"), 0, 0x00ff_ffff);
    if !embed["timestamp"].is_null() && !embed["timestamp"].as_str().is_some_and(is_time) {
        let message = format!("Could not parse {}. Should be ISO8601.", embed["timestamp"]);
        errors.add(&join(path, "timestamp"), "DATETIME_TYPE_PARSE", &message);
    }
    total
}

/// Whether it is an ISO 8601 time, with an offset or without one.
fn is_time(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok()
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
