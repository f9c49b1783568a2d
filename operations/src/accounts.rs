//! What the chats themselves say of accounts: who is a guest there, and who was deactivated.
//!
//! Whoever stands nowhere in here is a member like others. What holds: it is journaled, so it is known from the
//! start on and every "why" has its answer; of those who were deactivated only the people of people.toml are kept,
//! because nobody else has a right that an account on another chat could go on using.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::{Platform, UserRef};
use crate::settings::Settings;
use crate::state::State;

/// How an account stands with its chat, where it is no full member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    /// Somebody from outside, who was let into some channels.
    Guest,
    /// It was deactivated: whoever had it has left.
    Left,
}

/// The accounts that are no full members'.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts(#[serde(with = "crate::pairs")] BTreeMap<UserRef, Standing>);

impl Accounts {
    /// Nobody is anything but a member.
    pub const NONE: &'static Accounts = &Accounts(BTreeMap::new());

    /// How an account stands; none for a member, and where nothing is known.
    #[must_use]
    pub fn standing(&self, user: &UserRef) -> Option<Standing> {
        self.0.get(user).copied()
    }

    /// Whether an account is a guest's.
    #[must_use]
    pub fn is_guest(&self, user: &UserRef) -> bool {
        self.standing(user) == Some(Standing::Guest)
    }

    /// Whether an account was deactivated, or another one of the same person: then the person has left.
    #[must_use]
    pub fn has_left(&self, settings: &Settings, user: &UserRef) -> bool {
        let is_gone = |user: &UserRef| self.standing(user) == Some(Standing::Left);
        is_gone(user) || settings.person(user).is_some_and(|person| person.accounts.iter().any(is_gone))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&UserRef, Standing)> {
        self.0.iter().map(|(user, standing)| (user, *standing))
    }

    /// Takes note of how an account stands.
    pub fn note(&mut self, user: &UserRef, standing: Option<Standing>) {
        match standing {
            Some(standing) => drop(self.0.insert(user.clone(), standing)),
            None => drop(self.0.remove(user)),
        }
    }
}

/// What follows where a chat told of one account.
pub(crate) fn told(state: &State, user: &UserRef, standing: Option<Standing>) -> Vec<Event> {
    change(state, user, standing.filter(|it| is_kept(&state.settings, user, *it))).into_iter().collect()
}

/// What follows where a chat told of all its accounts: `found` are those that are no full members'.
pub(crate) fn told_all(state: &State, platform: Platform, found: &BTreeMap<UserRef, Standing>) -> Vec<Event> {
    let kept: BTreeMap<&UserRef, Standing> = found
        .iter()
        .filter(|(user, standing)| is_kept(&state.settings, user, **standing))
        .map(|(user, standing)| (user, *standing))
        .collect();
    let before = state.accounts.0.keys().filter(|user| user.platform == platform && !kept.contains_key(user));
    let gone = before.filter_map(|user| change(state, user, None));
    gone.chain(kept.iter().filter_map(|(user, standing)| change(state, user, Some(*standing)))).collect()
}

fn is_kept(settings: &Settings, user: &UserRef, standing: Standing) -> bool {
    standing == Standing::Guest || settings.person(user).is_some()
}

fn change(state: &State, user: &UserRef, standing: Option<Standing>) -> Option<Event> {
    (state.accounts.standing(user) != standing).then(|| Event::AccountChanged { user: user.clone(), standing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Person;

    fn account(platform: Platform, user: &str) -> UserRef {
        UserRef { platform, workspace: "W".to_owned(), user: user.to_owned() }
    }

    fn slack(user: &str) -> UserRef {
        account(Platform::Slack, user)
    }

    /// A state in which ann has an account on each chat.
    fn state() -> State {
        let accounts = vec![slack("ann"), account(Platform::Discord, "ann")];
        let ann = Person { key: "ann".to_owned(), name: "Ann".into(), accounts, active: true };
        let mut state = State::default();
        state.settings.people = vec![ann].into();
        state
    }

    fn apply(state: &mut State, events: &[Event]) {
        for event in events {
            let Event::AccountChanged { user, standing } = event else { panic!("{event:?}") };
            state.accounts.note(user, *standing);
        }
    }

    #[test]
    fn only_what_is_otherwise_than_before_is_an_event_and_only_of_those_who_matter() {
        let mut state = state();
        let found = BTreeMap::from([
            (slack("kim"), Standing::Guest),
            (slack("ann"), Standing::Left),
            (slack("old"), Standing::Left),
        ]);
        let events = told_all(&state, Platform::Slack, &found);
        assert_eq!(events.len(), 2, "nobody needs to know of old: {events:?}");
        apply(&mut state, &events);
        assert!(told_all(&state, Platform::Slack, &found).is_empty());
        assert!(told_all(&state, Platform::Discord, &BTreeMap::new()).is_empty(), "each chat tells of its own");
        assert!(state.accounts.is_guest(&slack("kim")));
        let events = told_all(&state, Platform::Slack, &BTreeMap::new());
        apply(&mut state, &events);
        assert_eq!(state.accounts, Accounts::default());
        assert!(told(&state, &slack("kim"), None).is_empty());
        assert_eq!(told(&state, &slack("kim"), Some(Standing::Guest)).len(), 1);
    }

    #[test]
    fn who_was_deactivated_on_one_chat_has_left_on_the_other_too() {
        let mut state = state();
        let events = told(&state, &slack("ann"), Some(Standing::Left));
        apply(&mut state, &events);
        for user in [slack("ann"), account(Platform::Discord, "ann")] {
            assert!(state.accounts.has_left(&state.settings, &user), "{user:?}");
        }
        assert!(!state.accounts.has_left(&state.settings, &slack("bob")));
    }
}
