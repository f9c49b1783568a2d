//! `GET /storms/STORM-3`: every alert that a storm held back, a thousand a page.
//!
//! What holds: what alerts say is shown as text; no script runs; a page costs the engine a
//! look at the storm's list and nothing else.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use operations::alert::Group;
use operations::ids::StormId;
use operations::state;

use super::Shared;
use crate::wiki_pages::{answer, escape, framed};

/// So many alerts stand on a page.
const A_PAGE: usize = 1_000;

/// Which part of the list.
#[derive(serde::Deserialize)]
pub(super) struct Part {
    /// From 1.
    page: Option<usize>,
}

/// An alert in the list.
struct Line {
    id: String,
    title: String,
    service: String,
    severity: String,
    opened_at: Timestamp,
    how: String,
}

/// What a page shows.
struct Listed {
    title: String,
    held: usize,
    firing: usize,
    lines: Vec<Line>,
}

pub(super) async fn storm(
    State(shared): State<Arc<Shared>>,
    Path(storm): Path<String>,
    Query(part): Query<Part>,
) -> Response {
    let page = part.page.unwrap_or(1).max(1);
    let listed = match storm.parse::<StormId>() {
        Ok(id) => shared.health.engine.read(move |state| list(state, id, page)).await.ok().flatten(),
        Err(_) => None,
    };
    let Some(listed) = listed else {
        let body = "<h1>There is no such storm</h1>\n<p>Or it was so long ago that its list is forgotten. The journal has it all: \
                    <code>muster journal export</code>.</p>";
        return answer(StatusCode::NOT_FOUND, "text/html; charset=utf-8", framed("No such storm", body));
    };
    // A name that anybody can type is not repeated: the number was understood.
    let id = storm.parse::<StormId>().map(|id| id.to_string()).unwrap_or_default();
    let page = html(&id, page, &listed);
    answer(StatusCode::OK, "text/html; charset=utf-8", page)
}

fn list(state: &state::State, id: StormId, page: usize) -> Option<Listed> {
    let storm = state.storms.get(&id)?;
    let mut groups: Vec<&Group> = storm.held.iter().filter_map(|id| state.groups.get(id)).map(AsRef::as_ref).collect();
    // What fires stands first, the gravest and then the oldest before the others.
    groups.sort_by_key(|group| (group.resolved_at.is_some(), group.severity, group.id));
    let firing = groups.iter().filter(|group| group.resolved_at.is_none()).count();
    let until = match storm.ended_at {
        Some(ended_at) => format!(" to {}", moment(ended_at)),
        None => ", and goes on".to_owned(),
    };
    let title = format!("Alert storm, from {}{until}", moment(storm.began_at));
    let lines = groups.iter().skip((page - 1).saturating_mul(A_PAGE)).take(A_PAGE).map(|group| line(group)).collect();
    Some(Listed { title, held: groups.len(), firing, lines })
}

fn line(group: &Group) -> Line {
    Line {
        id: group.id.to_string(),
        title: group.title.as_str().to_owned(),
        service: group.service.as_ref().map(|service| service.as_str().to_owned()).unwrap_or_default(),
        severity: group.severity.to_string(),
        opened_at: group.opened_at,
        how: match (group.resolved_at, &group.acknowledged) {
            (Some(_), _) => "resolved".to_owned(),
            (None, Some(acknowledged)) => format!("acknowledged by {}", acknowledged.by.name.as_str()),
            (None, None) => "firing".to_owned(),
        },
    }
}

fn html(id: &str, page: usize, listed: &Listed) -> String {
    let Listed { title, held, firing, lines } = listed;
    let mut body = format!(
        "<h1>{}</h1>\n<p>{id}: {held} alerts were held back, {firing} of them still fire. Take one with \
         <code>/alert ack A-…</code> in any chat, and it gets its card.</p>\n\
         <table>\n<tr><th>Alert</th><th>What</th><th>Service</th><th>Severity</th><th>Since (UTC)</th><th>State</th></tr>\n",
        escape(title)
    );
    for Line { id, title, service, severity, opened_at, how } in lines {
        let [title, service, how] = [title, service, how].map(|words| escape(words));
        let since = moment(*opened_at);
        // Writing to a string does not fail.
        let _ = writeln!(
            body,
            "<tr><td>{id}</td><td>{title}</td><td>{service}</td><td>{severity}</td><td>{since}</td><td>{how}</td></tr>"
        );
    }
    body.push_str("</table>\n<p>");
    if page > 1 {
        let _ = write!(body, "<a href=\"/storms/{id}?page={}\">Before</a> ", page - 1);
    }
    if page * A_PAGE < *held {
        let _ = write!(body, "<a href=\"/storms/{id}?page={}\">More</a>", page + 1);
    }
    body.push_str("</p>\n");
    framed(title, &body)
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
