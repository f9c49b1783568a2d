//! What follows from how an effect ended.

use crate::effect::{Effect, Outcome};
use crate::event::Event;
use crate::state::State;
use crate::text::Outside;

/// What is to be remembered of an effect's end. An edit that worked is nothing new.
pub(super) fn done(state: &State, effect: &Effect, outcome: &Outcome) -> Vec<Event> {
    match (effect, outcome) {
        (Effect::ShowCard { card, place }, Outcome::Posted { channel, message }) => {
            vec![Event::CardPosted { card: *card, place: *place, channel: channel.clone(), message: message.clone() }]
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
        // Were it an event, there would be something new to make a checkpoint of, for ever.
        (Effect::Checkpoint { .. }, _) => Vec::new(),
        (effect, Outcome::GivenUp { why }) => vec![Event::EffectGivenUp {
            effect: effect.key(),
            about: effect.about(),
            incident: effect.incident(),
            why: Outside::new(why),
        }],
        (_, Outcome::Done | Outcome::Lost) => Vec::new(),
        (_, Outcome::Posted { .. } | Outcome::RoomOpened { .. } | Outcome::Captured(_) | Outcome::Published { .. }) => {
            Vec::new()
        }
    }
}
