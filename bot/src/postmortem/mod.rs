//! Postmortems: what the journal knows, written; what people know, left to them.
//!
//! An incident becomes a [`view::View`], a template makes Markdown of it, and the merge
//! brings that into the page as it stands. What holds: what people wrote is kept; the page
//! of an incident is found again by its number, whatever the title says by then.

pub mod markdown;
pub mod view;

#[cfg(test)]
mod tests;

use integrations::wiki::git::{Wiki, WikiError};
use integrations::wiki::merge::{Conflict, merge};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use operations::text::Outside;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use view::View;

/// The template that is used where the team has none of its own.
pub const TEMPLATE: &str = include_str!("template.md");
/// The folder of the pages in the wiki.
const FOLDER: &str = "postmortems/";
/// The page that lists them.
const INDEX: &str = "README.md";
/// How much of a template's error is shown, in characters.
const SHOWN: usize = 300;

/// Why a postmortem was not written.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The template can't be used; trying again doesn't help.
    #[error("the template: {0}")]
    Template(String),
    /// The wiki can't be written.
    #[error("the wiki: {0}")]
    Wiki(#[from] WikiError),
}

/// Makes Markdown of a view, by `template` or the shipped one.
///
/// # Errors
/// [`PublishError::Template`]: a mistake in the template, with its line; a name that it doesn't know among them.
pub fn render(view: &View, template: Option<&str>) -> Result<String, PublishError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The view's texts are escaped for Markdown already; HTML's rules would break them.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|error| mistake(&error))?);
    let source = template.unwrap_or(TEMPLATE);
    environment.render_named_str("postmortem.md", source, Serde(view)).map_err(|error| mistake(&error))
}

fn mistake(error: &minijinja::Error) -> PublishError {
    PublishError::Template(Outside::new(&error.to_string()).short(SHOWN).as_str().to_owned())
}

/// A page that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its path in the wiki.
    pub path: String,
    /// Generated parts that were left as they are, because a person changed their markers.
    pub stale: Vec<String>,
}

/// Writes or refreshes the page of an incident and the list of all. Blocks: files and git.
///
/// # Errors
/// See [`PublishError`].
pub fn publish(view: &View, wiki: &Wiki, template: Option<&str>) -> Result<Page, PublishError> {
    let fresh = render(view, template)?;
    let path = path(view, wiki)?;
    let stale = bring_in(wiki, &path, &fresh, &format!("Write the postmortem of {}", view.id))?;
    bring_in(wiki, INDEX, &index(wiki)?, "List the postmortems")?;
    Ok(Page { path, stale })
}

/// Brings a page up to date; gives back the parts that had to be left as they are.
fn bring_in(wiki: &Wiki, path: &str, fresh: &str, message: &str) -> Result<Vec<String>, PublishError> {
    let mut conflicts: Vec<Conflict> = Vec::new();
    wiki.update(path, message, |now| {
        let merged = merge(now, fresh);
        conflicts = merged.conflicts;
        merged.text
    })?;
    let mut stale = Vec::new();
    for conflict in conflicts {
        tracing::info!(page = path, "While a page was refreshed: {conflict}");
        if let Conflict::Broken(name) = conflict {
            stale.push(name);
        }
    }
    Ok(stale)
}

/// Where the page of an incident is, or shall be: one that Muster wrote before any other.
fn path(view: &View, wiki: &Wiki) -> Result<String, PublishError> {
    let begin = format!("{FOLDER}inc-{}", view.number);
    let is_its = |path: &String| path.strip_prefix(&begin).is_some_and(|rest| rest.starts_with('-') || rest == ".md");
    let there: Vec<String> = wiki.list()?.into_iter().filter(is_its).collect();
    for path in &there {
        if wiki.read(path)?.is_some_and(|text| text.contains("<!-- muster:regions ")) {
            return Ok(path.clone());
        }
    }
    let new = if view.slug.is_empty() { format!("{begin}.md") } else { format!("{begin}-{}.md", view.slug) };
    Ok(there.into_iter().next().unwrap_or(new))
}

/// The list of all postmortems, the newest first.
fn index(wiki: &Wiki) -> Result<String, PublishError> {
    let mut pages = Vec::new();
    for path in wiki.list()? {
        let Some(name) = path.strip_prefix(FOLDER).filter(|name| !name.contains('/')) else { continue };
        let digits: String =
            name.strip_prefix("inc-").unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
        let Ok(number) = digits.parse::<u32>() else { continue };
        // A page that somebody filled with bytes keeps nobody else's from being listed.
        let title =
            wiki.read(&path).ok().flatten().and_then(|text| heading(&text)).unwrap_or_else(|| format!("INC-{number}"));
        pages.push((number, format!("- [{}]({path})\n", markdown::md(&title))));
    }
    pages.sort_by(|a, b| b.cmp(a));
    let list: String = pages.into_iter().map(|(_, line)| line).collect();
    Ok(format!("# Postmortems\n\n<!-- muster:begin postmortems -->\n{list}\n<!-- muster:end postmortems -->\n"))
}

/// The words of a page's first heading.
#[must_use]
pub fn heading(page: &str) -> Option<String> {
    let mut events = Parser::new(page).skip_while(|event| !matches!(event, Event::Start(Tag::Heading { .. })));
    events.next()?;
    let inside = events.take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let words: String = inside
        .filter_map(|event| match event {
            Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) => Some(text.into_string()),
            Event::SoftBreak | Event::HardBreak => Some(" ".to_owned()),
            _ => None,
        })
        .collect();
    Some(words.trim().to_owned()).filter(|words| !words.is_empty())
}
