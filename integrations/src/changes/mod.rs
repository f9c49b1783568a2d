//! Who is told that a deploy ended: a list of recent changes, a mark on a graph.
//!
//! What holds: whoever is told gets words without secrets and without markup; an address is told only if it is
//! one of the web; one deploy is told with the same id each time, so that a second telling can be recognized.

use jiff::Timestamp;
use operations::text::Outside;
use url::Url;

use crate::redact;

pub mod grafana;
pub mod pagerduty;

pub use crate::http::api::{Called, Failure, Refused};

/// A deploy that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The deploy's id, unique and always the same, such as `muster-d7-4f0c9a1e`: lower-case letters, digits and hyphens.
    pub id: String,
    /// What happened in one line; empty for the usual words.
    pub summary: Outside,
    /// The service, as configured.
    pub service: Outside,
    /// The environment, as configured.
    pub environment: Outside,
    /// What was deployed, as people call it: a tag, a branch.
    pub version: Outside,
    /// The commit.
    pub commit: Outside,
    /// Who asked.
    pub by: Outside,
    /// What kind of deploy it was.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Where people can read more; left out where it is no address of the web.
    pub url: Option<String>,
}

/// The kinds of deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something new.
    Deploy,
    /// Back to something that ran before.
    Rollback,
    /// What runs in one environment comes to another.
    Promotion,
}

impl Kind {
    /// Its name in tags and fields.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Deploy => "deploy",
            Kind::Rollback => "rollback",
            Kind::Promotion => "promotion",
        }
    }

    /// How a sentence begins.
    fn words(self) -> &'static str {
        match self {
            Kind::Deploy => "Deploy",
            Kind::Rollback => "Rollback",
            Kind::Promotion => "Promotion",
        }
    }
}

/// How a deploy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Succeeded,
    /// Badly.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl Outcome {
    /// Its name in tags and fields.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// How a sentence ends.
    fn words(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
            Outcome::Cancelled => "was cancelled",
        }
    }
}

/// Somebody who is told.
#[derive(Clone)]
pub enum Told {
    /// A service's recent changes at PagerDuty.
    PagerDuty(pagerduty::PagerDuty),
    /// A mark on Grafana's graphs.
    Grafana(grafana::Grafana),
}

impl Told {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Told::PagerDuty(_) => "PagerDuty",
            Told::Grafana(_) => "Grafana",
        }
    }

    /// Whether telling the same change again after [`Failure::Unknown`] leaves one entry. Where it doesn't, a second
    /// entry with the same id may stand there, and nobody is notified by either.
    #[must_use]
    pub fn is_safe_again(&self) -> bool {
        match self {
            Told::PagerDuty(_) => false,
            Told::Grafana(_) => true,
        }
    }

    /// Tells it. What makes the entry is sent once.
    ///
    /// # Errors
    /// [`Failure::Unknown`] where it may stand there all the same; see [`Told::is_safe_again`].
    pub async fn tell(&self, change: &Change) -> Called<()> {
        match self {
            Told::PagerDuty(pagerduty) => pagerduty.tell(change).await,
            Told::Grafana(grafana) => grafana.tell(change).await,
        }
    }
}

/// Somebody else's words in one line and without secrets.
fn line(words: &Outside) -> String {
    redact::text(words.as_str()).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What happened, in one line that is never empty.
fn headline(change: &Change) -> String {
    let said = line(&change.summary);
    if !said.is_empty() {
        return said;
    }
    let (service, environment) = (line(&change.service), line(&change.environment));
    format!("{} of {service} to {environment} {}", change.kind.words(), change.outcome.words())
}

/// Where people can read more, if it is an address of the web that names nobody.
fn link(change: &Change) -> Option<Url> {
    let url = Url::parse(change.url.as_deref()?).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (is_web && url.username().is_empty() && url.password().is_none()).then_some(url)
}
