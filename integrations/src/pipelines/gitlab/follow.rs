//! How a pipeline stands, its gates, its end, its logs (docs.gitlab.com/api/jobs, /deployments).
//!
//! What holds: a gate is answered only if it belongs to the run that it is said to; a pipeline that GitLab calls done
//! is not called so while the job that deploys has not been played; that GitLab answers 200 to a cancel that did
//! nothing is seen.

use operations::pipeline::{Gate, Log, Progress, Run, RunState};
use operations::text::Outside;
use reqwest::header::{HeaderValue, RANGE};
use serde_json::json;

use super::wire::{Deployment, Job, Pipeline};
use super::{GitLab, number, refusal};
use crate::pipelines::tail::tail;
use crate::pipelines::{Called, Failure, Refused, cannot};
use crate::redact;

impl GitLab {
    pub(super) async fn progress(&self, run: &Run) -> Called<Progress> {
        let pipeline = self.pipeline(run).await?;
        let jobs = self.jobs(&pipeline).await?;
        let mut progress = Progress::bare(state_of(&pipeline.status, &jobs));
        // An optional manual job that nobody played does not belong to the work.
        let counted = |job: &&Job| !(job.status == "manual" && job.allow_failure && !self.is_target(job));
        progress.total = u32::try_from(jobs.iter().filter(counted).count()).unwrap_or(u32::MAX);
        progress.done = u32::try_from(jobs.iter().filter(|job| job.is_done()).count()).unwrap_or(u32::MAX);
        progress.step = step_of(progress.state, &jobs);
        if let Some(name) = &self.target.job {
            self.of_target(name, &jobs, &mut progress);
        }
        if !matches!(progress.state, RunState::Failed | RunState::Cancelled) {
            progress.gates = self.gates(&pipeline, &jobs).await?;
        }
        progress.run = Some(pipeline.run()).filter(|new| new.url.is_some() && new != run);
        Ok(progress)
    }

    fn is_target(&self, job: &Job) -> bool {
        self.target.job.as_deref() == Some(job.name.as_str())
    }

    /// Where one job carries the deploy out, the run stands as that job does.
    fn of_target(&self, name: &str, jobs: &[Job], progress: &mut Progress) {
        let Some(job) = jobs.iter().find(|job| job.name == name) else {
            if matches!(progress.state, RunState::Succeeded | RunState::Waiting) {
                progress.state = RunState::Failed;
                progress.step = Some(Outside::new(&format!("there is no job {name} in the pipeline")));
            }
            return;
        };
        if matches!(progress.state, RunState::Failed | RunState::Cancelled) {
            return;
        }
        let step = Some(redact::outside("job", &job.name));
        let state = match job.status.as_str() {
            "manual" => RunState::Waiting,
            "failed" | "skipped" => RunState::Failed,
            "canceled" => RunState::Cancelled,
            // What comes behind it may wait for somebody; the deploy does not.
            "success" if progress.state == RunState::Waiting => RunState::Succeeded,
            "success" => progress.state,
            _ if progress.state == RunState::Queued => RunState::Queued,
            _ => RunState::Running,
        };
        // While other jobs still run, they are what the run is at.
        if state != RunState::Waiting || progress.state != RunState::Running {
            if state != progress.state {
                progress.step = step;
            }
            progress.state = state;
        }
    }

    /// What waits for somebody's word: jobs to be played, and deployments to a protected environment.
    async fn gates(&self, pipeline: &Pipeline, jobs: &[Job]) -> Called<Vec<Gate>> {
        let waits = |job: &&Job| {
            job.status == "manual" && if self.target.job.is_some() { self.is_target(job) } else { !job.allow_failure }
        };
        let waiting: Vec<&Job> = jobs.iter().filter(waits).collect();
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let query = [("status", "blocked"), ("order_by", "id"), ("sort", "desc")];
        let (blocked, _) = self.page::<Deployment>(&["deployments"], &query, "1").await?;
        let mut gates = Vec::new();
        for job in waiting {
            let deployment = blocked.iter().find(|deployment| {
                let deployable = deployment.deployable.as_ref();
                deployable.is_some_and(|deployable| deployable.id == job.id && belongs(deployable, pipeline.id))
            });
            let (id, name) = match deployment {
                Some(deployment) => {
                    let place = deployment.environment.as_ref().map_or("", |environment| &environment.name);
                    (format!("deployment:{}", deployment.id), format!("{} ({place})", job.name))
                }
                None => (format!("job:{}", job.id), job.name.clone()),
            };
            gates.push(Gate { id, name: redact::outside("gate", &name) });
        }
        Ok(gates)
    }

    pub(super) async fn decided(&self, run: &Run, gate: &Gate, approve: bool, comment: &str) -> Called<()> {
        let pipeline = number(&run.id)?;
        if let Some(id) = gate.id.strip_prefix("job:") {
            let id = number(id)?.to_string();
            if !approve {
                return Err(cannot("GitLab has no way to turn a manual job down; cancel the pipeline instead"));
            }
            let job: Job = self.done(self.get(&["jobs", &id])).await?.json()?;
            if !belongs(&job, pipeline) {
                return Err(foreign());
            }
            if job.status != "manual" {
                return Err(answered());
            }
            return already_is_conflict(self.done(self.post(&["jobs", &id, "play"])).await, "Unplayable");
        }
        if let Some(id) = gate.id.strip_prefix("deployment:") {
            let id = number(id)?.to_string();
            let deployment: Deployment = self.done(self.get(&["deployments", &id])).await?.json()?;
            if !deployment.deployable.as_ref().is_some_and(|job| belongs(job, pipeline)) {
                return Err(foreign());
            }
            if deployment.status != "blocked" {
                return Err(answered());
            }
            let status = if approve { "approved" } else { "rejected" };
            let comment: String = comment.chars().take(255).collect();
            let body = json!({ "status": status, "comment": comment });
            // GitLab answers 400 where this user gave their word already, or no more is needed.
            return already_is_conflict(self.done(self.post(&["deployments", &id, "approval"]).json(&body)).await, "");
        }
        Err(cannot("GitLab: the gate is none of GitLab's"))
    }

    pub(super) async fn cancelled(&self, run: &Run) -> Called<()> {
        let pipeline = self.pipeline(run).await?;
        if is_over(&pipeline.status) {
            return Err(Failure::refused(Refused::Conflict, "GitLab: the pipeline has ended already"));
        }
        let path = ["pipelines", &pipeline.id.to_string(), "cancel"];
        // Asking for it twice is the same as asking once: what is asked for is a state.
        let after: Pipeline = self.done(self.post(&path).harmless()).await?.json()?;
        // GitLab says 200 whether or not it did anything (gitlab-org/gitlab#519143).
        match after.status.as_str() {
            "success" | "failed" | "skipped" => {
                Err(Failure::refused(Refused::Conflict, "GitLab: the pipeline ended before it could be cancelled"))
            }
            "manual" => Err(Failure::refused(
                Refused::Conflict,
                "GitLab: nothing of the pipeline runs that could be cancelled; its manual job stays until it is played",
            )),
            _ => Ok(()),
        }
    }

    pub(super) async fn trace(&self, run: &Run) -> Called<Log> {
        let pipeline = self.pipeline(run).await?;
        let mut jobs = self.jobs(&pipeline).await?;
        jobs.sort_by_key(|job| job.id);
        let is = |status: &'static str| move |job: &&Job| job.status == status;
        let failed = jobs.iter().find(|job| job.status == "failed" && !job.allow_failure);
        let job = failed
            .or_else(|| jobs.iter().rfind(is("running")))
            .or_else(|| jobs.iter().find(is("failed")))
            .or_else(|| jobs.iter().rfind(|job| self.is_target(job) && job.is_done()))
            .or_else(|| jobs.iter().rfind(is("success")));
        let Some(job) = job else {
            return Err(Failure::refused(Refused::NotFound, "GitLab: no job of the pipeline has begun"));
        };
        // GitLab's own API gives the whole trace; object storage and proxies in front of it may heed the range.
        let range = HeaderValue::from_static("bytes=-65536");
        let call = self.get(&["jobs", &job.id.to_string(), "trace"]).header(RANGE, range);
        let reply = call.exchange().await?;
        let body: &[u8] = match reply.status {
            200..=299 => &reply.body,
            416 => &[],
            _ => return Err(refusal(&reply)),
        };
        let step = Some(redact::outside("job", &job.name));
        Ok(Log { step, tail: tail(body, &[self.token.expose()]) })
    }

    async fn pipeline(&self, run: &Run) -> Called<Pipeline> {
        let id = number(&run.id)?.to_string();
        self.done(self.get(&["pipelines", &id])).await?.json()
    }

    /// The pipeline's jobs, also those that start another pipeline, which can be manual too.
    async fn jobs(&self, pipeline: &Pipeline) -> Called<Vec<Job>> {
        let id = pipeline.id.to_string();
        let mut jobs: Vec<Job> = self.list(&["pipelines", &id, "jobs"], &[]).await?;
        jobs.extend(self.list::<Job>(&["pipelines", &id, "bridges"], &[]).await?);
        Ok(jobs)
    }
}

/// Whether a job is one of this pipeline's. One that does not say is not.
fn belongs(job: &Job, pipeline: u64) -> bool {
    job.pipeline.is_some_and(|of| of.id == pipeline)
}

fn is_over(status: &str) -> bool {
    matches!(status, "success" | "failed" | "canceled" | "skipped")
}

/// Statuses from docs.gitlab.com/api/pipelines; `canceling` and `waiting_for_callback` came later than the others.
fn state_of(status: &str, jobs: &[Job]) -> RunState {
    let has_begun = jobs.iter().any(|job| job.is_done() || job.status == "running");
    match status {
        "success" => RunState::Succeeded,
        "failed" => RunState::Failed,
        "canceled" | "skipped" => RunState::Cancelled,
        "manual" => RunState::Waiting,
        "created" | "waiting_for_resource" | "preparing" | "pending" if !has_begun => RunState::Queued,
        _ => RunState::Running,
    }
}

/// The job that runs, that failed, or that waits.
fn step_of(state: RunState, jobs: &[Job]) -> Option<Outside> {
    let of = |status: &str| jobs.iter().filter(|job| job.status == status).min_by_key(|job| job.id);
    let job = match state {
        RunState::Failed => jobs
            .iter()
            .filter(|job| job.status == "failed" && !job.allow_failure)
            .min_by_key(|job| job.id)
            .or_else(|| of("failed")),
        RunState::Running => of("running").or_else(|| of("pending")).or_else(|| of("scheduled")),
        RunState::Waiting => of("manual"),
        RunState::Queued | RunState::Succeeded | RunState::Cancelled => None,
    };
    job.map(|job| redact::outside("job", &job.name))
}

fn answered() -> Failure {
    Failure::refused(Refused::Conflict, "GitLab: it was answered already")
}

fn foreign() -> Failure {
    Failure::refused(Refused::NotFound, "GitLab: the gate does not belong to this pipeline")
}

/// A 400 that says `words` means that somebody was sooner.
fn already_is_conflict<T>(outcome: Called<T>, words: &str) -> Called<()> {
    match outcome {
        Ok(_) => Ok(()),
        Err(Failure::Permanent { why, kind: Refused::Malformed }) if why.contains(" 400") && why.contains(words) => {
            Err(Failure::refused(Refused::Conflict, why))
        }
        Err(failure) => Err(failure),
    }
}
