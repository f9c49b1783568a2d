//! The journal as an export tells it, counted.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use bot::journal::JournalError;
use bot::store::StoreError;
use operations::chat::Actor;
use operations::event::Event;
use operations::ids::{GroupId, IncidentId, Platform};
use operations::journal::Record;
use serde_json::Value;

/// What stands in a journal.
#[derive(Default)]
pub(crate) struct Journal {
    /// How many events, of which every hash fits.
    pub(crate) events: u64,
    /// How often each alert fired, by its instance.
    pub(crate) fired: HashMap<String, u32>,
    /// The groups that were opened under each title.
    pub(crate) groups: HashMap<String, Vec<GroupId>>,
    /// The instances that fired in each group, in order.
    pub(crate) members: HashMap<GroupId, BTreeSet<String>>,
    /// Who acknowledged each group.
    pub(crate) acknowledged: HashMap<GroupId, Vec<Actor>>,
    /// Where each text was noted, and the events' numbers.
    pub(crate) notes: HashMap<String, Vec<(IncidentId, u64)>>,
    /// Which rooms were opened, and the events' numbers.
    pub(crate) rooms: HashMap<(IncidentId, Platform), u64>,
    /// The incidents that were declared under each title.
    pub(crate) declared: HashMap<String, Vec<IncidentId>>,
    /// How many alerts were told again as they were.
    pub(crate) repeated: usize,
    /// What was given up, and payloads that could not be read: there must be none.
    pub(crate) wrong: Vec<String>,
}

impl Journal {
    /// Exports the journal of a data directory, checks the chain of its hashes, and reads it; none where there is
    /// none yet.
    ///
    /// # Errors
    /// The first record that is wrong, and what can't be read.
    pub(crate) fn read(data: &Path) -> Result<Option<Journal>, String> {
        let mut export = Vec::new();
        let exported = match bot::journal::export(data, &mut export) {
            Err(JournalError::Store(StoreError::Missing(_))) => return Ok(None),
            exported => exported.map_err(|error| error.to_string())?,
        };
        let checked = bot::journal::verify_export(&mut export.as_slice()).map_err(|error| error.to_string())?;
        if (checked.events, checked.hash) != (exported.events, exported.hash) {
            return Err("the export is not what was exported".to_owned());
        }
        let mut journal = Journal { events: checked.events, ..Journal::default() };
        for line in export.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut line: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
            if line.get("record").is_some() {
                let record: Record =
                    serde_json::from_value(line["record"]["record"].take()).map_err(|error| error.to_string())?;
                journal.take(record);
            }
        }
        Ok(Some(journal))
    }

    fn take(&mut self, record: Record) {
        let seq = record.seq;
        match record.event {
            Event::GroupOpened { group, title, .. } => {
                self.groups.entry(title.as_str().to_owned()).or_default().push(group);
            }
            Event::AlertFired { group, alert, .. } => {
                let instance = alert.labels.get("instance").map(|it| it.as_str().to_owned()).unwrap_or_default();
                *self.fired.entry(instance.clone()).or_default() += 1;
                self.members.entry(group).or_default().insert(instance);
            }
            Event::AlertsRepeated { fingerprints, .. } => self.repeated += fingerprints.len(),
            Event::AlertAcknowledged { group, by, .. } => self.acknowledged.entry(group).or_default().push(by),
            Event::NoteAdded { incident, text, .. } => {
                self.notes.entry(text.as_str().to_owned()).or_default().push((incident, seq));
            }
            Event::IncidentDeclared { incident, title, .. } => {
                self.declared.entry(title.as_str().to_owned()).or_default().push(incident);
            }
            Event::RoomOpened { incident, platform, .. } => {
                self.rooms.insert((incident, platform), seq);
            }
            Event::EffectGivenUp { about, why, .. } => {
                self.wrong.push(format!("event {seq}: gave up to {about}: {}", why.as_str()));
            }
            Event::UnreadableReceived { why, .. } => self.wrong.push(format!("event {seq}: unreadable: {why}")),
            Event::Started { .. }
            | Event::PoliciesChanged { .. }
            | Event::AccountChanged { .. }
            | Event::TroubleBegan { .. }
            | Event::TroubleEnded { .. }
            | Event::ChannelUnusable { .. }
            | Event::ChannelUsable { .. }
            | Event::MessagesMissed { .. }
            | Event::MissedCut { .. }
            | Event::StormBegan { .. }
            | Event::StormWatched { .. }
            | Event::StormEnded { .. }
            | Event::MissedBegan { .. }
            | Event::MissedEnded { .. }
            | Event::AlertResolved { .. }
            | Event::UnheardResolved { .. }
            | Event::GroupTruncated { .. }
            | Event::GroupResolved { .. }
            | Event::AlertUnacknowledged { .. }
            | Event::AcknowledgementAsked { .. }
            | Event::AlertAttached { .. }
            | Event::SeverityChanged { .. }
            | Event::RoleChanged { .. }
            | Event::ResponderJoined { .. }
            | Event::UpdatePosted { .. }
            | Event::UpdateAsked { .. }
            | Event::ActionItemAdded { .. }
            | Event::IncidentMitigated { .. }
            | Event::IncidentResolved { .. }
            | Event::IncidentReopened { .. }
            | Event::MessageMarked { .. }
            | Event::MessageCaptured { .. }
            | Event::MarkWithdrawn { .. }
            | Event::PostmortemAsked { .. }
            | Event::PostmortemPublished { .. }
            | Event::CardPosted { .. }
            | Event::Deploy { .. }
            | Event::Hold(_)
            | Event::CardLost { .. } => {}
        }
    }
}
