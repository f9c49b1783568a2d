//! Calls: what they do, and every way in which they fail.

use std::sync::Arc;
use std::time::Duration;

use integrations::chat::slack::{Client, Config};
use integrations::chat::{Chat, Failure, Refused};
use integrations::http::http_client;
use integrations::secret::Secret;
use operations::accounts::Standing;
use operations::card::{Card, Colour, Quote, Style};
use operations::channels::Unusable;
use operations::ids::{ChannelId, MessageId, MessageRef, Platform, UserRef};
use operations::text::{Outside, Text};
use sandbox::faults::CallFault;
use sandbox::slack::{Membership, Typed};

use crate::common::{clock, parrot, pass_until, settle, until};
use crate::world::{World, config, is_transient, is_unknown, kind, plain, unusable};

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
        let mut card =
            Card::coloured(Colour::Firing, Text::new().outside(&outside)).with(Text::new().outside(&outside));
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
    for fault in
        [CallFault::Html, CallFault::BareNotOk, CallFault::Status { status: 500 }, CallFault::Status { status: 503 }]
    {
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
        ("invalid_blocks", Refused::Malformed),
        ("a_word_of_tomorrow", Refused::Malformed),
    ] {
        world.clock.advance(Duration::from_secs(2));
        world.fault("chat.postMessage", CallFault::Refuse { error: word.to_owned() });
        let failure = world.post("fx").await.expect_err("refused");
        assert_eq!(kind(&failure), Some(refused), "{word}: {failure:?}");
        assert!(failure.to_string().contains(word));
    }
    for (word, why) in [
        ("is_archived", Unusable::Archived),
        ("channel_not_found", Unusable::Gone),
        ("restricted_action", Unusable::Forbidden),
    ] {
        world.clock.advance(Duration::from_secs(2));
        world.fault("chat.postMessage", CallFault::Refuse { error: word.to_owned() });
        let failure = world.post("fx").await.expect_err("refused");
        assert_eq!(unusable(&failure), Some(why), "{word}: {failure:?}");
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
    assert_eq!(
        world.chat.open_channel("INC-1 Checkout", "", "fx-3", false).await.expect("opened").name,
        "inc-1-checkout-2"
    );
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
    assert_eq!(unusable(&failure), Some(Unusable::Archived));
    assert_eq!(world.chat.look_at(&room, Unusable::Archived).await, Ok(Some(Unusable::Archived)));
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
    let message =
        |ts: &str| MessageRef { platform: Platform::Slack, channel: general.clone(), message: MessageId::from(ts) };
    let captured = world.chat.fetch(&message(&top)).await.expect("found");
    assert_eq!((captured.text.as_str(), captured.author.user.user.as_str()), ("it <b>urns", ann.as_str()));
    assert!(!captured.author.name.is_empty() && captured.link.contains("archives"), "{captured:?}");
    assert_eq!(world.chat.fetch(&message(&reply)).await.expect("found").text.as_str(), "indeed");
    assert_eq!(world.calls("users.info"), 1, "a name is asked for once");
    let failure = world.chat.fetch(&message("1.000001")).await.expect_err("nothing there");
    assert_eq!(kind(&failure), Some(Refused::Gone), "{failure:?}");
}

#[tokio::test]
async fn guests_and_those_who_were_deactivated_are_found_on_every_page() {
    let world = World::new().await;
    let slack = &world.sandbox.slack;
    for number in 0..450 {
        let membership = match number {
            7 | 449 => Membership::Guest,
            300 => Membership::Deactivated,
            _ => Membership::Member,
        };
        slack.lets_in(&format!("person{number}"), membership);
    }
    let found = world.chat.accounts().await.expect("it is listed").expect("Slack has guests");
    let of = |number: u32| UserRef {
        platform: Platform::Slack,
        workspace: slack.team().to_owned(),
        user: slack.user_id(&format!("person{number}")).expect("there is one"),
    };
    let expected = [(of(7), Standing::Guest), (of(300), Standing::Left), (of(449), Standing::Guest)];
    assert_eq!(found, expected.into());
    assert_eq!(world.calls("users.list"), 3);
    // Half a list would take the rest for members.
    slack.fault("users.list", 1, CallFault::Status { status: 500 });
    assert!(world.chat.accounts().await.is_err());
}

#[tokio::test]
async fn what_slack_repeats_of_a_call_is_in_no_failure() {
    let world = World::new().await;
    for (status, answer) in [
        ("200 OK", r#"{"ok":false,"error":"invalid_arguments","response_metadata":{"messages":["[ERROR] HEAD"]}}"#),
        ("200 OK", r#"{"ok":false,"error":"HEAD"}"#),
        ("400 Bad Request", "HEAD"),
        ("200 OK", "HEAD"),
    ] {
        // Of no form that anybody would know.
        let token = Secret::new("Very-Own-Token");
        let config = Config { api_url: parrot(status, answer).await, bot_token: token, ..config(&world.sandbox, 1) };
        let client = Client::new(&config, http_client().expect("a client"), Arc::new(world.clock.clone()));
        let failure = client.check_token().await.expect_err("refused").to_string();
        assert!(failure.contains("auth.test") && !failure.contains("Very-Own-Token"), "{answer}: {failure}");
    }
}
