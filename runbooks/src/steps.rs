//! From what stands below a heading to a step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use operations::runbook::page::{
    Capture, DryRun, Effect, Expression, Foreach, OnFailure, Output, Retry, Shown, Step, Template, What,
};

use crate::attributes::Attributes;
use crate::document::{Part, Section};
use crate::kinds::{self, Fence, MANUAL, Usual};
use crate::places::{Findings, Place, near};
use crate::uses::Uses;

/// How long people have, where the page says nothing else.
const PATIENCE: Duration = Duration::from_secs(86_400);

/// So much of an output is kept, where the page says nothing else, and at most, in bytes.
const KEPT: u32 = 64 * 1024;
const KEPT_AT_MOST: u32 = 1024 * 1024;

/// A step while its neighbours are not known yet.
pub(crate) struct Draft {
    pub(crate) step: Step,
    /// Where its fence or list begins.
    pub(crate) at: Place,
    /// Whether `needs` was said.
    pub(crate) says_needs: bool,
    /// Where each other step is named, for whoever checks that it is there.
    pub(crate) names: Vec<(Place, String)>,
}

/// Reads the steps of all sections. Prose of sections without a step belongs to the next one.
pub(crate) fn read(sections: Vec<Section>, uses: &mut Uses, found: &mut Findings<'_>) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut before = String::new();
    for section in sections {
        let prose = [before.as_str(), section.prose.as_str()].into_iter().filter(|it| !it.is_empty());
        let prose = prose.collect::<Vec<_>>().join("\n\n");
        let mut comment = None;
        let mut step: Option<(Place, Found)> = None;
        for part in section.parts {
            let (at, it) = match part {
                Part::Comment { words, at } => {
                    if comment.replace((words, at)).is_some() {
                        found.tell(at, "there are two comments about one step", None);
                    }
                    continue;
                }
                Part::Fence { info, info_at, body, body_at } => (info_at, Found::Fence { info, body, body_at }),
                Part::Checklist { items, at } => (at, Found::Checklist(items)),
            };
            if step.is_some() {
                let hint = "give each a heading of its own".to_owned();
                found.tell(at, "there are two steps below one heading", Some(hint));
            } else {
                step = Some((at, it));
            }
        }
        let Some((at, it)) = step else {
            if let Some((_, at)) = comment {
                found.tell(at, "there is no step below this heading that the comment could be about", None);
            }
            before = prose;
            continue;
        };
        before = String::new();
        uses.step = drafts.len();
        let drafted = Drafting { title: &section.title, heading: section.at, prose, at, uses, found };
        let draft = drafted.draft(it, comment);
        drafts.push(draft);
    }
    drafts
}

enum Found {
    Fence { info: String, body: String, body_at: Place },
    Checklist(Vec<(String, Place)>),
}

struct Drafting<'d, 'f> {
    title: &'d str,
    heading: Place,
    prose: String,
    at: Place,
    uses: &'d mut Uses,
    found: &'d mut Findings<'f>,
}

impl Drafting<'_, '_> {
    fn draft(mut self, it: Found, comment: Option<(String, Place)>) -> Draft {
        let (kind, what, mut attributes) = match it {
            Found::Fence { info, body, body_at } => {
                let (kind, rest) = info.split_once(char::is_whitespace).unwrap_or((&info, ""));
                let begins = info.chars().count() - rest.chars().count();
                let at = Place { column: self.at.column + begins, ..self.at };
                let mut attributes = Attributes::read(rest, at, self.found);
                if let Some((_, at)) = comment {
                    self.found.tell(at, "what is said of a fence stands behind its first word", None);
                }
                if attributes.is_empty() {
                    let hint = format!("{kind} timeout=1m …; to be read only: {kind} example");
                    self.found.tell(self.at, "nothing says how this step is done", Some(hint));
                }
                let fence = Fence { kind, at: self.at, body: &body, body_at };
                let what = kinds::read(&fence, &mut attributes, self.uses, self.found);
                (kind.to_owned(), what, attributes)
            }
            Found::Checklist(items) => {
                let (words, at) = comment.unwrap_or((String::new(), self.at));
                (MANUAL.to_owned(), Some(kinds::manual(items, self.uses)), Attributes::read(&words, at, self.found))
            }
        };
        // Where nothing can be made of a fence that was told; what else it says is looked at all the same.
        let what = what.unwrap_or(What::Pause { lasts: PATIENCE });
        let draft = self.common(&kind, what, &mut attributes);
        attributes.finish(&kind, self.found);
        draft
    }

    /// What every step may say.
    fn common(&mut self, kind: &str, what: What, attributes: &mut Attributes) -> Draft {
        let usual = kinds::usual(&what);
        let found = &mut *self.found;
        let mut names = Vec::new();
        let id = match attributes.value("id", found) {
            Some((at, id)) if !is_id(&id) => {
                let hint = Some("lower case letters, digits, - and _".to_owned());
                found.tell(at, format!("{} is no id of a step", id.escape_debug()), hint);
                id
            }
            Some((_, id)) => id,
            None => slug(self.title),
        };
        if id.is_empty() {
            found.tell(self.heading, "the heading gives no id: say one with id=…", None);
        }
        let needs = attributes.value("needs", found);
        let says_needs = needs.is_some();
        let needs: Vec<String> = match needs {
            Some((_, said)) if said == "nothing" => Vec::new(),
            Some((at, said)) => {
                let all: Vec<String> = said.split(',').map(|id| id.trim().to_owned()).collect();
                names.extend(all.iter().map(|id| (at, id.clone())));
                all
            }
            None => Vec::new(),
        };
        let when = attributes.value("when", found).map(|(at, when)| {
            self.uses.asked(at, &when);
            Expression(when)
        });
        let timeout = attributes.duration("timeout", found);
        let says_timeout = timeout.is_some();
        let undo = attributes.value("undo", found).map(|(at, undo)| {
            names.push((at, undo.clone()));
            undo
        });
        let on_failure =
            attributes.value("on_failure", found).map(|(at, said)| on_failure(&said, at, &mut names, found));
        let expect = attributes.value("expect", found).map(|(at, expect)| {
            self.uses.expected(at, &expect);
            Expression(expect)
        });
        let capture = attributes.value("capture", found).map(|(at, said)| captures(&said, at, found));
        let retry = attributes.value("retry", found).and_then(|(at, said)| retry(&said, at, found));
        let effects = [("once", Effect::Once), ("retryable", Effect::Retryable)];
        let effect = attributes.one_of("effect", &effects, found);
        let mut template = |name: &'static str, uses: &mut Uses, found: &mut Findings<'_>| {
            let (at, text) = attributes.value(name, found)?;
            uses.shown(at, &text);
            Some(Template(text))
        };
        let key = template("key", self.uses, found);
        let danger = template("danger", self.uses, found);
        let foreach = foreach(attributes, self.uses, found);
        let dry_run = dry_run(attributes, &usual, &mut names, found);
        let output = output(attributes, found);
        let aside = attributes.flag("aside", found);
        let limit = if usual.waits { PATIENCE } else { Duration::from_secs(60) };
        let step = Step {
            id,
            title: self.title.to_owned(),
            prose: std::mem::take(&mut self.prose),
            line: self.heading.line,
            what,
            when,
            needs,
            foreach,
            timeout: timeout.unwrap_or(limit),
            retry,
            on_failure: on_failure.unwrap_or(usual.on_failure),
            undo,
            expect,
            capture: capture.unwrap_or_default(),
            effect: effect.unwrap_or(usual.effect),
            key,
            dry_run,
            danger,
            output,
            aside,
        };
        if !says_timeout && !usual.waits && !matches!(step.what, What::Pause { .. }) {
            let hint = "timeout=1m".to_owned();
            found.tell(self.at, format!("nothing says how long a step of kind {kind} may take"), Some(hint));
        }
        Draft { step, at: self.at, says_needs, names }
    }
}

fn is_id(id: &str) -> bool {
    (1..=60).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}

/// What Git hosts make of a heading for its anchor: lower case, hyphens for blanks, nothing else.
pub(crate) fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let kept = lower.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
    slug.trim_matches('-').chars().take(60).collect()
}

fn on_failure(said: &str, at: Place, names: &mut Vec<(Place, String)>, found: &mut Findings<'_>) -> OnFailure {
    match said {
        "stop" => OnFailure::Stop,
        "continue" => OnFailure::Continue,
        "undo" => OnFailure::Undo,
        "ask" => OnFailure::Ask,
        _ => match said.strip_prefix("goto:") {
            Some(id) => {
                names.push((at, id.to_owned()));
                OnFailure::Goto(id.to_owned())
            }
            None => {
                let known = ["stop", "continue", "undo", "ask", "goto:"];
                let hint = near(said, known).unwrap_or_else(|| "stop, continue, undo, ask or goto:STEP".to_owned());
                found.tell(at, format!("on_failure can't be {}", said.escape_debug()), Some(hint));
                OnFailure::Stop
            }
        },
    }
}

/// `clients=/clients; host=regex:host (\S+); all=text`.
fn captures(said: &str, at: Place, found: &mut Findings<'_>) -> BTreeMap<String, Capture> {
    let mut all = BTreeMap::new();
    for one in said.split(';').map(str::trim).filter(|one| !one.is_empty()) {
        let (name, how) = one.split_once('=').unwrap_or((one, "text"));
        let how = match how {
            "text" => Some(Capture::Text),
            pointer if pointer.starts_with('/') => Some(Capture::Json(pointer.to_owned())),
            how => how
                .strip_prefix("regex:")
                .filter(|it| regex::Regex::new(it).is_ok())
                .map(|it| Capture::Regex(it.to_owned())),
        };
        let Some(how) = how else {
            let hint = "name=/json/pointer, name=regex:…, or name=text".to_owned();
            found.tell(at, format!("{} says nothing that could be kept", one.escape_debug()), Some(hint));
            continue;
        };
        if !crate::inputs::is_name(name) || matches!(name, "output" | "state") {
            let hint = "lower case letters, digits and _; output and state are Muster's".to_owned();
            found.tell(at, format!("{} is no name for what is kept", name.escape_debug()), Some(hint));
        } else if all.insert(name.to_owned(), how).is_some() {
            found.tell(at, format!("{name} is kept twice"), None);
        }
    }
    all
}

/// `3`, or `3 10s..5m`.
fn retry(said: &str, at: Place, found: &mut Findings<'_>) -> Option<Retry> {
    let (times, span) = said.split_once(' ').unwrap_or((said, "5s..1m"));
    let (first, longest) = span.trim().split_once("..").unwrap_or((span.trim(), span.trim()));
    let times: Option<u32> = times.parse().ok().filter(|times| (1..=20).contains(times));
    let spans = (crate::attributes::duration(first), crate::attributes::duration(longest));
    match (times, spans) {
        (Some(times), (Some(first), Some(longest))) if first <= longest => Some(Retry { times, first, longest }),
        _ => {
            let hint = "retry=3, or retry=\"3 10s..5m\": so often, and how long after".to_owned();
            found.tell(at, format!("retry can't be {}", said.escape_debug()), Some(hint));
            None
        }
    }
}

fn foreach(attributes: &mut Attributes, uses: &mut Uses, found: &mut Findings<'_>) -> Option<Foreach> {
    let items = attributes.value("foreach", found);
    let at_once = attributes.number("at_once", 50, found);
    let tolerated = attributes.number("tolerated", 1_000, found);
    match items {
        Some((at, items)) => {
            uses.asked(at, &items);
            let items = Expression(items);
            Some(Foreach { items, at_once: at_once.unwrap_or(1), tolerated: tolerated.unwrap_or(0) })
        }
        None => {
            if at_once.is_some() || tolerated.is_some() {
                found.tell(attributes.at, "at_once and tolerated belong to foreach", None);
            }
            None
        }
    }
}

fn dry_run(
    attributes: &mut Attributes,
    usual: &Usual,
    names: &mut Vec<(Place, String)>,
    found: &mut Findings<'_>,
) -> DryRun {
    match attributes.value("dry_run", found) {
        Some((_, said)) if said == "skip" => DryRun::Skip,
        Some((_, said)) if said == "run" => DryRun::Run,
        Some((at, id)) => {
            names.push((at, id.clone()));
            DryRun::Instead(id)
        }
        None if usual.reads => DryRun::Run,
        None => DryRun::Skip,
    }
}

fn output(attributes: &mut Attributes, found: &mut Findings<'_>) -> Output {
    let places =
        [("thread", Shown::Thread), ("file", Shown::File), ("runner", Shown::Runner), ("nobody", Shown::Nobody)];
    let shown = attributes.one_of("show", &places, found).unwrap_or(Shown::Thread);
    let most = attributes.number("most", KEPT_AT_MOST, found).unwrap_or(KEPT);
    let mut redact = Vec::new();
    if let Some((at, pattern)) = attributes.value("redact", found) {
        match regex::Regex::new(&pattern) {
            Ok(_) => redact.push(pattern),
            Err(_) => found.tell(at, "redact is no regular expression", None),
        }
    }
    Output { shown, most, redact }
}

/// The ids that stand twice.
pub(crate) fn twice(drafts: &[Draft], found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for draft in drafts {
        if !seen.insert(draft.step.id.as_str()) {
            let hint = Some("say id=… of one of them".to_owned());
            found.tell(draft.at, format!("there are two steps with the id {}", draft.step.id), hint);
        }
    }
}
