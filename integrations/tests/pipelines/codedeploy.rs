//! CodeDeploy against a strict server of it.

use integrations::clock::{Clock, ManualClock};
use integrations::pipelines::codedeploy::{CodeDeploy, Revision, Target};
use integrations::pipelines::{Failure, Pipeline, Refused};
use operations::pipeline::{Gate, Idempotency, RefKind, Run, RunState};
use serde_json::{Value, json};

use crate::aws_server::*;
use crate::common::clock;

const OURS: &str = "d-ABCDEF123";
const NAME: Is = Is::Text(1, 100, any);
const TEXT: Is = Is::Text(0, usize::MAX, any);
const IDS: Is = Is::List(1, 25, &TEXT);

/// The inputs that are used (botocore, `codedeploy/2014-10-06`).
const OPERATIONS: &[Operation] = &[
    (
        "CreateDeployment",
        &[
            ("applicationName", true, NAME),
            ("deploymentGroupName", false, NAME),
            (
                "revision",
                false,
                Is::Of(&[
                    ("revisionType", false, Is::OneOf(&["S3", "GitHub", "String", "AppSpecContent"])),
                    (
                        "s3Location",
                        false,
                        Is::Of(&[
                            ("bucket", false, TEXT),
                            ("key", false, TEXT),
                            ("bundleType", false, Is::OneOf(&["tar", "tgz", "zip", "YAML", "JSON"])),
                            ("version", false, TEXT),
                            ("eTag", false, TEXT),
                        ]),
                    ),
                    ("gitHubLocation", false, Is::Of(&[("repository", false, TEXT), ("commitId", false, TEXT)])),
                ]),
            ),
            ("deploymentConfigName", false, NAME),
            ("description", false, Is::Text(0, 256, any)),
        ],
    ),
    ("GetDeployment", &[("deploymentId", true, TEXT)]),
    ("BatchGetDeployments", &[("deploymentIds", true, IDS)]),
    (
        "ListDeployments",
        &[
            ("applicationName", false, NAME),
            ("deploymentGroupName", false, NAME),
            ("createTimeRange", false, Is::Of(&[("start", false, Is::Number), ("end", false, Is::Number)])),
            ("nextToken", false, TEXT),
        ],
    ),
    ("StopDeployment", &[("deploymentId", true, TEXT), ("autoRollbackEnabled", false, Is::Flag)]),
    (
        "ContinueDeployment",
        &[("deploymentId", false, TEXT), ("deploymentWaitType", false, Is::OneOf(&["READY_WAIT", "TERMINATION_WAIT"]))],
    ),
    ("ListDeploymentTargets", &[("deploymentId", true, TEXT), ("nextToken", false, TEXT)]),
    ("BatchGetDeploymentTargets", &[("deploymentId", true, TEXT), ("targetIds", true, IDS)]),
];

fn target() -> Target {
    Target {
        application: "shop".to_owned(),
        group: "production".to_owned(),
        revision: Revision::GitHub { repository: "example/shop".to_owned() },
        deployment_config: None,
        stop_rolls_back: None,
    }
}

fn s3(key: &str) -> Target {
    let revision = Revision::S3 { bucket: "builds".to_owned(), key: key.to_owned(), bundle: "zip".to_owned() };
    Target {
        revision,
        deployment_config: Some("CodeDeployDefault.OneAtATime".to_owned()),
        stop_rolls_back: Some(true),
        ..target()
    }
}

async fn world(
    clock: &ManualClock,
    target: Target,
    mut answer: impl FnMut(&str, &Value) -> Option<Answer> + Send + 'static,
) -> (CodeDeploy, Server) {
    let model = Model { services: &[("codedeploy", "CodeDeploy_20141006", OPERATIONS)] };
    let server = aws(clock, model, move |heard| {
        answer(heard.operation(), &heard.json()).unwrap_or_else(|| refuse("NotInThisTest", "x"))
    })
    .await;
    let pipeline =
        CodeDeploy::new(connection(clock, &server, usual_keys()), target, shared(clock)).expect("a pipeline");
    (pipeline, server)
}

fn deployment(id: &str, status: &str) -> Value {
    json!({
        "applicationName": "shop", "deploymentGroupName": "production", "deploymentId": id, "status": status,
        "creator": "user", "createTime": 1_790_000_000.5,
        "revision": { "revisionType": "GitHub", "gitHubLocation": { "repository": "example/shop", "commitId": COMMIT } },
    })
}

fn got(deployment: &Value) -> Answer {
    ok(&json!({ "deploymentInfo": deployment }))
}

fn run(id: &str) -> Run {
    Run { id: id.to_owned(), url: None }
}

#[tokio::test]
async fn a_start_names_the_commit_and_carries_the_id() {
    let clock = clock();
    let created =
        |operation: &str, _: &Value| (operation == "CreateDeployment").then(|| ok(&json!({ "deploymentId": OURS })));
    let (pipeline, server) = world(&clock, target(), created).await;
    assert_eq!(pipeline.capabilities().idempotency, Idempotency::Find);
    let mut order = order();
    order.reason = "a\nlong reason ".repeat(100).as_str().into();
    let run = drive(&clock, pipeline.start(&order)).await.expect("started");
    let url = format!(
        "https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/{OURS}?region=eu-central-1"
    );
    assert_eq!((run.id.as_str(), run.url), (OURS, Some(url)));
    let call = &server.calls("CreateDeployment")[0];
    let revision =
        json!({ "revisionType": "GitHub", "gitHubLocation": { "repository": "example/shop", "commitId": COMMIT } });
    assert_eq!(call["revision"], revision);
    assert!(
        call["description"].as_str().is_some_and(|text| text.starts_with("muster-d7-4f0c9a1e by Ann: a long reason"))
    );
    for (key, location) in [
        ("shop/{commit}.zip", json!({ "bucket": "builds", "key": format!("shop/{COMMIT}.zip"), "bundleType": "zip" })),
        ("shop.zip", json!({ "bucket": "builds", "key": "shop.zip", "bundleType": "zip", "version": COMMIT })),
    ] {
        let (pipeline, server) = world(&clock, s3(key), created).await;
        drive(&clock, pipeline.start(&order)).await.expect("started");
        let call = &server.calls("CreateDeployment")[0];
        assert_eq!(call["revision"], json!({ "revisionType": "S3", "s3Location": location }));
        assert_eq!(call["deploymentConfigName"], "CodeDeployDefault.OneAtATime");
    }
    for commit in ["main", "../..", "?x=1", "a\nb", ""] {
        order.commit = commit.to_owned();
        assert!(drive(&clock, pipeline.start(&order)).await.expect_err("a refusal").is(Refused::Malformed), "{commit}");
    }
    let (pipeline, server) = world(&clock, s3("shop/{commit}.zip"), created).await;
    for commit in ["../x", "a/b", "..", "a b", ""] {
        order.commit = commit.to_owned();
        assert!(drive(&clock, pipeline.start(&order)).await.expect_err("a refusal").is(Refused::Malformed), "{commit}");
    }
    assert!(server.heard().is_empty());
}

#[tokio::test]
async fn a_start_that_may_have_been_done_is_sent_once() {
    let clock = clock();
    for answer in
        [Answer::Drop, say(503, "x"), say(200, "<html>"), ok(&json!({})), ok(&json!({ "deploymentId": "../x" }))]
    {
        let (pipeline, server) = world(&clock, target(), move |_, _| Some(answer.clone())).await;
        let failed = drive(&clock, pipeline.start(&order())).await.expect_err("a failure");
        assert!(matches!(failed, Failure::Unknown { .. }), "{failed:?}");
        assert_eq!(server.calls("CreateDeployment").len(), 1);
    }
    for (code, kind) in [
        ("DeploymentLimitExceededException", Refused::Conflict),
        ("DeploymentGroupDoesNotExistException", Refused::NotFound),
        ("RevisionDoesNotExistException", Refused::NotFound),
        ("DescriptionTooLongException", Refused::Malformed),
    ] {
        let (pipeline, _server) = world(&clock, target(), move |_, _| Some(refuse(code, "x"))).await;
        let failed = drive(&clock, pipeline.start(&order())).await.expect_err("a failure");
        assert!(failed.is(kind), "{failed:?}");
    }
}

#[tokio::test]
async fn the_deployment_is_found_by_the_first_word_of_its_description() {
    let clock = clock();
    let now = clock.now().as_second();
    let (pipeline, server) = world(&clock, target(), |operation, body| {
        let id = |n: u32| format!("d-{n:09}");
        Some(match (operation, body["nextToken"].as_str()) {
            ("ListDeployments", None) => {
                ok(&json!({ "deployments": (0..60).map(id).collect::<Vec<_>>(), "nextToken": "t/1" }))
            }
            ("ListDeployments", Some("t/1")) => ok(&json!({ "deployments": (60..70).map(id).collect::<Vec<_>>() })),
            ("BatchGetDeployments", _) => {
                let ids = body["deploymentIds"].as_array().expect("ids");
                let all = ids.iter().filter_map(Value::as_str).map(|id| {
                    let mut one = deployment(id, "InProgress");
                    one["description"] = json!(match id {
                        "d-000000003" => "muster-d7-4f0c9a1e0 by Ann: x",
                        "d-000000004" => "rollback of muster-d7-4f0c9a1e by CodeDeploy",
                        "d-000000005" | "d-000000006" | "d-000000065" => "muster-d7-4f0c9a1e by Ann: x",
                        _ => "muster-d1-4f0c9a1e by Bo: muster-d7-4f0c9a1e",
                    });
                    match id {
                        "d-000000005" => one["creator"] = json!("codeDeployRollback"),
                        "d-000000006" => one["deploymentGroupName"] = json!("staging"),
                        _ => {}
                    }
                    one
                });
                ok(&json!({ "deploymentsInfo": all.collect::<Vec<_>>() }))
            }
            _ => return None,
        })
    })
    .await;
    let found = drive(&clock, pipeline.find(&order())).await.expect("looked").expect("found");
    assert_eq!(found.id, "d-000000065");
    assert_eq!(server.calls("ListDeployments")[0]["createTimeRange"], json!({ "start": now - 86_400 }));
    let mut other = order();
    other.id = "muster-d9-4f0c9a1e".to_owned();
    assert_eq!(drive(&clock, pipeline.find(&other)).await.expect("looked"), None);
}

#[tokio::test]
async fn a_rollback_deploys_what_the_earlier_one_had() {
    let clock = clock();
    let location =
        json!({ "bucket": "builds", "key": "shop.zip", "bundleType": "zip", "version": COMMIT, "eTag": "e1" });
    let answers = move |operation: &str, body: &Value| {
        Some(match (operation, body["deploymentId"].as_str()) {
            ("CreateDeployment", _) => ok(&json!({ "deploymentId": "d-NEW" })),
            ("GetDeployment", Some(OURS)) => {
                let mut earlier = deployment(OURS, "Succeeded");
                earlier["revision"] = json!({ "revisionType": "S3", "s3Location": location });
                got(&earlier)
            }
            _ => return None,
        })
    };
    let (pipeline, server) = world(&clock, s3("shop.zip"), answers).await;
    let mut back = order();
    (back.is_rollback, back.back_to) = (true, Some(run(OURS)));
    assert_eq!(drive(&clock, pipeline.start(&back)).await.expect("started").id, "d-NEW");
    assert_eq!(server.calls("CreateDeployment")[0]["revision"]["s3Location"]["eTag"], "e1");
    // What was planned is something else than what that one had.
    back.commit = "another-version".to_owned();
    assert!(drive(&clock, pipeline.start(&back)).await.expect_err("a refusal").is(Refused::Conflict));
    // Where the earlier one is not known, the commit itself is deployed.
    back.back_to = None;
    drive(&clock, pipeline.start(&back)).await.expect("started");
    assert_eq!(server.calls("CreateDeployment")[1]["revision"]["s3Location"]["version"], "another-version");
    assert_eq!(server.calls("CreateDeployment").len(), 2);
}

async fn looked(deployment: Value) -> Result<operations::pipeline::Progress, Failure> {
    let clock = clock();
    let (pipeline, _server) = world(&clock, target(), move |_, _| Some(got(&deployment))).await;
    drive(&clock, pipeline.look(&run(OURS))).await
}

#[tokio::test]
async fn states_and_targets_are_progress() {
    let cases = [
        ("Created", RunState::Queued),
        ("Queued", RunState::Queued),
        ("InProgress", RunState::Running),
        ("Baking", RunState::Running),
        ("Ready", RunState::Waiting),
        ("Succeeded", RunState::Succeeded),
        ("Failed", RunState::Failed),
        ("Stopped", RunState::Cancelled),
    ];
    for (status, state) in cases {
        let progress = looked(deployment(OURS, status)).await.expect("progress");
        assert_eq!((progress.state, progress.gates.len()), (state, usize::from(status == "Ready")), "{status}");
    }
    let mut failed = deployment(OURS, "Failed");
    failed["deploymentOverview"] =
        json!({ "Pending": 1, "InProgress": 0, "Succeeded": 2, "Failed": 1, "Skipped": 1, "Ready": 0 });
    failed["errorInformation"] =
        json!({ "code": "HEALTH_CONSTRAINTS", "message": "too many instances failed, password=hunter2hunter2" });
    failed["rollbackInfo"] = json!({ "rollbackDeploymentId": "d-BACK1" });
    let progress = looked(failed).await.expect("progress");
    assert_eq!((progress.done, progress.total), (3, 5));
    let step = progress.step.expect("words");
    assert!(step.as_str().starts_with("HEALTH_CONSTRAINTS: too many"), "{step:?}");
    assert!(
        step.as_str().ends_with("CodeDeploy rolls back by d-BACK1") && !step.as_str().contains("hunter2"),
        "{step:?}"
    );
    assert!(looked(deployment(OURS, "Dancing")).await.expect_err("an error").is(Refused::Malformed));
    let mut foreign = deployment(OURS, "InProgress");
    foreign["applicationName"] = json!("other");
    assert!(looked(foreign).await.expect_err("another's").is(Refused::NotFound));
}

#[tokio::test]
async fn what_waits_goes_on_or_is_stopped_by_somebodys_word() {
    let clock = clock();
    let gate = Gate { id: "READY_WAIT".to_owned(), name: "x".into() };
    let (pipeline, server) = world(&clock, target(), |operation, _| {
        Some(match operation {
            "GetDeployment" => got(&deployment(OURS, "Ready")),
            "ContinueDeployment" => say(200, ""),
            "StopDeployment" => ok(&json!({ "status": "Pending" })),
            _ => return None,
        })
    })
    .await;
    drive(&clock, pipeline.decide(&run(OURS), &gate, true, "go")).await.expect("went on");
    assert_eq!(
        server.calls("ContinueDeployment"),
        [json!({ "deploymentId": OURS, "deploymentWaitType": "READY_WAIT" })]
    );
    drive(&clock, pipeline.decide(&run(OURS), &gate, false, "no")).await.expect("stopped");
    assert_eq!(server.calls("StopDeployment"), [json!({ "deploymentId": OURS })]);
    let other = Gate { id: "TERMINATION_WAIT".to_owned(), name: "x".into() };
    assert!(
        drive(&clock, pipeline.decide(&run(OURS), &other, true, "x")).await.expect_err("none").is(Refused::NotFound)
    );
    for (status, code) in [
        ("InProgress", ""),
        ("Ready", "DeploymentIsNotInReadyStateException"),
        ("Ready", "DeploymentAlreadyCompletedException"),
    ] {
        let (pipeline, server) = world(&clock, target(), move |operation, _| {
            Some(if operation == "GetDeployment" { got(&deployment(OURS, status)) } else { refuse(code, "x") })
        })
        .await;
        let refused = drive(&clock, pipeline.decide(&run(OURS), &gate, true, "x")).await.expect_err("a refusal");
        assert!(refused.is(Refused::Conflict), "{refused:?}");
        assert_eq!(server.calls("ContinueDeployment").len(), usize::from(status == "Ready"));
    }
}

#[tokio::test]
async fn a_stop_says_what_the_configuration_says_and_what_has_ended_is_a_conflict() {
    let clock = clock();
    for (answer, wanted) in [
        (ok(&json!({ "status": "Succeeded" })), None),
        (refuse("DeploymentAlreadyCompletedException", "x"), Some(Refused::Conflict)),
        (refuse("AccessDeniedException", "x"), Some(Refused::Forbidden)),
    ] {
        let (pipeline, server) = world(&clock, s3("shop.zip"), move |operation, _| {
            Some(if operation == "GetDeployment" { got(&deployment(OURS, "InProgress")) } else { answer.clone() })
        })
        .await;
        let done = drive(&clock, pipeline.cancel(&run(OURS))).await;
        assert_eq!(done.is_ok(), wanted.is_none());
        assert!(done.err().is_none_or(|failure| wanted.is_some_and(|kind| failure.is(kind))));
        assert_eq!(server.calls("StopDeployment"), [json!({ "deploymentId": OURS, "autoRollbackEnabled": true })]);
    }
}

#[tokio::test]
async fn the_log_is_what_the_failed_target_said() {
    let clock = clock();
    let (pipeline, server) = world(&clock, target(), |operation, body| {
        let event = |name: &str, status: &str, tail: &str| {
            json!({ "lifecycleEventName": name, "status": status, "diagnostics": { "errorCode": "ScriptFailed",
                    "message": "Script at specified location failed", "logTail": tail } })
        };
        Some(match operation {
            "GetDeployment" => got(&deployment(OURS, "Failed")),
            "ListDeploymentTargets" => ok(&json!({ "targetIds": (0..30).map(|n| format!("i-{n}")).collect::<Vec<_>>() })),
            "BatchGetDeploymentTargets" if body["targetIds"][0] == "i-25" => ok(&json!({ "deploymentTargets": [{
                "deploymentTargetType": "InstanceTarget",
                "instanceTarget": { "targetId": "i-25", "lifecycleEvents": [
                    event("ApplicationStop", "Succeeded", ""),
                    event("AfterInstall", "Failed", "\u{1b}[31m[stderr]\u{1b}[0m token ghp_0123456789abcdefghijklmnopqrstuvwxyzAB\n"),
                ]},
            }]})),
            "BatchGetDeploymentTargets" => ok(&json!({ "deploymentTargets": [{
                "ecsTarget": { "lifecycleEvents": [event("Install", "InProgress", "x")] },
            }]})),
            _ => return None,
        })
    })
    .await;
    let log = drive(&clock, pipeline.log(&run(OURS))).await.expect("a log");
    assert_eq!(log.step.as_ref().map(|step| step.as_str()), Some("AfterInstall"));
    assert_eq!(log.tail.as_str(), "Script at specified location failed\n[stderr] token [redacted]");
    assert_eq!(server.calls("BatchGetDeploymentTargets").len(), 2);
    let (pipeline, _server) = world(&clock, target(), |operation, _| {
        Some(match operation {
            "GetDeployment" => got(&deployment(OURS, "Queued")),
            _ => refuse("DeploymentNotStartedException", "x"),
        })
    })
    .await;
    assert!(drive(&clock, pipeline.log(&run(OURS))).await.expect("a log").tail.is_empty());
}

#[tokio::test]
async fn references_and_runs_that_are_none_lead_nowhere() {
    let clock = clock();
    let (pipeline, server) = world(&clock, target(), |_, _| None).await;
    assert_eq!(pipeline.resolve(Some(COMMIT)).await.expect("a commit").kind, RefKind::Commit);
    for reference in [Some("main"), None] {
        assert!(pipeline.resolve(reference).await.expect_err("can't").is(Refused::Malformed));
    }
    for id in ["", "../..", "?x=1", "d-A/../B", "d-A\n", "d A"] {
        assert!(pipeline.look(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
        assert!(pipeline.cancel(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
        assert!(pipeline.log(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
    }
    assert!(server.heard().is_empty());
    let github =
        |repository: &str| Target { revision: Revision::GitHub { repository: repository.to_owned() }, ..target() };
    let bad = [
        Target { application: String::new(), ..target() },
        Target { group: "a\nb".to_owned(), ..target() },
        Target { deployment_config: Some("x".repeat(101)), ..target() },
        github("shop"),
        github("a/b/c"),
        github("a/b?x"),
        s3(""),
    ];
    for target in bad {
        assert!(CodeDeploy::new(connection(&clock, &server, usual_keys()), target, shared(&clock)).is_err());
    }
    let parsed: Target = serde_json::from_value(json!({
        "application": "shop", "group": "production", "revision": { "github": { "repository": "example/shop" } },
    }))
    .expect("a target as a configuration holds it");
    assert_eq!(parsed, self::target());
}
