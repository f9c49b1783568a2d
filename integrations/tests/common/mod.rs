//! What the tests of both chats share: a sandbox on a clock that is moved by hand.
//!
//! What holds: no test sleeps. [`until`] lets the other tasks work until something is so;
//! [`pass_until`] moves the clock meanwhile, slowly enough for calls on this machine to be answered.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use integrations::clock::{Clock, ManualClock};
use jiff::Timestamp;
use sandbox::{Config, Sandbox};

/// How long a test waits in real time for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bot's clock as the sandbox's time.
pub(crate) struct TestTime(pub(crate) ManualClock);

impl sandbox::time::Time for TestTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.sleep_until(at)
    }
}

/// A clock that stands still until it is moved.
pub(crate) fn clock() -> ManualClock {
    integrations::tls::install();
    ManualClock::new(Timestamp::from_second(1_790_000_000).expect("a time"))
}

/// A sandbox with Ann, Bo and Cy, and the channels `general` and `alerts`.
pub(crate) async fn sandbox(clock: &ManualClock, rate_limits: bool) -> Sandbox {
    let any = "127.0.0.1:0".parse().expect("an address");
    Sandbox::start(Config {
        slack: any,
        discord: any,
        control: any,
        time: std::sync::Arc::new(TestTime(clock.clone())),
        people: ["ann", "bo", "cy"].map(str::to_owned).to_vec(),
        channels: ["general", "alerts"].map(str::to_owned).to_vec(),
        buttons: Vec::new(),
        presses: None,
        rate_limits,
    })
    .await
    .expect("a sandbox")
}

/// Lets other tasks work until `done`; the clock stands still.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::task::yield_now().await;
    }
}

/// Moves the clock in half seconds until `done`; how much time passed on it.
pub(crate) async fn pass_until(clock: &ManualClock, what: &str, mut done: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    let mut passed = Duration::ZERO;
    loop {
        settle().await;
        if done() {
            return passed;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        clock.advance(Duration::from_millis(500));
        passed += Duration::from_millis(500);
    }
}

/// Lets `time` pass on the clock in steps of `step`, with room for the other tasks in between.
pub(crate) async fn pass(clock: &ManualClock, time: Duration, step: Duration) {
    let mut passed = Duration::ZERO;
    while passed < time {
        clock.advance(step);
        passed += step;
        settle().await;
    }
}

/// Lets the other tasks work for a moment.
pub(crate) async fn settle() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(4) {
        tokio::task::yield_now().await;
    }
}

/// A service that refuses every call with this status, and repeats the call's head where its answer says `HEAD`; gives back
/// where it listens. It ends with the test.
pub(crate) async fn parrot(status: &'static str, answer: &'static str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    #[expect(clippy::disallowed_methods, reason = "a part of the test, which ends with it")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut heard = Vec::new();
            while !heard.windows(4).any(|window| window == b"\r\n\r\n") {
                let mut piece = [0; 4096];
                match stream.read(&mut piece).await {
                    Ok(length @ 1..) => heard.extend_from_slice(&piece[..length]),
                    Ok(0) | Err(_) => break,
                }
            }
            let head = String::from_utf8_lossy(&heard).replace("\r\n", " ").replace('"', "'");
            let body = answer.replace("HEAD", &head);
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    format!("http://{address}")
}
