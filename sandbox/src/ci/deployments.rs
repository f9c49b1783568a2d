//! Deployments and their statuses.

use serde_json::{Value, json};

use super::calls::paged;
use super::git::named;
use super::model::{Deployment, Repository};
use super::payload;
use super::refusal::{Answer, Answered};
use super::rest::Call;
use super::state::State;

/// The states that a deployment can have.
const STATES: [&str; 7] = ["error", "failure", "inactive", "in_progress", "queued", "pending", "success"];

/// The longest description (docs.github.com, "Create a deployment status").
const DESCRIPTION: usize = 140;

pub(super) fn call(state: &mut State, call: &Call) -> Answered {
    let name = call.route.repository();
    let (verb, _) = call.route.name.split_once(' ').unwrap_or_default();
    let is_statuses = call.route.name.ends_with("/statuses");
    match (verb, call.route.places.len(), is_statuses) {
        ("GET", 2, _) => list(state, call),
        (_, 2, _) => create(state, call, &name),
        (verb, _, is_statuses) => {
            let id: u64 = call.route.place(2).parse().map_err(|_| Answer::not_found())?;
            let repository = state.find(&name).ok_or_else(Answer::not_found)?;
            let found = repository.deployments.iter().find(|it| it.id == id).ok_or_else(Answer::not_found)?;
            match (verb, is_statuses) {
                ("GET", true) => {
                    let all: Vec<Value> = found.statuses.iter().rev().cloned().collect();
                    Ok(paged(state, call, &all, Value::Array))
                }
                ("GET", false) => Ok(Answer::json(200, found.body.clone())),
                _ => add_status(state, call, &name, id),
            }
        }
    }
}

/// The newest first, filtered.
fn list(state: &State, call: &Call) -> Answered {
    let repository = state.find(&call.route.repository()).ok_or_else(Answer::not_found)?;
    let fits = |it: &&Deployment| {
        let is = |name: &str, own: &str| call.query(name).is_none_or(|asked| asked == own);
        is("sha", &it.sha) && is("ref", &it.reference) && is("environment", &it.environment) && is("task", &it.task)
    };
    let all: Vec<Value> = repository.deployments.iter().rev().filter(fits).map(|it| it.body.clone()).collect();
    Ok(paged(state, call, &all, Value::Array))
}

fn create(state: &mut State, call: &Call, name: &str) -> Answered {
    let body = &call.body;
    let known = [
        "ref",
        "task",
        "auto_merge",
        "required_contexts",
        "payload",
        "environment",
        "description",
        "transient_environment",
        "production_environment",
    ];
    note_unknown(state, call, &known);
    let repository = state.find(name).ok_or_else(Answer::not_found)?;
    let Some(reference) = body["ref"].as_str() else {
        return Err(Answer::malformed(422, "Invalid request.\n\n\"ref\" wasn't supplied."));
    };
    let Some(commit) = named(repository, reference) else {
        return Err(Answer::refusal(422, &format!("No ref found for: {reference}")));
    };
    let sha = commit.sha.clone();
    too_long(body)?;
    if body["auto_merge"] != Value::Bool(false) && is_behind(repository, &sha) {
        // GitHub merges the default branch into it and deploys nothing.
        let words = format!("Auto-merged {} into {reference} on deployment.", repository.default_branch);
        return Err(Answer { malformed: true, ..Answer::json(202, json!({"message": words})) });
    }
    let unmet = unmet(repository, &sha, &body["required_contexts"]);
    if !unmet.is_empty() {
        let mut answer = Answer::refusal(409, "Conflict: Commit status checks failed for the ref.");
        answer.body["errors"] =
            json!([{"contexts": unmet, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}]);
        return Err(answer);
    }
    let text = |field: &str, other: &str| body[field].as_str().unwrap_or(other).to_owned();
    let (environment, task) = (text("environment", "production"), text("task", "deploy"));
    let (id, now) = (state.id(), state.now);
    let login = state.login.clone();
    let repository = state.find_mut(name).ok_or_else(Answer::not_found)?;
    let url = format!("{}/deployments/{id}", repository.api);
    let made = json!({
        "id": id, "node_id": "DE", "url": url, "sha": sha, "ref": reference, "task": task, "environment": environment,
        "original_environment": environment, "description": text("description", ""),
        "payload": if body["payload"].is_null() { json!({}) } else { body["payload"].clone() },
        "creator": {"login": login}, "created_at": now.to_string(), "updated_at": now.to_string(),
        "statuses_url": format!("{url}/statuses"), "repository_url": repository.api,
        "production_environment": body["production_environment"].as_bool().unwrap_or(environment == "production"),
        "transient_environment": body["transient_environment"].as_bool().unwrap_or(false),
    });
    repository.deployments.push(Deployment {
        id,
        body: made.clone(),
        sha,
        reference: reference.to_owned(),
        environment,
        task,
        statuses: Vec::new(),
    });
    let told = json!({"action": "created", "deployment": made, "repository": payload::repository(repository)});
    repository.told.push(("deployment", told));
    Ok(Answer::json(201, made))
}

fn add_status(state: &mut State, call: &Call, name: &str, id: u64) -> Answered {
    let body = &call.body;
    let known = ["state", "target_url", "log_url", "description", "environment", "environment_url", "auto_inactive"];
    note_unknown(state, call, &known);
    let Some(stands) = body["state"].as_str().filter(|it| STATES.contains(it)) else {
        return Err(Answer::invalid("DeploymentStatus", "state", "invalid"));
    };
    too_long(body)?;
    let (status, now) = (state.id(), state.now);
    let repository = state.find_mut(name).ok_or_else(Answer::not_found)?;
    let repository_body = payload::repository(repository);
    let api = repository.api.clone();
    let found = repository.deployments.iter_mut().find(|it| it.id == id).ok_or_else(Answer::not_found)?;
    let made = json!({
        "id": status, "url": format!("{api}/deployments/{id}/statuses/{status}"), "state": stands,
        "description": body["description"].as_str().unwrap_or_default(), "log_url": body["log_url"].as_str().unwrap_or_default(),
        "environment_url": body["environment_url"].as_str().unwrap_or_default(), "environment": found.environment,
        "deployment_url": format!("{api}/deployments/{id}"), "created_at": now.to_string(), "updated_at": now.to_string(),
    });
    found.statuses.push(made.clone());
    let (deployment, environment) = (found.body.clone(), found.environment.clone());
    if stands == "success" && body["auto_inactive"] != Value::Bool(false) {
        for other in repository.deployments.iter_mut().filter(|it| it.id < id && it.environment == environment) {
            let is_active = other.statuses.last().is_some_and(|last| last["state"] == "success");
            if is_active && other.body["production_environment"] != Value::Bool(true) {
                let mut inactive = made.clone();
                inactive["state"] = json!("inactive");
                other.statuses.push(inactive);
            }
        }
    }
    let told = json!({"action": "created", "deployment_status": made, "deployment": deployment, "repository": repository_body});
    repository.told.push(("deployment_status", told));
    Ok(Answer::json(201, made))
}

fn note_unknown(state: &mut State, call: &Call, known: &[&str]) {
    for key in call.body.as_object().into_iter().flat_map(|body| body.keys()) {
        if !known.contains(&key.as_str()) {
            state.unexpected.push(format!("{}: a field {key}", call.route.name));
        }
    }
}

fn too_long(body: &Value) -> Result<(), Answer> {
    let longest = body["description"].as_str().unwrap_or_default().chars().count();
    if longest > DESCRIPTION { Err(Answer::invalid("DeploymentStatus", "description", "custom")) } else { Ok(()) }
}

/// Whether the default branch has commits that are not below this one.
fn is_behind(repository: &Repository, sha: &str) -> bool {
    let head = repository.branches.get(&repository.default_branch);
    head.is_some_and(|head| {
        let mut open = vec![sha];
        while let Some(sha) = open.pop() {
            if sha == head {
                return false;
            }
            open.extend(repository.commit(sha).into_iter().flat_map(|it| it.parents.iter().map(String::as_str)));
        }
        true
    })
}

/// The contexts that are asked for and have not succeeded; without a list all that the commit has.
fn unmet(repository: &Repository, sha: &str, required: &Value) -> Vec<String> {
    let of_commit: Vec<_> = repository.statuses.iter().filter(|it| it.sha == sha).collect();
    let latest = |name: &str| of_commit.iter().rev().find(|it| it.name == name).map(|it| it.status.as_str());
    let asked: Vec<String> = match required.as_array() {
        Some(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => of_commit.iter().map(|it| it.name.clone()).collect(),
    };
    asked.into_iter().filter(|name| latest(name) != Some("success")).collect()
}
