//! What lies between two commits, and the pull requests that brought it.
//!
//! "Compare two commits" tells commits oldest first, in pages, and the files (300 at most) on the first alone. Pull
//! requests are asked for by commit: `merge_commit_sha` went with version 2026-03-10.

use std::collections::BTreeSet;

use operations::pipeline::{Changes, Pull};
use operations::text::Outside;
use serde::Deserialize;

use super::GitHub;
use super::call::sent;
use super::refs::{full, told};
use super::wire;
use crate::http::api::Called;
use crate::pipelines::text::web;
use crate::redact;

/// So many commits are on a page.
const PAGE: usize = 100;

/// So many pages are read at most: the first, and the newest.
const PAGES: usize = 10;

/// So many files are told at most; if there are so many, there may be more.
const FILES: usize = 300;

#[derive(Deserialize)]
struct Compared {
    ahead_by: u32,
    behind_by: u32,
    #[serde(default)]
    total_commits: usize,
    #[serde(default)]
    html_url: String,
    commits: Vec<wire::Commit>,
    #[serde(default)]
    files: Option<Vec<serde::de::IgnoredAny>>,
}

#[derive(Deserialize)]
struct PullRequest {
    number: u64,
    #[serde(default)]
    title: String,
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    merged_at: Option<String>,
}

impl GitHub {
    /// What comes when `to` replaces `from`.
    pub(super) async fn between(&self, from: &str, to: &str) -> Called<Changes> {
        let basehead = format!("{}...{}", full(from)?, full(to)?);
        let first = self.page(&basehead, 1).await?;
        let last = first.total_commits.div_ceil(PAGE);
        let mut commits: Vec<wire::Commit> = first.commits;
        for page in last.saturating_sub(PAGES - 2).max(2)..=last {
            commits.extend(self.page(&basehead, page).await?.commits);
        }
        let newest: Vec<_> = commits.iter().rev().take(Changes::LISTED).map(told).collect();
        let mut authors: Vec<Outside> = Vec::new();
        for author in commits.iter().rev().map(|commit| told(commit).author) {
            if !author.is_empty() && !authors.contains(&author) {
                authors.push(author);
            }
        }
        let files = first.files.map(|files| files.len()).filter(|files| *files < FILES);
        Ok(Changes {
            ahead: first.ahead_by,
            behind: first.behind_by,
            pulls: self.pulls(&commits).await,
            commits: newest,
            authors,
            files: files.and_then(|files| u32::try_from(files).ok()),
            url: web(&first.html_url),
        })
    }

    async fn page(&self, basehead: &str, page: usize) -> Called<Compared> {
        let (size, page) = (PAGE.to_string(), page.to_string());
        sent(self.get(&["compare", basehead]).query(&[("per_page", &size), ("page", &page)])).await?.json()
    }

    /// The merged pull requests of the newest commits. One that can't be read is left out: the commits say what comes.
    async fn pulls(&self, commits: &[wire::Commit]) -> Vec<Pull> {
        let mut pulls = Vec::new();
        let mut seen = BTreeSet::new();
        for commit in commits.iter().rev().take(Changes::LISTED) {
            let Ok(found) = self.pulls_of(&commit.sha).await else { break };
            for pull in found {
                if pull.merged_at.is_some() && seen.insert(pull.number) {
                    let title = redact::outside("title", &pull.title).short(200);
                    pulls.push(Pull { number: pull.number, title, url: web(&pull.html_url) });
                }
            }
        }
        pulls.truncate(Changes::LISTED);
        pulls
    }

    async fn pulls_of(&self, sha: &str) -> Called<Vec<PullRequest>> {
        sent(self.get(&["commits", full(sha)?, "pulls"]).query(&[("per_page", "30")])).await?.json()
    }
}
