//! The comparison: what was accepted, what the journal says, what the CI did, and what people see.

use std::collections::BTreeMap;

use operations::deploy::How;
use operations::ids::Platform;

use crate::journal::{Journal, Stage, Told};
use crate::plan::{Deed, Style};
use crate::seen::cards;
use crate::site::Site;

/// What does not fit, one sentence each.
#[derive(Default)]
pub(crate) struct Findings {
    /// Dispatched more than once, or taken up more than once.
    pub(crate) doubled: Vec<String>,
    /// Accepted, and not there.
    pub(crate) lost: Vec<String>,
    /// Anything else that must not be.
    pub(crate) wrong: Vec<String>,
}

impl Findings {
    /// Whether everything fits.
    pub(crate) fn none(&self) -> bool {
        self.doubled.is_empty() && self.lost.is_empty() && self.wrong.is_empty()
    }

    /// All of these too.
    pub(crate) fn add(&mut self, other: Findings) {
        self.doubled.extend(other.doubled);
        self.lost.extend(other.lost);
        self.wrong.extend(other.wrong);
    }
}

/// Whether the journal and the CI fit together, and with what people were told; at any moment at which the bot is dead.
pub(crate) fn kept(site: &Site, journal: &Journal) -> Findings {
    let mut findings = Findings { wrong: journal.wrong.clone(), ..Findings::default() };
    let mut by_order: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut by_word: BTreeMap<String, usize> = BTreeMap::new();
    for dispatch in site.sandbox.ci.dispatches() {
        let input = |name: &str| dispatch.inputs.get(name).cloned().unwrap_or_default();
        by_order.entry(input("muster_id")).or_default().push(dispatch.run);
        *by_word.entry(input("word")).or_default() += 1;
    }
    for (what, times) in
        by_order.iter().map(|(order, runs)| (order, runs.len())).chain(by_word.iter().map(|(a, b)| (a, *b)))
    {
        if times > 1 {
            findings.doubled.push(format!("{what} was dispatched {times} times"));
        }
    }
    let none = Vec::new();
    for (id, it) in &journal.deploys {
        let runs = by_order.remove(&it.order).unwrap_or_else(|| none.clone());
        for what in dispatched(it, &runs) {
            findings.wrong.push(format!("{id} ({}): {what}", it.word));
        }
    }
    findings.wrong.extend(by_order.keys().map(|order| format!("{order} was dispatched, and no deploy is called so")));
    asked(site, journal, &mut findings);
    findings
}

/// What does not fit between a deploy and the runs that the CI made for it.
fn dispatched(it: &Told, runs: &[u64]) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &'static str| {
        if !holds {
            wrong.push(what);
        }
    };
    must(runs.is_empty() || it.began == 1, "it was dispatched, and never allowed to begin");
    let own: Vec<String> = runs.iter().map(u64::to_string).collect();
    must(it.runs.iter().all(|run| own.contains(run)), "the journal names a run that is not its own");
    must(it.answered != Some(false) || runs.is_empty(), "people said that it did not run, and it did");
    match it.stage {
        Stage::Ended(How::NotStarted | How::Denied | How::Refused | How::Expired | How::Planned) => {
            must(runs.is_empty(), "it ended without having been started, and it was dispatched");
        }
        Stage::Ended(How::Succeeded | How::Failed) => must(!runs.is_empty(), "it says that it ran, and it did not"),
        Stage::Ended(How::Cancelled) => {
            must(runs.is_empty() || it.began == 1, "it was cancelled before it began, and it was dispatched");
        }
        Stage::Running | Stage::Verifying => must(!runs.is_empty(), "it says that it runs, and it does not"),
        Stage::Unknown => must(!it.evidence.is_empty(), "nobody knows how it is, and nothing is said of why"),
        Stage::Planning | Stage::Approving | Stage::Queued | Stage::Checking => {
            must(runs.is_empty(), "it has not begun, and it was dispatched");
        }
        Stage::Starting => {}
    }
    wrong
}

/// Whether what was accepted is in the journal once.
fn asked(site: &Site, journal: &Journal, findings: &mut Findings) {
    for (number, done) in site.ledger.all() {
        let deed = site.plan.deed(number);
        let found: Vec<_> = journal.deploys.values().filter(|it| it.word == deed.word).collect();
        let refused = deed.style == Style::Stranger;
        match found.as_slice() {
            [] if done.taken && !refused => findings.lost.push(format!("{} of {} in the journal", deed.word, deed.who)),
            [] => {}
            _ if refused => {
                findings.wrong.push(format!("{} may deploy nothing, and {} was taken up", deed.who, deed.word))
            }
            [it] if it.by != deed.who => {
                findings.wrong.push(format!("{} is {}'s, not {}'s", deed.word, it.by, deed.who))
            }
            [it] => approved(&deed, it, done.approved, findings),
            several => findings.doubled.push(format!("{} was taken up {} times", deed.word, several.len())),
        }
    }
}

fn approved(deed: &Deed, it: &Told, taken: u32, findings: &mut Findings) {
    if taken > 0 && it.approved == 0 && !matches!(it.stage, Stage::Ended(_)) {
        findings.lost.push(format!("the approval of {} by {}", deed.word, deed.other));
    }
    let never = matches!(deed.style, Style::Denied | Style::Own) || (deed.style == Style::Cancelled && deed.production);
    if never && it.began > 0 {
        findings.wrong.push(format!("{} was begun, and nobody approved it", deed.word));
    }
}

/// Whether everybody sees what the journal says, once, now that everything is at rest. `over` says that nobody has left
/// anything to be done.
pub(crate) fn shown(site: &Site, journal: &Journal, over: bool) -> Findings {
    let mut findings = Findings::default();
    for on in Platform::ALL {
        let mut seen = cards(&site.view(on), on);
        for (id, it) in &journal.deploys {
            let what = format!("the card of {id} ({}) on {}", it.word, on.title());
            let found = seen.remove(&it.word).unwrap_or_default();
            match found.as_slice() {
                [] => findings.lost.push(what),
                [card] => {
                    let fits = match it.stage {
                        Stage::Ended(how) => card.ended() == Some(how),
                        Stage::Unknown => card.is_unknown() && card.has_answers() && card.is_parked(),
                        Stage::Queued => card.is_queued(),
                        Stage::Approving => card.is_approving(),
                        Stage::Planning | Stage::Checking | Stage::Starting | Stage::Running | Stage::Verifying => {
                            false
                        }
                    };
                    if !fits {
                        findings.wrong.push(format!("{what} does not say {:?}: {}", it.stage, card.0.text));
                    }
                }
                several => findings.doubled.push(format!("{what} ({} times)", several.len())),
            }
        }
        findings.wrong.extend(seen.keys().map(|word| format!("{word} has a card on {} and is no deploy", on.title())));
        let unexpected = match on {
            Platform::Slack => site.sandbox.slack.unexpected(),
            Platform::Discord => site.sandbox.discord.unexpected(),
        };
        findings.wrong.extend(unexpected.into_iter().map(|what| format!("{} refused: {what}", on.title())));
    }
    findings.wrong.extend(site.sandbox.ci.unexpected().into_iter().map(|what| format!("the CI refused: {what}")));
    for (id, it) in &journal.deploys {
        let rests =
            matches!(it.stage, Stage::Ended(_)) || (!over && matches!(it.stage, Stage::Unknown | Stage::Queued));
        if !rests {
            findings.wrong.push(format!("{id} ({}) is left as {:?}", it.word, it.stage));
        }
    }
    findings
}

/// Whether how they ended is how it was at the CI, once everything there is over.
pub(crate) fn true_ends(site: &Site, journal: &Journal) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, it) in &journal.deploys {
        let run = site.dispatched(&it.word).first().map(|dispatch| site.sandbox.ci.run(dispatch.run));
        let conclusion = run.and_then(|run| run.conclusion()).unwrap_or_default();
        let fits = match it.stage {
            Stage::Ended(How::Succeeded) => conclusion == "success",
            Stage::Ended(How::Failed) => conclusion == "failure",
            Stage::Ended(How::Cancelled) => matches!(conclusion.as_str(), "" | "cancelled"),
            Stage::Ended(_) => conclusion.is_empty(),
            _ => true,
        };
        if !fits {
            wrong.push(format!("{id} ({}) is {:?}, and its run is {conclusion:?}", it.word, it.stage));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dispatch_that_must_not_be_is_found() {
        let told = |stage, began| Told { stage, began, evidence: "x".to_owned(), ..Told::default() };
        let ends = |how| told(Stage::Ended(how), 1);
        for (it, runs, wrong) in [
            (ends(How::Succeeded), vec![7], 0),
            (ends(How::Succeeded), vec![], 1),
            (ends(How::NotStarted), vec![], 0),
            (ends(How::NotStarted), vec![7], 1),
            (told(Stage::Approving, 0), vec![7], 2),
            (told(Stage::Starting, 1), vec![7], 0),
            (told(Stage::Unknown, 1), vec![7], 0),
            (Told { answered: Some(false), ..ends(How::NotStarted) }, vec![7], 2),
            (Told { runs: vec!["8".to_owned()], ..told(Stage::Running, 1) }, vec![7], 1),
        ] {
            assert_eq!(dispatched(&it, &runs).len(), wrong, "{it:?} {runs:?}");
        }
    }
}
