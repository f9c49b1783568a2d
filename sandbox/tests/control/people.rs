//! People over the API: what they type, click, choose, fill in, react to and pin is there for all to see.

use serde_json::{Value, json};

use crate::bench::{Bench, PLATFORMS};
use crate::bot::{Socket, card};

/// A message by its id, as the channel shows it.
async fn shown(bench: &Bench, platform: &str, id: &str) -> Value {
    let messages = bench.messages(platform, "general").await;
    let found = messages.into_iter().find(|message| message["ts"] == *id || message["id"] == *id);
    found.unwrap_or_default()
}

fn words(message: &Value) -> &str {
    message["text"].as_str().or(message["content"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn what_somebody_types_is_there_until_it_is_edited_or_deleted() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        let id = bench.says(platform, "ann", "general", "hello").await;
        let message = shown(&bench, platform, &id).await;
        assert_eq!((words(&message), &message["edited"]), ("hello", &json!(false)), "{platform}");
        let by = message["username"].as_str().or(message["author"]["name"].as_str()).expect("an author");
        assert_eq!(by.to_lowercase(), "ann");
        let needs = json!({ "channel": "general", "message": id, "text": "good morning" });
        assert_eq!(bench.does(platform, "bob", "edits", needs.clone()).await.refusal().0, 400, "it is not his");
        assert_eq!(bench.does(platform, "ann", "edits", needs).await.done(), json!({}));
        let message = shown(&bench, platform, &id).await;
        assert_eq!((words(&message), &message["edited"]), ("good morning", &json!(true)));
        let needs = json!({ "channel": "general", "message": id });
        assert_eq!(bench.does(platform, "bob", "deletes", needs.clone()).await.refusal().0, 400, "it is not his");
        bench.does(platform, "ann", "deletes", needs.clone()).await.done();
        let message = shown(&bench, platform, &id).await;
        assert!(message.is_null() || message["deleted"] == true, "{message}");
        assert_eq!(bench.does(platform, "ann", "deletes", needs).await.status, 400, "it is gone");
    }
}

#[tokio::test]
async fn a_channel_goes_by_its_id_as_well_and_a_person_too() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        let channel = bench.channel(platform, "general");
        let view = bench.view(platform).await;
        let ann = view["people"][0]["id"].as_str().expect("an id").to_owned();
        let id = bench.says(platform, &ann, &channel, "by ids").await;
        assert_eq!(words(&shown(&bench, platform, &id).await), "by ids");
        let by_id = bench.get(&format!("/{platform}/channels/{channel}")).await.done();
        assert_eq!(by_id, bench.get(&format!("/{platform}/channels/general")).await.done());
    }
}

#[tokio::test]
async fn reactions_and_pins_come_and_go() {
    let bench = Bench::start().await;
    for (platform, emoji) in [("slack", "eyes"), ("discord", "👀")] {
        let id = bench.says(platform, "ann", "general", "hello").await;
        let needs = json!({ "channel": "general", "message": id, "emoji": emoji });
        bench.does(platform, "ann", "reacts", needs.clone()).await.done();
        bench.does(platform, "bob", "reacts", needs.clone()).await.done();
        assert_eq!(bench.does(platform, "bob", "reacts", needs.clone()).await.refusal().0, 400, "once is enough");
        let reaction = shown(&bench, platform, &id).await["reactions"][0].clone();
        assert_eq!(reaction["name"].as_str().or(reaction["emoji"].as_str()), Some(emoji));
        assert_eq!(reaction["users"].as_array().map(Vec::len), Some(2));
        for user in ["ann", "bob"] {
            bench.does(platform, user, "unreacts", needs.clone()).await.done();
        }
        assert_eq!(bench.does(platform, "bob", "unreacts", needs).await.refusal().0, 400, "there is none");
        assert_eq!(shown(&bench, platform, &id).await["reactions"], json!([]));
        let needs = json!({ "channel": "general", "message": id });
        bench.does(platform, "bob", "pins", needs.clone()).await.done();
        let pins = bench.get(&format!("/{platform}/channels/general")).await.done()["pins"].clone();
        assert_eq!(pins, json!([id]));
        bench.does(platform, "ann", "unpins", needs).await.done();
        let pins = bench.get(&format!("/{platform}/channels/general")).await.done()["pins"].clone();
        assert_eq!(pins, json!([]));
    }
}

#[tokio::test]
async fn a_click_and_a_choice_reach_the_bot() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        let mut socket = bench.connect(platform).await;
        let id = card(&bench, platform).await;
        let needs = json!({ "channel": "general", "message": id, "button": "Acknowledge" });
        let (done, click) =
            tokio::join!(bench.does(platform, "ann", "clicks", needs), bench.takes(platform, &mut socket));
        assert_eq!(done.done(), json!({}));
        let value = click["actions"][0]["value"].as_str().or(click["data"]["custom_id"].as_str());
        assert_eq!(value, Some("ack A-1"), "{click}");
        let needs = json!({ "channel": "general", "message": id, "button": "severity", "value": "1" });
        let (done, choice) =
            tokio::join!(bench.does(platform, "ann", "selects", needs), bench.takes(platform, &mut socket));
        assert_eq!(done.done(), json!({}));
        let chosen = choice["actions"][0]["selected_option"]["value"].as_str();
        assert_eq!(chosen.or(choice["data"]["values"][0].as_str()), Some("1"), "{choice}");
        for (deed, needs) in [
            ("clicks", json!({ "channel": "general", "message": id, "button": "Explode" })),
            ("selects", json!({ "channel": "general", "message": id, "button": "severity", "value": "9" })),
        ] {
            assert_eq!(bench.does(platform, "ann", deed, needs).await.refusal().0, 400, "it is not offered");
        }
    }
}

#[tokio::test]
async fn a_click_without_a_bot_fails_as_it_would() {
    let bench = Bench::start().await;
    for (platform, why) in [("slack", "not connected"), ("discord", "did not respond")] {
        let id = card(&bench, platform).await;
        let needs = json!({ "channel": "general", "message": id, "button": "Acknowledge" });
        let (status, error) = bench.does(platform, "ann", "clicks", needs).await.refusal();
        assert_eq!(status, 400);
        assert!(error.contains(why), "{error}");
    }
    let typed = bench.does("slack", "ann", "types", json!({ "channel": "general", "text": "/ack A-1" })).await.done();
    assert_eq!(typed["outcome"], json!({ "kind": "refused", "error": "dispatch_failed" }));
    let typed = bench.does("slack", "ann", "types", json!({ "channel": "general", "text": "/dance" })).await.done();
    assert_eq!(typed["outcome"]["error"], "not_a_command");
    let typed = bench.does("discord", "ann", "types", json!({ "channel": "general", "text": "/dance" })).await;
    assert_eq!(typed.refusal(), (400, "there is no command /dance on this server".to_owned()));
}

/// Lets Slack's bot open a form for whoever types a command.
async fn slack_form(bench: &Bench, socket: &mut Socket) {
    let needs = json!({ "channel": "general", "text": "/incident declare" });
    let plain = |text: &str| json!({ "type": "plain_text", "text": text });
    let title = json!({ "type": "input", "block_id": "title", "label": plain("Title"),
        "element": { "type": "plain_text_input", "action_id": "title", "max_length": 20 } });
    let open = async {
        let command = bench.slack_takes(socket, Value::Null).await;
        let view = json!({ "type": "modal", "title": plain("Declare"), "submit": plain("Go"), "blocks": [title] });
        let opened = bench.slack("views.open", json!({ "trigger_id": command["trigger_id"], "view": view })).await;
        assert_eq!(opened.expect("an answer").json()["ok"], true);
    };
    let (typed, ()) = tokio::join!(bench.does("slack", "ann", "types", needs), open);
    assert_eq!(typed.done()["outcome"]["kind"], "acked");
}

/// Lets Discord's bot open a form for whoever types a command.
async fn discord_form(bench: &Bench, socket: &mut Socket) {
    let needs = json!({ "channel": "general", "text": "/declare" });
    let input = json!({ "type": 4, "custom_id": "title", "style": 1, "required": true, "max_length": 20 });
    let modal = json!({ "custom_id": "declare", "title": "Declare",
        "components": [{ "type": 18, "label": "Title", "component": input }] });
    let callback = json!({ "type": 9, "data": modal });
    let (typed, _) = tokio::join!(bench.does("discord", "ann", "types", needs), bench.discord_takes(socket, callback));
    assert_eq!(typed.done()["outcome"], "answered");
}

#[tokio::test]
async fn a_form_is_filled_in_and_sent_off_or_closed() {
    let bench = Bench::start().await;
    let discord = &bench.sandbox.discord;
    let commands = format!("PUT /applications/{}/guilds/{}/commands", discord.application_id(), discord.guild());
    let command = json!([{ "name": "declare", "description": "Declare an incident", "type": 1 }]);
    assert_eq!(bench.discord(&commands, command).await.expect("an answer").status, 200);
    for platform in PLATFORMS {
        let mut socket = bench.connect(platform).await;
        for ends in ["submits", "cancels"] {
            if platform == "slack" {
                slack_form(&bench, &mut socket).await;
            } else {
                discord_form(&bench, &mut socket).await;
            }
            assert_eq!(bench.view(platform).await["forms"].as_array().map(Vec::len), Some(1));
            for wrong in [json!({}), json!({ "Title": "x".repeat(21) }), json!({ "Colour": "red" })] {
                let (status, why) = bench.does(platform, "ann", "submits", json!({ "values": wrong })).await.refusal();
                assert_eq!(status, 400);
                assert!(why.contains("Title"), "{why}");
            }
            assert_eq!(bench.does(platform, "bob", "submits", json!({})).await.refusal().0, 400, "it is not his");
            let needs = if ends == "submits" { json!({ "values": { "Title": "It burns" } }) } else { json!({}) };
            if ends == "submits" {
                let (done, form) =
                    tokio::join!(bench.does(platform, "ann", ends, needs), bench.takes(platform, &mut socket));
                assert_eq!(done.status, 200, "{done:?}");
                assert!(form.to_string().contains("It burns"), "{form}");
            } else {
                assert_eq!(bench.does(platform, "ann", ends, needs).await.done(), json!({}));
            }
            assert_eq!(bench.view(platform).await["forms"], json!([]), "{platform} {ends}");
        }
        let (status, why) = bench.does(platform, "ann", "submits", json!({ "values": {} })).await.refusal();
        assert_eq!((status, why.as_str()), (400, "no form is open"));
    }
}

#[tokio::test]
async fn somebody_joins_a_room_on_slack_before_they_speak_there() {
    let bench = Bench::start().await;
    let made = bench.slack("conversations.create", json!({ "name": "inc-1" })).await.expect("an answer");
    assert_eq!(made.json()["ok"], true);
    let needs = json!({ "channel": "inc-1", "text": "hello" });
    let (status, why) = bench.does("slack", "bob", "types", needs.clone()).await.refusal();
    assert_eq!((status, why.as_str()), (400, "bob is not in inc-1"));
    assert_eq!(bench.does("slack", "bob", "joins", json!({ "channel": "inc-1" })).await.done(), json!({}));
    bench.does("slack", "bob", "types", needs).await.done();
    let messages = bench.messages("slack", "inc-1").await;
    assert_eq!(messages.last().map(words), Some("hello"));
}

#[tokio::test]
async fn a_reply_stands_in_its_thread_on_slack() {
    let bench = Bench::start().await;
    let root = bench.says("slack", "ann", "general", "a question").await;
    let needs = json!({ "channel": "general", "text": "an answer", "thread": root });
    bench.does("slack", "bob", "types", needs).await.done();
    let messages = bench.messages("slack", "general").await;
    assert_eq!(messages[0]["reply_count"], 1);
    assert_eq!(messages[1]["thread_ts"], root);
}
