//! The bot in a process of its own, so that its memory is its own.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bot::app::{App, Options};
use bot::crash::Crash;
use integrations::clock::SystemClock;
use sandbox::Sandbox;
use tokio::process::{Child, Command};

use crate::process;

/// A bot that runs until this is dropped.
pub(crate) struct Bot {
    pub(crate) address: String,
    child: Child,
}

/// Runs the bot until standard input ends.
pub(crate) async fn run(directory: &Path) {
    let env = |name: &str| std::env::var(name).ok();
    let config = bot::config::load(directory, &env).expect("the configuration holds");
    let app = App::start(&config, Options { clock: Arc::new(SystemClock), crash: Crash::default() })
        .await
        .expect("the bot starts");
    // Nothing is ever written to it: it ends when the driver does.
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
    app.stop().await;
}

impl Bot {
    /// Starts this program again as the bot, and waits until it is connected to both chats.
    pub(crate) async fn start(directory: &Path, sandbox: &Sandbox, http: &reqwest::Client) -> Bot {
        let port = bot::demo::free_port().expect("a port");
        bot::demo::write_config(directory, sandbox, port).expect("the configuration holds");
        // Each alert that is measured is to have its card.
        bot::demo::add_to_config(directory, sandbox, "\n[alerts]\nstorm_at = 0\n").expect("the addition holds");
        Bot::spawn(directory, port, &bot::demo::tokens(sandbox), http).await
    }

    /// The same, with other services, and with storms.
    pub(crate) async fn start_with(directory: &Path, sandbox: &Sandbox, http: &reqwest::Client, services: &str) -> Bot {
        let port = bot::demo::free_port().expect("a port");
        bot::demo::write_config(directory, sandbox, port).expect("the configuration holds");
        std::fs::write(directory.join("services.toml"), services).expect("a file");
        Bot::spawn(directory, port, &bot::demo::tokens(sandbox), http).await
    }

    /// Starts it with nothing but a source of alerts.
    pub(crate) async fn without_chats(directory: &Path, http: &reqwest::Client) -> Bot {
        let port = bot::demo::free_port().expect("a port");
        let muster = format!(
            "[http]\nlisten = \"127.0.0.1:{port}\"\n\n[hooks.alertmanager]\nbearer = {{ env = \"ALERTMANAGER_TOKEN\" }}\n"
        );
        std::fs::write(directory.join("muster.toml"), muster).expect("a file");
        let token = ("ALERTMANAGER_TOKEN", bot::demo::HOOK_TOKEN.to_owned());
        Bot::spawn(directory, port, &[token], http).await
    }

    async fn spawn(directory: &Path, port: u16, tokens: &[(&str, String)], http: &reqwest::Client) -> Bot {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .arg("bot")
            .arg(directory)
            .envs(tokens.iter().map(|(name, value)| (name, value)))
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

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Resident memory in MiB.
    pub(crate) fn resident(&self) -> u64 {
        process::memory(self.process()).resident / 1024
    }

    /// The most that was resident in MiB.
    pub(crate) fn peak(&self) -> u64 {
        process::memory(self.process()).peak / 1024
    }

    /// Stops it, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().await.expect("it ends");
    }
}
