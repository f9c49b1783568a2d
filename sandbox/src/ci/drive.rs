//! Runs moved by hand.

use std::sync::Arc;

use jiff::Timestamp;

use super::model::{Repository, Run};
use super::{Shared, pending, script};

/// A run that a test moves. A run that is not there is not moved.
pub struct RunHandle {
    shared: Arc<Shared>,
    id: u64,
}

impl RunHandle {
    pub(super) fn new(shared: Arc<Shared>, id: u64) -> RunHandle {
        RunHandle { shared, id }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Repository, usize, Timestamp) -> T) -> Option<T> {
        self.shared.with(|state| {
            let now = state.now;
            let (repository, at) = state.with_run(self.id)?;
            Some(work(repository, at, now))
        })
    }

    /// Looks at the run.
    fn look<T>(&self, of: impl FnOnce(&Run) -> T) -> Option<T> {
        self.with(|repository, at, _| of(&repository.runs[at]))
    }

    /// `queued`, `in_progress`, `waiting` or `completed`; empty where there is no such run.
    #[must_use]
    pub fn status(&self) -> String {
        self.look(|run| run.status.to_owned()).unwrap_or_default()
    }

    /// How it ended.
    #[must_use]
    pub fn conclusion(&self) -> Option<String> {
        self.look(|run| run.conclusion.clone()).flatten()
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.look(|run| run.title.clone()).unwrap_or_default()
    }

    /// A runner takes its next job: the first, or the one after the job that runs. One whose environment has reviewers
    /// waits for them.
    pub fn begin(&self) {
        self.with(|repository, at, now| {
            if let Some(job) = script::current(&repository.runs[at]) {
                script::end_job(repository, at, job, now, "success");
            }
            script::begin_next(repository, at, now);
        });
    }

    /// The step that runs has succeeded, and this one begins; it is added where the job has none of that name.
    pub fn step(&self, name: &str) {
        self.with(|repository, at, now| {
            if let Some(job) = script::current(&repository.runs[at]) {
                script::begin_step(repository, at, job, name, now);
            }
        });
    }

    /// The job that runs has succeeded, and the next one waits for this environment's reviewers.
    pub fn wait_for_approval(&self, environment: &str) {
        self.with(|repository, at, now| {
            if let Some(job) = script::current(&repository.runs[at]) {
                script::end_job(repository, at, job, now, "success");
            }
            let next = repository.runs[at].jobs.iter().position(|job| job.status == "queued");
            if let Some(job) = next {
                repository.runs[at].jobs[job].environment = Some(environment.to_owned());
                repository.runs[at].approved.retain(|it| it != environment);
                script::hold(repository, at, job, now);
            }
        });
    }

    /// Another reviewer of the environment answers on GitHub's page.
    ///
    /// # Errors
    /// Nothing waits for that, or they are no reviewer.
    pub fn review(&self, environment: &str, login: &str, approve: bool) -> Result<(), String> {
        let id = self
            .with(|repository, _, _| repository.environments.iter().find(|it| it.name == environment).map(|it| it.id));
        let id = id.flatten().ok_or("there is no such environment")?;
        let done = self.shared.with(|state| pending::decide(state, self.id, &[id], approve, login));
        done.map(|_| ()).map_err(|refusal| refusal.body["message"].as_str().unwrap_or_default().to_owned())
    }

    /// Writes a line into the log of the job that runs, or of the last one that did.
    pub fn log(&self, line: &str) {
        self.with(|repository, at, now| {
            repository.changed = true;
            let run = &mut repository.runs[at];
            let job = script::current(run).or_else(|| run.jobs.iter().rposition(|job| job.started.is_some()));
            if let Some(job) = job {
                script::write_log(&mut run.jobs[job], line, now);
            }
        });
    }

    /// The run ends: `success`, `failure`, `cancelled`, `timed_out`, or any other conclusion of GitHub's.
    pub fn finish(&self, conclusion: &str) {
        self.with(|repository, at, now| script::finish(repository, at, now, conclusion));
    }
}
