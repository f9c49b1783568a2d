//! Pages as files: which paths there may be, reading, replacing whole, git's locks.

use std::ffi::OsStr;
use std::fs::{self, File, FileType, Metadata};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::WikiError;

/// The largest page in bytes.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;
/// The deepest folder that pages are looked for in.
const DEEPEST: usize = 8;
/// The longest path in bytes.
const LONGEST: usize = 200;
/// The only page whose name has capitals: the one that forges show first.
const INDEX: &str = "README.md";
/// The file of the journal's checkpoints. It is no page: it is neither listed nor shown.
pub const CHECKPOINTS: &str = "checkpoints.jsonl";
/// Files that git holds while it writes, and leaves behind when it is killed.
const LOCKS: [&str; 3] = ["index.lock", "HEAD.lock", "refs/heads/main.lock"];

/// A path that a page may have.
#[derive(Clone, Copy)]
pub(super) struct Page<'a>(&'a str);

impl<'a> Page<'a> {
    pub(super) fn path(self) -> &'a str {
        self.0
    }
}

/// The file of checkpoints.
pub(super) fn checkpoints() -> Page<'static> {
    Page(CHECKPOINTS)
}

/// Checks a path.
pub(super) fn page(path: &str) -> Result<Page<'_>, WikiError> {
    let bad = || WikiError::BadPath(path.chars().take(LONGEST).collect());
    let (folder, name) = path.rsplit_once('/').map_or((None, path), |(folder, name)| (Some(folder), name));
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let is_page = name == INDEX || name.strip_suffix(".md").is_some_and(is_word);
    let is_folder = folder.is_none_or(|folder| folder.split('/').all(is_word) && folder.split('/').count() <= DEEPEST);
    if is_page && is_folder && path.len() <= LONGEST { Ok(Page(path)) } else { Err(bad()) }
}

pub(super) fn failed(path: &Path, source: std::io::Error) -> WikiError {
    WikiError::File { path: path.display().to_string(), source }
}

/// What is at `path` itself, not where it leads to.
fn look(path: &Path) -> Result<Option<Metadata>, WikiError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(failed(path, error)),
    }
}

/// The file of a page, after a look at every step of the way. Where something is missing, the rest is.
fn walk(folder: &Path, page: Page<'_>) -> Result<(PathBuf, bool), WikiError> {
    let mut path = folder.to_owned();
    let mut steps = page.0.split('/').peekable();
    while let Some(step) = steps.next() {
        path.push(step);
        let right: fn(&FileType) -> bool = if steps.peek().is_some() { FileType::is_dir } else { FileType::is_file };
        match look(&path)? {
            Some(found) if right(&found.file_type()) => {}
            Some(_) => return Err(WikiError::NotPlain(path.display().to_string())),
            None => return Ok((folder.join(page.0), false)),
        }
    }
    Ok((path, true))
}

pub(super) fn read(folder: &Path, page: Page<'_>) -> Result<Option<String>, WikiError> {
    let (path, exists) = walk(folder, page)?;
    if !exists {
        return Ok(None);
    }
    let file = File::open(&path).map_err(|error| failed(&path, error))?;
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&path, error))?;
    if bytes.len() > LARGEST {
        return Err(WikiError::TooLarge(page.0.to_owned()));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| WikiError::NotText(page.0.to_owned()))
}

/// Replaces a page whole: written beside git's own files, then renamed, so that no reader and
/// no crash ever sees half of it.
pub(super) fn replace(folder: &Path, git: &Path, page: Page<'_>, text: &str) -> Result<(), WikiError> {
    let (path, _) = walk(folder, page)?;
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
    let new = git.join("muster-page.new");
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(parent)?.sync_all()
    };
    write().map_err(|error| failed(&path, error))
}

pub(super) fn list(folder: &Path) -> Result<Vec<String>, WikiError> {
    let mut pages = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let entry = entry.map_err(|error| failed(&folder, error))?;
            let name = entry.file_name();
            let Some(name) = OsStr::to_str(&name) else { continue };
            let kind = entry.file_type().map_err(|error| failed(&entry.path(), error))?;
            let path = format!("{prefix}{name}");
            if kind.is_file() && page(&path).is_ok() {
                pages.push(path);
            } else if kind.is_dir() && depth < DEEPEST && page(&format!("{path}/x.md")).is_ok() {
                folders.push((entry.path(), format!("{path}/"), depth + 1));
            }
        }
    }
    pages.sort();
    Ok(pages)
}

/// Removes locks older than `stale`.
///
/// # Errors
/// [`WikiError::Busy`] where there is a younger one: somebody is at work.
pub(super) fn drop_stale_locks(git: &Path, stale: Duration) -> Result<(), WikiError> {
    for name in LOCKS {
        let lock = git.join(name);
        let Some(found) = look(&lock)? else { continue };
        if age(git, &found)? < stale {
            return Err(WikiError::Busy(format!(
                "another program is writing to the wiki's repository ({name}); it is tried again"
            )));
        }
        tracing::warn!(lock = %lock.display(), "A git lock was left behind by a program that was killed; it is removed");
        match fs::remove_file(&lock) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&lock, error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// How old a file is by the clock of its own file system, which on a network is not this machine's.
fn age(git: &Path, found: &Metadata) -> Result<Duration, WikiError> {
    let probe = git.join("muster-probe");
    let measure = || {
        let now = File::create(&probe)?.metadata()?.modified()?;
        fs::remove_file(&probe)?;
        Ok(now.duration_since(found.modified()?).unwrap_or_default())
    };
    measure().map_err(|error| failed(&probe, error))
}
