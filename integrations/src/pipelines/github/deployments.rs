//! What Muster deployed, as GitHub's deployments and their statuses, so that it shows on the repository's pages.
//!
//! docs.github.com/en/rest/deployments. What holds: a deployment is looked for by the order's id before it is made, so that
//! the same is recorded once however often it is asked for; nothing is merged (`auto_merge` would be on), and no check of
//! GitHub's stands in the way of what was decided elsewhere (`required_contexts` is empty).

use operations::text::cut;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitHub;
use super::call::sent;
use super::refs::full;
use crate::http::api::{Called, Failure};

/// The longest description that GitHub takes, in characters.
const DESCRIPTION: usize = 140;

/// So many pages of a commit's deployments are looked through.
const PAGES: usize = 5;

/// The field of the payload that holds the order's id.
const ID: &str = "muster_id";

/// How a deploy stands, in GitHub's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// `queued`.
    Queued,
    /// `in_progress`.
    InProgress,
    /// `success`; earlier deployments to the environment become inactive.
    Success,
    /// `failure`.
    Failure,
    /// `error`: it was stopped, or nobody knows.
    Error,
}

impl Stands {
    fn word(self) -> &'static str {
        match self {
            Stands::Queued => "queued",
            Stands::InProgress => "in_progress",
            Stands::Success => "success",
            Stands::Failure => "failure",
            Stands::Error => "error",
        }
    }
}

/// What is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The order's id.
    pub id: String,
    /// The commit's full id.
    pub commit: String,
    /// The environment's name.
    pub environment: String,
    /// Whether people use that environment.
    pub is_production: bool,
    /// How it stands.
    pub stands: Stands,
    /// In a few words; cut to 140 characters.
    pub description: String,
    /// Where its log can be read: an address of the web.
    pub log_url: Option<String>,
}

#[derive(Deserialize)]
struct Deployment {
    id: u64,
    #[serde(default)]
    payload: Value,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    state: String,
}

impl GitHub {
    /// Records how a deploy stands; gives the deployment's number. The same again changes nothing.
    ///
    /// # Errors
    /// See [`Failure`]; after any of them it may be asked for again.
    pub async fn record(&self, record: &Record) -> Called<u64> {
        full(&record.commit)?;
        let id = match self.recorded(record).await? {
            Some(id) => id,
            None => self.create(record).await?,
        };
        let number = id.to_string();
        let path = ["deployments", &number, "statuses"];
        let statuses: Vec<Status> = sent(self.get(&path).query(&[("per_page", "100")])).await?.json()?;
        // The newest comes first.
        if statuses.first().is_some_and(|status| status.state == record.stands.word()) {
            return Ok(id);
        }
        let mut body = json!({"state": record.stands.word(), "description": cut(&record.description, DESCRIPTION)});
        if let Some(url) = record.log_url.as_deref().and_then(crate::pipelines::text::web) {
            body["log_url"] = json!(url);
        }
        sent(self.post(&path).json(&body)).await?;
        Ok(id)
    }

    /// The deployment that was made for this order.
    async fn recorded(&self, record: &Record) -> Called<Option<u64>> {
        let query = [("sha", record.commit.as_str()), ("environment", &record.environment), ("per_page", "100")];
        let (pages, _) = self.pages::<Vec<Deployment>>(self.get(&["deployments"]).query(&query), PAGES).await?;
        Ok(pages.into_iter().flatten().find(|it| is_of(&it.payload, &record.id)).map(|it| it.id))
    }

    async fn create(&self, record: &Record) -> Called<u64> {
        let body = json!({
            "ref": record.commit, "task": "deploy", "auto_merge": false, "required_contexts": [],
            "environment": record.environment, "description": cut(&record.description, DESCRIPTION),
            "production_environment": record.is_production, "transient_environment": false,
            "payload": {ID: record.id},
        });
        let reply = sent(self.post(&["deployments"]).json(&body)).await?;
        match reply.status {
            201 => Ok(reply.json::<Deployment>()?.id),
            status => Err(Failure::Unknown { why: format!("GitHub answered {status} and named no deployment") }),
        }
    }
}

/// Whether a payload holds this order's id. GitHub tells it as it was sent, or as a text of JSON.
fn is_of(payload: &Value, id: &str) -> bool {
    match payload {
        Value::String(text) => serde_json::from_str::<Value>(text).is_ok_and(|inner| inner[ID] == id),
        other => other[ID] == id,
    }
}
