//! What people do, and how they are answered.

use std::collections::BTreeMap;
use std::time::Duration;

use integrations::chat::Refused;
use operations::card::{Card, Colour, Field, FieldKind, Form, Style};
use operations::chat::{Act, Line, ReplyTo};
use operations::text::Text;
use sandbox::slack::Submitted;

use crate::world::{World, kind, plain};

#[tokio::test]
async fn a_command_is_answered_until_its_address_is_used_up_and_beyond() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    let inbound = world.heard(&mut arrivals, "/incident declare it burns").await;
    let Act::Command { name, line: Line::Text(line), reply } = inbound.what else { panic!("a command") };
    assert_eq!((name.as_str(), line.as_str()), ("incident", "declare it burns"));
    for number in 0..7 {
        world.chat.reply(&reply, &plain("Declared."), &format!("fx-{number}")).await.expect("answered");
    }
    let mine =
        world.messages(&world.general()).into_iter().filter(|it| it["ephemeral_to"] == world.user("ann").as_str());
    assert_eq!(mine.count(), 7, "five through the response URL and two as ephemeral messages");
    assert_eq!(world.calls("response_url"), 5, "a sixth answer is not even tried there");
    world.nothing_was_malformed();
}

#[tokio::test]
async fn an_answer_to_somebody_outside_the_channel_goes_to_them_directly() {
    let world = World::new().await;
    let room = world.chat.open_channel("inc-1", "", "fx", false).await.expect("opened").channel;
    let to = ReplyTo::Slack { response_url: None, trigger: None, channel: room, user: world.user("bo"), thread: None };
    world.chat.reply(&to, &plain("For you"), "fx-2").await.expect("answered");
    let view = world.sandbox.slack.view();
    let direct = view["channels"].as_array().expect("channels").iter().find(|it| it["im"] == world.user("bo").as_str());
    assert_eq!(direct.expect("a direct channel")["messages"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_answer_never_leaves_for_another_address() {
    let world = World::new().await;
    let to = ReplyTo::Slack {
        response_url: Some("http://127.0.0.1:1/elsewhere".to_owned()),
        trigger: None,
        channel: world.general(),
        user: world.user("ann"),
        thread: None,
    };
    world.chat.reply(&to, &plain("Hello"), "fx").await.expect("answered another way");
    assert_eq!(world.calls("chat.postEphemeral"), 1);
}

#[tokio::test]
async fn a_click_opens_a_form_and_the_form_comes_back() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    let card =
        Card::coloured(Colour::Firing, Text::new().plain("A-1")).button("Declare", "incident declare", Style::Primary);
    let id = world.chat.post(&world.general(), None, &card, "fx").await.expect("posted");
    let ann = world.user("ann");
    let Act::Click { click, message, reply, .. } = world.clicked(&mut arrivals, &id, "Declare").await.what else {
        panic!("a click")
    };
    assert_eq!((click.as_str(), message.message), ("incident declare", id.clone()));

    let field = |key: &str, kind| Field {
        key: key.to_owned(),
        label: key.to_owned(),
        kind,
        required: true,
        initial: String::new(),
        placeholder: String::new(),
    };
    let choices = vec![("Severe".to_owned(), "SEV1".to_owned()), ("Mild".to_owned(), "SEV4".to_owned())];
    let form = Form {
        click: "incident declare".to_owned(),
        title: "Declare an incident".to_owned(),
        submit: "Declare".to_owned(),
        fields: vec![field("title", FieldKind::Line(100)), field("severity", FieldKind::Choice(choices))],
    };
    world.chat.open_form(&reply, &form).await.expect("opened");
    let failure = world.chat.open_form(&reply, &form).await.expect_err("a trigger works once");
    assert_eq!(kind(&failure), Some(Refused::Already));

    let values = BTreeMap::from(
        [("title", "It burns"), ("severity", "SEV1")].map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let (submitted, inbound) =
        tokio::join!(world.sandbox.slack.submits(&ann, values.clone()), world.next(&mut arrivals));
    assert_eq!(submitted, Ok(Submitted::Closed));
    let Act::Submit { click, values: sent, .. } = inbound.what else { panic!("a form") };
    assert_eq!((click.as_str(), sent, inbound.channel), ("incident declare", values, world.general()));

    // Three seconds are over.
    let old = world.chat.post(&world.general(), None, &card, "fx-2").await.expect("posted");
    let Act::Click { reply, .. } = world.clicked(&mut arrivals, &old, "Declare").await.what else { panic!("a click") };
    world.clock.advance(Duration::from_secs(4));
    let failure = world.chat.open_form(&reply, &form).await.expect_err("too late");
    assert_eq!(kind(&failure), Some(Refused::TooLate));
    world.nothing_was_malformed();
}

#[tokio::test]
async fn mentions_reactions_pins_and_messages_arrive() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    let slack = &world.sandbox.slack;
    let (ann, general) = (world.user("ann"), world.general());
    let Act::Mention { text, message, .. } = world.heard(&mut arrivals, "@muster ack A-1").await.what else {
        panic!("a mention")
    };
    assert_eq!(text, "ack A-1");
    slack.reacts(&ann, general.as_str(), message.message.as_str(), "pushpin").await.expect("reacted");
    let Act::Reaction { emoji, on, added } = world.next(&mut arrivals).await.what else { panic!("a reaction") };
    assert_eq!((emoji.as_str(), on, added), ("📌", message.clone(), true));
    slack.pins(&ann, general.as_str(), message.message.as_str()).await.expect("pinned");
    let Act::Pin { on, added, .. } = world.next(&mut arrivals).await.what else { panic!("a pin") };
    assert_eq!((on, added), (message, true));
    let Act::Message { text, .. } = world.heard(&mut arrivals, "a <b> & c").await.what else { panic!("a message") };
    assert_eq!(text.as_str(), "a <b> & c");
}
