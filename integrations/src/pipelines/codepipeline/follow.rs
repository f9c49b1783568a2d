//! How an execution stands.

use std::collections::HashSet;

use operations::pipeline::{Gate, Log, Progress, Run, RunState};
use operations::text::Outside;

use super::super::tail::tail;
use super::super::{Called, Failure, Refused};
use super::{CodePipeline, check_id, wire};
use crate::redact;

/// The execution's id, and the commit that was planned where it could not be passed.
pub(super) fn parts(run: &Run) -> Called<(&str, Option<&str>)> {
    let (id, commit) = run.id.split_once('+').map_or((run.id.as_str(), None), |(id, commit)| (id, Some(commit)));
    check_id(id)?;
    Ok((id, commit))
}

/// What a status means (API reference, `PipelineExecution`); an execution that waits is in progress there.
fn meaning(status: &str) -> Called<RunState> {
    Ok(match status {
        "InProgress" | "Stopping" => RunState::Running,
        "Succeeded" => RunState::Succeeded,
        "Failed" => RunState::Failed,
        "Stopped" | "Superseded" | "Cancelled" => RunState::Cancelled,
        _ => return Err(Failure::refused(Refused::Malformed, "CodePipeline told a status that is not known")),
    })
}

/// What a status says that the state does not.
fn words(status: &str) -> Option<&'static str> {
    match status {
        "Stopping" => Some("stopping"),
        "Superseded" => Some("a newer execution took its place"),
        "Cancelled" => Some("cancelled: the pipeline was changed meanwhile"),
        _ => None,
    }
}

/// Each stage whose transition is disabled.
pub(super) fn warnings(state: &wire::State) -> Vec<String> {
    let mut all = Vec::new();
    for stage in &state.stage_states {
        let Some(transition) = stage.inbound_transition_state.as_ref().filter(|state| state.is_disabled()) else {
            continue;
        };
        let why = transition.disabled_reason.as_deref().map(|why| redact::outside("", why).short(200));
        let why = why.map(|why| format!(": {}", why.as_str())).unwrap_or_default();
        let stage = Outside::new(&stage.stage_name);
        all.push(format!("the transition into the stage {} is disabled{why}", stage.as_str()));
    }
    all
}

impl CodePipeline {
    pub(super) async fn progress(&self, run: &Run) -> Called<Progress> {
        let (id, planned) = parts(run)?;
        let execution = self.execution(id).await?;
        let mut progress = Progress::bare(meaning(&execution.status)?);
        let state = self.state().await?;
        let actions = self.actions(id).await?;
        progress.total = count(state.stage_states.len());

        // The furthest stage that it came to.
        let index = |name: &str| state.stage_states.iter().position(|stage| stage.stage_name == name);
        let furthest = actions.iter().filter_map(|action| index(&action.stage_name)).max();
        // Of actions that were tried again only the newest counts; the list begins with it.
        let mut seen = HashSet::new();
        let newest: Vec<&wire::Action> = actions
            .iter()
            .filter(|action| seen.insert((action.stage_name.as_str(), action.action_name.as_str())))
            .collect();
        let running: Vec<&wire::Action> = newest.iter().copied().filter(|action| action.runs()).collect();
        let failed = newest.iter().copied().find(|action| action.failed());
        progress.done = match (progress.state, furthest) {
            (RunState::Succeeded, _) => progress.total,
            (_, Some(furthest)) => {
                let here = &state.stage_states[furthest].stage_name;
                let through = newest.iter().filter(|a| a.stage_name == *here).all(|a| a.status == "Succeeded");
                // Between two stages the one behind is done; within one that has more actions to come it may not be.
                let left = self.waits_before(&state, furthest + 1, id).is_some();
                count(if through && left { furthest + 1 } else { furthest })
            }
            (_, None) => 0,
        };

        if progress.state == RunState::Running && execution.status == "InProgress" {
            progress.gates = running.iter().filter(|action| action.is_approval()).map(|action| gate(action)).collect();
            if !progress.gates.is_empty() {
                progress.state = RunState::Waiting;
            } else if actions.is_empty() {
                progress.state = RunState::Queued;
            }
        }
        progress.step = match (words(&execution.status), failed, running.first()) {
            (Some(words), _, _) => Some(Outside::new(words)),
            (None, Some(action), _) if progress.state == RunState::Failed => Some(name(action)),
            (None, _, Some(action)) => Some(name(action)),
            (None, _, None) if progress.state == RunState::Running => {
                furthest.and_then(|furthest| self.waits_before(&state, furthest + 1, id))
            }
            (None, _, None) => None,
        };
        if let Some(words) = planned.and_then(|planned| other_commit(&execution, planned)) {
            let step = progress.step.as_ref().map(|step| format!("{}; {words}", step.as_str()));
            progress.step = Some(Outside::new(&step.unwrap_or(words)));
        }
        if progress.step.is_none() && progress.state == RunState::Failed {
            progress.step = execution.status_summary.as_deref().map(|summary| redact::outside("", summary).short(200));
        }
        Ok(progress)
    }

    /// What to say where an execution waits before a stage, as far as the pipeline's state tells.
    fn waits_before(&self, state: &wire::State, index: usize, execution: &str) -> Option<Outside> {
        let stage = state.stage_states.get(index)?;
        let mut inbound = stage.inbound_execution.iter().chain(&stage.inbound_executions);
        if !inbound.any(|inbound| inbound.pipeline_execution_id == execution) {
            return None;
        }
        let disabled = stage.inbound_transition_state.as_ref().filter(|state| state.is_disabled());
        let words = match disabled {
            Some(_) => format!("waits before {}, the transition into which is disabled", stage.stage_name),
            None => format!("waits before {}", stage.stage_name),
        };
        Some(Outside::new(&words))
    }

    pub(super) async fn errors(&self, run: &Run) -> Called<Log> {
        let (id, _) = parts(run)?;
        let actions = self.actions(id).await?;
        // The newest that failed, else the one that runs: the list begins with the newest.
        let action = actions.iter().find(|action| action.failed()).or_else(|| actions.iter().find(|a| a.runs()));
        let Some(action) = action else { return Ok(Log { step: None, tail: Outside::default() }) };
        let mut text = String::new();
        if let Some(result) = action.result() {
            let error = result.error_details.as_ref();
            let told = [
                result.external_execution_summary.as_deref(),
                error.and_then(|error| error.code.as_deref()),
                error.and_then(|error| error.message.as_deref()),
            ];
            text = told.into_iter().flatten().filter(|told| !told.is_empty()).collect::<Vec<_>>().join("\n");
        }
        Ok(Log { step: Some(name(action)), tail: tail(&text, &[]) })
    }
}

fn count(stages: usize) -> u32 {
    u32::try_from(stages).unwrap_or(u32::MAX)
}

fn name(action: &wire::Action) -> Outside {
    Outside::new(&format!("{}: {}", action.stage_name, action.action_name))
}

/// Names hold no slash (API reference), so that they can be told apart again.
fn gate(action: &wire::Action) -> Gate {
    let id = format!("{}/{}/{}", action.stage_name, action.action_name, action.action_execution_id);
    Gate { id, name: name(action) }
}

/// Words about another commit than the planned one, where the source has taken one by now.
fn other_commit(execution: &wire::Execution, planned: &str) -> Option<String> {
    let taken: Vec<&str> = execution.artifact_revisions.iter().filter_map(|r| r.revision_id.as_deref()).collect();
    let first = taken.first()?;
    if taken.contains(&planned) {
        return None;
    }
    let short = |commit: &str| commit.chars().take(12).collect::<String>();
    Some(format!("the source took {} and not the planned {}", short(first), short(planned)))
}
