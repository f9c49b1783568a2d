//! Prometheus Alertmanager's webhook, version 4.
//!
//! The body as `notify/webhook` sends it: a group with its alerts, each with its own
//! status. What holds: a body is taken whole or refused whole, with one sentence that says
//! what to mend and repeats nothing that could be a secret; fields that are not known are
//! ignored; labels and annotations arrive as [`Outside`], without secrets ([`redact`]); the
//! status of each alert counts, never that of the group.

mod strict;
#[cfg(test)]
mod tests;
mod typed;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use operations::alert::{Alert, Received, Told};
use operations::labels::Labels;
use operations::text::Outside;
use sha2::{Digest, Sha256};
use url::Url;

use self::strict::Json;
use crate::redact;

/// The only version of the format there is.
const VERSION: &str = "4";
/// The deepest nesting that is taken. Alertmanager's own bodies have 4 levels.
const DEEPEST: usize = 64;
/// The most alerts in one body.
const MOST_ALERTS: usize = 10_000;
/// The most labels, and the most annotations, of one alert.
const MOST_LABELS: usize = 200;
/// A body has at most one value for so many bytes, beside the first few: Alertmanager's own have one for fifteen and
/// more. Of a megabyte of nothing but brackets a reader would make thirty.
const BYTES_A_VALUE: usize = 6;
const FIRST_VALUES: usize = 4_000;
/// The longest name of a label, in characters; longer ones are cut.
const LONGEST_NAME: usize = 200;
/// The longest address that is kept, in bytes.
const LONGEST_URL: usize = 2_000;
/// The longest key that is kept as it is, in bytes.
const LONGEST_KEY: usize = 1_000;
/// How much of a key or number a sentence about the body repeats, in characters.
const SHOWN: usize = 80;
/// The longest text that a sentence about the body repeats, in characters: no secret is as short.
const SHOWN_TEXT: usize = 20;

/// Why a body was refused, in one sentence for whoever set up the sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// There is nothing in it.
    #[error("The body is empty. Send what Alertmanager's webhook_configs sends.")]
    Empty,
    /// It is no text.
    #[error("The body is not UTF-8 (byte {0} is wrong). Send JSON in UTF-8.")]
    NotUtf8(usize),
    /// It is nested too deeply.
    #[error("The body is nested deeper than {DEEPEST} levels. Send what Alertmanager's webhook_configs sends.")]
    TooDeep,
    /// There is too much in it for what it is.
    #[error("The body has more values than its size allows. Send what Alertmanager's webhook_configs sends.")]
    TooDense,
    /// It is no JSON.
    #[error(
        "The body is not valid JSON (line {line}, column {column}). Send what Alertmanager's webhook_configs sends."
    )]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A key stands twice in one object.
    #[error("The key {0:?} stands twice in one object, so it is unclear which value counts. Send it once.")]
    Twice(String),
    /// It is another version, or none.
    #[error("The version is {0}, and only \"4\" is understood. Send Alertmanager's own body, not a payload template.")]
    Version(String),
    /// A field is missing.
    #[error("The field {0} is missing. Send Alertmanager's own body, not a payload template.")]
    Missing(String),
    /// A field is not what it should be.
    #[error("The field {field} is {got}, but it must be {expected}.")]
    Wrong {
        /// Which one: `alerts[3].status`.
        field: String,
        /// What it is, cut.
        got: String,
        /// What it should be.
        expected: &'static str,
    },
    /// There are too many of something.
    #[error(
        "The field {field} has {got} entries, and at most {most} are taken. Send less at once (Alertmanager: max_alerts)."
    )]
    TooMany {
        /// Of what.
        field: String,
        /// How many there are.
        got: usize,
        /// How many may be.
        most: usize,
    },
}

/// Reads a body that was sent to the source `source`.
///
/// # Errors
/// See [`BadBody`]; nothing of such a body is to be used.
pub fn parse(source: &str, body: &[u8]) -> Result<Received, BadBody> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(BadBody::Empty);
    }
    let text = std::str::from_utf8(body).map_err(|error| BadBody::NotUtf8(error.valid_up_to()))?;
    if !depth_ok(body, DEEPEST) {
        return Err(BadBody::TooDeep);
    }
    if let Some(received) = typed::parse(source, text) {
        return Ok(received);
    }
    strictly(source, text)
}

/// Reads a body whose nesting was measured, and finds the words for what is wrong with it.
fn strictly(source: &str, text: &str) -> Result<Received, BadBody> {
    if !strict::density_ok(text.as_bytes(), FIRST_VALUES + text.len() / BYTES_A_VALUE) {
        return Err(BadBody::TooDense);
    }
    let value = strict::parse(text).map_err(|error| not_json(&error))?;
    let root = Fields { at: String::new(), entries: object("the body", &value)? };
    version(&root)?;

    let alerts = root.list("alerts")?;
    if alerts.len() > MOST_ALERTS {
        return Err(BadBody::TooMany { field: "alerts".to_owned(), got: alerts.len(), most: MOST_ALERTS });
    }
    let told: Result<Vec<Told>, BadBody> =
        alerts.iter().enumerate().map(|(number, alert)| one(number, alert)).collect();
    let external = root.text_or_none("externalURL")?;
    Ok(Received {
        source: source.into(),
        key: key(root.text("groupKey")?, root.text("receiver")?, external.unwrap_or_default()).into(),
        group_labels: root.texts("groupLabels")?,
        alerts: told?,
        truncated: truncated(&root)?,
        source_url: external.and_then(address),
    })
}

/// Whether nothing in `body` is nested deeper than `max`. To be asked before anything parses `body`.
#[must_use]
pub fn depth_ok(body: &[u8], max: usize) -> bool {
    strict::depth_ok(body, max)
}

fn version(root: &Fields<'_>) -> Result<(), BadBody> {
    match root.get("version") {
        Some(Json::Text(version)) if version == VERSION => Ok(()),
        Some(other) => Err(BadBody::Version(shown(other))),
        None => Err(BadBody::Version("missing".to_owned())),
    }
}

fn one(number: usize, value: &Json) -> Result<Told, BadBody> {
    let at = format!("alerts[{number}]");
    let alert = Fields { entries: object(&at, value)?, at };
    let firing = match alert.text("status")? {
        "firing" => true,
        "resolved" => false,
        _ => return Err(alert.wrong("status", "\"firing\" or \"resolved\"")),
    };
    let fingerprint = alert.text("fingerprint")?;
    if !(1..=64).contains(&fingerprint.len()) || !fingerprint.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(alert.wrong("fingerprint", "1 to 64 letters and digits"));
    }
    let starts_at = alert.moment("startsAt")?.ok_or_else(|| alert.wrong("startsAt", "a time after the year 1"))?;
    let ends_at = match alert.get("endsAt") {
        None | Some(Json::Null) => None,
        Some(_) => alert.moment("endsAt")?,
    };
    if alert.get("labels").is_none() {
        return Err(alert.missing("labels"));
    }
    Ok(Told {
        alert: Alert {
            fingerprint: fingerprint.into(),
            labels: alert.texts("labels")?,
            annotations: alert.texts("annotations")?,
            starts_at,
            // Until it is resolved, an end is a guess that moves with each sending and would look like news.
            ends_at: ends_at.filter(|_| !firing),
            source_url: alert.text_or_none("generatorURL")?.and_then(address),
        },
        firing,
    })
}

/// The key of the group: two receivers of one Alertmanager, or two Alertmanagers, never share one. In place of one
/// that is long or holds a secret stands its SHA-256.
fn key(group: &str, receiver: &str, external: &str) -> String {
    let key = [group, receiver, external].join("\u{1f}");
    if key.len() <= LONGEST_KEY && matches!(redact::text(&key), Cow::Borrowed(_)) {
        return key;
    }
    // One that holds a secret tells groups apart all the same.
    let digest: String = Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digest}")
}

fn truncated(root: &Fields<'_>) -> Result<u32, BadBody> {
    let wrong = || root.wrong("truncatedAlerts", "a number from 0");
    match root.get("truncatedAlerts") {
        None | Some(Json::Null) => Ok(0),
        Some(Json::Number(count)) => Ok(u32::try_from(count.as_u64().ok_or_else(wrong)?).unwrap_or(u32::MAX)),
        Some(_) => Err(wrong()),
    }
}

/// An address that may become a link: http or https, without a name or password in it.
fn address(text: &str) -> Option<Arc<str>> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= LONGEST_URL)?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    let clean = (plain && url.has_host()).then(|| redact::text(url.as_str()))?;
    // As it is kept: letters that are not ASCII get longer in it.
    (clean.len() <= LONGEST_URL).then(|| clean.into())
}

fn not_json(error: &serde_json::Error) -> BadBody {
    let words = error.to_string();
    if let Some(rest) = words.strip_prefix(strict::TWICE) {
        // serde_json adds where it was; the key is what people look for.
        let key = rest.rsplit_once(" at line ").map_or(rest, |(key, _)| key);
        return BadBody::Twice(Outside::new(key).short(SHOWN).as_str().to_owned());
    }
    BadBody::NotJson { line: error.line(), column: error.column() }
}

/// A value for a sentence about it: cleaned, one line, cut.
fn shown(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(value) => Outside::new(&value.to_string()).short(SHOWN).as_str().to_owned(),
        Json::Text(text) => {
            let text = redact::outside("", text);
            match text.as_str().chars().count() {
                ..=SHOWN_TEXT => format!("{:?}", text.short(SHOWN_TEXT).as_str()),
                length => format!("a text of {length} characters"),
            }
        }
        Json::List(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

fn object<'a>(what: &str, value: &'a Json) -> Result<&'a [(String, Json)], BadBody> {
    match value {
        Json::Object(entries) => Ok(entries),
        other => Err(BadBody::Wrong { field: what.to_owned(), got: shown(other), expected: "an object" }),
    }
}

/// An object, and what it is called in sentences.
struct Fields<'a> {
    at: String,
    entries: &'a [(String, Json)],
}

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> Option<&'a Json> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn name(&self, key: &str) -> String {
        if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) }
    }

    fn missing(&self, key: &str) -> BadBody {
        BadBody::Missing(self.name(key))
    }

    fn wrong(&self, key: &str, expected: &'static str) -> BadBody {
        let got = self.get(key).map_or_else(|| "missing".to_owned(), shown);
        BadBody::Wrong { field: self.name(key), got, expected }
    }

    fn text(&self, key: &str) -> Result<&'a str, BadBody> {
        let value = self.get(key).ok_or_else(|| self.missing(key))?;
        match value {
            Json::Text(text) => Ok(text),
            _ => Err(self.wrong(key, "text")),
        }
    }

    fn text_or_none(&self, key: &str) -> Result<Option<&'a str>, BadBody> {
        match self.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(_) => self.text(key).map(Some),
        }
    }

    fn list(&self, key: &str) -> Result<&'a [Json], BadBody> {
        let value = self.get(key).ok_or_else(|| self.missing(key))?;
        match value {
            Json::List(list) => Ok(list),
            _ => Err(self.wrong(key, "a list")),
        }
    }

    /// Texts by name; nothing where the field is missing or null.
    fn texts(&self, key: &str) -> Result<Labels, BadBody> {
        let map = match self.get(key) {
            None | Some(Json::Null) => return Ok(Labels::default()),
            Some(value) => object(&self.name(key), value)?,
        };
        if map.len() > MOST_LABELS {
            return Err(BadBody::TooMany { field: self.name(key), got: map.len(), most: MOST_LABELS });
        }
        let mut texts = Vec::with_capacity(map.len());
        for (name, value) in map {
            let Json::Text(text) = value else {
                return Err(self.wrong(key, "an object of texts"));
            };
            let name = Outside::new(name).short(LONGEST_NAME);
            // Names that differ only in what can't be seen would be one; the first is kept.
            texts.push((name.as_str().to_owned(), redact::outside(name.as_str(), text)));
        }
        Ok(texts.into_iter().collect())
    }

    /// A moment; nothing where it is Go's zero time, which means "not yet".
    fn moment(&self, key: &str) -> Result<Option<Timestamp>, BadBody> {
        const EXPECTED: &str = "a time as in RFC 3339, like 2026-03-02T14:00:00Z";
        let text = self.text(key)?;
        let moment = rfc3339(text).ok_or_else(|| self.wrong(key, EXPECTED))?;
        Ok((!text.starts_with("0001-01-01T00:00:00")).then_some(moment))
    }
}

/// jiff takes more than RFC 3339 does, so the shape is looked at first.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let mark = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let date = digits(0, 4) && mark(4, b'-') && digits(5, 7) && mark(7, b'-') && digits(8, 10);
    let clock = digits(11, 13) && mark(13, b':') && digits(14, 16) && mark(16, b':') && digits(17, 19);
    if !(date && mark(10, b'T') && clock && bytes.len() <= 40) {
        return None;
    }
    let fraction = match bytes.get(19) {
        Some(b'.') => 1 + bytes[20..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let zone = &bytes[19 + fraction..];
    let offset =
        matches!(zone, [b'+' | b'-', a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()));
    (fraction != 1 && (zone == b"Z" || offset)).then(|| text.parse().ok()).flatten()
}
