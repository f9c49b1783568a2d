//! What the platforms allow, in one form for both: the rows of the tables in `slack/limits.rs` and `discord/limits.rs`.
//!
//! The pacing reads its figures from these rows, and so does `docs/limits.md`. What holds:
//! every call has a row and every row a source; what is kept to stays within the figure in
//! every window, however it is laid (the tests below).

use std::time::Duration;

use operations::ids::Platform;

pub use super::pace::Limit;

use super::{discord, slack};

/// One limit of one call.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The call: Slack's method, or Discord's verb and route. What is no call is in brackets.
    pub call: &'static str,
    /// The bucket that it is counted in.
    pub bucket: Bucket,
    /// What has a bucket of its own.
    pub per: Per,
    /// How often.
    pub figure: Figure,
}

/// How often something may be done, who says so, and what is kept to.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// So often.
    pub told: Limit,
    /// So many more at once are let pass.
    pub tolerated: u32,
    /// What Muster keeps to: so many at once, and then evenly.
    pub kept: Limit,
    /// Where the figure comes from.
    pub source: Source,
}

/// Which calls share their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// This call alone.
    Own,
    /// The one that the answers' headers name.
    Headers,
    /// All calls together.
    All,
    /// This call alone, counted over the time that is kept to, rather than evenly.
    Counted,
}

/// What has a bucket of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Each workspace (with each app).
    Workspace,
    /// Each application, which is each bot.
    Application,
    /// Each channel.
    Channel,
    /// Each server.
    Guild,
    /// Each webhook with its token; each interaction has one.
    Token,
    /// Each address at which an answer is waited for.
    Url,
    /// Each address from which Muster calls.
    Address,
}

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The vendor's page tells it.
    Told {
        /// Which page.
        page: &'static str,
        /// When it was read.
        read: &'static str,
    },
    /// The vendor's page tells it without a number, or with one that can be read in several ways.
    Read {
        /// Which page.
        page: &'static str,
        /// When it was read.
        read: &'static str,
        /// In which words.
        words: &'static str,
    },
    /// No page tells it. It is what others have seen.
    Seen {
        /// By whom.
        by: &'static str,
    },
    /// The headers of each answer tell it, and are obeyed. This is what is begun with.
    Headers {
        /// Why with this.
        why: &'static str,
    },
}

/// What it means to make a call once more after its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twice {
    /// It only reads.
    Reads,
    /// Twice is the same as once.
    Same(&'static str),
    /// The other side takes the first alone, and says so.
    Once(&'static str),
    /// It is looked for before it is made again, by what it carries.
    Found(&'static str),
    /// Nobody can look it up: it is made again, with words that say that it may have been seen.
    Marked(&'static str),
}

impl Twice {
    /// Whether it may simply be made again.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(self, Twice::Reads | Twice::Same(_))
    }
}

/// A call, with what follows from a lost answer.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The chat.
    pub platform: Platform,
    /// Its name, as in [`Row::call`].
    pub name: &'static str,
    /// Made once more.
    pub twice: Twice,
}

/// Every limit that is kept to on a platform.
#[must_use]
pub fn rows(platform: Platform) -> Vec<Row> {
    match platform {
        Platform::Slack => slack::limits::rows(),
        Platform::Discord => discord::limits::rows(),
    }
}

/// Every call that is made on a platform.
#[must_use]
pub fn calls(platform: Platform) -> Vec<Call> {
    match platform {
        Platform::Slack => slack::limits::calls(),
        Platform::Discord => discord::limits::calls(),
    }
}

impl Limit {
    /// So many calls in this time.
    #[must_use]
    pub const fn new(calls: u32, per: Duration) -> Limit {
        Limit { calls, per }
    }

    /// The time between two calls when all that may go at once has gone.
    #[must_use]
    pub fn apart(self) -> Duration {
        self.per / self.calls.max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;

    use super::*;
    use crate::chat::pace::Pace;
    use crate::clock::ManualClock;

    fn all() -> impl Iterator<Item = Row> {
        Platform::ALL.into_iter().flat_map(rows)
    }

    #[test]
    fn every_call_has_a_row_and_every_row_a_source() {
        for platform in Platform::ALL {
            let limited: BTreeSet<&str> = rows(platform).iter().map(|row| row.call).collect();
            for call in calls(platform) {
                assert!(limited.contains(call.name), "{} has no row", call.name);
            }
        }
        for row in all() {
            let told = match row.figure.source {
                Source::Told { page, read } => !page.is_empty() && read.contains("2026"),
                Source::Read { page, read, words } => !page.is_empty() && read.contains("2026") && !words.is_empty(),
                Source::Seen { by } => !by.is_empty(),
                Source::Headers { why } => !why.is_empty(),
            };
            assert!(told, "{} has no source", row.call);
        }
    }

    /// A call that stands in no list would be in no table: each constant is counted where it is written.
    #[test]
    fn no_call_is_left_out_of_the_tables() {
        let written = |source: &str, kind: &str| source.matches(&format!(": {kind} =")).count();
        assert_eq!(written(include_str!("slack/limits.rs"), "Method"), slack::limits::calls().len());
        assert_eq!(written(include_str!("discord/limits.rs"), "Route"), discord::limits::calls().len());
    }

    /// Takes as many places as there are, as soon as there are any, and looks at every window.
    #[test]
    fn what_is_kept_to_stays_within_the_figure_in_every_window() {
        for row in all() {
            let Figure { told, tolerated, kept, source } = row.figure;
            let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
            let pace = Pace::new(std::sync::Arc::new(clock));
            if row.bucket == Bucket::Counted {
                let windows = told.per.as_millis().div_ceil(kept.per.as_millis());
                assert!(windows * u128::from(kept.calls) <= u128::from(told.calls), "{}: too many", row.call);
                continue;
            }
            let places: Vec<Duration> = (0..kept.calls + 4 * told.calls)
                .map(|_| pace.take("b", kept, Timestamp::MAX).expect("there is no hurry"))
                .map(|at| at.map_or(Duration::ZERO, |at| at.duration_since(Timestamp::UNIX_EPOCH).unsigned_abs()))
                .collect();
            assert!(kept.calls <= told.calls + tolerated, "{}: too many at once", row.call);
            assert!(kept.apart() * told.calls >= told.per, "{}: too many in the long run", row.call);
            // Where the headers tell when a bucket is empty, it is shut before the burst and its refill can meet.
            if matches!(source, Source::Headers { .. }) {
                continue;
            }
            for (first, from) in places.iter().enumerate() {
                let within = places[first..].iter().take_while(|at| **at < *from + told.per).count();
                let most = (told.calls + tolerated) as usize;
                assert!(within <= most, "{}: {within} within {:?}, where {most} may be", row.call, told.per);
            }
        }
    }

    #[test]
    fn nothing_is_known_by_two_names() {
        for platform in Platform::ALL {
            let mut seen = BTreeSet::new();
            for row in rows(platform) {
                let new = seen.insert((row.call, format!("{:?} {:?}", row.per, row.figure)));
                assert!(new, "{} stands there twice", row.call);
            }
        }
    }
}
