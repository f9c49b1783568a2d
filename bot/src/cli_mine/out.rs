//! The one place that writes for whoever started the program. Everything else logs.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the place")]

use std::io::Write;

/// A line on standard output. That nobody reads it any more (a closed pipe) is no failure.
pub fn line(words: &str) {
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// Why it failed, on standard error.
pub fn error(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
