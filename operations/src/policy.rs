//! Who may do what: the question, the answer, and who gives it.
//!
//! Asked before everything that somebody does, anew each time, about the very thing that it
//! would be done to: a right that the rules don't give any more is gone with the next click,
//! also on an old card. What holds: nobody is known by a name or a channel, only by
//! an account or the person whose account it is; where no answer can be had, it is no.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;

use crate::accounts::Accounts;
use crate::chat::Actor;
use crate::deploy::Target;
use crate::ids::{ChannelId, GroupId, IncidentId, Platform, UserRef};
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::state::State;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Look at something.
    View,
    /// Take care of an alert, or not any more.
    Acknowledge,
    /// Declare an incident.
    Declare,
    /// Work an incident: roles, severity, notes, updates, its end.
    Work,
    /// Bring a release to an environment.
    Deploy,
    /// Go back to an earlier one.
    Rollback,
    /// Bring on what runs in another environment.
    Promote,
    /// Approve somebody else's deploy, or deny it.
    Approve,
    /// Stop a deploy, or say how one is that nobody knows of.
    Steer,
    /// Keep an environment for oneself.
    Lock,
    /// Take a lock away.
    Unlock,
    /// Hold deploys back.
    Freeze,
    /// Let them go on.
    Unfreeze,
}

impl Verb {
    /// All of them.
    pub const ALL: [Verb; 13] = [
        Verb::View,
        Verb::Acknowledge,
        Verb::Declare,
        Verb::Work,
        Verb::Deploy,
        Verb::Rollback,
        Verb::Promote,
        Verb::Approve,
        Verb::Steer,
        Verb::Lock,
        Verb::Unlock,
        Verb::Freeze,
        Verb::Unfreeze,
    ];

    /// Its name in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verb::View => "view",
            Verb::Acknowledge => "acknowledge",
            Verb::Declare => "declare",
            Verb::Work => "work",
            Verb::Deploy => "deploy",
            Verb::Rollback => "rollback",
            Verb::Promote => "promote",
            Verb::Approve => "approve",
            Verb::Steer => "steer",
            Verb::Lock => "lock",
            Verb::Unlock => "unlock",
            Verb::Freeze => "freeze",
            Verb::Unfreeze => "unfreeze",
        }
    }

    /// Whether it changes what runs, so that rules may speak of the change itself.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Verb::Deploy | Verb::Rollback | Verb::Promote)
    }

    /// Whether it can be about that at all.
    #[must_use]
    pub fn fits(self, on: &On) -> bool {
        match self {
            Verb::View => true,
            Verb::Acknowledge | Verb::Declare => matches!(on, On::Workspace | On::Service(_)),
            Verb::Work => matches!(on, On::Workspace | On::Incident(..)),
            Verb::Deploy | Verb::Rollback | Verb::Promote | Verb::Approve | Verb::Steer | Verb::Lock | Verb::Unlock => {
                matches!(on, On::Environment(_))
            }
            Verb::Freeze | Verb::Unfreeze => !matches!(on, On::Incident(..)),
        }
    }
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// Nothing in particular.
    Workspace,
    /// A service, by its name.
    Service(String),
    /// An incident, and the services that it is about.
    Incident(IncidentId, Vec<String>),
    /// A service in one of its environments.
    Environment(Target),
}

/// A change of what runs, as far as rules speak of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Deploys are held back there.
    pub frozen: bool,
    /// It is to go through a freeze.
    pub break_glass: bool,
    /// It was said why.
    pub has_reason: bool,
    /// Open incidents of the service.
    pub incidents: u32,
    /// Alerts of the service that fire there.
    pub alerts: u32,
    /// How many commits it brings; none where that isn't known.
    pub commits: Option<u32>,
    /// What the reference is: a [`crate::pipeline::RefKind`]'s name.
    pub reference: &'static str,
    /// How the commit's checks stand: `passed`, `pending`, `failed`, `none`, `unknown`.
    pub checks: &'static str,
    /// It does well, or did, in the environment that comes before; also where none does.
    pub tested: bool,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Who has approved it, each person once, the requester never.
    pub approvals: Vec<UserRef>,
}

/// May this person do that there?
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// What.
    pub verb: Verb,
    /// Who.
    pub by: &'a Actor,
    /// About what.
    pub on: &'a On,
    /// In which channel; none from the command line.
    pub channel: Option<&'a ChannelId>,
    /// When.
    pub now: Timestamp,
    /// The change, for [`Verb::is_change`], once there is a plan. Before that only what allows is asked.
    pub change: Option<&'a Change>,
    /// Who is a guest on a chat, and who was deactivated there.
    pub accounts: &'a Accounts,
}

/// A rule that decided, in its author's words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// What it says: one sentence.
    pub reason: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Yes, by these rules.
    Allowed(Vec<Rule>),
    /// Yes, once others have approved it.
    Approval {
        /// How many more.
        needs: u32,
        /// The rules that want it.
        rules: Vec<Rule>,
        /// Whom the rules let approve: `role:approver`, `owner`.
        who: Vec<String>,
    },
    /// No.
    Refused {
        /// The rules that forbid it; none where none allows it.
        rules: Vec<Rule>,
        /// Whom the rules that allow it are for: `role:responder`, `owner`.
        who: Vec<String>,
    },
}

impl Ruling {
    /// Whether it is yes.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Ruling::Allowed(_))
    }
}

/// Answers questions. It changes nothing and asks nobody else: the same question and settings give the same answer.
pub trait Gate: Debug + Send + Sync {
    /// Answers a question.
    fn rule(&self, settings: &Settings, question: &Question<'_>) -> Ruling;

    /// Which rules these are: the same where they are the same.
    fn version(&self) -> &str;

    /// How many rules there are.
    fn count(&self) -> usize;
}

/// The gate that is asked.
#[derive(Clone, Debug)]
pub struct Keeper(Arc<dyn Gate>);

impl Keeper {
    /// One with these rules.
    #[must_use]
    pub fn new(gate: Arc<dyn Gate>) -> Keeper {
        Keeper(gate)
    }
}

impl std::ops::Deref for Keeper {
    type Target = dyn Gate;

    fn deref(&self) -> &(dyn Gate + 'static) {
        &*self.0
    }
}

impl Default for Keeper {
    /// Everybody may do what can be taken back, which is all that there is without rules.
    fn default() -> Keeper {
        Keeper(Arc::new(Everybody))
    }
}

impl PartialEq for Keeper {
    fn eq(&self, other: &Keeper) -> bool {
        self.version() == other.version()
    }
}

impl Eq for Keeper {}

/// For a core without rules around it.
#[derive(Debug)]
struct Everybody;

impl Gate for Everybody {
    fn rule(&self, _: &Settings, question: &Question<'_>) -> Ruling {
        match question.verb {
            Verb::View | Verb::Acknowledge | Verb::Declare | Verb::Work => Ruling::Allowed(Vec::new()),
            Verb::Deploy
            | Verb::Rollback
            | Verb::Promote
            | Verb::Approve
            | Verb::Steer
            | Verb::Lock
            | Verb::Unlock
            | Verb::Freeze
            | Verb::Unfreeze => Ruling::Refused { rules: Vec::new(), who: Vec::new() },
        }
    }

    fn version(&self) -> &str {
        ""
    }

    fn count(&self) -> usize {
        0
    }
}

/// Somebody who asks for something, and where.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// What is known, and the rules.
    pub state: &'a State,
    /// Who.
    pub by: &'a Actor,
    /// In which channel; none from the command line.
    pub channel: Option<&'a ChannelId>,
    /// When.
    pub now: Timestamp,
}

impl Asking<'_> {
    /// Asks the rules.
    ///
    /// # Errors
    /// They don't allow it.
    pub fn may(&self, verb: Verb, on: &On) -> Result<(), Refusal> {
        match self.ruling(verb, on, None) {
            // Before there is a plan nobody can have approved it.
            Ruling::Allowed(_) | Ruling::Approval { .. } => Ok(()),
            Ruling::Refused { rules, who } => Err(Refusal::NotAllowed { verb, on: on.clone(), rules, who }),
        }
    }

    /// What the rules say.
    #[must_use]
    pub fn ruling(&self, verb: Verb, on: &On, change: Option<&Change>) -> Ruling {
        let Asking { state, by, channel, now } = *self;
        state
            .settings
            .gate
            .rule(&state.settings, &Question { verb, by, on, channel, now, change, accounts: &state.accounts })
    }

    /// Those of these incidents that somebody may look at, up to `most`.
    #[must_use]
    pub fn seen_incidents(&self, all: impl Iterator<Item = IncidentId>, most: usize) -> Vec<IncidentId> {
        let mut seen = Seen::default();
        all.filter(|id| seen.is(self, on_incident(self.state, *id))).take(most).collect()
    }

    /// Those of these alert groups that somebody may look at, up to `most`.
    #[must_use]
    pub fn seen_alerts(&self, all: impl Iterator<Item = GroupId>, most: usize) -> Vec<GroupId> {
        let mut seen = Seen::default();
        all.filter(|id| seen.is(self, on_alert(self.state, *id))).take(most).collect()
    }
}

/// What may be looked at, by the services that it is about: rules know nothing else of it.
#[derive(Default)]
struct Seen(BTreeMap<Vec<String>, bool>);

impl Seen {
    fn is(&mut self, asking: &Asking<'_>, on: On) -> bool {
        let services = match &on {
            On::Workspace => Vec::new(),
            // A kind of its own: rules may speak of services and incidents apart.
            On::Service(service) => vec![service.clone(), String::new()],
            On::Incident(_, services) => services.clone(),
            On::Environment(target) => vec![target.service.clone(), String::new(), target.environment.clone()],
        };
        *self.0.entry(services).or_insert_with(|| asking.may(Verb::View, &on).is_ok())
    }
}

/// What an alert group is in policies: the service that it is about.
#[must_use]
pub fn on_alert(state: &State, group: GroupId) -> On {
    let service = state.groups.get(&group).and_then(|group| group.service.as_ref());
    service.map_or(On::Workspace, |service| On::Service(service.as_str().to_owned()))
}

/// What an incident is in policies: the services of its alerts.
#[must_use]
pub fn on_incident(state: &State, id: IncidentId) -> On {
    let groups = state.incidents.get(&id).map(|it| it.groups.iter()).into_iter().flatten();
    let of = |group: &GroupId| state.groups.get(group)?.service.as_ref().map(|service| service.as_str().to_owned());
    let services: BTreeSet<String> = groups.filter_map(of).collect();
    On::Incident(id, services.into_iter().collect())
}

impl Question<'_> {
    /// On which chat.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.by.user.platform
    }
}
