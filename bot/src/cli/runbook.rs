//! `muster runbook`: what is wrong with pages, what Muster understood of one, what would happen, and the front matter's schema.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use operations::problem::Problem;
use operations::runbook::course::How;
use operations::runbook::page::{OnFailure, Page, Probe, What};
use runbooks::rehearse::{Line, end_word};

use super::{Failed, RunbookCommand, out};

/// Does what was asked.
pub(super) fn runbook(command: &RunbookCommand) -> Result<(), Failed> {
    match command {
        RunbookCommand::Lint { pages } => lint(pages),
        RunbookCommand::Show { page } => {
            out::line(&shown(&read(page)?));
            Ok(())
        }
        RunbookCommand::Rehearse { page, recordings } => rehearse(&read(page)?, recordings),
        RunbookCommand::Schema => {
            out::line(&serde_json::to_string_pretty(&runbooks::schema())?);
            Ok(())
        }
    }
}

fn read(file: &Path) -> Result<Page, Failed> {
    runbooks::read(&file.display().to_string(), &named(file)?).map_err(|problems| told(&problems))
}

/// Plays a page with each recording, and tells what would have happened.
fn rehearse(page: &Page, recordings: &[PathBuf]) -> Result<(), Failed> {
    let mut differs = Vec::new();
    for file in recordings {
        let name = file.display().to_string();
        let recording = runbooks::recording::read(&name, &named(file)?).map_err(|problems| told(&problems))?;
        let rehearsal = runbooks::rehearse::rehearse(page, &recording);
        out::line(&format!("{} with {name}: {}", page.id, end_word(rehearsal.end)));
        for line in &rehearsal.lines {
            out::line(&happened(line));
        }
        differs.extend(rehearsal.differs.into_iter().map(|it| format!("{name}: {it}")));
    }
    if differs.is_empty() { Ok(()) } else { Err(Failed::new(differs.join("\n"))) }
}

/// What happened at a step, with what would have been done below it.
fn happened(line: &Line) -> String {
    let mark = match line.how {
        How::Done => "✅",
        How::Skipped => "⏭",
        How::Failed => "🔴",
    };
    let why = if line.why.is_empty() { String::new() } else { format!(": {}", line.why) };
    let does: String =
        line.does.lines().map(|does| format!("\n       {does}").trim_end_matches(' ').to_owned()).collect();
    format!("  {mark} {}{why}{does}", line.step)
}

/// Tells everything that is wrong with any of the pages.
fn lint(places: &[PathBuf]) -> Result<(), Failed> {
    let files = files(places)?;
    if files.is_empty() {
        return Err(Failed::new("There are no pages: *.md with a front matter, in these directories or by name."));
    }
    let mut problems = Vec::new();
    let mut pages = Vec::new();
    for file in &files {
        let name = file.display().to_string();
        match text(file).map(|text| runbooks::read(&name, &text)) {
            Ok(Ok(page)) => pages.push((name, page)),
            Ok(Err(wrong)) => problems.extend(wrong),
            Err(error) => {
                let what = format!("it can't be read: {error}");
                problems.push(Problem { file: name, line: 1, column: 1, what, hint: None });
            }
        }
    }
    problems.extend(twice(&pages));
    if problems.is_empty() {
        let steps: usize = pages.iter().map(|(_, page)| page.steps.len()).sum();
        out::line(&format!("{} with {} steps: nothing is wrong.", counted(pages.len(), "page"), steps));
        return Ok(());
    }
    Err(told(&problems))
}

fn told(problems: &[Problem]) -> Failed {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failed::new(format!("{}\n{}.", lines.join("\n"), counted(lines.len(), "problem")))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Pages that share an id.
fn twice(pages: &[(String, Page)]) -> Vec<Problem> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for (file, page) in pages {
        if let Some(other) = seen.insert(&page.id, file) {
            let what = format!("the page {} stands in {other}, too", page.id);
            problems.push(Problem { file: file.clone(), line: 2, column: 1, what, hint: None });
        }
    }
    problems
}

/// The files that are meant: those that are named, and in directories all `*.md` that begin with a front matter.
fn files(places: &[PathBuf]) -> Result<Vec<PathBuf>, Failed> {
    let mut all = Vec::new();
    for place in places {
        if !place.is_dir() {
            all.push(place.clone());
            continue;
        }
        let cannot = |error: std::io::Error| Failed::new(format!("{}: {error}", place.display()));
        for entry in std::fs::read_dir(place).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            let is_page = path.extension().is_some_and(|it| it == "md") && path.is_file();
            // One that can't be read may be one; that is told of it.
            if is_page && text(&path).map_or(true, |text| text.starts_with("---")) {
                all.push(path);
            }
        }
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// A file's text; no more of it than a page may have, and a bit.
fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let most = u64::try_from(runbooks::LONGEST).unwrap_or(u64::MAX) + 1;
    std::fs::File::open(path)?.take(most).read_to_string(&mut text)?;
    Ok(text)
}

fn named(path: &Path) -> Result<String, Failed> {
    text(path).map_err(|error| Failed::new(format!("{}: {error}", path.display())))
}

/// A span of time in the largest unit that gives a whole number.
fn span(of: Duration) -> String {
    let seconds = of.as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("min", 60)];
    let whole = units.into_iter().find(|(_, unit)| seconds.is_multiple_of(*unit) && seconds > 0);
    whole.map_or_else(|| format!("{seconds} s"), |(name, unit)| format!("{} {name}", seconds / unit))
}

/// What Muster understood of a page.
fn shown(page: &Page) -> String {
    let mut text = format!("{} ({}), version {}\n", page.title, page.id, &page.version[..12]);
    text.push_str(&format!("Owners: {}\n", page.owners.join(", ")));
    for input in &page.inputs {
        let needed = if input.required { "needed" } else { "not needed" };
        text.push_str(&format!("Asks for {}, {needed}: {}\n", input.name, input.about));
    }
    for (number, step) in page.steps.iter().enumerate() {
        let aside = if step.aside { " (aside)" } else { "" };
        text.push_str(&format!("{:>3}  {}{aside}: {}\n", number + 1, step.id, does(&step.what)));
        let mut more = Vec::new();
        if !step.needs.is_empty() {
            more.push(format!("after {}", step.needs.join(", ")));
        }
        if let Some(when) = &step.when {
            more.push(format!("only when {}", when.0));
        }
        if !matches!(step.what, What::Pause { .. }) {
            more.push(format!("at most {}", span(step.timeout)));
        }
        more.push(match &step.on_failure {
            OnFailure::Stop => "a failure ends the run".to_owned(),
            OnFailure::Continue => "a failure is passed over".to_owned(),
            OnFailure::Goto(to) => format!("a failure leads to {to}"),
            OnFailure::Undo => "a failure undoes what was done".to_owned(),
            OnFailure::Ask => "at a failure somebody decides".to_owned(),
        });
        if let Some(undo) = &step.undo {
            more.push(format!("taken back by {undo}"));
        }
        text.push_str(&format!("     {}\n", more.join(" · ")));
    }
    text.truncate(text.trim_end().len());
    text
}

/// What a step does, in a few words.
fn does(what: &What) -> String {
    match what {
        What::Http(request) => format!("{} {}", request.method, request.url.0),
        What::Sh { script, .. } => format!("a script of {}", counted(script.lines().count(), "line")),
        What::Act { action, .. } => action.clone(),
        What::Query { .. } => "a query".to_owned(),
        What::Manual { items } if items.len() == 1 => "people tick a box".to_owned(),
        What::Manual { items } => format!("people tick {} boxes", items.len()),
        What::Approval { least, .. } => format!("{} by others", counted(*least as usize, "approval")),
        What::Form { fields } => format!("a form with {}", counted(fields.len(), "field")),
        What::Pause { lasts } => format!("waits for {}", span(*lasts)),
        What::Until { probe: Probe::Http(request), .. } => format!("waits for what {} tells", request.url.0),
        What::Until { probe: Probe::Query(_), .. } => "waits for what a query tells".to_owned(),
        What::Call { page, .. } => format!("runs the page {page}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---\nid: x\ntitle: X\nowners: [ann]\n---\n\n## A\n\n- [ ] a\n\n## B\n\n```wait for=5m\n```\n";

    fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("it can be written");
        }
        folder
    }

    #[test]
    fn everything_that_is_wrong_with_any_page_is_told() {
        let broken = PAGE.replace("id: x", "id: y").replace("for=5m", "for=soon");
        let folder = written(&[("x.md", PAGE), ("again.md", PAGE), ("broken.md", &broken), ("notes.md", "# Notes\n")]);
        let gone = folder.path().join("gone.md");
        let Err(failed) = lint(&[folder.path().to_owned(), gone]) else { panic!("much is wrong") };
        for part in ["broken.md:13:", "soon is no span of time", "the page x stands in", "gone.md:1:1 it can't be read"]
        {
            assert!(failed.what.contains(part), "{part} is missing in:\n{}", failed.what);
        }
        assert!(!failed.what.contains("notes.md"), "what has no front matter is no page");
        assert!(lint(&[folder.path().join("x.md")]).is_ok());
    }

    #[test]
    fn what_is_understood_is_shown() {
        let page = runbooks::read("x.md", PAGE).expect("it is right");
        let shown = shown(&page);
        for part in [
            "X (x), version ",
            "Owners: ann",
            "1  a: people tick a box",
            "at most 1 d",
            "2  b: waits for 5 min",
            "after a",
        ] {
            assert!(shown.contains(part), "{part} is missing in:\n{shown}");
        }
    }

    #[test]
    fn a_rehearsal_that_goes_otherwise_fails() {
        let page = runbooks::read("x.md", PAGE).expect("it is right");
        let folder = written(&[
            ("good.yaml", "outputs: { a: done }\n"),
            ("bad.yaml", "outputs: { a: failed }\nexpect: { ended: done }\n"),
        ]);
        assert!(rehearse(&page, &[folder.path().join("good.yaml")]).is_ok());
        let Err(failed) = rehearse(&page, &[folder.path().join("bad.yaml")]) else { panic!("it ends otherwise") };
        assert!(failed.what.contains("it ended failed, and done was expected"), "{}", failed.what);
    }
}
