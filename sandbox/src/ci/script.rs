//! Runs as they move: each move by hand is one of these, and the clock makes the same ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Shared;
use super::dispatch::filled;
use super::model::{Job, Moves, Repository, Run, Step, StepScript, Workflow};
use super::payload::{tell_job, tell_run};
use super::state::State;

/// Moves runs whenever their time has come, so that webhooks go out without anybody looking.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut version = shared.version.subscribe();
    loop {
        version.borrow_and_update();
        let next = shared.with(|state| {
            let runs = state.repositories.iter().flat_map(|it| &it.runs);
            runs.filter_map(|run| run.next).min()
        });
        let due = async {
            match next {
                Some(at) => shared.time.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            changed = version.changed() => if changed.is_err() { return },
        }
    }
}

/// Begins a run that nobody has moved yet; its id.
pub(super) fn new_run(
    state: &mut State,
    repository: &str,
    (workflow, file): (u64, &Workflow),
    event: &str,
    title: &str,
    (branch, sha): (&str, &str),
    inputs: BTreeMap<String, String>,
) -> u64 {
    let (id, suite, now) = (state.id(), state.id(), state.now);
    let jobs = file.jobs.iter().map(|it| new_job(state.id(), it, &inputs)).collect();
    let Some(repository) = state.find_mut(repository) else { return id };
    let number = repository.runs.iter().filter(|run| run.workflow == workflow).count() as u64 + 1;
    let next = queued_until(file, now);
    repository.runs.push(Run {
        id,
        workflow,
        suite,
        number,
        attempt: 1,
        event: event.to_owned(),
        title: title.to_owned(),
        branch: branch.to_owned(),
        sha: sha.to_owned(),
        status: "queued",
        conclusion: None,
        created: now,
        updated: now,
        inputs,
        jobs,
        approved: Vec::new(),
        next,
    });
    let at = repository.runs.len() - 1;
    tell_run(repository, at, "requested");
    id
}

fn queued_until(file: &Workflow, now: Timestamp) -> Option<Timestamp> {
    match file.moves {
        Moves::ByHand => None,
        Moves::ByClock { queued } => Some(now + SignedDuration::from_secs(i64::from(queued))),
    }
}

fn new_job(id: u64, it: &super::model::JobScript, inputs: &BTreeMap<String, String>) -> Job {
    let step = |script: &StepScript| Step { script: script.clone(), status: "queued", conclusion: None };
    Job {
        id,
        name: it.name.clone(),
        environment: it.environment.as_ref().map(|name| filled(name, inputs)),
        status: "queued",
        conclusion: None,
        steps: it.steps.iter().map(step).collect(),
        log: String::new(),
        started: None,
        completed: None,
    }
}

/// Runs an ended run once more, with new jobs.
pub(super) fn again(state: &mut State, repository: &str, run: u64) {
    let now = state.now;
    let Some(found) = state.find(repository) else { return };
    let Some(old) = found.runs.iter().find(|it| it.id == run) else { return };
    let Some((_, file)) = found.workflows.iter().find(|(id, _)| *id == old.workflow).cloned() else { return };
    let inputs = old.inputs.clone();
    let jobs: Vec<Job> = file.jobs.iter().map(|it| new_job(state.id(), it, &inputs)).collect();
    let Some(repository) = state.find_mut(repository) else { return };
    let Some(at) = repository.runs.iter().position(|it| it.id == run) else { return };
    let it = &mut repository.runs[at];
    it.attempt += 1;
    (it.status, it.conclusion, it.updated, it.jobs) = ("queued", None, now, jobs);
    it.approved.clear();
    it.next = queued_until(&file, now);
    tell_run(repository, at, "requested");
}

/// Moves the runs whose time has come.
pub(super) fn advance(repository: &mut Repository, now: Timestamp) {
    for at in 0..repository.runs.len() {
        while let Some(due) = repository.runs[at].next.filter(|due| *due <= now) {
            repository.runs[at].next = None;
            step_on(repository, at, due);
        }
    }
}

/// The next thing that happens to a run that moves by the clock.
fn step_on(repository: &mut Repository, at: usize, now: Timestamp) {
    let Some(job) = current(&repository.runs[at]) else {
        begin_next(repository, at, now);
        return clock_on(repository, at, now);
    };
    let steps = &repository.runs[at].jobs[job].steps;
    let running = steps.iter().position(|step| step.status == "in_progress");
    let fails = running.is_some_and(|it| steps[it].script.fails);
    if fails {
        return finish(repository, at, now, "failure");
    }
    let next = steps.iter().find(|step| step.status == "queued").map(|step| step.script.name.clone());
    match next {
        Some(name) => begin_step(repository, at, job, &name, now),
        None => {
            end_job(repository, at, job, now, "success");
            begin_next(repository, at, now);
        }
    }
    clock_on(repository, at, now);
}

/// Sets the time of the next move.
fn clock_on(repository: &mut Repository, at: usize, now: Timestamp) {
    let run = &mut repository.runs[at];
    let Some(job) = current(run) else { return };
    let running = run.jobs[job].steps.iter().find(|step| step.status == "in_progress");
    let seconds = running.map_or(0, |step| step.script.seconds);
    run.next = Some(now + SignedDuration::from_secs(i64::from(seconds)));
}

/// The job that runs.
pub(super) fn current(run: &Run) -> Option<usize> {
    run.jobs.iter().position(|job| job.status == "in_progress")
}

/// Begins the next job, or lets it wait for its environment; without one the run has succeeded.
pub(super) fn begin_next(repository: &mut Repository, at: usize, now: Timestamp) {
    if repository.runs[at].status == "completed" {
        return;
    }
    let Some(job) = repository.runs[at].jobs.iter().position(|job| matches!(job.status, "queued" | "waiting")) else {
        return end(repository, at, now, "success");
    };
    let environment = repository.runs[at].jobs[job].environment.clone();
    let is_held = environment.is_some_and(|name| {
        let known = repository.environments.iter().any(|it| it.name == name && !it.reviewers.is_empty());
        known && !repository.runs[at].approved.contains(&name)
    });
    if is_held {
        return hold(repository, at, job, now);
    }
    let run = &mut repository.runs[at];
    let was = run.status;
    (run.status, run.updated) = ("in_progress", now);
    (run.jobs[job].status, run.jobs[job].started) = ("in_progress", Some(now));
    let first = run.jobs[job].steps.first().map(|step| step.script.name.clone());
    tell_job(repository, at, job, "in_progress");
    if was != "in_progress" {
        tell_run(repository, at, "in_progress");
    }
    if let Some(name) = first {
        begin_step(repository, at, job, &name, now);
    }
}

/// Lets a job wait for somebody's word.
pub(super) fn hold(repository: &mut Repository, at: usize, job: usize, now: Timestamp) {
    let run = &mut repository.runs[at];
    (run.status, run.updated, run.next) = ("waiting", now, None);
    run.jobs[job].status = "waiting";
    tell_job(repository, at, job, "waiting");
}

/// Ends the step that runs, if any, and begins another, which is added where the job has none of that name.
pub(super) fn begin_step(repository: &mut Repository, at: usize, job: usize, name: &str, now: Timestamp) {
    repository.changed = true;
    let run = &mut repository.runs[at];
    run.updated = now;
    let job = &mut run.jobs[job];
    end_steps(job, "success");
    if !job.steps.iter().any(|step| step.script.name == name) {
        job.steps.push(Step { script: StepScript::new(name, 0, ""), status: "queued", conclusion: None });
    }
    if let Some(step) = job.steps.iter_mut().find(|step| step.script.name == name) {
        step.status = "in_progress";
        let line = step.script.log.clone();
        write_log(job, &format!("##[group]Run {name}"), now);
        for line in line.lines() {
            write_log(job, line, now);
        }
    }
}

/// Adds a line to a log, with the time in front as GitHub's logs have it.
pub(super) fn write_log(job: &mut Job, line: &str, now: Timestamp) {
    job.log.push_str(&format!("{now:.7} {line}\n"));
}

fn end_steps(job: &mut Job, conclusion: &str) {
    for step in job.steps.iter_mut().filter(|step| step.status == "in_progress") {
        (step.status, step.conclusion) = ("completed", Some(conclusion.to_owned()));
    }
}

/// Ends a job; its steps that have not begun are skipped.
pub(super) fn end_job(repository: &mut Repository, at: usize, job: usize, now: Timestamp, conclusion: &str) {
    let it = &mut repository.runs[at].jobs[job];
    end_steps(it, conclusion);
    for step in it.steps.iter_mut().filter(|step| step.status == "queued") {
        (step.status, step.conclusion) = ("completed", Some("skipped".to_owned()));
    }
    if conclusion == "failure" {
        write_log(it, "##[error]Process completed with exit code 1.", now);
    }
    (it.status, it.conclusion, it.completed) = ("completed", Some(conclusion.to_owned()), Some(now));
    tell_job(repository, at, job, "completed");
}

/// Ends a run with what runs in it; jobs that have not begun are skipped, or cancelled with it.
pub(super) fn finish(repository: &mut Repository, at: usize, now: Timestamp, conclusion: &str) {
    if repository.runs[at].status == "completed" {
        return;
    }
    for job in 0..repository.runs[at].jobs.len() {
        match repository.runs[at].jobs[job].status {
            "in_progress" => end_job(repository, at, job, now, conclusion),
            "queued" | "waiting" => {
                let left = if conclusion == "cancelled" { "cancelled" } else { "skipped" };
                end_job(repository, at, job, now, left);
            }
            _ => {}
        }
    }
    end(repository, at, now, conclusion);
}

fn end(repository: &mut Repository, at: usize, now: Timestamp, conclusion: &str) {
    let run = &mut repository.runs[at];
    (run.status, run.conclusion, run.updated, run.next) = ("completed", Some(conclusion.to_owned()), now, None);
    tell_run(repository, at, "completed");
}

/// Goes on with what waited for an environment that was approved.
pub(super) fn go_on(repository: &mut Repository, at: usize, now: Timestamp) {
    begin_next(repository, at, now);
    wind(repository, at, now);
}

/// Counts the time of what runs from now on, where the clock moves the run.
pub(super) fn wind(repository: &mut Repository, at: usize, now: Timestamp) {
    let workflow = repository.runs[at].workflow;
    let file = repository.workflows.iter().find(|(id, _)| *id == workflow);
    if file.is_some_and(|(_, file)| matches!(file.moves, Moves::ByClock { .. })) {
        clock_on(repository, at, now);
    }
}
