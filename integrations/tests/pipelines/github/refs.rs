//! Branches, tags and commits told apart.

use integrations::pipelines::{Pipeline, Refused};
use operations::pipeline::RefKind;

use super::World;

#[tokio::test]
async fn every_kind_of_reference_is_resolved() {
    let world = World::new().await;
    let repository = &world.repository;
    repository.branch("feature/x", &world.old);
    repository.tag("v1", &world.old);
    let inner = repository.annotated_tag("v2", "commit", &world.old);
    repository.annotated_tag("v3", "tag", &inner);
    let github = world.github();
    let cases = [
        (None, &world.new, RefKind::DefaultBranch),
        (Some("main"), &world.new, RefKind::DefaultBranch),
        (Some("refs/heads/main"), &world.new, RefKind::DefaultBranch),
        (Some("feature/x"), &world.old, RefKind::Branch),
        (Some("v1"), &world.old, RefKind::Tag),
        (Some("v2"), &world.old, RefKind::Tag),
        (Some("v3"), &world.old, RefKind::Tag),
        (Some("refs/tags/v3"), &world.old, RefKind::Tag),
        (Some(world.old.as_str()), &world.old, RefKind::Commit),
        (Some(&world.old[..8]), &world.old, RefKind::Commit),
    ];
    for (reference, sha, kind) in cases {
        let resolved = github.resolve(reference).await.expect("a commit");
        assert_eq!((resolved.commit.id.as_str(), resolved.kind), (sha.as_str(), kind), "{reference:?}");
    }
    let commit = github.resolve(Some("v2")).await.expect("a commit").commit;
    assert_eq!((commit.subject.as_str(), commit.author.as_str()), ("Basket", "Ann"));
    assert!(commit.at.is_some() && commit.url.expect("an address").contains("/acme/shop/commit/"));
    assert_eq!(world.ci.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn a_commit_that_is_on_no_branch_is_told_as_unmerged() {
    let world = World::new().await;
    let repository = &world.repository;
    // As a fork's commit is seen: it is there, and no branch leads to it.
    let forked = repository.push("fork", "Take everything", "Eve");
    let kind = async |reference: &str| world.github().resolve(Some(reference)).await.expect("a commit").kind;
    assert_eq!(kind(&forked).await, RefKind::Commit, "the newest of a branch of this repository");
    repository.delete_branch("fork");
    for reference in [&forked[..], &forked[..8], &forked.to_uppercase()] {
        assert_eq!(kind(reference).await, RefKind::Unmerged, "{reference}");
    }
    // What stands on the default branch is on it, at its end or below.
    for sha in [&world.old, &world.new] {
        assert_eq!(kind(sha).await, RefKind::Commit);
    }
    // A branch or a tag of this name can be made by those alone who may push there.
    repository.tag("v9", &forked);
    assert_eq!(kind("v9").await, RefKind::Tag);
    // The default is the target's own.
    repository.branch("stable", &world.old);
    repository.push("main", "Newest", "Bo");
    let stable = world.with(|target| target.default_ref = Some("stable".to_owned()));
    assert_eq!(stable.resolve(Some(&world.new)).await.expect("a commit").kind, RefKind::Unmerged);
    assert_eq!(stable.resolve(Some(&world.old)).await.expect("a commit").kind, RefKind::Commit);
    assert_eq!(world.ci.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_is_a_branch_and_a_tag_is_refused_until_it_is_written_in_full() {
    let world = World::new().await;
    world.repository.branch("v1", &world.new);
    world.repository.tag("v1", &world.old);
    let github = world.github();
    let failure = github.resolve(Some("v1")).await.expect_err("ambiguous");
    assert!(failure.is(Refused::Malformed) && failure.to_string().contains("refs/tags/v1"), "{failure:?}");
    for (reference, sha) in [("refs/heads/v1", &world.new), ("refs/tags/v1", &world.old)] {
        assert_eq!(github.resolve(Some(reference)).await.expect("a commit").commit.id.as_str(), sha);
    }
    let failure = github.start(&super::order(super::ID, "v1", &world.new)).await.expect_err("ambiguous");
    assert!(failure.is(Refused::Malformed), "{failure:?}");
}

#[tokio::test]
async fn a_branch_called_like_a_commit_is_never_taken_for_the_commit() {
    let world = World::new().await;
    // The branch wins on GitHub, so what is asked for by its full id would be another commit.
    world.repository.branch(&world.old, &world.new);
    let failure = world.github().resolve(Some(&world.old)).await.expect_err("not that commit");
    assert!(failure.is(Refused::NotFound), "{failure:?}");
    world.repository.branch(&world.old[..10], &world.new);
    let resolved = world.github().resolve(Some(&world.old[..10])).await.expect("a branch");
    assert_eq!((resolved.commit.id.as_str(), resolved.kind), (world.new.as_str(), RefKind::Branch));
}

#[tokio::test]
async fn what_is_not_there_or_no_commit_is_refused() {
    let world = World::new().await;
    world.repository.annotated_tag("tree", "tree", &"a".repeat(40));
    let github = world.github();
    for reference in ["gone", "refs/heads/gone", "refs/tags/gone", "abcdef123", &"b".repeat(40)] {
        let failure = github.resolve(Some(reference)).await.expect_err(reference);
        assert!(failure.is(Refused::NotFound), "{reference}: {failure:?}");
    }
    assert!(github.resolve(Some("tree")).await.is_err_and(|it| it.is(Refused::Malformed)));
    for reference in ["../../x", "x?y=1", "x y", "x\ny", "/x", "x/", "x.lock", "a@{1}"] {
        let failure = github.resolve(Some(reference)).await.expect_err(reference);
        assert!(failure.is(Refused::Malformed), "{reference}: {failure:?}");
    }
}

#[tokio::test]
async fn the_default_is_the_targets_or_the_repositorys() {
    let world = World::new().await;
    world.repository.branch("stable", &world.old);
    let stable = world.with(|target| target.default_ref = Some("stable".to_owned()));
    let resolved = stable.resolve(None).await.expect("a commit");
    assert_eq!((resolved.commit.id.as_str(), resolved.kind), (world.old.as_str(), RefKind::DefaultBranch));
    assert_eq!(stable.resolve(Some("main")).await.expect("a commit").kind, RefKind::Branch);
    world.repository.default_branch("stable");
    let resolved = world.github().resolve(None).await.expect("a commit");
    assert_eq!(resolved.commit.id.as_str(), world.old);
}
