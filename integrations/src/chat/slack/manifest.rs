//! The app manifest: what an administrator pastes into Slack to create the app.
//!
//! What holds: every command, scope and event that Muster uses stands in it, and no other;
//! it never drifts from the commands, because it is made from them.

use operations::chat::CommandSpec;
use operations::text::cut;
use serde_json::{Value, json};

/// What the bot may do, and what for.
const SCOPES: &[&str] = &[
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "im:history",
    "im:write",
    // Finding a message again by its key.
    "metadata.message:read",
    "pins:read",
    "pins:write",
    "reactions:read",
    "users:read",
];

/// What the bot hears of.
const EVENTS: &[&str] = &[
    "app_mention",
    "message.channels",
    "message.groups",
    "message.im",
    "pin_added",
    "pin_removed",
    "reaction_added",
    "reaction_removed",
    // A guest may have come. `user_change` tells more, but comes with every change of anybody's status, and Slack
    // delivers at most 30,000 events an hour.
    "team_join",
];

/// The manifest as JSON, to be pasted at `https://api.slack.com/apps?new_app=1`. Socket Mode is on,
/// so nothing of Muster has to be reachable from outside.
#[must_use]
pub fn manifest(commands: &[CommandSpec]) -> Value {
    let commands: Vec<Value> = commands.iter().map(command).collect();
    json!({
        "_metadata": { "major_version": 1, "minor_version": 1 },
        "display_information": {
            "name": "Muster",
            "description": "Incident response in your chat",
            "background_color": "#2c2d30",
        },
        "features": {
            "app_home": { "home_tab_enabled": false, "messages_tab_enabled": true, "messages_tab_read_only_enabled": false },
            "bot_user": { "display_name": "muster", "always_online": true },
            "slash_commands": commands,
        },
        "oauth_config": { "scopes": { "bot": SCOPES } },
        "settings": {
            "event_subscriptions": { "bot_events": EVENTS },
            "interactivity": { "is_enabled": true },
            "org_deploy_enabled": false,
            "socket_mode_enabled": true,
            "token_rotation_enabled": false,
        },
    })
}

fn command(spec: &CommandSpec) -> Value {
    let words: Vec<&str> = if spec.subcommands.is_empty() {
        spec.options.iter().map(|option| option.name).collect()
    } else {
        spec.subcommands.iter().map(|subcommand| subcommand.name).collect()
    };
    let separator = if spec.subcommands.is_empty() { " " } else { " | " };
    let mut command = json!({
        "command": format!("/{}", spec.name),
        "description": cut(spec.about, 2000),
        // People and channels arrive by their ids, not as they were typed.
        "should_escape": true,
    });
    if !words.is_empty() {
        command["usage_hint"] = json!(cut(&words.join(separator), 1000));
    }
    command
}

#[cfg(test)]
mod tests {
    use operations::chat::SubcommandSpec;

    use super::*;

    #[test]
    fn every_command_stands_in_the_manifest() {
        let subcommand = |name| SubcommandSpec { name, about: "", options: Vec::new() };
        let specs = [
            CommandSpec {
                name: "incident",
                about: "Incidents",
                subcommands: vec![subcommand("declare"), subcommand("list")],
                options: Vec::new(),
            },
            CommandSpec { name: "ack", about: "Acknowledge", subcommands: Vec::new(), options: Vec::new() },
        ];
        let manifest = manifest(&specs);
        let command = |index: usize| {
            manifest.pointer(&format!("/features/slash_commands/{index}/command")).and_then(Value::as_str)
        };
        assert_eq!((command(0), command(1), command(2)), (Some("/incident"), Some("/ack"), None));
        assert_eq!(manifest["features"]["slash_commands"][0]["usage_hint"], "declare | list");
        assert_eq!(manifest["settings"]["socket_mode_enabled"], true);
    }
}
