//! How long the rules take to answer, in a big house: from the parsed act to what is decided.
//!
//! Ten thousand people in 300 teams, a thousand services with three environments each, 200 rules of the centre and of
//! teams, a history of two thousand deploys. One thread, nothing but memory: what is measured is the grammar, the
//! rules, and what follows from them, not a chat or a disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use operations::chat::{Act, Actor, Inbound, Line, ReplyTo};
use operations::decide::{Decision, decide};
use operations::deploy::effect::{DeployEffect, DeployOutcome};
use operations::deploy::event::DeployEvent;
use operations::deploy::{How, Kind, Looked, Nature, Plan, Stage, Target, Wanted};
use operations::effect::{Effect, Outcome};
use operations::event::Event;
use operations::ids::{DeployId, MessageRef, Platform, UserRef};
use operations::input::Input;
use operations::journal::Record;
use operations::pipeline::{Capabilities, Changes, Checks, Commit, Idempotency, RefKind, Resolved, Rollback};
use operations::policy::{Gate, Keeper};
use operations::refusal::Refusal;
use operations::settings::{Environment, Holders, Person, Seat, Service, Settings};
use operations::state::State;
use policy::{File, Policies};

const PEOPLE: usize = 10_000;
const TEAMS: usize = 300;
const SERVICES: usize = 1_000;
const RULES: usize = 200;
const HISTORY: u32 = 2_000;

/// Those who have the role that approves.
const APPROVERS: std::ops::Range<usize> = 5_000..5_100;

/// Each act is asked so often.
const TIMES: usize = 1_000;

/// Prints the figures.
pub(crate) fn policy() {
    let now: Timestamp = "2026-03-04T14:00:00Z".parse().expect("a time");
    let begun = Instant::now();
    let gate = Policies::read(&files()).unwrap_or_else(|problems| panic!("the rules hold: {problems:?}"));
    assert_eq!(gate.count(), RULES);
    println!(
        "{PEOPLE} people, {TEAMS} teams, {SERVICES} services, {RULES} rules read in {:.0} ms; {HISTORY} deploys before:",
        begun.elapsed().as_secs_f64() * 1e3
    );
    let mut state = State::default();
    state.settings = settings(Keeper::new(Arc::new(gate)));
    history(&mut state, now);

    let asks = |number: usize| (member_of(number), format!("deploy {} to production", service_name(number)));
    let mut times = Vec::new();
    for number in 0..TIMES {
        let (by, line) = asks(number);
        let (took, decided) = click(&state, by, &line, now);
        assert!(matches!(decided, Ok(Decision { ref events, .. }) if events.len() == 1), "{line}: {decided:?}");
        times.push(took);
    }
    println!("  deploy … to production, asked: {}", spread(&mut times));

    // Twenty that wait for approval, each of another service.
    let mut waiting = Vec::new();
    times.clear();
    for number in 0..20 {
        let (by, line) = asks(number);
        let (_, decided) = click(&state, by, &line, now);
        happen(&mut state, decided.expect("it is taken up"), now);
        let id = *state.deploys.last_key_value().expect("there is one").0;
        waiting.push(id);
        let effect = Effect::Deploy { deploy: id, what: DeployEffect::Plan { round: 0 } };
        let outcome = Outcome::Deploy(Box::new(DeployOutcome::Looked(looked("c1"))));
        let input = Input::Done { effect, outcome };
        for _ in 0..TIMES / 20 {
            let begun = Instant::now();
            let decided = decide(&state, &input, now).expect("outcomes are taken");
            times.push(begun.elapsed());
            assert_eq!(decided.events.len(), 2, "it is planned, and waits for approval: {decided:?}");
        }
        let decided = decide(&state, &input, now).expect("outcomes are taken");
        happen(&mut state, decided, now);
        assert!(matches!(state.deploys[&id].stage, Stage::Approving { needs: 1.., .. }), "{:?}", state.deploys[&id]);
    }
    println!("  what the rules say to its plan: {}", spread(&mut times));

    times.clear();
    for number in 0..TIMES {
        let id = waiting[number % waiting.len()];
        let (took, decided) = click(&state, approver(number), &format!("approve {id}"), now);
        let events = decided.unwrap_or_else(|refused| panic!("{id}: {refused:?}")).events;
        assert!(matches!(&events[0], Event::Deploy { what, .. } if matches!(**what, DeployEvent::Approved { .. })));
        times.push(took);
    }
    println!("  approve D-…, clicked: {}", spread(&mut times));

    times.clear();
    for number in 0..TIMES {
        let id = waiting[waiting.len() - 1];
        let (took, decided) = click(&state, stranger(number), &format!("approve {id}"), now);
        assert!(matches!(decided, Err(Refusal::NotAllowed { .. })), "{decided:?}");
        times.push(took);
    }
    println!("  the same by somebody who may not: {}", spread(&mut times));
}

/// From the parsed act to what is decided.
fn click(state: &State, by: Actor, line: &str, now: Timestamp) -> (Duration, Result<Decision, Refusal>) {
    let (name, rest) = line.split_once(' ').expect("a command and what it is about");
    let inbound = Inbound {
        delivery: "1".to_owned(),
        by,
        channel: "general".into(),
        what: Act::Command {
            name: name.to_owned(),
            line: Line::Text(rest.to_owned()),
            reply: ReplyTo::Message {
                message: MessageRef { platform: Platform::Slack, channel: "general".into(), message: "1".into() },
            },
        },
    };
    let begun = Instant::now();
    let parsed = commands::parse::parse(&inbound, state);
    let commands::parse::Parsed::Input { input, .. } = parsed else { panic!("{line} is a command") };
    let decided = decide(state, &input, now);
    (begun.elapsed(), decided)
}

fn happen(state: &mut State, decision: Decision, now: Timestamp) {
    for event in decision.events {
        let record = Record { seq: state.seq + 1, at: now, event };
        state.apply(&record);
    }
}

/// Deploys that are over, all over the place.
fn history(state: &mut State, now: Timestamp) {
    for number in 1..=HISTORY {
        let place = number as usize % SERVICES;
        let target = Target { service: service_name(place), environment: "staging".to_owned() };
        let wanted = Wanted {
            kind: Kind::Deploy,
            target,
            reference: None,
            from: None,
            release: None,
            parameters: BTreeMap::new(),
            reason: "".into(),
            dry_run: false,
            break_glass: false,
        };
        let plan = Plan::new(&wanted, looked("c1"), None, now);
        let asked = DeployEvent::Asked {
            wanted,
            by: member_of(place),
            channel: None,
            nature: Nature::Planned,
            nonce: "n".to_owned(),
            incident: None,
            after: None,
            policy: String::new(),
        };
        let ended = DeployEvent::Ended { how: How::Succeeded, why: "".into(), by: None };
        let at = now - SignedDuration::from_mins(i64::from(HISTORY - number) + 1);
        for what in
            [asked, DeployEvent::Planned { plan, rules: Vec::new() }, DeployEvent::Queued, DeployEvent::Began, ended]
        {
            let event = Event::Deploy { deploy: DeployId(number), what: Box::new(what) };
            let record = Record { seq: state.seq + 1, at, event };
            state.apply(&record);
        }
    }
}

fn looked(commit: &str) -> Looked {
    Looked {
        resolved: Resolved { commit: Commit::bare(commit), kind: RefKind::DefaultBranch },
        changes: Some(Changes { ahead: 3, ..Changes::default() }),
        checks: Checks::Passed(4),
        warnings: Vec::new(),
    }
}

fn account(number: usize, platform: Platform) -> UserRef {
    UserRef { platform, workspace: "T01".to_owned(), user: format!("U{number:06}") }
}

fn actor(number: usize) -> Actor {
    let platform = if number.is_multiple_of(2) { Platform::Slack } else { Platform::Discord };
    Actor { user: account(number, platform), name: "somebody".into() }
}

fn service_name(number: usize) -> String {
    if number.is_multiple_of(SERVICES) { "checkout".to_owned() } else { format!("service-{}", number % SERVICES) }
}

fn owner_of(service: usize) -> usize {
    service % SERVICES % TEAMS
}

/// Somebody of the team that owns a service, from the end of the file.
fn member_of(service: usize) -> Actor {
    actor(PEOPLE - TEAMS + owner_of(service))
}

/// Somebody with the role that approves.
fn approver(number: usize) -> Actor {
    actor(APPROVERS.start + number % APPROVERS.len())
}

/// Somebody who is in other teams.
fn stranger(number: usize) -> Actor {
    actor(TEAMS * 3 + 40 + number % 50)
}

fn settings(gate: Keeper) -> Settings {
    let person = |number: usize| Person {
        key: format!("person-{number}"),
        name: format!("Person {number}").as_str().into(),
        accounts: vec![account(number, Platform::Slack), account(number, Platform::Discord)],
        // Some have left, none of those who act here.
        active: !number.is_multiple_of(37) || number >= PEOPLE - TEAMS || APPROVERS.contains(&number),
    };
    let mut teams: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for number in 0..PEOPLE {
        let mut join = |team: usize| {
            teams.entry(format!("team-{}", team % TEAMS)).or_default().insert(format!("person-{number}"));
        };
        // As `owner_of` counts from the end of the file.
        join(number + TEAMS - PEOPLE % TEAMS);
        if number.is_multiple_of(5) {
            join(number * 7);
        }
    }
    let people = |range: std::ops::Range<usize>| range.map(|number| format!("person-{number}")).collect();
    let teams_of = |range: std::ops::Range<usize>| range.map(|number| format!("team-{number}")).collect();
    let roles = BTreeMap::from([
        ("deployer".to_owned(), Holders { people: people(0..50), teams: teams_of(0..20) }),
        ("approver".to_owned(), Holders { people: people(APPROVERS), teams: Default::default() }),
        ("admin".to_owned(), Holders { people: people(9_000..9_005), teams: Default::default() }),
    ]);
    let seat = |name: &str| Seat {
        workspace: "T01".to_owned(),
        alerts: format!("{name}-alerts").into(),
        incidents: format!("{name}-incidents").into(),
        operators: None,
        fallback: None,
        checkpoints: None,
        services: BTreeMap::new(),
        deploys: None,
    };
    Settings {
        chats: [(Platform::Slack, seat("slack")), (Platform::Discord, seat("discord"))].into(),
        people: (0..PEOPLE).map(person).collect(),
        teams: teams.into(),
        roles,
        services: (0..SERVICES).map(service).collect(),
        gate,
        ..Settings::default()
    }
}

fn service(number: usize) -> Service {
    let environment = |name: &str, approvals: u32, order_after: Option<&str>| Environment {
        name: name.to_owned(),
        production: name == "production",
        approvals,
        order_after: order_after.map(str::to_owned),
        pipeline: Some(Capabilities {
            resolves: true,
            compares: true,
            cancels: true,
            rollback: Rollback::Redeploy,
            idempotency: Idempotency::Find,
            rollback_idempotency: Idempotency::Find,
            ..Capabilities::named("HTTP")
        }),
        parameters: BTreeMap::new(),
        verify: None,
        on_alert: None,
    };
    let production = 1 + u32::from(number.is_multiple_of(10));
    Service {
        name: service_name(number),
        owner: Some(format!("team-{}", owner_of(number))),
        environments: vec![
            environment("test", 0, None),
            environment("staging", 0, Some("test")),
            environment("production", production, Some("staging")),
        ],
        ..Service::default()
    }
}

/// The shipped rules, ten more of the centre, and those of teams.
fn files() -> Vec<File> {
    let central = |name: &str, text: String| File { name: name.to_owned(), text, team: None };
    let mut files =
        vec![central("policies/default.cedar", policy::DEFAULT.to_owned()), central("policies/more.cedar", more())];
    let shipped = policy::DEFAULT.matches("@id(").count();
    for team in 0..RULES - shipped - MORE {
        let team = format!("team-{}", team % TEAMS);
        files.push(File { name: format!("policies/teams/{team}.cedar"), text: of_team(&team), team: Some(team) });
    }
    files
}

/// So many are in [`more`].
const MORE: usize = 10;

fn more() -> String {
    let mut text = String::new();
    for number in 0..MORE - 2 {
        text += &format!(
            "@id(\"hours-{number}\") @reason(\"Not at night in team {number}.\")\n\
             forbid (principal, action in [Action::\"deploy\", Action::\"promote\"], resource in Team::\"team-{number}\")\n\
             when {{ context.at.hour < 5 && !(principal in Role::\"admin\") }};\n"
        );
    }
    text += "@id(\"big-ones\") @reason(\"More than fifty commits take two approvals.\") @needs(\"approvals\")\n\
             forbid (principal, action == Action::\"deploy\", resource)\n\
             when { context.change.commits > 50 && resource.production && context.change.approvals.total < 2 };\n";
    text += "@id(\"one-of-the-owners\") @reason(\"One who approves is of the team that owns the service.\") @needs(\"approvals\")\n\
             forbid (principal, action == Action::\"promote\", resource)\n\
             when { resource.production && context.change.approvals.owners < 1 };\n";
    text
}

fn of_team(team: &str) -> String {
    format!(
        "@id(\"friday-evenings\") @reason(\"Not on Friday evenings.\")\n\
         forbid (principal, action in [Action::\"deploy\", Action::\"promote\"], resource in Team::\"{team}\")\n\
         when {{ context.at.weekday == Weekday::\"fri\" && context.at.hour >= 16 && !context.change.breakGlass }};\n"
    )
}

/// The median and the 99th percentile, in microseconds.
fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let at = |percent| crate::share(times, percent).as_secs_f64() * 1e3;
    format!("median {:.3} ms, p99 {:.3} ms, of {}", at(50), at(99), times.len())
}
