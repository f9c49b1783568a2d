//! What templates and expressions read while a page runs: inputs, what steps kept, the run, its alert and incident.

use std::collections::BTreeMap;

use operations::runbook::page::{Capture, InputKind, Page, Step, What};
use serde_json::{Map, Value, json};

use crate::template;

/// What a step gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// As it came, cut to what the page keeps.
    pub text: String,
    /// The status of an answer.
    pub status: Option<u16>,
    /// The answer, where it is JSON.
    pub json: Option<Value>,
    /// The number that a query gave.
    pub value: Option<f64>,
    /// How a script ended.
    pub exit: Option<i32>,
    /// What people filled in.
    pub fields: BTreeMap<String, String>,
}

impl Output {
    /// As expressions read it: only what there is.
    #[must_use]
    pub fn value(&self) -> Value {
        let mut all = Map::new();
        all.insert("text".to_owned(), json!(self.text));
        let some = [
            ("status", self.status.map(|it| json!(it))),
            ("json", self.json.clone()),
            ("value", self.value.map(|it| json!(it))),
            ("exit", self.exit.map(|it| json!(it))),
        ];
        all.extend(some.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(all)
    }
}

/// Whether a step's output is as it should be: by what the page expects, else a request is answered with less than 400, and
/// a script ends with 0.
///
/// # Errors
/// What is not as it should be, in words.
pub fn judge(step: &Step, values: &Values, output: &Output) -> Result<(), String> {
    let expected = match &step.what {
        What::Until { is, .. } => Some(is),
        _ => step.expect.as_ref(),
    };
    let Some(expected) = expected else {
        return match (&step.what, output.status, output.exit) {
            (What::Http(_), Some(status), _) if status >= 400 => Err(format!("it was answered with {status}")),
            (What::Sh { .. }, _, Some(exit)) if exit != 0 => Err(format!("the script ended with {exit}")),
            _ => Ok(()),
        };
    };
    let mut values = values.clone();
    values.set("output", output.value());
    match template::is_true(&expected.0, &values.value()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("not {}", expected.0)),
        Err(wrong) => Err(wrong.what),
    }
}

/// All values of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    all: Map<String, Value>,
}

impl Values {
    /// The values that a run begins with. An input that was not given and is not needed is empty.
    #[must_use]
    pub fn new(page: &Page, inputs: &BTreeMap<String, String>) -> Values {
        let value = |input: &operations::runbook::page::Input| {
            let said = inputs.get(&input.name).or(input.default.as_ref());
            (input.name.clone(), said.map_or(json!(""), |said| typed(&input.kind, said)))
        };
        let mut values = Values::default();
        values.set("inputs", Value::Object(page.inputs.iter().map(value).collect()));
        values.set("steps", json!({}));
        values
    }

    /// Sets one of the roots: `run`, `alert`, `incident`, `secrets`, `item`, `output`.
    pub fn set(&mut self, root: &str, value: Value) {
        self.all.insert(root.to_owned(), value);
    }

    /// Keeps what a step gave.
    ///
    /// # Errors
    /// What was to be kept is not there.
    pub fn keep(&mut self, step: &Step, state: &str, output: &Output) -> Result<(), String> {
        let mut kept = Map::new();
        for (name, value) in &output.fields {
            kept.insert(name.clone(), json!(value));
        }
        for (name, capture) in &step.capture {
            let found = captured(capture, output);
            let value = found.ok_or_else(|| format!("its output has nothing for {name} ({})", words(capture)))?;
            kept.insert(name.clone(), value);
        }
        kept.insert("output".to_owned(), json!(output.text));
        kept.insert("state".to_owned(), json!(state));
        if let Some(Value::Object(steps)) = self.all.get_mut("steps") {
            steps.insert(step.id.clone(), Value::Object(kept));
        }
        Ok(())
    }

    /// As templates take them.
    #[must_use]
    pub fn value(&self) -> Value {
        Value::Object(self.all.clone())
    }
}

/// An input's value as its type.
fn typed(kind: &InputKind, said: &str) -> Value {
    match kind {
        InputKind::Number { .. } => said.parse::<i64>().map_or_else(|_| json!(said), |number| json!(number)),
        InputKind::Boolean => json!(said == "true"),
        InputKind::Text { .. }
        | InputKind::Choice(_)
        | InputKind::Service
        | InputKind::Environment { .. }
        | InputKind::Person
        | InputKind::Fetched { .. } => json!(said),
    }
}

fn captured(capture: &Capture, output: &Output) -> Option<Value> {
    match capture {
        Capture::Text => Some(json!(output.text.trim())),
        Capture::Json(pointer) => output.json.as_ref()?.pointer(pointer).cloned(),
        Capture::Regex(pattern) => {
            let regex = regex::Regex::new(pattern).ok()?;
            let found = regex.captures(&output.text)?;
            found.get(1).or_else(|| found.get(0)).map(|found| json!(found.as_str()))
        }
    }
}

fn words(capture: &Capture) -> String {
    match capture {
        Capture::Text => "its text".to_owned(),
        Capture::Json(pointer) => format!("the JSON at {pointer}"),
        Capture::Regex(pattern) => format!("what {pattern} matches"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_what_is_not_there_is_told() {
        let output = Output {
            text: " host db-1 \n".to_owned(),
            json: Some(json!({ "a/b": [{ "n": 3 }] })),
            ..Output::default()
        };
        assert_eq!(captured(&Capture::Text, &output), Some(json!("host db-1")));
        assert_eq!(captured(&Capture::Json("/a~1b/0/n".to_owned()), &output), Some(json!(3)));
        assert_eq!(captured(&Capture::Json("/x".to_owned()), &output), None);
        assert_eq!(captured(&Capture::Regex(r"host (\S+)".to_owned()), &output), Some(json!("db-1")));
        assert_eq!(captured(&Capture::Regex(r"db-\d".to_owned()), &output), Some(json!("db-1")));
    }
}
