//! Every kind of pipeline, and what a service of that kind says to be started, stopped and looked through.
//!
//! A new adapter is one line in [`kinds`]; an arm in [`reads`] if it asks before it acts; one in [`run`] and [`gate`] for
//! ids of a form of their own; one in [`tells`] if it finds what was started.

use std::sync::Arc;

use integrations::aws::{Credentials, Provider, Source};
use integrations::pipelines::{
    AnyPipeline, Shared, argocd, buildbot, codebuild, codedeploy, codepipeline, github, gitlab, jenkins, kubernetes,
};
use integrations::secret::Secret;
use operations::pipeline::{Gate, Run};
use serde_json::{Value, json};

use super::{COMMIT, ID, NOW, SECRET};
use crate::generic_server::{Answer, Seen};

/// Builds a pipeline whose service is at an address, with [`SECRET`] as its credentials.
pub(super) type Build = fn(&str, Shared) -> AnyPipeline;

/// Answers what an adapter asks before it acts, so that it comes to act; none for the act itself.
pub(super) type Reads = fn(&Seen) -> Option<Answer>;

/// An execution of CodePipeline.
const EXECUTION: &str = "22222222-2222-2222-2222-222222222222";

pub(super) fn kinds() -> Vec<(&'static str, Build)> {
    vec![
        ("argocd", |url, shared| {
            let connection = argocd::Connection { url: url.to_owned(), token: Secret::new(SECRET) };
            let target = argocd::Target { application: "api".to_owned(), ..argocd::Target::default() };
            Arc::new(argocd::ArgoCd::new(connection, target, shared).expect("a pipeline"))
        }),
        ("buildbot", |url, shared| {
            let login = buildbot::Login { user: "bot".to_owned(), password: Secret::new(SECRET) };
            let connection = buildbot::Connection { url: url.to_owned(), login: Some(login) };
            let (scheduler, builder) = ("force".to_owned(), "deploy".to_owned());
            let target = buildbot::Target { scheduler, builder, fields: buildbot::Fields::default() };
            Arc::new(buildbot::Buildbot::new(connection, target, shared).expect("a pipeline"))
        }),
        ("codebuild", |url, shared| {
            let target = codebuild::Target { project: "shop-deploy".to_owned() };
            Arc::new(codebuild::CodeBuild::new(aws(url, &shared), target, shared).expect("a pipeline"))
        }),
        ("codedeploy", |url, shared| {
            let revision = codedeploy::Revision::GitHub { repository: "example/shop".to_owned() };
            let (application, group) = ("shop".to_owned(), "production".to_owned());
            let target =
                codedeploy::Target { application, group, revision, deployment_config: None, stop_rolls_back: None };
            Arc::new(codedeploy::CodeDeploy::new(aws(url, &shared), target, shared).expect("a pipeline"))
        }),
        ("codepipeline", |url, shared| codepipeline(url, shared, None, None)),
        ("codepipeline, found", |url, shared| codepipeline(url, shared, Some("MUSTER_ID"), Some("Deploy"))),
        ("generic", |url, shared| crate::generic::pipeline(url, false, shared)),
        ("generic, repeated", |url, shared| crate::generic::pipeline(url, true, shared)),
        ("github", |url, shared| {
            let connection = github::Connection { api_url: url.to_owned(), token: Secret::new(SECRET) };
            Arc::new(github::GitHub::new(connection, crate::github::target(), shared).expect("a pipeline"))
        }),
        ("gitlab", |url, shared| {
            let connection = gitlab::Connection { api_url: url.to_owned(), token: Secret::new(SECRET) };
            Arc::new(gitlab::GitLab::new(connection, crate::gitlab::target(), shared).expect("a pipeline"))
        }),
        ("jenkins", |url, shared| {
            let (user, api_token) = ("bot".to_owned(), Secret::new(SECRET));
            let connection = jenkins::Connection { url: url.to_owned(), user, api_token };
            let target = jenkins::Target { job: "team/deploy".to_owned(), parameters: jenkins::Parameters::default() };
            Arc::new(jenkins::Jenkins::new(connection, target, shared).expect("a pipeline"))
        }),
        ("kubernetes", |url, shared| {
            let target = crate::kubernetes::target(kubernetes::Workload::Deployment, crate::kubernetes::image());
            let connection = crate::kubernetes::connection(url);
            Arc::new(kubernetes::Kubernetes::new(connection, target, shared).expect("a pipeline"))
        }),
    ]
}

fn aws(url: &str, shared: &Shared) -> integrations::aws::Connection {
    let keys = Credentials {
        access_key_id: "AKIDTEST".to_owned(),
        secret_access_key: Secret::new(SECRET),
        session_token: None,
        ends: None,
    };
    let none: integrations::aws::credentials::Environment = Arc::new(|_| None);
    let (http, clock) = (shared.http.clone(), shared.clock.clone());
    let credentials = Provider::new(Source::Keys(keys), "eu-central-1", none, http, clock).expect("credentials");
    integrations::aws::Connection { region: "eu-central-1".to_owned(), api_url: Some(url.to_owned()), credentials }
}

fn codepipeline(url: &str, shared: Shared, id_variable: Option<&str>, stage: Option<&str>) -> AnyPipeline {
    let target = codepipeline::Target {
        pipeline: "shop-deploy".to_owned(),
        source_action: Some("Source".to_owned()),
        revision: codepipeline::Revision::Commit,
        stage: stage.map(str::to_owned),
        id_variable: id_variable.map(str::to_owned),
    };
    Arc::new(codepipeline::CodePipeline::new(aws(url, &shared), target, shared).expect("a pipeline"))
}

/// What every connection shows of itself.
pub(super) fn shown() -> Vec<String> {
    let secret = || Secret::new(SECRET);
    let url = || "https://ci.example.com".to_owned();
    let login = buildbot::Login { user: "bot".to_owned(), password: secret() };
    let shared = super::shared(&super::clock());
    vec![
        format!("{:?}", argocd::Connection { url: url(), token: secret() }),
        format!("{:?}", buildbot::Connection { url: url(), login: Some(login) }),
        format!("{:?}", aws("https://ci.example.com", &shared)),
        format!("{:?}", crate::generic::connection("https://ci.example.com")),
        format!("{:?}", github::Connection { api_url: url(), token: secret() }),
        format!("{:?}", gitlab::Connection { api_url: url(), token: secret() }),
        format!("{:?}", jenkins::Connection { url: url(), user: "bot".to_owned(), api_token: secret() }),
        format!("{:?}", crate::kubernetes::connection("https://ci.example.com")),
    ]
}

/// What is to be said to those that ask before they act.
pub(super) fn reads(name: &str) -> Reads {
    match name {
        "argocd" => |seen| {
            let history = json!([{"id": 3, "revision": COMMIT}]);
            get(seen, &json!({"spec": {"source": {}}, "status": {"history": history}}))
        },
        "buildbot" => |seen| match seen.line() {
            ("GET", "/api/v2/forceschedulers/force") => {
                let text = |name: &str| json!({"fullName": name, "type": "text"});
                let fields: Vec<Value> = ["muster_id", "revision", "REGION"].map(text).into();
                let force = json!({"builder_names": ["deploy"], "enabled": true, "all_fields": fields});
                get(seen, &json!({"forceschedulers": [force]}))
            }
            (_, "/api/v2/buildrequests/17") => get(seen, &json!({"buildrequests": [{"buildrequestid": 17}]})),
            (_, "/api/v2/builds") => get(seen, &json!({"builds": []})),
            _ => None,
        },
        "codebuild" => |seen| match operation(seen) {
            "BatchGetBuilds" => says(&json!({"builds": [{"id": "shop-deploy:17", "buildStatus": "IN_PROGRESS"}]})),
            _ => None,
        },
        "codedeploy" => |seen| match operation(seen) {
            "GetDeployment" => {
                let location = json!({"repository": "example/shop", "commitId": COMMIT});
                let mut deployment = deployment(&json!(""), "Ready");
                deployment["revision"] = json!({"revisionType": "GitHub", "gitHubLocation": location});
                says(&json!({"deploymentInfo": deployment}))
            }
            _ => None,
        },
        "codepipeline" | "codepipeline, found" => |seen| match operation(seen) {
            "GetPipeline" => says(&json!({"pipeline": {"variables": [{"name": "REGION"}, {"name": "MUSTER_ID"}]}})),
            "GetPipelineExecution" => {
                says(&json!({"pipelineExecution": {"pipelineExecutionId": EXECUTION, "status": "InProgress"}}))
            }
            "GetPipelineState" => {
                let latest = json!({"status": "InProgress", "actionExecutionId": "a1", "token": "t"});
                let actions = json!([{"actionName": "Approve", "latestExecution": latest}]);
                let of = json!({"pipelineExecutionId": EXECUTION, "status": "InProgress"});
                let stage = json!({"stageName": "Deploy", "latestExecution": of, "actionStates": actions});
                says(&json!({"stageStates": [stage]}))
            }
            _ => None,
        },
        "github" => |seen| match seen.path.rsplit('/').next() {
            Some("main") if seen.path.contains("/heads/") => {
                get(seen, &json!({"object": {"type": "commit", "sha": COMMIT}}))
            }
            Some("main") => Some(Answer::status(404)),
            Some("pending_deployments") => {
                let environment = json!({"id": 1, "name": "production"});
                get(seen, &json!([{"environment": environment, "current_user_can_approve": true}]))
            }
            _ => None,
        },
        "gitlab" => |seen| match seen.path.rsplit('/').next() {
            Some("main") if seen.path.contains("/branches/") => get(seen, &json!({"commit": {"id": COMMIT}})),
            Some("main") => Some(Answer::json(404, &json!({"message": "404 Tag Not Found"}))),
            Some("17") => get(seen, &json!({"id": 17, "sha": COMMIT, "status": "running"})),
            Some("1") => get(seen, &json!({"id": 1, "name": "go", "status": "manual", "pipeline": {"id": 17}})),
            _ => None,
        },
        "jenkins" => |seen| match seen.line() {
            ("GET", "/job/team/job/deploy/api/json") => {
                let names = ["MUSTER_ID", "MUSTER_COMMIT", "REGION"].map(|name| json!({"name": name}));
                get(seen, &json!({"buildable": true, "property": [{"parameterDefinitions": names}]}))
            }
            (_, "/job/team/job/deploy/17/api/json") => get(seen, &json!({"number": 17, "building": true})),
            (_, path) if path.ends_with("/wfapi/pendingInputActions") => get(seen, &json!([{"id": "1"}])),
            _ => None,
        },
        "kubernetes" => |seen| {
            let template = |tag: &str| {
                let image = format!("registry.example/shop/api:{tag}");
                json!({"spec": {"containers": [{"name": "api", "image": image}]}})
            };
            if seen.path.ends_with("/replicasets") {
                let metadata = json!({
                    "annotations": {"deployment.kubernetes.io/revision": "1"}, "labels": {"pod-template-hash": "a1"},
                    "ownerReferences": [{"uid": "u1", "controller": true}],
                });
                return get(seen, &json!({"items": [{"metadata": metadata, "spec": {"template": template(COMMIT)}}]}));
            }
            let metadata = json!({"resourceVersion": "7", "uid": "u1"});
            get(seen, &json!({"metadata": metadata, "spec": {"template": template("v1")}}))
        },
        _ => |_| None,
    }
}

/// Answers one that asks.
fn get(seen: &Seen, body: &Value) -> Option<Answer> {
    (seen.method == "GET").then(|| Answer::json(200, body))
}

fn says(body: &Value) -> Option<Answer> {
    Some(Answer::json(200, body))
}

/// The name of one of AWS's operations.
pub(super) fn operation(seen: &Seen) -> &str {
    seen.header("x-amz-target").and_then(|target| target.split_once('.')).map_or("", |(_, operation)| operation)
}

fn deployment(description: &Value, status: &str) -> Value {
    json!({
        "deploymentId": "d-17", "applicationName": "shop", "deploymentGroupName": "production", "status": status,
        "description": description, "creator": "user",
    })
}

/// What a service tells that keeps what it was sent, also where its answer was lost: nothing before, one run after.
pub(super) fn tells(name: &str) -> fn(Option<&Seen>, &Seen) -> Option<Answer> {
    match name {
        "argocd" => |effect, seen| {
            let operation = effect.map(|effect| json!({"info": effect.json()["infos"], "sync": {"revision": COMMIT}}));
            get(seen, &json!({"spec": {"source": {}}, "operation": operation}))
        },
        "buildbot" => |effect, seen| match seen.path.as_str() {
            "/api/v2/builders" => get(seen, &json!({"builders": [{"builderid": 1, "name": "deploy"}]})),
            "/api/v2/builders/1/buildrequests" => {
                let request = effect.map(|effect| {
                    let params = effect.json()["params"].as_object().cloned().unwrap_or_default();
                    let properties: serde_json::Map<String, Value> =
                        params.into_iter().map(|(name, value)| (name, json!([value, "Force Build Form"]))).collect();
                    json!({"buildrequestid": 5, "submitted_at": NOW, "properties": properties})
                });
                get(seen, &json!({"buildrequests": list(request)}))
            }
            _ => None,
        },
        "codebuild" => |effect, seen| match operation(seen) {
            "ListBuildsForProject" => says(&json!({"ids": list(effect.map(|_| json!("shop-deploy:17")))})),
            "BatchGetBuilds" => {
                let build = effect.map(|effect| {
                    let variables = effect.json()["environmentVariablesOverride"].clone();
                    let environment = json!({"environmentVariables": variables});
                    json!({"id": "shop-deploy:17", "startTime": NOW, "environment": environment})
                });
                says(&json!({"builds": list(build)}))
            }
            _ => None,
        },
        "codedeploy" => |effect, seen| match operation(seen) {
            "ListDeployments" => says(&json!({"deployments": list(effect.map(|_| json!("d-17")))})),
            "BatchGetDeployments" => {
                let found = effect.map(|effect| deployment(&effect.json()["description"], "Created"));
                says(&json!({"deploymentsInfo": list(found)}))
            }
            _ => None,
        },
        "codepipeline, found" => |effect, seen| match operation(seen) {
            "ListPipelineExecutions" => {
                let whole = json!({"pipelineExecutionId": EXECUTION, "status": "InProgress", "startTime": NOW});
                says(&json!({"pipelineExecutionSummaries": list(effect.map(|_| whole))}))
            }
            "GetPipelineExecution" => {
                let sent = effect.map(|effect| effect.json()["variables"].clone()).unwrap_or_default();
                let sent = sent.as_array().cloned().unwrap_or_default();
                let told: Vec<Value> =
                    sent.iter().map(|it| json!({"name": it["name"], "resolvedValue": it["value"]})).collect();
                let whole = json!({"pipelineExecutionId": EXECUTION, "status": "InProgress", "variables": told});
                says(&json!({"pipelineExecution": whole}))
            }
            _ => None,
        },
        "generic" => |effect, seen| {
            let deploy = effect.map(|effect| json!({"id": 5, "key": effect.json()["key"]}));
            get(seen, &json!({"deploys": list(deploy)}))
        },
        "github" => |effect, seen| {
            let run = effect.map(|effect| {
                let title = format!("Deploy {}", effect.json()["inputs"]["muster_id"].as_str().unwrap_or_default());
                json!({"id": 5, "display_title": title, "event": "workflow_dispatch", "head_sha": COMMIT})
            });
            let runs = list(run);
            seen.path.ends_with("/runs").then_some(())?;
            get(seen, &json!({"total_count": runs.len(), "workflow_runs": runs}))
        },
        "gitlab" => |effect, seen| match seen.path.rsplit('/').next() {
            Some("pipelines") => get(seen, &json!(list(effect.map(|_| json!({"id": 5, "sha": COMMIT}))))),
            Some("variables") => {
                get(seen, &effect.map(|effect| effect.json()["variables"].clone()).unwrap_or_default())
            }
            _ => None,
        },
        "jenkins" => |effect, seen| match seen.path.as_str() {
            "/queue/api/json" => {
                let item = effect.map(|effect| {
                    let form = url::form_urlencoded::parse(&effect.body);
                    let parameters: Vec<Value> =
                        form.map(|(name, value)| json!({"name": name, "value": value})).collect();
                    let task = json!({"url": "https://ci.example.com/job/team/job/deploy/"});
                    json!({"id": 5, "task": task, "actions": [{"parameters": parameters}]})
                });
                get(seen, &json!({"items": list(item)}))
            }
            _ if seen.asked("tree").is_some_and(|tree| tree.contains("allBuilds")) => {
                get(seen, &json!({"allBuilds": []}))
            }
            _ => None,
        },
        other => panic!("{other} is said to find what was started: say in `tells` what its service tells"),
    }
}

fn list(one: Option<Value>) -> Vec<Value> {
    one.into_iter().collect()
}

/// A run as this kind of adapter writes it, made from an order without a service's help.
pub(super) fn run(name: &str) -> Run {
    let id = match name {
        "argocd" => format!("{ID}:3::{COMMIT}"),
        "codebuild" => "shop-deploy:17".to_owned(),
        "codedeploy" => "d-17".to_owned(),
        "codepipeline" | "codepipeline, found" => EXECUTION.to_owned(),
        "jenkins" => "build:17".to_owned(),
        "kubernetes" => format!("{ID}:0123456789abcdef"),
        _ => "17".to_owned(),
    };
    Run { id, url: None }
}

/// Something that a run of this kind waits for.
pub(super) fn gate(name: &str) -> Gate {
    let id = match name {
        "codedeploy" => "READY_WAIT",
        "codepipeline" | "codepipeline, found" => "Deploy/Approve/a1",
        "generic" | "generic, repeated" => "approval",
        "gitlab" => "job:1",
        _ => "1",
    };
    Gate { id: id.to_owned(), name: "production".into() }
}
