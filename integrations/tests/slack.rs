//! The Slack adapter against a strict Slack, with everything going wrong that was seen to.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::{clock, pass, pass_until, sandbox, settle, until};
use integrations::chat::slack::inbound::{Parsed, parse};
use integrations::chat::slack::{Client, Config, socket};
use integrations::chat::socket::{Arrival, Socket, State};
use integrations::chat::{Chat, Failure, Refused, http_client};
use integrations::clock::ManualClock;
use integrations::secret::Secret;
use operations::card::{Card, Colour, Field, FieldKind, Form, Quote, Style};
use operations::chat::{Act, Inbound, Line, ReplyTo};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform};
use operations::text::{Outside, Text};
use sandbox::Sandbox;
use sandbox::faults::{CallFault, SocketFault};
use sandbox::slack::{Outcome, Submitted, Typed};
use serde_json::Value;
use tokio::sync::mpsc;

/// A Slack, and the bot's side of it.
struct World {
    clock: ManualClock,
    sandbox: Sandbox,
    chat: Chat,
}

impl World {
    async fn new() -> World {
        World::with_limits(false).await
    }

    async fn with_limits(rate_limits: bool) -> World {
        let clock = clock();
        let sandbox = sandbox(&clock, rate_limits).await;
        let client = Client::new(&config(&sandbox, 1), http_client().expect("a client"), Arc::new(clock.clone()));
        World { clock, sandbox, chat: Chat::Slack(client) }
    }

    fn channel(&self, name: &str) -> ChannelId {
        ChannelId(self.sandbox.slack.channel_id(name).expect("a channel"))
    }

    fn user(&self, name: &str) -> String {
        self.sandbox.slack.user_id(name).expect("a person")
    }

    fn general(&self) -> ChannelId {
        self.channel("general")
    }

    /// What people see in a channel.
    fn messages(&self, channel: &ChannelId) -> Vec<Value> {
        let view = self.sandbox.slack.view();
        let channels = view["channels"].as_array().expect("channels");
        let found = channels.iter().find(|it| it["id"] == channel.as_str()).expect("the channel");
        found["messages"].as_array().expect("messages").clone()
    }

    fn calls(&self, method: &str) -> usize {
        self.sandbox.slack.requests().iter().filter(|request| request.method == method).count()
    }

    fn fault(&self, method: &str, fault: CallFault) {
        self.sandbox.slack.fault(method, 1, fault);
    }

    async fn post(&self, key: &str) -> Result<MessageId, Failure> {
        self.chat.post(&self.general(), None, &plain("It burns"), key).await
    }

    /// Connects `sockets` connections and waits until they are greeted.
    async fn connect(&self, sockets: usize) -> (Socket, mpsc::Receiver<Arrival>) {
        let (socket, arrivals) = self.start(sockets);
        let health = socket.health.clone();
        until("all connections are greeted", || health.borrow().connects == sockets as u64).await;
        (socket, arrivals)
    }

    fn start(&self, sockets: usize) -> (Socket, mpsc::Receiver<Arrival>) {
        let (inbox, arrivals) = mpsc::channel(1024);
        let http = http_client().expect("a client");
        (socket::start(&config(&self.sandbox, sockets), http, Arc::new(self.clock.clone()), inbox), arrivals)
    }

    /// Says something as Ann; what the bot reads of it.
    async fn heard(&self, arrivals: &mut mpsc::Receiver<Arrival>, words: &str) -> Inbound {
        // A command is waited for until it is acknowledged, so it has to be taken meanwhile.
        let (ann, general) = (self.user("ann"), self.general());
        let (typed, inbound) = tokio::join!(self.sandbox.slack.types(&ann, general.as_str(), words, None), self.next(arrivals));
        typed.expect("Ann may say that");
        inbound
    }

    /// Clicks as Ann; what the bot reads of it.
    async fn clicked(&self, arrivals: &mut mpsc::Receiver<Arrival>, message: &MessageId, button: &str) -> Inbound {
        let (ann, general) = (self.user("ann"), self.general());
        let click = self.sandbox.slack.clicks(&ann, general.as_str(), message.as_str(), button);
        let (clicked, inbound) = tokio::join!(click, self.next(arrivals));
        clicked.expect("Ann may click that");
        inbound
    }

    async fn next(&self, arrivals: &mut mpsc::Receiver<Arrival>) -> Inbound {
        loop {
            let arrival = arrivals.recv().await.expect("an arrival");
            let parsed = self.parse(&arrival).await;
            arrival.kept.send(()).expect("somebody waits for it");
            if let Parsed::Act(inbound) = parsed {
                return *inbound;
            }
        }
    }

    async fn parse(&self, arrival: &Arrival) -> Parsed {
        let Chat::Slack(client) = &self.chat else { panic!("Slack") };
        let bot = client.identity().await.expect("an identity");
        parse(&serde_json::from_str(&arrival.raw).expect("JSON"), &bot).expect("a payload that can be read")
    }

    fn nothing_was_malformed(&self) {
        assert_eq!(self.sandbox.slack.unexpected(), Vec::<String>::new());
    }
}

fn config(sandbox: &Sandbox, sockets: usize) -> Config {
    Config {
        api_url: sandbox.slack.api_url(),
        app_token: Some(Secret::new(sandbox.slack.app_token())),
        bot_token: Secret::new(sandbox.slack.bot_token()),
        sockets,
    }
}

fn plain(words: &str) -> Card {
    Card::line(Text::new().plain(words))
}

fn kind(failure: &Failure) -> Option<Refused> {
    match failure {
        Failure::Permanent { kind, .. } => Some(*kind),
        Failure::Transient { .. } | Failure::Unknown { .. } => None,
    }
}

fn is_transient<T: std::fmt::Debug>(outcome: &Result<T, Failure>) -> bool {
    matches!(outcome, Err(Failure::Transient { .. }))
}

fn is_unknown<T: std::fmt::Debug>(outcome: &Result<T, Failure>) -> bool {
    matches!(outcome, Err(Failure::Unknown { .. }))
}

// ---------------------------------------------------------------- calls

#[tokio::test]
async fn a_card_is_posted_edited_pinned_and_found_by_its_key() {
    let world = World::new().await;
    let card = Card::coloured(Colour::Firing, Text::new().bold("INC-1 Checkout"))
        .with(Text::new().plain("Severity ").bold("SEV1"))
        .button("Acknowledge", "alert ack A-1", Style::Primary);
    let id = world.chat.post(&world.general(), None, &card, "fx-1").await.expect("posted");
    let message = MessageRef { platform: Platform::Slack, channel: world.general(), message: id.clone() };
    world.chat.edit(&message, &plain("INC-1 is over"), "fx-2").await.expect("edited");
    world.chat.pin(&message).await.expect("pinned");
    world.chat.pin(&message).await.expect("pinned already");
    let found = world.chat.find_posted(&world.general(), None, "fx-1").await.expect("looked");
    assert_eq!(found, Some(id.clone()), "an edit keeps the key");
    assert_eq!(world.chat.find_posted(&world.general(), None, "fx-9").await, Ok(None));

    let reply = world.chat.post(&world.general(), Some(&id), &plain("in the thread"), "fx-3").await.expect("posted");
    assert_eq!(world.chat.find_posted(&world.general(), Some(&id), "fx-3").await, Ok(Some(reply)));
    let shown = world.messages(&world.general());
    assert!(shown.iter().any(|it| it["text"].as_str().is_some_and(|text| text.contains("over"))), "{shown:?}");
    world.nothing_was_malformed();
}

#[tokio::test]
async fn hostile_words_notify_nobody() {
    let world = World::new().await;
    for words in [
        "<!channel> <!here> <!everyone> <!subteam^S1>",
        "<@U1> @everyone <@&1>",
        "&lt;!here&gt;",
        "<https://evil.example|bank> [bank](https://evil.example)",
        "```<!channel>```",
        "*b* _i_ ~s~ ||x||\n> q\n# h\n-# s",
        "https://evil.example :fire: \u{202e}x\u{200d}",
    ] {
        let outside = Outside::new(&words.replace("U1", &world.user("ann")));
        let mut card = Card::coloured(Colour::Firing, Text::new().outside(&outside)).with(Text::new().outside(&outside));
        card.quotes.push(Quote { label: "Summary".to_owned(), words: outside.clone() });
        card.footer = Some(Text::new().outside(&outside).link(words, "https://a.example"));
        card = card.button(words, "help", Style::Plain);
        world.clock.advance(Duration::from_secs(2));
        world.chat.post(&world.general(), None, &card, "fx").await.expect("posted");
        world.chat.set_topic(&world.general(), outside.as_str(), "fx").await.expect("a topic");
        world.clock.advance(Duration::from_secs(5));
    }
    assert!(world.sandbox.slack.notifications().is_empty(), "{:?}", world.sandbox.slack.notifications());
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_monstrous_card_is_taken() {
    let world = World::new().await;
    for words in ["x".repeat(40_000), "🔥".repeat(300), "\"\\&<>".repeat(8_000)] {
        let outside = Outside::new(&words);
        let mut card = Card::coloured(Colour::Firing, Text::new().outside(&outside));
        card.lines = vec![Text::new().outside(&outside).link(words.clone(), format!("https://a.example/{words}")); 60];
        card.quotes = vec![Quote { label: words.clone(), words: outside.clone() }; 20];
        card.footer = Some(card.lines[0].clone());
        for _ in 0..30 {
            card = card.button(&words, "help", Style::Danger);
        }
        world.clock.advance(Duration::from_secs(2));
        world.chat.post(&world.general(), None, &card, "fx").await.expect("posted");
    }
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_refused_connection_is_transient() {
    let clock = clock();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let config = Config {
        api_url: format!("http://127.0.0.1:{port}/api"),
        app_token: None,
        bot_token: Secret::new("hidden-token"),
        sockets: 1,
    };
    let chat = Chat::Slack(Client::new(&config, http_client().expect("a client"), Arc::new(clock)));
    let outcome = chat.post(&ChannelId::from("C1"), None, &plain("x"), "fx").await;
    assert!(is_transient(&outcome), "{outcome:?}");
    let said = format!("{outcome:?}");
    assert!(!said.contains("hidden") && !said.contains("127.0.0.1"), "{said}");
}

#[tokio::test]
async fn a_call_that_hangs_ends_after_ten_seconds() {
    let world = World::new().await;
    let id = world.post("fx-1").await.expect("posted");
    world.fault("chat.postMessage", CallFault::Hang);
    let hung = async {
        until("the call waits", || world.clock.next_wake().is_some()).await;
        settle().await;
        world.clock.advance(Duration::from_secs(10));
    };
    let (outcome, ()) = tokio::join!(world.post("fx-2"), hung);
    assert!(is_unknown(&outcome), "{outcome:?}");

    world.fault("chat.update", CallFault::Hang);
    let message = MessageRef { platform: Platform::Slack, channel: world.general(), message: id };
    let card = plain("again");
    let hung = async {
        until("the call waits", || world.clock.next_wake().is_some()).await;
        settle().await;
        world.clock.advance(Duration::from_secs(10));
    };
    let (outcome, ()) = tokio::join!(world.chat.edit(&message, &card, "fx"), hung);
    assert!(is_transient(&outcome), "an edit can simply be repeated: {outcome:?}");
}

#[tokio::test]
async fn a_post_that_hangs_after_the_work_is_unknown_and_found() {
    let world = World::new().await;
    world.fault("chat.postMessage", CallFault::HangAfterWork);
    let hung = async {
        until("it is posted", || !world.messages(&world.general()).is_empty()).await;
        world.clock.advance(Duration::from_secs(10));
    };
    let (outcome, ()) = tokio::join!(world.post("fx-1"), hung);
    assert!(is_unknown(&outcome), "{outcome:?}");
    assert!(world.chat.find_posted(&world.general(), None, "fx-1").await.expect("looked").is_some());
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_is_unknown_and_found() {
    let world = World::new().await;
    let lost = [CallFault::DropAfterWork, CallFault::CutBodyAfterWork, CallFault::StatusAfterWork { status: 500 }];
    for (number, fault) in lost.into_iter().enumerate() {
        let key = format!("fx-{number}");
        world.clock.advance(Duration::from_secs(2));
        world.fault("chat.postMessage", fault.clone());
        let outcome = world.post(&key).await;
        assert!(is_unknown(&outcome), "{fault:?}: {outcome:?}");
        let found = world.chat.find_posted(&world.general(), None, &key).await.expect("looked");
        assert!(found.is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn html_and_a_bare_no_are_unknown_for_a_post_and_transient_for_an_edit() {
    let world = World::new().await;
    let id = world.post("fx").await.expect("posted");
    let message = MessageRef { platform: Platform::Slack, channel: world.general(), message: id };
    for fault in [CallFault::Html, CallFault::BareNotOk, CallFault::Status { status: 500 }, CallFault::Status { status: 503 }] {
        world.clock.advance(Duration::from_secs(2));
        world.fault("chat.postMessage", fault.clone());
        let outcome = world.post("fx-2").await;
        assert!(is_unknown(&outcome), "{fault:?}: {outcome:?}");
        world.fault("chat.update", fault.clone());
        let outcome = world.chat.edit(&message, &plain("x"), "fx").await;
        assert!(is_transient(&outcome), "{fault:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_429_shuts_the_method_until_it_is_over() {
    let world = World::new().await;
    world.fault("chat.postMessage", CallFault::RateLimited { retry_after: 30, global: false });
    let outcome = world.post("fx-1").await;
    let Err(Failure::Transient { retry_after, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(30)));

    let before = world.calls("chat.postMessage");
    let later = async {
        until("the call waits", || world.clock.next_wake().is_some()).await;
        world.clock.advance(Duration::from_secs(29));
        settle().await;
        assert_eq!(world.calls("chat.postMessage"), before, "nothing is sent before the told wait is over");
        // Other methods are not held up.
        world.chat.set_topic(&world.general(), "topic", "fx").await.expect("a topic");
        world.clock.advance(Duration::from_secs(1));
    };
    let (outcome, ()) = tokio::join!(world.post("fx-2"), later);
    outcome.expect("posted once the wait is over");
    assert_eq!(world.sandbox.slack.early_requests(), 0);
}

#[tokio::test]
async fn a_429_without_retry_after_waits_a_second() {
    let world = World::new().await;
    world.fault("chat.postMessage", CallFault::Status { status: 429 });
    let outcome = world.post("fx-1").await;
    let Err(Failure::Transient { retry_after, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_burst_of_posts_keeps_to_the_limits() {
    let world = World::with_limits(true).await;
    let done = std::cell::Cell::new(false);
    let posts = async {
        for number in 0..20 {
            world.post(&format!("fx-{number}")).await.expect("posted");
        }
        done.set(true);
    };
    let ((), passed) = tokio::join!(posts, pass_until(&world.clock, "20 posts", || done.get()));
    assert!(passed >= Duration::from_secs(16), "one a second after the first burst: {passed:?}");
    assert!(world.sandbox.slack.requests().iter().all(|request| request.status == 200), "never a 429");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let world = World::new().await;
    for (word, refused) in [
        ("invalid_auth", Refused::Token),
        ("token_revoked", Refused::Token),
        ("missing_scope", Refused::Forbidden),
        ("is_archived", Refused::Gone),
        ("channel_not_found", Refused::Gone),
        ("invalid_blocks", Refused::Malformed),
        ("a_word_of_tomorrow", Refused::Malformed),
    ] {
        world.clock.advance(Duration::from_secs(2));
        world.fault("chat.postMessage", CallFault::Refuse { error: word.to_owned() });
        let failure = world.post("fx").await.expect_err("refused");
        assert_eq!(kind(&failure), Some(refused), "{word}: {failure:?}");
        assert!(failure.to_string().contains(word));
    }
    world.fault("chat.postMessage", CallFault::Refuse { error: "fatal_error".to_owned() });
    assert!(is_unknown(&world.post("fx").await), "some of it may have been done");
}

#[tokio::test]
async fn a_wrong_token_is_told_and_not_shown() {
    let world = World::new().await;
    let config = Config { bot_token: Secret::new("very-wrong"), ..config(&world.sandbox, 1) };
    let client = Client::new(&config, http_client().expect("a client"), Arc::new(world.clock.clone()));
    let failure = client.check_token().await.expect_err("refused");
    assert_eq!(kind(&failure), Some(Refused::Token));
    assert!(!format!("{failure:?} {config:?}").contains("very-wrong"));
}

#[tokio::test]
async fn a_channel_is_opened_once_for_a_key() {
    let world = World::new().await;
    let opened = world.chat.open_channel("INC-1 Checkout", "topic <!here>", "fx-1", false).await.expect("opened");
    assert_eq!(opened.name, "inc-1-checkout");
    // The answer to `create` is lost, and with it the purpose: found by its maker.
    world.clock.advance(Duration::from_secs(60));
    world.fault("conversations.create", CallFault::DropAfterWork);
    assert!(is_unknown(&world.chat.open_channel("INC-2", "", "fx-2", false).await));
    let again = world.chat.open_channel("INC-2", "", "fx-2", true).await.expect("found");
    assert_eq!(again.name, "inc-2");
    // And without looking first: the name is taken, by us.
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.chat.open_channel("INC-2", "", "fx-2", false).await, Ok(again));
    // A name that somebody else's room has.
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.chat.open_channel("INC-1 Checkout", "", "fx-3", false).await.expect("opened").name, "inc-1-checkout-2");
    assert!(world.sandbox.slack.notifications().is_empty());
    world.nothing_was_malformed();
}

#[tokio::test]
async fn people_are_brought_in_and_the_room_is_closed_twice_without_harm() {
    let world = World::new().await;
    let room = world.chat.open_channel("inc-1", "", "fx", false).await.expect("opened").channel;
    for _ in 0..2 {
        world.chat.invite(&room, &world.user("ann")).await.expect("in");
    }
    world.chat.post(&room, None, &plain("welcome"), "fx-2").await.expect("posted");
    for _ in 0..2 {
        world.chat.archive(&room).await.expect("closed");
    }
    let failure = world.chat.post(&room, None, &plain("late"), "fx-3").await.expect_err("refused");
    assert_eq!(kind(&failure), Some(Refused::Gone));
}

#[tokio::test]
async fn messages_are_fetched_in_channels_and_threads() {
    let world = World::new().await;
    let general = world.general();
    let ann = world.user("ann");
    let said = |typed: Typed| match typed {
        Typed::Message { ts } => ts,
        other => panic!("a message: {other:?}"),
    };
    let top = said(world.sandbox.slack.types(&ann, general.as_str(), "it <b>urns", None).await.expect("said"));
    let reply = said(world.sandbox.slack.types(&ann, general.as_str(), "indeed", Some(&top)).await.expect("said"));
    let message = |ts: &str| MessageRef { platform: Platform::Slack, channel: general.clone(), message: MessageId::from(ts) };
    let captured = world.chat.fetch(&message(&top)).await.expect("found");
    assert_eq!((captured.text.as_str(), captured.author.user.user.as_str()), ("it <b>urns", ann.as_str()));
    assert!(!captured.author.name.is_empty() && captured.link.contains("archives"), "{captured:?}");
    assert_eq!(world.chat.fetch(&message(&reply)).await.expect("found").text.as_str(), "indeed");
    assert_eq!(world.calls("users.info"), 1, "a name is asked for once");
    let failure = world.chat.fetch(&message("1.000001")).await.expect_err("nothing there");
    assert_eq!(kind(&failure), Some(Refused::Gone), "{failure:?}");
}

// ---------------------------------------------------------------- people act

#[tokio::test]
async fn a_command_is_answered_until_its_address_is_used_up_and_beyond() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    let inbound = world.heard(&mut arrivals, "/incident declare it burns").await;
    let Act::Command { name, line: Line::Text(line), reply } = inbound.what else { panic!("a command") };
    assert_eq!((name.as_str(), line.as_str()), ("incident", "declare it burns"));
    for number in 0..7 {
        world.chat.reply(&reply, &plain("Declared."), true, &format!("fx-{number}")).await.expect("answered");
    }
    let mine = world.messages(&world.general()).into_iter().filter(|it| it["ephemeral_to"] == world.user("ann").as_str());
    assert_eq!(mine.count(), 7, "five through the response URL and two as ephemeral messages");
    world.nothing_was_malformed();
}

#[tokio::test]
async fn an_answer_to_somebody_outside_the_channel_goes_to_them_directly() {
    let world = World::new().await;
    let room = world.chat.open_channel("inc-1", "", "fx", false).await.expect("opened").channel;
    let to = ReplyTo::Slack { response_url: None, trigger: None, channel: room, user: world.user("bo"), thread: None };
    world.chat.reply(&to, &plain("For you"), true, "fx-2").await.expect("answered");
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
    world.chat.reply(&to, &plain("Hello"), true, "fx").await.expect("answered another way");
    assert_eq!(world.calls("chat.postEphemeral"), 1);
}

#[tokio::test]
async fn a_click_opens_a_form_and_the_form_comes_back() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    let card = Card::coloured(Colour::Firing, Text::new().plain("A-1")).button("Declare", "incident declare", Style::Primary);
    let id = world.chat.post(&world.general(), None, &card, "fx").await.expect("posted");
    let ann = world.user("ann");
    let Act::Click { click, message, reply, .. } = world.clicked(&mut arrivals, &id, "Declare").await.what else { panic!("a click") };
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
    assert_eq!(kind(&failure), Some(Refused::TooLate));

    let values = BTreeMap::from([("title", "It burns"), ("severity", "SEV1")].map(|(key, value)| (key.to_owned(), value.to_owned())));
    let (submitted, inbound) = tokio::join!(world.sandbox.slack.submits(&ann, values.clone()), world.next(&mut arrivals));
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
    let Act::Mention { text, message, .. } = world.heard(&mut arrivals, "@muster ack A-1").await.what else { panic!("a mention") };
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

// ---------------------------------------------------------------- the socket

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_kept() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), "one", None).await.expect("said");
    let arrival = arrivals.recv().await.expect("an arrival");
    settle().await;
    assert_eq!(world.sandbox.slack.unacked(), 1);
    arrival.kept.send(()).expect("somebody waits");
    world.sandbox.slack.quiet().await;
    until("it is counted", || socket.health.borrow().kept == 1).await;
}

#[tokio::test]
async fn what_could_not_be_kept_is_not_acknowledged_and_comes_again() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), "one", None).await.expect("said");
    let first = arrivals.recv().await.expect("an arrival");
    let first_raw: Value = serde_json::from_str(&first.raw).expect("JSON");
    drop(first);
    let mut second = None;
    pass_until(&world.clock, "it is delivered again", || {
        second = second.take().or_else(|| arrivals.try_recv().ok());
        second.is_some()
    })
    .await;
    let second = second.expect("a second delivery");
    let second_raw: Value = serde_json::from_str(&second.raw).expect("JSON");
    assert_eq!(first_raw["payload"]["event_id"], second_raw["payload"]["event_id"]);
    second.kept.send(()).expect("somebody waits");
    world.sandbox.slack.quiet().await;
}

#[tokio::test]
async fn a_command_in_time_is_acknowledged_and_a_full_inbox_holds_up_nothing_else() {
    let world = World::new().await;
    let (inbox, mut arrivals) = mpsc::channel(1);
    let http = http_client().expect("a client");
    let socket = socket::start(&config(&world.sandbox, 1), http, Arc::new(world.clock.clone()), inbox);
    until("greeted", || socket.health.borrow().connects == 1).await;
    for number in 0..200 {
        let words = format!("message {number}");
        world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), &words, None).await.expect("said");
    }
    // Nobody takes anything for a minute: pings go on, so the connection stays.
    pass(&world.clock, Duration::from_secs(60), Duration::from_secs(2)).await;
    assert_eq!(socket.health.borrow().connects, 1);
    let (ann, general) = (world.user("ann"), world.general());
    let taken = async {
        loop {
            let arrival = arrivals.recv().await.expect("an arrival");
            let is_command = arrival.raw.contains("slash_commands");
            arrival.kept.send(()).expect("somebody waits");
            if is_command {
                return;
            }
        }
    };
    let (typed, ()) = tokio::join!(world.sandbox.slack.types(&ann, general.as_str(), "/incident list", None), taken);
    assert!(matches!(typed, Ok(Typed::Command { outcome: Outcome::Acked { .. } })), "{typed:?}");
}

#[tokio::test]
async fn five_hundred_events_arrive_in_order() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    for number in 0..500 {
        let words = format!("message {number}");
        world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), &words, None).await.expect("said");
    }
    for number in 0..500 {
        let Act::Message { text, .. } = world.next(&mut arrivals).await.what else { panic!("a message") };
        assert_eq!(text.as_str(), format!("message {number}"));
    }
    world.sandbox.slack.quiet().await;
}

#[tokio::test]
async fn a_connection_lives_long() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(2).await;
    pass(&world.clock, Duration::from_secs(600), Duration::from_secs(2)).await;
    assert_eq!(socket.health.borrow().connects, 2, "both are still the first ones");
    assert_eq!(socket.health.borrow().state, State::Connected);
    world.heard(&mut arrivals, "still here").await;
}

#[tokio::test]
async fn a_closed_or_dropped_connection_is_replaced() {
    for fault in [
        SocketFault::Close { code: Some(1000) },
        SocketFault::Close { code: Some(4000) },
        SocketFault::Close { code: None },
        SocketFault::Drop,
    ] {
        let world = World::new().await;
        let (socket, mut arrivals) = world.connect(1).await;
        world.sandbox.slack.socket_fault(fault.clone()).await;
        pass_until(&world.clock, "it is replaced", || socket.health.borrow().connects == 2).await;
        world.heard(&mut arrivals, "after that").await;
        assert_eq!(socket.health.borrow().state, State::Connected, "{fault:?}");
    }
}

#[tokio::test]
async fn the_next_connection_is_there_before_the_old_one_ends() {
    for reason in ["warning", "refresh_requested"] {
        let world = World::new().await;
        let (socket, mut arrivals) = world.connect(1).await;
        world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), "before", None).await.expect("said");
        world.sandbox.slack.socket_fault(SocketFault::AskReconnect { reason: reason.to_owned() }).await;
        until("the next one is greeted", || socket.health.borrow().connects == 2).await;
        // What came over the old one is still acknowledged.
        world.next(&mut arrivals).await;
        world.heard(&mut arrivals, "after").await;
        world.sandbox.slack.quiet().await;
        assert_eq!(socket.health.borrow().state, State::Connected, "{reason}");
        pass(&world.clock, Duration::from_secs(40), Duration::from_secs(2)).await;
        world.heard(&mut arrivals, "much later").await;
        assert_eq!(socket.health.borrow().connects, 2, "{reason}");
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up() {
    let world = World::new().await;
    world.sandbox.slack.socket_fault(SocketFault::HangHandshake { times: 1 }).await;
    let (socket, mut arrivals) = world.start(1);
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(10) && passed < Duration::from_secs(20), "{passed:?}");
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn a_refused_handshake_is_tried_again_with_growing_waits() {
    let world = World::new().await;
    world.sandbox.slack.socket_fault(SocketFault::RefuseHandshake { times: 4, status: 503 }).await;
    let (socket, _arrivals) = world.start(1);
    until("the reason is told", || matches!(&socket.health.borrow().state, State::Connecting(Some(why)) if why.contains("503"))).await;
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(7), "half of 1 + 2 + 4 + 8 s at least: {passed:?}");
}

#[tokio::test]
async fn a_socket_that_says_no_hello_is_given_up() {
    let world = World::new().await;
    world.sandbox.slack.socket_fault(SocketFault::NoHello { times: 1 }).await;
    let (socket, mut arrivals) = world.start(1);
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(10), "{passed:?}");
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn sockets_that_close_right_after_hello_do_not_make_a_storm() {
    for code in [Some(1000), None] {
        let world = World::new().await;
        world.sandbox.slack.socket_fault(SocketFault::CloseAfterHello { times: 1000, code }).await;
        let (socket, _arrivals) = world.start(1);
        pass(&world.clock, Duration::from_secs(120), Duration::from_millis(500)).await;
        let connects = socket.health.borrow().connects;
        assert!((4..=12).contains(&connects), "{connects} connections in two minutes");
    }
}

#[tokio::test]
async fn a_half_open_peer_is_noticed() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.socket_fault(SocketFault::Freeze { on: true }).await;
    let passed = pass_until(&world.clock, "it is replaced", || socket.health.borrow().connects == 2).await;
    assert!(passed >= Duration::from_secs(30) && passed <= Duration::from_secs(50), "{passed:?}");
    world.sandbox.slack.socket_fault(SocketFault::Freeze { on: false }).await;
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn odd_frames_do_no_harm() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    for text in ["not json", "[]", "{}", "null", "{\"type\":7}", "{\"type\":\"disconnect\"", "{\"envelope_id\":7}", ""] {
        world.sandbox.slack.socket_fault(SocketFault::Frame { text: text.to_owned() }).await;
    }
    world.heard(&mut arrivals, "still here").await;
    assert_eq!(socket.health.borrow().connects, 1);
}

#[tokio::test]
async fn a_disconnect_without_details_is_understood() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.socket_fault(SocketFault::Frame { text: "{\"type\":\"disconnect\"}".to_owned() }).await;
    until("the next one is greeted", || socket.health.borrow().connects == 2).await;
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn a_frame_that_is_too_long_ends_the_connection_and_not_the_socket() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.socket_fault(SocketFault::Frame { text: "x".repeat(2 * 1024 * 1024) }).await;
    pass_until(&world.clock, "it is replaced", || socket.health.borrow().connects == 2).await;
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn opening_a_connection_survives_every_fault_of_the_call() {
    for fault in [
        CallFault::Status { status: 500 },
        CallFault::Html,
        CallFault::BareNotOk,
        CallFault::CutBodyAfterWork,
        CallFault::DropAfterWork,
        CallFault::Refuse { error: "internal_error".to_owned() },
    ] {
        let world = World::new().await;
        world.fault("apps.connections.open", fault.clone());
        let (socket, mut arrivals) = world.start(1);
        let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
        assert!(passed <= Duration::from_secs(2), "{fault:?}: {passed:?}");
        world.heard(&mut arrivals, "here").await;
    }
}

#[tokio::test]
async fn opening_a_connection_that_hangs_is_given_up() {
    let world = World::new().await;
    world.fault("apps.connections.open", CallFault::Hang);
    let (socket, _arrivals) = world.start(1);
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(10) && passed < Duration::from_secs(20), "{passed:?}");
}

#[tokio::test]
async fn opening_a_connection_obeys_retry_after() {
    let world = World::new().await;
    world.fault("apps.connections.open", CallFault::RateLimited { retry_after: 40, global: false });
    let (socket, _arrivals) = world.start(2);
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 2).await;
    assert!(passed >= Duration::from_secs(40), "{passed:?}");
    assert_eq!(world.sandbox.slack.early_requests(), 0);
}

#[tokio::test]
async fn a_wrong_app_token_stops_the_socket_and_is_tried_every_five_minutes() {
    let world = World::new().await;
    world.fault("apps.connections.open", CallFault::Refuse { error: "invalid_auth".to_owned() });
    let (socket, _arrivals) = world.start(1);
    until("it says so", || matches!(&socket.health.borrow().state, State::Stopped(why) if why.contains("invalid_auth"))).await;
    pass(&world.clock, Duration::from_secs(296), Duration::from_secs(4)).await;
    assert_eq!(world.calls("apps.connections.open"), 1);
    pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert_eq!(socket.health.borrow().state, State::Connected);
}

#[tokio::test]
async fn without_an_app_token_the_socket_says_so() {
    let world = World::new().await;
    let (inbox, _arrivals) = mpsc::channel(1);
    let config = Config { app_token: None, ..config(&world.sandbox, 2) };
    let socket = socket::start(&config, http_client().expect("a client"), Arc::new(world.clock.clone()), inbox);
    assert!(matches!(&socket.health.borrow().state, State::Stopped(_)));
    socket.close(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stop_closes_cleanly_and_acknowledges_what_is_kept_meanwhile() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(2).await;
    world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), "last words", None).await.expect("said");
    let arrival = arrivals.recv().await.expect("an arrival");
    let start = std::time::Instant::now();
    let closing = socket.close(Duration::from_secs(10));
    let ((), ()) = tokio::join!(closing, async {
        settle().await;
        arrival.kept.send(()).expect("somebody waits");
        while arrivals.recv().await.is_some() {}
    });
    assert!(start.elapsed() < Duration::from_secs(5), "it closed by itself");
    assert_eq!(world.sandbox.slack.unacked(), 0);
}
