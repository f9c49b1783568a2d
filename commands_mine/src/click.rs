//! What buttons type: a question about an incident or alert as a command line.

use operations::command::{AlertAsk, Ask, Holder};
use operations::ids::{GroupId, IncidentId};

/// The command line that asks this about an incident.
///
/// Of notes and updates it opens the form: their words may not fit into a button.
#[must_use]
pub fn line(ask: &Ask, incident: IncidentId) -> String {
    match ask {
        Ask::Show => format!("incident show {incident}"),
        Ask::SetSeverity(severity) => format!("incident sev {incident} {severity}"),
        Ask::ChooseSeverity => format!("incident sev {incident}"),
        Ask::SetRole(role, Holder::Nobody) => format!("incident role {incident} {} nobody", role.key()),
        Ask::SetRole(role, Holder::Me) => format!("incident role {incident} {} me", role.key()),
        Ask::SetRole(role, Holder::User(user)) => format!("incident role {incident} {} <@{}>", role.key(), user.user),
        Ask::ChooseRole => format!("incident role {incident}"),
        Ask::AddNote(_) => format!("incident note {incident}"),
        Ask::PostUpdate(_) => format!("incident update {incident}"),
        Ask::AddAction(text) => short("action", incident, Some(text.as_str())),
        Ask::Mitigate(text) => short("mitigate", incident, text.as_ref().map(|it| it.as_str())),
        Ask::Resolve(text) => short("resolve", incident, text.as_ref().map(|it| it.as_str())),
        Ask::Reopen(text) => short("reopen", incident, text.as_ref().map(|it| it.as_str())),
        Ask::ShowTimeline => format!("incident timeline {incident}"),
        Ask::WritePostmortem => format!("incident postmortem {incident}"),
    }
}

/// What was said goes with the button where it fits into one; else the button is about the rest.
fn short(verb: &str, incident: IncidentId, text: Option<&str>) -> String {
    let line = format!("incident {verb} {incident} {}", text.unwrap_or_default().replace('\n', " "));
    let line = line.trim().to_owned();
    if line.len() <= LONGEST { line } else { format!("incident {verb} {incident}") }
}

/// The longest command that a button can hold, in bytes: Discord takes 100 characters, and some are kept for the adapter.
pub const LONGEST: usize = 90;

/// The command line that asks this about an alert group.
#[must_use]
pub fn alert_line(ask: AlertAsk, group: GroupId) -> String {
    let verb = match ask {
        AlertAsk::Show => "show",
        AlertAsk::Acknowledge => "ack",
        AlertAsk::TakeOver => "takeover",
        AlertAsk::Unacknowledge => "unack",
    };
    format!("alert {verb} {group}")
}
