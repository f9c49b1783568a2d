//! Buildbot's answers, as far as they are used (docs.buildbot.net/latest/developer/rest.html, and a running 4.3).
//!
//! Every answer to a question is `{"<kind>s": […], "meta": {…}}`, also where there is one thing only.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct Schedulers {
    pub(super) forceschedulers: Vec<Scheduler>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Scheduler {
    #[serde(default)]
    pub(super) builder_names: Vec<String>,
    #[serde(default)]
    pub(super) enabled: Option<bool>,
    #[serde(default)]
    all_fields: Vec<Field>,
}

impl Scheduler {
    /// Fields with what they are sent as. They are nested to say how a page shows them.
    pub(super) fn declared(&self) -> BTreeMap<&str, &str> {
        let mut declared = BTreeMap::new();
        let mut open: Vec<&Field> = self.all_fields.iter().collect();
        while let Some(field) = open.pop() {
            open.extend(&field.fields);
            if let Some(name) = field.full_name.as_deref().filter(|_| field.kind != "nested") {
                declared.insert(name, field.kind.as_str());
            }
        }
        declared
    }
}

#[derive(Debug, Deserialize)]
struct Field {
    #[serde(default, rename = "fullName")]
    full_name: Option<String>,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Builders {
    pub(super) builders: Vec<Builder>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Builder {
    pub(super) builderid: u64,
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Requests {
    pub(super) buildrequests: Vec<Request>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) buildrequestid: u64,
    #[serde(default)]
    pub(super) complete: bool,
    /// -1 or null as long as there is none.
    #[serde(default)]
    pub(super) results: Option<i64>,
    /// Seconds since 1970.
    #[serde(default)]
    pub(super) submitted_at: i64,
    /// Each with its value and where it is from.
    #[serde(default)]
    properties: Option<BTreeMap<String, (Value, Value)>>,
}

impl Request {
    pub(super) fn carries(&self, name: &str, value: &str) -> bool {
        let properties = self.properties.as_ref();
        properties.and_then(|all| all.get(name)).is_some_and(|(is, _)| is.as_str() == Some(value))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Builds {
    pub(super) builds: Vec<Build>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Build {
    pub(super) buildid: u64,
    #[serde(default)]
    pub(super) number: u64,
    #[serde(default)]
    pub(super) builderid: u64,
    #[serde(default)]
    pub(super) complete: bool,
    #[serde(default)]
    pub(super) results: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Step {
    pub(super) stepid: u64,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) number: u64,
    #[serde(default)]
    pub(super) complete: bool,
    #[serde(default)]
    pub(super) hidden: bool,
    #[serde(default)]
    pub(super) results: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Logs {
    pub(super) logs: Vec<WireLog>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireLog {
    pub(super) logid: u64,
    #[serde(default)]
    pub(super) slug: String,
    /// `s` for stdio, `t` for text, `h` for HTML.
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) num_lines: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Chunks {
    pub(super) logchunks: Vec<Chunk>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub(super) content: String,
}

/// What a force was answered with: the buildset's id, and by each builder's id its request's.
#[derive(Debug, Deserialize)]
pub(super) struct Forced {
    pub(super) result: (u64, BTreeMap<String, u64>),
}
