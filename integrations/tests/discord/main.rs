//! The Discord adapter against a strict Discord, with everything going wrong that was seen to.

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod gateway;
mod limits;
mod people;
mod world;
