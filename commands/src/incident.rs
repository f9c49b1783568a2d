//! `/incident`.
//!
//! ```text
//! incident                                             what can be done here
//! incident declare [title…] [sev:SEV2] [alert:A-3]     without a title: a form; also `declare A-3`
//! incident list [all] · show · timeline · postmortem · help
//! incident sev [SEV1]                                  without one: choose
//! incident role [commander|communications|scribe] [@someone|me|nobody]
//! incident note [text] · update [text]                 without words: a form
//! incident action <text> · mitigate [text] · resolve [text] · reopen [text]
//! incident INC-1 [subcommand …]
//! ```
//! In all but `declare` and `list`, `INC-1` may stand first or last behind the subcommand, or as
//! `incident:INC-1`; in a room it can be left out. Within an incident's room, the number of
//! *another* one at the end of a sentence is a part of the sentence ("looks like INC-3"), and
//! where that would move the wrong incident along it is asked for.

use operations::command::{Ask, Command, FormKind, Holder, Topic};
use operations::ids::{IncidentId, UserRef};
use operations::incident::{Role, Severity};
use operations::text::{Outside, Text};

use crate::alert::{full_id as alert_id, read_id as read_alert};
use crate::line::Words;
use crate::mistake::{Mistake, nearest};
use crate::names;
use crate::parse::Asker;

/// The subcommands, with the words that people also use for them.
const SUBCOMMANDS: [(&str, &[&str]); 15] = [
    ("declare", &["new", "create", "open", "start"]),
    ("list", &["ls"]),
    ("show", &["status", "info"]),
    ("sev", &["severity"]),
    ("role", &["roles", "assign"]),
    ("note", &["notes"]),
    ("update", &["post"]),
    ("action", &["action-item", "followup", "follow-up"]),
    ("mitigate", &["mitigated"]),
    ("resolve", &["resolved", "close", "fixed"]),
    ("reopen", &["unresolve"]),
    ("timeline", &["log"]),
    ("postmortem", &["retro"]),
    ("help", &["?"]),
    ("ic", &["lead", "commander"]),
];

/// What may stand behind a subcommand besides the incident's number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Nothing: a bare number is the incident's.
    Nothing,
    /// Words of a closed set.
    Closed,
    /// Free words that are kept.
    Said,
    /// Free words, and the incident moves on.
    Moves,
}

/// The names of the subcommands.
pub fn names() -> impl Iterator<Item = &'static str> {
    SUBCOMMANDS.iter().map(|(name, _)| *name)
}

/// Whether a word, in lower case, is a subcommand.
#[must_use]
pub fn is_subcommand(word: &str) -> bool {
    subcommand(word).is_some()
}

/// Reads what stands behind `/incident`.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse(mut words: Words, asker: Asker<'_>) -> Result<Command, Mistake> {
    let first = words.peek().and_then(full_id);
    if first.is_some() {
        words.word();
    }
    let Some(word) = words.word() else {
        return Ok(match first {
            Some(id) => Command::Incident { incident: Some(id), ask: Ask::Show },
            None => Command::Help(Topic::Incident),
        });
    };
    let Some(name) = subcommand(&word) else {
        let names: Vec<&str> = names().collect();
        return Err(Mistake::unknown("/incident ", &word, &names, "/incident help"));
    };
    match name {
        "declare" => return declare(words, asker),
        "list" => return list(words),
        "help" => return Ok(Command::Help(Topic::Incident)),
        _ => {}
    }
    let behind = match name {
        "show" | "timeline" | "postmortem" => Behind::Nothing,
        "sev" | "role" | "ic" => Behind::Closed,
        "note" | "update" | "action" => Behind::Said,
        _ => Behind::Moves,
    };
    let incident = match first {
        Some(id) => Some(id),
        None => which(&mut words, asker, name, behind)?,
    };
    let ask = match name {
        "show" => Ask::Show,
        "timeline" => Ask::ShowTimeline,
        "postmortem" => Ask::WritePostmortem,
        "sev" => severity(&mut words)?,
        "role" => role(&mut words, asker)?,
        "ic" => Ask::SetRole(Role::Commander, holder(&mut words, asker)?),
        "note" => match said(&mut words, asker) {
            Some(text) => Ask::AddNote(text),
            None => return Ok(Command::Open(FormKind::Note(incident))),
        },
        "update" => match update(&mut words, asker) {
            Some(text) => Ask::PostUpdate(text),
            None => return Ok(Command::Open(FormKind::Update(incident))),
        },
        "action" => Ask::AddAction(said(&mut words, asker).ok_or_else(|| {
            Mistake::new(
                Text::new().plain("An action item needs words."),
                "/incident action Alert earlier on cart errors",
            )
        })?),
        "mitigate" => Ask::Mitigate(said(&mut words, asker)),
        "resolve" => Ask::Resolve(said(&mut words, asker)),
        "reopen" => Ask::Reopen(said(&mut words, asker)),
        _ => return Ok(Command::Help(Topic::Incident)),
    };
    let over = words.text();
    if matches!(behind, Behind::Nothing | Behind::Closed) && !over.is_empty() {
        let instead = match name {
            "sev" => "/incident sev SEV2",
            "role" | "ic" => "/incident role commander me",
            _ => "/incident show INC-1",
        };
        return Err(Mistake::odd(over, "is more than I understand there.", instead));
    }
    Ok(Command::Incident { incident, ask })
}

/// A number in full, `INC-4`: what can't be a word of a sentence.
pub(crate) fn full_id(word: &str) -> Option<IncidentId> {
    let head = word.get(..3).filter(|head| head.eq_ignore_ascii_case("inc"))?;
    let digits = word[head.len()..].trim_end_matches([':', ',']);
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok().map(IncidentId) } else { None }
}

fn subcommand(word: &str) -> Option<&'static str> {
    SUBCOMMANDS.iter().find(|(name, also)| *name == word || also.contains(&word)).map(|(name, _)| *name)
}

fn declare(mut words: Words, asker: Asker<'_>) -> Result<Command, Mistake> {
    let chosen = words.option("severity");
    words.lift(&["sev", "severity"], |_| true);
    words.lift(&["alert"], |_| true);
    let instead = "/incident declare Checkout is down sev:SEV2";
    let said = chosen.or_else(|| words.option("sev"));
    let mut severity = said.map(|said| read_severity(&said, instead)).transpose()?;
    let mut alert = words.option("alert").map(|said| read_alert(&said)).transpose()?;
    let mut typed = words.text().to_owned();
    // A button types the bare number of the alert group: that opens the form for it.
    if let (None, Some(only)) = (alert, alert_id(&typed)) {
        alert = Some(only);
        typed.clear();
    }
    // `declare Checkout is down sev1` means what it says.
    if let (None, Some((title, last))) = (severity, typed.trim_end().rsplit_once(char::is_whitespace))
        && last.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("sev"))
        && let Ok(meant) = last.parse()
    {
        severity = Some(meant);
        typed = title.to_owned();
    }
    let title = words.option("title").unwrap_or(typed);
    if title.trim().is_empty() {
        return Ok(Command::Open(FormKind::Declare(alert)));
    }
    let title = names::readable(asker.state, asker.by, &title);
    Ok(Command::Declare { title: Outside::new(&title), severity, alert })
}

fn list(mut words: Words) -> Result<Command, Mistake> {
    let which = words.option("which").or_else(|| words.word());
    match which.map(|which| which.to_lowercase()).as_deref() {
        None | Some("open") => Ok(Command::ListIncidents { all: false }),
        Some("all") => Ok(Command::ListIncidents { all: true }),
        Some(other) => Err(Mistake::unknown("/incident list ", other, &["all", "open"], "/incident list all")),
    }
}

/// The incident that was named, if one was.
fn which(words: &mut Words, asker: Asker<'_>, name: &str, behind: Behind) -> Result<Option<IncidentId>, Mistake> {
    if let Some(said) = words.option("incident") {
        return said
            .parse()
            .map(Some)
            .map_err(|_| Mistake::odd(&said, "is no incident. They are numbered: INC-1, INC-2…", "/incident list"));
    }
    // What stands first is never taken for a part of the sentence, so buttons put it there.
    let read = |word: &str| match behind {
        Behind::Nothing => full_id(word).or_else(|| word.parse().ok()),
        Behind::Closed | Behind::Said | Behind::Moves => full_id(word),
    };
    if let Some(id) = words.peek().and_then(read) {
        words.word();
        return Ok(Some(id));
    }
    words.lift(&["incident", "inc"], |value| full_id(value).is_some() || value.parse::<IncidentId>().is_ok());
    if let Some(id) = words.option("incident").and_then(|said| said.parse().ok()) {
        return Ok(Some(id));
    }
    let Some(id) = words.last().and_then(full_id) else { return Ok(None) };
    let elsewhere = asker.here.is_some_and(|here| here != id);
    match (behind, asker.here) {
        (Behind::Said, Some(_)) if elsewhere => Ok(None),
        (Behind::Moves, Some(here)) if elsewhere => Err(Mistake::new(
            Text::new().plain(format!(
                "This is the room of {here}, and your words end with {id}. Put the one that you mean first: {here} or {id}."
            )),
            format!("/incident {name} {here} …"),
        )),
        _ => {
            words.drop_last();
            Ok(Some(id))
        }
    }
}

fn severity(words: &mut Words) -> Result<Ask, Mistake> {
    words.lift(&["severity", "sev"], |_| true);
    let said = words.option("severity").or_else(|| words.word());
    said.map_or(Ok(Ask::ChooseSeverity), |said| read_severity(&said, "/incident sev SEV2").map(Ask::SetSeverity))
}

fn read_severity(said: &str, instead: &str) -> Result<Severity, Mistake> {
    match said.trim().to_lowercase().as_str() {
        "critical" => Ok(Severity::Sev1),
        "major" => Ok(Severity::Sev2),
        "minor" => Ok(Severity::Sev3),
        "cosmetic" => Ok(Severity::Sev4),
        other => other.parse().map_err(|_| {
            Mistake::odd(said, "is no severity. There are SEV1 (the worst), SEV2, SEV3 and SEV4.", instead)
        }),
    }
}

fn role(words: &mut Words, asker: Asker<'_>) -> Result<Ask, Mistake> {
    words.lift(&["role"], |_| true);
    let Some(said) = words.option("role").or_else(|| words.word()) else { return Ok(Ask::ChooseRole) };
    let role: Role = said.parse().map_err(|_| {
        let near = nearest(&said, &Role::ALL.map(Role::key)).unwrap_or("commander");
        let instead = format!("/incident role {near} me");
        Mistake::odd(&said, "is no role. There are commander, communications and scribe.", instead)
    })?;
    Ok(Ask::SetRole(role, holder(words, asker)?))
}

/// Who gets the role: `@someone`, a known person's name, `me` (also where nobody is said), or `nobody`.
fn holder(words: &mut Words, asker: Asker<'_>) -> Result<Holder, Mistake> {
    words.lift(&["who"], |_| true);
    let said = match words.option("who") {
        Some(said) => said,
        None => {
            let said = words.text().to_owned();
            *words = Words::typed("");
            said
        }
    };
    let said = said.trim();
    let name = said.strip_prefix("to ").unwrap_or(said).trim();
    match name.to_lowercase().as_str() {
        "" | "me" | "@me" | "myself" => return Ok(Holder::Me),
        "nobody" | "none" | "noone" | "-" => return Ok(Holder::Nobody),
        _ => {}
    }
    if let Some(user) = mentioned(name) {
        let UserRef { platform, workspace, .. } = &asker.by.user;
        return Ok(Holder::User(UserRef { platform: *platform, workspace: workspace.clone(), user: user.to_owned() }));
    }
    known(name, asker).map(Holder::User).ok_or_else(|| {
        let why = "is nobody that I can find. Mention the person, or say me or nobody.";
        Mistake::odd(name, why, "/incident role commander me")
    })
}

/// The account in `<@U123>`, `<@U123|ann>` or `<@!42>`. Groups and roles (`<@&42>`) are nobody.
fn mentioned(said: &str) -> Option<&str> {
    let inner = said.strip_prefix("<@")?.strip_suffix('>')?;
    let id = inner.split('|').next()?.trim_start_matches('!');
    let plain = !id.is_empty() && id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(id)
}

/// The account, here, of somebody who is known by this name or key.
fn known(name: &str, asker: Asker<'_>) -> Option<UserRef> {
    let name = name.trim_start_matches('@').to_lowercase();
    let same = |other: &str| other.to_lowercase() == name;
    let mut people = asker.state.settings.people.iter().filter(|it| same(&it.key) || same(it.name.as_str()));
    let (person, another) = (people.next()?, people.next());
    // Two of the same name can't be told apart by it.
    if another.is_some() {
        return None;
    }
    let here =
        |account: &&UserRef| account.platform == asker.by.user.platform && account.workspace == asker.by.user.workspace;
    person.accounts.iter().find(here).cloned()
}

fn said(words: &mut Words, asker: Asker<'_>) -> Option<Outside> {
    let said = words.option("text").unwrap_or_else(|| words.text().to_owned());
    let said = names::readable(asker.state, asker.by, said.trim());
    Some(Outside::new(&said)).filter(|text| !text.is_empty())
}

/// An update may come from a form that has a field of its own for what is needed.
fn update(words: &mut Words, asker: Asker<'_>) -> Option<Outside> {
    let needs = words.option("needs");
    let text = said(words, asker)?;
    Some(match needs {
        Some(needs) => Outside::new(&format!("{}\nNeeds: {}", text.as_str(), needs.trim())),
        None => text,
    })
}
