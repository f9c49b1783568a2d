//! What a message may hold, and where Discord says that it is too much.

use serde_json::{Value, json};

use crate::bench::{Bench, buttons};

fn x(length: usize) -> String {
    "x".repeat(length)
}

fn row(component: Value) -> Value {
    json!({ "components": [{ "type": 1, "components": [component] }] })
}

fn select(options: usize) -> Value {
    let option = |number: usize| json!({ "label": x(100), "value": number.to_string(), "description": x(100) });
    json!({ "type": 3, "custom_id": "s", "placeholder": x(150), "options": (0..options).map(option).collect::<Vec<_>>() })
}

async fn refuses(bench: &Bench, cases: Vec<(Value, &str, &str)>) {
    for (body, path, error) in cases {
        let answer = bench.post(body.clone()).await;
        assert_eq!(answer.refusal(), (400, 50035), "{body}");
        assert_eq!(answer.error(path), error, "{body} {}", answer.body);
    }
    assert!(bench.messages("general").is_empty(), "a refused call does nothing");
}

async fn takes(bench: &Bench, bodies: Vec<Value>) {
    for body in bodies {
        let answer = bench.post(body.clone()).await;
        assert_eq!(answer.status, 200, "{} {body}", answer.body);
    }
}

#[tokio::test]
async fn a_message_has_two_thousand_characters() {
    let bench = Bench::start(false).await;
    let cases = vec![
        (json!({ "content": x(2001) }), "content", "BASE_TYPE_MAX_LENGTH"),
        (json!({ "content": "x", "nonce": x(26) }), "nonce", "BASE_TYPE_MAX_LENGTH"),
        (json!({ "content": "x", "tts": "yes" }), "tts", "BOOLEAN_TYPE_CONVERT"),
        (json!({ "content": "x", "enforce_nonce": 1 }), "enforce_nonce", "BOOLEAN_TYPE_CONVERT"),
        (json!({ "content": "x", "embeds": {} }), "embeds", "LIST_TYPE_CONVERT"),
        (json!({ "content": "x", "components": "none" }), "components", "LIST_TYPE_CONVERT"),
        (json!({ "content": "x", "components": ["row"] }), "components.0", "DICT_TYPE_CONVERT"),
        (json!({ "embeds": ["x"] }), "embeds.0", "DICT_TYPE_CONVERT"),
        (json!({ "embeds": [null] }), "embeds.0", "BASE_TYPE_REQUIRED"),
    ];
    refuses(&bench, cases).await;
    let long = "é".repeat(2000);
    takes(&bench, vec![json!({ "content": x(2000), "nonce": x(25) }), json!({ "content": long })]).await;
}

#[tokio::test]
async fn embeds_keep_every_limit() {
    let bench = Bench::start(false).await;
    let embed = |embed: Value| json!({ "embeds": [embed] });
    let field = |name: usize, value: usize| json!({ "name": x(name), "value": x(value) });
    let fields = |list: Vec<Value>| json!({ "embeds": [{ "fields": list }] });
    let largest = |footer: usize| json!({ "title": x(256), "description": x(4096), "fields": [field(256, 1024)], "footer": { "text": x(footer) } });
    let cases = vec![
        (embed(json!({ "title": x(257) })), "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
        (embed(json!({ "description": x(4097) })), "embeds.0.description", "BASE_TYPE_MAX_LENGTH"),
        (embed(json!({ "title": 5 })), "embeds.0.title", "STRING_TYPE_CONVERT"),
        (embed(json!({ "title": "t", "footer": { "text": x(2049) } })), "embeds.0.footer.text", "BASE_TYPE_MAX_LENGTH"),
        (embed(json!({ "title": "t", "author": { "name": x(257) } })), "embeds.0.author.name", "BASE_TYPE_MAX_LENGTH"),
        (embed(json!({ "title": "t", "color": 0x0100_0000 })), "embeds.0.color", "NUMBER_TYPE_MAX"),
        (embed(json!({ "title": "t", "color": "red" })), "embeds.0.color", "NUMBER_TYPE_COERCE"),
        (embed(json!({ "title": "t", "url": "ftp://example.test/" })), "embeds.0.url", "URL_TYPE_INVALID_SCHEME"),
        (embed(json!({ "title": "t", "url": "nothing" })), "embeds.0.url", "URL_TYPE_INVALID_URL"),
        (fields(vec![field(257, 1)]), "embeds.0.fields.0.name", "BASE_TYPE_BAD_LENGTH"),
        (fields(vec![field(1, 1), field(1, 1025)]), "embeds.0.fields.1.value", "BASE_TYPE_BAD_LENGTH"),
        (fields(vec![field(0, 1)]), "embeds.0.fields.0.name", "BASE_TYPE_REQUIRED"),
        (fields(vec![json!({ "name": "n" })]), "embeds.0.fields.0.value", "BASE_TYPE_REQUIRED"),
        (fields(vec![field(1, 1); 26]), "embeds.0.fields", "BASE_TYPE_MAX_LENGTH"),
        (json!({ "embeds": vec![json!({ "title": "t" }); 11] }), "embeds", "BASE_TYPE_MAX_LENGTH"),
        (embed(json!({})), "embeds.0.description", "BASE_TYPE_REQUIRED"),
        (embed(json!({ "color": 5, "title": " " })), "embeds.0.description", "BASE_TYPE_REQUIRED"),
        (embed(json!({ "title": "t", "footer": "x" })), "embeds.0.footer", "DICT_TYPE_CONVERT"),
        (embed(json!({ "title": "t", "timestamp": "yesterday" })), "embeds.0.timestamp", "DATETIME_TYPE_PARSE"),
        (embed(json!({ "title": "t", "timestamp": 1_700_000_000 })), "embeds.0.timestamp", "DATETIME_TYPE_PARSE"),
        (embed(largest(369)), "embeds", "MAX_EMBED_SIZE_EXCEEDED"),
        (json!({ "embeds": [largest(367), { "title": "ab" }] }), "embeds", "MAX_EMBED_SIZE_EXCEEDED"),
    ];
    refuses(&bench, cases).await;
    let ten = json!({ "embeds": vec![json!({ "title": "t" }); 10] });
    let two = json!({ "embeds": [largest(367), { "title": "a" }] });
    takes(&bench, vec![embed(largest(368)), two, ten, fields(vec![field(1, 1); 25])]).await;
    let at = |time: &str| embed(json!({ "title": "t", "timestamp": time }));
    takes(&bench, vec![at("2024-01-01T10:00:00.000Z"), at("2024-01-01T10:00:00+02:00"), at("2024-01-01")]).await;
    takes(&bench, vec![embed(json!({ "image": { "url": "https://example.test/i.png" } }))]).await;
}

#[tokio::test]
async fn buttons_keep_every_limit() {
    let bench = Bench::start(false).await;
    let button = |change: Value| {
        let mut button = json!({ "type": 2, "style": 1, "label": "Go", "custom_id": "go" });
        for (key, value) in change.as_object().expect("fields") {
            button[key] = value.clone();
        }
        row(button)
    };
    let link = |url: &str| row(json!({ "type": 2, "style": 5, "label": "Go", "url": url }));
    let at = |name: &str| format!("components.0.components.0.{name}");
    let rows = |rows: usize, wide: usize| {
        let id = |row: usize, place: usize| format!("{row} {place}");
        let ids = |row: usize| (0..wide).map(|place| id(row, place)).collect::<Vec<_>>();
        let rows = (0..rows).map(|row| buttons(&ids(row).iter().map(String::as_str).collect::<Vec<_>>()));
        json!({ "components": rows.collect::<Vec<_>>() })
    };
    let (custom_id, label, style, url) = (at("custom_id"), at("label"), at("style"), at("url"));
    let (in_row, exclusive) = ("components.0.components.0", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE");
    let cases = vec![
        (rows(6, 1), "components", "BASE_TYPE_MAX_LENGTH"),
        (rows(1, 6), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (rows(1, 0), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (button(json!({ "custom_id": x(101) })), &custom_id, "BASE_TYPE_BAD_LENGTH"),
        (button(json!({ "custom_id": "" })), &custom_id, "BASE_TYPE_REQUIRED"),
        (button(json!({ "custom_id": null })), &custom_id, "BASE_TYPE_REQUIRED"),
        (button(json!({ "label": x(81) })), &label, "BASE_TYPE_MAX_LENGTH"),
        (button(json!({ "label": null })), in_row, "BUTTON_COMPONENT_INVALID_LABEL"),
        (button(json!({ "style": 9 })), &style, "BASE_TYPE_CHOICES"),
        (button(json!({ "url": "https://example.test/" })), in_row, exclusive),
        (
            row(json!({ "type": 2, "style": 5, "label": "Go", "url": "https://e.test", "custom_id": "c" })),
            in_row,
            exclusive,
        ),
        (link(""), &url, "URL_TYPE_INVALID_URL"),
        (link("javascript:alert(1)"), &url, "URL_TYPE_INVALID_SCHEME"),
        (link(&format!("https://example.test/{}", x(500))), &url, "BASE_TYPE_MAX_LENGTH"),
        (
            json!({ "components": [buttons(&["a", "a"])] }),
            "components.0.components.1.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            json!({ "components": [buttons(&["a"]), buttons(&["a"])] }),
            "components.1.components.0.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (json!({ "components": [{ "type": 2 }] }), "components.0.type", "UNION_TYPE_CHOICES"),
        (row(json!({ "type": 99 })), "components.0.components.0.type", "UNION_TYPE_CHOICES"),
    ];
    refuses(&bench, cases).await;
    let most = json!({ "custom_id": x(100), "label": x(80) });
    takes(&bench, vec![rows(5, 5), button(most), link("https://example.test/")]).await;
}

#[tokio::test]
async fn menus_keep_every_limit() {
    let bench = Bench::start(false).await;
    let at = |name: &str| format!("components.0.components.0.{name}");
    let with = |name: &str, value: Value| {
        let mut menu = select(1);
        menu[name] = value;
        row(menu)
    };
    let option = |name: &str, value: Value| {
        let mut menu = select(1);
        menu["options"][0][name] = value;
        row(menu)
    };
    let twice = json!([{ "label": "a", "value": "1" }, { "label": "b", "value": "1" }]);
    let beside = json!({ "components": [{ "type": 1, "components": [select(1), buttons(&["b"])["components"][0]] }] });
    let cases = vec![
        (row(select(26)), at("options"), "BASE_TYPE_BAD_LENGTH"),
        (row(select(0)), at("options"), "BASE_TYPE_BAD_LENGTH"),
        (with("custom_id", json!(x(101))), at("custom_id"), "BASE_TYPE_BAD_LENGTH"),
        (with("placeholder", json!(x(151))), at("placeholder"), "BASE_TYPE_MAX_LENGTH"),
        (with("options", twice), at("options.1.value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"),
        (with("min_values", json!(26)), at("min_values"), "NUMBER_TYPE_MAX"),
        (with("min_values", json!(-1)), at("min_values"), "NUMBER_TYPE_MIN"),
        (with("max_values", json!(26)), at("max_values"), "NUMBER_TYPE_MAX"),
        (with("min_values", json!(2)), at("min_values"), "BASE_TYPE_BAD"),
        (option("label", json!(x(101))), at("options.0.label"), "BASE_TYPE_BAD_LENGTH"),
        (option("label", Value::Null), at("options.0.label"), "BASE_TYPE_REQUIRED"),
        (option("value", json!(x(101))), at("options.0.value"), "BASE_TYPE_BAD_LENGTH"),
        (option("description", json!(x(101))), at("options.0.description"), "BASE_TYPE_MAX_LENGTH"),
        (beside, "components.0.components".to_owned(), "COMPONENT_LAYOUT_WIDTH_EXCEEDED"),
    ];
    refuses(&bench, cases.iter().map(|(body, path, error)| (body.clone(), path.as_str(), *error)).collect()).await;
    takes(&bench, vec![row(select(25)), option("value", json!(x(100))), with("min_values", json!(0))]).await;
    takes(&bench, vec![with("max_values", json!(25))]).await;
}

#[tokio::test]
async fn components_v2_stand_alone_and_are_forty() {
    const V2: u64 = 1 << 15;
    let bench = Bench::start(false).await;
    let text = json!({ "type": 10, "content": "x" });
    let of = |components: Value| json!({ "flags": V2, "components": components });
    let with = |name: &str, value: Value| {
        let mut body = of(json!([text]));
        body[name] = value;
        body
    };
    let container = |count: usize| json!([{ "type": 17, "components": vec![text.clone(); count] }]);
    let section = |accessory: Value| json!([{ "type": 9, "components": [text], "accessory": accessory }]);
    let button = buttons(&["go"])["components"][0].clone();
    let sections = json!(vec![section(json!({ "type": 11 }))[0].clone(); 14]);
    let legacy = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2";
    let cases = vec![
        (with("content", json!("x")), "content", legacy),
        (with("embeds", json!([{ "title": "t" }])), "embeds", legacy),
        (of(container(40)), "components", "BASE_TYPE_MAX_LENGTH"),
        (of(json!(vec![text.clone(); 41])), "components", "BASE_TYPE_MAX_LENGTH"),
        (of(sections), "components", "BASE_TYPE_MAX_LENGTH"),
        (of(container(0)), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (of(json!(["x"])), "components.0", "DICT_TYPE_CONVERT"),
        (of(json!([button])), "components.0.type", "UNION_TYPE_CHOICES"),
        (of(json!([{ "type": 10, "content": x(4001) }])), "components.0.content", "BASE_TYPE_BAD_LENGTH"),
        (of(section(Value::Null)), "components.0.accessory", "BASE_TYPE_REQUIRED"),
        (
            of(json!([{ "type": 17, "components": container(1) }])),
            "components.0.components.0.type",
            "UNION_TYPE_CHOICES",
        ),
        (
            of(json!([section(button.clone())[0], buttons(&["go"])])),
            "components.1.components.0.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
    ];
    refuses(&bench, cases).await;
    takes(&bench, vec![of(container(39)), of(json!(vec![text.clone(); 40])), with("content", json!(""))]).await;
    let id = bench.post(of(section(button))).await.id();
    let route = format!("PATCH {}", bench.of("general", &format!("messages/{id}")));
    assert_eq!(bench.call(&route, json!({ "content": "x" })).await.error("content"), legacy, "it stays so");
    assert_eq!(bench.call(&route, json!({ "components": container(1) })).await.status, 200);
}

#[tokio::test]
async fn allowed_mentions_do_not_contradict_themselves() {
    let bench = Bench::start(false).await;
    let with = |allowed: Value| json!({ "content": "x", "allowed_mentions": allowed });
    let (path, exclusive) = ("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE");
    let many = |count: usize| with(json!({ "users": vec!["1"; count] }));
    let cases = vec![
        (with(json!({ "parse": ["users"], "users": ["1"] })), path, exclusive),
        (with(json!({ "parse": ["everyone", "roles"], "roles": ["1"] })), path, exclusive),
        (with(json!({ "parse": ["all"] })), "allowed_mentions.parse.0", "BASE_TYPE_CHOICES"),
        (with(json!("none")), path, "DICT_TYPE_CONVERT"),
        (many(101), "allowed_mentions.users", "BASE_TYPE_MAX_LENGTH"),
    ];
    refuses(&bench, cases).await;
    let apart = with(json!({ "parse": ["users"], "users": [], "roles": ["1"] }));
    takes(&bench, vec![apart, many(100), with(json!({ "parse": ["users", "roles", "everyone"] }))]).await;
}
