//! What is still to be done outside after an event: one `match`, one arm an event.
//!
//! Called with the state *after* the event was folded. What holds: only what is not yet
//! outside follows; which chats there are comes from the configuration, so a chat that was
//! added later gets what is stale from then on.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::card::Card;
use crate::channels;
use crate::chat::Actor;
use crate::effect::{CardId, Effect, HOLD_BACK, Place};
use crate::event::Event;
use crate::ids::{ChannelId, GroupId, IncidentId, MessageId, MessageRef, MissedId, Platform, StormId};
use crate::incident::{Incident, Mark};
use crate::journal::Record;
use crate::state::State;
use crate::text::{Outside, Span, Text, TimeStyle};
use crate::vitals::Trouble;

/// After so long nobody looks for what was said about an incident that is over.
const LONG_OVER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// At most so many rooms are read after a gap.
const ROOMS_READ: usize = 50;

/// The effects that follow from a record.
#[must_use]
pub fn react(state: &State, record: &Record) -> Vec<Effect> {
    match &record.event {
        // What can't be used may be configured only now, or may be right by now.
        Event::Started { .. } => channels::probes(state),
        Event::PoliciesChanged { from, version, rules } if !from.is_empty() => {
            let words = format!(
                "Other rules than before say who may do what: {rules} of them ({version}). Was that you? To see what they \
                 allow: muster policy explain."
            );
            tell_everybody(state, record.seq, &Card::line(Text::new().plain(words)))
        }
        Event::PoliciesChanged { .. } | Event::AccountChanged { .. } => Vec::new(),
        Event::UnreadableReceived { .. } | Event::AlertsRepeated { .. } | Event::UnheardResolved { .. } => Vec::new(),
        Event::ChannelUnusable { platform, channel, why, .. } => {
            let mut effects = Vec::new();
            if state.needs_channel(*platform, channel) {
                effects.push(Effect::ProbeChannel { platform: *platform, channel: channel.clone() });
            }
            if let Some(it) = room_in_use(state, *platform, channel) {
                effects.extend(tell_everybody(state, record.seq, &channels::room_card(*platform, it, *why)));
                effects.extend(show_headline(state, it));
            }
            effects
        }
        Event::MessagesMissed { platform, since } => {
            let read = |incident| Effect::ReadMissed { incident, platform: *platform, since: *since };
            rooms_to_read(state, *platform, record.at).map(read).collect()
        }
        Event::MissedCut { incident, platform } => {
            let words = format!(
                "More was said here than is read afterwards while {} could not be heard. Pin what belongs into the \
                 timeline once more.",
                platform.title()
            );
            let place = Place::Room(*platform, *incident);
            vec![Effect::Say { seq: record.seq, place, card: Box::new(Card::line(Text::new().plain(words))) }]
        }
        Event::ChannelUsable { platform, channel, left } => {
            let reference = |message: &MessageId| MessageRef {
                platform: *platform,
                channel: channel.clone(),
                message: message.clone(),
            };
            let mut effects: Vec<Effect> =
                left.iter().map(|message| Effect::RetireCard { message: reference(message) }).collect();
            let Some(it) = room_in_use(state, *platform, channel) else { return effects };
            let place = Place::Room(*platform, it);
            let words =
                format!("{it} has this room again. What was said meanwhile stands in the channel for incidents.");
            let card = Box::new(Card::line(Text::new().plain(words)));
            effects.push(Effect::Say { seq: record.seq, place, card });
            effects.extend(show_headline(state, it));
            effects.extend(topics(state, it));
            effects
        }
        Event::TroubleBegan { trouble, why } => {
            // It may be read later, on a chat that was away itself.
            let title = Text::new().plain("⚠️ ").time(record.at, TimeStyle::Clock).plain(" ").plain(trouble.began());
            let mut card = Card::line(title);
            if !why.is_empty() {
                card = card.with(Text::new().plain("Why: ").outside(&why.short(200)));
            }
            tell_operators(state, record.seq, trouble, &card)
        }
        Event::TroubleEnded { trouble } => {
            let title = Text::new().plain("✅ ").time(record.at, TimeStyle::Clock).plain(" ").plain(trouble.ended());
            tell_operators(state, record.seq, trouble, &Card::line(title))
        }
        Event::GroupOpened { .. } => Vec::new(),
        Event::StormBegan { storm, .. } | Event::StormWatched { storm, .. } => show_storm(state, *storm),
        Event::StormEnded { storm, released } => {
            let mut effects = show_storm(state, *storm);
            effects.extend(storm_over(state, record.seq, *storm));
            effects.extend(released.iter().flat_map(|group| show_alert(state, *group)));
            effects
        }
        Event::MissedBegan { missed, .. } => show_missed(state, *missed),
        Event::MissedEnded { missed, released } => {
            let mut effects = show_missed(state, *missed);
            effects.extend(released.iter().flat_map(|group| show_alert(state, *group)));
            effects
        }
        Event::AlertFired { group, .. }
        | Event::AlertResolved { group, .. }
        | Event::GroupTruncated { group, .. }
        | Event::GroupResolved { group }
        | Event::AlertAcknowledged { group, .. }
        | Event::AlertUnacknowledged { group, .. } => show_alert(state, *group),
        Event::AcknowledgementAsked { group } => {
            let mut effects = show_alert(state, *group);
            effects.extend(ask_again(state, record.seq, *group));
            effects
        }
        Event::IncidentDeclared { incident, .. } => {
            let rooms = chats(state).map(|platform| Effect::OpenRoom { incident: *incident, platform });
            rooms.chain(show_headline(state, *incident)).collect()
        }
        Event::AlertAttached { group, incident } => {
            let mut effects = show_alert(state, *group);
            effects.extend(show_headline(state, *incident));
            effects
        }
        Event::SeverityChanged { incident, from, to, by, .. } => {
            let words = Text::new().plain(format!(" changed the severity from {from} to {to}."));
            changed(state, record.seq, *incident, by, words, None)
        }
        Event::RoleChanged { incident, role, to, by } => {
            let words = match to {
                Some(who) if who.user == by.user => Text::new().plain(format!(" is now {}.", role.title())),
                Some(who) => Text::new()
                    .plain(format!(" gave the role {} to ", role.title()))
                    .span(Span::Notify(who.user.clone(), state.settings.name_of(who)))
                    .plain("."),
                None => Text::new().plain(format!(" freed the role {}.", role.title())),
            };
            let mut effects = changed(state, record.seq, *incident, by, words, None);
            if let Some(who) = to {
                effects.extend(invite(state, *incident, who));
            }
            effects
        }
        Event::ResponderJoined { incident, who } => invite(state, *incident, who),
        Event::NoteAdded { incident, text, by } => {
            changed(state, record.seq, *incident, by, Text::new().plain(" noted:"), Some(text))
        }
        Event::UpdatePosted { incident, text, by, .. } => {
            changed(state, record.seq, *incident, by, Text::new().plain(" posted an update:"), Some(text))
        }
        Event::UpdateAsked { incident, .. } => {
            let Some(it) = state.incidents.get(incident) else { return Vec::new() };
            let title = Text::new()
                .plain("An update is due. What is known, what is done about it, what is needed? ")
                .code("/incident update");
            let card = Card::line(title).button(
                "Post an update",
                format!("incident update {}", it.id),
                crate::card::Style::Primary,
            );
            let mut effects = say_in_rooms(state, record.seq, *incident, &card);
            effects.extend(show_headline(state, *incident));
            effects
        }
        Event::ActionItemAdded { incident, text, by } => {
            changed(state, record.seq, *incident, by, Text::new().plain(" added an action item:"), Some(text))
        }
        Event::IncidentMitigated { incident, text, by } => {
            let mut effects =
                changed(state, record.seq, *incident, by, Text::new().plain(" mitigated the incident."), text.as_ref());
            effects.extend(show_alerts_of(state, *incident));
            effects
        }
        Event::IncidentResolved { incident, text, by } => {
            let mut effects =
                changed(state, record.seq, *incident, by, Text::new().plain(" resolved the incident."), text.as_ref());
            effects.extend(topics(state, *incident));
            effects.extend(show_alerts_of(state, *incident));
            effects
        }
        Event::IncidentReopened { incident, text, by, .. } => {
            let mut effects =
                changed(state, record.seq, *incident, by, Text::new().plain(" reopened the incident."), text.as_ref());
            effects.extend(topics(state, *incident));
            effects.extend(show_alerts_of(state, *incident));
            // Its rooms may have been closed when it was over.
            effects.extend(channels::probes(state));
            effects
        }
        Event::MessageMarked { incident, message, by, how } => {
            vec![Effect::Capture { incident: *incident, message: message.clone(), by: by.clone(), how: *how }]
        }
        Event::MessageCaptured { incident, captured, by, how } => {
            let words = match how {
                Mark::Pin => " pinned a message of ",
                Mark::Reaction => " added to the timeline a message of ",
            };
            let title = Text::new()
                .plain("📌 ")
                .text(who(state, by))
                .plain(words)
                .text(who(state, &captured.author))
                .plain(" ")
                .link("(the message)", &captured.link);
            let card = Card::line(title);
            let mut effects =
                say_in_rooms(state, record.seq, *incident, &quoted(card, "Message", Some(&captured.text)));
            effects.extend(show_headline(state, *incident));
            effects
        }
        Event::MarkWithdrawn { incident, by, .. } => {
            let title = who(state, by).plain(" took a message out of the timeline again.");
            say_in_rooms(state, record.seq, *incident, &Card::line(title))
        }
        Event::PostmortemAsked { incident, .. } => vec![Effect::Publish { incident: *incident }],
        Event::PostmortemPublished { incident, url, stale } => {
            let title = Text::new()
                .plain("The postmortem is written: ")
                .link(format!("{incident} postmortem"), url)
                .plain(". What people write outside its generated parts stays when it is written again.");
            let mut card = Card::line(title);
            if !stale.is_empty() {
                let words = format!("Not refreshed, because a marker is missing in the page: {}. ", stale.join(", "));
                let next = "Take the rest of that part out of the page and ask again: it is written anew.";
                card = card.with(Text::new().plain(words).plain(next));
            }
            let mut effects = say_in_rooms(state, record.seq, *incident, &card);
            effects.extend(show_headline(state, *incident));
            effects
        }
        Event::RoomOpened { incident, platform, .. } => room_opened(state, *incident, *platform),
        Event::CardPosted { card, place, left, .. } => {
            let pins = matches!((card, place), (CardId::Headline(_), Place::Room(..)));
            let pin = pins.then_some(Effect::PinCard { card: *card, place: *place });
            let reachable = left.iter().filter(|it| state.unusable(it.platform, &it.channel).is_none());
            let retire = reachable.map(|message| Effect::RetireCard { message: message.clone() });
            pin.into_iter().chain(retire).collect()
        }
        Event::Deploy { deploy, what } => crate::deploy::reacted(state, *deploy, what, record),
        Event::Hold(what) => crate::deploy::reacted_to_hold(state, what, record),
        Event::CardLost { card, place } => vec![Effect::ShowCard { card: *card, place: *place }],
        Event::EffectGivenUp { incident, effect, about, why } => match incident {
            // Showing the failure must not depend on what failed, or it would never end.
            Some(incident) if !effect.starts_with("show/") => show_headline(state, *incident),
            None if effect.starts_with(HOLD_BACK) => crate::deploy::not_held_back(state, record.seq, about, why),
            Some(_) | None => Vec::new(),
        },
    }
}

fn chats(state: &State) -> impl Iterator<Item = Platform> {
    state.settings.chats.keys().copied()
}

/// Tells whoever runs Muster, on every chat but the one that can't be told; where they have no channel, it is said where
/// incidents are announced.
fn tell_operators(state: &State, seq: u64, trouble: &Trouble, card: &Card) -> Vec<Effect> {
    let say = |(platform, seat): (&Platform, &crate::settings::Seat)| {
        let place = match seat.operators {
            Some(_) => Place::Operators(*platform),
            None => Place::Announcements(*platform),
        };
        Effect::Say { seq, place, card: Box::new(card.clone()) }
    };
    state.settings.chats.iter().filter(|(platform, _)| trouble.chat() != Some(**platform)).map(say).collect()
}

/// Tells operators, and everybody where incidents are announced.
pub(crate) fn tell_everybody(state: &State, seq: u64, card: &Card) -> Vec<Effect> {
    let places = |(platform, seat): (&Platform, &crate::settings::Seat)| {
        let operators = seat.operators.is_some().then_some(Place::Operators(*platform));
        [Place::Announcements(*platform)].into_iter().chain(operators)
    };
    let say = |place| Effect::Say { seq, place, card: Box::new(card.clone()) };
    state.settings.chats.iter().flat_map(places).map(say).collect()
}

/// The incident whose room a channel is, unless it is over.
fn room_in_use(state: &State, platform: Platform, channel: &ChannelId) -> Option<IncidentId> {
    let it = state.incident_of(platform, channel)?;
    state.incidents.get(&it).filter(|it| it.is_open()).map(|it| it.id)
}

/// The rooms on a chat where it still matters what was said: those of incidents that are not long over, the newest ones.
fn rooms_to_read(state: &State, platform: Platform, now: Timestamp) -> impl Iterator<Item = IncidentId> {
    let matters = move |it: &&Arc<Incident>| {
        it.rooms.contains_key(&platform) && it.resolved_at.is_none_or(|at| now.duration_since(at) < LONG_OVER)
    };
    state.incidents.values().rev().filter(matters).take(ROOMS_READ).map(|it| it.id)
}

fn show_storm(state: &State, id: StormId) -> Vec<Effect> {
    chats(state)
        .map(|platform| Effect::ShowCard { card: CardId::Storm(id), place: Place::Storm(platform, id) })
        .collect()
}

/// The board is only of its own chat: on the other one, the cards are there.
fn show_missed(state: &State, id: MissedId) -> Vec<Effect> {
    let platform = state.missed.get(&id).map(|missed| missed.platform);
    let place = platform.filter(|platform| state.settings.chats.contains_key(platform));
    place
        .map(|platform| Effect::ShowCard { card: CardId::Missed(id), place: Place::Missed(platform, id) })
        .into_iter()
        .collect()
}

/// The board has changed without a sound, so that it is over is said.
fn storm_over(state: &State, seq: u64, id: StormId) -> Vec<Effect> {
    let Some(storm) = state.storms.get(&id) else { return Vec::new() };
    let (opened, firing) = (storm.opened(), storm.firing(state).len());
    let words = format!("The alert storm is over. {opened} alerts were held back; {firing} of them still fire. ");
    let mut title = Text::new().plain(words).link("See all of them", state.settings.storm_url(id));
    title = title.plain(if firing > 0 { ". The gravest have cards now." } else { "." });
    let say = |platform| {
        let card = Box::new(Card::line(title.clone()));
        Effect::Say { seq, place: Place::Storm(platform, id), card }
    };
    chats(state).map(say).collect()
}

pub(crate) fn show_alert(state: &State, group: GroupId) -> Vec<Effect> {
    // One that is held back has no card; the storm's board counts it.
    if state.groups.get(&group).is_some_and(|group| group.is_held_back()) {
        return Vec::new();
    }
    let missed = |platform| state.groups.get(&group).is_some_and(|group| group.is_missed_on(platform));
    chats(state)
        .filter(|platform| !missed(*platform))
        .map(|platform| Effect::ShowCard { card: CardId::Alert(group), place: Place::Alerts(platform) })
        .collect()
}

/// The cards of an incident's alerts say how it stands.
fn show_alerts_of(state: &State, incident: IncidentId) -> Vec<Effect> {
    let groups = state.incidents.get(&incident).map(|it| it.groups.iter()).into_iter().flatten();
    groups.flat_map(|group| show_alert(state, *group)).collect()
}

/// The headline is shown where incidents are announced, and in every room that is open.
fn show_headline(state: &State, incident: IncidentId) -> Vec<Effect> {
    let card = CardId::Headline(incident);
    let announced = chats(state).map(|platform| Effect::ShowCard { card, place: Place::Announcements(platform) });
    let rooms =
        rooms(state, incident).map(|platform| Effect::ShowCard { card, place: Place::Room(platform, incident) });
    announced.chain(rooms).collect()
}

fn rooms(state: &State, incident: IncidentId) -> impl Iterator<Item = Platform> {
    let it = state.incidents.get(&incident);
    it.into_iter()
        .flat_map(|it| it.rooms.keys().copied())
        .filter(|platform| state.settings.chats.contains_key(platform))
}

fn say_in_rooms(state: &State, seq: u64, incident: IncidentId, card: &Card) -> Vec<Effect> {
    let say = |platform| Effect::Say { seq, place: Place::Room(platform, incident), card: Box::new(card.clone()) };
    rooms(state, incident).map(say).collect()
}

/// Something changed by a person: everybody in the rooms is told who did it, and the headline follows.
fn changed(
    state: &State,
    seq: u64,
    incident: IncidentId,
    by: &Actor,
    words: Text,
    quote: Option<&Outside>,
) -> Vec<Effect> {
    let card = quoted(Card::line(who(state, by).text(words)), "", quote);
    let mut effects = say_in_rooms(state, seq, incident, &card);
    effects.extend(show_headline(state, incident));
    effects
}

fn quoted(mut card: Card, label: &str, words: Option<&Outside>) -> Card {
    card.quotes.extend(words.map(|words| crate::card::Quote { label: label.to_owned(), words: words.clone() }));
    card
}

fn who(state: &State, actor: &Actor) -> Text {
    Text::new().span(Span::Person(state.settings.name_of(actor), actor.user.platform))
}

fn topics(state: &State, incident: IncidentId) -> Vec<Effect> {
    rooms(state, incident).map(|platform| Effect::SetTopic { incident, platform }).collect()
}

/// Brings somebody into the room on the platform where they acted.
fn invite(state: &State, incident: IncidentId, who: &Actor) -> Vec<Effect> {
    let open = state.incidents.get(&incident).is_some_and(|it| it.rooms.contains_key(&who.user.platform));
    if open { vec![Effect::Invite { incident, user: who.user.clone() }] } else { Vec::new() }
}

/// A room is open: the headline goes in and is pinned, whoever takes part already is invited, and the
/// announcements learn where it is.
fn room_opened(state: &State, incident: IncidentId, platform: Platform) -> Vec<Effect> {
    let mut effects = show_headline(state, incident);
    let Some(it) = state.incidents.get(&incident) else { return effects };
    let roles = it.roles.values();
    let people = it.responders.iter().map(|(who, _)| who).chain(roles).filter(|who| who.user.platform == platform);
    effects.extend(people.map(|who| Effect::Invite { incident, user: who.user.clone() }));
    effects.extend(show_alerts_of(state, incident));
    effects
}

fn ask_again(state: &State, seq: u64, group: GroupId) -> Vec<Effect> {
    let Some(acknowledged) = state.groups.get(&group).and_then(|group| group.acknowledged.as_ref()) else {
        return Vec::new();
    };
    let by = &acknowledged.by;
    let title = Text::new()
        .plain(format!("{group} still fires. "))
        .span(Span::Notify(by.user.clone(), state.settings.name_of(by)))
        .plain(", do you still take care of it?");
    let card = Card::line(title)
        .button("Take over", format!("alert takeover {group}"), crate::card::Style::Primary)
        .button("Declare incident", format!("incident declare {group}"), crate::card::Style::Plain);
    let say = |platform| Effect::Say { seq, place: Place::Beside(platform, group), card: Box::new(card.clone()) };
    chats(state).map(say).collect()
}
