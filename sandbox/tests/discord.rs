//! The Discord of the sandbox, by a plain HTTP client and a plain WebSocket client: it promises to be
//! as strict as Discord. Time stands still unless a test moves it.

#[path = "discord/answers.rs"]
mod answers;
#[path = "discord/bench.rs"]
mod bench;
#[path = "discord/channels.rs"]
mod channels;
#[path = "discord/commands.rs"]
mod commands;
#[path = "discord/faults.rs"]
mod faults;
#[path = "discord/forms.rs"]
mod forms;
#[path = "discord/gateway.rs"]
mod gateway;
#[path = "discord/interactions.rs"]
mod interactions;
#[path = "discord/limits.rs"]
mod limits;
mod manual;
#[path = "discord/marks.rs"]
mod marks;
#[path = "discord/rates.rs"]
mod rates;
#[path = "discord/rest.rs"]
mod rest;
#[path = "discord/sockets.rs"]
mod sockets;
