//! Labels: names and texts, sorted by name.
//!
//! There are many of them, and most alerts share most of theirs, so a set is one piece of
//! memory that is shared when it is cloned, and its strings can be shared between sets
//! ([`Strings`]). What holds: names are sorted and stand once.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::Outside;

/// Texts by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Arc<[(Arc<str>, Outside)]>);

impl Labels {
    /// The text of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Outside> {
        // There are a handful: looking at each is faster than anything else.
        self.0.iter().find(|(known, _)| &**known == name).map(|(_, text)| text)
    }

    /// Names and texts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Outside)> {
        self.0.iter().map(|(name, text)| (&**name, text))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::ops::Index<&str> for Labels {
    type Output = Outside;

    /// # Panics
    /// Where there is none of this name; for tests.
    fn index(&self, name: &str) -> &Outside {
        self.get(name).expect("a label of this name")
    }
}

impl<N: Into<Arc<str>>> FromIterator<(N, Outside)> for Labels {
    /// Of a name that stands twice, the first text is kept.
    fn from_iter<I: IntoIterator<Item = (N, Outside)>>(pairs: I) -> Labels {
        let mut pairs: Vec<(Arc<str>, Outside)> = pairs.into_iter().map(|(name, text)| (name.into(), text)).collect();
        if !pairs.is_sorted_by(|one, other| one.0 < other.0) {
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            pairs.dedup_by(|later, first| later.0 == first.0);
        }
        Labels(pairs.into())
    }
}

impl<N: Into<Arc<str>>, const COUNT: usize> From<[(N, Outside); COUNT]> for Labels {
    fn from(pairs: [(N, Outside); COUNT]) -> Labels {
        pairs.into_iter().collect()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, text)| (&**name, text)))
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Labels, A::Error> {
                let mut pairs: Vec<(Arc<str>, Outside)> = Vec::with_capacity(8);
                while let Some(pair) = entries.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// Strings that are kept once, however often they occur.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    known: HashSet<Arc<str>>,
    /// When there are so many, those that nobody uses any more are dropped.
    look_at: usize,
}

impl Strings {
    /// The one that is kept of strings like this.
    pub fn share(&mut self, string: &Arc<str>) -> Arc<str> {
        if let Some(known) = self.known.get(string) {
            return known.clone();
        }
        if self.known.len() >= self.look_at.max(4096) {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.look_at = self.known.len() * 2;
        }
        self.known.insert(string.clone());
        string.clone()
    }

    /// The same labels, with strings that are kept once.
    pub fn share_all(&mut self, labels: &Labels) -> Labels {
        Labels(labels.0.iter().map(|(name, text)| (self.share(name), text.shared(self))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_stand_once() {
        let labels: Labels = [("b", "1".into()), ("a", "2".into()), ("b", "3".into())].into();
        assert_eq!(
            labels.iter().map(|(name, text)| (name, text.as_str())).collect::<Vec<_>>(),
            [("a", "2"), ("b", "1")]
        );
        let json = serde_json::to_string(&labels).expect("JSON");
        assert_eq!(json, r#"{"a":"2","b":"1"}"#);
        assert_eq!(serde_json::from_str::<Labels>(&json).expect("labels"), labels);
    }

    #[test]
    fn strings_are_shared_and_dropped_when_nobody_uses_them() {
        let mut strings = Strings::default();
        let first = strings.share(&Arc::from("checkout"));
        assert!(Arc::ptr_eq(&first, &strings.share(&Arc::from("checkout"))));
        for number in 0..20_000 {
            strings.share(&Arc::from(number.to_string()));
        }
        assert!(strings.known.len() <= 4097, "{}", strings.known.len());
        assert!(Arc::ptr_eq(&first, &strings.share(&Arc::from("checkout"))));
    }
}
