//! Change events of PagerDuty: what stands under "Recent Changes" of a service and beside its incidents.
//!
//! What holds: an event is sent once, because PagerDuty can't tell a second one from the first (only alerts have a
//! `dedup_key`); the deploy's id stands in each, so that people can; the routing key is in no error.
//! Sources: developer.pagerduty.com, "Send a Change Event" and "Events API v2 Overview".

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use operations::text::cut;
use serde::{Deserialize, Serialize};

use super::{Called, Change, Failure, Refused, headline, line, link};
use crate::clock::SharedClock;
use crate::http::api::{Api, Auth, Reply};
use crate::redact;
use crate::secret::Secret;

/// Where accounts outside of Europe send events. Those in PagerDuty's EU service region have
/// `https://events.eu.pagerduty.com`.
pub const ADDRESS: &str = "https://events.pagerduty.com";

/// The longest summary, in characters ("Send a Change Event").
const SUMMARY: usize = 1024;

/// An integration key has so many characters ("Send a Change Event").
const KEY: usize = 32;

/// So long a limit is waited for at least: "a backoff of a few minutes" is asked for, and nobody waits for this.
const BACKOFF: Duration = Duration::from_secs(60);

/// How PagerDuty is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The address of the Events API; [`ADDRESS`] where nothing else is said.
    pub address: String,
    /// The integration key of an Events API v2 integration on a service. Whoever has it can also raise alerts there.
    /// A key of an event ruleset (it begins with `R`) takes no change events.
    pub routing_key: Secret,
}

/// A service at PagerDuty that is told of changes.
#[derive(Clone)]
pub struct PagerDuty {
    api: Api,
    routing_key: Secret,
}

#[derive(Serialize)]
struct Event<'a> {
    routing_key: &'a str,
    payload: Payload,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Payload {
    summary: String,
    timestamp: String,
    source: String,
    custom_details: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Link {
    href: String,
    text: &'static str,
}

#[derive(Deserialize)]
struct Accepted {
    status: String,
}

#[derive(Deserialize)]
struct Wrong {
    #[serde(default)]
    errors: Vec<String>,
}

impl PagerDuty {
    /// One that is told through this connection.
    ///
    /// # Errors
    /// The address or the key can't be right. The words are for the operator.
    pub fn new(connection: Connection, http: reqwest::Client, clock: SharedClock) -> Result<PagerDuty, String> {
        let Connection { address, routing_key } = connection;
        let key = routing_key.expose();
        if key.len() != KEY || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!(
                "`routing_key` of PagerDuty must be an integration key: the {KEY} letters and digits that stand at an \
                 Events API v2 integration of a service"
            ));
        }
        Ok(PagerDuty { api: Api::new("PagerDuty", &address, Auth::None, http, clock)?, routing_key })
    }

    /// Tells it; see [`super::Told::tell`].
    pub(super) async fn tell(&self, change: &Change) -> Called<()> {
        let call = self.api.post(&["v2", "change", "enqueue"]).secret(self.routing_key.clone());
        let reply = call.json(&self.event(change)).exchange().await.map_err(patiently)?;
        match reply.status {
            202 => match reply.json::<Accepted>()?.status.as_str() {
                "success" => Ok(()),
                _ => Err(Failure::Unknown { why: "PagerDuty took it, but did not say \"success\"".into() }),
            },
            // Somebody else answered, or the API changed: it may have been taken.
            200..=299 => Err(Failure::Unknown { why: format!("PagerDuty answered {} and not 202", reply.status) }),
            400 => Err(self.wrong(&reply)),
            _ => Err(reply.failure()),
        }
    }

    fn event(&self, change: &Change) -> Event<'_> {
        let details = BTreeMap::from([
            ("id", change.id.clone()),
            ("service", line(&change.service)),
            ("environment", line(&change.environment)),
            ("version", line(&change.version)),
            ("commit", line(&change.commit)),
            ("by", line(&change.by)),
            ("kind", change.kind.name().to_owned()),
            ("outcome", change.outcome.name().to_owned()),
            ("began", moment(change.began)),
            ("ended", moment(change.ended)),
        ]);
        Event {
            routing_key: self.routing_key.expose(),
            payload: Payload {
                summary: cut(&headline(change), SUMMARY),
                timestamp: moment(change.ended),
                source: format!("{}/{}", line(&change.service), line(&change.environment)),
                custom_details: details,
            },
            links: link(change).map(|url| Link { href: url.into(), text: "The deploy" }).into_iter().collect(),
        }
    }

    /// A 400 says in a list what is wrong. A key that is wrong comes as one, too: there is no 401.
    fn wrong(&self, reply: &Reply) -> Failure {
        let said = serde_json::from_slice::<Wrong>(&reply.body).map(|wrong| wrong.errors).unwrap_or_default();
        if said.is_empty() {
            return reply.failure();
        }
        let is_key = said.iter().any(|words| words.to_lowercase().replace('_', " ").contains("routing key"));
        let said = redact::words(&said.join("; "), &[self.routing_key.expose()]);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let kind = if is_key { Refused::Token } else { Refused::Malformed };
        Failure::refused(kind, format!("PagerDuty answered 400: {}", cut(&said, 200)))
    }
}

/// ISO 8601 with milliseconds at most, as in PagerDuty's examples.
fn moment(at: Timestamp) -> String {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at).to_string()
}

fn patiently(failure: Failure) -> Failure {
    match failure {
        Failure::Transient { why, retry_after: Some(wait) } => {
            Failure::Transient { why, retry_after: Some(wait.max(BACKOFF)) }
        }
        other => other,
    }
}
