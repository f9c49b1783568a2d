//! A pipeline that is followed: its checks, its jobs, what waits for somebody, its log.

use super::*;

#[tokio::test]
async fn checks_are_told() {
    let world = world().await;
    let status =
        |name: &str, status: &str, allowed: bool| json!({ "name": name, "status": status, "allow_failure": allowed });
    let cases = [
        (vec![], Checks::None),
        (vec![status("test", "success", false), status("deploy", "manual", true)], Checks::Passed(1)),
        (vec![status("test", "success", false), status("lint", "failed", true)], Checks::Passed(1)),
        (vec![status("test", "success", false), status("e2e", "running", false)], Checks::Pending(1)),
        (vec![status("test", "failed", false), status("e2e", "running", false)], Checks::Failed(vec!["test".into()])),
    ];
    for (statuses, expected) in cases {
        world.server.with(|peer| peer.statuses = statuses);
        assert_eq!(world.gitlab.checks(COMMIT).await, Ok(expected));
    }
    assert_eq!(kind(&world.gitlab.checks("main").await), Some(Refused::NotFound));
}

#[tokio::test]
async fn how_a_pipeline_stands_is_told() {
    let world = world().await;
    let run = world.started().await;
    world.job(&run, "build", "success");
    world.job(&run, "deploy", "created");
    let cases = [
        ("pending", "created", RunState::Running, None),
        ("running", "running", RunState::Running, Some("deploy")),
        ("canceling", "running", RunState::Running, Some("deploy")),
        ("something_new", "running", RunState::Running, Some("deploy")),
        ("success", "success", RunState::Succeeded, None),
        ("failed", "failed", RunState::Failed, Some("deploy")),
        ("canceled", "canceled", RunState::Cancelled, None),
        ("skipped", "skipped", RunState::Cancelled, None),
        ("manual", "manual", RunState::Waiting, Some("deploy")),
    ];
    for (pipeline, job, state, step) in cases {
        world.status(&run, pipeline);
        world.server.with(|peer| peer.job("deploy").status = job.to_owned());
        let progress = world.gitlab.look(&run).await.expect("looked");
        assert_eq!(progress.state, state, "{pipeline}");
        assert_eq!(progress.step.as_ref().map(|step| step.as_str()), step, "{pipeline}");
        assert_eq!(progress.total, 2);
        assert_eq!(progress.done, if matches!(job, "created" | "running" | "manual") { 1 } else { 2 }, "{pipeline}");
    }
    world.server.with(|peer| peer.job("build").status = "created".to_owned());
    world.server.with(|peer| peer.job("deploy").status = "created".to_owned());
    world.status(&run, "created");
    assert_eq!(world.gitlab.look(&run).await.expect("looked").state, RunState::Queued);
}

#[tokio::test]
async fn a_manual_job_is_played_once() {
    let world = world().await;
    let run = world.started().await;
    world.job(&run, "deploy", "manual");
    world.status(&run, "manual");
    let progress = world.gitlab.look(&run).await.expect("looked");
    let gate = progress.gates.first().expect("a gate").clone();
    assert_eq!((gate.id.as_str(), gate.name.as_str()), ("job:900", "deploy"));
    let other = world.gitlab.start(&order("muster-d8-4f0c")).await.expect("started");
    let foreign = world.gitlab.decide(&other, &gate, true, "").await;
    assert_eq!(kind(&foreign), Some(Refused::NotFound), "the gate of another run");
    let turned_down = world.gitlab.decide(&run, &gate, false, "").await;
    assert_eq!(kind(&turned_down), Some(Refused::Malformed));
    world.gitlab.decide(&run, &gate, true, "").await.expect("played");
    assert_eq!(kind(&world.gitlab.decide(&run, &gate, true, "").await), Some(Refused::Conflict));
    assert_eq!(world.server.asked("POST /play").len(), 1);
    // Somebody was sooner between the look and the word.
    world.server.with(|peer| peer.job("deploy").status = "manual".to_owned());
    let sooner = Answer::json(400, &json!({ "message": "400 Bad request - Unplayable Job" }));
    world.server.fault("POST /play", Fault::Instead(sooner));
    assert_eq!(kind(&world.gitlab.decide(&run, &gate, true, "").await), Some(Refused::Conflict));
    world.server.fault("POST /play", Fault::Dropped);
    assert!(is_unknown(&world.gitlab.decide(&run, &gate, true, "").await));
    for id in ["job:../../../x", "job:900/erase", "job:", "x", "deployment:1?x"] {
        let gate = Gate { id: id.to_owned(), name: "x".into() };
        assert_eq!(kind(&world.gitlab.decide(&run, &gate, true, "").await), Some(Refused::Malformed), "{id}");
    }
}

#[tokio::test]
async fn a_deployment_that_waits_for_approval_is_approved_with_the_comment() {
    let world = world().await;
    let run = world.started().await;
    let job = world.job(&run, "deploy", "manual");
    world.status(&run, "manual");
    let status = "blocked".to_owned();
    world.server.with(|peer| peer.deployments.push(Deployment { id: 5, job, status }));
    let gate = world.gitlab.look(&run).await.expect("looked").gates.remove(0);
    assert_eq!((gate.id.as_str(), gate.name.as_str()), ("deployment:5", "deploy (production)"));
    world.gitlab.decide(&run, &gate, true, "Ann and Bo said so").await.expect("approved");
    let body = world.server.asked("POST /approval")[0].json().expect("JSON");
    assert_eq!(body, json!({ "status": "approved", "comment": "Ann and Bo said so" }));
    assert_eq!(kind(&world.gitlab.decide(&run, &gate, true, "").await), Some(Refused::Conflict));
    // The job can be played now.
    let gate = world.gitlab.look(&run).await.expect("looked").gates.remove(0);
    assert_eq!(gate.id, "job:900");
    world.gitlab.decide(&run, &gate, true, "").await.expect("played");
}

#[tokio::test]
async fn a_pipeline_is_not_done_before_the_job_that_deploys_has_been_played() {
    let world = world_with(Target { job: Some("to-prod".to_owned()), ..target() }).await;
    let run = world.started().await;
    world.job(&run, "build", "success");
    let id = run.id.parse().expect("a number");
    world.server.with(|peer| peer.add_job(id, "to-prod", "manual").allow_failure = true);
    world.server.with(|peer| peer.add_job(id, "to-staging", "manual").allow_failure = true);
    // To GitLab it is done: the job may be left out.
    world.status(&run, "success");
    let progress = world.gitlab.look(&run).await.expect("looked");
    assert_eq!(progress.state, RunState::Waiting);
    assert_eq!(progress.gates.len(), 1, "the other job is not its business");
    assert_eq!((progress.done, progress.total), (1, 2));
    world.gitlab.decide(&run, &progress.gates[0], true, "").await.expect("played");
    let cases = [
        ("running", "running", RunState::Running),
        ("manual", "success", RunState::Succeeded),
        ("success", "success", RunState::Succeeded),
        ("success", "failed", RunState::Failed),
        ("success", "canceled", RunState::Cancelled),
    ];
    for (pipeline, job, state) in cases {
        world.status(&run, pipeline);
        world.server.with(|peer| peer.job("to-prod").status = job.to_owned());
        assert_eq!(world.gitlab.look(&run).await.expect("looked").state, state, "{pipeline} {job}");
    }
    let other = world.gitlab.start(&order("muster-d8-4f0c")).await.expect("started");
    world.status(&other, "success");
    let progress = world.gitlab.look(&other).await.expect("looked");
    assert_eq!(progress.state, RunState::Failed, "there is no such job in it");
}

#[tokio::test]
async fn a_pipeline_is_cancelled_and_one_that_ended_is_told_of() {
    let world = world().await;
    let run = world.started().await;
    world.gitlab.cancel(&run).await.expect("cancelled");
    assert_eq!(kind(&world.gitlab.cancel(&run).await), Some(Refused::Conflict));
    // GitLab answers 200 to a cancel that did nothing.
    world.status(&run, "manual");
    let refused = world.gitlab.cancel(&run).await;
    assert_eq!(kind(&refused), Some(Refused::Conflict));
    assert!(words(&refused).contains("manual job"));
}

#[tokio::test]
async fn the_end_of_the_failing_job_s_log_comes_without_colours_and_secrets() {
    let world = world().await;
    let run = world.started().await;
    assert_eq!(kind(&world.gitlab.log(&run).await), Some(Refused::NotFound), "no job has begun");
    world.job(&run, "build", "success");
    world.job(&run, "deploy", "failed");
    world.job(&run, "later", "skipped");
    let trace = format!(
        "{}section_start:1:x\r\u{1b}[0K\u{1b}[31mboom {TOKEN}\u{1b}[0m\npassword=hunter2hunter2\n",
        "line\n".repeat(100_000)
    );
    world.server.with(|peer| peer.job("deploy").trace = trace);
    let log = world.gitlab.log(&run).await.expect("a log");
    assert_eq!(log.step.as_ref().map(|step| step.as_str()), Some("deploy"));
    let tail = log.tail.as_str();
    assert!(tail.contains("boom [redacted]\n") && tail.starts_with("line\n"), "{tail}");
    assert!(!tail.contains("glpat") && !tail.contains("hunter2") && !tail.contains('\u{1b}'), "{tail}");
    assert!(tail.chars().count() <= 2000);
    let asked = &world.server.asked("GET /trace")[0];
    assert_eq!(asked.header("range"), "bytes=-65536");
}

#[tokio::test]
async fn ids_from_elsewhere_lead_nowhere() {
    let world = world().await;
    for id in ["", "../..", "1?x=1", "61/cancel", "1\n2", "-1", "99999999999999999999999"] {
        let run = Run { id: id.to_owned(), url: None };
        assert_eq!(kind(&world.gitlab.look(&run).await), Some(Refused::Malformed), "{id:?}");
        assert_eq!(kind(&world.gitlab.cancel(&run).await), Some(Refused::Malformed), "{id:?}");
        assert_eq!(kind(&world.gitlab.log(&run).await), Some(Refused::Malformed), "{id:?}");
    }
    assert_eq!(world.server.asked("GET").len() + world.server.asked("POST").len(), 0);
}
