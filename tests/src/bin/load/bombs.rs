//! What hostile bodies cost: memory under many large ones at once, and others' answers under slow ones.
//!
//! Every client has the right token, so that nothing but the limits stands in its way. It sends
//! all of its body but the last byte, waits until all the others have done so, and sends that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::bot_process::Bot;
use crate::{pause, sandbox, spread};

/// How long slow clients go on, and how often they send a byte.
const SLOW_FOR: Duration = Duration::from_secs(20);
const SLOW_STEP: Duration = Duration::from_secs(1);

/// Prints the figures.
pub(crate) async fn bombs(clients: usize, size: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let sandbox = sandbox().await;
    let http = integrations::http::http_client().expect("a client");
    let bot = Bot::start(directory.path(), &sandbox, &http).await;
    pause(Duration::from_secs(2)).await;
    println!("{clients} bodies of {size} bytes at once, each kind after the other:");
    let shapes: [(&str, Shape); 6] = [
        ("one long string", |size| filled("{\"version\":\"4\",\"pad\":\"", "y", "\"}", size)),
        ("brackets", |size| filled("", "[", "", size)),
        ("numbers", |size| filled("{\"version\":\"4\",\"pad\":[", "1,", "1]}", size)),
        ("small objects", |size| filled("{\"version\":\"4\",\"pad\":[", "{\"a\":1},", "1]}", size)),
        ("objects just within the limit", |size| {
            filled("{\"version\":\"4\",\"pad\":[", "{\"abcdef\":1},", "1]}", size)
        }),
        ("no UTF-8", |size| vec![0xff; size]),
    ];
    for (name, shape) in shapes {
        let before = bot.resident();
        let answers = burst(&bot, clients, shape(size)).await;
        println!(
            "  {name}: resident memory {before} MiB before, {} MiB at most until now, {} MiB after; answers {answers:?}",
            bot.peak(),
            bot.resident(),
        );
    }
    let (mut times, cut) = tokio::join!(others(&bot, &http), slow(&bot, clients));
    println!("{clients} clients that send a byte of a head each second: {cut} cut off within {} s", SLOW_FOR.as_secs());
    println!("  others' webhooks meanwhile: {}", spread(&mut times));
    bot.stop().await;
}

/// A body of about so many bytes.
type Shape = fn(usize) -> Vec<u8>;

/// About so many bytes: a beginning, a piece again and again, an end.
fn filled(begin: &str, piece: &str, end: &str, size: usize) -> Vec<u8> {
    let room = size.saturating_sub(begin.len() + end.len());
    format!("{begin}{}{end}", piece.repeat(room / piece.len())).into_bytes()
}

fn address(bot: &Bot) -> String {
    bot.address.trim_start_matches("http://").to_owned()
}

/// Sends a body from each client; how often each status was answered (0: none).
async fn burst(bot: &Bot, clients: usize, body: Vec<u8>) -> BTreeMap<u16, usize> {
    let all = Arc::new(Barrier::new(clients));
    let body = Arc::new(body);
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (all, body, address) = (all.clone(), body.clone(), address(bot));
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.ok();
            let (most, last) = body.split_at(body.len() - 1);
            if let Some(stream) = &mut stream {
                let head = head(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()));
                // Whoever is refused early shows so below.
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(most).await;
            }
            all.wait().await;
            let mut stream = stream?;
            let _ = stream.write_all(last).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
        });
    }
    let mut answers = BTreeMap::new();
    while let Some(answer) = tasks.join_next().await {
        *answers.entry(answer.ok().flatten().unwrap_or(0_u16)).or_default() += 1;
    }
    answers
}

fn head(rest: &str) -> String {
    let token = bot::demo::HOOK_TOKEN;
    format!("POST /hooks/alertmanager HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n{rest}")
}

/// Sends heads byte by byte; how many were cut off.
async fn slow(bot: &Bot, clients: usize) -> usize {
    let until = Instant::now() + SLOW_FOR;
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let address = address(bot);
        tasks.spawn(async move {
            let Ok(mut stream) = TcpStream::connect(address).await else { return true };
            let mut bytes = head("x-pad: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy").into_bytes().into_iter().cycle();
            while Instant::now() < until {
                let byte = [bytes.next().unwrap_or(b'y')];
                if stream.write_all(&byte).await.is_err() {
                    return true;
                }
                let read = tokio::time::timeout(SLOW_STEP, stream.read(&mut [0; 64])).await;
                if matches!(read, Ok(Ok(0) | Err(_))) {
                    return true;
                }
            }
            false
        });
    }
    let mut cut = 0;
    while let Some(ended) = tasks.join_next().await {
        cut += usize::from(ended.unwrap_or_default());
    }
    cut
}

/// How long webhooks take meanwhile, ten a second, each over a connection of its own.
async fn others(bot: &Bot, http: &reqwest::Client) -> Vec<Duration> {
    let until = Instant::now() + SLOW_FOR;
    let mut times = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let began = "2026-03-02T14:00:00Z".parse().expect("a time");
    while Instant::now() < until {
        ticks.tick().await;
        let body = tests::alerts_body("Beside", &[("host-1", true)], began).to_string();
        let request = http.post(format!("{}/hooks/alertmanager", bot.address)).bearer_auth(bot::demo::HOOK_TOKEN);
        let begun = Instant::now();
        let answer = request.header("connection", "close").body(body).send().await;
        assert!(answer.is_ok_and(|answer| answer.status().is_success()), "others are served");
        times.push(begun.elapsed());
    }
    times
}
