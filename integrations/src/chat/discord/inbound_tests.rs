//! Payloads as Discord sends them, and as nobody should.

use serde_json::json;

use super::*;

fn me() -> Identity {
    Identity { guild: "100".into(), user_id: "1".into(), application: "2".into(), name: "muster".into() }
}

fn dispatch(kind: &str, data: Value) -> Value {
    json!({ "op": 0, "t": kind, "s": 7, "d": data, "session": "ab12" })
}

fn interaction_of(kind: u64, data: Value) -> Value {
    dispatch(
        "INTERACTION_CREATE",
        json!({
            "id": "900", "application_id": "2", "type": kind, "token": "secret-token", "version": 1, "guild_id": "100",
            "channel_id": "50", "data": data, "locale": "en-US", "entitlements": [], "attachment_size_limit": 10_485_760,
            "context": 0, "authorizing_integration_owners": { "0": "100" },
            "member": { "nick": null, "roles": [], "user": { "id": "7", "username": "ann", "global_name": "Ann" } },
            "message": { "id": "60", "channel_id": "50" },
        }),
    )
}

fn message_of(more: Value) -> Value {
    let mut data = json!({
        "id": "60", "channel_id": "50", "guild_id": "100", "type": 0, "content": "hello",
        "author": { "id": "7", "username": "ann", "global_name": "Ann" }, "member": { "nick": "Annie" }, "mentions": [],
    });
    for (key, value) in more.as_object().expect("an object") {
        data[key] = value.clone();
    }
    dispatch("MESSAGE_CREATE", data)
}

fn act_of(dispatch: &Value) -> Inbound {
    match parse(dispatch, &me()) {
        Ok(Parsed::Act(inbound)) => *inbound,
        other => panic!("no act: {other:?}"),
    }
}

fn ignored(dispatch: &Value) -> bool {
    matches!(parse(dispatch, &me()), Ok(Parsed::Ignored(_)))
}

#[test]
fn a_command_has_its_path_and_its_options_as_text() {
    let options = json!([
        { "type": 3, "name": "title", "value": "it burns" }, { "type": 6, "name": "who", "value": "8" },
        { "type": 4, "name": "count", "value": 3 }, { "type": 5, "name": "loud", "value": true },
    ]);
    let sub = json!([{ "type": 1, "name": "declare", "options": options }]);
    let inbound = act_of(&interaction_of(2, json!({ "id": "3", "type": 1, "name": "incident", "options": sub })));
    assert_eq!(inbound.delivery, "discord:900");
    assert_eq!(inbound.by.name.as_str(), "Ann");
    assert_eq!((inbound.by.user.workspace.as_str(), inbound.by.user.user.as_str()), ("100", "7"));
    let Act::Command { name, line: Line::Options { path, options }, reply } = inbound.what else { panic!("a command") };
    assert_eq!((name.as_str(), path), ("incident", vec!["declare".to_owned()]));
    let expected = [("count", "3"), ("loud", "true"), ("title", "it burns"), ("who", "<@8>")];
    assert!(options.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected));
    assert!(!format!("{reply:?}").contains("secret-token"));
}

#[test]
fn a_subcommand_in_a_group_has_both_names() {
    let sub = json!([{ "type": 2, "name": "role", "options": [{ "type": 1, "name": "take" }] }]);
    let inbound = act_of(&interaction_of(2, json!({ "type": 1, "name": "incident", "options": sub })));
    let Act::Command { line: Line::Options { path, options }, .. } = inbound.what else { panic!("a command") };
    assert_eq!(path, ["role", "take"]);
    assert!(options.is_empty());
}

#[test]
fn a_click_and_a_choice_carry_their_command() {
    let inbound = act_of(&interaction_of(3, json!({ "custom_id": "#2 alert ack A-3", "component_type": 2 })));
    let Act::Click { click, chosen, message, .. } = inbound.what else { panic!("a click") };
    assert_eq!((click.as_str(), chosen, message.message.as_str()), ("alert ack A-3", None, "60"));
    let data = json!({ "custom_id": "incident sev INC-1", "component_type": 3, "values": ["SEV2"] });
    let Act::Click { click, chosen, .. } = act_of(&interaction_of(3, data)).what else { panic!("a choice") };
    assert_eq!((click.as_str(), chosen.as_deref()), ("incident sev INC-1", Some("SEV2")));
}

#[test]
fn a_form_is_read_in_both_shapes_and_empty_fields_are_left_out() {
    let components = json!([
        { "type": 18, "component": { "type": 4, "custom_id": "title", "value": "it burns" } },
        { "type": 18, "component": { "type": 3, "custom_id": "sev", "values": ["SEV1"] } },
        { "type": 18, "component": { "type": 3, "custom_id": "role", "values": [] } },
        { "type": 1, "components": [{ "type": 4, "custom_id": "summary", "value": "much" }] },
        { "type": 1, "components": [{ "type": 4, "custom_id": "empty", "value": " " }] },
        { "type": 10, "content": "only text" },
    ]);
    let data = json!({ "custom_id": "incident declare", "components": components });
    let Act::Submit { click, values, .. } = act_of(&interaction_of(5, data)).what else { panic!("a form") };
    assert_eq!(click, "incident declare");
    let expected = [("sev", "SEV1"), ("summary", "much"), ("title", "it burns")];
    assert!(values.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected));
}

#[test]
fn what_is_being_typed_is_a_completion() {
    let options = json!([{ "type": 3, "name": "other", "value": "x" }, { "type": 3, "name": "incident", "value": "che", "focused": true }]);
    let data = json!({ "type": 1, "name": "incident", "options": [{ "type": 1, "name": "show", "options": options }] });
    let Ok(Parsed::Complete(completion)) = parse(&interaction_of(4, data), &me()) else { panic!("a completion") };
    assert_eq!((completion.name.as_str(), completion.path.as_slice()), ("incident", ["show".to_owned()].as_slice()));
    assert_eq!((completion.option.as_str(), completion.partial.as_str()), ("incident", "che"));
    assert!(!format!("{completion:?}").contains("secret-token"));
}

#[test]
fn whoever_is_not_from_here_is_foreign() {
    let command = json!({ "type": 1, "name": "incident" });
    let mut other_server = interaction_of(2, command.clone());
    other_server["d"]["guild_id"] = json!("101");
    let mut direct = interaction_of(2, command.clone());
    direct["d"]["user"] = direct["d"]["member"]["user"].take();
    for key in ["guild_id", "member"] {
        direct["d"].as_object_mut().expect("an object").remove(key);
    }
    let mut installed_by_a_person = interaction_of(2, command.clone());
    installed_by_a_person["d"]["authorizing_integration_owners"] = json!({ "1": "7" });
    let (mut guest, mut unscreened) = (interaction_of(2, command.clone()), interaction_of(2, command));
    guest["d"]["member"]["flags"] = json!(16 | 2);
    unscreened["d"]["member"]["pending"] = json!(true);
    for payload in [other_server, direct, installed_by_a_person, guest, unscreened] {
        assert!(matches!(parse(&payload, &me()), Ok(Parsed::Foreign(_))), "{payload}");
        let mut typing = payload.clone();
        typing["d"]["type"] = json!(4);
        assert!(ignored(&typing));
    }
}

#[test]
fn a_click_in_a_direct_message_of_the_bots_counts() {
    let mut click = interaction_of(3, json!({ "component_type": 2, "custom_id": "alert ack A-1" }));
    click["d"]["message"] = json!({ "id": "61" });
    click["d"]["user"] = click["d"]["member"]["user"].take();
    for key in ["guild_id", "member"] {
        click["d"].as_object_mut().expect("an object").remove(key);
    }
    click["d"]["authorizing_integration_owners"] = json!({ "0": "0" });
    assert!(matches!(act_of(&click).what, Act::Click { click, .. } if click == "alert ack A-1"));
    click["d"]["authorizing_integration_owners"] = json!({ "1": "7" });
    assert!(matches!(parse(&click, &me()), Ok(Parsed::Foreign(_))), "installed by a person for themselves");
}

#[test]
fn a_message_that_begins_with_the_bot_is_a_mention() {
    for raw in ["<@1> ack A-3", " <@!1>ack A-3 "] {
        let inbound = act_of(&message_of(json!({ "content": raw })));
        let Act::Mention { text, message, reply } = inbound.what else { panic!("a mention") };
        assert_eq!((text.as_str(), message.message.as_str()), ("ack A-3", "60"));
        assert_eq!(reply, ReplyTo::Message { message });
    }
    let passing = act_of(&message_of(json!({ "content": "ask <@1> or <@12>" })));
    assert!(matches!(passing.what, Act::Message { .. }));
    let other = act_of(&message_of(json!({ "content": "<@12> hello" })));
    assert!(matches!(other.what, Act::Message { .. }));
}

#[test]
fn a_message_is_read_as_people_saw_it() {
    let mentions = json!([{ "id": "8", "username": "bo", "global_name": "Bo" }]);
    let inbound = act_of(&message_of(json!({ "content": "ask <@8> \u{202e}now", "mentions": mentions })));
    assert_eq!((inbound.delivery.as_str(), inbound.by.name.as_str()), ("discord:60", "Annie"));
    let Act::Message { text, .. } = inbound.what else { panic!("a message") };
    assert_eq!(text.as_str(), "ask @Bo now");
}

#[test]
fn messages_of_bots_of_others_and_of_discord_itself_are_no_acts() {
    for more in [
        json!({ "author": { "id": "1", "username": "muster" } }),
        json!({ "author": { "id": "9", "username": "bot", "bot": true } }),
        json!({ "webhook_id": "77" }),
        json!({ "guild_id": "101" }),
        json!({ "guild_id": null }),
        json!({ "type": 7 }),
        json!({ "type": 18 }),
        json!({ "content": "" }),
        json!({ "type": 6 }),
        json!({ "type": 6, "author": { "id": "1" }, "message_reference": { "message_id": "40", "channel_id": "50" } }),
    ] {
        assert!(ignored(&message_of(more.clone())), "{more}");
    }
}

#[test]
fn a_pin_is_read_from_the_message_about_it() {
    let more = json!({ "type": 6, "content": "", "message_reference": { "message_id": "40", "channel_id": "50", "guild_id": "100" } });
    let inbound = act_of(&message_of(more));
    let Act::Pin { on, added } = inbound.what else { panic!("a pin") };
    assert_eq!((on.message.as_str(), added, inbound.by.user.user.as_str()), ("40", true, "7"));
    assert!(ignored(&dispatch("CHANNEL_PINS_UPDATE", json!({ "guild_id": "100", "channel_id": "50" }))));
}

#[test]
fn reactions_are_told_apart_and_delivered_again_as_the_same() {
    let data = json!({ "user_id": "7", "channel_id": "50", "message_id": "60", "guild_id": "100", "emoji": { "id": null, "name": "📌" },
        "member": { "nick": null, "user": { "id": "7", "username": "ann", "global_name": null } } });
    let added = act_of(&dispatch("MESSAGE_REACTION_ADD", data.clone()));
    assert_eq!(added, act_of(&dispatch("MESSAGE_REACTION_ADD", data.clone())));
    assert_eq!(added.by.name.as_str(), "ann");
    let removed = act_of(&dispatch("MESSAGE_REACTION_REMOVE", data.clone()));
    assert_ne!(added.delivery, removed.delivery);
    let mut later = dispatch("MESSAGE_REACTION_ADD", data.clone());
    later["s"] = json!(9);
    assert_ne!(act_of(&later).delivery, added.delivery);
    let mut mine = dispatch("MESSAGE_REACTION_ADD", data);
    mine["d"]["user_id"] = json!("1");
    assert!(ignored(&mine));
}

#[test]
fn broken_payloads_are_errors_and_never_a_panic() {
    let whole = [
        interaction_of(
            2,
            json!({ "type": 1, "name": "incident", "options": [{ "type": 3, "name": "a", "value": "b" }] }),
        ),
        interaction_of(3, json!({ "custom_id": "x", "values": ["y"] })),
        interaction_of(4, json!({ "name": "incident", "options": [{ "name": "a", "value": "b", "focused": true }] })),
        interaction_of(
            5,
            json!({ "custom_id": "x", "components": [{ "type": 18, "component": { "custom_id": "a", "value": "b" } }] }),
        ),
        message_of(json!({})),
        dispatch(
            "MESSAGE_REACTION_ADD",
            json!({ "user_id": "7", "channel_id": "5", "message_id": "6", "guild_id": "100", "emoji": { "name": "x" } }),
        ),
    ];
    let odd = [Value::Null, json!(7), json!(""), json!([]), json!({}), json!([[[]]]), json!(true)];
    for payload in whole {
        for pointer in pointers(&payload, "") {
            for value in &odd {
                let mut broken = payload.clone();
                *broken.pointer_mut(&pointer).expect("it is there") = value.clone();
                let _ = parse(&broken, &me());
            }
        }
    }
    for payload in odd {
        assert!(parse(&payload, &me()).is_err());
    }
}

/// Where each value in a payload is.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (format!("{at}/{key}"), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(key, value)| (format!("{at}/{key}"), value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    inner.into_iter().flat_map(|(at, value)| std::iter::once(at.clone()).chain(pointers(value, &at))).collect()
}
