//! What follows from time going by.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::event::Event;
use crate::state::State;
use crate::timer::Timer;

/// What is due by now and still makes sense.
pub(super) fn tick(state: &State, now: Timestamp) -> Vec<Event> {
    let due = state.due.iter().take_while(|(at, _)| *at <= now);
    let mut events: Vec<Event> = due.flat_map(|(at, timer)| fires(state, *at, *timer, now)).collect();
    events.dedup();
    events
}

fn fires(state: &State, at: Timestamp, timer: Timer, now: Timestamp) -> Vec<Event> {
    match timer {
        Timer::AskAgain(_) | Timer::LookAtStorm(_) | Timer::AskForUpdate(_) => {
            asks(state, at, timer, now).into_iter().collect()
        }
        Timer::ApprovalEnds(_)
        | Timer::VerifyEnds(_)
        | Timer::LockReminder(_)
        | Timer::LockEnds(_)
        | Timer::FreezeEnds(_) => crate::deploy::ticked(state, at, timer, now),
    }
}

fn asks(state: &State, at: Timestamp, timer: Timer, now: Timestamp) -> Option<Event> {
    match timer {
        Timer::AskAgain(id) => {
            let group = state.groups.get(&id).filter(|group| group.resolved_at.is_none())?;
            let acknowledged = group.acknowledged.as_ref()?;
            let meant = acknowledged.asks_again == Some(at) && !acknowledged.asked;
            meant.then_some(Event::AcknowledgementAsked { group: id })
        }
        Timer::LookAtStorm(id) => crate::storm::looked_at(state, id, now),
        Timer::AskForUpdate(id) => {
            let it = state.incidents.get(&id).filter(|it| it.is_open() && it.update_due == Some(at))?;
            let update_due = super::incidents::next_update(state, it.severity, now);
            Some(Event::UpdateAsked { incident: id, update_due })
        }
        _ => None,
    }
}

/// The moment `wait` after `now`; none where that is past the end of time.
pub(super) fn later(now: Timestamp, wait: Duration) -> Option<Timestamp> {
    now.checked_add(SignedDuration::try_from(wait).ok()?).ok()
}
