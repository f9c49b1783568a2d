//! What comes in from a chat, and what chats are told about Muster's commands.
//!
//! One closed enum for everything a person does, whatever the platform. The adapters make
//! it; `commands` reads it. Types of a platform's wire format don't appear here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::card::Form;
use crate::ids::{ChannelId, MessageId, MessageRef, Platform, UserRef};
use crate::text::Outside;

/// One thing that one person did in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The platform's id of this delivery: the same again when it is delivered again.
    pub delivery: String,
    /// Who did it.
    pub by: Actor,
    /// The channel where it was done.
    pub channel: ChannelId,
    /// What was done.
    pub what: Act,
}

/// Somebody who acts: an account, and the name it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The account.
    pub user: UserRef,
    /// The name that the platform gave with it; empty where it gave none.
    pub name: Outside,
}

/// What a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Typed a slash command.
    Command {
        /// Its name without the slash: `incident`.
        name: String,
        /// The rest of it.
        line: Line,
        /// Where the answer goes.
        reply: ReplyTo,
    },
    /// Wrote a message that begins by mentioning the bot (`@muster ack`); the mention is taken off.
    Mention {
        /// What stood after the mention.
        text: String,
        /// The message; the answer goes into its thread.
        message: MessageRef,
        /// Where the answer goes.
        reply: ReplyTo,
    },
    /// Clicked a button or chose from a menu.
    Click {
        /// The button's or menu's command.
        click: String,
        /// What was chosen from a menu.
        chosen: Option<String>,
        /// The message that holds the button.
        message: MessageRef,
        /// Where the answer goes.
        reply: ReplyTo,
    },
    /// Sent a form.
    Submit {
        /// The form's command.
        click: String,
        /// What was filled in, by [`crate::card::Field::key`]. Empty fields are left out.
        values: BTreeMap<String, String>,
        /// Where the answer goes.
        reply: ReplyTo,
    },
    /// Put a reaction on a message, or took it away.
    Reaction {
        /// The emoji itself (`📌`), or the name of a custom one.
        emoji: String,
        /// On what.
        on: MessageRef,
        /// Put or taken away.
        added: bool,
    },
    /// Pinned a message, or took the pin out.
    Pin {
        /// Which message.
        on: MessageRef,
        /// Pinned or taken out.
        added: bool,
    },
    /// Wrote a message.
    Message {
        /// Its text.
        text: Outside,
        /// Which one.
        message: MessageRef,
    },
}

/// The rest of a slash command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// As typed (Slack).
    Text(String),
    /// As chosen (Discord): subcommands, then options by name.
    Options {
        /// Subcommand group and subcommand: `["role"]`.
        path: Vec<String>,
        /// Option values as text; a user option is `<@id>`.
        options: BTreeMap<String, String>,
    },
}

/// Where the answer to an act goes. A credential: kept in the outbox only, never in the journal or a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplyTo {
    /// A Slack slash command, click or form.
    Slack {
        /// Where follow-ups are posted: five times in 30 minutes. Absent for forms.
        response_url: Option<String>,
        /// Opens a form: once, within three seconds.
        trigger: Option<String>,
        /// For answers that don't fit the above: the channel and who sees it.
        channel: ChannelId,
        /// The person.
        user: String,
        /// The thread to answer in.
        thread: Option<MessageId>,
    },
    /// A Discord interaction.
    Discord {
        /// Interaction id.
        interaction: String,
        /// Interaction token: 3 s for the first answer, 15 minutes for all.
        token: String,
        /// The channel, for answers after that.
        channel: ChannelId,
        /// The person, for a direct message where all else is too late.
        user: String,
    },
    /// A thread or channel, in the open (the answer to a mention on Discord).
    Message {
        /// What is answered.
        message: MessageRef,
    },
}

impl std::fmt::Debug for ReplyTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReplyTo::Slack { channel, user, .. } => write!(f, "Slack({} {user})", channel.0),
            ReplyTo::Discord { interaction, channel, .. } => write!(f, "Discord({} {interaction})", channel.0),
            ReplyTo::Message { message } => write!(f, "Message({} {})", message.channel.0, message.message.0),
        }
    }
}

impl ReplyTo {
    /// The platform that the answer goes to.
    #[must_use]
    pub fn platform(&self) -> Platform {
        match self {
            ReplyTo::Slack { .. } => Platform::Slack,
            ReplyTo::Discord { .. } => Platform::Discord,
            ReplyTo::Message { message } => message.platform,
        }
    }
}

/// An answer, seen by the asker alone. What everybody is to see is a card ([`crate::effect::CardId`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A card for the asker alone.
    Private(crate::card::Card),
    /// A form to fill in; the card is what is said where a form can't be opened any more.
    Form(Form, crate::card::Card),
    /// Nothing to say: the act shows in a card that everybody sees.
    Silent,
}

/// A message as it was when it was looked up, for the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// Which one.
    pub message: MessageRef,
    /// Who wrote it.
    pub author: Actor,
    /// When it was written.
    pub at: Timestamp,
    /// What it said.
    pub text: Outside,
    /// Where it can be read.
    pub link: String,
}

/// A slash command as the platforms are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandSpec {
    /// Name without the slash.
    pub name: &'static str,
    /// What it does: at most 100 characters.
    pub about: &'static str,
    /// Its subcommands; empty where it takes options itself.
    pub subcommands: Vec<SubcommandSpec>,
    /// Its own options, where it has no subcommands.
    pub options: Vec<OptionSpec>,
}

/// A subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubcommandSpec {
    /// Name.
    pub name: &'static str,
    /// What it does: at most 100 characters.
    pub about: &'static str,
    /// Its options, required ones first.
    pub options: Vec<OptionSpec>,
}

/// An option of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    /// Name.
    pub name: &'static str,
    /// What it is: at most 100 characters.
    pub about: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether it must be given.
    pub required: bool,
}

/// What an option takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Any text.
    Text,
    /// One of these: label and value.
    Choice(Vec<(&'static str, &'static str)>),
    /// An account on the platform.
    User,
    /// An incident, completed from the open ones.
    Incident,
    /// An alert group, completed from those that fire.
    Alert,
    /// A service, completed from those that are configured.
    Service,
    /// An environment, completed from those of the service.
    Environment,
    /// A deploy, completed from those that the subcommand can be about.
    Deploy,
}
