//! The one place where background tasks are started.
//!
//! A panic in a task is a fault of Muster's that nobody would notice otherwise: it is
//! logged with the task's name.

use std::future::Future;

use futures_util::FutureExt;
use tokio::task::JoinHandle;

/// Runs a task in the background under a name.
#[expect(clippy::disallowed_methods, reason = "this is the one place where background tasks are started")]
pub fn spawn(name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        if std::panic::AssertUnwindSafe(task).catch_unwind().await.is_err() {
            tracing::error!(task = name, "A task of Muster panicked and has ended");
        }
    })
}
