//! What there is to choose from while somebody types an option.

use operations::alert::Group;
use operations::deploy::{Deploy, Stage};
use operations::incident::Incident;
use operations::policy::{Asking, On, Verb};
use operations::text::cut;

use crate::names;

/// The most choices that Discord shows.
const MOST: usize = 25;

/// The longest label that Discord takes, in characters.
const LONGEST: usize = 100;

/// Label and value of what an option could be, given what was typed of it: at most 25, the newest first.
///
/// Only what the subcommand can be about is offered (open incidents, or resolved ones for `reopen`), and what the asker
/// may look at.
#[must_use]
pub fn complete(asking: Asking<'_>, name: &str, path: &[String], option: &str, partial: &str) -> Vec<(String, String)> {
    let state = asking.state;
    let subcommand = path.first().map_or(name, String::as_str);
    let partial = partial.trim().to_lowercase();
    let matches = |(label, _): &(String, String)| label.to_lowercase().contains(&partial);
    match option {
        "incident" => {
            let offered = state.incidents.values().rev().filter(|it| is_about_incident(subcommand, it));
            let labelled = |it: &Incident| (label(&names::incident(it).words(), it.status.name()), it.id.to_string());
            let alike = offered.filter(|it| matches(&labelled(it))).map(|it| it.id);
            let seen = asking.seen_incidents(alike, MOST);
            seen.iter().filter_map(|id| state.incidents.get(id)).map(|it| labelled(it)).collect()
        }
        "alert" => {
            let offered = state.firing().filter(|group| is_about_alert(subcommand, group));
            let labelled = |group: &Group| {
                let words = format!("{} {}", group.id, names::alert(group));
                (label(&words, group.severity.name()), group.id.to_string())
            };
            let alike = offered.filter(|group| matches(&labelled(group))).map(|group| group.id);
            let seen = asking.seen_alerts(alike, MOST);
            seen.iter().filter_map(|id| state.groups.get(id)).map(|group| labelled(group)).collect()
        }
        "service" => {
            let services = state.settings.services.iter().filter(|it| name == "where" || !it.environments.is_empty());
            let named = services.map(|it| (cut(&it.name, LONGEST), it.name.clone())).filter(matches);
            let may = |(_, service): &(String, String)| asking.may(Verb::View, &On::Service(service.clone())).is_ok();
            named.filter(may).take(MOST).collect()
        }
        "environment" | "from" | "to" => {
            let mut names: Vec<&String> = Vec::new();
            for environment in state.settings.services.iter().flat_map(|service| &service.environments) {
                if !names.contains(&&environment.name) {
                    names.push(&environment.name);
                }
            }
            names.into_iter().map(|name| (cut(name, LONGEST), name.clone())).filter(matches).take(MOST).collect()
        }
        "deploy" => {
            let fits = |it: &&Deploy| match (name, subcommand) {
                ("approve" | "deny", _) => matches!(it.stage, Stage::Approving { .. }),
                (_, "ran" | "didnot" | "look") => matches!(it.stage, Stage::Unknown { .. }),
                (_, "cancel") => it.is_open(),
                (_, "retry") => !it.is_open() && !it.succeeded(),
                _ => true,
            };
            let labelled = |it: &Deploy| {
                let words = format!("{} {} {}", it.id, it.wanted.target, it.release_name().as_str());
                let state = it.ended().map_or("open", |(how, _)| how.words());
                (label(&words, state), it.id.to_string())
            };
            let sees = |it: &&Deploy| asking.may(Verb::View, &On::Environment(it.wanted.target.clone())).is_ok();
            let all = state.deploys.values().rev().map(AsRef::as_ref).filter(fits).filter(sees);
            all.map(labelled).filter(matches).take(MOST).collect()
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
