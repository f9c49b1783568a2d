//! Every alert for which one board stands, a thousand a page: what a storm held back, what was not shown in time.
//!
//! What holds: what alerts say is shown as text; no script runs; a page costs the engine a
//! look at the board's list and nothing else.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use operations::alert::Group;
use operations::ids::{GroupId, MissedId, StormId};
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
    /// Where the list is: `/storms/STORM-3`.
    path: String,
    /// Its number.
    id: String,
    held: usize,
    /// How many of them are remembered.
    listed: usize,
    firing: usize,
    lines: Vec<Line>,
}

/// `GET /storms/STORM-3`.
pub(super) async fn storm(shared: State<Arc<Shared>>, Path(id): Path<String>, part: Query<Part>) -> Response {
    let Ok(id) = id.parse::<StormId>() else { return nothing() };
    listed(shared, part, move |state, page| {
        let storm = state.storms.get(&id)?;
        let until = match storm.ended_at {
            Some(ended_at) => format!(" to {}", moment(ended_at)),
            None => ", and goes on".to_owned(),
        };
        let title = format!("Alert storm, from {}{until}", moment(storm.began_at));
        Some(list(state, &storm.held, title, ("storms", id.to_string()), page))
    })
    .await
}

/// `GET /missed/MISSED-3`.
pub(super) async fn missed(shared: State<Arc<Shared>>, Path(id): Path<String>, part: Query<Part>) -> Response {
    let Ok(id) = id.parse::<MissedId>() else { return nothing() };
    listed(shared, part, move |state, page| {
        let missed = state.missed.get(&id)?;
        let title = format!("Not shown on {} in time, since {}", missed.platform.title(), moment(missed.began_at));
        Some(list(state, &missed.held, title, ("missed", id.to_string()), page))
    })
    .await
}

/// Answers with what is found in the state.
async fn listed(
    State(shared): State<Arc<Shared>>,
    Query(part): Query<Part>,
    find: impl FnOnce(&state::State, usize) -> Option<Listed> + Send + 'static,
) -> Response {
    let page = part.page.unwrap_or(1).max(1);
    match shared.health.engine.read(move |state| find(state, page)).await.ok().flatten() {
        Some(listed) => answer(StatusCode::OK, "text/html; charset=utf-8", html(page, &listed)),
        None => nothing(),
    }
}

fn nothing() -> Response {
    let body = "<h1>There is no such list</h1>\n<p>Or it was so long ago that it is forgotten. The journal has it all: \
                <code>muster journal export</code>.</p>";
    answer(StatusCode::NOT_FOUND, "text/html; charset=utf-8", framed("No such list", body))
}

fn list(state: &state::State, held: &[GroupId], title: String, (kind, id): (&str, String), page: usize) -> Listed {
    let mut groups: Vec<&Group> = held.iter().filter_map(|id| state.groups.get(id)).map(AsRef::as_ref).collect();
    // What fires stands first, the gravest and then the oldest before the others.
    groups.sort_by_key(|group| (group.resolved_at.is_some(), group.severity, group.id));
    let firing = groups.iter().filter(|group| group.resolved_at.is_none()).count();
    let lines = groups.iter().skip((page - 1).saturating_mul(A_PAGE)).take(A_PAGE).map(|group| line(group)).collect();
    Listed { title, path: format!("/{kind}/{id}"), id, held: held.len(), listed: groups.len(), firing, lines }
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

fn html(page: usize, listed: &Listed) -> String {
    let Listed { title, path, id, held, listed, firing, lines } = listed;
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
    if listed < held {
        let _ = write!(body, "{} more were resolved over a day ago; the journal has them. ", held - listed);
    }
    if page > 1 {
        let _ = write!(body, "<a href=\"{path}?page={}\">Before</a> ", page - 1);
    }
    if page * A_PAGE < *listed {
        let _ = write!(body, "<a href=\"{path}?page={}\">More</a>", page + 1);
    }
    body.push_str("</p>\n");
    framed(title, &body)
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
