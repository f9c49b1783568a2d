//! How a build stands, its input steps, its end, its log.
//!
//! What holds: an item of the queue becomes a build once, and the build is this job's; a build that Jenkins has no
//! stages of is still followed; an input step that asks for values is not answered without them; of a log only the
//! end is read.

use operations::pipeline::{Gate, Log, Progress, Run, RunState};
use operations::text::Outside;
use reqwest::Method;

use super::wire::{Build, Input, Item, Stages, carries};
use super::{Jenkins, Place};
use crate::pipelines::tail::{self, tail};
use crate::pipelines::text::web;
use crate::pipelines::{Called, Failure, Refused, cannot};
use crate::redact;

/// Where a run is now.
enum Found {
    Waits(Item),
    Gone,
    Build(u64),
}

impl Jenkins {
    pub(super) async fn progress(&self, run: &Run) -> Called<Progress> {
        let number = match self.located(run).await? {
            Found::Build(number) => number,
            Found::Gone => return Ok(Progress::bare(RunState::Cancelled)),
            Found::Waits(item) => {
                let why = item.why.as_deref().map(|why| redact::outside("why", why));
                return Ok(Progress { step: why, ..Progress::bare(RunState::Queued) });
            }
        };
        let build = self.build(number).await?;
        let mut progress = Progress::bare(state_of(&build));
        if progress.state == RunState::Running {
            progress.step = self.usual(&build);
        }
        if let Some(stages) = self.stages(number).await? {
            self.with_stages(&stages, &mut progress);
        }
        if progress.state == RunState::Waiting {
            progress.gates = self.inputs(number).await?.iter().map(gate).collect();
        }
        if build.result.as_deref() == Some("UNSTABLE") && progress.step.is_none() {
            progress.step = Some(Outside::new("the build is unstable"));
        }
        let now = Run { id: Place::Build(number).id(), url: web(&build.url) };
        progress.run = Some(now).filter(|now| now != run);
        Ok(progress)
    }

    /// Stages come up as the build gets to them, so how many there will be is known only at the end.
    fn with_stages(&self, stages: &Stages, progress: &mut Progress) {
        let all = u32::try_from(stages.stages.len()).unwrap_or(u32::MAX);
        let is_done = |status: &str| matches!(status, "SUCCESS" | "FAILED" | "ABORTED" | "UNSTABLE" | "NOT_EXECUTED");
        let done = stages.stages.iter().filter(|stage| is_done(&stage.status)).count();
        progress.done = u32::try_from(done).unwrap_or(u32::MAX);
        let wanted: &[&str] = match progress.state {
            RunState::Running if stages.status == "PAUSED_PENDING_INPUT" => {
                progress.state = RunState::Waiting;
                &["PAUSED_PENDING_INPUT"]
            }
            RunState::Running => &["IN_PROGRESS"],
            RunState::Failed => &["FAILED", "UNSTABLE"],
            _ => &[],
        };
        if progress.state.is_over() {
            progress.total = all;
        }
        if let Some(stage) = stages.stages.iter().find(|stage| wanted.contains(&stage.status.as_str())) {
            progress.step = Some(redact::outside("stage", &stage.name));
        }
    }

    /// How long it takes as a rule: all that Jenkins says about a build without stages.
    fn usual(&self, build: &Build) -> Option<Outside> {
        let passed = self.api.clock().now().as_millisecond().checked_sub(build.timestamp)? / 60_000;
        let usual = build.estimated / 60_000;
        (build.estimated > 0 && passed >= 0)
            .then(|| Outside::new(&format!("for {passed} min, usually {} min", usual.max(1))))
    }

    /// Where the run is: in the queue, among the builds, or nowhere any more.
    async fn located(&self, run: &Run) -> Called<Found> {
        let (number, id) = match Place::of(run)? {
            Place::Build(number) => return Ok(Found::Build(number)),
            Place::Queue(number, id) => (number, id),
        };
        let tree = "id,cancelled,why,task[url],actions[parameters[name,value]],executable[number]";
        let call = self.api.get(&["queue", "item", &number.to_string(), "api", "json"]).query(&[("tree", tree)]);
        let item: Option<Item> = match call.send().await {
            Ok(reply) => Some(reply.json()?),
            Err(failure) if failure.is(Refused::NotFound) => None,
            Err(failure) => return Err(failure),
        };
        // Numbers are given anew when Jenkins lost its queue; what carries another id is somebody else's.
        let name = &self.target.parameters.id;
        if let Some(item) = item.filter(|item| carries(&item.actions, name, &id) && self.is_own_task(item)) {
            return Ok(match &item.executable {
                Some(build) => Found::Build(build.number),
                None if item.cancelled => Found::Gone,
                None => Found::Waits(item),
            });
        }
        // It left the queue more than five minutes ago.
        match self.build_of(&id).await? {
            Some(run) => match Place::of(&run)? {
                Place::Build(number) => Ok(Found::Build(number)),
                Place::Queue(..) => Err(lost()),
            },
            None => Err(lost()),
        }
    }

    async fn build(&self, number: u64) -> Called<Build> {
        let tree = "number,building,result,url,timestamp,estimatedDuration";
        self.get(&[&number.to_string(), "api", "json"]).query(&[("tree", tree)]).send().await?.json()
    }

    /// Without the plug-in, and for jobs that are no pipelines, Jenkins answers 404.
    async fn stages(&self, number: u64) -> Called<Option<Stages>> {
        match self.get(&[&number.to_string(), "wfapi", "describe"]).send().await {
            Ok(reply) => Ok(reply.json().ok()),
            Err(failure) if failure.is(Refused::NotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn inputs(&self, number: u64) -> Called<Vec<Input>> {
        self.get(&[&number.to_string(), "wfapi", "pendingInputActions"]).send().await?.json()
    }

    pub(super) async fn decided(&self, run: &Run, gate: &Gate, approve: bool) -> Called<()> {
        let Found::Build(number) = self.located(run).await? else {
            return Err(Failure::refused(Refused::Conflict, "Jenkins: the build has not begun"));
        };
        let inputs = self.inputs(number).await?;
        let Some(input) = inputs.iter().find(|input| input.id == gate.id) else {
            return Err(Failure::refused(Refused::Conflict, "Jenkins: it was answered already"));
        };
        if approve && !input.inputs.is_empty() {
            return Err(cannot("Jenkins asks for values there, which only its page can give; open the build"));
        }
        let answer = if approve { "proceedEmpty" } else { "abort" };
        let build = number.to_string();
        let path = [build.as_str(), "input", input.id.as_str(), answer];
        match self.act(|| self.call(Method::POST, &path)).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is(Refused::NotFound) => {
                Err(Failure::refused(Refused::Conflict, "Jenkins: it was answered already"))
            }
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn cancelled(&self, run: &Run) -> Called<()> {
        let ended = || Failure::refused(Refused::Conflict, "Jenkins: the build has ended already");
        match self.located(run).await? {
            Found::Gone => Err(ended()),
            Found::Waits(item) => {
                let id = item.id.to_string();
                let call = || self.api.post(&["queue", "cancelItem"]).query(&[("id", &id)]).harmless();
                match self.act(call).await {
                    Ok(_) => Ok(()),
                    // Versions before 2.268 end with a redirect to a page that is not there.
                    Err(failure) if failure.is(Refused::NotFound) => match self.located(run).await? {
                        Found::Gone => Ok(()),
                        Found::Waits(_) => Err(failure),
                        Found::Build(number) => self.stopped(number).await,
                    },
                    Err(failure) => Err(failure),
                }
            }
            Found::Build(number) => {
                if self.build(number).await?.building {
                    self.stopped(number).await
                } else {
                    Err(ended())
                }
            }
        }
    }

    /// Asking twice is the same as asking once: what is asked for is that it ends.
    async fn stopped(&self, number: u64) -> Called<()> {
        let number = number.to_string();
        self.act(|| self.call(Method::POST, &[number.as_str(), "stop"]).harmless()).await.map(|_| ())
    }

    pub(super) async fn end_of_log(&self, run: &Run) -> Called<Log> {
        let Found::Build(number) = self.located(run).await? else {
            return Err(Failure::refused(Refused::NotFound, "Jenkins: the build has not begun"));
        };
        let number = number.to_string();
        let path = [number.as_str(), "logText", "progressiveText"];
        // A start behind the end would give all of it, so its length is asked for first.
        let size = match self.call(Method::HEAD, &path).query(&[("start", "0")]).send().await {
            Ok(reply) => reply.header("x-text-size").and_then(|size| size.parse::<u64>().ok()),
            Err(failure) if failure.is(Refused::Malformed) => None,
            Err(failure) => return Err(failure),
        };
        let start = size.unwrap_or(0).saturating_sub(tail::WINDOW as u64);
        let reply = self.get(&path).query(&[("start", &start.to_string())]).send().await?;
        // What was cut in two is no line.
        let cut = reply.body.iter().position(|byte| *byte == b'\n').filter(|_| start > 0);
        let body = cut.map_or(&reply.body[..], |at| &reply.body[at + 1..]);
        Ok(Log { step: None, tail: tail(body, &[self.token.expose()]) })
    }
}

fn lost() -> Failure {
    let why = "Jenkins has neither an item of the queue nor a build of it any more";
    Failure::refused(Refused::NotFound, why)
}

fn gate(input: &Input) -> Gate {
    let name = if input.message.is_empty() { &input.id } else { &input.message };
    Gate { id: input.id.clone(), name: redact::outside("gate", name).short(200) }
}

/// Results are those of `hudson.model.Result`. A build that still runs may have one already.
fn state_of(build: &Build) -> RunState {
    match build.result.as_deref() {
        _ if build.building => RunState::Running,
        Some("SUCCESS") => RunState::Succeeded,
        // Something in it went wrong that did not stop it; a deploy of which that is true did not end well.
        Some("FAILURE" | "UNSTABLE") => RunState::Failed,
        Some("ABORTED" | "NOT_BUILT") => RunState::Cancelled,
        // Neither: it has just begun, or waits to be resumed.
        _ => RunState::Running,
    }
}
