//! The disk as the store sees it: one directory of files, written in place and synced.
//!
//! Everything that the store does to a disk goes through [`Disk`], so that a test can put
//! one in its place that forgets what was not synced, or that is full. What holds for the
//! real one: a write may be lost until [`DiskFile::sync`], and a new name, a rename or a
//! removal until [`Disk::sync_names`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A directory of files.
pub trait Disk: Send + Sync {
    /// The names of all files.
    ///
    /// # Errors
    /// What the system refuses; so do the others.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Opens a file for reading from its start.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is none.
    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Opens a file for writing; makes it where there is none, and leaves what is in it.
    ///
    /// # Errors
    /// What the system refuses.
    fn write(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in the place of the one that has it.
    ///
    /// # Errors
    /// What the system refuses.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is none.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// How long a file is; none where there is no such file.
    ///
    /// # Errors
    /// What the system refuses.
    fn size(&self, name: &str) -> io::Result<Option<u64>>;

    /// Bytes that may still be written; none where the system does not say.
    ///
    /// # Errors
    /// What the system refuses.
    fn free(&self) -> io::Result<Option<u64>>;

    /// Returns when new names, renames and removals are on disk.
    ///
    /// # Errors
    /// What the system refuses.
    fn sync_names(&self) -> io::Result<()>;
}

/// A file that is written.
pub trait DiskFile: Send {
    /// Writes bytes at a place.
    ///
    /// # Errors
    /// What the system refuses; any part of the bytes may have been written then.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes the file this long.
    ///
    /// # Errors
    /// What the system refuses.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Makes the file this long, with room that is really taken.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] where there is none.
    fn take_room(&mut self, length: u64) -> io::Result<()>;

    /// Returns when what was written is on disk, with all that is needed to read it again.
    ///
    /// # Errors
    /// What the system refuses. What was written may be lost then, whatever a later sync says
    /// (Linux forgets the error with the first one that hears of it), so nobody may go on.
    fn sync(&mut self) -> io::Result<()>;
}

/// A directory of the file system.
pub struct RealDisk {
    directory: PathBuf,
}

impl RealDisk {
    /// The files in a directory that exists.
    #[must_use]
    pub fn new(directory: &Path) -> RealDisk {
        RealDisk { directory: directory.to_owned() }
    }
}

impl Disk for RealDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.directory.join(name))?))
    }

    fn write(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(self.directory.join(name));
        Ok(Box::new(RealFile(open?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.directory.join(from), self.directory.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.directory.join(name))
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.directory.join(name)) {
            Ok(file) => Ok(Some(file.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn free(&self) -> io::Result<Option<u64>> {
        free(&self.directory).map(Some)
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

/// Bytes that may still be written on a directory's disk.
///
/// # Errors
/// What the system refuses.
pub(crate) fn free(directory: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn take_room(&mut self, length: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        match fallocate(&self.0, FallocateFlags::empty(), 0, length) {
            // Written, not only sized: a hole takes no room.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                let zeros = vec![0; 1024 * 1024];
                (0..length).step_by(zeros.len()).try_for_each(|at| self.write_at(at, &zeros))
            }
            taken => Ok(taken?),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        // fdatasync: the data and the length, without the time of change.
        self.0.sync_data()
    }
}
