//! The configuration: `muster.toml`, `services.toml`, `people.toml`, checked whole.
//!
//! Begin with [`load`]: it gives a [`Config`] in which nothing impossible can be said, or all
//! problems at once with file, line and key. What holds: a secret is a reference to an
//! environment variable or a file, never a value; a section's presence turns a feature on;
//! a key that nothing reads is a problem. Every key stands in `docs/configuration.md`.

mod catalogue;
mod muster;
mod pipelines;
mod policies;
mod problems;
mod secrets;
mod tables;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use integrations::secret::Secret;
use jiff::tz::TimeZone;
use operations::checkpoint::Ledger;
use operations::deploy::Target;
use operations::ids::{ChannelId, Platform};
use operations::incident::Severity;
use operations::policy::Keeper;
use operations::settings::{Holders, Person, Seat, Service, Settings};
use policy::Policies;

use self::tables::Findings;

pub use self::pipelines::{ChangeTo, Connection, Pipeline, Sends};
pub use self::problems::{Problem, Problems};

/// The largest configuration file, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Everything that an operator writes, checked. Paths are ready to be opened.
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
    /// Which channel is what, for each chat that is connected.
    pub channels: BTreeMap<Platform, Channels>,
    /// Sources of webhooks by name.
    pub hooks: BTreeMap<String, Hook>,
    /// The wiki.
    pub wiki: Wiki,
    /// Where checkpoints of the journal go.
    pub journal: Journal,
    /// After how long an acknowledged alert that still fires is asked about again; none where it is `"never"`.
    pub ask_again_after: Option<Duration>,
    /// How often an update is due, by severity; a severity that is not there has no updates due.
    pub update_every: BTreeMap<Severity, Duration>,
    /// Hosts that links from alerts may point to; every host, where none is named.
    pub link_hosts: Vec<String>,
    /// The team's own template of a postmortem.
    pub postmortem_template: Option<PathBuf>,
    /// How many new alert groups in a channel and minute make a storm; none where nothing does.
    pub storm_at: Option<u64>,
    /// Where it is told that Muster is well, and how often.
    pub heartbeat: Option<Heartbeat>,
    /// The services.
    pub services: Vec<Service>,
    /// Channels for the alerts of single services.
    pub service_channels: BTreeMap<(Platform, String), String>,
    /// The people.
    pub people: Vec<Person>,
    /// The teams by name, as the keys of their people.
    pub teams: BTreeMap<String, BTreeSet<String>>,
    /// The roles by name.
    pub roles: BTreeMap<String, Holders>,
    /// How services that deploy are reached, by name.
    pub connections: BTreeMap<String, Connection>,
    /// What deploys where.
    pub pipelines: BTreeMap<Target, Pipeline>,
    /// Who is told when a deploy ended, by name.
    pub changes: BTreeMap<String, ChangeTo>,
    /// Who may do what.
    pub policies: Arc<Policies>,
    /// Where the hours and weekdays of rules are told; UTC where it isn't said.
    pub time_zone: Option<TimeZone>,
    /// What is allowed but odd, for `muster check` to say.
    pub warnings: Vec<Problem>,
}

/// A dead man's switch: whoever is told notices when it is told no more.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The address, fetched with GET. A credential at most services.
    pub url: Secret,
    /// How often.
    pub every: Duration,
}

/// The HTTP side.
#[derive(Clone, Debug)]
pub struct Http {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where people's browsers reach Muster; no slash at its end.
    pub public_url: Option<String>,
    /// How many connections may be open at once.
    pub max_connections: usize,
    /// How long the head of a request may take.
    pub head_timeout: Duration,
    /// How long a connection may be open between two requests.
    pub idle_timeout: Duration,
    /// How many bytes of webhooks' bodies may be held at once; no less than the largest body of any source.
    pub body_memory: usize,
}

/// How Slack is reached.
#[derive(Clone, Debug)]
pub struct Slack {
    /// The app-level token, for Socket Mode.
    pub app_token: Secret,
    /// The bot's token.
    pub bot_token: Secret,
    /// Another address of the Web API, for the sandbox; no slash at its end.
    pub api_url: Option<String>,
}

/// How Discord is reached.
#[derive(Clone, Debug)]
pub struct Discord {
    /// The bot's token.
    pub bot_token: Secret,
    /// The server.
    pub guild: String,
    /// Another address of the REST API, for the sandbox; no slash at its end.
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
    /// What takes the place of one that can't be used.
    pub fallback: Option<String>,
    /// For deploys.
    pub deploys: Option<String>,
}

/// A source of webhooks.
#[derive(Clone, Debug)]
pub struct Hook {
    /// What its bodies look like.
    pub kind: HookKind,
    /// Any of these lets it in: one, or two while one is being replaced.
    pub bearer: Vec<Secret>,
    /// The largest body in bytes.
    pub max_body: usize,
    /// After how long without a word from it people are told; none where they are not.
    pub silent_after: Option<Duration>,
    /// How long a body may take.
    pub body_timeout: Duration,
}

/// What a source's bodies look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookKind {
    /// Prometheus Alertmanager's, version 4.
    Alertmanager,
}

impl HookKind {
    fn named(name: &str) -> Option<HookKind> {
        match name {
            "alertmanager" => Some(HookKind::Alertmanager),
            _ => None,
        }
    }
}

/// The wiki.
#[derive(Clone, Debug)]
pub struct Wiki {
    /// The git repository of pages.
    pub path: PathBuf,
    /// A git remote that it is pushed to.
    pub push: Option<String>,
}

/// Where checkpoints of the journal go, beside the data directory.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// A channel of each chat that is to have them.
    pub checkpoint_to: BTreeMap<Platform, String>,
    /// Whether they are committed to the wiki's repository.
    pub checkpoint_wiki: bool,
}

/// Loads the configuration from a directory, or from a `muster.toml` and what stands beside it.
///
/// `env` looks an environment variable up.
///
/// # Errors
/// All problems at once.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Problems> {
    let mut found = Findings::default();
    let config = read(path, env, &mut found);
    let mut told = found.problems;
    told.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
    let (warnings, problems): (Vec<_>, Vec<_>) = told.into_iter().partition(|problem| problem.is_warning);
    match config {
        Some(config) if problems.is_empty() => Ok(Config { warnings, ..config }),
        Some(_) | None => Err(Problems(problems)),
    }
}

fn read(path: &Path, env: &dyn Fn(&str) -> Option<String>, found: &mut Findings) -> Option<Config> {
    let (directory, file) = if path.is_dir() {
        (path.to_owned(), path.join("muster.toml"))
    } else {
        (path.parent().map(Path::to_owned).unwrap_or_default(), path.to_owned())
    };
    let text = match text(&file) {
        Ok(text) => text,
        Err(error) => {
            let what = format!("{} can't be read: {error}. Write one with `muster init DIR`", file.display());
            found.problems.push(Problem::of_file("muster.toml", what));
            return None;
        }
    };
    // Where something is wrong with them, that was noted, and nothing starts.
    let policies = policies::read(&directory, found).unwrap_or_else(Policies::shipped);
    let mut config = muster::read(&text, &directory, env, Arc::new(policies), found);
    let services = beside(&directory, "services.toml", found);
    catalogue::services(&services, found, &mut config);
    let people = beside(&directory, "people.toml", found);
    catalogue::people(&people, found, &mut config);
    policies::check_names(&config, found);
    Some(config)
}

/// The text of a file that need not be there.
fn beside(directory: &Path, name: &str, found: &mut Findings) -> String {
    text(&directory.join(name)).unwrap_or_else(|error| {
        if error.kind() != std::io::ErrorKind::NotFound {
            found.problems.push(Problem::of_file(name, format!("it can't be read: {error}")));
        }
        String::new()
    })
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(std::io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(text)
}

impl Config {
    /// The places outside the data directory that checkpoints of the journal go to.
    #[must_use]
    pub fn ledgers(&self) -> Vec<Ledger> {
        let chat = |(platform, id): (&Platform, &String)| Ledger::Chat(*platform, ChannelId::from(id.clone()));
        let wiki = self.journal.checkpoint_wiki.then_some(Ledger::Wiki);
        self.journal.checkpoint_to.iter().map(chat).chain(wiki).collect()
    }

    /// The configuration's part in decisions, given the workspaces that the chats are.
    #[must_use]
    pub fn settings(&self, workspaces: &BTreeMap<Platform, String>) -> Settings {
        let seat = |(platform, channels): (&Platform, &Channels)| {
            let seat = Seat {
                workspace: workspaces.get(platform)?.clone(),
                alerts: ChannelId::from(channels.alerts.clone()),
                incidents: ChannelId::from(channels.incidents.clone()),
                operators: channels.operators.clone().map(ChannelId::from),
                fallback: channels.fallback.clone().map(ChannelId::from),
                checkpoints: self.journal.checkpoint_to.get(platform).cloned().map(ChannelId::from),
                services: self.service_channels(*platform),
                deploys: channels.deploys.clone().map(ChannelId::from),
            };
            Some((*platform, seat))
        };
        Settings {
            chats: self.channels.iter().filter_map(seat).collect(),
            people: self.people.clone().into(),
            teams: self.teams.clone().into(),
            roles: self.roles.clone(),
            gate: Keeper::new(self.policies.clone()),
            time_zone: self.time_zone.clone(),
            services: self.services.clone().into(),
            public_url: self.http.public_url.clone().unwrap_or_else(|| format!("http://{}", self.http.listen)),
            ask_again_after: self.ask_again_after,
            update_every: self.update_every.clone(),
            link_hosts: self.link_hosts.clone(),
            storm_at: self.storm_at,
            told_of_deploys: self.changes.keys().cloned().collect(),
            silent_after: self
                .hooks
                .iter()
                .filter_map(|(name, hook)| Some((name.clone(), hook.silent_after?)))
                .collect(),
        }
    }

    fn service_channels(&self, platform: Platform) -> BTreeMap<String, ChannelId> {
        let of = |((of, service), channel): (&(Platform, String), &String)| {
            (*of == platform).then(|| (service.clone(), ChannelId::from(channel.as_str())))
        };
        self.service_channels.iter().filter_map(of).collect()
    }
}

#[cfg(test)]
mod tests;
