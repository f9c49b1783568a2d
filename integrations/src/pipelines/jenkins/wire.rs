//! Jenkins's answers, as far as they are used (`api/json` of jobs, builds and the queue; `wfapi` of the plugin
//! Pipeline: Stage View).

use serde::Deserialize;
use serde_json::Value;

/// A job, with what it declares.
#[derive(Debug, Deserialize)]
pub(super) struct Job {
    #[serde(default)]
    pub(super) buildable: Option<bool>,
    #[serde(default)]
    property: Vec<Property>,
}

#[derive(Debug, Deserialize)]
struct Property {
    #[serde(default, rename = "parameterDefinitions")]
    definitions: Vec<Definition>,
}

/// A parameter that a job declares.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Definition {
    pub(super) name: String,
    #[serde(default)]
    pub(super) choices: Option<Vec<String>>,
}

impl Job {
    pub(super) fn declared(self) -> Vec<Definition> {
        self.property.into_iter().flat_map(|property| property.definitions).collect()
    }
}

/// Actions of a build or of an item of the queue: a list in which most things are empty.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Action {
    #[serde(default)]
    parameters: Vec<Parameter>,
    #[serde(default, rename = "lastBuiltRevision")]
    pub(super) revision: Option<Revision>,
}

#[derive(Debug, Deserialize)]
struct Parameter {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Revision {
    #[serde(default, rename = "SHA1")]
    pub(super) sha1: String,
}

/// Whether a parameter of that name has exactly that value.
pub(super) fn carries(actions: &[Option<Action>], name: &str, value: &str) -> bool {
    let mut parameters = actions.iter().flatten().flat_map(|action| &action.parameters);
    parameters.any(|parameter| parameter.name == name && parameter.value.as_str() == Some(value))
}

/// What waits in the queue, or waited there lately.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) cancelled: bool,
    #[serde(default)]
    pub(super) why: Option<String>,
    #[serde(default)]
    pub(super) task: Option<Task>,
    #[serde(default)]
    pub(super) actions: Vec<Option<Action>>,
    #[serde(default)]
    pub(super) executable: Option<Executable>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Task {
    #[serde(default)]
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Executable {
    pub(super) number: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Queue {
    #[serde(default)]
    pub(super) items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Builds {
    #[serde(default, rename = "allBuilds")]
    pub(super) builds: Vec<Build>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Build {
    pub(super) number: u64,
    #[serde(default)]
    pub(super) building: bool,
    #[serde(default)]
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) url: String,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub(super) timestamp: i64,
    /// Milliseconds; -1 where Jenkins has none to go by.
    #[serde(default, rename = "estimatedDuration")]
    pub(super) estimated: i64,
    #[serde(default)]
    pub(super) actions: Vec<Option<Action>>,
    /// Of pipelines.
    #[serde(default, rename = "changeSets")]
    pub(super) change_sets: Vec<ChangeSet>,
    /// Of freestyle jobs.
    #[serde(default, rename = "changeSet")]
    pub(super) change_set: Option<ChangeSet>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChangeSet {
    #[serde(default)]
    pub(super) items: Vec<Change>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    #[serde(default, rename = "commitId")]
    pub(super) commit: String,
    #[serde(default)]
    pub(super) msg: String,
    #[serde(default)]
    pub(super) author: Option<Author>,
    /// Milliseconds since 1970; -1 where it is not known.
    #[serde(default)]
    pub(super) timestamp: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Author {
    #[serde(default, rename = "fullName")]
    pub(super) name: String,
}

/// `wfapi/describe`.
#[derive(Debug, Deserialize)]
pub(super) struct Stages {
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stage {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: String,
}

/// One of `wfapi/pendingInputActions`.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub(super) id: String,
    #[serde(default)]
    pub(super) message: String,
    /// What it asks for besides yes or no.
    #[serde(default)]
    pub(super) inputs: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct Crumb {
    #[serde(rename = "crumbRequestField")]
    pub(super) field: String,
    pub(super) crumb: String,
}
