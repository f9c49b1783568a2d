//! The one place where Muster reads the time and waits for it.
//!
//! [`SystemClock`] is the machine's; [`ManualClock`] stands still until a test moves it.
//! Everything that waits, waits on a [`Clock`], so a test that advances hours takes milliseconds.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

/// A future that is done when its time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time that can be waited for.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;
    /// Done once [`Clock::now`] has reached `at`.
    fn sleep_until(&self, at: Timestamp) -> Sleep;
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// Done after `wait`.
pub fn sleep(clock: &dyn Clock, wait: Duration) -> Sleep {
    clock.sleep_until(after(clock.now(), wait))
}

/// The moment `wait` after `at`; the end of time where that overflows.
#[must_use]
pub fn after(at: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|wait| at.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

/// The work took longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {0:?}")]
pub struct TimedOut(pub Duration);

/// Runs `work`, but no longer than `limit` of the clock's time.
///
/// # Errors
/// [`TimedOut`] when the limit was reached first; the work is dropped.
pub async fn timeout<T>(clock: &dyn Clock, limit: Duration, work: impl Future<Output = T>) -> Result<T, TimedOut> {
    let sleep = sleep(clock, limit);
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = sleep => Err(TimedOut(limit)),
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[expect(clippy::disallowed_methods, reason = "this is the one place where the system's clock is read")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let wait = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
        Box::pin(tokio::time::sleep(wait))
    }
}

/// A clock that a test moves by hand.
#[derive(Clone)]
pub struct ManualClock {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    now: Timestamp,
    sleepers: Vec<(Timestamp, oneshot::Sender<()>)>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> ManualClock {
        ManualClock { inner: Arc::new(Mutex::new(Inner { now, sleepers: Vec::new() })) }
    }

    /// Moves on by `by` and wakes whoever waited for a moment up to then.
    pub fn advance(&self, by: Duration) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.now = after(inner.now, by);
        let now = inner.now;
        let (due, waiting) = std::mem::take(&mut inner.sleepers).into_iter().partition(|(at, _)| *at <= now);
        inner.sleepers = waiting;
        drop(inner);
        let due: Vec<(Timestamp, oneshot::Sender<()>)> = due;
        for (_, wake) in due {
            // A sleeper that was dropped meanwhile needs no waking.
            let _ = wake.send(());
        }
    }

    /// The next moment that somebody waits for.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sleepers.retain(|(_, wake)| !wake.is_closed());
        inner.sleepers.iter().map(|(at, _)| *at).min()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if at <= inner.now {
            return Box::pin(std::future::ready(()));
        }
        let (wake, woken) = oneshot::channel();
        inner.sleepers.push((at, wake));
        Box::pin(async move {
            // The clock itself is gone: nobody will ever move it, so wait for ever.
            if woken.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_when_it_is_moved_past_them() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let early = sleep(&clock, Duration::from_secs(1));
        let late = sleep(&clock, Duration::from_secs(60));
        clock.advance(Duration::from_secs(2));
        early.await;
        assert_eq!(clock.next_wake(), Some(after(Timestamp::UNIX_EPOCH, Duration::from_secs(60))));
        drop(late);
        assert_eq!(clock.next_wake(), None);
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_given_up() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let limit = Duration::from_secs(10);
        let work = timeout(&clock, limit, std::future::pending::<()>());
        let (given_up, ()) = tokio::join!(work, async { clock.advance(limit) });
        assert_eq!(given_up, Err(TimedOut(limit)));
    }
}
