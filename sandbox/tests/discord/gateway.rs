//! The gateway's protocol: from hello to identify, what is dispatched to whom, resumes, and limits.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::bench::{Bench, INTENTS};

const MESSAGE_CONTENT: u64 = 1 << 15;

#[tokio::test]
async fn a_session_begins_with_hello_and_ready() {
    let bench = Bench::start(false).await;
    let mut socket = bench.dial().await.expect("a handshake");
    let hello = socket.next().await;
    assert_eq!((hello["op"].as_u64(), hello["d"]["heartbeat_interval"].as_u64()), (Some(10), Some(41_250)));
    socket.send(1, Value::Null).await;
    assert_eq!(socket.next().await["op"], 11, "a heartbeat needs no session");
    socket.send(2, bench.identification(INTENTS)).await;
    let ready = socket.next().await;
    assert_eq!((ready["op"].as_u64(), ready["s"].as_u64(), ready["t"].as_str()), (Some(0), Some(1), Some("READY")));
    assert_eq!(ready["d"]["user"]["id"], bench.discord().application_id());
    assert!(ready["d"]["resume_gateway_url"].as_str().is_some_and(|url| url.starts_with("ws://")));
    let guild = socket.next().await;
    assert_eq!((guild["s"].as_u64(), guild["t"].as_str()), (Some(2), Some("GUILD_CREATE")));
    let names: Vec<&str> =
        guild["d"]["channels"].as_array().expect("channels").iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["general", "alerts"]);
    socket.send(1, json!(2)).await;
    assert_eq!(socket.next().await["op"], 11);
    assert_eq!((bench.discord().identifies(), bench.discord().last_seq()), (1, 2));
    assert_eq!(bench.discord().unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_identify_is_closed_with_its_code() {
    let bench = Bench::start(false).await;
    bench.discord().disallow_intents(MESSAGE_CONTENT);
    for (change, code) in [
        (json!({ "token": "wrong" }), 4004),
        (json!({ "token": null }), 4004),
        (json!({ "intents": INTENTS }), 4014),
        (json!({ "intents": 1_u64 << 40 }), 4013),
        (json!({ "intents": null }), 4002),
        (json!({ "properties": {} }), 4002),
        (json!({ "shard": [0, 2] }), 4010),
    ] {
        let mut identification = bench.identification(1);
        for (key, value) in change.as_object().expect("fields") {
            identification[key] = value.clone();
        }
        let mut socket = bench.greeted().await;
        socket.send(2, identification).await;
        assert_eq!(socket.end().await, Some(code), "{change}");
    }
    assert_eq!((bench.discord().identifies(), bench.discord().unexpected().len()), (0, 7));
    bench.discord().disallow_intents(0);
    bench.connect(INTENTS).await;
}

#[tokio::test]
async fn a_breach_of_the_protocol_closes_the_socket() {
    let bench = Bench::start(false).await;
    let nothing = Value::Null;
    for (op, data, code) in [
        (3, json!({}), 4003),
        (4, json!({}), 4003),
        (8, json!({}), 4003),
        (99, nothing.clone(), 4001),
        (1, json!("x"), 4002),
    ] {
        let mut socket = bench.greeted().await;
        socket.send(op, data).await;
        assert_eq!(socket.end().await, Some(code), "op {op} before identify");
    }
    let long = json!({ "op": 1, "d": null, "x": "x".repeat(4096) }).to_string();
    for text in ["nonsense", "{}", &long] {
        let mut socket = bench.greeted().await;
        socket.say(text).await;
        assert_eq!(socket.end().await, Some(4002));
    }
    let mut socket = bench.greeted().await;
    socket.0.send(Message::Binary(vec![1, 2].into())).await.expect("the socket is open");
    assert_eq!(socket.end().await, Some(4002), "bytes");
    for (query, code) in [("v=9&encoding=json", 4012), ("encoding=json", 4012), ("v=10&encoding=etf", 4002)] {
        let mut socket = bench.dial_with(query).await.expect("a handshake");
        assert_eq!(socket.end().await, Some(code), "{query}");
    }
    let fits = json!({ "op": 1, "d": null, "x": "" }).to_string().len();
    let mut socket = bench.greeted().await;
    socket.say(&json!({ "op": 1, "d": null, "x": "x".repeat(4096 - fits) }).to_string()).await;
    assert_eq!(socket.next().await["op"], 11, "4,096 bytes are taken");
}

#[tokio::test]
async fn a_second_identify_is_refused() {
    let bench = Bench::start(false).await;
    let (mut socket, ready) = bench.connect(1).await;
    socket.send(2, bench.identification(1)).await;
    assert_eq!(socket.end().await, Some(4005));
    let (mut socket, _) = bench.connect(1).await;
    let resume = json!({ "token": bench.discord().bot_token(), "session_id": ready["session_id"], "seq": 1 });
    socket.send(6, resume).await;
    assert_eq!(socket.end().await, Some(4005), "nor a resume");
}

#[tokio::test]
async fn a_hundred_and_twenty_frames_fit_in_a_minute() {
    let bench = Bench::start(false).await;
    let mut socket = bench.greeted().await;
    for _ in 0..120 {
        socket.send(1, Value::Null).await;
        assert_eq!(socket.next().await["op"], 11);
    }
    socket.send(1, Value::Null).await;
    assert_eq!(socket.end().await, Some(4008));
    let (mut socket, _) = bench.connect(1).await;
    for _ in 0..119 {
        socket.send(1, Value::Null).await;
        assert_eq!(socket.next().await["op"], 11);
    }
    bench.advance(60_000);
    socket.send(1, Value::Null).await;
    assert_eq!(socket.next().await["op"], 11, "a minute later they are forgotten");
}

#[tokio::test]
async fn a_socket_without_signs_of_life_is_closed() {
    let bench = Bench::start(false).await;
    let mut silent = bench.greeted().await;
    bench.advance(45_000);
    assert_eq!(silent.end().await, Some(4009), "nobody identified");
    let (mut beating, _) = bench.connect(1).await;
    for _ in 0..3 {
        bench.advance(41_000);
        beating.send(1, json!(2)).await;
        assert_eq!(beating.next().await["op"], 11);
    }
    assert_eq!(bench.discord().unexpected(), ["gateway: no identify in time"]);
    let end = beating.end();
    tokio::pin!(end);
    let code = loop {
        tokio::select! {
            biased;
            code = &mut end => break code,
            () = tokio::task::yield_now() => bench.advance(21_000),
        }
    };
    assert_eq!(code, Some(4000), "no heartbeats");
    assert_eq!(bench.discord().unexpected().pop().as_deref(), Some("gateway: no heartbeat in time"));
}

#[tokio::test]
async fn what_messages_say_needs_an_intent() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS & !MESSAGE_CONTENT).await;
    let discord = bench.discord();
    discord.types("ann", "general", "secret").await.expect("ann may write");
    let hidden = socket.event("MESSAGE_CREATE").await;
    assert_eq!((hidden["content"].as_str(), hidden["author"]["id"].as_str()), (Some(""), Some(&*bench.user("ann"))));
    discord.edits("ann", "general", hidden["id"].as_str().expect("an id"), "other").await.expect("it is hers");
    assert_eq!(socket.event("MESSAGE_UPDATE").await["content"], "");
    let embed = json!({ "content": "mine", "embeds": [{ "title": "t" }] });
    bench.post(embed).await.id();
    let own = socket.event("MESSAGE_CREATE").await;
    assert_eq!((own["content"].as_str(), own["embeds"][0]["title"].as_str()), (Some("mine"), Some("t")));
    discord.types("ann", "general", "@muster help").await.expect("ann may write");
    let mention = format!("<@{}> help", discord.application_id());
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], mention.as_str(), "who is mentioned reads it");
    let (mut whole, _) = bench.connect(INTENTS).await;
    discord.types("ann", "general", "open").await.expect("ann may write");
    assert_eq!(whole.event("MESSAGE_CREATE").await["content"], "open");
}

#[tokio::test]
async fn events_need_their_intents() {
    let bench = Bench::start(false).await;
    let (mut servers, _) = bench.connect(1).await;
    let (mut messages, _) = bench.connect(1 << 9).await;
    let discord = bench.discord();
    discord.types("ann", "general", "hello").await.expect("ann may write");
    let id = bench.messages("general")[0]["id"].as_str().expect("an id").to_owned();
    discord.reacts("ann", "general", &id, "👀").await.expect("ann may react");
    let create = format!("POST guilds/{}/channels", discord.guild());
    bench.call(&create, json!({ "name": "inc" })).await.id();
    discord.deletes("ann", "general", &id).await.expect("it is hers");
    assert_eq!(servers.next().await["t"], "CHANNEL_CREATE", "neither messages nor reactions");
    assert_eq!(messages.next().await["t"], "MESSAGE_CREATE");
    assert_eq!(messages.next().await["t"], "MESSAGE_DELETE", "neither reactions nor channels");
}

#[tokio::test]
async fn a_resume_replays_what_was_missed_in_order() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    let (mut socket, ready) = bench.connect(INTENTS).await;
    discord.types("ann", "general", "seen").await.expect("ann may write");
    let seq = socket.next().await["s"].as_u64().expect("a number");
    assert_eq!(seq, 3);
    drop(socket);
    bench.alone().await;
    for text in ["one", "two", "three"] {
        discord.types("bob", "general", text).await.expect("bob may write");
    }
    bench.advance(5 * 60 * 1000);
    let mut socket = bench.resume(&ready, seq).await;
    for (number, text) in [(4, "one"), (5, "two"), (6, "three")] {
        let frame = socket.next().await;
        assert_eq!((frame["s"].as_u64(), frame["d"]["content"].as_str()), (Some(number), Some(text)));
    }
    let resumed = socket.next().await;
    assert_eq!((resumed["t"].as_str(), resumed["s"].as_u64()), (Some("RESUMED"), Some(7)));
    discord.types("bob", "general", "four").await.expect("bob may write");
    assert_eq!(socket.next().await["s"], 8);
    assert_eq!((discord.identifies(), discord.resumes()), (1, 1));
    let mut other = bench.resume(&ready, 7).await;
    assert_eq!(other.next().await["d"]["content"], "four", "what was not confirmed comes again");
    assert_eq!(socket.end().await, Some(4000), "the session has gone over");
    discord.quiet().await;
    assert_eq!(discord.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn a_session_that_is_over_can_not_be_resumed() {
    let bench = Bench::start(false).await;
    let refused = json!({ "op": 9, "d": false, "s": null, "t": null });
    let mut unknown = bench.resume(&json!({ "session_id": "unknown" }), 1).await;
    assert_eq!(unknown.next().await, refused);
    unknown.send(2, bench.identification(1)).await;
    assert_eq!(unknown.next().await["t"], "READY", "it may identify on the same socket");
    assert_eq!(bench.resume(&json!({ "session_id": null }), 1).await.end().await, Some(4002));
    let mut wrong = bench.greeted().await;
    wrong.send(6, json!({ "token": "wrong", "session_id": "s", "seq": 1 })).await;
    assert_eq!(wrong.end().await, Some(4004));
    drop(unknown);
    let (socket, late) = bench.connect(1).await;
    drop(socket);
    bench.alone().await;
    bench.advance(5 * 60 * 1000 + 1);
    assert_eq!(bench.resume(&late, 2).await.next().await, refused, "it was too late");
    let (mut socket, left) = bench.connect(1).await;
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame { code: 1000.into(), reason: "".into() };
    socket.0.close(Some(frame)).await.expect("the socket is open");
    bench.alone().await;
    assert_eq!(bench.resume(&left, 2).await.next().await, refused, "a bot that closes with 1000 has left");
    let (socket, ahead) = bench.connect(1).await;
    drop(socket);
    assert_eq!(bench.resume(&ahead, 99).await.end().await, Some(4007), "it has not come to that yet");
    assert_eq!(bench.discord().resumes(), 0);
}

#[tokio::test]
async fn identifies_are_five_seconds_apart() {
    let bench = Bench::start(true).await;
    bench.connect(1).await;
    bench.advance(4_999);
    let mut hasty = bench.greeted().await;
    hasty.send(2, bench.identification(1)).await;
    assert_eq!(hasty.next().await, json!({ "op": 9, "d": false, "s": null, "t": null }));
    bench.advance(5_000);
    hasty.send(2, bench.identification(1)).await;
    assert_eq!(hasty.next().await["t"], "READY");
}

#[tokio::test]
async fn a_thousand_identifies_are_allowed_in_a_day() {
    let bench = Bench::start(true).await;
    let left = async || bench.get("gateway/bot").await.body["session_start_limit"].clone();
    assert_eq!((left().await["total"].as_u64(), left().await["max_concurrency"].as_u64()), (Some(1000), Some(1)));
    let (mut first, _) = bench.connect(1).await;
    for _ in 0..9 {
        let mut hasty = bench.greeted().await;
        for _ in 0..111 {
            hasty.send(2, bench.identification(1)).await;
            assert_eq!(hasty.next().await["op"], 9);
        }
    }
    assert_eq!(left().await["remaining"], 0);
    let mut socket = bench.greeted().await;
    socket.send(2, bench.identification(1)).await;
    assert_eq!(socket.end().await, Some(4004));
    assert_eq!(first.end().await, Some(4004), "so does every other session");
    assert_eq!(bench.get("users/@me").await.status, 401, "the token was reset");
    bench.advance(24 * 60 * 60 * 1000);
    let mut later = bench.greeted().await;
    later.send(2, bench.identification(1)).await;
    assert_eq!(later.end().await, Some(4004), "and stays so");
}
