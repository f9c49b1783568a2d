//! `muster init`: a commented configuration, a Slack app manifest, and Discord's invite link.
//!
//! What holds: a file that is there already is never touched, and then nothing else is written.

use std::fs::OpenOptions;
use std::io::Write;

use super::{Failed, InitArgs};

/// The files that are written, with what is in them. Each is a configuration that holds.
pub const FILES: [(&str, &str); 4] = [
    ("muster.toml", include_str!("shipped/muster.toml")),
    ("services.toml", include_str!("shipped/services.toml")),
    ("people.toml", include_str!("shipped/people.toml")),
    ("policies/default.cedar", policy::DEFAULT),
];

/// Writes the files; gives back what to do next.
pub(super) fn init(args: &InitArgs) -> Result<String, Failed> {
    let InitArgs { directory, discord_application } = args;
    let application = discord_application.as_deref();
    if application.is_some_and(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(Failed::new("An application's id on Discord is digits: see General Information, Application ID."));
    }
    let manifest = integrations::chat::slack::manifest::manifest(&commands::spec::spec());
    let manifest = serde_json::to_string_pretty(&manifest)? + "\n";
    let mut files = FILES.to_vec();
    files.push(("slack-manifest.json", &manifest));
    // A link that leads nowhere is there as well.
    let is_there = |name: &str| directory.join(name).symlink_metadata().is_ok();
    let there: Vec<&str> = files.iter().map(|(name, _)| *name).filter(|name| is_there(name)).collect();
    if !there.is_empty() {
        let are = if there.len() == 1 { "is" } else { "are" };
        let (at, there) = (directory.display(), there.join(", "));
        return Err(Failed::new(format!("{at}: {there} {are} there already. Nothing was written.")));
    }
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(directory))?;
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Failed::new(format!("{}: {error}", path.display())))?;
    }
    Ok(next_steps(&directory.display().to_string(), &integrations::chat::discord::invite::link(application)))
}

fn next_steps(at: &str, invite: &str) -> String {
    format!(
        "Wrote {at}/muster.toml, services.toml, people.toml, policies/default.cedar and slack-manifest.json. Next:

1. Slack: open https://api.slack.com/apps?new_app=1, choose \"From a manifest\" and paste slack-manifest.json.
   Install the app. You need its bot token (xoxb-…) and an app-level token with connections:write (xapp-…).
2. Discord: make an application at https://discord.com/developers/applications. Under Bot, copy the token and
   switch on the Message Content Intent. Then invite it with exactly what it needs:
   {invite}
3. Put your channels' ids into {at}/muster.toml, and the tokens into the environment:
   SLACK_APP_TOKEN, SLACK_BOT_TOKEN, DISCORD_TOKEN, ALERTMANAGER_TOKEN.
   Only one of the chats? Take the other one's section out.
4. muster check --config {at}
5. muster run --config {at}

No chat at hand yet? `muster sandbox` runs both on this machine, and `muster demo` shows everything."
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn args(directory: &Path) -> InitArgs {
        InitArgs { directory: directory.to_owned(), discord_application: Some("4242".to_owned()) }
    }

    /// What the tokens of the example could be.
    fn env(name: &str) -> Option<String> {
        let prefix = match name {
            "SLACK_APP_TOKEN" => "xapp-",
            "SLACK_BOT_TOKEN" => "xoxb-",
            _ => "",
        };
        Some(format!("{prefix}1"))
    }

    #[test]
    fn what_is_written_is_a_configuration_that_holds() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = directory.path().join("new/muster");
        let Ok(next) = init(&args(&at)) else { panic!("it is written") };
        assert!(next.contains("client_id=4242"), "{next}");
        let config = crate::config::load(&at, &env).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(config.slack.is_some() && config.discord.is_some() && config.hooks.contains_key("alertmanager"));
        assert_eq!((config.services.len(), config.people.len(), config.channels.len()), (1, 1, 2));
        assert!(config.warnings.iter().all(|it| it.what.contains("example's id")), "{:?}", config.warnings);
        assert!(!config.warnings.is_empty(), "ids that nobody replaced are told");
        let manifest = std::fs::read_to_string(at.join("slack-manifest.json")).expect("it is there");
        assert!(serde_json::from_str::<serde_json::Value>(&manifest).is_ok());
    }

    #[test]
    fn nothing_is_overwritten() {
        let directory = tempfile::tempdir().expect("a directory");
        let mine = directory.path().join("people.toml");
        std::fs::write(&mine, "# mine\n").expect("a file");
        let Err(failed) = init(&args(directory.path())) else { panic!("it is refused") };
        assert!(failed.what.ends_with("people.toml is there already. Nothing was written."), "{}", failed.what);
        assert_eq!(std::fs::read_to_string(&mine).expect("it is there"), "# mine\n");
        assert!(!directory.path().join("muster.toml").exists());
    }

    #[test]
    fn an_application_is_digits() {
        let directory = tempfile::tempdir().expect("a directory");
        let wrong = InitArgs { discord_application: Some("1&scope=x".to_owned()), ..args(directory.path()) };
        assert!(init(&wrong).is_err());
    }
}
