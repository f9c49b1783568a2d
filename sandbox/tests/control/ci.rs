//! The CI server over the control API: what a page shows of its runs, what it can do, and that it hears of changes.

use sandbox::ci::{Input, JobScript, Moves, StepScript, Workflow};
use serde_json::{Value, json};

use crate::bench::Bench;

/// A repository with a workflow of one step that reviewers of `production` hold, and one run of it.
fn stocked(bench: &Bench) -> u64 {
    let repository = bench.sandbox.ci.repository("acme/shop");
    repository.push("main", "<script>alert(1)</script>", "Ann");
    repository.environment("production", &["bob"]);
    let job = |name: &str, environment: Option<&str>| JobScript {
        name: name.to_owned(),
        environment: environment.map(str::to_owned),
        steps: vec![StepScript::new("copy", 1, "copied")],
    };
    repository.workflow(Workflow {
        file: "deploy.yml".to_owned(),
        name: "Deploy".to_owned(),
        run_name: None,
        dispatch: Some(vec![Input::text("region")]),
        jobs: vec![job("test", None), job("ship", Some("production"))],
        moves: Moves::ByHand,
    });
    repository.started("deploy.yml", "push", "Deploy", "main")
}

fn newest(view: &Value) -> &Value {
    &view["repositories"][0]["runs"][0]
}

#[tokio::test]
async fn runs_are_shown_moved_and_reviewed() {
    let bench = Bench::start().await;
    assert_eq!(bench.get("/ci/view").await.done()["repositories"], json!([]));
    let run = stocked(&bench);
    let view = bench.get("/ci/view").await.done();
    let shown = newest(&view);
    assert_eq!((&shown["id"], &shown["status"]), (&json!(run), &json!("queued")));
    assert_eq!((&shown["display_title"], &shown["actor"]["login"]), (&json!("Deploy"), &json!("ann")));
    assert_eq!(shown["jobs"][0]["steps"], json!([{"name": "copy", "status": "queued", "conclusion": null}]));
    assert_eq!(bench.post("/ci/act", json!({"act": "begin", "run": run})).await.done(), json!({}));
    let view = bench.get("/ci/view").await.done();
    assert_eq!(newest(&view)["jobs"][0]["steps"][0]["status"], "in_progress");
    assert!(newest(&view)["jobs"][0]["log"].as_str().is_some_and(|log| log.contains("copied")), "{view}");
    bench.post("/ci/act", json!({"act": "begin", "run": run})).await.done();
    assert_eq!(newest(&bench.get("/ci/view").await.done())["status"], "waiting");
    let review = |login: &str| json!({"act": "review", "run": run, "environment": "production", "login": login, "approve": true});
    let told = bench.post("/ci/act", review("ann")).await.refusal();
    assert_eq!(told, (400, "You are not a required reviewer of this environment".to_owned()));
    bench.post("/ci/act", review("bob")).await.done();
    bench.post("/ci/act", json!({"act": "finish", "run": run, "conclusion": "success"})).await.done();
    let view = bench.get("/ci/view").await.done();
    assert_eq!(newest(&view)["conclusion"], "success");
}

#[tokio::test]
async fn what_is_no_act_or_cannot_be_is_refused_in_a_sentence() {
    let bench = Bench::start().await;
    let run = stocked(&bench);
    for (body, why) in [
        (json!({"act": "begin", "run": 1}), "there is no run 1"),
        (json!({"act": "finish", "run": run, "conclusion": "success"}), "it can only be cancelled"),
        (json!({"act": "explode", "run": run}), "unknown variant `explode`"),
        (json!({"act": "begin", "run": run, "job": 2}), "unknown field `job`"),
        (json!({"act": "begin"}), "missing field `run`"),
        (json!([]), "missing field `act`"),
    ] {
        let (status, told) = bench.post("/ci/act", body).await.refusal();
        assert!(status == 400 && told.contains(why), "{status} {told}");
    }
    let form = bench.request("POST", "/ci/act").header("content-type", "text/plain").body("{}");
    assert_eq!(bench.send(form).await.status, 415);
    let foreign = bench.request("POST", "/ci/act").header("origin", "http://example.com");
    assert_eq!(bench.send(foreign.header("content-type", "application/json").body("{}")).await.status, 403);
    assert_eq!(newest(&bench.get("/ci/view").await.done())["status"], "queued");
}

#[tokio::test]
async fn who_waits_for_changes_hears_of_each_move() {
    let bench = Bench::start().await;
    let run = stocked(&bench);
    let mut changes = bench.sandbox.changes();
    for act in [json!({"act": "begin", "run": run}), json!({"act": "step", "run": run, "name": "sign"})] {
        bench.post("/ci/act", act).await.done();
        let change = tokio::time::timeout(std::time::Duration::from_secs(20), async {
            loop {
                let change = changes.recv().await.expect("the sandbox lives");
                if change.platform == "ci" {
                    return change;
                }
            }
        });
        assert_eq!(change.await.expect("it is told").channel, "");
    }
}
