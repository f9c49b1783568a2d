//! What pipelines have in common: what is asked of one, and what it tells.
//!
//! A pipeline carries a deploy out: a workflow, a job, a sync. These are its words in Muster's
//! terms, as plans, cards and the journal hold them; each service's own words stay in its
//! adapter. What holds: what came from outside is [`Outside`], or was checked to be an id or an
//! address of the web.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text::Outside;

/// A commit, or whatever the pipeline names the state by that it deploys (an image's digest, a build's number).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its full id. It never moves, as branches and tags do.
    pub id: Outside,
    /// The first line of its message; empty where the pipeline can't tell.
    #[serde(default)]
    pub subject: Outside,
    /// Who wrote it; empty where the pipeline can't tell.
    #[serde(default)]
    pub author: Outside,
    /// When it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Commit {
    /// One of which nothing else is known.
    #[must_use]
    pub fn bare(id: &str) -> Commit {
        Commit { id: id.into(), subject: Outside::default(), author: Outside::default(), at: None, url: None }
    }

    /// The id as people say it: seven characters of a Git hash, else its beginning.
    #[must_use]
    pub fn short(&self) -> Outside {
        let is_hash = self.id.as_str().len() >= 40 && self.id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { Outside::new(&self.id.as_str()[..7]) } else { self.id.short(24) }
    }
}

/// What a reference stood for when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The commit.
    pub commit: Commit,
    /// What kind of thing the reference is.
    pub kind: RefKind,
}

/// What a reference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefKind {
    /// The branch that is deployed where nothing is said.
    DefaultBranch,
    /// A branch.
    Branch,
    /// A tag.
    Tag,
    /// A commit's full id.
    Commit,
    /// A commit's full id, and no branch is known that it is on: it may be somebody's fork's, to which anybody can push.
    Unmerged,
    /// The pipeline can't tell.
    Unknown,
}

impl RefKind {
    /// Its name in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RefKind::DefaultBranch => "default_branch",
            RefKind::Branch => "branch",
            RefKind::Tag => "tag",
            RefKind::Commit => "commit",
            RefKind::Unmerged => "unmerged",
            RefKind::Unknown => "unknown",
        }
    }
}

/// What lies between two commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// How many commits come.
    pub ahead: u32,
    /// How many commits go that run now: more than none where an older or another line is deployed.
    #[serde(default)]
    pub behind: u32,
    /// The newest of those that come, the newest first; at most [`Changes::LISTED`].
    pub commits: Vec<Commit>,
    /// Who wrote them, each once.
    pub authors: Vec<Outside>,
    /// The merged pull or merge requests among them; at most [`Changes::LISTED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulls: Vec<Pull>,
    /// Files that changed, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u32>,
    /// Where they can be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Changes {
    /// So many commits and pull requests are told by name.
    pub const LISTED: usize = 20;
}

/// A pull or merge request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: Outside,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How the checks of a commit stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checks {
    /// All of them passed.
    Passed(u32),
    /// Some still run.
    Pending(u32),
    /// These failed: their names, the first few.
    Failed(Vec<Outside>),
    /// There are none.
    None,
    /// The pipeline can't tell.
    Unknown,
}

/// What is asked of a pipeline: deploy that there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What the run is found by afterwards: the deploy's number and a word that no other journal has, such as
    /// `muster-d7-4f0c9a1e`. Lower-case letters, digits and hyphens; the same each time it is asked for.
    pub id: String,
    /// Whether it goes back to something that ran before.
    pub is_rollback: bool,
    /// The service, as configured.
    pub service: String,
    /// The environment, as configured.
    pub environment: String,
    /// What was asked for: a branch, a tag, a commit. Checked to be a reference.
    pub reference: String,
    /// The commit that it stood for when it was planned.
    pub commit: String,
    /// Parameters, checked against the configuration.
    pub parameters: BTreeMap<String, String>,
    /// Who asked, by name, for logs of the pipeline.
    pub by: Outside,
    /// Why, for logs of the pipeline.
    pub reason: Outside,
    /// For a rollback, the run that once deployed what it goes back to, where Muster knows it.
    pub back_to: Option<Run>,
}

/// One run of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id there. What an adapter needs to find it again; no other reads it.
    pub id: String,
    /// Where people can look at it: an address of the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// In short.
    pub state: RunState,
    /// The step that runs, or the one that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Outside>,
    /// Steps that are done.
    #[serde(default)]
    pub done: u32,
    /// Steps in all; none where it is not known.
    #[serde(default)]
    pub total: u32,
    /// What waits on the pipeline's own side for somebody's word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// The run's address, or its new id, where they became known only now (a queue item became a build).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
}

impl Progress {
    /// One of which only the state is known.
    #[must_use]
    pub fn bare(state: RunState) -> Progress {
        Progress { state, step: None, done: 0, total: 0, gates: Vec::new(), run: None }
    }
}

/// How a run stands in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It has not begun.
    Queued,
    /// It runs.
    Running,
    /// It waits for somebody's word on the pipeline's side ([`Progress::gates`]).
    Waiting,
    /// It ended well.
    Succeeded,
    /// It ended badly.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl RunState {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, RunState::Succeeded | RunState::Failed | RunState::Cancelled)
    }
}

/// An approval that the pipeline itself waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What the adapter answers it by.
    pub id: String,
    /// What it is called there.
    pub name: Outside,
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Of which step.
    pub step: Option<Outside>,
    /// Its last lines, without colours and secrets; at most [`Log::LONGEST`] characters.
    pub tail: Outside,
}

impl Log {
    /// So many characters of a log are kept.
    pub const LONGEST: usize = 2_000;
}

/// What a kind of pipeline can do. Each says what it can on top of [`Capabilities::named`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// What it is called.
    pub name: &'static str,
    /// Whether it turns a branch or tag into a commit.
    pub resolves: bool,
    /// Whether it tells what lies between two commits.
    pub compares: bool,
    /// Whether a run can be stopped.
    pub cancels: bool,
    /// Whether what waits on its own side can be approved from chat.
    pub approves: bool,
    /// How it goes back.
    pub rollback: Rollback,
    /// Whether it gives the end of a log.
    pub logs: bool,
    /// Whether it can be kept from deploying what Muster has not started, while deploys are held back.
    pub freezes: bool,
    /// How a deploy is dealt with whose start's answer was lost.
    pub idempotency: Idempotency,
    /// The same for a rollback, where a pipeline's own way back carries less than a deploy.
    pub rollback_idempotency: Idempotency,
}

impl Capabilities {
    /// One that can nothing but start what it is told.
    #[must_use]
    pub const fn named(name: &'static str) -> Capabilities {
        Capabilities {
            name,
            resolves: false,
            compares: false,
            cancels: false,
            approves: false,
            rollback: Rollback::Never,
            logs: false,
            freezes: false,
            idempotency: Idempotency::Ask,
            rollback_idempotency: Idempotency::Ask,
        }
    }

    /// How this order is dealt with where the answer to its start was lost.
    #[must_use]
    pub fn idempotency_of(&self, order: &Order) -> Idempotency {
        if order.is_rollback { self.rollback_idempotency } else { self.idempotency }
    }
}

/// How a pipeline goes back to an earlier release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollback {
    /// It has a way of its own.
    Own,
    /// The earlier commit is deployed again.
    Redeploy,
    /// It can't.
    Never,
}

/// How a start whose answer was lost is dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// The same start with the same id again is one start: the service sees to it.
    Repeat,
    /// The run can be found by the id, so it is looked for, and never started again.
    Find,
    /// Neither: a person is asked, and nothing is looked for.
    Ask,
}
