//! An execution that is followed: its stages, its approvals, its stop, its log; and a stage that is frozen.

use super::*;

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
