//! Stops executions, answers approvals, and freezes a stage.

use operations::pipeline::{Gate, Run};
use serde_json::json;

use super::super::{Called, Failure, Refused, cannot};
use super::follow::parts;
use super::{CodePipeline, conflict, wire};
use crate::aws::Trouble;

/// The longest reason for a stop and the longest summary of an approval, in characters (API reference).
const LONGEST_REASON: usize = 200;
const LONGEST_SUMMARY: usize = 512;
const LONGEST_FREEZE: usize = 300;

/// How the reasons begin that Muster gives.
const OURS: &str = "frozen by Muster";

impl CodePipeline {
    pub(super) async fn stop(&self, run: &Run) -> Called<()> {
        let (id, _) = parts(run)?;
        let reason: String = "stopped by Muster".chars().take(LONGEST_REASON).collect();
        let body = json!({
            "pipelineName": self.target.pipeline, "pipelineExecutionId": id, "abandon": false, "reason": reason,
        });
        // Asked for twice it is a state, and the second time is `DuplicatedStopRequestException`.
        match self.caller.set("StopPipelineExecution", &body).await {
            Ok(()) => Ok(()),
            Err(trouble) => match trouble.code.as_str() {
                "DuplicatedStopRequestException" => Ok(()),
                "PipelineExecutionNotStoppableException" => Err(conflict("the execution has ended already")),
                "ConflictException" => {
                    Err(Failure::transient("CodePipeline is busy with this pipeline; try again later"))
                }
                _ => Err(trouble.failure),
            },
        }
    }

    /// The token is looked up just before it is used and for this very request: one that was answered meanwhile, or
    /// that another execution waits for by now, is not approved by mistake.
    pub(super) async fn answer(&self, run: &Run, gate: &Gate, approve: bool, comment: &str) -> Called<()> {
        let (id, _) = parts(run)?;
        let mut names = gate.id.split('/');
        let (Some(stage), Some(action), Some(execution), None) =
            (names.next(), names.next(), names.next(), names.next())
        else {
            return Err(Failure::refused(Refused::NotFound, "that is no approval of CodePipeline"));
        };
        let token = self.token(id, stage, action, execution).await?;
        let summary: String = comment.chars().take(LONGEST_SUMMARY).collect();
        let status = if approve { "Approved" } else { "Rejected" };
        let body = json!({
            "pipelineName": self.target.pipeline, "stageName": stage, "actionName": action, "token": token,
            "result": { "summary": summary, "status": status },
        });
        let answered: Result<wire::Empty, Trouble> = self.caller.act("PutApprovalResult", &body).await;
        answered.map(drop).map_err(|trouble| match trouble.code.as_str() {
            "InvalidApprovalTokenException" => gone(),
            "ApprovalAlreadyCompletedException" => conflict("somebody has answered that approval already"),
            _ => trouble.failure,
        })
    }

    /// What answers an approval: the pipeline's state has it, but for pipelines in PARALLEL mode the action's external id
    /// stands for it (API reference, `PutApprovalResult`).
    async fn token(&self, id: &str, stage: &str, action: &str, execution: &str) -> Called<String> {
        let whole = self.execution(id).await?;
        if whole.execution_mode.as_deref() == Some("PARALLEL") {
            let actions = self.actions(id).await?;
            let is_it = |a: &&wire::Action| {
                a.stage_name == stage && a.action_name == action && a.action_execution_id == execution && a.runs()
            };
            let found = actions.iter().find(is_it).and_then(|action| action.result()?.external_execution_id.clone());
            return found.ok_or_else(gone);
        }
        let state = self.state().await?;
        let stage = state.stage_states.iter().find(|state| state.stage_name == stage);
        let stage = stage
            .filter(|stage| stage.latest_execution.as_ref().is_some_and(|latest| latest.pipeline_execution_id == id));
        let latest = stage
            .and_then(|stage| stage.action_states.iter().find(|state| state.action_name == action))
            .and_then(|state| state.latest_execution.as_ref())
            .filter(|latest| latest.action_execution_id.as_deref() == Some(execution));
        latest.and_then(|latest| latest.token.clone()).ok_or_else(gone)
    }

    /// Keeps everything out of the target's stage, or lets it in again: its transition is disabled or enabled. One that
    /// somebody else has disabled stays as it is: their reason does not begin as Muster's do.
    pub(super) async fn set_frozen(&self, on: bool, reason: &str) -> Called<()> {
        let Some(name) = &self.target.stage else {
            return Err(cannot("a pipeline is frozen before a stage, and the configuration names none (`stage`)"));
        };
        let state = self.state().await?;
        let transition = state.stage_states.iter().find(|stage| stage.stage_name == *name);
        let transition = transition.and_then(|stage| stage.inbound_transition_state.as_ref());
        let disabled = transition.filter(|transition| transition.is_disabled());
        let is_ours = |it: &wire::Transition| it.disabled_reason.as_deref().is_some_and(|why| why.starts_with(OURS));
        let mut body = json!({ "pipelineName": self.target.pipeline, "stageName": name, "transitionType": "Inbound" });
        match (on, disabled) {
            (true, None) => {
                body["reason"] = json!(plain(reason));
                Ok(self.caller.set("DisableStageTransition", &body).await?)
            }
            (false, Some(transition)) if is_ours(transition) => {
                Ok(self.caller.set("EnableStageTransition", &body).await?)
            }
            (true, Some(_)) | (false, _) => Ok(()),
        }
    }
}

fn gone() -> Failure {
    conflict("that approval does not wait any more: somebody has answered it, or its execution went on or ended")
}

/// A reason may have these characters and no others (API reference, `DisableStageTransition`).
fn plain(reason: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!@ ().*?-".contains(c);
    let words: String = reason.chars().map(|c| if allowed(c) { c } else { ' ' }).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let separator = if words.is_empty() { "" } else { " - " };
    format!("{OURS}{separator}{words}").chars().take(LONGEST_FREEZE).collect()
}
