//! The shipped rules beside a model of their own, which knows nothing of Cedar nor of the settings' look-ups.
//!
//! Questions are put to the rules as they are asked before each command, and plans to the core as it asks again when it
//! is a deploy's turn: with approvals by anybody, also by who asked, by who has left, by one person on both chats.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use operations::accounts::Standing;
use operations::chat::Actor;
use operations::decide::decide;
use operations::deploy::effect::{DeployEffect, DeployOutcome};
use operations::deploy::event::{DeployEvent, HoldEvent};
use operations::deploy::{How, Kind, Looked, Nature, Plan, Target, Wanted};
use operations::effect::{Effect, Outcome};
use operations::event::Event;
use operations::ids::{ChannelId, DeployId, FreezeId, IncidentId, Platform, UserRef};
use operations::input::Input;
use operations::journal::Record;
use operations::locks::Scope;
use operations::pipeline::{Checks, Commit, RefKind, Resolved};
use operations::policy::{Change, Keeper, On, Question, Ruling, Verb};
use operations::settings::{Environment, Holders, Person, Service, Settings};
use operations::state::State;
use policy::Policies;

const PEOPLE: usize = 7;
const TEAMS: usize = 3;
const ROLES: [&str; 3] = ["deployer", "approver", "admin"];
const DEPLOYER: usize = 0;
const APPROVER: usize = 1;
const ADMIN: usize = 2;

/// Houses, each of its own seed, and questions in each.
const HOUSES: u64 = 250;
const QUESTIONS: usize = 400;

/// The houses are shared out to so many threads.
const THREADS: u64 = 4;

/// An account: that of a person on a chat, which the file may know or not; or, behind the people, of nobody.
type Account = (usize, Platform);

#[derive(Clone, Debug)]
struct House {
    /// Whether the file knows each person's account on Slack, and on Discord.
    linked: Vec<[bool; 2]>,
    active: Vec<bool>,
    /// How each account stands with its chat; behind the people's, those of nobody.
    standing: Vec<[Option<Standing>; 2]>,
    member: Vec<[bool; TEAMS]>,
    /// Who has each role themselves, and with a team.
    role: [[bool; PEOPLE]; 3],
    role_of_team: [[bool; TEAMS]; 3],
    /// The team that owns each service.
    owner: Vec<Option<usize>>,
    /// How many others approve in each service's environments.
    approvals: Vec<[u32; 2]>,
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Yes,
    Approvals(u32),
    No,
}

fn standing(some: &mut impl FnMut(u8) -> bool) -> Option<Standing> {
    match (some(1), some(1)) {
        (true, _) => Some(Standing::Guest),
        (false, true) => Some(Standing::Left),
        (false, false) => None,
    }
}

impl House {
    fn new(random: &mut fastrand::Rng) -> House {
        let mut some = |in_ten: u8| random.u8(0..10) < in_ten;
        House {
            linked: (0..PEOPLE).map(|_| [some(8), some(6)]).collect(),
            active: (0..PEOPLE).map(|_| some(8)).collect(),
            standing: (0..=PEOPLE).map(|_| [standing(&mut some), standing(&mut some)]).collect(),
            member: (0..PEOPLE).map(|_| [some(3), some(3), some(3)]).collect(),
            role: [0; 3].map(|_| [0; PEOPLE].map(|_| some(3))),
            role_of_team: [0; 3].map(|_| [0; TEAMS].map(|_| some(2))),
            owner: (0..4).map(|service| (service < TEAMS).then_some(service)).collect(),
            approvals: (0..4).map(|service| [0, [1, 1, 2, 3][service]]).collect(),
        }
    }

    fn person(&self, (who, platform): Account) -> Option<usize> {
        let linked = self.linked.get(who)?;
        linked[usize::from(platform == Platform::Discord)].then_some(who)
    }

    fn has(&self, person: usize, role: usize) -> bool {
        self.role[role][person] || (0..TEAMS).any(|team| self.member[person][team] && self.role_of_team[role][team])
    }

    fn stands(&self, (who, platform): Account) -> Option<Standing> {
        self.standing[who][usize::from(platform == Platform::Discord)]
    }

    /// Marked as having left, or with an account that was deactivated: any one of a person's.
    fn is_left(&self, account: Account) -> bool {
        let is_gone = |account: Account| self.stands(account) == Some(Standing::Left);
        is_gone(account)
            || self.person(account).is_some_and(|person| {
                let accounts = Platform::ALL.map(|platform| (person, platform));
                !self.active[person] || accounts.into_iter().any(|it| self.person(it).is_some() && is_gone(it))
            })
    }

    /// A guest whom nobody wrote into the file.
    fn is_outsider(&self, account: Account) -> bool {
        self.stands(account) == Some(Standing::Guest) && self.person(account).is_none()
    }

    /// Whether a rule gives it to somebody who has not left.
    fn grants(&self, account: Account, verb: Verb, service: Option<usize>) -> bool {
        let person = self.person(account);
        let has = |role: usize| person.is_some_and(|person| self.has(person, role));
        let owner = service.and_then(|service| self.owner.get(service).copied().flatten());
        let owns = person.zip(owner).is_some_and(|(person, team)| self.member[person][team]);
        match verb {
            Verb::View | Verb::Acknowledge | Verb::Declare | Verb::Work => true,
            Verb::Deploy | Verb::Rollback | Verb::Promote => has(DEPLOYER) || has(ADMIN) || owns,
            Verb::Steer | Verb::Lock | Verb::Unlock => has(DEPLOYER) || has(APPROVER) || has(ADMIN) || owns,
            Verb::Approve => has(APPROVER) || has(ADMIN) || owns,
            Verb::Freeze | Verb::Unfreeze => has(APPROVER) || has(ADMIN),
        }
    }

    fn may(&self, account: Account, verb: Verb, service: Option<usize>) -> bool {
        self.grants(account, verb, service) && !self.is_left(account) && !self.is_outsider(account)
    }

    /// Those whose approval counts: a person is one whatever they write with, and who stands in no file may not approve.
    fn approved(&self, plan: &Planned) -> BTreeSet<usize> {
        plan.approvals.iter().filter_map(|account| self.person(*account)).filter(|it| self.helps(plan, *it)).collect()
    }

    /// Whether somebody's approval would count.
    fn helps(&self, plan: &Planned, person: usize) -> bool {
        let accounts = Platform::ALL.map(|platform| (person, platform));
        let known = accounts.into_iter().find(|account| self.person(*account).is_some());
        Some(person) != self.person(plan.by) && known.is_some_and(|it| self.may(it, Verb::Approve, Some(plan.service)))
    }

    /// What the rules say to a plan that these have approved.
    fn answers(&self, plan: &Planned, approved: &BTreeSet<usize>) -> Found {
        if !self.may(plan.by, plan.verb, Some(plan.service)) {
            return Found::No;
        }
        if plan.verb == Verb::Rollback {
            return Found::Yes;
        }
        let through = plan.break_glass && plan.reason;
        if !through && (plan.frozen || !plan.tested || plan.failed) {
            return Found::No;
        }
        let others = (0..PEOPLE).filter(|it| self.helps(plan, *it) && !approved.contains(it)).count() as u32;
        let needs = self.approvals[plan.service][plan.environment].saturating_sub(approved.len() as u32);
        match needs {
            0 => Found::Yes,
            needs if needs <= others => Found::Approvals(needs),
            _ => Found::No,
        }
    }

    /// What becomes of it when it is its turn: what isn't enough is void, and approved anew by all.
    fn turns(&self, plan: &Planned) -> Found {
        match self.answers(plan, &self.approved(plan)) {
            Found::Approvals(_) => self.answers(plan, &BTreeSet::new()),
            found => found,
        }
    }

    fn settings(&self, gate: &Keeper) -> Settings {
        let person = |number: usize| Person {
            key: format!("p{number}"),
            name: format!("P{number}").as_str().into(),
            accounts: Platform::ALL
                .into_iter()
                .filter(|platform| self.person((number, *platform)).is_some())
                .map(|platform| user((number, platform)))
                .collect(),
            active: self.active[number],
        };
        let team = |team: usize| {
            let people = (0..PEOPLE).filter(|person| self.member[*person][team]);
            (format!("t{team}"), people.map(|person| format!("p{person}")).collect())
        };
        let role = |role: usize| {
            let people = (0..PEOPLE).filter(|person| self.role[role][*person]).map(|person| format!("p{person}"));
            let teams = (0..TEAMS).filter(|team| self.role_of_team[role][*team]).map(|team| format!("t{team}"));
            (ROLES[role].to_owned(), Holders { people: people.collect(), teams: teams.collect() })
        };
        let service = |number: usize| Service {
            name: format!("s{number}"),
            owner: self.owner[number].map(|team| format!("t{team}")),
            environments: ENVIRONMENTS
                .iter()
                .zip(self.approvals[number])
                .map(|(name, approvals)| Environment {
                    name: (*name).to_owned(),
                    production: *name == "production",
                    approvals,
                    order_after: (*name == "production").then(|| "staging".to_owned()),
                    pipeline: None,
                    parameters: BTreeMap::new(),
                    verify: None,
                    on_alert: None,
                })
                .collect(),
            ..Service::default()
        };
        Settings {
            people: (0..PEOPLE).map(person).collect(),
            teams: (0..TEAMS).map(team).collect(),
            roles: (0..ROLES.len()).map(role).collect(),
            services: (0..self.owner.len()).map(service).collect(),
            gate: gate.clone(),
            ..Settings::default()
        }
    }
}

const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

/// A plan, all that rules may look at, and all who said that they approve it.
#[derive(Clone, Debug)]
struct Planned {
    by: Account,
    verb: Verb,
    service: usize,
    environment: usize,
    frozen: bool,
    break_glass: bool,
    reason: bool,
    tested: bool,
    failed: bool,
    approvals: Vec<Account>,
}

fn user((who, platform): Account) -> UserRef {
    UserRef { platform, workspace: "W".to_owned(), user: format!("U{who}") }
}

fn actor(account: Account) -> Actor {
    // Everybody calls themselves as somebody else is called.
    Actor { user: user(account), name: format!("P{}", (account.0 + 1) % PEOPLE).as_str().into() }
}

fn account(random: &mut fastrand::Rng) -> Account {
    (random.usize(0..PEOPLE + 1), Platform::ALL[random.usize(0..2)])
}

fn now() -> Timestamp {
    "2026-03-06T17:00:00Z".parse().expect("a time")
}

fn asked(random: &mut fastrand::Rng, house: &House, state: &State) -> (Found, Found, String) {
    let verb = Verb::ALL[random.usize(..Verb::ALL.len())];
    // The last is a service that there is not.
    let service = random.usize(0..5);
    let name = format!("s{service}");
    let target = Target { service: name.clone(), environment: ENVIRONMENTS[random.usize(0..2)].to_owned() };
    let (on, service) = match random.u8(0..4) {
        0 => (On::Workspace, None),
        1 => (On::Service(name), Some(service)),
        2 => (On::Environment(target), Some(service)),
        _ => (On::Incident(IncidentId(1), vec![name]), Some(service)),
    };
    if !verb.fits(&on) {
        return asked(random, house, state);
    }
    let by = account(random);
    let channel = random.bool().then(|| ChannelId::from("C1"));
    let actor = actor(by);
    let question = Question {
        verb,
        by: &actor,
        on: &on,
        channel: channel.as_ref(),
        now: now(),
        change: None,
        accounts: &state.accounts,
    };
    let found = found(state, &question);
    let expected = if house.may(by, verb, service) { Found::Yes } else { Found::No };
    (found, expected, format!("{question:?}"))
}

fn planned(random: &mut fastrand::Rng, house: &House, state: &State) -> (Found, Found, String) {
    let service = random.usize(0..4);
    // Most people may not deploy; they are asked for less often.
    let mut by = account(random);
    while random.u8(0..4) > 0 && !house.may(by, Verb::Deploy, Some(service)) {
        by = account(random);
    }
    let plan = Planned {
        by,
        verb: [Verb::Deploy, Verb::Deploy, Verb::Deploy, Verb::Promote, Verb::Rollback][random.usize(0..5)],
        service,
        environment: usize::from(random.u8(0..4) > 0),
        frozen: random.u8(0..6) == 0,
        break_glass: random.u8(0..3) == 0,
        reason: random.bool(),
        tested: random.u8(0..6) > 0,
        failed: random.u8(0..6) == 0,
        approvals: (0..random.usize(0..4)).map(|_| account(random)).collect(),
    };
    // Nothing comes before the first environment.
    let plan = Planned { tested: plan.tested || plan.environment == 0, ..plan };
    let told = format!("{plan:?}");
    if random.bool() {
        return (turn(state.clone(), &plan), house.turns(&plan), told);
    }
    let approved = house.approved(&plan);
    (ruled(state, &plan, house, &approved), house.answers(&plan, &approved), told)
}

/// Asks the rules about a plan that these have approved.
fn ruled(state: &State, plan: &Planned, house: &House, approved: &BTreeSet<usize>) -> Found {
    let account = |person: &usize| {
        let accounts = Platform::ALL.map(|platform| (*person, platform));
        accounts.into_iter().find(|account| house.person(*account).is_some()).map(user)
    };
    let change = Change {
        frozen: plan.frozen,
        break_glass: plan.break_glass,
        has_reason: plan.reason,
        tested: plan.tested,
        checks: if plan.failed { "failed" } else { "none" },
        approvals: approved.iter().filter_map(account).collect(),
        ..Change::default()
    };
    let on = On::Environment(Target {
        service: format!("s{}", plan.service),
        environment: ENVIRONMENTS[plan.environment].to_owned(),
    });
    let (verb, by, channel) = (plan.verb, &actor(plan.by), None);
    found(state, &Question { verb, by, on: &on, channel, now: now(), change: Some(&change), accounts: &state.accounts })
}

fn found(state: &State, question: &Question<'_>) -> Found {
    match state.settings.gate.rule(&state.settings, question) {
        Ruling::Allowed(_) => Found::Yes,
        Ruling::Approval { needs, .. } => Found::Approvals(needs),
        Ruling::Refused { .. } => Found::No,
    }
}

/// Has the core decide about a deploy whose turn it is, after all that the journal says.
fn turn(mut state: State, plan: &Planned) -> Found {
    let target = |environment: usize| Target {
        service: format!("s{}", plan.service),
        environment: ENVIRONMENTS[environment].to_owned(),
    };
    let wanted = |environment: usize| Wanted {
        kind: match plan.verb {
            Verb::Rollback => Kind::Rollback,
            Verb::Promote => Kind::Promotion,
            _ => Kind::Deploy,
        },
        target: target(environment),
        reference: None,
        from: None,
        release: None,
        parameters: BTreeMap::new(),
        reason: if plan.reason { "it can't wait" } else { "" }.into(),
        dry_run: false,
        break_glass: plan.break_glass,
    };
    let looked = Looked {
        resolved: Resolved { commit: Commit::bare("c1"), kind: RefKind::Branch },
        changes: None,
        checks: if plan.failed { Checks::Failed(vec!["build".into()]) } else { Checks::Passed(1) },
        warnings: Vec::new(),
    };
    let mut happens = |event: Event| {
        let record = Record { seq: state.seq + 1, at: now() - SignedDuration::from_mins(1), event };
        state.apply(&record);
    };
    let mut deploy = |id: u32, what: DeployEvent| {
        happens(Event::Deploy { deploy: DeployId(id), what: Box::new(what) });
    };
    let asked = |wanted: Wanted| DeployEvent::Asked {
        wanted,
        by: actor(plan.by),
        channel: Some("C1".into()),
        nature: Nature::Planned,
        nonce: "n".to_owned(),
        incident: None,
        after: None,
        policy: String::new(),
    };
    let made = |wanted: &Wanted| {
        let plan = Plan::new(wanted, looked.clone(), None, now());
        DeployEvent::Planned { plan, rules: Vec::new() }
    };
    if plan.tested && plan.environment == 1 {
        let before = Wanted { kind: Kind::Deploy, ..wanted(0) };
        let done = DeployEvent::Ended { how: How::Succeeded, why: "".into(), by: None };
        for what in [asked(before.clone()), made(&before), DeployEvent::Queued, DeployEvent::Began, done] {
            deploy(1, what);
        }
    }
    let wanted = wanted(plan.environment);
    deploy(2, asked(wanted.clone()));
    deploy(2, made(&wanted));
    let until = now() + SignedDuration::from_mins(9);
    deploy(2, DeployEvent::ApprovalAsked { needs: 9, who: Vec::new(), until });
    for by in &plan.approvals {
        deploy(2, DeployEvent::Approved { by: actor(*by), digest: String::new(), needs: 8, rules: Vec::new() });
    }
    deploy(2, DeployEvent::Queued);
    deploy(2, DeployEvent::Turned);
    if plan.frozen {
        let scope = Scope::Target(target(plan.environment));
        let (by, until) = (actor(plan.by), None);
        happens(Event::Hold(Box::new(HoldEvent::FreezeBegan {
            freeze: FreezeId(1),
            scope,
            by,
            until,
            reason: "".into(),
        })));
    }
    let effect = Effect::Deploy { deploy: DeployId(2), what: DeployEffect::Plan { round: 1 } };
    let outcome = Outcome::Deploy(Box::new(DeployOutcome::Looked(looked)));
    let decided = decide(&state, &Input::Done { effect, outcome }, now()).expect("outcomes are taken");
    let found = |event: &Event| match event {
        Event::Deploy { what, .. } => match &**what {
            DeployEvent::Began => Some(Found::Yes),
            DeployEvent::ApprovalAsked { needs, .. } => Some(Found::Approvals(*needs)),
            DeployEvent::Ended { how: How::Refused, .. } => Some(Found::No),
            _ => None,
        },
        _ => None,
    };
    let all: Vec<Found> = decided.events.iter().filter_map(found).collect();
    assert_eq!(all.len(), 1, "{:?}", decided.events);
    all[0]
}

/// How often each answer was found, to questions and to plans.
type Often = BTreeMap<(bool, Found), usize>;

fn ask_around(seed: u64, gate: &Keeper, often: &mut Often) {
    let random = &mut fastrand::Rng::with_seed(seed);
    let house = House::new(random);
    let mut state = State::default();
    state.settings = house.settings(gate);
    for account in (0..=PEOPLE).flat_map(|who| Platform::ALL.map(|platform| (who, platform))) {
        state.accounts.note(&user(account), house.stands(account));
    }
    for number in 0..QUESTIONS {
        let about_plan = number % 2 == 0;
        let put = if about_plan { planned } else { asked };
        let (found, expected, question) = put(random, &house, &state);
        assert_eq!(found, expected, "{question}\nin {house:?}");
        *often.entry((about_plan, found)).or_default() += 1;
    }
}

#[test]
fn a_hundred_thousand_questions_about_deploys_are_answered_as_a_model_answers_them() {
    let gate = &Keeper::new(Arc::new(Policies::shipped()));
    let all = std::thread::scope(|scope| {
        let part = |thread: u64| {
            scope.spawn(move || {
                let mut often = Often::new();
                (thread..HOUSES).step_by(THREADS as usize).for_each(|seed| ask_around(seed, gate, &mut often));
                often
            })
        };
        let parts: Vec<_> = (0..THREADS).map(part).collect();
        parts.into_iter().map(|part| part.join().expect("every answer is the model's")).collect::<Vec<Often>>()
    });
    let mut often = Often::new();
    for (answer, count) in all.into_iter().flatten() {
        *often.entry(answer).or_default() += count;
    }
    assert_eq!(often.values().sum::<usize>(), 100_000);
    for (about_plan, answer, at_least) in [
        (false, Found::Yes, 15_000),
        (false, Found::No, 8_000),
        (true, Found::Yes, 8_000),
        (true, Found::No, 8_000),
        (true, Found::Approvals(1), 2_000),
        (true, Found::Approvals(2), 500),
        (true, Found::Approvals(3), 100),
    ] {
        let found = often.get(&(about_plan, answer)).copied().unwrap_or_default();
        assert!(found >= at_least, "{answer:?} only {found} times: {often:?}");
    }
}
