//! The socket under every fault that was ever seen.

use std::sync::Arc;
use std::time::Duration;

use integrations::chat::slack::{Config, socket};
use integrations::chat::socket::State;
use integrations::http::http_client;
use operations::chat::Act;
use sandbox::faults::{CallFault, SocketFault};
use sandbox::slack::{Outcome, Typed};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::common::{pass, pass_until, settle, until};
use crate::world::{World, arrival, config};

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_kept() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), "one", None).await.expect("said");
    let arrival = arrival(&mut arrivals).await;
    settle().await;
    assert_eq!(world.sandbox.slack.unacked(), 1);
    arrival.kept.send(()).expect("somebody waits");
    world.all_is_acknowledged().await;
    until("it is counted", || socket.health.borrow().kept == 1).await;
}

#[tokio::test]
async fn what_could_not_be_kept_is_not_acknowledged_and_comes_again() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), "one", None).await.expect("said");
    let first = arrival(&mut arrivals).await;
    let first_raw: Value = serde_json::from_str(&first.raw).expect("JSON");
    drop(first);
    let mut second = None;
    pass_until(&world.clock, "it is delivered again", || {
        second = second.take().or_else(|| arrivals.try_recv().ok());
        second.is_some()
    })
    .await;
    let second = second.expect("a second delivery");
    let second_raw: Value = serde_json::from_str(&second.raw).expect("JSON");
    assert_eq!(first_raw["payload"]["event_id"], second_raw["payload"]["event_id"]);
    second.kept.send(()).expect("somebody waits");
    world.all_is_acknowledged().await;
}

#[tokio::test]
async fn a_command_in_time_is_acknowledged_and_a_full_inbox_holds_up_nothing_else() {
    let world = World::new().await;
    let (inbox, mut arrivals) = mpsc::channel(1);
    let http = http_client().expect("a client");
    let socket = socket::start(&config(&world.sandbox, 1), http, Arc::new(world.clock.clone()), inbox);
    until("greeted", || socket.health.borrow().connects == 1).await;
    for number in 0..200 {
        let words = format!("message {number}");
        world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), &words, None).await.expect("said");
    }
    // Nobody takes anything for a minute: pings go on, so the connection stays.
    pass(&world.clock, Duration::from_secs(60), Duration::from_secs(2)).await;
    assert_eq!(socket.health.borrow().connects, 1);
    let (ann, general) = (world.user("ann"), world.general());
    let taken = async {
        loop {
            let arrival = arrival(&mut arrivals).await;
            let is_command = arrival.raw.contains("slash_commands");
            arrival.kept.send(()).expect("somebody waits");
            if is_command {
                return;
            }
        }
    };
    let (typed, ()) = tokio::join!(world.sandbox.slack.types(&ann, general.as_str(), "/incident list", None), taken);
    assert!(matches!(typed, Ok(Typed::Command { outcome: Outcome::Acked { .. } })), "{typed:?}");
}

#[tokio::test]
async fn five_hundred_events_arrive_in_order() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect(1).await;
    for number in 0..500 {
        let words = format!("message {number}");
        world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), &words, None).await.expect("said");
    }
    for number in 0..500 {
        let Act::Message { text, .. } = world.next(&mut arrivals).await.what else { panic!("a message") };
        assert_eq!(text.as_str(), format!("message {number}"));
    }
    world.all_is_acknowledged().await;
}

#[tokio::test]
async fn a_connection_lives_long() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(2).await;
    pass(&world.clock, Duration::from_secs(600), Duration::from_secs(2)).await;
    assert_eq!(socket.health.borrow().connects, 2, "both are still the first ones");
    assert_eq!(socket.health.borrow().state, State::Connected);
    world.heard(&mut arrivals, "still here").await;
}

#[tokio::test]
async fn a_closed_or_dropped_connection_is_replaced() {
    for fault in [
        SocketFault::Close { code: Some(1000) },
        SocketFault::Close { code: Some(4000) },
        SocketFault::Close { code: None },
        SocketFault::Drop,
    ] {
        let world = World::new().await;
        let (socket, mut arrivals) = world.connect(1).await;
        world.sandbox.slack.socket_fault(fault.clone()).await;
        pass_until(&world.clock, "it is replaced", || socket.health.borrow().connects == 2).await;
        world.heard(&mut arrivals, "after that").await;
        assert_eq!(socket.health.borrow().state, State::Connected, "{fault:?}");
    }
}

#[tokio::test]
async fn the_next_connection_is_there_before_the_old_one_ends() {
    for reason in ["warning", "refresh_requested"] {
        let world = World::new().await;
        let (socket, mut arrivals) = world.connect(1).await;
        world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), "before", None).await.expect("said");
        world.sandbox.slack.socket_fault(SocketFault::AskReconnect { reason: reason.to_owned() }).await;
        until("the next one is greeted", || socket.health.borrow().connects == 2).await;
        // What came over the old one is still acknowledged.
        world.next(&mut arrivals).await;
        world.heard(&mut arrivals, "after").await;
        world.all_is_acknowledged().await;
        assert_eq!(socket.health.borrow().state, State::Connected, "{reason}");
        pass(&world.clock, Duration::from_secs(40), Duration::from_secs(2)).await;
        world.heard(&mut arrivals, "much later").await;
        assert_eq!(socket.health.borrow().connects, 2, "{reason}");
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up() {
    let world = World::new().await;
    world.sandbox.slack.socket_fault(SocketFault::HangHandshake { times: 1 }).await;
    let (socket, mut arrivals) = world.start(1);
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(10) && passed < Duration::from_secs(20), "{passed:?}");
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn a_refused_handshake_is_tried_again_with_growing_waits() {
    let world = World::new().await;
    world.sandbox.slack.socket_fault(SocketFault::RefuseHandshake { times: 4, status: 503 }).await;
    let (socket, _arrivals) = world.start(1);
    until(
        "the reason is told",
        || matches!(&socket.health.borrow().state, State::Connecting(Some(why)) if why.contains("503")),
    )
    .await;
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(7), "half of 1 + 2 + 4 + 8 s at least: {passed:?}");
}

#[tokio::test]
async fn a_socket_that_says_no_hello_is_given_up() {
    let world = World::new().await;
    world.sandbox.slack.socket_fault(SocketFault::NoHello { times: 1 }).await;
    let (socket, mut arrivals) = world.start(1);
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(10), "{passed:?}");
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn sockets_that_close_right_after_hello_do_not_make_a_storm() {
    for code in [Some(1000), None] {
        let world = World::new().await;
        world.sandbox.slack.socket_fault(SocketFault::CloseAfterHello { times: 1000, code }).await;
        let (socket, _arrivals) = world.start(1);
        pass(&world.clock, Duration::from_secs(120), Duration::from_millis(500)).await;
        let connects = socket.health.borrow().connects;
        assert!((4..=12).contains(&connects), "{connects} connections in two minutes");
    }
}

#[tokio::test]
async fn a_half_open_peer_is_noticed() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.socket_fault(SocketFault::Freeze { on: true }).await;
    let passed = pass_until(&world.clock, "it is replaced", || socket.health.borrow().connects == 2).await;
    assert!(passed >= Duration::from_secs(30) && passed <= Duration::from_secs(50), "{passed:?}");
    world.sandbox.slack.socket_fault(SocketFault::Freeze { on: false }).await;
    // Slack's side notices that the old one is gone.
    settle().await;
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn odd_frames_do_no_harm() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    for text in ["not json", "[]", "{}", "null", "{\"type\":7}", "{\"type\":\"disconnect\"", "{\"envelope_id\":7}", ""]
    {
        world.sandbox.slack.socket_fault(SocketFault::Frame { text: text.to_owned() }).await;
    }
    world.heard(&mut arrivals, "still here").await;
    assert_eq!(socket.health.borrow().connects, 1);
}

#[tokio::test]
async fn a_disconnect_without_details_is_understood() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.socket_fault(SocketFault::Frame { text: "{\"type\":\"disconnect\"}".to_owned() }).await;
    until("the next one is greeted", || socket.health.borrow().connects == 2).await;
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn a_frame_that_is_too_long_ends_the_connection_and_not_the_socket() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(1).await;
    world.sandbox.slack.socket_fault(SocketFault::Frame { text: "x".repeat(2 * 1024 * 1024) }).await;
    pass_until(&world.clock, "it is replaced", || socket.health.borrow().connects == 2).await;
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn opening_a_connection_survives_every_fault_of_the_call() {
    for fault in [
        CallFault::Status { status: 500 },
        CallFault::Html,
        CallFault::BareNotOk,
        CallFault::CutBodyAfterWork,
        CallFault::DropAfterWork,
        CallFault::Refuse { error: "internal_error".to_owned() },
    ] {
        let world = World::new().await;
        world.fault("apps.connections.open", fault.clone());
        let (socket, mut arrivals) = world.start(1);
        let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
        assert!(passed <= Duration::from_secs(2), "{fault:?}: {passed:?}");
        world.heard(&mut arrivals, "here").await;
    }
}

#[tokio::test]
async fn opening_a_connection_that_hangs_is_given_up() {
    let world = World::new().await;
    world.fault("apps.connections.open", CallFault::Hang);
    let (socket, _arrivals) = world.start(1);
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(10) && passed < Duration::from_secs(20), "{passed:?}");
}

#[tokio::test]
async fn opening_a_connection_obeys_retry_after() {
    let world = World::new().await;
    world.fault("apps.connections.open", CallFault::RateLimited { retry_after: 40, global: false });
    let (socket, _arrivals) = world.start(2);
    let passed = pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 2).await;
    assert!(passed >= Duration::from_secs(40), "{passed:?}");
    assert_eq!(world.sandbox.slack.early_requests(), 0);
}

#[tokio::test]
async fn a_wrong_app_token_stops_the_socket_and_is_tried_every_five_minutes() {
    let world = World::new().await;
    world.fault("apps.connections.open", CallFault::Refuse { error: "invalid_auth".to_owned() });
    let (socket, _arrivals) = world.start(1);
    until(
        "it says so",
        || matches!(&socket.health.borrow().state, State::Refused(why) if why.contains("invalid_auth")),
    )
    .await;
    pass(&world.clock, Duration::from_secs(296), Duration::from_secs(4)).await;
    assert_eq!(world.calls("apps.connections.open"), 1);
    pass_until(&world.clock, "greeted", || socket.health.borrow().connects == 1).await;
    assert_eq!(socket.health.borrow().state, State::Connected);
}

#[tokio::test]
async fn without_an_app_token_the_socket_says_so() {
    let world = World::new().await;
    let (inbox, _arrivals) = mpsc::channel(1);
    let config = Config { app_token: None, ..config(&world.sandbox, 2) };
    let socket = socket::start(&config, http_client().expect("a client"), Arc::new(world.clock.clone()), inbox);
    assert!(matches!(&socket.health.borrow().state, State::Stopped(_)));
    socket.close(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stop_closes_cleanly_and_acknowledges_what_is_kept_meanwhile() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect(2).await;
    world.sandbox.slack.types(&world.user("ann"), world.general().as_str(), "last words", None).await.expect("said");
    let arrival = arrival(&mut arrivals).await;
    let start = std::time::Instant::now();
    let closing = socket.close(Duration::from_secs(10));
    let ((), ()) = tokio::join!(closing, async {
        settle().await;
        arrival.kept.send(()).expect("somebody waits");
        while arrivals.recv().await.is_some() {}
    });
    assert!(start.elapsed() < Duration::from_secs(5), "it closed by itself");
    assert_eq!(world.sandbox.slack.unacked(), 0);
}
