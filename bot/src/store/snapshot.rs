//! Snapshots: the folded state at some event, so that starting does not read the whole journal.
//!
//! A snapshot is a cache: one that is missing, damaged or of another version costs time,
//! never data. It is written beside the journal under a temporary name, synced, renamed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use operations::journal::Hash;
use operations::state::State;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// The version of the snapshot's form: the state's own form is part of it.
const VERSION: u32 = 1;

/// A state with the hash of the event that it ends with.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    /// The hash of the last event that was folded, in hexadecimal.
    hash: String,
    /// The state.
    pub state: State,
}

/// Writes the state as a snapshot's bytes.
#[must_use]
pub fn encode(state: &State, hash: Hash) -> Vec<u8> {
    #[derive(Serialize)]
    struct Borrowed<'a> {
        version: u32,
        hash: String,
        state: &'a State,
    }
    // A state is made of maps with string keys, lists and strings: it can always be written as JSON.
    serde_json::to_vec(&Borrowed { version: VERSION, hash: hash.to_string(), state }).unwrap_or_default()
}

/// Puts a snapshot's bytes in place of the one before.
///
/// # Errors
/// What the file system refuses.
pub fn write(directory: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = directory.join("snapshot.new");
    let what = || format!("writing {}", temporary.display());
    let mut file = File::create(&temporary).map_err(StoreError::io(what()))?;
    file.write_all(bytes).map_err(StoreError::io(what()))?;
    file.sync_all().map_err(StoreError::io(what()))?;
    fs::rename(&temporary, path(directory)).map_err(StoreError::io(what()))?;
    sync_directory(directory)
}

/// Reads the snapshot, if there is one that can be used.
#[must_use]
pub fn read(directory: &Path) -> Option<(State, Hash)> {
    let bytes = fs::read(path(directory)).ok()?;
    let snapshot: Snapshot = match serde_json::from_slice(&bytes) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::warn!(%error, "The snapshot can't be read, so the whole journal is read instead");
            return None;
        }
    };
    if snapshot.version != VERSION {
        return None;
    }
    let hash = Hash::from_hex(&snapshot.hash)?;
    let mut state = snapshot.state;
    state.derive();
    Some((state, hash))
}

/// Takes the snapshot away.
pub fn remove(directory: &Path) {
    // That it isn't there is just what is wanted.
    let _ = fs::remove_file(path(directory));
}

fn path(directory: &Path) -> PathBuf {
    directory.join("snapshot.json")
}

/// Makes renames and new files in a directory durable.
///
/// # Errors
/// What the file system refuses.
pub fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    let what = || format!("syncing {}", directory.display());
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(StoreError::io(what()))
}
