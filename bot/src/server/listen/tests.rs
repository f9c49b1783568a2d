//! Peers that are slow, greedy or ambiguous, on real connections; and everybody else, who is served all the same.

use std::net::Ipv4Addr;

use axum::body::Bytes;
use axum::routing::post;
use tokio::task::JoinHandle;

use super::*;

/// So long that a test which waits for it does not end.
const EVER: Duration = Duration::from_secs(3600);

const GENEROUS: Limits = Limits { connections: 100, head: EVER, idle: EVER };

const POST: &str = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";

struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// `/echo` gives the body back, `/refuse` reads none, `/wait` says that it has begun and answers when `go` is told.
async fn start(limits: Limits, begun: watch::Sender<bool>, go: watch::Receiver<bool>) -> Server {
    let wait = move || {
        let mut go = go.clone();
        begun.send_replace(true);
        async move { go.wait_for(|go| *go).await.map_or("gone", |_| "went") }
    };
    let router = Router::new()
        .route("/echo", post(|body: Bytes| async move { body }))
        .route("/refuse", post(|| async { (StatusCode::FORBIDDEN, "No.") }))
        .route(
            "/panic",
            post(|| async {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .route("/wait", post(wait));
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopping) = watch::channel(false);
    let task = crate::tasks::spawn("listen test", serve(listener, router, limits, stopping, Crash::default()));
    Server { address, stop, task }
}

async fn plain(limits: Limits) -> Server {
    start(limits, watch::channel(false).0, watch::channel(true).1).await
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Sends this, and reads until the connection is closed.
    async fn all(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        // A peer that is cut off meanwhile sees it when it reads.
        let _ = stream.write_all(request.as_bytes()).await;
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // A connection that was cut has nothing in it.
    if read.is_err() { text + "(reset)" } else { text }
}

/// Sends a request on a connection that stays open; gives back the answer.
async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("it is open");
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"hello") {
        let mut piece = [0; 1024];
        let length = stream.read(&mut piece).await.expect("it is open");
        assert!(length > 0, "it was closed: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece[..length]);
    }
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn whoever_sends_a_head_too_slowly_is_cut_off_and_others_are_served() {
    let server = plain(Limits { head: Duration::from_millis(200), ..GENEROUS }).await;
    let mut slow = JoinSet::new();
    for number in 0..60 {
        let mut stream = server.connect().await;
        slow.spawn(async move {
            // A third says nothing, a third begins and stops, a third goes on byte by byte.
            let head = b"POST /echo HTTP/1.1\r\nx: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
            let mut sends = head.iter().take([0, 10, usize::MAX][number % 3]);
            loop {
                if let Some(byte) = sends.next() {
                    let _ = stream.write_all(&[*byte]).await;
                }
                let mut piece = [0; 16];
                match tokio::time::timeout(Duration::from_millis(20), stream.read(&mut piece)).await {
                    Ok(Ok(0) | Err(_)) => return,
                    Ok(Ok(length)) => panic!("it was answered: {}", String::from_utf8_lossy(&piece[..length])),
                    Err(_) => {}
                }
            }
        });
    }
    let mut quick = server.connect().await;
    assert!(ask(&mut quick, POST).await.starts_with("HTTP/1.1 200"));
    while let Some(cut) = slow.join_next().await {
        cut.expect("it was cut off without an answer");
    }
    assert!(server.all(&POST.replace("host", "connection: close\r\nhost")).await.ends_with("hello"));
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_while_and_then_closed() {
    let server = plain(Limits { head: Duration::from_millis(50), idle: Duration::from_secs(1), ..GENEROUS }).await;
    let mut stream = server.connect().await;
    ask(&mut stream, POST).await;
    // Longer than a head may take: nothing has begun, so the other limit holds.
    let quiet = tokio::time::timeout(Duration::from_millis(150), stream.read_u8()).await;
    assert!(quiet.is_err(), "it is still open: {quiet:?}");
    ask(&mut stream, POST).await;
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_request_whose_length_is_unclear_is_refused_and_the_connection_closed() {
    let server = plain(GENEROUS).await;
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    let with = |headers: &str| format!("POST /echo HTTP/1.1\r\nhost: a\r\n{headers}\r\n\r\n{chunks}{POST}");
    for headers in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: 5\r\ntransfer-encoding: gzip",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: x",
        "content-length : 5",
        "content-length: 99999999999999999999999",
    ] {
        let answer = server.all(&with(headers)).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{headers}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "what follows is no second request: {headers}: {answer}");
        assert!(!answer.contains("hello"), "{headers}: {answer}");
    }
    let answer = server.all(&with("content-length: 5\r\ntransfer-encoding: chunked")).await;
    assert!(answer.contains("contradict each other") && answer.contains("nosniff"), "{answer}");
    // One of them alone is as good as the other.
    let alone = format!("POST /echo HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    assert!(server.all(&alone).await.ends_with("\r\n\r\nhello"));
}

#[tokio::test]
async fn an_unclear_length_is_found_in_pieces_and_on_a_connection_that_was_used() {
    let server = plain(GENEROUS).await;
    let mut stream = server.connect().await;
    // A length alone is remembered for its own request only.
    ask(&mut stream, POST).await;
    let chunked = "POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert!(ask(&mut stream, chunked).await.starts_with("HTTP/1.1 200"));
    for piece in
        ["POST /echo HTTP/1.1\r\nCont", "ent-", "Length: 5\r\ntransfer-enc", "oding: chunked\r", "\n\r\n0\r\n\r\n"]
    {
        stream.write_all(piece.as_bytes()).await.expect("it is open");
        stream.flush().await.expect("it is open");
        // So that each piece is read by itself: it is not answered yet.
        let answered = tokio::time::timeout(Duration::from_millis(20), stream.readable()).await;
        assert!(answered.is_err() || piece.ends_with("\n\r\n"), "{piece}");
    }
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_head_has_a_size_and_its_sender_hears_of_it_even_while_it_writes_on() {
    let server = plain(GENEROUS).await;
    for head in [
        format!("POST /echo HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)),
        format!("POST /echo HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101)),
        format!("POST /{} HTTP/1.1\r\n\r\n", "y".repeat(17 << 10)),
    ] {
        let answer = server.all(&head).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        assert!(!answer.contains("yyy"), "{answer}");
    }
    let within = format!("POST /echo HTTP/1.1\r\nconnection: close\r\n{}\r\n", "x: y\r\n".repeat(99));
    assert!(server.all(&within).await.starts_with("HTTP/1.1 200"));
    for wrong in ["nonsense\r\n\r\n", "POST /echo HTTP/1.1\r\nbad header\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        assert!(server.all(wrong).await.starts_with("HTTP/1.1 400"), "{wrong}");
    }
}

#[tokio::test]
async fn whoever_is_refused_while_it_still_writes_can_write_to_the_end_and_gets_its_answer() {
    let server = plain(GENEROUS).await;
    let (head, body) = ("POST /refuse HTTP/1.1\r\ncontent-length: 6291456\r\n\r\n", "y".repeat(6 << 20));
    let mut stream = server.connect().await;
    stream.write_all(head.as_bytes()).await.expect("it is open");
    stream.write_all(body.as_bytes()).await.expect("it is read to the end, though nobody wants it");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.ends_with("No."), "{answer}");
}

#[tokio::test]
async fn no_more_connections_are_open_than_may_be() {
    let server = plain(Limits { connections: 2, ..GENEROUS }).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    ask(&mut first, POST).await;
    ask(&mut second, POST).await;
    for _ in 0..3 {
        let answer = server.all(POST).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 1"), "{answer}");
    }
    ask(&mut first, POST).await;
    drop(second);
    // When the place is free is the server's to notice.
    loop {
        let mut third = server.connect().await;
        third.write_all(POST.as_bytes()).await.expect("it is open");
        let mut piece = [0; 12];
        third.read_exact(&mut piece).await.expect("an answer");
        if &piece == b"HTTP/1.1 200" {
            break;
        }
        assert_eq!(&piece, b"HTTP/1.1 503");
    }
}

#[tokio::test]
async fn a_stop_lets_what_was_begun_be_answered_and_closes_the_rest() {
    let (begins, mut begun) = watch::channel(false);
    let (go, goes) = watch::channel(false);
    let server = start(GENEROUS, begins, goes).await;
    let (mut idle, mut silent, mut waits) = (server.connect().await, server.connect().await, server.connect().await);
    ask(&mut idle, POST).await;
    silent.write_all(b"POST /ec").await.expect("it is open");
    waits.write_all(b"POST /wait HTTP/1.1\r\ncontent-length: 0\r\n\r\n").await.expect("it is open");
    begun.wait_for(|begun| *begun).await.expect("it begins");
    server.stop.send_replace(true);
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut silent).await.replace("(reset)", ""), "");
    go.send_replace(true);
    assert!(rest(&mut waits).await.ends_with("went"));
    server.task.await.expect("it has ended");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let server = plain(GENEROUS).await;
    let panicked = server.all("POST /panic HTTP/1.1\r\ncontent-length: 0\r\n\r\n").await;
    assert!(!panicked.contains("on purpose"), "{panicked}");
    ask(&mut server.connect().await, POST).await;
}
