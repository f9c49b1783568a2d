//! HTML as a strict reader sees it: tags that are known, in the right order, and words.
//!
//! What holds for what [`read`] takes: nothing in it can run, and no address in it leads to
//! anything but the web, or a place on the same host.

use url::Url;

/// The tags that pages are made of. Those of the second list stand alone.
const TAGS: [&str; 25] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "em",
    "strong",
    "del",
    "code",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "a",
    "sup",
    "div",
];
const ALONE: [&str; 4] = ["br", "hr", "img", "input"];

/// A tag that opens: its name, and its attributes as they are meant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

/// The tags in order.
///
/// # Errors
/// Where it is more than tags that are known and words.
pub(super) fn read(html: &str) -> Result<Vec<Tag>, String> {
    let mut tags = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    loop {
        let (words, tag) = rest.split_once('<').map_or((rest, None), |(words, tag)| (words, Some(tag)));
        meant(words)?;
        if words.contains('>') {
            return Err(format!("a bracket in {words:?}"));
        }
        let Some(tag) = tag else { break };
        let near = || tag.chars().take(60).collect::<String>();
        let (inner, after) = whole(tag).ok_or_else(|| format!("<{} has no end", near()))?;
        rest = after;
        if let Some(name) = inner.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> ends what it did not begin"));
            }
            continue;
        }
        let name = inner.split([' ', '/']).next().unwrap_or_default();
        if !ALONE.contains(&name) {
            if !TAGS.contains(&name) {
                return Err(format!("<{} is no tag of a page", near()));
            }
            open.push(name);
        }
        let attributes = attributes(inner[name.len()..].trim_end_matches('/').trim())?;
        attributes.iter().try_for_each(|(key, value)| allowed(name, key, value))?;
        tags.push(Tag { name: name.to_owned(), attributes });
    }
    if open.is_empty() { Ok(tags) } else { Err(format!("{open:?} have no end")) }
}

/// What stands in a tag, up to the bracket that is not within quotes, and what comes after.
fn whole(tag: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let (end, _) = tag.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '>' && !quoted
    })?;
    Some((&tag[..end], &tag[end + 1..]))
}

/// `key="value"` after one another.
fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut attributes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, value) = rest.split_once("=\"").ok_or_else(|| format!("{rest:?} is no attribute"))?;
        let (value, after) = value.split_once('"').ok_or_else(|| format!("{rest:?} is not closed"))?;
        if !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') || value.contains('<') {
            return Err(format!("{key:?} with {value:?} is no attribute"));
        }
        attributes.push((key.to_owned(), meant(value)?));
        rest = after.trim_start();
    }
    Ok(attributes)
}

fn allowed(tag: &str, key: &str, value: &str) -> Result<(), String> {
    let fits = match (tag, key) {
        ("a", "href") | ("img", "src") => leads_somewhere_safe(value),
        ("a" | "img", "title") | ("img", "alt") => true,
        ("code", "class") => value.starts_with("language-"),
        ("th" | "td", "style") => ["left", "center", "right"].iter().any(|side| value == format!("text-align: {side}")),
        ("ol", "start") => value.bytes().all(|byte| byte.is_ascii_digit()),
        ("input", "type") => value == "checkbox",
        ("input", "checked" | "disabled") => value.is_empty(),
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("{key}={value:?} in <{tag}>")) }
}

/// Whether a browser that is on a page of the wiki stays there, or goes to the web by an address that says so.
fn leads_somewhere_safe(address: &str) -> bool {
    let page = Url::parse("https://muster.example/wiki/a/b.md").expect("an address");
    // An address that is none leads nowhere.
    let Ok(to) = page.join(address) else { return true };
    let lower = address.to_ascii_lowercase();
    let says_so = lower.starts_with("http://") || lower.starts_with("https://");
    matches!(to.scheme(), "http" | "https") && (says_so || to.host_str() == page.host_str())
}

/// Text as it is meant, where each ampersand begins an entity.
fn meant(text: &str) -> Result<String, String> {
    let mut parts = text.split('&');
    let mut meant = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let entity = [("amp;", '&'), ("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("#39;", '\''), ("#x27;", '\'')];
        let known = entity.into_iter().find_map(|(entity, c)| part.strip_prefix(entity).map(|rest| (c, rest)));
        let (c, rest) = known.ok_or_else(|| format!("an ampersand in {text:?}"))?;
        meant.push(c);
        meant.push_str(rest);
    }
    Ok(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_or_leads_astray_is_seen() {
        let page = "<p>a &lt;b&gt; <a href=\"https://x/?a&amp;b\" title=\">\">c</a><br /></p>";
        let tags = read(page).expect("a page");
        assert_eq!(tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["p", "a", "br"]);
        assert_eq!(tags[1].attributes[0].1, "https://x/?a&b");
        for harmful in [
            "<script>",
            "<p>",
            "</p>",
            "<p></em></p>",
            "<img src=\"x\" onerror=\"y\">",
            "<a href=\"javascript:x\">a</a>",
            "<a href=\"//evil.example\">a</a>",
            "<a href=\"/\\evil.example\">a</a>",
            "<a href=\"java\tscript:x\">a</a>",
            "a & b",
            "a > b",
            "<a href=x>a</a>",
            "<!-- x -->",
            "<p",
            "<a href=\"data:x\">a</a>",
        ] {
            assert!(read(harmful).is_err(), "{harmful}");
        }
    }
}
