//! What people do, from end to end, and the answers they get.

use std::collections::BTreeMap;
use std::time::Duration;

use integrations::chat::Refused;
use integrations::chat::discord::inbound::Parsed;
use integrations::chat::socket::{Arrival, Socket};
use operations::card::{Field, FieldKind, Form, Menu, Style};
use operations::chat::{Act, Inbound, Line, ReplyTo};
use sandbox::discord::{Outcome, Typed};
use sandbox::faults::CallFault;
use tokio::sync::mpsc;

use crate::common::pass;
use crate::world::{CALLBACK, World, arrival, card, commands, kind, plain};

/// A world in which the bot is connected and its commands are known.
async fn connected() -> (World, Socket, mpsc::Receiver<Arrival>) {
    let world = World::new().await;
    world.chat.introduce(&commands()).await.expect("told of the commands");
    let (socket, arrivals) = world.connect().await;
    (world, socket, arrivals)
}

fn reply_of(inbound: &Inbound) -> ReplyTo {
    match &inbound.what {
        Act::Command { reply, .. }
        | Act::Click { reply, .. }
        | Act::Submit { reply, .. }
        | Act::Mention { reply, .. } => reply.clone(),
        Act::Reaction { .. } | Act::Pin { .. } | Act::Message { .. } => panic!("no answer is waited for"),
    }
}

impl World {
    /// Types a command as Ann and answers it by `answer`.
    async fn commanded<T>(
        &self,
        arrivals: &mut mpsc::Receiver<Arrival>,
        line: &str,
        answer: impl AsyncFnOnce(Inbound) -> T,
    ) -> (Outcome, T) {
        let (ann, general) = (self.user("ann"), self.general());
        let typed = self.sandbox.discord.types(&ann, general.as_str(), line);
        let answered = async { answer(self.next(arrivals).await).await };
        match tokio::join!(typed, answered) {
            (Ok(Typed::Command { outcome, .. }), done) => (outcome, done),
            (other, _) => panic!("no command: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_command_is_answered_for_the_asker_alone() {
    let (world, _socket, mut arrivals) = connected().await;
    let line = "/incident declare title:checkout is down sev:SEV2";
    let (outcome, inbound) = world
        .commanded(&mut arrivals, line, async |inbound| {
            world.chat.reply(&reply_of(&inbound), &plain("Declared."), "E1").await.expect("answered");
            inbound
        })
        .await;
    assert_eq!(outcome, Outcome::Answered);
    assert_eq!((inbound.by.user.user.as_str(), inbound.by.name.as_str()), (world.user("ann").as_str(), "Ann"));
    let Act::Command { name, line: Line::Options { path, options }, .. } = inbound.what else { panic!("a command") };
    assert_eq!((name.as_str(), path), ("incident", vec!["declare".to_owned()]));
    assert_eq!((options["title"].as_str(), options["sev"].as_str()), ("checkout is down", "2"));
    let answer = world.messages().pop().expect("an answer");
    assert_eq!(
        (answer["content"].as_str(), answer["ephemeral_to"].as_str()),
        (Some("Declared."), Some(world.user("ann").as_str()))
    );
    world.nothing_was_malformed();
}

#[tokio::test]
async fn an_answer_whose_outcome_was_lost_is_not_given_twice() {
    for message in [plain("Declared."), card("Declared.")] {
        for fault in [CallFault::DropAfterWork, CallFault::StatusAfterWork { status: 500 }] {
            let (world, _socket, mut arrivals) = connected().await;
            world.fault(CALLBACK, fault);
            world
                .commanded(&mut arrivals, "/incident declare title:x", async |inbound| {
                    let reply = reply_of(&inbound);
                    assert!(world.chat.reply(&reply, &message, "E1").await.is_err());
                    world.chat.reply(&reply, &message, "E1").await.expect("it was given");
                })
                .await;
            assert_eq!(world.messages().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_second_answer_follows_the_first() {
    let (world, _socket, mut arrivals) = connected().await;
    world
        .commanded(&mut arrivals, "/incident declare title:x", async |inbound| {
            let reply = reply_of(&inbound);
            world.chat.reply(&reply, &card("One."), "E1").await.expect("answered");
            world.chat.reply(&reply, &card("Two."), "E2").await.expect("answered again");
        })
        .await;
    let messages = world.messages();
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|it| !it["ephemeral_to"].is_null()));
    world.nothing_was_malformed();
}

#[tokio::test]
async fn an_answer_that_comes_too_late_goes_to_the_asker_directly() {
    let (world, _socket, mut arrivals) = connected().await;
    let (outcome, reply) = world
        .commanded(&mut arrivals, "/incident declare title:x", async |inbound| {
            pass(&world.clock, Duration::from_secs(4), Duration::from_secs(1)).await;
            // The sandbox notices the time at its next call.
            let _ = world.sandbox.discord.view();
            reply_of(&inbound)
        })
        .await;
    assert!(!outcome.answered());
    world.chat.reply(&reply, &plain("Declared."), "E1").await.expect("sent");
    assert_eq!(world.direct_messages(&world.user("ann")).len(), 1);
    assert_eq!(world.messages().len(), 0, "nobody else sees it");
    let late = world.chat.open_form(&reply, &form()).await.expect_err("too late");
    assert_eq!(kind(&late), Some(Refused::TooLate));
}

#[tokio::test]
async fn a_follow_up_after_a_quarter_of_an_hour_goes_to_the_asker_directly() {
    let (world, _socket, mut arrivals) = connected().await;
    let (_, reply) = world
        .commanded(&mut arrivals, "/incident declare title:x", async |inbound| {
            let reply = reply_of(&inbound);
            world.chat.reply(&reply, &card("One."), "E1").await.expect("answered");
            reply
        })
        .await;
    world.clock.advance(Duration::from_secs(16 * 60));
    world.chat.reply(&reply, &card("Two."), "E2").await.expect("sent");
    assert_eq!(world.direct_messages(&world.user("ann")).len(), 1);
}

#[tokio::test]
async fn clicks_and_choices_arrive_with_their_commands() {
    let (world, _socket, mut arrivals) = connected().await;
    let mut message =
        card("It burns").button("Ack", "alert ack A-1", Style::Primary).button("Again", "alert ack A-1", Style::Plain);
    message.menu = Some(Menu {
        placeholder: "Severity".into(),
        click: "incident sev INC-1".into(),
        options: vec![("SEV1".into(), "SEV1".into())],
    });
    let id = world.post(&message, "E1").await.expect("posted");
    let (ann, general) = (world.user("ann"), world.general());
    let clicked = async {
        let inbound = world.next(&mut arrivals).await;
        world.chat.take(&reply_of(&inbound)).await.expect("taken");
        world.chat.take(&reply_of(&inbound)).await.expect("taken already");
        inbound
    };
    let (done, inbound) =
        tokio::join!(world.sandbox.discord.clicks(&ann, general.as_str(), id.as_str(), "Again"), clicked);
    done.expect("clicked");
    let Act::Click { click, chosen, message, .. } = inbound.what else { panic!("a click") };
    assert_eq!((click.as_str(), chosen, message), ("alert ack A-1", None, world.message(&id)));
    let chosen = async {
        let inbound = world.next(&mut arrivals).await;
        world.chat.reply(&reply_of(&inbound), &plain("Set."), "E2").await.expect("answered");
        inbound
    };
    let select = world.sandbox.discord.selects(&ann, general.as_str(), id.as_str(), "Severity", vec!["SEV1".into()]);
    let (done, inbound) = tokio::join!(select, chosen);
    done.expect("chosen");
    let Act::Click { click, chosen, .. } = inbound.what else { panic!("a choice") };
    assert_eq!((click.as_str(), chosen.as_deref()), ("incident sev INC-1", Some("SEV1")));
    world.nothing_was_malformed();
}

fn form() -> Form {
    let field = |key: &str, kind, required| Field {
        key: key.into(),
        label: key.to_uppercase(),
        kind,
        required,
        initial: String::new(),
        placeholder: "…".into(),
    };
    let severities = FieldKind::Choice(vec![("SEV1".into(), "1".into()), ("SEV2".into(), "2".into())]);
    let fields = vec![
        field("title", FieldKind::Line(150), true),
        field("text", FieldKind::Paragraph(3000), false),
        field("sev", severities, false),
    ];
    Form { click: "incident declare".into(), title: "Declare an incident".into(), submit: "Declare".into(), fields }
}

#[tokio::test]
async fn a_form_is_opened_filled_in_and_taken() {
    let (world, _socket, mut arrivals) = connected().await;
    world
        .commanded(&mut arrivals, "/incident declare title:x", async |inbound| {
            let reply = reply_of(&inbound);
            world.chat.open_form(&reply, &form()).await.expect("opened");
            let again = world.chat.open_form(&reply, &form()).await.expect_err("it is the first answer or none");
            assert_eq!(kind(&again), Some(Refused::Already));
        })
        .await;
    let ann = world.user("ann");
    let values = BTreeMap::from([("TITLE".to_owned(), "it burns".to_owned()), ("SEV".to_owned(), "SEV2".to_owned())]);
    let taken = async {
        let inbound = world.next(&mut arrivals).await;
        world.chat.take(&reply_of(&inbound)).await.expect("taken");
        inbound
    };
    let (done, inbound) = tokio::join!(world.sandbox.discord.submits(&ann, values), taken);
    done.expect("sent");
    let Act::Submit { click, values, .. } = inbound.what else { panic!("a form") };
    assert_eq!(click, "incident declare");
    assert_eq!((values["title"].as_str(), values["sev"].as_str()), ("it burns", "2"));
    assert!(!values.contains_key("text"), "{values:?}");
    world.nothing_was_malformed();
}

#[tokio::test]
async fn what_is_typed_is_completed() {
    let (world, _socket, mut arrivals) = connected().await;
    let (ann, general) = (world.user("ann"), world.general());
    let completed = async {
        let arrival = arrival(&mut arrivals).await;
        let Parsed::Complete(it) = world.parse(&arrival).await else { panic!("a completion") };
        arrival.kept.send(()).expect("somebody waits for it");
        let choices: Vec<(String, String)> = (0..40).map(|number| ("x".repeat(200), format!("INC-{number}"))).collect();
        world.client().complete(&it.interaction, &it.token, &choices).await.expect("in time");
        it
    };
    let typed = world.sandbox.discord.completes(&ann, general.as_str(), "incident role", "incident", "che");
    let (offered, completion) = tokio::join!(typed, completed);
    assert_eq!(offered.map(|it| it.len()), Ok(25));
    assert_eq!(
        (completion.name.as_str(), completion.option.as_str(), completion.partial.as_str()),
        ("incident", "incident", "che")
    );
    world.nothing_was_malformed();
}

#[tokio::test]
async fn messages_mentions_reactions_and_pins_arrive() {
    let (world, _socket, mut arrivals) = connected().await;
    let (ann, general) = (world.user("ann"), world.general());
    let id = world.post(&plain("by Muster itself"), "E1").await.expect("posted");
    world.says("hello @bo").await;
    let Act::Message { text, message } = world.next(&mut arrivals).await.what else { panic!("a message") };
    assert_eq!(text.as_str(), "hello @Bo");
    world.says(&format!("<@{}> ack A-3", world.sandbox.discord.application_id())).await;
    let inbound = world.next(&mut arrivals).await;
    let Act::Mention { text, .. } = &inbound.what else { panic!("a mention") };
    assert_eq!(text, "ack A-3");
    world.chat.reply(&reply_of(&inbound), &plain("Done."), "E2").await.expect("answered");
    assert!(world.messages().last().is_some_and(|it| !it["reference"].is_null()), "it is a reply");
    let discord = &world.sandbox.discord;
    discord.reacts(&ann, general.as_str(), message.message.as_str(), "📌").await.expect("reacted");
    discord.unreacts(&ann, general.as_str(), message.message.as_str(), "📌").await.expect("taken away");
    for wanted in [true, false] {
        let Act::Reaction { emoji, on, added } = world.next(&mut arrivals).await.what else { panic!("a reaction") };
        assert_eq!((emoji.as_str(), &on, added), ("📌", &message, wanted));
    }
    world.chat.pin(&world.message(&id)).await.expect("the bot's own pin says nothing");
    discord.pins(&ann, general.as_str(), message.message.as_str()).await.expect("pinned");
    let inbound = world.next(&mut arrivals).await;
    let Act::Pin { on, added } = inbound.what else { panic!("a pin") };
    assert_eq!((on, added, inbound.by.user.user.as_str()), (message, true, ann.as_str()));
    world.nothing_was_malformed();
}
