//! CodeDeploy's revisions and answers, as far as they are read (botocore, `codedeploy/2014-10-06/service-2.json`).

use serde::{Deserialize, Serialize};

/// What is deployed, and from where. As it came it can be deployed again.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revision {
    pub(super) revision_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) s3_location: Option<S3Location>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) git_hub_location: Option<GitHubLocation>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct S3Location {
    pub(super) bucket: String,
    pub(super) key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bundle_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) e_tag: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GitHubLocation {
    pub(super) repository: String,
    pub(super) commit_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Started {
    pub(super) deployment_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Got {
    pub(super) deployment_info: Deployment,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GotAll {
    #[serde(default)]
    pub(super) deployments_info: Vec<Deployment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ids {
    #[serde(default)]
    pub(super) deployments: Vec<String>,
    #[serde(default)]
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    pub(super) deployment_id: String,
    pub(super) application_name: String,
    pub(super) deployment_group_name: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) creator: Option<String>,
    #[serde(default)]
    pub(super) revision: Option<Revision>,
    #[serde(default)]
    pub(super) error_information: Option<ErrorInformation>,
    #[serde(default)]
    pub(super) deployment_overview: Option<Overview>,
    #[serde(default)]
    pub(super) rollback_info: Option<RollbackInfo>,
    #[serde(default)]
    pub(super) instance_termination_wait_time_started: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct ErrorInformation {
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// How many targets (instances, functions, services) are how far.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Overview {
    #[serde(default)]
    pub(super) pending: u32,
    #[serde(default)]
    pub(super) in_progress: u32,
    #[serde(default)]
    pub(super) succeeded: u32,
    #[serde(default)]
    pub(super) failed: u32,
    #[serde(default)]
    pub(super) skipped: u32,
    #[serde(default)]
    pub(super) ready: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RollbackInfo {
    #[serde(default)]
    pub(super) rollback_deployment_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TargetIds {
    #[serde(default)]
    pub(super) target_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Targets {
    #[serde(default)]
    pub(super) deployment_targets: Vec<AnyTarget>,
}

/// One of four kinds; each has what happened to it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnyTarget {
    #[serde(default)]
    instance_target: Option<OneTarget>,
    #[serde(default)]
    lambda_target: Option<OneTarget>,
    #[serde(default)]
    ecs_target: Option<OneTarget>,
    #[serde(default)]
    cloud_formation_target: Option<OneTarget>,
}

impl AnyTarget {
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        let kinds = [&self.instance_target, &self.lambda_target, &self.ecs_target, &self.cloud_formation_target];
        kinds.into_iter().flatten().flat_map(|target| &target.lifecycle_events)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OneTarget {
    #[serde(default)]
    lifecycle_events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    #[serde(default)]
    pub(super) lifecycle_event_name: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) diagnostics: Option<Diagnostics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Diagnostics {
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) log_tail: Option<String>,
}
