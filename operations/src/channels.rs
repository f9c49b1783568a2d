//! Channels that can't be used: archived, deleted, or closed to Muster.
//!
//! What belongs into one is shown in another until a look from outside says that it is right
//! again. What holds: nothing is said into a channel that is known to refuse it; an incident's
//! room that can't be used is no channel for alerts, and what is said in it is said where
//! incidents are announced, as long as the incident is not over.

use serde::{Deserialize, Serialize};

use crate::card::Card;
use crate::effect::{Effect, Place};
use crate::ids::{ChannelId, IncidentId, Platform};
use crate::state::State;
use crate::text::Text;

/// Why a channel can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// It is archived.
    Archived,
    /// The bot is not in it and can't enter by itself.
    NotIn,
    /// There is none with this id, as far as the bot can see.
    Gone,
    /// The bot may not see it, or may not write there.
    Forbidden,
}

impl Unusable {
    /// Why, and what to do next.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Unusable::Archived => "it is archived. Unarchive it",
            Unusable::NotIn => "Muster is not in it. Invite Muster again",
            Unusable::Gone => {
                "it is not there, or is private and Muster is not in it. Invite Muster, or put another channel into \
                 the configuration"
            }
            Unusable::Forbidden => {
                "Muster may not do there what it has to. Let it see the channel, send messages and embed links in it, and \
                 read its history"
            }
        }
    }
}

impl State {
    /// Why a channel can't be used, if it can't.
    #[must_use]
    pub fn unusable(&self, platform: Platform, channel: &ChannelId) -> Option<Unusable> {
        if self.unusable.is_empty() {
            return None;
        }
        self.unusable.get(&(platform, channel.clone())).copied()
    }

    /// The channel, or while it can't be used the one that takes its place; itself where none can.
    pub(crate) fn instead_of<'a>(&'a self, platform: Platform, channel: &'a ChannelId) -> &'a ChannelId {
        if self.unusable(platform, channel).is_none() {
            return channel;
        }
        let mut others = self.settings.fallbacks(platform);
        others.find(|other| self.unusable(platform, other).is_none()).unwrap_or(channel)
    }

    /// Why an incident's room can't be used, if it is open and can't.
    #[must_use]
    pub fn unusable_room(&self, platform: Platform, incident: IncidentId) -> Option<Unusable> {
        let room = self.incidents.get(&incident)?.rooms.get(&platform)?;
        self.unusable(platform, &room.channel)
    }

    /// Where what is said in a place is heard. None where nobody would hear it: in the room of an incident that is over.
    #[must_use]
    pub fn heard_in(&self, place: Place) -> Option<&ChannelId> {
        if let Place::Room(platform, incident) = place
            && self.unusable_room(platform, incident).is_some()
        {
            self.incidents.get(&incident).filter(|it| it.is_open())?;
            return self.channel_of(Place::Announcements(platform));
        }
        self.channel_of(place)
    }

    /// Whether anybody waits for a channel: it is configured, or the room of an incident that is not over.
    #[must_use]
    pub fn needs_channel(&self, platform: Platform, channel: &ChannelId) -> bool {
        let room = self.incident_of(platform, channel).and_then(|incident| self.incidents.get(&incident));
        self.settings.purpose_of(platform, channel).is_some() || room.is_some_and(|it| it.is_open())
    }

    /// The channels that can't be used and are needed.
    pub(crate) fn missing_channels(&self) -> impl Iterator<Item = (Platform, &ChannelId)> {
        let all = self.unusable.keys().map(|(platform, channel)| (*platform, channel));
        all.filter(|(platform, channel)| self.needs_channel(*platform, channel))
    }
}

/// Looks for when the channels that can't be used are right again.
pub(crate) fn probes(state: &State) -> Vec<Effect> {
    let probe =
        |(platform, channel): (Platform, &ChannelId)| Effect::ProbeChannel { platform, channel: channel.clone() };
    state.missing_channels().map(probe).collect()
}

/// What is told once of an incident's room that can't be used.
pub(crate) fn room_card(platform: Platform, incident: IncidentId, why: Unusable) -> Card {
    let title = platform.title();
    let words = format!(
        "⚠️ The room of {incident} on {title} can't be used: {}. Until then, what is said there for {title} is said in the \
         channel for incidents. Muster looks every 10 minutes whether it is right again.",
        why.words()
    );
    Card::line(Text::new().plain(words))
}
