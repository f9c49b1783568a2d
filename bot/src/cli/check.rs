//! `muster check`: all problems at once; where there are none, what is on and what is off.

use operations::policy::Gate;

use super::{At, Failed, load, out};
use crate::config::Config;

/// Tells all problems; where there are none, what is on and what is off.
pub(super) fn check(at: &At) -> Result<(), Failed> {
    let config = load(at)?;
    for warning in &config.warnings {
        out::line(&format!("warning: {warning}"));
    }
    out::line(&summary(&config));
    if config.wiki.push.is_some() && !has_git() {
        return Err(Failed::new("[wiki.git] push needs the program git, which is not installed"));
    }
    Ok(())
}

/// What the configuration turns on.
fn summary(config: &Config) -> String {
    let hooks: Vec<String> = config.hooks.keys().map(|name| format!("/hooks/{name}")).collect();
    let listen = config.http.listen;
    let lines = [
        ("Slack", on(config.slack.is_some(), "on, over Socket Mode", "off: there is no [slack]")),
        ("Discord", on(config.discord.is_some(), "on, over its gateway", "off: there is no [discord]")),
        ("HTTP", format!("{listen}, for browsers {}", config.http.public_url.as_deref().unwrap_or("the same"))),
        ("Webhooks", on(!hooks.is_empty(), &hooks.join(", "), "off: there are no [hooks.…]")),
        ("Journal", config.data_dir.display().to_string()),
        ("Checkpoints", checkpoints(config)),
        ("Wiki", config.wiki.path.display().to_string()),
        ("Wiki's push", on(config.wiki.push.is_some(), "after each postmortem", "off: there is no [wiki.git] push")),
        ("Catalogue", format!("services: {}, people: {}", config.services.len(), config.people.len())),
        ("Rules", format!("{} ({})", config.policies.count(), config.policies.version())),
    ];
    let mut text: String = lines.iter().map(|(what, how)| format!("{what:<12} {how}\n")).collect();
    if config.slack.is_none() && config.discord.is_none() {
        text.push_str("No chat is on: Muster keeps what it is told, and nobody sees it.\n");
    }
    text + "No problems in the files. Whether the tokens work shows when it runs: `muster run`, then /readyz."
}

/// Where copies of checkpoints go.
fn checkpoints(config: &Config) -> String {
    let chats = config.journal.checkpoint_to.keys().map(|platform| platform.title());
    let places: Vec<&str> = chats.chain(config.journal.checkpoint_wiki.then_some("the wiki's repository")).collect();
    let here = "in the data directory";
    if places.is_empty() { format!("{here} only") } else { format!("{here}, and copies go to {}", places.join(", ")) }
}

fn on(is_on: bool, on: &str, off: &str) -> String {
    if is_on { on.to_owned() } else { off.to_owned() }
}

fn has_git() -> bool {
    let null = std::process::Stdio::null;
    std::process::Command::new("git").arg("--version").stdout(null()).stderr(null()).status().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_and_off_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("muster.toml"), "[hooks.alertmanager]\nbearer = { env = \"AM\" }\n")
            .expect("a file");
        let env = |_: &str| Some("very-hidden".to_owned());
        let config = crate::config::load(directory.path(), &env).expect("it is right");
        let told = summary(&config);
        for part in
            ["Slack        off", "Webhooks     /hooks/alertmanager", "No chat is on", "No problems in the files."]
        {
            assert!(told.contains(part), "{part} is missing in:\n{told}");
        }
        assert!(!told.contains("very-hidden"));
    }

    #[test]
    fn problems_end_with_78() {
        let directory = tempfile::tempdir().expect("a directory");
        let Err(failed) = check(&At { config: directory.path().to_owned() }) else { panic!("there is no muster.toml") };
        assert_eq!(failed.code, super::super::CONFIG);
        assert!(failed.what.contains("muster init"), "{}", failed.what);
    }
}
