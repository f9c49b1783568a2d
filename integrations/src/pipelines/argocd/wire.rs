//! What Argo CD answers, as far as it is used (`pkg/apis/application/v1alpha1/types.go`).

use jiff::Timestamp;
use serde::Deserialize;

use super::ORDER;

/// Whether it is a name of something in Kubernetes: what stands in a path or query.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=253).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')
}

/// Whether it can be a revision: a hash, a chart's version, a branch.
pub(super) fn is_revision(revision: &str) -> bool {
    (1..=250).contains(&revision.len()) && revision.bytes().all(|byte| byte.is_ascii_graphic())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Application {
    pub(super) spec: Spec,
    pub(super) status: Status,
    /// What was asked for and is not ended.
    pub(super) operation: Option<Operation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    source: Option<Source>,
    sources: Vec<Source>,
    sync_policy: Option<SyncPolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Source {
    target_revision: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SyncPolicy {
    automated: Option<Automated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Automated {
    /// Since 3.1; on where it is not said.
    enabled: Option<bool>,
}

impl Spec {
    /// The revision that the application follows.
    pub(super) fn target(&self) -> &str {
        let target = self.source.as_ref().map(|source| source.target_revision.as_str()).unwrap_or_default();
        if target.is_empty() { "HEAD" } else { target }
    }

    pub(super) fn is_several(&self) -> bool {
        !self.sources.is_empty()
    }

    pub(super) fn is_automated(&self) -> bool {
        let automated = self.sync_policy.as_ref().and_then(|policy| policy.automated.as_ref());
        automated.is_some_and(|automated| automated.enabled != Some(false))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) sync: SyncStatus,
    pub(super) health: Health,
    pub(super) operation_state: Option<OperationState>,
    /// The oldest first.
    pub(super) history: Vec<History>,
    pub(super) resources: Vec<Resource>,
    pub(super) conditions: Vec<Condition>,
    pub(super) reconciled_at: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncStatus {
    /// `Synced`, `OutOfSync`, `Unknown`.
    pub(super) status: String,
    pub(super) revision: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Health {
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing`, `Unknown`.
    pub(super) status: String,
    pub(super) message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct History {
    pub(super) id: i64,
    pub(super) revision: String,
    pub(super) deployed_at: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) health: Option<Health>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Operation {
    sync: Option<Sync>,
    info: Vec<Info>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sync {
    revision: String,
    /// Set by a rollback alone: the source as it was then.
    source: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    name: String,
    value: String,
}

impl Operation {
    /// The order that it was started with.
    pub(super) fn order(&self) -> Option<&str> {
        self.info.iter().find(|info| info.name == ORDER).map(|info| info.value.as_str())
    }

    pub(super) fn revision(&self) -> Option<&str> {
        self.sync.as_ref().map(|sync| sync.revision.as_str()).filter(|revision| !revision.is_empty())
    }

    /// Whether it is a rollback, which carries no infos.
    pub(super) fn is_rollback(&self) -> bool {
        self.info.is_empty() && self.sync.as_ref().is_some_and(|sync| sync.source.is_some())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OperationState {
    pub(super) operation: Operation,
    /// `Running`, `Terminating`, `Succeeded`, `Failed`, `Error`.
    pub(super) phase: String,
    pub(super) message: String,
    pub(super) started_at: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) sync_result: Option<SyncResult>,
}

impl OperationState {
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed" | "Error")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncResult {
    pub(super) resources: Vec<ResourceResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResourceResult {
    kind: String,
    name: String,
    /// `Synced`, `SyncFailed`, `Pruned`, `PruneSkipped`; empty until it was its turn, and for hooks.
    status: String,
    message: String,
    hook_phase: String,
}

impl ResourceResult {
    pub(super) fn is_done(&self) -> bool {
        matches!(self.status.as_str(), "Synced" | "Pruned" | "PruneSkipped") && self.hook_phase != "Running"
            || self.hook_phase == "Succeeded"
    }

    pub(super) fn is_bad(&self) -> bool {
        self.status == "SyncFailed" || matches!(self.hook_phase.as_str(), "Failed" | "Error")
    }

    pub(super) fn words(&self) -> String {
        format!("{}/{}: {}", self.kind, self.name, self.message)
    }
}

/// An operation that is waited for, in progress or the last one.
pub(super) struct Syncing<'a> {
    pub(super) operation: &'a Operation,
    pub(super) started_at: Option<Timestamp>,
}

impl Application {
    /// The operation that was asked for, and the one whose state is told. They may be the same.
    pub(super) fn syncings(&self) -> Vec<Syncing<'_>> {
        let state = self.status.operation_state.as_ref();
        let state = state.map(|state| Syncing { operation: &state.operation, started_at: state.started_at });
        let asked = self.operation.as_ref().map(|operation| Syncing { operation, started_at: None });
        state.into_iter().chain(asked).collect()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.operation.is_some() || self.status.operation_state.as_ref().is_some_and(|state| !state.is_over())
    }

    /// When the operation began whose state is told, in seconds since 1970.
    pub(super) fn began(&self) -> Option<i64> {
        let state = self.status.operation_state.as_ref();
        state.and_then(|state| state.started_at).map(Timestamp::as_second)
    }

    pub(super) fn is_unwell(&self) -> bool {
        !matches!(self.status.health.status.as_str(), "Healthy" | "")
    }

    /// The number of the newest entry of the history.
    pub(super) fn last(&self) -> Option<i64> {
        self.status.history.iter().map(|entry| entry.id).max()
    }

    /// The same as it was at a time.
    pub(super) fn last_before(&self, at: Option<Timestamp>) -> Option<i64> {
        let Some(at) = at else { return self.last() };
        let before = |entry: &&History| entry.deployed_at.is_some_and(|deployed| deployed < at);
        self.status.history.iter().filter(before).map(|entry| entry.id).max()
    }
}

/// Of `…/manifests`: the manifests themselves are not looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Manifests {
    /// The resolved revision.
    #[serde(default)]
    pub(super) revision: String,
}

/// Of `…/revisions/{revision}/metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) author: String,
    pub(super) date: Option<Timestamp>,
    pub(super) message: String,
}

/// Of `…/syncwindows`.
#[derive(Debug, Deserialize)]
pub(super) struct Windows {
    /// Left out where it is false (Go's `omitempty`).
    #[serde(rename = "canSync", default)]
    pub(super) can_sync: bool,
}

/// Of `…/resource-tree`.
#[derive(Debug, Deserialize)]
pub(super) struct Tree {
    #[serde(default)]
    nodes: Vec<Node>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
    health: Option<Health>,
}

impl Tree {
    /// A pod that failed, else one that is not ready.
    pub(super) fn worst_pod(&self) -> Option<&Node> {
        let is = |status: &'static str| {
            let matches = move |node: &&Node| node.health.as_ref().is_some_and(|health| health.status == status);
            self.nodes.iter().filter(|node| node.kind == "Pod").find(matches)
        };
        is("Degraded").or_else(|| is("Progressing"))
    }
}

/// One line of a log's stream.
#[derive(Debug, Deserialize)]
pub(super) struct LogLine {
    pub(super) result: Option<LogEntry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogEntry {
    #[serde(default)]
    pub(super) content: String,
}
