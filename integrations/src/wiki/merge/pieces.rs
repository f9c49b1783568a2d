//! A page in pieces: generated parts, and everything else.
//!
//! What holds: the pieces put together again are the page, byte for byte.

use sha2::{Digest, Sha256};

/// How many hexadecimal digits of the SHA-256 are written.
const HASH_DIGITS: usize = 12;

/// A piece of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// What people wrote, and what the template has outside of parts.
    Outside(String),
    /// A generated part.
    Region(Region),
    /// A marker without its other half: the part's name, and the line.
    Broken(String, String),
    /// The list of the parts that the page ever had: the names, and the line.
    Manifest(Vec<String>, String),
}

/// A generated part with its markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// Its name: small letters, digits and hyphens.
    pub(super) name: String,
    /// What stands between the markers: whole lines.
    pub(super) content: String,
    /// The hash in the first marker.
    hash: Option<String>,
    begin: String,
    end: String,
}

/// What a line says, if it is a marker.
enum Marker {
    Begin(String, Option<String>),
    End(String),
    Manifest(Vec<String>),
}

impl Piece {
    /// As it stands in the page.
    pub(super) fn text(&self) -> String {
        match self {
            Piece::Outside(text) | Piece::Broken(_, text) | Piece::Manifest(_, text) => text.clone(),
            Piece::Region(region) => [region.begin.as_str(), &region.content, &region.end].concat(),
        }
    }

    /// The part that it is, or was.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Piece::Region(region) => Some(&region.name),
            Piece::Broken(name, _) => Some(name),
            Piece::Outside(_) | Piece::Manifest(..) => None,
        }
    }

    /// The names in a manifest.
    pub(super) fn manifest(&self) -> Option<&Vec<String>> {
        match self {
            Piece::Manifest(names, _) => Some(names),
            Piece::Outside(_) | Piece::Region(_) | Piece::Broken(..) => None,
        }
    }

    /// A manifest of these names.
    pub(super) fn manifest_of(names: impl IntoIterator<Item = String>) -> Piece {
        let names: Vec<String> = names.into_iter().collect();
        let line = format!("<!-- muster:regions {} -->\n", names.join(" "));
        Piece::Manifest(names, line)
    }
}

impl Region {
    /// A part as Muster writes it, with the hash of what it holds.
    pub(super) fn stamped(name: &str, content: &str) -> Region {
        // A comment inside could be taken for a marker when the page is read again.
        let mut content = content.replace("<!--", "&lt;!--");
        if !content.is_empty() && !content.ends_with('\n') {
            content.push('\n');
        }
        let hash = hash(&content);
        Region {
            name: name.to_owned(),
            begin: format!("<!-- muster:begin {name} {hash} -->\n"),
            end: format!("<!-- muster:end {name} -->\n"),
            content,
            hash: Some(hash),
        }
    }

    /// Whether nobody changed it since Muster wrote it. Spaces at line ends and line endings don't count.
    pub(super) fn is_as_written(&self) -> bool {
        self.hash.as_deref() == Some(hash(&self.content).as_str())
    }

    /// Whether Muster last wrote just what `fresh`, which is stamped, holds.
    pub(super) fn was_written_as(&self, fresh: &Region) -> bool {
        self.hash.is_some() && self.hash == fresh.hash
    }

    /// Whether it says what `other` says.
    pub(super) fn says_the_same(&self, other: &Region) -> bool {
        hash(&self.content) == hash(&other.content.replace("<!--", "&lt;!--"))
    }
}

/// Takes a page apart.
pub(super) fn split(text: &str) -> Vec<Piece> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let markers: Vec<Option<Marker>> = lines.iter().map(|line| marker(line)).collect();
    let mut pieces = Vec::new();
    let mut outside = String::new();
    let mut at = 0;
    while at < lines.len() {
        let mut next = at + 1;
        let piece = match &markers[at] {
            None => {
                outside.push_str(lines[at]);
                at = next;
                continue;
            }
            Some(Marker::Manifest(names)) => Piece::Manifest(names.clone(), lines[at].to_owned()),
            Some(Marker::End(name)) => Piece::Broken(name.clone(), lines[at].to_owned()),
            Some(Marker::Begin(name, hash)) => {
                // The next marker must be the end of this part; anything else means that a person moved one.
                let end = (next..lines.len()).find(|line| markers[*line].is_some());
                match end.map(|end| (end, &markers[end])) {
                    Some((end, Some(Marker::End(other)))) if other == name => {
                        next = end + 1;
                        Piece::Region(Region {
                            name: name.clone(),
                            content: lines[at + 1..end].concat(),
                            hash: hash.clone(),
                            begin: lines[at].to_owned(),
                            end: lines[end].to_owned(),
                        })
                    }
                    _ => Piece::Broken(name.clone(), lines[at].to_owned()),
                }
            }
        };
        if !outside.is_empty() {
            pieces.push(Piece::Outside(std::mem::take(&mut outside)));
        }
        pieces.push(piece);
        at = next;
    }
    if !outside.is_empty() {
        pieces.push(Piece::Outside(outside));
    }
    pieces
}

fn marker(line: &str) -> Option<Marker> {
    let inner = line.trim().strip_prefix("<!-- muster:")?.strip_suffix("-->")?;
    let words: Vec<&str> = inner.split_whitespace().collect();
    let is_name = |word: &&str| word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !words.iter().all(is_name) {
        return None;
    }
    match words.as_slice() {
        ["begin", name] => Some(Marker::Begin((*name).to_owned(), None)),
        ["begin", name, hash] => Some(Marker::Begin((*name).to_owned(), Some((*hash).to_owned()))),
        ["end", name] => Some(Marker::End((*name).to_owned())),
        ["regions", names @ ..] => Some(Marker::Manifest(names.iter().map(|&name| name.to_owned()).collect())),
        _ => None,
    }
}

fn hash(content: &str) -> String {
    let lines: Vec<&str> = content.lines().map(str::trim_end).collect();
    let digest = Sha256::digest(lines.join("\n").trim_end().as_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..HASH_DIGITS].to_owned()
}
