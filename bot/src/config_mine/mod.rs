//! The configuration: `muster.toml`, `services.toml`, `people.toml`, checked whole.
//!
//! Begin with [`load`]: it gives a [`Config`] in which nothing impossible can be said, or all
//! problems at once with file, line and key. What holds: a secret is a reference to an
//! environment variable or a file, never a value; a section's presence turns a feature on.

mod catalogue;
mod muster;
mod problems;
mod secrets;
mod tables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use integrations::secret::Secret;
use operations::ids::{ChannelId, Platform};
use operations::incident::Severity;
use operations::settings::{Person, Seat, Service, Settings};

pub use self::problems::{Problem, Problems};

/// Everything that an operator writes, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the journal, the wiki and the rest are kept.
    pub data_dir: PathBuf,
    /// The HTTP side.
    pub http: Http,
    /// Slack, if it is connected.
    pub slack: Option<Slack>,
    /// Discord, if it is connected.
    pub discord: Option<Discord>,
    /// Which channel is what, by platform.
    pub channels: BTreeMap<Platform, Channels>,
    /// Sources of webhooks by name.
    pub hooks: BTreeMap<String, Hook>,
    /// The wiki.
    pub wiki: Wiki,
    /// After how long an acknowledged alert that still fires is asked about again; never, where it is `"never"`.
    pub ask_again_after: Option<Duration>,
    /// How often an update is due, by severity.
    pub update_every: BTreeMap<Severity, Duration>,
    /// Hosts that links from alerts may point to; every host, where none is named.
    pub link_hosts: Vec<String>,
    /// The team's own template of a postmortem.
    pub postmortem_template: Option<PathBuf>,
    /// The services.
    pub services: Vec<Service>,
    /// The people.
    pub people: Vec<Person>,
    /// What is allowed but odd, for `muster check` to say.
    pub warnings: Vec<Problem>,
}

/// The HTTP side.
#[derive(Clone, Debug)]
pub struct Http {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where people's browsers reach Muster; no slash at its end.
    pub public_url: Option<String>,
}

/// How Slack is reached.
#[derive(Clone, Debug)]
pub struct Slack {
    /// The app-level token, for Socket Mode.
    pub app_token: Secret,
    /// The bot's token.
    pub bot_token: Secret,
    /// Another address of the Web API, for the sandbox.
    pub api_url: Option<String>,
}

/// How Discord is reached.
#[derive(Clone, Debug)]
pub struct Discord {
    /// The bot's token.
    pub bot_token: Secret,
    /// The server.
    pub guild: String,
    /// Another address of the REST API, for the sandbox.
    pub api_url: Option<String>,
    /// The category that incidents' rooms are made in.
    pub category: Option<String>,
}

/// Which channel is what on one platform.
#[derive(Clone, Debug)]
pub struct Channels {
    /// For alerts.
    pub alerts: String,
    /// Where incidents are announced.
    pub incidents: String,
    /// For whoever runs Muster.
    pub operators: Option<String>,
}

/// A source of webhooks.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Any of these lets it in.
    pub bearer: Vec<Secret>,
    /// The largest body in bytes.
    pub max_body: usize,
}

/// The wiki.
#[derive(Clone, Debug)]
pub struct Wiki {
    /// The git repository of pages.
    pub path: PathBuf,
    /// A git remote that it is pushed to.
    pub push: Option<String>,
}

/// Loads the configuration from a directory, or from a `muster.toml` and what stands beside it.
///
/// `env` looks an environment variable up.
///
/// # Errors
/// All problems at once.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Problems> {
    let (directory, file) = if path.is_dir() {
        (path.to_owned(), path.join("muster.toml"))
    } else {
        (path.parent().map(Path::to_owned).unwrap_or_default(), path.to_owned())
    };
    let mut problems = Vec::new();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            let what = format!("{} can't be read: {error}. Write one with `muster init DIR`", file.display());
            return Err(Problems(vec![Problem::of_file("muster.toml", what)]));
        }
    };
    let mut config = muster::read(&text, &directory, env, &mut problems);
    let optional = |name: &str, problems: &mut Vec<Problem>| match std::fs::read_to_string(directory.join(name)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            problems.push(Problem::of_file(name, format!("it can't be read: {error}")));
            String::new()
        }
    };
    let services = optional("services.toml", &mut problems);
    config.services = catalogue::services(&services, &mut problems);
    let people = optional("people.toml", &mut problems);
    config.people = catalogue::people(&people, config.discord.as_ref().map(|it| it.guild.as_str()), &mut problems);
    let (warnings, mut problems): (Vec<_>, Vec<_>) = problems.into_iter().partition(|it| it.is_warning);
    if problems.is_empty() {
        config.warnings = warnings;
        return Ok(config);
    }
    problems.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
    Err(Problems(problems))
}

impl Config {
    /// The configuration's part in decisions, given the workspaces that the chats are.
    #[must_use]
    pub fn settings(&self, workspaces: &BTreeMap<Platform, String>) -> Settings {
        let seat = |(platform, channels): (&Platform, &Channels)| {
            let workspace = workspaces.get(platform)?.clone();
            let seat = Seat {
                workspace,
                alerts: ChannelId(channels.alerts.clone()),
                incidents: ChannelId(channels.incidents.clone()),
                operators: channels.operators.clone().map(ChannelId),
            };
            Some((*platform, seat))
        };
        Settings {
            chats: self.channels.iter().filter_map(seat).collect(),
            people: self.people.clone(),
            services: self.services.clone(),
            public_url: self.http.public_url.clone().unwrap_or_default(),
            ask_again_after: self.ask_again_after,
            update_every: self.update_every.clone(),
            link_hosts: self.link_hosts.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
