//! What follows from what people say about one deploy: approve, deny, stop, try again, and how it was.
//!
//! What holds: an approval is for one plan, of one deploy, by a person who is neither the one who asked nor one who
//! approved before, on whichever chat; it is given by a command or a button, never by words in a message.

use super::ask::{event, start, verb};
use super::command::{DeployAsk, DeployRefusal, DeployReply, Did, Request};
use super::event::DeployEvent;
use super::{Deploy, How, Stage, progress, queue};
use crate::decide::Decision;
use crate::event::Event;
use crate::ids::DeployId;
use crate::policy::{Asking, On, Ruling, Verb};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::text::Outside;

/// What follows from what somebody says about a deploy.
pub(super) fn about(asking: Asking<'_>, said: Option<DeployId>, ask: &DeployAsk) -> Result<Decision, Refusal> {
    let it = which(asking, said, ask)?;
    let on = On::Environment(it.wanted.target.clone());
    asking.may(Verb::View, &on)?;
    let did = |events: Vec<Event>, did: Did| Decision::new(events, Reply::Deploy(DeployReply::Did(it.id, did)));
    match ask {
        DeployAsk::Show => Ok(Decision::reply(Reply::Deploy(DeployReply::Shown(it.id)))),
        DeployAsk::Approve { digest } => approve(asking, it, digest.as_deref()),
        DeployAsk::Deny { reason } => {
            waits(it)?;
            asking.may(Verb::Approve, &on)?;
            Ok(did(queue::ended(asking.state, it, How::Denied, reason.short(300), Some(asking.by)), Did::Denied))
        }
        DeployAsk::Cancel => cancel(asking, it),
        DeployAsk::Retry => {
            let Some((how, _)) = it.ended() else { return Err(DeployRefusal::NotOver(it.id).into()) };
            if matches!(how, How::Succeeded | How::Planned) {
                return Err(DeployRefusal::Succeeded(it.id).into());
            }
            start(asking, &again(it), Some(it.id))
        }
        DeployAsk::ItRan => {
            unknown(asking, it)?;
            let by = asking.by.clone();
            let mut events = vec![event(it.id, DeployEvent::Answered { ran: true, by })];
            events.extend(progress::deployed(asking.state, it, asking.now, "somebody said that it ran"));
            Ok(did(events, Did::Ran))
        }
        DeployAsk::ItDidNot => {
            unknown(asking, it)?;
            let by = asking.by.clone();
            let mut events = vec![event(it.id, DeployEvent::Answered { ran: false, by })];
            // One whose run is known was started, and may have changed what runs.
            let (how, why) = match it.run {
                Some(_) => (How::Failed, "somebody said that it did not end well"),
                None => (How::NotStarted, "somebody said that it did not run"),
            };
            events.extend(queue::ended(asking.state, it, how, Outside::new(why), Some(asking.by)));
            Ok(did(events, Did::DidNot))
        }
        DeployAsk::LookAgain => {
            unknown(asking, it)?;
            Ok(did(vec![event(it.id, DeployEvent::LookedAgain { by: asking.by.clone() })], Did::Looking))
        }
        DeployAsk::Gate { gate, approve } => {
            asking.may(Verb::Approve, &on)?;
            other_person(asking, it)?;
            let gates = it.progress.as_ref().map(|progress| progress.gates.as_slice()).unwrap_or_default();
            let meant = match (gate, gates) {
                (Some(id), gates) => gates.iter().find(|gate| &gate.id == id),
                (None, [only]) => Some(only),
                (None, _) => None,
            };
            let Some(gate) = meant.filter(|_| it.stage == Stage::Running) else {
                return Err(DeployRefusal::NoGate(it.id).into());
            };
            let (id, gate, approve) = (gate.id.clone(), gate.name.clone(), *approve);
            let answered = DeployEvent::GateAnswered { gate, id, approve, by: asking.by.clone() };
            Ok(did(vec![event(it.id, answered)], Did::Gate))
        }
    }
}

/// The deploy that is meant: the one that was said, or the only one that the question can be about.
fn which<'a>(asking: Asking<'a>, said: Option<DeployId>, ask: &DeployAsk) -> Result<&'a Deploy, Refusal> {
    let state = asking.state;
    if let Some(id) = said {
        return state.deploys.get(&id).map(AsRef::as_ref).ok_or_else(|| DeployRefusal::NoDeploy(id).into());
    }
    let fits = |it: &&Deploy| match ask {
        DeployAsk::Show | DeployAsk::Cancel => it.is_open(),
        DeployAsk::Approve { .. } | DeployAsk::Deny { .. } => matches!(it.stage, Stage::Approving { .. }),
        DeployAsk::Retry => {
            matches!(it.ended(), Some((how, _)) if !matches!(how, How::Succeeded | How::Planned))
                && state.settings.same_person(&it.by.user, &asking.by.user)
        }
        DeployAsk::ItRan | DeployAsk::ItDidNot | DeployAsk::LookAgain => matches!(it.stage, Stage::Unknown { .. }),
        DeployAsk::Gate { .. } => it.progress.as_ref().is_some_and(|progress| !progress.gates.is_empty()),
    };
    let sees = |it: &&Deploy| asking.may(Verb::View, &On::Environment(it.wanted.target.clone())).is_ok();
    let all = state.deploys.values().rev().map(AsRef::as_ref).filter(fits).filter(sees);
    // Of what is over only the newest can be meant.
    let most = if matches!(ask, DeployAsk::Retry) { 1 } else { 25 };
    let candidates: Vec<&Deploy> = all.take(most).collect();
    match candidates.as_slice() {
        [only] => Ok(only),
        several => {
            let deploys = several.iter().map(|it| it.id).collect();
            Err(DeployRefusal::WhichDeploy { deploys, ask: ask.clone() }.into())
        }
    }
}

fn waits(it: &Deploy) -> Result<&Stage, Refusal> {
    match it.stage {
        Stage::Approving { .. } => Ok(&it.stage),
        Stage::Ended { .. } => Err(DeployRefusal::Over(it.id).into()),
        _ => Err(DeployRefusal::NotWaiting(it.id).into()),
    }
}

/// Nobody approves their own, on whichever chat they are.
fn other_person(asking: Asking<'_>, it: &Deploy) -> Result<(), Refusal> {
    if asking.state.settings.same_person(&it.by.user, &asking.by.user) {
        return Err(DeployRefusal::Own(it.id).into());
    }
    Ok(())
}

fn approve(asking: Asking<'_>, it: &Deploy, digest: Option<&str>) -> Result<Decision, Refusal> {
    let Asking { state, by, now, .. } = asking;
    waits(it)?;
    let Stage::Approving { until, .. } = &it.stage else { return Err(DeployRefusal::NotWaiting(it.id).into()) };
    // Its time is over, and only the tick that says so is on its way.
    if *until <= now {
        return Err(DeployRefusal::Over(it.id).into());
    }
    asking.may(Verb::Approve, &On::Environment(it.wanted.target.clone()))?;
    other_person(asking, it)?;
    if it.approvals.iter().any(|approval| state.settings.same_person(&approval.by.user, &by.user)) {
        return Err(DeployRefusal::ApprovedAlready(it.id).into());
    }
    let Some(plan) = &it.plan else { return Err(DeployRefusal::NotWaiting(it.id).into()) };
    if digest.is_some_and(|digest| digest.len() < 4 || !plan.digest.starts_with(&digest.to_ascii_lowercase())) {
        return Err(DeployRefusal::OtherPlan(it.id).into());
    }
    let mut approvals: Vec<_> = it.approvals.iter().map(|approval| approval.by.clone()).collect();
    approvals.push(by.clone());
    let ruling = progress::ruling(state, it, plan, &approvals, now);
    let (needs, rules) = match &ruling {
        Ruling::Approval { needs, rules, .. } => (*needs, rules),
        Ruling::Allowed(rules) | Ruling::Refused { rules, .. } => (0, rules),
    };
    let (by, digest, rules) = (by.clone(), plan.digest.clone(), progress::names(rules));
    let mut events = vec![event(it.id, DeployEvent::Approved { by, digest, needs, rules })];
    match ruling {
        Ruling::Allowed(_) => events.extend(queue::goes(state, it, false)),
        Ruling::Approval { .. } => {}
        Ruling::Refused { rules, .. } => {
            events.extend(queue::ended(state, it, How::Refused, progress::reasons(&rules), None));
        }
    }
    Ok(Decision::new(events, Reply::Deploy(DeployReply::Did(it.id, Did::Approved(needs)))))
}

fn cancel(asking: Asking<'_>, it: &Deploy) -> Result<Decision, Refusal> {
    steers(asking, it)?;
    let did = |events: Vec<Event>, did: Did| Decision::new(events, Reply::Deploy(DeployReply::Did(it.id, did)));
    match &it.stage {
        Stage::Planning | Stage::Approving { .. } | Stage::Queued | Stage::Checking => {
            let events = queue::ended(asking.state, it, How::Cancelled, Outside::default(), Some(asking.by));
            Ok(did(events, Did::Cancelled))
        }
        Stage::Starting | Stage::Running => {
            let can = asking.state.settings.environment(&it.wanted.target).and_then(|it| it.pipeline);
            if !can.is_some_and(|can| can.cancels) {
                return Err(DeployRefusal::CannotStop(it.id).into());
            }
            if it.stopping.is_some() && it.not_done.is_none() {
                return Err(DeployRefusal::StoppingAlready(it.id).into());
            }
            Ok(did(vec![event(it.id, DeployEvent::Stopping { by: asking.by.clone() })], Did::Stopping))
        }
        Stage::Unknown { .. } | Stage::Verifying { .. } => Err(DeployRefusal::CannotStop(it.id).into()),
        Stage::Ended { .. } => Err(DeployRefusal::Over(it.id).into()),
    }
}

fn unknown(asking: Asking<'_>, it: &Deploy) -> Result<(), Refusal> {
    steers(asking, it)?;
    if matches!(it.stage, Stage::Unknown { .. }) { Ok(()) } else { Err(DeployRefusal::Known(it.id).into()) }
}

/// Whoever asked for it may steer it, as long as they may still do such a thing at all.
fn steers(asking: Asking<'_>, it: &Deploy) -> Result<(), Refusal> {
    let on = On::Environment(it.wanted.target.clone());
    let own = asking.state.settings.same_person(&it.by.user, &asking.by.user);
    let verb = if it.wanted.dry_run { Verb::View } else { verb(it.wanted.kind) };
    if own && asking.may(verb, &on).is_ok() {
        return Ok(());
    }
    asking.may(Verb::Steer, &on)
}

/// The same once more.
fn again(it: &Deploy) -> Request {
    let wanted = it.wanted.clone();
    Request {
        kind: wanted.kind,
        service: wanted.target.service,
        environment: Some(wanted.target.environment),
        from: wanted.from,
        reference: wanted.reference,
        release: if wanted.kind == super::Kind::Rollback { wanted.release } else { None },
        parameters: wanted.parameters,
        reason: wanted.reason,
        dry_run: wanted.dry_run,
        break_glass: wanted.break_glass,
    }
}
