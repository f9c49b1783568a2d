//! What an operator writes, right and wrong.

use super::*;

fn env(name: &str) -> Option<String> {
    name.starts_with("SET_").then(|| format!("value of {name}"))
}

fn with(muster: &str, people: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("muster.toml"), muster).expect("a file");
    std::fs::write(directory.path().join("people.toml"), people).expect("a file");
    load(directory.path(), &env).map_err(|problems| problems.to_string())
}

const GOOD: &str = r#"
[slack]
app_token = { env = "SET_APP" }
bot_token = { env = "SET_BOT" }
[discord]
bot_token = { env = "SET_DISCORD" }
guild = "112233445566778899"
[channels]
alerts = { slack = "C01ALERTS", discord = "998877665544332211" }
incidents = { slack = "C01INC", discord = "998877665544332212" }
[hooks.alertmanager]
bearer = [{ env = "SET_ONE" }, { env = "SET_TWO" }]
[incidents]
ask_again_after = "never"
update_every = { SEV1 = "15m", SEV2 = "never" }
"#;

#[test]
fn what_is_right_is_taken() {
    let people = "[people.ann]\nname = \"Ann\"\nslack = \"T01/U0ANN\"\ndiscord = \"112233445566778800\"\n";
    let config = with(GOOD, people).expect("it is right");
    assert_eq!(config.hooks["alertmanager"].bearer.len(), 2);
    assert_eq!((config.ask_again_after, config.update_every.len()), (None, 1));
    let workspaces = [(Platform::Slack, "T01".to_owned()), (Platform::Discord, "1".to_owned())].into();
    let settings = config.settings(&workspaces);
    assert_eq!(settings.chats.len(), 2);
    assert_eq!(settings.people[0].accounts.len(), 2);
}

#[test]
fn nothing_has_to_be_connected() {
    let config = with("", "").expect("an empty file is right");
    assert!(config.slack.is_none() && config.discord.is_none() && config.hooks.is_empty());
}

#[test]
fn all_problems_are_told_at_once_with_their_lines() {
    let wrong = r#"
data_dri = "x"
[http]
listen = "everywhere"
public_url = "https://muster.example.com/"
[slack]
app_token = "xapp-very-secret"
bot_token = { env = "NOT_SET" }
[discord]
bot_token = { env = "SET_DISCORD", file = "x" }
guild = "my server"
api_url = "http://evil.example/"
[channels]
alerts = { slack = "alerts" }
[hooks.Alert_Manager]
kind = "nagios"
[incidents]
ask_again_after = "soon"
update_every = { SEV9 = "1h" }
"#;
    let told = with(wrong, "[people.ann]\nslack = \"@ann\"\n").expect_err("it is wrong");
    for line in [
        "muster.toml:2:1 data_dri: there is no such key. Did you mean data_dir?",
        "muster.toml:4:10 http.listen",
        "muster.toml:5:14 http.public_url",
        "muster.toml:7:13 slack.app_token: a secret is never written here",
        "muster.toml:8:13 slack.bot_token: the environment variable NOT_SET is not set",
        "muster.toml:10:13 discord.bot_token",
        "muster.toml:11:9 discord.guild",
        "muster.toml:12:11 discord.api_url",
        "muster.toml:14:20 channels.alerts.slack",
        "channels.alerts.discord: it is missing",
        "channels.incidents: it is missing",
        "hooks.Alert_Manager: a source's name",
        "hooks.Alert_Manager.kind",
        "hooks.Alert_Manager.bearer",
        "muster.toml:18:19 incidents.ask_again_after",
        "incidents.update_every.SEV9",
        "people.toml:2:9 people.ann.slack",
    ] {
        assert!(told.contains(line), "{line} is missing in:\n{told}");
    }
    assert!(!told.contains("very-secret"), "{told}");
}

#[test]
fn an_account_belongs_to_one_person() {
    let people = "[people.ann]\nslack = \"T01/U0ANN\"\n[people.bob]\nslack = \"T01/U0ANN\"\n";
    let told = with("", people).expect_err("it is wrong");
    assert!(told.contains("U0ANN is ann's already"), "{told}");
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let told = with("[http\nlisten = 1\n", "").expect_err("it is wrong");
    assert!(told.contains("muster.toml:1:"), "{told}");
}
