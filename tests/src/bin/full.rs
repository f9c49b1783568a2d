//! The real program on a disk that fills up: `cargo run -p tests --bin full -- DIR`, with DIR on a small disk of its own.
//!
//! For DIR a tmpfs does: `mount -t tmpfs -o size=256m tmpfs DIR`. What is checked: what was
//! taken stays, what is not taken is refused in words, people are answered, the bot stops
//! and starts while the disk is full, and goes on by itself when there is room.

#![expect(clippy::print_stdout, reason = "a driver tells what it found")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use operations::ids::Platform;
use sandbox::Sandbox;
use tests::child::{self, Bot, Start};
use tests::{Channel, alerts_body};

/// How long anything may take: Muster looks at its disk every five seconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    if let Some(code) = child::bot_if_asked() {
        return code;
    }
    integrations::tls::install();
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        println!("Name a directory on a small disk of its own.");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(run(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("FAILED: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What the parts need.
struct Site {
    sandbox: Sandbox,
    http: reqwest::Client,
    /// Alerts that were answered with success.
    kept: BTreeSet<String>,
}

async fn run(directory: &Path) -> Result<(), String> {
    let sandbox = child::sandbox(["ann", "bob", "cleo"].map(str::to_owned).to_vec()).await;
    let start = Start::configure(directory, &sandbox, "")?;
    let http = integrations::http::http_client().map_err(|error| error.to_string())?;
    let mut site = Site { sandbox, http, kept: BTreeSet::new() };
    let mut bot = start.start()?;
    bot.ready(&site.http, PATIENCE).await?;
    let (status, words) = site.tell(&bot, "Before").await?;
    expect(status == 200, format!("an alert is taken: {status} {words}"))?;
    let ballast = start.data().join("ballast");
    expect(length(&ballast) == Some(16 << 20), "the ballast is there".to_owned())?;

    let filler = directory.join("filler");
    let filled = fill(&filler)?;
    println!("the disk was filled with             {filled} bytes, and has no room");
    let mut number = 0;
    let refused = loop {
        number += 1;
        let (status, words) = site.tell(&bot, &format!("Full{number}")).await?;
        match status {
            200 if number < 100_000 => {}
            503 => break words,
            _ => return Err(format!("an alert on a full disk: {status} {words}")),
        }
    };
    println!("alerts taken before the first 503    {}", number - 1);
    println!("the 503 says                         {}", refused.trim());
    expect(refused.contains("disk is full"), refused)?;
    expect(length(&ballast).is_none(), "the ballast gave its room".to_owned())?;
    site.answers(&mut bot, "/muster status", "disk").await?;
    site.answers(&mut bot, "/alert ack A-1", "disk is full").await?;
    site.answers(&mut bot, "/alert list", "Before").await?;
    println!("commands                             answered: status, list; refused in words: ack");

    bot.stop(PATIENCE).await?;
    // It does not say that it is ready, because it takes nothing; but it answers.
    let mut bot = start.start()?;
    let begun = Instant::now();
    let answer = loop {
        if let Ok((status, words)) = site.tell(&bot, "Again").await {
            break format!("{status} {}", words.trim());
        }
        expect(begun.elapsed() < PATIENCE, "it starts on a full disk".to_owned())?;
        bot.lives_for(LOOK).await?;
    };
    println!("stopped, and started while it is full: an alert is answered {answer}");

    std::fs::remove_file(&filler).map_err(|error| error.to_string())?;
    let begun = Instant::now();
    while site.tell(&bot, "After").await?.0 != 200 {
        expect(begun.elapsed() < PATIENCE, "it goes on with room".to_owned())?;
        bot.lives_for(LOOK).await?;
    }
    println!("with room an alert is taken after    {:.1} s", begun.elapsed().as_secs_f64());
    while bot.open(&site.http).await != Some(0) {
        expect(begun.elapsed() < PATIENCE, "everything is delivered".to_owned())?;
        bot.lives_for(LOOK).await?;
    }
    expect(length(&ballast) == Some(16 << 20), "the ballast is there again".to_owned())?;
    bot.stop(PATIENCE).await?;
    let journal = bot::journal::verify(&start.data()).map_err(|error| error.to_string())?;
    site.all_kept(&start.data())?;
    println!("alerts that were answered with 200   {}, all kept; {} records verified", site.kept.len(), journal.events);
    Ok(())
}

impl Site {
    /// Tells of an alert; the status and words of the answer.
    async fn tell(&mut self, bot: &Bot, name: &str) -> Result<(u16, String), String> {
        let body = alerts_body(name, &[("host-1", true)], jiff::Timestamp::UNIX_EPOCH).to_string();
        let url = format!("{}/hooks/alertmanager", bot.address);
        let sent = self.http.post(url).bearer_auth(bot::demo::HOOK_TOKEN).body(body).send().await;
        let answer = sent.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        if status == 200 {
            self.kept.insert(name.to_owned());
        }
        Ok((status, answer.text().await.map_err(|error| error.to_string())?))
    }

    /// Has Ann type a command until what she is told says this.
    async fn answers(&self, bot: &mut Bot, command: &str, says: &str) -> Result<(), String> {
        let slack = &self.sandbox.slack;
        let channel = Channel::find(&slack.view(), Platform::Slack, "general").ok_or("there is no #general")?.id;
        // Whoever is in it already can't join it again.
        let _ = slack.joins("ann", &channel).await;
        let begun = Instant::now();
        let told = || slack.view().to_string().matches(says).count();
        let before = told();
        while told() == before {
            expect(begun.elapsed() < PATIENCE, format!("{command} is answered with \"{says}\""))?;
            slack.types("ann", &channel, command, None).await?;
            bot.lives_for(LOOK * 4).await?;
        }
        Ok(())
    }

    /// Whether every alert that was answered with success is in the journal.
    fn all_kept(&self, data: &Path) -> Result<(), String> {
        let mut export = Vec::new();
        bot::journal::export(data, &mut export).map_err(|error| error.to_string())?;
        let export = String::from_utf8(export).map_err(|error| error.to_string())?;
        let lost: Vec<&String> =
            self.kept.iter().filter(|name| !export.contains(&format!("\"title\":\"{name}\""))).collect();
        expect(lost.is_empty(), format!("lost: {lost:?}"))
    }
}

fn expect(holds: bool, what: String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("this does not hold: {what}")) }
}

fn length(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|file| file.len())
}

/// Fills the disk to the last byte; gives back with how many.
fn fill(path: &Path) -> Result<u64, String> {
    let mut file = File::create(path).map_err(|error| error.to_string())?;
    for size in [1 << 20, 4_096, 1] {
        let bytes = vec![1; size];
        while file.write_all(&bytes).is_ok() {}
    }
    length(path).ok_or_else(|| "it is gone".to_owned())
}
