//! What can be typed, on either platform, and what comes of it.

use std::collections::BTreeMap;

use commands::parse::{Parsed, command_line, parse};
use commands::{answers, cards, click, forms, spec};
use operations::chat::{Act, Actor, Answer, Inbound, Line, ReplyTo, Takes};
use operations::command::{AlertAsk, Ask, Command, FormKind, Holder, Topic};
use operations::effect::Place;
use operations::ids::{GroupId, IncidentId, MessageRef, Platform, UserRef};
use operations::incident::{Mark, Role, Severity};
use operations::input::Input;
use operations::journal::Record;
use operations::state::State;

fn ann() -> Actor {
    let user = UserRef { platform: Platform::Slack, workspace: "T1".to_owned(), user: "UANN".to_owned() };
    Actor { user, name: "ann".into() }
}

fn read(text: &str) -> Command {
    command_line(text, &ann()).unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
}

fn ask(incident: Option<u32>, ask: Ask) -> Command {
    Command::Incident { incident: incident.map(IncidentId), ask }
}

#[test]
fn what_people_type_is_understood() {
    let declare = |title: &str, severity, alert: Option<u64>| Command::Declare {
        title: title.into(),
        severity,
        alert: alert.map(GroupId),
    };
    for (text, expected) in [
        ("incident", Command::Help(Topic::Incident)),
        ("incident declare", Command::Open(FormKind::Declare(None))),
        ("incident declare A-3", Command::Open(FormKind::Declare(Some(GroupId(3))))),
        ("incident declare Checkout is *down* sev:SEV2", declare("Checkout is *down*", Some(Severity::Sev2), None)),
        ("incident new \"Quoted\" --sev 1 alert:A-4", declare("\"Quoted\"", Some(Severity::Sev1), Some(4))),
        ("incident list all", Command::ListIncidents { all: true }),
        ("incident show INC-4", ask(Some(4), Ask::Show)),
        ("incident sev", ask(None, Ask::ChooseSeverity)),
        ("incident severity INC-4 2", ask(Some(4), Ask::SetSeverity(Severity::Sev2))),
        ("incident sev SEV1 inc-4", ask(Some(4), Ask::SetSeverity(Severity::Sev1))),
        ("incident role", ask(None, Ask::ChooseRole)),
        ("incident role ic", ask(None, Ask::SetRole(Role::Commander, Holder::Me))),
        ("incident role INC-4 scribe nobody", ask(Some(4), Ask::SetRole(Role::Scribe, Holder::Nobody))),
        ("incident note", Command::Open(FormKind::Note(None))),
        ("incident note The 14 tickets", ask(None, Ask::AddNote("The 14 tickets".into()))),
        ("incident update INC-4", Command::Open(FormKind::Update(Some(IncidentId(4))))),
        ("incident resolve rolled back INC-4", ask(Some(4), Ask::Resolve(Some("rolled back".into())))),
        ("incident mitigated", ask(None, Ask::Mitigate(None))),
        ("incident timeline", ask(None, Ask::ShowTimeline)),
        ("ack", Command::Alert { group: None, ask: AlertAsk::Acknowledge }),
        ("ack A-4", Command::Alert { group: Some(GroupId(4)), ask: AlertAsk::Acknowledge }),
        ("alert takeover 4", Command::Alert { group: Some(GroupId(4)), ask: AlertAsk::TakeOver }),
        ("alert", Command::ListAlerts),
        ("muster help all", Command::Help(Topic::All)),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    let Command::Incident { ask: Ask::SetRole(Role::Scribe, Holder::User(user)), .. } = read("incident role scribe <@UBOB|bob>") else {
        panic!("a mention names a person");
    };
    assert_eq!(user.user, "UBOB");
}

#[test]
fn a_mistake_says_what_to_type_instead() {
    for (text, says) in [
        ("incident declair x", "declare"),
        ("incident sev 9", "SEV1"),
        ("incident role king", "commander"),
        ("incident role scribe bob", "Mention the person"),
        ("incident action", "needs words"),
        ("alert akc", "alert"),
        ("ack INC-1", "numbered"),
        ("incidnet list", "incident"),
        ("frobnicate", "/muster help"),
    ] {
        let mistake = command_line(text, &ann()).expect_err(text).to_string();
        assert!(mistake.contains(says), "{text}: {mistake}");
    }
}

fn reply() -> ReplyTo {
    let (response_url, trigger, thread) = (None, None, None);
    ReplyTo::Slack { response_url, trigger, channel: "C1".into(), user: "UANN".to_owned(), thread }
}

fn inbound(what: Act) -> Inbound {
    Inbound { delivery: "d".to_owned(), by: ann(), channel: "C1".into(), what }
}

fn command_of(act: Act) -> Command {
    match parse(&inbound(act), &State::default()) {
        Parsed::Input { input, asked: Some(_) } => match *input {
            Input::Command { command, .. } => command,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_way_to_ask_is_read_by_one_grammar() {
    let message = MessageRef { platform: Platform::Slack, channel: "C1".into(), message: "1.1".into() };
    let expected = ask(Some(4), Ask::SetSeverity(Severity::Sev1));
    let typed = Act::Command { name: "incident".to_owned(), line: Line::Text("sev SEV1 INC-4".to_owned()), reply: reply() };
    let options = BTreeMap::from([("severity".to_owned(), "SEV1".to_owned()), ("incident".to_owned(), "INC-4".to_owned())]);
    let line = Line::Options { path: vec!["sev".to_owned()], options };
    let chosen = Act::Command { name: "incident".to_owned(), line, reply: reply() };
    let mention = Act::Mention { text: " sev SEV1 INC-4".to_owned(), message: message.clone(), reply: reply() };
    let menu = Act::Click {
        click: "incident sev INC-4".to_owned(),
        chosen: Some("SEV1".to_owned()),
        message: message.clone(),
        reply: reply(),
    };
    for act in [typed, chosen, mention, menu] {
        assert_eq!(command_of(act.clone()), expected, "{act:?}");
    }
    let values = BTreeMap::from([("title".to_owned(), "It is down".to_owned()), ("severity".to_owned(), "SEV2".to_owned())]);
    let form = Act::Submit { click: "incident declare A-3".to_owned(), values, reply: reply() };
    let declared = Command::Declare { title: "It is down".into(), severity: Some(Severity::Sev2), alert: Some(GroupId(3)) };
    assert_eq!(command_of(form), declared);
    let escaped = Act::Command { name: "incident".to_owned(), line: Line::Text("note a &lt;b&gt; &amp;lt; c".to_owned()), reply: reply() };
    assert_eq!(command_of(escaped), ask(None, Ask::AddNote("a <b> &lt; c".into())));
    let reaction = |emoji: &str| Act::Reaction { emoji: emoji.to_owned(), on: message.clone(), added: true };
    let marked = parse(&inbound(reaction("📌")), &State::default());
    assert!(matches!(marked, Parsed::Input { input, asked: None } if matches!(*input, Input::Marked { how: Mark::Reaction, .. })));
    assert_eq!(parse(&inbound(reaction("👍")), &State::default()), Parsed::Nothing);
}

#[test]
fn every_command_and_option_that_platforms_are_told_of_is_understood() {
    for command in spec::spec() {
        assert!(command.about.chars().count() <= 100);
        let whole = [(vec![], command.options.clone())];
        let subs = command.subcommands.iter().map(|sub| (vec![sub.name.to_owned()], sub.options.clone()));
        let all: Vec<_> = if command.subcommands.is_empty() { whole.into() } else { subs.collect() };
        for (path, options) in all {
            let values = options.iter().map(|option| {
                let value = match &option.takes {
                    Takes::Text => "some words".to_owned(),
                    Takes::Choice(choices) => choices[0].1.to_owned(),
                    Takes::User => "<@42>".to_owned(),
                    Takes::Incident => "INC-1".to_owned(),
                    Takes::Alert => "A-1".to_owned(),
                };
                (option.name.to_owned(), value)
            });
            let line = Line::Options { path: path.clone(), options: values.collect() };
            let read = command_of(Act::Command { name: command.name.to_owned(), line, reply: reply() });
            assert!(!matches!(read, Command::Help(_)) || path.iter().any(|it| it == "help"), "/{} {path:?}: {read:?}", command.name);
            let required_first = options.windows(2).all(|pair| pair[0].required || !pair[1].required);
            assert!(required_first, "Discord wants required options first: /{} {path:?}", command.name);
        }
    }
}

/// A state in which everything is as long and odd as it can be.
fn monstrous() -> State {
    let json = serde_json::json!([
        {"seq": 1, "at": "2026-01-01T00:00:00Z", "event": {"GroupOpened": {"group": 1, "source": "am", "key": "k", "title": "<!channel> *x* ".repeat(3000),
            "service": "s".repeat(5000), "severity": "SEV1", "source_url": "https://x.example/"}}},
        {"seq": 2, "at": "2026-01-01T00:00:00Z", "event": {"AlertFired": {"group": 1, "verdict": "Opens", "alert": {"fingerprint": "f",
            "labels": {"instance": "i".repeat(40_000)}, "annotations": {"summary": "```".repeat(20_000), "runbook_url": "https://r.example/"},
            "starts_at": "2026-01-01T00:00:00Z", "ends_at": null, "source_url": null}}}},
        {"seq": 3, "at": "2026-01-01T00:00:00Z", "event": {"IncidentDeclared": {"incident": 1, "title": "t ü!".repeat(3000), "severity": "SEV1",
            "by": {"user": {"platform": "slack", "workspace": "T", "user": "U"}, "name": "n".repeat(5000)}, "update_due": null}}},
        {"seq": 4, "at": "2026-01-01T00:00:00Z", "event": {"AlertAttached": {"incident": 1, "group": 1}}}
    ]);
    let records: Vec<Record> = serde_json::from_value(json).expect("records");
    let mut state = State::default();
    records.iter().for_each(|record| state.apply(record));
    state
}

#[test]
fn cards_and_forms_keep_their_limits_whatever_is_in_them() {
    let state = monstrous();
    let card = cards::alert(&state, GroupId(1)).expect("a card");
    let headline = cards::headline(&state, IncidentId(1), Place::Announcements(Platform::Slack)).expect("a card");
    for card in [&card, &headline] {
        assert!(card.lines.len() <= 8 && card.buttons.len() <= 5, "{card:?}");
        assert!(card.buttons.iter().all(|it| it.click.len() <= click::LONGEST && it.label.chars().count() <= 75));
        for button in &card.buttons {
            read(&button.click);
        }
    }
    for kind in [FormKind::Declare(Some(GroupId(1))), FormKind::Update(Some(IncidentId(1))), FormKind::Note(None)] {
        let form = forms::form(&state, &kind);
        assert!(form.click.len() <= click::LONGEST && form.title.chars().count() <= 24 && form.submit.chars().count() <= 24);
        assert!((1..=5).contains(&form.fields.len()) && form.fields.iter().all(|it| it.label.chars().count() <= 45));
        assert!(form.fields.iter().all(|it| it.initial.chars().count() <= 150));
    }
    let name = cards::room_name(&state.incidents[&IncidentId(1)]);
    assert!(name.len() <= 60 && name.starts_with("inc-1-") && !name.ends_with('-'), "{name}");
}

#[test]
fn what_was_asked_is_kept_in_the_buttons_that_complete_it() {
    for ask in [
        Ask::SetSeverity(Severity::Sev1),
        Ask::SetRole(Role::Commander, Holder::Me),
        Ask::Resolve(Some("rolled back".into())),
        Ask::ShowTimeline,
        Ask::WritePostmortem,
    ] {
        let line = click::line(&ask, IncidentId(4));
        assert_eq!(read(&line), Command::Incident { incident: Some(IncidentId(4)), ask }, "{line}");
    }
    let long = click::line(&Ask::Resolve(Some("x".repeat(200).as_str().into())), IncidentId(4));
    assert!(long.len() <= click::LONGEST, "{long}");
}

#[test]
fn help_fits_the_place() {
    let state = monstrous();
    let words = |reply| match answers::answer(&state, &reply) {
        Answer::Private(card) => card.words(),
        other => panic!("{other:?}"),
    };
    let elsewhere = words(operations::reply::Reply::Help(Topic::Here, None));
    let room = words(operations::reply::Reply::Help(Topic::Here, Some(IncidentId(1))));
    let all = words(operations::reply::Reply::Help(Topic::All, None));
    assert!(elsewhere.contains("/incident declare") && room.contains("/incident update"), "{elsewhere}\n{room}");
    for command in spec::spec() {
        assert!(all.contains(&format!("/{}", command.name)), "{all}");
    }
}
