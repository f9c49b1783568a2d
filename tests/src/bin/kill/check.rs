//! The comparison: what was accepted, what the journal says, and what people see.

use std::collections::BTreeSet;

use operations::ids::{GroupId, IncidentId, Platform};

use crate::journal::Journal;
use crate::ledger::{Deed, What};
use crate::plan::{Plan, member, title};
use crate::seen::Seen;
use crate::site::Site;

/// So many members are named on a card.
const NAMED: usize = 4;

/// The words by which the bot marks an answer that it may have given before. A private answer on Slack that was given
/// twice is counted, and is no breach if it carries them: nobody but its reader can look it up, so whether it was given
/// can't be known after a kill.
const MARK: &str = commands::answers::AGAIN;

/// What does not fit, one sentence each.
#[derive(Default)]
pub(crate) struct Findings {
    /// Private answers on Slack that were given once more, as after a kill nobody can know whether they were given.
    pub(crate) answered_again: usize,
    /// Notes that were not said in a room, because it was opened after them.
    pub(crate) before_a_room: usize,
    /// Accepted, and not there.
    pub(crate) lost: Vec<String>,
    /// There more than once.
    pub(crate) doubled: Vec<String>,
    /// Anything else that must not be.
    pub(crate) wrong: Vec<String>,
}

impl Findings {
    /// Whether everything fits.
    pub(crate) fn none(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.wrong.is_empty()
    }

    /// All of these too.
    pub(crate) fn add(&mut self, other: Findings) {
        self.answered_again += other.answered_again;
        self.before_a_room += other.before_a_room;
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.wrong.extend(other.wrong);
    }

    /// Something must be there once; `needed` says that its absence is a loss.
    fn once(&mut self, found: usize, needed: bool, what: impl FnOnce() -> String) {
        match found {
            0 if needed => self.lost.push(what()),
            0 | 1 => {}
            more => self.doubled.push(format!("{} ({more} times)", what())),
        }
    }
}

/// Whether everything that was accepted is in the journal once.
pub(crate) fn kept(alerts: &BTreeSet<u32>, deeds: &[Deed], journal: &Journal) -> Findings {
    let mut findings = Findings { wrong: journal.wrong.clone(), ..Findings::default() };
    for alert in alerts.iter().copied().map(member) {
        findings.once(usize::from(journal.fired.contains_key(&alert)), true, || format!("{alert} in the journal"));
    }
    for (alert, times) in &journal.fired {
        findings.once(*times as usize, true, || format!("{alert} in the journal"));
    }
    for (title, groups) in &journal.groups {
        findings.once(groups.len(), true, || format!("{title} in the journal"));
    }
    for Deed { on, who, what, taken, .. } in deeds {
        let found = match what {
            What::Declared(words) => journal.declared.get(words).map_or(0, Vec::len),
            What::Noted(words) | What::Mentioned(words) => journal.notes.get(words).map_or(0, Vec::len),
            What::Typed(group) | What::Clicked(group) => {
                group_of(journal, *group).and_then(|id| journal.acknowledged.get(&id)).map_or(0, Vec::len)
            }
        };
        // Who stopped trying to acknowledge without the platform's word has seen it on the card.
        let needed = *taken > 0 || matches!(what, What::Typed(_) | What::Clicked(_));
        findings.once(found, needed, || format!("{who} on {}: {what:?} in the journal", on.title()));
    }
    findings
}

/// Whether everything that is in the journal is seen once on both chats, and everybody who was taken at their word was
/// answered once.
pub(crate) fn shown(site: &Site, deeds: &[Deed], journal: &Journal) -> Findings {
    let mut findings = Findings::default();
    for on in Platform::ALL {
        let seen = Seen::read(&site.view(on), on);
        cards(site.plan, &seen, journal, &mut findings);
        rooms(&seen, journal, &mut findings);
        for deed in deeds.iter().filter(|deed| deed.on == on) {
            answers(&seen, deed, journal, &mut findings);
            acknowledged_by(site, deed, journal, &mut findings);
        }
        let unexpected = match on {
            Platform::Slack => site.sandbox.slack.unexpected(),
            Platform::Discord => site.sandbox.discord.unexpected(),
        };
        findings.wrong.extend(unexpected.into_iter().map(|what| format!("{} refused: {what}", on.title())));
        let loud = seen.said.get("general").map_or(0, Vec::len);
        if loud > 0 {
            findings.wrong.push(format!("{}: {loud} messages in #general", on.title()));
        }
    }
    findings
}

/// One card for each group, which says how many of it fire, which ones, and who takes care of them.
fn cards(plan: Plan, seen: &Seen, journal: &Journal, findings: &mut Findings) {
    let on = seen.on.title();
    let none = Vec::new();
    let said = seen.said.get("alerts").unwrap_or(&none);
    for title in (0..plan.groups()).map(title) {
        let Some(group) = journal.groups.get(&title).and_then(|groups| groups.first()) else { continue };
        let cards: Vec<&String> = said.iter().filter(|text| text.contains(&title)).collect();
        findings.once(cards.len(), true, || format!("the card of {title} on {on}"));
        let Some(card) = cards.first() else { continue };
        let members = members(&journal.members[group]);
        if !card.contains(&members) {
            findings.wrong.push(format!("the card of {title} on {on} does not say {members:?}: {card}"));
        }
        if journal.acknowledged.contains_key(group) != card.contains("Acknowledged by") {
            findings.wrong.push(format!("the card of {title} on {on} does not say who takes care of it: {card}"));
        }
    }
    if said.len() > journal.groups.len() {
        findings.doubled.push(format!("{} messages for {} cards in #alerts on {on}", said.len(), journal.groups.len()));
    }
}

/// What a card says of those that fire.
fn members(firing: &BTreeSet<String>) -> String {
    let named = firing.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match (firing.len(), firing.len().saturating_sub(NAMED)) {
        (1, _) => format!("1 alert: {named}"),
        (all, 0) => format!("{all} alerts: {named}"),
        (all, more) => format!("{all} alerts: {named} + {more} more"),
    }
}

/// One announcement and one room for each incident; in the room its headline, and each note once.
fn rooms(seen: &Seen, journal: &Journal, findings: &mut Findings) {
    let on = seen.on.title();
    for (title, incident) in journal.declared.iter().flat_map(|(title, ids)| ids.iter().map(move |id| (title, *id))) {
        findings.once(seen.count("incidents", title), true, || format!("the announcement of {title} on {on}"));
        let prefix = format!("inc-{}-", incident.0);
        let rooms: Vec<&String> = seen.said.keys().filter(|name| name.starts_with(&prefix)).collect();
        findings.once(rooms.len(), true, || format!("the room of {incident} on {on}"));
        let Some(room) = rooms.first() else { continue };
        findings.once(seen.count(room, title), true, || format!("the headline of {incident} in its room on {on}"));
        let opened = journal.rooms.get(&(incident, seen.on)).copied().unwrap_or(u64::MAX);
        let notes: Vec<(&String, u64)> = notes_in(journal, incident).collect();
        for (note, seq) in &notes {
            // What is noted before the room is open is in the timeline, and is not said there afterwards.
            findings.before_a_room += usize::from(*seq < opened);
            findings.once(seen.count(room, note), *seq > opened, || format!("{note} in #{room} on {on}"));
        }
        let (said, notes) = (seen.said[*room].len(), notes.iter().filter(|(_, seq)| *seq > opened).count());
        if said > notes + 1 {
            findings.doubled.push(format!("{said} messages for {notes} notes and a headline in #{room} on {on}"));
        }
    }
    let announced = seen.said.get("incidents").map_or(0, Vec::len);
    if announced > journal.declared.len() {
        findings.doubled.push(format!("{announced} messages for {} incidents on {on}", journal.declared.len()));
    }
}

fn notes_in(journal: &Journal, incident: IncidentId) -> impl Iterator<Item = (&String, u64)> {
    let all = journal.notes.iter().flat_map(|(words, noted)| noted.iter().map(move |(id, seq)| (words, *id, *seq)));
    all.filter(move |(_, id, _)| *id == incident).map(|(words, _, seq)| (words, seq))
}

/// Whoever typed and was taken at their word has an answer, and not more than they asked for.
fn answers(seen: &Seen, deed: &Deed, journal: &Journal, findings: &mut Findings) {
    let Deed { on, who, what, tries, taken } = deed;
    let told = seen.told.get(who).map_or(0, Vec::len);
    let (least, most) = match what {
        // A click is answered by the card; one that came too late is answered in words.
        What::Clicked(_) => (0, *tries as usize),
        What::Declared(_) | What::Noted(_) | What::Typed(_) => (*taken as usize, *tries as usize),
        What::Mentioned(words) => (usize::from(journal.notes.contains_key(words)), 1),
    };
    if told < least {
        findings.lost.push(format!("the answer to {who} on {}: {what:?}", on.title()));
    }
    for again in seen.told.get(who).into_iter().flatten().skip(most) {
        if *on == Platform::Slack && again.contains(MARK) {
            findings.answered_again += 1;
        } else {
            findings.doubled.push(format!("the answer to {who} on {}: {what:?}: {again}", on.title()));
        }
    }
}

/// Whoever acknowledged a group is who the journal says.
fn acknowledged_by(site: &Site, deed: &Deed, journal: &Journal, findings: &mut Findings) {
    let (What::Typed(group) | What::Clicked(group)) = &deed.what else { return };
    let who = match deed.on {
        Platform::Slack => site.sandbox.slack.user_id(&deed.who),
        Platform::Discord => site.sandbox.discord.user_id(&deed.who),
    };
    let by = group_of(journal, *group).and_then(|id| journal.acknowledged.get(&id)?.first());
    if by.is_some_and(|by| Some(&by.user.user) != who.as_ref() || by.user.platform != deed.on) {
        findings.wrong.push(format!("{} was acknowledged by {by:?}, not by {}", title(*group), deed.who));
    }
}

fn group_of(journal: &Journal, group: u32) -> Option<GroupId> {
    journal.groups.get(&title(group))?.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(fired: &[(&str, u32)]) -> Journal {
        let fired = fired.iter().map(|(name, times)| ((*name).to_owned(), *times)).collect();
        Journal { fired, ..Journal::default() }
    }

    fn note(on: Platform, taken: u32) -> Deed {
        let what = What::Noted("word-1".to_owned());
        Deed { on, who: "p1".to_owned(), what, tries: 1, taken }
    }

    #[test]
    fn an_accepted_alert_that_is_missing_is_lost_and_one_that_is_there_twice_is_doubled() {
        let accepted = [1, 2].into();
        let findings = kept(&accepted, &[], &journal(&[("m000001", 2), ("m000003", 1)]));
        assert_eq!(findings.lost, ["m000002 in the journal"]);
        assert_eq!(findings.doubled, ["m000001 in the journal (2 times)"]);
        assert!(kept(&accepted, &[], &journal(&[("m000001", 1), ("m000002", 1), ("m000003", 1)])).none());
    }

    #[test]
    fn a_note_that_failed_may_be_there_and_one_that_was_taken_must() {
        let empty = journal(&[]);
        assert!(kept(&BTreeSet::new(), &[note(Platform::Slack, 0)], &empty).none());
        assert_eq!(kept(&BTreeSet::new(), &[note(Platform::Slack, 1)], &empty).lost.len(), 1);
        let twice = Journal {
            notes: [("word-1".to_owned(), vec![(IncidentId(1), 7), (IncidentId(1), 9)])].into(),
            ..Journal::default()
        };
        assert_eq!(kept(&BTreeSet::new(), &[note(Platform::Slack, 0)], &twice).doubled.len(), 1);
    }

    #[test]
    fn an_answer_that_is_missing_or_given_twice_is_found() {
        for on in Platform::ALL {
            for (taken, times, lost, more) in [(1, 0, 1, 0), (1, 1, 0, 0), (0, 0, 0, 0), (0, 1, 0, 0), (1, 2, 0, 1)] {
                let told = [("p1".to_owned(), vec!["Your note is in the timeline".to_owned(); times])].into();
                let mut findings = Findings::default();
                answers(&Seen { on, said: [].into(), told }, &note(on, taken), &journal(&[]), &mut findings);
                assert_eq!((findings.lost.len(), findings.doubled.len()), (lost, more), "{taken} {times} {on:?}");
            }
        }
    }

    #[test]
    fn an_answer_that_says_that_it_may_have_been_given_is_no_breach_where_nobody_can_look() {
        for (on, again, doubled) in [(Platform::Slack, 1, 0), (Platform::Discord, 0, 1)] {
            let told = vec!["Your note is in the timeline".to_owned(), format!("Your note is in the timeline {MARK}")];
            let mut findings = Findings::default();
            let seen = Seen { on, said: [].into(), told: [("p1".to_owned(), told)].into() };
            answers(&seen, &note(on, 1), &journal(&[]), &mut findings);
            assert_eq!((findings.answered_again, findings.doubled.len()), (again, doubled), "{on:?}");
        }
    }
}
