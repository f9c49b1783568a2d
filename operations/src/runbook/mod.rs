//! Runbooks: pages that people read and Muster runs.
//!
//! [`page`] has what a run is pinned to, [`course`] which step is next. How pages are written stands in `docs/runbooks.md`; they are read by the crate
//! `runbooks`.

pub mod course;
pub mod page;
