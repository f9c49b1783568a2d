//! What is counted, and how it is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use operations::deploy::How;
use operations::ids::Platform;

use crate::faults::{DISPATCH, Kind};
use crate::journal::{Journal, Stage, Told};
use crate::plan::Style;
use crate::site::{Site, messages};

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
    /// Of these, of a bot that had just made the CI do something, or tried to.
    pub(crate) at_dispatch: u32,
    /// Whether it ended before its time, as the bot did not start or did not come to rest.
    pub(crate) failed: u32,
    /// Deploys that were left to people when everything had come to rest.
    pub(crate) parked_at_rest: usize,
    /// How long each start took that became ready.
    ready: Vec<Duration>,
    /// What was answered to each order's dispatch, where that was seen.
    answered: BTreeMap<String, u16>,
    lines: Vec<String>,
}

/// What is told of the deploys that one kind of fault met.
#[derive(Default)]
struct Row {
    met: usize,
    dispatches: usize,
    doubled: usize,
    unknown: usize,
    found: usize,
    parked: usize,
    said: usize,
}

impl Totals {
    pub(crate) fn new(planned: u32) -> Totals {
        Totals {
            planned,
            begun: Instant::now(),
            kills: 0,
            early: 0,
            at_dispatch: 0,
            failed: 0,
            parked_at_rest: 0,
            ready: Vec::new(),
            answered: BTreeMap::new(),
            lines: Vec::new(),
        }
    }

    /// A start became ready.
    pub(crate) fn became_ready(&mut self, after: Duration) {
        self.ready.push(after);
    }

    /// Keeps what the CI answered to dispatches, since it forgets old calls.
    pub(crate) fn saw(&mut self, site: &Site) {
        for request in site.sandbox.ci.requests().into_iter().filter(|request| request.route == DISPATCH) {
            if let Some(order) = request.body["inputs"]["muster_id"].as_str() {
                self.answered.insert(order.to_owned(), request.status);
            }
        }
    }

    /// Whether it is time to say how things stand.
    pub(crate) fn is_time_to_tell(&self) -> bool {
        self.kills.is_multiple_of(EVERY)
    }

    /// Says how things stand.
    pub(crate) fn tell(&self, site: &Site, journal: &Journal) {
        let count = |is: &dyn Fn(&Told) -> bool| journal.deploys.values().filter(|it| is(it)).count();
        println!(
            "{:>5}/{} kills: {} deploys taken up, {} dispatched, {} over, {} unknown at some time, {} messages on Slack, {:.0} s",
            self.kills,
            self.planned,
            journal.deploys.len(),
            site.sandbox.ci.dispatches().len(),
            count(&|it| matches!(it.stage, Stage::Ended(_))),
            count(&|it| it.lost),
            messages(site, Platform::Slack),
            self.begun.elapsed().as_secs_f64(),
        );
    }

    /// It is over.
    pub(crate) fn add(&mut self, site: &Site, journal: &Journal) {
        let mut met: BTreeMap<String, Kind> = BTreeMap::new();
        for happened in site.sandbox.ci.happened() {
            if let Some(order) = happened.body["inputs"]["muster_id"].as_str() {
                met.insert(order.to_owned(), Kind::of(&happened.fault));
            }
        }
        for (order, _) in self.answered.iter().filter(|(_, status)| **status == 204) {
            met.entry(order.clone()).or_insert(Kind::Bare);
        }
        let mut orders: BTreeMap<String, usize> = BTreeMap::new();
        for dispatch in site.sandbox.ci.dispatches() {
            *orders.entry(dispatch.inputs.get("muster_id").cloned().unwrap_or_default()).or_default() += 1;
        }
        let mut rows: BTreeMap<Kind, Row> = Kind::ALL.into_iter().map(|kind| (kind, Row::default())).collect();
        for it in journal.deploys.values().filter(|it| it.began > 0) {
            let kind = met.get(&it.order).copied().unwrap_or(Kind::None);
            let times = orders.get(&it.order).copied().unwrap_or_default();
            let row = rows.entry(kind).or_default();
            row.met += 1;
            row.dispatches += times;
            row.doubled += usize::from(times > 1);
            row.unknown += usize::from(it.lost);
            row.found += usize::from(it.found);
            row.parked += usize::from(it.looks >= 3);
            row.said += usize::from(it.answered.is_some());
        }
        let done = site.ledger.all();
        let asked = done.values().filter(|it| it.asked).count();
        let taken = done.values().filter(|it| it.taken).count();
        let approves: u32 = done.values().map(|it| it.approves).sum();
        let approved: usize = journal.deploys.values().map(|it| it.approved as usize).sum();
        let double = done.values().filter(|it| it.double).count();
        let twice = done.values().filter(|it| it.twice).count();
        let ends = |how: How| journal.deploys.values().filter(|it| it.stage == Stage::Ended(how)).count();
        let strangers = done.keys().filter(|number| site.plan.deed(**number).style == Style::Stranger).count();
        self.lines = vec![
            format!(
                "deploys asked for          {asked}, {taken} accepted, {} taken up ({strangers} by somebody who may not)",
                journal.deploys.len()
            ),
            format!("asked twice                {twice} under the same id"),
            format!(
                "approvals                  {approves} clicks and commands, {approved} counted; {double} deploys with two at once"
            ),
            format!(
                "ended                      {} done, {} failed, {} cancelled, {} denied, {} expired, {} not allowed, {} not started",
                ends(How::Succeeded),
                ends(How::Failed),
                ends(How::Cancelled),
                ends(How::Denied),
                ends(How::Expired),
                ends(How::Refused),
                ends(How::NotStarted)
            ),
            format!("parked at rest             {}", self.parked_at_rest),
            format!("events                     {}, every hash fits", journal.events),
            String::new(),
            format!(
                "{:<32} {:>7} {:>10} {:>8} {:>8} {:>14} {:>7} {:>14}",
                "the dispatch met",
                "deploys",
                "dispatches",
                "doubled",
                "unknown",
                "found by looks",
                "parked",
                "said by people"
            ),
        ];
        let mut all = Row::default();
        for (kind, row) in rows {
            self.lines.push(row.line(kind.words()));
            all.met += row.met;
            all.dispatches += row.dispatches;
            all.doubled += row.doubled;
            all.unknown += row.unknown;
            all.found += row.found;
            all.parked += row.parked;
            all.said += row.said;
        }
        self.lines.push(all.line("all"));
    }

    /// The table at the end.
    pub(crate) fn table(&mut self) -> String {
        self.ready.sort();
        let at = |share: usize| self.ready.get(self.ready.len().saturating_sub(1) * share / 100).copied();
        let ms = |share: usize| at(share).unwrap_or_default().as_secs_f64() * 1e3;
        let mut lines = vec![
            format!(
                "kills                      {} ({} within 60 ms of the start, {} within 5 ms of a dispatch)",
                self.kills, self.early, self.at_dispatch
            ),
            format!("starts                     {} became ready, {} failed", self.ready.len(), self.failed),
            format!("time until ready           median {:.0} ms, longest {:.0} ms", ms(50), ms(100)),
            format!("took                       {:.0} s", self.begun.elapsed().as_secs_f64()),
        ];
        lines.append(&mut self.lines);
        lines.join("\n")
    }
}

impl Row {
    fn line(&self, what: &str) -> String {
        let Row { met, dispatches, doubled, unknown, found, parked, said } = self;
        format!("{what:<32} {met:>7} {dispatches:>10} {doubled:>8} {unknown:>8} {found:>14} {parked:>7} {said:>14}")
    }
}
