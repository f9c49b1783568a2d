//! A Slack, a Discord and a CI server that run on your own machine.
//!
//! Each platform is a *model* (people, channels, messages) in [`slack`] and [`discord`];
//! its protocol (Web API and Socket Mode, REST v10 and gateway) is a view on that model.
//! A third listener serves the page and the HTTP API by which any program acts as a
//! person, reads channels as people see them, and orders [`faults`].
//!
//! What holds: the sandbox refuses what the real platform refuses, with the real error.
//! It is never more lenient. It knows nothing of Muster.
//!
//! Start with [`Sandbox::start`].

pub mod ci;
pub mod control;
pub mod discord;
pub mod faults;
pub mod slack;
pub mod time;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::time::Time;

/// What to start and where.
pub struct Config {
    /// Where Slack's Web API and Socket Mode listen. Port 0 picks a free one.
    pub slack: SocketAddr,
    /// Where Discord's REST API and gateway listen.
    pub discord: SocketAddr,
    /// Where the page and the control API listen.
    pub control: SocketAddr,
    /// The time that messages carry and that rate limits and deadlines are measured by.
    pub time: Arc<dyn Time>,
    /// Names of the people that exist on both platforms from the start.
    pub people: Vec<String>,
    /// Names of the channels that exist on both platforms from the start.
    pub channels: Vec<String>,
    /// Buttons that the page shows on behalf of the program that hosts the sandbox.
    pub buttons: Vec<Button>,
    /// Where presses of those buttons go.
    pub presses: Option<mpsc::UnboundedSender<Press>>,
    /// Whether documented rate limits are enforced. Off only for load measurements.
    pub rate_limits: bool,
}

/// A button on the page that its host acts upon.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Button {
    /// What is sent when it is pressed.
    pub name: String,
    /// What it says.
    pub label: String,
    /// What is shown beside it, such as the command line that does the same.
    pub hint: String,
}

/// A button was pressed.
#[derive(Debug)]
pub struct Press {
    /// Its [`Button::name`].
    pub name: String,
    /// What is to be said to whoever pressed it; dropped where there is nothing to say.
    pub say: oneshot::Sender<String>,
}

/// Something that people can see has changed. Sent to the page and to waiting tests.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Change {
    /// `slack`, `discord` or `ci`.
    pub platform: &'static str,
    /// The channel in which it changed; empty where it is not about one channel.
    pub channel: String,
}

/// A running Slack, Discord and CI server. All stop when it is dropped.
pub struct Sandbox {
    /// The Slack workspace.
    pub slack: Arc<slack::Slack>,
    /// The Discord server.
    pub discord: Arc<discord::Discord>,
    /// The CI server.
    pub ci: Arc<ci::Ci>,
    /// Address of the page and the control API.
    pub control: SocketAddr,
    changes: broadcast::Sender<Change>,
    tasks: tokio::task::JoinSet<()>,
}

impl Sandbox {
    /// Binds the listeners and serves until the value is dropped; the CI server gets a free port.
    ///
    /// # Errors
    /// A port that can't be bound.
    pub async fn start(config: Config) -> std::io::Result<Sandbox> {
        let ci = SocketAddr::new(config.slack.ip(), 0);
        Sandbox::start_with_ci(config, ci).await
    }

    /// The same with the CI server at an address of its own.
    ///
    /// # Errors
    /// A port that can't be bound.
    pub async fn start_with_ci(config: Config, ci: SocketAddr) -> std::io::Result<Sandbox> {
        let (changes, _) = broadcast::channel(4096);
        let slack_listener = bind(config.slack).await?;
        let discord_listener = bind(config.discord).await?;
        let control_listener = bind(config.control).await?;
        let control = control_listener.local_addr()?;
        let slack = slack::Slack::new(slack_listener.local_addr()?, &config, changes.clone());
        let discord = discord::Discord::new(discord_listener.local_addr()?, &config, changes.clone());
        let ci = ci::Config { listen: ci, time: config.time.clone(), enterprise: false };
        let ci = Arc::new(ci::Ci::start(ci).await?);
        let page = control::router(&slack, &discord, &ci, changes.clone(), &config);
        let mut tasks = tokio::task::JoinSet::new();
        let (mut version, told) = (ci.version(), changes.clone());
        tasks.spawn(async move {
            while version.changed().await.is_ok() {
                // Nobody may be listening.
                let _ = told.send(Change { platform: "ci", channel: String::new() });
            }
        });
        for (listener, router) in [
            (slack_listener, slack::router(slack.clone())),
            (discord_listener, discord::router(discord.clone())),
            (control_listener, page),
        ] {
            tasks.spawn(async move {
                if let Err(error) = axum::serve(listener, router).await {
                    tracing::error!(%error, "A sandbox listener stopped");
                }
            });
        }
        Ok(Sandbox { slack, discord, ci, control, changes, tasks })
    }

    /// Hears of everything that changes from now on.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Stops serving; connections are cut.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Binds a port; an error names it.
async fn bind(address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let bound = tokio::net::TcpListener::bind(address).await;
    bound.map_err(|error| std::io::Error::new(error.kind(), format!("{address} can't be listened at: {error}")))
}

impl Drop for Sandbox {
    /// Connections that were accepted live in tasks of their own, so they are cut by hand.
    fn drop(&mut self) {
        self.slack.cut();
        self.discord.cut();
    }
}
