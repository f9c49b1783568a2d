//! Refreshing a page: whatever people made of it, their lines stay, in order, and nothing happens twice.
//!
//! Which lines are people's is found here by a reader of its own.

use integrations::wiki::merge::merge;
use sha2::{Digest, Sha256};

use super::bytes::Bytes;

const FRESH: &str = "# Page\n\n<!-- muster:begin head -->\nfirst\n<!-- muster:end head -->\n\n## Summary\n\nWrite here.\n\n\
    <!-- muster:begin tail -->\n| a | b |\n| - | - |\n| 1 | 2 |\n<!-- muster:end tail -->\n";

/// Either the page as it stands and the one that is generated; or edits of a page that Muster wrote.
pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    if script.flag() {
        let (old, fresh) = (script.text(), script.text());
        refreshed(&old, &fresh);
        refreshed(&merge(None, &fresh).text, &fresh);
    } else {
        let mut page = merge(None, FRESH).text;
        for turn in 0..4 {
            edit(&mut page, &mut script);
            let new = FRESH.replace("first", &format!("written {turn}")).replace("| 2 |", &script.text());
            page = refreshed(&page, &new);
        }
    }
}

/// A line in, out, doubled, moved or changed.
fn edit(page: &mut String, script: &mut Bytes<'_>) {
    let mut lines: Vec<String> = page.split_inclusive('\n').map(str::to_owned).collect();
    for _ in 0..script.below(4) {
        let (at, from) = (script.below(lines.len().max(1)), script.below(lines.len().max(1)));
        match script.below(5) {
            0 => lines.insert(at.min(lines.len()), script.text() + script.pick(&["\n", "\r\n", ""])),
            1 if at < lines.len() => drop(lines.remove(at)),
            2 if from < lines.len() => lines.insert(at, lines[from].clone()),
            3 if from < lines.len() && at < lines.len() => lines.swap(at, from),
            4 if at < lines.len() => lines[at] = format!("{}{}\n", lines[at].trim_end(), script.text()),
            _ => {}
        }
    }
    *page = lines.concat();
}

/// Merges, and looks for every line of a person.
fn refreshed(old: &str, fresh: &str) -> String {
    let merged = merge(Some(old), fresh);
    let again = merge(Some(&merged.text), fresh);
    assert_eq!(again.text, merged.text, "merging the same again changes nothing: {old:?} and {fresh:?}");
    if old.trim().is_empty() {
        return merged.text;
    }
    let theirs = theirs(old);
    let mut rest = merged.text.lines();
    for line in &theirs.outside {
        assert!(rest.any(|there| there == *line), "{line:?} of {old:?} is lost or moved in {:?}", merged.text);
    }
    let there: Vec<String> = merged.text.lines().map(squeezed).collect();
    for line in &theirs.inside {
        let squeezed = squeezed(line);
        let is_there = squeezed.is_empty() || there.contains(&squeezed);
        assert!(is_there, "{line:?} of {old:?} is lost in {:?}", merged.text);
    }
    merged.text
}

/// The lines of a page that people wrote.
struct Theirs<'a> {
    /// Outside of generated parts.
    outside: Vec<&'a str>,
    /// Within those that are not as Muster wrote them.
    inside: Vec<&'a str>,
}

fn theirs(page: &str) -> Theirs<'_> {
    let mut theirs = Theirs { outside: Vec::new(), inside: Vec::new() };
    let lines: Vec<&str> = page.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let words = marker(lines[at]);
        let end = (at + 1..lines.len()).find(|line| marker(lines[*line]).is_some());
        match (words.as_deref(), end) {
            (Some([begin, name, hash @ ..]), Some(end))
                if begin == "begin" && hash.len() < 2 && marker(lines[end]).is_some_and(|it| it == ["end", name]) =>
            {
                let content = &lines[at + 1..end];
                if hash.first() != Some(&digest(content)) {
                    theirs.inside.extend(content);
                }
                at = end;
            }
            (Some([regions, ..]), _) if regions == "regions" => {}
            _ => theirs.outside.push(lines[at]),
        }
        at += 1;
    }
    theirs
}

/// The words of a line that Muster reads.
fn marker(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix("<!-- muster:")?.strip_suffix("-->")?;
    let words: Vec<String> = inner.split_whitespace().map(str::to_owned).collect();
    let small = |word: &String| word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let known = match (words.first().map(String::as_str), words.len()) {
        (Some("begin"), 2 | 3) | (Some("end"), 2) | (Some("regions"), _) => true,
        (Some(_) | None, _) => false,
    };
    (known && words.iter().all(small)).then_some(words)
}

/// The hash that stands in a marker.
fn digest(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    let digits: String = Sha256::digest(lines.join("\n").trim_end()).iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..12].to_owned()
}

/// A line without what the merge may change: blanks, marks of quotation before it, and what could be a marker.
fn squeezed(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ").replace("<!--", "&lt;!--");
    line.trim_start_matches(['>', ' ']).to_owned()
}
