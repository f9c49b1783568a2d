//! Why a command was not carried out. `commands` turns it into words: what was understood,
//! why not, who can, and what to type next.

use jiff::Timestamp;

use crate::chat::Actor;
use crate::command::Ask;
use crate::deploy::command::DeployRefusal;
use crate::ids::{GroupId, IncidentId};
use crate::incident::{Role, Severity, Status};
use crate::policy::{On, Rule, Verb};

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It wasn't said which incident; these are open. What was asked is kept for the buttons.
    WhichIncident {
        /// The open ones, the newest first.
        open: Vec<IncidentId>,
        /// Some of those that are over, the newest first.
        resolved: Vec<IncidentId>,
        /// What was asked.
        ask: Ask,
    },
    /// The rules don't allow it.
    NotAllowed {
        /// What was to be done.
        verb: Verb,
        /// About what.
        on: On,
        /// The rules that forbid it; none where none allows it.
        rules: Vec<Rule>,
        /// Whom the rules that allow it are for: `everyone`, `owner`, `role:NAME`, `team:NAME`.
        who: Vec<String>,
    },
    /// The disk is full: nothing can be written down, so nothing is done.
    DiskFull,
    /// There is no such incident.
    NoSuchIncident(IncidentId),
    /// It wasn't said which alert group; these fire.
    WhichAlert {
        /// Those that fire, the newest first.
        firing: Vec<GroupId>,
        /// What was asked.
        ask: crate::command::AlertAsk,
    },
    /// There is no such alert group, or it was resolved long ago.
    NoSuchAlert(GroupId),
    /// Somebody was first.
    AlreadyAcknowledged {
        /// Which one.
        group: GroupId,
        /// By whom.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// It isn't acknowledged.
    NotAcknowledged(GroupId),
    /// It doesn't fire any more.
    AlertResolved(GroupId),
    /// The alert group has an incident already.
    AlreadyDeclared(GroupId, IncidentId),
    /// It already has this status.
    AlreadyIs(IncidentId, Status),
    /// It is resolved: nothing more is done to it, but it can be reopened.
    IsResolved(IncidentId),
    /// It isn't resolved, so it can't be reopened.
    NotResolved(IncidentId),
    /// It already has this severity.
    AlreadySeverity(IncidentId, Severity),
    /// The role is with that person, or with nobody, already.
    AlreadyRole(IncidentId, Role, Option<Actor>),
    /// A deploy, lock or freeze.
    Deploy(DeployRefusal),
    /// There was nothing in it: an empty title, note or update.
    Empty(&'static str),
}

impl From<DeployRefusal> for Refusal {
    fn from(refusal: DeployRefusal) -> Refusal {
        Refusal::Deploy(refusal)
    }
}
