//! A copy of the store, kept beside it while it is being opened.
//!
//! What holds: a copy under its name is whole and on disk; nothing is written to the store
//! while there is one, so putting it back loses nothing, whenever that was interrupted.

use std::fs::{self, File};
use std::path::Path;

use super::StoreError;
use super::snapshot::sync_directory;

/// A whole copy.
const COPY: &str = "store.before";
/// A copy that is being made.
const MAKING: &str = "store.copying";
/// A copy that is not needed any more, or a store that a copy takes the place of.
const TRASH: &str = "store.trash";

/// Copies the store.
///
/// # Errors
/// What the system refuses.
pub(super) fn keep(directory: &Path, path: &Path) -> Result<(), StoreError> {
    let making = directory.join(MAKING);
    copy(path, &making)?;
    fs::rename(&making, directory.join(COPY)).map_err(StoreError::io("naming the store's copy"))?;
    sync_directory(directory)
}

/// Puts a copy that is there in the place of the store, and clears away what was left half-done.
///
/// # Errors
/// What the system refuses.
pub(super) fn put_back(directory: &Path, path: &Path) -> Result<(), StoreError> {
    remove(&directory.join(MAKING))?;
    remove(&directory.join(TRASH))?;
    let copy = directory.join(COPY);
    if !copy.exists() {
        return Ok(());
    }
    if path.exists() {
        fs::rename(path, directory.join(TRASH)).map_err(StoreError::io("putting the store away"))?;
    }
    fs::rename(&copy, path).map_err(StoreError::io("putting the store's copy in its place"))?;
    sync_directory(directory)?;
    remove(&directory.join(TRASH))
}

/// Removes the copy: all was found well.
///
/// # Errors
/// What the system refuses.
pub(super) fn drop_copy(directory: &Path) -> Result<(), StoreError> {
    // Under another name first: half a copy must never be taken for a whole one.
    fs::rename(directory.join(COPY), directory.join(TRASH)).map_err(StoreError::io("putting the store's copy away"))?;
    sync_directory(directory)?;
    remove(&directory.join(TRASH))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io(format!("removing {}", path.display()))(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let refused = |error| StoreError::io(format!("copying {}", from.display()))(error);
    fs::create_dir_all(to).map_err(refused)?;
    for entry in fs::read_dir(from).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).map_err(refused)?;
            File::open(&target).and_then(|file| file.sync_all()).map_err(refused)?;
        }
    }
    sync_directory(to)
}
