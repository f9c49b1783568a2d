//! Lanes: what must go in order, and what goes beside one another.
//!
//! An effect is found by its key, and stands in one lane. What a change costs depends on
//! its lane alone, not on how much is open: a storm does not slow its own clearing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use integrations::clock::after;
use jiff::Timestamp;
use operations::effect::{Effect, Urgency};
use operations::ids::Platform;
use operations::vitals::Lane;

use super::Waiting;
use crate::store::Row;

/// So many lanes are told of.
const SHOWN: usize = 50;

/// An open effect and what is known of its attempts.
pub(super) struct Open {
    pub(super) row: Arc<Row>,
    /// When it was asked for, or the one that it took the place of.
    pub(super) queued_at: Timestamp,
    ahead: bool,
    pub(super) attempts: u32,
    /// Not before then.
    pub(super) due: Timestamp,
    /// Whether it may have been carried out already without anybody knowing.
    pub(super) suspect: bool,
    /// Whether it waits only because it failed, and not because it was told until when.
    guessed: bool,
    /// Why it failed last.
    pub(super) failed: Option<Arc<str>>,
    stage: Stage,
    lane: String,
    /// Its place in the lane.
    place: u64,
}

/// Where an open effect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// In its lane.
    Queued,
    /// Being carried out.
    Running,
    /// Its outcome is being committed.
    Reported,
}

/// The order within a lane: the urgent first, then what goes ahead ([`Row::ahead`]), then as they were asked for.
type Rank = (Urgency, bool, u64);

#[derive(Default)]
struct Queue {
    queue: BTreeMap<Rank, Arc<str>>,
    /// The chat that it leads to.
    platform: Option<Platform>,
    running: bool,
    /// Where it stands in [`Lanes::free`], if it does.
    free_at: Option<Timestamp>,
}

/// Everything that is open.
#[derive(Default)]
pub(super) struct Lanes {
    open: HashMap<Arc<str>, Open>,
    lanes: HashMap<String, Queue>,
    /// Lanes that are free, by when their first effect is due.
    free: BTreeSet<(Timestamp, String)>,
    oldest: BTreeSet<(Timestamp, Arc<str>)>,
    unsettled: usize,
    /// Chats on which something failed since something worked.
    failing: BTreeSet<Platform>,
    /// Chats that nothing is started for.
    held: BTreeSet<Platform>,
}

impl Lanes {
    /// An effect is open. Asked for again while it is queued, it keeps its place, so that what is asked for all the
    /// time has its turn too; what is known of earlier attempts still counts.
    pub(super) fn put(&mut self, row: Arc<Row>, suspect: bool) {
        let key = row.key.clone();
        let lane = lane_of(&row);
        let before = self.remove(&key);
        let place = row.generation;
        let wait = row.effect.waits_for();
        let due = if wait.is_zero() { Timestamp::MIN } else { after(row.queued_at, wait) };
        let (queued_at, ahead) = (row.queued_at, row.ahead);
        let stage = Stage::Queued;
        let mut it = Open {
            row,
            queued_at,
            ahead,
            attempts: 0,
            due,
            suspect,
            guessed: false,
            failed: None,
            stage,
            lane: lane.clone(),
            place,
        };
        if let Some(before) = before {
            if before.stage == Stage::Queued {
                it.place = before.place;
                it.queued_at = before.queued_at;
                it.ahead |= before.ahead;
            }
            it.attempts = before.attempts;
            it.due = before.due;
            it.guessed = before.guessed;
            it.suspect |= before.suspect;
            it.failed = before.failed;
            // One that is being carried out stays so until its outcome is recorded: the next attempt must see it.
            if before.stage != Stage::Queued {
                it.stage = before.stage;
                self.unsettled += 1;
            }
        }
        self.oldest.insert((it.queued_at, key.clone()));
        let queued = it.stage == Stage::Queued;
        self.open.insert(key.clone(), it);
        if queued {
            self.enqueue(&key);
        }
        self.refresh(&lane);
    }

    /// An effect is not open any more.
    pub(super) fn done(&mut self, key: &str) {
        if let Some(it) = self.remove(key) {
            if it.stage == Stage::Running
                && let Some(lane) = self.lanes.get_mut(&it.lane)
            {
                lane.running = false;
            }
            self.refresh(&it.lane);
        }
    }

    /// Starts nothing more for a chat.
    pub(super) fn hold(&mut self, platform: Platform) {
        if self.held.insert(platform) {
            self.refresh_all(platform);
        }
    }

    /// Goes on with a chat.
    pub(super) fn release(&mut self, platform: Platform) {
        if self.held.remove(&platform) {
            self.refresh_all(platform);
        }
    }

    fn refresh_all(&mut self, platform: Platform) {
        let of = |(name, lane): (&String, &Queue)| (lane.platform == Some(platform)).then(|| name.clone());
        let names: Vec<String> = self.lanes.iter().filter_map(of).collect();
        names.iter().for_each(|name| self.refresh(name));
    }

    /// Takes the first effect of a lane that is free and whose time has come; its lane is busy from then on.
    pub(super) fn start(&mut self, now: Timestamp) -> Option<&Open> {
        let (due, name) = self.free.first()?.clone();
        if due > now {
            return None;
        }
        let lane = self.lanes.get_mut(&name)?;
        let (_, key) = lane.queue.pop_first()?;
        lane.running = true;
        self.refresh(&name);
        self.unsettled += 1;
        let it = self.open.get_mut(&key)?;
        it.stage = Stage::Running;
        Some(it)
    }

    /// An attempt has ended, and its outcome is on its way to the journal. Its lane goes on; the effect itself waits.
    pub(super) fn reported(&mut self, key: &str) {
        if let Some(it) = self.open.get_mut(key).filter(|it| it.stage == Stage::Running) {
            it.attempts = 0;
            it.suspect = false;
            it.due = Timestamp::MIN;
            it.stage = Stage::Reported;
            let name = it.lane.clone();
            self.leave(&name);
        }
    }

    /// The outcome is in the journal, and the effect was asked for again: it is queued again.
    pub(super) fn recorded(&mut self, key: &str) {
        if let Some(it) = self.open.get_mut(key).filter(|it| it.stage == Stage::Reported) {
            it.stage = Stage::Queued;
            let name = it.lane.clone();
            self.unsettled -= 1;
            self.enqueue(key);
            self.refresh(&name);
        }
    }

    /// Notes why an attempt has failed.
    pub(super) fn failed(&mut self, key: &str, why: &str) {
        if let Some(it) = self.open.get_mut(key) {
            it.failed = Some(why.into());
        }
    }

    /// An attempt has failed: it is tried again at `due`. `told` says that this is a time that was asked for.
    pub(super) fn again(&mut self, key: &str, due: Timestamp, suspect: bool, told: bool) {
        if let Some(it) = self.open.get_mut(key).filter(|it| it.stage == Stage::Running) {
            self.failing.extend(it.row.effect.platform());
            it.guessed = !told;
            it.attempts += 1;
            it.suspect |= suspect;
            it.due = due;
            it.stage = Stage::Queued;
            let name = it.lane.clone();
            self.unsettled -= 1;
            self.enqueue(key);
            self.leave(&name);
        }
    }

    /// Something worked on a chat: what waits there only because it failed is tried at once.
    pub(super) fn works_again(&mut self, platform: Platform) {
        if !self.failing.remove(&platform) {
            return;
        }
        let mut lanes = BTreeSet::new();
        for it in self.open.values_mut() {
            if it.guessed && it.stage == Stage::Queued && it.row.effect.platform() == Some(platform) {
                (it.due, it.guessed) = (Timestamp::MIN, false);
                lanes.insert(it.lane.clone());
            }
        }
        lanes.iter().for_each(|lane| self.refresh(lane));
    }

    /// A lane has nothing under way any more.
    fn leave(&mut self, name: &str) {
        if let Some(lane) = self.lanes.get_mut(name) {
            lane.running = false;
        }
        self.refresh(name);
    }

    pub(super) fn get(&self, key: &str) -> Option<&Open> {
        self.open.get(key)
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// How many are being carried out, or wait for their outcome to be committed.
    pub(super) fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// When the oldest was asked for.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.oldest.first().map(|(at, _)| *at)
    }

    /// When the next lane that is free has something to do: in the past where it has now.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.free.first().map(|(due, _)| *due)
    }

    /// The same without what only watches, and so is never done by itself.
    pub(super) fn next_but_watching(&self) -> Option<Timestamp> {
        let watches = |name: &str| {
            let first = self.lanes.get(name).and_then(|lane| lane.queue.first_key_value());
            let it = first.and_then(|(_, key)| self.open.get(key));
            it.is_some_and(|it| it.attempts > 0 && it.row.effect.watches())
        };
        self.free.iter().find(|(_, name)| !watches(name)).map(|(due, _)| *due)
    }

    /// Something is new where an effect watches: it looks at once.
    pub(super) fn nudge(&mut self, key: &str) {
        if let Some(it) = self.open.get_mut(key).filter(|it| it.stage == Stage::Queued) {
            it.due = Timestamp::MIN;
            let name = it.lane.clone();
            self.refresh(&name);
        }
    }

    /// What waits, by lane. Costs a look at everything that is open.
    pub(super) fn waiting(&self) -> Waiting {
        let mut lanes: HashMap<&str, Lane> = HashMap::new();
        let mut waiting = Waiting::default();
        for it in self.open.values() {
            // Answers each have a lane of their own; together they are one that people can read.
            let name = if matches!(it.row.effect, Effect::Reply { .. }) { "answers" } else { &it.lane };
            let new = || Lane { name: name.to_owned(), depth: 0, oldest: it.queued_at };
            let lane = lanes.entry(name).or_insert_with(new);
            lane.depth += 1;
            lane.oldest = lane.oldest.min(it.queued_at);
            if let Some(platform) = it.row.effect.platform().filter(|_| it.row.effect.urgency() < Urgency::Chatter) {
                let oldest = waiting.oldest.entry(platform).or_insert(it.queued_at);
                *oldest = (*oldest).min(it.queued_at);
            }
        }
        waiting.lanes = lanes.into_values().collect();
        waiting.lanes.sort_by(|one, other| other.depth.cmp(&one.depth).then_with(|| one.name.cmp(&other.name)));
        waiting.lanes.truncate(SHOWN);
        waiting
    }

    fn remove(&mut self, key: &str) -> Option<Open> {
        let it = self.open.remove(key)?;
        self.oldest.remove(&(it.queued_at, key.into()));
        match it.stage {
            Stage::Queued => {
                if let Some(lane) = self.lanes.get_mut(&it.lane) {
                    lane.queue.remove(&rank(&it));
                }
            }
            Stage::Running | Stage::Reported => self.unsettled -= 1,
        }
        Some(it)
    }

    /// Puts an open effect into its lane's queue.
    fn enqueue(&mut self, key: &str) {
        let Some(it) = self.open.get(key) else { return };
        let lane = self.lanes.entry(it.lane.clone()).or_default();
        lane.platform = it.row.effect.platform();
        lane.queue.insert(rank(it), it.row.key.clone());
    }

    /// Brings what is known of a lane up to date after any change to it.
    fn refresh(&mut self, name: &str) {
        let Some(lane) = self.lanes.get_mut(name) else { return };
        if let Some(at) = lane.free_at.take() {
            self.free.remove(&(at, name.to_owned()));
        }
        match lane.queue.first_key_value() {
            // A lane whose first effect has to wait, waits: order is kept within it.
            Some((_, key)) if !lane.running && !lane.platform.is_some_and(|it| self.held.contains(&it)) => {
                let due = self.open.get(key).map_or(Timestamp::MIN, |it| it.due);
                lane.free_at = Some(due);
                self.free.insert((due, name.to_owned()));
            }
            Some(_) => {}
            None if lane.running => {}
            None => {
                self.lanes.remove(name);
            }
        }
    }
}

fn rank(it: &Open) -> Rank {
    (it.row.effect.urgency(), !it.ahead, it.place)
}

/// The lane of an effect by its name: platform, kind of call, channel.
fn lane_of(row: &Row) -> String {
    let effect = &row.effect;
    let platform = effect.peer();
    match effect {
        Effect::ShowCard { place, .. } | Effect::PinCard { place, .. } | Effect::Say { place, .. } => {
            match &row.channel {
                Some(channel) => format!("{channel}/{platform}"),
                None => place.key(),
            }
        }
        Effect::OpenRoom { .. } => format!("rooms/{platform}"),
        Effect::SetTopic { incident, .. } => format!("topic-{incident}/{platform}"),
        Effect::Invite { .. } => format!("invite/{platform}"),
        // Nobody waits for an answer behind somebody else's.
        Effect::Reply { delivery, .. } => format!("reply-{delivery}/{platform}"),
        Effect::Capture { .. } => format!("read/{platform}"),
        Effect::RetireCard { message } => format!("{}/{platform}", message.channel.0),
        Effect::ReadMissed { .. } => format!("missed/{platform}"),
        Effect::ProbeChannel { channel, .. } => format!("probe-{}/{platform}", channel.0),
        // What stays open to watch holds up nothing else of its deploy.
        Effect::Deploy { deploy, what } => format!("{deploy}-{}/{platform}", what.key()),
        Effect::HoldBack { target } => format!("hold-{}-{}/{platform}", target.service, target.environment),
        Effect::Publish { .. } => "wiki".to_owned(),
        Effect::Checkpoint { .. } => format!("checkpoint/{platform}"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use operations::card::Card;
    use operations::effect::Place;
    use operations::ids::IncidentId;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn row(generation: u64, ahead: bool, effect: Effect) -> Arc<Row> {
        Arc::new(Row { key: effect.key().into(), generation, queued_at: NOW, ahead, channel: None, effect })
    }

    fn say(generation: u64, platform: Platform) -> Arc<Row> {
        let place = Place::Room(platform, IncidentId(1));
        let effect = Effect::Say { seq: generation, place, card: Box::new(Card::default()) };
        row(generation, false, effect)
    }

    fn started(lanes: &mut Lanes, now: Timestamp) -> Vec<u64> {
        std::iter::from_fn(|| lanes.start(now).map(|it| it.row.generation)).collect()
    }

    #[test]
    fn a_lane_goes_in_order_and_holds_up_no_other() {
        let mut lanes = Lanes::default();
        for row in [say(10, Platform::Slack), say(9, Platform::Slack), say(11, Platform::Discord)] {
            lanes.put(row, false);
        }
        let mut first = started(&mut lanes, NOW);
        first.sort_unstable();
        assert_eq!(first, [9, 11], "one of each lane, the older first");
        let later = NOW + SignedDuration::from_secs(1);
        let key = say(9, Platform::Slack).effect.key();
        lanes.again(&key, later, true, false);
        assert_eq!(started(&mut lanes, NOW), [] as [u64; 0], "the first one waits, and the second behind it");
        assert_eq!(lanes.next(), Some(later));
        assert_eq!(started(&mut lanes, later), [9]);
        lanes.reported(&key);
        assert_eq!(started(&mut lanes, later), [10]);
        lanes.done(&key);
        assert_eq!((lanes.len(), lanes.unsettled()), (2, 2));
    }

    #[test]
    fn when_something_works_again_what_failed_is_tried_at_once_and_what_was_told_to_wait_waits() {
        let mut lanes = Lanes::default();
        let (failed, told, works) = (say(1, Platform::Slack), show(2, 2, false), show(3, 3, false));
        let elsewhere = say(4, Platform::Discord);
        let rows = [&failed, &told, &works, &elsewhere];
        // Each in a lane of its own.
        for (number, row) in rows.into_iter().enumerate() {
            lanes.put(Arc::new(Row { channel: Some(number.to_string().into()), ..(**row).clone() }), false);
        }
        assert_eq!(started(&mut lanes, NOW).len(), 4);
        let later = NOW + SignedDuration::from_secs(60);
        for row in [&failed, &elsewhere] {
            lanes.again(&row.key, later, false, false);
        }
        lanes.again(&told.key, later, false, true);
        lanes.works_again(Platform::Slack);
        assert_eq!(started(&mut lanes, NOW), [1]);
        assert_eq!(lanes.next(), Some(later));
    }

    #[test]
    fn a_chat_that_is_held_starts_nothing_and_goes_on_where_it_was() {
        let mut lanes = Lanes::default();
        lanes.put(say(1, Platform::Slack), false);
        assert_eq!(started(&mut lanes, NOW), [1]);
        lanes.hold(Platform::Slack);
        lanes.again(&say(1, Platform::Slack).effect.key(), NOW, false, false);
        for row in [say(2, Platform::Slack), say(3, Platform::Discord)] {
            lanes.put(row, false);
        }
        assert_eq!(started(&mut lanes, NOW), [3], "the other chat goes on");
        assert_eq!(lanes.next(), None);
        lanes.release(Platform::Slack);
        assert_eq!(started(&mut lanes, NOW), [1]);
    }

    #[test]
    fn what_is_asked_for_again_while_it_runs_is_done_again() {
        let mut lanes = Lanes::default();
        let row = say(1, Platform::Slack);
        let key = row.effect.key();
        lanes.put(row.clone(), false);
        assert_eq!(started(&mut lanes, NOW), [1]);
        lanes.put(Arc::new(Row { generation: 2, ..(*row).clone() }), false);
        assert_eq!(started(&mut lanes, NOW), [] as [u64; 0], "not twice at once");
        lanes.reported(&key);
        assert_eq!(started(&mut lanes, NOW), [] as [u64; 0], "not before the first outcome is recorded");
        lanes.recorded(&key);
        assert_eq!(started(&mut lanes, NOW), [2]);
    }

    fn show(generation: u64, group: u64, ahead: bool) -> Arc<Row> {
        let card = operations::effect::CardId::Alert(operations::ids::GroupId(group));
        let effect = Effect::ShowCard { card, place: Place::Alerts(Platform::Slack) };
        row(generation, ahead, effect)
    }

    #[test]
    fn a_card_that_nobody_has_seen_goes_before_changes_and_a_busy_card_has_its_turn_too() {
        let mut lanes = Lanes::default();
        for row in [show(1, 1, false), show(2, 2, false), show(3, 3, true)] {
            lanes.put(row, false);
        }
        // The first card changes all the time.
        lanes.put(show(4, 1, false), false);
        let mut order = Vec::new();
        while let Some(it) = lanes.start(NOW) {
            order.push(it.row.generation);
            let key = it.row.effect.key();
            lanes.reported(&key);
            lanes.done(&key);
        }
        assert_eq!(order, [3, 4, 2]);
    }
}
