//! `services.toml` and `people.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use operations::ids::{Platform, UserRef};
use operations::settings::{Holders, Person, Service};
use operations::text::Outside;

use super::Config;
use super::muster::channel;
use super::tables::{File, Findings, Found, Table};
use super::values::{link, slack_id, snowflake};

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
        table.finish(file);
        services.push(Service { name, owner, matches, dashboard });
    }
    root.finish(file);
    config.services = services;
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
        let owners = config.services.iter().filter_map(|service| service.owner.as_ref().map(|owner| (service, owner)));
        for (service, owner) in owners.filter(|(_, owner)| !config.teams.contains_key(*owner)) {
            let what = format!(
                "there is no team {}, which owns {} by services.toml: rules take it for a team without people",
                owner.escape_debug(),
                service.name.escape_debug()
            );
            file.warning(&(0..0), "teams", what);
        }
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
