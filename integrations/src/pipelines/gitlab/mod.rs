//! GitLab CI: a pipeline on a branch or tag of a project (docs.gitlab.com/api/pipelines).
//!
//! [`start`](mod@start) starts pipelines and finds them again, [`follow`] tells how they stand and answers their
//! gates, [`refs`] knows branches, tags and commits, [`hook`] reads GitLab's webhooks.
//! What holds: GitLab runs pipelines on branches and tags only, so the commit is compared before and after the start,
//! and a pipeline on another one is cancelled and told of; pages are asked for by their number and no address from an
//! answer is called.

mod follow;
pub mod hook;
mod refs;
mod start;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Checks, Gate, Idempotency, Log, Order, Progress, Resolved, Rollback, Run,
};
use reqwest::Method;
use reqwest::header::HeaderName;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Called, Failure, Pipeline, Refused, Shared};
use crate::http::api::{Api, Auth, Call, Reply};
use crate::secret::Secret;

/// So many things stand on a page: the most that GitLab gives.
const PER_PAGE: &str = "100";

/// So many pages of one thing are read.
const PAGES: usize = 10;

/// Where GitLab is, and who Muster is there.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The address of its API; [`Connection::API_URL`] where nothing else is said.
    pub api_url: String,
    /// A personal, project or group access token with the scope `api`; the role Developer at least, and Maintainer
    /// where the project lets only those set variables. Sent as `PRIVATE-TOKEN`.
    pub token: Secret,
}

impl Connection {
    /// GitLab.com's API.
    pub const API_URL: &'static str = "https://gitlab.com/api/v4";
}

/// What is run there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Target {
    /// The project's path with its groups (`team/checkout`), or its number.
    pub project: String,
    /// The job that carries the deploy out, where it is one that somebody plays by hand. It is then the only one
    /// that is told as a gate, and the run has not ended well before this job has: GitLab itself calls a pipeline
    /// done whose optional manual jobs were never played.
    pub job: Option<String>,
    /// How values are handed over.
    pub pass: Pass,
    /// What Muster's own values are called there.
    pub names: Names,
    /// Inputs that are declared with a type other than `string` (docs.gitlab.com/ci/inputs).
    pub types: BTreeMap<String, InputType>,
    /// Whether `CHAT_INPUT`, `CHAT_CHANNEL` and `CHAT_USER_ID` are passed as GitLab's own ChatOps does, so that jobs
    /// written for it do their work (docs.gitlab.com/ci/chatops). Only with [`Pass::Variables`]. Such a job must also
    /// run in pipelines whose source is `api`, not only `chat`.
    pub chatops: bool,
}

/// A target as it is written: which names values have where nothing is said depends on how they are handed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    project: String,
    #[serde(default)]
    job: Option<String>,
    #[serde(default)]
    pass: Pass,
    #[serde(default)]
    names: Option<Names>,
    #[serde(default)]
    types: BTreeMap<String, InputType>,
    #[serde(default)]
    chatops: bool,
}

impl From<Written> for Target {
    fn from(it: Written) -> Target {
        let Written { project, job, pass, names, types, chatops } = it;
        let usual = match pass {
            Pass::Variables => Names::variables(),
            Pass::Inputs => Names::inputs(),
        };
        Target { project, job, pass, names: names.unwrap_or(usual), types, chatops }
    }
}

/// How values are handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// As pipeline variables. A project can forbid them to a role.
    #[default]
    Variables,
    /// As inputs (GitLab 17.10), which must be declared in `spec: inputs:`. GitLab tells nobody what they were, so the
    /// pipeline must be named by the order's id (`workflow: name: "… $[[ inputs.muster_id ]]"`), or it can't be
    /// found after an answer was lost.
    Inputs,
}

/// The type of an input that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// `number`.
    Number,
    /// `boolean`.
    Boolean,
}

/// What Muster's own values are called on the other side. One with an empty name is not passed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// The order's id, which the pipeline is found by.
    pub id: String,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// The commit.
    pub commit: String,
    /// Whether it is a rollback: `true` or `false`.
    pub rollback: String,
}

impl Names {
    /// `MUSTER_ID`, `MUSTER_SERVICE`, `MUSTER_ENVIRONMENT`, `MUSTER_COMMIT` and `MUSTER_ROLLBACK`.
    #[must_use]
    pub fn variables() -> Names {
        let name = |what: &str| format!("MUSTER_{what}");
        Names {
            id: name("ID"),
            service: name("SERVICE"),
            environment: name("ENVIRONMENT"),
            commit: name("COMMIT"),
            rollback: name("ROLLBACK"),
        }
    }

    /// The same in lower case, as inputs are usually written.
    #[must_use]
    pub fn inputs() -> Names {
        let upper = Names::variables();
        Names {
            id: upper.id.to_lowercase(),
            service: upper.service.to_lowercase(),
            environment: upper.environment.to_lowercase(),
            commit: upper.commit.to_lowercase(),
            rollback: upper.rollback.to_lowercase(),
        }
    }

    /// The names with what stands under them, those that are passed.
    fn values<'o>(&'o self, order: &'o Order) -> Vec<(&'o str, &'o str)> {
        let all = [
            (self.id.as_str(), order.id.as_str()),
            (&self.service, &order.service),
            (&self.environment, &order.environment),
            (&self.commit, &order.commit),
            (&self.rollback, if order.is_rollback { "true" } else { "false" }),
        ];
        all.into_iter().filter(|(name, _)| !name.is_empty()).collect()
    }
}

/// Pipelines of one project.
pub struct GitLab {
    api: Api,
    token: Secret,
    target: Target,
}

impl GitLab {
    /// Pipelines of the project that `target` names.
    ///
    /// # Errors
    /// Which field is wrong, and what to write instead.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<GitLab, String> {
        if connection.token.expose().is_empty() {
            return Err("token: write an access token with the scope `api`".to_owned());
        }
        let project = target.project.as_str();
        let is_path = !project.is_empty()
            && project.split('/').all(|part| !matches!(part, "" | "." | ".."))
            && project.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | '.'));
        if !is_path {
            return Err(format!("project: `{project}` is none; write its path (`team/checkout`) or its number"));
        }
        check_names(&target)?;
        if target.job.as_ref().is_some_and(|job| job.trim().is_empty()) {
            return Err("job: it is empty; write the manual job's name, or leave it out".to_owned());
        }
        let header = HeaderName::from_static("private-token");
        let auth = Auth::Header(header, connection.token.clone());
        let api = Api::new("GitLab", &connection.api_url, auth, shared.http, shared.clock)?;
        Ok(GitLab { api, token: connection.token, target })
    }

    /// The run that a job belongs to: for a webhook that names only the job ([`hook::About::Job`]).
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn run_of_job(&self, job: u64) -> Called<Run> {
        let job: wire::Job = self.get(&["jobs", &job.to_string()]).send().await?.json()?;
        let none = || Failure::refused(Refused::NotFound, "GitLab: the job belongs to no pipeline");
        let pipeline = job.pipeline.ok_or_else(none)?;
        Ok(Run { id: pipeline.id.to_string(), url: None })
    }

    fn get(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::GET, path)
    }

    fn post(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// A call below the project.
    fn call(&self, method: Method, path: &[&str]) -> Call<'_> {
        let mut whole = vec!["projects", self.target.project.as_str()];
        whole.extend_from_slice(path);
        self.api.call(method, &whole)
    }

    /// One page of a list and the number of the next (docs.gitlab.com/api/rest, "Pagination"). The number is
    /// followed, not the address in `Link`, which an instance behind a proxy gets wrong.
    async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        page: &str,
    ) -> Called<(Vec<T>, Option<String>)> {
        let call = self.get(path).query(query).query(&[("per_page", PER_PAGE), ("page", page)]);
        let reply = self.done(call).await?;
        let next = reply.header("x-next-page").map(str::trim);
        let next = next.filter(|next| !next.is_empty() && next.bytes().all(|byte| byte.is_ascii_digit()));
        Ok((reply.json()?, next.filter(|next| *next != page).map(str::to_owned)))
    }

    /// All of a list, up to [`PAGES`] pages.
    async fn list<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Called<Vec<T>> {
        let mut all = Vec::new();
        let mut page = "1".to_owned();
        for _ in 0..PAGES {
            let (some, next) = self.page(path, query, &page).await?;
            all.extend::<Vec<T>>(some);
            match next {
                Some(next) => page = next,
                None => break,
            }
        }
        Ok(all)
    }

    /// Makes a call and tells a refusal in GitLab's words.
    async fn done(&self, call: Call<'_>) -> Called<Reply> {
        let reply = call.exchange().await?;
        if (200..300).contains(&reply.status) { Ok(reply) } else { Err(refusal(&reply)) }
    }
}

/// What a refusal means.
fn refusal(reply: &Reply) -> Failure {
    match reply.failure() {
        Failure::Permanent { why, .. } if why.contains("to set pipeline variables") => {
            let hint = "raise the token's role, let it set variables (Settings, CI/CD, Variables), or pass inputs";
            Failure::refused(Refused::Forbidden, format!("{why}; {hint}"))
        }
        other => other,
    }
}

/// The number of a run, a job or a deployment. Ids come back from the journal, so they are looked at again.
fn number(id: &str) -> Called<u64> {
    let wrong = || Failure::refused(Refused::Malformed, "GitLab: the id is none of GitLab's");
    if id.bytes().all(|byte| byte.is_ascii_digit()) { id.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

fn check_names(target: &Target) -> Result<(), String> {
    let names = &target.names;
    let all = [&names.id, &names.service, &names.environment, &names.commit, &names.rollback];
    let passed: Vec<&String> = all.into_iter().filter(|name| !name.is_empty()).collect();
    for (at, name) in passed.iter().enumerate() {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == '-' && target.pass == Pass::Inputs);
        if !name.chars().all(fits) || name.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Err(format!("names: `{name}` can't be the name of a variable; write letters, digits and `_`"));
        }
        if passed[..at].contains(name) {
            return Err(format!("names: `{name}` stands there twice; each value needs a name of its own"));
        }
    }
    if names.id.is_empty() {
        return Err("names.id: it is empty; without it no pipeline could be found again (`MUSTER_ID`)".to_owned());
    }
    if target.pass == Pass::Inputs && target.chatops {
        return Err("chatops: GitLab's ChatOps passes variables; pass variables too, or turn it off".to_owned());
    }
    Ok(())
}

#[async_trait]
impl Pipeline for GitLab {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resolves: true,
            compares: true,
            cancels: true,
            approves: true,
            rollback: Rollback::Redeploy,
            logs: true,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("GitLab")
        }
    }

    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        self.resolved(reference).await
    }

    async fn changes(&self, from: &str, to: &str) -> Called<Changes> {
        self.between(from, to).await
    }

    async fn checks(&self, commit: &str) -> Called<Checks> {
        self.statuses(commit).await
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        self.started(order).await
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        self.found(order).await
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        self.progress(run).await
    }

    async fn cancel(&self, run: &Run) -> Called<()> {
        self.cancelled(run).await
    }

    async fn decide(&self, run: &Run, gate: &Gate, approve: bool, comment: &str) -> Called<()> {
        self.decided(run, gate, approve, comment).await
    }

    async fn log(&self, run: &Run) -> Called<Log> {
        self.trace(run).await
    }
}
