//! A CI whose time stands still, and a client for its calls.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use sandbox::ci::{Ci, Config, Input, InputKind, JobScript, Moves, RepositoryHandle, StepScript, Workflow};
use serde_json::Value;

use crate::manual::ManualTime;

pub(crate) struct Bench {
    pub(crate) ci: Ci,
    pub(crate) time: ManualTime,
    pub(crate) http: reqwest::Client,
    pub(crate) repository: RepositoryHandle,
    pub(crate) head: String,
}

/// What a call was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("none")
    }

    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["message"].as_str().unwrap_or("none"))
    }
}

impl Bench {
    pub(crate) async fn start() -> Bench {
        // Every test of this process installs the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let time = ManualTime::at(1_790_000_000);
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = Config { listen, time: Arc::new(time.clone()), enterprise: false };
        let ci = Ci::start(config).await.expect("loopback ports are free");
        #[expect(clippy::disallowed_methods, reason = "a test's own client, with a limit")]
        let builder = reqwest::Client::builder().timeout(Duration::from_secs(20));
        let http = builder.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let repository = ci.repository("acme/shop");
        let head = repository.push("main", "First", "Ann");
        repository.workflow(workflow(Moves::ByHand));
        Bench { ci, time, http, repository, head }
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.time.advance(SignedDuration::from_secs(seconds));
    }

    /// A call without any header.
    pub(crate) fn bare(&self, route: &str) -> RequestBuilder {
        let (verb, path) = route.split_once(' ').expect("a verb and a path");
        let verb = Method::from_bytes(verb.as_bytes()).expect("a verb");
        self.http.request(verb, format!("{}{path}", self.ci.api_url()))
    }

    /// A call as it should be, below the repository.
    pub(crate) fn request(&self, route: &str) -> RequestBuilder {
        let (verb, path) = route.split_once(' ').expect("a verb and a path");
        self.bare(&format!("{verb} /repos/acme/shop{path}"))
            .header("authorization", format!("Bearer {}", self.ci.token()))
            .header("user-agent", "tests")
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
    }

    pub(crate) async fn call(&self, route: &str, body: Value) -> Answer {
        let request = self.request(route);
        answer(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// Dispatches the workflow; its run.
    pub(crate) async fn dispatched(&self, id: &str) -> u64 {
        let body = serde_json::json!({"ref": "main", "inputs": {"id": id}, "return_run_details": true});
        let answer = self.call("POST /actions/workflows/deploy.yml/dispatches", body).await;
        answer.body["workflow_run_id"].as_u64().expect("a run")
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

pub(crate) fn workflow(moves: Moves) -> Workflow {
    Workflow {
        file: "deploy.yml".to_owned(),
        name: "Deploy".to_owned(),
        run_name: Some("Deploy ${{ inputs.id }} to ${{ inputs.where }}".to_owned()),
        dispatch: Some(vec![
            Input::required("id"),
            Input { default: Some("staging".to_owned()), ..Input::choice("where", &["staging", "production"]) },
            Input { kind: InputKind::Boolean, ..Input::text("dry") },
        ]),
        jobs: vec![
            JobScript {
                name: "build".to_owned(),
                environment: None,
                steps: vec![StepScript::new("Compile", 60, "compiling")],
            },
            JobScript {
                name: "deploy".to_owned(),
                environment: Some("${{ inputs.where }}".to_owned()),
                steps: vec![StepScript::new("Roll out", 30, "rolling"), StepScript::new("Check", 10, "checking")],
            },
        ],
        moves,
    }
}
