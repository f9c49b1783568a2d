//! Starting a sync, and going back to an entry of the history.

use operations::pipeline::{Order, Run};
use operations::text::Outside;
use reqwest::Method;
use serde_json::json;

use super::progress::Followed;
use super::wire::{Application, Operation};
use super::{ArgoCd, ORDER, UNDONE};
use crate::pipelines::{Called, Failure, Refused};
use crate::redact;

impl ArgoCd {
    /// Who asked for it and why, with the order's id.
    fn infos(order: &Order) -> serde_json::Value {
        let mut said = format!("{} asked Muster for it", order.by.short(100).as_str());
        if !order.reason.is_empty() {
            said.push_str(": ");
            said.push_str(order.reason.short(200).as_str());
        }
        json!([{"name": ORDER, "value": order.id}, {"name": "muster", "value": said}])
    }

    pub(super) async fn sync(&self, order: &Order, app: &Application) -> Called<Run> {
        let target = app.spec.target();
        if app.spec.is_automated() && order.commit != target {
            let why = format!(
                "auto-sync is on, so Argo CD takes nothing but {}: change that in Git, or turn auto-sync off",
                Outside::new(target).short(80).as_str()
            );
            return Err(Failure::refused(Refused::Conflict, why));
        }
        let mut body = json!({
            "name": self.target.application,
            "revision": order.commit,
            "prune": self.target.prune,
            "dryRun": false,
            "infos": ArgoCd::infos(order),
        });
        for (name, value) in self.place() {
            body[name] = json!(value);
        }
        let reply = self.answer(self.call(Method::POST, &["sync"]).json(&body)).await?;
        let started: Application = reply.json()?;
        let followed = Followed {
            order: Some(order.id.clone()),
            revision: order.commit.clone(),
            before: app.last(),
            earlier: app.began(),
        };
        // What Argo CD says it will sync to; another one is stopped by a person, who is told.
        match started.operation.as_ref().and_then(Operation::revision) {
            Some(revision) if revision != order.commit => {
                let why = format!("Argo CD syncs to {revision}, not to {}", order.commit);
                Err(Failure::Unknown { why: redact::text(&why).into_owned() })
            }
            _ => Ok(self.run(&followed)),
        }
    }

    pub(super) async fn roll_back(&self, order: &Order, app: &Application) -> Called<Run> {
        if app.spec.is_automated() {
            return Err(Failure::refused(Refused::Conflict, UNDONE));
        }
        let revision = order
            .back_to
            .as_ref()
            .and_then(|run| Followed::read(&run.id))
            .map_or_else(|| order.commit.clone(), |followed| followed.revision);
        let found = app.status.history.iter().rev().find(|entry| entry.revision == revision);
        let Some(entry) = found else {
            let why = "Argo CD's history of the application no longer has that revision (`revisionHistoryLimit`): \
                       deploy it instead";
            return Err(Failure::refused(Refused::NotFound, why));
        };
        let mut body = json!({
            "name": self.target.application,
            "id": entry.id,
            "prune": self.target.prune,
            "dryRun": false,
        });
        for (name, value) in self.place() {
            body[name] = json!(value);
        }
        let reply = self.answer(self.call(Method::POST, &["rollback"]).json(&body)).await?;
        reply.json::<Application>()?;
        Ok(self.run(&Followed { order: None, revision, before: app.last(), earlier: app.began() }))
    }
}
