//! `services.toml` and `people.toml`.

use std::collections::BTreeMap;

use operations::ids::{Platform, UserRef};
use operations::settings::{Person, Service};
use operations::text::Outside;

use super::muster::{slack_id, snowflake};
use super::problems::Problem;
use super::tables::{File, Found, root};

/// Reads the services.
pub(super) fn services(text: &str, problems: &mut Vec<Problem>) -> Vec<Service> {
    let file = &mut File { name: "services.toml", text, problems };
    let mut root = root(file);
    let mut services = Vec::new();
    for (name, _) in root.names() {
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
        table.finish(file);
        services.push(Service { name, owner, matches, dashboard });
    }
    services
}

fn link(file: &mut File<'_>, found: Found<String>) -> Option<String> {
    let Found { value, span, key } = found;
    if value.starts_with("https://") || value.starts_with("http://") {
        return Some(value);
    }
    file.problem(&span, &key, "an address is wanted here: https://…");
    None
}

/// Reads the people. Their Discord accounts are on the server that is connected.
pub(super) fn people(text: &str, guild: Option<&str>, problems: &mut Vec<Problem>) -> Vec<Person> {
    let file = &mut File { name: "people.toml", text, problems };
    let mut root = root(file);
    let mut people: Vec<Person> = Vec::new();
    let mut seen: BTreeMap<UserRef, String> = BTreeMap::new();
    if let Some(mut all) = root.table(file, "people") {
        for (key, span) in all.names() {
            let Some(mut table) = all.table(file, &key) else { continue };
            let name = table.string(file, "name").map_or_else(|| key.clone(), |found| found.value);
            let slack = table.string(file, "slack").and_then(|found| slack_account(file, found));
            let discord = table.string(file, "discord").and_then(|found| snowflake(file, found));
            let discord = discord.map(|user| UserRef {
                platform: Platform::Discord,
                workspace: guild.unwrap_or_default().to_owned(),
                user,
            });
            let path = table.path().to_owned();
            table.finish(file);
            let accounts: Vec<UserRef> = slack.into_iter().chain(discord).collect();
            for account in &accounts {
                if let Some(other) = seen.insert(account.clone(), key.clone()) {
                    let title = account.platform.title();
                    file.problem(&span, &path, format!("the {title} account {} is {other}'s already", account.user));
                }
            }
            people.push(Person { key, name: Outside::new(&name), accounts });
        }
        all.finish(file);
    }
    root.finish(file);
    people
}

/// `T01/U0ANN`: the workspace and the person in it.
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
