//! Named points before and after everything that leaves this process, at which it can be made to die.
//!
//! A crash is planned by a point's name and the number of the pass at which it happens. What
//! holds: where none is planned, passing a point costs one branch; a process dies at once, by
//! a signal that nothing can catch; a bot within a test is dead at once too, because from then
//! on nobody passes any point, and everything that can be seen from outside has one before it.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use operations::ids::Platform;
use tokio::sync::watch;

/// Gives the points with their names; what is said of one is its doc line.
macro_rules! points {
    ($($(#[doc = $about:literal])+ $point:ident = $name:literal,)+) => {
        /// A point that is passed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point { $($(#[doc = $about])+ $point,)+ }

        impl Point {
            /// All of them.
            pub const ALL: &'static [Point] = &[$(Point::$point,)+];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Point::$point => $name,)+ }
            }

            /// Where it is.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Point::$point => concat!($($about),+).trim_ascii(),)+ }
            }
        }
    };
}

points! {
    /// A batch is decided, and nothing of it is in the journal's file
    JournalAppendBefore = "journal.append.before",
    /// A batch is in the file, and perhaps not on disk
    JournalAppendAfter = "journal.append.after",
    /// The file is about to be synced
    JournalSyncBefore = "journal.sync.before",
    /// A batch is on disk, and nobody has heard of it
    JournalSyncAfter = "journal.sync.after",
    /// The next log is about to be begun
    JournalTurnBefore = "journal.turn.before",
    /// The next log is begun, and the snapshot of the one before is not
    JournalTurnAfter = "journal.turn.after",
    /// A snapshot is about to be written
    SnapshotWriteBefore = "snapshot.write.before",
    /// A snapshot is on disk, and the logs that it covers are still there
    SnapshotWriteAfter = "snapshot.write.after",
    /// A log that is covered is about to be removed
    LogRemoveBefore = "log.remove.before",
    /// Logs and snapshots that are covered are removed
    LogRemoveAfter = "log.remove.after",
    /// An effect is about to be carried out
    OutboxSendBefore = "outbox.send.before",
    /// An effect was carried out, and only this process knows
    OutboxSendAfter = "outbox.send.after",
    /// How an effect ended is about to be told to the engine
    OutboxOutcomeBefore = "outbox.outcome.before",
    /// The engine was told how an effect ended, and may not have kept it
    OutboxOutcomeAfter = "outbox.outcome.after",
    /// A webhook is kept, and its sender is about to be told
    HookReplyBefore = "hook.reply.before",
    /// The sender of a webhook was told that it is kept
    HookReplyAfter = "hook.reply.after",
    /// What came over Slack's socket is kept, and is about to be acknowledged
    SlackAckBefore = "slack.ack.before",
    /// An acknowledgement went to Slack
    SlackAckAfter = "slack.ack.after",
    /// What came over Discord's socket is kept, and the session is about to go on behind it
    DiscordAckBefore = "discord.ack.before",
    /// Discord's session went on behind what is kept
    DiscordAckAfter = "discord.ack.after",
    /// An interaction on Discord is about to be answered
    DiscordCallbackBefore = "discord.callback.before",
    /// An interaction on Discord was answered
    DiscordCallbackAfter = "discord.callback.after",
    /// A checkpoint is signed, and not on disk
    CheckpointWriteBefore = "checkpoint.write.before",
    /// A checkpoint is on disk
    CheckpointWriteAfter = "checkpoint.write.after",
    /// A page of the wiki is about to be written
    WikiWriteBefore = "wiki.write.before",
    /// A page of the wiki is written, and not committed
    WikiCommitBefore = "wiki.commit.before",
    /// A page of the wiki is committed, and not pushed
    WikiCommitAfter = "wiki.commit.after",
}

impl Point {
    /// The point with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Point> {
        Point::ALL.iter().copied().find(|point| point.name() == name)
    }

    /// The point before something from a platform is acknowledged.
    #[must_use]
    pub fn acknowledging(platform: Platform) -> Point {
        match platform {
            Platform::Slack => Point::SlackAckBefore,
            Platform::Discord => Point::DiscordAckBefore,
        }
    }

    /// The point after something from a platform was acknowledged.
    #[must_use]
    pub fn acknowledged(platform: Platform) -> Point {
        match platform {
            Platform::Slack => Point::SlackAckAfter,
            Platform::Discord => Point::DiscordAckAfter,
        }
    }
}

/// What dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dies {
    /// The whole process, by SIGKILL.
    Process,
    /// The bot that has this handle, within a process that goes on.
    Bot,
}

/// This bot is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped at a crash point")]
pub struct Crashed;

impl From<Crashed> for std::io::Error {
    fn from(crashed: Crashed) -> std::io::Error {
        std::io::Error::other(crashed)
    }
}

/// Where a bot is to die, if anywhere. Cloning gives another handle on the same plan.
#[derive(Clone, Debug, Default)]
pub struct Crash(Option<Arc<Plan>>);

#[derive(Debug)]
struct Plan {
    at: Option<(Point, u64)>,
    what: Dies,
    passes: Vec<AtomicU64>,
    spared: AtomicBool,
    dead: watch::Sender<bool>,
}

impl Crash {
    /// One at the pass with this number, from 1.
    #[must_use]
    pub fn at(point: Point, pass: u64, what: Dies) -> Crash {
        Crash::planned(Some((point, pass)), what)
    }

    /// None, but passes are counted.
    #[must_use]
    pub fn counted() -> Crash {
        Crash::planned(None, Dies::Bot)
    }

    fn planned(at: Option<(Point, u64)>, what: Dies) -> Crash {
        let passes = Point::ALL.iter().map(|_| AtomicU64::new(0)).collect();
        Crash(Some(Arc::new(Plan {
            at,
            what,
            passes,
            spared: AtomicBool::new(false),
            dead: watch::Sender::new(false),
        })))
    }

    /// How often a point was passed.
    #[must_use]
    pub fn passes(&self, point: Point) -> u64 {
        self.0.as_ref().map_or(0, |plan| plan.passes[point as usize].load(Ordering::Relaxed))
    }

    /// Passes a point.
    ///
    /// # Errors
    /// This bot is dead: nothing more may be done.
    pub fn pass(&self, point: Point) -> Result<(), Crashed> {
        let Some(plan) = &self.0 else { return Ok(()) };
        let pass = plan.passes[point as usize].fetch_add(1, Ordering::Relaxed) + 1;
        if plan.at == Some((point, pass)) && !plan.spared.load(Ordering::Relaxed) {
            match plan.what {
                Dies::Process => die(),
                Dies::Bot => plan.dead.send_replace(true),
            };
        }
        self.lives()
    }

    /// Whoever has not died by now lives on.
    pub fn spare(&self) {
        if let Some(plan) = &self.0 {
            plan.spared.store(true, Ordering::Relaxed);
        }
    }

    /// Passes a point; never returns where this bot is dead.
    pub async fn pass_or_stay(&self, point: Point) {
        if self.pass(point).is_err() {
            pending().await
        }
    }

    /// Whether this bot is not dead.
    ///
    /// # Errors
    /// It is.
    pub fn lives(&self) -> Result<(), Crashed> {
        match &self.0 {
            Some(plan) if *plan.dead.borrow() => Err(Crashed),
            _ => Ok(()),
        }
    }

    /// Resolves when this bot has died; never where none is to.
    pub async fn died(&self) {
        match &self.0 {
            // The sender is kept by this handle.
            Some(plan) if plan.dead.subscribe().wait_for(|dead| *dead).await.is_ok() => {}
            _ => pending().await,
        }
    }
}

/// Ends the process without a word: no destructor runs and nothing is flushed.
fn die() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        // It does not return; if the system refuses, the process is aborted.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_name_of_its_own_and_a_line() {
        for (number, point) in Point::ALL.iter().enumerate() {
            assert_eq!(*point as usize, number, "passes are counted by it");
            assert_eq!(Point::named(point.name()), Some(*point));
            assert!(point.about().len() > 10 && !point.about().ends_with('.'), "{point:?}");
            let (_, edge) = point.name().rsplit_once('.').expect("a name has parts");
            assert!(["before", "after"].contains(&edge), "{point:?}");
        }
        assert_eq!(Point::named("nowhere"), None);
    }

    #[tokio::test]
    async fn the_dead_pass_nothing_any_more() {
        let crash = Crash::at(Point::HookReplyBefore, 2, Dies::Bot);
        let other = crash.clone();
        assert_eq!(crash.pass(Point::HookReplyBefore), Ok(()));
        assert_eq!(crash.pass(Point::HookReplyAfter), Ok(()));
        assert_eq!(other.pass(Point::HookReplyBefore), Err(Crashed));
        crash.died().await;
        assert_eq!(crash.pass(Point::HookReplyAfter), Err(Crashed));
        assert_eq!(crash.passes(Point::HookReplyBefore), 2);
        let stays = crate::tasks::spawn("a test", async move { other.pass_or_stay(Point::OutboxSendBefore).await });
        tokio::task::yield_now().await;
        assert!(!stays.is_finished());
        stays.abort();
        assert_eq!(Crash::default().pass(Point::HookReplyBefore), Ok(()));
    }
}
