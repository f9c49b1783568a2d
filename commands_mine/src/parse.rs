//! From what somebody did to an input for the engine.
//!
//! Slash commands, mentions, clicks, menus and forms are read by the same grammar; see
//! [`crate::incident`] and [`crate::alert`]. What can't be read is answered, to the one who
//! typed it alone, with what was wrong and what to type instead.

use operations::card::Card;
use operations::chat::{Act, Actor, Answer, Inbound, Line, ReplyTo};
use operations::command::{Command, Topic};
use operations::incident::Mark;
use operations::input::{Asked, Input};
use operations::state::State;
use operations::text::{Outside, Text};

use crate::line::Words;
use crate::{alert, incident};

/// What is to be done about something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Something to decide about, and who is to be answered. Boxed: it is much larger than nothing.
    Input {
        /// What.
        input: Box<Input>,
        /// Who is to be answered, where somebody is.
        asked: Option<Box<Asked>>,
    },
    /// Nothing.
    Nothing,
}

/// What was wrong with what was typed, and what to type instead. Its words are the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} Try {instead}")]
pub struct Mistake {
    what: String,
    instead: String,
}

impl Mistake {
    /// What was wrong, and what to type instead.
    #[must_use]
    pub fn new(what: impl Into<String>, instead: impl Into<String>) -> Mistake {
        Mistake { what: what.into(), instead: instead.into() }
    }

    /// A subcommand that there isn't, and the one that may have been meant.
    #[must_use]
    pub fn unknown(command: &str, word: &str, near: Option<&str>) -> Mistake {
        let what = format!("There is no /{command} {}.", echo(word));
        match near {
            Some(near) => Mistake::new(format!("{what} Did you mean {near}?"), format!("/{command} {near}")),
            None => Mistake::new(what, format!("/{command} help")),
        }
    }

    fn card(&self) -> Card {
        Card::line(Text::new().outside(&Outside::new(&self.what)).plain(" Try ").code(self.instead.clone()))
    }
}

/// What somebody typed, to be repeated to them: cleaned and short.
pub(crate) fn echo(said: &str) -> String {
    Outside::new(said).short(40).as_str().to_owned()
}

/// The known word that is nearest to what was typed, if one is near at all.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|known| (strsim::jaro_winkler(word, known), known));
    let best = near.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (best.0 > 0.7).then_some(best.1)
}

/// Reads what somebody did.
#[must_use]
pub fn parse(inbound: &Inbound, _state: &State) -> Parsed {
    let Inbound { delivery, by, channel, what } = inbound;
    match what {
        Act::Command { name, line, reply } => {
            let command = slash(name, line, by);
            answered(inbound, command, reply, false)
        }
        Act::Mention { text, reply, .. } => answered(inbound, mention(text, by), reply, false),
        Act::Click { click, chosen, reply, .. } => {
            let text = match chosen {
                Some(chosen) => format!("{click} {chosen}"),
                None => click.clone(),
            };
            answered(inbound, command_line(&text, by), reply, true)
        }
        Act::Submit { click, values, reply } => {
            let command = family(click).and_then(|(name, rest)| {
                let mut words = Words::typed(rest, options(name));
                for (key, value) in values {
                    words.set(key, value);
                }
                read(name, &mut words, by)
            });
            answered(inbound, command, reply, true)
        }
        Act::Reaction { emoji, on, added } if emoji == "📌" => {
            let (by, message) = (by.clone(), on.clone());
            nobody_asked(Input::Marked { by, message, how: Mark::Reaction, added: *added })
        }
        Act::Reaction { .. } => Parsed::Nothing,
        Act::Pin { on, added } => {
            nobody_asked(Input::Marked { by: by.clone(), message: on.clone(), how: Mark::Pin, added: *added })
        }
        Act::Message { .. } => {
            let _ = delivery;
            nobody_asked(Input::Wrote { by: by.clone(), channel: channel.clone() })
        }
    }
}

/// Reads a whole command line, without its slash: what buttons type.
///
/// # Errors
/// What was wrong, and what to type instead.
pub fn command_line(text: &str, by: &Actor) -> Result<Command, Mistake> {
    let (name, rest) = family(text)?;
    read(name, &mut Words::typed(rest, options(name)), by)
}

fn nobody_asked(input: Input) -> Parsed {
    Parsed::Input { input: Box::new(input), asked: None }
}

fn answered(inbound: &Inbound, command: Result<Command, Mistake>, reply: &ReplyTo, quiet: bool) -> Parsed {
    let asked = |answer| {
        Some(Box::new(Asked { delivery: inbound.delivery.clone(), reply: reply.clone(), quiet, answer }))
    };
    match command {
        Ok(command) => {
            let (by, channel) = (inbound.by.clone(), Some(inbound.channel.clone()));
            Parsed::Input { input: Box::new(Input::Command { by, channel, command }), asked: asked(None) }
        }
        Err(mistake) => Parsed::Input {
            input: Box::new(Input::Misunderstood),
            asked: asked(Some(Answer::Private(mistake.card()))),
        },
    }
}

fn slash(name: &str, line: &Line, by: &Actor) -> Result<Command, Mistake> {
    let name = known(name).ok_or_else(|| Mistake::new(format!("Muster has no /{}.", echo(name)), "/muster help"))?;
    read(name, &mut Words::of(&unescaped(line), options(name)), by)
}

/// A mention may leave the command's name out: `@muster resolve`, `@muster ack`.
fn mention(text: &str, by: &Actor) -> Result<Command, Mistake> {
    let text = unescape(text);
    let first = text.split_whitespace().next().unwrap_or_default().trim_start_matches('/').to_lowercase();
    let text = text.trim().trim_start_matches('/');
    if first.is_empty() || first == "help" {
        return Ok(Command::Help(Topic::Here));
    }
    if known(&first).is_none() && incident::subcommand(&first).is_some() {
        return command_line(&format!("incident {text}"), by);
    }
    command_line(text, by)
}

/// Splits a line into the command's name and the rest.
fn family(text: &str) -> Result<(&'static str, &str), Mistake> {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let near = nearest(first, ["incident", "alert", "ack", "muster"]);
    known(&first.to_lowercase()).map(|name| (name, rest)).ok_or_else(|| match near {
        Some(near) => Mistake::new(format!("There is no command {}. Did you mean {near}?", echo(first)), format!("/{near} help")),
        None => Mistake::new(format!("There is no command {}.", echo(first)), "/muster help"),
    })
}

fn known(name: &str) -> Option<&'static str> {
    match name {
        "incident" | "inc" => Some("incident"),
        "alert" | "alerts" => Some("alert"),
        "ack" => Some("ack"),
        "muster" => Some("muster"),
        _ => None,
    }
}

fn options(name: &str) -> &'static [&'static str] {
    match name {
        "incident" => &incident::OPTIONS,
        "alert" | "ack" => &alert::OPTIONS,
        _ => &[],
    }
}

fn read(name: &str, words: &mut Words, by: &Actor) -> Result<Command, Mistake> {
    match name {
        "incident" => incident::parse(words, by.user.platform, &by.user.workspace),
        "alert" => alert::parse(words),
        "ack" => alert::parse_ack(words),
        _ => muster(words),
    }
}

/// `/muster help [all]`.
fn muster(words: &mut Words) -> Result<Command, Mistake> {
    match words.word().as_deref() {
        None => Ok(Command::Help(Topic::Here)),
        Some("help" | "?") => {
            let all = words.option("which").or_else(|| words.word()).is_some_and(|which| which == "all");
            Ok(Command::Help(if all { Topic::All } else { Topic::Here }))
        }
        Some(word) => Err(Mistake::unknown("muster", word, Some("help"))),
    }
}

fn unescaped(line: &Line) -> Line {
    match line {
        Line::Text(text) => Line::Text(unescape(text)),
        Line::Options { .. } => line.clone(),
    }
}

/// Slack writes `&`, `<` and `>` as entities in what people type.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
