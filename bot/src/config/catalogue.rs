//! `services.toml` and `people.toml`.

use std::collections::BTreeMap;

use operations::ids::{Platform, UserRef};
use operations::settings::{Person, Service};
use operations::text::Outside;

use super::Config;
use super::muster::channel;
use super::tables::{File, Findings, Found};
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

/// Reads the people. Their Discord accounts are on the server that is connected; where none is, they are left out.
pub(super) fn people(text: &str, guild: Option<&str>, found: &mut Findings) -> Vec<Person> {
    let file = &mut File::new("people.toml", text, found);
    let mut root = file.root();
    let mut people: Vec<Person> = Vec::new();
    let mut owners: BTreeMap<UserRef, String> = BTreeMap::new();
    if let Some(mut all) = root.table(file, "people") {
        for (key, span) in all.names() {
            let Some(mut table) = all.table(file, &key) else { continue };
            let path = table.path().to_owned();
            let name = table.string(file, "name").map_or_else(|| key.clone(), |found| found.value);
            let slack = table.string(file, "slack").and_then(|found| slack_account(file, found));
            let discord = table.string(file, "discord").and_then(|found| snowflake(file, found));
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
            people.push(Person { key, name: Outside::new(&name), accounts });
        }
        all.finish(file);
    }
    root.finish(file);
    people
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
