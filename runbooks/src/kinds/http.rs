//! A request as it stands in a fence: a line with method and address, headers, an empty line, a body.
//!
//! What holds: where a request goes is fixed by the page; values are put into paths, parameters, headers and bodies alone.

use operations::runbook::page::{Request, Template};

use super::within;
use crate::places::{Findings, Place, near};
use crate::template::Slot;
use crate::uses::Uses;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// What the client itself says of a request (RFC 9112).
const OWN_HEADERS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "upgrade"];

pub(super) fn read(body: &str, at: Place, uses: &mut Uses, found: &mut Findings<'_>) -> Option<Request> {
    let mut rest = body;
    let mut begins = 0;
    let mut next = || {
        if rest.is_empty() {
            return None;
        }
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let line = (&rest[..length], within(at, body, begins));
        (rest, begins) = (&rest[length..], begins + length);
        Some(line)
    };
    let Some((first, first_at)) = next().filter(|(line, _)| !line.trim().is_empty()) else {
        found.tell(at, "there is no request", Some("GET https://…".to_owned()));
        return None;
    };
    let (method, url) = first.trim_end().split_once(' ').unwrap_or((first.trim_end(), ""));
    if !METHODS.contains(&method) {
        let hint =
            near(&method.to_uppercase(), METHODS).unwrap_or_else(|| format!("it is one of {}", METHODS.join(", ")));
        found.tell(first_at, format!("{} is no method", method.escape_debug()), Some(hint));
    }
    let url = url.trim();
    let url_at = Place { column: first_at.column + method.chars().count() + 1, ..first_at };
    address(url, url_at, found);
    uses.sent(url_at, url);
    let mut headers: Vec<(String, Template)> = Vec::new();
    let mut content = None;
    while let Some((line, line_at)) = next() {
        let line = line.trim_end();
        if line.is_empty() {
            content = Some(());
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            found.tell(line_at, "a header is `Name: value`; an empty line stands before the body", None);
            continue;
        };
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            found.tell(line_at, format!("{} is no name of a header", name.escape_debug()), None);
        } else if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            found.tell(line_at, format!("{name} is what the client itself says"), None);
        }
        let value_at = Place { column: line_at.column + name.chars().count() + 1, ..line_at };
        uses.sent(value_at, value.trim());
        headers.push((name.to_owned(), Template(value.trim().to_owned())));
    }
    let content = content.and_then(|()| {
        let body_at = within(at, body, begins);
        let text = rest.trim_end();
        if text.is_empty() {
            return None;
        }
        let slot = kind_of_body(&headers, text);
        if slot == Slot::Json && !is_json(text) {
            let hint = "a value brings its own quotes: {\"cluster\": {{ inputs.cluster }}}".to_owned();
            found.tell(body_at, "with its values put in, this is no JSON", Some(hint));
        }
        uses.sent(body_at, text);
        Some(Template(text.to_owned()))
    });
    Some(Request { method: method.to_owned(), url: Template(url.to_owned()), headers, body: content })
}

/// What values in a body are put in as.
pub(crate) fn kind_of_body(headers: &[(String, Template)], body: &str) -> Slot {
    let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match kind.map(|(_, kind)| kind.0.to_ascii_lowercase()) {
        Some(kind) if kind.contains("json") => Slot::Json,
        Some(kind) if kind.contains("x-www-form-urlencoded") => Slot::Address,
        Some(_) => Slot::Text,
        None if body.starts_with(['{', '[']) => Slot::Json,
        None => Slot::Text,
    }
}

/// The scheme and the host are the page's own, or an input could say where secrets are sent.
fn address(url: &str, at: Place, found: &mut Findings<'_>) {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        found.tell(at, "an address begins with https:// or http://", None);
        return;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains("{{") {
        let hint = "values stand in the path or behind the ?".to_owned();
        found.tell(at, "which host is asked is fixed by the page, or an input could send secrets anywhere", Some(hint));
    } else if url::Url::parse(&filled(url, "x")).is_err() {
        found.tell(at, "this is no address", None);
    } else if host.contains('@') {
        found.tell(at, "credentials stand in a header, and not in the address", None);
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(&filled(text, "\"x\"")).is_ok()
}

/// The text with something in the place of each `{{ … }}`.
fn filled(text: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        out.push_str(before);
        out.push_str(with);
        rest = behind.split_once("}}").map_or("", |(_, rest)| rest);
    }
    out + rest
}
