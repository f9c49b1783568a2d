//! What an operator writes about such a service, and whether it can be used.

use std::collections::BTreeMap;

use operations::pipeline::RunState;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::secret::Secret;

/// One request.
///
/// Of an order there are the placeholders `{id}`, `{service}`, `{environment}`, `{commit}`, `{reference}`, `{by}`,
/// `{reason}`, `{rollback}` (true or false) and `{parameters.NAME}` (null where it is not given).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// A path that begins with `/`, or an address at the connection's origin. A whole segment of the path or a whole
    /// value of the query may be a placeholder.
    pub url: String,
    /// Headers of this request alone. All values are kept secret, though they are no place for one: those of the
    /// connection are.
    #[serde(deserialize_with = "plain_headers")]
    pub headers: Vec<(String, Secret)>,
    /// What is sent, as JSON. A text that is a placeholder as a whole is replaced.
    pub body: Option<Value>,
}

/// What is called to deploy, and how its answers are read. Pointers are JSON pointers (RFC 6901).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// What is deployed where nothing is said; none where something must be said.
    pub default_reference: Option<String>,
    /// Starts a deploy.
    pub start: Request,
    /// Where in the answer the run's id stands; none where the order's id is the run's.
    pub run_id: Option<String>,
    /// Where in the answer the address for people stands.
    pub run_url: Option<String>,
    /// Whether the same start with the same `{id}` again is one start.
    pub repeat: bool,
    /// How a run is found by the order's id.
    pub find: Option<Find>,
    /// How a run stands.
    pub status: Status,
    /// Stops a run. Has `{run}`.
    pub cancel: Option<Request>,
    /// Answers what waits. Has `{run}`, `{approve}` (true or false) and `{comment}`; without `{approve}` it can only
    /// be said yes.
    pub approve: Option<Request>,
    /// Reads a log. Has `{run}`.
    pub log: Option<LogRequest>,
}

/// How a run is found by the order's id. Further pages are followed where the answer has a `Link` with `rel="next"`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Find {
    /// Lists runs, the newest first. Has the order's placeholders.
    pub request: Request,
    /// Where in the answer the list stands; empty where it is the answer.
    pub list: String,
    /// Where in each of them its id stands.
    pub id: String,
    /// Where in each of them the order's id stands.
    pub order: String,
    /// Where in each of them the address for people stands.
    pub url: Option<String>,
}

/// How a run stands.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Status {
    /// Asks for it. Has `{run}`.
    pub request: Request,
    /// Where in the answer the state's word stands.
    pub state: String,
    /// Words for: it has not begun.
    pub queued: Vec<String>,
    /// Words for: it runs. So does every word that stands nowhere.
    pub running: Vec<String>,
    /// Words for: it waits for somebody.
    pub waiting: Vec<String>,
    /// Words for: it ended well.
    pub succeeded: Vec<String>,
    /// Words for: it ended badly.
    pub failed: Vec<String>,
    /// Words for: it was stopped.
    pub cancelled: Vec<String>,
    /// Where in the answer the step stands.
    pub step: Option<String>,
    /// Where in the answer the number of steps stands that are done.
    pub done: Option<String>,
    /// Where in the answer the number of steps stands.
    pub total: Option<String>,
}

/// How a log is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogRequest {
    /// Asks for it. Has `{run}`.
    pub request: Request,
    /// Where in the answer the text stands; none where the answer is the text.
    pub text: Option<String>,
}

fn plain_headers<'de, D: Deserializer<'de>>(written: D) -> Result<Vec<(String, Secret)>, D::Error> {
    let headers = BTreeMap::<String, String>::deserialize(written)?;
    Ok(headers.into_iter().map(|(name, value)| (name, Secret::new(&value))).collect())
}

/// Whether every pointer is one.
pub(super) fn check_pointers(target: &Target) -> Result<(), String> {
    let mut pointers = vec![
        ("run_id", target.run_id.as_ref()),
        ("run_url", target.run_url.as_ref()),
        ("status.state", Some(&target.status.state)),
        ("status.step", target.status.step.as_ref()),
        ("status.done", target.status.done.as_ref()),
        ("status.total", target.status.total.as_ref()),
        ("log.text", target.log.as_ref().and_then(|log| log.text.as_ref())),
    ];
    if let Some(find) = &target.find {
        let more = [("find.list", Some(&find.list)), ("find.url", find.url.as_ref())];
        pointers.extend(more);
        for (field, pointer) in [("find.id", &find.id), ("find.order", &find.order)] {
            if pointer.is_empty() {
                return Err(format!("`{field}` is missing: write where in each run it stands, such as `/id`"));
            }
            pointers.push((field, Some(pointer)));
        }
    }
    for (field, pointer) in pointers {
        let Some(pointer) = pointer else { continue };
        // RFC 6901: empty, or each part after a `/`; a `~` only as `~0` or `~1`.
        let tildes = pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
        if !(pointer.is_empty() || pointer.starts_with('/')) || !tildes {
            return Err(format!("`{field}` must be a JSON pointer such as `/run/id`"));
        }
    }
    Ok(())
}

/// The words of all states, each in one of them alone.
pub(super) fn words(status: &Status) -> Result<Vec<(String, RunState)>, String> {
    let tables = [
        ("queued", &status.queued, RunState::Queued),
        ("running", &status.running, RunState::Running),
        ("waiting", &status.waiting, RunState::Waiting),
        ("succeeded", &status.succeeded, RunState::Succeeded),
        ("failed", &status.failed, RunState::Failed),
        ("cancelled", &status.cancelled, RunState::Cancelled),
    ];
    let mut words: Vec<(String, RunState)> = Vec::new();
    for (name, table, state) in tables {
        if table.is_empty() && matches!(state, RunState::Succeeded | RunState::Failed) {
            return Err(format!("`status.{name}` needs at least one word, or a run never ends so"));
        }
        for word in table {
            let word = word.trim();
            if word.is_empty() {
                return Err(format!("`status.{name}` has an empty word"));
            }
            if words.iter().any(|(known, _)| known == word) {
                return Err(format!("`status.{name}` has `{word}`, which stands for something else, too"));
            }
            words.push((word.to_owned(), state));
        }
    }
    Ok(words)
}
