//! Wikis: where postmortems go.
//!
//! [`git`] keeps Markdown pages in a git repository, [`merge`] refreshes a page that
//! people have edited. What holds: nothing that a person wrote is ever lost.

pub mod git;
pub mod merge;
