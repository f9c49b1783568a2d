//! Words from outside as Markdown that shows them and does nothing else.
//!
//! What holds: whatever goes in, what comes out is text within one line: no markup, HTML,
//! link, mention, table cell or template in it, in CommonMark and in GitHub's dialect.

use jiff::{SignedDuration, Timestamp};
use operations::text::{Span, Text};
use url::Url;

/// Keeps `@name` from being a mention and an address where renderers look for them in finished
/// text: a word joiner, which is not seen. Nothing in Markdown itself says "no mention".
const NO_MENTION: char = '\u{2060}';

/// Escapes text for one line of Markdown, in a table or elsewhere; its lines are joined by " / ".
#[must_use]
pub fn md(text: &str) -> String {
    lines(text).join(" / ")
}

/// Escapes each line of text that isn't empty.
#[must_use]
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(line).collect()
}

fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = None;
    let begins_list = |number: usize| text[..number].bytes().all(|byte| byte.is_ascii_digit());
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.extend(['@', NO_MENTION]),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '$' | '!' | '^' => out.extend(['\\', c]),
            '-' | '+' | '=' if before.is_none() => out.extend(['\\', c]),
            '.' | ')' if begins_list(at) => out.extend(['\\', c]),
            // An address in plain sight would be made a link: `https://…`, `www.…`.
            ':' if text[at..].starts_with("://") => out.push_str("\\:"),
            '.' if text[..at].to_ascii_lowercase().ends_with("www") => out.push_str("\\."),
            // Site generators read templates in pages before they read Markdown.
            '%' if before == Some('{') => out.push_str("\\%"),
            '\t' => out.push(' '),
            _ => out.push(c),
        }
        before = Some(c);
    }
    out
}

/// A link, or nothing where the address is not one of the web.
#[must_use]
pub fn link(words: &str, address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
    let mut target = String::with_capacity(address.len());
    for c in url.as_str().chars() {
        match c {
            '(' | ')' | '<' | '>' | '[' | ']' | '{' | '}' | '|' | '\\' | '`' | '"' | '\'' | '*' | '_' | '~' | ' '
            | '^' | '$' => {
                target.push_str(&format!("%{:02X}", u32::from(c)));
            }
            '&' => target.push_str("&amp;"),
            _ => target.push(c),
        }
    }
    Some(format!("[{}]({target})", md(words)))
}

/// Spans as Markdown: one line.
#[must_use]
pub fn text(text: &Text) -> String {
    text.0.iter().map(span).collect::<String>().trim().to_owned()
}

fn span(span: &Span) -> String {
    match span {
        // The spaces at the ends of Muster's own words join the spans; `md` would trim them.
        Span::Plain(words) | Span::Code(words) => spaced(words),
        Span::Bold(words) => format!("**{}**", md(words)),
        Span::Outside(words) | Span::Person(words, _) | Span::Notify(_, words) => md(words.as_str()),
        Span::Time(at, _) => moment(*at),
        Span::Channel(_, _, name) => md(&format!("#{}", name.as_str())),
        Span::Link(words, address) => link(words, address).unwrap_or_else(|| md(words)),
    }
}

fn spaced(words: &str) -> String {
    let begin = if words.starts_with(' ') { " " } else { "" };
    let end = if words.len() > 1 && words.ends_with(' ') { " " } else { "" };
    format!("{begin}{}{end}", md(words))
}

/// A moment in UTC, to the second: `2026-03-02 14:05:09`.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A length of time in words, in its two largest units: `1 hour 5 minutes`.
#[must_use]
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    if seconds < 1 {
        return "less than a second".to_owned();
    }
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let first = units.iter().position(|(_, size)| seconds >= *size).unwrap_or(units.len() - 1);
    let mut left = seconds;
    let mut words = Vec::new();
    for (unit, size) in units.iter().skip(first).take(2) {
        let count = left / size;
        left %= size;
        if count > 0 {
            words.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// What people try, and what happens by accident.
    const HOSTILE: &[&str] = &[
        "<script>alert(1)</script>",
        "<!-- muster:end header -->",
        "-->",
        "<b onclick=x>",
        "a | b || c",
        "|---|",
        "---",
        "===",
        "***",
        "# head",
        "###### x ##",
        "- item",
        "+ item",
        "* item",
        "1. one",
        "12) two",
        "> quote",
        ">>> q",
        "    code",
        "\tcode",
        "```\ncode\n```",
        "~~~",
        "`a`",
        "``` x",
        "**bold** __b__ *i* _i_ ~~s~~ ~s~",
        "snake_case_name and 2*3*4",
        "[a](javascript:alert(1))",
        "[a][b]\n\n[b]: http://x",
        "![i](http://x/y.png)",
        "<http://a.example>",
        "<mailto:a@b.c>",
        "http://a.example/x_y?z=1&w=2",
        "www.example.com",
        "WWW.EXAMPLE.COM",
        "ann@example.com",
        "@everyone @here @channel",
        "<!channel> <@U123> <#C1|x>",
        "[^1]\n\n[^1]: note",
        "{{ 7*7 }} {% raw %} {# x #}",
        "$x$ $$y$$",
        "&lt;b&gt; &amp; &copy; &#64;",
        "a\\|b \\\\| \\",
        "line\r\nline\n\n\nline",
        "trailing\\",
        "two  \nlines",
        "- [ ] task",
        "a\n===",
        "a\n---",
        "\\",
        "| a |\n|---|\n| b |",
        "term\n: definition",
        "::: x",
        ":smile:",
        "#1 !x",
        "==m== ^s^ ~u~",
        "[[wiki]]",
        "[x]: http://evil.example",
        "%7B%7B",
        "\u{2028}x",
        "1.",
        "1)",
        "=",
        "100%",
        "!",
        "![",
        "](",
        "http://[::1]/|",
    ];

    fn every_option() -> Options {
        Options::all()
    }

    /// What `markdown` shows, or a panic where it is more than text in the wrapping that was meant.
    fn shown(markdown: &str) -> String {
        let mut shown = String::new();
        for event in Parser::new_ext(markdown, every_option()) {
            match event {
                Event::Text(text) => shown.push_str(&text),
                Event::Start(Tag::Paragraph | Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell)
                | Event::End(TagEnd::Paragraph | TagEnd::Table | TagEnd::TableHead | TagEnd::TableRow) => {}
                Event::Start(Tag::BlockQuote(None)) | Event::End(TagEnd::BlockQuote(None)) => {}
                Event::End(TagEnd::TableCell) => shown.push('\u{1f}'),
                other => panic!("{other:?} comes out of {markdown:?}"),
            }
        }
        shown.replace(NO_MENTION, "")
    }

    fn plain(text: &str) -> String {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ").replace('\t', " ")
    }

    fn corpus() -> Vec<String> {
        let mut corpus: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
        for first in HOSTILE {
            corpus.extend(HOSTILE.iter().map(|second| format!("{first}{second}")));
        }
        let mut random = fastrand::Rng::with_seed(7);
        let alphabet: Vec<char> = "ab1 \n\t\\`*_{}[]()<>#+-!|~&:;@.=$^'\"/%,?".chars().collect();
        corpus.extend(
            (0..5_000).map(|_| (0..random.usize(1..24)).map(|_| alphabet[random.usize(..alphabet.len())]).collect()),
        );
        corpus
    }

    #[test]
    fn hostile_words_are_shown_as_they_are_and_do_nothing() {
        // The parser is told of smart punctuation to see all of its markup; what it does to quotes is undone here.
        let straight = |text: String| {
            text.replace(['“', '”'], "\"")
                .replace(['‘', '’'], "'")
                .replace('…', "...")
                .replace('—', "---")
                .replace('–', "--")
        };
        for text in corpus() {
            let escaped = md(&text);
            assert!(!escaped.contains('\n') && !escaped.contains("<"), "{escaped:?}");
            assert!(
                !escaped.contains("{{") && !escaped.contains("{%") && !escaped.replace("\\:", "").contains("://"),
                "{escaped:?}"
            );
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let expected = squeezed(&straight(plain(&text)));
            if expected.is_empty() {
                assert_eq!(escaped, "");
                continue;
            }
            assert_eq!(squeezed(&straight(shown(&escaped))), expected, "{escaped:?} as a paragraph");
            assert_eq!(squeezed(&straight(shown(&format!("> {escaped}")))), expected, "{escaped:?} as a quote");
            let cells = straight(shown(&format!("| a | b |\n| - | - |\n| {escaped} | x |\n")));
            let cells: Vec<String> = cells.split('\u{1f}').map(squeezed).collect();
            assert_eq!(cells, ["a", "b", expected.as_str(), "x", ""], "{escaped:?} in a table");
        }
    }

    #[test]
    fn links_are_of_the_web_and_stay_whole() {
        assert_eq!(link("open", "javascript:alert(1)"), None);
        assert_eq!(link("open", "relative"), None);
        assert_eq!(link("open", "https://a.example/x").as_deref(), Some("[open](https://a.example/x)"));
        for address in
            ["https://a.example/a)b|c](d)<e>{{f}}?g=h|i&j=`k` l#m|n\"o'p", "http://[::1]/x", "https://a.example/_x_*y*"]
        {
            let Some(link) = link("a | b] <c>", address) else { panic!("{address} is of the web") };
            let row = format!("| a | b |\n| - | - |\n| {link} | x |\n");
            let events: Vec<_> = Parser::new_ext(&row, every_option()).collect();
            let links = events.iter().filter(|event| matches!(event, Event::Start(Tag::Link { .. }))).count();
            let cells = events.iter().filter(|event| matches!(event, Event::End(TagEnd::TableCell))).count();
            assert_eq!((links, cells), (1, 4), "{row}");
            assert!(!link.contains("{{"), "{link}");
        }
    }

    #[test]
    fn lengths_of_time_are_words() {
        let words = |seconds: i64| duration(SignedDuration::from_secs(seconds));
        assert_eq!(words(0), "less than a second");
        assert_eq!(words(-5), "less than a second");
        assert_eq!(words(61), "1 minute 1 second");
        assert_eq!(words(7_200), "2 hours");
        assert_eq!(words(93_784), "1 day 2 hours");
    }
}
