//! What can be read: channels as people see them, the transcript, the bot's calls, and changes as they happen.

use serde_json::{Value, json};

use crate::bench::{Bench, PLATFORMS};
use crate::bot::card;

#[tokio::test]
async fn the_view_names_people_channels_and_the_bot() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        let view = bench.view(platform).await;
        assert_eq!(view["platform"], platform);
        assert_eq!(view["bot"]["name"].as_str().map(str::to_lowercase).as_deref(), Some("muster"));
        let names = |list: &str| {
            let all = view[list].as_array().expect("a list").iter();
            all.map(|it| it["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            (names("people"), names("channels")),
            (vec!["ann".to_owned(), "bob".to_owned()], vec!["general".to_owned(), "alerts".to_owned()])
        );
        for channel in view["channels"].as_array().expect("channels") {
            let name = channel["name"].as_str().expect("a name");
            assert_eq!(*channel, bench.get(&format!("/{platform}/channels/{name}")).await.done());
        }
        assert_eq!(view["forms"], json!([]));
    }
}

#[tokio::test]
async fn the_transcript_shows_what_people_see() {
    let bench = Bench::start().await;
    for (platform, emoji) in [("slack", "eyes"), ("discord", "👀")] {
        assert_eq!(bench.get(&format!("/{platform}/transcript")).await.text, "");
        let id = bench.says(platform, "ann", "general", "hello @bob\nhow are you?").await;
        let gone = bench.says(platform, "ann", "general", "never mind").await;
        card(&bench, platform).await;
        let needs = |id: &str| json!({ "channel": "general", "message": id, "emoji": emoji });
        bench.does(platform, "bob", "reacts", needs(&id)).await.done();
        bench.does(platform, "bob", "deletes", needs(&gone)).await.refusal();
        for (deed, id) in [("pins", &id), ("deletes", &gone)] {
            let needs = json!({ "channel": "general", "message": id });
            bench.does(platform, "ann", deed, needs).await.done();
        }
        let transcript = bench.get(&format!("/{platform}/transcript")).await;
        assert_eq!((transcript.status, transcript.header("content-type")), (200, "text/plain; charset=utf-8"));
        let text = transcript.text;
        assert!(text.starts_with("#general\n"), "{text}");
        assert!(!text.contains("#alerts"), "nothing was said there");
        let hello = text.lines().find(|line| line.contains("hello")).expect("her line").to_lowercase();
        assert!(hello.starts_with(&format!("  ann [pinned] [{emoji} 1]: hello @bob")), "{hello}");
        assert!(text.contains("\n      how are you?\n"), "{text}");
        assert!(text.contains("[Acknowledge]"), "{text}");
        assert!(!text.contains("never mind"), "it is deleted: {text}");
        assert!(!text.contains("ack A-1"), "what a button carries is not seen: {text}");
    }
}

#[tokio::test]
async fn what_only_one_person_sees_is_marked_and_is_theirs_alone() {
    let bench = Bench::start().await;
    let (general, ann) = (bench.channel("slack", "general"), bench.sandbox.slack.user_id("ann").expect("she exists"));
    let plain = json!({ "type": "plain_text", "text": "Undo" });
    let blocks = json!([
        { "type": "section", "text": { "type": "plain_text", "text": "a secret" } },
        { "type": "actions", "elements": [{ "type": "button", "text": plain, "action_id": "undo" }] },
    ]);
    let body = json!({ "channel": general, "user": ann, "text": "a secret", "blocks": blocks });
    let told = bench.slack("chat.postEphemeral", body).await.expect("an answer").json();
    assert_eq!(told["ok"], true, "{told}");
    let message = bench.messages("slack", "general").await[0].clone();
    assert_eq!(message["ephemeral_to"], ann);
    let id = message["ts"].as_str().expect("an id").to_owned();
    bench.says("slack", "ann", "@muster", "between us").await;

    let mut socket = bench.connect("discord").await;
    let shown = card(&bench, "discord").await;
    let needs = json!({ "channel": "general", "message": shown, "button": "Acknowledge" });
    let undo = json!([{ "type": 1, "components": [{ "type": 2, "style": 1, "label": "Undo", "custom_id": "undo" }] }]);
    let data = json!({ "content": "a secret", "flags": 64, "components": undo, "allowed_mentions": { "parse": [] } });
    let callback = json!({ "type": 4, "data": data });
    let (done, _) =
        tokio::join!(bench.does("discord", "ann", "clicks", needs), bench.discord_takes(&mut socket, callback));
    done.done();
    let messages = bench.messages("discord", "general").await;
    let private = messages.iter().find(|message| message["content"] == "a secret").expect("the answer");
    let private = private["id"].as_str().expect("an id").to_owned();

    for (platform, id) in [("slack", &id), ("discord", &private)] {
        let text = bench.get(&format!("/{platform}/transcript")).await.text;
        let line = text.lines().find(|line| line.contains("a secret")).expect("the line");
        assert!(line.contains("(only ann sees this)"), "{line}");
        for (deed, needs) in [
            ("clicks", json!({ "channel": "general", "message": id, "button": "Undo" })),
            ("reacts", json!({ "channel": "general", "message": id, "emoji": "eyes" })),
            ("pins", json!({ "channel": "general", "message": id })),
        ] {
            let (status, why) = bench.does(platform, "bob", deed, needs).await.refusal();
            assert_eq!(status, 400, "{platform} {deed}");
            assert!(!why.contains("secret"), "{why}");
        }
    }
    let text = bench.get("/slack/transcript").await.text;
    let (general, direct) = text.split_once("#@ann\n").expect("her conversation with the bot");
    assert!(!general.contains("between us") && direct.contains("  ann: between us\n"), "{text}");
    let direct = bench.view("slack").await["channels"][2]["id"].as_str().expect("an id").to_owned();
    let needs = json!({ "channel": direct, "text": "let me in" });
    assert_eq!(bench.does("slack", "bob", "types", needs).await.refusal().0, 400);
}

#[tokio::test]
async fn the_bots_calls_and_mistakes_are_kept_without_its_tokens() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        bench.connect(platform).await;
        bench.posts(platform, "hello").await.expect("an answer").done();
        let requests = bench.get(&format!("/{platform}/requests")).await.done();
        let last = requests.as_array().and_then(|all| all.last()).expect("a call").clone();
        let name = last["method"].as_str().or(last["route"].as_str());
        let expected = if platform == "slack" { "chat.postMessage" } else { "POST /channels/{channel.id}/messages" };
        assert_eq!((name, &last["status"]), (Some(expected), &json!(200)));
        assert!(last["body"].to_string().contains("hello"), "{last}");
        assert_eq!(bench.get(&format!("/{platform}/unexpected")).await.done(), json!([]));
    }
    let wrong = json!({ "channel": bench.channel("slack", "general"), "text": "a", "colour": "red" });
    bench.slack("chat.postMessage", wrong).await.expect("an answer").done();
    let unexpected = bench.get("/slack/unexpected").await.done();
    assert_eq!(unexpected, json!(["chat.postMessage: unknown argument colour"]));
    bench.discord("GET /nothing", Value::Null).await.expect("an answer");
    let unexpected = bench.get("/discord/unexpected").await.done();
    assert_eq!(unexpected, json!(["a call of a route that is not there"]));
    let (slack, discord) = (&bench.sandbox.slack, &bench.sandbox.discord);
    for platform in PLATFORMS {
        for part in ["view", "requests", "unexpected", "transcript"] {
            let text = bench.get(&format!("/{platform}/{part}")).await.text;
            for token in [slack.app_token(), slack.bot_token(), discord.bot_token()] {
                assert!(!text.contains(token), "{platform} {part}");
            }
        }
    }
}

#[tokio::test]
async fn changes_are_streamed_as_they_happen() {
    let bench = Bench::start().await;
    let mut stream = bench.request("GET", "/changes").send().await.expect("an answer");
    assert_eq!(stream.status(), 200);
    let kind = stream.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    assert_eq!(kind, Some("text/event-stream"));
    for platform in PLATFORMS {
        for channel in ["general", "alerts"] {
            bench.says(platform, "ann", channel, "hello").await;
            let mut event = String::new();
            while !event.ends_with("\n\n") {
                let chunk = stream.chunk().await.expect("the stream goes on").expect("it does not end");
                event.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
            }
            let data = event.strip_prefix("data: ").map(str::trim_end).expect("one event");
            let change: Value = serde_json::from_str(data).expect("JSON");
            assert_eq!(change, json!({ "platform": platform, "channel": bench.channel(platform, channel) }));
        }
    }
}
