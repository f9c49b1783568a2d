//! Why a call brought nothing.

use std::time::Duration;

/// Why a call did not bring what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The other side did not do it and may do it later.
    #[error("{why}")]
    Transient {
        /// What happened, without secrets.
        why: String,
        /// How long the other side asked to wait.
        retry_after: Option<Duration>,
    },
    /// The other side will not do it: trying again is pointless.
    #[error("{why}")]
    Permanent {
        /// What happened, without secrets.
        why: String,
        /// What kind of refusal it is.
        kind: Refused,
    },
    /// It may or may not have been done.
    #[error("{why}")]
    Unknown {
        /// What happened, without secrets.
        why: String,
    },
}

impl Failure {
    /// A refusal.
    #[must_use]
    pub fn refused(kind: Refused, why: impl Into<String>) -> Failure {
        Failure::Permanent { why: why.into(), kind }
    }

    /// One that may go away by itself.
    #[must_use]
    pub fn transient(why: impl Into<String>) -> Failure {
        Failure::Transient { why: why.into(), retry_after: None }
    }

    /// Whether it is a refusal of this kind.
    #[must_use]
    pub fn is(&self, kind: Refused) -> bool {
        matches!(self, Failure::Permanent { kind: is, .. } if *is == kind)
    }
}

/// The kinds of refusal that are acted upon differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The credentials are wrong, were revoked, or ran out.
    Token,
    /// They may not do this.
    Forbidden,
    /// There is no such thing (some services say so where they mean [`Refused::Forbidden`]).
    NotFound,
    /// It is not in a state in which that can be done: it ended already, somebody else was sooner.
    Conflict,
    /// The call was wrong, or what was asked for can't be done there.
    Malformed,
    /// Nothing was sent: the address may not be reached.
    NotAllowed,
    /// What was asked for is longer than any answer that is read, and will be the next time.
    TooLong,
}

/// The outcome of a call.
pub type Called<T> = Result<T, Failure>;

/// What it is where an answer was lost or can't be read.
pub(super) fn perhaps(service: &str, harmless: bool, why: &str) -> Failure {
    let why = format!("{service}: {why}");
    if harmless { Failure::transient(why) } else { Failure::Unknown { why } }
}
