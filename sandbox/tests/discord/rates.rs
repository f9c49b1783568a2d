//! Rate limits: what the headers tell, what happens to those who don't listen, and how it ends.

use serde_json::{Value, json};

use crate::bench::{Bench, INTENTS};

#[tokio::test]
async fn five_messages_in_five_seconds_use_up_a_channel() {
    let bench = Bench::start(true).await;
    for left in ["4", "3", "2", "1", "0"] {
        let answer = bench.post(json!({ "content": "x" })).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, left));
        assert_eq!(answer.header("x-ratelimit-limit"), "5");
        assert_eq!(answer.header("x-ratelimit-reset"), "1700000005.000");
        assert_eq!(answer.header("x-ratelimit-reset-after"), "5.000");
        assert_ne!(answer.header("x-ratelimit-bucket"), "none");
    }
    bench.advance(1_500);
    let refused = bench.post(json!({ "content": "x" })).await;
    assert_eq!(refused.status, 429);
    let body = json!({ "message": "You are being rate limited.", "retry_after": 3.5, "global": false });
    assert_eq!(refused.body, body);
    assert_eq!(refused.header("retry-after"), "4", "whole seconds, rounded up");
    assert_eq!((refused.header("x-ratelimit-scope"), refused.header("x-ratelimit-global")), ("user", "none"));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert_eq!(bench.messages("general").len(), 5, "a refused call does nothing");
    assert_eq!((bench.discord().early_requests(), bench.discord().invalid_requests()), (0, 1));
    let elsewhere = bench.call(&format!("POST {}", bench.of("alerts", "messages")), json!({ "content": "x" })).await;
    assert_eq!((elsewhere.status, elsewhere.header("x-ratelimit-remaining")), (200, "4"), "buckets are per channel");
    bench.advance(3_499);
    assert_eq!(bench.post(json!({ "content": "x" })).await.status, 429);
    assert_eq!(bench.discord().early_requests(), 1);
    bench.advance(1);
    let again = bench.post(json!({ "content": "x" })).await;
    assert_eq!((again.status, again.header("x-ratelimit-remaining")), (200, "4"));
    assert_eq!(bench.discord().early_requests(), 1);
}

#[tokio::test]
async fn fifty_calls_in_a_second_use_up_the_bot() {
    let bench = Bench::start(true).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    bench.advance(1_000);
    for _ in 0..50 {
        assert_eq!(bench.get("users/@me").await.status, 200);
    }
    let refused = bench.get("guilds/1").await;
    assert_eq!((refused.status, refused.body["global"].as_bool()), (429, Some(true)), "it is about every route");
    assert_eq!(refused.body["retry_after"], 1.0);
    assert_eq!((refused.header("x-ratelimit-global"), refused.header("x-ratelimit-scope")), ("true", "global"));
    assert_eq!(refused.header("retry-after"), "1");
    let (typed, ()) = tokio::join!(bench.discord().types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        let data = json!({ "content": "done" });
        assert_eq!(
            bench.answer(&asked, json!({ "type": 4, "data": data })).await.status,
            204,
            "interactions are exempt"
        );
    });
    typed.expect("ann may type it");
    bench.advance(1_000);
    assert_eq!(bench.get("users/@me").await.status, 200);
}

#[tokio::test]
async fn every_other_bucket_has_its_own_size() {
    let bench = Bench::start(true).await;
    let id = bench.post(json!({ "content": "x" })).await.id();
    let message = bench.of("general", &format!("messages/{id}"));
    let react = format!("PUT {message}/reactions/%F0%9F%91%80/@me");
    let unreact = format!("DELETE {message}/reactions/%F0%9F%91%80/@me");
    assert_eq!(bench.call(&react, Value::Null).await.status, 204);
    let refused = bench.call(&unreact, Value::Null).await;
    assert_eq!((refused.status, refused.body["retry_after"].as_f64()), (429, Some(0.25)), "both share one bucket");
    assert_eq!(refused.header("retry-after"), "1");
    bench.advance(250);
    assert_eq!(bench.call(&unreact, Value::Null).await.status, 204);
    for (route, calls) in [
        (format!("PATCH {message}"), 5),
        (format!("PUT {}", bench.of("general", &format!("messages/pins/{id}"))), 5),
        (format!("PATCH channels/{}", bench.channel("alerts")), 5),
    ] {
        bench.advance(1_000);
        let body = if route.contains("channels/") && route.contains("messages") {
            json!({ "content": "y" })
        } else {
            json!({ "locked": false })
        };
        for _ in 0..calls {
            let answer = bench.call(&route, body.clone()).await;
            assert!(answer.status < 300, "{route} {answer:?}");
        }
        let refused = bench.call(&route, body.clone()).await;
        assert_eq!((refused.status, refused.body["global"].as_bool()), (429, Some(false)), "{route}");
    }
}

#[tokio::test]
async fn a_channel_is_renamed_twice_in_ten_minutes() {
    let bench = Bench::start(true).await;
    let route = format!("PATCH channels/{}", bench.channel("alerts"));
    for name in ["one", "two"] {
        assert_eq!(bench.call(&route, json!({ "name": name })).await.status, 200);
    }
    let refused = bench.call(&route, json!({ "topic": "three" })).await;
    assert_eq!((refused.status, refused.body["retry_after"].as_f64()), (429, Some(600.0)));
    assert_eq!(refused.header("x-ratelimit-remaining"), "2", "the headers tell nothing of it");
    assert!(bench.discord().channel_id("two").is_some());
    bench.advance(600_000);
    assert_eq!(bench.call(&route, json!({ "name": "four" })).await.status, 200);
}

#[tokio::test]
async fn an_interactions_follow_ups_have_a_bucket_of_their_own() {
    let bench = Bench::start(true).await;
    bench.register().await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let (typed, asked) = tokio::join!(bench.discord().types("ann", "general", "/ack"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        let data = json!({ "content": "done" });
        assert_eq!(bench.answer(&asked, json!({ "type": 4, "data": data })).await.status, 204);
        asked
    });
    typed.expect("ann may type it");
    for _ in 0..5 {
        assert!(bench.webhook(&asked, "POST", json!({ "content": "more" })).await.status < 300);
    }
    let refused = bench.webhook(&asked, "POST", json!({ "content": "more" })).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "2"));
    assert_eq!(bench.post(json!({ "content": "x" })).await.status, 200, "the channel's own bucket is another");
    bench.advance(2_000);
    assert!(bench.webhook(&asked, "POST", json!({ "content": "more" })).await.status < 300);
}

#[tokio::test]
async fn without_rate_limits_nothing_is_refused() {
    let bench = Bench::start(false).await;
    for _ in 0..60 {
        let answer = bench.post(json!({ "content": "x" })).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, "none"));
    }
}
