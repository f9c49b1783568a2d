//! Who and what a question is about, as Cedar sees it.
//!
//! Only what the question refers to is given, with everything above it. What holds: nothing
//! that a rule can reach is missing (the schema's rules reach one step), because in Cedar
//! what is missing is silently not in any team.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression as Value, Schema,
};
use jiff::tz::TimeZone;
use operations::accounts::Accounts;
use operations::deploy::Target;
use operations::ids::{Platform, UserRef};
use operations::policy::{Change, On, Question};
use operations::settings::{Holders, Person, Settings};

/// Why a question can't be put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotPut(String);

fn not_put(error: impl std::fmt::Display) -> NotPut {
    NotPut(error.to_string())
}

/// The team that owns what nobody owns.
const NOBODY: &str = "(nobody)";

/// Who has approved a change, as rules see them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Approvers {
    pub(crate) total: i64,
    pub(crate) owners: i64,
    pub(crate) teams: BTreeSet<String>,
    pub(crate) roles: BTreeSet<String>,
}

impl Approvers {
    /// Those who have approved.
    pub(crate) fn of(settings: &Settings, approvals: &[UserRef], owner: Option<&str>) -> Approvers {
        approvals.iter().fold(Approvers::default(), |all, user| all.and(&Approvers::one(settings, user, owner)))
    }

    /// One more person.
    pub(crate) fn and(mut self, other: &Approvers) -> Approvers {
        self.total += other.total;
        self.owners += other.owners;
        self.teams.extend(other.teams.iter().cloned());
        self.roles.extend(other.roles.iter().cloned());
        self
    }

    /// So many more people who count alike.
    pub(crate) fn and_so_many(self, other: &Approvers, count: u32) -> Approvers {
        let (total, owners) = (other.total * i64::from(count), other.owners * i64::from(count));
        self.and(&Approvers { total, owners, ..other.clone() })
    }

    /// One person. A role that a team has is had by its people.
    pub(crate) fn one(settings: &Settings, user: &UserRef, owner: Option<&str>) -> Approvers {
        let Some(person) = settings.person(user) else { return Approvers { total: 1, ..Approvers::default() } };
        let teams: BTreeSet<String> = settings.teams.of(&person.key).iter().cloned().collect();
        let roles = roles_of(settings, person).map(str::to_owned).collect();
        let owners = i64::from(owner.is_some_and(|owner| teams.contains(owner)));
        Approvers { total: 1, owners, teams, roles }
    }
}

/// The roles of a person, also those that a team of theirs has.
pub(crate) fn roles_of<'s>(settings: &'s Settings, person: &'s Person) -> impl Iterator<Item = &'s str> {
    let teams = settings.teams.of(&person.key);
    let has = move |holders: &Holders| {
        holders.people.contains(&person.key) || teams.iter().any(|team| holders.teams.contains(team))
    };
    settings.roles.iter().filter(move |(_, holders)| has(holders)).map(|(role, _)| role.as_str())
}

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
    let principal = all.person(&question.by.user, question.accounts)?;
    let resource = match question.on {
        On::Workspace => all.add("Workspace", "workspace", HashMap::new(), HashSet::new())?,
        On::Service(service) => all.service(service)?,
        On::Environment(target) => all.environment(target)?,
        // Rules know an incident by its services alone.
        On::Incident(_, services) => {
            let services = services.iter().map(|service| all.service(service)).collect::<Result<_, _>>()?;
            all.add("Incident", "incident", HashMap::new(), services)?
        }
    };
    let context = context(settings, question, &Approvers::default())?;
    let entities = Entities::from_entities(all.entities.into_values(), Some(schema)).map_err(not_put)?;
    Ok(Put { principal, resource, context, entities })
}

/// Everything that a question refers to.
struct All<'s> {
    settings: &'s Settings,
    entities: HashMap<EntityUid, Entity>,
}

impl All<'_> {
    fn person(&mut self, user: &UserRef, accounts: &Accounts) -> Result<EntityUid, NotPut> {
        let found = self.settings.person(user).cloned();
        let id = found.as_ref().map_or_else(|| account(user), |person| person.key.clone());
        let parents = found.as_ref().map_or_else(|| Ok(HashSet::new()), |person| self.groups_of(person))?;
        let active = found.as_ref().is_none_or(|person| person.active) && !accounts.has_left(self.settings, user);
        let attributes = HashMap::from([
            ("active".to_owned(), Value::new_bool(active)),
            ("guest".to_owned(), Value::new_bool(accounts.is_guest(user))),
            ("known".to_owned(), Value::new_bool(found.is_some())),
        ]);
        self.add("Person", &id, attributes, parents)
    }

    /// The teams and roles of a person.
    fn groups_of(&mut self, person: &Person) -> Result<HashSet<EntityUid>, NotPut> {
        let settings = self.settings;
        let mut groups = HashSet::new();
        for team in settings.teams.of(&person.key) {
            groups.insert(self.team(team)?);
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
        let service = self.settings.service(name);
        let owner = service.and_then(|service| service.owner.clone()).unwrap_or_else(|| NOBODY.to_owned());
        let owner = self.team(&owner)?;
        let attributes = HashMap::from([("owner".to_owned(), Value::new_entity_uid(owner.clone()))]);
        self.add("Service", name, attributes, HashSet::from([owner]))
    }

    fn environment(&mut self, target: &Target) -> Result<EntityUid, NotPut> {
        let settings = self.settings;
        let service = self.service(&target.service)?;
        let owner = self.team(owner(settings, &target.service).unwrap_or(NOBODY))?;
        let known = settings.environment(target);
        let attributes = HashMap::from([
            ("service".to_owned(), Value::new_entity_uid(service.clone())),
            ("owner".to_owned(), Value::new_entity_uid(owner)),
            // What isn't known is taken for what needs most care.
            ("production".to_owned(), Value::new_bool(known.is_none_or(|it| it.production))),
            ("approvals".to_owned(), Value::new_long(known.map_or(i64::MAX, |it| i64::from(it.approvals)))),
        ]);
        let id = format!("{}/{}", target.service, target.environment);
        self.add("Environment", &id, attributes, HashSet::from([service]))
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

/// The schema's types. To parse a name takes longer than to find it.
static KINDS: LazyLock<HashMap<&'static str, EntityTypeName>> = LazyLock::new(|| {
    let kinds = [
        "Action",
        "Platform",
        "Weekday",
        "Reference",
        "Checks",
        "Role",
        "Team",
        "Person",
        "Service",
        "Environment",
        "Incident",
        "Workspace",
    ];
    kinds.into_iter().filter_map(|kind| Some((kind, kind.parse().ok()?))).collect()
});

/// An entity's name. The type is one of the schema's; the id may be anything.
pub(crate) fn uid(kind: &str, id: &str) -> Result<EntityUid, NotPut> {
    let known = KINDS.get(kind).ok_or_else(|| not_put(format!("there is no type {kind}")))?;
    Ok(EntityUid::from_type_name_and_id(known.clone(), EntityId::new(id)))
}

/// Somebody who is not in people.toml, by their account alone. No key of people.toml has a colon.
fn account(user: &UserRef) -> String {
    format!("{}:{}/{}", user.platform.key(), user.workspace, user.user)
}

/// The team that owns a service.
pub(crate) fn owner<'s>(settings: &'s Settings, service: &str) -> Option<&'s str> {
    settings.service(service)?.owner.as_deref()
}

/// When, where, and what would change; with these who have approved it beside those of the question.
pub(crate) fn context(settings: &Settings, question: &Question<'_>, more: &Approvers) -> Result<Context, NotPut> {
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
    let mut pairs = vec![("at".to_owned(), at)];
    if question.verb.is_change() {
        let owner = match question.on {
            On::Environment(target) => owner(settings, &target.service),
            On::Workspace | On::Service(_) | On::Incident(..) => None,
        };
        let none = Change::default();
        let change = question.change.unwrap_or(&none);
        let approvers = Approvers::of(settings, &change.approvals, owner).and(more);
        pairs.push(("change".to_owned(), changing(change, &approvers)?));
    }
    Context::from_pairs(pairs).map_err(not_put)
}

fn changing(change: &Change, approvers: &Approvers) -> Result<Value, NotPut> {
    let all = |kind: &str, names: &BTreeSet<String>| {
        let uids = names.iter().map(|name| uid(kind, name).map(Value::new_entity_uid));
        uids.collect::<Result<Vec<_>, _>>().map(Value::new_set)
    };
    let approvals = Value::new_record([
        ("total".to_owned(), Value::new_long(approvers.total)),
        ("owners".to_owned(), Value::new_long(approvers.owners)),
        ("teams".to_owned(), all("Team", &approvers.teams)?),
        ("roles".to_owned(), all("Role", &approvers.roles)?),
    ])
    .map_err(not_put)?;
    let parameters = change.parameters.iter().map(|(name, value)| Value::new_string(format!("{name}={value}")));
    let one_of =
        |kind, word: &str| uid(kind, if word.is_empty() { "unknown" } else { word }).map(Value::new_entity_uid);
    Value::new_record([
        ("frozen".to_owned(), Value::new_bool(change.frozen)),
        ("breakGlass".to_owned(), Value::new_bool(change.break_glass)),
        ("reason".to_owned(), Value::new_bool(change.has_reason)),
        ("incidents".to_owned(), Value::new_long(i64::from(change.incidents))),
        ("alerts".to_owned(), Value::new_long(i64::from(change.alerts))),
        ("commits".to_owned(), Value::new_long(i64::from(change.commits.unwrap_or_default()))),
        ("sizeKnown".to_owned(), Value::new_bool(change.commits.is_some())),
        ("reference".to_owned(), one_of("Reference", change.reference)?),
        ("checks".to_owned(), one_of("Checks", change.checks)?),
        ("tested".to_owned(), Value::new_bool(change.tested)),
        ("parameters".to_owned(), Value::new_set(parameters)),
        ("approvals".to_owned(), approvals),
    ])
    .map_err(not_put)
}
