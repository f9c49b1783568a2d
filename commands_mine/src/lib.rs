//! What people type and click, and what they are answered. Pure.
//!
//! [`parse::parse`] turns what somebody did into an input for the engine, or into words that
//! say what to type instead. [`answers`] and [`cards`] turn what was decided, and the state,
//! into cards. What holds: a click is a command with its arguments filled in, so buttons,
//! menus, forms, mentions and slash commands are read by one grammar.

pub mod alert;
pub mod answers;
pub mod cards;
pub mod click;
pub mod complete;
pub mod forms;
pub mod help;
pub mod incident;
pub mod line;
pub mod parse;
pub mod refusals;
pub mod spec;
