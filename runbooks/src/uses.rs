//! Every template and expression of a page with where it stands, so that what they read is checked in one place.

use crate::places::Place;

/// A template or an expression.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) at: Place,
    pub(crate) text: String,
    pub(crate) form: Form,
    /// The step that it belongs to, by its position.
    pub(crate) step: usize,
    pub(crate) may: May,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Expression,
    Template,
}

/// What it may read beside inputs, earlier steps, the run, the alert and the incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct May {
    /// Secrets: only what goes to the other side and is never shown.
    pub(crate) secrets: bool,
    /// The step's own output.
    pub(crate) output: bool,
}

/// All of a page's.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub(crate) all: Vec<Use>,
    /// The step that is being read.
    pub(crate) step: usize,
}

impl Uses {
    /// Notes a template that people see.
    pub(crate) fn shown(&mut self, at: Place, text: &str) {
        self.note(at, text, Form::Template, May::default());
    }

    /// Notes a template that goes to the other side alone.
    pub(crate) fn sent(&mut self, at: Place, text: &str) {
        self.note(at, text, Form::Template, May { secrets: true, output: false });
    }

    /// Notes an expression that is asked before.
    pub(crate) fn asked(&mut self, at: Place, text: &str) {
        self.note(at, text, Form::Expression, May::default());
    }

    /// Notes an expression about the step's own output.
    pub(crate) fn expected(&mut self, at: Place, text: &str) {
        self.note(at, text, Form::Expression, May { secrets: false, output: true });
    }

    fn note(&mut self, at: Place, text: &str, form: Form, may: May) {
        self.all.push(Use { at, text: text.to_owned(), form, step: self.step, may });
    }
}
