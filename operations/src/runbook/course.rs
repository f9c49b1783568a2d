//! The course of a run: which step's turn it is, after all that has ended so far.
//!
//! Pure: a page and what happened give what is next. What holds: a step begins once (unless somebody has it tried again),
//! and only when all that it needs is over; after a failure that ends the run nothing begins; what is taken back is taken
//! back in the reverse order of how it was done; every course ends.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::page::{OnFailure, Page, Step};

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// It is under way, or waits for people.
    Active,
    /// It is over.
    Over(How),
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// As it should.
    Done,
    /// It was not to be done, or somebody passed it over.
    Skipped,
    /// It was not done, or not as expected.
    Failed,
}

/// Where a run is going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// On.
    #[default]
    On,
    /// To its end: nothing more begins.
    Out,
    /// Back: what was done is undone, the last first.
    Back,
}

/// The course of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Steps that have begun.
    steps: BTreeMap<String, Stands>,
    /// Those that were done, in that order.
    done: Vec<String>,
    /// Steps that something leads to beside what they need.
    reached: BTreeSet<String>,
    way: Way,
}

/// What is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// These begin.
    Begin(Vec<String>),
    /// Something is under way.
    Wait,
    /// The run is over.
    Over(End),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All that was to be done was done.
    Done,
    /// Something failed.
    Failed,
    /// What was done was taken back.
    Undone,
}

impl Course {
    /// How a step stands; none where it has not begun.
    #[must_use]
    pub fn stands(&self, step: &str) -> Option<Stands> {
        self.steps.get(step).copied()
    }

    /// Where it is going.
    #[must_use]
    pub fn way(&self) -> Way {
        self.way
    }

    /// What is next.
    #[must_use]
    pub fn next(&self, page: &Page) -> Next {
        let ready = match self.way {
            Way::On => self.ready(page),
            Way::Out => Vec::new(),
            Way::Back if self.is_active() => Vec::new(),
            Way::Back => self.undo(page).into_iter().collect(),
        };
        if !ready.is_empty() {
            return Next::Begin(ready);
        }
        if self.is_active() {
            return Next::Wait;
        }
        Next::Over(match self.way {
            Way::Back => End::Undone,
            Way::Out => End::Failed,
            Way::On if page.steps.iter().any(|step| self.is_lost(page, step)) => End::Failed,
            Way::On => End::Done,
        })
    }

    /// A step begins, for the first time or once more.
    pub fn begin(&mut self, step: &str) {
        self.done.retain(|done| done != step);
        self.steps.insert(step.to_owned(), Stands::Active);
    }

    /// A step has ended. Whether a failure is somebody's to decide about is decided before.
    pub fn end(&mut self, page: &Page, step: &str, how: How) {
        self.steps.insert(step.to_owned(), Stands::Over(how));
        match how {
            How::Done => self.done.push(step.to_owned()),
            How::Skipped => {}
            How::Failed => match page.step(step).map(|step| &step.on_failure) {
                Some(OnFailure::Continue) => {}
                Some(OnFailure::Goto(to)) if self.way == Way::On => drop(self.reached.insert(to.clone())),
                Some(OnFailure::Undo) if self.way == Way::On => self.way = Way::Back,
                // What fails on the way back ends nothing: the rest is taken back all the same.
                _ if self.way == Way::Back => {}
                Some(OnFailure::Stop | OnFailure::Ask | OnFailure::Goto(_) | OnFailure::Undo) | None => {
                    self.way = Way::Out;
                }
            },
        }
    }

    /// What was done is taken back from here on.
    pub fn turn_back(&mut self) {
        self.way = Way::Back;
    }

    fn is_active(&self) -> bool {
        self.steps.values().any(|stands| *stands == Stands::Active)
    }

    fn ready(&self, page: &Page) -> Vec<String> {
        let is_ready = |step: &&Step| {
            let has_begun = self.steps.contains_key(&step.id);
            let is_reached = self.reached.contains(&step.id);
            // What follows something that is aside is reached with it.
            let follows = !step.needs.is_empty() && step.needs.iter().all(|id| self.is_settled(page, id));
            let begins =
                if step.aside { is_reached || follows } else { is_reached || follows || step.needs.is_empty() };
            !has_begun && begins
        };
        page.steps.iter().filter(is_ready).map(|step| step.id.clone()).collect()
    }

    /// Whether what needs a step may begin.
    fn is_settled(&self, page: &Page, id: &str) -> bool {
        match self.steps.get(id) {
            Some(Stands::Over(How::Done | How::Skipped)) => true,
            Some(Stands::Over(How::Failed)) => page.step(id).is_some_and(|step| step.on_failure == OnFailure::Continue),
            Some(Stands::Active) | None => false,
        }
    }

    /// Whether a step failed, and what it led to only says so.
    fn is_lost(&self, page: &Page, step: &Step) -> bool {
        let has_failed = self.steps.get(&step.id) == Some(&Stands::Over(How::Failed));
        has_failed
            && match &step.on_failure {
                OnFailure::Continue => false,
                OnFailure::Goto(to) => page.step(to).is_none_or(|to| to.aside),
                OnFailure::Stop | OnFailure::Undo | OnFailure::Ask => true,
            }
    }

    /// The step that takes back what was done last and was not taken back yet.
    fn undo(&self, page: &Page) -> Option<String> {
        let undo = |id: &String| page.step(id)?.undo.clone();
        self.done.iter().rev().filter_map(undo).find(|undo| !self.steps.contains_key(undo))
    }
}
