//! `muster run`.

use std::sync::Arc;

use integrations::clock::SystemClock;

use super::{At, Failed, asked_to_stop, load};
use crate::app::{App, Options};

/// Runs the bot until it is asked to stop, or until the journal can't be written.
pub(super) async fn run(at: At) -> Result<(), Failed> {
    crate::logs::start("info");
    let config = load(&at)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let app = App::start(&config, Options { clock: Arc::new(SystemClock), halt: None }).await?;
    tokio::select! {
        () = asked_to_stop() => {
            app.stop().await;
            Ok(())
        }
        why = app.failed() => Err(Failed::new(format!("The journal can't be written, so Muster stopped: {why}"))),
    }
}
