//! Text for Discord: what is markup is made here, and what comes in strings never is.

use jiff::Timestamp;
use operations::ids::Platform;
use operations::text::{Span, Text, TimeStyle};

/// A line as Discord's Markdown.
pub(super) fn line(text: &Text) -> String {
    text.0.iter().map(span).collect()
}

/// A string with everything that could be markup, a mention or a link made plain. Discord shows any
/// sign behind a backslash as it is.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut before = '\n';
    for c in text.chars() {
        let numbered = c == '.' && before.is_ascii_digit();
        if numbered || "\\*_~`|<>#-+=:@[]()!{}".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

/// Whoever is to be notified on Discord.
pub(super) fn notified(text: &Text) -> impl Iterator<Item = &str> {
    text.0.iter().filter_map(|span| match span {
        Span::Notify(user, _) if user.platform == Platform::Discord && is_id(&user.user) => Some(user.user.as_str()),
        _ => None,
    })
}

fn span(span: &Span) -> String {
    match span {
        Span::Plain(words) => escape(words),
        Span::Bold(words) => format!("**{}**", escape(words)),
        // Nothing can be escaped inside of it, so what would end it is replaced.
        Span::Code(words) => format!("`{}`", words.replace('`', "ˋ").replace('\n', " ")),
        Span::Outside(words) => escape(words.as_str()),
        Span::Time(at, style) => time(*at, *style),
        Span::Person(name, platform) => format!("{} ({})", escape(name.as_str()), platform.title()),
        Span::Notify(user, name) if user.platform == Platform::Discord && is_id(&user.user) => {
            let _ = name;
            format!("<@{}>", user.user)
        }
        Span::Notify(_, name) => escape(name.as_str()),
        Span::Channel(Platform::Discord, channel, _) if is_id(&channel.0) => format!("<#{}>", channel.0),
        Span::Channel(_, _, name) => format!("#{}", escape(name.as_str())),
        Span::Link(words, url) => match link(url) {
            Some(url) => format!("[{}]({url})", escape(words)),
            None => escape(words),
        },
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// A time that each reader sees in their own zone (reference, "Timestamp Styles").
fn time(at: Timestamp, style: TimeStyle) -> String {
    let style = match style {
        TimeStyle::Clock => 't',
        TimeStyle::Full => 'f',
        TimeStyle::Ago => 'R',
    };
    format!("<t:{}:{style}>", at.as_second())
}

/// An address that can stand in a link without ending it.
fn link(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).ok()?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return None;
    }
    Some(parsed.as_str().replace('(', "%28").replace(')', "%29").replace('>', "%3E"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sign_that_means_something_is_left_bare() {
        for hostile in ["<@1> <@&1> <!channel>", "@everyone", "[a](https://evil.example)", "```x```", "**b** __u__ ~~s~~ ||p||", "# h\n> q\n- l\n-# s"] {
            let escaped = escape(hostile);
            let bare = escaped.char_indices().any(|(at, c)| {
                "*_~`|<>#@[]:".contains(c) && !escaped[..at].ends_with('\\')
            });
            assert!(!bare, "{escaped}");
            assert_eq!(escaped.replace('\\', ""), hostile);
        }
    }

    #[test]
    fn only_web_addresses_are_links() {
        let of = |url: &str| line(&Text::new().link("x", url));
        assert_eq!(of("javascript:alert(1)"), "x");
        assert_eq!(of("https://e.example/a)b"), "[x](https://e.example/a%29b)");
    }
}
