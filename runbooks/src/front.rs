//! The front matter: what a page is, asks for, and when it runs.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use operations::runbook::page::{Concurrency, Input, InputKind, Schedule, Template, Trigger};

use crate::attributes::duration;
use crate::map::{self, Map};
use crate::places::{Findings, Place, near};
use crate::yaml::{Node, Value};
use crate::{inputs, yaml};

/// How long a run takes at most, where its page does not say so.
const TIMEOUT: Duration = Duration::from_secs(3_600);

/// What the front matter says.
#[derive(Debug, Default)]
pub(crate) struct Front {
    pub(crate) id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) owners: Vec<String>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) runners: Vec<String>,
    pub(crate) secrets: Vec<String>,
    pub(crate) timeout: Duration,
    /// Templates with where they stand, for whoever checks what they read.
    pub(crate) templates: Vec<(Place, String, Scope)>,
}

/// What a template may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Inputs.
    Inputs,
    /// The alert that a page is proposed for.
    Alert,
}

/// Reads it.
pub(crate) fn read(text: &str, from: Place, found: &mut Findings<'_>) -> Front {
    let mut front = Front { timeout: TIMEOUT, ..Front::default() };
    let Some(node) = yaml::read(text, from, found) else { return front };
    let Some(mut map) = Map::of(node, "the front matter", found) else { return front };
    front.id = map.needed("id", found).and_then(|(at, id)| {
        if is_id(&id) {
            return Some(id);
        }
        let hint = Some("lower case letters, digits and hyphens, 60 at most".to_owned());
        found.tell(at, format!("{} is no id for a page", id.escape_debug()), hint);
        None
    });
    front.title = map.text("title", found).map(|(_, title)| title);
    let owners = map.texts("owners", found);
    front.owners = people(owners, false, found);
    if front.owners.is_empty() {
        let hint = Some("owners: [team:payments]".to_owned());
        found.tell(map.at, "a page without owners is nobody's, and nobody keeps it true", hint);
    }
    if let Some(node) = map.take("inputs") {
        front.inputs = inputs::read(node, "inputs", found);
    }
    if let Some(node) = map.take("triggers") {
        front.triggers = triggers(node, &mut front.templates, found);
    }
    front.schedule = map.map("schedule", found).and_then(|map| schedule(map, found));
    front.concurrency = map.map("concurrency", found).and_then(|mut map| {
        let (at, key) = map.needed("key", found)?;
        let queues = match map.text("second", found) {
            Some((_, said)) if said == "waits" => true,
            Some((_, said)) if said == "is_refused" => false,
            Some((at, _)) => {
                found.tell(at, "the second one waits, or is_refused", None);
                true
            }
            None => true,
        };
        map.finish(found);
        front.templates.push((at, key.clone(), Scope::Inputs));
        Some(Concurrency { key: Template(key), queues })
    });
    if let Some(mut policy) = map.map("policy", found) {
        let runners = policy.texts("run", found);
        front.runners = people(runners, true, found);
        policy.finish(found);
    }
    for (at, name) in map.texts("secrets", found) {
        if !is_secret(&name) {
            let hint = Some("it is a name, as DATABASE_PASSWORD, and never the secret itself".to_owned());
            found.tell(at, "this is no name of a secret", hint);
        } else if front.secrets.contains(&name) {
            found.tell(at, format!("{name} stands twice here"), None);
        } else {
            front.secrets.push(name);
        }
    }
    if let Some((at, said)) = map.text("timeout", found) {
        match duration(&said) {
            Some(timeout) => front.timeout = timeout,
            None => found.tell(at, "timeout is a span of time", Some("30s, 5m, 2h, 1d".to_owned())),
        }
    }
    map.finish(found);
    front
}

fn is_id(id: &str) -> bool {
    (1..=60).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !id.starts_with('-')
        && !id.ends_with('-')
}

/// A secret is called as environment variables are.
fn is_secret(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// People, teams, and roles where these can stand.
pub(crate) fn people(said: Vec<(Place, String)>, roles: bool, found: &mut Findings<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for (at, who) in said {
        let (kind, name) = who.split_once(':').unwrap_or(("person", &who));
        let is_known = matches!(kind, "person" | "team") || (roles && kind == "role");
        let is_name =
            !name.is_empty() && name.len() <= 80 && !name.chars().any(|c| c.is_whitespace() || c.is_control());
        if is_known && is_name {
            all.push(who);
        } else {
            let hint = if roles { "ann, team:payments or role:deployer" } else { "ann, or team:payments" };
            found.tell(at, format!("{} is nobody", who.escape_debug()), Some(hint.to_owned()));
        }
    }
    all
}

fn triggers(node: Node, templates: &mut Vec<(Place, String, Scope)>, found: &mut Findings<'_>) -> Vec<Trigger> {
    let (at, kind) = (node.at, node.kind());
    let Value::List(nodes) = node.value else {
        found.tell(
            at,
            format!("triggers are a list, and this is {kind}"),
            Some("- labels: { alertname: … }".to_owned()),
        );
        return Vec::new();
    };
    let mut all = Vec::new();
    for node in nodes {
        let Some(mut map) = Map::of(node, "a trigger", found) else { continue };
        let labels = map::pairs_of(map.map("labels", found), found);
        if labels.is_empty() {
            found.tell(map.at, "a trigger without labels would fit every alert", None);
        }
        let labels = labels.into_iter().map(|(name, (_, value))| (name, value)).collect();
        let mut inputs = BTreeMap::new();
        for (name, (at, text)) in map::pairs_of(map.map("inputs", found), found) {
            templates.push((at, text.clone(), Scope::Alert));
            inputs.insert(name, Template(text));
        }
        let auto = map.boolean("auto", found).unwrap_or(false);
        map.finish(found);
        all.push(Trigger { labels, inputs, auto });
    }
    all
}

fn schedule(mut map: Map, found: &mut Findings<'_>) -> Option<Schedule> {
    let cron = map.needed("cron", found);
    let zone = map.text("zone", found);
    let missed = map.text("missed", found);
    let inputs = map::pairs_of(map.map("inputs", found), found);
    map.finish(found);
    let zone = match zone {
        Some((at, zone)) if TimeZone::get(&zone).is_err() => {
            let what = format!("there is no time zone {}", zone.escape_debug());
            found.tell(at, what, Some("as Europe/Berlin, or UTC".to_owned()));
            zone
        }
        Some((_, zone)) => zone,
        None => "UTC".to_owned(),
    };
    let make_up = match missed {
        Some((_, said)) if said == "made_up" => true,
        Some((_, said)) if said == "skipped" => false,
        Some((at, _)) => {
            found.tell(at, "a missed time is made_up, once, or skipped", None);
            false
        }
        None => false,
    };
    let (at, cron) = cron?;
    if let Err(error) = cron::Schedule::from_str(&cron) {
        let hint = "seconds minutes hours days months weekdays: 0 30 9 * * Mon-Fri".to_owned();
        found.tell(at, format!("this is no schedule: {}", error.to_string().replace('\n', " ")), Some(hint));
        return None;
    }
    let inputs = inputs.into_iter().map(|(name, (_, value))| (name, value)).collect();
    Some(Schedule { cron, zone, make_up, inputs })
}

/// What one part of the front matter says of another: inputs that a trigger or a schedule gives, the service of an
/// environment.
pub(crate) fn fit_together(front: &Front, found: &mut Findings<'_>) {
    let at = Place { line: 2, column: 1 };
    let input = |name: &str| front.inputs.iter().find(|input| input.name == name);
    let unknown = |name: &str, by: &str, found: &mut Findings<'_>| {
        let hint = near(name, front.inputs.iter().map(|input| input.name.as_str()));
        found.tell(at, format!("{by} gives {}, and there is no such input", name.escape_debug()), hint);
    };
    for name in front.triggers.iter().flat_map(|trigger| trigger.inputs.keys()) {
        if input(name).is_none() {
            unknown(name, "a trigger", found);
        }
    }
    let missing = |given: &dyn Fn(&str) -> bool| {
        front.inputs.iter().find(|input| input.required && !given(&input.name)).map(|input| input.name.clone())
    };
    if let Some(trigger) = front.triggers.iter().find(|trigger| trigger.auto)
        && let Some(name) = missing(&|name| trigger.inputs.contains_key(name))
    {
        found.tell(at, format!("a trigger that runs by itself gives every input; {name} is missing"), None);
    }
    if let Some(schedule) = &front.schedule {
        for (name, value) in &schedule.inputs {
            match input(name) {
                None => unknown(name, "the schedule", found),
                Some(input) => {
                    if let Err(why) = inputs::fits(input, value) {
                        found.tell(at, format!("what the schedule gives for {name} does not fit: {why}"), None);
                    }
                }
            }
        }
        if let Some(name) = missing(&|name| schedule.inputs.contains_key(name)) {
            found.tell(at, format!("a schedule gives every input; {name} is missing"), None);
        }
    }
    for one in &front.inputs {
        if let InputKind::Environment { of: Some(of) } = &one.kind
            && !input(of).is_some_and(|input| input.kind == InputKind::Service)
        {
            found.tell(at, format!("{} is an environment of {of}, which is no input of type service", one.name), None);
        }
    }
}
