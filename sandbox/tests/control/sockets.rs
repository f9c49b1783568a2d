//! Faults of sockets, ordered over the API: they reach the sockets that are open, or the next ones.

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::bench::{Bench, PLATFORMS};
use crate::bot::{End, Socket, is_hello};

async fn order(bench: &Bench, platform: &str, fault: Value) {
    assert_eq!(bench.post(&format!("/{platform}/socket-faults"), fault).await.done(), json!({}));
}

/// How a socket ends that says nothing before.
async fn end(socket: &mut Socket) -> End {
    socket.next_or_end().await.expect_err("nothing is said")
}

#[tokio::test]
async fn every_open_socket_is_closed_or_cut() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        for (fault, how) in [
            (json!({ "kind": "close", "code": 4000 }), End::Closed(Some(4000))),
            (json!({ "kind": "close", "code": null }), End::Closed(None)),
            (json!({ "kind": "close" }), End::Closed(None)),
            (json!({ "kind": "drop" }), End::Cut),
        ] {
            let (mut one, mut two) = (bench.greeted(platform).await, bench.greeted(platform).await);
            order(&bench, platform, fault.clone()).await;
            assert_eq!((&end(&mut one).await, &end(&mut two).await), (&how, &how), "{platform} {fault}");
            bench.greeted(platform).await;
        }
    }
}

#[tokio::test]
async fn a_fault_is_for_one_platform() {
    let bench = Bench::start().await;
    for (platform, other) in [("slack", "discord"), ("discord", "slack")] {
        let (mut socket, mut spared) = (bench.greeted(platform).await, bench.greeted(other).await);
        order(&bench, platform, json!({ "kind": "drop" })).await;
        assert_eq!(end(&mut socket).await, End::Cut);
        order(&bench, other, json!({ "kind": "frame", "text": "still here" })).await;
        assert_eq!(spared.next_or_end().await.as_deref(), Ok("still here"));
    }
}

#[tokio::test]
async fn a_frame_is_sent_whatever_it_is() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        let mut socket = bench.greeted(platform).await;
        for text in ["{\"type\":\"odd\"}", "not JSON", "", "<script>\u{0}"] {
            order(&bench, platform, json!({ "kind": "frame", "text": text })).await;
            assert_eq!(socket.next_or_end().await.as_deref(), Ok(text));
        }
    }
}

#[tokio::test]
async fn the_bot_is_asked_to_reconnect() {
    let bench = Bench::start().await;
    let mut socket = bench.greeted("slack").await;
    for (fault, reason) in [
        (json!({ "kind": "ask_reconnect", "reason": "warning" }), "warning"),
        (json!({ "kind": "ask_reconnect" }), "refresh_requested"),
    ] {
        order(&bench, "slack", fault).await;
        let asked = socket.next().await;
        assert_eq!((asked["type"].as_str(), asked["reason"].as_str()), (Some("disconnect"), Some(reason)));
    }
    let mut socket = bench.greeted("discord").await;
    order(&bench, "discord", json!({ "kind": "ask_reconnect" })).await;
    assert_eq!(socket.next().await["op"], 7);
}

#[tokio::test]
async fn a_frozen_socket_is_silent() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        let mut socket = bench.greeted(platform).await;
        order(&bench, platform, json!({ "kind": "freeze", "on": true })).await;
        order(&bench, platform, json!({ "kind": "frame", "text": "unheard" })).await;
        order(&bench, platform, json!({ "kind": "close", "code": 4000 })).await;
        assert_eq!(end(&mut socket).await, End::Closed(Some(4000)), "{platform}");
        let mut socket = bench.greeted(platform).await;
        order(&bench, platform, json!({ "kind": "freeze", "on": true })).await;
        order(&bench, platform, json!({ "kind": "freeze", "on": false })).await;
        order(&bench, platform, json!({ "kind": "frame", "text": "heard" })).await;
        assert_eq!(socket.next_or_end().await.as_deref(), Ok("heard"), "{platform}");
    }
}

#[tokio::test]
async fn the_next_handshakes_are_refused() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        order(&bench, platform, json!({ "kind": "refuse_handshake", "times": 2, "status": 503 })).await;
        for _ in 0..2 {
            match bench.dial(platform).await {
                Err(Error::Http(response)) => assert_eq!(response.status(), 503),
                other => panic!("it is refused: {}", other.is_ok()),
            }
        }
        bench.greeted(platform).await;
    }
}

#[tokio::test]
async fn the_next_handshake_hangs() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        order(&bench, platform, json!({ "kind": "hang_handshake", "times": 1 })).await;
        let (one, two) = (Box::pin(bench.dial(platform)), Box::pin(bench.dial(platform)));
        let (open, hanging) = match select(one, two).await {
            Either::Left(done) | Either::Right(done) => done,
        };
        assert!(is_hello(&open.expect("the other handshake").next().await), "{platform}");
        assert!(hanging.now_or_never().is_none(), "{platform}: one of them hangs");
        bench.greeted(platform).await;
    }
}

#[tokio::test]
async fn the_next_sockets_are_closed_after_hello() {
    let bench = Bench::start().await;
    for platform in PLATFORMS {
        for code in [Some(4000), None] {
            order(&bench, platform, json!({ "kind": "close_after_hello", "times": 2, "code": code })).await;
            for _ in 0..2 {
                let mut socket = bench.greeted(platform).await;
                assert_eq!(end(&mut socket).await, End::Closed(code), "{platform}");
            }
            let mut third = bench.greeted(platform).await;
            order(&bench, platform, json!({ "kind": "frame", "text": "open" })).await;
            assert_eq!(third.next_or_end().await.as_deref(), Ok("open"));
        }
    }
}

#[tokio::test]
async fn the_next_sockets_say_no_hello() {
    let bench = Bench::start().await;
    order(&bench, "discord", json!({ "kind": "no_hello", "times": 1 })).await;
    let mut silent = bench.dial("discord").await.expect("a handshake");
    silent.send(json!({ "op": 1, "d": null })).await;
    assert_eq!(silent.next().await["op"], 11, "its heartbeat is answered first");
    bench.greeted("discord").await;
    order(&bench, "slack", json!({ "kind": "no_hello", "times": 1 })).await;
    let mut silent = bench.dial("slack").await.expect("a handshake");
    while bench.view("slack").await["sockets"] != 1 {
        tokio::task::yield_now().await;
    }
    order(&bench, "slack", json!({ "kind": "frame", "text": "first" })).await;
    assert_eq!(silent.next_or_end().await.as_deref(), Ok("first"), "nothing came before");
    bench.greeted("slack").await;
}

#[tokio::test]
async fn heartbeats_are_ignored_on_discord_and_answered_again() {
    let bench = Bench::start().await;
    let mut socket = bench.greeted("discord").await;
    order(&bench, "discord", json!({ "kind": "ignore_heartbeats", "on": true })).await;
    socket.send(json!({ "op": 1, "d": null })).await;
    // READY is the next frame, so the heartbeat before it went unanswered.
    bench.identify(&mut socket).await;
    order(&bench, "discord", json!({ "kind": "ignore_heartbeats", "on": false })).await;
    socket.send(json!({ "op": 1, "d": 1 })).await;
    assert_eq!(socket.next().await["op"], 11);
}

#[tokio::test]
async fn sessions_on_discord_end_or_are_not_resumed() {
    let bench = Bench::start().await;
    order(&bench, "discord", json!({ "kind": "resume_url", "url": "ws://127.0.0.1:1/elsewhere" })).await;
    let mut socket = bench.greeted("discord").await;
    let ready = bench.identify(&mut socket).await;
    assert_eq!(ready["resume_gateway_url"], "ws://127.0.0.1:1/elsewhere");
    for resumable in [true, false] {
        order(&bench, "discord", json!({ "kind": "invalid_session", "resumable": resumable })).await;
        let told = socket.next().await;
        assert_eq!((told["op"].as_u64(), told["d"].as_bool()), (Some(9), Some(resumable)));
    }
    order(&bench, "discord", json!({ "kind": "resume_url", "url": "" })).await;
    let mut socket = bench.greeted("discord").await;
    let ready = bench.identify(&mut socket).await;
    assert!(ready["resume_gateway_url"].as_str().is_some_and(|url| url.ends_with("/gateway")), "{ready}");
    order(&bench, "discord", json!({ "kind": "refuse_resume", "times": 1 })).await;
    let token = bench.sandbox.discord.bot_token();
    let resume = json!({ "op": 6, "d": { "token": token, "session_id": ready["session_id"], "seq": 1 } });
    let mut again = bench.greeted("discord").await;
    again.send(resume).await;
    let refused = again.next().await;
    assert_eq!((refused["op"].as_u64(), refused["d"].as_bool()), (Some(9), Some(false)));
    let mut other = bench.greeted("discord").await;
    let ready = bench.identify(&mut other).await;
    let mut again = bench.greeted("discord").await;
    again.send(json!({ "op": 6, "d": { "token": token, "session_id": ready["session_id"], "seq": 1 } })).await;
    assert_eq!(again.next().await["t"], "RESUMED", "the order is over");
}

#[tokio::test]
async fn what_is_meant_for_discord_changes_nothing_on_slack() {
    let bench = Bench::start().await;
    let mut socket = bench.greeted("slack").await;
    for fault in [
        json!({ "kind": "refuse_resume", "times": 1 }),
        json!({ "kind": "invalid_session", "resumable": false }),
        json!({ "kind": "ignore_heartbeats", "on": true }),
        json!({ "kind": "resume_url", "url": "ws://127.0.0.1:1/" }),
        json!({ "kind": "frame", "text": "first" }),
    ] {
        order(&bench, "slack", fault).await;
    }
    assert_eq!(socket.next_or_end().await.as_deref(), Ok("first"));
}
