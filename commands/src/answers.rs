//! What the one who asked is told.

use operations::card::{Card, Colour, Menu, Quote};
use operations::chat::Answer;
use operations::command::FormKind;
use operations::deploy::command::DeployReply;
use operations::effect::Place;
use operations::ids::{GroupId, IncidentId, Platform};
use operations::incident::{Incident, Role, Severity};
use operations::input::Asked;
use operations::refusal::Refusal;
use operations::reply::{Did, Reply};
use operations::state::State;
use operations::text::{Text, TimeStyle, cut};

use crate::names::{self, joined, person};
use crate::{cards, forms, help, refusals};

/// So many entries of a timeline are shown in a chat.
const ENTRIES: usize = 12;

/// So many incidents or alert groups are listed.
const LISTED: usize = 10;

/// The longest of somebody's words within a line of the timeline, in characters.
const QUOTED: usize = 120;

/// The answer to somebody who asked; none where nobody needs one.
///
/// A click or form is answered in words only where no card shows what it did.
#[must_use]
pub fn for_asked(state: &State, decided: Result<Option<Reply>, Refusal>, asked: &Asked) -> Option<Answer> {
    if asked.answer.is_some() {
        return asked.answer.clone();
    }
    match decided {
        Ok(Some(Reply::Shown(_) | Reply::Deploy(DeployReply::Did(..)))) if asked.quiet => Some(Answer::Silent),
        Ok(Some(reply)) => Some(answer(state, &reply)),
        Ok(None) => Some(Answer::Silent),
        Err(refused) => Some(refusal(state, &refused)),
    }
}

/// What is added to an answer that may have been given already, where nobody can look that up.
pub const AGAIN: &str = "You may have seen this already.";

/// The same answer once more.
#[must_use]
pub fn again(card: &Card) -> Card {
    let mut card = card.clone();
    let footer = card.footer.take().filter(|footer| !footer.words().trim().is_empty());
    card.footer = Some(footer.map_or_else(Text::new, |footer| footer.plain(" · ")).plain(AGAIN));
    card
}

/// The answer to what was refused, for the asker alone.
#[must_use]
pub fn refusal(state: &State, refusal: &Refusal) -> Answer {
    Answer::Private(refusals::card(state, refusal))
}

/// The answer to what was carried out, for the asker alone.
#[must_use]
pub fn answer(state: &State, reply: &Reply) -> Answer {
    Answer::Private(match reply {
        Reply::Shown(did) => Card::line(done(state, did)),
        Reply::Declared(id) => declared(state, *id),
        Reply::Form(kind) => return Answer::Form(forms::form(state, kind), instead(kind)),
        Reply::Incidents { all, shown } => incidents(state, *all, shown),
        Reply::Incident(id) => incident(state, *id),
        Reply::Severities(id) => severities(state, *id),
        Reply::Roles(id) => roles(state, *id),
        Reply::Timeline(id) => state.incidents.get(id).map(|it| timeline(state, it)).unwrap_or_default(),
        Reply::PostmortemAsked(id) => Card::line(
            Text::new().plain(format!("The postmortem of {id} is being written. Its link comes into the room.")),
        ),
        Reply::Alerts { shown } => alerts(state, shown),
        Reply::Alert(id) => alert(state, *id),
        Reply::Deploy(DeployReply::Form) => {
            return Answer::Form(forms::deploy(state), crate::deploy::answers::card(state, &DeployReply::Form));
        }
        Reply::Deploy(reply) => crate::deploy::answers::card(state, reply),
        Reply::Status => cards::status(state),
        Reply::Help(topic, here) => help::card(state, *topic, *here),
    })
}

fn done(state: &State, did: &Did) -> Text {
    let plain = |words: String| Text::new().plain(words);
    match did {
        Did::Acknowledged(group) => {
            plain(format!("You take care of {group} now; everybody sees it. To take that back: "))
                .code(format!("/alert unack {group}"))
        }
        Did::TookOver(group, from) => {
            plain(format!("You took {group} over from ")).span(person(state, from)).plain(".")
        }
        Did::Unacknowledged(group) => plain(format!("Nobody takes care of {group} any more.")),
        Did::SeveritySet(id, severity) => plain(format!("{id} is {severity} now: {}.", severity.meaning())),
        Did::RoleSet(id) => match state.incidents.get(id) {
            Some(it) => plain(format!("{id}: ")).text(cards::roles(state, it)),
            None => plain(format!("The roles of {id} are changed.")),
        },
        Did::NoteAdded(id) => plain(format!("Your note is in the timeline of {id}.")),
        Did::UpdatePosted(id) => plain(format!("Your update of {id} is posted on every chat.")),
        Did::ActionAdded(id) => plain(format!("It is one of the action items of {id} now.")),
        Did::Mitigated(id) => {
            plain(format!("{id} is mitigated. When it is over: ")).code(format!("/incident resolve {id}"))
        }
        Did::Resolved(id) => plain(format!("{id} is resolved. Next: ")).code(format!("/incident postmortem {id}")),
        Did::Reopened(id) => plain(format!("{id} is open again.")),
    }
}

fn declared(state: &State, id: IncidentId) -> Card {
    let rooms = state.incidents.get(&id).map(|it| names::rooms(state, it)).unwrap_or_default();
    let text = Text::new().bold(id.to_string()).plain(" is declared. ");
    Card::line(if rooms.is_empty() {
        text.plain("Its room is being opened; you will be invited.")
    } else {
        text.plain("Its room: ").text(joined(rooms, " ⇄ "))
    })
}

/// What is said where a form can't be opened any more.
fn instead(kind: &FormKind) -> Card {
    let line = match kind {
        FormKind::Declare(None) => "/incident declare What is wrong sev:SEV2".to_owned(),
        FormKind::Declare(Some(group)) => format!("/incident declare What is wrong alert:{group}"),
        FormKind::Update(None) => "/incident update What is known and done".to_owned(),
        FormKind::Update(Some(id)) => format!("/incident update {id} What is known and done"),
        FormKind::Note(None) => "/incident note What you see".to_owned(),
        FormKind::Note(Some(id)) => format!("/incident note {id} What you see"),
    };
    Card::line(Text::new().plain("The form can't be opened here any more. Type it instead: ").code(line))
}

fn incidents(state: &State, all: bool, shown: &[IncidentId]) -> Card {
    let chosen: Vec<&Incident> = shown.iter().filter_map(|id| state.incidents.get(id)).map(AsRef::as_ref).collect();
    if chosen.is_empty() {
        let text = if all { "There was no incident yet." } else { "No incident is open." };
        return Card::line(Text::new().plain(format!("{text} To declare one: ")).code("/incident declare"));
    }
    let title = match (chosen.len(), all) {
        (1, true) => "1 incident in all".to_owned(),
        (1, false) => "1 incident is open".to_owned(),
        (many, true) => format!("{many} incidents in all"),
        (many, false) => format!("{many} incidents are open"),
    };
    let mut card = Card::coloured(Colour::Waiting, Text::new().bold(title));
    for it in chosen.iter().take(LISTED) {
        let mut parts = vec![names::incident(it), Text::new().plain(format!("{} · {}", it.severity, it.status.name()))];
        parts
            .extend(it.roles.get(&Role::Commander).map(|who| Text::new().plain("commander ").span(person(state, who))));
        parts.extend(names::rooms(state, it));
        card = card.with(joined(parts, " · "));
    }
    more(card, chosen.len())
}

fn alerts(state: &State, shown: &[GroupId]) -> Card {
    let firing: Vec<_> = shown.iter().filter_map(|id| state.groups.get(id)).collect();
    if firing.is_empty() {
        return Card::line(Text::new().plain("No alert is firing."));
    }
    let words = if firing.len() == 1 { "1 alert fires".to_owned() } else { format!("{} alerts fire", firing.len()) };
    let mut card = Card::coloured(Colour::Firing, Text::new().bold(words));
    for group in firing.iter().take(LISTED) {
        let mut line = Text::new().bold(group.id.to_string()).plain(" ").outside(&group.title.short(80));
        if let Some(service) = &group.service {
            line = line.plain(" · ").outside(&service.short(60));
        }
        line = line.plain(format!(" · {} · since ", group.severity)).time(group.since(), TimeStyle::Clock);
        line = match &group.acknowledged {
            Some(acknowledged) => line.plain(" · with ").span(person(state, &acknowledged.by)),
            None => line.plain(" · nobody yet"),
        };
        card = card.with(line);
    }
    more(card, firing.len())
}

fn more(card: Card, of: usize) -> Card {
    if of > LISTED { card.with(Text::new().plain(format!("and {} more", of - LISTED))) } else { card }
}

/// The headline as it is announced, and what is to be done afterwards.
fn incident(state: &State, id: IncidentId) -> Card {
    // An announcement names all rooms; which chat it is on makes no difference.
    let mut card = cards::headline(state, id, Place::Announcements(Platform::Slack)).unwrap_or_default();
    for item in state.incidents.get(&id).into_iter().flat_map(|it| &it.actions).take(5) {
        card = card.with(Text::new().plain("☐ ").outside(&item.text.short(QUOTED)));
    }
    card
}

/// An alert group's card, what the alert says at length, and why each member was taken as it was.
fn alert(state: &State, id: GroupId) -> Card {
    let mut card = cards::alert(state, id).unwrap_or_default();
    let Some(group) = state.groups.get(&id) else { return card };
    if let (Some(_), Some(words)) = (group.annotation("summary"), group.annotation("description")) {
        card.quotes.push(Quote { label: "Description from the alert".to_owned(), words: words.clone() });
    }
    for member in group.members.values().take(5) {
        let name = member.alert.labels.get("instance").map_or_else(|| &*member.alert.fingerprint, |it| it.as_str());
        let line = Text::new()
            .outside(&names::echo(name))
            .plain(format!(": {} (last heard at ", member.verdict.reason()))
            .time(member.last_seen, TimeStyle::Clock)
            .plain(")");
        card = card.with(line);
    }
    card
}

fn severities(state: &State, id: IncidentId) -> Card {
    let now = state.incidents.get(&id).map(|it| format!(" It is {} now.", it.severity)).unwrap_or_default();
    let options = Severity::ALL.into_iter().map(|it| (format!("{it} {}", it.meaning()), it.name().to_owned()));
    let mut card = Card::line(Text::new().plain(format!("How bad is {id}?{now}")));
    card.menu = Some(Menu {
        placeholder: "Severity".to_owned(),
        click: format!("incident sev {id}"),
        options: options.collect(),
    });
    card
}

fn roles(state: &State, id: IncidentId) -> Card {
    let it = state.incidents.get(&id);
    let label = |role: Role| match it.and_then(|it| it.roles.get(&role)) {
        Some(who) => {
            cut(&format!("{}: take over from {}", role.title(), state.settings.name_of(who).short(40).as_str()), 75)
        }
        None => format!("{}: nobody yet", role.title()),
    };
    let words = format!("Which role of {id} do you take? To give it to somebody else: ");
    let mut card = Card::line(Text::new().plain(words).code(format!("/incident role {id} scribe @someone")));
    card.menu = Some(Menu {
        placeholder: "Role".to_owned(),
        click: format!("incident role {id}"),
        options: Role::ALL.into_iter().map(|role| (label(role), role.key().to_owned())).collect(),
    });
    card
}

fn timeline(state: &State, it: &Incident) -> Card {
    let hidden = it.timeline.len().saturating_sub(ENTRIES);
    let title = Text::new().plain("Timeline of ").text(names::incident(it));
    let mut card = Card::coloured(Colour::Waiting, title);
    if hidden > 0 {
        let words = format!("{hidden} more before these; the postmortem has them all: ");
        card = card.with(Text::new().plain(words).code(format!("/incident postmortem {}", it.id)));
    }
    for entry in it.timeline.iter().skip(hidden) {
        let mut line = Text::new().time(entry.at, TimeStyle::Clock).plain(" ");
        if let Some(by) = &entry.by {
            line = line.span(person(state, by)).plain(" ");
        }
        line = line.text(entry.words.clone());
        if let Some(quote) = entry.quote.as_ref().map(|quote| quote.short(QUOTED)).filter(|quote| !quote.is_empty()) {
            line = line.plain(": ").outside(&quote);
        }
        if let Some(link) = &entry.link {
            line = line.plain(" ").link("(the message)", link);
        }
        card = card.with(line);
    }
    card
}
