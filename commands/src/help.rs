//! What can be done, here and now. Made from the [`crate::spec`], so it can't disagree with it.

use operations::card::{Card, Colour};
use operations::chat::CommandSpec;
use operations::command::Topic;
use operations::ids::IncidentId;
use operations::incident::{Role, Status};
use operations::state::State;
use operations::text::Text;

use crate::spec::{spec, usage};

/// A command and its subcommand; no subcommand where the command has none.
type Line = (&'static str, &'static str);

/// The commands about deploys.
const DEPLOYS: [&str; 13] = [
    "deploy", "rollback", "promote", "approve", "deny", "lock", "unlock", "locks", "freeze", "unfreeze", "changes",
    "where", "why",
];

const EVERYTHING: Line = ("muster", "help");

/// Help about a topic, in the room of an incident or elsewhere.
#[must_use]
pub fn card(state: &State, topic: Topic, here: Option<IncidentId>) -> Card {
    match topic {
        Topic::All => all("Everything that Muster knows", &["incident", "alert", "ack", "muster"]),
        Topic::Deploy => all("Deploys, locks and freezes", &DEPLOYS),
        Topic::Alert => all("What can be done with alerts", &["alert", "ack"]),
        Topic::Here | Topic::Incident => {
            let lines = possible(state, here);
            let place = here.map_or_else(|| "here".to_owned(), |id| format!("in the room of {id}"));
            let specs = spec();
            let mut card = headed(&format!("What you can do {place} now"));
            card.lines = lines.iter().filter_map(|line| text(&specs, *line, here.is_some())).collect();
            card.footer = Some(Text::new().plain("Everything: ").code("/muster help all"));
            card
        }
    }
}

/// The six lines that are of use here and now, the likely next step first.
#[must_use]
pub fn possible(state: &State, here: Option<IncidentId>) -> [Line; 6] {
    let Some(it) = here.and_then(|id| state.incidents.get(&id)) else {
        let waits = state.firing().any(|group| group.acknowledged.is_none());
        let (first, second) = (("incident", "declare"), ("ack", ""));
        let (first, second) = if waits { (second, first) } else { (first, second) };
        return [first, second, ("incident", "list"), ("alert", "list"), ("incident", "show"), EVERYTHING];
    };
    let incident = |name| ("incident", name);
    match it.status {
        Status::Investigating => {
            let role = if it.roles.contains_key(&Role::Commander) { "action" } else { "role" };
            [role, "update", "note", "sev", "mitigate", "resolve"].map(incident)
        }
        Status::Mitigated => ["resolve", "update", "note", "action", "sev", "timeline"].map(incident),
        Status::Resolved => ["postmortem", "action", "note", "timeline", "reopen", "list"].map(incident),
    }
}

fn headed(title: &str) -> Card {
    Card::coloured(Colour::Waiting, Text::new().bold(title))
}

fn all(title: &str, families: &[&str]) -> Card {
    let specs = spec();
    let mut card = headed(title);
    for command in specs.iter().filter(|command| families.contains(&command.name)) {
        if command.subcommands.is_empty() {
            card.lines.extend(text(&specs, (command.name, ""), false));
        }
        for subcommand in &command.subcommands {
            card.lines.extend(text(&specs, (command.name, subcommand.name), false));
        }
    }
    card.footer = Some(if families == DEPLOYS {
        let text = Text::new()
            .plain("A branch, tag or commit stands behind the service: ")
            .code("/deploy checkout@v1.2 to staging");
        let text = text.plain(". --dry-run shows the plan and does nothing. Who may do what: ");
        text.code("muster policy explain")
    } else {
        let words = "Without a slash: mention Muster and leave “incident” out. Pin a message or react with 📌: it is in the timeline. Deploys: ";
        Text::new().plain(words).code("/deploy help")
    });
    card
}

/// A command as it is typed, and what it does; none where there is no such command.
fn text(specs: &[CommandSpec], (command, subcommand): Line, here: bool) -> Option<Text> {
    let command = specs.iter().find(|it| it.name == command)?;
    if subcommand.is_empty() {
        return Some(told(&usage(command.name, None, &command.options, here), command.about));
    }
    let found = command.subcommands.iter().find(|it| it.name == subcommand)?;
    Some(told(&usage(command.name, Some(found), &found.options, here), found.about))
}

fn told(usage: &str, about: &str) -> Text {
    Text::new().code(usage).plain(format!(" {about}"))
}
