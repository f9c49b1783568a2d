//! Secrets by their place: behind a name, or in an address.
//!
//! Everything here is asked at one byte (`=`, `:` or `%`) and answers with what stands behind it.

use std::ops::Range;

use super::names::is_secret;

/// The longest name that is looked at, in bytes.
const LONGEST_NAME: usize = 64;
/// Parts of a query that carry a right, beside those with a telling name.
const SIGNATURES: &[&str] = &["sig", "signature", "x-amz-signature", "x-amz-credential", "x-goog-signature"];
/// Headers of which the whole line is a secret.
const HEADERS: &[&str] = &["authorization", "proxy-authorization", "cookie", "set-cookie"];
/// What stands behind `password: ` in a sentence is a secret only if it is no word: so long, and with a digit in it.
const SHORTEST_WORD: usize = 6;
const LOOKED_AT: usize = 64;

/// The secret that the byte at `at` announces. It may be empty, or redacted already.
pub(super) fn at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    match bytes[at..] {
        [b'=', ..] => assigned(bytes, at),
        [b'%', b'3', b'D' | b'd', ..] => encoded(bytes, at),
        [b':', b'/', b'/', ..] => in_address(bytes, at + 3),
        [b':', ..] => told(bytes, at),
        _ => None,
    }
}

/// `name=value`, `name = "value"`, `name=~"value"`.
fn assigned(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let (name, start) = name_before(bytes, at)?;
    let in_query = start > 0 && matches!(bytes[start - 1], b'?' | b'&');
    if !(is_secret(name) || in_query && is_any(SIGNATURES, name)) {
        return None;
    }
    match bytes.get(at + 1) {
        // This compares.
        Some(b'=') => None,
        Some(b'~') => Some(value(bytes, at + 2)),
        _ => Some(value(bytes, at + 1)),
    }
}

/// The same as it stands in a query: `%7Bpassword%3D%22…%22%7D`.
fn encoded(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let (name, start) = name_before(bytes, at)?;
    // The letters and digits of the sign before the name look like a part of it.
    let name = if start > 0 && bytes[start - 1] == b'%' { name.get(2..)? } else { name };
    is_secret(name).then_some(())?;
    let is_quoted = matches!(bytes[at + 3..], [b'%', b'2', b'2' | b'7', ..]);
    let start = at + 3 + if is_quoted { 3 } else { 0 };
    let ends = |rest: &[u8]| match rest {
        [b'%', b'2', b'2' | b'6' | b'7', ..] | [b'%', b'7', b'D' | b'd', ..] => true,
        [first, ..] => matches!(first, b'&' | b'#' | b'"') || first.is_ascii_whitespace(),
        [] => true,
    };
    (start..=bytes.len()).find(|end| ends(&bytes[*end..])).map(|end| start..end)
}

/// `"name": "value"`, `Header: value`, `name: value`.
fn told(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let name_end = match bytes[..at] {
        [.., b'\\', b'"'] => at - 2,
        [.., b'"' | b'\''] => at - 1,
        _ => at,
    };
    let is_json = name_end < at;
    let (name, _) = name_before(bytes, name_end)?;
    if !is_json && is_any(HEADERS, name) {
        let start = behind_blanks(bytes, at + 1);
        let ends = |byte: &u8| matches!(byte, b'\n' | b'"' | b'\'');
        return Some(start..end_of(bytes, start, ends));
    }
    is_secret(name).then_some(())?;
    let start = behind_blanks(bytes, at + 1);
    let is_quoted = matches!(bytes[start..], [b'"' | b'\'', ..] | [b'\\', b'"', ..]);
    let word = &bytes[start..bytes.len().min(start + LOOKED_AT)];
    let word = &word[..end_of(word, 0, ends_value)];
    let is_word = word.len() < SHORTEST_WORD || !word.iter().any(u8::is_ascii_digit);
    if is_json || is_quoted || !is_word { Some(value(bytes, start)) } else { None }
}

/// The password of `://name:password@host`, or the name that stands there alone in an address of the web.
fn in_address(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'`')
    };
    let end = end_of(bytes, start, ends);
    let host = start + bytes[start..end].iter().rposition(|byte| *byte == b'@')?;
    let is_web = bytes[..start].ends_with(b"http://") || bytes[..start].ends_with(b"https://");
    match bytes[start..host].iter().position(|byte| *byte == b':') {
        Some(colon) => Some(start + colon + 1..host),
        None => is_web.then_some(start..host),
    }
}

fn is_any(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The name before `end`, with up to two blanks between, and where it begins.
fn name_before(bytes: &[u8], end: usize) -> Option<(&str, usize)> {
    let before = &bytes[..end];
    let before = before.strip_suffix(b"  ").or(before.strip_suffix(b" ")).unwrap_or(before);
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = before.iter().rev().take(LONGEST_NAME).take_while(is_part).count();
    let start = before.len() - length;
    let name = std::str::from_utf8(&before[start..]).ok()?;
    (length >= 3).then_some((name, start))
}

fn behind_blanks(bytes: &[u8], start: usize) -> usize {
    start + bytes[start..].iter().take(2).take_while(|byte| **byte == b' ').count()
}

fn end_of(bytes: &[u8], start: usize, ends: impl Fn(&u8) -> bool) -> usize {
    bytes[start..].iter().position(ends).map_or(bytes.len(), |length| start + length)
}

fn ends_value(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || b"&,;\"'`<>()[]{}|#\\".contains(byte)
}

/// The value behind `start` and its blanks: in quotes, or up to where one ends.
fn value(bytes: &[u8], start: usize) -> Range<usize> {
    let start = behind_blanks(bytes, start);
    match bytes[start..] {
        // JSON in JSON.
        [b'\\', b'"', ..] => start + 2..end_of(bytes, start + 2, |byte| matches!(byte, b'\\' | b'"')),
        [quote @ (b'"' | b'\''), ..] => start + 1..end_of(bytes, start + 1, |byte| *byte == quote),
        // What was redacted is the one value that holds brackets.
        _ if bytes[start..].starts_with(super::MARK.as_bytes()) => start..start,
        _ => start..end_of(bytes, start, ends_value),
    }
}
