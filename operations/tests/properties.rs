//! What holds for any alerts and anything that people do, tried with random ones.
//!
//! The webhooks are those that Alertmanager sends for one group: each tells of all members
//! that fire and of those that ended since the one before. A failure names its seed.

use std::collections::{BTreeMap, BTreeSet};

use commands::cards;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use operations::alert::{Alert, Received, Told};
use operations::channels::Unusable;
use operations::chat::Actor;
use operations::command::{AlertAsk, Ask, Command};
use operations::decide::decide;
use operations::effect::{CardId, Effect, Outcome, Place};
use operations::ids::{ChannelId, GroupId, IncidentId, Platform, UserRef};
use operations::incident::Severity;
use operations::input::Input;
use operations::journal::Record;
use operations::labels::Labels;
use operations::settings::{Seat, Settings};
use operations::state::State;
use operations::vitals::{Link, Vitals};

/// So many seeds are tried of each property.
const SEEDS: u64 = 1_000;

/// A core without anything around it.
struct Core {
    state: State,
    now: Timestamp,
    lines: Vec<String>,
}

impl Core {
    fn new() -> Core {
        let seat = |platform: Platform| Seat {
            workspace: "W".to_owned(),
            alerts: ChannelId::from(format!("{}-alerts", platform.key())),
            incidents: ChannelId::from(format!("{}-incidents", platform.key())),
            operators: None,
            fallback: None,
            checkpoints: None,
            deploys: None,
            services: Default::default(),
        };
        let settings = Settings {
            chats: Platform::ALL.map(|platform| (platform, seat(platform))).into(),
            ask_again_after: Some(std::time::Duration::from_secs(1800)),
            update_every: [(Severity::Sev1, std::time::Duration::from_secs(1800))].into(),
            storm_at: Some(5),
            ..Settings::default()
        };
        let mut state = State::default();
        state.settings = settings;
        Core { state, now: minute(60), lines: Vec::new() }
    }

    /// Decides and folds; what is refused changes nothing.
    fn give(&mut self, input: &Input) {
        let Ok(decision) = decide(&self.state, input, self.now) else { return };
        for event in decision.events {
            let record = Record { seq: self.state.seq + 1, at: self.now, event };
            self.state.apply(&record);
            self.lines.push(serde_json::to_string(&record).expect("a record is JSON"));
        }
    }

    /// The kinds of event that there are.
    fn kinds(&self) -> BTreeSet<String> {
        let records = self.lines.iter().map(|line| serde_json::from_str(line).expect("it was written"));
        let kind = |record: serde_json::Value| record["event"].as_object()?.keys().next().cloned();
        records.filter_map(kind).collect()
    }

    /// What people see of the groups.
    fn cards(&self) -> Vec<String> {
        let ids = self.state.groups.keys();
        ids.map(|id| format!("{:#?}", cards::alert(&self.state, *id).expect("it is there"))).collect()
    }

    /// Which alerts fire, as the newest group that has one says.
    fn fires(&self) -> BTreeMap<String, bool> {
        let members = self.state.groups.values().flat_map(|group| group.members.values());
        members.map(|member| (member.alert.fingerprint.to_string(), member.firing)).collect()
    }
}

fn minute(number: i64) -> Timestamp {
    "2026-03-02T13:00:00Z".parse::<Timestamp>().expect("a time") + SignedDuration::from_mins(number)
}

/// A member of the group as Alertmanager has it.
#[derive(Clone, Copy)]
struct Member {
    number: usize,
    starts_at: Timestamp,
    ends_at: Timestamp,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Quiet,
    Fires,
    Ends,
    Ended,
}

/// What Alertmanager sends of a group from its first alert to its last resolve; perhaps not quite to that.
fn webhooks(random: &mut Rng, key: usize, begins: i64, ends: bool) -> Vec<Received> {
    let mut members: Vec<Member> = (0..random.usize(1..5))
        .map(|number| {
            let starts_at = minute(begins) + SignedDuration::from_secs(random.i64(0..300));
            // What fires at the same time has not ended before.
            let ends_at = minute(begins + 5) + SignedDuration::from_secs(random.i64(0..1_200));
            Member { number, starts_at, ends_at, stage: Stage::Quiet }
        })
        .collect();
    let mut sent = Vec::new();
    while members.iter().any(|member| member.stage != Stage::Ended) {
        let quiet = members.iter().filter(|member| member.stage == Stage::Quiet).count();
        for member in &mut members {
            member.stage = match member.stage {
                // One begins at least, so that there is something to tell.
                Stage::Quiet if sent.is_empty() || random.bool() => Stage::Fires,
                // It is over when all had their turn.
                Stage::Fires if quiet == 0 && random.bool() => Stage::Ends,
                stage => stage,
            };
        }
        let alerts = members.iter().filter(|member| matches!(member.stage, Stage::Fires | Stage::Ends)).map(told);
        sent.push(received(key, alerts.collect()));
        members.iter_mut().filter(|member| member.stage == Stage::Ends).for_each(|member| member.stage = Stage::Ended);
        if !ends && random.u8(0..8) == 0 {
            break;
        }
    }
    sent
}

fn told(member: &Member) -> Told {
    let firing = member.stage == Stage::Fires;
    let labels = [("alertname", "Disk".into()), ("severity", "high".into())];
    let alert = Alert {
        fingerprint: format!("f{}", member.number).into(),
        labels: Labels::from(labels),
        annotations: Labels::from([("summary", "it is full".into())]),
        starts_at: member.starts_at,
        ends_at: (!firing).then_some(member.ends_at),
        source_url: None,
    };
    Told { alert, firing }
}

fn received(key: usize, alerts: Vec<Told>) -> Received {
    Received {
        source: "am".into(),
        key: format!("key{key}").into(),
        group_labels: Labels::default(),
        alerts,
        truncated: 0,
        source_url: None,
    }
}

/// What a core comes to that these webhooks reach in this order, within minutes.
fn after(webhooks: &[&Received]) -> Core {
    let mut core = Core::new();
    webhooks.iter().for_each(|received| core.give(&Input::Alerts((*received).clone())));
    core
}

/// Two times of trouble with the same group.
fn two_cycles(random: &mut Rng) -> [Vec<Received>; 2] {
    let ends = random.bool();
    [webhooks(random, 0, 0, true), webhooks(random, 0, 30, ends)]
}

fn all(cycles: &[Vec<Received>; 2]) -> Vec<&Received> {
    cycles.iter().flatten().collect()
}

/// Webhooks as a person can read them: what each tells to fire and to have ended.
fn in_short(webhooks: &[&Received]) -> String {
    let alert = |told: &Told| {
        let starts = told.alert.starts_at.strftime("%M:%S");
        format!("{}{} ({starts})", told.alert.fingerprint, if told.firing { " fires" } else { " ended" })
    };
    let webhook = |it: &&Received| it.alerts.iter().map(alert).collect::<Vec<_>>().join(", ");
    webhooks.iter().map(webhook).collect::<Vec<_>>().join("\n")
}

#[test]
fn copies_of_webhooks_however_late_change_nothing_that_people_see() {
    for seed in 0..SEEDS {
        let random = &mut Rng::with_seed(seed);
        let cycles = two_cycles(random);
        let mut copied = all(&cycles);
        let expected = after(&copied);
        for _ in 0..random.usize(1..6) {
            let from = random.usize(..copied.len());
            copied.insert(random.usize(from + 1..=copied.len()), copied[from]);
        }
        let found = after(&copied);
        assert_eq!(found.cards(), expected.cards(), "seed {seed}: {}", in_short(&copied));
        assert_eq!(found.fires(), expected.fires(), "seed {seed}");
    }
}

#[test]
fn a_webhook_that_others_overtake_ends_in_what_people_see_otherwise() {
    for seed in 0..SEEDS {
        let random = &mut Rng::with_seed(seed);
        let cycles = two_cycles(random);
        let expected = after(&all(&cycles));
        let mut late = cycles;
        // Alertmanager tells of a group once more only after the webhook before was answered or given up: none is
        // under way from one time of trouble to the next.
        for cycle in &mut late {
            let from = random.usize(..cycle.len());
            let to = random.usize(from..cycle.len());
            cycle[from..=to].rotate_left(1);
        }
        let found = after(&all(&late));
        assert_eq!(found.cards(), expected.cards(), "seed {seed}: {}", in_short(&all(&late)));
    }
}

#[test]
fn in_whatever_order_webhooks_come_the_same_alerts_fire_in_the_end() {
    for seed in 0..SEEDS {
        let random = &mut Rng::with_seed(seed);
        let cycles = two_cycles(random);
        let expected = after(&all(&cycles));
        let mut shuffled = cycles;
        shuffled.iter_mut().for_each(|cycle| random.shuffle(cycle));
        let found = after(&all(&shuffled));
        assert_eq!(found.fires(), expected.fires(), "seed {seed}: {}", in_short(&all(&shuffled)));
        let open = |core: &Core| core.state.firing().count();
        assert_eq!(open(&found), open(&expected), "seed {seed}: {}", in_short(&all(&shuffled)));
    }
}

#[test]
fn a_firing_that_goes_on_after_the_time_for_late_copies_is_shown() {
    let member = Member { number: 0, starts_at: minute(0), ends_at: minute(5), stage: Stage::Fires };
    let (fires, ends) =
        (received(0, vec![told(&member)]), received(0, vec![told(&Member { stage: Stage::Ends, ..member })]));
    let mut core = after(&[&fires, &ends]);
    core.now += SignedDuration::from_mins(5);
    core.give(&Input::Alerts(fires.clone()));
    assert_eq!(core.state.firing().count(), 0, "it may be a late copy");
    core.now += SignedDuration::from_secs(1);
    core.give(&Input::Alerts(fires));
    assert_eq!(core.state.firing().count(), 1, "Alertmanager lost sight of it in between");
}

#[test]
fn a_replay_gives_the_state_that_was_also_from_a_snapshot_on() {
    let mut happened = BTreeSet::new();
    for seed in 0..SEEDS {
        let random = &mut Rng::with_seed(seed);
        let mut core = Core::new();
        // Where storms hold cards back, nothing is missed.
        core.state.settings.storm_at = random.bool().then_some(5);
        let mut sent: Vec<Received> = (0..3).flat_map(|key| webhooks(random, key, random_minute(key), true)).collect();
        random.shuffle(&mut sent);
        let mut snapshot = (0, serde_json::to_string(&core.state.stored()).expect("a state is JSON"));
        for _ in 0..40 {
            step(&mut core, random, &mut sent);
            if random.u8(0..20) == 0 {
                snapshot = (core.lines.len(), serde_json::to_string(&core.state.stored()).expect("a state is JSON"));
            }
        }
        happened.extend(core.kinds());
        let (at, snapshot) = snapshot;
        let mut from_snapshot: State = serde_json::from_str(&snapshot).expect("it can be read");
        from_snapshot.derive();
        for (mut again, from) in [(State::default(), 0), (from_snapshot, at)] {
            for line in &core.lines[from..] {
                again.apply(&serde_json::from_str(line).expect("a line can be read"));
            }
            // That something was looked at is no event.
            again.looked_at(core.now);
            core.state.looked_at(core.now);
            let json = |state: &State| serde_json::to_value(state.stored()).expect("a state is JSON");
            assert_eq!(json(&again), json(&core.state), "seed {seed}, from line {from}");
            // What is not in a snapshot shows by what is decided next.
            again.settings = core.state.settings.clone();
            for received in &sent {
                let input = Input::Alerts(received.clone());
                let decided = |state: &State| decide(state, &input, core.now).expect("alerts are taken").events;
                assert_eq!(decided(&again), decided(&core.state), "seed {seed}, from line {from}");
            }
        }
    }
    for kind in ["StormEnded", "MissedEnded", "TroubleEnded", "ChannelUsable", "CardPosted", "EffectGivenUp"] {
        assert!(happened.contains(kind), "{kind} is not among {happened:?}");
    }
}

fn random_minute(key: usize) -> i64 {
    i64::try_from(key).unwrap_or_default() * 10
}

/// What Muster may see of itself.
fn vitals(core: &Core, random: &mut Rng) -> Input {
    let platform = Platform::ALL[random.usize(..2)];
    let since = core.now - SignedDuration::from_secs([0, 30, 150, 4_000][random.usize(..4)]);
    let link = Link { up: random.bool(), since, why: "gone".to_owned() };
    Input::Vitals(Box::new(Vitals {
        at: core.now,
        oldest: random.bool().then_some((platform, since)).into_iter().collect(),
        chats: [(platform, link)].into(),
        refused: (random.u8(..8) == 0).then(|| (platform, "revoked".to_owned())).into_iter().collect(),
        disk_free: [None, Some(1 << 20), Some(100 << 20), Some(1 << 40)][random.usize(..4)],
        lag: std::time::Duration::from_secs(random.u64(..10)),
        journal_unlike: random.u8(..8) == 0,
        ..Vitals::default()
    }))
}

/// The end of something that may have been asked for.
fn ended(core: &Core, random: &mut Rng) -> Input {
    let platform = Platform::ALL[random.usize(..2)];
    let missed = core.state.missed.keys().next_back().copied();
    let (card, place) = match missed.filter(|_| random.bool()) {
        Some(missed) => (CardId::Missed(missed), Place::Missed(core.state.missed[&missed].platform, missed)),
        None => (CardId::Alert(GroupId(random.u64(1..4))), Place::Alerts(platform)),
    };
    let channel = ["slack-alerts", "discord-incidents"][random.usize(..2)];
    let message = random.u64(..100).to_string().into();
    let (effect, outcome) = match random.u8(..4) {
        0 => (Effect::ShowCard { card, place }, Outcome::GivenUp { why: "gone".to_owned() }),
        1 => (Effect::ProbeChannel { platform, channel: channel.into() }, Outcome::ChannelWorks),
        _ => (Effect::ShowCard { card, place }, Outcome::Posted { channel: channel.into(), message }),
    };
    Input::Done { effect, outcome }
}

/// Something happens.
fn step(core: &mut Core, random: &mut Rng, sent: &mut [Received]) {
    let who = ["ann", "bob"][random.usize(..2)];
    let user = UserRef { platform: Platform::Slack, workspace: "W".to_owned(), user: who.to_uppercase() };
    let by = Actor { user, name: who.into() };
    let group = Some(GroupId(random.u64(1..4)));
    let incident = Some(IncidentId(random.u32(1..3)));
    let input = match random.u8(0..14) {
        10 => {
            // More at once than is shown one by one.
            for number in 0..35 {
                let mut one = sent[0].clone();
                one.key = format!("flood{number}").into();
                core.give(&Input::Alerts(one));
            }
            vitals(core, random)
        }
        11 => vitals(core, random),
        12 => Input::ChannelRefused {
            platform: Platform::ALL[random.usize(..2)],
            channel: ["slack-alerts", "discord-incidents", "elsewhere"][random.usize(..3)].into(),
            why: [Unusable::Archived, Unusable::Forbidden][random.usize(..2)],
            said: "no".to_owned(),
        },
        13 => ended(core, random),
        0..=4 => Input::Alerts(sent[random.usize(..sent.len())].clone()),
        5 => Input::Tick,
        choice => {
            let command = match choice {
                6 => Command::Alert { group, ask: AlertAsk::Acknowledge },
                7 => Command::Declare { title: "Search".into(), severity: Some(Severity::Sev1), alert: group },
                8 => Command::Incident { incident, ask: Ask::AddNote("a note".into()) },
                _ => Command::Incident { incident, ask: Ask::Resolve(None) },
            };
            Input::Command { by, channel: None, command }
        }
    };
    core.give(&input);
    core.now += SignedDuration::from_secs([0, 1, 400, 90_000][random.usize(..4)]);
}
