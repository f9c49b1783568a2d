//! Kubernetes: a deploy is a restart of a Deployment, StatefulSet or DaemonSet, or a new image of one of its
//! containers; a rollback is an earlier pod template that the cluster still has.
//!
//! The order's id becomes an annotation of the object ([`ORDER`]). What holds: each patch names the resource version
//! that it was made for, so that sent twice it has one effect (the second is a conflict), and an order that is found
//! in the annotation is not patched again; a template that somebody changed afterwards is not taken for this order's.
//!
//! Sources: kubernetes.io, "Kubernetes API Concepts" (patches, `resourceVersion`, `fieldManager`, `Status`), API
//! reference `apps/v1`; the algorithms of restart, undo and status are kubectl's (github.com/kubernetes/kubectl,
//! `pkg/polymorphichelpers`). The rights that are needed: `docs/examples/kubernetes-rbac.yaml`.

mod access;
mod rollout;
mod start;
mod wire;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Commit, Gate, Idempotency, Log, Order, Progress, RefKind, Resolved, Rollback, Run, RunState,
};
use operations::text::Outside;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::access::Access;
pub use self::access::{Connection, Token};
use self::wire::{ControllerRevision, Kept, List, Object, Pod, ReplicaSet, Trouble, fingerprint};
use super::tail::tail;
use super::{Called, Failure, Pipeline, Refused, Shared, cannot};
use crate::http::api::{Call, Reply};

/// The annotation with the id of the last order.
pub const ORDER: &str = "muster-chatops.github.io/order";

/// So many things are asked for at once, and so many pages at most.
const PAGE: &str = "250";
const PAGES: usize = 20;

/// So many lines of a log are asked for.
const LINES: &str = "200";

/// What is deployed there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its namespace.
    pub namespace: String,
    /// What kind of thing it is.
    pub kind: Workload,
    /// Its name.
    pub name: String,
    /// With it, a deploy sets the image of a container; without it, a deploy restarts what is there.
    #[serde(default)]
    pub image: Option<Image>,
}

/// The image that is set. What is deployed (a reference, a commit) is then a tag, or a digest as `sha256:…`; a tag may
/// stand for another image later, so a digest is better.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The container's name in the pod template.
    pub container: String,
    /// The image without tag and digest: `registry.example.com/shop/api`.
    pub repository: String,
}

/// What kinds of things are deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
}

impl Workload {
    fn resource(self) -> &'static str {
        match self {
            Workload::Deployment => "deployments",
            Workload::StatefulSet => "statefulsets",
            Workload::DaemonSet => "daemonsets",
        }
    }
}

/// One workload of a cluster.
pub struct Kubernetes {
    access: Access,
    clock: crate::clock::SharedClock,
    target: Target,
}

/// Whether it is a name as Kubernetes has them (RFC 1123).
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    (1..=253).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with(['-', '.'])
}

/// Whether it is a digest (github.com/opencontainers/image-spec, `descriptor.md`).
fn is_digest(reference: &str) -> bool {
    let hex = |hex: &str| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    reference.strip_prefix("sha256:").is_some_and(hex)
}

/// Whether it is a tag (github.com/opencontainers/distribution-spec, `<reference>`).
fn is_tag(reference: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=128).contains(&reference.len()) && reference.bytes().all(plain) && !reference.starts_with(['.', '-'])
}

impl Image {
    fn at(&self, commit: &str) -> Called<String> {
        if is_digest(commit) {
            return Ok(format!("{}@{commit}", self.repository));
        }
        if is_tag(commit) {
            return Ok(format!("{}:{commit}", self.repository));
        }
        Err(cannot("what is to be deployed is no tag of an image and no digest (`sha256:` and 64 hex digits)"))
    }

    fn check(&self) -> Result<(), String> {
        if !is_name(&self.container) {
            return Err("`image.container` must be the name of a container of the pod template".to_owned());
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':');
        let last = self.repository.rsplit('/').next().unwrap_or_default();
        if last.is_empty() || last.contains(':') || !self.repository.bytes().all(plain) {
            return Err("`image.repository` must be an image without tag and digest, such as \
                        `registry.example.com/shop/api`"
                .to_owned());
        }
        Ok(())
    }
}

/// The run of an order: its id and what its template is like.
fn run(order: &str, object: &Object) -> Run {
    Run { id: format!("{order}:{}", fingerprint(&object.spec.template)), url: None }
}

impl Kubernetes {
    /// The workload that `target` names.
    ///
    /// # Errors
    /// Words for the operator: which field, what is wrong with it.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<Kubernetes, String> {
        for (field, name) in [("namespace", &target.namespace), ("name", &target.name)] {
            if !is_name(name) {
                return Err(format!(
                    "`{field}` must be a name as Kubernetes has them: small letters, digits, `-`, `.`"
                ));
            }
        }
        target.image.as_ref().map_or(Ok(()), Image::check)?;
        let access = Access::new(connection, shared.http, shared.clock.clone())?;
        Ok(Kubernetes { access, clock: shared.clock, target })
    }

    /// The path of something in the namespace.
    fn path<'a>(&'a self, group: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
        [group, &["namespaces", &self.target.namespace], rest].concat()
    }

    async fn answer(&self, call: Call<'_>) -> Called<Reply> {
        let reply = call.exchange().await?;
        match reply.status {
            200..=299 => Ok(reply),
            403 => {
                let why = format!(
                    "Kubernetes answered 403{}. The rights that are needed stand in docs/examples/kubernetes-rbac.yaml",
                    reply.said()
                );
                Err(Failure::refused(Refused::Forbidden, why))
            }
            _ => Err(reply.failure()),
        }
    }

    fn object_path(&self) -> Vec<&str> {
        self.path(&["apis", "apps", "v1"], &[self.target.kind.resource(), &self.target.name])
    }

    async fn object(&self) -> Called<Object> {
        let api = self.access.api().await?;
        self.answer(api.get(&self.object_path())).await?.json()
    }

    /// Everything of a kind that a selector chooses.
    async fn list<T: DeserializeOwned>(&self, group: &[&str], resource: &str, selector: &str) -> Called<Vec<T>> {
        let api = self.access.api().await?;
        let mut all = Vec::new();
        let mut next = String::new();
        for _ in 0..PAGES {
            let call = api.get(&self.path(group, &[resource])).query(&[("labelSelector", selector), ("limit", PAGE)]);
            let call = if next.is_empty() { call } else { call.query(&[("continue", &next)]) };
            let list: List<T> = self.answer(call).await?.json()?;
            all.extend(list.items);
            next = list.metadata.next;
            if next.is_empty() {
                break;
            }
        }
        Ok(all)
    }

    /// The templates that the cluster still has of it, the newest first.
    async fn kept(&self, object: &Object) -> Called<Vec<Kept>> {
        let selector = object.spec.selector();
        let apps = ["apis", "apps", "v1"];
        let mut kept: Vec<Kept> = match self.target.kind {
            Workload::Deployment => {
                let sets: Vec<ReplicaSet> = self.list(&apps, "replicasets", &selector).await?;
                let own = sets.into_iter().filter(|set| set.metadata.is_owned_by(&object.metadata.uid));
                own.filter_map(Kept::of_replica_set).collect()
            }
            Workload::StatefulSet | Workload::DaemonSet => {
                let revisions: Vec<ControllerRevision> = self.list(&apps, "controllerrevisions", &selector).await?;
                let own = revisions.iter().filter(|revision| revision.metadata.is_owned_by(&object.metadata.uid));
                own.filter_map(Kept::of_revision).collect()
            }
        };
        kept.sort_by_key(|kept| std::cmp::Reverse(kept.revision));
        Ok(kept)
    }

    /// The template that the object has now.
    fn current<'k>(object: &Object, kept: &'k [Kept]) -> Option<&'k Kept> {
        let now = fingerprint(&object.spec.template);
        kept.iter().find(|kept| fingerprint(&kept.template) == now)
    }

    /// What is wrong with the newest template's pods, and those pods.
    async fn pods(&self, object: &Object) -> Called<Vec<Pod>> {
        let kept = self.kept(object).await?;
        let label = match self.target.kind {
            Workload::Deployment => wire::TEMPLATE_HASH,
            Workload::StatefulSet | Workload::DaemonSet => wire::REVISION_HASH,
        };
        let Some(newest) = Kubernetes::current(object, &kept).or(kept.first()) else { return Ok(Vec::new()) };
        // A StatefulSet's pods carry the revision's whole name.
        let value = if self.target.kind == Workload::StatefulSet { &newest.id } else { &newest.label };
        if value.is_empty() {
            return Ok(Vec::new());
        }
        let selector = format!("{},{label}={value}", object.spec.selector());
        self.list(&["api", "v1"], "pods", &selector).await
    }

    /// What is wrong with it, in words.
    async fn trouble(&self, object: &Object) -> Option<String> {
        // It says more, and is not needed: the rights to look at pods may be missing.
        let pods = self.pods(object).await.unwrap_or_default();
        pods.iter().find_map(|pod| Some(said(pod, &pod.trouble()?)))
    }
}

fn said(pod: &Pod, trouble: &Trouble) -> String {
    let container = trouble.container.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let message = if trouble.message.is_empty() { String::new() } else { format!(": {}", trouble.message) };
    format!("{}{container}: {}{message}", pod.metadata.name, trouble.reason)
}

const PAUSED: &str = "its rollout is paused, so nothing would happen: resume it first (kubectl rollout resume)";

#[async_trait]
impl Pipeline for Kubernetes {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // A restart is of what is there; an image's tag stays a tag.
            resolves: self.target.image.is_none(),
            rollback: Rollback::Own,
            logs: true,
            idempotency: Idempotency::Repeat,
            rollback_idempotency: Idempotency::Repeat,
            ..Capabilities::named("Kubernetes")
        }
    }

    /// With an image: the tag or digest as it is. Without one: the pod template that is there, by the name that the
    /// cluster gives it, or an earlier one that it still has.
    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        if let Some(image) = &self.target.image {
            let reference = reference.ok_or_else(|| cannot("say which image: its tag, or its digest (`sha256:…`)"))?;
            image.at(reference)?;
            let kind = if is_digest(reference) { RefKind::Commit } else { RefKind::Tag };
            return Ok(Resolved { commit: Commit::bare(reference), kind });
        }
        let object = self.object().await?;
        let kept = self.kept(&object).await?;
        let found = match reference {
            None => Kubernetes::current(&object, &kept),
            Some(reference) => kept.iter().find(|kept| kept.id == reference),
        };
        let found = found.ok_or_else(|| {
            let why = "a restart is of what is there, so there is nothing to name but a pod template that is kept";
            Failure::refused(Refused::NotFound, why)
        })?;
        let kind = if reference.is_none() { RefKind::DefaultBranch } else { RefKind::Commit };
        Ok(Resolved { commit: Commit::bare(&found.id), kind })
    }

    async fn changes(&self, _from: &str, _to: &str) -> Called<Changes> {
        Err(cannot("Kubernetes does not tell what lies between two deploys"))
    }

    async fn warnings(&self) -> Called<Vec<String>> {
        let object = self.object().await?;
        let mut warnings = Vec::new();
        if object.spec.paused {
            warnings.push(PAUSED.to_owned());
        }
        if object.spec.update_strategy.kind == "OnDelete" {
            let words = "its update strategy is OnDelete: pods stay as they are until somebody deletes them";
            warnings.push(words.to_owned());
        }
        Ok(warnings)
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        self.started(order).await
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        let object = self.object().await?;
        Ok((object.metadata.annotation(ORDER) == Some(&order.id)).then(|| run(&order.id, &object)))
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        let (order, print) = run.id.split_once(':').ok_or_else(|| cannot("that is no run of Kubernetes"))?;
        let object = self.object().await?;
        let replaced = if object.metadata.annotation(ORDER) != Some(order) {
            Some("another deploy or rollback took its place")
        } else if fingerprint(&object.spec.template) != print {
            Some("the pod template was changed since, by something else")
        } else {
            None
        };
        if let Some(words) = replaced {
            return Ok(Progress { step: Some(Outside::new(words)), ..Progress::bare(RunState::Cancelled) });
        }
        let progress = rollout::progress(self.target.kind, &object);
        if matches!(progress.state, RunState::Running | RunState::Failed)
            && let Some(words) = self.trouble(&object).await
        {
            return Ok(rollout::with_trouble(progress, &words));
        }
        Ok(progress)
    }

    async fn cancel(&self, _run: &Run) -> Called<()> {
        Err(cannot("Kubernetes has no way to stop a rollout: roll back instead"))
    }

    async fn decide(&self, _run: &Run, _gate: &Gate, _approve: bool, _comment: &str) -> Called<()> {
        Err(cannot("Kubernetes waits for nobody's approval"))
    }

    /// The log of the newest template's pod that is worst off.
    async fn log(&self, _run: &Run) -> Called<Log> {
        let object = self.object().await?;
        let pods = self.pods(&object).await?;
        let worst = pods.iter().find(|pod| pod.trouble().is_some());
        let worst = worst.or_else(|| pods.iter().find(|pod| !pod.is_ready())).or(pods.first());
        let Some(pod) = worst else { return Err(Failure::refused(Refused::NotFound, "it has no pods yet")) };
        let trouble = pod.trouble();
        let wanted = self.target.image.as_ref().map(|image| image.container.clone());
        let container = match &trouble {
            Some(trouble) => trouble.container.clone(),
            None => wanted.or_else(|| pod.container().map(str::to_owned)),
        };
        let mut text = trouble.as_ref().map(|trouble| said(pod, trouble)).unwrap_or_default();
        if let Some(container) = &container {
            // One that is started again and again has said in its last life why.
            let again = trouble.as_ref().is_some_and(|trouble| trouble.reason == "CrashLoopBackOff");
            let api = self.access.api().await?;
            let path = self.path(&["api", "v1"], &["pods", &pod.metadata.name, "log"]);
            let asked = |previous: bool| {
                let call = api.get(&path).query(&[("container", container.as_str()), ("tailLines", LINES)]);
                self.answer(if previous { call.query(&[("previous", "true")]) } else { call })
            };
            let mut reply = asked(again).await;
            if again && matches!(reply, Err(Failure::Permanent { kind: Refused::Malformed | Refused::NotFound, .. })) {
                reply = asked(false).await;
            }
            match reply {
                Ok(reply) => {
                    text.push('\n');
                    text.push_str(&String::from_utf8_lossy(&reply.body));
                }
                // A container that has not begun has no log: what it waits for is told.
                Err(_) if !text.is_empty() => {}
                Err(failure) => return Err(failure),
            }
        }
        let step = container.map_or_else(|| pod.metadata.name.clone(), |it| format!("{}/{it}", pod.metadata.name));
        Ok(Log { step: Some(Outside::new(&step)), tail: tail(text.trim_start(), &self.access.secrets()) })
    }
}
