//! Branches, tags and commits.
//!
//! What holds: forty hexadecimal digits are a commit's id and nothing else, whatever a branch is called; a name that a branch
//! and a tag have is refused until it is written in full; what could be the beginning of a commit's id is one only where no
//! branch or tag is called so, as GitHub has it; annotated tags are peeled; a commit that is on no branch that is known is
//! told as that, since it may be a fork's.

use operations::pipeline::{Commit, RefKind, Resolved};
use operations::text::Outside;

use super::GitHub;
use super::call::{asked, failure, sent};
use super::wire;
use crate::http::api::{Called, Failure, Refused};
use crate::pipelines::text::web;
use crate::redact;

/// A tag can point to a tag; so many are followed.
const PEELED: usize = 5;

/// The shortest beginning of a commit's id that is looked up, as Git's own abbreviations.
const SHORTEST: usize = 7;

/// What a name was found to be.
pub(super) enum Named {
    /// A branch and the id of its commit.
    Branch { name: String, sha: String },
    /// A tag and what it points to.
    Tag { name: String, object: wire::Object },
    /// A commit's id, or the beginning of one.
    Commit(String),
}

/// Whether Git takes it as the name of a branch or tag (git-check-ref-format), so that a path or query can't be in it.
pub(super) fn is_reference(name: &str) -> bool {
    let is_bad = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    !name.is_empty()
        && name.len() <= 250
        && !name.chars().any(is_bad)
        && !name.contains("..")
        && !name.contains("@{")
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
        && !name.ends_with('.')
        && !name.starts_with('-')
}

/// Whether it is a commit's full id.
pub(super) fn is_full(sha: &str) -> bool {
    sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Refuses what is no full id of a commit.
pub(super) fn full(sha: &str) -> Called<&str> {
    if is_full(sha) { Ok(sha) } else { Err(Failure::refused(Refused::Malformed, "that is no full id of a commit")) }
}

impl GitHub {
    /// What a reference stands for now.
    pub(super) async fn resolved(&self, reference: Option<&str>) -> Called<Resolved> {
        let default = self.default().await?;
        let reference = reference.filter(|it| !it.is_empty()).unwrap_or(&default);
        let (sha, kind) = match self.named(reference).await? {
            Named::Branch { name, sha } => {
                let bare = default.strip_prefix("refs/heads/").unwrap_or(&default);
                (sha, if name == bare { RefKind::DefaultBranch } else { RefKind::Branch })
            }
            Named::Tag { object, .. } => (self.peeled(object).await?, RefKind::Tag),
            Named::Commit(id) => (id, RefKind::Commit),
        };
        let commit = self.commit(&sha).await?.ok_or_else(|| no_such(reference))?;
        let kind = match kind {
            RefKind::Commit if !self.is_on_a_branch(&sha, &default).await? => RefKind::Unmerged,
            kind => kind,
        };
        Ok(Resolved { commit, kind })
    }

    /// What is deployed where nothing is said.
    pub(super) async fn default(&self) -> Called<String> {
        match &self.default_ref {
            Some(reference) => Ok(reference.clone()),
            None => Ok(sent(self.get(&[])).await?.json::<wire::Repository>()?.default_branch),
        }
    }

    /// What a name is: never two things at once.
    pub(super) async fn named(&self, reference: &str) -> Called<Named> {
        if !is_reference(reference) {
            return Err(Failure::refused(Refused::Malformed, "that is no name of a branch or tag and no commit"));
        }
        if is_full(reference) {
            return Ok(Named::Commit(reference.to_ascii_lowercase()));
        }
        if let Some(name) = reference.strip_prefix("refs/heads/") {
            let object = self.object("heads", name).await?.ok_or_else(|| no_such(reference))?;
            return Ok(Named::Branch { name: name.to_owned(), sha: object.sha });
        }
        if let Some(name) = reference.strip_prefix("refs/tags/") {
            let object = self.object("tags", name).await?.ok_or_else(|| no_such(reference))?;
            return Ok(Named::Tag { name: name.to_owned(), object });
        }
        let (branch, tag) = (self.object("heads", reference).await?, self.object("tags", reference).await?);
        let name = reference.to_owned();
        match (branch, tag) {
            (Some(_), Some(_)) => Err(ambiguous(reference)),
            (Some(branch), None) => Ok(Named::Branch { name, sha: branch.sha }),
            (None, Some(object)) => Ok(Named::Tag { name, object }),
            (None, None) if is_beginning(reference) => {
                self.beginning(reference).await?.map(Named::Commit).ok_or_else(|| no_such(reference))
            }
            (None, None) => Err(no_such(reference)),
        }
    }

    /// Whether a commit is known to be on a branch of this repository: on the default one, or the newest of another.
    /// GitHub keeps the commits of a repository and its forks together and tells a fork's under the repository's own name, so
    /// that one is there says nothing about who pushed it.
    async fn is_on_a_branch(&self, sha: &str, default: &str) -> Called<bool> {
        let head = match self.named(default).await? {
            Named::Branch { sha, .. } | Named::Commit(sha) => sha,
            Named::Tag { object, .. } => self.peeled(object).await?,
        };
        // How the two stand is told on each page, and the files, which can be long, on the first alone.
        let compared = self.get(&["compare", &format!("{head}...{sha}")]).query(&[("per_page", "1"), ("page", "2")]);
        let reply = asked(compared).await?;
        match reply.status {
            200..=299 if matches!(reply.json::<wire::Stands>()?.status.as_str(), "identical" | "behind") => {
                return Ok(true);
            }
            // 404 is also "No common ancestor".
            200..=299 | 404 | 422 => {}
            _ => return Err(failure(&reply)),
        }
        let reply = asked(self.get(&["commits", sha, "branches-where-head"])).await?;
        match reply.status {
            200..=299 => Ok(!reply.json::<Vec<serde::de::IgnoredAny>>()?.is_empty()),
            404 | 409 | 422 => Ok(false),
            _ => Err(failure(&reply)),
        }
    }

    /// What a branch (`heads`) or tag (`tags`) points to.
    async fn object(&self, folder: &str, name: &str) -> Called<Option<wire::Object>> {
        let mut path = vec!["git", "ref", folder];
        path.extend(name.split('/'));
        let reply = asked(self.get(&path)).await?;
        match reply.status {
            404 => Ok(None),
            200..=299 => Ok(Some(reply.json::<wire::Reference>()?.object)),
            _ => Err(failure(&reply)),
        }
    }

    /// The full id of the one commit whose id begins so.
    async fn beginning(&self, short: &str) -> Called<Option<String>> {
        let found = self.read_commit(short).await?.map(|commit| commit.sha.to_ascii_lowercase());
        // A branch that was made meanwhile is found first, but its commit is another.
        Ok(found.filter(|sha| is_full(sha) && sha.starts_with(&short.to_ascii_lowercase())))
    }

    /// The commit that a tag's object leads to.
    pub(super) async fn peeled(&self, mut object: wire::Object) -> Called<String> {
        for _ in 0..PEELED {
            match object.kind.as_str() {
                "commit" => return Ok(object.sha),
                "tag" => {
                    full(&object.sha)?;
                    object = sent(self.get(&["git", "tags", &object.sha])).await?.json::<wire::Reference>()?.object;
                }
                _ => break,
            }
        }
        Err(Failure::refused(Refused::Malformed, "the tag does not point to a commit"))
    }

    /// A commit by its full id; none where there is none.
    pub(super) async fn commit(&self, sha: &str) -> Called<Option<Commit>> {
        let found = self.read_commit(full(sha)?).await?;
        // GitHub looks for branches first, and one can be called like a commit.
        Ok(found.filter(|commit| commit.sha.eq_ignore_ascii_case(sha)).map(|commit| told(&commit)))
    }

    async fn read_commit(&self, name: &str) -> Called<Option<wire::Commit>> {
        let reply = asked(self.get(&["commits", name])).await?;
        match reply.status {
            // 422 is "No commit found for SHA", 409 an empty repository.
            404 | 409 | 422 => Ok(None),
            200..=299 => Ok(Some(reply.json()?)),
            _ => Err(failure(&reply)),
        }
    }
}

/// A commit in Muster's terms.
pub(super) fn told(commit: &wire::Commit) -> Commit {
    let author = commit.commit.author.as_ref().map_or("", |author| author.name.as_str());
    let signed = commit.commit.committer.as_ref().or(commit.commit.author.as_ref());
    Commit {
        id: Outside::new(&commit.sha),
        subject: redact::outside("message", commit.commit.message.lines().next().unwrap_or_default()).short(200),
        author: redact::outside("author", author).short(100),
        at: signed.and_then(|signed| signed.date.as_deref()).and_then(|date| date.parse().ok()),
        url: web(&commit.html_url),
    }
}

fn is_beginning(name: &str) -> bool {
    name.len() >= SHORTEST && name.len() < 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn no_such(reference: &str) -> Failure {
    let shown = Outside::new(reference).short(80);
    Failure::refused(Refused::NotFound, format!("there is no branch, tag or commit {}", shown.as_str()))
}

fn ambiguous(reference: &str) -> Failure {
    let shown = Outside::new(reference).short(80);
    let words = format!("{0} is a branch and a tag: write refs/heads/{0} or refs/tags/{0}", shown.as_str());
    Failure::refused(Refused::Malformed, words)
}
