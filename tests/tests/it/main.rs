//! Whole-bot scenarios, one file a feature.

mod alerts;
mod connections;
mod crashes;
mod hooks;
mod hostile;
mod incidents;
mod journal;
mod mistakes;
mod parity;
mod postmortems;
mod storms;
mod story;
mod timeline;
mod vitals;
