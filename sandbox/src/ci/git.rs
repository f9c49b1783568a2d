//! The repository itself, its branches, tags and commits.

use serde_json::{Value, json};

use super::calls::paged;
use super::model::{Commit, Repository};
use super::payload;
use super::refusal::{Answer, Answered};
use super::rest::Call;
use super::state::State;

pub(super) fn call(state: &State, call: &Call) -> Answered {
    let repository = state.find(&call.route.repository()).ok_or_else(Answer::not_found)?;
    let path = call.route.name.strip_prefix("GET /repos/{owner}/{repo}").unwrap_or_default();
    match path {
        "" => Ok(Answer::json(200, payload::repository(repository))),
        "/branches" => {
            let all: Vec<Value> = repository.branches.iter().map(|(name, sha)| branch(repository, name, sha)).collect();
            Ok(paged(state, call, &all, Value::Array))
        }
        "/branches/{branch}" => {
            let name = call.route.place(2);
            let sha = repository.branches.get(name).ok_or_else(|| Answer::refusal(404, "Branch not found"))?;
            Ok(Answer::json(200, branch(repository, name, sha)))
        }
        "/git/ref/{ref}" => reference(repository, call.route.place(2)),
        "/git/tags/{tag_sha}" => tag(repository, call.route.place(2)),
        "/commits/{commit_sha}/branches-where-head" => heads(repository, call.route.place(2)),
        "/commits/{ref}" => commit(repository, call.route.place(2)),
        _ => Err(Answer::not_found()),
    }
}

fn branch(repository: &Repository, name: &str, sha: &str) -> Value {
    json!({"name": name, "commit": {"sha": sha, "url": format!("{}/commits/{sha}", repository.api)}, "protected": false})
}

/// The branches that stand at a commit.
fn heads(repository: &Repository, sha: &str) -> Answered {
    repository.commit(sha).ok_or_else(|| Answer::refusal(422, &format!("No commit found for SHA: {sha}")))?;
    let heads = repository.branches.iter().filter(|(_, at)| *at == sha);
    let heads: Vec<Value> =
        heads.map(|(name, _)| json!({"name": name, "commit": {"sha": sha}, "protected": false})).collect();
    Ok(Answer::json(200, Value::Array(heads)))
}

/// One reference, by its exact name.
fn reference(repository: &Repository, name: &str) -> Answered {
    let sha = match name.split_once('/') {
        Some(("heads", branch)) => repository.branches.get(branch),
        Some(("tags", tag)) => repository.tags.get(tag),
        _ => None,
    };
    let sha = sha.ok_or_else(Answer::not_found)?;
    let kind = if repository.tag_objects.iter().any(|it| it.sha == *sha) { "tag" } else { "commit" };
    let folder = if kind == "tag" { "tags" } else { "commits" };
    Ok(Answer::json(
        200,
        json!({
            "ref": format!("refs/{name}"), "node_id": "REF", "url": format!("{}/git/refs/{name}", repository.api),
            "object": {"type": kind, "sha": sha, "url": format!("{}/git/{folder}/{sha}", repository.api)},
        }),
    ))
}

/// An annotated tag's own object.
fn tag(repository: &Repository, sha: &str) -> Answered {
    let found = repository.tag_objects.iter().find(|it| it.sha == sha).ok_or_else(Answer::not_found)?;
    let (kind, object) = &found.object;
    Ok(Answer::json(
        200,
        json!({
            "node_id": "TAG", "tag": found.name, "sha": found.sha, "message": "",
            "object": {"type": kind, "sha": object, "url": format!("{}/git/{kind}s/{object}", repository.api)},
        }),
    ))
}

/// A commit by whatever names it: a branch or tag first, then an id or the beginning of one.
pub(super) fn named<'r>(repository: &'r Repository, name: &str) -> Option<&'r Commit> {
    let bare = name.strip_prefix("refs/").unwrap_or(name);
    let branch = bare.strip_prefix("heads/").or_else(|| repository.branches.get(bare).map(|_| bare));
    if let Some(sha) = branch.and_then(|branch| repository.branches.get(branch)) {
        return repository.commit(sha);
    }
    let tag = bare.strip_prefix("tags/").or_else(|| repository.tags.get(bare).map(|_| bare));
    if let Some(commit) = tag.and_then(|tag| repository.peeled(tag)) {
        return Some(commit);
    }
    let is_hash = name.len() >= 4 && name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut found = repository.commits.iter().filter(|it| is_hash && it.sha.starts_with(&name.to_ascii_lowercase()));
    match (found.next(), found.next()) {
        (Some(commit), None) => Some(commit),
        _ => None,
    }
}

fn commit(repository: &Repository, name: &str) -> Answered {
    if repository.commits.is_empty() {
        return Err(Answer::refusal(409, "Git Repository is empty."));
    }
    match named(repository, name) {
        Some(commit) => Ok(Answer::json(200, payload::commit(repository, commit))),
        None => Err(Answer::refusal(422, &format!("No commit found for SHA: {name}"))),
    }
}
