//! What people do, and what the app gets and may answer.

use std::collections::BTreeMap;

use sandbox::slack::{Outcome, Submitted, Typed};
use serde_json::{Value, json};

use crate::bench::{Bench, card, modal};

#[tokio::test]
async fn a_command_is_acknowledged_and_answered() {
    let bench = Bench::start(false).await;
    let slack = bench.slack().clone();
    let mut socket = bench.connect().await;
    let (typed, ()) = tokio::join!(slack.types("ann", "general", "/incident declare @bob <x>", None), async {
        let envelope = socket.next().await;
        assert_eq!(envelope["type"], "slash_commands");
        let payload = &envelope["payload"];
        assert_eq!((payload["command"].as_str(), payload["user_name"].as_str()), (Some("/incident"), Some("ann")));
        assert_eq!(payload["text"], format!("declare <@{}|bob> &lt;x&gt;", bench.user("bob")));
        assert_eq!(slack.unacked(), 1);
        socket.ack(&envelope, Some(json!({ "text": "on it" }))).await;
        slack.quiet().await;
        let url = payload["response_url"].as_str().expect("a URL");
        for expected in [200, 200, 200, 200, 200, 404] {
            let answer =
                bench.http.post(url).json(&json!({ "text": "more", "response_type": "in_channel" })).send().await;
            assert_eq!(answer.expect("an answer").status().as_u16(), expected);
        }
    });
    let payload = Some(json!({ "text": "on it" }));
    assert_eq!(typed, Ok(Typed::Command { outcome: Outcome::Acked { payload } }));
    let messages = bench.messages("general");
    assert!(messages.iter().any(|it| it["text"] == "on it" && it["ephemeral_to"] == bench.user("ann").as_str()));
    assert_eq!(messages.iter().filter(|it| it["text"] == "more" && it["ephemeral_to"].is_null()).count(), 5);
    let outcome = |error: &str| Ok(Typed::Command { outcome: Outcome::Refused { error: error.to_owned() } });
    assert_eq!(slack.types("ann", "general", "/nope", None).await, outcome("not_a_command"));
    let ts = messages.iter().find(|it| it["text"] == "more").expect("one")["ts"].as_str().expect("a ts").to_owned();
    assert_eq!(slack.types("ann", "general", "/ack", Some(&ts)).await, outcome("not_in_threads"));
    socket.0.close(None).await.expect("the socket closes");
    while socket.next().await != Value::Null {}
    while slack.view()["sockets"] != 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(slack.types("ann", "general", "/ack", None).await, outcome("dispatch_failed"));
}

#[tokio::test]
async fn a_command_that_nobody_acknowledges_times_out() {
    let bench = Bench::start(false).await;
    let mut socket = bench.connect().await;
    let slack = bench.slack();
    let (typed, envelope) = tokio::join!(slack.types("ann", "general", "/ack", None), async {
        let envelope = socket.next().await;
        bench.advance(3_000);
        envelope
    });
    assert_eq!(typed, Ok(Typed::Command { outcome: Outcome::Refused { error: "operation_timeout".to_owned() } }));
    assert_eq!(slack.unacked(), 0);
    let told = bench.messages("general").pop().expect("a line of Slackbot's");
    assert_eq!(
        (told["user"].as_str(), told["ephemeral_to"].as_str()),
        (Some("USLACKBOT"), Some(bench.user("ann").as_str()))
    );
    // Too late, which is no fault, and unknown, which is one.
    socket.ack(&envelope, None).await;
    socket.ack(&json!({ "envelope_id": "nothing" }), None).await;
    while slack.unexpected().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(slack.unexpected(), ["socket: an acknowledgement of an unknown envelope"]);
}

#[tokio::test]
async fn a_click_opens_a_form_once_and_in_time() {
    let bench = Bench::start(false).await;
    let slack = bench.slack();
    let mut socket = bench.connect().await;
    let body = json!({ "channel": bench.channel("general"), "text": "an alert", "attachments": card() });
    let ts = bench.call("chat.postMessage", body).await["ts"].as_str().expect("a ts").to_owned();
    socket.take().await;
    assert!(slack.clicks("ann", "general", &ts, "Resolve").await.is_err(), "there is no such button");
    let (clicked, click) = tokio::join!(slack.clicks("ann", "general", &ts, "Acknowledge"), socket.take());
    clicked.expect("it was acknowledged");
    assert_eq!(click["type"], "block_actions");
    assert_eq!(click["actions"][0]["value"], "ack A-1");
    assert_eq!(click["container"]["type"], "message_attachment");
    assert_eq!(click["message"]["ts"], ts);
    let trigger = click["trigger_id"].clone();
    let open = |trigger: Value| bench.call("views.open", json!({ "trigger_id": trigger, "view": modal() }));
    assert_eq!(open(trigger.clone()).await["ok"], true);
    assert_eq!(open(trigger).await["error"], "trigger_exchanged");
    let (_, click) = tokio::join!(slack.clicks("ann", "general", &ts, "ack"), socket.take());
    bench.advance(3_001);
    assert_eq!(open(click["trigger_id"].clone()).await["error"], "expired_trigger_id");
    let mut wrong = modal();
    wrong["title"]["text"] = json!("x".repeat(25));
    let answer = bench.call("views.open", json!({ "trigger_id": "t", "view": wrong })).await;
    assert_eq!(answer["error"], "invalid_arguments");

    let values = |title: &str| {
        BTreeMap::from([("Title".to_owned(), title.to_owned()), ("severity".to_owned(), "SEV1".to_owned())])
    };
    assert!(slack.submits("ann", BTreeMap::new()).await.is_err(), "the title is required");
    assert!(slack.submits("ann", values(&"x".repeat(21))).await.is_err(), "the title is too long");
    let (sent, ()) = tokio::join!(slack.submits("ann", values("db")), async {
        let envelope = socket.next().await;
        let state = &envelope["payload"]["view"]["state"]["values"];
        assert_eq!(state["title"]["title"]["value"], "db");
        assert_eq!(state["severity"]["severity"]["selected_option"]["value"], "1");
        let errors = json!({ "response_action": "errors", "errors": { "title": "say more" } });
        socket.ack(&envelope, Some(errors)).await;
    });
    assert!(matches!(sent, Ok(Submitted::Errors { errors }) if errors["title"] == "say more"));
    assert_eq!(slack.view()["forms"][0]["errors"]["title"], "say more");
    let (sent, _) = tokio::join!(slack.submits("ann", values("db is down")), socket.take());
    assert_eq!(sent, Ok(Submitted::Closed));
    assert_eq!(slack.view()["forms"], json!([]));
}

#[tokio::test]
async fn what_one_person_sees_is_answered_through_its_address() {
    let bench = Bench::start(false).await;
    let slack = bench.slack();
    let mut socket = bench.connect().await;
    let (general, ann) = (bench.channel("general"), bench.user("ann"));
    let body = json!({ "channel": general, "user": ann, "text": "which?", "attachments": card() });
    let ts = bench.call("chat.postEphemeral", body).await["message_ts"].as_str().expect("a ts").to_owned();
    assert!(slack.clicks("bob", "general", &ts, "Acknowledge").await.is_err(), "bob does not see it");
    let (clicked, click) = tokio::join!(slack.clicks("ann", "general", &ts, "Acknowledge"), socket.take());
    clicked.expect("ann does");
    assert!(click["message"].is_null() && click["container"]["is_ephemeral"] == true);
    let url = click["response_url"].as_str().expect("a URL").to_owned();
    let answer =
        async |body: Value| bench.http.post(&url).json(&body).send().await.expect("an answer").status().as_u16();
    assert_eq!(answer(json!({ "text": "this one", "replace_original": true })).await, 200);
    let seen = bench.messages("general");
    assert_eq!(
        (seen.len(), seen[0]["text"].as_str(), seen[0]["ephemeral_to"].as_str()),
        (1, Some("this one"), Some(ann.as_str()))
    );
    assert_eq!(answer(json!({ "delete_original": true })).await, 200);
    assert_eq!(bench.messages("general")[0]["deleted"], true);
    assert_eq!(answer(json!({ "blocks": [{ "type": "nonsense" }] })).await, 400);
    bench.advance(30 * 60 * 1000 + 1);
    assert_eq!(answer(json!({ "text": "late" })).await, 404);
    assert_eq!(slack.unexpected().len(), 1, "the nonsense: {:?}", slack.unexpected());
    let history = bench.get("conversations.history", &[("channel", &general)]).await;
    assert_eq!(history["messages"], json!([]));
}

#[tokio::test]
async fn menus_offer_what_they_hold_and_direct_messages_reach_the_bot() {
    let bench = Bench::start(false).await;
    let slack = bench.slack();
    let mut socket = bench.connect().await;
    let plain = |text: &str| json!({ "type": "plain_text", "text": text });
    let own =
        json!({ "type": "static_select", "action_id": "sev", "options": [{ "text": plain("SEV1"), "value": "1" }] });
    let asked = json!({ "type": "external_select", "action_id": "who" });
    let body = json!({ "channel": bench.channel("general"), "text": "x", "blocks": [{ "type": "actions", "elements": [own, asked] }] });
    let ts = bench.call("chat.postMessage", body).await["ts"].as_str().expect("a ts").to_owned();
    socket.take().await;
    assert!(slack.selects("ann", "general", &ts, "sev", "SEV9").await.is_err());
    let (chosen, payload) = tokio::join!(slack.selects("ann", "general", &ts, "sev", "SEV1"), socket.take());
    chosen.expect("it was acknowledged");
    assert_eq!(payload["actions"][0]["selected_option"]["value"], "1");
    let (chosen, payload) = tokio::join!(slack.selects("ann", "general", &ts, "who", "Bo"), async {
        let asked = socket.next().await;
        assert_eq!(
            (asked["payload"]["type"].as_str(), asked["payload"]["value"].as_str()),
            (Some("block_suggestion"), Some("Bo"))
        );
        let options = json!({ "options": [{ "text": { "type": "plain_text", "text": "Bo" }, "value": "U1" }] });
        socket.ack(&asked, Some(options)).await;
        socket.take().await
    });
    chosen.expect("it was acknowledged");
    assert_eq!(payload["actions"][0]["selected_option"]["value"], "U1");
    slack.types("ann", "@muster", "help", None).await.expect("a direct message");
    let direct = socket.take().await;
    assert_eq!(
        (direct["event"]["channel_type"].as_str(), direct["event"]["text"].as_str()),
        (Some("im"), Some("help"))
    );
    let opened = bench.call("conversations.open", json!({ "users": bench.user("ann") })).await;
    assert_eq!(opened["channel"]["id"], direct["event"]["channel"]);
    assert_eq!(slack.unexpected(), Vec::<String>::new());
    slack.cut();
    assert_eq!(socket.next().await, Value::Null);
    assert!(bench.raw("auth.test", slack.bot_token(), &json!({})).await.is_err(), "nothing answers any more");
}
