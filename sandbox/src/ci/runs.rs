//! Runs, their jobs and logs, as the API tells and stops them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::calls::paged;
use super::model::{LogsAt, Repository, Run};
use super::refusal::{Answer, Answered};
use super::rest::Call;
use super::state::State;
use super::{payload, script};

/// A list that is filtered tells so many runs (docs.github.com, "List workflow runs for a workflow").
const FOUND: usize = 1_000;

/// What makes the address of a log good.
pub(super) fn signature(job: u64) -> String {
    format!("s{:x}", job.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

pub(super) fn call(state: &mut State, call: &Call) -> Answered {
    let name = call.route.repository();
    let repository = state.find(&name).ok_or_else(Answer::not_found)?;
    let path = call.route.name.split_once("/actions").map_or("", |(_, path)| path);
    if path == "/workflows/{workflow_id}" {
        let (id, it) = repository.workflow(call.route.place(2)).ok_or_else(Answer::not_found)?;
        let body =
            json!({"id": id, "name": it.name, "path": format!(".github/workflows/{}", it.file), "state": "active"});
        return Ok(Answer::json(200, body));
    }
    match path {
        "/workflows/{workflow_id}/runs" => {
            let (id, _) = repository.workflow(call.route.place(2)).ok_or_else(Answer::not_found)?;
            list(state, call, repository, Some(*id))
        }
        "/runs" => list(state, call, repository, None),
        "/jobs/{job_id}/logs" => logs(state, call, repository),
        _ => {
            let id: u64 = call.route.place(2).parse().map_err(|_| Answer::not_found())?;
            let run = repository.runs.iter().find(|run| run.id == id).ok_or_else(Answer::not_found)?;
            match path {
                "/runs/{run_id}" => Ok(Answer::json(200, payload::run(repository, run))),
                "/runs/{run_id}/jobs" => {
                    let all: Vec<Value> = run.jobs.iter().map(|job| payload::job(repository, run, job)).collect();
                    Ok(paged(state, call, &all, |page| json!({"total_count": all.len(), "jobs": page})))
                }
                "/runs/{run_id}/cancel" => cancel(state, id),
                "/runs/{run_id}/rerun" => rerun(state, &name, id),
                _ => Err(Answer::not_found()),
            }
        }
    }
}

/// The newest first, filtered.
fn list(state: &State, call: &Call, repository: &Repository, workflow: Option<u64>) -> Answered {
    let known = [
        "event",
        "created",
        "branch",
        "head_sha",
        "status",
        "per_page",
        "page",
        "actor",
        "exclude_pull_requests",
        "check_suite_id",
    ];
    if let Some((name, _)) = call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(Answer::malformed(422, &format!("Invalid request: {name} is no parameter")));
    }
    let listed = repository.runs.len().saturating_sub(state.settings.unlisted);
    let runs = repository.runs.iter().take(listed).rev();
    let mut all = Vec::new();
    let mut is_filtered = false;
    for run in runs.filter(|run| workflow.is_none_or(|workflow| run.workflow == workflow)) {
        let mut fits = true;
        for (name, value) in &call.query {
            is_filtered |= !matches!(name.as_str(), "per_page" | "page");
            fits &= match name.as_str() {
                "event" => run.event == *value,
                "branch" => run.branch == *value,
                "head_sha" => run.sha == *value,
                "status" => run.status == value || run.conclusion.as_ref() == Some(value),
                "created" => is_created(run, value).ok_or_else(|| Answer::invalid("Search", "created", "invalid"))?,
                _ => true,
            };
        }
        if fits {
            all.push(payload::run(repository, run));
        }
    }
    let total = all.len();
    if is_filtered {
        all.truncate(FOUND);
    }
    Ok(paged(state, call, &all, |page| json!({"total_count": total, "workflow_runs": page})))
}

/// Whether a run was created within a range of the search's syntax: `>=T`, `>T`, `<=T`, `<T`, `T..T`.
fn is_created(run: &Run, range: &str) -> Option<bool> {
    let time = |text: &str| -> Option<Timestamp> {
        text.parse().ok().or_else(|| {
            let day: jiff::civil::Date = text.parse().ok()?;
            day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp())
        })
    };
    if let Some((from, to)) = range.split_once("..") {
        let from = if from == "*" { Timestamp::MIN } else { time(from)? };
        let to = if to == "*" { Timestamp::MAX } else { time(to)? };
        return Some(from <= run.created && run.created <= to);
    }
    for (sign, fits) in [
        (">=", (|a, b| a >= b) as fn(Timestamp, Timestamp) -> bool),
        ("<=", |a, b| a <= b),
        (">", |a, b| a > b),
        ("<", |a, b| a < b),
    ] {
        if let Some(at) = range.strip_prefix(sign) {
            return Some(fits(run.created, time(at)?));
        }
    }
    time(range).map(|at| run.created == at)
}

/// The address of a job's log, once the job has ended; until then GitHub's storage knows of none.
fn logs(state: &State, call: &Call, repository: &Repository) -> Answered {
    let id: u64 = call.route.place(2).parse().map_err(|_| Answer::not_found())?;
    let mut jobs = repository.runs.iter().flat_map(|run| &run.jobs);
    let job = jobs.find(|job| job.id == id).ok_or_else(Answer::not_found)?;
    if job.status != "completed" {
        let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code></Error>";
        return Err(Answer::text(404, text.to_owned()));
    }
    let at = match &state.settings.logs_at {
        LogsAt::Here => format!("{}/_logs/{id}?sig={}", state.origin, signature(id)),
        LogsAt::Elsewhere(url) => url.clone(),
    };
    Ok(Answer::empty(302).header("location", at))
}

fn cancel(state: &mut State, id: u64) -> Answered {
    let (now, slow) = (state.now, state.settings.slow_cancel);
    let (repository, at) = state.with_run(id).ok_or_else(Answer::not_found)?;
    if repository.runs[at].status == "completed" {
        return Err(Answer::refusal(409, "Cannot cancel a workflow run that is completed."));
    }
    if !slow {
        script::finish(repository, at, now, "cancelled");
    }
    Ok(Answer::json(202, json!({})))
}

fn rerun(state: &mut State, repository: &str, id: u64) -> Answered {
    let (found, at) = state.with_run(id).ok_or_else(Answer::not_found)?;
    if found.runs[at].status != "completed" {
        return Err(Answer::refusal(403, "This workflow is already running"));
    }
    script::again(state, repository, id);
    Ok(Answer::json(201, json!({})))
}
