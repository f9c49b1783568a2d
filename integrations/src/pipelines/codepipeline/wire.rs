//! CodePipeline's answers, as far as they are read (botocore, `codepipeline/2015-07-09/service-2.json`).

use serde::Deserialize;

use crate::aws::time::seconds;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Started {
    pub(super) pipeline_execution_id: String,
}

#[derive(Deserialize)]
pub(super) struct GotPipeline {
    pub(super) pipeline: Definition,
}

#[derive(Deserialize)]
pub(super) struct Definition {
    #[serde(default)]
    pub(super) variables: Vec<Declared>,
}

#[derive(Deserialize)]
pub(super) struct Declared {
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GotExecution {
    pub(super) pipeline_execution: Execution,
}

/// One execution, of a list or by itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Execution {
    pub(super) pipeline_execution_id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) status_summary: Option<String>,
    #[serde(default)]
    pub(super) artifact_revisions: Vec<Revision>,
    #[serde(default)]
    pub(super) variables: Vec<Variable>,
    #[serde(default)]
    pub(super) trigger: Option<Trigger>,
    #[serde(default)]
    pub(super) execution_mode: Option<String>,
    #[serde(default)]
    pub(super) execution_type: Option<String>,
    /// Seconds since 1970; in lists only.
    #[serde(default, deserialize_with = "seconds")]
    pub(super) start_time: Option<f64>,
}

impl Execution {
    pub(super) fn is_rollback(&self) -> bool {
        self.execution_type.as_deref() == Some("ROLLBACK")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revision {
    #[serde(default)]
    pub(super) revision_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) resolved_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trigger {
    #[serde(default)]
    pub(super) trigger_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Executions {
    #[serde(default)]
    pub(super) pipeline_execution_summaries: Vec<Execution>,
    #[serde(default)]
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    #[serde(default)]
    pub(super) stage_states: Vec<Stage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stage {
    pub(super) stage_name: String,
    #[serde(default)]
    pub(super) inbound_execution: Option<StageExecution>,
    #[serde(default)]
    pub(super) inbound_executions: Vec<StageExecution>,
    #[serde(default)]
    pub(super) inbound_transition_state: Option<Transition>,
    #[serde(default)]
    pub(super) action_states: Vec<ActionState>,
    #[serde(default)]
    pub(super) latest_execution: Option<StageExecution>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StageExecution {
    pub(super) pipeline_execution_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transition {
    #[serde(default)]
    pub(super) enabled: Option<bool>,
    #[serde(default)]
    pub(super) disabled_reason: Option<String>,
}

impl Transition {
    pub(super) fn is_disabled(&self) -> bool {
        self.enabled == Some(false)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionState {
    pub(super) action_name: String,
    #[serde(default)]
    pub(super) latest_execution: Option<ActionLatest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionLatest {
    #[serde(default)]
    pub(super) action_execution_id: Option<String>,
    #[serde(default)]
    pub(super) token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Actions {
    #[serde(default)]
    pub(super) action_execution_details: Vec<Action>,
    #[serde(default)]
    pub(super) next_token: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    pub(super) pipeline_execution_id: String,
    pub(super) action_execution_id: String,
    pub(super) stage_name: String,
    pub(super) action_name: String,
    pub(super) status: String,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) start_time: Option<f64>,
    #[serde(default)]
    pub(super) input: Option<Input>,
    #[serde(default)]
    pub(super) output: Option<Output>,
}

impl Action {
    pub(super) fn runs(&self) -> bool {
        self.status == "InProgress"
    }

    pub(super) fn failed(&self) -> bool {
        self.status == "Failed"
    }

    pub(super) fn is_approval(&self) -> bool {
        let kind = self.input.as_ref().and_then(|input| input.action_type_id.as_ref());
        kind.is_some_and(|kind| kind.category == "Approval")
    }

    pub(super) fn result(&self) -> Option<&ActionResult> {
        self.output.as_ref()?.execution_result.as_ref()
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    #[serde(default)]
    pub(super) action_type_id: Option<ActionType>,
}

#[derive(Clone, Deserialize)]
pub(super) struct ActionType {
    pub(super) category: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    #[serde(default)]
    pub(super) execution_result: Option<ActionResult>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionResult {
    #[serde(default)]
    pub(super) external_execution_id: Option<String>,
    #[serde(default)]
    pub(super) external_execution_summary: Option<String>,
    #[serde(default)]
    pub(super) error_details: Option<ErrorDetails>,
}

#[derive(Clone, Deserialize)]
pub(super) struct ErrorDetails {
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// An answer of which nothing is read.
#[derive(Deserialize)]
pub(super) struct Empty {}
