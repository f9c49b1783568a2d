//! Words in Markdown: shown as they are in every place where a template puts them.
//!
//! Judged by pulldown-cmark with all that it knows switched on, and by the wiki's own pages.

use bot::postmortem::markdown::{lines, link, md};
use bot::wiki_pages::html;
use operations::text::Outside;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::bytes::Bytes;
use super::tags;

/// Keeps `@name` from being a mention. Not seen.
const NO_MENTION: char = '\u{2060}';

/// Two texts: words, and an address.
pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    let words = Outside::new(&script.text());
    let address = script.text();
    said(words.as_str());
    linked(words.as_str(), &address);
}

fn said(words: &str) {
    let escaped = md(words);
    assert!(!escaped.contains(['\n', '<']), "{escaped:?}");
    assert!(!escaped.contains("{{") && !escaped.contains("{%") && !escaped.contains("{#"), "{escaped:?}");
    assert_eq!(lines(words).join(" / "), escaped);
    let plain: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let plain = squeezed(&straight(&plain.join(" / ")));
    if plain.is_empty() {
        assert_eq!(escaped, "");
        return;
    }
    assert_eq!(squeezed(&straight(&shown(&escaped))), plain, "{escaped:?} as a paragraph");
    assert_eq!(squeezed(&straight(&shown(&format!("> {escaped}")))), plain, "{escaped:?} as a quote");
    let cells = shown(&format!("| a | b |\n| - | - |\n| {escaped} | x |\n"));
    let cells: Vec<String> = cells.split('\u{1f}').map(|cell| squeezed(&straight(cell))).collect();
    assert_eq!(cells, ["a", "b", plain.as_str(), "x", ""], "{escaped:?} in a table");
    let page = html(&escaped);
    let only = |tags: Vec<tags::Tag>| tags.iter().all(|tag| tag.name == "p");
    assert!(tags::read(&page).is_ok_and(only), "{escaped:?} is shown as {page:?}");
}

fn linked(words: &str, address: &str) {
    let Some(link) = link(words, address) else { return };
    assert!(!link.contains(['\n', '<']) && !link.contains("{{") && !link.contains("{%"), "{link:?}");
    let row = format!("| a | b |\n| - | - |\n| {link} | x |\n");
    let events: Vec<_> = Parser::new_ext(&row, Options::all()).collect();
    let targets: Vec<&str> = events.iter().filter_map(target).collect();
    let cells = events.iter().filter(|event| matches!(event, Event::End(TagEnd::TableCell))).count();
    assert_eq!((targets.len(), cells), (1, 4), "{row}");
    // Not asked of the address that went in: browsers, too, read `ht\rtp` as `http`.
    assert!(targets[0].starts_with("http://") || targets[0].starts_with("https://"), "{row}");
    let page = html(&link);
    let tags = tags::read(&page).unwrap_or_else(|why| panic!("{why} in {page:?}"));
    let names: Vec<&str> = tags.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, ["p", "a"], "{page:?}");
}

fn target<'a>(event: &'a Event<'_>) -> Option<&'a str> {
    match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url),
        _ => None,
    }
}

/// What Markdown shows; a panic where it is more than words in the wrapping that was meant.
fn shown(markdown: &str) -> String {
    let mut shown = String::new();
    for event in Parser::new_ext(markdown, Options::all()) {
        match event {
            Event::Text(text) => shown.push_str(&text),
            Event::Start(Tag::Paragraph | Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell)
            | Event::End(TagEnd::Paragraph | TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow)
            | Event::Start(Tag::BlockQuote(None))
            | Event::End(TagEnd::BlockQuote(None)) => {}
            Event::End(TagEnd::TableCell) => shown.push('\u{1f}'),
            other => panic!("{other:?} comes out of {markdown:?}"),
        }
    }
    shown.replace(NO_MENTION, "")
}

/// Undoes what smart punctuation does.
fn straight(text: &str) -> String {
    let text = text.replace(['“', '”'], "\"").replace(['‘', '’'], "'");
    text.replace('…', "...").replace('—', "---").replace('–', "--")
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
