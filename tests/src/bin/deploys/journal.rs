//! The deploys as the journal's export tells them, followed event by event without the bot's own fold.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bot::journal::JournalError;
use bot::store::StoreError;
use operations::deploy::How;
use operations::deploy::event::DeployEvent;
use operations::event::Event;
use operations::ids::{DeployId, Platform, UserRef};
use operations::journal::Record;
use serde_json::Value;

/// Where a deploy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Planning,
    Approving,
    Queued,
    Checking,
    Starting,
    Unknown,
    Running,
    Verifying,
    Ended(How),
}

/// One deploy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// What its run is found by at the CI.
    pub(crate) order: String,
    pub(crate) word: String,
    pub(crate) production: bool,
    pub(crate) by: String,
    pub(crate) stage: Stage,
    /// The plan's digest.
    pub(crate) digest: String,
    /// Who approved the plan that stands.
    pub(crate) valid: Vec<String>,
    /// How many more approvals were said to be needed at last.
    pub(crate) needs: u32,
    /// How often somebody approved it.
    pub(crate) approved: u32,
    /// How often the pipeline was asked to start it: once at most.
    pub(crate) began: u32,
    /// The runs that were told or found.
    pub(crate) runs: Vec<String>,
    /// Whether nobody knew at some time whether it was started.
    pub(crate) lost: bool,
    /// How often it was looked for in vain, and the evidence of the last time.
    pub(crate) looks: u32,
    pub(crate) evidence: String,
    /// Found by a look.
    pub(crate) found: bool,
    /// What somebody said about whether it ran.
    pub(crate) answered: Option<bool>,
}

/// What stands in a journal.
#[derive(Default)]
pub(crate) struct Journal {
    /// How many events, of which every hash fits.
    pub(crate) events: u64,
    pub(crate) deploys: BTreeMap<DeployId, Told>,
    /// What can't follow one another, and what was given up or could not be read.
    pub(crate) wrong: Vec<String>,
    /// Who an account is: the same person on both chats.
    names: HashMap<(Platform, String), String>,
}

impl Journal {
    /// Exports the journal of a data directory, checks the chain of its hashes, and reads it; an empty one where there is
    /// none yet.
    ///
    /// # Errors
    /// The first record that is wrong, and what can't be read.
    pub(crate) fn read(data: &Path, names: HashMap<(Platform, String), String>) -> Result<Journal, String> {
        let mut export = Vec::new();
        let exported = match bot::journal::export(data, &mut export) {
            Err(JournalError::Store(StoreError::Missing(_))) => return Ok(Journal::default()),
            exported => exported.map_err(|error| error.to_string())?,
        };
        let checked = bot::journal::verify_export(&mut export.as_slice()).map_err(|error| error.to_string())?;
        if (checked.events, checked.hash) != (exported.events, exported.hash) {
            return Err("the export is not what was exported".to_owned());
        }
        let mut journal = Journal { events: checked.events, names, ..Journal::default() };
        for line in export.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut line: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
            if line.get("record").is_some() {
                let record: Record =
                    serde_json::from_value(line["record"]["record"].take()).map_err(|error| error.to_string())?;
                journal.take(&record);
            }
        }
        Ok(journal)
    }

    fn take(&mut self, record: &Record) {
        let seq = record.seq;
        match &record.event {
            Event::Deploy { deploy, what } => self.deploy(seq, *deploy, what),
            Event::EffectGivenUp { about, why, .. } => {
                self.wrong.push(format!("event {seq}: gave up to {about}: {}", why.as_str()));
            }
            Event::UnreadableReceived { why, .. } => self.wrong.push(format!("event {seq}: unreadable: {why}")),
            _ => {}
        }
    }

    fn deploy(&mut self, seq: u64, id: DeployId, what: &DeployEvent) {
        let (wrong, names) = (&mut self.wrong, &self.names);
        let name = |user: &UserRef| {
            let known = names.get(&(user.platform, user.user.clone()));
            known.cloned().unwrap_or_else(|| format!("somebody on {}: {}", user.platform.title(), user.user))
        };
        let it = self.deploys.entry(id).or_default();
        let mut must = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("event {seq}: {id}: {what}"));
            }
        };
        must(!matches!(it.stage, Stage::Ended(_)) || is_afterwards(what), "something after its end");
        match what {
            DeployEvent::Asked { wanted, by, nonce, .. } => {
                must(it.word.is_empty(), "it is asked for twice");
                it.order = format!("muster-d{}-{nonce}", id.0);
                it.word = wanted.parameters.get("word").cloned().unwrap_or_default();
                it.production = wanted.target.environment == "production";
                it.by = name(&by.user);
            }
            DeployEvent::Planned { plan, .. } => it.digest.clone_from(&plan.digest),
            DeployEvent::Replanned { plan, .. } => {
                it.digest.clone_from(&plan.digest);
                it.valid.clear();
                it.needs = 0;
            }
            DeployEvent::ApprovalAsked { needs, .. } => {
                it.needs = *needs;
                it.stage = Stage::Approving;
            }
            DeployEvent::Approved { by, digest, needs, .. } => {
                must(it.stage == Stage::Approving, "it is approved and did not wait for that");
                must(*digest == it.digest, "another plan is approved than the one that stands");
                it.valid.push(name(&by.user));
                (it.needs, it.approved) = (*needs, it.approved + 1);
            }
            DeployEvent::Queued => it.stage = Stage::Queued,
            DeployEvent::Turned => {
                must(it.stage == Stage::Queued, "it has its turn and did not wait for it");
                it.stage = Stage::Checking;
            }
            DeployEvent::Began => {
                must(it.needs == 0, "it begins, and approvals are wanted");
                must(!it.production || it.valid.iter().any(|by| *by != it.by), "nobody else approved it");
                it.began += 1;
                must(it.began == 1, "it begins twice");
                it.stage = Stage::Starting;
            }
            DeployEvent::Dispatched { run } => {
                must(matches!(it.stage, Stage::Starting | Stage::Unknown), "a run is told of, and none was asked for");
                it.found |= it.stage == Stage::Unknown;
                it.runs.push(run.id.clone());
                it.stage = Stage::Running;
            }
            DeployEvent::Lost { evidence } => {
                must(matches!(it.stage, Stage::Starting | Stage::Running), "it is lost, and was not under way");
                (it.lost, it.looks) = (true, 0);
                evidence.as_str().clone_into(&mut it.evidence);
                it.stage = Stage::Unknown;
            }
            DeployEvent::NotFound { evidence } => {
                must(it.stage == Stage::Unknown, "it is not found, and is known");
                it.looks += 1;
                evidence.as_str().clone_into(&mut it.evidence);
            }
            DeployEvent::LookedAgain { .. } => {
                must(it.stage == Stage::Unknown, "it is looked for, and is known");
                if !it.runs.is_empty() {
                    it.stage = Stage::Running;
                }
            }
            DeployEvent::Answered { ran, .. } => {
                must(it.stage == Stage::Unknown, "somebody said how it is, and it is known");
                it.answered = Some(*ran);
            }
            DeployEvent::Verifying { .. } => it.stage = Stage::Verifying,
            DeployEvent::Ended { how, .. } => it.stage = Stage::Ended(*how),
            DeployEvent::Progressed { .. }
            | DeployEvent::GateAnswered { .. }
            | DeployEvent::Stopping { .. }
            | DeployEvent::NotDone { .. }
            | DeployEvent::Checked { .. }
            | DeployEvent::Logged { .. }
            | DeployEvent::Alerted { .. } => {}
        }
    }
}

/// What may still be learned about a deploy that is over.
fn is_afterwards(what: &DeployEvent) -> bool {
    matches!(what, DeployEvent::Logged { .. } | DeployEvent::Alerted { .. } | DeployEvent::NotDone { .. })
}
