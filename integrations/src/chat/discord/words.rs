//! Words as Discord's markdown, and nothing of theirs as markup.
//!
//! What holds: every string is written through [`Writer::words`], which escapes whatever
//! Discord would read as formatting, a mention, a link, an emoji or an invitation; a
//! text never exceeds its limit and ends in a visible mark where it was cut.

use jiff::Timestamp;
use operations::ids::Platform;
use operations::text::{CUT_MARK, Span, Text, TimeStyle};

/// Writes a text of limited length. Lengths are UTF-16 units, which are never fewer than Discord counts.
pub(super) struct Writer {
    out: String,
    left: usize,
    full: bool,
    /// Whether only blanks and digits have been written since the line began, so that `#`, `-` or `1.` would be markup.
    line_start: bool,
}

/// The length that Discord's limits are kept by.
pub(super) fn units(words: &str) -> usize {
    words.chars().map(char::len_utf16).sum()
}

impl Writer {
    /// An empty text that may grow to `limit`.
    pub(super) fn new(limit: usize) -> Writer {
        Writer { out: String::new(), left: limit.saturating_sub(units(CUT_MARK)), full: false, line_start: true }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether something has been cut.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Takes `units` of the room away for something that must be written later; false where there is too little.
    fn reserve(&mut self, units: usize) -> bool {
        if self.full || self.left < units {
            self.cut();
            return false;
        }
        self.left -= units;
        true
    }

    fn cut(&mut self) {
        if !self.full {
            self.full = true;
            self.out.push_str(CUT_MARK);
        }
    }

    /// Writes markup of our own, whole or not at all.
    pub(super) fn markup(&mut self, markup: &str) -> bool {
        if !self.reserve(units(markup)) {
            return false;
        }
        self.out.push_str(markup);
        self.line_start = markup.ends_with('\n') || (self.line_start && markup.chars().all(|c| "*>-# ".contains(c)));
        true
    }

    /// Writes words on one line, escaped.
    pub(super) fn words(&mut self, words: &str) {
        let mut before = self.out.chars().last().unwrap_or('\n');
        let mut chars = words.chars().peekable();
        while let Some(c) = chars.next() {
            let c = if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
            let escaped = is_markup(c, before, chars.peek().copied(), self.line_start);
            if !self.reserve(c.len_utf16() + usize::from(escaped)) {
                return;
            }
            if escaped {
                self.out.push('\\');
            }
            self.out.push(c);
            self.line_start = self.line_start && (c == ' ' || c.is_ascii_digit());
            before = c;
        }
    }

    /// Writes something to type. There is no escape inside it, so what would end it is replaced.
    pub(super) fn code(&mut self, words: &str) {
        let words: String = words.chars().map(|c| if c == '`' { 'ˋ' } else { c }).collect();
        let words = words.split(['\n', '\r', '\t']).collect::<Vec<_>>().join(" ");
        if words.trim().is_empty() || !self.reserve(2) {
            return;
        }
        self.out.push('`');
        for c in words.chars() {
            if self.full || self.left < c.len_utf16() {
                break;
            }
            self.left -= c.len_utf16();
            self.out.push(c);
        }
        let whole = self.out.ends_with(words.as_str());
        self.out.push('`');
        self.line_start = false;
        if !whole {
            self.cut();
        }
    }

    /// Writes a line's spans. `bold` is for all of them. People who are to be notified are added to `notify`.
    pub(super) fn line(&mut self, text: &Text, bold: bool, notify: &mut Vec<String>) {
        let mut open = false;
        for span in &text.0 {
            let wanted = bold || matches!(span, Span::Bold(_));
            if is_nothing(span) {
                continue;
            }
            if open && !wanted {
                self.out.push_str("**");
                open = false;
            } else if wanted && !open {
                // The closing mark is paid for with the opening one.
                if !self.reserve(4) {
                    return;
                }
                self.out.push_str("**");
                open = true;
            }
            self.span(span, notify);
            if self.full {
                break;
            }
        }
        if open {
            // A cut text has its mark inside the bold words.
            self.out.push_str("**");
        }
    }

    fn span(&mut self, span: &Span, notify: &mut Vec<String>) {
        match span {
            Span::Plain(words) | Span::Bold(words) => self.words(words),
            Span::Code(words) => self.code(words),
            Span::Outside(words) => self.words(words.as_str()),
            Span::Time(at, style) => {
                self.markup(&time(*at, *style));
            }
            Span::Person(name, platform) => {
                self.words(name.as_str());
                self.words(&format!(" ({})", platform.title()));
            }
            Span::Notify(user, _) if user.platform == Platform::Discord && is_snowflake(&user.user) => {
                if self.markup(&format!("<@{}>", user.user)) && !notify.contains(&user.user) {
                    notify.push(user.user.clone());
                }
            }
            Span::Notify(_, name) => self.words(name.as_str()),
            Span::Channel(Platform::Discord, id, _) if is_snowflake(id.as_str()) => {
                self.markup(&format!("<#{}>", id.as_str()));
            }
            Span::Channel(_, _, name) => self.words(&format!("#{}", name.as_str())),
            Span::Link(words, url) => self.link(words, url),
        }
    }

    /// Writes a link; only its words where it can't be kept whole or leads somewhere odd.
    fn link(&mut self, words: &str, url: &str) {
        let mut label = Writer { line_start: false, ..Writer::new(300) };
        label.words(words.trim());
        let label = label.finish();
        let Some(url) = link_url(url).filter(|_| !label.is_empty()) else { return self.words(words) };
        // The angle brackets keep Discord from showing a preview.
        let link = format!("[{label}](<{url}>)");
        if self.full || self.left < units(&link) {
            return self.words(words);
        }
        self.markup(&link);
    }
}

fn is_nothing(span: &Span) -> bool {
    match span {
        Span::Plain(words) | Span::Bold(words) | Span::Code(words) => words.is_empty(),
        Span::Outside(words) => words.as_str().is_empty(),
        Span::Link(words, _) => words.trim().is_empty(),
        Span::Time(..) | Span::Person(..) | Span::Notify(..) | Span::Channel(..) => false,
    }
}

/// Whether Discord could read a character as markup where it stands.
fn is_markup(c: char, before: char, next: Option<char>, line_start: bool) -> bool {
    match c {
        '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '[' | ']' | '@' => true,
        // Headings, small print, lists and quotes.
        '#' | '-' | '+' | '>' | '.' => line_start,
        // An emoji's name, or the scheme of an address.
        ':' => next.is_some_and(|next| !next.is_whitespace()),
        // An invitation needs no scheme to be shown with a preview.
        '/' => before.is_alphanumeric(),
        _ => false,
    }
}

fn time(at: Timestamp, style: TimeStyle) -> String {
    let letter = match style {
        TimeStyle::Clock => 't',
        TimeStyle::Full => 'f',
        TimeStyle::Ago => 'R',
    };
    format!("<t:{}:{letter}>", at.as_second())
}

/// The address as Discord may link to it: http and https only, without a name before the host, and nothing
/// in it that could end the link.
fn link_url(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let mut safe = String::new();
    for c in String::from(url).chars() {
        match c {
            '(' => safe.push_str("%28"),
            ')' => safe.push_str("%29"),
            '<' => safe.push_str("%3C"),
            '>' => safe.push_str("%3E"),
            '\\' => safe.push_str("%5C"),
            '`' => safe.push_str("%60"),
            '|' => safe.push_str("%7C"),
            '*' => safe.push_str("%2A"),
            other => safe.push(other),
        }
    }
    (safe.len() <= 1000).then_some(safe)
}

/// Whether it has the shape of a Discord id.
pub(super) fn is_snowflake(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Words without markup for places where Discord reads none (buttons, footers, options), on one line.
pub(super) fn plain(words: &str, longest: usize) -> String {
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    if units(line) <= longest {
        return line.to_owned();
    }
    let mut free = longest.saturating_sub(units(CUT_MARK));
    let kept = line.chars().take_while(|c| {
        let fits = c.len_utf16() <= free;
        free = free.saturating_sub(c.len_utf16());
        fits
    });
    kept.chain(CUT_MARK.chars()).collect()
}
