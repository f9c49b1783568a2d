//! Application commands: what can be registered, and what people can type then.

use sandbox::discord::{Outcome, Typed};
use serde_json::{Value, json};

use crate::bench::Bench;

#[tokio::test]
async fn registering_replaces_what_was_there_and_keeps_ids() {
    let bench = Bench::start(false).await;
    let command = |name: &str| json!({ "name": name, "description": "Does it", "type": 1 });
    let first = bench.commands(json!([command("ack"), command("page")])).await;
    assert_eq!(first.status, 200, "{first:?}");
    let id = first.body[0]["id"].clone();
    assert!(id.is_string());
    let second = bench.commands(json!([command("ack"), command("close")])).await;
    assert_eq!(second.body[0]["id"], id);
    let discord = bench.discord();
    let path = format!("applications/{}/guilds/{}/commands", discord.application_id(), discord.guild());
    assert_eq!(bench.get(&path).await.body, second.body);
    assert!(discord.types("ann", "general", "/page").await.is_err(), "it is not there any more");
    let typed = discord.types("ann", "general", "/close").await.expect("it is there");
    let Typed::Command { outcome: Outcome::Failed(told), .. } = typed else { panic!("nobody is connected") };
    assert_eq!(told, "The application did not respond");
    assert_eq!(
        bench.call(&format!("PUT applications/404/guilds/{}/commands", discord.guild()), json!([])).await.code(),
        10002
    );
    let elsewhere = format!("PUT applications/{}/guilds/404/commands", discord.application_id());
    assert_eq!(bench.call(&elsewhere, json!([])).await.refusal(), (404, 10004));
}

#[tokio::test]
async fn a_bad_command_is_refused_with_its_place() {
    let bench = Bench::start(false).await;
    let with = |name: &str, value: Value| {
        let mut command = json!({ "name": "ack", "description": "Does it" });
        command[name] = value;
        json!([command])
    };
    let option =
        |name: &str, required: bool| json!({ "type": 3, "name": name, "description": "d", "required": required });
    let of = |change: Value| {
        let mut option = option("a", false);
        for (key, value) in change.as_object().expect("fields") {
            option[key] = value.clone();
        }
        with("options", json!([option]))
    };
    // One option within the other, by their types.
    let holding = |kinds: &[u64]| {
        let options = kinds.iter().rev().fold(
            json!([]),
            |inner, kind| json!([{ "type": kind, "name": "o", "description": "d", "options": inner }]),
        );
        with("options", options)
    };
    let value = "0.options.0.choices.0.value";
    let choice = json!({ "name": "c", "value": "c" });
    let text = json!({ "name": "x".repeat(100), "value": "x".repeat(100) });
    let wide: Vec<Value> = (0..2)
        .map(|it| {
            let mut option = option(&it.to_string(), false);
            option["choices"] = json!(vec![text.clone(); 25]);
            option
        })
        .collect();
    for (list, path, error) in [
        (with("name", json!("Ack")), "0.name", "APPLICATION_COMMAND_INVALID_NAME"),
        (with("name", json!("a b")), "0.name", "APPLICATION_COMMAND_INVALID_NAME"),
        (with("name", json!("")), "0.name", "APPLICATION_COMMAND_INVALID_NAME"),
        (with("name", json!("x".repeat(33))), "0.name", "APPLICATION_COMMAND_INVALID_NAME"),
        (with("description", json!("")), "0.description", "BASE_TYPE_REQUIRED"),
        (with("description", Value::Null), "0.description", "BASE_TYPE_REQUIRED"),
        (with("description", json!("x".repeat(101))), "0.description", "BASE_TYPE_BAD_LENGTH"),
        (
            with("options", json!([option("a", false), option("b", true)])),
            "0.options.1",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (
            with("options", json!([option("a", true), option("a", true)])),
            "0.options.1",
            "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE",
        ),
        (with("options", json!(vec![option("a", true); 26])), "0.options", "BASE_TYPE_MAX_LENGTH"),
        (of(json!({ "name": "A" })), "0.options.0.name", "APPLICATION_COMMAND_INVALID_NAME"),
        (of(json!({ "description": "" })), "0.options.0.description", "BASE_TYPE_REQUIRED"),
        (of(json!({ "type": 99 })), "0.options.0.type", "BASE_TYPE_CHOICES"),
        (of(json!({ "choices": [{ "name": "c", "value": "x".repeat(101) }] })), value, "BASE_TYPE_BAD_LENGTH"),
        (of(json!({ "choices": [{ "name": "c" }] })), value, "BASE_TYPE_REQUIRED"),
        (of(json!({ "type": 4, "choices": [{ "name": "c", "value": "1" }] })), value, "NUMBER_TYPE_COERCE"),
        (of(json!({ "choices": ["c"] })), "0.options.0.choices.0", "DICT_TYPE_CONVERT"),
        (holding(&[1, 1]), "0.options.0.options.0.type", "BASE_TYPE_CHOICES"),
        (holding(&[1, 2]), "0.options.0.options.0.type", "BASE_TYPE_CHOICES"),
        (holding(&[2, 2]), "0.options.0.options.0.type", "BASE_TYPE_CHOICES"),
        (holding(&[2, 3]), "0.options.0.options.0.type", "BASE_TYPE_CHOICES"),
        (holding(&[2, 1, 1]), "0.options.0.options.0.options.0.type", "BASE_TYPE_CHOICES"),
        (
            json!([with("type", json!(1))[0], with("description", json!("d"))[0]]),
            "1",
            "APPLICATION_COMMANDS_DUPLICATE_NAME",
        ),
        (json!(["ack"]), "0", "DICT_TYPE_CONVERT"),
        (of(json!({ "choices": vec![choice.clone(); 26] })), "0.options.0.choices", "BASE_TYPE_MAX_LENGTH"),
        (
            of(json!({ "choices": [choice], "autocomplete": true })),
            "0.options.0",
            "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
        ),
        (with("options", json!(wide)), "0", "APPLICATION_COMMAND_TOO_LARGE"),
    ] {
        let answer = bench.commands(list.clone()).await;
        assert_eq!(answer.refusal(), (400, 50035), "{list}");
        assert_eq!(answer.error(path), error, "{list} {}", answer.body);
    }
    assert_eq!(bench.discord().view()["commands"], json!([]), "a refused call does nothing");
    let good = with("options", json!([option("a", true), option("b", false)]));
    for good in [good, holding(&[2, 1, 3]), holding(&[1, 3]), of(json!({ "choices": [text] }))] {
        let answer = bench.commands(good).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let menu = json!([with("type", json!(1))[0], { "name": "ack", "type": 3 }]);
    assert_eq!(bench.commands(menu).await.status, 200, "a menu's command may have the name of another");
}

#[tokio::test]
async fn two_hundred_commands_can_be_created_in_a_day() {
    let bench = Bench::start(false).await;
    let commands = |from: usize, to: usize| {
        let command = |number: usize| json!({ "name": format!("c{number}"), "description": "d" });
        json!((from..to).map(command).collect::<Vec<_>>())
    };
    assert_eq!(bench.commands(commands(0, 101)).await.refusal(), (400, 30032), "a hundred at a time");
    assert_eq!(bench.commands(commands(0, 100)).await.status, 200);
    assert_eq!(bench.commands(commands(100, 200)).await.status, 200);
    assert_eq!(bench.commands(commands(100, 200)).await.status, 200, "they are there already");
    assert_eq!(bench.commands(commands(200, 201)).await.refusal(), (400, 30034));
    bench.advance(24 * 60 * 60 * 1000);
    assert_eq!(bench.commands(commands(200, 201)).await.status, 200);
}

#[tokio::test]
async fn what_is_typed_becomes_typed_options() {
    let bench = Bench::start(false).await;
    let option = |name: &str, kind: u64, required: bool| json!({ "type": kind, "name": name, "description": "d", "required": required });
    let sub = json!({ "type": 1, "name": "set", "description": "d", "options": [option("who", 6, true), option("why", 3, false)] });
    let answer = bench.commands(json!([{ "name": "lead", "description": "d", "options": [sub] }])).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (mut socket, _) = bench.connect(1).await;
    let discord = bench.discord();
    for wrong in ["/lead", "/lead get", "/lead set", "/lead set nobody"] {
        assert!(discord.types("ann", "general", wrong).await.is_err(), "{wrong}");
    }
    let (typed, asked) = tokio::join!(discord.types("ann", "general", "/lead set @bob on call now"), async {
        let asked = socket.event("INTERACTION_CREATE").await;
        assert_eq!(bench.answer(&asked, json!({ "type": 5 })).await.status, 204);
        asked
    });
    assert!(matches!(typed, Ok(Typed::Command { outcome: Outcome::Deferred, .. })), "{typed:?}");
    assert_eq!((asked["type"].as_u64(), asked["data"]["name"].as_str()), (Some(2), Some("lead")));
    let set = &asked["data"]["options"][0];
    assert_eq!(set["options"][0], json!({ "name": "who", "type": 6, "value": bench.user("bob") }));
    assert_eq!(set["options"][1], json!({ "name": "why", "type": 3, "value": "on call now" }));
    assert_eq!(asked["member"]["user"]["id"], bench.user("ann"));
}
