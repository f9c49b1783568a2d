//! `muster journal …` and `muster postmortem`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use integrations::wiki::git::Wiki;
use operations::ids::IncidentId;

use super::{At, DataAt, Failed, JournalCommand, load, out};
use crate::journal::{self, Summary};
use crate::publish::Publisher;
use crate::store::files::ReadOnly;

/// Exports, imports or verifies.
pub(super) fn journal(command: &JournalCommand) -> Result<(), Failed> {
    match command {
        JournalCommand::Export { file: Some(file), at } => {
            let made = File::create_new(file).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    Failed::new(format!("{} is there already. Name a file that isn't", file.display()))
                }
                _ => Failed::new(format!("{}: {error}", file.display())),
            });
            let mut to = BufWriter::new(made?);
            let summary = journal::export(&data_dir(at)?, &mut to)?;
            to.into_inner().map_err(|error| Failed::new(error.to_string()))?.sync_all()?;
            tell("Exported", summary);
        }
        JournalCommand::Export { file: None, at } => {
            let mut to = BufWriter::new(std::io::stdout().lock());
            journal::export(&data_dir(at)?, &mut to)?;
            to.flush()?;
        }
        JournalCommand::Import { file, at } => {
            tell("Imported", journal::import(&mut BufReader::new(open(file)?), &data_dir(at)?)?);
        }
        JournalCommand::Verify { file: Some(file), .. } => {
            tell("Every hash fits:", journal::verify_export(&mut BufReader::new(open(file)?))?);
        }
        JournalCommand::Verify { file: None, at } => tell("Every hash fits:", journal::verify(&data_dir(at)?)?),
    }
    Ok(())
}

/// The data directory that is named, or the configuration's.
fn data_dir(at: &DataAt) -> Result<PathBuf, Failed> {
    match &at.data {
        Some(data) => Ok(data.clone()),
        None => Ok(load(&At { config: at.config.clone() })?.data_dir),
    }
}

fn open(file: &Path) -> Result<File, Failed> {
    File::open(file).map_err(|error| Failed::new(format!("{}: {error}", file.display())))
}

fn tell(what: &str, summary: Summary) {
    let Summary { events, hash, effects } = summary;
    out::line(&format!("{what} {events} events, {effects} open effects. Last hash: {hash}"));
}

/// Writes an incident's postmortem from the journal; also while the bot runs.
pub(super) fn postmortem(incident: &str, at: &At) -> Result<(), Failed> {
    let id: IncidentId = incident
        .parse()
        .map_err(|_| Failed::new(format!("\"{incident}\" is no incident. They are numbered: INC-1, INC-2…")))?;
    let config = load(at)?;
    let (mut state, _, _) = ReadOnly::open(&config.data_dir)?.bring_back()?;
    state.settings = config.settings(&Default::default());
    let view = crate::postmortem::view::view(&state, id).ok_or_else(|| Failed::new(format!("There is no {id}.")))?;
    let wiki = Wiki::open_or_create(&config.wiki.path, "Muster").map_err(|error| Failed::new(error.to_string()))?;
    let publisher = Publisher {
        wiki: Arc::new(wiki),
        template: config.postmortem_template.clone(),
        public_url: String::new(),
        push: config.wiki.push.clone(),
    };
    let page = publisher.write(&view)?;
    out::line(&config.wiki.path.join(page.path).display().to_string());
    if !page.stale.is_empty() {
        out::line(&format!("Not refreshed, because a marker is missing in the page: {}", page.stale.join(", ")));
    }
    Ok(())
}
