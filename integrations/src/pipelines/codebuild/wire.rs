//! CodeBuild's and CloudWatch Logs' answers, as far as they are read (botocore, `codebuild/2016-10-06/service-2.json`
//! and `logs/2014-03-28/service-2.json`).

use serde::Deserialize;

use crate::aws::time::seconds;

#[derive(Deserialize)]
pub(super) struct Started {
    pub(super) build: Build,
}

#[derive(Deserialize)]
pub(super) struct Builds {
    #[serde(default)]
    pub(super) builds: Vec<Build>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ids {
    #[serde(default)]
    pub(super) ids: Vec<String>,
    #[serde(default)]
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Build {
    pub(super) id: String,
    #[serde(default)]
    pub(super) build_number: Option<i64>,
    /// Seconds since 1970.
    #[serde(default, deserialize_with = "seconds")]
    pub(super) start_time: Option<f64>,
    #[serde(default)]
    pub(super) current_phase: Option<String>,
    #[serde(default)]
    pub(super) build_status: Option<String>,
    #[serde(default)]
    pub(super) build_complete: Option<bool>,
    #[serde(default)]
    pub(super) phases: Vec<Phase>,
    #[serde(default)]
    pub(super) logs: Option<Logs>,
    #[serde(default)]
    pub(super) environment: Option<Environment>,
    #[serde(default)]
    pub(super) source_version: Option<String>,
    #[serde(default)]
    pub(super) resolved_source_version: Option<String>,
    #[serde(default)]
    pub(super) auto_retry_config: Option<AutoRetry>,
}

impl Build {
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        let variables = &self.environment.as_ref()?.environment_variables;
        let found =
            variables.iter().find(|v| v.name == name && v.kind.as_deref().is_none_or(|kind| kind == "PLAINTEXT"));
        found.and_then(|variable| variable.value.as_deref())
    }

    pub(super) fn is_over(&self) -> bool {
        self.build_complete == Some(true) || self.build_status.as_deref().is_some_and(|status| status != "IN_PROGRESS")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Phase {
    pub(super) phase_type: String,
    #[serde(default)]
    pub(super) phase_status: Option<String>,
    #[serde(default)]
    pub(super) contexts: Vec<Context>,
}

#[derive(Deserialize)]
pub(super) struct Context {
    #[serde(default)]
    pub(super) message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Logs {
    #[serde(default)]
    pub(super) group_name: Option<String>,
    #[serde(default)]
    pub(super) stream_name: Option<String>,
    #[serde(default)]
    pub(super) deep_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Environment {
    #[serde(default)]
    pub(super) environment_variables: Vec<Variable>,
}

#[derive(Deserialize)]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AutoRetry {
    #[serde(default)]
    pub(super) next_auto_retry: Option<String>,
    #[serde(default)]
    pub(super) previous_auto_retry: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Events {
    #[serde(default)]
    pub(super) events: Vec<Event>,
    #[serde(default)]
    pub(super) next_backward_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Event {
    #[serde(default)]
    pub(super) message: String,
}
