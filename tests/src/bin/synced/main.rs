//! What the disk has when a webhook is answered: `cargo run --release -p tests --bin synced -- [--requests 1000]`.
//!
//! The real bot (`muster run`) runs under strace, on a sandbox in this process, while webhooks
//! come in: half of them one after the other, half on eight connections at once, each with a
//! marker in its body. Then the trace is read. For each request, and in this order: it was read
//! from its socket; a file in the data directory was written with the marker in it; a sync of
//! that file began, and gave back 0; an answer with 2xx was written to the socket. One
//! exception, and the exit code is 1. Needs strace; says so where it is missing, with 2.

#![expect(clippy::print_stdout, reason = "this is a program that prints figures")]

mod trace;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use integrations::clock::{Clock, SystemClock};
use tests::child::Start;
use tokio::task::JoinSet;

use crate::trace::{Trace, marker};

/// Looks whether what is answered is on disk.
#[derive(Parser)]
struct Args {
    /// How many webhooks are sent.
    #[arg(long, default_value_t = 1_000)]
    requests: u32,
}

/// The calls that matter.
const CALLS: &str =
    "trace=read,write,writev,recvfrom,sendto,recvmsg,sendmsg,fsync,fdatasync,accept4,pwrite64,openat,close";

/// So many connections at once, in the second half.
const CONNECTIONS: u32 = 8;

/// So many alerts to a group.
const MEMBERS: u32 = 50;

/// Everything takes longer under strace.
const PATIENCE: Duration = Duration::from_secs(120);

/// So many exceptions are printed.
const PRINTED: usize = 20;

/// There is no strace.
const MISSING: u8 = 2;

fn main() -> ExitCode {
    if let Some(ended) = tests::child::bot_if_asked() {
        return ended;
    }
    integrations::tls::install();
    let args = Args::parse();
    if !Command::new("strace").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("NOTHING WAS CHECKED: strace is not installed, or does not run (Debian: apt-get install strace).");
        return ExitCode::from(MISSING);
    }
    let directory = tempfile::Builder::new().prefix("muster-synced-").tempdir().expect("a directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let done = runtime.block_on(record(directory.path(), args.requests)).and_then(|data| {
        let trace = std::fs::read(directory.path().join("trace")).map_err(|error| format!("the trace: {error}"))?;
        judge(&String::from_utf8_lossy(&trace), &data, args.requests)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("FAILED: {why}. Left: {}", directory.keep().display());
            ExitCode::FAILURE
        }
    }
}

/// Runs the bot under strace and sends it webhooks; gives back its data directory as the system names it.
async fn record(directory: &Path, requests: u32) -> Result<String, String> {
    let people = ["ann", "bob", "cleo"].map(str::to_owned).to_vec();
    let sandbox = tests::child::sandbox(people).await;
    let mut start = Start::configure(directory, &sandbox, "")?;
    let trace = directory.join("trace");
    // Long enough for whole bodies and whole batches.
    let options = ["strace", "-f", "-y", "-ttt", "-s", "1000000", "-e", CALLS, "-o"];
    start.under = options.into_iter().map(Into::into).chain([trace.into()]).collect();
    let http = integrations::http::http_client()?;
    let mut bot = start.start()?;
    bot.ready(&http, PATIENCE).await?;
    let url = Arc::new(format!("{}/hooks/alertmanager", bot.address));
    for (what, first, last, connections) in
        [("one after the other", 0, requests / 2, 1), ("at once", requests / 2, requests, CONNECTIONS)]
    {
        let begun = Instant::now();
        let next = Arc::new(AtomicU32::new(first));
        let mut senders = JoinSet::new();
        for _ in 0..connections {
            senders.spawn(send(http.clone(), url.clone(), next.clone(), last));
        }
        while let Some(sent) = senders.join_next().await {
            sent.map_err(|error| error.to_string())??;
        }
        println!("{} webhooks, {connections} {what}: {:.1} s", last - first, begun.elapsed().as_secs_f64());
    }
    bot.end(PATIENCE).await?;
    let data = start.data().canonicalize().map_err(|error| format!("the data directory: {error}"))?;
    Ok(data.display().to_string())
}

/// Sends webhooks until all are sent; each must be taken.
async fn send(http: reqwest::Client, url: Arc<String>, next: Arc<AtomicU32>, last: u32) -> Result<(), String> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= last {
            return Ok(());
        }
        let group = format!("Group{:03}", number / MEMBERS);
        let body = tests::alerts_body(&group, &[(&marker(number), true)], SystemClock.now()).to_string();
        let sent = http.post(url.as_str()).bearer_auth(bot::demo::HOOK_TOKEN).body(body).send().await;
        let answer = sent.map_err(|error| format!("webhook {number}: {error}"))?;
        if !answer.status().is_success() {
            return Err(format!("webhook {number} was answered with {}", answer.status()));
        }
        // Read to its end, so that the connection is used again.
        answer.bytes().await.map_err(|error| format!("webhook {number}: {error}"))?;
    }
}

/// Looks at each request.
fn judge(trace: &str, data: &str, requests: u32) -> Result<(), String> {
    let read = Trace::read(trace);
    let check = |number| read.check(&marker(number), data).err().map(|why| format!("{}: {why}", marker(number)));
    let exceptions: Vec<String> = (0..requests).filter_map(check).collect();
    println!(
        "{requests} webhooks, {} syncs in {data}, {} lines of trace: {} exceptions",
        read.syncs(data),
        trace.lines().count(),
        exceptions.len()
    );
    exceptions.iter().take(PRINTED).for_each(|it| println!("EXCEPTION: {it}"));
    if exceptions.is_empty() {
        Ok(())
    } else {
        Err(format!("{} of {requests} webhooks were answered before they were on disk", exceptions.len()))
    }
}
