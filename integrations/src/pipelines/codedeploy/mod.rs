//! AWS CodeDeploy: a deployment to a deployment group.
//!
//! `start.rs` starts and finds, `follow.rs` tells how a deployment stands. What holds:
//! - What is deployed is named by what doesn't move: a commit at GitHub, or an object in S3 whose key or version is
//!   the planned commit.
//! - `CreateDeployment` takes no token, so it is sent once; the order's id is the first word of the deployment's
//!   description, by which it is found again. Deployments that CodeDeploy made itself (rollbacks) are never taken for it.
//! - A rollback deploys what the earlier deployment had deployed, as that deployment says it (version and ETag included).
//!
//! Facts are those of the API reference and botocore's `codedeploy/2014-10-06/service-2.json`.

mod follow;
mod start;
mod wire;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Commit, Gate, Idempotency, Log, Order, Progress, RefKind, Resolved, Rollback, Run,
};
use serde::Deserialize;
use serde_json::json;

use super::{Called, Failure, Pipeline, Refused, Shared, cannot};
pub use crate::aws::Connection;
use crate::aws::{Caller, Service, Trouble, console};

/// CodeDeploy's names.
const SERVICE: Service = Service { name: "CodeDeploy", prefix: "codedeploy", target: "CodeDeploy_20141006" };

/// What stands for the planned commit in the key of an object in S3.
pub const COMMIT: &str = "{commit}";

/// What is deployed where.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The application's name.
    pub application: String,
    /// The deployment group's name.
    pub group: String,
    /// Where what is deployed comes from.
    pub revision: Revision,
    /// The deployment configuration's name, such as `CodeDeployDefault.OneAtATime`. Without it that of the group.
    #[serde(default)]
    pub deployment_config: Option<String>,
    /// Whether targets that were changed already are rolled back where a deployment is stopped. Without it as the
    /// group says.
    #[serde(default)]
    pub stop_rolls_back: Option<bool>,
}

/// Where what is deployed comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Revision {
    /// A commit at GitHub.
    #[serde(rename = "github")]
    GitHub {
        /// `owner/name`.
        repository: String,
    },
    /// An object in S3.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The object's key. `{commit}` in it stands for the planned commit; without that, what is planned is the
        /// id of a version of this object.
        key: String,
        /// What it is: `tar`, `tgz`, `zip`, `YAML` or `JSON`.
        bundle: String,
    },
}

/// A deployment group at AWS.
pub struct CodeDeploy {
    caller: Caller,
    target: Target,
}

impl CodeDeploy {
    /// A deployment group of CodeDeploy.
    ///
    /// # Errors
    /// A field can't be used; the words say which and what to write instead.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<CodeDeploy, String> {
        let config = target.deployment_config.as_deref().unwrap_or("unsaid");
        for (field, value) in
            [("application", target.application.as_str()), ("group", &target.group), ("deployment_config", config)]
        {
            let is_plain = !value.chars().any(char::is_control) && value.trim() == value;
            if !(1..=100).contains(&value.chars().count()) || !is_plain {
                return Err(format!("`{field}` must be a name as CodeDeploy has it: 1 to 100 characters"));
            }
        }
        match &target.revision {
            Revision::GitHub { repository } => {
                let is_part = |part: &str| {
                    !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
                };
                if !repository.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name)) {
                    return Err("`repository` must be `owner/name` of a repository at GitHub".to_owned());
                }
            }
            Revision::S3 { bucket, key, bundle } => {
                if bucket.is_empty() || key.is_empty() {
                    return Err("`bucket` and `key` must name an object in S3".to_owned());
                }
                if !["tar", "tgz", "zip", "YAML", "JSON"].contains(&bundle.as_str()) {
                    return Err("`bundle` must be tar, tgz, zip, YAML or JSON".to_owned());
                }
            }
        }
        Ok(CodeDeploy { caller: Caller::new(SERVICE, connection, shared.http, shared.clock)?, target })
    }

    fn run(&self, id: &str) -> Run {
        Run { id: id.to_owned(), url: console(self.caller.region(), &["codedeploy", "deployments", id]) }
    }

    /// A deployment of this group.
    async fn deployment(&self, id: &str) -> Result<wire::Deployment, Trouble> {
        check_id(id)?;
        let got: wire::Got = self.caller.read("GetDeployment", &json!({ "deploymentId": id })).await?;
        let deployment = got.deployment_info;
        if !self.is_ours(&deployment) || deployment.deployment_id != id {
            return Err(Failure::refused(Refused::NotFound, "that is no deployment of this group").into());
        }
        Ok(deployment)
    }

    fn is_ours(&self, deployment: &wire::Deployment) -> bool {
        deployment.application_name == self.target.application && deployment.deployment_group_name == self.target.group
    }
}

/// A deployment's id, such as `d-A1B2C3D4E`: letters, digits and hyphens. The service's model names no form.
fn check_id(id: &str) -> Called<()> {
    if (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(());
    }
    Err(Failure::refused(Refused::NotFound, "that is no id of a deployment of CodeDeploy"))
}

fn conflict(why: &str) -> Failure {
    Failure::refused(Refused::Conflict, why)
}

#[async_trait]
impl Pipeline for CodeDeploy {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            cancels: true,
            approves: true,
            rollback: Rollback::Redeploy,
            logs: true,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("CodeDeploy")
        }
    }

    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        let Some(reference) = reference else {
            return Err(cannot("CodeDeploy can't tell which commit a deploy would take: name one"));
        };
        let kind = match &self.target.revision {
            Revision::GitHub { .. } if start::is_commit(reference) => RefKind::Commit,
            Revision::GitHub { .. } => {
                return Err(cannot("CodeDeploy takes a commit's full id (40 characters), not a branch or tag"));
            }
            Revision::S3 { .. } => RefKind::Unknown,
        };
        Ok(Resolved { commit: Commit::bare(reference), kind })
    }

    async fn changes(&self, _from: &str, _to: &str) -> Called<Changes> {
        Err(cannot("CodeDeploy can't tell what lies between two commits"))
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        self.start_order(order).await
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        self.find_order(order).await
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        follow::progress(&self.deployment(&run.id).await?)
    }

    async fn cancel(&self, run: &Run) -> Called<()> {
        self.stop(run).await
    }

    async fn decide(&self, run: &Run, gate: &Gate, approve: bool, _comment: &str) -> Called<()> {
        self.answer(run, gate, approve).await
    }

    async fn log(&self, run: &Run) -> Called<Log> {
        self.tail(run).await
    }
}
