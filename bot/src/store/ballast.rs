//! The ballast: room on the disk that is kept free, for the time when there is no other.
//!
//! It is a file whose room is really taken, made where enough is left beside it. When a write
//! finds the disk full, it is given free: then there is room for what is open, for answers that
//! say what is wrong, and for a clean stop. It is made again when there is room again. What
//! holds: the ballast itself never makes the disk full, and that it can't be made is no failure.

use std::io;
use std::sync::Arc;

use operations::vitals;

use super::disk::Disk;

/// The file's name in the data directory.
pub const NAME: &str = "ballast";

/// How much room it takes, in bytes: some ten thousand commands and their answers.
pub(super) const SIZE: u64 = 16 * 1024 * 1024;

/// A ballast in a directory.
pub(super) struct Ballast {
    disk: Arc<dyn Disk>,
    is_there: bool,
    /// Whether its room was needed, and it was not made again.
    is_spent: bool,
}

impl Ballast {
    /// Makes it in a directory, or finds it there.
    pub(super) fn on(disk: Arc<dyn Disk>) -> Ballast {
        let mut ballast = Ballast { disk, is_there: false, is_spent: false };
        if let Err(error) = ballast.make() {
            tracing::warn!(%error, "No ballast could be kept: the disk is full, or nearly");
        }
        ballast
    }

    /// Whether its room was needed, and it was not made again.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Gives its room free. Whether there was any.
    pub(super) fn give(&mut self) -> bool {
        // Names are synced because some file systems have the room only then.
        let given = self.is_there && self.disk.remove(NAME).and_then(|()| self.disk.sync_names()).is_ok();
        self.is_there = false;
        self.is_spent |= given;
        given
    }

    /// Makes it again where it is not there, also because there was no room at the start.
    pub(super) fn restore(&mut self) {
        if self.is_there || self.make().is_err() {
            return;
        }
        tracing::info!("The disk has room again: the ballast is there again");
    }

    fn make(&mut self) -> io::Result<()> {
        let taken = self.disk.size(NAME)?.unwrap_or(0);
        if taken < SIZE {
            // With less left than this beside it, the disk would count as full.
            if self.disk.free()?.is_some_and(|free| free < vitals::FULL + SIZE - taken) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let mut file = self.disk.write(NAME)?;
            if let Err(error) = file.take_room(SIZE) {
                // What was taken is given back. If that fails, it is as much ballast as could be made.
                let _ = self.disk.remove(NAME);
                return Err(error);
            }
        }
        (self.is_there, self.is_spent) = (true, false);
        Ok(())
    }
}

/// Whether a write was refused for want of room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
