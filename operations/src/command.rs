//! What people ask Muster to do, typed.
//!
//! A command may leave out its incident: then the room where it was given decides, and
//! where it was not given in a room, the asker is offered the open ones.

use serde::{Deserialize, Serialize};

use crate::deploy::command::DeployCommand;
use crate::ids::{GroupId, IncidentId, UserRef};
use crate::incident::{Role, Severity};
use crate::text::Outside;

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Declare an incident.
    Declare {
        /// What is wrong.
        title: Outside,
        /// How bad it is; from the alert, or SEV3, where it isn't said.
        severity: Option<Severity>,
        /// The alert group that it is about.
        alert: Option<GroupId>,
    },
    /// Show a form to fill in.
    Open(FormKind),
    /// List the incidents: the open ones, or all.
    ListIncidents {
        /// Resolved ones too.
        all: bool,
    },
    /// Something about one incident.
    Incident {
        /// Which one; the room's where it isn't said.
        incident: Option<IncidentId>,
        /// What.
        ask: Ask,
    },
    /// List the alert groups that fire.
    ListAlerts,
    /// Something about one alert group.
    Alert {
        /// Which one; the only one that fires unacknowledged where it isn't said.
        group: Option<GroupId>,
        /// What.
        ask: AlertAsk,
    },
    /// Something about deploys, locks and freezes.
    Deploy(DeployCommand),
    /// How Muster itself does.
    Status,
    /// What can be done here.
    Help(Topic),
}

/// A form that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FormKind {
    /// Declare an incident, perhaps about an alert group.
    Declare(Option<GroupId>),
    /// Post an update.
    Update(Option<IncidentId>),
    /// Add a note.
    Note(Option<IncidentId>),
}

/// What is asked about an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Show it.
    Show,
    /// Set its severity.
    SetSeverity(Severity),
    /// Offer the severities to choose from.
    ChooseSeverity,
    /// Give a role to somebody, or to nobody.
    SetRole(Role, Holder),
    /// Offer the roles to take.
    ChooseRole,
    /// Add a note.
    AddNote(Outside),
    /// Post an update.
    PostUpdate(Outside),
    /// Add an action item.
    AddAction(Outside),
    /// It no longer hurts; what was done, where it is said.
    Mitigate(Option<Outside>),
    /// It is over; how, where it is said.
    Resolve(Option<Outside>),
    /// It is not over after all; why, where it is said.
    Reopen(Option<Outside>),
    /// Show the timeline.
    ShowTimeline,
    /// Write or refresh the postmortem.
    WritePostmortem,
}

impl Ask {
    /// Whether it changes anything, or leads to what does; else it only asks.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            Ask::Show | Ask::ShowTimeline => false,
            Ask::SetSeverity(_)
            | Ask::ChooseSeverity
            | Ask::SetRole(..)
            | Ask::ChooseRole
            | Ask::AddNote(_)
            | Ask::PostUpdate(_)
            | Ask::AddAction(_)
            | Ask::Mitigate(_)
            | Ask::Resolve(_)
            | Ask::Reopen(_)
            | Ask::WritePostmortem => true,
        }
    }
}

/// Who gets a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    /// The asker.
    Me,
    /// This account.
    User(UserRef),
    /// Nobody.
    Nobody,
}

/// What is asked about an alert group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertAsk {
    /// Show it, and why it is as it is.
    Show,
    /// Take care of it.
    Acknowledge,
    /// Take it over from whoever takes care of it.
    TakeOver,
    /// Don't take care of it any more.
    Unacknowledge,
}

impl AlertAsk {
    /// Whether it changes anything; else it only asks.
    #[must_use]
    pub fn changes(self) -> bool {
        match self {
            AlertAsk::Show => false,
            AlertAsk::Acknowledge | AlertAsk::TakeOver | AlertAsk::Unacknowledge => true,
        }
    }
}

/// What help is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Topic {
    /// What can be done here and now.
    Here,
    /// Everything.
    All,
    /// `/incident`.
    Incident,
    /// `/alert`.
    Alert,
    /// `/deploy` and what belongs to it.
    Deploy,
}
