//! A token or password that must not be seen.
//!
//! What holds: neither `{:?}` nor `{}` ever shows it; whoever needs it says [`Secret::expose`],
//! which is easy to search for.

use std::fmt;

/// A secret string.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `secret`; blanks around it (a line feed at the end of a file) are taken off.
    #[must_use]
    pub fn new(secret: &str) -> Secret {
        Secret(secret.trim().to_owned())
    }

    /// The secret itself, to be sent to whom it belongs and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Some(Secret::new("hidden\n"))), "Some(***)");
        assert_eq!(Secret::new("hidden\n").expose(), "hidden");
    }
}
