//! What is wrong with the configuration: file, line, key, what, and what to do.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// The line, from 1; 0 where it is about the whole file.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The key, such as `slack.bot_token`; empty where it is about none.
    pub key: String,
    /// What is wrong, and what to do.
    pub what: String,
    /// Whether it only looks odd.
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
            write!(f, " {}", self.key)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Everything that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| writeln!(f, "{problem}"))?;
        let count = self.0.len();
        write!(f, "{count} {} in the configuration. Muster does not start until {} mended.", if count == 1 { "problem" } else { "problems" }, if count == 1 { "it is" } else { "they are" })
    }
}

impl std::error::Error for Problems {}
