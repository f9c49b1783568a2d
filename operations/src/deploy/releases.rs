//! What ran where: a view of the deploys that are remembered.

use jiff::{SignedDuration, Timestamp};

use super::{Deploy, How, Kind, Release, Stage, Target};
use crate::alert::Group;
use crate::ids::{DeployId, IncidentId};
use crate::locks::{Freeze, Lock};
use crate::state::State;
use crate::text::Outside;

/// A deploy is said to be recent for so long.
pub const RECENT: SignedDuration = SignedDuration::from_hours(1);

/// Nothing that is asked for waits so long for its turn.
const LONG_BEFORE: SignedDuration = SignedDuration::from_hours(8 * 24);

/// So many freezes are named in a sentence.
const FREEZES_NAMED: usize = 5;

/// The labels that say which environment an alert is about.
const ENVIRONMENT_LABELS: [&str; 3] = ["environment", "env", "deployment_environment"];

impl State {
    /// What runs in an environment, as far as Muster brought it there.
    #[must_use]
    pub fn running(&self, target: &Target) -> Option<&Release> {
        self.running.get(target)
    }

    /// The deploys to an environment, the newest first.
    pub fn deploys_to<'s, 't>(&'s self, target: &'t Target) -> impl Iterator<Item = &'s Deploy> + use<'s, 't> {
        self.deploys.values().rev().map(AsRef::as_ref).filter(move |it| it.wanted.target == *target)
    }

    /// The deploys that are not over, the oldest first.
    pub fn open_deploys(&self) -> impl Iterator<Item = &Deploy> {
        self.deploys.values().map(AsRef::as_ref).filter(|it| it.is_open())
    }

    /// The deploy whose turn it is in an environment.
    #[must_use]
    pub fn holding(&self, target: &Target) -> Option<&Deploy> {
        self.open_deploys().find(|it| it.wanted.target == *target && it.holds())
    }

    /// Those that wait for their turn in an environment, in order.
    #[must_use]
    pub fn queue(&self, target: &Target) -> Vec<&Deploy> {
        let waits = |it: &&Deploy| it.wanted.target == *target && it.stage == Stage::Queued;
        let mut queue: Vec<&Deploy> = self.open_deploys().filter(waits).collect();
        queue.sort_by_key(|it| (it.queued_at, it.id));
        queue
    }

    /// The lock on an environment.
    #[must_use]
    pub fn lock_on(&self, target: &Target) -> Option<&Lock> {
        self.locks.values().map(AsRef::as_ref).find(|lock| lock.target == *target)
    }

    /// The freezes that are about an environment.
    pub fn freezes_on<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a Freeze> {
        let production = self.settings.environment(target).is_some_and(|it| it.production);
        self.freezes.values().map(AsRef::as_ref).filter(move |freeze| freeze.scope.covers(target, production))
    }

    /// What is frozen, in words: the first few freezes; none where nothing is.
    #[must_use]
    pub fn still_frozen(&self) -> Option<String> {
        let words = self.freezes.values().take(FREEZES_NAMED).map(|it| format!("{} ({})", it.scope.words(), it.id));
        let words = words.collect::<Vec<_>>().join(", ");
        let more = self.freezes.len().saturating_sub(FREEZES_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!words.is_empty()).then(|| words + &more)
    }

    /// The open incidents that a service is part of, the newest first.
    pub fn incidents_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = IncidentId> + 'a {
        let is_of = move |id: &IncidentId| self.groups_of(*id).any(|group| is_service(group, service));
        self.open_incidents().map(|it| it.id).filter(is_of)
    }

    fn groups_of(&self, incident: IncidentId) -> impl Iterator<Item = &Group> {
        let groups = self.incidents.get(&incident).map(|it| it.groups.iter()).into_iter().flatten();
        groups.filter_map(|group| self.groups.get(group)).map(AsRef::as_ref)
    }

    /// The alert groups of a service that fire and are about this environment, as far as they say.
    pub fn firing_on<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a Group> {
        self.firing().filter(move |group| is_service(group, &target.service) && is_about(group, &target.environment))
    }

    /// How long a deploy to an environment takes: the median of the last ten that did well.
    #[must_use]
    pub fn expected(&self, target: &Target) -> Option<SignedDuration> {
        let took = |it: &Deploy| {
            let (How::Succeeded, ended) = it.ended()? else { return None };
            Some(it.deployed_at.unwrap_or(ended).duration_since(it.began_at?))
        };
        let mut took: Vec<SignedDuration> = self.deploys_to(target).filter_map(took).take(10).collect();
        took.sort_unstable();
        took.get(took.len() / 2).copied()
    }

    /// How many commits a deploy to an environment usually brings: the median of the last twenty that are known.
    #[must_use]
    pub fn usual_size(&self, target: &Target) -> Option<u32> {
        let size = |it: &Deploy| {
            let known = it.succeeded() && it.wanted.kind != Kind::Rollback;
            it.plan.as_ref().filter(|_| known)?.looked.changes.as_ref().map(|changes| changes.ahead)
        };
        let mut sizes: Vec<u32> = self.deploys_to(target).filter_map(size).take(20).collect();
        sizes.sort_unstable();
        sizes.get(sizes.len() / 2).copied()
    }

    /// The deploys of a service that changed what runs up to an hour before a moment, the newest first.
    pub fn deploys_before<'s, 'n>(
        &'s self,
        service: &'n str,
        environment: Option<&'n str>,
        before: Timestamp,
    ) -> impl Iterator<Item = &'s Deploy> + use<'s, 'n> {
        let is_near = move |it: &&Deploy| {
            it.began_at.is_some_and(|at| at < before && before.duration_since(at) <= RECENT)
                && it.touched()
                && it.wanted.target.service == service
                && environment.is_none_or(|environment| environment == it.wanted.target.environment)
        };
        let all = self.deploys.values().rev().map(AsRef::as_ref);
        // Whatever was asked for long before has begun long before.
        all.take_while(move |it| before.duration_since(it.asked_at) <= LONG_BEFORE).filter(is_near)
    }

    /// What may have changed what runs since the last release that did well: one that failed, or is under way.
    #[must_use]
    pub fn spoilt(&self, target: &Target) -> Option<&Deploy> {
        let since = self.running(target).map(|running| running.deploy);
        self.deploys_to(target).find(|it| Some(it.id) > since && it.touched() && !it.succeeded())
    }

    /// The last release that is known to be good: no incident of the service was declared while it ran, and nobody went back
    /// from it. It is another than the one that runs, unless something has failed or is under way since that one.
    #[must_use]
    pub fn last_good(&self, target: &Target) -> Option<&Deploy> {
        let running = self.running(target)?;
        let spoilt = self.spoilt(target).is_some();
        // From the newest to the oldest, each with the moment at which the next took its place.
        let mut until = Timestamp::MAX;
        for deploy in self.deploys_to(target).filter(|it| it.succeeded()) {
            let from = deploy.deployed_at.or(deploy.began_at).unwrap_or(deploy.asked_at);
            let commit = deploy.plan.as_ref().map(|plan| &plan.commit().id);
            let is_other = deploy.id != running.deploy && commit.is_some_and(|commit| *commit != running.commit.id);
            if (is_other || spoilt) && deploy.rolled_back.is_none() && !self.had_incident(target, from, until) {
                return Some(deploy);
            }
            until = from;
        }
        None
    }

    fn had_incident(&self, target: &Target, from: Timestamp, until: Timestamp) -> bool {
        self.incidents.values().any(|it| {
            (from..until).contains(&it.declared_at)
                && self.groups_of(it.id).any(|group| is_service(group, &target.service))
        })
    }

    /// A release of an environment that somebody names: by the deploy's number, the tag or branch, or a commit's beginning.
    #[must_use]
    pub fn release_called(&self, target: &Target, name: &str) -> Option<&Deploy> {
        let by_id: Option<DeployId> = name.parse().ok().filter(|_| name.starts_with(['D', 'd']));
        let is_it = |it: &&Deploy| {
            let commit = it.plan.as_ref().map_or("", |plan| plan.commit().id.as_str());
            Some(it.id) == by_id
                || it.wanted.reference.as_deref() == Some(name)
                || (name.len() >= 7 && commit.starts_with(&name.to_ascii_lowercase()))
        };
        self.deploys_to(target).filter(|it| it.succeeded()).find(is_it)
    }
}

/// Whether an alert group is about a service.
#[must_use]
pub fn is_service(group: &Group, service: &str) -> bool {
    group.service.as_ref().is_some_and(|it| it.as_str() == service)
}

/// The environment that an alert's labels name.
#[must_use]
pub fn environment_in(labels: &crate::labels::Labels) -> Option<&Outside> {
    ENVIRONMENT_LABELS.iter().find_map(|name| labels.get(name)).filter(|name| !name.is_empty())
}

/// The environment that an alert group says it is about.
#[must_use]
pub fn environment_of(group: &Group) -> Option<&Outside> {
    ENVIRONMENT_LABELS.iter().find_map(|name| group.label(name))
}

/// Whether an alert group is about an environment, or doesn't say which one it is about.
#[must_use]
pub fn is_about(group: &Group, environment: &str) -> bool {
    environment_of(group).is_none_or(|it| it.as_str() == environment)
}
