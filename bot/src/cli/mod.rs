//! The command line: `muster demo | sandbox | init | check | run | policy | runbook | journal | postmortem`.
//!
//! Exit codes: 0 done; 1 it failed, and why stands on standard error; 2 the words were wrong;
//! 78 the configuration is wrong (as in BSD's sysexits).

mod args;
mod check;
mod demo;
pub mod init;
mod journal;
pub mod out;
mod policy;
mod run;
mod runbook;
mod sandbox;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

pub use self::args::{
    At, Cli, Command, DataAt, DemoArgs, InitArgs, JournalCommand, PolicyCommand, RunArgs, RunbookCommand, SandboxArgs,
};

/// The configuration is wrong.
pub const CONFIG: u8 = 78;

/// Does what the command line says.
pub fn main() -> ExitCode {
    main_with(std::env::args_os())
}

/// Does what `line` says, with the program's name as its first word: for a program that can be the bot as well.
pub fn main_with(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    integrations::tls::install();
    let cli = Cli::parse_from(line);
    let done = match cli.command {
        Command::Demo(args) => on_runtime(demo::demo(args)),
        Command::Sandbox(args) => on_runtime(sandbox::sandbox(args)),
        Command::Init(args) => init::init(&args).map(|written| out::line(&written)),
        Command::Check(at) => check::check(&at),
        Command::Run(args) if args.list_crash_points => {
            run::list_crash_points();
            Ok(())
        }
        Command::Run(args) => on_runtime(run::run(args)),
        Command::Policy(command) => policy::policy(&command),
        Command::Runbook(command) => runbook::runbook(&command),
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
