//! Connecting to the chats, each on its own.
//!
//! A bot must know who it is before it can tell its own messages from others', so the
//! socket starts once the token was checked. Until then, and whenever that fails, it is
//! tried again; everything else works meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use integrations::chat::socket::{Health, Inbox, Session, Socket, State, backoff};
use integrations::chat::{Chat, Failure, Refused, discord, slack};
use integrations::clock::{SharedClock, sleep};
use operations::ids::Platform;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use crate::config::Config;
use crate::crash::{Crash, Point};

/// The first wait before a token is checked again, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The longest wait before a token that is refused is checked again.
const TOKEN_AGAIN: Duration = Duration::from_secs(300);

/// Slack sockets: two, so that one is there while the other is renewed.
const SOCKETS: usize = 2;

/// The chats that are configured.
pub(super) fn build(config: &Config, http: &reqwest::Client, clock: &SharedClock) -> BTreeMap<Platform, Arc<Chat>> {
    let mut chats = BTreeMap::new();
    if let Some(section) = slack_config(config) {
        let client = slack::Client::new(&section, http.clone(), clock.clone());
        chats.insert(Platform::Slack, Arc::new(Chat::Slack(client)));
    }
    if let Some(section) = discord_config(config) {
        let client = discord::Client::new(&section, http.clone(), clock.clone());
        chats.insert(Platform::Discord, Arc::new(Chat::Discord(client)));
    }
    chats
}

/// The workspaces that the configuration names. Slack's team is learned from its token, and only shown.
pub(super) fn workspaces(config: &Config) -> BTreeMap<Platform, String> {
    let discord = config.discord.as_ref().map(|discord| (Platform::Discord, discord.guild.clone()));
    let slack = config.slack.as_ref().map(|_| (Platform::Slack, String::new()));
    slack.into_iter().chain(discord).collect()
}

fn slack_config(config: &Config) -> Option<slack::Config> {
    let section = config.slack.as_ref()?;
    Some(slack::Config {
        api_url: section.api_url.as_ref().map_or_else(|| slack::API_URL.to_owned(), ToString::to_string),
        app_token: Some(section.app_token.clone()),
        bot_token: section.bot_token.clone(),
        sockets: SOCKETS,
    })
}

fn discord_config(config: &Config) -> Option<discord::Config> {
    let section = config.discord.as_ref()?;
    Some(discord::Config {
        api_url: section.api_url.as_ref().map_or_else(|| discord::API_URL.to_owned(), ToString::to_string),
        bot_token: section.bot_token.clone(),
        guild: section.guild.clone(),
        category: section.category.clone(),
    })
}

/// A chat that is connected, or being connected.
pub(super) struct Connection {
    /// How its socket does.
    pub(super) health: watch::Receiver<Health>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Connection {
    pub(super) async fn close(self, limit: Duration) {
        self.stop.send_replace(true);
        let mut task = self.task;
        if tokio::time::timeout(limit, &mut task).await.is_err() {
            task.abort();
        }
    }

    pub(super) fn abort_handle(&self) -> AbortHandle {
        self.task.abort_handle()
    }

    pub(super) async fn abort(self) {
        self.task.abort();
        // It has ended when this returns, be it because it was aborted.
        let _ = self.task.await;
    }
}

/// Ends the socket's task when the task that looks after it is aborted.
struct Held(Option<Socket>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(socket) = &self.0 {
            socket.task.abort();
        }
    }
}

/// Connects a chat and keeps it connected.
pub(super) fn connect(
    config: &Config,
    http: &reqwest::Client,
    clock: &SharedClock,
    chat: &Arc<Chat>,
    session: Option<Session>,
    inbox: &Inbox,
    crash: &Crash,
) -> Connection {
    let (tell, health) = watch::channel(Health::new(clock.now()));
    let (stop, mut stopping) = watch::channel(false);
    let slack = slack_config(config);
    let (http, clock, chat, inbox) = (http.clone(), clock.clone(), chat.clone(), inbox.clone());
    let crash = crash.clone();
    let task = crate::tasks::spawn("chat", async move {
        tokio::select! {
            () = introduce(&chat, &clock, &tell) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        let socket = match (chat.as_ref(), slack) {
            (Chat::Slack(_), Some(section)) => slack::socket::start(&section, http, clock, inbox),
            (Chat::Slack(_), None) => return,
            (Chat::Discord(client), _) => client.connect(session, inbox),
        };
        let mut health = socket.health.clone();
        let mut held = Held(Some(socket));
        let mut kept = health.borrow().kept;
        loop {
            let now = health.borrow_and_update().clone();
            if now.kept > kept {
                kept = now.kept;
                crash.pass_or_stay(Point::acknowledged(chat.platform())).await;
            }
            tell.send_replace(now);
            tokio::select! {
                changed = health.changed() => if changed.is_err() { return },
                _ = stopping.wait_for(|stop| *stop) => break,
            }
        }
        if let Some(socket) = held.0.take() {
            socket.close(super::STOPPING).await;
        }
    });
    Connection { health, stop, task }
}

/// Checks the token and tells the platform of the commands, until that works.
async fn introduce(chat: &Chat, clock: &SharedClock, tell: &watch::Sender<Health>) {
    let commands = commands::spec::spec();
    let mut attempt = 0;
    loop {
        let Err(failure) = chat.introduce(&commands).await else { return };
        let title = chat.platform().title();
        tracing::warn!(platform = chat.platform().key(), why = %failure, "{title} could not be reached; it is tried again");
        let (state, told, most) = match &failure {
            Failure::Permanent { kind: Refused::Token, why } => (State::Refused(why.clone()), None, TOKEN_AGAIN),
            Failure::Permanent { why, .. } => (State::Connecting(Some(why.clone())), Some(AGAIN.1), AGAIN.1),
            Failure::Transient { why, retry_after } => (State::Connecting(Some(why.clone())), *retry_after, AGAIN.1),
            Failure::Unknown { .. } | Failure::Channel { .. } => {
                (State::Connecting(Some(failure.to_string())), None, AGAIN.1)
            }
        };
        tell.send_modify(|health| health.state = state);
        sleep(clock.as_ref(), told.unwrap_or_else(|| backoff(attempt, AGAIN.0, most))).await;
        attempt += 1;
    }
}

/// Logs when a chat comes and goes.
pub(super) fn watch(sockets: &BTreeMap<Platform, watch::Receiver<Health>>) -> Vec<JoinHandle<()>> {
    let log = |(platform, health): (&Platform, &watch::Receiver<Health>)| {
        let (platform, mut health) = (*platform, health.clone());
        crate::tasks::spawn("chat health", async move {
            let mut before = State::Connecting(None);
            while health.changed().await.is_ok() {
                let now = health.borrow_and_update().state.clone();
                if now == before {
                    continue;
                }
                let title = platform.title();
                match &now {
                    State::Connected => tracing::info!(platform = platform.key(), "{title} is connected"),
                    State::Connecting(Some(why)) => {
                        tracing::warn!(platform = platform.key(), why, "{title} is not connected; it is tried again");
                    }
                    State::Connecting(None) => {}
                    State::Refused(why) => {
                        tracing::error!(platform = platform.key(), why, "{title} refuses the token; it is tried again");
                    }
                    State::Stopped(why) => {
                        tracing::error!(
                            platform = platform.key(),
                            why,
                            "{title} is given up until Muster is started again"
                        );
                    }
                }
                before = now;
            }
        })
    };
    sockets.iter().map(log).collect()
}
