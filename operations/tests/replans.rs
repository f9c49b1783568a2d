//! Deploys whose plan changes while they wait, those of which nobody knows how they stand, and what is said in the thread
//! of one, in the core alone.

use std::sync::Arc;

use jiff::Timestamp;
use operations::alert::{Alert, Received, Told};
use operations::chat::Actor;
use operations::command::Command;
use operations::decide::decide;
use operations::deploy::command::{DeployAsk, DeployCommand, Request};
use operations::deploy::effect::{DeployEffect, DeployOutcome};
use operations::deploy::{Deploy, How, Kind, Looked, Stage, Target};
use operations::effect::{Effect, Outcome, Place};
use operations::ids::{ChannelId, DeployId, Platform, UserRef};
use operations::input::Input;
use operations::journal::Record;
use operations::labels::Labels;
use operations::locks::Scope;
use operations::pipeline::{
    Capabilities, Changes, Checks, Commit, Idempotency, Progress, RefKind, Resolved, Rollback, Run, RunState,
};
use operations::policy::{Gate, Keeper, Question, Ruling};
use operations::react::react;
use operations::refusal::Refusal;
use operations::settings::{Environment, Seat, Service, Settings};
use operations::state::State;

/// Everybody may do everything, once so many others have approved it.
#[derive(Debug)]
struct Needs(u32);

impl Gate for Needs {
    fn rule(&self, _: &Settings, question: &Question<'_>) -> Ruling {
        let have = question.change.map_or(u32::MAX, |change| u32::try_from(change.approvals.len()).unwrap_or(u32::MAX));
        match self.0.saturating_sub(have) {
            0 => Ruling::Allowed(Vec::new()),
            needs => Ruling::Approval { needs, rules: Vec::new(), who: Vec::new() },
        }
    }

    fn version(&self) -> &str {
        "test"
    }

    fn count(&self) -> usize {
        1
    }
}

struct Core {
    state: State,
    now: Timestamp,
    effects: Vec<Effect>,
}

impl Core {
    /// A service with a pipeline in staging, where so many others approve.
    fn new(approvals: u32) -> Core {
        let seat = Seat {
            workspace: "W".to_owned(),
            alerts: ChannelId::from("alerts"),
            incidents: ChannelId::from("incidents"),
            operators: None,
            fallback: None,
            checkpoints: None,
            deploys: None,
            services: Default::default(),
        };
        let pipeline = Capabilities {
            resolves: true,
            cancels: true,
            rollback: Rollback::Redeploy,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("CI")
        };
        let staging = Environment { name: "staging".to_owned(), pipeline: Some(pipeline), ..Environment::default() };
        let checkout = Service { name: "checkout".to_owned(), environments: vec![staging], ..Service::default() };
        let mut state = State::default();
        state.settings = Settings {
            chats: [(Platform::Slack, seat)].into(),
            services: vec![checkout].into(),
            gate: Keeper::new(Arc::new(Needs(approvals))),
            ..Settings::default()
        };
        Core { state, now: "2026-03-02T14:00:00Z".parse().expect("a time"), effects: Vec::new() }
    }

    fn give(&mut self, input: &Input) -> Result<(), Refusal> {
        for event in decide(&self.state, input, self.now)?.events {
            let record = Record { seq: self.state.seq + 1, at: self.now, event };
            self.state.apply(&record);
            self.effects.extend(react(&self.state, &record));
        }
        Ok(())
    }

    fn asks(&mut self, who: &str, command: DeployCommand) {
        let by = Actor { user: user(who), name: who.into() };
        let command = Command::Deploy(command);
        self.give(&Input::Command { by, channel: Some("elsewhere".into()), command }).expect("it is taken");
    }

    fn deploys(&mut self, who: &str, reference: &str) {
        self.requests(who, reference, false);
    }

    fn breaks_the_glass(&mut self, who: &str, reference: &str) {
        self.requests(who, reference, true);
    }

    fn requests(&mut self, who: &str, reference: &str, break_glass: bool) {
        self.asks(
            who,
            DeployCommand::Start(Box::new(Request {
                kind: Kind::Deploy,
                service: "checkout".to_owned(),
                environment: Some("staging".to_owned()),
                from: None,
                reference: Some(reference.to_owned()),
                release: None,
                parameters: [].into(),
                reason: "why".into(),
                dry_run: false,
                break_glass,
            })),
        );
    }

    fn about(&mut self, who: &str, ask: DeployAsk) {
        self.asks(who, DeployCommand::About { deploy: Some(DeployId(1)), ask });
    }

    fn done(&mut self, id: u32, what: DeployEffect, outcome: Outcome) {
        let effect = Effect::Deploy { deploy: DeployId(id), what };
        self.give(&Input::Done { effect, outcome }).expect("outcomes are never refused");
    }

    /// The pipeline says that the reference is this commit.
    fn planned(&mut self, id: u32, round: u32, commit: &str) {
        self.compared(id, round, commit, None);
    }

    fn compared(&mut self, id: u32, round: u32, commit: &str, changes: Option<Changes>) {
        let looked = Looked {
            resolved: Resolved { commit: Commit::bare(commit), kind: RefKind::Tag },
            changes,
            checks: Checks::None,
            warnings: Vec::new(),
        };
        self.done(id, DeployEffect::Plan { round }, Outcome::Deploy(Box::new(DeployOutcome::Looked(looked))));
    }

    fn started(&mut self, id: u32) {
        let run = Run { id: "run".to_owned(), url: None };
        self.done(id, DeployEffect::Dispatch, Outcome::Deploy(Box::new(DeployOutcome::Started(run))));
    }

    fn deploy(&self, id: u32) -> &Deploy {
        &self.state.deploys[&DeployId(id)]
    }

    fn succeeds(&mut self, id: u32) {
        let done = DeployOutcome::Progressed(Progress::bare(RunState::Succeeded));
        self.done(id, DeployEffect::Follow, Outcome::Deploy(Box::new(done)));
    }

    /// How often this was said in a deploy's thread.
    fn said(&self, id: u32, words: &str) -> usize {
        let place = Place::DeployThread(Platform::Slack, DeployId(id));
        let is_it = |effect: &&Effect| match effect {
            Effect::Say { place: at, card, .. } => *at == place && format!("{card:?}").contains(words),
            _ => false,
        };
        self.effects.iter().filter(is_it).count()
    }

    /// Whether anybody was told that something has to be approved anew.
    fn wants_it_anew(&self) -> bool {
        self.effects.iter().any(|effect| format!("{effect:?}").contains("has to be approved anew"))
    }
}

fn user(name: &str) -> UserRef {
    UserRef { platform: Platform::Slack, workspace: "W".to_owned(), user: name.to_owned() }
}

#[test]
fn what_nobody_approves_goes_on_when_what_runs_there_has_changed() {
    let mut core = Core::new(0);
    core.deploys("ann", "v1");
    core.planned(1, 0, "one");
    core.started(1);
    core.deploys("bob", "v2");
    core.planned(2, 0, "two");
    assert_eq!(core.deploy(2).stage, Stage::Queued);
    core.succeeds(1);
    assert_eq!(core.deploy(2).stage, Stage::Checking);
    core.planned(2, 1, "two");
    assert_eq!(core.deploy(2).stage, Stage::Starting);
    assert!(core.deploy(2).voided.is_some(), "`/why` says what changed");
    assert!(!core.wants_it_anew(), "nobody approves it, so nobody approves it anew");
}

#[test]
fn what_was_approved_is_approved_anew_when_it_has_become_something_else() {
    let mut core = Core::new(1);
    core.deploys("ann", "v1");
    core.planned(1, 0, "one");
    assert!(!core.wants_it_anew());
    core.about("bob", DeployAsk::Approve { digest: None });
    core.planned(1, 1, "another");
    assert!(matches!(core.deploy(1).stage, Stage::Approving { needs: 1, .. }), "{:?}", core.deploy(1).stage);
    assert!(core.deploy(1).approvals.is_empty());
    assert!(core.wants_it_anew());
}

#[test]
fn one_that_was_started_has_failed_where_somebody_says_that_it_did_not() {
    let mut core = Core::new(0);
    core.deploys("ann", "v1");
    core.planned(1, 0, "one");
    core.started(1);
    core.done(1, DeployEffect::Follow, Outcome::GivenUp { why: "the token is refused".to_owned() });
    core.about("ann", DeployAsk::ItDidNot);
    assert_eq!(core.deploy(1).ended().map(|(how, _)| how), Some(How::Failed));
    let target = Target { service: "checkout".to_owned(), environment: "staging".to_owned() };
    assert!(core.state.spoilt(&target).is_some(), "what runs there may be something else now");
}

#[test]
fn one_that_was_never_found_has_changed_nothing_where_somebody_says_that_it_did_not_run() {
    let mut core = Core::new(0);
    core.deploys("ann", "v1");
    core.planned(1, 0, "one");
    let unclear = DeployOutcome::Unclear("no answer came".to_owned());
    core.done(1, DeployEffect::Dispatch, Outcome::Deploy(Box::new(unclear)));
    core.about("ann", DeployAsk::ItDidNot);
    assert_eq!(core.deploy(1).ended().map(|(how, _)| how), Some(How::NotStarted));
}

#[test]
fn what_goes_is_said_as_what_comes_is_and_nothing_where_neither_does() {
    let mut core = Core::new(0);
    let ahead = |ahead: u32, behind: u32| Some(Changes { ahead, behind, ..Changes::default() });
    for (id, changes, words) in [
        (1, ahead(2, 0), Some("2 commits come:")),
        (2, ahead(0, 1), Some("1 commit goes.")),
        (3, ahead(1, 3), Some("3 commits go, and 1 commit comes:")),
        (4, ahead(0, 0), None),
    ] {
        core.deploys("ann", &format!("v{id}"));
        core.compared(id, 0, &format!("commit {id}"), changes);
        core.started(id);
        core.succeeds(id);
        match words {
            Some(words) => assert_eq!(core.said(id, words), 1, "{words}"),
            None => assert_eq!(core.said(id, " come") + core.said(id, " go"), 0),
        }
    }
}

#[test]
fn an_alert_is_told_to_whoever_deployed_what_runs_and_not_to_those_before() {
    let mut core = Core::new(0);
    for id in [1, 2] {
        core.deploys("ann", &format!("v{id}"));
        core.planned(id, 0, &format!("commit {id}"));
        core.started(id);
        core.succeeds(id);
    }
    core.now += jiff::SignedDuration::from_mins(5);
    let alert = Alert {
        fingerprint: "a".into(),
        labels: Labels::from([("alertname", "Errors".into()), ("service", "checkout".into())]),
        annotations: Labels::default(),
        starts_at: core.now,
        ends_at: None,
        source_url: None,
    };
    core.give(&Input::Alerts(Received {
        source: "am".into(),
        key: "errors".into(),
        group_labels: Labels::default(),
        alerts: vec![Told { alert, firing: true }],
        truncated: 0,
        source_url: None,
    }))
    .expect("alerts are never refused");
    assert_eq!(core.said(2, "opened soon after this deploy"), 1);
    assert_eq!(core.said(1, "opened soon after this deploy"), 0);
    assert_eq!(core.deploy(1).alerts, core.deploy(2).alerts, "both are known to have been before it");
}

#[test]
fn a_pipeline_that_can_be_closed_is_while_deploys_are_held_back_and_opens_for_one_that_breaks_the_glass() {
    let mut core = Core::new(0);
    let held = |core: &Core| core.effects.iter().filter(|it| matches!(it, Effect::HoldBack { .. })).count();
    let freeze = |scope: Scope| DeployCommand::Freeze { scope, until: None, reason: "a sale".into() };
    core.asks("ann", freeze(Scope::Everything));
    assert_eq!(held(&core), 0, "this pipeline can't be closed");
    core.asks("ann", DeployCommand::Unfreeze { freeze: None });
    let mut services = core.state.settings.services.to_vec();
    for environment in services.iter_mut().flat_map(|service| &mut service.environments) {
        environment.pipeline.as_mut().expect("there is one").freezes = true;
    }
    core.state.settings.services = services.into();
    core.asks("ann", freeze(Scope::Service("checkout".to_owned())));
    assert_eq!(held(&core), 1, "closed");
    // One deploy goes through it.
    core.breaks_the_glass("ann", "v1");
    core.planned(1, 0, "one");
    assert_eq!((core.deploy(1).stage.clone(), held(&core)), (Stage::Starting, 2), "open for it");
    core.started(1);
    core.succeeds(1);
    assert_eq!(held(&core), 3, "closed behind it");
    core.asks("ann", DeployCommand::Unfreeze { freeze: None });
    assert_eq!(held(&core), 4, "open");
    core.deploys("ann", "v2");
    core.planned(2, 0, "two");
    assert_eq!(held(&core), 4, "nothing is held back");
    let target = Target { service: "checkout".to_owned(), environment: "staging".to_owned() };
    let why = "AccessDeniedException".to_owned();
    core.give(&Input::Done { effect: Effect::HoldBack { target }, outcome: Outcome::GivenUp { why } }).expect("taken");
    let told = |effect: &&Effect| format!("{effect:?}").contains("Do it at the pipeline");
    assert_eq!(core.effects.iter().filter(told).count(), 1, "people are told where it did not work");
}
