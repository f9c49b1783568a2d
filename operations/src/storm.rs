//! Storms: so many new alerts at once that a card for each would help nobody.
//!
//! Where new alert groups open in a channel faster than people can read, the channel gets
//! one board that is kept up to date, and the groups that open from then on have no card:
//! they are *held back*. What holds: a group that is held back is kept like any other and
//! is listed; it gets its card as soon as a person does something about it or it becomes
//! part of an incident; a storm says when it is over, and the gravest that still fire get
//! their cards then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::Group;
use crate::event::Event;
use crate::ids::{GroupId, StormId};
use crate::state::State;
use crate::text::Outside;

/// A storm begins, and is looked at, by what opened in so long.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// How often a storm is looked at, and its board brought up to date.
pub const EVERY: SignedDuration = SignedDuration::from_secs(30);

/// At least this many new groups in a channel and [`WINDOW`] can be asked for before a storm begins.
pub const FEWEST: u64 = 5;
/// At most this many.
pub const MOST: u64 = 240;

/// So many of the gravest that still fire get their cards when a storm is over.
const RELEASED: usize = 10;

/// A storm in one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storm {
    /// Its number.
    pub id: StormId,
    /// The service whose channel it is; none for the channel of all alerts.
    pub channel: Option<Outside>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// The groups that were held back, in the order in which they opened.
    pub held: Vec<GroupId>,
    /// What opened, by service.
    #[serde(with = "crate::pairs")]
    pub services: BTreeMap<Option<Outside>, Tally>,
    /// How many opened in the fullest minute.
    pub peak: u32,
    /// How many of those that were held back have been resolved.
    pub resolved: u64,
}

/// What opened of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many groups.
    pub opened: u64,
    /// When the first did.
    pub first_seen: Timestamp,
}

/// When groups opened in a channel: the newest [`MOST`], the oldest first; and how many there were in each minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Openings {
    newest: VecDeque<Timestamp>,
    minute: i64,
    this_minute: u32,
    last_minute: u32,
    /// The storm that rages.
    pub(crate) raging: Option<StormId>,
}

impl Openings {
    /// A group opened.
    pub(crate) fn add(&mut self, at: Timestamp) {
        if self.newest.len() as u64 == MOST {
            self.newest.pop_front();
        }
        self.newest.push_back(at);
        let minute = at.as_second().div_euclid(60);
        if minute != self.minute {
            self.last_minute = if minute == self.minute + 1 { self.this_minute } else { 0 };
            self.this_minute = 0;
            self.minute = minute;
        }
        self.this_minute += 1;
    }

    /// How many opened since `since`, counted up to [`MOST`].
    #[must_use]
    pub fn since(&self, since: Timestamp) -> u64 {
        self.newest.iter().rev().take_while(|at| **at > since).count() as u64
    }

    /// How many opened in the fuller of this minute and the one before.
    #[must_use]
    pub fn a_minute(&self) -> u32 {
        self.this_minute.max(self.last_minute)
    }
}

impl Storm {
    /// How many groups were held back.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.services.values().map(|tally| tally.opened).sum()
    }

    /// The groups that were held back and still fire, the gravest and then the oldest first.
    pub fn firing<'a>(&'a self, state: &'a State) -> Vec<&'a Group> {
        let held = self.held.iter().filter_map(|id| state.groups.get(id)).map(Arc::as_ref);
        let mut firing: Vec<&Group> = held.filter(|group| group.resolved_at.is_none()).collect();
        firing.sort_by_key(|group| (group.severity, group.id));
        firing
    }
}

/// What begins when one more group opens in the channel of `service`, if a storm does.
pub(crate) fn begins(state: &State, service: Option<&Outside>, now: Timestamp) -> Option<Event> {
    let channel = state.settings.channel_owner(service);
    let most = state.settings.storm_at?;
    let running = state.storm_in(channel.as_ref()).is_some();
    let since = now.checked_sub(WINDOW).ok()?;
    let busy = state.openings.get(&channel).is_some_and(|openings| openings.since(since) >= most);
    let next = StormId(state.last_storm + 1);
    (busy && !running).then(|| Event::StormBegan { storm: next, channel, check: later(now) })
}

/// What becomes of a storm that is looked at.
pub(crate) fn looked_at(state: &State, id: StormId, now: Timestamp) -> Option<Event> {
    let storm = state.storms.get(&id).filter(|storm| storm.ended_at.is_none())?;
    let since = now.checked_sub(WINDOW * 2).ok()?;
    let recent = state.openings.get(&storm.channel).map_or(0, |openings| openings.since(since));
    // It ends at a quarter of what it began at, or it would begin again at once.
    if recent * 2 > state.settings.storm_at.unwrap_or(0) {
        return Some(Event::StormWatched { storm: id, check: later(now) });
    }
    let released = storm.firing(state).into_iter().filter(|group| group.acknowledged.is_none()).take(RELEASED);
    Some(Event::StormEnded { storm: id, released: released.map(|group| group.id).collect() })
}

fn later(now: Timestamp) -> Timestamp {
    now.checked_add(EVERY).unwrap_or(Timestamp::MAX)
}
