//! What the one who asked is told. `commands` turns it into words.

use serde::{Deserialize, Serialize};

use crate::chat::Actor;
use crate::command::{FormKind, Topic};
use crate::deploy::command::DeployReply;
use crate::ids::{GroupId, IncidentId};
use crate::incident::Severity;

/// The answer to a command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// A card that everybody sees shows it; a click needs no more.
    Shown(Did),
    /// An incident was declared.
    Declared(IncidentId),
    /// A form to fill in.
    Form(FormKind),
    /// The incidents: the open ones, or all.
    Incidents {
        /// Resolved ones too.
        all: bool,
        /// Those that the asker may see, the newest first.
        shown: Vec<IncidentId>,
    },
    /// One incident.
    Incident(IncidentId),
    /// The severities to choose from.
    Severities(IncidentId),
    /// The roles to take.
    Roles(IncidentId),
    /// The timeline.
    Timeline(IncidentId),
    /// The postmortem is being written.
    PostmortemAsked(IncidentId),
    /// The alert groups that fire.
    Alerts {
        /// Those that the asker may see, the newest first.
        shown: Vec<GroupId>,
    },
    /// One alert group, and why.
    Alert(GroupId),
    /// What is told of deploys, locks and freezes.
    Deploy(DeployReply),
    /// How Muster itself does.
    Status,
    /// What can be done; in the room of this incident.
    Help(Topic, Option<IncidentId>),
}

/// What was done, where everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Did {
    /// Acknowledged.
    Acknowledged(GroupId),
    /// Taken over from somebody.
    TookOver(GroupId, Actor),
    /// Un-acknowledged.
    Unacknowledged(GroupId),
    /// The severity was set.
    SeveritySet(IncidentId, Severity),
    /// A role was given or taken.
    RoleSet(IncidentId),
    /// A note was added.
    NoteAdded(IncidentId),
    /// An update was posted.
    UpdatePosted(IncidentId),
    /// An action item was added.
    ActionAdded(IncidentId),
    /// Mitigated.
    Mitigated(IncidentId),
    /// Resolved.
    Resolved(IncidentId),
    /// Reopened.
    Reopened(IncidentId),
}
