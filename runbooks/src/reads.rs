//! What templates and expressions may read, and that it is there.

use operations::runbook::page::{Capture, What};

use crate::front::{Front, Scope};
use crate::order::Before;
use crate::places::{Findings, Place, near};
use crate::steps::Draft;
use crate::template::{self, Reads, Wrong};
use crate::uses::{Form, Use, Uses};

/// What is known of a run.
const RUN: [&str; 4] = ["id", "by", "page", "incident"];

/// What is known of the alert and the incident that a run is about.
const SUBJECT: [&str; 4] = ["id", "title", "severity", "service"];

/// What is known of a step's own output.
const OUTPUT: [&str; 5] = ["text", "status", "json", "value", "exit"];

/// Checks all of them.
pub(crate) fn check(front: &Front, drafts: &[Draft], before: &Before, uses: &Uses, found: &mut Findings<'_>) {
    for one in &uses.all {
        let read = match one.form {
            Form::Expression => template::expression(&one.text),
            Form::Template => template::template(&one.text),
        };
        if let Some(reads) = understood(read, one.at, found) {
            for name in &reads {
                step_reads(name, one, front, drafts, before, found);
            }
        }
    }
    for (at, text, scope) in &front.templates {
        let Some(reads) = understood(template::template(text), *at, found) else { continue };
        for name in &reads {
            match (name.split_once('.'), scope) {
                (Some(("inputs", input)), Scope::Inputs) => input_is(input, *at, front, found),
                (Some(("alert", what)), Scope::Alert) => alert_is(what, *at, found),
                _ => {
                    let hint = match scope {
                        Scope::Inputs => "{{ inputs.NAME }}",
                        Scope::Alert => "{{ alert.labels.NAME }}",
                    };
                    found.tell(*at, format!("{} can't be read here", name.escape_debug()), Some(hint.to_owned()));
                }
            }
        }
    }
}

fn understood(read: Result<Reads, Wrong>, at: Place, found: &mut Findings<'_>) -> Option<Reads> {
    match read {
        Ok(reads) => Some(reads),
        Err(wrong) => {
            let at = Place { line: at.line + wrong.line - 1, ..at };
            found.tell(at, format!("this can't be read: {}", wrong.what), None);
            None
        }
    }
}

fn step_reads(name: &str, one: &Use, front: &Front, drafts: &[Draft], before: &Before, found: &mut Findings<'_>) {
    let (root, rest) = name.split_once('.').unwrap_or((name, ""));
    let step = &drafts[one.step].step;
    match root {
        "inputs" => input_is(rest, one.at, front, found),
        "steps" => step_is(rest, one, drafts, before, found),
        "run" => one_of("run", rest, &RUN, one.at, found),
        "alert" => alert_is(rest, one.at, found),
        "incident" => one_of("incident", rest, &SUBJECT, one.at, found),
        "item" if step.foreach.is_some() => {}
        "item" => found.tell(one.at, "item is there in a step with foreach", None),
        "output" if one.may.output => {
            one_of("output", rest.split('.').next().unwrap_or_default(), &OUTPUT, one.at, found)
        }
        "output" => {
            found.tell(one.at, "output is what expect and until are about; of another step: steps.ID.output", None)
        }
        "secrets" if !one.may.secrets => {
            let hint = "secrets go into requests and a script's env, and nowhere else".to_owned();
            found.tell(one.at, "a secret would be seen here", Some(hint));
        }
        "secrets" if !front.secrets.iter().any(|secret| secret == rest) => {
            let hint = near(rest, front.secrets.iter().map(String::as_str));
            let hint = hint.or_else(|| Some(format!("secrets: [{rest}]")));
            found.tell(one.at, format!("the front matter names no secret {}", rest.escape_debug()), hint);
        }
        "secrets" => {}
        _ => {
            let known = ["inputs", "steps", "run", "alert", "incident", "secrets", "item", "output"];
            let hint = near(root, known).or_else(|| Some("inputs, steps, run, alert, incident, secrets".to_owned()));
            found.tell(one.at, format!("there is nothing that is called {}", root.escape_debug()), hint);
        }
    }
}

fn one_of(root: &str, rest: &str, known: &[&str], at: Place, found: &mut Findings<'_>) {
    if !known.contains(&rest) {
        let hint = near(rest, known.iter().copied()).unwrap_or_else(|| format!("it has {}", known.join(", ")));
        found.tell(at, format!("{root} has no {}", rest.escape_debug()), Some(hint));
    }
}

fn alert_is(rest: &str, at: Place, found: &mut Findings<'_>) {
    match rest.split_once('.') {
        Some(("labels" | "annotations", name)) if !name.is_empty() => {}
        _ => one_of("alert", rest, &SUBJECT, at, found),
    }
}

fn input_is(name: &str, at: Place, front: &Front, found: &mut Findings<'_>) {
    if !front.inputs.iter().any(|input| input.name == name) {
        let hint = near(name, front.inputs.iter().map(|input| input.name.as_str()));
        found.tell(at, format!("there is no input {}", name.escape_debug()), hint);
    }
}

fn step_is(rest: &str, one: &Use, drafts: &[Draft], before: &Before, found: &mut Findings<'_>) {
    let (id, what) = rest.split_once('.').unwrap_or((rest, ""));
    let Some(at) = drafts.iter().position(|draft| draft.step.id == id) else {
        let hint = near(id, drafts.iter().map(|draft| draft.step.id.as_str()));
        found.tell(one.at, format!("there is no step {}", id.escape_debug()), hint);
        return;
    };
    if !before[one.step].contains(&at) {
        let hint = Some(format!("needs={id} makes it so"));
        found.tell(one.at, format!("the step {id} may not be over by then"), hint);
        return;
    }
    let captures = drafts[at].step.capture.keys().map(String::as_str);
    let fields: &[_] = if let What::Form { fields } = &drafts[at].step.what { fields } else { &[] };
    let captures = captures.chain(fields.iter().map(|field| field.name.as_str()));
    let first = what.split('.').next().unwrap_or_default();
    let known: Vec<&str> = captures.chain(["output", "state"]).collect();
    let is_deeper = what.contains('.') && !matches!(drafts[at].step.capture.get(first), Some(Capture::Json(_)));
    if !known.contains(&first) {
        let hint =
            near(first, known.iter().copied()).unwrap_or_else(|| format!("capture=\"{first}=/…\" on it keeps one"));
        found.tell(
            one.at,
            format!("of the step {id} nothing is kept that is called {}", first.escape_debug()),
            Some(hint),
        );
    } else if is_deeper {
        found.tell(one.at, format!("{first} of the step {id} is a text, which has no parts"), None);
    }
}
