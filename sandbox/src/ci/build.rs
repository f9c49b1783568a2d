//! Repositories as tests and demonstrations make them.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::model::{Check, Commit, Environment, Pull, Repository, TagObject, Workflow};
use super::{Ci, Shared, script};

/// A repository. Everything that is named in it is made where it is not there.
#[derive(Clone)]
pub struct RepositoryHandle {
    shared: Arc<Shared>,
    name: String,
}

impl Ci {
    /// A repository by `owner/name`, made with the default branch `main` where there is none.
    #[must_use]
    pub fn repository(&self, name: &str) -> RepositoryHandle {
        self.shared.with(|state| {
            if state.find(name).is_none() {
                let id = state.id();
                let (origin, prefix) = (state.origin.clone(), state.prefix.clone());
                state.repositories.push(Repository {
                    id,
                    name: name.to_owned(),
                    default_branch: "main".to_owned(),
                    visible: true,
                    commits: Vec::new(),
                    branches: BTreeMap::new(),
                    tags: BTreeMap::new(),
                    tag_objects: Vec::new(),
                    pulls: Vec::new(),
                    checks: Vec::new(),
                    statuses: Vec::new(),
                    workflows: Vec::new(),
                    environments: Vec::new(),
                    deployments: Vec::new(),
                    runs: Vec::new(),
                    told: Vec::new(),
                    changed: false,
                    api: format!("{origin}{prefix}/repos/{name}"),
                    html: format!("{origin}/{name}"),
                });
            }
        });
        RepositoryHandle { shared: self.shared.clone(), name: name.to_owned() }
    }
}

impl RepositoryHandle {
    fn with<T: Default>(&self, work: impl FnOnce(&mut Repository, u64) -> T) -> T {
        self.shared.with(|state| {
            let id = state.id();
            state.find_mut(&self.name).map(|repository| work(repository, id)).unwrap_or_default()
        })
    }

    /// Makes a commit below no branch; gives its id.
    #[must_use]
    pub fn commit(&self, message: &str, author: &str, parents: &[&str]) -> String {
        let parents = parents.iter().map(|it| (*it).to_owned()).collect();
        self.shared.with(|state| {
            let (id, date) = (state.id(), state.now);
            let sha = hash(&format!("{}{id}", self.name));
            let commit = Commit {
                sha: sha.clone(),
                message: message.to_owned(),
                author: author.to_owned(),
                date,
                parents,
                files: 1,
            };
            if let Some(repository) = state.find_mut(&self.name) {
                repository.commits.push(commit);
            }
            sha
        })
    }

    /// Makes a commit on a branch, which is made where it is not there; gives its id.
    pub fn push(&self, branch: &str, message: &str, author: &str) -> String {
        let tip = self.with(|repository, _| repository.branches.get(branch).cloned());
        let parents: Vec<&str> = tip.as_deref().into_iter().collect();
        let sha = self.commit(message, author, &parents);
        self.branch(branch, &sha);
        sha
    }

    /// Sets how many files a commit changes; one where nothing is said.
    pub fn files(&self, sha: &str, files: u32) {
        self.with(|repository, _| {
            if let Some(commit) = repository.commits.iter_mut().find(|it| it.sha == sha) {
                commit.files = files;
            }
        });
    }

    /// Lets a branch stand for a commit.
    pub fn branch(&self, name: &str, sha: &str) {
        self.with(|repository, _| repository.branches.insert(name.to_owned(), sha.to_owned()));
    }

    /// Deletes a branch.
    pub fn delete_branch(&self, name: &str) {
        self.with(|repository, _| repository.branches.remove(name));
    }

    /// Lets a lightweight tag stand for a commit or a tag's object.
    pub fn tag(&self, name: &str, sha: &str) {
        self.with(|repository, _| repository.tags.insert(name.to_owned(), sha.to_owned()));
    }

    /// Makes an annotated tag of an object (`commit`, `tag`, `tree`); gives its own id.
    pub fn annotated_tag(&self, name: &str, kind: &str, sha: &str) -> String {
        self.with(|repository, id| {
            let own = hash(&format!("tag{id}"));
            let object = (kind.to_owned(), sha.to_owned());
            repository.tag_objects.push(TagObject { sha: own.clone(), name: name.to_owned(), object });
            repository.tags.insert(name.to_owned(), own.clone());
            own
        })
    }

    /// Names the default branch.
    pub fn default_branch(&self, name: &str) {
        self.with(|repository, _| name.clone_into(&mut repository.default_branch));
    }

    /// Makes a pull request of these commits.
    pub fn pull(&self, number: u64, title: &str, commits: &[&str], merged: bool) {
        self.shared.with(|state| {
            let merged = merged.then_some(state.now);
            let commits = commits.iter().map(|it| (*it).to_owned()).collect();
            if let Some(repository) = state.find_mut(&self.name) {
                repository.pulls.push(Pull { number, title: title.to_owned(), commits, merged });
            }
        });
    }

    /// Adds a check run: `queued`, `in_progress` or `completed` with a conclusion.
    pub fn check(&self, sha: &str, name: &str, status: &str, conclusion: Option<&str>) {
        self.with(|repository, id| repository.checks.push(check(id, sha, name, status, conclusion)));
    }

    /// Adds a commit status: `success`, `pending`, `failure` or `error`.
    pub fn status(&self, sha: &str, context: &str, state: &str) {
        self.with(|repository, id| repository.statuses.push(check(id, sha, context, state, None)));
    }

    /// Adds or replaces a workflow; gives its id.
    pub fn workflow(&self, workflow: Workflow) -> u64 {
        self.with(|repository, id| {
            if let Some((id, it)) = repository.workflows.iter_mut().find(|(_, it)| it.file == workflow.file) {
                *it = workflow;
                return *id;
            }
            repository.workflows.push((id, workflow));
            id
        })
    }

    /// Makes an environment with these required reviewers; gives its id.
    pub fn environment(&self, name: &str, reviewers: &[&str]) -> u64 {
        let reviewers: Vec<String> = reviewers.iter().map(|it| (*it).to_owned()).collect();
        self.with(|repository, id| {
            if let Some(it) = repository.environments.iter_mut().find(|it| it.name == name) {
                it.reviewers = reviewers;
                return it.id;
            }
            repository.environments.push(Environment { id, name: name.to_owned(), reviewers });
            id
        })
    }

    /// Whether the token sees it; all calls about one that it does not are answered with 404.
    pub fn visible(&self, visible: bool) {
        self.with(|repository, _| repository.visible = visible);
    }

    /// Somebody else's event starts a run of a workflow, such as `push`; gives its id.
    pub fn started(&self, file: &str, event: &str, title: &str, branch: &str) -> u64 {
        self.shared.with(|state| {
            let found = state.find(&self.name).and_then(|repository| {
                Some((repository.workflow(file)?.clone(), repository.branches.get(branch)?.clone()))
            });
            let Some(((id, workflow), sha)) = found else { return 0 };
            script::new_run(state, &self.name, (id, &workflow), event, title, (branch, &sha), BTreeMap::new())
        })
    }

    /// The deployments and their statuses as the API tells them, the oldest first.
    #[must_use]
    pub fn deployments(&self) -> Vec<(serde_json::Value, Vec<serde_json::Value>)> {
        self.with(|repository, _| {
            repository.deployments.iter().map(|it| (it.body.clone(), it.statuses.clone())).collect()
        })
    }
}

fn check(id: u64, sha: &str, name: &str, status: &str, conclusion: Option<&str>) -> Check {
    Check {
        id,
        sha: sha.to_owned(),
        name: name.to_owned(),
        status: status.to_owned(),
        conclusion: conclusion.map(str::to_owned),
    }
}

/// Forty digits, as Git's ids are.
fn hash(of: &str) -> String {
    Sha256::digest(of.as_bytes()).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}
