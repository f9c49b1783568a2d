//! What follows from what people ask about deploys.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::command::{DeployCommand, DeployRefusal, DeployReply, Request};
use super::event::DeployEvent;
use super::{Deploy, How, Kind, Nature, Stage, Target, Wanted, approve, holds, queue};
use crate::chat::Actor;
use crate::decide::Decision;
use crate::event::Event;
use crate::ids::{DeployId, GroupId};
use crate::pipeline::Rollback;
use crate::policy::{Asking, On, Verb};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::settings::Environment;
use crate::state::State;
use crate::text::Outside;

/// `/changes` looks back so far where it isn't said.
const WEEK: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// So many deploys are listed.
const LISTED: usize = 20;

/// What follows from a command. `full` refuses where nothing can be written down.
pub(crate) fn asked(
    asking: Asking<'_>,
    command: &DeployCommand,
    full: impl Fn() -> Result<(), Refusal>,
) -> Result<Decision, Refusal> {
    let state = asking.state;
    match command {
        DeployCommand::Start(request) => {
            let decision = start(asking, request, None)?;
            full()?;
            Ok(decision)
        }
        DeployCommand::OfferRollback(target) => {
            environment(state, target)?;
            asking.may(Verb::View, &On::Environment(target.clone()))?;
            let good = state.last_good(target).ok_or(Refusal::from(DeployRefusal::NothingBefore(target.clone())))?;
            Ok(reply(DeployReply::OfferRollback(target.clone(), good.id)))
        }
        DeployCommand::About { deploy, ask } => {
            let decision = approve::about(asking, *deploy, ask)?;
            if !decision.events.is_empty() {
                full()?;
            }
            Ok(decision)
        }
        DeployCommand::Status => {
            asking.may(Verb::View, &On::Workspace)?;
            let open = state.open_deploys().filter(|it| seen(asking, it)).map(|it| it.id);
            Ok(reply(DeployReply::Status(open.collect())))
        }
        DeployCommand::History { service } => {
            asking.may(Verb::View, &service.as_ref().map_or(On::Workspace, |it| On::Service(it.clone())))?;
            if let Some(service) = service {
                known(state, service)?;
            }
            let is_of = |it: &&Deploy| service.as_ref().is_none_or(|service| *service == it.wanted.target.service);
            let all = state.deploys.values().rev().map(AsRef::as_ref).filter(is_of).filter(|it| !it.is_open());
            let shown = all.filter(|it| seen(asking, it)).take(LISTED).map(|it| it.id).collect();
            Ok(reply(DeployReply::History(service.clone(), shown)))
        }
        DeployCommand::Where { service } => {
            asking.may(Verb::View, &On::Service(service.clone()))?;
            known(state, service)?;
            Ok(reply(DeployReply::Where(service.clone())))
        }
        DeployCommand::Changes { service, since } => {
            asking.may(Verb::View, &service.as_ref().map_or(On::Workspace, |it| On::Service(it.clone())))?;
            if let Some(service) = service {
                known(state, service)?;
            }
            let back = since.and_then(|since| jiff::SignedDuration::try_from(since).ok()).unwrap_or(WEEK);
            let since = asking.now.checked_sub(back).unwrap_or(Timestamp::MIN);
            let production =
                |it: &Deploy| state.settings.environment(&it.wanted.target).is_some_and(|it| it.production);
            let is_meant = |it: &&Deploy| {
                service.as_ref().is_none_or(|service| *service == it.wanted.target.service)
                    && it.succeeded()
                    && it.ended().is_some_and(|(_, at)| at >= since)
                    && (service.is_some() || production(it))
            };
            let all = state.deploys.values().rev().map(AsRef::as_ref).filter(is_meant).filter(|it| seen(asking, it));
            let shown = all.take(LISTED).map(|it| it.id).collect();
            Ok(reply(DeployReply::Changes(service.clone(), since, shown)))
        }
        DeployCommand::Locks => {
            asking.may(Verb::View, &On::Workspace)?;
            Ok(reply(DeployReply::Locks))
        }
        DeployCommand::Form => {
            asking.may(Verb::View, &On::Workspace)?;
            Ok(reply(DeployReply::Form))
        }
        DeployCommand::Why(deploy) => {
            let it = state.deploys.get(deploy).ok_or(DeployRefusal::NoDeploy(*deploy))?;
            asking.may(Verb::View, &On::Environment(it.wanted.target.clone()))?;
            Ok(reply(DeployReply::Why(*deploy)))
        }
        DeployCommand::Lock { .. }
        | DeployCommand::KeepLock { .. }
        | DeployCommand::Unlock { .. }
        | DeployCommand::Freeze { .. }
        | DeployCommand::Unfreeze { .. } => {
            let decision = holds::asked(asking, command)?;
            full()?;
            Ok(decision)
        }
    }
}

pub(super) fn reply(reply: DeployReply) -> Decision {
    Decision::reply(Reply::Deploy(reply))
}

pub(super) fn event(deploy: DeployId, what: DeployEvent) -> Event {
    Event::Deploy { deploy, what: Box::new(what) }
}

fn seen(asking: Asking<'_>, it: &Deploy) -> bool {
    asking.may(Verb::View, &On::Environment(it.wanted.target.clone())).is_ok()
}

pub(super) fn known(state: &State, service: &str) -> Result<(), Refusal> {
    match state.settings.service(service) {
        Some(_) => Ok(()),
        None => Err(DeployRefusal::NoService(service.to_owned()).into()),
    }
}

/// The settings of an environment.
pub(super) fn environment<'a>(state: &'a State, target: &Target) -> Result<&'a Environment, Refusal> {
    known(state, &target.service)?;
    state.settings.environment(target).ok_or_else(|| DeployRefusal::NoEnvironment(target.clone()).into())
}

/// What rules call a kind of deploy.
pub(super) fn verb(kind: Kind) -> Verb {
    match kind {
        Kind::Deploy => Verb::Deploy,
        Kind::Rollback => Verb::Rollback,
        Kind::Promotion => Verb::Promote,
    }
}

/// Takes a deploy up, where nothing speaks against it that is known before there is a plan.
pub(super) fn start(asking: Asking<'_>, request: &Request, after: Option<DeployId>) -> Result<Decision, Refusal> {
    let state = asking.state;
    known(state, &request.service)?;
    let Some(name) = &request.environment else {
        asking.may(Verb::View, &On::Service(request.service.clone()))?;
        return which_environment(state, request);
    };
    let target = Target { service: request.service.clone(), environment: name.clone() };
    let environment = environment(state, &target)?;
    let on = On::Environment(target.clone());
    asking.may(Verb::View, &on)?;
    let Some(pipeline) = environment.pipeline else { return Err(DeployRefusal::NoPipeline(target).into()) };
    if !request.dry_run {
        asking.may(verb(request.kind), &on)?;
    }
    if request.break_glass && request.reason.is_empty() {
        return Err(DeployRefusal::NeedsReason("break-glass").into());
    }
    if request.kind == Kind::Rollback && pipeline.rollback == Rollback::Never {
        return Err(DeployRefusal::CannotRollBack(target).into());
    }
    parameters(environment, &target, request)?;
    let (release, reference) = match request.kind {
        Kind::Deploy => (None, request.reference.clone()),
        Kind::Rollback => goes_back(state, &target, request)?,
        Kind::Promotion => promotes(state, &target, request)?,
    };
    let wanted = Wanted {
        kind: request.kind,
        target,
        reference,
        from: request.from.clone(),
        release,
        parameters: request.parameters.clone(),
        reason: request.reason.short(300),
        dry_run: request.dry_run,
        break_glass: request.break_glass,
    };
    if let Some(same) = state.open_deploys().find(|it| is_same(state, it, asking.by, &wanted)) {
        return Err(DeployRefusal::AlreadyAsked(same.id).into());
    }
    let (deploy, asked) = asked_for(asking, wanted, after);
    Ok(Decision::new(vec![event(deploy, asked)], Reply::Deploy(DeployReply::Asked(deploy))))
}

/// Two clicks on a button are one deploy.
fn is_same(state: &State, it: &Deploy, by: &Actor, wanted: &Wanted) -> bool {
    let same = Wanted { reason: it.wanted.reason.clone(), ..wanted.clone() };
    it.wanted == same && state.settings.same_person(&it.by.user, &by.user)
}

fn asked_for(asking: Asking<'_>, wanted: Wanted, after: Option<DeployId>) -> (DeployId, DeployEvent) {
    let Asking { state, by, channel, now } = asking;
    let deploy = DeployId(state.deploys.last_key_value().map_or(1, |(last, _)| last.0 + 1));
    let service = &wanted.target.service;
    let here = channel.and_then(|channel| state.incident_of(by.user.platform, channel));
    let here = here.filter(|it| state.incidents.get(it).is_some_and(|it| it.is_open()));
    let incident = here.or_else(|| state.incidents_of(service).next());
    let through = wanted.break_glass && state.freezes_on(&wanted.target).next().is_some();
    let nature = match wanted.kind {
        Kind::Rollback => Nature::Rollback,
        Kind::Deploy | Kind::Promotion if incident.is_some() || through => Nature::Hotfix,
        Kind::Deploy | Kind::Promotion => Nature::Planned,
    };
    let asked = DeployEvent::Asked {
        nonce: nonce(deploy, by, now),
        wanted,
        by: by.clone(),
        channel: channel.cloned(),
        nature,
        incident,
        after,
        policy: state.settings.gate.version().to_owned(),
    };
    (deploy, asked)
}

/// A word that the same deploy of another journal does not have.
fn nonce(deploy: DeployId, by: &Actor, now: Timestamp) -> String {
    let seed = format!("{deploy} {} {} {}", by.user.workspace, by.user.user, now.as_nanosecond());
    Sha256::digest(seed).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Where it could go. Production is never implied, and neither is one of several.
fn which_environment(state: &State, request: &Request) -> Result<Decision, Refusal> {
    let service = state.settings.service(&request.service);
    let all = service.map(|it| it.environments.iter()).into_iter().flatten().filter(|it| it.pipeline.is_some());
    let target = |name: &str| Target { service: request.service.clone(), environment: name.to_owned() };
    let fits = |it: &&Environment| request.kind == Kind::Deploy || state.running(&target(&it.name)).is_some();
    let environments: Vec<String> = all.filter(fits).map(|it| it.name.clone()).collect();
    if environments.is_empty() {
        return Err(match request.kind {
            Kind::Deploy => DeployRefusal::NoPipeline(target("any environment")).into(),
            Kind::Rollback | Kind::Promotion => DeployRefusal::NothingBefore(target("any environment")).into(),
        });
    }
    Err(DeployRefusal::WhichEnvironment { request: Box::new(request.clone()), environments }.into())
}

fn parameters(environment: &Environment, target: &Target, request: &Request) -> Result<(), Refusal> {
    for (name, value) in &request.parameters {
        let declared = environment.parameters.get(name);
        let fits = declared.is_some_and(|values| values.is_empty() || values.contains(value));
        if !fits {
            let (target, name, values) = (target.clone(), Outside::new(name).short(40), declared.cloned());
            return Err(DeployRefusal::NoParameter { target, name, values }.into());
        }
    }
    Ok(())
}

type Chosen = (Option<DeployId>, Option<String>);

fn goes_back(state: &State, target: &Target, request: &Request) -> Result<Chosen, Refusal> {
    let Some(running) = state.running(target) else { return Err(DeployRefusal::NothingBefore(target.clone()).into()) };
    let found = match (&request.release, &request.reference) {
        (Some(release), _) => state.deploys.get(release).map(AsRef::as_ref).filter(|it| it.wanted.target == *target),
        (None, Some(name)) => state.release_called(target, name),
        (None, None) => {
            let good = state.last_good(target);
            let good = good.ok_or_else(|| Refusal::from(DeployRefusal::NothingBefore(target.clone())))?;
            return Ok((Some(good.id), good.wanted.reference.clone()));
        }
    };
    let said = request.reference.clone().or(request.release.map(|release| release.to_string())).unwrap_or_default();
    let Some(found) = found.filter(|it| it.succeeded()) else {
        return Err(DeployRefusal::NoRelease(target.clone(), Outside::new(&said).short(60)).into());
    };
    let same = found.plan.as_ref().is_some_and(|plan| plan.commit().id == running.commit.id);
    if same && state.spoilt(target).is_none() {
        return Err(DeployRefusal::AlreadyRuns(target.clone(), running.name()).into());
    }
    Ok((Some(found.id), found.wanted.reference.clone()))
}

fn promotes(state: &State, target: &Target, request: &Request) -> Result<Chosen, Refusal> {
    let from = Target { service: target.service.clone(), environment: request.from.clone().unwrap_or_default() };
    environment(state, &from)?;
    let Some(running) = state.running(&from) else { return Err(DeployRefusal::NothingRuns(from).into()) };
    let fires = state.firing_on(&from).next().map(|group| format!("{} fires there", group.id));
    let busy = || state.holding(&from).map(|busy| format!("{} is under way there", busy.id));
    let failed = || {
        state.spoilt(&from).map(|it| match it.ended() {
            Some((How::Cancelled, _)) => format!("{} was stopped there since, so deploy anew first", it.id),
            _ => format!("{} failed there since, so deploy anew or roll back first", it.id),
        })
    };
    if let Some(why) = fires.or_else(busy).or_else(failed) {
        return Err(DeployRefusal::NotHealthy(from, Outside::new(&why)).into());
    }
    if state.running(target).is_some_and(|there| there.commit.id == running.commit.id) {
        return Err(DeployRefusal::AlreadyRuns(target.clone(), running.name()).into());
    }
    Ok((Some(running.deploy), running.reference.clone()))
}

/// An alert group that opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) group: GroupId,
    pub(crate) title: &'a Outside,
    pub(crate) service: &'a Outside,
    pub(crate) environment: Option<&'a Outside>,
}

/// What follows for deploys from an alert that opens: it spoils a deploy that is being verified, and what was deployed
/// just before is gone back from where that is configured.
pub(crate) fn deploy_on_alert(state: &State, opened: &Opened<'_>, now: Timestamp) -> Vec<Event> {
    let Opened { group, title, service, environment } = *opened;
    let said = environment.map(Outside::as_str);
    let (mut events, mut goes_back) = (Vec::new(), false);
    let recent = state.deploys_before(service.as_str(), said, now);
    for it in recent.filter(|it| !matches!(it.stage, Stage::Starting | Stage::Unknown { .. })) {
        let Some(settings) = state.settings.environment(&it.wanted.target) else { continue };
        events.push(event(it.id, DeployEvent::Alerted { group }));
        let watched = settings.verify.as_ref().and_then(|verify| verify.alert.as_deref());
        let spoils = watched.is_some_and(|watched| watched == "*" || watched == title.as_str());
        if matches!(it.stage, Stage::Verifying { .. }) && spoils {
            let why = Outside::new(&format!("{group} opened while it was verified"));
            events.extend(queue::ended(state, it, super::How::Failed, why, None));
        }
        // One at a time: the next number is known only once this one has it.
        if !goes_back {
            let back = goes_back_by_itself(state, it, settings, group, now);
            goes_back = back.is_some();
            events.extend(back);
        }
    }
    events
}

/// Only from what runs now, and only where whoever deployed it may go back: an alert has no rights of its own.
fn goes_back_by_itself(
    state: &State,
    it: &Deploy,
    settings: &Environment,
    group: GroupId,
    now: Timestamp,
) -> Option<Event> {
    let on_alert = settings.on_alert.filter(|on_alert| on_alert.roll_back)?;
    let soon = it.began_at.is_some_and(|at| now.duration_since(at).unsigned_abs() <= on_alert.within);
    let target = &it.wanted.target;
    let runs = state.running(target).is_some_and(|running| running.deploy == it.id);
    let verifies = matches!(it.stage, Stage::Verifying { .. });
    let is_fresh = it.alerts.is_empty() && it.rolled_back.is_none() && it.wanted.kind != Kind::Rollback;
    let nothing_else = state.open_deploys().all(|other| other.wanted.target != *target || other.id == it.id);
    if !soon || !(runs || verifies) || !is_fresh || !nothing_else {
        return None;
    }
    let asking = Asking { state, by: &it.by, channel: it.channel.as_ref(), now };
    let request = Request {
        kind: Kind::Rollback,
        service: it.wanted.target.service.clone(),
        environment: Some(it.wanted.target.environment.clone()),
        from: None,
        reference: None,
        release: None,
        parameters: it.wanted.parameters.clone(),
        reason: Outside::new(&format!("{group} opened soon after {}; `on_alert` says to go back", it.id)),
        dry_run: false,
        break_glass: false,
    };
    start(asking, &request, Some(it.id)).ok()?.events.into_iter().next()
}
