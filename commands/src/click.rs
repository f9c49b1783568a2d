//! What buttons type: a question about an incident or an alert as a command line.
//!
//! What holds: every line fits into a button, and is read as the question that it was made of
//! (where its words don't fit, see [`keeps_words`]).

use operations::command::{AlertAsk, Ask, Holder};
use operations::ids::{GroupId, IncidentId};
use operations::text::Outside;

/// The longest command that a button can hold, in UTF-16 units. Discord's custom ids take 100 characters; the
/// others are the adapter's.
pub const LONGEST: usize = 90;

/// The command line that asks this about an incident.
///
/// Words that don't fit are left out: then a note's and an update's button opens the form.
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
        Ask::AddNote(text) => with_words("note", incident, Some(text)),
        Ask::PostUpdate(text) => with_words("update", incident, Some(text)),
        Ask::AddAction(text) => with_words("action", incident, Some(text)),
        Ask::Mitigate(text) => with_words("mitigate", incident, text.as_ref()),
        Ask::Resolve(text) => with_words("resolve", incident, text.as_ref()),
        Ask::Reopen(text) => with_words("reopen", incident, text.as_ref()),
        Ask::ShowTimeline => format!("incident timeline {incident}"),
        Ask::WritePostmortem => format!("incident postmortem {incident}"),
    }
}

/// The words that somebody gave with a question, if there are any.
#[must_use]
pub fn words(ask: &Ask) -> Option<&Outside> {
    let words = match ask {
        Ask::AddNote(text) | Ask::PostUpdate(text) | Ask::AddAction(text) => Some(text),
        Ask::Mitigate(text) | Ask::Resolve(text) | Ask::Reopen(text) => text.as_ref(),
        Ask::Show
        | Ask::SetSeverity(_)
        | Ask::ChooseSeverity
        | Ask::SetRole(..)
        | Ask::ChooseRole
        | Ask::ShowTimeline
        | Ask::WritePostmortem => None,
    };
    words.filter(|words| !words.is_empty())
}

/// Whether a button for this can hold the words that somebody gave.
#[must_use]
pub fn keeps_words(ask: &Ask, incident: IncidentId) -> bool {
    words(ask).is_none_or(|words| line(ask, incident).ends_with(words.as_str().trim()))
}

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

fn with_words(verb: &str, incident: IncidentId, words: Option<&Outside>) -> String {
    let bare = format!("incident {verb} {incident}");
    let Some(words) = words.map(|words| words.as_str().trim()).filter(|words| !words.is_empty()) else { return bare };
    let line = format!("{bare} {words}");
    // A platform may fold a line feed within a button's value into a space.
    if line.contains(['\n', '\t']) || line.encode_utf16().count() > LONGEST { bare } else { line }
}
