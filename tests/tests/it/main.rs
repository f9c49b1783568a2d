//! Whole-bot scenarios, one file a feature.

mod alerts;
mod answers;
mod canaries;
mod channels;
mod checkpoints;
mod connections;
mod corpus;
mod crashes;
mod documents;
mod doubts;
mod hooks;
mod hostile;
mod incidents;
mod intake;
mod journal;
mod missed;
mod mistakes;
mod moving;
mod outages;
mod parity;
mod postmortems;
mod storms;
mod story;
mod timeline;
mod tokens;
mod vitals;
