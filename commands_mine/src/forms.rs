//! The forms.

use operations::card::{Field, FieldKind, Form};
use operations::command::FormKind;
use operations::ids::{GroupId, IncidentId};
use operations::incident::Severity;
use operations::state::State;

/// The form of a kind, filled in with what is known.
#[must_use]
pub fn form(state: &State, kind: &FormKind) -> Form {
    match kind {
        FormKind::Declare(group) => declare(state, *group),
        FormKind::Update(incident) => Form {
            click: with("incident update", *incident),
            title: "Post an update".to_owned(),
            submit: "Post".to_owned(),
            fields: vec![
                paragraph("text", "What is known, and what is done", true, "Conditions and actions, in plain words"),
                paragraph("needs", "What is needed", false, "Hands, a decision, an answer"),
            ],
        },
        FormKind::Note(incident) => Form {
            click: with("incident note", *incident),
            title: "Add a note".to_owned(),
            submit: "Add".to_owned(),
            fields: vec![paragraph("text", "Note", true, "What you see, or did")],
        },
    }
}

fn declare(state: &State, group: Option<GroupId>) -> Form {
    let group = group.and_then(|id| state.groups.get(&id));
    let title = group.map(|group| match &group.service {
        Some(service) => format!("{} on {}", group.title.as_str(), service.as_str()),
        None => group.title.as_str().to_owned(),
    });
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
                kind: FieldKind::Line(150),
                required: true,
                initial: operations::text::cut(&title.unwrap_or_default(), 150),
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

fn with(command: &str, incident: Option<IncidentId>) -> String {
    incident.map_or_else(|| command.to_owned(), |incident| format!("{command} {incident}"))
}

fn paragraph(key: &str, label: &str, required: bool, placeholder: &str) -> Field {
    Field {
        key: key.to_owned(),
        label: label.to_owned(),
        kind: FieldKind::Paragraph(2000),
        required,
        initial: String::new(),
        placeholder: placeholder.to_owned(),
    }
}
