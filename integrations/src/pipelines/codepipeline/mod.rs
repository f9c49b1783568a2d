//! AWS CodePipeline: a pipeline's execution carries a deploy out.
//!
//! `start.rs` starts and finds, `follow.rs` tells how an execution stands, `control.rs` does the rest. What holds:
//! - The planned commit is the source's revision where the target names the source's action ([`Target::source_action`]);
//!   else the source takes its branch's newest, and [`Pipeline::look`] says so where that is another one.
//! - The order's id goes along as `clientRequestToken`, which the service's model marks as an idempotency token: the
//!   service discards a repeated request (smithy.io, "idempotencyToken trait"). How long it remembers one is not
//!   documented, and no answer tells it, so an execution is found again only by a pipeline-level variable
//!   ([`Target::id_variable`]).
//! - A stage's rollback makes an execution with the variables of the one that it goes back to
//!   (docs.aws.amazon.com/codepipeline, "Configuring stage rollback"), the id among them, so no rollback is ever found by it.
//!
//! Facts are those of the API reference and botocore's `codepipeline/2015-07-09/service-2.json`.

mod control;
mod follow;
mod start;
mod wire;

use std::collections::HashSet;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Commit, Gate, Idempotency, Log, Order, Progress, RefKind, Resolved, Rollback, Run,
};
use serde::Deserialize;
use serde_json::json;

use super::text::is_full_hash;
use super::{Called, Failure, Pipeline, Refused, Shared, cannot};
pub use crate::aws::Connection;
use crate::aws::{Caller, Service, Trouble, console};

/// CodePipeline's names.
const SERVICE: Service = Service { name: "CodePipeline", prefix: "codepipeline", target: "CodePipeline_20150709" };

/// So many pages are read of a list at most: one that never ends is not read for ever.
const PAGES: usize = 50;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The pipeline's name.
    pub pipeline: String,
    /// The name of the source's action that takes the commit. Without it the newest of its branch is deployed.
    #[serde(default)]
    pub source_action: Option<String>,
    /// What the source's action takes.
    #[serde(default)]
    pub revision: Revision,
    /// The name of the stage that deploys: it is rolled back, and frozen. Without it, going back means to deploy the
    /// earlier commit again.
    #[serde(default)]
    pub stage: Option<String>,
    /// The name of a pipeline-level variable that takes the order's id, such as `MUSTER_ID`; the pipeline has to
    /// declare it. Without it an execution whose start's answer was lost can't be looked for.
    #[serde(default)]
    pub id_variable: Option<String>,
}

/// What a source's action takes (API reference, `SourceRevisionOverride`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revision {
    /// A commit's id.
    #[default]
    Commit,
    /// An image's digest, `sha256:…`.
    ImageDigest,
    /// The version of an object in S3.
    S3Version,
    /// The key of an object in S3; the action has to allow it (`AllowOverrideForS3ObjectKey`).
    S3Key,
}

impl Revision {
    fn name(self) -> &'static str {
        match self {
            Revision::Commit => "COMMIT_ID",
            Revision::ImageDigest => "IMAGE_DIGEST",
            Revision::S3Version => "S3_OBJECT_VERSION_ID",
            Revision::S3Key => "S3_OBJECT_KEY",
        }
    }
}

/// A pipeline at AWS.
pub struct CodePipeline {
    caller: Caller,
    target: Target,
}

impl CodePipeline {
    /// A pipeline of CodePipeline.
    ///
    /// # Errors
    /// A field can't be used; the words say which and what to write instead.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<CodePipeline, String> {
        let is_name = |value: &str, also: &str, longest: usize| {
            (1..=longest).contains(&value.len()) && value.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        if !is_name(&target.pipeline, ".@-_", 100) {
            return Err("`pipeline` must be the pipeline's name: letters, digits and .@-_".to_owned());
        }
        for (field, value) in [("source_action", &target.source_action), ("stage", &target.stage)] {
            if value.as_ref().is_some_and(|value| !is_name(value, ".@-_", 100)) {
                return Err(format!("`{field}` must be a name as the pipeline has it: letters, digits and .@-_"));
            }
        }
        if target.id_variable.as_ref().is_some_and(|name| !is_name(name, "@-_", 128)) {
            return Err("`id_variable` must be the name of a variable, such as MUSTER_ID".to_owned());
        }
        Ok(CodePipeline { caller: Caller::new(SERVICE, connection, shared.http, shared.clock)?, target })
    }

    fn run(&self, execution: &str) -> Run {
        let path = ["codepipeline", "pipelines", &self.target.pipeline, "executions", execution, "timeline"];
        Run { id: execution.to_owned(), url: console(self.caller.region(), &path) }
    }

    async fn execution(&self, id: &str) -> Result<wire::Execution, Trouble> {
        check_id(id)?;
        let body = json!({ "pipelineName": self.target.pipeline, "pipelineExecutionId": id });
        let got: wire::GotExecution = self.caller.read("GetPipelineExecution", &body).await?;
        if got.pipeline_execution.pipeline_execution_id != id {
            return Err(Failure::transient("CodePipeline answered with another execution").into());
        }
        Ok(got.pipeline_execution)
    }

    async fn state(&self) -> Result<wire::State, Trouble> {
        self.caller.read("GetPipelineState", &json!({ "name": self.target.pipeline })).await
    }

    /// All actions of an execution, the newest first.
    async fn actions(&self, execution: &str) -> Result<Vec<wire::Action>, Trouble> {
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let mut body = json!({
            "pipelineName": self.target.pipeline, "filter": { "pipelineExecutionId": execution }, "maxResults": 100,
        });
        for _ in 0..PAGES {
            let page: wire::Actions = self.caller.read("ListActionExecutions", &body).await?;
            all.extend(page.action_execution_details.into_iter().filter(|a| a.pipeline_execution_id == execution));
            match page.next_token {
                Some(token) if seen.insert(token.clone()) => body["nextToken"] = json!(token),
                Some(_) | None => break,
            }
        }
        all.sort_by(|a, b| b.start_time.unwrap_or(f64::MAX).total_cmp(&a.start_time.unwrap_or(f64::MAX)));
        Ok(all)
    }
}

/// An execution's id is a UUID in lower case; whatever else was kept as one leads nowhere.
fn check_id(id: &str) -> Called<()> {
    let groups: Vec<&str> = id.split('-').collect();
    let is_hex = |group: &&str| group.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(is_hex) {
        return Ok(());
    }
    Err(Failure::refused(Refused::NotFound, "that is no id of an execution of CodePipeline"))
}

/// A refusal with words of our own in place of the service's.
fn conflict(why: &str) -> Failure {
    Failure::refused(Refused::Conflict, why)
}

#[async_trait]
impl Pipeline for CodePipeline {
    fn capabilities(&self) -> Capabilities {
        let own_rollback = self.target.stage.is_some();
        let deploys = if self.target.id_variable.is_some() { Idempotency::Find } else { Idempotency::Repeat };
        Capabilities {
            cancels: true,
            approves: true,
            rollback: if own_rollback { Rollback::Own } else { Rollback::Redeploy },
            logs: true,
            freezes: own_rollback,
            idempotency: deploys,
            // A stage's rollback takes no token and carries nothing of ours.
            rollback_idempotency: if own_rollback { Idempotency::Ask } else { deploys },
            ..Capabilities::named("CodePipeline")
        }
    }

    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        let Some(reference) = reference else {
            return Err(cannot("CodePipeline can't tell which commit a deploy would take: name one by its full id"));
        };
        let kind = match self.target.revision {
            Revision::Commit if is_full_hash(reference) => RefKind::Commit,
            Revision::Commit if self.target.source_action.is_some() => {
                return Err(cannot("CodePipeline takes a commit's full id (40 characters), not a branch or tag"));
            }
            Revision::Commit | Revision::ImageDigest | Revision::S3Version | Revision::S3Key => RefKind::Unknown,
        };
        Ok(Resolved { commit: Commit::bare(reference), kind })
    }

    async fn changes(&self, _from: &str, _to: &str) -> Called<Changes> {
        Err(cannot("CodePipeline can't tell what lies between two commits"))
    }

    async fn warnings(&self) -> Called<Vec<String>> {
        Ok(follow::warnings(&self.state().await?))
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        self.start_order(order).await
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        self.find_order(order).await
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        self.progress(run).await
    }

    async fn cancel(&self, run: &Run) -> Called<()> {
        self.stop(run).await
    }

    async fn decide(&self, run: &Run, gate: &Gate, approve: bool, comment: &str) -> Called<()> {
        self.answer(run, gate, approve, comment).await
    }

    async fn log(&self, run: &Run) -> Called<Log> {
        self.errors(run).await
    }

    async fn freeze(&self, on: bool, reason: &str) -> Called<()> {
        self.set_frozen(on, reason).await
    }
}
