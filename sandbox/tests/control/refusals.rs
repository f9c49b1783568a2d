//! What the API refuses: each with the right status and one sentence that says why.

use serde_json::json;

use crate::bench::{Bench, PLATFORMS};

#[tokio::test]
async fn who_or_what_is_not_there_is_refused() {
    let bench = Bench::start().await;
    let hello = |channel: &str| json!({ "channel": channel, "text": "hello" });
    for platform in PLATFORMS {
        let (status, why) = bench.does(platform, "zed", "types", hello("general")).await.refusal();
        assert_eq!(status, 400);
        assert!(why.contains("zed"), "{why}");
        let (status, why) = bench.does(platform, "muster", "types", hello("general")).await.refusal();
        assert_eq!(status, 400, "the bot is nobody's hand");
        assert!(why.contains("muster"), "{why}");
        let (status, why) = bench.does(platform, "ann", "types", hello("nowhere")).await.refusal();
        assert_eq!(status, 400);
        assert!(why.contains("nowhere"), "{why}");
        let (status, why) = bench.does(platform, "ann", "dances", json!({ "channel": "general" })).await.refusal();
        assert_eq!(status, 400);
        assert!(why.contains("dances") && why.contains("docs/sandbox.md"), "{why}");
        for deed in ["clicks", "selects", "reacts", "unreacts", "pins", "unpins", "edits", "deletes"] {
            let needs = json!({ "channel": "general", "message": "1", "emoji": "eyes", "button": "Go", "text": "a" });
            let (status, why) = bench.does(platform, "ann", deed, needs).await.refusal();
            assert_eq!(status, 400, "{platform} {deed}: {why}");
        }
        let (status, why) = bench.does(platform, "ann", "types", hello("general ")).await.refusal();
        assert_eq!(status, 400, "{why}");
        let blank = json!({ "channel": "general", "text": " \n " });
        assert_eq!(
            bench.does(platform, "ann", "types", blank).await.refusal(),
            (400, "there is nothing to send".to_owned())
        );
        let missing = bench.get(&format!("/{platform}/channels/nowhere")).await;
        assert_eq!(missing.refusal(), (404, "There is no such channel.".to_owned()));
        assert!(bench.messages(platform, "general").await.is_empty());
    }
    assert_eq!(bench.does("slack", "ann", "joins", json!({ "channel": "nowhere" })).await.refusal().0, 400);
    assert_eq!(bench.get("/teams/view").await.status, 400, "there are two platforms");
    assert_eq!(bench.get("/nothing").await.status, 404);
    assert_eq!(bench.get("/slack/users/ann/types").await.status, 405);
}

#[tokio::test]
async fn a_body_that_is_not_understood_is_refused() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        for (path, body, says) in [
            ("users/ann/types", "{\"channel\":\"general\",\"text\":\"hello\"", "EOF"),
            ("users/ann/types", "hello", "expected"),
            ("users/ann/types", "", "EOF"),
            ("users/ann/types", "{\"chanel\":\"general\",\"text\":\"hello\"}", "unknown field `chanel`"),
            ("users/ann/types", "{\"channel\":7,\"text\":\"hello\"}", "expected a string"),
            ("users/ann/submits", "{\"values\":{\"Title\":7}}", "expected a string"),
            ("faults", "{\"fault\":{\"kind\":\"hang\"}}", "missing field `method`"),
            ("faults", "{\"method\":\"*\",\"time\":2,\"fault\":{\"kind\":\"hang\"}}", "unknown field `time`"),
            ("faults", "{\"method\":\"*\",\"times\":-1,\"fault\":{\"kind\":\"hang\"}}", "-1"),
            ("faults", "{\"method\":\"*\",\"fault\":{\"kind\":\"explode\"}}", "unknown variant `explode`"),
            ("faults", "{\"method\":\"*\",\"fault\":{\"kind\":\"status\"}}", "missing field `status`"),
            ("faults", "{\"method\":\"*\",\"fault\":{\"kind\":\"status\",\"status\":70000}}", "70000"),
            ("socket-faults", "{\"kind\":\"explode\"}", "unknown variant `explode`"),
            ("socket-faults", "{\"kind\":\"freeze\"}", "missing field `on`"),
            ("socket-faults", "[", "EOF"),
        ] {
            let request = bench.request("POST", &format!("/{platform}/{path}"));
            let answer = bench.send(request.header("content-type", "application/json").body(body)).await;
            let (status, why) = answer.refusal();
            assert_eq!(status, 400, "{path} {body}");
            assert!(why.contains(says), "{path} {body}: {why}");
        }
        assert!(bench.messages(platform, "general").await.is_empty());
        bench.posts(platform, "no fault was ordered").await.expect("an answer").done();
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    let bench = Bench::start().await;
    let hello = json!({ "channel": "general", "text": "hello" }).to_string();
    for platform in PLATFORMS {
        let kinds = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""];
        for kind in kinds {
            let request = bench.request("POST", &format!("/{platform}/users/ann/types"));
            let answer = bench.send(request.header("content-type", kind).body(hello.clone())).await;
            let (status, why) = answer.refusal();
            assert_eq!(status, 415, "{kind:?}");
            assert!(why.contains("Content-Type: application/json"), "{why}");
        }
        assert!(bench.messages(platform, "general").await.is_empty(), "nothing was sent");
        let request = bench.request("POST", &format!("/{platform}/users/ann/types"));
        let request = request.header("content-type", "application/json; charset=utf-8").body(hello.clone());
        bench.send(request).await.done();
    }
}

#[tokio::test]
async fn what_a_browser_sends_for_another_site_is_refused() {
    let bench = Bench::start().await;
    let own = bench.sandbox.control.to_string();
    let port = bench.sandbox.control.port();
    let sent = [
        ("origin", "http://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", format!("https://{own}")),
        ("origin", format!("http://localhost:{}", port.wrapping_add(1))),
        ("origin", format!("http://{own}.evil.example")),
        ("host", "evil.example".to_owned()),
        ("host", format!("evil.example:{port}")),
        ("host", format!("127.0.0.1.evil.example:{port}")),
        ("host", format!("localhost.evil.example:{port}")),
        ("host", format!("10.0.0.1:{port}")),
    ];
    let paths = [
        ("GET", "/"),
        ("GET", "/changes"),
        ("GET", "/slack/view"),
        ("GET", "/discord/transcript"),
        ("GET", "/nothing"),
        ("POST", "/slack/users/ann/types"),
        ("POST", "/discord/users/ann/types"),
        ("POST", "/slack/faults"),
        ("DELETE", "/slack/faults"),
        ("POST", "/discord/socket-faults"),
        ("POST", "/buttons/fire"),
    ];
    let hello = json!({ "channel": "general", "text": "hello" }).to_string();
    for (name, value) in &sent {
        for (verb, path) in paths {
            let request = bench.request(verb, path).header("content-type", "application/json").header(*name, value);
            let (status, why) = bench.send(request.body(hello.clone())).await.refusal();
            assert_eq!(status, 403, "{verb} {path} {name}: {value}");
            assert_eq!(why, "This is for pages and programs of this machine only.");
        }
    }
    for platform in PLATFORMS {
        assert!(bench.messages(platform, "general").await.is_empty(), "nothing was done");
    }
    for (name, value) in
        [("origin", format!("http://{own}")), ("host", format!("localhost:{port}")), ("host", format!("[::1]:{port}"))]
    {
        let answer = bench.send(bench.request("GET", "/slack/view").header(name, &value)).await;
        assert_eq!(answer.status, 200, "{name}: {value}");
        assert_eq!(answer.header("access-control-allow-origin"), "none", "no other page may read it");
    }
    let origin = bench.request("GET", "/slack/view").header("host", format!("localhost:{port}"));
    let answer = bench.send(origin.header("origin", format!("http://localhost:{port}"))).await;
    assert_eq!(answer.status, 200, "the page may be opened by either name");
    let preflight = bench.request("OPTIONS", "/slack/users/ann/types").header("origin", "http://evil.example");
    assert_eq!(bench.send(preflight).await.status, 403);
}

#[tokio::test]
async fn people_on_discord_keep_to_its_limits_too() {
    let bench = Bench::start().await;
    let typed = bench.post("/discord/users/ann/types", json!({ "channel": "general", "text": "hello" })).await.done();
    let message = typed["message"].as_str().or(typed["id"].as_str()).expect("a message").to_owned();
    let on = |more: serde_json::Value| {
        let mut needs = json!({ "channel": "general", "message": message });
        needs.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        needs
    };
    for (deed, needs) in [
        ("edits", on(json!({ "text": "x".repeat(2001) }))),
        ("reacts", on(json!({ "emoji": "<script>" }))),
        ("cancels", json!({})),
    ] {
        let answer = bench.post(&format!("/discord/users/ann/{deed}"), needs).await;
        assert_eq!(answer.status, 400, "{deed}");
    }
    let many = json!({ "method": "*", "times": 100_000_000_000_u64, "fault": { "kind": "hang" } });
    assert_eq!(bench.post("/discord/faults", many).await.status, 400);
    assert_eq!(bench.post("/slack/socket-faults", json!({ "kind": "close", "cod": 1001 })).await.status, 400);
}
