//! What is done outside for deploys, and how that ends.
//!
//! What holds: [`DeployEffect::Dispatch`] is sent at most once; whatever else is asked of a pipeline reads, or does
//! no harm twice.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Looked;
use crate::effect::Urgency;
use crate::pipeline::{Gate, Log, Progress, Run};

/// After how long a run that was not found is looked for again.
pub const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Something to be done at a pipeline, or about a deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeployEffect {
    /// Ask what would be done.
    Plan {
        /// The first time, or which time again.
        round: u32,
    },
    /// Start it.
    Dispatch,
    /// Look for the run of one whose start nobody knows of.
    Look {
        /// Which look it is.
        look: u32,
    },
    /// Watch its run. Stays open until the run stands otherwise than is known.
    Follow,
    /// Stop its run.
    Cancel,
    /// Answer what the pipeline waits for.
    Gate {
        /// What.
        gate: Gate,
        /// Approve or reject.
        approve: bool,
        /// In whose name, for the pipeline's records.
        by: crate::text::Outside,
    },
    /// See whether it does well.
    Verify,
    /// Read the end of the log of what failed.
    Log,
    /// Tell somebody outside that it ended: the name of what is configured.
    Tell {
        /// Whom.
        to: String,
    },
}

impl DeployEffect {
    /// Its part of the effect's key.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            DeployEffect::Plan { round } => format!("plan/{round}"),
            DeployEffect::Dispatch => "dispatch".to_owned(),
            DeployEffect::Look { look } => format!("look/{look}"),
            DeployEffect::Follow => "follow".to_owned(),
            DeployEffect::Cancel => "cancel".to_owned(),
            DeployEffect::Gate { gate, approve, .. } => format!("gate/{approve}/{}", gate.id),
            DeployEffect::Verify => "verify".to_owned(),
            DeployEffect::Log => "log".to_owned(),
            DeployEffect::Tell { to } => format!("tell/{to}"),
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn about(&self) -> &'static str {
        match self {
            DeployEffect::Plan { .. } => "ask the pipeline what would be deployed",
            DeployEffect::Dispatch => "start the pipeline",
            DeployEffect::Look { .. } => "look for the pipeline's run",
            DeployEffect::Follow => "watch the pipeline's run",
            DeployEffect::Cancel => "stop the pipeline's run",
            DeployEffect::Gate { .. } => "answer what the pipeline waits for",
            DeployEffect::Verify => "see whether the deploy does well",
            DeployEffect::Log => "read the end of the pipeline's log",
            DeployEffect::Tell { .. } => "tell of the deploy outside",
        }
    }

    /// How urgent it is.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        match self {
            DeployEffect::Log | DeployEffect::Tell { .. } => Urgency::Chatter,
            DeployEffect::Plan { .. }
            | DeployEffect::Dispatch
            | DeployEffect::Look { .. }
            | DeployEffect::Follow
            | DeployEffect::Cancel
            | DeployEffect::Gate { .. }
            | DeployEffect::Verify => Urgency::Change,
        }
    }

    /// How long after it was asked for it is carried out for the first time.
    #[must_use]
    pub fn waits_for(&self) -> Duration {
        match self {
            // A run shows up in lists a little after it was started.
            DeployEffect::Look { .. } => LOOK_EVERY,
            _ => Duration::ZERO,
        }
    }

    /// After how long it is pointless; none where it never is.
    #[must_use]
    pub fn expires_after(&self) -> Option<Duration> {
        match self {
            // Somebody waits for it, and can ask again.
            DeployEffect::Plan { .. } => Some(Duration::from_secs(180)),
            DeployEffect::Gate { .. } | DeployEffect::Cancel => Some(Duration::from_secs(600)),
            DeployEffect::Log => Some(Duration::from_secs(3600)),
            DeployEffect::Tell { .. } => Some(Duration::from_secs(24 * 3600)),
            // Whether one was started must not depend on a clock; the others end by what they see.
            DeployEffect::Dispatch | DeployEffect::Look { .. } | DeployEffect::Follow | DeployEffect::Verify => None,
        }
    }
}

/// How something that was done for a deploy ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeployOutcome {
    /// The pipeline told what would be done.
    Looked(Looked),
    /// It runs: it was started, or found.
    Started(Run),
    /// It can't be told whether it was started; what is known.
    Unclear(String),
    /// The run stands otherwise than before.
    Progressed(Progress),
    /// It does well or doesn't, and what was seen.
    Verified {
        /// Whether it does well.
        well: bool,
        /// What was seen.
        what: String,
    },
    /// The end of a log.
    Logged(Log),
}
