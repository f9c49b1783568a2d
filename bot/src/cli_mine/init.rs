//! `muster init`: a commented configuration, a Slack app manifest, and Discord's invite link.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::out;

/// The files that are written, with what is in them.
pub const FILES: [(&str, &str); 3] = [
    ("muster.toml", include_str!("shipped/muster.toml")),
    ("services.toml", include_str!("shipped/services.toml")),
    ("people.toml", include_str!("shipped/people.toml")),
];

/// Writes the files. One that is there already is left as it is, and nothing is written then.
///
/// # Errors
/// A file that is there already, and what the file system refuses.
pub fn init(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let manifest = integrations::chat::slack::manifest::manifest(&commands::spec::spec());
    let manifest = serde_json::to_string_pretty(&manifest)?;
    let mut files: Vec<(&str, &str)> = FILES.to_vec();
    files.push(("slack-manifest.json", &manifest));
    if let Some((name, _)) = files.iter().find(|(name, _)| directory.join(name).exists()) {
        let what = format!("{} is there already; nothing was written", directory.join(name).display());
        return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, what));
    }
    for (name, text) in files {
        let mut file = OpenOptions::new().write(true).create_new(true).open(directory.join(name))?;
        file.write_all(text.as_bytes())?;
    }
    let at = directory.display();
    out::line(&format!("Wrote {at}/muster.toml, services.toml, people.toml and slack-manifest.json. Next:"));
    out::line("");
    out::line("1. Slack: api.slack.com/apps, Create New App, From a manifest, paste slack-manifest.json. Install it, then copy");
    out::line("   the bot token (xoxb-…) and an app-level token with connections:write (xapp-…).");
    out::line("2. Discord: discord.com/developers, New Application, Bot: copy the token and switch on Message Content Intent.");
    out::line("   Invite it with exactly what it needs:");
    out::line(&format!("   {}", integrations::chat::discord::invite::link(None)));
    out::line(&format!("3. Put the ids of your channels into {at}/muster.toml, and the tokens into the environment."));
    out::line(&format!("4. muster check --config {at} && muster run --config {at}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_a_configuration_that_holds() {
        let directory = tempfile::tempdir().expect("a directory");
        init(directory.path()).expect("it is written");
        let env = |_: &str| Some("set".to_owned());
        let config = crate::config::load(directory.path(), &env).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(config.slack.is_some() && config.discord.is_some() && config.hooks.contains_key("alertmanager"));
        assert_eq!((config.services.len(), config.people.len()), (1, 1));
        assert!(init(directory.path()).is_err(), "nothing is overwritten");
    }
}
