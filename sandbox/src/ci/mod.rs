//! A CI server: repositories, workflows, their runs, and GitHub's REST API and webhooks on them.
//!
//! The API is served as docs.github.com/en/rest describes it (versions 2022-11-28 and 2026-03-10), at the root or, as
//! Enterprise Server does, below `/api/v3`. Everything is kept in one [`state::State`] behind a mutex that is held briefly
//! and never across an `await`. What holds: a call either does its whole work or none of it; what GitHub refuses is
//! refused with GitHub's status and body; every effect is counted, so that a test can say that there was one at most.
//!
//! Runs move by hand ([`RunHandle`]) or by a script on the clock ([`Moves`]). Start with [`Ci::start`].

mod act;
mod build;
mod calls;
mod checks;
mod compare;
mod deliver;
mod deployments;
mod dispatch;
mod drive;
mod faults;
mod git;
mod hooks;
mod model;
mod payload;
mod pending;
mod refusal;
mod rest;
mod routes;
mod runs;
mod script;
mod state;
mod view;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

pub use act::Act;
pub use build::RepositoryHandle;
pub use drive::RunHandle;
pub use faults::{Fault, Happened, Limit};
pub use hooks::{Delivery, sign};
pub use model::{Dispatch, Input, InputKind, JobScript, LogsAt, Moves, RunDetails, StepScript, Workflow};

use crate::time::Time;
use state::State;

/// What to start and where.
pub struct Config {
    /// Where it listens. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// The time that runs, commits and limits are measured by.
    pub time: Arc<dyn Time>,
    /// Whether the API is below `/api/v3`, as on Enterprise Server.
    pub enterprise: bool,
}

/// A call of the API. Tokens are never in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// When it came.
    pub at: Timestamp,
    /// Verb and route as GitHub's reference writes them, such as
    /// `POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel`; verb and path of an unknown route.
    pub route: String,
    /// The path as it was sent.
    pub path: String,
    /// The query string.
    pub query: String,
    /// The JSON body; null without one.
    pub body: Value,
    /// Whether it carried credentials.
    pub authorized: bool,
    /// HTTP status of the answer; 0 where there was none.
    pub status: u16,
}

/// What all tasks of a server share.
pub(in crate::ci) struct Shared {
    state: Mutex<State>,
    faults: faults::Faults,
    time: Arc<dyn Time>,
    /// Counts everything that changes, for those who wait.
    version: watch::Sender<u64>,
    /// Becomes true when the server is dropped.
    ended: watch::Sender<bool>,
}

impl Shared {
    /// Works on the state as it is now; what that told of goes to the webhooks.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let now = self.time.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.at(now);
        let done = work(&mut state);
        let told = state.settle();
        drop(state);
        if told {
            self.version.send_modify(|version| *version += 1);
        }
        done
    }
}

/// A running CI server. It stops when it is dropped.
pub struct Ci {
    shared: Arc<Shared>,
    address: SocketAddr,
    enterprise: bool,
    _tasks: tokio::task::JoinSet<()>,
}

impl Ci {
    /// Binds the listener and serves until the value is dropped.
    ///
    /// # Errors
    /// A port that can't be bound.
    pub async fn start(config: Config) -> std::io::Result<Ci> {
        let listener = crate::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let prefix = if config.enterprise { "/api/v3" } else { "" };
        let state = State::new(config.time.now(), &format!("http://{address}"), prefix);
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            faults: faults::Faults::default(),
            time: config.time,
            version: watch::Sender::new(0),
            ended: watch::Sender::new(false),
        });
        let router = axum::Router::new().fallback(rest::answer).with_state(shared.clone());
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "The sandbox's CI stopped");
            }
        });
        tasks.spawn(deliver::deliver(shared.clone()));
        tasks.spawn(script::run(shared.clone()));
        Ok(Ci { shared, address, enterprise: config.enterprise, _tasks: tasks })
    }

    /// The API's address, as a client is configured with it.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}{}", self.address, if self.enterprise { "/api/v3" } else { "" })
    }

    /// The token that calls carry.
    #[must_use]
    pub fn token(&self) -> String {
        self.shared.with(|state| state.token.clone())
    }

    /// The login of the token's user.
    #[must_use]
    pub fn login(&self) -> String {
        self.shared.with(|state| state.login.clone())
    }

    /// Orders a fault for the next `times` calls of a route, named as in [`Request::route`]; `*` is any route.
    pub fn fault(&self, route: &str, times: usize, fault: Fault) {
        self.shared.faults.order(route, times, fault);
    }

    /// How many faults were ordered and have not happened.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.shared.faults.left()
    }

    /// Takes back the faults that were ordered and have not happened.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Every fault that happened, in order, with the call that it happened to.
    #[must_use]
    pub fn happened(&self) -> Vec<Happened> {
        self.shared.faults.happened()
    }

    /// The newest calls, at most 20,000, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.with(|state| state.requests.iter().cloned().collect())
    }

    /// How many calls of a route were made.
    #[must_use]
    pub fn called(&self, route: &str) -> usize {
        self.shared.with(|state| state.requests.iter().filter(|request| request.route == route).count())
    }

    /// Whatever a correct client would not have sent: malformed calls, unknown routes and fields, missing headers.
    #[must_use]
    pub fn unexpected(&self) -> Vec<String> {
        self.shared.with(|state| state.unexpected.clone())
    }

    /// Every workflow that was dispatched, in order: the effects, whatever was answered.
    #[must_use]
    pub fn dispatches(&self) -> Vec<Dispatch> {
        self.shared.with(|state| state.dispatches.clone())
    }

    /// The ids of the runs of a repository, the oldest first.
    #[must_use]
    pub fn runs(&self, repository: &str) -> Vec<u64> {
        self.shared.with(|state| {
            state.find(repository).map(|it| it.runs.iter().map(|run| run.id).collect()).unwrap_or_default()
        })
    }

    /// A run to be moved by hand, by its id.
    #[must_use]
    pub fn run(&self, id: u64) -> RunHandle {
        RunHandle::new(self.shared.clone(), id)
    }

    /// What a dispatch answers from now on.
    pub fn set_run_details(&self, details: RunDetails) {
        self.shared.with(|state| state.settings.run_details = details);
    }

    /// Where the address of a job's log leads from now on.
    pub fn set_logs_at(&self, logs: LogsAt) {
        self.shared.with(|state| state.settings.logs_at = logs);
    }

    /// Whether a cancelled run goes on until it is finished by hand (true), as one does that cleans up.
    pub fn set_slow_cancel(&self, slow: bool) {
        self.shared.with(|state| state.settings.slow_cancel = slow);
    }

    /// How many runs one list holds back: the newest so many are not listed yet, as happens right after a dispatch.
    pub fn set_unlisted(&self, runs: usize) {
        self.shared.with(|state| state.settings.unlisted = runs);
    }

    /// So many calls are left of this hour's 5,000.
    pub fn set_calls_left(&self, left: u32) {
        self.shared.with(|state| state.rate.used = state::HOURLY.saturating_sub(left));
    }

    /// Replaces the token: the one before it is refused from now on.
    pub fn set_token(&self, token: &str) {
        self.shared.with(|state| token.clone_into(&mut state.token));
    }

    /// Takes a permission away from the token, such as `actions:write`, or gives it back.
    pub fn set_permission(&self, permission: &str, given: bool) {
        self.shared.with(|state| {
            state.denied.retain(|it| it != permission);
            if !given {
                state.denied.push(permission.to_owned());
            }
        });
    }

    /// Sends webhooks to an address (`http://HOST:PORT/PATH`) from now on, signed with `secret`.
    pub fn set_webhook(&self, url: &str, secret: &str) {
        self.shared.with(|state| state.hooks.set(url, secret));
    }

    /// The next so many webhooks are delivered twice.
    pub fn duplicate_webhooks(&self, times: usize) {
        self.shared.with(|state| state.hooks.twice += times);
    }

    /// Keeps webhooks back (true), or sends what was kept back, the newest first (false).
    pub fn hold_webhooks(&self, hold: bool) {
        self.shared.with(|state| state.hooks.hold(hold));
        self.shared.version.send_modify(|version| *version += 1);
    }

    /// All webhooks that were delivered or tried, in order.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.with(|state| state.hooks.delivered.clone())
    }

    /// Every repository with its runs, jobs, steps and deployments, for a page.
    #[must_use]
    pub fn view(&self) -> Value {
        self.shared.with(|state| view::view(state))
    }

    /// Does what a person could do on GitHub's pages, or a runner does.
    ///
    /// # Errors
    /// Why it can't be done; then nothing has changed.
    pub fn act(&self, act: &Act) -> Result<(), String> {
        self.shared.with(|state| act::act(state, act))
    }

    /// Counts what changes, so that a page can look at it anew.
    #[must_use]
    pub fn version(&self) -> watch::Receiver<u64> {
        self.shared.version.subscribe()
    }

    /// Resolves once `done` is so; looked at whenever something changed.
    pub async fn until(&self, mut done: impl FnMut(&Ci) -> bool) {
        let mut version = self.shared.version.subscribe();
        loop {
            version.borrow_and_update();
            if done(self) {
                return;
            }
            if version.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Ci {
    /// Calls that are never answered live in tasks of their own, so they are ended by hand.
    fn drop(&mut self) {
        self.shared.ended.send_replace(true);
    }
}
