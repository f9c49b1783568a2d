//! Starts a deployment, and finds the one that was started.

use std::collections::HashSet;
use std::time::Duration;

use operations::pipeline::{Order, Run};
use serde_json::json;

use super::super::{Called, Failure, Refused};
use super::{COMMIT, CodeDeploy, Revision, check_id, conflict, wire};
use crate::aws::Trouble;

/// So far back it is looked for what was started.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many pages are read at most.
const PAGES: usize = 50;

/// So many deployments are asked for at once (API reference, `BatchGetDeployments`: 25 at most).
const AT_ONCE: usize = 25;

/// The longest description, in characters. The service has a limit (`DescriptionTooLongException`) and does not say
/// which; this is well within.
const LONGEST: usize = 200;

impl CodeDeploy {
    pub(super) async fn start_order(&self, order: &Order) -> Called<Run> {
        let revision = match &order.back_to {
            Some(earlier) if order.is_rollback => self.earlier(earlier, &order.commit).await?,
            Some(_) | None => self.revision(&order.commit)?,
        };
        let mut body = json!({
            "applicationName": self.target.application,
            "deploymentGroupName": self.target.group,
            "revision": revision,
            "description": description(order),
        });
        if let Some(config) = &self.target.deployment_config {
            body["deploymentConfigName"] = json!(config);
        }
        let started: Result<wire::Started, Trouble> = self.caller.act("CreateDeployment", &body).await;
        let started = started.map_err(|trouble| match trouble.code.as_str() {
            "DeploymentLimitExceededException" => {
                conflict("the group has a deployment already that has not ended, or the account as many as it may")
            }
            "RevisionDoesNotExistException" => {
                Failure::refused(Refused::NotFound, "CodeDeploy knows no such revision of the application")
            }
            _ => trouble.failure,
        })?;
        if check_id(&started.deployment_id).is_err() {
            return Err(Failure::Unknown { why: "CodeDeploy answered with something that is no id".to_owned() });
        }
        Ok(self.run(&started.deployment_id))
    }

    /// What stands for a commit.
    fn revision(&self, commit: &str) -> Called<wire::Revision> {
        match &self.target.revision {
            Revision::GitHub { repository } => {
                if !is_commit(commit) {
                    let why = "CodeDeploy takes a commit's full id (40 characters), not a branch or tag";
                    return Err(Failure::refused(Refused::Malformed, why));
                }
                let location = wire::GitHubLocation { repository: repository.clone(), commit_id: commit.to_owned() };
                Ok(wire::Revision {
                    revision_type: "GitHub".into(),
                    s3_location: None,
                    git_hub_location: Some(location),
                })
            }
            Revision::S3 { bucket, key, bundle } => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                if !commit.chars().all(is_plain) || commit.is_empty() || commit.contains("..") {
                    let why = "what is deployed must be named by letters, digits and -_. where it comes from S3";
                    return Err(Failure::refused(Refused::Malformed, why));
                }
                let version = if key.contains(COMMIT) { None } else { Some(commit.to_owned()) };
                let location = wire::S3Location {
                    bucket: bucket.clone(),
                    key: key.replace(COMMIT, commit),
                    bundle_type: Some(bundle.clone()),
                    version,
                    e_tag: None,
                };
                Ok(wire::Revision { revision_type: "S3".into(), s3_location: Some(location), git_hub_location: None })
            }
        }
    }

    /// What an earlier deployment deployed, if that is the planned commit.
    async fn earlier(&self, run: &Run, commit: &str) -> Called<wire::Revision> {
        let earlier = self.deployment(&run.id).await?;
        let planned = self.revision(commit)?;
        let Some(revision) = earlier.revision else {
            return Err(conflict("CodeDeploy does not say what that deployment had deployed"));
        };
        let is_it = match (
            &revision.git_hub_location,
            &planned.git_hub_location,
            &revision.s3_location,
            &planned.s3_location,
        ) {
            (Some(was), Some(is), _, _) => was.repository == is.repository && was.commit_id == is.commit_id,
            (_, _, Some(was), Some(is)) => {
                was.bucket == is.bucket && was.key == is.key && (is.version.is_none() || was.version == is.version)
            }
            _ => false,
        };
        if is_it {
            Ok(revision)
        } else {
            Err(conflict("that deployment had deployed something else than what was planned"))
        }
    }

    pub(super) async fn find_order(&self, order: &Order) -> Called<Option<Run>> {
        let since = (self.caller.clock().now().as_second() - DAY.as_secs().cast_signed()).max(0);
        let mut seen = HashSet::new();
        let mut body = json!({
            "applicationName": self.target.application,
            "deploymentGroupName": self.target.group,
            // Open at its end (API reference, `TimeRange`).
            "createTimeRange": { "start": since },
        });
        for _ in 0..PAGES {
            let page: wire::Ids = self.caller.read("ListDeployments", &body).await.map_err(Failure::from)?;
            for ids in page.deployments.chunks(AT_ONCE) {
                let got: wire::GotAll = self
                    .caller
                    .read("BatchGetDeployments", &json!({ "deploymentIds": ids }))
                    .await
                    .map_err(Failure::from)?;
                let found = got.deployments_info.iter().find(|deployment| {
                    let word = deployment.description.as_deref().and_then(|words| words.split(' ').next());
                    // Those that CodeDeploy made itself may carry another's description.
                    let by_a_user = deployment.creator.as_deref().is_none_or(|creator| creator == "user");
                    word == Some(order.id.as_str()) && by_a_user && self.is_ours(deployment)
                });
                if let Some(found) = found {
                    check_id(&found.deployment_id)?;
                    return Ok(Some(self.run(&found.deployment_id)));
                }
            }
            match page.next_token {
                Some(token) if seen.insert(token.clone()) => body["nextToken"] = json!(token),
                Some(_) | None => break,
            }
        }
        Ok(None)
    }
}

/// A commit's full id.
pub(super) fn is_commit(reference: &str) -> bool {
    reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The id, then words for people, on one line.
fn description(order: &Order) -> String {
    let words = format!("{} by {}: {}", order.id, order.by.as_str(), order.reason.as_str());
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}
