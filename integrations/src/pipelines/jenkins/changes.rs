//! What the job's builds say about commits.
//!
//! Jenkins itself can't compare. Where both commits were built by this job, all that was new in the builds between
//! them is what changed; else it is said that it can't be told.

use jiff::Timestamp;
use operations::pipeline::{Changes, Commit};
use operations::text::Outside;

use super::Jenkins;
use super::wire::{Action, Build, Builds, Change};
use crate::pipelines::{Called, cannot};
use crate::redact;

/// So many of the last builds are looked at.
const BUILDS: usize = 100;

impl Jenkins {
    pub(super) async fn between(&self, from: &str, to: &str) -> Called<Changes> {
        let fields = "items[commitId,msg,timestamp,author[fullName]]";
        let tree = format!(
            "allBuilds[number,actions[lastBuiltRevision[SHA1]],changeSets[{fields}],changeSet[{fields}]]{{0,{BUILDS}}}"
        );
        let builds: Builds = self.get(&["api", "json"]).query(&[("tree", &tree)]).send().await?.json()?;
        let cant =
            |why: &str| cannot(&format!("Jenkins can't compare commits, and this job has not built {why} lately"));
        let built = |id: &str, below: u64| {
            let builds = builds.builds.iter().filter(|build| build.number < below && has_built(build, id));
            builds.map(|build| build.number).max()
        };
        let last = built(to, u64::MAX).ok_or_else(|| cant("the new one"))?;
        if from.eq_ignore_ascii_case(to) {
            return Ok(Changes::default());
        }
        let first = built(from, last).ok_or_else(|| cant("the one that runs now before it"))?;
        let mut commits: Vec<Commit> = Vec::new();
        let mut authors: Vec<Outside> = Vec::new();
        // Builds come with the newest first, the changes of one with the oldest first.
        for build in builds.builds.iter().filter(|build| (first + 1..=last).contains(&build.number)) {
            let sets = build.change_sets.iter().chain(&build.change_set);
            let mut changes: Vec<&Change> = sets.flat_map(|set| &set.items).collect();
            changes.reverse();
            for change in changes {
                let commit = commit(change);
                if commits.iter().any(|known| known.id == commit.id) {
                    continue;
                }
                if !commit.author.is_empty() && !authors.contains(&commit.author) {
                    authors.push(commit.author.clone());
                }
                commits.push(commit);
            }
        }
        let ahead = u32::try_from(commits.len()).unwrap_or(u32::MAX);
        commits.truncate(Changes::LISTED);
        Ok(Changes { ahead, commits, authors, ..Changes::default() })
    }
}

fn has_built(build: &Build, id: &str) -> bool {
    let built = |action: &Action| action.revision.as_ref().is_some_and(|at| at.sha1.eq_ignore_ascii_case(id));
    build.actions.iter().flatten().any(built)
}

fn commit(change: &Change) -> Commit {
    let author = change.author.as_ref().map_or("", |author| &author.name);
    Commit {
        subject: redact::outside("subject", change.msg.lines().next().unwrap_or_default()),
        author: redact::outside("author", author),
        at: Timestamp::from_millisecond(change.timestamp).ok().filter(|_| change.timestamp > 0),
        ..Commit::bare(&change.commit)
    }
}
