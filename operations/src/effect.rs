//! What is still to be done outside: the outbox's rows.
//!
//! An effect has a key that is decided once; the key is its idempotency key at the other
//! side. A card is a projection: the effect is "this card is stale there", and what it says
//! is rendered from the state at the moment of sending. What holds: two effects with the
//! same key are the same thing to do, and the newer replaces the older.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::card::Card;
use crate::chat::{Actor, Answer, Captured, ReplyTo};
use crate::checkpoint::{Checkpoint, Ledger};
use crate::deploy::Target;
use crate::deploy::effect::{DeployEffect, DeployOutcome};
use crate::ids::{
    ChannelId, DeployId, GroupId, IncidentId, MessageId, MessageRef, MissedId, Platform, StormId, UserRef,
};
use crate::incident::Mark;

/// How often a channel that can't be used is looked at.
pub const PROBE_EVERY: Duration = Duration::from_secs(600);

/// How the keys of [`Effect::HoldBack`] begin.
pub(crate) const HOLD_BACK: &str = "hold/";

/// A card that is kept up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CardId {
    /// An alert group's card.
    Alert(GroupId),
    /// An incident's headline.
    Headline(IncidentId),
    /// A storm's board.
    Storm(StormId),
    /// The board of alerts that were not shown in time.
    Missed(MissedId),
    /// A deploy's card.
    Deploy(DeployId),
}

/// A place where something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Place {
    /// The channel for alerts.
    Alerts(Platform),
    /// The channel where incidents are announced.
    Announcements(Platform),
    /// An incident's room.
    Room(Platform, IncidentId),
    /// The operators' channel.
    Operators(Platform),
    /// The channel that an alert group's card is in.
    Beside(Platform, GroupId),
    /// The channel that a storm rages in.
    Storm(Platform, StormId),
    /// The channel in which alerts were not shown in time.
    Missed(Platform, MissedId),
    /// The channel that a deploy's card is in.
    Deploy(Platform, DeployId),
    /// The thread of a deploy's card.
    DeployThread(Platform, DeployId),
    /// The channel for deploys of all services.
    Deploys(Platform),
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Post the card there, or edit it if it is there already.
    ShowCard {
        /// Which card.
        card: CardId,
        /// Where.
        place: Place,
    },
    /// Pin the card there.
    PinCard {
        /// Which card.
        card: CardId,
        /// Where.
        place: Place,
    },
    /// Open an incident's room.
    OpenRoom {
        /// Whose.
        incident: IncidentId,
        /// Where.
        platform: Platform,
    },
    /// Bring the room's topic up to date.
    SetTopic {
        /// Whose.
        incident: IncidentId,
        /// Where.
        platform: Platform,
    },
    /// Bring somebody into the room.
    Invite {
        /// Whose.
        incident: IncidentId,
        /// Whom.
        user: UserRef,
    },
    /// Say something there, once.
    Say {
        /// The event that it is said for, by its number; with the place, the effect's identity.
        seq: u64,
        /// Where.
        place: Place,
        /// What. Boxed: it is much larger than the rest.
        card: Box<Card>,
    },
    /// Answer somebody.
    Reply {
        /// The delivery that is answered.
        delivery: String,
        /// Where the answer goes.
        to: ReplyTo,
        /// What is answered.
        answer: Box<Answer>,
    },
    /// Look a marked message up for the timeline.
    Capture {
        /// For which incident.
        incident: IncidentId,
        /// Which message.
        message: MessageRef,
        /// Who marked it.
        by: Actor,
        /// How.
        how: Mark,
    },
    /// Write or refresh the postmortem.
    Publish {
        /// Of which incident.
        incident: IncidentId,
    },
    /// Say on a card that it went on elsewhere, and take its buttons away.
    RetireCard {
        /// As which message it stands there.
        message: MessageRef,
    },
    /// Read what was said in a room while it was not heard.
    ReadMissed {
        /// Whose.
        incident: IncidentId,
        /// Where.
        platform: Platform,
        /// From when on.
        since: Timestamp,
    },
    /// Look whether a channel that could not be used can be used again. Stays open until it can.
    ProbeChannel {
        /// On which chat.
        platform: Platform,
        /// Which one.
        channel: ChannelId,
    },
    /// Something at a pipeline, or about a deploy.
    Deploy {
        /// Which one.
        deploy: DeployId,
        /// What.
        what: DeployEffect,
    },
    /// Have a pipeline keep out of an environment what Muster has not started, or let it in again: whichever the freezes
    /// say when it is done. Doing it twice is doing it once.
    HoldBack {
        /// Where.
        target: Target,
    },
    /// Put a checkpoint of the journal where it can't be taken back on this machine. It follows from no event, and its
    /// end is none. A newer one says all that an older one does, so it takes its place.
    Checkpoint {
        /// Where.
        ledger: Ledger,
        /// Which one. Boxed: it is much larger than the rest.
        checkpoint: Box<Checkpoint>,
    },
}

/// How an effect ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The card was posted there for the first time.
    Posted {
        /// In which channel.
        channel: ChannelId,
        /// As which message.
        message: MessageId,
    },
    /// The room is open.
    RoomOpened {
        /// The channel.
        channel: ChannelId,
        /// Its name.
        name: String,
    },
    /// The message was read.
    Captured(Captured),
    /// The page was written.
    Published {
        /// Where it can be read.
        url: String,
        /// Generated parts that could not be refreshed, because a person changed their markers.
        stale: Vec<String>,
    },
    /// What was missed was read, but there was more than is read.
    MissedCut,
    /// The channel can be used again.
    ChannelWorks,
    /// What was asked of a pipeline. Boxed: it is much larger than the rest.
    Deploy(Box<DeployOutcome>),
    /// Done, and there is nothing to tell.
    Done,
    /// Given up for good.
    GivenUp {
        /// Why, without secrets.
        why: String,
    },
    /// The message behind a card is gone: it is to be posted anew.
    Lost,
}

/// How urgent an effect is. Sorts the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Somebody waits for the answer.
    Answer,
    /// It stands for much that is not shown, so it comes before what is.
    Board,
    /// The state changed.
    Change,
    /// Nice to have.
    Chatter,
}

impl Effect {
    /// The effect's identity and idempotency key.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Effect::ShowCard { card, place } => format!("show/{}/{}", card.key(), place.key()),
            Effect::PinCard { card, place } => format!("pin/{}/{}", card.key(), place.key()),
            Effect::OpenRoom { incident, platform } => format!("room/{incident}/{}", platform.key()),
            Effect::SetTopic { incident, platform } => format!("topic/{incident}/{}", platform.key()),
            Effect::Invite { incident, user } => format!("invite/{incident}/{}/{}", user.platform.key(), user.user),
            Effect::Say { seq, place, .. } => format!("say/{seq}/{}", place.key()),
            Effect::Reply { delivery, .. } => format!("reply/{delivery}"),
            Effect::Capture { incident, message, .. } => {
                format!("capture/{incident}/{}/{}/{}", message.platform.key(), message.channel.0, message.message.0)
            }
            Effect::Publish { incident } => format!("publish/{incident}"),
            Effect::RetireCard { message } => {
                format!("retire/{}/{}/{}", message.platform.key(), message.channel.0, message.message.0)
            }
            // Two gaps are two things to read, so that the later does not take the place of the earlier.
            Effect::ReadMissed { incident, platform, since } => {
                format!("missed/{incident}/{}/{}", platform.key(), since.as_millisecond())
            }
            Effect::ProbeChannel { platform, channel } => format!("probe/{}/{}", platform.key(), channel.0),
            Effect::Deploy { deploy, what } => format!("deploy/{deploy}/{}", what.key()),
            Effect::HoldBack { target } => format!("{HOLD_BACK}{}/{}", target.service, target.environment),
            // The number of the record is added where it is posted.
            Effect::Checkpoint { ledger: Ledger::Chat(platform, _), .. } => format!("checkpoint/{}", platform.key()),
            Effect::Checkpoint { ledger: Ledger::Wiki, .. } => "checkpoint/wiki".to_owned(),
        }
    }

    /// The chat that it goes to; none for the wiki.
    #[must_use]
    pub fn platform(&self) -> Option<Platform> {
        match self {
            Effect::ShowCard { place, .. } | Effect::PinCard { place, .. } | Effect::Say { place, .. } => {
                Some(place.platform())
            }
            Effect::OpenRoom { platform, .. }
            | Effect::SetTopic { platform, .. }
            | Effect::ReadMissed { platform, .. }
            | Effect::ProbeChannel { platform, .. } => Some(*platform),
            Effect::Invite { user, .. } => Some(user.platform),
            Effect::Reply { to, .. } => Some(to.platform()),
            Effect::Capture { message, .. } | Effect::RetireCard { message } => Some(message.platform),
            Effect::Checkpoint { ledger: Ledger::Chat(platform, _), .. } => Some(*platform),
            Effect::Checkpoint { ledger: Ledger::Wiki, .. }
            | Effect::Publish { .. }
            | Effect::Deploy { .. }
            | Effect::HoldBack { .. } => None,
        }
    }

    /// Whom it is done at, for metrics and lanes: a chat, the wiki, a pipeline.
    #[must_use]
    pub fn peer(&self) -> &'static str {
        match (self, self.platform()) {
            (_, Some(platform)) => platform.key(),
            (Effect::Deploy { .. } | Effect::HoldBack { .. }, None) => "pipeline",
            (_, None) => "wiki",
        }
    }

    /// The incident that it is for, where it is for one.
    #[must_use]
    pub fn incident(&self) -> Option<IncidentId> {
        match self {
            Effect::ShowCard { card: CardId::Headline(incident), .. }
            | Effect::PinCard { card: CardId::Headline(incident), .. }
            | Effect::OpenRoom { incident, .. }
            | Effect::SetTopic { incident, .. }
            | Effect::Invite { incident, .. }
            | Effect::Capture { incident, .. }
            | Effect::ReadMissed { incident, .. }
            | Effect::Publish { incident } => Some(*incident),
            Effect::Say { place: Place::Room(_, incident), .. } => Some(*incident),
            Effect::ShowCard {
                card: CardId::Alert(_) | CardId::Storm(_) | CardId::Missed(_) | CardId::Deploy(_),
                ..
            }
            | Effect::PinCard {
                card: CardId::Alert(_) | CardId::Storm(_) | CardId::Missed(_) | CardId::Deploy(_),
                ..
            }
            | Effect::Deploy { .. }
            | Effect::HoldBack { .. }
            | Effect::Say { .. }
            | Effect::Reply { .. }
            | Effect::ProbeChannel { .. }
            | Effect::RetireCard { .. }
            | Effect::Checkpoint { .. } => None,
        }
    }

    /// How urgent it is.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        match self {
            Effect::Reply { .. } => Urgency::Answer,
            Effect::ShowCard { card: CardId::Storm(_) | CardId::Missed(_), .. } => Urgency::Board,
            Effect::ShowCard { .. } | Effect::OpenRoom { .. } | Effect::Say { .. } | Effect::HoldBack { .. } => {
                Urgency::Change
            }
            Effect::Deploy { what, .. } => what.urgency(),
            Effect::PinCard { .. }
            | Effect::SetTopic { .. }
            | Effect::Invite { .. }
            | Effect::Capture { .. }
            | Effect::Publish { .. }
            | Effect::ReadMissed { .. }
            | Effect::RetireCard { .. }
            | Effect::ProbeChannel { .. }
            | Effect::Checkpoint { .. } => Urgency::Chatter,
        }
    }

    /// What it is, for people: `open the room on Slack`.
    #[must_use]
    pub fn about(&self) -> String {
        match self {
            Effect::ShowCard { place, .. } => format!("show the card in {}", place.about()),
            Effect::PinCard { place, .. } => format!("pin the card in {}", place.about()),
            Effect::OpenRoom { platform, .. } => format!("open the room on {}", platform.title()),
            Effect::SetTopic { platform, .. } => format!("set the topic on {}", platform.title()),
            Effect::Invite { user, .. } => format!("invite somebody on {}", user.platform.title()),
            Effect::Say { place, .. } => format!("post in {}", place.about()),
            Effect::Reply { to, .. } => format!("answer on {}", to.platform().title()),
            Effect::Capture { message, .. } => format!("read a message on {}", message.platform.title()),
            Effect::Publish { .. } => "write the postmortem".to_owned(),
            Effect::RetireCard { message } => format!("change an old card on {}", message.platform.title()),
            Effect::ReadMissed { platform, .. } => format!("read what was missed on {}", platform.title()),
            Effect::ProbeChannel { platform, .. } => format!("look at a channel on {}", platform.title()),
            Effect::Deploy { deploy, what } => format!("{} ({deploy})", what.about()),
            Effect::HoldBack { target } => {
                format!("hold back at the pipeline what starts by itself in {target}, or let it go on")
            }
            Effect::Checkpoint { ledger: Ledger::Chat(platform, _), .. } => {
                format!("post a checkpoint of the journal on {}", platform.title())
            }
            Effect::Checkpoint { ledger: Ledger::Wiki, .. } => "commit a checkpoint of the journal".to_owned(),
        }
    }

    /// Whether it stays open to watch something, and ends only when that changes.
    #[must_use]
    pub fn watches(&self) -> bool {
        matches!(self, Effect::Deploy { what: DeployEffect::Follow | DeployEffect::Verify, .. })
    }

    /// How long after it was asked for it is carried out for the first time.
    #[must_use]
    pub fn waits_for(&self) -> Duration {
        match self {
            // What was just refused would be refused again.
            Effect::ProbeChannel { .. } => PROBE_EVERY,
            Effect::Deploy { what, .. } => what.waits_for(),
            Effect::ShowCard { .. }
            | Effect::PinCard { .. }
            | Effect::OpenRoom { .. }
            | Effect::SetTopic { .. }
            | Effect::Invite { .. }
            | Effect::Say { .. }
            | Effect::Reply { .. }
            | Effect::Capture { .. }
            | Effect::Publish { .. }
            | Effect::RetireCard { .. }
            | Effect::ReadMissed { .. }
            | Effect::HoldBack { .. }
            | Effect::Checkpoint { .. } => Duration::ZERO,
        }
    }

    /// After how long it is pointless; none where it never is.
    #[must_use]
    pub fn expires_after(&self) -> Option<Duration> {
        match self {
            // Nobody waits for an answer for a day.
            Effect::Reply { .. } => Some(Duration::from_secs(24 * 3600)),
            Effect::Deploy { what, .. } => what.expires_after(),
            Effect::ShowCard { .. }
            | Effect::PinCard { .. }
            | Effect::OpenRoom { .. }
            | Effect::SetTopic { .. }
            | Effect::Invite { .. }
            | Effect::Say { .. }
            | Effect::Capture { .. }
            | Effect::Publish { .. }
            | Effect::RetireCard { .. }
            | Effect::ReadMissed { .. }
            | Effect::ProbeChannel { .. }
            | Effect::HoldBack { .. }
            | Effect::Checkpoint { .. } => None,
        }
    }
}

impl CardId {
    fn key(self) -> String {
        match self {
            CardId::Alert(group) => group.to_string(),
            CardId::Headline(incident) => incident.to_string(),
            CardId::Storm(storm) => storm.to_string(),
            CardId::Missed(missed) => missed.to_string(),
            CardId::Deploy(deploy) => deploy.to_string(),
        }
    }
}

impl Place {
    /// The chat that it is on.
    #[must_use]
    pub fn platform(self) -> Platform {
        match self {
            Place::Alerts(platform)
            | Place::Announcements(platform)
            | Place::Room(platform, _)
            | Place::Beside(platform, _)
            | Place::Storm(platform, _)
            | Place::Missed(platform, _)
            | Place::Deploy(platform, _)
            | Place::DeployThread(platform, _)
            | Place::Deploys(platform)
            | Place::Operators(platform) => platform,
        }
    }

    /// As it stands in keys and lane names.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Place::Alerts(platform) => format!("alerts/{}", platform.key()),
            Place::Announcements(platform) => format!("incidents/{}", platform.key()),
            Place::Room(platform, incident) => format!("room-{incident}/{}", platform.key()),
            Place::Operators(platform) => format!("operators/{}", platform.key()),
            Place::Beside(platform, group) => format!("beside-{group}/{}", platform.key()),
            Place::Storm(platform, storm) => format!("{storm}/{}", platform.key()),
            Place::Missed(platform, missed) => format!("{missed}/{}", platform.key()),
            Place::Deploy(platform, deploy) => format!("{deploy}/{}", platform.key()),
            Place::DeployThread(platform, deploy) => format!("thread-{deploy}/{}", platform.key()),
            Place::Deploys(platform) => format!("deploys/{}", platform.key()),
        }
    }

    fn about(self) -> String {
        let what = match self {
            Place::Alerts(_) | Place::Beside(..) | Place::Storm(..) | Place::Missed(..) => "the alerts channel",
            Place::Announcements(_) => "the incidents channel",
            Place::Room(..) => "the incident's room",
            Place::Operators(_) => "the operators' channel",
            Place::Deploy(..) | Place::Deploys(_) => "the channel for deploys",
            Place::DeployThread(..) => "the deploy's thread",
        };
        format!("{what} on {}", self.platform().title())
    }
}
