//! Discord's markdown as its clients read it: what in a text is more than words.
//!
//! Stricter than the clients where they are lenient: a character that could be markup and is
//! not escaped counts as stray, whether or not it would do something where it stands.

/// Something that is not words.
#[derive(Debug, PartialEq)]
pub(super) enum Mark {
    /// `<@1>`, `<#1>`, `<t:1:R>`.
    Token(String),
    /// The address of `[words](<address>)`.
    Link(String),
    /// `**`, at either end of what is bold.
    Bold,
    /// Words in a fixed width.
    Code,
    /// `> ` where a line begins.
    Quote,
    /// `-# ` where a line begins.
    Small,
    /// Anything else.
    Stray(String),
}

/// What in `text` is more than words, in order.
pub(super) fn read(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    for line in text.split('\n') {
        let mut line = line;
        if let Some(quoted) = line.strip_prefix("> ") {
            marks.push(Mark::Quote);
            line = quoted;
        }
        if let Some(small) = line.strip_prefix("-# ") {
            marks.push(Mark::Small);
            line = small;
        }
        if is_block(line.trim_start_matches(' ')) {
            marks.push(Mark::Stray(line.to_owned()));
        }
        inline(line, &mut marks);
    }
    marks
}

/// Whether a line begins as a heading, small print, a list or a quote.
fn is_block(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let begins = ["# ", "## ", "### ", "-# ", "- ", "* ", "+ ", "> ", ">>> "].iter().any(|mark| line.starts_with(mark));
    begins || (number.len() < line.len() && number.starts_with(". "))
}

fn inline(line: &str, marks: &mut Vec<Mark>) {
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '\\' => {
                let escaped = rest[1..].chars().next().filter(|next| !next.is_alphanumeric() && !next.is_whitespace());
                match escaped {
                    Some(escaped) => taken += escaped.len_utf8(),
                    None => marks.push(Mark::Stray("\\".to_owned())),
                }
            }
            '`' => taken = code(rest, marks),
            '<' => taken = token(rest, marks),
            '[' => taken = link(rest, marks),
            '*' if rest.starts_with("**") => {
                marks.push(Mark::Bold);
                taken = 2;
            }
            '*' | '_' | '~' | '|' | ']' | '@' => marks.push(Mark::Stray(c.to_string())),
            _ if is_address(rest) => marks.push(Mark::Stray(rest.to_owned())),
            _ => {}
        }
        rest = &rest[taken..];
    }
}

/// What Discord makes a link or an invitation of, without any markup.
fn is_address(text: &str) -> bool {
    const BEGINNINGS: [&str; 5] =
        ["http://", "https://", "discord.gg/", "discord.com/invite/", "discordapp.com/invite/"];
    let begins = |with: &str| text.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    BEGINNINGS.into_iter().any(begins)
}

fn code(text: &str, marks: &mut Vec<Mark>) -> usize {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let ticks = run(text);
    let mut at = ticks;
    while let Some(next) = text[at..].find('`') {
        at += next;
        let closing = run(&text[at..]);
        at += closing;
        if closing == ticks {
            marks.push(Mark::Code);
            return at;
        }
    }
    marks.push(Mark::Stray("`".repeat(ticks)));
    ticks
}

fn token(text: &str, marks: &mut Vec<Mark>) -> usize {
    let Some(end) = text.find('>') else {
        marks.push(Mark::Stray("<".to_owned()));
        return 1;
    };
    let inner = &text[1..end];
    if inner.starts_with(['@', '#', ':', '/']) || inner.starts_with("t:") || inner.starts_with("a:") {
        marks.push(Mark::Token(text[..=end].to_owned()));
        return end + 1;
    }
    marks.push(Mark::Stray("<".to_owned()));
    1
}

fn link(text: &str, marks: &mut Vec<Mark>) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = !escaped && *c == ']';
        escaped = !escaped && *c == '\\';
        ends
    });
    let whole = end.and_then(|(end, _)| {
        let address = text[end + 1..].strip_prefix("(<")?;
        let (address, _) = address.split_once(">)")?;
        Some((&text[1..end], address))
    });
    let Some((words, address)) = whole else {
        marks.push(Mark::Stray("[".to_owned()));
        return 1;
    };
    marks.push(Mark::Link(address.to_owned()));
    inline(words, marks);
    "[](<>)".len() + words.len() + address.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_markup_is_seen_and_what_is_escaped_is_not() {
        let stray = |text: &str| read(text).iter().filter(|mark| matches!(mark, Mark::Stray(_))).count();
        for harmless in
            [r"a \* b \_ \~ \` \| \[ \] \< \@", r"\# x", r"1\. x", r"https\://x", "a.b c-d 1 > 0", "", r"\\"]
        {
            assert_eq!(read(harmless), [], "{harmless}");
        }
        for harmful in [
            "*a*",
            "_a_",
            "~~a~~",
            "||a||",
            "@everyone",
            "# x",
            "  - x",
            "1. x",
            "> > x",
            " -# x",
            "https://x",
            "[a](b)",
            "HTTPS://x",
            "discord.gg/x",
            "``` a",
            "<x>",
            "a\\",
            ">>> x",
        ] {
            assert!(stray(harmful) > 0, "{harmful}");
        }
        assert_eq!(
            read("> -# **a** `b*` <@1> [c\\]](<https://x>)"),
            [
                Mark::Quote,
                Mark::Small,
                Mark::Bold,
                Mark::Bold,
                Mark::Code,
                Mark::Token("<@1>".to_owned()),
                Mark::Link("https://x".to_owned())
            ]
        );
    }
}
