//! Refreshing a page without losing a human word.
//!
//! Generated parts stand between `<!-- muster:begin NAME HASH -->` and
//! `<!-- muster:end NAME -->`, each on a line of its own; the hash tells whether the part
//! is still as Muster wrote it. `<!-- muster:regions … -->` names the parts that the page
//! ever had, so that one that is gone was taken out by a person. What holds: what stands
//! outside of parts stays byte for byte; what a person changed inside one stays too: in its
//! place as long as Muster has nothing new to say there, and then as a quote after it;
//! merging the same again changes nothing.

mod pieces;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pieces::{Piece, Region, split};

/// What stands above the lines that a person had changed in a part.
pub const KEPT: &str = "**Edited by hand, kept:** these lines stood in the part above before it was written again.";

/// A page that was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The page.
    pub text: String,
    /// Where a person and Muster wanted different things.
    pub conflicts: Vec<Conflict>,
}

/// Where a person and Muster wanted different things, by the part's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A person changed the part; it was written again, and their lines were kept after it.
    Edited(String),
    /// A person took the part out; it stays out.
    Deleted(String),
    /// One of its two markers is gone or out of order; all of it was left as it is.
    Broken(String),
    /// The part stands there more than once; only the first is refreshed.
    Twice(String),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Conflict::Edited(name) => {
                write!(f, "the part \"{name}\" had been edited by hand; the edited lines were kept after it")
            }
            Conflict::Deleted(name) => write!(f, "the part \"{name}\" had been taken out by hand; it stays out"),
            Conflict::Broken(name) => write!(f, "a marker of the part \"{name}\" is gone; it was left as it is"),
            Conflict::Twice(name) => write!(f, "the part \"{name}\" stands there twice; only the first was refreshed"),
        }
    }
}

/// Brings the parts of `fresh` into `old`, the page as it stands now; `None` or an empty one
/// where there is no page yet.
#[must_use]
pub fn merge(old: Option<&str>, fresh: &str) -> Merged {
    let fresh = split(fresh);
    let Some(old) = old.filter(|old| !old.trim().is_empty()) else {
        return Merged { text: first(&fresh), conflicts: Vec::new() };
    };
    let old = split(old);
    let order: Vec<&Region> = regions(&fresh).collect();
    let mut known = BTreeMap::new();
    for region in &order {
        known.entry(region.name.as_str()).or_insert(*region);
    }
    let (mut written, mut conflicts) = refresh(&old, &known);
    let ever: BTreeSet<&str> = old.iter().filter_map(Piece::manifest).flatten().map(String::as_str).collect();
    for (number, region) in order.iter().enumerate() {
        if written.iter().any(|piece| piece.name() == Some(&region.name)) {
            continue;
        }
        if ever.contains(region.name.as_str()) {
            conflicts.push(Conflict::Deleted(region.name.clone()));
        } else {
            add(&mut written, region, &order[number + 1..]);
        }
    }
    conclude(&mut written, &ever);
    Merged { text: written.iter().map(Piece::text).collect(), conflicts }
}

/// Writes the parts of `old` that are known anew, and leaves the rest.
fn refresh(old: &[Piece], known: &BTreeMap<&str, &Region>) -> (Vec<Piece>, Vec<Conflict>) {
    let mut written = Vec::with_capacity(old.len() + 4);
    let mut conflicts = Vec::new();
    let mut seen = BTreeSet::new();
    for piece in old {
        match piece {
            Piece::Region(region) => {
                if !seen.insert(region.name.as_str()) {
                    conflicts.push(Conflict::Twice(region.name.clone()));
                    written.push(piece.clone());
                    continue;
                }
                let Some(fresh) = known.get(region.name.as_str()) else {
                    written.push(piece.clone());
                    continue;
                };
                let stamped = Region::stamped(&fresh.name, &fresh.content);
                if region.was_written_as(&stamped) {
                    // Muster has nothing new to say: what people made of it, like a filled-in column, stands.
                    written.push(piece.clone());
                    continue;
                }
                written.push(Piece::Region(stamped));
                if !region.is_as_written() && !region.says_the_same(fresh) {
                    conflicts.push(Conflict::Edited(region.name.clone()));
                    let kept = quote(&region.content, &fresh.content);
                    written.extend((!kept.is_empty()).then_some(Piece::Outside(kept)));
                }
            }
            Piece::Broken(name, _) => {
                if known.contains_key(name.as_str()) && seen.insert(name.as_str()) {
                    conflicts.push(Conflict::Broken(name.clone()));
                }
                written.push(piece.clone());
            }
            Piece::Outside(_) | Piece::Manifest(..) => written.push(piece.clone()),
        }
    }
    (written, conflicts)
}

/// The page as it is written the first time.
fn first(fresh: &[Piece]) -> String {
    let mut written: Vec<Piece> = Vec::with_capacity(fresh.len() + 1);
    for piece in fresh {
        written.push(match piece {
            Piece::Region(region) => Piece::Region(Region::stamped(&region.name, &region.content)),
            Piece::Outside(_) | Piece::Broken(..) | Piece::Manifest(..) => piece.clone(),
        });
    }
    conclude(&mut written, &BTreeSet::new());
    written.iter().map(Piece::text).collect()
}

fn regions(pieces: &[Piece]) -> impl Iterator<Item = &Region> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Region(region) => Some(region),
        Piece::Outside(_) | Piece::Broken(..) | Piece::Manifest(..) => None,
    })
}

/// Adds a part that is new in the template: before the first that follows it there, or at the end.
fn add(written: &mut Vec<Piece>, region: &Region, following: &[&Region]) {
    let stamped = Piece::Region(Region::stamped(&region.name, &region.content));
    let next = written.iter().position(|piece| match piece {
        Piece::Region(there) => following.iter().any(|region| region.name == there.name),
        Piece::Outside(_) | Piece::Broken(..) | Piece::Manifest(..) => false,
    });
    match next {
        Some(place) => {
            written.splice(place..place, [stamped, Piece::Outside("\n".to_owned())]);
        }
        None => {
            end_line(written);
            written.extend([Piece::Outside("\n".to_owned()), stamped]);
        }
    }
}

/// Writes down which parts the page ever had.
fn conclude(written: &mut Vec<Piece>, ever: &BTreeSet<&str>) {
    let mut names: BTreeSet<String> = ever.iter().map(|name| (*name).to_owned()).collect();
    names.extend(regions(written).map(|region| region.name.clone()));
    if names.is_empty() {
        return;
    }
    let place = written.iter().position(|piece| piece.manifest().is_some());
    match place {
        Some(place) => {
            if written[place].manifest().is_some_and(|there| there.iter().ne(&names)) {
                written[place] = Piece::manifest_of(names);
            }
        }
        None => {
            end_line(written);
            written.push(Piece::manifest_of(names));
        }
    }
}

/// Makes sure that what is added next begins a line. The only byte ever added to a person's text.
fn end_line(written: &mut Vec<Piece>) {
    if written.last().is_some_and(|piece| !piece.text().ends_with('\n')) {
        written.push(Piece::Outside("\n".to_owned()));
    }
}

/// The lines of `edited` that `fresh` doesn't have, as a quote; nothing where it has them all.
fn quote(edited: &str, fresh: &str) -> String {
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let there: BTreeSet<String> = fresh.lines().map(squeeze).collect();
    let lost: Vec<&str> =
        edited.lines().filter(|line| !line.trim().is_empty() && !there.contains(&squeeze(line))).collect();
    if lost.is_empty() {
        return String::new();
    }
    let lines: String = lost.iter().map(|line| format!("> {}\n", line.trim_end())).collect();
    format!("\n> {KEPT}\n>\n{lines}")
}
