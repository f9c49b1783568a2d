//! Payloads as Slack sends them, and payloads as nobody should.

use serde_json::json;

use super::*;

fn bot() -> Identity {
    Identity {
        team: "T1".to_owned(),
        user_id: "UBOT".to_owned(),
        bot_id: "BBOT".to_owned(),
        url: "https://example.slack.com/".to_owned(),
        name: "muster".to_owned(),
    }
}

fn event_envelope(event: &Value) -> Value {
    json!({ "type": "events_api", "envelope_id": "e-1", "accepts_response_payload": false, "retry_attempt": 0,
        "payload": { "type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event_time": 1, "event": event } })
}

fn act_of(envelope: &Value) -> Inbound {
    match parse(envelope, &bot()) {
        Ok(Parsed::Act(inbound)) => *inbound,
        other => panic!("not an act: {other:?}"),
    }
}

fn is_ignored(envelope: &Value) -> bool {
    matches!(parse(envelope, &bot()), Ok(Parsed::Ignored(_)))
}

fn message_with(fields: &Value) -> Value {
    let mut event = json!({ "type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1.000100", "text": "hello" });
    for (name, value) in fields.as_object().expect("fields") {
        event[name] = value.clone();
    }
    event_envelope(&event)
}

#[test]
fn whoever_comes_is_a_member_or_a_guest() {
    let came = |more: &Value| {
        let mut user = json!({ "id": "U7", "team_id": "T1", "name": "kim", "deleted": false });
        user.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        parse(&event_envelope(&json!({ "type": "team_join", "user": user })), &bot())
    };
    let account = UserRef { platform: Platform::Slack, workspace: bot().team, user: "U7".to_owned() };
    for (more, standing) in [
        (json!({ "is_restricted": false }), None),
        (json!({ "is_restricted": true, "is_ultra_restricted": false }), Some(Standing::Guest)),
        (json!({ "is_restricted": true, "is_ultra_restricted": true }), Some(Standing::Guest)),
        (json!({ "is_stranger": true }), Some(Standing::Guest)),
        (json!({ "deleted": true, "is_restricted": true }), Some(Standing::Left)),
    ] {
        assert_eq!(came(&more), Ok(Parsed::Account(account.clone(), standing)), "{more}");
    }
    assert!(came(&json!({ "id": "" })).is_err());
}

#[test]
fn a_slash_command_is_read() {
    let inbound = act_of(
        &json!({ "type": "slash_commands", "envelope_id": "e-1", "accepts_response_payload": true, "payload": {
        "team_id": "T1", "channel_id": "C1", "user_id": "U1", "user_name": "ann", "command": "/incident",
        "text": " declare a &lt;b&gt; for <@U2|bo> ", "response_url": "https://hooks.slack.com/commands/1", "trigger_id": "t.1" } }),
    );
    assert_eq!(
        (inbound.delivery.as_str(), inbound.by.name.as_str(), inbound.by.user.workspace.as_str()),
        ("e-1", "ann", "T1")
    );
    let Act::Command { name, line, reply: ReplyTo::Slack { response_url, trigger, user, thread, .. } } = inbound.what
    else {
        panic!("a command")
    };
    assert_eq!((name.as_str(), line), ("incident", Line::Text("declare a <b> for <@U2|bo>".to_owned())));
    assert_eq!(response_url.as_deref(), Some("https://hooks.slack.com/commands/1"));
    assert_eq!((trigger.as_deref(), user.as_str(), thread), (Some("t.1"), "U1", None));
}

#[test]
fn a_click_and_a_choice_are_read() {
    let click = |action: Value| {
        json!({ "type": "interactive", "envelope_id": "e-2", "payload": {
            "type": "block_actions", "team": { "id": "T1" }, "user": { "id": "U1", "name": "ann", "team_id": "T1" },
            "container": { "type": "message_attachment", "message_ts": "5.1", "channel_id": "C1", "thread_ts": "4.1" },
            "channel": { "id": "C1" }, "trigger_id": "t", "response_url": "https://hooks.slack.com/actions/1", "actions": [action] } })
    };
    let inbound = act_of(&click(json!({ "type": "button", "action_id": "click:0", "value": "alert ack A-3" })));
    let Act::Click { click: clicked, chosen, message, reply: ReplyTo::Slack { thread, .. } } = inbound.what else {
        panic!("a click")
    };
    assert_eq!((clicked.as_str(), chosen, message.message.as_str()), ("alert ack A-3", None, "5.1"));
    assert_eq!(thread, Some(MessageId::from("4.1")));

    let menu = json!({ "type": "static_select", "action_id": "menu:incident sev INC-1", "selected_option": { "value": "SEV2" } });
    let Act::Click { click: clicked, chosen, .. } = act_of(&click(menu)).what else { panic!("a choice") };
    assert_eq!((clicked.as_str(), chosen.as_deref()), ("incident sev INC-1", Some("SEV2")));

    assert!(is_ignored(&click(json!({ "type": "button", "action_id": "link", "url": "https://a.example" }))));
    assert!(is_ignored(&click(json!({ "type": "datepicker", "action_id": "d", "selected_date": "2026-01-01" }))));
}

#[test]
fn a_form_is_read_by_its_fields_keys() {
    let inbound = act_of(&json!({ "type": "interactive", "envelope_id": "e-3", "payload": {
        "type": "view_submission", "team": { "id": "T1" }, "user": { "id": "U1", "username": "ann" }, "trigger_id": "t2",
        "view": { "private_metadata": "{\"click\":\"incident declare\",\"channel\":\"C1\"}", "state": { "values": {
            "title": { "title": { "type": "plain_text_input", "value": "It <burns>" } },
            "sev": { "sev": { "type": "static_select", "selected_option": { "value": "SEV1", "text": {} } } },
            "note": { "note": { "type": "plain_text_input", "value": null } },
            "blank": { "blank": { "type": "plain_text_input", "value": "  " } } } } } } }));
    assert_eq!(inbound.channel, ChannelId::from("C1"));
    let Act::Submit { click, values, .. } = inbound.what else { panic!("a form") };
    assert_eq!(click, "incident declare");
    let expected = [("sev", "SEV1"), ("title", "It <burns>")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(values, BTreeMap::from(expected));
}

#[test]
fn a_mention_makes_one_act_of_two_events() {
    let fields = json!({ "text": "<@UBOT> ack &amp; go" });
    assert!(is_ignored(&message_with(&fields)));
    let mut mention = message_with(&fields);
    mention["payload"]["event"]["type"] = json!("app_mention");
    let Act::Mention { text, reply: ReplyTo::Slack { thread, .. }, .. } = act_of(&mention).what else {
        panic!("a mention")
    };
    assert_eq!((text.as_str(), thread), ("ack & go", Some(MessageId::from("1.000100"))));

    let passing = json!({ "text": "ask <@UBOT> about it" });
    assert!(matches!(act_of(&message_with(&passing)).what, Act::Message { .. }));
    let mut mention = message_with(&passing);
    mention["payload"]["event"]["type"] = json!("app_mention");
    assert!(is_ignored(&mention));
}

#[test]
fn a_direct_message_is_for_the_bot() {
    let Act::Mention { text, .. } =
        act_of(&message_with(&json!({ "channel": "D1", "channel_type": "im", "text": "help" }))).what
    else {
        panic!("addressed")
    };
    assert_eq!(text, "help");
}

#[test]
fn messages_keep_odd_payloads_text() {
    // A typed model loses the text of each of these.
    for odd in [
        json!({ "metadata": { "event_type": "x", "event_payload": { "n": 1, "b": true, "o": {} } } }),
        json!({ "attachments": [{ "id": "one" }] }),
        json!({ "blocks": [{ "type": "new_block", "x": 1 }] }),
        json!({ "subtype": "file_share", "files": [{}] }),
        json!({ "subtype": "thread_broadcast", "thread_ts": "0.9" }),
        json!({ "thread_ts": "0.9" }),
    ] {
        let Act::Message { text, message } = act_of(&message_with(&odd)).what else { panic!("a message: {odd}") };
        assert_eq!((text.as_str(), message.message.as_str()), ("hello", "1.000100"), "{odd}");
    }
}

#[test]
fn what_is_not_for_the_bot_is_ignored() {
    for fields in [
        json!({ "bot_id": "BBOT" }),
        json!({ "bot_id": "BOTHER", "subtype": "bot_message" }),
        json!({ "user": "UBOT" }),
        json!({ "user": "USLACKBOT" }),
        json!({ "user_team": "TOTHER" }),
        json!({ "source_team": "TOTHER" }),
        json!({ "subtype": "message_changed", "message": {} }),
        json!({ "subtype": "message_deleted" }),
        json!({ "subtype": "channel_join" }),
        json!({ "type": "member_joined_channel" }),
    ] {
        assert!(is_ignored(&message_with(&fields)), "{fields}");
    }
    assert!(is_ignored(&json!({ "type": "hello", "num_connections": 1 })));
    assert!(is_ignored(&json!({ "type": "slash_commands", "envelope_id": "e", "payload": { "team_id": "TOTHER" } })));
}

#[test]
fn reactions_and_pins_are_read() {
    let reaction = json!({ "type": "reaction_added", "user": "U1", "reaction": "pushpin", "item_user": "U2",
        "item": { "type": "message", "channel": "C1", "ts": "3.1" }, "event_ts": "9.1" });
    let Act::Reaction { emoji, on, added } = act_of(&event_envelope(&reaction)).what else { panic!("a reaction") };
    assert_eq!((emoji.as_str(), on.message.as_str(), added), ("📌", "3.1", true));

    let pin = json!({ "type": "pin_removed", "user": "U1", "channel_id": "C1",
        "item": { "type": "message", "channel": "C1", "message": { "ts": "3.1" }, "created": 1, "created_by": "U1" } });
    let Act::Pin { on, added } = act_of(&event_envelope(&pin)).what else { panic!("a pin") };
    assert_eq!((on.channel.as_str(), on.message.as_str(), added), ("C1", "3.1", false));
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    let good = [
        message_with(&json!({})),
        json!({ "type": "slash_commands", "envelope_id": "e", "payload": { "team_id": "T1", "channel_id": "C1", "user_id": "U1", "command": "/x" } }),
        json!({ "type": "interactive", "envelope_id": "e", "payload": { "type": "block_actions", "user": { "id": "U1" }, "channel": { "id": "C1" },
            "container": { "message_ts": "1.1" }, "actions": [{ "type": "button", "value": "x" }] } }),
    ];
    for envelope in &good {
        assert!(matches!(parse(envelope, &bot()), Ok(Parsed::Act(_))), "{envelope}");
        for pointer in pointers(envelope, "") {
            for junk in [Value::Null, json!(7), json!([]), json!({}), json!(""), json!("\u{202e}|<>")] {
                let mut broken = envelope.clone();
                if let Some(place) = broken.pointer_mut(&pointer) {
                    *place = junk;
                }
                // Whatever comes of it, it is an answer.
                let _ = parse(&broken, &bot());
            }
        }
    }
    assert!(parse(&json!({ "type": "events_api", "envelope_id": "e" }), &bot()).is_err());
    assert!(parse(&json!([]), &bot()).is_err());
}

fn pointers(value: &Value, at: &str) -> Vec<String> {
    let mut all = vec![at.to_owned()];
    match value {
        Value::Object(fields) => {
            all.extend(fields.iter().flat_map(|(name, value)| pointers(value, &format!("{at}/{name}"))))
        }
        Value::Array(items) => {
            all.extend(items.iter().enumerate().flat_map(|(index, value)| pointers(value, &format!("{at}/{index}"))))
        }
        _ => {}
    }
    all
}
