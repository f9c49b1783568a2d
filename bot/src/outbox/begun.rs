//! Which answers were begun: noted before they are sent, so that after a kill it is known which may have been given.
//!
//! Most effects are looked for at the other side. An answer that nobody can look up is given
//! again with words that say so, and those words are to stand only where they may be true.
//! What holds: what was sent is noted as begun, or everything is taken for begun. The notes
//! are not synced: they survive a kill; after a power cut the machine has started anew, which
//! its kernel tells, and then everything is taken for begun.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The file's name.
pub const NAME: &str = "begun";
/// With more lines than this that say nothing any more, the file is written anew.
const IDLE_LINES: usize = 4096;

/// The notes. Cloning gives another handle on the same ones.
#[derive(Clone)]
pub struct Begun {
    notes: Arc<Mutex<Notes>>,
}

struct Notes {
    path: PathBuf,
    /// None where it can't be written: then it is not there either.
    file: Option<File>,
    lines: usize,
    open: HashSet<String>,
}

impl Begun {
    /// Reads what an earlier process has noted of the effects that are open, and goes on from there.
    pub fn open<'a>(directory: &Path, still_open: impl Iterator<Item = &'a str>) -> Begun {
        let path = directory.join(NAME);
        let noted = std::fs::read_to_string(&path).ok().and_then(|text| noted(&text, &since_boot()));
        let may_have = |key: &&str| noted.as_ref().is_none_or(|noted| noted.contains(*key));
        let open = still_open.filter(may_have).map(str::to_owned).collect();
        let mut notes = Notes { path, file: None, lines: 0, open };
        notes.write_anew();
        Begun { notes: Arc::new(Mutex::new(notes)) }
    }

    /// Whether an effect may have been carried out, or tried to be.
    #[must_use]
    pub fn may_have(&self, key: &str) -> bool {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).open.contains(key)
    }

    /// Notes that an effect is about to be tried; whether that was done. Where it was not, it must not be tried.
    #[must_use]
    pub async fn begins(&self, key: &str) -> bool {
        self.note('+', key, |notes, key| notes.open.insert(key)).await
    }

    /// Notes that trying it did nothing.
    pub async fn did_nothing(&self, key: &str) {
        self.note('-', key, |notes, key| notes.open.remove(&key)).await;
    }

    /// An effect is not open any more.
    pub fn forget(&self, key: &str) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).open.remove(key);
    }

    async fn note(
        &self,
        sign: char,
        key: &str,
        change: impl FnOnce(&mut Notes, String) -> bool + Send + 'static,
    ) -> bool {
        let (notes, key) = (self.notes.clone(), key.to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
            let line = format!("{sign}{key}\n");
            change(&mut notes, key);
            notes.add(&line);
        });
        let is_done = written.await.is_ok();
        if !is_done {
            tracing::error!("Noting what is begun broke down");
        }
        is_done
    }
}

impl Notes {
    fn add(&mut self, line: &str) {
        if self.lines > IDLE_LINES + 2 * self.open.len() {
            return self.write_anew();
        }
        self.lines += 1;
        // A file that lacks a line would say that something was not begun.
        if self.file.as_mut().is_none_or(|file| file.write_all(line.as_bytes()).is_err()) {
            self.write_anew();
        }
    }

    fn write_anew(&mut self) {
        self.file = None;
        self.lines = self.open.len();
        let keys = self.open.iter().map(|key| format!("+{key}\n"));
        let text: String = std::iter::once(format!("{}\n", since_boot())).chain(keys).collect();
        let new = self.path.with_extension("new");
        let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &self.path));
        match written.and_then(|()| File::options().append(true).open(&self.path)) {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                tracing::warn!(%error, "Which answers are begun can't be noted; after a kill all are taken for begun");
                // Where it can't be taken away either, it can't be read or the disk is gone.
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }
}

/// The keys that a file notes as begun; none where it is of another run of the machine, or is none of ours.
fn noted(text: &str, boot: &str) -> Option<HashSet<String>> {
    let mut noted = HashSet::new();
    let (first, lines) = text.split_once('\n')?;
    if first != boot || boot.is_empty() {
        return None;
    }
    for line in lines.lines() {
        match line.split_at_checked(1)? {
            ("+", key) => noted.insert(key.to_owned()),
            ("-", key) => noted.remove(key),
            _ => return None,
        };
    }
    Some(noted)
}

/// What names the machine's present run; nothing where the system does not tell.
fn since_boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: [&str; 3] = ["reply/a", "reply/b", "reply/c"];

    fn found(directory: &Path) -> Vec<&'static str> {
        let begun = Begun::open(directory, OPEN.into_iter());
        OPEN.into_iter().filter(|key| begun.may_have(key)).collect()
    }

    #[tokio::test]
    async fn after_a_kill_it_is_known_what_was_begun() {
        let directory = tempfile::tempdir().expect("a directory");
        let begun = Begun::open(directory.path(), std::iter::empty());
        assert!(begun.begins("reply/a").await);
        assert!(begun.begins("reply/b").await);
        begun.did_nothing("reply/b").await;
        assert_eq!(found(directory.path()), ["reply/a"]);
        assert_eq!(found(directory.path()), ["reply/a"], "and after the next one too");
    }

    #[tokio::test]
    async fn where_it_is_not_known_everything_may_have_been_begun() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(found(directory.path()), OPEN, "there are no notes");
        let file = directory.path().join(NAME);
        for text in ["", "another-run\n+reply/a\n", &format!("{}\n?reply/a\n", since_boot())] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(found(directory.path()), OPEN, "{text:?}");
        }
    }

    #[tokio::test]
    async fn notes_that_can_not_be_written_are_taken_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let begun = Begun::open(directory.path(), std::iter::empty());
        // Nothing can be made in the place of the new file.
        std::fs::create_dir(directory.path().join("begun.new")).expect("made");
        begun.notes.lock().expect("a lock").file = None;
        assert!(begun.begins("reply/a").await);
        std::fs::remove_dir(directory.path().join("begun.new")).expect("removed");
        assert_eq!(found(directory.path()), OPEN);
    }

    #[test]
    fn what_can_not_be_noted_is_said_not_to_be() {
        use futures_util::FutureExt;
        let directory = tempfile::tempdir().expect("a directory");
        let begun = Begun::open(directory.path(), std::iter::empty());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        // A process that is about to end carries no blocking work out any more.
        let _inside = handle.enter();
        assert_eq!(begun.begins("deploy/D-1/dispatch").now_or_never(), Some(false));
    }

    #[tokio::test]
    async fn the_notes_do_not_grow_for_ever() {
        let directory = tempfile::tempdir().expect("a directory");
        let begun = Begun::open(directory.path(), std::iter::empty());
        assert!(begun.begins("reply/a").await);
        begun.notes.lock().expect("a lock").lines = IDLE_LINES * 2;
        assert!(begun.begins("reply/b").await);
        begun.forget("reply/b");
        assert_eq!(begun.notes.lock().expect("a lock").lines, 2);
        assert_eq!(found(directory.path()), ["reply/a", "reply/b"]);
    }
}
