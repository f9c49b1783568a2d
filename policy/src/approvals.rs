//! How many approvals a change still needs: the smallest number that the rules take.
//!
//! What holds: only people count who are there, may approve, and have neither asked for it nor approved it yet; where
//! too few of them are there, nobody is told to collect approvals that would not help.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{PolicyId, Request};
use operations::accounts::Standing;
use operations::chat::Actor;
use operations::ids::{Platform, UserRef};
use operations::policy::{Gate, On, Question, Verb};
use operations::settings::{Person, Settings};

use crate::answer::reaches;
use crate::entities::{self, Approvers, Put};
use crate::reads::Reads;
use crate::{About, Policies, Says};

/// Nobody is asked for more approvals than this.
const MOST: u32 = 9;

/// So many ways to put approvals together are kept at most. Rules about half a dozen teams and roles stay below.
const SUMS: usize = 5_000;

/// What stands for a team or role that no rule tells apart from others. No name has brackets.
const OTHER: &str = "(other)";

impl Policies {
    /// How many more people have to approve, and whom the rules let; none where approvals would not help.
    pub(crate) fn needed<'a>(
        &self,
        about: &About,
        settings: &Settings,
        question: &Question<'_>,
        put: &Put,
        mut forbid: impl Iterator<Item = &'a PolicyId>,
    ) -> Option<(u32, Vec<String>)> {
        let change = question.change?;
        if !forbid.all(|id| self.says.get(id).is_some_and(|says| says.yields.is_some())) {
            return None;
        }
        let who = self.who_may(Verb::Approve, put);
        let ask = Question { verb: Verb::Approve, change: None, ..question.clone() };
        let reads = self.reads(about, settings, question, put);
        let mut others = Others { policies: self, settings, ask, asked: BTreeMap::new(), kinds: Vec::new() };
        others.find(&who, &change.approvals, &reads, self.permits(Verb::Approve, put).all(is_for_some));
        for count in 1..=MOST {
            others.ask(count);
            if others.sums(count).iter().any(|more| self.helps(about, settings, question, put, more)) {
                return Some((count, who));
            }
        }
        None
    }

    /// What the rules about a change tell apart in those who have approved it.
    fn reads(&self, about: &About, settings: &Settings, question: &Question<'_>, put: &Put) -> Reads {
        let mut reads = Reads::default();
        for rule in about.yielding.policies().filter(|rule| reaches(rule, put)) {
            reads.add(self.says.get(rule.id()).and_then(|says| says.yields.as_ref()));
        }
        // Whom it is about, and whose it is, may be looked for among them.
        if let Some(person) = settings.person(&question.by.user) {
            reads.teams.extend(settings.teams.of(&person.key).iter().cloned());
            reads.roles.extend(entities::roles_of(settings, person).map(str::to_owned));
        }
        if let Some(owner) = owner(settings, question.on) {
            reads.teams.insert(owner.to_owned());
            let has = settings.roles.iter().filter(|(_, holders)| holders.teams.contains(owner));
            reads.roles.extend(has.map(|(role, _)| role.clone()));
        }
        reads
    }

    /// Whether it would be allowed with these approvals as well: no other rule looks at them.
    fn helps(&self, about: &About, settings: &Settings, question: &Question<'_>, put: &Put, more: &Approvers) -> bool {
        let Ok(context) = entities::context(settings, question, more) else { return false };
        let Ok(action) = entities::uid("Action", question.verb.name()) else { return false };
        let request = Request::new(put.principal.clone(), action, put.resource.clone(), context, Some(&self.schema));
        let Ok(request) = request else { return false };
        let response = self.authorizer.is_authorized(&request, &about.yielding, &put.entities);
        response.diagnostics().reason().next().is_none() && response.diagnostics().errors().next().is_none()
    }
}

fn owner<'s>(settings: &'s Settings, on: &On) -> Option<&'s str> {
    match on {
        On::Environment(target) => entities::owner(settings, &target.service),
        On::Workspace | On::Service(_) | On::Incident(..) => None,
    }
}

/// Whether a rule that allows something says for whom it is.
fn is_for_some(says: &Says) -> bool {
    says.who.as_ref().is_some_and(|who| who.iter().all(|word| word != "everyone"))
}

/// The people who could approve.
struct Others<'s> {
    policies: &'s Policies,
    settings: &'s Settings,
    /// Whether somebody may approve: by whom is still to be said.
    ask: Question<'s>,
    /// The answers, by all that rules know of a person.
    asked: BTreeMap<Alike<'s>, bool>,
    kinds: Vec<Kind<'s>>,
}

/// People whose approvals count alike.
struct Kind<'s> {
    /// As what one of them counts.
    one: Approvers,
    /// Those who were not asked about yet.
    rest: Vec<&'s Person>,
    /// So many may approve.
    may: u32,
}

/// All that rules know of a person: their teams and roles, whether they are active, on which chats they are and whether
/// as guests, and who they are where a rule names them.
type Alike<'s> = (&'s [String], Vec<&'s str>, bool, BTreeSet<(Platform, bool)>, Option<&'s str>);

impl<'s> Others<'s> {
    /// Finds everybody who may be let: those whom `@who` names, or all where a rule doesn't say for whom it is.
    fn find(&mut self, who: &[String], approved: &[UserRef], reads: &Reads, all_say: bool) {
        let settings = self.settings;
        let owner = owner(settings, self.ask.on);
        let out = |user: &UserRef| settings.person(user).map(|person| person.key.as_str());
        let out: BTreeSet<&str> = approved.iter().chain([&self.ask.by.user]).filter_map(out).collect();
        let mut kinds: BTreeMap<Approvers, Kind<'s>> = BTreeMap::new();
        let mut add = |one: Approvers, person: Option<&'s Person>, may: u32| {
            let kind = kinds.entry(one.clone()).or_insert(Kind { one, rest: Vec::new(), may: 0 });
            kind.rest.extend(person);
            kind.may += may;
        };
        let named: Vec<&Person> = match all_say {
            true => {
                candidates(settings, who, owner).into_iter().filter_map(|key| settings.people.with_key(key)).collect()
            }
            false => settings.people.iter().collect(),
        };
        // From the last: they are taken off the end.
        for person in named.into_iter().rev().filter(|person| !out.contains(person.key.as_str())) {
            add(counts_as(settings, person, owner, reads), Some(person), 0);
        }
        if !all_say && self.strangers_may() {
            add(Approvers { total: 1, ..Approvers::default() }, None, MOST);
        }
        self.kinds = kinds.into_values().collect();
    }

    /// Looks for so many of each kind who may approve.
    fn ask(&mut self, count: u32) {
        let mut kinds = std::mem::take(&mut self.kinds);
        for kind in &mut kinds {
            while kind.may < count
                && let Some(person) = kind.rest.pop()
            {
                kind.may += u32::from(self.may(person));
            }
        }
        kinds.retain(|kind| kind.may > 0 || !kind.rest.is_empty());
        self.kinds = kinds;
    }

    fn may(&mut self, person: &'s Person) -> bool {
        let alike: Alike<'s> = (
            self.settings.teams.of(&person.key),
            entities::roles_of(self.settings, person).collect(),
            person.active && !person.accounts.iter().any(|it| self.ask.accounts.standing(it) == Some(Standing::Left)),
            person.accounts.iter().map(|it| (it.platform, self.ask.accounts.is_guest(it))).collect(),
            Some(person.key.as_str()).filter(|key| self.policies.people.contains(*key)),
        );
        if let Some(may) = self.asked.get(&alike) {
            return *may;
        }
        let may = person.accounts.iter().any(|account| self.allows(account, person));
        self.asked.insert(alike, may);
        may
    }

    fn allows(&self, account: &UserRef, person: &Person) -> bool {
        let by = Actor { user: account.clone(), name: person.name.clone() };
        self.policies.rule(self.settings, &Question { by: &by, ..self.ask.clone() }).is_allowed()
    }

    /// Whether somebody may approve who stands in no file.
    fn strangers_may(&self) -> bool {
        let user = UserRef { user: "(somebody)".to_owned(), ..self.ask.by.user.clone() };
        let by = Actor { user, name: "".into() };
        self.policies.rule(self.settings, &Question { by: &by, ..self.ask.clone() }).is_allowed()
    }

    /// What exactly so many approvals can come to, each way once.
    fn sums(&self, count: u32) -> BTreeSet<Approvers> {
        let mut of: Vec<BTreeSet<Approvers>> = (0..=count).map(|_| BTreeSet::new()).collect();
        of[0].insert(Approvers::default());
        for kind in &self.kinds {
            // From the most on, so that nobody of this kind is counted twice.
            for all in (1..=count).rev() {
                for these in 1..=kind.may.min(all) {
                    let before = of[(all - these) as usize].iter();
                    let sums: Vec<Approvers> = before.map(|sum| sum.clone().and_so_many(&kind.one, these)).collect();
                    of[all as usize].extend(sums);
                }
            }
            if of.iter().map(BTreeSet::len).sum::<usize>() > SUMS {
                break;
            }
        }
        of.pop().unwrap_or_default()
    }
}

/// As what somebody's approval counts, as far as rules tell it apart.
fn counts_as(settings: &Settings, person: &Person, owner: Option<&str>, reads: &Reads) -> Approvers {
    let teams = settings.teams.of(&person.key);
    let known = |all: &BTreeSet<String>, name: &str| {
        let name = if all.contains(name) { name } else { OTHER };
        name.to_owned()
    };
    Approvers {
        total: 1,
        owners: i64::from(reads.owners && owner.is_some_and(|owner| teams.iter().any(|team| team == owner))),
        teams: match reads.of_teams {
            true => teams.iter().map(|team| known(&reads.teams, team)).collect(),
            false => BTreeSet::new(),
        },
        roles: match reads.of_roles {
            true => entities::roles_of(settings, person).map(|role| known(&reads.roles, role)).collect(),
            false => BTreeSet::new(),
        },
    }
}

/// The keys of the people whom `@who` names.
fn candidates<'s>(settings: &'s Settings, who: &[String], owner: Option<&str>) -> BTreeSet<&'s str> {
    let members = |team: &str| settings.teams.get(team).into_iter().flatten().map(String::as_str);
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    for word in who {
        match (word.as_str(), word.split_once(':')) {
            ("owner", _) => keys.extend(members(owner.unwrap_or_default())),
            (_, Some(("team", team))) => keys.extend(members(team)),
            (_, Some(("role", role))) => {
                let Some(holders) = settings.roles.get(role) else { continue };
                keys.extend(holders.people.iter().map(String::as_str));
                keys.extend(holders.teams.iter().flat_map(|team| members(team)));
            }
            _ => {}
        }
    }
    keys
}
