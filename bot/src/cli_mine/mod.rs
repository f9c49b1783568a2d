//! The command line: `muster demo | sandbox | init | check | run | journal | postmortem`.
//!
//! Exit codes: 0 done; 1 it failed, and why stands on standard error; 2 the words were wrong;
//! 78 the configuration is wrong (as in BSD's sysexits).

mod check;
mod demo;
pub mod init;
mod journal;
pub mod out;
mod run;
mod sandbox;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The configuration is wrong.
pub const CONFIG: u8 = 78;

/// Incident response in Slack and Discord at once.
#[derive(Debug, Parser)]
#[command(name = "muster", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show it: a Slack and a Discord on this machine, with the real bot in both
    Demo(DemoArgs),
    /// Run a Slack and a Discord on this machine, to rehearse your own configuration
    Sandbox(SandboxArgs),
    /// Write a commented configuration and a Slack app manifest into a directory
    Init {
        /// Where; made if it is not there
        directory: PathBuf,
    },
    /// Check a configuration; tells all problems at once
    Check(At),
    /// Run the bot
    Run(At),
    /// Export, import or verify the journal
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Write an incident's postmortem while the bot is stopped
    Postmortem {
        /// Which incident: INC-42
        incident: String,
        /// Which configuration
        #[command(flatten)]
        at: At,
    },
}

/// Which configuration.
#[derive(Debug, clap::Args)]
pub struct At {
    /// The directory with muster.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub config: PathBuf,
}

/// How to demonstrate.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Without a page
    #[arg(long)]
    pub headless: bool,
    /// Play the story, print what both chats show, and end
    #[arg(long)]
    pub story: bool,
    /// Keep everything in this directory, and go on from what is there
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// The page's port
    #[arg(long, default_value_t = 7700)]
    pub port: u16,
    /// The port that the bot takes webhooks at
    #[arg(long, default_value_t = 7780)]
    pub bot_port: u16,
}

/// What to put into the sandbox.
#[derive(Debug, clap::Args)]
pub struct SandboxArgs {
    /// Where Slack listens
    #[arg(long, default_value = "127.0.0.1:7701")]
    pub slack: SocketAddr,
    /// Where Discord listens
    #[arg(long, default_value = "127.0.0.1:7702")]
    pub discord: SocketAddr,
    /// Where the page and the control API listen
    #[arg(long, default_value = "127.0.0.1:7700")]
    pub control: SocketAddr,
    /// People on both chats
    #[arg(long, value_delimiter = ',', default_value = "ann,bob,cleo")]
    pub people: Vec<String>,
    /// Channels on both chats
    #[arg(long, value_delimiter = ',', default_value = "general,alerts,incidents")]
    pub channels: Vec<String>,
}

/// What to do with the journal. The bot must be stopped.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Write it as JSON Lines, to a file or to standard output
    Export {
        /// The file; standard output where none is named
        file: Option<PathBuf>,
        /// Which configuration
        #[command(flatten)]
        at: At,
    },
    /// Read an export into an empty data directory
    Import {
        /// The file
        file: PathBuf,
        /// Which configuration
        #[command(flatten)]
        at: At,
    },
    /// Check every record's hash; names the first one that is wrong
    Verify {
        /// An export to check instead of the journal itself
        file: Option<PathBuf>,
        /// Which configuration
        #[command(flatten)]
        at: At,
    },
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    integrations::tls::install();
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Demo(args) => on_runtime(demo::demo(args)),
        Command::Sandbox(args) => on_runtime(sandbox::sandbox(args)),
        Command::Init { directory } => init::init(&directory).map_err(|error| Failed::new(error.to_string())),
        Command::Check(at) => check::check(&at),
        Command::Run(at) => on_runtime(run::run(at)),
        Command::Journal(command) => journal::journal(&command),
        Command::Postmortem { incident, at } => journal::postmortem(&incident, &at),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { what, code }) => {
            out::error(&what);
            ExitCode::from(code)
        }
    }
}

/// Why it failed, and the exit code for it.
pub(crate) struct Failed {
    what: String,
    code: u8,
}

impl Failed {
    pub(crate) fn new(what: impl Into<String>) -> Failed {
        Failed { what: what.into(), code: 1 }
    }
}

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Failed {
        Failed::new(error.to_string())
    }
}

fn on_runtime(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Loads the configuration of the environment.
fn load(at: &At) -> Result<crate::config::Config, Failed> {
    let env = |name: &str| std::env::var(name).ok();
    crate::config::load(&at.config, &env).map_err(|problems| Failed { what: problems.to_string(), code: CONFIG })
}

/// Resolves when the process is asked to stop.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            },
            Err(_) => {
                let _ = interrupted.await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupted.await;
    }
}
