//! Answers to interactions: which kind fits what was asked, what they may hold, and what follows them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bench::{Answer, Bench, INTENTS, Socket, buttons, modal};

/// Has ann type the command and the bot send these answers in turn; gives the interaction and what became of each.
async fn commanded(bench: &Bench, socket: &mut Socket, callbacks: Vec<Value>) -> (Value, Vec<Answer>) {
    let (typed, asked) = tokio::join!(bench.discord().types("ann", "general", "/ack"), given(bench, socket, callbacks));
    typed.expect("ann may type it");
    asked
}

/// Takes the next interaction and sends these answers in turn.
async fn given(bench: &Bench, socket: &mut Socket, callbacks: Vec<Value>) -> (Value, Vec<Answer>) {
    let asked = socket.event("INTERACTION_CREATE").await;
    let mut answers = Vec::new();
    for callback in callbacks {
        answers.push(bench.answer(&asked, callback).await);
    }
    (asked, answers)
}

fn said(bench: &Bench) -> Vec<Value> {
    bench.messages("general").iter().map(|it| it["content"].clone()).collect()
}

#[tokio::test]
async fn errors_of_an_answer_stand_below_its_data() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let long = json!({ "content": "x".repeat(2001), "embeds": ["x"] });
    let callbacks = vec![json!({ "type": 4, "data": long }), json!({ "type": 4, "data": ["x"] }), json!({ "type": 5 })];
    let (asked, answers) = commanded(&bench, &mut socket, callbacks).await;
    assert_eq!(answers[0].error("data.content"), "BASE_TYPE_MAX_LENGTH");
    assert_eq!(answers[0].error("data.embeds.0"), "DICT_TYPE_CONVERT");
    assert_eq!(answers[1].error("data"), "DICT_TYPE_CONVERT");
    let follow_up = bench.webhook(&asked, "POST", long).await;
    assert_eq!(follow_up.error("content"), "BASE_TYPE_MAX_LENGTH", "a follow-up is the message itself");
}

#[tokio::test]
async fn an_update_of_a_clicked_message_is_as_strict_as_an_answer() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let body = json!({ "content": "x", "components": [buttons(&["go"])], "allowed_mentions": { "parse": [] } });
    let id = bench.post(body).await.id();
    let update = |data: Value| json!({ "type": 7, "data": data });
    let callbacks = vec![
        update(json!({ "content": "x".repeat(2001) })),
        update(json!({ "components": [buttons(&["a", "a"])] })),
        update(json!({ "content": "", "components": [] })),
        update(json!({ "content": "y", "colour": "red" })),
    ];
    let (clicked, (_, answers)) =
        tokio::join!(bench.discord().clicks("ann", "general", &id, "go"), given(&bench, &mut socket, callbacks));
    clicked.expect("it was answered");
    assert_eq!((answers[0].code(), answers[0].error("data.content")), (50035, "BASE_TYPE_MAX_LENGTH"));
    assert_eq!(answers[1].error("data.components.0.components.1.custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED");
    assert_eq!((answers[2].refusal(), answers[3].status), ((400, 50006), 204));
    assert_eq!(said(&bench), ["y"]);
    let noted = bench.discord().unexpected();
    assert!(noted.iter().any(|it| it.ends_with("unknown field data.colour")), "{noted:?}");
    assert_eq!(bench.discord().missing_allowed_mentions().len(), 1, "the update has none");
}

#[tokio::test]
async fn a_follow_up_answers_with_its_message() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let first = json!({ "type": 4, "data": { "content": "first" } });
    let (asked, _) = commanded(&bench, &mut socket, vec![first]).await;
    let answer = bench.webhook(&asked, "POST", json!({ "content": "more", "flags": 64 })).await;
    assert_eq!((answer.status, answer.body["content"].as_str()), (200, Some("more")));
    assert_eq!(bench.messages("general")[1]["ephemeral_to"], bench.user("ann"));
    let path = format!("PATCH messages/{}", answer.id());
    assert_eq!(bench.webhook(&asked, &path, json!({ "content": "changed" })).await.status, 200);
    assert_eq!(bench.webhook(&asked, "GET messages/@original", Value::Null).await.body["content"], "first");
    assert_eq!(said(&bench), ["first", "changed"]);
}

#[tokio::test]
async fn the_first_follow_up_fills_a_deferred_answer_in() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let ann = bench.user("ann");
    let (asked, _) = commanded(&bench, &mut socket, vec![json!({ "type": 5, "data": { "flags": 64 } })]).await;
    let deferred = bench.webhook(&asked, "GET messages/@original", Value::Null).await.id();
    let filled = bench.webhook(&asked, "POST", json!({ "content": "done" })).await;
    assert_eq!((filled.id(), filled.body["flags"].as_u64()), (deferred, Some(64)), "it is only loading no more");
    assert!(filled.body["edited_timestamp"].is_null(), "nobody has read anything else");
    bench.webhook(&asked, "POST", json!({ "content": "open" })).await.id();
    let seen: Vec<Value> = bench.messages("general").iter().map(|it| it["ephemeral_to"].clone()).collect();
    assert_eq!((said(&bench), seen), (vec![json!("done"), json!("open")], vec![json!(ann), Value::Null]));
    let (asked, _) = commanded(&bench, &mut socket, vec![json!({ "type": 5 })]).await;
    let body = json!({ "content": format!("<@{ann}>"), "flags": 64, "allowed_mentions": { "parse": ["users"] } });
    bench.webhook(&asked, "POST", body).await.id();
    assert!(bench.messages("general")[2]["ephemeral_to"].is_null(), "an open one stays open");
    let told = bench.discord().notifications();
    assert_eq!(told.iter().map(|it| it.target.clone()).collect::<Vec<_>>(), [format!("<@{ann}>")]);
}

#[tokio::test]
async fn what_only_changes_the_clicked_message_has_it_as_its_original() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let discord = bench.discord();
    for callback in [json!({ "type": 6 }), json!({ "type": 7, "data": { "content": "taken" } })] {
        let id = bench.post(json!({ "content": "x", "components": [buttons(&["go"])] })).await.id();
        let (clicked, (click, _)) =
            tokio::join!(discord.clicks("ann", "general", &id, "go"), given(&bench, &mut socket, vec![callback]));
        clicked.expect("it was answered");
        bench.webhook(&click, "POST", json!({ "content": "more" })).await.id();
        let edit = bench.webhook(&click, "PATCH messages/@original", json!({ "content": "y" })).await;
        assert_eq!((edit.id(), edit.body["content"].as_str()), (id, Some("y")));
    }
}

#[tokio::test]
async fn what_is_typed_can_only_be_completed() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let choice = |name: usize, value: Value| json!({ "name": "x".repeat(name), "value": value });
    let offer = |choice: Value| json!({ "type": 8, "data": { "choices": [choice] } });
    let callbacks = vec![
        json!({ "type": 4, "data": { "content": "x" } }),
        json!({ "type": 5 }),
        json!({ "type": 6 }),
        offer(choice(101, json!("v"))),
        offer(choice(0, json!("v"))),
        offer(choice(1, json!("v".repeat(101)))),
        offer(choice(1, Value::Null)),
        offer(json!("x")),
        offer(choice(100, json!("v".repeat(100)))),
    ];
    let typed = bench.discord().completes("ann", "general", "/ack", "service", "s");
    let (offered, (_, answers)) = tokio::join!(typed, given(&bench, &mut socket, callbacks));
    assert_eq!(offered, Ok(vec![("x".repeat(100), "v".repeat(100))]));
    let (name, value) = ("data.choices.0.name", "data.choices.0.value");
    for (answer, path, error) in [
        (&answers[0], "type", "BASE_TYPE_CHOICES"),
        (&answers[1], "type", "BASE_TYPE_CHOICES"),
        (&answers[2], "type", "BASE_TYPE_CHOICES"),
        (&answers[3], name, "BASE_TYPE_BAD_LENGTH"),
        (&answers[4], name, "BASE_TYPE_REQUIRED"),
        (&answers[5], value, "BASE_TYPE_MAX_LENGTH"),
        (&answers[6], value, "BASE_TYPE_REQUIRED"),
        (&answers[7], "data.choices.0", "DICT_TYPE_CONVERT"),
    ] {
        assert_eq!((answer.code(), answer.error(path)), (50035, error), "{}", answer.body);
    }
    assert!(said(&bench).is_empty());
}

#[tokio::test]
async fn a_form_of_a_command_has_no_message_to_update() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let discord = bench.discord();
    let form = json!({ "type": 9, "data": modal() });
    let update = json!({ "type": 7, "data": { "content": "updated" } });
    let values = || BTreeMap::from([("Title".to_owned(), "db".to_owned())]);
    commanded(&bench, &mut socket, vec![form.clone()]).await;
    let callbacks = vec![update.clone(), json!({ "type": 6 })];
    let (sent, (asked, answers)) =
        tokio::join!(discord.submits("ann", values()), given(&bench, &mut socket, callbacks));
    sent.expect("it was answered");
    assert_eq!((answers[0].refusal(), answers[1].status), ((400, 50035), 204), "it may be taken without a word");
    let edit = bench.webhook(&asked, "PATCH messages/@original", json!({ "content": "y" })).await;
    assert_eq!(edit.refusal(), (404, 10008));
    let id = bench.post(json!({ "content": "x", "components": [buttons(&["go"])] })).await.id();
    let (clicked, _) =
        tokio::join!(discord.clicks("ann", "general", &id, "go"), given(&bench, &mut socket, vec![form]));
    clicked.expect("it was answered");
    let (sent, (_, answers)) = tokio::join!(discord.submits("ann", values()), given(&bench, &mut socket, vec![update]));
    sent.expect("it was answered");
    assert_eq!((answers[0].status, said(&bench)), (204, vec![json!("updated")]), "that of a click has one");
}

#[tokio::test]
async fn an_interaction_in_a_direct_channel_has_a_user_and_no_member() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let direct = bench.call("POST users/@me/channels", json!({ "recipient_id": bench.user("ann") })).await.id();
    let (mut socket, _) = bench.connect(INTENTS).await;
    let body = json!({ "content": "x", "components": [buttons(&["go"])] });
    let id = bench.call(&format!("POST channels/{direct}/messages"), body).await.id();
    let discord = bench.discord();
    let (clicked, (click, _)) =
        tokio::join!(discord.clicks("ann", &direct, &id, "go"), given(&bench, &mut socket, vec![json!({ "type": 6 })]));
    clicked.expect("it was answered");
    assert_eq!((click["user"]["id"].as_str(), click["context"].as_u64()), (Some(&*bench.user("ann")), Some(1)));
    assert!(click["member"].is_null() && click["guild_id"].is_null(), "{click}");
    assert!(discord.types("ann", &direct, "/ack").await.is_err(), "the server's commands are not there");
    let (_, (asked, _)) =
        tokio::join!(discord.types("ann", "general", "/ack"), given(&bench, &mut socket, vec![json!({ "type": 5 })]));
    assert!(asked["user"].is_null() && asked["member"]["permissions"].is_string());
    assert_eq!((asked["guild_id"].as_str(), asked["context"].as_u64()), (Some(discord.guild()), Some(0)));
}
