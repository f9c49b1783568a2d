//! Who and what a question is about, as Cedar sees it.
//!
//! Only what the question refers to is given, with everything above it. What holds: nothing
//! that a rule can reach is missing (the schema's rules reach one step), because in Cedar
//! what is missing is silently not in any team.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityUid, RestrictedExpression as Value, Schema};
use jiff::tz::TimeZone;
use operations::ids::{Platform, UserRef};
use operations::policy::{On, Question};
use operations::settings::{Person, Settings};

/// Why a question can't be put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotPut(String);

fn not_put(error: impl std::fmt::Display) -> NotPut {
    NotPut(error.to_string())
}

/// The team that owns what nobody owns.
const NOBODY: &str = "(nobody)";

/// The parts of a request.
pub(crate) struct Put {
    pub(crate) principal: EntityUid,
    pub(crate) resource: EntityUid,
    pub(crate) context: Context,
    pub(crate) entities: Entities,
}

/// Puts a question.
pub(crate) fn put(settings: &Settings, question: &Question<'_>, schema: &Schema) -> Result<Put, NotPut> {
    let mut all = All { settings, entities: HashMap::new() };
    let principal = all.person(&question.by.user)?;
    let resource = match question.on {
        On::Workspace => all.add("Workspace", "workspace", HashMap::new(), HashSet::new())?,
        On::Service(service) => all.service(service)?,
        // Rules know an incident by its services alone.
        On::Incident(_, services) => {
            let services = services.iter().map(|service| all.service(service)).collect::<Result<_, _>>()?;
            all.add("Incident", "incident", HashMap::new(), services)?
        }
    };
    let context = context(settings, question)?;
    let entities = Entities::from_entities(all.entities.into_values(), Some(schema)).map_err(not_put)?;
    Ok(Put { principal, resource, context, entities })
}

/// Everything that a question refers to.
struct All<'s> {
    settings: &'s Settings,
    entities: HashMap<EntityUid, Entity>,
}

impl All<'_> {
    fn person(&mut self, user: &UserRef) -> Result<EntityUid, NotPut> {
        let found = self.settings.person(user).cloned();
        let id = found.as_ref().map_or_else(|| account(user), |person| person.key.clone());
        let parents = found.as_ref().map_or_else(|| Ok(HashSet::new()), |person| self.groups_of(person))?;
        let attributes = HashMap::from([
            ("active".to_owned(), Value::new_bool(found.as_ref().is_none_or(|person| person.active))),
            ("known".to_owned(), Value::new_bool(found.is_some())),
        ]);
        self.add("Person", &id, attributes, parents)
    }

    /// The teams and roles of a person.
    fn groups_of(&mut self, person: &Person) -> Result<HashSet<EntityUid>, NotPut> {
        let settings = self.settings;
        let mut groups = HashSet::new();
        for (team, members) in &settings.teams {
            if members.contains(&person.key) {
                groups.insert(self.team(team)?);
            }
        }
        for (role, holders) in &settings.roles {
            if holders.people.contains(&person.key) {
                groups.insert(self.role(role)?);
            }
        }
        Ok(groups)
    }

    fn team(&mut self, team: &str) -> Result<EntityUid, NotPut> {
        let settings = self.settings;
        let mut roles = HashSet::new();
        for (role, holders) in &settings.roles {
            if holders.teams.contains(team) {
                roles.insert(self.role(role)?);
            }
        }
        self.add("Team", team, HashMap::new(), roles)
    }

    fn role(&mut self, role: &str) -> Result<EntityUid, NotPut> {
        self.add("Role", role, HashMap::new(), HashSet::new())
    }

    fn service(&mut self, name: &str) -> Result<EntityUid, NotPut> {
        let service = self.settings.services.iter().find(|service| service.name == name);
        let owner = service.and_then(|service| service.owner.clone()).unwrap_or_else(|| NOBODY.to_owned());
        let owner = self.team(&owner)?;
        let attributes = HashMap::from([("owner".to_owned(), Value::new_entity_uid(owner.clone()))]);
        self.add("Service", name, attributes, HashSet::from([owner]))
    }

    fn add(
        &mut self,
        kind: &str,
        id: &str,
        attributes: HashMap<String, Value>,
        parents: HashSet<EntityUid>,
    ) -> Result<EntityUid, NotPut> {
        let uid = uid(kind, id)?;
        if !self.entities.contains_key(&uid) {
            let entity = Entity::new(uid.clone(), attributes, parents).map_err(not_put)?;
            self.entities.insert(uid.clone(), entity);
        }
        Ok(uid)
    }
}

/// An entity's name. The type is one of the schema's; the id may be anything.
pub(crate) fn uid(kind: &str, id: &str) -> Result<EntityUid, NotPut> {
    Ok(EntityUid::from_type_name_and_id(kind.parse().map_err(not_put)?, cedar_policy::EntityId::new(id)))
}

/// Somebody who is not in people.toml, by their account alone. No key of people.toml has a colon.
fn account(user: &UserRef) -> String {
    format!("{}:{}/{}", user.platform.key(), user.workspace, user.user)
}

fn context(settings: &Settings, question: &Question<'_>) -> Result<Context, NotPut> {
    let zone = settings.time_zone.clone().unwrap_or(TimeZone::UTC);
    let there = question.now.to_zoned(zone);
    let weekday = match there.weekday() {
        jiff::civil::Weekday::Monday => "mon",
        jiff::civil::Weekday::Tuesday => "tue",
        jiff::civil::Weekday::Wednesday => "wed",
        jiff::civil::Weekday::Thursday => "thu",
        jiff::civil::Weekday::Friday => "fri",
        jiff::civil::Weekday::Saturday => "sat",
        jiff::civil::Weekday::Sunday => "sun",
    };
    let platform = match (question.channel, question.platform()) {
        (None, _) => "cli",
        (Some(_), Platform::Slack) => "slack",
        (Some(_), Platform::Discord) => "discord",
    };
    let at = Value::new_record([
        ("now".to_owned(), Value::new_datetime(question.now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())),
        ("hour".to_owned(), Value::new_long(i64::from(there.hour()))),
        ("weekday".to_owned(), Value::new_entity_uid(uid("Weekday", weekday)?)),
        ("platform".to_owned(), Value::new_entity_uid(uid("Platform", platform)?)),
        ("channel".to_owned(), Value::new_string(question.channel.map(|it| it.0.to_string()).unwrap_or_default())),
    ])
    .map_err(not_put)?;
    Context::from_pairs([("at".to_owned(), at)]).map_err(not_put)
}
