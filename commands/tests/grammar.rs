//! What can be typed, clicked and filled in, and what comes of it.

mod world;

use std::collections::BTreeMap;

use commands::mistake::Mistake;
use commands::parse::{Asker, Parsed, command_line, parse};
use commands::{click, spec};
use operations::chat::{Act, Answer, Line, OptionSpec, Takes};
use operations::command::{AlertAsk, Ask, Command, FormKind, Holder, Topic};
use operations::ids::{GroupId, IncidentId, Platform};
use operations::incident::{Mark, Role, Severity};
use operations::input::Input;
use operations::state::State;
use world::{World, ann, inbound, message, reply, user};

/// Reads a line that Ann typed outside of any room.
fn line(text: &str) -> Result<Command, Mistake> {
    let world = World::new();
    let by = ann();
    command_line(text, Asker { by: &by, state: &world.state, here: None })
}

fn read(text: &str) -> Command {
    line(text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
}

/// What an act in a channel asks for; the words that a mistake is answered with.
fn asked(state: &State, channel: &str, act: Act) -> Result<Command, String> {
    let Parsed::Input { input, asked: Some(asked) } = parse(&inbound(channel, act), state) else {
        panic!("somebody asked and is answered");
    };
    match (*input, asked.answer) {
        (Input::Command { command, .. }, None) => Ok(command),
        (Input::Misunderstood, Some(Answer::Private(card))) => Err(card.words()),
        other => panic!("a mistake is answered to the asker alone: {other:?}"),
    }
}

fn typed(text: &str) -> Act {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    Act::Command { name: name.to_owned(), line: Line::Text(rest.to_owned()), reply: reply() }
}

fn ask(incident: Option<u32>, ask: Ask) -> Command {
    Command::Incident { incident: incident.map(IncidentId), ask }
}

fn declare(title: &str, severity: Option<Severity>, alert: Option<u64>) -> Command {
    Command::Declare { title: title.into(), severity, alert: alert.map(GroupId) }
}

#[test]
fn declaring_and_listing() {
    for (text, expected) in [
        ("incident", Command::Help(Topic::Incident)),
        ("/incident help", Command::Help(Topic::Incident)),
        ("incident declare", Command::Open(FormKind::Declare(None))),
        ("incident declare A-3", Command::Open(FormKind::Declare(Some(GroupId(3))))),
        ("incident declare alert:A-3", Command::Open(FormKind::Declare(Some(GroupId(3))))),
        ("incident declare A-3 is flapping", declare("A-3 is flapping", None, None)),
        ("incident declare Checkout  is *down* sev:SEV2", declare("Checkout  is *down*", Some(Severity::Sev2), None)),
        ("incident new \"Quoted\" --sev 1 alert:A-4", declare("\"Quoted\"", Some(Severity::Sev1), Some(4))),
        ("INCIDENT Declare severity:critical It's “down”", declare("It's “down”", Some(Severity::Sev1), None)),
        ("incident declare sev: 2 Search: who: is slow", declare("Search: who: is slow", Some(Severity::Sev2), None)),
        ("incident declare Checkout is down sev1", declare("Checkout is down", Some(Severity::Sev1), None)),
        ("incident declare Shard 2", declare("Shard 2", None, None)),
        ("incident declare <@U1> says <!channel> & co", declare("<@U1> says <!channel> & co", None, None)),
        ("incident list", Command::ListIncidents { all: false }),
        ("incident ls ALL", Command::ListIncidents { all: true }),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn working_an_incident() {
    for (text, expected) in [
        ("incident show INC-4", ask(Some(4), Ask::Show)),
        ("incident show 4", ask(Some(4), Ask::Show)),
        ("incident INC-4", ask(Some(4), Ask::Show)),
        ("incident INC-4 resolve it is over", ask(Some(4), Ask::Resolve(Some("it is over".into())))),
        ("incident sev", ask(None, Ask::ChooseSeverity)),
        ("incident sev INC-4", ask(Some(4), Ask::ChooseSeverity)),
        ("incident severity INC-4 2", ask(Some(4), Ask::SetSeverity(Severity::Sev2))),
        ("incident sev SEV1 inc-4", ask(Some(4), Ask::SetSeverity(Severity::Sev1))),
        ("incident sev minor", ask(None, Ask::SetSeverity(Severity::Sev3))),
        ("incident sev --severity p1 incident:4", ask(Some(4), Ask::SetSeverity(Severity::Sev1))),
        ("incident role", ask(None, Ask::ChooseRole)),
        ("incident role ic", ask(None, Ask::SetRole(Role::Commander, Holder::Me))),
        ("incident ic", ask(None, Ask::SetRole(Role::Commander, Holder::Me))),
        ("incident role INC-4 scribe nobody", ask(Some(4), Ask::SetRole(Role::Scribe, Holder::Nobody))),
        ("incident role comms ME inc4", ask(Some(4), Ask::SetRole(Role::Communications, Holder::Me))),
        (
            "incident role scribe <@UBOB|bob>",
            ask(None, Ask::SetRole(Role::Scribe, Holder::User(user(Platform::Slack, "UBOB")))),
        ),
        (
            "incident ic to <@UX> INC-4",
            ask(Some(4), Ask::SetRole(Role::Commander, Holder::User(user(Platform::Slack, "UX")))),
        ),
        (
            "incident role scribe @bob",
            ask(None, Ask::SetRole(Role::Scribe, Holder::User(user(Platform::Slack, "UBOB")))),
        ),
        ("incident note", Command::Open(FormKind::Note(None))),
        ("incident note The 14  tickets", ask(None, Ask::AddNote("The 14  tickets".into()))),
        (
            "incident note two\nlines, sev:1 text:x who:me",
            ask(None, Ask::AddNote("two\nlines, sev:1 text:x who:me".into())),
        ),
        ("incident note INC-4: looks like INC-3", ask(Some(4), Ask::AddNote("looks like INC-3".into()))),
        ("incident note looks like incident:noise", ask(None, Ask::AddNote("looks like incident:noise".into()))),
        ("incident update INC-4", Command::Open(FormKind::Update(Some(IncidentId(4))))),
        ("incident update It runs INC-4", ask(Some(4), Ask::PostUpdate("It runs".into()))),
        ("incident action Alert on 5xx", ask(None, Ask::AddAction("Alert on 5xx".into()))),
        ("incident mitigated", ask(None, Ask::Mitigate(None))),
        ("incident resolve rolled back INC-4", ask(Some(4), Ask::Resolve(Some("rolled back".into())))),
        ("incident reopen 5 of 7 are back", ask(None, Ask::Reopen(Some("5 of 7 are back".into())))),
        ("incident timeline", ask(None, Ask::ShowTimeline)),
        ("incident postmortem INC-4", ask(Some(4), Ask::WritePostmortem)),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn alerts_and_help() {
    let alert = |group: Option<u64>, ask| Command::Alert { group: group.map(GroupId), ask };
    for (text, expected) in [
        ("alert", Command::ListAlerts),
        ("alert list", Command::ListAlerts),
        ("alert A-4", alert(Some(4), AlertAsk::Show)),
        ("alert A-4 ack", alert(Some(4), AlertAsk::Acknowledge)),
        ("alert why a4", alert(Some(4), AlertAsk::Show)),
        ("alert ack", alert(None, AlertAsk::Acknowledge)),
        ("alert unack alert:A-4", alert(Some(4), AlertAsk::Unacknowledge)),
        ("alert takeover 4", alert(Some(4), AlertAsk::TakeOver)),
        ("ack", alert(None, AlertAsk::Acknowledge)),
        ("ack A-4, I am on it", alert(Some(4), AlertAsk::Acknowledge)),
        ("ack help", Command::Help(Topic::Alert)),
        ("muster", Command::Help(Topic::Here)),
        ("muster help", Command::Help(Topic::Here)),
        ("muster help all", Command::Help(Topic::All)),
        ("muster help alerts", Command::Help(Topic::Alert)),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn a_mistake_says_what_to_type_instead() {
    for (text, says) in [
        ("incident declair x", "/incident declare"),
        ("incident resovle", "/incident resolve"),
        ("incident declare x sev:9", "SEV1"),
        ("incident declare x alert:disk", "A-1"),
        ("incident sev 9", "SEV1"),
        ("incident sev SEV1 SEV2", "more than I understand"),
        ("incident show me everything", "more than I understand"),
        ("incident role king me", "commander"),
        ("incident role scribe zoe", "Mention the person"),
        ("incident role scribe <@&42>", "Mention the person"),
        ("incident role scribe <@../x>", "Mention the person"),
        ("incident action", "/incident action Alert"),
        ("incident list al", "/incident list all"),
        ("alert akc", "/alert ack"),
        ("ack INC-1", "numbered"),
        ("ack A-1 A-2", "One at a time"),
        ("incidnet list", "/incident"),
        ("frobnicate", "/muster help"),
        ("", "/muster help"),
        ("muster halp", "/muster help"),
    ] {
        let mistake = line(text).expect_err(text).to_string();
        assert!(mistake.contains(says) && mistake.contains(" Try /"), "{text}: {mistake}");
    }
}

#[test]
fn what_was_typed_is_repeated_as_somebody_elses_words_only() {
    let mistake = line("incident <!channel>*boo*").expect_err("no subcommand");
    let own: String = mistake
        .card()
        .title
        .0
        .iter()
        .filter(|span| !matches!(span, operations::text::Span::Outside(_)))
        .map(|span| format!("{span:?}"))
        .collect();
    assert!(!own.contains("channel") && mistake.to_string().contains("<!channel>*boo*"), "{own}");
    let long = line(&format!("incident {}", "x".repeat(40_000))).expect_err("no subcommand").to_string();
    assert!(long.chars().count() < 200, "{long}");
}

#[test]
fn in_a_room_the_number_of_another_incident_may_end_a_sentence() {
    let mut world = World::new();
    let (one, two) = (world.declare("Search is slow"), world.declare("Carts are empty"));
    world.room(one, Platform::Slack, "ROOM1");
    let at = |text: &str| asked(&world.state, "ROOM1", typed(text));
    assert_eq!(at("incident note looks like INC-2"), Ok(ask(None, Ask::AddNote("looks like INC-2".into()))));
    assert_eq!(at("incident note done INC-1"), Ok(ask(Some(1), Ask::AddNote("done".into()))));
    assert_eq!(at("incident note INC-2 done"), Ok(ask(Some(2), Ask::AddNote("done".into()))));
    assert_eq!(at("incident resolve INC-2"), Ok(ask(Some(two.0), Ask::Resolve(None))));
    let told = at("incident resolve duplicate of INC-2").expect_err("it could mean either");
    assert!(told.contains("INC-1") && told.contains("INC-2"), "{told}");
    let first = at("incident resolve INC-1 duplicate of INC-2");
    assert_eq!(first, Ok(ask(Some(1), Ask::Resolve(Some("duplicate of INC-2".into())))));
}

#[test]
fn every_way_to_ask_is_read_by_one_grammar() {
    let state = World::new().state;
    let expected = ask(Some(4), Ask::SetSeverity(Severity::Sev1));
    let options =
        BTreeMap::from([("severity".to_owned(), "SEV1".to_owned()), ("incident".to_owned(), "INC-4".to_owned())]);
    let chosen = Line::Options { path: vec!["sev".to_owned()], options };
    let menu = |click: &str, chosen: Option<&str>| Act::Click {
        click: click.to_owned(),
        chosen: chosen.map(str::to_owned),
        message: message(),
        reply: reply(),
    };
    let mention = |text: &str| Act::Mention { text: text.to_owned(), message: message(), reply: reply() };
    for act in [
        typed("incident sev SEV1 INC-4"),
        Act::Command { name: "incident".to_owned(), line: chosen, reply: reply() },
        mention(" incident sev SEV1 INC-4"),
        mention("sev 1 INC-4"),
        mention("/incident sev critical INC-4 "),
        menu("incident sev INC-4", Some("SEV1")),
        menu("incident sev INC-4 SEV1", None),
    ] {
        assert_eq!(asked(&state, "C1", act.clone()), Ok(expected.clone()), "{act:?}");
    }
    for (text, command) in [
        ("ack", Command::Alert { group: None, ask: AlertAsk::Acknowledge }),
        ("alert ack A-3", Command::Alert { group: Some(GroupId(3)), ask: AlertAsk::Acknowledge }),
        ("takeover A-3", Command::Alert { group: Some(GroupId(3)), ask: AlertAsk::TakeOver }),
        ("resolve", ask(None, Ask::Resolve(None))),
        ("note It Is &lt; *so*", ask(None, Ask::AddNote("It Is &lt; *so*".into()))),
        ("", Command::Help(Topic::Here)),
        ("help", Command::Help(Topic::Here)),
    ] {
        assert_eq!(asked(&state, "C1", mention(text)), Ok(command), "{text}");
    }
    let told = asked(&state, "C1", mention("thanks a lot")).expect_err("no command");
    assert!(told.contains("@muster help"), "{told}");
}

#[test]
fn a_form_is_a_command_with_its_fields_as_options() {
    let state = World::new().state;
    let submit = |click: &str, values: &[(&str, &str)]| {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        asked(&state, "C1", Act::Submit { click: click.to_owned(), values, reply: reply() })
    };
    let values = [("title", "It is sev:1 down alert:A-9"), ("severity", "SEV2")];
    let declared = submit("incident declare A-3", &values);
    assert_eq!(declared, Ok(declare("It is sev:1 down alert:A-9", Some(Severity::Sev2), Some(3))));
    let updated = submit("incident update INC-4", &[("text", "INC-9 is worse.\nWe look"), ("needs", "a DBA")]);
    assert_eq!(updated, Ok(ask(Some(4), Ask::PostUpdate("INC-9 is worse.\nWe look\nNeeds: a DBA".into()))));
    let noted = submit("incident note INC-4", &[("text", "like INC-9")]);
    assert_eq!(noted, Ok(ask(Some(4), Ask::AddNote("like INC-9".into()))));
}

#[test]
fn marks_and_messages_need_no_answer() {
    let state = World::new().state;
    let input = |what| match parse(&inbound("C1", what), &state) {
        Parsed::Input { input, asked: None } => Some(*input),
        Parsed::Nothing => None,
        other => panic!("{other:?}"),
    };
    let reaction = |emoji: &str, added| Act::Reaction { emoji: emoji.to_owned(), on: message(), added };
    let marked = |how, added| Some(Input::Marked { by: ann(), message: message(), how, added });
    assert_eq!(input(reaction("📌", true)), marked(Mark::Reaction, true));
    assert_eq!(input(reaction("📌", false)), marked(Mark::Reaction, false));
    assert_eq!(input(reaction("👍", true)), None);
    assert_eq!(input(reaction("pushpin", true)), None);
    assert_eq!(input(Act::Pin { on: message(), added: true }), marked(Mark::Pin, true));
    let wrote = input(Act::Message { text: "/incident resolve".into(), message: message() });
    assert_eq!(wrote, Some(Input::Wrote { by: ann(), channel: "C1".into() }));
}

#[test]
fn clicks_and_forms_are_quiet_and_the_rest_is_not() {
    let state = World::new().state;
    let quiet = |what| match parse(&inbound("C1", what), &state) {
        Parsed::Input { asked: Some(asked), .. } => asked.quiet,
        other => panic!("{other:?}"),
    };
    assert!(quiet(Act::Click { click: "ack A-1".to_owned(), chosen: None, message: message(), reply: reply() }));
    assert!(quiet(Act::Submit { click: "incident declare".to_owned(), values: BTreeMap::new(), reply: reply() }));
    assert!(!quiet(typed("ack A-1")));
    assert!(!quiet(Act::Mention { text: "ack A-1".to_owned(), message: message(), reply: reply() }));
}

/// A value that an option takes, as chosen and as typed.
fn value(option: &OptionSpec) -> &'static str {
    match &option.takes {
        Takes::Text => match option.name {
            "ref" | "to" => "main",
            "parameters" => "region=eu",
            "for" => "2h",
            "until" => "18:30",
            "since" => "7d",
            "scope" => "production",
            "plan" => "7f3a91c2",
            "freeze" => "FREEZE-7",
            "what" => "D-7",
            _ => "some words",
        },
        Takes::Choice(choices) => choices[choices.len() - 1].1,
        Takes::User => "<@42>",
        Takes::Incident => "INC-7",
        Takes::Alert => "A-7",
        Takes::Service => "checkout",
        Takes::Environment if option.name == "from" => "staging",
        Takes::Environment => "production",
        Takes::Deploy => "D-7",
    }
}

/// Every command and subcommand that platforms are told of, with its path and options.
fn told() -> Vec<(&'static str, Vec<String>, Vec<OptionSpec>)> {
    let mut all = Vec::new();
    for command in spec::spec() {
        assert!(command.subcommands.is_empty() || command.options.is_empty(), "Discord takes one or the other");
        if command.subcommands.is_empty() {
            all.push((command.name, Vec::new(), command.options));
        }
        for subcommand in command.subcommands {
            all.push((command.name, vec![subcommand.name.to_owned()], subcommand.options));
        }
    }
    all
}

#[test]
fn what_platforms_are_told_of_is_understood_chosen_or_typed_with_any_options() {
    let state = World::new().state;
    for (name, path, options) in told() {
        // Every subset of the options that has the required ones.
        for chosen in 0..1_usize << options.len() {
            let given: Vec<&OptionSpec> = options
                .iter()
                .enumerate()
                .filter(|(index, _)| chosen >> index & 1 == 1)
                .map(|(_, option)| option)
                .collect();
            if options.iter().any(|option| option.required && !given.contains(&option)) {
                continue;
            }
            // Who gets a role means nothing where no role is said.
            if given.iter().any(|it| it.name == "who") && !given.iter().any(|it| it.name == "role") {
                continue;
            }
            let values = given.iter().map(|option| (option.name.to_owned(), value(option).to_owned())).collect();
            let line = Line::Options { path: path.clone(), options: values };
            let act = Act::Command { name: name.to_owned(), line, reply: reply() };
            let as_chosen = asked(&state, "C1", act).unwrap_or_else(|why| panic!("/{name} {path:?} {given:?}: {why}"));
            let is_help = path.first().is_some_and(|it| it == "help");
            assert!(is_help || !matches!(as_chosen, Command::Help(_)), "/{name} {path:?}: {as_chosen:?}");
            if let Command::Incident { incident, .. } = &as_chosen {
                assert_eq!(incident.is_some(), given.iter().any(|it| it.takes == Takes::Incident), "/{name} {path:?}");
            }
            let named = |option: &&OptionSpec| match option.takes {
                _ if !["incident", "alert", "ack", "muster"].contains(&name) => {
                    format!("{}:\"{}\"", option.name, value(option))
                }
                Takes::Choice(_) | Takes::Alert if name == "incident" => format!("{}:{}", option.name, value(option)),
                _ => value(option).to_owned(),
            };
            let words: Vec<String> = path.iter().cloned().chain(given.iter().map(named)).collect();
            // The which of a list is a bare word.
            let words = words.join(" ").replace("which:", "");
            assert_eq!(asked(&state, "C1", typed(&format!("{name} {words}"))), Ok(as_chosen), "/{name} {words}");
        }
    }
}

#[test]
fn what_platforms_are_told_of_keeps_their_limits() {
    let short = |text: &str, longest: usize| !text.is_empty() && text.chars().count() <= longest;
    let is_name = |name: &str| short(name, 32) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    for command in spec::spec() {
        assert!(
            is_name(command.name) && short(command.about, 100) && command.subcommands.len() <= 25,
            "{}",
            command.name
        );
        for subcommand in &command.subcommands {
            assert!(is_name(subcommand.name) && short(subcommand.about, 100), "{}", subcommand.name);
        }
    }
    for (name, path, options) in told() {
        assert!(options.len() <= 25);
        let required_first = options.windows(2).all(|pair| pair[0].required || !pair[1].required);
        assert!(required_first, "Discord wants required options first: /{name} {path:?}");
        for option in &options {
            assert!(is_name(option.name) && short(option.about, 100), "/{name} {path:?} {}", option.name);
            if let Takes::Choice(choices) = &option.takes {
                assert!(
                    (1..=25).contains(&choices.len())
                        && choices.iter().all(|(label, it)| short(label, 100) && short(it, 100))
                );
            }
        }
    }
}

#[test]
fn what_was_asked_is_kept_in_the_buttons_that_complete_it() {
    let id = IncidentId(u32::MAX);
    for ask in [
        Ask::Show,
        Ask::SetSeverity(Severity::Sev1),
        Ask::ChooseSeverity,
        Ask::SetRole(Role::Commander, Holder::Me),
        Ask::SetRole(Role::Communications, Holder::Nobody),
        Ask::SetRole(Role::Communications, Holder::User(user(Platform::Slack, "U0123456789ABCDEF012"))),
        Ask::ChooseRole,
        Ask::AddNote("looks like INC-3 sev:1 incident:INC-2".into()),
        Ask::PostUpdate("ü *works*".into()),
        Ask::AddAction("Alert on INC-3".into()),
        Ask::Mitigate(None),
        Ask::Resolve(Some("rolled back, see INC-3".into())),
        Ask::Reopen(Some("it is back".into())),
        Ask::ShowTimeline,
        Ask::WritePostmortem,
    ] {
        let line = click::line(&ask, id);
        assert!(line.encode_utf16().count() <= click::LONGEST && click::keeps_words(&ask, id), "{line}");
        assert_eq!(read(&line), Command::Incident { incident: Some(id), ask }, "{line}");
    }
    for ask in [AlertAsk::Show, AlertAsk::Acknowledge, AlertAsk::TakeOver, AlertAsk::Unacknowledge] {
        let line = click::alert_line(ask, GroupId(u64::MAX));
        assert_eq!(read(&line), Command::Alert { group: Some(GroupId(u64::MAX)), ask }, "{line}");
    }
    for long in ["x".repeat(200), "two\nlines".to_owned(), "😀".repeat(40)] {
        let ask = Ask::AddNote(long.as_str().into());
        assert!(!click::keeps_words(&ask, id), "{long}");
        assert_eq!(read(&click::line(&ask, id)), Command::Open(FormKind::Note(Some(id))), "the form opens: {long}");
    }
}
