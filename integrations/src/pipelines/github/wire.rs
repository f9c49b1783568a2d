//! GitHub's answers, as far as they are used. Unknown fields are passed over.

use serde::Deserialize;

/// "Get a repository".
#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) default_branch: String,
}

/// "Get a reference" and "Get a tag": what it points to.
#[derive(Deserialize)]
pub(super) struct Reference {
    pub(super) object: Object,
}

/// A Git object.
#[derive(Deserialize)]
pub(super) struct Object {
    /// `commit`, `tag`, `tree` or `blob`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) sha: String,
}

/// "Get a commit".
#[derive(Deserialize)]
pub(super) struct Commit {
    pub(super) sha: String,
    #[serde(default)]
    pub(super) html_url: String,
    pub(super) commit: Written,
}

/// What was written into a commit.
#[derive(Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) author: Option<Signed>,
    #[serde(default)]
    pub(super) committer: Option<Signed>,
}

/// Who and when.
#[derive(Deserialize)]
pub(super) struct Signed {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) date: Option<String>,
}

/// How two commits stand to each other ("Compare two commits").
#[derive(Deserialize)]
pub(super) struct Stands {
    /// `identical`, `behind`, `ahead` or `diverged`: the second, seen from the first.
    pub(super) status: String,
}

/// A run of a workflow.
#[derive(Deserialize)]
pub(super) struct Run {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) display_title: Option<String>,
    #[serde(default)]
    pub(super) html_url: String,
    #[serde(default)]
    pub(super) head_sha: String,
    #[serde(default)]
    pub(super) event: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) conclusion: Option<String>,
    #[serde(default)]
    pub(super) check_suite_id: Option<u64>,
    #[serde(default)]
    pub(super) workflow_id: u64,
    /// The workflow's file, as `.github/workflows/deploy.yml`.
    #[serde(default)]
    pub(super) path: String,
}

/// "List workflow runs".
#[derive(Deserialize)]
pub(super) struct Runs {
    #[serde(default)]
    pub(super) total_count: u64,
    pub(super) workflow_runs: Vec<Run>,
}

/// A job of a run.
#[derive(Deserialize)]
pub(super) struct Job {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) conclusion: Option<String>,
    #[serde(default)]
    pub(super) steps: Vec<Step>,
}

/// A step of a job.
#[derive(Deserialize)]
pub(super) struct Step {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) conclusion: Option<String>,
}

/// "List jobs for a workflow run".
#[derive(Deserialize)]
pub(super) struct Jobs {
    pub(super) jobs: Vec<Job>,
}

/// Whether a conclusion is one of a failure. Those that are not known are.
pub(super) fn is_failure(conclusion: &str) -> bool {
    !matches!(conclusion, "success" | "neutral" | "skipped" | "cancelled")
}
