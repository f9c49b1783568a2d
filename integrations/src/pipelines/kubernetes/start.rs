//! Changing the pod template: to another image, by a restart, or back to one that is kept.

use operations::pipeline::{Order, Run};
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::{self, Kept, Object, fingerprint};
use super::{Kubernetes, ORDER, PAUSED, Workload, run};
use crate::pipelines::{Called, Failure, Refused, cannot};

/// What `kubectl rollout restart` changes in a template.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// A patch that met a change by somebody else is made anew so often.
const TRIES: usize = 5;

impl Kubernetes {
    pub(super) async fn started(&self, order: &Order) -> Called<Run> {
        // The same in each try.
        let now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        for _ in 0..TRIES {
            let object = self.object().await?;
            if object.metadata.annotation(ORDER) == Some(&order.id) {
                return Ok(run(&order.id, &object));
            }
            if object.spec.paused {
                return Err(Failure::refused(Refused::Conflict, PAUSED));
            }
            if object.metadata.deletion_timestamp.is_some() {
                return Err(Failure::refused(Refused::Conflict, "it is being deleted"));
            }
            let (content_type, patch) = self.patch_for(order, &object, &now).await?;
            if let Some(patched) = self.patch(content_type, &patch).await? {
                return Ok(run(&order.id, &patched));
            }
        }
        Err(Failure::transient("Kubernetes: it is changed by others all the time"))
    }

    /// Sends a patch that names the object's resource version; none where the object has changed meanwhile.
    async fn patch(&self, content_type: &'static str, patch: &Value) -> Called<Option<Object>> {
        let api = self.access.api().await?;
        let call = api
            .call(Method::PATCH, &self.object_path())
            .query(&[("fieldManager", "muster")])
            .bytes(content_type, patch.to_string().into())
            // With its resource version it has one effect, however often it is sent.
            .harmless();
        let reply = call.exchange().await?;
        match reply.status {
            200..=299 => reply.json().map(Some),
            // Conflict; and what a JSON patch's failed `test` is answered with.
            409 | 422 => {
                let now = self.object().await?;
                if now.metadata.resource_version == version(patch) { Err(reply.failure()) } else { Ok(None) }
            }
            403 => Err(Failure::refused(Refused::Forbidden, format!("Kubernetes answered 403{}", reply.said()))),
            _ => Err(reply.failure()),
        }
    }

    /// The template as a deploy changes it, as a strategic merge patch.
    async fn change(&self, order: &Order, object: &Object, now: &str) -> Called<Value> {
        let Some(image) = &self.target.image else {
            let kept = self.kept(object).await?;
            let is = Kubernetes::current(object, &kept).map(|kept| kept.id.as_str()).unwrap_or_default();
            if is != order.commit {
                let why = "what runs there has changed since this was planned: plan it again";
                return Err(Failure::refused(Refused::Conflict, why));
            }
            return Ok(json!({"metadata": {"annotations": {RESTARTED_AT: now}}}));
        };
        if wire::image(&object.spec.template, &image.container).is_none() {
            return Err(cannot(&format!("the pod template has no container `{}`", image.container)));
        }
        Ok(json!({"spec": {"containers": [{"name": image.container, "image": image.at(&order.commit)?}]}}))
    }

    /// The template that a rollback goes back to.
    async fn earlier(&self, order: &Order, object: &Object) -> Called<Kept> {
        let kept = self.kept(object).await?;
        // The very template of the run that deployed it; else one with what was deployed.
        let known = order.back_to.as_ref().and_then(|run| run.id.split_once(':')).map(|(_, print)| print);
        let by_run = known.and_then(|print| kept.iter().find(|kept| fingerprint(&kept.template) == print));
        let found = match (by_run, &self.target.image) {
            (Some(found), _) => Some(found),
            (None, None) => kept.iter().find(|kept| kept.id == order.commit),
            (None, Some(image)) => {
                let wanted = image.at(&order.commit)?;
                kept.iter().find(|kept| wire::image(&kept.template, &image.container) == Some(&wanted))
            }
        };
        found.cloned().ok_or_else(|| {
            let why = "the cluster no longer has that pod template (`revisionHistoryLimit`): deploy it instead";
            Failure::refused(Refused::NotFound, why)
        })
    }

    /// A patch for the object as it is, and its type.
    async fn patch_for(&self, order: &Order, object: &Object, now: &str) -> Called<(&'static str, Value)> {
        const MERGE: &str = "application/strategic-merge-patch+json";
        let version = &object.metadata.resource_version;
        let metadata = json!({"resourceVersion": version, "annotations": {ORDER: order.id}});
        if !order.is_rollback {
            let template = self.change(order, object, now).await?;
            return Ok((MERGE, json!({"metadata": metadata, "spec": {"template": template}})));
        }
        let mut template = self.earlier(order, object).await?.template;
        if self.target.kind == Workload::Deployment {
            let mut patch = vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
            if object.metadata.annotations.is_none() {
                patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
            }
            let key = format!("/metadata/annotations/{}", ORDER.replace('~', "~0").replace('/', "~1"));
            patch.push(json!({"op": "add", "path": key, "value": order.id}));
            patch.push(json!({"op": "replace", "path": "/spec/template", "value": template}));
            return Ok(("application/json-patch+json", Value::Array(patch)));
        }
        // As ControllerRevisions have it: the template as a whole, nothing of the present one.
        if let Some(fields) = template.as_object_mut() {
            fields.insert("$patch".to_owned(), json!("replace"));
        }
        Ok((MERGE, json!({"metadata": metadata, "spec": {"template": template}})))
    }
}

/// The resource version that a patch was made for.
fn version(patch: &Value) -> &str {
    let place = if patch.is_array() { "/0/value" } else { "/metadata/resourceVersion" };
    patch.pointer(place).and_then(Value::as_str).unwrap_or_default()
}
