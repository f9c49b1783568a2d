//! The timeline: an incident's events as people read them.
//!
//! An entry is made when its event is folded, so the timeline can't disagree with the
//! journal. What holds: entries are ordered by when the thing happened, not by when it was
//! recorded; a marked message stands at its own time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chat::Actor;
use crate::ids::MessageRef;
use crate::text::{Outside, Text};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The journal's number of the event that it stands for.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it, where somebody did.
    pub by: Option<Actor>,
    /// Of what kind it is.
    pub kind: Kind,
    /// What happened, in Muster's words.
    pub words: Text,
    /// Somebody's own words: a note, an update, a message.
    pub quote: Option<Outside>,
    /// Where the original can be read.
    pub link: Option<String>,
    /// The message that it is about, where it is about one.
    pub message: Option<MessageRef>,
}

/// The kinds of entry, to filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Declared, mitigated, resolved, reopened.
    Status,
    /// An alert fired, was acknowledged, was resolved.
    Alert,
    /// The severity was changed.
    Severity,
    /// A role changed hands.
    Role,
    /// A note.
    Note,
    /// An update.
    Update,
    /// A message that was pinned or marked.
    Message,
    /// An action item.
    Action,
    /// A deploy of a service that it is about.
    Deploy,
}

impl Kind {
    /// As it stands in an export.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Status => "status",
            Kind::Alert => "alert",
            Kind::Severity => "severity",
            Kind::Role => "role",
            Kind::Note => "note",
            Kind::Update => "update",
            Kind::Message => "message",
            Kind::Action => "action item",
            Kind::Deploy => "deploy",
        }
    }
}

/// Puts an entry where its time belongs; after those of the same time.
pub fn insert(timeline: &mut Vec<Entry>, entry: Entry) {
    let place = timeline.partition_point(|other| other.at <= entry.at);
    timeline.insert(place, entry);
}
