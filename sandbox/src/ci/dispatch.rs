//! `workflow_dispatch`: what is refused, and the run that comes of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Dispatch, Input, InputKind, Repository, RunDetails, Workflow};
use super::refusal::{Answer, Answered};
use super::rest::Call;
use super::script;
use super::state::State;

/// So many inputs may be sent (docs.github.com, "Create a workflow dispatch event").
const INPUTS: usize = 25;

/// So long may all inputs be together (docs.github.com, "Events that trigger workflows").
const LONGEST: usize = 65_535;

pub(super) fn dispatch(state: &mut State, call: &Call) -> Answered {
    let details = state.settings.run_details;
    permitted_keys(call, details)?;
    let repository = state.find(&call.route.repository()).ok_or_else(Answer::not_found)?;
    let (id, workflow) = repository.workflow(call.route.place(2)).cloned().ok_or_else(Answer::not_found)?;
    let Some(reference) = call.body["ref"].as_str() else {
        return Err(Answer::malformed(422, "Invalid request.\n\n\"ref\" wasn't supplied."));
    };
    let (branch, sha) = branch_or_tag(repository, reference)
        .ok_or_else(|| Answer::refusal(422, &format!("No ref found for: {reference}")))?;
    let Some(declared) = &workflow.dispatch else {
        return Err(Answer::refusal(422, "Workflow does not have 'workflow_dispatch' trigger"));
    };
    let sent = sent(&call.body["inputs"])?;
    let inputs = checked(repository, declared, &sent)?;
    let title = title(&workflow, &inputs);
    let name = repository.name.clone();
    let run = script::new_run(state, &name, (id, &workflow), "workflow_dispatch", &title, (&branch, &sha), inputs);
    state.dispatches.push(Dispatch {
        at: state.now,
        repository: name.clone(),
        workflow: workflow.file.clone(),
        reference: reference.to_owned(),
        inputs: sent,
        run,
    });
    let asked = call.body["return_run_details"] == Value::Bool(true) || call.version.as_str() >= "2026-03-10";
    let repository = state.find(&name).ok_or_else(Answer::not_found)?;
    if details != RunDetails::Told || !asked {
        return Ok(Answer::empty(204));
    }
    Ok(Answer::json(
        200,
        json!({
            "workflow_run_id": run, "run_url": format!("{}/actions/runs/{run}", repository.api),
            "html_url": format!("{}/actions/runs/{run}", repository.html),
        }),
    ))
}

/// Refuses fields that the endpoint does not know.
fn permitted_keys(call: &Call, details: RunDetails) -> Result<(), Answer> {
    let known = match details {
        RunDetails::Refused(_) => vec!["ref", "inputs"],
        RunDetails::Told | RunDetails::Ignored => vec!["ref", "inputs", "return_run_details"],
    };
    let keys = call.body.as_object().map(|body| body.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let unknown: Vec<String> =
        keys.iter().filter(|key| !known.contains(&key.as_str())).map(|key| format!("\"{key}\"")).collect();
    let words = match unknown.as_slice() {
        [] => return Ok(()),
        [one] => format!("Invalid request.\n\n{one} is not a permitted key."),
        many => format!("Invalid request.\n\n{} are not permitted keys.", many.join(", ")),
    };
    match details {
        // A client can't know that the server is old.
        RunDetails::Refused(status) if unknown == ["\"return_run_details\""] => Err(Answer::refusal(status, &words)),
        _ => Err(Answer::malformed(422, &words)),
    }
}

/// A branch or a tag, also by its full name; never a commit.
fn branch_or_tag(repository: &Repository, reference: &str) -> Option<(String, String)> {
    let (branch, tag) = match (reference.strip_prefix("refs/heads/"), reference.strip_prefix("refs/tags/")) {
        (Some(branch), _) => (Some(branch), None),
        (_, Some(tag)) => (None, Some(tag)),
        (None, None) => (Some(reference), Some(reference)),
    };
    let found = branch.and_then(|it| repository.branches.get(it).map(|sha| (it.to_owned(), sha.clone())));
    found.or_else(|| tag.and_then(|it| repository.peeled(it).map(|commit| (it.to_owned(), commit.sha.clone()))))
}

/// The inputs as they were sent: strings all of them.
fn sent(inputs: &Value) -> Result<BTreeMap<String, String>, Answer> {
    let Some(inputs) = inputs.as_object() else {
        return if inputs.is_null() {
            Ok(BTreeMap::new())
        } else {
            Err(Answer::malformed(422, "Invalid request.\n\nFor 'properties/inputs', it is not an object."))
        };
    };
    let mut sent = BTreeMap::new();
    for (name, value) in inputs {
        let Some(value) = value.as_str() else {
            let words = format!("Invalid request.\n\nFor 'properties/{name}', {value} is not a string.");
            return Err(Answer::malformed(422, &words));
        };
        sent.insert(name.clone(), value.to_owned());
    }
    if sent.len() > INPUTS {
        return Err(Answer::malformed(
            422,
            &format!("Invalid request.\n\nNo more than {INPUTS} properties are allowed; {} were supplied.", sent.len()),
        ));
    }
    if sent.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LONGEST {
        return Err(Answer::malformed(422, "inputs are too large."));
    }
    Ok(sent)
}

/// The inputs that a run has: those that were sent and the defaults of the others.
fn checked(
    repository: &Repository,
    declared: &[Input],
    sent: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Answer> {
    let unexpected: Vec<&String> =
        sent.keys().filter(|name| !declared.iter().any(|input| input.name == **name)).collect();
    if !unexpected.is_empty() {
        let names = Value::from(unexpected.iter().map(|name| name.as_str()).collect::<Vec<_>>());
        return Err(Answer::malformed(422, &format!("Unexpected inputs provided: {names}")));
    }
    let mut inputs = BTreeMap::new();
    for input in declared {
        let name = &input.name;
        let Some(value) = sent.get(name).or(input.default.as_ref()) else {
            if input.required {
                return Err(Answer::malformed(422, &format!("Required input '{name}' not provided")));
            }
            continue;
        };
        let is_allowed = match &input.kind {
            InputKind::Text => true,
            InputKind::Boolean => matches!(value.as_str(), "true" | "false"),
            InputKind::Number => value.parse::<f64>().is_ok(),
            InputKind::Choice(options) => options.contains(value),
            InputKind::Environment => repository.environments.iter().any(|it| it.name == *value),
        };
        if !is_allowed {
            let words = format!("Provided value '{value}' for input '{name}' not in the list of allowed values");
            return Err(Answer::refusal(422, &words));
        }
        inputs.insert(name.clone(), value.clone());
    }
    Ok(inputs)
}

/// What a run is called.
fn title(workflow: &Workflow, inputs: &BTreeMap<String, String>) -> String {
    match &workflow.run_name {
        Some(name) => filled(name, inputs),
        None => workflow.name.clone(),
    }
}

/// A text of a workflow's file with the inputs' values in it.
pub(super) fn filled(text: &str, inputs: &BTreeMap<String, String>) -> String {
    let mut rest = text;
    let mut filled = String::new();
    while let Some((before, behind)) = rest.split_once("${{") {
        let Some((expression, after)) = behind.split_once("}}") else { break };
        filled.push_str(before);
        let expression = expression.trim();
        let name = expression.strip_prefix("inputs.").or_else(|| expression.strip_prefix("github.event.inputs."));
        filled.push_str(name.and_then(|name| inputs.get(name)).map_or("", String::as_str));
        rest = after;
    }
    filled + rest
}
