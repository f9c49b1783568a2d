//! A strict local AWS: it speaks HTTP, checks every signature by computing it anew, and refuses what the services refuse.
//!
//! A test says what each operation answers. What holds: nothing that is wrong reaches the test's own answers; what came is
//! kept, so that effects can be counted.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use integrations::aws::{Connection, Credentials, Provider, Source};
use integrations::clock::{Clock, ManualClock};
use integrations::http::http_client;
use integrations::http::public::Public;
use integrations::pipelines::Shared;
use integrations::secret::Secret;
use operations::pipeline::Order;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::settle;

/// Keys that the servers know.
pub(crate) const KEY: &str = "AKIDTESTTESTTESTTEST";
pub(crate) const SECRET: &str = "test-secret-key-that-nobody-may-see-0123456";
pub(crate) const TOKEN: &str = "test-session-token-that-nobody-may-see-0123456";

/// A commit.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The operation's name, without the service's.
    pub(crate) fn operation(&self) -> &str {
        self.header("x-amz-target").and_then(|target| target.split_once('.')).map_or("", |(_, operation)| operation)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Say {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// It was done, and the connection breaks.
    Drop,
    /// It was done, and nothing comes.
    Stall,
}

pub(crate) fn say(status: u16, body: impl Into<String>) -> Answer {
    Answer::Say { status, headers: Vec::new(), body: body.into() }
}

pub(crate) fn ok(body: &Value) -> Answer {
    say(200, body.to_string())
}

/// A refusal as AWS words it.
pub(crate) fn refuse(code: &str, message: &str) -> Answer {
    say(400, json!({ "__type": format!("com.amazonaws.test#{code}"), "message": message }).to_string())
}

/// A server of plain HTTP.
pub(crate) struct Server {
    pub(crate) url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    pub(crate) async fn start(answer: impl FnMut(&Heard) -> Answer + Send + 'static) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (heard.clone(), Arc::new(Mutex::new(answer)));
        #[expect(clippy::disallowed_methods, reason = "a part of the test, which ends with it")]
        tokio::spawn(async move {
            let mut stalled = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(call) = read(&mut stream).await else { continue };
                let answer = (lock(&answer))(&call);
                lock(&kept).push(call);
                match answer {
                    Answer::Say { status, headers, body } => {
                        let mut head =
                            format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
                        for (name, value) in headers {
                            head.push_str(&format!("{name}: {value}\r\n"));
                        }
                        let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes()).await;
                    }
                    Answer::Drop => drop(stream),
                    Answer::Stall => stalled.push(stream),
                }
            }
        });
        Server { url, heard }
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        lock(&self.heard).clone()
    }

    /// The bodies of all calls of an operation.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Value> {
        self.heard().iter().filter(|heard| heard.operation() == operation).map(Heard::json).collect()
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    let mut piece = [0; 8192];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.lines();
            let mut first = lines.next()?.split(' ');
            let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(Heard { method, path, headers, body: bytes[end + 4..end + 4 + length].to_vec() });
            }
        }
        match stream.read(&mut piece).await {
            Ok(length @ 1..) => bytes.extend_from_slice(&piece[..length]),
            Ok(0) | Err(_) => return None,
        }
    }
}

/// What a member of an operation's input has to be, as the service's model says.
pub(crate) enum Is {
    /// Characters: at least, at most, and which.
    Text(usize, usize, fn(char) -> bool),
    Uuid,
    OneOf(&'static [&'static str]),
    Whole(i64, i64),
    Number,
    Flag,
    List(usize, usize, &'static Is),
    Of(&'static [Member]),
}

/// A member's name, whether it is required, and what it has to be.
pub(crate) type Member = (&'static str, bool, Is);

/// An operation's name and input.
pub(crate) type Operation = (&'static str, &'static [Member]);

pub(crate) fn any(_: char) -> bool {
    true
}

pub(crate) fn name(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".@-_".contains(c)
}

/// Whether `value` is that; else the word and why.
fn check(value: &Value, is: &Is, at: &str) -> Result<(), (&'static str, String)> {
    let wrong = |what: &str| Err(("SerializationException", format!("{at} {what}")));
    let invalid = |what: &str| Err(("ValidationException", format!("{at} {what}")));
    match is {
        Is::Text(least, most, allowed) => match value.as_str() {
            None => wrong("is no text"),
            Some(text) if !(*least..=*most).contains(&text.chars().count()) => invalid("has a wrong length"),
            Some(text) if !text.chars().all(allowed) => invalid("has characters that it may not have"),
            Some(_) => Ok(()),
        },
        Is::Uuid => {
            let text = value.as_str().unwrap_or_default();
            let groups: Vec<usize> = text.split('-').map(str::len).collect();
            let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
            if groups == [8, 4, 4, 4, 12] && plain { Ok(()) } else { invalid("is no UUID") }
        }
        Is::OneOf(words) => match value.as_str() {
            Some(word) if words.contains(&word) => Ok(()),
            Some(_) => invalid("is none of its words"),
            None => wrong("is no text"),
        },
        Is::Whole(least, most) => match value.as_i64() {
            Some(number) if (*least..=*most).contains(&number) => Ok(()),
            Some(_) => invalid("is out of range"),
            None => wrong("is no whole number"),
        },
        Is::Number => {
            if value.is_number() {
                Ok(())
            } else {
                wrong("is no number")
            }
        }
        Is::Flag => {
            if value.is_boolean() {
                Ok(())
            } else {
                wrong("is neither true nor false")
            }
        }
        Is::List(least, most, each) => match value.as_array() {
            None => wrong("is no list"),
            Some(list) if !(*least..=*most).contains(&list.len()) => invalid("has a wrong number of members"),
            Some(list) => list.iter().try_for_each(|value| check(value, each, at)),
        },
        Is::Of(members) => {
            let Some(object) = value.as_object() else { return wrong("is no structure") };
            if let Some(unknown) = object.keys().find(|key| !members.iter().any(|(known, ..)| known == key)) {
                return wrong(&format!("has an unknown member {unknown}"));
            }
            for (member, required, is) in *members {
                match object.get(*member) {
                    Some(value) => check(value, is, member)?,
                    None if *required => return invalid(&format!("misses {member}")),
                    None => {}
                }
            }
            Ok(())
        }
    }
}

/// A service of AWS.
pub(crate) struct Model {
    /// What the scope of a signature and the target name.
    pub(crate) services: &'static [(&'static str, &'static str, &'static [Operation])],
}

/// Keys, as id, secret and token.
pub(crate) type Keys = Arc<Mutex<Vec<(String, String, Option<String>)>>>;

pub(crate) fn keys() -> Keys {
    Arc::new(Mutex::new(vec![(KEY.to_owned(), SECRET.to_owned(), None)]))
}

/// A local AWS that knows the usual keys.
pub(crate) async fn aws(
    clock: &ManualClock,
    model: Model,
    answer: impl FnMut(&Heard) -> Answer + Send + 'static,
) -> Server {
    aws_with(clock, model, keys(), answer).await
}

pub(crate) async fn aws_with(
    clock: &ManualClock,
    model: Model,
    keys: Keys,
    mut answer: impl FnMut(&Heard) -> Answer + Send + 'static,
) -> Server {
    let clock = clock.clone();
    Server::start(move |heard| match judge(heard, &model, &lock(&keys), &clock) {
        Ok(()) => answer(heard),
        Err((code, why)) => {
            let status = if code == "UnknownOperationException" { 404 } else { 400 };
            say(status, json!({ "__type": code, "message": why }).to_string())
        }
    })
    .await
}

type Judged = Result<(), (&'static str, String)>;

fn judge(heard: &Heard, model: &Model, keys: &[(String, String, Option<String>)], clock: &ManualClock) -> Judged {
    let target = heard.header("x-amz-target").unwrap_or_default();
    let (prefix, operation) = target.split_once('.').unwrap_or_default();
    let found = model.services.iter().find(|(_, known, _)| *known == prefix);
    let Some((service, _, operations)) = found else { return Err(("UnknownOperationException", target.to_owned())) };
    let Some((_, input)) = operations.iter().find(|(known, _)| *known == operation) else {
        return Err(("UnknownOperationException", target.to_owned()));
    };
    if heard.method != "POST" || heard.path != "/" {
        return Err(("UnknownOperationException", "wrong method or path".to_owned()));
    }
    if heard.header("content-type") != Some("application/x-amz-json-1.1") {
        return Err(("UnknownOperationException", "wrong content type".to_owned()));
    }
    signature(heard, service, keys, clock)?;
    let Ok(body) = serde_json::from_slice::<Value>(&heard.body) else {
        return Err(("SerializationException", "the body is no JSON".to_owned()));
    };
    check(&body, &Is::Of(input), "the input")
}

/// Computes the signature anew (docs.aws.amazon.com, "Create a signed AWS API request").
fn signature(heard: &Heard, service: &str, keys: &[(String, String, Option<String>)], clock: &ManualClock) -> Judged {
    let Some(authorization) = heard.header("authorization") else {
        return Err(("MissingAuthenticationTokenException", "no signature".to_owned()));
    };
    let incomplete = || ("IncompleteSignatureException", authorization.to_owned());
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(incomplete)?;
    let part = |name: &str| rest.split(", ").find_map(|part| part.strip_prefix(name)).ok_or_else(incomplete);
    let (credential, signed, given) = (part("Credential=")?, part("SignedHeaders=")?, part("Signature=")?);
    let date = heard.header("x-amz-date").ok_or_else(incomplete)?;
    let (id, scope) = credential.split_once('/').ok_or_else(incomplete)?;
    let token = heard.header("x-amz-security-token");
    let known = keys.iter().find(|(known, _, with)| known == id && with.as_deref() == token);
    let Some((_, secret, _)) = known else {
        return Err((
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".to_owned(),
        ));
    };
    let now = clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    if date != now {
        return Err(("InvalidSignatureException", format!("Signature expired: {date} is not {now}")));
    }
    if scope != format!("{}/eu-central-1/{service}/aws4_request", &date[..8]) {
        return Err(("InvalidSignatureException", format!("the scope is {scope}")));
    }
    let names: Vec<&str> = signed.split(';').collect();
    let mut needed = vec!["host", "content-type", "x-amz-date", "x-amz-target"];
    needed.extend(token.map(|_| "x-amz-security-token"));
    if !names.is_sorted() || !needed.iter().all(|needed| names.contains(needed)) {
        return Err(("InvalidSignatureException", format!("signed are {signed}")));
    }
    let hash = |bytes: &[u8]| hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    let lines: String =
        names.iter().map(|name| format!("{name}:{}\n", heard.header(name).unwrap_or_default())).collect();
    let canonical = format!("POST\n/\n\n{lines}\n{signed}\n{}", hash(&heard.body));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash(canonical.as_bytes()));
    let hmac = |key: &[u8], text: &str| {
        ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    };
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
    if hex(&hmac(&key, &to_sign)) == given {
        return Ok(());
    }
    // As AWS does, with what should have been signed, the token with it.
    Err(("InvalidSignatureException", format!("The Canonical String for this request should have been '{canonical}'")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an adapter is built with.
pub(crate) fn shared(clock: &ManualClock) -> Shared {
    let clock: integrations::clock::SharedClock = Arc::new(clock.clone());
    let public = Public::new(clock.clone()).expect("a reader");
    Shared { http: http_client().expect("a client"), clock, public }
}

pub(crate) fn connection(clock: &ManualClock, server: &Server, source: Source) -> Connection {
    let shared = shared(clock);
    let none: integrations::aws::credentials::Environment = Arc::new(|_| None);
    let credentials =
        Provider::new(source, "eu-central-1", none, shared.http, shared.clock).expect("a provider of credentials");
    Connection { region: "eu-central-1".to_owned(), api_url: Some(server.url.clone()), credentials }
}

pub(crate) fn usual_keys() -> Source {
    let secret_access_key = Secret::new(SECRET);
    Source::Keys(Credentials { access_key_id: KEY.to_owned(), secret_access_key, session_token: None, ends: None })
}

pub(crate) fn order() -> Order {
    Order {
        id: "muster-d7-4f0c9a1e".to_owned(),
        is_rollback: false,
        service: "shop".to_owned(),
        environment: "production".to_owned(),
        reference: "main".to_owned(),
        commit: COMMIT.to_owned(),
        parameters: std::collections::BTreeMap::new(),
        by: "Ann".into(),
        reason: "the new basket".into(),
        back_to: None,
    }
}

/// Waits for `work`, and lets the clock go on where a call waits before it tries again.
pub(crate) async fn drive<T>(clock: &ManualClock, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = settle() => {}
        }
        if let Some(at) = clock.next_wake() {
            let wait = Duration::try_from(at.duration_since(clock.now())).unwrap_or_default();
            // A call's own time-out is longer.
            if wait <= Duration::from_secs(3) {
                clock.advance(wait);
            }
        }
    }
}
