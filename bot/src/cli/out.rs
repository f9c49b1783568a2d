//! The one place that writes for whoever started the program. Everything else logs.
//!
//! What holds: that nobody reads any more (a closed pipe) is no failure, and no panic.

use std::io::Write;

/// A line on standard output.
pub fn line(words: &str) {
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// Why it failed, on standard error.
pub fn error(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
