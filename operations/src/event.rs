//! Events: what happened, as the journal keeps it. Past tense, never changed once written.
//!
//! A new kind of event may be added; an existing one only gains optional fields. What
//! holds: an event carries everything that folding it needs, so a replay asks nothing else.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::accounts::Standing;
use crate::alert::{Alert, Unheard};
use crate::channels::Unusable;
use crate::chat::{Actor, Captured};
use crate::deploy::event::{DeployEvent, HoldEvent};
use crate::effect::{CardId, Place};
use crate::ids::{
    ChannelId, DeployId, GroupId, IncidentId, MessageId, MessageRef, MissedId, Platform, StormId, UserRef,
};
use crate::incident::{Mark, Role, Severity};
use crate::text::Outside;
use crate::triage::Verdict;
use crate::vitals::Trouble;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Muster started.
    Started {
        /// Its version.
        version: String,
    },
    /// Other rules than before say who may do what.
    PoliciesChanged {
        /// Which they were before; empty at first.
        from: String,
        /// Which ones: the beginning of the SHA-256 of their files.
        version: String,
        /// How many there are.
        rules: usize,
    },
    /// A chat says that somebody is a guest there, was deactivated, or is a full member again.
    AccountChanged {
        /// Whose account.
        user: UserRef,
        /// How it stands; none for a full member.
        standing: Option<Standing>,
    },
    /// A payload came in that couldn't be read.
    UnreadableReceived {
        /// From where.
        platform: Platform,
        /// As it came, without credentials.
        raw: Outside,
        /// Why.
        why: String,
    },
    /// The first alert of a group fired.
    GroupOpened {
        /// Its number.
        group: GroupId,
        /// The source's name.
        source: Arc<str>,
        /// The source's key of it.
        key: Arc<str>,
        /// What it is called.
        title: Outside,
        /// The service that it is about.
        service: Option<Outside>,
        /// Its severity.
        severity: Severity,
        /// Where the source can be looked at.
        source_url: Option<Arc<str>>,
        /// The service whose channel it is shown in; none for the channel of all alerts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Outside>,
    },
    /// An alert fires: for the first time, again, or with other words.
    AlertFired {
        /// In which group.
        group: GroupId,
        /// The alert.
        alert: Alert,
        /// Why it was taken so.
        verdict: Verdict,
    },
    /// Alerts were told again as they were.
    AlertsRepeated {
        /// In which group.
        group: GroupId,
        /// Which ones, by fingerprint.
        fingerprints: Vec<Arc<str>>,
    },
    /// An alert ended.
    AlertResolved {
        /// In which group.
        group: GroupId,
        /// Which one.
        fingerprint: Arc<str>,
        /// When, by the source's word.
        ends_at: Timestamp,
    },
    /// Alerts were told as resolved that had never fired here: their firing may still be on its way.
    UnheardResolved {
        /// The source's name.
        source: Arc<str>,
        /// The source's key of their group.
        key: Arc<str>,
        /// Which ones.
        alerts: Vec<Unheard>,
    },
    /// The source left members out, or told of all again.
    GroupTruncated {
        /// In which group.
        group: GroupId,
        /// How many it left out.
        hidden: u32,
    },
    /// Something is wrong with Muster itself, or with what it needs.
    TroubleBegan {
        /// What.
        trouble: Trouble,
        /// Why, where it is known.
        why: Outside,
    },
    /// It is right again.
    TroubleEnded {
        /// What.
        trouble: Trouble,
    },
    /// A channel can't be used: what belongs there goes elsewhere until it can.
    ChannelUnusable {
        /// On which chat.
        platform: Platform,
        /// Which one.
        channel: ChannelId,
        /// Why.
        why: Unusable,
        /// The platform's own words.
        said: Outside,
    },
    /// A channel can be used again.
    ChannelUsable {
        /// On which chat.
        platform: Platform,
        /// Which one.
        channel: ChannelId,
        /// The cards in it that went on elsewhere meanwhile.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<MessageId>,
    },
    /// What was said on a chat from a moment on was not heard; in rooms it is looked up.
    MessagesMissed {
        /// On which chat.
        platform: Platform,
        /// From when on.
        since: Timestamp,
    },
    /// More was said in a room than is looked up afterwards.
    MissedCut {
        /// Of which incident.
        incident: IncidentId,
        /// On which chat.
        platform: Platform,
    },
    /// So many groups open in a channel that those that open from now on are held back.
    StormBegan {
        /// Its number.
        storm: StormId,
        /// The service whose channel it is; none for the channel of all alerts.
        channel: Option<Outside>,
        /// When it is looked at.
        check: Timestamp,
    },
    /// A storm goes on.
    StormWatched {
        /// Which one.
        storm: StormId,
        /// When it is looked at again.
        check: Timestamp,
    },
    /// A storm is over.
    StormEnded {
        /// Which one.
        storm: StormId,
        /// The groups that get their cards now.
        released: Vec<GroupId>,
    },
    /// Alerts could not be shown on a chat in time: one board will stand for the cards of these, and of those that open
    /// until it is posted.
    MissedBegan {
        /// The board's number.
        missed: MissedId,
        /// The chat.
        platform: Platform,
        /// The service whose channel it is; none for the channel of all alerts.
        channel: Option<Outside>,
        /// Which ones.
        groups: Vec<GroupId>,
    },
    /// The board was posted, or can't be.
    MissedEnded {
        /// Which one.
        missed: MissedId,
        /// The groups that get their cards now.
        released: Vec<GroupId>,
    },
    /// The last alert of a group ended.
    GroupResolved {
        /// Which one.
        group: GroupId,
    },
    /// Somebody takes care of a group.
    AlertAcknowledged {
        /// Which one.
        group: GroupId,
        /// Who.
        by: Actor,
        /// Who took care of it before.
        taken_from: Option<Actor>,
        /// When to ask again if it still fires.
        asks_again: Option<Timestamp>,
    },
    /// Nobody takes care of it any more.
    AlertUnacknowledged {
        /// Which one.
        group: GroupId,
        /// Who said so.
        by: Actor,
    },
    /// It was asked whether somebody still takes care of it.
    AcknowledgementAsked {
        /// Which one.
        group: GroupId,
    },
    /// An incident was declared.
    IncidentDeclared {
        /// Its number.
        incident: IncidentId,
        /// What is wrong.
        title: Outside,
        /// How bad it is.
        severity: Severity,
        /// Who declared it.
        by: Actor,
        /// When the first update is due.
        update_due: Option<Timestamp>,
    },
    /// An alert group was made part of an incident.
    AlertAttached {
        /// Of which one.
        incident: IncidentId,
        /// Which group.
        group: GroupId,
    },
    /// The severity was changed.
    SeverityChanged {
        /// Of which incident.
        incident: IncidentId,
        /// What it was.
        from: Severity,
        /// What it is.
        to: Severity,
        /// Who changed it.
        by: Actor,
        /// When the next update is due now.
        update_due: Option<Timestamp>,
    },
    /// A role was given or freed.
    RoleChanged {
        /// In which incident.
        incident: IncidentId,
        /// Which role.
        role: Role,
        /// Who has it now.
        to: Option<Actor>,
        /// Who changed it.
        by: Actor,
    },
    /// Somebody did something in an incident for the first time.
    ResponderJoined {
        /// In which incident.
        incident: IncidentId,
        /// Who.
        who: Actor,
    },
    /// Somebody wrote something down.
    NoteAdded {
        /// In which incident.
        incident: IncidentId,
        /// What.
        text: Outside,
        /// Who.
        by: Actor,
    },
    /// Somebody told where things stand.
    UpdatePosted {
        /// In which incident.
        incident: IncidentId,
        /// What.
        text: Outside,
        /// Who.
        by: Actor,
        /// When the next one is due.
        update_due: Option<Timestamp>,
    },
    /// It was asked for an update.
    UpdateAsked {
        /// In which incident.
        incident: IncidentId,
        /// When it is asked again.
        update_due: Option<Timestamp>,
    },
    /// Something is to be done afterwards.
    ActionItemAdded {
        /// Of which incident.
        incident: IncidentId,
        /// What.
        text: Outside,
        /// Who said so.
        by: Actor,
    },
    /// It no longer hurts.
    IncidentMitigated {
        /// Which one.
        incident: IncidentId,
        /// What was done.
        text: Option<Outside>,
        /// Who said so.
        by: Actor,
    },
    /// It is over.
    IncidentResolved {
        /// Which one.
        incident: IncidentId,
        /// How.
        text: Option<Outside>,
        /// Who said so.
        by: Actor,
    },
    /// It was not over after all.
    IncidentReopened {
        /// Which one.
        incident: IncidentId,
        /// Why.
        text: Option<Outside>,
        /// Who said so.
        by: Actor,
        /// When the next update is due.
        update_due: Option<Timestamp>,
    },
    /// Somebody marked a message for the timeline; it is being looked up.
    MessageMarked {
        /// Of which incident.
        incident: IncidentId,
        /// Which message.
        message: MessageRef,
        /// Who marked it.
        by: Actor,
        /// How.
        how: Mark,
    },
    /// The marked message was looked up.
    MessageCaptured {
        /// Of which incident.
        incident: IncidentId,
        /// The message as it was.
        captured: Captured,
        /// Who marked it.
        by: Actor,
        /// How.
        how: Mark,
    },
    /// The mark was taken away: the message is no longer in the timeline.
    MarkWithdrawn {
        /// Of which incident.
        incident: IncidentId,
        /// Which message.
        message: MessageRef,
        /// Who took it away.
        by: Actor,
        /// How it had been marked.
        how: Mark,
    },
    /// Somebody asked for the postmortem.
    PostmortemAsked {
        /// Of which incident.
        incident: IncidentId,
        /// Who.
        by: Actor,
    },
    /// The postmortem was written.
    PostmortemPublished {
        /// Of which incident.
        incident: IncidentId,
        /// Where it can be read.
        url: String,
        /// Generated parts that could not be refreshed, because a person changed their markers.
        #[serde(default)]
        stale: Vec<String>,
    },
    /// An incident's room was opened.
    RoomOpened {
        /// Of which incident.
        incident: IncidentId,
        /// Where.
        platform: Platform,
        /// The channel.
        channel: ChannelId,
        /// Its name.
        name: Outside,
    },
    /// A card was posted.
    CardPosted {
        /// Which card.
        card: CardId,
        /// Where.
        place: Place,
        /// In which channel.
        channel: ChannelId,
        /// As which message.
        message: MessageId,
        /// The one that it takes the place of, where that stayed behind in another channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<MessageRef>,
    },
    /// The message behind a card is gone.
    CardLost {
        /// Which card.
        card: CardId,
        /// Where.
        place: Place,
    },
    /// Something happened to a deploy.
    Deploy {
        /// Which one.
        deploy: DeployId,
        /// What. Boxed: it is much larger than the rest.
        what: Box<DeployEvent>,
    },
    /// Something happened to a lock or a freeze.
    Hold(Box<HoldEvent>),
    /// Something outside was given up.
    EffectGivenUp {
        /// What, by its key.
        effect: String,
        /// What it was, for people.
        about: String,
        /// For which incident.
        incident: Option<IncidentId>,
        /// Why.
        why: Outside,
    },
}

impl Event {
    /// The incident that the event is about, where it is about one.
    #[must_use]
    pub fn incident(&self) -> Option<IncidentId> {
        match self {
            Event::IncidentDeclared { incident, .. }
            | Event::AlertAttached { incident, .. }
            | Event::SeverityChanged { incident, .. }
            | Event::RoleChanged { incident, .. }
            | Event::ResponderJoined { incident, .. }
            | Event::NoteAdded { incident, .. }
            | Event::UpdatePosted { incident, .. }
            | Event::UpdateAsked { incident, .. }
            | Event::ActionItemAdded { incident, .. }
            | Event::IncidentMitigated { incident, .. }
            | Event::IncidentResolved { incident, .. }
            | Event::IncidentReopened { incident, .. }
            | Event::MessageMarked { incident, .. }
            | Event::MessageCaptured { incident, .. }
            | Event::MarkWithdrawn { incident, .. }
            | Event::PostmortemAsked { incident, .. }
            | Event::PostmortemPublished { incident, .. }
            | Event::MissedCut { incident, .. }
            | Event::RoomOpened { incident, .. } => Some(*incident),
            Event::EffectGivenUp { incident, .. } => *incident,
            Event::Started { .. }
            | Event::PoliciesChanged { .. }
            | Event::AccountChanged { .. }
            | Event::UnreadableReceived { .. }
            | Event::GroupOpened { .. }
            | Event::AlertFired { .. }
            | Event::AlertsRepeated { .. }
            | Event::AlertResolved { .. }
            | Event::UnheardResolved { .. }
            | Event::GroupTruncated { .. }
            | Event::GroupResolved { .. }
            | Event::TroubleBegan { .. }
            | Event::TroubleEnded { .. }
            | Event::ChannelUnusable { .. }
            | Event::ChannelUsable { .. }
            | Event::MessagesMissed { .. }
            | Event::StormBegan { .. }
            | Event::StormWatched { .. }
            | Event::StormEnded { .. }
            | Event::MissedBegan { .. }
            | Event::MissedEnded { .. }
            | Event::AlertAcknowledged { .. }
            | Event::AlertUnacknowledged { .. }
            | Event::AcknowledgementAsked { .. }
            | Event::CardPosted { .. }
            | Event::Deploy { .. }
            | Event::Hold(_)
            | Event::CardLost { .. } => None,
        }
    }
}
