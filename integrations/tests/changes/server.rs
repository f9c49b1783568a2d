//! A service over real HTTP: it reads one request to its end, and answers, stalls, or closes the connection.
//!
//! What holds: a request without a length or with a longer head than 16 KiB is a failed test; every request is kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// The query's pairs, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn query(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(is, _)| is == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// What comes back.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A status, headers and a body.
    Reply(u16, Vec<(&'static str, String)>, String),
    /// The connection is closed without a word.
    Drop,
    /// Nothing comes, and the connection stays open.
    Stall,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer::Reply(status, vec![("content-type", "application/json".into())], body.to_string())
    }
}

/// Something that answers requests.
pub(crate) trait Service: Send + 'static {
    fn answer(&mut self, asked: &Asked) -> Answer;
}

/// A service that is listening: it ends with the test.
pub(crate) struct Server<S> {
    pub(crate) address: String,
    service: Arc<Mutex<S>>,
    stalled: Arc<AtomicBool>,
}

impl<S: Service> Server<S> {
    pub(crate) async fn start(service: S) -> Server<S> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let service = Arc::new(Mutex::new(service));
        let shared = service.clone();
        let stalled = Arc::new(AtomicBool::new(false));
        let is_stalled = stalled.clone();
        #[expect(clippy::disallowed_methods, reason = "a part of the test, which ends with it")]
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(asked) = read(&mut stream).await else { continue };
                let answer = shared.lock().expect("no panic").answer(&asked);
                match answer {
                    Answer::Reply(status, headers, body) => {
                        let mut head = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n");
                        for (name, value) in headers {
                            head.push_str(&format!("{name}: {value}\r\n"));
                        }
                        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
                        let _ = stream.write_all(head.as_bytes()).await;
                        let _ = stream.write_all(body.as_bytes()).await;
                    }
                    Answer::Drop => {}
                    Answer::Stall => {
                        open.push(stream);
                        is_stalled.store(true, Ordering::SeqCst);
                    }
                }
            }
        });
        Server { address, service, stalled }
    }

    /// Whether somebody waits for an answer that never comes.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::SeqCst)
    }

    /// Looks at the service, or changes it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut S) -> T) -> T {
        look(&mut self.service.lock().expect("no panic"))
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut heard = Vec::new();
    let end = loop {
        if let Some(end) = heard.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        assert!(heard.len() < 16 * 1024, "the head is too long");
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(length @ 1..) => heard.extend_from_slice(&piece[..length]),
            Ok(0) | Err(_) => return None,
        }
    };
    let head = String::from_utf8(heard[..end].to_vec()).expect("text");
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse());
    let length: usize = match length {
        Some(length) => length.expect("a number"),
        None => {
            assert_eq!(method, "GET", "a request without a length");
            0
        }
    };
    let mut body = heard[end + 4..].to_vec();
    while body.len() < length {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(read @ 1..) => body.extend_from_slice(&piece[..read]),
            Ok(0) | Err(_) => return None,
        }
    }
    let url = url::Url::parse(&format!("http://here{target}")).expect("a target");
    let query = url.query_pairs().into_owned().collect();
    Some(Asked { method, path: url.path().to_owned(), query, headers, body })
}
