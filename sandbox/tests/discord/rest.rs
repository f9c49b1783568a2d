//! REST: tokens, routes, messages, pins, channels, threads, and who is notified.

use serde_json::{Value, json};

use crate::bench::{Bench, INTENTS};

#[tokio::test]
async fn every_call_needs_the_bots_token_and_its_user_agent() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    let url = format!("{}/users/@me", discord.api_url());
    assert_eq!(bench.get("users/@me").await.body["id"], discord.application_id());
    for token in ["", "Bot wrong", discord.bot_token(), &format!("Bearer {}", discord.bot_token())] {
        let answer = bench.http.get(&url).header("authorization", token).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 401, "{token}");
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body, json!({ "message": "401: Unauthorized", "code": 0 }));
    }
    let answer = bench.http.get(&url).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 401, "no token at all");
    assert_eq!(discord.invalid_requests(), 5);
    let nobody = bench.http.get(&url).header("user-agent", "curl/8").header("authorization", discord.bot_token());
    assert_eq!(nobody.send().await.expect("an answer").status().as_u16(), 403);
    let open = bench.http.get(format!("{}/gateway", discord.api_url())).send().await.expect("an answer");
    assert_eq!(open.status().as_u16(), 200, "anybody may ask for the gateway");
    assert!(!format!("{:?}", discord.requests()).contains(discord.bot_token()));
}

#[tokio::test]
async fn what_is_not_there_is_refused_by_its_code() {
    let bench = Bench::start(false).await;
    let own = bench.post(json!({ "content": "mine" })).await.id();
    let guild = bench.discord().guild().to_owned();
    let messages = bench.of("general", "messages");
    for (route, refusal) in [
        ("GET nothing/here".to_owned(), (404, 0)),
        ("DELETE users/@me".to_owned(), (405, 0)),
        (format!("PUT {messages}"), (405, 0)),
        ("GET channels/404".to_owned(), (404, 10003)),
        ("GET channels/404/messages".to_owned(), (404, 10003)),
        ("POST channels/404/messages".to_owned(), (404, 10003)),
        (format!("GET {messages}/404"), (404, 10008)),
        (format!("PATCH {messages}/404"), (404, 10008)),
        (format!("DELETE {messages}/404"), (404, 10008)),
        (format!("GET {}/{own}", bench.of("alerts", "messages")), (404, 10008)),
        (format!("PUT {messages}/pins/404"), (404, 10008)),
        (format!("PUT {messages}/{own}/reactions/eyes/@me"), (400, 10014)),
        ("GET guilds/404".to_owned(), (404, 10004)),
        ("GET users/404".to_owned(), (404, 10013)),
        (format!("GET guilds/{guild}/members/404"), (404, 10007)),
        ("POST users/@me/channels".to_owned(), (400, 50033)),
        ("POST webhooks/404/none".to_owned(), (404, 10015)),
        ("POST interactions/404/none/callback".to_owned(), (404, 10062)),
    ] {
        let answer = bench.call(&route, json!({ "content": "x" })).await;
        assert_eq!(answer.refusal(), refusal, "{route} {}", answer.body);
        assert!(answer.body["message"].is_string());
    }
    assert_eq!(bench.messages("general").len(), 1, "a refused call does nothing");
}

#[tokio::test]
async fn a_body_of_the_wrong_form_is_refused_and_unknown_fields_are_noted() {
    let bench = Bench::start(false).await;
    for body in [json!({}), json!({ "content": "" }), json!({ "content": " \n" }), json!({ "embeds": [] })] {
        assert_eq!(bench.post(body.clone()).await.refusal(), (400, 50006), "{body}");
    }
    let url = format!("{}/{}", bench.discord().api_url(), bench.of("general", "messages"));
    let token = format!("Bot {}", bench.discord().bot_token());
    let broken = bench.http.post(url).header("authorization", token).body("{").send().await.expect("an answer");
    let broken: Value = broken.json().await.expect("JSON");
    assert_eq!(broken["code"], 50109);
    for body in [json!(["x"]), json!("x"), json!(5)] {
        let answer = bench.post(body).await;
        assert_eq!((answer.code(), &answer.body["errors"]["_errors"][0]["code"]), (50035, &json!("DICT_TYPE_CONVERT")));
    }
    let answer = bench.post(json!({ "content": 5 })).await;
    assert_eq!(answer.refusal(), (400, 50035));
    assert_eq!(answer.body["message"], "Invalid Form Body");
    assert_eq!(answer.error("content"), "STRING_TYPE_CONVERT");
    assert!(bench.messages("general").is_empty());
    let before = bench.discord().unexpected().len();
    let body = json!({ "content": "x", "colour": "red", "embeds": [{ "title": "t", "sub": 1 }] });
    assert_eq!(bench.post(body).await.status, 200, "Discord ignores what it does not know");
    let noted = &bench.discord().unexpected()[before..];
    assert!(noted.iter().any(|it| it.ends_with("unknown field colour")), "{noted:?}");
    assert!(noted.iter().any(|it| it.ends_with("unknown field embeds.0.sub")), "{noted:?}");
}

#[tokio::test]
async fn only_ones_own_messages_can_be_edited() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    discord.types("bob", "general", "his").await.expect("bob may write");
    let his = bench.messages("general")[0]["id"].as_str().expect("an id").to_owned();
    let own = bench.post(json!({ "content": "mine" })).await.id();
    let path = bench.of("general", "messages");
    let edit =
        async |id: &str, content: &str| bench.call(&format!("PATCH {path}/{id}"), json!({ "content": content })).await;
    assert_eq!(edit(&his, "x").await.refusal(), (403, 50005));
    assert_eq!(edit(&own, "").await.refusal(), (400, 50006));
    assert_eq!(edit(&own, &"x".repeat(2001)).await.error("content"), "BASE_TYPE_MAX_LENGTH");
    let answer = edit(&own, "changed").await;
    assert_eq!(answer.body["content"], "changed");
    assert!(answer.body["edited_timestamp"].is_string());
    discord.forbid("MANAGE_MESSAGES");
    let delete = async |id: &str| bench.call(&format!("DELETE {path}/{id}"), Value::Null).await;
    assert_eq!(delete(&his).await.refusal(), (403, 50013));
    discord.permit("MANAGE_MESSAGES");
    assert_eq!(delete(&his).await.status, 204);
    assert_eq!(delete(&own).await.status, 204);
    assert_eq!(delete(&own).await.refusal(), (404, 10008));
    discord.forbid("SEND_MESSAGES");
    assert_eq!(bench.post(json!({ "content": "x" })).await.refusal(), (403, 50013));
    discord.forbid("VIEW_CHANNEL");
    assert_eq!(bench.post(json!({ "content": "x" })).await.refusal(), (403, 50001));
}

#[tokio::test]
async fn an_enforced_nonce_gives_back_the_first_message() {
    let bench = Bench::start(false).await;
    let body = |nonce: &str, enforce: bool| json!({ "content": "x", "nonce": nonce, "enforce_nonce": enforce });
    let made = bench.post(body("a", true)).await;
    assert_eq!(made.body["nonce"], "a");
    let first = made.id();
    let again = bench.post(body("a", true)).await;
    assert_eq!((again.id(), again.body["nonce"].as_str()), (first.clone(), Some("a")));
    assert!(bench.get(&bench.of("general", &format!("messages/{first}"))).await.body["nonce"].is_null());
    assert_ne!(bench.post(body("b", true)).await.id(), first);
    assert_ne!(bench.post(body("a", false)).await.id(), first, "it was not enforced");
    assert_eq!(bench.messages("general").len(), 3);
    bench.advance(180_000);
    assert_ne!(bench.post(body("a", true)).await.id(), first, "Discord forgets it after minutes");
}

#[tokio::test]
async fn a_page_of_history_has_a_hundred_messages() {
    let bench = Bench::start(false).await;
    for number in 0..102 {
        bench.discord().types("ann", "general", &number.to_string()).await.expect("ann may write");
    }
    let page = async |query: &str| bench.get(&format!("{}?{query}", bench.of("general", "messages"))).await;
    let said = |answer: &crate::bench::Answer| {
        let list = answer.body.as_array().expect("messages").clone();
        list.iter().map(|it| it["content"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(said(&page("").await).len(), 50);
    let newest = page("limit=100").await;
    let (first, last) = (said(&newest)[0].clone(), said(&newest)[99].clone());
    assert_eq!((first.as_str(), last.as_str()), ("101", "2"), "the newest comes first");
    let oldest = newest.body[99]["id"].as_str().expect("an id");
    assert_eq!(said(&page(&format!("before={oldest}")).await), ["1", "0"]);
    assert_eq!(said(&page(&format!("after={oldest}&limit=2")).await), ["4", "3"]);
    for limit in ["0", "101"] {
        assert_eq!(page(&format!("limit={limit}")).await.refusal(), (400, 50035));
    }
}

#[tokio::test]
async fn a_channel_keeps_two_hundred_and_fifty_pins() {
    let bench = Bench::start(false).await;
    let discord = bench.discord();
    for number in 0..252 {
        discord.types("ann", "general", &number.to_string()).await.expect("ann may write");
    }
    let ids = bench.messages("general");
    let ids: Vec<&str> = ids.iter().map(|it| it["id"].as_str().expect("an id")).collect();
    for id in &ids[..249] {
        discord.pins("ann", "general", id).await.expect("ann may pin");
    }
    let pin = async |verb: &str, id: &str| {
        bench.call(&format!("{verb} {}", bench.of("general", &format!("messages/pins/{id}"))), Value::Null).await
    };
    assert_eq!(pin("PUT", ids[249]).await.status, 204);
    assert_eq!(pin("PUT", ids[249]).await.status, 204, "it is pinned already");
    assert_eq!(pin("PUT", ids[250]).await.refusal(), (400, 30003));
    assert_eq!(pin("DELETE", ids[0]).await.status, 204);
    assert_eq!(pin("PUT", ids[250]).await.status, 204);
    let line = bench.messages("general").pop().expect("a line");
    assert_eq!((line["type"].as_i64(), line["reference"].as_str()), (Some(6), Some(ids[250])));
    let pins = bench.get(&bench.of("general", "messages/pins")).await;
    assert_eq!(pins.body["items"][0]["message"]["id"], ids[250], "the newest pin comes first");
    discord.forbid("PIN_MESSAGES");
    assert_eq!(pin("PUT", ids[251]).await.refusal(), (403, 50013));
}

#[tokio::test]
async fn channels_and_threads_have_names_of_a_hundred_characters() {
    let bench = Bench::start(false).await;
    let own = bench.post(json!({ "content": "an alert" })).await.id();
    let create = format!("POST guilds/{}/channels", bench.discord().guild());
    let thread = format!("POST {}", bench.of("general", &format!("messages/{own}/threads")));
    let loose = format!("POST {}", bench.of("general", "threads"));
    for route in [&create, &thread, &loose] {
        for (name, error) in [
            (Value::Null, "BASE_TYPE_REQUIRED"),
            (json!(""), "BASE_TYPE_REQUIRED"),
            (json!(7), "STRING_TYPE_CONVERT"),
            (json!("x".repeat(101)), "BASE_TYPE_BAD_LENGTH"),
        ] {
            let answer = bench.call(route, json!({ "name": name })).await;
            assert_eq!((answer.code(), answer.error("name")), (50035, error), "{route}");
        }
    }
    let topic = bench.call(&create, json!({ "name": "inc", "topic": "x".repeat(1025) })).await;
    assert_eq!(topic.error("topic"), "BASE_TYPE_MAX_LENGTH");
    assert_eq!(bench.call(&create, json!({ "name": "inc", "type": 99 })).await.status, 400);
    let made = bench.call(&create, json!({ "name": "Inc 42 Down", "topic": "x".repeat(1024) })).await;
    assert_eq!((made.status, made.body["name"].as_str()), (201, Some("inc-42-down")), "as Discord writes it");
    assert_eq!(bench.call(&create, json!({ "name": "x".repeat(100) })).await.status, 201);
    let made = bench.call(&thread, json!({ "name": "An alert" })).await;
    assert_eq!((made.status, made.body["name"].as_str()), (201, Some("An alert")));
    assert_eq!(made.body["id"], own.as_str(), "a thread has the id of its message");
    assert_eq!(bench.call(&thread, json!({ "name": "Again" })).await.refusal(), (400, 160_004));
    let inside = format!("POST channels/{own}/messages");
    assert_eq!(bench.call(&inside, json!({ "content": "x" })).await.status, 200);
    let lock = bench.call(&format!("PATCH channels/{own}"), json!({ "archived": true, "locked": true })).await;
    assert_eq!(lock.status, 200);
    assert_eq!(bench.call(&inside, json!({ "content": "x" })).await.refusal(), (400, 50083));
    bench.discord().forbid("MANAGE_CHANNELS");
    assert_eq!(bench.call(&create, json!({ "name": "no" })).await.refusal(), (403, 50013));
    bench.discord().forbid("CREATE_PUBLIC_THREADS");
    assert_eq!(bench.call(&loose, json!({ "name": "no" })).await.refusal(), (403, 50013));
}

#[tokio::test]
async fn a_server_has_five_hundred_channels() {
    let bench = Bench::start(false).await;
    let create = format!("POST guilds/{}/channels", bench.discord().guild());
    for number in 0..498 {
        assert_eq!(bench.call(&create, json!({ "name": format!("inc-{number}") })).await.status, 201);
    }
    assert_eq!(bench.call(&create, json!({ "name": "one-more" })).await.refusal(), (400, 30013));
}

#[tokio::test]
async fn allowed_mentions_decide_who_is_notified() {
    let bench = Bench::start(false).await;
    let (mut socket, _) = bench.connect(INTENTS).await;
    let (ann, bob) = (bench.user("ann"), bench.user("bob"));
    let roles = bench.get(&format!("guilds/{}/roles", bench.discord().guild())).await.body;
    let role = roles[1]["id"].as_str().expect("the bot's own role");
    let to_role = format!("<@&{role}>");
    let content = format!("@everyone @here <@{ann}> <@!{bob}> {to_role}");
    let (to_ann, to_bob) = (format!("<@{ann}>"), format!("<@{bob}>"));
    let cases = [
        (json!({ "parse": [] }), vec![]),
        (json!({ "parse": [], "users": [ann] }), vec![&to_ann[..]]),
        (json!({ "parse": ["users"] }), vec![&to_ann, &to_bob]),
        (json!({ "parse": ["roles"] }), vec![&to_role[..]]),
        (json!({ "parse": [], "roles": [role] }), vec![&to_role[..]]),
        (json!({ "parse": ["everyone"] }), vec!["@everyone", "@here"]),
        (Value::Null, vec![&to_ann, &to_bob, &to_role, "@everyone", "@here"]),
    ];
    for (allowed, told) in &cases {
        let before = bench.discord().notifications().len();
        let id = bench.post(json!({ "content": content, "allowed_mentions": allowed })).await.id();
        let new = bench.discord().notifications().split_off(before);
        assert!(new.iter().all(|it| it.message == id));
        assert_eq!(new.iter().map(|it| it.target.as_str()).collect::<Vec<_>>(), *told, "{allowed}");
        let seen = socket.event("MESSAGE_CREATE").await;
        assert_eq!(seen["mention_everyone"], told.contains(&"@everyone"), "{allowed}");
    }
    assert_eq!(bench.discord().missing_allowed_mentions(), ["POST /channels/{channel.id}/messages"]);
    let before = bench.discord().notifications().len();
    let quiet = json!({ "embeds": [{ "description": content }] });
    let id = bench.post(quiet).await.id();
    let edit = json!({ "content": content, "allowed_mentions": { "parse": ["users", "everyone"] } });
    assert_eq!(bench.call(&format!("PATCH {}/{id}", bench.of("general", "messages")), edit).await.status, 200);
    let all = json!({ "parse": ["roles", "everyone"] });
    bench
        .post(json!({ "content": format!("<@&77> <@&{}>", bench.discord().guild()), "allowed_mentions": all }))
        .await
        .id();
    bench.discord().forbid("MENTION_EVERYONE");
    bench.post(json!({ "content": format!("@everyone {to_role}"), "allowed_mentions": all })).await.id();
    let new = bench.discord().notifications().split_off(before);
    assert_eq!(new, [], "neither embeds, nor edits, nor roles that are none, nor a bot that may not");
}
