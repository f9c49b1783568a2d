//! What the one who asked is told.

use operations::card::{Card, Colour, Menu};
use operations::chat::Answer;
use operations::ids::IncidentId;
use operations::incident::{Incident, Role, Severity};
use operations::input::Asked;
use operations::refusal::Refusal;
use operations::reply::{Did, Reply};
use operations::state::State;
use operations::text::{Span, Text, TimeStyle};

use crate::cards::{self, person};
use crate::{forms, help, refusals};

/// So many entries of a timeline are shown in chat.
const ENTRIES: usize = 15;

/// So many incidents or alert groups are listed.
const LISTED: usize = 10;

/// The answer to somebody who asked; none where there is nothing to say.
#[must_use]
pub fn for_asked(state: &State, decided: Result<Option<Reply>, Refusal>, asked: &Asked) -> Option<Answer> {
    match decided {
        _ if asked.answer.is_some() => asked.answer.clone(),
        // Everybody sees in a card what a click did.
        Ok(Some(Reply::Shown(_))) if asked.quiet => Some(Answer::Silent),
        Ok(Some(reply)) => Some(answer(state, &reply)),
        Ok(None) => Some(Answer::Silent),
        Err(refusal) => Some(refusals::answer(state, &refusal)),
    }
}

/// The answer to a refusal.
#[must_use]
pub fn refusal(state: &State, refusal: &Refusal) -> Answer {
    refusals::answer(state, refusal)
}

/// The answer to what was carried out.
#[must_use]
pub fn answer(state: &State, reply: &Reply) -> Answer {
    Answer::Private(match reply {
        Reply::Shown(did) => Card::line(done(state, did)),
        Reply::Declared(id) => declared(state, *id),
        Reply::Form(kind) => {
            let form = forms::form(state, kind);
            let words = Text::new().plain("The form could not be opened in time. Type it instead: ").code(format!("/{} …", form.click));
            return Answer::Form(form, Card::line(words));
        }
        Reply::Incidents { all } => incidents(state, *all),
        Reply::Incident(id) => {
            let place = operations::effect::Place::Announcements(operations::ids::Platform::Slack);
            cards::headline(state, *id, place).unwrap_or_default()
        }
        Reply::Severities(id) => severities(*id),
        Reply::Roles(id) => roles(*id),
        Reply::Timeline(id) => state.incidents.get(id).map(|it| timeline(state, it)).unwrap_or_default(),
        Reply::PostmortemAsked(id) => Card::line(
            Text::new().plain(format!("The postmortem of {id} is being written. Its link will be posted in the room.")),
        ),
        Reply::Alerts => alerts(state),
        Reply::Alert(id) => alert(state, *id),
        Reply::Help(topic, here) => help::card(state, *topic, *here),
    })
}

fn done(state: &State, did: &Did) -> Text {
    let plain = |words: String| Text::new().plain(words);
    match did {
        Did::Acknowledged(group) => plain(format!("You acknowledged {group}. It shows on both chats.")),
        Did::TookOver(group, from) => plain(format!("You took {group} over from ")).span(person(state, from)).plain("."),
        Did::Unacknowledged(group) => plain(format!("{group} is not acknowledged any more.")),
        Did::SeveritySet(id, severity) => plain(format!("{id} is {severity} now: {}.", severity.meaning())),
        Did::RoleSet(id) => plain(format!("The roles of {id} are changed.")),
        Did::NoteAdded(id) => plain(format!("Noted in {id}.")),
        Did::UpdatePosted(id) => plain(format!("Your update of {id} is posted on both chats.")),
        Did::ActionAdded(id) => plain(format!("Added to the action items of {id}.")),
        Did::Mitigated(id) => {
            plain(format!("{id} is mitigated. When it is over: ")).code("/incident resolve")
        }
        Did::Resolved(id) => plain(format!("{id} is resolved. Next: ")).code("/incident postmortem"),
        Did::Reopened(id) => plain(format!("{id} is open again.")),
    }
}

fn declared(state: &State, id: IncidentId) -> Card {
    let mut text = Text::new().bold(format!("{id}")).plain(" is declared. ");
    let rooms = state.incidents.get(&id).map(|it| it.rooms.clone()).unwrap_or_default();
    if rooms.is_empty() {
        text = text.plain("Its room is being opened; you will be invited.");
    }
    for (platform, room) in rooms {
        text = text.span(Span::Channel(platform, room.channel, room.name)).plain(" ");
    }
    Card::line(text)
}

fn incidents(state: &State, all: bool) -> Card {
    let chosen: Vec<&Incident> = state.incidents.values().rev().filter(|it| all || it.is_open()).collect();
    if chosen.is_empty() {
        let words = Text::new().plain("No incident is open. To declare one: ").code("/incident declare");
        return Card::line(words);
    }
    let title = if all { format!("{} incidents", chosen.len()) } else { format!("{} open", chosen.len()) };
    let mut card = Card::coloured(Colour::Waiting, Text::new().bold(title));
    for it in chosen.iter().take(LISTED) {
        let mut line = Text::new()
            .bold(it.id.to_string())
            .plain(" ")
            .outside(&it.title.short(80))
            .plain(format!(" · {} · {}", it.severity, it.status.name()));
        for (platform, room) in &it.rooms {
            line = line.plain(" · ").span(Span::Channel(*platform, room.channel.clone(), room.name.clone()));
        }
        card = card.with(line);
    }
    if chosen.len() > LISTED {
        card = card.with(Text::new().plain(format!("and {} more", chosen.len() - LISTED)));
    }
    card
}

fn alerts(state: &State) -> Card {
    let firing: Vec<_> = state.firing().collect();
    if firing.is_empty() {
        return Card::line(Text::new().plain("No alert is firing."));
    }
    let mut card = Card::coloured(Colour::Firing, Text::new().bold(format!("{} firing", firing.len())));
    for group in firing.iter().take(LISTED) {
        let mut line = Text::new().bold(group.id.to_string()).plain(" ").outside(&group.title.short(80));
        if let Some(service) = &group.service {
            line = line.plain(" · ").outside(service);
        }
        line = line.plain(format!(" · {} · since ", group.severity)).time(group.since(), TimeStyle::Clock);
        line = match &group.acknowledged {
            Some(acknowledged) => line.plain(" · ").span(person(state, &acknowledged.by)),
            None => line.plain(" · nobody yet"),
        };
        card = card.with(line);
    }
    if firing.len() > LISTED {
        card = card.with(Text::new().plain(format!("and {} more", firing.len() - LISTED)));
    }
    card
}

/// An alert group's card with the reason why each member was taken as it was.
fn alert(state: &State, id: operations::ids::GroupId) -> Card {
    let mut card = cards::alert(state, id).unwrap_or_default();
    let members = state.groups.get(&id).into_iter().flat_map(|group| group.members.values()).take(5);
    for member in members {
        let name = member.alert.labels.get("instance").cloned().unwrap_or_else(|| member.alert.fingerprint.as_str().into());
        let line = Text::new()
            .outside(&name.short(60))
            .plain(format!(": {} (heard last at ", member.verdict.reason()))
            .time(member.last_seen, TimeStyle::Clock)
            .plain(")");
        card = card.with(line);
    }
    card
}

fn severities(id: IncidentId) -> Card {
    let options = Severity::ALL.into_iter().map(|it| (format!("{it} {}", it.meaning()), it.name().to_owned()));
    let mut card = Card::line(Text::new().plain(format!("How bad is {id}?")));
    card.menu = Some(Menu {
        placeholder: "Severity".to_owned(),
        click: format!("incident sev {id}"),
        options: options.collect(),
    });
    card
}

fn roles(id: IncidentId) -> Card {
    let words = Text::new().plain(format!("Which role of {id} do you take? For somebody else: ")).code("/incident role scribe @name");
    let mut card = Card::line(words);
    card.menu = Some(Menu {
        placeholder: "Role".to_owned(),
        click: format!("incident role {id}"),
        options: Role::ALL.into_iter().map(|role| (role.title().to_owned(), role.key().to_owned())).collect(),
    });
    card
}

fn timeline(state: &State, it: &Incident) -> Card {
    let hidden = it.timeline.len().saturating_sub(ENTRIES);
    let title = Text::new().bold(format!("Timeline of {}", it.id));
    let mut card = Card::coloured(Colour::Waiting, title);
    if hidden > 0 {
        let words = format!("{hidden} earlier entries are left out; the postmortem has them all.");
        card = card.with(Text::new().plain(words));
    }
    for entry in it.timeline.iter().skip(hidden) {
        let mut line = Text::new().time(entry.at, TimeStyle::Clock).plain(" ");
        if let Some(by) = &entry.by {
            line = line.span(person(state, by)).plain(" ");
        }
        line = line.text(entry.words.clone());
        if let Some(quote) = &entry.quote {
            line = line.plain(": ").outside(&quote.short(120));
        }
        if let Some(link) = &entry.link {
            line = line.plain(" ").link("↗", link);
        }
        card = card.with(line);
    }
    card
}
