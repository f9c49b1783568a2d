//! How Muster itself does, and what is told about it before it hurts.
//!
//! [`Vitals`] is what the running program sees of itself, every few seconds; it is no event.
//! What holds: a [`Trouble`] begins and ends once, both are told where people look, and
//! never on the chat that it is about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::{ChannelId, Platform};
use crate::settings::CHECKPOINTS;
use crate::state::State;
use crate::text::Outside;

/// A chat that is away for longer is told of on the other.
const AWAY: SignedDuration = SignedDuration::from_secs(60);
/// What is not delivered for longer is told of, and that it is over, once nothing waits for longer than the second.
const LATE: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(5), SignedDuration::from_mins(1));
/// An input that waits longer to be decided is told of, and that it is over, once none waits for longer than the second.
const SLOW: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));
/// Less room than this on the disk, in bytes, is told of, and that it is over, once there is more than the second.
const LOW: (u64, u64) = (1024 * 1024 * 1024, 1280 * 1024 * 1024);
/// With less room than this, in bytes, nothing new is taken.
pub const FULL: u64 = 64 * 1024 * 1024;
/// So many calls that a chat refused in ten minutes are told of, and fewer than half of it are not any more. At
/// twice as many Muster goes slowly, at ten times as many it stops, and at twenty times as many it would be shut out.
const REFUSED: usize = 500;
/// With this much room, in bytes, it is taken again.
const ROOM_AGAIN: u64 = 128 * 1024 * 1024;

/// What Muster sees of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// When it looked.
    pub at: Timestamp,
    /// The lanes of the outbox, the fullest first; not all where there are many.
    pub lanes: Vec<Lane>,
    /// How many effects are open.
    pub open: usize,
    /// When the oldest of those that people wait for was asked for, by chat.
    pub oldest: BTreeMap<Platform, Timestamp>,
    /// The chats that are configured.
    pub chats: BTreeMap<Platform, Link>,
    /// The chats that refuse Muster's token, and what they say.
    pub refused: BTreeMap<Platform, String>,
    /// Bytes that are free on the data directory's disk.
    pub disk_free: Option<u64>,
    /// How long an input waits to be decided.
    pub lag: Duration,
    /// Whether the journal was not the one that its checkpoints are of when Muster was started.
    pub journal_unlike: bool,
    /// Calls that a chat refused in the last ten minutes, where too many have the bot shut out.
    pub invalid: BTreeMap<Platform, usize>,
    /// Sessions that may still be begun today, where a chat counts them.
    pub sessions_left: BTreeMap<Platform, u64>,
}

/// A lane of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its name: the channel or kind of call, and the chat.
    pub name: String,
    /// How many effects wait in it.
    pub depth: usize,
    /// When the oldest of them was asked for.
    pub oldest: Timestamp,
}

/// The connection to a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whether it is up.
    pub up: bool,
    /// Since when it is so.
    pub since: Timestamp,
    /// Why it is not up.
    pub why: String,
}

/// Something that is wrong with Muster itself, or with what it needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Trouble {
    /// A chat can't be reached.
    ChatAway(Platform),
    /// A chat refuses Muster's token.
    TokenRefused(Platform),
    /// What is to be shown on a chat waits for long.
    ChatLate(Platform),
    /// A chat refuses so many calls that it might shut the bot out.
    Refused(Platform),
    /// The disk has little room.
    DiskLow,
    /// The disk has so little room that nothing new is taken.
    DiskFull,
    /// Inputs wait for long to be decided.
    Slow,
    /// The journal was not the one that its checkpoints are of when Muster was started.
    JournalUnlike,
    /// A source has told nothing for longer than it should.
    SourceSilent(Arc<str>),
    /// A channel of the configuration can't be used.
    ChannelUnusable {
        /// On which chat.
        platform: Platform,
        /// Which one.
        channel: ChannelId,
        /// What it is for.
        purpose: String,
    },
}

impl Trouble {
    /// The chat that it is about, which can't be told of it.
    #[must_use]
    pub fn chat(&self) -> Option<Platform> {
        match self {
            Trouble::ChatAway(platform) | Trouble::TokenRefused(platform) => Some(*platform),
            Trouble::ChatLate(_)
            | Trouble::Refused(_)
            | Trouble::DiskLow
            | Trouble::DiskFull
            | Trouble::Slow
            | Trouble::JournalUnlike
            | Trouble::SourceSilent(_)
            | Trouble::ChannelUnusable { .. } => None,
        }
    }

    /// Its name in figures.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Trouble::ChatAway(platform) => format!("chat_away/{}", platform.key()),
            Trouble::TokenRefused(platform) => format!("token_refused/{}", platform.key()),
            Trouble::ChatLate(platform) => format!("chat_late/{}", platform.key()),
            Trouble::Refused(platform) => format!("calls_refused/{}", platform.key()),
            Trouble::DiskLow => "disk_low".to_owned(),
            Trouble::DiskFull => "disk_full".to_owned(),
            Trouble::Slow => "slow".to_owned(),
            Trouble::JournalUnlike => "journal_unlike".to_owned(),
            Trouble::SourceSilent(source) => format!("source_silent/{source}"),
            Trouble::ChannelUnusable { platform, channel, .. } => {
                format!("channel_unusable/{}/{channel}", platform.key())
            }
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn began(&self) -> String {
        match self {
            Trouble::ChatAway(platform) => format!(
                "{} can't be reached. What is to be said there is kept and delivered later; everything else goes on here.",
                platform.title()
            ),
            Trouble::TokenRefused(platform) => format!(
                "{} refuses Muster's token: it was revoked, or has expired. Nothing is lost: what is to be said there is kept \
                 and delivered when the token works again. Put a new one into the configuration and start Muster again.",
                platform.title()
            ),
            Trouble::ChatLate(platform) => {
                format!("{} is more than 5 minutes behind. /muster status shows what waits.", platform.title())
            }
            Trouble::Refused(platform) => format!(
                "{0} refuses many of Muster's calls, and shuts out who goes on like that. Muster goes slowly before it comes \
                 to that. Is its token good, and may it see and write in its channels?",
                platform.title()
            ),
            Trouble::DiskLow => {
                "The disk of Muster's data directory has less than 1 GiB left. Make room, or move it.".to_owned()
            }
            Trouble::DiskFull => {
                "The disk of Muster's data directory is full: nothing new is taken, and senders are told to \
                                  send again. Make room; it goes on by itself."
                    .to_owned()
            }
            Trouble::Slow => {
                "Muster is slow: commands and alerts wait for seconds. Is the machine or its disk busy?".to_owned()
            }
            Trouble::JournalUnlike => {
                "The journal is not the one that its checkpoints are of, or its end is missing: was a backup put back, or was \
                 it changed? `muster journal verify` tells more. This is over at the first start after it finds nothing wrong."
                    .to_owned()
            }
            Trouble::SourceSilent(source) => format!(
                "The source \"{source}\" has told nothing for longer than it should. Is it running, and can it reach Muster?"
            ),
            Trouble::ChannelUnusable { platform, channel, purpose } => format!(
                "The channel for {purpose} on {} ({}) can't be used; what belongs there {}. Unarchive it, or invite Muster \
                 again and let it write. Muster looks every 10 minutes whether it is right.",
                platform.title(),
                channel.0,
                if purpose == CHECKPOINTS { "waits" } else { "goes to another one" }
            ),
        }
    }

    /// That it is over.
    #[must_use]
    pub fn ended(&self) -> String {
        match self {
            Trouble::ChatAway(platform) => {
                format!("{} can be reached again. What waited is delivered now.", platform.title())
            }
            Trouble::TokenRefused(platform) => {
                format!("{} takes Muster's token again. What waited is delivered now.", platform.title())
            }
            Trouble::ChatLate(platform) => format!("{} is up to date again.", platform.title()),
            Trouble::Refused(platform) => format!("{} takes Muster's calls again.", platform.title()),
            Trouble::DiskLow => "The disk of Muster's data directory has room again.".to_owned(),
            Trouble::DiskFull => "The disk has room again: Muster takes everything again.".to_owned(),
            Trouble::Slow => "Muster is quick again.".to_owned(),
            Trouble::JournalUnlike => "The journal fits its checkpoints.".to_owned(),
            Trouble::SourceSilent(source) => format!("The source \"{source}\" tells again."),
            Trouble::ChannelUnusable { platform, purpose, .. } => {
                format!("The channel for {purpose} on {} can be used again. New things go there.", platform.title())
            }
        }
    }
}

/// Whether nobody can be told anything: every chat is away, or refuses Muster's token.
#[must_use]
pub fn nobody_hears(state: &State) -> bool {
    let is_deaf = |platform: &Platform| {
        [Trouble::ChatAway(*platform), Trouble::TokenRefused(*platform)]
            .iter()
            .any(|it| state.troubles.contains_key(it))
    };
    !state.settings.chats.is_empty() && state.settings.chats.keys().all(is_deaf)
}

/// What began or ended, given what Muster sees of itself now.
pub(crate) fn looked_at(state: &State, vitals: &Vitals) -> Vec<Event> {
    let mut wrong: BTreeMap<Trouble, String> = BTreeMap::new();
    let longer = |since: Timestamp, than: SignedDuration| vitals.at.duration_since(since) > than;
    // What was told of ends only at a clearly better figure, or it would be told again and again.
    let stands = |trouble: &Trouble| state.troubles.contains_key(trouble);
    for (platform, why) in &vitals.refused {
        wrong.insert(Trouble::TokenRefused(*platform), why.clone());
    }
    for (platform, link) in &vitals.chats {
        let trouble = Trouble::ChatAway(*platform);
        let is_refused = vitals.refused.contains_key(platform);
        // It ends as soon as the chat is back. That a token is refused says more than that the chat is away.
        if !link.up && (longer(link.since, AWAY) && !is_refused || stands(&trouble)) {
            wrong.insert(trouble, link.why.clone());
        }
    }
    for (platform, oldest) in &vitals.oldest {
        let away =
            wrong.contains_key(&Trouble::ChatAway(*platform)) || wrong.contains_key(&Trouble::TokenRefused(*platform));
        let trouble = Trouble::ChatLate(*platform);
        if longer(*oldest, if stands(&trouble) { LATE.1 } else { LATE.0 }) && !away {
            wrong.insert(trouble, String::new());
        }
    }
    for (platform, invalid) in &vitals.invalid {
        let trouble = Trouble::Refused(*platform);
        let limit = if stands(&trouble) { REFUSED / 2 } else { REFUSED };
        if *invalid >= limit {
            wrong.insert(trouble, format!("{invalid} in ten minutes"));
        }
    }
    if let Some(free) = vitals.disk_free {
        if free < if stands(&Trouble::DiskFull) { ROOM_AGAIN } else { FULL } {
            wrong.insert(Trouble::DiskFull, String::new());
        }
        if free < if stands(&Trouble::DiskLow) { LOW.1 } else { LOW.0 } {
            wrong.insert(Trouble::DiskLow, String::new());
        }
    }
    if vitals.journal_unlike {
        wrong.insert(Trouble::JournalUnlike, String::new());
    }
    if vitals.lag > if stands(&Trouble::Slow) { SLOW.1 } else { SLOW.0 } {
        wrong.insert(Trouble::Slow, String::new());
    }
    for (source, limit) in &state.settings.silent_after {
        // Nobody could be heard before the start.
        let last = state.sources.get(source.as_str()).copied().max(state.started_at);
        if last.is_some_and(|last| longer(last, SignedDuration::try_from(*limit).unwrap_or(SignedDuration::MAX))) {
            wrong.insert(Trouble::SourceSilent(source.as_str().into()), String::new());
        }
    }
    for ((platform, channel), why) in &state.unusable {
        if let Some(purpose) = state.settings.purpose_of(*platform, channel) {
            let trouble = Trouble::ChannelUnusable { platform: *platform, channel: channel.clone(), purpose };
            wrong.insert(trouble, why.words().to_owned());
        }
    }
    let ended = state.troubles.keys().filter(|trouble| !wrong.contains_key(trouble));
    let mut events: Vec<Event> = ended.map(|trouble| Event::TroubleEnded { trouble: trouble.clone() }).collect();
    let began = wrong.into_iter().filter(|(trouble, _)| !stands(trouble));
    events.extend(began.map(|(trouble, why)| Event::TroubleBegan { trouble, why: Outside::new(&why) }));
    events
}
