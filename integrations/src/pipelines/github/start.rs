//! Starting a run, and finding it again by the order's id.
//!
//! What holds: a dispatch is sent once, and a second time only where the first was refused because the server does not know
//! `return_run_details`; a run is the order's only if its title holds exactly the order's id.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use operations::pipeline::{Order, Run};
use serde::{Deserialize, Serialize};

use super::GitHub;
use super::call::{asked, failure, sent};
use super::refs::{Named, full, is_full};
use super::wire::{self, Runs};
use crate::clock::sleep;
use crate::http::api::{Called, Failure, Refused, Reply};
use crate::pipelines::text::web;

/// A filtered list tells a thousand runs: ten pages of a hundred.
const PAGES: usize = 10;

/// Runs are looked for this far back.
const BACK: SignedDuration = SignedDuration::from_mins(24 * 60 + 10);

/// A run that no answer told of is listed some seconds later: so long is waited before each look.
const WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

#[derive(Serialize)]
struct Dispatch<'o> {
    #[serde(rename = "ref")]
    reference: &'o str,
    inputs: &'o BTreeMap<&'o str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_run_details: Option<bool>,
}

/// What a dispatch answers (docs.github.com, "Create a workflow dispatch event", since February 2026).
#[derive(Deserialize)]
struct Details {
    workflow_run_id: u64,
    #[serde(default)]
    html_url: String,
}

impl GitHub {
    /// Dispatches the workflow.
    pub(super) async fn dispatch(&self, order: &Order) -> Called<Run> {
        let commit = full(&order.commit)?;
        let inputs = self.inputs_of(order)?;
        let reference = self.place(order, commit).await?;
        let reply = self.send_dispatch(&reference, &inputs).await?;
        let run = match reply.status {
            200 => {
                let told: Details = reply.json()?;
                Run { id: told.workflow_run_id.to_string(), url: web(&told.html_url) }
            }
            201..=299 => self.wait_for(order).await?,
            _ => return Err(failure(&reply)),
        };
        if self.inputs.commit.is_empty() {
            self.stop_if_elsewhere(&run, commit).await?;
        }
        Ok(run)
    }

    /// The inputs as the workflow calls them.
    fn inputs_of<'o>(&'o self, order: &'o Order) -> Called<BTreeMap<&'o str, String>> {
        let words = [
            (&self.inputs.id, order.id.clone()),
            (&self.inputs.environment, order.environment.clone()),
            (&self.inputs.commit, order.commit.clone()),
            (&self.inputs.service, order.service.clone()),
            (&self.inputs.rollback, order.is_rollback.to_string()),
            (&self.inputs.reason, order.reason.as_str().to_owned()),
            (&self.inputs.by, order.by.as_str().to_owned()),
        ];
        let words = words.into_iter().filter(|(name, _)| !name.is_empty());
        let mut inputs: BTreeMap<&str, String> = words.map(|(name, value)| (name.as_str(), value)).collect();
        for (name, value) in &order.parameters {
            if inputs.insert(name, value.clone()).is_some() {
                let words =
                    format!("the parameter {name} would replace an input that Muster fills itself: call it otherwise");
                return Err(Failure::refused(Refused::Malformed, words));
            }
        }
        Ok(inputs)
    }

    /// The branch or tag that the workflow is dispatched on. Where no input carries the commit, it must stand there.
    async fn place(&self, order: &Order, commit: &str) -> Called<String> {
        let is_commit = is_full(&order.reference);
        let asked = order.reference.as_str();
        let named = if asked.is_empty() || is_commit {
            self.named(&self.default().await?).await?
        } else {
            match self.named(asked).await? {
                Named::Commit(_) => self.named(&self.default().await?).await?,
                named => named,
            }
        };
        let (place, head) = match named {
            Named::Branch { name, sha } => (format!("refs/heads/{name}"), sha),
            Named::Tag { name, object } if self.inputs.commit.is_empty() => {
                (format!("refs/tags/{name}"), self.peeled(object).await?)
            }
            Named::Tag { name, object } => (format!("refs/tags/{name}"), object.sha),
            Named::Commit(_) => {
                let words = "`default_ref` is a commit, but a workflow can only be dispatched on a branch or tag";
                return Err(Failure::refused(Refused::Malformed, words));
            }
        };
        if self.inputs.commit.is_empty() && !head.eq_ignore_ascii_case(commit) {
            let words =
                format!("{place} does not stand at the planned commit, and no input of the workflow takes a commit");
            return Err(Failure::refused(Refused::Conflict, words));
        }
        Ok(place)
    }

    /// Sends it once; again without `return_run_details` only where that was what was refused.
    async fn send_dispatch(&self, reference: &str, inputs: &BTreeMap<&str, String>) -> Called<Reply> {
        let path = ["actions", "workflows", &self.workflow, "dispatches"];
        if !self.is_old.load(Ordering::Relaxed) {
            let body = Dispatch { reference, inputs, return_run_details: Some(true) };
            let reply = asked(self.post(&path).json(&body)).await?;
            if !is_unknown_field(&reply) {
                return Ok(reply);
            }
            self.is_old.store(true, Ordering::Relaxed);
        }
        asked(self.post(&path).json(&Dispatch { reference, inputs, return_run_details: None })).await
    }

    /// Looks for the run of a dispatch that was taken.
    async fn wait_for(&self, order: &Order) -> Called<Run> {
        for wait in WAITS {
            sleep(self.api.clock().as_ref(), wait).await;
            // A look that fails is not the start's failure.
            if let Ok(Some(run)) = self.found(order).await {
                return Ok(run);
            }
        }
        let why = "GitHub took the dispatch, but its run is not listed yet".to_owned();
        Err(Failure::Unknown { why })
    }

    /// The branch may have moved between the look and the dispatch: a run elsewhere is stopped.
    async fn stop_if_elsewhere(&self, run: &Run, commit: &str) -> Called<()> {
        let Ok(reply) = sent(self.get(&["actions", "runs", &run.id])).await else { return Ok(()) };
        let Ok(found) = reply.json::<wire::Run>() else { return Ok(()) };
        if found.head_sha.is_empty() || found.head_sha.eq_ignore_ascii_case(commit) {
            return Ok(());
        }
        let stopped = self.cancelled(run).await.is_ok();
        let what = if stopped { "it was asked to stop" } else { "it could not be stopped" };
        let why = format!("the branch moved meanwhile: run {} is at another commit, and {what}", run.id);
        Err(Failure::Unknown { why })
    }

    /// The run whose title holds this order's id; the oldest where somebody dispatched one more with the same id.
    pub(super) async fn found(&self, order: &Order) -> Called<Option<Run>> {
        let since = self.api.clock().now().saturating_sub(BACK).unwrap_or(jiff::Timestamp::MIN);
        let since = format!(">={since:.0}");
        let runs = self.get(&["actions", "workflows", &self.workflow, "runs"]);
        let runs = runs.query(&[("event", "workflow_dispatch"), ("created", &since), ("per_page", "100")]);
        let (pages, more) = self.pages::<Runs>(runs, PAGES).await?;
        let total = pages.first().map_or(0, |page| page.total_count);
        let read: u64 = pages.iter().map(|page| page.workflow_runs.len() as u64).sum();
        let runs = pages.into_iter().flat_map(|page| page.workflow_runs);
        let own = runs.filter(|run| run.event == "workflow_dispatch" && is_of(run, &order.id));
        match own.min_by_key(|run| run.id) {
            Some(run) => Ok(Some(Run { id: run.id.to_string(), url: web(&run.html_url) })),
            None if more || read < total => Err(Failure::transient(
                "the workflow ran more often today than GitHub lists, so its run can't be looked for",
            )),
            None => Ok(None),
        }
    }
}

/// Whether a run's title holds this id as a whole word.
fn is_of(run: &wire::Run, id: &str) -> bool {
    let title = run.display_title.as_deref().unwrap_or_default();
    title.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').any(|word| word == id)
}

/// Whether it was refused for `return_run_details`, which older Enterprise Servers don't know.
fn is_unknown_field(reply: &Reply) -> bool {
    matches!(reply.status, 400 | 422) && reply.said().contains("\"return_run_details\" is not a permitted key")
}
