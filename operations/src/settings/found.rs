//! People, teams and services, which are looked up again and again for every click.
//!
//! What holds: what is found is what a search through all of them would find first. They are read like the
//! plain collections that they are made of, and never changed, so no index can be out of date.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use super::{Person, Service};
use crate::ids::UserRef;

/// The people who are known, in the order of the configuration.
#[derive(Clone, Debug, Default)]
pub struct People {
    all: Vec<Person>,
    by_account: HashMap<UserRef, usize>,
    by_key: HashMap<String, usize>,
}

impl People {
    /// The person behind an account.
    #[must_use]
    pub fn with_account(&self, user: &UserRef) -> Option<&Person> {
        self.all.get(*self.by_account.get(user)?)
    }

    /// The person with this key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Option<&Person> {
        self.all.get(*self.by_key.get(key)?)
    }
}

impl From<Vec<Person>> for People {
    fn from(all: Vec<Person>) -> People {
        let (mut by_account, mut by_key) = (HashMap::new(), HashMap::new());
        for (at, person) in all.iter().enumerate() {
            by_key.entry(person.key.clone()).or_insert(at);
            for account in &person.accounts {
                by_account.entry(account.clone()).or_insert(at);
            }
        }
        People { all, by_account, by_key }
    }
}

impl FromIterator<Person> for People {
    fn from_iter<I: IntoIterator<Item = Person>>(people: I) -> People {
        people.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for People {
    type Target = [Person];

    fn deref(&self) -> &[Person] {
        &self.all
    }
}

impl PartialEq for People {
    fn eq(&self, other: &People) -> bool {
        self.all == other.all
    }
}

impl Eq for People {}

/// The teams by name, as the keys of their people.
#[derive(Clone, Debug, Default)]
pub struct Teams {
    all: BTreeMap<String, BTreeSet<String>>,
    of: HashMap<String, Vec<String>>,
}

impl Teams {
    /// The teams that somebody is in, by their key, in the order of the teams' names.
    #[must_use]
    pub fn of(&self, person: &str) -> &[String] {
        self.of.get(person).map(Vec::as_slice).unwrap_or_default()
    }
}

impl From<BTreeMap<String, BTreeSet<String>>> for Teams {
    fn from(all: BTreeMap<String, BTreeSet<String>>) -> Teams {
        let mut of: HashMap<String, Vec<String>> = HashMap::new();
        for (team, members) in &all {
            for person in members {
                of.entry(person.clone()).or_default().push(team.clone());
            }
        }
        Teams { all, of }
    }
}

impl FromIterator<(String, BTreeSet<String>)> for Teams {
    fn from_iter<I: IntoIterator<Item = (String, BTreeSet<String>)>>(teams: I) -> Teams {
        teams.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

impl<const N: usize> From<[(String, BTreeSet<String>); N]> for Teams {
    fn from(teams: [(String, BTreeSet<String>); N]) -> Teams {
        teams.into_iter().collect()
    }
}

impl Deref for Teams {
    type Target = BTreeMap<String, BTreeSet<String>>;

    fn deref(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.all
    }
}

impl PartialEq for Teams {
    fn eq(&self, other: &Teams) -> bool {
        self.all == other.all
    }
}

impl Eq for Teams {}

/// The services that are known, in the order of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Services {
    all: Vec<Service>,
    by_name: HashMap<String, usize>,
}

impl Services {
    /// The service with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Service> {
        self.all.get(*self.by_name.get(name)?)
    }
}

impl From<Vec<Service>> for Services {
    fn from(all: Vec<Service>) -> Services {
        let mut by_name = HashMap::new();
        for (at, service) in all.iter().enumerate() {
            by_name.entry(service.name.clone()).or_insert(at);
        }
        Services { all, by_name }
    }
}

impl FromIterator<Service> for Services {
    fn from_iter<I: IntoIterator<Item = Service>>(services: I) -> Services {
        services.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for Services {
    type Target = [Service];

    fn deref(&self) -> &[Service] {
        &self.all
    }
}

impl PartialEq for Services {
    fn eq(&self, other: &Services) -> bool {
        self.all == other.all
    }
}

impl Eq for Services {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Platform;

    #[test]
    fn what_is_found_is_what_a_search_finds_first() {
        let account =
            |user: &str| UserRef { platform: Platform::Slack, workspace: "W".to_owned(), user: user.to_owned() };
        let person = |key: &str, users: &[&str], active: bool| Person {
            key: key.to_owned(),
            name: key.into(),
            accounts: users.iter().map(|user| account(user)).collect(),
            active,
        };
        let people: People =
            vec![person("ann", &["1", "2"], true), person("bo", &["2"], true), person("ann", &["3"], false)].into();
        for user in ["1", "2", "3", "4"] {
            let searched = people.iter().find(|person| person.accounts.contains(&account(user)));
            assert_eq!(people.with_account(&account(user)), searched, "{user}");
        }
        assert_eq!(people.with_key("ann").map(|it| it.active), Some(true), "the first");
        assert_eq!(people.with_key("cy"), None);
        let named = |name: &str, owner: &str| Service {
            name: name.to_owned(),
            owner: Some(owner.to_owned()),
            ..Service::default()
        };
        let services: Services = vec![named("a", "x"), named("b", "y"), named("a", "z")].into();
        assert_eq!(services.named("a").and_then(|it| it.owner.as_deref()), Some("x"));
        assert_eq!(services.named("c"), None);
        let teams: Teams =
            [("y".to_owned(), ["ann".to_owned()].into()), ("x".to_owned(), ["ann".to_owned(), "bo".to_owned()].into())]
                .into();
        assert_eq!(teams.of("ann"), ["x", "y"]);
        assert_eq!(teams.of("cy"), [] as [String; 0]);
    }
}
