//! The real program, killing itself at some points and started again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use operations::ids::Platform;
use tests::child::{self, Start};
use tests::{Channel, alerts_body};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_anywhere_loses_no_alert_and_shows_it_once() {
    integrations::tls::install();
    let http = integrations::http::http_client().expect("a client");
    for crash in ["journal.append.after:4", "journal.sync.after:5", "hook.reply.before", "outbox.send.after"] {
        let sandbox = child::sandbox(["ann", "bob", "cleo"].map(str::to_owned).to_vec()).await;
        let directory = tempfile::tempdir().expect("a directory");
        let mut start = Start::configure(directory.path(), &sandbox, "").expect("it can be written");
        start.program = Some(env!("CARGO_BIN_EXE_kill").into());
        start.options = vec!["--crash-at".into(), crash.into()];
        let bot = start.start().expect("it starts");
        let address = bot.address.clone();
        let kept = AtomicBool::new(false);
        let telling = async {
            loop {
                kept.fetch_or(tells(&address, &http).await, Ordering::Relaxed);
                child::pause(LOOK).await;
            }
        };
        let died = tokio::select! {
            died = bot.dies(PATIENCE) => died,
            () = telling => Ok(()),
        };
        died.unwrap_or_else(|why| panic!("{crash}: {why}"));
        start.options.clear();
        let mut bot = start.start().expect("it starts again");
        bot.ready(&http, PATIENCE).await.unwrap_or_else(|why| panic!("{crash}: {why}"));
        // What was promised is there without being told again.
        assert!(kept.into_inner() || tells(&bot.address, &http).await, "{crash}: it is taken now");
        let begun = std::time::Instant::now();
        while bot.open(&http).await != Some(0) {
            assert!(begun.elapsed() < PATIENCE, "{crash}: it is not delivered");
            bot.lives_for(LOOK).await.expect("it goes on");
        }
        for (platform, view) in [(Platform::Slack, sandbox.slack.view()), (Platform::Discord, sandbox.discord.view())] {
            let alerts = Channel::find(&view, platform, "alerts").expect("it is there");
            assert_eq!(alerts.count("Disk"), 1, "{crash}: {}", alerts.text());
        }
        bot.stop(PATIENCE).await.expect("it stops");
        bot::journal::verify(&start.data()).expect("the journal holds");
    }
}

/// Tells of the alert; whether it is kept.
async fn tells(address: &str, http: &reqwest::Client) -> bool {
    let body = alerts_body("Disk", &[("db-1", true)], jiff::Timestamp::UNIX_EPOCH).to_string();
    let url = format!("{address}/hooks/alertmanager");
    let sent = http.post(url).bearer_auth(bot::demo::HOOK_TOKEN).body(body).send().await;
    sent.is_ok_and(|answer| answer.status().is_success())
}
