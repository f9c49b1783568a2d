//! People, services and questions about deploys.

use std::collections::BTreeMap;

use jiff::Timestamp;
use operations::accounts::Accounts;
use operations::chat::Actor;
use operations::deploy::Target;
use operations::ids::{ChannelId, Platform, UserRef};
use operations::policy::{Change, Gate, On, Question, Ruling, Verb};
use operations::settings::{Environment, Holders, Person, Service, Settings};
use policy::{File, Policies, tables};

pub(crate) fn user(id: &str, platform: Platform) -> UserRef {
    UserRef { platform, workspace: "W".to_owned(), user: id.to_owned() }
}

/// On both chats.
pub(crate) fn person(key: &str) -> Person {
    let accounts = vec![user(key, Platform::Slack), user(key, Platform::Discord)];
    Person { key: key.to_owned(), name: key.into(), accounts, active: key != "gone" }
}

pub(crate) fn environment(name: &str, approvals: u32) -> Environment {
    Environment {
        name: name.to_owned(),
        production: name == "production",
        approvals,
        order_after: None,
        pipeline: None,
        parameters: BTreeMap::new(),
        verify: None,
        on_alert: None,
    }
}

pub(crate) fn service(name: &str, owner: Option<&str>, production: u32) -> Service {
    let environments = vec![environment("staging", 0), environment("production", production)];
    Service { name: name.to_owned(), owner: owner.map(str::to_owned), environments, ..Service::default() }
}

pub(crate) fn keys(names: &[&str]) -> std::collections::BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Vi has nothing; Dee deploys; Amy and Abe approve; Zed is admin; Oz and Olga own checkout; Sam is in search, which
/// approves as a team; Gone approved once and has left.
pub(crate) fn settings() -> Settings {
    let people = ["vi", "dee", "amy", "abe", "zed", "oz", "olga", "sam", "gone"];
    let role = |people: &[&str], teams: &[&str]| Holders { people: keys(people), teams: keys(teams) };
    Settings {
        people: people.map(person).into_iter().collect(),
        teams: [("payments".to_owned(), keys(&["oz", "olga"])), ("search".to_owned(), keys(&["sam"]))].into(),
        roles: [
            ("deployer".to_owned(), role(&["dee"], &[])),
            ("approver".to_owned(), role(&["amy", "abe", "gone"], &["search"])),
            ("admin".to_owned(), role(&["zed"], &[])),
        ]
        .into(),
        services: vec![
            service("checkout", Some("payments"), 1),
            service("vault", Some("payments"), 2),
            service("strongroom", Some("payments"), 7),
            service("orphan", None, 1),
        ]
        .into(),
        ..Settings::default()
    }
}

pub(crate) fn file(name: &str, team: Option<&str>, text: &str) -> File {
    File { name: name.to_owned(), text: text.to_owned(), team: team.map(str::to_owned) }
}

/// The shipped rules and these.
pub(crate) fn shipped_and(text: &str) -> Policies {
    let files = [file("default.cedar", None, policy::DEFAULT), file("own.cedar", None, text)];
    Policies::read(&files).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// What is wrong, a line each.
pub(crate) fn wrong(team: Option<&str>, text: &str) -> String {
    let files = [file("default.cedar", None, policy::DEFAULT), file("x.cedar", team, text)];
    let problems = Policies::read(&files).err().unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

pub(crate) fn now() -> Timestamp {
    "2026-03-06T17:00:00Z".parse().expect("a time")
}

/// Nothing in `table` is answered otherwise.
pub(crate) fn holds(gate: &Policies, settings: &Settings, table: &str) {
    let lines = tables::read(table, settings, now()).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let differing: Vec<String> = tables::differing(gate, settings, &lines).iter().map(ToString::to_string).collect();
    assert_eq!(differing, [] as [String; 0]);
}

pub(crate) fn asked(gate: &Policies, settings: &Settings, who: &str, at: &str, change: Option<&Change>) -> Ruling {
    let (service, environment) = at.split_once('/').expect("a service and an environment");
    let on = On::Environment(Target { service: service.to_owned(), environment: environment.to_owned() });
    let by = Actor { user: user(who, Platform::Slack), name: "x".into() };
    let channel = ChannelId::from("C1");
    let question = Question {
        verb: Verb::Deploy,
        by: &by,
        on: &on,
        channel: Some(&channel),
        now: now(),
        change,
        accounts: Accounts::NONE,
    };
    gate.rule(settings, &question)
}

/// A change that nothing speaks against, approved by these.
pub(crate) fn change(approvals: &[&str]) -> Change {
    let approvals = approvals.iter().map(|key| user(key, Platform::Discord)).collect();
    Change { tested: true, commits: Some(2), reference: "tag", checks: "passed", approvals, ..Change::default() }
}

/// How many more approvals a deploy by somebody needs: none where it is allowed, and an error where it is refused.
pub(crate) fn needs(
    gate: &Policies,
    settings: &Settings,
    who: &str,
    at: &str,
    approvals: &[&str],
) -> Result<u32, Vec<String>> {
    match asked(gate, settings, who, at, Some(&change(approvals))) {
        Ruling::Allowed(_) => Ok(0),
        Ruling::Approval { needs, .. } => Ok(needs),
        Ruling::Refused { rules, .. } => Err(rules.into_iter().map(|rule| rule.id).collect()),
    }
}
