//! What is told of Muster itself: once when it begins, once when it ends, and with a next step.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use operations::channels::Unusable;
use operations::decide::decide;
use operations::effect::{Effect, Outcome};
use operations::event::Event;
use operations::ids::Platform;
use operations::input::Input;
use operations::journal::Record;
use operations::settings::Seat;
use operations::state::State;
use operations::vitals::{FULL, Link, Trouble, Vitals, nobody_hears};

/// A state to which time and events happen.
#[derive(Default)]
struct World {
    state: State,
}

impl World {
    /// What Muster sees so many seconds after its beginning; what begins and ends then.
    fn sees(&mut self, second: i64, how: impl FnOnce(&mut Vitals)) -> Vec<Event> {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
        let mut vitals = Vitals { at, disk_free: Some(u64::MAX), ..Vitals::default() };
        how(&mut vitals);
        let events = decide(&self.state, &Input::Vitals(Box::new(vitals)), at).expect("never refused").events;
        for event in &events {
            let record = Record { seq: self.state.seq + 1, at, event: event.clone() };
            self.state.apply(&record);
        }
        events
    }
}

fn is(events: &[Event], began: bool, trouble: &Trouble) -> bool {
    match events {
        [Event::TroubleBegan { trouble: it, .. }] => began && it == trouble,
        [Event::TroubleEnded { trouble: it }] => !began && it == trouble,
        _ => false,
    }
}

#[test]
fn a_short_absence_is_not_told_and_a_long_one_once() {
    let mut world = World::default();
    let away = |vitals: &mut Vitals| {
        let since = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(10);
        vitals.chats.insert(Platform::Slack, Link { up: false, since, why: "no route".to_owned() });
    };
    assert_eq!(world.sees(60, away), []);
    assert!(is(&world.sees(75, away), true, &Trouble::ChatAway(Platform::Slack)));
    assert_eq!(world.sees(500, away), [], "once");
    assert!(is(&world.sees(505, |_| {}), false, &Trouble::ChatAway(Platform::Slack)));
}

#[test]
fn a_disk_is_full_until_there_is_twice_the_room() {
    let mut world = World::default();
    let full = world.sees(0, |vitals| vitals.disk_free = Some(FULL - 1));
    assert_eq!(full.len(), 2, "it is low, too: {full:?}");
    assert_eq!(world.sees(5, |vitals| vitals.disk_free = Some(FULL + 1)), []);
    let ended = world.sees(10, |vitals| vitals.disk_free = Some(FULL * 2));
    assert!(is(&ended, false, &Trouble::DiskFull), "{ended:?}");
    assert_eq!(world.sees(12, |vitals| vitals.disk_free = Some(1100 << 20)), [], "a little more room is not enough");
    assert!(is(&world.sees(15, |_| {}), false, &Trouble::DiskLow));
}

#[test]
fn a_source_that_falls_silent_is_told_of() {
    let mut world = World::default();
    world.state.settings.silent_after.insert("prometheus".to_owned(), Duration::from_secs(600));
    world.state.apply(&Record { seq: 1, at: Timestamp::UNIX_EPOCH, event: Event::Started { version: "1".to_owned() } });
    assert_eq!(world.sees(599, |_| {}), []);
    assert!(is(&world.sees(601, |_| {}), true, &Trouble::SourceSilent("prometheus".into())));
    let heard = Event::UnheardResolved { source: "prometheus".into(), key: "k".into(), alerts: Vec::new() };
    let again = Event::Started { version: "1".to_owned() };
    for (second, event) in [(700, heard), (3_000, again)] {
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
        world.state.apply(&Record { seq: world.state.seq + 1, at, event });
    }
    assert!(is(&world.sees(3_005, |_| {}), false, &Trouble::SourceSilent("prometheus".into())), "it has its time anew");
    assert!(is(&world.sees(3_605, |_| {}), true, &Trouble::SourceSilent("prometheus".into())));
}

#[test]
fn calls_that_are_refused_are_told_of_long_before_it_hurts() {
    let mut world = World::default();
    let refused = |count| move |vitals: &mut Vitals| vitals.invalid = [(Platform::Discord, count)].into();
    let trouble = Trouble::Refused(Platform::Discord);
    assert_eq!(world.sees(5, refused(499)), []);
    assert!(is(&world.sees(10, refused(500)), true, &trouble));
    assert_eq!(world.sees(15, refused(250)), [], "it is not over yet");
    assert!(is(&world.sees(20, refused(249)), false, &trouble));
    assert_eq!(trouble.chat(), None, "it is told there too, while that can be done");
}

#[test]
fn a_token_that_is_refused_is_told_at_once_and_instead_of_the_chat_being_away() {
    let mut world = World::default();
    let refused = |vitals: &mut Vitals| {
        let link = Link { up: false, since: Timestamp::UNIX_EPOCH, why: "revoked".to_owned() };
        vitals.chats.insert(Platform::Slack, link);
        vitals.oldest.insert(Platform::Slack, Timestamp::UNIX_EPOCH);
        vitals.refused.insert(Platform::Slack, "auth.test: token_revoked".to_owned());
    };
    let trouble = Trouble::TokenRefused(Platform::Slack);
    assert_eq!(trouble.chat(), Some(Platform::Slack), "it is told on the other");
    assert!(is(&world.sees(1, refused), true, &trouble));
    assert_eq!(world.sees(1_000, refused), [] as [Event; 0], "one trouble is enough");
    assert!(is(&world.sees(1_005, |_| {}), false, &trouble));
}

#[test]
fn a_channel_of_the_configuration_is_a_trouble_as_long_as_it_can_not_be_used() {
    let mut world = World::default();
    let seat = Seat {
        workspace: "W".to_owned(),
        alerts: "C1".into(),
        incidents: "C2".into(),
        operators: None,
        fallback: None,
        checkpoints: None,
        deploys: None,
        services: [("checkout".to_owned(), "C3".into())].into(),
    };
    world.state.settings.chats.insert(Platform::Slack, seat);
    for channel in ["C3", "C9"] {
        let (platform, channel, said) = (Platform::Slack, channel.into(), "not_in_channel".to_owned());
        let input = Input::ChannelRefused { platform, channel, why: Unusable::NotIn, said };
        let decided = decide(&world.state, &input, Timestamp::UNIX_EPOCH).expect("never refused").events;
        for event in decided {
            world.state.apply(&Record { seq: world.state.seq + 1, at: Timestamp::UNIX_EPOCH, event });
        }
        assert_eq!(decide(&world.state, &input, Timestamp::UNIX_EPOCH).expect("never refused").events, [], "once");
    }
    let purpose = "alerts of checkout".to_owned();
    let trouble = Trouble::ChannelUnusable { platform: Platform::Slack, channel: "C3".into(), purpose };
    assert!(is(&world.sees(5, |_| {}), true, &trouble), "nobody waits for one that is not configured");
    let effect = Effect::ProbeChannel { platform: Platform::Slack, channel: "C3".into() };
    let input = Input::Done { effect, outcome: Outcome::ChannelWorks };
    let events = decide(&world.state, &input, Timestamp::UNIX_EPOCH).expect("never refused").events;
    for event in events {
        world.state.apply(&Record { seq: world.state.seq + 1, at: Timestamp::UNIX_EPOCH, event });
    }
    assert!(is(&world.sees(10, |_| {}), false, &trouble));
}

#[test]
fn where_every_chat_is_away_nobody_hears() {
    let mut world = World::default();
    let seat = || Seat {
        workspace: "W".to_owned(),
        alerts: "C1".into(),
        incidents: "C2".into(),
        operators: None,
        fallback: None,
        checkpoints: None,
        deploys: None,
        services: [].into(),
    };
    assert!(!nobody_hears(&world.state), "without chats the webhooks are what there is");
    world.state.settings.chats = Platform::ALL.map(|platform| (platform, seat())).into();
    world.state.troubles.insert(Trouble::ChatAway(Platform::Slack), Timestamp::UNIX_EPOCH);
    assert!(!nobody_hears(&world.state));
    world.state.troubles.insert(Trouble::TokenRefused(Platform::Discord), Timestamp::UNIX_EPOCH);
    assert!(nobody_hears(&world.state));
}

#[test]
fn a_slow_engine_late_delivery_and_a_foreign_journal_are_told_of() {
    let mut world = World::default();
    let slow = |vitals: &mut Vitals| vitals.lag = Duration::from_secs(6);
    assert!(is(&world.sees(5, slow), true, &Trouble::Slow));
    assert_eq!(world.sees(7, |vitals| vitals.lag = Duration::from_secs(2)), [], "it is not quick yet");
    assert!(is(&world.sees(10, |_| {}), false, &Trouble::Slow));
    let late = |vitals: &mut Vitals| {
        vitals.oldest.insert(Platform::Slack, Timestamp::UNIX_EPOCH);
    };
    assert_eq!(world.sees(299, late), [] as [Event; 0]);
    assert!(is(&world.sees(305, late), true, &Trouble::ChatLate(Platform::Slack)));
    let less = |vitals: &mut Vitals| {
        vitals.oldest.insert(Platform::Slack, Timestamp::UNIX_EPOCH + SignedDuration::from_secs(100));
    };
    assert_eq!(world.sees(308, less), [], "it is not up to date yet");
    assert!(is(&world.sees(310, |_| {}), false, &Trouble::ChatLate(Platform::Slack)));
    assert!(is(&world.sees(315, |vitals| vitals.journal_unlike = true), true, &Trouble::JournalUnlike));
}
