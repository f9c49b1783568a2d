//! A connection's bytes and what it is doing, watched from beside hyper.
//!
//! hyper's own time limit for a head holds for an idle connection as well, and it drops a
//! Content-Length that stands beside a Transfer-Encoding without a word (it closes the connection
//! then, which is safe but no refusal). So the bytes are looked at as they come. What holds: a
//! request costs two looks at the clock and no timer; before a connection is closed on a peer that
//! still writes, what it writes is read for a moment, so that it gets its answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Limits;
use crate::crash::{Crash, Point};

/// How long, and how many bytes, a peer is listened to that was answered while it still wrote.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// The header by its beginning, in lower case.
const LENGTH: &[u8] = b"\ncontent-length";

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// The head of a request comes, or should: the first one is waited for like one that has begun.
    Head,
    /// A request is being worked on; its body has a time limit of its own.
    Busy,
    /// Nothing is under way.
    Idle,
    /// It is answered and listened to for a last moment.
    Closing,
}

/// A connection as it stands. One task alone uses it, so the order of memory does not matter.
pub(super) struct Line {
    limits: Limits,
    began: Instant,
    phase: AtomicU8,
    /// Since when, in milliseconds after `began`.
    since: AtomicU64,
    /// How much of [`LENGTH`] the last bytes were.
    matched: AtomicU8,
    /// Whether it was there in the head that comes.
    length: AtomicBool,
    /// Whether the peer may still be writing when the connection is closed.
    lingers: AtomicBool,
    /// Whether a webhook was taken, and its answer is on its way.
    tells: AtomicBool,
}

impl Line {
    pub(super) fn new(limits: Limits) -> Line {
        Line {
            limits,
            began: Instant::now(),
            phase: AtomicU8::new(Phase::Head as u8),
            since: AtomicU64::new(0),
            matched: AtomicU8::new(0),
            length: AtomicBool::new(false),
            lingers: AtomicBool::new(true),
            tells: AtomicBool::new(false),
        }
    }

    fn is(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) == phase as u8
    }

    fn become_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Relaxed);
    }

    /// Whether a request is being worked on.
    pub(super) fn is_busy(&self) -> bool {
        self.is(Phase::Busy)
    }

    /// Whether what it is doing takes longer than it may.
    pub(super) fn is_over(&self) -> bool {
        let limit = if self.is(Phase::Head) {
            self.limits.head
        } else if self.is(Phase::Idle) {
            self.limits.idle
        } else if self.is(Phase::Closing) {
            LINGER
        } else {
            return false;
        };
        let since = Duration::from_millis(self.since.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(since) > limit
    }

    /// Bytes came.
    fn read(&self, bytes: &[u8]) {
        if self.is(Phase::Idle) && !bytes.is_empty() {
            self.become_phase(Phase::Head);
            self.lingers.store(true, Ordering::Relaxed);
            self.length.store(false, Ordering::Relaxed);
        }
        if self.is(Phase::Head) && !self.length.load(Ordering::Relaxed) {
            self.look_for_length(bytes);
        }
    }

    /// Looks for a Content-Length, also where it comes in pieces.
    fn look_for_length(&self, bytes: &[u8]) {
        let mut matched = usize::from(self.matched.load(Ordering::Relaxed));
        for byte in bytes {
            matched = match LENGTH.get(matched) {
                Some(wanted) if *wanted == byte.to_ascii_lowercase() => matched + 1,
                _ => usize::from(*byte == b'\n'),
            };
            if matched == LENGTH.len() {
                self.length.store(true, Ordering::Relaxed);
                return;
            }
        }
        // It is shorter than any number that would not fit.
        self.matched.store(u8::try_from(matched).unwrap_or_default(), Ordering::Relaxed);
    }

    /// A head has come whole. Whether it says in one way only how long the body is.
    pub(super) fn head_is_clear(&self, headers: &HeaderMap) -> bool {
        self.become_phase(Phase::Busy);
        !(headers.contains_key(header::TRANSFER_ENCODING) && self.length.load(Ordering::Relaxed))
    }

    /// The request is answered; `well` says that it was read to its end, and `kept` that it was a webhook that is kept.
    pub(super) fn answered(&self, well: bool, kept: bool) {
        if kept {
            self.tells.store(true, Ordering::Relaxed);
        }
        self.become_phase(Phase::Idle);
        self.lingers.store(!well, Ordering::Relaxed);
    }
}

/// A TCP connection that tells its [`Line`] what comes.
pub(super) struct Watched {
    stream: TcpStream,
    line: Arc<Line>,
    /// What was read and thrown away since the end was said.
    drained: Option<usize>,
    crash: Crash,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, line: Arc<Line>, crash: Crash) -> Watched {
        Watched { stream, line, drained: None, crash }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.line.read(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.line.tells.swap(false, Ordering::Relaxed) {
            self.crash.pass(Point::HookReplyAfter)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Says the end; where the peer may still be writing, reads on until it has heard.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut drained = match self.drained {
            Some(drained) => drained,
            None => {
                ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                if !self.line.lingers.load(Ordering::Relaxed) {
                    return Poll::Ready(Ok(()));
                }
                self.line.become_phase(Phase::Closing);
                0
            }
        };
        let mut thrown_away = [0; 8192];
        loop {
            self.drained = Some(drained);
            let mut buffer = ReadBuf::new(&mut thrown_away);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            drained += buffer.filled().len();
            // A connection that broke needs no more listening to.
            if read.is_err() || buffer.filled().is_empty() || drained > LINGER_BYTES {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
