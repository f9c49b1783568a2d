//! `muster check`.

use super::{At, Failed, load, out};

/// Tells all problems; where there are none, what is connected and what is off.
pub(super) fn check(at: &At) -> Result<(), Failed> {
    let config = load(at)?;
    for warning in &config.warnings {
        out::line(&format!("warning: {warning}"));
    }
    let on = |is: bool| if is { "on" } else { "off" };
    out::line(&format!("Slack: {}", on(config.slack.is_some())));
    out::line(&format!("Discord: {}", on(config.discord.is_some())));
    let hooks: Vec<String> = config.hooks.keys().map(|name| format!("/hooks/{name}")).collect();
    out::line(&format!("Webhooks at {}: {}", config.http.listen, if hooks.is_empty() { "off".to_owned() } else { hooks.join(", ") }));
    out::line(&format!("Wiki: {}", config.wiki.path.display()));
    if config.wiki.push.is_some() && !has_git() {
        return Err(Failed::new("[wiki.git] push needs the program git, which is not installed"));
    }
    out::line(&format!("{} services, {} people. No problems.", config.services.len(), config.people.len()));
    Ok(())
}

fn has_git() -> bool {
    let null = std::process::Stdio::null;
    std::process::Command::new("git").arg("--version").stdout(null()).stderr(null()).status().is_ok()
}
