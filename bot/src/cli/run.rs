//! `muster run`.

use std::sync::Arc;

use integrations::clock::SystemClock;

use super::{Failed, RunArgs, asked_to_stop, load, out};
use crate::app::{App, Options};
use crate::crash::{Crash, Dies, Point};

/// Runs the bot until it is asked to stop, or until the journal can't be written.
pub(super) async fn run(args: RunArgs) -> Result<(), Failed> {
    crate::logs::start("info");
    let config = load(&args.at)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let crash = args.crash_at.map(|(point, pass)| Crash::at(point, pass, Dies::Process)).unwrap_or_default();
    let app = App::start(&config, Options { clock: Arc::new(SystemClock), crash }).await?;
    tokio::select! {
        () = asked_to_stop() => {
            app.stop().await;
            Ok(())
        }
        why = app.failed() => Err(Failed::new(format!("The journal can't be written, so Muster stopped: {why}"))),
    }
}

/// Prints the points at which it can be made to die, a line each.
pub(super) fn list_crash_points() {
    for point in Point::ALL {
        out::line(&format!("{:<24} {}", point.name(), point.about()));
    }
}
