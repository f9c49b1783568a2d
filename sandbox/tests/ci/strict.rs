//! What GitHub refuses is refused, with its status and words.

use sandbox::ci::{Fault, Limit, RunDetails};
use serde_json::{Value, json};

use super::bench::{Bench, answer};

const DISPATCH: &str = "POST /actions/workflows/deploy.yml/dispatches";

#[tokio::test]
async fn calls_without_what_every_call_needs_are_refused() {
    let bench = Bench::start().await;
    let path = "GET /repos/acme/shop";
    let token = format!("Bearer {}", bench.ci.token());
    assert_eq!(answer(bench.bare(path).header("authorization", &token)).await.status, 403);
    let agent = || bench.bare(path).header("user-agent", "tests");
    assert_eq!(answer(agent()).await.refusal(), (401, "Requires authentication"));
    assert_eq!(answer(agent().header("authorization", "Bearer wrong")).await.refusal(), (401, "Bad credentials"));
    let known = || agent().header("authorization", &token);
    assert_eq!(answer(known().header("accept", "text/html")).await.status, 415);
    assert_eq!(answer(known().header("x-github-api-version", "2020-01-01")).await.status, 400);
    for version in ["2022-11-28", "2026-03-10"] {
        assert_eq!(answer(known().header("x-github-api-version", version)).await.status, 200);
    }
    bench.repository.visible(false);
    assert_eq!(answer(known()).await.refusal(), (404, "Not Found"));
    assert_eq!(bench.call("GET /no/such", Value::Null).await.status, 404);
    assert!(!bench.ci.unexpected().is_empty());
    assert!(!format!("{:?}", bench.ci.requests()).contains(&bench.ci.token()));
}

#[tokio::test]
async fn a_dispatch_is_refused_for_whatever_the_workflow_does_not_take() {
    let bench = Bench::start().await;
    let cases = [
        (json!({}), "Invalid request.\n\n\"ref\" wasn't supplied."),
        (json!({"ref": "main", "branch": "x"}), "Invalid request.\n\n\"branch\" is not a permitted key."),
        (json!({"ref": "gone", "inputs": {"id": "1"}}), "No ref found for: gone"),
        (json!({"ref": bench.head, "inputs": {"id": "1"}}), "No ref found for: "),
        (json!({"ref": "main", "inputs": {}}), "Required input 'id' not provided"),
        (json!({"ref": "main", "inputs": {"id": "1", "b": "", "a": ""}}), "Unexpected inputs provided: [\"a\",\"b\"]"),
        (
            json!({"ref": "main", "inputs": {"id": "1", "where": "moon"}}),
            "Provided value 'moon' for input 'where' not in the list of allowed values",
        ),
        (
            json!({"ref": "main", "inputs": {"id": "1", "dry": "maybe"}}),
            "Provided value 'maybe' for input 'dry' not in the list of allowed values",
        ),
        (json!({"ref": "main", "inputs": {"id": 1}}), "Invalid request.\n\nFor 'properties/id', 1 is not a string."),
    ];
    for (body, words) in cases {
        let answer = bench.call(DISPATCH, body).await;
        assert_eq!(answer.status, 422);
        assert!(answer.refusal().1.starts_with(words), "{answer:?}");
    }
    assert_eq!(bench.call("POST /actions/workflows/gone.yml/dispatches", json!({"ref": "main"})).await.status, 404);
    assert!(bench.ci.dispatches().is_empty() && bench.ci.runs("acme/shop").is_empty());
}

#[tokio::test]
async fn a_dispatch_tells_of_its_run_as_the_server_does() {
    let bench = Bench::start().await;
    let plain = json!({"ref": "main", "inputs": {"id": "7"}});
    let mut asking = plain.clone();
    asking["return_run_details"] = json!(true);
    assert_eq!(bench.call(DISPATCH, plain.clone()).await.status, 204);
    let told = bench.call(DISPATCH, asking.clone()).await;
    let run = told.body["workflow_run_id"].as_u64().expect("a run");
    assert_eq!((told.status, bench.ci.run(run).title().as_str()), (200, "Deploy 7 to staging"));
    assert!(told.body["run_url"].as_str().is_some_and(|url| url.ends_with(&format!("/actions/runs/{run}"))));
    // The newer version tells of it without being asked.
    let newest = bench.bare("POST /repos/acme/shop/actions/workflows/deploy.yml/dispatches").json(&plain);
    let newest = newest.header("authorization", format!("Bearer {}", bench.ci.token())).header("user-agent", "tests");
    assert_eq!(answer(newest.header("x-github-api-version", "2026-03-10")).await.status, 200);
    bench.ci.set_run_details(RunDetails::Ignored);
    assert_eq!(bench.call(DISPATCH, asking.clone()).await.status, 204);
    bench.ci.set_run_details(RunDetails::Refused(422));
    let refused = bench.call(DISPATCH, asking).await;
    assert_eq!(refused.refusal(), (422, "Invalid request.\n\n\"return_run_details\" is not a permitted key."));
    assert_eq!(bench.ci.dispatches().len(), 4);
}

#[tokio::test]
async fn a_run_that_ended_is_not_cancelled_and_one_that_runs_not_run_again() {
    let bench = Bench::start().await;
    let run = bench.dispatched("1").await;
    let path = |what: &str| format!("POST /actions/runs/{run}/{what}");
    assert_eq!(bench.call(&path("rerun"), Value::Null).await.refusal(), (403, "This workflow is already running"));
    assert_eq!(bench.call(&path("cancel"), Value::Null).await.status, 202);
    let refused = bench.call(&path("cancel"), Value::Null).await;
    assert_eq!(refused.refusal(), (409, "Cannot cancel a workflow run that is completed."));
    assert_eq!(bench.call(&path("rerun"), Value::Null).await.status, 201);
    let read = bench.call(&format!("GET /actions/runs/{run}"), Value::Null).await;
    assert_eq!((&read.body["status"], &read.body["run_attempt"]), (&json!("queued"), &json!(2)));
    assert_eq!(bench.call("POST /actions/runs/1/cancel", Value::Null).await.status, 404);
}

#[tokio::test]
async fn reviews_need_a_comment_a_gate_that_waits_and_a_reviewer() {
    let bench = Bench::start().await;
    let id = bench.repository.environment("staging", &["muster-bot"]);
    let other = bench.repository.environment("production", &["ann"]);
    let run = bench.dispatched("1").await;
    let handle = bench.ci.run(run);
    let path = format!("/actions/runs/{run}/pending_deployments");
    let review = |ids: Value, comment: Value| json!({"environment_ids": ids, "state": "approved", "comment": comment});
    handle.begin();
    assert_eq!(bench.call(&format!("GET {path}"), Value::Null).await.body, json!([]));
    handle.begin();
    let waiting = bench.call(&format!("GET {path}"), Value::Null).await.body;
    assert_eq!((&waiting[0]["environment"]["id"], &waiting[0]["current_user_can_approve"]), (&json!(id), &json!(true)));
    for body in [
        json!({"environment_ids": [id], "state": "approved"}),
        review(json!([]), json!("x")),
        review(json!([other]), json!("x")),
        json!({"environment_ids": [id], "state": "maybe", "comment": "x"}),
    ] {
        assert_eq!(bench.call(&format!("POST {path}"), body).await.status, 422);
    }
    bench.repository.environment("staging", &["ann"]);
    assert_eq!(bench.call(&format!("POST {path}"), review(json!([id]), json!("x"))).await.status, 422);
    bench.repository.environment("staging", &["muster-bot"]);
    assert_eq!(bench.call(&format!("POST {path}"), review(json!([id]), json!("x"))).await.status, 200);
    assert_eq!(handle.status(), "in_progress");
}

#[tokio::test]
async fn limits_and_troubles_come_on_order() {
    let bench = Bench::start().await;
    let route = "GET /repos/{owner}/{repo}";
    let get = async || bench.call("GET ", Value::Null).await;
    bench.ci.fault(route, 1, Fault::Limit(Limit::Primary { status: 403, resets_in: 60 }));
    let limited = get().await;
    assert_eq!((limited.status, limited.header("x-ratelimit-remaining")), (403, "0"));
    bench.ci.fault(route, 1, Fault::Limit(Limit::Secondary { status: 429, retry_after: Some(9) }));
    let limited = get().await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "9"));
    assert_ne!(limited.header("x-ratelimit-remaining"), "0");
    bench.ci.fault(route, 1, Fault::Status { status: 502 });
    assert_eq!(get().await.status, 502);
    bench.ci.fault(route, 1, Fault::Pass);
    bench.ci.fault(route, 1, Fault::Reset);
    assert_eq!(get().await.status, 200);
    assert!(bench.request("GET ").send().await.is_err());
    bench.ci.set_calls_left(1);
    assert_eq!(get().await.header("x-ratelimit-remaining"), "0");
    assert_eq!(get().await.status, 403);
    bench.advance(3600);
    assert_eq!(get().await.status, 200);
    assert_eq!(bench.ci.called(route), 8);
}

#[tokio::test]
async fn deployments_are_merged_and_held_back_unless_it_is_said_otherwise() {
    let bench = Bench::start().await;
    let old = bench.head.clone();
    bench.repository.push("main", "Second", "Bo");
    bench.repository.status(&old, "janky", "failure");
    let create = async |body: Value| bench.call("POST /deployments", body).await.status;
    // `auto_merge` is on where it is left out.
    assert_eq!(create(json!({"ref": old})).await, 202);
    assert_eq!(create(json!({"ref": old, "auto_merge": false})).await, 409);
    assert!(bench.repository.deployments().is_empty());
    assert_eq!(create(json!({"ref": old, "auto_merge": false, "required_contexts": []})).await, 201);
    assert_eq!(create(json!({"ref": "gone", "auto_merge": false})).await, 422);
    let id = bench.repository.deployments()[0].0["id"].as_u64().expect("an id");
    let path = format!("POST /deployments/{id}/statuses");
    assert_eq!(bench.call(&path, json!({"state": "great"})).await.status, 422);
    assert_eq!(bench.call(&path, json!({"state": "success", "description": "x".repeat(141)})).await.status, 422);
    assert_eq!(bench.call(&path, json!({"state": "success"})).await.status, 201);
}
