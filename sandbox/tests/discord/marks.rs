//! What is put on messages: replies, reactions and pins.

use serde_json::{Value, json};

use crate::bench::{Bench, INTENTS};

#[tokio::test]
async fn a_reply_to_nothing_is_refused_unless_the_bot_does_not_mind() {
    let bench = Bench::start(false).await;
    let first = bench.post(json!({ "content": "x" })).await.id();
    let elsewhere =
        bench.call(&format!("POST {}", bench.of("alerts", "messages")), json!({ "content": "x" })).await.id();
    let reply = |id: &str| json!({ "content": "y", "message_reference": { "message_id": id } });
    let made = bench.post(reply(&first)).await;
    assert_eq!((made.body["type"].as_u64(), made.body["referenced_message"]["id"].as_str()), (Some(19), Some(&*first)));
    for id in ["404", &elsewhere] {
        let refused = bench.post(reply(id)).await;
        assert_eq!((refused.code(), refused.error("message_reference")), (50035, "REPLIES_UNKNOWN_MESSAGE"));
        let mut body = reply(id);
        body["message_reference"]["fail_if_not_exists"] = json!(false);
        let made = bench.post(body).await;
        assert_eq!((made.body["type"].as_u64(), &made.body["message_reference"]), (Some(0), &Value::Null));
    }
    assert_eq!(bench.discord().unexpected(), Vec::<String>::new(), "it may have been deleted meanwhile");
    let wrong = bench.post(json!({ "content": "y", "message_reference": "x" })).await;
    assert_eq!(wrong.error("message_reference"), "DICT_TYPE_CONVERT");
}

#[tokio::test]
async fn a_message_has_twenty_different_reactions() {
    let bench = Bench::start(false).await;
    let id = bench.post(json!({ "content": "x" })).await.id();
    let react = async |emoji: char| {
        let path = bench.of("general", &format!("messages/{id}/reactions/{emoji}/@me"));
        bench.call(&format!("PUT {path}"), Value::Null).await
    };
    for emoji in '😀'..='😓' {
        assert_eq!(react(emoji).await.status, 204);
    }
    assert_eq!(react('😔').await.refusal(), (400, 30010));
    assert_eq!(react('😀').await.status, 204, "that one is there already");
    let discord = bench.discord();
    assert!(discord.reacts("ann", "general", &id, "😔").await.is_err());
    discord.reacts("ann", "general", &id, "😀").await.expect("ann may agree");
    discord.unreacts("ann", "general", &id, "😀").await.expect("ann may think again");
}

#[tokio::test]
async fn somebody_elses_reaction_is_taken_away_by_moderators() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    let id = bench.post(json!({ "content": "x" })).await.id();
    let (ann, me) = (bench.user("ann"), discord.application_id());
    let path = bench.of("general", &format!("messages/{id}/reactions/👀"));
    let take = async |whose: &str| bench.call(&format!("DELETE {path}/{whose}"), Value::Null).await;
    let left = async || {
        let users = bench.get(&path).await.body;
        users
            .as_array()
            .expect("users")
            .iter()
            .map(|it| it["id"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
    };
    for whose in ["@me", me] {
        discord.forbid("MANAGE_MESSAGES");
        discord.reacts("ann", "general", &id, "👀").await.expect("ann may react");
        assert_eq!(bench.call(&format!("PUT {path}/@me"), Value::Null).await.status, 204);
        assert_eq!(take(&ann).await.refusal(), (403, 50013));
        assert_eq!(take(whose).await.status, 204, "its own needs nothing");
        assert_eq!(left().await, [&ann[..]]);
        discord.permit("MANAGE_MESSAGES");
        assert_eq!(take("404").await.refusal(), (404, 10013));
        assert_eq!(take(&ann).await.status, 204);
        assert_eq!(left().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn reactions_in_a_direct_channel_have_an_intent_of_their_own() {
    let bench = Bench::start(false).await;
    let direct = bench.call("POST users/@me/channels", json!({ "recipient_id": bench.user("ann") })).await.id();
    let (mut servers, _) = bench.connect(1 | 1 << 10).await;
    let (mut directs, _) = bench.connect(1 << 13).await;
    let id = bench.call(&format!("POST channels/{direct}/messages"), json!({ "content": "x" })).await.id();
    bench.discord().reacts("ann", &direct, &id, "👀").await.expect("ann may react");
    let seen = directs.next().await;
    assert_eq!((seen["t"].as_str(), &seen["d"]["message_id"]), (Some("MESSAGE_REACTION_ADD"), &json!(id)));
    assert!(seen["d"]["guild_id"].is_null() && seen["d"]["member"].is_null(), "{seen}");
    let general = bench.post(json!({ "content": "x" })).await.id();
    bench.discord().reacts("ann", "general", &general, "👀").await.expect("ann may react");
    let seen = servers.next().await;
    assert_eq!((seen["t"].as_str(), &seen["d"]["message_id"]), (Some("MESSAGE_REACTION_ADD"), &json!(general)));
    assert_eq!(seen["d"]["guild_id"], bench.discord().guild());
}

#[tokio::test]
async fn a_page_of_pins_has_fifty() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    for number in 0..51 {
        discord.types("ann", "general", &number.to_string()).await.expect("ann may write");
    }
    for message in bench.messages("general") {
        bench.advance(1_000);
        discord.pins("ann", "general", message["id"].as_str().expect("an id")).await.expect("ann may pin");
    }
    let page = async |query: &str| bench.get(&format!("{}{query}", bench.of("general", "messages/pins"))).await.body;
    let said = |page: &Value| {
        let items = page["items"].as_array().expect("pins");
        items.iter().map(|it| it["message"]["content"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    let newest = page("").await;
    assert_eq!((said(&newest).len(), newest["has_more"].as_bool()), (50, Some(true)));
    let oldest = newest["items"][49]["pinned_at"].as_str().expect("a time").replace('+', "%2B");
    let rest = page(&format!("?before={oldest}")).await;
    assert_eq!((said(&rest), rest["has_more"].as_bool()), (vec!["0".to_owned()], Some(false)));
    let two = page("?limit=2").await;
    assert_eq!((said(&two), two["has_more"].as_bool()), (vec!["50".to_owned(), "49".to_owned()], Some(true)));
    for (query, wrong) in [("limit=0", "limit"), ("limit=51", "limit"), ("limit=x", "limit"), ("before=x", "before")] {
        let refused = bench.get(&bench.of("general", &format!("messages/pins?{query}"))).await;
        assert_eq!((refused.code(), refused.error(wrong) != "none"), (50035, true), "{query}");
    }
    let before = bench.get(&bench.of("general", "pins")).await.body;
    assert_eq!(before.as_array().map(Vec::len), Some(50), "as it was before there were pages");
}

#[tokio::test]
async fn a_pin_in_a_direct_channel_is_told_as_one() {
    let bench = Bench::start(false).await;
    let direct = bench.call("POST users/@me/channels", json!({ "recipient_id": bench.user("ann") })).await.id();
    let id = bench.call(&format!("POST channels/{direct}/messages"), json!({ "content": "x" })).await.id();
    let (mut socket, _) = bench.connect(INTENTS).await;
    bench.discord().pins("ann", &direct, &id).await.expect("ann may pin");
    let told = socket.event("CHANNEL_PINS_UPDATE").await;
    assert_eq!((told["channel_id"].as_str(), &told["guild_id"]), (Some(&direct[..]), &Value::Null));
}
