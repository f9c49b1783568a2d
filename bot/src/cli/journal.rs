//! `muster journal …` and `muster postmortem`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use integrations::wiki::git::Wiki;
use operations::checkpoint;
use operations::ids::IncidentId;

use super::{At, DataAt, Failed, JournalCommand, load, out};
use crate::checkpoints::check::{Against, Fitting};
use crate::checkpoints::key::{Key, PublicKey};
use crate::journal::{self, Summary};
use crate::publish::Publisher;
use crate::store::files::ReadOnly;

/// Exports, imports, verifies, or shows the key.
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
        JournalCommand::Verify { file, checkpoint, key, at } => {
            let against = against(checkpoint, key)?;
            let (summary, fitting) = match file {
                Some(file) => journal::verify_export_against(&mut BufReader::new(open(file)?), &against)?,
                None => journal::verify_against(&data_dir(at)?, &against)?,
            };
            tell("Every hash fits:", summary);
            tell_checkpoints(summary, &fitting);
        }
        JournalCommand::Key { at } => {
            let data = data_dir(at)?;
            let none = || Failed::new(format!("{}: there is no key yet; the first start makes one", data.display()));
            out::line(&Key::open(&data)?.ok_or_else(none)?.public().to_string());
        }
    }
    Ok(())
}

/// What was named to check the journal against.
fn against(files: &[PathBuf], keys: &[String]) -> Result<Against, Failed> {
    let mut against = Against::default();
    for words in keys {
        let key = PublicKey::read(words.trim());
        let wrong = || Failed::new("--key: 64 hexadecimal digits are wanted, as `muster journal key` shows them");
        against.keys.push(key.ok_or_else(wrong)?);
    }
    for file in files {
        let name = file.display();
        let text = std::fs::read(file).map_err(|error| Failed::new(format!("{name}: {error}")))?;
        let found = checkpoint::find(&String::from_utf8_lossy(&text));
        let found = found.map_err(|unreadable| Failed::new(format!("{name}, {unreadable}")))?;
        if found.is_empty() {
            return Err(Failed::new(format!("{name}: there is no checkpoint in it")));
        }
        against.copies.extend(found.into_iter().map(|(line, found)| (format!("{name}, line {line}"), found)));
    }
    Ok(against)
}

/// What the checkpoints say, and what they can't.
fn tell_checkpoints(summary: Summary, fitting: &Fitting) {
    let Fitting { own, copies, newest, own_key } = fitting;
    let Some((seq, at)) = newest else {
        out::line("There is no checkpoint: that the journal was not cut or written anew can't be told.");
        return;
    };
    out::line(&format!(
        "Every checkpoint fits: {own} of its own, {copies} from elsewhere. The newest is at record {seq}, of {at}."
    ));
    if *seq < summary.events {
        out::line(&format!("{} newer events have no checkpoint yet.", summary.events - seq));
    }
    if let Some(key) = own_key {
        out::line(&format!(
            "The key is the data directory's own, {key}: whoever can write there can replace journal, checkpoints and key \
             together. Name the key that you know with --key, and a checkpoint from elsewhere with --checkpoint."
        ));
    } else if *copies == 0 {
        out::line(
            "Whether the end was cut together with its checkpoints shows only with one from elsewhere: --checkpoint.",
        );
    }
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
        crash: Default::default(),
    };
    let page = publisher.write(&view)?;
    out::line(&config.wiki.path.join(page.path).display().to_string());
    if !page.stale.is_empty() {
        out::line(&format!("Not refreshed, because a marker is missing in the page: {}", page.stale.join(", ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use operations::journal::Hash;

    use super::*;
    use crate::checkpoints::book::Book;
    use crate::store::files::Files;
    use crate::store::{Batch, Store};

    /// A data directory with one record and its checkpoint.
    fn data() -> (tempfile::TempDir, Key, operations::checkpoint::Checkpoint) {
        let data = tempfile::tempdir().expect("a directory");
        let line = br#"{"seq":1,"at":"2026-01-01T00:00:00Z","event":{"Started":{"version":"x"}}}"#;
        let hash = Hash::GENESIS.then(line);
        let mut batch = Batch::new(1);
        batch.push(line, hash);
        Files::open(data.path()).and_then(|mut store| store.commit(&batch)).expect("it is committed");
        let key = Key::open_or_make(data.path()).expect("a key");
        let checkpoint = key.sign(1, hash, jiff::Timestamp::UNIX_EPOCH);
        Book::open(data.path()).expect("it opens").add(&checkpoint).expect("it is added");
        (data, key, checkpoint)
    }

    fn verify(data: &Path, copies: &[&Path], keys: &[String]) -> Result<(), Failed> {
        let at = DataAt { config: PathBuf::new(), data: Some(data.to_owned()) };
        let checkpoint = copies.iter().map(|path| path.to_path_buf()).collect();
        journal(&JournalCommand::Verify { file: None, checkpoint, key: keys.to_vec(), at })
    }

    #[track_caller]
    fn refused(verified: Result<(), Failed>, words: &str) {
        let Err(Failed { what, code }) = verified else { panic!("it is refused") };
        assert!(what.contains(words) && code == 1, "{code}: {what}");
    }

    #[test]
    fn what_was_copied_from_a_chat_is_checked_and_what_does_not_fit_ends_with_1() {
        let (data, key, checkpoint) = data();
        let keys = [key.public().to_string()];
        let copy = data.path().join("chat.txt");
        let written = |text: String| std::fs::write(&copy, text).expect("a file");
        written(format!("Muster 14:05\n{}\n", crate::checkpoints::card(&checkpoint).words()));
        assert!(verify(data.path(), &[&copy], &keys).is_ok());
        written(key.sign(7, Hash([7; 32]), checkpoint.at).posted());
        refused(verify(data.path(), &[&copy], &keys), "chat.txt, line 1: the checkpoint at record 7");
        refused(verify(data.path(), &[&copy], &[]), "the journal ends at record 1");
        written("nothing of the kind".to_owned());
        refused(verify(data.path(), &[&copy], &keys), "there is no checkpoint in it");
        written(checkpoint.posted()[..50].to_owned());
        refused(verify(data.path(), &[&copy], &keys), "line 1: the checkpoint in it is not whole");
        refused(verify(data.path(), &[], &["key".to_owned()]), "64 hexadecimal digits");
        let other = Key::make().expect("a key").0.public().to_string();
        refused(verify(data.path(), &[], &[other]), "is signed with the key");
    }

    #[test]
    fn without_checkpoints_or_without_the_key_it_says_so() {
        let (data, key, _) = data();
        std::fs::remove_file(data.path().join(crate::checkpoints::key::NAME)).expect("it is there");
        refused(verify(data.path(), &[], &[]), "there is no key to check the checkpoints with");
        assert!(verify(data.path(), &[], &[key.public().to_string()]).is_ok());
        let at = DataAt { config: PathBuf::new(), data: Some(data.path().to_owned()) };
        refused(journal(&JournalCommand::Key { at }), "there is no key yet");
        std::fs::remove_file(data.path().join(crate::checkpoints::book::NAME)).expect("it is there");
        assert!(verify(data.path(), &[], &[]).is_ok(), "a journal from before there were checkpoints is one");
    }
}
