//! `/deploy` and what belongs to it.
//!
//! ```text
//! deploy   [start] SERVICE[@REF] [to ENV] [NAME=VALUE…] [--dry-run] [--break-glass] [--reason WORDS]
//! deploy   status|cancel|retry|ran|didnot|look [D-1] · history [SERVICE] · gate approve|reject D-1 [GATE]
//! deploy   rollback SERVICE ENV (offers it)
//! rollback SERVICE [ENV] [to RELEASE] [--reason WORDS]
//! promote  SERVICE ENV to ENV [--reason WORDS]
//! lock     SERVICE ENV [for 2h|until 18:00] [WORDS] · unlock SERVICE ENV · locks
//! freeze   [production|all|ENV|SERVICE [ENV]] [for 2h|until 18:00] [WORDS] · unfreeze [FREEZE-1]
//! approve  [D-1] [PLAN] · deny [D-1] [WORDS]
//! changes  [SERVICE] [7d] · where SERVICE · why D-1|A-1
//! ```
//! What holds: services and environments are those of the configuration; a reference is checked before anybody
//! else sees it ([`mod@reference`]); nothing is guessed where it changes what is done.

pub(crate) mod answers;
mod asks;
mod flags;
mod holds;
mod line;
pub mod reference;
pub(crate) mod refusals;
mod spans;
mod starts;

use operations::command::{Command, Topic};
use operations::deploy::command::{DeployAsk, DeployCommand};
use operations::text::Text;

use self::flags::Flags;
use self::line::Line;
use crate::line::Words;
use crate::mistake::Mistake;
use crate::parse::Asker;

/// The commands of this family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `/deploy`.
    Deploy,
    /// `/rollback`.
    Rollback,
    /// `/promote`.
    Promote,
    /// `/lock`.
    Lock,
    /// `/unlock`.
    Unlock,
    /// `/locks`.
    Locks,
    /// `/freeze`.
    Freeze,
    /// `/unfreeze`.
    Unfreeze,
    /// `/approve`.
    Approve,
    /// `/deny`.
    Deny,
    /// `/changes`.
    Changes,
    /// `/where`.
    Where,
    /// `/why`.
    Why,
}

/// The command that a word names, in lower case.
#[must_use]
pub fn verb(name: &str) -> Option<Verb> {
    Some(match name {
        "deploy" | "deploys" => Verb::Deploy,
        "rollback" => Verb::Rollback,
        "promote" => Verb::Promote,
        "lock" => Verb::Lock,
        "unlock" => Verb::Unlock,
        "locks" => Verb::Locks,
        "freeze" => Verb::Freeze,
        "unfreeze" => Verb::Unfreeze,
        "approve" => Verb::Approve,
        "deny" => Verb::Deny,
        "changes" => Verb::Changes,
        "where" => Verb::Where,
        "why" => Verb::Why,
        _ => return None,
    })
}

/// What may be asked in a message. Whoever writes one may not be who it says, and it can be edited afterwards: what changes
/// anything takes a slash command or a button, which carry the platform's own word for who acted.
///
/// # Errors
/// It would change something.
pub fn in_a_message(verb: Verb, command: Command) -> Result<Command, Mistake> {
    let reads = match &command {
        Command::Deploy(command) => match command {
            DeployCommand::Status
            | DeployCommand::History { .. }
            | DeployCommand::Where { .. }
            | DeployCommand::Changes { .. }
            | DeployCommand::Locks
            | DeployCommand::OfferRollback(_)
            | DeployCommand::Why(_) => true,
            DeployCommand::About { ask, .. } => *ask == DeployAsk::Show,
            DeployCommand::Start(_)
            | DeployCommand::Lock { .. }
            | DeployCommand::KeepLock { .. }
            | DeployCommand::Unlock { .. }
            | DeployCommand::Freeze { .. }
            | DeployCommand::Unfreeze { .. }
            | DeployCommand::Form => false,
        },
        _ => true,
    };
    if reads {
        return Ok(command);
    }
    let what = "Nothing is deployed, approved, locked or frozen by a message. Use the slash command, or the button on the card.";
    Err(Mistake::new(Text::new().plain(what), format!("/{}", word(verb))))
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Deploy => "deploy",
        Verb::Rollback => "rollback",
        Verb::Promote => "promote",
        Verb::Lock => "lock",
        Verb::Unlock => "unlock",
        Verb::Locks => "locks",
        Verb::Freeze => "freeze",
        Verb::Unfreeze => "unfreeze",
        Verb::Approve => "approve",
        Verb::Deny => "deny",
        Verb::Changes => "changes",
        Verb::Where => "where",
        Verb::Why => "why",
    }
}

/// Reads what stands behind a command of this family.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn parse(verb: Verb, words: Words, asker: Asker<'_>) -> Result<Command, Mistake> {
    if matches!(words.peek(), Some("help" | "?")) {
        return Ok(Command::Help(Topic::Deploy));
    }
    let line = Line { words, flags: Flags::default(), verb, settings: &asker.state.settings };
    let command = match verb {
        Verb::Deploy => line.deploy(),
        Verb::Rollback => line.rollback(),
        Verb::Promote => line.promote(),
        Verb::Lock => line.lock(),
        Verb::Unlock => line.unlock(),
        Verb::Locks => Ok(DeployCommand::Locks),
        Verb::Freeze => line.freeze(),
        Verb::Unfreeze => line.unfreeze(),
        Verb::Approve => line.approve(),
        Verb::Deny => line.deny(),
        Verb::Changes => line.changes(),
        Verb::Where => line.where_is(),
        Verb::Why => return line.why(asker.state),
    };
    command.map(Command::Deploy)
}
