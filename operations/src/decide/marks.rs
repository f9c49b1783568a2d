//! What follows from what people write, pin and react to in an incident's room.

use crate::chat::Actor;
use crate::event::Event;
use crate::ids::{ChannelId, IncidentId, MessageRef};
use crate::incident::Mark;
use crate::state::State;

/// A message was marked, or its mark was taken away. Outside an incident's room that means nothing.
pub(super) fn marked(state: &State, by: &Actor, message: &MessageRef, how: Mark, added: bool) -> Vec<Event> {
    let Some(incident) = state.incident_of(message.platform, &message.channel) else { return Vec::new() };
    let known = state.marked.contains_key(message);
    if added {
        // Muster's own cards are no messages of people, and a message stands in the timeline once.
        let own = state.cards.values().any(|card| card.message == message.message && card.channel == message.channel);
        if known || own {
            return Vec::new();
        }
        let mut events = vec![Event::MessageMarked { incident, message: message.clone(), by: by.clone(), how }];
        join(state, by, incident, &mut events);
        return events;
    }
    if !known {
        return Vec::new();
    }
    vec![Event::MarkWithdrawn { incident, message: message.clone(), by: by.clone(), how }]
}

/// Somebody wrote in a room: they take part.
pub(super) fn wrote(state: &State, by: &Actor, channel: &ChannelId) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(incident) = state.incident_of(by.user.platform, channel) {
        join(state, by, incident, &mut events);
    }
    events
}

/// Whoever does something in an incident takes part in it, once per person.
pub(super) fn join(state: &State, by: &Actor, incident: IncidentId, events: &mut Vec<Event>) {
    let Some(it) = state.incidents.get(&incident) else { return };
    if !it.responders.iter().any(|(who, _)| state.settings.same_person(&who.user, &by.user)) {
        events.push(Event::ResponderJoined { incident, who: by.clone() });
    }
}
