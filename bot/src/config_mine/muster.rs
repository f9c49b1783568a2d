//! `muster.toml`: connections and settings.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use operations::ids::Platform;
use operations::incident::Severity;

use super::problems::Problem;
use super::secrets::Vault;
use super::tables::{File, Found, Table, root};
use super::{Channels, Config, Discord, Hook, Http, Slack, Wiki};

/// Where Muster listens unless it is said otherwise: only this machine reaches it.
const LISTEN: &str = "127.0.0.1:8080";

/// The largest body of a webhook unless it is said otherwise.
const MAX_BODY: usize = 1024 * 1024;

/// Reads the file. What is wrong is noted, and stands in the result as if it were not there.
pub(super) fn read(
    text: &str,
    directory: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<Problem>,
) -> Config {
    let mut file = File { name: "muster.toml", text, problems };
    let file = &mut file;
    let vault = Vault { directory, env };
    let mut root = root(file);
    let data_dir = root.string(file, "data_dir").map_or_else(|| "data".to_owned(), |found| found.value);
    let data_dir = directory.join(data_dir);
    let table = root.table(file, "slack");
    let slack = table.map(|table| slack(file, &vault, table));
    let table = root.table(file, "discord");
    let discord = table.map(|table| discord(file, &vault, table));
    let wanted = [(Platform::Slack, slack.is_some()), (Platform::Discord, discord.is_some())];
    let channels = channels(file, &mut root, wanted);
    let table = root.table(file, "http");
    let http = http(file, table);
    let table = root.table(file, "hooks");
    let hooks = hooks(file, &vault, table);
    let table = root.table(file, "wiki");
    let wiki = wiki(file, directory, &data_dir, table);
    let config = Config {
        http,
        slack: slack.flatten(),
        discord: discord.flatten(),
        channels,
        hooks,
        wiki,
        ask_again_after: None,
        update_every: BTreeMap::new(),
        link_hosts: Vec::new(),
        postmortem_template: None,
        services: Vec::new(),
        people: Vec::new(),
        warnings: Vec::new(),
        data_dir,
    };
    let table = root.table(file, "incidents");
    let config = incidents(file, directory, table, config);
    let table = root.table(file, "links");
    let config = links(file, table, config);
    root.finish(file);
    config
}

fn http(file: &mut File<'_>, table: Option<Table<'_, '_>>) -> Http {
    let mut http = Http { listen: std::net::SocketAddr::from(([127, 0, 0, 1], 8080)), public_url: None };
    let Some(mut table) = table else { return http };
    if let Some(Found { value, span, key }) = table.string(file, "listen") {
        match value.parse() {
            Ok(listen) => http.listen = listen,
            Err(_) => file.problem(&span, &key, format!("it is an address and a port, such as {LISTEN}")),
        }
    }
    if let Some(Found { value, span, key }) = table.string(file, "public_url") {
        let is_http = value.starts_with("https://") || value.starts_with("http://");
        if !is_http || value.ends_with('/') || url::Url::parse(&value).is_err() {
            file.problem(&span, &key, "it is where browsers reach Muster, without a slash at its end: https://muster.example.com");
        } else {
            http.public_url = Some(value);
        }
    }
    table.finish(file);
    http
}

fn slack(file: &mut File<'_>, vault: &Vault<'_>, mut table: Table<'_, '_>) -> Option<Slack> {
    let app_token = vault.secret(file, &mut table, "app_token", true);
    let bot_token = vault.secret(file, &mut table, "bot_token", true);
    let api_url = api_url(file, &mut table);
    table.finish(file);
    Some(Slack { app_token: app_token?, bot_token: bot_token?, api_url })
}

fn discord(file: &mut File<'_>, vault: &Vault<'_>, mut table: Table<'_, '_>) -> Option<Discord> {
    let bot_token = vault.secret(file, &mut table, "bot_token", true);
    let guild = table.string(file, "guild");
    if guild.is_none() {
        let key = table.key("guild");
        let span = table.span().clone();
        file.problem(&span, &key, "it is missing: the server's id (Discord: Developer Mode, then Copy Server ID)");
    }
    let guild = guild.and_then(|found| snowflake(file, found));
    let category = table.string(file, "category").and_then(|found| snowflake(file, found));
    let api_url = api_url(file, &mut table);
    table.finish(file);
    Some(Discord { bot_token: bot_token?, guild: guild?, api_url, category })
}

/// A Discord id: digits.
pub(super) fn snowflake(file: &mut File<'_>, found: Found<String>) -> Option<String> {
    let Found { value, span, key } = found;
    if (15..=20).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value);
    }
    file.problem(&span, &key, "a Discord id is wanted here: 17 to 20 digits (Developer Mode, then Copy ID); names don't count");
    None
}

/// An address of an API: https, or http on this machine.
fn api_url(file: &mut File<'_>, table: &mut Table<'_, '_>) -> Option<String> {
    let Found { value, span, key } = table.string(file, "api_url")?;
    let url = url::Url::parse(&value).ok();
    let local = |url: &url::Url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url {
        Some(url) if url.scheme() == "https" || (url.scheme() == "http" && local(&url)) => {
            Some(value.trim_end_matches('/').to_owned())
        }
        Some(_) | None => {
            file.problem(&span, &key, "it is an https address; http only on this machine (http://127.0.0.1:…)");
            None
        }
    }
}

fn channels(file: &mut File<'_>, root: &mut Table<'_, '_>, wanted: [(Platform, bool); 2]) -> BTreeMap<Platform, Channels> {
    let span = root.span().clone();
    let any = wanted.iter().any(|(_, wanted)| *wanted);
    let Some(mut table) = root.table(file, "channels") else {
        if any {
            file.problem(&span, "channels", "it is missing: alerts and incidents say which channel is what, by id");
        }
        return BTreeMap::new();
    };
    let alerts = channel(file, &mut table, "alerts", wanted, true);
    let incidents = channel(file, &mut table, "incidents", wanted, true);
    let mut operators = channel(file, &mut table, "operators", wanted, false);
    table.finish(file);
    let mut channels = BTreeMap::new();
    for (platform, alerts) in alerts {
        if let Some(incidents) = incidents.get(&platform) {
            let operators = operators.remove(&platform);
            channels.insert(platform, Channels { alerts, incidents: incidents.clone(), operators });
        }
    }
    channels
}

/// `alerts = { slack = "C…", discord = "…" }`: one for each chat that is connected.
fn channel(
    file: &mut File<'_>,
    channels: &mut Table<'_, '_>,
    name: &str,
    wanted: [(Platform, bool); 2],
    required: bool,
) -> BTreeMap<Platform, String> {
    let mut ids = BTreeMap::new();
    let (span, path) = (channels.span().clone(), channels.key(name));
    let Some(mut table) = channels.table(file, name) else {
        if required {
            file.problem(&span, &path, format!("it is missing. Write {name} = {{ slack = \"C…\", discord = \"…\" }}"));
        }
        return ids;
    };
    for (platform, is_wanted) in wanted {
        let key = table.key(platform.key());
        let span = table.span().clone();
        match table.string(file, platform.key()) {
            Some(found) => {
                let id = match platform {
                    Platform::Slack => slack_id(file, found, &['C', 'G']),
                    Platform::Discord => snowflake(file, found),
                };
                ids.extend(id.map(|id| (platform, id)));
            }
            None if is_wanted && required => {
                file.problem(&span, &key, format!("it is missing: {} is connected", platform.title()));
            }
            None => {}
        }
    }
    table.finish(file);
    ids
}

/// A Slack id: a letter that says what it is, then capitals and digits.
pub(super) fn slack_id(file: &mut File<'_>, found: Found<String>, kinds: &[char]) -> Option<String> {
    let Found { value, span, key } = found;
    let well_formed = value.starts_with(kinds) && value.len() >= 3 && value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if well_formed {
        return Some(value);
    }
    file.problem(&span, &key, format!("a Slack id is wanted here, beginning with {}; names don't count", kinds[0]));
    None
}

fn hooks(file: &mut File<'_>, vault: &Vault<'_>, table: Option<Table<'_, '_>>) -> BTreeMap<String, Hook> {
    let mut hooks = BTreeMap::new();
    let Some(mut table) = table else { return hooks };
    for (name, span) in table.names() {
        let sound = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let path = table.key(&name);
        if !sound {
            file.problem(&span, &path, "a source's name is part of its address: lower case letters, digits and hyphens");
        }
        let Some(mut hook) = table.table(file, &name) else { continue };
        let kind = hook.string(file, "kind");
        let (kind, at) = kind.map_or((name.clone(), span), |found| (found.value, found.span));
        if kind != "alertmanager" {
            let known = "there is one kind of source: alertmanager. Write kind = \"alertmanager\"";
            file.problem(&at, &hook.key("kind"), format!("\"{kind}\" is not known; {known}"));
        }
        let bearer = vault.secrets(file, &mut hook, "bearer");
        let max_body = hook.number(file, "max_body").and_then(|it| usize::try_from(it).ok()).unwrap_or(MAX_BODY);
        hook.finish(file);
        hooks.insert(name, Hook { bearer, max_body });
    }
    hooks
}

fn wiki(file: &mut File<'_>, directory: &Path, data_dir: &Path, table: Option<Table<'_, '_>>) -> Wiki {
    let mut wiki = Wiki { path: data_dir.join("wiki"), push: None };
    let Some(mut table) = table else { return wiki };
    if let Some(mut git) = table.table(file, "git") {
        if let Some(found) = git.string(file, "path") {
            wiki.path = directory.join(found.value);
        }
        wiki.push = git.string(file, "push").map(|found| found.value);
        git.finish(file);
    }
    table.finish(file);
    wiki
}

fn incidents(file: &mut File<'_>, directory: &Path, table: Option<Table<'_, '_>>, mut config: Config) -> Config {
    config.ask_again_after = Some(Duration::from_secs(30 * 60));
    config.update_every = [(Severity::Sev1, 30), (Severity::Sev2, 60)]
        .into_iter()
        .map(|(severity, minutes)| (severity, Duration::from_secs(minutes * 60)))
        .collect();
    let Some(mut table) = table else { return config };
    if let Some(found) = table.string(file, "ask_again_after") {
        config.ask_again_after = duration(file, &found);
    }
    if let Some(mut every) = table.table(file, "update_every") {
        for (name, span) in every.names() {
            let Ok(severity) = name.parse::<Severity>() else {
                file.problem(&span, &every.key(&name), "a severity is wanted here: SEV1, SEV2, SEV3 or SEV4");
                every.get(&name);
                continue;
            };
            if let Some(found) = every.string(file, &name) {
                match duration(file, &found) {
                    Some(wait) => config.update_every.insert(severity, wait),
                    None => config.update_every.remove(&severity),
                };
            }
        }
        every.finish(file);
    }
    if let Some(Found { value, span, key }) = table.string(file, "postmortem_template") {
        let path = directory.join(&value);
        if path.is_file() {
            config.postmortem_template = Some(path);
        } else {
            file.problem(&span, &key, format!("there is no file {value}"));
        }
    }
    table.finish(file);
    config
}

/// `"30m"`, `"2h"`, `"never"`.
fn duration(file: &mut File<'_>, found: &Found<String>) -> Option<Duration> {
    if found.value == "never" {
        return None;
    }
    let span = found.value.parse::<jiff::SignedDuration>().ok();
    match span.and_then(|span| Duration::try_from(span).ok()).filter(|it| *it >= Duration::from_secs(60)) {
        Some(duration) => Some(duration),
        None => {
            file.problem(&found.span, &found.key, "a time of at least a minute is wanted here: \"30m\", \"2h\", or \"never\"");
            None
        }
    }
}

fn links(file: &mut File<'_>, table: Option<Table<'_, '_>>, mut config: Config) -> Config {
    let Some(mut table) = table else { return config };
    for Found { value, span, key } in table.strings(file, "hosts") {
        if value.contains(['/', ':', '@']) || value.is_empty() {
            file.problem(&span, &key, "a host's name alone is wanted here: grafana.example.com");
        } else {
            config.link_hosts.push(value);
        }
    }
    table.finish(file);
    config
}
