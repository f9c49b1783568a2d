//! `/incident`, alone and on its subcommands.
//!
//! ```text
//! incident                                 what can be done here
//! incident declare [title…] [sev:SEV2] [alert:A-3]     without a title: a form
//! incident list [all] · show [INC-1] · timeline · postmortem
//! incident sev [SEV1] · role [commander|communications|scribe] [@someone|me|nobody]
//! incident note [text] · update [text] · action <text>
//! incident mitigate [text] · resolve [text] · reopen [text]
//! ```
//! `INC-n` may stand first or last in any of them; in an incident's room it can be left out.

use operations::command::{Ask, Command, FormKind, Holder, Topic};
use operations::ids::{GroupId, IncidentId, Platform, UserRef};
use operations::incident::{Role, Severity};
use operations::text::Outside;

use crate::line::Words;
use crate::parse::{Mistake, nearest};

/// The options that may be typed in an `/incident` line.
pub const OPTIONS: [&str; 11] =
    ["title", "sev", "severity", "alert", "incident", "role", "who", "text", "needs", "which", "inc"];

/// The subcommands, with the words that people also use for them.
const SUBCOMMANDS: [(&str, &[&str]); 15] = [
    ("declare", &["new", "create", "open", "start"]),
    ("list", &["ls"]),
    ("show", &["status", "info"]),
    ("sev", &["severity"]),
    ("role", &["roles"]),
    ("note", &["notes"]),
    ("update", &["post"]),
    ("action", &["action-item", "followup", "follow-up"]),
    ("mitigate", &["mitigated"]),
    ("resolve", &["resolved", "close", "fixed"]),
    ("reopen", &["unresolve"]),
    ("timeline", &["log"]),
    ("postmortem", &["retro", "postmortems"]),
    ("help", &["?"]),
    ("ic", &["lead", "commander"]),
];

/// The subcommand that a word stands for.
#[must_use]
pub fn subcommand(word: &str) -> Option<&'static str> {
    let stands = |(name, also): &&(&'static str, &[&str])| *name == word || also.contains(&word);
    SUBCOMMANDS.iter().find(stands).map(|(name, _)| *name)
}

/// Reads what stands behind `/incident`.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse(words: &mut Words, platform: Platform, workspace: &str) -> Result<Command, Mistake> {
    let Some(word) = words.word() else { return Ok(Command::Help(Topic::Incident)) };
    let Some(name) = subcommand(&word) else {
        let names = SUBCOMMANDS.iter().map(|(name, _)| *name);
        return Err(Mistake::unknown("incident", &word, nearest(&word, names)));
    };
    if name == "declare" {
        return declare(words);
    }
    if name == "list" {
        let which = words.option("which").or_else(|| words.word());
        return Ok(Command::ListIncidents { all: which.is_some_and(|which| which == "all") });
    }
    if name == "help" {
        return Ok(Command::Help(Topic::Incident));
    }
    let incident = which(words)?;
    let ask = match name {
        "show" => Ask::Show,
        "timeline" => Ask::ShowTimeline,
        "postmortem" => Ask::WritePostmortem,
        "sev" => severity(words)?,
        "role" => role(words, platform, workspace)?,
        "ic" => Ask::SetRole(Role::Commander, holder(words, platform, workspace)?),
        "note" => match text(words) {
            Some(text) => Ask::AddNote(text),
            None => return Ok(Command::Open(FormKind::Note(incident))),
        },
        "update" => match update(words) {
            Some(text) => Ask::PostUpdate(text),
            None => return Ok(Command::Open(FormKind::Update(incident))),
        },
        "action" => Ask::AddAction(text(words).ok_or_else(|| {
            Mistake::new("An action item needs words.", "/incident action Alert earlier on cart errors")
        })?),
        "mitigate" => Ask::Mitigate(text(words)),
        "resolve" => Ask::Resolve(text(words)),
        _ => Ask::Reopen(text(words)),
    };
    Ok(Command::Incident { incident, ask })
}

fn declare(words: &mut Words) -> Result<Command, Mistake> {
    let severity = match words.option("sev").or_else(|| words.option("severity")) {
        Some(said) => Some(read_severity(&said)?),
        None => None,
    };
    let alert = match words.option("alert") {
        Some(said) => Some(read_alert(&said)?),
        None => None,
    };
    // A button types the bare id of the alert group: that opens the form for it.
    let only = |words: &Words| words.text().strip_prefix("A-").and_then(|_| words.text().parse::<GroupId>().ok());
    let (alert, title) = match (alert, only(words), words.option("title")) {
        (None, Some(group), title) => (Some(group), title),
        (alert, _, Some(title)) => (alert, Some(title)),
        (alert, _, None) => (alert, Some(words.text().to_owned()).filter(|text| !text.is_empty())),
    };
    match title {
        Some(title) => Ok(Command::Declare { title: Outside::new(&title), severity, alert }),
        None => Ok(Command::Open(FormKind::Declare(alert))),
    }
}

fn severity(words: &mut Words) -> Result<Ask, Mistake> {
    let said = words.option("severity").or_else(|| words.option("sev")).or_else(|| words.word());
    said.map_or(Ok(Ask::ChooseSeverity), |said| read_severity(&said).map(Ask::SetSeverity))
}

fn role(words: &mut Words, platform: Platform, workspace: &str) -> Result<Ask, Mistake> {
    let Some(said) = words.option("role").or_else(|| words.word()) else { return Ok(Ask::ChooseRole) };
    let role: Role = said.parse().map_err(|_| {
        let near = nearest(&said, Role::ALL.iter().map(|role| role.key()));
        let what = format!("There is no role \"{}\". Roles: commander, communications, scribe.", crate::parse::echo(&said));
        Mistake::new(what, format!("/incident role {} me", near.unwrap_or("commander")))
    })?;
    Ok(Ask::SetRole(role, holder(words, platform, workspace)?))
}

/// Who gets the role: `@someone`, `me` (also where nobody is said), or `nobody`.
fn holder(words: &mut Words, platform: Platform, workspace: &str) -> Result<Holder, Mistake> {
    let Some(said) = words.option("who").or_else(|| words.peek().map(str::to_owned)) else { return Ok(Holder::Me) };
    match said.to_lowercase().as_str() {
        "me" => return Ok(Holder::Me),
        "nobody" | "none" | "-" => return Ok(Holder::Nobody),
        _ => {}
    }
    let id = said.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>')).map(|rest| rest.trim_start_matches('!'));
    // Slack writes the name behind the id: <@U123|ann>.
    let id = id.and_then(|id| id.split('|').next()).filter(|id| !id.is_empty());
    match id {
        Some(user) => {
            Ok(Holder::User(UserRef { platform, workspace: workspace.to_owned(), user: user.to_owned() }))
        }
        None => Err(Mistake::new(
            format!("\"{}\" is nobody that can be found. Mention the person, or say me or nobody.", crate::parse::echo(&said)),
            "/incident role commander @ann",
        )),
    }
}

fn text(words: &mut Words) -> Option<Outside> {
    let said = words.option("text").unwrap_or_else(|| words.text().to_owned());
    Some(Outside::new(&said)).filter(|text| !text.is_empty())
}

/// An update may come from a form with what is needed as a field of its own.
fn update(words: &mut Words) -> Option<Outside> {
    let needs = words.option("needs");
    let text = text(words)?;
    Some(match needs {
        Some(needs) => Outside::new(&format!("{}\nNeeds: {needs}", text.as_str())),
        None => text,
    })
}

fn which(words: &mut Words) -> Result<Option<IncidentId>, Mistake> {
    if let Some(said) = words.option("incident").or_else(|| words.option("inc")) {
        return said.parse().map(Some).map_err(|_| {
            Mistake::new(
                format!("\"{}\" is no incident. They are numbered: INC-1, INC-2…", crate::parse::echo(&said)),
                "/incident list",
            )
        });
    }
    // A bare number may be part of what is said, so only the full form counts.
    Ok(words.edge(|word| word.get(..4).filter(|head| head.eq_ignore_ascii_case("inc-")).and_then(|_| word.parse().ok())))
}

fn read_severity(said: &str) -> Result<Severity, Mistake> {
    said.parse().map_err(|_| {
        let what = format!("\"{}\" is no severity. There are SEV1 (the worst), SEV2, SEV3 and SEV4.", crate::parse::echo(said));
        Mistake::new(what, "/incident sev SEV2")
    })
}

pub(crate) fn read_alert(said: &str) -> Result<GroupId, Mistake> {
    said.parse().map_err(|_| {
        let what = format!("\"{}\" is no alert. They are numbered: A-1, A-2…", crate::parse::echo(said));
        Mistake::new(what, "/alert list")
    })
}
