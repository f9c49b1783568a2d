//! The control API of the sandbox over real HTTP: what any program on this machine can do with it,
//! and what nobody can. Time stands still unless a test moves it.

#[path = "control/bench.rs"]
mod bench;
#[path = "control/bot.rs"]
mod bot;
#[path = "control/ci.rs"]
mod ci;
#[path = "control/document.rs"]
mod document;
#[path = "control/faults.rs"]
mod faults;
#[path = "control/hostile.rs"]
mod hostile;
mod manual;
#[path = "control/page.rs"]
mod page;
#[path = "control/people.rs"]
mod people;
#[path = "control/reading.rs"]
mod reading;
#[path = "control/refusals.rs"]
mod refusals;
#[path = "control/sockets.rs"]
mod sockets;
