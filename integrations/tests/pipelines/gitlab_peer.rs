//! A strict GitLab: one project with branches, tags, commits, pipelines, jobs and deployments.
//!
//! Statuses and words are those of GitLab's source (lib/api, app/services/ci).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::gitlab_server::{Answer, Asked, COMMIT, Peer, now};

pub(crate) const TOKEN: &str = "glpat-0123456789abcdefghij";

#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) id: u64,
    pub(crate) sha: String,
    pub(crate) status: String,
    pub(crate) source: String,
    pub(crate) name: Option<String>,
    pub(crate) created_at: String,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) inputs: Value,
    /// The full name that it was asked for on.
    pub(crate) reference: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) pipeline: u64,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) allow_failure: bool,
    pub(crate) trace: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) id: u64,
    pub(crate) job: u64,
    pub(crate) status: String,
}

pub(crate) struct GitLab {
    pub(crate) branches: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// The oldest first; each is the child of the one before.
    pub(crate) commits: Vec<String>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) statuses: Vec<Value>,
    pub(crate) inputs: Vec<String>,
    pub(crate) forbids_variables: bool,
    /// `main` moves here when the next pipeline is made.
    pub(crate) moves_to: Option<String>,
}

impl GitLab {
    pub(crate) fn new() -> GitLab {
        GitLab {
            branches: [("main".to_owned(), COMMIT.to_owned())].into(),
            tags: BTreeMap::new(),
            commits: vec![COMMIT.to_owned()],
            pipelines: Vec::new(),
            jobs: Vec::new(),
            deployments: Vec::new(),
            statuses: Vec::new(),
            inputs: Vec::new(),
            forbids_variables: false,
            moves_to: None,
        }
    }

    pub(crate) fn pipeline(&mut self, id: u64) -> &mut Pipeline {
        self.pipelines.iter_mut().find(|pipeline| pipeline.id == id).expect("a pipeline")
    }

    pub(crate) fn job(&mut self, name: &str) -> &mut Job {
        self.jobs.iter_mut().find(|job| job.name == name).expect("a job")
    }

    pub(crate) fn add_job(&mut self, pipeline: u64, name: &str, status: &str) -> &mut Job {
        let id = 900 + self.jobs.len() as u64;
        let (name, status) = (name.to_owned(), status.to_owned());
        self.jobs.push(Job { id, pipeline, name, status, allow_failure: false, trace: String::new() });
        self.jobs.last_mut().expect("just pushed")
    }

    fn commit(&self, sha: &str) -> Value {
        json!({
            "id": sha, "short_id": &sha[..8], "title": format!("Change {}", &sha[..3]), "author_name": "Bo",
            "committed_date": "2026-09-20T10:00:00.000+02:00",
            "web_url": format!("https://gitlab.example.com/team/checkout/-/commit/{sha}"),
        })
    }

    fn shown(&self, pipeline: &Pipeline) -> Value {
        json!({
            "id": pipeline.id, "iid": 1, "project_id": 7, "sha": pipeline.sha, "status": pipeline.status,
            "ref": pipeline.reference.rsplit('/').next(), "source": pipeline.source, "name": pipeline.name,
            "created_at": pipeline.created_at,
            "web_url": format!("https://gitlab.example.com/team/checkout/-/pipelines/{}", pipeline.id),
        })
    }

    fn shown_job(&self, job: &Job) -> Value {
        json!({
            "id": job.id, "name": job.name, "status": job.status, "allow_failure": job.allow_failure,
            "pipeline": { "id": job.pipeline },
        })
    }

    fn create(&mut self, asked: &Asked) -> Answer {
        let base = |words: &str| Answer::json(400, &json!({ "message": { "base": [words] } }));
        let Some(body) = asked.json() else { return Answer::json(400, &json!({ "error": "ref is missing" })) };
        let Some(reference) = body["ref"].as_str() else {
            return Answer::json(400, &json!({ "error": "ref is missing" }));
        };
        let fields = body.as_object().expect("an object");
        if fields.keys().any(|key| !matches!(key.as_str(), "ref" | "variables" | "inputs")) {
            return Answer::json(400, &json!({ "error": "unknown field" }));
        }
        if let Some(to) = self.moves_to.take() {
            self.branches.insert("main".to_owned(), to);
        }
        let branch = reference.strip_prefix("refs/heads/").or((!reference.starts_with("refs/")).then_some(reference));
        let tag = reference.strip_prefix("refs/tags/").or((!reference.starts_with("refs/")).then_some(reference));
        let branch = branch.and_then(|name| self.branches.get(name));
        let tag = tag.and_then(|name| self.tags.get(name));
        let sha = match (branch, tag) {
            (Some(_), Some(_)) => return base("Ref is ambiguous"),
            (Some(sha), None) | (None, Some(sha)) => sha.clone(),
            (None, None) => return base("Reference not found"),
        };
        let mut variables = Vec::new();
        for variable in body["variables"].as_array().into_iter().flatten() {
            let (Some(key), Some(value)) = (variable["key"].as_str(), variable["value"].as_str()) else {
                return Answer::json(400, &json!({ "error": "variables[0][key] is missing" }));
            };
            variables.push((key.to_owned(), value.to_owned()));
        }
        if self.forbids_variables && !variables.is_empty() {
            return base("Insufficient permissions to set pipeline variables");
        }
        for name in body["inputs"].as_object().into_iter().flat_map(|inputs| inputs.keys()) {
            if !self.inputs.contains(name) {
                return base("Given inputs not defined in the `spec` section of the included configuration file");
            }
        }
        let name = body["inputs"]["muster_id"].as_str().map(|id| format!("Deploy {id} to production"));
        let pipeline = Pipeline {
            id: 60 + self.pipelines.len() as u64 + 1,
            sha,
            status: "created".to_owned(),
            source: "api".to_owned(),
            name,
            created_at: now().to_string(),
            variables,
            inputs: body["inputs"].clone(),
            reference: reference.to_owned(),
        };
        let shown = self.shown(&pipeline);
        self.pipelines.push(pipeline);
        Answer::json(201, &shown)
    }

    fn list_pipelines(&self, asked: &Asked) -> Answer {
        if asked.asks("created_after").parse::<jiff::Timestamp>().is_err() {
            return Answer::json(400, &json!({ "error": "created_after is invalid" }));
        }
        let kept = |pipeline: &&Pipeline| {
            pipeline.source == asked.asks("source") && pipeline.created_at.as_str() >= asked.asks("created_after")
        };
        let mut found: Vec<&Pipeline> = self.pipelines.iter().filter(kept).collect();
        found.sort_by_key(|pipeline| std::cmp::Reverse(pipeline.id));
        paged(asked, found.into_iter().map(|pipeline| self.shown(pipeline)).collect())
    }

    fn play(&mut self, id: u64) -> Answer {
        let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) else { return none("404 Not found") };
        let is_blocked = self.deployments.iter().any(|at| at.job == id && at.status == "blocked");
        if job.status != "manual" || is_blocked {
            return Answer::json(400, &json!({ "message": "400 Bad request - Unplayable Job" }));
        }
        job.status = "pending".to_owned();
        Answer::json(200, &json!({ "id": id, "name": job.name, "status": "pending" }))
    }
}

fn none(words: &str) -> Answer {
    Answer::json(404, &json!({ "message": words }))
}

fn paged(asked: &Asked, all: Vec<Value>) -> Answer {
    let per_page: usize = asked.asks("per_page").parse().unwrap_or(20);
    let page: usize = asked.asks("page").parse().unwrap_or(1);
    let from = (page.max(1) - 1) * per_page.min(100);
    let some: Vec<Value> = all.iter().skip(from).take(per_page).cloned().collect();
    let next = if from + some.len() < all.len() { (page + 1).to_string() } else { String::new() };
    // An address that must not be followed.
    Answer::json(200, &Value::from(some))
        .with("x-next-page", &next)
        .with("link", "<http://169.254.169.254/next>; rel=\"next\"")
}

impl Peer for GitLab {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let parts = asked.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if asked.header("private-token") != TOKEN {
            return Answer::json(401, &json!({ "message": "401 Unauthorized" }));
        }
        let ["api", "v4", "projects", "team/checkout", rest @ ..] = parts.as_slice() else {
            return none("404 Project Not Found");
        };
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        match (asked.method.as_str(), rest) {
            ("GET", []) => Answer::json(
                200,
                &json!({ "id": 7, "default_branch": "main", "web_url": "https://gitlab.example.com/team/checkout" }),
            ),
            ("POST", ["pipeline"]) => self.create(asked),
            ("GET", ["pipelines"]) => self.list_pipelines(asked),
            (method, ["pipelines", id, more @ ..]) => {
                let Some(at) = self.pipelines.iter().position(|pipeline| pipeline.id == number(id)) else {
                    return none("404 Not found");
                };
                match (method, more) {
                    ("GET", []) => Answer::json(200, &self.shown(&self.pipelines[at])),
                    ("GET", ["variables"]) => {
                        let shown = |(key, value): &(String, String)| json!({ "key": key, "value": value });
                        Answer::json(200, &self.pipelines[at].variables.iter().map(shown).collect())
                    }
                    ("GET", ["jobs"]) => {
                        let jobs = self.jobs.iter().filter(|job| job.pipeline == number(id));
                        paged(asked, jobs.rev().map(|job| self.shown_job(job)).collect())
                    }
                    ("GET", ["bridges"]) => paged(asked, Vec::new()),
                    ("POST", ["cancel"]) => {
                        let pipeline = &mut self.pipelines[at];
                        if matches!(pipeline.status.as_str(), "created" | "pending" | "running") {
                            pipeline.status = "canceled".to_owned();
                        }
                        let shown = self.shown(&self.pipelines[at]);
                        Answer::json(200, &shown)
                    }
                    _ => none("404 Not Found"),
                }
            }
            ("GET", ["repository", kind @ ("branches" | "tags"), name]) => {
                if name.chars().any(|c| c.is_control() || matches!(c, ' ' | '?' | ':')) || name.contains("..") {
                    return Answer::json(400, &json!({ "message": "The branch refname is invalid" }));
                }
                let (known, words) = match *kind {
                    "tags" => (&self.tags, "404 Tag Not Found"),
                    _ => (&self.branches, "404 Branch Not Found"),
                };
                let Some(sha) = known.get(*name) else { return none(words) };
                let default = *kind == "branches" && *name == "main";
                Answer::json(200, &json!({ "name": name, "default": default, "commit": self.commit(sha) }))
            }
            ("GET", ["repository", "commits"]) => {
                let Some((from, to)) = asked.asks("ref_name").split_once("..") else { return paged(asked, Vec::new()) };
                let place = |id: &str| self.commits.iter().position(|commit| commit == id);
                let (Some(from), Some(to)) = (place(from), place(to)) else { return paged(asked, Vec::new()) };
                let range = self.commits.get(from + 1..=to).unwrap_or_default();
                paged(asked, range.iter().rev().map(|sha| self.commit(sha)).collect())
            }
            ("GET", ["repository", "commits", id, more @ ..]) => {
                // GitLab takes a branch's name here too.
                let by_name = self.branches.get(*id).filter(|_| more.is_empty());
                let by_id = self.commits.iter().find(|commit| commit.starts_with(*id));
                let Some(sha) = by_name.or(by_id) else { return none("404 Commit Not Found") };
                match more {
                    [] => Answer::json(200, &self.commit(sha)),
                    ["refs"] => {
                        let known = if asked.asks("type") == "tag" { &self.tags } else { &self.branches };
                        let named = |name: &String| json!({ "type": asked.asks("type"), "name": name });
                        paged(asked, known.keys().map(named).collect())
                    }
                    ["merge_requests"] => {
                        let iid = u64::from(sha.as_bytes()[0]) / 2;
                        let web_url = "https://gitlab.example.com/team/checkout/-/merge_requests/1";
                        paged(asked, vec![json!({ "iid": iid, "title": "A change", "web_url": web_url })])
                    }
                    ["statuses"] => paged(asked, self.statuses.clone()),
                    _ => none("404 Not Found"),
                }
            }
            ("GET", ["jobs", id]) => match self.jobs.iter().find(|job| job.id == number(id)) {
                Some(job) => Answer::json(200, &self.shown_job(job)),
                None => none("404 Not found"),
            },
            ("GET", ["jobs", id, "trace"]) => match self.jobs.iter().find(|job| job.id == number(id)) {
                Some(job) => Answer::text(200, &job.trace).with("content-type", "text/plain"),
                None => none("404 Not found"),
            },
            ("POST", ["jobs", id, "play"]) => self.play(number(id)),
            ("GET", ["deployments"]) => {
                let wanted = self.deployments.iter().filter(|at| at.status == asked.asks("status"));
                let shown = wanted.map(|at| self.shown_deployment(at)).collect();
                paged(asked, shown)
            }
            ("GET", ["deployments", id]) => match self.deployments.iter().find(|at| at.id == number(id)) {
                Some(at) => Answer::json(200, &self.shown_deployment(at)),
                None => none("404 Deployment Not Found"),
            },
            ("POST", ["deployments", id, "approval"]) => {
                let status = asked.json().and_then(|body| body["status"].as_str().map(str::to_owned));
                let Some(status) = status.filter(|status| matches!(status.as_str(), "approved" | "rejected")) else {
                    return Answer::json(400, &json!({ "error": "status does not have a valid value" }));
                };
                let Some(at) = self.deployments.iter_mut().find(|at| at.id == number(id)) else {
                    return none("404 Deployment Not Found");
                };
                if at.status != "blocked" {
                    let words = "400 Bad request - This deployment is not waiting for approvals.";
                    return Answer::json(400, &json!({ "message": words }));
                }
                at.status = if status == "approved" { "created" } else { "failed" }.to_owned();
                Answer::json(201, &json!({ "status": status }))
            }
            _ => none("404 Not Found"),
        }
    }
}

impl GitLab {
    fn shown_deployment(&self, at: &Deployment) -> Value {
        let job = self.jobs.iter().find(|job| job.id == at.job).map(|job| self.shown_job(job));
        json!({ "id": at.id, "status": at.status, "environment": { "name": "production" }, "deployable": job })
    }
}
