//! A run from its beginning to its end, and what is done about it.

use integrations::pipelines::{Failure, Pipeline, Refused};
use operations::pipeline::{Gate, Run, RunState};
use sandbox::ci::{Fault, RunHandle};

use super::World;

const CANCEL: &str = "POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel";
const REVIEW: &str = "POST /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments";

async fn running(world: &World) -> (Run, RunHandle) {
    let run = world.started().await;
    let handle = world.ci.run(run.id.parse().expect("a number"));
    (run, handle)
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() {
    let world = World::new().await;
    let github = world.github();
    let (run, handle) = running(&world).await;
    let looked = github.look(&run).await.expect("a look");
    assert_eq!((looked.state, looked.done, looked.total, looked.step), (RunState::Queued, 0, 2, None));
    handle.begin();
    handle.step("Build");
    let looked = github.look(&run).await.expect("a look");
    assert_eq!((looked.state, looked.done, looked.total), (RunState::Running, 1, 3));
    assert_eq!(looked.step.expect("a step").as_str(), "build: Build");
    handle.begin();
    handle.finish("success");
    let looked = github.look(&run).await.expect("a look");
    assert_eq!((looked.state, looked.done, looked.total, looked.step), (RunState::Succeeded, 3, 3, None));
    assert!(looked.run.is_none());
    let bare = Run { url: None, ..run };
    assert!(github.look(&bare).await.expect("a look").run.expect("news").url.is_some());
    assert_eq!(world.ci.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn every_end_has_its_state_and_the_step_that_failed_is_named() {
    let ends = [
        ("success", RunState::Succeeded),
        ("neutral", RunState::Succeeded),
        ("failure", RunState::Failed),
        ("timed_out", RunState::Failed),
        ("action_required", RunState::Failed),
        ("startup_failure", RunState::Failed),
        ("stale", RunState::Failed),
        ("skipped", RunState::Failed),
        ("something_new", RunState::Failed),
        ("cancelled", RunState::Cancelled),
    ];
    for (conclusion, state) in ends {
        let world = World::new().await;
        let (run, handle) = running(&world).await;
        handle.begin();
        handle.step("Build");
        handle.finish(conclusion);
        let looked = world.github().look(&run).await.expect("a look");
        assert_eq!(looked.state, state, "{conclusion}");
        if conclusion == "failure" {
            assert_eq!(looked.step.expect("a step").as_str(), "build: Build");
        }
    }
}

#[tokio::test]
async fn a_gate_is_told_and_approved() {
    let world = World::new().await;
    let id = world.repository.environment("production", &["muster-bot", "ann"]);
    let github = world.github();
    let (run, handle) = running(&world).await;
    handle.begin();
    handle.begin();
    let looked = github.look(&run).await.expect("a look");
    let gate = Gate { id: id.to_string(), name: "production".into() };
    assert_eq!((looked.state, &looked.gates), (RunState::Waiting, &vec![gate.clone()]));
    github.decide(&run, &gate, true, "").await.expect("approved");
    let sent = world.ci.requests().into_iter().find(|it| it.route == REVIEW).expect("a review").body;
    assert_eq!(sent["comment"], "Approved with Muster");
    assert_eq!(github.look(&run).await.expect("a look").state, RunState::Running);
    let failure = github.decide(&run, &gate, false, "too late").await.expect_err("answered already");
    assert!(failure.is(Refused::Conflict), "{failure:?}");
    assert_eq!(world.ci.called(REVIEW), 1);
    assert_eq!(world.ci.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn a_gate_is_rejected_with_its_words_and_the_run_fails() {
    let world = World::new().await;
    let id = world.repository.environment("canary", &["muster-bot"]);
    let (run, handle) = running(&world).await;
    handle.begin();
    handle.wait_for_approval("canary");
    let gate = Gate { id: id.to_string(), name: "canary".into() };
    world.github().decide(&run, &gate, false, "Not on a Friday").await.expect("rejected");
    let sent = world.ci.requests().into_iter().find(|it| it.route == REVIEW).expect("a review").body;
    assert_eq!((&sent["state"], &sent["comment"]), (&"rejected".into(), &"Not on a Friday".into()));
    assert_eq!(world.github().look(&run).await.expect("a look").state, RunState::Failed);
}

#[tokio::test]
async fn somebody_elses_sooner_answer_and_anothers_gate_are_told_apart() {
    let world = World::new().await;
    let id = world.repository.environment("production", &["ann"]);
    let other = world.repository.environment("staging", &["muster-bot"]);
    let (run, handle) = running(&world).await;
    handle.begin();
    handle.begin();
    let gate = |id: &str| Gate { id: id.to_owned(), name: "production".into() };
    let github = world.github();
    let failure = github.decide(&run, &gate(&id.to_string()), true, "").await.expect_err("no reviewer");
    assert!(failure.is(Refused::Forbidden), "{failure:?}");
    let failure = github.decide(&run, &gate(&other.to_string()), true, "").await.expect_err("another's");
    assert!(failure.is(Refused::Conflict), "{failure:?}");
    for hostile in ["../1", "", "1,2", "[1]"] {
        let failure = github.decide(&run, &gate(hostile), true, "").await.expect_err(hostile);
        assert!(failure.is(Refused::Malformed), "{failure:?}");
    }
    handle.review("production", "ann", true).expect("approved");
    let failure = github.decide(&run, &gate(&id.to_string()), true, "").await.expect_err("too late");
    assert!(failure.is(Refused::Conflict), "{failure:?}");
    assert_eq!(world.ci.called(REVIEW), 0);
}

#[tokio::test]
async fn a_decision_whose_answer_was_lost_is_unknown() {
    let world = World::new().await;
    let id = world.repository.environment("production", &["muster-bot"]);
    let (run, handle) = running(&world).await;
    handle.begin();
    handle.begin();
    world.ci.fault(REVIEW, 1, Fault::DropAfterWork);
    let gate = Gate { id: id.to_string(), name: "production".into() };
    let failure = world.github().decide(&run, &gate, true, "").await.expect_err("lost");
    assert!(matches!(failure, Failure::Unknown { .. }), "{failure:?}");
    assert_eq!((world.ci.called(REVIEW), handle.status()), (1, "in_progress".to_owned()));
}

#[tokio::test]
async fn a_run_can_be_followed_without_the_right_to_review_it() {
    let world = World::new().await;
    world.repository.environment("production", &["ann"]);
    let (run, handle) = running(&world).await;
    handle.begin();
    handle.begin();
    let limit = Fault::Status { status: 404 };
    world.ci.fault("GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments", 1, limit);
    let looked = world.github().look(&run).await.expect("a look");
    assert_eq!((looked.state, looked.gates.len()), (RunState::Waiting, 0));
}

#[tokio::test]
async fn a_run_is_cancelled_once() {
    let world = World::new().await;
    let github = world.github();
    let (run, handle) = running(&world).await;
    world.ci.set_slow_cancel(true);
    handle.begin();
    github.cancel(&run).await.expect("taken");
    assert_eq!(github.look(&run).await.expect("a look").state, RunState::Running);
    world.ci.set_slow_cancel(false);
    github.cancel(&run).await.expect("taken");
    assert_eq!(github.look(&run).await.expect("a look").state, RunState::Cancelled);
    let failure = github.cancel(&run).await.expect_err("ended");
    assert!(failure.is(Refused::Conflict), "{failure:?}");
    world.ci.fault(CANCEL, 1, Fault::StatusAfterWork { status: 500 });
    let failure = github.cancel(&run).await.expect_err("lost");
    assert!(matches!(failure, Failure::Unknown { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_rerun_is_followed_in_its_newest_attempt() {
    let world = World::new().await;
    let github = world.github();
    let (run, handle) = running(&world).await;
    handle.begin();
    handle.finish("failure");
    let again = reqwest_post(&world, &format!("/repos/acme/shop/actions/runs/{}/rerun", run.id)).await;
    assert_eq!(again, 201);
    assert_eq!(github.look(&run).await.expect("a look").state, RunState::Queued);
}

async fn reqwest_post(world: &World, path: &str) -> u16 {
    let request = world.shared().http.post(format!("{}{path}", world.ci.api_url()));
    let request = request.header("authorization", format!("Bearer {}", world.ci.token()));
    let request = request.header("accept", "application/vnd.github+json").header("x-github-api-version", "2022-11-28");
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_hostile_run_leads_nowhere() {
    let world = World::new().await;
    let github = world.github();
    for id in ["../../user", "1?x=1", "1\n", "", "1/cancel", "+1", "99999999999999999999999"] {
        let run = Run { id: id.to_owned(), url: None };
        assert!(github.look(&run).await.is_err_and(|it| it.is(Refused::Malformed)), "{id}");
        assert!(github.cancel(&run).await.is_err_and(|it| it.is(Refused::Malformed)), "{id}");
        assert!(github.log(&run).await.is_err_and(|it| it.is(Refused::Malformed)), "{id}");
    }
    assert!(world.ci.requests().is_empty());
    let gone = Run { id: "1".to_owned(), url: None };
    assert!(github.look(&gone).await.is_err_and(|it| it.is(Refused::NotFound)));
}
