//! What holds for any deploys and anything that people, pipelines and time do, tried with random ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use operations::chat::Actor;
use operations::command::Command;
use operations::decide::decide;
use operations::deploy::command::{DeployAsk, DeployCommand, Request};
use operations::deploy::effect::{DeployEffect, DeployOutcome};
use operations::deploy::event::DeployEvent;
use operations::deploy::{Kind, Looked, Stage, Target};
use operations::effect::{Effect, Outcome};
use operations::event::Event;
use operations::ids::{ChannelId, DeployId, Platform, UserRef};
use operations::input::Input;
use operations::journal::Record;
use operations::locks::{Scope, Until};
use operations::pipeline::{
    Capabilities, Checks, Commit, Idempotency, Progress, RefKind, Resolved, Rollback, Run, RunState,
};
use operations::policy::{Gate, Keeper, On, Question, Ruling, Verb};
use operations::react::react;
use operations::settings::{Environment, Person, Seat, Service, Settings, Verify};
use operations::state::State;

/// So many seeds are tried.
const SEEDS: u64 = 1_500;

/// Everybody may everything; production takes the approval of another, and nothing goes through a freeze.
#[derive(Debug)]
struct Rules;

impl Gate for Rules {
    fn rule(&self, settings: &Settings, question: &Question<'_>) -> Ruling {
        let Some(change) = question.change else { return Ruling::Allowed(Vec::new()) };
        let On::Environment(target) = question.on else { return Ruling::Allowed(Vec::new()) };
        if change.frozen && question.verb != Verb::Rollback {
            return Ruling::Refused { rules: Vec::new(), who: Vec::new() };
        }
        let wanted = settings.environment(target).map_or(0, |it| it.approvals);
        let has = u32::try_from(change.approvals.len()).expect("a few");
        match wanted.saturating_sub(has) {
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

const PEOPLE: [&str; 4] = ["ann", "bob", "cleo", "dan"];

fn actor(name: &str, platform: Platform) -> Actor {
    let user = UserRef { platform, workspace: "W".to_owned(), user: name.to_owned() };
    Actor { user, name: name.into() }
}

fn settings(random: &mut Rng) -> Settings {
    let seat = |platform: Platform| Seat {
        workspace: "W".to_owned(),
        alerts: ChannelId::from(format!("{}-alerts", platform.key())),
        incidents: ChannelId::from(format!("{}-incidents", platform.key())),
        operators: None,
        fallback: None,
        checkpoints: None,
        deploys: None,
        services: BTreeMap::new(),
    };
    let pipeline = Capabilities {
        resolves: true,
        compares: true,
        cancels: true,
        approves: true,
        rollback: Rollback::Redeploy,
        logs: true,
        idempotency: Idempotency::Find,
        rollback_idempotency: Idempotency::Find,
        ..Capabilities::named("a CI")
    };
    let verify = random.bool().then(|| Verify { http: None, alert: None, within: Duration::from_secs(120) });
    let environment = |name: &str, approvals| Environment {
        name: name.to_owned(),
        production: name == "production",
        approvals,
        pipeline: Some(pipeline),
        verify: verify.clone(),
        ..Environment::default()
    };
    let service = |name: &str| Service {
        name: name.to_owned(),
        environments: vec![environment("staging", 0), environment("production", 1)],
        ..Service::default()
    };
    let person = |name: &str| Person {
        key: name.to_owned(),
        name: name.into(),
        accounts: Platform::ALL.map(|platform| actor(name, platform).user).to_vec(),
        active: true,
    };
    Settings {
        chats: Platform::ALL.map(|platform| (platform, seat(platform))).into(),
        people: PEOPLE.map(person).into_iter().collect(),
        services: vec![service("checkout"), service("search")].into(),
        gate: Keeper::new(Arc::new(Rules)),
        ..Settings::default()
    }
}

/// The core with an outbox around it.
struct Core {
    state: State,
    now: Timestamp,
    records: Vec<Record>,
    open: BTreeMap<String, Effect>,
    /// How often each deploy was sent to the pipeline.
    sent: BTreeMap<DeployId, u32>,
    /// What `main` stands for.
    main: u32,
}

impl Core {
    fn give(&mut self, input: &Input) {
        let Ok(decision) = decide(&self.state, input, self.now) else { return };
        for event in decision.events {
            self.before(&event);
            let record = Record { seq: self.state.seq + 1, at: self.now, event };
            self.state.apply(&record);
            for effect in react(&self.state, &record) {
                self.open.insert(effect.key(), effect);
            }
            self.records.push(record);
        }
        self.holds();
    }

    /// What must hold when something happens.
    fn before(&self, event: &Event) {
        let Event::Deploy { deploy, what } = event else { return };
        if let DeployEvent::Began = **what {
            let it = &self.state.deploys[deploy];
            assert!(it.began_at.is_none(), "{deploy} began twice");
            let plan = it.plan.as_ref().expect("it was planned");
            let environment = self.state.settings.environment(&it.wanted.target).expect("it is there");
            if environment.approvals > 0 {
                let others = it.approvals.iter().filter(|approval| approval.by.name != it.by.name).count();
                assert!(others >= 1, "{deploy} was approved by nobody else");
                let approved = self.records.iter().rev().find_map(|record| match &record.event {
                    Event::Deploy { deploy: of, what } if of == deploy => match &**what {
                        DeployEvent::Approved { digest, .. } => Some(digest.clone()),
                        _ => None,
                    },
                    _ => None,
                });
                assert_eq!(approved.as_ref(), Some(&plan.digest), "{deploy}: another plan was approved");
            }
        }
    }

    /// What must hold at any time.
    fn holds(&self) {
        let targets: BTreeSet<&Target> = self.state.deploys.values().map(|it| &it.wanted.target).collect();
        for target in targets {
            let holding: Vec<DeployId> = self
                .state
                .open_deploys()
                .filter(|it| it.wanted.target == *target && it.holds())
                .map(|it| it.id)
                .collect();
            assert!(holding.len() <= 1, "{target}: {holding:?}");
            if holding.is_empty() {
                let lock = self.state.lock_on(target);
                let free = |it: &&&operations::deploy::Deploy| lock.is_none_or(|lock| lock.by.name == it.by.name);
                let waits = self.state.queue(target);
                assert!(waits.iter().find(free).is_none(), "{target} is free, and {:?} waits", waits[0].id);
            }
        }
        assert!(self.sent.values().all(|times| *times <= 1), "sent more than once: {:?}", self.sent);
    }

    /// Carries one open effect out, or lets that go wrong.
    fn carry(&mut self, random: &mut Rng, goes_well: bool) {
        let keys: Vec<String> = self.open.keys().cloned().collect();
        let Some(key) = random.choice(&keys) else { return };
        let effect = self.open[key].clone();
        let Effect::Deploy { deploy, what } = &effect else {
            self.open.remove(key);
            return;
        };
        let luck = if goes_well { 9 } else { random.u8(0..10) };
        let told = |outcome: DeployOutcome| Outcome::Deploy(Box::new(outcome));
        let run = || Run { id: deploy.to_string(), url: None };
        let outcome = match what {
            DeployEffect::Plan { .. } if luck == 0 => Outcome::GivenUp { why: "no answer".to_owned() },
            DeployEffect::Plan { .. } => {
                let resolved =
                    Resolved { commit: Commit::bare(&format!("c{}", self.main)), kind: RefKind::DefaultBranch };
                told(DeployOutcome::Looked(Looked {
                    resolved,
                    changes: None,
                    checks: Checks::None,
                    warnings: Vec::new(),
                }))
            }
            DeployEffect::Dispatch => {
                if luck > 0 {
                    *self.sent.entry(*deploy).or_default() += 1;
                }
                match luck {
                    0 => Outcome::GivenUp { why: "refused".to_owned() },
                    1..4 => told(DeployOutcome::Unclear("the answer was lost".to_owned())),
                    _ => told(DeployOutcome::Started(run())),
                }
            }
            DeployEffect::Look { .. } if luck < 5 => told(DeployOutcome::Unclear("not found".to_owned())),
            DeployEffect::Look { .. } => told(DeployOutcome::Started(run())),
            DeployEffect::Follow if luck == 0 => Outcome::GivenUp { why: "gone".to_owned() },
            DeployEffect::Follow => {
                let states = [RunState::Running, RunState::Succeeded, RunState::Failed, RunState::Cancelled];
                let state = if goes_well { RunState::Succeeded } else { states[usize::from(random.u8(0..4))] };
                told(DeployOutcome::Progressed(Progress::bare(state)))
            }
            DeployEffect::Cancel if luck < 3 => Outcome::GivenUp { why: "too late".to_owned() },
            DeployEffect::Cancel
            | DeployEffect::Gate { .. }
            | DeployEffect::Log
            | DeployEffect::Tell { .. }
            | DeployEffect::Verify => Outcome::Done,
        };
        self.open.remove(key);
        self.give(&Input::Done { effect, outcome });
    }

    fn passes(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        self.give(&Input::Tick);
        self.state.looked_at(self.now);
    }
}

fn asked(random: &mut Rng) -> DeployCommand {
    let pick = |random: &mut Rng, all: &[&str]| all[random.usize(..all.len())].to_owned();
    let service = pick(random, &["checkout", "search"]);
    let environment = pick(random, &["staging", "production"]);
    let target = Target { service: service.clone(), environment: environment.clone() };
    let deploy = random.bool().then(|| DeployId(random.u32(1..12)));
    let about = |ask| DeployCommand::About { deploy, ask };
    match random.u8(0..20) {
        0..7 => {
            let kind = [Kind::Deploy, Kind::Deploy, Kind::Deploy, Kind::Rollback, Kind::Promotion][random.usize(..5)];
            DeployCommand::Start(Box::new(Request {
                kind,
                service,
                environment: Some(if kind == Kind::Promotion { "production".to_owned() } else { environment }),
                from: (kind == Kind::Promotion).then(|| "staging".to_owned()),
                reference: None,
                release: None,
                parameters: BTreeMap::new(),
                reason: "why".into(),
                dry_run: random.u8(0..8) == 0,
                break_glass: false,
            }))
        }
        7..12 => about(DeployAsk::Approve { digest: None }),
        12 => about(DeployAsk::Deny { reason: "no".into() }),
        13 => about(DeployAsk::Cancel),
        14 => about(DeployAsk::Retry),
        15 => about([DeployAsk::ItRan, DeployAsk::ItDidNot, DeployAsk::LookAgain][random.usize(..3)].clone()),
        16 => {
            let until = Some(Until::For(Duration::from_secs(random.u64(60..2_000))));
            DeployCommand::Lock { target, until, reason: "mine".into() }
        }
        17 => DeployCommand::Unlock { target },
        18 if random.bool() => {
            let until = Some(Until::For(Duration::from_secs(random.u64(60..600))));
            DeployCommand::Freeze { scope: Scope::Target(target), until, reason: "cold".into() }
        }
        _ => DeployCommand::Unfreeze { freeze: None },
    }
}

#[test]
fn one_at_a_time_once_each_and_approved_as_it_is() {
    let (mut began, mut ended, mut unknown) = (0, 0, 0);
    for seed in 0..SEEDS {
        let random = &mut Rng::with_seed(seed);
        let mut state = State::default();
        state.settings = settings(random);
        let now = "2026-03-02T13:00:00Z".parse().expect("a time");
        let mut core = Core { state, now, records: Vec::new(), open: BTreeMap::new(), sent: BTreeMap::new(), main: 1 };
        for _ in 0..random.usize(10..80) {
            match random.u8(0..10) {
                0..4 => {
                    let by = actor(PEOPLE[random.usize(..PEOPLE.len())], Platform::ALL[random.usize(..2)]);
                    let command = Command::Deploy(asked(random));
                    core.give(&Input::Command { by, channel: Some(ChannelId::from("C1")), command });
                }
                4..8 => core.carry(random, false),
                8 => core.main += u32::from(random.u8(0..4) == 0),
                _ => core.passes(random.i64(1..400)),
            }
        }
        // From here on all goes well, and somebody says how each is that nobody knows of.
        for _ in 0..400 {
            let lost = core.state.open_deploys().find(|it| matches!(it.stage, Stage::Unknown { .. })).map(|it| it.id);
            if let Some(deploy) = lost {
                unknown += 1;
                let command = Command::Deploy(DeployCommand::About { deploy: Some(deploy), ask: DeployAsk::ItDidNot });
                let by = actor("ann", Platform::Slack);
                core.give(&Input::Command { by, channel: Some(ChannelId::from("C1")), command });
            }
            core.carry(random, true);
            core.passes(30);
        }
        while !core.open.is_empty() {
            core.carry(random, true);
        }
        core.passes(8 * 24 * 3_600);
        while !core.open.is_empty() {
            core.carry(random, true);
            core.passes(200);
        }
        let left: Vec<&Stage> = core.state.open_deploys().map(|it| &it.stage).collect();
        assert!(left.is_empty(), "seed {seed}: {left:?} waits for ever");
        began += core.state.deploys.values().filter(|it| it.began_at.is_some()).count();
        ended += core.state.deploys.len();
        let mut again = State::default();
        for record in &core.records {
            let line = serde_json::to_string(record).expect("a record is JSON");
            again.apply(&serde_json::from_str(&line).expect("it was written"));
        }
        let stored = |state: &State| serde_json::to_value(&state.stored().deploys).expect("it is JSON");
        assert_eq!(stored(&again), stored(&core.state), "seed {seed}: a replay gives another state");
    }
    assert!(began > 1_000 && ended > 3_000 && unknown > 100, "{began} began of {ended}, {unknown} unknown");
}
