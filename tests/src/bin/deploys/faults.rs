//! What goes wrong with the dispatch, beside the kills: one fault at a time, ordered just before somebody asks.

use fastrand::Rng;
use sandbox::ci::{Ci, Fault, RunDetails};

/// The route that starts a run.
pub(crate) const DISPATCH: &str = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Nothing.
    None,
    /// The run was made, and the reply is dropped.
    Dropped,
    /// The run was made, and the reply is 500.
    Status500,
    /// The reply breaks off in the middle.
    Cut,
    /// The connection is reset before anything was done.
    Reset,
    /// The run was made, and the reply comes a minute later.
    Stall,
    /// 204: the run was made, and the reply does not say which.
    Bare,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] =
        [Kind::None, Kind::Dropped, Kind::Status500, Kind::Cut, Kind::Reset, Kind::Stall, Kind::Bare];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Kind::None => "only kills",
            Kind::Dropped => "reply dropped after the effect",
            Kind::Status500 => "500 after the effect",
            Kind::Cut => "reply cut after the effect",
            Kind::Reset => "connection reset before",
            Kind::Stall => "60 s stall after the effect",
            Kind::Bare => "204 without details",
        }
    }

    /// The kind of a fault that happened.
    pub(crate) fn of(fault: &Fault) -> Kind {
        match fault {
            Fault::DropAfterWork => Kind::Dropped,
            Fault::StatusAfterWork { .. } => Kind::Status500,
            Fault::CutAfterWork => Kind::Cut,
            Fault::Reset => Kind::Reset,
            Fault::StallAfterWork { .. } => Kind::Stall,
            _ => Kind::None,
        }
    }
}

/// Orders a fault for the next dispatch, or none.
pub(crate) fn order(ci: &Ci, rng: &mut Rng) {
    let kind = Kind::ALL[rng.usize(..Kind::ALL.len())];
    let fault = match kind {
        Kind::Dropped => Fault::DropAfterWork,
        Kind::Status500 => Fault::StatusAfterWork { status: 500 },
        Kind::Cut => Fault::CutAfterWork,
        Kind::Reset => Fault::Reset,
        Kind::Stall => Fault::StallAfterWork { seconds: 60 },
        Kind::Bare => {
            ci.set_run_details(RunDetails::Ignored);
            // The newest run is often not listed at once.
            ci.set_unlisted(usize::from(rng.bool()));
            return;
        }
        Kind::None => {
            calm(ci);
            return;
        }
    };
    // One that nobody has met yet is enough.
    if ci.faults_left() == 0 {
        ci.fault(DISPATCH, 1, fault);
    }
}

/// Nothing goes wrong any more.
pub(crate) fn calm(ci: &Ci) {
    ci.clear_faults();
    ci.set_run_details(RunDetails::Told);
    ci.set_unlisted(0);
}
