//! CodePipeline against a strict server of it.

mod follow;
use integrations::clock::{Clock, ManualClock};
use integrations::pipelines::codepipeline::{CodePipeline, Revision, Target};
use integrations::pipelines::{Failure, Pipeline, Refused};
use operations::pipeline::{Gate, Idempotency, RefKind, Rollback, Run, RunState};
use serde_json::{Value, json};

use crate::aws_server::*;
use crate::common::clock;

const EARLIER: &str = "11111111-1111-1111-1111-111111111111";
const OURS: &str = "22222222-2222-2222-2222-222222222222";
const OTHER: &str = "33333333-3333-3333-3333-333333333333";
const SILENT: &str = "77777777-7777-7777-7777-777777777777";

const NAME: Is = Is::Text(1, 100, name);
const NEXT: Is = Is::Text(1, 2048, any);
const SOME: Is = Is::Whole(1, 100);

fn token(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

fn variable(c: char) -> bool {
    c.is_ascii_alphanumeric() || "@-_".contains(c)
}

fn line(c: char) -> bool {
    c != '\n' && c != '\r'
}

fn reason(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!@ ().*?-".contains(c)
}

/// The inputs that are used (botocore, `codepipeline/2015-07-09`).
const OPERATIONS: &[Operation] = &[
    ("GetPipeline", &[("name", true, NAME), ("version", false, Is::Whole(1, i64::MAX))]),
    (
        "StartPipelineExecution",
        &[
            ("name", true, NAME),
            ("clientRequestToken", false, Is::Text(1, 128, token)),
            (
                "variables",
                false,
                Is::List(
                    1,
                    50,
                    &Is::Of(&[("name", true, Is::Text(1, 128, variable)), ("value", true, Is::Text(1, 1000, line))]),
                ),
            ),
            (
                "sourceRevisions",
                false,
                Is::List(
                    0,
                    50,
                    &Is::Of(&[
                        ("actionName", true, NAME),
                        (
                            "revisionType",
                            true,
                            Is::OneOf(&["COMMIT_ID", "IMAGE_DIGEST", "S3_OBJECT_VERSION_ID", "S3_OBJECT_KEY"]),
                        ),
                        ("revisionValue", true, Is::Text(1, 1500, any)),
                    ]),
                ),
            ),
        ],
    ),
    ("GetPipelineExecution", &[("pipelineName", true, NAME), ("pipelineExecutionId", true, Is::Uuid)]),
    ("GetPipelineState", &[("name", true, NAME)]),
    (
        "ListActionExecutions",
        &[
            ("pipelineName", true, NAME),
            ("filter", false, Is::Of(&[("pipelineExecutionId", false, Is::Uuid)])),
            ("maxResults", false, SOME),
            ("nextToken", false, NEXT),
        ],
    ),
    (
        "ListPipelineExecutions",
        &[("pipelineName", true, NAME), ("maxResults", false, SOME), ("nextToken", false, NEXT)],
    ),
    (
        "PutApprovalResult",
        &[
            ("pipelineName", true, NAME),
            ("stageName", true, NAME),
            ("actionName", true, NAME),
            (
                "result",
                true,
                Is::Of(&[
                    ("summary", true, Is::Text(0, 512, any)),
                    ("status", true, Is::OneOf(&["Approved", "Rejected"])),
                ]),
            ),
            ("token", true, Is::Uuid),
        ],
    ),
    (
        "StopPipelineExecution",
        &[
            ("pipelineName", true, NAME),
            ("pipelineExecutionId", true, Is::Uuid),
            ("abandon", false, Is::Flag),
            ("reason", false, Is::Text(0, 200, any)),
        ],
    ),
    (
        "RollbackStage",
        &[("pipelineName", true, NAME), ("stageName", true, NAME), ("targetPipelineExecutionId", true, Is::Uuid)],
    ),
    (
        "EnableStageTransition",
        &[
            ("pipelineName", true, NAME),
            ("stageName", true, NAME),
            ("transitionType", true, Is::OneOf(&["Inbound", "Outbound"])),
        ],
    ),
    (
        "DisableStageTransition",
        &[
            ("pipelineName", true, NAME),
            ("stageName", true, NAME),
            ("transitionType", true, Is::OneOf(&["Inbound", "Outbound"])),
            ("reason", true, Is::Text(1, 300, reason)),
        ],
    ),
];

fn model() -> Model {
    Model { services: &[("codepipeline", "CodePipeline_20150709", OPERATIONS)] }
}

fn target() -> Target {
    Target {
        pipeline: "shop-deploy".to_owned(),
        source_action: Some("Source".to_owned()),
        revision: Revision::Commit,
        stage: None,
        id_variable: None,
    }
}

fn whole() -> Target {
    Target { stage: Some("Deploy".to_owned()), id_variable: Some("MUSTER_ID".to_owned()), ..target() }
}

fn pipeline(clock: &ManualClock, server: &Server, target: Target) -> CodePipeline {
    CodePipeline::new(connection(clock, server, usual_keys()), target, shared(clock)).expect("a pipeline")
}

/// A pipeline at a server that answers each operation like this; others are a mistake of the test's.
async fn world(
    clock: &ManualClock,
    target: Target,
    mut answer: impl FnMut(&str, &Value) -> Option<Answer> + Send + 'static,
) -> (CodePipeline, Server) {
    let server = aws(clock, model(), move |heard| {
        let usual = || match heard.operation() {
            "GetPipeline" => Some(ok(&definition())),
            _ => None,
        };
        answer(heard.operation(), &heard.json()).or_else(usual).unwrap_or_else(|| refuse("NotInThisTest", "x"))
    })
    .await;
    (pipeline(clock, &server, target), server)
}

fn definition() -> Value {
    json!({ "pipeline": {
        "name": "shop-deploy", "roleArn": "arn:aws:iam::1:role/x", "stages": [], "version": 3,
        "variables": [{ "name": "MUSTER_ID", "defaultValue": "none" }, { "name": "region" }, { "name": "MUSTER_BY" }],
    }, "metadata": {} })
}

fn run(id: &str) -> Run {
    Run { id: id.to_owned(), url: None }
}

#[tokio::test]
async fn a_start_names_the_commit_and_carries_the_id() {
    let clock = clock();
    let (pipeline, server) = world(&clock, whole(), |operation, _| {
        (operation == "StartPipelineExecution").then(|| ok(&json!({ "pipelineExecutionId": OURS })))
    })
    .await;
    let mut order = order();
    order.parameters.insert("region".to_owned(), "eu; rm -rf / && ${x}".to_owned());
    let run = drive(&clock, pipeline.start(&order)).await.expect("started");
    assert_eq!(run.id, OURS);
    let url = "https://eu-central-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-deploy/executions/";
    assert_eq!(run.url, Some(format!("{url}{OURS}/timeline?region=eu-central-1")));
    let wanted = json!({
        "name": "shop-deploy",
        "clientRequestToken": order.id,
        "sourceRevisions": [{ "actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": COMMIT }],
        "variables": [
            { "name": "MUSTER_BY", "value": "Ann" },
            { "name": "MUSTER_ID", "value": order.id },
            { "name": "region", "value": "eu; rm -rf / && ${x}" },
        ],
    });
    assert_eq!(server.calls("StartPipelineExecution"), [wanted]);
}

#[tokio::test]
async fn what_the_pipeline_does_not_declare_is_refused_before_anything_is_started() {
    let clock = clock();
    let (pipeline, server) = world(&clock, whole(), |_, _| None).await;
    for (name, value) in [("other", "x"), ("region", ""), ("region", "a\nb")] {
        let mut order = order();
        order.parameters.insert(name.to_owned(), value.to_owned());
        let refused = drive(&clock, pipeline.start(&order)).await.expect_err("a refusal");
        assert!(refused.is(Refused::Malformed) && refused.to_string().contains(name), "{refused:?}");
    }
    let (other, second) =
        world(&clock, Target { id_variable: Some("DEPLOY_ID".to_owned()), ..target() }, |_, _| None).await;
    let refused = drive(&clock, other.start(&order())).await.expect_err("a refusal");
    assert!(refused.to_string().contains("DEPLOY_ID"), "{refused:?}");
    assert!(server.calls("StartPipelineExecution").is_empty() && second.calls("StartPipelineExecution").is_empty());
}

/// Keeps executions as the service does: a token that came before is the same start.
fn tokens() -> impl FnMut(&Value) -> Value + Send {
    let mut known: Vec<String> = Vec::new();
    move |body| {
        let token = body["clientRequestToken"].as_str().unwrap_or_default().to_owned();
        let at = known.iter().position(|known| *known == token).unwrap_or_else(|| {
            known.push(token);
            known.len() - 1
        });
        json!({ "pipelineExecutionId": format!("00000000-0000-0000-0000-00000000000{at}") })
    }
}

#[tokio::test]
async fn a_lost_answer_is_one_start_where_nothing_else_could_find_it() {
    let clock = clock();
    let (mut tokens, mut left) = (tokens(), 1);
    let (pipeline, server) = world(&clock, target(), move |operation, body| {
        (operation == "StartPipelineExecution").then(|| {
            let answer = ok(&tokens(body));
            left -= 1;
            if left >= 0 { Answer::Drop } else { answer }
        })
    })
    .await;
    let can = pipeline.capabilities();
    assert_eq!((can.idempotency, can.rollback_idempotency), (Idempotency::Repeat, Idempotency::Repeat));
    let run = drive(&clock, pipeline.start(&order())).await.expect("started");
    assert!(run.id.ends_with("-000000000000"), "{run:?}");
    let again = drive(&clock, pipeline.start(&order())).await.expect("the same start");
    assert_eq!(run.id, again.id);
    assert_eq!(server.calls("StartPipelineExecution").len(), 3);
    // Nothing could find it, and nothing is said to have been found or not.
    assert!(drive(&clock, pipeline.find(&order())).await.expect_err("can't").is(Refused::Malformed));
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_the_execution_is_found_by_its_variable() {
    let clock = clock();
    let now = clock.now().as_second();
    let (pipeline, server) = world(&clock, whole(), move |operation, body| {
        let execution = |id: &str, kind: &str, muster: &str| {
            json!({ "pipelineExecution": {
                "pipelineName": "shop-deploy", "pipelineExecutionId": id, "status": "InProgress", "executionType": kind,
                "variables": [{ "name": "MUSTER_ID", "resolvedValue": muster }, { "name": "region", "resolvedValue": "x" }],
            }})
        };
        let summary = |id: &str, kind: &str, trigger: &str, began: i64| {
            json!({ "pipelineExecutionId": id, "status": "InProgress", "startTime": began, "executionType": kind,
                    "trigger": { "triggerType": trigger, "triggerDetail": "arn:aws:sts::1:assumed-role/x/y" } })
        };
        Some(match (operation, body["nextToken"].as_str()) {
            ("StartPipelineExecution", _) => Answer::Drop,
            ("ListPipelineExecutions", None) => ok(&json!({ "nextToken": "two", "pipelineExecutionSummaries": [
                // A rollback to ours has its variables; a neighbour's has nearly the same id.
                summary(OTHER, "ROLLBACK", "ManualRollback", now),
                summary(EARLIER, "STANDARD", "StartPipelineExecution", now - 10),
                // Of this one the list says nothing more.
                json!({ "pipelineExecutionId": SILENT, "status": "InProgress", "startTime": now - 15 }),
            ]})),
            ("ListPipelineExecutions", Some("two")) => ok(&json!({ "nextToken": "three", "pipelineExecutionSummaries": [
                summary(OURS, "STANDARD", "StartPipelineExecution", now - 20),
                summary("44444444-4444-4444-4444-444444444444", "STANDARD", "StartPipelineExecution", now - 90_000),
            ]})),
            ("GetPipelineExecution", _) => match body["pipelineExecutionId"].as_str() {
                Some(OTHER) => ok(&execution(OTHER, "ROLLBACK", "muster-d7-4f0c9a1e")),
                Some(EARLIER) => ok(&execution(EARLIER, "STANDARD", "muster-d7-4f0c9a1e0")),
                Some(SILENT) => ok(&execution(SILENT, "ROLLBACK", "muster-d7-4f0c9a1e")),
                Some(OURS) => ok(&execution(OURS, "STANDARD", "muster-d7-4f0c9a1e")),
                _ => refuse("PipelineExecutionNotFoundException", "x"),
            },
            _ => return None,
        })
    })
    .await;
    assert_eq!(pipeline.capabilities().idempotency, Idempotency::Find);
    let lost = drive(&clock, pipeline.start(&order())).await.expect_err("lost");
    assert!(matches!(lost, Failure::Unknown { .. }), "{lost:?}");
    assert_eq!(server.calls("StartPipelineExecution").len(), 1);
    let found = drive(&clock, pipeline.find(&order())).await.expect("looked").expect("found");
    assert_eq!(found.id, OURS);
    let mut other = order();
    other.id = "muster-d8-4f0c9a1e".to_owned();
    assert_eq!(drive(&clock, pipeline.find(&other)).await.expect("looked"), None);
    // One that the list calls a rollback is not even looked at.
    let asked = server.calls("GetPipelineExecution");
    assert!(asked.iter().all(|call| call["pipelineExecutionId"] != OTHER), "{asked:?}");
    // A page that reached yesterday is the last.
    assert_eq!(server.calls("ListPipelineExecutions").len(), 4);
}

#[tokio::test]
async fn a_list_that_never_ends_is_not_read_for_ever() {
    let clock = clock();
    let (pipeline, server) = world(&clock, whole(), |operation, _| {
        (operation == "ListPipelineExecutions").then(|| ok(&json!({ "nextToken": "same" })))
    })
    .await;
    assert_eq!(drive(&clock, pipeline.find(&order())).await.expect("looked"), None);
    assert_eq!(server.calls("ListPipelineExecutions").len(), 2);
}

#[tokio::test]
async fn a_rollback_goes_back_to_the_earlier_execution_and_is_never_taken_for_anybodys() {
    let clock = clock();
    let (pipeline, server) = world(&clock, whole(), |operation, body| {
        Some(match operation {
            "RollbackStage" if body["targetPipelineExecutionId"] == EARLIER => {
                ok(&json!({ "pipelineExecutionId": OURS }))
            }
            "RollbackStage" => refuse("UnableToRollbackStageException", "Unable to roll back"),
            _ => return None,
        })
    })
    .await;
    let can = pipeline.capabilities();
    assert_eq!((can.rollback, can.rollback_idempotency), (Rollback::Own, Idempotency::Ask));
    let mut back = order();
    (back.is_rollback, back.back_to) = (true, Some(run(&format!("{EARLIER}+{COMMIT}"))));
    assert_eq!(drive(&clock, pipeline.start(&back)).await.expect("started").id, OURS);
    let wanted = json!({ "pipelineName": "shop-deploy", "stageName": "Deploy", "targetPipelineExecutionId": EARLIER });
    assert_eq!(server.calls("RollbackStage"), [wanted]);
    assert!(server.calls("StartPipelineExecution").is_empty());
    // It carries nothing of ours, so nobody could tell whose one is.
    assert!(drive(&clock, pipeline.find(&back)).await.expect_err("can't").is(Refused::Malformed));
    assert!(server.calls("ListPipelineExecutions").is_empty());
    back.back_to = Some(run(OTHER));
    assert!(drive(&clock, pipeline.start(&back)).await.expect_err("a refusal").is(Refused::Conflict));
    back.back_to = Some(run("../../x"));
    assert!(drive(&clock, pipeline.start(&back)).await.expect_err("a refusal").is(Refused::NotFound));
}

#[tokio::test]
async fn busy_full_and_gone_are_told_apart() {
    let clock = clock();
    for (code, transient, kind) in [
        ("ConflictException", true, None),
        ("ConcurrentPipelineExecutionsLimitExceededException", false, Some(Refused::Conflict)),
        ("PipelineNotFoundException", false, Some(Refused::NotFound)),
        ("ValidationException", false, Some(Refused::Malformed)),
    ] {
        let (pipeline, server) = world(&clock, whole(), move |operation, _| {
            (operation == "StartPipelineExecution").then(|| refuse(code, "x"))
        })
        .await;
        let failed = drive(&clock, pipeline.start(&order())).await.expect_err("a failure");
        assert_eq!(matches!(failed, Failure::Transient { .. }), transient, "{failed:?}");
        assert!(kind.is_none_or(|kind| failed.is(kind)), "{failed:?}");
        assert_eq!(server.calls("StartPipelineExecution").len(), 1);
    }
}

#[tokio::test]
async fn references_and_runs_that_are_none_lead_nowhere() {
    let clock = clock();
    let (pipeline, server) = world(&clock, whole(), |_, _| None).await;
    assert_eq!(pipeline.resolve(Some(COMMIT)).await.expect("a commit").kind, RefKind::Commit);
    for reference in [Some("main"), Some("../.."), Some("?x=1"), None] {
        assert!(pipeline.resolve(reference).await.expect_err("can't").is(Refused::Malformed));
    }
    for id in
        ["../..", "?x=1", "a\nb", "", &OURS.to_uppercase().replace('2', "A"), "22222222-2222-2222-2222-22222222222g"]
    {
        assert!(pipeline.look(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
        assert!(pipeline.cancel(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
        assert!(pipeline.log(&run(id)).await.expect_err("none").is(Refused::NotFound), "{id}");
    }
    assert!(server.heard().is_empty());
    let bad = [
        Target { pipeline: "a/b".to_owned(), ..target() },
        Target { stage: Some("a b".to_owned()), ..target() },
        Target { source_action: Some(String::new()), ..target() },
        Target { id_variable: Some("a.b".to_owned()), ..target() },
    ];
    for target in bad {
        assert!(CodePipeline::new(connection(&clock, &server, usual_keys()), target, shared(&clock)).is_err());
    }
}
