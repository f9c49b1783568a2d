//! GitHub Actions: a deploy is a run of a workflow that is dispatched.
//!
//! A dispatch takes a branch or a tag, never a commit (docs.github.com/en/rest/actions/workflows, "Create a workflow
//! dispatch event"): the workflow's *file* is the one there, and the exact commit goes in an input, which the workflow
//! must check out (`actions/checkout` with `ref: ${{ inputs.commit }}`). The order's id goes in another, which the
//! workflow must put into its `run-name`, or a run whose answer was lost can't be found again:
//!
//! ```yaml
//! run-name: Deploy ${{ inputs.environment }} ${{ inputs.muster_id }}
//! on:
//!   workflow_dispatch:
//!     inputs:
//!       muster_id: { type: string, required: true }
//!       environment: { type: string, required: true }
//!       commit: { type: string, required: true }
//! ```
//!
//! What holds: a workflow is dispatched once at most; only inputs that the target names are sent, since GitHub refuses a
//! dispatch with others; where no input carries the commit, the branch must stand there before, and the run's head is
//! compared after.

mod call;
mod changes;
mod checks;
pub mod deployments;
pub mod hook;
mod log;
mod look;
mod refs;
mod start;
mod tail;
mod wire;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Checks, Gate, Idempotency, Log, Order, Progress, Resolved, Rollback, Run,
};
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use serde::Deserialize;

use super::{Called, Pipeline, Shared};
use crate::http::api::{Api, Auth};
use crate::http::public::Public;
use crate::secret::Secret;

/// Where GitHub's own API is.
pub const GITHUB: &str = "https://api.github.com";

/// The version of the API that is spoken. Every server that is supported knows it, Enterprise Server too; it is supported
/// until March 2028 at least (docs.github.com, "API Versions").
const VERSION: &str = "2022-11-28";

/// How GitHub is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The API's address: [`GITHUB`], or `https://HOST/api/v3` for Enterprise Server.
    pub api_url: String,
    /// A fine-grained token with *Actions* (read and write), *Contents* (read), *Checks* and *Commit statuses* (read),
    /// *Pull requests* (read), and *Deployments* (read and write) for approvals and records.
    pub token: Secret,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `owner/name`.
    pub repository: String,
    /// The workflow: its file's name such as `deploy.yml`, or its number.
    pub workflow: String,
    /// Which of the workflow's inputs carry what. Only inputs that the workflow declares may be named.
    #[serde(default)]
    pub inputs: Inputs,
    /// The branch or tag that is deployed where nothing is said, and that the workflow is dispatched on for a bare commit.
    /// The repository's default branch where it is not set.
    #[serde(default)]
    pub default_ref: Option<String>,
}

/// Which of a workflow's inputs carry what. An order's parameters go in inputs of their own names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inputs {
    /// The order's id, which the workflow puts into its `run-name`. `muster_id` where nothing is said; can't be empty.
    pub id: String,
    /// The environment's name. `environment` where nothing is said; empty: not sent.
    pub environment: String,
    /// The full id of the commit, which the workflow checks out. `commit` where nothing is said; empty: not sent, and only a
    /// branch or tag that stands at that commit can be deployed.
    pub commit: String,
    /// The service's name. Empty: not sent.
    pub service: String,
    /// `true` for a rollback, else `false`. Empty: not sent.
    pub rollback: String,
    /// Why. Empty: not sent.
    pub reason: String,
    /// Who asked. Empty: not sent.
    pub by: String,
}

impl Default for Inputs {
    fn default() -> Inputs {
        Inputs {
            id: "muster_id".to_owned(),
            environment: "environment".to_owned(),
            commit: "commit".to_owned(),
            service: String::new(),
            rollback: String::new(),
            reason: String::new(),
            by: String::new(),
        }
    }
}

impl Inputs {
    fn all(&self) -> [&str; 7] {
        [&self.id, &self.environment, &self.commit, &self.service, &self.rollback, &self.reason, &self.by]
    }
}

/// A workflow of a repository.
pub struct GitHub {
    api: Api,
    public: Public,
    token: Secret,
    owner: String,
    name: String,
    workflow: String,
    inputs: Inputs,
    default_ref: Option<String>,
    /// The server refused to tell of the run that a dispatch makes, as older Enterprise Servers do.
    is_old: AtomicBool,
}

impl GitHub {
    /// The workflow `target` at `connection`. Nothing is called.
    ///
    /// # Errors
    /// What is wrong with which field and what to write instead, for the operator.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<GitHub, String> {
        let Connection { api_url, token } = connection;
        if token.expose().is_empty() {
            return Err("the token for GitHub is empty: make a fine-grained personal access token".to_owned());
        }
        let (owner, name) = target
            .repository
            .split_once('/')
            .filter(|(owner, name)| is_name(owner) && is_name(name))
            .ok_or_else(|| format!("`repository` is not `owner/name`: {:?}", target.repository))?;
        let is_number = !target.workflow.is_empty() && target.workflow.bytes().all(|byte| byte.is_ascii_digit());
        let is_file =
            is_name(&target.workflow) && (target.workflow.ends_with(".yml") || target.workflow.ends_with(".yaml"));
        if !is_number && !is_file {
            let words = "`workflow` is neither the name of a file such as `deploy.yml` (without `.github/workflows/`) nor a workflow's number";
            return Err(format!("{words}: {:?}", target.workflow));
        }
        check_inputs(&target.inputs)?;
        if let Some(reference) = target.default_ref.as_deref().filter(|it| !refs::is_reference(it)) {
            return Err(format!("`default_ref` is no name of a branch or tag: {reference:?}"));
        }
        let api = Api::new("GitHub", &api_url, Auth::Bearer(token.clone()), shared.http, shared.clock)?
            .with_usual_wait(call::MINUTE)
            .with_header(ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
            .with_header(HeaderName::from_static("x-github-api-version"), HeaderValue::from_static(VERSION));
        Ok(GitHub {
            api,
            public: shared.public,
            token,
            owner: owner.to_owned(),
            name: name.to_owned(),
            workflow: target.workflow,
            inputs: target.inputs,
            default_ref: target.default_ref,
            is_old: AtomicBool::new(false),
        })
    }
}

/// Whether it can be an owner, a repository or a file's name.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !matches!(name, "" | "." | "..") && name.len() <= 100 && name.bytes().all(fits)
}

fn check_inputs(inputs: &Inputs) -> Result<(), String> {
    if inputs.id.is_empty() {
        let words =
            "`inputs.id` is empty: name the input that carries Muster's id and that the workflow's `run-name` shows";
        return Err(words.to_owned());
    }
    let mut seen = BTreeSet::new();
    for name in inputs.all().into_iter().filter(|name| !name.is_empty()) {
        let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        if !first || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            return Err(format!("`inputs` names an input that no workflow can have: {name:?}"));
        }
        if !seen.insert(name) {
            return Err(format!("`inputs` names {name:?} twice: each word needs an input of its own"));
        }
    }
    Ok(())
}

#[async_trait]
impl Pipeline for GitHub {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resolves: true,
            compares: true,
            cancels: true,
            approves: true,
            rollback: Rollback::Redeploy,
            logs: true,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("GitHub Actions")
        }
    }

    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        self.resolved(reference).await
    }

    async fn changes(&self, from: &str, to: &str) -> Called<Changes> {
        self.between(from, to).await
    }

    async fn checks(&self, commit: &str) -> Called<Checks> {
        self.checked(commit).await
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        self.dispatch(order).await
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        self.found(order).await
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        self.looked(run).await
    }

    async fn cancel(&self, run: &Run) -> Called<()> {
        self.cancelled(run).await
    }

    async fn decide(&self, run: &Run, gate: &Gate, approve: bool, comment: &str) -> Called<()> {
        self.decided(run, gate, approve, comment).await
    }

    async fn log(&self, run: &Run) -> Called<Log> {
        self.log_of(run).await
    }

    async fn keep(&self, kept: &super::Kept) -> Called<()> {
        let stands = match kept.succeeded {
            None => deployments::Stands::InProgress,
            Some(true) => deployments::Stands::Success,
            Some(false) => deployments::Stands::Failure,
        };
        let record = deployments::Record {
            id: kept.id.clone(),
            commit: kept.commit.clone(),
            environment: kept.environment.clone(),
            is_production: kept.is_production,
            stands,
            description: kept.description.clone(),
            log_url: kept.url.clone(),
        };
        self.record(&record).await.map(|_| ())
    }
}
