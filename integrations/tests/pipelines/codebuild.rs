//! CodeBuild, and CloudWatch Logs for its logs, against strict servers of them.

use integrations::clock::{Clock, ManualClock};
use integrations::pipelines::codebuild::{CodeBuild, Target};
use integrations::pipelines::{Failure, Pipeline, Refused};
use operations::pipeline::{Gate, Idempotency, Log, RefKind, Run, RunState};
use serde_json::{Value, json};

use crate::aws_server::*;
use crate::common::clock;

const OURS: &str = "shop-deploy:22222222-2222-2222-2222-222222222222";
const TEXT: Is = Is::Text(1, usize::MAX, any);

fn group(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-_/#".contains(c)
}

fn stream(c: char) -> bool {
    c != ':' && c != '*'
}

/// The inputs that are used (botocore, `codebuild/2016-10-06`).
const BUILDS: &[Operation] = &[
    (
        "StartBuild",
        &[
            ("projectName", true, TEXT),
            ("sourceVersion", false, TEXT),
            ("idempotencyToken", false, TEXT),
            (
                "environmentVariablesOverride",
                false,
                Is::List(
                    0,
                    100,
                    &Is::Of(&[
                        ("name", true, TEXT),
                        ("value", true, Is::Text(0, usize::MAX, any)),
                        ("type", false, Is::OneOf(&["PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"])),
                    ]),
                ),
            ),
        ],
    ),
    ("BatchGetBuilds", &[("ids", true, Is::List(1, 100, &TEXT))]),
    (
        "ListBuildsForProject",
        &[
            ("projectName", true, TEXT),
            ("sortOrder", false, Is::OneOf(&["ASCENDING", "DESCENDING"])),
            ("nextToken", false, TEXT),
        ],
    ),
    ("StopBuild", &[("id", true, TEXT)]),
];

/// Botocore, `logs/2014-03-28`.
const LOGS: &[Operation] = &[(
    "GetLogEvents",
    &[
        ("logGroupName", false, Is::Text(1, 512, group)),
        ("logStreamName", true, Is::Text(1, 512, stream)),
        ("startTime", false, Is::Number),
        ("nextToken", false, TEXT),
        ("limit", false, Is::Whole(1, 10_000)),
        ("startFromHead", false, Is::Flag),
    ],
)];

async fn world(
    clock: &ManualClock,
    mut answer: impl FnMut(&str, &Value) -> Option<Answer> + Send + 'static,
) -> (CodeBuild, Server) {
    let model = Model { services: &[("codebuild", "CodeBuild_20161006", BUILDS), ("logs", "Logs_20140328", LOGS)] };
    let server = aws(clock, model, move |heard| {
        let body = heard.json();
        // A project with more than a hundred builds refuses to be sorted.
        if body.get("sortOrder").is_some() {
            return refuse("InvalidInputException", "sortOrder");
        }
        answer(heard.operation(), &body).unwrap_or_else(|| refuse("NotInThisTest", "x"))
    })
    .await;
    let target = Target { project: "shop-deploy".to_owned() };
    let pipeline = CodeBuild::new(connection(clock, &server, usual_keys()), target, shared(clock)).expect("a pipeline");
    (pipeline, server)
}

fn build(id: &str, status: &str, phase: &str) -> Value {
    json!({
        "id": id, "arn": "arn:aws:codebuild:eu-central-1:1:build/x", "projectName": "shop-deploy", "buildNumber": 7,
        "startTime": 1_790_000_000.25, "currentPhase": phase, "buildStatus": status,
        "buildComplete": status != "IN_PROGRESS", "sourceVersion": COMMIT, "resolvedSourceVersion": COMMIT,
    })
}

fn run(id: &str) -> Run {
    Run { id: id.to_owned(), url: None }
}

#[tokio::test]
async fn a_start_names_the_commit_and_carries_the_id_in_plain_variables() {
    let clock = clock();
    let (pipeline, server) = world(&clock, |_, _| {
        let mut build = build(OURS, "IN_PROGRESS", "QUEUED");
        build["logs"] = json!({ "deepLink": "https://console.aws.amazon.com/cloudwatch/home?region=eu-central-1#x" });
        Some(ok(&json!({ "build": build })))
    })
    .await;
    assert_eq!(pipeline.capabilities().idempotency, Idempotency::Find);
    let mut order = order();
    order.parameters.insert("REGION".to_owned(), "/secret/path; $(x)".to_owned());
    let run = drive(&clock, pipeline.start(&order)).await.expect("started");
    assert_eq!(run.id, OURS);
    assert_eq!(run.url.as_deref(), Some("https://console.aws.amazon.com/cloudwatch/home?region=eu-central-1#x"));
    let calls = server.calls("StartBuild");
    assert_eq!((&calls[0]["sourceVersion"], &calls[0]["idempotencyToken"]), (&json!(COMMIT), &json!(order.id)));
    let variables = calls[0]["environmentVariablesOverride"].as_array().expect("variables");
    assert!(variables.iter().all(|variable| variable["type"] == "PLAINTEXT"), "{variables:?}");
    let value = |name: &str| variables.iter().find(|variable| variable["name"] == name).map(|v| v["value"].clone());
    assert_eq!(value("MUSTER_ID"), Some(json!(order.id)));
    assert_eq!(value("REGION"), Some(json!("/secret/path; $(x)")));
    assert_eq!(value("MUSTER_ROLLBACK"), Some(json!("false")));
    for name in ["CODEBUILD_SRC_DIR", "MUSTER_ID", "a-b", "1A", "A=B", ""] {
        let mut order = order.clone();
        order.parameters.insert(name.to_owned(), "x".to_owned());
        assert!(drive(&clock, pipeline.start(&order)).await.expect_err("a refusal").is(Refused::Malformed), "{name}");
    }
    assert_eq!(server.calls("StartBuild").len(), 1);
}

#[tokio::test]
async fn a_start_that_may_have_been_done_is_sent_once() {
    let clock = clock();
    let foreign = json!({ "build": build("other:22222222-2222-2222-2222-222222222222", "IN_PROGRESS", "QUEUED") });
    for answer in [Answer::Drop, say(500, "x"), say(200, "<html>"), ok(&json!({})), ok(&foreign)] {
        let (pipeline, server) = world(&clock, move |_, _| Some(answer.clone())).await;
        let failed = drive(&clock, pipeline.start(&order())).await.expect_err("a failure");
        assert!(matches!(failed, Failure::Unknown { .. }), "{failed:?}");
        assert_eq!(server.calls("StartBuild").len(), 1);
    }
    for (code, kind) in [
        ("AccountLimitExceededException", Refused::Conflict),
        ("ResourceNotFoundException", Refused::NotFound),
        ("InvalidInputException", Refused::Malformed),
    ] {
        let (pipeline, _server) = world(&clock, move |_, _| Some(refuse(code, "x"))).await;
        let failed = drive(&clock, pipeline.start(&order())).await.expect_err("a failure");
        assert!(failed.is(kind), "{failed:?}");
    }
}

#[tokio::test]
async fn the_build_is_found_by_its_variable_and_a_later_try_of_it_is_not() {
    let clock = clock();
    let now = clock.now().as_second();
    let (pipeline, server) = world(&clock, move |operation, body| {
        let id = |n: u32| format!("shop-deploy:00000000-0000-0000-0000-{n:012}");
        let one = |n: u32, muster: &str, kind: &str, began: i64| {
            let mut build = build(&id(n), "IN_PROGRESS", "BUILD");
            (build["buildNumber"], build["startTime"]) = (json!(1000 - n), json!(began));
            build["environment"] = json!({ "type": "LINUX_CONTAINER", "image": "x", "computeType": "x",
                "environmentVariables": [{ "name": "MUSTER_ID", "value": muster, "type": kind }] });
            build
        };
        Some(match (operation, body["nextToken"].as_str()) {
            ("ListBuildsForProject", None) => {
                ok(&json!({ "ids": (0..100).map(id).collect::<Vec<_>>(), "nextToken": "a/b+c" }))
            }
            ("ListBuildsForProject", Some("a/b+c")) => {
                ok(&json!({ "ids": (100..160).map(id).collect::<Vec<_>>(), "nextToken": "more" }))
            }
            ("BatchGetBuilds", _) => {
                let ids = body["ids"].as_array().expect("ids");
                let builds =
                    ids.iter().filter_map(|id| id.as_str()?.rsplit_once('-')?.1.parse::<u32>().ok()).map(|n| match n {
                        // Somebody pressed "Retry build"; CodeBuild tried it again by itself.
                        3 => one(n, "muster-d7-4f0c9a1e", "PLAINTEXT", now),
                        4 => {
                            let mut build = one(n, "muster-d7-4f0c9a1e", "PLAINTEXT", now);
                            (build["buildNumber"], build["autoRetryConfig"]) =
                                (json!(1), json!({ "previousAutoRetry": "arn" }));
                            build
                        }
                        5 => one(n, "muster-d7-4f0c9a1", "PLAINTEXT", now),
                        // The value is a parameter's name there.
                        120 => one(n, "muster-d7-4f0c9a1e", "PARAMETER_STORE", now - 100),
                        110 => one(n, "muster-d7-4f0c9a1e", "PLAINTEXT", now - 50),
                        159 => one(n, "x", "PLAINTEXT", now - 90_000),
                        _ => one(n, "muster-d1-4f0c9a1e", "PLAINTEXT", now - 10),
                    });
                ok(&json!({ "builds": builds.collect::<Vec<_>>(), "buildsNotFound": [] }))
            }
            _ => return None,
        })
    })
    .await;
    let found = drive(&clock, pipeline.find(&order())).await.expect("looked").expect("found");
    assert_eq!(found.id, "shop-deploy:00000000-0000-0000-0000-000000000110");
    assert_eq!(server.calls("ListBuildsForProject").len(), 2);
    let mut other = order();
    other.id = "muster-d9-4f0c9a1e".to_owned();
    assert_eq!(drive(&clock, pipeline.find(&other)).await.expect("looked"), None);
}

/// How this build stands.
async fn looked(build: Value) -> Result<operations::pipeline::Progress, Failure> {
    let clock = clock();
    let (pipeline, _server) = world(&clock, move |_, _| Some(ok(&json!({ "builds": [build] })))).await;
    drive(&clock, pipeline.look(&run(OURS))).await
}

#[tokio::test]
async fn phases_are_steps() {
    let cases = [
        ("IN_PROGRESS", "QUEUED", RunState::Queued),
        ("IN_PROGRESS", "BUILD", RunState::Running),
        ("SUCCEEDED", "COMPLETED", RunState::Succeeded),
        ("FAILED", "COMPLETED", RunState::Failed),
        ("FAULT", "COMPLETED", RunState::Failed),
        ("TIMED_OUT", "COMPLETED", RunState::Failed),
        ("STOPPED", "COMPLETED", RunState::Cancelled),
    ];
    for (status, phase, state) in cases {
        let progress = looked(build(OURS, status, phase)).await.expect("progress");
        assert_eq!((progress.state, progress.total), (state, 10), "{status}");
    }
    let mut failed = build(OURS, "FAILED", "COMPLETED");
    failed["phases"] = json!([
        { "phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED" }, { "phaseType": "QUEUED", "phaseStatus": "SUCCEEDED" },
        { "phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{ "statusCode": "COMMAND_EXECUTION_ERROR",
          "message": "Error while executing command: ./deploy --token=ghp_0123456789abcdefghijklmnopqrstuvwxyzAB" }] },
        { "phaseType": "COMPLETED" },
    ]);
    let progress = looked(failed.clone()).await.expect("progress");
    let step = progress.step.expect("a step");
    assert_eq!(progress.done, 2);
    assert!(step.as_str().starts_with("BUILD: Error while") && !step.as_str().contains("ghp_"), "{step:?}");
    // CodeBuild tries it again by itself: that build is followed, if it is one of this project.
    failed["autoRetryConfig"] =
        json!({ "nextAutoRetry": format!("arn:aws:codebuild:eu-central-1:1:build/{}", OURS.replace('2', "3")) });
    let progress = looked(failed.clone()).await.expect("progress");
    assert_eq!((progress.state, progress.run.map(|run| run.id)), (RunState::Running, Some(OURS.replace('2', "3"))));
    failed["autoRetryConfig"] = json!({ "nextAutoRetry": "arn:aws:codebuild:eu-central-1:1:build/other:1" });
    assert_eq!(looked(failed).await.expect("progress").state, RunState::Failed);
    let mut other = build(OURS, "IN_PROGRESS", "BUILD");
    other["resolvedSourceVersion"] = json!("f".repeat(40));
    let step = looked(other).await.expect("progress").step.expect("words");
    assert_eq!(step.as_str(), "BUILD; it builds ffffffffffff and not the planned 0123456789ab");
    assert!(looked(build(OURS, "DANCING", "BUILD")).await.expect_err("an error").is(Refused::Malformed));
    assert!(looked(build("shop-deploy:0", "FAILED", "BUILD")).await.expect_err("another").is(Refused::NotFound));
}

#[tokio::test]
async fn only_pages_of_the_web_are_shown() {
    for link in ["javascript:alert(1)", "file:///etc/passwd", "data:x", "x"] {
        let mut build = build(OURS, "IN_PROGRESS", "BUILD");
        build["logs"] = json!({ "deepLink": link });
        let url = looked(build).await.expect("progress").run.and_then(|run| run.url).expect("the console's");
        assert!(url.starts_with("https://eu-central-1.console.aws.amazon.com/codesuite/codebuild/"), "{url}");
    }
}

#[tokio::test]
async fn a_stop_of_what_has_ended_is_a_conflict() {
    let clock = clock();
    for (status, stopped) in [("IN_PROGRESS", true), ("SUCCEEDED", false), ("STOPPED", false)] {
        let (pipeline, server) = world(&clock, move |operation, _| {
            let build = build(OURS, status, "BUILD");
            Some(ok(&if operation == "StopBuild" { json!({ "build": build }) } else { json!({ "builds": [build] }) }))
        })
        .await;
        let done = drive(&clock, pipeline.cancel(&run(OURS))).await;
        assert_eq!(done.is_ok(), stopped, "{status}");
        assert!(done.err().is_none_or(|failure| failure.is(Refused::Conflict)));
        assert_eq!(server.calls("StopBuild").len(), usize::from(stopped));
    }
}

#[tokio::test]
async fn the_end_of_the_log_is_read_back_over_empty_pages() {
    let clock = clock();
    let (pipeline, server) = world(&clock, |operation, body| {
        let event = |message: String| json!({ "timestamp": 1, "message": message, "ingestionTime": 2 });
        Some(match (operation, body["nextToken"].as_str()) {
            ("BatchGetBuilds", _) => {
                let mut build = build(OURS, "FAILED", "COMPLETED");
                build["logs"] = json!({ "groupName": "/aws/codebuild/shop-deploy", "streamName": "2222", "deepLink": "https://x.example/" });
                build["phases"] = json!([{ "phaseType": "BUILD", "phaseStatus": "FAILED" }]);
                ok(&json!({ "builds": [build] }))
            }
            ("GetLogEvents", None) => ok(&json!({ "events": [], "nextBackwardToken": "b/1", "nextForwardToken": "f/1" })),
            ("GetLogEvents", Some("b/1")) => ok(&json!({ "nextBackwardToken": "b/2", "events": [
                event("\u{1b}[32mpushed\u{1b}[0m\r\n".to_owned()),
                event("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n".to_owned()),
                event("Phase complete: BUILD State: FAILED".to_owned()),
            ]})),
            ("GetLogEvents", Some("b/2")) => ok(&json!({ "nextBackwardToken": "b/2", "events": [event("earlier\n".repeat(10))] })),
            _ => return None,
        })
    })
    .await;
    let log = drive(&clock, pipeline.log(&run(OURS))).await.expect("a log");
    assert_eq!(log.step.as_ref().map(|step| step.as_str()), Some("BUILD"));
    assert!(
        log.tail.as_str().ends_with("pushed\nAWS_SECRET_ACCESS_KEY=[redacted]\nPhase complete: BUILD State: FAILED"),
        "{log:?}"
    );
    assert!(log.tail.as_str().starts_with("earlier\n"), "{log:?}");
    let calls = server.calls("GetLogEvents");
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0]["startFromHead"], false);
    // The link in an answer is for people; nothing is read there.
    assert!(server.heard().iter().all(|heard| heard.path == "/"));
}

#[tokio::test]
async fn a_long_log_is_cut_and_one_that_is_not_there_yet_is_empty() {
    let clock = clock();
    for code in ["", "ResourceNotFoundException", "AccessDeniedException"] {
        let (pipeline, _server) = world(&clock, move |operation, _| {
            if operation == "BatchGetBuilds" {
                let mut build = build(OURS, "IN_PROGRESS", "BUILD");
                build["logs"] = json!({ "groupName": "g", "streamName": "s" });
                return Some(ok(&json!({ "builds": [build] })));
            }
            let lines: Vec<Value> = (0..500).map(|n| json!({ "message": format!("line {n}\n") })).collect();
            Some(if code.is_empty() {
                ok(&json!({ "events": lines, "nextBackwardToken": "x" }))
            } else {
                refuse(code, "x")
            })
        })
        .await;
        let log = drive(&clock, pipeline.log(&run(OURS))).await;
        match code {
            "" => {
                let log = log.expect("a log");
                assert!(log.tail.as_str().chars().count() <= Log::LONGEST);
                assert!(log.tail.as_str().starts_with("line ") && log.tail.as_str().ends_with("line 499"));
            }
            "ResourceNotFoundException" => assert!(log.expect("a log").tail.is_empty()),
            _ => assert!(log.expect_err("a refusal").is(Refused::Forbidden)),
        }
    }
}

#[tokio::test]
async fn references_and_runs_that_are_none_lead_nowhere() {
    let clock = clock();
    let (pipeline, server) = world(&clock, |_, _| None).await;
    assert_eq!(pipeline.resolve(Some(COMMIT)).await.expect("a commit").kind, RefKind::Commit);
    assert_eq!(pipeline.resolve(Some("v1.2")).await.expect("a reference").kind, RefKind::Unknown);
    assert!(pipeline.resolve(None).await.expect_err("can't").is(Refused::Malformed));
    for id in ["", "../..", "?x=1", "other:2222", "shop-deploy", "shop-deploy:", "shop-deploy:2\n2", "shop-deploy:../x"]
    {
        assert!(pipeline.look(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
        assert!(pipeline.cancel(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
        assert!(pipeline.log(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
    }
    let gate = Gate { id: "x".to_owned(), name: "x".into() };
    assert!(pipeline.decide(&run(OURS), &gate, true, "x").await.expect_err("can't").is(Refused::Malformed));
    assert!(server.heard().is_empty());
    for project in ["", "a", "a/b", "a b", &"a".repeat(151)] {
        let target = Target { project: project.to_owned() };
        assert!(CodeBuild::new(connection(&clock, &server, usual_keys()), target, shared(&clock)).is_err());
    }
}
