//! `/muster`.
//!
//! ```text
//! muster
//! muster status
//! muster help [all|incident|alert|deploy]
//! ```

use operations::command::{Command, Topic};

use crate::line::Words;
use crate::mistake::Mistake;

/// Reads what stands behind `/muster`.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse(mut words: Words) -> Result<Command, Mistake> {
    match words.word().as_deref() {
        None => Ok(Command::Help(Topic::Here)),
        Some("status") => Ok(Command::Status),
        Some("help" | "?") => {
            words.lift(&["which"], |_| true);
            let which = words.option("which").or_else(|| words.word());
            match which.map(|which| which.to_lowercase()).as_deref() {
                None | Some("here") => Ok(Command::Help(Topic::Here)),
                Some("all") => Ok(Command::Help(Topic::All)),
                Some("incident" | "incidents") => Ok(Command::Help(Topic::Incident)),
                Some("alert" | "alerts" | "ack") => Ok(Command::Help(Topic::Alert)),
                Some("deploy" | "deploys") => Ok(Command::Help(Topic::Deploy)),
                Some(other) => Err(Mistake::unknown(
                    "/muster help ",
                    other,
                    &["all", "incident", "alert", "deploy"],
                    "/muster help all",
                )),
            }
        }
        Some(word) => Err(Mistake::unknown("/muster ", word, &["status", "help"], "/muster help")),
    }
}
