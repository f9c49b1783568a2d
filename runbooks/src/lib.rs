//! Runbooks: Markdown pages that people read on any Git host, and that Muster runs.
//!
//! [`read`] makes a [`Page`] of a text, or tells everything that is wrong with it, each with its place. [`template`] puts
//! values into its texts, [`mod@rehearse`] plays a page with what was recorded. How pages are written stands in
//! `docs/runbooks.md`. What holds: a page that was read can be run without a look at its text; a value never becomes part of
//! a script, an address's host, a query or a template.

mod attributes;
mod document;
pub mod doing;
mod front;
mod inputs;
mod kinds;
mod map;
mod order;
mod places;
mod reads;
pub mod recording;
pub mod rehearse;
mod schema;
mod steps;
pub mod template;
mod uses;
pub mod values;
mod yaml;

use operations::problem::Problem;
use operations::runbook::page::Page;
use sha2::{Digest, Sha256};

pub use self::inputs::fits;
use self::places::{Findings, Place};
pub use self::schema::schema;
use self::uses::Uses;

/// The longest page, in bytes.
pub const LONGEST: usize = 256 * 1024;

/// So many steps has a page at most.
pub const MOST_STEPS: usize = 200;

/// Reads a page. `file` is what problems name it by.
///
/// # Errors
/// Everything that is wrong with it, in its order.
pub fn read(file: &str, text: &str) -> Result<Page, Vec<Problem>> {
    let mut found = Findings::new(file);
    let page = page(text, &mut found);
    let mut problems = found.problems;
    problems.sort_by(|one, other| (one.line, one.column, &one.what).cmp(&(other.line, other.column, &other.what)));
    problems.dedup();
    match page {
        Some(page) if problems.is_empty() => Ok(page),
        Some(_) | None => Err(problems),
    }
}

fn page(text: &str, found: &mut Findings<'_>) -> Option<Page> {
    if text.len() > LONGEST {
        found.tell(Place::START, format!("the page is longer than {} KiB", LONGEST / 1024), None);
        return None;
    }
    if let Some(at) = text.find(|c: char| c == '\0' || inputs::is_bidi(c)) {
        let hint = "somebody would read something else than what is run".to_owned();
        found.tell(Place::of(text, at), "there is a character here that can't be seen", Some(hint));
    }
    let document = document::read(text, found);
    let front = document.front.map(|(text, at)| front::read(text, at, found)).unwrap_or_default();
    let mut uses = Uses::default();
    let mut drafts = steps::read(document.sections, &mut uses, found);
    if drafts.is_empty() {
        let hint = "a heading, and below it a checklist or a fence as `http timeout=20s`".to_owned();
        found.tell(Place::START, "the page has no steps", Some(hint));
    }
    if drafts.len() > MOST_STEPS {
        found.tell(Place::START, format!("the page has more than {MOST_STEPS} steps"), None);
        return None;
    }
    steps::twice(&drafts, found);
    let before = order::order(&mut drafts, found);
    reads::check(&front, &drafts, &before, &uses, found);
    front::fit_together(&front, found);
    let title = front.title.or(document.title).filter(|title| !title.is_empty());
    if title.is_none() {
        found.tell(Place::START, "the page has no title: `title: …`, or a heading of the first level", None);
    }
    let version = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    Some(Page {
        id: front.id?,
        title: title?,
        version,
        owners: front.owners,
        about: document.about,
        inputs: front.inputs,
        triggers: front.triggers,
        schedule: front.schedule,
        concurrency: front.concurrency,
        runners: front.runners,
        secrets: front.secrets,
        timeout: front.timeout,
        steps: drafts.into_iter().map(|draft| draft.step).collect(),
    })
}
