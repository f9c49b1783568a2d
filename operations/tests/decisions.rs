//! What follows from what: the core's own stories, told in microseconds.

use jiff::{SignedDuration, Timestamp};
use operations::alert::{Alert, Received, Told};
use operations::chat::{Actor, Captured};
use operations::checkpoint::{Checkpoint, Ledger};
use operations::command::{AlertAsk, Ask, Command, FormKind, Holder};
use operations::decide::decide;
use operations::effect::{CardId, Effect, Outcome, Place};
use operations::event::Event;
use operations::ids::{ChannelId, GroupId, IncidentId, MessageId, MessageRef, Platform, UserRef};
use operations::incident::{Mark, Role, Severity, Status};
use operations::input::Input;
use operations::journal::{Hash, Record};
use operations::labels::Labels;
use operations::policy::{Gate, Keeper, On, Question, Ruling, Verb};
use operations::react::react;
use operations::refusal::Refusal;
use operations::settings::{Person, Seat, Settings};
use operations::state::State;
use operations::triage::Verdict;
use operations::vitals::{Trouble, Vitals};

/// A core without anything around it.
struct Core {
    state: State,
    now: Timestamp,
    effects: Vec<Effect>,
    records: Vec<Record>,
}

impl Core {
    fn new() -> Core {
        let seat = |name: &str| Seat {
            workspace: "W".to_owned(),
            alerts: ChannelId::from(format!("{name}-alerts")),
            incidents: ChannelId::from(format!("{name}-incidents")),
            operators: None,
            fallback: None,
            checkpoints: None,
            deploys: None,
            services: Default::default(),
        };
        let ann = Person {
            key: "ann".to_owned(),
            name: "Ann".into(),
            accounts: vec![user(Platform::Slack, "UANN"), user(Platform::Discord, "11")],
            active: true,
        };
        let settings = Settings {
            chats: [(Platform::Slack, seat("slack")), (Platform::Discord, seat("discord"))].into(),
            people: vec![ann].into(),
            ask_again_after: Some(std::time::Duration::from_secs(1800)),
            update_every: [(Severity::Sev1, std::time::Duration::from_secs(1800))].into(),
            ..Settings::default()
        };
        let mut state = State::default();
        state.settings = settings;
        Core { state, now: "2026-03-02T14:00:00Z".parse().expect("a time"), effects: Vec::new(), records: Vec::new() }
    }

    /// Decides, folds, and collects the effects.
    fn give(&mut self, input: &Input) -> Result<Vec<Event>, Refusal> {
        let decision = decide(&self.state, input, self.now)?;
        for event in &decision.events {
            let record = Record { seq: self.state.seq + 1, at: self.now, event: event.clone() };
            self.state.apply(&record);
            self.effects.extend(react(&self.state, &record));
            self.records.push(record);
        }
        Ok(decision.events)
    }

    fn command(&mut self, by: &Actor, channel: &str, command: Command) -> Result<Vec<Event>, Refusal> {
        self.give(&Input::Command { by: by.clone(), channel: Some(channel.into()), command })
    }

    fn ask(&mut self, by: &Actor, ask: Ask) -> Result<Vec<Event>, Refusal> {
        self.command(by, "elsewhere", Command::Incident { incident: Some(IncidentId(1)), ask })
    }

    fn declare(&mut self) {
        let command = Command::Declare { title: "Search is slow".into(), severity: None, alert: None };
        self.command(&ann(), "elsewhere", command).expect("it can be declared");
    }

    fn alerts(&mut self, members: &[(&str, bool, i64)], truncated: u32) -> Vec<Event> {
        self.give(&Input::Alerts(received(members, truncated))).expect("alerts are never refused")
    }

    fn incident(&self) -> &operations::incident::Incident {
        &self.state.incidents[&IncidentId(1)]
    }
}

fn user(platform: Platform, id: &str) -> UserRef {
    UserRef { platform, workspace: "W".to_owned(), user: id.to_owned() }
}

fn ann() -> Actor {
    Actor { user: user(Platform::Slack, "UANN"), name: "ann".into() }
}

fn bob() -> Actor {
    Actor { user: user(Platform::Discord, "22"), name: "bob".into() }
}

/// Members as (fingerprint, firing, minutes after the hour at which it started).
fn received(members: &[(&str, bool, i64)], truncated: u32) -> Received {
    let hour: Timestamp = "2026-03-02T13:00:00Z".parse().expect("a time");
    let told = |(fingerprint, firing, minute): &(&str, bool, i64)| Told {
        alert: Alert {
            fingerprint: (*fingerprint).into(),
            labels: Labels::from([
                ("alertname", "Disk".into()),
                ("service", "db".into()),
                ("severity", "critical".into()),
            ]),
            annotations: Labels::default(),
            starts_at: hour + SignedDuration::from_mins(*minute),
            ends_at: (!firing).then(|| hour + SignedDuration::from_mins(minute + 5)),
            source_url: None,
        },
        firing: *firing,
    };
    Received {
        source: "am".into(),
        key: "disk".into(),
        group_labels: Labels::default(),
        alerts: members.iter().map(told).collect(),
        truncated,
        source_url: None,
    }
}

fn verdicts(events: &[Event]) -> Vec<Verdict> {
    events
        .iter()
        .filter_map(|event| if let Event::AlertFired { verdict, .. } = event { Some(*verdict) } else { None })
        .collect()
}

#[test]
fn a_group_opens_once_and_is_shown_on_every_chat() {
    let mut core = Core::new();
    let events = core.alerts(&[("a", true, 0), ("b", true, 0)], 0);
    assert_eq!(verdicts(&events), [Verdict::Opens, Verdict::Joins]);
    let group = &core.state.groups[&GroupId(1)];
    assert_eq!((group.severity, group.service.as_ref().map(|it| it.as_str())), (Severity::Sev1, Some("db")));
    for platform in Platform::ALL {
        let show = Effect::ShowCard { card: CardId::Alert(GroupId(1)), place: Place::Alerts(platform) };
        assert!(core.effects.contains(&show), "{show:?}");
    }
}

#[test]
fn copies_late_or_early_change_nothing() {
    let mut core = Core::new();
    let unheard = core.alerts(&[("a", false, -10)], 0);
    assert!(matches!(unheard.as_slice(), [Event::UnheardResolved { .. }]), "a resolve without its firing: {unheard:?}");
    assert_eq!(core.alerts(&[("a", false, -10)], 0), [], "a copy of it");
    assert!(core.state.groups.is_empty());
    core.alerts(&[("a", true, 0)], 0);
    let repeated = core.alerts(&[("a", true, 0)], 0);
    assert_eq!(repeated, [Event::AlertsRepeated { group: GroupId(1), fingerprints: vec!["a".into()] }]);
    core.alerts(&[("b", true, 0)], 0);
    core.alerts(&[("a", false, 0)], 0);
    assert_eq!(core.alerts(&[("a", true, 0)], 0), [], "an old firing after its resolve");
    assert_eq!(verdicts(&core.alerts(&[("a", true, 10)], 0)), [Verdict::Joins], "a new start is a new firing");
}

#[test]
fn a_firing_that_is_told_with_an_earlier_beginning_goes_on_and_ends() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 10)], 0);
    // Of two Prometheus servers, the second one saw it first.
    assert_eq!(verdicts(&core.alerts(&[("a", true, 8)], 0)), [Verdict::Updates]);
    assert_eq!(core.alerts(&[("a", false, 2)], 0), [], "an end from before it began");
    let events = core.alerts(&[("a", false, 8)], 0);
    assert!(events.contains(&Event::GroupResolved { group: GroupId(1) }), "{events:?}");
    core.now += SignedDuration::from_mins(20);
    core.alerts(&[("a", true, 40)], 0);
    assert_eq!(core.alerts(&[("a", true, 8)], 0), [], "a copy from the time before");
    assert_eq!(core.alerts(&[("a", false, 8)], 0), [], "and of its end");
}

/// Refuses one thing.
#[derive(Debug)]
struct Refuses(Verb, On);

impl Gate for Refuses {
    fn rule(&self, _: &Settings, question: &Question<'_>) -> Ruling {
        if question.verb == self.0 && *question.on == self.1 {
            return Ruling::Refused { rules: Vec::new(), who: Vec::new() };
        }
        Ruling::Allowed(Vec::new())
    }

    fn version(&self) -> &str {
        "refuses"
    }

    fn count(&self) -> usize {
        1
    }
}

#[test]
fn the_rules_are_asked_about_the_very_thing_that_is_meant() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0)], 0);
    core.declare();
    let incident = || On::Incident(IncidentId(1), Vec::new());
    let alert = |group, ask| Command::Alert { group, ask };
    let of = |incident, ask| Command::Incident { incident, ask };
    let room = |core: &mut Core| {
        let (platform, channel) = (Platform::Slack, "room".into());
        let event = Event::RoomOpened { incident: IncidentId(1), platform, channel, name: "room".into() };
        core.state.apply(&Record { seq: core.state.seq + 1, at: core.now, event });
    };
    room(&mut core);
    let service = || On::Service("db".to_owned());
    for (verb, on, channel, command) in [
        (Verb::Acknowledge, service(), "x", alert(None, AlertAsk::Acknowledge)),
        (Verb::Acknowledge, service(), "x", alert(Some(GroupId(1)), AlertAsk::TakeOver)),
        (Verb::View, service(), "x", alert(Some(GroupId(1)), AlertAsk::Show)),
        (Verb::Work, incident(), "room", of(None, Ask::Resolve(None))),
        (Verb::Work, incident(), "x", of(Some(IncidentId(1)), Ask::ChooseRole)),
        (Verb::View, incident(), "room", of(None, Ask::ShowTimeline)),
        (Verb::Work, incident(), "room", Command::Open(FormKind::Note(None))),
        (Verb::Declare, service(), "x", Command::Open(FormKind::Declare(Some(GroupId(1))))),
        (Verb::Declare, On::Workspace, "x", Command::Open(FormKind::Declare(None))),
        (Verb::View, On::Workspace, "x", Command::ListAlerts),
        (Verb::View, On::Workspace, "x", Command::ListIncidents { all: true }),
        (Verb::View, On::Workspace, "x", Command::Help(operations::command::Topic::Here)),
        (Verb::View, On::Workspace, "x", Command::Status),
    ] {
        core.state.settings.gate = Keeper::new(std::sync::Arc::new(Refuses(verb, on.clone())));
        let refused = core.command(&ann(), channel, command.clone());
        let expected = Refusal::NotAllowed { verb, on, rules: Vec::new(), who: Vec::new() };
        assert_eq!(refused, Err(expected), "{command:?}");
    }
    // What nobody may see is not offered either.
    core.state.settings.gate = Keeper::new(std::sync::Arc::new(Refuses(Verb::View, service())));
    let offered = core.command(&ann(), "x", alert(None, AlertAsk::Acknowledge));
    assert_eq!(offered, Err(Refusal::WhichAlert { firing: Vec::new(), ask: AlertAsk::Acknowledge }));
    core.state.settings.gate = Keeper::new(std::sync::Arc::new(Refuses(Verb::View, incident())));
    let offered = core.command(&ann(), "x", of(None, Ask::Show));
    assert_eq!(offered, Err(Refusal::WhichIncident { open: Vec::new(), resolved: Vec::new(), ask: Ask::Show }));
    // Nor does writing in a room, or taking care of an alert, make somebody take part who may not work it.
    core.state.settings.gate = Keeper::new(std::sync::Arc::new(Refuses(Verb::Work, incident())));
    let wrote = Input::Wrote { by: Actor { user: user(Platform::Slack, "UBOB"), ..bob() }, channel: "room".into() };
    assert_eq!(core.give(&wrote), Ok(vec![]));
}

#[test]
fn on_a_full_disk_everything_can_be_looked_at_and_nothing_be_changed() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0)], 0);
    core.declare();
    core.state.troubles.insert(Trouble::DiskFull, core.now);
    for ask in [Ask::Show, Ask::ShowTimeline] {
        assert_eq!(core.ask(&ann(), ask.clone()), Ok(vec![]), "{ask:?}");
    }
    let alert = |ask| Command::Alert { group: Some(GroupId(1)), ask };
    assert_eq!(core.command(&ann(), "x", alert(AlertAsk::Show)), Ok(vec![]));
    assert_eq!(core.command(&ann(), "x", alert(AlertAsk::Acknowledge)), Err(Refusal::DiskFull));
    assert_eq!(core.ask(&ann(), Ask::AddNote("x".into())), Err(Refusal::DiskFull));
    assert_eq!(core.command(&ann(), "x", Command::Open(FormKind::Declare(None))), Err(Refusal::DiskFull));
}

#[test]
fn a_card_that_is_posted_elsewhere_after_its_channel_is_right_again_leaves_no_live_one_behind() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0)], 0);
    let show = Effect::ShowCard { card: CardId::Alert(GroupId(1)), place: Place::Alerts(Platform::Slack) };
    let posted = |core: &mut Core, channel: &str, message: &str| {
        let outcome = Outcome::Posted { channel: channel.into(), message: message.into() };
        core.effects.clear();
        core.give(&Input::Done { effect: show.clone(), outcome }).expect("outcomes are taken");
        core.effects.clone()
    };
    assert_eq!(posted(&mut core, "slack-incidents", "1"), []);
    let left = MessageRef { platform: Platform::Slack, channel: "slack-incidents".into(), message: "1".into() };
    assert_eq!(posted(&mut core, "slack-alerts", "2"), [Effect::RetireCard { message: left }]);
    assert_eq!(core.state.left, [], "nothing is left to be done");
}

#[test]
fn what_was_never_to_be_shown_on_a_chat_is_not_missed_there() {
    let mut core = Core::new();
    let sees = |core: &mut Core, oldest: Timestamp| {
        let vitals = Vitals { at: core.now, oldest: [(Platform::Discord, oldest)].into(), ..Vitals::default() };
        let events = core.give(&Input::Vitals(Box::new(vitals))).expect("never refused");
        events.into_iter().filter(|event| matches!(event, Event::MissedBegan { .. })).count()
    };
    for number in 0..40 {
        let told = Received { key: format!("disk{number}").into(), ..received(&[("a", true, 0)], 0) };
        core.give(&Input::Alerts(told)).expect("alerts are never refused");
    }
    core.now += SignedDuration::from_mins(10);
    let later = core.now - SignedDuration::from_mins(5);
    assert_eq!(sees(&mut core, later), 0, "what waits is younger than all of them");
    let first = core.now - SignedDuration::from_mins(10);
    assert_eq!(sees(&mut core, first), 1);
}

#[test]
fn a_group_is_resolved_with_its_last_member_and_not_while_some_are_left_out() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0), ("b", true, 0)], 0);
    let events = core.alerts(&[("a", false, 0)], 0);
    assert!(!events.contains(&Event::GroupResolved { group: GroupId(1) }), "{events:?}");
    let events = core.alerts(&[("b", false, 0)], 3);
    assert!(!events.contains(&Event::GroupResolved { group: GroupId(1) }), "three were left out: {events:?}");
    let events = core.alerts(&[("a", false, 0), ("b", false, 0)], 0);
    assert!(events.contains(&Event::GroupResolved { group: GroupId(1) }), "{events:?}");
    core.alerts(&[("a", true, 30)], 0);
    assert_eq!(core.state.last_group, 2, "what fires after that is a new group");
}

#[test]
fn the_second_one_to_acknowledge_is_told_who_was_first() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0)], 0);
    let acknowledge = |ask| Command::Alert { group: None, ask };
    core.command(&bob(), "x", acknowledge(AlertAsk::Acknowledge)).expect("bob is first");
    let named = Command::Alert { group: Some(GroupId(1)), ask: AlertAsk::Acknowledge };
    let refused = core.command(&ann(), "x", named).expect_err("ann is second");
    assert!(matches!(refused, Refusal::AlreadyAcknowledged { by, .. } if by == bob()));
    core.command(&ann(), "x", acknowledge(AlertAsk::TakeOver)).expect("she can take over");
    let on_discord = Actor { user: user(Platform::Discord, "11"), name: "ann".into() };
    let again = core.command(&on_discord, "x", acknowledge(AlertAsk::TakeOver));
    assert!(again.is_err(), "the same person on the other chat has it already");
    core.command(&on_discord, "x", acknowledge(AlertAsk::Unacknowledge)).expect("and can give it back");
}

#[test]
fn an_acknowledgement_is_asked_about_once_while_it_fires() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0)], 0);
    core.command(&bob(), "x", Command::Alert { group: None, ask: AlertAsk::Acknowledge }).expect("it fires");
    core.now += SignedDuration::from_mins(29);
    assert_eq!(core.give(&Input::Tick), Ok(vec![]));
    core.now += SignedDuration::from_mins(1);
    assert_eq!(core.give(&Input::Tick), Ok(vec![Event::AcknowledgementAsked { group: GroupId(1) }]));
    assert_eq!(core.give(&Input::Tick), Ok(vec![]), "once");
}

#[test]
fn declaring_needs_nothing_and_asks_for_rooms_and_headlines() {
    let mut core = Core::new();
    core.declare();
    for platform in Platform::ALL {
        assert!(core.effects.contains(&Effect::OpenRoom { incident: IncidentId(1), platform }));
        let card = CardId::Headline(IncidentId(1));
        assert!(core.effects.contains(&Effect::ShowCard { card, place: Place::Announcements(platform) }));
    }
    assert_eq!(core.incident().responders.len(), 1);
    let empty = Command::Declare { title: "  ".into(), severity: None, alert: None };
    assert_eq!(core.command(&ann(), "x", empty), Err(Refusal::Empty("title")));
}

#[test]
fn an_opened_room_gets_the_headline_its_pin_and_its_people() {
    let mut core = Core::new();
    core.declare();
    core.effects.clear();
    let effect = Effect::OpenRoom { incident: IncidentId(1), platform: Platform::Slack };
    let outcome = Outcome::RoomOpened { channel: "CROOM".into(), name: "inc-1".to_owned() };
    core.give(&Input::Done { effect, outcome }).expect("an outcome is never refused");
    let place = Place::Room(Platform::Slack, IncidentId(1));
    let card = CardId::Headline(IncidentId(1));
    assert!(core.effects.contains(&Effect::ShowCard { card, place }));
    assert!(core.effects.contains(&Effect::Invite { incident: IncidentId(1), user: ann().user }));
    let outcome = Outcome::Posted { channel: "CROOM".into(), message: MessageId::from("1.1") };
    core.give(&Input::Done { effect: Effect::ShowCard { card, place }, outcome }).expect("an outcome is never refused");
    assert!(core.effects.contains(&Effect::PinCard { card, place }));
    // In the room nobody has to say which incident is meant.
    let command = Command::Incident { incident: None, ask: Ask::SetSeverity(Severity::Sev1) };
    core.command(&ann(), "CROOM", command.clone()).expect("the room says which");
    let elsewhere = core.command(&ann(), "elsewhere", command).expect_err("elsewhere it must be said");
    assert!(matches!(elsewhere, Refusal::WhichIncident { open, .. } if open == [IncidentId(1)]));
}

#[test]
fn statuses_move_only_where_they_can() {
    let mut core = Core::new();
    core.declare();
    assert_eq!(core.ask(&ann(), Ask::Reopen(None)), Err(Refusal::NotResolved(IncidentId(1))));
    core.ask(&ann(), Ask::Mitigate(None)).expect("it can be mitigated");
    assert_eq!(core.ask(&ann(), Ask::Mitigate(None)), Err(Refusal::AlreadyIs(IncidentId(1), Status::Mitigated)));
    core.ask(&ann(), Ask::Resolve(None)).expect("it can be resolved");
    assert_eq!(core.ask(&ann(), Ask::SetSeverity(Severity::Sev1)), Err(Refusal::IsResolved(IncidentId(1))));
    core.ask(&ann(), Ask::AddNote("afterwards".into())).expect("a note can be added for ever");
    core.ask(&ann(), Ask::Reopen(None)).expect("it can be reopened");
    assert_eq!((core.incident().status, core.incident().resolved_at), (Status::Investigating, None));
}

#[test]
fn a_role_is_with_one_person_at_a_time() {
    let mut core = Core::new();
    core.declare();
    core.ask(&ann(), Ask::SetRole(Role::Commander, Holder::Me)).expect("she takes it");
    let again = core.ask(&ann(), Ask::SetRole(Role::Commander, Holder::Me));
    assert!(matches!(again, Err(Refusal::AlreadyRole(..))));
    core.ask(&ann(), Ask::SetRole(Role::Commander, Holder::User(bob().user))).expect("she gives it away");
    assert_eq!(core.incident().roles[&Role::Commander].user, bob().user);
    core.ask(&bob(), Ask::SetRole(Role::Commander, Holder::Nobody)).expect("he frees it");
    assert!(core.incident().roles.is_empty());
}

#[test]
fn how_a_checkpoint_ended_is_no_event_or_there_would_be_a_next_one_for_ever() {
    let mut core = Core::new();
    let checkpoint = Checkpoint::unsigned(7, Hash::GENESIS, core.now, String::new());
    let of =
        |seq, ledger| Effect::Checkpoint { ledger, checkpoint: Box::new(Checkpoint { seq, ..checkpoint.clone() }) };
    for ledger in [Ledger::Chat(Platform::Slack, "C1".into()), Ledger::Wiki] {
        for outcome in [Outcome::Done, Outcome::GivenUp { why: "the channel is gone".to_owned() }, Outcome::Lost] {
            let effect = of(7, ledger.clone());
            assert_eq!(core.give(&Input::Done { effect, outcome }), Ok(vec![]));
        }
        assert_eq!(of(7, ledger.clone()).key(), of(8, ledger).key(), "the newer takes the older's place");
    }
}

#[test]
fn a_marked_message_stands_at_its_own_time_once_and_goes_when_unmarked() {
    let mut core = Core::new();
    core.declare();
    let effect = Effect::OpenRoom { incident: IncidentId(1), platform: Platform::Slack };
    let outcome = Outcome::RoomOpened { channel: "CROOM".into(), name: "inc-1".to_owned() };
    core.give(&Input::Done { effect, outcome }).expect("an outcome is never refused");
    let message = MessageRef { platform: Platform::Slack, channel: "CROOM".into(), message: "5.5".into() };
    let mark = |how, added| Input::Marked { by: bob(), message: message.clone(), how, added };
    core.give(&mark(Mark::Pin, true)).expect("a mark is never refused");
    assert_eq!(core.give(&mark(Mark::Reaction, true)), Ok(vec![]), "once");
    let captured = Captured {
        message: message.clone(),
        author: ann(),
        at: core.now - SignedDuration::from_mins(3),
        text: "it began here".into(),
        link: "https://x/".to_owned(),
    };
    let effect = Effect::Capture { incident: IncidentId(1), message: message.clone(), by: bob(), how: Mark::Pin };
    core.give(&Input::Done { effect, outcome: Outcome::Captured(captured) }).expect("an outcome is never refused");
    let first = &core.incident().timeline[0];
    assert_eq!(first.quote.as_ref().map(|quote| quote.as_str()), Some("it began here"), "it is before the declaration");
    core.give(&mark(Mark::Pin, false)).expect("a mark is never refused");
    assert!(core.incident().kept.is_empty() && core.incident().timeline.iter().all(|entry| entry.message.is_none()));
    let unknown = MessageRef { channel: "elsewhere".into(), ..message };
    assert_eq!(core.give(&Input::Marked { by: bob(), message: unknown, how: Mark::Pin, added: true }), Ok(vec![]));
}

#[test]
fn an_alert_joins_the_incident_with_its_own_beginning() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0)], 0);
    let declare = Command::Declare { title: "Disk".into(), severity: None, alert: Some(GroupId(1)) };
    core.command(&ann(), "x", declare.clone()).expect("it can be declared");
    assert_eq!(core.incident().severity, Severity::Sev1, "the alert's severity");
    assert!(core.incident().timeline[0].at < core.incident().declared_at, "the alert was first");
    assert_eq!(core.command(&bob(), "x", declare), Err(Refusal::AlreadyDeclared(GroupId(1), IncidentId(1))));
    let form = Command::Open(FormKind::Declare(Some(GroupId(1))));
    assert!(core.command(&bob(), "x", form).is_err());
}

#[test]
fn a_failed_side_effect_is_shown_and_never_shows_itself_for_ever() {
    let mut core = Core::new();
    core.declare();
    core.effects.clear();
    let effect = Effect::OpenRoom { incident: IncidentId(1), platform: Platform::Slack };
    let outcome = Outcome::GivenUp { why: "missing_scope".to_owned() };
    core.give(&Input::Done { effect, outcome }).expect("an outcome is never refused");
    assert!(core.incident().failed.values().any(|why| why.contains("missing_scope")));
    assert!(!core.effects.is_empty(), "the headline tells of it");
    core.effects.clear();
    let card = CardId::Headline(IncidentId(1));
    let effect = Effect::ShowCard { card, place: Place::Announcements(Platform::Slack) };
    core.give(&Input::Done { effect, outcome: Outcome::GivenUp { why: "x".to_owned() } }).expect("never refused");
    assert_eq!(core.effects, [], "or it would never end");
}

#[test]
fn a_replay_gives_the_same_state_whatever_the_configuration() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0), ("b", true, 0)], 0);
    let declare = Command::Declare { title: "Disk".into(), severity: None, alert: Some(GroupId(1)) };
    core.command(&ann(), "x", declare).expect("it can be declared");
    core.ask(&bob(), Ask::PostUpdate("on it".into())).expect("it is open");
    core.ask(&bob(), Ask::AddAction("alert earlier".into())).expect("it is open");
    core.ask(&bob(), Ask::Resolve(None)).expect("it is open");
    let mut replayed = State::default();
    for record in &core.records {
        let line = serde_json::to_string(record).expect("a record is JSON");
        replayed.apply(&serde_json::from_str(&line).expect("and is read again"));
    }
    let json = |state: &State| serde_json::to_string(state).expect("a state is JSON");
    assert_eq!(json(&replayed), json(&core.state));
    // A snapshot brings everything back, derived parts too.
    let mut restored: State = serde_json::from_str(&json(&core.state)).expect("a snapshot is read");
    restored.derive();
    assert_eq!(restored.open_group("am", "disk").map(|group| group.id), Some(GroupId(1)));
}

#[test]
fn resolved_groups_without_an_incident_are_forgotten_after_a_day() {
    let mut core = Core::new();
    core.alerts(&[("a", true, 0)], 0);
    core.alerts(&[("a", false, 0)], 0);
    assert_eq!(core.state.groups.len(), 1);
    core.now += SignedDuration::from_hours(25);
    core.give(&Input::Started { version: "1".to_owned() }).expect("never refused");
    assert_eq!(core.state.groups.len(), 0);
}
