//! Locks and freezes: what keeps deploys back.
//!
//! A lock is somebody's hold on one environment of one service; a freeze holds back many at once. What
//! holds: a lock has a holder, an end and a reminder before it; a freeze ends by itself where an end was said;
//! both are lifted by people at any time.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::chat::Actor;
use crate::deploy::Target;
use crate::ids::{FreezeId, LockId};
use crate::text::Outside;

/// Somebody's hold on an environment: only they deploy there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Its number.
    pub id: LockId,
    /// Where.
    pub target: Target,
    /// Whose it is.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: Outside,
    /// Whether its holder was asked whether they still need it.
    pub reminded: bool,
}

/// What a freeze is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every environment that counts as production.
    Production,
    /// Everything.
    Everything,
    /// One environment of every service.
    Environment(String),
    /// Every environment of one service.
    Service(String),
    /// One environment of one service.
    Target(Target),
}

impl Scope {
    /// Whether it is about an environment of a service.
    #[must_use]
    pub fn covers(&self, target: &Target, production: bool) -> bool {
        match self {
            Scope::Production => production,
            Scope::Everything => true,
            Scope::Environment(environment) => *environment == target.environment,
            Scope::Service(service) => *service == target.service,
            Scope::Target(it) => it == target,
        }
    }

    /// As people read it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Scope::Production => "production".to_owned(),
            Scope::Everything => "everything".to_owned(),
            Scope::Environment(environment) => environment.clone(),
            Scope::Service(service) => service.clone(),
            Scope::Target(target) => target.to_string(),
        }
    }
}

/// An end that somebody said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// After so long.
    For(Duration),
    /// When it is that time next, where the rules' hours are told.
    Time(Time),
    /// At that moment there.
    DateTime(DateTime),
}

impl Until {
    /// The moment; none where there is none, or it is over.
    #[must_use]
    pub fn at(self, now: Timestamp, zone: Option<&TimeZone>) -> Option<Timestamp> {
        let zone = zone.cloned().unwrap_or(TimeZone::UTC);
        let there = |moment: DateTime| zone.to_ambiguous_timestamp(moment).compatible().ok();
        let at = match self {
            Until::For(lasts) => now.checked_add(SignedDuration::try_from(lasts).ok()?).ok()?,
            Until::Time(time) => {
                let today = now.to_zoned(zone.clone()).date();
                let at = there(today.to_datetime(time))?;
                if at > now { at } else { there(today.tomorrow().ok()?.to_datetime(time))? }
            }
            Until::DateTime(moment) => there(moment)?,
        };
        (at > now).then_some(at)
    }
}

/// Deploys are held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Its number.
    pub id: FreezeId,
    /// About what.
    pub scope: Scope,
    /// Who began it.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
    /// Until when; until somebody ends it where it is none.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Outside,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_moment_ahead() {
        let now: Timestamp = "2026-11-21T17:00:00Z".parse().expect("a time");
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let at = |until: Until| until.at(now, Some(&zone)).map(|at| at.to_string());
        let time = |text: &str| Until::Time(text.parse().expect("a time"));
        assert_eq!(at(Until::For(Duration::from_secs(60))).as_deref(), Some("2026-11-21T17:01:00Z"));
        assert_eq!(at(time("18:30")).as_deref(), Some("2026-11-21T17:30:00Z"), "the hour is told there");
        assert_eq!(at(time("18:00")).as_deref(), Some("2026-11-22T17:00:00Z"), "it is that time now");
        let past = Until::DateTime("2026-11-21T10:00".parse().expect("a moment"));
        assert_eq!(at(past), None);
    }
}
