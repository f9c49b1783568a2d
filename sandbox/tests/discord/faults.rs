//! What can be made to go wrong with a call, on order: before the work and after it.

use sandbox::faults::CallFault;
use serde_json::{Value, json};

use crate::bench::Bench;

const CREATE: &str = "POST /channels/{channel.id}/messages";

fn hello() -> Value {
    json!({ "content": "hello" })
}

#[tokio::test]
async fn a_call_is_refused_without_its_work() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    discord.fault(CREATE, 2, CallFault::Status { status: 500 });
    discord.fault(CREATE, 1, CallFault::Html);
    discord.fault(CREATE, 1, CallFault::Refuse { error: "50013".to_owned() });
    for status in [500, 500, 200] {
        let answer = bench.post(hello()).await;
        assert_eq!((answer.status, &answer.body), (status, &Value::Null), "a page, not JSON");
        assert_eq!(answer.header("content-type"), "text/html");
    }
    assert_eq!(bench.post(hello()).await.refusal(), (400, 50013));
    assert!(bench.messages("general").is_empty());
    assert_eq!(bench.post(hello()).await.status, 200, "the order is over");
    let statuses: Vec<u16> = discord.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [500, 500, 200, 400, 200]);
    assert!(discord.requests().iter().all(|it| it.route == CREATE && it.ids == [bench.channel("general")]));
    assert_eq!(discord.unexpected(), Vec::<String>::new(), "the bot did nothing wrong");
}

#[tokio::test]
async fn a_call_is_limited_on_order() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    discord.fault(CREATE, 1, CallFault::RateLimited { retry_after: 7, global: false });
    let refused = bench.post(hello()).await;
    assert_eq!((refused.status, refused.body["retry_after"].as_f64()), (429, Some(7.0)));
    assert_eq!((refused.header("retry-after"), refused.header("x-ratelimit-scope")), ("7", "user"));
    assert_eq!(discord.early_requests(), 0);
    bench.post(hello()).await.id();
    assert_eq!(discord.early_requests(), 1, "it did not wait");
    bench.advance(7_000);
    bench.post(hello()).await.id();
    assert_eq!(discord.early_requests(), 1);
    discord.fault("*", 1, CallFault::RateLimited { retry_after: 2, global: true });
    let refused = bench.get("users/@me").await;
    assert_eq!((refused.status, refused.body["global"].as_bool()), (429, Some(true)));
    assert_eq!((refused.header("x-ratelimit-global"), refused.header("x-ratelimit-scope")), ("true", "global"));
    assert_eq!(discord.invalid_requests(), 2, "they count as any other");
    bench.post(hello()).await.id();
    assert_eq!(discord.early_requests(), 2, "it is about every route");
}

#[tokio::test]
async fn a_call_hangs_before_its_work() {
    let bench = Bench::start(false).await;
    bench.discord().fault(CREATE, 1, CallFault::Hang);
    tokio::select! {
        answer = bench.post(hello()) => panic!("that hangs: {answer:?}"),
        () = async { while bench.discord().requests().is_empty() { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(bench.discord().requests()[0].status, 0);
    assert!(bench.messages("general").is_empty());
    assert_eq!(bench.post(hello()).await.status, 200);
}

#[tokio::test]
async fn a_call_hangs_after_its_work() {
    let bench = Bench::start(false).await;
    bench.discord().fault(CREATE, 1, CallFault::HangAfterWork);
    let body = json!({ "content": "hello", "nonce": "a", "enforce_nonce": true });
    tokio::select! {
        answer = bench.post(body.clone()) => panic!("that hangs: {answer:?}"),
        () = async { while bench.discord().requests().is_empty() { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(bench.messages("general").len(), 1);
    let again = bench.post(body).await.id();
    assert_eq!(bench.messages("general").len(), 1, "the nonce has saved it");
    assert_eq!(bench.messages("general")[0]["id"], again.as_str());
}

#[tokio::test]
async fn an_answer_is_lost_after_the_work() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    let create = format!("POST {}", bench.of("general", "messages"));
    let lost = async || match bench.raw(&create, &hello()).await {
        Ok(response) => response.text().await.err(),
        Err(error) => Some(error),
    };
    discord.fault(CREATE, 1, CallFault::DropAfterWork);
    assert!(lost().await.is_some(), "the connection was dropped");
    assert_eq!(bench.messages("general").len(), 1);
    discord.fault(CREATE, 1, CallFault::StatusAfterWork { status: 502 });
    assert_eq!(bench.post(hello()).await.status, 502);
    assert_eq!(bench.messages("general").len(), 2);
    discord.fault(CREATE, 1, CallFault::CutBodyAfterWork);
    let cut = bench.raw(&create, &hello()).await.expect("an answer").text().await.unwrap_or_default();
    assert!(serde_json::from_str::<Value>(&cut).is_err(), "{cut}");
    assert_eq!(bench.messages("general").len(), 3);
    assert_eq!(discord.requests().iter().map(|it| it.status).collect::<Vec<_>>(), [0, 502, 200]);
}

#[tokio::test]
async fn faults_hit_their_route_only_and_can_be_taken_back() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    discord.fault("GET /users/@me", 2, CallFault::Status { status: 500 });
    assert_eq!(bench.post(hello()).await.status, 200, "another route");
    assert_eq!(bench.get("users/@me").await.status, 500);
    discord.clear_faults();
    assert_eq!(bench.get("users/@me").await.status, 200);
    discord.fault("*", 1, CallFault::Status { status: 503 });
    assert_eq!(bench.get("nothing/here").await.status, 503, "any route");
    assert_eq!(bench.get("nothing/here").await.status, 404);
}
