//! Modals: what they may hold, how they open, and how they are sent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bench::{Bench, INTENTS, modal};

fn values(title: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("Title".to_owned(), title.to_owned())])
}

#[tokio::test]
async fn a_modal_opens_and_is_sent() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let discord = bench.discord();
    assert!(discord.submits("ann", values("db")).await.is_err(), "no form is open");
    let (typed, ()) = tokio::join!(discord.types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        assert_eq!(bench.answer(&asked, json!({ "type": 9, "data": modal() })).await.status, 204);
    });
    typed.expect("ann may type it");
    assert_eq!(discord.view()["forms"][0]["modal"]["title"], "Declare");
    assert!(discord.submits("bob", values("db")).await.is_err(), "it is ann's");
    assert!(discord.submits("ann", BTreeMap::new()).await.is_err(), "the title is required");
    assert!(discord.submits("ann", values(&"x".repeat(21))).await.is_err(), "the title is too long");
    let (failed, ()) = tokio::join!(discord.submits("ann", values("db")), async {
        let sent = socket.event("INTERACTION_CREATE").await;
        assert_eq!(bench.answer(&sent, json!({ "type": 9, "data": modal() })).await.refusal(), (400, 50035));
        bench.advance(3_000);
    });
    assert!(failed.is_err(), "nobody answered");
    let (sent, ()) = tokio::join!(discord.submits("ann", values("db is down")), async {
        let sent = socket.event("INTERACTION_CREATE").await;
        assert_eq!((sent["type"].as_u64(), sent["data"]["custom_id"].as_str()), (Some(5), Some("declare")));
        let field = &sent["data"]["components"][0]["component"];
        assert_eq!((field["custom_id"].as_str(), field["value"].as_str()), (Some("title"), Some("db is down")));
        let data = json!({ "content": "declared" });
        assert_eq!(bench.answer(&sent, json!({ "type": 4, "data": data })).await.status, 204);
    });
    sent.expect("it was answered");
    assert_eq!(discord.view()["forms"], json!([]));
    assert_eq!(bench.messages("general")[0]["content"], "declared");
}

#[tokio::test]
async fn a_modal_keeps_every_limit() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let with = |pointer: &str, value: Value| {
        let mut modal = modal();
        let (parent, name) = pointer.rsplit_once('/').expect("a place");
        modal.pointer_mut(parent).expect("a parent")[name] = value;
        modal
    };
    let many = |count: usize| {
        let part = |number: usize| {
            let mut part = modal()["components"][0].clone();
            part["component"]["custom_id"] = json!(number.to_string());
            part
        };
        with("/components", (0..count).map(part).collect())
    };
    let twice = with("/components", json!([modal()["components"][0], modal()["components"][0]]));
    let x = |length: usize| json!("x".repeat(length));
    let (label, field) = ("data.components.0.label", "data.components.0.component");
    let at = |name: &str| format!("{field}.{name}");
    let cases = [
        (with("/title", x(46)), "data.title".to_owned(), "BASE_TYPE_BAD_LENGTH"),
        (with("/title", Value::Null), "data.title".to_owned(), "BASE_TYPE_REQUIRED"),
        (with("/custom_id", x(101)), "data.custom_id".to_owned(), "BASE_TYPE_BAD_LENGTH"),
        (many(0), "data.components".to_owned(), "BASE_TYPE_BAD_LENGTH"),
        (many(6), "data.components".to_owned(), "BASE_TYPE_BAD_LENGTH"),
        (with("/components/0/label", x(46)), label.to_owned(), "BASE_TYPE_BAD_LENGTH"),
        (with("/components/0/description", x(101)), "data.components.0.description".to_owned(), "BASE_TYPE_MAX_LENGTH"),
        (with("/components/0/component/custom_id", x(101)), at("custom_id"), "BASE_TYPE_BAD_LENGTH"),
        (with("/components/0/component/placeholder", x(101)), at("placeholder"), "BASE_TYPE_MAX_LENGTH"),
        (with("/components/0/component/value", x(4001)), at("value"), "BASE_TYPE_MAX_LENGTH"),
        (with("/components/0/component/max_length", json!(4001)), at("max_length"), "NUMBER_TYPE_MAX"),
        (with("/components/0/component/style", json!(3)), at("style"), "NUMBER_TYPE_MAX"),
        (with("/components/0/component/type", json!(2)), at("type"), "UNION_TYPE_CHOICES"),
        (twice, "data.components.1.component.custom_id".to_owned(), "COMPONENT_CUSTOM_ID_DUPLICATED"),
    ];
    let (typed, ()) = tokio::join!(bench.discord().types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        for (data, path, error) in &cases {
            let refused = bench.answer(&asked, json!({ "type": 9, "data": data })).await;
            assert_eq!((refused.code(), refused.error(path)), (50035, *error), "{data} {}", refused.body);
        }
        assert_eq!(bench.discord().view()["forms"], json!([]), "a refused call does nothing");
        let most = with("/title", x(45));
        assert_eq!(bench.answer(&asked, json!({ "type": 9, "data": most })).await.status, 204);
    });
    typed.expect("ann may type it");
    bench.discord().cancels("ann").await.expect("ann may close it");
    assert_eq!(bench.discord().view()["forms"], json!([]));
}

#[tokio::test]
async fn no_modal_opens_after_a_deferred_answer() {
    let bench = Bench::start(false).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let (typed, ()) = tokio::join!(bench.discord().types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        assert_eq!(bench.answer(&asked, json!({ "type": 5 })).await.status, 204);
        assert_eq!(bench.answer(&asked, json!({ "type": 9, "data": modal() })).await.refusal(), (400, 40060));
    });
    typed.expect("ann may type it");
    assert_eq!(bench.discord().view()["forms"], json!([]));
}
