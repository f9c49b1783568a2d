//! Waiting until everything that follows has happened, without waiting for time.
//!
//! Where something still waits for time (a rate limit's pause, a pause before the next
//! attempt), the clock is moved on by a little, as it would.

use std::time::Duration;

use integrations::chat::socket::{Health, State};
use integrations::clock::{Clock, after};
use operations::ids::Platform;
use tokio::sync::watch::Receiver;

use crate::World;

/// If nothing happens for so long of real time while something is under way, it waits for the clock.
const STUCK: Duration = Duration::from_millis(15);

/// The same while somebody's interaction waits for a socket that is being opened again: that takes real time, and the
/// three seconds that Discord waits must not pass meanwhile.
const CONNECTING: Duration = Duration::from_millis(500);

/// Woken later than this, it was not the bot that did nothing.
const LATE: Duration = Duration::from_millis(5);

/// An engine that answers later than this was at its disk.
const WRITING: Duration = Duration::from_millis(2);

/// How far the clock is moved then, at most: to the next moment that somebody waits for.
const NUDGE: Duration = Duration::from_millis(500);

/// A scenario that does not come to rest within so many moves is wrong.
const MOST: u32 = 10_000;

/// So many moves of the clock are waited for a connection.
const TRIES: u32 = 40;

/// How long is waited for signs of life: twenty times two milliseconds.
const BREATHS: u32 = 20;

/// No connection that lives is silent for longer: Slack pings every five seconds, Discord answers heartbeats.
const SLACK_SIGNS: Duration = Duration::from_secs(10);
const DISCORD_SIGNS: Duration = Duration::from_secs(45);

/// What waits for longer than this is left waiting: a scenario moves the clock for it itself.
const SOON: Duration = Duration::from_secs(15);

impl World {
    /// Waits until everything that follows from what was done has happened.
    pub async fn settle(&self) {
        for _ in 0..MOST {
            if self.is_settled().await {
                return;
            }
            self.nudge().await;
        }
        panic!("the world does not come to rest: {:?}", self.bot().standing.borrow().clone());
    }

    /// Waits until both sockets are up.
    pub async fn connected(&self) {
        let up = |health: &integrations::chat::socket::Health| health.state == State::Connected;
        self.until(|world| world.bot().sockets.values().all(|health| up(&health.borrow()))).await;
    }

    /// Waits until something is so, for as long as the bot lives; time goes on where nothing happens.
    pub async fn until(&self, what: impl Fn(&World) -> bool) {
        for _ in 0..MOST {
            if self.crash.lives().is_err() || what(self) {
                return;
            }
            self.nudge().await;
        }
        panic!("it does not come to that");
    }

    /// Gives a bot that lives the time to be connected again, as scenarios that leap in time need it: a connection does not
    /// outlive every leap. Where it can't be, things go on as they are.
    pub(crate) async fn reconnects(&self, platform: Platform) {
        let connected = || match platform {
            Platform::Slack => self.sandbox.slack.is_connected(),
            Platform::Discord => self.sandbox.discord.is_connected(),
        };
        for _ in 0..TRIES {
            if connected() || self.app.is_none() || self.crash.lives().is_err() {
                return;
            }
            self.nudge().await;
        }
    }

    /// Lets the sockets' signs of life, which take real time, keep up with a clock that leaps: else connections break that
    /// nobody has broken.
    pub(crate) async fn breathes(&self) {
        let Some(app) = &self.app else { return };
        for _ in 0..BREATHS {
            let now = self.clock.now();
            let is_silent = |(platform, health): (&Platform, &Receiver<Health>)| {
                let health = health.borrow();
                let longest = match platform {
                    Platform::Slack => SLACK_SIGNS,
                    Platform::Discord => DISCORD_SIGNS,
                };
                let silent = health.last_sign.is_some_and(|at| after(at, longest) < now);
                health.state == State::Connected && silent
            };
            if !app.sockets.iter().any(is_silent) {
                return;
            }
            self.pause(Duration::from_millis(2)).await;
        }
    }

    /// Moves the time on, second by second, until something is so; for at most a minute, in which Muster looks at itself
    /// a dozen times.
    pub async fn soon(&self, what: impl Fn(&World) -> bool) {
        for _ in 0..60 {
            if what(self) {
                return;
            }
            self.advance(Duration::from_secs(1)).await;
        }
    }

    /// Waits for `wait` of real time, for programs that have a clock of their own.
    pub async fn pause(&self, wait: Duration) {
        // A future that never ends, given up after the time: the world's own clock stands still.
        let _ = tokio::time::timeout(wait, std::future::pending::<()>()).await;
    }

    /// Runs `act`, moving the clock on where it waits for it.
    pub async fn while_working<T>(&self, act: impl Future<Output = T>) -> T {
        tokio::pin!(act);
        loop {
            tokio::select! {
                biased;
                done = &mut act => return done,
                () = self.nudge() => {}
            }
        }
    }

    /// Waits for something to happen; if nothing does, moves the clock on.
    async fn nudge(&self) {
        let mut changes = self.sandbox.changes();
        let happened = async {
            match self.app.as_ref().map(|app| app.standing.clone()) {
                Some(mut standing) => {
                    // What has happened up to now is known: only what happens from here counts.
                    standing.borrow_and_update();
                    tokio::select! {
                        // A bot that has halted changes no more, so that branch ends.
                        Ok(()) = standing.changed() => {}
                        _ = changes.recv() => {}
                    }
                }
                None => {
                    let _ = changes.recv().await;
                }
            }
        };
        let stuck = if self.sandbox.discord.waits_for_a_socket() { CONNECTING } else { STUCK };
        let begun = std::time::Instant::now();
        let waited = tokio::time::timeout(stuck, happened).await;
        // Whoever is woken late is on a machine that is busy elsewhere: then nothing may have happened for want of a turn.
        if waited.is_err() && begun.elapsed() < stuck + LATE && !self.is_writing().await {
            let now = self.clock.now();
            let wait = self.clock.next_wake().and_then(|wake| Duration::try_from(wake.duration_since(now)).ok());
            self.clock.advance(wait.map_or(NUDGE, |wait| wait.min(NUDGE)));
        }
    }

    /// Whether the bot was writing to its disk just now: a slow one is nothing that time goes on for.
    async fn is_writing(&self) -> bool {
        let Some(app) = self.app.as_ref().filter(|_| self.crash.lives().is_ok()) else { return false };
        let begun = std::time::Instant::now();
        // One that dies meanwhile may never answer.
        let _ = tokio::time::timeout(Duration::from_secs(1), app.engine.read(|_| ())).await;
        begun.elapsed() > WRITING
    }

    async fn is_settled(&self) -> bool {
        let Some(app) = &self.app else { return true };
        // Nothing follows from what the dead were told.
        if self.crash.lives().is_err() {
            return true;
        }
        if self.sandbox.slack.unacked() > 0 || self.sandbox.discord.waits_for_a_socket() {
            return false;
        }
        let kept = app.sockets.get(&Platform::Discord).map(|health| health.borrow().kept);
        if kept.is_some_and(|kept| kept < self.sandbox.discord.last_seq()) {
            return false;
        }
        app.checkpoints_at_rest().await;
        // What was decided before this is on disk when it is answered, and then the outbox has been told.
        if app.engine.read(|_| ()).await.is_err() {
            return true;
        }
        let standing = app.standing.borrow().clone();
        let soon = after(self.clock.now(), SOON);
        standing.taken == app.metrics.changes_handed()
            && standing.unsettled == 0
            && standing.next.is_none_or(|next| next > soon)
    }
}
