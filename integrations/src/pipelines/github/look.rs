//! How a run stands, and what can be done about it.

use operations::pipeline::{Gate, Progress, Run, RunState};
use operations::text::Outside;
use serde::Deserialize;
use serde_json::json;

use super::GitHub;
use super::call::{asked, failure, sent};
use super::wire::{self, Jobs, is_failure};
use crate::http::api::{Called, Failure, Refused};
use crate::pipelines::text::web;
use crate::redact;

/// So many pages of a hundred jobs are read.
const PAGES: usize = 5;

#[derive(Deserialize)]
struct Pending {
    environment: Environment,
    #[serde(default)]
    current_user_can_approve: bool,
}

#[derive(Deserialize)]
struct Environment {
    id: u64,
    #[serde(default)]
    name: String,
}

/// A run's id as GitHub numbers them.
pub(super) fn number(run: &Run) -> Called<&str> {
    let is_number = !run.id.is_empty() && run.id.len() <= 20 && run.id.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(&run.id) } else { Err(Failure::refused(Refused::Malformed, "that is no run of GitHub Actions")) }
}

impl GitHub {
    /// How a run stands.
    pub(super) async fn looked(&self, run: &Run) -> Called<Progress> {
        let found: wire::Run = sent(self.get(&["actions", "runs", number(run)?])).await?.json()?;
        let jobs = self.jobs(run).await?;
        let mut state = state(&found);
        let is_held = jobs.iter().any(|job| job.status.as_deref() == Some("waiting"));
        let mut gates = Vec::new();
        if !state.is_over() && (is_held || state == RunState::Waiting) {
            let gate = |it: Pending| Gate {
                id: it.environment.id.to_string(),
                name: redact::outside("environment", &it.environment.name).short(100),
            };
            gates = match self.pending(run).await {
                Ok(pending) => pending.into_iter().map(gate).collect(),
                // A run can be followed without the right to review it.
                Err(Failure::Permanent { kind: Refused::Forbidden | Refused::NotFound, .. }) => Vec::new(),
                Err(other) => return Err(other),
            };
            if !gates.is_empty() {
                state = RunState::Waiting;
            }
        }
        let (done, total) = counted(&jobs);
        let known = Run { id: run.id.clone(), url: web(&found.html_url) };
        let is_news = run.url.is_none() && known.url.is_some();
        Ok(Progress { state, step: telling(&jobs), done, total, gates, run: is_news.then_some(known) })
    }

    /// The jobs of a run's latest attempt.
    pub(super) async fn jobs(&self, run: &Run) -> Called<Vec<wire::Job>> {
        let jobs = self.get(&["actions", "runs", number(run)?, "jobs"]);
        let (pages, _) = self.pages::<Jobs>(jobs.query(&[("filter", "latest"), ("per_page", "100")]), PAGES).await?;
        Ok(pages.into_iter().flat_map(|page| page.jobs).collect())
    }

    async fn pending(&self, run: &Run) -> Called<Vec<Pending>> {
        sent(self.get(&["actions", "runs", number(run)?, "pending_deployments"])).await?.json()
    }

    /// Stops a run: GitHub takes it with 202 and refuses with 409 where it has ended.
    pub(super) async fn cancelled(&self, run: &Run) -> Called<()> {
        sent(self.post(&["actions", "runs", number(run)?, "cancel"])).await.map(|_| ())
    }

    /// Answers for an environment that a run waits for.
    pub(super) async fn decided(&self, run: &Run, gate: &Gate, approve: bool, comment: &str) -> Called<()> {
        let id: u64 = gate
            .id
            .parse()
            .map_err(|_| Failure::refused(Refused::Malformed, "that is no environment that a run waits for"))?;
        // GitHub's 422 does not say which it was, so it is looked up before.
        let pending = self.pending(run).await?;
        let Some(waits) = pending.iter().find(|it| it.environment.id == id) else { return Err(answered()) };
        if !waits.current_user_can_approve {
            let words = "the token's user is not among the environment's required reviewers: add it there";
            return Err(Failure::refused(Refused::Forbidden, words));
        }
        let comment = match (comment.trim(), approve) {
            ("", true) => "Approved with Muster",
            ("", false) => "Rejected with Muster",
            (comment, _) => comment,
        };
        let body = json!({
            "environment_ids": [id], "state": if approve { "approved" } else { "rejected" }, "comment": comment,
        });
        let call = self.post(&["actions", "runs", number(run)?, "pending_deployments"]).json(&body);
        let reply = asked(call).await?;
        match reply.status {
            200..=299 => Ok(()),
            422 => Err(answered()),
            _ => Err(failure(&reply)),
        }
    }
}

fn answered() -> Failure {
    Failure::refused(Refused::Conflict, "the run does not wait for that environment any more: somebody was sooner")
}

/// GitHub's status and conclusion in Muster's terms.
fn state(run: &wire::Run) -> RunState {
    match (run.status.as_deref().unwrap_or_default(), run.conclusion.as_deref()) {
        ("completed", Some("success" | "neutral")) => RunState::Succeeded,
        ("completed", Some("cancelled")) => RunState::Cancelled,
        // Also `skipped`: nothing was deployed.
        ("completed", _) => RunState::Failed,
        ("waiting" | "action_required", _) => RunState::Waiting,
        ("queued" | "requested" | "pending", _) => RunState::Queued,
        _ => RunState::Running,
    }
}

/// Steps that are done, and all of them. A job that has not begun tells of none and counts as one.
fn counted(jobs: &[wire::Job]) -> (u32, u32) {
    let (mut done, mut total): (u32, u32) = (0, 0);
    for job in jobs {
        let is_done = |status: &Option<String>| status.as_deref() == Some("completed");
        if job.steps.is_empty() {
            total += 1;
            done += u32::from(is_done(&job.status));
        }
        for step in &job.steps {
            total += 1;
            done += u32::from(is_done(&step.status));
        }
    }
    (done, total)
}

/// The job whose log tells most: the first that failed, else the one that runs, else the last that ended.
pub(super) fn telling_job(jobs: &[wire::Job]) -> Option<&wire::Job> {
    let failed = jobs.iter().find(|job| job.conclusion.as_deref().is_some_and(is_failure));
    let runs = || jobs.iter().find(|job| job.status.as_deref() == Some("in_progress"));
    let ended = || jobs.iter().rfind(|job| job.conclusion.as_deref().is_some_and(|it| it != "skipped"));
    failed.or_else(runs).or_else(ended)
}

/// The step that failed or runs, with its job's name where there are several jobs.
fn telling(jobs: &[wire::Job]) -> Option<Outside> {
    let is_telling = |job: &&wire::Job| {
        let is_held = matches!(job.status.as_deref(), Some("in_progress" | "waiting"));
        is_held || job.conclusion.as_deref().is_some_and(is_failure)
    };
    let job = telling_job(jobs).filter(is_telling).or_else(|| jobs.iter().find(is_telling))?;
    Some(step_of(job, jobs.len() > 1))
}

/// The name of the step that failed or runs in a job, else the job's.
pub(super) fn step_of(job: &wire::Job, with_job: bool) -> Outside {
    let failed = job.steps.iter().find(|step| step.conclusion.as_deref().is_some_and(is_failure));
    let step = failed.or_else(|| job.steps.iter().find(|step| step.status.as_deref() == Some("in_progress")));
    let name = match step {
        Some(step) if with_job => format!("{}: {}", job.name, step.name),
        Some(step) => step.name.clone(),
        None => job.name.clone(),
    };
    redact::outside("step", &name).short(200)
}
