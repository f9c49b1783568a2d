//! The witness: how far the journal was written, kept outside the log.
//!
//! The log ends at the first frame that is not whole: after a kill or a power cut that is
//! the one that was being written. A damaged last frame would look just so; the witness
//! tells them apart. It is written after each batch that is on disk, and not synced: it
//! survives a kill, may lag behind after a power cut, and is never ahead. What holds: a
//! log that ends before its witness has lost batches.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::disk::{Disk, DiskFile};

/// The file's name.
pub const NAME: &str = "witness";

/// Two places, written in turns: one of them is whole whenever the power is cut.
const SLOT: usize = 512;

/// The file, open for writing.
pub(super) struct Witness {
    file: Box<dyn DiskFile>,
    odd: bool,
}

/// The number of the last batch that the witness has seen on disk; none where there is none that can be read.
pub(super) fn read(disk: &dyn Disk) -> io::Result<Option<u64>> {
    Ok(content(disk)?.chunks(SLOT).filter_map(decode).max())
}

fn content(disk: &dyn Disk) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match disk.read(NAME) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(bytes)
}

impl Witness {
    /// Opens or makes it, with all the room that it will ever need.
    pub(super) fn open(disk: &dyn Disk) -> io::Result<Witness> {
        let mut file = disk.write(NAME)?;
        let length = content(disk)?.len();
        if length < 2 * SLOT {
            file.write_at(length as u64, &vec![0; 2 * SLOT - length])?;
        }
        Ok(Witness { file, odd: false })
    }

    /// Notes that this batch is on disk.
    pub(super) fn note(&mut self, batch: u64) -> io::Result<()> {
        let at = if self.odd { SLOT as u64 } else { 0 };
        self.odd = !self.odd;
        self.file.write_at(at, &encode(batch))
    }
}

fn encode(batch: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&batch.to_be_bytes());
    let check = Sha256::digest(&bytes[..8]);
    bytes[8..].copy_from_slice(&check[..8]);
    bytes
}

fn decode(slot: &[u8]) -> Option<u64> {
    let (said, check) = slot.get(..16)?.split_at(8);
    (Sha256::digest(said)[..8] == *check).then_some(u64::from_be_bytes(said.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::RealDisk;

    #[test]
    fn the_newest_whole_one_counts() {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = RealDisk::new(directory.path());
        assert_eq!(read(&disk).expect("no file is no error"), None);
        let mut witness = Witness::open(&disk).expect("it opens");
        for batch in 1..=3 {
            witness.note(batch).expect("it is noted");
        }
        assert_eq!(read(&disk).expect("it can be read"), Some(3));
        // The newest is torn: the one before it counts.
        let path = directory.path().join(NAME);
        let mut bytes = std::fs::read(&path).expect("a file");
        bytes[4] ^= 1;
        std::fs::write(&path, bytes).expect("a file");
        assert_eq!(read(&disk).expect("it can be read"), Some(2));
    }
}
