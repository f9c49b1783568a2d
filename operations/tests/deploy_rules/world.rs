//! A core with rules, people on both chats who type and click, and a pipeline that answers as it is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use commands::parse::{Parsed, parse};
use jiff::Timestamp;
use operations::chat::{Act, Actor, Inbound, Line, ReplyTo};
use operations::decide::decide;
use operations::deploy::command::DeployRefusal;
use operations::deploy::effect::{DeployEffect, DeployOutcome};
use operations::deploy::{Deploy, How, Looked, Stage};
use operations::effect::{Effect, Outcome};
use operations::event::Event;
use operations::ids::{DeployId, MessageRef, Platform, UserRef};
use operations::input::Input;
use operations::journal::Record;
use operations::pipeline::{
    Capabilities, Checks, Commit, Idempotency, Progress, RefKind, Resolved, Rollback, Run, RunState,
};
use operations::policy::Keeper;
use operations::react::react;
use operations::refusal::Refusal;
use operations::settings::{Environment, Holders, OnAlert, Person, Seat, Service, Settings};
use operations::state::State;
use policy::Policies;

pub(crate) const SLACK: Platform = Platform::Slack;
pub(crate) const DISCORD: Platform = Platform::Discord;

pub(crate) fn user(platform: Platform, key: &str) -> UserRef {
    UserRef { platform, workspace: "W".to_owned(), user: format!("U{key}") }
}

pub(crate) fn actor(platform: Platform, key: &str) -> Actor {
    Actor { user: user(platform, key), name: key.into() }
}

/// Everybody is on both chats; these have left.
pub(crate) fn people(left: &[&str]) -> Vec<Person> {
    let person = |key: &str| Person {
        key: key.to_owned(),
        name: key.into(),
        accounts: vec![user(SLACK, key), user(DISCORD, key)],
        active: !left.contains(&key),
    };
    ["dee", "amy", "abe", "vi"].map(person).into_iter().collect()
}

pub(crate) fn roles(deployers: &[&str], approvers: &[&str]) -> BTreeMap<String, Holders> {
    let role = |keys: &[&str]| Holders {
        people: keys.iter().map(|key| (*key).to_owned()).collect(),
        teams: Default::default(),
    };
    BTreeMap::from([("deployer".to_owned(), role(deployers)), ("approver".to_owned(), role(approvers))])
}

/// So many others approve what goes to production.
pub(crate) fn services(approvals: u32, on_alert: Option<OnAlert>) -> Vec<Service> {
    let environment = |name: &str, approvals: u32| Environment {
        name: name.to_owned(),
        production: name == "production",
        approvals,
        order_after: None,
        pipeline: Some(Capabilities {
            resolves: true,
            compares: true,
            cancels: true,
            approves: true,
            rollback: Rollback::Redeploy,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("HTTP")
        }),
        parameters: BTreeMap::new(),
        verify: None,
        on_alert,
    };
    let environments = vec![environment("staging", 0), environment("production", approvals)];
    vec![Service { name: "checkout".to_owned(), environments, ..Service::default() }]
}

/// The core with the shipped rules: Dee deploys, also with the role approver; Amy and Abe approve; Vi has nothing.
pub(crate) struct Core {
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    /// What was to be started.
    pub(crate) dispatched: Vec<DeployId>,
}

impl Core {
    pub(crate) fn new() -> Core {
        Core::with(&Policies::shipped, services(1, None))
    }

    pub(crate) fn with(gate: &dyn Fn() -> Policies, services: Vec<Service>) -> Core {
        let seat = |name: &str| Seat {
            workspace: "W".to_owned(),
            alerts: format!("{name}-alerts").into(),
            incidents: format!("{name}-incidents").into(),
            operators: None,
            fallback: None,
            checkpoints: None,
            services: BTreeMap::new(),
            deploys: None,
        };
        let mut state = State::default();
        state.settings = Settings {
            chats: [(SLACK, seat("slack")), (DISCORD, seat("discord"))].into(),
            people: people(&[]).into(),
            roles: roles(&["dee"], &["dee", "amy", "abe"]),
            services: services.into(),
            gate: Keeper::new(Arc::new(gate())),
            ..Settings::default()
        };
        Core { state, now: "2026-03-04T14:00:00Z".parse().expect("a time"), dispatched: Vec::new() }
    }

    pub(crate) fn give(&mut self, input: &Input) -> Result<Vec<Event>, Refusal> {
        let decision = decide(&self.state, input, self.now)?;
        for event in &decision.events {
            let record = Record { seq: self.state.seq + 1, at: self.now, event: event.clone() };
            self.state.apply(&record);
            for effect in react(&self.state, &record) {
                if let Effect::Deploy { deploy, what: DeployEffect::Dispatch } = effect {
                    self.dispatched.push(deploy);
                }
            }
        }
        Ok(decision.events)
    }

    /// Somebody does something in a channel; what can't be read is nothing, and nothing happens.
    pub(crate) fn does(&mut self, by: Actor, channel: &str, what: Act) -> Result<Vec<Event>, Refusal> {
        let inbound = Inbound { delivery: "1".to_owned(), by, channel: channel.into(), what };
        match parse(&inbound, &self.state) {
            Parsed::Input { input, .. } => self.give(&input),
            Parsed::Nothing => Ok(Vec::new()),
        }
    }

    /// A slash command.
    pub(crate) fn types(&mut self, platform: Platform, who: &str, line: &str) -> Result<Vec<Event>, Refusal> {
        let (name, rest) = line.split_once(' ').expect("a command, and what it is about");
        let line = Line::Text(rest.to_owned());
        let what = Act::Command { name: name.to_owned(), line, reply: reply(platform) };
        self.does(actor(platform, who), "general", what)
    }

    /// A click: what the button types comes from the platform, and could be anything.
    pub(crate) fn clicks(&mut self, platform: Platform, who: &str, click: &str) -> Result<Vec<Event>, Refusal> {
        let what =
            Act::Click { click: click.to_owned(), chosen: None, message: message(platform), reply: reply(platform) };
        self.does(actor(platform, who), "general", what)
    }

    /// The pipeline tells what would be deployed.
    pub(crate) fn looks(&mut self, id: u32, commit: &str) -> Vec<Event> {
        let round = self.deploy(id).rounds;
        let looked = Looked {
            resolved: Resolved { commit: Commit::bare(commit), kind: RefKind::Branch },
            changes: None,
            checks: Checks::Passed(1),
            warnings: Vec::new(),
        };
        self.outcome(id, DeployEffect::Plan { round }, DeployOutcome::Looked(looked))
    }

    pub(crate) fn outcome(&mut self, id: u32, what: DeployEffect, outcome: DeployOutcome) -> Vec<Event> {
        let effect = Effect::Deploy { deploy: DeployId(id), what };
        self.give(&Input::Done { effect, outcome: Outcome::Deploy(Box::new(outcome)) }).expect("outcomes are taken")
    }

    /// The pipeline runs, and ends well.
    pub(crate) fn succeeds(&mut self, id: u32) {
        let run = Run { id: "1".to_owned(), url: None };
        self.outcome(id, DeployEffect::Dispatch, DeployOutcome::Started(run));
        let progress = Progress::bare(RunState::Succeeded);
        self.outcome(id, DeployEffect::Follow, DeployOutcome::Progressed(progress));
        assert!(self.deploy(id).succeeded(), "{:?}", self.deploy(id).stage);
    }

    pub(crate) fn deploy(&self, id: u32) -> &Deploy {
        &self.state.deploys[&DeployId(id)]
    }

    /// What somebody approves with the button on the card.
    pub(crate) fn button(&self, id: u32) -> String {
        let plan = self.deploy(id).plan.as_ref().expect("it is planned");
        format!("approve D-{id} {}", plan.short())
    }

    /// Dee wants checkout in production, and it waits for approval.
    pub(crate) fn waits(&mut self) {
        self.types(SLACK, "dee", "deploy checkout@main to production").expect("she deploys");
        self.looks(1, "c1");
        assert!(self.is_waiting(1), "{:?}", self.deploy(1).stage);
    }

    /// All that it knows.
    pub(crate) fn all(&self) -> String {
        serde_json::to_string(&self.state).expect("a state can be written down")
    }

    pub(crate) fn is_waiting(&self, id: u32) -> bool {
        matches!(self.deploy(id).stage, Stage::Approving { .. })
    }

    pub(crate) fn how(&self, id: u32) -> Option<How> {
        self.deploy(id).ended().map(|(how, _)| how)
    }
}

pub(crate) fn message(platform: Platform) -> MessageRef {
    MessageRef { platform, channel: "general".into(), message: "1".into() }
}

pub(crate) fn reply(platform: Platform) -> ReplyTo {
    ReplyTo::Message { message: message(platform) }
}

/// What is refused, where it is something about deploys.
pub(crate) fn why(decided: Result<Vec<Event>, Refusal>) -> Option<DeployRefusal> {
    match decided {
        Err(Refusal::Deploy(refusal)) => Some(refusal),
        Err(_) | Ok(_) => None,
    }
}

pub(crate) fn not_allowed(decided: &Result<Vec<Event>, Refusal>) -> bool {
    matches!(decided, Err(Refusal::NotAllowed { .. }))
}
