//! Commands as Discord is told of them: typed options, with completion where there is something to complete.

use operations::chat::{CommandSpec, OptionSpec, SubcommandSpec, Takes};
use serde_json::{Value, json};
use serenity::builder::{CreateCommand, CreateCommandOption};
use serenity::model::application::{CommandOptionType, CommandType};

/// All commands, as the body of one call that replaces what was there.
pub(super) fn commands(specs: &[CommandSpec]) -> Value {
    Value::Array(specs.iter().map(|spec| json!(command(spec))).collect())
}

fn command(spec: &CommandSpec) -> CreateCommand {
    let subcommands = spec.subcommands.iter().map(subcommand);
    let options = spec.options.iter().map(option);
    CreateCommand::new(spec.name)
        .kind(CommandType::ChatInput)
        .description(spec.about)
        .set_options(subcommands.chain(options).collect())
}

fn subcommand(spec: &SubcommandSpec) -> CreateCommandOption {
    let subcommand = CreateCommandOption::new(CommandOptionType::SubCommand, spec.name, spec.about);
    spec.options.iter().fold(subcommand, |subcommand, spec| subcommand.add_sub_option(option(spec)))
}

fn option(spec: &OptionSpec) -> CreateCommandOption {
    let kind = match spec.takes {
        Takes::User => CommandOptionType::User,
        Takes::Text | Takes::Choice(_) | Takes::Incident | Takes::Alert => CommandOptionType::String,
    };
    let option = CreateCommandOption::new(kind, spec.name, spec.about).required(spec.required);
    match &spec.takes {
        Takes::Choice(choices) => {
            choices.iter().take(25).fold(option, |option, (label, value)| option.add_string_choice(*label, *value))
        }
        Takes::Incident | Takes::Alert => option.set_autocomplete(true),
        Takes::Text | Takes::User => option,
    }
}

/// Whether Discord knows just these: names, descriptions and options; what it adds by itself doesn't count.
pub(super) fn same(known: &Value, wanted: &Value) -> bool {
    let mut known: Vec<Value> = known.as_array().into_iter().flatten().map(essence).collect();
    let mut wanted: Vec<Value> = wanted.as_array().into_iter().flatten().map(essence).collect();
    let by_name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    known.sort_by_key(by_name);
    wanted.sort_by_key(by_name);
    known == wanted
}

fn essence(value: &Value) -> Value {
    let list = |name: &str| value[name].as_array().into_iter().flatten();
    json!({
        "name": value["name"], "description": value["description"], "type": value["type"],
        "required": value["required"].as_bool().unwrap_or_default(),
        "autocomplete": value["autocomplete"].as_bool().unwrap_or_default(),
        "options": list("options").map(essence).collect::<Vec<_>>(),
        "choices": list("choices").map(|it| json!([it["name"], it["value"]])).collect::<Vec<_>>(),
    })
}
