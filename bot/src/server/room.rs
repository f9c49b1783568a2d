//! Room for bodies: bytes that all sources share.
//!
//! What a body takes is taken from it as the body comes, and given back when what it said is kept
//! or refused. What holds: all bodies that are held take no more than there is; who finds no room
//! is told so at once and waits for nobody.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are free, of all that there are.
#[derive(Debug)]
pub struct Room {
    free: AtomicUsize,
    all: usize,
}

impl Room {
    /// So many bytes in all.
    #[must_use]
    pub fn new(bytes: usize) -> Room {
        Room { free: AtomicUsize::new(bytes), all: bytes }
    }

    /// How many bytes are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.all.saturating_sub(self.free.load(Ordering::Relaxed))
    }

    /// A place in it that takes nothing yet.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place { room: self, bytes: 0 }
    }
}

/// What one body takes, until this is dropped.
#[derive(Debug)]
pub struct Place<'r> {
    room: &'r Room,
    bytes: usize,
}

impl Place<'_> {
    /// Whether so many more bytes are free just now; they are not taken.
    #[must_use]
    pub fn could_grow(&self, bytes: usize) -> bool {
        self.room.free.load(Ordering::Relaxed) >= bytes
    }

    /// Takes so many more bytes; false where there are not so many.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.room.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(bytes));
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.room.free.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back_and_no_more_than_there_is() {
        let room = Room::new(10);
        let mut first = room.place();
        assert!(first.grow(4) && first.grow(4) && !first.grow(4));
        assert_eq!(room.held(), 8);
        let mut second = room.place();
        assert!(second.grow(2) && !second.grow(1));
        drop(first);
        assert!(second.grow(8) && !second.grow(1));
        drop(second);
        assert!(room.place().grow(10));
    }
}
