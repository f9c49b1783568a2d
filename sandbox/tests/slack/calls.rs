//! The Web API: tokens, arguments, limits, blocks, and ordered faults.

use std::time::Duration;

use sandbox::faults::CallFault;
use sandbox::slack::Typed;
use serde_json::{Value, json};

use crate::bench::{Bench, modal};

#[tokio::test]
async fn tokens_are_checked_for_every_method() {
    let bench = Bench::start(true).await;
    let slack = bench.slack();
    let says = async |method: &str, token: &str| {
        let answer: Value = bench.raw(method, token, &json!({})).await.expect("an answer").json().await.expect("JSON");
        answer["error"].as_str().unwrap_or("ok").to_owned()
    };
    assert_eq!(says("auth.test", slack.bot_token()).await, "ok");
    assert_eq!(says("auth.test", "wrong").await, "invalid_auth");
    assert_eq!(says("auth.test", "").await, "not_authed");
    assert_eq!(says("auth.test", slack.app_token()).await, "not_allowed_token_type");
    assert_eq!(says("apps.connections.open", slack.bot_token()).await, "not_allowed_token_type");
    assert_eq!(says("chat.whisper", slack.bot_token()).await, "unknown_method");
    assert_eq!(slack.unexpected().len(), 5);
    assert!(!format!("{:?}", slack.requests()).contains(slack.bot_token()));
}

#[tokio::test]
async fn what_slack_refuses_is_refused_by_its_word() {
    let bench = Bench::start(false).await;
    let general = bench.channel("general");
    bench.call("conversations.create", json!({ "name": "inc-1" })).await;
    let bobs = bench.slack().types("bob", "general", "mine", None).await.expect("bob may write");
    let Typed::Message { ts: bobs } = bobs else { panic!("that is a message") };
    let own = bench.post("mine").await;
    let long = "x".repeat(251);
    for (method, body, error) in [
        ("chat.postMessage", json!({ "channel": "C404", "text": "x" }), "channel_not_found"),
        ("chat.postMessage", json!({ "channel": general }), "no_text"),
        ("chat.postMessage", json!({ "text": "x" }), "invalid_arguments"),
        ("chat.postMessage", json!({ "channel": general, "text": "x", "thread_ts": "1.2" }), "thread_not_found"),
        (
            "chat.postMessage",
            json!({ "channel": general, "text": "x", "metadata": { "event_type": "" } }),
            "invalid_metadata_format",
        ),
        ("chat.update", json!({ "channel": general, "ts": bobs, "text": "x" }), "cant_update_message"),
        ("chat.update", json!({ "channel": general, "ts": "1.2", "text": "x" }), "message_not_found"),
        ("chat.delete", json!({ "channel": general, "ts": bobs }), "cant_delete_message"),
        ("chat.postEphemeral", json!({ "channel": general, "user": "U404", "text": "x" }), "user_not_in_channel"),
        ("conversations.create", json!({ "name": "inc-1" }), "name_taken"),
        ("conversations.create", json!({ "name": "Inc 2" }), "invalid_name_specials"),
        ("conversations.create", json!({ "name": "x".repeat(81) }), "invalid_name_maxlength"),
        ("conversations.setTopic", json!({ "channel": general, "topic": long }), "too_long"),
        ("conversations.invite", json!({ "channel": general, "users": bench.user("ann") }), "already_in_channel"),
        ("conversations.invite", json!({ "channel": general, "users": "U0SANDBOXBOT" }), "cant_invite_self"),
        ("conversations.invite", json!({ "channel": general, "users": "U404" }), "user_not_found"),
        ("conversations.rename", json!({ "channel": general, "name": "other" }), "not_authorized"),
        ("conversations.archive", json!({ "channel": general }), "cant_archive_general"),
        ("pins.remove", json!({ "channel": general, "timestamp": own }), "no_pin"),
        ("reactions.add", json!({ "channel": general, "timestamp": own, "name": "no_such_emoji" }), "invalid_name"),
        ("reactions.remove", json!({ "channel": general, "timestamp": own, "name": "eyes" }), "no_reaction"),
        ("views.open", json!({ "trigger_id": "1.2.3", "view": modal() }), "invalid_trigger_id"),
        // This method reads no JSON, so it sees no channel.
        ("conversations.info", json!({ "channel": general }), "invalid_arguments"),
    ] {
        let answer = bench.call(method, body.clone()).await;
        assert_eq!(answer["error"], error, "{method} {body}");
    }
    for (method, error) in [("pins.add", "already_pinned"), ("reactions.add", "already_reacted")] {
        let body = json!({ "channel": general, "timestamp": own, "name": "eyes" });
        bench.call(method, body.clone()).await;
        assert_eq!(bench.call(method, body).await["error"], error);
    }
    let room = bench.channel("inc-1");
    assert_eq!(bench.call("conversations.archive", json!({ "channel": room })).await["ok"], true);
    assert_eq!(bench.call("chat.postMessage", json!({ "channel": room, "text": "x" })).await["error"], "is_archived");
    let unknown = bench.call("chat.postMessage", json!({ "channel": general, "text": "x", "flags": 1 })).await;
    assert_eq!(unknown["ok"], true, "Slack ignores what it does not know");
    assert!(bench.slack().unexpected().iter().any(|it| it == "chat.postMessage: unknown argument flags"));
}

#[tokio::test]
async fn blocks_keep_every_limit() {
    let bench = Bench::start(false).await;
    let general = bench.channel("general");
    let plain = |length: usize| json!({ "type": "plain_text", "text": "x".repeat(length) });
    let mrkdwn = |length: usize| json!({ "type": "mrkdwn", "text": "x".repeat(length) });
    let section = |length: usize| json!({ "type": "section", "text": mrkdwn(length) });
    let button = |id: &str| json!({ "type": "button", "action_id": id, "text": plain(75), "value": "x".repeat(2000) });
    let divider = json!({ "type": "divider" });
    let good = json!([section(3000), { "type": "header", "text": plain(150) }, { "type": "actions", "elements": [button("a"), button("b")] },
        { "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [{ "type": "text", "text": "hi", "style": { "bold": true } }] }] }]);
    let answer = bench.call("chat.postMessage", json!({ "channel": general, "text": "x", "blocks": good })).await;
    assert_eq!(answer["ok"], true, "{answer}");
    assert!(answer["message"]["blocks"][0]["block_id"].is_string(), "Slack names blocks");
    for (blocks, place) in [
        (json!([section(3001)]), "/blocks/0/text/text"),
        (json!([section(0)]), "/blocks/0/text/text"),
        (json!([{ "type": "header", "text": plain(151) }]), "/blocks/0/text/text"),
        (json!([{ "type": "header", "text": mrkdwn(5) }]), "/blocks/0/text/type"),
        (json!([{ "type": "section" }]), "/blocks/0"),
        (json!([{ "type": "section", "text": plain(1), "colour": "red" }]), "/blocks/0"),
        (json!([{ "type": "section", "fields": vec![plain(1); 11] }]), "/blocks/0/fields"),
        (json!([{ "type": "section", "fields": [plain(2001)] }]), "/blocks/0/fields/0/text"),
        (json!([{ "type": "context", "elements": vec![plain(1); 11] }]), "/blocks/0/elements"),
        (
            json!([{ "type": "actions", "elements": (0..26).map(|it| button(&it.to_string())).collect::<Vec<_>>() }]),
            "/blocks/0/elements",
        ),
        (json!([{ "type": "actions", "elements": [button("a"), button("a")] }]), "/blocks/0/elements/1/action_id"),
        (
            json!([{ "type": "actions", "elements": [{ "type": "button", "text": plain(76) }] }]),
            "/blocks/0/elements/0/text/text",
        ),
        (json!([{ "type": "carousel" }]), "/blocks/0/type"),
        (
            json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [{ "type": "text", "text": "" }] }] }]),
            "/blocks/0/elements/0/elements/0/text",
        ),
        (json!(vec![divider; 51]), "/blocks"),
    ] {
        let answer = bench.call("chat.postMessage", json!({ "channel": general, "text": "x", "blocks": blocks })).await;
        assert_eq!(answer["error"], "invalid_blocks", "{blocks}");
        let messages = answer["response_metadata"]["messages"].to_string();
        assert!(
            messages.contains(&format!("[json-pointer:{place}]")) && messages.contains("[ERROR] "),
            "{place}: {messages}"
        );
    }
    let whole: Vec<Value> = (0..5).map(|_| section(2990)).collect();
    let answer = bench.call("chat.postMessage", json!({ "channel": general, "text": "x", "blocks": whole })).await;
    assert_eq!(answer["error"], "msg_blocks_too_long");
    let bad = json!([{ "color": "reddish", "blocks": [] }]);
    let answer = bench.call("chat.postMessage", json!({ "channel": general, "text": "x", "attachments": bad })).await;
    assert_eq!(answer["error"], "invalid_attachments");
    assert_eq!(bench.slack().unexpected().len(), 17);
}

#[tokio::test]
async fn the_bot_writes_only_where_it_is() {
    let bench = Bench::start(false).await;
    let made = bench.call("conversations.create", json!({ "name": "war-room" })).await;
    let room = made["channel"]["id"].as_str().expect("an id").to_owned();
    assert!(bench.slack().types("ann", "war-room", "hi", None).await.is_err(), "ann is not in it yet");
    bench.call("conversations.invite", json!({ "channel": room, "users": bench.user("ann") })).await;
    bench.slack().types("ann", "war-room", "hi @bob & <all>", None).await.expect("now she is");
    bench.slack().joins("bob", "war-room").await.expect("it is public");
    let said = bench
        .messages("war-room")
        .iter()
        .find(|it| it["user"] == bench.user("ann").as_str() && it["subtype"].is_null())
        .cloned();
    let expected = format!("hi <@{}> &amp; &lt;all&gt;", bench.user("bob"));
    assert_eq!(said.expect("her message")["text"], expected);
    let members = bench.get("conversations.members", &[("channel", &room), ("limit", "2")]).await;
    assert_eq!(members["members"].as_array().map(Vec::len), Some(2));
    let cursor = members["response_metadata"]["next_cursor"].as_str().expect("a cursor").to_owned();
    let members = bench.get("conversations.members", &[("channel", &room), ("limit", "2"), ("cursor", &cursor)]).await;
    assert_eq!(members["members"].as_array().map(Vec::len), Some(1));
    assert_eq!(members["response_metadata"]["next_cursor"], "");
}

#[tokio::test]
async fn history_keeps_metadata_and_threads_apart() {
    let bench = Bench::start(false).await;
    let general = bench.channel("general");
    let metadata = json!({ "event_type": "effect", "event_payload": { "key": "k1" } });
    let body = json!({ "channel": general, "text": "root", "metadata": metadata });
    let root = bench.call("chat.postMessage", body).await["ts"].as_str().expect("a ts").to_owned();
    let reply = json!({ "channel": general, "text": "reply", "thread_ts": root, "metadata": metadata });
    let reply = bench.call("chat.postMessage", reply).await["ts"].as_str().expect("a ts").to_owned();
    assert!(reply > root, "a ts grows even where time stands still");
    let history = bench.get("conversations.history", &[("channel", &general), ("include_all_metadata", "true")]).await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["messages"][0]["metadata"], metadata);
    assert_eq!(history["messages"][0]["reply_count"], 1);
    let replies = bench.get("conversations.replies", &[("channel", &general), ("ts", &root)]).await;
    assert_eq!(replies["messages"].as_array().map(Vec::len), Some(2));
    assert!(replies["messages"][1]["metadata"].is_null(), "not without include_all_metadata");
    let exact = [("channel", general.as_str()), ("latest", &root), ("inclusive", "true"), ("limit", "1")];
    assert_eq!(bench.get("conversations.history", &exact).await["messages"][0]["ts"], root);
    let link = bench.get("chat.getPermalink", &[("channel", &general), ("message_ts", &root)]).await;
    assert_eq!(
        link["permalink"],
        format!("https://sandbox.slack.example/archives/{general}/p{}", root.replace('.', ""))
    );
    // A text without blocks takes the blocks away; neither leaves them.
    let blocks = json!([{ "type": "divider" }]);
    bench.call("chat.update", json!({ "channel": general, "ts": root, "blocks": blocks, "text": "b" })).await;
    assert_eq!(bench.messages("general")[0]["edited"], false);
    bench.call("chat.update", json!({ "channel": general, "ts": root, "attachments": [] })).await;
    assert_eq!(bench.messages("general")[0]["blocks"].as_array().map(Vec::len), Some(1));
    bench.call("chat.update", json!({ "channel": general, "ts": root, "text": "only words" })).await;
    assert_eq!(bench.messages("general")[0]["blocks"].as_array().map(Vec::len), Some(0));
    assert_eq!(bench.slack().unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn limits_answer_429_until_the_time_is_over() {
    let bench = Bench::start(true).await;
    let slack = bench.slack();
    let (general, alerts) = (bench.channel("general"), bench.channel("alerts"));
    let post = async |channel: &str| {
        let body = json!({ "channel": channel, "text": "x" });
        let answer = bench.raw("chat.postMessage", slack.bot_token(), &body).await.expect("an answer");
        (
            answer.status().as_u16(),
            answer.headers().get("retry-after").and_then(|it| it.to_str().ok()).map(str::to_owned),
        )
    };
    for _ in 0..5 {
        assert_eq!(post(&general).await.0, 200);
    }
    assert_eq!(post(&general).await, (429, Some("1".to_owned())));
    assert_eq!(post(&alerts).await.0, 200, "posting is limited by channel");
    assert_eq!(slack.early_requests(), 0);
    bench.advance(500);
    assert_eq!(post(&general).await.0, 429);
    assert_eq!(slack.early_requests(), 1);
    bench.advance(600);
    assert_eq!(post(&general).await.0, 200);
    slack.fault("chat.update", 1, CallFault::RateLimited { retry_after: 30, global: false });
    let update = json!({ "channel": general, "ts": "1.2", "text": "x" });
    assert_eq!(bench.call("chat.update", update.clone()).await["error"], "ratelimited");
    bench.advance(29_000);
    assert_eq!(bench.call("chat.update", update.clone()).await["error"], "ratelimited");
    bench.advance(1_000);
    assert_eq!(bench.call("chat.update", update).await["error"], "message_not_found");
    assert_eq!(slack.early_requests(), 2);
}

#[tokio::test]
async fn faults_come_before_or_after_the_work() {
    let bench = Bench::start(false).await;
    let slack = bench.slack();
    let body = json!({ "channel": bench.channel("general"), "text": "x" });
    let post = || bench.raw("chat.postMessage", slack.bot_token(), &body);
    let count = || bench.messages("general").len();
    slack.fault("chat.postMessage", 1, CallFault::Status { status: 503 });
    assert_eq!(post().await.expect("an answer").status().as_u16(), 503);
    slack.fault("chat.postMessage", 1, CallFault::Refuse { error: "fatal_error".to_owned() });
    slack.fault("chat.postMessage", 1, CallFault::BareNotOk);
    slack.fault("chat.postMessage", 1, CallFault::Html);
    assert_eq!(post().await.expect("an answer").json::<Value>().await.expect("JSON")["error"], "fatal_error");
    assert_eq!(post().await.expect("an answer").json::<Value>().await.expect("JSON"), json!({ "ok": false }));
    assert!(post().await.expect("an answer").json::<Value>().await.is_err());
    slack.fault("chat.postMessage", 1, CallFault::Hang);
    assert!(tokio::time::timeout(Duration::from_millis(50), post()).await.is_err());
    assert_eq!(count(), 0);
    slack.fault("chat.postMessage", 1, CallFault::HangAfterWork);
    assert!(tokio::time::timeout(Duration::from_millis(200), post()).await.is_err());
    assert_eq!(count(), 1);
    slack.fault("*", 1, CallFault::DropAfterWork);
    assert!(post().await.is_err(), "not even headers");
    slack.fault("chat.postMessage", 1, CallFault::StatusAfterWork { status: 500 });
    assert_eq!(post().await.expect("an answer").status().as_u16(), 500);
    slack.fault("chat.postMessage", 1, CallFault::CutBodyAfterWork);
    assert!(post().await.expect("an answer").json::<Value>().await.is_err());
    assert_eq!(count(), 4);
    assert_eq!(slack.requests().len(), 9);
}

#[tokio::test]
async fn mentions_that_notify_are_counted() {
    let bench = Bench::start(false).await;
    bench.post("quiet &lt;!channel&gt; and <https://example.com|a link>").await;
    assert_eq!(bench.slack().notifications(), Vec::new());
    let blocks = json!([{ "type": "header", "text": { "type": "plain_text", "text": "<!channel>" } },
        { "type": "section", "text": { "type": "mrkdwn", "text": "loud <!here>" } }]);
    bench
        .call(
            "chat.postMessage",
            json!({ "channel": bench.channel("general"), "text": "<!everyone>", "blocks": blocks }),
        )
        .await;
    let mentions: Vec<String> = bench.slack().notifications().into_iter().map(|it| it.mention).collect();
    assert_eq!(mentions, ["<!everyone>", "<!here>"]);
    bench
        .call(
            "chat.postMessage",
            json!({ "channel": bench.channel("general"), "text": "psst @ann", "link_names": true }),
        )
        .await;
    assert_eq!(bench.slack().notifications().len(), 3);
}
