//! The members of an alert group, by fingerprint.
//!
//! A group has one member more often than not, and ten thousand now and then: a sorted
//! list of shared members takes little for the one, and is copied at the cost of a list of
//! addresses for the other. What holds: fingerprints are sorted and stand once; how many
//! fire is counted as they change.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::alert::Member;
use crate::labels::Strings;

/// Members by fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    sorted: Vec<Arc<Member>>,
    firing: usize,
}

impl Members {
    /// The member with a fingerprint.
    #[must_use]
    pub fn get(&self, fingerprint: &str) -> Option<&Member> {
        self.find(fingerprint).ok().map(|at| self.sorted[at].as_ref())
    }

    /// Puts a member in, in the place of the one with its fingerprint.
    pub fn insert(&mut self, member: Member) {
        self.firing += usize::from(member.firing);
        match self.find(&member.alert.fingerprint) {
            Ok(at) => {
                self.firing -= usize::from(self.sorted[at].firing);
                self.sorted[at] = Arc::new(member);
            }
            Err(at) => {
                if self.sorted.is_empty() {
                    // Most groups stay at one.
                    self.sorted.reserve_exact(1);
                }
                self.sorted.insert(at, Arc::new(member));
            }
        }
    }

    /// Changes the member with a fingerprint, if there is one; its fingerprint stays.
    pub fn change(&mut self, fingerprint: &str, how: impl FnOnce(&mut Member)) {
        let Ok(at) = self.find(fingerprint) else { return };
        let member = Arc::make_mut(&mut self.sorted[at]);
        self.firing -= usize::from(member.firing);
        how(member);
        self.firing += usize::from(member.firing);
    }

    /// Has members that came from a snapshot share their strings with others.
    pub(crate) fn share(&mut self, strings: &mut Strings) {
        for member in &mut self.sorted {
            let alert = &mut Arc::make_mut(member).alert;
            alert.labels = strings.share_all(&alert.labels);
            alert.annotations = strings.share_all(&alert.annotations);
            alert.source_url = alert.source_url.take().map(|url| strings.share(&url));
        }
    }

    /// All members, by fingerprint.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Member> {
        self.sorted.iter().map(Arc::as_ref)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many fire.
    #[must_use]
    pub fn firing(&self) -> usize {
        self.firing
    }

    fn find(&self, fingerprint: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|member| (*member.alert.fingerprint).cmp(fingerprint))
    }
}

impl FromIterator<Member> for Members {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Members {
        let mut all = Members::default();
        members.into_iter().for_each(|member| all.insert(member));
        all
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values())
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        Vec::<Member>::deserialize(deserializer).map(|members| members.into_iter().collect())
    }
}
