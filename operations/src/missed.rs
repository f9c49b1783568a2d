//! Alerts that could not be shown on a chat in time: it was away, or its limits were used up.
//!
//! When it can be reached again, cards of hours ago would come one a second, before what is
//! new. So they are held back there, and one board tells of them all. What holds: nothing is
//! held back that somebody took or that belongs to an incident; the board comes once, with
//! how things stand in that moment; what opens after it has its card as ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::Group;
use crate::effect::{CardId, Place};
use crate::event::Event;
use crate::ids::{GroupId, MissedId, Platform};
use crate::state::State;
use crate::text::Outside;
use crate::vitals::Vitals;

/// A card that waits for longer is late.
const LATE: SignedDuration = SignedDuration::from_mins(2);

/// So many late cards in a channel are shown all the same: that takes no longer than half a minute.
const FEW: usize = 30;

/// So many cards follow the board: of what still fires, the gravest.
const RELEASED: usize = 10;

/// Alerts that were not shown in time, in one channel of one chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Its number.
    pub id: MissedId,
    /// The chat.
    pub platform: Platform,
    /// The service whose channel it is; none for the channel of all alerts.
    pub channel: Option<Outside>,
    /// When the first of them opened.
    pub began_at: Timestamp,
    /// When the board was posted.
    pub ended_at: Option<Timestamp>,
    /// Which ones, in the order in which they opened.
    pub held: Vec<GroupId>,
    /// How many of them have been resolved.
    pub resolved: u64,
}

impl Missed {
    /// Those that still fire, the gravest and then the oldest first.
    pub fn firing<'a>(&'a self, state: &'a State) -> Vec<&'a Group> {
        let held = self.held.iter().filter_map(|id| state.groups.get(id)).map(Arc::as_ref);
        let mut firing: Vec<&Group> = held.filter(|group| group.resolved_at.is_none()).collect();
        firing.sort_by_key(|group| (group.severity, group.id));
        firing
    }
}

/// What is held back from now on, given what Muster sees of itself.
pub(crate) fn looked_at(state: &State, vitals: &Vitals) -> Vec<Event> {
    let is_late = |since: Timestamp| vitals.at.duration_since(since) > LATE;
    let mut events = Vec::new();
    // Where nothing waits for long, no card does: the groups need not be looked at.
    for (platform, oldest) in vitals.oldest.iter().filter(|(_, oldest)| is_late(**oldest)) {
        let mut unseen: BTreeMap<Option<&Outside>, (usize, Vec<GroupId>)> = BTreeMap::new();
        // What opened before the oldest that waits does not wait: it was shown, given up, or never to be shown here.
        let waits = |group: &&Arc<Group>| group.opened_at >= *oldest && has_no_card(state, group, *platform);
        for group in state.groups.values().filter(waits) {
            let (late, groups) = unseen.entry(group.channel.as_ref()).or_default();
            *late += usize::from(is_late(group.opened_at));
            groups.push(group.id);
        }
        // Those that are not late yet will be: what is behind them is.
        for (channel, (_, groups)) in unseen.into_iter().filter(|(_, (late, _))| *late > FEW) {
            let number = state.last_missed + 1 + u32::try_from(events.len()).unwrap_or_default();
            let (missed, platform, channel) = (MissedId(number), *platform, channel.cloned());
            events.push(Event::MissedBegan { missed, platform, channel, groups });
        }
    }
    events
}

fn has_no_card(state: &State, group: &Group, platform: Platform) -> bool {
    group.first_acknowledged_at.is_none()
        && group.incident.is_none()
        && group.storm.is_none()
        && !group.missed.contains_key(&platform)
        && !state.cards.contains_key(&(CardId::Alert(group.id), Place::Alerts(platform)))
}

/// What follows when the board was posted, or can't be.
pub(crate) fn ended(state: &State, id: MissedId, is_shown: bool) -> Option<Event> {
    let missed = state.missed.get(&id).filter(|missed| missed.ended_at.is_none())?;
    let gravest = missed.firing(state).into_iter().filter(|group| group.is_missed_on(missed.platform));
    let most = if is_shown { RELEASED } else { 0 };
    Some(Event::MissedEnded { missed: id, released: gravest.take(most).map(|group| group.id).collect() })
}
