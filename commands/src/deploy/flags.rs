//! Flags and the reason in a line: `--dry-run`, `--break-glass`, `--reason fix the rounding`.
//!
//! Phones and Macs write `—` where two hyphens were typed; at the beginning of a word it is read as them. What
//! holds: a word that begins like a flag and is none that is known is a mistake, and never part of something else.

use operations::text::Outside;

use crate::line::Words;
use crate::mistake::Mistake;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) dry_run: bool,
    pub(super) break_glass: bool,
    pub(super) reason: Outside,
}

/// What buttons put before a reason that somebody typed: everything behind it, to the end, is that reason.
pub(super) const BECAUSE: &str = " --because ";

const QUOTES: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];

/// Options that are read elsewhere, and take a value.
const VALUES: [&str; 13] = [
    "service",
    "env",
    "environment",
    "to",
    "from",
    "ref",
    "reference",
    "branch",
    "tag",
    "for",
    "until",
    "scope",
    "release",
];

/// Takes flags and the reason out of a line.
///
/// # Errors
/// There is no such flag.
pub(super) fn read(words: &mut Words, known: &[&str], command: &str) -> Result<Flags, Mistake> {
    let mut flags = Flags::default();
    let is_set =
        |value: Option<String>| value.is_some_and(|value| !matches!(value.to_lowercase().as_str(), "no" | "false"));
    flags.dry_run = is_set(words.option("dry-run"));
    flags.break_glass = is_set(words.option("break-glass"));
    let filled = words.option("reason");
    let mut rest: Vec<String> = Vec::new();
    // Nothing in a reason that Muster itself puts behind this is anything else.
    let (typed, verbatim) = match words.text().split_once(BECAUSE) {
        Some((typed, reason)) => (typed, Some(reason)),
        None => (words.text(), None),
    };
    let text = dashes(typed);
    let mut left = text.as_str();
    let mut said = verbatim.map(str::to_owned).or(filled).unwrap_or_default();
    while let Some(start) = left.find(|c: char| !c.is_whitespace()) {
        left = &left[start..];
        let end = left.find(char::is_whitespace).unwrap_or(left.len());
        let word = &left[..end];
        let lower = word.to_lowercase();
        if lower == "--dry-run" || lower == "--dryrun" || lower == "--noop" {
            flags.dry_run = true;
        } else if lower == "--break-glass" || lower == "--breakglass" {
            flags.break_glass = true;
        } else if let Some(value) = named(&lower, "dry-run") {
            flags.dry_run = is_set(Some(value));
        } else if let Some(value) = named(&lower, "break-glass") {
            flags.break_glass = is_set(Some(value));
        } else if let Some((value, length)) = reason(left, &lower) {
            said = value;
            left = &left[length..];
            continue;
        } else if let Some(name) = flag(&lower)
            && !VALUES.contains(&name.split(['=', ':']).next().unwrap_or_default())
        {
            let all: Vec<&str> = known.iter().copied().chain(["reason"]).collect();
            let mut mistake = Mistake::odd(word, "is no flag that I know.", format!("/{command} … --reason why"));
            if let Some(near) = crate::mistake::nearest(name, &all) {
                mistake.what = mistake.what.plain(" Did you mean ").code(format!("--{near}")).plain("?");
                let value = if near == "reason" { " why" } else { "" };
                mistake.instead = format!("/{command} … --{near}{value}");
            }
            return Err(mistake);
        } else {
            rest.push(word.to_owned());
        }
        left = &left[end..];
    }
    flags.reason = Outside::new(said.trim());
    *words = words.clone().again(&rest.join(" "));
    Ok(flags)
}

/// The name of what looks like a flag: behind two hyphens, or behind one where it is a flag's own name.
fn flag(word: &str) -> Option<&str> {
    let is_one =
        |name: &&str| ["dry-run", "break-glass", "reason"].contains(&name.split(['=', ':']).next().unwrap_or(name));
    word.strip_prefix("--").or_else(|| word.strip_prefix('-').filter(is_one))
}

/// The value of `name:yes` or `name="yes"`.
fn named(word: &str, name: &str) -> Option<String> {
    let value = word.trim_start_matches("--").strip_prefix(name)?.strip_prefix([':', '='])?;
    Some(value.trim_matches(QUOTES).to_owned()).filter(|value| !value.is_empty())
}

/// The reason at the beginning of `left`, and how long that is: in quotes, or up to the next flag.
fn reason(left: &str, lower: &str) -> Option<(String, usize)> {
    let names = ["--reason", "reason:", "reason="];
    let name = names.into_iter().find(|name| lower.starts_with(name))?;
    let mut at = name.len();
    if name == "--reason" {
        let behind = &lower[name.len()..];
        match behind.chars().next() {
            None => {}
            Some('=' | ':') => at += 1,
            Some(_) => return None,
        }
    }
    let body = left[at..].trim_start();
    let skipped = left.len() - body.len();
    if let Some(quoted) = body.strip_prefix(QUOTES)
        && let Some(end) = quoted.find(QUOTES)
    {
        let opening = body.len() - quoted.len();
        let closing = quoted[end..].chars().next().map_or(0, char::len_utf8);
        return Some((quoted[..end].to_owned(), skipped + opening + end + closing));
    }
    let end = body.match_indices(" --").map(|(at, _)| at).next().unwrap_or(body.len());
    Some((body[..end].trim().to_owned(), skipped + end))
}

/// Dashes that were two hyphens when they were typed.
fn dashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_dash = matches!(c, '\u{2014}' | '\u{2013}') && before.is_whitespace();
        if is_dash && chars.peek().is_some_and(char::is_ascii_alphabetic) {
            out.push_str("--");
        } else {
            out.push(c);
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(Flags, String), String> {
        let mut words = Words::typed(text);
        let flags = read(&mut words, &["dry-run", "break-glass"], "deploy").map_err(|mistake| mistake.to_string())?;
        Ok((flags, words.text().to_owned()))
    }

    #[test]
    fn flags_and_reasons_are_found_wherever_they_stand() {
        let flags = |dry_run, break_glass, reason: &str| Flags { dry_run, break_glass, reason: reason.into() };
        for (text, expected, rest) in [
            ("checkout to staging", flags(false, false, ""), "checkout to staging"),
            ("checkout --dry-run to staging", flags(true, false, ""), "checkout to staging"),
            ("checkout \u{2014}dry-run", flags(true, false, ""), "checkout"),
            (
                "checkout \u{2014}reason \u{201c}fix it\u{201d} to prod",
                flags(false, false, "fix it"),
                "checkout to prod",
            ),
            ("checkout --reason fix the rounding --dry-run", flags(true, false, "fix the rounding"), "checkout"),
            ("checkout --break-glass --reason=\"we bleed\" a=b", flags(false, true, "we bleed"), "checkout a=b"),
            ("checkout reason:fix it now", flags(false, false, "fix it now"), "checkout"),
            ("checkout the-reason", flags(false, false, ""), "checkout the-reason"),
            ("a\u{2014}b", flags(false, false, ""), "a\u{2014}b"),
        ] {
            assert_eq!(of(text), Ok((expected, rest.to_owned())), "{text}");
        }
    }

    #[test]
    fn nothing_in_a_reason_that_a_button_carries_is_a_flag() {
        let (flags, rest) =
            of("checkout to staging --because \u{201c}never\" --break-glass --dry-run \u{2014}x").expect("it is read");
        assert_eq!(flags.reason.as_str(), "\u{201c}never\" --break-glass --dry-run \u{2014}x");
        assert!(!flags.break_glass && !flags.dry_run);
        assert_eq!(rest, "checkout to staging");
    }

    #[test]
    fn what_is_no_flag_is_told() {
        let told = of("checkout --dry-rum").expect_err("a mistake");
        assert!(told.contains("Did you mean --dry-run"), "{told}");
        assert!(of("checkout --upload-pack=x").is_err());
    }
}
