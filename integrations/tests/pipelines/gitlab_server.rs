//! A small HTTP server for the strict peers of GitLab, Jenkins and Buildbot.
//!
//! It records what was asked, lets a peer answer, and breaks calls as a test says. What holds: each request is
//! answered on a connection of its own, so that one that breaks touches no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use integrations::clock::{Clock, ManualClock};
use integrations::http::http_client;
use integrations::http::public::Public;
use integrations::pipelines::{Failure, Refused, Shared};
use jiff::Timestamp;
use operations::pipeline::Order;
use operations::text::Outside;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// As it was sent, without the query.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// The path's parts, decoded; a slash that was encoded stays inside its part.
    pub(crate) fn parts(&self) -> Vec<String> {
        let parts = self.path.trim_start_matches('/').split('/');
        parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn asks(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> Option<Value> {
        let is_json = self.header("content-type").starts_with("application/json");
        serde_json::from_slice(&self.body).ok().filter(|_| is_json)
    }

    pub(crate) fn form(&self) -> Option<BTreeMap<String, String>> {
        let is_form = self.header("content-type") == "application/x-www-form-urlencoded";
        is_form.then(|| url::form_urlencoded::parse(&self.body).into_owned().collect())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer::text(status, &body.to_string()).with("content-type", "application/json")
    }

    pub(crate) fn text(status: u16, body: &str) -> Answer {
        Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What goes wrong, once.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This is answered, and nothing is done.
    Instead(Answer),
    /// It is done, and this is answered.
    After(Answer),
    /// It is done, and the connection breaks.
    Dropped,
}

/// A service that answers.
pub(crate) trait Peer: Send + 'static {
    fn answer(&mut self, asked: &Asked) -> Answer;
}

/// A server with a peer inside.
pub(crate) struct Server<P> {
    pub(crate) address: String,
    inner: Arc<Mutex<Inner<P>>>,
}

struct Inner<P> {
    peer: P,
    asked: Vec<Asked>,
    faults: Vec<(String, Fault)>,
}

impl<P: Peer> Server<P> {
    pub(crate) async fn start(peer: P) -> Server<P> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Mutex::new(Inner { peer, asked: Vec::new(), faults: Vec::new() }));
        let shared = Arc::clone(&inner);
        #[expect(clippy::disallowed_methods, reason = "a test's own server")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Server { address, inner }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<P>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the peer, or changes it.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut P) -> T) -> T {
        work(&mut self.inner().peer)
    }

    /// The next call that is `METHOD …part` goes wrong.
    pub(crate) fn fault(&self, call: &str, fault: Fault) {
        self.inner().faults.push((call.to_owned(), fault));
    }

    /// Calls whose `METHOD path` holds this.
    pub(crate) fn asked(&self, call: &str) -> Vec<Asked> {
        let is_it = |asked: &&Asked| matches(asked, call);
        self.inner().asked.iter().filter(is_it).cloned().collect()
    }
}

/// `POST /pipeline` is each POST to a path that ends so; `POST` is each POST.
fn matches(asked: &Asked, call: &str) -> bool {
    match call.split_once(' ') {
        Some((method, end)) => asked.method == method && asked.path.ends_with(end),
        None => asked.method == call,
    }
}

async fn serve<P: Peer>(mut stream: TcpStream, inner: Arc<Mutex<Inner<P>>>) {
    let Some(asked) = read(&mut stream).await else { return };
    let answer = {
        let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.asked.push(asked.clone());
        let fault = inner.faults.iter().position(|(call, _)| matches(&asked, call));
        match fault.map(|at| inner.faults.remove(at).1) {
            Some(Fault::Instead(answer)) => Some(answer),
            Some(Fault::After(answer)) => {
                inner.peer.answer(&asked);
                Some(answer)
            }
            Some(Fault::Dropped) => {
                inner.peer.answer(&asked);
                None
            }
            None => Some(inner.peer.answer(&asked)),
        }
    };
    let Some(answer) = answer else { return };
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len()));
    // The other side may be gone already.
    let _ = stream.write_all(head.as_bytes()).await;
    if asked.method != "HEAD" {
        let _ = stream.write_all(&answer.body).await;
    }
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Some(Asked { method, path: path.to_owned(), query, headers, body })
}

/// What the tests' clock says when they begin: 2026-09-21T13:33:20Z.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a time")
}

pub(crate) fn shared(clock: &ManualClock) -> Shared {
    integrations::tls::install();
    let clock = Arc::new(clock.clone());
    Shared {
        http: http_client().expect("a client"),
        clock: clock.clone(),
        public: Public::new(clock).expect("a reader"),
    }
}

/// Runs `work` while waits of up to two seconds pass at once; the time that calls may take does not.
pub(crate) async fn passing<T>(clock: &ManualClock, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        if let Poll::Ready(done) = futures_util::poll!(work.as_mut()) {
            return done;
        }
        if let Some(at) = clock.next_wake()
            && let Ok(wait) = Duration::try_from(at.duration_since(clock.now()))
            && wait <= Duration::from_secs(2)
        {
            clock.advance(wait);
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) const COMMIT: &str = "1111111111111111111111111111111111111111";

pub(crate) fn order(id: &str) -> Order {
    Order {
        id: id.to_owned(),
        is_rollback: false,
        service: "checkout".to_owned(),
        environment: "production".to_owned(),
        reference: "main".to_owned(),
        commit: COMMIT.to_owned(),
        parameters: BTreeMap::new(),
        by: Outside::new("Ann $(reboot)"),
        reason: Outside::new("because"),
        back_to: None,
    }
}

pub(crate) fn is_unknown<T>(outcome: &Result<T, Failure>) -> bool {
    matches!(outcome, Err(Failure::Unknown { .. }))
}

pub(crate) fn is_transient<T>(outcome: &Result<T, Failure>) -> bool {
    matches!(outcome, Err(Failure::Transient { .. }))
}

pub(crate) fn kind<T>(outcome: &Result<T, Failure>) -> Option<Refused> {
    match outcome {
        Err(Failure::Permanent { kind, .. }) => Some(*kind),
        _ => None,
    }
}

pub(crate) fn words<T>(outcome: &Result<T, Failure>) -> String {
    outcome.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

/// Statuses with what they mean for every call: whether it may have been done matters only to one that does something.
pub(crate) fn refusals(body: &Value) -> Vec<(Answer, Option<Refused>)> {
    vec![
        (Answer::json(401, body), Some(Refused::Token)),
        (Answer::json(403, body), Some(Refused::Forbidden)),
        (Answer::json(404, body), Some(Refused::NotFound)),
        (Answer::json(409, body), Some(Refused::Conflict)),
        (Answer::json(418, body), Some(Refused::Malformed)),
        (Answer::json(429, body).with("retry-after", "30"), None),
        (Answer::json(429, body), None),
    ]
}
