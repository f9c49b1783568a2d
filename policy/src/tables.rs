//! Questions and expected answers as a team writes them down, one a line.
//!
//! ```text
//! WHO VERB WHAT [key=value…] => allowed|approval[:N]|refused [rule…]
//!
//! cy       deploy   environment:checkout/production approvals=ann => allowed
//! ann      work     incident:checkout                        => allowed
//! stranger declare  service:checkout at=2026-03-06T17:00:00Z => refused no-fridays
//! ```
//! `WHO` is a key of people.toml, or `stranger` for somebody who isn't in it; `WHAT` is
//! `workspace`, `service:NAME`, `environment:SERVICE/NAME` or `incident:SERVICE`. `guest` and `deactivated` say
//! (`true` or `false`) how the account stands with its chat. What is asked for a change
//! is asked as if there were a plan: `frozen`, `breakGlass`, `reason`, `tested` (`true` where it isn't said) and
//! `sizeKnown` take `true` or `false`, `incidents`, `alerts` and `commits` a number, `reference` and `checks` a word,
//! `approvals` keys of people with commas (each counts once, where they may approve, and never who asks), and `param.NAME` a parameter's value. Where rules are named, exactly these
//! must have decided. Lines that begin with `#` say something to people.

use jiff::Timestamp;
use operations::accounts::{Accounts, Standing};
use operations::chat::Actor;
use operations::deploy::Target;
use operations::ids::{ChannelId, IncidentId, Platform, UserRef};
use operations::policy::{Change, Gate, On, Question, Rule, Ruling, Verb};
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
    /// The change, where it is about one.
    pub change: Option<Change>,
    /// How the account stands with its chat.
    pub accounts: Accounts,
}

/// What is expected, or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Allowed,
    /// Once so many others have approved; any number where it is none.
    Approval(Option<u32>),
    /// No.
    Refused,
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// The question.
    pub case: Case,
    /// What the answer must be.
    pub answer: Answer,
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
    let said = expected.next().unwrap_or_default();
    let answer = match said.split_once(':').map_or((said, None), |(word, number)| (word, Some(number))) {
        ("allowed", None) => Answer::Allowed,
        ("refused", None) => Answer::Refused,
        ("approval", None) => Answer::Approval(None),
        ("approval", Some(number)) => {
            Answer::Approval(Some(number.parse().map_err(|_| format!("{number:?} is no number of approvals"))?))
        }
        _ => return Err(format!("allowed, approval or refused is wanted behind =>, not {said:?}")),
    };
    let mut rules: Vec<String> = expected.map(str::to_owned).collect();
    rules.sort();
    Ok(Line { number, case, answer, rules })
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
        change: None,
        accounts: Accounts::default(),
    };
    if case.verb.is_change() {
        let (reference, checks) = ("default_branch", "passed");
        case.change = Some(Change { tested: true, commits: Some(1), reference, checks, ..Change::default() });
    }
    if !case.verb.fits(&case.on) {
        return Err(format!("nobody can {verb} {what}: it is about something else"));
    }
    let (mut platform, mut is_shell, mut standing) = (None, false, None);
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
            "guest" | "deactivated" => {
                let is = value.parse().map_err(|_| format!("{key} is true or false, not {value:?}"))?;
                let what = if key == "guest" { Standing::Guest } else { Standing::Left };
                standing = standing.or(Some(what).filter(|_| is));
            }
            _ => match &mut case.change {
                Some(change) => about_change(change, key, value, settings)?,
                None => {
                    return Err(format!("there is no {key}: at, channel, platform, guest and deactivated can be said"));
                }
            },
        }
    }
    case.by.user = account(who, platform, settings)?;
    case.accounts.note(&case.by.user, standing);
    if is_shell {
        case.channel = None;
    }
    Ok(case)
}

fn about_change(change: &mut Change, key: &str, value: &str, settings: &Settings) -> Result<(), String> {
    let truth = || value.parse::<bool>().map_err(|_| format!("{key} is true or false, not {value:?}"));
    let number = || value.parse::<u32>().map_err(|_| format!("{key} is a number, not {value:?}"));
    let word = |words: &[&'static str]| {
        let found = words.iter().find(|word| **word == value).copied();
        found.ok_or_else(|| format!("{key} is one of {}, not {value:?}", words.join(", ")))
    };
    match key {
        "frozen" => change.frozen = truth()?,
        "breakGlass" => change.break_glass = truth()?,
        "reason" => change.has_reason = truth()?,
        "tested" => change.tested = truth()?,
        "sizeKnown" => change.commits = Some(change.commits.unwrap_or_default()).filter(|_| value == "true"),
        "incidents" => change.incidents = number()?,
        "alerts" => change.alerts = number()?,
        "commits" => change.commits = Some(number()?),
        "reference" => change.reference = word(&["branch", "default_branch", "tag", "commit", "unmerged", "unknown"])?,
        "checks" => change.checks = word(&["passed", "pending", "failed", "none", "unknown"])?,
        "approvals" => {
            let people = value.split(',').filter(|key| !key.is_empty());
            change.approvals = people.map(|key| account(key, None, settings)).collect::<Result<_, _>>()?;
        }
        _ => match key.strip_prefix("param.") {
            Some(name) => drop(change.parameters.insert(name.to_owned(), value.to_owned())),
            None => {
                return Err(format!(
                    "there is no {key}: at, channel, platform, guest, deactivated, frozen, breakGlass, reason, tested, sizeKnown, incidents, \
                     alerts, commits, reference, checks, approvals and param.NAME can be said"
                ));
            }
        },
    }
    Ok(())
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
        Some(("environment", target)) => {
            let (service, environment) =
                target.split_once('/').ok_or_else(|| format!("{word:?} is not environment:SERVICE/NAME"))?;
            let target = Target { service: known(service)?, environment: environment.to_owned() };
            match settings.environment(&target) {
                Some(_) => Ok(On::Environment(target)),
                None => Err(format!("{service} has no environment {environment:?} in services.toml")),
            }
        }
        Some(("incident", "")) => Ok(On::Incident(IncidentId(1), Vec::new())),
        Some(("incident", service)) => Ok(On::Incident(IncidentId(1), vec![known(service)?])),
        _ => Err(format!("{word:?} is not workspace, service:NAME, environment:SERVICE/NAME or incident:SERVICE")),
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

/// Answers a question that is written down. Approvals count as they do of a deploy: each person once, not who asks, and
/// nobody who may not approve.
#[must_use]
pub fn answer(gate: &dyn Gate, settings: &Settings, case: &Case) -> Ruling {
    let Case { by, verb, on, channel, at, change, accounts } = case;
    let ask = |verb: Verb, by: &Actor, change: Option<&Change>| {
        gate.rule(settings, &Question { verb, by, on, channel: channel.as_ref(), now: *at, change, accounts })
    };
    let counted = |change: &Change| {
        let mut approvals: Vec<UserRef> = Vec::new();
        for user in &change.approvals {
            let again = approvals.iter().chain([&by.user]).any(|other| settings.same_person(other, user));
            let actor = Actor { user: user.clone(), name: "".into() };
            if !again && ask(Verb::Approve, &actor, None).is_allowed() {
                approvals.push(user.clone());
            }
        }
        Change { approvals, ..change.clone() }
    };
    ask(*verb, by, change.as_ref().map(counted).as_ref())
}

/// Asks everything in a table; what is not as expected.
#[must_use]
pub fn differing(gate: &dyn Gate, settings: &Settings, lines: &[Line]) -> Vec<Differs> {
    let differs = |line: &Line| {
        let ruling = answer(gate, settings, &line.case);
        let found: Vec<String> = rules(&ruling).iter().map(|rule| rule.id.clone()).collect();
        let is = answered(&ruling);
        let alike = match (line.answer, is) {
            (Answer::Approval(None), Answer::Approval(_)) => true,
            (wanted, is) => wanted == is,
        };
        let same = alike && (line.rules.is_empty() || line.rules == found);
        let shown = if line.rules.is_empty() { &[][..] } else { &found[..] };
        (!same).then(|| Differs {
            line: line.number,
            expected: told(line.answer, &line.rules),
            found: told(is, if alike { shown } else { &found }),
        })
    };
    lines.iter().filter_map(differs).collect()
}

/// The rules that decided.
#[must_use]
pub fn rules(ruling: &Ruling) -> &[Rule] {
    match ruling {
        Ruling::Allowed(rules) | Ruling::Approval { rules, .. } | Ruling::Refused { rules, .. } => rules,
    }
}

/// A ruling in short.
#[must_use]
pub fn answered(ruling: &Ruling) -> Answer {
    match ruling {
        Ruling::Allowed(_) => Answer::Allowed,
        Ruling::Approval { needs, .. } => Answer::Approval(Some(*needs)),
        Ruling::Refused { .. } => Answer::Refused,
    }
}

fn told(answer: Answer, rules: &[String]) -> String {
    let word = match answer {
        Answer::Allowed => "allowed".to_owned(),
        Answer::Approval(None) => "approval".to_owned(),
        Answer::Approval(Some(needs)) => format!("approval:{needs}"),
        Answer::Refused => "refused".to_owned(),
    };
    if rules.is_empty() { word } else { format!("{word} by {}", rules.join(", ")) }
}
