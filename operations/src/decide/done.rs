//! What follows from how an effect ended.

use crate::effect::{CardId, Effect, Outcome};
use crate::event::Event;
use crate::state::State;
use crate::text::Outside;

/// What is to be remembered of an effect's end. An edit that worked is nothing new.
pub(super) fn done(state: &State, effect: &Effect, outcome: &Outcome) -> Vec<Event> {
    match (effect, outcome) {
        (Effect::ShowCard { card, place }, Outcome::Posted { channel, message }) => {
            let (channel, message) = (channel.clone(), message.clone());
            let before = state.cards.get(&(*card, *place)).filter(|before| before.channel != channel);
            let left = before.map(|before| before.on(place.platform()));
            let posted = Event::CardPosted { card: *card, place: *place, channel, message, left };
            [posted].into_iter().chain(told(state, *card, true)).collect()
        }
        (Effect::ShowCard { card, place }, Outcome::Lost) => vec![Event::CardLost { card: *card, place: *place }],
        (Effect::OpenRoom { incident, platform }, Outcome::RoomOpened { channel, name }) => vec![Event::RoomOpened {
            incident: *incident,
            platform: *platform,
            channel: channel.clone(),
            name: Outside::new(name),
        }],
        (Effect::Capture { incident, message, by, how }, Outcome::Captured(captured)) => {
            // The mark may have been taken away while the message was looked up.
            if state.marked.contains_key(message) {
                let (captured, by) = (captured.clone(), by.clone());
                vec![Event::MessageCaptured { incident: *incident, captured, by, how: *how }]
            } else {
                Vec::new()
            }
        }
        (Effect::Publish { incident }, Outcome::Published { url, stale }) => {
            vec![Event::PostmortemPublished { incident: *incident, url: url.clone(), stale: stale.clone() }]
        }
        (Effect::ReadMissed { incident, platform, .. }, Outcome::MissedCut) => {
            vec![Event::MissedCut { incident: *incident, platform: *platform }]
        }
        (Effect::ProbeChannel { platform, channel }, Outcome::ChannelWorks) => {
            let known = state.unusable(*platform, channel).is_some();
            let left = state.left.iter().filter(|card| card.platform == *platform && card.channel == *channel);
            let left = left.map(|card| card.message.clone()).collect();
            let event = Event::ChannelUsable { platform: *platform, channel: channel.clone(), left };
            known.then_some(event).into_iter().collect()
        }
        // Were it an event, there would be something new to make a checkpoint of, for ever.
        (Effect::Checkpoint { .. }, _) => Vec::new(),
        (effect, Outcome::GivenUp { why }) => {
            let (about, incident, why) = (effect.about(), effect.incident(), Outside::new(why));
            let given_up = Event::EffectGivenUp { effect: effect.key(), about, incident, why };
            let told = if let Effect::ShowCard { card, .. } = effect { told(state, *card, false) } else { None };
            [given_up].into_iter().chain(told).collect()
        }
        (_, Outcome::Done | Outcome::Lost) => Vec::new(),
        (
            _,
            Outcome::Posted { .. }
            | Outcome::RoomOpened { .. }
            | Outcome::Captured(_)
            | Outcome::Published { .. }
            | Outcome::ChannelWorks
            | Outcome::Deploy(_)
            | Outcome::MissedCut,
        ) => Vec::new(),
    }
}

/// A board that is to be posted once was posted, or can't be.
fn told(state: &State, card: CardId, is_shown: bool) -> Option<Event> {
    match card {
        CardId::Missed(missed) => crate::missed::ended(state, missed, is_shown),
        CardId::Alert(_) | CardId::Headline(_) | CardId::Storm(_) | CardId::Deploy(_) => None,
    }
}
