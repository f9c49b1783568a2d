//! The running bot: everything started in order, and stopped in order.
//!
//! The journal first, then the outbox, the chats' sockets, and the HTTP side last: nothing
//! is taken before it can be kept. What holds: a chat that can't be reached keeps nothing
//! else from working.

mod chats;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use integrations::chat::socket;
use integrations::clock::{SharedClock, after};
use integrations::http::http_client;
use integrations::wiki::git::Wiki;
use operations::checkpoint::Checkpoint;
use operations::ids::Platform;
use operations::input::Input;
use operations::vitals::Trouble;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

use crate::accounts;
use crate::checkpoints::book::Book;
use crate::checkpoints::key::Key;
use crate::checkpoints::{self, Checkpoints};
use crate::config::Config;
use crate::crash::{Crash, Point};
use crate::engine::{Engine, Request, Start};
use crate::inbox::Intake;
use crate::metrics::Metrics;
use crate::outbox::begun::Begun;
use crate::outbox::carry::Carrier;
use crate::outbox::{Outbox, Standing};
use crate::pipelines::Pipelines;
use crate::publish::Publisher;
use crate::server::room::Room;
use crate::server::{self, Shared, health, hooks, listen};
use crate::store::StoreError;
use crate::store::files::Files;
use crate::vitals::{self, Looker};

/// At most so many arrivals wait to be parsed.
const INBOX: usize = 1_024;

/// How long a clean stop may take for each part, in real time.
const STOPPING: Duration = Duration::from_secs(5);

/// Why the bot did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal can't be used.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}. Is another program there?")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The wiki can't be used.
    #[error("the wiki: {0}")]
    Wiki(String),
    /// A pipeline can't be used.
    #[error("a pipeline: {0}")]
    Pipeline(String),
    /// An HTTP client can't be built.
    #[error("the HTTP client: {0}")]
    Client(String),
}

/// A bot that runs.
pub struct App {
    /// The way to the engine.
    pub engine: Engine,
    /// Where HTTP is listened on.
    pub address: SocketAddr,
    /// How the outbox stands.
    pub standing: watch::Receiver<Standing>,
    /// How the sockets do.
    pub sockets: BTreeMap<Platform, watch::Receiver<socket::Health>>,
    /// The figures.
    pub metrics: Metrics,
    /// Events that were read to bring the state back.
    pub replayed: u64,
    running: Vec<JoinHandle<()>>,
    connected: Vec<chats::Connection>,
    outbox: JoinHandle<()>,
    checkpoints: Checkpoints,
    /// Whether checkpoints are posted anywhere.
    posts_checkpoints: bool,
    server: JoinHandle<()>,
    stop: watch::Sender<bool>,
    clock: SharedClock,
    thread: std::thread::JoinHandle<()>,
}

/// What the bot is started with, beside its configuration.
pub struct Options {
    /// The time.
    pub clock: SharedClock,
    /// Where to die, if anywhere; only for tests.
    pub crash: Crash,
}

/// What waits for no longer than this is under way.
const SOON: Duration = Duration::from_secs(15);

impl App {
    /// Starts the bot.
    ///
    /// # Errors
    /// What keeps it from working at all; a chat that can't be reached is not among it.
    pub async fn start(config: &Config, options: Options) -> Result<App, StartError> {
        let Options { clock, crash } = options;
        let metrics = Metrics::default();
        let full = Arc::new(AtomicBool::new(false));
        let store = Files::open(&config.data_dir)?.with_crash(crash.clone()).telling(full.clone());
        let (key, book) = (Key::open_or_make(&config.data_dir)?, Book::open(&config.data_dir)?);
        let http = http_client().map_err(|error| StartError::Client(error.to_string()))?;
        let chats = chats::build(config, &http, &clock);
        let settings = config.settings(&chats::workspaces(config));
        let started = Start {
            store: Box::new(store),
            clock: clock.clone(),
            settings,
            metrics: metrics.clone(),
            crash: crash.clone(),
        }
        .start()?;
        let engine = started.engine;
        let committed = started.committed;
        let fits = checkpoints::look(&key, &book, *committed.borrow());
        let was_unlike =
            engine.read(|state| state.troubles.contains_key(&Trouble::JournalUnlike)).await.unwrap_or(true);
        let journal_unlike = Arc::new(AtomicBool::new(!fits || was_unlike));
        if fits && was_unlike {
            checkpoints::clear_up(config.data_dir.clone(), journal_unlike.clone());
        }
        let wiki =
            Wiki::open_or_create(&config.wiki.path, "Muster").map_err(|error| StartError::Wiki(error.to_string()))?;
        let before_commits = crash.clone();
        let wiki = Arc::new(wiki.asking(move || before_commits.pass(Point::WikiCommitBefore).is_ok()));
        let listener = listen::listen(config.http.listen)
            .map_err(|source| StartError::Listen { address: config.http.listen, source })?;
        let address = listener.local_addr().unwrap_or(config.http.listen);
        let public_url = config.http.public_url.clone().unwrap_or_else(|| format!("http://{address}"));

        let (standing, stands) = watch::channel(Standing::default());
        let publisher = Publisher {
            wiki: wiki.clone(),
            template: config.postmortem_template.clone(),
            public_url,
            push: config.wiki.push.clone(),
            crash: crash.clone(),
        };
        let pipelines = Pipelines::build(config, &http, &clock).map_err(StartError::Pipeline)?;
        let carrier = Arc::new(Carrier {
            pipelines,
            silent: std::sync::Mutex::default(),
            chats: chats.clone(),
            engine: engine.clone(),
            clock: clock.clone(),
            publisher,
            crash: crash.clone(),
        });
        let (ask_outbox, asked) = mpsc::channel(1);
        let (nudges, nudged) = mpsc::channel(INBOX);
        let answers = started.rows.iter().map(|row| &*row.key);
        let begun = Begun::open(&config.data_dir, answers);
        let outbox = Outbox {
            carrier,
            begun,
            engine: engine.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            standing,
            asked,
            nudges: nudged,
            crash: crash.clone(),
        };
        let outbox = crate::tasks::spawn("outbox", outbox.run(started.rows, started.changes));

        // That it can't be recorded shows at once: the engine has stopped then.
        let _ = engine.ask(Request::new(Input::Started { version: env!("CARGO_PKG_VERSION").to_owned() })).await;
        let ledgers = config.ledgers();
        let posts_checkpoints = !ledgers.is_empty();
        let checkpoints = checkpoints::Start {
            key,
            book,
            committed,
            clock: clock.clone(),
            engine: engine.clone(),
            ledgers,
            crash: crash.clone(),
        }
        .start();

        let (inbox, arrivals) = mpsc::channel(INBOX);
        let intake = Intake {
            engine: engine.clone(),
            chats: chats.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            crash: crash.clone(),
        };
        let mut running = vec![crate::tasks::spawn("inbox", intake.run(arrivals))];
        let mut sockets = BTreeMap::new();
        let mut connected = Vec::new();
        for chat in chats.values() {
            let connection = chats::connect(config, &http, &clock, chat, started.session.clone(), &inbox, &crash);
            sockets.insert(chat.platform(), connection.health.clone());
            connected.push(connection);
        }
        drop(inbox);
        running.extend(chats::watch(&sockets));

        for (platform, chat) in &chats {
            if let Some(health) = sockets.get(platform) {
                let looks = accounts::look(engine.clone(), clock.clone(), chat.clone(), health.clone());
                running.push(crate::tasks::spawn("accounts", looks));
            }
        }
        let looker = Looker {
            engine: engine.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            data_dir: config.data_dir.clone(),
            chats: chats.clone(),
            sockets: sockets.clone(),
            standing: stands.clone(),
            outbox: ask_outbox,
            full: full.clone(),
            journal_unlike,
        };
        running.push(crate::tasks::spawn("vitals", looker.run()));
        if let Some(beat) = &config.heartbeat {
            let beats = vitals::heartbeat(engine.clone(), clock.clone(), http.clone(), beat.clone());
            running.push(crate::tasks::spawn("heartbeat", beats));
        }

        let (stop, stopping) = watch::channel(false);
        let shared = Shared {
            hooks: hooks_of(config, &engine, &metrics, full, &crash),
            pipelines: webhooks_of(config, &engine, &clock, nudges),
            health: health::Health {
                engine: engine.clone(),
                standing: stands.clone(),
                sockets: sockets.clone(),
                metrics: metrics.clone(),
            },
            wiki,
        };
        let limits = listen::Limits {
            connections: config.http.max_connections,
            head: config.http.head_timeout,
            idle: config.http.idle_timeout,
        };
        let serve = listen::serve(listener, server::router(Arc::new(shared)), limits, stopping, crash.clone());
        let server = crate::tasks::spawn("http", serve);
        let tasks = running.iter().chain([&outbox, &server]).map(JoinHandle::abort_handle);
        let tasks: Vec<_> = tasks.chain(connected.iter().map(chats::Connection::abort_handle)).collect();
        running.push(crate::tasks::spawn("crash", async move {
            // What the dead had open is cut off, as the system does it for a process.
            crash.died().await;
            tasks.iter().for_each(AbortHandle::abort);
        }));
        tracing::info!(%address, replayed = started.replayed, "Muster is up");
        Ok(App {
            engine,
            address,
            standing: stands,
            sockets,
            metrics,
            replayed: started.replayed,
            running,
            connected,
            outbox,
            checkpoints,
            posts_checkpoints,
            server,
            stop,
            clock,
            thread: started.thread,
        })
    }

    /// Resolves when the outbox has taken everything that was decided, and all that is still open waits for a time
    /// more than 15 seconds away.
    pub async fn at_rest(&self) {
        let mut standing = self.standing.clone();
        let later = |at: jiff::Timestamp| at > after(self.clock.now(), SOON);
        let rests = |standing: &Standing| {
            standing.taken == self.metrics.changes_handed()
                && standing.unsettled == 0
                && standing.next.is_none_or(later)
        };
        // What was decided before this is on disk when it is answered. If the engine has stopped, nothing more follows.
        if self.engine.read(|_| ()).await.is_ok() {
            let _ = standing.wait_for(rests).await;
        }
    }

    /// The newest checkpoint of the journal that is on disk.
    #[must_use]
    pub fn newest_checkpoint(&self) -> Option<Checkpoint> {
        self.checkpoints.newest.borrow().clone()
    }

    /// Resolves when no checkpoint is due.
    pub async fn checkpoints_at_rest(&self) {
        self.checkpoints.at_rest().await;
    }

    /// Resolves when the journal can't be written any more, with why.
    pub async fn failed(&self) -> String {
        match self.engine.stopped().await {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    /// Stops cleanly: takes nothing new, keeps what was taken, and leaves what is open for the next start.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(STOPPING, &mut self.server).await.is_err() {
            self.server.abort();
        }
        for connection in std::mem::take(&mut self.connected) {
            connection.close(STOPPING).await;
        }
        if self.posts_checkpoints {
            self.checkpoints.now().await;
            // What can't be sent now is sent after the next start.
            let _ = tokio::time::timeout(STOPPING, self.at_rest()).await;
        }
        self.outbox.abort();
        self.running.iter().for_each(JoinHandle::abort);
        self.engine.end(true).await;
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
        self.checkpoints.ended().await;
        tracing::info!("Muster has stopped");
    }

    /// Ends at once, as if the process had been killed: nothing is finished, nothing more is sent.
    pub async fn kill(self) {
        let tasks = [self.server, self.outbox].into_iter().chain(self.running);
        for task in tasks {
            task.abort();
            // It was cut off, which is what was asked for.
            let _ = task.await;
        }
        for connection in self.connected {
            connection.abort().await;
        }
        self.checkpoints.abort().await;
        self.engine.end(false).await;
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

fn webhooks_of(
    config: &Config,
    engine: &Engine,
    clock: &SharedClock,
    nudges: mpsc::Sender<String>,
) -> server::pipelines::Webhooks {
    let sender =
        |(name, it): (&String, &crate::config::Connection)| Some((name.clone(), (it.sends()?, it.webhook.clone()?)));
    let mut targets: BTreeMap<String, Vec<operations::deploy::Target>> = BTreeMap::new();
    for (target, pipeline) in &config.pipelines {
        targets.entry(pipeline.connection.clone()).or_default().push(target.clone());
    }
    server::pipelines::Webhooks {
        senders: config.connections.iter().filter_map(sender).collect(),
        targets,
        engine: engine.clone(),
        clock: clock.clone(),
        room: Room::new(config.http.body_memory),
        nudges,
    }
}

fn hooks_of(config: &Config, engine: &Engine, metrics: &Metrics, full: Arc<AtomicBool>, crash: &Crash) -> hooks::Hooks {
    let source = |hook: &crate::config::Hook| hooks::Source::new(&hook.bearer, hook.max_body, hook.body_timeout);
    hooks::Hooks {
        sources: config.hooks.iter().map(|(name, hook)| (name.clone(), source(hook))).collect(),
        engine: engine.clone(),
        metrics: metrics.clone(),
        full,
        room: Room::new(config.http.body_memory),
        turn: Semaphore::new(1),
        crash: crash.clone(),
    }
}
