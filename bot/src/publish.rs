//! Writing postmortems, and checkpoints of the journal, to the wiki: the outbox's way to the page.

use std::path::PathBuf;
use std::sync::Arc;

use integrations::chat::{Called, Failure, Refused};
use integrations::wiki::git::Wiki;
use operations::checkpoint::Checkpoint;
use operations::effect::Outcome;
use operations::ids::IncidentId;

use crate::crash::{Crash, Point};
use crate::engine::Engine;
use crate::postmortem::{self, Page, PublishError};

/// Writes postmortems.
#[derive(Clone)]
pub struct Publisher {
    /// The wiki.
    pub wiki: Arc<Wiki>,
    /// The team's own template, instead of the shipped one.
    pub template: Option<PathBuf>,
    /// Where people's browsers reach Muster; no slash at its end.
    pub public_url: String,
    /// A git remote that the wiki is pushed to.
    pub push: Option<String>,
    /// Where to die, if anywhere.
    pub crash: Crash,
}

impl Publisher {
    /// Writes or refreshes an incident's postmortem.
    ///
    /// # Errors
    /// See [`Failure`]. A push that fails is tried again; the page stands on this machine already.
    pub async fn publish(&self, engine: &Engine, incident: IncidentId) -> Called<Outcome> {
        let view = engine
            .read(move |state| postmortem::view::view(state, incident))
            .await
            .map_err(|stopped| Failure::Transient { why: stopped.to_string(), retry_after: None })?;
        let Some(view) = view else {
            return Err(Failure::Permanent { why: format!("there is no {incident}"), kind: Refused::Gone });
        };
        let this = self.clone();
        let written = tokio::task::spawn_blocking(move || this.write(&view)).await;
        let Page { path, stale } = written.map_err(|_| transient("writing the page broke off"))??;
        Ok(Outcome::Published { url: format!("{}/wiki/{path}", self.public_url), stale })
    }

    /// Commits a checkpoint of the journal, unless it is there already.
    ///
    /// # Errors
    /// See [`Failure`]. A push that fails is tried again.
    pub async fn add_checkpoint(&self, checkpoint: Checkpoint) -> Called<Outcome> {
        let this = self.clone();
        let add = move || -> Called<Outcome> {
            this.passes(Point::WikiWriteBefore)?;
            let message = format!("Checkpoint of the journal at record {}", checkpoint.seq);
            let added = this.wiki.add_checkpoint(&checkpoint.line(), &message);
            added.map_err(|error| transient(format!("the checkpoint could not be committed: {error}")))?;
            this.passes(Point::WikiCommitAfter)?;
            this.push()?;
            Ok(Outcome::Done)
        };
        tokio::task::spawn_blocking(add).await.map_err(|_| transient("committing the checkpoint broke off"))?
    }

    /// Writes a page. Blocks: files and git.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn write(&self, view: &postmortem::view::View) -> Called<Page> {
        let template = match &self.template {
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .map_err(|error| transient(format!("the template {}: {error}", path.display())))?,
            ),
            None => None,
        };
        self.passes(Point::WikiWriteBefore)?;
        let page = postmortem::publish(view, &self.wiki, template.as_deref()).map_err(|error| failure(&error))?;
        self.passes(Point::WikiCommitAfter)?;
        self.push()?;
        Ok(page)
    }

    fn passes(&self, point: Point) -> Called<()> {
        self.crash.pass(point).map_err(|crashed| transient(crashed.to_string()))
    }

    fn push(&self) -> Called<()> {
        let Some(remote) = &self.push else { return Ok(()) };
        self.wiki.push(remote).map_err(|error| transient(format!("the wiki could not be pushed: {error}")))
    }
}

/// A mistake in a template stays until somebody mends it; a wiki may be written a moment later.
fn failure(error: &PublishError) -> Failure {
    let why = format!("the postmortem could not be written: {error}");
    match error {
        PublishError::Template(_) => Failure::Permanent { why, kind: Refused::Malformed },
        PublishError::Wiki(_) => Failure::Transient { why, retry_after: None },
    }
}

fn transient(why: impl Into<String>) -> Failure {
    Failure::Transient { why: why.into(), retry_after: None }
}
