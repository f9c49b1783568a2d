//! An HTTP client that is as light as a load generator has to be.
//!
//! One thread, one connection a task, one write and one read a request; of an answer only
//! the status and the length are looked at. What holds: an answer that comes after the time
//! is over is not counted, and each one that is not 2xx is counted by its status.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::alerts::Request;
use crate::process;

/// Room for an answer's head and body: what peers say to an alert is short.
const ANSWER: usize = 16 * 1024;

/// What is sent, and for how long.
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) connections: usize,
    pub(super) request: Request,
    /// For so long.
    pub(super) time: Duration,
    /// At most so many requests.
    pub(super) most: u64,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Outcome {
    /// Requests that were answered with 2xx in time.
    pub(super) taken: u64,
    /// How long each of those took.
    pub(super) times: Vec<Duration>,
    /// Other answers by their status.
    pub(super) refused: BTreeMap<u16, u64>,
    /// Connections that broke off, and the last reason.
    pub(super) broken: Vec<String>,
    /// From the first request to the last answer, or to the end of the time.
    pub(super) took: Duration,
    /// Processor time of the client, in seconds.
    pub(super) processor: f64,
}

/// What the connections share.
struct Shared {
    next: AtomicU64,
    most: u64,
    begun: Instant,
    time: Duration,
}

impl Load {
    /// Sends it all, from a thread of its own.
    pub(super) async fn run(self) -> Outcome {
        let thread = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
            runtime.block_on(self.send())
        };
        tokio::task::spawn_blocking(thread).await.expect("the client does not panic")
    }

    async fn send(self) -> Outcome {
        let mut streams = Vec::new();
        for _ in 0..self.connections {
            let stream = TcpStream::connect(self.address).await.expect("the peer listens");
            stream.set_nodelay(true).expect("a socket takes it");
            streams.push(stream);
        }
        let processor = process::seconds_of_this_thread();
        let begun = Instant::now();
        let shared = Arc::new(Shared { next: AtomicU64::new(0), most: self.most, begun, time: self.time });
        let mut connections = JoinSet::new();
        for stream in streams {
            connections.spawn(connection(stream, self.request.clone(), shared.clone()));
        }
        let mut outcome = Outcome::default();
        while let Some(one) = connections.join_next().await {
            outcome.add(one.expect("a connection's task does not panic"));
        }
        outcome.took = begun.elapsed().min(self.time);
        outcome.processor = process::seconds_of_this_thread() - processor;
        outcome
    }
}

impl Outcome {
    fn add(&mut self, other: Outcome) {
        self.taken += other.taken;
        self.times.extend(other.times);
        self.broken.extend(other.broken);
        for (status, count) in other.refused {
            *self.refused.entry(status).or_default() += count;
        }
    }
}

/// Sends one request after another over one connection.
async fn connection(mut stream: TcpStream, mut request: Request, shared: Arc<Shared>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut answer = vec![0; ANSWER];
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if number >= shared.most {
            break;
        }
        let bytes = request.number(number);
        let begun = Instant::now();
        let status = match exchange(&mut stream, bytes, &mut answer).await {
            Ok(status) => status,
            Err(error) => {
                outcome.broken.push(error.to_string());
                break;
            }
        };
        let ended = Instant::now();
        if ended - shared.begun > shared.time {
            break;
        }
        if (200..300).contains(&status) {
            outcome.taken += 1;
            outcome.times.push(ended - begun);
        } else {
            *outcome.refused.entry(status).or_default() += 1;
        }
    }
    outcome
}

/// Sends a request and reads its answer to the end; gives back the status.
async fn exchange(stream: &mut TcpStream, request: &[u8], answer: &mut [u8]) -> io::Result<u16> {
    stream.write_all(request).await?;
    let mut got = 0;
    loop {
        let read = stream.read(&mut answer[got..]).await?;
        if read == 0 {
            return Err(io::Error::other("the peer closed, or its answer is too long"));
        }
        got += read;
        if let Some((status, length)) = head(&answer[..got])?
            && got >= length
        {
            return Ok(status);
        }
    }
}

/// The status of an answer, and how long it is with its body; nothing while its head is not whole.
fn head(answer: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let wrong = || io::Error::other("an answer without a status or a length");
    let text = std::str::from_utf8(&answer[..end]).map_err(|_| wrong())?;
    let status = text.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(wrong)?;
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        if name.eq_ignore_ascii_case("content-length") { value.parse::<usize>().ok() } else { None }
    });
    Ok(Some((status, end + 4 + length.ok_or_else(wrong)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_once_its_body_is_there() {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\ndate: x\r\ncontent-length: 5\r\n\r\nwait\n";
        for cut in 0..answer.len() - 5 {
            assert_eq!(head(&answer[..cut]).expect("it is well"), None, "{cut}");
        }
        assert_eq!(head(answer).expect("it is well"), Some((503, answer.len())));
        assert!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
