//! Names in rules, of people, teams, roles and services, which the schema can't know.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use operations::problem::Problem;
use serde_json::Value;

use crate::files::{File, problem};

/// What there is by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The keys of people.
    pub people: BTreeSet<String>,
    /// The teams.
    pub teams: BTreeSet<String>,
    /// The roles.
    pub roles: BTreeSet<String>,
    /// The services.
    pub services: BTreeSet<String>,
}

/// Something that a rule names.
pub(crate) struct Named {
    kind: &'static str,
    name: String,
    /// What is told where there is no such thing.
    problem: Problem,
}

impl Named {
    /// Whom it names, where it is a person.
    pub(crate) fn person(&self) -> Option<&str> {
        (self.kind == "Person").then_some(self.name.as_str())
    }

    /// What is wrong, where there is no such thing.
    pub(crate) fn problem(&self, known: &Known) -> Option<Problem> {
        let (names, place) = match self.kind {
            "Person" => (&known.people, "people.toml, [people]"),
            "Team" => (&known.teams, "people.toml, [teams]"),
            "Role" => (&known.roles, "people.toml, [roles]"),
            _ => (&known.services, "services.toml"),
        };
        if names.contains(&self.name) {
            return None;
        }
        let alike = names.iter().map(|name| (strsim::jaro_winkler(&self.name, name), name));
        let near = alike.filter(|(alike, _)| *alike > 0.75).max_by(|(one, _), (other, _)| one.total_cmp(other));
        let hint = match near {
            Some((_, near)) => format!("did you mean {}::{near:?}?", self.kind),
            None => format!("it would stand in {place}"),
        };
        Some(Problem { hint: Some(hint), ..self.problem.clone() })
    }
}

/// Everything that a rule names, of what is not in the schema.
pub(crate) fn named(file: &File, at: usize, rule: &Policy) -> Vec<Named> {
    let mut found = BTreeSet::new();
    if let Ok(json) = rule.to_json() {
        literals(&json, &mut found);
    }
    for word in rule.annotation("who").unwrap_or_default().split_whitespace() {
        match word.split_once(':') {
            Some(("team", name)) => drop(found.insert(("Team", name.to_owned()))),
            Some(("role", name)) => drop(found.insert(("Role", name.to_owned()))),
            _ => {}
        }
    }
    found.extend(file.team.iter().map(|team| ("Team", team.clone())));
    let named = |(kind, name): (&'static str, String)| {
        let what = format!("there is no {kind}::{name:?}");
        Named { kind, name, problem: problem(file, Some(at), what, None) }
    };
    found.into_iter().map(named).collect()
}

/// The entities in Cedar's own JSON of a rule: whatever has a type and an id.
fn literals(json: &Value, found: &mut BTreeSet<(&'static str, String)>) {
    match json {
        Value::Object(object) => {
            let word = |key: &str| object.get(key).and_then(Value::as_str);
            if let (Some(kind), Some(id)) = (word("type"), word("id"))
                && let Some(kind) = ["Person", "Team", "Role", "Service"].into_iter().find(|known| *known == kind)
            {
                found.insert((kind, id.to_owned()));
            }
            object.values().for_each(|value| literals(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| literals(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
