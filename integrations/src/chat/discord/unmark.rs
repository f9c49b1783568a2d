//! Discord's tokens in incoming text, as people saw them.
//!
//! What holds: nothing here fails; an unknown or broken token stays as it is.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Replaces `<@id>` by `@name`, `<:name:id>` by `:name:` and `<t:…>` by the time. Backslashes stay: they are part of
/// what was typed.
pub(super) fn unmark(raw: &str, names: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let token = rest.find('>').and_then(|end| Some((end, shown(&rest[1..end], names)?)));
        match token {
            Some((end, shown)) => {
                out.push_str(&shown);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('<');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn shown(token: &str, names: &BTreeMap<String, String>) -> Option<String> {
    if let Some(id) = token.strip_prefix("@!").or_else(|| token.strip_prefix('@')) {
        return names.get(id).map(|name| format!("@{name}"));
    }
    if let Some(time) = token.strip_prefix("t:") {
        let seconds = time.split(':').next()?.parse().ok()?;
        return Timestamp::from_second(seconds).ok().map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    }
    let emoji = token.strip_prefix("a:").or_else(|| token.strip_prefix(':'))?;
    let (name, id) = emoji.split_once(':')?;
    (super::words::is_snowflake(id) && !name.is_empty()).then(|| format!(":{name}:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_shown_as_people_saw_them() {
        let names = BTreeMap::from([("7".to_owned(), "Ann".to_owned())]);
        let cases = [
            ("<@7> and <@!7> and <@8>", "@Ann and @Ann and <@8>"),
            ("<:ok:123> <a:party:9>", ":ok: :party:"),
            ("at <t:0:R>", "at 1970-01-01 00:00 UTC"),
            ("a < b, <b> and <", "a < b, <b> and <"),
            ("<https://x.example>", "<https://x.example>"),
            ("<@<@7>", "<@@Ann"),
        ];
        for (raw, shown) in cases {
            assert_eq!(unmark(raw, &names), shown, "{raw}");
        }
    }
}
