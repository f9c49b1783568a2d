//! How a build request and its build stand, its end, its log.
//!
//! What holds: a request that was merged into another one (`collapseRequests`, which is on by default) has not
//! deployed anything, though Buildbot calls it complete; that Buildbot answers 200 to stopping what is not there is
//! seen beforehand.

use operations::pipeline::{Log, Progress, Run, RunState};
use operations::text::Outside;
use serde_json::{Map, Value};

use super::wire::{Build, Builds, Chunks, Logs, Request, Requests, Step, Steps, WireLog};
use super::{Buildbot, number};
use crate::pipelines::tail::tail;
use crate::pipelines::{Called, Failure, Refused};
use crate::redact;

/// So many lines of a log are asked for; fewer where they are too long to be read.
const LINES: [u64; 2] = [200, 20];

/// Results as in `buildbot.process.results`; -1 and null stand for none.
const SUCCESS: i64 = 0;
const WARNINGS: i64 = 1;
const FAILURE: i64 = 2;
const SKIPPED: i64 = 3;
const EXCEPTION: i64 = 4;
const RETRY: i64 = 5;
const CANCELLED: i64 = 6;

impl Buildbot {
    pub(super) async fn progress(&self, run: &Run) -> Called<Progress> {
        let request = self.request(run).await?;
        let Some(build) = self.build(&request).await? else {
            return Ok(unbuilt(&request));
        };
        let steps = self.steps(&build).await?;
        let state = match build.complete {
            false => RunState::Running,
            true => state_of(build.results),
        };
        let mut progress = Progress::bare(state);
        let shown: Vec<&Step> = steps.iter().filter(|step| !step.hidden).collect();
        progress.done = count(shown.iter().filter(|step| step.complete).count());
        // Steps come up as the build gets to them, so how many there will be is known only at the end.
        if state.is_over() {
            progress.total = count(shown.len());
        }
        let step = match state {
            RunState::Failed => steps.iter().find(|step| is_bad(step)),
            RunState::Running => steps.iter().rfind(|step| !step.complete),
            _ => None,
        };
        progress.step = step.map(|step| redact::outside("step", &step.name));
        let page = self.page(&format!("builders/{}/builds/{}", build.builderid, build.number));
        let now = Run { id: run.id.clone(), url: page };
        progress.run = Some(now).filter(|now| now != run);
        Ok(progress)
    }

    async fn request(&self, run: &Run) -> Called<Request> {
        let id = number(&run.id)?.to_string();
        let requests: Requests = self.ask(&["buildrequests", &id], &[]).await?;
        let none = || Failure::refused(Refused::NotFound, "Buildbot does not know the build request any more");
        requests.buildrequests.into_iter().next().ok_or_else(none)
    }

    /// The newest build of a request: one that is tried again has several.
    async fn build(&self, request: &Request) -> Called<Option<Build>> {
        let id = request.buildrequestid.to_string();
        let query = [("buildrequestid", id.as_str()), ("order", "-buildid"), ("limit", "1")];
        let builds: Builds = self.ask(&["builds"], &query).await?;
        Ok(builds.builds.into_iter().next())
    }

    async fn steps(&self, build: &Build) -> Called<Vec<Step>> {
        let steps: Steps = self.ask(&["builds", &build.buildid.to_string(), "steps"], &[]).await?;
        let mut steps = steps.steps;
        steps.sort_by_key(|step| step.number);
        Ok(steps)
    }

    pub(super) async fn cancelled(&self, run: &Run) -> Called<()> {
        let request = self.request(run).await?;
        let build = self.build(&request).await?;
        if request.complete || build.as_ref().is_some_and(|build| build.complete && build.results != Some(RETRY)) {
            return Err(Failure::refused(Refused::Conflict, "Buildbot: the build has ended already"));
        }
        let mut params = Map::new();
        params.insert("reason".to_owned(), Value::from("cancelled through Muster"));
        // It is only told to stop; the answer says nothing about whether it did.
        match build.filter(|build| !build.complete) {
            Some(build) => self.control(&["builds", &build.buildid.to_string()], "stop", params, true).await?,
            None => {
                let id = request.buildrequestid.to_string();
                self.control(&["buildrequests", &id], "cancel", params, true).await?
            }
        };
        Ok(())
    }

    pub(super) async fn end_of_log(&self, run: &Run) -> Called<Log> {
        let none = || Failure::refused(Refused::NotFound, "Buildbot has no log of it yet");
        let request = self.request(run).await?;
        let build = self.build(&request).await?.ok_or_else(none)?;
        let steps = self.steps(&build).await?;
        let failed = steps.iter().find(|step| is_bad(step));
        let step = failed.or_else(|| steps.iter().rfind(|step| !step.complete));
        let step = step.or_else(|| steps.iter().rfind(|step| !step.hidden)).ok_or_else(none)?;
        let logs: Logs = self.ask(&["steps", &step.stepid.to_string(), "logs"], &[]).await?;
        let readable = |log: &&WireLog| log.kind != "h";
        let log = logs.logs.iter().find(|log| log.slug == "stdio").or_else(|| logs.logs.iter().find(readable));
        let log = log.ok_or_else(none)?;
        let content = self.lines(log).await?;
        let plain = if log.kind == "s" { of_stdio(&content) } else { content };
        let step = Some(redact::outside("step", &step.name));
        Ok(Log { step, tail: tail(plain, &self.secrets()) })
    }

    async fn lines(&self, log: &WireLog) -> Called<String> {
        let mut outcome = Ok(String::new());
        for lines in LINES {
            let (offset, limit) = (log.num_lines.saturating_sub(lines).to_string(), lines.to_string());
            let query = [("offset", offset.as_str()), ("limit", &limit)];
            let chunks: Called<Chunks> = self.ask(&["logs", &log.logid.to_string(), "contents"], &query).await;
            outcome = chunks.map(|chunks| chunks.logchunks.into_iter().map(|chunk| chunk.content).collect());
            match &outcome {
                Err(failure) if failure.is(Refused::TooLong) => {}
                _ => break,
            }
        }
        outcome
    }
}

/// Each line of a log of stdio begins with where it is from: `o`, `e`, or `h` for what Buildbot wrote itself. Of that
/// only the last word is kept: the rest lists the command and the worker's whole environment, with its secrets.
fn of_stdio(content: &str) -> String {
    let mut plain = String::with_capacity(content.len());
    for line in content.lines() {
        let mut chars = line.chars();
        let is_kept = match chars.next() {
            Some('o' | 'e') => true,
            Some('h') => {
                chars.as_str().starts_with("program finished") || chars.as_str().starts_with("command timed out")
            }
            _ => false,
        };
        if is_kept {
            plain.push_str(chars.as_str());
            plain.push('\n');
        }
    }
    plain
}

/// A request without a build: it waits, was cancelled, or was merged into a newer one.
fn unbuilt(request: &Request) -> Progress {
    if !request.complete {
        return Progress::bare(RunState::Queued);
    }
    let mut progress = Progress::bare(state_of(request.results));
    if request.results == Some(SKIPPED) {
        let why = "Buildbot merged it into a newer request of this builder; turn collapseRequests off for it";
        progress.step = Some(Outside::new(why));
    }
    if progress.state == RunState::Succeeded {
        // Nothing was built, so nothing was deployed.
        progress.state = RunState::Cancelled;
    }
    progress
}

fn state_of(results: Option<i64>) -> RunState {
    match results {
        Some(SUCCESS | WARNINGS) => RunState::Succeeded,
        Some(FAILURE | EXCEPTION) => RunState::Failed,
        Some(SKIPPED | CANCELLED) => RunState::Cancelled,
        // The request is built again.
        Some(RETRY) => RunState::Queued,
        _ => RunState::Running,
    }
}

fn is_bad(step: &Step) -> bool {
    matches!(step.results, Some(FAILURE | EXCEPTION))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
