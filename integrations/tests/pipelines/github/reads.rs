//! What comes with a commit, and how its checks stand.

use integrations::pipelines::{Pipeline, Refused};
use operations::pipeline::{Changes, Checks};

use super::World;

#[tokio::test]
async fn changes_tell_commits_authors_files_and_merged_pull_requests() {
    let world = World::new().await;
    let repository = &world.repository;
    let one = repository.push("main", "One", "Ann");
    let two = repository.push("main", "Two", "Bo");
    let three = repository.push("main", "Three", "Ann");
    repository.pull(11, "The pair", &[&one, &two], true);
    repository.pull(12, "Still open", &[&three], false);
    let changes = world.github().changes(&world.new, &three).await.expect("changes");
    let subjects: Vec<&str> = changes.commits.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!((changes.ahead, changes.behind, changes.files), (3, 0, Some(3)));
    assert_eq!(subjects, ["Three", "Two", "One"]);
    assert_eq!(changes.authors, ["Ann".into(), "Bo".into()]);
    let pulls: Vec<(u64, &str)> = changes.pulls.iter().map(|it| (it.number, it.title.as_str())).collect();
    assert_eq!(pulls, [(11, "The pair")]);
    assert!(changes.url.expect("an address").contains("/acme/shop/compare/"));
}

#[tokio::test]
async fn going_back_and_aside_is_told_as_behind() {
    let world = World::new().await;
    let aside = world.repository.commit("Aside", "Cy", &[&world.old]);
    let github = world.github();
    let back = github.changes(&world.new, &world.old).await.expect("changes");
    assert_eq!((back.ahead, back.behind, back.commits.len()), (0, 1, 0));
    let aside = github.changes(&world.new, &aside).await.expect("changes");
    assert_eq!((aside.ahead, aside.behind), (1, 1));
    let same = github.changes(&world.new, &world.new).await.expect("changes");
    assert_eq!((same.ahead, same.behind, same.commits.len()), (0, 0, 0));
}

#[tokio::test]
async fn the_newest_of_many_commits_are_told_though_pages_begin_with_the_oldest() {
    let world = World::new().await;
    let mut last = String::new();
    for at in 0..305 {
        last = world.repository.push("main", &format!("Commit {at}"), if at == 3 { "Cy" } else { "Bo" });
    }
    world.repository.pull(9, "The last", &[&last], true);
    let changes = world.github().changes(&world.new, &last).await.expect("changes");
    assert_eq!((changes.ahead, changes.commits.len()), (305, Changes::LISTED));
    assert_eq!(changes.commits[0].subject.as_str(), "Commit 304");
    assert_eq!(changes.commits[19].subject.as_str(), "Commit 285");
    assert_eq!(changes.authors, ["Bo".into(), "Cy".into()]);
    assert_eq!(changes.pulls.len(), 1);
    // GitHub tells three hundred files at most, so how many there are is not known.
    assert_eq!(changes.files, None);
    assert_eq!(world.ci.called("GET /repos/{owner}/{repo}/compare/{basehead}"), 4);
    assert_eq!(world.ci.called("GET /repos/{owner}/{repo}/commits/{ref}/pulls"), 20);
}

#[tokio::test]
async fn changes_are_told_without_pull_requests_where_the_token_may_not_see_them() {
    let world = World::new().await;
    world.ci.set_permission("pull_requests:read", false);
    let changes = world.github().changes(&world.old, &world.new).await.expect("changes");
    assert_eq!((changes.ahead, changes.pulls.len()), (1, 0));
}

#[tokio::test]
async fn a_commit_that_is_not_known_is_not_compared() {
    let world = World::new().await;
    let failure = world.github().changes(&"c".repeat(40), &world.new).await.expect_err("not there");
    assert!(failure.is(Refused::NotFound), "{failure:?}");
    for hostile in ["main", "../../x", "a...b", ""] {
        let failure = world.github().changes(&world.old, hostile).await.expect_err(hostile);
        assert!(failure.is(Refused::Malformed), "{failure:?}");
        assert!(world.github().checks(hostile).await.is_err_and(|it| it.is(Refused::Malformed)));
    }
}

#[tokio::test]
async fn checks_and_statuses_are_taken_together() {
    let world = World::new().await;
    let (repository, github, sha) = (&world.repository, world.github(), &world.new);
    // Without any, GitHub's combined status is "pending".
    assert_eq!(github.checks(sha).await, Ok(Checks::None));
    repository.check(sha, "unit", "completed", Some("success"));
    repository.check(sha, "docs", "completed", Some("skipped"));
    assert_eq!(github.checks(sha).await, Ok(Checks::Passed(2)));
    repository.status(sha, "janky", "pending");
    repository.check(sha, "slow", "queued", None);
    assert_eq!(github.checks(sha).await, Ok(Checks::Pending(2)));
    repository.status(sha, "janky", "error");
    assert_eq!(github.checks(sha).await, Ok(Checks::Failed(vec!["janky".into()])));
    // The newest status of a context counts.
    repository.status(sha, "janky", "success");
    repository.check(sha, "lint", "completed", Some("timed_out"));
    assert_eq!(github.checks(sha).await, Ok(Checks::Failed(vec!["lint".into()])));
}

#[tokio::test]
async fn more_than_a_page_of_checks_is_read() {
    let world = World::new().await;
    for at in 0..130 {
        world.repository.check(&world.new, &format!("part {at}"), "completed", Some("success"));
    }
    assert_eq!(world.github().checks(&world.new).await, Ok(Checks::Passed(130)));
    world.repository.check(&world.new, "the last", "completed", Some("failure"));
    assert_eq!(world.github().checks(&world.new).await, Ok(Checks::Failed(vec!["the last".into()])));
}

#[tokio::test]
async fn a_deploy_that_failed_is_no_failed_check_of_its_commit() {
    let world = World::new().await;
    world.repository.workflow(super::workflow("tests.yml"));
    let run = world.started().await;
    let run = world.ci.run(run.id.parse().expect("a number"));
    run.begin();
    run.finish("failure");
    assert_eq!(world.github().checks(&world.new).await, Ok(Checks::None));
    // Nor is its own workflow's run that a push started, nor a neighbour's deploy.
    for (file, event) in [("deploy.yml", "push"), ("tests.yml", "workflow_dispatch")] {
        let run = world.ci.run(world.repository.started(file, event, "Dee", "main"));
        run.begin();
        run.finish("failure");
        assert_eq!(world.github().checks(&world.new).await, Ok(Checks::None), "{file} by {event}");
    }
    let tests = world.ci.run(world.repository.started("tests.yml", "push", "Till", "main"));
    tests.begin();
    tests.finish("failure");
    let checks = world.github().checks(&world.new).await;
    assert_eq!(checks, Ok(Checks::Failed(vec!["build".into()])));
}
