//! From what somebody did to an input for the engine.
//!
//! Slash commands, mentions, clicks, menus and forms are read by the same grammar; see
//! [`crate::incident`], [`crate::alert`] and [`crate::muster`]. What can't be read is answered
//! to the one who typed it alone. Adapters have taken their platform's escapes (`&lt;`) off
//! already, so here every character is one that was typed.

use operations::chat::{Act, Actor, Answer, Inbound, ReplyTo};
use operations::command::{Command, Topic};
use operations::ids::IncidentId;
use operations::incident::Mark;
use operations::input::{Asked, Input};
use operations::state::State;

use crate::line::Words;
use crate::mistake::Mistake;
use crate::{alert, deploy, incident, muster};

/// The emoji that puts a message into the timeline.
const MARK: &str = "📌";

/// What is to be done about something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Something to decide about. Boxed: it is much larger than nothing.
    Input {
        /// What.
        input: Box<Input>,
        /// Who is to be answered, where somebody is.
        asked: Option<Box<Asked>>,
    },
    /// Nothing.
    Nothing,
}

/// Who asks, and where: what a line may leave out.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Who.
    pub by: &'a Actor,
    /// What is known: the people above all.
    pub state: &'a State,
    /// The incident whose room it was typed in.
    pub here: Option<IncidentId>,
}

/// A command's family: the word behind the slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Incident,
    Alert,
    Ack,
    Muster,
    Deploy(deploy::Verb),
}

/// Reads what somebody did.
#[must_use]
pub fn parse(inbound: &Inbound, state: &State) -> Parsed {
    let Inbound { by, channel, what, .. } = inbound;
    let asker = Asker { by, state, here: state.incident_of(by.user.platform, channel) };
    match what {
        Act::Command { name, line, reply } => {
            let command = named(name).and_then(|family| read(family, Words::of(line), asker));
            answered(inbound, command, reply, false)
        }
        Act::Mention { text, reply, .. } => answered(inbound, mention(text, asker), reply, false),
        Act::Click { click, chosen, reply, .. } => {
            let text = chosen.as_ref().map_or_else(|| click.clone(), |chosen| format!("{click} {chosen}"));
            answered(inbound, command_line(&text, asker), reply, true)
        }
        Act::Submit { click, values, reply } => {
            let (first, rest) = split(click);
            let words = values.iter().fold(Words::typed(rest), |words, (key, value)| words.with(key, value));
            let command = named(first).and_then(|family| read(family, words, asker));
            answered(inbound, command, reply, true)
        }
        Act::Reaction { emoji, on, added } if is_mark(emoji) => {
            nobody_asked(Input::Marked { by: by.clone(), message: on.clone(), how: Mark::Reaction, added: *added })
        }
        Act::Reaction { .. } => Parsed::Nothing,
        Act::Pin { on, added } => {
            nobody_asked(Input::Marked { by: by.clone(), message: on.clone(), how: Mark::Pin, added: *added })
        }
        Act::Message { .. } => nobody_asked(Input::Wrote { by: by.clone(), channel: channel.clone() }),
    }
}

/// Reads a whole command line without its slash: what buttons type.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn command_line(text: &str, asker: Asker<'_>) -> Result<Command, Mistake> {
    let (first, rest) = split(text);
    read(named(first)?, Words::typed(rest), asker)
}

fn nobody_asked(input: Input) -> Parsed {
    Parsed::Input { input: Box::new(input), asked: None }
}

fn answered(inbound: &Inbound, command: Result<Command, Mistake>, reply: &ReplyTo, quiet: bool) -> Parsed {
    let (input, answer) = match command {
        Ok(command) => {
            let (by, channel) = (inbound.by.clone(), Some(inbound.channel.clone()));
            (Input::Command { by, channel, command }, None)
        }
        Err(mistake) => (Input::Misunderstood, Some(Answer::Private(mistake.card()))),
    };
    let asked = Asked { delivery: inbound.delivery.clone(), reply: reply.clone(), quiet, answer };
    Parsed::Input { input: Box::new(input), asked: Some(Box::new(asked)) }
}

/// A mention may leave the command's name out: `@muster resolve`, `@muster takeover A-3`.
fn mention(text: &str, asker: Asker<'_>) -> Result<Command, Mistake> {
    let text = text.trim().trim_start_matches('/');
    let (first, _) = split(text);
    let word = first.to_lowercase();
    if word.is_empty() || word == "help" {
        return Ok(Command::Help(Topic::Here));
    }
    if let Some(family) = family(&word) {
        let command = command_line(text, asker)?;
        return match family {
            Family::Deploy(verb) => deploy::in_a_message(verb, command),
            Family::Incident | Family::Alert | Family::Ack | Family::Muster => Ok(command),
        };
    }
    if incident::is_subcommand(&word) {
        return incident::parse(Words::typed(text), asker);
    }
    if alert::is_subcommand(&word) {
        return alert::parse(Words::typed(text));
    }
    let known: Vec<&str> = FAMILIES.iter().copied().chain(incident::names()).chain(alert::names()).collect();
    Err(Mistake::unknown("@muster ", first, &known, "@muster help"))
}

/// The first word and the rest.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// Every command's name, as it is told to the platforms.
pub const FAMILIES: [&str; 17] = [
    "incident", "alert", "ack", "muster", "deploy", "rollback", "promote", "lock", "unlock", "locks", "freeze",
    "unfreeze", "approve", "deny", "changes", "where", "why",
];

fn family(name: &str) -> Option<Family> {
    match name {
        "incident" | "inc" | "incidents" => Some(Family::Incident),
        "alert" | "alerts" => Some(Family::Alert),
        "ack" | "acknowledge" => Some(Family::Ack),
        "muster" => Some(Family::Muster),
        _ => deploy::verb(name).map(Family::Deploy),
    }
}

fn named(name: &str) -> Result<Family, Mistake> {
    let name = name.trim_start_matches('/');
    family(&name.to_lowercase()).ok_or_else(|| Mistake::unknown("/", name, &FAMILIES, "/muster help"))
}

fn read(family: Family, words: Words, asker: Asker<'_>) -> Result<Command, Mistake> {
    match family {
        Family::Incident => incident::parse(words, asker),
        Family::Alert => alert::parse(words),
        Family::Ack => alert::parse_ack(words),
        Family::Muster => muster::parse(words),
        Family::Deploy(verb) => deploy::parse(verb, words, asker),
    }
}

/// Whether a reaction puts a message into the timeline. Some clients put a variation selector behind an emoji.
#[must_use]
pub fn is_mark(emoji: &str) -> bool {
    emoji.trim_end_matches('\u{fe0f}') == MARK
}
