//! What people ask about deploys, locks and freezes, and what they are told.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Kind, Target};
use crate::chat::Actor;
use crate::ids::{DeployId, FreezeId, LockId};
use crate::locks::{Scope, Until};
use crate::text::Outside;

/// A deploy, rollback or promotion as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What kind.
    pub kind: Kind,
    /// Of which service.
    pub service: String,
    /// Where to; asked for where it isn't said.
    pub environment: Option<String>,
    /// For a promotion, where from.
    pub from: Option<String>,
    /// A branch, tag or commit; for a rollback the release to go back to.
    pub reference: Option<String>,
    /// For a rollback, the deploy to go back to.
    pub release: Option<DeployId>,
    /// Parameters.
    pub parameters: BTreeMap<String, String>,
    /// Why.
    pub reason: Outside,
    /// Only the plan.
    pub dry_run: bool,
    /// Through a freeze.
    pub break_glass: bool,
}

/// What somebody asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeployCommand {
    /// Deploy, go back, or promote.
    Start(Box<Request>),
    /// Show what a rollback would go back to, with a button for it.
    OfferRollback(Target),
    /// Something about one deploy; about the only one that can be meant where it isn't said.
    About {
        /// Which one.
        deploy: Option<DeployId>,
        /// What.
        ask: DeployAsk,
    },
    /// What is under way.
    Status,
    /// What was deployed, of a service or at all.
    History {
        /// Of which one.
        service: Option<String>,
    },
    /// What runs where.
    Where {
        /// Of which service.
        service: String,
    },
    /// What was brought to production since.
    Changes {
        /// Of which service, or of all.
        service: Option<String>,
        /// Since when; a week where it isn't said.
        since: Option<Duration>,
    },
    /// Keep an environment for oneself.
    Lock {
        /// Which one.
        target: Target,
        /// Until when; an hour where it isn't said.
        until: Option<Until>,
        /// Why.
        reason: Outside,
    },
    /// Keep a lock of one's own for another hour.
    KeepLock {
        /// Which one.
        lock: LockId,
    },
    /// Take a lock away.
    Unlock {
        /// Where.
        target: Target,
    },
    /// What is locked and frozen.
    Locks,
    /// Hold deploys back.
    Freeze {
        /// About what.
        scope: Scope,
        /// Until when; until somebody ends it where it isn't said.
        until: Option<Until>,
        /// Why.
        reason: Outside,
    },
    /// Let deploys go on.
    Unfreeze {
        /// Which freeze; the only one where it isn't said.
        freeze: Option<FreezeId>,
    },
    /// Show the form for a deploy.
    Form,
    /// What stands around a deploy: `/why D-7`.
    Why(DeployId),
}

/// What is asked about a deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeployAsk {
    /// Show it.
    Show,
    /// Approve its plan: the one with this digest, as far as it is said.
    Approve {
        /// The beginning of the digest.
        digest: Option<String>,
    },
    /// Don't let it happen.
    Deny {
        /// Why.
        reason: Outside,
    },
    /// Stop it.
    Cancel,
    /// Try it again, as another deploy.
    Retry,
    /// It ran: the answer where nobody knows.
    ItRan,
    /// It did not run: the answer where nobody knows.
    ItDidNot,
    /// Look for its run again.
    LookAgain,
    /// Answer what the pipeline itself waits for.
    Gate {
        /// What, by the adapter's id; the only one where it isn't said.
        gate: Option<String>,
        /// Approve or reject.
        approve: bool,
    },
}

impl DeployAsk {
    /// Its word in commands.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            DeployAsk::Show => "status",
            DeployAsk::Approve { .. } => "approve",
            DeployAsk::Deny { .. } => "deny",
            DeployAsk::Cancel => "cancel",
            DeployAsk::Retry => "retry",
            DeployAsk::ItRan => "ran",
            DeployAsk::ItDidNot => "didnot",
            DeployAsk::LookAgain => "look",
            DeployAsk::Gate { approve: true, .. } => "gate approve",
            DeployAsk::Gate { approve: false, .. } => "gate reject",
        }
    }
}

/// What the one who asked is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeployReply {
    /// A deploy was taken up.
    Asked(DeployId),
    /// What a rollback would go back to.
    OfferRollback(Target, DeployId),
    /// A deploy.
    Shown(DeployId),
    /// The card that everybody sees shows it.
    Did(DeployId, Did),
    /// What is under way.
    Status(Vec<DeployId>),
    /// What was deployed.
    History(Option<String>, Vec<DeployId>),
    /// What runs where.
    Where(String),
    /// What was brought to production.
    Changes(Option<String>, Timestamp, Vec<DeployId>),
    /// Locked.
    Locked(LockId),
    /// A lock was taken away.
    Unlocked(Target),
    /// What is locked and frozen.
    Locks,
    /// Deploys are held back.
    Frozen(FreezeId),
    /// They are not any more.
    Unfrozen(Scope),
    /// The form for a deploy.
    Form,
    /// What stands around a deploy.
    Why(DeployId),
}

/// What was done with a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Did {
    /// Approved; so many more are needed.
    Approved(u32),
    /// Denied.
    Denied,
    /// Cancelled before it began.
    Cancelled,
    /// The pipeline is asked to stop.
    Stopping,
    /// Said that it ran.
    Ran,
    /// Said that it did not run.
    DidNot,
    /// It is looked for again.
    Looking,
    /// What the pipeline waits for was answered.
    Gate,
}

/// Why it is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeployRefusal {
    /// There is no such service.
    NoService(String),
    /// The service has no such environment.
    NoEnvironment(Target),
    /// Nothing is configured that could deploy there.
    NoPipeline(Target),
    /// It wasn't said where to.
    WhichEnvironment {
        /// What was asked.
        request: Box<Request>,
        /// Where it could go.
        environments: Vec<String>,
    },
    /// It wasn't said which deploy; these can be meant.
    WhichDeploy {
        /// Them, the newest first.
        deploys: Vec<DeployId>,
        /// What was asked.
        ask: DeployAsk,
    },
    /// There is no such deploy, or it ended long ago.
    NoDeploy(DeployId),
    /// The same was asked for already.
    AlreadyAsked(DeployId),
    /// What deploys there can't go back.
    CannotRollBack(Target),
    /// There is no earlier release that is known to be good.
    NothingBefore(Target),
    /// There is no such release there.
    NoRelease(Target, Outside),
    /// That runs there already.
    AlreadyRuns(Target, Outside),
    /// Nothing runs where it is to be promoted from.
    NothingRuns(Target),
    /// It does not do well where it is to be promoted from.
    NotHealthy(Target, Outside),
    /// A parameter that isn't declared, or whose value isn't one of those.
    NoParameter {
        /// Where.
        target: Target,
        /// Its name.
        name: Outside,
        /// What it may be, where it is declared.
        values: Option<Vec<String>>,
    },
    /// It doesn't wait for approval.
    NotWaiting(DeployId),
    /// Nobody approves their own.
    Own(DeployId),
    /// That person has approved already.
    ApprovedAlready(DeployId),
    /// It is not the plan that was approved.
    OtherPlan(DeployId),
    /// It is over.
    Over(DeployId),
    /// It isn't over, so it can't be tried again.
    NotOver(DeployId),
    /// It did what it was to do, so it isn't tried again.
    Succeeded(DeployId),
    /// It can't be stopped where it is.
    CannotStop(DeployId),
    /// It is stopped already.
    StoppingAlready(DeployId),
    /// How it is, is known.
    Known(DeployId),
    /// The pipeline waits for nothing, or for several things.
    NoGate(DeployId),
    /// It is locked by somebody.
    Locked {
        /// Where.
        target: Target,
        /// By whom.
        by: Actor,
        /// Until when.
        until: Timestamp,
    },
    /// It isn't locked.
    NotLocked(Target),
    /// There is no such lock any more.
    NoLock(LockId),
    /// A lock lasts from a minute to a week, and ends in the future.
    LockTooLong,
    /// What was said as an end is over.
    IsPast,
    /// Something has to be said about why.
    NeedsReason(&'static str),
    /// It wasn't said which freeze.
    WhichFreeze(Vec<FreezeId>),
    /// There is no such freeze.
    NoFreeze(FreezeId),
    /// Nothing is frozen.
    NotFrozen,
}
