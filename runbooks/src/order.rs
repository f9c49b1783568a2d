//! How the steps of a page hang together: what comes before what, and what can't be reached.
//!
//! What holds behind it: every step that is named is there; nothing waits for itself; an undo is aside; `goto` goes on and
//! never back.

use std::collections::{BTreeMap, BTreeSet};

use operations::runbook::page::{DryRun, OnFailure, What};

use crate::places::{Findings, near};
use crate::steps::Draft;

/// By position: all steps that are over when this one's turn comes.
pub(crate) type Before = Vec<BTreeSet<usize>>;

/// Says what each step waits for where the page does not, and checks the rest.
pub(crate) fn order(drafts: &mut [Draft], found: &mut Findings<'_>) -> Before {
    let mut last: Option<String> = None;
    for draft in drafts.iter_mut().filter(|draft| !draft.step.aside) {
        if !draft.says_needs {
            draft.step.needs = last.iter().cloned().collect();
        }
        last = Some(draft.step.id.clone());
    }
    let positions: BTreeMap<String, usize> =
        drafts.iter().enumerate().rev().map(|(at, draft)| (draft.step.id.clone(), at)).collect();
    for draft in drafts.iter() {
        for (at, name) in &draft.names {
            if !positions.contains_key(name) {
                let hint = near(name, positions.keys().map(String::as_str));
                found.tell(*at, format!("there is no step {}", name.escape_debug()), hint);
            }
        }
    }
    circles(drafts, &positions, found);
    aside(drafts, &positions, found);
    let before = before(drafts, &positions);
    for (draft, before) in drafts.iter().zip(&before) {
        let is_approved = before.iter().any(|at| matches!(drafts[*at].step.what, What::Approval { .. }));
        if draft.step.danger.is_some() && !is_approved {
            let hint = Some("put an approval before it".to_owned());
            found.tell(draft.at, "a step with danger is done only once others have approved", hint);
        }
    }
    before
}

/// Tells steps that wait for themselves.
fn circles(drafts: &[Draft], positions: &BTreeMap<String, usize>, found: &mut Findings<'_>) {
    for (at, draft) in drafts.iter().enumerate() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<usize> = needs(draft, positions).collect();
        while let Some(other) = next.pop() {
            if other == at {
                let hint = Some("needs= names what comes before".to_owned());
                found.tell(draft.at, format!("the step {} waits for itself", draft.step.id), hint);
                break;
            }
            if seen.insert(other) {
                next.extend(needs(&drafts[other], positions));
            }
        }
    }
}

fn needs<'d>(draft: &'d Draft, positions: &'d BTreeMap<String, usize>) -> impl Iterator<Item = usize> + 'd {
    draft.step.needs.iter().filter_map(|id| positions.get(id)).copied()
}

/// What stands aside is named by another; what is named as an undo stands aside.
fn aside(drafts: &[Draft], positions: &BTreeMap<String, usize>, found: &mut Findings<'_>) {
    let mut named: BTreeSet<usize> = BTreeSet::new();
    for (at, draft) in drafts.iter().enumerate() {
        let step = &draft.step;
        let of = |id: &String| positions.get(id).copied();
        if let Some(undo) = step.undo.as_ref().and_then(of) {
            named.insert(undo);
            if !drafts[undo].step.aside {
                let what = format!("{} takes {} back, so it is not done by itself", drafts[undo].step.id, step.id);
                found.tell(drafts[undo].at, what, Some("put `aside` on it".to_owned()));
            }
        }
        if let OnFailure::Goto(to) = &step.on_failure
            && let Some(to) = of(to)
        {
            named.insert(to);
            if to <= at && !drafts[to].step.aside {
                found.tell(draft.at, "goto goes on to a later step, or to one that is aside", None);
            }
        }
        if let DryRun::Instead(instead) = &step.dry_run
            && let Some(instead) = of(instead)
        {
            named.insert(instead);
        }
        for other in needs(draft, positions) {
            match (step.aside, drafts[other].step.aside) {
                (false, true) => {
                    let what = format!("it waits for {}, which is aside", drafts[other].step.id);
                    found.tell(draft.at, what, None);
                }
                // What follows something that is aside is reached with it.
                (true, _) => drop(named.insert(at)),
                (false, false) => {}
            }
        }
    }
    for (at, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.step.aside) {
        if !named.contains(&at) {
            let hint = Some("name it with undo=, on_failure=goto:… or dry_run=".to_owned());
            found.tell(draft.at, format!("nothing leads to the step {}", draft.step.id), hint);
        }
    }
}

fn before(drafts: &[Draft], positions: &BTreeMap<String, usize>) -> Before {
    let mut before: Before = vec![BTreeSet::new(); drafts.len()];
    // Each round carries what is known one step further; a page has no more rounds than steps.
    for _ in 0..=drafts.len() {
        let mut is_new = false;
        for (at, draft) in drafts.iter().enumerate() {
            let mut all: BTreeSet<usize> = before[at].clone();
            for other in needs(draft, positions) {
                all.insert(other);
                all.extend(&before[other]);
            }
            for (other, leads) in drafts.iter().enumerate().filter(|_| draft.step.aside) {
                if leads_to(leads, &draft.step.id) {
                    all.insert(other);
                    all.extend(&before[other]);
                }
            }
            all.remove(&at);
            is_new |= all.len() > before[at].len();
            before[at] = all;
        }
        if !is_new {
            break;
        }
    }
    before
}

fn leads_to(draft: &Draft, id: &str) -> bool {
    let step = &draft.step;
    step.undo.as_deref() == Some(id)
        || matches!(&step.on_failure, OnFailure::Goto(to) if to == id)
        || matches!(&step.dry_run, DryRun::Instead(to) if to == id)
}
