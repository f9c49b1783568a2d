//! Bodies as Alertmanager sends them, and bodies that nobody should send.

use serde_json::{Map, Value, json};

use super::*;

const FIRING: &str = include_str!("../../../tests/fixtures/alertmanager-firing.json");

fn good() -> Value {
    serde_json::from_str(FIRING).expect("the fixture is JSON")
}

fn parse_value(value: &Value) -> Result<Received, BadBody> {
    parse("am", value.to_string().as_bytes())
}

/// The sentence that a body is refused with.
fn refused(body: &[u8]) -> String {
    let bad = parse("am", body).expect_err("this must be refused");
    let words = bad.to_string();
    assert!(!words.contains('\n') && words.ends_with('.') && words.chars().count() < 300, "{words}");
    words
}

fn changed(pointer: &str, to: Value) -> Vec<u8> {
    let mut body = good();
    *body.pointer_mut(pointer).expect("the fixture has it") = to;
    body.to_string().into_bytes()
}

fn without(at: &str, key: &str) -> Vec<u8> {
    let mut body = good();
    body.pointer_mut(at).and_then(Value::as_object_mut).expect("an object").remove(key).expect("the fixture has it");
    body.to_string().into_bytes()
}

#[test]
fn what_alertmanager_sends_is_read() {
    let received = parse("am", FIRING.as_bytes()).expect("a good body");
    assert_eq!(&*received.source, "am");
    assert_eq!(
        &*received.key,
        "{}:{alertname=\"HighErrorRate\", service=\"checkout\"}\u{1f}muster\u{1f}https://alertmanager.example.com"
    );
    assert_eq!(received.truncated, 3);
    assert_eq!(received.source_url.as_deref(), Some("https://alertmanager.example.com/"));
    assert_eq!(received.group_labels["service"].as_str(), "checkout");
    let [first, second] = received.alerts.as_slice() else { panic!("two alerts") };
    assert!(first.firing && !second.firing);
    assert_eq!(first.alert.ends_at, None);
    assert_eq!(first.alert.starts_at.to_string(), "2026-03-02T13:55:00.84Z");
    assert!(
        first.alert.source_url.as_deref().is_some_and(|url| url.starts_with("https://prometheus.example.com/graph?"))
    );
    assert_eq!(first.alert.annotations["summary"].as_str(), "Error rate 20% on checkout");
    assert_eq!(second.alert.ends_at.map(|at| at.to_string()).as_deref(), Some("2026-03-02T12:58:00Z"));
    assert_eq!(second.alert.source_url, None, "no link is made of a relative address");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let body = [b"\xef\xbb\xbf".as_slice(), FIRING.as_bytes()].concat();
    assert!(parse("am", &body).is_ok());
}

#[test]
fn what_is_no_json_is_refused() {
    assert!(refused(b"").contains("empty"));
    assert!(refused(b" \n").contains("empty"));
    assert!(refused(b"\xef\xbb\xbf").contains("empty"));
    assert!(refused(b"{\"version\":\"\xff\"}").contains("byte 12"));
    for body in [
        "not JSON",
        "{\"version\":\"4\"",
        "{} {}",
        r#"{"a":"\ud800"}"#,
        r#"{"a":1e400}"#,
        "{\"a\":\"\0\"}",
        "{\"a\":NaN}",
    ] {
        assert!(refused(body.as_bytes()).contains("not valid JSON (line 1, column "), "{body}");
    }
}

#[test]
fn nesting_is_measured_before_parsing() {
    let deep = |levels: usize| format!("{{\"version\":\"4\",\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(parse("am", deep(64).as_bytes()), Err(BadBody::TooDeep));
    assert_eq!(parse("am", deep(63).as_bytes()), Err(BadBody::Missing("alerts".to_owned())));
    assert_eq!(parse("am", "[".repeat(2_000_000).as_bytes()), Err(BadBody::TooDeep));
    assert!(depth_ok(br#"{"a":"[[[[\"[[[[","b":["\\"]}"#, 2), "brackets in strings don't count");
    assert!(!depth_ok(br#"["\\",[["x"]]]"#, 2));
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let twice = FIRING.replacen("\"status\":\"firing\"", "\"status\":\"firing\",\"status\":\"resolved\"", 1);
    assert!(refused(twice.as_bytes()).contains("\"status\" stands twice"));
    let hidden = FIRING.replacen("\"status\":\"firing\"", "\"status\":\"firing\",\"st\\u0061tus\":\"resolved\"", 1);
    assert!(refused(hidden.as_bytes()).contains("\"status\" stands twice"));
    let label = FIRING.replacen("\"cluster\":", "\"service\":\"x\",\"cluster\":", 1);
    assert!(refused(label.as_bytes()).contains("\"service\" stands twice"));
    let among = |count: usize| (0..count).map(|n| format!("\"k{n}\":1,")).collect::<String>();
    for count in [0, 1, 30, 31, 32, 100] {
        assert!(refused(format!("{{{}\"k\":1,\"k\":2}}", among(count)).as_bytes()).contains("\"k\" stands twice"));
    }
    let long = format!("{{\"{0}\":1,\"{0}\":2}}", "k".repeat(5_000));
    assert!(refused(long.as_bytes()).contains("(cut)"));
}

#[test]
fn other_versions_are_refused_by_name() {
    assert!(refused(b"{}").contains("version is missing"));
    assert!(refused(b"[]").contains("the body is a list"));
    assert!(refused(b"null").contains("the body is null"));
    assert!(refused(&changed("/version", json!("3"))).contains("version is \"3\""));
    assert!(refused(&changed("/version", json!(4))).contains("version is 4,"));
    let hostile = refused(&changed("/version", json!(format!("\u{202e}<b>\n{}", "x".repeat(5_000)))));
    assert!(!hostile.contains('\u{202e}'), "{hostile}");
}

#[test]
fn what_is_missing_is_named() {
    for key in ["alerts", "groupKey", "receiver"] {
        assert_eq!(parse("am", &without("", key)), Err(BadBody::Missing(key.to_owned())));
    }
    for key in ["status", "labels", "startsAt", "fingerprint"] {
        assert_eq!(parse("am", &without("/alerts/1", key)), Err(BadBody::Missing(format!("alerts[1].{key}"))));
    }
    for (at, key) in [("", "groupLabels"), ("", "externalURL"), ("", "truncatedAlerts"), ("/alerts/0", "endsAt")] {
        assert!(parse("am", &without(at, key)).is_ok(), "{key} may be missing");
    }
    for key in ["annotations", "generatorURL"] {
        assert!(parse("am", &without("/alerts/0", key)).is_ok(), "{key} may be missing");
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (pointer, value) in [
        ("/alerts", json!({})),
        ("/alerts/0", json!("x")),
        ("/alerts/0/status", json!("suppressed")),
        ("/alerts/0/status", json!(null)),
        ("/alerts/0/fingerprint", json!("")),
        ("/alerts/0/fingerprint", json!("../../etc")),
        ("/alerts/0/fingerprint", json!("a".repeat(65))),
        ("/alerts/0/labels", json!(["x"])),
        ("/alerts/0/labels", json!({"a": 1})),
        ("/alerts/0/labels", json!(null)),
        ("/alerts/0/annotations", json!({"a": {}})),
        ("/alerts/0/startsAt", json!("yesterday")),
        ("/alerts/0/startsAt", json!("2026-03-02 13:55:00Z")),
        ("/alerts/0/startsAt", json!("2026-03-02T13:55:00")),
        ("/alerts/0/startsAt", json!("2026-03-02T13:55:00Z[Europe/Berlin]")),
        ("/alerts/0/startsAt", json!("2026-03-02T13:55:00.Z")),
        ("/alerts/0/startsAt", json!("2026-02-30T13:55:00Z")),
        ("/alerts/0/startsAt", json!("0001-01-01T00:00:00Z")),
        ("/alerts/0/endsAt", json!(1)),
        ("/truncatedAlerts", json!(-1)),
        ("/truncatedAlerts", json!(1.5)),
        ("/groupKey", json!(7)),
    ] {
        let field = pointer.trim_start_matches('/').replace("/0", "[0]").replace('/', ".");
        let words = parse("am", &changed(pointer, value.clone())).map(|_| ());
        if value.is_null() && pointer.ends_with("labels") {
            assert_eq!(words, Ok(()), "Go writes null for an empty map");
            continue;
        }
        let words = words.expect_err("this must be refused").to_string();
        assert!(words.starts_with(&format!("The field {field} is ")), "{pointer}: {words}");
    }
}

#[test]
fn there_may_not_be_too_many() {
    let alert = good()["alerts"][0].clone();
    let mut body = good();
    body["alerts"] = vec![alert; MOST_ALERTS + 1].into();
    assert!(parse_value(&body).expect_err("too many").to_string().contains("10001 entries"));
    let labels: Map<String, Value> = (0..=MOST_LABELS).map(|n| (format!("l{n}"), json!("x"))).collect();
    assert!(refused(&changed("/alerts/0/labels", labels.into())).contains("alerts[0].labels has 201 entries"));
}

#[test]
fn words_from_outside_are_cleaned() {
    let received = parse(
        "am",
        &changed("/alerts/0/labels", json!({"alertname": "a\u{202e}b\u{0}c", "s\u{200b}ervice": "y", "service": "z"})),
    )
    .expect("a good body");
    let labels = &received.alerts[0].alert.labels;
    assert_eq!(labels["alertname"].as_str(), "abc");
    assert_eq!(labels.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["alertname", "service"]);
    let long = changed("/alerts/0/annotations", json!({"summary": "x".repeat(100_000)}));
    let received = parse("am", &long).expect("a good body");
    assert_eq!(received.alerts[0].alert.annotations["summary"].as_str().chars().count(), operations::text::LONGEST);
}

#[test]
fn only_plain_web_addresses_are_kept() {
    for (text, kept) in [
        ("https://a.example/x", true),
        ("http://a.example", true),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("https://good.example@evil.example/", false),
        ("//a.example", false),
        ("", false),
    ] {
        assert_eq!(address(text).is_some(), kept, "{text}");
    }
    assert_eq!(address(&format!("https://a.example/{}", "x".repeat(LONGEST_URL))), None);
    assert_eq!(address(&format!("https://a.example/{}", "é".repeat(LONGEST_URL / 3))), None, "it is kept as %C3%A9");
}

#[test]
fn the_end_of_what_fires_is_a_guess_and_left_out() {
    let received = parse("am", &changed("/alerts/0/endsAt", json!("2026-03-02T15:00:00Z"))).expect("a good body");
    assert_eq!(received.alerts[0].alert.ends_at, None);
}

#[test]
fn keys_tell_receivers_and_alertmanagers_apart_and_stay_short() {
    let key = |pointer: &str, value: Value| parse("am", &changed(pointer, value)).expect("a good body").key;
    let own = parse("am", FIRING.as_bytes()).expect("a good body").key;
    assert_ne!(key("/receiver", json!("other")), own);
    assert_ne!(key("/externalURL", json!("https://other.example.com")), own);
    let long = key("/groupKey", json!("g".repeat(50_000)));
    assert!(long.starts_with("sha256:") && long.len() == 71, "{long}");
}

#[test]
fn the_quick_way_and_the_strict_way_read_the_same() {
    let mut quick = 0;
    let values = [json!(null), json!(""), json!("firing"), json!(0), json!([]), json!({}), json!({"a": "b", "": "x"})];
    let pointers = [
        "/version",
        "/status",
        "/receiver",
        "/groupKey",
        "/truncatedAlerts",
        "/groupLabels",
        "/externalURL",
        "/alerts",
        "/alerts/0",
        "/alerts/0/status",
        "/alerts/0/labels",
        "/alerts/0/labels/severity",
        "/alerts/0/annotations",
        "/alerts/0/startsAt",
        "/alerts/0/endsAt",
        "/alerts/0/generatorURL",
        "/alerts/0/fingerprint",
    ];
    let mut bodies: Vec<String> = vec![FIRING.to_owned()];
    for pointer in pointers {
        bodies.extend(values.iter().map(|value| String::from_utf8(changed(pointer, value.clone())).expect("text")));
    }
    for twice in ["\"severity\"", "\"status\"", "\"alerts\"", "\"version\""] {
        bodies.push(FIRING.replacen(twice, &format!("{twice}: \"x\", {twice}"), 1));
    }
    for body in bodies {
        if let Some(received) = typed::parse("am", &body) {
            quick += 1;
            assert_eq!(Ok(received), strictly("am", &body), "{body}");
        }
    }
    assert!(quick > 10, "{quick}");
    assert!(typed::parse("am", FIRING).is_some(), "what Alertmanager sends goes the quick way");
}

#[test]
fn a_secret_is_in_nothing_that_is_kept() {
    let hidden = "hunter2Hunter2";
    let mut body = good();
    body["groupKey"] = json!(format!("{{}}:{{alertname=\"X\", password=\"{hidden}\"}}"));
    body["externalURL"] = json!(format!("https://ann:{hidden}@alertmanager.example.com"));
    body["groupLabels"]["api_key"] = json!(hidden);
    let alert = &mut body["alerts"][0];
    alert["labels"]["db_password"] = json!(hidden);
    alert["annotations"]["description"] = json!(format!("login with password={hidden} failed"));
    alert["generatorURL"] = json!(format!("https://prometheus.example.com/graph?token={hidden}&g0.tab=1"));
    body["alerts"][1]["generatorURL"] = json!(format!("https://ann:{hidden}@prometheus.example.com/graph"));
    let received = parse_value(&body).expect("a good body");
    assert!(!format!("{received:?}").contains(hidden), "{received:?}");
    assert!(received.key.starts_with("sha256:"), "{}", received.key);
    let first = &received.alerts[0].alert;
    assert_eq!(first.annotations["description"].as_str(), "login with password=[redacted] failed");
    let link = first.source_url.as_deref();
    assert_eq!(link, Some("https://prometheus.example.com/graph?token=[redacted]&g0.tab=1"));
    // Two groups that differ in what is hidden only are still two.
    body["groupKey"] = json!("{}:{alertname=\"X\", password=\"other\"}");
    assert_ne!(parse_value(&body).expect("a good body").key, received.key);
}

#[test]
fn what_is_refused_is_not_repeated_where_it_could_be_a_secret() {
    let hidden = "hunter2Hunter2Hunter2";
    for pointer in ["/version", "/alerts/0/status", "/alerts/0/startsAt", "/alerts/0/endsAt", "/truncatedAlerts"] {
        let words = refused(&changed(pointer, json!(hidden)));
        assert!(!words.contains(hidden) && words.contains("a text of 21 characters"), "{pointer}: {words}");
    }
    assert!(refused(&changed("/version", json!("3"))).contains("\"3\""), "what is short is repeated");
}

#[test]
fn what_would_take_a_hundred_times_its_size_is_refused_before_it_is_read() {
    for piece in ["{\"a\":1},", "1,", "[],", "{},"] {
        let body = format!("{{\"version\":\"4\",\"x\":[{}1]}}", piece.repeat(100_000));
        assert_eq!(parse("am", body.as_bytes()), Err(BadBody::TooDense), "{piece}");
    }
    // What is in strings only looks so.
    let body = changed("/alerts/0/annotations", json!({ "x": "{[,".repeat(200_000) }));
    assert!(parse("am", &body).is_ok());
    // What Alertmanager sends is taken however much it is.
    let mut body = good();
    let alert = body["alerts"][0].clone();
    body["alerts"] = vec![alert; MOST_ALERTS].into();
    assert!(parse_value(&body).is_ok());
    let least =
        json!({"status": "firing", "labels": {"a": "b"}, "fingerprint": "1", "startsAt": "2026-03-02T14:00:00Z"});
    body["alerts"] = vec![least; MOST_ALERTS].into();
    assert!(parse_value(&body).is_ok());
}
