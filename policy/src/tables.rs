//! Questions and expected answers as a team writes them down, one a line.
//!
//! ```text
//! WHO VERB WHAT [key=value…] => allowed|refused [rule…]
//!
//! ann      work     incident:checkout                        => allowed
//! stranger declare  service:checkout at=2026-03-06T17:00:00Z => refused no-fridays
//! ```
//! `WHO` is a key of people.toml, or `stranger` for somebody who isn't in it; `WHAT` is
//! `workspace`, `service:NAME` or `incident:SERVICE`. Where rules are named, exactly these
//! must have decided. Lines that begin with `#` say something to people.

use jiff::Timestamp;
use operations::chat::Actor;
use operations::ids::{ChannelId, IncidentId, Platform, UserRef};
use operations::policy::{Gate, On, Question, Rule, Ruling, Verb};
use operations::settings::Settings;

/// A question that is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who asks.
    pub by: Actor,
    /// What for.
    pub verb: Verb,
    /// About what.
    pub on: On,
    /// In which channel; none from the command line.
    pub channel: Option<ChannelId>,
    /// When.
    pub at: Timestamp,
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// The question.
    pub case: Case,
    /// Whether the answer must be yes.
    pub allowed: bool,
    /// Which rules must have decided, in the order of their names; any where none is named.
    pub rules: Vec<String>,
}

/// A line that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Unreadable {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// An answer that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}, and it is {found}")]
pub struct Differs {
    /// In which line.
    pub line: usize,
    /// What was expected.
    pub expected: String,
    /// What the rules say.
    pub found: String,
}

/// Reads a table. `now` is when a question is asked that names no time.
///
/// # Errors
/// Every line that can't be read.
pub fn read(text: &str, settings: &Settings, now: Timestamp) -> Result<Vec<Line>, Vec<Unreadable>> {
    let mut lines = Vec::new();
    let mut wrong = Vec::new();
    for (number, words) in (1..).zip(text.lines()) {
        let words = words.trim();
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        match line(number, words, settings, now) {
            Ok(line) => lines.push(line),
            Err(what) => wrong.push(Unreadable { line: number, what }),
        }
    }
    if wrong.is_empty() { Ok(lines) } else { Err(wrong) }
}

fn line(number: usize, words: &str, settings: &Settings, now: Timestamp) -> Result<Line, String> {
    let (question, expected) = words.split_once("=>").ok_or("there is no => before what is expected")?;
    let question: Vec<&str> = question.split_whitespace().collect();
    let case = case(&question, settings, now)?;
    let mut expected = expected.split_whitespace();
    let allowed = match expected.next() {
        Some("allowed") => true,
        Some("refused") => false,
        other => return Err(format!("allowed or refused is wanted behind =>, not {:?}", other.unwrap_or_default())),
    };
    let mut rules: Vec<String> = expected.map(str::to_owned).collect();
    rules.sort();
    Ok(Line { number, case, allowed, rules })
}

/// Reads a question: `WHO VERB WHAT [key=value…]`.
///
/// # Errors
/// What is wrong with it.
pub fn case(words: &[&str], settings: &Settings, now: Timestamp) -> Result<Case, String> {
    let [who, verb, what, rest @ ..] = words else {
        return Err("who, what they do, and what it is about are wanted: ann work incident:checkout".to_owned());
    };
    let mut case = Case {
        by: Actor { user: stranger(Platform::Slack), name: (*who).into() },
        verb: read_verb(verb)?,
        on: read_what(what, settings)?,
        channel: Some(ChannelId::from("C0")),
        at: now,
    };
    if !case.verb.fits(&case.on) {
        return Err(format!("nobody can {verb} {what}: it is about something else"));
    }
    let (mut platform, mut is_shell) = (None, false);
    for word in rest {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is no key=value"))?;
        match key {
            "at" => case.at = value.parse().map_err(|_| format!("{value:?} is no time: 2026-03-06T17:00:00Z"))?,
            "channel" => case.channel = Some(ChannelId::from(value)),
            "platform" => match value {
                "cli" => is_shell = true,
                "slack" => platform = Some(Platform::Slack),
                "discord" => platform = Some(Platform::Discord),
                _ => return Err(format!("{value:?} is no platform: slack, discord or cli")),
            },
            _ => return Err(format!("there is no {key}: at, channel and platform can be said")),
        }
    }
    case.by.user = account(who, platform, settings)?;
    if is_shell {
        case.channel = None;
    }
    Ok(case)
}

fn read_verb(word: &str) -> Result<Verb, String> {
    let names: Vec<&str> = Verb::ALL.iter().map(|verb| verb.name()).collect();
    let found = Verb::ALL.into_iter().find(|verb| verb.name() == word);
    found.ok_or_else(|| format!("{word:?} is nothing that anybody does: {}", names.join(", ")))
}

fn read_what(word: &str, settings: &Settings) -> Result<On, String> {
    let known = |service: &str| match settings.services.iter().any(|it| it.name == service) {
        true => Ok(service.to_owned()),
        false => Err(format!("there is no service {service:?} in services.toml")),
    };
    match word.split_once(':') {
        None if word == "workspace" => Ok(On::Workspace),
        Some(("service", service)) => known(service).map(On::Service),
        Some(("incident", "")) => Ok(On::Incident(IncidentId(1), Vec::new())),
        Some(("incident", service)) => Ok(On::Incident(IncidentId(1), vec![known(service)?])),
        _ => Err(format!("{word:?} is not workspace, service:NAME or incident:SERVICE")),
    }
}

fn account(who: &str, platform: Option<Platform>, settings: &Settings) -> Result<UserRef, String> {
    if who == "stranger" {
        return Ok(stranger(platform.unwrap_or(Platform::Slack)));
    }
    let person = settings.people.iter().find(|person| person.key == who);
    let person = person.ok_or_else(|| format!("there is no {who:?} in people.toml; stranger is somebody unknown"))?;
    let there = |account: &&UserRef| platform.is_none_or(|platform| account.platform == platform);
    let found = person.accounts.iter().find(there);
    found.cloned().ok_or_else(|| format!("{who} has no account there, and so can't do anything there"))
}

/// Somebody who stands nowhere.
fn stranger(platform: Platform) -> UserRef {
    UserRef { platform, workspace: "(none)".to_owned(), user: "(stranger)".to_owned() }
}

/// Answers a question that is written down.
#[must_use]
pub fn answer(gate: &dyn Gate, settings: &Settings, case: &Case) -> Ruling {
    let Case { by, verb, on, channel, at } = case;
    gate.rule(settings, &Question { verb: *verb, by, on, channel: channel.as_ref(), now: *at })
}

/// Asks everything in a table; what is not as expected.
#[must_use]
pub fn differing(gate: &dyn Gate, settings: &Settings, lines: &[Line]) -> Vec<Differs> {
    let differs = |line: &Line| {
        let ruling = answer(gate, settings, &line.case);
        let found: Vec<String> = rules(&ruling).iter().map(|rule| rule.id.clone()).collect();
        let same = ruling.is_allowed() == line.allowed && (line.rules.is_empty() || line.rules == found);
        let shown = if line.rules.is_empty() { &[][..] } else { &found[..] };
        (!same).then(|| Differs {
            line: line.number,
            expected: told(line.allowed, &line.rules),
            found: told(ruling.is_allowed(), if ruling.is_allowed() == line.allowed { shown } else { &found }),
        })
    };
    lines.iter().filter_map(differs).collect()
}

/// The rules that decided.
#[must_use]
pub fn rules(ruling: &Ruling) -> &[Rule] {
    match ruling {
        Ruling::Allowed(rules) | Ruling::Refused { rules, .. } => rules,
    }
}

fn told(allowed: bool, rules: &[String]) -> String {
    let word = if allowed { "allowed" } else { "refused" };
    if rules.is_empty() { word.to_owned() } else { format!("{word} by {}", rules.join(", ")) }
}
