//! What comes in over HTTP within its limits: who is slow, greedy, wrong or repeats itself does no harm to others.

use std::time::Duration;

use tests::{Setup, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TOKEN: &str = bot::demo::HOOK_TOKEN;

fn alert(name: &str) -> String {
    tests::alerts_body(name, &[("db-1", true)], "2026-03-02T14:00:00Z".parse().expect("a time")).to_string()
}

/// A source beside the usual one; its tokens are two that the world knows.
const SECOND: &str = "\n[hooks.second]\nkind = \"alertmanager\"\nbody_timeout = \"1s\"\n\
    bearer = [{ env = \"ALERTMANAGER_TOKEN\" }, { env = \"SLACK_APP_TOKEN\" }]\n";

async fn world() -> World {
    World::start_with(Setup { muster: SECOND.to_owned(), ..Setup::default() }).await
}

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.bot().address).await.expect("it listens")
}

/// Reads until the connection is closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends this as it is, and reads until the connection is closed.
async fn raw(world: &World, request: &str) -> String {
    let mut stream = connect(world).await;
    // Who is refused early may be cut off before the end.
    let _ = stream.write_all(request.as_bytes()).await;
    rest(&mut stream).await
}

fn head(source: &str, headers: &str) -> String {
    format!("POST /hooks/{source} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n\r\n")
}

/// Sends an alert with these headers; what is answered.
async fn told(world: &World, source: &str, headers: &str, body: &str) -> String {
    let head = head(source, &format!("{headers}\r\ncontent-length: {}", body.len()));
    raw(world, &format!("{head}{body}")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_token_said_once_lets_a_source_in() {
    let world = world().await;
    let other = world.sandbox.slack.app_token().to_owned();
    let body = alert("Disk");
    let right = format!("authorization: Bearer {TOKEN}");
    for (source, headers, status) in [
        ("alertmanager", right.clone(), 200),
        ("alertmanager", format!("AUTHORIZATION:bearer  {TOKEN}"), 200),
        ("second", right.clone(), 200),
        ("second", format!("authorization: Bearer {other}"), 200),
        // One source's token is not another's.
        ("alertmanager", format!("authorization: Bearer {other}"), 401),
        ("alertmanager", format!("{right}\r\n{right}"), 401),
        ("alertmanager", format!("{right}\r\nauthorization: Bearer wrong"), 401),
        ("alertmanager", format!("authorization: Bearer wrong\r\n{right}"), 401),
        ("alertmanager", format!("authorization: Bearer {TOKEN}, Bearer {TOKEN}"), 401),
        ("alertmanager", format!("authorization: Bearer {TOKEN}x"), 401),
        ("alertmanager", format!("authorization: Bearer {}", &TOKEN[1..]), 401),
        ("alertmanager", "authorization: Bearer".to_owned(), 401),
        ("alertmanager", "authorization: Bearer ".to_owned(), 401),
        ("alertmanager", format!("authorization: {TOKEN}"), 401),
        ("alertmanager", format!("authorization: Basic {TOKEN}"), 401),
        ("alertmanager", format!("x-authorization: Bearer {TOKEN}"), 401),
        ("alertmanager", format!("{right}\r\ncontent-encoding: gzip"), 415),
        ("alertmanager", format!("{right}\r\ncontent-encoding: identity"), 415),
    ] {
        let answer = told(&world, source, &headers, &body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{source} {headers}: {answer}");
        assert_eq!(answer.contains("www-authenticate: Bearer"), status == 401, "{answer}");
        assert!(!answer.contains(&other), "{answer}");
    }
    let in_address = format!("POST /hooks/alertmanager?token={TOKEN} HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert!(raw(&world, &in_address).await.starts_with("HTTP/1.1 401"), "a token in an address counts for nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_the_answer_is_short_plain_and_repeats_nothing() {
    let world = world().await;
    for (request, status) in [
        ("GET /<script>x</script> HTTP/1.1", "400"),
        ("GET /%3Cscript%3Ex HTTP/1.1", "404"),
        ("GET /hooks/%3Cscript%3E HTTP/1.1", "405"),
        ("POST /hooks/%3Cscript%3Ex HTTP/1.1", "404"),
        ("POST /hooks/%ff HTTP/1.1", "400"),
        ("POST /hooks/ HTTP/1.1", "404"),
        ("POST /hooks/a/b HTTP/1.1", "404"),
        ("GET /hooks/alertmanager HTTP/1.1", "405"),
        ("PUT /hooks/alertmanager HTTP/1.1", "405"),
        ("DELETE /metrics HTTP/1.1", "405"),
        ("<SCRIPT>X /metrics HTTP/1.1", "400"),
        ("SCRIPTX /metrics HTTP/1.1", "405"),
        ("CONNECT scriptx:443 HTTP/1.1", "404"),
        ("GET http://scriptx/nothing HTTP/1.1", "404"),
        ("OPTIONS * HTTP/1.1", "404"),
    ] {
        let answer = raw(&world, &format!("{request}\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
        assert!(answer.len() < 500 && !answer.to_lowercase().contains("script"), "{request}: {answer}");
        let (headers, words) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(words.is_empty() || headers.contains("content-type: text/plain"), "{request}: {answer}");
        assert!(words.is_empty() || headers.contains("x-content-type-options: nosniff"), "{request}: {answer}");
        assert!(words.is_empty() || words.trim().lines().count() == 1, "{request}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_without_an_end_is_cut_off_and_keeps_nobody_waiting() {
    let world = world().await;
    let right = format!("authorization: Bearer {TOKEN}");
    let mut slow = tokio::task::JoinSet::new();
    for number in 0..100 {
        let mut stream = connect(&world).await;
        let length = ["content-length: 100000", "transfer-encoding: chunked"][number % 2];
        let head = head("second", &format!("{right}\r\n{length}"));
        slow.spawn(async move {
            stream.write_all(head.as_bytes()).await.expect("it is open");
            loop {
                let _ = stream.write_all(["{", "1\r\n{\r\n"][number % 2].as_bytes()).await;
                // It goes on byte by byte until it is answered.
                if tokio::time::timeout(Duration::from_millis(50), stream.readable()).await.is_ok() {
                    return rest(&mut stream).await;
                }
            }
        });
    }
    world.alerts("Disk", &[("db-1", true)]).await;
    while let Some(answer) = slow.join_next().await {
        let answer = answer.expect("it ends");
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("longer than 1 seconds"), "{answer}");
    }
    // One that comes quickly and does not end is cut off by its size.
    let mut stream = connect(&world).await;
    let head = head("alertmanager", &format!("{right}\r\ntransfer-encoding: chunked"));
    stream.write_all(head.as_bytes()).await.expect("it is open");
    let chunk = format!("1000\r\n{}\r\n", "y".repeat(4096));
    let answered = loop {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break rest(&mut stream).await;
        }
        if tokio::time::timeout(Duration::ZERO, stream.readable()).await.is_ok() {
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.expect("an answer");
            break String::from_utf8_lossy(&answer).into_owned();
        }
    };
    assert!(answered.starts_with("HTTP/1.1 413"), "{answered}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_finds_no_room_for_a_body_is_told_to_come_back_and_small_ones_fit_beside_it() {
    let mut world = World::start().await;
    world.stop().await;
    world.config.http.body_memory = 1 << 20;
    world.run(None).await;
    let right = format!("authorization: Bearer {TOKEN}");
    let mut large: serde_json::Value = serde_json::from_str(&alert("Disk")).expect("JSON");
    large["pad"] = "y".repeat(900_000).into();
    let large = large.to_string();
    let mut first = connect(&world).await;
    let head = head("alertmanager", &format!("{right}\r\ncontent-length: {}", large.len()));
    first.write_all(format!("{head}{}", &large[..800_000]).as_bytes()).await.expect("it is open");
    let held = async || {
        let figures = world.http.get(format!("http://{}/metrics", world.bot().address)).send().await.expect("figures");
        let figures = figures.text().await.expect("text");
        figures.lines().find_map(|line| line.strip_prefix("muster_hooks_body_bytes ")?.parse().ok()).unwrap_or(0)
    };
    for _ in 0..2_000 {
        if held().await >= 800_000 {
            break;
        }
        world.pause(Duration::from_millis(5)).await;
    }
    assert!(held().await >= 800_000, "the body is read as it comes");
    let refused = told(&world, "alertmanager", &right, &large).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
    assert!(told(&world, "alertmanager", &right, &alert("Other")).await.starts_with("HTTP/1.1 200"));
    first.write_all(&large.as_bytes()[800_000..]).await.expect("it is open");
    assert!(rest(&mut first).await.starts_with("HTTP/1.1 200"));
    assert!(told(&world, "alertmanager", &right, &large).await.starts_with("HTTP/1.1 200"), "there is room again");
    assert_eq!(held().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_is_named_counts_once_for_seven_days() {
    let mut world = world().await;
    let (body, other) = (alert("Disk"), alert("Memory"));
    let key = |key: &str| format!("authorization: Bearer {TOKEN}\r\nidempotency-key: {key}");
    let tell = async |world: &World, source: &str, headers: &str, body: &str| {
        world.settle().await;
        let before = world.bot().engine.read(|state| state.seq).await.expect("the bot runs");
        let answer = told(world, source, headers, body).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let after = world.bot().engine.read(|state| state.seq).await.expect("the bot runs");
        let words = answer.rsplit("\r\n").next().unwrap_or_default().trim().to_owned();
        assert_eq!(words == "kept before", before == after, "{words}");
        words
    };
    let name = "8e03978e-40d5-43dd-bc93-6894a57f9324";
    assert_eq!(tell(&world, "alertmanager", &key(name), &body).await, "kept");
    assert_eq!(tell(&world, "alertmanager", &key(name), &body).await, "kept before");
    assert_eq!(tell(&world, "alertmanager", &key(&format!("\"{name}\"")), &body).await, "kept before");
    // Another name, another source, or another body is another delivery.
    assert_eq!(tell(&world, "alertmanager", &key("2"), &body).await, "kept");
    assert_eq!(tell(&world, "second", &key(name), &body).await, "kept");
    assert_eq!(tell(&world, "alertmanager", &key(name), &other).await, "kept");
    assert_eq!(tell(&world, "alertmanager", &format!("authorization: Bearer {TOKEN}"), &body).await, "kept");
    // It is remembered across restarts, clean or not.
    world.kill().await;
    world.run(None).await;
    assert_eq!(tell(&world, "alertmanager", &key(name), &body).await, "kept before");
    let hour = Duration::from_secs(3600);
    world.stop().await;
    world.clock.advance(hour * (6 * 24 + 23));
    world.run(None).await;
    assert_eq!(tell(&world, "alertmanager", &key(name), &body).await, "kept before");
    world.clock.advance(hour * 2);
    assert_eq!(tell(&world, "alertmanager", &key(name), &body).await, "kept");
    assert_eq!(tell(&world, "alertmanager", &key(name), &body).await, "kept before");
    for wrong in ["", "\"\"", "a b", "a\\b", &"y".repeat(129), "é", "a\r\nidempotency-key: b", "a,b"] {
        let answer = told(&world, "alertmanager", &key(wrong), &body).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Idempotency-Key"), "{wrong}: {answer}");
        assert!(!answer.contains("yyy"), "{answer}");
    }
}
