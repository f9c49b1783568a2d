//! What people type and click, and what they are answered. Pure.
//!
//! [`parse::parse`] turns what somebody did into an input for the engine, or into words that
//! say what to type instead. [`answers`] and [`cards`] turn what was decided, and the state,
//! into cards. What holds: a click is a command with its arguments filled in, so buttons,
//! menus, forms, mentions and slash commands are read by one grammar; what somebody else
//! wrote reaches a card only as [`operations::text::Outside`].

pub mod alert;
pub mod answers;
pub mod cards;
pub mod click;
pub mod complete;
pub mod deploy;
pub mod forms;
pub mod help;
pub mod incident;
pub mod line;
pub mod mistake;
pub mod muster;
pub mod names;
pub mod parse;
mod refusals;
pub mod spec;
