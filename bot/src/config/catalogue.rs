//! `services.toml` and `people.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use operations::deploy::Target;
use operations::ids::{Platform, UserRef};
use operations::settings::{Environment, Holders, OnAlert, Person, Service, Verify};
use operations::text::Outside;

use super::Config;
use super::muster::channel;
use super::pipelines;
use super::tables::{File, Findings, Found, Table};
use super::values::{bounded, link, short_time, slack_id, snowflake};

/// An alert is soon after a deploy within so long, where nothing is said.
const SOON: Duration = Duration::from_secs(15 * 60);

/// Reads the services.
pub(super) fn services(text: &str, found: &mut Findings, config: &mut Config) {
    let on: Vec<Platform> = config.channels.keys().copied().collect();
    let file = &mut File::new("services.toml", text, found);
    let mut root = file.root();
    let mut services = Vec::new();
    for (name, span) in root.names() {
        if name.trim().is_empty() {
            file.problem(&span, &name, "a service's name is wanted here");
        }
        let Some(mut table) = root.table(file, &name) else { continue };
        let owner = table.string(file, "owner").map(|found| found.value);
        let dashboard = table.string(file, "dashboard").and_then(|found| link(file, found));
        let mut matches = BTreeMap::new();
        if let Some(mut labels) = table.table(file, "match") {
            for (label, _) in labels.names() {
                matches.extend(labels.string(file, &label).map(|found| (label, found.value)));
            }
            labels.finish(file);
        }
        let channels = channel(file, &mut table, "alerts", &on, false);
        config
            .service_channels
            .extend(channels.into_iter().map(|(platform, channel)| ((platform, name.clone()), channel)));
        let environments = environments(file, &mut table, &name, config);
        table.finish(file);
        services.push(Service { name, owner, matches, dashboard, environments });
    }
    root.finish(file);
    config.services = services;
}

/// Where a service runs, and what deploys it there.
fn environments(file: &mut File<'_>, service: &mut Table<'_, '_>, name: &str, config: &mut Config) -> Vec<Environment> {
    let usual = usual(file, service);
    let pipeline = pipelines::written(file, service);
    let (span, key) = (service.span(), service.key("environments"));
    let Some(mut table) = service.table(file, "environments") else {
        if pipeline.is_some() {
            file.problem(
                &span,
                &key,
                "it is missing: say where it runs, as in environments = { staging = {}, production = {} }",
            );
        }
        return Vec::new();
    };
    let mut environments: Vec<Environment> = Vec::new();
    let mut ordered = Vec::new();
    for (environment, span) in table.names() {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let path = table.key(&environment);
        if environment.is_empty() || environment.len() > 40 || !environment.bytes().all(plain) {
            file.problem(&span, &path, "an environment's name is small letters, digits, hyphens and underscores");
        }
        let Some(mut it) = table.table(file, &environment) else { continue };
        let looks = matches!(environment.as_str(), "production" | "prod" | "live");
        let production = it.boolean(file, "production").map_or(looks, |found| found.value);
        let approval = it.number(file, "approval").and_then(|found| bounded(file, &found, 0..=9, "approvals"));
        let approvals = approval.and_then(|count| u32::try_from(count).ok()).unwrap_or(u32::from(production));
        let order_after = it.string(file, "order_after");
        let own = self::usual(file, &mut it);
        let written = pipelines::written(file, &mut it);
        let target = Target { service: name.to_owned(), environment: environment.clone() };
        let at = written.as_ref().or(pipeline.as_ref()).map(|it| (it.at.span.clone(), it.at.key.clone()));
        let built = pipelines::pipeline(file, &config.connections, pipeline.as_ref(), written.as_ref());
        let capabilities = built.and_then(|built| {
            let (span, key) = at?;
            match pipelines::trial().and_then(|shared| built.build(&shared)) {
                Ok(pipeline) => {
                    config.pipelines.insert(target, built);
                    Some(pipeline.capabilities())
                }
                Err(why) => {
                    file.problem(&span, &key, why);
                    None
                }
            }
        });
        let parameters = if own.parameters.is_empty() { usual.parameters.clone() } else { own.parameters };
        it.finish(file);
        ordered.extend(order_after.map(|found| (environment.clone(), found)));
        environments.push(Environment {
            name: environment,
            production,
            approvals,
            order_after: None,
            pipeline: capabilities,
            parameters,
            verify: own.verify.or_else(|| usual.verify.clone()),
            on_alert: own.on_alert.or(usual.on_alert),
        });
    }
    table.finish(file);
    for (environment, Found { value, span, key }) in ordered {
        if value == environment || !environments.iter().any(|it| it.name == value) {
            file.problem(&span, &key, "the name of another environment of this service is wanted here");
        } else if leads_to(&environments, &value, &environment) {
            let why = format!("{value} comes after {environment} itself, so nothing could be deployed to either");
            file.problem(&span, &key, why);
        } else if let Some(it) = environments.iter_mut().find(|it| it.name == environment) {
            it.order_after = Some(value);
        }
    }
    environments
}

/// Whether an environment comes after another one, be it with others between.
fn leads_to(environments: &[Environment], from: &str, to: &str) -> bool {
    let mut at = Some(from);
    // They are in no circle: what would have made one was refused.
    while let Some(name) = at {
        if name == to {
            return true;
        }
        at = environments.iter().find(|it| it.name == name).and_then(|it| it.order_after.as_deref());
    }
    false
}

/// What can be said of a service and of each of its environments.
struct Usual {
    parameters: BTreeMap<String, Vec<String>>,
    verify: Option<Verify>,
    on_alert: Option<OnAlert>,
}

/// What `name=value` means in a deploy that is typed, whatever parameters there are.
const TAKEN: [&str; 14] = [
    "service",
    "env",
    "environment",
    "to",
    "from",
    "ref",
    "reference",
    "branch",
    "tag",
    "release",
    "parameters",
    "reason",
    "dry-run",
    "break-glass",
];

fn usual(file: &mut File<'_>, table: &mut Table<'_, '_>) -> Usual {
    let mut parameters = BTreeMap::new();
    if let Some(mut all) = table.table(file, "parameters") {
        for (name, span) in all.names() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            let path = all.key(&name);
            if name.is_empty() || name.len() > 60 || !name.bytes().all(plain) {
                file.problem(&span, &path, "a parameter's name is letters, digits, hyphens and underscores");
            }
            if TAKEN.contains(&name.to_lowercase().as_str()) {
                let why = "means something else in a deploy; call the parameter otherwise, such as";
                file.problem(&span, &path, format!("`{name}=…` {why} `image_{name}`"));
            }
            let values = all.strings(file, &name);
            for Found { value, span, key } in &values {
                if let Err(why) = commands::deploy::reference::value(value, &[]) {
                    file.problem(span, key, format!("that can't be a parameter's value: {why}"));
                }
            }
            parameters.insert(name, values.into_iter().map(|found| found.value).collect());
        }
        all.finish(file);
    }
    Usual { parameters, verify: verify(file, table), on_alert: on_alert(file, table) }
}

fn verify(file: &mut File<'_>, table: &mut Table<'_, '_>) -> Option<Verify> {
    let mut it = table.table(file, "verify")?;
    let http = it.string(file, "http").and_then(|found| link(file, found));
    let alert = it.string(file, "alert").map(|found| found.value);
    let within = it.required(file, "within", "how long it is looked at, such as \"3m\"");
    let within = within.and_then(|found| short_time(file, &found, 10..=86_400));
    it.finish(file);
    Some(Verify { http, alert, within: within? })
}

fn on_alert(file: &mut File<'_>, table: &mut Table<'_, '_>) -> Option<OnAlert> {
    let mut it = table.table(file, "on_alert")?;
    let then = it.required(file, "then", "\"propose\" or \"rollback\"");
    let within = it.string(file, "within").and_then(|found| short_time(file, &found, 60..=3600));
    let roll_back = then.and_then(|found| match found.value.as_str() {
        "propose" => Some(false),
        "rollback" => Some(true),
        _ => {
            file.problem(&found.span, &found.key, "\"propose\" or \"rollback\" is wanted here");
            None
        }
    });
    it.finish(file);
    Some(OnAlert { within: within.unwrap_or(SOON), roll_back: roll_back? })
}

/// Reads the people, teams and roles.
pub(super) fn people(text: &str, found: &mut Findings, config: &mut Config) {
    let guild = config.discord.as_ref().map(|it| it.guild.clone());
    let file = &mut File::new("people.toml", text, found);
    let mut root = file.root();
    config.people = everybody(file, &mut root, guild.as_deref());
    if let Some(mut all) = root.table(file, "teams") {
        config.teams = teams(file, &mut all, &config.people);
        all.finish(file);
    }
    let owners = config.services.iter().filter_map(|service| service.owner.as_ref().map(|owner| (service, owner)));
    // Without any people nobody is told apart by teams.
    let owners = owners.filter(|(_, owner)| !config.people.is_empty() && !config.teams.contains_key(*owner));
    for (service, owner) in owners {
        let what = format!(
            "there is no team {}, which owns {} by services.toml: rules take it for a team without people",
            owner.escape_debug(),
            service.name.escape_debug()
        );
        file.warning(&(0..0), "teams", what);
    }
    if let Some(mut all) = root.table(file, "roles") {
        config.roles = roles(file, &mut all, &config.people, &config.teams);
        all.finish(file);
    }
    root.finish(file);
}

/// The people. Their Discord accounts are on the server that is connected; where none is, they are left out.
fn everybody(file: &mut File<'_>, root: &mut Table<'_, '_>, guild: Option<&str>) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    let mut owners: BTreeMap<UserRef, String> = BTreeMap::new();
    if let Some(mut all) = root.table(file, "people") {
        for (key, span) in all.names() {
            is_key(file, &key, &span, &format!("people.{key}"));
            let Some(mut table) = all.table(file, &key) else { continue };
            let path = table.path().to_owned();
            let name = table.string(file, "name").map_or_else(|| key.clone(), |found| found.value);
            let slack = table.string(file, "slack").and_then(|found| slack_account(file, found));
            let discord = table.string(file, "discord").and_then(|found| snowflake(file, found));
            let active = table.boolean(file, "active").is_none_or(|found| found.value);
            let has_account = table.get("slack").is_some() || table.get("discord").is_some();
            table.finish(file);
            if !has_account {
                file.warning(
                    &span,
                    &path,
                    "nobody is recognised as them: there is neither a slack nor a discord account",
                );
            }
            let discord = discord.map(|user| UserRef {
                platform: Platform::Discord,
                workspace: guild.unwrap_or_default().to_owned(),
                user,
            });
            let mut accounts: Vec<UserRef> = slack.into_iter().chain(discord).collect();
            for account in &accounts {
                if let Some(other) = owners.insert(account.clone(), key.clone()) {
                    let title = account.platform.title();
                    let what = format!(
                        "this {title} account is {}'s already; one account is one person's",
                        other.escape_debug()
                    );
                    file.problem(&span, &path, what);
                }
            }
            accounts.retain(|account| account.platform != Platform::Discord || guild.is_some());
            people.push(Person { key, name: Outside::new(&name), accounts, active });
        }
        all.finish(file);
    }
    people
}

fn teams(file: &mut File<'_>, all: &mut Table<'_, '_>, people: &[Person]) -> BTreeMap<String, BTreeSet<String>> {
    let mut teams = BTreeMap::new();
    for (name, span) in all.names() {
        is_key(file, &name, &span, &format!("teams.{name}"));
        let Some(mut table) = all.table(file, &name) else { continue };
        let members = table.strings(file, "members");
        table.finish(file);
        let members = members.into_iter().filter_map(|found| known(file, found, people)).collect();
        teams.insert(name, members);
    }
    teams
}

/// `deployer = ["team:payments", "ann"]`.
fn roles(
    file: &mut File<'_>,
    all: &mut Table<'_, '_>,
    people: &[Person],
    teams: &BTreeMap<String, BTreeSet<String>>,
) -> BTreeMap<String, Holders> {
    let mut roles = BTreeMap::new();
    for (name, _) in all.names() {
        let mut holders = Holders::default();
        for found in all.strings(file, &name) {
            match found.value.strip_prefix("team:").map(str::to_owned) {
                Some(team) if teams.contains_key(&team) => {
                    holders.teams.insert(team);
                }
                Some(_) => {
                    file.problem(&found.span, &found.key, "there is no such team: [teams.NAME] says who is in one")
                }
                None => holders.people.extend(known(file, found, people)),
            }
        }
        roles.insert(name, holders);
    }
    roles
}

/// Notes a name that rules could not tell from something else.
fn is_key(file: &mut File<'_>, name: &str, span: &Range<usize>, path: &str) {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    if name == "stranger" || name.is_empty() || !name.chars().all(plain) {
        let what = "letters, digits, dots, hyphens and spaces make a name here; stranger is nobody's";
        file.problem(span, path, what);
    }
}

/// A person's key; a problem where nobody has it.
fn known(file: &mut File<'_>, found: Found<String>, people: &[Person]) -> Option<String> {
    if people.iter().any(|person| person.key == found.value) {
        return Some(found.value);
    }
    file.problem(&found.span, &found.key, "there is nobody with that key: [people.KEY] says who somebody is");
    None
}

/// `T01ABCDEF/U01ABCDEF`: the workspace and the person in it.
fn slack_account(file: &mut File<'_>, found: Found<String>) -> Option<UserRef> {
    let Found { value, span, key } = found;
    let Some((team, user)) = value.split_once('/') else {
        file.problem(&span, &key, "the workspace and the person are wanted here, by id: \"T01ABCDEF/U01ABCDEF\"");
        return None;
    };
    let part = |value: &str| Found { value: value.to_owned(), span: span.clone(), key: key.clone() };
    let team = slack_id(file, part(team), &['T', 'E']);
    let user = slack_id(file, part(user), &['U', 'W']);
    Some(UserRef { platform: Platform::Slack, workspace: team?, user: user? })
}
