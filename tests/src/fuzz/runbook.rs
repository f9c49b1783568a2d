//! Runbooks: any text is read as a page that can be run, or refused with all that is wrong, each with its place.

use std::collections::BTreeSet;

use operations::runbook::page::{DryRun, OnFailure, Page};

use super::bytes::is_visible;

/// A page, as UTF-8 as far as it goes.
pub(super) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let read = runbooks::read("page.md", &text);
    assert_eq!(read, runbooks::read("page.md", &text), "the same page is read the same way");
    match &read {
        Ok(page) => hangs_together(page),
        Err(problems) => {
            assert!(!problems.is_empty());
            let lines = text.matches('\n').count() + 1;
            for problem in problems {
                assert!((1..=lines + 1).contains(&problem.line), "{problem} of {lines} lines");
                assert!(is_visible(&problem.to_string()), "{problem:?}");
            }
        }
    }
}

/// Whatever a page names is there, and nothing waits for itself.
fn hangs_together(page: &Page) {
    let ids: BTreeSet<&str> = page.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids.len(), page.steps.len(), "every id is one step's");
    let mut over: BTreeSet<&str> = BTreeSet::new();
    for step in &page.steps {
        let mut named: Vec<&str> = step.needs.iter().map(String::as_str).collect();
        named.extend(step.undo.as_deref());
        if let OnFailure::Goto(to) = &step.on_failure {
            named.push(to);
        }
        if let DryRun::Instead(other) = &step.dry_run {
            named.push(other);
        }
        assert!(named.iter().all(|id| ids.contains(id)), "{named:?} of {ids:?}");
    }
    // As a run would: whatever has all that it needs is done.
    while over.len() < page.steps.len() {
        let ready = |step: &&operations::runbook::page::Step| {
            !over.contains(step.id.as_str()) && step.needs.iter().all(|id| over.contains(id.as_str()))
        };
        let next: Vec<&str> = page.steps.iter().filter(ready).map(|step| step.id.as_str()).collect();
        assert!(!next.is_empty(), "the run would wait for ever: {over:?} of {ids:?}");
        over.extend(next);
    }
    let written = serde_json::to_string(page).expect("a page can be written down");
    assert_eq!(serde_json::from_str::<Page>(&written).expect("and read again"), *page);
}
