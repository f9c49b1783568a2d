//! How a deployment stands; stops and continues one, and tells what a failed target said.

use operations::pipeline::{Gate, Log, Progress, Run, RunState};
use operations::text::Outside;
use serde_json::json;

use super::super::tail::tail;
use super::super::{Called, Failure, Refused};
use super::{CodeDeploy, check_id, conflict, wire};
use crate::aws::Trouble;
use crate::redact;

/// What a blue/green deployment waits for before traffic goes to what is new (API reference, `ContinueDeployment`).
const READY_WAIT: &str = "READY_WAIT";

/// So many targets are asked for at once (API reference, `BatchGetDeploymentTargets`).
const AT_ONCE: usize = 25;

/// What a deployment says about itself in Muster's words.
pub(super) fn progress(deployment: &wire::Deployment) -> Called<Progress> {
    let state = match deployment.status.as_str() {
        "Created" | "Queued" => RunState::Queued,
        "InProgress" | "Baking" => RunState::Running,
        "Ready" => RunState::Waiting,
        "Succeeded" => RunState::Succeeded,
        "Failed" => RunState::Failed,
        "Stopped" => RunState::Cancelled,
        _ => return Err(Failure::refused(Refused::Malformed, "CodeDeploy told a status that is not known")),
    };
    let mut progress = Progress::bare(state);
    if let Some(overview) = &deployment.deployment_overview {
        let parts = [
            overview.succeeded,
            overview.skipped,
            overview.failed,
            overview.pending,
            overview.in_progress,
            overview.ready,
        ];
        progress.total = parts.into_iter().fold(0, u32::saturating_add);
        progress.done = overview.succeeded.saturating_add(overview.skipped);
    }
    if state == RunState::Waiting {
        let name = Outside::new("send traffic to what was deployed");
        progress.gates.push(Gate { id: READY_WAIT.to_owned(), name });
    }
    progress.step = match state {
        RunState::Failed | RunState::Cancelled => ended(deployment),
        RunState::Running if deployment.status == "Baking" => Some(Outside::new("watches alarms before it ends")),
        RunState::Running if deployment.instance_termination_wait_time_started == Some(true) => {
            Some(Outside::new("waits before the earlier targets are ended"))
        }
        RunState::Queued | RunState::Running | RunState::Waiting | RunState::Succeeded => None,
    };
    Ok(progress)
}

/// Why it ended, and what CodeDeploy did about it.
fn ended(deployment: &wire::Deployment) -> Option<Outside> {
    let error = deployment.error_information.as_ref();
    let code = error.and_then(|error| error.code.clone());
    let message = error.and_then(|error| error.message.as_deref());
    let message = message.map(|message| redact::outside("", message).short(200).as_str().to_owned());
    let back = deployment.rollback_info.as_ref().and_then(|info| info.rollback_deployment_id.as_deref());
    let back = back.filter(|id| check_id(id).is_ok()).map(|id| format!("CodeDeploy rolls back by {id}"));
    let words: Vec<String> = [code, message, back].into_iter().flatten().filter(|words| !words.is_empty()).collect();
    if words.is_empty() { None } else { Some(Outside::new(&words.join(": "))) }
}

impl CodeDeploy {
    pub(super) async fn stop(&self, run: &Run) -> Called<()> {
        // One of another group must not be stopped from here.
        self.deployment(&run.id).await?;
        let mut body = json!({ "deploymentId": run.id });
        if let Some(rolls_back) = self.target.stop_rolls_back {
            body["autoRollbackEnabled"] = json!(rolls_back);
        }
        self.caller.set("StopDeployment", &body).await.map_err(|trouble| match trouble.code.as_str() {
            "DeploymentAlreadyCompletedException" => conflict("the deployment has ended already"),
            _ => trouble.failure,
        })
    }

    /// Lets a blue/green deployment go on, or stops it.
    pub(super) async fn answer(&self, run: &Run, gate: &Gate, approve: bool) -> Called<()> {
        if gate.id != READY_WAIT {
            return Err(Failure::refused(Refused::NotFound, "a deployment of CodeDeploy waits for no such thing"));
        }
        let deployment = self.deployment(&run.id).await?;
        if deployment.status != "Ready" {
            return Err(no_longer());
        }
        if !approve {
            return self.stop(run).await;
        }
        let body = json!({ "deploymentId": run.id, "deploymentWaitType": READY_WAIT });
        self.caller.act_unanswered("ContinueDeployment", &body).await.map_err(|trouble| match trouble.code.as_str() {
            "DeploymentAlreadyCompletedException" | "DeploymentIsNotInReadyStateException" => no_longer(),
            _ => trouble.failure,
        })
    }

    /// What the target said that failed first, or the event that runs.
    pub(super) async fn tail(&self, run: &Run) -> Called<Log> {
        let deployment = self.deployment(&run.id).await?;
        let nothing = Log { step: None, tail: Outside::default() };
        let listed: Result<wire::TargetIds, Trouble> =
            self.caller.read("ListDeploymentTargets", &json!({ "deploymentId": run.id })).await;
        let ids = match listed {
            Ok(listed) => listed.target_ids,
            Err(trouble) if trouble.code == "DeploymentNotStartedException" => return Ok(nothing),
            Err(trouble) => return Err(trouble.failure),
        };
        let mut running: Option<Log> = None;
        for ids in ids.chunks(AT_ONCE) {
            let body = json!({ "deploymentId": run.id, "targetIds": ids });
            let got: wire::Targets =
                self.caller.read("BatchGetDeploymentTargets", &body).await.map_err(Failure::from)?;
            for event in got.deployment_targets.iter().flat_map(wire::AnyTarget::events) {
                match event.status.as_str() {
                    "Failed" => return Ok(log(event)),
                    "InProgress" if running.is_none() => running = Some(log(event)),
                    _ => {}
                }
            }
        }
        let error = deployment.error_information.and_then(|error| error.message);
        Ok(running.unwrap_or(Log { step: None, tail: tail(error.unwrap_or_default(), &[]) }))
    }
}

fn log(event: &wire::Event) -> Log {
    let said = event.diagnostics.as_ref().map(|diagnostics| [&diagnostics.message, &diagnostics.log_tail]);
    let said: Vec<&str> = said.into_iter().flatten().filter_map(|said| said.as_deref()).collect();
    Log { step: Some(Outside::new(&event.lifecycle_event_name)), tail: tail(said.join("\n"), &[]) }
}

fn no_longer() -> Failure {
    conflict("the deployment does not wait any more: it went on, or has ended")
}
