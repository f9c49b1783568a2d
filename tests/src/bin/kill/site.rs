//! One place: a directory with a bot that is killed over and over, two chats, and whoever acts on them.
//!
//! A bot that is killed within 60 ms of its start is most often not open yet: it counts at
//! the next start. What holds: a start that ends by itself is never taken for a kill.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use fastrand::Rng;
use operations::ids::Platform;
use sandbox::Sandbox;
use serde_json::Value;
use tests::child::{Start, pause};
use tests::siege::{self, CONFIG, EARLY, READY};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::check::{self, Findings};
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::totals::Totals;
use crate::{alerts, people};

/// What everybody who acts in one place shares.
pub(crate) struct Site {
    pub(crate) plan: Plan,
    pub(crate) sandbox: Sandbox,
    pub(crate) start: Start,
    pub(crate) http: reqwest::Client,
    pub(crate) ledger: Ledger,
    /// The next alert that nobody has told of.
    pub(crate) next_alert: AtomicU32,
    /// The next deed that nobody has begun.
    pub(crate) next_deed: AtomicU32,
    /// How often the bot was killed.
    pub(crate) kills: watch::Sender<u32>,
    /// Whether the bot is ready.
    pub(crate) up: watch::Sender<bool>,
}

impl Site {
    async fn open(plan: Plan, directory: &Path) -> Result<Site, String> {
        let sandbox = tests::child::sandbox(plan.people()).await;
        let start = Start::configure(directory, &sandbox, CONFIG)?;
        Ok(Site {
            plan,
            sandbox,
            start,
            http: integrations::http::http_client()?,
            ledger: Ledger::default(),
            next_alert: AtomicU32::new(0),
            next_deed: AtomicU32::new(0),
            kills: watch::Sender::new(0),
            up: watch::Sender::new(false),
        })
    }

    /// Everything that people see.
    pub(crate) fn view(&self, on: Platform) -> Value {
        match on {
            Platform::Slack => self.sandbox.slack.view(),
            Platform::Discord => self.sandbox.discord.view(),
        }
    }

    /// Starts the bot and kills it: soon after its start, or once it is ready. The first start of all is cut off soon.
    async fn one_life(&self, first: bool, rng: &mut Rng, totals: &mut Totals) -> Result<(), String> {
        let mut bot = self.start.start()?;
        if first || rng.u8(..10) < 6 {
            totals.early += 1;
            bot.lives_for(EARLY.mul_f64(rng.f64())).await?;
        } else {
            totals.became_ready(bot.ready(&self.http, READY).await?);
            self.up.send_replace(true);
            bot.lives_for(self.plan.steady.mul_f64(rng.f64())).await?;
            bot.lives_until(self.moment(rng)).await?;
        }
        bot.kill().await?;
        self.up.send_replace(false);
        self.kills.send_modify(|kills| *kills += 1);
        totals.kills += 1;
        Ok(())
    }

    /// Kills in steady times come just so, or wait for a moment at which something is open: something was accepted this
    /// moment, and must be kept already; something is seen in a chat, and the bot can't have noted that it is there; what
    /// somebody did is on its way to the bot, which may have kept it and not said so.
    async fn moment(&self, rng: &mut Rng) {
        let mut changes = self.sandbox.changes();
        let (which, later) = (rng.u8(..6), Duration::from_micros(rng.u64(..4_000)));
        let wait = async {
            match which {
                0 => self.ledger.accepted.notified().await,
                1 => drop(changes.recv().await),
                2 => {
                    while self.sandbox.slack.unacked() == 0 {
                        pause(Duration::from_millis(1)).await;
                    }
                    pause(later).await;
                }
                _ => {}
            }
        };
        // Where nothing happens for long, any moment is as good.
        let _ = tokio::time::timeout(self.plan.steady, wait).await;
    }

    /// Looks at a copy of the journal while the bot is dead, so that the next start finds the directory as the kill
    /// left it.
    fn glance(&self, directory: &Path) -> Result<(Journal, Findings), String> {
        let copy = directory.join("copy");
        tests::copy_directory(&self.start.data(), &copy);
        let found = self.compare_journal(&copy)?;
        std::fs::remove_dir_all(&copy).map_err(|error| format!("removing the copy: {error}"))?;
        Ok(found)
    }

    fn compare_journal(&self, data: &Path) -> Result<(Journal, Findings), String> {
        let (alerts, deeds) = (self.ledger.alerts(), self.ledger.deeds());
        // One that was killed at once has none: then nothing may have been accepted.
        let journal = Journal::read(data).map_err(|why| format!("the journal: {why}"))?.unwrap_or_default();
        let findings = check::kept(&alerts, &deeds, &journal);
        Ok((journal, findings))
    }
}

/// Kills the bot as often as planned while everybody acts, lets it come to rest, and compares.
///
/// # Errors
/// A start that ended by itself or never became ready, a rest that never came, a journal that can't be read.
pub(crate) async fn besiege(
    plan: Plan,
    directory: &Path,
    rng: &mut Rng,
    totals: &mut Totals,
) -> Result<Findings, String> {
    let site = Arc::new(Site::open(plan, directory).await?);
    let mut acting = JoinSet::new();
    for _ in 0..alerts::SENDERS {
        acting.spawn(alerts::tell(site.clone(), rng.fork()));
    }
    for on in Platform::ALL {
        for _ in 0..people::TYPISTS {
            acting.spawn(people::type_commands(site.clone(), on, rng.fork()));
        }
        acting.spawn(people::acknowledge(site.clone(), on, rng.fork()));
    }
    for number in 0..plan.kills {
        site.one_life(number == 0, rng, totals).await?;
        if totals.is_time_to_tell() {
            let (journal, findings) = site.glance(directory)?;
            totals.tell(&site.ledger, &findings);
            if !findings.none() {
                totals.add(&site.ledger, &journal, &findings);
                return Ok(findings);
            }
        }
    }
    let mut bot = site.start.start()?;
    totals.became_ready(bot.ready(&site.http, READY).await?);
    site.up.send_replace(true);
    siege::all_through(&mut bot, &mut acting).await?;
    siege::rest(&mut bot, &site.http, &site.sandbox, || 0).await?;
    bot.stop(READY).await?;
    let (journal, mut findings) = site.compare_journal(&site.start.data())?;
    findings.add(check::shown(&site, &site.ledger.deeds(), &journal));
    totals.add(&site.ledger, &journal, &findings);
    Ok(findings)
}
