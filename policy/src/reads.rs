//! What a rule reads of approvals.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use serde_json::Value;

/// What rules tell apart in those who have approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// How many of them are in the team that owns the service.
    pub(crate) owners: bool,
    /// Whether their teams are looked at, and which.
    pub(crate) of_teams: bool,
    pub(crate) teams: BTreeSet<String>,
    /// Whether their roles are looked at, and which.
    pub(crate) of_roles: bool,
    pub(crate) roles: BTreeSet<String>,
}

impl Reads {
    /// What a rule reads.
    pub(crate) fn of(rule: &Policy) -> Reads {
        let Ok(json) = rule.to_json() else { return Reads::default() };
        // Nothing but these attributes has these names in the schema, or it is read too much, which does no harm.
        let mut reads = Reads {
            owners: speaks_of(&json, "owners"),
            of_teams: speaks_of(&json, "teams"),
            of_roles: speaks_of(&json, "roles"),
            ..Reads::default()
        };
        reads.literals(&json);
        reads
    }

    /// What another rule reads as well.
    pub(crate) fn add(&mut self, other: Option<&Reads>) {
        let Some(other) = other else { return };
        self.owners |= other.owners;
        self.of_teams |= other.of_teams;
        self.of_roles |= other.of_roles;
        self.teams.extend(other.teams.iter().cloned());
        self.roles.extend(other.roles.iter().cloned());
    }

    fn literals(&mut self, json: &Value) {
        match json {
            Value::Object(object) => {
                let word = |key: &str| object.get(key).and_then(Value::as_str);
                match (word("type"), word("id")) {
                    (Some("Team"), Some(id)) => drop(self.teams.insert(id.to_owned())),
                    (Some("Role"), Some(id)) => drop(self.roles.insert(id.to_owned())),
                    _ => {}
                }
                object.values().for_each(|value| self.literals(value));
            }
            Value::Array(values) => values.iter().for_each(|value| self.literals(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Whether a rule looks at who has approved. An environment has an attribute of that name, too: how many have to.
pub(crate) fn looks_at_approvals(rule: &Policy) -> bool {
    rule.to_json().is_ok_and(|json| speaks_of(&json, "approvals"))
}

/// Whether a rule looks at more of the context than when and where it is asked.
pub(crate) fn looks_at_change(rule: &Policy) -> bool {
    rule.to_json().is_ok_and(|json| looks_beyond_at(&json))
}

fn looks_beyond_at(json: &Value) -> bool {
    match json {
        Value::Object(object) => {
            let var = |value: &Value| value.get("Var").and_then(Value::as_str) == Some("context");
            if object.get("attr").and_then(Value::as_str) == Some("at") && object.get("left").is_some_and(var) {
                return false;
            }
            object.get("Var").and_then(Value::as_str) == Some("context") || object.values().any(looks_beyond_at)
        }
        Value::Array(values) => values.iter().any(looks_beyond_at),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether an attribute of this name is read anywhere, of anything but the resource, or stands in a record that
/// something is compared with.
fn speaks_of(json: &Value, name: &str) -> bool {
    match json {
        Value::Object(object) => {
            let is_read = object.get("attr").and_then(Value::as_str) == Some(name);
            let of_resource = object.get("left").and_then(|left| left.get("Var")).and_then(Value::as_str);
            (is_read && of_resource != Some("resource"))
                || object.get("Record").is_some_and(|record| record.get(name).is_some())
                || object.values().any(|value| speaks_of(value, name))
        }
        Value::Array(values) => values.iter().any(|value| speaks_of(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
