//! Due times: what is to be looked at when.
//!
//! A due time follows from the journal, so after a restart what was due is still due. A
//! timer is never cancelled; when it fires, [`crate::decide`] finds that there is nothing
//! to do.

use serde::{Deserialize, Serialize};

use crate::ids::{DeployId, FreezeId, GroupId, IncidentId, LockId, StormId};

/// Something to be looked at when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Timer {
    /// Ask whether somebody still takes care of an alert group.
    AskAgain(GroupId),
    /// Ask for an update of an incident.
    AskForUpdate(IncidentId),
    /// See whether a storm is over, and bring its board up to date.
    LookAtStorm(StormId),
    /// Nobody approved a deploy in time.
    ApprovalEnds(DeployId),
    /// See whether a deploy did well for as long as it was to.
    VerifyEnds(DeployId),
    /// Ask the holder of a lock whether they still need it.
    LockReminder(LockId),
    /// A lock's time is over.
    LockEnds(LockId),
    /// A freeze's time is over.
    FreezeEnds(FreezeId),
}
