//! What people see, as plain text: a line a message, cards and buttons below it.

use serde_json::Value;

/// A chat's view as text, channel by channel: first what everybody sees, then what only one person sees, which is
/// marked. Between the two there is no order that holds.
#[must_use]
pub fn transcript(view: &Value) -> String {
    let mut text = String::new();
    for channel in view["channels"].as_array().into_iter().flatten() {
        let messages = channel["messages"].as_array().into_iter().flatten();
        let (public, private): (Vec<&Value>, Vec<&Value>) =
            messages.partition(|message| message["ephemeral_to"].is_null());
        let messages: Vec<&Value> = public.into_iter().chain(private).collect();
        if messages.is_empty() {
            continue;
        }
        text.push_str(&format!("#{}\n", channel["name"].as_str().unwrap_or_default()));
        let pins: Vec<&str> = channel["pins"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for message in messages {
            if message["deleted"].as_bool() == Some(true) || is_notice(message) {
                continue;
            }
            text.push_str(&line(view, message, &pins));
        }
        text.push('\n');
    }
    text
}

/// The chat's own line about somebody who came, a topic, or a pin.
fn is_notice(message: &Value) -> bool {
    let slack = ["channel_join", "group_join", "channel_topic", "channel_purpose"];
    let is_slacks = message["subtype"].as_str().is_some_and(|subtype| slack.contains(&subtype));
    // Discord's message types: 0 a message, 19 a reply, 20 the answer to a command.
    let is_discords = message["type"].as_u64().is_some_and(|kind| !matches!(kind, 0 | 19 | 20));
    is_slacks || is_discords
}

fn line(view: &Value, message: &Value, pins: &[&str]) -> String {
    let id = message["ts"].as_str().or(message["id"].as_str()).unwrap_or_default();
    let user = message["user"].as_str().or(message["author"]["id"].as_str()).unwrap_or_default();
    let name = message["author"]["name"].as_str().map_or_else(|| name_of(view, user), str::to_owned);
    let mut marks = String::new();
    if pins.contains(&id) {
        marks.push_str(" [pinned]");
    }
    if message["edited"].as_bool() == Some(true) {
        marks.push_str(" [edited]");
    }
    for reaction in message["reactions"].as_array().into_iter().flatten() {
        let emoji = reaction["name"].as_str().or(reaction["emoji"].as_str()).unwrap_or_default();
        marks.push_str(&format!(" [{emoji} {}]", reaction["users"].as_array().map_or(0, Vec::len)));
    }
    if let Some(only) = message["ephemeral_to"].as_str() {
        marks.push_str(&format!(" (only {} sees this)", name_of(view, only)));
    }
    let mut words = Vec::new();
    said(view, message, &mut words);
    let mut lines = words.iter().flat_map(|words| words.lines()).filter(|line| !line.trim().is_empty());
    let mut text = format!("  {}{marks}: {}\n", name, lines.next().unwrap_or_default());
    for line in lines {
        text.push_str(&format!("      {line}\n"));
    }
    text
}

fn name_of(view: &Value, id: &str) -> String {
    let people = view["people"].as_array().into_iter().flatten();
    let found = people.chain(std::iter::once(&view["bot"])).find(|person| person["id"].as_str() == Some(id));
    found.and_then(|person| person["name"].as_str()).unwrap_or(id).to_owned()
}

/// Everything that a message says: its text where it has no blocks, its blocks, embeds and components.
fn said(view: &Value, message: &Value, words: &mut Vec<String>) {
    let has_blocks = ["blocks", "attachments", "embeds"]
        .iter()
        .any(|name| message[*name].as_array().is_some_and(|it| !it.is_empty()));
    let text = message["text"].as_str().filter(|_| !has_blocks).or(message["content"].as_str()).unwrap_or_default();
    if !text.is_empty() {
        words.push(plain(view, text));
    }
    let list = |name: &str| message[name].as_array().into_iter().flatten();
    list("blocks").for_each(|it| block(view, it, words));
    for attachment in list("attachments") {
        attachment["blocks"].as_array().into_iter().flatten().for_each(|it| block(view, it, words));
    }
    for embed in list("embeds") {
        for name in ["title", "description"] {
            words.extend(embed[name].as_str().map(|it| plain(view, it)));
        }
        for field in embed["fields"].as_array().into_iter().flatten() {
            // A zero-width space is how a field has no name.
            let name = field["name"].as_str().filter(|name| *name != "\u{200b}");
            words.extend(name.into_iter().chain(field["value"].as_str()).map(|it| plain(view, it)));
        }
        words.extend(embed["footer"]["text"].as_str().map(|it| plain(view, it)));
    }
    for row in list("components") {
        let parts: Vec<String> = row["components"].as_array().into_iter().flatten().map(control).collect();
        words.push(parts.join(" "));
    }
}

/// A button or menu.
fn control(control: &Value) -> String {
    let label = control["label"].as_str().or(control["text"]["text"].as_str());
    let label = label.or(control["placeholder"].as_str()).or(control["placeholder"]["text"].as_str());
    format!("[{}]", label.unwrap_or("…"))
}

fn block(view: &Value, block: &Value, words: &mut Vec<String>) {
    let list = |name: &str| block[name].as_array().into_iter().flatten();
    match block["type"].as_str().unwrap_or_default() {
        "actions" => words.push(list("elements").map(control).collect::<Vec<_>>().join(" ")),
        "context" => {
            let parts: Vec<String> =
                list("elements").filter_map(|it| it["text"].as_str()).map(|it| plain(view, it)).collect();
            words.push(parts.join(" "));
        }
        "rich_text" => {
            for element in list("elements") {
                let mut text = String::new();
                rich(view, element, &mut text);
                let quote = element["type"].as_str() == Some("rich_text_quote");
                words.push(if quote { text.lines().map(|line| format!("> {line}\n")).collect() } else { text });
            }
        }
        _ => {
            words.extend(block["text"]["text"].as_str().map(|it| plain(view, it)));
            words.extend(list("fields").filter_map(|it| it["text"].as_str()).map(|it| plain(view, it)));
            if !block["accessory"].is_null() {
                words.push(control(&block["accessory"]));
            }
        }
    }
}

fn rich(view: &Value, element: &Value, text: &mut String) {
    match element["type"].as_str().unwrap_or_default() {
        "text" => text.push_str(element["text"].as_str().unwrap_or_default()),
        "link" => text.push_str(element["text"].as_str().or(element["url"].as_str()).unwrap_or_default()),
        "user" => text.push_str(&format!("@{}", name_of(view, element["user_id"].as_str().unwrap_or_default()))),
        "channel" => text.push_str(&channel_name(view, element["channel_id"].as_str().unwrap_or_default())),
        "emoji" => text.push_str(&format!(":{}:", element["name"].as_str().unwrap_or_default())),
        "date" => text.push_str(&clock(element["timestamp"].as_i64().unwrap_or_default())),
        _ => element["elements"].as_array().into_iter().flatten().for_each(|it| rich(view, it, text)),
    }
}

fn channel_name(view: &Value, id: &str) -> String {
    let mut channels = view["channels"].as_array().into_iter().flatten();
    let found = channels.find(|channel| channel["id"].as_str() == Some(id));
    format!("#{}", found.and_then(|channel| channel["name"].as_str()).unwrap_or(id))
}

fn clock(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|at| at.strftime("%H:%M").to_string()).unwrap_or_default()
}

/// Markup as a person reads it: ids as names, times as times, links as their words, escapes taken off.
fn plain(view: &Value, text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\\' && rest.len() > 1 {
            let mut chars = rest.chars();
            chars.next();
            plain.extend(chars.next());
            rest = chars.as_str();
        } else if let Some((words, after)) = token(view, rest) {
            plain.push_str(&words);
            rest = after;
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    let plain = plain.replace("**", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    plain.replace("\n-# ", "\n").replace("-# ", "")
}

/// A mention, time or link at the beginning of the text, as words, and what stands behind it.
fn token<'t>(view: &Value, text: &'t str) -> Option<(String, &'t str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (words, after) = rest.split_once("](")?;
        let (_, after) = after.split_once(')')?;
        return (!words.contains('\n')).then(|| (words.replace('\\', ""), after));
    }
    let (inner, after) = text.strip_prefix('<')?.split_once('>')?;
    let words = if let Some(id) = inner.strip_prefix("@") {
        format!("@{}", name_of(view, id.trim_start_matches('!')))
    } else if let Some(id) = inner.strip_prefix('#') {
        channel_name(view, id.split('|').next().unwrap_or_default())
    } else if let Some(time) = inner.strip_prefix("t:") {
        clock(time.split(':').next()?.parse().ok()?)
    } else if let Some(date) = inner.strip_prefix("!date^") {
        clock(date.split('^').next()?.parse().ok()?)
    } else if inner.starts_with("http") {
        inner.split_once('|').map_or(inner, |(_, words)| words).to_owned()
    } else {
        return None;
    };
    Some((words, after))
}
