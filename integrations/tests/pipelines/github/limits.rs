//! Limits, refusals and troubles, on starts and on reads.

use std::time::Duration;

use integrations::pipelines::{Failure, Pipeline, Refused};
use operations::pipeline::Run;
use sandbox::ci::{Fault, Limit};

use super::{DISPATCH, World};

const RUN: &str = "GET /repos/{owner}/{repo}/actions/runs/{run_id}";

fn waits(failure: &Failure) -> Option<u64> {
    match failure {
        Failure::Transient { retry_after, .. } => retry_after.map(|wait| wait.as_secs()),
        Failure::Permanent { .. } | Failure::Unknown { .. } => None,
    }
}

#[tokio::test]
async fn every_form_of_limit_is_transient_with_its_wait() {
    let limits = [
        (Limit::Primary { status: 403, resets_in: 900 }, 900),
        (Limit::Primary { status: 429, resets_in: 900 }, 900),
        (Limit::Secondary { status: 403, retry_after: Some(30) }, 30),
        (Limit::Secondary { status: 429, retry_after: Some(30) }, 30),
        (Limit::Secondary { status: 403, retry_after: None }, 60),
    ];
    for (limit, seconds) in limits {
        let world = World::new().await;
        let (github, order) = (world.github(), world.order());
        let run = Run { id: "1".to_owned(), url: None };
        for (route, failure) in [
            (DISPATCH, world.ordered(DISPATCH, &limit, github.start(&order)).await.map(|_| ())),
            (RUN, world.ordered(RUN, &limit, github.look(&run)).await.map(|_| ())),
        ] {
            let failure = failure.expect_err("limited");
            assert_eq!(waits(&failure), Some(seconds), "{route} {limit:?}: {failure:?}");
        }
        assert!(world.ci.dispatches().is_empty());
    }
}

impl World {
    async fn ordered<T>(&self, route: &str, limit: &Limit, work: impl Future<Output = T>) -> T {
        self.ci.fault(route, 3, Fault::Limit(limit.clone()));
        let done = self.driven(work).await;
        self.ci.clear_faults();
        done
    }
}

#[tokio::test]
async fn a_429_without_a_time_is_waited_for_a_minute() {
    let world = World::new().await;
    let limit = Limit::Secondary { status: 429, retry_after: None };
    let order = world.order();
    let github = world.github();
    // The header of the hourly limit names a time, though it is not that limit.
    let failure = world.ordered(DISPATCH, &limit, github.start(&order)).await.expect_err("limited");
    assert_eq!(waits(&failure), Some(60), "{failure:?}");
    // The front answers without any header.
    world.ci.fault(DISPATCH, 1, Fault::Status { status: 429 });
    let failure = github.start(&order).await.expect_err("limited");
    assert_eq!(waits(&failure), Some(60), "{failure:?}");
    assert!(world.ci.dispatches().is_empty());
}

#[tokio::test]
async fn the_hourly_limit_is_told_with_its_end() {
    let world = World::new().await;
    world.ci.set_calls_left(0);
    let failure = world.github().resolve(None).await.expect_err("limited");
    assert_eq!(waits(&failure), Some(3600), "{failure:?}");
    world.clock.advance(Duration::from_secs(3600));
    world.github().resolve(None).await.expect("a commit");
}

#[tokio::test]
async fn refusals_have_their_kinds_and_hold_no_token() {
    let world = World::new().await;
    let (github, order) = (world.github(), world.order());
    let token = world.ci.token();
    world.ci.set_permission("actions:write", false);
    let failure = github.start(&order).await.expect_err("forbidden");
    assert!(failure.is(Refused::Forbidden), "{failure:?}");
    world.ci.set_permission("actions:write", true);
    world.repository.visible(false);
    let failure = github.start(&order).await.expect_err("not seen");
    assert!(failure.is(Refused::NotFound), "{failure:?}");
    let failure = github.resolve(None).await.expect_err("not seen");
    assert!(failure.is(Refused::NotFound) && failure.to_string().contains("may not see it"), "{failure:?}");
    world.repository.visible(true);
    world.ci.set_token("another");
    for failure in [github.start(&order).await.map(|_| ()), github.resolve(None).await.map(|_| ())] {
        let failure = failure.expect_err("refused");
        assert!(failure.is(Refused::Token), "{failure:?}");
        assert!(!format!("{failure} {failure:?}").contains(&token));
    }
    assert!(world.ci.dispatches().is_empty());
}

#[tokio::test]
async fn a_read_is_tried_again_and_a_lasting_trouble_is_transient() {
    let troubles =
        [Fault::Status { status: 502 }, Fault::Reset, Fault::DropAfterWork, Fault::StatusAfterWork { status: 500 }];
    for trouble in troubles {
        let world = World::new().await;
        let github = world.github();
        world.ci.fault("GET /repos/{owner}/{repo}", 2, trouble.clone());
        world.driven(github.resolve(None)).await.expect("the third time");
        world.ci.fault("GET /repos/{owner}/{repo}", 3, trouble.clone());
        let failure = world.driven(github.resolve(None)).await.expect_err("a trouble");
        assert!(matches!(failure, Failure::Transient { .. }), "{trouble:?}: {failure:?}");
        assert_eq!(world.ci.faults_left(), 0);
    }
}

#[tokio::test]
async fn what_is_no_json_is_a_trouble_of_reads() {
    let world = World::new().await;
    let github = world.github();
    for fault in [Fault::Html, Fault::CutAfterWork] {
        world.ci.fault("GET /repos/{owner}/{repo}", 1, fault);
        let failure = world.driven(github.resolve(None)).await.expect_err("no JSON");
        assert!(matches!(failure, Failure::Transient { .. }), "{failure:?}");
        assert!(!failure.to_string().contains("Unicorn"), "{failure}");
    }
}

#[tokio::test]
async fn a_repository_that_moved_is_not_followed() {
    let world = World::new().await;
    world.ci.fault("GET /repos/{owner}/{repo}", 1, Fault::Status { status: 301 });
    let failure = world.github().resolve(None).await.expect_err("moved");
    assert!(failure.is(Refused::NotFound) && failure.to_string().contains("renamed"), "{failure:?}");
}
