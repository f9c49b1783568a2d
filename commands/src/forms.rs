//! The forms.
//!
//! What holds: a form is a command with its options as fields, so sending one is read by the
//! same grammar as typing; titles, labels and fields keep the smaller of both platforms' limits.

use operations::card::{Field, FieldKind, Form};
use operations::command::FormKind;
use operations::ids::{GroupId, IncidentId};
use operations::incident::Severity;
use operations::state::State;
use operations::text::cut;

use crate::names;

/// The longest title of an incident, in characters.
const LONGEST_TITLE: u16 = 150;

/// The most choices that both platforms show in a form.
const MOST_CHOICES: usize = 25;

/// The longest note or update that a form takes, in characters.
const LONGEST_TEXT: u16 = 2000;

/// The form of a kind, filled in with what is known.
#[must_use]
pub fn form(state: &State, kind: &FormKind) -> Form {
    match kind {
        FormKind::Declare(group) => declare(state, *group),
        FormKind::Update(incident) => Form {
            click: with("incident update", *incident),
            title: titled("Update", *incident),
            submit: "Post".to_owned(),
            fields: vec![
                paragraph(
                    "text",
                    "What is known, and what is done about it",
                    true,
                    "Conditions and actions, in plain words",
                ),
                paragraph("needs", "What is needed", false, "Hands, a decision, an answer"),
            ],
        },
        FormKind::Note(incident) => Form {
            click: with("incident note", *incident),
            title: titled("Note", *incident),
            submit: "Add".to_owned(),
            fields: vec![paragraph("text", "Note", true, "What you see, or did")],
        },
    }
}

fn declare(state: &State, group: Option<GroupId>) -> Form {
    let group = group.and_then(|id| state.groups.get(&id));
    let initial = group.map(|group| names::alert(group)).unwrap_or_default().replace(['\n', '\t'], " ");
    let severity = group.map_or(Severity::Sev3, |group| group.severity);
    let label = |severity: Severity| (format!("{severity} {}", severity.meaning()), severity.name().to_owned());
    Form {
        click: group.map_or_else(|| "incident declare".to_owned(), |group| format!("incident declare {}", group.id)),
        title: "Declare an incident".to_owned(),
        submit: "Declare".to_owned(),
        fields: vec![
            Field {
                key: "title".to_owned(),
                label: "What is wrong?".to_owned(),
                kind: FieldKind::Line(LONGEST_TITLE),
                required: true,
                initial: cut(&initial, usize::from(LONGEST_TITLE)),
                placeholder: "Checkout is failing for some customers".to_owned(),
            },
            Field {
                key: "severity".to_owned(),
                label: "How bad is it?".to_owned(),
                kind: FieldKind::Choice(Severity::ALL.into_iter().map(label).collect()),
                required: true,
                initial: severity.name().to_owned(),
                placeholder: "Severity".to_owned(),
            },
        ],
    }
}

/// The form for a deploy.
#[must_use]
pub fn deploy(state: &State) -> Form {
    let mut environments: Vec<&str> = Vec::new();
    let places = state.settings.services.iter().flat_map(|service| &service.environments);
    for environment in places.filter(|it| it.pipeline.is_some()) {
        if !environments.contains(&environment.name.as_str()) {
            environments.push(&environment.name);
        }
    }
    let can = |service: &&operations::settings::Service| service.environments.iter().any(|it| it.pipeline.is_some());
    let services: Vec<&str> = state.settings.services.iter().filter(can).map(|service| service.name.as_str()).collect();
    let choice = |key: &str, label: &str, all: &[&str], placeholder: &str| {
        let fits = (1..=MOST_CHOICES).contains(&all.len()) && all.iter().all(|name| name.chars().count() <= 75);
        let options = all.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
        let kind = if fits { FieldKind::Choice(options) } else { FieldKind::Line(100) };
        let (key, label, placeholder) = (key.to_owned(), label.to_owned(), placeholder.to_owned());
        Field { key, label, kind, required: true, initial: String::new(), placeholder }
    };
    let line = |key: &str, label: &str, placeholder: &str| Field {
        key: key.to_owned(),
        label: label.to_owned(),
        kind: FieldKind::Line(200),
        required: false,
        initial: String::new(),
        placeholder: placeholder.to_owned(),
    };
    Form {
        click: "deploy start".to_owned(),
        title: "Deploy".to_owned(),
        submit: "Plan it".to_owned(),
        fields: vec![
            choice("service", "Which service?", &services, "checkout"),
            choice("environment", "Where to?", &environments, "staging"),
            line("ref", "Branch, tag or commit", "What is deployed where nothing is said"),
            line("parameters", "Parameters", "region=eu size=2"),
            line("reason", "Why?", "Fix the rounding"),
        ],
    }
}

fn with(command: &str, incident: Option<IncidentId>) -> String {
    incident.map_or_else(|| command.to_owned(), |incident| format!("{command} {incident}"))
}

fn titled(what: &str, incident: Option<IncidentId>) -> String {
    incident.map_or_else(|| what.to_owned(), |incident| format!("{what} · {incident}"))
}

fn paragraph(key: &str, label: &str, required: bool, placeholder: &str) -> Field {
    Field {
        key: key.to_owned(),
        label: label.to_owned(),
        kind: FieldKind::Paragraph(LONGEST_TEXT),
        required,
        initial: String::new(),
        placeholder: placeholder.to_owned(),
    }
}
