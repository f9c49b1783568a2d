//! Branches, tags and commits of a project (docs.gitlab.com/api/branches, /tags, /commits).
//!
//! What holds: a name that is both a branch and a tag is not guessed at; a commit is one only if the answer is
//! about that very id, because GitLab takes a branch's name where it says commit.

use futures_util::stream::{self, StreamExt};
use operations::pipeline::{Changes, Checks, Commit, Pull, RefKind, Resolved};
use operations::text::Outside;

use super::start::short;
use super::wire::{Holds, MergeRequest, Named, Project, Status, WireCommit};
use super::{GitLab, refusal};
use crate::pipelines::{Called, Failure, Refused, text};
use crate::redact;

/// So many branches and tags that hold a commit are looked at, whether one stands at it.
const LOOKED_AT: usize = 20;

/// So many calls are under way at once.
const AT_ONCE: usize = 4;

impl GitLab {
    pub(super) async fn resolved(&self, reference: Option<&str>) -> Called<Resolved> {
        let Some(reference) = reference else {
            let project = self.project().await?;
            let none = || Failure::refused(Refused::NotFound, "GitLab: the project has no default branch");
            let name = project.default_branch.ok_or_else(none)?;
            let branch = self.branch(&name).await?.ok_or_else(|| not_found(&name))?;
            return Ok(Resolved { commit: branch.commit.commit(), kind: RefKind::DefaultBranch });
        };
        // A whole hash is a commit even where a branch is called so: Git itself sees it that way.
        if text::is_full_hash(reference)
            && let Some(commit) = self.commit(reference).await?
        {
            return Ok(Resolved { commit: commit.commit(), kind: RefKind::Commit });
        }
        let (branch, tag) = self.branch_and_tag(reference).await?;
        match (branch, tag) {
            (Some(_), Some(_)) => {
                let why = "GitLab: there are both a branch and a tag of that name; \
                           write refs/heads/… or refs/tags/… to say which";
                Err(Failure::refused(Refused::Malformed, why))
            }
            (Some(branch), None) => {
                let kind = if branch.default { RefKind::DefaultBranch } else { RefKind::Branch };
                Ok(Resolved { commit: branch.commit.commit(), kind })
            }
            (None, Some(tag)) => Ok(Resolved { commit: tag.commit.commit(), kind: RefKind::Tag }),
            (None, None) if text::is_hash(reference) && !text::is_full_hash(reference) => {
                let commit = self.commit(reference).await?.ok_or_else(|| not_found(reference))?;
                Ok(Resolved { commit: commit.commit(), kind: RefKind::Commit })
            }
            (None, None) => Err(not_found(reference)),
        }
    }

    /// The full name of a branch or tag that stands at `commit` now: `reference` if it does, else any.
    pub(super) async fn ref_at(&self, reference: &str, commit: &str) -> Called<String> {
        if !text::is_full_hash(commit) {
            let why = "GitLab: what was planned is not a commit's whole id";
            return Err(Failure::refused(Refused::Malformed, why));
        }
        let stands = |named: &Named| named.commit.id.eq_ignore_ascii_case(commit);
        let (branch, tag) = self.branch_and_tag(reference).await?;
        let bare = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/tags/"));
        let bare = bare.unwrap_or(reference);
        if tag.as_ref().is_some_and(stands) {
            return Ok(format!("refs/tags/{bare}"));
        }
        if branch.as_ref().is_some_and(stands) {
            return Ok(format!("refs/heads/{bare}"));
        }
        for (kind, begins) in [("tag", "refs/tags/"), ("branch", "refs/heads/")] {
            let path = ["repository", "commits", commit, "refs"];
            let (holding, _) = self.page::<Holds>(&path, &[("type", kind)], "1").await?;
            for held in holding.iter().take(LOOKED_AT) {
                let named = if kind == "tag" { self.tag(&held.name).await? } else { self.branch(&held.name).await? };
                if named.as_ref().is_some_and(stands) {
                    return Ok(format!("{begins}{}", held.name));
                }
            }
        }
        let moved = match branch.or(tag) {
            Some(named) => format!("; what was asked for stands at {} now", short(&named.commit.id)),
            None => String::new(),
        };
        let why = format!(
            "GitLab runs pipelines on branches and tags only, and none stands at the commit {}{moved}. \
             Tag that commit, or deploy what the branch holds now",
            short(commit)
        );
        Err(Failure::refused(Refused::Conflict, why))
    }

    async fn branch_and_tag(&self, reference: &str) -> Called<(Option<Named>, Option<Named>)> {
        if let Some(name) = reference.strip_prefix("refs/heads/") {
            return Ok((self.branch(name).await?, None));
        }
        if let Some(name) = reference.strip_prefix("refs/tags/") {
            return Ok((None, self.tag(name).await?));
        }
        Ok((self.branch(reference).await?, self.tag(reference).await?))
    }

    async fn project(&self) -> Called<Project> {
        self.done(self.get(&[])).await?.json()
    }

    async fn branch(&self, name: &str) -> Called<Option<Named>> {
        self.optional(&["repository", "branches", name]).await
    }

    async fn tag(&self, name: &str) -> Called<Option<Named>> {
        self.optional(&["repository", "tags", name]).await
    }

    /// The commit with this id, or of which this is the id's beginning.
    async fn commit(&self, id: &str) -> Called<Option<WireCommit>> {
        let found: Option<WireCommit> = self.optional(&["repository", "commits", id]).await?;
        let begins = |commit: &WireCommit| {
            text::is_full_hash(&commit.id) && commit.id.to_lowercase().starts_with(&id.to_lowercase())
        };
        Ok(found.filter(begins))
    }

    /// What stands there, if there is such a thing. That the whole project is not there (or may not be seen) is a
    /// failure. A name that can be none is answered with 400.
    async fn optional<T: serde::de::DeserializeOwned>(&self, path: &[&str]) -> Called<Option<T>> {
        let reply = self.get(path).exchange().await?;
        match reply.status {
            200..=299 => reply.json().map(Some),
            400 => Ok(None),
            404 if !reply.said().contains("Project") => Ok(None),
            _ => Err(refusal(&reply)),
        }
    }

    pub(super) async fn between(&self, from: &str, to: &str) -> Called<Changes> {
        for id in [from, to] {
            if !text::is_full_hash(id) || self.commit(id).await?.is_none() {
                return Err(not_found(id));
            }
        }
        // A range of commits is paged and comes without the files, which can be larger than any answer that is read.
        let coming = self.range(from, to).await?;
        let going = self.range(to, from).await?;
        let mut authors: Vec<Outside> = Vec::new();
        for commit in &coming {
            let author = redact::outside("author", &commit.author_name);
            if !author.is_empty() && !authors.contains(&author) {
                authors.push(author);
            }
        }
        let commits: Vec<Commit> = coming.iter().take(Changes::LISTED).map(WireCommit::commit).collect();
        let pulls = self.merge_requests(&coming).await?;
        let web = text::web(&self.project().await?.web_url);
        Ok(Changes {
            ahead: count(coming.len()),
            behind: count(going.len()),
            commits,
            authors,
            pulls,
            files: None,
            url: web.map(|web| format!("{}/-/compare/{from}...{to}", web.trim_end_matches('/'))),
        })
    }

    /// The commits of `to` that `from` has not, the newest first, up to a thousand.
    async fn range(&self, from: &str, to: &str) -> Called<Vec<WireCommit>> {
        self.list(&["repository", "commits"], &[("ref_name", &format!("{from}..{to}"))]).await
    }

    async fn merge_requests(&self, commits: &[WireCommit]) -> Called<Vec<Pull>> {
        let ids: Vec<String> = commits.iter().take(Changes::LISTED).map(|commit| commit.id.clone()).collect();
        let asked = stream::iter(ids.into_iter().map(|id| async move {
            let path = ["repository", "commits", id.as_str(), "merge_requests"];
            let (merged, _) = self.page::<MergeRequest>(&path, &[("state", "merged")], "1").await?;
            Called::Ok(merged)
        }));
        let answers: Vec<Called<Vec<MergeRequest>>> = asked.buffered(AT_ONCE).collect().await;
        let mut pulls: Vec<Pull> = Vec::new();
        for answer in answers {
            for request in answer? {
                if pulls.len() < Changes::LISTED && pulls.iter().all(|pull| pull.number != request.iid) {
                    let title = redact::outside("title", &request.title);
                    pulls.push(Pull { number: request.iid, title, url: text::web(&request.web_url) });
                }
            }
        }
        Ok(pulls)
    }

    pub(super) async fn statuses(&self, commit: &str) -> Called<Checks> {
        if !text::is_full_hash(commit) {
            return Err(not_found(commit));
        }
        let statuses: Vec<Status> = self.list(&["repository", "commits", commit, "statuses"], &[]).await?;
        let (mut passed, mut pending, mut failed) = (0_u32, 0_u32, Vec::new());
        for status in statuses {
            match status.status.as_str() {
                "success" => passed += 1,
                "failed" | "canceled" if !status.allow_failure => failed.push(redact::outside("name", &status.name)),
                // One that waits for a person says nothing about the commit.
                "failed" | "canceled" | "skipped" | "manual" => {}
                _ => pending += 1,
            }
        }
        if !failed.is_empty() {
            failed.truncate(5);
            return Ok(Checks::Failed(failed));
        }
        Ok(match (passed, pending) {
            (0, 0) => Checks::None,
            (_, 0) => Checks::Passed(passed),
            _ => Checks::Pending(pending),
        })
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn not_found(reference: &str) -> Failure {
    let said = Outside::new(reference).short(80);
    Failure::refused(Refused::NotFound, format!("GitLab knows no branch, tag or commit `{}`", said.as_str()))
}
