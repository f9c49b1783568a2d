//! What can be typed after `muster`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::crash::Point;

/// What the exit codes mean.
const EXIT_CODES: &str =
    "Exit codes: 0 done; 1 it failed, and why stands on standard error; 2 wrong words; 78 the configuration is wrong.";

/// Incident response in Slack and Discord at once.
#[derive(Debug, Parser)]
#[command(name = "muster", version, about = "Muster: an incident-response bot for Slack and Discord", max_term_width = 100, after_help = EXIT_CODES)]
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
    Init(InitArgs),
    /// Check a configuration; tells all problems at once
    Check(At),
    /// Run the bot
    Run(RunArgs),
    /// Who may do what: explain an answer, or test the rules against what you expect
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Runbooks: tell what is wrong with pages, or what Muster understood of one
    #[command(subcommand)]
    Runbook(RunbookCommand),
    /// Export or verify the journal, also while the bot runs; import one into an empty directory; show its key
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Write an incident's postmortem from the journal
    Postmortem {
        /// Which incident: INC-42
        incident: String,
        /// Which configuration
        #[command(flatten)]
        at: At,
    },
}

/// Where to write a configuration.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Where; made if it is not there
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The application's id on Discord, for the invite link
    #[arg(long, value_name = "ID")]
    pub discord_application: Option<String>,
}

/// Which configuration.
#[derive(Debug, clap::Args)]
pub struct At {
    /// The directory with muster.toml, or the file itself
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub config: PathBuf,
}

/// How to run.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Which configuration
    #[command(flatten)]
    pub at: At,
    /// Print the points at which it can be made to die, and end
    #[arg(long, hide = true)]
    pub list_crash_points: bool,
    /// Die at a point, at the pass with this number or the first one: for whoever tests what a start finds then
    #[arg(long, hide = true, value_name = "POINT[:PASS]", value_parser = crash_at)]
    pub crash_at: Option<(Point, u64)>,
}

/// Reads a point and the number of a pass.
fn crash_at(text: &str) -> Result<(Point, u64), String> {
    let (name, pass) = text.split_once(':').unwrap_or((text, "1"));
    let point = Point::named(name).ok_or("there is no such point; --list-crash-points names them")?;
    let pass = pass.parse().ok().filter(|pass| *pass > 0).ok_or("behind the colon stands a number, from 1")?;
    Ok((point, pass))
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
    /// Keep everything in this directory, and go on from what is there; the chats begin anew, without what was said
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// The page's port
    #[arg(long, default_value_t = 7700, conflicts_with = "headless")]
    pub port: u16,
    /// The port that the bot takes webhooks at
    #[arg(long, default_value_t = 7780, conflicts_with = "headless")]
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
    /// Where the CI server listens
    #[arg(long, default_value = "127.0.0.1:7703")]
    pub ci: SocketAddr,
    /// Where the page and the control API listen
    #[arg(long, default_value = "127.0.0.1:7700")]
    pub control: SocketAddr,
    /// People on both chats
    #[arg(long, value_delimiter = ',', default_value = "ann,bob,cleo")]
    pub people: Vec<String>,
    /// Channels on both chats
    #[arg(long, value_delimiter = ',', default_value = "general,alerts,incidents,deploys")]
    pub channels: Vec<String>,
}

/// Whose journal.
#[derive(Debug, clap::Args)]
pub struct DataAt {
    /// The directory with muster.toml, or the file itself
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub config: PathBuf,
    /// The data directory itself; then no configuration is read and no secret needed
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub data: Option<PathBuf>,
}

/// What to do with the journal.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Write it as JSON Lines, to a file or to standard output
    Export {
        /// The file; standard output where none is named
        file: Option<PathBuf>,
        /// Whose journal
        #[command(flatten)]
        at: DataAt,
    },
    /// Read an export into an empty data directory
    Import {
        /// The file
        file: PathBuf,
        /// Whose journal
        #[command(flatten)]
        at: DataAt,
    },
    /// Check every record's hash and every checkpoint, also while the bot runs; names the first that is wrong
    Verify {
        /// An export to check instead of the journal itself
        file: Option<PathBuf>,
        /// Checkpoints that were kept elsewhere: lines of JSON, or copied from a chat; can be given several times
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// The public key that checkpoints must be signed with, as `muster journal key` shows it; several, where it changed
        #[arg(long, value_name = "PUBLIC")]
        key: Vec<String>,
        /// Whose journal
        #[command(flatten)]
        at: DataAt,
    },
    /// Show the public key that checkpoints are signed with. Keep it where nobody on this machine can change it
    Key {
        /// Whose
        #[command(flatten)]
        at: DataAt,
    },
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say whether somebody may do something, and by which rules; ends with 1 where they may not, or not without approval
    Explain {
        /// WHO VERB WHAT [key=value…]: ann deploy environment:checkout/production frozen=true approvals=bob. WHO is a key
        /// of people.toml, or stranger; VERB is one of docs/policies.md; WHAT is workspace, service:NAME,
        /// environment:SERVICE/NAME or incident:SERVICE; for a deploy it is asked as if there were a plan
        #[arg(required = true, num_args = 3.., value_name = "WORD")]
        question: Vec<String>,
        /// Which configuration
        #[command(flatten)]
        at: At,
    },
    /// Ask everything in a table, a question and the expected answer (allowed, approval:2, refused) a line: ann work
    /// incident:checkout => allowed
    Test {
        /// The table
        file: PathBuf,
        /// Which configuration
        #[command(flatten)]
        at: At,
    },
}

/// What to do with runbooks.
#[derive(Debug, Subcommand)]
pub enum RunbookCommand {
    /// Tell everything that is wrong with pages, each with its line; ends with 1 where anything is
    Lint {
        /// Pages, or directories of them
        #[arg(required = true, value_name = "FILE|DIR")]
        pages: Vec<PathBuf>,
    },
    /// Show what Muster understood of a page
    Show {
        /// The page
        #[arg(value_name = "FILE")]
        page: PathBuf,
    },
    /// Play a page with what was recorded of an incident, without doing anything; ends with 1 where it ends otherwise than
    /// the recording expects
    Rehearse {
        /// The page
        #[arg(value_name = "FILE")]
        page: PathBuf,
        /// Recordings, as docs/runbooks.md says
        #[arg(required = true, value_name = "RECORDING")]
        recordings: Vec<PathBuf>,
    },
    /// Print the JSON Schema of the front matter, for editors
    Schema,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn what_can_be_typed_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_journal_is_found_by_its_configuration_or_its_directory() {
        let cli = Cli::try_parse_from(["muster", "journal", "verify", "--data", "/data"]).expect("it is right");
        let Command::Journal(JournalCommand::Verify { file: None, at, .. }) = cli.command else {
            panic!("another command")
        };
        assert_eq!(at.data, Some(PathBuf::from("/data")));
        let both = ["muster", "journal", "verify", "--data", "/data", "--config", "/etc/muster"];
        assert!(Cli::try_parse_from(both).is_err(), "only one of both");
    }

    #[test]
    fn a_crash_is_planned_by_name_and_pass() {
        let parse = |words: &str| Cli::try_parse_from(["muster", "run", "--crash-at", words]).map(|cli| cli.command);
        for (words, pass) in [("hook.reply.before", 1), ("hook.reply.before:7", 7)] {
            let Ok(Command::Run(args)) = parse(words) else { panic!("{words}") };
            assert_eq!(args.crash_at, Some((Point::HookReplyBefore, pass)));
        }
        for words in ["hook.reply", "hook.reply.before:0", "hook.reply.before:x"] {
            assert!(parse(words).is_err(), "{words}");
        }
    }

    #[test]
    fn wrong_words_end_with_2() {
        let error = Cli::try_parse_from(["muster", "declare"]).expect_err("there is no such command");
        assert_eq!(error.exit_code(), 2);
    }
}
