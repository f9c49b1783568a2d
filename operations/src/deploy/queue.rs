//! One deploy at a time in each environment: whose turn it is, and what time brings.
//!
//! What holds: whatever ends a deploy gives the turn to the next in the same decision, so no queue waits
//! for something that is not written down.

use jiff::Timestamp;

use super::ask::event;
use super::event::{DeployEvent, HoldEvent};
use super::{Deploy, How, Stage, Target, progress};
use crate::chat::Actor;
use crate::event::Event;
use crate::ids::DeployId;
use crate::state::State;
use crate::text::Outside;
use crate::timer::Timer;

/// It was allowed: it waits for its turn, or has it at once. A plan that was made just now holds.
pub(super) fn goes(state: &State, it: &Deploy, fresh: bool) -> Vec<Event> {
    let mut events = vec![event(it.id, DeployEvent::Queued)];
    let free = state.holding(&it.wanted.target).is_none_or(|holding| holding.id == it.id);
    let first = state.queue(&it.wanted.target).iter().all(|other| is_locked_out(state, other));
    if free && first && !is_locked_out(state, it) {
        events.push(event(it.id, if fresh { DeployEvent::Began } else { DeployEvent::Turned }));
    }
    events
}

/// It ends, and the next has its turn.
pub(super) fn ended(state: &State, it: &Deploy, how: How, why: Outside, by: Option<&Actor>) -> Vec<Event> {
    let mut events = vec![event(it.id, DeployEvent::Ended { how, why, by: by.cloned() })];
    events.extend(next(state, &it.wanted.target, Some(it.id), None));
    events
}

/// Whose turn it is once this one is out of the way, and without that lock.
pub(super) fn next(
    state: &State,
    target: &Target,
    without: Option<DeployId>,
    unlocked: Option<crate::ids::LockId>,
) -> Option<Event> {
    if state.holding(target).is_some_and(|holding| Some(holding.id) != without) {
        return None;
    }
    let lock = state.lock_on(target).filter(|lock| Some(lock.id) != unlocked);
    let may = |it: &&&Deploy| {
        Some(it.id) != without && lock.is_none_or(|lock| state.settings.same_person(&lock.by.user, &it.by.user))
    };
    let queue = state.queue(target);
    queue.iter().find(may).map(|it| event(it.id, DeployEvent::Turned))
}

/// Whether somebody else keeps the environment for themselves.
fn is_locked_out(state: &State, it: &Deploy) -> bool {
    let lock = state.lock_on(&it.wanted.target);
    lock.is_some_and(|lock| !state.settings.same_person(&lock.by.user, &it.by.user))
}

/// What a moment brings that was waited for.
pub(crate) fn ticked(state: &State, at: Timestamp, timer: Timer, now: Timestamp) -> Vec<Event> {
    match timer {
        Timer::ApprovalEnds(id) => {
            let Some(it) = state.deploys.get(&id) else { return Vec::new() };
            let meant = matches!(it.stage, Stage::Approving { until, .. } if until == at);
            let why = Outside::new("nobody approved it in time");
            if meant { ended(state, it, How::Expired, why, None) } else { Vec::new() }
        }
        Timer::VerifyEnds(id) => {
            let Some(it) = state.deploys.get(&id) else { return Vec::new() };
            let meant = matches!(it.stage, Stage::Verifying { until } if until == at);
            if meant { progress::verified_in_time(state, it, now) } else { Vec::new() }
        }
        Timer::LockReminder(id) => {
            let due = state.locks.get(&id).is_some_and(|lock| !lock.reminded);
            if due { vec![hold(HoldEvent::LockReminded { lock: id })] } else { Vec::new() }
        }
        Timer::LockEnds(id) => {
            let Some(lock) = state.locks.get(&id).filter(|lock| lock.until == at) else { return Vec::new() };
            let unlocked = hold(HoldEvent::Unlocked { lock: id, by: None, target: Some(lock.target.clone()) });
            [unlocked].into_iter().chain(next(state, &lock.target, None, Some(id))).collect()
        }
        Timer::FreezeEnds(id) => {
            let due = state.freezes.get(&id).filter(|freeze| freeze.until == Some(at));
            let ended = |scope| hold(HoldEvent::FreezeEnded { freeze: id, by: None, scope: Some(scope) });
            due.map(|freeze| ended(freeze.scope.clone())).into_iter().collect()
        }
        Timer::AskAgain(_) | Timer::AskForUpdate(_) | Timer::LookAtStorm(_) => Vec::new(),
    }
}

pub(super) fn hold(event: HoldEvent) -> Event {
    Event::Hold(Box::new(event))
}
