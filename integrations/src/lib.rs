//! Adapters to the services that Muster speaks to, one module per service.
//!
//! [`chat`] holds Slack and Discord, [`alerting`] the sources of alerts, [`pipelines`] what carries
//! deploys out, [`aws`] how AWS is called, [`changes`] who is told of deploys, [`wiki`] where postmortems
//! go. What holds: a service's wire format stays inside its module; every call has a time-out; time is
//! read from a [`clock::Clock`]; nothing from outside is markup.

pub mod alerting;
pub mod aws;
mod base64;
pub mod changes;
pub mod chat;
pub mod clock;
pub mod http;
pub mod pipelines;
pub mod redact;
pub mod secret;
pub mod tls;
pub mod wiki;
