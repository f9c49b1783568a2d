//! A cluster's API with one workload, which patches as the real one does and refuses what it refuses.
//!
//! What holds: a patch needs its content type, `fieldManager` and a resource version that is the present one; each
//! change makes a new one; a template that changes makes a new generation and a new ReplicaSet or ControllerRevision.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::contract::SECRET;
use crate::generic_server::{Answer, Seen, Server};

pub(crate) struct Cluster {
    pub(crate) resource: &'static str,
    pub(crate) object: Value,
    /// Earlier templates, as ReplicaSets or ControllerRevisions.
    pub(crate) kept: Vec<Value>,
    pub(crate) pods: Vec<Value>,
    /// Names of pods whose log can't be had yet.
    pub(crate) without_log: Vec<String>,
    /// Answers the next patch like this, after it had its effect.
    pub(crate) lose: bool,
    /// Changes the object's status just before so many patches, as controllers do.
    pub(crate) busy: u32,
    /// How often a template was changed.
    pub(crate) rollouts: u32,
}

pub(crate) struct World {
    pub(crate) server: Server,
    cluster: Arc<Mutex<Cluster>>,
}

/// Refuses with a `Status` (kubernetes.io, "Kubernetes API Concepts").
fn no(code: u16, reason: &str, message: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code});
    Answer::json(code, &status)
}

pub(crate) fn template(image: &str) -> Value {
    json!({
        "metadata": {"creationTimestamp": null, "labels": {"app": "api"}},
        "spec": {"containers": [
            {"name": "api", "image": image, "env": [{"name": "A", "value": "1"}]},
            {"name": "proxy", "image": "registry.example/proxy:1"},
        ]},
    })
}

fn hash(template: &Value) -> String {
    // Any will do that differs where templates differ, but not where one of them writes out what is empty.
    let mut template = template.clone();
    if let Some(metadata) = template["metadata"].as_object_mut() {
        metadata.retain(|_, value| !value.is_null());
    }
    let text = template.to_string();
    let sum = text.bytes().fold(5381_u64, |sum, byte| sum.wrapping_mul(33).wrapping_add(u64::from(byte)));
    format!("{sum:x}")[..8].to_owned()
}

impl Cluster {
    pub(crate) fn new(resource: &'static str) -> Cluster {
        let object = json!({
            "metadata": {"name": "api", "namespace": "shop", "uid": "u-1", "resourceVersion": "100", "generation": 1,
                "annotations": {"deployment.kubernetes.io/revision": "0"}},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "api"}}, "template": template("registry.example/shop/api:v1")},
            "status": {},
        });
        let (kept, pods) = (Vec::new(), Vec::new());
        let mut cluster =
            Cluster { resource, object, kept, pods, without_log: Vec::new(), lose: false, busy: 0, rollouts: 0 };
        // What belongs to somebody else, and looks alike.
        cluster.kept.push(json!({
            "metadata": {"name": "other-1", "labels": {"app": "api", "pod-template-hash": "feedface"},
                "annotations": {"deployment.kubernetes.io/revision": "99"},
                "ownerReferences": [{"uid": "u-2", "controller": true}]},
            "revision": 99, "spec": {"template": template("registry.example/evil:1")},
            "data": {"spec": {"template": template("registry.example/evil:1")}},
        }));
        cluster.keep();
        cluster.settle();
        cluster
    }

    /// What the controller keeps of the present template: an entry of its own, renumbered where it is there already.
    fn keep(&mut self) {
        let next = self.kept.iter().filter(|kept| kept["metadata"]["ownerReferences"][0]["uid"] == "u-1").count() + 1;
        let next = next + self.rollouts as usize * 10;
        let mut template = self.object["spec"]["template"].clone();
        let hash = hash(&template);
        let name = format!("api-{hash}");
        self.kept.retain(|kept| kept["metadata"]["name"] != name.as_str());
        let mut labels = json!({"app": "api"});
        let entry = if self.resource == "deployments" {
            labels["pod-template-hash"] = json!(hash);
            template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
            json!({"spec": {"template": template}})
        } else {
            let label = if self.resource == "daemonsets" {
                "controller-revision-hash"
            } else {
                "controller.kubernetes.io/hash"
            };
            labels[label] = json!(hash);
            template["$patch"] = json!("replace");
            if let Some(metadata) = template["metadata"].as_object_mut() {
                metadata.remove("creationTimestamp");
            }
            json!({"revision": next, "data": {"spec": {"template": template}}})
        };
        let mut entry = entry;
        entry["metadata"] = json!({"name": name, "labels": labels,
            "annotations": {"deployment.kubernetes.io/revision": next.to_string()},
            "ownerReferences": [{"uid": "u-1", "controller": true}]});
        self.kept.push(entry);
        self.object["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!(next.to_string());
    }

    fn touch(&mut self) {
        let version: u64 =
            self.object["metadata"]["resourceVersion"].as_str().and_then(|it| it.parse().ok()).unwrap_or(0);
        self.object["metadata"]["resourceVersion"] = json!((version + 1).to_string());
    }

    /// The rollout is through.
    pub(crate) fn settle(&mut self) {
        let newest = self.kept.last().map(|kept| kept["metadata"]["name"].clone()).unwrap_or_default();
        self.object["status"] = json!({
            "observedGeneration": self.object["metadata"]["generation"], "replicas": 3, "updatedReplicas": 3,
            "readyReplicas": 3, "availableReplicas": 3, "currentRevision": newest, "updateRevision": newest,
            "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3,
        });
        self.touch();
    }

    /// The controller has seen the newest generation, and says this besides.
    pub(crate) fn observe(&mut self, status: &Value) {
        self.object["status"]["observedGeneration"] = self.object["metadata"]["generation"].clone();
        if let (Some(known), Some(more)) = (self.object["status"].as_object_mut(), status.as_object()) {
            known.extend(more.clone());
        }
        self.touch();
    }

    pub(crate) fn template_of(&self, container: &str) -> Value {
        let containers = self.object["spec"]["template"]["spec"]["containers"].as_array().cloned().unwrap_or_default();
        containers.into_iter().find(|it| it["name"] == container).unwrap_or_default()
    }

    /// The label that pods of the newest template carry.
    pub(crate) fn pod_label(&self) -> (&'static str, String) {
        let hash = hash(&self.object["spec"]["template"]);
        match self.resource {
            "deployments" => ("pod-template-hash", hash),
            "statefulsets" => ("controller-revision-hash", format!("api-{hash}")),
            _ => ("controller-revision-hash", hash),
        }
    }

    fn patch(&mut self, seen: &Seen) -> Answer {
        if seen.asked("fieldManager").as_deref() != Some("muster") {
            return no(400, "BadRequest", "who are you?");
        }
        if self.busy > 0 {
            self.busy -= 1;
            self.touch();
        }
        let patch = seen.json();
        let before = self.object["spec"]["template"].clone();
        let present = self.object["metadata"]["resourceVersion"].clone();
        match seen.header("content-type") {
            Some("application/strategic-merge-patch+json") => {
                if patch["metadata"]["resourceVersion"] != present {
                    return no(
                        409,
                        "Conflict",
                        "the object has been modified; please apply your changes to the latest version",
                    );
                }
                merge(&mut self.object, &patch);
            }
            Some("application/json-patch+json") => {
                for step in patch.as_array().cloned().unwrap_or_default() {
                    let path = step["path"].as_str().unwrap_or_default().to_owned();
                    match step["op"].as_str() {
                        Some("test") => {
                            if self.object.pointer(&path) != Some(&step["value"]) {
                                return no(
                                    422,
                                    "Invalid",
                                    "the server rejected our request due to an error in our request",
                                );
                            }
                        }
                        Some("replace") => match self.object.pointer_mut(&path) {
                            Some(place) => *place = step["value"].clone(),
                            None => return no(422, "Invalid", "no such path"),
                        },
                        Some("add") => {
                            let (parent, key) = path.rsplit_once('/').unwrap_or_default();
                            let key = key.replace("~1", "/").replace("~0", "~");
                            match self.object.pointer_mut(parent).and_then(Value::as_object_mut) {
                                Some(parent) => parent.insert(key, step["value"].clone()),
                                None => return no(422, "Invalid", "no such parent"),
                            };
                        }
                        _ => return no(400, "BadRequest", "no such operation"),
                    }
                }
            }
            _ => return no(415, "UnsupportedMediaType", "the body of the request was in an unknown format"),
        }
        let template = self.object["spec"]["template"].clone();
        let labels = &template["metadata"]["labels"];
        if labels["app"] != "api" || !labels["pod-template-hash"].is_null() || !template["$patch"].is_null() {
            return no(422, "Invalid", "spec.template.metadata.labels: Invalid value");
        }
        self.touch();
        if template != before {
            self.rollouts += 1;
            let generation = self.object["metadata"]["generation"].as_u64().unwrap_or(0);
            self.object["metadata"]["generation"] = json!(generation + 1);
            self.keep();
        }
        if std::mem::take(&mut self.lose) { Answer::Lost } else { Answer::json(200, &self.object) }
    }

    fn answer(&mut self, seen: &Seen) -> Answer {
        if seen.header("authorization") != Some(&format!("Bearer {SECRET}")) {
            return no(401, "Unauthorized", "Unauthorized");
        }
        let parts: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            (method, ["apis", "apps", "v1", "namespaces", "shop", resource, "api"]) if *resource == self.resource => {
                match method {
                    "GET" => Answer::json(200, &self.object),
                    "PATCH" => self.patch(seen),
                    _ => no(405, "MethodNotAllowed", "no"),
                }
            }
            ("GET", ["apis", "apps", "v1", "namespaces", "shop", "replicasets" | "controllerrevisions"]) => {
                // Pages of two.
                let from: usize = seen.asked("continue").and_then(|it| it.parse().ok()).unwrap_or(0);
                let page: Vec<Value> = self.kept.iter().skip(from).take(2).cloned().collect();
                let next = if from + 2 < self.kept.len() { (from + 2).to_string() } else { String::new() };
                if seen.asked("labelSelector").as_deref() != Some("app=api") {
                    return no(400, "BadRequest", "unable to parse requirement");
                }
                Answer::json(200, &json!({"metadata": {"continue": next}, "items": page}))
            }
            ("GET", ["api", "v1", "namespaces", "shop", "pods"]) => {
                let (label, value) = self.pod_label();
                if seen.asked("labelSelector") != Some(format!("app=api,{label}={value}")) {
                    return Answer::json(200, &json!({"metadata": {}, "items": []}));
                }
                Answer::json(200, &json!({"metadata": {}, "items": self.pods}))
            }
            ("GET", ["api", "v1", "namespaces", "shop", "pods", pod, "log"]) => {
                if self.without_log.iter().any(|name| name == pod) {
                    return no(
                        400,
                        "BadRequest",
                        "container \"api\" in pod is waiting to start: image can't be pulled",
                    );
                }
                let previous = seen.asked("previous").is_some();
                let which = if previous { "its last life" } else { "its present life" };
                let container = seen.asked("container").unwrap_or_default();
                let text = format!("{pod}/{container} of {which}\n\u{1b}[31mpanic\u{1b}[0m: password=hunter2hunter2\n");
                Answer::text(200, &text)
            }
            _ => no(404, "NotFound", "the server could not find the requested resource"),
        }
    }
}

/// A strategic merge patch, as far as it is used: fields are merged, containers by their name, and `$patch: replace`
/// takes the place of what is there.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(_), Value::Object(fields)) if fields.get("$patch") == Some(&json!("replace")) => {
            unreachable!("by its parent")
        }
        (Value::Object(into), Value::Object(fields)) => {
            for (name, value) in fields {
                if value.get("$patch") == Some(&json!("replace")) {
                    let mut whole = value.clone();
                    if let Some(whole) = whole.as_object_mut() {
                        whole.remove("$patch");
                    }
                    into.insert(name.clone(), whole);
                } else {
                    merge(into.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(into), Value::Array(values)) if values.iter().all(|value| !value["name"].is_null()) => {
            for value in values {
                match into.iter_mut().find(|known| known["name"] == value["name"]) {
                    Some(known) => merge(known, value),
                    None => into.push(value.clone()),
                }
            }
        }
        (into, other) => *into = other.clone(),
    }
}

impl World {
    pub(crate) async fn new(resource: &'static str) -> World {
        let cluster = Arc::new(Mutex::new(Cluster::new(resource)));
        let held = Arc::clone(&cluster);
        let answers = move |seen: &Seen| held.lock().unwrap_or_else(PoisonError::into_inner).answer(seen);
        World { server: Server::start(answers).await, cluster }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Cluster) -> T) -> T {
        work(&mut self.cluster.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
