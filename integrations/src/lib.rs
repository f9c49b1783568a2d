//! Adapters to the services that Muster speaks to, one module per service.
//!
//! [`chat`] holds Slack and Discord, [`alerting`] the sources of alerts, [`wiki`] where
//! postmortems go. What holds: a service's wire format stays inside its module; every call
//! has a time-out; time is read from a [`clock::Clock`]; nothing from outside is markup.

pub mod alerting;
pub mod chat;
pub mod clock;
pub mod redact;
pub mod secret;
pub mod tls;
pub mod wiki;
