//! What can be done from a page: a runner's moves, a reviewer's word, a stop.
//!
//! What holds: what can't be is refused in a sentence that says why, and nothing has changed then. The handle for tests
//! ([`super::RunHandle`]) asks nothing and moves whatever it can.

use serde::{Deserialize, Serialize};

use super::model::{Repository, Run};
use super::state::State;
use super::{pending, script};

/// What a person does on GitHub's pages, or a runner does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act", deny_unknown_fields)]
pub enum Act {
    /// A runner takes the next job of a run; the one that it works on has succeeded.
    Begin {
        /// The run.
        run: u64,
    },
    /// The step that runs has succeeded, and another begins, which is added where the job has none of that name.
    Step {
        /// The run.
        run: u64,
        /// The step's name.
        name: String,
    },
    /// It ends.
    Finish {
        /// The run.
        run: u64,
        /// GitHub's word for how: `success`, `failure`, `timed_out` or `cancelled`.
        conclusion: String,
    },
    /// A reviewer answers.
    Review {
        /// The run.
        run: u64,
        /// The environment's name.
        environment: String,
        /// Who answers.
        login: String,
        /// Whether it may go on.
        approve: bool,
    },
}

/// A step's name is no longer than this.
const LONGEST_NAME: usize = 100;

/// Does it.
pub(super) fn act(state: &mut State, act: &Act) -> Result<(), String> {
    let now = state.now;
    let id = match act {
        Act::Begin { run } | Act::Step { run, .. } | Act::Finish { run, .. } | Act::Review { run, .. } => *run,
    };
    let Some((repository, at)) = state.with_run(id) else { return Err(format!("there is no run {id}")) };
    if let Some(conclusion) = &repository.runs[at].conclusion {
        return Err(format!("run {id} has ended already: {conclusion}"));
    }
    match act {
        Act::Begin { .. } => {
            begins(&repository.runs[at])?;
            if let Some(job) = script::current(&repository.runs[at]) {
                script::end_job(repository, at, job, now, "success");
            }
            script::go_on(repository, at, now);
        }
        Act::Step { name, .. } => {
            let job = steps(&repository.runs[at], name)?;
            script::begin_step(repository, at, job, name, now);
            script::wind(repository, at, now);
        }
        Act::Finish { conclusion, .. } => {
            ends(&repository.runs[at], conclusion)?;
            script::finish(repository, at, now, conclusion);
        }
        Act::Review { environment, login, approve, .. } => {
            let environment = waited_for(repository, at, environment)?;
            let done = pending::decide(state, id, &[environment], *approve, login);
            done.map_err(|refusal| refusal.body["message"].as_str().unwrap_or_default().to_owned())?;
        }
    }
    Ok(())
}

/// Whether a runner can take a job of it.
fn begins(run: &Run) -> Result<(), String> {
    if let Some(job) = run.jobs.iter().find(|job| job.status == "waiting") {
        let environment = job.environment.as_deref().unwrap_or_default();
        return Err(format!("run {} waits for a reviewer of {environment}", run.id));
    }
    match (script::current(run), run.jobs.iter().any(|job| job.status == "queued")) {
        (_, true) => Ok(()),
        (Some(job), false) => {
            Err(format!("job {} of run {} runs already, and no other is left", run.jobs[job].name, run.id))
        }
        (None, false) => Err(format!("run {} has no job that is left", run.id)),
    }
}

/// The job in which a step can begin.
fn steps(run: &Run, name: &str) -> Result<usize, String> {
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(format!("a step's name is one line of 1 to {LONGEST_NAME} characters"));
    }
    let Some(job) = script::current(run) else {
        return Err(format!("no job of run {} runs: a runner begins one first", run.id));
    };
    match run.jobs[job].steps.iter().find(|step| step.script.name == name) {
        Some(step) if step.status != "queued" => Err(format!("step {name} has begun already")),
        Some(_) | None => Ok(job),
    }
}

/// Whether it can end like that.
fn ends(run: &Run, conclusion: &str) -> Result<(), String> {
    match (conclusion, script::current(run)) {
        ("cancelled", _) | ("success" | "failure" | "timed_out", Some(_)) => Ok(()),
        ("success" | "failure" | "timed_out", None) => {
            Err(format!("no job of run {} runs, so it can only be cancelled", run.id))
        }
        _ => Err("a run ends with success, failure, timed_out or cancelled".to_owned()),
    }
}

/// The environment of that name, where the run waits for its reviewers.
fn waited_for(repository: &Repository, at: usize, name: &str) -> Result<u64, String> {
    let run = &repository.runs[at];
    let waits = run.jobs.iter().any(|job| job.status == "waiting" && job.environment.as_deref() == Some(name));
    let found = repository.environments.iter().find(|it| waits && it.name == name);
    found.map(|it| it.id).ok_or_else(|| format!("run {} does not wait for a reviewer of {name}", run.id))
}
