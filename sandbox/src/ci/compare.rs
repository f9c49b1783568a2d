//! What lies between two commits.
//!
//! As docs.github.com describes "Compare two commits": oldest first; without a page the newest 250; with one, pages of at
//! most 100, and the files (at most 300) on the first alone.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::calls::links;
use super::git::named;
use super::model::{Commit, Repository};
use super::payload;
use super::refusal::{Answer, Answered};
use super::rest::Call;
use super::state::State;

/// So many commits are told without paging.
const UNPAGED: usize = 250;

/// So many files are told at all.
const FILES: usize = 300;

pub(super) fn call(state: &State, call: &Call) -> Answered {
    let repository = state.find(&call.route.repository()).ok_or_else(Answer::not_found)?;
    let (base, head) = call.route.place(2).split_once("...").ok_or_else(Answer::not_found)?;
    let base = named(repository, base).ok_or_else(Answer::not_found)?;
    let head = named(repository, head).ok_or_else(Answer::not_found)?;
    let (below_base, below_head) = (reachable(repository, &base.sha), reachable(repository, &head.sha));
    let missing = |from: &HashSet<&str>, to: &HashSet<&str>| -> Vec<&Commit> {
        let all = repository.commits.iter();
        all.filter(|it| from.contains(it.sha.as_str()) && !to.contains(it.sha.as_str())).collect()
    };
    // Commits are kept in the order in which they were made, which is the order of their dates.
    let ahead = missing(&below_head, &below_base);
    let behind = missing(&below_base, &below_head);
    let status = match (ahead.is_empty(), behind.is_empty()) {
        (true, true) => "identical",
        (false, true) => "ahead",
        (true, false) => "behind",
        (false, false) => "diverged",
    };
    let common = repository
        .commits
        .iter()
        .rev()
        .find(|it| below_base.contains(it.sha.as_str()) && below_head.contains(it.sha.as_str()));
    let Some(common) = common else {
        return Err(Answer::refusal(404, "No common ancestor between the two commits."));
    };
    let number = |name: &str| call.query(name).and_then(|value| value.parse::<usize>().ok());
    let is_paged = number("per_page").is_some() || number("page").is_some();
    let size = number("per_page").unwrap_or(30).clamp(1, 100);
    let page = number("page").unwrap_or(1).max(1);
    let last = ahead.len().div_ceil(size).max(1);
    let told: Vec<&&Commit> = if is_paged {
        ahead.iter().skip((page - 1) * size).take(size).collect()
    } else {
        ahead.iter().skip(ahead.len().saturating_sub(UNPAGED)).collect()
    };
    let mut body = json!({
        "url": format!("{}/compare/{}...{}", repository.api, base.sha, head.sha),
        "html_url": format!("{}/compare/{}...{}", repository.html, base.sha, head.sha),
        "base_commit": payload::commit(repository, base), "merge_base_commit": payload::commit(repository, common),
        "status": status, "ahead_by": ahead.len(), "behind_by": behind.len(), "total_commits": ahead.len(),
        "commits": told.iter().map(|it| payload::commit(repository, it)).collect::<Vec<_>>(),
    });
    if !is_paged || page == 1 {
        let files: usize = ahead.iter().map(|it| usize::try_from(it.files).unwrap_or(0)).sum();
        let files: Vec<Value> = (0..files.min(FILES)).map(|at| json!({"filename": format!("file-{at}")})).collect();
        body["files"] = Value::Array(files);
    }
    let answer = Answer::json(200, body);
    Ok(match links(state, call, page, last).filter(|_| is_paged) {
        Some(links) => answer.header("link", links),
        None => answer,
    })
}

/// The ids of a commit and everything below it.
fn reachable<'r>(repository: &'r Repository, sha: &str) -> HashSet<&'r str> {
    let mut found = HashSet::new();
    let mut open: Vec<&str> = repository.commit(sha).map(|it| it.sha.as_str()).into_iter().collect();
    while let Some(sha) = open.pop() {
        if !found.insert(sha) {
            continue;
        }
        if let Some(commit) = repository.commit(sha) {
            open.extend(commit.parents.iter().map(String::as_str));
        }
    }
    found
}
