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

    /// Reads the form that `Display` writes, and no other: a hash that was touched is no hash.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Hash> {
        from_hex(hex).map(Hash)
    }
}

/// Reads bytes in small hexadecimal letters.
#[must_use]
pub fn from_hex<const LENGTH: usize>(hex: &str) -> Option<[u8; LENGTH]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; LENGTH];
    if hex.len() != 2 * LENGTH {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let hex = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Hash::from_hex(&hex).ok_or_else(|| serde::de::Error::custom("64 hexadecimal digits are wanted"))
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
        assert_eq!(Hash::from_hex(&one.to_string().to_uppercase()), None, "only as it is written");
    }
}
