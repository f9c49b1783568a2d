//! The running bot: configuration, journal, engine, outbox, sockets, HTTP side, command line.
//!
//! Begin with [`app::App::start`], which starts everything in order.

mod accounts;
pub mod app;
pub mod checkpoints;
pub mod cli;
pub mod config;
pub mod crash;
pub mod demo;
pub mod engine;
pub mod inbox;
pub mod journal;
pub mod logs;
pub mod metrics;
pub mod outbox;
pub mod pipelines;
pub mod postmortem;
pub mod publish;
pub mod server;
pub mod store;
pub mod tasks;
mod vitals;
pub mod wiki_pages;

/// Alerts are many small pieces of memory that come and go on several threads: the system's allocator took a fifth of
/// the processor's time under load, and kept what storms had needed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
