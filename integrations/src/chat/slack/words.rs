//! Spans of text as Slack's `rich_text` elements, and the few strings in which Slack reads markup.
//!
//! What holds: outside text only ever becomes the `text` of a `text` or `plain_text` element,
//! where nothing is markup; whatever does go into a marked-up string is escaped first.

use operations::ids::Platform;
use operations::text::{CUT_MARK, Span, Text, TimeStyle, cut};
use slack_morphism::prelude::*;

use jiff::Timestamp;

/// What one element costs besides its words, in characters of JSON.
const ELEMENT: usize = 110;
/// The most elements that Slack takes in a context block.
const SMALL_ELEMENTS: usize = 10;
/// The longest address that Slack takes.
const LONGEST_URL: usize = 3000;

/// How many characters of JSON are still free.
pub(super) struct Room {
    left: usize,
    full: bool,
}

impl Room {
    pub(super) fn new(left: usize) -> Room {
        Room { left, full: false }
    }

    /// Whether something has been cut already.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Keeps one part in `parts` for later.
    pub(super) fn keep_back(&mut self, parts: usize) -> usize {
        let kept = self.left / parts;
        self.left -= kept;
        kept
    }

    /// Frees what was kept.
    pub(super) fn give_back(&mut self, kept: usize) {
        self.left += kept;
        self.full = false;
    }

    /// Takes room for `words`; cuts them where there is too little. None where nothing was free any more.
    pub(super) fn take(&mut self, words: &str) -> Option<String> {
        if self.full || words.is_empty() {
            return None;
        }
        let free = self.left.saturating_sub(ELEMENT);
        let words = if json_length(words) <= free { words.to_owned() } else { self.cut(words, free) };
        self.left = self.left.saturating_sub(ELEMENT + json_length(&words));
        Some(words)
    }

    fn cut(&mut self, words: &str, free: usize) -> String {
        self.full = true;
        let mut keep = free;
        loop {
            let shorter = cut(words, keep);
            // `cut` leaves short words alone, although they may be too long once escaped.
            let shorter = if shorter == words { CUT_MARK.to_owned() } else { shorter };
            if json_length(&shorter) <= free || keep < 16 {
                return if keep < 16 { CUT_MARK.to_owned() } else { shorter };
            }
            keep /= 2;
        }
    }
}

fn json_length(words: &str) -> usize {
    let length = |c: char| match c {
        '"' | '\\' | '\n' | '\t' => 2,
        // As `\u0007`.
        '\u{0}'..='\u{1f}' => 6,
        _ => c.len_utf16(),
    };
    words.chars().map(length).sum()
}

/// How long Slack takes a text to be: in UTF-16 units, in which an emoji is two or more.
pub(super) fn units(words: &str) -> usize {
    words.chars().map(char::len_utf16).sum()
}

/// Shortens to `longest` UTF-16 units, ending in [`CUT_MARK`] where something was cut.
pub(super) fn cut_units(words: &str, longest: usize) -> String {
    if units(words) <= longest {
        return words.to_owned();
    }
    let mut free = longest.saturating_sub(units(CUT_MARK));
    let fits = |c: &char| {
        let fits = c.len_utf16() <= free;
        free = free.saturating_sub(c.len_utf16());
        fits
    };
    words.chars().take_while(fits).chain(CUT_MARK.chars()).take(longest).collect()
}

/// A line as `rich_text` elements.
pub(super) fn rich(text: &Text, bold: bool, room: &mut Room) -> Vec<SlackRichTextInlineElement> {
    runs(text).iter().filter_map(|span| rich_span(span, bold, room)).collect()
}

/// Neighbours that look alike as one: each element costs room.
fn runs(text: &Text) -> Vec<Span> {
    let mut runs: Vec<Span> = Vec::new();
    for span in &text.0 {
        let words = match span {
            Span::Plain(words) => words.clone(),
            Span::Outside(words) => one_line(words.as_str()),
            Span::Person(name, platform) => one_line(&format!("{} ({})", name.as_str(), platform.title())),
            Span::Bold(_) | Span::Code(_) | Span::Time(..) | Span::Notify(..) | Span::Channel(..) | Span::Link(..) => {
                runs.push(span.clone());
                continue;
            }
        };
        match runs.last_mut() {
            Some(Span::Plain(before)) => before.push_str(&words),
            _ => runs.push(Span::Plain(words)),
        }
    }
    runs
}

fn rich_span(span: &Span, bold: bool, room: &mut Room) -> Option<SlackRichTextInlineElement> {
    let style = SlackRichTextStyle { bold: bold.then_some(true), ..SlackRichTextStyle::new() };
    let style = bold.then_some(style);
    let element = match span {
        Span::Plain(words) => words_in(room.take(words)?, bold).into(),
        Span::Bold(words) => words_in(room.take(words)?, true).into(),
        Span::Code(words) => words_in(room.take(&one_line(words))?, bold).code().into(),
        Span::Outside(words) => words_in(room.take(&one_line(words.as_str()))?, bold).into(),
        Span::Person(name, platform) => {
            words_in(room.take(&one_line(&format!("{} ({})", name.as_str(), platform.title())))?, bold).into()
        }
        Span::Time(at, _) if is_before_slack(*at) => words_in(room.take(&date(*at, TimeStyle::Full).1)?, bold).into(),
        Span::Time(at, form) => {
            let (format, fallback) = date(*at, *form);
            room.take(&fallback)?;
            SlackRichTextDate::new(SlackDateTime(*at), format.to_owned())
                .with_fallback(fallback)
                .opt_style(style)
                .into()
        }
        Span::Notify(user, name) => {
            let name = room.take(&one_line(name.as_str()))?;
            if user.platform == Platform::Slack && is_person(&user.user) {
                SlackRichTextUser::new(SlackUserId(user.user.clone())).opt_style(style).into()
            } else {
                words_in(name, bold).into()
            }
        }
        Span::Channel(platform, id, name) => {
            let name = room.take(&one_line(&format!("#{}", name.as_str())))?;
            if *platform == Platform::Slack && is_channel(id.as_str()) {
                SlackRichTextChannel::new(SlackChannelId(id.as_str().to_owned())).opt_style(style).into()
            } else {
                words_in(name, bold).into()
            }
        }
        Span::Link(words, url) => link(&one_line(words), url, style, bold, room)?,
    };
    Some(element)
}

fn link(
    words: &str,
    url: &str,
    style: Option<SlackRichTextStyle>,
    bold: bool,
    room: &mut Room,
) -> Option<SlackRichTextInlineElement> {
    let words = room.take(words)?;
    // The address needs room as well; a link that can't be kept whole is left out, its words stay.
    match link_url(url) {
        Some(url) if json_length(&url) < room.left => {
            room.left -= json_length(&url);
            Some(SlackRichTextLink::new(SlackRelaxedUrl(url)).with_text(words).opt_style(style).into())
        }
        Some(_) | None => Some(words_in(words, bold).into()),
    }
}

fn words_in(words: String, bold: bool) -> SlackRichTextText {
    let text = SlackRichTextText::new(words);
    if bold { text.bold() } else { text }
}

/// A line as the elements of a context block: links and times in marked-up text, all else plain.
/// None where it needs more elements than Slack takes.
pub(super) fn small(text: &Text) -> Option<Vec<SlackContextBlockElement>> {
    let mut elements = Vec::new();
    let mut words = String::new();
    for span in &text.0 {
        let marked = match span {
            Span::Plain(more) | Span::Bold(more) | Span::Code(more) => {
                words.push_str(more);
                continue;
            }
            Span::Outside(more) | Span::Notify(_, more) => {
                words.push_str(more.as_str());
                continue;
            }
            Span::Person(name, platform) => {
                words.push_str(&format!("{} ({})", name.as_str(), platform.title()));
                continue;
            }
            Span::Channel(Platform::Slack, id, _) if is_channel(id.as_str()) => format!("<#{}>", id.as_str()),
            Span::Channel(_, _, name) => {
                words.push_str(&format!("#{}", name.as_str()));
                continue;
            }
            Span::Time(at, _) if is_before_slack(*at) => {
                words.push_str(&date(*at, TimeStyle::Full).1);
                continue;
            }
            Span::Time(at, form) => {
                let (format, fallback) = date(*at, *form);
                format!("<!date^{}^{format}|{fallback}>", at.as_second())
            }
            Span::Link(label, url) => match link_url(url) {
                Some(url) => {
                    format!("<{}|{}>", escape(&url).replace('|', "%7C"), inert(&cut_units(&one_line(label), 200)))
                }
                None => {
                    words.push_str(label);
                    continue;
                }
            },
        };
        push_plain(&mut elements, &mut words);
        elements.push(SlackContextBlockElement::MarkDown(SlackBlockMarkDownText::new(marked)));
    }
    push_plain(&mut elements, &mut words);
    (elements.len() <= SMALL_ELEMENTS).then_some(elements)
}

fn push_plain(elements: &mut Vec<SlackContextBlockElement>, words: &mut String) {
    let shown = cut_units(one_line(words).trim(), 300);
    words.clear();
    if !shown.is_empty() {
        elements.push(SlackContextBlockElement::Plain(SlackBlockPlainText::new(shown).with_emoji(false)));
    }
}

/// A moment in Slack's tokens, and as plain words for where they don't work.
fn date(at: Timestamp, style: TimeStyle) -> (&'static str, String) {
    match style {
        TimeStyle::Clock => ("{time}", at.strftime("%H:%M UTC").to_string()),
        TimeStyle::Full => ("{date} {time}", at.strftime("%-d %B %Y %H:%M UTC").to_string()),
        TimeStyle::Ago => ("{ago}", at.strftime("%H:%M UTC").to_string()),
    }
}

/// Slack takes no moment before 1970, and refuses the message that has one; an alert may say that it began then.
fn is_before_slack(at: Timestamp) -> bool {
    at.as_second() < 0
}

/// The address as Slack may link to it: http and https only, and not too long.
fn link_url(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let url = String::from(url);
    (url.len() <= LONGEST_URL).then_some(url)
}

/// Escapes the three characters that Slack reads as control.
pub(super) fn escape(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Escaped, with the marks of formatting replaced by look-alikes, since Slack has no escape for them.
fn inert(words: &str) -> String {
    let alike = |c: char| match c {
        '*' => '∗',
        '_' => 'ˍ',
        '~' => '∼',
        '`' => 'ˋ',
        ':' => '∶',
        '|' => '∣',
        other => other,
    };
    escape(&words.chars().map(alike).collect::<String>())
}

/// Line feeds and tabs as spaces, so that one line can't pass for two.
pub(super) fn one_line(words: &str) -> String {
    words.chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c }).collect()
}

/// Whether it has the shape of a Slack person's id.
pub(super) fn is_person(id: &str) -> bool {
    is_id(id, &['U', 'W'])
}

/// Whether it has the shape of a Slack channel's id.
pub(super) fn is_channel(id: &str) -> bool {
    is_id(id, &['C', 'G', 'D'])
}

fn is_id(id: &str, first: &[char]) -> bool {
    id.len() > 1
        && id.len() < 40
        && id.starts_with(first)
        && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}
