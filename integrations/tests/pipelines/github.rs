//! The GitHub adapter against the sandbox's CI.

mod deployments;
mod hook;
mod limits;
mod logs;
mod looks;
mod reads;
mod refs;
mod starts;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use integrations::clock::{Clock, ManualClock};
use integrations::http::http_client;
use integrations::http::public::Public;
use integrations::pipelines::Shared;
use integrations::pipelines::github::{Connection, GitHub, Inputs, Target};
use integrations::secret::Secret;
use operations::pipeline::{Order, Run};
use sandbox::ci::{Ci, Config, Input, JobScript, Moves, RepositoryHandle, StepScript, Workflow};

use crate::common::{TestTime, clock, settle};

pub(crate) const DISPATCH: &str = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches";
pub(crate) const RUNS: &str = "GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs";
pub(crate) const ID: &str = "muster-d7-4f0c9a1e";

/// A repository `acme/shop` with two commits on `main` and a workflow `deploy.yml`.
pub(crate) struct World {
    pub(crate) ci: Ci,
    pub(crate) clock: ManualClock,
    pub(crate) repository: RepositoryHandle,
    pub(crate) old: String,
    pub(crate) new: String,
}

impl World {
    pub(crate) async fn new() -> World {
        World::at(false).await
    }

    pub(crate) async fn at(enterprise: bool) -> World {
        let clock = clock();
        let listen = "127.0.0.1:0".parse().expect("an address");
        let time = Arc::new(TestTime(clock.clone()));
        let ci = Ci::start(Config { listen, time, enterprise }).await.expect("a CI");
        let repository = ci.repository("acme/shop");
        let old = repository.push("main", "Basket\n\nIt holds things.", "Ann");
        let new = repository.push("main", "Till", "Bo");
        repository.workflow(workflow("deploy.yml"));
        World { ci, clock, repository, old, new }
    }

    pub(crate) fn shared(&self) -> Shared {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let public = Public::new(clock.clone()).expect("a reader");
        Shared { http: http_client().expect("a client"), clock, public }
    }

    pub(crate) fn github(&self) -> GitHub {
        self.with(|_| {})
    }

    /// The adapter with another target.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Target)) -> GitHub {
        let mut target = target();
        change(&mut target);
        let connection = Connection { api_url: self.ci.api_url(), token: Secret::new(&self.ci.token()) };
        GitHub::new(connection, target, self.shared()).expect("an adapter")
    }

    pub(crate) fn order(&self) -> Order {
        order(ID, "main", &self.new)
    }

    /// Dispatches the workflow and gives its run.
    pub(crate) async fn started(&self) -> Run {
        use integrations::pipelines::Pipeline;
        self.github().start(&self.order()).await.expect("a run")
    }

    /// Lets the clock go on while `work` waits for a moment on it, but not as far as a call may take.
    pub(crate) async fn driven<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = settle() => {}
            }
            let now = self.clock.now();
            let wait = self.clock.next_wake().and_then(|at| Duration::try_from(at.duration_since(now)).ok());
            if let Some(wait) = wait.filter(|wait| *wait <= Duration::from_secs(5)) {
                self.clock.advance(wait);
            }
        }
    }
}

pub(crate) fn target() -> Target {
    Target {
        repository: "acme/shop".to_owned(),
        workflow: "deploy.yml".to_owned(),
        inputs: Inputs::default(),
        default_ref: None,
    }
}

pub(crate) fn order(id: &str, reference: &str, commit: &str) -> Order {
    Order {
        id: id.to_owned(),
        is_rollback: false,
        service: "shop".to_owned(),
        environment: "production".to_owned(),
        reference: reference.to_owned(),
        commit: commit.to_owned(),
        parameters: BTreeMap::new(),
        by: "Ann".into(),
        reason: "The till".into(),
        back_to: None,
    }
}

/// A workflow of two jobs that a test moves.
pub(crate) fn workflow(file: &str) -> Workflow {
    Workflow {
        file: file.to_owned(),
        name: "Deploy".to_owned(),
        run_name: Some("Deploy ${{ inputs.environment }} ${{ inputs.muster_id }}".to_owned()),
        dispatch: Some(vec![
            Input::required("muster_id"),
            Input::choice("environment", &["production", "staging"]),
            Input::text("commit"),
            Input::text("why"),
        ]),
        jobs: vec![
            JobScript {
                name: "build".to_owned(),
                environment: None,
                steps: vec![StepScript::new("Check out", 10, "checked out"), StepScript::new("Build", 20, "built")],
            },
            JobScript {
                name: "deploy".to_owned(),
                environment: Some("${{ inputs.environment }}".to_owned()),
                steps: vec![StepScript::new("Roll out", 30, "rolled out")],
            },
        ],
        moves: Moves::ByHand,
    }
}

/// What is wrong in one case.
type Change = fn(&mut Connection, &mut Target);

#[tokio::test]
async fn a_wrong_configuration_is_told_with_what_to_write() {
    let world = World::new().await;
    let cases: [(&str, Change); 9] = [
        ("owner/name", |_, target| target.repository = "shop".to_owned()),
        ("owner/name", |_, target| target.repository = "acme/../x".to_owned()),
        ("workflow", |_, target| target.workflow = ".github/workflows/deploy.yml".to_owned()),
        ("workflow", |_, target| target.workflow = String::new()),
        ("inputs.id", |_, target| target.inputs.id = String::new()),
        ("twice", |_, target| target.inputs.reason = "commit".to_owned()),
        ("default_ref", |_, target| target.default_ref = Some("a b".to_owned())),
        ("token", |connection, _| connection.token = Secret::new("")),
        ("address", |connection, _| connection.api_url = "ftp://x".to_owned()),
    ];
    for (word, change) in cases {
        let mut connection = Connection { api_url: world.ci.api_url(), token: Secret::new(&world.ci.token()) };
        let mut target = target();
        change(&mut connection, &mut target);
        let error = GitHub::new(connection, target, world.shared()).err().expect(word);
        assert!(error.contains(word), "{error}");
        assert!(!error.contains(&world.ci.token()));
    }
}
