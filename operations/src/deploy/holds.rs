//! What follows from what people ask about locks and freezes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Target;
use super::ask::{environment, known, reply};
use super::command::{DeployCommand, DeployRefusal, DeployReply};
use super::event::HoldEvent;
use super::queue::{hold, next};
use crate::decide::Decision;
use crate::ids::{FreezeId, LockId};
use crate::locks::{Scope, Until};
use crate::policy::{Asking, On, Verb};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::text::Outside;

/// A lock lasts so long where it isn't said.
const HOUR: Duration = Duration::from_secs(3600);

/// How long a lock may last: from a minute to a week.
const LASTS: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(7 * 24 * 3600);

/// What follows from a command about locks and freezes.
pub(super) fn asked(asking: Asking<'_>, command: &DeployCommand) -> Result<Decision, Refusal> {
    match command {
        DeployCommand::Lock { target, until, reason } => {
            lock(asking, target, until.unwrap_or(Until::For(HOUR)), reason)
        }
        DeployCommand::KeepLock { lock } => keep(asking, *lock),
        DeployCommand::Unlock { target } => unlock(asking, target),
        DeployCommand::Freeze { scope, until, reason } => freeze(asking, scope, *until, reason),
        DeployCommand::Unfreeze { freeze } => unfreeze(asking, *freeze),
        _ => Ok(Decision::default()),
    }
}

fn lock(asking: Asking<'_>, target: &Target, until: Until, reason: &Outside) -> Result<Decision, Refusal> {
    let Asking { state, by, now, .. } = asking;
    environment(state, target)?;
    asking.may(Verb::Lock, &On::Environment(target.clone()))?;
    let until = until.at(now, state.settings.time_zone.as_ref());
    let lasts = until.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
    let (Some(until), Some(lasts)) = (until, lasts.filter(|lasts| LASTS.contains(lasts))) else {
        return Err(DeployRefusal::LockTooLong.into());
    };
    let mut events = Vec::new();
    if let Some(lock) = state.lock_on(target) {
        if !state.settings.same_person(&lock.by.user, &by.user) {
            let (target, by, until) = (target.clone(), lock.by.clone(), lock.until);
            return Err(DeployRefusal::Locked { target, by, until }.into());
        }
        events.push(hold(HoldEvent::Unlocked { lock: lock.id, by: Some(by.clone()), target: Some(target.clone()) }));
    }
    let lock = LockId(state.last_lock + 1);
    // Its holder is asked ten minutes before its end, or where three quarters of a shorter one are over.
    let remind = Some(after(now, lasts.saturating_sub(Duration::from_secs(600).min(lasts / 4))));
    let (target, by, reason) = (target.clone(), by.clone(), reason.short(300));
    events.push(hold(HoldEvent::Locked { lock, target, by, until, remind, reason }));
    Ok(Decision::new(events, Reply::Deploy(DeployReply::Locked(lock))))
}

/// Another hour for a lock that is there still, for its holder alone.
fn keep(asking: Asking<'_>, id: LockId) -> Result<Decision, Refusal> {
    let Asking { state, by, now, .. } = asking;
    let lock = state.locks.get(&id).ok_or(Refusal::from(DeployRefusal::NoLock(id)))?;
    asking.may(Verb::Lock, &On::Environment(lock.target.clone()))?;
    if !state.settings.same_person(&lock.by.user, &by.user) {
        let (target, by, until) = (lock.target.clone(), lock.by.clone(), lock.until);
        return Err(DeployRefusal::Locked { target, by, until }.into());
    }
    let until = after(lock.until.max(now), HOUR);
    let lasts = Duration::try_from(until.duration_since(now)).unwrap_or(HOUR);
    if lasts > *LASTS.end() {
        return Err(DeployRefusal::LockTooLong.into());
    }
    let remind = Some(after(now, lasts.saturating_sub(Duration::from_secs(600).min(lasts / 4))));
    let kept = hold(HoldEvent::LockKept { lock: id, by: by.clone(), until, remind });
    Ok(Decision::new(vec![kept], Reply::Deploy(DeployReply::Locked(id))))
}

fn unlock(asking: Asking<'_>, target: &Target) -> Result<Decision, Refusal> {
    let Asking { state, by, .. } = asking;
    environment(state, target)?;
    let on = On::Environment(target.clone());
    asking.may(Verb::View, &on)?;
    let Some(lock) = state.lock_on(target) else { return Err(DeployRefusal::NotLocked(target.clone()).into()) };
    if !state.settings.same_person(&lock.by.user, &by.user) {
        asking.may(Verb::Unlock, &on)?;
    }
    let unlocked = HoldEvent::Unlocked { lock: lock.id, by: Some(by.clone()), target: Some(target.clone()) };
    let mut events = vec![hold(unlocked)];
    events.extend(next(state, target, None, Some(lock.id)));
    Ok(Decision::new(events, Reply::Deploy(DeployReply::Unlocked(target.clone()))))
}

/// What rules know of a freeze's scope.
fn on(scope: &Scope) -> On {
    match scope {
        Scope::Production | Scope::Everything | Scope::Environment(_) => On::Workspace,
        Scope::Service(service) => On::Service(service.clone()),
        Scope::Target(target) => On::Environment(target.clone()),
    }
}

fn freeze(asking: Asking<'_>, scope: &Scope, until: Option<Until>, reason: &Outside) -> Result<Decision, Refusal> {
    let Asking { state, by, now, .. } = asking;
    match scope {
        Scope::Service(service) => known(state, service)?,
        Scope::Target(target) => drop(environment(state, target)?),
        Scope::Production | Scope::Everything | Scope::Environment(_) => {}
    }
    asking.may(Verb::Freeze, &on(scope))?;
    let freeze = FreezeId(state.last_freeze + 1);
    let zone = state.settings.time_zone.as_ref();
    let until = until.map(|until| until.at(now, zone).ok_or(DeployRefusal::IsPast)).transpose()?;
    let (scope, by, reason) = (scope.clone(), by.clone(), reason.short(300));
    let began = hold(HoldEvent::FreezeBegan { freeze, scope, by, until, reason });
    Ok(Decision::new(vec![began], Reply::Deploy(DeployReply::Frozen(freeze))))
}

fn unfreeze(asking: Asking<'_>, said: Option<FreezeId>) -> Result<Decision, Refusal> {
    let Asking { state, by, .. } = asking;
    let found = match said {
        Some(id) => state.freezes.get(&id).ok_or(Refusal::from(DeployRefusal::NoFreeze(id)))?,
        None => {
            let all: Vec<FreezeId> = state.freezes.keys().copied().collect();
            match all.as_slice() {
                [only] => &state.freezes[only],
                [] => {
                    asking.may(Verb::View, &On::Workspace)?;
                    return Err(DeployRefusal::NotFrozen.into());
                }
                _ => {
                    asking.may(Verb::View, &On::Workspace)?;
                    return Err(DeployRefusal::WhichFreeze(all).into());
                }
            }
        }
    };
    asking.may(Verb::Unfreeze, &on(&found.scope))?;
    let scope = found.scope.clone();
    let ended = hold(HoldEvent::FreezeEnded { freeze: found.id, by: Some(by.clone()), scope: Some(scope.clone()) });
    Ok(Decision { events: vec![ended], ..reply(DeployReply::Unfrozen(scope)) })
}

fn after(now: Timestamp, lasts: Duration) -> Timestamp {
    SignedDuration::try_from(lasts).ok().and_then(|lasts| now.checked_add(lasts).ok()).unwrap_or(Timestamp::MAX)
}
