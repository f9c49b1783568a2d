//! Reading a body: capped in size and time, and held in pieces.
//!
//! What holds: a body that comes in one piece is not copied; a large one is held in pieces that an
//! allocator gives out again, and made one only when it is its turn to be parsed; what is held is
//! taken from the [`room`](super::room) that all sources share.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::StreamExt;

use super::room::Place;

/// The size of a piece. Blocks from 128 KiB on are mapped at first and kept for ever once some were freed, which is how
/// glibc learns; a thousand of those would take a gigabyte.
const PIECE: usize = 64 * 1024;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is compressed.
    Compressed,
    /// It is larger than it may be.
    TooLarge,
    /// It took too long.
    Slow,
    /// It ended before its end.
    BrokeOff,
    /// All room is taken.
    NoRoom,
}

/// A body as it came.
#[derive(Debug)]
pub(super) enum Pieces {
    /// In one.
    Whole(Bytes),
    /// In several, all of them full but the last.
    Several(Vec<Vec<u8>>),
}

impl Pieces {
    /// Its size in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Pieces::Whole(bytes) => bytes.len(),
            Pieces::Several(pieces) => pieces.iter().map(Vec::len).sum(),
        }
    }

    /// The whole of it.
    pub(super) fn join(self) -> Bytes {
        match self {
            Pieces::Whole(bytes) => bytes,
            Pieces::Several(mut pieces) if pieces.len() == 1 => Bytes::from(pieces.swap_remove(0)),
            Pieces::Several(pieces) => Bytes::from(pieces.concat()),
        }
    }
}

/// Reads a body of at most `limit` bytes that comes within `timeout`.
pub(super) async fn read(
    body: Body,
    headers: &HeaderMap,
    limit: usize,
    timeout: Duration,
    place: &mut Place<'_>,
) -> Result<Pieces, Unread> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Unread::Compressed);
    }
    let told = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    // What is refused is not read: the connection sees to it that its sender hears of it all the same.
    if told.is_some_and(|told| told > limit) {
        return Err(Unread::TooLarge);
    }
    if told.is_some_and(|told| !place.could_grow(told)) {
        return Err(Unread::NoRoom);
    }
    tokio::time::timeout(timeout, gather(body, limit, told, place)).await.unwrap_or(Err(Unread::Slow))
}

async fn gather(body: Body, limit: usize, told: Option<usize>, place: &mut Place<'_>) -> Result<Pieces, Unread> {
    let mut chunks = body.into_data_stream();
    let mut size = 0;
    // Only what has come takes room: who sends slowly holds no more than that.
    let mut next = async |place: &mut Place<'_>| match chunks.next().await {
        None => Ok(None),
        Some(Err(_)) => Err(Unread::BrokeOff),
        Some(Ok(chunk)) => {
            size += chunk.len();
            match size <= limit {
                false => Err(Unread::TooLarge),
                true if !place.grow(chunk.len()) => Err(Unread::NoRoom),
                true => Ok(Some(chunk)),
            }
        }
    };
    let Some(first) = next(place).await? else { return Ok(Pieces::Whole(Bytes::new())) };
    let Some(second) = next(place).await? else { return Ok(Pieces::Whole(first)) };
    let mut pieces = vec![Vec::with_capacity(told.unwrap_or(PIECE).min(PIECE))];
    add(&mut pieces, &first);
    drop(first);
    add(&mut pieces, &second);
    drop(second);
    while let Some(chunk) = next(place).await? {
        add(&mut pieces, &chunk);
    }
    Ok(Pieces::Several(pieces))
}

/// Adds bytes to the last piece, and to new ones where that is full.
fn add(pieces: &mut Vec<Vec<u8>>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let room = pieces.last().map_or(0, |last| PIECE - last.len());
        let (fits, rest) = bytes.split_at(bytes.len().min(room));
        if let Some(last) = pieces.last_mut() {
            last.extend_from_slice(fits);
        }
        if !rest.is_empty() {
            pieces.push(Vec::with_capacity(PIECE));
        }
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::room::Room;

    const MINUTE: Duration = Duration::from_secs(60);

    fn chunks(sizes: &[usize]) -> (Body, Vec<u8>) {
        let mut number = 0_u8;
        let chunk = |size: &usize| {
            number = number.wrapping_add(1);
            Bytes::from(vec![number; *size])
        };
        let chunks: Vec<Bytes> = sizes.iter().map(chunk).collect();
        let stream = futures_util::stream::iter(chunks.clone().into_iter().map(Ok::<_, std::io::Error>));
        (Body::from_stream(stream), chunks.concat())
    }

    async fn read_all(sizes: &[usize], limit: usize, room: &Room) -> Result<(Pieces, Vec<u8>), Unread> {
        let (body, all) = chunks(sizes);
        let mut place = room.place();
        Ok((read(body, &HeaderMap::new(), limit, MINUTE, &mut place).await?, all))
    }

    #[tokio::test]
    async fn a_body_is_what_was_sent_in_whatever_pieces() {
        for sizes in [
            &[][..],
            &[5],
            &[0, 5],
            &[3, 4],
            &[PIECE, 1],
            &[PIECE - 1, 1, 1],
            &[1; 300],
            &[PIECE + 1, PIECE * 3, 7],
            &[4096; 100],
        ] {
            let room = Room::new(1 << 20);
            let (pieces, all) = read_all(sizes, 1 << 20, &room).await.expect("it fits");
            assert_eq!(pieces.size(), all.len(), "{sizes:?}");
            if let Pieces::Several(pieces) = &pieces {
                assert!(pieces.iter().all(|piece| piece.len() <= PIECE && piece.capacity() <= PIECE), "{sizes:?}");
            }
            assert_eq!(pieces.join(), all, "{sizes:?}");
            assert_eq!(room.held(), 0, "what was held is given back");
        }
    }

    #[tokio::test]
    async fn more_than_may_be_or_than_there_is_room_for_is_refused() {
        let room = Room::new(100);
        assert_eq!(read_all(&[50, 50], 100, &room).await.map(|it| it.0.size()), Ok(100));
        assert_eq!(read_all(&[50, 51], 100, &room).await.err(), Some(Unread::TooLarge));
        assert_eq!(read_all(&[50, 51], 200, &room).await.err(), Some(Unread::NoRoom));
        let mut other = room.place();
        assert!(other.grow(60));
        assert_eq!(read_all(&[41], 100, &room).await.err(), Some(Unread::NoRoom));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, header::HeaderValue::from_static("41"));
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let refused = read(never, &headers, 100, MINUTE, &mut room.place()).await;
        assert_eq!(refused.err(), Some(Unread::NoRoom), "what can't fit is not waited for");
    }
}
