//! What is wrong in a text that operators write, with its place.

/// Something that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column} {what}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct Problem {
    /// In which file.
    pub file: String,
    /// In which line, from 1.
    pub line: usize,
    /// In which column, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What may have been meant.
    pub hint: Option<String>,
}
