//! Moments in AWS's answers: seconds since 1970 as a number in its JSON protocols, which local AWSs write as text.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Seconds(f64),
    Text(String),
}

/// Seconds since 1970; none where there is nothing, or nothing that is a moment.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(match Option::<Moment>::deserialize(deserializer)? {
        Some(Moment::Seconds(seconds)) => Some(seconds),
        Some(Moment::Text(text)) => text.parse().ok().map(|at: Timestamp| at.as_duration().as_secs_f64()),
        None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_both_forms() {
        #[derive(Deserialize)]
        struct Held {
            #[serde(default, deserialize_with = "seconds")]
            at: Option<f64>,
        }
        let cases = [
            (r#"{"at":1790000000.25}"#, Some(1_790_000_000.25)),
            (r#"{"at":"2026-09-21T14:13:20.250Z"}"#, Some(1_790_000_000.25)),
            (r#"{"at":"soon"}"#, None),
            (r#"{"at":null}"#, None),
            ("{}", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(serde_json::from_str::<Held>(text).expect("read").at, wanted, "{text}");
        }
    }
}
