//! What follows from what a pipeline tells.
//!
//! What holds: what was asked for and has come too late changes nothing; a start whose outcome is not known is
//! [`Stage::Unknown`] until somebody or the pipeline says how it is.

use jiff::{SignedDuration, Timestamp};

use super::ask::{event, verb};
use super::effect::{DeployEffect, DeployOutcome};
use super::event::DeployEvent;
use super::{Deploy, How, Kind, Looked, Plan, Stage, queue};
use crate::chat::Actor;
use crate::effect::Outcome;
use crate::event::Event;
use crate::ids::DeployId;
use crate::pipeline::{Checks, Progress, RunState};
use crate::policy::{Asking, Change, On, Rule, Ruling, Verb};
use crate::state::State;
use crate::text::Outside;

/// An approval is waited for so long.
const APPROVAL: SignedDuration = SignedDuration::from_mins(10);

/// What follows from how something ended that was done for a deploy.
pub(crate) fn done(state: &State, id: DeployId, what: &DeployEffect, outcome: &Outcome, now: Timestamp) -> Vec<Event> {
    let Some(it) = state.deploys.get(&id) else { return Vec::new() };
    match (what, outcome) {
        (DeployEffect::Plan { round }, _) if *round != it.rounds => Vec::new(),
        (DeployEffect::Plan { .. }, Outcome::Deploy(told)) => match (&**told, &it.stage) {
            (DeployOutcome::Looked(looked), Stage::Planning) => planned(state, it, looked.clone(), now),
            (DeployOutcome::Looked(looked), Stage::Checking) => checked(state, it, looked.clone(), now),
            _ => Vec::new(),
        },
        (DeployEffect::Plan { .. }, Outcome::GivenUp { why }) => match it.stage {
            Stage::Planning | Stage::Checking => queue::ended(state, it, How::NotStarted, Outside::new(why), None),
            _ => Vec::new(),
        },
        (DeployEffect::Dispatch | DeployEffect::Look { .. }, Outcome::Deploy(told)) => match (&**told, &it.stage) {
            (DeployOutcome::Started(run), Stage::Starting | Stage::Unknown { .. }) => {
                vec![event(id, DeployEvent::Dispatched { run: run.clone() })]
            }
            (DeployOutcome::Unclear(why), Stage::Starting) => {
                vec![event(id, DeployEvent::Lost { evidence: Outside::new(why) })]
            }
            (DeployOutcome::Unclear(why), Stage::Unknown { .. }) => {
                vec![event(id, DeployEvent::NotFound { evidence: Outside::new(why) })]
            }
            _ => Vec::new(),
        },
        (DeployEffect::Dispatch, Outcome::GivenUp { why }) if it.stage == Stage::Starting => {
            queue::ended(state, it, How::NotStarted, Outside::new(why), None)
        }
        (DeployEffect::Look { .. }, Outcome::GivenUp { why }) if matches!(it.stage, Stage::Unknown { .. }) => {
            vec![event(id, DeployEvent::NotFound { evidence: Outside::new(why) })]
        }
        (DeployEffect::Follow, Outcome::Deploy(told)) if it.stage == Stage::Running => match &**told {
            DeployOutcome::Progressed(progress) => progressed(state, it, progress, now),
            _ => Vec::new(),
        },
        (DeployEffect::Follow, Outcome::GivenUp { why }) if it.stage == Stage::Running => {
            vec![event(id, DeployEvent::Lost { evidence: Outside::new(&format!("its run can't be watched: {why}")) })]
        }
        (DeployEffect::Cancel, Outcome::GivenUp { why }) if it.stage == Stage::Running => {
            vec![event(id, DeployEvent::NotDone { why: Outside::new(&format!("it could not be stopped: {why}")) })]
        }
        (DeployEffect::Gate { gate, .. }, Outcome::GivenUp { why }) if it.is_open() => {
            let why = format!("“{}” could not be answered: {why}", gate.name.as_str());
            vec![event(id, DeployEvent::NotDone { why: Outside::new(&why) })]
        }
        (DeployEffect::Verify, Outcome::Deploy(told)) if matches!(it.stage, Stage::Verifying { .. }) => match &**told {
            DeployOutcome::Verified { well: true, what } => looked_well(state, it, what, now),
            DeployOutcome::Verified { well: false, what } => {
                queue::ended(state, it, How::Failed, Outside::new(what), None)
            }
            _ => Vec::new(),
        },
        // It is configured otherwise than when it began to be verified.
        (DeployEffect::Verify, Outcome::Done) if matches!(it.stage, Stage::Verifying { .. }) => {
            looked_well(state, it, "no address is asked any more", now)
        }
        (DeployEffect::Verify, Outcome::GivenUp { why }) if matches!(it.stage, Stage::Verifying { .. }) => {
            let why = Outside::new(&format!("whether it does well could not be seen: {why}"));
            queue::ended(state, it, How::Succeeded, why, None)
        }
        (DeployEffect::Log, Outcome::Deploy(told)) => match &**told {
            DeployOutcome::Logged(log) => vec![event(id, DeployEvent::Logged { log: log.clone() })],
            _ => Vec::new(),
        },
        (DeployEffect::Tell { .. }, Outcome::GivenUp { why }) => {
            let effect = crate::effect::Effect::Deploy { deploy: id, what: what.clone() };
            let (about, why) = (effect.about(), Outside::new(why));
            vec![Event::EffectGivenUp { effect: effect.key(), about, incident: None, why }]
        }
        _ => Vec::new(),
    }
}

/// What the rules say to a plan with these approvals; those count of people who may still approve.
pub(super) fn ruling(state: &State, it: &Deploy, plan: &Plan, approvals: &[Actor], now: Timestamp) -> Ruling {
    let target = &it.wanted.target;
    let on = On::Environment(target.clone());
    let mut counted: Vec<&Actor> = Vec::new();
    for by in approvals {
        let again = counted.iter().chain([&&it.by]).any(|other| state.settings.same_person(&other.user, &by.user));
        let may = Asking { state, by, channel: it.channel.as_ref(), now }.may(Verb::Approve, &on).is_ok();
        if !again && may {
            counted.push(by);
        }
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let change = Change {
        frozen: state.freezes_on(target).next().is_some(),
        break_glass: it.wanted.break_glass,
        has_reason: !it.wanted.reason.is_empty(),
        incidents: count(state.incidents_of(&target.service).count()),
        alerts: count(state.firing_on(target).count()),
        commits: plan.looked.changes.as_ref().map(|changes| changes.ahead),
        reference: plan.looked.resolved.kind.name(),
        checks: match plan.looked.checks {
            Checks::Passed(_) => "passed",
            Checks::Pending(_) => "pending",
            Checks::Failed(_) => "failed",
            Checks::None => "none",
            Checks::Unknown => "unknown",
        },
        tested: is_tested(state, it, plan),
        parameters: it.wanted.parameters.clone(),
        approvals: counted.into_iter().map(|by| by.user.clone()).collect(),
    };
    let asking = Asking { state, by: &it.by, channel: it.channel.as_ref(), now };
    asking.ruling(verb(it.wanted.kind), &on, Some(&change))
}

/// Whether the same commit did well in the environment that comes before.
fn is_tested(state: &State, it: &Deploy, plan: &Plan) -> bool {
    let target = &it.wanted.target;
    let Some(before) = state.settings.environment(target).and_then(|it| it.order_after.clone()) else { return true };
    let before = super::Target { service: target.service.clone(), environment: before };
    let same = |other: &Deploy| other.plan.as_ref().is_some_and(|other| other.commit().id == plan.commit().id);
    state.deploys_to(&before).any(|other| other.succeeded() && other.rolled_back.is_none() && same(other))
}

/// The rules' own sentences.
pub(super) fn reasons(rules: &[Rule]) -> Outside {
    let words: Vec<String> = rules
        .iter()
        .map(|rule| {
            let fix = rule.fix.as_ref().map(|fix| format!(" {fix}")).unwrap_or_default();
            format!("{} (rule {}){fix}", rule.reason, rule.id)
        })
        .collect();
    if words.is_empty() { Outside::new("No rule allows it.") } else { Outside::new(&words.join(" ")) }
}

pub(super) fn names(rules: &[Rule]) -> Vec<String> {
    rules.iter().map(|rule| rule.id.clone()).collect()
}

/// The first plan.
fn planned(state: &State, it: &Deploy, looked: Looked, now: Timestamp) -> Vec<Event> {
    let running = state.running(&it.wanted.target).cloned();
    let plan = Plan::new(&it.wanted, looked, running, now);
    let ruling = ruling(state, it, &plan, &[], now);
    let mut events = Vec::new();
    let planned = |rules: &[Rule]| event(it.id, DeployEvent::Planned { plan: plan.clone(), rules: names(rules) });
    match ruling {
        Ruling::Allowed(rules) => {
            events.push(planned(&rules));
            if it.wanted.dry_run {
                let why = Outside::new("The rules would let it go without approval.");
                events.extend(queue::ended(state, it, How::Planned, why, None));
            } else {
                events.extend(queue::goes(state, it, true));
            }
        }
        Ruling::Approval { needs, rules, who } => {
            events.push(planned(&rules));
            if it.wanted.dry_run {
                let why = Outside::new(&format!("It would need {}. {}", approvals(needs), reasons(&rules).as_str()));
                events.extend(queue::ended(state, it, How::Planned, why, None));
            } else {
                let until = now.checked_add(APPROVAL).unwrap_or(Timestamp::MAX);
                events.push(event(it.id, DeployEvent::ApprovalAsked { needs, who, until }));
            }
        }
        Ruling::Refused { rules, .. } => {
            events.push(planned(&rules));
            let how = if it.wanted.dry_run { How::Planned } else { How::Refused };
            let why = reasons(&rules);
            let why =
                if it.wanted.dry_run { Outside::new(&format!("It would be refused. {}", why.as_str())) } else { why };
            events.extend(queue::ended(state, it, how, why, None));
        }
    }
    events
}

fn approvals(needs: u32) -> String {
    if needs == 1 { "1 approval".to_owned() } else { format!("{needs} approvals") }
}

/// Its turn has come: it goes on where what would be done is what was approved.
fn checked(state: &State, it: &Deploy, looked: Looked, now: Timestamp) -> Vec<Event> {
    let Some(before) = &it.plan else { return Vec::new() };
    let running = state.running(&it.wanted.target).cloned();
    let plan = Plan::new(&it.wanted, looked, running, now);
    let approved: Vec<Actor> = it.approvals.iter().map(|approval| approval.by.clone()).collect();
    let same = plan.digest == before.digest;
    let difference = difference(before, &plan);
    if !same && approved.is_empty() && plan.commit().id != before.commit().id {
        return queue::ended(state, it, How::NotStarted, Outside::new(&format!("while it waited, {difference}")), None);
    }
    if let Some(running) = plan.running.as_ref().filter(|_| came_meanwhile(state, it, before, &plan)) {
        let why = match it.wanted.kind {
            Kind::Rollback => "what it goes back to runs there already".to_owned(),
            Kind::Deploy | Kind::Promotion => format!("{} has brought the same there while it waited", running.deploy),
        };
        return queue::ended(state, it, How::NotStarted, Outside::new(&why), None);
    }
    let counted = if same { approved.as_slice() } else { &[] };
    let replanned = |rules: &[Rule], difference: &str| {
        let difference = Outside::new(difference);
        event(it.id, DeployEvent::Replanned { plan: plan.clone(), difference, rules: names(rules) })
    };
    let ruled = match ruling(state, it, &plan, counted, now) {
        // What is planned anew is approved anew by all: so many as it needs without those who have.
        Ruling::Approval { .. } if !counted.is_empty() => ruling(state, it, &plan, &[], now),
        ruled => ruled,
    };
    match ruled {
        Ruling::Allowed(_) if same => vec![event(it.id, DeployEvent::Began)],
        Ruling::Allowed(rules) => vec![replanned(&rules, &difference), event(it.id, DeployEvent::Began)],
        Ruling::Approval { needs, rules, who } => {
            let difference = if same { "who approved it is not enough any more".to_owned() } else { difference };
            let until = now.checked_add(APPROVAL).unwrap_or(Timestamp::MAX);
            let mut events =
                vec![replanned(&rules, &difference), event(it.id, DeployEvent::ApprovalAsked { needs, who, until })];
            events.extend(queue::next(state, &it.wanted.target, Some(it.id), None));
            events
        }
        Ruling::Refused { rules, .. } => queue::ended(state, it, How::Refused, reasons(&rules), None),
    }
}

/// Whether another deploy has done meanwhile what this one is to do, as where somebody has asked twice.
fn came_meanwhile(state: &State, it: &Deploy, before: &Plan, now: &Plan) -> bool {
    let runs = |plan: &Plan| plan.running.as_ref().is_some_and(|running| running.commit.id == plan.commit().id);
    let with_the_same = |running: &super::Release| {
        let other = state.deploys.get(&running.deploy);
        it.wanted.kind == Kind::Rollback || other.is_some_and(|other| other.wanted.parameters == it.wanted.parameters)
    };
    runs(now)
        && !runs(before)
        && now.running.as_ref().is_some_and(with_the_same)
        && state.spoilt(&it.wanted.target).is_none()
}

/// What is different between two plans, in words that go on behind “while it waited,”.
fn difference(before: &Plan, now: &Plan) -> String {
    let mut words = Vec::new();
    if before.commit().id != now.commit().id {
        words.push(format!(
            "what was asked for became {} (it was {})",
            now.commit().short().as_str(),
            before.commit().short().as_str()
        ));
    }
    let runs = |plan: &Plan| plan.running.as_ref().map(|running| running.commit.id.clone());
    if runs(before) != runs(now) {
        let name = |plan: &Plan| plan.running.as_ref().map_or_else(|| "nothing".into(), super::Release::name);
        words.push(format!("what runs there became {} (it was {})", name(now).as_str(), name(before).as_str()));
    }
    if words.is_empty() { "nothing that it is about changed".to_owned() } else { words.join(", and ") }
}

fn progressed(state: &State, it: &Deploy, progress: &Progress, now: Timestamp) -> Vec<Event> {
    let mut events = vec![event(it.id, DeployEvent::Progressed { progress: progress.clone() })];
    let step = progress.step.as_ref().map(|step| format!("“{}”", step.short(80).as_str()));
    match progress.state {
        RunState::Succeeded => events.extend(deployed(state, it, now, "")),
        RunState::Failed => {
            let why =
                step.map_or_else(|| "the pipeline failed".to_owned(), |step| format!("the pipeline failed at {step}"));
            events.extend(queue::ended(state, it, How::Failed, Outside::new(&why), None));
        }
        RunState::Cancelled => {
            let by = it.stopping.as_ref();
            let why = if by.is_some() { "" } else { "it was stopped at the pipeline" };
            events.extend(queue::ended(state, it, How::Cancelled, Outside::new(why), by));
        }
        RunState::Queued | RunState::Running | RunState::Waiting => {}
    }
    events
}

/// The pipeline ended well.
pub(super) fn deployed(state: &State, it: &Deploy, now: Timestamp, why: &str) -> Vec<Event> {
    let verify = state.settings.environment(&it.wanted.target).and_then(|it| it.verify.as_ref());
    let until = verify.and_then(|verify| now.checked_add(SignedDuration::try_from(verify.within).ok()?).ok());
    let asks = verify.is_some_and(|verify| verify.http.is_some());
    match until {
        Some(until) => vec![event(it.id, DeployEvent::Verifying { until, asks })],
        None => queue::ended(state, it, How::Succeeded, Outside::new(why), None),
    }
}

/// What is looked at is as it should be. Where an alert must not fire as well, it is waited for that, unless its time is
/// over already: nothing comes after that which could end it.
fn looked_well(state: &State, it: &Deploy, what: &str, now: Timestamp) -> Vec<Event> {
    let verify = state.settings.environment(&it.wanted.target).and_then(|it| it.verify.as_ref());
    let waits = verify.is_some_and(|verify| verify.alert.is_some());
    let left = matches!(it.stage, Stage::Verifying { until } if now < until);
    match (waits, left) {
        (true, true) => vec![event(it.id, DeployEvent::Checked { what: Outside::new(what) })],
        (true, false) => {
            let what = Outside::new(&format!("{what}; no alert fired"));
            queue::ended(state, it, How::Succeeded, what, None)
        }
        (false, _) => queue::ended(state, it, How::Succeeded, Outside::new(what), None),
    }
}

/// The time for which it is looked at is over.
pub(super) fn verified_in_time(state: &State, it: &Deploy, _: Timestamp) -> Vec<Event> {
    let verify = state.settings.environment(&it.wanted.target).and_then(|it| it.verify.as_ref());
    if it.asks && it.verified.is_none() {
        // Its own look ends by itself, at the same time, or after it where the bot was away.
        return Vec::new();
    }
    let quiet =
        if verify.is_some_and(|verify| verify.alert.is_some()) { "no alert fired" } else { "it was left to run" };
    let seen = it.verified.as_ref().map(|seen| format!("{}; ", seen.as_str())).unwrap_or_default();
    queue::ended(state, it, How::Succeeded, Outside::new(&format!("{seen}{quiet}")), None)
}
