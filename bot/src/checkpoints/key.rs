//! The key that checkpoints are signed with: Ed25519, in `checkpoint.key` of the data directory.
//!
//! It is made at the first start, and never leaves the machine; its public part is shown
//! in the log and by `muster journal key`. What holds: the file is readable by its owner
//! alone from the moment it is there, and is there whole or not at all. A key that
//! `openssl genpkey -algorithm ED25519 -outform DER` made is taken too.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use jiff::Timestamp;
use operations::checkpoint::{Checkpoint, hex};
use operations::journal::{Hash, from_hex};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use crate::store::StoreError;

/// The file's name in the data directory.
pub const NAME: &str = "checkpoint.key";

/// A key that can sign.
pub struct Key(Ed25519KeyPair);

/// The part of it that everybody may know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl Key {
    /// The key of a data directory that exists; makes one where there is none.
    ///
    /// # Errors
    /// What the file system refuses, and a file that is no key.
    pub fn open_or_make(data: &Path) -> Result<Key, StoreError> {
        if let Some(key) = Key::open(data)? {
            return Ok(key);
        }
        let made = Key::make();
        let (key, file) = made.map_err(|error| StoreError::io("making a key for checkpoints")(error))?;
        put(data, &file).map_err(|error| StoreError::io(format!("writing {}", data.join(NAME).display()))(error))?;
        Ok(key)
    }

    /// The key of a data directory, if there is one.
    ///
    /// # Errors
    /// What the file system refuses, and a file that is no key.
    pub fn open(data: &Path) -> Result<Option<Key>, StoreError> {
        let path = data.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io(format!("reading {}", path.display()))(error)),
        };
        if fs::metadata(&path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
            tracing::warn!(path = %path.display(), "The key for checkpoints can be read by others: chmod 600 it");
        }
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes);
        pair.map(|pair| Some(Key(pair))).map_err(|_| StoreError::Key(path.display().to_string()))
    }

    /// A new key, and the file for it.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn make() -> io::Result<(Key, Vec<u8>)> {
        let file = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let file = file.map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let pair =
            Ed25519KeyPair::from_pkcs8(file.as_ref()).map_err(|_| io::Error::other("the key that was made is none"))?;
        Ok((Key(pair), file.as_ref().to_vec()))
    }

    /// The part that everybody may know.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        // An Ed25519 public key always has 32 bytes.
        PublicKey(self.0.public_key().as_ref().try_into().unwrap_or_default())
    }

    /// Signs that the record `seq` was written, with `hash` after it.
    #[must_use]
    pub fn sign(&self, seq: u64, hash: Hash, at: Timestamp) -> Checkpoint {
        let unsigned = Checkpoint::unsigned(seq, hash, at, self.public().id());
        let signature = hex(self.0.sign(unsigned.signed().as_bytes()).as_ref());
        Checkpoint { signature, ..unsigned }
    }
}

impl PublicKey {
    /// Reads the form that `Display` writes.
    #[must_use]
    pub fn read(words: &str) -> Option<PublicKey> {
        from_hex(words).map(PublicKey)
    }

    /// Its short name in checkpoints.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.0)[..8])
    }

    /// Whether a checkpoint was signed with it, just as it is.
    #[must_use]
    pub fn signed(&self, checkpoint: &Checkpoint) -> bool {
        let Some(signature) = from_hex::<64>(&checkpoint.signature) else { return false };
        UnparsedPublicKey::new(&ED25519, self.0).verify(checkpoint.signed().as_bytes(), &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Writes the file under another name and renames it, so that a power cut leaves no half of a key.
fn put(data: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = data.join(format!("{NAME}.new"));
    match fs::remove_file(&new) {
        // One that was being made when the power was cut.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, data.join(NAME))?;
    File::open(data)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let data = tempfile::tempdir().expect("a directory");
        assert!(Key::open(data.path()).expect("no key is no error").is_none());
        fs::write(data.path().join("checkpoint.key.new"), "half").expect("as a power cut leaves it");
        let made = Key::open_or_make(data.path()).expect("it is made").public();
        let mode = fs::metadata(data.path().join(NAME)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Key::open_or_make(data.path()).expect("it is there").public(), made);
        assert_eq!(PublicKey::read(&made.to_string()), Some(made));
        assert_eq!(fs::read_dir(data.path()).expect("a directory").count(), 1);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_with_what_to_do_and_left_alone() {
        let data = tempfile::tempdir().expect("a directory");
        fs::write(data.path().join(NAME), "my own words").expect("a file");
        let refused = Key::open_or_make(data.path()).err().expect("it is refused").to_string();
        assert!(refused.contains("checkpoint.key") && refused.contains("move it away"), "{refused}");
        assert!(!refused.contains("my own words"));
        assert_eq!(fs::read(data.path().join(NAME)).expect("a file"), b"my own words");
    }

    #[test]
    fn a_signature_fits_what_was_signed_and_nothing_else() {
        let (key, other) = (Key::make().expect("a key").0, Key::make().expect("a key").0);
        let it = key.sign(7, Hash([1; 32]), Timestamp::UNIX_EPOCH);
        assert!(key.public().signed(&it));
        assert!(!other.public().signed(&it), "with another key");
        assert!(!key.public().signed(&Checkpoint { seq: 8, ..it.clone() }));
        assert!(!key.public().signed(&Checkpoint { hash: Hash([2; 32]), ..it.clone() }));
        assert!(!key.public().signed(&Checkpoint { signature: it.signature.to_uppercase(), ..it }));
    }

    /// RFC 8410, section 10.3: a private key without its public part, and that public part.
    #[test]
    fn a_key_that_openssl_made_is_taken() {
        let data = tempfile::tempdir().expect("a directory");
        let file: [u8; 48] = from_hex(
            "302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842",
        )
        .expect("digits");
        fs::write(data.path().join(NAME), file).expect("a file");
        let key = Key::open(data.path()).expect("it is a key").expect("it is there");
        assert_eq!(key.public().to_string(), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    }
}
