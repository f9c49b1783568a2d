//! The cards that are kept up to date, and the names that rooms get.
//!
//! A card is a function of the state alone, so it looks the same on both chats and after a
//! restart. What holds: the most important thing stands first; at most eight lines; times
//! that go on ("since") are moments that the platform keeps current, because a card is
//! rendered anew only when something changes.

mod alert;
mod deploy;
mod headline;
mod links;
mod missed;
mod status;
mod storm;

pub use alert::alert;
pub use deploy::deploy;
pub(crate) use deploy::{plan_lines, release, sentence, waiting_for, what};
pub(crate) use headline::roles;
pub use headline::{headline, room_name, topic};
pub use missed::missed;
pub use status::status;
pub use storm::storm;
