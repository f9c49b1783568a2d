//! Interactions: three seconds for one answer, fifteen minutes for the rest, forms, choices, and who sees what.

use sandbox::discord::{Outcome, Typed};
use serde_json::{Value, json};

use crate::bench::{Bench, INTENTS, Socket, buttons, modal};

/// Has ann type the command and the bot answer it; gives the interaction.
async fn acknowledged(bench: &Bench, socket: &mut Socket, callback: Value) -> Value {
    let (typed, asked) = tokio::join!(bench.discord().types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        let answer = bench.answer(&asked, callback).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        asked
    });
    assert!(matches!(typed, Ok(Typed::Command { outcome, .. }) if outcome.answered()));
    asked
}

#[tokio::test]
async fn an_interaction_is_answered_once() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let answer = json!({ "type": 4, "data": { "content": "done", "allowed_mentions": { "parse": [] } } });
    let asked = acknowledged(&bench, &mut socket, answer.clone()).await;
    let shown = socket.event("MESSAGE_CREATE").await;
    assert_eq!((shown["content"].as_str(), shown["type"].as_u64()), (Some("done"), Some(20)));
    assert_eq!(shown["interaction_metadata"]["user"]["id"], bench.user("ann"));
    for kind in [4, 5, 9] {
        let again = bench.answer(&asked, json!({ "type": kind, "data": { "content": "again" } })).await;
        assert_eq!(again.refusal(), (400, 40060), "{kind}");
    }
    assert_eq!(bench.messages("general").len(), 1);
    let mut stolen = asked.clone();
    stolen["token"] = json!("other");
    assert_eq!(bench.answer(&stolen, answer).await.refusal(), (404, 10062));
    assert_eq!(bench.discord().missing_allowed_mentions(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_after_three_seconds_is_too_late() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let (typed, asked) = tokio::join!(bench.discord().types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        bench.advance(3_000);
        let late = bench.answer(&asked, json!({ "type": 4, "data": { "content": "late" } })).await;
        assert_eq!(late.refusal(), (404, 10062));
        asked
    });
    let failed = Outcome::Failed("The application did not respond".to_owned());
    assert!(matches!(typed, Ok(Typed::Command { outcome, .. }) if outcome == failed));
    assert_eq!(bench.webhook(&asked, "POST", json!({ "content": "more" })).await.refusal(), (404, 10015));
    let (typed, ()) = tokio::join!(bench.discord().types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        bench.advance(2_999);
        assert_eq!(bench.answer(&asked, json!({ "type": 5 })).await.status, 204);
    });
    assert!(matches!(typed, Ok(Typed::Command { outcome: Outcome::Deferred, .. })));
    assert_eq!(bench.messages("general").len(), 1, "only what was in time");
}

#[tokio::test]
async fn an_answer_is_as_strict_as_a_message() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let (_, asked) = tokio::join!(bench.discord().types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        let six = json!({ "components": (0..6).map(|it| buttons(&[&it.to_string()])).collect::<Vec<_>>() });
        for (kind, data, code) in [
            (4, json!({ "content": "x".repeat(2001) }), 50035),
            (4, six, 50035),
            (4, json!({ "content": "" }), 50006),
            (6, json!({}), 50035),
            (7, json!({ "content": "x" }), 50035),
            (8, json!({ "choices": [] }), 50035),
            (99, json!({}), 50035),
        ] {
            let refused = bench.answer(&asked, json!({ "type": kind, "data": data })).await;
            assert_eq!(refused.refusal(), (400, code), "{kind}");
        }
        assert_eq!(bench.answer(&asked, json!({ "type": 5 })).await.status, 204);
        asked
    });
    let long = json!({ "content": "x".repeat(2001) });
    for verb in ["POST", "PATCH messages/@original"] {
        assert_eq!(bench.webhook(&asked, verb, long.clone()).await.error("content"), "BASE_TYPE_MAX_LENGTH");
    }
    assert_eq!(bench.webhook(&asked, "POST", json!({})).await.refusal(), (400, 50006));
    assert_eq!(bench.webhook(&asked, "PATCH messages/404", json!({ "content": "x" })).await.refusal(), (404, 10008));
}

#[tokio::test]
async fn a_deferred_answer_is_filled_in_for_fifteen_minutes() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let asked = acknowledged(&bench, &mut socket, json!({ "type": 5 })).await;
    let loading = bench.webhook(&asked, "GET messages/@original", Value::Null).await;
    assert_eq!(loading.body["flags"], 128, "it says that the bot is thinking");
    let filled = bench.webhook(&asked, "PATCH messages/@original", json!({ "content": "done" })).await;
    assert_eq!((filled.body["content"].as_str(), filled.body["flags"].as_u64()), (Some("done"), Some(0)));
    bench.advance(15 * 60 * 1000 - 1);
    assert!(bench.webhook(&asked, "POST", json!({ "content": "more" })).await.status < 300);
    let said: Vec<Value> = bench.messages("general").iter().map(|it| it["content"].clone()).collect();
    assert_eq!(said, ["done", "more"]);
    bench.advance(1);
    for verb in ["POST", "PATCH messages/@original", "DELETE messages/@original"] {
        assert_eq!(bench.webhook(&asked, verb, json!({ "content": "x" })).await.refusal(), (401, 50027), "{verb}");
    }
}

#[tokio::test]
async fn an_answer_can_be_taken_back() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let asked = acknowledged(&bench, &mut socket, json!({ "type": 4, "data": { "content": "done" } })).await;
    assert_eq!(bench.webhook(&asked, "DELETE messages/@original", Value::Null).await.status, 204);
    assert!(bench.messages("general").is_empty());
    assert_eq!(bench.webhook(&asked, "GET messages/@original", Value::Null).await.refusal(), (404, 10008));
    let foreign = bench.post(json!({ "content": "mine" })).await.id();
    let edit = bench.webhook(&asked, &format!("PATCH messages/{foreign}"), json!({ "content": "x" })).await;
    assert_eq!(edit.refusal(), (404, 10008), "a webhook sees only its own messages");
}

#[tokio::test]
async fn an_ephemeral_answer_is_seen_by_one_person() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let data = json!({ "content": "secret", "flags": 64, "components": [buttons(&["go"])] });
    let asked = acknowledged(&bench, &mut socket, json!({ "type": 4, "data": data })).await;
    let shown = bench.messages("general").pop().expect("a message");
    assert_eq!(shown["ephemeral_to"], bench.user("ann"));
    let id = shown["id"].as_str().expect("an id").to_owned();
    let messages = bench.of("general", "messages");
    assert_eq!(bench.get(&format!("{messages}/{id}")).await.refusal(), (404, 10008));
    assert_eq!(bench.get(&messages).await.body, json!([]));
    let edit = bench.call(&format!("PATCH {messages}/{id}"), json!({ "content": "x" })).await;
    assert_eq!(edit.refusal(), (404, 10008));
    let pin = bench.call(&format!("PUT {messages}/pins/{id}"), Value::Null).await;
    assert_eq!(pin.refusal(), (404, 10008));
    let discord = bench.discord();
    assert!(discord.clicks("bob", "general", &id, "go").await.is_err(), "bob does not see it");
    assert!(discord.pins("ann", "general", &id).await.is_err());
    let (clicked, click) = tokio::join!(discord.clicks("ann", "general", &id, "go"), async {
        let click = socket.event("INTERACTION_CREATE").await;
        assert_eq!(bench.answer(&click, json!({ "type": 6 })).await.status, 204);
        click
    });
    clicked.expect("ann does");
    assert_eq!(click["message"]["id"], id.as_str());
    let body = json!({ "content": "changed" });
    assert_eq!(bench.webhook(&asked, "PATCH messages/@original", body).await.body["content"], "changed");
    discord.types("bob", "general", "hello").await.expect("bob may write");
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "hello", "the gateway told nothing of the other");
    assert_eq!(discord.notifications(), []);
}

#[tokio::test]
async fn a_click_changes_its_message() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let id = bench.post(json!({ "content": "an alert", "components": [buttons(&["ack A-1"])] })).await.id();
    let discord = bench.discord();
    assert!(discord.clicks("ann", "general", &id, "Resolve").await.is_err(), "there is no such button");
    let (clicked, click) = tokio::join!(discord.clicks("ann", "general", &id, "Go"), async {
        let click = socket.event("INTERACTION_CREATE").await;
        let data = json!({ "content": "acknowledged", "components": [] });
        assert_eq!(bench.answer(&click, json!({ "type": 7, "data": data })).await.status, 204);
        click
    });
    clicked.expect("it was answered");
    assert_eq!((click["type"].as_u64(), click["data"]["custom_id"].as_str()), (Some(3), Some("ack A-1")));
    assert_eq!(socket.event("MESSAGE_UPDATE").await["content"], "acknowledged");
    assert_eq!(bench.messages("general")[0]["components"], json!([]));
    assert!(discord.clicks("ann", "general", &id, "Go").await.is_err(), "the button has gone");
}

#[tokio::test]
async fn an_unanswered_click_fails() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let id = bench.post(json!({ "content": "x", "components": [buttons(&["go"])] })).await.id();
    let (clicked, ()) = tokio::join!(bench.discord().clicks("ann", "general", &id, "go"), async {
        socket.event("INTERACTION_CREATE").await;
        bench.advance(3_000);
    });
    assert!(clicked.is_err());
    drop(socket);
    bench.alone().await;
    let (clicked, ()) = tokio::join!(bench.discord().clicks("ann", "general", &id, "go"), async {
        bench.advance(3_000);
    });
    assert!(clicked.is_err(), "nobody is connected, and nobody came back in time");
}

#[tokio::test]
async fn a_click_is_told_of_when_its_session_is_resumed_in_time() {
    let bench = Bench::start(false).await;
    let (mut socket, ready) = bench.connect(INTENTS).await;
    let id = bench.post(json!({ "content": "x", "components": [buttons(&["go"])] })).await.id();
    let seq = socket.next().await["s"].as_u64().expect("the message");
    drop(socket);
    bench.alone().await;
    let (clicked, ()) = tokio::join!(bench.discord().clicks("ann", "general", &id, "go"), async {
        bench.advance(1_000);
        let mut socket = bench.resume(&ready, seq).await;
        let asked = socket.event("INTERACTION_CREATE").await;
        assert_eq!(bench.answer(&asked, json!({ "type": 6 })).await.status, 204);
    });
    clicked.expect("it was answered");
}

#[tokio::test]
async fn a_menu_sends_what_was_chosen() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let menu = json!({ "type": 3, "custom_id": "sev", "options": [{ "label": "SEV1", "value": "1" }] });
    let id = bench.post(json!({ "components": [{ "type": 1, "components": [menu] }] })).await.id();
    let discord = bench.discord();
    for wrong in [vec!["9".to_owned()], vec![], vec!["1".to_owned(), "1".to_owned()]] {
        assert!(discord.selects("ann", "general", &id, "sev", wrong).await.is_err());
    }
    let (chosen, asked) = tokio::join!(discord.selects("ann", "general", &id, "sev", vec!["1".to_owned()]), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        assert_eq!(bench.answer(&asked, json!({ "type": 6 })).await.status, 204);
        asked
    });
    chosen.expect("it was answered");
    assert_eq!(asked["data"]["values"], json!(["1"]));
}

#[tokio::test]
async fn twenty_five_choices_are_offered_at_most() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let choices = |count: usize| {
        let choice = |number: usize| json!({ "name": format!("service {number}"), "value": number.to_string() });
        json!({ "type": 8, "data": { "choices": (0..count).map(choice).collect::<Vec<_>>() } })
    };
    let discord = bench.discord();
    let (offered, asked) = tokio::join!(discord.completes("ann", "general", "/ack", "service", "ser"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        let refused = bench.answer(&asked, choices(26)).await;
        assert_eq!((refused.code(), refused.error("data.choices")), (50035, "BASE_TYPE_MAX_LENGTH"));
        assert_eq!(bench.answer(&asked, json!({ "type": 9, "data": modal() })).await.refusal(), (400, 50035));
        assert_eq!(bench.answer(&asked, choices(25)).await.status, 204);
        asked
    });
    assert_eq!(asked["type"], 4);
    let typed = &asked["data"]["options"][0];
    assert_eq!((typed["value"].as_str(), typed["focused"].as_bool()), (Some("ser"), Some(true)));
    let offered = offered.expect("it was answered");
    assert_eq!((offered.len(), offered[24].clone()), (25, ("service 24".to_owned(), "24".to_owned())));
    let (late, ()) = tokio::join!(discord.completes("ann", "general", "/ack", "service", "x"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        bench.advance(3_000);
        assert_eq!(bench.answer(&asked, choices(1)).await.refusal(), (404, 10062));
    });
    assert!(late.is_err());
}
