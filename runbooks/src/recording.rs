//! What was recorded of an incident, for a page to be rehearsed with: inputs, what each step gave, and what is expected.
//!
//! ```yaml
//! inputs: { cluster: eu }
//! outputs:
//!   look: { status: 200, json: { clients: 12 } }
//!   settle: [{ value: 5 }, { value: 0 }]     # the first attempt, the second
//!   ok: done                                 # people: done, failed, skipped
//!   choose: { fields: { way: rotate } }
//! decisions: { restart: skip }               # where somebody would be asked: retry, skip, done, undo, abort
//! expect:
//!   ended: done                              # done, failed, undone
//!   steps: { look: done, still-ill: not_begun }
//! ```

use std::collections::BTreeMap;

use operations::problem::Problem;
use operations::runbook::course::{End, How};
use serde_json::{Map as Json, Value as JsonValue, json};

use crate::map::{self, Map};
use crate::places::{Findings, Place, near};
use crate::values::Output;
use crate::yaml::{self, Node, Value};

/// A recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Inputs by name.
    pub inputs: BTreeMap<String, String>,
    /// The alert that it is about, as templates read it.
    pub alert: Option<JsonValue>,
    /// The incident.
    pub incident: Option<JsonValue>,
    /// What each attempt at each step came to.
    pub outputs: BTreeMap<String, Vec<Came>>,
    /// What somebody decided where they were asked.
    pub decisions: BTreeMap<String, Decision>,
    /// How it is expected to end.
    pub ended: Option<End>,
    /// How steps are expected to end; none for those that do not begin.
    pub steps: BTreeMap<String, Option<How>>,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// It gave something.
    Gave(Output),
    /// It ended so.
    Ended(How),
}

/// What somebody decides about a step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try it again.
    Retry,
    /// Go on without it.
    Skip,
    /// Take it for done.
    Done,
    /// Take back what was done.
    Undo,
    /// The same, and end.
    Abort,
}

const HOW: [(&str, How); 3] = [("done", How::Done), ("failed", How::Failed), ("skipped", How::Skipped)];

/// Reads a recording. `file` is what problems name it by.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(file: &str, text: &str) -> Result<Recording, Vec<Problem>> {
    let mut found = Findings::new(file);
    let recording = yaml::read(text, Place::START, &mut found)
        .and_then(|node| Map::of(node, "a recording", &mut found))
        .map(|map| whole(map, &mut found));
    if found.problems.is_empty() { Ok(recording.unwrap_or_default()) } else { Err(found.problems) }
}

fn whole(mut map: Map, found: &mut Findings<'_>) -> Recording {
    let texts = |map: Option<Map>, found: &mut Findings<'_>| -> BTreeMap<String, String> {
        map::pairs_of(map, found).into_iter().map(|(name, (_, value))| (name, value)).collect()
    };
    let mut recording = Recording { inputs: texts(map.map("inputs", found), found), ..Recording::default() };
    recording.alert = map.take("alert").map(|node| json_of(&node));
    recording.incident = map.take("incident").map(|node| json_of(&node));
    if let Some(mut outputs) = map.map("outputs", found) {
        for entry in outputs.rest() {
            let came = match entry.node.value {
                Value::List(nodes) => nodes.into_iter().filter_map(|node| came(node, found)).collect(),
                value => came(Node { at: entry.node.at, value }, found).into_iter().collect(),
            };
            recording.outputs.insert(entry.key, came);
        }
    }
    let decisions = [
        ("retry", Decision::Retry),
        ("skip", Decision::Skip),
        ("done", Decision::Done),
        ("undo", Decision::Undo),
        ("abort", Decision::Abort),
    ];
    for (step, (at, said)) in map::pairs_of(map.map("decisions", found), found) {
        recording.decisions.extend(one_of(&said, at, &decisions, found).map(|it| (step, it)));
    }
    if let Some(mut expect) = map.map("expect", found) {
        let ends = [("done", End::Done), ("failed", End::Failed), ("undone", End::Undone)];
        recording.ended = expect.text("ended", found).and_then(|(at, said)| one_of(&said, at, &ends, found));
        let hows: Vec<(&str, Option<How>)> =
            HOW.iter().map(|(word, how)| (*word, Some(*how))).chain([("not_begun", None)]).collect();
        for (step, (at, said)) in map::pairs_of(expect.map("steps", found), found) {
            recording.steps.extend(one_of(&said, at, &hows, found).map(|it| (step, it)));
        }
        expect.finish(found);
    }
    map.finish(found);
    recording
}

fn one_of<T: Copy>(said: &str, at: Place, words: &[(&str, T)], found: &mut Findings<'_>) -> Option<T> {
    let it = words.iter().find(|(word, _)| *word == said).map(|(_, it)| *it);
    if it.is_none() {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = near(said, all.iter().copied()).unwrap_or_else(|| format!("it is one of {}", all.join(", ")));
        found.tell(at, format!("{} can't stand here", said.escape_debug()), Some(hint));
    }
    it
}

fn came(node: Node, found: &mut Findings<'_>) -> Option<Came> {
    let at = node.at;
    if let Value::Text { text, .. } = &node.value {
        return one_of(text, at, &HOW, found).map(Came::Ended);
    }
    let mut map = Map::of(node, "an output", found)?;
    let mut output = Output::default();
    if let Some((at, said)) = map.text("status", found) {
        output.status = said.parse().ok();
        if output.status.is_none() {
            found.tell(at, "status is a number, as 200", None);
        }
    }
    if let Some((at, said)) = map.text("value", found) {
        output.value = said.parse().ok();
        if output.value.is_none() {
            found.tell(at, "value is a number", None);
        }
    }
    if let Some((at, said)) = map.text("exit", found) {
        output.exit = said.parse().ok();
        if output.exit.is_none() {
            found.tell(at, "exit is a number", None);
        }
    }
    output.json = map.take("json").map(|node| json_of(&node));
    output.text = map.text("text", found).map(|(_, text)| text).unwrap_or_default();
    if let (true, Some(json)) = (output.text.is_empty(), &output.json) {
        output.text = json.to_string();
    }
    if let (true, Some(value)) = (output.text.is_empty(), output.value) {
        output.text = value.to_string();
    }
    let fields = map::pairs_of(map.map("fields", found), found);
    output.fields = fields.into_iter().map(|(name, (_, value))| (name, value)).collect();
    if output.text.is_empty() && !output.fields.is_empty() {
        let words: Vec<String> = output.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        output.text = words.join(", ");
    }
    map.finish(found);
    Some(Came::Gave(output))
}

/// As JSON: what stands without quotes and is a number, `true`, `false` or `null` in JSON is that.
fn json_of(node: &Node) -> JsonValue {
    match &node.value {
        Value::Text { text, is_plain: true } => match serde_json::from_str::<JsonValue>(text) {
            Ok(value) if !value.is_string() => value,
            Ok(_) | Err(_) => json!(text),
        },
        Value::Text { text, .. } => json!(text),
        Value::List(nodes) => nodes.iter().map(json_of).collect(),
        Value::Map(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.node)));
            JsonValue::Object(pairs.collect::<Json<String, JsonValue>>())
        }
    }
}
