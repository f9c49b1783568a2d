//! The checks of blocks, attachments and views, with every limit that Slack documents.
//!
//! What holds: an unknown block, element or field is refused, as Slack does; what passes gets
//! the ids that Slack gives where the sender left them out.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::checker::{Checker, Kind, units};
use super::elements::{Place, element, image};
use super::refusal::Refusal;
use super::rich;

/// The most blocks in a message, and in a view.
const MESSAGE_BLOCKS: usize = 50;
const VIEW_BLOCKS: usize = 100;
/// Slack tells no limit for all blocks of a message together; messages of more than about
/// 13,000 characters were refused (slackapi/bolt-js issues 2509 and 2867).
const WHOLE: usize = 13_000;
const ATTACHMENTS: usize = 100;
/// The largest view, in bytes (views.push: "view_too_large").
const VIEW_BYTES: usize = 250_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Surface {
    Message,
    View,
}

/// Checks the blocks of a message; gives them back with all their ids.
pub(super) fn message(blocks: &Value) -> Result<Vec<Value>, Refusal> {
    let Some(blocks) = blocks.as_array() else { return Err("invalid_blocks_format".into()) };
    let mut check = Checker::default();
    list(&mut check, blocks, "/blocks", Surface::Message);
    refuse("invalid_blocks", check)?;
    not_too_long(blocks.iter())?;
    Ok(blocks.iter().map(with_ids).collect())
}

/// Checks the attachments of a message; gives them back with all their ids.
pub(super) fn attachments(attachments: &Value) -> Result<Vec<Value>, Refusal> {
    let Some(attachments) = attachments.as_array() else { return Err("invalid_attachments".into()) };
    if attachments.len() > ATTACHMENTS {
        return Err("too_many_attachments".into());
    }
    let mut check = Checker::default();
    let mut all = Vec::new();
    for (index, value) in attachments.iter().enumerate() {
        let at = format!("/attachments/{index}");
        let Some(attachment) = value.as_object() else { return Err("invalid_attachments".into()) };
        all.push(attached(&mut check, attachment, &at, index)?);
    }
    refuse("invalid_blocks", check)?;
    let blocks = |value: &Value| value.get("blocks").and_then(Value::as_array).cloned().unwrap_or_default();
    not_too_long(all.iter().flat_map(blocks).collect::<Vec<_>>().iter())?;
    Ok(all)
}

fn attached(check: &mut Checker, attachment: &Map<String, Value>, at: &str, index: usize) -> Result<Value, Refusal> {
    const FIELDS: &[&str] = &[
        "color",
        "blocks",
        "fallback",
        "text",
        "pretext",
        "title",
        "title_link",
        "fields",
        "footer",
        "footer_icon",
        "ts",
        "mrkdwn_in",
        "author_name",
        "author_link",
        "author_icon",
        "image_url",
        "thumb_url",
        "callback_id",
        "actions",
    ];
    if attachment.keys().any(|key| !FIELDS.contains(&key.as_str())) {
        return Err("invalid_attachments".into());
    }
    if let Some(colour) = attachment.get("color") {
        let hex = |word: &str| {
            let digits = word.strip_prefix('#').unwrap_or(word);
            matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let known = colour.as_str().is_some_and(|word| matches!(word, "good" | "warning" | "danger") || hex(word));
        if !known {
            return Err("invalid_attachments".into());
        }
    }
    let mut attachment = attachment.clone();
    attachment.insert("id".to_owned(), json!(index + 1));
    if let Some(blocks) = attachment.get_mut("blocks") {
        let Some(blocks) = blocks.as_array_mut() else { return Err("invalid_blocks_format".into()) };
        list(check, blocks, &format!("{at}/blocks"), Surface::Message);
        *blocks = blocks.iter().map(with_ids).collect();
    }
    Ok(Value::Object(attachment))
}

/// Checks a view; gives it back with all the ids of its blocks.
pub(super) fn view(view: &Value) -> Result<Value, Refusal> {
    let invalid = "invalid_arguments";
    let Some(object) = view.as_object() else { return Err(invalid.into()) };
    if view.to_string().len() > VIEW_BYTES {
        return Err("view_too_large".into());
    }
    let mut check = Checker::default();
    let at = "/view";
    if object.get("type").and_then(Value::as_str) != Some("modal") {
        check.wrong("must be a valid enum value", "/view/type");
    }
    let allowed = &[
        "submit",
        "close",
        "private_metadata",
        "callback_id",
        "clear_on_close",
        "notify_on_close",
        "external_id",
        "submit_disabled",
    ];
    check.keys(object, at, &["title", "blocks"], allowed);
    for key in ["title", "submit", "close"] {
        check.text(object, key, at, 24, Kind::Plain);
    }
    for (key, most) in [("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)] {
        // These three may be empty.
        match object.get(key) {
            Some(Value::String(text)) => check.length(text, &format!("{at}/{key}"), 0, most),
            Some(_) => check.wrong("must provide a string", &format!("{at}/{key}")),
            None => {}
        }
    }
    for key in ["clear_on_close", "notify_on_close", "submit_disabled"] {
        check.flag(object, key, at);
    }
    let blocks = object.get("blocks").and_then(Value::as_array).cloned().unwrap_or_default();
    list(&mut check, &blocks, "/view/blocks", Surface::View);
    let asks = blocks.iter().any(|block| block.get("type").and_then(Value::as_str) == Some("input"));
    if asks && !object.contains_key("submit") {
        check.wrong("missing required field: submit", at);
    }
    refuse(invalid, check)?;
    let mut view = view.clone();
    view["blocks"] = blocks.iter().map(with_ids).collect();
    Ok(view)
}

fn refuse(error: &str, check: Checker) -> Result<(), Refusal> {
    let messages = check.into_messages();
    if messages.is_empty() { Ok(()) } else { Err(Refusal { messages, ..error.into() }) }
}

fn not_too_long<'a>(blocks: impl Iterator<Item = &'a Value>) -> Result<(), Refusal> {
    let whole: usize = blocks.map(|block| units(&block.to_string())).sum();
    if whole > WHOLE { Err("msg_blocks_too_long".into()) } else { Ok(()) }
}

fn list(check: &mut Checker, blocks: &[Value], at: &str, surface: Surface) {
    let most = if surface == Surface::Message { MESSAGE_BLOCKS } else { VIEW_BLOCKS };
    if blocks.len() > most {
        check.wrong(&format!("no more than {most} items allowed"), at);
    }
    let mut ids = HashSet::new();
    for (index, value) in blocks.iter().enumerate() {
        let at = format!("{at}/{index}");
        let Some(block) = value.as_object() else {
            check.wrong("must provide an object", &at);
            continue;
        };
        if let Some(id) = check.string(block, "block_id", &at, 255)
            && !ids.insert(id.to_owned())
        {
            check.wrong(&format!("`block_id` \"{id}\" already exists"), &format!("{at}/block_id"));
        }
        one(check, block, &at, surface);
    }
}

fn one(check: &mut Checker, block: &Map<String, Value>, at: &str, surface: Surface) {
    let mut action_ids = HashSet::new();
    match block.get("type").and_then(Value::as_str) {
        Some("section") => section(check, block, at),
        Some("header") => {
            check.keys(block, at, &["text"], &["block_id"]);
            check.text(block, "text", at, 150, Kind::Plain);
        }
        Some("divider") => check.keys(block, at, &[], &["block_id"]),
        Some("context") => context(check, block, at),
        Some("actions") => {
            check.keys(block, at, &["elements"], &["block_id"]);
            for (index, value) in check.list(block, "elements", at, 1, 25).iter().enumerate() {
                element(check, value, &format!("{at}/elements/{index}"), Place::Actions, &mut action_ids);
            }
        }
        Some("image") => {
            check.keys(block, at, &["alt_text"], &["block_id", "image_url", "slack_file", "title"]);
            check.url(block, "image_url", at);
            check.string(block, "alt_text", at, 2000);
            check.text(block, "title", at, 2000, Kind::Plain);
        }
        Some("input") => {
            check.keys(block, at, &["label", "element"], &["block_id", "hint", "optional", "dispatch_action"]);
            check.text(block, "label", at, 2000, Kind::Plain);
            check.text(block, "hint", at, 2000, Kind::Plain);
            check.flag(block, "optional", at);
            check.flag(block, "dispatch_action", at);
            if let Some(value) = block.get("element") {
                element(check, value, &format!("{at}/element"), Place::Input, &mut action_ids);
            }
        }
        Some("rich_text") => rich::block(check, block, at),
        Some("markdown") if surface == Surface::Message => {
            check.keys(block, at, &["text"], &["block_id"]);
            check.string(block, "text", at, 12_000);
        }
        Some("table") if surface == Surface::Message => {
            check.keys(block, at, &["rows"], &["block_id", "column_settings"]);
            for (index, row) in check.list(block, "rows", at, 1, 100).iter().enumerate() {
                if row.as_array().is_none_or(|cells| cells.len() > 20) {
                    check.wrong("no more than 20 items allowed", &format!("{at}/rows/{index}"));
                }
            }
        }
        Some(other) => check.wrong(&format!("unsupported type: {other}"), &format!("{at}/type")),
        None => check.wrong("missing required field: type", at),
    }
}

fn section(check: &mut Checker, block: &Map<String, Value>, at: &str) {
    check.keys(block, at, &[], &["text", "fields", "accessory", "block_id", "expand"]);
    if !block.contains_key("text") && !block.contains_key("fields") {
        check.wrong("must define either `text` or `fields`", at);
    }
    check.text(block, "text", at, 3000, Kind::Any);
    check.flag(block, "expand", at);
    for (index, field) in check.list(block, "fields", at, 1, 10).iter().enumerate() {
        check.text_object(field, &format!("{at}/fields/{index}"), 2000, Kind::Any);
    }
    if let Some(accessory) = block.get("accessory") {
        element(check, accessory, &format!("{at}/accessory"), Place::Accessory, &mut HashSet::new());
    }
}

fn context(check: &mut Checker, block: &Map<String, Value>, at: &str) {
    check.keys(block, at, &["elements"], &["block_id"]);
    for (index, value) in check.list(block, "elements", at, 1, 10).iter().enumerate() {
        let at = format!("{at}/elements/{index}");
        match value.as_object() {
            Some(object) if object.get("type").and_then(Value::as_str) == Some("image") => image(check, object, &at),
            // The length of a context's text is not documented apart from that of any text object.
            Some(_) | None => check.text_object(value, &at, 3000, Kind::Any),
        }
    }
}

/// Gives a block, and what can be clicked in it, the ids that the sender left out.
fn with_ids(block: &Value) -> Value {
    let mut block = block.clone();
    name(&mut block, "block_id");
    let interactive = |value: &Value| {
        !matches!(value.get("type").and_then(Value::as_str), Some("image" | "plain_text" | "mrkdwn") | None)
    };
    match block.get("type").and_then(Value::as_str) {
        Some("actions") => {
            for value in block.get_mut("elements").and_then(Value::as_array_mut).into_iter().flatten() {
                name(value, "action_id");
            }
        }
        Some("section") => {
            if let Some(value) = block.get_mut("accessory").filter(|value| interactive(value)) {
                name(value, "action_id");
            }
        }
        Some("input") => {
            if let Some(value) = block.get_mut("element") {
                name(value, "action_id");
            }
        }
        Some(_) | None => {}
    }
    block
}

fn name(value: &mut Value, key: &str) {
    if value.get(key).is_none() {
        let id: String = std::iter::repeat_with(fastrand::alphanumeric).take(5).collect();
        value[key] = json!(id);
    }
}
