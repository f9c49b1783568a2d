//! Whole-bot scenarios: the real bot, over real HTTP and WebSockets, against the sandbox.
//!
//! [`World`] speaks like people: somebody types in a channel, clicks a button, and reads what
//! is there. Time stands still unless a scenario moves it. Begin with [`World::start`].

pub mod child;
pub mod corpus;
pub mod fuzz;
pub mod outage;
mod people;
mod plays;
mod seen;
mod served;
mod settle;
pub mod siege;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bot::app::{App, Options};
use bot::config::Config;
use bot::crash::Crash;
use bot::demo::time::Shared;
use integrations::clock::{Clock, ManualClock};
use jiff::Timestamp;
use operations::deploy::{How, Stage};
use operations::ids::{DeployId, Platform};
use operations::state::State;
use sandbox::Sandbox;
use sandbox::faults::CallFault;

pub use people::{Chat, Person};
pub use seen::{Channel, Message, words};
pub use served::served;

/// A Slack, a Discord, a bot, and a clock that stands still.
pub struct World {
    /// The time of everything.
    pub clock: ManualClock,
    /// The two chats.
    pub sandbox: Sandbox,
    /// The bot, while it runs.
    pub app: Option<App>,
    /// What it is configured with.
    pub config: Config,
    /// For webhooks.
    pub http: reqwest::Client,
    /// Where the bot dies, if anywhere.
    pub crash: Crash,
    directory: tempfile::TempDir,
}

/// What a scenario may set up otherwise.
#[derive(Default)]
pub struct Setup {
    /// Whether the sandbox leaves its rate limits out.
    pub unlimited: bool,
    /// Where the bot's first run dies, if anywhere.
    pub crash: Option<Crash>,
    /// What goes wrong with the first calls: on which chat, which, and how.
    pub faults: Vec<(Platform, &'static str, CallFault)>,
    /// Lines to be added to `muster.toml`.
    pub muster: String,
}

impl World {
    /// Starts everything and waits until the bot is connected to both chats.
    pub async fn start() -> World {
        World::start_with(Setup::default()).await
    }

    /// Starts everything, set up otherwise.
    pub async fn start_with(setup: Setup) -> World {
        integrations::tls::install();
        log();
        let clock = ManualClock::new("2026-03-02T14:00:00Z".parse().expect("a time"));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sandbox = Sandbox::start(sandbox::Config {
            slack: any,
            discord: any,
            control: any,
            time: Arc::new(Shared(clock.clone())),
            people: ["ann", "bob", "cleo"].map(str::to_owned).to_vec(),
            channels: bot::demo::CHANNELS.map(str::to_owned).to_vec(),
            buttons: Vec::new(),
            presses: None,
            rate_limits: !setup.unlimited,
        })
        .await
        .expect("loopback ports are free");
        for (on, call, fault) in &setup.faults {
            match on {
                Platform::Slack => sandbox.slack.fault(call, 1, fault.clone()),
                Platform::Discord => sandbox.discord.fault(call, 1, fault.clone()),
            }
        }
        bot::demo::shop::stock(&sandbox.ci, sandbox::ci::Moves::ByHand);
        let directory = tempfile::tempdir().expect("a directory");
        let mut config = bot::demo::write_config(directory.path(), &sandbox, 0).expect("the configuration holds");
        if !setup.muster.is_empty() {
            config = bot::demo::add_to_config(directory.path(), &sandbox, &setup.muster).expect("the additions hold");
        }
        let http = integrations::http::http_client().expect("a client");
        let mut world = World { clock, sandbox, app: None, config, http, crash: Crash::default(), directory };
        world.run(setup.crash).await;
        world
    }

    /// Starts the bot on the same directory, to die at some point, if one is named.
    pub async fn run(&mut self, crash: Option<Crash>) {
        self.crash = crash.unwrap_or_default();
        let options = || Options { clock: Arc::new(self.clock.clone()), crash: self.crash.clone() };
        let mut started = App::start(&self.config, options()).await;
        // The store's own threads may hold its file for a moment after a kill; of a process that was killed they don't.
        for _ in 0..500 {
            if !started.as_ref().is_err_and(|error| error.to_string().contains("acquire lock")) {
                break;
            }
            self.pause(Duration::from_millis(10)).await;
            started = App::start(&self.config, options()).await;
        }
        self.app = Some(started.expect("the bot starts"));
        self.connected().await;
    }

    /// Stops the bot and starts it again with another `services.toml`.
    pub async fn with_services(&mut self, services: &str) {
        self.stop().await;
        let directory = self.directory().to_owned();
        std::fs::write(directory.join("services.toml"), services).expect("a file");
        self.config = bot::demo::add_to_config(&directory, &self.sandbox, "").expect("it holds");
        self.run(None).await;
    }

    /// Ends the bot as if it had been killed.
    pub async fn kill(&mut self) {
        if let Some(app) = self.app.take() {
            app.kill().await;
            // How long a session can be resumed counts from when its end is noticed, which must not be after the
            // clock was moved on.
            self.sandbox.discord.deserted().await;
        }
    }

    /// Stops the bot as an operator would.
    pub async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }

    /// The bot.
    #[must_use]
    pub fn bot(&self) -> &App {
        self.app.as_ref().expect("the bot runs")
    }

    /// Where the bot keeps its files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The bot's data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.config.data_dir.clone()
    }

    /// Slack.
    #[must_use]
    pub fn slack(&self) -> Chat<'_> {
        Chat { world: self, platform: Platform::Slack }
    }

    /// Discord.
    #[must_use]
    pub fn discord(&self) -> Chat<'_> {
        Chat { world: self, platform: Platform::Discord }
    }

    /// One of them.
    #[must_use]
    pub fn chat(&self, platform: Platform) -> Chat<'_> {
        Chat { world: self, platform }
    }

    /// Both, to say something of each.
    #[must_use]
    pub fn chats(&self) -> [Chat<'_>; 2] {
        [self.slack(), self.discord()]
    }

    /// Sends a webhook to the bot; gives back the status.
    pub async fn hook(&self, body: impl Into<reqwest::Body>) -> u16 {
        let url = format!("http://{}/hooks/alertmanager", self.bot().address);
        let sent = self.http.post(url).bearer_auth(bot::demo::HOOK_TOKEN).body(body).send().await;
        sent.map_or(0, |answer| answer.status().as_u16())
    }

    /// Tells of alerts: `(instance, firing)` of one group.
    pub async fn alerts(&self, name: &str, members: &[(&str, bool)]) {
        let status = self.hook(alerts_body(name, members, self.clock.now()).to_string()).await;
        assert_eq!(status, 200, "the webhook is taken");
    }

    /// Looks at the bot's state.
    pub async fn read<T: Send + 'static>(&self, look: impl FnOnce(&State) -> T + Send + 'static) -> T {
        self.bot().engine.read(look).await.expect("the engine runs")
    }

    /// How a deploy stands; none where there is no such deploy.
    pub async fn stage(&self, deploy: u32) -> Option<Stage> {
        self.read(move |state| state.deploys.get(&DeployId(deploy)).map(|it| it.stage.clone())).await
    }

    /// How a deploy ended; none where it has not.
    pub async fn how(&self, deploy: u32) -> Option<How> {
        let how = move |state: &State| state.deploys.get(&DeployId(deploy))?.ended().map(|(how, _)| how);
        self.read(how).await
    }

    /// Moves the time on, in steps, letting happen what happens on the way.
    pub async fn advance(&self, by: Duration) {
        let step = Duration::from_secs(1);
        let mut left = by;
        // Far times are reached in larger steps: what is due on the way is due all the same.
        let step = step.max(by / 120);
        while !left.is_zero() {
            let now = step.min(left);
            self.clock.advance(now);
            left -= now;
            if now > LEAP {
                self.breathes().await;
            }
            self.settle().await;
        }
    }
}

/// In a longer step, a connection whose signs of life come late is taken for dead.
const LEAP: Duration = Duration::from_secs(10);

/// What Alertmanager sends for one group: members by instance, firing or not.
#[must_use]
pub fn alerts_body(name: &str, members: &[(&str, bool)], began: Timestamp) -> serde_json::Value {
    let firing = members.iter().any(|(_, firing)| *firing);
    let status = |firing: bool| if firing { "firing" } else { "resolved" };
    let alert = |(instance, firing): &(&str, bool)| {
        let labels: BTreeMap<&str, &str> =
            [("alertname", name), ("service", "checkout"), ("severity", "high"), ("instance", instance)].into();
        let ends_at = if *firing { "0001-01-01T00:00:00Z".to_owned() } else { began.to_string() };
        serde_json::json!({
            "status": status(*firing), "labels": labels,
            "annotations": {"summary": format!("{name} on {instance}"), "runbook_url": "https://runbooks.example.com/x"},
            "startsAt": "2026-03-02T13:55:00Z", "endsAt": ends_at,
            "generatorURL": "https://prometheus.example.com/graph",
            "fingerprint": fingerprint(name, instance),
        })
    };
    serde_json::json!({
        "version": "4", "groupKey": format!("{{}}:{{alertname={name:?}}}"), "truncatedAlerts": 0,
        "status": status(firing), "receiver": "muster", "groupLabels": {"alertname": name},
        "commonLabels": {}, "commonAnnotations": {}, "externalURL": "https://alertmanager.example.com",
        "alerts": members.iter().map(alert).collect::<Vec<_>>(),
    })
}

/// Copies a directory with all that is in it.
pub fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("it can be read").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("it is copied");
        }
    }
}

/// A fingerprint that is stable and as long as Alertmanager's.
fn fingerprint(name: &str, instance: &str) -> String {
    let bytes = name.bytes().chain([0]).chain(instance.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// Shows the bot's log where `RUST_LOG` asks for it.
fn log() {
    if std::env::var_os("RUST_LOG").is_some() {
        bot::logs::start_for_tests();
    }
}
