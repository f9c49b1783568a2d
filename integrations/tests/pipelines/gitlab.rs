//! The GitLab adapter against a strict GitLab.

mod follow;
mod webhooks;
use std::collections::BTreeMap;
use std::time::Duration;

use integrations::clock::ManualClock;
use integrations::pipelines::gitlab::hook::{About, Denied, Hook};
use integrations::pipelines::gitlab::{Connection, GitLab, InputType, Names, Pass, Target};
use integrations::pipelines::{Failure, Pipeline, Refused};
use integrations::secret::Secret;
use operations::pipeline::{Checks, Gate, Order, RefKind, Run, RunState};
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::gitlab_peer::{Deployment, GitLab as Peer, TOKEN};
use crate::gitlab_server::{
    Answer, COMMIT, Fault, Server, is_transient, is_unknown, kind, now, order, passing, refusals, shared, words,
};

const NEWER: &str = "2222222222222222222222222222222222222222";
const START: &str = "POST /pipeline";

struct World {
    server: Server<Peer>,
    clock: ManualClock,
    gitlab: GitLab,
}

pub(crate) fn target() -> Target {
    Target {
        project: "team/checkout".to_owned(),
        job: None,
        pass: Pass::Variables,
        names: Names::variables(),
        types: BTreeMap::new(),
        chatops: false,
    }
}

async fn world_with(target: Target) -> World {
    let server = Server::start(Peer::new()).await;
    let clock = ManualClock::new(now());
    let connection = Connection { api_url: format!("{}/api/v4", server.address), token: Secret::new(TOKEN) };
    let gitlab = GitLab::new(connection, target, shared(&clock)).expect("a target");
    World { server, clock, gitlab }
}

async fn world() -> World {
    world_with(target()).await
}

impl World {
    async fn started(&self) -> Run {
        self.gitlab.start(&order("muster-d7-4f0c")).await.expect("started")
    }

    fn status(&self, run: &Run, status: &str) {
        let id = run.id.parse().expect("a number");
        self.server.with(|peer| peer.pipeline(id).status = status.to_owned());
    }

    fn job(&self, run: &Run, name: &str, status: &str) -> u64 {
        let id = run.id.parse().expect("a number");
        self.server.with(|peer| peer.add_job(id, name, status).id)
    }
}

#[tokio::test]
async fn a_pipeline_is_started_with_muster_s_values_and_found_by_its_id() {
    let world = world().await;
    let mut order = order("muster-d7-4f0c");
    order.parameters.insert("SIZE".to_owned(), "small".to_owned());
    let run = world.gitlab.start(&order).await.expect("started");
    assert_eq!(run.url.as_deref(), Some("https://gitlab.example.com/team/checkout/-/pipelines/61"));
    let made = world.server.with(|peer| peer.pipelines[0].clone());
    let expected = [
        ("MUSTER_COMMIT", COMMIT),
        ("MUSTER_ENVIRONMENT", "production"),
        ("MUSTER_ID", "muster-d7-4f0c"),
        ("MUSTER_ROLLBACK", "false"),
        ("MUSTER_SERVICE", "checkout"),
        ("SIZE", "small"),
    ];
    assert_eq!(made.variables, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(made.reference, "refs/heads/main");
    assert_eq!(world.gitlab.find(&order).await, Ok(Some(run)));
    for near in ["muster-d7-4f0", "muster-d7-4f0c1", "muster-d7"] {
        assert_eq!(world.gitlab.find(&Order { id: near.to_owned(), ..order.clone() }).await, Ok(None), "{near}");
    }
}

#[tokio::test]
async fn existing_chatops_jobs_get_their_variables() {
    let world = world_with(Target { chatops: true, ..target() }).await;
    world.started().await;
    let made = world.server.with(|peer| peer.pipelines[0].variables.clone());
    let value = |name: &str| made.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(value("CHAT_INPUT"), Some("checkout production main"));
    assert_eq!(value("CHAT_CHANNEL"), Some("muster"));
    assert_eq!(value("CHAT_USER_ID"), Some("Ann reboot"), "nothing that a shell would run");
}

#[tokio::test]
async fn inputs_are_typed_and_the_pipeline_is_found_by_its_name() {
    let types = [("count".to_owned(), InputType::Number), ("dry".to_owned(), InputType::Boolean)].into();
    let world = world_with(Target { pass: Pass::Inputs, names: Names::inputs(), types, ..target() }).await;
    let names = ["id", "service", "environment", "commit", "rollback"].map(|name| format!("muster_{name}"));
    world.server.with(|peer| peer.inputs = names.into_iter().chain(["count".to_owned(), "dry".to_owned()]).collect());
    let mut order = order("muster-d7-4f0c");
    order.parameters = [("count".to_owned(), "3".to_owned()), ("dry".to_owned(), "true".to_owned())].into();
    let run = world.gitlab.start(&order).await.expect("started");
    let inputs = world.server.with(|peer| peer.pipelines[0].inputs.clone());
    assert_eq!((&inputs["count"], &inputs["dry"]), (&json!(3), &json!(true)));
    assert_eq!(world.gitlab.find(&order).await, Ok(Some(run)));
    let near = Order { id: "muster-d7-4f0".to_owned(), ..order.clone() };
    assert_eq!(world.gitlab.find(&near).await, Ok(None));
    assert_eq!(world.server.asked("GET /variables").len(), 0);
    order.parameters = [("count".to_owned(), "many".to_owned())].into();
    assert_eq!(kind(&world.gitlab.start(&order).await), Some(Refused::Malformed));
    order.parameters = [("undeclared".to_owned(), "x".to_owned())].into();
    let refused = world.gitlab.start(&order).await;
    assert!(words(&refused).contains("not defined in the `spec`"), "{refused:?}");
}

#[tokio::test]
async fn a_branch_that_moved_before_the_start_is_told_of_and_nothing_is_started() {
    let world = world().await;
    world.server.with(|peer| {
        peer.commits.push(NEWER.to_owned());
        peer.branches.insert("main".to_owned(), NEWER.to_owned());
    });
    let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
    assert_eq!(kind(&refused), Some(Refused::Conflict));
    assert!(words(&refused).contains("stands at 2222222 now"), "{refused:?}");
    assert_eq!(world.server.asked(START).len(), 0);
    // A tag at the commit is as good.
    world.server.with(|peer| peer.tags.insert("v1".to_owned(), COMMIT.to_owned()));
    world.started().await;
    assert_eq!(world.server.with(|peer| peer.pipelines[0].reference.clone()), "refs/tags/v1");
}

#[tokio::test]
async fn a_pipeline_of_another_commit_is_cancelled_and_told_of() {
    let world = world().await;
    world.server.with(|peer| peer.moves_to = Some(NEWER.to_owned()));
    let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
    assert_eq!(kind(&refused), Some(Refused::Conflict));
    assert!(words(&refused).contains("2222222 instead of 1111111") && words(&refused).contains("it was cancelled"));
    assert_eq!(world.server.with(|peer| peer.pipelines[0].status.clone()), "canceled");
    // Looking for it does not take it for the right one either.
    let found = world.gitlab.find(&order("muster-d7-4f0c")).await;
    assert_eq!(kind(&found), Some(Refused::Conflict), "{found:?}");
}

#[tokio::test]
async fn one_of_another_commit_that_can_not_be_cancelled_is_told_of_too() {
    let world = world().await;
    world.server.with(|peer| peer.moves_to = Some(NEWER.to_owned()));
    world.server.fault("POST /cancel", Fault::Instead(Answer::json(403, &json!({ "message": "403 Forbidden" }))));
    let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
    assert!(words(&refused).contains("could not be cancelled"), "{refused:?}");
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_unknown_and_found_and_sent_once() {
    let html = Answer::text(200, "<html>").with("content-type", "text/html");
    let broken = Answer::text(502, "bad gateway");
    for fault in [Fault::Dropped, Fault::After(html), Fault::After(broken)] {
        let world = world().await;
        // A neighbour's pipeline of the same commit, and an old one of our own.
        world.gitlab.start(&order("muster-d7-4f0")).await.expect("started");
        world.server.fault(START, fault.clone());
        let started = world.gitlab.start(&order("muster-d7-4f0c")).await;
        assert!(is_unknown(&started), "{fault:?}: {started:?}");
        assert_eq!(world.server.asked(START).len(), 2);
        let found = world.gitlab.find(&order("muster-d7-4f0c")).await.expect("looked for").expect("found");
        assert_eq!(found.id, "62", "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_of_a_start_are_told_apart_and_no_secret_is_in_them() {
    let body = json!({ "message": format!("no: {TOKEN} glpat-x7Kq2mP9vT4nR8sW1zYb") });
    for (answer, expected) in refusals(&body) {
        let world = world().await;
        world.server.fault(START, Fault::Instead(answer.clone()));
        let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
        assert_eq!(kind(&refused), expected, "{answer:?}");
        assert!(!words(&refused).contains("glpat-") && !format!("{refused:?}").contains(TOKEN), "{refused:?}");
        assert_eq!(world.server.asked(START).len(), 1);
        if answer.status == 429 {
            let seconds = if answer.headers.iter().any(|(name, _)| name == "retry-after") { 30 } else { 1 };
            let wait = Some(Duration::from_secs(seconds));
            assert!(matches!(refused, Err(Failure::Transient { retry_after, .. }) if retry_after == wait));
        }
    }
    let world = world().await;
    world.server.fault(START, Fault::Instead(Answer::text(503, "down")));
    assert!(is_unknown(&world.gitlab.start(&order("muster-d7-4f0c")).await));
}

#[tokio::test]
async fn what_goes_away_is_asked_again_and_what_stays_is_told() {
    let world = world().await;
    let run = world.started().await;
    for _ in 0..2 {
        world.server.fault("GET /pipelines/61", Fault::Instead(Answer::text(503, "down")));
    }
    assert!(passing(&world.clock, world.gitlab.look(&run)).await.is_ok());
    for _ in 0..3 {
        world.server.fault("GET /pipelines/61", Fault::Dropped);
    }
    assert!(is_transient(&passing(&world.clock, world.gitlab.look(&run)).await));
    for (answer, expected) in refusals(&json!({ "message": "no" })) {
        if answer.status == 429 {
            continue;
        }
        world.server.fault("GET /pipelines/61", Fault::Instead(answer));
        assert_eq!(kind(&world.gitlab.look(&run).await), expected);
    }
    world.server.fault("GET /pipelines/61", Fault::Instead(Answer::text(200, "<html>")));
    assert!(is_transient(&world.gitlab.look(&run).await), "a page of a proxy");
    let limit = Answer::json(429, &json!({})).with("retry-after", "60");
    world.server.fault("GET /pipelines/61", Fault::Instead(limit));
    let wait = Some(Duration::from_secs(60));
    let limited = world.gitlab.look(&run).await;
    assert!(matches!(limited, Err(Failure::Transient { retry_after, .. }) if retry_after == wait), "{limited:?}");
}

#[tokio::test]
async fn variables_that_a_project_forbids_are_told_with_what_to_do() {
    let world = world().await;
    world.server.with(|peer| peer.forbids_variables = true);
    let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
    assert_eq!(kind(&refused), Some(Refused::Forbidden));
    assert!(words(&refused).contains("pass inputs"), "{refused:?}");
}

#[tokio::test]
async fn a_value_that_gitlab_would_expand_and_a_name_that_is_muster_s_are_refused() {
    let world = world().await;
    for (name, value) in [("SIZE", "$DEPLOY_KEY"), ("MUSTER_ID", "other")] {
        let mut order = order("muster-d7-4f0c");
        order.parameters.insert(name.to_owned(), value.to_owned());
        assert_eq!(kind(&world.gitlab.start(&order).await), Some(Refused::Malformed), "{name}");
    }
    assert_eq!(world.server.asked("POST").len(), 0);
}

#[tokio::test]
async fn looking_for_a_run_goes_through_all_pages_of_the_last_day_and_follows_no_address() {
    let world = world().await;
    let mine = world.started().await;
    world.server.with(|peer| {
        let mut other = peer.pipelines[0].clone();
        other.sha = NEWER.to_owned();
        other.variables = vec![("MUSTER_ID".to_owned(), "muster-d7-4f0c-2".to_owned())];
        for id in 62..280 {
            peer.pipelines.push(crate::gitlab_peer::Pipeline { id, ..other.clone() });
        }
    });
    assert_eq!(world.gitlab.find(&order("muster-d7-4f0c")).await, Ok(Some(mine)));
    assert_eq!(world.server.asked("GET /pipelines").len(), 3);
    // One of the day before yesterday is not looked at.
    world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(world.gitlab.find(&order("muster-d7-4f0c")).await, Ok(None));
}

#[tokio::test]
async fn branches_tags_and_commits_are_told_apart() {
    let world = world().await;
    let hash = "3".repeat(40);
    world.server.with(|peer| {
        peer.commits = [COMMIT, NEWER, &hash].map(str::to_owned).to_vec();
        let branches = [("main", COMMIT), ("feature/x", NEWER), ("both", COMMIT), ("2222222", COMMIT)];
        peer.branches = branches.map(|(name, sha)| (name.to_owned(), sha.to_owned())).into();
        peer.branches.insert(hash.clone(), COMMIT.to_owned());
        peer.tags = [("v1", NEWER), ("both", NEWER)].map(|(name, sha)| (name.to_owned(), sha.to_owned())).into();
    });
    let cases = [
        (None, COMMIT, RefKind::DefaultBranch),
        (Some("main"), COMMIT, RefKind::DefaultBranch),
        (Some("feature/x"), NEWER, RefKind::Branch),
        (Some("v1"), NEWER, RefKind::Tag),
        (Some("refs/tags/both"), NEWER, RefKind::Tag),
        (Some("refs/heads/both"), COMMIT, RefKind::Branch),
        (Some(NEWER), NEWER, RefKind::Commit),
        (Some("1111111"), COMMIT, RefKind::Commit),
        // A branch that is called like a commit's beginning is the branch.
        (Some("2222222"), COMMIT, RefKind::Branch),
    ];
    for (reference, commit, expected) in cases {
        let resolved = world.gitlab.resolve(reference).await.expect("resolved");
        assert_eq!((resolved.commit.id.as_str(), resolved.kind), (commit, expected), "{reference:?}");
    }
    let main = world.gitlab.resolve(None).await.expect("resolved").commit;
    assert_eq!((main.subject.as_str(), main.author.as_str()), ("Change 111", "Bo"));
    assert_eq!(main.at.map(|at| at.to_string()).as_deref(), Some("2026-09-20T08:00:00Z"));
    // GitLab answers with the branch's commit where a branch is called like a commit: that is not it.
    assert_eq!(kind(&world.gitlab.resolve(Some("both")).await), Some(Refused::Malformed));
    let named = world.gitlab.resolve(Some(&hash)).await.expect("resolved");
    assert_eq!((named.commit.id.as_str(), named.kind), (COMMIT, RefKind::Branch));
    for reference in ["none", "4444444", "../../..", "main?x=1", "a\nb", "%2e%2e"] {
        assert_eq!(kind(&world.gitlab.resolve(Some(reference)).await), Some(Refused::NotFound), "{reference:?}");
    }
    for asked in world.server.asked("GET") {
        assert!(asked.path.starts_with("/api/v4/projects/team%2Fcheckout"), "{}", asked.path);
        assert!(!asked.query.contains_key("x"));
    }
}

#[tokio::test]
async fn a_project_that_may_not_be_seen_is_not_taken_for_a_branch_that_is_not_there() {
    let world = world_with(Target { project: "team/other".to_owned(), ..target() }).await;
    let refused = world.gitlab.resolve(Some("main")).await;
    assert!(words(&refused).contains("Project Not Found"), "{refused:?}");
}

#[tokio::test]
async fn a_tag_that_is_called_like_the_branch_is_not_started_in_its_place() {
    let world = world().await;
    world.server.with(|peer| peer.tags.insert("main".to_owned(), NEWER.to_owned()));
    world.started().await;
    assert_eq!(world.server.with(|peer| peer.pipelines[0].reference.clone()), "refs/heads/main");
}

#[tokio::test]
async fn what_lies_between_two_commits_is_told() {
    let world = world().await;
    let chain: Vec<String> = (0..30).map(|n| format!("{:02}{}", n + 40, "a".repeat(38))).collect();
    world.server.with(|peer| peer.commits = chain.clone());
    let changes = world.gitlab.changes(&chain[2], &chain[27]).await.expect("compared");
    assert_eq!((changes.ahead, changes.behind, changes.commits.len()), (25, 0, 20));
    assert_eq!(changes.commits[0].id.as_str(), chain[27], "the newest first");
    assert_eq!(changes.authors.len(), 1);
    assert!(!changes.pulls.is_empty() && changes.pulls.len() < 5, "each once: {:?}", changes.pulls);
    let page = format!("https://gitlab.example.com/team/checkout/-/compare/{}...{}", chain[2], chain[27]);
    assert_eq!(changes.url, Some(page));
    let back = world.gitlab.changes(&chain[27], &chain[2]).await.expect("compared");
    assert_eq!((back.ahead, back.behind), (0, 25));
    // GitLab lists nothing for a range that it does not know; that is not "no changes".
    for (from, to) in [(COMMIT, chain[2].as_str()), (&chain[2], COMMIT), ("main", &chain[2]), ("../..", &chain[2])] {
        assert_eq!(kind(&world.gitlab.changes(from, to).await), Some(Refused::NotFound), "{from} {to}");
    }
}

#[tokio::test]
async fn wrong_settings_are_told_with_the_field() {
    let shared = shared(&ManualClock::new(now()));
    let connection = |url: &str, token: &str| Connection { api_url: url.to_owned(), token: Secret::new(token) };
    let wrong = [
        (connection("gitlab.com", TOKEN), target(), "GitLab"),
        (connection(Connection::API_URL, " "), target(), "token"),
        (connection(Connection::API_URL, TOKEN), Target { project: "a/../b".to_owned(), ..target() }, "project"),
        (connection(Connection::API_URL, TOKEN), Target { project: "a b?x".to_owned(), ..target() }, "project"),
        (connection(Connection::API_URL, TOKEN), Target { job: Some(String::new()), ..target() }, "job"),
        (connection(Connection::API_URL, TOKEN), Target { pass: Pass::Inputs, chatops: true, ..target() }, "chatops"),
    ];
    for (connection, target, field) in wrong {
        let why = GitLab::new(connection, target, shared.clone()).err().expect("refused");
        assert!(why.contains(field), "{why}");
    }
    for names in [
        Names { id: String::new(), ..Names::variables() },
        Names { service: "A B".to_owned(), ..Names::variables() },
        Names { service: "MUSTER_ID".to_owned(), ..Names::variables() },
    ] {
        let target = Target { names, ..target() };
        let why = GitLab::new(connection(Connection::API_URL, TOKEN), target, shared.clone()).err().expect("refused");
        assert!(why.contains("names"), "{why}");
    }
    let shown = format!("{:?}", connection(Connection::API_URL, TOKEN));
    assert!(!shown.contains(TOKEN));
}
