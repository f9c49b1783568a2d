//! Runs that move by the clock, what a page shows of them, and what webhooks tell.

use sandbox::ci::{Act, Moves, StepScript};
use serde_json::json;

use super::bench::{Bench, workflow};

#[tokio::test]
async fn a_script_moves_a_run_from_the_queue_to_its_end() {
    let bench = Bench::start().await;
    bench.repository.workflow(workflow(Moves::ByClock { queued: 5 }));
    let id = bench.repository.environment("staging", &["muster-bot"]);
    let run = bench.dispatched("1").await;
    let handle = bench.ci.run(run);
    assert_eq!(handle.status(), "queued");
    bench.advance(5);
    assert_eq!(handle.status(), "in_progress");
    bench.advance(60);
    assert_eq!(handle.status(), "waiting");
    bench.advance(3600);
    assert_eq!(handle.status(), "waiting");
    let body = json!({"environment_ids": [id], "state": "approved", "comment": "yes"});
    assert_eq!(bench.call(&format!("POST /actions/runs/{run}/pending_deployments"), body).await.status, 200);
    bench.advance(39);
    assert_eq!(handle.status(), "in_progress");
    bench.advance(1);
    assert_eq!((handle.status().as_str(), handle.conclusion().as_deref()), ("completed", Some("success")));
}

#[tokio::test]
async fn a_step_that_fails_ends_the_run_however_much_time_passes_at_once() {
    let bench = Bench::start().await;
    let mut file = workflow(Moves::ByClock { queued: 1 });
    file.jobs[1].steps[0] = StepScript { fails: true, ..StepScript::new("Roll out", 30, "no room") };
    bench.repository.workflow(file);
    let run = bench.dispatched("1").await;
    bench.advance(10_000);
    assert_eq!(bench.ci.run(run).conclusion().as_deref(), Some("failure"));
    let jobs = bench.call(&format!("GET /actions/runs/{run}/jobs"), serde_json::Value::Null).await.body;
    let conclusions: Vec<_> = [&jobs["jobs"][0], &jobs["jobs"][1]].map(|job| job["conclusion"].clone()).into();
    assert_eq!(conclusions, ["success", "failure"]);
    assert_eq!(jobs["jobs"][1]["steps"][1]["conclusion"], "skipped");
    // Times are those at which it happened, not when somebody looked.
    assert_eq!(jobs["jobs"][0]["completed_at"], "2026-09-21T14:14:21Z");
}

#[tokio::test]
async fn a_webhook_goes_out_though_nobody_looks() {
    let bench = Bench::start().await;
    bench.repository.workflow(workflow(Moves::ByClock { queued: 5 }));
    bench.ci.set_webhook("http://127.0.0.1:9/hook", "secret");
    bench.dispatched("1").await;
    bench.ci.until(|ci| ci.deliveries().len() == 1).await;
    bench.advance(5);
    bench.ci.until(|ci| ci.deliveries().len() == 3).await;
    let told: Vec<String> = bench.ci.deliveries().into_iter().map(|it| it.event).collect();
    assert_eq!(told, ["workflow_run", "workflow_job", "workflow_run"]);
    let first = &bench.ci.deliveries()[0];
    assert_eq!(first.signature, sandbox::ci::sign("secret", first.body.as_bytes()));
    assert_eq!(first.status, 0);
}

#[tokio::test]
async fn a_page_shows_runs_and_moves_them() {
    let bench = Bench::start().await;
    bench.repository.environment("staging", &["ann"]);
    let run = bench.dispatched("1").await;
    let act = |body: serde_json::Value| bench.ci.act(&serde_json::from_value::<Act>(body).expect("an act"));
    act(json!({"act": "begin", "run": run})).expect("begun");
    act(json!({"act": "step", "run": run, "name": "Sign"})).expect("a step");
    let view = bench.ci.view();
    let shown = &view["repositories"][0]["runs"][0];
    assert_eq!((&shown["status"], &shown["inputs"]["id"]), (&json!("in_progress"), &json!("1")));
    assert_eq!(shown["jobs"][0]["steps"][1]["name"], "Sign");
    act(json!({"act": "begin", "run": run})).expect("begun");
    let review =
        |login: &str| json!({"act": "review", "run": run, "environment": "staging", "login": login, "approve": true});
    assert!(act(review("bo")).is_err());
    act(review("ann")).expect("approved");
    act(json!({"act": "finish", "run": run, "conclusion": "success"})).expect("ended");
    assert_eq!(bench.ci.view()["repositories"][0]["runs"][0]["conclusion"], "success");
    assert!(act(json!({"act": "begin", "run": 1})).is_err());
}

#[tokio::test]
async fn what_a_run_cannot_do_is_refused_with_why_and_changes_nothing() {
    let bench = Bench::start().await;
    bench.repository.environment("staging", &["ann"]);
    let run = bench.dispatched("1").await;
    let act = |body: serde_json::Value| bench.ci.act(&serde_json::from_value::<Act>(body).expect("an act"));
    let refused = |body: serde_json::Value, why: &str| {
        let before = bench.ci.view();
        let told = act(body).expect_err("it can't be");
        assert!(told.contains(why), "{told}");
        assert_eq!(bench.ci.view(), before, "{told}");
    };
    let finish = |conclusion: &str| json!({"act": "finish", "run": run, "conclusion": conclusion});
    let step = |name: &str| json!({"act": "step", "run": run, "name": name});
    let review = |approve: bool| json!({"act": "review", "run": run, "environment": "staging", "login": "ann", "approve": approve});
    refused(json!({"act": "begin", "run": 1}), "there is no run 1");
    refused(step("Sign"), "a runner begins one first");
    refused(finish("success"), "only be cancelled");
    refused(finish("splendid"), "success, failure, timed_out or cancelled");
    refused(review(true), "does not wait for a reviewer of staging");
    act(json!({"act": "begin", "run": run})).expect("begun");
    let first = bench.ci.view()["repositories"][0]["runs"][0]["jobs"][0]["steps"][0]["name"].clone();
    refused(step(first.as_str().expect("a name")), "has begun already");
    refused(step(""), "one line of 1 to 100");
    refused(step("a\nb"), "one line of 1 to 100");
    act(json!({"act": "begin", "run": run})).expect("the next job waits");
    refused(json!({"act": "begin", "run": run}), "waits for a reviewer of staging");
    act(review(false)).expect("rejected");
    refused(finish("cancelled"), "has ended already: failure");
    refused(review(true), "has ended already: failure");
}

#[tokio::test]
async fn every_step_is_told_to_who_looks() {
    let bench = Bench::start().await;
    bench.repository.workflow(workflow(Moves::ByClock { queued: 5 }));
    let mut version = bench.ci.version();
    bench.dispatched("1").await;
    let standing = || bench.ci.view()["repositories"][0]["runs"][0].clone();
    let mut seen = vec![standing()];
    for _ in 0..25 {
        version.mark_unchanged();
        bench.advance(5);
        // Looking moves what is due, and so tells of it.
        let now = standing();
        assert_eq!(version.has_changed().expect("it lives"), seen.last() != Some(&now), "{now}");
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    // Queued, three steps in two jobs, and the end.
    assert_eq!(seen.len(), 5, "{seen:?}");
}
