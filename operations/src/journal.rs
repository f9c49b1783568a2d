//! The journal's records and their hash chain.
//!
//! A record is one line of JSON: number, time, event. Each record's hash covers the hash of
//! the one before, so a record that is changed, dropped, added or moved shows. What holds:
//! the bytes that are hashed are the bytes that are stored; nothing is serialised again.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::Event;

/// The version of the journal's format. An older program refuses a newer journal.
pub const FORMAT: u32 = 1;

/// One event with its number and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number: from 1, without gaps.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// The hash of a record and, through it, of all before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands before the first record.
    pub const GENESIS: Hash = Hash([0; 32]);

    /// The hash of the record in `line` after one with this hash: SHA-256 of `0x01`, this hash, the line.
    #[must_use]
    pub fn then(&self, line: &[u8]) -> Hash {
        let mut sha = Sha256::new();
        sha.update([1_u8]);
        sha.update(self.0);
        sha.update(line);
        Hash(sha.finalize().into())
    }

    /// Reads the form that `Display` writes.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Hash> {
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Hash(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_everything_before() {
        let one = Hash::GENESIS.then(b"a").then(b"b");
        let other = Hash::GENESIS.then(b"b").then(b"a");
        assert_ne!(one, other);
        assert_eq!(Hash::from_hex(&one.to_string()), Some(one));
        assert_eq!(Hash::from_hex("zz"), None);
    }
}
