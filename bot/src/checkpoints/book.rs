//! The checkpoints of a data directory: `checkpoints.jsonl`, a line each, only ever added to.
//!
//! What holds: a line is on disk when [`Book::add`] returns; the last line may be torn by a
//! kill or a power cut, and is cut off before the next is added.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use operations::checkpoint::Checkpoint;

use crate::store::StoreError;

/// The file's name in the data directory.
pub const NAME: &str = "checkpoints.jsonl";

/// No line is longer, in bytes.
const LONGEST: u64 = 1024;

/// The file, open for adding to.
pub struct Book {
    file: File,
    end: u64,
    newest: Option<Checkpoint>,
}

impl Book {
    /// Opens the file in a data directory that exists, or makes it. However long it is, only its end is read.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn open(data: &Path) -> Result<Book, StoreError> {
        let path = data.join(NAME);
        open(data, &path).map_err(StoreError::io(format!("opening {}", path.display())))
    }

    /// The newest checkpoint, if there is one that can be read.
    #[must_use]
    pub fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref()
    }

    /// Adds a checkpoint; blocks until it is on disk.
    ///
    /// # Errors
    /// What the file system refuses. It can be tried again.
    pub fn add(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        let line = checkpoint.line() + "\n";
        self.file.write_all_at(line.as_bytes(), self.end)?;
        self.file.sync_data()?;
        self.end += line.len() as u64;
        self.newest = Some(checkpoint.clone());
        Ok(())
    }
}

fn open(data: &Path, path: &Path) -> io::Result<Book> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(2 * LONGEST);
    let mut tail = vec![0; usize::try_from(length - from).unwrap_or_default()];
    file.read_exact_at(&mut tail, from)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = from + whole as u64;
    if end < length {
        file.set_len(end)?;
    }
    file.sync_all()?;
    File::open(data)?.sync_all()?;
    let last = tail[..whole].strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    let newest = last.and_then(|line| serde_json::from_slice(line).ok());
    Ok(Book { file, end, newest })
}

/// Everything that stands in a data directory's file; nothing where there is none.
///
/// # Errors
/// What the file system refuses.
pub fn read(data: &Path) -> Result<Vec<u8>, StoreError> {
    let path = data.join(NAME);
    match std::fs::read(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io(format!("reading {}", path.display()))(error))
        }
        read => Ok(read.unwrap_or_default()),
    }
}

/// The checkpoints in such a file by their lines. A torn last line is none, because nobody was told of it.
///
/// # Errors
/// The number of the first line that is not as it was written.
pub fn checkpoints(file: &[u8]) -> Result<Vec<(usize, Checkpoint)>, usize> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(file.split_inclusive(|byte| *byte == b'\n')) {
        let whole = line.strip_suffix(b"\n");
        let read = serde_json::from_slice::<Checkpoint>(whole.unwrap_or(line)).ok();
        // Read as the same by a forgiving reader is not enough: it must be what was written.
        let read = read.filter(|read| read.line().as_bytes() == whole.unwrap_or(line));
        match read {
            Some(read) => found.push((number, read)),
            // A line ends with its only brace: what goes on after one was not torn, but changed.
            None if whole.is_none() && !line.contains(&b'}') => {}
            None => return Err(number),
        }
    }
    Ok(found)
}

#[cfg(test)]
impl Book {
    /// One that can't be added to.
    pub(crate) fn read_only(data: &Path) -> Book {
        let file = File::open(data.join(NAME)).expect("it is there");
        Book { file, end: 0, newest: None }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use operations::journal::Hash;

    use super::*;

    fn checkpoint(seq: u64) -> Checkpoint {
        Checkpoint::unsigned(seq, Hash([1; 32]), Timestamp::UNIX_EPOCH, "k".to_owned())
    }

    #[test]
    fn what_was_added_is_there_and_a_torn_line_is_cut_off() {
        let data = tempfile::tempdir().expect("a directory");
        let mut book = Book::open(data.path()).expect("it opens");
        assert_eq!(book.newest(), None);
        for seq in 1..=20 {
            book.add(&checkpoint(seq)).expect("it is added");
        }
        let whole = read(data.path()).expect("it can be read");
        let line = checkpoint(21).line();
        for torn in 0..line.len() {
            std::fs::write(data.path().join(NAME), [&whole[..], &line.as_bytes()[..torn]].concat()).expect("a file");
            let found = checkpoints(&read(data.path()).expect("it can be read")).expect("a torn line is no damage");
            assert_eq!(found.len(), 20, "{torn}");
            let mut book = Book::open(data.path()).expect("it opens");
            assert_eq!(book.newest(), Some(&checkpoint(20)), "{torn}");
            book.add(&checkpoint(22)).expect("it is added");
            let found = checkpoints(&read(data.path()).expect("it can be read")).expect("it is whole");
            assert_eq!(found.last(), Some(&(21, checkpoint(22))), "{torn}");
        }
    }

    #[test]
    fn a_changed_bit_anywhere_is_told_by_its_line() {
        let file: String = (1..=3).map(|seq| checkpoint(seq).line() + "\n").collect();
        assert_eq!(checkpoints(file.as_bytes()).map(|found| found.len()), Ok(3));
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            // What still reads as a checkpoint says something else, which its signature does not.
            let same = checkpoints(&changed).is_ok_and(|found| {
                let was = |(number, found): &(usize, Checkpoint)| *found == checkpoint(*number as u64);
                found.len() < 3 || found.iter().all(was)
            });
            assert!(!same, "bit {bit}: {}", String::from_utf8_lossy(&changed));
        }
    }
}
