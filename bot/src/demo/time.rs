//! The story's own time: it goes on as real time does, and leaps to when the next step begins.
//!
//! With it a story of three quarters of an hour is played in twenty seconds, and its transcript is the same to the
//! minute whenever it is played; by how many seconds a deploy is over sooner depends on the machine.

use std::time::Duration;

use integrations::clock::{Clock, ManualClock, Sleep, SystemClock, sleep};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

/// How finely time goes on.
const TICK: Duration = Duration::from_millis(10);
/// How far one leap goes, so that what is due on the way is done on the way.
const LEAP: Duration = Duration::from_secs(1);
/// How long one leap takes: time enough for a heartbeat to be answered.
const BREATH: Duration = Duration::from_millis(2);
/// The same where something is watched: time enough for it to be looked at.
const LONG_BREATH: Duration = Duration::from_millis(50);

/// A clock that is moved by hand, as the sandbox wants it.
pub struct Shared(pub ManualClock);

impl sandbox::time::Time for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        self.0.sleep_until(at)
    }
}

/// When the story begins.
#[must_use]
pub fn beginning() -> Timestamp {
    // 2026-03-02 14:02 UTC.
    Timestamp::from_second(1_772_460_120).unwrap_or_default()
}

/// The story's clock; it stands still when this is dropped.
pub(super) struct StoryTime {
    pub(super) clock: ManualClock,
    passing: JoinHandle<()>,
}

impl StoryTime {
    /// Time begins to go on.
    pub(super) fn begin() -> StoryTime {
        let clock = ManualClock::new(beginning());
        let moved = clock.clone();
        let passing = crate::tasks::spawn("story time", async move {
            loop {
                sleep(&SystemClock, TICK).await;
                moved.advance(TICK);
            }
        });
        StoryTime { clock, passing }
    }

    /// Goes on quickly until `seconds` after the beginning, more slowly while something is `watched`; not at all where
    /// that is past.
    pub(super) async fn leap_to(&self, seconds: i64, watched: impl Fn() -> bool) {
        let at = beginning() + SignedDuration::from_secs(seconds);
        while let Ok(left) = Duration::try_from(at.duration_since(self.clock.now()))
            && !left.is_zero()
        {
            self.clock.advance(left.min(LEAP));
            sleep(&SystemClock, if watched() { LONG_BREATH } else { BREATH }).await;
        }
    }
}

impl Drop for StoryTime {
    fn drop(&mut self) {
        self.passing.abort();
    }
}
