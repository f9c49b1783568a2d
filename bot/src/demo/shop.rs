//! What the sandbox's CI server has: a repository of a shop's checkout, and the workflow that deploys it.

use sandbox::ci::{Ci, Input, JobScript, Moves, RepositoryHandle, StepScript, Workflow};

/// The repository's name.
pub const REPOSITORY: &str = "acme/checkout";

/// How runs move that nobody moves by hand.
pub const BY_CLOCK: Moves = Moves::ByClock { queued: 3 };

/// What the story deploys: one commit after another.
pub struct Stock {
    /// The repository.
    pub repository: RepositoryHandle,
    /// The release that is tagged `v141`.
    pub good: String,
    /// The release that is tagged `v142`.
    pub next: String,
    /// The newest commit of `main`, tagged `v143`.
    pub newest: String,
}

/// Stocks the server.
pub fn stock(ci: &Ci, moves: Moves) -> Stock {
    let repository = ci.repository(REPOSITORY);
    let good = repository.push("main", "Take gift cards", "Cleo");
    repository.tag("v141", &good);
    let cache = repository.push("main", "Cache the price list", "Bob");
    let next = repository.push("main", "Show delivery dates", "Cleo");
    repository.tag("v142", &next);
    repository.pull(17, "Show delivery dates", &[&cache, &next], true);
    let newest = repository.push("main", "Round prices to cents", "Ann");
    repository.tag("v143", &newest);
    for commit in [&good, &cache, &next, &newest] {
        repository.check(commit, "tests", "completed", Some("success"));
    }
    for name in ["staging", "production"] {
        repository.environment(name, &[]);
    }
    repository.workflow(workflow(moves));
    Stock { repository, good, next, newest }
}

/// Lets the runs that begin from now on move otherwise.
pub fn move_runs(ci: &Ci, moves: Moves) {
    ci.repository(REPOSITORY).workflow(workflow(moves));
}

/// The workflow that deploys.
fn workflow(moves: Moves) -> Workflow {
    let step = |name: &str, seconds: u32, log: &str| StepScript::new(name, seconds, log);
    Workflow {
        file: "deploy.yml".to_owned(),
        name: "Deploy".to_owned(),
        run_name: Some("Deploy to ${{ inputs.environment }} (${{ inputs.muster_id }})".to_owned()),
        dispatch: Some(vec![
            Input::required("muster_id"),
            Input::required("environment"),
            Input::required("commit"),
            Input::text("region"),
        ]),
        jobs: vec![JobScript {
            name: "deploy".to_owned(),
            environment: None,
            steps: vec![
                step("build", 4, "built checkout"),
                step("migrate", 3, "0 migrations"),
                step("roll out", 5, "3 of 3 are new"),
            ],
        }],
        moves,
    }
}
