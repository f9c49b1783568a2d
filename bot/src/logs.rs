//! The log: readable lines with fields, on standard error.
//!
//! What is logged is chosen by `RUST_LOG` (default `info`). `MUSTER_LOG=json` writes one JSON object a line.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. Doing it twice does no harm.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that somebody logs already, which is what is wanted.
    let _ = match std::env::var("MUSTER_LOG").as_deref() {
        Ok("json") => builder.json().try_init(),
        _ => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}

/// Starts logging in tests.
pub fn start_for_tests() {
    start("warn");
}
