//! The names of the store's files, and what the first line of each says.
//!
//! | name | what it is |
//! |---|---|
//! | `log-N` | the batches after snapshot N-1, each a [frame](super::frame), in the order in which they were committed |
//! | `outbox-N` | effects and deliveries as they were at the end of log N |
//! | `state-N` | the folded state at the end of log N: a cache |
//! | `events-FIRST-LAST` | events that stood in logs that are gone: a line each, `HASH JSON` |
//! | `witness` | how far the journal was written |
//! | `*.new` | being made |

use operations::journal::FORMAT;

use super::StoreError;

/// A log's name.
pub(super) fn log(number: u64) -> String {
    format!("log-{number:012}")
}

/// The name of a snapshot's effects and deliveries.
pub(super) fn outbox(number: u64) -> String {
    format!("outbox-{number:012}")
}

/// The name of a snapshot's state.
pub(super) fn state(number: u64) -> String {
    format!("state-{number:012}")
}

/// The name of events that were put by.
pub(super) fn events(first: u64, last: u64) -> String {
    format!("events-{first:020}-{last:020}")
}

/// The numbers of the files of a kind, in order.
pub(super) fn numbers(names: &[String], kind: &str) -> Vec<u64> {
    let number = |name: &String| name.strip_prefix(kind)?.strip_prefix('-')?.parse().ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// The first and last event of each file of events, in order.
pub(super) fn runs(names: &[String]) -> Vec<(u64, u64)> {
    let run = |name: &String| {
        let (first, last) = name.strip_prefix("events-")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    let mut runs: Vec<(u64, u64)> = names.iter().filter_map(run).collect();
    runs.sort_unstable();
    runs
}

/// The first line of a file of this kind, with its line feed.
pub(super) fn title(kind: &str) -> String {
    format!("muster {kind} {FORMAT}\n")
}

/// Reads what [`title`] wrote. Nothing where it is something else.
///
/// # Errors
/// [`StoreError::Newer`].
pub(super) fn is_titled(line: &[u8], kind: &str) -> Result<bool, StoreError> {
    let words = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("muster ")?.strip_prefix(kind));
    let number = words.and_then(|words| words.strip_prefix(' '));
    let format = number.and_then(|number| number.strip_suffix('\n').unwrap_or(number).parse::<u32>().ok());
    match format {
        Some(found) if found > FORMAT => Err(StoreError::Newer { found, known: FORMAT }),
        // There is one format so far. As it is written, and not only alike: a changed byte is to show.
        Some(_) => Ok(line == title(kind).as_bytes()),
        None => Ok(false),
    }
}
