//! A server that answers as a test says, over real HTTP, and writes down what it was asked.
//!
//! It speaks just enough of HTTP/1.1 to do what servers of frameworks don't: close the connection after the effect,
//! never answer, answer with any header. What holds: it listens on loopback alone; a request is written down when it
//! was read whole, before it is answered; it ends with the test.

// Each user of it needs a part.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// As it was sent: nothing is decoded.
    pub(crate) path: String,
    /// As it was sent, without the `?`.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The query, decoded.
    pub(crate) fn asked(&self, name: &str) -> Option<String> {
        let found = url::form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Method and path, for `match`.
    pub(crate) fn line(&self) -> (&str, &str) {
        (&self.method, &self.path)
    }
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Status, further headers, body.
    Reply(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The connection is closed: whatever was done is done.
    Lost,
    /// Nothing ever comes.
    Stalled,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer::Reply(status, vec![("content-type", "application/json".to_owned())], body.to_string().into_bytes())
    }

    pub(crate) fn status(status: u16) -> Answer {
        Answer::json(status, &serde_json::json!({"message": format!("status {status} it is")}))
    }

    pub(crate) fn text(status: u16, body: &str) -> Answer {
        Answer::Reply(status, vec![("content-type", "text/plain".to_owned())], body.as_bytes().to_vec())
    }

    pub(crate) fn with(self, name: &'static str, value: &str) -> Answer {
        match self {
            Answer::Reply(status, mut headers, body) => {
                headers.push((name, value.to_owned()));
                Answer::Reply(status, headers, body)
            }
            other => other,
        }
    }
}

type Answers = Box<dyn FnMut(&Seen) -> Answer + Send>;

/// A server that listens on loopback.
pub(crate) struct Server {
    /// `http://127.0.0.1:port`.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Connections whose request is being read or answered.
    busy: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    /// Whether the last request was left without an answer.
    stalled: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(answers: impl FnMut(&Seen) -> Answer + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let busy = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let stalled = Arc::new(AtomicBool::new(false));
        let answers: Arc<Mutex<Answers>> = Arc::new(Mutex::new(Box::new(answers)));
        let (log, working, counted) = (Arc::clone(&seen), Arc::clone(&busy), Arc::clone(&connections));
        let held = Arc::clone(&stalled);
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (log, working, answers) = (Arc::clone(&log), Arc::clone(&working), Arc::clone(&answers));
                let held = Arc::clone(&held);
                let serve = async move {
                    working.fetch_add(1, Ordering::SeqCst);
                    let stalled = serve(stream, &log, &answers).await;
                    held.store(stalled.is_some(), Ordering::SeqCst);
                    working.fetch_sub(1, Ordering::SeqCst);
                    // Held open for as long as the runtime lives.
                    if let Some(stream) = stalled {
                        std::future::pending::<()>().await;
                        drop(stream);
                    }
                };
                #[expect(clippy::disallowed_methods, reason = "a part of the test, which ends with it")]
                tokio::spawn(serve);
            }
        };
        #[expect(clippy::disallowed_methods, reason = "a part of the test, which ends with it")]
        let task = tokio::spawn(accept);
        Server { url, seen, busy, connections, stalled, task }
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Everything that was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests with a method.
    pub(crate) fn sent(&self, method: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.method == method).collect()
    }

    /// Method and path of everything that was asked so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }

    /// How many connections were made, whether something was said on them or not.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Whether the last request was left without an answer.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::SeqCst)
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }
}

/// Reads one request and answers it. Gives the connection back where it is to be held open.
async fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, answers: &Mutex<Answers>) -> Option<TcpStream> {
    let seen = read(&mut stream).await?;
    let answer = {
        log.lock().unwrap_or_else(PoisonError::into_inner).push(seen.clone());
        (answers.lock().unwrap_or_else(PoisonError::into_inner))(&seen)
    };
    match answer {
        Answer::Lost => None,
        Answer::Stalled => Some(stream),
        Answer::Reply(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} {}\r\nconnection: close\r\n", words(status));
            // A 204 has no body (RFC 9110, section 15.3.5).
            if status != 204 {
                head.push_str(&format!("content-length: {}\r\n", body.len()));
            }
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            // The other side may have given up.
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
            let _ = stream.shutdown().await;
            None
        }
    }
}

fn words(status: u16) -> &'static str {
    if status < 400 { "OK" } else { "No" }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut heard = Vec::new();
    let end = loop {
        if let Some(at) = heard.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let mut piece = [0; 16384];
        let length = stream.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        heard.extend_from_slice(&piece[..length]);
    };
    let head = String::from_utf8_lossy(&heard[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let split = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers: BTreeMap<String, String> = lines.filter_map(split).collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = heard[end + 4..].to_vec();
    while body.len() < length {
        let mut piece = [0; 16384];
        let read = stream.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        body.extend_from_slice(&piece[..read]);
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Seen { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

/// Does something while `advance` moves the clock, which stands still while a request is being answered.
pub(crate) async fn passing<T>(advance: impl Fn(Duration), server: &Server, work: impl Future<Output = T>) -> T {
    let mut work: Pin<Box<dyn Future<Output = T> + '_>> = Box::pin(work);
    let start = Instant::now();
    loop {
        // Long enough for a call on this machine to come about. One that is never answered needs time alone.
        let stalled = server.stalled.load(Ordering::SeqCst);
        let (room, step) = if stalled { (5, 11_000) } else { (6, 500) };
        let moment = Instant::now();
        while moment.elapsed() < Duration::from_millis(room) || server.is_busy() {
            let outcome = std::future::poll_fn(|context| std::task::Poll::Ready(work.as_mut().poll(context))).await;
            if let std::task::Poll::Ready(outcome) = outcome {
                return outcome;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "waited in vain");
            tokio::task::yield_now().await;
        }
        advance(Duration::from_millis(step));
    }
}
