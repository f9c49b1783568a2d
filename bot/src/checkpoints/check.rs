//! Checking a journal against checkpoints: its own, and copies from elsewhere.
//!
//! What holds: every checkpoint's signature is checked, with keys that were named or else
//! with the data directory's own; the journal says at each checkpoint's record what the
//! checkpoint says; and it reaches as far as the newest.

use std::num::NonZero;
use std::path::Path;

use jiff::Timestamp;
use operations::checkpoint::Checkpoint;
use operations::journal::{FORMAT, Hash};

use super::book;
use super::key::{Key, PublicKey};
use crate::journal::JournalError;
use crate::store::StoreError;

/// So many signatures are worth a thread.
const WORTH: usize = 512;

/// What a journal is checked against, beside its own hashes.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// Copies of checkpoints, with where they come from: `chat.txt, line 3`.
    pub copies: Vec<(String, Checkpoint)>,
    /// The public keys that are known to be right; where none is named, the data directory's own is taken.
    pub keys: Vec<PublicKey>,
}

/// What the checkpoints said, where all of them fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitting {
    /// How many are the data directory's own.
    pub own: usize,
    /// How many were given as copies.
    pub copies: usize,
    /// The newest: its record and when it was made.
    pub newest: Option<(u64, Timestamp)>,
    /// Where only the data directory itself says which key is right: that key.
    pub own_key: Option<PublicKey>,
}

/// Follows a journal from its first record on.
#[derive(Clone)]
pub(crate) struct Follower {
    /// In the order of their records.
    claims: Vec<(String, Checkpoint)>,
    next: usize,
    fitting: Fitting,
}

impl Follower {
    /// Checks the signatures of a data directory's checkpoints and of the copies.
    ///
    /// To be called before the journal is looked at: then no checkpoint is newer, also while the bot writes both.
    pub(crate) fn of(data: &Path, against: &Against) -> Result<Follower, JournalError> {
        let own_key = Key::open(data)?.map(|key| key.public());
        Follower::new(&book::read(data)?, own_key, against)
    }

    /// The same with what stands in the data directory.
    pub(crate) fn new(book: &[u8], own_key: Option<PublicKey>, against: &Against) -> Result<Follower, JournalError> {
        let own = book::checkpoints(book).map_err(|line| JournalError::Checkpoint {
            whence: format!("{}, line {line}", book::NAME),
            what: "it is not what was written".to_owned(),
        })?;
        let mut fitting = Fitting { own: own.len(), copies: against.copies.len(), ..Fitting::default() };
        let own = own.into_iter().map(|(line, it)| (format!("{}, line {line}", book::NAME), it));
        let mut claims: Vec<_> = own.chain(against.copies.iter().cloned()).collect();
        claims.sort_by_key(|(_, it)| it.seq);
        fitting.newest = claims.last().map(|(_, it)| (it.seq, it.at));
        let mut keys = against.keys.clone();
        if keys.is_empty() && !claims.is_empty() {
            fitting.own_key = own_key;
            keys.extend(own_key);
        }
        if keys.is_empty() && !claims.is_empty() {
            return Err(JournalError::NoKey);
        }
        check_signatures(&claims, &keys)?;
        Ok(Follower { claims, next: 0, fitting })
    }

    /// A record, and the hash after it.
    pub(crate) fn record(&mut self, seq: u64, hash: Hash) -> Result<(), JournalError> {
        while let Some((whence, it)) = self.claims.get(self.next).filter(|(_, it)| it.seq <= seq) {
            if it.seq == seq && it.hash != hash {
                let after = self.next.checked_sub(1).map_or(0, |before| self.claims[before].1.seq);
                let what = match seq - after {
                    0 | 1 => format!("record {seq} is not the one that was written"),
                    _ => format!("of the records from {} to {seq}, at least one is not what was written", after + 1),
                };
                return Err(wrong(whence, it, &what));
            }
            self.next += 1;
        }
        Ok(())
    }

    /// The journal ends after this many records.
    pub(crate) fn end(self, events: u64) -> Result<Fitting, JournalError> {
        match self.claims.last() {
            Some((whence, it)) if it.seq > events => {
                let Checkpoint { seq, .. } = it;
                let what = format!(
                    "the journal ends at record {events}, but the checkpoint says that record {seq} was written: the end is missing"
                );
                Err(wrong(whence, it, &what))
            }
            _ => Ok(self.fitting),
        }
    }
}

fn wrong(whence: &str, it: &Checkpoint, what: &str) -> JournalError {
    let whence = format!("{whence}: the checkpoint at record {} of {}", it.seq, it.at);
    JournalError::Checkpoint { whence, what: what.to_owned() }
}

fn check_signatures(claims: &[(String, Checkpoint)], keys: &[PublicKey]) -> Result<(), JournalError> {
    let named: Vec<(String, PublicKey)> = keys.iter().map(|key| (key.id(), *key)).collect();
    let check = |claims: &[(String, Checkpoint)]| -> Result<(), JournalError> {
        for (whence, it) in claims {
            if it.format > FORMAT {
                return Err(StoreError::Newer { found: it.format, known: FORMAT }.into());
            }
            let Some((_, key)) = named.iter().find(|(id, _)| *id == it.key) else {
                let ids: Vec<&str> = named.iter().map(|(id, _)| id.as_str()).collect();
                let what = format!(
                    "it is signed with the key {}, and not with {}. Where the key was changed or Muster moved, name every key \
                     that was right with --key",
                    it.key,
                    ids.join(" or ")
                );
                return Err(wrong(whence, it, &what));
            };
            if !key.signed(it) {
                return Err(wrong(whence, it, "its signature does not fit: it was changed, or never made"));
            }
        }
        Ok(())
    };
    // Signatures take longer than hashes, and a bot that was never busy has one for each record.
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(claims.len().div_ceil(WORTH));
    if threads < 2 {
        return check(claims);
    }
    std::thread::scope(|scope| {
        let parts = claims.chunks(claims.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(|| check(part))).collect();
        running.into_iter().try_for_each(|part| {
            part.join().unwrap_or_else(|_| Err(std::io::Error::other("checking signatures broke off").into()))
        })
    })
}
