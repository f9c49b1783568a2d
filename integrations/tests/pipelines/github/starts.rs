//! Dispatches: once at most, with the exact commit, and found again by their id.

use std::time::Duration;

use integrations::pipelines::github::{Connection, GitHub};
use integrations::pipelines::{Failure, Pipeline, Refused};
use integrations::secret::Secret;
use operations::pipeline::Idempotency;
use sandbox::ci::{Fault, RunDetails};

use super::{DISPATCH, ID, RUNS, World, order, target, workflow};
use crate::common::{settle, until};

#[tokio::test]
async fn a_start_gives_the_run_and_sends_only_what_is_mapped() {
    for enterprise in [false, true] {
        let world = World::at(enterprise).await;
        let run = world.github().start(&world.order()).await.expect("a run");
        let dispatches = world.ci.dispatches();
        assert_eq!(dispatches.len(), 1);
        assert_eq!(run.id, dispatches[0].run.to_string());
        assert!(run.url.expect("an address").ends_with(&format!("/acme/shop/actions/runs/{}", run.id)));
        assert_eq!(dispatches[0].reference, "refs/heads/main");
        let inputs: Vec<(&str, &str)> =
            dispatches[0].inputs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(inputs, [("commit", world.new.as_str()), ("environment", "production"), ("muster_id", ID)]);
        assert_eq!(world.ci.unexpected(), Vec::<String>::new());
        assert_eq!(world.github().capabilities().idempotency, Idempotency::Find);
    }
}

#[tokio::test]
async fn every_word_can_go_in_an_input_and_so_do_parameters() {
    let world = World::new().await;
    let mut file = workflow("deploy.yml");
    let more = ["who", "svc", "back", "replicas"].map(sandbox::ci::Input::text);
    file.dispatch.as_mut().expect("inputs").extend(more);
    world.repository.workflow(file);
    let github = world.with(|target| {
        target.inputs.reason = "why".to_owned();
        target.inputs.by = "who".to_owned();
        target.inputs.service = "svc".to_owned();
        target.inputs.rollback = "back".to_owned();
    });
    let mut order = world.order();
    order.is_rollback = true;
    order.parameters.insert("replicas".to_owned(), "3".to_owned());
    github.start(&order).await.expect("a run");
    let inputs = &world.ci.dispatches()[0].inputs;
    for (name, value) in [("why", "The till"), ("who", "Ann"), ("svc", "shop"), ("back", "true"), ("replicas", "3")] {
        assert_eq!(inputs[name], value);
    }
    // A parameter can't stand in for what Muster says.
    order.parameters.insert("commit".to_owned(), "0".repeat(40));
    let failure = github.start(&order).await.expect_err("refused");
    assert!(failure.is(Refused::Malformed), "{failure:?}");
    assert_eq!(world.ci.dispatches().len(), 1);
}

#[tokio::test]
async fn the_planned_commit_goes_in_its_input_where_the_branch_has_moved() {
    let world = World::new().await;
    world.repository.push("main", "Later", "Cy");
    world.github().start(&world.order()).await.expect("a run");
    assert_eq!(world.ci.dispatches()[0].inputs["commit"], world.new);
}

#[tokio::test]
async fn a_commit_is_dispatched_on_the_default_branch_and_a_tag_on_itself() {
    let world = World::new().await;
    world.repository.annotated_tag("v1", "commit", &world.old);
    world.repository.branch("stable", &world.old);
    let github = world.github();
    for reference in [&world.old, "v1", &world.old[..9], "stable"] {
        github.start(&order(ID, reference, &world.old)).await.expect("a run");
    }
    let stable = world.with(|target| target.default_ref = Some("stable".to_owned()));
    stable.start(&order(ID, &world.new, &world.new)).await.expect("a run");
    let references: Vec<String> = world.ci.dispatches().into_iter().map(|it| it.reference).collect();
    let all = ["refs/heads/main", "refs/tags/v1", "refs/heads/main", "refs/heads/stable", "refs/heads/stable"];
    assert_eq!(references, all);
}

#[tokio::test]
async fn without_an_input_for_the_commit_the_branch_must_stand_there() {
    let world = World::new().await;
    let github = world.with(|target| target.inputs.commit = String::new());
    github.start(&world.order()).await.expect("a run");
    let failure = github.start(&order(ID, "main", &world.old)).await.expect_err("refused");
    assert!(failure.is(Refused::Conflict), "{failure:?}");
    let failure = github.start(&order(ID, &world.old, &world.old)).await.expect_err("refused");
    assert!(failure.is(Refused::Conflict), "{failure:?}");
    assert_eq!(world.ci.dispatches().len(), 1);
}

#[tokio::test]
async fn a_run_at_another_commit_is_stopped_where_the_branch_moved_in_between() {
    let world = World::new().await;
    let github = world.with(|target| target.inputs.commit = String::new());
    world.ci.fault(DISPATCH, 1, Fault::Stall { seconds: 5 });
    let order = world.order();
    let moves = async {
        until("the dispatch is on its way", || world.ci.faults_left() == 0).await;
        world.repository.push("main", "Sneaked in", "Cy");
        settle().await;
        world.clock.advance(Duration::from_secs(5));
    };
    let (failure, ()) = tokio::join!(github.start(&order), moves);
    assert!(matches!(failure, Err(Failure::Unknown { .. })), "{failure:?}");
    let run = world.ci.dispatches()[0].run;
    assert_eq!(world.ci.run(run).conclusion().as_deref(), Some("cancelled"));
}

#[tokio::test]
async fn a_204_is_followed_by_a_look_for_the_run() {
    let world = World::new().await;
    world.ci.set_run_details(RunDetails::Ignored);
    let github = world.github();
    let run = world.driven(github.start(&world.order())).await.expect("a run");
    assert_eq!(run.id, world.ci.dispatches()[0].run.to_string());
    assert!(run.url.is_some());
}

#[tokio::test]
async fn a_run_that_is_not_listed_yet_is_unknown_and_found_later() {
    let world = World::new().await;
    world.ci.set_run_details(RunDetails::Ignored);
    world.ci.set_unlisted(1);
    let github = world.github();
    let order = world.order();
    let failure = world.driven(github.start(&order)).await;
    assert!(matches!(failure, Err(Failure::Unknown { .. })), "{failure:?}");
    assert_eq!(github.find(&order).await, Ok(None));
    world.ci.set_unlisted(0);
    let run = github.find(&order).await.expect("an answer").expect("a run");
    assert_eq!(run.id, world.ci.dispatches()[0].run.to_string());
    assert_eq!(world.ci.dispatches().len(), 1);
}

#[tokio::test]
async fn an_older_server_is_asked_again_without_the_field_and_remembered() {
    for status in [400, 422] {
        let world = World::at(true).await;
        world.ci.set_run_details(RunDetails::Refused(status));
        let github = world.github();
        world.driven(github.start(&world.order())).await.expect("a run");
        assert_eq!((world.ci.called(DISPATCH), world.ci.dispatches().len()), (2, 1));
        world.driven(github.start(&order("muster-d8-4f0c9a1e", "main", &world.new))).await.expect("a run");
        assert_eq!((world.ci.called(DISPATCH), world.ci.dispatches().len()), (3, 2));
        assert_eq!(world.ci.unexpected(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_start_whose_answer_was_lost_is_unknown_and_was_sent_once() {
    let faults = [
        (Fault::DropAfterWork, 1),
        (Fault::StatusAfterWork { status: 500 }, 1),
        (Fault::CutAfterWork, 1),
        (Fault::Reset, 0),
        (Fault::Status { status: 502 }, 0),
        (Fault::Html, 0),
    ];
    for (fault, effects) in faults {
        let world = World::new().await;
        let (github, order) = (world.github(), world.order());
        world.ci.fault(DISPATCH, 1, fault.clone());
        let failure = world.driven(github.start(&order)).await.expect_err("lost");
        assert!(matches!(failure, Failure::Unknown { .. }), "{fault:?}: {failure:?}");
        assert!(!format!("{failure:?} {failure}").contains(&world.ci.token()));
        assert_eq!((world.ci.called(DISPATCH), world.ci.dispatches().len()), (1, effects), "{fault:?}");
        let found = github.find(&order).await.expect("an answer").map(|run| run.id);
        assert_eq!(found, world.ci.dispatches().first().map(|it| it.run.to_string()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_start_that_is_never_answered_is_unknown() {
    let world = World::new().await;
    world.ci.fault(DISPATCH, 1, Fault::StallAfterWork { seconds: 600 });
    let (github, order) = (world.github(), world.order());
    let passes = async {
        until("it was done", || !world.ci.dispatches().is_empty()).await;
        settle().await;
        world.clock.advance(Duration::from_secs(10));
    };
    let (failure, ()) = tokio::join!(github.start(&order), passes);
    assert!(matches!(failure, Err(Failure::Unknown { .. })), "{failure:?}");
    assert!(github.find(&order).await.expect("an answer").is_some());
}

#[tokio::test]
async fn nothing_was_sent_where_nobody_listens() {
    let world = World::new().await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let api_url = format!("http://{}", nobody.local_addr().expect("an address"));
    drop(nobody);
    let connection = Connection { api_url, token: Secret::new("secret-token-1234") };
    let github = GitHub::new(connection, target(), world.shared()).expect("an adapter");
    let failure = world.driven(github.start(&world.order())).await.expect_err("no connection");
    assert!(matches!(failure, Failure::Transient { .. }), "{failure:?}");
}

#[tokio::test]
async fn only_the_run_with_exactly_this_id_is_found() {
    let world = World::new().await;
    world.repository.workflow(workflow("other.yml"));
    let github = world.github();
    let other = world.with(|target| target.workflow = "other.yml".to_owned());
    for id in ["muster-d7-4f0c9a1e2", "muster-d71-4f0c9a1e", "x-muster-d7-4f0c9a1e", "muster-d7-4f0c9a1"] {
        github.start(&order(id, "main", &world.new)).await.expect("a run");
    }
    other.start(&world.order()).await.expect("a run");
    world.repository.started("deploy.yml", "push", &format!("Deploy production {ID}"), "main");
    assert_eq!(github.find(&world.order()).await, Ok(None));
    let run = world.started().await;
    // Somebody dispatches one more with the same id: the first is the order's.
    github.start(&world.order()).await.expect("a run");
    assert_eq!(github.find(&world.order()).await.expect("an answer").map(|run| run.id), Some(run.id));
}

#[tokio::test]
async fn a_run_is_found_on_a_later_page_but_not_after_more_than_a_day() {
    let world = World::new().await;
    let run = world.started().await;
    for at in 0..205 {
        world.repository.started("deploy.yml", "workflow_dispatch", &format!("Deploy {at}"), "main");
    }
    let github = world.github();
    let found = github.find(&world.order()).await.expect("an answer");
    assert_eq!(found.map(|run| run.id), Some(run.id));
    assert_eq!(world.ci.called(RUNS), 3);
    world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(github.find(&world.order()).await, Ok(None));
}

#[tokio::test]
async fn that_there_is_no_run_is_not_said_where_not_all_are_listed() {
    let world = World::new().await;
    let run = world.started().await;
    for at in 0..1_000 {
        world.repository.started("deploy.yml", "workflow_dispatch", &format!("Deploy {at}"), "main");
    }
    let failure = world.github().find(&world.order()).await;
    assert!(matches!(failure, Err(Failure::Transient { .. })), "{failure:?} {run:?}");
}

#[tokio::test]
async fn what_the_workflow_refuses_is_told_in_githubs_words() {
    let world = World::new().await;
    let cases: [(&str, &str, &str); 3] = [
        ("reason", "not-declared", "Unexpected inputs provided: [\"not-declared\"]"),
        ("environment", "commit2", "Unexpected inputs provided"),
        ("id", "other_id", "Unexpected inputs provided"),
    ];
    for (word, input, said) in cases {
        let github = world.with(|target| match word {
            "reason" => target.inputs.reason = input.to_owned(),
            "environment" => target.inputs.environment = input.to_owned(),
            _ => target.inputs.id = input.to_owned(),
        });
        let failure = github.start(&world.order()).await.expect_err("refused");
        assert!(failure.is(Refused::Malformed) && failure.to_string().contains(said), "{failure:?}");
    }
    let mut order = world.order();
    order.environment = "moon".to_owned();
    let failure = world.github().start(&order).await.expect_err("refused");
    assert!(failure.to_string().contains("not in the list of allowed values"), "{failure:?}");
    let failure = world.with(|target| target.workflow = "gone.yml".to_owned()).start(&world.order()).await;
    assert!(failure.as_ref().is_err_and(|it| it.is(Refused::NotFound)), "{failure:?}");
    assert!(world.ci.dispatches().is_empty());
}

#[tokio::test]
async fn a_hostile_order_leads_nowhere() {
    let world = World::new().await;
    let github = world.github();
    let before = world.ci.requests().len();
    for reference in
        ["../../../user", "main?x=1", "main\nX: y", "a b", "refs/heads/../../x", ".", "-x", "a//b", "a#b\\"]
    {
        let failure = github.start(&order(ID, reference, &world.new)).await.expect_err(reference);
        assert!(failure.is(Refused::Malformed), "{reference}: {failure:?}");
    }
    for commit in ["main", "../../x", &world.new[..12], ""] {
        let failure = github.start(&order(ID, "main", commit)).await.expect_err(commit);
        assert!(failure.is(Refused::Malformed), "{commit}: {failure:?}");
    }
    assert_eq!(world.ci.requests().len(), before);
    let failure = github.start(&order(ID, "a%2f..#b", &world.new)).await.expect_err("refused");
    assert!(failure.is(Refused::Malformed) || failure.is(Refused::NotFound), "{failure:?}");
    assert!(world.ci.requests().iter().all(|it| it.path.starts_with("/repos/acme/shop/git/ref/")));
    assert!(world.ci.dispatches().is_empty());
}
