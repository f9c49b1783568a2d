//! The Slack of the sandbox, by a plain HTTP client and a plain WebSocket client: it promises to be
//! as strict as Slack. Time stands still unless a test moves it.

#[path = "slack/bench.rs"]
mod bench;
#[path = "slack/calls.rs"]
mod calls;
mod manual;
#[path = "slack/people.rs"]
mod people;
#[path = "slack/socket.rs"]
mod socket;
