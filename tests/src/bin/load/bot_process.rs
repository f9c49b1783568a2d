//! The bot in a process of its own, so that its memory is its own.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bot::app::{App, Options};
use integrations::clock::SystemClock;
use sandbox::Sandbox;
use tokio::process::{Child, Command};

/// A bot that runs until this is dropped.
pub(crate) struct Bot {
    pub(crate) address: String,
    child: Child,
}

/// Runs the bot until standard input ends.
pub(crate) async fn run(directory: &Path) {
    let env = |name: &str| std::env::var(name).ok();
    let config = bot::config::load(directory, &env).expect("the configuration holds");
    let app = App::start(&config, Options { clock: Arc::new(SystemClock), halt: None }).await.expect("the bot starts");
    // Nothing is ever written to it: it ends when the driver does.
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
    app.stop().await;
}

impl Bot {
    /// Starts this program again as the bot, and waits until it is connected to both chats.
    pub(crate) async fn start(directory: &Path, sandbox: &Sandbox, http: &reqwest::Client) -> Bot {
        let port = bot::demo::free_port().expect("a port");
        bot::demo::write_config(directory, sandbox, port).expect("the configuration holds");
        let child = Command::new(std::env::current_exe().expect("this program"))
            .arg("bot")
            .arg(directory)
            .envs(bot::demo::tokens(sandbox))
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the bot starts");
        let bot = Bot { address: format!("http://127.0.0.1:{port}"), child };
        while !bot.get("/readyz", http).await.is_some_and(|(ready, _)| ready) {
            crate::pause(Duration::from_millis(20)).await;
        }
        bot
    }

    async fn get(&self, path: &str, http: &reqwest::Client) -> Option<(bool, String)> {
        let answer = http.get(format!("{}{path}", self.address)).send().await.ok()?;
        Some((answer.status().is_success(), answer.text().await.ok()?))
    }

    /// How many effects are still to be carried out.
    pub(crate) async fn open(&self, http: &reqwest::Client) -> Option<u64> {
        let (_, text) = self.get("/metrics", http).await?;
        text.lines().find_map(|line| line.strip_prefix("muster_outbox_open ")?.parse().ok())
    }

    /// Resident memory in MiB (Linux: `VmRSS` in `/proc/PID/status`).
    pub(crate) fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id().unwrap_or_default());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        kib.unwrap_or(0_u64) / 1024
    }

    /// Stops it, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().await.expect("it ends");
    }
}
