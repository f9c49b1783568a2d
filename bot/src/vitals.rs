//! Muster looks at itself, every few seconds: the chats, what waits, the disk, its own pace.
//!
//! What it sees goes to the engine, which decides what people are told; to `/metrics`; and
//! as a heartbeat to an address of the operator's, so that silence is noticed elsewhere
//! (a dead man's switch). What holds: the heartbeat stops when Muster can't decide any
//! more, can't write, can't reach anybody on any chat, or doesn't run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use integrations::chat::Chat;
use integrations::chat::socket::{self, Health};
use integrations::clock::{SharedClock, sleep};
use operations::ids::Platform;
use operations::input::Input;
use operations::state::State;
use operations::vitals::{self, Link, Trouble, Vitals, nobody_hears};
use tokio::sync::{mpsc, oneshot, watch};

use crate::config::Heartbeat;
use crate::engine::{Engine, Request};
use crate::metrics::Metrics;
use crate::outbox::{Standing, Waiting};
use crate::store::disk;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);

/// Who looks, and at what.
pub(crate) struct Looker {
    pub(crate) engine: Engine,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Metrics,
    pub(crate) data_dir: PathBuf,
    pub(crate) chats: BTreeMap<Platform, Arc<Chat>>,
    pub(crate) sockets: BTreeMap<Platform, watch::Receiver<Health>>,
    pub(crate) standing: watch::Receiver<Standing>,
    pub(crate) outbox: mpsc::Sender<oneshot::Sender<Waiting>>,
    /// Set while the disk is full: webhooks are refused.
    pub(crate) full: Arc<AtomicBool>,
    /// Whether the journal was not the one that its checkpoints are of at the start.
    pub(crate) journal_unlike: Arc<AtomicBool>,
}

impl Looker {
    /// Looks until the engine has stopped.
    pub(crate) async fn run(self) {
        let mut links = BTreeMap::new();
        loop {
            let seen = self.look(&mut links).await;
            self.metrics.vitals(&seen);
            let full = seen.disk_free.is_some_and(|free| free < vitals::FULL);
            if full {
                self.full.store(true, Ordering::Relaxed);
            }
            if self.engine.ask(Request::new(Input::Vitals(Box::new(seen)))).await.is_err() {
                return;
            }
            let troubles = self.engine.read(|state| state.troubles.keys().cloned().collect::<Vec<_>>()).await;
            // It is taken again when the engine, which has the word on it, says that there is room.
            let troubled = troubles.as_ref().map(|troubles| troubles.contains(&Trouble::DiskFull));
            self.full.store(troubled.unwrap_or(full), Ordering::Relaxed);
            self.metrics.troubles(&troubles.unwrap_or_default());
            sleep(self.clock.as_ref(), EVERY).await;
        }
    }

    async fn look(&self, links: &mut BTreeMap<Platform, Link>) -> Vitals {
        let now = self.clock.now();
        let mut refused = BTreeMap::new();
        for (platform, socket) in &self.sockets {
            let (up, why) = match &socket.borrow().state {
                socket::State::Connected => (true, String::new()),
                socket::State::Connecting(why) => (false, why.clone().unwrap_or_default()),
                socket::State::Refused(why) => {
                    refused.insert(*platform, why.clone());
                    (false, why.clone())
                }
                socket::State::Stopped(why) => (false, why.clone()),
            };
            let link = links.entry(*platform).or_insert(Link { up, since: now, why: String::new() });
            if link.up != up {
                link.since = now;
            }
            (link.up, link.why) = (up, why);
        }
        let (give, waits) = oneshot::channel();
        let waiting = match self.outbox.send(give).await {
            Ok(()) => waits.await.unwrap_or_default(),
            Err(_) => Waiting::default(),
        };
        refused.extend(waiting.refused);
        let begun = Instant::now();
        // If the engine has stopped, the next word to it ends this.
        let _ = self.engine.read(|_| ()).await;
        let lag = begun.elapsed();
        Vitals {
            at: now,
            lanes: waiting.lanes,
            open: self.standing.borrow().open,
            oldest: waiting.oldest,
            chats: links.clone(),
            refused,
            disk_free: disk::free(&self.data_dir).ok(),
            lag,
            journal_unlike: self.journal_unlike.load(Ordering::Relaxed),
            invalid: self.chats.iter().filter_map(|(on, chat)| Some((*on, chat.refused_lately()?))).collect(),
            sessions_left: self.sockets.iter().filter_map(|(on, it)| Some((*on, it.borrow().sessions_left?))).collect(),
        }
    }
}

/// Why the heartbeat is held back, if it is.
fn unwell(state: &State) -> Option<&'static str> {
    if state.troubles.contains_key(&Trouble::DiskFull) {
        Some("the disk is full")
    } else if nobody_hears(state) {
        Some("no chat can be reached, so nobody can be told of anything")
    } else {
        None
    }
}

/// Tells the operator's address that Muster is well, as long as it is.
pub(crate) async fn heartbeat(engine: Engine, clock: SharedClock, http: reqwest::Client, beat: Heartbeat) {
    loop {
        match engine.read(unwell).await {
            Err(_) => return,
            Ok(Some(why)) => tracing::warn!(why, "No heartbeat is sent"),
            Ok(None) => {
                // The address is a credential at most services: it is not logged.
                let sent = http.get(beat.url.expose()).send().await;
                match sent.map(|answer| answer.status()) {
                    Ok(status) if status.is_success() => {}
                    Ok(status) => tracing::warn!(%status, "The heartbeat was not taken"),
                    Err(error) => tracing::warn!(error = %error.without_url(), "The heartbeat could not be sent"),
                }
            }
        }
        sleep(clock.as_ref(), beat.every).await;
    }
}
