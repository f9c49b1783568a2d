//! An alert group's card.

use operations::alert::{Acknowledgement, Group, Member};
use operations::card::{Card, Colour, Quote, Style};
use operations::command::AlertAsk;
use operations::deploy::releases::environment_of;
use operations::deploy::{Deploy, Kind};
use operations::ids::GroupId;
use operations::settings::Service;
use operations::state::State;
use operations::text::{Outside, Text, TimeStyle, cut};

use super::links::footer;
use crate::click::alert_line;
use crate::names::{joined, lasted, person};

/// So many deploys before it are told of.
const RECENT: usize = 2;

/// So many members are named; the others are counted.
const NAMED: usize = 4;

/// An alert group's card; none where it is forgotten.
#[must_use]
pub fn alert(state: &State, id: GroupId) -> Option<Card> {
    let group = state.groups.get(&id)?;
    let mut card = match (group.resolved_at, &group.acknowledged) {
        (Some(resolved_at), _) => resolved(state, group, resolved_at),
        (None, Some(acknowledged)) => details(state, group, taken(state, group, acknowledged)),
        (None, None) => details(state, group, firing(state, group)),
    };
    card.footer = Some(match group.incident {
        Some(incident) if group.resolved_at.is_some() => {
            Text::new().plain(format!("{incident} · ")).text(footer(state, group))
        }
        Some(_) | None => footer(state, group),
    });
    Some(card)
}

/// The service that a group is about, where it is configured.
pub(super) fn service<'a>(state: &'a State, group: &Group) -> Option<&'a Service> {
    let name = group.service.as_ref()?.as_str();
    state.settings.services.iter().find(|service| service.name == name)
}

fn title(group: &Group, colour: Colour) -> Text {
    let mut title = Text::new().plain(format!("{} ", colour.emoji())).outside(&group.title.short(120));
    if let Some(service) = &group.service {
        title = title.plain(" · ").outside(&service.short(80));
    }
    title.plain(format!(" · {}", group.severity))
}

fn firing(state: &State, group: &Group) -> Card {
    let title = title(group, Colour::Firing).plain(" · firing since ").time(group.since(), TimeStyle::Ago);
    let acknowledge = alert_line(AlertAsk::Acknowledge, group.id);
    let mut card = Card::coloured(Colour::Firing, title).button("Acknowledge", acknowledge, Style::Primary);
    if let Some((by, of)) = &group.taken_back
        && !state.settings.same_person(&by.user, &of.user)
    {
        // Whoever lost it must be able to see who did that.
        let line = Text::new().span(person(state, by)).plain(" took back the acknowledgement of ");
        card = card.with(line.span(person(state, of)));
    }
    roll_back(state, group, declare(card, group, Style::Plain))
}

/// Where the service was deployed shortly before, going back is offered.
fn roll_back(state: &State, group: &Group, card: Card) -> Card {
    let Some(it) = recent(state, group).first().copied() else { return card };
    let target = &it.wanted.target;
    let is_there =
        state.running(target).is_some_and(|running| running.deploy == it.id) || state.spoilt(target).is_some();
    if !is_there || state.last_good(target).is_none() || going_back(state, it).is_some() {
        return card;
    }
    let click = format!("deploy rollback {} {}", target.service, target.environment);
    if click.encode_utf16().count() > crate::click::LONGEST {
        return card;
    }
    card.button(&cut(&format!("Roll back {}…", target.service), 75), click, Style::Plain)
}

/// What was deployed of the service shortly before the group opened: the newest in each environment, and where that was
/// gone back, what it was gone back from.
fn recent<'s>(state: &'s State, group: &'s Group) -> Vec<&'s Deploy> {
    let Some(service) = &group.service else { return Vec::new() };
    let environment = environment_of(group).map(Outside::as_str);
    let mut newest: Vec<&Deploy> = Vec::new();
    for it in state.deploys_before(service.as_str(), environment, group.opened_at) {
        let replaced = |other: &&Deploy| other.wanted.target == it.wanted.target && other.wanted.kind != Kind::Rollback;
        if newest.len() < RECENT && !newest.iter().any(replaced) {
            newest.push(it);
        }
    }
    newest
}

/// “v142 was deployed 11 min before by Ann (2 commits) · D-2”.
fn deployed(state: &State, group: &Group, it: &Deploy) -> Text {
    let before = it.began_at.map(|at| lasted(at, group.opened_at)).unwrap_or_default();
    let name = match (&it.wanted.reference, &it.plan) {
        (Some(reference), _) => Outside::new(reference).short(60),
        (None, Some(plan)) => plan.commit().short(),
        (None, None) => it.release_name(),
    };
    let mut text = match it.wanted.kind {
        Kind::Rollback => Text::new().plain("↳ went back to ").outside(&name).plain(" "),
        Kind::Deploy | Kind::Promotion => Text::new().plain("↳ ").outside(&name).plain(" was deployed "),
    };
    // The card says which service it is, and which environment where the alert says that.
    if environment_of(group).is_none() {
        text = text.plain(format!("in {} ", it.wanted.target.environment));
    }
    text = text.plain(format!("{before} before by ")).span(person(state, &it.by));
    text = match it.plan.as_ref().and_then(|plan| plan.looked.changes.as_ref()) {
        Some(changes) if changes.ahead == 1 => text.plain(" (1 commit)"),
        Some(changes) if changes.ahead > 1 => text.plain(format!(" ({} commits)", changes.ahead)),
        Some(_) | None => text,
    };
    text = text.plain(format!(" · {}", it.id));
    if let Some(back) = it.rolled_back {
        return text.plain(format!(", rolled back by {back}"));
    }
    match going_back(state, it) {
        Some(back) => text.plain(format!(", {} goes back from it", back.id)),
        None => text,
    }
}

/// The rollback in the same environment that is not over yet.
fn going_back<'s>(state: &'s State, it: &Deploy) -> Option<&'s Deploy> {
    let same = |other: &&Deploy| other.wanted.target == it.wanted.target && other.id > it.id;
    state.open_deploys().filter(same).find(|other| other.wanted.kind == Kind::Rollback)
}

/// Somebody takes care of it.
fn taken(state: &State, group: &Group, acknowledged: &Acknowledgement) -> Card {
    let title = title(group, Colour::Acknowledged).plain(" · firing since ").time(group.since(), TimeStyle::Ago);
    let mut line = Text::new()
        .plain("Acknowledged by ")
        .span(person(state, &acknowledged.by))
        .plain(" ")
        .time(acknowledged.at, TimeStyle::Ago);
    if acknowledged.asked {
        line = line.plain(" · asked again: does somebody still take care of it?");
    } else if let Some(asks_again) = acknowledged.asks_again {
        line = line.plain(" · asks again ").time(asks_again, TimeStyle::Ago);
    }
    let card = declare(Card::coloured(Colour::Acknowledged, title).with(line), group, Style::Primary);
    let card = roll_back(state, group, card);
    card.button("Take over", alert_line(AlertAsk::TakeOver, group.id), Style::Plain).button(
        "Undo",
        alert_line(AlertAsk::Unacknowledge, group.id),
        Style::Plain,
    )
}

fn declare(card: Card, group: &Group, style: Style) -> Card {
    match group.incident {
        Some(incident) => card.button(&format!("Show {incident}"), format!("incident show {incident}"), style),
        None => card.button("Declare incident", format!("incident declare {}", group.id), style),
    }
}

/// It is over: one line is enough.
fn resolved(state: &State, group: &Group, at: jiff::Timestamp) -> Card {
    let mut title = title(group, Colour::Resolved).plain(format!(" · resolved after {}", lasted(group.began(), at)));
    title = match (&group.acknowledged, group.first_acknowledged_at) {
        (Some(acknowledged), Some(first)) => title
            .plain(" (acknowledged by ")
            .span(person(state, &acknowledged.by))
            .plain(format!(" after {})", lasted(group.began(), first))),
        (_, Some(first)) => title.plain(format!(" (acknowledged after {})", lasted(group.began(), first))),
        (_, None) => title.plain(" (nobody acknowledged it)"),
    };
    Card::coloured(Colour::Resolved, title)
}

fn details(state: &State, group: &Group, card: Card) -> Card {
    let mut card = card;
    // What has changed is what is looked for first.
    for it in recent(state, group) {
        card = card.with(deployed(state, group, it));
    }
    card = card.with(members(state, group));
    if group.truncated > 0 {
        let words = format!("The source left out {} more: what they do is not known here.", group.truncated);
        card = card.with(Text::new().plain(words));
    }
    if let Some(id) = group.incident {
        let text = Text::new().plain("Incident ");
        card = card.with(match state.incidents.get(&id) {
            Some(it) => joined(
                std::iter::once(text.text(crate::names::incident(it)).plain(format!(" · {}", it.status.name())))
                    .chain(crate::names::rooms(state, it))
                    .collect(),
                " · ",
            ),
            None => text.bold(id.to_string()),
        });
    }
    let words = group.annotation("summary").or_else(|| group.annotation("description"));
    card.quotes.extend(words.map(|words| Quote { label: "From the alert".to_owned(), words: words.clone() }));
    card
}

/// How many there are, which ones, where, and whose they are.
fn members(state: &State, group: &Group) -> Text {
    let firing: Vec<&Member> = group.members.values().filter(|member| member.firing).collect();
    let over = group.members.len() - firing.len();
    let mut count = if firing.len() == 1 { "1 alert".to_owned() } else { format!("{} alerts", firing.len()) };
    if over > 0 {
        count.push_str(&format!(" of {}", group.members.len()));
    }
    let mut text = Text::new().plain(count);
    let mut named: Vec<Outside> = firing.iter().filter_map(|member| instance(member)).collect();
    named.sort();
    if !named.is_empty() {
        let shown = named.iter().take(NAMED).map(|name| Text::new().outside(name)).collect();
        text = text.plain(": ").text(joined(shown, ", "));
        if firing.len() > NAMED.min(named.len()) {
            text = text.plain(format!(" + {} more", firing.len() - NAMED.min(named.len())));
        }
    }
    let mut parts = vec![text];
    let environment = ["environment", "env", "cluster"].into_iter().find_map(|name| group.label(name));
    parts.extend(environment.map(|environment| Text::new().outside(&environment.short(60))));
    if let Some(owner) = service(state, group).and_then(|service| service.owner.as_deref()) {
        parts.push(Text::new().plain("owner: ").outside(&Outside::new(owner).short(60)));
    }
    joined(parts, " · ")
}

/// What tells a member from the others.
fn instance(member: &Member) -> Option<Outside> {
    let name = ["instance", "pod", "host", "node"].into_iter().find_map(|label| member.alert.labels.get(label));
    name.map(|name| name.short(60)).filter(|name| !name.is_empty())
}
