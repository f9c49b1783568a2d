//! Deploys: one release of a service brought to an environment, from the question to the record.
//!
//! A deploy is planned, allowed (perhaps approved by others), queued, dispatched once, watched and verified.
//! What holds: a deploy is dispatched at most once, ever; to try again is another deploy with another number.
//! In an environment at most one deploy at a time is past its queue. What was approved is named by the
//! plan's digest: another plan is another digest, and nobody has approved that.
//!
//! Here is what a deploy is; [`command`] has what people ask and are told, [`event`] what happens, [`effect`]
//! what is done outside, [`releases`] what ran where. `ask`, `approve`, `progress` and `holds` decide, `fold` remembers,
//! `react` says what follows.

mod approve;
mod ask;
pub mod command;
pub mod effect;
pub mod event;
mod fold;
mod holds;
mod progress;
mod queue;
mod react;
pub mod releases;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::chat::Actor;
use crate::ids::{ChannelId, DeployId, IncidentId};
use crate::pipeline::{Changes, Checks, Log, Progress, Resolved, Run};
use crate::text::Outside;

pub(crate) use self::ask::{Opened, asked, deploy_on_alert};
pub(crate) use self::fold::{folded, held};
pub(crate) use self::progress::done;
pub(crate) use self::queue::ticked;
pub(crate) use self::react::{not_held_back, reacted, reacted_to_hold};

/// A service in one of its environments, by their names in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}", self.service, self.environment)
    }
}

/// What kind of deploy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A release is brought there.
    Deploy,
    /// Back to an earlier release.
    Rollback,
    /// What runs in another environment is brought here.
    Promotion,
}

impl Kind {
    /// The word for it at the beginning of a sentence.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Kind::Deploy => "Deploy",
            Kind::Rollback => "Rollback",
            Kind::Promotion => "Promotion",
        }
    }

    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Deploy => "deploy",
            Kind::Rollback => "rollback",
            Kind::Promotion => "promotion",
        }
    }
}

/// Why it is done, for the measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    /// Work as usual.
    Planned,
    /// Back, because of something.
    Rollback,
    /// Forward, because of something: in an incident of the service, or through a freeze.
    Hotfix,
}

impl Nature {
    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Nature::Planned => "planned",
            Nature::Rollback => "rollback",
            Nature::Hotfix => "hotfix",
        }
    }
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What kind of deploy.
    pub kind: Kind,
    /// Of what, and where to.
    pub target: Target,
    /// A branch, tag or commit; what is deployed where nothing is said, where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The environment that is promoted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The release that is gone back to, or brought on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<DeployId>,
    /// Parameters, checked against the configuration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Why.
    #[serde(default)]
    pub reason: Outside,
    /// Only the plan is wanted.
    #[serde(default)]
    pub dry_run: bool,
    /// It goes through a freeze.
    #[serde(default)]
    pub break_glass: bool,
}

/// What a pipeline told for a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// What would be deployed.
    pub resolved: Resolved,
    /// What lies between that and what runs now, where both are known.
    pub changes: Option<Changes>,
    /// How its checks stand.
    pub checks: Checks,
    /// What somebody should know before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Outside>,
}

/// What would be done, as people approve it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When it was made.
    pub at: Timestamp,
    /// What the pipeline told.
    pub looked: Looked,
    /// What runs there now, where Muster knows.
    pub running: Option<Release>,
    /// Which plan it is: the SHA-256 of what is approved, in hexadecimal digits.
    pub digest: String,
}

impl Plan {
    /// A plan for what is wanted, made at a moment.
    #[must_use]
    pub fn new(wanted: &Wanted, looked: Looked, running: Option<Release>, at: Timestamp) -> Plan {
        let digest = digest(wanted, &looked, running.as_ref());
        Plan { at, looked, running, digest }
    }

    /// The digest as people see and type it: its first eight digits.
    #[must_use]
    pub fn short(&self) -> &str {
        self.digest.get(..8).unwrap_or(&self.digest)
    }

    /// What is deployed.
    #[must_use]
    pub fn commit(&self) -> &crate::pipeline::Commit {
        &self.looked.resolved.commit
    }
}

/// What an approval is bound to: service, environment, kind, commit, parameters, and what runs there now.
fn digest(wanted: &Wanted, looked: &Looked, running: Option<&Release>) -> String {
    let mut hasher = Sha256::new();
    let mut part = |part: &str| {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    };
    part("muster plan 1");
    part(&wanted.target.service);
    part(&wanted.target.environment);
    part(wanted.kind.name());
    part(looked.resolved.commit.id.as_str());
    part(running.map_or("", |running| running.commit.id.as_str()));
    for (name, value) in &wanted.parameters {
        part(name);
        part(value);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What runs somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The deploy that brought it.
    pub deploy: DeployId,
    /// The commit.
    pub commit: crate::pipeline::Commit,
    /// What it was asked for as: a tag, a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Since when.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: Actor,
}

impl Release {
    /// As people call it: the tag or branch that was asked for with the commit, or the commit alone.
    #[must_use]
    pub fn name(&self) -> Outside {
        named(self.reference.as_deref(), &self.commit)
    }
}

/// A commit with what it was asked for as.
#[must_use]
pub fn named(reference: Option<&str>, commit: &crate::pipeline::Commit) -> Outside {
    let short = commit.short();
    match reference {
        Some(reference) if !commit.id.as_str().starts_with(reference) => {
            Outside::new(&format!("{} ({})", Outside::new(reference).short(60).as_str(), short.as_str()))
        }
        _ => short,
    }
}

/// Somebody's approval of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// How a deploy stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The pipeline is asked what would be done.
    Planning,
    /// It waits for others to approve.
    Approving {
        /// How many more approvals it needs.
        needs: u32,
        /// Whom the rules let approve: `role:approver`, `owner`.
        who: Vec<String>,
        /// Until when.
        until: Timestamp,
    },
    /// It waits for its turn.
    Queued,
    /// It is its turn: it is looked whether the plan still holds.
    Checking,
    /// The pipeline is asked to start it.
    Starting,
    /// Nobody knows whether it was started, or how it stands.
    Unknown {
        /// How often its run was looked for since.
        looks: u32,
        /// What is known.
        evidence: Outside,
    },
    /// The pipeline runs.
    Running,
    /// It is seen whether it does well.
    Verifying {
        /// Until when.
        until: Timestamp,
    },
    /// Nothing more happens.
    Ended {
        /// How it ended.
        how: How,
        /// When.
        at: Timestamp,
        /// Why, where there is something to say.
        why: Outside,
    },
}

/// How a deploy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Only its plan was wanted.
    Planned,
    /// It was deployed, and does well.
    Succeeded,
    /// The pipeline failed, or it does not do well.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Somebody denied it.
    Denied,
    /// The rules don't allow it.
    Refused,
    /// Nobody approved it in time.
    Expired,
    /// It was not started: nothing has changed.
    NotStarted,
}

impl How {
    /// As people read it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            How::Planned => "planned",
            How::Succeeded => "done",
            How::Failed => "failed",
            How::Cancelled => "cancelled",
            How::Denied => "denied",
            How::Refused => "refused",
            How::Expired => "expired",
            How::NotStarted => "not started",
        }
    }
}

/// A deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deploy {
    /// Its number.
    pub id: DeployId,
    /// What is wanted.
    pub wanted: Wanted,
    /// Who asked.
    pub by: Actor,
    /// When.
    pub asked_at: Timestamp,
    /// In which channel; none from the command line.
    pub channel: Option<ChannelId>,
    /// Why it is done.
    pub nature: Nature,
    /// A word of this journal's own, so that the id at the pipeline is no other journal's.
    pub nonce: String,
    /// The open incident that it is about, where there is one.
    pub incident: Option<IncidentId>,
    /// Which rules were asked, by their version.
    pub policy: String,
    /// The names of the rules that decided about the plan.
    pub rules: Vec<String>,
    /// The names of those that decided when it was last approved.
    #[serde(default)]
    pub approved_by: Vec<String>,
    /// The deploy that it tries again, or that it goes back from.
    pub after: Option<DeployId>,
    /// What would be done.
    pub plan: Option<Plan>,
    /// How often it was looked again whether the plan still holds.
    pub rounds: u32,
    /// How it stands.
    pub stage: Stage,
    /// Who approved the plan.
    pub approvals: Vec<Approval>,
    /// Why it was planned anew, where it was; what was approved before is void.
    pub voided: Option<Outside>,
    /// When it came into the queue.
    pub queued_at: Option<Timestamp>,
    /// When the pipeline was asked to start it.
    pub began_at: Option<Timestamp>,
    /// The pipeline's run.
    pub run: Option<Run>,
    /// How often its run could not be watched any more since it was seen last.
    #[serde(default)]
    pub lost: u32,
    /// How the run stood last.
    pub progress: Option<Progress>,
    /// When the pipeline ended well.
    pub deployed_at: Option<Timestamp>,
    /// The end of the log of what failed.
    pub log: Option<Log>,
    /// Who asked to stop it.
    pub stopping: Option<Actor>,
    /// What was asked of the pipeline and could not be done.
    pub not_done: Option<Outside>,
    /// Whether an address is asked how it does while it is verified.
    #[serde(default)]
    pub asks: bool,
    /// What was found out when it was verified.
    pub verified: Option<Outside>,
    /// The alerts of the service that opened soon after it.
    pub alerts: Vec<crate::ids::GroupId>,
    /// The deploy that went back from it.
    pub rolled_back: Option<DeployId>,
}

impl Deploy {
    /// Whether something may still happen.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Ended { .. })
    }

    /// Whether its environment is its own: no other deploy may be past its queue there.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.stage {
            Stage::Checking | Stage::Starting | Stage::Unknown { .. } | Stage::Running | Stage::Verifying { .. } => {
                true
            }
            Stage::Planning | Stage::Approving { .. } | Stage::Queued | Stage::Ended { .. } => false,
        }
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<(How, Timestamp)> {
        match &self.stage {
            Stage::Ended { how, at, .. } => Some((*how, *at)),
            _ => None,
        }
    }

    /// Whether it was deployed and did well.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        matches!(self.ended(), Some((How::Succeeded, _)))
    }

    /// Whether the pipeline has changed what runs, or may have.
    #[must_use]
    pub fn touched(&self) -> bool {
        self.began_at.is_some() && !matches!(self.ended(), Some((How::NotStarted, _)))
    }

    /// What its run is found by at the pipeline: the same each time, and no other journal's.
    #[must_use]
    pub fn order_id(&self) -> String {
        format!("muster-d{}-{}", self.id.0, self.nonce)
    }

    /// What is deployed, as people call it.
    #[must_use]
    pub fn release_name(&self) -> Outside {
        match &self.plan {
            Some(plan) => named(self.wanted.reference.as_deref(), plan.commit()),
            None => Outside::new(self.wanted.reference.as_deref().unwrap_or_default()).short(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Commit, RefKind};

    #[test]
    fn a_digest_names_everything_that_is_approved_and_nothing_else() {
        let target = Target { service: "checkout".into(), environment: "production".into() };
        let wanted = Wanted {
            kind: Kind::Deploy,
            target,
            reference: Some("v2".into()),
            from: None,
            release: None,
            parameters: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
            reason: "why".into(),
            dry_run: false,
            break_glass: false,
        };
        let looked = |commit: &str| Looked {
            resolved: Resolved { commit: Commit::bare(commit), kind: RefKind::Tag },
            changes: None,
            checks: Checks::Passed(1),
            warnings: Vec::new(),
        };
        let one = digest(&wanted, &looked("a"), None);
        let said = Wanted { reason: "other words".into(), ..wanted.clone() };
        assert_eq!(one, digest(&said, &looked("a"), None), "words are not what is done");
        let mut others = vec![digest(&wanted, &looked("b"), None)];
        for changed in [
            Wanted { kind: Kind::Rollback, ..wanted.clone() },
            Wanted { parameters: BTreeMap::new(), ..wanted.clone() },
            Wanted { parameters: BTreeMap::from([("regio".to_owned(), "neu".to_owned())]), ..wanted.clone() },
            Wanted {
                target: Target { service: "checkoutp".into(), environment: "roduction".into() },
                ..wanted.clone()
            },
        ] {
            others.push(digest(&changed, &looked("a"), None));
        }
        assert!(!others.contains(&one), "each of these is another plan");
    }
}
