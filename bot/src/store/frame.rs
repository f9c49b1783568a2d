//! A frame: one batch as it stands in a log.
//!
//! ```text
//! head   "MFR1"  check:u32  batch:u64  first:u64  events:u32  lines:u32  rest:u32      36 bytes, big-endian
//! body   for each event: its line's length:u32 and the hash after it:32 bytes
//!        the lines, each ended by a line feed
//!        the rest as JSON: effects asked for and ended, deliveries, where Discord's session resumes
//! ```
//!
//! `check` is the CRC-32 of all that follows it. What holds: a frame is whole or it is not
//! taken; the bytes of a line are the bytes that were hashed.

use std::io::{self, Read};
use std::sync::Arc;

use integrations::chat::socket::Session;
use jiff::Timestamp;
use operations::journal::Hash;
use serde::{Deserialize, Serialize};

use super::{Batch, Change, StoreError};

const MARK: [u8; 4] = *b"MFR1";
/// Bytes of a frame's head.
pub(super) const HEAD: usize = 36;
/// Bytes that an event takes beside its line.
const PER_EVENT: usize = 36;

/// What a frame holds beside events.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rest {
    pub(super) changes: Vec<Change>,
    pub(super) deliveries: Vec<(Arc<str>, Timestamp)>,
    pub(super) forgotten: Vec<Arc<str>>,
    pub(super) session: Option<Session>,
}

#[derive(Serialize)]
struct RestOf<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changes: &'a [Change],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    deliveries: &'a [(Arc<str>, Timestamp)],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    forgotten: &'a [Arc<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a Session>,
}

/// A frame that was read.
#[derive(Debug)]
pub(super) struct Frame {
    /// The batch's number: from 1, without gaps, over all logs.
    pub(super) batch: u64,
    /// The number of its first event, or of the next one where it has none.
    pub(super) first: u64,
    /// The length of each line without its line feed, and the hash after it.
    pub(super) ends: Vec<(usize, Hash)>,
    /// The lines.
    pub(super) lines: Vec<u8>,
    rest: Vec<u8>,
}

impl Frame {
    /// The frame's length in its log.
    pub(super) fn len(&self) -> u64 {
        (HEAD + self.ends.len() * PER_EVENT + self.lines.len() + self.rest.len()) as u64
    }

    /// What it holds beside events. Its check sum fits.
    pub(super) fn rest(&self) -> Result<Rest, StoreError> {
        let what = || format!("the effects of the batch at record {}", self.first);
        serde_json::from_slice(&self.rest).map_err(|error| StoreError::unknown(&what(), &error))
    }

    /// Each event's number, line and hash.
    pub(super) fn events(&self) -> impl Iterator<Item = (u64, &[u8], Hash)> {
        let mut start = 0;
        self.ends.iter().zip(self.first..).map(move |(&(length, hash), seq)| {
            let line = self.lines.get(start..start + length).unwrap_or_default();
            start += length + 1;
            (seq, line, hash)
        })
    }
}

/// Writes a batch as a frame into `to`, which is emptied before.
pub(super) fn encode(to: &mut Vec<u8>, number: u64, batch: &Batch) -> io::Result<()> {
    to.clear();
    to.reserve(HEAD + batch.ends.len() * PER_EVENT + batch.lines.len() + 64 + batch.changes.len() * 256);
    to.extend_from_slice(&[0; HEAD]);
    let mut start = 0;
    for (end, hash) in &batch.ends {
        to.extend_from_slice(&count(end - start - 1)?);
        to.extend_from_slice(&hash.0);
        start = *end;
    }
    to.extend_from_slice(&batch.lines);
    let rest_at = to.len();
    let Batch { changes, deliveries, forgotten, session, .. } = batch;
    serde_json::to_writer(&mut *to, &RestOf { changes, deliveries, forgotten, session: session.as_ref() })?;
    let head = [
        &number.to_be_bytes()[..],
        &batch.first.to_be_bytes(),
        &count(batch.ends.len())?,
        &count(batch.lines.len())?,
        &count(to.len() - rest_at)?,
    ]
    .concat();
    to[8..HEAD].copy_from_slice(&head);
    let check = crc32fast::hash(&to[8..]);
    to[..4].copy_from_slice(&MARK);
    to[4..8].copy_from_slice(&check.to_be_bytes());
    Ok(())
}

/// What was found where a frame should begin.
pub(super) enum Next {
    /// A whole frame.
    Frame(Box<Frame>),
    /// Nothing: the log ends here.
    End,
    /// Something that is no whole frame.
    Torn,
}

/// Reads the next frame.
pub(super) fn read(from: &mut dyn Read) -> io::Result<Next> {
    let mut head = [0; HEAD];
    match fill(from, &mut head)? {
        0 => return Ok(Next::End),
        HEAD => {}
        _ => return Ok(Next::Torn),
    }
    let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let long = |at: usize| (u64::from(number(at)) << 32) | u64::from(number(at + 4));
    let (events, lines, rest) = (number(24) as usize, number(28) as usize, number(32) as usize);
    if head[..4] != MARK {
        return Ok(Next::Torn);
    }
    // Not reserved by what the head says, which may be wrong: what is there is read.
    let length = (events * PER_EVENT + lines + rest) as u64;
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body)?;
    let mut check = crc32fast::Hasher::new();
    check.update(&head[8..]);
    check.update(&body);
    if body.len() as u64 != length || check.finalize() != number(4) {
        return Ok(Next::Torn);
    }
    let rest = body.split_off(events * PER_EVENT + lines);
    let lines = body.split_off(events * PER_EVENT);
    let ends = body.chunks_exact(PER_EVENT).map(|end| {
        let (length, hash) = end.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap_or_default());
        (length as usize, Hash(hash.try_into().unwrap_or_default()))
    });
    Ok(Next::Frame(Box::new(Frame { batch: long(8), first: long(16), ends: ends.collect(), lines, rest })))
}

/// Whether a whole frame begins anywhere in what is left: then what could not be read is no torn end, but damage.
pub(super) fn any_later(bytes: &[u8]) -> bool {
    bytes
        .windows(MARK.len())
        .enumerate()
        .filter(|(_, window)| *window == MARK)
        .any(|(at, _)| matches!(read(&mut &bytes[at..]), Ok(Next::Frame(_))))
}

/// Reads until the buffer is full or there is no more.
fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn count(number: usize) -> io::Result<[u8; 4]> {
    let number = u32::try_from(number).map_err(|_| io::Error::other("a batch is larger than 4 GiB"))?;
    Ok(number.to_be_bytes())
}
