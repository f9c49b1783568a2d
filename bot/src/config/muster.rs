//! `muster.toml`: connections and settings.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use operations::ids::Platform;
use operations::incident::Severity;
use policy::Policies;

use super::secrets::{ANY, Kind, Vault};
use super::tables::{File, Findings, Found, Table};
use super::values::{
    api_url, base, bounded, duration, host, is_web_address, remote, short_time, slack_id, snowflake, time_zone,
};
use super::{Channels, Config, Discord, Heartbeat, Hook, HookKind, Http, Journal, Slack, Wiki};

/// Where Muster listens unless it is said otherwise: only this machine reaches it.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The largest body of a webhook in bytes unless it is said otherwise, and what can be said.
const MAX_BODY: usize = 1024 * 1024;
const MAX_BODY_RANGE: RangeInclusive<u64> = 1024..=64 * 1024 * 1024;
/// How long a body may take, in seconds.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_TIMEOUT_RANGE: RangeInclusive<u64> = 1..=300;
/// How many connections may be open.
const MAX_CONNECTIONS: usize = 2048;
const MAX_CONNECTIONS_RANGE: RangeInclusive<u64> = 16..=65_536;
/// How long a head may take, and a connection be idle, in seconds.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const HEAD_TIMEOUT_RANGE: RangeInclusive<u64> = 1..=60;
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
const IDLE_TIMEOUT_RANGE: RangeInclusive<u64> = 1..=3600;
/// How many bytes of bodies may be held at once.
const BODY_MEMORY: usize = 8 * 1024 * 1024;
const BODY_MEMORY_RANGE: RangeInclusive<u64> = 1024 * 1024..=1024 * 1024 * 1024;

const APP_TOKEN: Kind = Kind {
    fits: |token| token.starts_with("xapp-"),
    unfit: "that is another kind of token. Slack's app-level token begins with xapp- (Basic Information, App-Level \
        Tokens, with connections:write)",
};
const BOT_TOKEN: Kind = Kind {
    fits: |token| token.starts_with("xoxb-"),
    unfit: "that is another kind of token. Slack's bot token begins with xoxb- (OAuth & Permissions, Bot User OAuth \
        Token)",
};
const WEB_ADDRESS: Kind = Kind {
    fits: is_web_address,
    unfit: "that is no address of the web: the whole of it is wanted, such as https://hc.example.com/ping/…",
};

/// How often a heartbeat is sent.
const BEAT: Duration = Duration::from_secs(60);
const BEAT_RANGE: RangeInclusive<u64> = 10..=86_400;

/// More new alerts than this in a channel and a minute, and nobody reads them one by one.
const STORM_AT: u64 = 30;

/// Reads the file. What is wrong is noted, and stands in the result as if it were not there.
pub(super) fn read(
    text: &str,
    directory: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    policies: Arc<Policies>,
    found: &mut Findings,
) -> Config {
    let file = &mut File::new("muster.toml", text, found);
    let vault = Vault { directory, env };
    let mut root = file.root();
    let data_dir = root.string(file, "data_dir").map_or_else(|| "data".to_owned(), |found| found.value);
    let data_dir = directory.join(data_dir);
    let mut config = Config {
        http: Http {
            listen: LISTEN,
            public_url: None,
            max_connections: MAX_CONNECTIONS,
            head_timeout: HEAD_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            body_memory: BODY_MEMORY,
        },
        slack: None,
        discord: None,
        channels: BTreeMap::new(),
        hooks: BTreeMap::new(),
        wiki: Wiki { path: data_dir.join("wiki"), push: None },
        journal: Journal::default(),
        ask_again_after: Some(Duration::from_secs(30 * 60)),
        update_every: [(Severity::Sev1, Duration::from_secs(30 * 60)), (Severity::Sev2, Duration::from_secs(60 * 60))]
            .into(),
        link_hosts: Vec::new(),
        storm_at: Some(STORM_AT),
        heartbeat: None,
        service_channels: BTreeMap::new(),
        postmortem_template: None,
        services: Vec::new(),
        people: Vec::new(),
        teams: BTreeMap::new(),
        roles: BTreeMap::new(),
        connections: BTreeMap::new(),
        pipelines: BTreeMap::new(),
        changes: BTreeMap::new(),
        policies,
        time_zone: None,
        warnings: Vec::new(),
        data_dir,
    };
    let mut on = Vec::new();
    let body_memory = root.table(file, "http").and_then(|table| http(file, table, &mut config));
    if let Some(table) = root.table(file, "slack") {
        on.push(Platform::Slack);
        config.slack = slack(file, &vault, table);
    }
    if let Some(table) = root.table(file, "discord") {
        on.push(Platform::Discord);
        config.discord = discord(file, &vault, table);
    }
    channels(file, &mut root, &on, &mut config);
    if let Some(table) = root.table(file, "hooks") {
        hooks(file, &vault, table, &mut config);
    }
    room_for_bodies(file, body_memory, &mut config);
    if let Some(table) = root.table(file, "wiki") {
        wiki(file, directory, table, &mut config);
    }
    if let Some(table) = root.table(file, "journal") {
        journal(file, &on, table, &mut config);
    }
    if let Some(table) = root.table(file, "incidents") {
        incidents(file, directory, table, &mut config);
    }
    if let Some(mut table) = root.table(file, "heartbeat") {
        let url = vault.secret(file, &mut table, "url", WEB_ADDRESS);
        let every = table.string(file, "every").and_then(|found| short_time(file, &found, BEAT_RANGE));
        table.finish(file);
        config.heartbeat = url.map(|url| Heartbeat { url, every: every.unwrap_or(BEAT) });
    }
    if let Some(table) = root.table(file, "pipelines") {
        config.connections = super::pipelines::connections(file, &vault, table);
    }
    if let Some(table) = root.table(file, "changes") {
        config.changes = super::pipelines::changes(file, &vault, table);
    }
    if let Some(mut table) = root.table(file, "policy") {
        config.time_zone = table.string(file, "time_zone").and_then(|found| time_zone(file, &found));
        table.finish(file);
    }
    if let Some(mut table) = root.table(file, "alerts") {
        if let Some(Found { value, span, key }) = table.number(file, "storm_at") {
            let range = operations::storm::FEWEST..=operations::storm::MOST;
            match value {
                0 => config.storm_at = None,
                _ if range.contains(&value) => config.storm_at = Some(value),
                _ => file.problem(&span, &key, "from 5 to 240 alerts a minute are wanted here, or 0 for never"),
            }
        }
        table.finish(file);
    }
    if let Some(mut table) = root.table(file, "links") {
        let hosts = table.strings(file, "hosts");
        config.link_hosts = hosts.into_iter().filter_map(|found| host(file, found)).collect();
        table.finish(file);
    }
    root.finish(file);
    config
}

/// Gives back what is said of the memory for bodies, because what it must be follows from the sources.
fn http(file: &mut File<'_>, mut table: Table<'_, '_>, config: &mut Config) -> Option<Found<u64>> {
    if let Some(Found { value, span, key }) = table.string(file, "listen") {
        match value.parse() {
            Ok(listen) => config.http.listen = listen,
            Err(_) => file.problem(&span, &key, format!("an address and a port are wanted here, such as \"{LISTEN}\"")),
        }
    }
    config.http.public_url = table.string(file, "public_url").and_then(|found| base(file, found));
    if let Some(found) = table.number(file, "max_connections")
        && let Some(number) = bounded(file, &found, MAX_CONNECTIONS_RANGE, "connections")
    {
        config.http.max_connections = number;
    }
    if let Some(found) = table.string(file, "head_timeout") {
        config.http.head_timeout = short_time(file, &found, HEAD_TIMEOUT_RANGE).unwrap_or(HEAD_TIMEOUT);
    }
    if let Some(found) = table.string(file, "idle_timeout") {
        config.http.idle_timeout = short_time(file, &found, IDLE_TIMEOUT_RANGE).unwrap_or(IDLE_TIMEOUT);
    }
    let body_memory = table.number(file, "body_memory");
    table.finish(file);
    body_memory
}

/// There is room for the largest body that any source may send; for two, where nothing is said.
fn room_for_bodies(file: &mut File<'_>, said: Option<Found<u64>>, config: &mut Config) {
    let largest = config.hooks.values().map(|hook| hook.max_body).max().unwrap_or_default();
    let Some(found) = said else {
        config.http.body_memory = BODY_MEMORY.max(largest.saturating_mul(2));
        return;
    };
    let Some(bytes) = bounded(file, &found, BODY_MEMORY_RANGE, "bytes") else { return };
    if bytes < largest {
        let what = format!("that is too little: a source may send a body of {largest} bytes (max_body)");
        file.problem(&found.span, &found.key, what);
    }
    config.http.body_memory = bytes;
}

fn slack(file: &mut File<'_>, vault: &Vault<'_>, mut table: Table<'_, '_>) -> Option<Slack> {
    let app_token = vault.secret(file, &mut table, "app_token", APP_TOKEN);
    let bot_token = vault.secret(file, &mut table, "bot_token", BOT_TOKEN);
    let api_url = table.string(file, "api_url").and_then(|found| api_url(file, found));
    table.finish(file);
    Some(Slack { app_token: app_token?, bot_token: bot_token?, api_url })
}

fn discord(file: &mut File<'_>, vault: &Vault<'_>, mut table: Table<'_, '_>) -> Option<Discord> {
    let bot_token = vault.secret(file, &mut table, "bot_token", ANY);
    let guild = table.required(file, "guild", "the server's id (Discord: Developer Mode, then Copy Server ID)");
    let guild = guild.and_then(|found| snowflake(file, found));
    let category = table.string(file, "category").and_then(|found| snowflake(file, found));
    let api_url = table.string(file, "api_url").and_then(|found| api_url(file, found));
    table.finish(file);
    Some(Discord { bot_token: bot_token?, guild: guild?, api_url, category })
}

fn channels(file: &mut File<'_>, root: &mut Table<'_, '_>, on: &[Platform], config: &mut Config) {
    let span = root.span();
    let Some(mut table) = root.table(file, "channels") else {
        if !on.is_empty() {
            file.problem(&span, "channels", "it is missing: alerts and incidents say which channel is what, by id");
        }
        return;
    };
    let alerts = channel(file, &mut table, "alerts", on, true);
    let mut incidents = channel(file, &mut table, "incidents", on, true);
    let mut operators = channel(file, &mut table, "operators", on, false);
    let mut fallback = channel(file, &mut table, "fallback", on, false);
    let mut deploys = channel(file, &mut table, "deploys", on, false);
    for (platform, fallback) in &fallback {
        if alerts.get(platform) == Some(fallback) {
            let path = format!("channels.fallback.{}", platform.key());
            let what = "that is the alerts' own channel, whose place it is to take: name another one";
            file.problem(&table.span(), &path, what);
        }
    }
    table.finish(file);
    for (platform, alerts) in alerts {
        if let Some(incidents) = incidents.remove(&platform) {
            let (operators, fallback) = (operators.remove(&platform), fallback.remove(&platform));
            let deploys = deploys.remove(&platform);
            config.channels.insert(platform, Channels { alerts, incidents, operators, fallback, deploys });
        }
    }
}

/// `alerts = { slack = "C…", discord = "…" }`: one for each chat that is connected.
pub(super) fn channel(
    file: &mut File<'_>,
    channels: &mut Table<'_, '_>,
    name: &str,
    on: &[Platform],
    is_required: bool,
) -> BTreeMap<Platform, String> {
    let mut ids = BTreeMap::new();
    let (span, path) = (channels.span(), channels.key(name));
    if channels.get(name).is_none() {
        if is_required && !on.is_empty() {
            file.problem(&span, &path, format!("it is missing. Write {name} = {{ slack = \"C…\", discord = \"…\" }}"));
        }
        return ids;
    }
    let Some(mut table) = channels.table(file, name) else { return ids };
    for platform in Platform::ALL {
        let (title, is_on) = (platform.title(), on.contains(&platform));
        let (key, span) = (table.key(platform.key()), table.span());
        if table.get(platform.key()).is_none() {
            if is_on && is_required {
                file.problem(&span, &key, format!("it is missing: {title} is connected"));
            }
            continue;
        }
        let Some(found) = table.string(file, platform.key()) else { continue };
        let span = found.span.clone();
        let id = match platform {
            Platform::Slack => slack_id(file, found, &['C', 'G']),
            Platform::Discord => snowflake(file, found),
        };
        if is_on {
            ids.extend(id.map(|id| (platform, id)));
        } else {
            file.warning(&span, &key, format!("it is not used: there is no [{}], so {title} is off", platform.key()));
        }
    }
    table.finish(file);
    ids
}

fn hooks(file: &mut File<'_>, vault: &Vault<'_>, mut table: Table<'_, '_>, config: &mut Config) {
    for (name, span) in table.names() {
        let is_sound = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let path = table.key(&name);
        if !is_sound {
            file.problem(
                &span,
                &path,
                "a source's name is part of its address: lower case letters, digits and hyphens",
            );
        }
        let Some(mut hook) = table.table(file, &name) else { continue };
        let (kind_key, is_said) = (hook.key("kind"), hook.get("kind").is_some());
        let (kind, at) = match hook.string(file, "kind") {
            Some(found) => (HookKind::named(&found.value), found.span),
            None => (HookKind::named(&name), span),
        };
        if kind.is_none() {
            let what = if is_said { "there is no such kind" } else { "it is missing, and the name is no kind" };
            file.problem(&at, &kind_key, format!("{what}. There is one: kind = \"alertmanager\""));
        }
        let bearer = vault.one_or_two(file, &mut hook, "bearer");
        let silent_after = hook.string(file, "silent_after").and_then(|found| duration(file, &found));
        let max_body = hook.number(file, "max_body");
        let max_body = max_body.and_then(|found| bounded(file, &found, MAX_BODY_RANGE, "bytes")).unwrap_or(MAX_BODY);
        let body_timeout = hook.string(file, "body_timeout");
        let body_timeout = body_timeout.and_then(|found| short_time(file, &found, BODY_TIMEOUT_RANGE));
        let body_timeout = body_timeout.unwrap_or(BODY_TIMEOUT);
        hook.finish(file);
        if let Some(kind) = kind {
            config.hooks.insert(name, Hook { kind, bearer, max_body, body_timeout, silent_after });
        }
    }
    table.finish(file);
}

fn wiki(file: &mut File<'_>, directory: &Path, mut table: Table<'_, '_>, config: &mut Config) {
    if let Some(mut git) = table.table(file, "git") {
        if let Some(found) = git.string(file, "path") {
            config.wiki.path = directory.join(found.value);
        }
        config.wiki.push = git.string(file, "push").and_then(|found| remote(file, found));
        git.finish(file);
    }
    table.finish(file);
}

fn journal(file: &mut File<'_>, on: &[Platform], mut table: Table<'_, '_>, config: &mut Config) {
    config.journal.checkpoint_to = channel(file, &mut table, "checkpoint_to", on, false);
    if let Some(Found { value, span, key }) = table.boolean(file, "checkpoint_wiki") {
        config.journal.checkpoint_wiki = value;
        if value && config.wiki.push.is_none() {
            file.warning(&span, &key, "without [wiki.git] push they stay on this machine, as the journal does");
        }
    }
    table.finish(file);
}

fn incidents(file: &mut File<'_>, directory: &Path, mut table: Table<'_, '_>, config: &mut Config) {
    if let Some(found) = table.string(file, "ask_again_after") {
        config.ask_again_after = duration(file, &found);
    }
    if let Some(mut every) = table.table(file, "update_every") {
        for (name, span) in every.names() {
            let Some(severity) = Severity::ALL.into_iter().find(|severity| severity.name() == name) else {
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
        let path = directory.join(value);
        if path.is_file() {
            config.postmortem_template = Some(path);
        } else {
            file.problem(&span, &key, "there is no such file (it is looked for beside muster.toml)");
        }
    }
    table.finish(file);
}
