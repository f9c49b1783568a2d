//! Socket Mode: envelopes, their return, and sockets that break.

use std::time::Duration;

use futures_util::StreamExt;
use sandbox::faults::SocketFault;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::bench::Bench;

#[tokio::test]
async fn events_come_again_until_they_are_acknowledged() {
    let bench = Bench::start(false).await;
    let mut socket = bench.connect().await;
    bench.slack().types("ann", "general", "hello", None).await.expect("ann may write");
    let first = socket.next().await;
    assert_eq!(first["payload"]["event"]["text"], "hello");
    assert_eq!(first["retry_attempt"], 0);
    bench.advance(3_000);
    let second = socket.next().await;
    assert_eq!((second["retry_attempt"].as_i64(), second["retry_reason"].as_str()), (Some(1), Some("timeout")));
    assert_eq!(second["payload"]["event_id"], first["payload"]["event_id"]);
    assert_ne!(second["envelope_id"], first["envelope_id"]);
    drop(socket);
    while bench.slack().view()["sockets"] != 0 {
        tokio::task::yield_now().await;
    }
    let mut socket = bench.connect().await;
    bench.advance(60_000);
    let third = socket.next().await;
    assert_eq!(third["retry_attempt"], 2);
    socket.ack(&third, None).await;
    bench.slack().quiet().await;
    bench.slack().types("ann", "general", "@muster help", None).await.expect("ann may write");
    assert_eq!(socket.take().await["event"]["type"], "message");
    let mention = socket.take().await;
    assert_eq!(mention["event"]["type"], "app_mention");
    assert_eq!(mention["event"]["text"], "<@U0SANDBOXBOT> help");
    let ts = mention["event"]["ts"].as_str().expect("a ts").to_owned();
    bench.slack().pins("bob", "general", &ts).await.expect("bob may pin");
    assert_eq!(socket.take().await["event"]["type"], "pin_added");
    bench.slack().reacts("bob", "general", &ts, "pushpin").await.expect("bob may react");
    assert_eq!(socket.take().await["event"]["reaction"], "pushpin");
    bench.slack().edits("ann", "general", &ts, "other").await.expect("it is hers");
    assert_eq!(socket.take().await["event"]["subtype"], "message_changed");
    assert!(bench.slack().edits("bob", "general", &ts, "his").await.is_err());
    bench.slack().deletes("ann", "general", &ts).await.expect("it is hers");
    assert_eq!(socket.take().await["event"]["subtype"], "message_deleted");
    bench.slack().quiet().await;
    assert_eq!(bench.slack().unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn sockets_break_as_ordered() {
    let bench = Bench::start(false).await;
    let slack = bench.slack();
    let mut socket = bench.connect().await;
    slack.socket_fault(SocketFault::AskReconnect { reason: "refresh_requested".to_owned() }).await;
    let asked = socket.next().await;
    assert_eq!((asked["type"].as_str(), asked["reason"].as_str()), (Some("disconnect"), Some("refresh_requested")));
    assert!(asked["debug_info"]["host"].is_string());
    let mut fresh = bench.connect().await;
    slack.types("ann", "general", "hello", None).await.expect("ann may write");
    assert_eq!(fresh.take().await["event"]["text"], "hello");
    slack.quiet().await;
    bench.advance(10_000);
    assert_eq!(socket.next().await, Value::Null);
    slack.socket_fault(SocketFault::Frame { text: "{\"type\":\"odd\"}".to_owned() }).await;
    assert_eq!(fresh.next().await["type"], "odd");
    slack.socket_fault(SocketFault::Twice { times: 1 }).await;
    slack.types("ann", "general", "once more", None).await.expect("ann may write");
    let (one, other) = (fresh.take().await, fresh.take().await);
    assert_eq!((&one["event"]["text"], &one), (&Value::from("once more"), &other));
    slack.socket_fault(SocketFault::Close { code: Some(1001) }).await;
    let closed = fresh.0.next().await;
    assert!(matches!(closed, Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 1001));
    let mut dropped = bench.connect().await;
    slack.socket_fault(SocketFault::Drop).await;
    assert!(matches!(dropped.0.next().await, None | Some(Err(_))), "no close frame");
    slack.socket_fault(SocketFault::RefuseHandshake { times: 1, status: 503 }).await;
    assert!(bench.dial().await.is_err());
    slack.socket_fault(SocketFault::HangHandshake { times: 1 }).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), bench.dial()).await.is_err());
    slack.socket_fault(SocketFault::NoHello { times: 1 }).await;
    let mut silent = bench.dial().await.expect("a handshake");
    assert!(tokio::time::timeout(Duration::from_millis(50), silent.next()).await.is_err());
    slack.socket_fault(SocketFault::CloseAfterHello { times: 1, code: None }).await;
    let mut short = bench.connect().await;
    assert!(matches!(short.0.next().await, Some(Ok(Message::Close(None)))));
    let mut frozen = bench.connect().await;
    slack.socket_fault(SocketFault::Freeze { on: true }).await;
    slack.types("ann", "general", "again", None).await.expect("ann may write");
    assert!(tokio::time::timeout(Duration::from_millis(50), frozen.next()).await.is_err());
    slack.socket_fault(SocketFault::Freeze { on: false }).await;
    assert_eq!(frozen.take().await["event"]["text"], "again");
}

#[tokio::test]
async fn a_ticket_opens_one_of_ten_sockets() {
    let bench = Bench::start(false).await;
    let answer = bench.call("apps.connections.open", json!({})).await;
    let url = answer["url"].as_str().expect("a url").to_owned();
    let _first = tokio_tungstenite::connect_async(&url).await.expect("a fresh ticket opens");
    assert!(tokio_tungstenite::connect_async(&url).await.is_err(), "a ticket works once");
    let mut sockets = Vec::new();
    for _ in 0..9 {
        sockets.push(bench.connect().await);
    }
    let mut eleventh = bench.dial().await.expect("a handshake");
    assert_eq!(eleventh.next().await["reason"], "too_many_websockets");
    bench.advance(5_000);
    let ping = sockets[0].0.next().await;
    assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "Slack pings");
}
