//! Buildbot: a builder, started through a force scheduler (docs.buildbot.net/latest/developer/rest.html).
//!
//! [`start`](mod@start) forces builds and finds them again, [`follow`] tells how they stand, [`hook`] reads what
//! `HttpStatusPush` sends. A run is a build request: it is there from the start on, and a build that is tried again
//! belongs to the same one. What holds: a field that the scheduler does not declare, which Buildbot would drop without
//! a word, is refused before the start, and so is a scheduler or builder that is not there, which it answers with 500;
//! a request that was merged into another never counts as done; the environment of the worker, which Buildbot writes
//! into every log, is not shown.

mod follow;
pub mod hook;
mod start;
mod wire;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Commit, Gate, Idempotency, Log, Order, Progress, RefKind, Resolved, Rollback, Run,
};
use reqwest::header::{COOKIE, HeaderValue, SET_COOKIE};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Called, Failure, Pipeline, Refused, Shared, cannot, text};
use crate::http::api::{Api, Auth, Reply};
use crate::secret::Secret;

/// Where Buildbot is, and who Muster is there.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its address, as in `buildbotURL` (`https://ci.example.com/buildbot/`).
    pub url: String,
    /// A user that its `www` lets control builds. It is sent as basic credentials with every call, for a proxy that
    /// asks for them; where Buildbot itself refuses a call, Muster logs in with it (`util.UserPasswordAuth`).
    pub login: Option<Login>,
}

/// A user of Buildbot.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// What is run there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The name of the force scheduler.
    pub scheduler: String,
    /// The name of the builder.
    pub builder: String,
    /// What Muster's own values are called among the scheduler's fields.
    #[serde(default)]
    pub fields: Fields,
}

/// The names of fields. All but those of the id and the commit are passed only where the scheduler declares them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// The property that carries the order's id, by which the build is found. The scheduler must declare it.
    pub id: String,
    /// The commit that was planned; empty where the builder really chooses by itself.
    pub commit: String,
    /// What was asked for: a branch, a tag, a commit.
    pub reference: String,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// Whether it is a rollback: `true` or `false`.
    pub rollback: String,
}

impl Default for Fields {
    /// `muster_id`, `muster_ref` and so on, and Buildbot's own `revision` for the commit. A scheduler with
    /// `codebases` calls that `<codebase>_revision`.
    fn default() -> Fields {
        let name = |what: &str| format!("muster_{what}");
        Fields {
            id: name("id"),
            commit: "revision".to_owned(),
            reference: name("ref"),
            service: name("service"),
            environment: name("environment"),
            rollback: name("rollback"),
        }
    }
}

/// Builds of one builder.
pub struct Buildbot {
    api: Api,
    login: Option<Login>,
    target: Target,
}

impl Buildbot {
    /// Builds of the builder that `target` names.
    ///
    /// # Errors
    /// Which field is wrong, and what to write instead.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<Buildbot, String> {
        let auth = match &connection.login {
            None => Auth::None,
            Some(login) if login.user.is_empty() || login.user.contains(':') => {
                return Err("login.user: write the name of a user (it holds no `:`)".to_owned());
            }
            Some(login) if login.password.expose().is_empty() => {
                return Err("login.password: it is empty; write the password, or leave the login out".to_owned());
            }
            Some(login) => Auth::Basic(login.user.clone(), login.password.clone()),
        };
        for (field, value) in [("scheduler", &target.scheduler), ("builder", &target.builder)] {
            if value.is_empty() || value.chars().any(|c| c.is_control() || c == '/') {
                return Err(format!("{field}: `{value}` is no name; write it as in master.cfg"));
            }
        }
        if target.fields.id.is_empty() {
            return Err("fields.id: it is empty; without it no build could be found again (`muster_id`)".to_owned());
        }
        let api = Api::new("Buildbot", &connection.url, auth, shared.http, shared.clock)?;
        Ok(Buildbot { api, login: connection.login, target })
    }

    /// Asks. Refusals are `{"error":"…"}`.
    async fn ask<T: serde::de::DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Called<T> {
        let whole: Vec<&str> = ["api", "v2"].into_iter().chain(path.iter().copied()).collect();
        self.api.get(&whole).query(query).send().await?.json()
    }

    /// Does something, by JSON-RPC. `harmless` where doing it twice is the same as doing it once.
    async fn control(&self, path: &[&str], method: &str, params: Map<String, Value>, harmless: bool) -> Called<Reply> {
        let whole: Vec<&str> = ["api", "v2"].into_iter().chain(path.iter().copied()).collect();
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let call = || {
            let call = self.api.post(&whole).json(&body);
            if harmless { call.harmless() } else { call }
        };
        let mut reply = call().exchange().await?;
        // Nothing was done: who may do it is looked at first.
        if reply.status == 403
            && let Some(session) = self.session().await?
        {
            let unusable = |_| Failure::refused(Refused::Token, "Buildbot gives a session that can't be sent");
            let value = HeaderValue::from_str(session.expose()).map_err(unusable)?;
            reply = call().header(COOKIE, value).secret(session).exchange().await?;
        }
        if (200..300).contains(&reply.status) { Ok(reply) } else { Err(reply.failure()) }
    }

    /// Logs in: credentials count at `auth/login` alone, which answers with a redirect and a session. Each answer
    /// brings a cookie of somebody unknown first, so the last one of a name is the session's.
    async fn session(&self) -> Called<Option<Secret>> {
        if self.login.is_none() {
            return Ok(None);
        }
        let reply = match self.api.get(&["auth", "login"]).exchange().await {
            // There is nothing to log in to: a proxy looked at the credentials.
            Err(Failure::Transient { why, .. }) if why.contains("status 501") => return Ok(None),
            reply => reply?,
        };
        match reply.status {
            200..=399 => {}
            404 | 405 => return Ok(None),
            _ => return Err(reply.failure()),
        }
        let mut cookies: Vec<(&str, &str)> = Vec::new();
        for cookie in reply.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = cookie.split_once('=') {
                cookies.retain(|(known, _)| *known != name);
                cookies.push((name, value));
            }
        }
        let cookies: Vec<String> = cookies.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(Some(Secret::new(&cookies.join("; "))).filter(|session| !session.expose().is_empty()))
    }

    fn secrets(&self) -> Vec<&str> {
        self.login.iter().map(|login| login.password.expose()).collect()
    }

    /// A page of Buildbot's, which are all behind a `#`.
    fn page(&self, rest: &str) -> Option<String> {
        text::web(&format!("{}/#/{rest}", self.api.base().as_str().trim_end_matches('/')))
    }
}

fn number(id: &str) -> Called<u64> {
    let wrong = || Failure::refused(Refused::Malformed, "Buildbot: the id is none of Buildbot's");
    if id.bytes().all(|byte| byte.is_ascii_digit()) { id.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

#[async_trait]
impl Pipeline for Buildbot {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            cancels: true,
            rollback: Rollback::Redeploy,
            logs: true,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("Buildbot")
        }
    }

    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        match reference {
            Some(reference) => Ok(Resolved { commit: Commit::bare(reference), kind: RefKind::Unknown }),
            None => Err(cannot("Buildbot can't tell what would be deployed; say a commit")),
        }
    }

    async fn changes(&self, _from: &str, _to: &str) -> Called<Changes> {
        Err(cannot("Buildbot can't compare commits"))
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        self.forced(order).await
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        self.found(&order.id).await
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        self.progress(run).await
    }

    async fn cancel(&self, run: &Run) -> Called<()> {
        self.cancelled(run).await
    }

    async fn decide(&self, _run: &Run, _gate: &Gate, _approve: bool, _comment: &str) -> Called<()> {
        Err(cannot("Buildbot has nothing that waits for somebody's word"))
    }

    async fn log(&self, run: &Run) -> Called<Log> {
        self.end_of_log(run).await
    }
}
