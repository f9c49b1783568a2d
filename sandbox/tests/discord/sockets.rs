//! What can be made to go wrong with the gateway, on order.

use futures_util::{FutureExt, StreamExt};
use sandbox::faults::SocketFault;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::bench::{Bench, INTENTS};

#[tokio::test]
async fn sockets_are_closed_with_a_code_without_one_or_not_at_all() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    let (mut socket, ready) = bench.connect(INTENTS).await;
    discord.socket_fault(SocketFault::Close { code: Some(4000) }).await;
    assert_eq!(socket.end().await, Some(4000));
    bench.alone().await;
    let mut socket = bench.resume(&ready, 2).await;
    assert_eq!(socket.next().await["t"], "RESUMED", "the session has stayed");
    discord.socket_fault(SocketFault::Close { code: None }).await;
    assert!(matches!(socket.0.next().await, Some(Ok(Message::Close(None)))), "a close frame without a code");
    bench.alone().await;
    let mut socket = bench.resume(&ready, 3).await;
    assert_eq!(socket.next().await["t"], "RESUMED");
    discord.socket_fault(SocketFault::Drop).await;
    assert!(matches!(socket.0.next().await, None | Some(Err(_))), "no close frame");
    bench.alone().await;
    let mut socket = bench.resume(&ready, 4).await;
    assert_eq!(socket.next().await["t"], "RESUMED");
    discord.socket_fault(SocketFault::Close { code: Some(4009) }).await;
    assert_eq!(socket.end().await, Some(4009));
    bench.alone().await;
    assert_eq!(bench.resume(&ready, 5).await.next().await["op"], 9, "4009 ends the session");
}

#[tokio::test]
async fn a_handshake_is_refused_or_never_answered() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    discord.socket_fault(SocketFault::RefuseHandshake { times: 1, status: 503 }).await;
    discord.socket_fault(SocketFault::HangHandshake { times: 1 }).await;
    let (one, two) = (bench.dial(), bench.dial());
    tokio::pin!(one, two);
    let (refused, hung) = tokio::select! {
        done = &mut one => (done, two),
        done = &mut two => (done, one),
    };
    assert!(matches!(refused, Err(Error::Http(answer)) if answer.status().as_u16() == 503));
    let mut third = bench.dial().await.expect("a handshake");
    assert_eq!(third.next().await["op"], 10);
    assert!(hung.now_or_never().is_none(), "it still hangs");
}

#[tokio::test]
async fn a_socket_says_no_hello_or_closes_after_it() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    discord.socket_fault(SocketFault::NoHello { times: 1 }).await;
    let mut silent = bench.dial().await.expect("a handshake");
    silent.send(1, Value::Null).await;
    assert_eq!(silent.next().await["op"], 11, "the first that it says");
    discord.socket_fault(SocketFault::CloseAfterHello { times: 1, code: Some(4000) }).await;
    assert_eq!(bench.greeted().await.end().await, Some(4000));
    discord.socket_fault(SocketFault::CloseAfterHello { times: 1, code: None }).await;
    assert!(matches!(bench.greeted().await.0.next().await, Some(Ok(Message::Close(None)))));
    bench.connect(1).await;
}

#[tokio::test]
async fn a_request_to_reconnect_leaves_the_session() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    let (mut socket, ready) = bench.connect(INTENTS).await;
    discord.socket_fault(SocketFault::AskReconnect { reason: String::new() }).await;
    assert_eq!(socket.next().await, json!({ "op": 7, "d": null, "s": null, "t": null }));
    drop(socket);
    bench.alone().await;
    discord.types("ann", "general", "missed").await.expect("ann may write");
    let mut socket = bench.resume(&ready, 2).await;
    assert_eq!(socket.next().await["d"]["content"], "missed");
    assert_eq!(socket.next().await["t"], "RESUMED");
}

#[tokio::test]
async fn a_resume_is_refused_on_order() {
    let bench = Bench::start(false).await;
    let (socket, ready) = bench.connect(1).await;
    drop(socket);
    bench.alone().await;
    bench.discord().socket_fault(SocketFault::RefuseResume { times: 1 }).await;
    let mut socket = bench.resume(&ready, 2).await;
    assert_eq!(socket.next().await, json!({ "op": 9, "d": false, "s": null, "t": null }));
    socket.send(2, bench.identification(1)).await;
    assert_eq!(socket.next().await["t"], "READY");
    assert_eq!((bench.discord().identifies(), bench.discord().resumes()), (2, 0));
}

#[tokio::test]
async fn an_invalid_session_is_over_unless_it_is_said_to_be_resumable() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    let (mut socket, ready) = bench.connect(1).await;
    discord.socket_fault(SocketFault::InvalidSession { resumable: true }).await;
    assert_eq!(socket.next().await, json!({ "op": 9, "d": true, "s": null, "t": null }));
    drop(socket);
    let mut socket = bench.resume(&ready, 2).await;
    assert_eq!(socket.next().await["t"], "RESUMED");
    discord.socket_fault(SocketFault::InvalidSession { resumable: false }).await;
    assert_eq!(socket.next().await, json!({ "op": 9, "d": false, "s": null, "t": null }));
    drop(socket);
    assert_eq!(bench.resume(&ready, 3).await.next().await["d"], false);
}

#[tokio::test]
async fn heartbeats_are_not_acknowledged_on_order() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    discord.set_heartbeat_interval(1_000);
    let mut socket = bench.dial().await.expect("a handshake");
    assert_eq!(socket.next().await["d"]["heartbeat_interval"], 1_000);
    discord.socket_fault(SocketFault::IgnoreHeartbeats { on: true }).await;
    socket.send(1, Value::Null).await;
    socket.send(2, bench.identification(1)).await;
    assert_eq!(socket.next().await["t"], "READY", "what comes next is no acknowledgement");
    discord.socket_fault(SocketFault::IgnoreHeartbeats { on: false }).await;
    assert_eq!(socket.next().await["t"], "GUILD_CREATE");
    socket.send(1, json!(2)).await;
    assert_eq!(socket.next().await["op"], 11);
}

#[tokio::test]
async fn a_frozen_socket_says_nothing_until_it_thaws() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    let (mut socket, _) = bench.connect(INTENTS).await;
    discord.socket_fault(SocketFault::Freeze { on: true }).await;
    discord.types("ann", "general", "hello").await.expect("ann may write");
    assert!(discord.quiet().now_or_never().is_none(), "something waits to be written");
    assert_eq!(bench.get("users/@me").await.status, 200, "calls are answered");
    assert!(socket.next().now_or_never().is_none());
    discord.socket_fault(SocketFault::Freeze { on: false }).await;
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "hello");
    discord.quiet().await;
}

#[tokio::test]
async fn any_frame_and_any_resume_address_can_be_sent() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    discord.socket_fault(SocketFault::ResumeUrl { url: "not a url".to_owned() }).await;
    let (mut socket, ready) = bench.connect(1).await;
    assert_eq!(ready["resume_gateway_url"], "not a url");
    discord.socket_fault(SocketFault::Frame { text: "{\"op\":0,\"t\":\"ODD\",\"s\":null,\"d\":5}".to_owned() }).await;
    assert_eq!(socket.next().await["t"], "ODD");
    discord.socket_fault(SocketFault::ResumeUrl { url: String::new() }).await;
    let (_other, ready) = bench.connect(1).await;
    assert!(ready["resume_gateway_url"].as_str().is_some_and(|url| url.starts_with("ws://127.0.0.1")));
}
