//! The quick way through a body: into its types, without a tree between.
//!
//! What it takes, the strict way would read as the same; of anything that is not quite plain
//! it says nothing, and the strict way is asked, which has the words for what is wrong. Of
//! fields that nothing is decided by it asks less: their names may stand twice, and their
//! numbers and strings need only look like some.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use operations::alert::{Alert, Received, Told};
use operations::labels::Labels;
use operations::text::Outside;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{LONGEST_NAME, MOST_ALERTS, MOST_LABELS, VERSION, address, key, rfc3339};
use crate::redact;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow, rename = "groupKey")]
    group_key: Cow<'a, str>,
    #[serde(borrow)]
    receiver: Cow<'a, str>,
    #[serde(default, rename = "truncatedAlerts")]
    truncated: Option<u64>,
    #[serde(default, rename = "groupLabels")]
    group_labels: Option<Texts>,
    #[serde(borrow, default, rename = "externalURL")]
    external: Option<Cow<'a, str>>,
    #[serde(borrow)]
    alerts: Vec<One<'a>>,
    // Not used, and named so that they are refused where they stand twice.
    #[serde(default, rename = "status")]
    _status: Option<IgnoredAny>,
    #[serde(default, rename = "commonLabels")]
    _common_labels: Option<IgnoredAny>,
    #[serde(default, rename = "commonAnnotations")]
    _common_annotations: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    labels: Texts,
    #[serde(default)]
    annotations: Option<Texts>,
    #[serde(borrow, rename = "startsAt")]
    starts_at: Cow<'a, str>,
    #[serde(borrow, default, rename = "endsAt")]
    ends_at: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "generatorURL")]
    source_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    fingerprint: Cow<'a, str>,
}

/// Reads a body whose nesting was measured. Nothing where it is not quite plain.
pub(super) fn parse(source: &str, text: &str) -> Option<Received> {
    let body: Body<'_> = serde_json::from_str(text).ok()?;
    if body.version != VERSION || body.alerts.len() > MOST_ALERTS {
        return None;
    }
    let mut alerts = Vec::with_capacity(body.alerts.len());
    for one in body.alerts {
        alerts.push(told(one)?);
    }
    let external = body.external.as_deref();
    Some(Received {
        source: source.into(),
        key: key(&body.group_key, &body.receiver, external.unwrap_or_default()).into(),
        group_labels: body.group_labels.map_or_else(Labels::default, |texts| texts.0),
        alerts,
        truncated: u32::try_from(body.truncated.unwrap_or_default()).unwrap_or(u32::MAX),
        source_url: external.and_then(address),
    })
}

fn told(one: One<'_>) -> Option<Told> {
    let firing = match &*one.status {
        "firing" => true,
        "resolved" => false,
        _ => return None,
    };
    let fingerprint = &*one.fingerprint;
    if !(1..=64).contains(&fingerprint.len()) || !fingerprint.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let starts_at = moment(&one.starts_at)??;
    let ends_at = match &one.ends_at {
        Some(text) => moment(text)?,
        None => None,
    };
    Some(Told {
        alert: Alert {
            fingerprint: fingerprint.into(),
            labels: one.labels.0,
            annotations: one.annotations.map_or_else(Labels::default, |texts| texts.0),
            starts_at,
            ends_at: ends_at.filter(|_| !firing),
            source_url: one.source_url.as_deref().and_then(address),
        },
        firing,
    })
}

/// A moment; inside, nothing where it is Go's zero time. Nothing at all where it is no moment.
fn moment(text: &str) -> Option<Option<Timestamp>> {
    let moment = rfc3339(text)?;
    Some((!text.starts_with("0001-01-01T00:00:00")).then_some(moment))
}

/// Texts whose names are plain and stand once.
struct Texts(Labels);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Texts, A::Error> {
                let mut pairs: Vec<(Arc<str>, Outside)> = Vec::with_capacity(12);
                while let Some((Name(name), Text(text))) = entries.next_entry::<Name<'de>, Text<'de>>()? {
                    if pairs.len() == MOST_LABELS {
                        return Err(A::Error::custom("too many"));
                    }
                    let text = redact::outside(&name, &text);
                    pairs.push((name.into(), text));
                }
                let count = pairs.len();
                let labels: Labels = pairs.into_iter().collect();
                if labels.len() == count { Ok(Texts(labels)) } else { Err(A::Error::custom("twice")) }
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A text, copied only where it holds escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A name in which nothing is to be cleaned.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name<'de>, D::Error> {
        let Text(name) = Text::deserialize(deserializer)?;
        let plain = !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(|byte| byte.is_ascii_graphic());
        if plain { Ok(Name(name)) } else { Err(D::Error::custom("not plain")) }
    }
}
