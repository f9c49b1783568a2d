//! A git repository of Markdown pages.
//!
//! People edit the files as they like; Muster writes and commits. What holds: what a person
//! left uncommitted is committed as theirs before Muster writes; a file is replaced whole or
//! not at all; symbolic links are never followed; a page's path can't leave the repository.
//! All functions block: files and git.

mod files;
mod push;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use git2::{IndexAddOption, Oid, Repository, RepositoryInitOptions, RepositoryState, Signature, StatusOptions};

pub use self::files::CHECKPOINTS;

/// How many lines [`CHECKPOINTS`] keeps: each commit holds the file anew, and it must not grow for ever.
const CHECKPOINTS_KEPT: usize = 50;
/// The branch of a repository that Muster makes.
const BRANCH: &str = "main";
/// Where a repository is made before it is put in its place.
const MAKING: &str = ".muster-new";
/// A lock file of git older than this was left by a program that was killed.
const STALE_LOCK: Duration = Duration::from_secs(60);
/// The message of the commit that keeps what a person left uncommitted.
const BY_HAND: &str =
    "Edited outside Muster\n\nThese changes stood uncommitted in the work tree, by hand or by an interrupted write.\n";

/// A wiki in a git repository.
pub struct Wiki {
    folder: PathBuf,
    author: String,
    /// One writer at a time in this process.
    writing: Mutex<()>,
    /// Asked before each commit.
    go_on: Box<dyn Fn() -> bool + Send + Sync>,
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The commit that holds the page now, in hexadecimal.
    pub commit: String,
    /// Whether the page differs from before.
    pub changed: bool,
}

/// Why the wiki can't do something.
#[derive(Debug, thiserror::Error)]
pub enum WikiError {
    /// No page can have that path.
    #[error("{0:?} is no path of a page: small letters, digits, hyphens and slashes, ending in .md")]
    BadPath(String),
    /// There is a symbolic link or a folder where a page or folder should be.
    #[error("{0} is not a plain file or folder; it is left alone")]
    NotPlain(String),
    /// The page is too large.
    #[error("the page {0} is larger than {max} bytes", max = files::LARGEST)]
    TooLarge(String),
    /// The page is no text.
    #[error("the page {0} is not UTF-8; it is left alone")]
    NotText(String),
    /// Somebody else is at work in the repository; worth trying again.
    #[error("{0}")]
    Busy(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Git refused.
    #[error("git: {}", .0.message())]
    Git(#[from] git2::Error),
    /// The remote could not be pushed to; without credentials.
    #[error("{0}")]
    Push(String),
}

/// Makes an empty repository under another name first, so that a kill in the middle leaves nothing half-made as `.git`.
fn create(folder: &Path) -> Result<(), WikiError> {
    let making = folder.join(MAKING);
    if making.exists() {
        std::fs::remove_dir_all(&making).map_err(|source| files::failed(&making, source))?;
    }
    Repository::init_opts(&making, RepositoryInitOptions::new().initial_head(BRANCH).no_reinit(true))?;
    std::fs::rename(making.join(".git"), folder.join(".git")).map_err(|source| files::failed(folder, source))?;
    std::fs::remove_dir(&making).map_err(|source| files::failed(&making, source))
}

impl Wiki {
    /// Opens the repository in `folder`, or makes one with the branch `main`. `author` is the
    /// name on Muster's commits.
    ///
    /// # Errors
    /// See [`WikiError`].
    pub fn open_or_create(folder: impl AsRef<Path>, author: &str) -> Result<Wiki, WikiError> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|source| files::failed(folder, source))?;
        let folder = folder.canonicalize().map_err(|source| files::failed(folder, source))?;
        if !folder.join(".git").exists() {
            create(&folder)?;
        }
        let repository = Repository::open(&folder)?;
        if repository.is_bare() {
            return Err(WikiError::Git(git2::Error::from_str("the wiki's repository has no work tree")));
        }
        Ok(Wiki { folder, author: author.to_owned(), writing: Mutex::new(()), go_on: Box::new(|| true) })
    }

    /// Asks between the writing of a file and its commit; the commit is left out where the answer is no. For tests of
    /// what becomes of a program that was killed there.
    #[must_use]
    pub fn asking(mut self, go_on: impl Fn() -> bool + Send + Sync + 'static) -> Wiki {
        self.go_on = Box::new(go_on);
        self
    }

    /// A page as it stands in the work tree; `None` where there is none.
    ///
    /// # Errors
    /// See [`WikiError`].
    pub fn read(&self, path: &str) -> Result<Option<String>, WikiError> {
        files::read(&self.folder, files::page(path)?)
    }

    /// The paths of all pages in the work tree, in order.
    ///
    /// # Errors
    /// See [`WikiError`].
    pub fn list(&self) -> Result<Vec<String>, WikiError> {
        files::list(&self.folder)
    }

    /// Writes a page and commits it; commits nothing where it stands there already.
    ///
    /// # Errors
    /// See [`WikiError`]. Where it fails, the page is as it was or as it shall be.
    pub fn write(&self, path: &str, body: &str, message: &str) -> Result<Written, WikiError> {
        self.update(path, message, |_| body.to_owned())
    }

    /// Changes a page: `change` gets it as it stands, with everything that people wrote until
    /// then committed, and gives what it shall be.
    ///
    /// # Errors
    /// See [`WikiError`]. Where it fails, the page is as it was or as it shall be.
    pub fn update(
        &self,
        path: &str,
        message: &str,
        change: impl FnOnce(Option<&str>) -> String,
    ) -> Result<Written, WikiError> {
        self.change(files::page(path)?, message, change)
    }

    /// Adds a line to [`CHECKPOINTS`] and commits it; commits nothing where it stands there already. The file keeps the
    /// newest lines: what stood there before is in the history.
    ///
    /// # Errors
    /// See [`WikiError`]. Where it fails, the file is as it was or as it shall be.
    pub fn add_checkpoint(&self, line: &str, message: &str) -> Result<Written, WikiError> {
        self.change(files::checkpoints(), message, |now| {
            let mut lines: Vec<&str> = now.unwrap_or_default().lines().collect();
            if !lines.contains(&line) {
                lines.push(line);
            }
            let old = lines.len().saturating_sub(CHECKPOINTS_KEPT);
            lines[old..].iter().flat_map(|line| [*line, "\n"]).collect()
        })
    }

    fn change(
        &self,
        page: files::Page<'_>,
        message: &str,
        change: impl FnOnce(Option<&str>) -> String,
    ) -> Result<Written, WikiError> {
        let _writing = self.lock();
        let repository = self.ready()?;
        self.keep_by_hand(&repository)?;
        let now = files::read(&self.folder, page)?;
        let shall = change(now.as_deref());
        if shall.len() > files::LARGEST {
            return Err(WikiError::TooLarge(page.path().to_owned()));
        }
        let changed = now.as_deref() != Some(shall.as_str());
        if changed {
            files::replace(&self.folder, repository.path(), page, &shall)?;
            if !(self.go_on)() {
                return Err(WikiError::Busy("stopped before the commit".to_owned()));
            }
            let mut index = repository.index()?;
            index.add_path(Path::new(page.path()))?;
            index.write()?;
            self.commit(&repository, message)?;
        }
        let commit = repository.head()?.peel_to_commit()?.id().to_string();
        Ok(Written { commit, changed })
    }

    /// Pushes the branch to `remote` with the `git` program, within a minute.
    ///
    /// # Errors
    /// [`WikiError::Push`]: git is not there, the remote refused, or it took too long.
    pub fn push(&self, remote: &str) -> Result<(), WikiError> {
        let branch = {
            let _writing = self.lock();
            let repository = Repository::open(&self.folder)?;
            repository.head()?.name()?.to_owned()
        };
        push::push(&self.folder, remote, &branch)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        // Nothing is guarded but the order of writers: after a panic the next may go on.
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The repository, once nobody else is in the middle of something in it.
    fn ready(&self) -> Result<Repository, WikiError> {
        let repository = Repository::open(&self.folder)?;
        files::drop_stale_locks(repository.path(), STALE_LOCK)?;
        let state = repository.state();
        if state != RepositoryState::Clean {
            return Err(WikiError::Busy(format!(
                "somebody is in the middle of a {state:?} in the wiki's repository; finish or abort it, then ask again"
            )));
        }
        if repository.head_detached()? {
            return Err(WikiError::Busy(
                "the wiki's repository is on no branch; check out the branch again, then ask again".to_owned(),
            ));
        }
        Ok(repository)
    }

    /// Commits what people changed and did not commit, so that it is in the history whatever follows.
    fn keep_by_hand(&self, repository: &Repository) -> Result<(), WikiError> {
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_ignored(false);
        if repository.statuses(Some(&mut options))?.is_empty() {
            return Ok(());
        }
        let mut index = repository.index()?;
        if index.has_conflicts() {
            return Err(WikiError::Busy(
                "the wiki's repository has conflicts; resolve them, then ask again".to_owned(),
            ));
        }
        index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
        index.update_all(["*"], None)?;
        index.write()?;
        self.commit(repository, BY_HAND)?;
        Ok(())
    }

    /// Commits what the index holds, unless it is what the last commit holds.
    fn commit(&self, repository: &Repository, message: &str) -> Result<Option<Oid>, WikiError> {
        let tree = repository.find_tree(repository.index()?.write_tree()?)?;
        let parent = match repository.head() {
            Ok(head) => Some(head.peel_to_commit()?),
            Err(error) if error.code() == git2::ErrorCode::UnbornBranch => None,
            Err(error) => return Err(error.into()),
        };
        if parent.as_ref().is_some_and(|parent| parent.tree_id() == tree.id()) {
            return Ok(None);
        }
        let by = Signature::now(&self.author, "muster@muster.invalid")?;
        let parents: Vec<_> = parent.iter().collect();
        Ok(Some(repository.commit(Some("HEAD"), &by, &by, message, &tree, &parents)?))
    }
}
