//! What happens to deploys, locks and freezes, as the journal keeps it.
//!
//! What holds: as for all events ([`crate::event`]): past tense, never changed once written, with everything that
//! folding needs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{How, Nature, Plan, Target, Wanted};
use crate::chat::Actor;
use crate::ids::{ChannelId, DeployId, FreezeId, GroupId, IncidentId, LockId};
use crate::locks::Scope;
use crate::pipeline::{Log, Progress, Run};
use crate::text::Outside;

/// What happened to a deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeployEvent {
    /// Somebody asked for it.
    Asked {
        /// What is wanted.
        wanted: Wanted,
        /// Who asked.
        by: Actor,
        /// In which channel; none from the command line.
        channel: Option<ChannelId>,
        /// Why it is done.
        nature: Nature,
        /// A word of this journal's own.
        nonce: String,
        /// The open incident that it is about.
        incident: Option<IncidentId>,
        /// The deploy that it tries again, or goes back from.
        after: Option<DeployId>,
        /// Which rules say who may, by their version.
        policy: String,
    },
    /// It is known what would be done.
    Planned {
        /// What.
        plan: Plan,
        /// The rules that decided.
        rules: Vec<String>,
    },
    /// Others have to approve it.
    ApprovalAsked {
        /// How many.
        needs: u32,
        /// Whom the rules let approve.
        who: Vec<String>,
        /// Until when.
        until: Timestamp,
    },
    /// Somebody approved the plan.
    Approved {
        /// Who.
        by: Actor,
        /// Which plan, by its digest.
        digest: String,
        /// How many more approvals it needs.
        needs: u32,
        /// The rules that decided with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<String>,
    },
    /// What would be done is not what was planned before: approvals are void.
    Replanned {
        /// What would be done now.
        plan: Plan,
        /// What is different, in words.
        difference: Outside,
        /// The rules that decided.
        rules: Vec<String>,
    },
    /// It waits for its turn.
    Queued,
    /// It is its turn.
    Turned,
    /// The pipeline is asked to start it, once.
    Began,
    /// The pipeline has started it.
    Dispatched {
        /// Its run.
        run: Run,
    },
    /// It can't be known whether it was started, or how it stands.
    Lost {
        /// What is known.
        evidence: Outside,
    },
    /// Its run was looked for, and not found.
    NotFound {
        /// What was found instead.
        evidence: Outside,
    },
    /// Somebody has it looked for once more.
    LookedAgain {
        /// Who.
        by: Actor,
    },
    /// Somebody said how it is.
    Answered {
        /// Whether it ran.
        ran: bool,
        /// Who said so.
        by: Actor,
    },
    /// The run stands otherwise than before.
    Progressed {
        /// How.
        progress: Progress,
    },
    /// Somebody answered what the pipeline itself waits for.
    GateAnswered {
        /// What it is called.
        gate: Outside,
        /// What the adapter knows it by.
        id: String,
        /// Approved, or rejected.
        approve: bool,
        /// Who.
        by: Actor,
    },
    /// Somebody wants it stopped.
    Stopping {
        /// Who.
        by: Actor,
    },
    /// What somebody asked of the pipeline could not be done.
    NotDone {
        /// What, and why.
        why: Outside,
    },
    /// The pipeline ended well; it is seen whether it does well.
    Verifying {
        /// Until when.
        until: Timestamp,
        /// Whether an address is asked how it does.
        #[serde(default)]
        asks: bool,
    },
    /// What was looked at after the deploy is as it should be.
    Checked {
        /// What was seen.
        what: Outside,
    },
    /// The end of a log was read.
    Logged {
        /// It.
        log: Log,
    },
    /// An alert of its service opened soon after it.
    Alerted {
        /// Which one.
        group: GroupId,
    },
    /// Nothing more happens.
    Ended {
        /// How it ended.
        how: How,
        /// Why.
        why: Outside,
        /// Who ended it, where somebody did.
        by: Option<Actor>,
    },
}

/// What happened to a lock or a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldEvent {
    /// Somebody keeps an environment for themselves.
    Locked {
        /// The lock's number.
        lock: LockId,
        /// Where.
        target: Target,
        /// Who.
        by: Actor,
        /// Until when.
        until: Timestamp,
        /// When its holder is asked whether they still need it.
        remind: Option<Timestamp>,
        /// Why.
        reason: Outside,
    },
    /// Its holder was asked whether they still need it.
    LockReminded {
        /// Which lock.
        lock: LockId,
    },
    /// Its holder still needs it.
    LockKept {
        /// Which lock.
        lock: LockId,
        /// Who keeps it.
        by: Actor,
        /// Until when.
        until: Timestamp,
        /// When its holder is asked once more.
        remind: Option<Timestamp>,
    },
    /// A lock is gone.
    Unlocked {
        /// Which one.
        lock: LockId,
        /// Who took it away; nobody where its time was over.
        by: Option<Actor>,
        /// What it was on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<Target>,
    },
    /// Deploys are held back.
    FreezeBegan {
        /// The freeze's number.
        freeze: FreezeId,
        /// About what.
        scope: Scope,
        /// Who began it.
        by: Actor,
        /// Until when.
        until: Option<Timestamp>,
        /// Why.
        reason: Outside,
    },
    /// They are not any more.
    FreezeEnded {
        /// Which one.
        freeze: FreezeId,
        /// Who ended it; nobody where its time was over.
        by: Option<Actor>,
        /// What it was about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<Scope>,
    },
}
