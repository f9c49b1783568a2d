//! GitLab's answers, as far as they are used (docs.gitlab.com/api/pipelines, /jobs, /branches, /tags, /commits,
//! /deployments, /projects).

use std::collections::BTreeMap;

use jiff::Timestamp;
use operations::pipeline::{Commit, Run};
use operations::text::Outside;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pipelines::text;
use crate::redact;

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    pub(super) web_url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) default: bool,
    pub(super) commit: WireCommit,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireCommit {
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) author_name: String,
    #[serde(default)]
    committed_date: Option<String>,
    #[serde(default)]
    web_url: String,
}

impl WireCommit {
    pub(super) fn commit(&self) -> Commit {
        Commit {
            id: Outside::new(&self.id),
            subject: redact::outside("subject", &self.title),
            author: redact::outside("author", &self.author_name),
            at: self.committed_date.as_deref().and_then(|at| at.parse::<Timestamp>().ok()),
            url: text::web(&self.web_url),
        }
    }
}

/// Where a commit can be found: a branch or tag that holds it, not always at its end.
#[derive(Debug, Deserialize)]
pub(super) struct Holds {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) sha: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    web_url: String,
}

impl Pipeline {
    pub(super) fn run(&self) -> Run {
        Run { id: self.id.to_string(), url: text::web(&self.web_url) }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) allow_failure: bool,
    #[serde(default)]
    pub(super) pipeline: Option<Id>,
}

impl Job {
    pub(super) fn is_done(&self) -> bool {
        matches!(self.status.as_str(), "success" | "failed" | "canceled" | "skipped")
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Id {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Deployment {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) environment: Option<Environment>,
    #[serde(default)]
    pub(super) deployable: Option<Job>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Environment {
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) allow_failure: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct MergeRequest {
    pub(super) iid: u64,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) web_url: String,
}

/// What a pipeline is started with.
#[derive(Debug, Serialize)]
pub(super) struct Start {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) variables: Vec<SentVariable>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) inputs: BTreeMap<String, Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct SentVariable {
    pub(super) key: String,
    pub(super) value: String,
}
