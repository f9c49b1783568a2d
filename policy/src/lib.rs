//! Who may do what, as rules that a team writes in Cedar (<https://www.cedarpolicy.com>).
//!
//! [`Policies::read`] takes the files and gives back rules that were checked against the
//! schema, or everything that is wrong with them, each with its place. [`Policies`] answers
//! the questions of [`operations::policy`]. What holds: what no rule allows is refused; a
//! rule that forbids stands above every rule that allows; a rule that can't be evaluated
//! refuses; each rule has a name, and a sentence that people are told.

mod answer;
mod entities;
mod files;
mod lint;
mod names;
pub mod tables;

use std::fmt;

use cedar_policy::{Authorizer, PolicySet, Schema};
use sha2::{Digest, Sha256};

pub use self::files::{File, Problem};
pub use self::names::Known;

/// What rules can speak of.
pub const SCHEMA: &str = include_str!("schema.cedarschema");

/// The rules where a team has written none.
pub const DEFAULT: &str = include_str!("default.cedar");

/// The name that problems of the shipped rules are told under.
pub const DEFAULT_NAME: &str = "default.cedar";

/// Rules that were checked.
pub struct Policies {
    schema: Schema,
    /// All of them.
    all: PolicySet,
    /// Those that allow something, by themselves.
    permits: PolicySet,
    authorizer: Authorizer,
    version: String,
    count: usize,
    /// What the rules name, and where.
    named: Vec<names::Named>,
}

impl Policies {
    /// Reads rules and checks them; the shipped ones where there is no file.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the files.
    pub fn read(files: &[File]) -> Result<Policies, Vec<Problem>> {
        let shipped = [File { name: DEFAULT_NAME.to_owned(), text: DEFAULT.to_owned(), team: None }];
        let files = if files.is_empty() { &shipped } else { files };
        let schema = files::schema();
        let (all, named) = files::read(files, &schema)?;
        let allows = all.policies().filter(|policy| policy.effect() == cedar_policy::Effect::Permit);
        // They were in a set under these names before.
        let permits = PolicySet::from_policies(allows.cloned()).unwrap_or_default();
        let mut digest = Sha256::new();
        for file in files {
            for part in [file.team.as_deref().unwrap_or_default(), &file.text] {
                digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                digest.update(part);
            }
        }
        let version = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let count = all.policies().count();
        Ok(Policies { schema, all, permits, authorizer: Authorizer::new(), version, count, named })
    }

    /// What the rules name and there is not: a rule about a team with a slip of the pen in its name would never hold.
    #[must_use]
    pub fn unknown(&self, known: &Known) -> Vec<Problem> {
        self.named.iter().filter_map(|named| named.problem(known)).collect()
    }

    /// The shipped rules.
    #[must_use]
    pub fn shipped() -> Policies {
        Policies::read(&[]).unwrap_or_else(|problems| panic!("the shipped rules hold: {problems:?}"))
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policies({}, {} rules)", self.version, self.count)
    }
}
