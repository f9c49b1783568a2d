//! Bytes as a script: small numbers, choices and texts, taken one after another.
//!
//! What holds: any bytes are a script; past the end everything is 0 and empty, so a script
//! always comes to its end. A text ends at the byte 0xFF, which no UTF-8 has, so that a
//! text in a corpus can be read, and changed, where it stands.

/// What is left of a script.
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(data: &'a [u8]) -> Bytes<'a> {
        Bytes(data)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `most`.
    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::from(self.byte()) % most
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number of two bytes.
    pub(super) fn number(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// The bytes up to the next 0xFF.
    pub(super) fn part(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0xff);
        let (part, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        part
    }

    /// The text up to the next 0xFF.
    pub(super) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.part()).into_owned()
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

/// A text that looks like nothing, of the same shape: where there was a blank or a line's end there is one still,
/// and every character is as long in UTF-16 as it was.
pub(super) fn twin(text: &str) -> String {
    let alike = |c: char| match c {
        c if c.is_whitespace() => c,
        c if c.len_utf16() == 2 => '𝓍',
        _ => 'x',
    };
    text.chars().map(alike).collect()
}

/// Whether nothing in it is hidden from people: no control but line feeds and tabs, nothing that has no width or
/// reorders what stands around it.
pub(super) fn is_visible(text: &str) -> bool {
    text.chars().all(|c| match c {
        '\n' | '\t' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => false,
        '\u{2028}' | '\u{2029}' | '\u{2060}' | '\u{ad}' | '\u{e0001}'..='\u{e007f}' => false,
        _ => !c.is_control(),
    })
}
