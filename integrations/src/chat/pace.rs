//! Keeping to the platforms' rate limits.
//!
//! A [`Pace`] holds one bucket per (method, channel or workspace). Before a call, the
//! client waits for its bucket; after a 429 the bucket is shut until the platform said.
//! What holds: nothing is sent before a told wait is over. The limits themselves are data,
//! in each adapter's `limits` table, whose rows have the form of [`super::limits`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{SharedClock, after};

/// How often something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many calls…
    pub calls: u32,
    /// …in this time.
    pub per: Duration,
}

/// The buckets of one platform.
pub struct Pace {
    clock: SharedClock,
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// A bucket has no room for longer than anybody wants to wait: for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom(pub Duration);

/// A bucket by the generic cell rate algorithm: one moment tells how full it is.
struct Bucket {
    /// When the bucket will be empty again.
    empty_at: Timestamp,
    /// Shut until then by the platform's own word.
    shut_until: Timestamp,
}

impl Pace {
    /// No bucket has been used yet.
    #[must_use]
    pub fn new(clock: SharedClock) -> Pace {
        Pace { clock, buckets: Mutex::new(HashMap::new()) }
    }

    /// Waits until `bucket` has room under `limit`, and takes one place in it. Whoever came first is let through
    /// first. Where that would take longer than `patience`, nothing is taken.
    ///
    /// # Errors
    /// [`NoRoom`]: how long it would take.
    pub async fn wait(&self, bucket: &str, limit: Limit, patience: Duration) -> Result<(), NoRoom> {
        let give_up = after(self.clock.now(), patience);
        while let Some(until) = self.take(bucket, limit, give_up)? {
            self.clock.sleep_until(until).await;
            if !self.is_shut(bucket) {
                return Ok(());
            }
            // Shut meanwhile: whoever waited lines up anew, behind the told wait.
        }
        Ok(())
    }

    /// Shuts `bucket` for `wait`, as the platform asked.
    pub fn shut(&self, bucket: &str, wait: Duration) {
        let until = after(self.clock.now(), wait);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(bucket.to_owned()).or_insert(Bucket { empty_at: Timestamp::MIN, shut_until: until });
        bucket.shut_until = bucket.shut_until.max(until);
    }

    fn is_shut(&self, bucket: &str) -> bool {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(bucket).is_some_and(|bucket| bucket.shut_until > self.clock.now())
    }

    /// Takes the next place; says when it is, unless it is now.
    pub(super) fn take(&self, bucket: &str, limit: Limit, give_up: Timestamp) -> Result<Option<Timestamp>, NoRoom> {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // A bucket that is empty and open says nothing that a new one would not.
        if buckets.len() > 10_000 {
            buckets.retain(|_, bucket| bucket.empty_at > now || bucket.shut_until > now);
        }
        let bucket =
            buckets.entry(bucket.to_owned()).or_insert(Bucket { empty_at: Timestamp::MIN, shut_until: Timestamp::MIN });
        let from = bucket.shut_until.max(now);
        let empty_at = after(bucket.empty_at.max(from), limit.per / limit.calls.max(1));
        let burst = jiff::SignedDuration::try_from(limit.per).unwrap_or_default();
        let place = empty_at.checked_sub(burst).unwrap_or(now).max(from);
        if place > give_up {
            return Err(NoRoom(Duration::try_from(place.duration_since(now)).unwrap_or_default()));
        }
        bucket.empty_at = empty_at;
        Ok((place > now).then_some(place))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;

    const LIMIT: Limit = Limit { calls: 2, per: Duration::from_secs(10) };

    fn take(pace: &Pace, bucket: &str) -> Option<Timestamp> {
        pace.take(bucket, LIMIT, Timestamp::MAX).expect("there is no hurry")
    }

    #[test]
    fn where_the_wait_is_too_long_no_place_is_taken() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let pace = Pace::new(Arc::new(clock.clone()));
        take(&pace, "b");
        take(&pace, "b");
        let soon = after(Timestamp::UNIX_EPOCH, Duration::from_secs(4));
        for _ in 0..3 {
            assert_eq!(pace.take("b", LIMIT, soon), Err(NoRoom(Duration::from_secs(5))));
        }
    }

    #[test]
    fn a_full_bucket_says_when_there_is_room_again() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let pace = Pace::new(Arc::new(clock.clone()));
        let at = |seconds| Some(after(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds)));
        assert_eq!(take(&pace, "b"), None);
        assert_eq!(take(&pace, "b"), None);
        assert_eq!(take(&pace, "b"), at(5), "the third waits");
        assert_eq!(take(&pace, "b"), at(10), "the fourth waits behind it");
        assert_eq!(take(&pace, "other"), None);
        clock.advance(Duration::from_secs(20));
        assert_eq!(take(&pace, "b"), None);
    }

    #[test]
    fn a_shut_bucket_stays_shut_until_the_told_wait_is_over() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let pace = Pace::new(Arc::new(clock.clone()));
        pace.shut("b", Duration::from_secs(30));
        clock.advance(Duration::from_secs(29));
        assert!(take(&pace, "b").is_some());
        clock.advance(Duration::from_secs(2));
        assert_eq!(take(&pace, "b"), None);
    }
}
