//! What the server knows: repositories and what is in them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A workflow file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// The file's name in `.github/workflows`, such as `deploy.yml`.
    pub file: String,
    /// Its `name:`.
    pub name: String,
    /// Its `run-name:`, in which `${{ inputs.NAME }}` stands for an input's value; without one a run is called as the
    /// workflow.
    pub run_name: Option<String>,
    /// The inputs that `workflow_dispatch` declares; none where the workflow has no such trigger.
    pub dispatch: Option<Vec<Input>>,
    /// Its jobs, which run one after the other.
    pub jobs: Vec<JobScript>,
    /// What moves its runs.
    pub moves: Moves,
}

/// An input that a workflow declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Whether a dispatch without it is refused, unless it has a default.
    pub required: bool,
    /// Its value where a dispatch has none.
    pub default: Option<String>,
    /// What values it takes.
    pub kind: InputKind,
}

impl Input {
    /// A text that may be left out.
    #[must_use]
    pub fn text(name: &str) -> Input {
        Input { name: name.to_owned(), required: false, default: None, kind: InputKind::Text }
    }

    /// A text that must be there.
    #[must_use]
    pub fn required(name: &str) -> Input {
        Input { required: true, ..Input::text(name) }
    }

    /// One of these.
    #[must_use]
    pub fn choice(name: &str, options: &[&str]) -> Input {
        Input { kind: InputKind::Choice(options.iter().map(|it| (*it).to_owned()).collect()), ..Input::text(name) }
    }
}

/// The types of inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// `string`.
    Text,
    /// `boolean`.
    Boolean,
    /// `number`.
    Number,
    /// `choice` with its options.
    Choice(Vec<String>),
    /// `environment`: the name of one of the repository's.
    Environment,
}

/// A job as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobScript {
    /// Its name.
    pub name: String,
    /// The environment that it deploys to; `${{ inputs.NAME }}` stands for an input's value.
    pub environment: Option<String>,
    /// Its steps.
    pub steps: Vec<StepScript>,
}

/// A step as its file has it, with what will happen where the clock moves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepScript {
    /// Its name.
    pub name: String,
    /// How long it takes.
    pub seconds: u32,
    /// What it writes into the log.
    pub log: String,
    /// Whether it fails.
    pub fails: bool,
}

impl StepScript {
    /// One that succeeds.
    #[must_use]
    pub fn new(name: &str, seconds: u32, log: &str) -> StepScript {
        StepScript { name: name.to_owned(), seconds, log: log.to_owned(), fails: false }
    }
}

/// What moves a workflow's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// A test does.
    ByHand,
    /// The clock does: a run waits so long for a runner, then its steps take their time.
    ByClock {
        /// Seconds in the queue.
        queued: u32,
    },
}

/// A workflow was dispatched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dispatch {
    /// When.
    pub at: Timestamp,
    /// `owner/name`.
    pub repository: String,
    /// The workflow's file.
    pub workflow: String,
    /// The branch or tag.
    pub reference: String,
    /// The inputs that were sent.
    pub inputs: BTreeMap<String, String>,
    /// The run that came of it.
    pub run: u64,
}

/// What a dispatch answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunDetails {
    /// 200 with the run where `return_run_details` is true (and always in version 2026-03-10), else 204.
    Told,
    /// An older Enterprise Server refuses the unknown field with this status, 400 or 422.
    Refused(u16),
    /// One that ignores it answers 204.
    Ignored,
}

/// Where the address of a job's log leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogsAt {
    /// To this server, signed in the query, as on Enterprise Server.
    Here,
    /// To this address, whatever it is.
    Elsewhere(String),
}

/// A commit.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub(super) sha: String,
    pub(super) message: String,
    pub(super) author: String,
    pub(super) date: Timestamp,
    pub(super) parents: Vec<String>,
    pub(super) files: u32,
}

/// An annotated tag's own object.
#[derive(Clone, Debug)]
pub(super) struct TagObject {
    pub(super) sha: String,
    pub(super) name: String,
    /// `commit`, `tag` or `tree`, and its sha.
    pub(super) object: (String, String),
}

/// A pull request.
#[derive(Clone, Debug)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) commits: Vec<String>,
    pub(super) merged: Option<Timestamp>,
}

/// A check run of somebody's, or a commit status.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
}

/// An environment with its reviewers' logins.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) reviewers: Vec<String>,
}

/// A deployment and its statuses, the oldest first.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) body: Value,
    pub(super) sha: String,
    pub(super) reference: String,
    pub(super) environment: String,
    pub(super) task: String,
    pub(super) statuses: Vec<Value>,
}

/// A run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) workflow: u64,
    pub(super) suite: u64,
    pub(super) number: u64,
    pub(super) attempt: u64,
    pub(super) event: String,
    pub(super) title: String,
    pub(super) branch: String,
    pub(super) sha: String,
    pub(super) status: &'static str,
    pub(super) conclusion: Option<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) jobs: Vec<Job>,
    /// Environments that were approved in this attempt.
    pub(super) approved: Vec<String>,
    /// When the clock moves it next.
    pub(super) next: Option<Timestamp>,
}

/// A job of a run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) environment: Option<String>,
    pub(super) status: &'static str,
    pub(super) conclusion: Option<String>,
    pub(super) steps: Vec<Step>,
    pub(super) log: String,
    pub(super) started: Option<Timestamp>,
    pub(super) completed: Option<Timestamp>,
}

/// A step of a job.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) script: StepScript,
    pub(super) status: &'static str,
    pub(super) conclusion: Option<String>,
}

/// A repository.
pub(super) struct Repository {
    pub(super) id: u64,
    /// `owner/name`.
    pub(super) name: String,
    pub(super) default_branch: String,
    /// Whether the token sees it.
    pub(super) visible: bool,
    pub(super) commits: Vec<Commit>,
    pub(super) branches: BTreeMap<String, String>,
    /// A tag's name and what it points to: a commit or a tag object.
    pub(super) tags: BTreeMap<String, String>,
    pub(super) tag_objects: Vec<TagObject>,
    pub(super) pulls: Vec<Pull>,
    pub(super) checks: Vec<Check>,
    pub(super) statuses: Vec<Check>,
    /// Workflows by their ids.
    pub(super) workflows: Vec<(u64, Workflow)>,
    pub(super) environments: Vec<Environment>,
    pub(super) deployments: Vec<Deployment>,
    pub(super) runs: Vec<Run>,
    /// Events that the webhooks are told of.
    pub(super) told: Vec<(&'static str, Value)>,
    /// Whether a run changed since that was last asked: also in ways that no webhook tells.
    pub(super) changed: bool,
    /// The API's and the pages' addresses of this repository.
    pub(super) api: String,
    pub(super) html: String,
}

impl Repository {
    /// A commit by its full id.
    pub(super) fn commit(&self, sha: &str) -> Option<&Commit> {
        self.commits.iter().find(|commit| commit.sha == sha)
    }

    /// A workflow by its id or its file's name.
    pub(super) fn workflow(&self, named: &str) -> Option<&(u64, Workflow)> {
        self.workflows.iter().find(|(id, workflow)| workflow.file == named || id.to_string() == named)
    }

    /// The commit that a tag, peeled, stands for.
    pub(super) fn peeled(&self, tag: &str) -> Option<&Commit> {
        let mut sha = self.tags.get(tag)?.clone();
        for _ in 0..10 {
            if let Some(commit) = self.commit(&sha) {
                return Some(commit);
            }
            sha = self.tag_objects.iter().find(|it| it.sha == sha)?.object.1.clone();
        }
        None
    }
}
