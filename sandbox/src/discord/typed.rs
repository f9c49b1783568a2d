//! What a person types as a command, as the typed options that Discord sends.

use serde_json::{Value, json};

use super::state::State;

/// The `data` of an interaction for a typed line without its slash, or why Discord's client would not send it.
pub(super) fn command(state: &State, line: &str) -> Result<Value, String> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let command = state.commands.iter().find(|it| it["name"].as_str() == Some(name));
    let command = command.ok_or_else(|| format!("there is no command /{name} on this server"))?;
    let mut path = Vec::new();
    let mut level = command;
    let mut rest = rest.trim();
    while level["options"].as_array().is_some_and(|list| list.iter().any(is_sub)) {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let sub = level["options"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|it| is_sub(it) && it["name"].as_str() == Some(word));
        let sub = sub.ok_or_else(|| format!("/{name} wants a subcommand, and {word:?} is none"))?;
        path.push(sub);
        level = sub;
        rest = after.trim();
    }
    let options = options(state, level, rest)?;
    let mut inner = Value::Array(options);
    for sub in path.iter().rev() {
        inner = json!([{"type": sub["type"], "name": sub["name"], "options": inner}]);
    }
    Ok(json!({"id": command["id"], "name": name, "type": 1, "guild_id": state.guild.to_string(), "options": inner}))
}

fn is_sub(option: &Value) -> bool {
    matches!(option["type"].as_u64(), Some(1 | 2))
}

/// `name:value` where an option of that name exists; words without a name go to the options in turn, and the
/// rest of them all to the first that takes any text.
fn options(state: &State, level: &Value, text: &str) -> Result<Vec<Value>, String> {
    let known: Vec<&Value> = level["options"].as_array().into_iter().flatten().collect();
    let mut given: Vec<(String, String)> = Vec::new();
    let mut free: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        match word.split_once(':').filter(|(name, _)| known.iter().any(|it| it["name"].as_str() == Some(name))) {
            Some((name, value)) => given.push((name.to_owned(), value.to_owned())),
            None => match given.last_mut().filter(|_| free.is_empty()) {
                // What follows a named text belongs to it, as it would in Discord's own input.
                Some((name, value)) if takes_text(&known, name) => {
                    value.push(' ');
                    value.push_str(word);
                }
                _ => free.push(word),
            },
        }
    }
    for option in &known {
        let name = option["name"].as_str().unwrap_or_default();
        if free.is_empty() || given.iter().any(|(given, _)| given == name) {
            continue;
        }
        if takes_text(&known, name) {
            given.push((name.to_owned(), free.join(" ")));
            free.clear();
        } else if let Some(value) = fits(state, option, free[0]) {
            given.push((name.to_owned(), value));
            free.remove(0);
        }
    }
    if !free.is_empty() {
        return Err(format!("{:?} fits no option of the command", free.join(" ")));
    }
    for option in known.iter().filter(|it| it["required"].as_bool() == Some(true)) {
        if !given.iter().any(|(name, _)| option["name"].as_str() == Some(name)) {
            return Err(format!("the option {} is required", option["name"]));
        }
    }
    let mut values = Vec::new();
    for (name, value) in given {
        let option = known.iter().find(|it| it["name"].as_str() == Some(&name)).ok_or("no such option")?;
        let value = if takes_text(&known, &name) { Some(value.clone()) } else { fits(state, option, &value) };
        let value = value.ok_or_else(|| format!("the option {name} does not take that"))?;
        values.push(json!({"name": name, "type": option["type"], "value": value}));
    }
    Ok(values)
}

/// Whether an option takes any text at all.
fn takes_text(known: &[&Value], name: &str) -> bool {
    let option = known.iter().find(|it| it["name"].as_str() == Some(name));
    option.is_some_and(|it| {
        let has_choices = it["choices"].as_array().is_some_and(|list| !list.is_empty());
        it["type"].as_u64() == Some(3) && !has_choices && it["autocomplete"].as_bool() != Some(true)
    })
}

/// The value that a word is for an option with choices, completion or people.
fn fits(state: &State, option: &Value, word: &str) -> Option<String> {
    if option["type"].as_u64() == Some(6) {
        let name = word.trim_start_matches("<@").trim_end_matches('>').trim_start_matches('@');
        return state.find_user(name).map(|user| user.id.to_string());
    }
    let choices = option["choices"].as_array().filter(|list| !list.is_empty());
    match choices {
        Some(choices) => {
            let meant = choices.iter().find(|it| {
                let is = |name: &str| it[name].as_str().is_some_and(|text| text.eq_ignore_ascii_case(word));
                is("name") || is("value")
            });
            meant.and_then(|it| it["value"].as_str()).map(str::to_owned)
        }
        // Completion only proposes: any text can be sent, but ids of these kinds are what people choose.
        None if option["autocomplete"].as_bool() == Some(true) => {
            let name = option["name"].as_str().unwrap_or_default();
            let upper = word.to_uppercase();
            let proposed =
                (name == "incident" && upper.starts_with("INC-")) || (name == "alert" && upper.starts_with("A-"));
            (proposed || !matches!(name, "incident" | "alert")).then(|| word.to_owned())
        }
        None => Some(word.to_owned()),
    }
}
