//! What becomes of an alert that was told: one function, the reasons in order.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::{Group, Member, Told};

/// What becomes of an alert, and thereby why a card looks as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Nothing new: it was told just so before.
    Duplicate,
    /// It is older than what is known of it: a late copy.
    Outdated,
    /// It is resolved and was never known to fire.
    NeverFired,
    /// It was resolved.
    Resolves,
    /// It fires in a group that is open already.
    Joins,
    /// It fires as before, with other words or labels.
    Updates,
    /// It fires and opens a group.
    Opens,
}

impl Verdict {
    /// The reason, for people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Verdict::Duplicate => "it was told again as it was; nothing changed",
            Verdict::Outdated => "it was a late copy of something older; nothing changed",
            Verdict::NeverFired => "it was told as resolved and had never fired here; nothing changed",
            Verdict::Resolves => "its source told that it is resolved",
            Verdict::Joins => "it fires in a group that was open already",
            Verdict::Updates => "it fires as before, with other words",
            Verdict::Opens => "it fires and no group of its key was open",
        }
    }
}

/// For how long a firing that began before its known end is taken for a late copy, after that end was heard. A webhook
/// is not under way for longer; and Alertmanager, once it had lost sight of an alert for a while, tells that it fires
/// again with its first beginning.
pub const LATE: SignedDuration = SignedDuration::from_mins(5);

/// Decides what becomes of `told`, given the open group of its key, if there is one, and how it stands in the last one
/// that was resolved and had it, if that is asked for.
#[must_use]
pub fn triage<'a>(
    told: &Told,
    open: Option<&'a Group>,
    ended: impl FnOnce() -> Option<&'a Member>,
    now: Timestamp,
) -> Verdict {
    let fires = if open.is_some() { Verdict::Joins } else { Verdict::Opens };
    let known = open.and_then(|group| group.members.get(&told.alert.fingerprint));
    let (member, unchanged) = match known {
        Some(member) if member.firing && told.firing && told.alert.starts_at < member.alert.starts_at => {
            // It is the same firing, unless it began before an end that is known: of two that tell of one alert,
            // Alertmanager keeps the earlier beginning.
            let is_late = ended().is_some_and(|before| !starts_after(told, before.alert.ends_at));
            return if is_late { Verdict::Outdated } else { Verdict::Updates };
        }
        Some(member) => (member, Verdict::Duplicate),
        None => match ended() {
            Some(member) => (member, Verdict::Outdated),
            None if told.firing => return fires,
            None => return Verdict::NeverFired,
        },
    };
    let is_newer = starts_after(told, member.alert.ends_at);
    match (told.firing, member.firing) {
        (true, true) if told.alert == member.alert => Verdict::Duplicate,
        (true, true) => Verdict::Updates,
        (true, false) if is_newer || now.duration_since(member.last_seen) > LATE => fires,
        (true, false) => Verdict::Outdated,
        (false, true) if told.alert.ends_at.is_some_and(|ends_at| ends_at < member.alert.starts_at) => {
            Verdict::Outdated
        }
        (false, true) => Verdict::Resolves,
        (false, false) if is_newer => Verdict::NeverFired,
        (false, false) => unchanged,
    }
}

/// Whether what is told is newer than the end that is known: a firing that began before that end is a late copy.
fn starts_after(told: &Told, ended: Option<Timestamp>) -> bool {
    ended.is_none_or(|ended| told.alert.starts_at >= ended)
}
