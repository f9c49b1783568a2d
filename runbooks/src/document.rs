//! The Markdown of a page, taken apart: front matter, headings, prose, fences, checklists, comments.
//!
//! What holds: only what stands at the top level counts, so that a fence within a quote or a list is prose; each part knows
//! where it stands.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::places::{Findings, Place};

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Document<'t> {
    /// The front matter's text with where it begins.
    pub(crate) front: Option<(&'t str, Place)>,
    /// The first heading of the first level.
    pub(crate) title: Option<String>,
    /// What stands above the first heading of another level.
    pub(crate) about: String,
    pub(crate) sections: Vec<Section>,
}

/// What stands below a heading.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) at: Place,
    /// As Markdown.
    pub(crate) prose: String,
    pub(crate) parts: Vec<Part>,
}

/// What may be a step, or says something of one.
#[derive(Debug)]
pub(crate) enum Part {
    Fence { info: String, info_at: Place, body: String, body_at: Place },
    Checklist { items: Vec<(String, Place)>, at: Place },
    Comment { words: String, at: Place },
}

/// How a comment begins that says something of a step.
const COMMENT: &str = "<!-- step";

/// Takes a page apart.
pub(crate) fn read<'t>(text: &'t str, found: &mut Findings<'_>) -> Document<'t> {
    let mut document = Document::default();
    let base = front(text, &mut document, found);
    let body = &text[base..];
    let options = Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut events = Parser::new_ext(body, options).into_offset_iter();
    while let Some((event, range)) = events.next() {
        let at = Place::of(text, base + range.start);
        let raw = &body[range.clone()];
        let Event::Start(tag) = event else { continue };
        let end = tag.to_end();
        let mut inside = Vec::new();
        let mut depth = 1;
        for (event, range) in events.by_ref() {
            match &event {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            inside.push((event, range));
        }
        match (tag, end) {
            (Tag::Heading { level, .. }, _) => {
                let title: String = inside.iter().map(|(event, _)| words(event)).collect();
                if level == HeadingLevel::H1 && document.title.is_none() && document.sections.is_empty() {
                    document.title = Some(title.trim().to_owned());
                } else {
                    let section =
                        Section { title: title.trim().to_owned(), at, prose: String::new(), parts: Vec::new() };
                    document.sections.push(section);
                }
            }
            (Tag::CodeBlock(CodeBlockKind::Fenced(_)), _) if is_step(raw) => {
                let (info, column) = info(raw);
                let body: String = inside.iter().map(|(event, _)| words(event)).collect();
                let part = Part::Fence {
                    info: info.to_owned(),
                    info_at: Place { column: at.column + column, ..at },
                    body,
                    body_at: Place { line: at.line + 1, column: 1 },
                };
                document.part(part, at, found);
            }
            (Tag::List(_), TagEnd::List(_)) if inside.iter().any(|(event, _)| is_box(event)) => {
                let items = checklist(text, base, &inside, found);
                document.part(Part::Checklist { items, at }, at, found);
            }
            (Tag::HtmlBlock, _) if raw.trim_start().starts_with(COMMENT) => {
                let words = raw.trim().trim_start_matches(COMMENT);
                let at = Place { column: at.column + COMMENT.len(), ..at };
                match words.strip_suffix("-->").filter(|words| !words.contains('\n')) {
                    Some(words) => document.part(Part::Comment { words: words.to_owned(), at }, at, found),
                    None => found.tell(at, "a step's comment is one line, and ends with -->", None),
                }
            }
            _ => document.prose(raw),
        }
    }
    document
}

impl Document<'_> {
    fn part(&mut self, part: Part, at: Place, found: &mut Findings<'_>) {
        match self.sections.last_mut() {
            Some(section) => section.parts.push(part),
            None => found.tell(at, "a step stands below a heading", Some("put “## What it does” above it".to_owned())),
        }
    }

    fn prose(&mut self, raw: &str) {
        let to = self.sections.last_mut().map_or(&mut self.about, |section| &mut section.prose);
        if !to.is_empty() {
            to.push_str("\n\n");
        }
        to.push_str(raw.trim_end());
    }
}

/// Finds the front matter; how many bytes it and its lines take.
fn front<'t>(text: &'t str, document: &mut Document<'t>, found: &mut Findings<'_>) -> usize {
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        let what = "the page has no front matter: `---`, `id: …`, `---` at its beginning";
        found.tell(Place::START, what, None);
        return 0;
    };
    let begins = text.len() - rest.len();
    let mut at = begins;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            document.front = Some((&text[begins..at], Place { line: 2, column: 1 }));
            return at + line.len();
        }
        at += line.len();
    }
    found.tell(Place::START, "the front matter has no end: a line with `---`", None);
    text.len()
}

/// Whether a fence's first word is a kind of step, and it is not only there to be read.
fn is_step(raw: &str) -> bool {
    let (info, _) = info(raw);
    let mut words = info.split_whitespace();
    words.next().is_some_and(|kind| crate::kinds::KINDS.contains(&kind)) && !words.any(|word| word == "example")
}

/// The info string of a fence, as it stands there, and how many characters before it.
fn info(raw: &str) -> (&str, usize) {
    let line = raw.lines().next().unwrap_or_default();
    let fence = line.chars().next().unwrap_or('`');
    let rest = line.trim_start_matches(fence);
    let info = rest.trim_start();
    (info.trim_end(), line.chars().count() - info.chars().count())
}

fn is_box(event: &Event<'_>) -> bool {
    matches!(event, Event::TaskListMarker(_))
}

/// The boxes of a list with what stands beside them.
fn checklist(
    text: &str,
    base: usize,
    inside: &[(Event<'_>, std::ops::Range<usize>)],
    found: &mut Findings<'_>,
) -> Vec<(String, Place)> {
    let mut items: Vec<(String, Place)> = Vec::new();
    let mut has_box = true;
    let mut depth = 0;
    for (event, range) in inside {
        let at = Place::of(text, base + range.start);
        match event {
            Event::Start(Tag::List(_)) => depth += 1,
            Event::End(TagEnd::List(_)) => depth -= 1,
            Event::Start(Tag::Item) if depth == 0 => {
                if !has_box {
                    found.tell(at, "the item before this one has no box: every item is `- [ ] …`", None);
                }
                has_box = false;
                items.push((String::new(), at));
            }
            Event::TaskListMarker(is_ticked) if depth == 0 => {
                has_box = true;
                if *is_ticked {
                    found.tell(at, "a box is ticked in a run, and not in the page: `- [ ]`", None);
                }
            }
            event => {
                if let Some((item, _)) = items.last_mut() {
                    item.push_str(&words(event));
                }
            }
        }
    }
    if let (false, Some((_, at))) = (has_box, items.last()) {
        found.tell(*at, "this item has no box: every item is `- [ ] …`", None);
    }
    for (item, at) in &mut items {
        *item = item.trim().to_owned();
        if item.is_empty() {
            found.tell(*at, "there is a box with nothing beside it", None);
        }
    }
    items
}

/// What an event says, without what it looks like.
fn words(event: &Event<'_>) -> String {
    match event {
        Event::Text(text) | Event::Code(text) => text.to_string(),
        Event::SoftBreak | Event::HardBreak => " ".to_owned(),
        _ => String::new(),
    }
}
