//! What people see: the cards, answers, help and completions from firing to resolved.

mod world;

use commands::{answers, cards, complete, help};
use operations::card::{Card, Colour};
use operations::chat::{Answer, Captured};
use operations::command::{Ask, FormKind, Topic};
use operations::deploy::event::DeployEvent;
use operations::deploy::{Looked, Plan};
use operations::effect::Place;
use operations::event::Event;
use operations::ids::{DeployId, GroupId, IncidentId, Platform};
use operations::incident::{Mark, Role};
use operations::input::Asked;
use operations::pipeline::{Checks, Commit, RefKind, Resolved};
use operations::policy::Asking;
use operations::refusal::Refusal;
use operations::reply::{Did, Reply};
use operations::state::State;
use operations::text::{Outside, Span, Text};
use world::{World, ann, bob, message, reply, wanted};

const HIGH: [(&str, &str); 3] =
    [("alertname", "HighErrorRate"), ("service", "checkout"), ("environment", "production")];

fn headline(state: &State, id: IncidentId) -> Card {
    cards::headline(state, id, Place::Announcements(Platform::Slack)).expect("there is one")
}

fn clicks(card: &Card) -> Vec<&str> {
    card.buttons.iter().map(|button| button.click.as_str()).collect()
}

fn footer(card: &Card) -> String {
    card.footer.as_ref().map(Text::words).unwrap_or_default()
}

fn private(answer: Answer) -> Card {
    match answer {
        Answer::Private(card) => card,
        other => panic!("an answer is for the asker alone: {other:?}"),
    }
}

#[test]
fn an_alert_from_firing_to_resolved() {
    let mut world = World::new();
    let annotations =
        [("summary", "Error rate 20 %"), ("description", "Long"), ("runbook_url", "https://wiki.example/r")];
    let group = world.fires(&["c-1", "c-2", "c-3", "c-4", "c-5", "c-6"], &HIGH, &annotations);
    let card = cards::alert(&world.state, group).expect("a card");
    assert_eq!(card.colour, Some(Colour::Firing));
    assert!(
        card.title.words().starts_with("🔴 HighErrorRate · checkout · SEV2 · firing since "),
        "{}",
        card.title.words()
    );
    assert_eq!(card.lines[0].words(), "6 alerts: c-1, c-2, c-3, c-4 + 2 more · production · owner: payments");
    assert_eq!(clicks(&card), ["alert ack A-1", "incident declare A-1"]);
    assert_eq!((card.quotes[0].label.as_str(), card.quotes[0].words.as_str()), ("From the alert", "Error rate 20 %"));
    assert_eq!(footer(&card), "Runbook · Dashboard · Source · A-1");

    world.happens(Event::GroupTruncated { group, hidden: 7 });
    world.acknowledged(group, bob());
    let card = cards::alert(&world.state, group).expect("a card");
    assert_eq!(card.colour, Some(Colour::Acknowledged));
    assert!(
        card.words().contains("Acknowledged by Bob (Discord) ") && card.words().contains("asks again"),
        "{}",
        card.words()
    );
    assert!(card.words().contains("left out 7 more"), "{}", card.words());
    assert_eq!(clicks(&card), ["incident declare A-1", "alert takeover A-1", "alert unack A-1"]);

    let incident = world.declare("Checkout is failing");
    world.happens(Event::AlertAttached { group, incident });
    world.room(incident, Platform::Slack, "inc-1");
    let card = cards::alert(&world.state, group).expect("a card");
    assert!(
        card.words().contains("Incident INC-1 Checkout is failing · investigating · #inc-1 (Slack)"),
        "{}",
        card.words()
    );
    assert!(!clicks(&card).contains(&"incident declare A-1"));

    world.happens(Event::GroupResolved { group });
    let card = cards::alert(&world.state, group).expect("a card");
    assert_eq!(card.colour, Some(Colour::Resolved));
    let words =
        "🟢 HighErrorRate · checkout · SEV2 · resolved after 12 min (acknowledged by Bob (Discord) after 8 min)";
    assert_eq!(card.words(), words, "one line");
    assert!(card.buttons.is_empty() && footer(&card).starts_with("INC-1 · Runbook"), "{}", footer(&card));
    assert_eq!(cards::alert(&world.state, GroupId(9)), None);
}

#[test]
fn links_from_alerts_need_an_allowed_host_and_the_operators_own_need_none() {
    let mut world = World::new();
    let annotations = [("runbook_url", "https://evil.example/r"), ("dashboard_url", "javascript:alert(1)")];
    let group = world.fires(&["c-1"], &HIGH, &annotations);
    world.state.settings.link_hosts = vec!["am.internal".to_owned()];
    let card = cards::alert(&world.state, group).expect("a card");
    let footer = card.footer.expect("a footer");
    let links: Vec<&str> = footer
        .0
        .iter()
        .filter_map(|span| if let Span::Link(_, url) = span { Some(url.as_str()) } else { None })
        .collect();
    assert_eq!(links, ["https://dash.internal/checkout", "https://am.internal/"]);
}

#[test]
fn a_headline_from_declared_to_reopened() {
    let mut world = World::new();
    let id = world.declare("Checkout is failing");
    let card = headline(&world.state, id);
    assert_eq!(card.title.words(), "🔴 INC-1 Checkout is failing · SEV2 · investigating");
    assert!(
        card.words().contains("Commander: nobody yet · Communications: nobody yet · Scribe: nobody yet"),
        "{}",
        card.words()
    );
    assert!(card.words().contains("Room on Slack: waiting ⇄ Room on Discord: waiting"), "{}", card.words());
    assert_eq!(
        clicks(&card),
        [
            "incident update INC-1",
            "incident role INC-1 commander me",
            "incident role INC-1",
            "incident sev INC-1",
            "incident mitigate INC-1"
        ]
    );
    world.room(id, Platform::Slack, "inc-1");
    world.happens(Event::EffectGivenUp {
        effect: "room/INC-1/discord".to_owned(),
        about: "open the room on Discord".to_owned(),
        incident: Some(id),
        why: "Missing Permissions".into(),
    });
    world.happens(Event::RoleChanged { incident: id, role: Role::Commander, to: Some(ann()), by: bob() });
    let due = "2026-03-02T15:00:00Z".parse().ok();
    world.happens(Event::UpdatePosted { incident: id, text: "Rolling back".into(), by: ann(), update_due: due });
    let card = headline(&world.state, id);
    for words in [
        "Commander: Ann (Slack)",
        "#inc-1 (Slack) ⇄ Room on Discord: failed",
        "failed: open the room on Discord: Missing Permissions",
        "Next update due 15:00 UTC",
    ] {
        assert!(card.words().contains(words), "{words}: {}", card.words());
    }
    assert_eq!(card.quotes[0].words.as_str(), "Rolling back");
    assert!(!clicks(&card).contains(&"incident role INC-1 commander me"));
    let room = cards::headline(&world.state, id, Place::Room(Platform::Slack, id)).expect("a card");
    assert!(!room.words().contains("#inc-1"), "in its own room it need not be said: {}", room.words());

    world.happens(Event::IncidentMitigated { incident: id, text: None, by: ann() });
    let card = headline(&world.state, id);
    assert!(card.title.words().starts_with("🟠") && clicks(&card).contains(&"incident resolve INC-1"));
    world.happens(Event::IncidentResolved { incident: id, text: None, by: ann() });
    let card = headline(&world.state, id);
    assert!(card.words().contains("mitigated after 5 min, resolved after 6 min"), "{}", card.words());
    assert_eq!(clicks(&card), ["incident postmortem INC-1", "incident reopen INC-1"]);
    world.happens(Event::PostmortemPublished {
        incident: id,
        url: "https://wiki.example/INC-1".to_owned(),
        stale: Vec::new(),
    });
    assert!(headline(&world.state, id).words().contains("Postmortem"));
    world.happens(Event::IncidentReopened { incident: id, text: None, by: ann(), update_due: None });
    assert_eq!(headline(&world.state, id).colour, Some(Colour::Firing));
}

#[test]
fn rooms_get_names_that_every_platform_takes() {
    let mut world = World::new();
    for (title, name) in [
        ("Checkout is failing!", "inc-1-checkout-is-failing"),
        ("Überlastung — Störung", "inc-2-berlastung-st-rung"),
        ("検索が遅い", "inc-3"),
        ("---", "inc-4"),
        (&"long ".repeat(40), "inc-5-long-long-long-long-long-long-long-long-long-long-long"),
        (&"x".repeat(150), "inc-6"),
    ] {
        let id = world.declare(title);
        let named = cards::room_name(&world.state.incidents[&id]);
        assert_eq!(named, name);
        assert!(named.len() <= 60);
    }
    assert_eq!(cards::topic(&world.state, IncidentId(1)), "INC-1 Checkout is failing! · SEV2 · investigating");
    assert_eq!(cards::topic(&world.state, IncidentId(99)), "");
}

#[test]
fn a_click_is_answered_in_words_only_where_no_card_shows_it() {
    let mut world = World::new();
    let id = world.declare("Search is slow");
    let asked = |quiet, answer| Asked { delivery: "d".to_owned(), reply: reply(), quiet, answer };
    let shown = || Ok(Some(Reply::Shown(Did::Mitigated(id))));
    let state = &world.state;
    assert_eq!(answers::for_asked(state, shown(), &asked(true, None)), Some(Answer::Silent));
    let told = private(answers::for_asked(state, shown(), &asked(false, None)).expect("words"));
    assert!(told.words().contains("INC-1 is mitigated"), "{}", told.words());
    let refused = answers::for_asked(state, Err(Refusal::NotResolved(id)), &asked(true, None)).expect("words");
    assert!(private(refused).words().contains("only a resolved incident can be reopened"));
    let known = Answer::Private(Card::line(Text::new().plain("so")));
    assert_eq!(answers::for_asked(state, Ok(None), &asked(false, Some(known.clone()))), Some(known));
    assert!(matches!(
        answers::for_asked(state, Ok(Some(Reply::Form(FormKind::Note(Some(id))))), &asked(true, None)),
        Some(Answer::Form(form, card)) if form.click == "incident note INC-1" && card.words().contains("/incident note INC-1")
    ));
}

#[test]
fn outside_a_room_the_incidents_that_can_be_meant_are_offered() {
    let mut world = World::new();
    let refused = |world: &World, ask: Ask| {
        let open = world.state.open_incidents().map(|it| it.id).collect();
        let resolved = world.state.incidents.values().rev().filter(|it| !it.is_open()).map(|it| it.id).collect();
        private(answers::refusal(&world.state, &Refusal::WhichIncident { open, resolved, ask }))
    };
    assert!(refused(&world, Ask::Resolve(None)).words().contains("/incident declare"));
    for number in 1..=7 {
        world.declare(&format!("Trouble {number}"));
    }
    world.happens(Event::IncidentResolved { incident: IncidentId(2), text: None, by: ann() });
    let card = refused(&world, Ask::AddNote("It is the cache".into()));
    assert_eq!(card.buttons[0].label, "INC-7 Trouble 7");
    assert_eq!(card.buttons[0].click, "incident note INC-7 It is the cache");
    assert!(card.buttons.len() == 5 && card.words().contains("2 more are not shown"), "{}", card.words());
    assert!(card.title.words().starts_with("Which incident is the note about?"), "{}", card.words());
    assert_eq!(clicks(&refused(&world, Ask::Reopen(None))), ["incident reopen INC-2"], "only a resolved one can be");
    assert_eq!(clicks(&refused(&world, Ask::WritePostmortem))[0], "incident postmortem INC-2", "most likely");

    let long = Outside::new(&"word ".repeat(50));
    let card = refused(&world, Ask::AddNote(long.clone()));
    assert_eq!(card.buttons[0].click, "incident note INC-7", "it opens the form");
    assert_eq!(card.quotes[0].words, long, "nothing that was written is lost");
    let card = refused(&world, Ask::Resolve(Some(long.clone())));
    assert!(
        card.words().contains("leaves them out") && card.words().contains("/incident resolve INC-7 …"),
        "{}",
        card.words()
    );
    let card = refused(&world, Ask::AddAction(long));
    assert!(card.buttons.is_empty() && card.words().contains("/incident action INC-7 …"), "{}", card.words());
}

#[test]
fn help_is_what_can_be_done_here_and_now() {
    let mut world = World::new();
    let codes = |card: &Card| -> Vec<String> {
        let spans = card.lines.iter().flat_map(|line| &line.0);
        spans.filter_map(|span| if let Span::Code(code) = span { Some(code.clone()) } else { None }).collect()
    };
    let first = |world: &World, here| codes(&help::card(&world.state, Topic::Here, here))[0].clone();
    assert!(first(&world, None).starts_with("/incident declare [title…]"), "{}", first(&world, None));
    world.fires(&["c-1"], &HIGH, &[]);
    assert_eq!(first(&world, None), "/ack [A-1]", "an alert waits");
    let id = world.declare("Search is slow");
    assert!(first(&world, Some(id)).starts_with("/incident role "), "nobody commands yet");
    world.happens(Event::IncidentMitigated { incident: id, text: None, by: ann() });
    assert_eq!(first(&world, Some(id)), "/incident resolve [text…]");
    world.happens(Event::IncidentResolved { incident: id, text: None, by: ann() });
    assert_eq!(first(&world, Some(id)), "/incident postmortem");
    for here in [None, Some(id)] {
        assert_eq!(help::card(&world.state, Topic::Here, here).lines.len(), 6, "every line of it is in the spec");
    }
    let mut all = codes(&help::card(&world.state, Topic::All, None));
    all.extend(codes(&help::card(&world.state, Topic::Deploy, None)));
    for command in commands::spec::spec() {
        for subcommand in &command.subcommands {
            let start = format!("/{} {}", command.name, subcommand.name);
            assert!(
                all.iter().any(|code| *code == start || code.starts_with(&format!("{start} "))),
                "{start}: {all:?}"
            );
        }
    }
    assert!(all.iter().any(|code| code.starts_with("/ack")));
    assert!(codes(&help::card(&world.state, Topic::Alert, None)).iter().all(|code| code.starts_with("/a")));
}

#[test]
fn a_timeline_shows_the_newest_and_says_how_many_more_there_are() {
    let mut world = World::new();
    let id = world.declare("Search is slow");
    for number in 0..20 {
        world.happens(Event::NoteAdded { incident: id, text: format!("note {number}").as_str().into(), by: bob() });
    }
    let captured = Captured {
        message: message(),
        author: ann(),
        at: "2026-03-02T14:30:00Z".parse().expect("a time"),
        text: "the cache is cold".into(),
        link: "https://chat.example/1".to_owned(),
    };
    world.happens(Event::MessageCaptured { incident: id, captured, by: bob(), how: Mark::Pin });
    let card = private(answers::answer(&world.state, &Reply::Timeline(id)));
    let words = card.words();
    assert!(words.contains("10 more before these") && card.lines.len() == 13, "{words}");
    assert!(
        words.contains("Ann (Slack) wrote: the cache is cold") && words.contains("Bob (Discord) noted: note 19"),
        "{words}"
    );
    assert!(!words.contains("note 8\n"), "{words}");
}

#[test]
fn what_can_be_meant_is_completed() {
    let mut world = World::new();
    let path = |name: &str| vec![name.to_owned()];
    for number in 0..30 {
        world.declare(&format!("Trouble {number}"));
        world.fires(&["c-1"], &HIGH, &[]);
    }
    world.happens(Event::IncidentResolved { incident: IncidentId(3), text: None, by: ann() });
    world.acknowledged(GroupId(5), ann());
    let by = ann();
    let asking = Asking { state: &world.state, by: &by, channel: None, now: jiff::Timestamp::UNIX_EPOCH };
    let offered = complete::complete(asking, "incident", &path("resolve"), "incident", "");
    assert!(offered.len() == 25 && offered[0] == ("INC-30 Trouble 29 · investigating".to_owned(), "INC-30".to_owned()));
    let reopens = complete::complete(asking, "incident", &path("reopen"), "incident", "trouble");
    assert_eq!(reopens, [("INC-3 Trouble 2 · resolved".to_owned(), "INC-3".to_owned())]);
    let alerts = complete::complete(asking, "alert", &path("takeover"), "alert", "CHECKOUT");
    assert_eq!(alerts, [("A-5 HighErrorRate on checkout · SEV2".to_owned(), "A-5".to_owned())]);
    assert!(complete::complete(asking, "ack", &[], "alert", "").iter().all(|(_, id)| id != "A-5"));
    assert!(complete::complete(asking, "incident", &path("note"), "text", "x").is_empty());
}

#[test]
fn members_that_are_over_are_not_named() {
    let mut world = World::new();
    let group = world.fires(&["c-1", "c-2"], &HIGH, &[]);
    let ends_at = "2026-03-02T14:09:00Z".parse().expect("a time");
    world.happens(Event::AlertResolved { group, fingerprint: "c-1".into(), ends_at });
    let card = cards::alert(&world.state, group).expect("a card");
    assert!(card.lines[0].words().starts_with("1 alert of 2: c-2 · "), "{}", card.words());
    assert_eq!(world.state.groups.get(&group).map(|group| group.firing()), Some(1));
}

#[test]
fn a_commit_that_is_on_no_branch_is_warned_of_in_the_plan() {
    for (kind, is_warned) in [(RefKind::Unmerged, true), (RefKind::Commit, false)] {
        let mut world = World::new();
        let deploy = DeployId(1);
        let wanted = wanted("0123456789abcdef0123456789abcdef01234567");
        let resolved = Resolved { commit: Commit::bare("0123456789abcdef0123456789abcdef01234567"), kind };
        let looked = Looked { resolved, changes: None, checks: Checks::None, warnings: Vec::new() };
        let plan = Plan::new(&wanted, looked, None, "2026-03-02T14:00:00Z".parse().expect("a time"));
        world.asked(deploy, wanted);
        let planned = DeployEvent::Planned { plan, rules: Vec::new() };
        world.happens(Event::Deploy { deploy, what: Box::new(planned) });
        let card = cards::deploy(&world.state, deploy).expect("a card");
        let lines: Vec<String> = card.lines.iter().map(Text::words).collect();
        let warned = lines.iter().any(|line| line == "⚠️ This commit is not on the default branch.");
        assert_eq!(warned, is_warned, "{lines:?}");
    }
}
