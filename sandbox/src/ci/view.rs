//! Everything that a page shows.

use serde_json::{Value, json};

use super::model::{Repository, Run};
use super::payload;
use super::state::State;

/// All repositories.
pub(super) fn view(state: &State) -> Value {
    let runs = |it| runs(it, &state.login);
    json!({
        "platform": "ci", "name": "CI sandbox", "login": state.login,
        "repositories": state.repositories.iter().map(|it| repository(it, runs(it))).collect::<Vec<_>>(),
    })
}

fn repository(it: &Repository, runs: Vec<Value>) -> Value {
    let workflow = |(id, it): &(u64, super::model::Workflow)| json!({"id": id, "file": it.file, "name": it.name});
    json!({
        "name": it.name, "default_branch": it.default_branch, "branches": it.branches, "tags": it.tags,
        "workflows": it.workflows.iter().map(workflow).collect::<Vec<_>>(),
        "environments": it.environments.iter().map(|it| json!({"name": it.name, "reviewers": it.reviewers})).collect::<Vec<_>>(),
        "runs": runs,
        "deployments": it.deployments.iter().rev().map(|it| json!({"deployment": it.body, "statuses": it.statuses})).collect::<Vec<_>>(),
    })
}

/// The newest first, with who started each: the token's user dispatches, and whoever made the commit does the rest.
fn runs(it: &Repository, login: &str) -> Vec<Value> {
    let by = |run: &Run| match run.event.as_str() {
        "workflow_dispatch" => login.to_owned(),
        _ => it.commit(&run.sha).map(|commit| commit.author.to_lowercase()).unwrap_or_default(),
    };
    it.runs.iter().rev().map(|run| self::run(it, run, &by(run))).collect()
}

fn run(repository: &Repository, it: &Run, by: &str) -> Value {
    let mut run = payload::run(repository, it);
    run["actor"] = json!({"login": by});
    run["inputs"] = json!(it.inputs);
    run["jobs"] = it
        .jobs
        .iter()
        .map(|job| {
            let mut body = payload::job(repository, it, job);
            // GitHub tells of steps once the job runs; who looks at the page sees what is to come as well.
            body["steps"] = job
                .steps
                .iter()
                .map(|it| json!({"name": it.script.name, "status": it.status, "conclusion": it.conclusion}))
                .collect();
            body["environment"] = json!(job.environment);
            body["log"] = json!(job.log);
            body
        })
        .collect();
    run
}
