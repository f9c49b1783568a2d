//! Checks, statuses and pull requests of a commit.

use serde_json::{Value, json};

use super::calls::paged;
use super::git::named;
use super::model::Repository;
use super::payload;
use super::refusal::{Answer, Answered};
use super::rest::Call;
use super::state::State;

pub(super) fn call(state: &State, call: &Call) -> Answered {
    let repository = state.find(&call.route.repository()).ok_or_else(Answer::not_found)?;
    let name = call.route.place(2);
    let no_commit = || Answer::refusal(422, &format!("No commit found for SHA: {name}"));
    let sha = named(repository, name).ok_or_else(no_commit)?.sha.clone();
    match call.route.name.rsplit('/').next().unwrap_or_default() {
        "pulls" => {
            let pulls = repository.pulls.iter().filter(|it| it.commits.contains(&sha));
            let all: Vec<Value> = pulls.map(|it| payload::pull(repository, it, &call.version)).collect();
            Ok(paged(state, call, &all, Value::Array))
        }
        "check-runs" => {
            let all = check_runs(repository, &sha);
            Ok(paged(state, call, &all, |page| json!({"total_count": all.len(), "check_runs": page})))
        }
        _ => {
            let (combined, all) = statuses(repository, &sha);
            let body = |page| {
                let url = format!("{}/commits/{sha}/status", repository.api);
                json!({"state": combined, "sha": sha, "total_count": all.len(), "statuses": page, "url": url})
            };
            Ok(paged(state, call, &all, body))
        }
    }
}

/// The check runs of a commit: those of others, and one for each job of each run there.
fn check_runs(repository: &Repository, sha: &str) -> Vec<Value> {
    let entry = |id: u64, name: &str, status: &str, conclusion: Option<&String>, suite: u64| {
        json!({
            "id": id, "head_sha": sha, "name": name, "status": status, "conclusion": conclusion,
            "html_url": format!("{}/runs/{id}", repository.html), "check_suite": {"id": suite},
        })
    };
    let others = repository.checks.iter().filter(|it| it.sha == sha);
    let mut all: Vec<Value> = others.map(|it| entry(it.id, &it.name, &it.status, it.conclusion.as_ref(), 1)).collect();
    for run in repository.runs.iter().filter(|run| run.sha == sha) {
        for job in &run.jobs {
            all.push(entry(job.id, &job.name, job.status, job.conclusion.as_ref(), run.suite));
        }
    }
    all
}

/// The combined state and the latest status of each context. Without any it is `pending`, as on GitHub.
fn statuses(repository: &Repository, sha: &str) -> (&'static str, Vec<Value>) {
    let mut latest: Vec<(&str, &str, u64)> = Vec::new();
    for status in repository.statuses.iter().filter(|it| it.sha == sha) {
        latest.retain(|(context, ..)| *context != status.name);
        latest.push((&status.name, &status.status, status.id));
    }
    let any = |states: &[&str]| latest.iter().any(|(_, state, _)| states.contains(state));
    let combined = if any(&["failure", "error"]) {
        "failure"
    } else if latest.is_empty() || any(&["pending"]) {
        "pending"
    } else {
        "success"
    };
    let entry = |(context, state, id): &(&str, &str, u64)| json!({"id": id, "context": context, "state": state});
    (combined, latest.iter().map(entry).collect())
}
