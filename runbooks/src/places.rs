//! Where something stands in a page, and what is wrong there.

use operations::problem::Problem;

use crate::inputs::is_bidi;

/// A place in a page, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    /// In characters.
    pub(crate) column: usize,
}

impl Place {
    /// The beginning.
    pub(crate) const START: Place = Place { line: 1, column: 1 };

    /// Where a byte of a text stands.
    pub(crate) fn of(text: &str, byte: usize) -> Place {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place { line, column }
    }
}

/// What comes up while a page is read. All of it is told, so that it can be mended at once.
pub(crate) struct Findings<'f> {
    pub(crate) file: &'f str,
    pub(crate) problems: Vec<Problem>,
}

impl<'f> Findings<'f> {
    pub(crate) fn new(file: &'f str) -> Findings<'f> {
        Findings { file, problems: Vec::new() }
    }

    pub(crate) fn tell(&mut self, at: Place, what: impl Into<String>, hint: Option<String>) {
        let (what, hint) = (visible(&what.into()), hint.map(|hint| visible(&hint)));
        let (file, line, column) = (self.file.to_owned(), at.line, at.column);
        self.problems.push(Problem { file, line, column, what, hint });
    }
}

/// What a page says comes back in what is told of it, and must not steer a terminal.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        let has_no_width = matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
        c.is_control() || is_bidi(c) || has_no_width || matches!(c, '\u{2028}' | '\u{2029}' | '\u{e0001}'..='\u{e007f}')
    };
    let shown = |c: char| if is_hidden(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// “did you mean …?” where something known is near.
pub(crate) fn near<'a>(said: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let found = known.into_iter().map(|it| (strsim::damerau_levenshtein(said, it), it)).min()?;
    let (distance, word) = found;
    let most = match said.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    };
    (distance <= most).then(|| format!("did you mean {word}?"))
}
