//! `/alert` and `/ack`.
//!
//! ```text
//! alert [list] · alert show [A-1] · ack [A-1] · unack [A-1] · takeover [A-1] · help
//! alert A-1 [show|ack|unack|takeover]
//! ack [A-1]
//! ```
//! Where only one alert group can be meant, its number can be left out. Words that somebody
//! adds ("ack A-1 on it") are no reason to refuse; a second number is one.

use operations::command::{AlertAsk, Command, Topic};
use operations::ids::GroupId;

use crate::line::Words;
use crate::mistake::Mistake;

/// The subcommands, with the words that people also use for them.
const SUBCOMMANDS: [(&str, &[&str]); 6] = [
    ("list", &["ls"]),
    ("show", &["why", "info"]),
    ("ack", &["acknowledge"]),
    ("unack", &["unacknowledge", "undo"]),
    ("takeover", &["take-over", "take"]),
    ("help", &["?"]),
];

/// The names of the subcommands.
pub fn names() -> impl Iterator<Item = &'static str> {
    SUBCOMMANDS.iter().map(|(name, _)| *name)
}

/// Whether a word, in lower case, is a subcommand.
#[must_use]
pub fn is_subcommand(word: &str) -> bool {
    subcommand(word).is_some()
}

/// Reads what stands behind `/alert`.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse(mut words: Words) -> Result<Command, Mistake> {
    let first = words.peek().and_then(full_id);
    if first.is_some() {
        words.word();
    }
    let Some(word) = words.word() else {
        return Ok(match first {
            Some(group) => Command::Alert { group: Some(group), ask: AlertAsk::Show },
            None => Command::ListAlerts,
        });
    };
    let Some(name) = subcommand(&word) else {
        let names: Vec<&str> = names().collect();
        return Err(Mistake::unknown("/alert ", &word, &names, "/alert help"));
    };
    let ask = match name {
        "list" => return Ok(Command::ListAlerts),
        "help" => return Ok(Command::Help(Topic::Alert)),
        "ack" => AlertAsk::Acknowledge,
        "unack" => AlertAsk::Unacknowledge,
        "takeover" => AlertAsk::TakeOver,
        _ => AlertAsk::Show,
    };
    match first {
        Some(_) => one(first, &words, ask),
        None => group(words, ask),
    }
}

/// Reads what stands behind `/ack`.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse_ack(words: Words) -> Result<Command, Mistake> {
    if matches!(words.peek(), Some("help" | "?")) {
        return Ok(Command::Help(Topic::Alert));
    }
    group(words, AlertAsk::Acknowledge)
}

/// Reads an alert group's number as people type it: `A-3`, `a3`, `3`.
///
/// # Errors
/// What was typed is no such number.
pub(crate) fn read_id(said: &str) -> Result<GroupId, Mistake> {
    let said = said.trim_end_matches([':', ',', '.']);
    said.parse().map_err(|_| Mistake::odd(said, "is no alert. They are numbered: A-1, A-2…", "/alert list"))
}

/// A number in full, `A-3`: what can't be a word of a sentence.
pub(crate) fn full_id(word: &str) -> Option<GroupId> {
    let digits = word.strip_prefix("A-").or_else(|| word.strip_prefix("a-"))?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok().map(GroupId) } else { None }
}

fn subcommand(word: &str) -> Option<&'static str> {
    SUBCOMMANDS.iter().find(|(name, also)| *name == word || also.contains(&word)).map(|(name, _)| *name)
}

fn group(mut words: Words, ask: AlertAsk) -> Result<Command, Mistake> {
    words.lift(&["alert"], |_| true);
    let said = words.option("alert").or_else(|| words.word());
    let group = said.map(|said| read_id(&said)).transpose()?;
    one(group, &words, ask)
}

fn one(group: Option<GroupId>, words: &Words, ask: AlertAsk) -> Result<Command, Mistake> {
    let second = words.text().split_whitespace().find_map(|word| full_id(word.trim_end_matches([',', '.'])));
    match (group, second) {
        (Some(first), Some(second)) if first != second => Err(Mistake::odd(
            words.text(),
            "is one alert too many. One at a time.",
            format!("/{}", crate::click::alert_line(ask, first)),
        )),
        _ => Ok(Command::Alert { group, ask }),
    }
}
