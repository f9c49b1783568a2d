//! What is done at pipelines for deploys.
//!
//! What holds: a start is sent at most once: one that may have been sent before is looked for, and repeated only where
//! the pipeline itself sees to it that the same id is one start. What can't be told is told as that.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use integrations::chat::{Called, Failure, Refused};
use integrations::clock::after;
use integrations::http::api;
use integrations::http::exchange;
use integrations::pipelines::AnyPipeline;
use integrations::redact;
use operations::deploy::effect::{DeployEffect, DeployOutcome};
use operations::deploy::{Deploy, Kind, Looked, Stage, Target};
use operations::effect::Outcome;
use operations::ids::DeployId;
use operations::pipeline::{Changes, Checks, Gate, Idempotency, Order, Progress, Resolved, Run, RunState};
use operations::state::State;
use operations::text::Outside;

use super::carry::Carrier;

/// A start that the pipeline does not take is tried for so long.
const STARTING: Duration = Duration::from_secs(180);

/// How often a run is looked at while it is young, later, and long after.
const POLLS: [(Duration, Duration); 3] = [
    (Duration::from_secs(120), Duration::from_secs(4)),
    (Duration::from_secs(900), Duration::from_secs(10)),
    (Duration::MAX, Duration::from_secs(30)),
];

/// A pipeline that has not answered for so long is told of on the card.
const SILENT: Duration = Duration::from_secs(120);

/// How often an address is asked whether a deploy does well.
const VERIFY_EVERY: Duration = Duration::from_secs(5);

/// What is known of a deploy when something is done for it.
struct Known {
    it: Arc<Deploy>,
    /// What runs there now.
    running: Option<String>,
    /// What is gone back to or brought on: the commit, and the run that once deployed it.
    release: Option<(Resolved, Option<Run>)>,
    /// The address that is asked whether it does well.
    verify: Option<String>,
    by: Outside,
}

fn known(state: &State, id: DeployId) -> Option<Known> {
    let it = state.deploys.get(&id)?.clone();
    let running = state.running(&it.wanted.target).map(|running| running.commit.id.as_str().to_owned());
    let release = it.wanted.release.and_then(|release| state.deploys.get(&release)).and_then(|release| {
        let plan = release.plan.as_ref()?;
        Some((plan.looked.resolved.clone(), release.run.clone()))
    });
    let environment = state.settings.environment(&it.wanted.target);
    let verify = environment.and_then(|it| it.verify.as_ref()).and_then(|verify| verify.http.clone());
    let by = state.settings.name_of(&it.by);
    Some(Known { it, running, release, verify, by })
}

impl Carrier {
    /// Does something at a pipeline, or about a deploy.
    pub(super) async fn deploy(&self, id: DeployId, what: &DeployEffect, suspect: bool) -> Called<Outcome> {
        let Some(known) = self.read(move |state| known(state, id)).await? else { return Ok(Outcome::Done) };
        if let DeployEffect::Tell { to } = what {
            return self.tell_change(to, &known.it, &known.by).await;
        }
        if let DeployEffect::Verify = what {
            return self.verify(&known).await;
        }
        let Some(pipeline) = self.pipelines.of(&known.it.wanted.target) else {
            // What may have been started is not said to have been not.
            return match gone(&known.it.wanted.target) {
                why if suspect && *what == DeployEffect::Dispatch => {
                    Ok(unclear(&format!("the start may have been sent, and it can't be looked for: {why}")))
                }
                why => Err(why),
            };
        };
        let run = || {
            let why = "there is no run".to_owned();
            known.it.run.as_ref().ok_or(Failure::Permanent { why, kind: Refused::Gone })
        };
        match what {
            DeployEffect::Plan { .. } => plan(&pipeline, &known).await.map(told),
            DeployEffect::Dispatch => self.dispatch(&pipeline, &known, suspect).await,
            DeployEffect::Look { look } => look_for(&pipeline, &known, *look).await,
            DeployEffect::Follow => self.follow(&pipeline, &known, run()?).await,
            DeployEffect::Cancel => match pipeline.cancel(run()?).await {
                // It has ended already, which is what the next look tells.
                Err(failure) if failure.is(api::Refused::Conflict) => Ok(Outcome::Done),
                done => done.map(|()| Outcome::Done).map_err(failed),
            },
            DeployEffect::Gate { gate, approve, by } => {
                let comment = format!("{} in chat, {id}", by.as_str());
                answer(&pipeline, run()?, gate, *approve, &comment).await
            }
            DeployEffect::Log => {
                let log = pipeline.log(run()?).await.map_err(failed)?;
                Ok(told(DeployOutcome::Logged(log)))
            }
            DeployEffect::Verify | DeployEffect::Tell { .. } => Ok(Outcome::Done),
        }
    }

    /// Has the pipeline keep out what starts by itself while deploys are held back there, but for a deploy that may go
    /// through.
    pub(super) async fn hold_back(&self, target: &Target) -> Called<Outcome> {
        let Some(pipeline) = self.pipelines.of(target) else { return Ok(Outcome::Done) };
        let about = target.clone();
        let frozen = move |state: &State| {
            let goes_through = state.holding(&about).is_some_and(|it| it.wanted.break_glass);
            let freeze = state.freezes_on(&about).next().filter(|_| !goes_through);
            freeze.map(|freeze| format!("{} {}", freeze.id, freeze.reason.as_str()))
        };
        let frozen = self.read(frozen).await?;
        let reason = frozen.as_deref().unwrap_or_default();
        pipeline.freeze(frozen.is_some(), reason).await.map(|()| Outcome::Done).map_err(failed)
    }

    async fn dispatch(&self, pipeline: &AnyPipeline, known: &Known, suspect: bool) -> Called<Outcome> {
        if known.it.stage != Stage::Starting {
            return Ok(Outcome::Done);
        }
        let Some(order) = order(known) else { return Err(no_plan()) };
        let now = self.clock.now();
        let tried_long = known.it.began_at.is_some_and(|began| now >= after(began, STARTING));
        let idempotency = pipeline.capabilities().idempotency_of(&order);
        let repeats = idempotency == Idempotency::Repeat;
        let stopped = known.it.stopping.is_some();
        if stopped && !suspect {
            let why = "somebody wanted it stopped before the pipeline had taken it".to_owned();
            return Err(Failure::Permanent { why, kind: Refused::Malformed });
        }
        if suspect && idempotency == Idempotency::Ask {
            return Ok(unclear(&format!("the start may have been sent, and {}", nobody(pipeline))));
        }
        // For how long a pipeline remembers an id is rarely told; minutes are safe.
        if suspect && (!repeats || tried_long || stopped) {
            return match pipeline.find(&order).await {
                Ok(Some(run)) => Ok(told(DeployOutcome::Started(run))),
                Ok(None) => Ok(unclear("the start may have been sent, and no run with its id is found yet")),
                Err(api::Failure::Transient { why, retry_after }) if !tried_long => {
                    Err(Failure::Transient { why, retry_after })
                }
                Err(failure) => {
                    Ok(unclear(&format!("the start may have been sent, and it can't be looked for: {failure}")))
                }
            };
        }
        match pipeline.start(&order).await {
            Ok(run) => Ok(told(DeployOutcome::Started(run))),
            Err(api::Failure::Unknown { why }) => {
                let at = now.strftime("%H:%M:%S UTC");
                Ok(unclear(&format!("the start was sent at {at}, and no usable answer came: {why}")))
            }
            // Where the same again is one start, one whose answer was lost counts as transient, too: it is sent again, but
            // not said to have done nothing.
            Err(api::Failure::Transient { why, retry_after: None }) if repeats => Err(Failure::Unknown { why }),
            // Nothing was done, so it may be tried again; but not for ever.
            Err(api::Failure::Transient { why, .. }) if tried_long && !suspect => {
                Err(Failure::Permanent { why, kind: Refused::Malformed })
            }
            // That it is refused now says nothing of what was sent before.
            Err(api::Failure::Permanent { why, .. }) if suspect => {
                Ok(unclear(&format!("the start may have been sent before, and now it is refused: {why}")))
            }
            Err(failure) => Err(failed(failure)),
        }
    }

    /// Looks at a run; later once more where nothing is new.
    async fn follow(&self, pipeline: &AnyPipeline, known: &Known, run: &Run) -> Called<Outcome> {
        if known.it.stage != Stage::Running {
            return Ok(Outcome::Done);
        }
        let progress = match pipeline.look(run).await {
            Ok(progress) => {
                self.silent.lock().unwrap_or_else(PoisonError::into_inner).remove(&known.it.id);
                clean(progress)
            }
            Err(failure @ api::Failure::Transient { .. }) => match self.says_that_it_is_silent(known) {
                Some(progress) => progress,
                None => return Err(failed(failure)),
            },
            Err(failure) => return Err(failed(failure)),
        };
        if Some(&progress) != known.it.progress.as_ref() {
            return Ok(told(DeployOutcome::Progressed(progress)));
        }
        let age =
            known.it.began_at.map(|began| self.clock.now().duration_since(began).unsigned_abs()).unwrap_or_default();
        let poll = POLLS.iter().find(|(until, _)| age <= *until).map_or(VERIFY_EVERY, |(_, poll)| *poll);
        Err(Failure::Transient { why: "nothing is new".to_owned(), retry_after: Some(poll) })
    }

    /// What people see of a run whose pipeline has not answered for a while.
    fn says_that_it_is_silent(&self, known: &Known) -> Option<Progress> {
        let now = self.clock.now();
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *silent.entry(known.it.id).or_insert(now);
        if now < after(since, SILENT) {
            return None;
        }
        let step = Outside::new(&format!("the pipeline has not answered since {}", since.strftime("%H:%M UTC")));
        let progress = known.it.progress.clone().unwrap_or_else(|| Progress::bare(RunState::Running));
        Some(Progress { step: Some(step), ..progress }).filter(|said| Some(said) != known.it.progress.as_ref())
    }

    async fn verify(&self, known: &Known) -> Called<Outcome> {
        let (Stage::Verifying { until }, Some(url)) = (&known.it.stage, &known.verify) else {
            return Ok(Outcome::Done);
        };
        let request = self.pipelines.http().get(url.as_str());
        let seen = match exchange(self.clock.as_ref(), request).await {
            Ok(answered) if (200..300).contains(&answered.status) => {
                let what = format!("its address answers with {}", answered.status);
                return Ok(told(DeployOutcome::Verified { well: true, what }));
            }
            Ok(answered) => format!("its address answers with {}", answered.status),
            Err(_) => "its address does not answer".to_owned(),
        };
        if self.clock.now() >= *until {
            return Ok(told(DeployOutcome::Verified { well: false, what: seen }));
        }
        Err(Failure::Transient { why: seen, retry_after: Some(VERIFY_EVERY) })
    }

    async fn tell_change(&self, to: &str, it: &Deploy, by: &Outside) -> Called<Outcome> {
        self.pipelines.tell(to, it, by).await.map(|()| Outcome::Done).map_err(failed)
    }
}

/// What would be deployed, and what somebody should know before.
async fn plan(pipeline: &AnyPipeline, known: &Known) -> Called<DeployOutcome> {
    let wanted = &known.it.wanted;
    let resolved = match (wanted.kind, &known.release) {
        (Kind::Deploy, _) => pipeline.resolve(wanted.reference.as_deref()).await.map_err(failed)?,
        (Kind::Rollback | Kind::Promotion, Some((resolved, _))) => resolved.clone(),
        (Kind::Rollback | Kind::Promotion, None) => return Err(no_plan()),
    };
    let commit = resolved.commit.id.as_str();
    let can = pipeline.capabilities();
    let changes = match &known.running {
        Some(running) if can.compares && running != commit => soft(pipeline.changes(running, commit).await)?,
        Some(running) if running == commit => Some(Changes::default()),
        _ => None,
    };
    let checks = soft(pipeline.checks(commit).await)?.unwrap_or(Checks::Unknown);
    let warnings = soft(pipeline.warnings().await)?.unwrap_or_default();
    let warnings = warnings.iter().map(|words| redact::outside("", words)).collect();
    let changes = changes.map(|mut changes| {
        for commit in &mut changes.commits {
            commit.subject = redact::outside("", commit.subject.as_str());
        }
        for pull in &mut changes.pulls {
            pull.title = redact::outside("", pull.title.as_str());
        }
        changes
    });
    Ok(DeployOutcome::Looked(Looked { resolved, changes, checks, warnings }))
}

/// What helps a plan, but is not needed for it: a refusal is no reason to have none.
fn soft<T>(called: api::Called<T>) -> Called<Option<T>> {
    match called {
        Ok(value) => Ok(Some(value)),
        Err(api::Failure::Permanent { why, .. }) => {
            tracing::info!(why, "A plan goes without what the pipeline does not tell");
            Ok(None)
        }
        Err(failure) => Err(failed(failure)),
    }
}

async fn look_for(pipeline: &AnyPipeline, known: &Known, look: u32) -> Called<Outcome> {
    if !matches!(known.it.stage, Stage::Unknown { .. }) {
        return Ok(Outcome::Done);
    }
    let Some(order) = order(known) else { return Err(no_plan()) };
    let began = known.it.began_at.map(|at| at.strftime("%H:%M:%S UTC").to_string()).unwrap_or_default();
    if pipeline.capabilities().idempotency_of(&order) == Idempotency::Ask {
        return Ok(unclear(&format!("the start was sent at {began}, and {}", nobody(pipeline))));
    }
    match pipeline.find(&order).await {
        Ok(Some(run)) => Ok(told(DeployOutcome::Started(run))),
        Ok(None) => Ok(unclear(&format!(
            "the start was sent at {began}; look {look}: no run with the id {} is there",
            order.id
        ))),
        Err(failure) => Ok(unclear(&format!("look {look}: {failure}"))),
    }
}

/// Why nothing is looked for where a pipeline carries nothing that a run could be found by.
fn nobody(pipeline: &AnyPipeline) -> String {
    format!(
        "nobody can look it up: {} carries no id of it. Look there, and say whether it ran",
        pipeline.capabilities().name
    )
}

async fn answer(pipeline: &AnyPipeline, run: &Run, gate: &Gate, approve: bool, comment: &str) -> Called<Outcome> {
    match pipeline.decide(run, gate, approve, comment).await {
        Ok(()) => Ok(Outcome::Done),
        // Somebody was sooner; the next look tells how it stands.
        Err(failure) if failure.is(api::Refused::Conflict) => {
            Err(Failure::Permanent { why: format!("it was answered already ({failure})"), kind: Refused::Already })
        }
        // It may have been answered: the next look tells, and answering twice does no harm.
        Err(api::Failure::Unknown { why }) => Err(Failure::Transient { why, retry_after: None }),
        Err(failure) => Err(failed(failure)),
    }
}

/// The order that goes to a pipeline: the same each time.
fn order(known: &Known) -> Option<Order> {
    let it = &known.it;
    let plan = it.plan.as_ref()?;
    let commit = plan.commit().id.as_str().to_owned();
    Some(Order {
        id: it.order_id(),
        is_rollback: it.wanted.kind == Kind::Rollback,
        service: it.wanted.target.service.clone(),
        environment: it.wanted.target.environment.clone(),
        reference: it.wanted.reference.clone().unwrap_or_else(|| commit.clone()),
        commit,
        parameters: it.wanted.parameters.clone(),
        by: known.by.clone(),
        reason: it.wanted.reason.clone(),
        back_to: known.release.as_ref().and_then(|(_, run)| run.clone()),
    })
}

/// Steps and gates without secrets.
fn clean(mut progress: Progress) -> Progress {
    progress.step = progress.step.map(|step| redact::outside("", step.as_str()).short(120));
    for gate in &mut progress.gates {
        gate.name = redact::outside("", gate.name.as_str()).short(120);
    }
    progress
}

fn told(outcome: DeployOutcome) -> Outcome {
    Outcome::Deploy(Box::new(outcome))
}

fn unclear(why: &str) -> Outcome {
    told(DeployOutcome::Unclear(why.to_owned()))
}

fn no_plan() -> Failure {
    Failure::Permanent { why: "what is to be deployed is not known any more".to_owned(), kind: Refused::Gone }
}

fn gone(target: &Target) -> Failure {
    let why = format!("nothing is configured any more that deploys {target}");
    Failure::Permanent { why, kind: Refused::Gone }
}

/// A pipeline's failure as the outbox knows them. A token that is refused is nobody's reason to wait: people are told.
fn failed(failure: api::Failure) -> Failure {
    match failure {
        api::Failure::Transient { why, retry_after } => Failure::Transient { why, retry_after },
        api::Failure::Permanent { why, .. } => Failure::Permanent { why, kind: Refused::Malformed },
        // Whatever may have been done is asked for again only where that does no harm.
        api::Failure::Unknown { why } => Failure::Transient { why, retry_after: None },
    }
}
