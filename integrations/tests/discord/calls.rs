//! Calls under every fault that was ever seen.

use std::sync::Arc;
use std::time::Duration;

use integrations::chat::discord::{Client, Config};
use integrations::chat::{Chat, Failure, Refused};
use integrations::http::http_client;
use integrations::secret::Secret;
use operations::card::{Card, Colour, Menu, Quote, Style};
use operations::channels::Unusable;
use operations::chat::ReplyTo;
use operations::ids::{ChannelId, MessageId, Platform, UserRef};
use operations::text::{Outside, Span, Text, TimeStyle};
use sandbox::faults::CallFault;
use serde_json::Value;

use crate::common::{parrot, pass, settle};
use crate::world::{EDIT, POST, World, card, commands, config, is_transient, is_unknown, kind, plain, unusable};

#[tokio::test]
async fn a_message_is_posted_edited_pinned_and_read() {
    let world = World::new().await;
    let id = world
        .post(&card("It burns").button("Acknowledge", "alert ack A-1", Style::Primary), "E1")
        .await
        .expect("posted");
    let message = world.message(&id);
    world.chat.edit(&message, &card("It burned"), "E2").await.expect("edited");
    world.chat.pin(&message).await.expect("pinned");
    world.chat.pin(&message).await.expect("pinned already");
    let captured = world.chat.fetch(&message).await.expect("read");
    assert_eq!(captured.text.as_str(), "**It burned**");
    assert_eq!(captured.author.name.as_str(), "muster");
    let (guild, channel) = (world.sandbox.discord.guild(), world.general());
    assert_eq!(captured.link, format!("https://discord.com/channels/{guild}/{}/{}", channel.0, id.0));
    assert_eq!(world.seen(&channel)["pins"], serde_json::json!([id.0]));
    assert_eq!(world.messages()[0]["components"], serde_json::json!([]), "an edit takes the buttons away");
    world.nothing_was_malformed();
}

#[tokio::test]
async fn the_same_key_posts_once() {
    let world = World::new().await;
    for message in [plain("one line"), card("a card")] {
        let key = message.title.words();
        let first = world.post(&message, &key).await.expect("posted");
        assert_eq!(world.post(&message, &key).await, Ok(first));
    }
    assert_eq!(world.messages().len(), 2);
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_posted_message_is_found_again_by_its_key() {
    let world = World::new().await;
    let general = world.general();
    for message in [plain("one line with *stars*"), card("a card")] {
        let key = message.title.words();
        for fault in [CallFault::DropAfterWork, CallFault::StatusAfterWork { status: 502 }, CallFault::CutBodyAfterWork]
        {
            let key = format!("{key} {fault:?}");
            world.fault(POST, fault.clone());
            let posted = world.while_time_passes(world.post(&message, &key)).await;
            assert!(is_unknown(&posted), "{fault:?}: {posted:?}");
            let found = world.chat.find_posted(&general, None, &key);
            let found = world.while_time_passes(found).await.expect("looked for");
            assert!(found.is_some(), "{fault:?}: {key}");
        }
        let none = world.chat.find_posted(&general, None, "another key");
        assert_eq!(world.while_time_passes(none).await, Ok(None));
    }
}

#[tokio::test]
async fn a_card_is_found_again_by_another_process() {
    let world = World::new().await;
    let id = world.post(&card("a card"), "E1").await.expect("posted");
    let other = Client::new(&config(&world.sandbox), http_client().expect("a client"), Arc::new(world.clock.clone()));
    let other = integrations::chat::Chat::Discord(other);
    assert_eq!(other.find_posted(&world.general(), None, "E1").await, Ok(Some(id)));
}

#[tokio::test]
async fn a_post_that_may_have_been_done_is_unknown_and_an_edit_may_be_repeated() {
    let faults = [
        CallFault::Status { status: 500 },
        CallFault::Status { status: 503 },
        CallFault::StatusAfterWork { status: 500 },
        CallFault::Html,
        CallFault::DropAfterWork,
        CallFault::CutBodyAfterWork,
    ];
    for fault in faults {
        let world = World::new().await;
        let id = world.post(&card("It burns"), "E0").await.expect("posted");
        world.fault(POST, fault.clone());
        assert!(is_unknown(&world.post(&card("It burns"), "E1").await), "{fault:?}");
        world.fault(EDIT, fault.clone());
        assert!(is_transient(&world.chat.edit(&world.message(&id), &card("x"), "E2").await), "{fault:?}");
    }
}

#[tokio::test]
async fn a_hanging_call_is_given_up_after_ten_seconds() {
    for fault in [CallFault::Hang, CallFault::HangAfterWork] {
        let world = World::new().await;
        world.fault(POST, fault);
        let before = world.clock.clone();
        let start = integrations::clock::Clock::now(&before);
        let posted = world.while_time_passes(world.post(&plain("It burns"), "E1")).await;
        assert!(is_unknown(&posted), "{posted:?}");
        let passed = integrations::clock::Clock::now(&before).duration_since(start);
        assert!(passed.as_secs() >= 10 && passed.as_secs() < 13, "{passed:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_has_done_nothing() {
    let world = World::new().await;
    let mut config = config(&world.sandbox);
    // Nothing listens on port 1.
    config.api_url = "http://127.0.0.1:1/api/v10".to_owned();
    let client = Client::new(&config, http_client().expect("a client"), Arc::new(world.clock.clone()));
    let chat = integrations::chat::Chat::Discord(client);
    let posted = chat.post(&world.general(), None, &plain("x"), "E1").await;
    assert!(is_transient(&posted), "{posted:?}");
    assert!(!posted.expect_err("refused").to_string().contains("127.0.0.1"));
}

#[tokio::test]
async fn a_429_is_waited_out_before_the_bucket_is_used_again() {
    let world = World::with_limits(true).await;
    world.fault(POST, CallFault::RateLimited { retry_after: 20, global: false });
    let posted = world.post(&plain("one"), "E1").await;
    assert_eq!(
        posted,
        Err(Failure::Transient { why: format!("{POST}: rate limited"), retry_after: Some(Duration::from_secs(20)) })
    );
    // Another bucket is open meanwhile.
    world.chat.name_of(&world.user("ann")).await.expect("a name");
    world.while_time_passes(world.post(&plain("one"), "E1")).await.expect("posted later");
    assert_eq!(world.sandbox.discord.early_requests(), 0);
}

#[tokio::test]
async fn a_global_429_shuts_everything_but_answers() {
    let world = World::with_limits(true).await;
    world.fault(POST, CallFault::RateLimited { retry_after: 15, global: true });
    assert!(is_transient(&world.post(&plain("one"), "E1").await));
    world.while_time_passes(world.chat.name_of(&world.user("ann"))).await.expect("a name, later");
    assert_eq!(world.sandbox.discord.early_requests(), 0);
}

#[tokio::test]
async fn a_bare_429_shuts_everything_for_a_second() {
    let world = World::new().await;
    world.fault(POST, CallFault::Status { status: 429 });
    let posted = world.post(&plain("one"), "E1").await;
    assert!(
        matches!(&posted, Err(Failure::Transient { retry_after: Some(wait), .. }) if *wait == Duration::from_secs(1))
    );
}

#[tokio::test]
async fn fifty_posts_keep_to_the_limits() {
    let world = World::with_limits(true).await;
    let all = async {
        for number in 0..50 {
            world.post(&plain(&format!("message {number}")), &format!("E{number}")).await.expect("posted");
        }
    };
    world.while_time_passes(all).await;
    assert_eq!(world.messages().len(), 50);
    assert_eq!((world.sandbox.discord.invalid_requests(), world.sandbox.discord.early_requests()), (0, 0));
}

#[tokio::test]
async fn a_topic_is_set_twice_in_ten_minutes_and_then_put_back() {
    let world = World::with_limits(true).await;
    let room = world.chat.open_channel("inc-1", "one", "E1", false).await.expect("opened");
    for topic in ["two", "three"] {
        world.chat.set_topic(&room.channel, topic, "E1").await.expect("set");
    }
    let third = world.while_time_passes(world.chat.set_topic(&room.channel, "four", "E1")).await;
    assert!(matches!(third, Err(Failure::Transient { retry_after: Some(_), .. })), "{third:?}");
    pass(&world.clock, Duration::from_secs(600), Duration::from_secs(20)).await;
    world.while_time_passes(world.chat.set_topic(&room.channel, "four", "E1")).await.expect("set");
    assert_eq!(world.sandbox.discord.invalid_requests(), 0);
}

#[tokio::test]
async fn cards_that_would_not_be_seen_and_messages_that_can_not_be_found_are_the_channels_fault() {
    let world = World::new().await;
    let posted = world.post(&card("Disk"), "E1").await.expect("posted");
    world.sandbox.discord.denies("general", "EMBED_LINKS", true);
    let why = world.post(&card("Load"), "E2").await.err().as_ref().and_then(unusable);
    assert_eq!(why, Some(Unusable::Forbidden));
    let edited = world.chat.edit(&world.message(&posted), &card("Disk is full"), "E1").await;
    assert_eq!(edited.err().as_ref().and_then(unusable), Some(Unusable::Forbidden), "it was dropped without a word");
    world.sandbox.discord.denies("general", "EMBED_LINKS", false);
    world.sandbox.discord.denies("general", "READ_MESSAGE_HISTORY", true);
    let found = world.chat.find_posted(&world.general(), None, "E1").await;
    assert_eq!(found.err().as_ref().and_then(unusable), Some(Unusable::Forbidden), "it may be there all the same");
    world.sandbox.discord.denies("general", "READ_MESSAGE_HISTORY", false);
    assert_eq!(world.chat.find_posted(&world.general(), None, "E1").await, Ok(Some(posted)));
    let empty = ChannelId::from(world.sandbox.discord.channel_id("alerts").expect("there is one"));
    assert_eq!(world.chat.find_posted(&empty, None, "E1").await, Ok(None), "nothing was said there");
}

#[tokio::test]
async fn refusals_are_of_their_kind_and_say_the_code() {
    let world = World::new().await;
    let gone = ChannelId::from("1");
    let failure = world.chat.post(&gone, None, &plain("x"), "E1").await.expect_err("no channel");
    assert_eq!(unusable(&failure), Some(Unusable::Gone));
    assert!(failure.to_string().contains("10003 Unknown Channel"), "{failure}");
    let failure = world.chat.fetch(&world.message(&MessageId::from("1"))).await.expect_err("no message");
    assert_eq!(kind(&failure), Some(Refused::Gone));
    world.sandbox.discord.denies("general", "SEND_MESSAGES", true);
    let why = world.post(&plain("x"), "E2").await.err().as_ref().and_then(unusable);
    assert_eq!(why, Some(Unusable::Forbidden));
    assert_eq!(world.chat.look_at(&gone, Unusable::Gone).await, Ok(Some(Unusable::Gone)));
    assert_eq!(world.chat.look_at(&world.general(), Unusable::Forbidden).await, Ok(Some(Unusable::Forbidden)));
    world.sandbox.discord.denies("general", "SEND_MESSAGES", false);
    assert_eq!(world.chat.look_at(&world.general(), Unusable::Forbidden).await, Ok(None));
    for permission in ["EMBED_LINKS", "READ_MESSAGE_HISTORY"] {
        world.sandbox.discord.denies("general", permission, true);
        let still = world.chat.look_at(&world.general(), Unusable::Forbidden).await;
        assert_eq!(still, Ok(Some(Unusable::Forbidden)), "{permission}");
        world.sandbox.discord.denies("general", permission, false);
    }
    world.fault(POST, CallFault::Refuse { error: "50035".to_owned() });
    assert_eq!(world.post(&plain("x"), "E3").await.err().as_ref().and_then(kind), Some(Refused::Malformed));
}

#[tokio::test]
async fn a_wrong_token_is_said_and_not_shown() {
    let world = World::new().await;
    let mut config = config(&world.sandbox);
    config.bot_token = Secret::new("not-the-token");
    let client = Client::new(&config, http_client().expect("a client"), Arc::new(world.clock.clone()));
    let failure = client.identity().await.expect_err("refused");
    assert_eq!(kind(&failure), Some(Refused::Token));
    assert!(!format!("{failure:?} {config:?}").contains("not-the-token"));
}

#[tokio::test]
async fn commands_are_told_once_and_again_only_when_they_change() {
    let world = World::new().await;
    let put = "PUT /applications/{application.id}/guilds/{guild.id}/commands";
    for _ in 0..3 {
        world.while_time_passes(world.chat.introduce(&commands())).await.expect("told");
    }
    assert_eq!(world.calls(put), 1);
    let mut changed = commands();
    changed[0].about = "Something else";
    world.while_time_passes(world.chat.introduce(&changed)).await.expect("told");
    assert_eq!(world.calls(put), 2);
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_channel_is_opened_once_for_a_key() {
    let world = World::new().await;
    let route = "POST /guilds/{guild.id}/channels";
    world.fault(route, CallFault::DropAfterWork);
    let lost = world.chat.open_channel("inc-1 Checkout!", "It *burns* https://x.example", "E1", false).await;
    assert!(is_unknown(&lost), "{lost:?}");
    let found = world.chat.open_channel("inc-1 Checkout!", "It burns", "E1", true).await.expect("found");
    assert_eq!((found.name.as_str(), world.calls(route)), ("inc-1-checkout", 1));
    let topic = world.seen(&found.channel)["topic"].as_str().expect("a topic").to_owned();
    assert!(topic.starts_with("It \\*burns\\* https\\://x.example · ref "), "{topic}");
    let other = world.chat.open_channel("inc-1 Checkout!", "It burns", "E2", true).await.expect("opened");
    assert_ne!(other.channel, found.channel);
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_closed_channel_takes_messages_of_the_bot_alone() {
    let world = World::new().await;
    let room = world.chat.open_channel("inc-1", "x", "E1", false).await.expect("opened");
    world.chat.archive(&room.channel).await.expect("closed");
    let requests = world.sandbox.discord.requests();
    let last = requests.iter().rfind(|it| it.route == "PATCH /channels/{channel.id}").expect("a change");
    let overwrites = last.body["permission_overwrites"].as_array().expect("overwrites");
    let of = |id: &str| overwrites.iter().find(|it| it["id"] == id).expect("an overwrite");
    let bits = |value: &Value| value.as_str().and_then(|bits| bits.parse::<u64>().ok()).expect("bits");
    assert_eq!(bits(&of(world.sandbox.discord.guild())["deny"]) & (1 << 11), 1 << 11);
    assert_eq!(bits(&of(world.sandbox.discord.application_id())["allow"]) & (1 << 11), 1 << 11);
    world.nothing_was_malformed();
}

#[tokio::test]
async fn only_those_who_are_named_are_notified() {
    let world = World::new().await;
    let ann = world.user("ann");
    let user = UserRef { platform: Platform::Discord, workspace: "1".into(), user: ann.clone() };
    let attack = Outside::new("@everyone @here <@1> <@&2> <!channel>");
    let text = || {
        Text::new().outside(&attack).plain("@everyone").code("@here").span(Span::Notify(user.clone(), attack.clone()))
    };
    let bo = format!("<@{}> @everyone", world.user("bo"));
    for card in [Card::line(text().plain(&bo)), Card::coloured(Colour::Firing, text()).with(text().plain(&bo))] {
        world.post(&card, &format!("{card:?}")).await.expect("posted");
    }
    let told = world.sandbox.discord.notifications();
    assert!(!told.is_empty() && told.iter().all(|it| it.target == format!("<@{ann}>")), "{told:?}");
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_monstrous_card_is_never_refused() {
    let world = World::new().await;
    let corpus = ["x", "*", "@", "🔥", "`", "<@1>", "\n", "\\", "a\u{0301}", "https://x.example/", "> # - "];
    for (number, piece) in corpus.iter().enumerate() {
        let words = piece.repeat(40_000 / piece.len());
        let outside = Outside::new(&words);
        let at = integrations::clock::Clock::now(&world.clock);
        let text =
            || Text::new().bold(&words).outside(&outside).time(at, TimeStyle::Ago).code(&words).link(&words, &words);
        let mut monster = Card::coloured(Colour::Firing, text());
        for number in 0..40 {
            monster = monster.with(text()).button(&words, format!("alert ack A-{number}"), Style::Danger);
            monster.quotes.push(Quote { label: words.clone(), words: outside.clone() });
        }
        let options = (0..40).map(|number| (words.clone(), number.to_string())).collect();
        monster.menu = Some(Menu { placeholder: words.clone(), click: "incident sev INC-1".into(), options });
        monster.footer = Some(if number % 2 == 0 { text() } else { Text::new().plain(&words) });
        let key = format!("M{number}");
        let id =
            world.while_time_passes(world.post(&monster, &key)).await.unwrap_or_else(|why| panic!("{piece:?}: {why}"));
        let edited = world.while_time_passes(world.chat.edit(&world.message(&id), &monster, &key)).await;
        edited.unwrap_or_else(|why| panic!("{piece:?}: {why}"));
        let line = Card::line(Text::new().outside(&outside).plain(&words));
        world
            .while_time_passes(world.post(&line, &format!("L{number}")))
            .await
            .unwrap_or_else(|why| panic!("{piece:?}: {why}"));
        assert!(world.messages().iter().any(|it| it.to_string().contains("… (cut)")), "{piece:?}");
    }
    settle().await;
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_direct_message_reaches_one_person() {
    let world = World::new().await;
    let ann = world.user("ann");
    world.chat.direct(&ann, &plain("psst"), "E1").await.expect("sent");
    world.chat.direct(&ann, &plain("psst again"), "E2").await.expect("sent");
    assert_eq!(world.direct_messages(&ann).len(), 2);
    assert_eq!(world.calls("POST /users/@me/channels"), 1);
    // Bo takes no direct messages.
    world.fault(POST, CallFault::Refuse { error: "50007".to_owned() });
    let refused = world.chat.direct(&world.user("bo"), &plain("psst"), "E3").await;
    assert_eq!(refused.err().as_ref().and_then(kind), Some(Refused::Forbidden));
}

#[tokio::test]
async fn names_are_asked_for_once_an_hour() {
    let world = World::new().await;
    let ann = world.user("ann");
    let route = "GET /guilds/{guild.id}/members/{user.id}";
    for _ in 0..3 {
        assert_eq!(world.chat.name_of(&ann).await.as_deref(), Ok("Ann"));
    }
    assert_eq!(world.calls(route), 1);
    world.clock.advance(Duration::from_secs(3601));
    world.chat.name_of(&ann).await.expect("a name");
    assert_eq!(world.calls(route), 2);
}

#[tokio::test]
async fn what_discord_repeats_of_a_call_is_in_no_failure() {
    let world = World::new().await;
    for (status, answer) in [
        ("400 Bad Request", r#"{"code":50035,"message":"HEAD"}"#),
        ("404 Not Found", r#"{"code":10015,"message":"Unknown Webhook: HEAD"}"#),
        ("400 Bad Request", "HEAD"),
    ] {
        let token = Secret::new("Very-Own-Token");
        let config = Config { api_url: parrot(status, answer).await, bot_token: token, ..config(&world.sandbox) };
        let client = Client::new(&config, http_client().expect("a client"), Arc::new(world.clock.clone()));
        let chat = Chat::Discord(client);
        let failure = chat.name_of("112233445566778899").await.expect_err("refused").to_string();
        assert!(!failure.contains("Very-Own-Token"), "{answer}: {failure}");
        let to = ReplyTo::Discord {
            interaction: "1".to_owned(),
            token: "Very-Own-Interaction".to_owned(),
            channel: world.general(),
            user: "1".to_owned(),
        };
        let failure = chat.take(&to).await.expect_err("refused").to_string();
        assert!(!failure.contains("Very-Own"), "{answer}: {failure}");
    }
}
