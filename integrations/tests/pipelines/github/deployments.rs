//! Records of deploys as GitHub's deployments.

use integrations::pipelines::github::deployments::{Record, Stands};
use integrations::pipelines::{Failure, Refused};
use sandbox::ci::Fault;

use super::{ID, World};

const CREATE: &str = "POST /repos/{owner}/{repo}/deployments";
const STATUS: &str = "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses";

fn record(commit: &str, stands: Stands) -> Record {
    Record {
        id: ID.to_owned(),
        commit: commit.to_owned(),
        environment: "production".to_owned(),
        is_production: true,
        stands,
        description: "Ann deploys shop".to_owned(),
        log_url: Some("https://ci.example.com/1".to_owned()),
    }
}

#[tokio::test]
async fn a_deploy_is_one_deployment_with_a_status_for_each_stand() {
    let world = World::new().await;
    let github = world.github();
    let first = github.record(&record(&world.new, Stands::InProgress)).await.expect("recorded");
    for stands in [Stands::InProgress, Stands::Success, Stands::Success] {
        assert_eq!(github.record(&record(&world.new, stands)).await, Ok(first));
    }
    let deployments = world.repository.deployments();
    assert_eq!(deployments.len(), 1);
    let (deployment, statuses) = &deployments[0];
    assert_eq!(deployment["payload"]["muster_id"], ID);
    assert_eq!((&deployment["sha"], &deployment["production_environment"]), (&world.new.as_str().into(), &true.into()));
    let states: Vec<&str> = statuses.iter().filter_map(|it| it["state"].as_str()).collect();
    assert_eq!(states, ["in_progress", "success"]);
    assert_eq!(statuses[0]["log_url"], "https://ci.example.com/1");
    assert_eq!(world.ci.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_merged_and_no_check_stands_in_the_way() {
    let world = World::new().await;
    world.repository.status(&world.old, "janky", "failure");
    // Behind the default branch: GitHub would merge where `auto_merge` is left out.
    world.github().record(&record(&world.old, Stands::Queued)).await.expect("recorded");
    let sent = world.ci.requests().into_iter().find(|it| it.route == CREATE).expect("a call").body;
    assert_eq!((&sent["auto_merge"], &sent["required_contexts"]), (&false.into(), &serde_json::json!([])));
    assert_eq!(world.repository.deployments().len(), 1);
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_is_not_made_twice() {
    for fault in [Fault::DropAfterWork, Fault::StatusAfterWork { status: 502 }, Fault::CutAfterWork] {
        let world = World::new().await;
        let github = world.github();
        world.ci.fault(CREATE, 1, fault.clone());
        let failure = github.record(&record(&world.new, Stands::InProgress)).await.expect_err("lost");
        assert!(matches!(failure, Failure::Unknown { .. }), "{failure:?}");
        world.ci.fault(STATUS, 1, fault.clone());
        // A status says nothing that is read, so a cut answer does no harm.
        let again = github.record(&record(&world.new, Stands::InProgress)).await;
        assert_eq!(again.is_err(), fault != Fault::CutAfterWork);
        github.record(&record(&world.new, Stands::InProgress)).await.expect("recorded");
        let deployments = world.repository.deployments();
        assert_eq!((deployments.len(), deployments[0].1.len()), (1, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn anothers_deployment_of_the_same_commit_is_left_alone() {
    let world = World::new().await;
    let github = world.github();
    let other = Record { id: "muster-d7-4f0c9a1e2".to_owned(), ..record(&world.new, Stands::Queued) };
    let first = github.record(&other).await.expect("recorded");
    let second = github.record(&record(&world.new, Stands::Queued)).await.expect("recorded");
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_long_description_is_cut_and_a_hostile_address_left_out() {
    let world = World::new().await;
    let mut long = record(&world.new, Stands::Failure);
    long.description = "ä".repeat(500);
    long.log_url = Some("javascript:alert(1)".to_owned());
    world.github().record(&long).await.expect("recorded");
    assert_eq!(world.repository.deployments()[0].1[0]["log_url"], "");
    long.commit = "../../x".to_owned();
    assert!(world.github().record(&long).await.is_err_and(|it| it.is(Refused::Malformed)));
}
