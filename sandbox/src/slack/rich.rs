//! The checks of a `rich_text` block (docs.slack.dev, "Rich text block").

use serde_json::{Map, Value};

use super::checker::Checker;

/// Checks a `rich_text` block.
pub(super) fn block(check: &mut Checker, block: &Map<String, Value>, at: &str) {
    check.keys(block, at, &["elements"], &["block_id"]);
    for (index, element) in check.list(block, "elements", at, 1, usize::MAX).iter().enumerate() {
        let at = format!("{at}/elements/{index}");
        let Some(element) = element.as_object() else {
            check.wrong("must provide an object", &at);
            continue;
        };
        match element.get("type").and_then(Value::as_str) {
            Some("rich_text_section") => section(check, element, &at, &[]),
            Some("rich_text_quote") => section(check, element, &at, &["border"]),
            Some("rich_text_preformatted") => section(check, element, &at, &["border", "language"]),
            Some("rich_text_list") => list(check, element, &at),
            Some(other) => check.wrong(&format!("unsupported type: {other}"), &format!("{at}/type")),
            None => check.wrong("missing required field: type", &at),
        }
    }
}

fn list(check: &mut Checker, list: &Map<String, Value>, at: &str) {
    check.keys(list, at, &["style", "elements"], &["indent", "offset", "border"]);
    check.one_of(list, "style", at, &["bullet", "ordered"]);
    check.number(list, "indent", at, 0, 8);
    check.number(list, "offset", at, 0, 10_000);
    check.number(list, "border", at, 0, 1);
    for (index, element) in check.list(list, "elements", at, 0, usize::MAX).iter().enumerate() {
        let at = format!("{at}/elements/{index}");
        match element.as_object() {
            Some(element) if element.get("type").and_then(Value::as_str) == Some("rich_text_section") => {
                section(check, element, &at, &[]);
            }
            Some(_) | None => check.wrong("unsupported type", &at),
        }
    }
}

fn section(check: &mut Checker, section: &Map<String, Value>, at: &str, allowed: &[&str]) {
    check.keys(section, at, &["elements"], allowed);
    check.number(section, "border", at, 0, 1);
    for (index, element) in check.list(section, "elements", at, 0, usize::MAX).iter().enumerate() {
        let at = format!("{at}/elements/{index}");
        match element.as_object() {
            Some(element) => inline(check, element, &at),
            None => check.wrong("must provide an object", &at),
        }
    }
}

fn inline(check: &mut Checker, element: &Map<String, Value>, at: &str) {
    match element.get("type").and_then(Value::as_str) {
        Some("text") => {
            check.keys(element, at, &["text"], &["style"]);
            check.string(element, "text", at, usize::MAX - 1);
        }
        Some("link") => {
            check.keys(element, at, &["url"], &["text", "unsafe", "style"]);
            check.url(element, "url", at);
            check.string(element, "text", at, usize::MAX - 1);
            check.flag(element, "unsafe", at);
        }
        Some("emoji") => check.keys(element, at, &["name"], &["unicode", "skin_tone", "style"]),
        Some("user") => check.keys(element, at, &["user_id"], &["style"]),
        Some("usergroup") => check.keys(element, at, &["usergroup_id"], &["style"]),
        Some("channel") => check.keys(element, at, &["channel_id"], &["style"]),
        Some("broadcast") => {
            check.keys(element, at, &["range"], &["style"]);
            check.one_of(element, "range", at, &["here", "channel", "everyone"]);
        }
        Some("color") => check.keys(element, at, &["value"], &["style"]),
        Some("date") => {
            check.keys(element, at, &["timestamp", "format"], &["url", "fallback", "style"]);
            check.number(element, "timestamp", at, 0, i64::MAX);
            check.string(element, "format", at, 3000);
            check.string(element, "fallback", at, 3000);
            check.url(element, "url", at);
        }
        Some(other) => check.wrong(&format!("unsupported type: {other}"), &format!("{at}/type")),
        None => check.wrong("missing required field: type", at),
    }
    if let Some(style) = element.get("style") {
        match style.as_object() {
            Some(style) => {
                let styles =
                    ["bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"];
                let at = format!("{at}/style");
                check.keys(style, &at, &[], &styles);
                for key in styles {
                    check.flag(style, key, &at);
                }
            }
            None => check.wrong("must provide an object", &format!("{at}/style")),
        }
    }
}
