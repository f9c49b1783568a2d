//! Slack's markup in incoming text, as people typed and saw it.
//!
//! What holds: nothing here fails; an unknown or broken token stays as it is.

/// Takes Slack's markup off: `&lt;` is `<` again, a link is its address (or its words and its address
/// where they differ), `<@U1|ann>` is `<@U1>`, `<!here>` is `@here`.
pub(super) fn unmark(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('<') { token(rest, &mut out) } else { entity(rest, &mut out) };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// Writes what an entity stands for; how much of `rest` it took.
fn entity(rest: &str, out: &mut String) -> usize {
    for (entity, c) in [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')] {
        if rest.starts_with(entity) {
            out.push(c);
            return entity.len();
        }
    }
    out.push('&');
    1
}

/// Writes what a token in angle brackets stands for; how much of `rest` it took.
fn token(rest: &str, out: &mut String) -> usize {
    let Some(end) = rest.find('>') else {
        out.push('<');
        return 1;
    };
    let inner = &rest[1..end];
    let (target, label) = inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
    match target.chars().next() {
        Some('@' | '#') => out.push_str(&rest[..=end]),
        Some('!') => out.push_str(&special(target, label)),
        Some(_) if target.contains("://") || target.starts_with("mailto:") => out.push_str(&link(target, label)),
        Some(_) | None => out.push_str(&rest[..=end]),
    }
    end + 1
}

fn special(target: &str, label: Option<&str>) -> String {
    match label {
        Some(label) => entities(label),
        None => target.strip_prefix('!').map_or_else(String::new, |name| format!("@{name}")),
    }
}

fn link(target: &str, label: Option<&str>) -> String {
    let target = entities(target);
    let bare = target.split_once("://").map_or(target.as_str(), |(_, bare)| bare);
    let bare = bare.strip_prefix("mailto:").unwrap_or(bare);
    match label.map(entities) {
        // Slack adds the label itself when somebody types an address without `https://`.
        Some(label) if label == bare || label == target => label,
        Some(label) => format!("{label} ({target})"),
        None => target,
    }
}

fn entities(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Names of emojis that mean something at work, and their characters.
const EMOJIS: &[(&str, &str)] = &[
    ("pushpin", "📌"),
    ("round_pushpin", "📍"),
    ("eyes", "👀"),
    ("white_check_mark", "✅"),
    ("heavy_check_mark", "✔️"),
    ("ballot_box_with_check", "☑️"),
    ("memo", "📝"),
    ("pencil", "📝"),
    ("spiral_note_pad", "🗒️"),
    ("star", "⭐"),
    ("fire", "🔥"),
    ("mega", "📣"),
    ("loudspeaker", "📢"),
    ("bell", "🔔"),
    ("no_bell", "🔕"),
    ("rotating_light", "🚨"),
    ("warning", "⚠️"),
    ("x", "❌"),
    ("question", "❓"),
    ("exclamation", "❗"),
    ("heavy_exclamation_mark", "❗"),
    ("+1", "👍"),
    ("thumbsup", "👍"),
    ("-1", "👎"),
    ("thumbsdown", "👎"),
    ("hand", "✋"),
    ("raised_hand", "✋"),
    ("raising_hand", "🙋"),
    ("wave", "👋"),
    ("pray", "🙏"),
    ("tada", "🎉"),
    ("rocket", "🚀"),
    ("bulb", "💡"),
    ("mag", "🔍"),
    ("wrench", "🔧"),
    ("hammer_and_wrench", "🛠️"),
    ("clock1", "🕐"),
    ("hourglass", "⌛"),
    ("hourglass_flowing_sand", "⏳"),
    ("red_circle", "🔴"),
    ("large_green_circle", "🟢"),
    ("large_orange_circle", "🟠"),
    ("large_blue_circle", "🔵"),
];

/// The emoji that a reaction's name stands for; `:name:` where it is not one of the known ones.
pub(super) fn emoji(name: &str) -> String {
    let name = name.split_once("::").map_or(name, |(name, _tone)| name);
    let known = EMOJIS.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| format!(":{name}:"), |(_, emoji)| (*emoji).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_taken_off_as_people_saw_it() {
        let cases = [
            ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
            ("<@U1|ann> and <@U2>", "<@U1|ann> and <@U2>"),
            ("<https://a.example/x?a=1&amp;b=2>", "https://a.example/x?a=1&b=2"),
            ("<http://a.example|a.example>", "a.example"),
            ("<https://evil.example|your bank>", "your bank (https://evil.example)"),
            ("<mailto:a@b.example|a@b.example>", "a@b.example"),
            ("<!here> <!subteam^S1|@ops>", "@here @ops"),
            ("<#C1|general> a < b <", "<#C1|general> a < b <"),
            ("& &", "& &"),
            ("ü<ü>ü", "ü<ü>ü"),
        ];
        for (raw, seen) in cases {
            assert_eq!(unmark(raw), seen, "{raw}");
        }
    }

    #[test]
    fn reactions_become_characters() {
        assert_eq!(emoji("pushpin"), "📌");
        assert_eq!(emoji("thumbsup::skin-tone-3"), "👍");
        assert_eq!(emoji("company-logo"), ":company-logo:");
    }
}
