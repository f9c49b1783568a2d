//! The gateway under every fault that was ever seen.

use std::sync::Arc;
use std::time::Duration;

use integrations::chat::discord::gateway;
use integrations::chat::socket::{Arrival, Session, State};
use integrations::http::http_client;
use integrations::secret::Secret;
use operations::chat::Act;
use sandbox::faults::{CallFault, SocketFault};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::common::{pass, pass_until, settle, until};
use crate::world::{World, arrival, config};

const BOT: &str = "GET /gateway/bot";

impl World {
    /// Ann says something, and it is the next thing that arrives.
    async fn heard(&self, arrivals: &mut mpsc::Receiver<Arrival>, words: &str) {
        self.says(words).await;
        self.hears(arrivals, words).await;
    }

    async fn hears(&self, arrivals: &mut mpsc::Receiver<Arrival>, words: &str) {
        let Act::Message { text, .. } = self.next(arrivals).await.what else { panic!("a message") };
        assert_eq!(text.as_str(), words);
    }
}

#[tokio::test]
async fn nothing_counts_as_kept_before_it_is() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    let before = socket.health.borrow().kept;
    world.says("one").await;
    world.says("two").await;
    let one = arrival(&mut arrivals).await;
    let two = arrival(&mut arrivals).await;
    let seq = |arrival: &Arrival| arrival.session.as_ref().map(|it| it.seq).expect("a session");
    let (first, second) = (seq(&one), seq(&two));
    two.kept.send(()).expect("somebody waits for it");
    settle().await;
    assert!(socket.health.borrow().kept < first, "the second does not overtake the first: {before}");
    one.kept.send(()).expect("somebody waits for it");
    until("both are kept", || socket.health.borrow().kept == second).await;
}

#[tokio::test]
async fn what_could_not_be_kept_comes_again() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    world.says("one").await;
    world.says("two").await;
    drop(arrival(&mut arrivals).await);
    let health = socket.health.clone();
    pass_until(&world.clock, "it is resumed", || health.borrow().resumes == 1).await;
    // What was on its way before may come a second time; it carries the same id.
    let mut seen = Vec::new();
    while !seen.ends_with(&["one".to_owned(), "two".to_owned()]) {
        let arrival = arrival(&mut arrivals).await;
        let raw: Value = serde_json::from_str(&arrival.raw).expect("JSON");
        seen.push(raw["d"]["content"].as_str().unwrap_or_default().to_owned());
        // That of the old connection may be waited for by nobody.
        let _ = arrival.kept.send(());
    }
    assert_eq!(world.sandbox.discord.identifies(), 1);
}

#[tokio::test]
async fn five_hundred_events_arrive_in_order() {
    let world = World::new().await;
    let (_socket, mut arrivals) = world.connect().await;
    for number in 0..500 {
        world.says(&format!("message {number}")).await;
    }
    for number in 0..500 {
        world.hears(&mut arrivals, &format!("message {number}")).await;
    }
}

#[tokio::test]
async fn a_connection_lives_long() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    pass(&world.clock, Duration::from_secs(900), Duration::from_secs(3)).await;
    assert_eq!((socket.health.borrow().connects, world.sandbox.discord.identifies()), (1, 1));
    assert_eq!(socket.health.borrow().state, State::Connected);
    world.heard(&mut arrivals, "still here").await;
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_full_inbox_stops_the_reading_and_nothing_else() {
    let world = World::new().await;
    let (inbox, mut arrivals) = mpsc::channel(1);
    let http = http_client().expect("a client");
    let socket = gateway::start(&config(&world.sandbox), http, Arc::new(world.clock.clone()), None, inbox);
    until("begun", || socket.health.borrow().connects == 1).await;
    for number in 0..300 {
        world.says(&format!("message {number}")).await;
    }
    pass(&world.clock, Duration::from_secs(200), Duration::from_secs(3)).await;
    assert_eq!(socket.health.borrow().connects, 1, "heartbeats go on");
    for number in 0..300 {
        world.hears(&mut arrivals, &format!("message {number}")).await;
    }
    world.nothing_was_malformed();
}

#[tokio::test]
async fn a_lost_connection_is_resumed_and_nothing_is_lost() {
    let faults = [
        SocketFault::Drop,
        SocketFault::Close { code: None },
        SocketFault::Close { code: Some(1000) },
        SocketFault::Close { code: Some(1001) },
        SocketFault::Close { code: Some(4000) },
        SocketFault::Close { code: Some(4001) },
        SocketFault::Close { code: Some(4002) },
        SocketFault::Close { code: Some(4005) },
        SocketFault::Close { code: Some(4008) },
        SocketFault::Close { code: Some(4999) },
        SocketFault::AskReconnect { reason: String::new() },
        SocketFault::InvalidSession { resumable: true },
    ];
    for fault in faults {
        let world = World::new().await;
        let (socket, mut arrivals) = world.connect().await;
        world.heard(&mut arrivals, "before").await;
        world.sandbox.discord.socket_fault(fault.clone()).await;
        settle().await;
        world.says("meanwhile").await;
        pass_until(&world.clock, &format!("resumed after {fault:?}"), || socket.health.borrow().resumes == 1).await;
        world.hears(&mut arrivals, "meanwhile").await;
        world.heard(&mut arrivals, "after").await;
        assert_eq!((world.sandbox.discord.identifies(), world.sandbox.discord.resumes()), (1, 1), "{fault:?}");
        assert_eq!(socket.health.borrow().state, State::Connected, "{fault:?}");
        world.nothing_was_malformed();
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_begun_anew() {
    let faults = [
        SocketFault::Close { code: Some(4003) },
        SocketFault::Close { code: Some(4007) },
        SocketFault::Close { code: Some(4009) },
        SocketFault::InvalidSession { resumable: false },
    ];
    for fault in faults {
        let world = World::with_limits(true).await;
        let (socket, mut arrivals) = world.connect().await;
        world.sandbox.discord.socket_fault(fault.clone()).await;
        let what = format!("begun anew after {fault:?}");
        pass_until(&world.clock, &what, || socket.health.borrow().identifies == 2).await;
        world.heard(&mut arrivals, "after").await;
        assert_eq!(world.sandbox.discord.identifies(), 2, "none was refused for coming too soon: {fault:?}");
    }
}

#[tokio::test]
async fn a_refused_resume_leads_to_a_new_session() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    world.sandbox.discord.socket_fault(SocketFault::RefuseResume { times: 1 }).await;
    world.sandbox.discord.socket_fault(SocketFault::Drop).await;
    pass_until(&world.clock, "begun anew", || socket.health.borrow().identifies == 2).await;
    world.heard(&mut arrivals, "after").await;
}

#[tokio::test]
async fn a_missing_heartbeat_answer_ends_the_connection_and_the_session_is_resumed() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    world.sandbox.discord.socket_fault(SocketFault::IgnoreHeartbeats { on: true }).await;
    let passed = pass_until(&world.clock, "noticed", || {
        socket.health.borrow().state != State::Connected || socket.health.borrow().resumes > 0
    })
    .await;
    assert!(passed <= Duration::from_secs(90), "{passed:?}");
    world.sandbox.discord.socket_fault(SocketFault::IgnoreHeartbeats { on: false }).await;
    pass_until(&world.clock, "resumed", || socket.health.borrow().resumes >= 1).await;
    world.heard(&mut arrivals, "after").await;
    assert_eq!(world.sandbox.discord.identifies(), 1);
}

#[tokio::test]
async fn a_half_open_peer_is_noticed() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    world.sandbox.discord.socket_fault(SocketFault::Freeze { on: true }).await;
    let passed = pass_until(&world.clock, "resumed", || socket.health.borrow().resumes >= 1).await;
    assert!(passed <= Duration::from_secs(95), "{passed:?}");
    world.heard(&mut arrivals, "after").await;
}

#[tokio::test]
async fn a_handshake_that_hangs_or_is_refused_is_tried_again() {
    for fault in [SocketFault::HangHandshake { times: 1 }, SocketFault::RefuseHandshake { times: 3, status: 503 }] {
        let world = World::new().await;
        world.sandbox.discord.socket_fault(fault.clone()).await;
        let (socket, mut arrivals) = world.start(None);
        let passed = pass_until(&world.clock, "connected", || socket.health.borrow().connects == 1).await;
        assert!(passed >= Duration::from_secs(2) && passed < Duration::from_secs(25), "{fault:?}: {passed:?}");
        world.heard(&mut arrivals, "here").await;
    }
}

#[tokio::test]
async fn a_missing_hello_is_given_up() {
    let world = World::new().await;
    world.sandbox.discord.socket_fault(SocketFault::NoHello { times: 1 }).await;
    let (socket, mut arrivals) = world.start(None);
    let passed = pass_until(&world.clock, "connected", || socket.health.borrow().connects == 1).await;
    assert!(passed >= Duration::from_secs(15) && passed < Duration::from_secs(25), "{passed:?}");
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn a_hang_while_resuming_is_given_up_and_the_session_is_kept() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    world.sandbox.discord.socket_fault(SocketFault::HangHandshake { times: 1 }).await;
    world.sandbox.discord.socket_fault(SocketFault::Drop).await;
    pass_until(&world.clock, "resumed", || socket.health.borrow().resumes == 1).await;
    world.heard(&mut arrivals, "after").await;
    assert_eq!(world.sandbox.discord.identifies(), 1);
}

#[tokio::test]
async fn closing_again_and_again_is_answered_with_growing_waits() {
    let world = World::new().await;
    let (socket, _arrivals) = world.connect().await;
    world.sandbox.discord.socket_fault(SocketFault::CloseAfterHello { times: 1000, code: Some(4000) }).await;
    world.sandbox.discord.socket_fault(SocketFault::Drop).await;
    pass(&world.clock, Duration::from_secs(600), Duration::from_secs(2)).await;
    assert!(matches!(&socket.health.borrow().state, State::Connecting(Some(why)) if why.contains("4000")));
    assert_eq!(world.sandbox.discord.identifies(), 1, "the session is not given up");
}

#[tokio::test]
async fn sessions_are_never_begun_more_than_five_times_in_ten_minutes() {
    let world = World::new().await;
    world.sandbox.discord.socket_fault(SocketFault::ResumeUrl { url: String::new() }).await;
    let (socket, mut arrivals) = world.connect().await;
    let mut begun = 1;
    for _ in 0..12 {
        world.sandbox.discord.socket_fault(SocketFault::InvalidSession { resumable: false }).await;
        pass(&world.clock, Duration::from_secs(40), Duration::from_secs(2)).await;
        while let Ok(arrival) = arrivals.try_recv() {
            let _ = arrival.kept.send(());
        }
        begun = world.sandbox.discord.identifies();
    }
    assert!((4..=5).contains(&begun), "{begun}");
    let health = socket.health.clone();
    pass_until(&world.clock, "the wait ends", || health.borrow().identifies > 5).await;
}

#[tokio::test]
async fn a_refusal_that_only_a_person_can_lift_ends_it() {
    for (code, word) in
        [(4010, "shards"), (4011, "shards"), (4012, "version"), (4013, "intents"), (4014, "Message Content Intent")]
    {
        let world = World::new().await;
        let (socket, _arrivals) = world.connect().await;
        world.sandbox.discord.socket_fault(SocketFault::Close { code: Some(code) }).await;
        let health = socket.health.clone();
        until("it is given up", || matches!(health.borrow().state, State::Stopped(_))).await;
        assert!(matches!(&health.borrow().state, State::Stopped(why) if why.contains(word)), "{code}");
        pass(&world.clock, Duration::from_secs(300), Duration::from_secs(5)).await;
        assert_eq!(world.calls(BOT), 1, "nothing is tried any more");
        until("the task ends", || socket.task.is_finished()).await;
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_tried_every_five_minutes_until_it_works_again() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    world.sandbox.discord.revokes_token(true);
    let health = socket.health.clone();
    until("it is said", || matches!(&health.borrow().state, State::Refused(why) if why.contains("token"))).await;
    pass(&world.clock, Duration::from_secs(1200), Duration::from_secs(10)).await;
    let tries = world.calls(BOT) + world.sandbox.discord.unexpected().len();
    assert!(tries <= 10, "{tries} tries in twenty minutes");
    world.sandbox.discord.revokes_token(false);
    pass_until(&world.clock, "it is live again", || health.borrow().state == State::Connected).await;
    world.heard(&mut arrivals, "after").await;
}

#[tokio::test]
async fn a_missing_intent_is_said() {
    let world = World::new().await;
    world.sandbox.discord.disallow_intents(1 << 15);
    let (socket, _arrivals) = world.start(None);
    until("it is given up", || matches!(socket.health.borrow().state, State::Stopped(_))).await;
    assert!(matches!(&socket.health.borrow().state, State::Stopped(why) if why.contains("Message Content Intent")));
}

#[tokio::test]
async fn a_wrong_token_is_said_and_rarely_tried() {
    let world = World::new().await;
    let mut config = config(&world.sandbox);
    config.bot_token = Secret::new("not-the-token");
    let (inbox, _arrivals) = mpsc::channel(1);
    let socket = gateway::start(&config, http_client().expect("a client"), Arc::new(world.clock.clone()), None, inbox);
    until("it is said", || matches!(socket.health.borrow().state, State::Refused(_))).await;
    pass(&world.clock, Duration::from_secs(1500), Duration::from_secs(10)).await;
    assert!(world.calls(BOT) <= 6, "{}", world.calls(BOT));
    assert!(!format!("{:?}", socket.health.borrow()).contains("not-the-token"));
}

#[tokio::test]
async fn asking_for_the_address_fails_and_is_tried_again() {
    let faults = [
        CallFault::Status { status: 500 },
        CallFault::Html,
        CallFault::Hang,
        CallFault::RateLimited { retry_after: 20, global: false },
        CallFault::CutBodyAfterWork,
    ];
    for fault in faults {
        let world = World::new().await;
        world.fault(BOT, fault.clone());
        let (socket, mut arrivals) = world.start(None);
        pass_until(&world.clock, &format!("connected after {fault:?}"), || socket.health.borrow().connects == 1).await;
        world.heard(&mut arrivals, "here").await;
        assert_eq!(world.sandbox.discord.early_requests(), 0);
    }
}

#[tokio::test]
async fn a_useless_resume_address_falls_back_to_the_main_one() {
    for url in ["not an address", "ws://evil.example/", "ws://127.0.0.1:1/"] {
        let world = World::new().await;
        world.sandbox.discord.socket_fault(SocketFault::ResumeUrl { url: url.to_owned() }).await;
        let (socket, mut arrivals) = world.connect().await;
        world.sandbox.discord.socket_fault(SocketFault::Drop).await;
        pass_until(&world.clock, &format!("resumed despite {url}"), || socket.health.borrow().resumes == 1).await;
        world.heard(&mut arrivals, "after").await;
        assert_eq!(world.sandbox.discord.identifies(), 1, "{url}");
    }
}

#[tokio::test]
async fn odd_frames_do_no_harm() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    let frames = [
        "",
        "not JSON",
        "[]",
        "null",
        "7",
        "{}",
        r#"{"op":"x"}"#,
        r#"{"op":99}"#,
        r#"{"op":10,"d":{}}"#,
        r#"{"op":0,"t":null,"d":null}"#,
        r#"{"op":0,"t":"NEW_THING","s":null,"d":{}}"#,
        r#"{"op":0}"#,
        r#"{"op":1}"#,
        r#"{"op":11}"#,
    ];
    for text in frames {
        world.sandbox.discord.socket_fault(SocketFault::Frame { text: text.to_owned() }).await;
    }
    world.heard(&mut arrivals, "after").await;
    assert_eq!(socket.health.borrow().connects, 1);
}

#[tokio::test]
async fn a_session_without_an_id_is_begun_anew() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    let text = r#"{"op":0,"t":"READY","s":9,"d":{"resume_gateway_url":"wss://gateway.example"}}"#;
    world.sandbox.discord.socket_fault(SocketFault::Frame { text: text.to_owned() }).await;
    pass_until(&world.clock, "begun anew", || socket.health.borrow().identifies == 2).await;
    world.heard(&mut arrivals, "after").await;
}

#[tokio::test]
async fn a_flood_of_heartbeat_requests_does_not_break_the_limit_on_sending() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    for _ in 0..300 {
        world.sandbox.discord.socket_fault(SocketFault::Frame { text: r#"{"op":1,"d":null}"#.to_owned() }).await;
    }
    world.heard(&mut arrivals, "after").await;
    assert_eq!(socket.health.borrow().connects, 1);
    world.nothing_was_malformed();
}

#[tokio::test]
async fn another_process_resumes_where_this_one_stopped() {
    let world = World::new().await;
    let (socket, mut arrivals) = world.connect().await;
    world.says("one").await;
    let last = arrival(&mut arrivals).await;
    let session = last.session.clone().expect("a session");
    last.kept.send(()).expect("somebody waits for it");
    until("kept", || socket.health.borrow().kept == session.seq).await;
    let health = socket.health.clone();
    socket.stop.send(true).expect("it listens");
    until("it ends", || socket.task.is_finished()).await;
    assert_eq!(health.borrow().kept, session.seq);
    world.says("between").await;
    let (again, mut arrivals) = world.start(Some(session));
    until("resumed", || again.health.borrow().resumes == 1).await;
    world.hears(&mut arrivals, "between").await;
    assert_eq!((world.sandbox.discord.identifies(), world.sandbox.discord.resumes()), (1, 1));
    assert_eq!(world.calls(BOT), 1, "a resume needs no question");
}

#[tokio::test]
async fn a_stale_session_of_another_process_is_replaced() {
    let world = World::new().await;
    let stale = Session { id: "gone".to_owned(), seq: 7, resume_url: "ws://127.0.0.1:1/".to_owned(), at: None };
    let (socket, mut arrivals) = world.start(Some(stale));
    pass_until(&world.clock, "begun", || socket.health.borrow().identifies == 1).await;
    world.heard(&mut arrivals, "here").await;
}

#[tokio::test]
async fn it_stops_soon_whatever_it_is_doing() {
    for fault in [None, Some(SocketFault::Freeze { on: true }), Some(SocketFault::HangHandshake { times: 9 })] {
        let world = World::new().await;
        let (socket, _arrivals) = world.connect().await;
        if let Some(fault) = &fault {
            world.sandbox.discord.socket_fault(fault.clone()).await;
            if matches!(fault, SocketFault::HangHandshake { .. }) {
                world.sandbox.discord.socket_fault(SocketFault::Drop).await;
            }
        }
        settle().await;
        socket.stop.send(true).expect("it listens");
        let passed = pass_until(&world.clock, "it ends", || socket.task.is_finished()).await;
        assert!(passed <= Duration::from_secs(5), "{fault:?}: {passed:?}");
    }
}

#[tokio::test]
async fn it_ends_when_nobody_takes_what_arrives() {
    let world = World::new().await;
    let (socket, arrivals) = world.connect().await;
    drop(arrivals);
    world.says("to nobody").await;
    pass_until(&world.clock, "it ends", || socket.task.is_finished()).await;
}
