//! From a route to its work, pages of lists, and the files of logs.

use serde_json::{Value, json};

use super::refusal::{Answer, Answered};
use super::rest::Call;
use super::state::{HOURLY, State};
use super::{checks, compare, deployments, dispatch, git, pending, runs};

/// What a route needs of the token (docs.github.com, "Permissions required for fine-grained personal access tokens").
fn permission(route: &str) -> Option<&'static str> {
    let (verb, path) = route.split_once(' ')?;
    let kinds = [
        ("/deployments", "deployments:read", "deployments:write"),
        ("/actions/", "actions:read", "actions:write"),
        ("/pulls", "pull_requests:read", ""),
        ("/check-runs", "checks:read", ""),
        ("/status", "statuses:read", ""),
    ];
    let kind = kinds.iter().find(|(part, ..)| path.contains(part) && !path.contains("pending_deployments"));
    match kind {
        Some((_, read, write)) => Some(if verb == "GET" { read } else { write }),
        // Reviews need the permission for deployments.
        None if path.contains("pending_deployments") && verb == "POST" => Some("deployments:write"),
        None if path.contains("pending_deployments") => Some("actions:read"),
        None => Some("contents:read"),
    }
}

/// Does a call's work.
pub(super) fn call(state: &mut State, call: &Call) -> Answered {
    if call.route.name == "GET /rate_limit" {
        let left = HOURLY.saturating_sub(state.rate.used);
        let core = json!({"limit": HOURLY, "remaining": left, "used": state.rate.used, "reset": state.rate.resets.as_second()});
        return Ok(Answer::json(200, json!({"resources": {"core": core}, "rate": core})));
    }
    let name = call.route.repository();
    if !state.find(&name).is_some_and(|it| it.visible) {
        return Err(Answer::not_found());
    }
    if permission(&call.route.name).is_some_and(|needed| state.denied.iter().any(|it| it == needed)) {
        return Err(Answer::not_accessible());
    }
    let (verb, path) = call.route.name.split_once(' ').unwrap_or_default();
    let path = path.strip_prefix("/repos/{owner}/{repo}").unwrap_or(path);
    match (verb, path) {
        ("POST", "/actions/workflows/{workflow_id}/dispatches") => dispatch::dispatch(state, call),
        (_, path) if path.ends_with("/pending_deployments") => pending::call(state, call),
        (_, path) if path.starts_with("/actions/") => runs::call(state, call),
        (_, path) if path.starts_with("/deployments") => deployments::call(state, call),
        (_, "/commits/{ref}/pulls" | "/commits/{ref}/check-runs" | "/commits/{ref}/status") => {
            checks::call(state, call)
        }
        (_, path) if path.starts_with("/compare/") => compare::call(state, call),
        _ => git::call(state, call),
    }
}

/// The page that a call asks for, at most 100 entries, with the addresses of the others in `Link` (docs.github.com,
/// "Using pagination in the REST API"). `list` makes the body of a page.
pub(super) fn paged(state: &State, call: &Call, all: &[Value], list: impl FnOnce(Vec<Value>) -> Value) -> Answer {
    let number = |name: &str| call.query(name).and_then(|value| value.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(30).clamp(1, 100);
    let page = number("page").unwrap_or(1).max(1);
    let last = all.len().div_ceil(size).max(1);
    let entries: Vec<Value> = all.iter().skip((page - 1) * size).take(size).cloned().collect();
    let answer = Answer::json(200, list(entries));
    match links(state, call, page, last) {
        Some(links) => answer.header("link", links),
        None => answer,
    }
}

/// The value of `Link`; none where there is one page only.
pub(super) fn links(state: &State, call: &Call, page: usize, last: usize) -> Option<String> {
    let address = |page: usize| {
        let mut url = format!("{}{}?", state.origin, call.path);
        for (name, value) in call.query.iter().filter(|(name, _)| name != "page") {
            let encoded = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            url.push_str(&format!("{name}={encoded}&"));
        }
        format!("{url}page={page}")
    };
    let mut links = Vec::new();
    if page > 1 {
        links.push(format!("<{}>; rel=\"prev\"", address(page - 1)));
    }
    if page < last {
        links.push(format!("<{}>; rel=\"next\"", address(page + 1)));
        links.push(format!("<{}>; rel=\"last\"", address(last)));
    }
    if page > 1 {
        links.push(format!("<{}>; rel=\"first\"", address(1)));
    }
    (!links.is_empty()).then(|| links.join(", "))
}

/// A job's log, for whoever has the signed address of it; the end of it where a range of the form `bytes=-N` asks for that.
pub(super) fn log_file(state: &State, path: &str, query: &str, range: &str) -> Answer {
    let id = path.trim_start_matches("/_logs/").parse::<u64>().unwrap_or(0);
    let job = state.repositories.iter().flat_map(|it| &it.runs).flat_map(|run| &run.jobs).find(|job| job.id == id);
    let Some(job) = job else { return Answer::text(404, "BlobNotFound".to_owned()) };
    if query != format!("sig={}", runs::signature(id)) {
        return Answer::text(403, "AuthenticationFailed".to_owned());
    }
    match range.strip_prefix("bytes=-").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => {
            let from = (job.log.len().saturating_sub(length)..).find(|at| job.log.is_char_boundary(*at)).unwrap_or(0);
            Answer::text(206, job.log[from..].to_owned())
        }
        None => Answer::text(200, job.log.clone()),
    }
}
