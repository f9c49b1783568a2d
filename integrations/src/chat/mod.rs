//! Slack and Discord behind one closed enum, [`Chat`].
//!
//! Each side has a `Client` for calls and a `socket` for what arrives. What holds: every
//! call has a time-out and sees status, headers and body; its failure says whether to try
//! again, to give up, or that the outcome is not known; a socket acknowledges what was
//! journaled, never sooner, and never waits for the work that it causes.

pub mod discord;
pub mod limits;
pub mod pace;
pub mod slack;
pub mod socket;

use std::collections::BTreeMap;
use std::time::Duration;

use operations::accounts::Standing;
use operations::card::{Card, Form};
use operations::channels::Unusable;
use operations::chat::{Captured, CommandSpec, ReplyTo};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform, UserRef};

use crate::redact;

/// Why a call did not bring what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The other side did not do it and may do it later.
    #[error("{why}")]
    Transient {
        /// What happened, without secrets.
        why: String,
        /// How long the other side asked to wait.
        retry_after: Option<Duration>,
    },
    /// The other side will not do it: trying again is pointless.
    #[error("{why}")]
    Permanent {
        /// What happened, without secrets: the platform's own error word or code.
        why: String,
        /// What kind of refusal it is.
        kind: Refused,
    },
    /// It may or may not have been done.
    #[error("{why}")]
    Unknown {
        /// What happened, without secrets.
        why: String,
    },
    /// It was not done, and won't be in that channel as it is now.
    #[error("{said}")]
    Channel {
        /// Which channel.
        channel: ChannelId,
        /// Why.
        why: Unusable,
        /// The platform's own words, without secrets.
        said: String,
    },
}

impl Failure {
    /// The same without secrets in its words: without these, and without whatever looks like one. What the other side
    /// says of a call may repeat what the call was made with.
    pub(crate) fn without(self, secrets: &[&str]) -> Failure {
        let clean = |why: String| redact::words(&why, secrets);
        match self {
            Failure::Transient { why, retry_after } => Failure::Transient { why: clean(why), retry_after },
            Failure::Permanent { why, kind } => Failure::Permanent { why: clean(why), kind },
            Failure::Unknown { why } => Failure::Unknown { why: clean(why) },
            Failure::Channel { channel, why, said } => Failure::Channel { channel, why, said: clean(said) },
        }
    }
}

/// The kinds of refusal that are acted upon differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The token is wrong or was revoked: every further call will fail.
    Token,
    /// The bot may not do this there: a permission or membership is missing.
    Forbidden,
    /// The channel or message is gone or archived.
    Gone,
    /// The time for an answer is over (trigger, response URL, interaction token).
    TooLate,
    /// It already is as asked (already pinned, name taken, already in the channel).
    Already,
    /// The call itself was wrong: a fault of Muster.
    Malformed,
}

/// A connected chat.
pub enum Chat {
    /// Slack.
    Slack(slack::Client),
    /// Discord.
    Discord(discord::Client),
}

/// A channel that was opened or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub channel: ChannelId,
    /// Its name as the platform has it (it may have been changed to fit or to be free).
    pub name: String,
}

/// The outcome of a call.
pub type Called<T> = Result<T, Failure>;

impl Chat {
    /// Which platform it is.
    #[must_use]
    pub fn platform(&self) -> Platform {
        match self {
            Chat::Slack(_) => Platform::Slack,
            Chat::Discord(_) => Platform::Discord,
        }
    }

    /// How many calls it has refused lately, where too many of those have the bot shut out (Discord).
    #[must_use]
    pub fn refused_lately(&self) -> Option<usize> {
        match self {
            Chat::Slack(_) => None,
            Chat::Discord(client) => Some(client.refused_lately()),
        }
    }

    /// Posts a card. `key` is the effect's id: the platform's means against doubling carry it
    /// (Slack message metadata, Discord nonce).
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn post(
        &self,
        channel: &ChannelId,
        thread: Option<&MessageId>,
        card: &Card,
        key: &str,
    ) -> Called<MessageId> {
        match self {
            Chat::Slack(client) => client.post(channel, thread, card, key).await,
            Chat::Discord(client) => client.post(channel, thread, card, key).await,
        }
    }

    /// Looks for a message that was posted with `key`, among the newest of the channel.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn find_posted(
        &self,
        channel: &ChannelId,
        thread: Option<&MessageId>,
        key: &str,
    ) -> Called<Option<MessageId>> {
        match self {
            Chat::Slack(client) => client.find_posted(channel, thread, key).await,
            Chat::Discord(client) => client.find_posted(channel, thread, key).await,
        }
    }

    /// Replaces the content of the bot's own message.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn edit(&self, message: &MessageRef, card: &Card, key: &str) -> Called<()> {
        match self {
            Chat::Slack(client) => client.edit(message, card, key).await,
            Chat::Discord(client) => client.edit(message, card, key).await,
        }
    }

    /// Pins a message; that it is pinned already counts as done.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn pin(&self, message: &MessageRef) -> Called<()> {
        match self {
            Chat::Slack(client) => client.pin(message).await,
            Chat::Discord(client) => client.pin(message).await,
        }
    }

    /// Opens a public channel. `key` is kept with it (Slack purpose, Discord topic), so that
    /// a repeat after a lost answer finds it instead of making a second one; the adapter looks first
    /// when `look_first` says that an earlier attempt may have worked.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open_channel(&self, name: &str, topic: &str, key: &str, look_first: bool) -> Called<Opened> {
        match self {
            Chat::Slack(client) => client.open_channel(name, topic, key, look_first).await,
            Chat::Discord(client) => client.open_channel(name, topic, key, look_first).await,
        }
    }

    /// Sets a channel's topic.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn set_topic(&self, channel: &ChannelId, topic: &str, key: &str) -> Called<()> {
        match self {
            Chat::Slack(client) => client.set_topic(channel, topic).await,
            Chat::Discord(client) => client.set_topic(channel, topic, key).await,
        }
    }

    /// Brings a person into a channel. Where everybody can see the channel anyway (Discord), nothing is done.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn invite(&self, channel: &ChannelId, user: &str) -> Called<()> {
        match self {
            Chat::Slack(client) => client.invite(channel, user).await,
            Chat::Discord(_) => Ok(()),
        }
    }

    /// Archives a channel (Slack), or closes it to new messages (Discord).
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn archive(&self, channel: &ChannelId) -> Called<()> {
        match self {
            Chat::Slack(client) => client.archive(channel).await,
            Chat::Discord(client) => client.archive(channel).await,
        }
    }

    /// Looks whether a channel that could not be used for a reason can be used now; changes nothing. Still why not, if it
    /// can't.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn look_at(&self, channel: &ChannelId, why: Unusable) -> Called<Option<Unusable>> {
        match self {
            Chat::Slack(client) => client.look_at(channel, why).await,
            Chat::Discord(client) => client.look_at(channel).await,
        }
    }

    /// Answers a command, click or form with a card that the asker alone sees; where the time for that is over it goes to
    /// them as a direct message. A message is answered where it stands, for everybody.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn reply(&self, to: &ReplyTo, card: &Card, key: &str) -> Called<()> {
        match self {
            Chat::Slack(client) => client.reply(to, card, key).await,
            Chat::Discord(client) => client.answer_to(to, card, None, key).await,
        }
    }

    /// Answers where an earlier attempt may have done so. It is looked for first; where that can't be done, `marked` is
    /// said: the same card with words that say that it may have been seen.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn reply_again(&self, to: &ReplyTo, card: &Card, marked: &Card, key: &str) -> Called<()> {
        match self {
            Chat::Slack(client) => client.reply_again(to, card, marked, key).await,
            Chat::Discord(client) => client.answer_to(to, card, Some(marked), key).await,
        }
    }

    /// Tells the platform that a click or form was taken, where there is nothing to say.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn take(&self, to: &ReplyTo) -> Called<()> {
        match self {
            Chat::Slack(_) => Ok(()),
            Chat::Discord(client) => client.take(to).await,
        }
    }

    /// Opens a form for the person who typed or clicked.
    ///
    /// # Errors
    /// [`Refused::TooLate`] where the three seconds for it are over, [`Refused::Already`] where they were answered; see
    /// [`Failure`].
    pub async fn open_form(&self, to: &ReplyTo, form: &Form) -> Called<()> {
        match self {
            Chat::Slack(client) => client.open_form(to, form).await,
            Chat::Discord(client) => client.open_form(to, form).await,
        }
    }

    /// Sends a card to one person as a direct message.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn direct(&self, user: &str, card: &Card, key: &str) -> Called<MessageId> {
        match self {
            Chat::Slack(client) => client.direct(user, card, key).await,
            Chat::Discord(client) => client.direct(user, card, key).await,
        }
    }

    /// Reads a message with its author's name, for the timeline.
    ///
    /// # Errors
    /// [`Refused::Gone`] where it was deleted; see [`Failure`].
    pub async fn fetch(&self, message: &MessageRef) -> Called<Captured> {
        match self {
            Chat::Slack(client) => client.fetch(message).await,
            Chat::Discord(client) => client.fetch(message).await,
        }
    }

    /// The name that a person shows. Kept for an hour.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn name_of(&self, user: &str) -> Called<String> {
        match self {
            Chat::Slack(client) => client.name_of(user).await,
            Chat::Discord(client) => client.name_of(user).await,
        }
    }

    /// Who is a guest there, and whose account was deactivated. None on Discord, which has no guests of that kind and
    /// lets nobody act who has left.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn accounts(&self) -> Called<Option<BTreeMap<UserRef, Standing>>> {
        match self {
            Chat::Slack(client) => client.accounts().await.map(Some),
            Chat::Discord(_) => Ok(None),
        }
    }

    /// Asks whether the token works.
    ///
    /// # Errors
    /// [`Refused::Token`] where it does not; see [`Failure`].
    pub async fn check(&self) -> Called<()> {
        match self {
            Chat::Slack(client) => client.check_token().await.map(|_| ()),
            Chat::Discord(client) => client.check_token().await.map(|_| ()),
        }
    }

    /// Checks the token and, on Discord, tells the platform of the commands. Slack's commands stand in its app manifest.
    ///
    /// # Errors
    /// [`Refused::Token`] where the token does not work; see [`Failure`].
    pub async fn introduce(&self, commands: &[CommandSpec]) -> Called<()> {
        match self {
            Chat::Slack(client) => client.check_token().await.map(|_| ()),
            Chat::Discord(client) => client.register(commands).await,
        }
    }
}
