//! The one place where the sandbox reads the time.
//!
//! Tests bring their own [`Time`]; everything else uses [`SystemTime`].

use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;

/// A source of time that can also be waited for.
pub trait Time: Send + Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;
    /// Resolves once [`Time::now`] has reached `at`.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The machine's own clock.
pub struct SystemTime;

#[expect(clippy::disallowed_methods, reason = "this is the one place where the system's clock is read")]
impl Time for SystemTime {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let wait = std::time::Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
        Box::pin(tokio::time::sleep(wait))
    }
}
