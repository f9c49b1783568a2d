//! Bodies of answers and webhooks.

use serde_json::{Value, json};

use super::model::{Commit, Environment, Job, Pull, Repository, Run};

pub(super) fn repository(it: &Repository) -> Value {
    let (owner, name) = it.name.split_once('/').unwrap_or_default();
    json!({
        "id": it.id, "name": name, "full_name": it.name, "private": true, "owner": {"login": owner, "id": 1},
        "html_url": it.html, "url": it.api, "default_branch": it.default_branch,
    })
}

pub(super) fn commit(repository: &Repository, it: &Commit) -> Value {
    let who = json!({"name": it.author, "email": "", "date": it.date.to_string()});
    json!({
        "sha": it.sha, "node_id": "C", "url": format!("{}/commits/{}", repository.api, it.sha),
        "html_url": format!("{}/commit/{}", repository.html, it.sha),
        "commit": {"message": it.message, "author": who, "committer": who},
        "author": {"login": it.author.to_lowercase()},
        "parents": it.parents.iter().map(|sha| json!({"sha": sha})).collect::<Vec<_>>(),
    })
}

/// A pull request; `merge_commit_sha` went with version 2026-03-10.
pub(super) fn pull(repository: &Repository, it: &Pull, version: &str) -> Value {
    let mut body = json!({
        "number": it.number, "title": it.title, "state": if it.merged.is_some() { "closed" } else { "open" },
        "html_url": format!("{}/pull/{}", repository.html, it.number), "merged_at": it.merged.map(|at| at.to_string()),
    });
    if version < "2026-03-10" {
        body["merge_commit_sha"] = json!("0".repeat(40));
    }
    body
}

pub(super) fn run(repository: &Repository, it: &Run) -> Value {
    let file = repository.workflows.iter().find(|(id, _)| *id == it.workflow);
    let (name, path) = file.map_or((String::new(), String::new()), |(_, workflow)| {
        (workflow.name.clone(), format!(".github/workflows/{}", workflow.file))
    });
    json!({
        "id": it.id, "name": name, "node_id": "WFR", "check_suite_id": it.suite, "head_branch": it.branch,
        "head_sha": it.sha, "path": path, "display_title": it.title, "run_number": it.number, "event": it.event,
        "status": it.status, "conclusion": it.conclusion, "workflow_id": it.workflow, "run_attempt": it.attempt,
        "url": format!("{}/actions/runs/{}", repository.api, it.id),
        "html_url": format!("{}/actions/runs/{}", repository.html, it.id),
        "jobs_url": format!("{}/actions/runs/{}/jobs", repository.api, it.id),
        "created_at": it.created.to_string(), "updated_at": it.updated.to_string(),
        "pull_requests": [], "repository": self::repository(repository),
    })
}

pub(super) fn job(repository: &Repository, run: &Run, it: &Job) -> Value {
    let step = |(at, step): (usize, &super::model::Step)| json!({"name": step.script.name, "status": step.status, "conclusion": step.conclusion, "number": at + 1});
    json!({
        "id": it.id, "run_id": run.id, "run_attempt": run.attempt, "head_sha": run.sha, "name": it.name,
        "status": it.status, "conclusion": it.conclusion, "workflow_name": run.title,
        "url": format!("{}/actions/jobs/{}", repository.api, it.id),
        "html_url": format!("{}/actions/runs/{}/job/{}", repository.html, run.id, it.id),
        "started_at": it.started.map(|at| at.to_string()), "completed_at": it.completed.map(|at| at.to_string()),
        // A job that waits has no steps yet.
        "steps": if matches!(it.status, "queued" | "waiting") { Vec::new() } else {
            it.steps.iter().enumerate().map(step).collect::<Vec<_>>()
        },
    })
}

pub(super) fn environment(repository: &Repository, it: &Environment) -> Value {
    json!({
        "id": it.id, "node_id": "EN", "name": it.name,
        "url": format!("{}/environments/{}", repository.api, it.name),
        "html_url": format!("{}/deployments/activity_log?environments_filter={}", repository.html, it.name),
    })
}

/// Tells the webhooks of a run.
pub(super) fn tell_run(repository: &mut Repository, at: usize, action: &str) {
    repository.changed = true;
    let run = run(repository, &repository.runs[at]);
    let body = json!({"action": action, "workflow_run": run, "repository": self::repository(repository)});
    repository.told.push(("workflow_run", body));
}

/// Tells the webhooks of a job.
pub(super) fn tell_job(repository: &mut Repository, at: usize, job: usize, action: &str) {
    repository.changed = true;
    let run = &repository.runs[at];
    let job = self::job(repository, run, &run.jobs[job]);
    let body = json!({"action": action, "workflow_job": job, "repository": self::repository(repository)});
    repository.told.push(("workflow_job", body));
}
