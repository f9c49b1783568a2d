//! Muster's pure core: what may happen to alerts and incidents, and what follows.
//!
//! Read [`decide::decide`] first: an [`input::Input`] and the [`state::State`] give
//! [`event::Event`]s and a reply, or a refusal. [`state::State::apply`] folds events into
//! the state, and [`react::react`] says which [`effect::Effect`]s follow from an event.
//! What is written to the journal is defined here and nowhere else.
//!
//! What holds: no async, no I/O, no database, no clock, no randomness. The same journal
//! gives the same state, whatever the configuration.

pub mod accounts;
pub mod alert;
pub mod card;
pub mod channels;
pub mod chat;
pub mod checkpoint;
pub mod command;
pub mod decide;
pub mod deploy;
pub mod effect;
pub mod event;
pub mod ids;
pub mod incident;
pub mod input;
pub mod journal;
pub mod labels;
pub mod locks;
pub mod members;
pub mod missed;
mod pairs;
pub mod pipeline;
pub mod policy;
pub mod problem;
pub mod react;
pub mod refusal;
pub mod reply;
pub mod runbook;
pub mod settings;
pub mod state;
pub mod storm;
pub mod text;
pub mod timeline;
pub mod timer;
pub mod triage;
pub mod vitals;
