//! What the engine is given: everything that can make something happen.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::accounts::Standing;
use crate::alert::Received;
use crate::channels::Unusable;
use crate::chat::{Actor, Answer, ReplyTo};
use crate::command::Command;
use crate::effect::{Effect, Outcome};
use crate::ids::{ChannelId, MessageRef, Platform, UserRef};
use crate::incident::Mark;
use crate::vitals::Vitals;

/// One thing to decide about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Muster started.
    Started {
        /// Its version.
        version: String,
    },
    /// A source told of alerts.
    Alerts(Received),
    /// Somebody asked for something.
    Command {
        /// Who.
        by: Actor,
        /// In which channel; none from the command line.
        channel: Option<ChannelId>,
        /// What.
        command: Command,
    },
    /// Somebody marked a message for the timeline, or took the mark away.
    Marked {
        /// Who.
        by: Actor,
        /// Which message.
        message: MessageRef,
        /// How.
        how: Mark,
        /// Marked, or taken away.
        added: bool,
    },
    /// Somebody wrote in a channel.
    Wrote {
        /// Who.
        by: Actor,
        /// Where.
        channel: ChannelId,
    },
    /// What was typed can't be understood; it is answered all the same.
    Misunderstood,
    /// A payload that couldn't be read. It is kept.
    Unreadable {
        /// From where.
        platform: Platform,
        /// As it came, without credentials.
        raw: String,
        /// Why it couldn't be read.
        why: String,
    },
    /// An effect ended.
    Done {
        /// Which one.
        effect: Effect,
        /// How.
        outcome: Outcome,
    },
    /// What was said on a chat from a moment on was not heard.
    Missed {
        /// On which chat.
        platform: Platform,
        /// From when on.
        since: Timestamp,
    },
    /// A chat told of an account.
    Account {
        /// Which one.
        user: UserRef,
        /// How it stands; none for a full member.
        standing: Option<Standing>,
    },
    /// A chat told of all its accounts.
    Accounts {
        /// Which chat.
        platform: Platform,
        /// Those that are no full members'.
        found: BTreeMap<UserRef, Standing>,
    },
    /// A chat would not take something, because of the channel that it was for.
    ChannelRefused {
        /// Which chat.
        platform: Platform,
        /// Which channel.
        channel: ChannelId,
        /// Why.
        why: Unusable,
        /// The platform's own words.
        said: String,
    },
    /// Muster looked at itself.
    Vitals(Box<Vitals>),
    /// Time went by.
    Tick,
}

/// Who is to be answered, and how they can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The platform's id of the delivery.
    pub delivery: String,
    /// Where the answer goes.
    pub reply: ReplyTo,
    /// Whether it was a click or form, which needs no words where a card shows the outcome.
    pub quiet: bool,
    /// The answer, where it is known before deciding (what was typed can't be understood).
    pub answer: Option<Answer>,
}
