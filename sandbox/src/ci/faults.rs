//! What can be made to go wrong with calls, on order.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What happens to a call instead of, or after, its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Fault {
    /// Nothing goes wrong: lets a call pass before the next fault.
    Pass,
    /// Drops the connection without an answer; does not do the work.
    Reset,
    /// Does the work, then drops the connection without an answer.
    DropAfterWork,
    /// Answers this status with a page of HTML, without doing the work.
    Status {
        /// HTTP status.
        status: u16,
    },
    /// Does the work, then answers this status with a page of HTML.
    StatusAfterWork {
        /// HTTP status.
        status: u16,
    },
    /// Waits so long before it does the work and answers.
    Stall {
        /// Seconds of the sandbox's time.
        seconds: u32,
    },
    /// Does the work at once, and answers so much later.
    StallAfterWork {
        /// Seconds of the sandbox's time.
        seconds: u32,
    },
    /// Answers 200 with a page of HTML; does not do the work.
    Html,
    /// Answers with the right status and JSON that is cut in the middle, after the work.
    CutAfterWork,
    /// A limit is reached; does not do the work.
    Limit(Limit),
}

/// GitHub's limits (docs.github.com, "Rate limits for the REST API").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "limit", deny_unknown_fields)]
pub enum Limit {
    /// The hourly limit: `x-ratelimit-remaining` is 0.
    Primary {
        /// 403 or 429.
        status: u16,
        /// `x-ratelimit-reset` is so many seconds from now.
        resets_in: i64,
    },
    /// A secondary limit: calls are left, but it went too fast.
    Secondary {
        /// 403 or 429.
        status: u16,
        /// Seconds in `Retry-After`, where it is sent.
        retry_after: Option<u64>,
    },
}

/// A fault that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// The call's route, as in [`super::Request::route`].
    pub route: String,
    /// The call's JSON body; null without one.
    pub body: serde_json::Value,
    /// What happened to it.
    pub fault: Fault,
}

/// Faults ordered for calls, by route.
#[derive(Default)]
pub(super) struct Faults {
    ordered: Mutex<HashMap<String, Vec<Fault>>>,
    happened: Mutex<Vec<Happened>>,
}

impl Faults {
    pub(super) fn order(&self, route: &str, times: usize, fault: Fault) {
        let mut ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        ordered.entry(route.to_owned()).or_default().extend(std::iter::repeat_n(fault, times));
    }

    /// Takes the fault for this call, if one was ordered.
    pub(super) fn take(&self, route: &str, body: &[u8]) -> Option<Fault> {
        let mut ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        let faults = [route, "*"].into_iter().find(|key| ordered.get(*key).is_some_and(|faults| !faults.is_empty()))?;
        let fault = ordered.get_mut(faults).map(|faults| faults.remove(0))?;
        let body = serde_json::from_slice(body).unwrap_or_default();
        let happened = Happened { route: route.to_owned(), body, fault: fault.clone() };
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).push(happened);
        Some(fault)
    }

    pub(super) fn happened(&self) -> Vec<Happened> {
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn left(&self) -> usize {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }

    pub(super) fn clear(&self) {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
