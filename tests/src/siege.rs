//! What the drivers have in common that kill the bot over and over: how long they are patient, and how they wait for rest.
//!
//! What holds: a bot that ends by itself is an error at once, and never waited for.

use std::time::{Duration, Instant};

use sandbox::Sandbox;
use tokio::task::JoinSet;

use crate::child::Bot;

/// Early kills come within this time after the start of the process.
pub const EARLY: Duration = Duration::from_millis(60);

/// A bot that is not ready after this time will not be.
pub const READY: Duration = Duration::from_secs(120);

/// How long may pass without anything being carried out before the end is called no rest.
const STUCK: Duration = Duration::from_secs(400);

/// What is due after half an hour would be said beside what is counted.
pub const CONFIG: &str = "\n[incidents]\nask_again_after = \"never\"\n\n[alerts]\nstorm_at = 0\n";

/// Waits until all who act are through with it.
///
/// # Errors
/// The bot ended, somebody broke down, or it takes too long.
pub async fn all_through(bot: &mut Bot, acting: &mut JoinSet<()>) -> Result<(), String> {
    let begun = Instant::now();
    while !acting.is_empty() {
        bot.lives_for(Duration::from_millis(20)).await?;
        while let Some(done) = acting.try_join_next() {
            done.map_err(|error| format!("somebody who acts broke down: {error}"))?;
        }
        if begun.elapsed() > STUCK {
            return Err(format!("{} of those who act are not through after {} s", acting.len(), STUCK.as_secs()));
        }
    }
    Ok(())
}

/// Waits until nothing is open any more, and nothing waits for people either, as `awaited` counts it at each look.
///
/// # Errors
/// The bot ended, or for long nothing of what is left was done.
pub async fn rest(
    bot: &mut Bot,
    http: &reqwest::Client,
    sandbox: &Sandbox,
    mut awaited: impl FnMut() -> usize,
) -> Result<(), String> {
    let (mut least, mut since, mut quiet) = ((u64::MAX, usize::MAX), Instant::now(), 0);
    // What was just taken may still open something, so it must stay quiet for a moment.
    while quiet < 8 {
        bot.lives_for(Duration::from_millis(60)).await?;
        let left = (bot.open(http).await.unwrap_or(u64::MAX), awaited());
        quiet = if left == (0, 0) && sandbox.slack.unacked() == 0 { quiet + 1 } else { 0 };
        if left < least {
            (least, since) = (left, Instant::now());
        } else if since.elapsed() > STUCK && quiet == 0 {
            let (open, awaited) = left;
            let seconds = STUCK.as_secs();
            return Err(format!(
                "no rest: {open} effects are open, {awaited} things wait for somebody, and for {seconds} s nothing was done"
            ));
        }
    }
    Ok(())
}
