//! `[pipelines.NAME]` and `[changes.NAME]` in `muster.toml`, and a service's `pipeline` in `services.toml`.
//!
//! A connection says how a service is reached, a target what is run there. What holds: a pipeline was built once when
//! the configuration was read, so what an adapter doesn't take is told with its line and not at the first deploy.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use integrations::aws;
use integrations::changes::{Told, grafana, pagerduty};
use integrations::clock::{SharedClock, SystemClock};
use integrations::http::public::Public;
use integrations::pipelines::{
    AnyPipeline, Shared, argocd, buildbot, codebuild, codedeploy, codepipeline, generic, github, gitlab, jenkins,
    kubernetes,
};
use integrations::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::secrets::{ANY, Vault};
use super::tables::{File, Found, Table};
use super::values::api_url;

/// How a service that deploys is reached.
#[derive(Clone, Debug)]
pub struct Connection {
    how: How,
    /// What its webhooks are checked by, where it sends any.
    pub webhook: Option<Secret>,
}

#[derive(Clone, Debug)]
enum How {
    GitHub(github::Connection),
    GitLab(gitlab::Connection),
    Jenkins(jenkins::Connection),
    Buildbot(buildbot::Connection),
    ArgoCd(argocd::Connection),
    Kubernetes(kubernetes::Connection),
    Aws(aws::Connection),
    Http(generic::Connection),
}

/// The kinds of connection, as they are written.
const KINDS: [&str; 8] = ["github", "gitlab", "jenkins", "buildbot", "argocd", "kubernetes", "aws", "http"];

/// The kinds of target that a connection to AWS has.
const AWS_KINDS: [&str; 3] = ["codepipeline", "codebuild", "codedeploy"];

/// What is run, and where.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The name of its connection.
    pub connection: String,
    how: How,
    kind: String,
    target: Value,
}

impl Pipeline {
    /// Builds it.
    ///
    /// # Errors
    /// What is wrong with its target, for operators.
    pub fn build(&self, shared: &Shared) -> Result<AnyPipeline, String> {
        let shared = shared.clone();
        Ok(match &self.how {
            How::GitHub(it) => Arc::new(github::GitHub::new(it.clone(), self.target()?, shared)?),
            How::GitLab(it) => Arc::new(gitlab::GitLab::new(it.clone(), self.target()?, shared)?),
            How::Jenkins(it) => Arc::new(jenkins::Jenkins::new(it.clone(), self.target()?, shared)?),
            How::Buildbot(it) => Arc::new(buildbot::Buildbot::new(it.clone(), self.target()?, shared)?),
            How::ArgoCd(it) => Arc::new(argocd::ArgoCd::new(it.clone(), self.target()?, shared)?),
            How::Kubernetes(it) => Arc::new(kubernetes::Kubernetes::new(it.clone(), self.target()?, shared)?),
            How::Http(it) => Arc::new(generic::Generic::new(it.clone(), self.target()?, shared)?),
            How::Aws(it) => match self.kind.as_str() {
                "codebuild" => Arc::new(codebuild::CodeBuild::new(it.clone(), self.target()?, shared)?),
                "codedeploy" => Arc::new(codedeploy::CodeDeploy::new(it.clone(), self.target()?, shared)?),
                _ => Arc::new(codepipeline::CodePipeline::new(it.clone(), self.target()?, shared)?),
            },
        })
    }

    fn target<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_value(self.target.clone()).map_err(|error| error.to_string())
    }
}

/// Reads `[pipelines]`.
pub(super) fn connections(
    file: &mut File<'_>,
    vault: &Vault<'_>,
    mut table: Table<'_, '_>,
) -> BTreeMap<String, Connection> {
    let mut all = BTreeMap::new();
    for (name, span) in table.names() {
        let path = table.key(&name);
        if !is_name(&name) {
            file.problem(&span, &path, "a pipeline's name is lower case letters, digits and hyphens");
        }
        let Some(mut it) = table.table(file, &name) else { continue };
        let (key, kind) = (it.key("kind"), it.string(file, "kind"));
        let (kind, at) = kind.map_or((name.clone(), span), |found| (found.value, found.span));
        let how = connection(file, vault, &mut it, &kind);
        let span = it.get("webhook_secret").map(toml::Spanned::span);
        let webhook = span.as_ref().and_then(|_| vault.secret(file, &mut it, "webhook_secret", ANY));
        if let Some(span) = span.filter(|_| how.as_ref().is_some_and(|how| sends(how).is_none())) {
            let what = "what such a service sends can't be believed, so nothing is taken: leave it out";
            file.problem(&span, &it.key("webhook_secret"), what);
        }
        if !KINDS.contains(&kind.as_str()) {
            file.problem(&at, &key, format!("there is no such kind of pipeline. There are: {}", KINDS.join(", ")));
            // Its keys are those of no kind.
            let _ = it.names();
        }
        it.finish(file);
        match how {
            Some(how) => drop(all.insert(name, Connection { how, webhook })),
            None => drop(file.found.broken.insert(name)),
        }
    }
    table.finish(file);
    all
}

fn connection(file: &mut File<'_>, vault: &Vault<'_>, it: &mut Table<'_, '_>, kind: &str) -> Option<How> {
    let directory = vault.directory;
    match kind {
        "github" => {
            let token = vault.secret(file, it, "token", ANY);
            let api_url = address(file, it, "api_url").unwrap_or_else(|| github::GITHUB.to_owned());
            Some(How::GitHub(github::Connection { api_url, token: token? }))
        }
        "gitlab" => {
            let token = vault.secret(file, it, "token", ANY);
            let api_url = address(file, it, "api_url").unwrap_or_else(|| gitlab::Connection::API_URL.to_owned());
            Some(How::GitLab(gitlab::Connection { api_url, token: token? }))
        }
        "jenkins" => {
            let url = required(file, it, "url", "where Jenkins is: https://ci.example.com");
            let user = it.required(file, "user", "the user whose API token it is").map(|found| found.value);
            let api_token = vault.secret(file, it, "token", ANY);
            Some(How::Jenkins(jenkins::Connection { url: url?, user: user?, api_token: api_token? }))
        }
        "buildbot" => {
            let url = required(file, it, "url", "where Buildbot is: https://ci.example.com/buildbot");
            let user = it.string(file, "user").map(|found| found.value);
            let login = match user {
                Some(user) => {
                    let password = vault.secret(file, it, "password", ANY);
                    Some(buildbot::Login { user, password: password? })
                }
                None => None,
            };
            Some(How::Buildbot(buildbot::Connection { url: url?, login }))
        }
        "argocd" => {
            let url = required(file, it, "url", "where Argo CD is: https://argocd.example.com");
            let token = vault.secret(file, it, "token", ANY);
            Some(How::ArgoCd(argocd::Connection { url: url?, token: token? }))
        }
        "kubernetes" => kubernetes_connection(file, vault, it, directory),
        "aws" => {
            let region = it.required(file, "region", "the region, such as \"eu-central-1\"").map(|found| found.value);
            let api_url = address(file, it, "api_url");
            let (region, span) = (region?, it.span());
            match credentials(&region) {
                Ok(credentials) => Some(How::Aws(aws::Connection { region, api_url, credentials })),
                Err(why) => {
                    file.problem(&span, &it.key("region"), why);
                    None
                }
            }
        }
        "http" => {
            let url = required(file, it, "url", "its scheme, host and port: https://deploy.example.com");
            let mut headers = Vec::new();
            if let Some(mut table) = it.table(file, "headers") {
                for (name, _) in table.names() {
                    headers.extend(vault.secret(file, &mut table, &name, ANY).map(|secret| (name, secret)));
                }
                table.finish(file);
            }
            Some(How::Http(generic::Connection { url: url?, headers }))
        }
        _ => None,
    }
}

/// Without an address it is the cluster that Muster itself runs in.
fn kubernetes_connection(
    file: &mut File<'_>,
    vault: &Vault<'_>,
    it: &mut Table<'_, '_>,
    directory: &Path,
) -> Option<How> {
    let Some(url) = address(file, it, "url") else {
        return Some(How::Kubernetes(kubernetes::Connection::in_cluster()));
    };
    let token = vault.secret(file, it, "token", ANY);
    let ca_file = it.string(file, "ca_file").map(|found| directory.join(found.value));
    Some(How::Kubernetes(kubernetes::Connection { url, token: kubernetes::Token::Given(token?), ca_file }))
}

/// Looked for where AWS's own programs look: environment, web identity, container, machine.
fn credentials(region: &str) -> Result<aws::Provider, String> {
    let Shared { http, clock, .. } = trial()?;
    aws::Provider::new(aws::Source::Default, region, aws::credentials::environment(), http, clock)
}

fn address(file: &mut File<'_>, it: &mut Table<'_, '_>, name: &str) -> Option<String> {
    it.string(file, name).and_then(|found| api_url(file, found))
}

fn required(file: &mut File<'_>, it: &mut Table<'_, '_>, name: &str, hint: &str) -> Option<String> {
    it.required(file, name, hint).and_then(|found| api_url(file, found))
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// A service's pipeline as it is written: its keys as JSON, and where it stands.
pub(super) struct Written {
    pub(super) keys: serde_json::Map<String, Value>,
    pub(super) at: Found<()>,
}

/// Reads a `pipeline` table; what it means is found out once all of it is there.
pub(super) fn written(file: &mut File<'_>, table: &mut Table<'_, '_>) -> Option<Written> {
    let mut it = table.table(file, "pipeline")?;
    let at = Found { value: (), span: it.span(), key: it.path().to_owned() };
    let keys = it.json(file);
    it.finish(file);
    Some(Written { keys, at })
}

/// The pipeline of an environment: the service's keys, and those that stand at the environment in their place.
pub(super) fn pipeline(
    file: &mut File<'_>,
    connections: &BTreeMap<String, Connection>,
    service: Option<&Written>,
    environment: Option<&Written>,
) -> Option<Pipeline> {
    let at = &environment.or(service)?.at;
    let mut keys = service.map(|it| it.keys.clone()).unwrap_or_default();
    keys.extend(environment.map(|it| it.keys.clone()).unwrap_or_default());
    let mut word = |name: &str| match keys.remove(name) {
        Some(Value::String(word)) => Some(word),
        Some(other) => {
            // Kubernetes calls what it runs a kind as well; that one is a word too.
            keys.insert(name.to_owned(), other);
            None
        }
        None => None,
    };
    let (on, kind) = (word("on"), word("kind"));
    let is_aws = kind.as_deref().is_some_and(|kind| AWS_KINDS.contains(&kind));
    let name = match (&on, &kind) {
        (Some(on), _) => on.clone(),
        (None, Some(kind)) if is_aws => only(connections, "aws").unwrap_or_else(|| kind.clone()),
        (None, Some(kind)) if connections.contains_key(kind) => kind.clone(),
        (None, Some(kind)) => only(connections, kind).unwrap_or_else(|| kind.clone()),
        (None, None) => {
            file.problem(&at.span, &at.key, "`on` is missing: the name of a [pipelines.NAME] in muster.toml");
            return None;
        }
    };
    let Some(connection) = connections.get(&name) else {
        // Which one a kind alone means can't be told where one of them is broken.
        if file.found.broken.contains(&name) || (on.is_none() && !file.found.broken.is_empty()) {
            return None;
        }
        let known: Vec<&str> = connections.keys().map(String::as_str).collect();
        let there =
            if known.is_empty() { "there is none".to_owned() } else { format!("there are: {}", known.join(", ")) };
        let what = format!("there is no [pipelines.{}] in muster.toml; {there}", name.escape_debug());
        file.problem(&at.span, &at.key, what);
        return None;
    };
    // What else is called a kind is the target's own.
    if let (Some(_), Some(kind)) = (&on, &kind)
        && !is_aws
        && !KINDS.contains(&kind.as_str())
    {
        keys.insert("kind".to_owned(), Value::String(kind.clone()));
    }
    if matches!(connection.how, How::Aws(_)) && !is_aws {
        file.problem(&at.span, &at.key, format!("`kind` is missing: one of {}", AWS_KINDS.join(", ")));
        return None;
    }
    let kind = kind.unwrap_or_default();
    Some(Pipeline { connection: name, how: connection.how.clone(), kind, target: Value::Object(keys) })
}

/// The only connection of a kind.
fn only(connections: &BTreeMap<String, Connection>, kind: &str) -> Option<String> {
    let of = |it: &Connection| match &it.how {
        How::GitHub(_) => "github",
        How::GitLab(_) => "gitlab",
        How::Jenkins(_) => "jenkins",
        How::Buildbot(_) => "buildbot",
        How::ArgoCd(_) => "argocd",
        How::Kubernetes(_) => "kubernetes",
        How::Aws(_) => "aws",
        How::Http(_) => "http",
    };
    let mut all = connections.iter().filter(|(_, it)| of(it) == kind).map(|(name, _)| name.clone());
    all.next().filter(|_| all.next().is_none())
}

/// What a connection's webhooks look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    /// GitHub's.
    GitHub,
    /// GitLab's.
    GitLab,
    /// Buildbot's.
    Buildbot,
    /// Argo CD's.
    ArgoCd,
}

impl Connection {
    /// What its webhooks look like; none where it sends none.
    #[must_use]
    pub fn sends(&self) -> Option<Sends> {
        sends(&self.how)
    }
}

fn sends(how: &How) -> Option<Sends> {
    match how {
        How::GitHub(_) => Some(Sends::GitHub),
        How::GitLab(_) => Some(Sends::GitLab),
        How::Buildbot(_) => Some(Sends::Buildbot),
        How::ArgoCd(_) => Some(Sends::ArgoCd),
        How::Jenkins(_) | How::Kubernetes(_) | How::Aws(_) | How::Http(_) => None,
    }
}

/// What pipelines are tried with when the configuration is read: nothing is sent.
pub(super) fn trial() -> Result<Shared, String> {
    integrations::tls::install();
    let clock: SharedClock = Arc::new(SystemClock);
    let http = integrations::http::http_client()?;
    Ok(Shared { http, clock: clock.clone(), public: Public::new(clock)? })
}

/// Somebody outside who is told when a deploy ended.
#[derive(Clone, Debug)]
pub enum ChangeTo {
    /// PagerDuty's change events.
    PagerDuty(pagerduty::Connection),
    /// Grafana's annotations.
    Grafana(grafana::Connection),
    /// The pipeline that deployed, where it keeps records (GitHub's deployments).
    Pipeline,
}

impl ChangeTo {
    /// Builds it; none where it is the pipeline itself.
    ///
    /// # Errors
    /// What is wrong, for operators.
    pub fn build(&self, http: &reqwest::Client, clock: &SharedClock) -> Result<Option<Told>, String> {
        let (http, clock) = (http.clone(), clock.clone());
        Ok(match self {
            ChangeTo::PagerDuty(it) => Some(Told::PagerDuty(pagerduty::PagerDuty::new(it.clone(), http, clock)?)),
            ChangeTo::Grafana(it) => Some(Told::Grafana(grafana::Grafana::new(it.clone(), http, clock)?)),
            ChangeTo::Pipeline => None,
        })
    }
}

/// Reads `[changes]`.
pub(super) fn changes(file: &mut File<'_>, vault: &Vault<'_>, mut table: Table<'_, '_>) -> BTreeMap<String, ChangeTo> {
    let mut all = BTreeMap::new();
    for (name, span) in table.names() {
        let Some(mut it) = table.table(file, &name) else { continue };
        let (key, kind) = (it.key("kind"), it.string(file, "kind"));
        let (kind, at) = kind.map_or((name.clone(), span), |found| (found.value, found.span));
        let told = match kind.as_str() {
            "pagerduty" => {
                let address = address(file, &mut it, "api_url").unwrap_or_else(|| pagerduty::ADDRESS.to_owned());
                let routing_key = vault.secret(file, &mut it, "routing_key", ANY);
                routing_key.map(|routing_key| ChangeTo::PagerDuty(pagerduty::Connection { address, routing_key }))
            }
            "grafana" => {
                let address = required(file, &mut it, "url", "where Grafana is: https://grafana.example.com");
                let token = vault.secret(file, &mut it, "token", ANY);
                address.zip(token).map(|(address, token)| ChangeTo::Grafana(grafana::Connection { address, token }))
            }
            "pipeline" => Some(ChangeTo::Pipeline),
            _ => {
                file.problem(&at, &key, "there is no such kind. There are: pagerduty, grafana, pipeline");
                let _ = it.names();
                None
            }
        };
        it.finish(file);
        all.extend(told.map(|told| (name, told)));
    }
    table.finish(file);
    all
}
