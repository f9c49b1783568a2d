//! The CI server of the sandbox, by a plain HTTP client: it promises to be as strict as GitHub. Time stands still unless a
//! test moves it.

#[path = "ci/bench.rs"]
mod bench;
mod manual;
#[path = "ci/moving.rs"]
mod moving;
#[path = "ci/reading.rs"]
mod reading;
#[path = "ci/strict.rs"]
mod strict;
