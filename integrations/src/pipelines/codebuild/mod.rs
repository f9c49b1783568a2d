//! AWS CodeBuild: a build carries a deploy out.
//!
//! `start.rs` starts and finds, `follow.rs` tells how a build stands and reads its log. What holds:
//! - The planned commit is the build's `sourceVersion`.
//! - The order's id goes along as the variable [`ID`], by which the build is found again, and as `idempotencyToken`.
//!   That is good for five minutes only (API reference, `StartBuild`), so it catches a request that was sent twice
//!   by accident, and no start is repeated because of it.
//! - Parameters are variables of the type `PLAINTEXT` alone, so that nobody in chat can name a secret's address and
//!   have its value in a log.
//!
//! Facts are those of the API reference and botocore's `codebuild/2016-10-06/service-2.json`.

mod follow;
mod start;
mod wire;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Commit, Gate, Idempotency, Log, Order, Progress, RefKind, Resolved, Rollback, Run,
};
use serde::Deserialize;
use serde_json::json;

use super::text::is_full_hash;
use super::{Called, Failure, Pipeline, Refused, Shared, cannot};
pub use crate::aws::Connection;
use crate::aws::{Caller, Service, console};

/// CodeBuild's names.
const SERVICE: Service = Service { name: "CodeBuild", prefix: "codebuild", target: "CodeBuild_20161006" };

/// Those of CloudWatch Logs, where builds write to.
const LOGS: Service = Service { name: "CloudWatch Logs", prefix: "logs", target: "Logs_20140328" };

/// The variable that holds the order's id.
pub const ID: &str = "MUSTER_ID";

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The build project's name.
    pub project: String,
}

/// A build project at AWS.
pub struct CodeBuild {
    caller: Caller,
    logs: Caller,
    target: Target,
}

impl CodeBuild {
    /// A project of CodeBuild.
    ///
    /// # Errors
    /// A field can't be used; the words say which and what to write instead.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<CodeBuild, String> {
        // API reference, `CreateProject`: 2 to 150 characters.
        let is_plain = target.project.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !(2..=150).contains(&target.project.len()) || !is_plain {
            return Err("`project` must be the build project's name: letters, digits, - and _".to_owned());
        }
        let logs = Caller::new(LOGS, connection.clone(), shared.http.clone(), shared.clock.clone())?;
        Ok(CodeBuild { caller: Caller::new(SERVICE, connection, shared.http, shared.clock)?, logs, target })
    }

    /// A run of this project, with its log's address where there is one by now.
    fn run(&self, build: &wire::Build) -> Run {
        let link = build.logs.as_ref().and_then(|logs| logs.deep_link.as_deref());
        let is_page = |link: &&str| {
            reqwest::Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        let path = ["codebuild", "projects", &self.target.project, "build", &build.id];
        let url = link.filter(is_page).map(str::to_owned).or_else(|| console(self.caller.region(), &path));
        Run { id: build.id.clone(), url }
    }

    async fn build(&self, id: &str) -> Called<wire::Build> {
        self.check_id(id)?;
        let got: wire::Builds =
            self.caller.read("BatchGetBuilds", &json!({ "ids": [id] })).await.map_err(Failure::from)?;
        let build = got.builds.into_iter().find(|build| build.id == id);
        build.ok_or_else(|| Failure::refused(Refused::NotFound, "CodeBuild has no such build (any more)"))
    }

    /// A build's id is its project's name and a UUID; one of another project is none of this run's.
    fn check_id(&self, id: &str) -> Called<()> {
        let number = id.strip_prefix(&self.target.project).and_then(|rest| rest.strip_prefix(':'));
        let is_plain = |number: &str| number.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if number.is_some_and(|number| (1..=64).contains(&number.len()) && is_plain(number)) {
            return Ok(());
        }
        Err(Failure::refused(Refused::NotFound, "that is no id of a build of this project"))
    }
}

#[async_trait]
impl Pipeline for CodeBuild {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            cancels: true,
            rollback: Rollback::Redeploy,
            logs: true,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("CodeBuild")
        }
    }

    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        let Some(reference) = reference else {
            return Err(cannot("CodeBuild can't tell which commit a deploy would take: name one"));
        };
        let kind = if is_full_hash(reference) { RefKind::Commit } else { RefKind::Unknown };
        Ok(Resolved { commit: Commit::bare(reference), kind })
    }

    async fn changes(&self, _from: &str, _to: &str) -> Called<Changes> {
        Err(cannot("CodeBuild can't tell what lies between two commits"))
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        self.start_order(order).await
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        self.find_order(order).await
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        let build = self.build(&run.id).await?;
        self.progress(run, &build)
    }

    async fn cancel(&self, run: &Run) -> Called<()> {
        // `StopBuild` answers the same for a build that had ended before.
        if self.build(&run.id).await?.is_over() {
            return Err(Failure::refused(Refused::Conflict, "the build has ended already"));
        }
        Ok(self.caller.set("StopBuild", &json!({ "id": run.id })).await?)
    }

    async fn decide(&self, _run: &Run, _gate: &Gate, _approve: bool, _comment: &str) -> Called<()> {
        Err(cannot("a build of CodeBuild has no approvals"))
    }

    async fn log(&self, run: &Run) -> Called<Log> {
        let build = self.build(&run.id).await?;
        self.tail(&build).await
    }
}
