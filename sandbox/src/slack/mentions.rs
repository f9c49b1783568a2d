//! Whom a message of the app notifies.
//!
//! What holds: everything in which Slack reads markup is looked at, wherever it stands
//! in the message; `plain_text` objects and `rich_text` words are not, because Slack reads none in them.

use serde_json::Value;

/// The mentions in a message's parts, as they would notify somebody.
pub(super) fn find(text: &str, blocks: &[Value], attachments: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    markup(text, &mut found);
    blocks.iter().for_each(|block| walk(block, &mut found));
    attachments.iter().for_each(|attachment| attached(attachment, &mut found));
    found
}

/// The mentions that `parse: full` or `link_names` makes out of plain words.
pub(super) fn linked(text: &str, names: &[String]) -> Vec<String> {
    let words = text.split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '@' | '_' | '-' | '.')));
    let names_somebody = |word: &&str| {
        let name = word.strip_prefix('@').map(|name| name.trim_end_matches('.'));
        name.is_some_and(|name| {
            matches!(name, "channel" | "here" | "everyone") || names.iter().any(|known| known == name)
        })
    };
    words.filter(names_somebody).map(str::to_owned).collect()
}

/// `<!here>`, `<@U1>` and the like.
fn markup(text: &str, found: &mut Vec<String>) {
    for part in text.split('<').skip(1) {
        let Some((inside, _)) = part.split_once('>') else { continue };
        let target = inside.split('|').next().unwrap_or_default();
        let notifies = target.starts_with('@')
            || target.starts_with("!subteam^")
            || matches!(target.trim_end_matches(' '), "!here" | "!channel" | "!everyone" | "!group");
        if notifies {
            found.push(format!("<{target}>"));
        }
    }
}

fn walk(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Object(object) => {
            let word = |key: &str| object.get(key).and_then(Value::as_str);
            match word("type") {
                Some("mrkdwn" | "markdown") => markup(word("text").unwrap_or_default(), found),
                Some("user") => found.extend(word("user_id").map(|id| format!("<@{id}>"))),
                Some("usergroup") => found.extend(word("usergroup_id").map(|id| format!("<!subteam^{id}>"))),
                Some("broadcast") => found.extend(word("range").map(|range| format!("<!{range}>"))),
                Some("plain_text") => {}
                Some(_) | None => object.values().for_each(|inner| walk(inner, found)),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn attached(attachment: &Value, found: &mut Vec<String>) {
    for key in ["text", "pretext", "fallback", "title", "footer"] {
        markup(attachment.get(key).and_then(Value::as_str).unwrap_or_default(), found);
    }
    for field in attachment.get("fields").and_then(Value::as_array).into_iter().flatten() {
        markup(field.get("value").and_then(Value::as_str).unwrap_or_default(), found);
    }
    if let Some(blocks) = attachment.get("blocks") {
        walk(blocks, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn markup_notifies_and_plain_words_do_not() {
        let blocks = [
            json!({ "type": "section", "text": { "type": "mrkdwn", "text": "hi <@U1> and <!subteam^S1|team>" } }),
            json!({ "type": "header", "text": { "type": "plain_text", "text": "<!everyone>" } }),
            json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [
                { "type": "text", "text": "<!channel>" }, { "type": "broadcast", "range": "here" }] }] }),
        ];
        assert_eq!(
            find("<!channel> &lt;!here&gt; <https://a|b>", &blocks, &[]),
            ["<!channel>", "<@U1>", "<!subteam^S1>", "<!here>"]
        );
        assert_eq!(linked("ask @ann, @here or bob@x", &["ann".to_owned()]), ["@ann", "@here"]);
    }
}
