//! CodePipeline against a strict server of it.

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
        "RetryStageExecution",
        &[
            ("pipelineName", true, NAME),
            ("stageName", true, NAME),
            ("pipelineExecutionId", true, Is::Uuid),
            ("retryMode", true, Is::OneOf(&["FAILED_ACTIONS", "ALL_ACTIONS"])),
        ],
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

fn stage(name: &str, actions: Value, more: Value) -> Value {
    let mut stage =
        json!({ "stageName": name, "inboundTransitionState": { "enabled": true }, "actionStates": actions });
    for (key, value) in more.as_object().into_iter().flatten() {
        stage[key] = value.clone();
    }
    stage
}

fn action(stage: &str, name: &str, status: &str, began: i64) -> Value {
    json!({
        "pipelineExecutionId": OURS, "actionExecutionId": format!("{name}-{began}"), "pipelineVersion": 3,
        "stageName": stage, "actionName": name, "status": status, "startTime": began,
        "input": { "actionTypeId": { "category": "Deploy", "owner": "AWS", "provider": "CodeBuild", "version": "1" } },
    })
}

/// What the three reads of a look answer.
async fn looked(status: &str, mode: &str, state: Value, actions: Value) -> (CodePipeline, Server, ManualClock) {
    let clock = clock();
    let (status, mode) = (status.to_owned(), mode.to_owned());
    let (pipeline, server) = world(&clock, whole(), move |operation, _| {
        Some(match operation {
            "GetPipelineExecution" => ok(&json!({ "pipelineExecution": {
                "pipelineExecutionId": OURS, "pipelineName": "shop-deploy", "status": status, "executionMode": mode,
                "artifactRevisions": [{ "name": "SourceOutput", "revisionId": COMMIT }], "unknownToUs": [1],
            }})),
            "GetPipelineState" => ok(&json!({ "pipelineName": "shop-deploy", "stageStates": state })),
            "ListActionExecutions" => ok(&json!({ "actionExecutionDetails": actions })),
            "PutApprovalResult" => ok(&json!({ "approvedAt": 1_790_000_000.5 })),
            _ => return None,
        })
    })
    .await;
    (pipeline, server, clock)
}

#[tokio::test]
async fn stages_are_steps() {
    let state = json!([
        stage("Source", json!([]), json!({})),
        stage("Build", json!([]), json!({})),
        stage("Deploy", json!([]), json!({}))
    ]);
    let actions = json!([
        action("Source", "Source", "Succeeded", 1),
        action("Build", "Compile", "Failed", 2),
        action("Build", "Compile", "InProgress", 5),
        action("Build", "Test", "Succeeded", 3),
    ]);
    let (pipeline, _server, clock) = looked("InProgress", "QUEUED", state.clone(), actions.clone()).await;
    let progress = drive(&clock, pipeline.look(&run(OURS))).await.expect("progress");
    assert_eq!((progress.state, progress.done, progress.total), (RunState::Running, 1, 3));
    assert_eq!(progress.step.as_ref().map(|step| step.as_str()), Some("Build: Compile"));
    let (pipeline, _server, clock) = looked("InProgress", "QUEUED", state.clone(), json!([])).await;
    assert_eq!(drive(&clock, pipeline.look(&run(OURS))).await.expect("progress").state, RunState::Queued);
    let ended = [
        ("Succeeded", RunState::Succeeded, None),
        ("Superseded", RunState::Cancelled, Some("a newer execution took its place")),
        ("Stopped", RunState::Cancelled, None),
        ("Stopping", RunState::Running, Some("stopping")),
        ("Cancelled", RunState::Cancelled, Some("cancelled: the pipeline was changed meanwhile")),
        ("Failed", RunState::Failed, Some("Build: Compile")),
    ];
    for (status, wanted, step) in ended {
        let failed = json!([action("Source", "Source", "Succeeded", 1), action("Build", "Compile", "Failed", 2)]);
        let none = json!([action("Source", "Source", "Succeeded", 1)]);
        let actions = if status == "Failed" { failed } else { none };
        let (pipeline, _server, clock) = looked(status, "QUEUED", state.clone(), actions).await;
        let progress = drive(&clock, pipeline.look(&run(OURS))).await.expect("progress");
        assert_eq!((progress.state, progress.step.as_ref().map(|step| step.as_str())), (wanted, step), "{status}");
    }
    let (pipeline, _server, clock) = looked("Dancing", "QUEUED", state, json!([])).await;
    assert!(drive(&clock, pipeline.look(&run(OURS))).await.expect_err("an error").is(Refused::Malformed));
}

#[tokio::test]
async fn a_disabled_transition_is_told_before_and_during_a_deploy() {
    let disabled =
        json!({ "enabled": false, "disabledReason": "stocktaking password=hunter2hunter2", "lastChangedBy": "arn" });
    let waiting = json!({ "inboundTransitionState": disabled, "inboundExecution": { "pipelineExecutionId": OURS, "status": "InProgress" } });
    let state = json!([stage("Source", json!([]), json!({})), stage("Deploy", json!([]), waiting)]);
    let (pipeline, _server, clock) =
        looked("InProgress", "QUEUED", state, json!([action("Source", "Source", "Succeeded", 1)])).await;
    let progress = drive(&clock, pipeline.look(&run(OURS))).await.expect("progress");
    assert_eq!((progress.done, progress.total), (1, 2));
    let step = progress.step.expect("a step");
    assert_eq!(step.as_str(), "waits before Deploy, the transition into which is disabled");
    let warnings = drive(&clock, pipeline.warnings()).await.expect("warnings");
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("the transition into the stage Deploy is disabled: stocktaking"), "{warnings:?}");
    assert!(!warnings[0].contains("hunter2"), "{warnings:?}");
}

#[tokio::test]
async fn another_commit_than_the_planned_one_is_told() {
    let state = json!([stage("Source", json!([]), json!({}))]);
    let (pipeline, _server, clock) = looked("Succeeded", "QUEUED", state, json!([])).await;
    let same = drive(&clock, pipeline.look(&run(&format!("{OURS}+{COMMIT}")))).await.expect("progress");
    assert_eq!(same.step, None);
    let other = format!("{OURS}+{}", "f".repeat(40));
    let other = drive(&clock, pipeline.look(&run(&other))).await.expect("progress").step.expect("words");
    assert_eq!(other.as_str(), "the source took 0123456789ab and not the planned ffffffffffff");
    // Where the source's action is not named, the run carries the commit.
    let (pipeline, _server) = world(&clock, Target { source_action: None, ..whole() }, |operation, _| {
        (operation == "StartPipelineExecution").then(|| ok(&json!({ "pipelineExecutionId": OURS })))
    })
    .await;
    assert_eq!(drive(&clock, pipeline.start(&order())).await.expect("started").id, format!("{OURS}+{COMMIT}"));
}

const APPROVAL: &str = "55555555-5555-5555-5555-555555555555";

fn approval(status: &str) -> Value {
    let mut approval = action("Deploy", "Approve", status, 7);
    approval["input"]["actionTypeId"] =
        json!({ "category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1" });
    approval["output"] = json!({ "executionResult": { "externalExecutionId": APPROVAL } });
    approval
}

fn waiting(execution: &str, token: Option<&str>) -> Value {
    let latest = json!({ "actionExecutionId": "Approve-7", "status": "InProgress", "token": token });
    let actions = json!([{ "actionName": "Approve", "latestExecution": latest }]);
    let latest = json!({ "latestExecution": { "pipelineExecutionId": execution, "status": "InProgress" } });
    json!([stage("Source", json!([]), json!({})), stage("Deploy", actions, latest)])
}

#[tokio::test]
async fn an_approval_is_a_gate_and_is_answered_by_its_own_token() {
    let token = "66666666-6666-6666-6666-666666666666";
    for (mode, wanted) in [("SUPERSEDED", token), ("PARALLEL", APPROVAL)] {
        let told = if mode == "PARALLEL" { None } else { Some(token) };
        let (pipeline, server, clock) =
            looked("InProgress", mode, waiting(OURS, told), json!([approval("InProgress")])).await;
        let progress = drive(&clock, pipeline.look(&run(OURS))).await.expect("progress");
        assert_eq!(progress.state, RunState::Waiting);
        let [gate] = &progress.gates[..] else { panic!("one gate: {progress:?}") };
        assert_eq!(gate.name.as_str(), "Deploy: Approve");
        assert!(!gate.id.contains(token) && !gate.id.contains(APPROVAL));
        let comment = "ä".repeat(600);
        drive(&clock, pipeline.decide(&run(OURS), gate, false, &comment)).await.expect("answered");
        let calls = server.calls("PutApprovalResult");
        assert_eq!(calls.len(), 1);
        assert_eq!(
            (calls[0]["token"].as_str(), calls[0]["result"]["status"].as_str()),
            (Some(wanted), Some("Rejected"))
        );
        assert_eq!(calls[0]["stageName"], "Deploy");
    }
}

#[tokio::test]
async fn an_approval_that_waits_no_more_is_told_kindly() {
    let gate = Gate { id: "Deploy/Approve/Approve-7".to_owned(), name: "x".into() };
    // Another execution waits there by now; this one's was answered; a newer request waits in its place.
    let newer = Gate { id: "Deploy/Approve/Approve-6".to_owned(), name: "x".into() };
    let token = Some("66666666-6666-6666-6666-666666666666");
    for (state, gate) in [(waiting(OTHER, token), &gate), (waiting(OURS, None), &gate), (waiting(OURS, token), &newer)]
    {
        let (pipeline, server, clock) = looked("InProgress", "QUEUED", state, json!([])).await;
        let refused = drive(&clock, pipeline.decide(&run(OURS), gate, true, "yes")).await.expect_err("a refusal");
        assert!(refused.is(Refused::Conflict), "{refused:?}");
        assert!(server.calls("PutApprovalResult").is_empty());
    }
    let (pipeline, _server, clock) =
        looked("InProgress", "PARALLEL", waiting(OURS, None), json!([approval("Succeeded")])).await;
    assert!(
        drive(&clock, pipeline.decide(&run(OURS), &gate, true, "yes"))
            .await
            .expect_err("a refusal")
            .is(Refused::Conflict)
    );
    for code in ["InvalidApprovalTokenException", "ApprovalAlreadyCompletedException"] {
        let (pipeline, _server) = world(&clock, whole(), move |operation, _| {
            Some(match operation {
                "GetPipelineExecution" => {
                    ok(&json!({ "pipelineExecution": { "pipelineExecutionId": OURS, "status": "InProgress" } }))
                }
                "GetPipelineState" => ok(&json!({ "stageStates": waiting(OURS, token) })),
                "PutApprovalResult" => refuse(code, "internal words"),
                _ => return None,
            })
        })
        .await;
        let refused = drive(&clock, pipeline.decide(&run(OURS), &gate, true, "yes")).await.expect_err("a refusal");
        assert!(refused.is(Refused::Conflict) && !refused.to_string().contains("internal"), "{refused:?}");
    }
    for id in ["", "Deploy", "a/b/c/d", "../../x"] {
        let gate = Gate { id: id.to_owned(), name: "x".into() };
        let refused = drive(&clock, pipeline.decide(&run(OURS), &gate, true, "yes")).await.expect_err("a refusal");
        assert!(refused.is(Refused::NotFound) || refused.is(Refused::Conflict), "{refused:?}");
    }
}

#[tokio::test]
async fn a_stop_ends_after_what_runs_and_what_has_ended_is_a_conflict() {
    let clock = clock();
    for (code, wanted) in [
        ("", None),
        ("DuplicatedStopRequestException", None),
        ("PipelineExecutionNotStoppableException", Some(Refused::Conflict)),
        ("PipelineExecutionNotFoundException", Some(Refused::NotFound)),
    ] {
        let (pipeline, server) = world(&clock, whole(), move |_, _| {
            Some(if code.is_empty() { ok(&json!({ "pipelineExecutionId": OURS })) } else { refuse(code, "x") })
        })
        .await;
        let done = drive(&clock, pipeline.cancel(&run(OURS))).await;
        assert_eq!(
            done.as_ref().err().map(|failure| wanted.is_some_and(|kind| failure.is(kind))),
            wanted.map(|_| true)
        );
        assert_eq!(server.calls("StopPipelineExecution")[0]["abandon"], false);
    }
}

#[tokio::test]
async fn a_stage_is_frozen_and_thawed_and_what_others_closed_stays_closed() {
    // How its transition stands, what is wanted, and what is called with which reason.
    let by = |reason: &str| json!({ "enabled": false, "disabledReason": reason });
    let open = json!({ "enabled": true });
    for (stands, on, reason, called) in [
        (
            &open,
            true,
            "stock <taking>; 50% — all: \"day\"",
            Some(("Disable", Some("frozen by Muster - stock taking 50 all day"))),
        ),
        (&open, true, "—", Some(("Disable", Some("frozen by Muster")))),
        (&by("frozen by Muster - x"), true, "y", None),
        (&by("stocktaking"), true, "y", None),
        (&by("frozen by Muster - x"), false, "", Some(("Enable", None))),
        (&by("stocktaking"), false, "", None),
        (&open, false, "", None),
    ] {
        let clock = clock();
        let states = json!([
            stage("Source", json!([]), json!({})),
            stage("Deploy", json!([]), json!({ "inboundTransitionState": stands }))
        ]);
        let (pipeline, server) = world(&clock, whole(), move |operation, _| {
            Some(match operation {
                "GetPipelineState" => ok(&json!({ "pipelineName": "shop-deploy", "stageStates": states })),
                "EnableStageTransition" | "DisableStageTransition" => say(200, ""),
                _ => return None,
            })
        })
        .await;
        drive(&clock, pipeline.freeze(on, reason)).await.expect("done");
        for operation in ["Enable", "Disable"] {
            let mut wanted =
                json!({ "pipelineName": "shop-deploy", "stageName": "Deploy", "transitionType": "Inbound" });
            if let Some((_, Some(reason))) = called {
                wanted["reason"] = json!(reason);
            }
            let wanted: Vec<Value> = called.filter(|(it, _)| *it == operation).map(|_| wanted).into_iter().collect();
            assert_eq!(server.calls(&format!("{operation}StageTransition")), wanted, "{stands} {on}");
        }
    }
    let clock = clock();
    let (plain, _server) = world(&clock, target(), |_, _| None).await;
    assert!(drive(&clock, plain.freeze(true, "x")).await.expect_err("can't").is(Refused::Malformed));
    assert!(!plain.capabilities().freezes);
}

#[tokio::test]
async fn a_stage_that_did_not_fail_is_not_tried_again() {
    let clock = clock();
    let (pipeline, _server) = world(&clock, whole(), |operation, _| {
        (operation == "RetryStageExecution").then(|| refuse("StageNotRetryableException", "x"))
    })
    .await;
    assert!(drive(&clock, pipeline.retry(&run(OURS), "Deploy")).await.expect_err("a refusal").is(Refused::Conflict));
}

#[tokio::test]
async fn the_log_is_what_the_failed_action_said_without_secrets() {
    let mut failed = action("Deploy", "Ship", "Failed", 9);
    failed["output"] = json!({ "executionResult": {
        "externalExecutionSummary": "\u{1b}[31mexit 1\u{1b}[0m",
        "errorDetails": { "code": "JobFailed", "message": "token=ghp_0123456789abcdefghijklmnopqrstuvwxyzAB was refused" },
    }});
    let (pipeline, _server, clock) = looked("Failed", "QUEUED", json!([]), json!([failed])).await;
    let log = drive(&clock, pipeline.log(&run(OURS))).await.expect("a log");
    assert_eq!(log.step.as_ref().map(|step| step.as_str()), Some("Deploy: Ship"));
    assert!(log.tail.as_str().starts_with("exit 1\nJobFailed\ntoken="), "{log:?}");
    assert!(!log.tail.as_str().contains("ghp_"), "{log:?}");
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
