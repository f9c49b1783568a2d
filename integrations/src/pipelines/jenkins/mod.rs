//! Jenkins: a parameterised job (www.jenkins.io/doc/book/using/remote-access-api).
//!
//! [`start`](mod@start) starts builds and finds them again, [`follow`] tells how they stand and answers their input
//! steps, [`changes`] reads what the job's builds say about commits. What holds: a parameter that the job does not
//! declare, which Jenkins would drop without a word, is refused before the start; no address that Jenkins names is
//! called, only numbers are taken from them; a build of another job that was given the same parameters is not taken
//! for this one's.

mod changes;
mod follow;
mod start;
mod wire;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Commit, Gate, Idempotency, Log, Order, Progress, RefKind, Resolved, Rollback, Run,
};
use reqwest::Method;
use reqwest::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use serde::Deserialize;

use super::{Called, Failure, Pipeline, Refused, Shared, cannot};
use crate::http::api::{Api, Auth, Call, Reply};
use crate::secret::Secret;

/// Where Jenkins is, and who Muster is there.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its address, with the path that it is served under (`https://ci.example.com/jenkins`).
    pub url: String,
    /// The name of a user that may read, build and cancel the job.
    pub user: String,
    /// That user's API token. With one, Jenkins asks for no crumb (since 2.96); with a password it does, and Muster
    /// fetches one.
    pub api_token: Secret,
}

/// What is run there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The job with its folders, as in its full name: `team/checkout-deploy`. A branch of a multibranch pipeline is
    /// the last part, written as Jenkins does (`checkout/feature%2Fx`).
    pub job: String,
    /// What Muster's own values are called among the job's parameters.
    #[serde(default)]
    pub parameters: Parameters,
}

/// The names of parameters. All but those of the id and the commit are passed only where the job declares them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// The order's id, which the build is found by. The job must declare it.
    pub id: String,
    /// The commit that was planned. The job must declare it, or would deploy whatever it likes; empty where it really
    /// chooses by itself.
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

impl Default for Parameters {
    /// `MUSTER_ID`, `MUSTER_COMMIT` and so on.
    fn default() -> Parameters {
        let name = |what: &str| format!("MUSTER_{what}");
        Parameters {
            id: name("ID"),
            commit: name("COMMIT"),
            reference: name("REF"),
            service: name("SERVICE"),
            environment: name("ENVIRONMENT"),
            rollback: name("ROLLBACK"),
        }
    }
}

/// Builds of one job.
pub struct Jenkins {
    api: Api,
    token: Secret,
    /// `job`, a folder, `job`, the job.
    path: Vec<String>,
    target: Target,
}

impl Jenkins {
    /// Builds of the job that `target` names.
    ///
    /// # Errors
    /// Which field is wrong, and what to write instead.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<Jenkins, String> {
        if connection.user.is_empty() || connection.user.contains(':') {
            return Err("user: write the name of a Jenkins user (it holds no `:`)".to_owned());
        }
        if connection.api_token.expose().is_empty() {
            return Err("api_token: write that user's API token (Jenkins, Configure, API Token)".to_owned());
        }
        let parts: Vec<&str> = target.job.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..") || part.chars().any(char::is_control)) {
            return Err(format!("job: `{}` is none; write it with its folders: `team/checkout-deploy`", target.job));
        }
        if parts.len() > 2 && parts[0] == "job" && parts[2] == "job" {
            return Err("job: write its full name (`team/checkout-deploy`), not the path of its page".to_owned());
        }
        if target.parameters.id.is_empty() {
            return Err("parameters.id: it is empty; without it no build could be found again (`MUSTER_ID`)".to_owned());
        }
        let path = parts.iter().flat_map(|part| ["job".to_owned(), (*part).to_owned()]).collect();
        let auth = Auth::Basic(connection.user, connection.api_token.clone());
        let api = Api::new("Jenkins", &connection.url, auth, shared.http, shared.clock)?;
        Ok(Jenkins { api, token: connection.api_token, path, target })
    }

    /// A call below the job.
    fn call(&self, method: Method, path: &[&str]) -> Call<'_> {
        let whole: Vec<&str> = self.path.iter().map(String::as_str).chain(path.iter().copied()).collect();
        self.api.call(method, &whole)
    }

    fn get(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// Makes a call that does something. Jenkins refuses one without a crumb before it does anything, so it is sent
    /// again with one; 2xx and redirects, which Jenkins ends most of its forms with, come back.
    async fn act<'a>(&'a self, call: impl Fn() -> Call<'a>) -> Called<Reply> {
        let reply = call().exchange().await?;
        let reply = if wants_crumb(&reply) { self.with_crumb(call()).await? } else { reply };
        match reply.status {
            200..=303 | 307 | 308 => Ok(reply),
            _ => Err(reply.failure()),
        }
    }

    /// The crumb belongs to the session in which it was given (since 2.176.2), so its cookie goes with it.
    async fn with_crumb(&self, call: Call<'_>) -> Called<Reply> {
        let reply = self.api.get(&["crumbIssuer", "api", "json"]).send().await?;
        let crumb: wire::Crumb = reply.json()?;
        let unusable = || Failure::refused(Refused::Forbidden, "Jenkins gives a crumb that can't be sent");
        // It becomes a header of the next call: one that is named otherwise could replace another header.
        let name = Some(crumb.field.to_ascii_lowercase()).filter(|name| name.contains("crumb"));
        let name = name.and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok()).ok_or_else(unusable)?;
        let value = HeaderValue::from_str(&crumb.crumb).map_err(|_| unusable())?;
        let mut call = call.header(name, value).secret(Secret::new(&crumb.crumb));
        let cookies: Vec<&str> = reply
            .headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .collect();
        if !cookies.is_empty() {
            let cookies = cookies.join("; ");
            let value = HeaderValue::from_str(&cookies).map_err(|_| unusable())?;
            call = call.header(COOKIE, value).secret(Secret::new(&cookies));
        }
        call.exchange().await
    }
}

/// Jenkins says it in a page of HTML (`hudson.security.csrf.CrumbFilter`).
fn wants_crumb(reply: &Reply) -> bool {
    reply.status == 403 && String::from_utf8_lossy(&reply.body).contains("No valid crumb")
}

/// What a run's id says. A build's number is known only once it left the queue, and its item is forgotten some five
/// minutes later; then it is found by the order's id, which stands there too.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Queue(u64, String),
    Build(u64),
}

impl Place {
    fn of(run: &Run) -> Called<Place> {
        let wrong = || Failure::refused(Refused::Malformed, "Jenkins: the id is none of Jenkins's");
        let number = |text: &str| text.parse::<u64>().ok();
        let place = match run.id.split_once(':') {
            Some(("build", build)) => number(build).map(Place::Build),
            Some(("queue", rest)) => {
                let (item, id) = rest.split_once(':').ok_or_else(wrong)?;
                number(item).filter(|_| !id.is_empty()).map(|item| Place::Queue(item, id.to_owned()))
            }
            _ => None,
        };
        place.ok_or_else(wrong)
    }

    fn id(&self) -> String {
        match self {
            Place::Queue(item, id) => format!("queue:{item}:{id}"),
            Place::Build(build) => format!("build:{build}"),
        }
    }
}

#[async_trait]
impl Pipeline for Jenkins {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // As far as the job itself has built both.
            compares: true,
            cancels: true,
            approves: true,
            rollback: Rollback::Redeploy,
            logs: true,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("Jenkins")
        }
    }

    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        match reference {
            Some(reference) => Ok(Resolved { commit: Commit::bare(reference), kind: RefKind::Unknown }),
            None => Err(cannot("Jenkins can't tell what would be deployed; say a commit, a tag or a build's number")),
        }
    }

    async fn changes(&self, from: &str, to: &str) -> Called<Changes> {
        self.between(from, to).await
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        self.started(order).await
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

    async fn decide(&self, run: &Run, gate: &Gate, approve: bool, _comment: &str) -> Called<()> {
        self.decided(run, gate, approve).await
    }

    async fn log(&self, run: &Run) -> Called<Log> {
        self.end_of_log(run).await
    }
}
