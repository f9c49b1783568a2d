//! How an operation stands, from what the application says of itself.
//!
//! Argo CD keeps the state of one operation, the last. What holds: another one's state is never told as this one's;
//! where another has taken its place, this one has ended, and the history says whether well.

use operations::pipeline::{Progress, RunState};
use operations::text::Outside;

use super::wire::{Application, Operation, OperationState};
use crate::redact;

/// What a run's id says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Followed {
    /// The order's id; none for a rollback, which carries none.
    pub(super) order: Option<String>,
    /// The revision that it goes to.
    pub(super) revision: String,
    /// The newest entry of the history before it.
    pub(super) before: Option<i64>,
    /// When the operation before it began, in seconds since 1970.
    pub(super) earlier: Option<i64>,
}

impl Followed {
    pub(super) fn written(&self) -> String {
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let order = self.order.as_deref().unwrap_or_default();
        format!("{order}:{}:{}:{}", number(self.before), number(self.earlier), self.revision)
    }

    pub(super) fn read(id: &str) -> Option<Followed> {
        let number = |number: &str| if number.is_empty() { Some(None) } else { number.parse().ok().map(Some) };
        let mut parts = id.splitn(4, ':');
        let order = Some(parts.next()?.to_owned()).filter(|order| !order.is_empty());
        let (before, earlier) = (number(parts.next()?)?, number(parts.next()?)?);
        let revision = parts.next()?.to_owned();
        Some(Followed { order, revision, before, earlier }).filter(|it| !it.revision.is_empty())
    }

    fn is(&self, operation: &Operation) -> bool {
        match &self.order {
            Some(order) => operation.order() == Some(order),
            None => operation.is_rollback() && operation.revision() == Some(&self.revision),
        }
    }

    fn state<'a>(&self, app: &'a Application) -> Option<&'a OperationState> {
        app.status.operation_state.as_ref().filter(|state| self.is(&state.operation))
    }

    fn is_asked(&self, app: &Application) -> bool {
        app.operation.as_ref().is_some_and(|operation| self.is(operation))
    }

    pub(super) fn is_in_progress(&self, app: &Application) -> bool {
        match self.state(app) {
            Some(state) => !state.is_over(),
            None => self.is_asked(app),
        }
    }

    pub(super) fn progress(&self, app: &Application) -> Progress {
        let Some(state) = self.state(app) else {
            // Argo CD answers from a copy that may be behind: what was there before it says nothing about it.
            let is_behind = app.operation.is_none() && app.began() == self.earlier;
            if self.is_asked(app) || is_behind {
                return Progress::bare(RunState::Queued);
            }
            // The history gains an entry by a sync that went well, and by nothing else.
            let went_well = app
                .status
                .history
                .iter()
                .any(|entry| entry.revision == self.revision && self.before.is_none_or(|before| entry.id > before));
            let (state, words) = if went_well {
                (RunState::Succeeded, "synced; another operation has followed since")
            } else {
                (RunState::Cancelled, "another operation took its place, so how it ended is not told any more")
            };
            return Progress { step: Some(Outside::new(words)), ..Progress::bare(state) };
        };
        let results = state.sync_result.as_ref().map(|result| result.resources.as_slice()).unwrap_or_default();
        let bad = results.iter().find(|result| result.is_bad()).map(super::wire::ResourceResult::words);
        let said = bad.unwrap_or_else(|| state.message.clone());
        let step = Some(redact::outside("", &said).short(200)).filter(|step| !step.is_empty());
        let done = count(results.iter().filter(|result| result.is_done()).count());
        let total = count(results.len().max(app.status.resources.len()));
        let synced = |run| Progress { step, done, total, ..Progress::bare(run) };
        match state.phase.as_str() {
            "Succeeded" => healthy(app, state),
            // The only word about a stop that stays (gitops-engine, `Terminate`).
            "Failed" | "Error" if state.message.to_lowercase().contains("operation terminat") => {
                synced(RunState::Cancelled)
            }
            "Failed" | "Error" => synced(RunState::Failed),
            _ => synced(RunState::Running),
        }
    }

    /// What the operation says, the worst first, and of which resource that is.
    pub(super) fn words(&self, app: &Application) -> (Option<Outside>, String) {
        let progress = self.progress(app);
        let mut lines = Vec::new();
        if let Some(state) = self.state(app) {
            let results = state.sync_result.as_ref().map(|result| result.resources.as_slice()).unwrap_or_default();
            lines.extend(results.iter().filter(|result| result.is_bad()).map(super::wire::ResourceResult::words));
            lines.push(state.message.clone());
        }
        for resource in &app.status.resources {
            let health = resource.health.as_ref().filter(|health| health.status == "Degraded");
            lines.extend(health.map(|health| format!("{}/{}: {}", resource.kind, resource.name, health.message)));
        }
        lines.retain(|line| !line.trim().is_empty());
        (progress.step, lines.join("\n"))
    }
}

/// How a sync that went well stands: the application's health, as it was looked at after the sync.
fn healthy(app: &Application, state: &OperationState) -> Progress {
    let resources = &app.status.resources;
    let is_well = |status: Option<&str>| matches!(status, None | Some("Healthy" | ""));
    let status_of = |resource: &super::wire::Resource| resource.health.as_ref().map(|health| health.status.clone());
    let done = count(resources.iter().filter(|resource| is_well(status_of(resource).as_deref())).count());
    let total = count(resources.len());
    let health = &app.status.health;
    let looked_at = match (app.status.reconciled_at, state.finished_at) {
        (Some(looked_at), Some(finished)) => looked_at >= finished,
        // Without times there is nothing to compare: what is told is taken.
        (_, None) => true,
        (None, Some(_)) => false,
    };
    let about = resources
        .iter()
        .find(|resource| status_of(resource).as_deref() == Some(health.status.as_str()))
        .map(|resource| format!("{}/{} is {}", resource.kind, resource.name, health.status));
    let words = |otherwise: &str| about.clone().unwrap_or_else(|| otherwise.to_owned());
    let (run, step) = if looked_at {
        match health.status.as_str() {
            "Healthy" | "" => {
                let same = app.status.sync.revision == state.operation.revision().unwrap_or_default();
                let differs = same && app.status.sync.status == "OutOfSync";
                (
                    RunState::Succeeded,
                    if differs { "some resources still differ from Git".to_owned() } else { String::new() },
                )
            }
            "Degraded" => (RunState::Failed, words("the application is Degraded")),
            "Suspended" => (RunState::Waiting, words("the application is Suspended: it is resumed in Argo CD")),
            other => (RunState::Running, words(&format!("the application is {other}"))),
        }
    } else {
        (RunState::Running, "synced; its health has not been looked at since".to_owned())
    };
    let step = Some(redact::outside("", &step).short(200)).filter(|step| !step.is_empty());
    Progress { step, done, total, ..Progress::bare(run) }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
