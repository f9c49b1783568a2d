//! `/alert` and `/ack`.
//!
//! ```text
//! alert list · show [A-1] · ack [A-1] · unack [A-1] · takeover [A-1]
//! ack [A-1]
//! ```
//! Where only one alert group can be meant, its number can be left out.

use operations::command::{AlertAsk, Command, Topic};

use crate::incident::read_alert;
use crate::line::Words;
use crate::parse::{Mistake, nearest};

/// The options that may be typed in an `/alert` line.
pub const OPTIONS: [&str; 1] = ["alert"];

const SUBCOMMANDS: [&str; 6] = ["list", "show", "ack", "unack", "takeover", "help"];

/// Reads what stands behind `/alert`.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse(words: &mut Words) -> Result<Command, Mistake> {
    let Some(word) = words.word() else { return Ok(Command::ListAlerts) };
    let ask = match word.as_str() {
        "list" | "ls" => return Ok(Command::ListAlerts),
        "help" | "?" => return Ok(Command::Help(Topic::Alert)),
        "show" | "why" => AlertAsk::Show,
        "ack" | "acknowledge" => AlertAsk::Acknowledge,
        "unack" | "unacknowledge" | "undo" => AlertAsk::Unacknowledge,
        "takeover" | "take-over" | "take" => AlertAsk::TakeOver,
        _ => return Err(Mistake::unknown("alert", &word, nearest(&word, SUBCOMMANDS))),
    };
    group(words, ask)
}

/// Reads what stands behind `/ack`.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse_ack(words: &mut Words) -> Result<Command, Mistake> {
    group(words, AlertAsk::Acknowledge)
}

fn group(words: &mut Words, ask: AlertAsk) -> Result<Command, Mistake> {
    let said = words.option("alert").or_else(|| words.word());
    let group = said.map(|said| read_alert(&said)).transpose()?;
    Ok(Command::Alert { group, ask })
}
