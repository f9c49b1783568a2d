//! A page played with what was recorded, and without anything being done: what would have happened.
//!
//! The same course, templates, expectations and captures as in a run; only what is outside comes from the recording.

use std::collections::{BTreeMap, VecDeque};

use operations::runbook::course::{Course, End, How, Next, Stands};
use operations::runbook::page::{OnFailure, Page, Step, What};
use serde_json::{Map, Value, json};

use crate::recording::{Came, Decision, Recording};
use crate::values::{Output, Values, judge};
use crate::{doing, template};

/// What stands for a secret.
const MASKED: &str = "•••";

/// What happened at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The step.
    pub step: String,
    /// What would have been done.
    pub does: String,
    /// How it ended.
    pub how: How,
    /// Why, where there is something to say.
    pub why: String,
}

/// A rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// What happened, in its order.
    pub lines: Vec<Line>,
    /// How it ended.
    pub end: End,
    /// What is otherwise than was expected, or can't be told.
    pub differs: Vec<String>,
}

/// Plays a page.
#[must_use]
pub fn rehearse(page: &Page, recording: &Recording) -> Rehearsal {
    let mut values = Values::new(page, &recording.inputs);
    let incident = recording.incident.as_ref().and_then(|it| it.get("id")).cloned().unwrap_or(json!(""));
    values.set("run", json!({ "id": "R-1", "by": "the rehearsal", "page": page.id, "incident": incident }));
    let secrets: Map<String, Value> = page.secrets.iter().map(|name| (name.clone(), json!(MASKED))).collect();
    values.set("secrets", Value::Object(secrets));
    if let Some(alert) = &recording.alert {
        values.set("alert", alert.clone());
    }
    if let Some(incident) = &recording.incident {
        values.set("incident", incident.clone());
    }
    let outputs = recording.outputs.iter().map(|(step, came)| (step.as_str(), came.iter().collect())).collect();
    let mut play = Play { page, recording, values, outputs, lines: Vec::new(), differs: Vec::new() };
    play.inputs();
    let mut course = Course::default();
    let end = loop {
        match course.next(page) {
            Next::Over(end) => break end,
            // Each step is over as soon as it has begun, so nothing is ever waited for.
            Next::Wait => break End::Failed,
            Next::Begin(steps) => {
                for step in steps.iter().filter_map(|id| page.step(id)) {
                    course.begin(&step.id);
                    play.step(step, &mut course);
                }
            }
        }
    };
    play.compare(&course, end);
    Rehearsal { lines: play.lines, end, differs: play.differs }
}

struct Play<'p> {
    page: &'p Page,
    recording: &'p Recording,
    values: Values,
    outputs: BTreeMap<&'p str, VecDeque<&'p Came>>,
    lines: Vec<Line>,
    differs: Vec<String>,
}

impl Play<'_> {
    fn inputs(&mut self) {
        for input in &self.page.inputs {
            match self.recording.inputs.get(&input.name) {
                Some(value) => {
                    if let Err(why) = crate::fits(input, value) {
                        self.differs.push(format!("the input {} does not fit: {why}", input.name));
                    }
                }
                None if input.required => self.differs.push(format!("the recording has no input {}", input.name)),
                None => {}
            }
        }
        for name in self.recording.inputs.keys().filter(|name| !self.page.inputs.iter().any(|it| it.name == **name)) {
            self.differs.push(format!("the recording gives {name}, and the page asks for no such input"));
        }
        let named =
            self.recording.outputs.keys().chain(self.recording.steps.keys()).chain(self.recording.decisions.keys());
        for id in named.filter(|id| self.page.step(id).is_none()) {
            self.differs.push(format!("the recording speaks of a step {id}, and there is none"));
        }
    }

    /// Plays a step to its end.
    fn step(&mut self, step: &Step, course: &mut Course) {
        if let Some(when) = &step.when {
            match template::is_true(&when.0, &self.values.value()) {
                Ok(true) => {}
                Ok(false) => return self.end(step, course, String::new(), How::Skipped, format!("not {}", when.0)),
                Err(wrong) => return self.end(step, course, String::new(), How::Failed, wrong.what),
            }
        }
        let does = match doing::doing(step, &self.values.value()) {
            Ok(does) => does,
            Err(wrong) => return self.end(step, course, String::new(), How::Failed, wrong.what),
        };
        let attempts = 1 + step.retry.map_or(0, |retry| retry.times);
        let (mut how, mut why) = (How::Failed, String::new());
        for attempt in 0..attempts {
            (how, why) = self.attempt(step, attempt > 0);
            if how != How::Failed {
                break;
            }
        }
        if how == How::Failed && step.on_failure == OnFailure::Ask {
            (how, why) = self.decided(step, course, why);
        }
        self.end(step, course, does, how, why);
    }

    /// One attempt. Without a recorded one there is none; what is tried again does not need as many.
    fn attempt(&mut self, step: &Step, again: bool) -> (How, String) {
        let came = self.outputs.get_mut(step.id.as_str()).and_then(VecDeque::pop_front);
        let output = match (came, &step.what) {
            (Some(Came::Ended(how)), _) => {
                let kept = self.values.keep(step, state(*how), &Output::default());
                return match kept {
                    Err(why) if *how == How::Done => (How::Failed, why),
                    Ok(()) | Err(_) => (*how, String::new()),
                };
            }
            (Some(Came::Gave(output)), _) => output.clone(),
            (None, What::Pause { .. }) => Output::default(),
            (None, _) => {
                if !again {
                    self.differs.push(format!("the recording does not say what {} came to", step.id));
                }
                return (How::Failed, "nothing is recorded of it".to_owned());
            }
        };
        if let Err(why) = judge(step, &self.values, &output) {
            // A wait looks again until it is so, as often as is recorded.
            return if matches!(step.what, What::Until { .. }) && self.has_more(step) {
                self.attempt(step, true)
            } else {
                (How::Failed, why)
            };
        }
        match self.values.keep(step, "done", &output) {
            Ok(()) => (How::Done, String::new()),
            Err(why) => (How::Failed, why),
        }
    }

    fn has_more(&self, step: &Step) -> bool {
        self.outputs.get(step.id.as_str()).is_some_and(|left| !left.is_empty())
    }

    /// What somebody decides about a failure.
    fn decided(&mut self, step: &Step, course: &mut Course, why: String) -> (How, String) {
        match self.recording.decisions.get(&step.id) {
            None => (How::Failed, format!("{why}; somebody would be asked")),
            Some(Decision::Retry) => self.attempt(step, false),
            Some(Decision::Skip) => (How::Skipped, format!("{why}; somebody passed it over")),
            Some(Decision::Done) => match self.values.keep(step, "done", &Output::default()) {
                Ok(()) => (How::Done, format!("{why}; somebody took it for done")),
                Err(missing) => (How::Failed, format!("{why}; somebody took it for done, and {missing}")),
            },
            Some(Decision::Undo | Decision::Abort) => {
                course.turn_back();
                (How::Failed, format!("{why}; somebody had it taken back"))
            }
        }
    }

    fn end(&mut self, step: &Step, course: &mut Course, does: String, how: How, why: String) {
        if how != How::Done {
            // What is kept of it is its state alone.
            let bare = Step { capture: BTreeMap::new(), ..step.clone() };
            let _ = self.values.keep(&bare, state(how), &Output::default());
        }
        course.end(self.page, &step.id, how);
        self.lines.push(Line { step: step.id.clone(), does, how, why });
    }

    /// What is otherwise than expected.
    fn compare(&mut self, course: &Course, end: End) {
        if let Some(wanted) = self.recording.ended.filter(|wanted| *wanted != end) {
            self.differs.push(format!("it ended {}, and {} was expected", end_word(end), end_word(wanted)));
        }
        for (step, wanted) in &self.recording.steps {
            let is = match course.stands(step) {
                Some(Stands::Over(how)) => Some(how),
                Some(Stands::Active) | None => None,
            };
            if is != *wanted {
                let word = |how: Option<How>| how.map_or("not begun", state);
                self.differs.push(format!("{step} is {}, and {} was expected", word(is), word(*wanted)));
            }
        }
    }
}

/// How a step ended, as `steps.ID.state` says it.
fn state(how: How) -> &'static str {
    match how {
        How::Done => "done",
        How::Skipped => "skipped",
        How::Failed => "failed",
    }
}

/// How a run ended, in a word.
#[must_use]
pub fn end_word(end: End) -> &'static str {
    match end {
        End::Done => "done",
        End::Failed => "failed",
        End::Undone => "undone",
    }
}
