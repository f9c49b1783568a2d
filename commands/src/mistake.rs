//! What was wrong with what was typed, and what to type instead.

use operations::card::Card;
use operations::text::Text;

use crate::names::echo;

/// How alike two words must be for one to be taken for the other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;

/// Why a line can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} Try {instead}", what.words())]
pub struct Mistake {
    /// What was wrong, in a sentence or two.
    pub what: Text,
    /// A line that works. Muster's own words only.
    pub instead: String,
}

impl Mistake {
    /// What was wrong, and a line that works.
    #[must_use]
    pub fn new(what: Text, instead: impl Into<String>) -> Mistake {
        Mistake { what, instead: instead.into() }
    }

    /// A word that isn't known, and the one that may have been meant. `before` is what stands before it: `/alert `.
    #[must_use]
    pub fn unknown(before: &str, word: &str, known: &[&'static str], otherwise: &str) -> Mistake {
        let what = Text::new().plain(format!("There is no {before}")).outside(&echo(word)).plain(".");
        match nearest(word, known) {
            Some(near) => Mistake::new(what.plain(" Did you mean ").code(near).plain("?"), format!("{before}{near}")),
            None => Mistake::new(what, otherwise),
        }
    }

    /// Something typed that is not of the kind that stands there.
    #[must_use]
    pub fn odd(said: &str, why: &str, instead: impl Into<String>) -> Mistake {
        Mistake::new(Text::new().plain("“").outside(&echo(said)).plain(format!("” {why}")), instead)
    }

    /// The words, for the one who typed.
    #[must_use]
    pub fn card(&self) -> Card {
        Card::line(self.what.clone().plain(" Try ").code(self.instead.clone()))
    }
}

/// The known word that is nearest to what was typed, if one is near at all.
#[must_use]
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // A word of 40 characters is none of ours, and comparing a longer one only costs time.
    let word: String = word.to_lowercase().chars().take(40).collect();
    // In a short word two letters that changed places count for too much: those are looked at by themselves.
    let slipped = |known: &str| word.chars().count() > 2 && strsim::osa_distance(&word, known) <= 1;
    let near = known.iter().map(|known| (strsim::jaro_winkler(&word, known), *known));
    let near = near.filter(|(alike, known)| *alike > ALIKE || slipped(known));
    near.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["declare", "resolve", "timeline", "note", "ack"];
        for (typed, near) in [
            ("declair", Some("declare")),
            ("resovle", Some("resolve")),
            ("TIMLINE", Some("timeline")),
            ("akc", Some("ack")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, &known), near, "{typed}");
        }
    }
}
