//! `muster demo`: the sandbox and the real bot in one process, and a story to watch.
//!
//! The bot is configured by files like any other and reaches the sandbox over its real
//! adapters; nothing in it knows that it is a demonstration.

mod play;
pub mod shop;
pub mod story;
pub mod time;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use integrations::clock::{SharedClock, SystemClock};
use jiff::SignedDuration;
use sandbox::{Button, Press, Sandbox};
use tokio::sync::mpsc;

pub use self::play::transcript;
use self::time::StoryTime;

use crate::app::{App, Options, StartError};
use crate::config::{self, Config, Problems};
use crate::crash::Crash;

/// The token that the demonstration's alert source sends. It guards nothing but a loopback port.
pub const HOOK_TOKEN: &str = "demo";

/// Why the demonstration did not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A port or file was refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The demonstration's own configuration is wrong: a fault of Muster.
    #[error("{0}")]
    Config(Problems),
    /// The bot did not start.
    #[error("{0}")]
    Start(#[from] StartError),
}

/// A sandbox and a bot that is connected to it.
pub struct Demo {
    /// The two chats.
    pub sandbox: Sandbox,
    /// The bot.
    pub app: App,
    /// Where the bot keeps its data and configuration.
    pub directory: PathBuf,
    presses: mpsc::UnboundedReceiver<Press>,
    http: reqwest::Client,
    /// Since when the story's alerts fire.
    began: jiff::Timestamp,
    /// The story's own time, where it is not the machine's.
    time: Option<StoryTime>,
}

/// What a demonstration is shown with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A page for people, in the machine's own time.
    Page {
        /// The page's port; 0 picks a free one.
        port: u16,
        /// The bot's port; 0 picks a free one.
        bot_port: u16,
    },
    /// No page, on free ports, in the machine's own time.
    Headless,
    /// No page, on free ports, in the story's own time.
    HeadlessStory,
}

impl Demo {
    /// Starts both.
    ///
    /// # Errors
    /// A port that is taken, or a directory that can't be written.
    pub async fn start(directory: &Path, show: Show) -> Result<Demo, DemoError> {
        let (press, presses) = mpsc::unbounded_channel();
        let (page_port, bot_port) = match show {
            Show::Page { port, bot_port } => (port, bot_port),
            Show::Headless | Show::HeadlessStory => (0, 0),
        };
        // The page shows it before the bot listens there, so a free one is looked for now.
        let bot_port = if bot_port == 0 { free_port()? } else { bot_port };
        let time = (show == Show::HeadlessStory).then(StoryTime::begin);
        let clock: SharedClock = match &time {
            Some(time) => Arc::new(time.clock.clone()),
            None => Arc::new(SystemClock),
        };
        let chats_time: Arc<dyn sandbox::time::Time> = match &time {
            Some(time) => Arc::new(time::Shared(time.clock.clone())),
            None => Arc::new(sandbox::time::SystemTime),
        };
        let began = clock.now() - SignedDuration::from_mins(4);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sandbox = Sandbox::start(sandbox::Config {
            slack: any,
            discord: any,
            control: SocketAddr::from((Ipv4Addr::LOCALHOST, page_port)),
            time: chats_time,
            people: ["ann", "bob", "cleo"].map(str::to_owned).to_vec(),
            channels: CHANNELS.map(str::to_owned).to_vec(),
            buttons: buttons(bot_port, began),
            presses: Some(press),
            rate_limits: true,
        })
        .await?;
        shop::stock(&sandbox.ci, shop::BY_CLOCK);
        let config = write_config(directory, &sandbox, bot_port)?;
        let app = App::start(&config, Options { clock, crash: Crash::default() }).await?;
        let http = integrations::http::http_client()
            .map_err(|error| DemoError::Start(StartError::Client(error.to_string())))?;
        Ok(Demo { sandbox, app, directory: directory.to_owned(), presses, http, began, time })
    }
}

/// The channels that a sandbox has from the start.
pub const CHANNELS: [&str; 4] = ["general", "alerts", "incidents", "deploys"];

/// Writes a configuration for a bot in a sandbox, and loads it as any other.
///
/// # Errors
/// What can't be written, and a configuration that does not hold.
pub fn write_config(directory: &Path, sandbox: &Sandbox, bot_port: u16) -> Result<Config, DemoError> {
    std::fs::create_dir_all(directory)?;
    let (slack, discord) = (&sandbox.slack, &sandbox.discord);
    let channel = |name: &str| {
        let slack = slack.channel_id(name).unwrap_or_default();
        let discord = discord.channel_id(name).unwrap_or_default();
        format!("{{ slack = \"{slack}\", discord = \"{discord}\" }}")
    };
    let muster = format!(
        r#"# Written by `muster demo` for the sandbox.
data_dir = "data"

[http]
listen = "127.0.0.1:{bot_port}"

[slack]
app_token = {{ env = "SLACK_APP_TOKEN" }}
bot_token = {{ env = "SLACK_BOT_TOKEN" }}
api_url = "{}"

[discord]
bot_token = {{ env = "DISCORD_TOKEN" }}
guild = "{}"
api_url = "{}"

[channels]
alerts = {}
incidents = {}{}

[hooks.alertmanager]
bearer = {{ env = "ALERTMANAGER_TOKEN" }}

[pipelines.ci]
kind = "github"
token = {{ env = "CI_TOKEN" }}
api_url = "{}"
"#,
        slack.api_url(),
        discord.guild(),
        discord.api_url(),
        channel("alerts"),
        channel("incidents"),
        if slack.channel_id("deploys").is_some() {
            format!("\ndeploys = {}", channel("deploys"))
        } else {
            String::new()
        },
        sandbox.ci.api_url(),
    );
    let mut people = String::from("# Written by `muster demo` for the sandbox.\n");
    for name in ["ann", "bob", "cleo"] {
        let title = name[..1].to_uppercase() + &name[1..];
        let slack_user = slack.user_id(name).unwrap_or_default();
        let discord_user = discord.user_id(name).unwrap_or_default();
        people.push_str(&format!(
            "\n[people.{name}]\nname = \"{title}\"\nslack = \"{}/{slack_user}\"\ndiscord = \"{discord_user}\"\n",
            slack.team()
        ));
    }
    people.push_str(
        "\n[teams.payments]\nmembers = [\"ann\"]\n\n[roles]\ndeployer = [\"ann\", \"bob\"]\napprover = [\"bob\"]\n",
    );
    let services = r#"# Written by `muster demo` for the sandbox.
[checkout]
owner = "payments"
match = { service = "checkout" }
dashboard = "https://grafana.example.com/d/checkout"
pipeline = { on = "ci", repository = "acme/checkout", workflow = "deploy.yml" }
parameters = { region = ["eu", "us"] }
environments = { staging = {}, production = { approval = 1 } }
"#;
    std::fs::write(directory.join("muster.toml"), muster)?;
    std::fs::write(directory.join("people.toml"), people)?;
    std::fs::write(directory.join("services.toml"), services)?;
    load(directory, sandbox)
}

/// Adds lines to the configuration that [`write_config`] wrote, and loads it again.
///
/// # Errors
/// What can't be written, and a configuration that does not hold.
pub fn add_to_config(directory: &Path, sandbox: &Sandbox, lines: &str) -> Result<Config, DemoError> {
    let path = directory.join("muster.toml");
    let muster = std::fs::read_to_string(&path)? + lines;
    std::fs::write(path, muster)?;
    load(directory, sandbox)
}

/// The environment that the configuration of [`write_config`] needs: tokens of the sandbox, good for nothing else.
#[must_use]
pub fn tokens(sandbox: &Sandbox) -> [(&'static str, String); 5] {
    let (slack, discord) = (&sandbox.slack, &sandbox.discord);
    [
        ("SLACK_APP_TOKEN", slack.app_token().to_owned()),
        ("SLACK_BOT_TOKEN", slack.bot_token().to_owned()),
        ("DISCORD_TOKEN", discord.bot_token().to_owned()),
        ("ALERTMANAGER_TOKEN", HOOK_TOKEN.to_owned()),
        ("CI_TOKEN", sandbox.ci.token()),
    ]
}

fn load(directory: &Path, sandbox: &Sandbox) -> Result<Config, DemoError> {
    let tokens = tokens(sandbox);
    let env = |name: &str| tokens.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    config::load(directory, &env).map_err(DemoError::Config)
}

/// A port that nobody listens at just now.
///
/// # Errors
/// No port is free.
pub fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn buttons(bot_port: u16, began: jiff::Timestamp) -> Vec<Button> {
    let curl = |firing: bool| {
        let body = story::alert_by_hand(firing, began);
        format!(
            "curl -H 'Authorization: Bearer {HOOK_TOKEN}' http://127.0.0.1:{bot_port}/hooks/alertmanager -d '{body}'"
        )
    };
    let button = |name: &str, label: &str, hint: &str| Button {
        name: name.to_owned(),
        label: label.to_owned(),
        hint: hint.to_owned(),
    };
    vec![
        button("story", "Play the story", "A deploy that breaks, from its approval to the postmortem, by itself"),
        button("deploy", "Deploy v143 to staging", play::BY_HAND),
        button(
            "lose",
            "Lose a CI answer",
            "The CI does what it is next asked to start, and its answer is lost: deploy something, and see it started once",
        ),
        button("fire", "Fire an alert", &curl(true)),
        button("resolve", "Resolve the alert", &curl(false)),
    ]
}
