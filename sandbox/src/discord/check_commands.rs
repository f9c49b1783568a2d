//! Application commands: what Discord takes (reference, "Application Commands").

use serde_json::{Value, json};

use super::form::{FormErrors, join};
use super::refusal::{Answer, Refusal};
use super::rest::{Call, in_guild};
use super::state::State;

/// The most slash commands of a server; there are others, for menus.
const COMMANDS: usize = 100;

/// `GET` and `PUT /applications/{application.id}/guilds/{guild.id}/commands`.
pub(super) fn commands(state: &mut State, call: &Call) -> Answer {
    if call.id(0) != state.me {
        return Err(Refusal::code(10002));
    }
    in_guild(state, call.id(1))?;
    if call.route.name.starts_with("GET") {
        return Ok((200, Value::Array(state.commands.clone())));
    }
    let mut errors = FormErrors::default();
    let mut seen = Vec::new();
    for (path, command) in errors.objects(&call.body, "", 0, 130) {
        self::command(&mut errors, command, &path);
        let name = (command["type"].as_u64().unwrap_or(1), &command["name"]);
        if seen.contains(&name) {
            let message = "Application command names must be unique";
            errors.add(&path, "APPLICATION_COMMANDS_DUPLICATE_NAME", message);
        }
        seen.push(name);
    }
    let unknown = errors.done()?;
    if seen.iter().filter(|(kind, _)| *kind == 1).count() > COMMANDS {
        return Err(Refusal::code(30032));
    }
    let list = call.body.as_array().cloned().unwrap_or_default();
    state.unexpected.extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
    let names: Vec<&str> = list.iter().filter_map(|it| it["name"].as_str()).collect();
    let known: Vec<Value> = state.commands.clone();
    let created = names.iter().filter(|name| !known.iter().any(|it| it["name"].as_str() == Some(name))).count();
    let now = state.now;
    state.command_creations.retain(|at| now.duration_since(*at) < jiff::SignedDuration::from_hours(24));
    if state.command_creations.len() + created > 200 {
        return Err(Refusal::code(30034));
    }
    state.command_creations.extend(std::iter::repeat_n(now, created));
    let commands = list.into_iter().map(|mut command| {
        let old =
            known.iter().find(|it| it["name"] == command["name"]).and_then(|it| it["id"].as_str().map(str::to_owned));
        let id = old.unwrap_or_else(|| state.next_id().to_string());
        command["id"] = json!(id);
        command["application_id"] = json!(state.me.to_string());
        command["guild_id"] = json!(state.guild.to_string());
        command["version"] = json!(state.next_id().to_string());
        if command["type"].is_null() {
            command["type"] = json!(1);
        }
        command["dm_permission"] = json!(true);
        command["nsfw"] = json!(false);
        command
    });
    let commands: Vec<Value> = commands.collect();
    state.commands = commands.clone();
    state.changed(0);
    Ok((200, Value::Array(commands)))
}

fn is_name(name: &str) -> bool {
    let letters = name.chars().count();
    (1..=32).contains(&letters)
        && name.chars().all(|c| c == '-' || c == '_' || c.is_alphanumeric())
        && name.to_lowercase() == name
}

fn named(errors: &mut FormErrors, it: &Value, path: &str) {
    if !it["name"].as_str().is_some_and(is_name) {
        errors.add(&join(path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
    errors.text(&it["description"], &join(path, "description"), 1, 100);
}

fn command(errors: &mut FormErrors, command: &Value, path: &str) {
    let known = [
        "name",
        "description",
        "options",
        "type",
        "default_member_permissions",
        "dm_permission",
        "nsfw",
        "contexts",
        "integration_types",
        "name_localizations",
        "description_localizations",
        "default_permission",
        "id",
        "handler",
    ];
    errors.known(command, path, &known);
    if matches!(command["type"].as_u64(), None | Some(1)) {
        named(errors, command, path);
        options(errors, &command["options"], path, 0..=11);
    }
    if size(command) > 8000 {
        errors.add(path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)");
    }
}

/// Checks options, of which those of the `allowed` types may stand here.
fn options(errors: &mut FormErrors, value: &Value, path: &str, allowed: std::ops::RangeInclusive<u64>) {
    let mut optional = false;
    let mut names = Vec::new();
    for (path, option) in errors.objects(value, &join(path, "options"), 0, 25) {
        let known = [
            "type",
            "name",
            "description",
            "required",
            "choices",
            "options",
            "autocomplete",
            "min_value",
            "max_value",
            "min_length",
            "max_length",
            "channel_types",
            "name_localizations",
            "description_localizations",
        ];
        errors.known(option, &path, &known);
        named(errors, option, &path);
        if names.contains(&option["name"]) {
            errors.add(&path, "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE", "Option name is already used");
        }
        names.push(option["name"].clone());
        match option["type"].as_u64() {
            // A group holds subcommands only, and those hold no others.
            Some(2) if allowed.contains(&2) => options(errors, &option["options"], &path, 1..=1),
            Some(1) if allowed.contains(&1) => options(errors, &option["options"], &path, 3..=11),
            Some(kind @ 3..=11) if allowed.contains(&kind) => {}
            _ => errors.add(&join(&path, "type"), "BASE_TYPE_CHOICES", "The type of an option is wrong here"),
        }
        let required = option["required"].as_bool() == Some(true);
        if required && optional {
            errors.add(
                &path,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            );
        }
        optional |= !required;
        let has_choices = choices(errors, option, &path);
        if option["autocomplete"].as_bool() == Some(true) && has_choices {
            errors.add(
                &path,
                "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES",
                "Autocomplete can't be set with choices",
            );
        }
    }
}

/// Checks the choices of an option; gives whether there are any.
fn choices(errors: &mut FormErrors, option: &Value, path: &str) -> bool {
    let choices = errors.objects(&option["choices"], &join(path, "choices"), 0, 25);
    for (path, choice) in &choices {
        errors.text(&choice["name"], &join(path, "name"), 1, 100);
        let (value, path) = (&choice["value"], join(path, "value"));
        match option["type"].as_u64() {
            Some(3) => errors.text(value, &path, 1, 100),
            Some(_) if value.is_number() => {}
            _ => errors.add(&path, "NUMBER_TYPE_COERCE", &format!("Value {value} is not a number.")),
        }
    }
    !choices.is_empty()
}

/// Characters of names, descriptions and choices that count against the size of a command.
fn size(value: &Value) -> usize {
    let text = |name: &str| value[name].as_str().map_or(0, |text| text.chars().count());
    let list = |name: &str| value[name].as_array().into_iter().flatten();
    text("name") + text("description") + text("value") + list("options").chain(list("choices")).map(size).sum::<usize>()
}
