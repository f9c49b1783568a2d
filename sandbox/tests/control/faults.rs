//! Faults of calls, ordered over the API: they happen to the next N calls and not to the one after.

use serde_json::{Value, json};

use crate::bench::{Answer, Bench, PLATFORMS};

const METHODS: [(&str, &str); 2] = [("slack", "chat.postMessage"), ("discord", "POST /channels/{channel.id}/messages")];

async fn order(bench: &Bench, platform: &str, method: &str, times: usize, fault: Value) {
    let body = json!({ "method": method, "times": times, "fault": fault });
    let answer = bench.post(&format!("/{platform}/faults"), body).await;
    assert_eq!(answer.done(), json!({ "ordered": times }));
}

/// Lets the bot post twice with a fault on the first; gives the first answer and how many messages there are after each.
async fn once(bench: &Bench, (platform, method): (&str, &str), fault: Value) -> (Option<Answer>, usize, usize) {
    let before = bench.messages(platform, "general").await.len();
    order(bench, platform, method, 1, fault).await;
    let first = bench.posts(platform, "first").await.ok();
    let after_first = bench.messages(platform, "general").await.len() - before;
    // Whoever was told to wait has waited.
    bench.advance(60_000);
    let second = bench.posts(platform, "second").await.expect("an answer");
    assert_eq!(second.status, 200, "the order is over: {second:?}");
    (first, after_first, bench.messages(platform, "general").await.len() - before)
}

#[tokio::test]
async fn a_fault_happens_to_the_next_calls_and_to_no_more() {
    let bench = Bench::start().await;
    for (platform, method) in METHODS {
        order(&bench, platform, method, 3, json!({ "kind": "status", "status": 503 })).await;
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(bench.posts(platform, "hello").await.expect("an answer").status);
        }
        assert_eq!(statuses, [503, 503, 503, 200]);
        assert_eq!(bench.messages(platform, "general").await.len(), 1);
        let requests = bench.get(&format!("/{platform}/requests")).await.done();
        let logged: Vec<Value> =
            requests.as_array().expect("a list").iter().map(|request| request["status"].clone()).collect();
        assert_eq!(logged, [503, 503, 503, 200]);
    }
}

#[tokio::test]
async fn one_call_is_meant_where_no_number_is_given() {
    let bench = Bench::start().await;
    for (platform, method) in METHODS {
        let body = json!({ "method": method, "fault": { "kind": "status", "status": 500 } });
        assert_eq!(bench.post(&format!("/{platform}/faults"), body).await.done(), json!({ "ordered": 1 }));
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 500);
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 200);
        order(&bench, platform, method, 0, json!({ "kind": "status", "status": 500 })).await;
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 200);
    }
}

#[tokio::test]
async fn a_fault_is_for_its_method_and_its_platform() {
    let bench = Bench::start().await;
    order(&bench, "slack", "chat.update", 1, json!({ "kind": "status", "status": 500 })).await;
    order(&bench, "discord", "GET /gateway", 1, json!({ "kind": "status", "status": 500 })).await;
    for platform in PLATFORMS {
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 200);
        order(&bench, platform, "*", 1, json!({ "kind": "status", "status": 502 })).await;
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 502, "a star is for all");
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 200);
    }
    assert_eq!(bench.slack("chat.update", json!({})).await.expect("an answer").status, 500);
    assert_eq!(bench.discord("GET /gateway", Value::Null).await.expect("an answer").status, 500);
}

#[tokio::test]
async fn orders_are_carried_out_one_after_the_other_and_taken_back_together() {
    let bench = Bench::start().await;
    for (platform, method) in METHODS {
        for status in [500, 502, 503] {
            order(&bench, platform, method, 1, json!({ "kind": "status", "status": status })).await;
        }
        order(&bench, platform, "*", 5, json!({ "kind": "status", "status": 504 })).await;
        for status in [500, 502] {
            assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, status);
        }
        let other = if platform == "slack" { "discord" } else { "slack" };
        let cleared = bench.send(bench.request("DELETE", &format!("/{other}/faults"))).await;
        assert_eq!(cleared.done(), json!({}));
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 503, "the other chat's are");
        let cleared = bench.send(bench.request("DELETE", &format!("/{platform}/faults"))).await;
        assert_eq!(cleared.done(), json!({}));
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 200);
    }
}

#[tokio::test]
async fn faults_instead_of_the_work() {
    let bench = Bench::start().await;
    for at in METHODS {
        let (answer, first, both) = once(&bench, at, json!({ "kind": "html" })).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, first, both), (200, 0, 1));
        assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");

        let limit = json!({ "kind": "rate_limited", "retry_after": 7 });
        let (answer, first, both) = once(&bench, at, limit).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, answer.header("retry-after"), first, both), (429, "7", 0, 1));

        let word = if at.0 == "slack" { "is_archived" } else { "50013" };
        let (answer, first, both) = once(&bench, at, json!({ "kind": "refuse", "error": word })).await;
        let answer = answer.expect("an answer");
        assert_eq!((first, both), (0, 1));
        match at.0 {
            "slack" => assert_eq!((answer.status, answer.json()), (200, json!({ "ok": false, "error": word }))),
            _ => assert_eq!((answer.status, answer.json()["code"].as_i64()), (400, Some(50013))),
        }
    }
    let global = json!({ "kind": "rate_limited", "retry_after": 2, "global": true });
    let (answer, ..) = once(&bench, METHODS[1], global).await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.header("x-ratelimit-global"), answer.json()["global"].as_bool()), ("true", Some(true)));
    let (answer, first, both) = once(&bench, METHODS[0], json!({ "kind": "bare_not_ok" })).await;
    assert_eq!((answer.expect("an answer").json(), first, both), (json!({ "ok": false }), 0, 1));
}

#[tokio::test]
async fn faults_after_the_work() {
    let bench = Bench::start().await;
    for at in METHODS {
        let (answer, first, both) = once(&bench, at, json!({ "kind": "status_after_work", "status": 500 })).await;
        assert_eq!((answer.expect("an answer").status, first, both), (500, 1, 2));
        let (answer, first, both) = once(&bench, at, json!({ "kind": "drop_after_work" })).await;
        assert!(answer.is_none(), "no answer: {answer:?}");
        assert_eq!((first, both), (1, 2));
        let (answer, first, both) = once(&bench, at, json!({ "kind": "cut_body_after_work" })).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, first, both), (200, 1, 2));
        assert!(serde_json::from_str::<Value>(&answer.text).is_err(), "half of it: {answer:?}");
    }
}

#[tokio::test]
async fn a_call_that_hangs_does_its_work_or_not() {
    let bench = Bench::start().await;
    for (platform, method) in METHODS {
        for (kind, messages) in [("hang", 0), ("hang_after_work", 1)] {
            let before = bench.messages(platform, "general").await.len();
            order(&bench, platform, method, 1, json!({ "kind": kind })).await;
            let path = format!("/{platform}/requests");
            let logged = async {
                loop {
                    let requests = bench.get(&path).await.done();
                    if requests.as_array().and_then(|all| all.last()).is_some_and(|last| last["status"] == 0) {
                        return;
                    }
                }
            };
            tokio::select! {
                answer = bench.posts(platform, "first") => panic!("that hangs: {answer:?}"),
                () = logged => {}
            }
            assert_eq!(bench.messages(platform, "general").await.len() - before, messages, "{platform} {kind}");
            assert_eq!(bench.posts(platform, "second").await.expect("an answer").status, 200);
        }
    }
}

#[tokio::test]
async fn a_response_url_is_a_method_too() {
    let bench = Bench::start().await;
    let mut socket = bench.connect("slack").await;
    let needs = json!({ "channel": "general", "text": "/ack A-1" });
    let (_, command) =
        tokio::join!(bench.does("slack", "ann", "types", needs), bench.slack_takes(&mut socket, Value::Null));
    order(&bench, "slack", "response_url", 1, json!({ "kind": "status", "status": 503 })).await;
    let path = command["response_url"].as_str().expect("an address").to_owned();
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(bench.answers(&path, json!({ "text": "done" })).await.status);
    }
    assert_eq!(statuses, [503, 200]);
}

#[tokio::test]
async fn a_call_that_is_let_pass_comes_before_one_that_is_dropped_without_work() {
    let bench = Bench::start().await;
    for (platform, method) in METHODS {
        order(&bench, platform, method, 1, json!({ "kind": "pass" })).await;
        order(&bench, platform, method, 1, json!({ "kind": "drop" })).await;
        assert_eq!(bench.posts(platform, "hello").await.expect("an answer").status, 200);
        assert!(bench.posts(platform, "hello").await.is_err(), "nothing comes back");
        assert_eq!(bench.messages(platform, "general").await.len(), 1);
    }
}
