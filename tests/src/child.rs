//! The bot as a process of its own: the driver's program, started again with `muster` as its first word.
//!
//! What runs then is the bot's own command line (`muster run --config DIR`), so the process can
//! be killed, traced and stopped as the real one. What holds: it never outlives the driver,
//! however that ends.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use integrations::clock::SystemClock;
use sandbox::Sandbox;
use tokio::process::{ChildStdin, Command};

/// The word that makes a driver the bot.
const BOT: &str = "muster";

/// How often it is asked whether it is ready.
const ASKING: Duration = Duration::from_millis(5);

/// Runs the bot's command line if the driver was started as the bot; the first thing in a driver's `main`.
#[must_use]
pub fn bot_if_asked() -> Option<ExitCode> {
    let line: Vec<OsString> = std::env::args_os().skip(1).collect();
    if line.first()? != BOT {
        return None;
    }
    // Nothing is ever written to it: it ends when the driver does.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    Some(bot::cli::main_with(line))
}

/// Waits for `wait` of real time.
pub async fn pause(wait: Duration) {
    integrations::clock::sleep(&SystemClock, wait).await;
}

/// A port that nobody listens at just now, below those that the system gives to outgoing connections: while the bot
/// is dead, somebody who calls in vain must not be given its port.
///
/// # Panics
/// All of them are taken.
#[must_use]
pub fn port() -> u16 {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(10_000..30_000)).take(1_000);
    let free = ports.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("one of many ports is free")
}

/// A Slack and a Discord without rate limits, on the machine's clock.
///
/// # Panics
/// No port is free.
pub async fn sandbox(people: Vec<String>) -> Sandbox {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = sandbox::Config {
        slack: any,
        discord: any,
        control: any,
        time: Arc::new(sandbox::time::SystemTime),
        people,
        channels: bot::demo::CHANNELS.map(str::to_owned).to_vec(),
        buttons: Vec::new(),
        presses: None,
        rate_limits: false,
    };
    Sandbox::start(config).await.expect("loopback ports are free")
}

/// How the bot is started.
#[derive(Clone, Debug)]
pub struct Start {
    /// The directory with its configuration.
    pub directory: PathBuf,
    /// The port that the configuration has it listen at.
    pub port: u16,
    /// The environment that the configuration needs.
    pub tokens: Vec<(&'static str, String)>,
    /// The program that runs it, with its options; none where it runs by itself.
    pub under: Vec<OsString>,
    /// The driver's program, where it is another one than this.
    pub program: Option<PathBuf>,
    /// What is added to `muster run`.
    pub options: Vec<OsString>,
}

/// A bot that runs.
pub struct Bot {
    /// Where it takes webhooks: `http://127.0.0.1:PORT`.
    pub address: String,
    process: tokio::process::Child,
    /// It ends with this.
    input: ChildStdin,
    log: PathBuf,
}

impl Start {
    /// Writes a configuration for a bot in this sandbox; `more` is added to `muster.toml`.
    ///
    /// # Errors
    /// What can't be written.
    pub fn configure(directory: &Path, sandbox: &Sandbox, more: &str) -> Result<Start, String> {
        let port = port();
        bot::demo::write_config(directory, sandbox, port).map_err(|error| error.to_string())?;
        bot::demo::add_to_config(directory, sandbox, more).map_err(|error| error.to_string())?;
        let tokens = bot::demo::tokens(sandbox).to_vec();
        Ok(Start {
            directory: directory.to_owned(),
            port,
            tokens,
            under: Vec::new(),
            program: None,
            options: Vec::new(),
        })
    }

    /// Where the bot keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Starts the process, and does not wait for anything. What it logs goes to `bot.log`.
    ///
    /// # Errors
    /// The system can't start it.
    pub fn start(&self) -> Result<Bot, String> {
        let failed = |error: std::io::Error| format!("the bot could not be started: {error}");
        let this = self.program.clone().map_or_else(std::env::current_exe, Ok).map_err(failed)?;
        let log = self.directory.join("bot.log");
        let file = OpenOptions::new().create(true).append(true).open(&log).map_err(failed)?;
        let mut line = self.under.clone();
        line.extend([this.into(), BOT.into(), "run".into(), "--config".into(), self.directory.clone().into()]);
        line.extend(self.options.iter().cloned());
        let mut process = Command::new(&line[0])
            .args(&line[1..])
            .envs(self.tokens.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        // Taken out, because waiting for a process closes its input first.
        let input = process.stdin.take().ok_or("the bot has no standard input")?;
        Ok(Bot { address: format!("http://127.0.0.1:{}", self.port), process, input, log })
    }
}

impl Bot {
    /// Waits until it is connected to both chats; gives back how long that took.
    ///
    /// # Errors
    /// It ended by itself, or is not ready within `patience`.
    pub async fn ready(&mut self, http: &reqwest::Client, patience: Duration) -> Result<Duration, String> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.get("/readyz", http).await.is_some_and(|(ready, _)| ready) {
                return Ok(begun.elapsed());
            }
            self.lives_for(ASKING).await?;
        }
        let said = self.get("/readyz", http).await.map_or_else(|| "it does not answer".to_owned(), |(_, said)| said);
        Err(format!("the bot is not ready after {} s: {said}\n{}", patience.as_secs(), self.last_words()))
    }

    /// Waits for `wait`, in which it must not end.
    ///
    /// # Errors
    /// It ended by itself.
    pub async fn lives_for(&mut self, wait: Duration) -> Result<(), String> {
        self.lives_until(pause(wait)).await
    }

    /// Waits for a moment, before which it must not end.
    ///
    /// # Errors
    /// It ended by itself.
    pub async fn lives_until(&mut self, moment: impl Future<Output = ()>) -> Result<(), String> {
        tokio::select! {
            ended = self.process.wait() => {
                let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(format!("the bot ended by itself ({how}):\n{}", self.last_words()))
            }
            () = moment => Ok(()),
        }
    }

    /// Kills it (SIGKILL), and waits until it is gone.
    ///
    /// # Errors
    /// It had ended by itself before.
    pub async fn kill(mut self) -> Result<(), String> {
        self.process
            .start_kill()
            .map_err(|error| format!("the bot can't be killed: {error}\n{}", self.last_words()))?;
        let status = self.process.wait().await.map_err(|error| error.to_string())?;
        if was_killed(status) {
            Ok(())
        } else {
            Err(format!("the bot ended by itself ({status}):\n{}", self.last_words()))
        }
    }

    /// Waits until it has killed itself.
    ///
    /// # Errors
    /// It does not within `patience`, or ended otherwise.
    pub async fn dies(mut self, patience: Duration) -> Result<(), String> {
        match tokio::time::timeout(patience, self.process.wait()).await {
            Ok(Ok(status)) if was_killed(status) => Ok(()),
            Ok(Ok(status)) => Err(format!("the bot ended with {status}:\n{}", self.last_words())),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the bot lives after {} s:\n{}", patience.as_secs(), self.last_words())),
        }
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// It does not, or says that something was wrong.
    pub async fn stop(mut self, patience: Duration) -> Result<(), String> {
        let Some(id) = self.process.id() else { return Err("the bot has ended already".to_owned()) };
        // The shell's own `kill`: there is one wherever there is a shell.
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id.to_string()]).status().await;
        if !asked.is_ok_and(|status| status.success()) {
            return Err("the bot can't be asked to stop".to_owned());
        }
        match tokio::time::timeout(patience, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("the bot stopped with {status}:\n{}", self.last_words())),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the bot does not stop within {} s:\n{}", patience.as_secs(), self.last_words())),
        }
    }

    /// Lets it end by closing its input, and waits until whatever it runs under has ended too.
    ///
    /// # Errors
    /// It does not within `patience`.
    pub async fn end(self, patience: Duration) -> Result<(), String> {
        let Bot { mut process, input, .. } = self;
        drop(input);
        let ended = tokio::time::timeout(patience, process.wait()).await;
        ended.map(|_| ()).map_err(|_| format!("the bot does not end within {} s", patience.as_secs()))
    }

    /// How many effects are still to be carried out; none where it does not say.
    pub async fn open(&self, http: &reqwest::Client) -> Option<u64> {
        let (_, text) = self.get("/metrics", http).await?;
        text.lines().find_map(|line| line.strip_prefix("muster_outbox_open ")?.parse().ok())
    }

    async fn get(&self, path: &str, http: &reqwest::Client) -> Option<(bool, String)> {
        let call = async {
            let answer = http.get(format!("{}{path}", self.address)).send().await.ok()?;
            Some((answer.status().is_success(), answer.text().await.ok()?))
        };
        tokio::time::timeout(Duration::from_secs(10), call).await.ok()?
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(9)
}

#[cfg(not(unix))]
fn was_killed(status: ExitStatus) -> bool {
    !status.success()
}
