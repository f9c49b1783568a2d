//! What is wrong with the configuration: file, line, key, what, and what to do.
//!
//! What holds: a value that stands in a file is never repeated, because it may be a secret
//! that was put into the wrong place.

use std::fmt;

/// One thing that is wrong, or odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// The line, from 1; 0 where it is about the whole file.
    pub line: usize,
    /// The column in characters, from 1; 0 where it is about the whole file.
    pub column: usize,
    /// The key, such as `slack.bot_token`; empty where it is about none.
    pub key: String,
    /// What is wrong, and what to do.
    pub what: String,
    /// Whether it only looks odd: Muster starts all the same.
    pub is_warning: bool,
}

impl Problem {
    /// Something about a whole file.
    #[must_use]
    pub fn of_file(file: &str, what: impl Into<String>) -> Problem {
        Problem { file: file.to_owned(), line: 0, column: 0, key: String::new(), what: what.into(), is_warning: false }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            // A key can hold anything in quotes, even what would steer a terminal.
            write!(f, " {}", self.key.escape_debug())?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Everything that is wrong: the files in the order of their names, each from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| writeln!(f, "{problem}"))?;
        match self.0.len() {
            1 => f.write_str("1 problem in the configuration. Muster does not start until it is mended."),
            count => write!(f, "{count} problems in the configuration. Muster does not start until they are mended."),
        }
    }
}

impl std::error::Error for Problems {}
