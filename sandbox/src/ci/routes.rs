//! The routes that are served, by GitHub's names for them.

use percent_encoding::percent_decode_str;

/// Verb and path of every route, as docs.github.com/en/rest writes them. A place that ends in `*` takes the rest of the path.
const ROUTES: &[(&str, &str)] = &[
    ("GET", "/rate_limit"),
    ("GET", "/repos/{owner}/{repo}"),
    ("GET", "/repos/{owner}/{repo}/branches"),
    ("GET", "/repos/{owner}/{repo}/branches/{branch*}"),
    ("GET", "/repos/{owner}/{repo}/git/ref/{ref*}"),
    ("GET", "/repos/{owner}/{repo}/git/tags/{tag_sha}"),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}/pulls"),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}/status"),
    ("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/branches-where-head"),
    ("GET", "/repos/{owner}/{repo}/commits/{ref*}"),
    ("GET", "/repos/{owner}/{repo}/compare/{basehead*}"),
    ("GET", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}"),
    ("POST", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches"),
    ("GET", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs"),
    ("GET", "/repos/{owner}/{repo}/actions/runs"),
    ("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}"),
    ("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs"),
    ("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments"),
    ("POST", "/repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments"),
    ("POST", "/repos/{owner}/{repo}/actions/runs/{run_id}/cancel"),
    ("POST", "/repos/{owner}/{repo}/actions/runs/{run_id}/rerun"),
    ("GET", "/repos/{owner}/{repo}/actions/jobs/{job_id}/logs"),
    ("GET", "/repos/{owner}/{repo}/deployments"),
    ("POST", "/repos/{owner}/{repo}/deployments"),
    ("GET", "/repos/{owner}/{repo}/deployments/{deployment_id}"),
    ("GET", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses"),
    ("POST", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses"),
];

/// A route and what stands in its places.
pub(super) struct Route {
    /// Verb and path as GitHub's reference writes them.
    pub(super) name: String,
    pub(super) places: Vec<String>,
}

/// Why there is no route.
pub(super) enum NoRoute {
    /// No path like that.
    Path,
    /// The path is there for other verbs.
    Verb,
}

impl Route {
    /// The route of a call, by its path as it was sent.
    pub(super) fn of(verb: &str, path: &str) -> Result<Route, NoRoute> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let mut missing = NoRoute::Path;
        for (known, form) in ROUTES {
            let Some(places) = places(form, &parts) else { continue };
            if *known == verb {
                return Ok(Route { name: format!("{verb} {}", form.replace("*}", "}")), places });
            }
            missing = NoRoute::Verb;
        }
        Err(missing)
    }

    /// The place at `index`; empty where there is none.
    pub(super) fn place(&self, index: usize) -> &str {
        self.places.get(index).map_or("", String::as_str)
    }

    /// `owner/name` of the repository that it is about.
    pub(super) fn repository(&self) -> String {
        format!("{}/{}", self.place(0), self.place(1))
    }
}

fn places(form: &str, parts: &[&str]) -> Option<Vec<String>> {
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let mut found = Vec::new();
    let mut at = 0;
    for piece in form.trim_start_matches('/').split('/') {
        if piece.ends_with("*}") {
            let rest: Vec<String> = parts.get(at..)?.iter().map(|part| decoded(part)).collect();
            if rest.is_empty() || rest.iter().any(String::is_empty) {
                return None;
            }
            found.push(rest.join("/"));
            return Some(found);
        }
        let part = parts.get(at)?;
        match piece.starts_with('{') {
            true if part.is_empty() => return None,
            true => found.push(decoded(part)),
            false if *part != piece => return None,
            false => {}
        }
        at += 1;
    }
    (at == parts.len()).then_some(found)
}
