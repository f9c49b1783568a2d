//! Who may do what, as rules that a team writes in Cedar (<https://www.cedarpolicy.com>).
//!
//! [`Policies::read`] takes the files and gives back rules that were checked against the
//! schema, or everything that is wrong with them, each with its place. [`Policies`] answers
//! the questions of [`operations::policy`]. What holds: what no rule allows is refused; a
//! rule that forbids stands above every rule that allows; a rule that can't be evaluated
//! refuses; each rule has a name, and a sentence that people are told.

mod answer;
mod approvals;
mod entities;
mod files;
mod lint;
mod names;
mod reads;
pub mod tables;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use cedar_policy::{Authorizer, Effect, Entities, Policy, PolicyId, PolicySet, Schema};
use operations::policy::{Rule, Verb};
use sha2::{Digest, Sha256};

pub use operations::problem::Problem;

pub use self::files::File;
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
    /// What each rule says of itself: Cedar parses the annotation's name whenever it is asked for one.
    says: HashMap<PolicyId, Says>,
    /// Those that are about a verb: Cedar itself looks at each one for every question.
    about: BTreeMap<Verb, About>,
    authorizer: Authorizer,
    version: String,
    count: usize,
    /// What the rules name, and where.
    named: Vec<names::Named>,
    /// The people whom a rule names, by their keys.
    people: BTreeSet<String>,
}

/// What a rule says of itself.
pub(crate) struct Says {
    /// What people are told.
    pub(crate) rule: Rule,
    /// For whom it is, where it says so.
    pub(crate) who: Option<Vec<String>>,
    /// What it looks at in those who have approved, where it yields to approvals.
    pub(crate) yields: Option<reads::Reads>,
}

impl Says {
    fn new(rule: &Policy) -> Says {
        let says = |key: &str| rule.annotation(key).map(str::to_owned);
        let (reason, fix) = (says("reason").unwrap_or_default(), says("fix"));
        Says {
            rule: Rule { id: rule.id().to_string(), reason, fix },
            who: rule.annotation("who").map(|who| who.split_whitespace().map(str::to_owned).collect()),
            yields: answer::yields(rule).then(|| reads::Reads::of(rule)),
        }
    }
}

/// The rules about one verb.
#[derive(Default)]
pub(crate) struct About {
    /// All of them.
    pub(crate) all: PolicySet,
    /// Those that allow it.
    pub(crate) permits: PolicySet,
    /// Those that forbid it until others have approved.
    pub(crate) yielding: PolicySet,
    /// Those that don't look at the change, which is known only once there is a plan.
    pub(crate) before: PolicySet,
}

impl About {
    fn new(verb: Verb, all: &PolicySet, actions: &Entities) -> About {
        let about: Vec<Policy> = all.policies().filter(|rule| answer::is_about(rule, verb, actions)).cloned().collect();
        let permits = about.iter().filter(|rule| rule.effect() == Effect::Permit).cloned();
        let yielding = about.iter().filter(|rule| answer::yields(rule)).cloned();
        let before = about.iter().filter(|rule| !reads::looks_at_change(rule)).cloned();
        // They were in a set under these names before. None at all would allow nothing.
        About {
            permits: PolicySet::from_policies(permits).unwrap_or_default(),
            yielding: PolicySet::from_policies(yielding).unwrap_or_default(),
            before: PolicySet::from_policies(before).unwrap_or_default(),
            all: PolicySet::from_policies(about).unwrap_or_default(),
        }
    }
}

impl Policies {
    /// Reads rules and checks them; the shipped ones where there is no file.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the files.
    pub fn read(files: &[File]) -> Result<Policies, Vec<Problem>> {
        let shipped = [File { name: DEFAULT_NAME.to_owned(), text: DEFAULT.to_owned(), team: None }];
        let own = !files.is_empty();
        let files = if own { files } else { &shipped };
        let schema = files::schema();
        let (all, named) = files::read(files, &schema)?;
        let people = named.iter().filter_map(names::Named::person).map(str::to_owned).collect();
        // The shipped rules name roles that a team may have or not.
        let named = if own { named } else { Vec::new() };
        let actions = schema.action_entities().unwrap_or_else(|error| panic!("the shipped schema holds: {error}"));
        let about = Verb::ALL.into_iter().map(|verb| (verb, About::new(verb, &all, &actions))).collect();
        let mut digest = Sha256::new();
        for file in files {
            for part in [file.team.as_deref().unwrap_or_default(), &file.text] {
                digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                digest.update(part);
            }
        }
        let version = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let count = all.policies().count();
        let says = all.policies().map(|rule| (rule.id().clone(), Says::new(rule))).collect();
        Ok(Policies { schema, says, about, authorizer: Authorizer::new(), version, count, named, people })
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
