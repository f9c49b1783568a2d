//! What is counted over all places, and how it is told.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use operations::ids::Platform;

use crate::check::Findings;
use crate::journal::Journal;
use crate::ledger::{Deed, Ledger, What};

/// How things stand is told after so many kills.
const EVERY: u32 = 50;

/// What was counted.
pub(crate) struct Totals {
    planned: u32,
    begun: Instant,
    /// Kills in all.
    pub(crate) kills: u32,
    /// Of these, within a moment of the start.
    pub(crate) early: u32,
    /// Whether a place ended before its time, as the bot did not start or did not come to rest.
    pub(crate) failed: u32,
    /// How long each start took that became ready.
    ready: Vec<Duration>,
    alerts: usize,
    events: u64,
    repeated: usize,
    cut_off: u64,
    turned_away: u64,
    groups: usize,
    deeds: Vec<Deed>,
    mentions_kept: Vec<Platform>,
    answered_again: usize,
    before_a_room: usize,
    findings: (usize, usize, usize),
}

impl Totals {
    pub(crate) fn new(planned: u32) -> Totals {
        Totals {
            planned,
            begun: Instant::now(),
            kills: 0,
            early: 0,
            failed: 0,
            ready: Vec::new(),
            alerts: 0,
            events: 0,
            repeated: 0,
            cut_off: 0,
            turned_away: 0,
            groups: 0,
            deeds: Vec::new(),
            mentions_kept: Vec::new(),
            answered_again: 0,
            before_a_room: 0,
            findings: (0, 0, 0),
        }
    }

    /// How many alerts were accepted in the places that are done.
    pub(crate) fn alerts(&self) -> u32 {
        u32::try_from(self.alerts).unwrap_or(u32::MAX)
    }

    /// A start became ready.
    pub(crate) fn became_ready(&mut self, after: Duration) {
        self.ready.push(after);
    }

    /// Whether it is time to say how things stand.
    pub(crate) fn is_time_to_tell(&self) -> bool {
        self.kills.is_multiple_of(EVERY)
    }

    /// Says how things stand.
    pub(crate) fn tell(&self, ledger: &Ledger, findings: &Findings) {
        println!(
            "{:>5}/{} kills: {} starts became ready, {} alerts accepted, {} lost, {} doubled, {:.0} s",
            self.kills,
            self.planned,
            self.ready.len(),
            self.alerts + ledger.alerts().len(),
            self.findings.0 + findings.lost.len(),
            self.findings.1 + findings.doubled.len(),
            self.begun.elapsed().as_secs_f64(),
        );
    }

    /// A place is done.
    pub(crate) fn add(&mut self, ledger: &Ledger, journal: &Journal, findings: &Findings) {
        self.alerts += ledger.alerts().len();
        self.events += journal.events;
        self.repeated += journal.repeated;
        self.groups += journal.groups.len();
        self.cut_off += ledger.cut_off.load(Ordering::Relaxed);
        self.turned_away += ledger.turned_away.load(Ordering::Relaxed);
        let deeds = ledger.deeds();
        let kept = |deed: &&Deed| matches!(&deed.what, What::Mentioned(words) if journal.notes.contains_key(words));
        self.mentions_kept.extend(deeds.iter().filter(kept).map(|deed| deed.on));
        self.deeds.extend(deeds);
        self.answered_again += findings.answered_again;
        self.before_a_room += findings.before_a_room;
        self.findings.0 += findings.lost.len();
        self.findings.1 += findings.doubled.len();
        self.findings.2 += findings.wrong.len();
    }

    /// The table at the end.
    pub(crate) fn table(&mut self) -> String {
        self.ready.sort();
        let at = |share: usize| self.ready.get(self.ready.len().saturating_sub(1) * share / 100).copied();
        let ms = |share: usize| at(share).unwrap_or_default().as_secs_f64() * 1e3;
        let (lost, doubled, wrong) = self.findings;
        [
            format!("kills                      {} ({} of them within 60 ms of the start)", self.kills, self.early),
            format!(
                "starts                     {} became ready, {} were killed first, {} failed",
                self.ready.len(),
                self.early,
                self.failed
            ),
            format!(
                "time until ready           median {:.0} ms, p99 {:.0} ms, longest {:.0} ms",
                ms(50),
                ms(99),
                ms(100)
            ),
            format!("alerts accepted            {}, on {} cards", self.alerts, self.groups),
            format!("webhooks cut off           {} ({} alerts were kept and told again)", self.cut_off, self.repeated),
            format!("webhooks turned away       {}", self.turned_away),
            self.deeds_line("declared", |what| matches!(what, What::Declared(_))),
            self.deeds_line("noted", |what| matches!(what, What::Noted(_))),
            self.deeds_line("acknowledged by typing", |what| matches!(what, What::Typed(_))),
            self.deeds_line("acknowledged by a click", |what| matches!(what, What::Clicked(_))),
            self.mentions_line(),
            format!("noted before a room's time {} (in the timeline, not said in that room)", self.before_a_room),
            format!("answered again             {} times in private on Slack", self.answered_again),
            format!("events                     {}, every hash fits", self.events),
            format!("lost, doubled, wrong       {lost}, {doubled}, {wrong}"),
            format!("took                       {:.0} s", self.begun.elapsed().as_secs_f64()),
        ]
        .join("\n")
    }

    /// What arrived of them is all that there is to say: whether the bot has a message, nobody is told.
    fn mentions_line(&self) -> String {
        let mentions = self.deeds.iter().filter(|deed| matches!(deed.what, What::Mentioned(_)));
        let written: Vec<Platform> = mentions.map(|deed| deed.on).collect();
        let on = |all: &[Platform], on: Platform| all.iter().filter(|it| **it == on).count();
        let [slack, discord] = Platform::ALL.map(|it| (on(&self.mentions_kept, it), on(&written, it)));
        let what = "noted by a mention";
        format!("{what:<26} {} arrived of {} on Slack, {} of {} on Discord", slack.0, slack.1, discord.0, discord.1)
    }

    fn deeds_line(&self, what: &str, is: impl Fn(&What) -> bool) -> String {
        let deeds: Vec<&Deed> = self.deeds.iter().filter(|deed| is(&deed.what)).collect();
        let tries: u32 = deeds.iter().map(|deed| deed.tries).sum();
        let taken: u32 = deeds.iter().map(|deed| deed.taken).sum();
        format!("{what:<26} {taken} accepted of {tries} tries by {} people", deeds.len())
    }
}
