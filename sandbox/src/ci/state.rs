//! Everything that is kept, and what time it is.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::hooks::Hooks;
use super::model::{Dispatch, LogsAt, Repository, RunDetails};
use super::{Request, script};

/// Calls in an hour (docs.github.com, "Rate limits for the REST API", authenticated users).
pub(super) const HOURLY: u32 = 5_000;

/// So many calls are kept.
const KEPT: usize = 20_000;

/// What can be switched.
pub(super) struct Settings {
    pub(super) run_details: RunDetails,
    pub(super) logs_at: LogsAt,
    pub(super) slow_cancel: bool,
    pub(super) unlisted: usize,
}

/// The hourly limit.
pub(super) struct Rate {
    pub(super) used: u32,
    pub(super) resets: Timestamp,
}

pub(super) struct State {
    pub(super) now: Timestamp,
    pub(super) origin: String,
    pub(super) prefix: String,
    pub(super) token: String,
    pub(super) login: String,
    /// Permissions that the token lacks.
    pub(super) denied: Vec<String>,
    pub(super) settings: Settings,
    pub(super) rate: Rate,
    pub(super) repositories: Vec<Repository>,
    pub(super) dispatches: Vec<Dispatch>,
    pub(super) requests: VecDeque<Request>,
    pub(super) unexpected: Vec<String>,
    pub(super) hooks: Hooks,
    last_id: u64,
}

impl State {
    pub(super) fn new(now: Timestamp, origin: &str, prefix: &str) -> State {
        State {
            now,
            origin: origin.to_owned(),
            prefix: prefix.to_owned(),
            // Built from parts, so that nothing in the source looks like a real token.
            token: ["sandbox", "ci", "token"].join("-"),
            login: "muster-bot".to_owned(),
            denied: Vec::new(),
            settings: Settings {
                run_details: RunDetails::Told,
                logs_at: LogsAt::Here,
                slow_cancel: false,
                unlisted: 0,
            },
            rate: Rate { used: 0, resets: now + SignedDuration::from_hours(1) },
            repositories: Vec::new(),
            dispatches: Vec::new(),
            requests: VecDeque::new(),
            unexpected: Vec::new(),
            hooks: Hooks::default(),
            last_id: 7_000_000,
        }
    }

    /// Lets time pass up to `now`.
    pub(super) fn at(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        if self.now >= self.rate.resets {
            self.rate = Rate { used: 0, resets: self.now + SignedDuration::from_hours(1) };
        }
        for repository in &mut self.repositories {
            script::advance(repository, self.now);
        }
    }

    /// Hands what was told of to the webhooks; whether there was anything, or somebody may wait for something else.
    pub(super) fn settle(&mut self) -> bool {
        let told: Vec<_> = self.repositories.iter_mut().flat_map(|it| std::mem::take(&mut it.told)).collect();
        let changed = self.repositories.iter_mut().map(|it| std::mem::take(&mut it.changed));
        let any = changed.fold(!told.is_empty(), |any, it| any | it);
        for (event, body) in told {
            let id = self.id();
            self.hooks.tell(id, event, &body);
        }
        any
    }

    /// An id that nothing has yet.
    pub(super) fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A repository by `owner/name`, in any case as on GitHub.
    pub(super) fn find(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|it| it.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut Repository> {
        self.repositories.iter_mut().find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// The repository that has a run, and where the run is.
    pub(super) fn with_run(&mut self, id: u64) -> Option<(&mut Repository, usize)> {
        self.repositories.iter_mut().find_map(|it| {
            let at = it.runs.iter().position(|run| run.id == id)?;
            Some((it, at))
        })
    }

    pub(super) fn log(&mut self, request: Request) {
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }
}
