//! Checkpoints: how far the journal was written at some moment, signed.
//!
//! The hash of a record covers all before it, so one checkpoint speaks for the whole journal
//! up to its record. A chain alone can be written anew, or be cut; a checkpoint that stands
//! where whoever did that can't write, tells. What holds: a checkpoint is no event, and
//! nothing needs one to bring the state back. Signing and checking are done in `bot`.

use std::fmt::{self, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ChannelId, Platform};
use crate::journal::{FORMAT, Hash, from_hex};

/// What stands before a checkpoint in a chat.
const MARK: &str = "muster-checkpoint";

/// The length of a signature in hexadecimal digits.
const SIGNATURE: usize = 128;

/// That the record with this number was written, and everything before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The journal's format.
    pub format: u32,
    /// The record's number.
    pub seq: u64,
    /// The hash after it.
    pub hash: Hash,
    /// When the checkpoint was made, to the second.
    pub at: Timestamp,
    /// Which key it is signed with: the beginning of the public key's SHA-256, 16 hexadecimal digits.
    pub key: String,
    /// The Ed25519 signature over [`Checkpoint::signed`], 128 hexadecimal digits.
    pub signature: String,
}

/// A place for checkpoints outside the data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ledger {
    /// A channel.
    Chat(Platform, ChannelId),
    /// The wiki's repository.
    Wiki,
}

impl Checkpoint {
    /// A checkpoint that is yet to be signed.
    #[must_use]
    pub fn unsigned(seq: u64, hash: Hash, at: Timestamp, key: String) -> Checkpoint {
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        Checkpoint { format: FORMAT, seq, hash, at, key, signature: String::new() }
    }

    /// What is signed. It begins with what it is, so that no signature over anything else can pass for one.
    #[must_use]
    pub fn signed(&self) -> String {
        let Checkpoint { format, seq, hash, at, key, signature: _ } = self;
        format!("muster journal checkpoint\nformat {format}\nseq {seq}\nhash {hash}\nat {at}\nkey {key}\n")
    }

    /// Whether key and signature have the form that they are written in.
    fn is_sound(&self) -> bool {
        from_hex::<8>(&self.key).is_some() && from_hex::<64>(&self.signature).is_some()
    }

    /// As one line of JSON, without a line feed.
    #[must_use]
    pub fn line(&self) -> String {
        // It is made of numbers and strings, which can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it is posted in a chat, in one line; [`find`] reads it back.
    #[must_use]
    pub fn posted(&self) -> String {
        let Checkpoint { format, seq, hash, at, key, signature } = self;
        format!("{MARK} {format} {seq} {hash} {at} {key} {signature}")
    }
}

/// Why a text has no checkpoints that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// In which line.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Finds the checkpoints in a text that was copied from somewhere: lines of JSON, or what was posted in a chat with
/// whatever stands around it. Gives each with its line.
///
/// # Errors
/// The first line that begins as a checkpoint and is none.
pub fn find(text: &str) -> Result<Vec<(usize, Checkpoint)>, Unreadable> {
    let mut found = Vec::new();
    for (line, words) in (1..).zip(text.lines()) {
        let bad = |what: String| Unreadable { line, what };
        let words = words.trim();
        if words.starts_with('{') {
            let read: Option<Checkpoint> = serde_json::from_str(words).ok();
            let read = read.filter(Checkpoint::is_sound).ok_or_else(|| bad("it is no checkpoint".to_owned()))?;
            found.push((line, read));
        }
        for (at, _) in words.match_indices(MARK) {
            let read = posted(&words[at + MARK.len()..]).filter(Checkpoint::is_sound);
            let read = read.ok_or_else(|| bad("the checkpoint in it is not whole, or was changed".to_owned()))?;
            found.push((line, read));
        }
    }
    Ok(found)
}

/// Reads what follows the mark.
fn posted(words: &str) -> Option<Checkpoint> {
    let mut words = words.split_whitespace();
    let mut next = || words.next();
    let format = next()?.parse().ok()?;
    let seq = next()?.parse().ok()?;
    let hash = Hash::from_hex(next()?)?;
    let at = next()?.parse().ok()?;
    let key = next()?.to_owned();
    // What stands around it in a chat comes along when it is copied.
    let signature = next()?.get(..SIGNATURE)?.to_owned();
    Some(Checkpoint { format, seq, hash, at, key, signature })
}

/// Writes bytes in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a string can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let at = "2026-03-02T14:05:00.123Z".parse().expect("a time");
        let unsigned = Checkpoint::unsigned(1000, Hash([7; 32]), at, hex(&[1; 8]));
        Checkpoint { signature: hex(&[9; 64]), ..unsigned }
    }

    #[test]
    fn it_is_found_in_a_file_and_in_what_was_copied_from_a_chat() {
        let it = checkpoint();
        let copied = format!(
            "Muster APP 14:05\nJournal checkpoint at record 1000: `{}`\n\n{}\n(edited) `{}`.\n",
            it.posted(),
            it.line(),
            it.posted()
        );
        assert_eq!(find(&copied), Ok(vec![(2, it.clone()), (4, it.clone()), (5, it)]));
        assert_eq!(find("nothing of the kind\n"), Ok(Vec::new()));
    }

    #[test]
    fn one_that_was_cut_or_changed_is_told_by_its_line() {
        let posted = checkpoint().posted();
        let cut = format!("x\n{}", &posted[..60]);
        assert_eq!(find(&cut).expect_err("it is cut").line, 2);
        let line = checkpoint().line().replace("\"seq\":1000", "\"seq\":-1");
        assert_eq!(find(&line).expect_err("it was changed").line, 1);
    }

    #[test]
    fn what_is_signed_differs_wherever_a_checkpoint_does() {
        let it = checkpoint();
        let others = [
            Checkpoint { format: 2, ..it.clone() },
            Checkpoint { seq: 1001, ..it.clone() },
            Checkpoint { hash: Hash([8; 32]), ..it.clone() },
            Checkpoint { at: Timestamp::UNIX_EPOCH, ..it.clone() },
            Checkpoint { key: "other".to_owned(), ..it.clone() },
        ];
        assert!(others.iter().all(|other| other.signed() != it.signed()));
    }
}
