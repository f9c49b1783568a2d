//! What a postmortem's template sees: an incident in words.
//!
//! Every text in a [`View`] is Markdown already, escaped where it came from outside; a
//! template needs no filter and can't get it wrong. What holds: what is not known is called
//! so and is never a zero.

use jiff::{SignedDuration, Timestamp};
use operations::alert::{Group, Member};
use operations::chat::Actor;
use operations::ids::{IncidentId, Platform};
use operations::incident::{Incident, Kept, Severity, Status};
use operations::settings::Settings;
use operations::state::State;
use operations::text::{Outside, Span};
use operations::timeline::{Entry, Kind};
use serde::Serialize;

use super::markdown;

/// At most so many alerts are listed.
const MOST_ALERTS: usize = 200;
/// The longest name of a page, in characters, without the incident's number.
const LONGEST_SLUG: usize = 60;
/// What stands in a cell that has nothing to say.
const NOTHING: &str = "–";

/// An incident as the template sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its number alone.
    pub number: u32,
    /// `INC-1`.
    pub id: String,
    /// What is wrong.
    pub title: String,
    /// The title as part of an address: `checkout-is-failing`; may be empty.
    pub slug: String,
    /// `SEV2`.
    pub severity: &'static str,
    /// What that means.
    pub severity_meaning: &'static str,
    /// The worst severity that it ever had.
    pub highest: &'static str,
    /// Where it stands.
    pub status: &'static str,
    /// When it was declared, in UTC.
    pub declared_at: String,
    /// By whom.
    pub declared_by: String,
    /// When it was mitigated, with "UTC", or that it is pending.
    pub mitigated_at: String,
    /// When it was resolved, with "UTC", or that it is pending.
    pub resolved_at: String,
    /// From the first alert to the first acknowledgement, in words.
    pub to_acknowledge: String,
    /// From declaring to mitigating, in words.
    pub to_mitigate: String,
    /// From declaring to resolving, in words.
    pub to_resolve: String,
    /// Who took part.
    pub responders: Vec<Responder>,
    /// The alerts that belong to it.
    pub alerts: Vec<AlertRow>,
    /// How many alerts are not in `alerts`.
    pub alerts_left_out: u64,
    /// Changes of its severity.
    pub severity_changes: Vec<Row>,
    /// What happened, in order.
    pub timeline: Vec<Row>,
    /// Messages that were pinned or marked.
    pub pinned: Vec<Quote>,
    /// What is to be done afterwards.
    pub actions: Vec<ActionRow>,
}

/// Somebody who took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Responder {
    /// Their name.
    pub name: String,
    /// On which chats.
    pub platform: String,
    /// Their roles.
    pub roles: String,
    /// When they first did something, in UTC.
    pub since: String,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertRow {
    /// The alert group: `A-311`.
    pub group: String,
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub what: String,
    /// `SEV2`.
    pub severity: &'static str,
    /// When Muster first heard of it, in UTC.
    pub first_seen: String,
    /// When Muster last heard of it, in UTC.
    pub last_seen: String,
    /// `firing` or `resolved`.
    pub state: &'static str,
    /// Where its rule can be looked at; empty where that is not known.
    pub link: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// When, in UTC.
    pub at: String,
    /// Who did it.
    pub who: String,
    /// What.
    pub what: String,
    /// Where the original can be read; empty where there is none.
    pub link: String,
}

/// A message that was pinned or marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// Its lines.
    pub lines: Vec<String>,
    /// Who wrote it.
    pub author: String,
    /// When, in UTC.
    pub at: String,
    /// Where it can be read; empty where that is not known.
    pub link: String,
}

/// Something to be done afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionRow {
    /// What.
    pub text: String,
    /// Who said so.
    pub by: String,
    /// When, in UTC.
    pub at: String,
}

/// The view of an incident; `None` where there is no such incident.
#[must_use]
pub fn view(state: &State, id: IncidentId) -> Option<View> {
    let it = state.incidents.get(&id)?;
    let settings = &state.settings;
    let groups: Vec<&Group> = it.groups.iter().filter_map(|group| state.groups.get(group).map(AsRef::as_ref)).collect();
    let mut alerts: Vec<AlertRow> = groups.iter().flat_map(|group| rows(group)).collect();
    let untold: u64 = groups.iter().map(|group| u64::from(group.truncated)).sum();
    let cut = alerts.len().saturating_sub(MOST_ALERTS) as u64;
    alerts.truncate(MOST_ALERTS);
    let since_declared = |at: Option<Timestamp>| match at {
        Some(at) => markdown::duration(at.duration_since(it.declared_at)),
        None => "pending".to_owned(),
    };
    Some(View {
        number: id.0,
        id: id.to_string(),
        title: markdown::md(it.title.as_str()),
        slug: slug(it.title.as_str()),
        severity: it.severity.name(),
        severity_meaning: it.severity.meaning(),
        highest: highest(it).name(),
        status: it.status.name(),
        declared_at: markdown::moment(it.declared_at),
        declared_by: name(settings, &it.declared_by),
        mitigated_at: or_pending(it.mitigated_at),
        resolved_at: or_pending(it.resolved_at),
        to_acknowledge: to_acknowledge(it, &groups),
        to_mitigate: since_declared(it.mitigated_at),
        to_resolve: since_declared(it.resolved_at),
        responders: responders(it, settings),
        alerts,
        alerts_left_out: untold + cut,
        severity_changes: it
            .timeline
            .iter()
            .filter(|entry| entry.kind == Kind::Severity)
            .map(|entry| row(entry, settings))
            .collect(),
        timeline: it.timeline.iter().map(|entry| row(entry, settings)).collect(),
        pinned: it.kept.iter().map(|kept| quote(kept, settings)).collect(),
        actions: it
            .actions
            .iter()
            .map(|action| ActionRow {
                text: markdown::md(action.text.as_str()),
                by: name(settings, &action.by),
                at: markdown::moment(action.at),
            })
            .collect(),
    })
}

fn or_pending(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "pending".to_owned(), |at| format!("{} UTC", markdown::moment(at)))
}

/// From the first alert to the first acknowledgement of any.
fn to_acknowledge(it: &Incident, groups: &[&Group]) -> String {
    let Some(opened) = groups.iter().map(|group| group.opened_at).min() else {
        return "not applicable: no alert belongs to it".to_owned();
    };
    match (groups.iter().filter_map(|group| group.first_acknowledged_at).min(), it.status) {
        (Some(at), _) => markdown::duration(nonnegative(at.duration_since(opened))),
        (None, Status::Resolved) => "not recorded: no alert was acknowledged".to_owned(),
        (None, Status::Investigating | Status::Mitigated) => "pending".to_owned(),
    }
}

fn nonnegative(length: SignedDuration) -> SignedDuration {
    length.max(SignedDuration::ZERO)
}

/// The worst severity: the one it has, and all that the timeline's own words name.
fn highest(it: &Incident) -> Severity {
    let named = it
        .timeline
        .iter()
        .filter(|entry| matches!(entry.kind, Kind::Severity | Kind::Status))
        .flat_map(|entry| &entry.words.0)
        .filter_map(|span| if let Span::Plain(words) = span { Some(words) } else { None })
        .flat_map(|words| words.split_whitespace())
        .filter_map(|word| Severity::ALL.into_iter().find(|severity| severity.name() == word));
    named.chain([it.severity]).min().unwrap_or(it.severity)
}

/// Everybody who did something or has a role; a person with several accounts is one.
fn responders(it: &Incident, settings: &Settings) -> Vec<Responder> {
    let did = it.responders.iter().map(|(actor, since)| (actor, Some(*since)));
    // A role can be given to somebody who then did nothing in the chat.
    let everybody = did.chain(it.roles.values().map(|holder| (holder, None)));
    let mut people: Vec<(Vec<&Actor>, Option<Timestamp>)> = Vec::new();
    for (actor, since) in everybody {
        let is_same = |known: &&Actor| settings.same_person(&known.user, &actor.user);
        match people.iter_mut().find(|(accounts, _)| accounts.iter().any(is_same)) {
            Some((accounts, _)) => accounts.push(actor),
            None => people.push((vec![actor], since)),
        }
    }
    people.into_iter().filter_map(|(accounts, since)| responder(it, settings, &accounts, since)).collect()
}

fn responder(it: &Incident, settings: &Settings, accounts: &[&Actor], since: Option<Timestamp>) -> Option<Responder> {
    let is_held = |holder: &Actor| accounts.iter().any(|actor| actor.user == holder.user);
    let held = it.roles.iter().filter(|(_, holder)| is_held(holder));
    let roles = held.map(|(role, _)| role.title()).collect::<Vec<_>>().join(", ");
    let on = Platform::ALL.into_iter().filter(|on| accounts.iter().any(|actor| actor.user.platform == *on));
    Some(Responder {
        name: name(settings, accounts.first()?),
        platform: on.map(Platform::title).collect::<Vec<_>>().join(", "),
        roles: if roles.is_empty() { NOTHING.to_owned() } else { roles },
        since: since.map_or_else(|| NOTHING.to_owned(), markdown::moment),
    })
}

fn rows(group: &Group) -> impl Iterator<Item = AlertRow> + '_ {
    group.members.values().map(|member| {
        let alert = &member.alert;
        let name = alert.labels.get("alertname").unwrap_or(&group.title);
        let severity =
            alert.labels.get("severity").map_or(group.severity, |label| Severity::from_label(label.as_str()));
        AlertRow {
            group: group.id.to_string(),
            name: markdown::md(&match instance(member) {
                Some(instance) => format!("{} ({instance})", name.as_str()),
                None => name.as_str().to_owned(),
            }),
            what: what(member),
            severity: severity.name(),
            first_seen: markdown::moment(member.first_seen),
            last_seen: markdown::moment(member.last_seen),
            state: if member.firing { "firing" } else { "resolved" },
            link: alert.source_url.as_ref().and_then(|url| markdown::link("source", url)).unwrap_or_default(),
        }
    })
}

/// What tells an alert from the others of its group.
fn instance(member: &Member) -> Option<&str> {
    let labels = &member.alert.labels;
    let found = ["instance", "pod", "host", "node"].into_iter().find_map(|label| labels.get(label));
    found.map(Outside::as_str).filter(|instance| !instance.is_empty())
}

/// The summary of an alert; its labels where it has none.
fn what(member: &Member) -> String {
    let alert = &member.alert;
    if let Some(summary) = alert.annotations.get("summary").filter(|summary| !summary.is_empty()) {
        return markdown::md(summary.as_str());
    }
    let labels = alert.labels.iter().filter(|(name, _)| !matches!(*name, "alertname" | "severity"));
    let words: Vec<String> = labels.map(|(name, value)| format!("{name}={}", value.as_str())).collect();
    Some(markdown::md(&words.join(", "))).filter(|words| !words.is_empty()).unwrap_or_else(|| NOTHING.to_owned())
}

/// Somebody's name: the configured one before the platform's.
fn name(settings: &Settings, actor: &Actor) -> String {
    markdown::md(settings.name_of(actor).as_str())
}

fn row(entry: &Entry, settings: &Settings) -> Row {
    let words = markdown::text(&entry.words);
    let what = match entry.quote.as_ref().map(|quote| markdown::md(quote.as_str())) {
        Some(quote) if !quote.is_empty() => format!("{words}: {quote}"),
        Some(_) | None => words,
    };
    Row {
        at: markdown::moment(entry.at),
        who: entry.by.as_ref().map_or_else(|| NOTHING.to_owned(), |by| name(settings, by)),
        what,
        link: entry.link.as_ref().and_then(|url| markdown::link("open", url)).unwrap_or_default(),
    }
}

fn quote(kept: &Kept, settings: &Settings) -> Quote {
    let captured = &kept.captured;
    Quote {
        lines: markdown::lines(captured.text.as_str()),
        author: name(settings, &captured.author),
        at: markdown::moment(captured.at),
        link: markdown::link("open", &captured.link).unwrap_or_default(),
    }
}

/// Text as part of an address: small letters, digits and hyphens.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    // ASCII by now, so every byte is a place to cut.
    slug.truncate(LONGEST_SLUG);
    slug.trim_end_matches('-').to_owned()
}
