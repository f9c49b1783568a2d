//! What must hold whatever arrives: one function a target, from any bytes to nothing or a panic.
//!
//! `fuzz/` feeds them with bytes that libFuzzer makes up; `tests/corpora.rs` feeds them with
//! everything that was ever found worth keeping, so a stable `cargo test` sees it all again.
//! They stand here and not in `fuzz/`, which needs libFuzzer to be built. What holds: a
//! property is judged by something other than the code that it is about: the sandbox's
//! checks, or a reader of its own ([`json`], [`markup`], [`tags`]).

mod alertmanager;
mod answers;
mod bytes;
mod cards;
mod chats;
mod config;
mod discord_inbound;
mod frames;
mod grammar;
mod hook_header;
mod journal;
mod json;
mod markdown;
mod markup;
mod merge;
mod pages;
mod postmortem;
mod runbook;
mod scene;
mod sequence;
mod slack_inbound;
mod slack_request;
mod tags;
mod taken;

/// A property: panics where it does not hold.
pub type Target = fn(&[u8]);

/// Every target by the name of its file in `fuzz/fuzz_targets/` and of its folder in `fuzz/corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("alertmanager", alertmanager::check),
    ("answers", answers::check),
    ("cards", cards::check),
    ("config", config::check),
    ("discord_inbound", discord_inbound::check),
    ("frames", frames::check),
    ("grammar", grammar::check),
    ("hook_header", hook_header::check),
    ("journal", journal::check),
    ("markdown", markdown::check),
    ("merge", merge::check),
    ("pages", pages::check),
    ("postmortem", postmortem::check),
    ("runbook", runbook::check),
    ("sequence", sequence::check),
    ("slack_inbound", slack_inbound::check),
    ("slack_request", slack_request::check),
];

/// Runs the target `name` on `data`.
///
/// # Panics
/// Where the property does not hold, or there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name).expect("every target is in the list");
    target.1(data);
}
