//! Every client of production, as far as its first secure words.
//!
//! Two TLS providers linked together, or none installed, make rustls panic at the first
//! secure connection and never in plain-text tests. So each client is built as in
//! production and sent to a listener that sees what it says first: a ClientHello
//! (RFC 8446, section 4.1.2). No certificate is shown, so no connection comes about.

#![expect(clippy::disallowed_methods, reason = "the listeners end with the test")]

use std::sync::Arc;

use integrations::chat::{discord, slack};
use integrations::clock::SystemClock;
use integrations::http::http_client;
use integrations::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// Listens once; what comes first on a connection.
async fn listener() -> (u16, oneshot::Receiver<[u8; 6]>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut first = [0; 6];
        stream.read_exact(&mut first).await.expect("it says something");
        // The test may have ended.
        let _ = tell.send(first);
    });
    (port, told)
}

/// A plain HTTP server that gives this answer to every request.
async fn answers(body: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let _ = stream.read(&mut request).await;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
            let _ = stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await;
        }
    });
    port
}

async fn said_hello(told: oneshot::Receiver<[u8; 6]>) {
    let first = told.await.expect("the client came");
    // Content type 22 (handshake), and handshake type 1 (ClientHello).
    assert_eq!((first[0], first[5]), (22, 1), "{first:?}");
}

#[tokio::test]
async fn calls_speak_tls() {
    integrations::tls::install();
    let (port, told) = listener().await;
    let refused = http_client().expect("a client").get(format!("https://127.0.0.1:{port}/")).send().await;
    assert!(refused.is_err(), "no certificate was shown");
    said_hello(told).await;
}

#[tokio::test]
async fn slacks_socket_speaks_tls() {
    integrations::tls::install();
    let (port, told) = listener().await;
    let api = answers(format!(r#"{{"ok":true,"url":"wss://127.0.0.1:{port}/link/?ticket=1"}}"#)).await;
    let config = slack::Config {
        api_url: format!("http://127.0.0.1:{api}/api"),
        bot_token: Secret::new("bot"),
        app_token: Some(Secret::new("app")),
        sockets: 1,
    };
    let (inbox, _arrivals) = mpsc::channel(1);
    let socket = slack::socket::start(&config, http_client().expect("a client"), Arc::new(SystemClock), inbox);
    said_hello(told).await;
    socket.task.abort();
}

#[tokio::test]
async fn discords_gateway_speaks_tls() {
    integrations::tls::install();
    let (port, told) = listener().await;
    let limit = r#"{"total":1000,"remaining":1000,"reset_after":0,"max_concurrency":1}"#;
    let api = answers(format!(r#"{{"url":"wss://127.0.0.1:{port}","shards":1,"session_start_limit":{limit}}}"#)).await;
    let config = discord::Config {
        api_url: format!("http://127.0.0.1:{api}/api/v10"),
        bot_token: Secret::new("bot"),
        guild: "1".to_owned(),
        category: None,
    };
    let (inbox, _arrivals) = mpsc::channel(1);
    let http = http_client().expect("a client");
    let socket = discord::gateway::start(&config, http, Arc::new(SystemClock), None, inbox);
    said_hello(told).await;
    socket.task.abort();
}
