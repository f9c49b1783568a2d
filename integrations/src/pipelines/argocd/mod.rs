//! Argo CD: a deploy is a sync of one application to one revision.
//!
//! The order's id goes along as one of the sync's `infos`, which Argo CD keeps with the operation
//! (`.operation.info`, then `.status.operationState.operation.info`). What holds: the commit that was planned is the
//! revision; nothing is sent where Argo CD would refuse or undo it (auto-sync, several sources, an operation in
//! progress); a sync that went well is a deploy that went well only once health was looked at afterwards.
//!
//! Sources: argo-cd.readthedocs.io, "API docs" (`/swagger-ui`), "RBAC Configuration", "Sync windows", and the types in
//! github.com/argoproj/argo-cd `pkg/apis/application/v1alpha1`. What the documentation leaves open (which refusals are
//! a 400) is as in `server/application/application.go`.

mod hook;
mod progress;
mod start;
mod wire;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Commit, Gate, Idempotency, Log, Order, Progress, RefKind, Resolved, Rollback, Run,
};
use operations::text::Outside;
use reqwest::Method;
use serde::Deserialize;

pub use self::hook::{Rejected, hook};
use self::progress::Followed;
use self::wire::{Application, LogLine, Manifests, Metadata, Syncing, Tree, Windows};
use super::tail::tail;
use super::text::is_full_hash;
use super::{Called, Failure, Pipeline, Refused, Shared, cannot};
use crate::http::api::{Api, Auth, Call, Reply};
use crate::redact;
use crate::secret::Secret;

/// What the order's id is called among a sync's infos.
const ORDER: &str = "muster-order";

/// So many lines are asked for of a pod's log.
const LINES: &str = "200";

/// An Argo CD.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its address, with the root path where it has one: `https://argocd.example.com`.
    pub url: String,
    /// A token of a local account with the capability `apiKey`, or of a project's role. It needs `applications, get`
    /// and `applications, sync`; `applications, override` where `application.sync.requireOverridePrivilegeForRevisionSync`
    /// is on; `logs, get` for the logs of pods.
    pub token: Secret,
}

/// What is deployed there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The application's name.
    pub application: String,
    /// The namespace that the `Application` stands in, where that is not Argo CD's own.
    #[serde(default)]
    pub app_namespace: Option<String>,
    /// Its project. With it, Argo CD says 404 where there is no such application; without it, it says 403.
    #[serde(default)]
    pub project: Option<String>,
    /// Whether a sync removes what is no longer in Git.
    #[serde(default)]
    pub prune: bool,
}

/// One application of an Argo CD.
pub struct ArgoCd {
    api: Api,
    target: Target,
    /// For logs, in which it must not stand.
    token: Secret,
}

impl ArgoCd {
    /// The application that `target` names.
    ///
    /// # Errors
    /// Words for the operator: which field, what is wrong with it.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<ArgoCd, String> {
        if connection.token.expose().is_empty() {
            return Err("`token` of Argo CD is empty: write a token of a local account or of a project's role".into());
        }
        let names = [
            ("application", Some(&target.application)),
            ("app_namespace", target.app_namespace.as_ref()),
            ("project", target.project.as_ref()),
        ];
        for (field, name) in names {
            if name.is_some_and(|name| !wire::is_name(name)) {
                return Err(format!("`{field}` must be a name as Kubernetes has them: letters, digits, `-` and `.`"));
            }
        }
        let auth = Auth::Bearer(connection.token.clone());
        let api = Api::new("Argo CD", &connection.url, auth, shared.http, shared.clock)?;
        Ok(ArgoCd { api, target, token: connection.token })
    }

    /// A call about the application.
    fn call(&self, method: Method, path: &[&str]) -> Call<'_> {
        let mut whole = vec!["api", "v1", "applications", self.target.application.as_str()];
        whole.extend(path);
        let call = self.api.call(method.clone(), &whole);
        // In a POST they stand in the body.
        if method == Method::POST { call } else { call.query(&self.place()) }
    }

    fn place(&self) -> Vec<(&'static str, &str)> {
        let namespace = self.target.app_namespace.as_deref().map(|it| ("appNamespace", it));
        let project = self.target.project.as_deref().map(|it| ("project", it));
        namespace.into_iter().chain(project).collect()
    }

    async fn application(&self) -> Called<Application> {
        self.answer(self.call(Method::GET, &[])).await?.json()
    }

    /// Sends, and says what Argo CD's refusals mean where that differs from their status.
    async fn answer(&self, call: Call<'_>) -> Called<Reply> {
        let reply = call.exchange().await?;
        match reply.status {
            200..=299 => Ok(reply),
            403 if reply.said().to_lowercase().contains("sync window") => {
                Err(Failure::refused(Refused::Conflict, "a sync window of Argo CD's project denies it now"))
            }
            403 => {
                let hint = match &self.target.project {
                    Some(_) => "",
                    None => "; Argo CD also says so where there is no such application, unless `project` is set",
                };
                let why = format!(
                    "Argo CD answered 403{}. The token needs `applications, sync`, and for another revision perhaps \
                     `applications, override`{hint}",
                    reply.said()
                );
                Err(Failure::refused(Refused::Forbidden, why))
            }
            // FailedPrecondition and InvalidArgument both are a 400 (grpc-gateway, `HTTPStatusFromCode`).
            400 => Err(meaning(&reply)),
            _ => Err(reply.failure()),
        }
    }

    /// Where people look at it.
    fn page(&self) -> String {
        let name = self.target.application.as_str();
        let path = match &self.target.app_namespace {
            Some(namespace) => vec!["applications", namespace.as_str(), name],
            None => vec!["applications", name],
        };
        self.api.get(&path).url().to_string()
    }

    fn run(&self, followed: &Followed) -> Run {
        Run { id: followed.written(), url: Some(self.page()) }
    }

    /// The log of a pod that is not well; nothing where there is none or it may not be read.
    async fn pod(&self) -> Called<Option<(Outside, String)>> {
        let tree: Tree = self.answer(self.call(Method::GET, &["resource-tree"])).await?.json()?;
        let Some(pod) = tree.worst_pod() else { return Ok(None) };
        let call = self.call(Method::GET, &["logs"]).query(&[
            ("podName", pod.name.as_str()),
            ("namespace", pod.namespace.as_str()),
            ("tailLines", LINES),
            ("follow", "false"),
        ]);
        let reply = self.answer(call).await?;
        let mut text = String::new();
        // One JSON value a line (grpc-gateway's streams).
        for line in String::from_utf8_lossy(&reply.body).lines() {
            if let Ok(LogLine { result: Some(entry) }) = serde_json::from_str::<LogLine>(line) {
                text.push_str(&entry.content);
                text.push('\n');
            }
        }
        Ok(Some((Outside::new(&format!("Pod/{}", pod.name)), text)))
    }
}

const UNDONE: &str = "auto-sync is on: a rollback would be undone; revert in Git or turn auto-sync off";

/// What a 400 means.
fn meaning(reply: &Reply) -> Failure {
    let said = reply.said().to_lowercase();
    if said.contains("another operation is already in progress") {
        return Failure::refused(Refused::Conflict, BUSY);
    }
    if said.contains("auto-sync") || said.contains("no operation is in progress") || said.contains("is deleting") {
        return Failure::refused(Refused::Conflict, format!("Argo CD answered 400{}", reply.said()));
    }
    if said.contains("does not have deployment with id") || said.contains("unable to resolve") {
        return Failure::refused(Refused::NotFound, format!("Argo CD answered 400{}", reply.said()));
    }
    reply.failure()
}

const BUSY: &str = "another operation is in progress for the application: Argo CD does one after the other; \
                    wait for it, or stop it in Argo CD";

const SEVERAL: &str = "the application has several sources, and one revision can't name them all: \
                       deploy it by changing its sources in Git";

#[async_trait]
impl Pipeline for ArgoCd {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resolves: true,
            cancels: true,
            rollback: Rollback::Own,
            logs: true,
            idempotency: Idempotency::Find,
            // It carries nothing of ours.
            rollback_idempotency: Idempotency::Ask,
            ..Capabilities::named("Argo CD")
        }
    }

    /// Argo CD resolves a revision where it makes manifests of it (`…/manifests?revision=`, whose answer names the
    /// resolved one). A full hash is taken as it is.
    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        let app = self.application().await?;
        if app.spec.is_several() {
            return Err(cannot(SEVERAL));
        }
        let asked = reference.unwrap_or_else(|| app.spec.target());
        let kind = match reference {
            None => RefKind::DefaultBranch,
            Some(reference) if is_full_hash(reference) => RefKind::Commit,
            Some(_) => RefKind::Unknown,
        };
        let id = if is_full_hash(asked) {
            asked.to_owned()
        } else {
            let call = self.call(Method::GET, &["manifests"]).query(&[("revision", asked)]);
            let found = self.answer(call).await.and_then(|reply| reply.json::<Manifests>());
            match found {
                Ok(found) if wire::is_revision(&found.revision) => found.revision,
                Ok(_) => return Err(cannot("Argo CD does not say what the reference stands for: name a full commit")),
                // Git's "unable to resolve … to a commit SHA" comes as an error of the server (500).
                Err(Failure::Transient { why, .. }) if why.to_lowercase().contains("unable to resolve") => {
                    return Err(Failure::refused(Refused::NotFound, why));
                }
                Err(failure) if failure.is(Refused::TooLong) => {
                    return Err(cannot("Argo CD's manifests are too long to be read: name a full commit"));
                }
                Err(failure) => return Err(failure),
            }
        };
        let metadata = self.answer(self.call(Method::GET, &["revisions", &id, "metadata"])).await;
        // What is told of a commit helps, and is not needed: charts have none.
        let metadata: Metadata = metadata.and_then(|reply| reply.json()).unwrap_or_default();
        let commit = Commit {
            id: Outside::new(&id),
            subject: redact::outside("", &metadata.message).short(200),
            author: redact::outside("", &metadata.author).short(100),
            at: metadata.date,
            url: None,
        };
        Ok(Resolved { commit, kind })
    }

    async fn changes(&self, _from: &str, _to: &str) -> Called<Changes> {
        Err(cannot("Argo CD does not tell what lies between two commits"))
    }

    async fn warnings(&self) -> Called<Vec<String>> {
        let app = self.application().await?;
        let mut warnings = Vec::new();
        if app.spec.is_several() {
            warnings.push(SEVERAL.to_owned());
        }
        if app.spec.is_automated() {
            warnings.push(UNDONE.to_owned());
        }
        if app.is_busy() {
            warnings.push(BUSY.to_owned());
        }
        let windows = self.answer(self.call(Method::GET, &["syncwindows"])).await;
        if windows.and_then(|reply| reply.json::<Windows>()).is_ok_and(|windows| !windows.can_sync) {
            warnings.push("a sync window of Argo CD's project denies syncing now".to_owned());
        }
        for condition in app.status.conditions.iter().filter(|condition| condition.kind.ends_with("Error")) {
            let said = redact::outside("", &condition.message).short(200);
            warnings.push(format!("Argo CD says: {}", said.as_str()));
        }
        Ok(warnings)
    }

    /// A rollback by Argo CD carries no `infos`, so one whose answer was lost can't be looked for.
    async fn start(&self, order: &Order) -> Called<Run> {
        if !wire::is_revision(&order.commit) {
            return Err(cannot("what is to be deployed is no revision as Argo CD has them"));
        }
        let app = self.application().await?;
        if app.spec.is_several() {
            return Err(cannot(SEVERAL));
        }
        if app.is_busy() {
            return Err(Failure::refused(Refused::Conflict, BUSY));
        }
        if order.is_rollback { self.roll_back(order, &app).await } else { self.sync(order, &app).await }
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        if order.is_rollback {
            return Err(cannot("a rollback by Argo CD carries nothing that it could be found by"));
        }
        let app = self.application().await?;
        let syncing = app.syncings().into_iter().find(|it| it.operation.order() == Some(order.id.as_str()));
        let followed = syncing.map(|Syncing { operation, started_at }| Followed {
            order: Some(order.id.clone()),
            revision: operation.revision().unwrap_or(&order.commit).to_owned(),
            before: app.last_before(started_at),
            earlier: None,
        });
        Ok(followed.map(|followed| self.run(&followed)))
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        let followed = Followed::read(&run.id).ok_or_else(|| cannot("that is no run of Argo CD"))?;
        Ok(followed.progress(&self.application().await?))
    }

    /// Argo CD stops whatever operation is in progress; this one's is made sure of just before.
    async fn cancel(&self, run: &Run) -> Called<()> {
        let followed = Followed::read(&run.id).ok_or_else(|| cannot("that is no run of Argo CD"))?;
        if !followed.is_in_progress(&self.application().await?) {
            return Err(Failure::refused(Refused::Conflict, "the operation has ended already"));
        }
        self.answer(self.call(Method::DELETE, &["operation"])).await?;
        Ok(())
    }

    async fn decide(&self, _run: &Run, _gate: &Gate, _approve: bool, _comment: &str) -> Called<()> {
        Err(cannot("Argo CD waits for nobody's approval"))
    }

    /// What the operation says; where the sync went well and the application is not well, the end of a pod's log.
    async fn log(&self, run: &Run) -> Called<Log> {
        let followed = Followed::read(&run.id).ok_or_else(|| cannot("that is no run of Argo CD"))?;
        let app = self.application().await?;
        let (step, mut text) = followed.words(&app);
        let secrets = [self.token.expose()];
        if app.is_unwell() {
            // The token may have no right to logs: what the operation says is told all the same.
            if let Ok(Some((pod, log))) = self.pod().await {
                text.push('\n');
                text.push_str(&log);
                return Ok(Log { step: Some(pod), tail: tail(&text, &secrets) });
            }
        }
        Ok(Log { step, tail: tail(&text, &secrets) })
    }
}
