//! Secrets in text from outside, taken out before the text is kept.
//!
//! [`text`] looks for what is a secret by its form (`xoxb-…`, `ghp_…`, a JWT, a private key) or by
//! its place (`password=…`, `Authorization: …`, `://name:password@host`); [`named`] also by the name
//! of the label that it stands under. What holds: a hash, a UUID or an ordinary word is left alone
//! unless its place makes it a secret; text without a secret is not copied; what was redacted once
//! is not changed again; the time grows with the length and no faster, whatever the text. The rules
//! stand in `docs/security.md`.

mod names;
mod places;
mod shapes;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use operations::text::{LONGEST, Outside};

pub use self::names::is_secret;

/// What stands where a secret stood.
pub const MARK: &str = "[redacted]";

/// One that is shorter could be part of any word, so it is not looked for by itself.
const SHORTEST: usize = 8;

/// The text without secrets.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    let mut clean: Option<String> = None;
    let mut at = 0;
    let mut shapes = shapes::Shapes::default();
    while let Some(secret) = next(text.as_bytes(), at, &mut shapes) {
        let clean = clean.get_or_insert_with(|| String::with_capacity(text.len()));
        clean.push_str(&text[at..secret.start]);
        clean.push_str(MARK);
        at = secret.end;
    }
    match clean {
        Some(clean) => Cow::Owned(clean + &text[at..]),
        None => Cow::Borrowed(text),
    }
}

/// The text of a label, annotation or field called `name` without secrets.
#[must_use]
pub fn named<'t>(name: &str, value: &'t str) -> Cow<'t, str> {
    if is_secret(name) && !value.trim().is_empty() { Cow::Borrowed(MARK) } else { text(value) }
}

/// Cleans text that stands under `name` and takes secrets out of it.
#[must_use]
pub fn outside(name: &str, value: &str) -> Outside {
    // One that would be cut in two where the text is too long is found while it is whole.
    let whole = if value.len() > LONGEST { named(name, value) } else { Cow::Borrowed(value) };
    // What can't be seen is removed before the rest is looked at, so that it can't hide a form.
    let words = Outside::new(&whole);
    let clean = named(name, words.as_str());
    if clean == words.as_str() { words } else { Outside::new(&clean) }
}

/// Words about a failure, without these secrets and without whatever looks like one.
#[must_use]
pub fn words(words: &str, secrets: &[&str]) -> String {
    let mut clean = words.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST) {
        if clean.contains(secret) {
            clean = clean.replace(secret, MARK);
        }
    }
    match text(&clean) {
        Cow::Borrowed(_) => clean,
        Cow::Owned(cleaner) => cleaner,
    }
}

/// What a byte may be: most are passed over at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Byte {
    Other,
    /// A form may begin here.
    Shape,
    /// What stands behind may be a secret.
    Place,
}

const BYTES: [Byte; 256] = {
    let mut bytes = [Byte::Other; 256];
    let mut i = 0;
    while i < bytes.len() {
        if shapes::BEGINNINGS[i] != 0 {
            bytes[i] = Byte::Shape;
        }
        i += 1;
    }
    bytes[b'=' as usize] = Byte::Place;
    bytes[b':' as usize] = Byte::Place;
    bytes[b'%' as usize] = Byte::Place;
    bytes
};

/// The next secret at `from` or behind it.
fn next(bytes: &[u8], from: usize, shapes: &mut shapes::Shapes) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| BYTES[usize::from(*byte)] != Byte::Other)?;
        let found = match BYTES[usize::from(bytes[at])] {
            Byte::Shape if shapes::may_begin(bytes, at) => shapes.at(bytes, at),
            Byte::Place => places::at(bytes, at),
            Byte::Shape | Byte::Other => None,
        };
        match found.filter(|found| !found.is_empty() && bytes[found.clone()] != *MARK.as_bytes()) {
            Some(found) => return Some(found),
            None => at += 1,
        }
    }
}
