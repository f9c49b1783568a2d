//! The witness: how far the journal was written, kept outside the store.
//!
//! sled ends its log at the first record that does not fit, whatever stands behind it; so
//! a damaged byte in the middle would look like a shorter journal. The witness is written
//! after each batch that is on disk, and not synced: it survives a kill, may lag behind
//! after a power cut, and is never ahead. What holds: a journal that ends before its
//! witness has lost records.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use operations::journal::Hash;
use sha2::{Digest, Sha256};

use super::StoreError;

/// Two places, written in turns: one of them is whole whenever the power is cut.
const SLOT: usize = 512;

/// A record's number and the hash after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The record's number.
    pub seq: u64,
    /// The hash after it.
    pub hash: Hash,
}

/// The file, open for writing.
pub struct Witness {
    file: File,
    odd: bool,
}

/// Where a directory's witness is.
#[must_use]
pub fn path(directory: &Path) -> PathBuf {
    directory.join("witness")
}

/// What the witness of a directory has seen; none where there is none that can be read.
///
/// # Errors
/// What the system refuses.
pub fn read(directory: &Path) -> Result<Option<Seen>, StoreError> {
    let mut bytes = Vec::new();
    match File::open(path(directory)) {
        Ok(mut file) => file.read_to_end(&mut bytes).map_err(StoreError::io("reading the journal's witness"))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("opening the journal's witness")(error)),
    };
    Ok(bytes.chunks(SLOT).filter_map(decode).max_by_key(|seen| seen.seq))
}

impl Witness {
    /// Opens or makes the witness of a directory.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn open(directory: &Path) -> Result<Witness, StoreError> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path(directory));
        Ok(Witness { file: file.map_err(StoreError::io("opening the journal's witness"))?, odd: false })
    }

    /// Notes what is on disk now.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn note(&mut self, seen: Seen) -> Result<(), StoreError> {
        let at = if self.odd { SLOT as u64 } else { 0 };
        self.odd = !self.odd;
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(&encode(seen)));
        written.map_err(StoreError::io("writing the journal's witness"))
    }
}

fn encode(seen: Seen) -> Vec<u8> {
    let mut bytes = seen.seq.to_be_bytes().to_vec();
    bytes.extend_from_slice(&seen.hash.0);
    let check = Sha256::digest(&bytes);
    bytes.extend_from_slice(&check[..8]);
    bytes
}

fn decode(slot: &[u8]) -> Option<Seen> {
    let (said, check) = slot.get(..48)?.split_at(40);
    let (seq, hash) = said.split_at(8);
    let seen = Seen { seq: u64::from_be_bytes(seq.try_into().ok()?), hash: Hash(hash.try_into().ok()?) };
    (Sha256::digest(said)[..8] == *check).then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_one_counts() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(read(directory.path()).expect("no file is no error"), None);
        let mut witness = Witness::open(directory.path()).expect("it opens");
        for seq in 1..=3 {
            witness.note(Seen { seq, hash: Hash([seq as u8; 32]) }).expect("it is noted");
        }
        let newest = Seen { seq: 3, hash: Hash([3; 32]) };
        assert_eq!(read(directory.path()).expect("it can be read"), Some(newest));
        // The newest is torn: the one before it counts.
        let mut bytes = std::fs::read(path(directory.path())).expect("a file");
        bytes[20] ^= 1;
        std::fs::write(path(directory.path()), bytes).expect("a file");
        let before = Seen { seq: 2, hash: Hash([2; 32]) };
        assert_eq!(read(directory.path()).expect("it can be read"), Some(before));
    }
}
