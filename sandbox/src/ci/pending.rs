//! What waits for a reviewer's word.
//!
//! Statuses and bodies are those of docs.github.com, "Review pending deployments for a workflow run". The words of its
//! 422 are not documented.

use serde_json::{Value, json};

use super::model::{Repository, Run};
use super::refusal::{Answer, Answered};
use super::rest::Call;
use super::state::State;
use super::{payload, script};

pub(super) fn call(state: &mut State, call: &Call) -> Answered {
    let id: u64 = call.route.place(2).parse().map_err(|_| Answer::not_found())?;
    let repository = state.find(&call.route.repository()).ok_or_else(Answer::not_found)?;
    let run = repository.runs.iter().find(|run| run.id == id).ok_or_else(Answer::not_found)?;
    if call.route.name.starts_with("GET") {
        return Ok(Answer::json(200, Value::Array(waiting(repository, run, &state.login))));
    }
    let body = &call.body;
    for (field, fits) in [
        (
            "environment_ids",
            body["environment_ids"].as_array().is_some_and(|ids| !ids.is_empty() && ids.iter().all(Value::is_u64)),
        ),
        ("state", matches!(body["state"].as_str(), Some("approved" | "rejected"))),
        ("comment", body["comment"].is_string()),
    ] {
        if !fits {
            return Err(Answer::malformed(422, &format!("Invalid request.\n\n\"{field}\" wasn't supplied.")));
        }
    }
    let ids: Vec<u64> = body["environment_ids"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let approve = body["state"] == "approved";
    let login = state.login.clone();
    decide(state, id, &ids, approve, &login)
}

/// The environments that a run waits for.
fn environments<'r>(repository: &'r Repository, run: &'r Run) -> Vec<&'r super::model::Environment> {
    let names: Vec<&String> =
        run.jobs.iter().filter(|job| job.status == "waiting").filter_map(|job| job.environment.as_ref()).collect();
    repository.environments.iter().filter(|it| names.contains(&&it.name)).collect()
}

fn waiting(repository: &Repository, run: &Run, login: &str) -> Vec<Value> {
    let entry = |it: &super::model::Environment| {
        let reviewer = |login: &String| json!({"type": "User", "reviewer": {"login": login, "type": "User"}});
        json!({
            "environment": payload::environment(repository, it), "wait_timer": 0, "wait_timer_started_at": null,
            "current_user_can_approve": it.reviewers.iter().any(|it| it == login),
            "reviewers": it.reviewers.iter().map(reviewer).collect::<Vec<_>>(),
        })
    };
    environments(repository, run).into_iter().map(entry).collect()
}

/// Somebody's word on environments that a run waits for.
pub(super) fn decide(state: &mut State, run: u64, ids: &[u64], approve: bool, login: &str) -> Answered {
    let now = state.now;
    let (repository, at) = state.with_run(run).ok_or_else(Answer::not_found)?;
    let waits: Vec<(u64, String, bool)> = environments(repository, &repository.runs[at])
        .iter()
        .map(|it| (it.id, it.name.clone(), it.reviewers.iter().any(|it| it == login)))
        .collect();
    if ids.iter().any(|id| !waits.iter().any(|(known, ..)| known == id)) {
        return Err(Answer::refusal(422, "There are no pending deployment requests to approve or reject"));
    }
    if waits.iter().any(|(id, _, may)| ids.contains(id) && !may) {
        return Err(Answer::refusal(422, "You are not a required reviewer of this environment"));
    }
    if approve {
        repository.runs[at]
            .approved
            .extend(waits.into_iter().filter(|(id, ..)| ids.contains(id)).map(|(_, name, _)| name));
        script::go_on(repository, at, now);
    } else {
        let job = repository.runs[at].jobs.iter().position(|job| job.status == "waiting");
        if let Some(job) = job {
            script::end_job(repository, at, job, now, "failure");
        }
        script::finish(repository, at, now, "failure");
    }
    Ok(Answer::json(200, Value::Array(Vec::new())))
}
