//! Muster's commands as Discord is told of them.
//!
//! What holds: commands are compared by what people see of them, so that they are put only
//! when something has changed; Discord allows 200 new ones a day and guild.

use operations::chat::{CommandSpec, OptionSpec, Takes};
use serde_json::{Value, json};
use serenity::all::{CommandOptionType, CreateCommand, CreateCommandOption};

/// The body of `PUT …/commands`.
#[must_use]
pub fn body(commands: &[CommandSpec]) -> Value {
    Value::Array(commands.iter().map(|it| tidy(serde_json::to_value(command(it)).unwrap_or_default())).collect())
}

fn command(spec: &CommandSpec) -> CreateCommand {
    let mut command = CreateCommand::new(spec.name).description(about(spec.about));
    for sub in &spec.subcommands {
        let mut of_sub = CreateCommandOption::new(CommandOptionType::SubCommand, sub.name, about(sub.about));
        for spec in &sub.options {
            of_sub = of_sub.add_sub_option(option(spec));
        }
        command = command.add_option(of_sub);
    }
    if spec.subcommands.is_empty() {
        for spec in &spec.options {
            command = command.add_option(option(spec));
        }
    }
    command
}

fn option(spec: &OptionSpec) -> CreateCommandOption {
    let kind = match spec.takes {
        Takes::User => CommandOptionType::User,
        Takes::Text
        | Takes::Choice(_)
        | Takes::Incident
        | Takes::Alert
        | Takes::Service
        | Takes::Environment
        | Takes::Deploy => CommandOptionType::String,
    };
    let option = CreateCommandOption::new(kind, spec.name, about(spec.about)).required(spec.required);
    match &spec.takes {
        Takes::Choice(choices) => {
            choices.iter().take(25).fold(option, |option, (name, value)| option.add_string_choice(*name, *value))
        }
        Takes::Incident | Takes::Alert | Takes::Service | Takes::Environment | Takes::Deploy => {
            option.set_autocomplete(true)
        }
        Takes::Text | Takes::User => option,
    }
}

/// A description as Discord takes it: one to 100 characters.
fn about(words: &str) -> String {
    let words = super::words::plain(words, 100);
    if words.is_empty() { "…".to_owned() } else { words }
}

/// Without what says nothing: nulls, empty lists and `required: false`.
fn tidy(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let says = |key: &str, value: &Value| match value {
                Value::Null => false,
                Value::Array(list) => !list.is_empty(),
                Value::Object(map) => !map.is_empty(),
                Value::Bool(false) => !matches!(key, "required" | "autocomplete" | "nsfw"),
                Value::Bool(true) | Value::Number(_) | Value::String(_) => true,
            };
            Value::Object(
                map.into_iter()
                    .filter(|(key, value)| says(key, value))
                    .map(|(key, value)| (key, tidy(value)))
                    .collect(),
            )
        }
        Value::Array(list) => Value::Array(list.into_iter().map(tidy).collect()),
        other => other,
    }
}

/// Whether Discord has these commands already.
#[must_use]
pub fn same(wanted: &Value, there: &Value) -> bool {
    sorted(wanted) == sorted(there)
}

fn sorted(commands: &Value) -> Vec<Value> {
    let mut seen: Vec<Value> = commands.as_array().into_iter().flatten().map(|it| seen(it, 1)).collect();
    seen.sort_by_key(|it| it["name"].to_string());
    seen
}

/// What people see of a command or an option. `kind` is its type where none is told.
fn seen(value: &Value, kind: u64) -> Value {
    let list = |key: &str| value.get(key).and_then(Value::as_array).into_iter().flatten();
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or_default();
    json!({
        "type": value.get("type").and_then(Value::as_u64).unwrap_or(kind),
        "name": value.get("name"),
        "description": value.get("description"),
        "required": flag("required"),
        "autocomplete": flag("autocomplete"),
        "choices": list("choices").map(|it| json!([it.get("name"), it.get("value")])).collect::<Vec<_>>(),
        "options": list("options").map(|it| seen(it, 0)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use operations::chat::SubcommandSpec;

    use super::*;

    fn spec(about: &'static str) -> Vec<CommandSpec> {
        let takes = |name, takes, required| OptionSpec { name, about: "what", takes, required };
        let options = vec![
            takes("title", Takes::Text, true),
            takes("sev", Takes::Choice(vec![("SEV1", "1")]), false),
            takes("who", Takes::User, false),
            takes("incident", Takes::Incident, false),
        ];
        let declare = SubcommandSpec { name: "declare", about: "Says that something is wrong", options };
        vec![CommandSpec { name: "incident", about, subcommands: vec![declare], options: Vec::new() }]
    }

    #[test]
    fn options_have_the_types_of_discord() {
        let body = body(&spec("Incidents"));
        let options = &body[0]["options"][0]["options"];
        assert_eq!(body[0]["options"][0]["type"], 1);
        let types: Vec<u64> = (0..4).filter_map(|at| options[at]["type"].as_u64()).collect();
        assert_eq!(types, [3, 3, 6, 3]);
        assert_eq!(options[0]["required"], true);
        assert_eq!(options[1]["choices"][0], json!({"name": "SEV1", "value": "1"}));
        assert_eq!(options[3]["autocomplete"], true);
    }

    #[test]
    fn commands_are_compared_by_what_people_see() {
        let wanted = body(&spec("Incidents"));
        let mut there = wanted.clone();
        there[0]["id"] = json!("1");
        there[0]["version"] = json!("2");
        there[0]["type"] = json!(1);
        there[0]["nsfw"] = json!(false);
        there[0]["options"][0]["options"][1]["required"] = json!(false);
        assert!(same(&wanted, &there));
        assert!(!same(&wanted, &body(&spec("Other words"))));
        assert!(!same(&wanted, &json!([])));
    }
}
