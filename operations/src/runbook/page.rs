//! A runbook's page as it was read: what it asks for, its steps, and what holds for each.
//!
//! What holds: a page that is here was checked, so each step that another one names is there, and nothing waits for itself.
//! Texts of a page are an operator's own words, as those of the configuration are; values that are put into them are not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// What it is called in commands: lower case, digits, hyphens.
    pub id: String,
    /// For people.
    pub title: String,
    /// SHA-256 of its text, in hexadecimal digits.
    pub version: String,
    /// Who looks after it: people by their keys, teams as `team:NAME`.
    pub owners: Vec<String>,
    /// What it is for, as Markdown.
    pub about: String,
    /// What it asks for, in its order.
    pub inputs: Vec<Input>,
    /// Alerts that it is proposed for.
    pub triggers: Vec<Trigger>,
    /// When it runs by itself.
    pub schedule: Option<Schedule>,
    /// What of it does not run twice at once.
    pub concurrency: Option<Concurrency>,
    /// Who may run it, beside what the rules say: people, `team:NAME`, `role:NAME`; nobody else where it names any.
    pub runners: Vec<String>,
    /// Secrets that its steps use, by name.
    pub secrets: Vec<String>,
    /// How long a run takes at most, people's answers not counted.
    pub timeout: Duration,
    /// What it does.
    pub steps: Vec<Step>,
}

/// Something that a page asks for before it runs, or a step while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name in templates: lower case, digits, `_`.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// What fits.
    pub kind: InputKind,
    /// Whether there is no run without it.
    pub required: bool,
    /// What it is where nothing is said.
    pub default: Option<String>,
}

/// What fits an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A line of at most so many characters, wholly matched by a regular expression where there is one.
    Text {
        /// In characters.
        longest: u32,
        /// A regular expression.
        pattern: Option<String>,
    },
    /// A whole number.
    Number {
        /// No less.
        least: i64,
        /// No more.
        most: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of these.
    Choice(Vec<String>),
    /// A service of the catalogue.
    Service,
    /// An environment of the service that another input names, or of any.
    Environment {
        /// The other input.
        of: Option<String>,
    },
    /// A key of people.toml.
    Person,
    /// One of a list that is fetched.
    Fetched {
        /// Where.
        url: String,
        /// A JSON pointer to the list.
        at: String,
    },
}

/// What an alert must be for the page to be proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Labels with their values; all have to fit, and `*` fits any.
    pub labels: BTreeMap<String, String>,
    /// Inputs from the alert.
    pub inputs: BTreeMap<String, Template>,
    /// Whether it runs by itself, where the rules let it.
    pub auto: bool,
}

/// When a page runs by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// In the words of the `cron` crate: seconds, minutes, hours, days, months, weekdays, and years where they are said.
    pub cron: String,
    /// An IANA time zone.
    pub zone: String,
    /// Whether a time that was missed is made up, once.
    pub make_up: bool,
    /// The inputs.
    pub inputs: BTreeMap<String, String>,
}

/// What does not run twice at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Runs with the same key don't run at once.
    pub key: Template,
    /// Whether the second waits; else it is refused.
    pub queues: bool,
}

/// A text with `{{ … }}` in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);

/// An expression, as it stands within `{{ … }}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expression(pub String);

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What other steps name it by.
    pub id: String,
    /// For people.
    pub title: String,
    /// What stands above it, as Markdown.
    pub prose: String,
    /// The line that it stands in.
    pub line: usize,
    /// What is done.
    pub what: What,
    /// Done only where this is true; else it is skipped.
    pub when: Option<Expression>,
    /// Those that have to be over.
    pub needs: Vec<String>,
    /// Done for each item of a list.
    pub foreach: Option<Foreach>,
    /// How long one attempt takes at most; for what waits for people, how long they have.
    pub timeout: Duration,
    /// How often it is tried again, and when.
    pub retry: Option<Retry>,
    /// What follows where it fails.
    pub on_failure: OnFailure,
    /// The step that takes it back.
    pub undo: Option<String>,
    /// What must be true of its output.
    pub expect: Option<Expression>,
    /// What is kept of its output, by name.
    pub capture: BTreeMap<String, Capture>,
    /// Whether it may be done again where nobody knows whether it was done.
    pub effect: Effect,
    /// What the other side knows one attempt's effect by.
    pub key: Option<Template>,
    /// What a dry run does.
    pub dry_run: DryRun,
    /// What has to be typed before it is done: the name of what would be hurt.
    pub danger: Option<Template>,
    /// Who sees its output, and how much.
    pub output: Output,
    /// Reached only as another one's undo or `goto`.
    pub aside: bool,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A request.
    Http(Request),
    /// A script of the page, which gets inputs as environment variables.
    Sh {
        /// As it stands in the page.
        script: String,
        /// Environment variables.
        env: BTreeMap<String, Template>,
    },
    /// One of Muster's own commands, or a service's action, with its arguments.
    Act {
        /// `deploy`, `aws.lambda`, …
        action: String,
        /// The arguments.
        with: BTreeMap<String, Template>,
    },
    /// A PromQL query.
    Query {
        /// The query.
        query: Template,
    },
    /// Boxes that people tick.
    Manual {
        /// What stands beside each.
        items: Vec<Item>,
    },
    /// Others say yes.
    Approval {
        /// What they are asked.
        question: Template,
        /// How many.
        least: u32,
        /// Of whom: people, `team:NAME`, `role:NAME`; whoever may approve, where it names none.
        of: Vec<String>,
    },
    /// A form.
    Form {
        /// What it asks for.
        fields: Vec<Input>,
    },
    /// Time passes.
    Pause {
        /// How long.
        lasts: Duration,
    },
    /// A request or query is repeated until something is so.
    Until {
        /// What is repeated.
        probe: Probe,
        /// How often.
        every: Duration,
        /// What has to be true of its output.
        is: Expression,
    },
    /// Another page.
    Call {
        /// Its id.
        page: String,
        /// Its inputs.
        with: BTreeMap<String, Template>,
    },
}

/// What is repeated by a step that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// A request.
    Http(Request),
    /// A PromQL query.
    Query(Template),
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Values in it are percent-encoded.
    pub url: Template,
    /// Names with values.
    pub headers: Vec<(String, Template)>,
    /// In JSON bodies values are JSON.
    pub body: Option<Template>,
}

/// A box that somebody ticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What stands beside it.
    pub words: Template,
    /// Whether a link is asked for with it.
    pub wants_link: bool,
}

/// Items that a step is done for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreach {
    /// A list.
    pub items: Expression,
    /// So many at once.
    pub at_once: u32,
    /// So many may fail.
    pub tolerated: u32,
}

/// How a step is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// So often after the first time.
    pub times: u32,
    /// How long after the first attempt; twice as long after each further one.
    pub first: Duration,
    /// But no longer.
    pub longest: Duration,
}

/// What follows a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The run ends.
    Stop,
    /// It goes on.
    Continue,
    /// It goes on with another step.
    Goto(String),
    /// What was done is taken back, the last first.
    Undo,
    /// Somebody decides.
    Ask,
}

/// What is kept of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// All of it, without blanks around it.
    Text,
    /// What a JSON pointer (RFC 6901) points to.
    Json(String),
    /// The first group of a regular expression, or all that it matches.
    Regex(String),
}

/// Whether a step may be done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Where nobody knows whether it was done, people say so.
    Once,
    /// Twice is as good as once.
    Retryable,
}

/// What a dry run does at a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DryRun {
    /// Says what would be done.
    Skip,
    /// Does it: it changes nothing.
    Run,
    /// Does another step in its place.
    Instead(String),
}

/// Who sees an output, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Where.
    pub shown: Shown,
    /// So many bytes are kept.
    pub most: u32,
    /// What matches any of these is masked.
    pub redact: Vec<String>,
}

/// Where an output is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// In the card's thread.
    Thread,
    /// As a file in the thread.
    File,
    /// To whoever began the run, alone.
    Runner,
    /// To nobody.
    Nobody,
}

impl Page {
    /// One of its steps.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}
