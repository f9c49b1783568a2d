//! Channels, threads and direct channels: how they are made, named, hidden, changed, and who may write there.

use serde_json::{Value, json};

use crate::bench::{Bench, INTENTS};

fn create(bench: &Bench) -> String {
    format!("POST guilds/{}/channels", bench.discord().guild())
}

async fn thread(bench: &Bench) -> String {
    bench.call(&format!("POST {}", bench.of("general", "threads")), json!({ "name": "t", "type": 11 })).await.id()
}

#[tokio::test]
async fn a_channel_is_renamed_and_its_topic_cleared_as_discord_does_it() {
    let bench = Bench::start(false).await;
    let route = format!("PATCH channels/{}", bench.channel("alerts"));
    assert_eq!(bench.call(&route, json!({ "name": "Inc 2 Down" })).await.body["name"], "inc-2-down");
    assert_eq!(bench.call(&route, json!({ "topic": "t" })).await.body["topic"], "t");
    assert_eq!(bench.call(&route, json!({ "position": 7 })).await.body["topic"], "t", "it was not said");
    assert_eq!(bench.call(&route, json!({ "topic": null })).await.body["topic"], Value::Null);
    let of_thread = format!("PATCH channels/{}", thread(&bench).await);
    assert_eq!(bench.call(&of_thread, json!({ "name": "An Alert" })).await.body["name"], "An Alert");
}

#[tokio::test]
async fn a_channel_is_created_where_and_for_whom_it_is_wanted() {
    let bench = Bench::start(false).await;
    let create = create(&bench);
    let category = bench.call(&create, json!({ "name": "Incidents Now", "type": 4 })).await;
    assert_eq!((category.body["name"].as_str(), category.body["type"].as_u64()), (Some("Incidents Now"), Some(4)));
    let category = category.id();
    let inside = |name: &str| json!({ "name": name, "parent_id": category, "position": 7 });
    let made = bench.call(&create, inside("inc")).await;
    assert_eq!((made.body["parent_id"].as_str(), made.body["position"].as_u64()), (Some(&category[..]), Some(7)));
    let nowhere = bench.call(&create, json!({ "name": "inc", "parent_id": bench.channel("general") })).await;
    assert_eq!(nowhere.error("parent_id"), "CHANNEL_PARENT_INVALID");
    for number in 1..50 {
        bench.call(&create, inside(&format!("inc-{number}"))).await.id();
    }
    assert_eq!(bench.call(&create, inside("full")).await.error("parent_id"), "CHANNEL_PARENT_MAX_CHANNELS");
    let messages = format!("POST channels/{category}/messages");
    assert_eq!(bench.call(&messages, json!({ "content": "x" })).await.refusal(), (400, 50008));
    let moved = bench.call(&format!("PATCH channels/{}", made.id()), json!({ "parent_id": null })).await;
    assert_eq!(moved.body["parent_id"], Value::Null);
}

#[tokio::test]
async fn a_private_channel_is_seen_by_those_it_is_for() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let discord = bench.discord();
    let (everyone, ann, me) = (discord.guild().to_owned(), bench.user("ann"), discord.application_id().to_owned());
    let deny = json!({ "id": everyone, "type": 0, "deny": "1024", "allow": "0" });
    let allow = |id: &str| json!({ "id": id, "type": 1, "deny": "0", "allow": "1024" });
    let create = create(&bench);
    let body = json!({ "name": "secret", "permission_overwrites": [deny, allow(&ann), allow(&me)] });
    let made = bench.call(&create, body).await;
    assert_eq!(made.body["permission_overwrites"], json!([deny, allow(&ann), allow(&me)]));
    assert!(discord.types("bob", "secret", "hello").await.is_err(), "bob does not see it");
    discord.types("ann", "secret", "hello").await.expect("ann does");
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "hello");
    let blind = json!({ "permission_overwrites": [deny, allow(&ann)] });
    let route = format!("PATCH channels/{}", made.id());
    assert_eq!(bench.call(&route, blind).await.body["permission_overwrites"], json!([deny, allow(&ann)]));
    assert_eq!(bench.get(&format!("channels/{}", made.id())).await.refusal(), (403, 50001), "nor does the bot now");
    discord.types("ann", "secret", "unheard").await.expect("ann does");
    discord.types("ann", "general", "heard").await.expect("ann may write");
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "heard");
    let wrong = json!({ "name": "x", "permission_overwrites": [{ "id": everyone }, "x"] });
    let wrong = bench.call(&create, wrong).await;
    assert_eq!(wrong.error("permission_overwrites.0.type"), "BASE_TYPE_REQUIRED");
    assert_eq!(wrong.error("permission_overwrites.1"), "DICT_TYPE_CONVERT");
    let administrator = json!({ "id": ann, "type": 1, "allow": "8" });
    let more = json!({ "name": "x", "permission_overwrites": [administrator] });
    assert_eq!(bench.call(&create, more).await.refusal(), (403, 50013), "the bot may not do that itself");
}

#[tokio::test]
async fn threads_keep_one_of_four_archive_times() {
    let bench = Bench::start(false).await;
    let start = format!("POST {}", bench.of("general", "threads"));
    let with = |minutes: Value| json!({ "name": "t", "type": 11, "auto_archive_duration": minutes });
    for wrong in [json!(7), json!(0), json!("60")] {
        assert_eq!(bench.call(&start, with(wrong)).await.error("auto_archive_duration"), "BASE_TYPE_CHOICES");
    }
    let mut id = String::new();
    for minutes in [60, 1440, 4320, 10080] {
        let made = bench.call(&start, with(json!(minutes))).await;
        assert_eq!(made.body["thread_metadata"]["auto_archive_duration"], minutes);
        id = made.id();
    }
    let route = format!("PATCH channels/{id}");
    let changed = bench.call(&route, json!({ "auto_archive_duration": 60 })).await;
    assert_eq!(changed.body["thread_metadata"]["auto_archive_duration"], 60);
    let refused = bench.call(&route, json!({ "auto_archive_duration": 61 })).await;
    assert_eq!(refused.error("auto_archive_duration"), "BASE_TYPE_CHOICES");
}

#[tokio::test]
async fn threads_begin_in_a_text_channel_only() {
    let bench = Bench::start(false).await;
    let direct = bench.call("POST users/@me/channels", json!({ "recipient_id": bench.user("ann") })).await.id();
    for place in [thread(&bench).await, direct] {
        let refused = bench.call(&format!("POST channels/{place}/threads"), json!({ "name": "t", "type": 11 })).await;
        assert_eq!(refused.refusal(), (400, 50024));
    }
}

#[tokio::test]
async fn events_of_threads_have_their_names() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let id = thread(&bench).await;
    assert_eq!(socket.next().await["t"], "THREAD_CREATE");
    let (change, post) = (format!("PATCH channels/{id}"), format!("POST channels/{id}/messages"));
    bench.call(&change, json!({ "archived": true })).await.id();
    let archived = socket.next().await;
    assert_eq!(
        (archived["t"].as_str(), &archived["d"]["thread_metadata"]["archived"]),
        (Some("THREAD_UPDATE"), &json!(true))
    );
    bench.call(&post, json!({ "content": "x" })).await.id();
    let back = socket.next().await;
    assert_eq!((back["t"].as_str(), &back["d"]["thread_metadata"]["archived"]), (Some("THREAD_UPDATE"), &json!(false)));
    assert_eq!(socket.next().await["t"], "MESSAGE_CREATE");
    bench.call(&format!("DELETE channels/{id}"), Value::Null).await.id();
    let gone = socket.next().await;
    assert_eq!((gone["t"].as_str(), gone["d"]["id"].as_str()), (Some("THREAD_DELETE"), Some(&id[..])));
    assert_eq!(gone["d"]["parent_id"], bench.channel("general"));
    assert_eq!(bench.call(&post, json!({ "content": "x" })).await.refusal(), (404, 10003));
    bench.call(&format!("DELETE channels/{}", bench.channel("alerts")), Value::Null).await.id();
    assert_eq!(socket.next().await["t"], "CHANNEL_DELETE");
}

#[tokio::test]
async fn writing_in_a_thread_needs_its_own_permission() {
    let bench = Bench::start(false).await;
    let id = thread(&bench).await;
    let write = async || bench.call(&format!("POST channels/{id}/messages"), json!({ "content": "x" })).await;
    bench.discord().forbid("SEND_MESSAGES");
    assert_eq!(write().await.status, 200);
    bench.discord().permit("SEND_MESSAGES");
    bench.discord().forbid("SEND_MESSAGES_IN_THREADS");
    assert_eq!(write().await.refusal(), (403, 50013));
    assert_eq!(bench.post(json!({ "content": "x" })).await.status, 200);
}

#[tokio::test]
async fn locking_a_thread_needs_a_moderator() {
    let bench = Bench::start(false).await;
    let route = format!("PATCH channels/{}", thread(&bench).await);
    bench.discord().forbid("MANAGE_THREADS");
    assert_eq!(bench.call(&route, json!({ "archived": true })).await.status, 200, "it is the bot's own");
    assert_eq!(bench.call(&route, json!({ "locked": true })).await.refusal(), (403, 50013));
}

#[tokio::test]
async fn who_closes_their_direct_messages_gets_none() {
    let bench = Bench::start(false).await;
    let open = async |user: &str| {
        bench.call("POST users/@me/channels", json!({ "recipient_id": bench.user(user) })).await.id()
    };
    let (ann, bob) = (open("ann").await, open("bob").await);
    bench.discord().close_direct_messages("ann");
    let write =
        async |channel: &str| bench.call(&format!("POST channels/{channel}/messages"), json!({ "content": "x" })).await;
    assert_eq!(write(&ann).await.refusal(), (403, 50007));
    assert_eq!(write(&bob).await.status, 200);
}
