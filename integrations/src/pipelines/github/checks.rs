//! How the checks of a commit stand: check runs and commit statuses together.
//!
//! Each job of a run is a check of the commit that it ran at, those of earlier deploys as well, of this service and of its
//! neighbours in the repository; these are left out, or one deploy that failed would forbid all that follow. What somebody
//! started by hand (`workflow_dispatch`) says nothing of the commit that each commit is asked. A commit without statuses is `pending` in GitHub's combined status,
//! so each status is looked at by itself.

use std::collections::BTreeSet;

use operations::pipeline::Checks;
use operations::text::Outside;
use serde::Deserialize;

use super::GitHub;
use super::refs::full;
use super::wire::{Run, Runs, is_failure};
use crate::http::api::Called;
use crate::redact;

/// So many pages of a hundred are read.
const PAGES: usize = 10;

/// So many that failed are named.
const NAMED: usize = 5;

#[derive(Deserialize)]
struct CheckRuns {
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    check_suite: Option<Suite>,
}

#[derive(Deserialize)]
struct Suite {
    id: u64,
}

#[derive(Deserialize)]
struct Combined {
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    context: String,
    #[serde(default)]
    state: String,
}

/// What one check says.
enum Says {
    Passed,
    Pending,
    Failed,
}

impl GitHub {
    /// How the checks of a commit stand.
    pub(super) async fn checked(&self, commit: &str) -> Called<Checks> {
        let sha = full(commit)?;
        let hundred = [("per_page", "100")];
        let runs = self.get(&["commits", sha, "check-runs"]).query(&[("filter", "latest"), ("per_page", "100")]);
        let (runs, more_runs) = self.pages::<CheckRuns>(runs, PAGES).await?;
        let statuses = self.get(&["commits", sha, "status"]).query(&hundred);
        let (statuses, more_statuses) = self.pages::<Combined>(statuses, PAGES).await?;
        let deploys = self.suites_of_deploys(sha).await?;
        let runs = runs.into_iter().flat_map(|page| page.check_runs);
        let runs = runs.filter(|run| run.check_suite.as_ref().is_none_or(|suite| !deploys.contains(&suite.id)));
        let mut all: Vec<(String, Says)> = runs.map(|run| (run.name.clone(), of_run(&run))).collect();
        let statuses = statuses.into_iter().flat_map(|page| page.statuses);
        all.extend(statuses.map(|status| (status.context.clone(), of_status(&status.state))));
        let (mut passed, mut pending, mut failed): (u32, u32, Vec<Outside>) = (0, 0, Vec::new());
        for (name, says) in all {
            match says {
                Says::Passed => passed += 1,
                Says::Pending => pending += 1,
                Says::Failed if failed.len() < NAMED => failed.push(redact::outside("check", &name).short(100)),
                Says::Failed => {}
            }
        }
        Ok(match (failed.is_empty(), pending, passed) {
            (false, ..) => Checks::Failed(failed),
            (true, 1.., _) => Checks::Pending(pending),
            _ if more_runs || more_statuses => Checks::Unknown,
            (true, 0, 1..) => Checks::Passed(passed),
            (true, 0, 0) => Checks::None,
        })
    }

    /// The check suites of runs at a commit that were dispatched, or are this workflow's own.
    async fn suites_of_deploys(&self, sha: &str) -> Called<BTreeSet<u64>> {
        let runs = self.get(&["actions", "runs"]).query(&[("head_sha", sha), ("per_page", "100")]);
        let (pages, _) = self.pages::<Runs>(runs, PAGES).await?;
        let runs = pages.into_iter().flat_map(|page| page.workflow_runs);
        let deploys = runs.filter(|run| run.event == "workflow_dispatch" || self.is_of_workflow(run));
        Ok(deploys.filter_map(|run| run.check_suite_id).collect())
    }

    /// Whether it is a run of the configured workflow, which is named by its file or its id.
    fn is_of_workflow(&self, run: &Run) -> bool {
        // Of a reusable workflow the path has `@REF` behind it.
        let path = run.path.split('@').next().unwrap_or_default();
        path.rsplit('/').next() == Some(self.workflow.as_str()) || run.workflow_id.to_string() == self.workflow
    }
}

fn of_run(run: &CheckRun) -> Says {
    match (run.status.as_str(), run.conclusion.as_deref()) {
        ("completed", Some("cancelled")) => Says::Failed,
        ("completed", Some(conclusion)) if !is_failure(conclusion) => Says::Passed,
        ("completed", _) => Says::Failed,
        _ => Says::Pending,
    }
}

fn of_status(state: &str) -> Says {
    match state {
        "success" => Says::Passed,
        "pending" => Says::Pending,
        _ => Says::Failed,
    }
}
