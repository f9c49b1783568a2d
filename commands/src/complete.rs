//! What there is to choose from while somebody types an option.

use operations::alert::Group;
use operations::incident::Incident;
use operations::state::State;
use operations::text::cut;

use crate::names;

/// The most choices that Discord shows.
const MOST: usize = 25;

/// The longest label that Discord takes, in characters.
const LONGEST: usize = 100;

/// Label and value of what an option could be, given what was typed of it: at most 25, the newest first.
///
/// Only what the subcommand can be about is offered: open incidents, or resolved ones for `reopen`.
#[must_use]
pub fn complete(state: &State, name: &str, path: &[String], option: &str, partial: &str) -> Vec<(String, String)> {
    let subcommand = path.first().map_or(name, String::as_str);
    let partial = partial.trim().to_lowercase();
    let matches = |(label, _): &(String, String)| label.to_lowercase().contains(&partial);
    match option {
        "incident" => {
            let offered = state.incidents.values().rev().filter(|it| is_about_incident(subcommand, it));
            let labels = offered.map(|it| (label(&names::incident(it).words(), it.status.name()), it.id.to_string()));
            labels.filter(matches).take(MOST).collect()
        }
        "alert" => {
            let offered = state.firing().filter(|group| is_about_alert(subcommand, group));
            let labels = offered.map(|group| {
                let words = format!("{} {}", group.id, names::alert(group));
                (label(&words, group.severity.name()), group.id.to_string())
            });
            labels.filter(matches).take(MOST).collect()
        }
        _ => Vec::new(),
    }
}

fn label(words: &str, state: &str) -> String {
    let words = words.replace(['\n', '\t'], " ");
    format!("{} · {state}", cut(&words, LONGEST - state.len() - 3))
}

fn is_about_incident(subcommand: &str, it: &Incident) -> bool {
    match subcommand {
        "show" | "timeline" | "postmortem" | "note" | "action" => true,
        "reopen" => !it.is_open(),
        _ => it.is_open(),
    }
}

fn is_about_alert(subcommand: &str, group: &Group) -> bool {
    match subcommand {
        "ack" => group.acknowledged.is_none(),
        "unack" | "takeover" => group.acknowledged.is_some(),
        "declare" => group.incident.is_none(),
        _ => true,
    }
}
