//! Listening: connections within limits, and an end for who is slow.
//!
//! Each connection is a task that hyper drives; `line` watches its bytes. What holds: no more
//! connections than are allowed, and one more is told to come back; a head comes whole within its
//! time and size or the connection is cut; a slow peer costs a task and a few kilobytes, and keeps
//! nobody from being served; nothing that a peer sends is answered as anything but plain text.

mod descriptors;
mod line;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use self::line::{Line, Watched};
use super::hooks;
use crate::crash::Crash;

/// The largest head of a request in bytes, from its first line to the empty one. Beyond 100 headers it is refused as
/// well, which is hyper's own limit.
const LARGEST_HEAD: usize = 16 * 1024;

/// How often a connection is looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// How long nothing is accepted after the system refused to (it has no descriptors left).
const PAUSE: Duration = Duration::from_millis(200);

/// At most so many are told at once that there is no room; more are cut off without a word.
const TURNED_AWAY: usize = 256;

/// How long one of them may take to read it.
const GOODBYE: Duration = Duration::from_secs(1);

const NO_ROOM: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
    x-content-type-options: nosniff\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    Too many connections are open. Send it again.\n";

/// How many connections may wait to be accepted. The system may allow fewer. The usual 128 fill up when many sources
/// come back at the same moment, and who finds no place there tries again after a second only.
const WAITING: u32 = 4096;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many may be open.
    pub connections: usize,
    /// How long the head of a request may take.
    pub head: Duration,
    /// How long a connection may be open between two requests.
    pub idle: Duration,
}

/// Listens at an address; port 0 picks a free one.
///
/// # Errors
/// What the system says.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows it would let somebody else listen at the same address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Serves until it is time to stop, and then until what was begun is answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
    crash: Crash,
) {
    descriptors::raise(limits.connections);
    let mut http = http1::Builder::new();
    http.max_buf_size(LARGEST_HEAD);
    let mut open = JoinSet::new();
    let mut turned_away = JoinSet::new();
    let mut was_full = false;
    loop {
        let accepted = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(ended) = open.join_next() => {
                note(ended);
                continue;
            }
            Some(_) = turned_away.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if open.len() < limits.connections => {
                was_full = false;
                open.spawn(connection(stream, http.clone(), router.clone(), limits, stopping.clone(), crash.clone()));
            }
            Ok((stream, _)) => {
                if !was_full {
                    tracing::warn!(limit = limits.connections, "Too many connections are open; more are turned away");
                }
                was_full = true;
                if turned_away.len() < TURNED_AWAY {
                    turned_away.spawn(turn_away(stream));
                }
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "No connection can be accepted; it is tried again");
                let _ = tokio::time::timeout(PAUSE, stopping.wait_for(|stop| *stop)).await;
            }
        }
    }
    drop(listener);
    drop(turned_away);
    while let Some(ended) = open.join_next().await {
        note(ended);
    }
}

/// Whether only the connection is broken that would have been accepted.
fn is_the_peers(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn note(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("Answering a request panicked; its connection is closed");
    }
}

async fn connection(
    stream: TcpStream,
    http: http1::Builder,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
    crash: Crash,
) {
    // An answer is one small packet: there is nothing to wait for. Where it can't be set, it is only slower.
    let _ = stream.set_nodelay(true);
    let line = Arc::new(Line::new(limits));
    let io = TokioIo::new(Watched::new(stream, line.clone(), crash));
    let router = TowerToHyperService::new(router);
    let seen = line.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let is_clear = seen.head_is_clear(request.headers());
        let answer = is_clear.then(|| router.call(request));
        answered(answer, seen.clone())
    });
    let mut served = pin!(http.serve_connection(io, service));
    let mut stop = pin!(async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    });
    let mut stops = false;
    let look = (limits.head / 4).clamp(Duration::from_millis(10), LOOK);
    loop {
        tokio::select! {
            biased;
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    tracing::trace!(%error, "A connection ended");
                }
                return;
            }
            () = stop.as_mut(), if !stops => {
                stops = true;
                served.as_mut().graceful_shutdown();
            }
            // Looked at now and then, so that a request costs no timer of its own.
            _ = tokio::time::timeout(look, std::future::pending::<()>()) => {
                if line.is_over() || (stops && !line.is_busy()) {
                    return;
                }
            }
        }
    }
}

/// The answer of a route, marked as what it is; without one, that the request's length is unclear.
async fn answered(
    answer: Option<impl Future<Output = Result<Response, Infallible>>>,
    line: Arc<Line>,
) -> Result<Response, Infallible> {
    let mut response = match answer {
        Some(answer) => answer.await?,
        None => {
            let words = "Content-Length and Transfer-Encoding contradict each other. Send one of them.\n";
            (StatusCode::BAD_REQUEST, words).into_response()
        }
    };
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let is_hook = response.extensions_mut().remove::<hooks::Kept>().is_some();
    line.answered(response.status().is_success(), is_hook);
    Ok(response)
}

/// Says that there is no room, to who waits for an answer.
async fn turn_away(mut stream: TcpStream) {
    let goodbye = async {
        stream.write_all(NO_ROOM).await?;
        stream.shutdown().await?;
        // What was sent is read, because closing before it would take the answer back.
        let mut sent = [0; 4096];
        let mut left = LARGEST_HEAD;
        while left > 0 {
            match stream.read(&mut sent).await? {
                0 => break,
                length => left = left.saturating_sub(length),
            }
        }
        std::io::Result::Ok(())
    };
    // Who does not read it will find out by itself.
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
}

#[cfg(test)]
mod tests;
