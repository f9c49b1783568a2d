//! The Slack adapter against a strict Slack, with everything going wrong that was seen to.

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod limits;
mod people;
mod socket;
mod world;
