//! One process to a data directory.
//!
//! The lock is the operating system's, on `muster.lock`, so it ends with the process that
//! holds it, however that ends. What is written in the file only says who that is.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

/// The lock on a directory. Freed when it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Somebody else has the lock.
#[derive(Debug)]
pub struct Held {
    directory: PathBuf,
    holder: String,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Held { directory, holder } = self;
        let holder = if holder.is_empty() { "another process" } else { holder };
        write!(
            f,
            "{} is in use by {holder}. Stop that one first, or give this one a data_dir of its own",
            directory.display()
        )
    }
}

/// Takes the lock on a directory that exists.
///
/// # Errors
/// [`StoreError::Held`] when somebody has it, and what the file system refuses.
pub fn lock(directory: &Path) -> Result<Lock, StoreError> {
    let path = directory.join("muster.lock");
    let what = || format!("locking {}", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::io(what()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who it is is only a help: not being able to read it changes nothing.
            let _ = file.take(200).read_to_string(&mut holder);
            return Err(StoreError::Held(Held { directory: directory.to_owned(), holder: holder.trim().to_owned() }));
        }
        Err(TryLockError::Error(error)) => return Err(StoreError::io(what())(error)),
    }
    file.set_len(0).map_err(StoreError::io(what()))?;
    file.rewind().map_err(StoreError::io(what()))?;
    writeln!(file, "muster, process {}", std::process::id()).map_err(StoreError::io(what()))?;
    Ok(Lock { _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_refused_with_who_holds_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = lock(directory.path()).expect("the first one gets it");
        let refused = lock(directory.path()).expect_err("the second one does not").to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(first);
        lock(directory.path()).expect("it is free again");
    }
}
