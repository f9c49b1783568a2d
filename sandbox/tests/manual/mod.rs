//! A clock that a test moves.

use std::future::Future;
use std::pin::Pin;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Stands still until it is moved.
#[derive(Clone)]
pub(crate) struct ManualTime(watch::Sender<Timestamp>);

impl ManualTime {
    /// It stands so many seconds after 1970.
    pub(crate) fn at(seconds: i64) -> ManualTime {
        ManualTime(watch::Sender::new(Timestamp::from_second(seconds).expect("a time")))
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.0.send_modify(|now| *now += by);
    }
}

impl sandbox::time::Time for ManualTime {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= at).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
