//! What carries deploys out, each kind behind the same trait, [`Pipeline`].
//!
//! One value stands for one service in one environment: a connection and a target there. What holds: a start is
//! sent at most once by an adapter, and what may have been done is [`Failure::Unknown`]; the id of an [`Order`] goes to
//! the other side in whatever way it can carry it, and [`Pipeline::find`] finds the run by it; nothing that came
//! from chat stands in a path unencoded, in a shell or in a template; logs come without secrets.

pub mod argocd;
pub mod buildbot;
pub mod codebuild;
pub mod codedeploy;
pub mod codepipeline;
pub mod generic;
pub mod github;
pub mod gitlab;
pub mod jenkins;
pub mod kubernetes;
mod tail;
mod text;

use std::sync::Arc;

use async_trait::async_trait;
use operations::pipeline::{Capabilities, Changes, Checks, Gate, Log, Order, Progress, Resolved, Run};

use crate::clock::SharedClock;
pub use crate::http::api::{Called, Failure, Refused};
use crate::http::public::Public;

/// A pipeline of one service in one environment.
#[async_trait]
pub trait Pipeline: Send + Sync {
    /// What it can do. What it can't is answered with [`Refused::Malformed`] and words for people.
    fn capabilities(&self) -> Capabilities;

    /// What a reference stands for now; without one, what is deployed where nothing is said (the default branch).
    /// Where the pipeline can't tell ([`Capabilities::resolves`]), the reference is taken as the id of what is deployed.
    ///
    /// # Errors
    /// [`Refused::NotFound`] where there is no such reference.
    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved>;

    /// What lies between two commits: what comes when `to` replaces `from`.
    ///
    /// # Errors
    /// [`Refused::NotFound`] where one is not known there.
    async fn changes(&self, from: &str, to: &str) -> Called<Changes>;

    /// How the checks of a commit stand; unknown where the pipeline has no checks.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn checks(&self, commit: &str) -> Called<Checks> {
        let _ = commit;
        Ok(Checks::Unknown)
    }

    /// What somebody should know before a deploy or rollback there, as short sentences (Argo CD: auto-sync is on).
    ///
    /// # Errors
    /// See [`Failure`].
    async fn warnings(&self) -> Called<Vec<String>> {
        Ok(Vec::new())
    }

    /// Starts it. Sent once: [`Failure::Unknown`] where it may have been received.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn start(&self, order: &Order) -> Called<Run>;

    /// Looks for the run that was started with this order's id; none where there is none (yet).
    ///
    /// # Errors
    /// See [`Failure`].
    async fn find(&self, order: &Order) -> Called<Option<Run>>;

    /// How a run stands.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn look(&self, run: &Run) -> Called<Progress>;

    /// Stops a run. One that ended already is [`Refused::Conflict`].
    ///
    /// # Errors
    /// See [`Failure`].
    async fn cancel(&self, run: &Run) -> Called<()>;

    /// Answers what waits on the pipeline's side. One that was answered already is [`Refused::Conflict`].
    ///
    /// # Errors
    /// See [`Failure`].
    async fn decide(&self, run: &Run, gate: &Gate, approve: bool, comment: &str) -> Called<()>;

    /// The end of the log of what runs, or of what failed.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn log(&self, run: &Run) -> Called<Log>;

    /// Has the pipeline keep what became of a deploy (GitHub: a deployment and its status). The same again changes
    /// nothing; where it keeps no such records, neither does this.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn keep(&self, kept: &Kept) -> Called<()> {
        let _ = kept;
        Ok(())
    }

    /// Keeps what starts by itself out of where it deploys to, or lets it in again ([`Capabilities::freezes`]). The same
    /// again changes nothing; what somebody else has closed stays closed.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn freeze(&self, on: bool, reason: &str) -> Called<()> {
        let _ = (on, reason);
        Err(cannot("the pipeline can't be kept from deploying by itself"))
    }
}

/// What a pipeline itself is told to keep of a deploy, where it keeps such records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The order's id: the same is kept once.
    pub id: String,
    /// The commit.
    pub commit: String,
    /// The environment's name.
    pub environment: String,
    /// Whether people use that environment.
    pub is_production: bool,
    /// How it ended; none while it is under way.
    pub succeeded: Option<bool>,
    /// In a few words.
    pub description: String,
    /// Where its run can be looked at.
    pub url: Option<String>,
}

/// A pipeline of any kind.
pub type AnyPipeline = Arc<dyn Pipeline>;

/// What every adapter is built with.
#[derive(Clone)]
pub struct Shared {
    /// The client that calls go through.
    pub http: reqwest::Client,
    /// What time it is.
    pub clock: SharedClock,
    /// Reads addresses that came in answers.
    pub public: Public,
}

/// What an adapter answers where it can't do what is asked.
#[must_use]
pub fn cannot(what: &str) -> Failure {
    Failure::refused(Refused::Malformed, what)
}
