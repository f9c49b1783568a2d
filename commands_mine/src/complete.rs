//! What there is to choose from while somebody types.

use operations::state::State;
use operations::text::cut;

/// The most choices that Discord shows.
const MOST: usize = 25;

/// Label and value of what an option could be, given what was typed of it.
#[must_use]
pub fn complete(state: &State, _name: &str, path: &[String], option: &str, partial: &str) -> Vec<(String, String)> {
    let reopens = path.first().is_some_and(|sub| ["reopen", "postmortem", "timeline", "show"].contains(&sub.as_str()));
    let all: Vec<(String, String)> = match option {
        "incident" => state
            .incidents
            .values()
            .rev()
            .filter(|it| reopens || it.is_open())
            .map(|it| (format!("{} {}", it.id, it.title.as_str()), it.id.to_string()))
            .collect(),
        "alert" => {
            state.firing().map(|group| (format!("{} {}", group.id, group.title.as_str()), group.id.to_string())).collect()
        }
        _ => Vec::new(),
    };
    let partial = partial.to_lowercase();
    let matching = all.into_iter().filter(|(label, _)| label.to_lowercase().contains(&partial));
    matching.take(MOST).map(|(label, value)| (cut(&label, 100), value)).collect()
}
