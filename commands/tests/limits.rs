//! Every card, form and answer keeps the platforms' limits, and other people's words stay theirs, whatever they are.

mod world;

use std::collections::BTreeSet;

use commands::parse::{Asker, command_line};
use commands::{answers, cards, click, complete};
use operations::card::{Card, FieldKind, Form};
use operations::chat::{Actor, Answer};
use operations::command::{AlertAsk, Ask, Command, FormKind, Holder, Topic};
use operations::effect::{CardId, Place};
use operations::event::Event;
use operations::ids::{GroupId, IncidentId, Platform};
use operations::incident::{Role, Severity, Status};
use operations::policy::Asking;
use operations::refusal::Refusal;
use operations::reply::{Did, Reply};
use operations::state::State;
use operations::text::{Outside, Span};
use world::{World, ann, user};

/// A world in which all that comes from outside is as long and hostile as it can be.
fn monstrous(hostile: &str) -> (World, Actor) {
    let mut world = World::new();
    let monster = Actor { user: user(Platform::Discord, "99"), name: Outside::new(hostile) };
    let labels = [("alertname", hostile), ("service", hostile), ("environment", hostile)];
    let annotations = [("summary", hostile), ("description", hostile), ("runbook_url", "https://r.example/")];
    let many: Vec<String> = (0..60).map(|number| format!("{hostile}{number}")).collect();
    let instances: Vec<&str> = many.iter().map(String::as_str).collect();
    for _ in 0..2 {
        let group = world.fires(&instances, &labels, &annotations);
        world.happens(Event::GroupTruncated { group, hidden: u32::MAX });
    }
    for platform in Platform::ALL {
        let id = world.declare(hostile);
        world.room(id, platform, "inc-1");
    }
    let id = IncidentId(1);
    for group in [1, 2].map(GroupId) {
        world.happens(Event::AlertAttached { incident: id, group });
        world.acknowledged(group, monster.clone());
    }
    for (number, role) in Role::ALL.into_iter().enumerate() {
        world.happens(Event::RoleChanged { incident: id, role, to: Some(monster.clone()), by: monster.clone() });
        let effect = format!("invite/INC-1/slack/{number}");
        world.happens(Event::EffectGivenUp {
            effect,
            about: "invite".to_owned(),
            incident: Some(id),
            why: hostile.into(),
        });
    }
    let update_due = "2026-03-02T15:00:00Z".parse().ok();
    world.happens(Event::UpdatePosted { incident: id, text: hostile.into(), by: monster.clone(), update_due });
    world.happens(Event::NoteAdded { incident: id, text: hostile.into(), by: monster.clone() });
    world.happens(Event::ActionItemAdded { incident: id, text: hostile.into(), by: monster.clone() });
    world.happens(Event::PostmortemPublished {
        incident: id,
        url: "https://wiki.example/1".to_owned(),
        stale: Vec::new(),
    });
    (world, monster)
}

/// Every answer that there is about incident 1 and alert group 1.
fn all_answers(state: &State, who: &Actor, words: &str) -> Vec<Answer> {
    let (id, group, words) = (IncidentId(1), GroupId(1), Outside::new(words));
    let at = "2026-03-02T14:00:00Z".parse().expect("a time");
    let did = [
        Did::Acknowledged(group),
        Did::TookOver(group, who.clone()),
        Did::Unacknowledged(group),
        Did::SeveritySet(id, Severity::Sev1),
        Did::RoleSet(id),
        Did::NoteAdded(id),
        Did::UpdatePosted(id),
        Did::ActionAdded(id),
        Did::Mitigated(id),
        Did::Resolved(id),
        Did::Reopened(id),
    ];
    let replies = [
        Reply::Declared(id),
        Reply::Form(FormKind::Declare(Some(group))),
        Reply::Form(FormKind::Update(Some(id))),
        Reply::Form(FormKind::Note(None)),
        Reply::Incidents { all: false, shown: vec![id] },
        Reply::Incidents { all: true, shown: state.incidents.keys().copied().collect() },
        Reply::Incident(id),
        Reply::Severities(id),
        Reply::Roles(id),
        Reply::Timeline(id),
        Reply::PostmortemAsked(id),
        Reply::Alerts { shown: state.groups.keys().copied().collect() },
        Reply::Alert(group),
        Reply::Help(Topic::Here, None),
        Reply::Help(Topic::Incident, Some(id)),
        Reply::Help(Topic::Alert, None),
        Reply::Help(Topic::All, None),
    ];
    let open: Vec<IncidentId> = state.open_incidents().map(|it| it.id).collect();
    let firing: Vec<GroupId> = state.firing().map(|group| group.id).collect();
    let mut refusals = vec![
        Refusal::NoSuchIncident(id),
        Refusal::NoSuchAlert(group),
        Refusal::AlreadyAcknowledged { group, by: who.clone(), at },
        Refusal::NotAcknowledged(group),
        Refusal::AlertResolved(group),
        Refusal::AlreadyDeclared(group, id),
        Refusal::AlreadyIs(id, Status::Mitigated),
        Refusal::AlreadyIs(id, Status::Resolved),
        Refusal::IsResolved(id),
        Refusal::NotResolved(id),
        Refusal::AlreadySeverity(id, Severity::Sev1),
        Refusal::AlreadyRole(id, Role::Scribe, Some(who.clone())),
        Refusal::AlreadyRole(id, Role::Scribe, None),
    ];
    refusals.extend(["title", "note", "update", "action item"].map(Refusal::Empty));
    for ask in [
        Ask::Show,
        Ask::SetSeverity(Severity::Sev1),
        Ask::ChooseSeverity,
        Ask::SetRole(Role::Scribe, Holder::Me),
        Ask::ChooseRole,
        Ask::AddNote(words.clone()),
        Ask::PostUpdate(words.clone()),
        Ask::AddAction(words.clone()),
        Ask::Mitigate(Some(words.clone())),
        Ask::Resolve(Some(words.clone())),
        Ask::Reopen(Some(words.clone())),
        Ask::ShowTimeline,
        Ask::WritePostmortem,
    ] {
        refusals.push(Refusal::WhichIncident { open: open.clone(), resolved: Vec::new(), ask: ask.clone() });
        refusals.push(Refusal::WhichIncident { open: Vec::new(), resolved: Vec::new(), ask });
    }
    for ask in [AlertAsk::Show, AlertAsk::Acknowledge, AlertAsk::TakeOver, AlertAsk::Unacknowledge] {
        refusals.push(Refusal::WhichAlert { firing: firing.clone(), ask });
        refusals.push(Refusal::WhichAlert { firing: Vec::new(), ask });
    }
    let done = did.into_iter().map(Reply::Shown).chain(replies).map(|reply| answers::answer(state, &reply));
    done.chain(refusals.iter().map(|refusal| answers::refusal(state, refusal))).collect()
}

/// What each platform would refuse or cut, and what each command that a card suggests must be.
fn check(state: &State, card: &Card) {
    let units = |text: &str| text.encode_utf16().count();
    let by = ann();
    let asker = Asker { by: &by, state, here: None };
    assert!(!card.title.words().trim().is_empty(), "{card:?}");
    assert!(card.title.words().chars().count() <= 600, "{}", card.title.words());
    assert!(card.buttons.len() <= 5, "{card:?}");
    let clicks: BTreeSet<&str> = card.buttons.iter().map(|button| button.click.as_str()).collect();
    assert_eq!(clicks.len(), card.buttons.len(), "Discord refuses two buttons of one id: {clicks:?}");
    for button in &card.buttons {
        assert!(
            units(&button.click) <= click::LONGEST && (1..=75).contains(&button.label.chars().count()),
            "{button:?}"
        );
        assert!(!button.label.contains(['\n', '\t']) && !button.click.contains('\n'), "{button:?}");
        command_line(&button.click, asker).unwrap_or_else(|why| panic!("{}: {why}", button.click));
    }
    if let Some(menu) = &card.menu {
        assert!((1..=25).contains(&menu.options.len()) && units(&menu.click) <= click::LONGEST, "{menu:?}");
        for (label, value) in &menu.options {
            assert!(
                (1..=75).contains(&label.chars().count()) && units(value) <= 75 && !label.contains('\n'),
                "{label}"
            );
            command_line(&format!("{} {value}", menu.click), asker).unwrap_or_else(|why| panic!("{value}: {why}"));
        }
    }
}

fn check_form(state: &State, form: &Form) {
    let by = ann();
    assert!(
        form.click.len() <= click::LONGEST && form.title.chars().count() <= 24 && form.submit.chars().count() <= 24
    );
    assert!((1..=5).contains(&form.fields.len()), "{form:?}");
    for field in &form.fields {
        assert!(
            (1..=45).contains(&field.label.chars().count()) && field.placeholder.chars().count() <= 100,
            "{field:?}"
        );
        match &field.kind {
            FieldKind::Line(longest) => {
                assert!(
                    field.initial.chars().count() <= usize::from(*longest) && !field.initial.contains('\n'),
                    "{field:?}"
                );
            }
            FieldKind::Paragraph(longest) => assert!(*longest <= 3000),
            FieldKind::Choice(choices) => {
                assert!((1..=25).contains(&choices.len()) && choices.iter().any(|(_, value)| *value == field.initial));
                assert!(
                    choices.iter().all(|(label, value)| label.chars().count() <= 75 && value.chars().count() <= 75)
                );
            }
        }
    }
    let read = command_line(&form.click, Asker { by: &by, state, here: None });
    assert!(matches!(read, Ok(Command::Open(_))), "without its fields it opens the form: {read:?}");
}

/// No span but those for somebody else's words holds any of them.
fn assert_only_outside(card: &Card, hostile: &str) {
    let spans = card.lines.iter().chain([&card.title]).chain(&card.footer).flat_map(|line| &line.0);
    for span in spans {
        let own = match span {
            Span::Plain(own) | Span::Bold(own) | Span::Code(own) => own,
            Span::Link(words, _) => words,
            Span::Outside(_) | Span::Person(..) | Span::Channel(..) | Span::Time(..) => continue,
            Span::Notify(..) => panic!("a card notifies nobody: {span:?}"),
        };
        assert!(!own.contains(hostile), "{span:?}");
    }
    assert!(card.quotes.iter().all(|quote| !quote.label.contains(hostile)));
}

#[test]
fn every_card_and_answer_keeps_its_limits_whatever_is_in_it() {
    for hostile in [
        "x".repeat(40_000),
        "<!channel> *b* `c` [l](https://e.example)\n".repeat(1000),
        "😀ü\t".repeat(14_000),
        " ".to_owned(),
    ] {
        let (mut world, monster) = monstrous(&hostile);
        let id = IncidentId(1);
        let steps = [
            None,
            Some(Event::AlertUnacknowledged { group: GroupId(1), by: ann() }),
            Some(Event::IncidentMitigated { incident: id, text: None, by: ann() }),
            Some(Event::IncidentResolved { incident: id, text: None, by: ann() }),
            Some(Event::GroupResolved { group: GroupId(1) }),
            Some(Event::GroupResolved { group: GroupId(2) }),
        ];
        let probe: String = hostile.trim().chars().take(8).collect();
        for step in steps {
            step.into_iter().for_each(|event| world.happens(event));
            let state = &world.state;
            let mut all = Vec::new();
            for card in [CardId::Alert(GroupId(1)), CardId::Alert(GroupId(2)), CardId::Headline(id)] {
                let places = [
                    Place::Announcements(Platform::Slack),
                    Place::Room(Platform::Slack, id),
                    Place::Room(Platform::Discord, id),
                ];
                for place in places {
                    let card = match card {
                        CardId::Alert(group) => cards::alert(state, group),
                        CardId::Headline(id) => cards::headline(state, id, place),
                        CardId::Storm(storm) => cards::storm(state, storm),
                        CardId::Missed(missed) => cards::missed(state, missed),
                        CardId::Deploy(deploy) => cards::deploy(state, deploy),
                    };
                    let card = card.expect("there is one");
                    assert!(card.lines.len() <= 8, "{card:?}");
                    all.push(card);
                }
            }
            for answer in all_answers(state, &monster, &hostile) {
                match answer {
                    Answer::Private(card) => all.push(card),
                    Answer::Form(form, card) => {
                        check_form(state, &form);
                        all.push(card);
                    }
                    other => panic!("{other:?}"),
                }
            }
            for card in &all {
                check(state, card);
                if !probe.is_empty() {
                    assert_only_outside(card, &probe);
                }
            }
            assert!(cards::topic(state, id).chars().count() <= 250 && !cards::topic(state, id).contains('\n'));
            for (name, sub, option) in
                [("incident", "reopen", "incident"), ("incident", "show", "incident"), ("alert", "show", "alert")]
            {
                let by = ann();
                let asking = Asking { state, by: &by, channel: None, now: jiff::Timestamp::UNIX_EPOCH };
                for (label, value) in complete::complete(asking, name, &[sub.to_owned()], option, "") {
                    assert!(
                        (1..=100).contains(&label.chars().count()) && value.len() <= 100 && !label.contains('\n'),
                        "{label}"
                    );
                }
            }
        }
    }
}
