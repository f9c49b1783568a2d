//! What the cluster answers, as far as it is used (kubernetes.io, API reference, `apps/v1` and `core/v1`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The label that a Deployment's controller gives each template.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// The same of StatefulSets and DaemonSets.
pub(super) const REVISION_HASH: &str = "controller-revision-hash";

/// Which of a Deployment's templates came when.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) generation: i64,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
    pub(super) owner_references: Vec<Owner>,
    pub(super) deletion_timestamp: Option<String>,
    /// Of a list: where the next page begins.
    #[serde(rename = "continue")]
    pub(super) next: String,
}

impl Metadata {
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref().and_then(|annotations| annotations.get(key)).map(String::as_str)
    }

    pub(super) fn is_owned_by(&self, uid: &str) -> bool {
        self.owner_references.iter().any(|owner| owner.controller && owner.uid == uid)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Owner {
    uid: String,
    controller: bool,
}

/// A Deployment, StatefulSet or DaemonSet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Object {
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
    pub(super) status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) replicas: Option<u32>,
    pub(super) paused: bool,
    selector: Selector,
    pub(super) template: Value,
    pub(super) update_strategy: Strategy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Strategy {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) rolling_update: Option<Rolling>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rolling {
    pub(super) partition: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Selector {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Expression {
    key: String,
    operator: String,
    values: Vec<String>,
}

impl Spec {
    /// The selector as a query has it (kubernetes.io, "Labels and Selectors").
    pub(super) fn selector(&self) -> String {
        let labels = self.selector.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
        let expressions = self.selector.match_expressions.iter().map(|it| {
            let values = it.values.join(",");
            match it.operator.as_str() {
                "In" => format!("{} in ({values})", it.key),
                "NotIn" => format!("{} notin ({values})", it.key),
                "DoesNotExist" => format!("!{}", it.key),
                _ => it.key.clone(),
            }
        });
        labels.chain(expressions).collect::<Vec<_>>().join(",")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) observed_generation: i64,
    pub(super) replicas: u32,
    pub(super) updated_replicas: u32,
    pub(super) available_replicas: u32,
    pub(super) ready_replicas: u32,
    pub(super) conditions: Vec<Condition>,
    pub(super) current_revision: String,
    pub(super) update_revision: String,
    pub(super) desired_number_scheduled: u32,
    pub(super) updated_number_scheduled: u32,
    pub(super) number_available: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    #[serde(default)]
    pub(super) metadata: Metadata,
    pub(super) items: Vec<T>,
}

/// A ReplicaSet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplicaSet {
    pub(super) metadata: Metadata,
    pub(super) spec: ReplicaSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplicaSpec {
    pub(super) template: Value,
}

/// A ControllerRevision: `data` is a patch of the object it belongs to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ControllerRevision {
    pub(super) metadata: Metadata,
    pub(super) revision: i64,
    pub(super) data: Value,
}

/// One template that the cluster still has.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// What it is known by: a hash, or a ControllerRevision's name. It never moves, as numbers do.
    pub(super) id: String,
    /// The label of its pods.
    pub(super) label: String,
    /// The higher, the later.
    pub(super) revision: i64,
    pub(super) template: Value,
}

impl Kept {
    pub(super) fn of_replica_set(mut set: ReplicaSet) -> Option<Kept> {
        let revision = set.metadata.annotation(REVISION)?.parse().ok()?;
        let id = set.metadata.labels.get(TEMPLATE_HASH)?.clone();
        if let Some(labels) = set.spec.template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove(TEMPLATE_HASH);
        }
        Some(Kept { label: id.clone(), id, revision, template: set.spec.template })
    }

    pub(super) fn of_revision(revision: &ControllerRevision) -> Option<Kept> {
        let mut template = revision.data.pointer("/spec/template")?.clone();
        template.as_object_mut()?.remove("$patch");
        let label = revision.metadata.labels.get(REVISION_HASH).cloned().unwrap_or_default();
        Some(Kept { id: revision.metadata.name.clone(), label, revision: revision.revision, template })
    }
}

/// The image of a container in a template.
pub(super) fn image<'a>(template: &'a Value, container: &str) -> Option<&'a str> {
    let containers = template.pointer("/spec/containers")?.as_array()?;
    containers.iter().find(|it| it["name"] == container)?["image"].as_str()
}

/// A template in short: the same for the same template, wherever it stands.
pub(super) fn fingerprint(template: &Value) -> String {
    let mut written = String::new();
    canonical(template, &mut written);
    let hash = Sha256::digest(written.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Names in order, without what is null or empty: some of the places where a template stands leave that out.
fn canonical(value: &Value, written: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !is_empty(value)).collect();
            fields.sort_by_key(|(name, _)| *name);
            written.push('{');
            for (name, value) in fields {
                written.push_str(&Value::from(name.as_str()).to_string());
                written.push(':');
                canonical(value, written);
                written.push(',');
            }
            written.push('}');
        }
        Value::Array(values) => {
            written.push('[');
            for value in values {
                canonical(value, written);
                written.push(',');
            }
            written.push(']');
        }
        other => written.push_str(&other.to_string()),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    pub(super) metadata: Metadata,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodSpec {
    containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    conditions: Vec<Condition>,
    init_container_statuses: Vec<ContainerStatus>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    name: String,
    ready: bool,
    state: ContainerState,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Reason>,
    terminated: Option<Ended>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: String,
    message: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Ended {
    reason: String,
    message: String,
    exit_code: i32,
}

/// What is wrong with a pod.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// In which container; none where the pod has not come so far.
    pub(super) container: Option<String>,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Pod {
    pub(super) fn trouble(&self) -> Option<Trouble> {
        for status in self.status.init_container_statuses.iter().chain(&self.status.container_statuses) {
            let container = Some(status.name.clone());
            if let Some(Reason { reason, message }) = &status.state.waiting
                && !matches!(reason.as_str(), "ContainerCreating" | "PodInitializing" | "")
            {
                return Some(Trouble { container, reason: reason.clone(), message: message.clone() });
            }
            if let Some(Ended { reason, message, exit_code }) = &status.state.terminated
                && *exit_code != 0
            {
                let reason = format!("{reason} (exit code {exit_code})");
                return Some(Trouble { container, reason, message: message.clone() });
            }
        }
        let unscheduled = |it: &&Condition| it.kind == "PodScheduled" && it.status == "False";
        let found = self.status.conditions.iter().find(unscheduled)?;
        Some(Trouble { container: None, reason: found.reason.clone(), message: found.message.clone() })
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.status.container_statuses.is_empty() && self.status.container_statuses.iter().all(|status| status.ready)
    }

    /// Its first container.
    pub(super) fn container(&self) -> Option<&str> {
        self.spec.containers.first().map(|container| container.name.as_str())
    }
}
