//! How many calls Discord has refused lately, so that it never has to shut Muster out.
//!
//! An address that is answered 401, 403 or 429 too often is shut out for a while, with every
//! bot behind it. What holds: far below that, calls go one by one, and from a half on nothing
//! is sent but answers to people, until enough time has passed.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::limits::{CAREFUL, REFUSALS_IN, STOPPED};
use crate::clock::after;

/// Counts refusals over the time for which Discord counts them.
#[derive(Default)]
pub(super) struct Refusals {
    lately: Mutex<VecDeque<Timestamp>>,
}

/// How calls may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// As always.
    Freely,
    /// One by one.
    Carefully,
    /// Not before so long has passed.
    NotFor(Duration),
}

impl Refusals {
    /// Whether an answer counts. What is used up by others (`shared`) is not counted against the bot.
    pub(super) fn is_one(status: u16, scope: Option<&str>) -> bool {
        match status {
            401 | 403 => true,
            429 => scope != Some("shared"),
            _ => false,
        }
    }

    pub(super) fn note(&self, now: Timestamp) {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner).push_back(now);
    }

    /// How many there were lately.
    pub(super) fn count(&self, now: Timestamp) -> usize {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        while lately.front().is_some_and(|at| after(*at, REFUSALS_IN) <= now) {
            lately.pop_front();
        }
        lately.len()
    }

    /// How a call may go out that is no answer to somebody.
    pub(super) fn pass(&self, now: Timestamp) -> Pass {
        let count = self.count(now);
        if count < CAREFUL.0 {
            return Pass::Freely;
        }
        if count < STOPPED {
            return Pass::Carefully;
        }
        let lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        // When so many have passed out of the count that there are fewer again.
        let until = lately.get(count - STOPPED).map_or(now, |at| after(*at, REFUSALS_IN));
        Pass::NotFor(Duration::try_from(until.duration_since(now)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_for_ten_minutes_and_slow_calls_down_long_before_the_end() {
        let refusals = Refusals::default();
        let at = |seconds| after(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds));
        (0..999).for_each(|_| refusals.note(at(0)));
        assert_eq!(refusals.pass(at(1)), Pass::Freely);
        refusals.note(at(60));
        assert_eq!(refusals.pass(at(60)), Pass::Carefully);
        (0..4000).for_each(|_| refusals.note(at(120)));
        assert_eq!((refusals.count(at(120)), refusals.pass(at(120))), (5000, Pass::NotFor(Duration::from_secs(480))));
        assert_eq!(refusals.pass(at(600)), Pass::Carefully, "the first have passed out of the count");
        assert_eq!((refusals.count(at(720)), refusals.pass(at(720))), (0, Pass::Freely));
    }

    #[test]
    fn what_others_have_used_up_is_not_counted() {
        let counts = |status, scope| Refusals::is_one(status, scope);
        assert!(counts(401, None) && counts(403, None) && counts(429, None) && counts(429, Some("user")));
        assert!(!counts(429, Some("shared")) && !counts(400, None) && !counts(404, None) && !counts(500, None));
    }
}
