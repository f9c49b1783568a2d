//! Alert sources: each turns a webhook's body into [`operations::alert::Received`].
pub mod alertmanager;
