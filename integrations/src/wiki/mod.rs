//! Wikis: where postmortems go.
pub mod git;
pub mod merge;
